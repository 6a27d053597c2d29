"""A process that writes is killed with SIGKILL, fifty times on the same file.

A nursery process imports everything once and forks the writers, so that a life takes milliseconds. A writer keeps ten
txns going; each puts one value under two keys and is acknowledged on a pipe as soon as it returns. Compaction and
checkpoints run beside them, more often than in life. How long a writer lives is counted, not timed: in lines that it
has said, and then in steps that SQLite takes, so that it dies between any two of them.
"""

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import zlib
from pathlib import Path
from typing import IO

from kubepy.lib.clock import RealClock
from kubepy.observability import logs
from kubepy.store import sqlite, table
from kubepy.store.base import Delete, Put
from kubepy.store.sqlite import SqliteStore
from kubepy.testing.contracts.store import Recorder

LIVES = 50
# Instructions of SQLite between two looks at whether it is time.
STEP = 50


# -- the nursery ---------------------------------------------------------------------------------------------------


class Death:
    """Comes when the process has said `lines` lines and SQLite has then taken `steps` steps more."""

    def __init__(self, lines: int, steps: int) -> None:
        self.lines, self.steps = lines, steps

    def is_told(self) -> None:
        self.lines -= 1
        if self.lines <= 0 and not self.steps:
            self.come()

    def watch(self, connection: sqlite3.Connection) -> None:
        connection.set_progress_handler(self.step, STEP)

    def step(self) -> int:
        if self.lines <= 0:
            self.steps -= 1
            if self.steps <= 0:
                self.come()
        return 0

    def come(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


async def write_until_killed(path: str, seed: int, death: Death) -> None:
    random.seed(seed)
    sqlite._CHECKPOINT_BYTES = 1 << 20
    configure = table.configure

    def configure_and_watch(connection: sqlite3.Connection) -> None:
        configure(connection)
        death.watch(connection)

    table.configure = configure_and_watch

    def say(line: str) -> None:
        os.write(1, f"{line}\n".encode())
        death.is_told()

    store = await SqliteStore.open(path, clock=RealClock(), log=logs.silent())
    say(f"open {store.revision}")
    at_work = asyncio.Lock()

    async def write(name: int) -> None:
        i = 0
        while True:
            i += 1
            key, value = (
                b"%d-%d" % (name, random.randrange(30)),
                b"%d-%d-" % (seed, i) * random.randrange(500),
            )
            if random.random() < 0.1:
                result = await store.txn([], [Delete(b"/a/" + key), Delete(b"/b/" + key)])
                say(f"gone {result.revision} {key.decode()}")
            else:
                result = await store.txn([], [Put(b"/a/" + key, value), Put(b"/b/" + key, value)])
                say(f"put {result.revision} {key.decode()} {zlib.crc32(value)}")
            if i % 5 == 0:
                await compact()

    async def compact() -> None:
        async with at_work:
            if (revision := store.revision - 200) > store.compacted:
                await store.compact(revision)
                say(f"compacted {revision}")

    await asyncio.gather(*(write(name) for name in range(10)))


def nursery() -> None:
    for line in sys.stdin:
        path, seed, lines, steps = line.split()
        child = os.fork()
        if child == 0:
            asyncio.run(write_until_killed(path, int(seed), Death(int(lines), int(steps))))
        os.waitpid(child, 0)
        os.write(1, b"dead\n")


# -- the test ------------------------------------------------------------------------------------------------------


class Ledger:
    """What must be there: what was acknowledged, and what an earlier look has found."""

    def __init__(self) -> None:
        self.revision, self.compacted = 1, 0
        self.keys: dict[str, tuple[int, int | None]] = {}  # key -> revision, checksum of the value or None

    def note(self, line: str) -> None:
        what, number, *rest = line.split()
        revision = int(number)
        if what == "open":
            assert revision >= self.revision, "revisions went back"
        elif what == "compacted":
            self.compacted = max(self.compacted, revision)
        else:
            self.revision = max(self.revision, revision)
            key = rest[0]
            if revision >= self.keys.get(key, (0, None))[0]:
                self.keys[key] = (revision, int(rest[1]) if what == "put" else None)

    def check(self, state: dict[str, tuple[int, int]], deletions: dict[str, int]) -> None:
        """Each key is as noted, or newer by a write whose acknowledgement the kill cut off."""
        for key, (revision, checksum) in self.keys.items():
            if key in state:
                assert state[key][0] >= revision, f"{key} is older than acknowledged"
                assert state[key][0] > revision or state[key][1] == checksum, (
                    f"{key} is not what was acknowledged"
                )
            else:
                assert checksum is None or deletions.get(key, 0) > revision, f"{key} is lost"


async def inspect(path: Path, ledger: Ledger) -> None:
    """Open what the dead left behind and compare."""
    store = await SqliteStore.open(path, clock=RealClock(), log=logs.silent())
    try:
        assert store.revision >= ledger.revision, "an acknowledged revision is missing"
        assert store.compacted >= ledger.compacted
        history = Recorder()
        await store.watch(b"/", history, start_revision=store.compacted + 1)
        assert history.revisions == sorted(history.revisions)
        assert set(history.revisions[::2]) == set(history.revisions[1::2]), "half a txn is in the history"
        first, second = [
            {
                kv.key[3:].decode(): (kv.mod_revision, zlib.crc32(kv.value))
                for kv in (await store.list(prefix)).items
            }
            for prefix in (b"/a/", b"/b/")
        ]
        assert first == second, "half a txn is there"
        deletions = {e.kv.key[3:].decode(): e.kv.mod_revision for e in history.events if not e.kv.version}
        ledger.check(first, deletions)
        gone = {key: (store.revision, None) for key in ledger.keys if key not in first}
        ledger.keys = {**first, **gone}
        ledger.revision = store.revision
    finally:
        await store.close()


def test_what_was_acknowledged_survives_fifty_kills(tmp_path: Path) -> None:
    path, chance, ledger = tmp_path / "store.db", random.Random(20), Ledger()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, __file__],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as nurse:
        assert nurse.stdin and nurse.stdout
        acknowledged = 0
        for life in range(LIVES):
            # Some die while they open the store, most somewhere among their writes, a third between two statements.
            lines = chance.choice([0, 1, 2, 10, chance.randrange(2000)])
            steps = chance.choice([0 if lines else 1, chance.randrange(1, 10), chance.randrange(1, 200)])
            nurse.stdin.write(f"{path} {life} {lines} {steps}\n")
            acknowledged += live(nurse.stdout, ledger)
            asyncio.run(inspect(path, ledger))
        nurse.stdin.close()
        assert nurse.wait() == 0
    assert acknowledged > 1000
    assert ledger.compacted > 1000


def live(lines: IO[str], ledger: Ledger) -> int:
    """One life: note what it said; how many lines that was."""
    for said, line in enumerate(lines):
        if line == "dead\n":
            return said
        ledger.note(line)
    raise AssertionError("the nursery died")


if __name__ == "__main__":
    nursery()
