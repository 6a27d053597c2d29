"""The core group beside pods: ConfigMaps, Secrets, Namespaces and Nodes; services.py, quotas.py and events.py have the
rest.

Source: kubernetes pkg/apis/core/validation/validation.go.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence
from typing import Any

from kubepy.api import errors, go_json, internals, names
from kubepy.api.objects import Obj, annotations_of
from kubepy.api.validation.events import EVENTS
from kubepy.api.validation.pod_resize import check_resize
from kubepy.api.validation.pod_resources import check_amount
from kubepy.api.validation.pod_status import check_pod_status
from kubepy.api.validation.pods import (
    check_ephemeral_update,
    check_pod,
    check_pod_create,
    check_pod_template_object,
    check_pod_update,
)
from kubepy.api.validation.quotas import QUOTAS
from kubepy.api.validation.rules import (
    CIDR_TEXT,
    Errors,
    Kind,
    UpdateRule,
    check_cidr,
    check_label_key,
    check_messages,
    check_required_enum,
    immutable,
    on_update,
)
from kubepy.api.validation.services import SERVICES

DATA_SIZE_MAX = 1 << 20
_NONE: tuple[Any, ...] = ()

# -- ConfigMap, Secret -----------------------------------------------------------------------------------------


def _decoded_size(encoded: str) -> int:
    """Bytes of a base64 text, without decoding it."""
    return len(encoded) * 3 // 4 - encoded.count("=", -2)


def _check_config_map(obj: Obj, found: Errors) -> None:
    data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
    size = 0
    for key, value in data.items():
        if messages := names.config_key(key):
            check_messages(messages, key, f"data[{key}]", found)
        if key in binary:
            found.append(errors.invalid_value(f"data[{key}]", key, "duplicate of key present in binaryData"))
        size += len(value) if value.isascii() else len(value.encode())
    for key, value in binary.items():
        if messages := names.config_key(key):
            check_messages(messages, key, f"binaryData[{key}]", found)
        size += _decoded_size(value)
    if size > DATA_SIZE_MAX:
        found.append(errors.too_long("", DATA_SIZE_MAX))


def _locked(*fields: str) -> UpdateRule:
    """Once `immutable` is true neither it nor the data may change."""

    def rule(new: Obj, old: Obj, found: Errors) -> None:
        if not old.get("immutable"):
            return
        why = "field is immutable when `immutable` is set"
        if not new.get("immutable"):
            found.append(errors.forbidden_field("immutable", why))
        for field in fields:
            if (new.get(field) or {}) != (old.get(field) or {}):
                found.append(errors.forbidden_field(field, why))

    return rule


def _check_secret(obj: Obj, found: Errors) -> None:
    data = obj.get("data") or {}
    size = 0
    for key, value in data.items():
        if messages := names.config_key(key):
            check_messages(messages, key, f"data[{key}]", found)
        size += _decoded_size(value or "")
    if size > DATA_SIZE_MAX:
        found.append(errors.too_long("data", DATA_SIZE_MAX))
    type_ = obj.get("type") or ""
    if type_ == "kubernetes.io/service-account-token":
        key = "kubernetes.io/service-account.name"
        if not annotations_of(obj).get(key):
            found.append(errors.required(f"metadata.annotations[{key}]"))
    elif type_ == "kubernetes.io/basic-auth":
        if "username" not in data and "password" not in data:
            found += [errors.required("data[username]"), errors.required("data[password]")]
    for key in _SECRET_KEYS.get(type_, ()):
        if not data.get(key) if type_ == "kubernetes.io/ssh-auth" else key not in data:
            found.append(errors.required(f"data[{key}]"))
        elif key.startswith(".docker"):
            _check_docker_config(data[key], key, found)


_SECRET_KEYS = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}


def _check_docker_config(encoded: str, key: str, found: Errors) -> None:
    why = ""
    try:
        config = go_json.loads(binascii.a2b_base64(encoded or ""))
    except go_json.SyntaxError as error:
        why = str(error)
    else:
        if config is not None and not isinstance(config, dict):
            why = (
                f"json: cannot unmarshal {_json_kind(config)} into Go value of type map[string]interface {{}}"
            )
    if why:
        found.append(errors.invalid_value(f"data[{key}]", "<secret contents redacted>", why))


def _json_kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "number"


# -- Namespace, Node -------------------------------------------------------------------------------------------


def _check_namespace(obj: Obj, found: Errors) -> None:
    for finalizer in (obj.get("spec") or {}).get("finalizers") or _NONE:
        _check_finalizer(finalizer, "spec.finalizers", found)


def _check_finalizer(finalizer: str, path: str, found: Errors) -> None:
    """Source: core validateFinalizerName."""
    if messages := names.label_key(finalizer):
        check_messages(messages, finalizer, path, found)
    if "/" not in finalizer and finalizer not in ("kubernetes", "orphan", "foregroundDeletion"):
        why = "name is neither a standard finalizer name nor is it fully qualified"
        found.append(errors.invalid_value(path, finalizer, why))


def _check_namespace_finalize(new: Obj, old: Obj, found: Errors) -> None:
    for index, finalizer in enumerate((new.get("spec") or {}).get("finalizers") or _NONE):
        _check_finalizer(finalizer, f"spec.finalizers[{index}]", found)


def _check_namespace_status(new: Obj, old: Obj, found: Errors) -> None:
    phase = (new.get("status") or {}).get("phase") or ""
    is_deleting = new["metadata"].get("deletionTimestamp") is not None
    wanted, is_empty = ("Terminating", "is not empty") if is_deleting else ("Active", "is empty")
    if phase != wanted:
        why = f"may only be '{wanted}' if `deletionTimestamp` {is_empty}"
        found.append(errors.invalid_value("status.Phase", phase, why))


_check_taint_effect = check_required_enum(("NoSchedule", "PreferNoSchedule", "NoExecute"))


def _check_node_taints(obj: Obj, found: Errors) -> None:
    if taints := (obj.get("spec") or {}).get("taints"):
        _check_taints(taints, "metadata.taints", found)


def _check_node_resources(obj: Obj, found: Errors) -> None:
    status = obj.get("status") or {}
    for field in ("capacity", "allocatable"):
        for name, amount in (status.get(field) or {}).items():
            check_amount(name, amount, f"status.{field}.{name}", found)


_FEATURE_NAME = re.compile(r"[A-Z][a-zA-Z0-9]*(/[a-zA-Z][a-zA-Z0-9]*)*")
_FEATURE_TEXT = (
    "must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or "
    "MyFeature/mySubFeature), and contain only alphanumeric characters and slashes"
)


def _check_node_features(obj: Obj, found: Errors) -> None:
    """Source: validateNodeDeclaredFeatures."""
    features = (obj.get("status") or {}).get("declaredFeatures") or ()
    for index, feature in enumerate(features):
        at = f"status.declaredFeatures[{index}]"
        before = features[index - 1] if index else ""
        if index and before == feature:
            found.append(errors.duplicate(at, feature))
        elif before > feature:
            found.append(errors.invalid_value(at, feature, "list must be sorted alphabetically"))
        why = "must be no more than 253 characters" if len(feature) > 253 else ""
        if not why and not _FEATURE_NAME.fullmatch(feature):
            why = _FEATURE_TEXT
        if why:
            why = f"invalid feature name {errors.quote(feature)}: {why}"
            found.append(errors.invalid_value(at, feature, why))


def _check_taints(taints: Sequence[Obj], path: str, found: Errors) -> None:
    """Source: validateNodeTaints, the path included."""
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(taints):
        here = f"{path}[{index}]"
        key, value, effect = taint.get("key") or "", taint.get("value") or "", taint.get("effect") or ""
        check_label_key(key, f"{here}.key", found)
        if messages := names.label_value(value):
            found.append(errors.invalid_value(f"{here}.value", value, ";".join(messages)))
        _check_taint_effect(effect, f"{here}.effect", found)
        if (key, effect) in seen:
            why = "taints must be unique by key and effect pair"
            shown = internals.of("Taint", taint)
            found.append(errors.FieldError(errors.FieldErrorType.DUPLICATE, here, shown, why))
        seen.add((key, effect))


def _check_node_cidrs(obj: Obj, found: Errors) -> None:
    cidrs = (obj.get("spec") or {}).get("podCIDRs") or []
    for index, cidr in enumerate(cidrs):
        check_cidr(cidr, f"spec.podCIDRs[{index}]", found)
    if len(cidrs) < 2:
        return
    wrong = next((index for index, cidr in enumerate(cidrs) if not _is_cidr(cidr)), None)
    if wrong is not None:
        why = (
            "invalid PodCIDRs. failed to check with dual stack with error:"
            f"invalid CIDR[{wrong}]: <nil> (invalid CIDR address: {cidrs[wrong]})"
        )
        found.append(errors.FieldError(errors.FieldErrorType.INTERNAL, "spec.podCIDRs", "", why))
    if wrong is not None or len(cidrs) > 2 or len({":" in cidr for cidr in cidrs}) == 1:
        why = "may specify no more than one CIDR for each IP family"
        found.append(errors.invalid_value("spec.podCIDRs", cidrs, why))


def _is_cidr(text: str) -> bool:
    found: Errors = []
    check_cidr(text, "", found)
    return all(error.detail != CIDR_TEXT for error in found)


def _check_node_update(new: Obj, old: Obj, found: Errors) -> None:
    after, before = new.get("spec") or {}, old.get("spec") or {}
    seen: set[tuple[Any, ...]] = set()
    for index, address in enumerate((new.get("status") or {}).get("addresses") or _NONE):
        entry = (address.get("type"), address.get("address"))
        if entry in seen:
            shown = internals.of("NodeAddress", address)
            found.append(errors.duplicate(f"status.addresses[{index}]", shown))
        seen.add(entry)
    cidrs = before.get("podCIDRs")
    if cidrs and cidrs != after.get("podCIDRs"):
        why = 'node updates may not change podCIDR except from "" to valid'
        found.append(errors.forbidden_field("spec.podCIDRs", why))
    provider = before.get("providerID")
    if provider and provider != after.get("providerID"):
        why = 'node updates may not change providerID except from "" to valid'
        found.append(errors.forbidden_field("spec.providerID", why))
    if (after.get("externalID") or "") != (before.get("externalID") or ""):
        found.append(errors.forbidden_field("spec.externalID", "may not be updated"))


_NODE_UPDATE = (
    *on_update(_check_node_resources, _check_node_features),
    _check_node_update,
    *on_update(_check_node_taints),
)

CORE: dict[tuple[str, str], Kind] = {
    ("", "Pod"): Kind(
        rules=(check_pod,),
        create=(check_pod_create,),
        update=(check_pod_update,),
        subresources={
            "status": (check_pod_status,),
            "ephemeralcontainers": (check_ephemeral_update,),
            "resize": (check_resize,),
        },
    ),
    ("", "PodTemplate"): Kind(rules=(check_pod_template_object,)),
    ("", "ConfigMap"): Kind(rules=(_check_config_map,), update=(_locked("data", "binaryData"),)),
    ("", "Secret"): Kind(rules=(_check_secret,), update=(immutable("type"), _locked("data"))),
    ("", "Namespace"): Kind(
        name=names.name_is_dns_label,
        create=(_check_namespace,),
        subresources={"status": (_check_namespace_status,), "finalize": (_check_namespace_finalize,)},
    ),
    ("", "Node"): Kind(
        rules=(_check_node_taints, _check_node_resources, _check_node_features, _check_node_cidrs),
        update=_NODE_UPDATE,
        subresources={"status": _NODE_UPDATE},
    ),
    **SERVICES,
    **QUOTAS,
    **EVENTS,
}
