import pytest

from kubepy.api import errors
from kubepy.api.builtins import NODES, PODS
from kubepy.api.objects import Key, about
from kubepy.client.informer import node_name


def key(name, namespace="default"):
    return Key(namespace, name)


def names(objs):
    return [obj["metadata"]["name"] for obj in objs]


class Heard(list):
    """Handlers that write down (what, name, revision...)."""

    def on_add(self, doc):
        self.append(("add", doc.key.name, doc.revision))

    def on_update(self, old, new):
        self.append(("update", new.key.name, old.revision, new.revision))

    def on_delete(self, doc):
        self.append(("delete", doc.key.name, doc.revision))

    def listen(self, informer):
        informer.add_handler(on_add=self.on_add, on_update=self.on_update, on_delete=self.on_delete)


@pytest.fixture
def pods(factory):
    return factory.informer(PODS)


async def test_it_holds_what_the_server_holds(server, clock, factory, pods):
    server.put(PODS, "a")
    server.put(PODS, "b", "other")
    factory.start()
    await factory.wait_synced()
    server.put(PODS, "c")
    server.remove(PODS, "a")
    await clock.settle()
    assert names(pods.list()) == ["b", "c"]
    assert names(pods.list("other")) == ["b"]
    assert names(pods.list("nowhere")) == []
    assert list(pods.keys()) == [key("b", "other"), key("c")]
    assert list(pods.keys("default")) == [key("c")]
    assert pods.get(key("c"))["metadata"]["name"] == "c"
    assert pods.get(key("a")) is None
    assert pods.document(key("b", "other")).revision == 3
    assert len(pods) == 2
    assert pods.revision == 5


async def test_handlers_hear_every_change_in_order(server, clock, factory, pods):
    heard = Heard()
    heard.listen(pods)
    server.put(PODS, "a")
    factory.start()
    await clock.settle()
    server.put(PODS, "a")
    server.remove(PODS, "a")
    await clock.settle()
    assert heard == [("add", "a", 2), ("update", "a", 2, 3), ("delete", "a", 4)]


async def test_the_copy_is_current_when_handlers_hear(server, clock, factory, pods):
    seen = []
    pods.add_index("by_node", node_name)
    pods.add_handler(
        on_add=lambda doc: seen.append((len(pods), pods.count_by_index("by_node", ""))),
        on_delete=lambda doc: seen.append((len(pods), pods.count_by_index("by_node", ""))),
    )
    factory.start()
    await clock.settle()
    server.put(PODS, "a")
    server.remove(PODS, "a")
    await clock.settle()
    assert seen == [(1, 1), (0, 0)]


async def test_synced_means_that_handlers_heard_of_everything(server, clock, factory, pods):
    heard = Heard()
    heard.listen(pods)
    server.put(PODS, "a")
    server.put(PODS, "b")
    assert not pods.is_synced
    factory.start()
    await factory.wait_synced()
    assert pods.is_synced
    assert len(heard) == 2


async def test_a_handler_that_raises_stops_nobody(server, clock, factory, pods):
    heard = Heard()

    def broken(doc):
        raise ZeroDivisionError

    pods.add_handler(on_add=broken)
    heard.listen(pods)
    factory.start()
    await clock.settle()
    server.put(PODS, "a")
    server.put(PODS, "b")
    await clock.settle()
    assert [h[1] for h in heard] == ["a", "b"]


async def test_a_function_that_says_what_it_is_about_hears_of_nothing_else(server, clock, factory, pods):
    told = []

    def hear(what):
        return lambda old, new: told.append((what, new.revision))

    for parts in (["spec.nodeName"], ["status", "metadata.labels"], []):
        pods.add_handler(on_update=about(*parts)(hear(" ".join(parts))))
    pods.add_handler(on_update=hear("all"))
    asked = []

    @about("metadata.labels")
    def labels(obj):
        asked.append(obj["metadata"]["resourceVersion"])
        return obj["metadata"].get("labels", ())

    pods.add_index("labels", labels)
    server.put(PODS, "a", spec={})
    factory.start()
    await clock.settle()
    server.put(PODS, "a", spec={"nodeName": "n1"}, status={})
    server.put(PODS, "a", spec={"nodeName": "n1", "x": 1}, status={"phase": "Running"})
    server.put(PODS, "a", spec={"nodeName": "n1"}, metadata={"labels": {"a": "b"}})
    server.put(PODS, "a", spec={"nodeName": "n1"}, metadata={"labels": {"a": "b"}})
    await clock.settle()
    assert told == [
        ("spec.nodeName", 3), ("status metadata.labels", 3), ("all", 3),
        ("status metadata.labels", 4), ("all", 4),
        ("status metadata.labels", 5), ("all", 5),
        ("all", 6),
    ]  # fmt: skip
    assert asked == ["2", "5"]
    assert names(pods.by_index("labels", "a")) == ["a"]


