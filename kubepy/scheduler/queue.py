"""Where pods wait for a decision.

               add                      pop
    (informer) -----> ACTIVE ------------------------> IN_FLIGHT ----> bound, or gone (done)
                      ^  ^  ^                              |
       backoff is over|  |  | event worth a retry,         | requeue: rejected, and an event that came while it was
                      |  |  | no backoff left              |   in flight is worth a retry -> BACKOFF or ACTIVE;
                 BACKOFF |  |                              |   something broke -> BACKOFF;
                      ^  |  |                              |   otherwise -> PARKED
                      |  |  |                              |
                      |  |  +------- PARKED <--------------+
                      +--------------  ^    event worth a retry, still backing off
                                       |
                                       +---- PreEnqueue said no (gated)

A rejected pod costs nothing until something happens that may help it. What may help, the plugins that rejected it say
(`events`, with hints); parked pods are indexed by those plugins, so an event looks only at pods it concerns. Events
that arrive while a pod is in flight are kept until it is back, and judged then: nothing is lost in between. As a net
under the hints, a pod parked for five minutes is tried again.

Backoff is 1, 2, 4, 8, 10, 10 ... s by the number of rejections (or of errors in a row).
Differs from upstream: pods never leave backoff early because the active queue is empty. The idle scheduler there wastes
only its own time, here the API server's.

Source: pkg/scheduler/backend/queue/{scheduling_queue,active_queue,backoff_queue,nominator}.go.
"""

from __future__ import annotations

import asyncio
import enum
import heapq
from collections import Counter, deque
from collections.abc import Callable, Iterable, KeysView, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from kubepy.api.objects import Key, Obj
from kubepy.lib.clock import Clock, Timer
from kubepy.scheduler.framework import Action, ClusterEvent, Hint, Interest, Status
from kubepy.scheduler.node_info import PodInfo

if TYPE_CHECKING:
    from kubepy.observability.metrics import Metrics

BACKOFF_INITIAL_S = 1.0
BACKOFF_MAX_S = 10.0
PARKED_MAX_S = 300.0
# How often parked pods are checked for PARKED_MAX_S.
_FLUSH_PERIOD_S = 30.0

ANY_EVENT = ClusterEvent("*", Action.ALL)


class Place(enum.Enum):
    NOWHERE = "nowhere"
    ACTIVE = "active"
    BACKOFF = "backoff"
    PARKED = "unschedulable"
    IN_FLIGHT = "in flight"


class QueuedPod:
    """A pod and its history in the queue."""

    __slots__ = (
        "added_at",
        "attempts",
        "entered_at",
        "error_count",
        "gated_by",
        "pending_plugins",
        "place",
        "pod",
        "ticket",
        "unschedulable_count",
        "unschedulable_plugins",
    )

    def __init__(self, pod: PodInfo, now: float) -> None:
        self.pod = pod
        self.place = Place.NOWHERE
        self.added_at = now  # first seen; never changes
        self.entered_at = now  # last time it was added or came back: the age that PrioritySort compares
        self.attempts = 0
        self.unschedulable_count = 0  # rejections; what backoff grows by
        self.error_count = 0  # errors in a row; backoff grows by these while there are any
        self.unschedulable_plugins: tuple[str, ...] = ()
        self.pending_plugins: tuple[str, ...] = ()
        self.gated_by = ""  # the PreEnqueue plugin that keeps it out
        self.ticket = 0  # which of its heap entries counts

    @property
    def rejected_by(self) -> set[str]:
        return {*self.unschedulable_plugins, *self.pending_plugins}

    def rejected(self, unschedulable: Iterable[str] = (), pending: Iterable[str] = ()) -> None:
        """By these plugins, in the last attempt."""
        self.unschedulable_plugins, self.pending_plugins = tuple(unschedulable), tuple(pending)
        self.gated_by = ""

    def __repr__(self) -> str:
        return f"QueuedPod({self.pod.key}, {self.place.value})"


class Gate(Protocol):
    """What the queue needs of a profile; runtime.Framework is one."""

    interests: Mapping[str, Sequence[Interest]]  # plugin name -> what may end its rejections

    def sort_key(self, pod: QueuedPod) -> Any: ...

    def pre_enqueue(self, pod: PodInfo) -> Status | None: ...


