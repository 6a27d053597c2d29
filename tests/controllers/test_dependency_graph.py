"""The graph: what it asks for, change by change. Most cases are upstream's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubepy.controllers import dependency_graph
from kubepy.controllers.dependency_graph import FOREGROUND, ORPHAN, Graph, Identity, Node, Reference


class Asked:
    """A Sink that writes down what it is asked for, e.g. "delete b"."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def check(self, node: Node, *, again: bool = False) -> None:
        self.said.append(f"check{' again' if again else ''} {node.identity.uid}")

    def delete(self, node: Node) -> None:
        self.said.append(f"delete {node.identity.uid}")

    def orphan(self, node: Node) -> None:
        self.said.append(f"orphan {node.identity.uid}")

    def absent(self, identity: Identity) -> None:
        self.said.append(f"absent {identity.namespace}/{identity.name}")

    def misplaced(self, dependent: Node, owner: Reference) -> None:
        self.said.append(f"misplaced {dependent.identity.uid} -> {owner.uid}")


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def graph(asked: Asked) -> Graph:
    return Graph(asked)


def thing(uid: str, namespace: str = "ns", kind: str = "Pod") -> Identity:
    return Identity(kind, "v1", namespace, f"name-{uid}", uid)


def owner(uid: str, *, blocks: bool = True, name: str = "", kind: str = "Pod") -> Any:
    return {
        "apiVersion": "v1",
        "kind": kind,
        "name": name or f"name-{uid}",
        "uid": uid,
        "blockOwnerDeletion": blocks,
    }


def observe(
    graph: Graph, uid: str, *owners: Any, namespace: str = "ns", deleting: bool = False, finalizers: Any = ()
) -> None:
    graph.observe(thing(uid, namespace), owners, deleting=deleting, finalizers=finalizers)


def take(asked: Asked) -> list[str]:
    said, asked.said = asked.said, []
    return said


def test_an_object_without_owners_asks_for_nothing(graph: Graph, asked: Asked) -> None:
    observe(graph, "a")
    observe(graph, "a")
    graph.gone(thing("a"))
    assert take(asked) == []
    assert len(graph) == 0


def test_an_unknown_owner_is_checked_once(graph: Graph, asked: Asked) -> None:
    observe(graph, "b", owner("a"))
    observe(graph, "c", owner("a"))
    assert take(asked) == ["check a"]


def test_an_owner_that_shows_up_settles_the_matter(graph: Graph, asked: Asked) -> None:
    observe(graph, "b", owner("a"))
    observe(graph, "a")
    assert take(asked) == ["check a"]
    node = graph.get("a")
    assert node is not None and not node.virtual


def test_an_owner_that_does_not_exist_takes_its_dependents_along(graph: Graph, asked: Asked) -> None:
    observe(graph, "b", owner("a"))
    take(asked)
    graph.not_found(thing("a"))
    assert take(asked) == ["absent ns/name-a", "delete b"]
    assert graph.get("a") is None


def test_the_end_of_an_owner_wakes_its_dependents(graph: Graph, asked: Asked) -> None:
    observe(graph, "a")
    observe(graph, "b", owner("a"))
    graph.gone(thing("a"))
    assert take(asked) == ["absent ns/name-a", "delete b"]


def test_foreground_deletion_wakes_dependents_then_the_owner_once(graph: Graph, asked: Asked) -> None:
    observe(graph, "a")
    observe(graph, "b", owner("a"))
    for _ in range(2):
        observe(graph, "a", deleting=True, finalizers=[FOREGROUND])
    assert take(asked) == ["delete b", "delete a"]
    graph.gone(thing("b"))
    assert take(asked) == ["delete a"]


def test_orphaning_comes_before_foreground(graph: Graph, asked: Asked) -> None:
    observe(graph, "a", deleting=True, finalizers=[FOREGROUND, ORPHAN])
    observe(graph, "a", deleting=True, finalizers=[FOREGROUND, ORPHAN])
    assert take(asked) == ["orphan a"]


def test_a_finalizer_without_deletion_means_nothing(graph: Graph, asked: Asked) -> None:
    observe(graph, "a", finalizers=[FOREGROUND, ORPHAN])
    assert take(asked) == []


@pytest.mark.parametrize("owners", [(), (owner("a", blocks=False),)])
def test_a_dependent_that_blocks_no_longer_wakes_its_owner(graph: Graph, asked: Asked, owners: Any) -> None:
    observe(graph, "a")
    observe(graph, "b", owner("a"))
    observe(graph, "b", *owners)
    assert take(asked) == ["delete a"]
    node = graph.get("a")
    assert node is not None and node.blocking_dependents() == []


def test_a_new_owner_is_learned(graph: Graph, asked: Asked) -> None:
    observe(graph, "a")
    observe(graph, "b")
    observe(graph, "b", owner("a"))
    graph.gone(thing("a"))
    assert take(asked) == ["absent ns/name-a", "delete b"]


def test_an_owner_in_another_namespace_is_reported(graph: Graph, asked: Asked) -> None:
    observe(graph, "a", namespace="other")
    observe(graph, "b", owner("a"))
    assert take(asked) == ["misplaced b -> a", "delete b"]


def test_an_owner_found_in_another_namespace_is_reported_too(graph: Graph, asked: Asked) -> None:
    observe(graph, "b", owner("a"))
    observe(graph, "a", namespace="other")
    assert take(asked) == ["check a", "misplaced b -> a", "delete b"]


