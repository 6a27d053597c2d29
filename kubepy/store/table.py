"""What is in the SQLite file, and the statements that read and write it. Runs in aiosqlite's threads.

One row is one key at one revision. Its id says which, so the table is in revision order (a watch replays a range of
it), the index on key is in (key, revision) order, and whether a key lives is known without looking at its row:

    id = revision << 16 | place among the operations of its txn << 1 | 1 if it is a deletion

Python gives up its lock in every sqlite3_step, and while the loop is busy it takes up to 5 ms to get it back. So what
would be a step per row is one step per batch: a batch is inserted by one statement, and many rows are read as one row
of concatenated columns.

Each function takes a connection, leaves no transaction open, and knows nothing of the loop.

Source: kine pkg/drivers/sqlite and pkg/logstructured/sqllog (a table of revisions, and what compaction deletes).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from kubepy.store import transaction
from kubepy.store.base import Compare, Event, EventType, KeyValue, Operation, TxnResult, Unusable

FORMAT = 1  # PRAGMA user_version; raised when an older kubepy could not read the file any more
APPLICATION_ID = 0x6B627079  # "kbpy"

_REVISION_SHIFT = 16
OPERATIONS_MAX = 1 << _REVISION_SHIFT - 1
# Rows in one slice of a read: about a millisecond, and 768 MiB should each be of the largest size (3 MiB), which is
# below SQLite's limit for one value (1 GB).
SLICE = 256
# Rows that one slice of history looks at, at most: of a million changes, the ten of a prefix are found in steps.
STRETCH = 20_000 << _REVISION_SHIFT
# Rows in one statement: its text, plan and parameters are cached per number of rows.
_ROWS_MAX = 64
# Changes in one step of compaction: about 2 ms of the writer's time.
_SWEEP = 100
# After a burst the write-ahead log shrinks back to this.
_WAL_BYTES = 64 << 20

_SCHEMA = f"""
    CREATE TABLE kv (id INTEGER PRIMARY KEY, key BLOB NOT NULL, created INTEGER NOT NULL,
                     version INTEGER NOT NULL, value BLOB NOT NULL);
    CREATE INDEX kv_by_key ON kv (key);
    CREATE TABLE mark (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    INSERT INTO mark VALUES ('compacted', 0), ('swept', 0);
    PRAGMA application_id = {APPLICATION_ID};
    PRAGMA user_version = {FORMAT};
"""


class Committed(NamedTuple):
    """What a batch did. `results` in the order of its writes."""

    results: list[TxnResult]
    events: list[Event]
    revision: int
    keys_added: int


def configure(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA synchronous = FULL")
    # Checkpoints are the store's own (`checkpoint`); SQLite's would make a writer wait.
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    # Debian's SQLite overwrites deleted rows with zeros: twice the writing in a sweep.
    connection.execute("PRAGMA secure_delete = OFF")
    connection.execute("PRAGMA cache_size = -4096")
    connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")


def prepare(connection: sqlite3.Connection, path: Path) -> tuple[int, int, bool]:
    """Check or make the schema; the newest revision, the compaction revision and whether its sweep is done."""
    application, version = _pragma(connection, "application_id"), _pragma(connection, "user_version")
    if application != APPLICATION_ID:
        if application or version or connection.execute("SELECT 1 FROM sqlite_schema").fetchone():
            raise Unusable(f"{path} is not a kubepy database: it belongs to another program")
        _create(connection, path)
    elif version > FORMAT:
        raise Unusable(
            f"{path} was made by a newer kubepy (its format is {version}, this one reads {FORMAT})"
        )
    (newest,) = connection.execute("SELECT max(id) FROM kv").fetchone()
    marks = dict(connection.execute("SELECT name, value FROM mark").fetchall())
    compacted = marks["compacted"]
    # Compaction may have removed the newest rows, if they were deletions, but none above its mark.
    revision = max(1, (newest or 0) >> _REVISION_SHIFT, compacted)
    return revision, compacted, compacted == 0 or marks["swept"] == id_after(compacted)


def _create(connection: sqlite3.Connection, path: Path) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise Unusable(f"{path} cannot be opened: its file system does not support write-ahead logs")
    connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    assert isinstance(value, int)
    return value


def id_after(revision: int) -> int:
    """The least id of a later revision."""
    return revision + 1 << _REVISION_SHIFT


# Rows as one row: the lengths and numbers of all as text, then the keys and the values one after another. group_concat
# takes the bytes of a blob as they are, and the cast to BLOB those of its text.
_PACKED = """
    group_concat(length(key) || ',' || length(value) || ',' || created || ',' || id || ',' || version),
    CAST(group_concat(key, '') AS BLOB), CAST(group_concat(value, '') AS BLOB)
"""

_GET = "SELECT id, created, version, value FROM kv WHERE key = ? AND id < ? ORDER BY id DESC LIMIT 1"

_NEWEST = (
    "SELECT max(id) AS id FROM kv WHERE key >= ? AND key < ? AND id < ? GROUP BY key HAVING max(id) & 1 = 0"
)

_LIST = f"""
    SELECT {_PACKED} FROM (SELECT kv.* FROM ({_NEWEST} ORDER BY key LIMIT ?) AS newest CROSS JOIN kv USING (id))
"""

_REMAINING = f"SELECT count(*) FROM ({_NEWEST})"

_HISTORY = """
    SELECT group_concat(id || ',' || length(key) || ',' || length(value) || ',' || created || ',' || version || ',' ||
               coalesce(old_id || ',' || length(old_value) || ',' || old_created || ',' || old_version, '0,0,0,0')),
           CAST(group_concat(key, '') AS BLOB), CAST(group_concat(value, '') AS BLOB),
           CAST(group_concat(old_value, '') AS BLOB)
    FROM (SELECT kv.*, old.id AS old_id, old.value AS old_value, old.created AS old_created, old.version AS old_version
          FROM kv LEFT JOIN kv AS old
          ON old.id = (SELECT max(id) FROM kv AS older WHERE older.key = kv.key AND older.id < kv.id) AND old.id & 1 = 0
          WHERE kv.id >= ? AND kv.id < ? AND kv.key >= ? AND kv.key < ? ORDER BY kv.id LIMIT ?)
"""


@cache
def _heads_sql(count: int) -> str:
    wanted = ",".join(["(?)"] * count)
    return f"""
        WITH wanted (key) AS (VALUES {wanted})
        SELECT {_PACKED} FROM (SELECT kv.* FROM wanted CROSS JOIN kv
            ON kv.id = (SELECT max(id) FROM kv AS newest WHERE newest.key = wanted.key) WHERE kv.id & 1 = 0)
    """


@cache
def _insert_sql(count: int) -> str:
    return f"INSERT INTO kv (id, key, created, version, value) VALUES {','.join(['(?,?,?,?,?)'] * count)}"


def commit(
    connection: sqlite3.Connection,
    revision: int,
    batch: Sequence[tuple[Sequence[Compare], Sequence[Operation]]],
) -> Committed:
    """Decide every write of the batch on top of those before it, and make what they change durable."""
    keys = {each.key for compares, operations in batch for each in (*compares, *operations)}
    heads = _heads(connection, list(keys))
    results, events = [], []
    keys_added = 0
    for compares, operations in batch:
        result, changes = transaction.decide(heads.get, compares, operations, revision)
        for change in changes:
            is_put = change.type is EventType.PUT
            keys_added += is_put - (change.previous is not None)
            heads[change.kv.key] = change.kv if is_put else None
        revision = result.revision if changes else revision
        results.append(result)
        events += changes
    _insert(connection, events)
    return Committed(results, events, revision, keys_added)


def _heads(connection: sqlite3.Connection, keys: list[bytes]) -> dict[bytes, KeyValue | None]:
    heads: dict[bytes, KeyValue | None] = {}
    for at in range(0, len(keys), _ROWS_MAX):
        chunk = keys[at : at + _ROWS_MAX]
        for kv in _unpack(*connection.execute(_heads_sql(len(chunk)), chunk).fetchone()):
            heads[kv.key] = kv
    return heads


def _insert(connection: sqlite3.Connection, events: Sequence[Event]) -> None:
    """One SQLite transaction; nothing of it stays if it fails."""
    if not events:
        return
    rows = _rows(events)
    width = 5 * _ROWS_MAX
    if len(rows) <= width:
        connection.execute(_insert_sql(len(events)), rows)
        return
    try:
        connection.execute("BEGIN IMMEDIATE")
        for at in range(0, len(rows), width):
            chunk = rows[at : at + width]
            connection.execute(_insert_sql(len(chunk) // 5), chunk)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _rows(events: Sequence[Event]) -> list[int | bytes]:
    """The parameters of the rows, flat."""
    rows: list[int | bytes] = []
    revision = place = 0
    for kv in (event.kv for event in events):
        place = place + 2 if kv.mod_revision == revision else 0
        revision = kv.mod_revision
        is_deletion = kv.version == 0
        rows += (
            revision << _REVISION_SHIFT | place | is_deletion,
            kv.key,
            kv.create_revision,
            kv.version,
            kv.value,
        )
    return rows


def _unpack(numbers: str | None, keys: bytes, values: bytes) -> list[KeyValue]:
    if numbers is None:
        return []
    found = []
    key_at = value_at = 0
    figures = map(int, numbers.split(","))
    for key_size, value_size, created, row, version in zip(figures, figures, figures, figures, figures):
        key, value = keys[key_at : key_at + key_size], values[value_at : value_at + value_size]
        found.append(KeyValue(key, value, created, row >> _REVISION_SHIFT, version))
        key_at += key_size
        value_at += value_size
    return found


def read_key(connection: sqlite3.Connection, key: bytes, before: int) -> KeyValue | None:
    row = connection.execute(_GET, (key, before)).fetchone()
    if row is None or row[0] & 1:
        return None
    return KeyValue(key, row[3], row[1], row[0] >> _REVISION_SHIFT, row[2])


def read_slice(
    connection: sqlite3.Connection, start: bytes, end: bytes, before: int, limit: int, is_last: bool
) -> tuple[list[KeyValue], int]:
    """The next `limit` keys and, after the last slice, how many are beyond them."""
    found = _unpack(*connection.execute(_LIST, (start, end, before, limit)).fetchone())
    found.sort(key=lambda kv: kv.key)  # SQL promises no order within an aggregate
    remaining = 0
    if is_last and len(found) == limit:
        (remaining,) = connection.execute(_REMAINING, (found[-1].key + b"\0", end, before)).fetchone()
    return found, remaining


def count_keys(connection: sqlite3.Connection, before: int) -> int:
    (count,) = connection.execute(_REMAINING, (b"", b"\xff", before)).fetchone()
    assert isinstance(count, int)
    return count


def read_history(
    connection: sqlite3.Connection, first: int, last: int, start: bytes, end: bytes
) -> tuple[list[Event], int]:
    """Some events of the rows first ... last - 1, and the row to go on from."""
    numbers, keys, values, olds = connection.execute(_HISTORY, (first, last, start, end, SLICE)).fetchone()
    if numbers is None:
        return [], last
    found = []
    key_at = value_at = old_at = 0
    figures = map(int, numbers.split(","))
    for row, key_size, value_size, created, version, old_row, old_size, old_created, old_version in zip(
        *[figures] * 9
    ):
        key, value = keys[key_at : key_at + key_size], values[value_at : value_at + value_size]
        previous = None
        if old_row:
            old_value = olds[old_at : old_at + old_size]
            previous = KeyValue(key, old_value, old_created, old_row >> _REVISION_SHIFT, old_version)
        kv = KeyValue(key, value, created, row >> _REVISION_SHIFT, version)
        found.append((row, Event(EventType.DELETE if row & 1 else EventType.PUT, kv, previous)))
        key_at += key_size
        value_at += value_size
        old_at += old_size
    found.sort(key=lambda pair: pair[0])  # SQL promises no order within an aggregate
    return [event for _, event in found], found[-1][0] + 1 if len(found) == SLICE else last


def mark_compacted(connection: sqlite3.Connection, revision: int) -> None:
    connection.execute("UPDATE mark SET value = max(value, ?) WHERE name = 'compacted'", (revision,))


def sweep(connection: sqlite3.Connection, end: int) -> bool:
    """Forget what the next few changes below the compaction mark `end` replaced; True when none are left.

    A change makes one row superfluous, its predecessor, and if it is a deletion also itself. So what there is to forget
    is found by going through the changes once, in order, however large the rest of the table is.
    """
    (swept,) = connection.execute("SELECT value FROM mark WHERE name = 'swept'").fetchone()
    if swept >= end:
        return True
    rows = connection.execute(
        "SELECT id FROM kv WHERE id >= ? AND id < ? ORDER BY id LIMIT 1 OFFSET ?", (swept, end, _SWEEP)
    ).fetchone()
    upto = rows[0] if rows else end
    try:
        # Losing a step only means to do it again, so it need not be synced; the next commit's sync covers it.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_FORGET_REPLACED, (swept, upto))
        connection.execute("DELETE FROM kv WHERE id >= ? AND id < ? AND id & 1", (swept, upto))
        connection.execute("UPDATE mark SET value = ? WHERE name = 'swept'", (upto,))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    finally:
        connection.execute("PRAGMA synchronous = FULL")
    return upto == end


_FORGET_REPLACED = """
    DELETE FROM kv WHERE id IN (
        SELECT (SELECT max(id) FROM kv AS older WHERE older.key = kv.key AND older.id < kv.id)
        FROM kv WHERE id >= ? AND id < ?)
"""


def checkpoint(connection: sqlite3.Connection) -> None:
    """Move what is in the write-ahead log by now into the database, as far as nobody has to wait for it."""
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
