"""What the informers say, told to the scheduler's cache and queue: which pods are on which node, which wait for one,
and what happened that may help those that wait.

Source: pkg/scheduler/eventhandlers.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kubepy.api import pods
from kubepy.api.builtins import NODES, PODS
from kubepy.api.objects import Document, Obj, is_deleting, labels_of, uid_of, walk
from kubepy.client.informer import InformerFactory
from kubepy.scheduler import events
from kubepy.scheduler.cache import Cache
from kubepy.scheduler.framework import Action, ClusterEvent
from kubepy.scheduler.node_info import PodInfo
from kubepy.scheduler.profiles import DEFAULT_SCHEDULER
from kubepy.scheduler.queue import Queue
from kubepy.scheduler.runtime import Framework

if TYPE_CHECKING:
    from kubepy.observability.logs import Logger


class EventHandlers:
    """`register()` before the informers start."""

    def __init__(
        self,
        frameworks: Mapping[str, Framework],
        cache: Cache,
        queue: Queue,
        log: Logger,
        *,
        has_groups: bool,
    ) -> None:
        """`frameworks` are those of the profiles, by scheduler name."""
        self._frameworks, self._cache, self._queue, self._log = frameworks, cache, queue, log
        self._has_groups = has_groups

    def register(self, informers: InformerFactory) -> None:
        """With pods, nodes, and whatever else some plugin wants to hear of."""
        informers.informer(PODS).add_handler(
            on_add=self._pod_added, on_update=self._pod_updated, on_delete=self._pod_deleted
        )
        informers.informer(NODES).add_handler(
            on_add=self._node_added, on_update=self._node_updated, on_delete=self._node_deleted
        )
        for kind in self._kinds_of_interest():
            self._watch(informers, kind)

    def _kinds_of_interest(self) -> set[str]:
        named = {
            interest.event.resource
            for framework in self._frameworks.values()
            for interests in framework.interests.values()
            for interest in interests
        }
        return named & events.OTHER_RESOURCES.keys()

    def _watch(self, informers: InformerFactory, kind: str) -> None:
        move = self._queue.move
        add, update, delete = (
            ClusterEvent(kind, action) for action in (Action.ADD, Action.UPDATE, Action.DELETE)
        )
        informers.informer(events.OTHER_RESOURCES[kind]).add_handler(
            on_add=lambda new: move(add, None, new.obj),
            on_update=lambda old, new: move(update, old.obj, new.obj),
            on_delete=lambda old: move(delete, old.obj, None),
        )

    def _is_ours(self, pod: Obj) -> bool:
        return _scheduler_of(pod) in self._frameworks

    def _pod_added(self, document: Document) -> None:
        pod = document.obj
        if pods.is_terminal(pod):
            return
        if pod["spec"].get("nodeName"):
            self._pod_assigned(document)
        elif self._is_ours(pod):
            self._queue.add(PodInfo(document))
            if self._has_groups:
                self._queue.move(events.UNSCHEDULED_POD_ADD, None, pod)
            self._log.debug("pod_queued", object=str(document.key), seen=document.revision)

    def _pod_assigned(self, document: Document) -> None:
        pod = document.obj
        self._cache.add_pod(PodInfo(document), pod["spec"]["nodeName"])
        self._queue.delete(uid_of(pod))
        self._queue.move(events.POD_ADD, None, pod)

    def _pod_updated(self, old: Document, new: Document) -> None:
        before, after = old.obj, new.obj
        if pods.is_terminal(after):
            if not pods.is_terminal(before):
                self._pod_deleted(new)
        elif before["spec"].get("nodeName"):
            if (
                before["spec"] == after["spec"]
                and labels_of(before) == labels_of(after)
                and is_deleting(before) == is_deleting(after)
            ):
                # A status update, which is most of what comes, changes nothing that is counted.
                self._cache.touch_pod(new)
                return
            self._cache.update_pod(PodInfo(new), after["spec"]["nodeName"])
            for event in events.pod_changes(before, after):
                self._queue.move(event, before, after)
        elif after["spec"].get("nodeName"):
            self._pod_assigned(new)
        elif self._is_ours(after):
            self._pending_pod_updated(before, new)

    def _pending_pod_updated(self, before: Obj, new: Document) -> None:
        after, uid = new.obj, uid_of(new.obj)
        if self._cache.is_assumed(new.key, uid):
            if is_deleting(after):
                self._assumed_pod_gone(new)
            return
        self._queue.update(PodInfo(new), events.pod_changes(before, after), before)
        nominated = walk(before, "status", "nominatedNodeName")
        if nominated and nominated != walk(after, "status", "nominatedNodeName"):
            priority = pods.priority(before)
            self._queue.move(events.POD_DELETE, before, None, only=lambda other: other.priority <= priority)

    def _pod_deleted(self, document: Document) -> None:
        pod = document.obj
        self._queue.delete(uid_of(pod))
        if pod["spec"].get("nodeName"):
            self._cache.remove_pod(document.key)
            self._queue.move(events.POD_DELETE, pod, None)
        elif self._cache.is_assumed(document.key, uid_of(pod)):
            self._assumed_pod_gone(document)
        elif walk(pod, "status", "nominatedNodeName"):
            priority = pods.priority(pod)
            self._queue.move(events.POD_DELETE, pod, None, only=lambda other: other.priority <= priority)

    def _assumed_pod_gone(self, document: Document) -> None:
        """Its binding will fail; its room is free from now on."""
        pod = document.obj
        framework = self._frameworks[_scheduler_of(pod)]
        if framework.reject(uid_of(pod), "", "pod deleted"):
            return  # its binding cycle ends at once and cleans up
        gone = {**pod, "spec": {**pod["spec"], "nodeName": self._cache.node_of(document.key)}}
        self._cache.remove_pod(document.key)
        self._queue.move(events.POD_DELETE, gone, None)

    def _node_added(self, document: Document) -> None:
        self._cache.put_node(document)
        self._queue.move(events.NODE_ADD, None, document.obj)

    def _node_updated(self, old: Document, new: Document) -> None:
        before, after = old.obj, new.obj
        if events.is_node_cached_alike(before, after):
            self._cache.touch_node(new)
        else:
            self._cache.put_node(new)
        for event in events.node_changes(before, after):
            self._queue.move(event, before, after)

    def _node_deleted(self, document: Document) -> None:
        self._cache.remove_node(document.key.name)
        self._queue.move(events.NODE_DELETE, document.obj, None)


def _scheduler_of(pod: Obj) -> str:
    return pod["spec"].get("schedulerName") or DEFAULT_SCHEDULER
