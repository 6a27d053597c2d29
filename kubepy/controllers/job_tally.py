"""What a Job's pods come to: how many are active, ready, over, and how long to wait after a failure.

Pure. A pod that is over is countable once: while it carries the finalizer, and no list of the status names it.

Source: kubernetes 1.36 pkg/controller/job/{job_controller,backoff_utils,indexed_job_utils}.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from msgspec import Struct

from kubepy.api import objects, pods
from kubepy.api.objects import Obj
from kubepy.controllers.job_facts import finish_time, is_failed, is_indexed, is_tracked
from kubepy.controllers.job_indexes import (
    NONE,
    Indexes,
    all_failures_before,
    failures_before,
    index_of,
    valid_index_of,
)
from kubepy.controllers.job_policies import judge_failure

# Source: job_controller.go, DefaultJobPodFailureBackOff and MaxJobPodFailureBackOff.
BACKOFF_S, BACKOFF_S_MAX = 10.0, 600.0


class Backoff(NamedTuple):
    """Failures since the last success, and when the last one was."""

    failures: int = 0
    last: float = 0.0


NO_FAILURES = Backoff()


class Observed(Struct, frozen=True):
    """What one run sees."""

    job: Obj
    pods: Sequence[Obj]  # its own
    trusted: bool = True  # everything that was asked for has been seen
    # Uids whose finalizer went already, though the cache does not show it.
    freed: AbstractSet[str] = frozenset()
    backoff: Backoff = NO_FAILURES


class Tally(Struct, frozen=True):
    """The numbers before anything is done."""

    active: tuple[Obj, ...]
    ready: int
    terminating: int
    succeeded: int
    failed: int
    backoff: Backoff
    # Indexed Jobs only.
    counted: Indexes = NONE  # succeeded by the status
    indexes: Indexes = NONE  # succeeded in all
    failed_indexes: Indexes | None = None  # with backoffLimitPerIndex
    # The last failed pod of an index, kept until its successor has taken over how often the index failed.
    delayed: tuple[tuple[int, Obj], ...] = ()


def tally(observed: Observed) -> Tally:
    job = observed.job
    status = job.get("status") or {}
    uncounted = status.get("uncountedTerminatedPods") or {}
    known_good, known_bad = set(uncounted.get("succeeded") or ()), set(uncounted.get("failed") or ())
    countable = [pod for pod in observed.pods if _is_countable(pod, observed)]
    good = [p for p in countable if objects.uid_of(p) not in known_good and pods.phase(p) == pods.SUCCEEDED]
    bad = [p for p in countable if objects.uid_of(p) not in known_bad and is_failed(p, job)]
    policy = job["spec"].get("podFailurePolicy")
    new_failures = sum(judge_failure(policy, pod).counts for pod in bad)
    active = tuple(pods.active(observed.pods))
    result = Tally(
        active=active,
        ready=sum(map(pods.is_ready, active)),
        terminating=sum(map(pods.is_terminating, observed.pods)),
        succeeded=status.get("succeeded", 0) + len(good) + len(known_good),
        failed=status.get("failed", 0) + new_failures + len(known_bad),
        backoff=next_backoff(observed.backoff, good, bad),
    )
    return _with_indexes(observed, result, countable) if is_indexed(job) else result


def _is_countable(pod: Obj, observed: Observed) -> bool:
    """Neither counted already nor of an index that is none. Source: getValidPodsWithFilter."""
    if not is_tracked(pod) or objects.uid_of(pod) in observed.freed:
        return False
    job = observed.job
    return not is_indexed(job) or valid_index_of(pod, job["spec"]["completions"]) is not None


def _with_indexes(observed: Observed, numbers: Tally, countable: Sequence[Obj]) -> Tally:
    job = observed.job
    status, completions = job.get("status") or {}, job["spec"]["completions"]
    tracked = [
        (index, pod)
        for pod in observed.pods
        if is_tracked(pod) and (index := valid_index_of(pod, completions)) is not None
    ]
    counted = Indexes.parse(status.get("completedIndexes", ""), completions)
    good = counted | Indexes.of(index for index, pod in tracked if pods.phase(pod) == pods.SUCCEEDED)
    bad = None
    delayed: dict[int, Obj] = {}
    if job["spec"].get("backoffLimitPerIndex") is not None:
        bad = Indexes.parse(status.get("failedIndexes", ""), completions)
        bad |= Indexes.of(index for index, pod in tracked if _is_index_failed(job, pod))
        delayed = _delayed(job, countable, settled=good | bad | Indexes.of(indexes_of(numbers.active)))
    return Tally(
        numbers.active, numbers.ready, numbers.terminating, len(good), numbers.failed, numbers.backoff,
        counted, good, bad, tuple(delayed.items()),
    )  # fmt: skip


def indexes_of(some: Iterable[Obj]) -> set[int]:
    return {index for pod in some if (index := index_of(pod)) is not None}


def _is_index_failed(job: Obj, pod: Obj) -> bool:
    """Source: isIndexFailed."""
    if not is_failed(pod, job):
        return False
    verdict = judge_failure(job["spec"].get("podFailurePolicy"), pod)
    if verdict.action == "FailIndex":
        return True
    return verdict.counts and failures_before(pod) >= job["spec"]["backoffLimitPerIndex"]


def _delayed(job: Obj, countable: Sequence[Obj], settled: Indexes) -> dict[int, Obj]:
    """Of each index that needs another pod: the one that failed last. Source: getPodsWithDelayedDeletionPerIndex."""
    last: dict[int, Obj] = {}
    for pod in countable:
        index = index_of(pod)
        if index is None or index in settled or not is_failed(pod, job):
            continue
        known = last.get(index)
        if known is None or (
            all_failures_before(known) <= all_failures_before(pod) and finish_time(known) <= finish_time(pod)
        ):
            last[index] = pod
    return last


def next_backoff(known: Backoff, succeeded: Iterable[Obj], failed: Iterable[Obj]) -> Backoff:
    """Source: newBackoffRecord."""
    failures = sorted(map(finish_time, failed))
    last_success = max(map(finish_time, succeeded), default=None)
    if last_success is None:
        return Backoff(known.failures + len(failures), failures[-1]) if failures else known
    after = [at for at in failures if at > last_success]
    return Backoff(len(after), after[-1]) if after else NO_FAILURES


def backoff_s(failures: int, last: float, now: float) -> float:
    """Seconds until the next pod may be made. Source: getRemainingTimeForFailuresCount."""
    if failures == 0:
        return 0.0
    # Beyond 2**6 it is the longest one anyway.
    return max(0.0, min(BACKOFF_S * 2 ** min(failures - 1, 6), BACKOFF_S_MAX) - (now - last))
