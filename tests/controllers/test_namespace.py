"""Namespaces: what the conditions say, and when the namespace may go."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.builtins import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, PODS, SERVICE_ACCOUNTS
from kubepy.api.errors import Forbidden, NotFound
from kubepy.client.client import MERGE_PATCH
from kubepy.controllers import namespace as namespaces
from kubepy.controllers.namespace import Remaining
from kubepy.lib.clock import VirtualClock, rfc3339
from kubepy.testing import builders
from kubepy.testing.cluster import Cluster

NOW = VirtualClock.START


def namespace(**status: Any) -> Any:
    return {
        "metadata": {"name": "x", "deletionTimestamp": rfc3339(NOW)},
        "spec": {"finalizers": ["kubernetes"]},
        "status": status,
    }


def said(plan: namespaces.Plan) -> dict[str, tuple[str, str, str]]:
    assert plan.conditions is not None
    return {c["type"]: (c["status"], c["reason"], c["message"]) for c in plan.conditions}


def test_an_empty_namespace_goes_at_once() -> None:
    plan = namespaces.plan(namespace(), [Remaining(PODS)], "", NOW)
    assert plan.finalize and plan.after_s is None and not plan.failure
    assert list(said(plan).items()) == [
        (
            "NamespaceDeletionDiscoveryFailure",
            ("False", "ResourcesDiscovered", "All resources successfully discovered"),
        ),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            ("False", "ParsedGroupVersions", "All legacy kube types successfully parsed"),
        ),
        (
            "NamespaceDeletionContentFailure",
            ("False", "ContentDeleted", "All content successfully deleted, may be waiting on finalization"),
        ),
        ("NamespaceContentRemaining", ("False", "ContentRemoved", "All content successfully removed")),
        (
            "NamespaceFinalizersRemaining",
            ("False", "ContentHasNoFinalizers", "All content-preserving finalizers finished"),
        ),
    ]


def test_what_remains_is_counted_by_kind_and_finalizer() -> None:
    remaining = [
        Remaining(PODS, 2, {"a/b": 1}, estimate_s=30),
        Remaining(DEPLOYMENTS, 1, {"a/b": 1, "foregroundDeletion": 1}, estimate_s=15),
    ]
    plan = namespaces.plan(namespace(), remaining, "", NOW)
    assert not plan.finalize and plan.after_s == 16
    assert said(plan)["NamespaceContentRemaining"] == (
        "True",
        "SomeResourcesRemain",
        "Some resources are remaining: deployments.apps has 1 resource instances, pods. has 2 resource instances",
    )
    assert said(plan)["NamespaceFinalizersRemaining"] == (
        "True",
        "SomeFinalizersRemain",
        "Some content in the namespace has finalizers remaining: a/b in 2 resource instances, "
        "foregroundDeletion in 1 resource instances",
    )


def test_failures_are_told_and_tried_again() -> None:
    remaining = [Remaining(PODS, failure="no"), Remaining(CONFIG_MAPS, failure="never")]
    plan = namespaces.plan(namespace(), remaining, "groups", NOW)
    assert plan.failure == "[groups, never, no]" and not plan.finalize
    assert said(plan)["NamespaceDeletionContentFailure"] == (
        "True",
        "ContentDeletionFailed",
        "Failed to delete all resource types, 2 remaining: never, no",
    )
    assert said(plan)["NamespaceDeletionDiscoveryFailure"] == ("True", "DiscoveryFailed", "groups")


def test_conditions_are_written_once_and_keep_their_time() -> None:
    first = namespaces.plan(namespace(), [], "", NOW).conditions
    assert namespaces.plan(namespace(conditions=first), [], "", NOW + 50).conditions is None
    later = namespaces.plan(namespace(conditions=first), [Remaining(PODS, 1)], "", NOW + 50).conditions
    assert later is not None
    times = {c["type"]: c["lastTransitionTime"] for c in later}
    assert times["NamespaceContentRemaining"] == rfc3339(NOW + 50)
    assert times["NamespaceFinalizersRemaining"] == rfc3339(NOW)


DISCOVERY, PARSING, CONTENT, REMAINING, FINALIZERS = namespaces.CONDITIONS


# Source: status_condition_utils_test.go, TestUpdateConditions: what was there, what complains; then the order.
@pytest.mark.parametrize(
    ("before", "failure", "order"),
    [
        ([("unknown", "True")], "", ["unknown", DISCOVERY, PARSING, CONTENT, REMAINING, FINALIZERS]),
        ([(DISCOVERY, "True")], "", [DISCOVERY, PARSING, CONTENT, REMAINING, FINALIZERS]),
        ([(PARSING, "True"), (DISCOVERY, "True")], "", [PARSING, DISCOVERY, CONTENT, REMAINING, FINALIZERS]),
        (
            [(PARSING, "True"), (DISCOVERY, "False")],
            "x",
            [PARSING, DISCOVERY, CONTENT, REMAINING, FINALIZERS],
        ),
        ([(PARSING, "True")], "x", [PARSING, DISCOVERY, CONTENT, REMAINING, FINALIZERS]),
    ],
)
def test_conditions_stay_where_they_are(before: Any, failure: str, order: list[str]) -> None:
    known = [{"type": type_, "status": status} for type_, status in before]
    found = namespaces.render_conditions(known, [], failure, NOW)
    assert [each["type"] for each in found] == order
    true = {each["type"] for each in found if each["status"] == "True"}
    assert true == ({DISCOVERY} if failure else set()) | ({"unknown"} & set(order))
    for each in found:
        if each["type"] != "unknown" and each["status"] == "False":
            assert (each["reason"], each["message"]) == namespaces.CONDITIONS[each["type"]]


@pytest.mark.parametrize(
    ("finalizers", "grace_s", "deleted_for_s", "estimate_s", "fails"),
    [((), 30, 10, 30, False), ((), 30, 31, 0, True), (("f",), 30, 31, 15, False), (("f",), 0, 0, 15, False)],
)
def test_what_is_left_is_waited_for_or_complained_about(
    finalizers: Any, grace_s: int, deleted_for_s: float, estimate_s: int, fails: bool
) -> None:
    held = namespaces.count_finalizers([{"metadata": {"name": "p", "finalizers": list(finalizers)}}])
    found = namespaces.judge(PODS, "x", 1, held, grace_s, deleted_for_s)
    assert (found.count, found.estimate_s) == (1, estimate_s)
    wanted = "unexpected items still remain in namespace: x for gvr: /v1, Resource=pods" if fails else ""
    assert found.failure == wanted


def test_the_longest_grace_of_a_running_pod_counts() -> None:
    pods = [
        {"spec": {"terminationGracePeriodSeconds": seconds}, "status": {"phase": phase}}
        for seconds, phase in ((5, "Running"), (30, "Pending"), (900, "Succeeded"))
    ]
    assert namespaces.grace_seconds(pods) == 30


# -- on a running cluster --------------------------------------------------------------------------------------


async def make(cluster: Cluster, name: str = "x") -> None:
    await cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    await cluster.settle()


async def is_gone(cluster: Cluster, name: str = "x") -> bool:
    try:
        await cluster.get(NAMESPACES, name, "")
    except NotFound:
        return True
    return False


def config_map(name: str, **metadata: Any) -> Any:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "x", **metadata}}


async def test_a_new_namespace_has_an_account_and_the_root_ca(cluster: Cluster) -> None:
    await make(cluster)
    assert (await cluster.get(SERVICE_ACCOUNTS, "default", "x"))["metadata"]["name"] == "default"
    assert "ca.crt" in (await cluster.get(CONFIG_MAPS, "kube-root-ca.crt", "x"))["data"]
    for resource, name in ((SERVICE_ACCOUNTS, "default"), (CONFIG_MAPS, "kube-root-ca.crt")):
        await cluster.client.delete(resource, name, "x")
        await cluster.settle()
        assert await cluster.get(resource, name, "x")


async def test_a_namespace_without_pods_goes_with_all_that_is_in_it_at_once(cluster: Cluster) -> None:
    await make(cluster)
    for number in range(20):
        await cluster.create(config_map(f"c{number}"))
    await cluster.client.delete(NAMESPACES, "x")
    await cluster.settle()
    assert await is_gone(cluster)
    assert await cluster.list(CONFIG_MAPS, "x") == []


async def test_pods_go_first_and_the_last_one_takes_the_rest_along(cluster: Cluster) -> None:
    await make(cluster)
    await cluster.create(builders.make_deployment("web").namespace("x").replicas(3))
    await cluster.until(lambda: cluster.pods("x", ready=True), count=3)
    await cluster.client.delete(NAMESPACES, "x")
    await cluster.settle()
    namespace = await cluster.get(NAMESPACES, "x", "")
    assert namespace["status"]["phase"] == "Terminating"
    remaining = next(c for c in namespace["status"]["conditions"] if c["type"] == "NamespaceContentRemaining")
    assert remaining["message"] == "Some resources are remaining: pods. has 3 resource instances"
    assert await cluster.get(DEPLOYMENTS, "web", "x")
    passed_s = await cluster.until(lambda: is_gone(cluster))
    assert passed_s < 5


async def test_a_finalizer_holds_the_namespace_and_is_named(cluster: Cluster) -> None:
    await make(cluster)
    await cluster.create(config_map("held", finalizers=["example.com/hold"]))
    await cluster.client.delete(NAMESPACES, "x")
    await cluster.advance("1m")
    namespace = await cluster.get(NAMESPACES, "x", "")
    held = next(c for c in namespace["status"]["conditions"] if c["type"] == "NamespaceFinalizersRemaining")
    assert held["message"] == (
        "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances"
    )
    with pytest.raises(Forbidden, match="because it is being terminated"):
        await cluster.create(config_map("late"))
    free = {"metadata": {"finalizers": None}}
    await cluster.client.patch(CONFIG_MAPS, "held", free, namespace="x", content_type=MERGE_PATCH)
    await cluster.until(lambda: is_gone(cluster), within="30s")


async def test_a_namespace_that_was_going_when_the_manager_stopped_goes(cluster: Cluster) -> None:
    await make(cluster)
    await cluster.create(config_map("held", finalizers=["example.com/hold"]))
    await cluster.client.delete(NAMESPACES, "x")
    await cluster.settle()
    async with cluster.fork() as restarted:
        free = {"metadata": {"finalizers": None}}
        await restarted.client.patch(CONFIG_MAPS, "held", free, namespace="x", content_type=MERGE_PATCH)
        await restarted.until(lambda: is_gone(restarted), within="1m")