class Nominator:
    """Pods that wait for evicted ones to leave their node; deciding about lesser pods, they count as being there."""

    def __init__(self, on_change: Callable[[str], None] = lambda node: None) -> None:
        """`on_change` hears of nodes where others wait than before."""
        self._on_change = on_change
        self._by_node: dict[str, dict[str, PodInfo]] = {}
        self._node_of: dict[str, str] = {}

    def put(self, pod: PodInfo, node: str) -> None:
        """`pod` waits for `node`; "" = for none."""
        known = self._by_node.get(node)
        if known is not None and known.get(pod.uid) is pod:
            return
        self.remove(pod.uid)
        if node:
            self._by_node.setdefault(node, {})[pod.uid] = pod
            self._node_of[pod.uid] = node
            self._on_change(node)

    def remove(self, uid: str) -> None:
        node = self._node_of.pop(uid, None)
        if node is not None:
            pods = self._by_node[node]
            del pods[uid]
            if not pods:
                del self._by_node[node]
            self._on_change(node)

    def node_of(self, uid: str) -> str:
        return self._node_of.get(uid, "")

    def on(self, node: str) -> Iterable[PodInfo]:
        return self._by_node.get(node, {}).values()

    def before(self, node: str, pod: PodInfo) -> list[PodInfo]:
        """Those on `node` of at least the priority of `pod`, but it itself."""
        pods = self._by_node.get(node)
        if pods is None:
            return []
        return [p for p in pods.values() if p.priority >= pod.priority and p.uid != pod.uid]

    def nodes(self) -> KeysView[str]:
        return self._by_node.keys()


