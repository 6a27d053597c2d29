"""The API server as one handler: the filters in their order, and what is at the end of them.

Reading `chain` downwards is reading what happens to a request. Both doors call the result:

    handler = app.build(...)
    server.HttpServer(handler, ...)             sockets
    loopback.LoopbackTransport(handler, ...)    components of this process

Source: apiserver pkg/server/config.go DefaultBuildHandlerChain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
from typing import TYPE_CHECKING

from kubepy.api import versions
from kubepy.api.builtins import Catalog
from kubepy.api.errors import page_not_found
from kubepy.apiserver.aggregation.routes import Route, Routes
from kubepy.apiserver.authn import Authenticator
from kubepy.apiserver.authz import Authorizer
from kubepy.apiserver.discovery import Discovery
from kubepy.apiserver.dispatch import dispatch
from kubepy.apiserver.filters import Filter
from kubepy.apiserver.filters.audit import Auditor, audit, audit_strangers
from kubepy.apiserver.filters.authentication import authentication
from kubepy.apiserver.filters.authorization import authorization
from kubepy.apiserver.filters.gate_metrics import GateMetrics
from kubepy.apiserver.filters.impersonation import impersonation
from kubepy.apiserver.filters.observe import observe
from kubepy.apiserver.filters.panic_recovery import panic_recovery
from kubepy.apiserver.filters.request_info import request_info
from kubepy.apiserver.filters.timeout import LIMIT_S, timeout
from kubepy.apiserver.filters.warnings import warnings
from kubepy.apiserver.openapi import OpenApi
from kubepy.apiserver.pages import pages
from kubepy.apiserver.request import Handler, Request, Resolver, Response
from kubepy.lib.clock import Clock
from kubepy.observability.health import Checks
from kubepy.observability.logs import Logger
from kubepy.observability.metrics import Metrics

if TYPE_CHECKING:
    from kubepy.api.schema import Schemas
    from kubepy.apiserver.aggregation.aggregator import Aggregator


def build(
    *,
    resources: Handler,
    catalog: Catalog,
    schemas: Schemas,
    authenticator: Authenticator,
    authorizer: Authorizer,
    clock: Clock,
    log: Logger,
    metrics: Metrics,
    checks: Checks,
    address: Callable[[], str] = lambda: "127.0.0.1:6443",
    paths: Mapping[str, Handler] | None = None,
    aggregator: Aggregator | None = None,
    version: str = versions.NEWEST,
    limits: Sequence[Filter] = (),
    auditor: Auditor | None = None,
    request_timeout_s: float = LIMIT_S,
    flags: Mapping[str, str] | None = None,
) -> Handler:
    """The whole chain. `resources` serves every resource request but those that `aggregator` has a route for; `paths`
    adds exact non-resource paths; `address` (host:port) is what /api tells clients, `version`
    (of Kubernetes) what /version does; `limits` are the filters for when there are too many; `auditor` records
    requests; `flags` are what /flagz tells."""
    gate = GateMetrics(metrics)
    chain: list[Filter] = [  # outermost first
        warnings(),
        panic_recovery(log, schemas),
        request_info(Resolver()),
        observe(clock, log, metrics),
        timeout(clock, request_timeout_s),
        *((audit_strangers(auditor),) if auditor is not None else ()),
        authentication(authenticator, clock, gate),
        *((audit(auditor),) if auditor is not None else ()),
        impersonation(authorizer),
        *limits,
        authorization(authorizer, clock, gate),
    ]
    routes = aggregator.routes if aggregator else Routes()
    end = dispatch(
        resources=resources,
        discovery=Discovery(
            catalog,
            schemas,
            address=address,
            aggregated=versions.aggregated_discovery(version),
            routes=routes,
        ),
        openapi=OpenApi(catalog, schemas, clock, routes, aggregator),
        routes=routes,
        forward=aggregator.forward if aggregator else _nowhere,
        checks=checks,
        metrics=metrics,
        log=log,
        paths=paths or {},
        pages=partial(pages, checks=checks, flags=flags or {}, clock=clock, version=version),
        version=versions.info(version),
    )
    return reduce(lambda inner, outer: outer(inner), reversed(chain), end)


async def _nowhere(request: Request, route: Route) -> Response:
    raise page_not_found()
