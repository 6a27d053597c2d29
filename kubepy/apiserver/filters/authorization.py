"""May this user do this? If nobody says yes: 403. Handlers that find there is more to ask do so by `request.may`.

Source: apiserver pkg/endpoints/filters/authorization.go.
"""

from __future__ import annotations

from msgspec.structs import replace

from kubepy.api.errors import Unauthorized, quote
from kubepy.apiserver.authz import Authorizer, Decision, forbidden, sanitized
from kubepy.apiserver.filters import Filter
from kubepy.apiserver.filters.gate_metrics import GateMetrics
from kubepy.apiserver.request import Handler, Request, RequestInfo, Response, User
from kubepy.lib.clock import Clock

# kubepy's own answers about an object, for all who may get it: asked as for the object itself.
_ASKED_AS_OBJECT = frozenset({("pods", "why")})


def authorization(authorizer: Authorizer, clock: Clock, metrics: GateMetrics) -> Filter:
    async def decide(request: Request, user: User, info: RequestInfo) -> Decision:
        decision = await authorizer.authorize(user, info)
        if request.record is not None:
            # Source: apiserver pkg/endpoints/filters/authorization.go.
            request.audit["authorization.k8s.io/decision"] = "allow" if decision.is_allowed else "forbid"
            request.audit["authorization.k8s.io/reason"] = decision.reason
        return decision

    # One for all requests: one that a request held and that held the request would keep both until somebody collects
    # garbage.
    async def may(request: Request, info: RequestInfo) -> None:
        user = request.user
        assert user is not None, "asked of requests that are authorized"
        decision = await decide(request, user, info)
        if not decision.is_allowed:
            raise forbidden(user, info, decision.reason)

    def wrap(next_: Handler) -> Handler:
        async def handle(request: Request) -> Response:
            user = request.user
            if user is None:
                raise Unauthorized
            info = request.info
            if (info.resource, info.subresource) in _ASKED_AS_OBJECT:
                info = replace(info, subresource="")
            began = clock.monotonic()
            decision = await decide(request, user, info)
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
