"""A pattern as a nondeterministic automaton: its states, and what can be reached from them without reading.

Source: Russ Cox, "Regular Expression Matching: the Virtual Machine Approach"; Go regexp/syntax/compile.go.
"""

from __future__ import annotations

from msgspec import Struct, field

from kubepy.api.cel.regexp.syntax import Assert, Chars, Choice, Ranges, Repeat, Sequence, Tree


class _Node(Struct):
    """One state: reads a character of `ranges`, or (ranges None) goes on to `out` freely if `assertion` holds."""

    ranges: Ranges | None = None
    assertion: str = ""
    out: list[int] = field(default_factory=list)


class Automaton:
    """Thompson's construction; state 0 is the match. Earlier ways out are preferred."""

    def __init__(self, tree: Tree) -> None:
        self.nodes: list[_Node] = [_Node()]
        self.start = self._build(tree, 0)

    def _new(self, node: _Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def _build(self, node: Tree, then: int) -> int:
        if isinstance(node, Chars):
            return self._new(_Node(ranges=node.ranges, out=[then]))
        if isinstance(node, Assert):
            return self._new(_Node(assertion=node.kind, out=[then]))
        if isinstance(node, Sequence):
            for part in reversed(node.parts):
                then = self._build(part, then)
            return then
        if isinstance(node, Choice):
            return self._new(_Node(out=[self._build(option, then) for option in node.options]))
        return self._repeat(node, then)

    def _repeat(self, node: Repeat, then: int) -> int:
        if node.max is None:
            loop = self._new(_Node())
            body = self._build(node.body, loop)
            self.nodes[loop].out = [body, then] if node.greedy else [then, body]
            then = loop
        else:
            end = then
            for _ in range(node.max - node.min):
                body = self._build(node.body, then)
                then = self._new(_Node(out=[body, end] if node.greedy else [end, body]))
        for _ in range(node.min):
            then = self._build(node.body, then)
        return then

    def closure(self, states: list[int], before: str, after: str) -> list[int]:
        """The reading states (and 0) reachable freely between two characters ("" = the text's end), best first."""
        seen: set[int] = set()
        found: list[int] = []
        stack = states[::-1]
        while stack:
            state = stack.pop()
            if state in seen:
                continue
            seen.add(state)
            node = self.nodes[state]
            if state == 0 or node.ranges is not None:
                found.append(state)
            elif not node.assertion or _holds(node.assertion, before, after):
                stack.extend(reversed(node.out))
        return found

    def reads(self, state: int, code: int) -> bool:
        ranges = self.nodes[state].ranges
        return ranges is not None and any(low <= code <= high for low, high in ranges)


def _is_word(char: str) -> bool:
    return char.isascii() and (char.isalnum() or char == "_")


def _holds(kind: str, before: str, after: str) -> bool:
    if kind == "\\A":
        return not before
    if kind == "\\z":
        return not after
    if kind == "^":
        return before in ("", "\n")
    if kind == "$":
        return after in ("", "\n")
    return (_is_word(before) != _is_word(after)) == (kind == "\\b")


def context_of(char: str) -> str:
    """One character that stands for all that assertions treat alike."""
    if char in ("", "\n"):
        return char
    return "a" if _is_word(char) else "-"
