"""What is done about a Job's pods now: how the Job ends, or which pods are made and removed, and when to look again.

Pure. `plan` reads as syncJob does: ending first, then the number of pods, then when the next pod may come.

Source: kubernetes 1.36 pkg/controller/job/job_controller.go, syncJob and manageJob.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from kubepy.api import objects, pods
from kubepy.api.objects import Obj
from kubepy.controllers.job_facts import (
    finish_time,
    is_failed,
    is_indexed,
    is_suspended,
    render_condition,
    replaces_only_failed,
)
from kubepy.controllers.job_indexes import NONE, Indexes, all_failures_before, valid_index_of
from kubepy.controllers.job_pods import render_indexed_pod, render_job_pod
from kubepy.controllers.job_policies import judge_failure, judge_success
from kubepy.controllers.job_tally import Observed, Tally, backoff_s, indexes_of, tally
from kubepy.lib import clock as clocks

# Source: job_controller.go, MaxPodCreateDeletePerSync.
BURST = 500


class Plan(Struct, frozen=True):
    tally: Tally
    condition: Obj | None = None  # how it ends
    end: tuple[
        Obj, ...
    ] = ()  # active pods of a Job that ends; they keep their finalizer until they are counted
    remove: tuple[Obj, ...] = ()  # surplus pods, which nobody counts
    create: tuple[Obj, ...] = ()
    managed: bool = (
        False  # whether the number of pods was looked at, so that the status may speak of suspension
    )
    after_s: float | None = None


def plan(observed: Observed, now: float) -> Plan:
    """What one run does about the pods. Source: syncJob, manageJob."""
    job, numbers = observed.job, tally(observed)
    condition = ending(observed, numbers, now)
    if condition is not None:
        return Plan(numbers, condition, end=numbers.active)
    after_s = _deadline_s(job, now)
    if not observed.trusted or objects.is_deleting(job):
        return Plan(numbers, after_s=after_s)
    wanted = wanted_active(job, numbers)
    surplus = _surplus(job, numbers.active, max(0, len(numbers.active) - wanted))
    if is_suspended(job):
        return Plan(numbers, remove=surplus, managed=True)
    if surplus:
        # Duplicates of an index go before anything new is made.
        return Plan(numbers, remove=surplus[:BURST], managed=True, after_s=after_s)
    create, wait_s = _creations(observed, numbers, wanted, now)
    waits = [wait for wait in (after_s, wait_s) if wait is not None]
    return Plan(numbers, create=create, managed=True, after_s=min(waits, default=None))


def ending(observed: Observed, numbers: Tally, now: float) -> Obj | None:
    """The condition by which the Job ends or is about to, None while it goes on. What a former run decided stands;
    failures go before successes."""
    job, stamp = observed.job, clocks.rfc3339(now)
    spec = job["spec"]
    for decided in ("SuccessCriteriaMet", "FailureTarget"):
        if objects.is_condition_true(job, decided):
            found = objects.condition(job, decided)
            assert found is not None
            return found

    def fails(reason: str, message: str) -> Obj:
        return render_condition("FailureTarget", reason, message, stamp)

    policy = spec.get("podFailurePolicy")
    if policy is not None:
        for pod in observed.pods:
            if is_failed(pod, job) and (message := judge_failure(policy, pod).message):
                return fails("PodFailurePolicy", message)
    if numbers.failed > spec["backoffLimit"] or _restarts_exceed(job, observed.pods):
        return fails("BackoffLimitExceeded", "Job has reached the specified backoff limit")
    if (left_s := _deadline_s(job, now)) is not None and left_s <= 0:
        return fails("DeadlineExceeded", "Job was active longer than specified deadline")
    if not is_indexed(job):
        return None
    bad, completions = numbers.failed_indexes, spec["completions"]
    if bad:
        if spec.get("maxFailedIndexes") is not None and len(bad) > spec["maxFailedIndexes"]:
            message = "Job has exceeded the specified maximal number of failed indexes"
            return fails("MaxFailedIndexesExceeded", message)
        if len(bad) + len(numbers.indexes) >= completions:
            return fails("FailedIndexes", "Job has failed indexes")
    message = judge_success(spec.get("successPolicy"), completions, numbers.indexes)
    return render_condition("SuccessCriteriaMet", "SuccessPolicy", message, stamp) if message else None


def _restarts_exceed(job: Obj, some: Iterable[Obj]) -> bool:
    """With OnFailure the kubelet tries again inside the pod. Source: pastBackoffLimitOnFailure."""
    spec = job["spec"]
    if spec["template"]["spec"].get("restartPolicy") != "OnFailure":
        return False
    restarts = sum(
        container.get("restartCount", 0)
        for pod in some
        if pods.phase(pod) in (pods.RUNNING, pods.PENDING)
        for kind in ("initContainerStatuses", "containerStatuses")
        for container in (pod.get("status") or {}).get(kind) or ()
    )
    return restarts >= max(1, spec["backoffLimit"])


def _deadline_s(job: Obj, now: float) -> float | None:
    """Seconds until activeDeadlineSeconds have passed, None without it. A Job that starts now has all of them."""
    limit = job["spec"].get("activeDeadlineSeconds")
    if limit is None or is_suspended(job):
        return None
    started = (job.get("status") or {}).get("startTime")
    return (clocks.parse_rfc3339(started) if started else now) + limit - now


def wanted_active(job: Obj, numbers: Tally) -> int:
    """How many pods should be running."""
    spec = job["spec"]
    if is_suspended(job):
        return 0
    parallelism: int = spec["parallelism"]
    if spec.get("completions") is None:
        # A queue of work: once a pod says that it is empty, the others finish and no more are made.
        return len(numbers.active) if numbers.succeeded > 0 else parallelism
    return max(0, min(spec["completions"] - numbers.succeeded, parallelism))


def _surplus(job: Obj, active: Sequence[Obj], at_least: int) -> tuple[Obj, ...]:
    """Pods of an index that is none or taken, and of the others the least far. Source: activePodsForRemoval."""
    surplus: list[Obj] = []
    left = list(active)
    if is_indexed(job):
        surplus, left = _duplicates(active, job["spec"]["completions"])
    missing = at_least - len(surplus)
    return (*surplus, *sorted(left, key=_progress)[: max(0, missing)])


def _duplicates(active: Sequence[Obj], completions: int) -> tuple[list[Obj], list[Obj]]:
    """(pods without a valid index or with one that a better pod has, the others)."""
    surplus: list[Obj] = []
    best: dict[int, Obj] = {}
    for pod in sorted(active, key=_progress):
        index = valid_index_of(pod, completions)
        if index is None:
            surplus.append(pod)
            continue
        if index in best:
            surplus.append(best[index])
        best[index] = pod
    return surplus, list(best.values())


def _progress(pod: Obj) -> tuple[object, ...]:
    """How far a pod has come: the least first. Source: controller_utils.go, ActivePods.Less."""
    order = {pods.PENDING: 0, pods.UNKNOWN: 1, pods.RUNNING: 2}
    ready_since, created = pods.ready_time(pod), pod["metadata"].get("creationTimestamp") or "9"
    return (
        bool(pod["spec"].get("nodeName")),
        order.get(pods.phase(pod), 0),
        pods.is_ready(pod),
        -(ready_since or 0.0),
        -pods.restarts(pod),
        tuple(-ord(character) for character in created),  # the younger first
    )


def _creations(
    observed: Observed, numbers: Tally, wanted: int, now: float
) -> tuple[tuple[Obj, ...], float | None]:
    """(the pods to make, seconds until more may be made)."""
    job = observed.job
    ending_ = numbers.terminating if replaces_only_failed(job) else 0
    missing = min(wanted - len(numbers.active) - ending_, BURST)
    if missing <= 0:
        return (), None
    delayed = dict(numbers.delayed)
    if job["spec"].get("backoffLimitPerIndex") is None:
        wait_s = backoff_s(*numbers.backoff, now)
        if wait_s > 0:
            return (), wait_s
        if not is_indexed(job):
            pod = render_job_pod(job)
            return (pod,) * missing, None
        return tuple(
            render_indexed_pod(job, index, None) for index in _pending(observed, numbers, missing)
        ), None
    waits = {
        index: _index_backoff_s(delayed.get(index), now) for index in _pending(observed, numbers, missing)
    }
    ready = [index for index, wait in waits.items() if wait == 0]
    if ready or not waits:
        return tuple(render_indexed_pod(job, index, delayed.get(index)) for index in ready), None
    return (), min(waits.values())


def _pending(observed: Observed, numbers: Tally, count: int) -> list[int]:
    """The first indexes that have no pod and need one. Source: firstPendingIndexes."""
    busy = indexes_of(numbers.active)
    if replaces_only_failed(observed.job):
        busy |= indexes_of(pod for pod in observed.pods if pods.is_terminating(pod))
    taken = numbers.indexes | Indexes.of(busy) | (numbers.failed_indexes or NONE)
    return [index for index, _ in zip(taken.gaps(observed.job["spec"]["completions"]), range(count))]


def _index_backoff_s(last_failed: Obj | None, now: float) -> float:
    if last_failed is None:
        return 0.0
    return backoff_s(all_failures_before(last_failed) + 1, finish_time(last_failed), now)
