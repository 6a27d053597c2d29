"""Device taint eviction: pods leave devices whose NoExecute taints their claims do not tolerate, or no longer.

Watches Pods, ResourceClaims, ResourceSlices and DeviceTaintRules. Writes the condition DisruptionTarget and deletes
pods; writes the condition EvictionInProgress of rules.

A claim that tolerates a taint for a time makes its pods due when that time is over, counted from when the taint was
set: so a restart changes nothing. What a device is tainted with comes from its slice, if that is of its pool's newest
generation, and from rules. A rule with the effect None taints nothing: its condition says once what NoExecute would do.

Work arises only for claims with devices of the pool that changed, or that a rule selects. Keys are pods, and rules
without a namespace. How many pods a rule has evicted is counted since the start, as upstream does.

Not done: claims reserved for PodGroups, which are off by default.

Source: kubernetes 1.36 pkg/controller/devicetainteviction/device_taint_eviction.go.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from msgspec import Struct

from kubepy.api import device_taints, errors, objects
from kubepy.api.builtins import DEVICE_TAINT_RULES, PODS, RESOURCE_CLAIMS, RESOURCE_SLICES
from kubepy.api.device_taints import NO_EXECUTE
from kubepy.api.objects import Document, Key, Obj
from kubepy.client.client import APPLY_PATCH
from kubepy.client.controller import After, Controller, ControllerContext
from kubepy.controllers import pod_conditions
from kubepy.controllers.resource_claim import claim_name, is_for
from kubepy.lib.clock import parse_rfc3339

EVICTION_IN_PROGRESS = "EvictionInProgress"
# The shortest time between two writes of a rule's condition. Source: ruleStatusPeriod.
STATUS_PERIOD_S = 10.0
# Pods that are known to be evicted, whatever the cache shows. Source: maxUIDCacheEntries.
_EVICTED_MAX = 500
_BUCKETS = (0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 30, 60, 120, 180, 240)
_BY_POOL = "pool"


class Eviction(NamedTuple):
    """When a pod has to go (seconds since 1970), and the uids of the rules that want it."""

    at: float
    rules: frozenset[str] = frozenset()


class Taint(NamedTuple):
    """A NoExecute taint of a device, and the uid of the rule that set it; "": its driver did."""

    taint: Obj
    rule: str = ""


# (driver, pool, device) -> what it is tainted with
Taints = Callable[[str, str, str], Iterable[Taint]]


def plan_claim(allocation: Obj, taints: Taints) -> Eviction | None:
    """When the pods of a claim have to go; None: they may stay. Source: claimEvictionTime."""
    found: list[Eviction] = []
    for result in results_of(allocation):
        for taint, rule in taints(result["driver"], result["pool"], result["device"]):
            limits = [
                toleration.get("tolerationSeconds")
                for toleration in result.get("tolerations") or ()
                if toleration.get("effect") == NO_EXECUTE and device_taints.tolerates(toleration, taint)
            ]
            if None in limits:
                continue
            seconds = min((max(limit, 0) for limit in limits if limit is not None), default=0)
            found.append(
                Eviction(parse_rfc3339(taint["timeAdded"]) + seconds, frozenset({rule} if rule else ()))
            )
    return _joined(found)


def _joined(evictions: Sequence[Eviction]) -> Eviction | None:
    if not evictions:
        return None
    return Eviction(min(one.at for one in evictions), frozenset().union(*(one.rules for one in evictions)))


def results_of(allocation: Obj | None) -> Sequence[Obj]:
    return ((allocation or {}).get("devices") or {}).get("results") or ()


def no_execute_taints(slices: Sequence[Obj]) -> dict[str, list[Obj]]:
    """device -> its NoExecute taints, of all slices of one pool."""
    newest = max((_generation(one) for one in slices), default=0)
    found: dict[str, list[Obj]] = {}
    for one in slices:
        for device in one["spec"].get("devices") or () if _generation(one) == newest else ():
            if taints := [t for t in device.get("taints") or () if t.get("effect") == NO_EXECUTE]:
                found.setdefault(device["name"], []).extend(taints)
    return found


def _generation(one: Obj) -> int:
    found: int = one["spec"]["pool"].get("generation") or 0
    return found


class Counts(Struct, frozen=True):
    """What a rule is about."""

    pods: int = 0  # that still have to go, or would have to
    namespaces: int = 0  # of those
    published: int = 0  # devices in slices; only counted for the effect None
    allocated: int = 0  # devices of claims; the same
    evicted: int = 0  # pods, since the controller's start


def plan_condition(rule: Obj, counts: Counts, now: str) -> Obj | None:
    """A rule's condition as it is to be; None if it is so already. Source: maybeUpdateRuleStatus."""
    status, reason, said = "False", "OtherEffect", "Eviction only happens for the NoExecute effect."
    pods = _counted(counts.pods, "pod")
    where = _counted(counts.namespaces, "namespace", "different namespaces")
    effect = rule["spec"]["taint"].get("effect")
    if effect == NO_EXECUTE:
        reason, said = "Completed" if counts.evicted else "NotStarted", ""
        if counts.pods:
            verb = "needs" if counts.pods == 1 else "need"
            status, reason = "True", "PodsPendingEviction"
            said = f"{pods} {verb} to be evicted in {where}."
    elif effect == "None":
        reason = "NoEffect"
        said = (
            f"{_counted(counts.published, 'published device')} selected. "
            f"{_counted(counts.allocated, 'allocated device')} selected. "
            f"{pods} would be evicted in {where} if the effect was NoExecute. "
            "This information will not be updated again. Recreate the DeviceTaintRule to trigger an update."
        )
    if counts.evicted:
        evicted = f"{_counted(counts.evicted, 'pod')} evicted since starting the controller."
        said = f"{said} {evicted}" if said else evicted
    fresh = {
        "type": EVICTION_IN_PROGRESS,
        "status": status,
        "reason": reason,
        "message": said,
        "observedGeneration": rule["metadata"].get("generation", 0),
    }
    old = objects.condition(rule, EVICTION_IN_PROGRESS) or {}
    if all(old.get(name) == value for name, value in fresh.items()):
        return None
    # Any change moves the time: it tells when the condition was last looked at.
    return {**fresh, "lastTransitionTime": now}


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number} {one}" if number == 1 else f"{number} {many or one + 's'}"


