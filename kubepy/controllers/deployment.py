"""Deployments: one ReplicaSet per pod template, and the walk from the old ones to the new one.

Watches Deployments, their ReplicaSets and (for Recreate) those sets' Pods. Owns ReplicaSets. Writes ReplicaSets
(create, size, annotations, deletion of old history) and the Deployment's status with its revision annotation.

The new ReplicaSet is the oldest one whose template equals the Deployment's, so a rollback is nothing special: the old
template's set becomes the new one again and gets the next revision number. Four situations are told apart, in this
order: being deleted (status only), paused or rescaled (sizes in proportion, no rollout), Recreate, RollingUpdate.

Promised, of each plan: the sizes of all sets never grow beyond replicas + maxSurge; old sets shrink only as far as
replicas - maxUnavailable pods stay available; every write carries the resourceVersion it was decided on, so a decision
on a stale cache becomes a conflict and is taken again. Nothing is remembered between two runs: killed anywhere, the
next run goes on from what the objects say.

Not done: `rollbackTo` of the beta API that was removed in 1.16.

Source: kubernetes 1.36 pkg/controller/deployment/{sync,rolling,recreate,progress}.go, util/deployment_util.go.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import Any

from kubepy.api import errors, objects, pods, quantity, selectors
from kubepy.api.builtins import DEPLOYMENTS, PODS, REPLICA_SETS
from kubepy.api.objects import Document, Key, Obj
from kubepy.client.controller import After, Controller, key_of, owner_key
from kubepy.controllers import ownership
from kubepy.lib import clock as clocks
from kubepy.lib.records import Record, field

REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS = "deployment.kubernetes.io/max-replicas"
HASH_LABEL = "pod-template-hash"

# Those of the Deployment's annotations that its ReplicaSet does not inherit.
_NOT_COPIED = {
    "kubectl.kubernetes.io/last-applied-configuration", REVISION, REVISION_HISTORY, DESIRED_REPLICAS, MAX_REPLICAS,
    "deprecated.deployment.rollback.to",
}  # fmt: skip

# Source: sync.go, maxRevHistoryLengthInChars: about a hundred revisions.
REVISION_HISTORY_CHARS_MAX = 2000

# As progressDeadlineSeconds and revisionHistoryLimit it means "never" and "all".
_INT32_MAX = 2**31 - 1
_NAME_CHARS_MAX = 253

_COUNTS = (
    "observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas",
)  # fmt: skip


class Sized(Record, frozen=False):
    """A ReplicaSet while a plan is being made: what is stored, and the size and annotations it shall have."""

    obj: Obj
    replicas: int
    annotations: dict[str, str]
    available: int
    created: str  # creationTimestamp; RFC 3339 in one time zone sorts as text

    @classmethod
    def of(cls, obj: Obj) -> Sized:
        available = (obj.get("status") or {}).get("availableReplicas", 0)
        return cls(
            obj, _replicas(obj), dict(objects.annotations_of(obj)), available,
            obj["metadata"].get("creationTimestamp") or "",
        )  # fmt: skip

    @property
    def name(self) -> str:
        return self.obj["metadata"].get("name", "")

    @property
    def age(self) -> tuple[str, str]:
        """Oldest first; names decide between twins."""
        return self.created, self.name


class Resize(Record):
    """One ReplicaSet rewritten; `old` is its size before, for the event."""

    replica_set: Obj  # the whole object to write
    old: int
    new: int


class Plan(Record):
    """What to do, in this order; the status last."""

    create: Obj | None = None
    updates: tuple[Resize, ...] = ()
    delete: tuple[Obj, ...] = ()
    revision: str = ""  # of the new ReplicaSet, for the Deployment's annotation; "" leaves it
    status: Obj = field(default_factory=dict)
    after_s: float | None = None  # look again, for the progress deadline


class _Rollout(Record, frozen=False):
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
        return _replicas(self.deployment)

    @property
    def all(self) -> list[Sized]:
        return self.old if self.new is None else [*self.old, self.new]

    @property
    def deadline_s(self) -> int | None:
        """progressDeadlineSeconds, None for never."""
        seconds = self.deployment["spec"].get("progressDeadlineSeconds")
        return None if seconds is None or seconds == _INT32_MAX else seconds

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


def plan(deployment: Obj, replica_sets: Sequence[Obj], now: float, busy: Container[str] = ()) -> Plan:
    """What one sync of a Deployment does, given the sets it owns.

    busy: uids of those sets that still have pods which are not terminal (asked of Recreate only).
    """
    ordered = sorted((Sized.of(obj) for obj in replica_sets), key=lambda each: each.age)
    new = find_new(deployment, ordered)
    rollout = _Rollout(
        deployment, clocks.rfc3339(now), now, new, [each for each in ordered if each is not new],
        list(objects.conditions(deployment)),
    )  # fmt: skip
    spec = deployment["spec"]
    deleting = objects.is_deleting(deployment)
    if not deleting:
        _note_pause(rollout)
    _sync_revision(rollout)
    if deleting:
        return _finish(rollout, estimate_progress=False)
    if spec.get("paused") or _is_rescaled(rollout):
        _scale_in_proportion(rollout)
        if spec.get("paused"):
            _clean_history(rollout)
        return _finish(rollout, estimate_progress=False)
    if is_rolling(deployment):
        _roll(rollout)
    else:
        _recreate(rollout, busy)
    return _finish(rollout, estimate_progress=True)


# -- the situations --------------------------------------------------------------------------------------------


def _note_pause(rollout: _Rollout) -> None:
    """So that the time a rollout stood still is not held against it. Source: checkPausedConditions."""
    known = rollout.progressing
    if rollout.deadline_s is None or (
        known is not None and known.get("reason") == "ProgressDeadlineExceeded"
    ):
        return
    noted = known is not None and known.get("reason") == "DeploymentPaused"
    paused = bool(rollout.deployment["spec"].get("paused"))
    if paused and not noted:
        rollout.set_condition("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused")
    elif noted and not paused:
        rollout.set_condition("Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed")


def _sync_revision(rollout: _Rollout) -> None:
    """Bring the new set's annotations, revision and minReadySeconds up to date. Source: getNewReplicaSet."""
    new = rollout.new
    if new is None:
        return
    new.annotations = new_set_annotations(rollout.deployment, new.annotations, _next_revision(rollout))
    if rollout.deadline_s is not None and rollout.progressing is None:
        rollout.set_condition(
            "Progressing", "True", "FoundNewReplicaSet", f'Found new replica set "{new.name}"'
        )


