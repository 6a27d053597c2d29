"""The door to an API server, as a protocol with two forms.

`client.http.HttpTransport` speaks to any Kubernetes API server; `apiserver.loopback.LoopbackTransport` passes the same
request through the same filter chain in this process, without socket, TLS and JSON round trip. Callers cannot tell.

Both raise `api.errors.StatusError` subclasses for error answers, and `ConnectionLost` when the world is wrong.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from kubepy.api.objects import Document

Query = Mapping[str, str]


class ConnectionLost(Exception):
    """The server could not be reached, or went away in the middle. Whether a write happened is unknown."""


class Reply:
    """An answer of 2xx. Who does not look at the object does not pay for its decoding."""

    __slots__ = ("_decode", "_obj", "headers", "status")

    def __init__(
        self, status: int, obj: Any, headers: Mapping[str, str], *, decode: Callable[[], Any] | None = None
    ) -> None:
        self.status, self.headers = status, headers
        self._obj, self._decode = obj, decode

    @property
    def obj(self) -> Any:
        """The decoded body; shared and read-only if it came through loopback."""
        if self._decode is not None:
            self._obj, self._decode = self._decode(), None
        return self._obj


class WatchEvent(NamedTuple):
    """One watch event. type: ADDED, MODIFIED, DELETED, BOOKMARK. ERROR never arrives: it is raised as a StatusError."""

    type: str
    document: Document  # a bookmark's document has only kind, apiVersion and metadata.resourceVersion (+ annotations)


class Page(NamedTuple):
    """One list answer, as Documents."""

    documents: Sequence[Document]
    revision: int
    continue_token: str


class Transport(Protocol):
    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Any = None,
        content_type: str = "application/json",
        timeout_s: float | None = None,
    ) -> Reply:
        """One request. `body` is JSON-able (dict, list) or bytes and is not changed or kept."""

    async def list(self, path: str, *, query: Query | None = None) -> Page:
        """GET of a collection, each item a Document (kind and apiVersion filled in)."""

    def watch(self, path: str, *, query: Query | None = None) -> AsyncGenerator[Sequence[WatchEvent], None]:
        """GET with watch=1: batches of events in order, until the server ends it, an ERROR event is raised, or the
        iterator is closed (`aclose`, or the surrounding task is cancelled). Bounded: a consumer that stops reading is
        cut off by the server and must resume."""

    def with_identity(self, user: str, groups: Sequence[str]) -> Transport:
        """The same door under another name: loopback authenticates as (user, groups) directly; HTTP impersonates."""

    def metadata_only(self) -> Transport:
        """The same door asking for PartialObjectMetadata in lists and watches; itself where that would save nothing."""

    async def close(self) -> None: ...
