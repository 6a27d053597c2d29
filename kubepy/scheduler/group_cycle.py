"""Deciding about a PodGroup: all its pods in one step that nothing interrupts.

Promised: either enough of the group's pods are booked, or none; what was tried and given back leaves no trace. The
group's condition PodGroupInitiallyScheduled says how it went, and once it was True it stays so.

Source: kubernetes 1.37 pkg/scheduler/schedule_one_podgroup.go.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from kubepy.api.builtins import POD_GROUPS
from kubepy.api.errors import Conflict, NotFound, StatusError
from kubepy.api.objects import Obj, condition, is_deleting, key_of, uid_of
from kubepy.client.client import Client
from kubepy.client.transport import ConnectionLost
from kubepy.lib.clock import Clock
from kubepy.scheduler.cache import Cache
from kubepy.scheduler.framework import Code, Nominated
from kubepy.scheduler.outcomes import Choice, Rejection
from kubepy.scheduler.pod_groups import (
    INITIALLY_SCHEDULED,
    Attempt,
    GroupInvalid,
    PodGroups,
    group_of,
    in_order,
)
from kubepy.scheduler.queue import Queue, QueuedPod
from kubepy.scheduler.runtime import Framework
from kubepy.scheduler.search import Search

if TYPE_CHECKING:
    from kubepy.observability.logs import Logger

_NAME = "GangScheduling"
_UNSCHEDULABLE = "pod group is unschedulable"

# (whose it is, what is left to write)
Write = tuple[str, Callable[[], Coroutine[Any, Any, None]]]


class Steps(Protocol):
    """What happens to single pods: the scheduler's part."""

    def skip(self, queued: QueuedPod) -> None:
        """It is being deleted."""

    def book(self, queued: QueuedPod, choice: Choice) -> Callable[[], Coroutine[Any, Any, None]] | None:
        """Its node is assumed and reserved: go on. Returns what is left to write."""

    def fail(
        self,
        queued: QueuedPod,
        reason: str,
        message: str,
        plugins: set[str],
        outcome: Rejection | None = None,
        nominated: Nominated | None = None,
    ) -> Callable[[], Coroutine[Any, Any, None]] | None:
        """Back to the queue, rejected by `plugins`."""