def _is_rescaled(rollout: _Rollout) -> bool:
    """Whether somebody changed spec.replicas: an active set still remembers another number. Source: isScalingEvent."""
    return any(
        (desired := _number(each.annotations, DESIRED_REPLICAS)) is not None and desired != rollout.replicas
        for each in rollout.all
        if each.replicas > 0
    )


def _scale_in_proportion(rollout: _Rollout) -> None:
    """Spread a changed number of replicas over the active sets, so that a rollout under way is neither hurried nor
    undone by it. Source: scale."""
    active = [each for each in rollout.all if each.replicas > 0]
    if not rollout.all:
        return
    if len(active) <= 1:
        only = active[0] if active else rollout.new or max(rollout.old, key=lambda each: each.age)
        only.replicas = rollout.replicas
        # Differs: upstream leaves the annotations of a set that has the right size already, and then sees a rescale
        # for ever.
        only.annotations |= replicas_annotations(rollout.deployment)
        return
    if is_saturated(rollout.deployment, rollout.new):
        for each in rollout.old:
            rollout.resize(each, 0)
        return
    if is_rolling(rollout.deployment):
        for each, size in proportions(rollout.deployment, active):
            each.replicas = size
            each.annotations |= replicas_annotations(rollout.deployment)


def _roll(rollout: _Rollout) -> None:
    """Source: rolloutRolling."""
    if rollout.new is None:
        rollout.new = _add_new_set(rollout)
    if rollout.resize(rollout.new, new_set_size(rollout.deployment, rollout.all, rollout.new)):
        return
    if _shrink_old_sets(rollout, rollout.new):
        return
    if is_complete(rollout.deployment, rollout.deployment.get("status") or {}):
        _clean_history(rollout)


