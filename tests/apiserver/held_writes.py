"""A memory store some of whose writes wait, as they do where a disk is slow: in order, and whoever waits may leave."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from kubepy.store.base import Compare, Operation, TxnResult
from kubepy.store.memory import MemoryStore


class HeldWrites:
    """Once `prefix` is set, writes under it wait for `release`, and what asks whether they are decided."""

    def __init__(self, store: MemoryStore) -> None:
        self.prefix = b""
        self._store, self._txn = store, store.txn
        self._queue: list[tuple[asyncio.Future[TxnResult], Sequence[Compare], Sequence[Operation]]] = []
        store.txn = self._held_txn  # type: ignore[method-assign]

    def __len__(self) -> int:
        return len(self._queue)

    async def _held_txn(self, compares: Sequence[Compare], operations: Sequence[Operation]) -> TxnResult:
        is_held = any(self.prefix and each.key.startswith(self.prefix) for each in operations)
        is_question = not operations and bool(self._queue)
        if not (is_held or is_question):
            return await self._txn(compares, operations)
        answer: asyncio.Future[TxnResult] = asyncio.get_running_loop().create_future()
        self._queue.append((answer, compares, operations))
        return await answer

    async def release(self, *, lost: bool = False) -> None:
        """Decide them; `lost`: as if somebody had been faster."""
        self.prefix, queue, self._queue = b"", self._queue, []
        for answer, compares, operations in queue:
            if lost and operations:
                result = TxnResult(False, self._store.revision, [None])
            else:
                result = await self._txn(compares, operations)
            if not answer.done():
                answer.set_result(result)
        await turns()


async def turns() -> None:
    """Until everything that only waits for its turn has had it."""
    for _ in range(50):
        await asyncio.sleep(0)
