"""PodDisruptionBudgets: how many of the pods that a budget selects may go, as the eviction API reads it.

Watches PodDisruptionBudgets, Pods and the workloads whose scale counts. Writes the status of budgets, and the condition
DisruptionTarget of pods that were to go and stayed.

The status is the whole interface: `disruptionsAllowed` is what an eviction may take one of, and `disruptedPods` is what
evictions took and this controller has not seen go yet. A budget whose status cannot be computed allows nothing.

The pods of a budget are kept as they change, reduced to what a budget asks of a pod, so a run reads no namespace and
decodes no pod. Keys are budgets, and pods whose mark grows stale as "pod/NAME".

Source: kubernetes 1.36 pkg/controller/disruption/disruption.go, component-helpers
apps/poddisruptionbudget/helpers.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct, field

from kubepy.api import errors, objects, pods, selectors
from kubepy.api.builtins import (
    DEPLOYMENTS,
    POD_DISRUPTION_BUDGETS,
    PODS,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    STATEFUL_SETS,
)
from kubepy.api.objects import Document, Key, Obj
from kubepy.api.resources import Resource
from kubepy.api.selectors import LabelSelector
from kubepy.client.controller import After, Controller, ControllerContext, key_of, rest_for
from kubepy.client.informer import Informer
from kubepy.client.transport import ConnectionLost
from kubepy.controllers import pod_conditions
from kubepy.controllers.deployment_sizes import scaled
from kubepy.controllers.discovery import Discover
from kubepy.lib.clock import parse_rfc3339

# How long an eviction may take from its permission to the deletion of the pod. Source: DeletionTimeout.
DELETION_S = 120.0
# How long a pod may be marked as a target without going. Source: stalePodDisruptionTimeout.
STALE_S = 120.0

ALLOWED = "DisruptionAllowed"
SUFFICIENT, INSUFFICIENT, SYNC_FAILED = "SufficientPods", "InsufficientPods", "SyncFailed"
_BY_KUBELET = "TerminationByKubelet"
_POD = "pod/"


# -- the plan --------------------------------------------------------------------------------------------------


class Owner(NamedTuple):
    """A pod's controller reference."""

    api_version: str
    kind: str
    name: str
    uid: str


class Member(NamedTuple):
    """A pod as its budget sees it."""

    is_leaving: bool
    is_ready: bool
    owner: Owner | None


class Plan(Struct, frozen=True):
    status: Obj | None = None  # as it should be, None: it is
    overdue: tuple[str, ...] = ()  # pods that were to be deleted and were not
    recheck_s: float | None = None


def member_of(pod: Obj) -> Member:
    reference = objects.controller_of(pod)
    owner = None
    if reference is not None:
        owner = Owner(*(reference.get(name, "") for name in ("apiVersion", "kind", "name", "uid")))
    return Member(objects.is_deleting(pod), pods.is_ready(pod), owner)


def counts_scale(spec: Obj) -> bool:
    """Whether the budget is a share of what its pods' owners are to run, or at least counted from there."""
    return spec.get("maxUnavailable") is not None or isinstance(spec.get("minAvailable"), str)


def needed(spec: Obj, members: int, scale: int) -> tuple[int, int]:
    """(pods that are expected, pods that have to be healthy). Source: getExpectedPodCount."""
    if (unavailable := spec.get("maxUnavailable")) is not None:
        return scale, max(0, scale - scaled(unavailable, scale, round_up=True))
    available = spec.get("minAvailable")
    if isinstance(available, str):
        return scale, scaled(available, scale, round_up=True)
    return (members, available) if available is not None else (0, 0)


def plan(budget: Obj, members: Mapping[str, Member], scale: int, now: float) -> Plan:
    """scale: the sum of what the owners are to run, where it counts. Source: trySync, updatePdbStatus."""
    disrupted, overdue = _disrupted(budget, members, now)
    expected, desired = needed(budget["spec"], len(members), scale)
    healthy = sum(
        member.is_ready and not member.is_leaving and name not in disrupted
        for name, member in members.items()
    )
    allowed = max(0, healthy - desired) if expected > 0 else 0
    status: Obj = {
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "disruptionsAllowed": allowed,
        "expectedPods": expected,
    }
    if disrupted:
        status["disruptedPods"] = disrupted
    if generation := budget["metadata"].get("generation"):
        status["observedGeneration"] = generation
    due = min((parse_rfc3339(since) + DELETION_S - now for since in disrupted.values()), default=None)
    return Plan(None if _says(budget, status) else status, overdue, due)


