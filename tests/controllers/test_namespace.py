"""Namespaces: what the conditions say, and when the namespace may go."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.builtins import CONFIG_MAPS, DEPLOYMENTS, PODS
from kubepy.controllers import namespace as namespaces
from kubepy.controllers.namespace import Remaining
from kubepy.lib.clock import VirtualClock, rfc3339

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


@pytest.mark.parametrize(
    ("finalizers", "grace_s", "deleted_for_s", "estimate_s", "fails"),
    [((), 30, 10, 30, False), ((), 30, 31, 0, True), (("f",), 30, 31, 15, False), (("f",), 0, 0, 15, False)],
)
def test_what_is_left_is_waited_for_or_complained_about(
    finalizers: Any, grace_s: int, deleted_for_s: float, estimate_s: int, fails: bool
) -> None:
    left = [{"metadata": {"name": "p", "finalizers": list(finalizers)}}]
    found = namespaces.judge(PODS, "x", left, grace_s, deleted_for_s)
    assert (found.count, found.estimate_s) == (1, estimate_s)
    wanted = "unexpected items still remain in namespace: x for gvr: /v1, Resource=pods" if fails else ""
    assert found.failure == wanted


def test_the_longest_grace_of_a_running_pod_counts() -> None:
    pods = [
        {"spec": {"terminationGracePeriodSeconds": seconds}, "status": {"phase": phase}}
        for seconds, phase in ((5, "Running"), (30, "Pending"), (900, "Succeeded"))
    ]
    assert namespaces.grace_seconds(pods) == 30
