"""Addresses for Services of type LoadBalancer."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.builtins import SERVICES
from kubepy.client.client import MERGE_PATCH
from kubepy.controllers.service_load_balancer import FINALIZER, Plan, free, plan
from kubepy.testing.cluster import Cluster
from tests.controllers.conftest import World


def service(finalizers: Any = (), ingress: Any = (), deleting: bool = False, **spec: Any) -> Any:
    metadata = {"name": "s", "namespace": "default", "finalizers": list(finalizers)}
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    status = {"loadBalancer": {"ingress": list(ingress)}}
    return {"metadata": metadata, "spec": {"type": "LoadBalancer"} | spec, "status": status}


GIVEN = [{"ip": "198.18.0.1", "ipMode": "VIP"}]


@pytest.mark.parametrize(
    ("given", "finalizers", "ingress"),
    [
        (service(), [FINALIZER], GIVEN),
        (service([FINALIZER], GIVEN), None, None),
        (service(type="ClusterIP"), None, None),
        (service(loadBalancerClass="other.io/x"), None, None),
        (service(["a", FINALIZER], GIVEN, type="ClusterIP"), ["a"], []),
        (service([FINALIZER], GIVEN, deleting=True), [], None),
        (
            service([FINALIZER], GIVEN, loadBalancerIP="198.18.0.9"),
            None,
            [{"ip": "198.18.0.9", "ipMode": "VIP"}],
        ),
    ],
)
def test_who_gets_an_address_and_who_loses_it(given: Any, finalizers: Any, ingress: Any) -> None:
    decided = plan(given, lambda wanted: free("198.18.0.0/20", (), wanted))
    assert (decided.finalizers, decided.ingress, decided.failure) == (finalizers, ingress, "")


def test_no_address_is_told() -> None:
    decided = plan(service(), lambda wanted: None)
    assert decided.events[-1][1] == "SyncLoadBalancerFailed"
    assert decided.events[-1][2].startswith("Error syncing load balancer: failed to ensure load balancer: ")
    assert plan(service([FINALIZER], GIVEN), lambda wanted: None) == Plan()


@pytest.mark.parametrize(
    ("taken", "wanted", "found"),
    [
        ((), "", "198.18.0.1"),
        (("198.18.0.1",), "", "198.18.0.2"),
        (("198.18.0.1", "198.18.0.2"), "", None),
        ((), "198.18.0.2", "198.18.0.2"),
        (("198.18.0.2",), "198.18.0.2", None),
        ((), "10.0.0.1", None),
        ((), "nonsense", None),
    ],
)
def test_the_lowest_free_address_or_the_wanted_one(taken: Any, wanted: str, found: str | None) -> None:
    assert free("198.18.0.0/30", taken, wanted) == found


async def test_two_services_get_two_addresses_and_a_third_inherits(cluster: Cluster, world: World) -> None:
    async def make(name: str) -> str:
        spec = {"type": "LoadBalancer", "ports": [{"port": 80}]}
        metadata = {"name": name, "namespace": "default"}
        await cluster.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
        await cluster.settle()
        (found,) = (await cluster.get(SERVICES, name))["status"]["loadBalancer"]["ingress"]
        return str(found["ip"])

    assert [await make("a"), await make("b")] == ["198.18.0.1", "198.18.0.2"]
    await cluster.client.delete(SERVICES, "a", "default")
    await cluster.settle()
    assert await world.names(SERVICES) == ["b", "kubernetes"]
    assert await make("c") == "198.18.0.1"
    await world.patch(SERVICES, "b", {"spec": {"type": "ClusterIP"}}, content_type=MERGE_PATCH)
    await cluster.settle()
    changed = await cluster.get(SERVICES, "b")
    assert not changed["status"]["loadBalancer"] and not changed["metadata"].get("finalizers")
