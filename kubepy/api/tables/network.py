"""Services, their endpoints, and the ways in."""

from __future__ import annotations

from kubepy.api import objects
from kubepy.api.objects import Obj
from kubepy.api.tables import parts
from kubepy.api.tables.parts import Cells, Doc, Printer


def _service(obj: Obj, now: float) -> Cells:
    spec = parts.spec(obj)
    ips = spec.get("clusterIPs")
    ports = ",".join(_service_port(port) for port in spec.get("ports") or ())
    return [
        parts.name(obj),
        spec.get("type") or "",
        ips[0] if ips else "<none>",
        _external_ip(obj),
        ports or "<none>",
        parts.age(obj, now),
        parts.format_labels(spec.get("selector")),
    ]


def _service_port(port: Obj) -> str:
    node_port = port.get("nodePort")
    numbers = f"{port.get('port')}:{node_port}" if node_port else str(port.get("port"))
    return f"{numbers}/{port.get('protocol') or ''}"


def _external_ip(service: Obj) -> str:
    """Source: getServiceExternalIP."""
    spec = parts.spec(service)
    type_, ips = spec.get("type"), spec.get("externalIPs") or []
    if type_ in ("ClusterIP", "NodePort"):
        return ",".join(ips) or "<none>"
    if type_ == "LoadBalancer":
        balancers = _load_balancer(service)
        return ",".join([*filter(None, [balancers]), *ips]) or "<pending>"
    if type_ == "ExternalName":
        return spec.get("externalName") or ""
    return "<unknown>"


def _load_balancer(obj: Obj) -> str:
    ingress = (parts.status(obj).get("loadBalancer") or {}).get("ingress") or ()
    return ",".join(sorted({i.get("ip") or i.get("hostname") or "" for i in ingress} - {""}))


def _ingress(obj: Obj, now: float) -> Cells:
    spec = parts.spec(obj)
    rules = spec.get("rules") or []
    hosts = [rule["host"] for rule in rules[:3] if rule.get("host")]
    return [
        parts.name(obj),
        spec.get("ingressClassName") or "<none>",
        parts.with_more(hosts, len(rules), 3) if hosts else "*",
        _load_balancer(obj),
        "80, 443" if spec.get("tls") else "80",
        parts.age(obj, now),
    ]


def _ingress_class(obj: Obj, now: float) -> Cells:
    spec = parts.spec(obj)
    name = parts.name(obj)
    if objects.annotations_of(obj).get("ingressclass.kubernetes.io/is-default-class") == "true":
        name += " (default)"
    shown = "<none>"
    if parameters := spec.get("parameters"):
        group = parameters.get("apiGroup")
        kind = f"{parameters.get('kind')}.{group}" if group else parameters.get("kind")
        shown = f"{kind}/{parameters.get('name')}"
    return [name, spec.get("controller") or "", shown, parts.age(obj, now)]


def _endpoints(obj: Obj, now: float) -> Cells:
    texts: list[str] = []
    for subset in obj.get("subsets") or ():
        addresses = subset.get("addresses") or ()
        for port in subset.get("ports") or (None,):
            texts += [_host_port(address.get("ip", ""), port) for address in addresses]
    shown = parts.with_more(texts[:3], len(texts), 3) if obj.get("subsets") else "<none>"
    return [parts.name(obj), shown, parts.age(obj, now)]


def _host_port(ip: str, port: Obj | None) -> str:
    if port is None:
        return ip
    return f"[{ip}]:{port.get('port')}" if ":" in ip else f"{ip}:{port.get('port')}"


def _endpoint_slice(obj: Obj, now: float) -> Cells:
    ports = [
        str(port["port"]) if port.get("port") is not None else port.get("name") or "*"
        for port in obj.get("ports") or ()
    ]
    addresses = [
        address for endpoint in obj.get("endpoints") or () for address in endpoint.get("addresses") or ()
    ]
    return [
        parts.name(obj),
        obj.get("addressType") or "",
        parts.with_more(ports[:3], len(ports), 3) or "<unset>",
        parts.with_more(addresses[:3], len(addresses), 3) or "<unset>",
        parts.age(obj, now),
    ]


