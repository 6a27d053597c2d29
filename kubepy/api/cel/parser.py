"""Tokens to syntax tree; the macros are expanded on the way.

Recursive descent with precedence climbing: three Python frames per pair of parentheses, so that the 250 levels
Kubernetes allows fit under Python's own limit. Chains of && and || become balanced trees.

Errors: the first syntax error ends the parse (a surplus or missing token is reported and repaired, as cel-go does);
macro misuse is reported and parsing goes on. Not promised: the follow-up errors of cel-go's recovery after a
mismatch, which depend on its generated automaton.

Source: cel-go parser/gen/CEL.g4, parser/parser.go, parser/helper.go, and errors as in ANTLR's default strategy.
"""

from __future__ import annotations

from kubepy.api.cel import lexer, macros
from kubepy.api.cel.ast import Call, Entry, Expr, Ident, ListExpr, Literal, MapExpr, Select, Struct
from kubepy.api.cel.errors import CompileError, Issue
from kubepy.api.cel.lexer import Token
from kubepy.api.cel.limits import EXPRESSION_CHARS_MAX, EXPRESSION_DEPTH_MAX
from kubepy.api.cel.values import Uint

_BINARY = {
    "||": (1, "_||_"),
    "&&": (2, "_&&_"),
    "<": (3, "_<_"),
    "<=": (3, "_<=_"),
    ">=": (3, "_>=_"),
    ">": (3, "_>_"),
    "==": (3, "_==_"),
    "!=": (3, "_!=_"),
    "in": (3, "@in"),
    "+": (4, "_+_"),
    "-": (4, "_-_"),
    "*": (5, "_*_"),
    "/": (5, "_/_"),
    "%": (5, "_%_"),
}
# Names that are no variables, though a field may be called so.
_RESERVED = frozenset(
    [
        "as",
        "break",
        "const",
        "continue",
        "else",
        "false",
        "for",
        "function",
        "if",
        "import",
        "in",
        "let",
        "loop",
        "package",
        "namespace",
        "null",
        "return",
        "true",
        "var",
        "void",
        "while",
    ]
)
_STARTS = (
    "'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', "
    "NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER"
)
_MAP_STARTS = (
    "'[', '{', '}', '(', '.', ',', '-', '!', '?', 'true', 'false', 'null', "
    "NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER"
)
# The same where something else may come as well: in a list, an index, the arguments of a call, an object.
_LIST_STARTS = _STARTS.replace("'{', '(', '.', '-', '!'", "']', '{', '(', '.', ',', '-', '!', '?'")
_INDEX_STARTS = _STARTS.replace("'!',", "'!', '?',")
_ARGUMENT_STARTS = _STARTS.replace("'(',", "'(', ')',")
_FIELD_STARTS = "'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER"
_START_KINDS = frozenset(
    [
        "[",
        "{",
        "(",
        ".",
        "-",
        "!",
        "true",
        "false",
        "null",
        "NUM_FLOAT",
        "NUM_INT",
        "NUM_UINT",
        "STRING",
        "BYTES",
        "IDENTIFIER",
    ]
)
_LITERAL_KINDS = frozenset(["true", "false", "null", "NUM_FLOAT", "NUM_INT", "NUM_UINT", "STRING", "BYTES"])
# What may come after a closing bracket: seeing it where the bracket should be means that only that is missing.
_AFTER_CLOSER = frozenset([*_BINARY, "?", ":", ".", "[", ")", "]", "}", ",", "<EOF>"])
_INT_MAX = (1 << 63) - 1
_UINT_MAX = (1 << 64) - 1


class _Stop(Exception):
    """Parsing cannot go on; the issues say why."""


def parse(source: str) -> Expr:
    """The tree of an expression. Raises CompileError."""
    if len(source) > EXPRESSION_CHARS_MAX:
        text = f"expression code point size exceeds limit: size: {len(source)}, limit {EXPRESSION_CHARS_MAX}"
        raise CompileError([Issue(-1, text)], source)
    parser = _Parser(source)
    tree: Expr | None = None
    try:
        tree = parser.whole()
    except _Stop:
        pass
    if parser.issues or tree is None:
        raise CompileError(parser.issues, source)
    return tree


