"""VolumeRestrictions: disks that one node, or one pod, may use at a time.

Per node: GCE disks, EBS volumes, iSCSI targets and RBD images that a pod there already mounts. For the whole cluster: a
ReadWriteOncePod claim that another pod uses; evicting that pod would help, so preemption looks at it.

Source: pkg/scheduler/framework/plugins/volumerestrictions/volume_restrictions.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from kubepy.api import volumes
from kubepy.api.builtins import PERSISTENT_VOLUME_CLAIMS, PODS
from kubepy.api.objects import Key, Obj
from kubepy.scheduler.framework import Action, ClusterEvent, Code, CycleState, Hint, Interest, Status
from kubepy.scheduler.node_info import NodeInfo, PodInfo
from kubepy.scheduler.toolbox import Toolbox

_POD_CLAIMS = "claims"
_DISKS = ("gcePersistentDisk", "awsElasticBlockStore", "rbd", "iscsi")


class _State(Struct):
    exclusive: frozenset[str]  # the pod's ReadWriteOncePod claims
    conflicts: int  # uses of them by others

    def clone(self) -> _State:
        return _State(self.exclusive, self.conflicts)

    def count(self, pod: Obj) -> int:
        return sum(name in self.exclusive for name in claim_names(pod))


class VolumeRestrictions:
    name = "VolumeRestrictions"

    def __init__(self, tools: Toolbox) -> None:
        self._cache = tools.cache
        self._claims = tools.informers.informer(PERSISTENT_VOLUME_CLAIMS)
        self._pods = tools.informers.informer(PODS)
        self._pods.add_index(_POD_CLAIMS, volumes.claim_keys_of_pod)

    def pre_filter(self, state: CycleState, pod: PodInfo) -> Status | None:
        names, has_disks = pod.note(self.name, _uses)
        if not names and not has_disks:
            return _SKIP
        exclusive: set[str] = set()
        for name in names:
            claim = self._claims.get(Key(pod.key.namespace, name))
            if claim is None:
                why = f'persistentvolumeclaim "{name}" not found'
                return Status(Code.UNSCHEDULABLE_AND_UNRESOLVABLE, why, plugin=self.name)
            if volumes.READ_WRITE_ONCE_POD in (claim["spec"].get("accessModes") or ()):
                exclusive.add(name)
        known = _State(
            frozenset(exclusive), sum(self._is_used(Key(pod.key.namespace, name), pod) for name in exclusive)
        )
        if not has_disks and not known.conflicts:
            return _SKIP
        state[self.name] = known
        return None

    def _is_used(self, claim: Key, pod: PodInfo) -> bool:
        """By a pod that has a node, were it only in our mind."""
        return any(
            key != pod.key and self._cache.node_of(key)
            for key in self._pods.keys_by_index(_POD_CLAIMS, str(claim))
        )

    def add_pod(self, state: CycleState, pod: PodInfo, added: PodInfo, node: NodeInfo) -> None:
        if added.key.namespace == pod.key.namespace:
            known: _State = state[self.name]
            known.conflicts += known.count(added.obj)

    def remove_pod(self, state: CycleState, pod: PodInfo, removed: PodInfo, node: NodeInfo) -> None:
        if removed.key.namespace == pod.key.namespace:
            known: _State = state[self.name]
            known.conflicts -= known.count(removed.obj)

    def filter_nodes(
        self, state: CycleState, pod: PodInfo, nodes: Sequence[NodeInfo]
    ) -> Sequence[Status | None]:
        known: _State = state[self.name]
        _, has_disks = pod.note(self.name, _uses)
        exclusive = _IN_USE if known.conflicts > 0 else None
        return [
            _DISK_CONFLICT
            if has_disks and conflicts(pod.obj, (p.obj for p in node.pods.values()))
            else exclusive
            for node in nodes
        ]

    def events(self) -> Sequence[Interest]:
        return [
            Interest(ClusterEvent("Pod", Action.DELETE), _after_pod),
            Interest(ClusterEvent("Node", Action.ADD)),
            Interest(ClusterEvent("PersistentVolumeClaim", Action.ADD), _after_claim),
        ]


_SKIP = Status(Code.SKIP, plugin=VolumeRestrictions.name)
_DISK_CONFLICT = Status(
    Code.UNSCHEDULABLE, "node(s) had no available disk", plugin=VolumeRestrictions.name
)  # fmt: skip
_IN_USE = Status(
    Code.UNSCHEDULABLE,
    "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod",
    plugin=VolumeRestrictions.name,
)


def claim_names(pod: Obj) -> list[str]:
    """Of its persistentVolumeClaim volumes; ephemeral ones are nobody else's."""
    return [name for name, is_ephemeral in volumes.claims_of_pod(pod) if not is_ephemeral]


def _uses(pod: PodInfo) -> tuple[tuple[str, ...], bool]:
    """(claims, has disks of its own)."""
    return tuple(claim_names(pod.obj)), bool(_disks(pod.obj))


def _disks(pod: Obj) -> list[Obj]:
    return [v for v in pod["spec"].get("volumes") or () if any(kind in v for kind in _DISKS)]


def conflicts(pod: Obj, others: Iterable[Obj]) -> bool:
    """Whether a disk of the pod is taken by one of the others. Source: satisfyVolumeConflicts."""
    mine = _disks(pod)
    return any(_is_same(one, other) for each in others for other in _disks(each) for one in mine)


def _is_same(one: Obj, other: Obj) -> bool:
    """Source: isVolumeConflict."""
    for kind in _DISKS:
        a, b = one.get(kind), other.get(kind)
        if a is None or b is None:
            continue
        if kind == "awsElasticBlockStore":
            if a["volumeID"] == b["volumeID"]:
                return True
            continue
        if _is_same_disk(kind, a, b) and not (a.get("readOnly") and b.get("readOnly")):
            return True
    return False


def _is_same_disk(kind: str, a: Obj, b: Obj) -> bool:
    match kind:
        case "gcePersistentDisk":
            return bool(a["pdName"] == b["pdName"])
        case "iscsi":
            return bool(a["iqn"] == b["iqn"])
        case _:
            return (
                not set(a["monitors"]).isdisjoint(b["monitors"])
                and a.get("pool") == b.get("pool")
                and a["image"] == b["image"]
            )


def _after_pod(pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
    """Source: isSchedulableAfterPodDeleted."""
    if old is None or old["metadata"].get("namespace") != pod.key.namespace:
        return Hint.SKIP
    shares = not set(claim_names(pod.obj)).isdisjoint(claim_names(old))
    return Hint.QUEUE if shares or conflicts(pod.obj, (old,)) else Hint.SKIP


def _after_claim(pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
    if new is None or new["metadata"]["namespace"] != pod.key.namespace:
        return Hint.SKIP
    return Hint.QUEUE if new["metadata"]["name"] in claim_names(pod.obj) else Hint.SKIP
