"""Both stores against the simplest thing that can be right: one dict per revision."""

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kubepy.lib.clock import RealClock
from kubepy.observability import logs
from kubepy.store import table
from kubepy.store.base import (
    Compacted,
    Compare,
    Delete,
    Event,
    EventType,
    FutureRevision,
    KeyValue,
    Operation,
    Put,
    Store,
    TxnResult,
    Watch,
)
from kubepy.store.memory import MemoryStore
from kubepy.store.sqlite import SqliteStore
from kubepy.testing.contracts.store import Recorder

T = TypeVar("T")

KEYS = [b"/r/a/1", b"/r/a/2", b"/r/a/ns/1", b"/r/b/1", b"/r/b/2", b"/s/1"]
PREFIXES = [b"/", b"/r/", b"/r/a/", b"/r/a/ns/", b"/r/b/", b"/s/", b"/none/"]

some_key = st.sampled_from(KEYS)
some_prefix = st.sampled_from(PREFIXES)
some_operations = st.lists(
    st.one_of(st.builds(Put, some_key, st.binary(max_size=6)), st.builds(Delete, some_key)),
    max_size=4,
    unique_by=lambda operation: operation.key,
)
# Which revision: so many before the newest; negative ones are in the future.
some_age = st.integers(-1, 12)


@dataclass
class Model:
    """What the contract says, without a thought for cost."""

    states: list[dict[bytes, KeyValue]] = field(default_factory=lambda: [{}])  # of revisions 1, 2, ...
    events: list[list[Event]] = field(default_factory=lambda: [[]])
    compacted: int = 0

    @property
    def revision(self) -> int:
        return len(self.states)

    def txn(self, compares: list[Compare], operations: list[Operation]) -> TxnResult:
        state = self.states[-1]
        current = [state.get(compare.key) for compare in compares]
        if any(
            (kv.mod_revision if kv else 0) != c.mod_revision for c, kv in zip(compares, current, strict=True)
        ):
            return TxnResult(False, self.revision, current)
        new, events, revision = dict(state), [], self.revision + 1
        for operation in operations:
            old = state.get(operation.key)
            if isinstance(operation, Put):
                created, version = (old.create_revision, old.version + 1) if old else (revision, 1)
                kv = KeyValue(operation.key, operation.value, created, revision, version)
                new[operation.key] = kv
                events.append(Event(EventType.PUT, kv, old))
            elif old:
                del new[operation.key]
                events.append(Event(EventType.DELETE, KeyValue(operation.key, b"", 0, revision, 0), old))
        if events:
            self.states.append(new)
            self.events.append(events)
        return TxnResult(True, self.revision)

    def check(self, revision: int) -> None:
        if revision > self.revision:
            raise FutureRevision(self.revision)
        if 0 < revision < self.compacted:
            raise Compacted(self.compacted)

    def page(self, prefix: bytes, revision: int, start: bytes, limit: int) -> tuple[list[KeyValue], int, int]:
        self.check(revision)
        state = self.states[(revision or self.revision) - 1]
        items = [state[key] for key in sorted(state) if key.startswith(prefix) and key >= start]
        shown = items[:limit] if limit else items
        return shown, revision or self.revision, len(items) - len(shown)

    def history(self, prefix: bytes, start_revision: int) -> list[Event]:
        return [
            e for events in self.events[start_revision - 1 :] for e in events if e.kv.key.startswith(prefix)
        ]

    def fork(self) -> "Model":
        return Model(list(self.states), list(self.events), self.compacted)


@dataclass
class Watched:
    """A watch and the revision from which it must see everything under its prefix."""

    prefix: bytes
    start_revision: int
    seen: Recorder
    watch: Watch
    until: int = 0  # the last revision, if it was cancelled


