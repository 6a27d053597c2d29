"""Jobs: pods that are to end well, as many as spec.completions says, spec.parallelism of them at once.

Watches Jobs and Pods. Owns Pods. Writes Pods (create, delete, adopt, release, finalizer) and the Job's status.

A pod is counted once, whatever happens in between: it carries the finalizer batch.kubernetes.io/job-tracking until the
Job's status names it in uncountedTerminatedPods; then the finalizer goes, and then the name becomes a number. Killed
between any two of these writes, the next run goes on from what the objects say. Indexed Jobs need no list of the
succeeded, the index is enough.

A Job ends in two steps: SuccessCriteriaMet or FailureTarget says how it will end, and Complete or Failed follows when
no pod runs, ends or is uncounted. One run does both if nothing is left to wait for.

Promised: never more active pods than parallelism by what the informer has shown; what was asked for is expected until
then. A failed pod is replaced after 10 s, 20 s, ... 10 min, counted from its end; a success starts that anew.

Not promised: the Job's back-off outlives a restart (per index it does: pods carry it). Not done: Workload and PodGroup
objects for gang scheduling (alpha), the controller's own metrics.

Source: kubernetes 1.36 pkg/controller/job/{job_controller,backoff_utils,tracking_utils}.go.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from kubepy.api import errors, objects, pods, selectors
from kubepy.api.builtins import JOBS, PODS
from kubepy.api.objects import Document, Key, Obj
from kubepy.client.controller import After, Controller, ControllerContext, key_of, rest_for
from kubepy.client.expectations import Expectations
from kubepy.controllers import ownership
from kubepy.controllers.job_indexes import (
    COMPLETION_INDEX,
    INDEX_FAILURES,
    INDEX_IGNORED_FAILURES,
    NONE,
    Indexes,
    all_failures_before,
    failures_before,
    ignored_before,
    index_of,
    valid_index_of,
)
from kubepy.controllers.job_policies import judge_failure, judge_success
from kubepy.controllers.owned_pods import OwnedPods
from kubepy.controllers.pod_control import PodControl
from kubepy.controllers.replica_set import PARALLEL, batches, render_pod
from kubepy.lib import clock as clocks
from kubepy.lib.aio import gather_bounded
from kubepy.lib.records import Record

TRACKING = "batch.kubernetes.io/job-tracking"
JOB_NAME = "batch.kubernetes.io/job-name"
MANAGED_BY = "kubernetes.io/job-controller"

# Source: job_controller.go, MaxPodCreateDeletePerSync and MaxUncountedPods (their uids stay below 20 KB).
BURST = 500
UNCOUNTED_MAX = 500
# Source: job_controller.go, DefaultJobPodFailureBackOff and MaxJobPodFailureBackOff.
BACKOFF_S, BACKOFF_S_MAX = 10.0, 600.0

# Source: names/generate.go, MaxGeneratedNameLength.
_GENERATE_NAME_MAX = 58
_INDEX_VARIABLE = "JOB_COMPLETION_INDEX"


class Backoff(NamedTuple):
    """Failures since the last success, and when the last one was."""

    failures: int = 0
    last: float = 0.0


NO_FAILURES = Backoff()


class Observed(Record):
    """What one run sees."""

    job: Obj
    pods: Sequence[Obj]  # its own
    trusted: bool = True  # everything that was asked for has been seen
    # Uids whose finalizer went already, though the cache does not show it.
    freed: AbstractSet[str] = frozenset()
    backoff: Backoff = NO_FAILURES


class Tally(Record):
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


class Plan(Record):
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


class Outcome(Record):
    """What became of a plan."""

    created: int = 0
    deleted: int = 0
    deleted_ready: int = 0
    failure: Exception | None = None


class Event(NamedTuple):
    type: str
    reason: str
    message: str


class Account(Record):
    """The status to write, the pods to let go after that, and how the Job ends once they are counted."""

    status: Obj
    free: tuple[Obj, ...] = ()
    final: Obj | None = None
    events: tuple[Event, ...] = ()


# -- small questions -------------------------------------------------------------------------------------------


def finished(job: Obj) -> Obj | None:
    """The condition that says so. Source: util.FinishedCondition."""
    return next(
        (c for c in objects.conditions(job) if c["type"] in ("Complete", "Failed") and c["status"] == "True"),
        None,
    )


def is_indexed(job: Obj) -> bool:
    return job["spec"].get("completionMode") == "Indexed"


def is_suspended(job: Obj) -> bool:
    return bool(job["spec"].get("suspend"))


def is_ours(job: Obj) -> bool:
    """Not somebody else's by spec.managedBy."""
    return job["spec"].get("managedBy") in (None, MANAGED_BY)


