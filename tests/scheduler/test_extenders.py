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
