"""The door for components of this process: the same chain as HTTP, without socket, TLS and JSON round trip.

The identity is given, not proven; everything after authentication is the same. A body is copied on its way in, so that
the caller keeps its own; what comes out is shared with the caches and everybody else, and read-only. Errors are raised
as they are.

A watch's queue is bounded: who does not take EVENTS_MAX events is cut off with ConnectionLost and must resume.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any

import orjson

from kubepy.api.errors import StatusError, from_status
from kubepy.api.objects import Obj, copy
from kubepy.apiserver.authn import authenticated
from kubepy.apiserver.filters.flow_control import Rejected
from kubepy.apiserver.request import (
    JSON,
    Handler,
    Query,
    Request,
    RequestIds,
    Response,
    Subscription,
    User,
    WatchResponse,
)
from kubepy.client import transport
from kubepy.client.transport import ConnectionLost, Page, Reply, WatchEvent
from kubepy.lib.clock import Clock

# References to documents that live anyway; a component this far behind has lost its loop.
EVENTS_MAX = 100_000

# Source: client-go rest/request.go maxRetries.
ATTEMPTS_MAX = 11

_HEADERS: Mapping[str, str] = {}


class LoopbackRequest(Request):
    __slots__ = ("_body", "_content_type")

    in_process = True

    def __init__(
        self, method: str, path: str, query: Query, request_id: str, user: User, body: Any, content_type: str
    ) -> None:
        super().__init__(method, path, query, request_id)
        self.user = user
        self._content_type = content_type
        self._body: bytes | None = None
        if isinstance(body, bytes):
            self._body = body
        elif method == "PATCH" and body is not None:
            # Patches are parsed by their handler, once per attempt.
            self._body = orjson.dumps(body)
        elif body is not None:
            self.obj = copy(body)

    def header(self, name: str) -> str:
        lower = name.lower()
        if lower == "content-type":
            return self._content_type
        return JSON if lower == "accept" else ""

    def body_stream(self) -> bytes | None:
        return super().body_stream() if self._body is None else self._body  # type: ignore[return-value]

    async def read_body(self) -> bytes:
        if self._body is None:
            self._body = await super().read_body()
        return self._body


class LoopbackTransport:
    """client.transport.Transport over a chain. Make one per server; `with_identity` for each component."""

    def __init__(self, handler: Handler, user: User, *, clock: Clock, ids: RequestIds) -> None:
        self._handler = handler
        self._user = user
        self._clock = clock
        self._ids = ids

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: transport.Query | None = None,
        body: Any = None,
        content_type: str = JSON,
        timeout_s: float | None = None,
    ) -> Reply:
        response = await self._send(method, path, query, body, content_type, timeout_s)
        headers = response.headers or _HEADERS
        return Reply(response.status, None, headers, decode=partial(_obj_of, response))

    async def list(self, path: str, *, query: transport.Query | None = None) -> Page:
        response = await self._send("GET", path, query)
        assert response.page is not None, f"{path} is no collection"
        return response.page

    async def watch(
        self, path: str, *, query: transport.Query | None = None
    ) -> AsyncGenerator[Sequence[WatchEvent], None]:
        response = await self._send("GET", path, {"watch": "1", **(query or {})})
        assert isinstance(response, WatchResponse), f"{path} is not watched"
        subscription = response.subscription
        queue = _Queue(subscription)
        timer = self._clock.call_later(response.timeout_s, queue.end)
        try:
            async with aclosing(subscription.attach(queue)) as batches:
                async for batch in batches:
                    if batch:
                        yield batch
            while (news := await queue.next()) is not None:
                yield news
        finally:
            timer.cancel()
            subscription.close()

    def with_identity(self, user: str, groups: Sequence[str]) -> LoopbackTransport:
        return LoopbackTransport(
            self._handler, authenticated(user, tuple(groups)), clock=self._clock, ids=self._ids
        )

    def metadata_only(self) -> LoopbackTransport:
        """Whole documents are shared with the watch cache; parts of them would cost memory."""
        return self

    async def close(self) -> None:
        """Nothing to close: the server owns what is behind the chain."""

    async def _send(
        self,
        method: str,
        path: str,
        query: transport.Query | None,
        body: Any = None,
        content_type: str = JSON,
        timeout_s: float | None = None,
    ) -> Response:
        if timeout_s is None:
            response = await self._patiently(method, path, query, body, content_type)
        else:
            try:
                async with self._clock.timeout(timeout_s):
                    response = await self._patiently(method, path, query, body, content_type)
            except TimeoutError:
                raise ConnectionLost(f"{method} {path}: no answer within {timeout_s:g} s") from None
        if response.status >= 400:
            raise _error_of(response)
        return response

    async def _patiently(
        self, method: str, path: str, query: transport.Query | None, body: Any, content_type: str
    ) -> Response:
        """Who is sent away comes again, as over HTTP."""
        for attempt in range(ATTEMPTS_MAX):
            request = LoopbackRequest(
                method, path, Query.of(query), self._ids.next(), self._user, body, content_type
            )
            try:
                return await self._handler(request)
            except Rejected as error:
                if attempt == ATTEMPTS_MAX - 1:
                    raise
                await self._clock.sleep(error.retry_after_s or 1)
        raise AssertionError("the last attempt answers or raises")


class _Queue:
    """The sink of one watch in this process."""

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription
        self._batches: list[Sequence[WatchEvent]] = []
        self._size = 0
        self._is_over = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    def send(self, batch: Sequence[WatchEvent]) -> None:
        if self._is_over or not batch:
            return
        self._batches.append(batch)
        self._size += len(batch)
        if self._size > EVENTS_MAX:
            self._batches.clear()
            self._subscription.close()
            self._finish(ConnectionLost(f"watch cut off: {EVENTS_MAX} events not taken"))
        else:
            self._wake()

    def fail(self, error: StatusError) -> None:
        self._finish(error)

    def end(self) -> None:
        self._finish(None)

    def _finish(self, error: Exception | None) -> None:
        if not self._is_over:
            self._is_over, self._error = True, error
            self._wake()

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def next(self) -> Sequence[WatchEvent] | None:
        """Everything that has come, in one batch; None at the end."""
        while not self._batches:
            if self._error is not None:
                raise self._error
            if self._is_over:
                return None
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        batches, self._batches, self._size = self._batches, [], 0
        return batches[0] if len(batches) == 1 else [event for batch in batches for event in batch]


def _obj_of(response: Response) -> Any:
    if response.document is not None:
        return response.document.obj
    if response.obj is not None:
        return response.obj
    if response.page is not None:
        return _list_of(response.page)
    if response.content_type != JSON:
        return (response.body or b"").decode()
    return orjson.loads(response.body) if response.body else {}


def _list_of(page: Page) -> Obj:
    items = [document.obj for document in page.documents]
    kind, api_version = (f"{items[0]['kind']}List", items[0]["apiVersion"]) if items else ("List", "v1")
    metadata: Obj = {"resourceVersion": str(page.revision)}
    if page.continue_token:
        metadata["continue"] = page.continue_token
    return {"kind": kind, "apiVersion": api_version, "metadata": metadata, "items": items}


def _error_of(response: Response) -> StatusError:
    """Most errors are raised; what a handler answers itself (a failing health check) arrives here."""
    obj = response.obj or {"message": (response.body or b"").decode().strip()}
    return from_status(obj, response.status)
