"""What drivers and runtimes declare: CSIDrivers, CSINodes, capacities, attachments, attribute classes, RuntimeClasses.

Source: kubernetes pkg/apis/storage/validation/validation.go, pkg/apis/node/validation/validation.go.
"""

from __future__ import annotations

from typing import Any

from kubepy.api import errors, internals, names
from kubepy.api.objects import Obj
from kubepy.api.validation.pod_placement import check_tolerations
from kubepy.api.validation.pod_resources import check_resources
from kubepy.api.validation.pod_volumes import check_csi_driver_name
from kubepy.api.validation.rules import (
    INT32_MAX,
    Errors,
    Kind,
    at,
    check_enum,
    check_label_key,
    check_label_selector,
    check_labels,
    check_messages,
    check_name,
    check_non_negative,
    check_quantity_non_negative,
    immutable,
    on_update,
    required,
    same,
)
from kubepy.api.validation.storage import check_parameters, check_provisioner, check_volume_spec

_NONE: tuple[Any, ...] = ()
_METADATA_SIZE_MAX = 256 * 1024
_MESSAGE_MAX = 1024
_NODE_ID_MAX = 256

# -- CSIDriver -------------------------------------------------------------------------------------------------

_TOKEN_SECONDS_MIN, _TOKEN_SECONDS_MAX = 600, 1 << 32


def _check_token_requests(requests: Any, path: str, found: Errors) -> None:
    audiences: set[str] = set()
    for index, request in enumerate(requests or _NONE):
        audience, seconds = request.get("audience") or "", request.get("expirationSeconds")
        here = f"{path}[{index}]"
        if audience in audiences:
            found.append(errors.duplicate(f"{here}.audience", audience))
            continue
        audiences.add(audience)
        if seconds is not None and seconds < _TOKEN_SECONDS_MIN:
            why = "may not specify a duration less than 10 minutes"
            found.append(errors.invalid_value(f"{here}.expirationSeconds", seconds, why))
        if seconds is not None and seconds > _TOKEN_SECONDS_MAX:
            why = "may not specify a duration larger than 2^32 seconds"
            found.append(errors.invalid_value(f"{here}.expirationSeconds", seconds, why))


def _check_modes(modes: Any, path: str, found: Errors) -> None:
    for mode in modes or _NONE:
        if mode not in ("Persistent", "Ephemeral"):
            found.append(errors.not_supported(path, mode, ("Persistent", "Ephemeral")))


def _check_update_period(seconds: Any, path: str, found: Errors) -> None:
    if seconds is not None and seconds < 10:
        found.append(errors.invalid_value(path, seconds, "must be greater than or equal to 10 seconds"))


def _check_driver_flags(obj: Obj, found: Errors) -> None:
    """What defaults fill in; a client cannot leave them out, only an old object can."""
    spec = obj.get("spec") or {}
    for field, shown in (
        ("attachRequired", "attachedRequired"),
        ("podInfoOnMount", "podInfoOnMount"),
        ("storageCapacity", "storageCapacity"),
    ):
        if spec.get(field) is None:
            found.append(errors.required(f"spec.{shown}"))


def _check_token_in_secrets(obj: Obj, found: Errors) -> None:
    spec = obj.get("spec") or {}
    value = spec.get("serviceAccountTokenInSecrets")
    if value is not None and not spec.get("tokenRequests"):
        why = "serviceAccountTokenInSecrets is set but no tokenRequests are specified"
        found.append(errors.invalid_value("spec.serviceAccountTokenInSecrets", value, why))


def _check_attach_kept(new: Obj, old: Obj, found: Errors) -> None:
    after, before = ((obj.get("spec") or {}).get("attachRequired") for obj in (new, old))
    if not same(after, before):
        found.append(errors.invalid_value("spec.attachedRequired", after, "field is immutable"))


# -- CSINode ---------------------------------------------------------------------------------------------------


def _check_csi_node(obj: Obj, found: Errors) -> None:
    seen: set[str] = set()
    for index, driver in enumerate((obj.get("spec") or {}).get("drivers") or _NONE):
        path, name, node_id = f"spec.drivers[{index}]", driver.get("name") or "", driver.get("nodeID") or ""
        check_csi_driver_name(name, f"{path}.name", found)
        if not node_id:
            found.append(errors.required(f"{path}.nodeID"))
        if len(node_id) > _NODE_ID_MAX:
            why = f"must be {_NODE_ID_MAX} characters or less"
            found.append(errors.invalid_value(f"{path}.nodeID", node_id, why))
        count = (driver.get("allocatable") or {}).get("count")
        check_non_negative(count, f"{path}.allocatable.count", found)
        if name in seen:
            found.append(errors.duplicate(f"{path}.name", name))
        seen.add(name)
        _check_topology_keys(driver.get("topologyKeys") or _NONE, path, found)


def _check_topology_keys(keys: Any, path: str, found: Errors) -> None:
    seen: set[str] = set()
    for key in keys:
        if not key:
            found.append(errors.required(path))
        if key in seen:
            found.append(errors.duplicate(path, key))
        seen.add(key)
        check_label_key(key, path, found)


def _check_drivers_kept(new: Obj, old: Obj, found: Errors) -> None:
    """A driver that stays stays as it is, but for how many volumes it takes."""
    after = {driver.get("name"): driver for driver in (new.get("spec") or {}).get("drivers") or _NONE}
    for driver in (old.get("spec") or {}).get("drivers") or _NONE:
        kept = after.get(driver.get("name"))
        if kept is not None and not same(kept | {"allocatable": None}, driver | {"allocatable": None}):
            shown = internals.of("CSINodeDriver", kept | {"allocatable": None})
            found.append(errors.invalid_value("spec.drivers", shown, "field is immutable"))