class GroupCycle:
    def __init__(
        self,
        groups: PodGroups,
        *,
        queue: Queue,
        cache: Cache,
        client: Client,
        clock: Clock,
        log: Logger,
    ) -> None:
        self._groups, self._queue, self._cache = groups, queue, cache
        self._client, self._clock, self._log = client, clock, log

    def decide(self, first: QueuedPod, framework: Framework, search: Search, steps: Steps) -> list[Write]:
        """About the group of a pod that was popped, with all its pods that wait. Returns what is left to write."""
        key = group_of(first.pod.obj)
        assert key is not None, "the caller looked"
        group = self._groups.get(key)
        if group is None:
            # It went since the pod entered the queue; its return is what the pod waits for.
            first.rejected((_NAME,))
            self._queue.requeue(first, first.pod)
            return []
        members = [queued for queued in self._members(first) if not self._is_skipped(queued, steps)]
        if not members:
            return []
        try:
            self._groups.check(group, members)
        except GroupInvalid as error:
            attempt = Attempt(members, [None] * len(members), error=str(error))
        else:
            attempt = self._attempt(group, members, framework, search)
        nominated: dict[str, str] = {}
        refusal = attempt.refusal
        if refusal:
            more, nominated = self._preempt(group, attempt, framework, search)
            refusal = f"{refusal}, {more}" if more else refusal
        writes = self._submit(attempt, refusal, nominated, steps)
        self._log.info(
            "pod_group_decided", object=str(key), is_placed=attempt.is_placed, pods=len(members),
            message=attempt.error or refusal, seen=group["metadata"].get("resourceVersion"),
        )  # fmt: skip
        writes.append((uid_of(group), partial(self._report, group, attempt, refusal)))
        return writes

    def _members(self, first: QueuedPod) -> list[QueuedPod]:
        key = group_of(first.pod.obj)
        assert key is not None
        others = (self._queue.pop_specific(uid) for uid in self._groups.uids(key) if uid != first.pod.uid)
        return in_order([first, *(queued for queued in others if queued is not None)])

    def _is_skipped(self, queued: QueuedPod, steps: Steps) -> bool:
        if not is_deleting(queued.pod.obj):
            return False
        steps.skip(queued)
        return True

    # -- trying

    def _attempt(
        self, group: Obj, members: Sequence[QueuedPod], framework: Framework, search: Search
    ) -> Attempt:
        """Those that found a node are assumed and reserved there if the group is placed, and nowhere if not."""
        scheduled, remaining = len(self._groups.scheduled(key_of(group))), len(members)
        outcomes: list[Choice | Rejection | None] = [None] * len(members)
        error, refusal = "", ""
        status = framework.placement_feasible(group, scheduled=scheduled, remaining=remaining)
        if status is not None and status.code is Code.UNSCHEDULABLE:
            return Attempt(members, outcomes, f"{_UNSCHEDULABLE}, {status.message}")
        for at, queued in enumerate(members):
            try:
                outcome = self._place(queued, framework, search)
            except Exception as problem:  # noqa: BLE001 - a plugin's bug costs this group a retry
                self._log.error("scheduling_failed", object=str(queued.pod.key), exc_info=problem)
                error = f"failed to schedule other pod from a pod group: {problem}"
                break
            outcomes[at] = outcome
            remaining -= 1
            scheduled += isinstance(outcome, Choice)
            status = framework.placement_feasible(group, scheduled=scheduled, remaining=remaining)
            if status is not None and status.code is Code.UNSCHEDULABLE:
                break
        if status is not None:
            refusal = status.message
        elif not any(isinstance(outcome, Choice) for outcome in outcomes):
            refusal = _UNSCHEDULABLE
        attempt = Attempt(members, outcomes, refusal, error)
        if not attempt.is_placed:
            self._revert(attempt, framework)
        return attempt

    def _place(self, queued: QueuedPod, framework: Framework, search: Search) -> Choice | Rejection:
        pod = queued.pod
        outcome = search.decide(pod, self._queue.nominator)
        if isinstance(outcome, Rejection):
            return outcome
        node = outcome.node.name
        self._cache.assume(pod, node)
        refusal = framework.reserve(outcome.state, pod, node)
        if refusal is None:
            return outcome
        framework.unreserve(outcome.state, pod, node)
        self._cache.forget(pod)
        if not refusal.is_rejection:
            raise RuntimeError(refusal.message)
        return Rejection(1, {refusal: 1}, outcome.state)

    def _revert(self, attempt: Attempt, framework: Framework) -> None:
        for queued, outcome in reversed(list(zip(attempt.members, attempt.outcomes, strict=True))):
            if isinstance(outcome, Choice):
                framework.unreserve(outcome.state, queued.pod, outcome.node.name)
                self._cache.forget(queued.pod)

    # -- making room

    def _preempt(
        self, group: Obj, attempt: Attempt, framework: Framework, search: Search
    ) -> tuple[str, dict[str, str]]:
        """(why nobody has to leave, {}) or ("", where its pods will go)."""

        def tried() -> tuple[str, dict[str, str]]:
            found = self._attempt(group, attempt.members, framework, search)
            if found.is_placed:
                self._revert(found, framework)
            nodes = {
                queued.pod.uid: outcome.node.name
                for queued, outcome in zip(found.members, found.outcomes, strict=True)
                if isinstance(outcome, Choice)
            }
            return found.error or found.refusal, nodes

        return framework.group_post_filter(group, [queued.pod for queued in attempt.members], tried)

    # -- what follows

    def _submit(self, attempt: Attempt, refusal: str, nominated: dict[str, str], steps: Steps) -> list[Write]:
        rejections = [outcome for outcome in attempt.outcomes if isinstance(outcome, Rejection)]
        plugins = {_NAME}.union(*(rejection.unschedulable_plugins for rejection in rejections))
        writes: list[Write] = []
        for queued, outcome in zip(attempt.members, attempt.outcomes, strict=True):
            node = nominated.get(queued.pod.uid, "")
            room = Nominated(node) if nominated else None
            if attempt.error:
                write = steps.fail(queued, "SchedulerError", attempt.error, set())
            elif isinstance(outcome, Rejection):
                mine = outcome.unschedulable_plugins if attempt.is_placed else plugins
                write = steps.fail(queued, "Unschedulable", outcome.message(), mine, outcome, room)
            elif outcome is None:
                write = steps.fail(queued, "Unschedulable", attempt.refusal, plugins, None, room)
            elif attempt.is_placed:
                write = steps.book(queued, outcome)
            else:
                text = refusal if nominated else f"{_UNSCHEDULABLE}, {refusal}"
                write = steps.fail(queued, "Unschedulable", text, plugins, None, room)
            if write is not None:
                writes.append((queued.pod.uid, write))
        return writes

    async def _report(self, group: Obj, attempt: Attempt, refusal: str) -> None:
        """Source: updatePodGroupCondition."""
        metadata = group["metadata"]
        reason = "SchedulerError" if attempt.error else "Unschedulable" if refusal else "Scheduled"
        fresh: Obj = {
            "type": INITIALLY_SCHEDULED,
            "status": "True" if attempt.is_placed else "False",
            "reason": reason,
            "message": attempt.error or refusal,
            "observedGeneration": metadata.get("generation", 0),
        }
        old = condition(group, INITIALLY_SCHEDULED) or {}
        if old.get("status") == "True" and not attempt.is_placed:
            return
        if all(old.get(name) == value for name, value in fresh.items()):
            return
        is_same = old.get("status") == fresh["status"]
        fresh["lastTransitionTime"] = old["lastTransitionTime"] if is_same else self._clock.rfc3339()
        patch = {"metadata": {"uid": metadata["uid"]}, "status": {"conditions": [fresh]}}
        try:
            await self._client.patch(
                POD_GROUPS, metadata["name"], patch, namespace=metadata["namespace"], subresource="status"
            )
        except (NotFound, Conflict):
            pass
        except (StatusError, ConnectionLost) as error:
            self._log.warning(
                "pod_group_status_not_written", object=f"{metadata['namespace']}/{metadata['name']}",
                error=str(error),
            )  # fmt: skip
