"""Makes volumes for claims of classes whose provisioner is kubepy.io/local-path, and deletes them when they are let go.

Watches claims, volumes, StorageClasses and Nodes. Creates and deletes volumes. It does for this cluster what
rancher.io/local-path does for kind's: a hostPath volume on the node that the scheduler has chosen for the claim's first
pod. Nothing is written to any disk, the pods are simulated; what is promised is the life of the API objects. The
parameter `maxSize` of a class is the largest volume that it can give, for those who want to see one refused.

Differs from kind's: a claim whose class does not wait for its consumer, or that several nodes may use at once
(ReadWriteMany, ReadOnlyMany), is refused there; here its volume is reachable from every node.

Source: sigs.k8s.io/sig-storage-lib-external-provisioner controller/controller.go (shouldProvision,
provisionClaimOperation, shouldDelete), rancher/local-path-provisioner provisioner.go.
"""

from __future__ import annotations

from collections.abc import Iterable

from kubepy.api import errors, objects, quantity, volumes
from kubepy.api.builtins import NODES, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, STORAGE_CLASSES
from kubepy.api.objects import Document, Key, Obj, annotations_of, uid_of, walk
from kubepy.client.controller import After, Controller
from kubepy.client.events import NORMAL, WARNING

# Where the data would be.
ROOT = "/var/local-path-provisioner"
# A parameter of classes: the largest size that a volume can have, from the start or by growing.
MAX_SIZE = "maxSize"
_SHARED_MODES = frozenset({"ReadWriteMany", "ReadOnlyMany"})


def is_wanted(claim: Obj, storage_class: Obj | None) -> bool:
    """Whether it is our turn to make a volume for the claim. Source: shouldProvision."""
    annotations = annotations_of(claim)
    provisioner = (
        annotations.get(volumes.STORAGE_PROVISIONER) or annotations.get(volumes.BETA_STORAGE_PROVISIONER)
    )  # fmt: skip
    if provisioner != volumes.LOCAL_PROVISIONER or claim["spec"].get("volumeName"):
        return False
    if storage_class is None or storage_class["provisioner"] != volumes.LOCAL_PROVISIONER:
        return False
    return not volumes.waits_for_consumer(storage_class) or bool(annotations.get(volumes.SELECTED_NODE))


def refused(claim: Obj, storage_class: Obj) -> str:
    """Why there can be no such volume, "" if there can. Source: local-path-provisioner Provision.

    Attributes classes are for drivers of CSI, which this is not: a volume of no driver may not even have one.
    """
    if claim["spec"].get("selector") is not None:
        return "claim.Spec.Selector is not supported"
    if volumes.attributes_class(claim):
        return "claim.Spec.VolumeAttributesClassName is not supported"
    return too_large(claim["spec"]["resources"]["requests"]["storage"], storage_class)


def too_large(size: str, storage_class: Obj | None) -> str:
    """Why no volume of the class can have this size, "" if one can; as drivers of CSI tell it."""
    parameters = (storage_class or {}).get("parameters") or {}
    if MAX_SIZE not in parameters or quantity.value(size) <= quantity.value(parameters[MAX_SIZE]):
        return ""
    return f"rpc error: code = OutOfRange desc = {size} is more than {MAX_SIZE}, {parameters[MAX_SIZE]}"


def volume_name(claim: Obj) -> str:
    return f"pvc-{uid_of(claim)}"


