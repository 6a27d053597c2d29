"""The scheduler: watches nodes and pods, and gives each pod that has no node one.

`_schedule_one` is the story, read downwards. Everything up to the decision and its booking in the cache is one step
that nothing interrupts; what must be written - the binding, or why there is none - is written in the background, so
that the next pod need not wait for the disk. The loop gives way to the rest of the process every couple of
milliseconds.

Promised: a pod is bound only after its earlier status writes are done; what is decided is at once counted on its node;
a pod whose binding failed is tried again with backoff and its room given back.

Source: pkg/scheduler/{scheduler,schedule_one}.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from kubepy.api.builtins import DEVICE_CLASSES, NODES, POD_GROUPS, PODS
from kubepy.api.errors import NotFound, StatusError
from kubepy.api.objects import (
    Document,
    Key,
    Obj,
    condition,
    is_deleting,
    uid_of,
    walk,
)
from kubepy.api.resources import Resource
from kubepy.client.client import Client
from kubepy.client.events import NORMAL, WARNING, EventSink, Recorder
from kubepy.client.given import Given
from kubepy.client.informer import InformerFactory
from kubepy.client.transport import ConnectionLost
from kubepy.lib.aio import Tasks
from kubepy.scheduler import decisions, events, extenders, plugins, why
from kubepy.scheduler.cache import Cache
from kubepy.scheduler.decisions import Decision, Decisions
from kubepy.scheduler.event_handlers import EventHandlers
from kubepy.scheduler.extended_resources import ExtendedResources
from kubepy.scheduler.extenders import ExtenderError, Extenders
from kubepy.scheduler.framework import Code, Nominated, Plugin, Status, Victims
from kubepy.scheduler.group_cycle import GroupCycle
from kubepy.scheduler.metrics import SchedulerMetrics
from kubepy.scheduler.node_info import PodInfo
from kubepy.scheduler.outcomes import Choice, Rejection
from kubepy.scheduler.pod_groups import PodGroups, group_of
from kubepy.scheduler.profiles import Configuration, Profile
from kubepy.scheduler.queue import Place, Queue, QueuedPod
from kubepy.scheduler.runtime import Framework
from kubepy.scheduler.search import Search
from kubepy.scheduler.toolbox import Toolbox

if TYPE_CHECKING:
    pass

# What is left to do after a decision.
Write = Callable[[], Coroutine[Any, Any, None]]

NO_NODES = "no nodes available to schedule pods"

# The loop gives way after this long, or after this many decisions: each is followed by a binding, which costs the API
# server in the same loop some 0.3 ms, and whoever else waits for a turn waits for all of them.
_TURN_S = 0.002
_TURN_DECISIONS = 8
# Source: pkg/apis/core/validation/events.go, NoteLengthLimit.
_NOTE_LENGTH_MAX = 1024


class _Running(NamedTuple):
    """A profile at work."""

    framework: Framework
    search: Search
    recorder: Recorder


class Scheduler:
    """`start()`, then `await close()`. `client` is to be system:kube-scheduler."""

    def __init__(
        self,
        client: Client,
        given: Given,
        *,
        configuration: Configuration | None = None,
        registry: Mapping[str, Callable[[Toolbox], Plugin]] = plugins.REGISTRY,
        is_served: Callable[[Resource], bool] = plugins.is_served_by_default,
    ) -> None:
        """`is_served` is asked about the kinds of `plugins.OPTIONAL`: plugins that need others are left out.

        Raises ValueError with a sentence for a person when a profile cannot work."""
        configuration = configuration or Configuration()
        clock, random, log, metrics = given.clock, given.random, given.log, given.metrics
        self._client, self._clock, self._log, self._random = client, clock, log, random
        self.extenders = Extenders(configuration.extenders, clock=clock, random=random, log=log)
        rejectors = (extenders.NAME,) if self.extenders else ()
        self._tasks = Tasks(self._task_died)
        self._events = EventSink(client, given)
        self._informers = InformerFactory(client, given, self._tasks)
        self._pods = self._informers.informer(PODS)
        self._nodes = self._informers.informer(NODES)
        self.cache = Cache()
        self.decisions = Decisions()
        without = plugins.not_served(is_served)
        groups = PodGroups(self._informers, self.cache) if is_served(POD_GROUPS) else None
        extended = (
            ExtendedResources(self._informers.informer(DEVICE_CLASSES)) if is_served(DEVICE_CLASSES) else None
        )
        tools: dict[str, Toolbox] = {}
        self._profiles: dict[str, _Running] = {}
        for profile in configuration.profiles:
            name = profile.scheduler_name
            recorder = self._events.recorder(name)
            tools[name] = Toolbox(
                client,
                self._informers,
                self.cache,
                clock,
                random,
                self._tasks,
                log,
                metrics,
                recorder,
                is_served,
                groups,
                extended,
                profile.args,
            )
            framework = tools[name].framework = Framework(
                profile, _make(profile, registry, tools[name], without), clock, rejectors
            )
            self._profiles[name] = _Running(framework, Search(framework, self.cache, random), recorder)
        self.queue = Queue(
            {name: running.framework for name, running in self._profiles.items()},
            clock,
            metrics=metrics,
            backoff_initial_s=configuration.backoff_initial_s,
            backoff_max_s=configuration.backoff_max_s,
            on_nomination=self.cache.touch,
        )
        for one in tools.values():
            one.queue = self.queue
        if extended is not None:
            extended.on_change = self.queue.forget_signatures
        self._group_cycle = (
            GroupCycle(groups, queue=self.queue, cache=self.cache, client=client, clock=clock, log=log)
            if groups is not None
            else None
        )
        self._writes_free = asyncio.Semaphore(configuration.bindings_max)
        self._writing: dict[str, asyncio.Task[Any]] = {}  # uid -> its newest write under way
        self._metrics = SchedulerMetrics(metrics, self._profiles, self.cache, self.queue)

    async def start(self) -> None:
        """Returns at once; deciding begins when the caches are filled."""
        handlers = EventHandlers(
            self.profiles, self.cache, self.queue, self._log, has_groups=self._group_cycle is not None
        )
        handlers.register(self._informers)
        self._informers.start()
        self._tasks.start(self._events.run(), name="scheduler events")
        self._tasks.start(self._run(), name="scheduler loop")

    async def wait_synced(self) -> None:
        """Until it has seen every node and pod."""
        await self._informers.wait_synced()

    async def close(self) -> None:
        self.queue.close()
        await self._tasks.close()
        await self.extenders.close()

    @property
    def is_synced(self) -> bool:
        """It has seen all nodes and pods there were at its start; before that it decides nothing."""
        return self._pods.is_synced and self._nodes.is_synced

    def framework(self, scheduler_name: str) -> Framework:
        """Of a profile; KeyError if there is none of that name."""
        return self._profiles[scheduler_name].framework

    @property
    def profiles(self) -> Mapping[str, Framework]:
        """By scheduler name."""
        return {name: running.framework for name, running in self._profiles.items()}

    def pod(self, key: Key) -> Document | None:
        """As it was last seen."""
        return self._pods.document(key)

    def why(self, pod: Document, *, nodes_max: int = why.NODES_MAX, may_name: bool = True) -> Obj:
        """Why a pod is where it is, or nowhere; see why.py."""
        return why.explain(self, pod, self._clock.monotonic(), nodes_max=nodes_max, may_name=may_name)

    def statistics(self) -> Mapping[str, Mapping[str, int]]:
        return {"queue": self.queue.statistics(), "cache": self.cache.statistics()}

    # -- the loop

    async def _run(self) -> None:
        await self._informers.wait_synced()
        clock, queue = self._clock, self.queue
        turn_until, decided = clock.monotonic() + _TURN_S, 0
        while True:
            # One permit per decision, held until what follows from it is written.
            await self._writes_free.acquire()
            queued = queue.pop_nowait()
            if queued is None:
                queued = await queue.pop()
                turn_until, decided = clock.monotonic() + _TURN_S, 0
            if self._group_cycle is not None and group_of(queued.pod.obj) is not None:
                await self._schedule_group(self._group_cycle, queued)
                write = None
            elif self.extenders and self.extenders.concern(queued.pod):
                write = await self._schedule_with_extenders(queued)
            else:
                write = self._schedule_one(queued)
            if write is None:
                self._writes_free.release()
            else:
                self._write(queued.pod.uid, write)
            decided += 1
            if decided >= _TURN_DECISIONS or clock.monotonic() >= turn_until:
                await clock.sleep(0)
                turn_until, decided = clock.monotonic() + _TURN_S, 0

    def _write(self, uid: str, write: Write) -> None:
        task = self._tasks.start(
            self._write_after(self._writing.get(uid), write), name=f"scheduler write {uid}"
        )
        self._writing[uid] = task
        task.add_done_callback(lambda done: self._written(uid, done))

    async def _write_after(self, earlier: asyncio.Task[Any] | None, write: Write) -> None:
        if earlier is not None and not earlier.done():
            # "Unschedulable" must not arrive after the pod was bound.
            await asyncio.wait({earlier})
        await write()

    def _written(self, uid: str, task: asyncio.Task[Any]) -> None:
        self._writes_free.release()
        if self._writing.get(uid) is task:
            del self._writing[uid]

    def _schedule_one(self, queued: QueuedPod) -> Write | None:
        """Decide on one pod and book it. Returns what is left to write, if anything."""
        pod = queued.pod
        running = self._profiles[pod.scheduler_name]
        started = self._clock.monotonic()
        if is_deleting(pod.obj):
            running.recorder.event(
                pod.obj,
                WARNING,
                "FailedScheduling",
                f"skip schedule deleting pod: {pod.key}",
                action="Scheduling",
            )
            self.queue.done(pod.uid)
            return None
        try:
            outcome = running.search.decide(pod, self.queue.nominator)
            self._metrics.decided(self._clock.monotonic() - started)
            if isinstance(outcome, Rejection):
                return self._reject(running, queued, outcome, started)
        except Exception as error:  # noqa: BLE001 - a plugin's bug costs this pod a retry, not the others their scheduler
            self._log.error("scheduling_failed", object=str(pod.key), exc_info=error)
            return self._fail(running, queued, "SchedulerError", str(error), started)
        return self._take(running, queued, outcome, started)

    async def _schedule_group(self, cycle: GroupCycle, queued: QueuedPod) -> None:
        """The same, for a pod that is decided upon together with its group. Extenders have no say."""
        running, started = self._profiles[queued.pod.scheduler_name], self._clock.monotonic()
        writes = cycle.decide(queued, running.framework, running.search, _Steps(self, running, started))
        for uid, write in writes:
            # The loop's permit is the first one's; then there is one for the next, and at last the loop's again.
            self._write(uid, write)
            await self._writes_free.acquire()

    async def _schedule_with_extenders(self, queued: QueuedPod) -> Write | None:
        """The same, for a pod about which others have a say."""
        pod = queued.pod
        running = self._profiles[pod.scheduler_name]
        started = self._clock.monotonic()
        if is_deleting(pod.obj):
            return self._schedule_one(queued)
        try:
            found = running.search.feasible(pod, self.queue.nominator)
            if isinstance(found, Rejection):
                return await self._reject_asking(running, queued, found, started)
            sifted = await self.extenders.filter(pod, found.nodes)
            if not sifted.nodes:
                return await self._reject_asking(
                    running, queued, found.rejection(sifted.rejected, self.cache.nodes), started
                )
            more = await self.extenders.scores(pod, sifted.nodes) if len(sifted.nodes) > 1 else {}
        except ExtenderError as error:
            self._log.warning("extender_failed", object=str(pod.key), error=str(error))
            return self._fail(running, queued, "SchedulerError", str(error), started)
        except Exception as error:  # noqa: BLE001 - as for a decision without them
            self._log.error("scheduling_failed", object=str(pod.key), exc_info=error)
            return self._fail(running, queued, "SchedulerError", str(error), started)
        # They took their time: the pod or nodes may be gone.
        left = [node for node in sifted.nodes if self.cache.node(node.name) is node]
        if self.queue.get(pod.uid) is not queued or queued.place is not Place.IN_FLIGHT:
            return None
        if not left:
            return await self._reject_asking(
                running, queued, found.rejection(sifted.rejected, self.cache.nodes), started
            )
        return self._take(running, queued, found.choice(left, more, self._random), started)

    def _take(self, running: _Running, queued: QueuedPod, outcome: Choice, started: float) -> Write | None:
        """The node is chosen."""
        pod = queued.pod
        # Counted on the node from here on, so that the next decision sees it.
        self.cache.assume(pod, outcome.node.name)
        refusal = self._reserve(running, outcome, pod)
        if refusal is not None:
            return self._refuse(running, queued, refusal, outcome, started)
        return self._go(running, queued, outcome, started)

    def _go(self, running: _Running, queued: QueuedPod, choice: Choice, started: float) -> Write:
        """Nobody has anything against the node."""
        self.queue.nominator.remove(queued.pod.uid)
        self._record_choice(queued, choice)
        return partial(self._bind, running, queued, choice, started)

    def _reserve(self, running: _Running, choice: Choice, pod: PodInfo) -> Status | None:
        framework, state, node = running.framework, choice.state, choice.node.name
        try:
            return framework.reserve(state, pod, node) or framework.permit(state, pod, node)
        except Exception as error:  # noqa: BLE001 - as for a decision
            self._log.error("reserving_failed", object=str(pod.key), node=node, exc_info=error)
            return Status(Code.ERROR, str(error), plugin="")

    # -- binding

    async def _bind(self, running: _Running, queued: QueuedPod, choice: Choice, started: float) -> None:
        pod, state, node, framework = queued.pod, choice.state, choice.node.name, running.framework
        seen = pod.document.revision
        try:
            refusal = await framework.wait_permitted(pod)
            if refusal is None:
                await framework.pre_bind(state, pod, node)
                binder = self.extenders.binder(pod) if self.extenders else None
                await (binder.bind(pod, node) if binder is not None else framework.bind(state, pod, node))
        except Exception as error:  # noqa: BLE001 - whatever it is, the pod's room is given back and it is retried
            self._log.warning("binding_failed", object=str(pod.key), node=node, error=str(error))
            refusal = Status(Code.ERROR, str(error), plugin="")
        if refusal is not None:
            if (report := self._refuse(running, queued, refusal, choice, started)) is not None:
                await report()
            return
        self.queue.done(pod.uid)
        framework.post_bind(state, pod, node)
        self._log.info(
            "pod_bound",
            object=str(pod.key),
            node=node,
            score=choice.score,
            attempt=queued.attempts,
            seen=seen,
        )
        self._metrics.scheduled(running.framework.name, queued, self._clock.monotonic(), started)
        message = f"Successfully assigned {pod.key} to {node}"
        running.recorder.event(pod.obj, NORMAL, "Scheduled", message, action="Binding")

    def _refuse(
        self, running: _Running, queued: QueuedPod, refusal: Status, choice: Choice, started: float
    ) -> Write | None:
        """The chosen node did not work out: back to the queue, and its room to those that wait for such."""
        pod, node = queued.pod, choice.node.name
        if refusal.is_rejection:
            rejection = Rejection(1, {refusal: 1}, choice.state)
            queued.rejected(rejection.unschedulable_plugins, rejection.pending_plugins)
            report = self._fail(running, queued, "Unschedulable", rejection.message(), started)
        else:
            report = self._fail(running, queued, "SchedulerError", refusal.message, started)
        # In this order, for the room it leaves is no reason to try the same pod again.
        running.framework.unreserve(choice.state, pod, node)
        if self.cache.forget(pod):
            gone = {**pod.obj, "spec": {**pod.spec, "nodeName": node}}
            self.queue.move(events.POD_DELETE, gone, None, only=lambda other: other.uid != pod.uid)
        return report

    # -- failing

    def _reject(
        self, running: _Running, queued: QueuedPod, rejection: Rejection, started: float
    ) -> Write | None:
        """No node fits."""
        if rejection.nodes == 0:
            return self._reject_without_nodes(running, queued, rejection, started)
        room = running.framework.post_filter(rejection.state, queued.pod, rejection.per_node)
        return self._rejected(running, queued, rejection, started, *room)

    async def _reject_asking(
        self, running: _Running, queued: QueuedPod, rejection: Rejection, started: float
    ) -> Write | None:
        """The same, where extenders may have a say about whom to evict."""
        pod, extenders = queued.pod, self.extenders
        if not rejection.nodes or not extenders.choose_victims(pod):
            return self._reject(running, queued, rejection, started)

        async def ask(pod: PodInfo, victims: Mapping[str, Victims]) -> Mapping[str, Victims]:
            return await extenders.victims(pod, victims, self.cache.node)

        try:
            room = await running.framework.post_filter_asking(rejection.state, pod, rejection.per_node, ask)
        except ExtenderError as error:
            self._log.warning("extender_failed", object=str(pod.key), error=str(error))
            return self._fail(running, queued, "SchedulerError", str(error), started)
        if self.queue.get(pod.uid) is not queued or queued.place is not Place.IN_FLIGHT:
            return None
        return self._rejected(running, queued, rejection, started, *room)

    def _reject_without_nodes(
        self, running: _Running, queued: QueuedPod, rejection: Rejection, started: float
    ) -> Write | None:
        # Differs: upstream tries again and again with backoff; nothing but a node can help, and all filters say so.
        queued.rejected(plugin.name for plugin in running.framework.filters)
        self._record_rejection(queued, rejection, NO_NODES)
        return self._fail(running, queued, "Unschedulable", NO_NODES, started)

    def _rejected(
        self,
        running: _Running,
        queued: QueuedPod,
        rejection: Rejection,
        started: float,
        nominated: Nominated | None,
        post_filter: str,
    ) -> Write | None:
        queued.rejected(rejection.unschedulable_plugins, rejection.pending_plugins)
        message = rejection.message(post_filter)
        self._record_rejection(queued, rejection, message)
        return self._fail(running, queued, "Unschedulable", message, started, nominated)

    def _fail(
        self,
        running: _Running,
        queued: QueuedPod,
        reason: str,
        message: str,
        started: float,
        nominated: Nominated | None = None,
    ) -> Write | None:
        """Back to the queue as its newest version; returns the report to write. Source: handleSchedulingFailure."""
        if reason == "SchedulerError":
            queued.rejected()
        uid, seen = queued.pod.uid, queued.pod.document.revision
        self._metrics.failed(running.framework.name, reason, self._clock.monotonic() - started)
        document = self._pods.document(queued.pod.key)
        if document is None or uid_of(document.obj) != uid or document.obj["spec"].get("nodeName"):
            self.queue.done(uid)
            return None
        pod = queued.pod if document is queued.pod.document else PodInfo(document)
        self.queue.requeue(queued, pod)
        if nominated is not None:
            self.queue.nominator.put(pod, nominated.node)
        self._log.info(
            "pod_not_scheduled", object=str(pod.key), reason=reason, message=message, attempt=queued.attempts,
            seen=seen,
        )  # fmt: skip
        note = message if len(message) <= _NOTE_LENGTH_MAX else message[: _NOTE_LENGTH_MAX - 4] + " ..."
        running.recorder.event(pod.obj, WARNING, "FailedScheduling", note, action="Scheduling")
        status = _status_change(pod.obj, reason, message, nominated, self._clock.rfc3339())
        return partial(self._report, pod, status) if status else None

    async def _report(self, pod: PodInfo, status: Obj) -> None:
        namespace, name = pod.key
        # With the uid the patch cannot meet another pod of that name.
        patch = {"metadata": {"uid": pod.uid}, "status": status}
        try:
            await self._client.patch(PODS, name, patch, namespace=namespace, subresource="status")
        except NotFound:
            pass
        except (StatusError, ConnectionLost) as error:
            # The pod is tried again anyway, and its condition is written then.
            self._log.warning("pod_status_not_written", object=str(pod.key), error=str(error))

    # -- the record

    def _record_choice(self, queued: QueuedPod, choice: Choice) -> None:
        pod = queued.pod
        self._log.debug(
            "node_chosen", object=str(pod.key), node=choice.node.name, evaluated=choice.evaluated,
            feasible=choice.feasible, ties=choice.ties, score=choice.score, seen=pod.document.revision,
        )  # fmt: skip
        self.decisions.add(
            Decision(
                self._clock.now(), pod.key, pod.uid, queued.attempts, pod.scheduler_name, choice.node.name,
                choice.evaluated, choice.feasible, choice.ties, choice.score,
                decisions.rejections(choice.verdicts), choice.details, "",
            )
        )  # fmt: skip

    def _record_rejection(self, queued: QueuedPod, rejection: Rejection, message: str) -> None:
        pod = queued.pod
        self.decisions.add(
            Decision(
                self._clock.now(), pod.key, pod.uid, queued.attempts, pod.scheduler_name, "", rejection.nodes, 0, 0, 0,
                decisions.rejections(rejection.verdicts), rejection.details, message,
            )
        )  # fmt: skip

    def _task_died(self, name: str, error: BaseException) -> None:
        self._log.error("task_died", task=name, exc_info=error)


class _Steps:
    """What becomes of the pods of a group that was decided upon; see group_cycle.Steps."""

    def __init__(self, scheduler: Scheduler, running: _Running, started: float) -> None:
        self._scheduler, self._running, self._started = scheduler, running, started

    def skip(self, queued: QueuedPod) -> None:
        self._scheduler._schedule_one(queued)

    def book(self, queued: QueuedPod, choice: Choice) -> Write | None:
        scheduler, running = self._scheduler, self._running
        refusal = running.framework.permit(choice.state, queued.pod, choice.node.name)
        if refusal is not None:
            return scheduler._refuse(running, queued, refusal, choice, self._started)
        return scheduler._go(running, queued, choice, self._started)

    def fail(
        self,
        queued: QueuedPod,
        reason: str,
        message: str,
        plugins: set[str],
        outcome: Rejection | None = None,
        nominated: Nominated | None = None,
    ) -> Write | None:
        queued.rejected(plugins)
        if outcome is not None:
            self._scheduler._record_rejection(queued, outcome, message)
        return self._scheduler._fail(self._running, queued, reason, message, self._started, nominated)


def _make(
    profile: Profile,
    registry: Mapping[str, Callable[[Toolbox], Plugin]],
    tools: Toolbox,
    without: Collection[str],
) -> list[tuple[Plugin, int]]:
    for point, name in profile.named:
        if name not in registry:
            where = f"initializing profiles: creating profile for scheduler name {profile.scheduler_name}"
            raise ValueError(f'{where}: {point[0].upper()}{point[1:]}Plugin "{name}" does not exist')
    return [(registry[name](tools), weight) for name, weight in profile.needed if name not in without]


def _status_change(pod: Obj, reason: str, message: str, nominated: Nominated | None, now: str) -> Obj:
    """The status patch that says why the pod waits; {} when it says so already. Source: schedule_one.go, updatePod."""
    change: Obj = {}
    old = condition(pod, "PodScheduled") or {}
    generation = pod["metadata"].get("generation")
    wanted: Obj = {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}
    if generation:
        wanted["observedGeneration"] = generation
    if any(old.get(name) != value for name, value in wanted.items()):
        is_transition = old.get("status") != "False"
        wanted["lastProbeTime"] = None
        wanted["lastTransitionTime"] = now if is_transition else old.get("lastTransitionTime", now)
        change["conditions"] = [wanted]
    if nominated is not None and nominated.node != (walk(pod, "status", "nominatedNodeName") or ""):
        change["nominatedNodeName"] = nominated.node or None
    return change
