"""Claims that ask for more than their volume has: the volume grows, then its file system on the node.

Watches claims, volumes and StorageClasses. Writes the size of volumes, status.conditions, allocatedResources and
allocatedResourceStatuses of claims. It grows the volumes of kubepy.io/local-path, in the place of their
external-resizer; for all others it says that it waits for theirs.

    ControllerResizeInProgress   the volume is to grow to what allocatedResources says
    ControllerResizeInfeasible   it cannot: tried again every five minutes, and at once when the claim asks for less
    NodeResizePending            it has grown: the kubelet of a pod that uses the claim does the rest
    NodeResizeInfeasible         that cannot: the node is to try again

A volume cannot grow beyond the parameter `maxSize` of its class, which is how an expansion fails here. What was begun
is finished before anything else that the claim asks for meanwhile.

Source: kubernetes 1.36 pkg/controller/volume/expand/expand_controller.go, pkg/volume/util/resize_util.go;
kubernetes-csi/external-resizer pkg/controller/{controller,expand_and_recover,resize_status}.go.
"""

from __future__ import annotations

from msgspec import Struct

from kubepy.api import objects, quantity, volumes
from kubepy.api.builtins import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, STORAGE_CLASSES
from kubepy.api.objects import Document, Key, Obj, annotations_of, walk
from kubepy.client.client import MERGE_PATCH
from kubepy.client.controller import After, Controller, ControllerContext, key_of
from kubepy.client.events import NORMAL, WARNING
from kubepy.controllers import local_provisioner

RESIZING = ("Resizing", "FileSystemResizePending", "ControllerResizeError", "NodeResizeError")
WAIT_FOR_NODE = "Waiting for user to (re-)start a pod to finish file system resize of volume on node."
# Source: external-resizer cmd/csi-resizer/main.go, retry-interval-max.
INFEASIBLE_RETRY_S = 300.0


class Plan(Struct, frozen=True):
    """What is next."""

    size: str = ""  # the volume is to have at least this
    external: bool = False  # somebody else's


def plan(claim: Obj, volume: Obj) -> Plan:
    """Nothing when the claim has what it asks for, or the node is to do the rest. Source: expandAndRecover."""
    wanted = volumes.requested_bytes(claim)
    if wanted <= quantity.value(walk(claim, "status", "capacity", "storage") or "0"):
        return Plan()
    if annotations_of(volume).get(volumes.PROVISIONED_BY) != volumes.LOCAL_PROVISIONER:
        return Plan(external=True)
    asked: str = walk(claim, "spec", "resources", "requests", "storage")
    begun: str = walk(claim, "status", "allocatedResources", "storage") or asked
    has = volumes.capacity_bytes(volume)
    match walk(claim, "status", "allocatedResourceStatuses", "storage"):
        case "NodeResizePending" | "NodeResizeInProgress":
            is_there = has >= min(wanted, quantity.value(begun))
            return Plan() if is_there else Plan(size=begun)
        case "NodeResizeInfeasible" | "ControllerResizeInProgress":
            return Plan(size=begun)
        case "ControllerResizeInfeasible" | None if has >= wanted:
            return Plan(size=begun)
    return Plan(size=asked)


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

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        self._again_at: dict[Key, float] = {}  # by claim: what was infeasible is not tried before

    def setup(self) -> None:
        self.claims = self.watch(PERSISTENT_VOLUME_CLAIMS, key_of, is_growing)
        self.volumes = self.watch(PERSISTENT_VOLUMES)
        self.classes = self.watch(STORAGE_CLASSES)

    async def reconcile(self, key: Key) -> After | None:
        claim = self.claims.get(key)
        volume = self.volumes.get(Key("", claim["spec"].get("volumeName") or "")) if claim else None
        if claim is None or volume is None or not volumes.is_bound_to(volume, claim):
            self._again_at.pop(key, None)
            return None
        decided = plan(claim, volume)
        if decided.external:
            message = "waiting for an external controller to expand this PVC"
            self.events.event(claim, NORMAL, "ExternalExpanding", message)
        return await self._expand(claim, volume, decided.size) if decided.size else None

    async def _expand(self, claim: Obj, volume: Obj, size: str) -> After | None:
        key, name = objects.key_of(claim), volume["metadata"]["name"]
        begun = walk(claim, "status", "allocatedResources", "storage")
        is_new = begun is None or quantity.value(begun) != quantity.value(size)
        wait_s = self._again_at.get(key, 0.0) - self.clock.monotonic()
        if wait_s > 0 and not is_new:
            return After(wait_s)
        claim = await self._begin(claim, size, is_new=is_new)
        self.events.event(claim, NORMAL, "Resizing", f"External resizer is resizing volume {name}")
        storage_class = self.classes.get(Key("", volumes.class_of_volume(volume)))
        if why := local_provisioner.too_large(size, storage_class):
            self._again_at[key] = self.clock.monotonic() + INFEASIBLE_RETRY_S
            await self._fail(claim, why)
            message = f'resize volume "{name}" by resizer "{volumes.LOCAL_PROVISIONER}" failed: {why}'
            self.events.event(claim, WARNING, "VolumeResizeFailed", message)
            return After(INFEASIBLE_RETRY_S)
        self._again_at.pop(key, None)
        if volumes.capacity_bytes(volume) < quantity.value(size):
            patch = {"metadata": {"uid": objects.uid_of(volume)}, "spec": {"capacity": {"storage": size}}}
            written = await self.client.patch(PERSISTENT_VOLUMES, name, patch, content_type=MERGE_PATCH)
            self.log.info("volume_expanded", object=name, size=size, revision=objects.revision_of(written))
        await self._leave_to_node(claim)
        return None

    async def _begin(self, claim: Obj, size: str, *, is_new: bool) -> Obj:
        """Source: markControllerResizeInProgress."""
        condition = {"type": "Resizing", "status": "True", "lastTransitionTime": self.clock.rfc3339()}
        status: Obj = {
            "conditions": with_condition(claim, condition, keep=not is_new),
            "allocatedResources": {"storage": size},
        }
        if is_new:
            status["allocatedResourceStatuses"] = {"storage": "ControllerResizeInProgress"}
        resizer = {"annotations": {volumes.STORAGE_RESIZER: volumes.LOCAL_PROVISIONER}}
        return await self._patch_status(claim, {"metadata": resizer, "status": status})

    async def _fail(self, claim: Obj, why: str) -> None:
        """Source: markControllerExpansionInfeasible."""
        condition = {
            "type": "ControllerResizeError",
            "status": "True",
            "lastTransitionTime": self.clock.rfc3339(),
            "message": f"failed to expand pvc with {why}",
        }
        status = {
            "conditions": with_condition(claim, condition, keep=True),
            "allocatedResourceStatuses": {"storage": "ControllerResizeInfeasible"},
        }
        await self._patch_status(claim, {"status": status})

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
