"""PATCH with a JSON patch: what is refused before it is applied, and in which words.

Source: apiserver pkg/endpoints/handlers/patch.go applyJSPatch, gopkg.in/evanphx/json-patch.v4 patch.go.
"""

from __future__ import annotations

from typing import Any

import orjson

from kubepy.api import json_patch, strictness
from kubepy.api.errors import BadRequest, RequestEntityTooLarge
from kubepy.api.objects import Obj
from kubepy.apiserver.patch import errors

OPERATIONS_MAX = 10_000
# Source: apiserver pkg/server/config.go JSONPatchMaxCopyBytes. Copies of copies would double with each operation.
COPIED_BYTES_MAX = 3 << 20


def apply(current: Obj, operations: Any) -> Any:
    """The patched document; `current` may be changed. Raises BadRequest, RequestEntityTooLarge, and 422 if an operation
    cannot be carried out."""
    if not isinstance(operations, list) or not all(isinstance(one, dict | None) for one in operations):
        kind = _GO_KINDS.get(type(operations), "number")
        raise BadRequest(f"json: cannot unmarshal {kind} into Go value of type jsonpatch.Patch")
    if None in operations:
        raise errors.unprocessable()
    if len(operations) > OPERATIONS_MAX:
        raise RequestEntityTooLarge(
            "Request entity too large: The allowed maximum operations in a JSON patch is "
            f"{OPERATIONS_MAX}, got {len(operations)}"
        )
    copied = 0
    for operation in operations:
        if operation.get("op") == "copy":
            copied += len(orjson.dumps(json_patch.value_at(current, operation.get("from"))))
            if copied > COPIED_BYTES_MAX:
                raise errors.unprocessable()
        try:
            current = json_patch.apply(current, [operation])
        except json_patch.PatchError:
            raise errors.unprocessable()
    return current


_GO_KINDS: dict[type, str] = {dict: "object", str: "string", bool: "bool", list: "array"}
_FIELDS = ("op", "path", "from", "value")


def check(raw: bytes, operations: Any) -> list[str]:
    """What strictness finds: fields that no operation has, keys that come twice. Raises BadRequest where Go's struct
    would not take an operation. Source: patch.go jsonPatchOp."""
    if not isinstance(operations, list):
        raise _not("[]handlers.jsonPatchOp", operations)
    found = [f'json patch duplicate field "{path}"' for path in strictness.duplicate_keys(raw, operations)]
    for index, operation in enumerate(operations):
        if operation is None:
            continue
        if not isinstance(operation, dict):
            raise _not("handlers.jsonPatchOp", operation)
        for name, value in operation.items():
            if name not in _FIELDS:
                found.append(f'json patch unknown field "[{index}].{name}"')
            elif name != "value" and not isinstance(value, str | None):
                kind = _GO_KINDS.get(type(value), "number")
                raise BadRequest(
                    f"error decoding patch: json: cannot unmarshal {kind} into Go struct field jsonPatchOp.{name} of "
                    "type string"
                )
    return found


def check_operations(operations: Any) -> None:
    """What is looked at where nobody is strict. Raises BadRequest. Source: json-patch.v4 DecodePatch."""
    if not isinstance(operations, list):
        raise BadRequest(_misfit("jsonpatch.Patch", operations))
    for operation in operations:
        if not isinstance(operation, dict | None):
            raise BadRequest(_misfit("jsonpatch.Operation", operation))


def _not(go_type: str, value: Any) -> BadRequest:
    return BadRequest(f"error decoding patch: {_misfit(go_type, value)}")


def _misfit(go_type: str, value: Any) -> str:
    kind = _GO_KINDS.get(type(value), "number")
    return f"json: cannot unmarshal {kind} into Go value of type {go_type}"