def _shrink_old_sets(rollout: _Rollout, new: Sized) -> bool:
    """First the old pods that do not work, then as many as availability allows. Source: reconcileOldReplicaSets."""
    old = sorted((each for each in rollout.old if each.replicas > 0), key=lambda each: each.age)
    if not old:
        return False
    available_min = rollout.replicas - max_unavailable(rollout.deployment)
    unavailable_new = new.replicas - new.available
    removable = sum(each.replicas for each in rollout.all) - available_min - unavailable_new
    if removable <= 0:
        return False
    available = sum(each.available for each in rollout.all)
    shrunk = 0
    for each in old:
        count = min(removable - shrunk, each.replicas - each.available)
        if count > 0:
            rollout.resize(each, each.replicas - count)
            shrunk += count
    spare = available - available_min
    for each in old:
        count = min(each.replicas, spare)
        if count > 0:
            rollout.resize(each, each.replicas - count)
            spare -= count
            shrunk += count
    return shrunk > 0


def _recreate(rollout: _Rollout, busy: Container[str]) -> None:
    """Nothing new before everything old has ended. Source: rolloutRecreate."""
    if sum(rollout.resize(each, 0) for each in rollout.old):
        return
    if any(_status(each).get("replicas", 0) > 0 or objects.uid_of(each.obj) in busy for each in rollout.old):
        return
    if rollout.new is None:
        rollout.new = _add_new_set(rollout)
    rollout.resize(rollout.new, rollout.replicas)
    if is_complete(rollout.deployment, rollout.deployment.get("status") or {}):
        _clean_history(rollout)


def _add_new_set(rollout: _Rollout) -> Sized:
    """The ReplicaSet to create. Source: getNewReplicaSet."""
    obj = render_replica_set(rollout.deployment)
    new = Sized(obj, 0, {}, 0, "")
    new.replicas = new_set_size(rollout.deployment, [*rollout.old, new], new)
    new.annotations = new_set_annotations(rollout.deployment, {}, _next_revision(rollout))
    new.annotations |= replicas_annotations(rollout.deployment)
    obj["metadata"]["annotations"] = new.annotations
    obj["spec"]["replicas"] = new.replicas
    rollout.create = obj
    if rollout.deadline_s is not None:
        rollout.set_condition(
            "Progressing", "True", "NewReplicaSetCreated", f'Created new replica set "{new.name}"'
        )
    return new


def _clean_history(rollout: _Rollout) -> None:
    """Forget all but the newest revisionHistoryLimit old sets. Source: cleanupDeployment."""
    limit = rollout.deployment["spec"].get("revisionHistoryLimit")
    if limit is None or limit == _INT32_MAX:
        return
    old = [each for each in rollout.old if not objects.is_deleting(each.obj)]
    surplus = len(old) - limit
    if surplus <= 0:
        return
    old.sort(key=lambda each: (_revision(each.annotations), *each.age))
    for each in old[:surplus]:
        status = _status(each)
        seen = status.get("observedGeneration", 0) >= each.obj["metadata"].get("generation", 0)
        if seen and not status.get("replicas") and each.replicas == 0:
            rollout.delete.append(each.obj)


# -- the result ------------------------------------------------------------------------------------------------


def _finish(rollout: _Rollout, *, estimate_progress: bool) -> Plan:
    deployment = rollout.deployment
    status = render_status(rollout)
    if estimate_progress:
        _judge_progress(rollout, status)
        _promote_failure(rollout)
    if rollout.conditions:
        status["conditions"] = rollout.conditions
    revision = rollout.new.annotations.get(REVISION, "") if rollout.new is not None else ""
    unchanged = is_same_status(deployment.get("status") or {}, status)
    return Plan(
        create=rollout.create,
        updates=tuple(_updates(rollout)),
        delete=tuple(rollout.delete),
        revision=revision,
        status=status,
        after_s=_check_progress_after(rollout, status) if estimate_progress and unchanged else None,
    )


