"""PersistentVolumes and claims, StorageClasses.

Source: kubernetes pkg/apis/core/validation/validation.go (PersistentVolume*),
pkg/apis/storage/validation/validation.go.
"""

from __future__ import annotations

from kubepy.api import errors, internals, names, quantity
from kubepy.api.objects import Obj
from kubepy.api.validation.pod_placement import check_node_selector
from kubepy.api.validation.pod_volumes import (
    CALLED_WHEN_SECOND,
    VOLUME_SOURCES,
    check_access_modes,
    check_claim_spec,
    check_csi_driver_name,
    check_no_backsteps,
    check_volume_mode,
)
from kubepy.api.validation.pods import diff_of
from kubepy.api.validation.rules import (
    IMMUTABLE_TEXT,
    Errors,
    Kind,
    at,
    check_enum,
    check_label_key,
    check_messages,
    immutable,
    on_update,
    same,
)
from kubepy.api.validation.statuses import check_claim_status, check_migration, check_migration_status
from kubepy.api.validation.volume_drivers import (
    IN_VOLUMES,
    PORTAL_TEXT,
    SourceCheck,
    is_portal_too_long,
    need,
)

_PARAMETERS_MAX = 512
_PARAMETERS_SIZE_MAX = 256 * 1024

_check_reclaim_policy = check_enum(("Delete", "Recycle", "Retain"))


def _check_csi(source: Obj, path: str, found: Errors) -> None:
    check_csi_driver_name(source.get("driver") or "", f"{path}.driver", found)
    if not source.get("volumeHandle"):
        found.append(errors.required(f"{path}.volumeHandle"))
    for field in ("controllerPublish", "controllerExpand", "nodePublish", "nodeExpand"):
        reference = source.get(f"{field}SecretRef")
        if reference is not None:
            for part, check in (("name", names.dns1123_subdomain), ("namespace", names.dns1123_label)):
                at_part, value = f"{path}.{field}SecretRef.{part}", reference.get(part)
                if not value:
                    found.append(errors.required(at_part))
                else:
                    check_messages(check(value), value, at_part, found)


def _check_local(source: Obj, path: str, found: Errors) -> None:
    need("path")(source, path, found)
    check_no_backsteps(source.get("path") or "", f"{path}.path", found)


_OWN = IN_VOLUMES | {"local": _check_local, "csi": _check_csi}
# In upstream's order: the first source of a volume counts.
_SOURCES: dict[str, SourceCheck] = {
    field: _OWN.get(field) or VOLUME_SOURCES[field]
    for field in (
        "hostPath", "gcePersistentDisk", "awsElasticBlockStore", "glusterfs", "flocker", "nfs", "rbd", "quobyte",
        "cephfs", "iscsi", "cinder", "fc", "flexVolume", "azureFile", "vsphereVolume", "photonPersistentDisk",
        "portworxVolume", "azureDisk", "scaleIO", "local", "storageos", "csi",
    )
}  # fmt: skip


def _check_volume(obj: Obj, found: Errors) -> None:
    check_volume_spec(obj.get("spec") or {}, "spec", found, name=obj["metadata"].get("name") or "")


