"""JSON merge patch, RFC 7396.

Source: apiserver pkg/endpoints/handlers/patch.go applyJSPatch, github.com/evanphx/json-patch MergePatch.
"""

from __future__ import annotations

from typing import Any

from kubepy.api.objects import Obj


def apply(current: Obj, patch: Any) -> Any:
    """Neither is changed; the result shares parts of both. A patch that is a list takes the object's place."""
    if isinstance(patch, list):
        return patch
    result = dict(current)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(inner := current.get(key), dict):
            result[key] = apply(inner, value) if isinstance(value, dict) else value
        else:
            result[key] = _without_nulls(value)
    return result


def _without_nulls(value: Any) -> Any:
    """What takes the place of something that is no object. Objects inside lists lose their nulls, too, which the RFC
    would keep; lists keep theirs. Source: MergePatch's pruneNulls."""
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
