"""One component as a process: the controller manager, the scheduler or simulated kubelets, against any API server.

`run` is everything `kubepy controller-manager|scheduler|kubelet` does between parsing its flags and exiting:

    kubeconfig -> transport -> (of several processes one: Lease) -> component -> until SIGTERM, or the lease is lost

Promised: a component writes nothing without the lease; on SIGINT or SIGTERM it stops first and the lease is given up
after, so that whoever stands by takes over at once. A process that loses its lease ends with an error, as upstream's
do: what it remembers is worth nothing any more, and whoever supervises it starts it anew.
Differs: health and metrics are plain HTTP on loopback, where upstream's secure ports ask the API server who may see
them; there a scheduler also answers `kubepy why` (why_door.py), and kubelets may serve metrics.k8s.io beside it
(metrics_door.py). Everything is done under the kubeconfig's identity.

Source: kubernetes 1.36 cmd/kube-controller-manager/app/controllermanager.go, cmd/kube-scheduler/app/server.go.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Callable, Container, Iterable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from kubepy.api import errors
from kubepy.api.resources import Resource
from kubepy.apiserver.request import Request, RequestIds, Response
from kubepy.apiserver.server import HttpServer
from kubepy.client import kubeconfig
from kubepy.client.client import Client
from kubepy.client.discovery import resource_of
from kubepy.client.events import EventSink
from kubepy.client.given import Given
from kubepy.client.leader import LeaderElector
from kubepy.client.transport import ConnectionLost
from kubepy.daemon import components
from kubepy.daemon.basis import Basis
from kubepy.daemon.component_settings import CONTROLLER_MANAGER, KUBELET, SCHEDULER, Settings, host_and_port
from kubepy.daemon.components import Component
from kubepy.daemon.settings import ConfigError, duration_s, read_file
from kubepy.lib.aio import Tasks
from kubepy.lib.clock import Clock
from kubepy.lib.random import Random
from kubepy.observability import health, metrics
from kubepy.observability.health import Checks
from kubepy.observability.logs import Logger, Logs
from kubepy.observability.metrics import Metrics

if TYPE_CHECKING:
    from kubepy.daemon.why_door import WhyDoor

# How often a server that does not answer yet is asked.
SERVER_RETRY_S = 1.0


class ComponentError(Exception):
    """Why the process ends, in one sentence."""


async def run(settings: Settings, clock: Clock, *, on_ready: Callable[[str], None]) -> None:
    """Work until SIGINT or SIGTERM. `on_ready` is told the URL of its health. Raises ComponentError."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        process = Process(settings, clock)
    except kubeconfig.Unusable as error:
        raise ComponentError(str(error)) from None
    try:
        on_ready(f"http://{settings.bind_address}:{await process.listen()}")
        await process.work(stop)
    except (ConfigError, errors.StatusError, ConnectionLost) as error:
        raise ComponentError(str(error)) from None
    finally:
        await process.close()


