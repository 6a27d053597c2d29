import asyncio
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kubepy.lib.clock import RealClock, VirtualClock
from kubepy.observability import logs
from kubepy.store import table
from kubepy.store.base import Compacted, KeyValue, Put, Unavailable, Unusable
from kubepy.store.sqlite import SqliteStore
from kubepy.testing.contracts.store import Recorder, StoreContract, delete, keys, put


async def reopen(path: Path) -> SqliteStore:
    return await SqliteStore.open(path, clock=RealClock(), log=logs.silent())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    store = await reopen(path)
    yield store
    await store.close()


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive(), thread


class TestContract(StoreContract):
    pass


class TestRaces:
    """What the contract says of reads beside other work, with reads so cut up that the other work gets in between."""

    @pytest.fixture(autouse=True)
    def many_slices(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(table, "SLICE", 20)
        monkeypatch.setattr(table, "_SWEEP", 1000)

    async def test_compaction_overtakes(self, store: SqliteStore) -> None:
        await StoreContract().test_a_read_that_compaction_overtakes_is_right_or_refused(store)

    async def test_writers_go_on(self, store: SqliteStore) -> None:
        await StoreContract().test_history_then_live_without_gap_or_repeat(store)
        await StoreContract().test_a_list_is_of_one_revision_beside_writers(store)

    async def test_a_list_of_the_newest_begins_again_when_compaction_overtakes(
        self, store: SqliteStore
    ) -> None:
        for round_ in range(3):
            await store.txn([], [Put(b"/a/%d" % i, b"%d" % round_) for i in range(1000)])
        listing = asyncio.create_task(store.list(b"/a/"))
        await asyncio.sleep(0)
        await store.txn([], [Put(b"/a/%d" % i, b"new") for i in range(1000)])
        await store.compact(store.revision)
        page = await listing
        assert len(page.items) == 1000
        assert {kv.mod_revision for kv in page.items} == {page.revision}


def crashed(path: Path, to: Path) -> Path:
    """The files as a crash of the machine would leave them now, as another store."""
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", f"{to}{suffix}")
    return to


def environment() -> dict[str, str]:
    """For a child that imports what we import."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


# -- across restarts -----------------------------------------------------------------------------------------------


async def test_everything_is_there_after_a_restart(path: Path) -> None:
    store = await reopen(path)
    await put(store, b"/a", b"1")
    await put(store, b"/b", b"2")
    await put(store, b"/a", b"3")
    await delete(store, b"/b")
    await store.compact(3)
    await store.close()

    store = await reopen(path)
    assert (store.revision, store.compacted) == (5, 3)
    assert await store.get(b"/a") == KeyValue(b"/a", b"3", 2, 4, 2)
    assert await keys(store, revision=3) == [b"/a", b"/b"]
    with pytest.raises(Compacted):
        await store.get(b"/a", revision=2)
    seen = Recorder()
    await store.watch(b"/", seen, start_revision=4)
    assert seen.revisions == [4, 5]
    assert await put(store, b"/b") == 6
    await store.close()


async def test_a_revision_whose_rows_were_all_compacted_is_not_given_again(path: Path) -> None:
    store = await reopen(path)
    await put(store, b"/a")
    await delete(store, b"/a")
    await store.compact(3)
    await swept(store)
    await store.close()
    store = await reopen(path)
    assert store.revision == 3
    assert await put(store, b"/a") == 4
    await store.close()


async def test_a_restart_finishes_the_sweep_of_a_crash(path: Path, tmp_path: Path) -> None:
    store = await reopen(path)
    for i in range(1000):
        await put(store, b"/a", b"%d" % i)
    copy = crashed(path, tmp_path / "copy.db")
    await store.close()
    connection = sqlite3.connect(copy, isolation_level=None)
    table.mark_compacted(connection, 900)
    assert not table.sweep(connection, table.id_after(900))
    connection.close()

    store = await reopen(copy)
    await swept(store)
    assert rows(copy) == 1001 - 900 + 1
    assert len(await keys(store, revision=900)) == 1
    assert store.statistics().keys == 1
    await store.close()


async def test_opening_reads_no_value(path: Path) -> None:
    store = await reopen(path)
    await asyncio.gather(*(put(store, b"/a/%d" % i, b"v" * 20_000) for i in range(200)))
    await store.close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA cache_size = 1")
    assert table.prepare(connection, path) == (201, 0, True)
    with open("/proc/self/io") as io:
        before = int(io.readline().split()[1])
    table.prepare(connection, path)
    with open("/proc/self/io") as io:
        assert int(io.readline().split()[1]) - before < 100_000
    connection.close()


# -- what is not ours to open --------------------------------------------------------------------------------------


async def refusal(path: Path) -> str:
    with pytest.raises(Unusable) as error:
        await reopen(path)
    return str(error.value)


async def test_a_store_in_use_names_its_user(store: SqliteStore, path: Path) -> None:
    assert await refusal(path) == f"{path} is in use by another kubepy (pid {os.getpid()})"
    assert await put(store, b"/a") == 2


async def test_a_store_in_use_by_another_process(path: Path) -> None:
    script = """if True:
        import asyncio, sys
        from kubepy.lib.clock import RealClock
        from kubepy.observability import logs
        from kubepy.store.sqlite import SqliteStore
        async def main():
            store = await SqliteStore.open(sys.argv[1], clock=RealClock(), log=logs.silent())
            print("open", flush=True)
            sys.stdin.read()
        asyncio.run(main())
    """
    command = [sys.executable, "-c", script, str(path)]
    with subprocess.Popen(command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout and child.stdout.readline() == b"open\n"
            assert await refusal(path) == f"{path} is in use by another kubepy (pid {child.pid})"
        finally:
            child.kill()
    store = await reopen(path)
    await store.close()


async def test_the_file_is_for_its_owner_only(store: SqliteStore, path: Path) -> None:
    await put(store, b"/a")
    for file in path.parent.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file


async def test_not_a_database(path: Path) -> None:
    path.write_bytes(b"apiVersion: v1\n" * 1000)
    assert await refusal(path) == f"{path} is not a kubepy database: file is not a database"
    assert path.read_bytes() == b"apiVersion: v1\n" * 1000


async def test_a_database_of_another_program(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (a)")
    connection.close()
    content = path.read_bytes()
    assert await refusal(path) == f"{path} is not a kubepy database: it belongs to another program"
    assert path.read_bytes() == content


async def test_a_newer_format(path: Path) -> None:
    await (await reopen(path)).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {table.FORMAT + 6}")
    connection.close()
    assert await refusal(path) == f"{path} was made by a newer kubepy (its format is 7, this one reads 1)"


async def test_a_torn_file(path: Path) -> None:
    store = await reopen(path)
    await asyncio.gather(*(put(store, b"/a/%d" % i, b"v" * 2000) for i in range(200)))
    await store.close()
    os.truncate(path, path.stat().st_size // 2)
    assert "is damaged: database disk image is malformed" in await refusal(path)


async def test_a_directory_and_a_missing_directory(tmp_path: Path) -> None:
    assert await refusal(tmp_path) == f"{tmp_path} cannot be opened: Is a directory"
    missing = tmp_path / "missing" / "store.db"
    assert await refusal(missing) == f"{missing} cannot be opened: No such file or directory"


async def test_a_refused_file_is_not_kept_locked(path: Path) -> None:
    path.write_bytes(b"no database" * 100)
    await refusal(path)
    path.unlink()
    await (await reopen(path)).close()


async def test_an_empty_file_is_a_new_store(path: Path) -> None:
    path.touch()
    store = await reopen(path)
    assert store.revision == 1
    await store.close()


@pytest.mark.parametrize("turns", range(12))
async def test_open_cancelled_at_any_point_leaves_nothing_behind(path: Path, turns: int) -> None:
    opening = asyncio.create_task(reopen(path))
    for _ in range(turns):
        await asyncio.sleep(0)
    opening.cancel()
    try:
        await (await opening).close()
    except asyncio.CancelledError:
        pass
    await (await reopen(path)).close()


async def test_progress_is_told_when_a_long_log_is_recovered(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kubepy.store.sqlite._RECOVERY_BYTES", 1 << 20)
    store = await reopen(path)
    await asyncio.gather(*(put(store, b"/a/%d" % i, b"v" * 10_000) for i in range(200)))
    copy = crashed(path, path.with_name("copy.db"))
    await store.close()
    told: list[str] = []
    store = await SqliteStore.open(copy, clock=RealClock(), log=logs.silent(), on_progress=told.append)
    assert store.revision == 201
    await store.close()
    assert len(told) == 1 and told[0].startswith("recovering ") and told[0].endswith(" to copy.db")


# -- when the disk fails -------------------------------------------------------------------------------------------


@contextmanager
def file_size_limit(size_bytes: int) -> Iterator[None]:
    """Writes beyond `size_bytes` of any file fail, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_fails_the_writers_and_nothing_else(store: SqliteStore, path: Path) -> None:
    seen = Recorder()
    await store.watch(b"/", seen)
    await put(store, b"/a", b"before")
    with file_size_limit(Path(f"{path}-wal").stat().st_size + 10_000):
        results = await asyncio.gather(
            *(put(store, b"/b/%d" % i, b"v" * 20_000) for i in range(20)), return_exceptions=True
        )
        assert {type(result) for result in results} == {Unavailable}
        assert "cannot be written" in str(results[0])
        assert not store.is_writable
        assert await store.get(b"/a") == KeyValue(b"/a", b"before", 2, 2, 1)
        assert await keys(store) == [b"/a"]
        assert store.revision == 2
        with pytest.raises(Unavailable):
            await put(store, b"/c", b"v" * 20_000)
    assert await put(store, b"/a", b"after") == 3
    assert store.is_writable
    assert seen.revisions == [2, 3]
    await store.close()

    store = await reopen(path)
    assert await keys(store) == [b"/a"]
    assert store.revision == 3
    await store.close()


async def test_a_large_batch_that_fails_midway_leaves_nothing(store: SqliteStore, path: Path) -> None:
    await put(store, b"/a")
    many = [Put(b"/b/%d" % i, b"v" * 2_000) for i in range(500)]
    with file_size_limit(Path(f"{path}-wal").stat().st_size + 500_000):
        with pytest.raises(Unavailable):
            await store.txn([], many)
        # What is small enough still goes.
        assert await put(store, b"/a") == 3
    assert await keys(store) == [b"/a"]
    assert (await store.txn([], many)).revision == 4


async def test_a_failed_compaction_can_be_repeated(store: SqliteStore, path: Path) -> None:
    for i in range(10):
        await put(store, b"/a", b"%d" % i)
    with file_size_limit(Path(f"{path}-wal").stat().st_size), pytest.raises(Unavailable):
        await store.compact(5)
    assert store.compacted == 0
    assert len(await keys(store, revision=2)) == 1
    await store.compact(5)
    assert store.compacted == 5


async def test_a_torn_log_loses_whole_batches_from_its_end(
    store: SqliteStore, path: Path, tmp_path: Path
) -> None:
    for i in range(50):
        await store.txn([], [Put(b"/a/%d" % i, b"v" * 3000), Put(b"/b/%d" % i, b"v" * 3000)])
    size = Path(f"{path}-wal").stat().st_size
    for i, cut in enumerate((1, 4000, 20_000, size // 2, size - 10_000)):
        copy = crashed(path, tmp_path / f"copy{i}.db")
        os.truncate(f"{copy}-wal", size - cut)
        torn = await reopen(copy)
        assert 1 <= torn.revision < 51
        assert len(await keys(torn, b"/a/")) == len(await keys(torn, b"/b/")) == torn.revision - 1
        assert await put(torn, b"/c") == torn.revision
        await torn.close()


# -- closing -------------------------------------------------------------------------------------------------------


async def test_close_cancelled_still_ends_the_threads(path: Path) -> None:
    store = await reopen(path)
    writers = [asyncio.create_task(put(store, b"/a/%d" % i)) for i in range(50)]
    await asyncio.sleep(0)
    closing = asyncio.create_task(store.close())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.gather(closing, *writers, return_exceptions=True)
    store = await reopen(path)
    assert store.revision in (1, 51)
    await store.close()


def test_a_loop_that_ends_without_close_does_not_hang(path: Path) -> None:
    script = """if True:
        import asyncio, sys
        from kubepy.lib.clock import RealClock
        from kubepy.observability import logs
        from kubepy.store.base import Put
        from kubepy.store.sqlite import SqliteStore
        async def main():
            store = await SqliteStore.open(sys.argv[1], clock=RealClock(), log=logs.silent())
            try:
                await store.txn([], [Put(b"/a", b"v")])
                raise SystemExit(3)
            finally:
                await store.close()
        asyncio.run(main())
    """
    command = [sys.executable, "-c", script, str(path)]
    done = subprocess.run(command, env=environment(), capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (3, b"")


# -- space ---------------------------------------------------------------------------------------------------------


def rows(path: Path) -> int:
    connection = sqlite3.connect(path)
    (count,) = connection.execute("SELECT count(*) FROM kv").fetchone()
    connection.close()
    return count


async def swept(store: SqliteStore) -> None:
    """Wait until what compaction forgets is gone: asked in the thread that sweeps, between two of its steps."""

    def mark(connection: sqlite3.Connection) -> int:
        (value,) = connection.execute("SELECT value FROM mark WHERE name = 'swept'").fetchone()
        return value

    while await store._writer.run(mark) != table.id_after(store.compacted):
        pass


async def test_compaction_deletes_exactly_what_no_read_needs(store: SqliteStore, path: Path) -> None:
    for i in range(300):
        await put(store, b"/a/%d" % (i % 10), b"%d" % i)
    await delete(store, b"/a/0")
    await delete(store, b"/a/1")
    await put(store, b"/a/1", b"again")
    at = store.revision - 1
    await store.compact(at)
    await swept(store)
    # Eight live keys at the mark; its two deletions are gone; one put is after it.
    assert rows(path) == 8 + 1
    assert await keys(store, revision=at) == [b"/a/%d" % i for i in range(2, 10)]
    await store.compact(store.revision)
    await swept(store)
    assert rows(path) == 9
    assert (await store.get(b"/a/1")) == KeyValue(b"/a/1", b"again", at + 1, at + 1, 1)


async def test_space_is_used_again_after_compaction(store: SqliteStore) -> None:
    sizes = []
    for _ in range(6):
        for round_ in range(20):
            await store.txn([], [Put(b"/a/%d" % i, b"%d" % round_ * 1000) for i in range(20)])
        await store.compact(store.revision)
        await swept(store)
        sizes.append(await store._reader.run(table._pragma, "page_count"))
    assert sizes[-1] <= sizes[1] * 1.2


async def test_the_log_is_moved_into_the_database_in_time(path: Path) -> None:
    clock = VirtualClock()
    store = await SqliteStore.open(path, clock=clock, log=logs.silent())
    await asyncio.gather(*(put(store, b"/a/%d" % i, b"v" * 1000) for i in range(300)))
    before = path.stat().st_size
    while clock.next_due is None:
        await asyncio.sleep(0)
    await clock.advance(30)
    while path.stat().st_size < before + 300_000:
        await store._checkpointer.run(lambda connection: None)
    await store.close()


async def test_the_log_stays_bounded_under_steady_load(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubepy.store.sqlite._CHECKPOINT_BYTES", 1 << 20)
    store = await reopen(path)

    async def write(name: int) -> None:
        for i in range(400):
            await put(store, b"/a/%d" % name, b"%d" % i * 2000)

    try:
        await asyncio.gather(*(write(name) for name in range(10)))
        statistics = store.statistics()
    finally:
        await store.close()
    assert statistics.extra["writes"] == 4000
    assert statistics.extra["commits"] < 2000
    # Without checkpoints it is 36 MiB; with them one or two, and more where the disk is slow to take them.
    assert statistics.extra["wal_bytes"] < 30 << 20