class Queue:
    """See the module. Every pod is known by its uid, so one that was recreated under its name is another."""

    def __init__(
        self,
        gates: Mapping[str, Gate],
        clock: Clock,
        *,
        metrics: Metrics | None = None,
        backoff_initial_s: float = BACKOFF_INITIAL_S,
        backoff_max_s: float = BACKOFF_MAX_S,
        parked_max_s: float = PARKED_MAX_S,
        on_nomination: Callable[[str], None] = lambda node: None,
    ) -> None:
        """`gates` by scheduler name; pods of other schedulers must not come here. `on_nomination`: see Nominator."""
        self.nominator = Nominator(on_nomination)
        self._gates, self._clock = gates, clock
        self._backoff_initial_s, self._backoff_max_s, self._parked_max_s = (
            backoff_initial_s,
            backoff_max_s,
            parked_max_s,
        )
        self._pods: dict[str, QueuedPod] = {}
        self._tickets = 0
        self._active: list[tuple[Any, int, QueuedPod]] = []
        self._backoff: list[tuple[float, int, QueuedPod]] = []
        self._counts = dict.fromkeys(Place, 0)
        self._gated = 0
        self._parked_by_plugin: dict[str, dict[str, QueuedPod]] = {}
        self._interested: dict[ClusterEvent, dict[str, tuple[Interest, ...]]] = {}
        # In flight, in the order they were popped: uid -> position in the stream of events.
        self._in_flight: dict[str, int] = {}
        self._events: deque[tuple[ClusterEvent, Obj | None, Obj | None]] = deque()
        self._events_base = 0
        self._backoff_timer: Timer | None = None
        self._backoff_timer_at = 0.0
        self._flush_timer: Timer | None = None
        self._is_active_filled = asyncio.Event()
        self._is_closed = False
        if metrics is not None:
            pending = metrics.gauge(
                "scheduler_pending_pods", "Number of pending pods, by the queue type.", ["queue"]
            )
            pending.labels("active").set_function(lambda: self._counts[Place.ACTIVE])
            pending.labels("backoff").set_function(lambda: self._counts[Place.BACKOFF])
            pending.labels("unschedulable").set_function(lambda: self._counts[Place.PARKED] - self._gated)
            pending.labels("gated").set_function(lambda: self._gated)

    # -- the scheduling loop's side

    async def pop(self) -> QueuedPod:
        """The first pod in order, now in flight; waits for one. Follow it by `requeue` or `done`."""
        while (queued := self.pop_nowait()) is None:
            self._is_active_filled.clear()
            await self._is_active_filled.wait()
        return queued

    def pop_nowait(self) -> QueuedPod | None:
        while self._active:
            _, ticket, queued = heapq.heappop(self._active)
            if queued.place is Place.ACTIVE and queued.ticket == ticket:
                self._fly(queued)
                return queued
        return None

    def _fly(self, queued: QueuedPod) -> None:
        self._move(queued, Place.IN_FLIGHT)
        queued.attempts += 1
        self._in_flight[queued.pod.uid] = self._events_base + len(self._events)

    def pop_specific(self, uid: str) -> QueuedPod | None:
        """This one, wherever it waits, now in flight; None if it is not here or held back by a PreEnqueue plugin."""
        queued = self._pods.get(uid)
        if queued is None or queued.place is Place.IN_FLIGHT or queued.gated_by:
            return None
        self._fly(queued)
        return queued

    def done(self, uid: str) -> None:
        """No longer in flight, and not coming back. Idempotent."""
        if self._in_flight.pop(uid, None) is None:
            return
        queued = self._pods.get(uid)
        if queued is not None and queued.place is Place.IN_FLIGHT:
            self._drop(queued)
        self._forget_events()

    def requeue(self, queued: QueuedPod, pod: PodInfo) -> Place:
        """Back from an attempt that failed, as its newest version. The plugins that rejected it are in `queued`; none
        means that something broke. Returns where it went."""
        uid = pod.uid
        since = self._in_flight.get(uid)
        if since is None or self._pods.get(uid) is not queued:
            return Place.NOWHERE  # deleted meanwhile
        queued.pod = pod
        if queued.rejected_by:
            queued.unschedulable_count += 1
            queued.error_count = 0
        else:
            queued.error_count += 1
        queued.entered_at = self._clock.monotonic()
        missed = list(islice(self._events, since - self._events_base, None))
        del self._in_flight[uid]
        self._forget_events()
        self._requeue(queued, self._judge(queued, missed))
        return queued.place

    # -- the informer's side

    def add(self, pod: PodInfo) -> None:
        if pod.uid in self._pods:
            return
        queued = self._pods[pod.uid] = QueuedPod(pod, self._clock.monotonic())
        self._counts[Place.NOWHERE] += 1
        if node := _nominated(pod.obj):
            self.nominator.put(pod, node)
        self._enter_active(queued)

    def update(self, pod: PodInfo, events: Sequence[ClusterEvent], old: Obj) -> None:
        """A newer version of a pod that waits; `events` say what changed (events.py)."""
        queued = self._pods.get(pod.uid)
        if queued is None:
            self.add(pod)
            return
        # An update that says nothing of nominations, before or after, leaves alone what is only decided yet.
        node = _nominated(pod.obj)
        if not node and not _nominated(old):
            node = self.nominator.node_of(pod.uid)
        self.nominator.put(pod, node)
        if queued.place is Place.IN_FLIGHT:
            # The newest version is taken when it comes back; what the change may mean is judged then.
            self._events.extend((event, old, pod.obj) for event in events)
            return
        queued.pod = pod
        if queued.place is Place.PARKED:
            verdict = self._judge(queued, [(event, old, pod.obj) for event in events])
            if verdict is not _STAY:
                self._requeue(queued, verdict)

    def delete(self, uid: str) -> None:
        """Deleted, or bound by somebody."""
        self.nominator.remove(uid)
        self._in_flight.pop(uid, None)
        self._forget_events()
        queued = self._pods.get(uid)
        if queued is not None:
            self._drop(queued)

    def move(
        self,
        event: ClusterEvent,
        old: Obj | None,
        new: Obj | None,
        *,
        only: Callable[[PodInfo], bool] | None = None,
    ) -> None:
        """Something happened: try again those parked pods that it may help (and that `only` lets through)."""
        interested = self._interested_in(event)
        if not interested:
            return
        if self._in_flight:
            self._events.append((event, old, new))
        happened = [(event, old, new)]
        for queued in self._parked_for(interested):
            if only is not None and not only(queued.pod):
                continue
            verdict = self._judge(queued, happened)
            if verdict is not _STAY:
                self._requeue(queued, verdict)

    def activate(self, uids: Iterable[str]) -> None:
        """Try these again without waiting for their backoff; one in flight is tried again when it comes back."""
        for uid in uids:
            queued = self._pods.get(uid)
            if queued is None:
                continue
            if queued.place is Place.IN_FLIGHT:
                self._events.append((ANY_EVENT, None, queued.pod.obj))
            elif queued.place is not Place.ACTIVE:
                self._enter_active(queued)

    def forget_signatures(self) -> None:
        """What plugins answer about the pods here depends on more than it did."""
        for queued in self._pods.values():
            queued.pod.signature = None

    def get(self, uid: str) -> QueuedPod | None:
        return self._pods.get(uid)

    def unschedulable(self) -> list[tuple[tuple[str, str], float]]:
        """((plugin, profile), pods parked because of it). May be called from another thread."""
        counts = Counter(
            (plugin, queued.pod.scheduler_name)
            for plugin, pods in list(self._parked_by_plugin.items())
            for queued in list(pods.values())
        )
        return list(counts.items())

    def retry_at(self, queued: QueuedPod) -> float:
        """When it is tried again if nothing happens, on the monotonic clock; parked ones are looked at now and then."""
        if queued.place is Place.PARKED:
            return queued.entered_at + self._parked_max_s
        return self._backoff_until(queued)

    def key_of(self, uid: str) -> Key | None:
        queued = self._pods.get(uid)
        return queued.pod.key if queued else None

    def statistics(self) -> Mapping[str, int]:
        counts = {place.value: count for place, count in self._counts.items() if place is not Place.NOWHERE}
        return {**counts, "gated": self._gated, "in flight events": len(self._events)}

    def close(self) -> None:
        self._is_closed = True
        for timer in (self._backoff_timer, self._flush_timer):
            if timer is not None:
                timer.cancel()
        self._backoff_timer = self._flush_timer = None

    # -- judging

    def _judge(
        self, queued: QueuedPod, happened: Iterable[tuple[ClusterEvent, Obj | None, Obj | None]]
    ) -> _Verdict:
        """What events mean for a pod that was rejected. Source: isPodWorthRequeuing."""
        rejected_by = queued.rejected_by
        if not rejected_by:
            return _AFTER_BACKOFF
        verdict = _STAY
        for event, old, new in happened:
            if event == ANY_EVENT:
                # With an object it concerns only that pod.
                if new is None or new["metadata"].get("uid") == queued.pod.uid:
                    verdict = _AFTER_BACKOFF
                continue
            for plugin, interests in self._interested_in(event).items():
                if plugin not in rejected_by:
                    continue
                for interest in interests:
                    if interest.hint is not None and interest.hint(queued.pod, old, new) is Hint.SKIP:
                        continue
                    if plugin in queued.pending_plugins:
                        return _AT_ONCE
                    if not queued.pending_plugins:
                        return _AFTER_BACKOFF
                    verdict = _AFTER_BACKOFF
        return verdict

    def _interested_in(self, event: ClusterEvent) -> dict[str, tuple[Interest, ...]]:
        """plugin -> its interests that match; empty when nobody cares."""
        known = self._interested.get(event)
        if known is None:
            known = self._interested[event] = {}
            for gate in self._gates.values():
                for plugin, interests in gate.interests.items():
                    matching = tuple(interest for interest in interests if interest.event.matches(event))
                    if matching:
                        known[plugin] = matching
        return known

    def _parked_for(self, plugins: Iterable[str]) -> list[QueuedPod]:
        found: dict[str, QueuedPod] = {}
        for plugin in plugins:
            found.update(self._parked_by_plugin.get(plugin, {}))
        return list(found.values())

    # -- moving

    def _requeue(self, queued: QueuedPod, verdict: _Verdict) -> None:
        if verdict is _STAY:
            self._park(queued)
        elif verdict is _AFTER_BACKOFF and (until := self._backoff_until(queued)) > self._clock.monotonic():
            self._move(queued, Place.BACKOFF)
            heapq.heappush(self._backoff, (until, self._ticket(queued), queued))
            self._arm_backoff()
        else:
            self._enter_active(queued)

    def _enter_active(self, queued: QueuedPod) -> None:
        gate = self._gates[queued.pod.scheduler_name]
        refusal = gate.pre_enqueue(queued.pod)
        if refusal is not None:
            queued.rejected({*queued.unschedulable_plugins, refusal.plugin}, queued.pending_plugins)
            queued.gated_by = refusal.plugin
            self._park(queued)
            return
        self._move(queued, Place.ACTIVE)
        queued.gated_by = ""
        heapq.heappush(self._active, (gate.sort_key(queued), self._ticket(queued), queued))
        self._is_active_filled.set()

    def _park(self, queued: QueuedPod) -> None:
        self._move(queued, Place.PARKED)
        self._gated += bool(queued.gated_by)
        for plugin in queued.rejected_by:
            self._parked_by_plugin.setdefault(plugin, {})[queued.pod.uid] = queued
        if self._flush_timer is None and not self._is_closed:
            self._flush_timer = self._clock.call_later(_FLUSH_PERIOD_S, self._flush_parked)

    def _move(self, queued: QueuedPod, place: Place) -> None:
        if queued.place is Place.PARKED:
            self._gated -= bool(queued.gated_by)
            for plugin in queued.rejected_by:
                pods = self._parked_by_plugin[plugin]
                del pods[queued.pod.uid]
                if not pods:
                    del self._parked_by_plugin[plugin]
        self._counts[queued.place] -= 1
        self._counts[place] += 1
        queued.place = place

    def _drop(self, queued: QueuedPod) -> None:
        self._move(queued, Place.NOWHERE)
        self._counts[Place.NOWHERE] -= 1
        del self._pods[queued.pod.uid]

    def _ticket(self, queued: QueuedPod) -> int:
        """Of the heap entries a pod may have left behind, the one with its newest ticket counts."""
        self._tickets += 1
        queued.ticket = self._tickets
        return self._tickets

    # -- time

    def _backoff_until(self, queued: QueuedPod) -> float:
        count = queued.error_count or queued.unschedulable_count
        if count == 0:
            return 0.0
        return queued.entered_at + min(
            self._backoff_initial_s * 2.0 ** min(count - 1, 64), self._backoff_max_s
        )

    def _arm_backoff(self) -> None:
        if not self._backoff or self._is_closed:
            return
        due = self._backoff[0][0]
        if self._backoff_timer is not None:
            if self._backoff_timer_at <= due:
                return
            self._backoff_timer.cancel()
        self._backoff_timer_at = due
        self._backoff_timer = self._clock.call_later(
            max(due - self._clock.monotonic(), 0.0), self._flush_backoff
        )

    def _flush_backoff(self) -> None:
        self._backoff_timer = None
        now = self._clock.monotonic()
        while self._backoff and self._backoff[0][0] <= now:
            _, ticket, queued = heapq.heappop(self._backoff)
            if queued.place is Place.BACKOFF and queued.ticket == ticket:
                self._enter_active(queued)
        self._arm_backoff()

    def _flush_parked(self) -> None:
        """Source: flushUnschedulablePodsLeftover."""
        self._flush_timer = None
        now = self._clock.monotonic()
        parked = self._parked_for(self._parked_by_plugin)
        for queued in parked:
            if not queued.gated_by and now - queued.entered_at > self._parked_max_s:
                self._requeue(queued, _AFTER_BACKOFF)
        if self._parked_by_plugin:
            self._flush_timer = self._clock.call_later(_FLUSH_PERIOD_S, self._flush_parked)

    def _forget_events(self) -> None:
        """Events older than every pod in flight can help nobody."""
        oldest = next(iter(self._in_flight.values()), self._events_base + len(self._events))
        while self._events_base < oldest:
            self._events.popleft()
            self._events_base += 1


def _nominated(pod: Obj) -> str:
    return (pod.get("status") or {}).get("nominatedNodeName") or ""


class _Verdict(enum.Enum):
    STAY = 0
    AFTER_BACKOFF = 1
    AT_ONCE = 2


_STAY, _AFTER_BACKOFF, _AT_ONCE = _Verdict