def render_status(rollout: _Rollout) -> Obj:
    """The counts and the Available condition. Source: calculateStatus."""
    deployment = rollout.deployment
    stored = [_status(each) for each in rollout.all]
    updated = _status(rollout.new).get("replicas", 0) if rollout.new is not None else 0
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


def _judge_progress(rollout: _Rollout, status: Obj) -> None:
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


def _is_timed_out(rollout: _Rollout, progressing: Obj | None) -> bool:
    if progressing is None or progressing.get("reason") == "NewReplicaSetAvailable":
        return False
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return True
    return _deadline(rollout, progressing) < rollout.seconds


def _deadline(rollout: _Rollout, progressing: Obj) -> float:
    assert rollout.deadline_s is not None, "asked only of deployments with a progress deadline"
    return clocks.parse_rfc3339(progressing["lastUpdateTime"]) + rollout.deadline_s


def _check_progress_after(rollout: _Rollout, status: Obj) -> float | None:
    """Seconds until the deadline may have passed; one more, for stamps are cut to seconds. Source:
    requeueStuckDeployment."""
    progressing = rollout.progressing
    if rollout.deadline_s is None or progressing is None or is_complete(rollout.deployment, status):
        return None
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return None
    return max(0.0, _deadline(rollout, progressing) - rollout.seconds) + 1


def _promote_failure(rollout: _Rollout) -> None:
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


def _updates(rollout: _Rollout) -> Iterable[Resize]:
    """The sets that differ from what is stored; the new one, which also takes over minReadySeconds, first."""
    sets = rollout.old if rollout.new is None else [rollout.new, *rollout.old]
    for each in sets:
        if each.obj is rollout.create:
            continue
        obj = each.obj
        old, spec = _replicas(obj), obj["spec"]
        changes: Obj = {"replicas": each.replicas}
        if each is rollout.new:
            changes["minReadySeconds"] = rollout.deployment["spec"].get("minReadySeconds", 0)
        same_spec = all(spec.get(name, 0) == value for name, value in changes.items() if name != "replicas")
        if same_spec and old == each.replicas and each.annotations == objects.annotations_of(obj):
            continue
        written = obj | {
            "spec": spec | changes,
            "metadata": obj["metadata"] | {"annotations": each.annotations},
        }
        yield Resize(written, old, each.replicas)


# -- arithmetic ------------------------------------------------------------------------------------------------


def is_rolling(deployment: Obj) -> bool:
    return (deployment["spec"].get("strategy") or {}).get("type", "RollingUpdate") == "RollingUpdate"


