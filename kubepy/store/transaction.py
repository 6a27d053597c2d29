"""What a transaction does to the map, decided without any I/O: both stores ask the same function.

Source: etcd v3.6 server/etcdserver/txn/txn.go (compares, then operations) and server/storage/mvcc/kvstore_txn.go
(revision, create revision, version).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kubepy.store.base import Compare, Event, EventType, KeyValue, Operation, Put, TxnResult

Lookup = Callable[[bytes], KeyValue | None]


def decide(
    lookup: Lookup, compares: Sequence[Compare], operations: Sequence[Operation], revision: int
) -> tuple[TxnResult, list[Event]]:
    """The answer, and the events that it makes of a map which `lookup` shows as of `revision`, its newest."""
    known: dict[bytes, KeyValue | None] = {}
    for compare in compares:
        current = known[compare.key] = lookup(compare.key)
        if (current.mod_revision if current is not None else 0) != compare.mod_revision:
            return TxnResult(False, revision, [lookup(each.key) for each in compares]), []
    events = []
    for operation in operations:
        key = operation.key
        previous = known[key] if key in known else lookup(key)
        if isinstance(operation, Put):
            events.append(_put(operation, previous, revision + 1))
        elif previous is not None:
            tombstone = KeyValue(operation.key, b"", 0, revision + 1, 0)
            events.append(Event(EventType.DELETE, tombstone, previous))
    return TxnResult(True, revision + 1 if events else revision), events


def _put(operation: Put, previous: KeyValue | None, revision: int) -> Event:
    if previous is None:
        kv = KeyValue(operation.key, operation.value, revision, revision, 1)
    else:
        kv = KeyValue(
            operation.key, operation.value, previous.create_revision, revision, previous.version + 1
        )
    return Event(EventType.PUT, kv, previous)


def check(operations: Sequence[Operation]) -> None:
    """The caller's part of the contract; asked before the txn joins others."""
    if len(operations) > 1:
        assert len({operation.key for operation in operations}) == len(operations), "a key twice in one txn"


def prefix_end(prefix: bytes) -> bytes:
    """The first key after all that start with `prefix`, which ends in b"/"."""
    assert prefix.endswith(b"/"), f"prefix {prefix!r} must end in b'/'"
    return prefix[:-1] + b"0"  # the byte after b"/"
