"""JSON patch (RFC 6902) as Kubernetes applies it, with what its library makes of the standard.

Differs from the RFC, as upstream does: `replace` of a member that is not there adds it, a missing value is null,
indices may be negative.

Source: gopkg.in/evanphx/json-patch.v4 patch.go.
"""

from __future__ import annotations

from typing import Any

import orjson

from kubepy.api import go_json
from kubepy.api.decoding import json_kind

_MISSING = "missing value"


class PatchError(ValueError):
    """An operation that cannot be carried out, in the library's words."""


class TestFailed(PatchError):
    """A `test` that does not hold."""

    __test__ = False


def decode(raw: bytes) -> list[dict[str, Any]]:
    """The operations. Raises go_json.SyntaxError, PatchError."""
    operations = go_json.loads(raw)
    if operations is None:
        return []
    if not isinstance(operations, list):
        raise PatchError(
            f"json: cannot unmarshal {json_kind(operations)} into Go value of type jsonpatch.Patch"
        )
    for operation in operations:
        if not isinstance(operation, dict | None):
            raise PatchError(
                f"json: cannot unmarshal {json_kind(operation)} into Go value of type jsonpatch.Operation"
            )
    return [operation or {} for operation in operations]


def apply(document: Any, operations: list[dict[str, Any]]) -> Any:
    """The patched document, made of `document`, which is used up. Raises PatchError."""
    for operation in operations:
        word = operation.get("op")
        carry_out = _OPERATIONS.get(word) if isinstance(word, str) else None
        if carry_out is None:
            raise PatchError(f"Unexpected kind: {word if isinstance(word, str) else 'unknown'}")
        document = carry_out(document, operation)
    return document


def value_at(document: Any, pointer: Any) -> Any:
    """What a pointer leads to, None if nothing."""
    container, key = _find(document, pointer) if isinstance(pointer, str) else (None, "")
    try:
        return None if container is None else _get(container, key)
    except PatchError:
        return None


def _pointer(operation: dict[str, Any], field: str, missing: str) -> str:
    value = operation.get(field)
    if isinstance(value, str):
        return value
    if value is None:
        raise PatchError(missing)
    raise PatchError(
        f"{missing.partition(':')[0]}: json: cannot unmarshal {json_kind(value)} into Go value of type string"
    )


def _value(operation: dict[str, Any]) -> Any:
    """An own copy: a patch may be applied again."""
    value = operation.get("value")
    return orjson.loads(orjson.dumps(value)) if isinstance(value, dict | list) else value


def _find(document: Any, pointer: str) -> tuple[Any, str]:
    """(the container, the key in it); the container None if there is none."""
    _, *steps = pointer.split("/")
    if not steps:
        return None, ""
    *above, key = [step.replace("~1", "/").replace("~0", "~") for step in steps]
    for step in above:
        try:
            document = _get(document, step)
        except PatchError:
            return None, ""
        if not isinstance(document, dict | list):
            return None, ""
    return document, key


def _number(key: str) -> int:
    digits = key[1:] if key[:1] in ("-", "+") else key
    if not (digits.isascii() and digits.isdigit()):
        raise PatchError(f'strconv.Atoi: parsing "{key}": invalid syntax')
    return int(key)


def _index(items: list[Any], key: str) -> int:
    index = _number(key)
    if index < -len(items) or index >= len(items):
        raise PatchError(f"Unable to access invalid index: {index}: invalid index referenced")
    return index


def _get(container: Any, key: str) -> Any:
    return container.get(key) if isinstance(container, dict) else container[_index(container, key)]


def _put(container: Any, key: str, value: Any) -> None:
    """A new member, or one more item in between."""
    if isinstance(container, dict):
        container[key] = value
    elif key == "-":
        container.append(value)
    else:
        try:
            index = _number(key)
        except PatchError as error:
            raise PatchError(f"value was not a proper array index: '{key}': {error}") from None
        size = len(container) + 1
        if index >= size or index < -size:
            raise PatchError(f"Unable to access invalid index: {index}: invalid index referenced")
        container.insert(index + size if index < 0 else index, value)


def _drop(container: Any, key: str) -> None:
    if isinstance(container, list):
        del container[_index(container, key)]
    elif key in container:
        del container[key]
    else:
        raise PatchError(f"Unable to remove nonexistent key: {key}: {_MISSING}")


