"""Taint eviction: pods leave nodes whose NoExecute taints they do not tolerate, or no longer.

Watches Nodes and Pods. Writes the condition DisruptionTarget, and deletes pods.

A pod that tolerates a taint for a time is due when that time is over, counted from when the taint was first seen;
taints and tolerations that come later change only whether it is due, not when. Once due it is deleted, once.

Work arises only on tainted nodes: they are known by name, so an event about a pod elsewhere costs one look-up, and a
taint costs the pods of its node. Keys are pods, and tainted nodes without a namespace.

Source: kubernetes 1.36 pkg/controller/tainteviction/{taint_eviction,timed_workers}.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from msgspec import Struct

from kubepy.api import errors, objects, placement
from kubepy.api.builtins import NODES, PODS
from kubepy.api.objects import Document, Key, Obj
from kubepy.client.controller import After, Controller, ControllerContext
from kubepy.client.informer import node_name
from kubepy.controllers import pod_conditions


class Verdict(Enum):
    STAY = "stay"
    WAIT = "wait"
    GO = "go"


class Due(Struct, frozen=True):
    """An eviction that is to come, or (`is_done`) that was carried out. Times are monotonic."""

    uid: str
    at: float
    is_done: bool = False


class Plan(Struct, frozen=True):
    verdict: Verdict
    due: Due | None = None  # with WAIT and GO
    is_cancelled: bool = False  # what was to come does not: say so


def no_execute(node: Obj) -> list[Obj]:
    return [taint for taint in placement.taints_of(node) if taint.get("effect") == placement.NO_EXECUTE]


def plan(pod: Obj | None, taints: list[Obj], due: Due | None, now: float) -> Plan:
    """due: what was decided about it before. Source: processPodOnNode, handlePodUpdate."""
    is_waiting = due is not None and not due.is_done
    if pod is None or not taints or (due is not None and due.uid != objects.uid_of(pod)):
        return Plan(Verdict.STAY, is_cancelled=is_waiting)
    if due is not None and (due.is_done or due.at <= now):
        return Plan(Verdict.STAY if due.is_done else Verdict.GO, due)
    seconds = placement.no_execute_seconds(taints, placement.tolerations_of(pod))
    if seconds is None:
        return Plan(Verdict.STAY, is_cancelled=is_waiting)
    if seconds < 0:
        return Plan(Verdict.GO, Due(objects.uid_of(pod), now), is_waiting)
    if due is None and seconds == 0:
        return Plan(Verdict.GO, Due(objects.uid_of(pod), now))
    return Plan(Verdict.WAIT, due or Due(objects.uid_of(pod), now + seconds))


class TaintEvictionController(Controller):
    name = "taint-eviction-controller"
    workers = 8

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        self._tainted: dict[str, list[Obj]] = {}  # nodes
        self._due: dict[Key, Due] = {}
        self._deletions = context.metrics.counter(
            "taint_eviction_controller_pod_deletions_total",
            "Total number of Pods deleted by TaintEvictionController since its start.",
        )

    def setup(self) -> None:
        self.nodes = self.watch(NODES)
        self.nodes.add_handler(
            on_add=self._node_seen, on_update=lambda old, new: self._node_seen(new), on_delete=self._node_gone
        )
        self.pods = self.watch(PODS, self._keys_of_pod, indexes={"node": node_name})

    def _node_seen(self, document: Document) -> None:
        name, taints = document.key.name, no_execute(document.obj)
        if taints == self._tainted.get(name, []):
            return
        if taints:
            self._tainted[name] = taints
        else:
            del self._tainted[name]
        self.queue.add(Key("", name))

    def _node_gone(self, document: Document) -> None:
        """Its pods are for pod_garbage_collector.py."""
        self._tainted.pop(document.key.name, None)

    def _keys_of_pod(self, document: Document, old: Document | None) -> Iterable[Key]:
        if document.key in self._due:
            return (document.key,)
        pod = document.obj
        if pod["spec"].get("nodeName") not in self._tainted:
            return ()
        is_same = old is not None and all(
            pod["spec"].get(field) == old.obj["spec"].get(field) for field in ("nodeName", "tolerations")
        )
        return () if is_same else (document.key,)

    async def reconcile(self, key: Key) -> After | None:
        if not key.namespace:
            for pod_key in self.pods.keys_by_index("node", key.name):
                self.queue.add(pod_key)
            return None
        now, pod = self.clock.monotonic(), self.pods.get(key)
        taints = self._tainted.get(pod["spec"].get("nodeName", ""), []) if pod is not None else []
        decided = plan(pod, taints, self._due.get(key), now)
        if decided.is_cancelled:
            self._tell(key, f"Cancelling deletion of Pod {key}")
        if decided.due is None:
            self._due.pop(key, None)
            return None
        self._due[key] = decided.due
        if decided.verdict is Verdict.WAIT:
            return After(decided.due.at - now)
        if decided.verdict is Verdict.GO and pod is not None:
            await self._evict(key, pod)
            self._due[key] = Due(decided.due.uid, decided.due.at, is_done=True)
        return None

    async def _evict(self, key: Key, pod: Obj) -> None:
        """Say in the pod why it goes, then delete it. Source: addConditionAndDeletePod."""
        self.log.info("pod_evicted", object=str(key), node=pod["spec"]["nodeName"])
        self._tell(key, f"Marking for deletion Pod {key}")
        mark = pod_conditions.changed(
            pod, pod_conditions.DISRUPTION_TARGET, "True", reason="DeletionByTaintManager",
            message="Taint manager: deleting due to NoExecute taint", now=self.clock.rfc3339(),
        )  # fmt: skip
        try:
            if mark is not None:
                await pod_conditions.write(self.client, pod, mark)
            await self.client.delete(PODS, key.name, key.namespace, uid=objects.uid_of(pod))
        except errors.NotFound:
            return
        self._deletions.inc()

    def _tell(self, key: Key, message: str) -> None:
        regarding = {"apiVersion": "v1", "kind": "Pod", "namespace": key.namespace, "name": key.name}
        self.events.event(regarding, "Normal", "TaintManagerEviction", message)