async def test_a_late_handler_hears_of_what_is_there(server, clock, factory, pods):
    server.put(PODS, "a")
    factory.start()
    await clock.settle()
    heard = Heard()
    heard.listen(pods)
    assert heard == [("add", "a", 2)]


async def test_indexes_follow_the_objects(server, clock, factory, pods):
    pods.add_index("by_node", node_name)
    pods.add_index("by_letter", letters)
    server.put(PODS, "a", spec={"nodeName": "n1"}, letters=["x", "y"])
    server.put(PODS, "b", spec={})
    factory.start()
    await clock.settle()
    assert names(pods.by_index("by_node", "n1")) == ["a"]
    assert names(pods.by_index("by_node", "")) == ["b"]
    assert list(pods.keys_by_index("by_letter", "y")) == [key("a")]
    server.put(PODS, "b", spec={"nodeName": "n1"}, letters=["y"])
    server.put(PODS, "a", spec={"nodeName": "n1"}, letters=["x"])
    await clock.settle()
    assert names(pods.by_index("by_node", "n1")) == ["a", "b"]
    assert names(pods.by_index("by_letter", "y")) == ["b"]
    server.remove(PODS, "a")
    await clock.settle()
    assert pods.count_by_index("by_node", "n1") == 1
    assert list(pods.index_values("by_letter")) == ["y"]
    assert pods.by_index("by_letter", "nothing") == []


def letters(obj):
    return obj.get("letters", ())


async def test_an_index_function_that_raises_leaves_the_object_unindexed(server, clock, factory, pods):
    pods.add_index("by_luck", lambda obj: [obj["luck"]])
    factory.start()
    await clock.settle()
    server.put(PODS, "a")
    server.put(PODS, "b", luck="good")
    await clock.settle()
    assert len(pods) == 2
    assert names(pods.by_index("by_luck", "good")) == ["b"]
    server.put(PODS, "b")
    await clock.settle()
    assert pods.by_index("by_luck", "good") == []


async def test_a_late_index_is_built_from_what_is_there(server, clock, factory, pods):
    server.put(PODS, "a", spec={"nodeName": "n1"})
    factory.start()
    await clock.settle()
    pods.add_index("by_node", node_name)
    assert pods.count_by_index("by_node", "n1") == 1


def test_one_name_is_one_index(pods):
    pods.add_index("by_node", node_name)
    pods.add_index("by_node", node_name)
    with pytest.raises(ValueError, match="by_node"):
        pods.add_index("by_node", lambda obj: [])


async def test_reading_all_again_tells_only_the_difference(server, clock, factory, pods):
    heard = Heard()
    server.put(PODS, "same")
    server.put(PODS, "changed")
    server.put(PODS, "gone")
    server.put(PODS, "replaced")
    factory.start()
    await clock.advance(2)
    heard.listen(pods)
    heard.clear()
    server.end_watches(errors.Expired("compacted"))
    server.remove(PODS, "gone")
    server.remove(PODS, "replaced")
    server.put(PODS, "changed")
    server.put(PODS, "new")
    server.put(PODS, "replaced", metadata={"uid": "another"})
    server._history.clear()
    await clock.settle()
    assert sorted(heard) == [
        ("add", "new", 9),
        ("add", "replaced", 10),
        ("delete", "gone", 4),
        ("delete", "replaced", 5),
        ("update", "changed", 3, 8),
    ]
    assert heard.index(("delete", "replaced", 5)) < heard.index(("add", "replaced", 10))


async def test_one_collection_is_watched_once(server, clock, factory):
    assert factory.informer(PODS) is factory.informer(PODS)
    assert factory.informer(PODS, metadata_only=True) is factory.informer(PODS)
    assert factory.informer(PODS, namespace="x") is not factory.informer(PODS)
    assert factory.informer(NODES) is not factory.informer(PODS)
    factory.start()
    factory.start()
    await clock.settle()
    assert server.watching == 3


async def test_an_informer_made_after_the_start_runs_too(server, clock, factory):
    factory.start()
    pods = factory.informer(PODS)
    await factory.wait_synced()
    assert pods.is_synced


async def test_a_stopped_informer_watches_no_more(server, clock, factory, pods):
    factory.start()
    await clock.settle()
    factory.stop(pods)
    await clock.settle()
    assert server.watching == 0
    assert factory.informer(PODS) is not pods


async def test_documents_are_those_of_the_server(server, clock, factory, pods):
    factory.start()
    await clock.settle()
    document = server.put(PODS, "a")
    await clock.settle()
    assert pods.document(key("a")) is document
    assert pods.get(key("a")) is document.obj
