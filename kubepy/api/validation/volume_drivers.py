"""The rules of the in-tree volume drivers, in a pod (IN_PODS) and in a PersistentVolume (IN_VOLUMES).

Most of the drivers are gone, their fields are not: what is written there is still looked at.
Source: kubernetes pkg/apis/core/validation/validation.go, validate<Driver>{,Persistent}VolumeSource.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from kubepy.api import errors, names
from kubepy.api.objects import Obj
from kubepy.api.validation.rules import Errors, check_enum, check_messages

SourceCheck = Callable[[Obj, str, Errors], None]

_PARTITION_TEXT = "must be between 1 and 255, inclusive"
_LUN_TEXT = "must be between 0 and 255, inclusive"
_ISCSI_FORMAT = "must be valid format"
_ISCSI_FORMAT_START = "must be valid format starting with iqn, eui, or naa"
_ISCSI_NAMES = {
    "iqn": re.compile(r"iqn\.[0-9]{4}-[0-9]{2}\.([A-Za-z0-9.-]+)(:[^,;*&$|\t\n\f\r ]+)\Z"),
    "eui": re.compile(r"\Aeui.[A-Za-z0-9]{16}\Z"),
    "naa": re.compile(r"\Anaa.[A-Za-z0-9]{32}\Z"),
}
_REGISTRY_TEXT = "must be a host:port pair or multiple pairs separated by commas"
_TENANT_TEXT = "must be a UUID and may not exceed a length of 64 characters"
_MANAGED_URI = (
    "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"
)
_BLOB_URI = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"
_check_caching_mode = check_enum(("None", "ReadOnly", "ReadWrite"))
_check_disk_kind = check_enum(("Dedicated", "Managed", "Shared"))


def need(*fields: str) -> SourceCheck:
    """A source that only has to name some things."""

    def check(source: Obj, path: str, found: Errors) -> None:
        for field in fields:
            if not source.get(field):
                found.append(errors.required(f"{path}.{field}"))

    return check


def _all(*checks: SourceCheck) -> SourceCheck:
    def check(source: Obj, path: str, found: Errors) -> None:
        for each in checks:
            each(source, path, found)

    return check


def _check_partition(source: Obj, path: str, found: Errors) -> None:
    partition = source.get("partition") or 0
    if not 0 <= partition <= 255:
        found.append(errors.invalid_value(f"{path}.partition", partition, _PARTITION_TEXT))


def _check_gce(source: Obj, path: str, found: Errors) -> None:
    # Upstream calls it by another name than its field has.
    at = path.removesuffix("gcePersistentDisk") + "persistentDisk"
    need("pdName")(source, at, found)
    _check_partition(source, at, found)


def _check_lun(source: Obj, path: str, found: Errors) -> None:
    lun = source.get("lun") or 0
    if not 0 <= lun <= 255:
        found.append(errors.invalid_value(f"{path}.lun", lun, _LUN_TEXT))


def _iscsi(other: str, secret: SourceCheck) -> SourceCheck:
    """`other`: what is said of a name that begins otherwise."""

    def check_name(name: str, path: str, found: Errors) -> None:
        pattern = _ISCSI_NAMES.get(name[:3])
        if pattern is None:
            found.append(errors.invalid_value(path, name, other))
        elif pattern.search(name) is None:
            found.append(errors.invalid_value(path, name, _ISCSI_FORMAT))

    def check(source: Obj, path: str, found: Errors) -> None:
        need("iqn")(source, path, found)
        if source.get("iqn"):
            check_name(source["iqn"], f"{path}.iqn", found)
        _check_lun(source, path, found)
        if (source.get("chapAuthDiscovery") or source.get("chapAuthSession")) and source.get(
            "secretRef"
        ) is None:
            found.append(errors.required(f"{path}.secretRef"))
        secret(source, path, found)
        if (initiator := source.get("initiatorName")) is not None:
            check_name(initiator, f"{path}.initiatorname", found)

    return check


def is_portal_too_long(source: Obj, volume: str) -> bool:
    """The two together name a directory."""
    if source.get("initiatorName") is None:
        return False
    return len(f"{volume}:{source.get('targetPortal') or ''}".encode()) > 64


PORTAL_TEXT = (
    "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is "
    "specified."
)


def _check_fc(source: Obj, path: str, found: Errors) -> None:
    targets, ids = source.get("targetWWNs"), source.get("wwids")
    if not targets and not ids:
        why = "must specify either targetWWNs or wwids, but not both"
        found.append(errors.required(f"{path}.targetWWNs", why))
    if targets and ids:
        why = "targetWWNs and wwids can not be specified simultaneously"
        found.append(errors.invalid_value(f"{path}.targetWWNs", targets, why))
    if targets and source.get("lun") is None:
        found.append(errors.required(f"{path}.lun", "lun is required if targetWWNs is specified"))
    elif targets:
        _check_lun(source, path, found)


def _check_endpoints_namespace(source: Obj, path: str, found: Errors) -> None:
    namespace, at = source.get("endpointsNamespace"), f"{path}.endpointsNamespace"
    if namespace == "":
        why = "if the endpointnamespace is set, it must be a valid namespace name"
        found.append(errors.invalid_value(at, namespace, why))
    elif namespace is not None:
        check_messages(names.dns1123_label(namespace), namespace, at, found)


def _check_flocker(source: Obj, path: str, found: Errors) -> None:
    name, uid = source.get("datasetName") or "", source.get("datasetUUID")
    if not name and not uid:
        found.append(errors.required(path, "one of datasetName and datasetUUID is required"))
    if name and uid:
        why = "datasetName and datasetUUID can not be specified simultaneously"
        found.append(errors.invalid_value(path, "resource", why))
    if "/" in name:
        found.append(errors.invalid_value(f"{path}.datasetName", name, "must not contain '/'"))


def _check_quobyte(source: Obj, path: str, found: Errors) -> None:
    registry = source.get("registry") or ""
    if not registry:
        found.append(errors.required(f"{path}.registry", _REGISTRY_TEXT))
    elif len((source.get("tenant") or "").encode()) >= 65:
        found.append(errors.required(f"{path}.tenant", _TENANT_TEXT))
    else:
        for pair in registry.split(","):
            if not _is_host_port(pair):
                found.append(errors.invalid_value(f"{path}.registry", registry, _REGISTRY_TEXT))
    need("volume")(source, path, found)


def _is_host_port(text: str) -> bool:
    """Source: Go's net.SplitHostPort."""
    if text.startswith("["):
        host, closing, port = text[1:].partition("]")
        return (
            bool(closing) and port.startswith(":") and ":" not in port[1:] and not set("[]") & {*host, *port}
        )
    return text.count(":") == 1 and not set("[]") & {*text}


