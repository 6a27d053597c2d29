"""Claims that ask for more than their volume has: the volume grows, then its file system on the node.

Watches claims and volumes. Writes the size of volumes, status.conditions, allocatedResources and
allocatedResourceStatuses of claims. It grows the volumes of kubepy.io/local-path, in the place of their
external-resizer; for all others it says that it waits for theirs.

    Resizing                        ControllerResizeInProgress
    FileSystemResizePending         NodeResizePending: the kubelet of a pod that uses the claim does the rest

Not done: recovery from an expansion that failed, for ours do not fail. A claim made smaller again before its volume has
grown simply asks for less.

Source: kubernetes 1.36 pkg/controller/volume/expand/expand_controller.go, pkg/volume/util/resize_util.go;
kubernetes-csi/external-resizer pkg/controller/controller.go (events).
"""

from __future__ import annotations

from msgspec import Struct

from kubepy.api import objects, quantity, volumes
from kubepy.api.builtins import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES
from kubepy.api.objects import Document, Key, Obj, annotations_of, walk
from kubepy.client.client import MERGE_PATCH
from kubepy.client.controller import After, Controller, key_of
from kubepy.client.events import NORMAL

RESIZING = ("Resizing", "FileSystemResizePending", "ControllerResizeError", "NodeResizeError")
WAIT_FOR_NODE = "Waiting for user to (re-)start a pod to finish file system resize of volume on node."


class Plan(Struct, frozen=True):
    """What is next."""

    volume_size: str = ""  # the volume has to grow to this
    pending_on_node: bool = False  # it has grown; the file system has not
    external: bool = False  # somebody else's


def plan(claim: Obj, volume: Obj) -> Plan:
    """Nothing when the claim has what it asks for, or the node is to do the rest."""
    wanted = volumes.requested_bytes(claim)
    if wanted <= quantity.value(walk(claim, "status", "capacity", "storage") or "0"):
        return Plan()
    if annotations_of(volume).get(volumes.PROVISIONED_BY) != volumes.LOCAL_PROVISIONER:
        return Plan(external=True)
    if volumes.capacity_bytes(volume) < wanted:
        return Plan(volume_size=walk(claim, "spec", "resources", "requests", "storage"))
    status = walk(claim, "status", "allocatedResourceStatuses", "storage")
    return Plan(pending_on_node=status not in ("NodeResizePending", "NodeResizeInProgress"))


def is_growing(document: Document, old: Document | None) -> bool:
    """A bound claim that asks for more than it has."""
    claim = document.obj
    has = walk(claim, "status", "capacity", "storage")
    return (
        walk(claim, "status", "phase") == "Bound"
        and has is not None
        and volumes.requested_bytes(claim) > quantity.value(has)
    )


def with_condition(claim: Obj, condition: Obj, *, keep: bool) -> list[Obj]:
    """Its conditions with this one; `keep`: others about resizing stay. Source: MergeResizeConditionOnPVC."""
    result: list[Obj] = []
    for known in objects.conditions(claim):
        if known["type"] == condition["type"]:
            condition = known if known.get("status") == condition["status"] else condition
        elif keep or known["type"] not in RESIZING:
            result.append(known)
    return [*result, condition]


class VolumeExpandController(Controller):
    name = "persistentvolume-expander-controller"
    workers = 4

    def setup(self) -> None:
        self.claims = self.watch(PERSISTENT_VOLUME_CLAIMS, key_of, is_growing)
        self.volumes = self.watch(PERSISTENT_VOLUMES)

    async def reconcile(self, key: Key) -> After | None:
        claim = self.claims.get(key)
        volume = self.volumes.get(Key("", claim["spec"].get("volumeName") or "")) if claim else None
        if claim is None or volume is None or not volumes.is_bound_to(volume, claim):
            return None
        decided = plan(claim, volume)
        if decided.external:
            message = "waiting for an external controller to expand this PVC"
            self.events.event(claim, NORMAL, "ExternalExpanding", message)
        elif decided.volume_size:
            await self._grow(claim, volume, decided.volume_size)
        elif decided.pending_on_node:
            await self._leave_to_node(claim)
        return None

    async def _grow(self, claim: Obj, volume: Obj, size: str) -> None:
        name = volume["metadata"]["name"]
        self.events.event(claim, NORMAL, "Resizing", f"External resizer is resizing volume {name}")
        condition = {"type": "Resizing", "status": "True", "lastTransitionTime": self.clock.rfc3339()}
        status = {
            "conditions": with_condition(claim, condition, keep=False),
            "allocatedResources": {"storage": size},
            "allocatedResourceStatuses": {"storage": "ControllerResizeInProgress"},
        }
        resizer = {"annotations": {volumes.STORAGE_RESIZER: volumes.LOCAL_PROVISIONER}}
        claim = await self._patch_status(claim, {"metadata": resizer, "status": status})
        patch = {"metadata": {"uid": objects.uid_of(volume)}, "spec": {"capacity": {"storage": size}}}
        written = await self.client.patch(PERSISTENT_VOLUMES, name, patch, content_type=MERGE_PATCH)
        self.log.info("volume_expanded", object=name, size=size, revision=objects.revision_of(written))
        await self._leave_to_node(claim)

    async def _leave_to_node(self, claim: Obj) -> None:
        """Source: MarkForFSResize."""
        condition = {
            "type": "FileSystemResizePending",
            "status": "True",
            "lastTransitionTime": self.clock.rfc3339(),
            "message": WAIT_FOR_NODE,
        }
        status = {
            "conditions": with_condition(claim, condition, keep=True),
            "allocatedResourceStatuses": {"storage": "NodeResizePending"},
        }
        await self._patch_status(claim, {"status": status})
        message = "Require file system resize of volume on node"
        self.events.event(claim, NORMAL, "FileSystemResizeRequired", message)

    async def _patch_status(self, claim: Obj, patch: Obj) -> Obj:
        key = objects.key_of(claim)
        patch = patch | {"metadata": (patch.get("metadata") or {}) | {"uid": objects.uid_of(claim)}}
        return await self.client.patch(
            PERSISTENT_VOLUME_CLAIMS, key.name, patch, namespace=key.namespace, subresource="status",
            content_type=MERGE_PATCH,
        )  # fmt: skip
