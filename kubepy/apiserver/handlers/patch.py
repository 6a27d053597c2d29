"""PATCH: JSON patch, merge patch, strategic merge patch; apply is in apply.py. The patch is applied to the object as
served, again for each attempt, and what comes out is read as strictly as a body.

A merge patch of a status shares what it does not name with the object that is there: the very same dicts, which nobody
on the way changes, which are not read again, and which everybody who compares the two recognizes at once.

Source: apiserver pkg/endpoints/handlers/patch.go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import orjson

from kubepy.api import errors, go_json, strictness
from kubepy.api.defaults import ACROSS_PARTS
from kubepy.api.errors import BadRequest, Invalid, UnsupportedMediaType
from kubepy.api.objects import Document, Obj, copy, group_version
from kubepy.api.resources import Resource
from kubepy.api.schema import Undecodable
from kubepy.apiserver.handlers import apply as applies
from kubepy.apiserver.handlers import decode, negotiate, respond, write
from kubepy.apiserver.patch import json_patch, merge_patch, strategic
from kubepy.apiserver.registry.call import Call
from kubepy.apiserver.registry.options import IGNORE, STRICT, write_options
from kubepy.apiserver.registry.registry import Registry
from kubepy.apiserver.request import Request, Response

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"

_NOTHING: Obj = {}
# Where sharing goes one level deeper.
_METADATA = "metadata"
# Source: apimachinery pkg/runtime/serializer/json/meta.go Interpret.
_NO_OBJECT = (
    "couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type struct "
    '{ APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
)

# (current object, the callee's own unless it shares; the parsed patch, the callee's own) -> wanted object
Apply = Callable[[Obj, Any], Any]


async def patch(registry: Registry, resource: Resource, request: Request) -> Response:
    content_type = content_type_of(resource, request)
    if content_type == applies.APPLY:
        return await applies.apply(registry, resource, request)
    options = write_options(request.query, "PatchOptions")
    raw = await request.read_body()
    call = write.call_of(resource, request, options, is_patch=True)
    is_lenient = options.field_validation == IGNORE
    # What was made of a dict in this process says nothing twice.
    is_looked_at = not is_lenient and (content_type == JSON_PATCH or not request.in_process)
    try:
        parsed = parse(raw, content_type, is_lenient=is_lenient)
        findings = complaints(raw, parsed, content_type) if is_looked_at else []
    except BadRequest:
        # What there is nothing to apply it to is not looked at.
        await registry.get(resource, call.namespace, call.name)
        raise
    if request.record is not None:
        request.record.body(parsed)
    patcher = _Patcher(
        registry, call, content_type, raw, parsed, findings, write.manager_of(request, options)
    )
    result, _ = await registry.update(call, patcher.make)
    return respond.document(registry, registry.served(resource), request, result)


class _Patcher:
    """One patch, applied to whatever is there at each attempt."""

    def __init__(
        self,
        registry: Registry,
        call: Call,
        content_type: str,
        raw: bytes,
        parsed: Any,
        findings: Sequence[str],
        manager: str,
    ) -> None:
        resource = call.resource
        self._registry, self._call, self._manager = registry, call, manager
        self._raw, self._parsed, self._findings = raw, parsed, findings
        self._content_type = content_type
        self._apply = applier(content_type, registry, resource)
        self._expected = decode.Expected.of(resource, registry.schemas)
        self._served = registry.served(resource)
        self._fields = registry.field_manager(resource, call.subresource)
        self._is_shared = (
            content_type == MERGE_PATCH
            and call.subresource == "status"
            and not resource.custom
            and resource.kind not in ACROSS_PARTS
        )
        self._is_first = True

    def make(self, current: Document | None) -> Obj:
        """The wanted object. Raises NotFound, Invalid, BadRequest."""
        call = self._call
        if current is None:
            raise errors.not_found(call.resource, call.name)
        live = self._served.obj(current)
        # An application may use up the patch, so each attempt parses it afresh.
        parsed = self._parsed if self._is_first else self._again()
        obj = self._read(self._apply(self._base(live), parsed), live)
        self._is_first = False
        write.ensure_namespace(obj["metadata"], call.namespace)
        write.check_name(obj["metadata"], call.name)
        self._fields.update(live, obj, self._manager)
        return self._registry.to_hub(call.resource, obj)

    def _again(self) -> Any:
        is_lenient = self._call.options.field_validation == IGNORE
        return parse(self._raw, self._content_type, is_lenient=is_lenient)

    def _base(self, live: Obj) -> Obj:
        if self._is_shared:
            return {**live, _METADATA: {**live[_METADATA]}}
        return copy(live) if self._content_type == JSON_PATCH else _copy(live)

    def _read(self, wanted: Any, live: Obj) -> Obj:
        """The patched object pruned and defaulted, but for what it shares with `live`, which is. What does not fit is
        the patch's fault: 422, not 400.

        The result of a strategic merge patch goes through another decoder, which does not look at the kind and has
        words of its own.
        """
        expected, is_strategic = self._expected, self._content_type == STRATEGIC
        kept = live if self._is_shared else _NOTHING
        if not isinstance(wanted, dict):
            raise _refused(self._shown(live), _NO_OBJECT)
        if not (is_strategic or expected.is_custom or wanted.get("apiVersion")):
            # Go reads it as its own type then, none of whose fields has a name in JSON.
            read: Obj = {_METADATA: {}}
            unknown = sorted(wanted.keys() - {"apiVersion", "kind"})
        else:
            try:
                if expected.is_custom:
                    self._check_custom_kind(wanted, live)
                elif not is_strategic:
                    decode.check_kind(wanted, expected)
                read = _novel(wanted, kept) if kept else wanted
                unknown = expected.schema.decode(read).unknown
            except Undecodable as error:
                raise misfit(self._shown(live), self._content_type, error)
        self._complain(sorted(unknown) if is_strategic else unknown, live)
        read["apiVersion"], read["kind"] = expected.api_version, expected.kind
        if read.get(_METADATA) is None:
            read[_METADATA] = {}
        expected.schema.default(read)
        return _joined(wanted, read, kept) if kept else read

    def _check_custom_kind(self, wanted: Obj, live: Obj) -> None:
        """Of a custom object nothing stands in for either. Source: apimachinery unstructured, customresource/
        validator.go ValidateTypeMeta."""
        expected = self._expected
        kind, version = wanted.get("kind") or "", wanted.get("apiVersion") or ""
        if not (isinstance(kind, str) and isinstance(version, str)):
            decode.check_kind(wanted, expected)
            return
        if not kind:
            shown = self._shown(live)
            raise _refused(shown, f"Object 'Kind' is missing in '{shown}'")
        if not version:
            raise errors.InternalError("Object 'apiVersion' is missing in 'object has no apiVersion field'")
        findings = [
            errors.invalid_value(field, given, f"must be {right}")
            for field, given, right in (
                ("kind", kind, expected.kind),
                ("apiVersion", version, expected.api_version),
            )
            if given != right
        ]
        if findings:
            given = replace(self._call.resource, kind=kind, group=group_version(version)[0])
            raise errors.invalid(given, self._call.name, findings)

    def _complain(self, unknown: Sequence[str], live: Obj) -> None:
        validation = self._call.options.field_validation
        if validation == IGNORE or not (self._findings or unknown):
            return
        texts = [*self._findings, *(f'unknown field "{path}"' for path in unknown)]
        if validation == STRICT:
            raise _refused(self._shown(live), strictness.message(texts))
        if self._is_first:
            self._call.warnings.extend(texts)

    def _shown(self, live: Obj) -> str:
        """What a refusal shows: what came of the patch, before anybody has read it; what is left of a strategic one."""
        again = self._again()
        return shown(self._content_type, self._apply(copy(live), again), again)


def shown(content_type: str, wanted: Any, left: Any) -> str:
    """What a refusal shows: `wanted`, which came of the patch; what is `left` of a strategic one."""
    if content_type == STRATEGIC:
        return strategic.go_text(left)
    return orjson.dumps(wanted, option=orjson.OPT_SORT_KEYS).decode()


def misfit(became: str, content_type: str, error: Undecodable) -> Invalid:
    """What came of a patch cannot be decoded. Strategic ones go through a decoder with words of its own."""
    return _refused(became, error.restored if content_type == STRATEGIC else error.why)


def content_type_of(resource: Resource, request: Request) -> str:
    """Raises UnsupportedMediaType. Of custom kinds nothing says how a strategic merge would go."""
    content_type = request.content_type.partition(";")[0].strip()
    supported = [JSON_PATCH, MERGE_PATCH, STRATEGIC, applies.APPLY]
    if resource.custom:
        supported.remove(STRATEGIC)
    if content_type in supported:
        return content_type
    # Of built-in kinds go-restful's router says so before any handler, unless one of several is right.
    given = {part.partition(";")[0].strip() for part in request.content_type.split(",")}
    if resource.custom or not given.isdisjoint(supported):
        raise negotiate.unsupported(tuple(supported))
    raise UnsupportedMediaType("415: Unsupported Media Type", details={})


def _copy(live: Obj) -> Obj:
    """An own copy but for managedFields, half of many objects: merges replace them as a whole or leave them alone."""
    metadata = dict(live["metadata"])
    entries = metadata.pop("managedFields", None)
    base = copy({**live, "metadata": metadata})
    if entries is not None:
        base["metadata"]["managedFields"] = entries
    return base


def parse(raw: bytes, content_type: str, *, is_lenient: bool = False) -> Any:
    """Raises BadRequest with the text of the patch type's parser: of who `is_lenient` the one that applies it is the
    first to look at the patch, not the strict reader."""
    if content_type == JSON_PATCH:
        return _json_patch(raw, is_lenient=is_lenient)
    if content_type == MERGE_PATCH:
        return _merge_patch(raw, is_lenient=is_lenient)
    try:
        parsed = go_json.loads(raw)
    except go_json.SyntaxError as error:
        raise BadRequest(str(error))
    if isinstance(parsed, dict):
        return parsed
    if parsed is None:
        return {}
    raise BadRequest(_no_map(parsed))


def _json_patch(raw: bytes, *, is_lenient: bool) -> Any:
    try:
        parsed = go_json.loads(raw)
    except go_json.SyntaxError as error:
        raise BadRequest(str(error) if is_lenient else f"error decoding patch: {error}")
    if parsed is None:
        return []
    if is_lenient:
        json_patch.check_operations(parsed)
    return parsed


def _merge_patch(raw: bytes, *, is_lenient: bool) -> Any:
    try:
        parsed = go_json.loads(raw)
    except go_json.SyntaxError as error:
        raise BadRequest("Invalid JSON Patch" if is_lenient else f"error decoding patch: {error}")
    # A list takes the place of the object, and is none.
    if isinstance(parsed, dict) or (is_lenient and isinstance(parsed, list)):
        return parsed
    if parsed is None or is_lenient:
        raise BadRequest("Invalid JSON Patch")
    raise BadRequest(f"error decoding patch: {_no_map(parsed)}")


def _no_map(parsed: Any) -> str:
    kind = {list: "array", str: "string", bool: "bool"}.get(type(parsed), "number")
    return f"json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"


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
