"""ReplicaSets: which pods are made and deleted, and what the status says of them."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api import objects
from kubepy.api.builtins import PODS, REPLICA_SETS, REPLICATION_CONTROLLERS
from kubepy.client.given import Given
from kubepy.controllers import replica_set as replica_sets
from kubepy.controllers.manager import ControllerManager
from kubepy.controllers.replica_set import BURST, Counted, Failure, Plan
from kubepy.lib.clock import VirtualClock, rfc3339
from kubepy.observability import logs
from kubepy.observability.metrics import Metrics
from kubepy.testing import builders
from kubepy.testing.cluster import Cluster
from tests.controllers.conftest import World

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


UNSCHEDULED, PENDING = pod("unscheduled", node="", phase="Pending"), pod("pending", phase="Pending")
UNREADY, READY_1, READY_2 = (
    pod("unready"),
    pod("ready-1", ready=50, node="n1"),
    pod("ready-2", ready=50, node="n2"),
)


# Source: replica_set_test.go, TestGetPodsToDelete; related: absent means those of the set itself.
@pytest.mark.parametrize(
    ("subjects", "related", "count", "doomed"),
    [
        ([], None, 0, []),
        ([UNREADY, READY_1], None, 2, [UNREADY, READY_1]),
        ([READY_1, UNREADY], None, 1, [UNREADY]),
        ([READY_1, READY_1, READY_2, UNREADY, PENDING, UNSCHEDULED], None, 6,
         [READY_1, READY_1, READY_2, UNREADY, PENDING, UNSCHEDULED]),
        ([READY_1, READY_1, READY_2, UNREADY, PENDING, UNSCHEDULED], [], 6,
         [READY_1, READY_1, READY_2, UNREADY, PENDING, UNSCHEDULED]),
        ([PENDING, UNSCHEDULED], None, 1, [UNSCHEDULED]),
        ([READY_1, UNREADY, UNREADY], None, 2, [UNREADY, UNREADY]),
        ([READY_1, READY_2], [READY_1, READY_2, READY_2], 1, [READY_2]),
        ([PENDING, UNREADY], None, 1, [PENDING]),
        ([READY_1, READY_2, UNREADY, PENDING, UNSCHEDULED], None, 3, [UNSCHEDULED, PENDING, UNREADY]),
    ],
)  # fmt: skip
def test_as_many_go_as_there_are_too_many(
    subjects: list[Any], related: list[Any] | None, count: int, doomed: list[Any]
) -> None:
    found = replica_sets.choose(subjects, subjects if related is None else related, count, NOW)
    assert list(found) == doomed


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


LEAVING = {"deletionTimestamp": STAMP}


# Source: replica_set_utils_test.go, TestCalculateStatus: replicas, labelled, ready, available, terminating.
@pytest.mark.parametrize(
    ("labels", "min_ready_s", "subjects", "counts"),
    [
        ({}, 0, [pod("a", ready=0)], (1, 1, 1, 1, 0)),
        ({"tier": "a"}, 0, [pod("a", ready=0)], (1, 0, 1, 1, 0)),
        ({}, 0, [pod("a", ready=0), pod("b", ready=0)], (2, 2, 2, 2, 0)),
        ({"tier": "a"}, 0, [pod("a", ready=0), pod("b", ready=0)], (2, 0, 2, 2, 0)),
        ({"tier": "a"}, 0, [pod("a", ready=0), pod("b", ready=0, labels={"app": "web", "tier": "a"})],
         (2, 1, 2, 2, 0)),
        ({}, 0, [pod("a", phase="Pending")], (1, 1, 0, 0, 0)),
        ({}, 3600, [pod("a", ready=0)], (1, 1, 1, 0, 0)),
        ({}, 3600, [pod("a", ready=3600)], (1, 1, 1, 1, 0)),
        ({}, 3600, [pod("a", ready=7200)], (1, 1, 1, 1, 0)),
        ({}, 0, [pod("a", ready=0), pod("b", ready=0, **LEAVING), pod("c", ready=0, **LEAVING)], (1, 1, 1, 1, 2)),
    ],
)  # fmt: skip
def test_the_status_counts(labels: Any, min_ready_s: int, subjects: Any, counts: tuple[int, ...]) -> None:
    owner = replica_set(minReadySeconds=min_ready_s)
    owner["spec"]["template"]["metadata"]["labels"] = {"app": "web", **labels}
    status = status_of(owner, subjects)
    fields = ("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "terminatingReplicas")
    assert tuple(status.get(field, 0) for field in fields) == counts


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


# -- on a running cluster --------------------------------------------------------------------------------------


def web(replicas: int = 3) -> builders.WorkloadBuilder:
    return builders.make_replica_set("web").replicas(replicas)


async def status_is(cluster: Cluster, **wanted: int) -> bool:
    status = (await cluster.get(REPLICA_SETS, "web")).get("status") or {}
    return all(status.get(name, 0) == value for name, value in wanted.items())


async def test_a_pod_that_is_deleted_is_replaced_at_once(cluster: Cluster, world: World) -> None:
    await cluster.create(web())
    await cluster.until(lambda: status_is(cluster, readyReplicas=3))
    before = await world.names()
    await cluster.client.delete(PODS, before[0], "default")
    await cluster.settle()
    assert await status_is(cluster, replicas=3, readyReplicas=2, terminatingReplicas=1)
    await cluster.until(lambda: status_is(cluster, readyReplicas=3, terminatingReplicas=0))
    assert len(set(await world.names()) - set(before)) == 1


async def test_scaling_says_which_pods_came_and_went(cluster: Cluster, world: World) -> None:
    await cluster.create(web(2))
    await cluster.until(lambda: status_is(cluster, readyReplicas=2))
    names = await world.names()
    assert sorted(await world.events("SuccessfulCreate")) == [f"Created pod: {name}" for name in names]
    await world.patch(REPLICA_SETS, "web", {"spec": {"replicas": 1}})
    await cluster.until(lambda: cluster.pods("default"), count=1)
    (gone,) = set(names) - set(await world.names())
    assert await world.events("SuccessfulDelete") == [f"Deleted pod: {gone}"]


async def test_a_pod_that_leaves_the_selector_is_released_and_one_that_joins_is_adopted(
    cluster: Cluster, world: World
) -> None:
    await cluster.create(web(2))
    await cluster.until(lambda: status_is(cluster, readyReplicas=2))
    stray = (await world.names())[0]
    await world.patch(PODS, stray, {"metadata": {"labels": {"app": "other"}}})
    await cluster.until(lambda: status_is(cluster, readyReplicas=2))
    assert objects.controller_of(await cluster.get(PODS, stray)) is None
    assert len(await world.names()) == 3
    await world.patch(REPLICA_SETS, "web", {"spec": {"replicas": 3}})
    await world.patch(PODS, stray, {"metadata": {"labels": {"app": "web"}}})
    await cluster.until(lambda: status_is(cluster, readyReplicas=3))
    owner = objects.controller_of(await cluster.get(PODS, stray))
    # Whoever was faster: the new pod, and then the stray is one too many, or the adoption.
    assert owner is not None and owner["name"] == "web"


async def test_available_means_ready_for_long_enough(cluster: Cluster) -> None:
    await cluster.create(web(1).min_ready(30))
    ready_after = await cluster.until(lambda: status_is(cluster, readyReplicas=1))
    assert await status_is(cluster, availableReplicas=0)
    waited = await cluster.until(lambda: status_is(cluster, availableReplicas=1))
    assert 29 <= waited <= 31 and ready_after < 5


async def test_a_refusal_is_told_once_and_tried_again(cluster: Cluster, world: World) -> None:
    subject = web(5).obj()
    subject["spec"]["template"]["spec"]["serviceAccountName"] = "late"
    await cluster.create(subject)
    await cluster.settle()
    found = await cluster.get(REPLICA_SETS, "web")
    condition = objects.condition(found, "ReplicaFailure")
    assert condition is not None and condition["reason"] == "FailedCreate"
    assert all(text.startswith("Error creating: pods") for text in await world.events("FailedCreate"))
    await cluster.create(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "late", "namespace": "default"}}
    )
    await cluster.until(lambda: status_is(cluster, readyReplicas=5))
    assert objects.condition(await cluster.get(REPLICA_SETS, "web"), "ReplicaFailure") is None


@pytest.mark.kubepy(controllers=[])
async def test_a_cache_that_lags_behind_does_not_make_or_delete_pods_twice(
    cluster: Cluster, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = ControllerManager(
        cluster.client, Given(cluster.clock, cluster.random, logs.silent(), Metrics()), root_ca=b"",
        enabled=["replicaset", "serviceaccount", "nodelifecycle", "root-ca-cert-publisher"],
    )  # fmt: skip
    await manager.start()
    informer = manager.informers.informer(PODS)
    held: list[Any] = []

    async def touch_while_held(change: Any, expected: int) -> None:
        """The pods' informer hears nothing while the set is changed and looked at again and again."""
        apply = informer.apply
        with monkeypatch.context() as patched:
            patched.setattr(informer, "apply", held.append)
            for number in range(3):
                await world.patch(
                    REPLICA_SETS, "web", change | {"metadata": {"annotations": {"touched": str(number)}}}
                )
                await cluster.advance(10)
            pods = [pod for pod in await cluster.pods("default") if not objects.is_deleting(pod)]
            assert len(pods) == expected
        while held:
            apply(held.pop(0))
        await cluster.advance(60)
        assert await status_is(cluster, replicas=expected, readyReplicas=expected)

    await cluster.create(web(0))
    await cluster.settle()
    await touch_while_held({"spec": {"replicas": 4}}, 4)
    await touch_while_held({"spec": {"replicas": 1}}, 1)
    await manager.close()


async def test_a_set_of_hundreds_has_exactly_as_many_as_it_shall(cluster: Cluster, world: World) -> None:
    await cluster.create(web(700))
    # Three nodes hold 330 pods; the others stay pending and count all the same.
    await cluster.until(lambda: status_is(cluster, replicas=700))
    await cluster.advance(5)
    assert len(await world.names()) == 700
    await world.patch(REPLICA_SETS, "web", {"spec": {"replicas": 20}})
    await cluster.until(lambda: status_is(cluster, replicas=20, readyReplicas=20))


async def test_a_replication_controller_does_the_same(cluster: Cluster) -> None:
    template = {"metadata": {"labels": {"app": "rc"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": 2, "selector": {"app": "rc"}, "template": template}
    metadata = {"name": "rc", "namespace": "default"}
    await cluster.create(
        {"apiVersion": "v1", "kind": "ReplicationController", "metadata": metadata, "spec": spec}
    )
    await cluster.until(lambda: cluster.pods("default", ready=True), count=2)
    status = (await cluster.get(REPLICATION_CONTROLLERS, "rc"))["status"]
    assert (status["readyReplicas"], "terminatingReplicas" in status) == (2, False)
