"""The core group beside pods: ConfigMaps, Secrets, Namespaces, Nodes, Services, Endpoints, quotas, events.

Source: kubernetes pkg/apis/core/validation/{validation,events}.go.
"""

from __future__ import annotations

import binascii
import ipaddress
import re
from collections.abc import Sequence
from typing import Any

from kubepy.api import errors, go_json, internals, names
from kubepy.api.objects import Obj, annotations_of
from kubepy.api.validation.events import EVENTS
from kubepy.api.validation.pod_resize import check_resize
from kubepy.api.validation.pod_resources import (
    check_amount,
)
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
    IMMUTABLE_TEXT,
    Errors,
    Kind,
    UpdateRule,
    check_cidr,
    check_enum,
    check_ip,
    check_label_key,
    check_labels,
    check_messages,
    check_port,
    check_required_enum,
    immutable,
    on_update,
    parse_ip,
)
from kubepy.api.validation.statuses import check_service_status

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


# -- Service ---------------------------------------------------------------------------------------------------

_check_protocol = check_required_enum(("SCTP", "TCP", "UDP"))
_check_service_type = check_required_enum(("ClusterIP", "ExternalName", "LoadBalancer", "NodePort"))
_check_session_affinity = check_required_enum(("ClientIP", "None"))
_check_family_policy = check_enum(("PreferDualStack", "RequireDualStack", "SingleStack"))
_check_internal_policy = check_enum(("Cluster", "Local"))
_check_external_policy = check_required_enum(("Cluster", "Local"))
_check_distribution = check_enum(("PreferClose", "PreferSameZone", "PreferSameNode"))


def _is_headless(spec: Obj) -> bool:
    ips = spec.get("clusterIPs") or [spec.get("clusterIP")]
    return ips[0] == "None"


def _check_service(obj: Obj, found: Errors) -> None:
    """Source: validateService."""
    spec = obj.get("spec") or {}
    type_, ports = spec.get("type") or "", spec.get("ports") or _NONE
    is_headless = _is_headless(spec)
    if not ports and not is_headless and type_ != "ExternalName":
        found.append(errors.required("spec.ports"))
    if type_ in ("LoadBalancer", "NodePort") and is_headless:
        why = f"may not be set to 'None' for {type_} services"
        found.append(errors.invalid_value("spec.clusterIPs[0]", "None", why))
    elif type_ == "ExternalName":
        _check_external_name(spec, found)
    _check_service_ports(ports, found)
    check_labels(spec.get("selector"), "spec.selector", found)
    _check_session_affinity(spec.get("sessionAffinity"), "spec.sessionAffinity", found)
    _check_affinity_config(spec, found)
    if type_ != "ExternalName":
        check_cluster_ips(spec, found)
    for index, ip in enumerate(spec.get("externalIPs") or _NONE):
        before = len(found)
        check_ip(ip, f"spec.externalIPs[{index}]", found)
        if len(found) == before:
            check_endpoint_ip(ip, f"spec.externalIPs[{index}]", found)
    _check_service_type(type_, "spec.type", found)
    _check_node_ports(ports, type_, found)
    _check_load_balancer(spec, type_, found)
    _check_traffic(spec, type_, found)