def _disrupted(
    budget: Obj, members: Mapping[str, Member], now: float
) -> tuple[dict[str, str], tuple[str, ...]]:
    """(those that still are to go, those that should have gone). Source: buildDisruptedPodMap."""
    noted = objects.walk(budget, "status", "disruptedPods") or {}
    staying = {
        name: since for name, since in noted.items() if name in members and not members[name].is_leaving
    }
    left = {name: since for name, since in staying.items() if parse_rfc3339(since) + DELETION_S > now}
    return left, tuple(name for name in staying if name not in left)


def _says(budget: Obj, wanted: Obj) -> bool:
    """Whether the status is that, condition included. Source: ConditionsAreUpToDate."""
    stored = budget.get("status") or {}
    condition = objects.condition(budget, ALLOWED)
    return (
        condition is not None
        and (condition["status"], condition["reason"]) == _verdict(wanted["disruptionsAllowed"])
        and {name: value for name, value in stored.items() if name != "conditions" and value != {}} == wanted
    )


def _verdict(allowed: int) -> tuple[str, str]:
    return ("True", SUFFICIENT) if allowed > 0 else ("False", INSUFFICIENT)


def with_condition(budget: Obj, status: Obj, now: str, *, failure: str = "") -> Obj:
    """The whole status. Source: UpdateDisruptionAllowedCondition, failSafe."""
    value, reason = ("False", SYNC_FAILED) if failure else _verdict(status["disruptionsAllowed"])
    old = objects.condition(budget, ALLOWED)
    is_same = old is not None and old["status"] == value
    fresh = {
        "type": ALLOWED,
        "status": value,
        "lastTransitionTime": old["lastTransitionTime"] if old is not None and is_same else now,
        "reason": reason,
        "message": failure,
    }
    if generation := status.get("observedGeneration"):
        fresh["observedGeneration"] = generation
    others = objects.conditions(budget)
    conditions = [fresh if each is old else each for each in others]
    return status | {"conditions": conditions if old is not None else [*others, fresh]}


def stale_in(pod: Obj, now: float) -> float | None:
    """Seconds until the mark of a pod that was to go and stays is void; None if it has none.

    Source: nonTerminatingPodHasStaleDisruptionCondition.
    """
    mark = objects.condition(pod, pod_conditions.DISRUPTION_TARGET)
    if mark is None or mark.get("status") != "True" or mark.get("reason") == _BY_KUBELET:
        return None
    if objects.is_deleting(pod) or pods.is_terminal(pod):
        return None
    since = mark.get("lastTransitionTime")
    return max(0.0, parse_rfc3339(since) + STALE_S - now) if since else 0.0


def render_selector(selector: Obj | None) -> str:
    """As Go prints a *metav1.LabelSelector."""
    if selector is None:
        return "nil"
    labels = "".join(
        f"{name}: {value}," for name, value in sorted(objects.items(selector.get("matchLabels")))
    )
    expressions = "".join(
        f"LabelSelectorRequirement{{Key:{each['key']},Operator:{each['operator']},"
        f"Values:[{' '.join(each.get('values') or ())}],}},"
        for each in selector.get("matchExpressions") or ()
    )
    return (
        f"&LabelSelector{{MatchLabels:map[string]string{{{labels}}},"
        f"MatchExpressions:[]LabelSelectorRequirement{{{expressions}}},}}"
    )


# -- the controller --------------------------------------------------------------------------------------------


class _Guard(Struct):
    """A budget's selector and the pods it selects now."""

    source: Obj | None
    selector: LabelSelector
    members: dict[str, Member] = field(default_factory=dict)


class _Uncountable(Exception):
    """Why the scale of the owners is not known, as upstream says it."""


