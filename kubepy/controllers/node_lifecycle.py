"""Node lifecycle: who is not heard from is called Unknown, tainted, and in time loses its pods.

Watches Nodes, their Leases, and Pods. Writes the conditions of silent nodes, the taints that follow from
conditions, two old labels, and the condition Ready of pods on silent nodes. Deletes nothing: taint_eviction.py acts
on the taints.

A node is heard from when its lease is renewed or its Ready condition has a new heartbeat, by our clock. Silence for
the grace period makes its conditions Unknown. A node that is not ready is tainted NoSchedule at once and NoExecute as
fast as its zone allows (node_zones.py); a node that is ready again loses both at once.

A lease renewal costs a look at its renewTime and one assignment: a node is looked at again when its grace period
would end, and then mostly found to have been heard from. Nothing runs while nothing happens.

Differs: upstream looks at all nodes every five seconds; here each node is looked at when its time comes, so silence
is noticed after exactly the grace period, not up to five seconds later; there is no --node-monitor-period therefore.

Keys are nodes, and "" for all zones together.

Source: kubernetes 1.36 pkg/controller/nodelifecycle/node_lifecycle_controller.go,
pkg/controller/util/node/controller_utils.go, cmd/kube-controller-manager/app/options/nodelifecyclecontroller.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from msgspec import Struct, field

from kubepy.api import errors, objects, placement
from kubepy.api.builtins import LEASES, NODES, PODS
from kubepy.api.objects import Document, Key, Obj
from kubepy.client.client import MERGE_PATCH
from kubepy.client.controller import After, Controller, ControllerContext, key_of
from kubepy.client.informer import node_name
from kubepy.controllers import pod_conditions
from kubepy.controllers.node_zones import Rates, Review, Zones, zone_of
from kubepy.lib.aio import Tasks, gather_bounded, reported_to
from kubepy.lib.clock import parse_rfc3339

LEASE_NAMESPACE = "kube-node-lease"
# How long a first failure gathers company before the first node is tainted: those that fail together are judged
# together. Source: scheduler.NodeEvictionPeriod.
TAINTING_S = 0.1
# Source: nodeUpdateWorkerSize.
PARALLEL = 8

READY = "Ready"
# Condition -> its value -> the taint that says so. Source: nodeConditionToTaintKeyStatusMap.
TAINTS = {
    READY: {"False": placement.TAINT_NOT_READY, "Unknown": placement.TAINT_UNREACHABLE},
    "MemoryPressure": {"True": placement.TAINT_MEMORY_PRESSURE},
    "DiskPressure": {"True": placement.TAINT_DISK_PRESSURE},
    "NetworkUnavailable": {"True": placement.TAINT_NETWORK_UNAVAILABLE},
    "PIDPressure": {"True": placement.TAINT_PID_PRESSURE},
}
_OURS = {key for values in TAINTS.values() for key in values.values()} | {placement.TAINT_UNSCHEDULABLE}
# What a node that is silent no longer tells; its network is somebody else's to judge.
TOLD_BY_KUBELET = (READY, "MemoryPressure", "DiskPressure", "PIDPressure")
# (the label that holds, the older one that follows it). Source: labelReconcileInfo.
LABELS = (
    ("kubernetes.io/os", "beta.kubernetes.io/os"),
    ("kubernetes.io/arch", "beta.kubernetes.io/arch"),
)
_ZONES = Key("", "")
_NOT_READY = "not ready"


class Options(Struct, frozen=True):
    grace_s: float = 50.0  # --node-monitor-grace-period
    startup_s: float = 60.0  # --node-startup-grace-period
    rates: Rates = field(default_factory=Rates)


@objects.about("status.conditions")
def not_ready(node: Obj) -> Iterable[str]:
    """Index: the nodes that say of themselves that they are not."""
    ready = objects.condition(node, READY)
    return (_NOT_READY,) if ready is not None and ready["status"] != "True" else ()


# -- the plan --------------------------------------------------------------------------------------------------


class Health(Struct):
    """When a node was last heard from, and what it said then. Times are monotonic."""

    heard_at: float
    heartbeat: str | None = None  # of its Ready condition; None: it has none
    renewed: float = 0.0  # its lease's renewTime, by the node's clock


class Plan(Struct, frozen=True):
    conditions: tuple[Obj, ...] = ()  # to be written, because it is silent
    spec: Obj = field(default_factory=dict)  # taints, if they are to change
    labels: Obj = field(default_factory=dict)
    ready: str = "Unknown"  # as the conditions say, once they are written
    is_to_wait: bool = False  # for the taint that drives pods away
    after_s: float | None = None


def hear(health: Health | None, node: Obj, *, now: float, wall: float) -> Health:
    """What is known of a node after another look at it. Source: tryUpdateNodeHealth."""
    ready = objects.condition(node, READY)
    heartbeat = (ready.get("lastHeartbeatTime") or "") if ready is not None else None
    if health is None:
        # Who never said anything is as old as it is.
        created = parse_rfc3339(node["metadata"]["creationTimestamp"])
        health = Health(now if ready is not None else now - max(0.0, wall - created), heartbeat)
    elif heartbeat is not None and heartbeat != health.heartbeat:
        health.heard_at, health.heartbeat = now, heartbeat
    elif heartbeat is None:
        health.heartbeat = None
    return health


def plan(node: Obj, health: Health, options: Options, *, now: float, stamp: str) -> Plan:
    """`stamp` is the wall clock's now, as it is to be written."""
    ready = objects.condition(node, READY)
    grace_s = options.grace_s if ready is not None else options.startup_s
    left_s = health.heard_at + grace_s - now
    conditions = _silenced(node, stamp) if left_s <= 0 else ()
    if conditions:
        # The taints follow when the conditions are seen to be written.
        return Plan(conditions)
    value = ready["status"] if ready is not None else ""
    taints = wanted_taints(node, stamp)
    return Plan(
        spec={"taints": taints} if taints is not None else {},
        labels=wanted_labels(node),
        ready=value,
        is_to_wait=value in ("False", "Unknown") and not _has_no_execute(node, TAINTS[READY][value]),
        after_s=left_s if left_s > 0 else None,
    )


