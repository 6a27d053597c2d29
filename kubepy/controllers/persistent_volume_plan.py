"""What claims and volumes need next: `persistent_volume_binder` acts on it. Pure.

Source: kubernetes 1.36 pkg/controller/volume/persistentvolume/{pv_controller,pv_controller_base,index}.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from kubepy.api import objects, volumes
from kubepy.api.objects import Obj, annotations_of, uid_of, walk
from kubepy.client.events import NORMAL, WARNING

MIGRATED_TO = "pv.kubernetes.io/migrated-to"
# Held by CSI's external-provisioner. Source: component-helpers storage/volume/helpers.go.
EXTERNAL_DELETION = "external-provisioner.volume.kubernetes.io/finalizer"
PRE_RESIZE_CAPACITY = "volume.alpha.kubernetes.io/pre-resize-capacity"

# In-tree provisioners whose work CSI drivers do. Source: csi-translation-lib plugins/*.go.
MIGRATED = {
    "kubernetes.io/aws-ebs": "ebs.csi.aws.com",
    "kubernetes.io/azure-disk": "disk.csi.azure.com",
    "kubernetes.io/azure-file": "file.csi.azure.com",
    "kubernetes.io/cinder": "cinder.csi.openstack.org",
    "kubernetes.io/gce-pd": "pd.csi.storage.gke.io",
    "kubernetes.io/portworx-volume": "pxd.portworx.com",
    "kubernetes.io/vsphere-volume": "csi.vsphere.vmware.com",
}
_MIGRATED_SOURCES = (
    "awsElasticBlockStore", "azureDisk", "azureFile", "cinder", "gcePersistentDisk", "portworxVolume", "vsphereVolume",
)  # fmt: skip


class Said(Struct, frozen=True):
    """An event to record."""

    type: str
    reason: str
    message: str


class ClaimPlan(Struct, frozen=True):
    """At most one of bind_to, phase, default_class, provisioner is to be acted on."""

    bind_to: Obj | None = None  # the volume
    phase: str = ""  # of a claim without a volume
    default_class: str = ""  # the name of the class it is to have from now on
    provisioner: str = ""  # whose turn it is
    said: Said | None = None
    error: str = ""  # try again later


class VolumePlan(Struct, frozen=True):
    phase: str = ""
    unbind: bool = False
    reclaim: bool = False
    wake_claim: bool = False
    said: Said | None = None
    said_to_claim: Said | None = None


# -- claims: what is to be done --------------------------------------------------------------------------------


def plan_claim(
    claim: Obj,
    *,
    named: Obj | None,
    candidates: Iterable[Obj] = (),
    storage_class: Obj | None = None,
    default: Obj | None = None,
    waiting: Sequence[str] = (),
) -> ClaimPlan:
    """`named`: the volume in spec.volumeName, if it exists; `candidates`: volumes that may be bound to it; `default`:
    the default class; `waiting`: pods that use the claim and have no node. Source: syncClaim."""
    if volumes.BIND_COMPLETED in annotations_of(claim):
        return _plan_bound(claim, named)
    if claim["spec"].get("volumeName"):
        return _plan_prebound(claim, named)
    delayed = volumes.waits_for_consumer(storage_class)
    found = find_match(claim, candidates, delayed=delayed)
    if found is not None:
        return ClaimPlan(bind_to=found)
    if default is not None and not volumes.has_class(claim):
        return ClaimPlan(default_class=default["metadata"]["name"])
    if delayed and volumes.SELECTED_NODE not in annotations_of(claim):
        return ClaimPlan(phase="Pending", said=_waits(waiting))
    if name := volumes.class_of_claim(claim):
        return _plan_provision(name, storage_class)
    why = "no persistent volumes available for this claim and no storage class is set"
    return ClaimPlan(phase="Pending", said=Said(NORMAL, "FailedBinding", why))


def _plan_bound(claim: Obj, named: Obj | None) -> ClaimPlan:
    """Source: syncBoundClaim."""
    if not claim["spec"].get("volumeName"):
        why = "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!"
        return ClaimPlan(phase="Lost", said=Said(WARNING, "ClaimLost", why))
    if named is None:
        why = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
        return ClaimPlan(phase="Lost", said=Said(WARNING, "ClaimLost", why))
    ref = named["spec"].get("claimRef")
    if ref is None or ref.get("uid", "") == uid_of(claim):
        return ClaimPlan(bind_to=named)
    why = "Two claims are bound to the same volume, this one is bound incorrectly"
    return ClaimPlan(phase="Lost", said=Said(WARNING, "ClaimMisbound", why))


def _plan_prebound(claim: Obj, named: Obj | None) -> ClaimPlan:
    """The claim asks for this very volume. Source: syncUnboundClaim."""
    if named is None:
        return ClaimPlan(phase="Pending")
    name = named["metadata"]["name"]
    if named["spec"].get("claimRef") is None:
        if not (why := unfit(named, claim)):
            return ClaimPlan(bind_to=named)
        message = f'Cannot bind to requested volume "{name}": {why}'
        return ClaimPlan(phase="Pending", said=Said(WARNING, "VolumeMismatch", message))
    if volumes.is_bound_to(named, claim):
        return ClaimPlan(bind_to=named)
    said = Said(WARNING, "FailedBinding", f'volume "{name}" already bound to a different claim.')
    if volumes.BOUND_BY_CONTROLLER not in annotations_of(claim):
        return ClaimPlan(phase="Pending", said=said)
    return ClaimPlan(
        said=said,
        error=f'invalid binding of claim "{objects.key_of(claim)}" to volume "{name}": volume already claimed by '
        f'"{volumes.claim_key_of(named)}"',
    )


def unfit(volume: Obj, claim: Obj) -> str:
    """Why this volume cannot be the claim's, "" if it can. Source: checkVolumeSatisfyClaim."""
    if objects.is_deleting(volume):
        return f'the volume is marked for deletion "{volume["metadata"]["name"]}"'
    if volumes.capacity_bytes(volume) < volumes.requested_bytes(claim):
        return "requested PV is too small"
    if volumes.class_of_volume(volume) != volumes.class_of_claim(claim):
        return "storageClassName does not match"
    if volumes.attributes_class(volume) != volumes.attributes_class(claim):
        return "volumeAttributesClassName does not match"
    if volumes.is_mode_mismatch(claim, volume):
        return "incompatible volumeMode"
    return "" if volumes.has_access_modes(volume, claim) else "incompatible accessMode"


