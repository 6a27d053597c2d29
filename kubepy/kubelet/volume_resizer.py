"""The node's part of growing a volume: once a pod on one of our nodes uses it, its file system has the new size.

Watches claims that wait for it (allocatedResourceStatuses NodeResizePending), Pods and Nodes. Writes the capacity and
conditions of claims, records FileSystemResizeSuccessful on both.

Source: kubernetes 1.36 pkg/volume/util/resize_util.go (MarkFSResizeFinished),
pkg/volume/util/operationexecutor/operation_generator.go (nodeExpandVolume).
"""

from __future__ import annotations

from collections.abc import Iterable

from kubepy.api import errors, objects, volumes
from kubepy.api.builtins import NODES, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS
from kubepy.api.objects import Document, Key, Obj, walk
from kubepy.client.client import MERGE_PATCH
from kubepy.client.controller import After, Controller, ControllerContext, key_of
from kubepy.client.events import NORMAL, EventSink
from kubepy.kubelet.nodes import Identities, is_simulated

_POD_CLAIMS = "claims"
_RESIZING = ("Resizing", "FileSystemResizePending", "ControllerResizeError", "NodeResizeError")


def is_pending(claim: Obj) -> bool:
    return walk(claim, "status", "allocatedResourceStatuses", "storage") == "NodeResizePending"


def finished(claim: Obj, size: str) -> Obj:
    """The status patch of a claim that has got its size. Source: MarkFSResizeFinished."""
    conditions = [each for each in objects.conditions(claim) if each["type"] not in _RESIZING]
    return {
        "capacity": {"storage": size},
        "conditions": conditions or None,
        "allocatedResourceStatuses": {"storage": None},
    }


class VolumeResizer(Controller):
    """Keys are claims."""

    name = "kubelet-volume-resizer"
    workers = 2

    def __init__(self, context: ControllerContext, *, events: EventSink) -> None:
        super().__init__(context)
        self._identities = Identities(self.client)
        self.sink = events

    def setup(self) -> None:
        self.nodes = self.watch(NODES)
        self.volumes = self.watch(PERSISTENT_VOLUMES)
        self.claims = self.watch(
            PERSISTENT_VOLUME_CLAIMS, key_of, lambda document, old: is_pending(document.obj)
        )
        self.pods = self.watch(
            PODS, self._claims_of_started, indexes={_POD_CLAIMS: volumes.claim_keys_of_pod}
        )

    def _claims_of_started(self, document: Document, old: Document | None) -> Iterable[Key]:
        if walk(document.obj, "status", "phase") != "Running":
            return ()
        keys = [Key(document.key.namespace, name) for name, _ in volumes.claims_of_pod(document.obj)]
        return [key for key in keys if (claim := self.claims.get(key)) is not None and is_pending(claim)]

    async def reconcile(self, key: Key) -> After | None:
        claim = self.claims.get(key)
        if claim is None or not is_pending(claim):
            return None
        volume = self.volumes.get(Key("", claim["spec"].get("volumeName") or ""))
        pod = self._user(key)
        if volume is None or pod is None:
            return None
        node, name = pod["spec"]["nodeName"], volume["metadata"]["name"]
        patch = {
            "metadata": {"uid": objects.uid_of(claim)},
            "status": finished(claim, volume["spec"]["capacity"]["storage"]),
        }
        try:
            await self._identities.of(node).patch(
                PERSISTENT_VOLUME_CLAIMS, key.name, patch, namespace=key.namespace, subresource="status",
                content_type=MERGE_PATCH,
            )  # fmt: skip
        except (errors.NotFound, errors.Conflict):
            return None
        message = f'MountVolume.NodeExpandVolume succeeded for volume "{name}" {node}'
        for about in (pod, claim):
            self.sink.recorder("kubelet", node).event(about, NORMAL, "FileSystemResizeSuccessful", message)
        return None

    def _user(self, key: Key) -> Obj | None:
        """A running pod on one of our nodes."""
        for pod in self.pods.by_index(_POD_CLAIMS, str(key)):
            node = self.nodes.get(Key("", pod["spec"].get("nodeName") or ""))
            if walk(pod, "status", "phase") == "Running" and node is not None and is_simulated(node):
                return pod
        return None