def _silenced(node: Obj, stamp: str) -> tuple[Obj, ...]:
    """The conditions that change because nothing is known any more."""
    changed = []
    for type_ in TOLD_BY_KUBELET:
        old = objects.condition(node, type_)
        if old is None:
            changed.append({
                "type": type_, "status": "Unknown", "reason": "NodeStatusNeverUpdated",
                "message": "Kubelet never posted node status.",
                "lastHeartbeatTime": node["metadata"]["creationTimestamp"], "lastTransitionTime": stamp,
            })  # fmt: skip
        elif old["status"] != "Unknown":
            changed.append({
                "type": type_, "status": "Unknown", "reason": "NodeStatusUnknown",
                "message": "Kubelet stopped posting node status.", "lastTransitionTime": stamp,
            })  # fmt: skip
    # Upstream writes all of them only when Ready is among them.
    return tuple(changed) if any(condition["type"] == READY for condition in changed) else ()


def wanted_taints(node: Obj, stamp: str) -> list[Obj] | None:
    """The taints as its conditions want them, None if they are so.

    NoSchedule follows the conditions. NoExecute goes when the node is ready, and turns from not-ready to unreachable
    and back with the condition; the first of them is not given here. Source: doNoScheduleTaintingPass,
    processTaintBaseEviction.
    """
    taints = placement.taints_of(node)
    schedule = [
        TAINTS[condition["type"]][condition["status"]]
        for condition in objects.conditions(node)
        if condition["status"] in TAINTS.get(condition["type"], ())
    ]
    if (node.get("spec") or {}).get("unschedulable"):
        schedule.append(placement.TAINT_UNSCHEDULABLE)
    wanted = {(key, placement.NO_SCHEDULE) for key in schedule}
    execute = {taint["key"] for taint in taints if taint.get("effect") == placement.NO_EXECUTE}
    by_ready = TAINTS[READY]
    ready = objects.condition(node, READY)
    here = execute & set(by_ready.values())
    if ready is not None and ready["status"] in by_ready:
        if here:
            wanted.add((by_ready[ready["status"]], placement.NO_EXECUTE))
    elif ready is None:
        wanted |= {(key, placement.NO_EXECUTE) for key in here}
    return _swapped(taints, wanted, stamp)


