"""The status a Job gets, which pods go free after that, and the events of its end.

Pure. Counting has three steps, each a write: a pod's uid stands in uncountedTerminatedPods (`account`), its finalizer
goes, its uid becomes a number (`settle`). The last condition follows when nothing is uncounted (`conclude`).

Source: kubernetes 1.36 pkg/controller/job/job_controller.go, trackJobStatusAndRemoveFinalizers.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from msgspec import Struct

from kubepy.api import objects, pods
from kubepy.api.objects import Obj
from kubepy.controllers.job_facts import (
    Event,
    index_order,
    is_failed,
    is_indexed,
    is_suspended,
    is_tracked,
    render_condition,
    with_condition,
)
from kubepy.controllers.job_indexes import Indexes, valid_index_of
from kubepy.controllers.job_plan import Plan
from kubepy.controllers.job_policies import judge_failure
from kubepy.controllers.job_tally import Observed, Tally
from kubepy.lib import clock as clocks

# Source: job_controller.go, MaxUncountedPods (their uids stay below 20 KB).
UNCOUNTED_MAX = 500


class Outcome(Struct, frozen=True):
    """What became of a plan."""

    created: int = 0
    deleted: int = 0
    deleted_ready: int = 0
    failure: Exception | None = None


class Account(Struct, frozen=True):
    """The status to write, the pods to let go after that, and how the Job ends once they are counted."""

    status: Obj
    free: tuple[Obj, ...] = ()
    final: Obj | None = None
    events: tuple[Event, ...] = ()


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
    ordered = sorted(observed.pods, key=index_order) if indexed else observed.pods
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
