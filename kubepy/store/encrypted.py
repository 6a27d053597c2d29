"""A store whose values are encrypted on their way in and decrypted on their way out, for the keys that are to be.

Everything but values is as in the store behind it: keys, revisions, order. Which transformer a key has is asked once
per resource. Values that were written otherwise than they would be now are marked (`KeyValue.is_stale`), so that their
next update writes them anew even if it changes nothing.

Source: apiserver pkg/storage/etcd3/store.go (the calls of its transformer).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from msgspec.structs import replace

from kubepy.store.base import (
    Compare,
    Delete,
    Event,
    KeyValue,
    Operation,
    Page,
    Put,
    Sink,
    Statistics,
    Store,
    StoreError,
    TxnResult,
    Watch,
)
from kubepy.store.transformer import Transformer, Undecipherable

TransformerOf = Callable[[str], Transformer | None]
"""By the resource as it stands in the key, "secrets" or "deployments.apps"."""


class Unreadable(StoreError):
    """A stored value that none of the keys opens."""

    def __init__(self, key: bytes, why: Undecipherable) -> None:
        super().__init__(f'unable to transform key "{key.decode()}": {why}')


class EncryptedStore:
    """A Store; closing it closes the one behind it. get, list, txn, watch and history also raise Unreadable."""

    def __init__(self, store: Store, transformer_of: TransformerOf) -> None:
        self._store = store
        self.transformer_of = transformer_of
        self._known: dict[bytes, Transformer | None] = {}

    def use(self, transformer_of: TransformerOf) -> None:
        """From the next value on. What was read before keeps its mark (`KeyValue.is_stale`)."""
        self.transformer_of = transformer_of
        self._known.clear()

    @property
    def revision(self) -> int:
        return self._store.revision

    @property
    def compacted(self) -> int:
        return self._store.compacted

    @property
    def is_writable(self) -> bool:
        return self._store.is_writable

    async def get(self, key: bytes, *, revision: int = 0) -> KeyValue | None:
        found = await self._store.get(key, revision=revision)
        return self._opened(found) if found is not None else None

    async def list(self, prefix: bytes, *, revision: int = 0, start: bytes = b"", limit: int = 0) -> Page:
        page = await self._store.list(prefix, revision=revision, start=start, limit=limit)
        return Page([self._opened(kv) for kv in page.items], page.revision, page.remaining)

    async def txn(self, compares: Sequence[Compare], operations: Sequence[Operation]) -> TxnResult:
        result = await self._store.txn(compares, [self._sealed(operation) for operation in operations])
        if not result.current:
            return result
        return replace(result, current=[kv and self._opened(kv) for kv in result.current])

    async def watch(self, prefix: bytes, sink: Sink, *, start_revision: int = 0) -> Watch:
        def opened(events: Sequence[Event]) -> None:
            sink([self._opened_event(event) for event in events])

        return await self._store.watch(prefix, opened, start_revision=start_revision)

    async def history(self, prefix: bytes, first: int, last: int) -> AsyncGenerator[Sequence[Event], None]:
        async with aclosing(self._store.history(prefix, first, last)) as pieces:
            async for events in pieces:
                yield [self._opened_event(event) for event in events]

    async def compact(self, revision: int) -> None:
        await self._store.compact(revision)

    def statistics(self) -> Statistics:
        return self._store.statistics()

    async def close(self) -> None:
        await self._store.close()

    # -- values ----------------------------------------------------------------------------------------------------

    def _of(self, key: bytes) -> Transformer | None:
        # /registry/<resource>/...
        resource = key[key.find(b"/", 1) + 1 :].partition(b"/")[0]
        try:
            return self._known[resource]
        except KeyError:
            found = self._known[resource] = self.transformer_of(resource.decode())
            return found

    def _sealed(self, operation: Operation) -> Operation:
        transformer = None if isinstance(operation, Delete) else self._of(operation.key)
        if transformer is None or isinstance(operation, Delete):
            return operation
        return Put(operation.key, transformer.seal(operation.value, operation.key))

    def _opened(self, kv: KeyValue) -> KeyValue:
        transformer = self._of(kv.key)
        if transformer is None or not kv.version:
            return kv  # the key of a deletion has no value
        try:
            value, is_stale = transformer.open(kv.value, kv.key)
        except Undecipherable as error:
            raise Unreadable(kv.key, error) from None
        return replace(kv, value=value, is_stale=is_stale)

    def _opened_event(self, event: Event) -> Event:
        previous = event.previous
        return Event(event.type, self._opened(event.kv), previous and self._opened(previous))