def _swapped(taints: list[Obj], wanted: set[tuple[str, str]], stamp: str) -> list[Obj] | None:
    def is_ours(taint: Obj) -> bool:
        if taint.get("effect") == placement.NO_SCHEDULE:
            return taint["key"] in _OURS
        return taint.get("effect") == placement.NO_EXECUTE and taint["key"] in TAINTS[READY].values()

    present = {(taint["key"], taint["effect"]) for taint in taints if is_ours(taint)}
    if present == wanted:
        return None
    kept = [taint for taint in taints if not is_ours(taint) or (taint["key"], taint["effect"]) in wanted]
    return kept + [new_taint(key, effect, stamp) for key, effect in sorted(wanted - present)]


def new_taint(key: str, effect: str, stamp: str) -> Obj:
    return {"key": key, "effect": effect, "timeAdded": stamp}


def _has_no_execute(node: Obj, key: str) -> bool:
    return any(
        taint["key"] == key and taint.get("effect") == placement.NO_EXECUTE
        for taint in placement.taints_of(node)
    )


def wanted_labels(node: Obj) -> Obj:
    """The older labels that do not say what the stable ones say. Source: reconcileNodeLabels."""
    labels = objects.labels_of(node)
    return {
        older: labels[stable]
        for stable, older in LABELS
        if stable in labels and labels.get(older) != labels[stable]
    }


# -- the controller --------------------------------------------------------------------------------------------