def rest_of_period(rule: Obj, now: float) -> float:
    """Seconds until the condition may be written again; 0: at once."""
    old = objects.condition(rule, EVICTION_IN_PROGRESS)
    if old is None or old.get("observedGeneration") != rule["metadata"].get("generation", 0):
        return 0.0
    return max(STATUS_PERIOD_S - (now - parse_rfc3339(old["lastTransitionTime"])), 0.0)


class _Due(Struct):
    uid: str
    eviction: Eviction


class _Rule(Struct):
    obj: Obj
    evicted: int = 0  # pods, because of it


class DeviceTaintEvictionController(Controller):
    name = "device-taint-eviction-controller"
    workers = 8

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        self._tainted: dict[
            str, dict[str, list[Obj]]
        ] = {}  # pool -> device -> NoExecute taints of its slices
        self._rules: dict[str, _Rule] = {}  # by name
        self._due: dict[Key, _Due] = {}
        self._evicted: OrderedDict[str, None] = OrderedDict()  # uids
        self._deletions = context.metrics.counter(
            "device_taint_eviction_controller_pod_deletions_total",
            "Total number of Pods deleted by DeviceTaintEvictionController since its start.",
        )
        self._latency = context.metrics.histogram(
            "device_taint_eviction_controller_pod_deletion_duration_seconds",
            "Latency, in seconds, between the time when a device taint effect has been activated and a Pod's deletion "
            "via DeviceTaintEvictionController.",
            buckets=_BUCKETS,
        )

    def setup(self) -> None:
        self.pods = self.watch(PODS, self._keys_of_pod)
        self.claims = self.watch(RESOURCE_CLAIMS, self._keys_of_claim, indexes={_BY_POOL: _pools_of_claim})
        self.slices = self.watch(
            RESOURCE_SLICES, self._keys_of_slice, indexes={_BY_POOL: lambda one: (_pool_of(one),)}
        )
        self.rules = self.watch(DEVICE_TAINT_RULES, self._keys_of_rule)

    # -- what an event is about

    def _keys_of_pod(self, document: Document, old: Document | None) -> Iterable[Key]:
        """A pod matters when it comes to its node, or its claims change."""
        pod = document.obj
        if not pod["spec"].get("resourceClaims"):
            return ()
        is_same = old is not None and _identity(pod) == _identity(old.obj)
        return () if is_same else (document.key,)

    def _keys_of_claim(self, document: Document, old: Document | None) -> Iterable[Key]:
        before = _pods_of_claim(old.obj) if old is not None else ()
        return dict.fromkeys((*before, *_pods_of_claim(document.obj)))

    def _keys_of_slice(self, document: Document, old: Document | None) -> Iterable[Key]:
        one = document.obj
        pool = _pool_of(one)
        is_gone = self.slices.document(document.key) is None
        is_moved = old is not None and _generation(old.obj) != _generation(one)
        if pool not in self._tainted and not no_execute_taints([one]) and not is_gone and not is_moved:
            return
        before = self._tainted.pop(pool, {})
        after = no_execute_taints(self.slices.by_index(_BY_POOL, pool))
        if after:
            self._tainted[pool] = after
        changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        for claim in self.claims.by_index(_BY_POOL, pool) if changed else ():
            if any(_pool_name(r) == pool and r["device"] in changed for r in results_of(_allocation(claim))):
                yield from _pods_of_claim(claim)

    def _keys_of_rule(self, document: Document, old: Document | None) -> Iterable[Key]:
        name, rule = document.key.name, self.rules.get(document.key)
        known = self._rules.pop(name, None)
        before = known.obj if known is not None else None
        if rule is not None:
            if known is None or objects.uid_of(known.obj) != objects.uid_of(rule):
                known = _Rule(rule)
            self._rules[name], known.obj = known, rule
            if before is not None and _same_rule(before, rule):
                return
        # First its condition, then the pods: what is to come is said before it is done.
        yield document.key
        for one in (before, rule):
            if one is not None and _effect(one) == NO_EXECUTE:
                for claim in self._claims_of_rule(one):
                    yield from _pods_of_claim(claim)

    def _claims_of_rule(self, rule: Obj) -> Iterator[Obj]:
        """Allocated ones with a device that it selects."""
        for pool in list(self.claims.index_values(_BY_POOL)):
            driver, _, name = pool.partition("/")
            for claim in (
                self.claims.by_index(_BY_POOL, pool) if device_taints.selects(rule, driver, name) else ()
            ):
                if any(_is_selected(rule, result) for result in results_of(_allocation(claim))):
                    yield claim

    # -- acting

    async def reconcile(self, key: Key) -> After | None:
        return await (self._sync_pod(key) if key.namespace else self._sync_rule(key.name))

    async def _sync_pod(self, key: Key) -> After | None:
        pod, known = self.pods.get(key), self._due.pop(key, None)
        if pod is None:
            return None
        uid = objects.uid_of(pod)
        eviction = self._eviction_of(pod)
        if uid in self._evicted:
            return None
        if eviction is None:
            if known is not None and known.uid == uid:
                self._tell(key, uid, "Cancelling deletion")
            return None
        due = self._due[key] = _Due(uid, eviction)
        if known is None or known.eviction != eviction:
            self._look_at_later(eviction.rules)
        if (wait := eviction.at - self.clock.now()) > 0:
            return After(wait)
        if await self._evict(key, uid):
            self._latency.observe(self.clock.now() - eviction.at)
            self._deletions.inc()
            for rule in self._rules.values():
                rule.evicted += objects.uid_of(rule.obj) in eviction.rules
            self._look_at_later(eviction.rules)
        if self._due.get(key) is due:
            del self._due[key]
        self._evicted[uid] = None
        if len(self._evicted) > _EVICTED_MAX:
            self._evicted.popitem(last=False)
        return None

    def _look_at_later(self, rules: frozenset[str]) -> None:
        """Not at once: more pods may follow, and the caches have to show what was done."""
        for name, rule in self._rules.items():
            if objects.uid_of(rule.obj) in rules:
                self.queue.add_after(Key("", name), STATUS_PERIOD_S)

    def _eviction_of(self, pod: Obj, taints: Taints | None = None) -> Eviction | None:
        """Source: podEvictionTime."""
        if not pod["spec"].get("nodeName"):
            return None
        uid = objects.uid_of(pod)
        found: list[Eviction] = []
        for pod_claim in pod["spec"].get("resourceClaims") or ():
            name, must_own = claim_name(pod, pod_claim)
            claim = self.claims.get(Key(pod["metadata"]["namespace"], name)) if name else None
            if claim is None or (must_own and not is_for(pod, claim)):
                continue
            reserved = (claim.get("status") or {}).get("reservedFor") or ()
            allocation = _allocation(claim)
            if allocation is None or all(one.get("uid") != uid for one in reserved):
                continue
            if (eviction := plan_claim(allocation, taints or self._taints)) is not None:
                found.append(eviction)
        return _joined(found)

    def _taints(self, driver: str, pool: str, device: str) -> Iterator[Taint]:
        for taint in self._tainted.get(f"{driver}/{pool}", {}).get(device, ()):
            yield Taint(taint)
        for rule in self._rules.values():
            if _effect(rule.obj) == NO_EXECUTE and device_taints.selects(rule.obj, driver, pool, device):
                yield Taint(rule.obj["spec"]["taint"], objects.uid_of(rule.obj))

    async def _evict(self, key: Key, uid: str) -> bool:
        """Say in the pod why it goes, then delete it; False: it is gone. Source: addConditionAndDeletePod."""
        try:
            pod = await self.client.get(PODS, key.name, key.namespace)
            if objects.uid_of(pod) != uid:
                return False
            if objects.is_deleting(pod):
                return True
            self._tell(key, uid, "Marking for deletion")
            mark = pod_conditions.changed(
                pod, pod_conditions.DISRUPTION_TARGET, "True", reason="DeletionByDeviceTaintManager",
                message="Device Taint manager: deleting due to NoExecute taint", now=self.clock.rfc3339(),
            )  # fmt: skip
            if mark is not None:
                await pod_conditions.write(self.client, pod, mark)
            await self.client.delete(PODS, key.name, key.namespace, uid=uid)
        except errors.NotFound:
            return False
        self.log.info("pod_evicted", object=str(key), node=pod["spec"].get("nodeName", ""))
        return True

    def _tell(self, key: Key, uid: str, message: str) -> None:
        regarding = {
            "apiVersion": "v1", "kind": "Pod", "namespace": key.namespace, "name": key.name, "uid": uid,
        }  # fmt: skip
        self.events.event(regarding, "Normal", "DeviceTaintManagerEviction", message)

    # -- rules

    async def _sync_rule(self, name: str) -> After | None:
        known = self._rules.get(name)
        if known is None:
            return None
        rule = known.obj
        # Before counting, which may be expensive: that eviction is over is said with that delay.
        if (wait := rest_of_period(rule, self.clock.now())) > 0:
            return After(wait)
        fresh = plan_condition(rule, self._count(known), self.clock.rfc3339())
        if fresh is not None:
            applied = {
                "apiVersion": DEVICE_TAINT_RULES.api_version,
                "kind": DEVICE_TAINT_RULES.kind,
                "metadata": {"name": name, "uid": objects.uid_of(rule)},
                "status": {"conditions": [fresh]},
            }
            await self.client.named(self.name).patch(
                DEVICE_TAINT_RULES, name, applied, subresource="status", content_type=APPLY_PATCH, force=True,
            )  # fmt: skip
        return None

    def _count(self, known: _Rule) -> Counts:
        rule = known.obj
        if _effect(rule) not in (NO_EXECUTE, "None"):
            return Counts(evicted=known.evicted)
        uid = objects.uid_of(rule)
        # As if its effect was NoExecute, and no other rule there.
        taint = Taint({**rule["spec"]["taint"], "effect": NO_EXECUTE}, uid)

        def taints(driver: str, pool: str, device: str) -> Iterable[Taint]:
            return (taint,) if device_taints.selects(rule, driver, pool, device) else ()

        claims = {objects.uid_of(claim): claim for claim in self._claims_of_rule(rule)}.values()
        pods = {
            key
            for claim in claims
            for key in _pods_of_claim(claim)
            if (pod := self.pods.get(key)) is not None
            and not objects.is_deleting(pod)
            and self._eviction_of(pod, taints) is not None
        }
        return Counts(
            pods=len(pods),
            namespaces=len({key.namespace for key in pods}),
            published=self._published(rule) if _effect(rule) == "None" else 0,
            allocated=sum(
                _is_selected(rule, result) for c in claims for result in results_of(_allocation(c))
            ),
            evicted=known.evicted,
        )

    def _published(self, rule: Obj) -> int:
        found = 0
        for pool in list(self.slices.index_values(_BY_POOL)):
            slices = list(self.slices.by_index(_BY_POOL, pool))
            newest = max(_generation(one) for one in slices)
            driver, _, name = pool.partition("/")
            found += sum(
                device_taints.selects(rule, driver, name, device["name"])
                for one in slices
                if _generation(one) == newest
                for device in one["spec"].get("devices") or ()
            )
        return found


