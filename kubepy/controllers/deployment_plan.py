"""What is done about a Deployment's ReplicaSets now: made, resized, deleted, and the status after that.

Pure. `plan` tells the four situations apart; each is one function that changes the sizes of a Rollout.

Source: kubernetes 1.36 pkg/controller/deployment/{sync,rolling,recreate}.go.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from msgspec import Struct, field

from kubepy.api import objects
from kubepy.api.objects import Obj
from kubepy.controllers.deployment_rollout import (
    Rollout,
    check_progress_after,
    is_complete,
    is_same_status,
    judge_progress,
    promote_failure,
    render_status,
)
from kubepy.controllers.deployment_sizes import (
    DESIRED_REPLICAS,
    INT32_MAX,
    Sized,
    is_rolling,
    is_saturated,
    max_unavailable,
    new_set_size,
    number_in,
    proportions,
    replicas_annotations,
    replicas_of,
    status_of,
)
from kubepy.controllers.deployment_templates import (
    REVISION,
    is_same_template,
    new_set_annotations,
    render_replica_set,
    revision_in,
)
from kubepy.lib import clock as clocks


class Resize(Struct, frozen=True):
    """One ReplicaSet rewritten; `old` is its size before, for the event."""

    replica_set: Obj  # the whole object to write
    old: int
    new: int


class Plan(Struct, frozen=True):
    """What to do, in this order; the status last."""

    create: Obj | None = None
    updates: tuple[Resize, ...] = ()
    delete: tuple[Obj, ...] = ()
    revision: str = ""  # of the new ReplicaSet, for the Deployment's annotation; "" leaves it
    status: Obj = field(default_factory=dict)
    after_s: float | None = None  # look again, for the progress deadline


def plan(deployment: Obj, replica_sets: Sequence[Obj], now: float, busy: Container[str] = ()) -> Plan:
    """What one sync of a Deployment does, given the sets it owns.

    busy: uids of those sets that still have pods which are not terminal (asked of Recreate only).
    """
    ordered = sorted((Sized.of(obj) for obj in replica_sets), key=lambda each: each.age)
    new = find_new(deployment, ordered)
    rollout = Rollout(
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


def _note_pause(rollout: Rollout) -> None:
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


def _sync_revision(rollout: Rollout) -> None:
    """Bring the new set's annotations, revision and minReadySeconds up to date. Source: getNewReplicaSet."""
    new = rollout.new
    if new is None:
        return
    new.annotations = new_set_annotations(rollout.deployment, new.annotations, _next_revision(rollout))
    if rollout.deadline_s is not None and rollout.progressing is None:
        rollout.set_condition(
            "Progressing", "True", "FoundNewReplicaSet", f'Found new replica set "{new.name}"'
        )


def _is_rescaled(rollout: Rollout) -> bool:
    """Whether somebody changed spec.replicas: an active set still remembers another number. Source: isScalingEvent."""
    return any(
        (desired := number_in(each.annotations, DESIRED_REPLICAS)) is not None and desired != rollout.replicas
        for each in rollout.all
        if each.replicas > 0
    )


def _scale_in_proportion(rollout: Rollout) -> None:
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


def _roll(rollout: Rollout) -> None:
    """Source: rolloutRolling."""
    if rollout.new is None:
        rollout.new = _add_new_set(rollout)
    if rollout.resize(rollout.new, new_set_size(rollout.deployment, rollout.all, rollout.new)):
        return
    if _shrink_old_sets(rollout, rollout.new):
        return
    if is_complete(rollout.deployment, rollout.deployment.get("status") or {}):
        _clean_history(rollout)


def _shrink_old_sets(rollout: Rollout, new: Sized) -> bool:
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


def _recreate(rollout: Rollout, busy: Container[str]) -> None:
    """Nothing new before everything old has ended. Source: rolloutRecreate."""
    if sum(rollout.resize(each, 0) for each in rollout.old):
        return
    if any(
        status_of(each).get("replicas", 0) > 0 or objects.uid_of(each.obj) in busy for each in rollout.old
    ):
        return
    if rollout.new is None:
        rollout.new = _add_new_set(rollout)
    rollout.resize(rollout.new, rollout.replicas)
    if is_complete(rollout.deployment, rollout.deployment.get("status") or {}):
        _clean_history(rollout)


def _add_new_set(rollout: Rollout) -> Sized:
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


def _clean_history(rollout: Rollout) -> None:
    """Forget all but the newest revisionHistoryLimit old sets. Source: cleanupDeployment."""
    limit = rollout.deployment["spec"].get("revisionHistoryLimit")
    if limit is None or limit == INT32_MAX:
        return
    old = [each for each in rollout.old if not objects.is_deleting(each.obj)]
    surplus = len(old) - limit
    if surplus <= 0:
        return
    old.sort(key=lambda each: (revision_in(each.annotations), *each.age))
    for each in old[:surplus]:
        status = status_of(each)
        seen = status.get("observedGeneration", 0) >= each.obj["metadata"].get("generation", 0)
        if seen and not status.get("replicas") and each.replicas == 0:
            rollout.delete.append(each.obj)


def _finish(rollout: Rollout, *, estimate_progress: bool) -> Plan:
    deployment = rollout.deployment
    status = render_status(rollout)
    if estimate_progress:
        judge_progress(rollout, status)
        promote_failure(rollout)
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
        after_s=check_progress_after(rollout, status) if estimate_progress and unchanged else None,
    )


def _updates(rollout: Rollout) -> Iterable[Resize]:
    """The sets that differ from what is stored; the new one, which also takes over minReadySeconds, first."""
    sets = rollout.old if rollout.new is None else [rollout.new, *rollout.old]
    for each in sets:
        if each.obj is rollout.create:
            continue
        obj = each.obj
        old, spec = replicas_of(obj), obj["spec"]
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


def _next_revision(rollout: Rollout) -> int:
    return max((revision_in(each.annotations) for each in rollout.old), default=0) + 1


def find_new(deployment: Obj, ordered: Iterable[Sized]) -> Sized | None:
    """The oldest set with the Deployment's template; `ordered` is oldest first."""
    template = deployment["spec"]["template"]
    return next((each for each in ordered if is_same_template(each.obj["spec"]["template"], template)), None)
