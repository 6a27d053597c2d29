"""NodeVolumeLimits: no more volumes of a CSI driver on a node than its CSINode says can be attached.

Counted are the volumes of the pods there and those still attached, each once, however many pods use it. In-tree volumes
that CSI drivers took over are not counted: they are not translated here.

A driver may ask that its volumes go only where it is installed (VolumeLimitScaling, on since 1.37).

Source: pkg/scheduler/framework/plugins/nodevolumelimits/csi.go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from kubepy.api import objects, volumes
from kubepy.api.builtins import (
    CSI_DRIVERS,
    CSI_NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    STORAGE_CLASSES,
    VOLUME_ATTACHMENTS,
)
from kubepy.api.objects import Key, Obj, walk
from kubepy.scheduler.framework import Action, ClusterEvent, Code, CycleState, Hint, Interest, Status
from kubepy.scheduler.node_info import NodeInfo, PodInfo
from kubepy.scheduler.plugins.volume_binding import after_claim, claims_of
from kubepy.scheduler.toolbox import Toolbox

_NODE = "node"


class NodeVolumeLimits:
    name = "NodeVolumeLimits"

    def __init__(self, tools: Toolbox) -> None:
        informer = tools.informers.informer
        self._csi_nodes, self._classes = informer(CSI_NODES), informer(STORAGE_CLASSES)
        self._drivers = informer(CSI_DRIVERS)
        self._claims, self._volumes = informer(PERSISTENT_VOLUME_CLAIMS), informer(PERSISTENT_VOLUMES)
        self._attachments = informer(VOLUME_ATTACHMENTS)
        self._attachments.add_index(_NODE, _node_of_attachment)
        self._statuses: dict[str, Status] = {}  # by driver that is missing

    def pre_filter(self, state: CycleState, pod: PodInfo) -> Status | None:
        return None if pod.note("VolumeBinding", claims_of) else _SKIP

    def filter_nodes(
        self, state: CycleState, pod: PodInfo, nodes: Sequence[NodeInfo]
    ) -> Sequence[Status | None]:
        wanted: dict[str, str] = {}
        for name, is_ephemeral in pod.note("VolumeBinding", claims_of):
            claim = self._claims.get(Key(pod.key.namespace, name))
            if claim is None:
                why = f'looking up PVC {pod.key.namespace}/{name}: persistentvolumeclaim "{name}" not found'
                status = Status(Code.UNSCHEDULABLE_AND_UNRESOLVABLE, why, plugin=self.name)
                return [status] * len(nodes)
            if is_ephemeral and not volumes.is_claim_for_pod(pod.obj, claim):
                return [Status(Code.ERROR, volumes.not_for_pod(pod.obj, claim), plugin=self.name)] * len(
                    nodes
                )
            wanted |= self._attachable(claim)
        if not wanted:
            return [None] * len(nodes)
        needed = sorted({driver for driver in wanted.values() if self._is_needed(driver)})
        return [self._filter(wanted, needed, node) for node in nodes]

    def _is_needed(self, driver: str) -> bool:
        """Whether it says that pods wait for it. Source: checkCSIDriverOnNode."""
        found = self._drivers.get(Key("", driver))
        return found is not None and bool(found["spec"].get("preventPodSchedulingIfMissing"))

    def _filter(self, wanted: Mapping[str, str], needed: Sequence[str], node: NodeInfo) -> Status | None:
        csi_node = self._csi_nodes.get(Key("", node.name))
        drivers = (csi_node["spec"].get("drivers") or ()) if csi_node is not None else ()
        installed = {driver["name"] for driver in drivers}
        for driver in needed:
            if driver not in installed:
                return self._missing(driver)
        return None if self._fits(wanted, limits_of(drivers), node) else _TOO_MANY

    def _missing(self, driver: str) -> Status:
        status = self._statuses.get(driver)
        if status is None:
            why = f"{driver} CSI driver is not installed on the node"
            status = self._statuses[driver] = Status(Code.UNSCHEDULABLE, why, plugin=self.name)
        return status

    def _fits(self, wanted: Mapping[str, str], limits: Mapping[str, int], node: NodeInfo) -> bool:
        if not any(driver in limits for driver in wanted.values()):
            return True
        attached: dict[str, str] = {}
        for other in node.pods.values():
            for name, _ in other.note("VolumeBinding", claims_of):
                claim = self._claims.get(Key(other.key.namespace, name))
                if claim is not None:
                    attached |= self._attachable(claim)
        for attachment in self._attachments.by_index(_NODE, node.name):
            attached |= self._still_attached(attachment)
        used = Counter(attached.values())
        added = Counter(driver for volume, driver in wanted.items() if volume not in attached)
        return all(
            used[driver] + count <= limits.get(driver, used[driver] + count)
            for driver, count in added.items()
        )

    def _attachable(self, claim: Obj) -> dict[str, str]:
        """{unique name: driver} of the claim's volume, made or to be made. Source: getCSIDriverInfo."""
        volume = self._volumes.get(Key("", claim["spec"].get("volumeName") or ""))
        if volume is not None:
            return _unique(volume)
        storage_class = self._classes.get(Key("", volumes.class_of_claim(claim)))
        if storage_class is None:
            return {}
        # A handle that no driver gives: there is no volume yet.
        provisioner = storage_class["provisioner"]
        return {f"{provisioner}/ {objects.key_of(claim)}": provisioner}

    def _still_attached(self, attachment: Obj) -> dict[str, str]:
        """Source: getNodeVolumeAttachmentInfo."""
        name = walk(attachment, "spec", "source", "persistentVolumeName")
        volume = self._volumes.get(Key("", name)) if name else None
        return _unique(volume) if volume is not None else {}

    def events(self) -> Sequence[Interest]:
        return [
            Interest(ClusterEvent("CSINode", Action.ADD)),
            Interest(ClusterEvent("CSINode", Action.UPDATE), _after_csi_node),
            Interest(ClusterEvent("Pod", Action.DELETE), _after_pod),
            Interest(ClusterEvent("PersistentVolumeClaim", Action.ADD), after_claim),
            Interest(ClusterEvent("VolumeAttachment", Action.DELETE), _after_attachment),
        ]


