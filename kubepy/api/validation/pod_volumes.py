"""The rules of a pod's volumes, and of the claims that a template may make.

Those of the in-tree drivers are in volume_drivers.py.
Source: kubernetes pkg/apis/core/validation/validation.go, ValidateVolumes, ValidatePersistentVolumeClaimSpec.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kubepy.api import errors, names, quantity
from kubepy.api.objects import Obj
from kubepy.api.validation.environment import VOLUME_FIELDS, check_field_ref, check_resource_ref
from kubepy.api.validation.metadata import check_template
from kubepy.api.validation.rules import (
    Errors,
    check_enum,
    check_label_selector,
    check_messages,
    check_required_enum,
    same,
)
from kubepy.api.validation.volume_drivers import (
    IN_PODS,
    PORTAL_TEXT,
    SourceCheck,
    is_portal_too_long,
    need,
)

_FILE_MODE_TEXT = "must be a number between 0 and 0777 (octal), both inclusive"
_ONE_VOLUME_TEXT = "may not specify more than 1 volume type"
# Upstream's spelling of two.
CALLED_WHEN_SECOND = {"cephfs": "cephFS", "downwardAPI": "downwarAPI"}
_NONE: tuple[Any, ...] = ()
check_pull_policy = check_required_enum(("Always", "IfNotPresent", "Never"))
_check_host_path_type = check_enum(
    ("", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket")
)


def check_volumes(volumes: Sequence[Obj], path: str, found: Errors, *, pod_name: str = "") -> dict[str, Obj]:
    """The valid volumes by name. Source: ValidateVolumes."""
    valid: dict[str, Obj] = {}
    created = {f"{pod_name}-{v.get('name') or ''}" for v in volumes if "ephemeral" in v} if pod_name else ()
    for index, volume in enumerate(volumes):
        at = f"{path}[{index}]"
        before = len(found)
        name = volume.get("name") or ""
        _check_volume_source(volume, at, found)
        if pod_name and volume.get("ephemeral") is not None:
            _check_claim_name(f"{pod_name}-{name}", name, f"{at}.name", found)
        if not name:
            found.append(errors.required(f"{at}.name"))
        elif messages := names.dns1123_label(name):
            check_messages(messages, name, f"{at}.name", found)
        if name in valid:
            found.append(errors.duplicate(f"{at}.name", name))
        if len(found) == before:
            valid[name] = volume
        claim = created and (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if claim and claim in created:
            why = "must not reference a PVC that gets created for an ephemeral volume"
            found.append(errors.invalid_value(f"{at}.persistentVolumeClaim.claimName", claim, why))
    return valid


def _check_claim_name(claim: str, name: str, path: str, found: Errors) -> None:
    """The claim made for an ephemeral volume is named after pod and volume."""
    for message in names.name_is_dns_subdomain(claim, False):
        found.append(errors.invalid_value(path, name, f"PVC name {errors.quote(claim)}: {message}"))


def _check_volume_source(volume: Obj, path: str, found: Errors) -> None:
    count = 0
    # Nearly every volume has a name and one source.
    sources = [field for field in volume if field in VOLUME_SOURCES]
    if len(sources) > 1:
        sources.sort(key=_SOURCE_ORDER.__getitem__)
    for field in sources:
        source = volume[field]
        if source is None:
            continue
        count += 1
        if count > 1:
            called = CALLED_WHEN_SECOND.get(field, field)
            found.append(errors.forbidden_field(f"{path}.{called}", _ONE_VOLUME_TEXT))
        else:
            VOLUME_SOURCES[field](source, f"{path}.{field}", found)
            if field == "iscsi" and is_portal_too_long(source, name := volume.get("name") or ""):
                found.append(errors.invalid_value(f"{path}.name", name, PORTAL_TEXT))
    if count == 0:
        found.append(errors.required(path, "must specify a volume type"))


def _check_empty_dir(source: Obj, path: str, found: Errors) -> None:
    limit = source.get("sizeLimit")
    if limit is not None and quantity.nano(limit) < 0:
        why = "SizeLimit field must be a valid resource quantity"
        found.append(errors.forbidden_field(f"{path}.sizeLimit", why))


def check_host_path(source: Obj, path: str, found: Errors) -> None:
    if not source.get("path"):
        found.append(errors.required(f"{path}.path"))
        return
    check_no_backsteps(source["path"], f"{path}.path", found)
    _check_host_path_type(source.get("type"), f"{path}.type", found)


def check_nfs(source: Obj, path: str, found: Errors) -> None:
    need("server", "path")(source, path, found)
    target = source.get("path") or ""
    if not target.startswith("/"):
        found.append(errors.invalid_value(f"{path}.path", target, "must be an absolute path"))


def _check_mode(source: Obj, field: str, path: str, found: Errors) -> None:
    mode = source.get(field)
    if mode is not None and not 0 <= mode <= 0o777:
        found.append(errors.invalid_value(f"{path}.{field}", mode, _FILE_MODE_TEXT))


def _check_items(items: Sequence[Obj], path: str, found: Errors) -> None:
    """Source: validateKeyToPath."""
    for index, item in enumerate(items):
        at = f"{path}[{index}]"
        need("key", "path")(item, at, found)
        _check_local_path(item.get("path") or "", f"{at}.path", found)
        _check_mode(item, "mode", at, found)


def _check_secret(source: Obj, path: str, found: Errors) -> None:
    _check_keyed(source, "secretName", path, found)


def _check_config_map(source: Obj, path: str, found: Errors) -> None:
    _check_keyed(source, "name", path, found)


def _check_keyed(source: Obj, name_field: str, path: str, found: Errors) -> None:
    if not source.get(name_field):
        found.append(errors.required(f"{path}.{name_field}"))
    _check_mode(source, "defaultMode", path, found)
    if items := source.get("items"):
        _check_items(items, f"{path}.items", found)


def _check_downward(source: Obj, path: str, found: Errors) -> None:
    _check_mode(source, "defaultMode", path, found)
    for item in source.get("items") or _NONE:
        _check_downward_file(item, path, found)


def _check_downward_file(item: Obj, path: str, found: Errors) -> None:
    """Source: validateDownwardAPIVolumeFile. Its paths leave out the index."""
    if not item.get("path"):
        found.append(errors.required(f"{path}.path"))
    _check_local_path(item.get("path") or "", f"{path}.path", found)
    if item.get("fieldRef") is not None:
        check_field_ref(item["fieldRef"], f"{path}.fieldRef", found, VOLUME_FIELDS)
        if item.get("resourceFieldRef") is not None:
            why = "fieldRef and resourceFieldRef can not be specified simultaneously"
            found.append(errors.invalid_value(path, "resource", why))
    elif item.get("resourceFieldRef") is not None:
        check_resource_ref(item["resourceFieldRef"], f"{path}.resourceFieldRef", found, in_volume=True)
    else:
        found.append(errors.required(path, "one of fieldRef and resourceFieldRef is required"))
    _check_mode(item, "mode", path, found)


def _check_projected(source: Obj, path: str, found: Errors) -> None:
    """Source: validateProjectionSources."""
    _check_mode(source, "defaultMode", path, found)
    taken: set[str] = set()
    for index, projection in enumerate(source.get("sources") or _NONE):
        at = f"{path}.sources[{index}]"
        kinds = [field for field in _PROJECTIONS if projection.get(field) is not None]
        for kind in kinds:
            _PROJECTIONS[kind](projection[kind], f"{at}.{kind}", path, found)
            _check_taken(projection[kind], kind, path, taken, found)
        if len(kinds) > 1:
            found.append(errors.forbidden_field(at, f"{_ONE_VOLUME_TEXT} per source"))


def _check_taken(projection: Obj, kind: str, path: str, taken: set[str], found: Errors) -> None:
    """Two files may not have one path."""
    paths = [item.get("path") for item in projection.get("items") or _NONE]
    if kind == "clusterTrustBundle":
        paths.append(projection.get("path"))
    for target in paths:
        if target in taken:
            value = target if kind in ("downwardAPI", "clusterTrustBundle") else projection.get("name") or ""
            found.append(errors.invalid_value(path, value, "conflicting duplicate paths"))
        elif target:
            taken.add(target)


def _check_projected_items(source: Obj, path: str, volume_path: str, found: Errors) -> None:
    if not source.get("name"):
        found.append(errors.required(f"{path}.name"))
    _check_items(source.get("items") or _NONE, f"{path}.items", found)


def _check_projected_downward(source: Obj, path: str, volume_path: str, found: Errors) -> None:
    for item in source.get("items") or _NONE:
        _check_downward_file(item, path, found)


def _check_projected_token(source: Obj, path: str, volume_path: str, found: Errors) -> None:
    seconds = source.get("expirationSeconds") or 0
    if seconds < 600:
        why = "may not specify a duration less than 10 minutes"
        found.append(errors.invalid_value(f"{path}.expirationSeconds", seconds, why))
    if seconds > 1 << 32:
        why = "may not specify a duration larger than 2^32 seconds"
        found.append(errors.invalid_value(f"{path}.expirationSeconds", seconds, why))
    if not source.get("path"):
        found.append(errors.required(f"{volume_path}.path"))
    else:
        _check_local_path(source["path"], f"{volume_path}.path", found)


def _check_projected_bundle(source: Obj, path: str, volume_path: str, found: Errors) -> None:
    name, signer = source.get("name"), source.get("signerName")
    if name is not None and signer is not None:
        found.append(errors.invalid_value(path, source, "only one of name and signerName may be used"))
    elif name is None and signer is None:
        found.append(errors.required(path, "either name or signerName must be specified"))
    if not source.get("path"):
        found.append(errors.required(f"{path}.path"))
    _check_local_path(source.get("path") or "", f"{path}.path", found)


def _check_projected_certificate(source: Obj, path: str, volume_path: str, found: Errors) -> None:
    kinds = ("RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519")
    if source.get("keyType") not in kinds:
        found.append(errors.not_supported(f"{path}.keyType", source.get("keyType") or "", kinds))


_PROJECTIONS: dict[str, Callable[[Obj, str, str, Errors], None]] = {
    "secret": _check_projected_items,
    "configMap": _check_projected_items,
    "downwardAPI": _check_projected_downward,
    "serviceAccountToken": _check_projected_token,
    "clusterTrustBundle": _check_projected_bundle,
    "podCertificate": _check_projected_certificate,
}


def check_csi_driver_name(name: str, path: str, found: Errors) -> None:
    """Source: ValidateCSIDriverName."""
    if not name:
        found.append(errors.required(path))
        return
    if len(name) > 63:
        found.append(errors.too_long(path, 63))
    check_messages(names.dns1123_subdomain(name.lower()), name, path, found)


def _check_csi(source: Obj, path: str, found: Errors) -> None:
    check_csi_driver_name(source.get("driver") or "", f"{path}.driver", found)
    reference = source.get("nodePublishSecretRef")
    if reference is not None:
        name = reference.get("name")
        if not name:
            found.append(errors.required(f"{path}.nodePublishSecretRef.name"))
        else:
            check_messages(names.dns1123_subdomain(name), name, f"{path}.name", found)


def _check_ephemeral(source: Obj, path: str, found: Errors) -> None:
    template = source.get("volumeClaimTemplate")
    if template is None:
        found.append(errors.required(f"{path}.volumeClaimTemplate"))
        return
    metadata = template.get("metadata") or {}
    check_template(metadata, f"{path}.volumeClaimTemplate.metadata", found)
    check_claim_spec(template.get("spec") or {}, f"{path}.volumeClaimTemplate.spec", found)


def _check_image(source: Obj, path: str, found: Errors) -> None:
    """Source: validateImageVolumeSource."""
    if not source.get("reference"):
        found.append(errors.required(f"{path}.reference"))
    check_pull_policy(source.get("pullPolicy"), f"{path}.pullPolicy", found)


# In upstream's order: the first source of a volume counts, the others are one too many.
VOLUME_SOURCES: dict[str, SourceCheck] = {
    "emptyDir": _check_empty_dir,
    "hostPath": check_host_path,
    "gitRepo": need("repository"),
    "gcePersistentDisk": IN_PODS["gcePersistentDisk"],
    "awsElasticBlockStore": IN_PODS["awsElasticBlockStore"],
    "secret": _check_secret,
    "nfs": check_nfs,
    "iscsi": IN_PODS["iscsi"],
    "glusterfs": IN_PODS["glusterfs"],
    "flocker": IN_PODS["flocker"],
    "persistentVolumeClaim": need("claimName"),
    "rbd": IN_PODS["rbd"],
    "cinder": IN_PODS["cinder"],
    "cephfs": IN_PODS["cephfs"],
    "quobyte": IN_PODS["quobyte"],
    "downwardAPI": _check_downward,
    "fc": IN_PODS["fc"],
    "flexVolume": IN_PODS["flexVolume"],
    "configMap": _check_config_map,
    "azureFile": IN_PODS["azureFile"],
    "vsphereVolume": IN_PODS["vsphereVolume"],
    "photonPersistentDisk": IN_PODS["photonPersistentDisk"],
    "portworxVolume": IN_PODS["portworxVolume"],
    "azureDisk": IN_PODS["azureDisk"],
    "storageos": IN_PODS["storageos"],
    "projected": _check_projected,
    "scaleIO": IN_PODS["scaleIO"],
    "csi": _check_csi,
    "ephemeral": _check_ephemeral,
    "image": _check_image,
}
_SOURCE_ORDER = {field: index for index, field in enumerate(VOLUME_SOURCES)}

_ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
check_volume_mode = check_enum(("Block", "Filesystem"))


def check_access_modes(modes: Sequence[str], path: str, found: Errors) -> None:
    for mode in modes:
        if mode not in _ACCESS_MODES:
            found.append(errors.not_supported(path, mode, _ACCESS_MODES))
    if "ReadWriteOncePod" in modes and any(mode != "ReadWriteOncePod" for mode in modes):
        why = "may not use ReadWriteOncePod with other access modes"
        found.append(errors.forbidden_field(path, why))


def check_claim_spec(spec: Obj, path: str, found: Errors) -> None:
    """Of a PersistentVolumeClaim, or a template of one. Source: ValidatePersistentVolumeClaimSpec."""
    modes = spec.get("accessModes") or _NONE
    if not modes:
        found.append(errors.required(f"{path}.accessModes", "at least 1 access mode is required"))
    check_label_selector(spec.get("selector"), f"{path}.selector", found)
    check_access_modes(modes, f"{path}.accessModes", found)
    storage = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if storage is None:
        found.append(errors.required(f"{path}.resources[storage]"))
    elif quantity.nano(storage) <= 0:
        found.append(errors.invalid_value(f"{path}.resources[storage]", storage, "must be greater than zero"))
    class_name = spec.get("storageClassName")
    if class_name:
        messages = names.dns1123_subdomain(class_name)
        check_messages(messages, class_name, f"{path}.storageClassName", found)
    check_volume_mode(spec.get("volumeMode"), f"{path}.volumeMode", found)
    _check_data_sources(spec, path, found)
    attributes = spec.get("volumeAttributesClassName")
    if attributes:
        messages = names.dns1123_subdomain(attributes)
        check_messages(messages, attributes, f"{path}.volumeAttributesClassName", found)


def _check_data_sources(spec: Obj, path: str, found: Errors) -> None:
    """What a claim starts from; the two fields say the same, but only the newer one can name a namespace."""
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    for field, value in (("dataSource", source), ("dataSourceRef", reference)):
        if value is not None:
            _check_data_source(value, f"{path}.{field}", found)
    namespace = (reference or {}).get("namespace")
    if source is None or reference is None:
        return
    # Upstream passes the path of the field for its value, and a path has no public fields.
    if namespace:
        why = "may not be specified when dataSourceRef.namespace is specified"
        found.append(errors.invalid_value(path, {}, why))
    elif not same(source, reference):
        found.append(errors.invalid_value(path, {}, "must match dataSourceRef"))


def _check_data_source(source: Obj, path: str, found: Errors) -> None:
    for field in ("name", "kind"):
        if not source.get(field):
            found.append(errors.required(f"{path}.{field}"))
    group, kind, namespace = source.get("apiGroup") or "", source.get("kind") or "", source.get("namespace")
    if not group and kind != "PersistentVolumeClaim":
        why = "must be 'PersistentVolumeClaim' when referencing the default apiGroup"
        found.append(errors.invalid_value(path, kind, why))
    if group:
        check_messages(names.dns1123_subdomain(group), group, f"{path}.apiGroup", found)
    if namespace:
        check_messages(names.dns1123_label(namespace), namespace, f"{path}.namespace", found)


def check_no_backsteps(target: str, path: str, found: Errors) -> None:
    if ".." in target and ".." in target.split("/"):
        found.append(errors.invalid_value(path, target, "must not contain '..'"))


def check_descending_path(target: str, path: str, found: Errors) -> None:
    if target.startswith("/"):
        found.append(errors.invalid_value(path, target, "must be a relative path"))
    check_no_backsteps(target, path, found)


def _check_local_path(target: str, path: str, found: Errors) -> None:
    """Source: ValidateLocalNonReservedPath."""
    check_descending_path(target, path, found)
    if target.startswith("..") and not target.startswith("../"):
        found.append(errors.invalid_value(path, target, "must not start with '..'"))