def _identity(pod: Obj) -> tuple[object, ...]:
    return (
        objects.uid_of(pod),
        pod["spec"].get("nodeName"),
        (pod.get("status") or {}).get("resourceClaimStatuses"),
    )


def _effect(rule: Obj) -> str:
    effect: str = rule["spec"]["taint"].get("effect", "")
    return effect


def _same_rule(one: Obj, other: Obj) -> bool:
    return objects.uid_of(one) == objects.uid_of(other) and bool(one["spec"] == other["spec"])


def _is_selected(rule: Obj, result: Obj) -> bool:
    return device_taints.selects(rule, result["driver"], result["pool"], result["device"])


def _allocation(claim: Obj) -> Obj | None:
    return (claim.get("status") or {}).get("allocation")


def _pool_of(one: Obj) -> str:
    return f"{one['spec']['driver']}/{one['spec']['pool']['name']}"


def _pool_name(result: Obj) -> str:
    return f"{result['driver']}/{result['pool']}"


def _pools_of_claim(claim: Obj) -> Iterable[str]:
    return {_pool_name(result) for result in results_of(_allocation(claim))}


def _pods_of_claim(claim: Obj) -> list[Key]:
    return [
        Key(claim["metadata"]["namespace"], one["name"])
        for one in (claim.get("status") or {}).get("reservedFor") or ()
        if not one.get("apiGroup") and one.get("resource") == "pods"
    ]
