"""/scale of Deployments, ReplicaSets, StatefulSets and ReplicationControllers: replicas, seen and set.

Source: kubernetes pkg/registry/apps/deployment/storage/storage.go ScaleREST, pkg/apis/autoscaling/validation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson

from kubepy.api import errors, selectors
from kubepy.api.objects import Document, Obj
from kubepy.api.resources import Resource
from kubepy.apiserver.handlers import decode, negotiate, respond, write
from kubepy.apiserver.handlers import patch as patches
from kubepy.apiserver.registry.options import write_options
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
    kind = "PatchOptions" if info.verb == "patch" else "UpdateOptions"
    options = write_options(request.query, kind)
    expected = decode.Expected("Scale", "autoscaling", "v1", registry.schemas.of(_SCHEMA))
    wanted: Callable[[Obj], Obj]
    if info.verb == "patch":
        wanted = await _patched(registry, request, expected)
    else:
        body = await decode.body_of(request, expected, options)
        write.ensure_namespace(body["metadata"], info.namespace)
        write.check_name(body["metadata"], info.name)

        def wanted(current: Obj) -> Obj:
            return body

    # What is written is the whole object: its generation moves, and it is validated as any update.
    call = replace(write.call_of(resource, request, options), subresource="")

    def make(current: Document | None) -> Obj:
        if current is None:
            raise errors.not_found(resource, info.name)
        return rescaled(current, wanted(scale_of(current.obj)))

    result, _ = await registry.update(call, make)
    return respond.plain(request, scale_of(result.obj))


async def _patched(registry: Registry, request: Request, expected: decode.Expected) -> Callable[[Obj], Obj]:
    content_type = request.content_type.partition(";")[0].strip()
    supported = (patches.JSON_PATCH, patches.MERGE_PATCH, patches.STRATEGIC)
    if content_type not in supported:
        raise negotiate.unsupported(supported)
    raw = await request.read_body()
    patches.parse(raw, content_type)
    apply = patches.applier(content_type, registry, SCALE)

    def wanted(current: Obj) -> Obj:
        result: Any = apply(orjson.loads(orjson.dumps(current)), orjson.loads(raw))
        expected.schema.decode(result)
        return result

    return wanted


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