def check_volume_spec(
    spec: Obj, path: str, found: Errors, *, name: str = "", is_inline: bool = False
) -> None:
    """`is_inline`: of a VolumeAttachment, which has no policies. Source: ValidatePersistentVolumeSpec."""
    modes, capacity = spec.get("accessModes") or [], spec.get("capacity") or {}
    policy = spec.get("persistentVolumeReclaimPolicy")
    if is_inline:
        why = "may not be specified in the context of inline volumes"
        for field in ("claimRef", "capacity"):
            if spec.get(field):
                found.append(errors.forbidden_field(f"{path}.{field}", why))
        if spec.get("csi") is None:
            why = "has to be specified in the context of inline volumes"
            found.append(errors.required(f"{path}.csi", why))
    if not modes:
        found.append(errors.required(f"{path}.accessModes"))
    check_access_modes(modes, f"{path}.accessModes", found)
    if not is_inline:
        if not capacity:
            found.append(errors.required(f"{path}.capacity"))
        if "storage" not in capacity or len(capacity) > 1:
            found.append(errors.not_supported(f"{path}.capacity", spec.get("capacity"), ("storage",)))
        for what, amount in capacity.items():
            if quantity.nano(amount) <= 0:
                why = "must be greater than zero"
                found.append(errors.invalid_value(f"{path}.capacity[{what}]", amount, why))
        _check_reclaim_policy(policy or None, f"{path}.persistentVolumeReclaimPolicy", found)
    elif policy not in (None, "", "Retain"):
        why = "may only be Retain in the context of inline volumes"
        found.append(errors.forbidden_field(f"{path}.persistentVolumeReclaimPolicy", why))
    affinity = spec.get("nodeAffinity")
    if affinity is not None and is_inline:
        why = "may not be specified in the context of inline volumes"
        found.append(errors.forbidden_field(f"{path}.nodeAffinity", why))
    elif affinity is not None:
        if affinity.get("required") is None:
            why = "must specify required node constraints"
            found.append(errors.required(f"{path}.nodeAffinity.required", why))
        else:
            check_node_selector(affinity["required"], f"{path}.nodeAffinity.required", found)
    sources = [field for field in _SOURCES if spec.get(field) is not None]
    for index, field in enumerate(sources):
        if index and field != "flexVolume":
            why = "may not specify more than 1 volume type"
            found.append(errors.forbidden_field(f"{path}.{CALLED_WHEN_SECOND.get(field, field)}", why))
        else:
            _SOURCES[field](spec[field], f"{path}.{field}", found)
            if field == "iscsi" and is_portal_too_long(spec[field], name):
                portal = spec[field].get("targetPortal") or ""
                found.append(errors.invalid_value(f"{path}.iscsi.targetportal", portal, PORTAL_TEXT))
    if not sources:
        found.append(errors.required(path, "must specify a volume type"))
    if "local" in sources and (affinity is None or is_inline):
        found.append(errors.required(f"{path}.nodeAffinity", "Local volume requires node affinity"))
    if (
        policy == "Recycle"
        and ((spec.get("hostPath") or {}).get("path") or "").rstrip("/") == ""
        and (spec.get("hostPath") is not None)
    ):
        why = "may not be 'recycle' for a hostPath mount of '/'"
        found.append(errors.forbidden_field(f"{path}.persistentVolumeReclaimPolicy", why))
    _check_class_and_mode(spec, path, found, is_inline=is_inline)
    _check_attributes_class(spec, path, found)


def _check_class_and_mode(spec: Obj, path: str, found: Errors, *, is_inline: bool) -> None:
    class_name, mode = spec.get("storageClassName"), spec.get("volumeMode")
    if not is_inline:
        if class_name:
            messages = names.dns1123_subdomain(class_name)
            check_messages(messages, class_name, f"{path}.storageClassName", found)
        check_volume_mode(mode, f"{path}.volumeMode", found)
        return
    if class_name:
        why = "may not be specified in the context of inline volumes"
        found.append(errors.forbidden_field(f"{path}.storageClassName", why))
    if mode not in (None, "Filesystem"):
        why = "may not specify volumeMode other than Filesystem in the context of inline volumes"
        found.append(errors.forbidden_field(f"{path}.volumeMode", why))


def _check_attributes_class(spec: Obj, path: str, found: Errors) -> None:
    name, at_name = spec.get("volumeAttributesClassName"), f"{path}.volumeAttributesClassName"
    if name is None:
        return
    if not name:
        found.append(errors.required(at_name, "an empty string is disallowed"))
    else:
        check_messages(names.dns1123_subdomain(name), name, at_name, found)
    if spec.get("csi") is None:
        why = "has to be specified when using volumeAttributesClassName"
        found.append(errors.required(f"{path}.csi", why))


