"""What an API server keeps for itself, whether or not there is a controller manager: the Service by which pods find it
and the Lease that says it lives. One component of the daemon.

Source: kubernetes 1.36 pkg/controlplane/{instance,apiserver/server}.go, post-start hooks.
"""

from __future__ import annotations

from kubepy.client.client import Client
from kubepy.client.controller import Controller, ControllerContext
from kubepy.client.events import EventSink
from kubepy.client.given import Given
from kubepy.client.informer import InformerFactory
from kubepy.daemon.identity_lease import Address, IdentityLease
from kubepy.daemon.kubernetes_service import KubernetesServiceController
from kubepy.lib.aio import Tasks


class OwnControllers:
    """`serve_at` before it starts. has_identity: whether there is a Lease."""

    def __init__(
        self,
        client: Client,
        given: Given,
        *,
        service_range: str,
        has_identity: bool,
    ) -> None:
        self._clock, self._log = given.clock, given.log
        self._address = Address()
        self._tasks = Tasks(self._died)
        self._informers = InformerFactory(client, given, self._tasks)
        events = EventSink(client, given)
        context = ControllerContext.of(given, client, self._informers, events.recorder("kube-apiserver"))
        self._identity = IdentityLease(context, self._address) if has_identity else None
        self._service = KubernetesServiceController(context, service_range, self._address)

    def serve_at(self, host: str, port: int) -> None:
        self._address.host, self._address.port = host, port

    async def start(self) -> None:
        self._run(self._service)
        if self._identity is not None:
            await self._identity.end()
            self._run(self._identity)
        # One turn, in which they declare what they watch.
        await self._clock.sleep(0)

    def _run(self, controller: Controller) -> None:
        self._tasks.start(controller.run(), name=controller.name)

    async def wait_synced(self) -> None:
        await self._informers.wait_synced()

    async def close(self) -> None:
        await self._tasks.close()
        if self._identity is not None and self._identity.is_held:
            await self._identity.end()

    def _died(self, name: str, error: BaseException) -> None:
        self._log.error("controller_died", controller=name, exc_info=error)
