"""JSON patch, RFC 6902: the library applies it, upstream's words say what went wrong.

Source: apiserver pkg/endpoints/handlers/patch.go applyJSPatch, gopkg.in/evanphx/json-patch.v4 patch.go.
"""

from __future__ import annotations

from typing import Any

import orjson

from kubepy.api.errors import BadRequest, RequestEntityTooLarge
from kubepy.api.objects import Obj
from kubepy.apiserver.patch import errors

OPERATIONS_MAX = 10_000
_OPERATIONS = ("add", "remove", "replace", "move", "copy", "test")


def apply(current: Obj, operations: Any) -> Any:
    """The patched document; `current` may be changed. Raises BadRequest, RequestEntityTooLarge, and 422 if an operation
    cannot be carried out."""
    import jsonpatch

    if not isinstance(operations, list) or not all(isinstance(operation, dict) for operation in operations):
        kind = _GO_KINDS.get(type(operations), "number")
        raise BadRequest(f"json: cannot unmarshal {kind} into Go value of type jsonpatch.Patch")
    if len(operations) > OPERATIONS_MAX:
        raise RequestEntityTooLarge(
            f"The allowed maximum operations in a JSON patch is {OPERATIONS_MAX}, got {len(operations)}"
        )
    for operation in operations:
        current = _apply_one(jsonpatch, current, operation)
    return current


_GO_KINDS: dict[type, str] = {dict: "object", str: "string", bool: "bool", list: "array"}


def _apply_one(jsonpatch: Any, current: Any, operation: Obj) -> Any:
    word, path = operation.get("op"), operation.get("path")
    if word not in _OPERATIONS or not isinstance(path, str):
        raise errors.unprocessable()
    if word == "replace" and path == "":
        return operation.get("value")
    try:
        return jsonpatch.JsonPatch([_complete(operation)]).apply(current, in_place=True)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError, KeyError, IndexError):
        raise errors.unprocessable()


def _complete(operation: Obj) -> Obj:
    # A missing value is null to Go.
    if operation["op"] in ("add", "replace", "test") and "value" not in operation:
        return operation | {"value": None}
    # What is added must not be shared with the patch, which may be applied again.
    if "value" in operation and isinstance(operation["value"], (dict, list)):
        return operation | {"value": orjson.loads(orjson.dumps(operation["value"]))}
    return operation
