"""Volumes are attached to the nodes whose pods use them, and detached when none does: VolumeAttachments of CSI volumes.

Watches Pods, claims, volumes, CSIDrivers, Nodes and VolumeAttachments. Creates and deletes VolumeAttachments; the
driver's external-attacher answers in their status, for simulated nodes the kubelet does. Writes status.volumesAttached
of Nodes.

    a pod with a node uses a volume      -> attach, unless another node has it and it is for one node only
    nobody on the node uses it any more  -> status.volumesAttached forgets it, then detach

Only CSI volumes whose driver attaches (CSIDriver attachRequired) are attached: other sources have no attacher here.
A pod lets go of its volumes when it has ended; nothing is mounted, so there is no volumesInUse to wait for, and hence
no forced detach after six minutes.

Source: kubernetes 1.36 pkg/controller/volume/attachdetach/{attach_detach_controller,reconciler/reconciler,
statusupdater/node_status_updater}.go, pkg/volume/csi/csi_attacher.go, pkg/volume/util/util.go (IsMultiAttachAllowed).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from kubepy.api import errors, objects, pods, volumes
from kubepy.api.builtins import (
    CSI_DRIVERS,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    PODS,
    VOLUME_ATTACHMENTS,
)
from kubepy.api.objects import Document, Key, Obj, walk
from kubepy.client.client import MERGE_PATCH
from kubepy.client.controller import After, Controller
from kubepy.client.events import NORMAL, WARNING
from kubepy.controllers.persistent_volume_binder import POD_CLAIMS

_VOLUME = "volume"
_MULTI_NODE = frozenset({"ReadWriteMany", "ReadOnlyMany"})


class Plan(Struct, frozen=True):
    attach: tuple[str, ...] = ()  # nodes
    detach: tuple[str, ...] = ()  # nodes
    refused: tuple[str, ...] = ()  # nodes that must wait until another lets go


def plan(volume: Obj, wanted: Iterable[str], attached: Iterable[str]) -> Plan:
    """`wanted`: nodes whose pods use the volume, in their order; `attached`: those that have it, or are about to."""
    want, have = dict.fromkeys(wanted), set(attached)
    detach = tuple(sorted(have - want.keys()))
    missing = [node for node in want if node not in have]
    if is_shared(volume) or not missing:
        return Plan(tuple(missing), detach)
    if have:
        return Plan((), detach, tuple(missing))
    return Plan((missing[0],), detach, tuple(missing[1:]))


def is_shared(volume: Obj) -> bool:
    """Source: IsMultiAttachAllowed."""
    modes = volume["spec"].get("accessModes") or ()
    return not modes or not _MULTI_NODE.isdisjoint(modes)


def multi_attach_error(name: str, pod: Obj, others: Sequence[Obj]) -> str:
    """`others`: the pods that use the volume on other nodes. Source: reportMultiAttachError."""
    prefix = f'Multi-Attach error for volume "{name}" '
    namespace = pod["metadata"]["namespace"]
    local = [each["metadata"]["name"] for each in others if each["metadata"]["namespace"] == namespace]
    elsewhere = len(others) - len(local)
    if not others:
        return f"{prefix}Volume is already exclusively attached to one node and can't be attached to another"
    if not local:
        return f"{prefix}Volume is already used by {elsewhere} pod(s) in different namespaces"
    more = f" and {elsewhere} pod(s) in different namespaces" if elsewhere else ""
    return f"{prefix}Volume is already used by pod(s) {', '.join(local)}{more}"


def uses_volumes(pod: Obj) -> bool:
    """A pod on a node that has not ended."""
    return bool(pod["spec"].get("nodeName")) and not pods.is_terminal(pod)


def render_attachment(volume: Obj, node: str) -> Obj:
    source = volume["spec"]["csi"]
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "VolumeAttachment",
        "metadata": {"name": volumes.attachment_name(source, node)},
        "spec": {
            "attacher": source["driver"],
            "nodeName": node,
            "source": {"persistentVolumeName": volume["metadata"]["name"]},
        },
    }


class AttachDetachController(Controller):
    """Keys are volumes, and nodes under the namespace "nodes", for their status."""

    name = "persistentvolume-attach-detach-controller"
    workers = 4

    def setup(self) -> None:
        self.claims = self.watch(PERSISTENT_VOLUME_CLAIMS, self._volume_of_claim)
        self.volumes = self.watch(PERSISTENT_VOLUMES, _attachable)
        self.drivers, self.nodes = self.watch(CSI_DRIVERS), self.watch(NODES)
        self.attachments = self.watch(
            VOLUME_ATTACHMENTS, _keys_of_attachment, indexes={_VOLUME: _volume_of, "node": _node_of}
        )
        self.attachments.add_handler(on_update=self._maybe_attached)
        self.pods = self.watch(PODS, indexes={POD_CLAIMS: volumes.claim_keys_of_pod})
        self.watch(PODS, self._volumes_of_pod)
        self._refused: set[tuple[str, str]] = set()  # (volume, pod uid) that were told

    def _volume_of_claim(self, document: Document, old: Document | None) -> Iterable[Key]:
        name = document.obj["spec"].get("volumeName")
        return (Key("", name),) if name else ()

    @objects.about("spec", "status.phase")
    def _volumes_of_pod(self, document: Document, old: Document | None) -> Iterable[Key]:
        """When it came to a node, or has ended."""
        pod = document.obj
        if not pod["spec"].get("nodeName") or (
            old is not None and uses_volumes(old.obj) == uses_volumes(pod)
        ):
            return
        for name, _ in volumes.claims_of_pod(pod):
            claim = self.claims.get(Key(document.key.namespace, name))
            if claim is not None and (volume := claim["spec"].get("volumeName")):
                yield Key("", volume)

    def _maybe_attached(self, old: Document, new: Document) -> None:
        """Tell the pods when their volume has come."""
        if walk(old.obj, "status", "attached") or not walk(new.obj, "status", "attached"):
            return
        name, node = walk(new.obj, "spec", "source", "persistentVolumeName"), new.obj["spec"]["nodeName"]
        for pod in self._users(Key("", name or "")):
            if pod["spec"]["nodeName"] == node:
                message = f'AttachVolume.Attach succeeded for volume "{name}" '
                self.events.event(pod, NORMAL, "SuccessfulAttachVolume", message)

    async def reconcile(self, key: Key) -> After | None:
        if key.namespace == "nodes":
            await self._report(key.name)
            return None
        volume = self.volumes.get(key)
        have = self.attachments.by_index(_VOLUME, key.name)
        if volume is None or not self._attaches(volume):
            return None
        users = self._users(key)
        decided = plan(volume, (pod["spec"]["nodeName"] for pod in users), map(_node_name, have))
        for attachment in have:
            if _node_name(attachment) in decided.detach and not objects.is_deleting(attachment):
                await self._detach(attachment)
        for node in decided.attach:
            await self._attach(volume, node)
        self._refuse(volume, [pod for pod in users if pod["spec"]["nodeName"] in decided.refused], users)
        return None

    def _attaches(self, volume: Obj) -> bool:
        if "csi" not in volume["spec"]:
            return False
        driver = self.drivers.get(Key("", volume["spec"]["csi"]["driver"]))
        return driver is None or driver["spec"].get("attachRequired") is not False

    def _users(self, key: Key) -> list[Obj]:
        """Pods on nodes that use the volume."""
        volume = self.volumes.get(key)
        claim = volumes.claim_key_of(volume) if volume is not None else None
        if claim is None:
            return []
        return [pod for pod in self.pods.by_index(POD_CLAIMS, str(claim)) if uses_volumes(pod)]

    async def _attach(self, volume: Obj, node: str) -> None:
        try:
            made = await self.client.create(VOLUME_ATTACHMENTS, render_attachment(volume, node))
        except errors.AlreadyExists:
            return
        self.log.info(
            "volume_attaching",
            object=volume["metadata"]["name"],
            node=node,
            revision=objects.revision_of(made),
        )

    async def _detach(self, attachment: Obj) -> None:
        name, node = attachment["metadata"]["name"], _node_name(attachment)
        # The node learns first, so that no pod there starts to use the volume meanwhile.
        await self._report(node, but=name)
        try:
            await self.client.delete(VOLUME_ATTACHMENTS, name, uid=objects.uid_of(attachment))
        except errors.NotFound:
            return
        self.log.info("volume_detaching", object=name, node=node)

    def _refuse(self, volume: Obj, refused: list[Obj], users: list[Obj]) -> None:
        name = volume["metadata"]["name"]
        for pod in refused:
            told = (name, objects.uid_of(pod))
            if told not in self._refused:
                self._refused.add(told)
                others = [each for each in users if each["spec"]["nodeName"] != pod["spec"]["nodeName"]]
                message = multi_attach_error(name, pod, others)
                self.events.event(pod, WARNING, "FailedAttachVolume", message)
        kept = {objects.uid_of(pod) for pod in refused}
        self._refused = {told for told in self._refused if told[0] != name or told[1] in kept}

    async def _report(self, name: str, *, but: str = "") -> None:
        """status.volumesAttached of a node. Source: UpdateNodeStatusForNode."""
        node = self.nodes.get(Key("", name))
        if node is None:
            return
        attached = [
            {"name": volumes.unique_name(volume["spec"]["csi"]), "devicePath": ""}
            for attachment in self.attachments.by_index("node", name)
            if attachment["metadata"]["name"] != but and walk(attachment, "status", "attached")
            if (volume := self.volumes.get(Key("", _volume_name(attachment)))) and "csi" in volume["spec"]
        ]
        if attached != (walk(node, "status", "volumesAttached") or []):
            patch = {"status": {"volumesAttached": attached or None}}
            await self.client.patch(NODES, name, patch, subresource="status", content_type=MERGE_PATCH)


def _node_name(attachment: Obj) -> str:
    name: str = attachment["spec"]["nodeName"]
    return name


def _volume_name(attachment: Obj) -> str:
    return walk(attachment, "spec", "source", "persistentVolumeName") or ""


def _volume_of(attachment: Obj) -> list[str]:
    return [_volume_name(attachment)]


def _node_of(attachment: Obj) -> list[str]:
    return [_node_name(attachment)]


def _attachable(document: Document, old: Document | None) -> Iterable[Key]:
    return (document.key,) if "csi" in document.obj["spec"] else ()


def _keys_of_attachment(document: Document, old: Document | None) -> Iterable[Key]:
    return (Key("", _volume_name(document.obj)), Key("nodes", _node_name(document.obj)))
