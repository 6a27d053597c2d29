"""Strict decoding: keys that come twice and fields that nobody knows, in Kubernetes' words and in document order.

Source: sigs.k8s.io/json json.go (UnmarshalStrict), apimachinery pkg/runtime/error.go (strictDecodingError).
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable
from typing import Any

import orjson

from kubepy.api import errors, go_json
from kubepy.lib import yaml

_TEXTS_MAX = 100  # Source: sigs.k8s.io/json saveStrictError


def duplicate_keys(body: bytes, obj: Any) -> list[str]:
    """Paths of keys that `body` gives more than once in one JSON object, in document order: ["spec.replicas"].

    `obj` is what orjson made of `body`, not yet changed. A compact body, as most clients send, is compared byte by
    byte with `obj` encoded again (2 us per KB); only otherwise the body is parsed a second time.
    """
    if _has_no_duplicates(body, obj):
        return []
    pairs, has_duplicates = _pairs(body)
    return [path for is_duplicate, path in _walk_keys(pairs, ()) if is_duplicate] if has_duplicates else []


def texts(body: bytes, obj: Any, unknown: Iterable[str]) -> list[str]:
    """Kubernetes' texts for unknown and duplicate fields, in document order and each once; [] for a clean document.

    `unknown` are the findings of decode, which changed the object it was given: `obj` must be another one, as orjson
    made it of `body`.
    """
    unknown = list(unknown)
    if _has_no_duplicates(body, obj):
        found = [(False, path) for path in unknown]
    else:
        pairs, has_duplicates = _pairs(body)
        found = (
            list(_walk_keys(pairs, set(unknown))) if has_duplicates else [(False, path) for path in unknown]
        )
    told = (f'{"duplicate" if is_duplicate else "unknown"} field "{path}"' for is_duplicate, path in found)
    return list(dict.fromkeys(told))[:_TEXTS_MAX]


def message(found: Iterable[str]) -> str:
    """strict decoding error: unknown field "spec.foo", duplicate field "spec.replicas"."""
    return "strict decoding error: " + ", ".join(found)


def repeated_in_yaml(body: bytes, obj: Any) -> list[str]:
    """`line 6: key "a" already set in map` for each key that comes again. `obj` is what `body` says."""
    try:
        if not duplicate_keys(body, obj):
            return []
    except ValueError:
        # No JSON.
        pass
    return [
        f"line {line}: key {errors.quote(key)} already set in map" for line, key in yaml.duplicate_keys(body)
    ]


def yaml_error(repeated: Iterable[str]) -> str:
    """As go-yaml tells all of them at once."""
    return "yaml: unmarshal errors:" + "".join(f"\n  {line}" for line in repeated)


def _has_no_duplicates(body: bytes, obj: Any) -> bool:
    """Whether encoding `obj` again gives `body`, but for a newline at its end; False says nothing."""
    encoded = orjson.dumps(obj)
    return body == encoded or (len(body) == len(encoded) + 1 and body.startswith(encoded))


def _pairs(body: bytes) -> tuple[Any, bool]:
    """The body with each object as a tuple of (key, value) pairs, and whether any has a key twice."""
    has_duplicates = False

    def keep(pairs: list[tuple[str, Any]]) -> tuple[tuple[str, Any], ...]:
        nonlocal has_duplicates
        kept = tuple((go_json.mended_text(key), value) for key, value in pairs)
        has_duplicates = has_duplicates or len(dict(kept)) != len(kept)
        return kept

    # Numbers do not matter here, and Python does not read every one that JSON can write.
    return json.loads(body.decode("utf-8", "replace"), object_pairs_hook=keep, parse_int=str), has_duplicates


def _walk_keys(pairs: Any, unknown: Container[str], path: str = "") -> Iterable[tuple[bool, str]]:
    """(is_duplicate, path) of everything to report, depth first; nothing below an unknown field is looked at."""
    if isinstance(pairs, list):
        for index, item in enumerate(pairs):
            yield from _walk_keys(item, unknown, f"{path}[{index}]")
    elif isinstance(pairs, tuple):
        seen = set()
        for key, value in pairs:
            here = f"{path}.{key}" if path else key
            if here in unknown:
                yield False, here
                continue
            if key in seen:
                yield True, here
            seen.add(key)
            yield from _walk_keys(value, unknown, here)
