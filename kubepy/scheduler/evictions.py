"""Making room: the victims of a preemption are told why and deleted, in the background.

Meanwhile the pod they make room for is not tried (DefaultPreemption's PreEnqueue); it is not held back any longer once
the last victim is seen to go, so that no deletion is missed that it waits for.

Source: pkg/scheduler/framework/preemption/executor.go, asynchronous (KEP-4832).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from kubepy.api.builtins import PODS
from kubepy.api.errors import Conflict, NotFound, StatusError
from kubepy.api.objects import Key, Obj, condition, is_deleting, uid_of
from kubepy.client.events import NORMAL
from kubepy.client.transport import ConnectionLost
from kubepy.lib.aio import gather_bounded
from kubepy.scheduler.node_info import PodInfo

if TYPE_CHECKING:
    from kubepy.scheduler.toolbox import Toolbox

# Victims deleted at once. Source: pkg/scheduler/framework/parallelize, DefaultParallelism.
_AT_ONCE = 16


class Preemptor(NamedTuple):
    """For whom room is made."""

    uid: str
    key: Key
    kind: str  # "pod", "podgroup"
    scheduler_name: str
    priority: int
    obj: Obj
    waiting: tuple[str, ...]  # the pods, by uid, that are tried again

    @classmethod
    def of(cls, pod: PodInfo) -> Preemptor:
        return cls(pod.uid, pod.key, "pod", pod.scheduler_name, pod.priority, pod.obj, (pod.uid,))


class Evictions:
    def __init__(self, tools: Toolbox, plugin: str) -> None:
        self._tools, self._plugin = tools, plugin
        self._pods = tools.informers.informer(PODS)
        self._under_way: dict[
            str, Key | None
        ] = {}  # uid of who preempts -> its last victim, once that one's turn came
        self._victims = tools.metrics.histogram(
            "scheduler_preemption_victims",
            "Number of selected preemption victims",
            buckets=(1, 2, 4, 8, 16, 32, 64),
        )

    def is_under_way(self, uid: str) -> bool:
        """Whether room for this pod is still being asked for."""
        if uid not in self._under_way:
            return False
        last = self._under_way[uid]
        if last is None:
            return True
        victim = self._pods.get(last)
        return victim is not None and not is_deleting(victim)

    def start(self, pod: Preemptor, victims: Sequence[PodInfo], node: str) -> None:
        """Delete those that do not go already."""
        staying = [victim for victim in victims if not victim.is_terminating]
        if not staying:
            return
        self._victims.observe(len(victims))
        self._under_way[pod.uid] = None
        self._tools.tasks.start(self._evict(pod, staying, node), name=f"preemption by {pod.key}")

    async def _evict(self, pod: Preemptor, victims: Sequence[PodInfo], node: str) -> None:
        tools = self._tools
        lesser = [p for p in tools.queue.nominator.on(node) if p.priority < pod.priority]
        results = await gather_bounded(_AT_ONCE, [self._denominate(other) for other in lesser])
        evicted = await gather_bounded(_AT_ONCE, [self._evict_one(pod, v, node) for v in victims[:-1]])
        if not any(isinstance(result, BaseException) for result in evicted):
            self._under_way[pod.uid] = victims[-1].key
            evicted += await gather_bounded(1, [self._evict_one(pod, victims[-1], node)])
        del self._under_way[pod.uid]
        failures = [result for result in (*results, *evicted) if isinstance(result, BaseException)]
        if failures:
            tools.log.error("preemption_failed", object=str(pod.key), node=node, error=str(failures[0]))
            # Whom it waits for may never go.
            tools.queue.activate(pod.waiting)
        else:
            tools.log.info("preempted", object=str(pod.key), node=node, victims=len(victims))

    async def _denominate(self, pod: PodInfo) -> None:
        """The room that was made for it is another's now: it looks for another place."""
        namespace, name = pod.key
        patch = {"metadata": {"uid": pod.uid}, "status": {"nominatedNodeName": None}}
        try:
            await self._tools.client.patch(PODS, name, patch, namespace=namespace, subresource="status")
        except (NotFound, Conflict):
            pass

    async def _evict_one(self, pod: Preemptor, victim: PodInfo, node: str) -> None:
        tools = self._tools
        message = f"Preempted by {pod.kind} {pod.uid} on node {node}"
        if tools.framework.reject(victim.uid, self._plugin, "preempted"):
            message += " (in kube-scheduler memory)."
        elif not await self._delete(pod, victim):
            return
        tools.recorder.event(victim.obj, NORMAL, "Preempted", message, action="Preempting", related=pod.obj)

    async def _delete(self, pod: Preemptor, victim: PodInfo) -> bool:
        """False if it was gone already."""
        client, (namespace, name) = self._tools.client, victim.key
        try:
            if change := self._condition(pod, victim.obj):
                patch = {"metadata": {"uid": victim.uid}, "status": {"conditions": [change]}}
                await client.patch(PODS, name, patch, namespace=namespace, subresource="status")
            await client.delete(PODS, name, namespace, uid=victim.uid)
        except NotFound:
            return False
        except Conflict:
            # Another pod has its name now: then it is gone; otherwise the preemption is tried again.
            now = self._pods.get(victim.key)
            if now is not None and uid_of(now) == victim.uid:
                raise
            return False
        except (StatusError, ConnectionLost) as error:
            tools = self._tools
            tools.log.warning("victim_not_evicted", object=str(victim.key), error=str(error))
            raise
        return True

    def _condition(self, pod: Preemptor, victim: Obj) -> Obj | None:
        """DisruptionTarget; None if it says so already."""
        wanted: Obj = {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "PreemptionByScheduler",
            "message": f"{pod.scheduler_name}: preempting to accommodate a higher priority {pod.kind}",
        }
        if generation := victim["metadata"].get("generation"):
            wanted["observedGeneration"] = generation
        old = condition(victim, "DisruptionTarget") or {}
        if all(old.get(name) == value for name, value in wanted.items()):
            return None
        is_transition = old.get("status") != "True"
        now = self._tools.clock.rfc3339()
        wanted["lastTransitionTime"] = now if is_transition else old.get("lastTransitionTime", now)
        return wanted
