"""Where a Service is: one of its ready endpoints, or the host that an ExternalName names. Pure.

There is no service network here: a cluster IP leads nowhere, so endpoints are dialled themselves, as kube-apiserver
does with --enable-aggregator-routing.

Source: apiserver pkg/util/proxy/proxy.go ResolveEndpoint, ResolveCluster (ExternalName);
kube-aggregator pkg/controllers/status/remote/remote_available_controller.go (the checks before a probe).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kubepy.api.objects import Obj
from kubepy.apiserver.aggregation.routes import ServiceReference

SERVICE_NAME = "kubernetes.io/service-name"
_WITH_ENDPOINTS = ("ClusterIP", "LoadBalancer", "NodePort")


class Unresolved(Exception):
    """The Service leads nowhere; the message says why."""


class Address(NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Problem(NamedTuple):
    """Why a Service cannot be spoken to: reason and message of a condition."""

    reason: str
    message: str


def service_names(endpoint_slice: Obj) -> list[str]:
    """The index of EndpointSlices: "namespace/service"."""
    metadata = endpoint_slice["metadata"]
    name = (metadata.get("labels") or {}).get(SERVICE_NAME)
    return [f"{metadata.get('namespace', '')}/{name}"] if name else []


def addresses(reference: ServiceReference, service: Obj | None, slices: Sequence[Obj]) -> list[Address]:
    """Every address that serves the port; of two IP families the Service's first, if that has any.

    Raises Unresolved with upstream's text.
    """
    if service is None:
        raise Unresolved(f'service "{reference.name}" not found')
    spec = service.get("spec") or {}
    type_ = spec.get("type") or "ClusterIP"
    if type_ == "ExternalName":
        return [Address(spec.get("externalName") or "", reference.port)]
    if type_ not in _WITH_ENDPOINTS:
        raise Unresolved(f'unsupported service type "{type_}"')
    port_name = _port_name(spec, reference.port)
    if port_name is None:
        raise Unresolved(f'no service port {reference.port} found for service "{reference.name}"')
    by_type: dict[str, list[Address]] = {}
    for item in slices:
        if port := _port_of(item, port_name):
            found = [Address(endpoint["addresses"][0], port) for endpoint in _ready(item)]
            if found:
                by_type.setdefault(item.get("addressType") or "", []).extend(found)
    if not by_type:
        raise Unresolved(f'no endpoints available for service "{reference.name}"')
    preferred = (spec.get("ipFamilies") or ("",))[0]
    return by_type.get(preferred) or next(iter(by_type.values()))


def problem(reference: ServiceReference, service: Obj | None, slices: Sequence[Obj]) -> Problem | None:
    """What is wrong before anybody dials."""
    where = f'service/{reference.name} in "{reference.namespace}"'
    if service is None:
        return Problem("ServiceNotFound", f"{where} is not present")
    spec = service.get("spec") or {}
    if (spec.get("type") or "ClusterIP") != "ClusterIP":
        return None
    port_name = _port_name(spec, reference.port)
    if port_name is None:
        return Problem("ServicePortError", f"{where} is not listening on port {reference.port}")
    if not slices:
        return Problem("EndpointsNotFound", f"cannot find endpointslices for {where}")
    if not any(_port_of(item, port_name) and any(_ready(item)) for item in slices):
        message = f'endpointslices for {where} have no addresses with port name "{port_name}"'
        return Problem("MissingEndpoints", message)
    return None


def _port_name(spec: Obj, number: int) -> str | None:
    return next((port.get("name") or "" for port in spec.get("ports") or () if port["port"] == number), None)


def _port_of(endpoint_slice: Obj, name: str) -> int | None:
    ports = endpoint_slice.get("ports") or ()
    return next(
        (port["port"] for port in ports if (port.get("name") or "") == name and port.get("port")), None
    )


def _ready(endpoint_slice: Obj) -> Iterator[Obj]:
    for endpoint in endpoint_slice.get("endpoints") or ():
        if (endpoint.get("conditions") or {}).get("ready") is not False:
            yield endpoint
