"""Is an aggregated server there? Keeps status.conditions[Available] of every APIService that names a Service.

Watches APIServices, and the Services and EndpointSlices behind them. Asks the server for its own group version, at up
to five of its addresses at once; one good answer is enough. Looks again every 30 seconds, and sooner after a failure:
that the network broke is nothing one can watch.

Source: kube-aggregator pkg/controllers/status/remote/remote_available_controller.go.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from kubepy.api import objects
from kubepy.api.builtins import API_SERVICES
from kubepy.api.objects import Document, Key, Obj, copy
from kubepy.apiserver.aggregation.connections import BadAuthority, Connections, Unreachable
from kubepy.apiserver.aggregation.endpoints import Endpoints
from kubepy.apiserver.aggregation.routes import AVAILABLE, Route, Routes, route_of
from kubepy.apiserver.aggregation.services import Address, Unresolved, problem
from kubepy.apiserver.request import User
from kubepy.client.controller import After, Controller, ControllerContext, key_of
from kubepy.lib.aio import Tasks
from kubepy.lib.backoff import Exponential

# Who the aggregator is when it asks for itself.
AGGREGATOR = User("system:kube-aggregator", ("system:masters",))

ATTEMPTS = 5
ATTEMPT_S = 5.0
# Source: the resync of the APIService handler; the bounds of the queue's rate limiter.
LOOK_AGAIN_S = 30.0
RETRY_S_MIN, RETRY_S_MAX = 0.005, 30.0

FAILED_DISCOVERY = "FailedDiscoveryCheck"


class Finding(NamedTuple):
    status: str  # "True", "False"
    reason: str
    message: str


PASSED = Finding("True", "Passed", "all checks passed")


class AvailabilityController(Controller):
    name = "remote-available"
    workers = 5
    retry_s_max = RETRY_S_MAX

    def __init__(
        self, context: ControllerContext, *, routes: Routes, endpoints: Endpoints, connections: Connections
    ) -> None:
        super().__init__(context)
        self._routes, self._endpoints, self._connections = routes, endpoints, connections
        self._backoff = Exponential(RETRY_S_MIN, RETRY_S_MAX)
        # Upstream has a counter of nearly the same name, too, which this metrics library takes for the same.
        self._unavailable = context.metrics.gauge(
            "aggregator_unavailable_apiservice",
            "Gauge of APIServices which are marked as unavailable broken down by APIService name.",
            ("name",),
        )

    def setup(self) -> None:
        self._api_services = self.watch(API_SERVICES, key_of, is_about_remote)

    def service_changed(self, service: str) -> None:
        """ "namespace/name": look at those that it serves."""
        for route in self._routes.table.values():
            if service == f"{route.service.namespace}/{route.service.name}":
                self.queue.add(Key("", route.name))

    async def reconcile(self, key: Key) -> After | None:
        obj = self._api_services.get(key)
        route = route_of(obj) if obj is not None else None
        if obj is None or route is None:
            self._backoff.forget(key)
            self._forget(key.name)
            return None
        finding = await self._look(route)
        await self._record(obj, finding)
        if finding.reason == FAILED_DISCOVERY:
            return After(self._backoff.next_s(key))
        self._backoff.forget(key)
        return After(LOOK_AGAIN_S)

    async def _look(self, route: Route) -> Finding:
        await self._endpoints.wait_synced()
        service, slices = self._endpoints.service(route.service), self._endpoints.slices(route.service)
        if wrong := problem(route.service, service, slices):
            return Finding("False", *wrong)
        try:
            addresses = self._endpoints.all(route.service)[:ATTEMPTS]
        except Unresolved as error:
            return Finding("False", FAILED_DISCOVERY, str(error))
        failure = await self._first_answer(route, addresses)
        return PASSED if failure is None else Finding("False", FAILED_DISCOVERY, failure)

    async def _first_answer(self, route: Route, addresses: list[Address]) -> str | None:
        """None as soon as one address answers well, else what the last one to fail said."""
        tasks = Tasks(lambda name, error: self.log.error("probe_failed", object=name, exc_info=error))
        failure: str | None = None
        try:
            running = {
                tasks.start(self._failure_of(route, address), name=route.name) for address in addresses
            }
            while running:
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    failure = task.result()
                    if failure is None:
                        return None
            return failure
        finally:
            await tasks.close()

    async def _failure_of(self, route: Route, address: Address) -> str | None:
        url = f"https://{address}{route.root}"
        try:
            fetched = await self._connections.fetch(
                route, address, route.root, accept="application/json", user=AGGREGATOR, within_s=ATTEMPT_S
            )
        except BadAuthority as error:
            return str(error)
        except Unreachable as error:
            return f'failing or missing response from {url}: Get "{url}": {error}'
        if not 200 <= fetched.status < 300:
            return f"failing or missing response from {url}: bad status from {url}: {fetched.status}"
        return None

    async def _record(self, obj: Obj, finding: Finding) -> None:
        name, is_available = obj["metadata"]["name"], finding.status == "True"
        self._unavailable.labels(name).set(0 if is_available else 1)
        known = objects.condition(obj, AVAILABLE)
        if known is not None and finding == (
            known.get("status"),
            known.get("reason"),
            known.get("message"),
        ):
            return
        wanted = with_condition(obj, finding, self.clock.rfc3339())
        await self.client.update(API_SERVICES, wanted, subresource="status")
        log = self.log.info if is_available else self.log.warning
        log("api_service_availability", object=name, available=is_available, reason=finding.reason,
            message=finding.message)  # fmt: skip

    def _forget(self, name: str) -> None:
        try:
            self._unavailable.remove(name)
        except KeyError:
            pass


def with_condition(obj: Obj, finding: Finding, now: str) -> Obj:
    """A copy that says so; the time is that of the last change of status."""
    wanted = copy(obj)
    conditions = wanted.setdefault("status", {}).setdefault("conditions", [])
    found = next((each for each in conditions if each.get("type") == AVAILABLE), None)
    if found is None:
        found = {"type": AVAILABLE}
        conditions.append(found)
    if found.get("status") != finding.status:
        found["status"], found["lastTransitionTime"] = finding.status, now
    found["reason"], found["message"] = finding.reason, finding.message
    return wanted


def is_about_remote(document: Document, old: Document | None) -> bool:
    """APIServices of this server are none of our business, unless they were another's a moment ago."""
    return route_of(document.obj) is not None or (old is not None and route_of(old.obj) is not None)
