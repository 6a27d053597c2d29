import asyncio

import pytest

from kubepy.api import errors
from kubepy.api.builtins import DEPLOYMENTS, EVENTS, NODES, PODS, REPLICA_SETS
from kubepy.api.objects import controller_of, is_condition_true
from kubepy.testing import Cluster
from kubepy.testing.builders import make_config_map, make_deployment, make_pod


def names(objs):
    return [obj["metadata"]["name"] for obj in objs]


async def test_a_deployment_becomes_three_ready_pods(cluster):
    await cluster.create(make_deployment("web").replicas(3).image("nginx"))
    passed_s = await cluster.until(lambda: cluster.pods(ready=True), count=3)
    assert passed_s < 30
    (replica_set,) = await cluster.list(REPLICA_SETS)
    for pod in await cluster.pods():
        assert controller_of(pod)["uid"] == replica_set["metadata"]["uid"]
        assert pod["spec"]["nodeName"] in names(await cluster.list(NODES))
        assert pod["status"]["podIP"]
    await cluster.settle()
    deployment = await cluster.get(DEPLOYMENTS, "web")
    assert deployment["status"]["availableReplicas"] == 3
    assert is_condition_true(deployment, "Available")


@pytest.mark.kubepy(nodes=5)
async def test_the_marker_says_how_the_cluster_is_made(cluster):
    nodes = await cluster.list(NODES)
    assert len(nodes) == 5
    await cluster.until(lambda: all_ready(cluster))


async def all_ready(cluster):
    return all(is_condition_true(node, "Ready") for node in await cluster.list(NODES))


@pytest.mark.kubepy(controllers="-deployment", nodes=0)
async def test_controllers_can_be_left_out(cluster):
    await cluster.create(make_deployment("web").replicas(3))
    await cluster.advance("1m")
    assert await cluster.list(REPLICA_SETS) == []


@pytest.mark.kubepy(scheduler="off")
async def test_the_scheduler_can_be_left_out(cluster):
    await cluster.create(make_pod("a"))
    await cluster.advance("1m")
    assert "nodeName" not in (await cluster.get(PODS, "a"))["spec"]


async def test_deleting_a_deployment_deletes_all_of_it(cluster):
    await cluster.create(make_deployment("web").replicas(3))
    await cluster.until(lambda: cluster.pods(ready=True), count=3)
    await cluster.client.delete(DEPLOYMENTS, "web", "default")
    await cluster.until(lambda: cluster.pods(), count=0)
    assert await cluster.list(REPLICA_SETS) == []


async def test_time_passes_only_when_it_is_moved(cluster):
    start = cluster.clock.now()
    await cluster.settle()
    assert cluster.clock.now() == start
    await cluster.advance("1h30m")
    assert cluster.clock.now() == start + 5400
    await cluster.advance(0.5)
    assert cluster.clock.now() == start + 5400.5


async def test_until_says_what_did_not_come_true(cluster):
    with pytest.raises(AssertionError, match=r"not after 60 s: .* gave '0 of 1'"):
        await cluster.until(lambda: cluster.pods(), count=1, within="1m")


async def run(seed):
    async with Cluster(seed=seed) as cluster:
        await cluster.create(make_deployment("web").replicas(5))
        await cluster.advance("1m")
        return [
            (p["metadata"]["name"], p["metadata"]["uid"], p["spec"]["nodeName"]) for p in await cluster.pods()
        ], await cluster.list(EVENTS)


async def test_the_same_seed_replays():
    assert await run(7) == await run(7)
    assert await run(7) != await run(8)


async def test_a_fork_goes_on_from_here_and_neither_sees_the_other(cluster):
    await cluster.create(make_deployment("web").replicas(2))
    await cluster.until(lambda: cluster.pods(ready=True), count=2)
    async with cluster.fork() as other:
        assert other.clock.now() == cluster.clock.now()
        assert names(await other.pods()) == names(await cluster.pods())
        await other.client.delete(DEPLOYMENTS, "web", "default")
        await other.until(lambda: other.pods(), count=0)
        await cluster.create(make_config_map("only-here"))
    assert len(await cluster.pods(ready=True)) == 2


async def test_a_later_start_does_not_draw_the_uids_of_the_first_again(cluster):
    await cluster.create(make_config_map("one"))
    async with cluster.fork() as other, cluster.fork() as twin:
        assert (
            other.plane.basis.random.seed == twin.plane.basis.random.seed != cluster.plane.basis.random.seed
        )


async def test_a_closed_cluster_leaves_no_task():
    before = asyncio.all_tasks()
    async with Cluster() as cluster:
        await cluster.create(make_deployment("web").replicas(3))
        await cluster.settle()
    assert asyncio.all_tasks() == before


async def test_two_clusters_know_nothing_of_each_other(cluster):
    async with Cluster(seed=2) as other:
        await other.create(make_config_map("a"))
        with pytest.raises(errors.NotFound):
            await cluster.get(cluster.resource(make_config_map("a").obj()), "a")


async def test_the_log_is_kept(cluster):
    await cluster.create(make_pod("a"))
    await cluster.advance("5s")
    assert "default/a" in cluster.log
    (bound,) = cluster.logged("pod_bound", component="scheduler", object_="default/a")
    assert bound["node"] == (await cluster.get(PODS, "a"))["spec"]["nodeName"]


async def test_unknown_settings_are_refused():
    with pytest.raises(TypeError, match="nonsense"):
        Cluster(nonsense=1)


async def test_served_clusters_speak_tls_in_real_time():
    from kubepy.client import kubeconfig
    from kubepy.client.client import Client
    from kubepy.lib.clock import RealClock
    from kubepy.lib.random import Random

    async with Cluster(serve=True, nodes=1) as cluster:
        transport = kubeconfig.load(cluster.kubeconfig).transport(clock=RealClock(), random=Random())
        client = Client(transport, field_manager="test")
        await client.create(PODS, make_pod("a").obj())
        assert names(await cluster.pods()) == ["a"]
        await cluster.until(lambda: cluster.pods(ready=True), count=1, within=30)
        with pytest.raises(RuntimeError, match="virtual time"):
            await cluster.settle()
        await transport.close()
