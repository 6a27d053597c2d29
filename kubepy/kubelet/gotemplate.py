"""Go's text/template, as far as Stage documents use it. Pure.

    Template('phase: {{ if eq .kind "Pod" }}Running{{ end }}').render(obj, {"Now": ...})

There is: text, comments, trim markers; fields (.a.b), variables ($x := , $x = ), literals, parentheses, pipelines; if,
else if, else, with, range (with one or two variables, and else), end; Go's own functions but call, html, js, slice,
urlquery; of sprig what FUNCTIONS lists; kwok's Quote, YAML, Version, and those of CONTEXT, which the caller brings.
There is not: define, template, block, break, continue, methods. Such a template is a TemplateError when it is read.
Differs: a field of what is not there is nothing, where Go fails in some cases.

Source: Go 1.24 text/template (parse, exec, funcs), kwok pkg/utils/gotpl.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from msgspec import Struct, field

from kubepy import __version__
from kubepy.lib import yaml

Function = Callable[..., Any]

# What a caller may bring. Source: kwok pkg/kwok/controllers/{pod,node}_controller.go, pkg/utils/gotpl/funcs.go.
CONTEXT = frozenset({
    "Now", "StartTime", "NodeConditions", "NodeIP", "NodeName", "NodePort", "PodIP", "NodeIPWith", "NodeIPsWith",
    "PodIPWith", "PodIPsWith",
})  # fmt: skip


class TemplateError(Exception):
    """The template cannot be read, or not be rendered with this object."""


class Template:
    """Raises TemplateError when it cannot be read."""

    def __init__(self, text: str) -> None:
        self._nodes = _Parser(text.strip()).parse()

    def render(self, dot: Any, functions: Mapping[str, Function]) -> str:
        """Raises TemplateError."""
        run = _Run(functions, [{"$": dot}])
        try:
            run.walk(self._nodes, dot)
        except (TypeError, ValueError, KeyError, IndexError, ArithmeticError) as error:
            raise TemplateError(f"cannot render: {error}") from None
        return "".join(run.out)


# -- reading -----------------------------------------------------------------------------------------------------


class _Text(Struct):
    text: str


class _Operand(Struct):
    """One argument: a literal, a variable, a function's name or a pipeline, and fields behind it."""

    kind: str  # "literal", "variable", "dot", "function", "pipeline"
    value: Any = None
    fields: tuple[str, ...] = ()


class _Pipeline(Struct):
    commands: list[list[_Operand]]
    variables: tuple[str, ...] = ()
    declares: bool = False


class _Action(Struct):
    pipeline: _Pipeline


class _Block(Struct):
    kind: str  # "if", "with", "range"
    pipeline: _Pipeline
    body: list[Any] = field(default_factory=list)
    otherwise: list[Any] = field(default_factory=list)


