"""The contract of the store: a map of bytes to bytes in which every write is one revision.

etcd's semantics (server/storage/mvcc/kv.go), narrowed to what an API server needs:

- The store starts at revision 1. Each successful transaction that changes something takes the next revision;
  all its operations carry it. One that changes nothing takes none.
- A key has `create_revision` (when it last came into being), `mod_revision` (its newest write) and `version`
  (writes since creation: 1, 2, ...). Deleting ends that generation; a later put starts again at version 1.
- Any revision that is not compacted can be read: `list(..., revision=r)` is the map as it was right after r.
- `compact(r)` forgets history *before* r: reads at r and later still work, reads below raise Compacted; a watch
  may start after r. (etcd also lets one start at r, but then the event at r has lost its previous value.)
- Nothing that was acknowledged (its await returned) is ever lost, and nothing unacknowledged is half there.

Worked example. Revisions: 2 put a=x, 3 put b=y, 4 put a=z, 5 delete b.
list at 3 -> a=x, b=y; list at 5 -> a=z. get a at 4 -> create 2, mod 4, version 2.
watch from 4 -> PUT a=z (4, previous x), DELETE b (5, previous y).
After compact(4): list at 4 -> a=z, b=y; list at 3 -> Compacted(4); watch from 4 -> Compacted(4);
watch from 5 -> DELETE b. list at 9 -> FutureRevision.
"""

from __future__ import annotations

import enum
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct, field


class KeyValue(Struct, frozen=True, gc=False):
    """One key as of one revision. There are as many as keys, and more of the past: the garbage collector need not look
    at what cannot be part of a cycle."""

    key: bytes  # b"/registry/pods/default/web-0"
    value: bytes
    create_revision: int
    mod_revision: int
    version: int
    is_stale: bool = False  # encrypted otherwise than it would be now: to be written anew


class EventType(enum.Enum):
    PUT = "PUT"
    DELETE = "DELETE"


class Event(Struct, frozen=True, gc=False):
    """One change. For DELETE `kv.value` is empty, `kv.mod_revision` the revision of the deletion, and
    `kv.version` 0, as in etcd; `previous` is the last live state. For PUT `previous` is None on creation."""

    type: EventType
    kv: KeyValue
    previous: KeyValue | None


class Page(NamedTuple):
    """Answer of `list`."""

    items: Sequence[KeyValue]
    revision: int  # the map is as of this revision
    remaining: int  # live keys under the prefix, from `start` on, that `limit` cut off


class Compare(Struct, frozen=True):
    """True if the key's newest mod_revision equals `mod_revision`; 0 means: the key does not exist."""

    key: bytes
    mod_revision: int


class Put(Struct, frozen=True):
    key: bytes
    value: bytes


class Delete(Struct, frozen=True):
    key: bytes


Operation = Put | Delete


class TxnResult(Struct, frozen=True):
    """`succeeded`: all compares held and the operations took effect at `revision`.
    Otherwise nothing changed, `revision` is the store's newest, and `current` has the newest KeyValue (or None)
    of each compared key, in the order of the compares."""

    succeeded: bool
    revision: int
    current: Sequence[KeyValue | None] = ()


class StoreError(Exception):
    """Base of all the store's own errors."""


class Compacted(StoreError):
    """The revision asked for is below `at`, the compaction revision. Answered as 410 Gone / Expired."""

    def __init__(self, at: int) -> None:
        super().__init__(f"required revision has been compacted, oldest is {at}")
        self.at = at


class FutureRevision(StoreError):
    """The revision asked for is newer than the store's. Answered as 504 "Too large resource version"."""

    def __init__(self, current: int) -> None:
        super().__init__(f"required revision is a future revision, newest is {current}")
        self.current = current


class Unavailable(StoreError):
    """The store cannot write (disk full, I/O error) or is closed. The write did not happen. Answered as 500/503."""


class Unusable(StoreError):
    """The data cannot be opened; the message is one sentence for a person: in use by another process, not a
    database, made by a newer kubepy."""


# Called in the loop, synchronously, with events in revision order; never twice for one revision and key.
# Must not raise and must not block. A sink that cannot keep up must drop itself (cancel) and resume later.
Sink = Callable[[Sequence[Event]], None]


class Watch(Protocol):
    def cancel(self) -> None:
        """No further calls of the sink. Idempotent."""


class Statistics(Struct, frozen=True):
    """For metrics and `/readyz?verbose`."""

    revision: int
    compacted: int
    keys: int
    watches: int
    size_bytes: int
    extra: dict[str, float] = field(default_factory=dict)


class Store(Protocol):
    """Both implementations pass kubepy.testing.contracts.store. All methods belong to one event loop."""

    @property
    def revision(self) -> int:
        """The newest acknowledged revision; at least 1. Reading it costs nothing."""

    @property
    def compacted(self) -> int:
        """The compaction revision: the oldest that can be read; 0 before the first compaction."""

    @property
    def is_writable(self) -> bool:
        """False once closed, and from a commit that failed to the next that succeeds. For health checks."""

    async def get(self, key: bytes, *, revision: int = 0) -> KeyValue | None:
        """The key as of `revision` (0: newest), None if it was not alive. Raises Compacted, FutureRevision."""

    async def list(self, prefix: bytes, *, revision: int = 0, start: bytes = b"", limit: int = 0) -> Page:
        """Live keys under `prefix` as of one revision, in key order.

        prefix ends in b"/", e.g. b"/registry/pods/default/"; start: the first key wanted (inclusive), b"" from the
        beginning; limit 0: all. One snapshot read; writers are not blocked. Raises Compacted, FutureRevision.
        """

    async def txn(self, compares: Sequence[Compare], operations: Sequence[Operation]) -> TxnResult:
        """If all compares hold, apply all operations at the next revision; durable when this returns.

        A Delete of a missing key changes nothing. No key twice in `operations`. Cancelling the caller does not
        undo the write. Raises Unavailable (then nothing happened).
        """

    async def watch(self, prefix: bytes, sink: Sink, *, start_revision: int = 0) -> Watch:
        """Call `sink` with every event under `prefix` from `start_revision` (inclusive; 0: after now) on.

        Past events are delivered before this returns, newer ones as they commit, without gap, duplicate or
        reordering. Read-your-writes: a `txn` returns only after all sinks have been called with its events, so
        what a sink builds is never behind `revision`. Raises Compacted when 0 < start_revision <= compacted.
        A start_revision in the future waits for it.
        """

    def history(self, prefix: bytes, first: int, last: int) -> AsyncGenerator[Sequence[Event], None]:
        """The events under `prefix` of the revisions first ... last, in order, in pieces read as they are taken.

        A piece is a few hundred events at most, and may be empty: so a long stretch that concerns nobody can be
        crossed without holding up the loop. Nothing is held between two pieces. Raises Compacted when
        first <= compacted, also when a compaction overtakes the reader; FutureRevision when last > revision.
        """

    async def compact(self, revision: int) -> None:
        """Forget what reads at `revision` or later do not need. Raises Compacted if already compacted at or
        beyond it, FutureRevision if it is newer than `self.revision`. Does not stall writers."""

    def statistics(self) -> Statistics: ...

    async def close(self) -> None:
        """Finish what was submitted, then refuse. Idempotent; always await it."""
