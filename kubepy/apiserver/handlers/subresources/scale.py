"""/scale of Deployments, ReplicaSets, StatefulSets and ReplicationControllers: replicas, seen and set.

Source: kubernetes pkg/registry/apps/deployment/storage/storage.go ScaleREST, pkg/apis/autoscaling/validation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from kubepy.api import errors, selectors, tables
from kubepy.api.custom import ScalePaths
from kubepy.api.objects import Document, Obj, copy
from kubepy.api.resources import Resource
from kubepy.api.schema import Undecodable
from kubepy.apiserver.handlers import apply as applies
from kubepy.apiserver.handlers import decode, negotiate, respond, write
from kubepy.apiserver.handlers import patch as patches
from kubepy.apiserver.handlers.subresources import custom_scale
from kubepy.apiserver.patch import scale_fields
from kubepy.apiserver.registry.options import WriteOptions, write_options
from kubepy.apiserver.registry.registry import Facade, Registry
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
    served, paths = registry.served(resource), _paths(resource)
    if info.verb == "get":
        namespace = info.namespace if resource.namespaced else ""
        found = served.obj(await registry.get(resource, namespace, info.name))
        if paths is not None:
            custom_scale.check_set(found, paths)
        return _answer(registry, resource, request, shown(found, paths))
    wanted, options = await (_patched if info.verb == "patch" else _replaced)(registry, resource, request)
    # What is written is the whole object: its generation moves, and it is validated as any update.
    facade = Facade("scale", lambda obj, scale: rescale(obj, scale, paths))
    call = replace(write.call_of(resource, request, options), subresource="", facade=facade)
    api_versions = frozenset(registry.api_versions(resource))
    at = scale_fields.REPLICAS if paths is None else tuple(f"f:{step}" for step in paths.spec_replicas)

    def make(current: Document | None) -> Obj:
        if current is None:
            raise errors.not_found(resource, info.name)
        obj = copy(served.obj(current))
        before = shown(obj, paths)
        entries = obj["metadata"].get("managedFields")
        if owned := scale_fields.to_scale(entries, api_versions, at):
            before["metadata"]["managedFields"] = owned
        after = wanted(before if paths is None else custom_scale.to_change(before, obj, paths))
        facade.obj, facade.old = after, before
        rescale(obj, after, paths)
        entries = scale_fields.to_parent(
            entries, after["metadata"].get("managedFields"), resource.api_version, api_versions, at
        )
        if entries:
            obj["metadata"]["managedFields"] = entries
        else:
            obj["metadata"].pop("managedFields", None)
        return registry.to_hub(resource, obj)

    result, _ = await registry.update(call, make)
    return respond.plain(registry, resource, request, shown(served.obj(result), paths))


def _answer(registry: Registry, resource: Resource, request: Request, obj: Obj) -> Response:
    """With columns of its own, if a Table is asked for."""
    if not request.in_process and (wanted := negotiate.wanted(request, resource)).kind == negotiate.TABLE:
        include = request.query.get("includeObject", "Metadata")
        api_version = f"meta.k8s.io/{wanted.version}"
        table = tables.table(
            SCALE,
            [obj],
            registry.clock.now(),
            include_object=include,
            api_version=api_version,
            headers=tables.columns(SCALE, registry.schemas.version),
        )
        return respond.render(registry.schemas, table, wanted)
    return respond.plain(registry, resource, request, obj)


def _paths(resource: Resource) -> ScalePaths | None:
    """Where a custom kind has its replicas; None for built-in ones."""
    return resource.own.scale if resource.own is not None else None


def shown(obj: Obj, paths: ScalePaths | None) -> Obj:
    return scale_of(obj) if paths is None else custom_scale.scale_of(obj, paths)


# The Scale as it is, read-only -> the one that is wanted.
Wanted = Callable[[Obj], Obj]


async def _replaced(registry: Registry, resource: Resource, request: Request) -> tuple[Wanted, WriteOptions]:
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


async def _patched(registry: Registry, resource: Resource, request: Request) -> tuple[Wanted, WriteOptions]:
    content_type = patches.content_type_of(resource, request)
    if content_type == applies.APPLY:
        return await _applied(registry, request)
    options = write_options(request.query, "PatchOptions")
    raw = await request.read_body()
    apply = patches.applier(content_type, registry, SCALE)
    fields, manager = registry.field_manager(SCALE, "scale"), write.manager_of(request, options)
    expected = _expected(registry)

    def wanted(current: Obj) -> Obj:
        result: Any = apply(copy(current), patches.parse(raw, content_type))
        try:
            expected.schema.decode(result)
        except Undecodable as error:
            again = patches.parse(raw, content_type)
            became = patches.shown(content_type, apply(copy(current), again), again)
            raise patches.misfit(became, content_type, error)
        fields.update(current, result, manager)
        return result

    return wanted, options


async def _applied(registry: Registry, request: Request) -> tuple[Wanted, WriteOptions]:
    options = write_options(request.query, "PatchOptions", is_apply=True)
    raw = await request.read_body()
    config = applies.configuration(raw)
    complaints = applies.complaints_of(raw, config, options)
    fields, expected = registry.field_manager(SCALE, "scale"), _expected(registry)

    def wanted(current: Obj) -> Obj:
        merged = fields.apply(current, copy(config), options.field_manager, force=options.force)
        applies.complain(complaints, options, request.warnings)
        result = applies.read(merged, expected, fields, config)
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


def rescale(obj: Obj, wanted: Obj, paths: ScalePaths | None) -> None:
    """The Scale's replicas into `obj`, the caller's own. Raises Invalid, BadRequest."""
    if paths is not None:
        custom_scale.put(obj, wanted, paths)
    else:
        replicas = (wanted.get("spec") or {}).get("replicas", 0)
        if replicas < 0:
            finding = errors.invalid_value("spec.replicas", replicas, "must be greater than or equal to 0")
            raise errors.invalid(SCALE, obj["metadata"]["name"], [finding])
        obj["spec"]["replicas"] = replicas
    metadata = wanted.get("metadata") or {}
    if revision := metadata.get("resourceVersion"):
        obj["metadata"]["resourceVersion"] = revision
    if uid := metadata.get("uid"):
        obj["metadata"]["uid"] = uid
