"""The end of the chain: health, version, metrics, discovery, OpenAPI by path; everything else is a resource.

Source: apiserver pkg/server/{handler,healthz}.go, pkg/server/routes/*.go, pkg/server/mux/pathrecorder.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import orjson

from kubepy.api.errors import ServiceUnavailable, method_not_allowed, page_not_found
from kubepy.api.objects import Obj
from kubepy.apiserver.aggregation.routes import Route, Routes
from kubepy.apiserver.discovery import Discovery
from kubepy.apiserver.openapi import OpenApi
from kubepy.apiserver.request import JSON, Handler, Request, Response, Verbatim
from kubepy.observability import health, metrics
from kubepy.observability.health import Checks
from kubepy.observability.logs import Logger
from kubepy.observability.metrics import Metrics

TEXT = "text/plain; charset=utf-8"
TOO_EARLY_S = 5
_NO_SNIFF = {"X-Content-Type-Options": "nosniff"}


# Answers a request in the place of an aggregated server.
Forward = Callable[[Request, Route], Awaitable[Response]]


def dispatch(
    *,
    resources: Handler,
    discovery: Discovery,
    openapi: OpenApi,
    routes: Routes,
    forward: Forward,
    checks: Checks,
    metrics: Metrics,
    log: Logger,
    paths: Mapping[str, Handler],
    pages: Callable[[Callable[[], list[str]]], dict[str, Handler]],
    version: Obj,
) -> Handler:
    """`paths` adds exact paths to the table (GET only), e.g. the issuer's keys; `pages` makes those that answer any
    method, and may list all there are; `routes` go to other servers."""
    elsewhere = routes.table
    exact: dict[str, Handler] = {
        "/version": _reading(_document(version)),
        "/version/": _reading(_document(version)),
        "/metrics": _metrics(metrics),
        "/openapi/v2": openapi.v2,
        "/openapi/v3": openapi.v3_index,
        **{path: _reading(handler) for path, handler in paths.items()},
    }
    # As the OpenAPI document, and clients made of it, spell them.
    slashed = {f"{path}/": _reading(handler) for path, handler in paths.items()}
    endpoints = {f"/{group}": _health(checks, group, log) for group in health.GROUPS}
    exact |= endpoints

    def listed() -> list[str]:
        named = {f"/{group}/{name}" for group in health.GROUPS for name in checks.names(group)}
        return sorted(exact.keys() - {"/", "/index.html"} | named | set(discovery.paths()))

    exact |= pages(listed)
    exact["/"] = exact["/index.html"] = _index(listed)

    async def handle(request: Request) -> Response:
        if not routes.is_complete and not discovery.is_known(request.path):
            raise too_early()
        if elsewhere and (route := routes.of(request)) is not None:
            return await forward(request, route)
        if request.info.is_resource:
            return await resources(request)
        path = request.path
        found = exact.get(path) or slashed.get(path)
        if found is not None:
            return await found(request)
        # OPTIONS has targets that are no path.
        head = path.split("/", 2)[1] if path.startswith("/") else ""
        if head in ("api", "apis"):
            return await discovery.handle(request)
        if path.startswith("/openapi/v3/"):
            if elsewhere and (route := routes.of_openapi(path)) is not None:
                return await forward(request, route)
            return await openapi.v3_document(request)
        if (endpoint := endpoints.get(f"/{head}")) is not None:
            return await endpoint(request)
        raise page_not_found()

    return handle


def too_early() -> ServiceUnavailable:
    """Not 404: a client would believe it. Source: apiserver pkg/util/notfoundhandler/not_found_handler.go."""
    text = "the request has been made before all known HTTP paths have been installed, please try again"
    return ServiceUnavailable(text, details={"retryAfterSeconds": TOO_EARLY_S})


def _reading(handler: Handler) -> Handler:
    """For what upstream serves by its router, which looks at the method; the others answer any."""

    async def handle(request: Request) -> Response:
        if request.method != "GET":
            raise method_not_allowed()
        return await handler(request)

    return handle


def _document(obj: Obj) -> Handler:
    async def handle(request: Request) -> Response:
        return _indented(obj)

    return handle


def _metrics(registry: Metrics) -> Handler:
    async def handle(request: Request) -> Response:
        # Rendering takes tens of milliseconds; requests go on meanwhile.
        text = await asyncio.to_thread(registry.render)
        return Response(200, text, metrics.CONTENT_TYPE)

    return handle


def _health(checks: Checks, group: str, log: Logger) -> Handler:
    """/readyz and /readyz/<check>. Source: pkg/server/healthz/healthz.go."""

    async def handle(request: Request) -> Response:
        name = request.path.removeprefix(f"/{group}")
        query = request.query
        if name:
            report = checks.run_one(group, name[1:])
            if report is None:
                raise page_not_found()
        else:
            report = checks.run(group, verbose="verbose" in query, exclude=query.all("exclude"))
        if not report.ok:
            for check, reason in checks.failing(group):
                log.warning("health_check_failed", endpoint=group, check=check, reason=reason)
        headers = {} if name and report.ok else dict(_NO_SNIFF)
        return Response(200 if report.ok else 500, report.text.encode(), TEXT, headers)

    return handle


def _index(listed: Callable[[], list[str]]) -> Handler:
    async def handle(request: Request) -> Response:
        return _indented({"paths": listed()})

    return handle


def _indented(obj: Obj) -> Response:
    """Source: responsewriters.WriteRawJSON."""
    return Verbatim(200, orjson.dumps(obj, option=orjson.OPT_INDENT_2), JSON)