def test_a_cluster_scoped_owner_may_be_named_from_anywhere(graph: Graph, asked: Asked) -> None:
    observe(graph, "a", namespace="")
    observe(graph, "b", owner("a"))
    assert take(asked) == []


def test_dependents_that_disagree_are_judged_apart(graph: Graph, asked: Asked) -> None:
    observe(graph, "b", owner("a"))
    observe(graph, "c", owner("a", name="else"))
    assert take(asked) == ["check a", "delete c"]
    graph.not_found(thing("a"))
    assert take(asked) == ["absent ns/name-a", "delete b", "check again a"]
    node = graph.get("a")
    assert node is not None and node.identity.name == "else"


def test_a_guess_about_an_observed_owner_does_not_remove_it(graph: Graph, asked: Asked) -> None:
    observe(graph, "a")
    observe(graph, "b", owner("a", name="else"))
    take(asked)
    graph.not_found(thing("a")._replace(name="else"))
    assert take(asked) == ["absent ns/else", "delete b"]
    assert graph.get("a") is not None


def test_an_alternative_follows_in_order_and_starts_over() -> None:
    dependents = [Node(thing("d", "ns"), (Reference.of(owner("a", name=name)),)) for name in ("x", "z")]

    def next_after(name: str) -> str:
        found = dependency_graph.alternative(dependents, thing("a")._replace(name=name))
        return "" if found is None else found.name

    assert [next_after(name) for name in ("w", "x", "y", "z")] == ["x", "z", "z", "x"]
    assert dependency_graph.alternative(dependents[:1], thing("a")._replace(name="x")) is None


def parent(version: str = "v1", kind: str = "Parent", namespace: str = "ns1", name: str = "p") -> Identity:
    return Identity(kind, version, namespace, name, "parent")


HERE, CLUSTER = parent(), parent(namespace="")
OTHER_UID = Identity("Parent", "v1", "ns1", "name", "another")


def names_parents(namespace: str, *parents: Identity) -> Node:
    refs = (Reference(each.kind, each.api_version, each.name, each.uid, False) for each in parents)
    return Node(thing("child", namespace), tuple(refs))


def versions(namespace: str) -> list[Identity]:
    return [parent(version=f"v{n}", namespace=namespace) for n in range(1, 6)]


# Source: graph_builder_test.go, TestGetAlternateOwnerIdentity: who names which parents; the absent one; the one to try.
@pytest.mark.parametrize(
    ("dependents", "absent", "alternative"),
    [
        ([("ns1", [HERE]), ("ns1", [parent("xx")])], HERE, parent("xx")),
        ([("ns1", [HERE]), ("ns1", [parent(kind="xx")])], HERE, parent(kind="xx")),
        ([("ns1", [HERE]), ("ns2", [HERE])], HERE, parent(namespace="ns2")),
        ([("ns1", [HERE]), ("ns1", [parent(name="xx")])], HERE, parent(name="xx")),
        # Of another version or kind nobody knows that it is cluster-scoped.
        ([("ns1", [CLUSTER]), ("ns1", [parent("xx")])], CLUSTER, parent("xx")),
        ([("ns1", [CLUSTER]), ("ns1", [parent(kind="xx")])], CLUSTER, parent(kind="xx")),
        ([("ns1", [CLUSTER]), ("ns2", [CLUSTER])], CLUSTER, None),
        ([("ns1", [CLUSTER]), ("ns1", [parent(name="xx")])], CLUSTER, parent(name="xx", namespace="")),
        ([("ns1", versions("ns1"))], versions("ns1")[4], versions("ns1")[0]),
        ([("ns1", versions("ns1"))], versions("ns1")[3], versions("ns1")[4]),
        ([("", versions(""))], versions("")[4], versions("")[0]),
        ([("", versions(""))], versions("")[3], versions("")[4]),
        ([("ns1", [CLUSTER, OTHER_UID])], CLUSTER, None),
        ([("ns1", [CLUSTER, CLUSTER])], CLUSTER, None),
    ],
)
def test_where_else_an_owner_may_be(
    dependents: list[tuple[str, list[Identity]]], absent: Identity, alternative: Identity | None
) -> None:
    nodes = [names_parents(namespace, *parents) for namespace, parents in dependents]
    assert dependency_graph.alternative(nodes, absent) == alternative


@given(
    events=st.lists(
        st.tuples(
            st.sampled_from(["observe", "gone", "not_found"]),
            st.sampled_from("abcd"),
            st.sets(st.sampled_from("abcd")),
        ),
        max_size=40,
    )
)
def test_the_graph_agrees_with_itself_whatever_happens(events: list[tuple[str, str, set[str]]]) -> None:
    graph = Graph(Asked())
    present: dict[str, set[str]] = {}
    for event, uid, owners in events:
        if event == "observe":
            present[uid] = owners
            observe(graph, uid, *map(owner, sorted(owners)))
        elif event == "gone":
            present.pop(uid, None)
            graph.gone(thing(uid))
        elif uid not in present:
            graph.not_found(thing(uid))
    for uid, owners in present.items():
        node = graph.get(uid)
        assert node is not None and not node.virtual
        assert {ref.uid for ref in node.owners} == owners
    for uid in graph.uids:
        node = graph.get(uid)
        assert node is not None
        for dependent in node.dependents or ():
            assert uid in present[dependent.identity.uid]