def _network_policy(obj: Obj, now: float) -> Cells:
    return [parts.name(obj), parts.selector(parts.spec(obj).get("podSelector") or {}), parts.age(obj, now)]


def _service_cidr(obj: Obj, now: float) -> Cells:
    return [parts.name(obj), ",".join(parts.spec(obj).get("cidrs") or ()), parts.age(obj, now)]


def _ip_address(obj: Obj, now: float) -> Cells:
    parent = parts.spec(obj).get("parentRef")
    if not parent:
        return [parts.name(obj), "<none>"]
    group, plural = parent.get("group") or "", parent.get("resource") or ""
    resource = (f"{plural}.{group}" if group else plural).lower()
    given = (resource, parent.get("namespace"), parent.get("name"))
    return [parts.name(obj), "/".join(part for part in given if part)]


PRINTERS: dict[tuple[str, str], Printer] = {
    ("", "Service"): Printer(
        (
            parts.NAME,
            parts.text("Type", Doc("core.v1.ServiceSpec.type")),
            parts.text("Cluster-IP", Doc("core.v1.ServiceSpec.clusterIP")),
            parts.text("External-IP", Doc("core.v1.ServiceSpec.externalIPs")),
            parts.text("Port(s)", Doc("core.v1.ServiceSpec.ports")),
            parts.AGE,
            parts.wide("Selector", Doc("core.v1.ServiceSpec.selector")),
        ),
        _service,
    ),
    ("", "Endpoints"): Printer(
        (
            parts.NAME,
            parts.text("Endpoints", Doc("core.v1.Endpoints.subsets")),
            parts.AGE,
        ),
        _endpoints,
    ),
    ("discovery.k8s.io", "EndpointSlice"): Printer(
        (
            parts.NAME,
            parts.text("AddressType", Doc("discovery.v1.EndpointSlice.addressType")),
            parts.text("Ports", Doc("discovery.v1.EndpointSlice.ports")),
            parts.text("Endpoints", Doc("discovery.v1.EndpointSlice.endpoints")),
            parts.AGE,
        ),
        _endpoint_slice,
    ),
    ("networking.k8s.io", "Ingress"): Printer(
        (
            parts.NAME,
            parts.text(
                "Class",
                "The name of the IngressClass resource that should be used for additional configuration",
            ),
            parts.text("Hosts", "Hosts that incoming requests are matched against before the ingress rule"),
            parts.text("Address", "Address is a list containing ingress points for the load-balancer"),
            parts.text("Ports", "Ports of TLS configurations that open"),
            parts.AGE,
        ),
        _ingress,
    ),
    ("networking.k8s.io", "IngressClass"): Printer(
        (
            parts.NAME,
            parts.text("Controller", "Controller that is responsible for handling this class"),
            parts.text("Parameters", "A reference to a resource with additional parameters"),
            parts.AGE,
        ),
        _ingress_class,
    ),
    ("networking.k8s.io", "NetworkPolicy"): Printer(
        (
            parts.NAME,
            parts.text("Pod-Selector", Doc("networking.v1.NetworkPolicySpec.podSelector")),
            parts.AGE,
        ),
        _network_policy,
    ),
    ("networking.k8s.io", "ServiceCIDR"): Printer(
        (parts.NAME, parts.text("CIDRs", Doc("networking.v1.ServiceCIDRSpec.cidrs")), parts.AGE),
        _service_cidr,
    ),
    ("networking.k8s.io", "IPAddress"): Printer(
        (parts.NAME, parts.text("ParentRef", Doc("networking.v1.IPAddressSpec.parentRef"))), _ip_address
    ),
}
