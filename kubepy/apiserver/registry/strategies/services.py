"""Services: what depends on the type comes and goes with it; what was allocated is kept unless it is given up.

The allocation itself (cluster IPs, node ports) is allocators.py.

Source: kubernetes pkg/registry/core/service/strategy.go (dropTypeDependentFields), storage/storage.go
(normalizeClusterIPs, patchAllocatedValues).
"""

from __future__ import annotations

from typing import Any

from kubepy.api.objects import Obj
from kubepy.apiserver.registry.strategies.base import Moment, Strategy, take

NONE = "None"


class ServiceStrategy(Strategy):
    returns_deleted = True
    create_on_update = True

    def prepare_create(self, obj: Obj, moment: Moment) -> None:
        obj["status"] = {"loadBalancer": {}}

    def prepare_update(self, new: Obj, old: Obj, moment: Moment) -> None:
        super().prepare_update(new, old, moment)
        drop_type_dependent(new["spec"], old["spec"])
        if service_type(new["spec"]) == "ExternalName":
            # Upstream keeps it in the store and shows it to nobody. Source: defaultOnReadInternalTrafficPolicy.
            new["spec"].pop("internalTrafficPolicy", None)


def service_type(spec: Obj) -> str:
    return spec.get("type") or "ClusterIP"


def needs_cluster_ip(spec: Obj) -> bool:
    return service_type(spec) != "ExternalName"


def needs_node_ports(spec: Obj) -> bool:
    kind = service_type(spec)
    return kind == "NodePort" or (
        kind == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is not False
    )


def may_have_node_ports(spec: Obj) -> bool:
    return service_type(spec) in ("NodePort", "LoadBalancer")


def needs_health_check_port(spec: Obj) -> bool:
    return service_type(spec) == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def cluster_ips(spec: Obj) -> list[str]:
    ips = spec.get("clusterIPs") or ([spec["clusterIP"]] if spec.get("clusterIP") else [])
    return [ip for ip in ips if ip and ip != NONE]


def normalize_cluster_ips(new: Obj, old: Obj | None) -> None:
    """clusterIP and clusterIPs[0] are one thing: whichever the client changed wins."""
    ip, ips = new.get("clusterIP") or "", new.get("clusterIPs") or []
    if old is None:
        if ip and not ips:
            new["clusterIPs"] = [ip]
        return
    old_ip, old_ips = old.get("clusterIP") or "", old.get("clusterIPs") or []
    if ip == old_ip:
        return
    # The client speaks clusterIP only.
    if ips == old_ips:
        if ip:
            new["clusterIPs"] = [ip]
        elif old_ip:
            new.pop("clusterIPs", None)


def keep_allocated(new: Obj, old: Obj) -> None:
    """What an update leaves out but the service still needs stays as it was allocated."""
    if needs_cluster_ip(old) and needs_cluster_ip(new):
        if not new.get("clusterIP"):
            take(new, old, "clusterIP")
        if not new.get("clusterIPs") and new.get("clusterIP") == old.get("clusterIP"):
            take(new, old, "clusterIPs")
    if may_have_node_ports(old) and needs_node_ports(new):
        taken = {port.get("nodePort") for port in new.get("ports") or ()}
        before = {_port_key(port): port.get("nodePort") for port in old.get("ports") or ()}
        for port in new.get("ports") or ():
            if not port.get("nodePort") and (kept := before.get(_port_key(port))) and kept not in taken:
                port["nodePort"] = kept
                taken.add(kept)
    if needs_health_check_port(old) and needs_health_check_port(new) and not new.get("healthCheckNodePort"):
        take(new, old, "healthCheckNodePort")


def _port_key(port: Obj) -> tuple[Any, Any]:
    return port.get("protocol", "TCP"), port.get("port")


def drop_type_dependent(new: Obj, old: Obj) -> None:
    """A change of type gives up what only the old one had, unless the client changed it, too."""
    if needs_cluster_ip(old) and not needs_cluster_ip(new) and new.get("clusterIPs") == old.get("clusterIPs"):
        for field in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            new.pop(field, None)
    if may_have_node_ports(old) and not may_have_node_ports(new) and _node_ports(new) == _node_ports(old):
        for port in new.get("ports") or ():
            port.pop("nodePort", None)
    if (
        needs_health_check_port(old)
        and not needs_health_check_port(new)
        and new.get("healthCheckNodePort") == old.get("healthCheckNodePort")
    ):
        new.pop("healthCheckNodePort", None)
    if service_type(new) != "LoadBalancer" == service_type(old):
        for field in ("allocateLoadBalancerNodePorts", "loadBalancerClass"):
            if new.get(field) == old.get(field):
                new.pop(field, None)
    if is_externally_accessible(old) and not is_externally_accessible(new):
        if new.get("externalTrafficPolicy") == old.get("externalTrafficPolicy"):
            new.pop("externalTrafficPolicy", None)


def is_externally_accessible(spec: Obj) -> bool:
    return may_have_node_ports(spec) or (service_type(spec) == "ClusterIP" and bool(spec.get("externalIPs")))


def _node_ports(spec: Obj) -> list[Any]:
    return [port.get("nodePort") for port in spec.get("ports") or ()]
