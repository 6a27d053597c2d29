"""Writes in flight: through admission, and not in the store yet, or not known to be.

Whoever counts objects adds these. A write is in flight as long as the object is what it was when the write was
admitted; once it is another, the write has just happened or just failed: its end, `Flight.over`, is at most a few turns
of the loop away, and until then there is no saying which.
"""

from __future__ import annotations

import asyncio

from msgspec import Struct

from kubepy.api.objects import revision_of
from kubepy.apiserver.admission.base import Attributes
from kubepy.apiserver.registry.cache import ResourceCache
from kubepy.apiserver.registry.keys import path_of


class Flight(Struct, eq=False):
    attributes: Attributes
    cache: ResourceCache
    _over: asyncio.Event | None = None

    @property
    def is_up(self) -> bool:
        """Whether the object is still what it was."""
        attributes = self.attributes
        document = self.cache.get(path_of(attributes.namespace, attributes.name))
        was = revision_of(attributes.old) if attributes.old is not None else 0
        return (document.revision if document is not None else 0) == was

    async def over(self) -> None:
        if self._over is None:
            self._over = asyncio.Event()
        await self._over.wait()

    def end(self) -> None:
        if self._over is not None:
            self._over.set()


class Flights:
    """Of one server, by namespace."""

    def __init__(self) -> None:
        self._by_namespace: dict[str, dict[Flight, None]] = {}

    def begin(self, flight: Flight) -> None:
        self._by_namespace.setdefault(flight.attributes.namespace, {})[flight] = None

    def end(self, flight: Flight) -> None:
        namespace = flight.attributes.namespace
        flights = self._by_namespace[namespace]
        del flights[flight]
        if not flights:
            del self._by_namespace[namespace]
        flight.end()

    def of(self, namespace: str) -> list[Flight]:
        return list(self._by_namespace.get(namespace, ()))
