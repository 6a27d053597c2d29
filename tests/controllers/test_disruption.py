"""PodDisruptionBudgets: what their status says, and that evictions keep to it."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api import errors, objects
from kubepy.api.builtins import DEPLOYMENTS, POD_DISRUPTION_BUDGETS, PODS
from kubepy.api.objects import Obj
from kubepy.controllers.disruption import (
    Member,
    Owner,
    Plan,
    needed,
    plan,
    render_selector,
    stale_in,
    with_condition,
)
from kubepy.lib.aio import gather_bounded
from kubepy.lib.clock import parse_rfc3339
from kubepy.testing.builders import make_custom_kind, make_daemon_set, make_deployment, make_pod
from kubepy.testing.cluster import Cluster
from tests.controllers.conftest import World

NOW_TEXT = "2026-01-01T01:00:00Z"
NOW = parse_rfc3339(NOW_TEXT)
OWNER = Owner("apps/v1", "ReplicaSet", "web", "u")
READY, UNREADY, LEAVING = Member(False, True, OWNER), Member(False, False, OWNER), Member(True, True, OWNER)


def budget(**fields: Any) -> Obj:
    status = fields.pop("status", {})
    selector = {"matchLabels": {"app": "web"}}
    return {
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "web", "namespace": "default", "generation": 1},
        "spec": {"selector": selector} | fields, "status": status,
    }  # fmt: skip


# Source: disruption_test.go, TestNoSelector ... TestPercentageWithUnmanagedPods.
@pytest.mark.parametrize(
    ("spec", "members", "scale", "expected_and_desired"),
    [
        ({"minAvailable": 3}, 4, 0, (4, 3)),
        ({"minAvailable": "30%"}, 4, 10, (10, 3)),
        ({"minAvailable": "28%"}, 4, 7, (7, 2)),  # rounded up
        ({"minAvailable": "100%"}, 1, 7, (7, 7)),
        ({"maxUnavailable": 2}, 4, 10, (10, 8)),
        ({"maxUnavailable": 20}, 4, 10, (10, 0)),
        ({"maxUnavailable": "30%"}, 4, 10, (10, 7)),
        ({"maxUnavailable": "33%"}, 4, 10, (10, 6)),  # rounded up
        ({}, 4, 0, (0, 0)),
    ],
)
def test_how_many_are_needed(
    spec: Obj, members: int, scale: int, expected_and_desired: tuple[int, int]
) -> None:
    assert needed(spec, members, scale) == expected_and_desired


@pytest.mark.parametrize(
    ("members", "disrupted", "counts"),  # healthy, desired, allowed, expected
    [
        ({}, {}, (0, 2, 0, 0)),
        ({"a": READY, "b": READY, "c": READY}, {}, (3, 2, 1, 3)),
        ({"a": READY, "b": READY, "c": UNREADY}, {}, (2, 2, 0, 3)),
        ({"a": READY, "b": UNREADY}, {}, (1, 2, 0, 2)),
        ({"a": READY, "b": READY, "c": LEAVING}, {}, (2, 2, 0, 3)),
        # On its way out, by word of the eviction API.
        ({"a": READY, "b": READY, "c": READY}, {"c": NOW_TEXT}, (2, 2, 0, 3)),
        # It never went.
        ({"a": READY, "b": READY, "c": READY}, {"c": "2026-01-01T00:58:00Z"}, (3, 2, 1, 3)),
        # It went.
        ({"a": READY, "b": READY}, {"c": NOW_TEXT}, (2, 2, 0, 2)),
    ],
)
def test_what_may_be_disrupted(
    members: dict[str, Member], disrupted: dict[str, str], counts: tuple[int, ...]
) -> None:
    status = plan(budget(minAvailable=2, status={"disruptedPods": disrupted}), members, 0, NOW).status
    assert status is not None
    names = ("currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods")
    assert tuple(status[name] for name in names) == counts


def test_evictions_that_are_not_carried_out_are_forgotten_in_time() -> None:
    noted = {"a": "2026-01-01T00:58:00Z", "b": "2026-01-01T00:59:00Z", "c": NOW_TEXT, "d": NOW_TEXT}
    members = {"a": READY, "b": READY, "c": LEAVING, "e": READY}
    decided = plan(budget(minAvailable=1, status={"disruptedPods": noted}), members, 0, NOW)
    assert decided.status is not None and decided.status["disruptedPods"] == {"b": "2026-01-01T00:59:00Z"}
    assert (decided.overdue, decided.recheck_s) == (("a",), 60.0)


def test_a_status_that_says_it_all_is_left_alone() -> None:
    first = plan(budget(minAvailable=1), {"a": READY, "b": READY}, 0, NOW)
    assert first.status is not None
    written = budget(minAvailable=1, status=with_condition(budget(), first.status, NOW_TEXT))
    assert plan(written, {"a": READY, "b": READY}, 0, NOW) == Plan()
    assert written["status"]["conditions"] == [
        {"type": "DisruptionAllowed", "status": "True", "lastTransitionTime": NOW_TEXT, "reason": "SufficientPods",
         "message": "", "observedGeneration": 1},
    ]  # fmt: skip
    written["metadata"]["generation"] = 2
    assert plan(written, {"a": READY, "b": READY}, 0, NOW).status is not None


def test_a_selector_as_go_prints_it() -> None:
    selector = {
        "matchLabels": {"b": "2", "a": "1"},
        "matchExpressions": [{"key": "k", "operator": "In", "values": ["x", "y"]}],
    }
    assert render_selector(selector) == (
        "&LabelSelector{MatchLabels:map[string]string{a: 1,b: 2,},MatchExpressions:[]LabelSelectorRequirement{"
        "LabelSelectorRequirement{Key:k,Operator:In,Values:[x y],},},}"
    )


# Source: disruption_test.go, TestStalePodDisruption.
@pytest.mark.parametrize(
    ("change", "left_s"),
    [
        ({}, 60.0),
        ({"status": "False"}, None),
        ({"reason": "TerminationByKubelet"}, None),
        ({"lastTransitionTime": "2026-01-01T00:00:00Z"}, 0.0),
    ],
)
def test_when_a_mark_is_void(change: Obj, left_s: float | None) -> None:
    mark = {
        "type": "DisruptionTarget",
        "status": "True",
        "lastTransitionTime": "2026-01-01T00:59:00Z",
    } | change
    pod = make_pod("p").phase("Running").obj()
    pod["status"]["conditions"] = [mark]
    assert stale_in(pod, NOW) == left_s
    for over in ({"phase": "Failed"}, {"phase": "Succeeded"}):
        assert stale_in(pod | {"status": pod["status"] | over}, NOW) is None
    assert stale_in(pod | {"metadata": pod["metadata"] | {"deletionTimestamp": NOW_TEXT}}, NOW) is None


# -- on a running cluster ----------------------------------------------------------------------------------------


async def make_budget(cluster: Cluster, name: str = "web", **spec: Any) -> None:
    made = budget(**spec)
    made["metadata"] = {"name": name, "namespace": "default"}
    del made["status"]
    await cluster.create(made)


async def status_of(cluster: Cluster, name: str = "web") -> Obj:
    await cluster.settle()
    return (await cluster.get(POD_DISRUPTION_BUDGETS, name))["status"]


def web(replicas: int) -> Any:
    return make_deployment("web").selects(app="web").pod_label("app", "web").replicas(replicas)


async def evict(cluster: Cluster, name: str) -> None:
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": "default"},
    }
    await cluster.client.create(PODS, eviction, namespace="default", name=name, subresource="eviction")


async def test_a_share_of_what_the_owner_is_to_run(cluster: Cluster, world: World) -> None:
    await make_budget(cluster, minAvailable="50%")
    status = await status_of(cluster)
    assert (status["disruptionsAllowed"], status["expectedPods"]) == (0, 0)
    assert await world.events("NoPods") == ["No matching pods found"]
    await cluster.create(web(4))
    await cluster.until(lambda: cluster.pods(ready=True), count=4)
    status = await status_of(cluster)
    assert (status["disruptionsAllowed"], status["expectedPods"], status["desiredHealthy"]) == (2, 4, 2)
    # What the owner wants counts, not what there is.
    await world.patch(DEPLOYMENTS, "web", {"spec": {"replicas": 8}})
    status = await status_of(cluster)
    assert (status["disruptionsAllowed"], status["expectedPods"], status["desiredHealthy"]) == (0, 8, 4)
    condition = next(c for c in status["conditions"] if c["type"] == "DisruptionAllowed")
    assert (condition["status"], condition["reason"]) == ("False", "InsufficientPods")


async def test_concurrent_evictions_take_no_more_than_allowed(cluster: Cluster, world: World) -> None:
    await make_budget(cluster, maxUnavailable=2)
    await cluster.create(web(6))
    await cluster.until(lambda: cluster.pods(ready=True), count=6)
    await cluster.settle()
    results = await gather_bounded(6, [evict(cluster, name) for name in await world.names()])
    refused = [result for result in results if isinstance(result, errors.TooManyRequests)]
    assert len(refused) == 4 and sum(result is None for result in results) == 2
    assert refused[0].message == "Cannot evict pod as it would violate the pod's disruption budget."
    assert refused[0].details is not None
    assert refused[0].details["causes"][0]["reason"] == "DisruptionBudget"
    await cluster.advance(60)
    assert len(await cluster.pods("default", ready=True)) == 6
    status = await status_of(cluster)
    assert status["disruptionsAllowed"] == 2 and "disruptedPods" not in status


async def test_unmanaged_pods_are_told_of_and_pods_of_unknown_owners_allow_nothing(
    cluster: Cluster, world: World
) -> None:
    await cluster.create(make_pod("alone").label("app", "web"))
    await cluster.until(lambda: cluster.pods(ready=True), count=1)
    await make_budget(cluster, maxUnavailable=1)
    status = await status_of(cluster)
    assert (status["expectedPods"], status["disruptionsAllowed"]) == (0, 0)
    assert (await world.events("UnmanagedPods"))[0].startswith(
        "Pods selected by this PodDisruptionBudget (selector: &LabelSelector{MatchLabels:map[string]string{app: web,},"
        "MatchExpressions:[]LabelSelectorRequirement{},}) were found to be unmanaged."
    )
    daemons = make_daemon_set("ds").selects(ds="ds").pod_label("ds", "ds").pod_label("app", "web")
    await cluster.create(daemons)
    status = await status_of(cluster)
    condition = next(c for c in status["conditions"] if c["type"] == "DisruptionAllowed")
    assert (condition["reason"], condition["message"]) == (
        "SyncFailed", "daemonsets.apps does not implement the scale subresource",
    )  # fmt: skip
    assert status["disruptionsAllowed"] == 0
    assert set(await world.events("CalculateExpectedPodCountFailed")) == {
        "Failed to calculate the number of expected pods: daemonsets.apps does not implement the scale subresource"
    }


async def test_two_budgets_for_one_pod(cluster: Cluster, world: World) -> None:
    await make_budget(cluster, "one", minAvailable=1)
    await make_budget(cluster, "two", minAvailable=1)
    await cluster.create(make_pod("p").label("app", "web"))
    await cluster.settle()
    assert (await world.events("MultiplePodDisruptionBudgets"))[0] == (
        'Pod "default"/"p" matches multiple PodDisruptionBudgets.  Chose "one" arbitrarily.'
    )


async def test_a_pod_that_changes_its_labels_leaves_the_budget(cluster: Cluster, world: World) -> None:
    await make_budget(cluster, minAvailable=0)
    await cluster.create(make_pod("p").label("app", "web"))
    await cluster.until(lambda: cluster.pods(ready=True), count=1)
    assert (await status_of(cluster))["currentHealthy"] == 1
    await world.patch(PODS, "p", {"metadata": {"labels": {"app": "other"}}})
    assert (await status_of(cluster))["currentHealthy"] == 0
    await world.patch(
        POD_DISRUPTION_BUDGETS, "web", {"spec": {"selector": {"matchLabels": {"app": "other"}}}}
    )
    assert (await status_of(cluster))["currentHealthy"] == 1


async def test_the_mark_of_a_pod_that_stays_is_taken_back(cluster: Cluster, world: World) -> None:
    await cluster.create(make_pod("p"))
    await cluster.until(lambda: cluster.pods(ready=True), count=1)
    mark = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler", "message": "m"}
    status = {"conditions": [mark | {"lastTransitionTime": cluster.clock.rfc3339()}]}
    await world.patch(PODS, "p", {"status": status}, subresource="status")
    await cluster.advance(115)
    found = objects.condition(await cluster.get(PODS, "p"), "DisruptionTarget")
    assert found is not None and found["status"] == "True"
    await cluster.advance(10)
    found = objects.condition(await cluster.get(PODS, "p"), "DisruptionTarget")
    assert found is not None and found["status"] == "False" and "reason" not in found


async def test_an_eviction_that_never_came_is_forgotten(cluster: Cluster, world: World) -> None:
    await make_budget(cluster, minAvailable=1)
    await cluster.create(web(2))
    await cluster.until(lambda: cluster.pods(ready=True), count=2)
    await cluster.settle()
    name = (await world.names())[0]
    noted = {"status": {"disruptedPods": {name: cluster.clock.rfc3339()}}}
    await world.patch(
        POD_DISRUPTION_BUDGETS,
        "web",
        noted,
        subresource="status",
        content_type="application/merge-patch+json",
    )
    assert (await status_of(cluster))["disruptionsAllowed"] == 0
    await cluster.advance(121)
    status = await status_of(cluster)
    assert status["disruptionsAllowed"] == 1 and "disruptedPods" not in status
    assert await world.events("NotDeleted") == [
        "Pod was expected by PDB default/default to be deleted but it wasn't"
    ]


async def test_custom_kinds_count_by_their_scale(cluster: Cluster) -> None:
    await cluster.create(make_custom_kind("Flock").with_scale())
    await cluster.advance(10)
    flock = {
        "apiVersion": "example.com/v1",
        "kind": "Flock",
        "metadata": {"name": "f", "namespace": "default"},
    }
    owner = await cluster.create(flock | {"spec": {"replicas": 5}})
    await cluster.create(make_pod("p").label("app", "web").owned_by(owner))
    await make_budget(cluster, maxUnavailable="20%")
    status = await status_of(cluster)
    assert (status["expectedPods"], status["desiredHealthy"]) == (5, 4)
