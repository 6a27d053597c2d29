"""Volumes, claims, classes and drivers."""

from __future__ import annotations

from collections.abc import Sequence

from kubepy.api import objects
from kubepy.api.objects import Obj
from kubepy.api.tables import parts
from kubepy.api.tables.parts import Cells, Column, Doc, Printer

_ACCESS_MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}
_STORAGE_CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"


def _access_modes(modes: Sequence[str] | None) -> str:
    return ",".join(short for mode, short in _ACCESS_MODES.items() if mode in (modes or ()))


def _storage_class_of(obj: Obj) -> str:
    annotated = objects.annotations_of(obj).get(_STORAGE_CLASS_ANNOTATION)
    return parts.spec(obj).get("storageClassName") or "" if annotated is None else annotated


def _volume(obj: Obj, now: float) -> Cells:
    spec, status = parts.spec(obj), parts.status(obj)
    claim = spec.get("claimRef")
    return [
        parts.name(obj),
        (spec.get("capacity") or {}).get("storage", "0"),
        _access_modes(spec.get("accessModes")),
        spec.get("persistentVolumeReclaimPolicy") or "",
        "Terminating" if objects.is_deleting(obj) else status.get("phase") or "",
        f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "",
        _storage_class_of(obj),
        spec.get("volumeAttributesClassName") or "<unset>",
        status.get("reason") or "",
        parts.age(obj, now),
        spec.get("volumeMode") or "<unset>",
    ]


def _claim(obj: Obj, now: float) -> Cells:
    spec, status = parts.spec(obj), parts.status(obj)
    is_bound = bool(spec.get("volumeName"))
    return [
        parts.name(obj),
        "Terminating" if objects.is_deleting(obj) else status.get("phase") or "",
        spec.get("volumeName") or "",
        (status.get("capacity") or {}).get("storage", "0") if is_bound else "",
        _access_modes(status.get("accessModes")) if is_bound else "",
        _storage_class_of(obj),
        spec.get("volumeAttributesClassName") or "<unset>",
        parts.age(obj, now),
        spec.get("volumeMode") or "<unset>",
    ]


_DEFAULT_CLASS_ANNOTATIONS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)


def _storage_class(obj: Obj, now: float) -> Cells:
    annotations = objects.annotations_of(obj)
    is_default = any(annotations.get(key) == "true" for key in _DEFAULT_CLASS_ANNOTATIONS)
    return [
        f"{parts.name(obj)} (default)" if is_default else parts.name(obj),
        obj.get("provisioner") or "",
        obj.get("reclaimPolicy") or "Delete",
        obj.get("volumeBindingMode") or "Immediate",
        bool(obj.get("allowVolumeExpansion")),
        parts.age(obj, now),
    ]


def _attributes_class(obj: Obj, now: float) -> Cells:
    return [parts.name(obj), obj.get("driverName") or "", parts.age(obj, now)]


def _attachment(obj: Obj, now: float) -> Cells:
    spec = parts.spec(obj)
    return [
        parts.name(obj),
        spec.get("attacher") or "",
        (spec.get("source") or {}).get("persistentVolumeName") or "",
        spec.get("nodeName") or "",
        bool(parts.status(obj).get("attached")),
        parts.age(obj, now),
    ]


def _csi_node(obj: Obj, now: float) -> Cells:
    return [parts.name(obj), len(parts.spec(obj).get("drivers") or ()), parts.age(obj, now)]


def _csi_driver(obj: Obj, now: float) -> Cells:
    spec = parts.spec(obj)
    tokens = spec.get("tokenRequests")
    return [
        parts.name(obj),
        spec.get("attachRequired") is not False,
        bool(spec.get("podInfoOnMount")),
        bool(spec.get("storageCapacity")),
        "<unset>" if tokens is None else ",".join(token.get("audience") or "" for token in tokens),
        bool(spec.get("requiresRepublish")),
        ",".join(spec.get("volumeLifecycleModes") or ()) or "<none>",
        parts.age(obj, now),
    ]


