from __future__ import annotations

from typing import Any

import orjson
import pytest

from kubepy.api.builtins import NODES, PODS, REPLICATION_CONTROLLERS
from kubepy.api.objects import Document, DocumentPool, key_of
from kubepy.apiserver.registry.feeds import Scope
from kubepy.apiserver.registry.selection import select
from kubepy.apiserver.registry.views import Served

POOL = DocumentPool()


def document(**obj: Any) -> Document:
    obj["metadata"] = {"name": "a", "namespace": "default", **obj.get("metadata", {})}
    return Document(key_of(obj), orjson.dumps(obj), 1, POOL)


@pytest.mark.parametrize(
    ("labels", "fields", "scope", "tests_more"),
    [
        ("", "", Scope("default", ""), False),
        ("", "metadata.name=a", Scope("default", "a"), False),
        ("", "metadata.name=a,metadata.namespace=default", Scope("default", "a"), False),
        ("", "metadata.name=a,metadata.namespace=other", Scope("default", "a"), True),
        ("", "metadata.name!=a", Scope("default", ""), True),
        ("x=y", "metadata.name=a", Scope("default", "a"), True),
        ("", "spec.nodeName=n", Scope("default", ""), True),
    ],
)
def test_what_the_scope_decides(labels: str, fields: str, scope: Scope, tests_more: bool) -> None:
    found, selection = select(Served(PODS, PODS, POOL), "default", "", labels, fields)
    assert found == scope
    assert (selection is not None) is tests_more


@pytest.mark.parametrize(
    ("resource", "labels", "fields", "obj", "wanted"),
    [
        (PODS, "", "spec.nodeName=n1", {"spec": {"nodeName": "n1"}}, True),
        (PODS, "", "spec.nodeName=n1", {"spec": {"nodeName": "n10"}}, False),
        (PODS, "", "spec.nodeName=", {"spec": {}}, True),
        (PODS, "", "spec.nodeName!=n1", {"spec": {}}, True),
        (PODS, "", "spec.hostNetwork=false", {"spec": {}}, True),
        (PODS, "", "status.podIP=1.2.3.4", {"status": {"podIPs": [{"ip": "1.2.3.4"}]}}, True),
        (NODES, "", "spec.unschedulable=false", {"spec": {}}, True),
        (NODES, "", "spec.unschedulable=true", {"spec": {"unschedulable": True}}, True),
        (REPLICATION_CONTROLLERS, "", "status.replicas=3", {"status": {"replicas": 3}}, True),
        (REPLICATION_CONTROLLERS, "", "status.replicas=0", {}, True),
        (PODS, "a=b", "", {"metadata": {"labels": {"a": "b"}}}, True),
        (PODS, "a=b", "", {"metadata": {"labels": {"b": "b"}}}, False),
        (PODS, "a=", "", {"metadata": {"labels": {"a": ""}}}, True),
        (PODS, "a=1", "", {"metadata": {"labels": {"a": "1"}}}, True),
        (PODS, "!a", "", {}, True),
        (
            PODS,
            "a in (b)",
            "spec.nodeName=n",
            {"metadata": {"labels": {"a": "b"}}, "spec": {"nodeName": "n"}},
            True,
        ),
    ],
)
def test_matches(resource: Any, labels: str, fields: str, obj: dict[str, Any], wanted: bool) -> None:
    _, selection = select(Served(resource, resource, POOL), "", "", labels, fields)
    assert selection is not None
    assert selection.matches(document(**obj)) is wanted


def test_what_cannot_match_is_not_decoded() -> None:
    _, selection = select(Served(PODS, PODS, POOL), "", "", "app=web", "")
    assert selection is not None
    other = document(metadata={"labels": {"app": "db"}})
    assert not selection.matches(other)
    assert other._obj is None


def test_equal_selections_are_equal() -> None:
    served = Served(PODS, PODS, POOL)
    first, second, third = (select(served, "", "", text, "")[1] for text in ("a=b,c=d", "c=d,a=b", "a=c"))
    assert first == second
    assert hash(first) == hash(second)
    assert first != third


@pytest.mark.parametrize(
    ("labels", "fields", "marks"),
    [
        ("", "metadata.name!=b", None),
        ("a!=b,!e,d notin (e)", "", None),
        ("a=b", "", {("a", "b")}),
        ("c,a in (b,d)", "", {("a", "b"), ("a", "d")}),
        ("a!=b,c", "", {"c"}),
        ("a>1", "", {"a"}),
        ("a=b", "spec.nodeName=n", {"n"}),
        ("", "spec.nodeName=", {""}),
    ],
)
def test_what_an_event_must_have_to_concern_a_watcher(
    labels: str, fields: str, marks: set[Any] | None
) -> None:
    _, selection = select(Served(PODS, PODS, POOL), "", "", labels, fields)
    assert selection is not None
    trigger = selection.trigger
    assert (set(trigger.marks) if trigger else None) == marks
    pods = [
        document(metadata={"labels": {"a": value, "c": "x"}}, spec={"nodeName": node} if node else {})
        for value in ("b", "d", "2")
        for node in ("n", "")
    ]
    matched = [pod for pod in pods if selection.matches(pod)]
    assert matched
    for pod in matched:
        assert trigger is None or set(trigger.marks) & set(trigger.marks_of(pod))