def fenceposts(deployment: Obj) -> tuple[int, int]:
    """(maxSurge, maxUnavailable) in pods: surge rounded up, unavailable down, and not both zero. Source:
    ResolveFenceposts."""
    rolling = (deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    desired = _replicas(deployment)
    surge = scaled(rolling.get("maxSurge", 0), desired, round_up=True)
    unavailable = scaled(rolling.get("maxUnavailable", 0), desired, round_up=False)
    # Rounding may have made both zero; then nothing would ever move.
    return (surge, unavailable) if surge or unavailable else (0, 1)


def max_surge(deployment: Obj) -> int:
    return fenceposts(deployment)[0] if is_rolling(deployment) else 0


def max_unavailable(deployment: Obj) -> int:
    desired = _replicas(deployment)
    return min(fenceposts(deployment)[1], desired) if is_rolling(deployment) and desired else 0


def scaled(value: int | str, total: int, *, round_up: bool) -> int:
    """An IntOrString: 3 -> 3, "25%" of `total`. Source: apimachinery intstr.GetScaledValueFromIntOrPercent."""
    if isinstance(value, int):
        return value
    percent = int(value.removesuffix("%")) * total
    return -(-percent // 100) if round_up else percent // 100


def new_set_size(deployment: Obj, sets: Iterable[Sized], new: Sized) -> int:
    """As large as the surge allows, down at once. Source: NewRSNewReplicas, reconcileNewReplicaSet."""
    desired = _replicas(deployment)
    if new.replicas >= desired or not is_rolling(deployment):
        return desired
    room = desired + max_surge(deployment) - sum(each.replicas for each in sets)
    return new.replicas + min(room, desired - new.replicas) if room > 0 else new.replicas


def is_saturated(deployment: Obj, new: Sized | None) -> bool:
    """The new set has, and believes it shall have, all the replicas, and all are available."""
    desired = _replicas(deployment)
    return new is not None and (
        new.replicas == desired == new.available and _number(new.annotations, DESIRED_REPLICAS) == desired
    )


def proportions(deployment: Obj, active: Sequence[Sized]) -> list[tuple[Sized, int]]:
    """New sizes of the active sets when the Deployment's replicas changed in the middle of a rollout.

    Largest first; among equals the newer grows and the older shrinks first. What rounding leaves goes to the largest.
    Source: sync.go scale, GetReplicaSetProportion, getReplicaSetFraction.
    """
    desired = _replicas(deployment)
    allowed = desired + max_surge(deployment) if desired > 0 else 0
    to_add = allowed - sum(each.replicas for each in active)
    ordered = sorted(active, key=lambda each: each.age, reverse=to_add > 0)
    ordered.sort(key=lambda each: -each.replicas)
    sizes, added = [], 0
    for each in ordered:
        share = 0
        if to_add != added:
            wanted = _fraction(deployment, each, desired)
            share = min(wanted, to_add - added) if to_add > 0 else max(wanted, to_add - added)
        sizes.append(each.replicas + share)
        added += share
    if to_add != 0:
        sizes[0] = max(0, sizes[0] + to_add - added)
    return list(zip(ordered, sizes))


def _fraction(deployment: Obj, each: Sized, desired: int) -> int:
    if desired == 0:
        return -each.replicas
    before = _number(each.annotations, MAX_REPLICAS) or (deployment.get("status") or {}).get("replicas", 0)
    if not before:
        return 0
    size = each.replicas * (desired + max_surge(deployment)) / before
    return int(size + 0.5) - each.replicas


def is_complete(deployment: Obj, status: Obj) -> bool:
    """All replicas are of the new template and available, and no old pod runs. Source: DeploymentComplete."""
    desired = _replicas(deployment)
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


# -- conditions ------------------------------------------------------------------------------------------------


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


# -- revisions and annotations ---------------------------------------------------------------------------------


def _number(annotations: dict[str, str], name: str) -> int | None:
    text = annotations.get(name, "")
    return int(text) if text.isdecimal() and int(text) <= _INT32_MAX else None


def _revision(annotations: dict[str, str]) -> int:
    text = annotations.get(REVISION, "")
    return int(text) if text.isdecimal() else 0


def _next_revision(rollout: _Rollout) -> int:
    return max((_revision(each.annotations) for each in rollout.old), default=0) + 1


def replicas_annotations(deployment: Obj) -> dict[str, str]:
    """What a set remembers of the size it was made for, to tell a rescale from a rollout."""
    desired = _replicas(deployment)
    return {DESIRED_REPLICAS: str(desired), MAX_REPLICAS: str(desired + max_surge(deployment))}


def new_set_annotations(deployment: Obj, annotations: dict[str, str], revision: int) -> dict[str, str]:
    """The Deployment's own annotations, the revision, and the revisions it had before a rollback.

    Source: SetNewReplicaSetAnnotations.
    """
    own = {k: v for k, v in objects.annotations_of(deployment).items() if k not in _NOT_COPIED}
    annotations = annotations | own
    before = annotations.get(REVISION, "")
    if before and not before.isdecimal():
        return annotations  # somebody's text: left alone, as upstream does
    if int(before or 0) >= revision:
        return annotations
    annotations[REVISION] = str(revision)
    if before:
        history = [text for text in annotations.get(REVISION_HISTORY, "").split(",") if text]
        history.append(before)
        while len(history) > 1 and len(",".join(history)) > REVISION_HISTORY_CHARS_MAX:
            del history[0]
        annotations[REVISION_HISTORY] = ",".join(history)
    return annotations


# -- templates -------------------------------------------------------------------------------------------------


def find_new(deployment: Obj, ordered: Iterable[Sized]) -> Sized | None:
    """The oldest set with the Deployment's template; `ordered` is oldest first."""
    template = deployment["spec"]["template"]
    return next((each for each in ordered if is_same_template(each.obj["spec"]["template"], template)), None)


def is_same_template(one: Obj, other: Obj) -> bool:
    """Equal but for the hash label, with upstream's idea of equal: absent is empty, 1000m is 1. Source:
    EqualIgnoreHash, apimachinery equality.Semantic."""
    one, other = _without_hash(one), _without_hash(other)
    return one == other or _semantic(one) == _semantic(other)


def _without_hash(template: Obj) -> Obj:
    metadata = template.get("metadata") or {}
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k != HASH_LABEL}
    return template | {"metadata": metadata | {"labels": labels}}


# Go structs and maps whose absence and emptiness are one; other empty objects (emptyDir: {}) say something.
_EMPTY_IS_ABSENT = {
    "metadata", "labels", "annotations", "nodeSelector", "limits", "requests", "matchLabels", "overhead", "resources",
}  # fmt: skip
# Plain Go values, not pointers: false and "" cannot be told from absent.
_ZERO_IS_ABSENT = {
    "hostNetwork", "hostPID", "hostIPC", "stdin", "stdinOnce", "tty", "readOnly", "value", "subPath", "subPathExpr",
    "workingDir", "nodeName", "hostname", "subdomain", "priorityClassName", "serviceAccountName", "schedulerName",
}  # fmt: skip
_QUANTITIES = {"limits", "requests", "overhead"}


def _semantic(value: Any, field_name: str = "") -> Any:
    if isinstance(value, dict):
        if field_name in _QUANTITIES:
            return {name: quantity.nano(amount) for name, amount in value.items()}
        found = {name: _semantic(child, name) for name, child in value.items() if child is not None}
        return {
            name: child
            for name, child in found.items()
            if child != []
            and not (child == {} and name in _EMPTY_IS_ABSENT)
            and not (child in (False, "") and name in _ZERO_IS_ABSENT)
        }
    if isinstance(value, list):
        return [_semantic(child) for child in value]
    return value


def render_replica_set(deployment: Obj) -> Obj:
    """The ReplicaSet of the Deployment's template, without size and annotations."""
    metadata, spec = deployment["metadata"], deployment["spec"]
    template = spec["template"]
    collisions = (deployment.get("status") or {}).get("collisionCount")
    hash_ = pods.template_hash(template, collisions)
    labels = {**((template.get("metadata") or {}).get("labels") or {}), HASH_LABEL: hash_}
    selector = spec["selector"]
    return {
        "apiVersion": REPLICA_SETS.api_version,
        "kind": REPLICA_SETS.kind,
        "metadata": {
            "name": f"{metadata['name'][: _NAME_CHARS_MAX - len(hash_) - 1]}-{hash_}",
            "namespace": metadata["namespace"],
            "labels": labels,
            "ownerReferences": [objects.owner_reference(deployment)],
        },
        "spec": {
            "replicas": 0,
            "minReadySeconds": spec.get("minReadySeconds", 0),
            "selector": selector
            | {"matchLabels": {**(selector.get("matchLabels") or {}), HASH_LABEL: hash_}},
            "template": template | {"metadata": {**(template.get("metadata") or {}), "labels": labels}},
        },
    }


def _status(sized: Sized) -> Obj:
    return sized.obj.get("status") or {}


def _replicas(obj: Obj) -> int:
    replicas = obj["spec"].get("replicas")
    return 1 if replicas is None else replicas


# -- the controller --------------------------------------------------------------------------------------------


class DeploymentController(Controller):
    """Plans from the caches, then writes: sets, history, status."""

    name = "deployment-controller"
    workers = 5

    def setup(self) -> None:
        indexes = {ownership.BY_CONTROLLER: ownership.controller_keys}
        self.deployments = self.watch(DEPLOYMENTS, key_of)
        self.replica_sets = self.watch(REPLICA_SETS, self._keys_of_replica_set, indexes=indexes)
        self.pods = self.watch(PODS, indexes=indexes)
        self.pods.add_handler(on_delete=self._pod_deleted)

    async def reconcile(self, key: Key) -> After | None:
        deployment = self.deployments.get(key)
        if deployment is None:
            return None
        if ownership.selects_everything(deployment["spec"]["selector"]):
            await self._refuse(deployment)
            return None
        owned = await self._claim(deployment)
        decided = plan(deployment, owned, self.clock.now(), self._busy(deployment, owned))
        await self._act(deployment, decided)
        return None if decided.after_s is None else After(decided.after_s)

    # -- what it looks at

    def _keys_of_replica_set(self, document: Document, old: Document | None) -> Iterable[Key]:
        """Its owner, before and after; an orphan's possible adopters when it may newly match."""
        yield from _OWNER(document, old)
        obj = document.obj
        if objects.controller_of(obj) is None and ownership.may_be_adopted(obj, old):
            yield from ownership.matching_owners(self.deployments, obj)

    def _pod_deleted(self, document: Document) -> None:
        """The last old pod is gone: a Recreate may go on."""
        reference = objects.controller_of(document.obj)
        if reference is None or reference["kind"] != REPLICA_SETS.kind:
            return
        replica_set = self.replica_sets.get(Key(document.key.namespace, reference["name"]))
        owner = objects.controller_of(replica_set) if replica_set is not None else None
        if owner is None or owner["kind"] != DEPLOYMENTS.kind:
            return
        key = Key(document.key.namespace, owner["name"])
        deployment = self.deployments.get(key)
        if deployment is not None and not is_rolling(deployment):
            self.queue.add(key)

    def _busy(self, deployment: Obj, owned: Sequence[Obj]) -> set[str]:
        if is_rolling(deployment):
            return set()
        uids = [replica_set["metadata"]["uid"] for replica_set in owned]
        return {
            uid
            for uid in uids
            if any(not pods.is_terminal(pod) for pod in self.pods.by_index(ownership.BY_CONTROLLER, uid))
        }

    # -- what it does

    async def _refuse(self, deployment: Obj) -> None:
        self.events.event(
            deployment, "Warning", "SelectingAll",
            "This deployment is selecting all pods. A non-empty selector is required.",
        )  # fmt: skip
        status, generation = deployment.get("status") or {}, deployment["metadata"].get("generation", 0)
        if status.get("observedGeneration", 0) < generation:
            await self._write_status(deployment, status | {"observedGeneration": generation}, "")

    async def _claim(self, deployment: Obj) -> list[Obj]:
        metadata = deployment["metadata"]
        by_controller, orphans = ownership.BY_CONTROLLER, ownership.orphans_of(metadata["namespace"])
        candidates = self.replica_sets.by_index(by_controller, metadata["uid"])
        candidates += self.replica_sets.by_index(by_controller, orphans)
        selector = selectors.from_label_selector(deployment["spec"]["selector"])
        claims = ownership.plan_claims(deployment, selector.matches, candidates)
        return await ownership.claim(
            self.client, claims, owner=deployment, owner_resource=DEPLOYMENTS, resource=REPLICA_SETS
        )

    async def _act(self, deployment: Obj, decided: Plan) -> None:
        if decided.create is not None and not await self._create(deployment, decided.create):
            return
        for resize in decided.updates:
            written = await self.client.update(REPLICA_SETS, resize.replica_set)
            self._tell_scaled(deployment, written, resize.old, resize.new)
        for obsolete in decided.delete:
            await self._delete(obsolete)
        stored = deployment.get("status") or {}
        known_revision = objects.annotations_of(deployment).get(REVISION, "")
        if not is_same_status(stored, decided.status) or decided.revision not in ("", known_revision):
            await self._write_status(deployment, decided.status, decided.revision)

    async def _create(self, deployment: Obj, replica_set: Obj) -> bool:
        """False when there is no use in going on."""
        try:
            created = await self.client.create(REPLICA_SETS, replica_set)
        except errors.AlreadyExists as error:
            return await self._meet_namesake(deployment, replica_set, error)
        except errors.StatusError as error:
            if ownership.is_namespace_terminating(error):
                return False
            await self._tell_create_failed(deployment, replica_set, error)
            raise
        self._tell_scaled(deployment, created, 0, replica_set["spec"]["replicas"])
        return True

    async def _meet_namesake(self, deployment: Obj, wanted: Obj, error: errors.AlreadyExists) -> bool:
        """The name is taken: by our own set, which the cache has not got yet, or by another template with this hash."""
        metadata = wanted["metadata"]
        there = await self.client.get(REPLICA_SETS, metadata["name"], metadata["namespace"])
        owner = objects.controller_of(there)
        ours = owner is not None and owner["uid"] == deployment["metadata"]["uid"]
        if ours and is_same_template(there["spec"]["template"], deployment["spec"]["template"]):
            return True
        status = deployment.get("status") or {}
        collisions = status.get("collisionCount") or 0
        await self._write_status(deployment, status | {"collisionCount": collisions + 1}, "")
        raise error

    async def _tell_create_failed(self, deployment: Obj, wanted: Obj, error: errors.StatusError) -> None:
        message = f'Failed to create new replica set "{wanted["metadata"]["name"]}": {error.message}'
        reason = "ReplicaSetCreateError"
        self.events.event(deployment, "Warning", reason, message)
        if deployment["spec"].get("progressDeadlineSeconds") in (None, _INT32_MAX):
            return
        now = self.clock.rfc3339()
        fresh = {
            "type": "Progressing", "status": "False", "lastUpdateTime": now, "lastTransitionTime": now,
            "reason": reason, "message": message,
        }  # fmt: skip
        known = objects.conditions(deployment)
        changed = with_condition(known, fresh)
        if changed is not known:
            await self._write_status(
                deployment, (deployment.get("status") or {}) | {"conditions": changed}, ""
            )

    def _tell_scaled(self, deployment: Obj, replica_set: Obj, old: int, new: int) -> None:
        if old == new:
            return
        name, direction = replica_set["metadata"]["name"], "up" if new > old else "down"
        message = f"Scaled {direction} replica set {name} from {old} to {new}"
        self.events.event(deployment, "Normal", "ScalingReplicaSet", message)
        self.log.info(
            "replica_set_scaled", object=str(objects.key_of(deployment)), replica_set=name, old=old, new=new,
            revision=objects.revision_of(replica_set),
        )  # fmt: skip

    async def _delete(self, replica_set: Obj) -> None:
        metadata = replica_set["metadata"]
        try:
            await self.client.delete(
                REPLICA_SETS, metadata["name"], metadata["namespace"], uid=metadata["uid"]
            )
        except errors.NotFound:
            pass

    async def _write_status(self, deployment: Obj, status: Obj, revision: str) -> None:
        """The revision annotation goes along: kube-apiserver, too, takes annotations through the status."""
        metadata = deployment["metadata"]
        if revision:
            annotations = objects.annotations_of(deployment) | {REVISION: revision}
            metadata = metadata | {"annotations": annotations}
        written = await self.client.update(
            DEPLOYMENTS, deployment | {"metadata": metadata, "status": status}, subresource="status"
        )
        before, now = (objects.condition(each, "Progressing") or {} for each in (deployment, written))
        if now.get("reason") != before.get("reason"):
            self.log.info(
                "rollout_progressed", object=str(objects.key_of(deployment)), reason=now.get("reason", ""),
                revision=objects.revision_of(written),
            )  # fmt: skip


_OWNER = owner_key(DEPLOYMENTS.kind)
