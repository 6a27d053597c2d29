"""A process that writes is killed with SIGKILL, fifty times on the same file.

A nursery process imports everything once and forks the writers, so that a life takes milliseconds. A writer keeps ten
txns going; each puts one value under two keys and is acknowledged on a pipe as soon as it returns. Compaction and
checkpoints run beside them, more often than in life.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import IO

from kubepy.lib.clock import RealClock
from kubepy.observability import logs
from kubepy.store import sqlite
from kubepy.store.base import Delete, Put
from kubepy.store.sqlite import SqliteStore
from kubepy.testing.contracts.store import Recorder

LIVES = 50


# -- the nursery ---------------------------------------------------------------------------------------------------


async def write_until_killed(path: str, seed: int) -> None:
    random.seed(seed)
    sqlite._CHECKPOINT_BYTES = 1 << 20
    store = await SqliteStore.open(path, clock=RealClock(), log=logs.silent())
    say(f"open {store.revision}")

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

    async def compact() -> None:
        while True:
            await asyncio.sleep(0.003)
            if (revision := store.revision - 200) > store.compacted:
                await store.compact(revision)
                say(f"compacted {revision}")

    await asyncio.gather(*(write(name) for name in range(10)), compact())


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def nursery() -> None:
    for line in sys.stdin:
        path, seed = line.split()
        child = os.fork()
        if child == 0:
            asyncio.run(write_until_killed(path, int(seed)))
        say(f"born {child}")
        os.waitpid(child, 0)
        say("dead")


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
            nurse.stdin.write(f"{path} {life}\n")
            # Some die before they opened the store, most somewhere among their writes.
            acknowledged += live(
                nurse.stdout, ledger, chance, chance.choice([0, 1, 2, 10, chance.randrange(2000)])
            )
            asyncio.run(inspect(path, ledger))
        nurse.stdin.close()
        assert nurse.wait() == 0
    assert acknowledged > 1000
    assert ledger.compacted > 1000


def live(lines: IO[str], ledger: Ledger, chance: random.Random, patience: int) -> int:
    """One life: kill it after `patience` lines, note what it said until then; how many lines that was."""
    child = 0
    for said, line in enumerate(lines):
        if line == "dead\n":
            return said
        if line.startswith("born "):
            child = int(line.split()[1])
        else:
            ledger.note(line)
        if child and said >= patience:
            time.sleep(chance.random() * 0.003)  # let it get to any point of the next commit
            os.kill(child, signal.SIGKILL)
            child = 0
    raise AssertionError("the nursery died")


if __name__ == "__main__":
    nursery()