def is_tracked(pod: Obj) -> bool:
    return TRACKING in (pod["metadata"].get("finalizers") or ())


def replaces_only_failed(job: Obj) -> bool:
    spec = job["spec"]
    return spec.get("podReplacementPolicy") == "Failed" or spec.get("podFailurePolicy") is not None


def is_failed(pod: Obj, job: Obj) -> bool:
    """A pod that is deleted counts as failed, for it may never get to say so. Source: isPodFailed."""
    if pods.phase(pod) == pods.FAILED:
        return True
    if replaces_only_failed(job):
        return False
    return objects.is_deleting(pod) and pods.phase(pod) != pods.SUCCEEDED


def render_condition(type_: str, reason: str, message: str, stamp: str, status: str = "True") -> Obj:
    return {
        "type": type_, "status": status, "lastProbeTime": stamp, "lastTransitionTime": stamp,
        "reason": reason, "message": message,
    }  # fmt: skip


def with_condition(conditions: Sequence[Obj], fresh: Obj) -> list[Obj]:
    """Appended or replaced, unless it says nothing new. Source: ensureJobConditionStatus."""
    known = next((c for c in conditions if c["type"] == fresh["type"]), None)
    if known is None:
        # From nothing to False is no news.
        return [*conditions, fresh] if fresh["status"] != "False" else list(conditions)
    if all(known.get(field) == fresh[field] for field in ("status", "reason", "message")):
        return list(conditions)
    return [fresh if c is known else c for c in conditions]


# -- counting --------------------------------------------------------------------------------------------------


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
        delayed = _delayed(job, countable, settled=good | bad | Indexes.of(_indexes(numbers.active)))
    return Tally(
        numbers.active, numbers.ready, numbers.terminating, len(good), numbers.failed, numbers.backoff,
        counted, good, bad, tuple(delayed.items()),
    )  # fmt: skip


def _indexes(some: Iterable[Obj]) -> set[int]:
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


# -- back-off --------------------------------------------------------------------------------------------------


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


def finish_time(pod: Obj) -> float:
    """When its last container ended, or the next best guess. Source: getFinishedTime."""
    metadata, status = pod["metadata"], pod.get("status") or {}
    sidecars = {c["name"] for c in pods.init_containers(pod) if pods.is_sidecar(c)}
    ended = [
        objects.walk(s, "state", "terminated", "finishedAt")
        for s in (
            *(status.get("containerStatuses") or ()),
            *(s for s in status.get("initContainerStatuses") or () if s.get("name") in sidecars),
        )
    ]
    if ended and all(ended):
        return max(map(clocks.parse_rfc3339, ended))
    ready = objects.condition(pod, "Ready") or {}
    if ready.get("status") == "False" and ready.get("lastTransitionTime"):
        return clocks.parse_rfc3339(ready["lastTransitionTime"])
    if metadata.get("deletionTimestamp"):
        grace = metadata.get("deletionGracePeriodSeconds") or 0
        return clocks.parse_rfc3339(metadata["deletionTimestamp"]) - grace
    created = metadata.get("creationTimestamp")
    return clocks.parse_rfc3339(created) if created else 0.0


# -- the plan --------------------------------------------------------------------------------------------------


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
    busy = _indexes(numbers.active)
    if replaces_only_failed(observed.job):
        busy |= _indexes(pod for pod in observed.pods if pods.is_terminating(pod))
    taken = numbers.indexes | Indexes.of(busy) | (numbers.failed_indexes or NONE)
    return [index for index, _ in zip(taken.gaps(observed.job["spec"]["completions"]), range(count))]


