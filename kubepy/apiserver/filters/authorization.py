"""May this user do this? If nobody says yes: 403. Handlers that find there is more to ask do so by `request.may`.

Source: apiserver pkg/endpoints/filters/authorization.go.
"""

from __future__ import annotations

from kubepy.api.errors import Unauthorized, quote
from kubepy.apiserver.authz import Authorizer, Decision, forbidden, sanitized
from kubepy.apiserver.filters import Filter
from kubepy.apiserver.filters.gate_metrics import GateMetrics
from kubepy.apiserver.request import Handler, Request, RequestInfo, Response
from kubepy.lib.clock import Clock
from kubepy.lib.records import replace

# kubepy's own answers about an object, for all who may get it: asked as for the object itself.
_ASKED_AS_OBJECT = frozenset({("pods", "why")})


def authorization(authorizer: Authorizer, clock: Clock, metrics: GateMetrics) -> Filter:
    def wrap(next_: Handler) -> Handler:
        async def handle(request: Request) -> Response:
            user = request.user
            if user is None:
                raise Unauthorized

            async def decide(info: RequestInfo) -> Decision:
                decision = await authorizer.authorize(user, info)
                if request.record is not None:
                    # Source: apiserver pkg/endpoints/filters/authorization.go.
                    request.audit["authorization.k8s.io/decision"] = (
                        "allow" if decision.is_allowed else "forbid"
                    )
                    request.audit["authorization.k8s.io/reason"] = decision.reason
                return decision

            async def may(info: RequestInfo) -> None:
                decision = await decide(info)
                if not decision.is_allowed:
                    raise forbidden(user, info, decision.reason)

            info = request.info
            if (info.resource, info.subresource) in _ASKED_AS_OBJECT:
                info = replace(info, subresource="")
            began = clock.monotonic()
            decision = await decide(info)
            if not request.in_process:
                metrics.decided(decision, clock.monotonic() - began)
            if not decision.is_allowed:
                if decision.error:
                    return _failed(request, decision.error)
                raise forbidden(user, info, decision.reason)
            request.may = may
            return await next_(request)

        return handle

    return wrap


def _failed(request: Request, error: str) -> Response:
    """Nobody knows whether they may. Source: responsewriters/errors.go InternalError."""
    text = sanitized(f"Internal Server Error: {quote(request.target)}: {error}")
    return Response(
        500, f"{text}\n".encode(), "text/plain; charset=utf-8", {"X-Content-Type-Options": "nosniff"}
    )
