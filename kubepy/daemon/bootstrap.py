"""Objects every cluster has from its first minute: config/bootstrap, the ServiceCIDR and the Service `kubernetes`, and
the Service's endpoints.

Missing ones are created, present ones left alone (a person may have changed them), except for the endpoints,
which say where this process listens now.

Source: kubernetes pkg/controlplane/controller/kubernetesservice, pkg/controlplane/reconcilers/instancecount.go.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path

from kubepy.api import errors, metrics
from kubepy.api.builtins import (
    API_SERVICES,
    CONFIG_MAPS,
    ENDPOINT_SLICES,
    ENDPOINTS,
    SERVICE_CIDRS,
    SERVICES,
    STORAGE_CLASSES,
    Catalog,
)
from kubepy.api.objects import Obj, items, key_of, uid_of
from kubepy.api.resources import Resource
from kubepy.client.client import Client
from kubepy.lib import yaml
from kubepy.lib.clock import rfc3339


async def apply(
    client: Client,
    catalog: Catalog,
    directory: Path,
    *,
    service_range: str,
    host: str,
    port: int,
    now: float,
    storage_class: bool = True,
) -> None:
    """Everything below `directory`, StorageClasses only if `storage_class`, the Service, and since when the use of
    Secrets' tokens is tracked.

    `host` is an address other machines could know, not loopback."""
    for obj in shipped(directory):
        resource = catalog.by_kind(obj["apiVersion"], obj["kind"])
        assert resource is not None, f"{directory} has an object of an unknown kind {obj['kind']}"
        if storage_class or resource != STORAGE_CLASSES:
            await _ensure(client, resource, obj)
    if catalog.get(SERVICE_CIDRS.group, SERVICE_CIDRS.version, SERVICE_CIDRS.plural) is not None:
        await _ensure_service_cidr(client, service_range)
    await ensure_kubernetes_service(client, service_range, host, port)
    await _ensure(client, CONFIG_MAPS, token_tracking(now))


def token_tracking(now: float) -> Obj:
    """Source: kubernetes pkg/controlplane/controller/legacytokentracking/controller.go."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "kube-apiserver-legacy-service-account-token-tracking",
            "namespace": "kube-system",
        },
        "data": {"since": rfc3339(now)[:10]},
    }


async def ensure_kubernetes_service(client: Client, service_range: str, host: str, port: int) -> None:
    """A Service that is there stays as it is; the endpoints say where this process listens."""
    for resource, obj in kubernetes_service(service_range, host, port):
        if not await _ensure(client, resource, obj) and resource is not SERVICES:
            await _replace_content(client, resource, obj)


async def ensure_metrics_service(client: Client, *, is_served: bool) -> None:
    """The APIService of what nodes and pods use, while this process serves it. One that names a Service is somebody's
    metrics-server, and left alone."""
    name = f"{metrics.VERSION}.{metrics.GROUP}"
    spec = {
        "group": metrics.GROUP, "version": metrics.VERSION, "groupPriorityMinimum": 100, "versionPriority": 100,
    }  # fmt: skip
    if is_served:
        wanted = {"apiVersion": API_SERVICES.api_version, "kind": API_SERVICES.kind}
        await _ensure(client, API_SERVICES, wanted | {"metadata": {"name": name}, "spec": spec})
        return
    try:
        found = await client.get(API_SERVICES, name)
        if (found.get("spec") or {}).get("service") is None:
            await client.delete(API_SERVICES, name, uid=uid_of(found))
    except errors.NotFound:
        pass


def shipped(directory: Path) -> list[Obj]:
    return [obj for path in sorted(directory.glob("*.yaml")) for obj in yaml.load_all(path.read_bytes())]


async def _ensure(client: Client, resource: Resource, obj: Obj) -> bool:
    """Create if it is missing; False if it was there."""
    key = key_of(obj)
    try:
        # Asked first: creating a Service that is there fails over its address, not over its name.
        await client.get(resource, key.name, key.namespace)
    except errors.NotFound:
        await client.create(resource, obj)
        return True
    return False


async def _ensure_service_cidr(client: Client, service_range: str) -> None:
    """The range that the settings name. Source: defaultservicecidr/default_servicecidr_controller.go."""
    metadata = {"name": "kubernetes"}
    service_cidr: Obj = {
        "apiVersion": SERVICE_CIDRS.api_version,
        "kind": SERVICE_CIDRS.kind,
        "metadata": metadata,
        "spec": {"cidrs": service_range.split(",")},
    }
    await _ensure(client, SERVICE_CIDRS, service_cidr)


async def _replace_content(client: Client, resource: Resource, obj: Obj) -> None:
    key = key_of(obj)
    current = await client.get(resource, key.name, key.namespace)
    content = {name: value for name, value in items(obj) if name not in ("metadata", "kind", "apiVersion")}
    if any(current.get(name) != value for name, value in content.items()):
        await client.update(resource, {**current, **content})


def kubernetes_service(service_range: str, host: str, port: int) -> Iterator[tuple[Resource, Obj]]:
    """(resource, object) of the Service, its Endpoints and its EndpointSlice."""
    network = ipaddress.ip_network(service_range.partition(",")[0])
    cluster_ip = str(network.network_address + 1)
    metadata = {"name": "kubernetes", "namespace": "default"}
    ports = [{"name": "https", "port": port, "protocol": "TCP"}]
    yield (
        SERVICES,
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {**metadata, "labels": {"component": "apiserver", "provider": "kubernetes"}},
            "spec": {
                "type": "ClusterIP",
                "clusterIP": cluster_ip,
                "ipFamilyPolicy": "SingleStack",
                "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": port}],
                "sessionAffinity": "None",
            },
        },
    )
    yield (
        ENDPOINTS,
        {
            "apiVersion": "v1",
            "kind": "Endpoints",
            "metadata": {**metadata, "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}},
            "subsets": [{"addresses": [{"ip": host}], "ports": ports}],
        },
    )
    yield (
        ENDPOINT_SLICES,
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**metadata, "labels": {"kubernetes.io/service-name": "kubernetes"}},
            "addressType": "IPv6" if ":" in host else "IPv4",
            "endpoints": [{"addresses": [host], "conditions": {"ready": True}}],
            "ports": ports,
        },
    )


def advertised(bind: str) -> str:
    """The address others would use: the one bound to, or this machine's own where that is loopback or all of them.

    Endpoints may not be loopback addresses; the machine's own is what kube-apiserver would advertise. The socket sends
    nothing: connecting a datagram only picks the route.
    """
    address = ipaddress.ip_address(bind)
    if not (address.is_loopback or address.is_unspecified):
        return bind
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            own = probe.getsockname()[0]
        except OSError:
            own = "0.0.0.0"
    # No network at all: an address from the range for documentation says that it leads nowhere.
    return own if not ipaddress.ip_address(own).is_loopback and own != "0.0.0.0" else "192.0.2.1"
