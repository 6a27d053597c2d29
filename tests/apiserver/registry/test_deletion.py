from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.builtins import CONFIG_MAPS, EVENTS, JOBS, NAMESPACES, PODS
from kubepy.api.errors import Conflict
from kubepy.apiserver.registry import deletion
from kubepy.apiserver.registry.options import DeleteOptions
from kubepy.apiserver.registry.strategies import strategy_for
from kubepy.lib.clock import VirtualClock, rfc3339

NOW = VirtualClock.START


def at(offset_s: float) -> str:
    return rfc3339(NOW + offset_s)


def pod(node: str = "node-1", phase: str = "Running", grace_s: int = 30, **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "a", "generation": 1, **metadata},
        "spec": {"nodeName": node, "terminationGracePeriodSeconds": grace_s},
        "status": {"phase": phase},
    }


@pytest.mark.parametrize(
    ("obj", "options", "action", "timestamp", "grace_s"),
    [
        (pod(), DeleteOptions(), "MARK", at(30), 30),
        (pod(), DeleteOptions(grace_period_s=5), "MARK", at(5), 5),
        (pod(), DeleteOptions(grace_period_s=0), "VANISH", at(0), 0),
        (pod(node=""), DeleteOptions(), "VANISH", at(0), 0),
        (pod(node=""), DeleteOptions(grace_period_s=30), "VANISH", at(0), 0),
        (pod(phase="Succeeded"), DeleteOptions(), "VANISH", at(0), 0),
        (pod(node="", finalizers=["x/y"]), DeleteOptions(), "MARK", at(0), 0),
        # already being deleted: only shorter periods count
        (
            pod(deletionTimestamp=at(20), deletionGracePeriodSeconds=30),
            DeleteOptions(),
            "PENDING",
            at(20),
            30,
        ),
        (
            pod(deletionTimestamp=at(20), deletionGracePeriodSeconds=30),
            DeleteOptions(grace_period_s=60),
            "PENDING",
            at(20),
            30,
        ),
        (
            pod(deletionTimestamp=at(20), deletionGracePeriodSeconds=30),
            DeleteOptions(grace_period_s=15),
            "MARK",
            at(5),
            15,
        ),
        (
            pod(deletionTimestamp=at(5), deletionGracePeriodSeconds=30),
            DeleteOptions(grace_period_s=10),
            "MARK",
            at(0),
            1,
        ),
        (
            pod(deletionTimestamp=at(20), deletionGracePeriodSeconds=30),
            DeleteOptions(grace_period_s=0),
            "VANISH",
            at(0),
            0,
        ),
        (pod(deletionTimestamp=at(-5), deletionGracePeriodSeconds=0), DeleteOptions(), "VANISH", at(-5), 0),
    ],
)
def test_pods_are_deleted_gracefully(
    obj: dict[str, Any], options: DeleteOptions, action: str, timestamp: str, grace_s: int
) -> None:
    plan = deletion.plan(strategy_for(PODS), obj, options, NOW)
    metadata = plan.obj["metadata"]
    assert (plan.action, metadata["deletionTimestamp"], metadata["deletionGracePeriodSeconds"]) == (
        action,
        timestamp,
        grace_s,
    )


def test_marking_counts_as_a_generation_once() -> None:
    strategy = strategy_for(PODS)
    first = deletion.plan(strategy, pod(), DeleteOptions(), NOW).obj
    assert first["metadata"]["generation"] == 2
    again = deletion.plan(strategy, first, DeleteOptions(grace_period_s=5), NOW).obj
    assert again["metadata"]["generation"] == 2


