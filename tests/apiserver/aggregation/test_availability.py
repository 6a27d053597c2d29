"""What is wrong with an APIService, step by step; the rest, with sockets, is in test_proxy.py."""

import pytest

from kubepy.api import objects
from kubepy.api.builtins import API_SERVICES, ENDPOINT_SLICES, SERVICES
from kubepy.apiserver.aggregation.availability import Finding, with_condition
from kubepy.testing.cluster import Cluster

NAME = "v1.example.io"
API_SERVICE = {
    "apiVersion": "apiregistration.k8s.io/v1",
    "kind": "APIService",
    "metadata": {"name": NAME},
    "spec": {
        "group": "example.io", "version": "v1", "groupPriorityMinimum": 10, "versionPriority": 5,
        "insecureSkipTLSVerify": True, "service": {"namespace": "default", "name": "api"},
    },
}  # fmt: skip


def service(port=443):
    metadata = {"name": "api", "namespace": "default"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"ports": [{"name": "https", "port": port}]},
    }


def endpoint_slice(ready):
    metadata = {"name": "api-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "api"}}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": metadata,
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["192.0.2.1"], "conditions": {"ready": ready}}],
        "ports": [{"name": "https", "port": 8443}],
    }


@pytest.fixture
async def cluster():
    async with Cluster(nodes=0, controllers=(), scheduler="off") as cluster:
        yield cluster


async def available(cluster):
    await cluster.settle()
    return objects.condition(await cluster.get(API_SERVICES, NAME, ""), "Available")


async def test_the_first_thing_that_is_missing_is_named(cluster):
    await cluster.create(API_SERVICE)
    found = await available(cluster)
    assert (found["status"], found["reason"]) == ("False", "ServiceNotFound")
    assert found["message"] == 'service/api in "default" is not present'
    since = found["lastTransitionTime"]
    await cluster.advance(10)

    await cluster.create(service(port=80))
    found = await available(cluster)
    assert found["reason"] == "ServicePortError" and found["lastTransitionTime"] == since

    await cluster.client.delete(SERVICES, "api", "default")
    await cluster.create(service())
    assert (await available(cluster))["reason"] == "EndpointsNotFound"

    await cluster.create(endpoint_slice(ready=False))
    assert (await available(cluster))["reason"] == "MissingEndpoints"

    await cluster.client.delete(ENDPOINT_SLICES, "api-1", "default")
    assert (await available(cluster))["reason"] == "EndpointsNotFound"


async def test_nothing_is_followed_without_such_an_api_service(cluster):
    aggregator = cluster.plane.api_server.aggregator
    assert aggregator.routes.table == {}
    assert not {"services", "endpointslices.discovery.k8s.io"} & set(aggregator._informers.statistics())
    await cluster.create(API_SERVICE)
    await cluster.settle()
    assert {"services", "endpointslices.discovery.k8s.io"} <= set(aggregator._informers.statistics())
    await cluster.client.delete(API_SERVICES, NAME)
    await cluster.settle()
    assert aggregator.routes.table == {}


async def test_one_that_is_gone_before_anybody_looked_can_come_again(cluster):
    for _ in range(8):  # more than there are workers
        await cluster.create(API_SERVICE)
        await cluster.client.delete(API_SERVICES, NAME)
    await cluster.create(API_SERVICE)
    assert (await available(cluster))["reason"] == "ServiceNotFound"


async def test_one_that_becomes_local_is_served_here_again(cluster):
    await cluster.create(API_SERVICE)
    await cluster.settle()
    obj = objects.copy(await cluster.get(API_SERVICES, NAME, ""))
    del obj["spec"]["service"], obj["spec"]["insecureSkipTLSVerify"]
    await cluster.client.update(API_SERVICES, obj)
    await cluster.settle()
    assert cluster.plane.api_server.aggregator.routes.table == {}


def test_the_time_is_that_of_the_last_change_of_status():
    first = with_condition({}, Finding("False", "A", "a"), "1")
    second = with_condition(first, Finding("False", "B", "b"), "2")
    third = with_condition(second, Finding("True", "Passed", ""), "3")
    times = [each["status"]["conditions"][0]["lastTransitionTime"] for each in (first, second, third)]
    assert times == ["1", "1", "3"]
    assert len(third["status"]["conditions"]) == 1
