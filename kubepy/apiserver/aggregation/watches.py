"""A watch that another server answers, as events for a component of this process.

One line of its answer is one event. The connection is read by a task of the aggregator's from the moment somebody
listens; its end, however it comes, is the end of the watch, and the listener's reflector goes on from where it was.

Source: apimachinery pkg/watch/streamwatcher.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any

import orjson

from kubepy.api import errors
from kubepy.api.objects import Document, DocumentPool, Key, Obj
from kubepy.apiserver.request import Pieces, Sink
from kubepy.client.transport import WatchEvent
from kubepy.lib.aio import Tasks

# Of one event; upstream's servers take objects of some MB.
EVENT_BYTES_MAX = 16 << 20


class RemoteWatch:
    """request.Subscription."""

    def __init__(self, pieces: Pieces, tasks: Tasks, pool: DocumentPool) -> None:
        self._pieces, self._tasks, self._pool = pieces, tasks, pool
        self._task: asyncio.Task[None] | None = None

    async def attach(self, sink: Sink) -> AsyncGenerator[Sequence[Any], None]:
        self._task = self._tasks.start(self._read(sink), name="remote-watch")
        # What is there already comes as events, too.
        yield ()

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._pieces.close()

    async def _read(self, sink: Sink) -> None:
        try:
            async for line in lines(self._pieces):
                event = orjson.loads(line)
                if event.get("type") == "ERROR":
                    status = event.get("object") or {}
                    sink.fail(errors.from_status(status, status.get("code") or 500))
                    return
                sink.send([WatchEvent(event["type"], document_of(event["object"], self._pool))])
            sink.end()
        except (ConnectionError, ValueError, KeyError):
            # Broken off, or no events at all.
            sink.end()
        finally:
            self._pieces.close()


async def lines(pieces: Pieces) -> AsyncIterator[bytes]:
    """Raises ValueError for one that does not end."""
    rest = b""
    async for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            if line.strip():
                yield line
        if len(rest) > EVENT_BYTES_MAX:
            raise ValueError("an event that does not end")


def document_of(obj: Obj, pool: DocumentPool) -> Document:
    metadata = obj.get("metadata") or {}
    key = Key(metadata.get("namespace") or "", metadata.get("name") or "")
    return Document(key, orjson.dumps(obj), revision_in(metadata), pool)


def revision_in(metadata: Obj) -> int:
    """Another server's revisions are its own; 0 where they are no numbers."""
    text = metadata.get("resourceVersion") or "0"
    return int(text) if text.isdigit() else 0