def find_match(claim: Obj, candidates: Iterable[Obj], *, delayed: bool) -> Obj | None:
    """The best of those with the fewest access modes beyond what is asked. Source: index.go findByClaim."""
    groups: dict[tuple[str, ...], list[Obj]] = {}
    for volume in candidates:
        if volumes.has_access_modes(volume, claim):
            groups.setdefault(tuple(sorted(volume["spec"].get("accessModes") or ())), []).append(volume)
    for modes in sorted(groups, key=len):
        if (found := volumes.best_match(claim, groups[modes], delayed=delayed)) is not None:
            return found
    return None


def _waits(pods_: Sequence[str]) -> Said:
    """Source: emitEventForUnboundDelayBindingClaim."""
    if not pods_:
        why = "waiting for first consumer to be created before binding"
        return Said(NORMAL, "WaitForFirstConsumer", why)
    what = f"pods {','.join(pods_)}" if len(pods_) > 1 else f"pod {pods_[0]}"
    return Said(NORMAL, "WaitForPodScheduled", f"waiting for {what} to be scheduled")


def _plan_provision(name: str, storage_class: Obj | None) -> ClaimPlan:
    """Source: provisionClaim, provisionClaimOperationExternal."""
    if storage_class is None:
        return ClaimPlan(
            said=Said(WARNING, "ProvisioningFailed", f'storageclass.storage.k8s.io "{name}" not found')
        )
    provisioner: str = storage_class["provisioner"]
    provisioner = MIGRATED.get(provisioner, provisioner)
    if provisioner.startswith(volumes.IN_TREE_PREFIX):
        return ClaimPlan(
            said=Said(WARNING, "ProvisioningFailed", f"no volume plugin matched name: {provisioner}")
        )
    message = (
        f"Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the "
        "system administrator. If volume creation is delayed, please verify that the provisioner is running and "
        "correctly registered."
    )
    return ClaimPlan(provisioner=provisioner, said=Said(NORMAL, "ExternalProvisioning", message))


# -- claims: how it is done ------------------------------------------------------------------------------------


def claim_bound_to(claim: Obj, volume: Obj) -> Obj | None:
    """The claim with the volume in it, None if it is there already. Source: bindClaimToVolume."""
    annotations: dict[str, str] = {}
    name = volume["metadata"]["name"]
    if claim["spec"].get("volumeName") != name:
        claim = claim | {"spec": claim["spec"] | {"volumeName": name}}
        annotations[volumes.BOUND_BY_CONTROLLER] = "yes"
    if volumes.BIND_COMPLETED not in annotations_of(claim):
        annotations[volumes.BIND_COMPLETED] = "yes"
    return volumes.annotated(claim, annotations) if annotations else None


def claim_status(claim: Obj, phase: str, volume: Obj | None) -> Obj | None:
    """The status it should have, None if it has it. Source: updateClaimStatus."""
    before = claim.get("status") or {}
    status = before | {"phase": phase}
    if volume is None:
        for field in ("accessModes", "capacity", "currentVolumeAttributesClassName"):
            status.pop(field, None)
        return status if status != before else None
    status["accessModes"] = volume["spec"].get("accessModes") or []
    # Once bound, the capacity is whose business resizing is.
    if before.get("phase") != phase:
        capacity = volume["spec"].get("capacity") or {}
        if (was := annotations_of(volume).get(PRE_RESIZE_CAPACITY)) is not None:
            capacity = (before.get("capacity") or {}) | {"storage": was}
        status["capacity"] = capacity
    if before.get("phase") == "Pending" and phase == "Bound":
        status.pop("currentVolumeAttributesClassName", None)
        if (name := volume["spec"].get("volumeAttributesClassName")) is not None:
            status["currentVolumeAttributesClassName"] = name
    return status if status != before else None


