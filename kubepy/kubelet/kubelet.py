"""All the simulated nodes of a cluster in one object: their heartbeats and their pods.

`start()` registers the nodes and follows their pods; `close()` stops. Runs against any API server.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from kubepy.client.client import Client
from kubepy.client.controller import ControllerContext
from kubepy.client.events import EventSink
from kubepy.client.given import Given
from kubepy.client.informer import InformerFactory
from kubepy.kubelet import object_stages, stage_documents
from kubepy.kubelet.addresses import Pool
from kubepy.kubelet.attacher import Attacher
from kubepy.kubelet.evictions import Evictions
from kubepy.kubelet.nodes import CAPACITY, NodeHeartbeats
from kubepy.kubelet.pods import PodWorkers
from kubepy.kubelet.usages import Usages
from kubepy.kubelet.volume_resizer import VolumeResizer
from kubepy.lib.aio import Tasks, reported_to

# Has a ClusterRole of its own: config/bootstrap/rbac/kubepy-roles.yaml.
SIMULATOR = "system:kubepy:simulator"

# That wait to be written: of all nodes together, each of which would queue a thousand of its own.
EVENTS_MAX = 32_768


class Kubelet:
    """count: nodes to register; stage_paths: files and directories of Stage documents; cluster_cidr: where pod IPs
    come from; capacity: of the nodes."""

    def __init__(
        self,
        client: Client,
        given: Given,
        *,
        count: int,
        version: str,
        kubernetes_version: str,
        stage_paths: Sequence[Path],
        cluster_cidr: str,
        capacity: dict[str, str] = CAPACITY,
    ) -> None:
        self._log = given.log
        # What all nodes share (their informers, their events) no single node may read.
        operator, client = client, client.named("kubelet", user=SIMULATOR)
        self._tasks = Tasks(reported_to(self._log))
        self._informers = InformerFactory(client, given, self._tasks)
        self._events = EventSink(client, given, queue_max=EVENTS_MAX)
        context = ControllerContext.of(given, client, self._informers, self._events.recorder("kubelet"))
        self.usages = Usages(context)
        stages = stage_documents.load(stage_paths)
        self._nodes = NodeHeartbeats(
            context, count=count, version=version, kubernetes=kubernetes_version, stages=stages,
            events=self._events, capacity=capacity, operator=operator,
        )  # fmt: skip
        self._pods = PodWorkers(
            context, stages=stages, pool=Pool(cluster_cidr), events=self._events, operator=operator
        )
        self._others = object_stages.by_kind(stages)
        others = InformerFactory(operator, given, self._tasks)
        self._operator_context = replace(context, client=operator, informers=others)
        self._evictions = Evictions(context, self._pods, self.usages)
        self._attacher = Attacher(context)
        self._resizer = VolumeResizer(context, events=self._events)

    async def start(self) -> None:
        """Returns when the nodes are registered."""
        self._tasks.start(self._events.run(), name="kubelet-events")
        self._tasks.start(self._nodes.run(), name="kubelet-nodes")
        self._tasks.start(self._pods.run(), name="kubelet-pods")
        self._tasks.start(self._evictions.run(), name="kubelet-evictions")
        self._tasks.start(self._attacher.run(), name="kubelet-attacher")
        self._tasks.start(self._resizer.run(), name="kubelet-volume-resizer")
        for (api_version, kind), stages in self._others.items():
            playing = object_stages.play(self._operator_context, api_version, kind, stages)
            self._tasks.start(playing, name=f"kubelet-stages-{kind}")
        await self._nodes.register()

    async def wait_synced(self) -> None:
        """Until it knows its nodes and their pods."""
        await self._informers.wait_synced()

    async def close(self) -> None:
        await self._tasks.close()