class NodeLifecycleController(Controller):
    name = "node-lifecycle-controller"
    workers = PARALLEL

    def __init__(self, context: ControllerContext, options: Options | None = None) -> None:
        super().__init__(context)
        self.options = options or Options()
        self.zones = Zones(self.options.rates)
        self._health: dict[str, Health] = {}
        self._uids: dict[str, str] = {}  # of the nodes we told of
        self._unmarked: set[str] = set()  # silent nodes whose pods still have to be marked
        self._news = asyncio.Event()  # some node waits to be tainted
        self._evictions = context.metrics.counter(
            "node_collector_evictions_total",
            "Number of Node evictions that happened since current instance of NodeController started.",
            ("zone",),
        )

    def setup(self) -> None:
        self.nodes = self.watch(NODES, key_of, indexes={_NOT_READY: not_ready})
        self.leases = self.watch(LEASES)
        self.leases.add_handler(on_add=self._lease_seen, on_update=lambda old, new: self._lease_seen(new))
        self.pods = self.watch(PODS, indexes={"node": node_name})
        self.pods.add_handler(on_add=self._pod_seen, on_update=lambda old, new: self._pod_seen(new, old))

    async def run(self) -> None:
        tasks = Tasks(reported_to(self.log))
        tasks.start(self._taint_in_time(), name="node-tainter")
        try:
            await super().run()
        finally:
            await tasks.close()

    # -- what it hears

    def _lease_seen(self, document: Document) -> None:
        key = document.key
        health = self._health.get(key.name) if key.namespace == LEASE_NAMESPACE else None
        if health is not None:
            _renew(health, document.peek(), self.clock.monotonic())

    def _pod_seen(self, document: Document, old: Document | None = None) -> None:
        """A pod that comes to a silent node is not ready there. Source: podUpdated, processPod."""
        name = document.obj["spec"].get("nodeName")
        if (
            not name
            or name not in self._health
            or (old is not None and old.obj["spec"].get("nodeName") == name)
        ):
            return
        if (node := Key("", name)) in self.nodes.keys_by_index(_NOT_READY, _NOT_READY):
            self._unmarked.add(name)
            self.queue.add(node)

    async def reconcile(self, key: Key) -> After | None:
        if key == _ZONES:
            await self._review()
            return None
        node = self.nodes.get(key)
        self._tell_of(key.name, node)
        if node is None:
            self._forget(key.name)
            return None
        now, name = self.clock.monotonic(), key.name
        health = self._health[name] = hear(self._health.get(name), node, now=now, wall=self.clock.now())
        lease = self.leases.document(Key(LEASE_NAMESPACE, name))
        if lease is not None and not health.renewed:
            _renew(health, lease.peek(), now)
        decided = plan(node, health, self.options, now=now, stamp=self.clock.rfc3339())
        if decided.conditions:
            await self._call_unknown(node, decided.conditions)
            return None
        self._note(node, decided)
        if decided.spec or decided.labels:
            await self._patch(node, decided.spec, decided.labels)
        if name in self._unmarked:
            await self._mark_pods(name, is_ready=decided.ready == "True")
        return After(decided.after_s) if decided.after_s is not None and decided.ready != "Unknown" else None

    def _tell_of(self, name: str, node: Obj | None) -> None:
        """Who came and who went."""
        uid, known = objects.uid_of(node) if node is not None else "", self._uids.get(name, "")
        if uid == known:
            return
        if known:
            del self._uids[name]
            self._forget(name)
            self._tell(
                name, known, "RemovingNode", f"Node {name} event: Removing Node {name} from Controller"
            )
        if uid:
            self._uids[name] = uid
            self._tell(
                name, uid, "RegisteredNode", f"Node {name} event: Registered Node {name} in Controller"
            )

    def _tell(self, name: str, uid: str, reason: str, message: str) -> None:
        regarding = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": uid}
        self.events.event(regarding, "Normal", reason, message)

    def _forget(self, name: str) -> None:
        self._health.pop(name, None)
        self._unmarked.discard(name)
        self.zones.forget(name)
        self.queue.add(_ZONES)

    def _note(self, node: Obj, decided: Plan) -> None:
        """Its zone hears how it is."""
        name = node["metadata"]["name"]
        if self.zones.note(node, is_ready=decided.ready == "True"):
            self.queue.add(_ZONES)
        if decided.is_to_wait:
            self.zones.queue(name)
            self._news.set()
        else:
            self.zones.unqueue(name)

    # -- what it does

    async def _call_unknown(self, node: Obj, conditions: Iterable[Obj]) -> None:
        """The revision is the precondition: whoever was heard of meanwhile is looked at again."""
        name = node["metadata"]["name"]
        was_ready = objects.is_condition_true(node, READY)
        await self.client.patch(
            NODES, name,
            {"metadata": {"resourceVersion": node["metadata"]["resourceVersion"]},
             "status": {"conditions": list(conditions)}},
            subresource="status",
        )  # fmt: skip
        self.log.warning(
            "node_silent", object=name, silent_s=round(self.clock.monotonic() - self._health[name].heard_at)
        )
        if was_ready:
            self._unmarked.add(name)
            self._tell(name, objects.uid_of(node), "NodeNotReady", f"Node {name} status is now: NodeNotReady")

    async def _patch(self, node: Obj, spec: Obj, labels: Obj) -> None:
        metadata: Obj = {"resourceVersion": node["metadata"]["resourceVersion"]}
        if labels:
            metadata["labels"] = labels
        patch: Obj = {"metadata": metadata} | ({"spec": spec} if spec else {})
        try:
            await self.client.patch(NODES, node["metadata"]["name"], patch, content_type=MERGE_PATCH)
        except errors.NotFound:
            return
        if spec:
            taints = [f"{taint['key']}:{taint['effect']}" for taint in spec["taints"]]
            self.log.info("node_tainted", object=node["metadata"]["name"], taints=taints)

    async def _mark_pods(self, name: str, *, is_ready: bool) -> None:
        """Source: MarkPodsNotReady."""
        if not is_ready:
            found = self.pods.by_index("node", name)
            results = await gather_bounded(PARALLEL, [self._mark_pod(pod) for pod in found])
            for result in results:
                if isinstance(result, BaseException):
                    raise result
        self._unmarked.discard(name)

    async def _mark_pod(self, pod: Obj) -> None:
        old = objects.condition(pod, READY)
        if old is None:
            return
        condition = pod_conditions.changed(
            pod, READY, "False", reason=old.get("reason") or "", message=old.get("message") or "",
            now=self.clock.rfc3339(),
        )  # fmt: skip
        if condition is None:
            return
        try:
            await pod_conditions.write(self.client, pod, condition)
        except (errors.NotFound, errors.Conflict):
            return
        self.events.event(pod, "Warning", "NodeNotReady", "Node is not ready")

    async def _review(self) -> None:
        """The zones are judged anew. Source: handleDisruption."""
        now = self.clock.monotonic()
        outcome = self.zones.review(now)
        self._news.set()
        if outcome is Review.DARK:
            self.log.warning("all_nodes_unready", evictions="stopped")
            for name in list(self._health):
                await self._spare(name)
        elif outcome is Review.LIGHT:
            self.log.info("some_nodes_ready", evictions="resumed")
            for health in self._health.values():
                health.heard_at = now

    async def _spare(self, name: str) -> None:
        """Take the taints that drive pods away off a node. Source: markNodeAsReachable."""
        node = self.nodes.get(Key("", name))
        if node is None:
            return
        taints = placement.taints_of(node)
        doomed = [
            t
            for t in taints
            if t.get("effect") == placement.NO_EXECUTE and t["key"] in TAINTS[READY].values()
        ]
        if doomed:
            await self._patch(node, {"taints": [taint for taint in taints if taint not in doomed]}, {})

    async def _taint_in_time(self) -> None:
        """Taints the nodes that wait, one by one, as their zones allow. Source: doNoExecuteTaintingPass."""
        while True:
            self._news.clear()
            due, now = self.zones.next_due(), self.clock.monotonic()
            if due is None or due > now:
                if await self._wait_for_work(None if due is None else due - now):
                    await self.clock.sleep(TAINTING_S)
                continue
            for name in self.zones.take(now):
                await self._taint(name)

    async def _wait_for_work(self, limit_s: float | None) -> bool:
        """Whether something changed before the time was over."""
        try:
            async with self.clock.timeout(limit_s):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    async def _taint(self, name: str) -> None:
        node = self.nodes.get(Key("", name))
        ready = objects.condition(node, READY) if node is not None else None
        key = TAINTS[READY].get(ready["status"]) if ready is not None else None
        if node is None or key is None or _has_no_execute(node, key):
            return
        taints = [*placement.taints_of(node), new_taint(key, placement.NO_EXECUTE, self.clock.rfc3339())]
        try:
            await self._patch(node, {"taints": taints}, {})
        except Exception as error:  # noqa: BLE001 - it waits again; the others must not wait for it
            self.log.warning("node_taint_failed", object=name, error=str(error))
            self.queue.add(Key("", name))
            return
        self._evictions.labels(zone_of(node)).inc()


def _renew(health: Health, lease: Obj, now: float) -> None:
    """Heard from, if the lease is newer than the one seen last."""
    renewed = objects.walk(lease, "spec", "renewTime")
    if renewed and (at := parse_rfc3339(renewed)) > health.renewed:
        health.renewed, health.heard_at = at, now