def _index_backoff_s(last_failed: Obj | None, now: float) -> float:
    if last_failed is None:
        return 0.0
    return backoff_s(all_failures_before(last_failed) + 1, finish_time(last_failed), now)


# -- the pods --------------------------------------------------------------------------------------------------


def render_job_pod(job: Obj) -> Obj:
    pod = render_pod(job)
    finalizers = pod["metadata"].get("finalizers") or []
    if TRACKING not in finalizers:
        pod["metadata"]["finalizers"] = [*finalizers, TRACKING]
    return pod


def render_indexed_pod(job: Obj, index: int, replaced: Obj | None) -> Obj:
    """It knows its index by annotation, label, hostname and environment. replaced: the failed pod of that index."""
    pod = render_job_pod(job)
    metadata, name = pod["metadata"], job["metadata"]["name"]
    annotations = {COMPLETION_INDEX: str(index)}
    if job["spec"].get("backoffLimitPerIndex") is not None:
        failures, ignored = _index_failures(job, replaced)
        annotations[INDEX_FAILURES] = str(failures)
        if ignored:
            annotations[INDEX_IGNORED_FAILURES] = str(ignored)
    metadata["annotations"] = {**metadata.get("annotations", {}), **annotations}
    metadata["labels"] = {**metadata.get("labels", {}), COMPLETION_INDEX: str(index)}
    suffix = f"-{index}-"
    metadata["generateName"] = name[: _GENERATE_NAME_MAX - len(suffix)] + suffix
    spec = dict(pod["spec"], hostname=f"{name}-{index}")
    for kind in ("initContainers", "containers"):
        if kind in spec:
            spec[kind] = [_with_index_variable(container) for container in spec[kind]]
    pod["spec"] = spec
    return pod


def _index_failures(job: Obj, replaced: Obj | None) -> tuple[int, int]:
    """(failures that count, those that do not), the replaced pod's included. Source: getNewIndexFailureCounts."""
    if replaced is None:
        return 0, 0
    counts = judge_failure(job["spec"].get("podFailurePolicy"), replaced).counts
    return failures_before(replaced) + counts, ignored_before(replaced) + (not counts)


def _with_index_variable(container: Obj) -> Obj:
    variables = container.get("env") or []
    if any(variable["name"] == _INDEX_VARIABLE for variable in variables):
        return container
    source = {"fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.labels['{COMPLETION_INDEX}']"}}
    return container | {"env": [*variables, {"name": _INDEX_VARIABLE, "valueFrom": source}]}


# -- the status ------------------------------------------------------------------------------------------------


def account(observed: Observed, decided: Plan, outcome: Outcome, now: float) -> Account:
    """Source: the end of syncJob, trackJobStatusAndRemoveFinalizers."""
    job, numbers, stamp = observed.job, decided.tally, clocks.rfc3339(now)
    status = objects.copy(job.get("status") or {})
    status.setdefault("uncountedTerminatedPods", {})
    conditions: list[Obj] = status.pop("conditions", None) or []
    if "startTime" not in status and not is_suspended(job):
        status["startTime"] = stamp
    active = len(numbers.active) + outcome.created - outcome.deleted
    condition: Obj | None = decided.condition
    events: tuple[Event, ...] = ()
    if condition is not None:
        if outcome.deleted != len(numbers.active) or not observed.trusted:
            condition = None  # pods may be left that nobody has counted
    elif _is_complete(job, numbers, active):
        message = "Reached expected number of succeeded pods"
        condition = render_condition("SuccessCriteriaMet", "CompletionsReached", message, stamp)
    elif decided.managed:
        conditions, events = _note_suspension(job, status, conditions, stamp)
    status["ready"] = numbers.ready - outcome.deleted_ready
    status["terminating"] = numbers.terminating + outcome.deleted
    _set_count(status, "active", active)
    tracked = {objects.uid_of(p) for p in observed.pods if is_tracked(p)} - observed.freed
    status = settle(status, tracked)
    free, is_capped = _note_ended(observed, numbers, status, condition)
    final = None
    if condition is not None:
        if objects.condition(job, condition["type"]) is None:
            conditions = [*conditions, condition]
        type_ = "Failed" if condition["type"] == "FailureTarget" else "Complete"
        if not is_capped:
            final = render_condition(type_, condition["reason"], condition.get("message", ""), stamp)
    if conditions:
        status["conditions"] = conditions
    return Account(status, tuple(free), final, events)