_SKIP = Status(Code.SKIP, plugin=NodeVolumeLimits.name)
_TOO_MANY = Status(
    Code.UNSCHEDULABLE, "node(s) exceed max volume count", plugin=NodeVolumeLimits.name
)  # fmt: skip


def limits_of(drivers: Iterable[Obj]) -> dict[str, int]:
    """Of a CSINode's drivers. Source: getVolumeLimits."""
    counts = {driver["name"]: walk(driver, "allocatable", "count") for driver in drivers}
    return {name: count for name, count in counts.items() if count is not None}


def _unique(volume: Obj) -> dict[str, str]:
    source = volume["spec"].get("csi")
    return {f"{source['driver']}/{source['volumeHandle']}": source["driver"]} if source is not None else {}


def _node_of_attachment(attachment: Obj) -> list[str]:
    return [attachment["spec"]["nodeName"]]


def _after_csi_node(pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
    before, now = (limits_of(walk(each, "spec", "drivers") or ()) if each else {} for each in (old, new))
    return Hint.QUEUE if any(count > before.get(name, 0) for name, count in now.items()) else Hint.SKIP


def _after_pod(pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
    if old is None:
        return Hint.SKIP
    had_node = old["spec"].get("nodeName") or walk(old, "status", "nominatedNodeName")
    return Hint.QUEUE if had_node and any(volumes.claims_of_pod(old)) else Hint.SKIP


def _after_attachment(pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
    has_claim = any(not is_ephemeral for _, is_ephemeral in volumes.claims_of_pod(pod.obj))
    return Hint.QUEUE if has_claim else Hint.SKIP
