"""Where a Service is, and what is wrong with one that is nowhere."""

import pytest

from kubepy.apiserver.aggregation.routes import ServiceReference
from kubepy.apiserver.aggregation.services import Address, Unresolved, addresses, problem, service_names

REFERENCE = ServiceReference("ns", "api", 443)


def service(**spec):
    return {"metadata": {"name": "api", "namespace": "ns"}, "spec": spec}


def cluster_ip(**more):
    return service(type="ClusterIP", ports=[{"name": "https", "port": 443}], **more)


def endpoint_slice(*hosts, type_="IPv4", port=8443, name="https", ready=None):
    conditions = {} if ready is None else {"ready": ready}
    return {
        "metadata": {"name": "s", "namespace": "ns", "labels": {"kubernetes.io/service-name": "api"}},
        "addressType": type_,
        "endpoints": [{"addresses": [host], "conditions": conditions} for host in hosts],
        "ports": [{"name": name, "port": port}],
    }


RESOLVED = [
    (service(type="ExternalName", externalName="api.example"), [], [Address("api.example", 443)]),
    (cluster_ip(), [endpoint_slice("10.0.0.1", "10.0.0.2")], [("10.0.0.1", 8443), ("10.0.0.2", 8443)]),
    (service(type="NodePort", ports=[{"port": 443}]), [endpoint_slice("10.0.0.1", name=None)], [("10.0.0.1", 8443)]),
    (
        cluster_ip(ipFamilies=["IPv6", "IPv4"]),
        [endpoint_slice("10.0.0.1"), endpoint_slice("fd00::1", type_="IPv6")],
        [("fd00::1", 8443)],
    ),
    (cluster_ip(ipFamilies=["IPv6"]), [endpoint_slice("10.0.0.1")], [("10.0.0.1", 8443)]),
    (
        cluster_ip(),
        [endpoint_slice("10.0.0.1", ready=False), endpoint_slice("10.0.0.2", ready=True)],
        [("10.0.0.2", 8443)],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("service", "slices", "found"), RESOLVED)
def test_addresses(service, slices, found):
    assert addresses(REFERENCE, service, slices) == found


NOWHERE = [
    (None, [], 'service "api" not found'),
    (service(type="Odd"), [], 'unsupported service type "Odd"'),
    (service(ports=[{"port": 80}]), [], 'no service port 443 found for service "api"'),
    (cluster_ip(), [], 'no endpoints available for service "api"'),
    (cluster_ip(), [endpoint_slice("10.0.0.1", ready=False)], 'no endpoints available for service "api"'),
    (cluster_ip(), [endpoint_slice("10.0.0.1", name="other")], 'no endpoints available for service "api"'),
]


@pytest.mark.parametrize(("service", "slices", "why"), NOWHERE)
def test_nowhere(service, slices, why):
    with pytest.raises(Unresolved) as failure:
        addresses(REFERENCE, service, slices)
    assert str(failure.value) == why


PROBLEMS = [
    (None, [], ("ServiceNotFound", 'service/api in "ns" is not present')),
    (service(ports=[{"port": 80}]), [], ("ServicePortError", 'service/api in "ns" is not listening on port 443')),
    (cluster_ip(), [], ("EndpointsNotFound", 'cannot find endpointslices for service/api in "ns"')),
    (
        cluster_ip(),
        [endpoint_slice()],
        ("MissingEndpoints", 'endpointslices for service/api in "ns" have no addresses with port name "https"'),
    ),
    (cluster_ip(), [endpoint_slice("10.0.0.1")], None),
    # What is no ClusterIP is judged by its answer alone.
    (service(type="ExternalName", externalName="x"), [], None),
]  # fmt: skip


@pytest.mark.parametrize(("service", "slices", "found"), PROBLEMS)
def test_problems(service, slices, found):
    assert problem(REFERENCE, service, slices) == found


def test_slices_are_found_by_their_service():
    assert service_names(endpoint_slice("10.0.0.1")) == ["ns/api"]
    assert service_names({"metadata": {"name": "s"}}) == []


def test_an_address_is_written_as_in_a_url():
    assert str(Address("fd00::1", 443)) == "[fd00::1]:443" and str(Address("a", 1)) == "a:1"