def _is_complete(job: Obj, numbers: Tally, active: int) -> bool:
    completions = job["spec"].get("completions")
    enough = numbers.succeeded > 0 if completions is None else numbers.succeeded >= completions
    return enough and active == 0


def _note_suspension(
    job: Obj, status: Obj, conditions: list[Obj], stamp: str
) -> tuple[list[Obj], tuple[Event, ...]]:
    if is_suspended(job):
        fresh, event = ("True", "JobSuspended", "Job suspended"), "Suspended"
    else:
        fresh, event = ("False", "JobResumed", "Job resumed"), "Resumed"
    truth, reason, message = fresh
    noted = with_condition(conditions, render_condition("Suspended", reason, message, stamp, truth))
    if noted == conditions:
        return conditions, ()
    # Time that it stood still is not held against it.
    if is_suspended(job):
        status.pop("startTime", None)
    else:
        status["startTime"] = stamp
    return noted, (Event("Normal", event, message),)


def _note_ended(
    observed: Observed, numbers: Tally, status: Obj, condition: Obj | None
) -> tuple[list[Obj], bool]:
    """Name the pods that ended in `status`; (those whose finalizer may go after that, whether some had to wait)."""
    job = observed.job
    indexed, policy = is_indexed(job), job["spec"].get("podFailurePolicy")
    completions = job["spec"].get("completions") or 0
    uncounted = status["uncountedTerminatedPods"]
    good, bad = list(uncounted.get("succeeded") or ()), list(uncounted.get("failed") or ())
    indexes: set[int] = set()
    free: list[Obj] = []
    everybody_fails = condition is not None and condition["type"] == "FailureTarget"
    is_capped = False
    ordered = sorted(observed.pods, key=_index_order) if indexed else observed.pods
    for pod in ordered:
        uid = objects.uid_of(pod)
        if not is_tracked(pod) or uid in observed.freed:
            continue
        failed = is_failed(pod, job)
        if not _may_go(job, numbers, pod, condition, failed):
            continue
        free.append(pod)
        index = valid_index_of(pod, completions) if indexed else None
        if pods.phase(pod) == pods.SUCCEEDED and uid not in bad:
            if not indexed:
                if uid not in good:
                    good.append(uid)
            elif index is not None and index not in numbers.counted:
                indexes.add(index)
        elif failed or everybody_fails:
            is_valid = not indexed or index is not None
            if uid not in bad and is_valid and judge_failure(policy, pod).counts:
                bad.append(uid)
        if len(indexes) + len(good) + len(bad) >= UNCOUNTED_MAX:
            is_capped = True
            break
    status["uncountedTerminatedPods"] = {
        name: uids for name, uids in (("succeeded", good), ("failed", bad)) if uids
    }
    if indexed:
        _note_indexes(status, numbers, indexes)
    return free, is_capped


def _index_order(pod: Obj) -> int:
    index = index_of(pod)
    return -1 if index is None else index


def _may_go(job: Obj, numbers: Tally, pod: Obj, condition: Obj | None, failed: bool) -> bool:
    """Source: canRemoveFinalizer."""
    if objects.is_deleting(job) or condition is not None or pods.phase(pod) == pods.SUCCEEDED:
        return True
    if not failed:
        return False
    return all(each is not pod for _, each in numbers.delayed)


def _note_indexes(status: Obj, numbers: Tally, fresh: Iterable[int]) -> None:
    done = numbers.counted | Indexes.of(fresh)
    _set_count(status, "succeeded", len(done))
    status.pop("completedIndexes", None)
    if done:
        status["completedIndexes"] = str(done)
    status.pop("failedIndexes", None)
    if numbers.failed_indexes is not None:
        status["failedIndexes"] = str(numbers.failed_indexes)


