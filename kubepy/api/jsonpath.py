"""Kubernetes' JSONPath, as far as printer columns and selectable fields use it.

    find = compile_path('.status.conditions[?(@.type=="Ready")].status')
    find(obj)                      ["True"]; [] where something is missing

Understood: names (also `['x']` and `.a\\.b`), indexes and slices, `[*]` and `.*`, filters that compare a path with a
literal. Not understood: recursive descent, unions, script expressions; compile_path raises ValueError.
Source: client-go util/jsonpath/{parser,jsonpath}.go.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

Find = Callable[[Any], list[Any]]
Step = Callable[[Any], list[Any]]

_TOKEN = re.compile(
    r"""
      \.(?P<name>(?:\\.|[^.\[\]\\\s])+)
    | \[\s*'(?P<single>(?:\\.|[^'\\])*)'\s*\]
    | \[\s*"(?P<double>(?:\\.|[^"\\])*)"\s*\]
    | \[\s*(?P<index>-?\d+)\s*\]
    | \[\s*(?P<start>-?\d*):(?P<stop>-?\d*)\s*\]
    | \[(?P<all>\*)\]
    | \[\?\(\s*@(?P<path>[^=!<>]*?)\s*(?:(?P<operator>==|!=|<=|>=|<|>)\s*(?P<literal>.+?))?\s*\)\]
    """,
    re.VERBOSE,
)
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def compile_path(path: str) -> Find:
    """Raises ValueError for what is no path."""
    steps: list[Step] = []
    at = 0
    if path == ".":
        return lambda obj: [obj]
    while at < len(path):
        match = _TOKEN.match(path, at)
        if match is None:
            raise ValueError(f"unrecognized path {path!r} at {at}")
        steps.append(_step(match))
        at = match.end()

    def find(obj: Any) -> list[Any]:
        found = [obj]
        for step in steps:
            found = [item for each in found for item in step(each)]
        return found

    return find


def _step(match: re.Match[str]) -> Step:
    groups = match.groupdict()
    if (name := groups["name"] or groups["single"] or groups["double"]) is not None:
        name = re.sub(r"\\(.)", r"\1", name)
        return _children if name == "*" and groups["name"] else _field(name)
    if groups["index"] is not None:
        index = int(groups["index"])
        return lambda value: value[index : index + 1 or None] if isinstance(value, list) else []
    if groups["all"]:
        return _children
    if groups["path"] is not None:
        return _filter(groups["path"], groups["operator"], groups["literal"])
    part = slice(*(int(text) if text else None for text in (groups["start"], groups["stop"])))
    return lambda value: value[part] if isinstance(value, list) else []


def _field(name: str) -> Step:
    return lambda value: [value[name]] if isinstance(value, dict) and name in value else []


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _filter(path: str, comparison: str | None, literal: str | None) -> Step:
    find = compile_path(path or ".")
    compare = _OPERATORS[comparison] if comparison else None
    wanted = _literal(literal or "")

    def matches(item: Any) -> bool:
        found = find(item)
        if not found or compare is None:
            return bool(found)
        try:
            return compare(found[0], wanted)
        except TypeError:
            return False

    return lambda value: [item for item in value if matches(item)] if isinstance(value, list) else []


def _literal(text: str) -> Any:
    if text[:1] in "'\"" and text[-1:] == text[:1]:
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text
