"""pods/eviction: a delete that a PodDisruptionBudget may refuse.

Source: kubernetes pkg/registry/core/pod/storage/eviction.go.
"""

from __future__ import annotations

from dataclasses import replace

from kubepy.api import errors, pods, selectors
from kubepy.api.builtins import POD_DISRUPTION_BUDGETS, PODS
from kubepy.api.objects import Document, Obj
from kubepy.api.resources import Resource
from kubepy.apiserver.handlers import decode, respond, write
from kubepy.apiserver.handlers.subresources.binding import SUCCESS
from kubepy.apiserver.registry.options import delete_options, write_options
from kubepy.apiserver.registry.registry import Call, Registry
from kubepy.apiserver.request import Query, Request, Response


async def evict(registry: Registry, resource: Resource, request: Request) -> Response:
    options = write_options(request.query, "CreateOptions")
    expected = decode.Expected(
        "Eviction", "policy", "v1", registry.schemas.of("io.k8s.api.policy.v1.Eviction")
    )
    eviction = await decode.body_of(request, expected, options)
    info = request.info
    write.ensure_namespace(eviction["metadata"], info.namespace)
    if eviction["metadata"].get("name") != info.name:
        raise errors.BadRequest("name in URL does not match name in Eviction object")
    deletion = delete_options(eviction.get("deleteOptions"), Query())
    deletion.dry_run = deletion.dry_run or options.dry_run
    user = request.user or write.NOBODY
    call = Call(
        PODS,
        info.namespace,
        info.name,
        user,
        "",
        replace(options, dry_run=deletion.dry_run),
        request.warnings,
        request.request_id,
    )
    pod = await registry.get(PODS, info.namespace, info.name)
    if not _is_over(pod.obj):
        budgets = await _budgets(registry, pod)
        if len(budgets) > 1:
            raise errors.StatusError(
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
                code=500,
                reason="",
            )
        if budgets:
            await _take_one(registry, call, pod, budgets[0])
    if not deletion.dry_run:
        await registry.update(
            replace(call, subresource="status"), lambda current: _marked(registry, current, call)
        )
    await registry.delete(call, deletion)
    return respond.plain(request, dict(SUCCESS), 201)


def _is_over(pod: Obj) -> bool:
    """Nothing is disrupted any more. Source: canIgnorePDB."""
    return pods.phase(pod) in ("Succeeded", "Failed", "Pending") or bool(
        pod["metadata"].get("deletionTimestamp")
    )


async def _budgets(registry: Registry, pod: Document) -> list[Document]:
    labels = pod.obj["metadata"].get("labels") or {}
    found = []
    for budget in await registry.all(POD_DISRUPTION_BUDGETS, pod.key.namespace):
        selector = selectors.from_label_selector((budget.obj.get("spec") or {}).get("selector"))
        if selector.matches(labels):
            found.append(budget)
    return found


async def _take_one(registry: Registry, call: Call, pod: Document, budget: Document) -> None:
    """Use up one allowed disruption, or refuse. Source: checkAndDecrement."""
    status, spec = budget.obj.get("status") or {}, budget.obj.get("spec") or {}
    if not pods.is_ready(pod.obj):
        if spec.get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
            return
        if status.get("currentHealthy", 0) >= status.get("desiredHealthy", 0) > 0:
            return
    name = budget.key.name
    on_budget = replace(call, resource=POD_DISRUPTION_BUDGETS, name=name, subresource="status")

    def make(current: Document | None) -> Obj:
        if current is None:
            raise errors.not_found(POD_DISRUPTION_BUDGETS, name)
        obj = current.copy()
        status = obj.setdefault("status", {})
        if status.get("observedGeneration", 0) < obj["metadata"].get("generation", 0):
            raise _too_many(name, f"The disruption budget {name} is still being processed by the server.", 10)
        allowed = status.get("disruptionsAllowed", 0)
        if allowed <= 0:
            raise _too_many(
                name,
                f"The disruption budget {name} needs {status.get('desiredHealthy', 0)} healthy pods and has "
                f"{status.get('currentHealthy', 0)} currently",
                0,
            )
        status["disruptionsAllowed"] = allowed - 1
        status["disruptedPods"] = {
            **(status.get("disruptedPods") or {}),
            pod.key.name: registry.clock.rfc3339(),
        }
        return obj

    await registry.update(on_budget, make)


def _too_many(name: str, why: str, retry_s: int) -> errors.TooManyRequests:
    details: Obj = {"causes": [{"reason": "DisruptionBudget", "message": why}]}
    if retry_s:
        details["retryAfterSeconds"] = retry_s
    return errors.TooManyRequests(
        "Cannot evict pod as it would violate the pod's disruption budget.", details=details
    )


def _marked(registry: Registry, current: Document | None, call: Call) -> Obj:
    """The pod with a DisruptionTarget condition, so that its controller can tell why it went."""
    if current is None:
        raise errors.not_found(PODS, call.name)
    pod = current.copy()
    conditions = pod.setdefault("status", {}).setdefault("conditions", [])
    conditions[:] = [condition for condition in conditions if condition.get("type") != "DisruptionTarget"]
    conditions.append(
        {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "EvictionByEvictionAPI",
            "message": "Eviction API: evicting",
            "lastTransitionTime": registry.clock.rfc3339(),
        }
    )
    return pod
