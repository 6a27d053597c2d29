"""JSON merge patch, RFC 7396.

Source: apiserver pkg/endpoints/handlers/patch.go applyJSPatch, github.com/evanphx/json-patch MergePatch.
"""

from __future__ import annotations

from typing import Any

from kubepy.api.objects import Obj


def apply(current: Obj, patch: Obj) -> Obj:
    """Neither is changed; the result shares parts of both."""
    result = dict(current)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            inner = current.get(key)
            result[key] = apply(inner, value) if isinstance(inner, dict) else _without_nulls(value)
        else:
            result[key] = value
    return result


def _without_nulls(value: Obj) -> Obj:
    """A patch applied to nothing. Nulls inside lists stay, as the RFC has it."""
    return {key: _kept(inner) for key, inner in value.items() if inner is not None}


def _kept(value: Any) -> Any:
    return _without_nulls(value) if isinstance(value, dict) else value
