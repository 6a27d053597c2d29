"""Where a Deployment stands: its ReplicaSets as they shall be, and the status and conditions that follow.

Source: kubernetes 1.36 pkg/controller/deployment/{sync,progress}.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct, field

from kubepy.api import objects
from kubepy.api.objects import Obj
from kubepy.controllers.deployment_sizes import (
    INT32_MAX,
    Sized,
    max_unavailable,
    replicas_annotations,
    replicas_of,
    status_of,
)
from kubepy.lib import clock as clocks

_COUNTS = (
    "observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas",
)  # fmt: skip


class Rollout(Struct):
    """The working state of one plan: the Deployment's numbers, and its sets as they shall be."""

    deployment: Obj
    now: str
    seconds: float
    new: Sized | None
    old: list[Sized]
    conditions: list[Obj]
    create: Obj | None = None
    delete: list[Obj] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.deployment["metadata"]["name"]

    @property
    def replicas(self) -> int:
        return replicas_of(self.deployment)

    @property
    def all(self) -> list[Sized]:
        return self.old if self.new is None else [*self.old, self.new]

    @property
    def deadline_s(self) -> int | None:
        """progressDeadlineSeconds, None for never."""
        seconds = self.deployment["spec"].get("progressDeadlineSeconds")
        return None if seconds is None or seconds == INT32_MAX else seconds

    @property
    def progressing(self) -> Obj | None:
        return _condition(self.conditions, "Progressing")

    def resize(self, target: Sized, replicas: int) -> bool:
        """Give `target` another size and the annotations that go with it; False if it has that size."""
        if target.replicas == replicas:
            return False
        target.replicas = replicas
        target.annotations |= replicas_annotations(self.deployment)
        return True

    def set_condition(self, type_: str, status: str, reason: str, message: str) -> None:
        fresh = {
            "type": type_, "status": status, "lastUpdateTime": self.now, "lastTransitionTime": self.now,
            "reason": reason, "message": message,
        }  # fmt: skip
        self.conditions = with_condition(self.conditions, fresh)


def render_status(rollout: Rollout) -> Obj:
    """The counts and the Available condition. Source: calculateStatus."""
    deployment = rollout.deployment
    stored = [status_of(each) for each in rollout.all]
    updated = status_of(rollout.new).get("replicas", 0) if rollout.new is not None else 0
    available = sum(each.get("availableReplicas", 0) for each in stored)
    status: Obj = {
        "observedGeneration": deployment["metadata"].get("generation", 0),
        "replicas": sum(each.get("replicas", 0) for each in stored),
        "updatedReplicas": updated,
        "readyReplicas": sum(each.get("readyReplicas", 0) for each in stored),
        "availableReplicas": available,
        "unavailableReplicas": max(0, sum(each.replicas for each in rollout.all) - available),
    }
    status = {name: count for name, count in status.items() if count}
    # A set that its controller has not seen yet adds nothing; one whose controller does not count them hides the sum.
    terminating = [each.get("terminatingReplicas") for each in stored if each.get("observedGeneration")]
    if None not in terminating:
        status["terminatingReplicas"] = sum(count or 0 for count in terminating)
    if (collisions := (deployment.get("status") or {}).get("collisionCount")) is not None:
        status["collisionCount"] = collisions
    if available >= rollout.replicas - max_unavailable(deployment):
        rollout.set_condition(
            "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability."
        )
    else:
        rollout.set_condition(
            "Available",
            "False",
            "MinimumReplicasUnavailable",
            "Deployment does not have minimum availability.",
        )
    return status