def settle(status: Obj, tracked: AbstractSet[str]) -> Obj:
    """Uncounted pods that lost their finalizer become numbers. Source: cleanUncountedPodsWithoutFinalizers."""
    uncounted = status["uncountedTerminatedPods"]
    left: Obj = {}
    result = dict(status)
    for name in ("succeeded", "failed"):
        uids = uncounted.get(name) or []
        if kept := [uid for uid in uids if uid in tracked]:
            left[name] = kept
        _set_count(result, name, status.get(name, 0) + len(uids) - len(kept))
    result["uncountedTerminatedPods"] = left
    return result


def conclude(status: Obj, final: Obj | None) -> tuple[Obj, bool]:
    """With its last condition, if nothing is left to wait for. Source: enactJobFinished."""
    if final is None or status["uncountedTerminatedPods"] or status["terminating"] > 0:
        return status, False
    result = status | {"conditions": with_condition(status.get("conditions") or [], final)}
    if final["type"] == "Complete":
        result["completionTime"] = final["lastTransitionTime"]
    return result, True


def closing_events(job: Obj, status: Obj, final: Obj) -> Iterable[Event]:
    """Source: recordJobFinished."""
    if final["type"] != "Complete":
        return [Event("Warning", final["reason"], final["message"])]
    completed = Event("Normal", "Completed", "Job completed")
    completions = job["spec"].get("completions")
    if completions is not None and status.get("succeeded", 0) > completions:
        many = "Too many succeeded pods running after completion count reached"
        return [Event("Warning", "TooManySucceededPods", many), completed]
    return [completed]


def _set_count(status: Obj, name: str, count: int) -> None:
    """Counts of nothing are left out."""
    if count:
        status[name] = count
    else:
        status.pop(name, None)


# -- the controller --------------------------------------------------------------------------------------------

# Pods that carry the finalizer, by the Job they name: "default/pi"; "default/" for those that name none.
BY_TRACKING = "job_tracking"
# Orphans, by the Job whose label they carry.
BY_LABEL = "job_label"
# Jobs that chose their selector, by namespace.
BY_MANUAL = "job_manual_selector"


def tracked_keys(pod: Obj) -> list[str]:
    return ["/".join(_named_job(pod))] if is_tracked(pod) else []


def labelled_keys(pod: Obj) -> list[str]:
    name = objects.labels_of(pod).get(JOB_NAME)
    if name is None or objects.controller_of(pod) is not None:
        return []
    return [f"{pod['metadata'].get('namespace', '')}/{name}"]


def manual_keys(job: Obj) -> list[str]:
    return [job["metadata"].get("namespace", "")] if job["spec"].get("manualSelector") else []


def _named_job(pod: Obj) -> Key:
    """The Job by its controller reference; the empty name for a pod without."""
    reference = objects.controller_of(pod)
    is_job = reference is not None and reference["kind"] == "Job"
    return Key(pod["metadata"].get("namespace", ""), reference["name"] if reference and is_job else "")


