"""pods/eviction: a delete that a PodDisruptionBudget may refuse.

Source: kubernetes pkg/registry/core/pod/storage/eviction.go.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from msgspec.structs import replace

from kubepy.api import errors, pods, selectors
from kubepy.api.builtins import POD_DISRUPTION_BUDGETS, PODS
from kubepy.api.objects import Document, Obj
from kubepy.api.resources import Resource
from kubepy.apiserver.handlers import decode, respond, write
from kubepy.apiserver.handlers.subresources.binding import SUCCESS
from kubepy.apiserver.registry.options import DeleteOptions, delete_options, write_options
from kubepy.apiserver.registry.registry import Call, Registry
from kubepy.apiserver.request import Query, Request, Response

_DISRUPTED_MAX = 2000
# How often, and after how long a rest, a pod that changes meanwhile is tried again. Source: EvictionsRetry.
_TRIES, _RETRY_S = 20, 0.5
# What upstream's texts call the two kinds.
_BUDGET = dataclasses.replace(POD_DISRUPTION_BUDGETS, plural="poddisruptionbudget")
_EVICTIONS = dataclasses.replace(POD_DISRUPTION_BUDGETS, kind="Eviction", plural="evictions")


async def evict(registry: Registry, resource: Resource, request: Request) -> Response:
    options = write_options(request.query, "CreateOptions")
    schema = registry.schemas.of("io.k8s.api.policy.v1.Eviction")
    expected = decode.Expected("Eviction", "policy", "v1", schema, also=("policy/v1beta1",))
    eviction = await decode.body_of(request, expected, options)
    info = request.info
    write.ensure_namespace(eviction["metadata"], info.namespace)
    if eviction["metadata"].get("name") != info.name:
        raise errors.BadRequest("name in URL does not match name in Eviction object")
    await registry.admit(write.call_of(resource, request, options), eviction)
    wanted = _wanted(eviction, request.query.all("dryRun"))
    await registry.get(PODS, info.namespace, info.name)
    deletion = delete_options(wanted, Query())
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
        is_admitted=True,
    )
    pod = await _delete_if_over(registry, call, deletion)
    if pod is not None:
        await _delete_within_budget(registry, call, deletion, pod)
    return respond.plain(registry, resource, request, dict(SUCCESS), 201)


async def _delete_if_over(registry: Registry, call: Call, deletion: DeleteOptions) -> Document | None:
    """A pod whose end disrupts nothing goes without asking a budget; any other is returned."""
    for left in reversed(range(_TRIES)):
        pod = await registry.get(PODS, call.namespace, call.name)
        if not _is_over(pod.obj):
            break
        try:
            await _delete(registry, call, _guarded(deletion, pod) if _is_pending(pod.obj) else deletion)
            return None
        except errors.Conflict:
            if deletion.resource_version or not left:
                raise
        await registry.clock.sleep(_RETRY_S)
    return pod


async def _delete_within_budget(
    registry: Registry, call: Call, deletion: DeleteOptions, pod: Document
) -> None:
    """Raises TooManyRequests where the budget is used up."""
    budgets = await _budgets(registry, pod)
    if len(budgets) > 1:
        raise errors.StatusError(
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
            code=500,
            reason="",
        )
    if not budgets:
        await _delete(registry, call, deletion)
    elif _is_free(pod.obj, budgets[0].obj):
        try:
            await _delete(registry, call, _guarded(deletion, pod))
        except errors.Conflict:
            if deletion.resource_version:
                raise
            # It may have become healthy: look again.
            raise _still_processed(budgets[0].key.name)
    else:
        await _take_one(registry, call, pod, budgets[0])
        await _delete(registry, call, deletion)


def _wanted(eviction: Obj, dry_run: Sequence[str]) -> Obj:
    """The options of the deletion, a dry run if either says so. Source: propagateDryRun."""
    given = eviction.get("deleteOptions") or {}
    if given.get("ignoreStoreReadErrorWithClusterBreakingPotential"):
        field = "deleteOptions.ignoreStoreReadErrorWithClusterBreakingPotential"
        why = "can not be set for pod eviction, try after removing the option"
        raise errors.invalid(
            _EVICTIONS, eviction["metadata"]["name"], [errors.invalid_value(field, True, why)]
        )
    asked = given.get("dryRun") or []
    if asked and dry_run and asked != list(dry_run):
        raise errors.StatusError(
            f"Non-matching dry-run options in request and content: [{' '.join(dry_run)}] and [{' '.join(asked)}]",
            reason="",
        )
    return {**given, "dryRun": asked or list(dry_run)}


def _guarded(deletion: DeleteOptions, pod: Document) -> DeleteOptions:
    """The deletion of the pod as it was looked at, unless the client said which one it means."""
    if deletion.resource_version:
        return deletion
    return replace(deletion, resource_version=str(pod.revision))


async def _delete(registry: Registry, call: Call, deletion: DeleteOptions) -> None:
    """Say in the pod why it goes, then delete it. Source: addConditionAndDeletePod."""
    if not deletion.dry_run:
        marking = replace(call, subresource="status")
        marked, _ = await registry.update(marking, lambda current: _marked(registry, current, call, deletion))
        if deletion.resource_version:
            deletion = replace(deletion, resource_version=str(marked.revision))
    await registry.delete(call, deletion)


def _is_pending(pod: Obj) -> bool:
    return pods.phase(pod) == "Pending" and not pod["metadata"].get("deletionTimestamp")


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


def _is_free(pod: Obj, budget: Obj) -> bool:
    """An unhealthy pod whose end disrupts nothing."""
    if pods.is_ready(pod):
        return False
    status, spec = budget.get("status") or {}, budget.get("spec") or {}
    if spec.get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    return status.get("currentHealthy", 0) >= status.get("desiredHealthy", 0) > 0


async def _take_one(registry: Registry, call: Call, pod: Document, budget: Document) -> None:
    """Use up one allowed disruption, or refuse. Source: checkAndDecrement."""
    name = budget.key.name
    on_budget = replace(call, resource=POD_DISRUPTION_BUDGETS, name=name, subresource="status")

    def make(current: Document | None) -> Obj:
        if current is None:
            raise errors.not_found(POD_DISRUPTION_BUDGETS, name)
        obj = current.copy()
        _decrement(obj, pod.key.name, registry.clock.rfc3339())
        return obj

    await registry.update(on_budget, make)


def _decrement(budget: Obj, pod_name: str, now: str) -> None:
    """In place. Raises TooManyRequests, Forbidden."""
    name, status = budget["metadata"]["name"], budget.setdefault("status", {})
    if status.get("observedGeneration", 0) < budget["metadata"].get("generation", 0):
        raise _still_processed(name)
    allowed, disrupted = status.get("disruptionsAllowed", 0), status.get("disruptedPods") or {}
    if allowed < 0:
        raise errors.forbidden(_BUDGET, name, "pdb disruptions allowed is negative")
    if len(disrupted) > _DISRUPTED_MAX:
        why = "DisruptedPods map too big - too many evictions not confirmed by PDB controller"
        raise errors.forbidden(_BUDGET, name, why)
    if allowed == 0:
        raise _too_many(_refusal(name, status), 0)
    status["disruptionsAllowed"] = allowed - 1
    if allowed == 1:
        condition = {
            "type": "DisruptionAllowed",
            "status": "False",
            "reason": "InsufficientPods",
            "message": "",
            "observedGeneration": status.get("observedGeneration", 0),
        }
        _put_condition(status, condition, now)
    status["disruptedPods"] = {**disrupted, pod_name: now}


def _refusal(name: str, status: Obj) -> str:
    condition: Obj = next((c for c in status.get("conditions") or () if c["type"] == "DisruptionAllowed"), {})
    reason, message = condition.get("reason", ""), condition.get("message", "")
    has_failed = condition.get("status") == "False" and message
    healthy, desired = status.get("currentHealthy", 0), status.get("desiredHealthy", 0)
    if has_failed and reason == "SyncFailed":
        return f"The disruption budget {name} does not allow evicting pods currently because it failed sync: {message}"
    if healthy <= desired:
        return f"The disruption budget {name} needs {desired} healthy pods and has {healthy} currently"
    if has_failed:
        return f"The disruption budget {name} does not allow evicting pods currently ({reason}): {message}"
    return f"The disruption budget {name} does not allow evicting pods currently"


def _still_processed(name: str) -> errors.TooManyRequests:
    return _too_many(f"The disruption budget {name} is still being processed by the server.", 10)


def _too_many(why: str, retry_s: int) -> errors.TooManyRequests:
    details: Obj = {"causes": [{"reason": "DisruptionBudget", "message": why}]}
    if retry_s:
        details["retryAfterSeconds"] = retry_s
    return errors.TooManyRequests(
        "Cannot evict pod as it would violate the pod's disruption budget.", details=details
    )


def _marked(registry: Registry, current: Document | None, call: Call, deletion: DeleteOptions) -> Obj:
    """The pod with a DisruptionTarget condition, so that its controller can tell why it went."""
    if current is None:
        raise errors.not_found(PODS, call.name)
    pod = current.copy()
    for wanted, is_, word, happened in (
        (deletion.uid, pod["metadata"].get("uid"), "UID", "deleted and then recreated"),
        (deletion.resource_version, str(current.revision), "ResourceVersion", "modified"),
    ):
        if wanted and wanted != is_:
            raise errors.Conflict(
                f'Operation cannot be fulfilled on Pod "{call.name}": the {word} in the precondition ({wanted}) does '
                f"not match the {word} in record ({is_}). The object might have been {happened}",
                details={"name": call.name, "kind": "Pod"},
            )
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "lastProbeTime": None,
        "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting",
    }
    _put_condition(pod.setdefault("status", {}), condition, registry.clock.rfc3339())
    return pod


def _put_condition(status: Obj, condition: Obj, now: str) -> None:
    """In place of the one of its type, or at the end; its transition time moves only with its status."""
    conditions = status.setdefault("conditions", [])
    fresh = condition | {"lastTransitionTime": now}
    for index, old in enumerate(conditions):
        if old.get("type") == fresh["type"]:
            if old.get("status") == fresh["status"]:
                fresh["lastTransitionTime"] = old.get("lastTransitionTime", now)
            conditions[index] = fresh
            return
    conditions.append(fresh)
