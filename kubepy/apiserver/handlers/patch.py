"""PATCH: JSON patch, merge patch, strategic merge patch; apply is in apply.py. The patch is applied to the object as
served, again for each attempt, and what comes out is read as strictly as a body.

A merge patch of a status shares what it does not name with the object that is there: the very same dicts, which nobody
on the way changes, which are not read again, and which everybody who compares the two recognizes at once.

Source: apiserver pkg/endpoints/handlers/patch.go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import orjson

from kubepy.api import errors, go_json, strictness
from kubepy.api.defaults import ACROSS_PARTS
from kubepy.api.errors import BadRequest, Invalid, UnsupportedMediaType
from kubepy.api.objects import Document, Obj, copy
from kubepy.api.resources import Resource
from kubepy.api.schema import Undecodable
from kubepy.apiserver.handlers import apply as applies
from kubepy.apiserver.handlers import decode, negotiate, respond, write
from kubepy.apiserver.patch import json_patch, merge_patch, strategic
from kubepy.apiserver.registry.options import IGNORE, STRICT, WriteOptions, write_options
from kubepy.apiserver.registry.registry import Registry
from kubepy.apiserver.request import Request, Response

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"

# (current object, the callee's own unless it shares; the parsed patch, the callee's own) -> wanted object
Apply = Callable[[Obj, Any], Any]


async def patch(registry: Registry, resource: Resource, request: Request) -> Response:
    content_type = content_type_of(resource, request)
    if content_type == applies.APPLY:
        return await applies.apply(registry, resource, request)
    options = write_options(request.query, "PatchOptions")
    raw = await request.read_body()
    expected = decode.Expected.of(resource, registry.schemas)
    call = write.call_of(resource, request, options, is_patch=True)
    try:
        parsed = parse(raw, content_type)
        # What was made of a dict in this process says nothing twice.
        is_looked_at = content_type == JSON_PATCH or not request.in_process
        is_looked_at = is_looked_at and options.field_validation != IGNORE
        findings = complaints(raw, parsed, content_type) if is_looked_at else []
    except BadRequest:
        # What there is nothing to apply it to is not looked at.
        await registry.get(resource, call.namespace, call.name)
        raise
    if request.record is not None:
        request.record.body(parsed)
    apply = applier(content_type, registry, resource)
    served = registry.served(resource)
    fields, manager = registry.field_manager(resource, call.subresource), write.manager_of(request, options)
    is_shared = (
        content_type == MERGE_PATCH
        and call.subresource == "status"
        and not resource.custom
        and resource.kind not in ACROSS_PARTS
    )
    attempts = 0

    def shown(live: Obj) -> str:
        """What a refusal shows: what came of the patch, before anybody has read it; what is left of a strategic one."""
        again = go_json.loads(raw)
        wanted = apply(copy(live), again)
        if content_type == STRATEGIC:
            return strategic.go_text(again)
        return orjson.dumps(wanted, option=orjson.OPT_SORT_KEYS).decode()

    def make(current: Document | None) -> Obj:
        nonlocal attempts
        if current is None:
            raise errors.not_found(resource, call.name)
        attempts += 1
        live = served.obj(current)
        if is_shared:
            base = {**live, _METADATA: {**live[_METADATA]}}
        else:
            base = copy(live) if content_type == JSON_PATCH else _copy(live)
        # An application may use up the patch, so each attempt parses it afresh.
        wanted = apply(base, parsed if attempts == 1 else go_json.loads(raw))
        # Warnings are given once, not once per attempt.
        warnings = call.warnings if attempts == 1 else []
        kept = live if is_shared else _NOTHING
        obj = _read(
            wanted,
            kept,
            findings,
            expected,
            options,
            warnings,
            content_type == STRATEGIC,
            partial(shown, live),
        )
        write.ensure_namespace(obj["metadata"], call.namespace)
        write.check_name(obj["metadata"], call.name)
        fields.update(live, obj, manager)
        return registry.to_hub(resource, obj)

    result, _ = await registry.update(call, make)
    return respond.document(registry, served, request, result)


def content_type_of(resource: Resource, request: Request) -> str:
    """Raises UnsupportedMediaType. Of custom kinds nothing says how a strategic merge would go."""
    content_type = request.content_type.partition(";")[0].strip()
    supported = [JSON_PATCH, MERGE_PATCH, STRATEGIC, applies.APPLY]
    if resource.custom:
        supported.remove(STRATEGIC)
    if content_type in supported:
        return content_type
    if resource.custom:
        raise negotiate.unsupported(tuple(supported))
    # Of built-in kinds go-restful's router says so before any handler.
    raise UnsupportedMediaType("415: Unsupported Media Type", details={})


def _copy(live: Obj) -> Obj:
    """An own copy but for managedFields, half of many objects: merges replace them as a whole or leave them alone."""
    metadata = dict(live["metadata"])
    entries = metadata.pop("managedFields", None)
    base = copy({**live, "metadata": metadata})
    if entries is not None:
        base["metadata"]["managedFields"] = entries
    return base


def parse(raw: bytes, content_type: str) -> Any:
    """Raises BadRequest with the text of the patch type's parser."""
    try:
        parsed = go_json.loads(raw)
    except go_json.SyntaxError as error:
        raise BadRequest(str(error) if content_type == STRATEGIC else f"error decoding patch: {error}")
    if parsed is None:
        if content_type == MERGE_PATCH:
            raise BadRequest("Invalid JSON Patch")
        return [] if content_type == JSON_PATCH else {}
    if content_type != JSON_PATCH and not isinstance(parsed, dict):
        kind = {list: "array", str: "string", bool: "bool"}.get(type(parsed), "number")
        text = f"json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
        raise BadRequest(text if content_type == STRATEGIC else f"error decoding patch: {text}")
    return parsed