def _check_external_name(spec: Obj, found: Errors) -> None:
    for field in ("clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        if spec.get(field):
            found.append(errors.forbidden_field(f"spec.{field}", "may not be set for ExternalName services"))
    name = (spec.get("externalName") or "").removesuffix(".")
    if name:
        check_messages(names.dns1123_subdomain(name), name, "spec.externalName", found)
    else:
        found.append(errors.required("spec.externalName"))


def _check_service_ports(ports: Sequence[Obj], found: Errors) -> None:
    seen: set[str] = set()
    for index, port in enumerate(ports):
        here = f"spec.ports[{index}]"
        name = port.get("name")
        if name:
            if messages := names.dns1123_label(name):
                check_messages(messages, name, f"{here}.name", found)
            if name in seen:
                found.append(errors.duplicate(f"{here}.name", name))
            seen.add(name)
        elif len(ports) > 1:
            found.append(errors.required(f"{here}.name"))
        number = port.get("port") or 0
        check_messages(names.port_number(number), number, f"{here}.port", found)
        _check_protocol(port.get("protocol"), f"{here}.protocol", found)
        check_port(port.get("targetPort"), f"{here}.targetPort", found)
        if port.get("appProtocol") is not None:
            check_label_key(port["appProtocol"], f"{here}.appProtocol", found)


def _check_affinity_config(spec: Obj, found: Errors) -> None:
    config, path = spec.get("sessionAffinityConfig"), "spec.sessionAffinityConfig"
    if spec.get("sessionAffinity") == "ClientIP":
        client = (config or {}).get("clientIP")
        seconds = (client or {}).get("timeoutSeconds")
        why = "when session affinity type is ClientIP"
        if config is None:
            found.append(errors.required(path, why))
        elif client is None:
            found.append(errors.required(f"{path}.clientIP", why))
        elif seconds is None:
            found.append(errors.required(f"{path}.clientIP.timeoutSeconds", why))
        elif not 0 < seconds <= 86400:
            why = "must be greater than 0 and less than 86400"
            found.append(errors.invalid_value(f"{path}.clientIP.timeoutSeconds", seconds, why))
    elif spec.get("sessionAffinity") == "None" and config is not None:
        found.append(errors.forbidden_field(path, "must not be set when session affinity is None"))


def check_cluster_ips(spec: Obj, found: Errors) -> None:
    """Source: ValidateServiceClusterIPsRelatedFields."""
    ip, ips = spec.get("clusterIP") or "", spec.get("clusterIPs") or []
    families = spec.get("ipFamilies") or []
    if ip:
        if not ips:
            found.append(errors.required("spec.clusterIPs"))
        elif ips[0] != ip:
            found.append(errors.invalid_value("spec.clusterIPs", ips, "first value must match `clusterIP`"))
    elif ips:
        why = "must be empty when `clusterIP` is not specified"
        found.append(errors.invalid_value("spec.clusterIPs", ips, why))
    for index, family in enumerate(families):
        if family not in ("IPv4", "IPv6"):
            found.append(errors.not_supported(f"spec.ipFamilies[{index}]", family, ("IPv4", "IPv6")))
        if family in families[:index]:
            found.append(errors.duplicate(f"spec.ipFamilies[{index}]", family))
    _check_family_policy(spec.get("ipFamilyPolicy"), "spec.ipFamilyPolicy", found)
    before = len(found)
    if "None" in ips[:1]:
        if len(ips) > 1:
            found.append(
                errors.invalid_value("spec.clusterIPs", ips, "'None' must be the first and only value")
            )
    else:
        for index, address in enumerate(ips):
            check_ip(address, f"spec.clusterIPs[{index}]", found)
    if len(ips) > 2:
        found.append(errors.invalid_value("spec.clusterIPs", ips, "may only hold up to 2 values"))
    if len(found) > before or "None" in ips:
        return
    if len(ips) > 1 and len({":" in address for address in ips}) == 1:
        why = "may specify no more than one IP for each IP family"
        found.append(errors.invalid_value("spec.clusterIPs", ips, why))
    for index, (address, family) in enumerate(zip(ips, families)):
        if (family == "IPv6") != (":" in address):
            why = f"expected an {family} value as indicated by `ipFamilies[{index}]`"
            found.append(errors.invalid_value(f"spec.clusterIPs[{index}]", address, why))


def _check_node_ports(ports: Sequence[Obj], type_: str, found: Errors) -> None:
    node_ports: set[tuple[Any, ...]] = set()
    numbers: set[tuple[Any, ...]] = set()
    for index, port in enumerate(ports):
        node_port = port.get("nodePort")
        if node_port:
            if type_ == "ClusterIP":
                why = "may not be used when `type` is 'ClusterIP'"
                found.append(errors.forbidden_field(f"spec.ports[{index}].nodePort", why))
            entry = (port.get("protocol"), node_port)
            if entry in node_ports:
                found.append(errors.duplicate(f"spec.ports[{index}].nodePort", node_port))
            node_ports.add(entry)
        entry = (port.get("protocol"), port.get("port"))
        if entry in numbers:
            # Go prints the whole internal port it used as a key.
            shown = {
                "Name": "", "Protocol": entry[0], "AppProtocol": None, "Port": entry[1], "TargetPort": 0,
                "NodePort": 0,
            }  # fmt: skip
            found.append(errors.duplicate(f"spec.ports[{index}]", shown))
        numbers.add(entry)


def _check_load_balancer(spec: Obj, type_: str, found: Errors) -> None:
    is_balanced = type_ == "LoadBalancer"
    only = "may only be used when `type` is 'LoadBalancer'"
    if ranges := spec.get("loadBalancerSourceRanges"):
        if not is_balanced:
            found.append(errors.forbidden_field("spec.LoadBalancerSourceRanges", only))
        for index, text in enumerate(ranges):
            check_cidr(text.strip(), f"spec.LoadBalancerSourceRanges[{index}]", found)
    allocate = spec.get("allocateLoadBalancerNodePorts")
    if allocate is not None and not is_balanced:
        found.append(errors.forbidden_field("spec.allocateLoadBalancerNodePorts", only))
    if allocate is None and is_balanced:
        found.append(errors.required("allocateLoadBalancerNodePorts"))
    _check_load_balancer_class(spec, found)


def _check_load_balancer_class(spec: Obj, found: Errors) -> None:
    class_name = spec.get("loadBalancerClass")
    if class_name is None:
        return
    if spec.get("type") == "LoadBalancer":
        check_label_key(class_name, "spec.loadBalancerClass", found)
    else:
        why = "may only be used when `type` is 'LoadBalancer'"
        found.append(errors.forbidden_field("spec.loadBalancerClass", why))


def _check_traffic(spec: Obj, type_: str, found: Errors) -> None:
    external = spec.get("externalTrafficPolicy") or ""
    is_external = type_ in ("LoadBalancer", "NodePort") or (type_ == "ClusterIP" and spec.get("externalIPs"))
    if is_external:
        _check_external_policy(external, "spec.externalTrafficPolicy", found)
    elif external:
        why = "may only be set for externally-accessible services"
        found.append(errors.invalid_value("spec.externalTrafficPolicy", external, why))
    # The health check's port is allocated where IPs are, so only a wrong one is an error here.
    health_port = spec.get("healthCheckNodePort")
    if health_port:
        if type_ == "LoadBalancer" and external == "Local":
            check_messages(names.port_number(health_port), health_port, "spec.healthCheckNodePort", found)
        else:
            why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
            found.append(errors.invalid_value("spec.healthCheckNodePort", health_port, why))
    internal = spec.get("internalTrafficPolicy")
    if internal is None and type_ in ("NodePort", "LoadBalancer", "ClusterIP"):
        found.append(errors.required("spec.internalTrafficPolicy"))
    _check_internal_policy(internal, "spec.internalTrafficPolicy", found)
    _check_distribution(spec.get("trafficDistribution"), "spec.trafficDistribution", found)


def _check_service_update(new: Obj, old: Obj, found: Errors) -> None:
    """Source: ValidateServiceUpdate."""
    after, before = new.get("spec") or {}, old.get("spec") or {}
    _check_service_addresses(after, before, found)
    if after.get("type") == before.get("type") == "LoadBalancer":
        class_name = after.get("loadBalancerClass")
        if class_name != before.get("loadBalancerClass"):
            why = "may not change once set"
            found.append(errors.invalid_value("spec.loadBalancerClass", class_name, why))
    # Once here and once with the rest, as upstream does.
    _check_load_balancer_class(after, found)
    if _needs_health_check(after) and _needs_health_check(before):
        if (after.get("healthCheckNodePort") or 0) != (before.get("healthCheckNodePort") or 0):
            found.append(errors.forbidden_field("spec.healthCheckNodePort", IMMUTABLE_TEXT))


def _check_service_addresses(after: Obj, before: Obj, found: Errors) -> None:
    """Addresses do not change once given. Source: validateUpgradeDowngradeClusterIPs and ...IPFamilies."""
    is_headless = _is_headless(after), _is_headless(before)
    if "ExternalName" in (after.get("type"), before.get("type")) or all(is_headless):
        return
    _check_addresses_kept(after, before, "clusterIPs", "primary clusterIP can not be unset", found)
    if not any(is_headless):
        _check_addresses_kept(after, before, "ipFamilies", "primary ipFamily can not be unset", found)


def _needs_health_check(spec: Obj) -> bool:
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def _check_addresses_kept(after: Obj, before: Obj, field: str, unset_text: str, found: Errors) -> None:
    new, old = after.get(field) or [], before.get(field) or []
    if len(new) == len(old):
        for index, (value, was) in enumerate(zip(new, old)):
            if value != was:
                path = f"spec.{field}[{index if field == 'clusterIPs' else 0}]"
                found.append(errors.invalid_value(path, new, "may not change once set"))
        return
    if not new:
        found.append(errors.invalid_value(f"spec.{field}[0]", new, unset_text))
    elif old and new[0] != old[0]:
        found.append(errors.invalid_value(f"spec.{field}[0]", new, "may not change once set"))
    if len(old) > len(new) == 1 and after.get("ipFamilyPolicy") != "SingleStack":
        word = "clusterIP" if field == "clusterIPs" else "ipFamily"
        why = f"must be set to 'SingleStack' when releasing the secondary {word}"
        found.append(errors.invalid_value("spec.ipFamilyPolicy", after.get("ipFamilyPolicy"), why))


# -- Endpoints -------------------------------------------------------------------------------------------------

_LINK_LOCAL_MULTICAST = (ipaddress.ip_network("224.0.0.0/24"), ipaddress.ip_network("ff02::/16"))


def check_endpoint_ip(ip: str, path: str, found: Errors) -> None:
    """No address that means another thing on every machine. Source: ValidateEndpointIP."""
    address = parse_ip(ip)
    if address is None:
        found.append(errors.invalid_value(path, ip, "must be a valid IP address"))
        return
    if address.is_unspecified:
        found.append(errors.invalid_value(path, ip, f"may not be unspecified ({ip})"))
    if address.is_loopback:
        why = "may not be in the loopback range (127.0.0.0/8, ::1/128)"
        found.append(errors.invalid_value(path, ip, why))
    if address.is_link_local:
        why = "may not be in the link-local range (169.254.0.0/16, fe80::/10)"
        found.append(errors.invalid_value(path, ip, why))
    if any(address in network for network in _LINK_LOCAL_MULTICAST if network.version == address.version):
        why = "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"
        found.append(errors.invalid_value(path, ip, why))


def _check_endpoints(obj: Obj, found: Errors) -> None:
    for index, subset in enumerate(obj.get("subsets") or _NONE):
        here = f"subsets[{index}]"
        if not subset.get("addresses") and not subset.get("notReadyAddresses"):
            found.append(errors.required(here, "must specify `addresses` or `notReadyAddresses`"))
        for field in ("addresses", "notReadyAddresses"):
            for number, address in enumerate(subset.get(field) or _NONE):
                _check_endpoint_address(address, f"{here}.{field}[{number}]", found)
        ports = subset.get("ports") or _NONE
        for number, port in enumerate(ports):
            _check_endpoint_port(port, len(ports) > 1, f"{here}.ports[{number}]", found)


def _check_endpoint_address(address: Obj, path: str, found: Errors) -> None:
    ip, hostname = address.get("ip") or "", address.get("hostname")
    check_ip(ip, f"{path}.ip", found)
    if hostname:
        check_messages(names.dns1123_label(hostname), hostname, f"{path}.hostname", found)
    if address.get("nodeName") is not None:
        node = address["nodeName"]
        check_messages(names.dns1123_subdomain(node), node, f"{path}.nodeName", found)
    check_endpoint_ip(ip, f"{path}.ip", found)


def _check_endpoint_port(port: Obj, is_name_required: bool, path: str, found: Errors) -> None:
    name, number = port.get("name"), port.get("port") or 0
    if name:
        check_messages(names.dns1123_label(name), name, f"{path}.name", found)
    elif is_name_required:
        found.append(errors.required(f"{path}.name"))
    check_messages(names.port_number(number), number, f"{path}.port", found)
    _check_protocol(port.get("protocol"), f"{path}.protocol", found)
    if port.get("appProtocol") is not None:
        check_label_key(port["appProtocol"], f"{path}.appProtocol", found)


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
    ("", "Service"): Kind(
        name=names.name_is_dns_label,
        create=(_check_service,),
        update=(_check_service_update, *on_update(_check_service)),
        subresources={"status": (check_service_status,)},
    ),
    ("", "Endpoints"): Kind(rules=(_check_endpoints,)),
    **QUOTAS,
    **EVENTS,
}