def _add(document: Any, operation: dict[str, Any]) -> Any:
    path = _pointer(operation, "path", f"add operation failed to decode path: {_MISSING}")
    container, key = _find(document, path)
    if container is None:
        raise PatchError(f'add operation does not apply: doc is missing path: "{path}": {_MISSING}')
    try:
        _put(container, key, _value(operation))
    except PatchError as error:
        raise PatchError(f"error in add for path: '{path}': {error}") from None
    return document


def _remove(document: Any, operation: dict[str, Any]) -> Any:
    path = _pointer(operation, "path", f"remove operation failed to decode path: {_MISSING}")
    container, key = _find(document, path)
    if container is None:
        raise PatchError(f'remove operation does not apply: doc is missing path: "{path}": {_MISSING}')
    try:
        _drop(container, key)
    except PatchError as error:
        raise PatchError(f"error in remove for path: '{path}': {error}") from None
    return document


def _replace(document: Any, operation: dict[str, Any]) -> Any:
    path = _pointer(
        operation,
        "path",
        f"replace operation failed to decode path: operation missing path field: {_MISSING}",
    )
    if path == "":
        value = _value(operation)
        if not isinstance(value, dict | list):
            raise PatchError("replace operation value must be object or array: %!w(<nil>)")
        return value
    container, key = _find(document, path)
    if container is None:
        raise PatchError(f"replace operation does not apply: doc is missing path: {path}: {_MISSING}")
    if isinstance(container, dict):
        container[key] = _value(operation)
        return document
    try:
        container[_index(container, key)] = _value(operation)
    except PatchError:
        raise PatchError(
            f"replace operation does not apply: doc is missing key: {path}: {_MISSING}"
        ) from None
    return document


def _move(document: Any, operation: dict[str, Any]) -> Any:
    source = _pointer(
        operation, "from", f"move operation failed to decode from: operation, missing from field: {_MISSING}"
    )
    container, key = _find(document, source)
    if container is None:
        raise PatchError(f"move operation does not apply: doc is missing from path: {source}: {_MISSING}")
    try:
        value = _get(container, key)
        _drop(container, key)
    except PatchError as error:
        raise PatchError(f"error in move for path: '{key}': {error}") from None
    path = _pointer(
        operation, "path", f"move operation failed to decode path: operation missing path field: {_MISSING}"
    )
    container, key = _find(document, path)
    if container is None:
        raise PatchError(
            f"move operation does not apply: doc is missing destination path: {path}: {_MISSING}"
        )
    try:
        _put(container, key, value)
    except PatchError as error:
        raise PatchError(f"error in move for path: '{path}': {error}") from None
    return document


def _test(document: Any, operation: dict[str, Any]) -> Any:
    path = _pointer(
        operation, "path", f"test operation failed to decode path: operation missing path field: {_MISSING}"
    )
    if path == "":
        found = document
    else:
        container, key = _find(document, path)
        if container is None:
            raise PatchError(f"test operation does not apply: is missing path: {path}: {_MISSING}")
        try:
            found = _get(container, key)
        except PatchError as error:
            raise PatchError(f"error in test for path: '{path}': {error}") from None
    if not _same(found, operation.get("value")):
        raise TestFailed(f"testing value {path} failed: test failed")
    return document


def _same(a: Any, b: Any) -> bool:
    """Python takes true for 1."""
    return bool(
        a == b
        and orjson.dumps(a, option=orjson.OPT_SORT_KEYS) == orjson.dumps(b, option=orjson.OPT_SORT_KEYS)
    )


def _copy(document: Any, operation: dict[str, Any]) -> Any:
    source = _pointer(
        operation, "from", f"copy operation failed to decode from: operation, missing from field: {_MISSING}"
    )
    container, key = _find(document, source)
    if container is None:
        raise PatchError(f"copy operation does not apply: doc is missing from path: {source}: {_MISSING}")
    try:
        value = _get(container, key)
    except PatchError as error:
        raise PatchError(f"error in copy for from: '{source}': {error}") from None
    path = _pointer(operation, "path", f"copy operation failed to decode path: {_MISSING}")
    container, key = _find(document, path)
    if container is None:
        raise PatchError(
            f"copy operation does not apply: doc is missing destination path: {path}: {_MISSING}"
        )
    try:
        _put(container, key, _value({"value": value}))
    except PatchError as error:
        raise PatchError(f"error while adding value during copy: {error}") from None
    return document


_OPERATIONS = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "test": _test,
    "copy": _copy,
}