class StoreMachine(RuleBasedStateMachine):
    """Subclasses say how to open."""

    store: Store

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.model = Model()
        self.watched: list[Watched] = []

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    async def open(self) -> Store:
        raise NotImplementedError

    @initialize()
    def start(self) -> None:
        self.store = self.wait(self.open())

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.wait(self.store.close())
        self.runner.close()

    def same(self, real: Coroutine[Any, Any, Any], expected: Any) -> None:
        """The same answer or the same error with the same figure."""
        try:
            answer = expected()
        except (Compacted, FutureRevision) as error:
            with pytest.raises(type(error)) as raised:
                self.wait(real)
            assert str(raised.value) == str(error)
        else:
            assert self.wait(real) == answer

    @rule(
        compared=st.lists(st.tuples(some_key, st.sampled_from([0, 0, 0, -1, 1])), max_size=2),
        operations=some_operations,
    )
    def txn(self, compared: list[tuple[bytes, int]], operations: list[Operation]) -> None:
        state = self.model.states[-1]
        compares = [
            Compare(key, max(0, (state[key].mod_revision if key in state else 0) + wrong))
            for key, wrong in compared
        ]
        self.same(self.store.txn(compares, operations), lambda: self.model.txn(compares, operations))

    @rule(batch=st.lists(st.tuples(some_key, st.integers(0, 3), some_operations), min_size=2, max_size=6))
    def txns_at_once(self, batch: list[tuple[bytes, int, list[Operation]]]) -> None:
        """Writers that wait together take effect in the order they came."""
        txns = [
            ([Compare(key, 0 if age == 3 else self.model.revision - age)], ops) for key, age, ops in batch
        ]

        async def submit() -> list[TxnResult]:
            return await asyncio.gather(
                *(self.store.txn(compares, operations) for compares, operations in txns)
            )

        self.same(submit(), lambda: [self.model.txn(compares, operations) for compares, operations in txns])

    @rule(key=some_key, age=some_age)
    def get(self, key: bytes, age: int) -> None:
        revision = max(0, self.model.revision - age)

        def expected() -> KeyValue | None:
            self.model.check(revision)
            return self.model.states[(revision or self.model.revision) - 1].get(key)

        self.same(self.store.get(key, revision=revision), expected)

    @rule(prefix=some_prefix, age=some_age, start=st.sampled_from([b"", *KEYS]), limit=st.integers(0, 3))
    def page(self, prefix: bytes, age: int, start: bytes, limit: int) -> None:
        revision = max(0, self.model.revision - age)
        self.same(
            self.store.list(prefix, revision=revision, start=start, limit=limit),
            lambda: self.model.page(prefix, revision, start, limit),
        )

    @precondition(lambda self: len(self.watched) < 8)
    @rule(prefix=some_prefix, age=st.one_of(st.none(), st.integers(-3, 12)))
    def watch(self, prefix: bytes, age: int | None) -> None:
        seen = Recorder()
        start = 0 if age is None else max(1, self.model.revision + 1 - age)
        if 0 < start <= self.model.compacted:
            with pytest.raises(Compacted):
                self.wait(self.store.watch(prefix, seen, start_revision=start))
            return
        watch = self.wait(self.store.watch(prefix, seen, start_revision=start))
        self.watched.append(Watched(prefix, start or self.model.revision + 1, seen, watch))

    @precondition(lambda self: self.watched)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        watched = data.draw(st.sampled_from(self.watched))
        watched.watch.cancel()
        watched.until = watched.until or self.model.revision

    @rule(age=some_age)
    def compact(self, age: int) -> None:
        revision = max(1, self.model.revision - age)

        def expected() -> None:
            if 0 < revision <= self.model.compacted:
                raise Compacted(self.model.compacted)
            self.model.check(revision)
            self.model.compacted = revision

        self.same(self.store.compact(revision), expected)

    @invariant()
    def figures_agree(self) -> None:
        if hasattr(self, "store"):
            assert (self.store.revision, self.store.compacted) == (self.model.revision, self.model.compacted)

    @invariant()
    def watches_have_seen_everything_once(self) -> None:
        for watched in self.watched:
            expected = self.model.history(watched.prefix, watched.start_revision)
            if watched.until:
                expected = [event for event in expected if event.kv.mod_revision <= watched.until]
            assert watched.seen.events == expected


class MemoryMachine(StoreMachine):
    store: MemoryStore

    def __init__(self) -> None:
        super().__init__()
        self.forks: list[tuple[MemoryStore, Model, list[Watched]]] = []

    async def open(self) -> MemoryStore:
        return MemoryStore()

    @precondition(lambda self: len(self.forks) < 4)
    @rule()
    def fork(self) -> None:
        self.forks.append((self.store.fork(), self.model.fork(), []))

    @precondition(lambda self: self.forks)
    @rule(data=st.data())
    def go_on_in_another_fork(self, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(self.forks) - 1))
        here = (self.store, self.model, self.watched)
        (self.store, self.model, self.watched), self.forks[at] = self.forks[at], here

    @invariant()
    def keys_are_counted(self) -> None:
        if hasattr(self, "store"):
            state = self.model.states[-1]
            statistics = self.store.statistics()
            assert statistics.keys == len(state)
            assert statistics.size_bytes == sum(len(kv.key) + len(kv.value) for kv in state.values())


class SqliteMachine(StoreMachine):
    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="kubepy-model-"))

    async def open(self) -> SqliteStore:
        return await SqliteStore.open(self.directory / "store.db", clock=RealClock(), log=logs.silent())

    @rule()
    def restart(self) -> None:
        self.wait(self.store.close())
        for watched in self.watched:
            watched.until = watched.until or self.model.revision
        self.store = self.wait(self.open())

    def teardown(self) -> None:
        super().teardown()
        shutil.rmtree(self.directory)


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a handful of keys already takes several."""
    for name, value in {"SLICE": 2, "_ROWS_MAX": 3, "_SWEEP": 2}.items():
        monkeypatch.setattr(table, name, value)


def run(machine: type[StoreMachine], examples: int, steps: int) -> None:
    case = machine.TestCase
    case.settings = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    case("runTest").runTest()


# A failing case is made small before it is shown, and that takes time.
@pytest.mark.timeout(600)
def test_memory_is_like_the_model() -> None:
    run(MemoryMachine, examples=100, steps=40)


@pytest.mark.timeout(600)
def test_sqlite_is_like_the_model() -> None:
    run(SqliteMachine, examples=50, steps=40)
