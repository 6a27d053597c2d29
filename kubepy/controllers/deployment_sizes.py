"""How many pods each ReplicaSet of a Deployment may have: surge, unavailability, proportions.

Source: kubernetes 1.36 pkg/controller/deployment/util/deployment_util.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from kubepy.api import objects
from kubepy.api.objects import Obj

DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS = "deployment.kubernetes.io/max-replicas"

# As progressDeadlineSeconds and revisionHistoryLimit it means "never" and "all".
INT32_MAX = 2**31 - 1


class Sized(Struct):
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
            obj, replicas_of(obj), dict(objects.annotations_of(obj)), available,
            obj["metadata"].get("creationTimestamp") or "",
        )  # fmt: skip

    @property
    def name(self) -> str:
        return self.obj["metadata"].get("name", "")

    @property
    def age(self) -> tuple[str, str]:
        """Oldest first; names decide between twins."""
        return self.created, self.name


def is_rolling(deployment: Obj) -> bool:
    return (deployment["spec"].get("strategy") or {}).get("type", "RollingUpdate") == "RollingUpdate"


def fenceposts(deployment: Obj) -> tuple[int, int]:
    """(maxSurge, maxUnavailable) in pods: surge rounded up, unavailable down, and not both zero. Source:
    ResolveFenceposts."""
    rolling = (deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    desired = replicas_of(deployment)
    surge = scaled(rolling.get("maxSurge", 0), desired, round_up=True)
    unavailable = scaled(rolling.get("maxUnavailable", 0), desired, round_up=False)
    # Rounding may have made both zero; then nothing would ever move.
    return (surge, unavailable) if surge or unavailable else (0, 1)


def max_surge(deployment: Obj) -> int:
    return fenceposts(deployment)[0] if is_rolling(deployment) else 0


def max_unavailable(deployment: Obj) -> int:
    desired = replicas_of(deployment)
    return min(fenceposts(deployment)[1], desired) if is_rolling(deployment) and desired else 0


def scaled(value: int | str, total: int, *, round_up: bool) -> int:
    """An IntOrString: 3 -> 3, "25%" of `total`. Source: apimachinery intstr.GetScaledValueFromIntOrPercent."""
    if isinstance(value, int):
        return value
    percent = int(value.removesuffix("%")) * total
    return -(-percent // 100) if round_up else percent // 100


def new_set_size(deployment: Obj, sets: Iterable[Sized], new: Sized) -> int:
    """As large as the surge allows, down at once. Source: NewRSNewReplicas, reconcileNewReplicaSet."""
    desired = replicas_of(deployment)
    if new.replicas >= desired or not is_rolling(deployment):
        return desired
    room = desired + max_surge(deployment) - sum(each.replicas for each in sets)
    return new.replicas + min(room, desired - new.replicas) if room > 0 else new.replicas


def is_saturated(deployment: Obj, new: Sized | None) -> bool:
    """The new set has, and believes it shall have, all the replicas, and all are available."""
    desired = replicas_of(deployment)
    return new is not None and (
        new.replicas == desired == new.available and number_in(new.annotations, DESIRED_REPLICAS) == desired
    )


def proportions(deployment: Obj, active: Sequence[Sized]) -> list[tuple[Sized, int]]:
    """New sizes of the active sets when the Deployment's replicas changed in the middle of a rollout.

    Largest first; among equals the newer grows and the older shrinks first. What rounding leaves goes to the largest.
    Source: sync.go scale, GetReplicaSetProportion, getReplicaSetFraction.
    """
    desired = replicas_of(deployment)
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
    before = number_in(each.annotations, MAX_REPLICAS) or (deployment.get("status") or {}).get("replicas", 0)
    if not before:
        return 0
    size = each.replicas * (desired + max_surge(deployment)) / before
    return int(size + 0.5) - each.replicas


def number_in(annotations: dict[str, str], name: str) -> int | None:
    text = annotations.get(name, "")
    return int(text) if text.isdecimal() and int(text) <= INT32_MAX else None


def replicas_annotations(deployment: Obj) -> dict[str, str]:
    """What a set remembers of the size it was made for, to tell a rescale from a rollout."""
    desired = replicas_of(deployment)
    return {DESIRED_REPLICAS: str(desired), MAX_REPLICAS: str(desired + max_surge(deployment))}


def status_of(sized: Sized) -> Obj:
    return sized.obj.get("status") or {}


def replicas_of(obj: Obj) -> int:
    replicas = obj["spec"].get("replicas")
    return 1 if replicas is None else replicas
