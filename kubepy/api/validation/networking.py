"""Ingresses, IngressClasses, NetworkPolicies, EndpointSlices.

Source: kubernetes pkg/apis/networking/validation/validation.go, pkg/apis/discovery/validation/validation.go.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from kubepy.api import errors, names
from kubepy.api.objects import Obj, annotations_of
from kubepy.api.validation.rules import (
    IMMUTABLE_TEXT,
    Errors,
    Kind,
    against_ip,
    check_cidr,
    check_enum,
    check_ip,
    check_label_key,
    check_label_selector,
    check_messages,
    check_required_path_segment,
    immutable,
    on_update,
    parse_ip,
    required_enum,
)
from kubepy.api.validation.services import check_endpoint_ip
from kubepy.api.validation.statuses import check_ingress_status

_NONE: tuple[Any, ...] = ()
_INGRESS_CLASS = "kubernetes.io/ingress.class"
_CONTROLLER_MAX = 250
_SCOPES = ("Cluster", "Namespace")
_HTTP_PATH = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"
_match_http_path = re.compile(_HTTP_PATH).fullmatch

# -- Ingress ---------------------------------------------------------------------------------------------------

_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_BAD_SEQUENCES = ("//", "/./", "/../", "%2f", "%2F")
_BAD_SUFFIXES = ("/..", "/.")


def _check_ingress(obj: Obj, found: Errors) -> None:
    """Source: ValidateIngressSpec."""
    spec = obj.get("spec") or {}
    rules, backend = spec.get("rules") or _NONE, spec.get("defaultBackend")
    if not rules and backend is None:
        why = "either `defaultBackend` or `rules` must be specified"
        found.append(errors.invalid_value("spec", spec.get("rules"), why))
    if backend is not None:
        _check_backend(backend, "spec.defaultBackend", found)
    for index, rule in enumerate(rules):
        _check_ingress_rule(rule, f"spec.rules[{index}]", found)
    for index, tls in enumerate(spec.get("tls") or _NONE):
        for number, host in enumerate(tls.get("hosts") or _NONE):
            check_messages(_host_messages(host), host, f"spec.tls[{index}].hosts[{number}]", found)
        secret = tls.get("secretName")
        if secret:
            check_messages(names.dns1123_subdomain(secret), secret, f"spec.tls[{index}].secretName", found)
    class_name = spec.get("ingressClassName")
    if class_name is not None:
        check_messages(names.dns1123_subdomain(class_name), class_name, "spec.ingressClassName", found)


def _host_messages(host: str) -> list[str]:
    return names.wildcard_dns1123_subdomain(host) if "*" in host else names.dns1123_subdomain(host)


def _check_ingress_rule(rule: Obj, path: str, found: Errors) -> None:
    host = rule.get("host")
    if host:
        if parse_ip(host) is not None:
            found.append(errors.invalid_value(f"{path}.host", host, "must be a DNS name, not an IP address"))
        check_messages(_host_messages(host), host, f"{path}.host", found)
    http = rule.get("http")
    if http is None:
        return
    if not http.get("paths"):
        found.append(errors.required(f"{path}.http.paths"))
    for index, entry in enumerate(http.get("paths") or _NONE):
        _check_path(entry, f"{path}.http.paths[{index}]", found)


def _check_path(entry: Obj, path: str, found: Errors) -> None:
    type_, target = entry.get("pathType"), entry.get("path") or ""
    if type_ is None:
        found.append(errors.required(f"{path}.pathType", "pathType must be specified"))
        return
    if type_ not in _PATH_TYPES:
        found.append(errors.not_supported(f"{path}.pathType", type_, _PATH_TYPES))
    elif (type_ != "ImplementationSpecific" or target) and not target.startswith("/"):
        found.append(errors.invalid_value(f"{path}.path", target, "must be an absolute path"))
    if type_ in ("Exact", "Prefix"):
        for sequence in _BAD_SEQUENCES:
            if sequence in target:
                found.append(errors.invalid_value(f"{path}.path", target, f"must not contain '{sequence}'"))
        for suffix in _BAD_SUFFIXES:
            if target.endswith(suffix):
                found.append(errors.invalid_value(f"{path}.path", target, f"cannot end with '{suffix}'"))
    _check_backend(entry.get("backend") or {}, f"{path}.backend", found)


def _check_backend(backend: Obj, path: str, found: Errors) -> None:
    """Source: validateIngressBackend."""
    service, resource = backend.get("service"), backend.get("resource")
    if service is not None and resource is not None:
        found.append(errors.invalid_value(path, "", "cannot set both resource and service backends"))
    elif resource is not None:
        _check_typed_reference(resource, f"{path}.resource", found)
    elif service is None:
        found.append(errors.invalid_value(path, "", "resource or service backend is required"))
    else:
        _check_service_backend(service, path, found)


def _check_service_backend(service: Obj, path: str, found: Errors) -> None:
    name, port = service.get("name"), service.get("port") or {}
    if not name:
        found.append(errors.required(f"{path}.service.name"))
    else:
        check_messages(names.dns1123_label(name), name, f"{path}.service.name", found)
    port_name, number = port.get("name"), port.get("number")
    if port_name and number:
        found.append(errors.invalid_value(path, "", "cannot set both port name & port number"))
    elif port_name:
        check_messages(names.port_name(port_name), port_name, f"{path}.service.port.name", found)
    elif number:
        check_messages(names.port_number(number), number, f"{path}.service.port.number", found)
    else:
        found.append(errors.required(path, "port name or number is required"))


def _check_typed_reference(ref: Obj, path: str, found: Errors) -> None:
    """Source: validateIngressTypedLocalObjectReference."""
    group = ref.get("apiGroup")
    if group is not None:
        check_messages(names.dns1123_subdomain(group), group, f"{path}.apiGroup", found)
    for field in ("kind", "name"):
        check_required_path_segment(ref.get(field), f"{path}.{field}", found)


def _check_ingress_create(obj: Obj, found: Errors) -> None:
    annotated = annotations_of(obj).get(_INGRESS_CLASS)
    class_name = (obj.get("spec") or {}).get("ingressClassName")
    if annotated is not None and class_name is not None and annotated != class_name:
        why = "must match `ingressClassName` when both are specified"
        found.append(errors.invalid_value(f"annotations.{_INGRESS_CLASS}", annotated, why))


def _check_ingress_class(obj: Obj, found: Errors) -> None:
    spec = obj.get("spec") or {}
    controller = spec.get("controller") or ""
    if len(controller) > _CONTROLLER_MAX:
        found.append(errors.too_long("spec.controller", _CONTROLLER_MAX))
    _check_domain_prefixed_path(controller, "spec.controller", found)
    if spec.get("parameters") is not None:
        _check_parameters(spec["parameters"], "spec.parameters", found)


def _check_domain_prefixed_path(value: str, path: str, found: Errors) -> None:
    """Source: apimachinery pkg/util/validation IsDomainPrefixedPath."""
    if not value:
        found.append(errors.required(path))
        return
    domain, _, rest = value.partition("/")
    if not domain or not rest:
        why = 'must be a domain-prefixed path (such as "acme.io/foo")'
        found.append(errors.invalid_value(path, value, why))
        return
    check_messages(names.dns1123_subdomain(domain), domain, path, found)
    if not _match_http_path(rest):
        found.append(errors.invalid_value(path, rest, names.regex_text("Invalid path", _HTTP_PATH)))


def _check_parameters(ref: Obj, path: str, found: Errors) -> None:
    """Source: validateIngressClassParametersReference."""
    _check_typed_reference(ref, path, found)
    scope, namespace = ref.get("scope"), ref.get("namespace")
    if scope is None:
        found.append(errors.required(f"{path}.scope"))
    elif scope not in _SCOPES:
        found.append(errors.not_supported(f"{path}.scope", scope, _SCOPES))
    elif scope == "Cluster":
        if namespace is not None:
            why = "`parameters.scope` is set to 'Cluster'"
            found.append(errors.forbidden_field(f"{path}.namespace", why))
    elif namespace is None:
        why = "`parameters.scope` is set to 'Namespace'"
        found.append(errors.required(f"{path}.namespace", why))
    else:
        check_messages(names.dns1123_label(namespace), namespace, f"{path}.namespace", found)


# -- NetworkPolicy ---------------------------------------------------------------------------------------------

_check_protocol = check_enum(("TCP", "UDP", "SCTP"))


def _check_network_policy(obj: Obj, found: Errors) -> None:
    """Source: ValidateNetworkPolicySpec."""
    spec = obj.get("spec") or {}
    check_label_selector(spec.get("podSelector"), "spec.podSelector", found)
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(spec.get(direction) or _NONE):
            path = f"spec.{direction}[{index}]"
            for number, port in enumerate(rule.get("ports") or _NONE):
                _check_policy_port(port, f"{path}.ports[{number}]", found)
            for number, peer in enumerate(rule.get(peers) or _NONE):
                _check_peer(peer, f"{path}.{peers}[{number}]", found)
    types = spec.get("policyTypes") or []
    if len(types) > 2:
        why = "may not specify more than two policyTypes"
        found.append(errors.invalid_value("spec.policyTypes", types, why))
        return
    for index, type_ in enumerate(types):
        if type_ not in ("Ingress", "Egress"):
            found.append(errors.not_supported(f"spec.policyTypes[{index}]", type_, ("Ingress", "Egress")))


def _check_policy_port(entry: Obj, path: str, found: Errors) -> None:
    port, end = entry.get("port"), entry.get("endPort")
    _check_protocol(entry.get("protocol"), f"{path}.protocol", found)
    if isinstance(port, int):
        check_messages(names.port_number(port), port, f"{path}.port", found)
        if end is not None:
            if end < port:
                why = "must be greater than or equal to `port`"
                found.append(errors.invalid_value(f"{path}.endPort", port, why))
            check_messages(names.port_number(end), end, f"{path}.endPort", found)
        return
    if end is not None:
        how = "not specified" if port is None else "non-numeric"
        found.append(
            errors.invalid_value(f"{path}.endPort", end, f"may not be specified when `port` is {how}")
        )
    if port is not None:
        check_messages(names.port_name(port), port, f"{path}.port", found)


def _check_peer(peer: Obj, path: str, found: Errors) -> None:
    kinds = [
        field for field in ("podSelector", "namespaceSelector", "ipBlock") if peer.get(field) is not None
    ]
    for field in kinds:
        if field == "ipBlock":
            _check_block(peer["ipBlock"], f"{path}.ipBlock", found)
        else:
            check_label_selector(peer[field], f"{path}.{field}", found)
    if not kinds:
        found.append(errors.required(path, "must specify a peer"))
    elif len(kinds) > 1 and "ipBlock" in kinds:
        found.append(errors.forbidden_field(path, "may not specify both ipBlock and another peer"))


def _check_block(block: Obj, path: str, found: Errors) -> None:
    cidr = block.get("cidr")
    if not cidr:
        found.append(errors.required(f"{path}.cidr"))
        return
    check_cidr(cidr, f"{path}.cidr", found)
    network = _network(cidr)
    if network is None:
        return
    for index, text in enumerate(block.get("except") or _NONE):
        here = f"{path}.except[{index}]"
        check_cidr(text, here, found)
        inner = _network(text)
        if inner is not None and not _is_strict_subset(inner, network):
            found.append(errors.invalid_value(here, text, "must be a strict subset of `cidr`"))


_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(text: str) -> _Network | None:
    if "/" not in text:
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _is_strict_subset(inner: _Network, outer: _Network) -> bool:
    return (
        inner.version == outer.version
        and inner.network_address in outer
        and inner.prefixlen > outer.prefixlen
    )


# -- EndpointSlice ---------------------------------------------------------------------------------------------

_ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
_ENDPOINTS_MAX, _PORTS_MAX, _ADDRESSES_MAX = 1000, 20_000, 100
_check_port_protocol = check_enum(("SCTP", "TCP", "UDP"))


def _check_slice(obj: Obj, found: Errors) -> None:
    """Source: ValidateEndpointSlice."""
    _check_slice_ports(obj.get("ports") or _NONE, found)
    endpoints = obj.get("endpoints") or _NONE
    if len(endpoints) > _ENDPOINTS_MAX:
        found.append(errors.too_many("endpoints", len(endpoints), _ENDPOINTS_MAX))
        return
    for index, endpoint in enumerate(endpoints):
        path = f"endpoints[{index}]"
        addresses = endpoint.get("addresses") or _NONE
        if not addresses:
            found.append(errors.required(f"{path}.addresses", "must contain at least 1 address"))
        elif len(addresses) > _ADDRESSES_MAX:
            found.append(errors.too_many(f"{path}.addresses", len(addresses), _ADDRESSES_MAX))
        for number, address in enumerate(addresses):
            _check_address(address, obj.get("addressType"), path, number, found)
        for field, check in (("nodeName", names.dns1123_subdomain), ("hostname", names.dns1123_label)):
            value = endpoint.get(field)
            if value is not None:
                check_messages(check(value), value, f"{path}.{field}", found)
        hints = endpoint.get("hints")
        if hints:
            _check_hints(hints, f"{path}.hints", found)


_HINTS_MAX = 8


def _check_hints(hints: Obj, path: str, found: Errors) -> None:
    """Source: validateHints."""
    for field, check in (("forZones", names.label_value), ("forNodes", names.dns1123_subdomain)):
        named = hints.get(field) or _NONE
        if len(named) > _HINTS_MAX:
            found.append(errors.too_many(f"{path}.{field}", len(named), _HINTS_MAX))
            return
        seen: set[str] = set()
        for index, hint in enumerate(named):
            name, here = hint.get("name") or "", f"{path}.{field}[{index}].name"
            if name in seen:
                found.append(errors.duplicate(here, name))
            seen.add(name)
            check_messages(check(name), name, here, found)


def _check_address(address: str, type_: str | None, path: str, number: int, found: Errors) -> None:
    here = f"{path}.addresses[{number}]"
    if type_ not in _ADDRESS_TYPES:
        return
    if type_ == "FQDN":
        domain = address.removesuffix(".")
        if messages := names.dns1123_subdomain(domain):
            found.append(errors.invalid_value(here, domain, ",".join(messages)))
        elif "." not in domain:
            why = "should be a domain with at least two segments separated by dots"
            found.append(errors.invalid_value(here, domain, why))
        return
    before = len(found)
    check_ip(address, here, found)
    if len(found) > before:
        return
    if (type_ == "IPv6") != (":" in address):
        found.append(errors.invalid_value(f"{path}.addresses", address, f"must be an {type_} address"))
    check_endpoint_ip(address, here, found)


def _check_slice_ports(ports: Any, found: Errors) -> None:
    if len(ports) > _PORTS_MAX:
        found.append(errors.too_many("ports", len(ports), _PORTS_MAX))
        return
    seen: set[str] = set()
    for index, port in enumerate(ports):
        name, protocol = port.get("name") or "", port.get("protocol")
        if name:
            check_messages(names.dns1123_label(name), name, f"ports[{index}].name", found)
        if name in seen:
            found.append(errors.duplicate(f"ports[{index}].name", name))
        seen.add(name)
        if protocol is None:
            found.append(errors.required(f"ports[{index}].protocol"))
        _check_port_protocol(protocol, f"ports[{index}].protocol", found)
        if port.get("appProtocol") is not None:
            check_label_key(port["appProtocol"], f"ports[{index}].appProtocol", found)


# -- IPAddress, ServiceCIDR ------------------------------------------------------------------------------------


def _ip_address_name(name: str, prefix: bool) -> list[str]:
    """Source: ValidateIPAddressName: an address in the one form that it has."""
    if why := against_ip(name):
        return [why]
    address = parse_ip(name)
    return [] if str(address) == name else [f'must be in canonical form ("{address}")']


def _check_ip_address(obj: Obj, found: Errors) -> None:
    parent = (obj.get("spec") or {}).get("parentRef")
    if parent is None:
        found.append(errors.required("spec.parentRef"))
        return
    group = parent.get("group")
    if group:
        check_messages(names.dns1123_subdomain(group), group, "spec.parentRef.group", found)
    for field in ("resource", "name", "namespace"):
        value, path = parent.get(field), f"spec.parentRef.{field}"
        if value:
            check_messages(names.path_segment(value), value, path, found)
        elif field != "namespace":
            found.append(errors.required(path))


def _check_service_cidr(obj: Obj, found: Errors) -> None:
    spec = obj.get("spec") or {}
    cidrs, path = spec.get("cidrs") or [], "spec.cidrs"
    if not cidrs:
        found.append(errors.required(path, "at least one CIDR required"))
        return
    if len(cidrs) > 2:
        found.append(errors.invalid_value(path, {"CIDRs": cidrs}, "may only hold up to 2 values"))
        return
    for index, cidr in enumerate(cidrs):
        before = len(found)
        check_cidr(cidr, f"{path}[{index}]", found)
        network = _network(cidr)
        if len(found) == before and str(network) != cidr:
            why = f'must be in canonical form ("{network}")'
            found.append(errors.invalid_value(f"{path}[{index}]", cidr, why))
    families = [":" in cidr for cidr in cidrs]
    if len(families) == 2 and families[0] == families[1] and all(map(_network, cidrs)):
        why = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"
        found.append(errors.invalid_value(path, cidrs, why))


def _check_service_cidr_update(new: Obj, old: Obj, found: Errors) -> None:
    """A range may be joined by one of the other family; nothing else changes."""
    given, before = ((obj.get("spec") or {}).get("cidrs") for obj in (new, old))
    after, before = given or [], before or []
    if len(after) != len(before) and (len(before), len(after)) != (1, 2):
        found.append(errors.invalid_value("spec.cidrs", given, IMMUTABLE_TEXT))
        return
    for index, (cidr, was) in enumerate(zip(after, before)):
        if cidr != was:
            found.append(errors.invalid_value(f"spec.cidrs[{index}]", cidr, IMMUTABLE_TEXT))
    if len(after) != len(before):
        _check_service_cidr(new, found)


NETWORKING: dict[tuple[str, str], Kind] = {
    ("networking.k8s.io", "Ingress"): Kind(
        rules=(_check_ingress,),
        create=(_check_ingress_create,),
        subresources={"status": (check_ingress_status,)},
    ),
    ("networking.k8s.io", "IngressClass"): Kind(
        create=(_check_ingress_class,),
        update=(immutable("spec.controller", zero=""), *on_update(_check_ingress_class)),
    ),
    ("networking.k8s.io", "IPAddress"): Kind(
        name=_ip_address_name,
        create=(_check_ip_address,),
        update=(*on_update(_check_ip_address), immutable("spec.parentRef", struct="ParentReference")),
    ),
    ("networking.k8s.io", "NetworkPolicy"): Kind(rules=(_check_network_policy,)),
    ("networking.k8s.io", "ServiceCIDR"): Kind(
        create=(_check_service_cidr,), update=(_check_service_cidr_update,)
    ),
    ("discovery.k8s.io", "EndpointSlice"): Kind(
        rules=(required_enum("addressType", _ADDRESS_TYPES), _check_slice), update=(immutable("addressType"),)
    ),
}
