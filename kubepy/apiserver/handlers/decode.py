"""A body -> an object of the served version: parsed, checked against what is expected here, pruned and defaulted.

fieldValidation decides about fields that the schema does not know and keys that come twice: Ignore drops them, Warn
drops and tells, Strict refuses.

Source: apiserver pkg/endpoints/handlers/{create,rest}.go, apimachinery pkg/runtime/serializer/json/json.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from kubepy.api import errors, go_json, protobuf, strictness
from kubepy.api.errors import BadRequest
from kubepy.api.objects import Obj, api_version, group_version
from kubepy.api.resources import Resource
from kubepy.api.schema import ObjectSchema, Schemas, Undecodable
from kubepy.apiserver.handlers import negotiate
from kubepy.apiserver.registry.options import IGNORE, STRICT, WriteOptions
from kubepy.apiserver.request import Request
from kubepy.lib import yaml

# What Go calls the scheme of all kinds, in `no kind "Foo" is registered for version "v1" in scheme "..."`.
_SCHEME = "pkg/api/legacyscheme/scheme.go:30"
_SCHEMES = {
    "apiextensions.k8s.io": "k8s.io/apiextensions-apiserver/pkg/apiserver/apiserver.go:55",
    "apiregistration.k8s.io": "k8s.io/kube-aggregator/pkg/apiserver/scheme/scheme.go:28",
}


# Reading YAML takes a second per megabyte; beyond this others get their turn meanwhile.
_YAML_INLINE_MAX = 64 << 10


class Expected:
    """What a body must be: a kind in one version, and the schema it is read with. `also`: versions in which it is the
    same."""

    __slots__ = ("also", "api_version", "group", "is_custom", "kind", "schema", "version")

    def __init__(
        self, kind: str, group: str, version: str, object_schema: ObjectSchema, also: tuple[str, ...] = ()
    ) -> None:
        self.kind, self.group, self.version = kind, group, version
        self.api_version = api_version(group, version)
        self.schema = object_schema
        self.is_custom = not object_schema.name
        self.also = also

    @classmethod
    def of(cls, resource: Resource, schemas: Schemas) -> Expected:
        return cls(resource.kind, resource.group, resource.version, schemas.of(resource))


async def body_of(request: Request, expected: Expected, options: WriteOptions) -> Obj:
    """The request's object, this request's own to change. Raises BadRequest, UnsupportedMediaType."""
    obj = await _body_of(request, expected, options)
    if request.record is not None:
        request.record.body(obj)
    return obj


async def _body_of(request: Request, expected: Expected, options: WriteOptions) -> Obj:
    media_type = negotiate.content_type(request.content_type)
    if request.obj is not None:
        return decoded(request.obj, expected, options, request.warnings)
    body = await request.read_body()
    if media_type == negotiate.YAML:
        is_strict = options.field_validation != IGNORE
        if len(body) > _YAML_INLINE_MAX:
            read = await asyncio.to_thread(_read_yaml, body, expected, is_strict=is_strict)
        else:
            read = _read_yaml(body, expected, is_strict=is_strict)
        return decoded(read.value, expected, options, request.warnings, read.json, read.repeated)
    return decode(body, media_type, expected, options, request.warnings)


def decode(
    body: bytes, media_type: str, expected: Expected, options: WriteOptions, warnings: list[str]
) -> Obj:
    """Of JSON and protobuf."""
    if media_type == negotiate.PROTOBUF:
        return decoded(read_protobuf(body, expected), expected, options, warnings)
    try:
        parsed = go_json.loads(body)
    except go_json.SyntaxError as error:
        raise _unrecognized(expected, f"couldn't get version/kind; json parse error: {error}", body)
    return decoded(parsed, expected, options, warnings, body)


class _Yaml(NamedTuple):
    value: Any
    json: bytes  # the same, as Go makes it of YAML: keys by name, each once
    repeated: list[str]  # keys that the YAML has more than once


def _read_yaml(body: bytes, expected: Expected, *, is_strict: bool) -> _Yaml:
    try:
        # Much of it is JSON.
        parsed = go_json.loads(body)
    except go_json.SyntaxError:
        try:
            parsed = yaml.load_first(body)
        except yaml.Error as error:
            raise _unrecognized(expected, yaml.go_text(error), body)
    if not isinstance(parsed, dict):
        return _Yaml(parsed, body, [])
    as_json = orjson.dumps(parsed, option=orjson.OPT_SORT_KEYS)
    return _Yaml(
        orjson.loads(as_json), as_json, strictness.repeated_in_yaml(body, parsed) if is_strict else []
    )


def read_protobuf(body: bytes, expected: Expected) -> Obj:
    """The body as JSON would have said it. Raises BadRequest."""
    try:
        envelope = protobuf.Unknown(body)
    except protobuf.ProtobufError as error:
        raise _unrecognized(expected, str(error), body)
    head = {"apiVersion": envelope.api_version, "kind": envelope.kind}
    check_kind(head, expected)
    try:
        return head | expected.schema.read_protobuf(envelope.raw)
    except protobuf.ProtobufError as error:
        raise BadRequest(
            f'{expected.kind} in version "{expected.version}" cannot be handled as a {expected.kind}: {error}'
        )


def decoded(
    parsed: Any,
    expected: Expected,
    options: WriteOptions,
    warnings: list[str],
    body: bytes = b"",
    repeated: Sequence[str] = (),
) -> Obj:
    """`parsed` in place, once it is known to be the right kind."""
    if parsed is None:
        parsed, body = {}, b""
    is_strict = options.field_validation != IGNORE
    duplicates: list[str] = []
    if isinstance(parsed, dict):
        duplicates = strictness.duplicate_keys(body, parsed) if body and is_strict else []
        if expected.is_custom:
            _check_custom_kind(parsed, expected, body)
        else:
            check_kind(parsed, expected)
    findings = expected.schema.decode(parsed, body)
    if is_strict and (findings.unknown or duplicates or repeated):
        if body and not expected.is_custom:
            texts = strictness.texts(body, go_json.loads(body), findings.unknown)
        else:
            texts = [f'duplicate field "{path}"' for path in duplicates]
            texts += [f'unknown field "{path}"' for path in findings.unknown]
        if repeated and options.field_validation == STRICT:
            texts.insert(0, strictness.yaml_error(repeated))
        else:
            texts[:0] = repeated
        complain(texts, expected, options, warnings)
    parsed["apiVersion"], parsed["kind"] = expected.api_version, expected.kind
    if not isinstance(parsed.get("metadata"), dict):
        parsed["metadata"] = {}
    expected.schema.default(parsed)
    return parsed


def complain(texts: list[str], expected: Expected, options: WriteOptions, warnings: list[str]) -> None:
    """Refuse or warn, as the client asked for."""
    if options.field_validation == STRICT:
        raise BadRequest(
            f'{expected.kind} in version "{expected.version}" cannot be handled as a {expected.kind}: '
            + strictness.message(texts)
        )
    warnings += texts


def _check_custom_kind(parsed: Obj, expected: Expected, body: bytes) -> None:
    """Nothing stands in for the kind of a custom object, and another one is an invalid object.

    Source: unstructuredJSONScheme.unmarshalToUnstructured, customresource/validator.go ValidateTypeMeta.
    """
    kind = parsed.get("kind")
    if not isinstance(kind, str) or kind in ("", expected.kind):
        if not kind and body:
            raise _unrecognized(
                expected, f"Object 'Kind' is missing in '{body.decode(errors='replace')}'", body
            )
        return check_kind(parsed, expected)
    if (version := _text(parsed.get("apiVersion"))) != expected.api_version:
        raise BadRequest(_other_version(version, expected))
    finding = errors.invalid_value("kind", kind, f"must be {expected.kind}")
    metadata = parsed.get("metadata")
    name = _text((metadata if isinstance(metadata, dict) else {}).get("name"))
    given = Resource(
        group=expected.group, version=expected.version, kind=kind, plural="", singular="", namespaced=True
    )
    raise errors.invalid(given, name, [finding])


def check_kind(parsed: Obj, expected: Expected) -> None:
    """Raises Undecodable for another kind than expected, BadRequest for another version of it."""
    if parsed.get("kind") == expected.kind and parsed.get("apiVersion") == expected.api_version:
        return
    kind = _text(parsed.get("kind")) or expected.kind
    version = _text(parsed.get("apiVersion")) or expected.api_version
    if kind == expected.kind and (version == expected.api_version or version in expected.also):
        return
    group, given = group_version(version)
    if expected.schema.is_registered(version, kind):
        # An Event is the same in both of its groups.
        if kind == expected.kind and (group in (expected.group, "extensions") or kind == "Event"):
            raise BadRequest(_other_version(version, expected))
        # Go finds another type behind this kind, and no conversion between the two.
        internal = expected.group.partition(".")[0] or "core"
        why = f"converting ({given}.{kind}) to ({internal}.{expected.kind}): unknown conversion"
    else:
        scheme = _SCHEMES.get(expected.group, _SCHEME)
        kind_, version_ = errors.quote(kind), errors.quote(version)
        why = f'no kind {kind_} is registered for version {version_} in scheme "{scheme}"'
    raise Undecodable(f'{kind} in version "{given}" cannot be handled as a {expected.kind}: {why}', why=why)


def _other_version(version: str, expected: Expected) -> str:
    return f"the API version in the data ({version}) does not match the expected API version ({expected.api_version})"


def _text(value: Any) -> str:
    """What is no text is refused later, by the schema."""
    return value if isinstance(value, str) else ""


def _unrecognized(expected: Expected, why: str, body: bytes) -> BadRequest:
    return BadRequest(
        f"the object provided is unrecognized (must be of type {expected.kind}): {why} ({_summary(body)})"
    )


def _summary(body: bytes) -> str:
    """Source: endpoints/handlers/rest.go summarizeData."""
    if not body:
        return "<empty>"
    head = body[:30]
    text = head.decode(errors="replace") if body[:1] == b"{" else head.hex()
    return text + " ..." if len(body) > 30 else text