@pytest.mark.parametrize(
    ("resource", "finalizers", "options", "wanted"),
    [
        (CONFIG_MAPS, [], DeleteOptions(), []),
        (CONFIG_MAPS, [], DeleteOptions(propagation="Background"), []),
        (CONFIG_MAPS, [], DeleteOptions(propagation="Foreground"), ["foregroundDeletion"]),
        (CONFIG_MAPS, ["x/y"], DeleteOptions(propagation="Orphan"), ["x/y", "orphan"]),
        (CONFIG_MAPS, [], DeleteOptions(orphan_dependents=True), ["orphan"]),
        (CONFIG_MAPS, ["orphan"], DeleteOptions(orphan_dependents=False), []),
        (CONFIG_MAPS, ["orphan"], DeleteOptions(), ["orphan"]),
        (CONFIG_MAPS, ["foregroundDeletion"], DeleteOptions(), ["foregroundDeletion"]),
        (CONFIG_MAPS, ["orphan"], DeleteOptions(propagation="Foreground"), ["foregroundDeletion"]),
        (JOBS, [], DeleteOptions(), ["orphan"]),
        (JOBS, [], DeleteOptions(propagation="Background"), []),
        (EVENTS, [], DeleteOptions(propagation="Orphan"), []),
    ],
)
def test_finalizers_say_what_happens_to_dependents(
    resource: Any, finalizers: list[str], options: DeleteOptions, wanted: list[str]
) -> None:
    strategy = strategy_for(resource)
    assert deletion.collector_finalizers(strategy, {"finalizers": finalizers}, options) == wanted


def test_an_object_with_finalizers_is_marked_with_no_grace() -> None:
    obj = {"metadata": {"name": "a", "finalizers": ["x/y"]}}
    plan = deletion.plan(strategy_for(CONFIG_MAPS), obj, DeleteOptions(), NOW)
    assert plan.action == "MARK"
    assert plan.obj["metadata"]["deletionTimestamp"] == at(0)
    assert plan.obj["metadata"]["deletionGracePeriodSeconds"] == 0


@pytest.mark.parametrize(
    ("new", "old", "wanted"),
    [
        ({}, {"deletionTimestamp": at(0)}, True),
        ({}, {"deletionTimestamp": at(0), "deletionGracePeriodSeconds": 0}, True),
        ({}, {"deletionTimestamp": at(0), "deletionGracePeriodSeconds": 30}, False),
        ({"finalizers": ["x/y"]}, {"deletionTimestamp": at(0)}, False),
        ({}, {}, False),
    ],
)
def test_taking_away_the_last_finalizer_deletes(new: Any, old: Any, wanted: bool) -> None:
    assert (
        deletion.vanishes_on_update(strategy_for(CONFIG_MAPS), {"metadata": new}, {"metadata": old}) is wanted
    )


def test_a_namespace_is_held_by_its_own_finalizers() -> None:
    old = {"metadata": {"deletionTimestamp": at(0)}}
    held = {"metadata": {}, "spec": {"finalizers": ["kubernetes"]}}
    strategy = strategy_for(NAMESPACES)
    assert not deletion.vanishes_on_update(strategy, held, old)
    assert deletion.vanishes_on_update(strategy, {"metadata": {}, "spec": {}}, old)


def test_preconditions_name_what_differs() -> None:
    obj = {"metadata": {"name": "a", "uid": "u1", "resourceVersion": "7"}}
    deletion.check_preconditions(PODS, obj, DeleteOptions(uid="u1", resource_version="7"))
    with pytest.raises(Conflict) as caught:
        deletion.check_preconditions(PODS, obj, DeleteOptions(uid="u2"))
    assert caught.value.message == (
        'Operation cannot be fulfilled on Pod "a": the UID in the precondition (u2) does not match the UID in record '
        "(u1). The object might have been deleted and then recreated"
    )
    with pytest.raises(Conflict) as caught:
        deletion.check_preconditions(PODS, obj, DeleteOptions(resource_version="8"))
    assert "the ResourceVersion in the precondition (8) does not match" in caught.value.message
    assert caught.value.status()["details"] == {"name": "a", "kind": "Pod"}
    with pytest.raises(Conflict) as caught:
        deletion.check_preconditions(JOBS, obj, DeleteOptions(uid="u2"))
    assert caught.value.status()["details"] == {"name": "a", "kind": "Job", "group": "batch"}
