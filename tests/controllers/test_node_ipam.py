"""Ranges of pod addresses for nodes."""

from __future__ import annotations

import ipaddress

import pytest

from kubepy.api.builtins import NODES
from kubepy.controllers.node_ipam import Exhausted, OutOfRange, Ranges
from kubepy.testing.builders import make_deployment, make_node
from kubepy.testing.cluster import Cluster
from tests.controllers.conftest import World


def network(text: str) -> ipaddress.IPv4Network:
    return ipaddress.IPv4Network(text)


# Source: cidrset/cidr_set_test.go.
def test_ranges_are_given_in_order_and_freed_ones_last() -> None:
    ranges = Ranges(network("10.0.0.0/22"), 24)
    assert [str(ranges.take()) for _ in range(3)] == ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"]
    ranges.release(network("10.0.0.0/24"))
    assert [str(ranges.take()) for _ in range(2)] == ["10.0.3.0/24", "10.0.0.0/24"]
    with pytest.raises(
        Exhausted, match="there are no remaining CIDRs left to allocate in the accepted range"
    ):
        ranges.take()


@pytest.mark.parametrize(
    ("occupied", "first"),
    [
        ("10.0.0.0/24", "10.0.1.0/24"),
        ("10.0.0.128/25", "10.0.1.0/24"),
        ("10.0.0.0/23", "10.0.2.0/24"),
        ("10.0.3.0/24", "10.0.0.0/24"),
        ("10.0.0.0/15", None),
    ],
)
def test_what_is_in_use_is_not_given(occupied: str, first: str | None) -> None:
    ranges = Ranges(network("10.0.0.0/22"), 24)
    ranges.occupy(network(occupied))
    if first is None:
        with pytest.raises(Exhausted):
            ranges.take()
    else:
        assert str(ranges.take()) == first


def test_what_is_outside_is_refused() -> None:
    with pytest.raises(OutOfRange, match="is out the range of cluster cidr"):
        Ranges(network("10.0.0.0/22"), 24).occupy(network("10.1.0.0/24"))


@pytest.mark.kubepy(allocate_node_cidrs=True, cluster_cidr="10.244.0.0/22", nodes=3)
async def test_each_node_has_its_own_until_there_are_none(cluster: Cluster, world: World) -> None:
    async def ranges() -> dict[str, str | None]:
        await cluster.settle()
        return {node["metadata"]["name"]: node["spec"].get("podCIDR") for node in await cluster.list(NODES)}

    assert await ranges() == {f"node-{number}": f"10.244.{number - 1}.0/24" for number in (1, 2, 3)}
    await cluster.create(make_node("four"))
    await cluster.create(make_node("five"))
    assert (await ranges())["four"] == "10.244.3.0/24" and (await ranges())["five"] is None
    assert set(await world.events("CIDRNotAvailable")) == {"Node five status is now: CIDRNotAvailable"}
    await cluster.client.delete(NODES, "four")
    await cluster.advance("20m")
    assert (await ranges())["five"] == "10.244.3.0/24"


@pytest.mark.kubepy(
    allocate_node_cidrs=True,
    cluster_cidr="10.244.0.0/16,fd00:10::/48",
    node_cidr_mask_size_ipv6=49,
    nodes=3,
)
async def test_of_two_families_nodes_get_both_or_none(cluster: Cluster, world: World) -> None:
    await cluster.settle()
    ranges = [node["spec"].get("podCIDRs") for node in await cluster.list(NODES)]
    assert ranges == [["10.244.0.0/24", "fd00:10::/49"], ["10.244.1.0/24", "fd00:10:0:8000::/49"], None]
    assert set(await world.events("CIDRNotAvailable")) == {"Node node-3 status is now: CIDRNotAvailable"}


async def test_without_the_setting_nodes_have_none(cluster: Cluster) -> None:
    assert all("podCIDR" not in node["spec"] for node in await cluster.list(NODES))


@pytest.mark.kubepy(allocate_node_cidrs=True, nodes=2)
async def test_pods_have_addresses_of_their_nodes(cluster: Cluster) -> None:
    await cluster.create(make_deployment("web").replicas(4))
    await cluster.until(lambda: cluster.pods(ready=True), count=4)
    ranges = {node["metadata"]["name"]: node["spec"]["podCIDR"] for node in await cluster.list(NODES)}
    for pod in await cluster.pods("default"):
        assert ipaddress.ip_address(pod["status"]["podIP"]) in network(ranges[pod["spec"]["nodeName"]])