# -- volumes ---------------------------------------------------------------------------------------------------


def plan_volume(volume: Obj, claim: Obj | None) -> VolumePlan:
    """`claim`: the one that its claimRef means (by uid), None if that is gone. Source: syncVolume."""
    ref = volume["spec"].get("claimRef")
    if ref is None or not ref.get("uid"):
        return VolumePlan(phase="Available")
    is_let_go = walk(volume, "status", "phase") in ("Released", "Failed")
    released = VolumePlan(phase="" if is_let_go else "Released", reclaim=True)
    name = volume["metadata"]["name"]
    if claim is None:
        return released
    if not claim["spec"].get("volumeName"):
        if not volumes.is_mode_mismatch(claim, volume):
            return VolumePlan(wake_claim=True)
        claim_name = claim["metadata"]["name"]
        return VolumePlan(
            said=Said(
                WARNING,
                "VolumeMismatch",
                f'Cannot bind PersistentVolume to requested PersistentVolumeClaim "{claim_name}" due to incompatible '
                "volumeMode.",
            ),
            said_to_claim=Said(
                WARNING,
                "VolumeMismatch",
                f'Cannot bind PersistentVolume "{name}" to requested PersistentVolumeClaim due to incompatible '
                "volumeMode.",
            ),
        )
    if claim["spec"]["volumeName"] == name:
        return VolumePlan(phase="Bound")
    # Made for a claim that took another: nobody will ever want it.
    if volumes.PROVISIONED_BY in annotations_of(volume) and reclaim_policy(volume) == "Delete":
        return released
    return VolumePlan(unbind=True)


def unbound(volume: Obj) -> Obj:
    """Free again; what a person had written into it stays, but for the uid. Source: unbindVolume."""
    spec, metadata = dict(volume["spec"]), dict(volume["metadata"])
    if volumes.BOUND_BY_CONTROLLER in annotations_of(volume):
        del spec["claimRef"]
        annotations = annotations_of(volume)
        metadata["annotations"] = {k: v for k, v in annotations.items() if k != volumes.BOUND_BY_CONTROLLER}
    else:
        spec["claimRef"] = {k: v for k, v in spec["claimRef"].items() if k != "uid"}
    return volume | {"metadata": metadata, "spec": spec}


def reclaim_policy(volume: Obj) -> str:
    return volume["spec"].get("persistentVolumeReclaimPolicy") or "Retain"


def refused_deletion(volume: Obj) -> str | None:
    """None: somebody else deletes it; "": it can be deleted here; else why that fails.

    Source: findDeletablePlugin, pkg/volume/hostpath/host_path.go Delete, pkg/volume/plugins.go FindDeletable*.
    """
    spec = volume["spec"]
    provisioner = annotations_of(volume).get(volumes.PROVISIONED_BY, "")
    if provisioner:
        if not provisioner.startswith(volumes.IN_TREE_PREFIX) or provisioner in MIGRATED:
            return None
        return f"no volume plugin matched name: {provisioner}"
    if "csi" in spec or any(source in spec for source in _MIGRATED_SOURCES):
        return None
    if (source := spec.get("hostPath")) is None:
        why = (
            "no deletable volume plugin matched"
            if "nfs" in spec or "local" in spec
            else "no volume plugin matched"
        )
        return f'error getting deleter volume plugin for volume "{volume["metadata"]["name"]}": {why}'
    if not re.search("/tmp/.+", source["path"]):
        return f"host_path deleter only supports /tmp/.+ but received provided {source['path']}"
    return ""


def finalizers_due(volume: Obj) -> list[str] | None:
    """What holds a volume of an in-tree provisioner until its disk is gone. Source: modifyDeletionFinalizers."""
    provisioner = annotations_of(volume).get(volumes.PROVISIONED_BY, "")
    if not provisioner.startswith(volumes.IN_TREE_PREFIX):
        return None
    before = volume["metadata"].get("finalizers") or []
    is_migrated = provisioner in MIGRATED
    wanted = not is_migrated and reclaim_policy(volume) == "Delete"
    dropped = (volumes.IN_TREE_DELETION,) if is_migrated else (volumes.IN_TREE_DELETION, EXTERNAL_DELETION)
    due = [each for each in before if each not in dropped]
    due += [volumes.IN_TREE_DELETION] if wanted else []
    return due if set(due) != set(before) else None


def migration_due(obj: Obj, provisioner_keys: Sequence[str]) -> dict[str, str] | None:
    """The annotations of a claim or volume, with the CSI driver that does the work of its in-tree provisioner; None if
    they say so already. Source: updateMigrationAnnotations."""
    before = annotations_of(obj)
    provisioner = next((before[key] for key in provisioner_keys if key in before), None)
    if provisioner is None or (driver := MIGRATED.get(provisioner, "")) == before.get(MIGRATED_TO, ""):
        return None
    kept = {key: value for key, value in before.items() if key != MIGRATED_TO}
    return kept | ({MIGRATED_TO: driver} if driver else {})
