"""The Services and EndpointSlices behind the routes, followed from the first route on.

Most clusters have none, and pay for no informer. `on_change(service)` is called with "namespace/name" whenever one of
them changed.

Source: kube-aggregator pkg/apiserver/resolvers.go.
"""

from __future__ import annotations

from collections.abc import Callable

from kubepy.api.builtins import ENDPOINT_SLICES, SERVICES
from kubepy.api.objects import Document, Key, Obj
from kubepy.apiserver.aggregation.routes import ServiceReference
from kubepy.apiserver.aggregation.services import Address, Unresolved, addresses, service_names
from kubepy.client.informer import Informer, InformerFactory
from kubepy.lib.random import Random

_BY_SERVICE = "by_service"


class Endpoints:
    def __init__(
        self, informers: InformerFactory, random: Random, on_change: Callable[[str], object]
    ) -> None:
        self._informers, self._random, self._on_change = informers, random, on_change
        self._services: Informer | None = None
        self._slices: Informer | None = None

    def follow(self) -> None:
        """From now on, for good. Idempotent."""
        if self._services is not None:
            return
        self._services = self._informers.informer(SERVICES)
        self._slices = self._informers.informer(ENDPOINT_SLICES)
        self._slices.add_index(_BY_SERVICE, service_names)
        for informer, names in ((self._services, _own_name), (self._slices, _slice_names)):
            self._tell_of(informer, names)

    def _tell_of(self, informer: Informer, names: Callable[[Document], list[str]]) -> None:
        def changed(document: Document) -> None:
            for name in names(document):
                self._on_change(name)

        informer.add_handler(on_add=changed, on_update=lambda old, new: changed(new), on_delete=changed)

    async def wait_synced(self) -> None:
        for informer in (self._services, self._slices):
            if informer is not None:
                await informer.wait_synced()

    def service(self, reference: ServiceReference) -> Obj | None:
        if self._services is None:
            return None
        return self._services.get(Key(reference.namespace, reference.name))

    def slices(self, reference: ServiceReference) -> list[Obj]:
        if self._slices is None:
            return []
        return self._slices.by_index(_BY_SERVICE, f"{reference.namespace}/{reference.name}")

    def all(self, reference: ServiceReference) -> list[Address]:
        """In random order. Raises Unresolved."""
        found = addresses(reference, self.service(reference), self.slices(reference))
        return self._random.shuffled(found)

    async def pick(self, reference: ServiceReference) -> Address:
        """One address at random. Raises Unresolved."""
        if self._services is None:
            raise Unresolved(f'service "{reference.name}" not found')
        await self.wait_synced()
        return self.all(reference)[0]


def _own_name(document: Document) -> list[str]:
    return [f"{document.key.namespace}/{document.key.name}"]


def _slice_names(document: Document) -> list[str]:
    return service_names(document.obj)
