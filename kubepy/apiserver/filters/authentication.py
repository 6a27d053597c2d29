"""Says who asks: request.user, or 401. Callers in this process come with their identity.

Source: apiserver pkg/endpoints/filters/authentication.go.
"""

from __future__ import annotations

from kubepy.apiserver.authn import Authenticator
from kubepy.apiserver.filters import Filter
from kubepy.apiserver.request import Handler, Request, Response


def authentication(authenticator: Authenticator) -> Filter:
    def wrap(next_: Handler) -> Handler:
        async def handle(request: Request) -> Response:
            if request.user is None:
                request.user = await authenticator.authenticate(request)
            return await next_(request)

        return handle

    return wrap
