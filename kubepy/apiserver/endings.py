"""Answers that go on when their handler has returned (watches, streams, upgrades), and a call at their end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import Any

from kubepy.apiserver.request import (
    Peer,
    Pieces,
    Response,
    Sink,
    Stream,
    Subscription,
    Upgraded,
    WatchResponse,
)


def at_end(response: Response, then: Callable[[], None]) -> bool:
    """Have `then` called when the answer is over; False: it is already."""
    if isinstance(response, WatchResponse):
        response.subscription = _Watched(response.subscription, then)
    elif isinstance(response, Stream):
        response.pieces = _Pieces(response.pieces, then)
    elif isinstance(response, Upgraded):
        response.peer = _Peer(response.peer, then)
    else:
        return False
    return True


class _Ending:
    """`close` of what is behind, and `then` once."""

    def __init__(self, behind: Any, then: Callable[[], None]) -> None:
        self._behind, self._then = behind, then
        self._is_over = False

    def close(self) -> None:
        self._behind.close()
        if not self._is_over:
            self._is_over = True
            self._then()


class _Watched(_Ending):
    _behind: Subscription

    def attach(self, sink: Sink) -> AsyncGenerator[Sequence[Any], None]:
        return self._behind.attach(sink)


class _Pieces(_Ending):
    _behind: Pieces

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._behind.__aiter__()


class _Peer(_Ending):
    _behind: Peer

    async def read(self) -> bytes:
        return await self._behind.read()

    async def write(self, data: bytes) -> None:
        await self._behind.write(data)