class Process:
    """The parts of one such process. Raises Unusable for a kubeconfig that is none."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings, self.clock = settings, clock
        self.random = Random(settings.seed or None)
        logs = Logs(
            clock, level=settings.log_level, form=settings.log_format, stream=sys.stdout, colour=sys.stdout.isatty()
        )  # fmt: skip
        self.log: Logger = logs.of(settings.name)
        self.metrics, self.checks = Metrics(), Checks()
        self._basis = Basis(clock, self.random, logs, self.metrics)
        self._access = kubeconfig.load(settings.kubeconfig_path, context=settings.context)
        self._transport = self._access.transport(
            clock=clock, random=self.random, impersonates=settings.use_service_account_credentials
        )
        self.client = Client(self._transport, field_manager=settings.name)
        self._tasks = Tasks(self._died)
        self._port, self._door = 0, self._make_door()
        self._health = HttpServer(self._answer, clock=clock, ids=RequestIds(self.random), log=self.log)

    def _make_door(self) -> WhyDoor | None:
        if self.settings.component != SCHEDULER:
            return None
        from kubepy.daemon.why_door import WhyDoor

        return WhyDoor(self._access.server)

    async def listen(self) -> int:
        """Serve health and metrics; returns the port."""
        settings = self.settings
        try:
            self._port = await self._health.start([settings.bind_address], settings.port, None)
            return self._port
        except OSError as error:
            where = f"{settings.bind_address}:{settings.port}"
            raise ComponentError(
                f"cannot serve health on {where}: {error.strerror or error}; --health-port takes another"
            ) from None

    async def work(self, stop: asyncio.Event) -> None:
        """Until `stop`. Raises ComponentError when the lease is lost."""
        work = self._tasks.start(self._elected() if self.settings.leader_elect else self._lead(), name="work")
        stopping = self._tasks.start(stop.wait(), name="stop")
        await asyncio.wait((work, stopping), return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            work.result()
            raise ComponentError("leader election lost")

    async def close(self) -> None:
        """The component first, then its lease, then the connection that both need."""
        await self._tasks.close()
        await self._health.close()
        await self._transport.close()

    def _died(self, name: str, error: BaseException) -> None:
        if not isinstance(error, (ConfigError, errors.StatusError, ConnectionLost)):
            self.log.error("task_died", task=name, exc_info=error)

    # -- the work ------------------------------------------------------------------------------------------------

    async def _elected(self) -> None:
        settings = self.settings
        await self._server_answers()
        sink = EventSink(self.client, Given(self.clock, self.random, self.log, self.metrics))
        self._tasks.start(sink.run(), name="leader events")
        elector = LeaderElector(
            self.client,
            settings.lease,
            identity=f"{socket.gethostname()}_{self.random.uid()}",
            clock=self.clock, random=self.random, log=self.log,
            namespace=settings.leader_elect_resource_namespace,
            recorder=sink.recorder(settings.name),
            lease_duration_s=duration_s(settings.leader_elect_lease_duration),
            renew_deadline_s=duration_s(settings.leader_elect_renew_deadline),
            retry_period_s=duration_s(settings.leader_elect_retry_period),
        )  # fmt: skip
        await elector.run(self._lead)

    async def _lead(self) -> None:
        await self._server_answers()
        component = self._make(await self._served())
        async with AsyncExitStack() as opened:
            opened.push_async_callback(component.close)
            await component.start()
            await component.wait_synced()
            self.log.info("component_ready", server=self._access.server)
            if self._door is not None:
                opened.callback(self._door.close)
                self._door.open(f"http://{self.settings.bind_address}:{self._port}", component)
            if self.settings.metrics_address:
                await self._open_metrics(component, opened)
            await asyncio.Event().wait()

    async def _open_metrics(self, kubelet: Component, opened: AsyncExitStack) -> None:
        from kubepy.daemon.metrics_door import MetricsDoor
        from kubepy.kubelet.kubelet import Kubelet

        assert isinstance(kubelet, Kubelet), "only its command has the flag"
        host, port = host_and_port(self.settings.metrics_address)
        ids = RequestIds(self.random)
        door = MetricsDoor(self.client, host, port, clock=self.clock, ids=ids, log=self.log)
        opened.push_async_callback(door.close)
        try:
            await door.open(kubelet.usages, self.settings.bind_address)
        except OSError as error:
            raise ComponentError(
                f"cannot serve metrics at {host}:{port}: {error.strerror or error}"
            ) from None

    async def _server_answers(self) -> None:
        """Wait for a server that is still starting."""
        said = False
        while True:
            try:
                await self.client.transport.request("GET", "/version")
                return
            except errors.StatusError:
                return  # it speaks; what it says to others is theirs to read
            except ConnectionLost as error:
                if not said:
                    self.log.warning("server_awaited", server=self._access.server, error=str(error))
                    said = True
                await self.clock.sleep(SERVER_RETRY_S)

    async def _served(self) -> set[Resource]:
        """Of what the scheduler, or some controllers, can do without: what this server has."""
        optional: Iterable[Resource] = ()
        if self.settings.component == SCHEDULER:
            from kubepy.scheduler import plugins

            optional = plugins.OPTIONAL
        elif self.settings.component == CONTROLLER_MANAGER:
            from kubepy.controllers import manager

            optional = manager.OPTIONAL
        return {one for one in optional if await self._is_served(one)}

    async def _is_served(self, resource: Resource) -> bool:
        return await resource_of(self.client, resource.api_version, resource.kind) is not None

    def _make(self, served: Container[Resource]) -> Component:
        settings, basis = self.settings, self._basis
        given = basis.of(settings.component, log=settings.name)
        if settings.component == KUBELET:
            return components.kubelet(settings, self.client, given)
        is_served = served.__contains__
        if settings.component == SCHEDULER:
            return components.scheduler(settings.config, self.client, given, is_served=is_served)
        from kubepy.daemon import credentials

        return components.controller_manager(
            settings, self.client, given, root_ca=self._root_ca(), authorities=credentials.authorities(settings),
            sign_token=credentials.sign_token(settings, basis.clock, basis.random), is_served=is_served,
        )  # fmt: skip

    def _root_ca(self) -> bytes:
        path = self.settings.root_ca_file
        return read_file(path, "root-ca-file") if path else self._access.ca

    # -- health --------------------------------------------------------------------------------------------------

    async def _answer(self, request: Request) -> Response:
        """/healthz, /livez, /readyz, /metrics; of a scheduler /why, see why_door.py."""
        path = request.path.strip("/")
        if self._door is not None and path.startswith("why/"):
            return self._door.answer(request)
        if path == "metrics":
            text = await asyncio.to_thread(self.metrics.render)
            return Response(200, text, metrics.CONTENT_TYPE)
        if path in health.GROUPS:
            report = self.checks.run(path, verbose="verbose" in request.query)
            return Response(200 if report.ok else 500, report.text.encode(), "text/plain; charset=utf-8")
        return Response(404, b"404 page not found\n", "text/plain; charset=utf-8")
