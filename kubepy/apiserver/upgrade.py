"""A connection that is HTTP no longer: bytes go to and fro between a client and a peer until one of them ends.

What they say to each other (websocket frames, SPDY) is not looked at. Each direction waits for the other side to read,
so that nothing piles up here.

Source: apimachinery pkg/util/proxy/upgradeaware.go tryUpgrade.
"""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from kubepy.apiserver.request import Peer
from kubepy.lib.aio import Tasks
from kubepy.lib.clock import Clock

# What a client may send ahead of the other side.
UPLOAD_BYTES_MAX = 256 << 10


class Door(Protocol):
    """The client's connection."""

    @property
    def transport(self) -> Any:
        """None once it is lost."""

    @property
    def writing_paused(self) -> bool: ...

    def write(self, data: bytes) -> None: ...

    async def drained(self, clock: Clock) -> None: ...


class Upload:
    """What the client sends from here on. The `feed` methods are what aiohttp expects of its own websocket reader."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._pieces: list[bytes] = []
        self._size = 0
        self._is_over = False
        self._has_news = asyncio.Event()

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self._pieces.append(bytes(data))
        self._size += len(data)
        if self._size > UPLOAD_BYTES_MAX and self._door.transport is not None:
            self._door.transport.pause_reading()
        self._has_news.set()
        return False, b""

    def feed_eof(self) -> None:
        self._is_over = True
        self._has_news.set()

    async def read(self) -> bytes:
        """Everything that has come; b"" at the end."""
        while not self._pieces and not self._is_over:
            self._has_news.clear()
            await self._has_news.wait()
        data = b"".join(self._pieces)
        if self._size > UPLOAD_BYTES_MAX and self._door.transport is not None:
            self._door.transport.resume_reading()
        self._pieces.clear()
        self._size = 0
        return data


async def pass_on(door: Door, upload: Upload, peer: Peer, clock: Clock) -> None:
    """Until either side ends; a side that breaks off is an end like any other. Closes `peer`."""
    tasks = Tasks(lambda name, error: None)
    try:
        copies = [
            tasks.start(_up(upload, peer), name="upgraded-up"),
            tasks.start(_down(peer, door, clock), name="upgraded-down"),
        ]
        await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
    finally:
        peer.close()
        await tasks.close()


async def _up(upload: Upload, peer: Peer) -> None:
    while data := await upload.read():
        await peer.write(data)


async def _down(peer: Peer, door: Door, clock: Clock) -> None:
    while data := await peer.read():
        door.write(data)
        if door.writing_paused:
            await door.drained(clock)