def _check_flex_options(source: Obj, path: str, found: Errors) -> None:
    for option in sorted(source.get("options") or ()):
        namespace, slash, _ = option.partition("/")
        owner = "." + (namespace if slash else option).lower()
        if owner.endswith((".kubernetes.io", ".k8s.io")):
            why = "kubernetes.io and k8s.io namespaces are reserved"
            found.append(errors.invalid_value(f"{path}.options[{option}]", option, why))


def _check_secret_namespace(source: Obj, path: str, found: Errors) -> None:
    if source.get("secretNamespace") == "":
        found.append(errors.required(f"{path}.secretNamespace"))


def _check_azure_disk(source: Obj, path: str, found: Errors) -> None:
    need("diskName", "diskURI")(source, path, found)
    _check_caching_mode(source.get("cachingMode"), f"{path}.cachingMode", found)
    kind, uri = source.get("kind"), source.get("diskURI") or ""
    _check_disk_kind(kind, f"{path}.kind", found)
    if kind == "Managed" and not uri.startswith("/subscriptions/"):
        found.append(errors.not_supported(f"{path}.diskURI", uri, (_MANAGED_URI,)))
    if kind not in (None, "Managed") and not uri.startswith("https://"):
        found.append(errors.not_supported(f"{path}.diskURI", uri, (_BLOB_URI,)))


def _check_storageos(source: Obj, path: str, found: Errors) -> None:
    need("volumeName")(source, path, found)
    for field in ("volumeName", "volumeNamespace"):
        if value := source.get(field):
            check_messages(names.dns1123_label(value), value, f"{path}.{field}", found)


def _secret(*fields: str) -> SourceCheck:
    """What a reference to a secret names, where there is one."""

    def check(source: Obj, path: str, found: Errors) -> None:
        if (reference := source.get("secretRef")) is not None:
            need(*fields)(reference, f"{path}.secretRef", found)

    return check


def _nothing(source: Obj, path: str, found: Errors) -> None:
    """A source of which nothing is required."""


_IN_BOTH: dict[str, SourceCheck] = {
    "gcePersistentDisk": _check_gce,
    "awsElasticBlockStore": _all(need("volumeID"), _check_partition),
    "flocker": _check_flocker,
    "rbd": need("monitors", "image"),
    "cephfs": need("monitors"),
    "quobyte": _check_quobyte,
    "fc": _check_fc,
    "flexVolume": _all(need("driver"), _check_flex_options),
    "vsphereVolume": need("volumePath"),
    "photonPersistentDisk": need("pdID"),
    "portworxVolume": need("volumeID"),
    "azureDisk": _check_azure_disk,
    "scaleIO": need("gateway", "system", "volumeName"),
}
IN_PODS: dict[str, SourceCheck] = _IN_BOTH | {
    "iscsi": _all(need("targetPortal"), _iscsi(_ISCSI_FORMAT_START, _nothing)),
    "glusterfs": need("endpoints", "path"),
    "cinder": _all(need("volumeID"), _secret("name")),
    "azureFile": need("secretName", "shareName"),
    "storageos": _all(_check_storageos, _secret("name")),
}
IN_VOLUMES: dict[str, SourceCheck] = _IN_BOTH | {
    "iscsi": _all(need("targetPortal"), _iscsi(_ISCSI_FORMAT, _secret("name"))),
    "glusterfs": _all(need("endpoints", "path"), _check_endpoints_namespace),
    "cinder": _all(need("volumeID"), _secret("name", "namespace")),
    "azureFile": _all(need("secretName", "shareName"), _check_secret_namespace),
    "storageos": _all(_check_storageos, _secret("name", "namespace")),
}