def complaints(raw: bytes, parsed: Any, content_type: str) -> list[str]:
    """What strictness finds in the patch itself. Raises BadRequest for a JSON patch that is none."""
    if content_type == JSON_PATCH:
        return json_patch.check(raw, parsed)
    return [f'duplicate field "{path}"' for path in strictness.duplicate_keys(raw, parsed)]


def applier(content_type: str, registry: Registry, resource: Resource) -> Apply:
    if content_type == JSON_PATCH:
        return json_patch.apply
    if content_type == MERGE_PATCH:
        return merge_patch.apply
    meta = registry.schemas.patch_meta(resource)
    return lambda current, parsed: strategic.apply(current, parsed, meta)


def _read(
    wanted: Any,
    kept: Obj,
    findings: Sequence[str],
    expected: decode.Expected,
    options: WriteOptions,
    warnings: list[str],
    is_strategic: bool,
    shown: Callable[[], str],
) -> Obj:
    """The patched object pruned and defaulted, but for what it has from `kept`, which is. What does not fit is the
    patch's fault: 422, not 400.

    The result of a strategic merge patch goes through another decoder, which does not look at the kind and has words of
    its own.
    """
    try:
        if isinstance(wanted, dict) and not is_strategic:
            decode.check_kind(wanted, expected)
        read = _novel(wanted, kept) if kept else wanted
        unknown = expected.schema.decode(read).unknown
    except Undecodable as error:
        raise _refused(shown(), error.restored if is_strategic else error.why)
    if options.field_validation != IGNORE and (findings or unknown):
        texts = [
            *findings,
            *(f'unknown field "{path}"' for path in (sorted(unknown) if is_strategic else unknown)),
        ]
        if options.field_validation == STRICT:
            raise _refused(shown(), strictness.message(texts))
        warnings += texts
    read["apiVersion"], read["kind"] = expected.api_version, expected.kind
    expected.schema.default(read)
    return _joined(wanted, read, kept) if kept else read


_NOTHING: Obj = {}
# Where sharing goes one level deeper.
_METADATA = "metadata"


def _novel(wanted: Obj, kept: Obj) -> Obj:
    """`wanted` without the dicts and lists that it has from `kept`."""
    novel: Obj = {}
    for name, part in wanted.items():
        before = kept.get(name)
        if part is before and part.__class__ in (dict, list):
            continue
        novel[name] = (
            _novel(part, before) if name == _METADATA and part.__class__ is dict and before else part
        )
    return novel


def _joined(wanted: Obj, read: Obj, kept: Obj) -> Obj:
    """What was read, together with what it had from `kept`, in the order of the whole."""
    whole: Obj = {}
    for name, part in wanted.items():
        before = kept.get(name)
        if part is before and part.__class__ in (dict, list):
            whole[name] = part
        elif name == _METADATA and name in read and before:
            whole[name] = _joined(part, read[name], before)
        elif name in read:
            whole[name] = read[name]
    # Of what was kept a default is none.
    return whole | {name: part for name, part in read.items() if name not in whole}


def _refused(shown: str, why: str) -> Invalid:
    """Source: patch.go: errors.NewInvalid(schema.GroupKind{}, "", ...) about the field "patch"."""
    finding = errors.invalid_value("patch", shown, why)
    return Invalid(f' "" is invalid: {finding}', details={"causes": [finding.cause()]})
