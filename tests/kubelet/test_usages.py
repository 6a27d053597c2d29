"""What is used, as clients read it: metrics.k8s.io and a node's statistics, over a whole cluster on virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from kubepy.api import errors
from kubepy.api.builtins import API_SERVICES, NODES, PODS
from kubepy.api.objects import Obj
from kubepy.client.client import MERGE_PATCH
from kubepy.daemon import bootstrap
from kubepy.testing.builders import make_node, make_pod
from kubepy.testing.cluster import Cluster

METRICS = "/apis/metrics.k8s.io/v1beta1"


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with Cluster(nodes=2) as cluster:
        for name, amount in (("a", "250m"), ("b", "500m")):
            pod = (
                make_pod(name).namespace("default").labels(app=name).annotation("kubepy.io/usage-cpu", amount)
            )
            await cluster.create(pod)
        await cluster.advance("30s")
        yield cluster


async def read(cluster: Cluster, path: str, **query: str) -> list[Obj]:
    page = await cluster.client.transport.list(f"{METRICS}/{path}", query=query)
    return [document.obj for document in page.documents]


async def test_pods_by_selector(cluster: Cluster) -> None:
    found = await read(cluster, "namespaces/default/pods", labelSelector="app=b")
    assert [each["metadata"]["name"] for each in found] == ["b"]
    assert found[0]["kind"] == "PodMetrics"
    assert found[0]["containers"] == [{"name": "app", "usage": {"cpu": "500m", "memory": "32Mi"}}]
    assert found[0]["timestamp"] == cluster.clock.rfc3339()
    assert len(await read(cluster, "pods")) == 2
    assert await read(cluster, "namespaces/other/pods") == []
    by_name = await read(cluster, "pods", fieldSelector="metadata.name=a")
    assert [each["metadata"]["name"] for each in by_name] == ["a"]


async def test_a_node_uses_what_its_pods_use_and_a_little(cluster: Cluster) -> None:
    nodes = {each["metadata"]["name"]: each["usage"]["cpu"] for each in await read(cluster, "nodes")}
    by_node: dict[str, int] = {}
    for pod in await cluster.list(PODS, "default"):
        amount = 250 if pod["metadata"]["name"] == "a" else 500
        by_node[pod["spec"]["nodeName"]] = by_node.get(pod["spec"]["nodeName"], 50) + amount
    assert nodes == {name: f"{by_node.get(name, 50)}m" for name in ("node-1", "node-2")}


async def test_what_does_not_run_or_is_not_there_has_no_metrics(cluster: Cluster) -> None:
    transport = cluster.client.transport
    with pytest.raises(errors.NotFound, match=r'pods\.metrics\.k8s\.io "default/none" not found'):
        await transport.request("GET", f"{METRICS}/namespaces/default/pods/none")
    # A node that nobody simulates tells nothing.
    await cluster.create(make_node("real"))
    assert [each["metadata"]["name"] for each in await read(cluster, "nodes")] == ["node-1", "node-2"]
    with pytest.raises(errors.MethodNotAllowed):
        await transport.request("POST", f"{METRICS}/nodes", body={})


async def test_the_summary_of_a_node_adds_up(cluster: Cluster) -> None:
    node = (await cluster.get(PODS, "a"))["spec"]["nodeName"]
    path = NODES.path("", node, "proxy") + "/stats/summary"

    async def pod_of_summary() -> Obj:
        summary = (await cluster.client.transport.request("GET", path)).obj
        assert summary["node"]["nodeName"] == node
        return next(each for each in summary["pods"] if each["podRef"]["name"] == "a")

    before = (await pod_of_summary())["cpu"]["usageCoreNanoSeconds"]
    patch = {"metadata": {"annotations": {"kubepy.io/usage-cpu": "1"}}}
    await cluster.advance("40s")
    await cluster.client.patch(PODS, "a", patch, namespace="default", content_type=MERGE_PATCH)
    await cluster.advance("10s")
    found = await pod_of_summary()
    # Forty seconds of a quarter and ten of a whole core.
    assert found["cpu"]["usageCoreNanoSeconds"] - before == pytest.approx(20e9)
    assert found["cpu"]["usageNanoCores"] == 10**9
    assert found["memory"]["workingSetBytes"] == 32 << 20


async def test_where_kubelets_are_others_the_group_is_not_served(cluster: Cluster) -> None:
    assert (await cluster.get(API_SERVICES, "v1beta1.metrics.k8s.io", ""))["spec"]["version"] == "v1beta1"
    async with Cluster(nodes=0) as other:
        with pytest.raises(errors.NotFound):
            await other.client.transport.request("GET", f"{METRICS}/nodes")
        with pytest.raises(errors.NotFound):
            await other.get(API_SERVICES, "v1beta1.metrics.k8s.io", "")


async def test_whoever_serves_no_more_says_so_but_leaves_a_metrics_server_alone(cluster: Cluster) -> None:
    name = "v1beta1.metrics.k8s.io"
    service = {
        "service": {"name": "metrics-server", "namespace": "kube-system"},
        "insecureSkipTLSVerify": True,
    }
    await cluster.client.patch(API_SERVICES, name, {"spec": service}, content_type=MERGE_PATCH)
    await bootstrap.ensure_metrics_service(cluster.client, is_served=False)
    assert (await cluster.get(API_SERVICES, name, ""))["spec"]["service"]["name"] == "metrics-server"
    gone = {"spec": {"service": None, "insecureSkipTLSVerify": None}}
    await cluster.client.patch(API_SERVICES, name, gone, content_type=MERGE_PATCH)
    await bootstrap.ensure_metrics_service(cluster.client, is_served=False)
    with pytest.raises(errors.NotFound):
        await cluster.get(API_SERVICES, name, "")
