"""All the simulated nodes of a cluster in one object: their heartbeats and their pods.

`start()` registers the nodes and follows their pods; `close()` stops. Runs against any API server.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kubepy.api.objects import DocumentPool
from kubepy.client.client import Client
from kubepy.client.controller import ControllerContext
from kubepy.client.events import EventSink
from kubepy.client.informer import InformerFactory
from kubepy.kubelet import stages
from kubepy.kubelet.addresses import Pool
from kubepy.kubelet.nodes import NodeHeartbeats
from kubepy.kubelet.pods import PodWorkers
from kubepy.kubelet.usages import Usages
from kubepy.lib.aio import Tasks
from kubepy.lib.clock import Clock
from kubepy.lib.random import Random
from kubepy.observability.logs import Logger
from kubepy.observability.metrics import Metrics


class Kubelet:
    """count: nodes to register; stage_directories: of Stage documents; cluster_cidr: where pod IPs come from."""

    def __init__(
        self,
        client: Client,
        *,
        count: int,
        version: str,
        kubernetes_version: str,
        stage_directories: Sequence[Path],
        cluster_cidr: str,
        clock: Clock,
        random: Random,
        log: Logger,
        metrics: Metrics,
        pool: DocumentPool | None = None,
    ) -> None:
        self._log = log
        # What all nodes share (their informers, their events) is read and written as one of them.
        client = client.named("kubelet", user="system:node:kubepy", groups=("system:nodes",))
        self._tasks = Tasks(self._died)
        self._informers = informers = InformerFactory(
            client, clock=clock, random=random, tasks=self._tasks, log=log, pool=pool
        )
        self._events = EventSink(client, clock=clock, random=random, log=log, metrics=metrics)
        context = ControllerContext(
            client=client, informers=informers, clock=clock, random=random, log=log, metrics=metrics,
            events=self._events.recorder("kubelet"),
        )  # fmt: skip
        self.usages = Usages(context)
        self._nodes = NodeHeartbeats(context, count=count, version=version, kubernetes=kubernetes_version)
        self._pods = PodWorkers(
            context,
            stages=stages.load(stage_directories, "Pod"),
            pool=Pool(cluster_cidr),
            events=self._events,
        )

    async def start(self) -> None:
        """Returns when the nodes are registered."""
        self._tasks.start(self._events.run(), name="kubelet-events")
        self._tasks.start(self._nodes.run(), name="kubelet-nodes")
        self._tasks.start(self._pods.run(), name="kubelet-pods")
        await self._nodes.register()

    async def wait_synced(self) -> None:
        """Until it knows its nodes and their pods."""
        await self._informers.wait_synced()

    async def close(self) -> None:
        await self._tasks.close()

    def _died(self, name: str, error: BaseException) -> None:
        self._log.error("task_died", task=name, exc_info=error)
