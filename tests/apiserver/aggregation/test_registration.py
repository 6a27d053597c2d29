"""APIServices for what this server serves itself."""

import pytest

from kubepy.api.builtins import API_SERVICES, CUSTOM_RESOURCE_DEFINITIONS, Catalog
from kubepy.apiserver.aggregation.registration import AUTOMANAGED
from kubepy.testing.cluster import Cluster


@pytest.fixture
async def cluster():
    async with Cluster(nodes=0, controllers=(), scheduler="off") as cluster:
        yield cluster


def definition(*versions):
    schema = {"openAPIV3Schema": {"type": "object"}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [
                {"name": name, "served": True, "storage": name == versions[0], "schema": schema}
                for name in versions
            ],
        },
    }  # fmt: skip


async def names(cluster):
    return {obj["metadata"]["name"] for obj in await cluster.list(API_SERVICES)}


async def test_every_builtin_group_version_has_one_that_is_available(cluster):
    found = await cluster.list(API_SERVICES)
    served = {f"{version}.{gv.group}" for gv in Catalog().groups() for version in gv.versions}
    assert {obj["metadata"]["name"] for obj in found} == served - {"v1.apiregistration.k8s.io"}
    for obj in found:
        assert obj["metadata"]["labels"] == {AUTOMANAGED: "onstart"}
        (available,) = obj["status"]["conditions"]
        assert (available["type"], available["status"], available["reason"]) == ("Available", "True", "Local")
        assert available["message"] == "Local APIServices are always available"
    core = await cluster.get(API_SERVICES, "v1.", "")
    assert core["spec"] == {"version": "v1", "groupPriorityMinimum": 18000, "versionPriority": 1}


async def test_those_of_custom_resources_come_and_go_with_them(cluster):
    await cluster.create(definition("v1", "v2"))
    await cluster.settle()
    assert {"v1.example.com", "v2.example.com"} <= await names(cluster)
    made = await cluster.get(API_SERVICES, "v2.example.com", "")
    assert made["metadata"]["labels"] == {AUTOMANAGED: "true"}
    assert made["spec"]["groupPriorityMinimum"] == 1000 and made["spec"]["versionPriority"] == 100
    await cluster.client.delete(CUSTOM_RESOURCE_DEFINITIONS, "widgets.example.com")
    await cluster.settle()
    assert not {"v1.example.com", "v2.example.com"} & await names(cluster)


async def test_one_of_a_custom_resource_is_put_back_and_set_right(cluster):
    await cluster.create(definition("v1"))
    await cluster.settle()
    await cluster.client.delete(API_SERVICES, "v1.example.com")
    await cluster.settle()
    made = await cluster.get(API_SERVICES, "v1.example.com", "")
    made = {**made, "spec": {**made["spec"], "versionPriority": 7}}
    await cluster.client.update(API_SERVICES, made)
    await cluster.settle()
    assert (await cluster.get(API_SERVICES, "v1.example.com", ""))["spec"]["versionPriority"] == 100


async def test_what_carries_no_label_is_its_makers(cluster):
    spec = {"group": "example.com", "version": "v1", "groupPriorityMinimum": 5, "versionPriority": 5}
    own = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": "v1.example.com"},
    }
    await cluster.create({**own, "spec": spec})
    await cluster.create(definition("v1"))
    await cluster.settle()
    assert (await cluster.get(API_SERVICES, "v1.example.com", ""))["spec"] == spec
    await cluster.client.delete(CUSTOM_RESOURCE_DEFINITIONS, "widgets.example.com")
    await cluster.settle()
    assert "v1.example.com" in await names(cluster)


async def test_builtin_ones_are_set_right_at_the_next_start_only(cluster):
    apps = await cluster.get(API_SERVICES, "v1.apps", "")
    await cluster.client.update(API_SERVICES, {**apps, "spec": {**apps["spec"], "versionPriority": 7}})
    await cluster.client.delete(API_SERVICES, "v1.batch")
    await cluster.settle()
    assert (await cluster.get(API_SERVICES, "v1.apps", ""))["spec"]["versionPriority"] == 7
    # It comes back, for the group goes on being served.
    assert (await cluster.get(API_SERVICES, "v1.batch", ""))["spec"]["group"] == "batch"
    async with cluster.fork() as next_one:
        assert (await next_one.get(API_SERVICES, "v1.apps", ""))["spec"] == apps["spec"]
        assert "v1.batch" in await names(next_one)


async def test_a_managed_one_of_nothing_is_swept_at_the_start(cluster):
    labels = {AUTOMANAGED: "onstart"}
    spec = {"group": "old.com", "version": "v1", "groupPriorityMinimum": 5, "versionPriority": 5}
    old = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1.old.com", "labels": labels}}  # fmt: skip  # noqa: E501
    await cluster.create({**old, "spec": spec})
    await cluster.settle()
    assert "v1.old.com" in await names(cluster)
    async with cluster.fork() as next_one:
        await next_one.settle()
        assert "v1.old.com" not in await names(next_one)