def judge_progress(rollout: Rollout, status: Obj) -> None:
    """The Progressing condition: done, moving, or out of time. Source: syncRolloutStatus."""
    deployment, current = rollout.deployment, rollout.progressing
    if rollout.deadline_s is None:
        rollout.conditions = without_condition(rollout.conditions, "Progressing")
        return
    was_complete = current is not None and current.get("reason") == "NewReplicaSetAvailable"
    if was_complete and status.get("replicas", 0) == status.get("updatedReplicas", 0):
        return
    subject = f'Deployment "{rollout.name}"' if rollout.new is None else f'ReplicaSet "{rollout.new.name}"'
    if is_complete(deployment, status):
        rollout.set_condition(
            "Progressing", "True", "NewReplicaSetAvailable", f"{subject} has successfully progressed."
        )
    elif is_progressing(deployment.get("status") or {}, status):
        # The same reason again, but with a new lastUpdateTime: the deadline counts from the last progress.
        rollout.conditions = without_condition(rollout.conditions, "Progressing")
        rollout.set_condition("Progressing", "True", "ReplicaSetUpdated", f"{subject} is progressing.")
        if current is not None and current.get("status") == "True":
            rollout.conditions[-1]["lastTransitionTime"] = current.get("lastTransitionTime")
    elif _is_timed_out(rollout, current):
        rollout.set_condition(
            "Progressing", "False", "ProgressDeadlineExceeded", f"{subject} has timed out progressing."
        )


def _is_timed_out(rollout: Rollout, progressing: Obj | None) -> bool:
    if progressing is None or progressing.get("reason") == "NewReplicaSetAvailable":
        return False
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return True
    return _deadline(rollout, progressing) < rollout.seconds


def _deadline(rollout: Rollout, progressing: Obj) -> float:
    assert rollout.deadline_s is not None, "asked only of deployments with a progress deadline"
    return clocks.parse_rfc3339(progressing["lastUpdateTime"]) + rollout.deadline_s


def check_progress_after(rollout: Rollout, status: Obj) -> float | None:
    """Seconds until the deadline may have passed; one more, for stamps are cut to seconds. Source:
    requeueStuckDeployment."""
    progressing = rollout.progressing
    if rollout.deadline_s is None or progressing is None or is_complete(rollout.deployment, status):
        return None
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return None
    return max(0.0, _deadline(rollout, progressing) - rollout.seconds) + 1


def promote_failure(rollout: Rollout) -> None:
    """A set that cannot make its pods says so in the Deployment too; the new one first."""
    sets = rollout.old if rollout.new is None else [rollout.new, *rollout.old]
    found = next(
        (c for each in sets if (c := objects.condition(each.obj, "ReplicaFailure")) is not None), None
    )
    if found is None:
        rollout.conditions = without_condition(rollout.conditions, "ReplicaFailure")
        return
    condition = found | {"lastUpdateTime": found.get("lastTransitionTime")}
    rollout.conditions = with_condition(rollout.conditions, condition)


def is_complete(deployment: Obj, status: Obj) -> bool:
    """All replicas are of the new template and available, and no old pod runs. Source: DeploymentComplete."""
    desired = replicas_of(deployment)
    return (
        status.get("updatedReplicas", 0) == desired
        and status.get("replicas", 0) == desired
        and status.get("availableReplicas", 0) == desired
        and status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    )


def is_progressing(old: Obj, new: Obj) -> bool:
    """More new pods, fewer old ones, more ready or more available ones. Source: DeploymentProgressing."""

    def outdated(status: Obj) -> int:
        return status.get("replicas", 0) - status.get("updatedReplicas", 0)

    grew = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return any(new.get(name, 0) > old.get(name, 0) for name in grew) or outdated(new) < outdated(old)


def is_same_status(stored: Obj, wanted: Obj) -> bool:
    """Equal when an absent count means zero."""

    def counts(status: Obj) -> tuple[Any, ...]:
        return tuple(status.get(name) or 0 for name in _COUNTS)

    exact = ("conditions", "terminatingReplicas", "collisionCount")
    return counts(stored) == counts(wanted) and all(stored.get(name) == wanted.get(name) for name in exact)


def _condition(conditions: Iterable[Obj], type_: str) -> Obj | None:
    return next((c for c in conditions if c["type"] == type_), None)


def with_condition(conditions: list[Obj], fresh: Obj) -> list[Obj]:
    """`fresh` in place of its namesake, last; unchanged if that says the same. Source: SetDeploymentCondition."""
    known = _condition(conditions, fresh["type"])
    if known is not None and known["status"] == fresh["status"]:
        if known.get("reason") == fresh["reason"]:
            return conditions
        fresh = fresh | {"lastTransitionTime": known.get("lastTransitionTime")}
    return [*without_condition(conditions, fresh["type"]), fresh]


def without_condition(conditions: list[Obj], type_: str) -> list[Obj]:
    return [c for c in conditions if c["type"] != type_]