def _check_volume_update(new: Obj, old: Obj, found: Errors) -> None:
    after, before = (
        {field: value for field, value in (obj.get("spec") or {}).items() if field in _SOURCES}
        for obj in (new, old)
    )
    if not same(after, before):
        changes = diff_of("PersistentVolumeSource", before, after)
        why = f"spec.persistentvolumesource is immutable after creation\n{changes}"
        found.append(errors.forbidden_field("spec.persistentvolumesource", why))
    _check_mode_kept(new, old, found)
    affinity, was = ((obj.get("spec") or {}).get("nodeAffinity") for obj in (new, old))
    if was is not None and not same(_with_ga_labels(affinity), _with_ga_labels(was)):
        why = "field is immutable, except for updating from beta label to GA"
        found.append(errors.invalid_value("nodeAffinity", internals.of("VolumeNodeAffinity", affinity), why))


# Labels of nodes that were renamed when they became stable.
_GA_LABELS = {
    "beta.kubernetes.io/arch": "kubernetes.io/arch",
    "beta.kubernetes.io/instance-type": "node.kubernetes.io/instance-type",
    "beta.kubernetes.io/os": "kubernetes.io/os",
    "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
}


def _with_ga_labels(affinity: Obj | None) -> Obj | None:
    """Source: getMaskNodeSelectorLabelChangeEqualities."""
    if affinity is None or affinity.get("required") is None:
        return affinity
    required = affinity["required"]
    terms = [
        term
        | {
            "matchExpressions": [
                expression | {"key": _GA_LABELS.get(expression.get("key", ""), expression.get("key"))}
                for expression in term.get("matchExpressions") or ()
            ]
        }
        for term in required.get("nodeSelectorTerms") or ()
    ]
    return affinity | {"required": required | {"nodeSelectorTerms": terms}}


# -- claims ----------------------------------------------------------------------------------------------------


def _check_claim(obj: Obj, found: Errors) -> None:
    check_claim_spec(obj.get("spec") or {}, "spec", found)


def _check_claim_update(new: Obj, old: Obj, found: Errors) -> None:
    """Source: ValidatePersistentVolumeClaimUpdate."""
    after, before = dict(new.get("spec") or {}), dict(old.get("spec") or {})
    asked, was_asked = _storage(after), _storage(before)
    if not before.get("volumeName"):
        before["volumeName"] = after.get("volumeName")
    if before.get("storageClassName") is None and after.get("storageClassName"):
        before["storageClassName"] = after["storageClassName"]
    if (new.get("status") or {}).get("phase") == "Bound":
        # A bound claim may grow, and change its class of attributes.
        resources = after.get("resources") or {}
        if requests := resources.get("requests"):
            kept = ((before.get("resources") or {}).get("requests") or {}).get("storage")
            after["resources"] = resources | {"requests": requests | {"storage": kept}}
        after["volumeAttributesClassName"] = before.get("volumeAttributesClassName")
    if not same(after, before):
        why = (
            "spec is immutable after creation except resources.requests and volumeAttributesClassName "
            f"for bound claims\n{diff_of('PersistentVolumeClaimSpec', before, after)}"
        )
        found.append(errors.forbidden_field("spec", why))
    if asked < was_asked:
        held = quantity.nano(((old.get("status") or {}).get("capacity") or {}).get("storage", "0"))
        if asked <= held:
            why = "field can not be less than status.capacity"
            found.append(errors.forbidden_field("spec.resources.requests.storage", why))
    _check_mode_kept(new, old, found)
    _check_attributes_kept(new, old, found)


def _check_mode_kept(new: Obj, old: Obj, found: Errors) -> None:
    mode = (new.get("spec") or {}).get("volumeMode")
    if mode != (old.get("spec") or {}).get("volumeMode"):
        found.append(errors.invalid_value("volumeMode", mode, IMMUTABLE_TEXT))


def _check_attributes_kept(new: Obj, old: Obj, found: Errors) -> None:
    """A class of attributes that was applied may be replaced, not taken away."""
    after, before = ((obj.get("spec") or {}).get("volumeAttributesClassName") for obj in (new, old))
    applied = (old.get("status") or {}).get("currentVolumeAttributesClassName")
    if after != before and applied is not None and not after:
        what = "nil" if after is None else "empty string"
        why = f"update to {what} is forbidden when status.currentVolumeAttributesClassName is not nil"
        found.append(errors.forbidden_field("spec.volumeAttributesClassName", why))


