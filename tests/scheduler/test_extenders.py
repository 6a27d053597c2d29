import orjson
import pytest
from aiohttp import web

from kubepy.lib.clock import RealClock
from kubepy.scheduler import configuration
from kubepy.scheduler.profiles import Configuration, Extender
from kubepy.testing.cluster import Cluster
from tests.scheduler.conftest import World


class Server:
    """An extender that answers what `answers` has for a verb, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict]] = []
        self.answers: dict[str, object] = {}
        self.url = ""

    async def handle(self, request: web.BaseRequest) -> web.Response:
        verb = request.path.rpartition("/")[2]
        self.asked.append((verb, await request.json()))
        answer = self.answers.get(verb)
        if answer is None:
            return web.Response(status=500)
        return web.Response(body=orjson.dumps(answer), content_type="application/json")


@pytest.fixture
async def server():
    server = Server()
    runner = web.ServerRunner(web.Server(server.handle))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/scheduler"
    yield server
    await runner.cleanup()


class LiveClock(RealClock):
    """What follows from a write is waited for here, not settled."""

    async def settle(self) -> None:
        pass


@pytest.fixture
async def world():
    async with Cluster(nodes=0, controllers=("serviceaccount",), scheduler="off", serve=True) as cluster:
        world = World(cluster)
        world.clock = LiveClock()
        yield world
        await world.close()


async def start(world, server, **fields):
    await world.start(Configuration(extenders=(Extender(url_prefix=server.url, **fields),)))
    for name in ("node-1", "node-2"):
        await world.add_node(name)
    await world.cluster.until(lambda: _sees_two(world.scheduler.cache), within="10s")


def _sees_two(cache):
    cache.refresh()
    return len(cache.nodes) == 2 and not any(node.taints for node in cache.nodes)


async def placed(world, name="web"):
    await world.cluster.until(lambda: _said(world, name), within="10s")
    return await world.node_of(name)


async def _said(world, name):
    return await world.node_of(name) or (await world.condition(name))[1]


async def test_it_filters_by_names_and_scores(world, server):
    server.answers = {
        "filter": {"nodenames": ["node-1", "node-2"], "failedNodes": {}},
        "prioritize": [{"host": "node-1", "score": 10}, {"host": "node-2", "score": 1}],
    }
    await start(
        world,
        server,
        filter_verb="filter",
        prioritize_verb="prioritize",
        weight=5,
        is_node_cache_capable=True,
    )
    await world.add_pod()
    assert await placed(world) == "node-1"
    verb, body = server.asked[0]
    assert (verb, sorted(body["NodeNames"]), body["Nodes"]) == ("filter", ["node-1", "node-2"], None)
    assert body["Pod"]["metadata"]["name"] == "web"


async def test_what_it_rejects_is_said_as_it_says_it(world, server):
    server.answers = {"filter": {"Nodes": {"items": []}, "FailedNodes": {"node-1": "no", "node-2": "no"}}}
    await start(world, server, filter_verb="filter")
    await world.add_pod()
    assert await placed(world) == ""
    assert (await world.condition())[2].startswith("0/2 nodes are available: 2 no.")
    _, body = server.asked[0]
    assert [node["metadata"]["name"] for node in body["Nodes"]["items"]] == ["node-1", "node-2"]


@pytest.mark.parametrize(("is_ignorable", "reason"), [(False, "SchedulerError"), (True, None)])
async def test_it_fails(world, server, is_ignorable, reason):
    await start(world, server, filter_verb="filter", is_ignorable=is_ignorable)
    await world.add_pod()
    assert bool(await placed(world)) is is_ignorable
    _, said, message = await world.condition()
    if reason:
        assert said == reason
        assert message == f"failed filter with extender at URL {server.url}/filter, code 500"


async def test_it_is_not_asked_about_pods_that_do_not_concern_it(world, server):
    await start(world, server, filter_verb="filter", managed_resources=frozenset({"example.com/gpu"}))
    await world.add_pod()
    assert await placed(world)
    assert server.asked == []


async def test_it_binds(world, server):
    server.answers = {"bind": {"error": "not today"}}
    await start(world, server, bind_verb="bind")
    await world.add_pod()
    await world.cluster.until(lambda: server.asked, within="10s")
    verb, body = server.asked[0]
    assert (verb, body["PodName"], body["PodNamespace"]) == ("bind", "web", "default")
    assert await placed(world) == ""
    assert (await world.condition())[2] == "not today"


async def crowded(world, server, **fields):
    """Two nodes, each full of a pod that is worth less; asked about a pod that does not fit."""
    high = {
        "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 9,
    }  # fmt: skip
    await world.cluster.create(high)
    await start(world, server, preempt_verb="preempt", **fields)
    for name in ("low-1", "low-2"):
        await world.add_pod(name, cpu="3", terminationGracePeriodSeconds=0)
        assert await placed(world, name)
    victims = {await world.node_of(name): await world.pod(name) for name in ("low-1", "low-2")}
    return {node: victims[node]["metadata"]["uid"] for node in sorted(victims)}


async def asked(world, server):
    await world.add_pod("high", cpu="3", priorityClassName="high")
    await world.cluster.until(lambda: [verb for verb, _ in server.asked if verb == "preempt"], within="10s")
    return next(body for verb, body in server.asked if verb == "preempt")


async def test_it_says_where_room_is_made(world, server):
    uids = await crowded(world, server, is_node_cache_capable=True)
    chosen = {"Pods": [{"UID": uids["node-2"]}], "NumPDBViolations": 0}
    server.answers = {"preempt": {"NodeNameToMetaVictims": {"node-2": chosen}}}
    body = await asked(world, server)
    assert body["NodeNameToMetaVictims"] == {
        node: {"Pods": [{"UID": uid}], "NumPDBViolations": 0} for node, uid in uids.items()
    }
    await world.cluster.until(lambda: world.node_of("high"), within="20s")
    assert await world.node_of("high") == "node-2"


async def test_it_is_shown_the_pods_and_may_forbid_it(world, server):
    await crowded(world, server)
    server.answers = {"preempt": {"NodeNameToMetaVictims": {}}}
    body = await asked(world, server)
    assert {
        node: [p["metadata"]["name"] for p in v["Pods"]] for node, v in body["NodeNameToVictims"].items()
    } == {await world.node_of(name): [name] for name in ("low-1", "low-2")}
    await world.cluster.until(lambda: _said(world, "high"), within="10s")
    assert (await world.condition("high"))[2].endswith("no candidate node for preemption")


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"Pods": []}, 'expected at least one victim pod on node "node-1"'),
        (
            {"Pods": [{"UID": "nobody"}]},
            "claims to preempt pod (UID: nobody) on node: node-1, but the pod is not found on that node",
        ),
    ],
)
async def test_it_chooses_whom_it_cannot(world, server, chosen, message):
    await crowded(world, server)
    server.answers = {"preempt": {"NodeNameToMetaVictims": {"node-1": chosen}}}
    await asked(world, server)
    await world.cluster.until(lambda: _said(world, "high"), within="10s")
    assert (await world.condition("high"))[1] == "SchedulerError"
    assert (await world.condition("high"))[2].endswith(message)


def test_resources_that_an_extender_looks_after_are_not_looked_at():
    found = configuration.parse(
        """
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
extenders:
- urlPrefix: http://127.0.0.1:1
  filterVerb: filter
  httpTimeout: 2s
  managedResources: [{name: example.com/gpu, ignoredByScheduler: true}]
"""
    )
    assert found.extenders[0].timeout_s == 2.0
    assert found.profiles[0].args[0].ignored_resources == {"example.com/gpu"}


def test_a_url_that_is_none():
    from kubepy.lib.clock import VirtualClock
    from kubepy.lib.random import Random
    from kubepy.scheduler.extenders import HttpExtender

    with pytest.raises(ValueError, match='extender: "nowhere" is no URL'):
        HttpExtender(Extender(url_prefix="nowhere"), clock=VirtualClock(), random=Random(1))
