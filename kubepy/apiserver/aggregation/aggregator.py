"""The aggregation layer as one object: app.build asks it for `routes`, `forward` and `swaggers`, the daemon starts it.

It follows APIServices as a client of the very chain it is part of. Nothing here touches a socket, and no Service is
followed, before there is an APIService that names one.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubepy.api.builtins import API_SERVICES
from kubepy.api.objects import Document
from kubepy.api.resources import Resource
from kubepy.apiserver.aggregation.availability import AvailabilityController
from kubepy.apiserver.aggregation.connections import ClientCertificate, Connections
from kubepy.apiserver.aggregation.documents import DocumentsController, Fetcher, Swaggers, hash_of
from kubepy.apiserver.aggregation.endpoints import Endpoints
from kubepy.apiserver.aggregation.proxy import Proxy
from kubepy.apiserver.aggregation.registration import RegistrationController
from kubepy.apiserver.aggregation.routes import Route, Routes, group_version_of, route_of
from kubepy.apiserver.aggregation.trust import Trust, TrustController
from kubepy.apiserver.openapi import Swagger
from kubepy.apiserver.request import JSON, Request, Response, Verbatim
from kubepy.client.client import Client
from kubepy.client.controller import Controller, ControllerContext
from kubepy.client.events import EventSink
from kubepy.client.given import Given
from kubepy.client.informer import InformerFactory
from kubepy.lib.aio import Tasks


class Aggregator:
    """`trust` is published; `certificate` is the front proxy's, None: aggregated servers must do without; `local` are
    the built-in kinds that this server serves."""

    def __init__(
        self,
        client: Client,
        given: Given,
        *,
        trust: Trust,
        certificate: ClientCertificate | None = None,
        local: Sequence[Resource],
    ) -> None:
        self.routes = Routes()
        self.routes.is_complete = False
        clock, log = given.clock, given.log
        self._clock, self._log = clock, log
        self._tasks = Tasks(self._died)
        self._informers = InformerFactory(client, given, self._tasks)
        self._events = EventSink(client, given)
        self._connections = Connections(clock, certificate)
        self._endpoints = Endpoints(self._informers, given.random, self._service_changed)
        self._proxy = Proxy(self._connections, self._endpoints.pick, given.pool, self._tasks, log)
        fetcher = Fetcher(self._endpoints, self._connections)
        self._swaggers = Swaggers(self.routes, fetcher, clock)
        context = ControllerContext.of(
            given, client, self._informers, self._events.recorder("kube-aggregator")
        )
        self._registration = RegistrationController(context, local)
        self._availability = AvailabilityController(
            context, routes=self.routes, endpoints=self._endpoints, connections=self._connections
        )
        documents = DocumentsController(context, routes=self.routes, fetcher=fetcher)
        self._trust = TrustController(context, trust)
        self._controllers: tuple[Controller, ...] = (
            self._trust, self._registration, self._availability, documents,
        )  # fmt: skip

    # -- for the request path ------------------------------------------------------------------------------------

    async def forward(self, request: Request, route: Route) -> Response:
        if request.path.startswith("/openapi/v3/") and (
            document := self.routes.documents((route.group, route.version)).converted
        ):
            return Verbatim(200, document, JSON, {"ETag": f'"{hash_of(document)}"'})
        return await self._proxy.serve(request, route)

    async def swaggers(self) -> Sequence[Swagger]:
        return await self._swaggers.swaggers()

    def forget_certificate(self) -> None:
        """The front proxy's is another one: it is read anew."""
        self._connections.forget()

    def trust(self, trust: Trust) -> None:
        """Publish another one."""
        self._trust.change(trust)

    # -- life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        # Before the controllers hear of an APIService, its route is there.
        api_services = self._informers.informer(API_SERVICES)
        api_services.add_handler(
            on_add=self._changed, on_update=lambda old, new: self._changed(new), on_delete=self._deleted
        )
        self._tasks.start(self._events.run(), name="events")
        for controller in self._controllers:
            self._tasks.start(controller.run(), name=controller.name)
        # One turn, in which they declare what they watch.
        await self._clock.sleep(0)
        await api_services.wait_synced()
        self.routes.is_complete = True

    async def wait_synced(self) -> None:
        """Until every group version of this server has its APIService."""
        await self._informers.wait_synced()
        await self._registration.wait_done()

    async def close(self) -> None:
        """What is being passed on ends here."""
        await self._tasks.close()
        await self._connections.close()

    def _changed(self, document: Document) -> None:
        route = route_of(document.obj)
        if route is None:
            self._deleted(document)
            return
        self._endpoints.follow()
        self.routes.put(route)

    def _deleted(self, document: Document) -> None:
        self.routes.drop(group_version_of(document.key.name))

    def _service_changed(self, service: str) -> None:
        self._availability.service_changed(service)

    def _died(self, name: str, error: BaseException) -> None:
        self._log.error("controller_died", controller=name, exc_info=error)
