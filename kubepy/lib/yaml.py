"""YAML as kubectl reads it, on PyYAML's C loader.

sigs.k8s.io/yaml turns YAML into JSON first; PyYAML's YAML 1.1 differs in a few scalars only, which the resolver below
mends (checked against kubectl 1.37 `annotate --local`): dates, sexagesimals and `=` stay strings, `1e3` and `0o14` are
numbers, `y` and `n` are booleans, keys are strings, `!!binary` is decoded text. Duplicate keys: the last
wins, as there.
"""

from __future__ import annotations

import base64
import json
import math
import re
from typing import Any

import yaml

Error = yaml.YAMLError

_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_BASE):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


def _resolve(tag: str, pattern: str, first: str) -> None:
    _Loader.add_implicit_resolver(tag, re.compile(pattern), list(first))


# Only plain scalars are resolved, first match wins; a scalar that matches nothing is a string.
_Loader.yaml_implicit_resolvers = {}
_resolve(
    "tag:yaml.org,2002:bool",
    r"^(?:y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$",
    "yYnNtTfFoO",
)
_resolve("tag:yaml.org,2002:null", r"^(?:~|null|Null|NULL|)$", "~nN")
_Loader.yaml_implicit_resolvers.setdefault("", []).append(("tag:yaml.org,2002:null", re.compile(r"^$")))
_resolve("tag:yaml.org,2002:merge", r"^<<$", "<")
_resolve(
    "tag:kubepy,int", r"^[-+]?(?:0b[0-1_]+|0o[0-7_]+|0[0-7_]*|[1-9][0-9_]*|0x[0-9a-fA-F_]+)$", "-+0123456789"
)
_resolve(
    "tag:kubepy,float",
    r"^[-+]?(?:(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|\.(?:inf|Inf|INF))$|^\.(?:nan|NaN|NAN)$",
    "-+.0123456789",
)

_TRUE = frozenset(("y", "yes", "true", "on"))


def _integer(loader: Any, node: Any) -> int | float | str:
    text = loader.construct_scalar(node).replace("_", "")
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-")
    base = next((base for prefix, base in (("0b", 2), ("0o", 8), ("0x", 16)) if digits.startswith(prefix)), 0)
    if base:
        number = sign * int(digits[2:], base)
    else:
        number = sign * int(digits, 8 if len(digits) > 1 and digits.startswith("0") else 10)
    if -(2**63) <= number < 2**64:
        return number
    # What no 64 bits hold is a float; only decimals can be one. Source: go.yaml.in/yaml/v2 resolve.go.
    return text if base else _float(loader, node)


def _float(loader: Any, node: Any) -> float | str:
    given = loader.construct_scalar(node)
    text = given.lower()
    number = float(text.replace(".inf", "inf").replace(".nan", "nan"))
    if not math.isfinite(number):
        if "n" not in text:
            # Out of range: go-yaml goes on as if it were no number at all.
            return str(given)
        # JSON has no such numbers. Source: encoding/json UnsupportedValueError.
        raise yaml.constructor.ConstructorError(
            None, None, f"json: unsupported value: {text}", node.start_mark
        )
    return int(number) if number.is_integer() and abs(number) < 2**63 else number


def _mapping(loader: Any, node: Any) -> dict[str, Any]:
    loader.flatten_mapping(node)
    found: dict[str, Any] = {}
    for k, v in node.value:
        key = loader.construct_object(k, deep=True)
        value = loader.construct_object(v, deep=True)
        found[key if isinstance(key, str) else _key(key, value)] = value
    return found


def _key(key: Any, value: Any) -> str:
    """A key that is no string. Raises Error for one that JSON can have none of.

    Source: go.yaml.in/yaml/v2 decode.go mapping, sigs.k8s.io/yaml convertToJSONableObject.
    """
    if isinstance(key, (dict, list)):
        raise Error(f"yaml: invalid map key: {_go_syntax(key)}")
    if key is None:
        shown = "<nil>" if value is None else _go_syntax(value)
        raise Error(f"unsupported map key of type: %!s(<nil>), key: <nil>, value: {shown}")
    return str(key).lower() if isinstance(key, bool) else str(key)


