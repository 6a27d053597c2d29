"""PATCH with an apply configuration: server-side apply. What does not exist is created.

The configuration is YAML, of which JSON is a part. It is merged as it is, so that what it does not say stays nobody's;
only what comes out is read as a body, pruned and defaulted.

Source: apiserver pkg/endpoints/handlers/patch.go applyPatcher.
"""

from __future__ import annotations

from typing import Any

import orjson

from kubepy.api import errors, strictness
from kubepy.api.custom import CustomSchema
from kubepy.api.errors import BadRequest, StatusError
from kubepy.api.objects import Document, Obj, copy
from kubepy.api.resources import Resource
from kubepy.api.schema import Undecodable
from kubepy.apiserver.handlers import decode, respond, write
from kubepy.apiserver.patch.field_manager import FieldManager
from kubepy.apiserver.registry.options import IGNORE, STRICT, WriteOptions, write_options
from kubepy.apiserver.registry.registry import Registry
from kubepy.apiserver.request import Request, Response
from kubepy.lib import yaml

APPLY = "application/apply-patch+yaml"


async def apply(registry: Registry, resource: Resource, request: Request) -> Response:
    options = write_options(request.query, "PatchOptions", is_apply=True)
    raw = await request.read_body()
    config = configuration(raw)
    complaints = complaints_of(raw, config, options)
    expected = decode.Expected.of(resource, registry.schemas)
    served = registry.served(resource)
    call = write.call_of(resource, request, options, is_patch=True)
    fields = registry.field_manager(resource, call.subresource)
    is_first = True

    def make(current: Document | None) -> Obj:
        nonlocal is_first
        live = served.obj(current) if current is not None else None
        wanted = fields.apply(live, copy(config), options.field_manager, force=options.force)
        if is_first:
            complain(complaints, options, call.warnings)
            is_first = False
        obj = (
            wanted
            if live is not None and _says_the_same(wanted, live)
            else read(wanted, expected, fields, config)
        )
        metadata = obj["metadata"]
        if live is None and metadata.get("uid"):
            raise errors.conflict(
                resource,
                call.name,
                f"uid mismatch: the provided object specified uid {metadata['uid']}, and no existing object was found",
            )
        write.ensure_namespace(metadata, call.namespace)
        write.check_name(metadata, call.name)
        return registry.to_hub(resource, obj)

    result, is_created = await registry.update(call, make, may_create=True)
    return respond.document(registry, served, request, result, 201 if is_created else 200)


def _says_the_same(wanted: Obj, live: Obj) -> bool:
    """But for who owns it. Nothing is filled in then."""
    metadata = {**wanted["metadata"], "managedFields": live["metadata"].get("managedFields")}
    return {**wanted, "metadata": metadata} == live


def configuration(raw: bytes) -> Obj:
    """Raises BadRequest."""
    try:
        parsed = orjson.loads(raw)
    except orjson.JSONDecodeError:
        try:
            parsed = yaml.load_first(raw)
        except yaml.Error as error:
            raise BadRequest(f"error decoding YAML: error converting YAML to JSON: {yaml.go_text(error)}")
    if parsed is None:
        return {}
    if not isinstance(parsed, dict):
        kind = {list: "array", str: "string", bool: "bool"}.get(type(parsed), "number")
        raise BadRequest(
            "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal "
            f"{kind} into Go value of type map[string]interface {{}}"
        )
    return parsed


def complaints_of(raw: bytes, parsed: Any, options: WriteOptions) -> list[str]:
    """What a strict reader has against the body: keys that come twice."""
    return [] if options.field_validation == IGNORE else strictness.repeated_in_yaml(raw, parsed)


def complain(complaints: list[str], options: WriteOptions, warnings: list[str]) -> None:
    """Only once the configuration could be applied, as upstream."""
    if complaints and options.field_validation == STRICT:
        why = strictness.yaml_error(complaints)
        raise BadRequest(f"error strict decoding YAML: error converting YAML to JSON: {why}")
    warnings += complaints


def read(wanted: Obj, expected: decode.Expected, fields: FieldManager, config: Obj) -> Obj:
    """What was merged, pruned and defaulted, in place; of a custom object only metadata is pruned, and its nulls stay.
    Raises 500 for values that the kind has no place for, which came with `config`."""
    if isinstance(expected.schema, CustomSchema):
        expected.schema.coerce_metadata(wanted)
    else:
        try:
            expected.schema.decode(wanted)
        except Undecodable as error:
            raise StatusError(
                f"failed to convert new object ({fields.described(config)}) to proper version: unable to convert "
                f"unstructured object to {fields.kind_text}: {error.restored}",
                reason="",
            )
    expected.schema.default(wanted)
    return wanted
