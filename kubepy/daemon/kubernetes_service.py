"""Keeps the Service `kubernetes`, its Endpoints and its EndpointSlice, by which pods find the API server.

Watches these three objects and nothing else. The Service comes back when it is deleted and is otherwise left as people
made it; the endpoints say where this process listens, whatever anybody writes there.

Differs: upstream looks every ten seconds; here a change is answered at once.

Source: kubernetes pkg/controlplane/controller/kubernetesservice/controller.go UpdateKubernetesService.
"""

from __future__ import annotations

from kubepy.api.builtins import ENDPOINT_SLICES, ENDPOINTS, SERVICES
from kubepy.api.objects import Document, DocumentPool, Key
from kubepy.client.client import Client
from kubepy.client.controller import After, Controller, ControllerContext
from kubepy.client.events import EventSink
from kubepy.client.informer import InformerFactory
from kubepy.daemon import bootstrap
from kubepy.lib.aio import Tasks
from kubepy.lib.clock import Clock
from kubepy.lib.random import Random
from kubepy.observability.logs import Logger
from kubepy.observability.metrics import Metrics

KEY = Key("default", "kubernetes")


class KubernetesServiceController(Controller):
    name = "kubernetes-service"

    def __init__(self, context: ControllerContext, service_range: str) -> None:
        super().__init__(context)
        self._service_range = service_range
        self.host, self.port = "", 0

    def setup(self) -> None:
        for resource in (SERVICES, ENDPOINTS, ENDPOINT_SLICES):
            selector = f"metadata.name={KEY.name}"
            self.watch(resource, _only_key, namespace=KEY.namespace, field_selector=selector)

    async def reconcile(self, key: Key) -> After | None:
        await bootstrap.ensure_kubernetes_service(self.client, self._service_range, self.host, self.port)
        return None


class KubernetesService:
    """The controller as a component of the daemon; `serve_at` before it starts."""

    def __init__(
        self,
        client: Client,
        *,
        clock: Clock,
        random: Random,
        log: Logger,
        metrics: Metrics,
        pool: DocumentPool,
        service_range: str,
    ) -> None:
        self._clock, self._log = clock, log
        self._tasks = Tasks(self._died)
        self._informers = InformerFactory(
            client, clock=clock, random=random, tasks=self._tasks, log=log, pool=pool
        )
        events = EventSink(client, clock=clock, random=random, log=log, metrics=metrics)
        context = ControllerContext(
            client=client, informers=self._informers, clock=clock, random=random, log=log, metrics=metrics,
            events=events.recorder("kube-apiserver"),
        )  # fmt: skip
        self._controller = KubernetesServiceController(context, service_range)

    def serve_at(self, host: str, port: int) -> None:
        self._controller.host, self._controller.port = host, port

    async def start(self) -> None:
        self._tasks.start(self._controller.run(), name=self._controller.name)
        # One turn, in which it declares what it watches.
        await self._clock.sleep(0)

    async def wait_synced(self) -> None:
        await self._informers.wait_synced()

    async def close(self) -> None:
        await self._tasks.close()

    def _died(self, name: str, error: BaseException) -> None:
        self._log.error("controller_died", controller=name, exc_info=error)


def _only_key(document: Document, old: Document | None) -> list[Key]:
    return [KEY]