class JobController(Controller):
    name = "job-controller"
    workers = 5

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        self.expectations = Expectations(context.clock)
        self.pod_control = PodControl(context.client, context.events)
        self._backoff: dict[Key, Backoff] = {}
        self._freed: dict[Key, set[str]] = {}
        # The newest revision that we wrote of each Job; what the informer shows below that is no base for a decision.
        self._written: dict[Key, int] = {}

    def setup(self) -> None:
        self.jobs = self.watch(JOBS, key_of, indexes={BY_MANUAL: manual_keys})
        indexes = {
            ownership.BY_CONTROLLER: ownership.controller_keys,
            BY_TRACKING: tracked_keys,
            BY_LABEL: labelled_keys,
        }
        self.pods = self.watch(PODS, indexes=indexes)
        self.owned = OwnedPods("Job", self.jobs, self.expectations, adopters=self._adopters)
        self.owned.follow(self.pods)
        self.pods.add_handler(on_update=self._pod_updated, on_delete=self._freeing_seen)
        self.watch(PODS, self._keys_of_pod)

    def rest_s(self, key: Key) -> float:
        job = self.jobs.get(key)
        if job is None:
            return 0.0
        return rest_for(self.pods.count_by_index(ownership.BY_CONTROLLER, objects.uid_of(job)))

    async def reconcile(self, key: Key) -> After | None:
        document = self.jobs.document(key)
        job = document.obj if document is not None else None
        await self._free_strays(key, job)
        if document is None or job is None or not is_ours(job) or finished(job) is not None:
            self._forget(key)
            return None
        if document.revision < self._written.get(key, 0):
            return None  # the informer is about to show what we wrote, and then this runs again
        trusted = self.expectations.satisfied(key)
        owned = await self._claim(key, job)
        if owned is None:
            return None  # adopted ones wake it again
        backoff = self._backoff.get(key, NO_FAILURES)
        observed = Observed(job, owned, trusted, frozenset(self._freed.get(key, ())), backoff)
        decided = plan(observed, self.clock.now())
        outcome = await self._act(key, job, decided)
        await self._track(key, job, decided, account(observed, decided, outcome, self.clock.now()))
        if outcome.failure is not None:
            raise outcome.failure
        return After(decided.after_s) if decided.after_s is not None else None

    def _forget(self, key: Key) -> None:
        self.expectations.forget(key)
        for memory in (self._backoff, self._freed, self._written):
            memory.pop(key, None)

    # -- what it looks at

    async def _claim(self, key: Key, job: Obj) -> list[Obj] | None:
        """Its pods; None if some were adopted just now."""
        uid = objects.uid_of(job)
        owned = self.pods.by_index(ownership.BY_CONTROLLER, uid)
        orphans = self.pods.by_index(BY_LABEL, str(key))
        if job["spec"].get("manualSelector"):
            orphans = self.pods.by_index(ownership.BY_CONTROLLER, ownership.orphans_of(key.namespace))
        matches = selectors.from_label_selector(job["spec"]["selector"]).matches
        claims = ownership.plan_claims(job, matches, [*owned, *orphans])
        if not claims.adopt and not claims.release:
            return claims.owned
        ours = await ownership.claim(
            self.client, claims, owner=job, owner_resource=JOBS, resource=PODS, finalizer=TRACKING
        )
        return None if claims.adopt else ours

    def _keys_of_pod(self, document: Document, old: Document | None) -> Iterable[Key]:
        pod = document.obj
        keys = self.owned.keys(document, old)
        if objects.controller_of(pod) is None and is_tracked(pod):
            keys.append(Key(document.key.namespace, ""))
        return keys

    def _adopters(self, orphan: Obj) -> Iterable[Key]:
        namespace, name = orphan["metadata"]["namespace"], objects.labels_of(orphan).get(JOB_NAME)
        named = [Key(namespace, name)] if name is not None else []
        return [*named, *self.jobs.keys_by_index(BY_MANUAL, namespace)]

    def _pod_updated(self, old: Document, document: Document) -> None:
        if not is_tracked(document.obj):
            self._freeing_seen(document)

    def _freeing_seen(self, document: Document) -> None:
        freed = self._freed.get(_named_job(document.obj))
        if freed is not None:
            freed.discard(objects.uid_of(document.obj))

    # -- what it does

    async def _act(self, key: Key, job: Obj, decided: Plan) -> Outcome:
        if decided.end:
            return await self._delete(job, decided.end, self._end)
        if decided.remove:
            self.expectations.expect_deletions(key, [objects.key_of(pod) for pod in decided.remove])
            return await self._delete(job, decided.remove, self._remove)
        if decided.create:
            self.expectations.expect_creations(key, len(decided.create))
            return await self._create(key, job, decided.create)
        return Outcome()

    async def _delete(
        self, job: Obj, doomed: Sequence[Obj], delete: Callable[[Obj, Obj], Coroutine[Any, Any, None]]
    ) -> Outcome:
        results = await gather_bounded(PARALLEL, [delete(job, pod) for pod in doomed])
        gone = [pod for pod, result in zip(doomed, results) if not isinstance(result, BaseException)]
        return Outcome(
            deleted=len(gone), deleted_ready=sum(map(pods.is_ready, gone)), failure=_first_failure(results)
        )

    async def _end(self, job: Obj, pod: Obj) -> None:
        await self.pod_control.delete(job, pod)

    async def _remove(self, job: Obj, pod: Obj) -> None:
        try:
            await self._free_one(pod)
            await self.pod_control.delete(job, pod)
        except Exception:
            self.expectations.deletion_observed(objects.key_of(job), objects.key_of(pod))
            raise

    async def _create(self, key: Key, job: Obj, wanted: Sequence[Obj]) -> Outcome:
        """In growing batches, so that a quota that refuses all of them is asked once."""
        created, done, failure = 0, 0, None
        for size in batches(len(wanted)):
            batch = wanted[done : done + size]
            results = await gather_bounded(PARALLEL, [self.pod_control.create(job, pod) for pod in batch])
            done += size
            failure = _first_failure(results)
            created += sum(not isinstance(result, BaseException) for result in results)
            if failure is not None:
                break
        for _ in range(len(wanted) - created):
            self.expectations.creation_observed(key)
        self.log.info("pods_created", object=str(key), wanted=len(wanted), created=created)
        return Outcome(created=created, failure=failure)

    async def _track(self, key: Key, job: Obj, decided: Plan, accounted: Account) -> None:
        """Name the ended pods, let them go, count them; and close the Job if that was all."""
        stored = job
        if accounted.status != (job.get("status") or {}):
            stored = await self._write(key, job, accounted.status)
            self._backoff[key] = decided.tally.backoff
        for event in accounted.events:
            self.events.event(job, *event)
        freed, failure = await self._free(key, accounted.free)
        named = accounted.status["uncountedTerminatedPods"]
        tracked = {uid for uids in named.values() for uid in uids} - freed
        status, is_over = settle(accounted.status, tracked), False
        if failure is None:
            status, is_over = conclude(status, accounted.final)
        if status != accounted.status:
            await self._write(key, stored, status)
        if is_over and accounted.final is not None:
            for event in closing_events(job, status, accounted.final):
                self.events.event(job, *event)
            self.log.info(
                "job_finished",
                object=str(key),
                condition=accounted.final["type"],
                reason=accounted.final["reason"],
            )
        if failure is not None:
            raise failure

    async def _write(self, key: Key, job: Obj, status: Obj) -> Obj:
        written = await self.client.update(JOBS, job | {"status": status}, subresource="status")
        self._written[key] = objects.revision_of(written)
        return written

    async def _free(self, key: Key, some: Sequence[Obj]) -> tuple[set[str], Exception | None]:
        """Take the finalizer off pods that the status names: (uids of those without it, the first failure)."""
        expected = self._freed.setdefault(key, set())
        expected.update(map(objects.uid_of, some))
        results = await gather_bounded(PARALLEL, [self._free_one(pod) for pod in some])
        failed = {objects.uid_of(p) for p, result in zip(some, results) if isinstance(result, BaseException)}
        expected -= failed
        return set(map(objects.uid_of, some)) - failed, _first_failure(results)

    async def _free_one(self, pod: Obj) -> None:
        metadata = pod["metadata"]
        # The uid is a precondition: a namesake is answered with 409.
        change = {"$deleteFromPrimitiveList/finalizers": [TRACKING], "uid": metadata["uid"]}
        try:
            await self.client.patch(
                PODS, metadata["name"], {"metadata": change}, namespace=metadata["namespace"]
            )
        except (errors.NotFound, errors.Conflict):
            pass  # gone, or replaced by a namesake

    async def _free_strays(self, key: Key, job: Obj | None) -> None:
        """Pods that wait for a Job which does not count them any more: it is over, gone or another one now."""
        if job is not None and not is_ours(job):
            return
        uid = objects.uid_of(job) if job is not None and finished(job) is None else None
        strays = [
            pod
            for pod in self.pods.by_index(BY_TRACKING, "/".join(key))
            if uid is None or not pods.is_owned_by(pod, uid)
        ]
        failure = _first_failure(await gather_bounded(PARALLEL, [self._free_one(pod) for pod in strays]))
        if failure is not None:
            raise failure


def _first_failure(results: Iterable[object]) -> Exception | None:
    """A cancellation among them is ours, and goes on up."""
    failures = [result for result in results if isinstance(result, BaseException)]
    for failure in failures:
        if not isinstance(failure, Exception):
            raise failure
    return next((failure for failure in failures if isinstance(failure, Exception)), None)