def _storage(spec: Obj) -> int:
    return quantity.nano(((spec.get("resources") or {}).get("requests") or {}).get("storage", "0"))


# -- StorageClass ----------------------------------------------------------------------------------------------


def _check_class_reclaim_policy(obj: Obj, found: Errors) -> None:
    # Upstream lets "" pass.
    check_enum(("Delete", "Retain"))(obj.get("reclaimPolicy") or None, "reclaimPolicy", found)


def _check_storage_class(obj: Obj, found: Errors) -> None:
    check_provisioner(obj.get("provisioner"), "provisioner", found)
    check_parameters(obj.get("parameters"), "parameters", found)


def _check_topologies(terms: list[Obj] | None, path: str, found: Errors) -> None:
    """Source: validateAllowedTopologies; it begins with as many empty terms as there are terms."""
    seen: list[dict[str, set[str]]] = [{} for _ in terms or ()]
    for index, term in enumerate(terms or ()):
        here = f"{path}[{index}].matchLabelExpressions"
        values_of: dict[str, set[str]] = {}
        for number, expression in enumerate(term.get("matchLabelExpressions") or ()):
            key = expression.get("key") or ""
            values = _check_topology(key, expression, f"{here}[{number}]", found)
            if key in values_of:
                found.append(errors.duplicate(f"{here}[{number}].key", key))
            values_of[key] = values
        found += [errors.duplicate(here, "")] * seen.count(values_of)
        seen.append(values_of)


def _check_topology(key: str, expression: Obj, path: str, found: Errors) -> set[str]:
    """Source: validateTopologySelectorLabelRequirement."""
    values = expression.get("values") or []
    if not values:
        found.append(errors.required(f"{path}.values"))
    for index, value in enumerate(values):
        if value in values[:index]:
            found.append(errors.duplicate(f"{path}.values[{index}]", value))
    check_label_key(key, f"{path}.key", found)
    return set(values)


def check_provisioner(provisioner: str | None, path: str, found: Errors) -> None:
    if not provisioner:
        found.append(errors.required(path))
        return
    # Upstream judges, and shows, the lower-case form.
    check_label_key(provisioner.lower(), path, found)


def check_parameters(parameters: dict[str, str] | None, path: str, found: Errors) -> None:
    parameters = parameters or {}
    if len(parameters) > _PARAMETERS_MAX:
        found.append(errors.too_long(path, _PARAMETERS_MAX))
        return
    if "" in parameters:
        found.append(errors.invalid_value(path, "", "field can not be empty."))
    if sum(len(key) + len(value) for key, value in parameters.items()) > _PARAMETERS_SIZE_MAX:
        found.append(errors.too_long(path, _PARAMETERS_SIZE_MAX))


STORAGE: dict[tuple[str, str], Kind] = {
    ("", "PersistentVolume"): Kind(
        rules=(_check_volume,),
        update=(*on_update(_check_volume), _check_volume_update),
    ),
    ("", "PersistentVolumeClaim"): Kind(
        rules=(_check_claim,), update=(_check_claim_update,), subresources={"status": (check_claim_status,)}
    ),
    ("storagemigration.k8s.io", "StorageVersionMigration"): Kind(
        rules=(check_migration,),
        update=(immutable("spec"),),
        subresources={"status": (check_migration_status,)},
    ),
    ("storage.k8s.io", "StorageClass"): Kind(
        rules=(
            _check_storage_class,
            _check_class_reclaim_policy,
            at("volumeBindingMode", check_enum(("Immediate", "WaitForFirstConsumer"))),
            at("allowedTopologies", _check_topologies),
        ),
        update=(
            immutable("parameters"),
            immutable("provisioner", zero=""),
            immutable("reclaimPolicy"),
            immutable("volumeBindingMode"),
        ),
    ),
}