def render_volume(claim: Obj, storage_class: Obj) -> Obj:
    """The volume of a claim."""
    spec, metadata, name = claim["spec"], claim["metadata"], volume_name(claim)
    node = annotations_of(claim).get(volumes.SELECTED_NODE, "")
    volume: Obj = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {volumes.PROVISIONED_BY: volumes.LOCAL_PROVISIONER}},
        "spec": {
            "accessModes": spec["accessModes"],
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "claimRef": volumes.claim_reference(claim),
            "hostPath": {
                "path": f"{ROOT}/{name}_{metadata['namespace']}_{metadata['name']}",
                "type": "DirectoryOrCreate",
            },
            "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy") or "Delete",
            "storageClassName": storage_class["metadata"]["name"],
            "volumeMode": spec.get("volumeMode") or "Filesystem",
        },
    }
    if options := storage_class.get("mountOptions"):
        volume["spec"]["mountOptions"] = options
    if node and _SHARED_MODES.isdisjoint(spec["accessModes"]):
        on_node = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
        volume["spec"]["nodeAffinity"] = {
            "required": {"nodeSelectorTerms": [{"matchExpressions": [on_node]}]}
        }
    return volume


def is_to_be_deleted(volume: Obj) -> bool:
    """Source: shouldDelete."""
    return (
        annotations_of(volume).get(volumes.PROVISIONED_BY) == volumes.LOCAL_PROVISIONER
        and volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete"
        and walk(volume, "status", "phase") == "Released"
        and not objects.is_deleting(volume)
    )


class LocalProvisioner(Controller):
    """Keys are claims, and volumes, whose keys have no namespace."""

    name = "local-path-provisioner"
    workers = 8

    def setup(self) -> None:
        self.classes, self.nodes = self.watch(STORAGE_CLASSES), self.watch(NODES)
        self.claims = self.watch(PERSISTENT_VOLUME_CLAIMS, _wanted_claim)
        self.volumes = self.watch(PERSISTENT_VOLUMES, _released_volume)

    async def reconcile(self, key: Key) -> After | None:
        if not key.namespace:
            volume = self.volumes.get(key)
            if volume is not None and is_to_be_deleted(volume):
                await self._delete(volume)
            return None
        claim = self.claims.get(key)
        if claim is None:
            return None
        storage_class = self.classes.get(Key("", volumes.class_of_claim(claim)))
        if storage_class is not None and is_wanted(claim, storage_class):
            await self._provision(claim, storage_class)
        return None

    async def _provision(self, claim: Obj, storage_class: Obj) -> None:
        key, name = objects.key_of(claim), volume_name(claim)
        if self.volumes.get(Key("", name)) is not None:
            return
        node = annotations_of(claim).get(volumes.SELECTED_NODE)
        if node and self.nodes.get(Key("", node)) is None:
            # The scheduler is to choose another one.
            wanted = objects.copy(claim)
            del wanted["metadata"]["annotations"][volumes.SELECTED_NODE]
            await self.client.update(PERSISTENT_VOLUME_CLAIMS, wanted)
            return
        message = f'External provisioner is provisioning volume for claim "{key}"'
        self.events.event(claim, NORMAL, "Provisioning", message)
        if why := refused(claim, storage_class):
            class_name = storage_class["metadata"]["name"]
            message = f'failed to provision volume with StorageClass "{class_name}": {why}'
            self.events.event(claim, WARNING, "ProvisioningFailed", message)
            return
        try:
            made = await self.client.create(PERSISTENT_VOLUMES, render_volume(claim, storage_class))
        except errors.AlreadyExists:
            return
        self.log.info("volume_provisioned", object=name, claim=str(key), revision=objects.revision_of(made))
        self.events.event(claim, NORMAL, "ProvisioningSucceeded", f"Successfully provisioned volume {name}")

    async def _delete(self, volume: Obj) -> None:
        name = volume["metadata"]["name"]
        try:
            await self.client.delete(PERSISTENT_VOLUMES, name, uid=uid_of(volume))
        except errors.NotFound:
            return
        self.log.info("volume_deleted", object=name)


def _wanted_claim(document: Document, old: Document | None) -> Iterable[Key]:
    claim = document.obj
    is_ours = annotations_of(claim).get(volumes.STORAGE_PROVISIONER) == volumes.LOCAL_PROVISIONER
    return (document.key,) if is_ours and not claim["spec"].get("volumeName") else ()


def _released_volume(document: Document, old: Document | None) -> Iterable[Key]:
    return (document.key,) if is_to_be_deleted(document.obj) else ()
