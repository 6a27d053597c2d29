"""pods/binding and bindings: give a pod its node, once.

Source: kubernetes pkg/registry/core/pod/storage/storage.go BindingREST.
"""

from __future__ import annotations

from kubepy.api import errors
from kubepy.api.builtins import PODS
from kubepy.api.objects import Document, Obj, copy
from kubepy.api.resources import Resource
from kubepy.api.validation import validate_binding
from kubepy.apiserver.handlers import decode, respond, write
from kubepy.apiserver.registry.metadata import precondition_failed
from kubepy.apiserver.registry.options import write_options
from kubepy.apiserver.registry.registry import Call, Registry
from kubepy.apiserver.request import Request, Response

SUCCESS: Obj = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


async def bind(registry: Registry, resource: Resource, request: Request) -> Response:
    options = write_options(request.query, "CreateOptions")
    expected = decode.Expected("Binding", "", "v1", registry.schemas.of("io.k8s.api.core.v1.Binding"))
    binding = await decode.body_of(request, expected, options)
    metadata = binding["metadata"]
    namespace = request.info.namespace
    write.ensure_namespace(metadata, namespace)
    name = metadata.get("name", "")
    if request.info.name and request.info.name != name:
        raise errors.BadRequest("name in URL does not match name in Binding object")
    asked = write.call_of(resource, request, options)
    asked.name = name
    await registry.admit(asked, binding)
    if findings := validate_binding(binding):
        # Source: ValidatePodBinding, whose findings are answered as they are.
        raise errors.StatusError(errors.aggregate(findings), code=500, reason="")
    if not name:
        raise errors.BadRequest("Name parameter required.")
    user = request.user or write.NOBODY
    call = Call(
        PODS, namespace, name, user, "binding", options, request.warnings, request.request_id, is_admitted=True
    )  # fmt: skip

    def make(current: Document | None) -> Obj:
        if current is None:
            raise errors.not_found(PODS, name)
        live = current.obj
        for field, word in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
            if metadata.get(field) and metadata[field] != live["metadata"][field]:
                raise precondition_failed(call, word, metadata[field], live["metadata"][field])
        # Everything below, but for the status, stays what it is, and is the live object's own.
        own = {
            "metadata": {**live["metadata"]},
            "spec": {**live["spec"]},
            "status": copy(live.get("status") or {}),
        }
        pod = bound(live | own, binding)
        scheduled_condition(pod, registry.clock.rfc3339())
        return pod

    await registry.update(call, make)
    return respond.plain(registry, resource, request, dict(SUCCESS), 201)


def bound(pod: Obj, binding: Obj) -> Obj:
    """`pod` on its node, in place. Raises Conflict if it may not be bound (any more)."""
    metadata, wanted = pod["metadata"], binding["metadata"]
    name, spec = metadata["name"], pod["spec"]
    if metadata.get("deletionTimestamp"):
        raise _conflict(name, f"pod {name} is being deleted, cannot be assigned to a host")
    if spec.get("nodeName"):
        raise _conflict(name, f'pod {name} is already assigned to node "{spec["nodeName"]}"')
    if spec.get("schedulingGates"):
        raise _conflict(name, f"pod {name} has non-empty .spec.schedulingGates")
    spec["nodeName"] = binding["target"]["name"]
    for field in ("annotations", "labels"):
        if wanted.get(field):
            metadata[field] = {**(metadata.get(field) or {}), **wanted[field]}
    status = pod.setdefault("status", {})
    status.pop("nominatedNodeName", None)
    return pod


def scheduled_condition(pod: Obj, now: str) -> None:
    """PodScheduled becomes True; its transition time only moves if it was not."""
    conditions = pod["status"].setdefault("conditions", [])
    fresh = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": now}
    for index, condition in enumerate(conditions):
        if condition.get("type") == "PodScheduled":
            if condition.get("status") == "True":
                fresh["lastTransitionTime"] = condition.get("lastTransitionTime", now)
            conditions[index] = fresh
            return
    conditions.append(fresh)


def _conflict(name: str, why: str) -> errors.Conflict:
    return errors.Conflict(
        f'Operation cannot be fulfilled on pods/binding "{name}": {why}',
        details={"name": name, "kind": "pods/binding"},
    )