class _Parser:
    def __init__(self, source: str) -> None:
        self.issues: list[Issue] = []
        self.tokens = lexer.tokens(source, self.issues)
        self.at = 0
        self.token = self.tokens[0]
        self.depth = 0

    # -- tokens

    def next(self) -> Token:
        token = self.token
        self.at += 1
        self.token = self.tokens[min(self.at, len(self.tokens) - 1)]
        return token

    def peek(self) -> Token:
        return self.tokens[min(self.at + 1, len(self.tokens) - 1)]

    def syntax(self, text: str, offset: int | None = None) -> None:
        self.issues.append(Issue(self.token.offset if offset is None else offset, f"Syntax error: {text}"))

    def expect(self, kind: str) -> Token:
        if self.token.kind == kind:
            return self.next()
        if self.peek().kind == kind:
            self.syntax(f"extraneous input '{self.token.text}' expecting {_name(kind)}")
            self.next()
            return self.next()
        if kind in ")]}" and self.token.kind in _AFTER_CLOSER:
            self.syntax(f"missing {_name(kind)} at '{self.token.text}'")
            return self.token
        self.syntax(f"mismatched input '{self.token.text}' expecting {_name(kind)}")
        raise _Stop

    def close(self, kind: str, *, after_comma: bool) -> None:
        """The end of a list, map or object: without a comma before it one could come as well."""
        if after_comma or self.token.kind == kind:
            self.expect(kind)
            return
        is_extra = self.peek().kind in (kind, ",")
        what = "extraneous" if is_extra else "mismatched"
        self.syntax(f"{what} input '{self.token.text}' expecting {{{_name(kind)}, ','}}")
        if not is_extra or self.peek().kind != kind:
            raise _Stop
        self.next()
        self.next()

    def begin(self, starts: str) -> None:
        """Something must come."""
        if self.token.kind == "<EOF>":
            self.syntax(f"mismatched input '<EOF>' expecting {{{starts}}}")
            raise _Stop

    def report(self, offset: int, text: str) -> None:
        self.issues.append(Issue(offset, text))

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > EXPRESSION_DEPTH_MAX:
            self.issues.append(Issue(-1, f"expression recursion limit exceeded: {EXPRESSION_DEPTH_MAX}"))
            raise _Stop

    # -- grammar

    def whole(self) -> Expr:
        tree = self.expr()
        if self.token.kind != "<EOF>":
            what = "extraneous" if self.peek().kind == "<EOF>" else "mismatched"
            self.syntax(f"{what} input '{self.token.text}' expecting <EOF>")
        return tree

    def expr(self) -> Expr:
        self.deeper()
        condition = self.binary(1)
        if self.token.kind == "?":
            op = self.next()
            yes = self.binary(1)
            self.expect(":")
            no = self.expr()
            condition = Call(op.offset, "_?_:_", [condition, yes, no])
        self.depth -= 1
        return condition

    def binary(self, lowest: int) -> Expr:
        left = self.unary()
        chained = 0
        while True:
            found = _BINARY.get(self.token.kind)
            if found is None or found[0] < lowest:
                self.depth -= chained
                return left
            rank, function = found
            if rank <= 2:
                left = self.logic(left, rank, function)
                continue
            op = self.next()
            # A chain of n operators is a tree of depth n.
            self.deeper()
            chained += 1
            left = Call(op.offset, function, [left, self.binary(rank + 1)])

    def logic(self, first: Expr, rank: int, function: str) -> Expr:
        terms = [first]
        ops: list[int] = []
        symbol = self.token.kind
        while self.token.kind == symbol:
            ops.append(self.next().offset)
            terms.append(self.binary(rank + 1))
        return _balanced(function, terms, ops, 0, len(ops) - 1)

    def unary(self) -> Expr:
        """A member expression and its prefixes, all of one kind: `!!a`, `--a`, never `!-a`."""
        kind = self.token.kind
        prefix: Token | None = None
        odd = False
        if kind == "!" or (kind == "-" and self.peek().kind not in ("NUM_INT", "NUM_FLOAT")):
            prefix = self.token
            while self.token.kind == kind:
                self.next()
                odd = not odd
        if self.token.kind == "(":
            # here and not in primary(): one Python frame less for each level
            self.next()
            node = self.expr()
            self.expect(")")
        else:
            node = self.primary()
        chained = 0
        while self.token.kind in (".", "["):
            self.deeper()
            chained += 1
            node = self.selection(node) if self.token.kind == "." else self.index(node)
        self.depth -= chained
        if prefix is None or not odd:
            return node
        return Call(prefix.offset, "!_" if prefix.kind == "!" else "-_", [node])

    def index(self, target: Expr) -> Expr:
        op = self.next()
        self.begin(_INDEX_STARTS)
        optional = self.token.kind == "?" and bool(self.next())
        index = self.expr()
        self.expect("]")
        return Call(op.offset, "_[?_]" if optional else "_[_]", [target, index])

    def selection(self, operand: Expr) -> Expr:
        dot = self.next()
        optional = self.token.kind == "?" and bool(self.next())
        if self.token.kind == "ESC_IDENTIFIER":
            self.report(self.token.offset, "unsupported syntax: '`'")
        elif self.token.kind != "IDENTIFIER":
            if self.token.kind in ("true", "false", "null"):
                self.syntax(f"mismatched input '{self.token.text}' expecting IDENTIFIER")
            else:
                self.syntax(f"no viable alternative at input '.{self.token.text.replace('<EOF>', '')}'")
            raise _Stop
        name = self.next()
        if optional:
            field = Literal(name.offset, name.text)
            return Call(dot.offset, "_?._", [operand, field])
        if self.token.kind != "(":
            return Select(dot.offset, operand, name.text)
        paren = self.next()
        args = self.arguments()
        return self.call(paren.offset, name.text, args, operand)

    def arguments(self) -> list[Expr]:
        args: list[Expr] = []
        self.begin(_ARGUMENT_STARTS)
        if self.token.kind != ")":
            args.append(self.expr())
            while self.token.kind == ",":
                self.next()
                args.append(self.expr())
        self.expect(")")
        return args

    def call(self, offset: int, function: str, args: list[Expr], target: Expr | None) -> Expr:
        macro = macros.MACROS.get((function, len(args), target is not None))
        if macro is None:
            return Call(offset, function, args, target)
        try:
            return macro(offset, target, args)
        except macros.Misuse as misuse:
            self.report(misuse.offset, misuse.text)
            return Literal(offset, None)

    def primary(self) -> Expr:
        token = self.token
        kind = token.kind
        if kind == "IDENTIFIER" or (kind == "." and self.peek().kind == "IDENTIFIER"):
            return self.named()
        if kind == "[":
            return self.list_literal()
        if kind == "{":
            return self.map_literal()
        if kind in _LITERAL_KINDS or (kind == "-" and self.peek().kind in ("NUM_INT", "NUM_FLOAT")):
            return self.literal()
        if self.peek().kind in _START_KINDS and kind != "<EOF>":
            self.syntax(f"extraneous input '{token.text}' expecting {{{_STARTS}}}")
            self.next()
            return self.unary()
        self.syntax(f"mismatched input '{token.text}' expecting {{{_STARTS}}}")
        raise _Stop

    def named(self) -> Expr:
        struct = self.struct_name()
        if struct:
            return self.struct_literal(struct)
        leading = "." if self.token.kind == "." and self.next() else ""
        name = self.next()
        if name.text in _RESERVED:
            self.report(name.offset, f"reserved identifier: {name.text}")
        if self.token.kind == "(":
            paren = self.next()
            return self.call(paren.offset, leading + name.text, self.arguments(), None)
        return Ident(name.offset, leading + name.text)

    def struct_name(self) -> str:
        """`a.b.C` if the tokens ahead are that and an opening brace, and they are then consumed; else ""."""
        at = self.at + (self.token.kind == ".")
        while self.tokens[at].kind == "IDENTIFIER":
            at += 1
            if self.tokens[at].kind == "{":
                name = "".join(token.text for token in self.tokens[self.at : at])
                self.at = at
                self.token = self.tokens[at]
                return name
            if self.tokens[at].kind != ".":
                break
            at += 1
        return ""

    def struct_literal(self, name: str) -> Expr:
        brace = self.next()
        self.begin(_FIELD_STARTS)
        entries: list[Entry] = []
        comma = True
        while self.token.kind not in ("}", "<EOF>"):
            optional = self.token.kind == "?" and bool(self.next())
            if self.token.kind == "ESC_IDENTIFIER":
                self.report(self.token.offset, "unsupported syntax: '`'")
            elif self.token.kind != "IDENTIFIER":
                expected = "IDENTIFIER, ESC_IDENTIFIER" if optional else _FIELD_STARTS
                self.syntax(f"mismatched input '{self.token.text}' expecting {{{expected}}}")
                raise _Stop
            field = self.next()
            colon = self.expect(":")
            entries.append(Entry(colon.offset, field.text, self.expr(), optional))
            comma = self.token.kind == ","
            if not comma:
                break
            self.next()
        self.close("}", after_comma=comma)
        return Struct(brace.offset, name, entries)

    def list_literal(self) -> Expr:
        bracket = self.next()
        self.begin(_LIST_STARTS)
        elements: list[Expr] = []
        comma = True
        optional: set[int] = set()
        while self.token.kind not in ("]", "<EOF>"):
            if self.token.kind == "," and not elements:
                self.next()
                break
            if self.token.kind == "?":
                self.next()
                optional.add(len(elements))
            elements.append(self.expr())
            comma = self.token.kind == ","
            if not comma:
                break
            self.next()
        self.close("]", after_comma=comma)
        return ListExpr(bracket.offset, elements, frozenset(optional))

    def map_literal(self) -> Expr:
        brace = self.next()
        entries: list[Entry] = []
        comma = True
        while self.token.kind != "}" and not (entries and self.token.kind == "<EOF>"):
            if self.token.kind == "," and not entries:
                self.next()
                break
            if not entries and self.token.kind not in _START_KINDS and self.token.kind != "?":
                self.syntax(f"mismatched input '{self.token.text}' expecting {{{_MAP_STARTS}}}")
                raise _Stop
            optional = self.token.kind == "?" and bool(self.next())
            key = self.expr()
            colon = self.expect(":")
            entries.append(Entry(colon.offset, key, self.expr(), optional))
            comma = self.token.kind == ","
            if not comma:
                break
            self.next()
        self.close("}", after_comma=comma)
        return MapExpr(brace.offset, entries)

    def literal(self) -> Expr:
        first = self.next()
        sign = ""
        token = first
        if first.kind == "-":
            sign = "-"
            token = self.next()
        kind, text = token.kind, token.text
        if kind == "NUM_INT":
            number = _integer(text)
            number = -number if sign else number
            if not -_INT_MAX - 1 <= number <= _INT_MAX:
                self.report(first.offset, "invalid int literal")
            return Literal(first.offset, number)
        if kind == "NUM_UINT":
            number = _integer(text[:-1])
            if number > _UINT_MAX:
                self.report(first.offset, "invalid uint literal")
            return Literal(first.offset, Uint(number))
        if kind == "NUM_FLOAT":
            value = float(sign + text)
            if value in (float("inf"), float("-inf")):
                self.report(first.offset, "invalid double literal")
            return Literal(first.offset, value)
        if kind in ("STRING", "BYTES"):
            try:
                return Literal(
                    first.offset, lexer.unescape(text) if kind == "STRING" else lexer.unescape_bytes(text)
                )
            except ValueError as error:
                self.report(first.offset, str(error))
                return Literal(first.offset, "")
        return Literal(first.offset, {"true": True, "false": False, "null": None}[kind])


def _integer(text: str) -> int:
    digits = text.removeprefix("0x").lstrip("0")
    if len(digits) > 20:
        # beyond every type, whatever it is
        return 1 << 65
    return int(digits or "0", 16 if text.startswith("0x") else 10)


def _name(kind: str) -> str:
    return kind if kind.isupper() or kind == "<EOF>" else f"'{kind}'"


def _balanced(function: str, terms: list[Expr], ops: list[int], low: int, high: int) -> Expr:
    middle = (low + high + 1) // 2
    left = terms[middle] if middle == low else _balanced(function, terms, ops, low, middle - 1)
    right = terms[middle + 1] if middle == high else _balanced(function, terms, ops, middle + 1, high)
    return Call(ops[middle], function, [left, right])