def _go_syntax(value: Any) -> str:
    """As %#v writes it."""
    if isinstance(value, dict):
        inner = ", ".join(f"{_go_syntax(key)}:{_go_syntax(item)}" for key, item in value.items())
        return f"map[interface {{}}]interface {{}}{{{inner}}}"
    if isinstance(value, list):
        return f"[]interface {{}}{{{', '.join(map(_go_syntax, value))}}}"
    return "interface {}(nil)" if value is None else json.dumps(value, ensure_ascii=False)


def _flatten(loader: Any, node: Any) -> None:
    """Merge keys, each key kept once: merges of merges of merges would multiply."""
    _BASE.flatten_mapping(loader, node)
    if len(node.value) > 1:
        last: dict[Any, Any] = {}
        for key, value in node.value:
            last[key.value if isinstance(key, yaml.ScalarNode) else id(key)] = (key, value)
        node.value = list(last.values())


_Loader.flatten_mapping = _flatten
_Loader.add_constructor("tag:kubepy,int", _integer)
_Loader.add_constructor("tag:kubepy,float", _float)
_Loader.add_constructor("tag:yaml.org,2002:int", _integer)
_Loader.add_constructor("tag:yaml.org,2002:float", _float)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor(
    "tag:yaml.org,2002:bool", lambda loader, node: loader.construct_scalar(node).lower() in _TRUE
)
for _tag in ("timestamp", "merge", "value"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", lambda loader, node: loader.construct_scalar(node))
_Loader.add_constructor(
    "tag:yaml.org,2002:binary", lambda loader, node: base64.b64decode(loader.construct_scalar(node)).decode()
)


def _whatever(loader: Any, node: Any) -> Any:
    """By its shape: tags that go-yaml does not know mean nothing to it."""
    if isinstance(node, yaml.MappingNode):
        return _mapping(loader, node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)


for _unknown in ("tag:yaml.org,2002:set", "tag:yaml.org,2002:omap", "tag:yaml.org,2002:pairs", None):
    _Loader.add_constructor(_unknown, _whatever)


def load(text: str | bytes) -> Any:
    """The first document as JSON values; None for an empty one. Raises Error with line and column."""
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def load_first(text: str | bytes) -> Any:
    """As Go unmarshals what a client sent: what comes after the first document is not looked at."""
    loader = _Loader(text)
    try:
        value = loader.get_data() if loader.check_data() else None
        _check_size(value)
        return value
    except RecursionError:
        raise Error("yaml: exceeded max depth") from None
    except ValueError as error:
        # An integer of thousands of digits, !!binary that is none.
        raise Error(f"yaml: {error}") from None
    finally:
        loader.dispose()


# What a document may grow to by its aliases, five times the largest body. go-yaml counts nodes instead, and lets some
# hundred megabytes pass.
_BYTES_MAX = 16 << 20
_DEPTH_MAX = 128  # as of JSON, see api/go_json.py


def _check_size(value: Any) -> None:
    """Aliases share objects in memory, and are written out when the value becomes JSON: a few lines may say 2^64."""
    sizes: dict[int, int] = {}  # about as many bytes of JSON
    entered: set[int] = set()

    def size(inner: Any, depth: int) -> int:
        if not isinstance(inner, (dict, list)):
            return len(inner) + 3 if isinstance(inner, str) else 8
        here = id(inner)
        if (known := sizes.get(here)) is None:
            if here in entered:
                raise Error("yaml: anchor value contains itself")
            if depth > _DEPTH_MAX:
                raise Error("yaml: exceeded max depth")
            entered.add(here)
            known = 2 + (sum(map(len, inner)) if isinstance(inner, dict) else 0)
            for item in inner.values() if isinstance(inner, dict) else inner:
                known += size(item, depth + 1)
            sizes[here] = known
            if known > _BYTES_MAX:
                raise Error("yaml: document contains excessive aliasing")
        return known

    size(value, 0)


def go_text(error: Error) -> str:
    """What go-yaml, which is libyaml in Go, says: `yaml: line 3: mapping values are not allowed in this context`.

    Source: go-yaml decode.go, parser.fail.
    """
    if isinstance(error, yaml.reader.ReaderError):
        return f"yaml: {error.reason}"
    if not isinstance(error, yaml.MarkedYAMLError):
        return str(error)
    if error.problem and error.problem.startswith("json: "):
        return error.problem
    line = error.context_mark.line if error.context_mark else 0
    line = line or (error.problem_mark.line if error.problem_mark else 0)
    if line and isinstance(error, yaml.scanner.ScannerError):
        line += 1
    where = f"line {line}: " if line else ""
    return f"yaml: {where}{error.problem or 'unknown problem parsing YAML content'}"


def load_all(text: str | bytes) -> list[Any]:
    """Every document that is not empty."""
    return [document for document in yaml.load_all(text, Loader=_Loader) if document is not None]


def lines_of(text: str | bytes) -> dict[tuple[str, ...], int]:
    """Where each mapping key stands: ("apiserver", "port") -> 12 (from 1). For error messages about configuration."""
    places: dict[tuple[str, ...], int] = {}

    def visit(node: Any, path: tuple[str, ...]) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                here = (*path, str(key.value))
                places[here] = key.start_mark.line + 1
                visit(value, here)

    node = yaml.compose(text, Loader=_Loader)
    if node is not None:
        visit(node, ())
    return places


def duplicate_keys(text: str | bytes) -> list[tuple[int, str]]:
    """(line of the value, key) of every key that comes again in the same mapping of the first document. Raises
    Error."""
    loader = _Loader(text)
    found: list[tuple[int, str]] = []
    visited: set[int] = set()

    def visit(node: Any) -> None:
        # Aliases of aliases are one node each, but what they unfold to has no bound.
        if id(node) in visited:
            return
        visited.add(id(node))
        if isinstance(node, yaml.MappingNode):
            seen = set()
            for key, value in node.value:
                name = getattr(key, "value", None)
                if isinstance(name, str):
                    if name in seen:
                        found.append((value.start_mark.line + 1, name))
                    seen.add(name)
                visit(value)
        elif isinstance(node, yaml.SequenceNode):
            for item in node.value:
                visit(item)

    try:
        visit(loader.get_node() if loader.check_node() else None)
    finally:
        loader.dispose()
    return found


def dump(value: Any, *, sort_keys: bool = False) -> str:
    """Block style, keys in their order or, as servers and kubectl print, by name; quotes as Go's yaml sets them."""
    return yaml.dump(
        value,
        Dumper=_Dumper,
        sort_keys=sort_keys,
        allow_unicode=True,
        width=1 << 20,
        default_flow_style=False,
    )


_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def _taken_for_others() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    """By first character, what some reader does not take for a string: ours, or one that knows dates and 12:30:45."""
    found = {first: list(table) for first, table in _Loader.yaml_implicit_resolvers.items()}
    for first, table in _DUMPER.yaml_implicit_resolvers.items():
        found.setdefault(first, []).extend(
            (tag, pattern) for tag, pattern in table if tag.endswith((":timestamp", ":int", ":float"))
        )
    return found


class _Dumper(_DUMPER):
    others = _taken_for_others()


def _text(dumper: Any, text: str) -> Any:
    """Source: sigs.k8s.io/yaml goyaml.v2/encode.go stringv."""
    style: str | None = "|"
    if "\n" not in text:
        others = dumper.others.get(text[:1], ())
        style = '"' if any(pattern.match(text) for _, pattern in others) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _text)
