"""Paths into objects, in the part of jq that Stage documents use.

`.status.phase`, `.metadata.labels["app"]`, `.metadata.ownerReferences.[].kind`,
`.status.conditions.[] | select( .type == "Ready" ) | .status`. Anything else is refused, and not half understood.
A path leads to a list of values: none where nothing is there (jq's null and its errors are both nothing).
Source: kwok pkg/utils/expression/query.go, which embeds gojq.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

Path = Callable[[Any], list[Any]]

_STEP = re.compile(r"""\.?\[\]|\.?\["([^"]*)"\]|\.([A-Za-z_][\w-]*)\??|\.?\[(\d+)\]|^\.$""")
_SELECT = re.compile(r"""^select\(\s*(\..*?)\s*(==|!=)\s*(?:"([^"]*)"|(\S+?))\s*\)$""")


def path(text: str) -> Path:
    """Compile a path. Raises ValueError when it is not understood."""
    steps = [_step(part.strip(), text) for part in text.split("|")]
    if len(steps) == 1:
        return steps[0]

    def follow(view: Any) -> list[Any]:
        values = [view]
        for step in steps:
            values = [found for value in values for found in step(value)]
        return values

    return follow


def text_of(value: Any) -> str:
    """As jq's tostring and kwok's selectors see it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _step(part: str, whole: str) -> Path:
    selected = _SELECT.match(part)
    if selected is not None:
        inner, operator, quoted, bare = selected.groups()
        wanted, inner_path = quoted if quoted is not None else bare, path(inner)
        keep = operator == "=="
        return lambda value: [value] if (wanted in map(text_of, inner_path(value))) is keep else []
    names: list[str | int | None] = []
    at = 0
    while at < len(part):
        match = _STEP.match(part, at)
        if match is None:
            raise ValueError(f"cannot read the path {whole!r} at {part[at:]!r}")
        quoted, bare, index = match.groups()
        if match.group() != ".":
            names.append(int(index) if index is not None else quoted if quoted is not None else bare)
        at = match.end()
    if not part:
        raise ValueError(f"cannot read the path {whole!r}")
    return lambda value: _descend(value, names)


def _descend(value: Any, names: Sequence[str | int | None]) -> list[Any]:
    values = [value]
    for name in names:
        if name is None:
            values = [item for v in values if isinstance(v, list) for item in v]
        elif isinstance(name, int):
            values = [v[name] for v in values if isinstance(v, list) and len(v) > name]
        else:
            values = [v[name] for v in values if isinstance(v, dict) and v.get(name) is not None]
    return values