class DisruptionController(Controller):
    name = "disruption-controller"
    workers = 5

    def __init__(self, context: ControllerContext, *, discover: Discover) -> None:
        super().__init__(context)
        self._discover = discover
        self._guards: dict[str, dict[Key, _Guard]] = {}  # by namespace

    def setup(self) -> None:
        self.pods = self.watch(PODS)
        self.budgets = self.watch(POD_DISRUPTION_BUDGETS)
        self._owners: dict[tuple[str, str], Informer] = {
            (resource.group, resource.kind): self.watch(resource)
            for resource in (REPLICATION_CONTROLLERS, REPLICA_SETS, STATEFUL_SETS, DEPLOYMENTS)
        }
        # Who guards what is known before anybody is woken.
        self.budgets.add_handler(
            on_add=self._guard, on_update=lambda old, new: self._guard(new), on_delete=self._unguard
        )
        self.watch(POD_DISRUPTION_BUDGETS, key_of)
        self.pods.add_handler(
            on_add=self._pod_seen, on_update=lambda old, new: self._pod_seen(new), on_delete=self._pod_gone
        )

    def rest_s(self, key: Key) -> float:
        guard = self._guards.get(key.namespace, {}).get(key)
        return rest_for(len(guard.members)) if guard is not None else 0.0

    async def reconcile(self, key: Key) -> After | None:
        if key.name.startswith(_POD):
            return await self._unmark(Key(key.namespace, key.name.removeprefix(_POD)))
        budget = self.budgets.get(key)
        if budget is None:
            return None
        members = dict(self._guards[key.namespace][key].members)
        if not members:
            self.events.event(budget, "Normal", "NoPods", "No matching pods found")
        try:
            scale = await self._scale(budget, members)
        except _Uncountable as error:
            message = f"Failed to calculate the number of expected pods: {error}"
            self.events.event(budget, "Warning", "CalculateExpectedPodCountFailed", message)
            await self._fail(budget, str(error))
            return None
        decided = plan(budget, members, scale, self.clock.now())
        for name in decided.overdue:
            self._tell_overdue(budget, name)
        if decided.status is not None:
            await self._write(budget, with_condition(budget, decided.status, self.clock.rfc3339()))
        return After(decided.recheck_s) if decided.recheck_s is not None else None

    # -- who guards what

    def _guard(self, document: Document) -> None:
        key, source = document.key, document.obj["spec"].get("selector")
        guards = self._guards.setdefault(key.namespace, {})
        known = guards.get(key)
        if known is not None and known.source == source:
            return
        guard = guards[key] = _Guard(source, selectors.from_label_selector(source))
        for pod in self.pods.documents(key.namespace):
            if guard.selector.matches(objects.labels_of(pod.obj)):
                guard.members[pod.key.name] = member_of(pod.obj)

    def _unguard(self, document: Document) -> None:
        guards = self._guards.get(document.key.namespace, {})
        guards.pop(document.key, None)
        if not guards:
            self._guards.pop(document.key.namespace, None)

    def _pod_seen(self, document: Document) -> None:
        pod, (namespace, name) = document.obj, document.key
        wait_s = stale_in(pod, self.clock.now())
        if wait_s is not None:
            self.queue.add_after(Key(namespace, _POD + name), wait_s)
        guards = self._guards.get(namespace)
        if not guards:
            return
        labels, member = objects.labels_of(pod), member_of(pod)
        chosen, is_news = [], False
        for key, guard in guards.items():
            if guard.selector.matches(labels):
                chosen.append(key.name)
                if guard.members.get(name) != member:
                    guard.members[name], is_news = member, True
                    self.queue.add(key)
            elif guard.members.pop(name, None) is not None:
                self.queue.add(key)
        if len(chosen) > 1 and is_news:
            message = (
                f'Pod "{namespace}"/"{name}" matches multiple PodDisruptionBudgets.  '
                f'Chose "{chosen[0]}" arbitrarily.'
            )
            self.events.event(pod, "Warning", "MultiplePodDisruptionBudgets", message)

    def _pod_gone(self, document: Document) -> None:
        for key, guard in self._guards.get(document.key.namespace, {}).items():
            if guard.members.pop(document.key.name, None) is not None:
                self.queue.add(key)

    # -- what the owners are to run

    async def _scale(self, budget: Obj, members: Mapping[str, Member]) -> int:
        """The sum over the distinct owners of its pods. Source: getExpectedScale."""
        if not counts_scale(budget["spec"]):
            return 0
        scales: dict[str, int] = {}
        asked: dict[Owner, tuple[str, int] | None] = {}
        is_unmanaged = False
        for name, member in members.items():
            if member.owner is None:
                is_unmanaged = True
                continue
            if member.owner not in asked:
                asked[member.owner] = await self._scale_of(member.owner, budget["metadata"]["namespace"])
            found = asked[member.owner]
            if found is None:
                raise _Uncountable(f'found no controllers for pod "{name}"')
            scales[found[0]] = found[1]
        if is_unmanaged:
            self._tell_unmanaged(budget)
        return sum(scales.values())

    async def _scale_of(self, owner: Owner, namespace: str) -> tuple[str, int] | None:
        """(uid, replicas) of the owner, or of the Deployment behind a ReplicaSet."""
        group, _ = objects.group_version(owner.api_version)
        known = self._owners.get((group, owner.kind))
        if known is None or owner.kind == "Deployment":
            return await self._scale_asked(owner, namespace)
        found = known.get(Key(namespace, owner.name))
        if found is None or objects.uid_of(found) != owner.uid:
            return await self._scale_asked(owner, namespace)
        above = objects.controller_of(found)
        if above is not None and above["kind"] == "Deployment" and owner.kind == "ReplicaSet":
            deployment = self._owners["apps", "Deployment"].get(Key(namespace, above["name"]))
            if deployment is None or objects.uid_of(deployment) != above["uid"]:
                return await self._scale_asked(owner, namespace)
            found = deployment
        return objects.uid_of(found), found["spec"].get("replicas", 1)

    async def _scale_asked(self, owner: Owner, namespace: str) -> tuple[str, int] | None:
        """By the scale subresource. Source: getScaleController."""
        resource = await self._resource_of(owner)
        try:
            scale = await self.client.get(resource, owner.name, namespace, subresource="scale")
        except errors.NotFound:
            if resource.subresource("scale") is None:
                raise _Uncountable(f"{resource} does not implement the scale subresource") from None
            return None
        except (errors.StatusError, ConnectionLost) as error:
            raise _Uncountable(str(error)) from None
        uid = objects.uid_of(scale)
        return (uid, objects.walk(scale, "spec", "replicas") or 0) if uid == owner.uid else None

    async def _resource_of(self, owner: Owner) -> Resource:
        discovered = await self._discover()
        for resource in discovered.resources:
            if resource.kind == owner.kind and resource.api_version == owner.api_version:
                return resource
        raise _Uncountable(f'no matches for kind "{owner.kind}" in version "{owner.api_version}"')

    # -- what it does

    async def _write(self, budget: Obj, status: Obj) -> None:
        """The budget's revision is the precondition: an eviction that came between is not undone."""
        await self.client.update(POD_DISRUPTION_BUDGETS, budget | {"status": status}, subresource="status")
        self.log.info(
            "disruption_budget_synced", object=str(objects.key_of(budget)), allowed=status["disruptionsAllowed"]
        )  # fmt: skip

    async def _fail(self, budget: Obj, why: str) -> None:
        """What cannot be computed allows nothing. Source: failSafe."""
        stored = budget.get("status") or {}
        counts = dict.fromkeys(("currentHealthy", "desiredHealthy", "expectedPods"), 0)
        status = counts | stored | {"disruptionsAllowed": 0}
        status = with_condition(budget, status, self.clock.rfc3339(), failure=why)
        if status != stored:
            await self._write(budget, status)

    async def _unmark(self, key: Key) -> After | None:
        """Take back the mark of a pod that stayed. Source: syncStalePodDisruption."""
        pod = self.pods.get(key)
        wait_s = stale_in(pod, self.clock.now()) if pod is not None else None
        if pod is None or wait_s is None:
            return None
        if wait_s > 0:
            return After(wait_s)
        mark = pod_conditions.changed(
            pod, pod_conditions.DISRUPTION_TARGET, "False", now=self.clock.rfc3339()
        )
        if mark is not None:
            try:
                await pod_conditions.write(self.client, pod, mark)
            except errors.NotFound:
                pass
        return None

    def _tell_overdue(self, budget: Obj, name: str) -> None:
        namespace = budget["metadata"]["namespace"]
        pod = self.pods.get(Key(namespace, name))
        if pod is not None:
            # The namespace twice: as upstream has it.
            message = f"Pod was expected by PDB {namespace}/{namespace} to be deleted but it wasn't"
            self.events.event(pod, "Warning", "NotDeleted", message)

    def _tell_unmanaged(self, budget: Obj) -> None:
        selector = render_selector(budget["spec"].get("selector"))
        message = (
            f"Pods selected by this PodDisruptionBudget (selector: {selector}) were found to be unmanaged. As a "
            "result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. "
            'To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.'
        )
        self.events.event(budget, "Warning", "UnmanagedPods", message)
