"""May this user do this? If nobody says yes: 403.

Source: apiserver pkg/endpoints/filters/authorization.go.
"""

from __future__ import annotations

from kubepy.api.errors import Unauthorized
from kubepy.apiserver.authz import Authorizer, forbidden
from kubepy.apiserver.filters import Filter
from kubepy.apiserver.request import Handler, Request, Response


def authorization(authorizer: Authorizer) -> Filter:
    def wrap(next_: Handler) -> Handler:
        async def handle(request: Request) -> Response:
            user = request.user
            if user is None:
                raise Unauthorized
            decision = await authorizer.authorize(user, request.info)
            if not decision.is_allowed:
                raise forbidden(user, request.info, decision.reason)
            return await next_(request)

        return handle

    return wrap
