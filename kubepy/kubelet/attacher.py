"""The CSI attacher of simulated nodes: each volume that is to be attached to one of them, is.

Watches VolumeAttachments, PersistentVolumes and Nodes. Writes the status of VolumeAttachments, in the place of the
drivers' external-attachers, which have no node to talk to here.

Source: kubernetes-csi/external-attacher pkg/controller/csi_handler.go.
"""

from __future__ import annotations

from collections.abc import Iterable

from kubepy.api import errors, objects
from kubepy.api.builtins import NODES, PERSISTENT_VOLUMES, VOLUME_ATTACHMENTS
from kubepy.api.objects import Document, Key, Obj, walk
from kubepy.client.client import MERGE_PATCH
from kubepy.client.controller import After, Controller
from kubepy.kubelet.nodes import is_simulated


class Attacher(Controller):
    name = "kubelet-attacher"
    workers = 4

    def setup(self) -> None:
        self.nodes = self.watch(NODES)
        self.volumes = self.watch(PERSISTENT_VOLUMES, self._attachments_of)
        self.attachments = self.watch(
            VOLUME_ATTACHMENTS, _unattached, indexes={"volume": lambda obj: [_volume_name(obj)]}
        )

    def _attachments_of(self, document: Document, old: Document | None) -> Iterable[Key]:
        return () if old is not None else self.attachments.keys_by_index("volume", document.key.name)

    async def reconcile(self, key: Key) -> After | None:
        attachment = self.attachments.get(key)
        if attachment is None or not is_to_attach(attachment):
            return None
        node = self.nodes.get(Key("", attachment["spec"]["nodeName"]))
        if node is None or not is_simulated(node):
            return None
        name = _volume_name(attachment)
        if name and self.volumes.get(Key("", name)) is None:
            return None
        patch = {"metadata": {"uid": objects.uid_of(attachment)}, "status": {"attached": True}}
        try:
            await self.client.patch(
                VOLUME_ATTACHMENTS, key.name, patch, subresource="status", content_type=MERGE_PATCH
            )
        except (errors.NotFound, errors.Conflict):
            return None
        self.log.info("volume_attached", object=key.name, node=attachment["spec"]["nodeName"])
        return None


def _volume_name(attachment: Obj) -> str:
    """ "" for a volume that is written out in the attachment."""
    return str(walk(attachment, "spec", "source", "persistentVolumeName") or "")


def is_to_attach(attachment: Obj) -> bool:
    return not walk(attachment, "status", "attached") and not objects.is_deleting(attachment)


def _unattached(document: Document, old: Document | None) -> Iterable[Key]:
    return (document.key,) if is_to_attach(document.obj) else ()
