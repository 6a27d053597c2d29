"""One log event and two metrics per request.

The event "request" is at debug level, so a server at its usual level pays nothing for it. Label children are kept by
what distinguishes them; with the built-in kinds there are a few hundred. Watches are counted when they start and not
timed: their duration says nothing.

Source: apiserver pkg/endpoints/metrics/metrics.go (names, labels, cleanVerb), pkg/server/httplog/httplog.go.
"""

from __future__ import annotations

import asyncio
from typing import Any

from kubepy.api.errors import StatusError
from kubepy.apiserver.filters import Filter
from kubepy.apiserver.request import Handler, Request, RequestInfo, Response
from kubepy.lib.clock import Clock
from kubepy.observability.logs import LEVELS, Logger
from kubepy.observability.metrics import Metrics

_LABELS = ("verb", "dry_run", "group", "version", "resource", "subresource", "scope", "component")

# What a client that went away before its answer is counted as.
CLIENT_CLOSED_REQUEST = 499

_VERBS = {
    "get": "GET",
    "list": "LIST",
    "watch": "WATCH",
    "create": "POST",
    "update": "PUT",
    "patch": "PATCH",
    "delete": "DELETE",
    "deletecollection": "DELETECOLLECTION",
    "proxy": "CONNECT",
    "post": "POST",
    "put": "PUT",
    "head": "GET",
}

# Beyond it a client is inventing resource names; those share one child.
CHILDREN_MAX = 4096


def observe(clock: Clock, log: Logger, metrics: Metrics) -> Filter:
    children = _Children(metrics)
    is_verbose = log.is_enabled_for(LEVELS["debug"])

    def wrap(next_: Handler) -> Handler:
        async def handle(request: Request) -> Response:
            start = clock.monotonic()
            code = 500
            try:
                response = await next_(request)
                code = response.status
                return response
            except StatusError as error:
                code = error.code
                raise
            except asyncio.CancelledError:
                code = CLIENT_CLOSED_REQUEST
                raise
            finally:
                duration_s = clock.monotonic() - start
                children.count(request, code, duration_s)
                if is_verbose:
                    log.debug("request", **_fields(request, code, duration_s))

        return handle

    return wrap


class _Children:
    def __init__(self, metrics: Metrics) -> None:
        self._total = metrics.counter(
            "apiserver_request_total",
            "Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, "
            "scope, component, and HTTP response code.",
            (*_LABELS, "code"),
        )
        self._duration = metrics.histogram(
            "apiserver_request_duration_seconds",
            "Response latency distribution in seconds for each verb, dry run value, group, version, resource, "
            "subresource, scope and component.",
            _LABELS,
        )
        self._known: dict[tuple[Any, ...], tuple[Any, Any]] = {}

    def count(self, request: Request, code: int, duration_s: float) -> None:
        info = request.info
        dry_run = request.query.get("dryRun")
        key = (
            info.verb,
            dry_run,
            info.group,
            info.version,
            info.resource,
            info.subresource,
            scope_of(info),
            code,
        )
        found = self._known.get(key)
        if found is None:
            found = self._add(key)
        total, duration = found
        total.inc()
        if duration is not None:
            duration.observe(duration_s)

    def _add(self, key: tuple[Any, ...]) -> tuple[Any, Any]:
        if len(self._known) >= CHILDREN_MAX:
            key = ("other", "", "", "", "", "", "", key[-1])
        verb, *rest, code = key
        labels = (_VERBS.get(verb, verb.upper()), *rest, "apiserver")
        duration = None if verb == "watch" else self._duration.labels(*labels)
        pair = self._total.labels(*labels, str(code)), duration
        self._known[key] = pair
        return pair


def scope_of(info: RequestInfo) -> str:
    """Source: metrics.go CleanScope."""
    if info.name or info.verb == "create":
        return "resource"
    if info.namespace:
        return "namespace"
    return "cluster" if info.is_resource else ""


def _fields(request: Request, code: int, duration_s: float) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "request_id": request.request_id,
        "verb": request.info.verb,
        "path": request.path,
        "code": code,
        "duration_ms": round(duration_s * 1000, 3),
        "user": request.user.name if request.user else "",
    }
    if request.user_agent:
        fields["user_agent"] = request.user_agent
    return fields
