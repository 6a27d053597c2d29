"""DELETE of one object and of a collection. Source: apiserver pkg/endpoints/handlers/delete.go."""

from __future__ import annotations

from typing import Any

from kubepy.api import fields, go_json, protobuf, selectors
from kubepy.api.decoding import IDENTITY, json_kind
from kubepy.api.errors import BadRequest
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.api.schema import Schemas, Undecodable
from kubepy.apiserver.handlers import negotiate, respond, write
from kubepy.apiserver.registry.options import (
    DEFAULT_WRITE,
    DeleteOptions,
    WriteOptions,
    delete_options,
    list_options,
)
from kubepy.apiserver.registry.registry import Deleted, Registry
from kubepy.apiserver.request import Request, Response
from kubepy.lib import yaml

# What Go calls the scheme of options.
_SCHEME = "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27"
DELETE_OPTIONS = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"
_DRY_RUN = WriteOptions(dry_run=True)


async def delete(registry: Registry, resource: Resource, request: Request) -> Response:
    options = await _options(request, registry)
    _warn(registry, resource, request, options)
    call = write.call_of(resource, request, _DRY_RUN if options.dry_run else DEFAULT_WRITE)
    deleted = await registry.delete(call, options)
    # Source: delete.go: only the old way of asking for cascading deletion is told that it is not over yet.
    status = 202 if not deleted.is_gone and options.orphan_dependents is False else 200
    return answer(registry, resource, request, deleted, status)


def answer(
    registry: Registry, resource: Resource, request: Request, deleted: Deleted, status: int = 200
) -> Response:
    """The object, or for most kinds a Status that says which object it was, once it is gone."""
    strategy = registry.strategy(registry.catalog.hub(resource))
    if not deleted.is_gone or strategy.returns_deleted:
        return respond.document(registry, registry.served(resource), request, deleted.document, status)
    metadata = deleted.document.obj["metadata"]
    details: Obj = {"name": metadata["name"]}
    if resource.group:
        details["group"] = resource.group
    details |= {"kind": resource.plural, "uid": metadata.get("uid", "")}
    return respond.plain(registry, resource, request, {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details,
    }, status, has_tables=True)  # fmt: skip


async def delete_collection(registry: Registry, resource: Resource, request: Request) -> Response:
    which = list_options(request.query)
    selectors.parse_labels(which.label_selector)
    fields.check(resource, selectors.parse_fields(which.field_selector))
    options = await _options(request, registry)
    _warn(registry, resource, request, options)
    call = write.call_of(resource, request, _DRY_RUN if options.dry_run else DEFAULT_WRITE)
    found = await registry.delete_collection(call, options, which)
    return await respond.listing(registry, registry.served(resource), request, found)


def _warn(registry: Registry, resource: Resource, request: Request, options: DeleteOptions) -> None:
    warning = registry.strategy(registry.catalog.hub(resource)).deletion_warning
    if warning and options.propagation is None and options.orphan_dependents is None:
        request.warnings.append(warning)


async def _options(request: Request, registry: Registry) -> DeleteOptions:
    body = await _body(request, registry.schemas)
    if body:
        try:
            registry.schemas.of(DELETE_OPTIONS).decode(body)
        except Undecodable as error:
            # Nobody says here what could not be handled as what.
            raise BadRequest(error.why)
        if request.record is not None:
            # Go's own version of it is what upstream writes down.
            request.record.body(body | {"apiVersion": "meta.k8s.io/__internal"})
    return delete_options(body, request.query)


async def _body(request: Request, schemas: Schemas) -> Obj | None:
    """DeleteOptions in whatever they come in; any group's kind of them."""
    parsed = request.obj
    if parsed is None:
        raw = await request.read_body()
        if not raw:
            return None
        parsed = _read(raw, negotiate.content_type(request.content_type), schemas)
    if parsed is None:
        return {}
    if not isinstance(parsed, dict):
        why = f"json: cannot unmarshal {json_kind(parsed)} into Go value of type {IDENTITY}"
        raise BadRequest(f"couldn't get version/kind; json parse error: {why}")
    _check_kind(parsed)
    return parsed


def _check_kind(head: Obj) -> None:
    if (kind := head.get("kind") or "DeleteOptions") != "DeleteOptions":
        version = head.get("apiVersion") or "meta.k8s.io/v1"
        raise BadRequest(f'no kind "{kind}" is registered for version "{version}" in scheme "{_SCHEME}"')


def _read(raw: bytes, media_type: str, schemas: Schemas) -> Any:
    try:
        if media_type == negotiate.PROTOBUF:
            envelope = protobuf.Unknown(raw)
            head = {"apiVersion": envelope.api_version, "kind": envelope.kind}
            _check_kind(head)
            return head | schemas.of(DELETE_OPTIONS).read_protobuf(envelope.raw)
        return yaml.load_first(raw) if media_type == negotiate.YAML else go_json.loads(raw)
    except go_json.SyntaxError as error:
        raise BadRequest(f"couldn't get version/kind; json parse error: {error}")
    except yaml.Error as error:
        raise BadRequest(yaml.go_text(error))
    except protobuf.ProtobufError as error:
        raise BadRequest(str(error))
