"""The durable store: one SQLite file, one writer, group commit. What is in the file and its SQL: table.py.

Writers queue up. Whenever the disk is free, everything that waits becomes one SQLite transaction, written and synced
in one visit to aiosqlite's thread; meanwhile the next batch gathers. So 64 writers share a sync, and a lone one waits
for nothing but its own. Afterwards, back in the loop, the events go to the sinks in revision order, `revision` moves,
and the writers learn their answers.

History never changes, except that compaction forgets its beginning. So a read at a revision needs no SQLite snapshot:
it runs in slices, other reads get in between, and no long read holds up the write-ahead log. Compaction first moves the
mark, below which no read starts or ends well any more, and then sweeps in small steps between batches; a sweep
that a crash interrupted goes on at the next start.

Three connections, each with its thread: writer, reader, and one for checkpoints, so that none waits for another.

Promised: what was acknowledged survives the death of the process and of the machine (synchronous=FULL). A commit that
fails (disk full, I/O error) fails its own writers with Unavailable; the next batch tries again.
Not promised: that a batch whose sync failed, so that its writers were told no, stays unwritten should the machine die
before the next commit. A file serves one store: a second one is turned away while the first lives.

Source: etcd v3.6 server/storage/mvcc (semantics), server/storage/backend/batch_tx.go (batching).
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from pathlib import Path
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar

import aiosqlite

from kubepy.lib.aio import Tasks, reported_to
from kubepy.lib.clock import Clock
from kubepy.observability.logs import Logger
from kubepy.store import table, transaction
from kubepy.store.base import (
    Compacted,
    Compare,
    Event,
    FutureRevision,
    KeyValue,
    Operation,
    Page,
    Sink,
    Statistics,
    TxnResult,
    Unavailable,
    Unusable,
    Watch,
)
from kubepy.store.watch import Fanout

P = ParamSpec("P")
T = TypeVar("T")

# A batch is bounded so that its writers' latency is: 256 rows of 4 KB take about 5 ms.
_BATCH_OPERATIONS_MAX = 256
_BATCH_BYTES_MAX = 8 << 20
# Each waiting write is a caller that awaits; this many means that the disk does not move.
_WAITING_MAX = 20_000
# The write-ahead log goes into the database at about this size, and after so long at any. Reading it at the start
# after a crash takes 1 ms per MB.
_CHECKPOINT_BYTES = 32 << 20
# What an operation adds to the log beside its value: a page of the index and its share of others.
_OPERATION_BYTES = 5000
_CHECKPOINT_S = 30.0
# Reading a larger write-ahead log at start takes long enough to tell.
_RECOVERY_BYTES = 64 << 20


class SqliteStore:
    """Implements `base.Store`. Made by `open`; always await `close`."""

    def __init__(self, path: Path, lock: _Lock, *, clock: Clock, log: Logger) -> None:
        self.path = path
        self._lock, self._clock, self._log = lock, clock, log
        self._writer, self._reader, self._checkpointer = (_Connection(path) for _ in range(3))
        self._tasks = Tasks(reported_to(self._log))
        self._fanout = Fanout()
        self._revision, self._compacted = 1, 0
        self._keys = 0
        self._waiting: deque[_Write] = deque()
        self._wake, self._sweep_due = asyncio.Event(), asyncio.Event()
        self._written, self._checkpoint_due = asyncio.Event(), asyncio.Event()
        self._written_bytes = 0
        self._commits = self._writes = 0
        self._is_failing = False
        self._writing: asyncio.Task[None] | None = None
        self._closing: asyncio.Future[None] | None = None

    # -- opening and closing ------------------------------------------------------------------------------------

    @classmethod
    async def open(
        cls,
        path: str | os.PathLike[str],
        *,
        clock: Clock,
        log: Logger,
        on_progress: Callable[[str], None] | None = None,
    ) -> SqliteStore:
        """The store in the file at `path`, made if missing; its directory must exist.

        Costs a few milliseconds whatever the size: no value is read. Only a long write-ahead log, left behind by a
        crash, takes longer; `on_progress` then gets a sentence to show. Raises Unusable.
        """
        path = Path(path)
        lock = _Lock(path)
        store = cls(path, lock, clock=clock, log=log)
        try:
            if on_progress is not None and (size_bytes := _size(_wal(path))) > _RECOVERY_BYTES:
                on_progress(f"recovering {size_bytes >> 20} MiB of recent writes to {path.name}")
            await store._start()
        except BaseException as error:
            await store._disconnect()
            if isinstance(error, (sqlite3.Error, OSError)):
                raise Unusable(_unusable(path, error)) from None
            raise
        return store

    async def _start(self) -> None:
        await self._writer.connect()
        self._revision, self._compacted, is_swept = await self._writer.run(table.prepare, self.path)
        await self._reader.connect()
        await self._checkpointer.connect()
        self._writing = self._tasks.start(self._write(), name="store_writer")
        self._tasks.start(self._checkpoint(), name="store_checkpoint")
        self._tasks.start(self._sweep(), name="store_sweep")
        self._tasks.start(self._count(self._revision), name="store_count")
        if not is_swept:
            self._sweep_due.set()
        self._log.info(
            "store_opened", path=str(self.path), revision=self._revision, size_bytes=_size(self.path)
        )

    async def close(self) -> None:
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_future()
            try:
                self._wake.set()
                if self._writing is not None:
                    await asyncio.wait([self._writing])
                self._fanout.close()
            finally:
                try:
                    await self._disconnect()
                finally:
                    self._closing.set_result(None)
        await asyncio.shield(self._closing)

    async def _disconnect(self) -> None:
        """Every thread ends and the lock goes, whatever fails on the way."""
        try:
            await self._tasks.close()
        finally:
            try:
                # The writer last: closing the last connection moves the write-ahead log into the database.
                for connection in (self._reader, self._checkpointer, self._writer):
                    await connection.close()
            finally:
                for connection in (self._reader, self._checkpointer, self._writer):
                    connection.stop()
                self._lock.release()

    # -- reading ------------------------------------------------------------------------------------------------

    @property
    def revision(self) -> int:
        return self._revision

    @property
    def compacted(self) -> int:
        return self._compacted

    @property
    def is_writable(self) -> bool:
        return not self._is_failing and self._is_open

    async def get(self, key: bytes, *, revision: int = 0) -> KeyValue | None:
        while True:
            at = self._readable(revision)
            found = await self._read(table.read_key, key, table.id_after(at))
            if at >= self._compacted:
                return found
            if revision:
                raise Compacted(self._compacted)

    async def list(self, prefix: bytes, *, revision: int = 0, start: bytes = b"", limit: int = 0) -> Page:
        start, end = max(prefix, start), transaction.prefix_end(prefix)
        while True:
            at = self._readable(revision)
            page = await self._list(start, end, at, limit)
            if at >= self._compacted:
                return page
            if revision:
                raise Compacted(self._compacted)

    async def _list(self, start: bytes, end: bytes, at: int, limit: int) -> Page:
        items: list[KeyValue] = []
        while True:
            wanted = min(table.SLICE, limit - len(items)) if limit else table.SLICE
            is_last = limit == len(items) + wanted
            found, remaining = await self._read(
                table.read_slice, start, end, table.id_after(at), wanted, is_last
            )
            items += found
            if is_last or len(found) < wanted:
                return Page(items, at, remaining)
            start = found[-1].key + b"\0"

    async def _read(
        self, function: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        try:
            return await self._reader.run(function, *args, **kwargs)
        except sqlite3.Error as error:
            raise Unavailable(f"{self.path} cannot be read: {error}") from error

    def _readable(self, revision: int) -> int:
        """The revision that is meant, if it can be read."""
        self._check_open()
        if revision > self._revision:
            raise FutureRevision(self._revision)
        if 0 < revision < self._compacted:
            raise Compacted(self._compacted)
        return revision or self._revision

    @property
    def _is_open(self) -> bool:
        return self._closing is None and self._writing is not None and not self._writing.done()

    def _check_open(self) -> None:
        if not self._is_open:
            raise Unavailable("the store is closed")

    async def watch(self, prefix: bytes, sink: Sink, *, start_revision: int = 0) -> Watch:
        self._check_open()
        if 0 < start_revision <= self._compacted:
            raise Compacted(self._compacted)
        is_past = 0 < start_revision <= self._revision
        subscription = self._fanout.subscribe(prefix, sink, start_revision, held=is_past)
        if not is_past:
            return subscription
        try:
            # Rows may be on disk whose batch is not announced yet: those come to the backlog.
            async for events in self.history(prefix, start_revision, self._revision):
                subscription.replay(events)
        except BaseException:
            subscription.cancel()
            raise
        subscription.release()
        return subscription

    async def history(self, prefix: bytes, first: int, last: int) -> AsyncGenerator[Sequence[Event], None]:
        self._check_open()
        if last > self._revision:
            raise FutureRevision(self._revision)
        row, end, key_end = table.id_after(first - 1), table.id_after(last), transaction.prefix_end(prefix)
        while row < end:
            self._check_open()
            events, following = await self._read(
                table.read_history, row, min(end, row + table.STRETCH), prefix, key_end
            )
            # What compaction leaves over of a stretch that it has reached is not what happened.
            if row < table.id_after(self._compacted):
                raise Compacted(self._compacted)
            yield events
            row = following

    # -- writing ------------------------------------------------------------------------------------------------

    async def txn(self, compares: Sequence[Compare], operations: Sequence[Operation]) -> TxnResult:
        self._check_open()
        if len(self._waiting) >= _WAITING_MAX:
            raise Unavailable(f"{len(self._waiting)} writes are waiting for the disk")
        transaction.check(operations)
        assert len(operations) < table.OPERATIONS_MAX, f"{len(operations)} operations in one txn"
        answer: asyncio.Future[TxnResult] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Write(compares, operations, answer))
        self._wake.set()
        return await answer

    async def _write(self) -> None:
        """The one writer: batch after batch until the store closes and nothing waits any more."""
        batch: Sequence[_Write] = ()
        try:
            while True:
                if not self._waiting:
                    if self._closing is not None:
                        return
                    self._wake.clear()
                    await self._wake.wait()
                    continue
                batch = self._next_batch()
                try:
                    committed = await self._writer.run(
                        table.commit, self._revision, [(write.compares, write.operations) for write in batch]
                    )
                except (sqlite3.Error, MemoryError) as error:
                    self._refuse(batch, error)
                else:
                    self._announce(batch, committed)
        finally:
            _fail([*batch, *self._waiting], Unavailable("the store is closed"))
            self._waiting.clear()

    def _next_batch(self) -> Sequence[_Write]:
        batch: list[_Write] = []
        operations = size_bytes = 0
        while self._waiting and operations < _BATCH_OPERATIONS_MAX and size_bytes < _BATCH_BYTES_MAX:
            write = self._waiting.popleft()
            batch.append(write)
            operations += len(write.operations)
            size_bytes += write.size_bytes()
        self._written_bytes += size_bytes
        return batch

    def _announce(self, batch: Sequence[_Write], committed: table.Committed) -> None:
        self._fanout.publish(committed.events)
        self._revision = committed.revision
        for write, result in zip(batch, committed.results):
            if not write.answer.done():
                write.answer.set_result(result)
        self._keys += committed.keys_added
        self._commits += 1
        self._writes += len(batch)
        self._written.set()
        if self._written_bytes >= _CHECKPOINT_BYTES:
            self._checkpoint_due.set()
        if self._is_failing:
            self._is_failing = False
            self._log.info("store_write_recovered", revision=self._revision)

    def _refuse(self, batch: Sequence[_Write], error: Exception) -> None:
        if not self._is_failing:
            self._is_failing = True
            self._log.error("store_write_failed", writes=len(batch), error=str(error))
        _fail(batch, Unavailable(f"{self.path} cannot be written: {error}"))

    async def _checkpoint(self) -> None:
        """Move the write-ahead log into the database, beside the writers and not in one's commit.

        A checkpoint leaves out what is committed while it runs, and the log can start over only when nothing is left
        out. Under steady load it would so grow without end; so the little that is left is done in the writer's thread.
        """
        while True:
            await self._written.wait()
            try:
                async with self._clock.timeout(_CHECKPOINT_S):
                    await self._checkpoint_due.wait()
            except TimeoutError:
                pass
            self._written.clear()
            self._checkpoint_due.clear()
            self._written_bytes = 0
            try:
                await self._checkpointer.run(table.checkpoint)
                if self._written.is_set():
                    await self._writer.run(table.checkpoint)
            except sqlite3.Error as error:
                self._log.warning("store_checkpoint_failed", error=str(error))

    # -- compaction ---------------------------------------------------------------------------------------------

    async def compact(self, revision: int) -> None:
        """Returns when the mark is durable; the rows go in the background."""
        self._readable(revision)
        if revision <= self._compacted:
            raise Compacted(self._compacted)
        try:
            await self._writer.run(table.mark_compacted, revision)
        except sqlite3.Error as error:
            raise Unavailable(f"{self.path} cannot be written: {error}") from error
        self._compacted = max(self._compacted, revision)
        self._sweep_due.set()

    async def _sweep(self) -> None:
        while True:
            await self._sweep_due.wait()
            self._sweep_due.clear()
            try:
                # The mark as the loop knows it: reads that began below it must have seen it move.
                while not await self._writer.run(table.sweep, table.id_after(self._compacted)):
                    pass
            except sqlite3.Error as error:
                self._log.warning("store_sweep_failed", error=str(error))

    # -- figures ------------------------------------------------------------------------------------------------

    async def _count(self, revision: int) -> None:
        try:
            # Counted first: what is added meanwhile must not be lost.
            count = await self._reader.run(table.count_keys, table.id_after(revision))
            self._keys += count
        except sqlite3.Error as error:
            self._log.warning("store_count_failed", error=str(error))

    def statistics(self) -> Statistics:
        """`keys` is short of what was there at the start for the few milliseconds that counting takes."""
        wal_bytes = _size(_wal(self.path))
        return Statistics(
            self._revision,
            self._compacted,
            self._keys,
            len(self._fanout),
            _size(self.path) + wal_bytes,
            {
                "commits": self._commits,
                "waiting": len(self._waiting),
                "wal_bytes": wal_bytes,
                "writes": self._writes,
            },
        )


class _Write(NamedTuple):
    """A txn that waits; its caller may have gone."""

    compares: Sequence[Compare]
    operations: Sequence[Operation]
    answer: asyncio.Future[TxnResult]

    def size_bytes(self) -> int:
        """About what it adds to the write-ahead log."""
        return sum(
            [_OPERATION_BYTES + len(getattr(operation, "value", b"")) for operation in self.operations]
        )


def _fail(batch: Iterable[_Write], error: Unavailable) -> None:
    for write in batch:
        if not write.answer.done():
            # One exception per waiter: raising adds to its traceback.
            write.answer.set_exception(Unavailable(*error.args))


class _Connection:
    """One SQLite connection in its own aiosqlite thread."""

    def __init__(self, path: Path) -> None:
        # Our own transactions, no implicit ones. 300: the statements below in each of their sizes.
        self._connection = aiosqlite.connect(path, isolation_level=None, cached_statements=300)

    async def connect(self) -> None:
        await self._connection
        await self.run(table.configure)

    async def run(
        self, function: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """`function(connection, ...)` in the thread, in one visit.

        aiosqlite's public methods are one statement and one visit each; `_execute` is what they are made of.
        """
        connection = self._connection
        if not connection._running:
            raise Unavailable("the store is closed")
        result: T = await connection._execute(function, connection._conn, *args, **kwargs)
        return result

    async def close(self) -> None:
        await self._connection.close()

    def stop(self) -> None:
        """End the thread without waiting for it: for the paths on which `close` was not reached."""
        self._connection.stop()


class _Lock:
    """One store per file, over all processes; the system lets go of it when its process dies.

    Raises Unusable when somebody else has it. The lock file stays: who removed it could remove another's.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unusable(_unusable(path, error)) from None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)
            # The values are secrets too, and the files beside this one take its mode.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as error:
            holder = os.pread(self._descriptor, 20, 0).decode(errors="replace")
            os.close(self._descriptor)
            if isinstance(error, BlockingIOError):
                raise Unusable(f"{path} is in use by another kubepy (pid {holder or 'unknown'})") from None
            raise Unusable(_unusable(path, error)) from None

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _unusable(path: Path, error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{path} cannot be opened: {error.strerror}"
    if isinstance(error, sqlite3.OperationalError):
        return f"{path} cannot be opened: {error}"
    if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:  # type: ignore[attr-defined]
        return f"{path} is not a kubepy database: {error}"
    return f"{path} is damaged: {error}"


def _wal(path: Path) -> str:
    return f"{path}-wal"


def _size(path: str | Path) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
