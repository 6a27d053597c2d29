"""A scheduler on a real API server, without controllers and kubelets, on virtual time."""

from __future__ import annotations

import pytest

from kubepy.api.builtins import EVENTS, NODES, PODS, SERVICE_ACCOUNTS
from kubepy.client.client import MERGE_PATCH
from kubepy.client.given import Given
from kubepy.observability import logs
from kubepy.observability.metrics import Metrics
from kubepy.scheduler.profiles import Configuration
from kubepy.scheduler.scheduler import Scheduler
from kubepy.testing.cluster import Cluster
from tests.scheduler import builders


class World:
    """`scheduler` is there after `start`."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.client, self.clock = cluster, cluster.client, cluster.clock
        self.metrics = Metrics()
        self.scheduler: Scheduler = None  # type: ignore[assignment]

    async def start(self, configuration: Configuration | None = None, **arguments) -> Scheduler:
        self.metrics = Metrics()  # of a process of its own
        self.scheduler = Scheduler(
            self.client.named("kube-scheduler", user="system:kube-scheduler"),
            Given(self.clock, self.cluster.random, logs.silent(), self.metrics),
            configuration=configuration, **arguments,
        )  # fmt: skip
        await self.scheduler.start()
        await self.clock.settle()
        return self.scheduler

    async def close(self) -> None:
        if self.scheduler is not None:
            await self.scheduler.close()

    async def add_node(self, name: str = "node-1", **fields) -> None:
        wanted = builders.node(name, **fields)
        await self.client.create(NODES, wanted)
        # Admission taints every new node as not ready, and no controller is there to take that back.
        taints = {"spec": {"taints": wanted["spec"].get("taints")}}
        await self.client.patch(NODES, name, taints, content_type=MERGE_PATCH)
        await self.clock.settle()

    async def add_pod(self, name: str = "web", **fields) -> None:
        wanted = builders.pod(name, **fields)
        del wanted["metadata"]["uid"], wanted["status"]
        await self.client.create(PODS, wanted)
        await self.clock.settle()

    async def pod(self, name: str = "web"):
        return await self.client.get(PODS, name, "default")

    async def node_of(self, name: str = "web") -> str:
        return (await self.pod(name))["spec"].get("nodeName", "")

    async def condition(self, name: str = "web"):
        """(status, reason, message) of PodScheduled."""
        conditions = (await self.pod(name)).get("status", {}).get("conditions") or ()
        found = next((c for c in conditions if c["type"] == "PodScheduled"), {})
        return found.get("status"), found.get("reason"), found.get("message")

    async def events(self, name: str = "web"):
        """(type, reason, message, count) of the events about a pod."""
        await self.clock.settle()
        page = await self.client.list(EVENTS, "default")
        found = [d.obj for d in page.documents if d.obj["involvedObject"]["name"] == name]
        return [(e["type"], e["reason"], e["message"], e["count"]) for e in found]


@pytest.fixture
async def world():
    async with Cluster(nodes=0, controllers=(), scheduler="off") as cluster:
        # No controller makes it, and no pod is admitted without.
        account = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "default", "namespace": "default"},
        }
        await cluster.client.create(SERVICE_ACCOUNTS, account)
        world = World(cluster)
        yield world
        await world.close()
