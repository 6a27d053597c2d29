"""/scale of Deployments, ReplicaSets, StatefulSets and ReplicationControllers: replicas, seen and set.

Source: kubernetes pkg/registry/apps/deployment/storage/storage.go ScaleREST, pkg/apis/autoscaling/validation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kubepy.api import errors, selectors
from kubepy.api.objects import Document, Obj, copy
from kubepy.api.resources import Resource
from kubepy.apiserver.handlers import apply as applies
from kubepy.apiserver.handlers import decode, negotiate, respond, write
from kubepy.apiserver.handlers import patch as patches
from kubepy.apiserver.patch import scale_fields
from kubepy.apiserver.registry.options import WriteOptions, write_options
from kubepy.apiserver.registry.registry import Registry
from kubepy.apiserver.request import Request, Response

_SCHEMA = "io.k8s.api.autoscaling.v1.Scale"
SCALE = Resource(
    group="autoscaling",
    version="v1",
    kind="Scale",
    plural="scales",
    singular="scale",
    namespaced=True,
    schema=_SCHEMA,
)


async def scale(registry: Registry, resource: Resource, request: Request) -> Response:
    info = request.info
    if info.verb == "get":
        found = await registry.get(resource, info.namespace, info.name)
        return respond.plain(request, scale_of(found.obj))
    wanted, options = await (_patched if info.verb == "patch" else _replaced)(registry, request)
    # What is written is the whole object: its generation moves, and it is validated as any update.
    call = replace(write.call_of(resource, request, options), subresource="")
    api_versions = frozenset(registry.api_versions(resource))

    def make(current: Document | None) -> Obj:
        if current is None:
            raise errors.not_found(resource, info.name)
        before = scale_of(current.obj)
        entries = current.obj["metadata"].get("managedFields")
        if shown := scale_fields.to_scale(entries, api_versions):
            before["metadata"]["managedFields"] = shown
        after = wanted(before)
        obj = rescaled(current, after)
        entries = scale_fields.to_parent(
            entries, after["metadata"].get("managedFields"), resource.api_version, api_versions
        )
        if entries:
            obj["metadata"]["managedFields"] = entries
        else:
            obj["metadata"].pop("managedFields", None)
        return obj

    result, _ = await registry.update(call, make)
    return respond.plain(request, scale_of(result.obj))


# The Scale as it is, read-only -> the one that is wanted.
Wanted = Callable[[Obj], Obj]


async def _replaced(registry: Registry, request: Request) -> tuple[Wanted, WriteOptions]:
    options = write_options(request.query, "UpdateOptions")
    body = await decode.body_of(request, _expected(registry), options)
    write.ensure_namespace(body["metadata"], request.info.namespace)
    write.check_name(body["metadata"], request.info.name)
    fields, manager = registry.field_manager(SCALE, "scale"), write.manager_of(request, options)

    def wanted(current: Obj) -> Obj:
        new = copy(body)
        fields.update(current, new, manager)
        return new

    return wanted, options


async def _patched(registry: Registry, request: Request) -> tuple[Wanted, WriteOptions]:
    content_type = request.content_type.partition(";")[0].strip()
    if content_type == applies.APPLY:
        return await _applied(registry, request)
    options = write_options(request.query, "PatchOptions")
    supported = (patches.JSON_PATCH, patches.MERGE_PATCH, patches.STRATEGIC, applies.APPLY)
    if content_type not in supported:
        raise negotiate.unsupported(supported)
    raw = await request.read_body()
    patches.parse(raw, content_type)
    apply = patches.applier(content_type, registry, SCALE)
    fields, manager = registry.field_manager(SCALE, "scale"), write.manager_of(request, options)
    expected = _expected(registry)

    def wanted(current: Obj) -> Obj:
        result: Any = apply(copy(current), patches.parse(raw, content_type))
        expected.schema.decode(result)
        fields.update(current, result, manager)
        return result

    return wanted, options


async def _applied(registry: Registry, request: Request) -> tuple[Wanted, WriteOptions]:
    options = write_options(request.query, "PatchOptions", is_apply=True)
    raw = await request.read_body()
    config = applies.configuration(raw)
    complaint = applies.strictness(raw, config, options)
    fields, expected = registry.field_manager(SCALE, "scale"), _expected(registry)

    def wanted(current: Obj) -> Obj:
        merged = fields.apply(current, copy(config), options.field_manager, force=options.force)
        applies.complain(complaint, options, request.warnings)
        result = applies.read(merged, expected, fields)
        write.ensure_namespace(result["metadata"], request.info.namespace)
        write.check_name(result["metadata"], request.info.name)
        return result

    return wanted, options


def _expected(registry: Registry) -> decode.Expected:
    return decode.Expected("Scale", "autoscaling", "v1", registry.schemas.of(_SCHEMA))


def scale_of(obj: Obj) -> Obj:
    """The Scale that shows an object's replicas."""
    metadata, spec, status = obj["metadata"], obj.get("spec") or {}, obj.get("status") or {}
    shown = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    selector = spec.get("selector") or {}
    # A ReplicationController's selector is a plain map.
    is_map = obj["kind"] == "ReplicationController"
    parsed = selectors.from_set(selector) if is_map else selectors.from_label_selector(selector)
    shown_status: Obj = {"replicas": status.get("replicas", 0)}
    if text := str(parsed):
        shown_status["selector"] = text
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {field: metadata[field] for field in shown if field in metadata},
        "spec": {"replicas": spec["replicas"]} if spec.get("replicas") else {},
        "status": shown_status,
    }


def rescaled(current: Document, wanted: Obj) -> Obj:
    """The object with the Scale's replicas. Raises Invalid, Conflict."""
    replicas = (wanted.get("spec") or {}).get("replicas", 0)
    name = current.key.name
    if replicas < 0:
        finding = errors.invalid_value("spec.replicas", replicas, "must be greater than or equal to 0")
        raise errors.invalid(SCALE, name, [finding])
    obj = current.copy()
    obj["spec"]["replicas"] = replicas
    metadata = wanted.get("metadata") or {}
    if revision := metadata.get("resourceVersion"):
        obj["metadata"]["resourceVersion"] = revision
    if uid := metadata.get("uid"):
        obj["metadata"]["uid"] = uid
    return obj
