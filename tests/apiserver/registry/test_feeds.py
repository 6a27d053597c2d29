from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.objects import Document, labels_of
from kubepy.apiserver.registry.cache import ResourceCache
from kubepy.apiserver.registry.feeds import Scope, Trigger
from kubepy.store.memory import MemoryStore
from tests.apiserver.registry.watching import Headed, Labelled, Names, delete, put, watch


@pytest.mark.parametrize(
    ("before", "after", "event"),
    [
        (None, {"l": "1"}, "ADDED"),
        (None, {}, None),
        ({"l": "1"}, {"l": "2"}, "MODIFIED"),
        ({}, {"l": "1"}, "ADDED"),
        ({"l": "1"}, {}, "DELETED"),
        ({}, {}, None),
    ],
)
async def test_entering_and_leaving_a_selection(
    store: MemoryStore, cache: ResourceCache, before: Any, after: Any, event: str | None
) -> None:
    if before is not None:
        await put(store, "default/a", **before)
    await cache.load()
    sink = await watch(cache, Names(), selection=Labelled("l"), after=store.revision)
    revision = await put(store, "default/a", **after)
    assert sink.items == ([f"{event} default/a {revision}"] if event else [])


async def test_leaving_carries_the_old_state_under_the_new_revision(
    store: MemoryStore, cache: ResourceCache
) -> None:
    class Whole(Names):
        def event(self, type_: str, document: Document, *, first: bool) -> Any:
            return type_, document.obj

    await put(store, "default/a", l="1")
    await cache.load()
    sink = await watch(cache, Whole(), selection=Labelled("l"), after=store.revision)
    revision = await put(store, "default/a")
    ((type_, obj),) = sink.items
    assert type_ == "DELETED"
    assert obj["metadata"]["labels"] == {"l": "1"}
    assert obj["metadata"]["resourceVersion"] == str(revision)


class Demanding(Labelled):
    """a in (<values>), and how often it was asked."""

    def __init__(self, *values: str) -> None:
        super().__init__("a")
        self.trigger = Trigger(("label", "a"), values, self.marks_of)
        self.values, self.asked = values, 0

    @staticmethod
    def marks_of(document: Document) -> list[str]:
        return [value for key, value in labels_of(document.obj).items() if key == "a"]

    def matches(self, document: Document) -> bool:
        self.asked += 1
        return labels_of(document.obj).get("a") in self.values


async def test_only_watchers_of_the_value_that_is_or_was_are_asked(
    store: MemoryStore, cache: ResourceCache
) -> None:
    await cache.load()
    selections = [Demanding(str(number)) for number in range(100)]
    both, neither = Demanding("1", "2"), Demanding("7", "8")
    sinks = [
        await watch(cache, Names(), selection=selection, after=store.revision)
        for selection in (*selections, both, neither)
    ]
    await put(store, "n/x", a="1")
    await put(store, "n/x", a="2")
    await delete(store, "n/x")
    await put(store, "n/y")
    assert sinks[1].items == ["ADDED n/x 2", "DELETED n/x 3"]
    assert sinks[2].items == ["ADDED n/x 3", "DELETED n/x 4"]
    assert sinks[100].items == ["ADDED n/x 2", "MODIFIED n/x 3", "DELETED n/x 4"]
    assert [selection.values for selection in selections if selection.asked] == [("1",), ("2",)]
    assert not neither.asked


async def test_an_event_is_encoded_once_for_all_its_watchers(
    store: MemoryStore, cache: ResourceCache
) -> None:
    await cache.load()
    view = Names()
    sinks = [await watch(cache, view, after=store.revision) for _ in range(5)]
    sinks += [await watch(cache, view, Scope("default", ""), after=store.revision) for _ in range(5)]
    sinks += [await watch(cache, view, Scope("default", "a"), after=store.revision)]
    await put(store, "default/a")
    assert view.encoded == 1
    assert {tuple(sink.items) for sink in sinks} == {("ADDED default/a 2",)}


async def test_other_scopes_are_not_touched(store: MemoryStore, cache: ResourceCache) -> None:
    await cache.load()
    view = Names()
    sinks = [
        await watch(cache, view, scope, after=store.revision)
        for scope in (Scope("other", ""), Scope("other", "a"))
    ]
    await put(store, "default/a")
    assert view.encoded == 0
    assert [sink.items for sink in sinks] == [[], []]


async def test_only_the_first_event_of_a_watch_has_the_header(
    store: MemoryStore, cache: ResourceCache
) -> None:
    await put(store, "default/a")
    await cache.load()
    view = Headed()
    with_state = await watch(cache, view, state=True)
    without = await watch(cache, view, after=store.revision)
    await put(store, "default/b")
    await put(store, "default/c")
    assert with_state.items == ["header ADDED default/a 2", "ADDED default/b 3", "ADDED default/c 4"]
    assert without.items == ["header ADDED default/b 3", "ADDED default/c 4"]
