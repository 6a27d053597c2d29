"""The steps of upstream's end-to-end tests, and the plan.

Source: kubernetes 1.36 test/e2e/apimachinery/resource_quota.go, pkg/controller/resourcequota/
resource_quota_controller_test.go.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kubepy.api import errors
from kubepy.api.builtins import (
    CONFIG_MAPS,
    PODS,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    RESOURCE_QUOTAS,
    SECRETS,
    SERVICES,
)
from kubepy.api.objects import Obj
from kubepy.api.quota import amounts
from kubepy.api.resources import Resource
from kubepy.controllers.resource_quota import plan
from kubepy.testing.builders import (
    make,
    make_config_map,
    make_custom_kind,
    make_pod,
    make_replica_set,
    make_secret,
    make_service,
)
from kubepy.testing.cluster import Cluster
from tests.apiserver.held_writes import HeldWrites, turns

HARD = {
    "pods": "5", "services": "10", "services.nodeports": "1", "services.loadbalancers": "1",
    "replicationcontrollers": "10", "resourcequotas": "1", "cpu": "1", "memory": "500Mi", "configmaps": "10",
    "secrets": "10", "persistentvolumeclaims": "10", "requests.storage": "10Gi", "ephemeral-storage": "50Gi",
    "gold.storageclass.storage.k8s.io/persistentvolumeclaims": "10",
    "gold.storageclass.storage.k8s.io/requests.storage": "10Gi", "count/replicasets.apps": "5",
    "requests.example.com/dongle": "3",
}  # fmt: skip


class Quotas:
    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    async def create(self, name: str = "test-quota", hard: Obj | None = None, **spec: Any) -> None:
        metadata = {"name": name, "namespace": "default"}
        spec = {"hard": hard or HARD, **spec}
        await self.cluster.create(
            {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": spec}
        )
        await self.cluster.settle()

    async def used(self, name: str = "test-quota") -> dict[str, str]:
        """What is not zero, once what was freed is believed to be."""
        await self.cluster.advance("1s")
        status = (await self.cluster.get(RESOURCE_QUOTAS, name))["status"]
        assert status["used"].keys() == status["hard"].keys()
        return {each: text for each, text in status["used"].items() if text != "0"}

    async def delete(self, resource: Resource, name: str) -> None:
        await self.cluster.client.delete(resource, name, "default", grace_period_s=0)


@pytest.fixture
def quotas(cluster: Cluster) -> Quotas:
    return Quotas(cluster)


# Everything in "default" that the cluster brings along.
BROUGHT = {"configmaps": "1", "resourcequotas": "1", "services": "1"}


async def test_the_status_is_counted_promptly(quotas: Quotas) -> None:
    await quotas.create()
    assert await quotas.used() == BROUGHT


async def test_the_life_of_a_pod(quotas: Quotas, cluster: Cluster) -> None:
    await quotas.create()
    pod = make_pod("test-pod").obj()
    own = {"cpu": "500m", "memory": "252Mi", "ephemeral-storage": "30Gi", "example.com/dongle": "2"}
    pod["metadata"]["namespace"] = "default"
    pod["spec"]["containers"][0]["resources"] = {"requests": own, "limits": {"example.com/dongle": "2"}}
    await cluster.create(pod)
    used = BROUGHT | {
        "pods": "1", "cpu": "500m", "memory": "252Mi", "ephemeral-storage": "30Gi", "requests.example.com/dongle": "2",
    }  # fmt: skip
    assert await quotas.used() == used
    for requests in (
        {"cpu": "600m", "memory": "100Mi"},
        {"cpu": "500m", "memory": "100Mi", "example.com/dongle": "2"},
    ):
        other = make_pod("fail-pod").namespace("default").obj()
        dongles = {name: text for name, text in requests.items() if "/" in name}
        other["spec"]["containers"][0]["resources"] = {"requests": requests, "limits": dongles}
        with pytest.raises(errors.Forbidden, match="exceeded quota: test-quota, requested: "):
            await cluster.create(other)
    stored = await cluster.get(PODS, "test-pod")
    changed = stored | {"spec": make_pod("x").requests(cpu="100m").obj()["spec"]}
    with pytest.raises(errors.Invalid):
        await cluster.client.update(PODS, changed)
    assert await quotas.used() == used
    await quotas.delete(PODS, "test-pod")
    assert await quotas.used() == BROUGHT


async def test_a_pod_that_is_over_is_free(quotas: Quotas, cluster: Cluster) -> None:
    await quotas.create(hard={"pods": "1"})
    pod = (
        make_pod("job").namespace("default").restart_policy("Never").annotation("kubepy.io/run-seconds", "5")
    )
    await cluster.create(pod)
    assert await quotas.used() == {"pods": "1"}
    await cluster.advance("30s")
    assert await quotas.used() == {}


async def test_the_life_of_a_service(quotas: Quotas, cluster: Cluster) -> None:
    await quotas.create()
    await cluster.create(
        make_service("test-service").namespace("default").port(80),
        make_service("test-service-np").namespace("default").port(80).spec(type="NodePort"),
    )
    balanced = make_service("test-service-lb").namespace("default").port(80).spec(type="LoadBalancer")
    with pytest.raises(errors.Forbidden, match="exceeded quota"):
        await cluster.create(balanced)
    assert await quotas.used() == BROUGHT | {"services": "3", "services.nodeports": "1"}
    await quotas.delete(SERVICES, "test-service")
    await quotas.delete(SERVICES, "test-service-np")
    assert await quotas.used() == BROUGHT


@pytest.mark.parametrize(
    ("made", "resource", "counted"),
    [
        (make_config_map("c"), CONFIG_MAPS, {"configmaps": "2"}),
        (make_secret("s"), SECRETS, {"secrets": "1"}),
        (make_replica_set("rs").replicas(0), REPLICA_SETS, {"count/replicasets.apps": "1"}),
        (make("v1", "ReplicationController", "rc").spec(replicas=0, selector={"a": "b"}, template={
            "metadata": {"labels": {"a": "b"}}, "spec": make_pod("x").obj()["spec"],
        }), REPLICATION_CONTROLLERS, {"replicationcontrollers": "1"}),
    ],
)  # fmt: skip
async def test_the_life_of_other_kinds(
    quotas: Quotas, cluster: Cluster, made: Any, resource: Resource, counted: dict[str, str]
) -> None:
    await quotas.create()
    obj = made.namespace("default").obj()
    await cluster.create(obj)
    assert await quotas.used() == BROUGHT | counted
    await quotas.delete(resource, obj["metadata"]["name"])
    assert await quotas.used() == BROUGHT


async def test_terminating_and_best_effort_scopes(quotas: Quotas, cluster: Cluster) -> None:
    for scope in ("Terminating", "NotTerminating", "BestEffort", "NotBestEffort"):
        await quotas.create(scope.lower(), {"pods": "5"}, scopes=[scope])

    async def counted() -> set[str]:
        return {
            scope
            for scope in ("terminating", "notterminating", "besteffort", "notbesteffort")
            if await quotas.used(scope)
        }

    await cluster.create(make_pod("long").namespace("default").requests(cpu="100m"))
    assert await counted() == {"notterminating", "notbesteffort"}
    await quotas.delete(PODS, "long")
    assert await counted() == set()
    await cluster.create(make_pod("short").namespace("default").spec(activeDeadlineSeconds=3600))
    assert await counted() == {"terminating", "besteffort"}


async def test_update_and_delete(quotas: Quotas, cluster: Cluster) -> None:
    await quotas.create(hard={"cpu": "1", "memory": "500Mi"})
    patch = {"spec": {"hard": {"cpu": "2", "pods": "3"}}}
    await cluster.client.patch(RESOURCE_QUOTAS, "test-quota", patch, namespace="default")
    await cluster.settle()
    status = (await cluster.get(RESOURCE_QUOTAS, "test-quota"))["status"]
    assert status == {
        "hard": {"cpu": "2", "memory": "500Mi", "pods": "3"}, "used": {"cpu": "0", "memory": "0", "pods": "0"},
    }  # fmt: skip
    await quotas.delete(RESOURCE_QUOTAS, "test-quota")
    await cluster.create(make_pod("p").namespace("default"))


async def test_what_somebody_writes_into_the_status_is_mended_at_the_next_full_count(
    quotas: Quotas, cluster: Cluster
) -> None:
    await quotas.create(hard={"cpu": "1", "memory": "1Gi"})
    patch = {"status": {"hard": {"cpu": "2", "memory": "2Gi"}}}
    await cluster.client.patch(
        RESOURCE_QUOTAS, "test-quota", patch, namespace="default", subresource="status"
    )
    await cluster.advance("1m")
    assert (await cluster.get(RESOURCE_QUOTAS, "test-quota"))["status"]["hard"]["cpu"] == "2"
    await cluster.advance("5m")
    assert (await cluster.get(RESOURCE_QUOTAS, "test-quota"))["status"]["hard"] == {
        "cpu": "1",
        "memory": "1Gi",
    }


async def test_custom_kinds_are_counted_once_they_are_served(quotas: Quotas, cluster: Cluster) -> None:
    await quotas.create(hard={"count/shops.example.com": "1"})
    assert (await cluster.get(RESOURCE_QUOTAS, "test-quota"))["status"] == {
        "hard": {"count/shops.example.com": "1"}
    }
    await cluster.create(make_custom_kind("Shop"))
    await cluster.advance("30s")
    shop = make("example.com/v1", "Shop", "one").namespace("default").obj()
    await cluster.create(shop)
    assert await quotas.used() == {"count/shops.example.com": "1"}
    with pytest.raises(errors.Forbidden, match=r"requested: count/shops\.example\.com=1"):
        await cluster.create(make("example.com/v1", "Shop", "two").namespace("default"))
    await quotas.delete(cluster.resource(shop), "one")
    assert await quotas.used() == {}


async def test_a_write_may_be_on_its_way_for_as_long_as_it_likes(quotas: Quotas, cluster: Cluster) -> None:
    """The controller counts meanwhile: because another pod goes, because limits change, and every five minutes."""
    held = HeldWrites(cluster.store)
    await quotas.create(hard={"pods": "2"})
    await cluster.create(make_pod("p").namespace("default"))
    held.prefix = b"/registry/pods/default/late"
    late = asyncio.ensure_future(cluster.create(make_pod("late").namespace("default")))
    await turns()
    assert len(held) == 1
    await quotas.delete(PODS, "p")
    assert await quotas.used() == {"pods": "1"}
    await cluster.create(make_pod("q").namespace("default"))
    patch = {"spec": {"hard": {"count/pods": "7"}}}
    await cluster.client.patch(RESOURCE_QUOTAS, "test-quota", patch, namespace="default")
    assert await quotas.used() == {"pods": "2", "count/pods": "2"}
    # Its client is told that it takes too long; five minutes later all is counted anew.
    await cluster.advance("10m")
    assert isinstance(late.exception(), errors.StatusError)
    assert await quotas.used() == {"pods": "2", "count/pods": "2"}
    with pytest.raises(errors.Forbidden, match="exceeded quota"):
        await cluster.create(make_pod("more").namespace("default"))
    await held.release()
    assert await quotas.used() == {"pods": "2", "count/pods": "2"}
    assert len(await cluster.list(PODS, "default")) == 2


def test_the_plan_keeps_what_could_not_be_counted() -> None:
    quota = {
        "spec": {"hard": {"pods": "2", "count/foos": "1"}},
        "status": {"hard": {}, "used": {"count/foos": "1"}},
    }
    status = plan(quota, amounts.parse({"pods": "1", "cpu": "3"}))
    assert status == {"hard": {"count/foos": "1", "pods": "2"}, "used": {"count/foos": "1", "pods": "1"}}
    assert plan(quota | {"status": status}, amounts.parse({"pods": "1"})) is None
    # The same amount in other words is the same.
    other = {"hard": {"pods": "2", "count/foos": "1"}, "used": {"count/foos": "1000m", "pods": "1"}}
    assert plan(quota | {"status": other}, amounts.parse({"pods": "1"})) is None