_ACTION = re.compile(
    r"\{\{(- )?\s*(/\*.*?\*/|(?:\"(?:\\.|[^\"\\])*\"|`[^`]*`|[^\"`}]|\}(?!\}))*?)\s*( -)?\}\}", re.DOTALL
)
_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:\\.|[^"\\])*")|(?P<raw>`[^`]*`)|(?P<number>[-+]?\d+(?:\.\d+)?)|"""
    r"""(?P<variable>\$\w*)|(?P<field>\.\w*)|(?P<name>[A-Za-z_]\w*)|(?P<mark>:=|=|\||,|\(|\)))"""
)
_UNSUPPORTED = ("define", "template", "block", "break", "continue")


class _Parser:
    def __init__(self, text: str) -> None:
        self._items = list(self._split(text))
        self._at = 0

    def _split(self, text: str) -> Any:
        at, trim = 0, False
        for match in _ACTION.finditer(text):
            before = text[at : match.start()]
            if "{{" in before:
                raise TemplateError(f"cannot read {before[before.index('{{') :][:40]!r}")
            before = before.lstrip() if trim else before
            yield _Text(before.rstrip() if match.group(1) else before)
            trim = bool(match.group(3))
            if not match.group(2).startswith("/*"):
                yield match.group(2)
            at = match.end()
        rest = text[at:]
        if "{{" in rest:
            raise TemplateError(f"unclosed action at {rest[rest.index('{{') :][:40]!r}")
        yield _Text(rest.lstrip() if trim else rest)

    def parse(self) -> list[Any]:
        nodes, closed_by = self._body()
        if closed_by:
            raise TemplateError(f"unexpected {{{{{closed_by}}}}}")
        return nodes

    def _body(self) -> tuple[list[Any], str]:
        """Up to an end or else; returns which."""
        nodes: list[Any] = []
        while self._at < len(self._items):
            item = self._items[self._at]
            self._at += 1
            if isinstance(item, _Text):
                if item.text:
                    nodes.append(item)
                continue
            word = item.split(None, 1)[0] if item else ""
            if word == "end" or word == "else":
                return nodes, item
            if word in ("if", "with", "range"):
                nodes.append(self._block(word, item[len(word) :]))
            elif word in _UNSUPPORTED:
                raise TemplateError(f"{{{{{word}}}}} is not supported")
            else:
                nodes.append(_Action(_pipeline(item)))
        return nodes, ""

    def _block(self, kind: str, text: str) -> _Block:
        block = _Block(kind, _pipeline(text))
        block.body, closed_by = self._body()
        if closed_by.startswith("else"):
            rest = closed_by[4:].strip()
            if rest:
                word = rest.split(None, 1)[0]
                if word not in ("if", "with"):
                    raise TemplateError(f"cannot read {{{{{closed_by}}}}}")
                block.otherwise = [self._block(word, rest[len(word) :])]
                return block
            block.otherwise, closed_by = self._body()
        if closed_by != "end":
            raise TemplateError(f"{{{{{kind}}}}} without {{{{end}}}}")
        return block


def _pipeline(text: str) -> _Pipeline:
    tokens = _Tokens(text)
    variables: list[str] = []
    start = tokens.at
    while tokens.kind == "variable":
        variables.append(tokens.take())
        if tokens.text == ",":
            tokens.take()
            continue
        break
    if variables and tokens.text in (":=", "="):
        declares = tokens.take() == ":="
        return _Pipeline(_commands(tokens, ""), tuple(variables), declares)
    tokens.at = start
    return _Pipeline(_commands(tokens, ""))


class _Tokens:
    def __init__(self, text: str) -> None:
        self._found: list[tuple[str, str, bool]] = []
        at = 0
        text = text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise TemplateError(f"cannot read {text[at:].strip()!r} in {{{{{text.strip()}}}}}")
            kind = match.lastgroup or ""
            spaced = match.start(kind) > at or at == 0
            self._found.append((kind, match.group(kind), spaced))
            at = match.end()
        self.at = 0

    @property
    def kind(self) -> str:
        return self._found[self.at][0] if self.at < len(self._found) else ""

    @property
    def text(self) -> str:
        return self._found[self.at][1] if self.at < len(self._found) else ""

    @property
    def is_spaced(self) -> bool:
        return self.at >= len(self._found) or self._found[self.at][2]

    def take(self) -> str:
        text = self.text
        self.at += 1
        return text


def _commands(tokens: _Tokens, end: str) -> list[list[_Operand]]:
    commands: list[list[_Operand]] = [[]]
    while tokens.text != end:
        if not tokens.kind:
            raise TemplateError("unclosed parenthesis")
        if tokens.text == "|":
            tokens.take()
            commands.append([])
            continue
        commands[-1].append(_operand(tokens))
    tokens.take()
    if not all(commands):
        raise TemplateError("missing value for command")
    return commands


def _operand(tokens: _Tokens) -> _Operand:
    kind, text = tokens.kind, tokens.take()
    match kind:
        case "string":
            return _Operand("literal", orjson.loads(text))
        case "raw":
            return _Operand("literal", text[1:-1])
        case "number":
            return _Operand("literal", float(text) if "." in text else int(text))
        case "variable":
            return _Operand("variable", text, _fields(tokens))
        case "field":
            own = (text[1:],) if len(text) > 1 else ()
            return _Operand("dot", None, own + _fields(tokens))
        case "name":
            if text in ("true", "false", "nil"):
                return _Operand("literal", {"true": True, "false": False, "nil": None}[text])
            if text not in FUNCTIONS and text not in CONTEXT and text not in ("and", "or"):
                raise TemplateError(f'function "{text}" is not supported')
            return _Operand("function", text)
    if text == "(":
        inner = _Pipeline(_commands(tokens, ")"))
        return _Operand("pipeline", inner, _fields(tokens))
    raise TemplateError(f"unexpected {text!r}")


def _fields(tokens: _Tokens) -> tuple[str, ...]:
    """Fields that follow without a space."""
    found: list[str] = []
    while tokens.kind == "field" and not tokens.is_spaced and len(tokens.text) > 1:
        found.append(tokens.take()[1:])
    return tuple(found)


# -- running -----------------------------------------------------------------------------------------------------


class _Run:
    def __init__(self, functions: Mapping[str, Function], scopes: list[dict[str, Any]]) -> None:
        self._functions, self._scopes = functions, scopes
        self.out: list[str] = []

    def walk(self, nodes: Sequence[Any], dot: Any) -> None:
        for node in nodes:
            if isinstance(node, _Text):
                self.out.append(node.text)
            elif isinstance(node, _Action):
                value = self._evaluate(node.pipeline, dot)
                if not node.pipeline.variables:
                    self.out.append(_print(value))
            else:
                self._block(node, dot)

    def _block(self, block: _Block, dot: Any) -> None:
        self._scopes.append({})
        if block.kind == "range":
            self._range(block, dot)
        else:
            value = self._evaluate(block.pipeline, dot)
            if is_true(value):
                self.walk(block.body, value if block.kind == "with" else dot)
            else:
                self.walk(block.otherwise, dot)
        self._scopes.pop()

    def _range(self, block: _Block, dot: Any) -> None:
        pipeline = block.pipeline
        value = self._evaluate(_Pipeline(pipeline.commands), dot)
        pairs: list[tuple[Any, Any]]
        if isinstance(value, dict):
            pairs = sorted(value.items())
        elif isinstance(value, int) and not isinstance(value, bool):
            pairs = [(n, n) for n in range(value)]
        else:
            pairs = list(enumerate(value or ()))
        if not pairs:
            self.walk(block.otherwise, dot)
        for key, item in pairs:
            names = pipeline.variables
            given = (key, item) if len(names) == 2 else (item,)
            self._scopes.append(dict(zip(names, given)))
            self.walk(block.body, item)
            self._scopes.pop()

    def _evaluate(self, pipeline: _Pipeline, dot: Any) -> Any:
        value: Any = None
        for number, command in enumerate(pipeline.commands):
            value = self._command(command, dot, [value] if number else [])
        for name in pipeline.variables:
            self._assign(name, value, pipeline.declares)
        return value

    def _assign(self, name: str, value: Any, declares: bool) -> None:
        if declares:
            self._scopes[-1][name] = value
            return
        for scope in reversed(self._scopes):
            if name in scope:
                scope[name] = value
                return
        raise TemplateError(f"undefined variable {name!r}")

    def _command(self, command: list[_Operand], dot: Any, piped: list[Any]) -> Any:
        first, rest = command[0], command[1:]
        if first.kind != "function":
            if rest or piped:
                raise TemplateError("can't give argument to non-function")
            return self._value(first, dot)
        if first.value in ("and", "or"):
            return self._choose(first.value == "and", rest, dot, piped)
        return self._call(first.value, [self._value(operand, dot) for operand in rest] + piped)

    def _choose(self, is_and: bool, operands: list[_Operand], dot: Any, piped: list[Any]) -> Any:
        """and, or: the first argument that decides, the others are not looked at."""
        value: Any = None
        for operand in operands:
            value = self._value(operand, dot)
            if is_true(value) is not is_and:
                return value
        return piped[0] if piped else value

    def _call(self, name: str, arguments: list[Any]) -> Any:
        function = self._functions.get(name) or FUNCTIONS.get(name)
        if function is None:
            raise TemplateError(f'function "{name}" has no meaning for this object')
        return function(*arguments)

    def _value(self, operand: _Operand, dot: Any) -> Any:
        match operand.kind:
            case "literal":
                return operand.value
            case "function":
                return self._call(operand.value, [])
            case "pipeline":
                value = self._evaluate(operand.value, dot)
            case "variable":
                value = self._variable(operand.value)
            case _:
                value = dot
        for name in operand.fields:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def _variable(self, name: str) -> Any:
        for scope in reversed(self._scopes):
            if name in scope:
                return scope[name]
        raise TemplateError(f"undefined variable {name!r}")


def is_true(value: Any) -> bool:
    """Source: text/template exec.go, IsTrue."""
    return bool(value)


def _print(value: Any) -> str:
    """As Go's %v."""
    if value is None:
        return "<no value>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{' '.join(map(_print, value))}]"
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{_print(item)}' for key, item in sorted(value.items()))}]"
    return str(value)


# -- functions ---------------------------------------------------------------------------------------------------


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, (list, str)) and isinstance(key, int) and 0 <= key < len(value):
            value = value[key]
        elif value is None:
            return None
        else:
            raise TemplateError(f"error calling index: index out of range: {key}")
    return value


def _quote(value: Any) -> str:
    """kwok's Quote: a JSON string; anything else becomes the string of its JSON."""
    text = orjson.dumps(value).decode()
    return text if text.startswith('"') else orjson.dumps(text).decode()


def _yaml(value: Any, indent: int = 0) -> str:
    text = yaml.dump(value)
    return ("\n" + text).replace("\n", "\n" + "  " * indent) if indent > 0 else text


def _printf(format: str, *arguments: Any) -> str:
    left = list(arguments)

    def one(match: re.Match[str]) -> str:
        verb = match.group()
        if verb == "%%":
            return "%"
        value = left.pop(0)
        if verb[-1] in "vs":
            return _print(value)
        return _quote(value) if verb[-1] == "q" else verb % value

    return re.sub(r"%%|%[-+0-9.]*[vsqdftxX]", one, format)


FUNCTIONS: dict[str, Function] = {
    # Go's own
    "not": lambda value: not is_true(value),
    "eq": lambda first, *others: any(first == other for other in others),
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "index": _index,
    "len": lambda value: len(value or ()),
    "print": lambda *values: "".join(map(_print, values)),
    "println": lambda *values: " ".join(map(_print, values)) + "\n",
    "printf": _printf,
    # sprig's
    "default": lambda default, value=None: value if is_true(value) else default,
    "empty": lambda value: not is_true(value),
    "coalesce": lambda *values: next(filter(is_true, values), None),
    "ternary": lambda yes, no, test: yes if test else no,
    "dict": lambda *items: dict(zip(items[::2], items[1::2])),
    "list": lambda *items: list(items),
    "get": lambda mapping, key: (mapping or {}).get(key, ""),
    "hasKey": lambda mapping, key: key in (mapping or {}),
    "keys": lambda mapping: sorted(mapping or ()),
    "first": lambda items: items[0] if items else None,
    "last": lambda items: items[-1] if items else None,
    "has": lambda item, items: item in (items or ()),
    "join": lambda separator, items: separator.join(map(_print, items)),
    "splitList": lambda separator, text: text.split(separator),
    "quote": lambda *values: " ".join(_quote(_print(value)) for value in values if value is not None),
    "squote": lambda *values: " ".join(f"'{_print(value)}'" for value in values if value is not None),
    "toString": _print,
    "toJson": lambda value: orjson.dumps(value).decode(),
    "toYaml": lambda value: yaml.dump(value).rstrip("\n"),
    "int": lambda value: int(float(value or 0)),
    "int64": lambda value: int(float(value or 0)),
    "float64": lambda value: float(value or 0),
    "add": lambda *values: sum(int(value) for value in values),
    "add1": lambda value: int(value) + 1,
    "sub": lambda a, b: int(a) - int(b),
    "mul": lambda a, b: int(a) * int(b),
    "div": lambda a, b: int(int(a) / int(b)),
    "mod": lambda a, b: int(a) % int(b),
    "max": lambda *values: max(map(int, values)),
    "min": lambda *values: min(map(int, values)),
    "upper": lambda text: text.upper(),
    "lower": lambda text: text.lower(),
    "trim": lambda text: text.strip(),
    "trimPrefix": lambda prefix, text: text.removeprefix(prefix),
    "trimSuffix": lambda suffix, text: text.removesuffix(suffix),
    "trunc": lambda count, text: text[:count] if count >= 0 else text[count:],
    "replace": lambda old, new, text: text.replace(old, new),
    "contains": lambda part, text: part in text,
    "hasPrefix": lambda prefix, text: text.startswith(prefix),
    "hasSuffix": lambda suffix, text: text.endswith(suffix),
    "indent": lambda count, text: " " * count + text.replace("\n", "\n" + " " * count),
    "nindent": lambda count, text: "\n" + " " * count + text.replace("\n", "\n" + " " * count),
    # kwok's
    "Quote": _quote,
    "YAML": _yaml,
    "Version": lambda: __version__,
}
