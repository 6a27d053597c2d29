"""VolumeZone: volumes labelled with zones or regions are used from nodes in one of those.

Nodes without any zone or region label are in a cluster without zones and take everything.

Source: pkg/scheduler/framework/plugins/volumezone/volume_zone.go, cloud-provider volume/helpers/zones.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kubepy.api import volumes
from kubepy.api.builtins import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, STORAGE_CLASSES
from kubepy.api.objects import Key, Obj, labels_of
from kubepy.scheduler.framework import Action, ClusterEvent, Code, CycleState, Hint, Interest, Status
from kubepy.scheduler.node_info import NodeInfo, PodInfo
from kubepy.scheduler.plugins.volume_restrictions import claim_names
from kubepy.scheduler.toolbox import Toolbox

# Each with the label that nodes may carry in its place.
_TOPOLOGY = {
    "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region": "topology.kubernetes.io/region",
}
Topologies = list[tuple[str, frozenset[str]]]


class VolumeZone:
    name = "VolumeZone"

    def __init__(self, tools: Toolbox) -> None:
        informer = tools.informers.informer
        self._claims, self._volumes = informer(PERSISTENT_VOLUME_CLAIMS), informer(PERSISTENT_VOLUMES)
        self._classes = informer(STORAGE_CLASSES)

    def pre_filter(self, state: CycleState, pod: PodInfo) -> Status | None:
        names = pod.note(self.name, _claims)
        if not names:
            return _SKIP
        found: Topologies = []
        for name in names:
            known = self._topologies(Key(pod.key.namespace, name))
            if isinstance(known, str):
                return Status(Code.UNSCHEDULABLE_AND_UNRESOLVABLE, known, plugin=self.name)
            found += known
        if not found:
            return _SKIP
        state[self.name] = found
        return None

    def _topologies(self, key: Key) -> Topologies | str:
        """Of the claim's volume, or why it cannot be told. Source: getPVbyPod."""
        claim = self._claims.get(key)
        if claim is None:
            return f'persistentvolumeclaim "{key.name}" not found'
        if name := claim["spec"].get("volumeName"):
            volume = self._volumes.get(Key("", name))
            return topologies(volume) if volume is not None else f'persistentvolume "{name}" not found'
        class_name = volumes.class_of_claim(claim)
        if not class_name:
            return "PersistentVolumeClaim had no pv name and storageClass name"
        storage_class = self._classes.get(Key("", class_name))
        if storage_class is None:
            return f'storageclass.storage.k8s.io "{class_name}" not found'
        return [] if volumes.waits_for_consumer(storage_class) else "PersistentVolume had no name"

    def filter_nodes(
        self, state: CycleState, pod: PodInfo, nodes: Sequence[NodeInfo]
    ) -> Sequence[Status | None]:
        wanted: Topologies = state[self.name]
        return [None if is_inside(wanted, node.labels) else _CONFLICT for node in nodes]

    def events(self) -> Sequence[Interest]:
        changed = Action.ADD | Action.UPDATE
        return [
            Interest(ClusterEvent("StorageClass", Action.ADD), _after_storage_class),
            Interest(ClusterEvent("Node", Action.ADD | Action.UPDATE_NODE_LABEL)),
            Interest(ClusterEvent("PersistentVolumeClaim", changed), _after_claim),
            Interest(ClusterEvent("PersistentVolume", changed), _after_volume),
        ]


_SKIP = Status(Code.SKIP, plugin=VolumeZone.name)
_CONFLICT = Status(
    Code.UNSCHEDULABLE_AND_UNRESOLVABLE, "node(s) had no available volume zone", plugin=VolumeZone.name
)


def topologies(volume: Obj) -> Topologies:
    """(label, allowed values); several are written `a__b`. Source: getPVTopologies, LabelZonesToSet."""
    labels = labels_of(volume)
    found: Topologies = []
    for label in _TOPOLOGY:
        if label in labels:
            values = [value.strip() for value in labels[label].split("__")]
            if all(values):
                found.append((label, frozenset(values)))
    return found


def is_inside(wanted: Topologies, labels: Mapping[str, str]) -> bool:
    if not any(label in labels for label in _TOPOLOGY):
        return True
    return all(labels.get(label, labels.get(_TOPOLOGY[label])) in values for label, values in wanted)


def _claims(pod: PodInfo) -> tuple[str, ...]:
    return tuple(claim_names(pod.obj))


def _after_storage_class(pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
    return Hint.QUEUE if volumes.waits_for_consumer(new) else Hint.SKIP


def _after_claim(pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
    if new is None or new["metadata"]["namespace"] != pod.key.namespace:
        return Hint.SKIP
    return Hint.QUEUE if new["metadata"]["name"] in claim_names(pod.obj) else Hint.SKIP


def _after_volume(pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
    if old is None or new is None:
        return Hint.QUEUE
    return Hint.QUEUE if topologies(old) != topologies(new) else Hint.SKIP