PRINTERS: dict[tuple[str, str], Printer] = {
    ("", "PersistentVolume"): Printer(
        (
            parts.NAME,
            parts.text("Capacity", Doc("core.v1.PersistentVolumeSpec.capacity")),
            parts.text("Access Modes", Doc("core.v1.PersistentVolumeSpec.accessModes")),
            parts.text("Reclaim Policy", Doc("core.v1.PersistentVolumeSpec.persistentVolumeReclaimPolicy")),
            parts.text(
                "Status",
                Doc("core.v1.PersistentVolumeStatus.phase"),
            ),
            parts.text("Claim", Doc("core.v1.PersistentVolumeSpec.claimRef")),
            parts.text("StorageClass", "StorageClass of the pv"),
            parts.text("VolumeAttributesClass", "VolumeAttributesClass of the pv"),
            parts.text("Reason", Doc("core.v1.PersistentVolumeStatus.reason")),
            parts.AGE,
            parts.wide("VolumeMode", Doc("core.v1.PersistentVolumeSpec.volumeMode")),
        ),
        _volume,
    ),
    ("", "PersistentVolumeClaim"): Printer(
        (
            parts.NAME,
            parts.text("Status", Doc("core.v1.PersistentVolumeClaimStatus.phase")),
            parts.text("Volume", Doc("core.v1.PersistentVolumeClaimSpec.volumeName")),
            parts.text("Capacity", Doc("core.v1.PersistentVolumeClaimStatus.capacity")),
            parts.text("Access Modes", Doc("core.v1.PersistentVolumeClaimStatus.accessModes")),
            parts.text("StorageClass", "StorageClass of the pvc"),
            parts.text("VolumeAttributesClass", "VolumeAttributesClass of the pvc"),
            parts.AGE,
            parts.wide("VolumeMode", Doc("core.v1.PersistentVolumeClaimSpec.volumeMode")),
        ),
        _claim,
    ),
    ("storage.k8s.io", "StorageClass"): Printer(
        (
            parts.NAME,
            parts.text("Provisioner", Doc("storage.v1.StorageClass.provisioner")),
            parts.text("ReclaimPolicy", Doc("storage.v1.StorageClass.reclaimPolicy")),
            parts.text("VolumeBindingMode", Doc("storage.v1.StorageClass.volumeBindingMode")),
            parts.text("AllowVolumeExpansion", Doc("storage.v1.StorageClass.allowVolumeExpansion")),
            parts.AGE,
        ),
        _storage_class,
    ),
    ("storage.k8s.io", "VolumeAttributesClass"): Printer(
        (parts.NAME, parts.text("DriverName", Doc("storage.v1.VolumeAttributesClass.driverName")), parts.AGE),
        _attributes_class,
    ),
    ("storage.k8s.io", "VolumeAttachment"): Printer(
        (
            parts.NAME,
            Column("Attacher", format="name", description=Doc("storage.v1.VolumeAttachmentSpec.attacher")),
            parts.text("PV", Doc("storage.v1.VolumeAttachmentSource.persistentVolumeName")),
            parts.text("Node", Doc("storage.v1.VolumeAttachmentSpec.nodeName")),
            parts.flag("Attached", Doc("storage.v1.VolumeAttachmentStatus.attached")),
            parts.AGE,
        ),
        _attachment,
    ),
    ("storage.k8s.io", "CSINode"): Printer(
        (
            parts.NAME,
            parts.number("Drivers", "Drivers indicates the number of CSI drivers registered on the node"),
            parts.AGE,
        ),
        _csi_node,
    ),
    ("storage.k8s.io", "CSIDriver"): Printer(
        (
            parts.NAME,
            parts.flag("AttachRequired", Doc("storage.v1.CSIDriverSpec.attachRequired")),
            parts.flag("PodInfoOnMount", Doc("storage.v1.CSIDriverSpec.podInfoOnMount")),
            parts.flag("StorageCapacity", Doc("storage.v1.CSIDriverSpec.storageCapacity")),
            parts.text("TokenRequests", Doc("storage.v1.CSIDriverSpec.tokenRequests")),
            parts.flag("RequiresRepublish", Doc("storage.v1.CSIDriverSpec.requiresRepublish")),
            parts.text("Modes", Doc("storage.v1.CSIDriverSpec.volumeLifecycleModes")),
            parts.AGE,
        ),
        _csi_driver,
    ),
}
