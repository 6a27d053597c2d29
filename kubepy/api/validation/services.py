"""Services and Endpoints.

Source: kubernetes pkg/apis/core/validation/validation.go.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

from kubepy.api import errors, names
from kubepy.api.objects import Obj
from kubepy.api.validation.rules import (
    IMMUTABLE_TEXT,
    Errors,
    Kind,
    check_cidr,
    check_enum,
    check_ip,
    check_label_key,
    check_labels,
    check_messages,
    check_port,
    check_required_enum,
    on_update,
    parse_ip,
)
from kubepy.api.validation.statuses import check_service_status

_NONE: tuple[Any, ...] = ()


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


SERVICES: dict[tuple[str, str], Kind] = {
    ("", "Service"): Kind(
        name=names.name_is_dns_label,
        create=(_check_service,),
        update=(_check_service_update, *on_update(_check_service)),
        subresources={"status": (check_service_status,)},
    ),
    ("", "Endpoints"): Kind(rules=(_check_endpoints,)),
}
