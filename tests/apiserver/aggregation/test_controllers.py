"""What another server keeps is collected and emptied as everything else."""

import pytest

from kubepy.api.builtins import CONFIG_MAPS, NAMESPACES, SERVICES
from kubepy.api.errors import NotFound
from kubepy.api.objects import Key
from kubepy.client.client import Client
from kubepy.controllers.garbage_collector import SYNC
from kubepy.controllers.manager import ControllerManager
from kubepy.testing.cluster import Cluster
from tests.apiserver.aggregation.conftest import Served
from tests.apiserver.aggregation.example import GROUP, VERSION
from tests.apiserver.aggregation.test_proxy import FLUNDERS, flunder

CONTROLLERS = ("garbagecollector", "namespace")


@pytest.fixture
async def served():
    async with Cluster(nodes=0, controllers=CONTROLLERS, scheduler="off", serve=True) as cluster:
        served = Served(cluster)
        yield served
        for session in served.sessions:
            await session.close()


async def test_the_garbage_collector_follows_owners_into_another_server(served, api):
    client: Client = served.cluster.client
    await served.until_documents()
    owner = await client.create(CONFIG_MAPS, {"metadata": {"name": "owner"}}, namespace="default")
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    owned = flunder("owned")
    owned["metadata"] |= {"uid": "u-1", "ownerReferences": [reference]}
    await client.create(FLUNDERS, owned, namespace="default")
    # Its kind is found with the next look at what there is, half a minute from now at most.
    (manager,) = [each for each in served.cluster.plane.components if isinstance(each, ControllerManager)]
    manager.controllers["garbage-collector-controller"].queue.add(Key(SYNC, ""))
    await served.cluster.until(lambda: api.watchers, within="20s")
    await client.delete(CONFIG_MAPS, "owner", "default")

    async def is_gone():
        return ("default", "owned") not in api.flunders

    await served.cluster.until(is_gone, within="20s")


async def test_a_namespace_is_emptied_there_too(served, api):
    client: Client = served.cluster.client
    await served.until_documents()
    await client.create(NAMESPACES, {"metadata": {"name": "going"}})
    await client.create(FLUNDERS, flunder("a"), namespace="going")
    await client.delete(NAMESPACES, "going")

    async def is_gone():
        try:
            await client.get(NAMESPACES, "going")
        except NotFound:
            return True
        return False

    await served.cluster.until(is_gone, within="20s")
    assert not api.flunders


async def test_a_namespace_waits_for_a_server_that_is_away(served, api):
    client: Client = served.cluster.client
    await served.until_documents()
    await api.stop()
    # Looked at again when its Service changes.
    await client.patch(SERVICES, "api", {"metadata": {"labels": {"a": "b"}}}, namespace="example")
    await served.until_reason("FailedDiscoveryCheck")
    await client.create(NAMESPACES, {"metadata": {"name": "going"}})
    await client.delete(NAMESPACES, "going")

    async def complains():
        status = (await client.get(NAMESPACES, "going"))["status"]
        return [each for each in status.get("conditions") or () if each["status"] == "True"]

    await served.cluster.until(complains, within="20s")
    (condition,) = await complains()
    name = f"{GROUP}/{VERSION}"
    assert (condition["type"], condition["reason"]) == (
        "NamespaceDeletionDiscoveryFailure",
        "DiscoveryFailed",
    )
    assert condition["message"] == (
        "Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: "
        f"{name}: stale GroupVersion discovery: {name}"
    )
