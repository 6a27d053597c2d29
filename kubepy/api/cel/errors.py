"""What can go wrong: an expression that does not compile, and one that fails while it runs.

`CompileError.issues` carries every finding with its place; `str(error)` is what cel-go prints (one block per
finding: `ERROR: <input>:1:5: text`, the source line, a caret), which Kubernetes copies into its field errors.
`CelError` is the value "error" of the language: `&&`, `||` and the quantifiers absorb it. `CostExceeded` is
not absorbed by anything.

Source: cel-go common/error.go, common/errors.go.
"""

from __future__ import annotations

from msgspec import Struct

# Source: cel-go common/error.go, maxSnippetLength: longer lines are not repeated in the text.
_SNIPPET_CHARS_MAX = 16384


class CelError(Exception):
    """An expression failed: no such key, division by zero, no such overload ..."""


class CostExceeded(CelError):
    """The expression used up its run-time cost; never absorbed by logic operators."""

    def __init__(self) -> None:
        super().__init__("operation cancelled: actual cost limit exceeded")


class Issue(Struct, frozen=True):
    """One finding. `offset` counts code points from 0; -1 = the expression as a whole."""

    offset: int
    message: str

    def render(self, source: str) -> str:
        if self.offset < 0:
            return f"ERROR: <input>:-1:0: {self.message}"
        if not source:
            return f"ERROR: <input>:1:0: {self.message}"
        start = source.rfind("\n", 0, self.offset) + 1
        end = source.find("\n", start)
        line = source[start : end if end >= 0 else len(source)]
        row = source.count("\n", 0, self.offset) + 1
        column = self.offset - start
        text = f"ERROR: <input>:{row}:{column + 1}: {self.message}"
        if len(line) > _SNIPPET_CHARS_MAX:
            return text
        # Wide dots keep the caret under a character that is more than one byte in UTF-8.
        dots = "".join("." if ord(c) < 0x80 else "．" for c in line[:column])
        caret = "＾" if column < len(line) and ord(line[column]) >= 0x80 else "^"
        return f"{text}\n | {line.replace(chr(9), ' ')}\n | {dots}{caret}"


class CompileError(Exception):
    """The expression is not valid CEL, or not of the type wanted."""

    def __init__(self, issues: list[Issue], source: str) -> None:
        self.issues = sorted(issues, key=lambda issue: issue.offset)
        self.source = source
        super().__init__("\n".join(issue.render(source) for issue in self.issues))


class ResultTypeError(CompileError):
    """The expression is valid but evaluates to another type than wanted; callers word it their own way."""

    def __init__(self, expected: str, actual: str, source: str) -> None:
        super().__init__([Issue(-1, f"must evaluate to {expected}")], source)
        self.expected = expected
        self.actual = actual
