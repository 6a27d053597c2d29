"""Says who asks: request.user, or 401. Callers in this process come with their identity.

Source: apiserver pkg/endpoints/filters/authentication.go.
"""

from __future__ import annotations

from kubepy.api.errors import Unauthorized
from kubepy.apiserver.authn import Authenticator
from kubepy.apiserver.filters import Filter
from kubepy.apiserver.filters.gate_metrics import GateMetrics
from kubepy.apiserver.request import Handler, Request, Response
from kubepy.lib.clock import Clock


def authentication(authenticator: Authenticator, clock: Clock, metrics: GateMetrics) -> Filter:
    def wrap(next_: Handler) -> Handler:
        async def handle(request: Request) -> Response:
            if request.user is None:
                began = clock.monotonic()
                try:
                    user = await authenticator.authenticate(request)
                except Unauthorized:
                    metrics.authentications.add("error", clock.monotonic() - began)
                    raise
                if user is None:
                    metrics.authentications.add("failure", clock.monotonic() - began)
                    raise Unauthorized
                metrics.authenticated(user.name, clock.monotonic() - began)
                request.user = user
            return await next_(request)

        return handle

    return wrap
