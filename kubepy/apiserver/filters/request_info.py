"""Says what is asked for: request.info from method, path and query.

Source: apiserver pkg/endpoints/filters/requestinfo.go.
"""

from __future__ import annotations

from kubepy.apiserver.filters import Filter
from kubepy.apiserver.request import Handler, Request, Resolver, Response


def request_info(resolver: Resolver) -> Filter:
    def wrap(next_: Handler) -> Handler:
        async def handle(request: Request) -> Response:
            request.info = resolver.resolve(request.method, request.path, request.query)
            return await next_(request)

        return handle

    return wrap
