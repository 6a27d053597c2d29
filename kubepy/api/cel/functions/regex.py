"""find and findAll, and escapeKey of JSON patches.

Source: kubernetes 1.36 staging/src/k8s.io/apiserver/pkg/cel/library/regex.go, jsonpatch.go.
"""

from __future__ import annotations

from kubepy.api.cel import patterns
from kubepy.api.cel.functions import Library


def _find(text: str, pattern: str) -> str:
    return next(patterns.find_all(text, pattern), "")


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    found: list[str] = []
    for match in patterns.find_all(text, pattern):
        if len(found) == limit:
            break
        found.append(match)
    return found


def library() -> Library:
    lib = Library()
    d = lib.declare
    d("find", "string_find_string", "string.(string) string", _find)
    d("findAll", "string_find_all_string", "string.(string) list(string)", _find_all)
    d("findAll", "string_find_all_string_int", "string.(string, int) list(string)", _find_all)
    return lib


def json_patch_library() -> Library:
    """Only for JSON patches of mutating admission policies."""
    lib = Library()
    lib.declare(
        "jsonpatch.escapeKey",
        "string_jsonpatch_escapeKey_string",
        "(string) string",
        lambda key: key.replace("~", "~0").replace("/", "~1"),
    )
    return lib
