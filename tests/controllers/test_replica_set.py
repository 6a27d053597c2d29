"""ReplicaSets: which pods are made and deleted, and what the status says of them."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.controllers import replica_set as replica_sets
from kubepy.controllers.replica_set import BURST, Counted, Failure, Plan
from kubepy.lib.clock import VirtualClock, rfc3339

NOW = VirtualClock.START
STAMP = rfc3339(NOW)


def replica_set(replicas: int | None = 3, **spec: Any) -> Any:
    labels = {"app": "web"}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": "web", "namespace": "default", "uid": "rs", "generation": 4},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "c", "image": "i"}]},
            },
            **spec,
        },
        "status": {},
    }


def pod(
    name: str, *, node: str = "n1", ready: float | None = None, phase: str = "Running", **metadata: Any
) -> Any:
    conditions = []
    if ready is not None:
        conditions = [{"type": "Ready", "status": "True", "lastTransitionTime": rfc3339(NOW - ready)}]
    return {
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": name,
            "labels": {"app": "web"},
            "creationTimestamp": rfc3339(NOW - 1000),
            **metadata,
        },
        "spec": {"nodeName": node},
        "status": {"phase": phase, "conditions": conditions},
    }


@pytest.mark.parametrize(
    ("replicas", "present", "create", "delete"),
    [
        (3, 0, 3, 0),
        (3, 3, 0, 0),
        (3, 5, 0, 2),
        (0, 2, 0, 2),
        (2000, 0, BURST, 0),
        (0, 700, 0, BURST),
        (None, 0, 1, 0),
    ],
)
def test_a_plan_closes_the_difference_up_to_a_burst(
    replicas: int | None, present: int, create: int, delete: int
) -> None:
    assert replica_sets.plan(replica_set(replicas), present) == Plan(create, delete)


# Source: pkg/controller/replicaset/replica_set_test.go, TestGetPodsToDelete, TestGetPodsRankedByRelatedPodsOnSameNode.
@pytest.mark.parametrize(
    ("pods", "related", "first"),
    [
        pytest.param([pod("a", ready=50), pod("b")], [], "b", id="not ready before ready"),
        pytest.param([pod("a"), pod("b", node="")], [], "b", id="unassigned before assigned"),
        pytest.param([pod("a"), pod("b", phase="Pending")], [], "b", id="pending before running"),
        pytest.param(
            [pod("a", node="n1", ready=50), pod("b", node="n2", ready=50)],
            [pod("x", node="n2"), pod("y", node="n2"), pod("z", node="n1")],
            "b",
            id="crowded node first",
        ),
        pytest.param(
            [
                pod("a", ready=50, annotations={"controller.kubernetes.io/pod-deletion-cost": "5"}),
                pod("b", ready=50, annotations={"controller.kubernetes.io/pod-deletion-cost": "-5"}),
            ],
            [],
            "b",
            id="cheaper first",
        ),
    ],
)
def test_the_least_useful_pod_goes_first(pods: list[Any], related: list[Any], first: str) -> None:
    (chosen,) = replica_sets.choose(pods, related, 1, NOW)
    assert chosen["metadata"]["name"] == first


def test_a_burst_starts_slowly() -> None:
    assert list(replica_sets.batches(20)) == [1, 2, 4, 8, 5]
    assert list(replica_sets.batches(0)) == []
    assert sum(replica_sets.batches(BURST)) == BURST


def test_a_pod_is_its_template_with_an_owner() -> None:
    owner = replica_set(finalizers=None)
    owner["spec"]["template"]["metadata"]["annotations"] = {"a": "b"}
    assert replica_sets.render_pod(owner) == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": "web-",
            "namespace": "default",
            "labels": {"app": "web"},
            "annotations": {"a": "b"},
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1",
                    "kind": "ReplicaSet",
                    "name": "web",
                    "uid": "rs",
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    }


def test_the_longest_name_has_no_room_for_a_dash() -> None:
    owner = replica_set()
    owner["metadata"]["name"] = "a" * 253
    assert replica_sets.render_pod(owner)["metadata"]["generateName"] == "a" * 253


def counted(owner: Any, *pods: Any) -> list[Counted]:
    template_labels = owner["spec"]["template"]["metadata"]["labels"]
    matches = owner["spec"]["selector"]["matchLabels"]
    return [
        replica_sets.count_pod(pod, 1, lambda labels: matches.items() <= labels.items(), template_labels)
        for pod in pods
    ]


def status_of(owner: Any, pods: list[Any], failure: Failure | None = None) -> Any:
    counts = replica_sets.tally(counted(owner, *pods), owner["spec"].get("minReadySeconds", 0), NOW)
    return replica_sets.render_status(owner, counts, failure, STAMP)


def test_the_status_counts_labelled_ready_and_available_pods() -> None:
    owner = replica_set(minReadySeconds=30)
    owner["spec"]["template"]["metadata"]["labels"] = {"app": "web", "tier": "a"}
    owner["spec"]["selector"] = {"matchLabels": {"app": "web"}}
    pods = [
        pod("new", ready=10),
        pod("old", ready=31, labels={"app": "web", "tier": "a", "more": "b"}),
        pod("waiting"),
        pod("leaving", ready=99, deletionTimestamp=STAMP),
        pod("over", phase="Failed"),
        pod("stranger", ready=99, labels={"app": "other"}),
    ]
    assert status_of(owner, pods) == {
        "replicas": 3,
        "fullyLabeledReplicas": 1,
        "readyReplicas": 2,
        "availableReplicas": 1,
        "terminatingReplicas": 1,
        "observedGeneration": 4,
    }


def test_an_empty_set_says_zero_replicas() -> None:
    assert status_of(replica_set(0), [])["replicas"] == 0


def test_the_first_failure_stands_until_the_set_works_again() -> None:
    owner = replica_set()
    owner["status"] = status_of(owner, [], Failure("FailedCreate", "first"))
    (condition,) = owner["status"]["conditions"]
    assert condition == {
        "type": "ReplicaFailure",
        "status": "True",
        "lastTransitionTime": STAMP,
        "reason": "FailedCreate",
        "message": "first",
    }
    again = status_of(owner, [], Failure("FailedCreate", "second"))
    assert again["conditions"] == [condition]
    assert "conditions" not in status_of(owner, [])


def test_a_status_differs_in_counts_generation_and_conditions_only() -> None:
    same = replica_sets.is_same_status
    assert same({"replicas": 0, "observedGeneration": 1}, {"observedGeneration": 1, "readyReplicas": 0})
    assert not same({"replicas": 1}, {"replicas": 2})
    assert not same({"observedGeneration": 1}, {"observedGeneration": 2})
    assert not same({}, {"terminatingReplicas": 0})
    assert not same({}, {"conditions": [{}]})


def test_the_next_look_is_when_the_next_pod_becomes_available() -> None:
    owner = replica_set()
    pods = [pod("a", ready=10), pod("b", ready=25), pod("c", ready=100), pod("d")]
    assert replica_sets.next_available_s(counted(owner, *pods), 30, NOW) == 5
    assert replica_sets.next_available_s(counted(owner, pod("d")), 30, NOW) == 30


@pytest.mark.parametrize(
    ("change", "counted"),
    [
        ({"spec": {"nodeName": "n2"}}, False),
        ({"status": {"phase": "Running", "podIP": "10.0.0.1", "conditions": []}}, False),
        ({"status": {"phase": "Failed", "conditions": []}}, True),
        ({"status": pod("x", ready=1)["status"]}, True),
        ({"metadata": {"labels": {"app": "other"}}}, True),
        ({"metadata": {"labels": {"app": "web"}, "deletionTimestamp": STAMP}}, True),
    ],
)
def test_only_what_a_set_counts_wakes_it(change: Any, counted: bool) -> None:
    assert replica_sets.is_counted(pod("a") | change, pod("a")) is counted