# -- VolumeAttachment ------------------------------------------------------------------------------------------


def _check_attachment(obj: Obj, found: Errors) -> None:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    check_csi_driver_name(spec.get("attacher") or "", "spec.attacher", found)
    source = spec.get("source") or {}
    inline, volume = source.get("inlineVolumeSpec"), source.get("persistentVolumeName")
    which = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
    if inline is None and volume is None:
        found.append(errors.required("spec.source", which))
    elif inline is not None and volume is not None:
        found.append(errors.forbidden_field("spec.source", which))
    elif inline is not None:
        check_volume_spec(inline, "spec.source.inlineVolumeSpec", found, is_inline=True)
    elif not volume:
        why = "must specify non empty persistentVolumeName"
        found.append(errors.required("spec.source.persistentVolumeName", why))
    node = spec.get("nodeName") or ""
    check_messages(names.dns1123_subdomain(node), node, "spec.nodeName", found)
    metadata = status.get("attachmentMetadata") or {}
    if sum(len(key) + len(value) for key, value in metadata.items()) > _METADATA_SIZE_MAX:
        found.append(errors.too_long("status.attachmentMetadata", _METADATA_SIZE_MAX))
    for field in ("attachError", "detachError"):
        error = status.get(field) or {}
        if len((error.get("message") or "").encode()) > _MESSAGE_MAX:
            found.append(errors.too_long(f"status.{field}.message", _METADATA_SIZE_MAX))
        code = error.get("errorCode")
        if code is not None and code < 0:
            why = names.range_text(0, INT32_MAX)
            found.append(errors.invalid_value(f"status.{field}.errorCode", code, why))
    if volume is not None:
        path = "spec.source.persistentVolumeName"
        check_messages(names.dns1123_subdomain(volume), volume, path, found)


# -- CSIStorageCapacity, VolumeAttributesClass, RuntimeClass -----------------------------------------------------


def _check_capacity(obj: Obj, found: Errors) -> None:
    check_label_selector(obj.get("nodeTopology"), "nodeTopology", found)
    name = obj.get("storageClassName") or ""
    check_messages(names.dns1123_subdomain(name), name, "storageClassName", found)
    check_quantity_non_negative(obj.get("capacity"), "capacity", found)


def _check_attributes_class(obj: Obj, found: Errors) -> None:
    check_provisioner(obj.get("driverName"), "driverName", found)
    check_parameters(obj.get("parameters"), "parameters", found)
    if not obj.get("parameters"):
        found.append(errors.required("parameters", "must contain at least one key/value pair"))


def _check_attributes_kept(new: Obj, old: Obj, found: Errors) -> None:
    for field in ("driverName", "parameters"):
        if not same(new.get(field), old.get(field)):
            found.append(errors.forbidden_field(field, f"updates to {field} are forbidden."))


def _check_runtime_class(obj: Obj, found: Errors) -> None:
    overhead, scheduling = obj.get("overhead"), obj.get("scheduling")
    if overhead is not None:
        check_resources({"limits": overhead.get("podFixed") or {}}, "overhead", found)
    if scheduling is not None:
        check_labels(scheduling.get("nodeSelector"), "scheduling.nodeSelector", found)
        tolerations = scheduling.get("tolerations") or []
        check_tolerations(tolerations, "scheduling.tolerations", found)
        seen = []
        for index, toleration in enumerate(tolerations):
            key = [toleration.get(field) or "" for field in ("key", "operator", "value", "effect")]
            if key in seen:
                shown = internals.of("Toleration", toleration)
                found.append(errors.duplicate(f"scheduling.tolerations[{index}]", shown))
            seen.append(key)


CSI: dict[tuple[str, str], Kind] = {
    ("storage.k8s.io", "CSIDriver"): Kind(
        rules=(
            _check_driver_flags,
            at("spec.fsGroupPolicy", check_enum(("File", "None", "ReadWriteOnceWithFSType"))),
            at("spec.tokenRequests", _check_token_requests),
            at("spec.volumeLifecycleModes", _check_modes),
            at("spec.nodeAllocatableUpdatePeriodSeconds", _check_update_period),
            _check_token_in_secrets,
        ),
        update=(_check_attach_kept, immutable("spec.volumeLifecycleModes")),
    ),
    ("storage.k8s.io", "CSINode"): Kind(rules=(_check_csi_node,), update=(_check_drivers_kept,)),
    ("storage.k8s.io", "CSIStorageCapacity"): Kind(
        create=(_check_capacity,), update=(immutable("nodeTopology"), immutable("storageClassName", zero=""))
    ),
    ("storage.k8s.io", "VolumeAttachment"): Kind(
        rules=(_check_attachment,),
        update=(immutable("spec", struct="VolumeAttachmentSpec"),),
        subresources={"status": on_update(_check_attachment)},
    ),
    ("storage.k8s.io", "VolumeAttributesClass"): Kind(
        create=(_check_attributes_class,),
        update=(_check_attributes_kept, *on_update(_check_attributes_class)),
    ),
    ("node.k8s.io", "RuntimeClass"): Kind(
        rules=(required("handler"), at("handler", check_name(names.dns1123_label)), _check_runtime_class),
        update=(immutable("handler", zero=""),),
    ),
}
