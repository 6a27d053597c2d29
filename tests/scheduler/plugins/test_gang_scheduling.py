"""Source: pkg/scheduler/framework/plugins/gangscheduling/gangscheduling_test.go."""

from __future__ import annotations

import pytest

from kubepy.api.builtins import POD_GROUPS, PODS
from kubepy.scheduler.cache import Cache
from kubepy.scheduler.framework import Action, Code, Hint
from kubepy.scheduler.plugins.gang_scheduling import GangScheduling
from kubepy.scheduler.pod_groups import PodGroups
from tests.scheduler.builders import pod, pod_info, put, toolbox


def group(name="gang", gang=3, namespace="default"):
    policy = {"gang": {"minCount": gang}} if gang else {"basic": {}}
    return {
        "metadata": {"name": name, "namespace": namespace, "uid": name},
        "spec": {"schedulingPolicy": policy},
    }


def of(name, **fields):
    return {"schedulingGroup": {"podGroupName": name}, **fields}


def plugin(groups=(), pods=()):
    tools = toolbox()
    tools.groups = PodGroups(tools.informers, Cache())
    put(tools, POD_GROUPS, *groups)
    put(tools, PODS, *pods)
    return GangScheduling(tools)


MEMBERS = [pod(name, **of("gang")) for name in ("a", "b", "c")]
_NO_GROUP = 'waiting for pod\'s pod group "gang" to appear in scheduling queue'
_TOO_FEW = "waiting for minCount pods from a gang to appear in scheduling queue"


@pytest.mark.parametrize(
    ("fields", "groups", "pods", "message"),
    [
        ({}, [], [], ""),
        (of("gang"), [], MEMBERS, _NO_GROUP),
        (of("gang"), [group(gang=0)], [], ""),
        (of("gang"), [group()], MEMBERS[:2], _TOO_FEW),
        (of("gang"), [group()], MEMBERS, ""),
        (of("gang"), [group(namespace="other")], MEMBERS, _NO_GROUP),
    ],
)
def test_who_may_enter_the_queue(fields, groups, pods, message):
    status = plugin(groups, pods).pre_enqueue(pod_info("a", **fields))
    assert ("" if status is None else status.message) == message
    assert status is None or status.code is Code.UNSCHEDULABLE_AND_UNRESOLVABLE


def hint(resource, action, waiting, old, new):
    interests = plugin().events()
    (found,) = [i for i in interests if i.event.resource == resource and Action[action] & i.event.action]
    return found.hint(waiting, old, new)


@pytest.mark.parametrize(
    ("resource", "action", "old", "new", "expected"),
    [
        ("UnscheduledPod", "ADD", None, pod("x", **of("gang")), Hint.QUEUE),
        ("UnscheduledPod", "ADD", None, pod("x", **of("other")), Hint.SKIP),
        ("UnscheduledPod", "ADD", None, pod("x"), Hint.SKIP),
        ("Pod", "ADD", None, pod("x", **of("gang")), Hint.QUEUE),
        ("PodGroup", "ADD", None, group(), Hint.QUEUE),
        ("PodGroup", "ADD", None, group("other"), Hint.SKIP),
        ("PodGroup", "ADD", None, group(namespace="other"), Hint.SKIP),
        ("PodGroup", "UPDATE", group(gang=3), group(gang=2), Hint.QUEUE),
        ("PodGroup", "UPDATE", group(gang=2), group(gang=3), Hint.SKIP),
        ("PodGroup", "UPDATE", group(gang=3), group(gang=3), Hint.SKIP),
        ("PodGroup", "UPDATE", group("other", 3), group("other", 2), Hint.SKIP),
        ("PodGroup", "UPDATE", group(gang=0), group(gang=0), Hint.SKIP),
    ],
)
def test_what_ends_the_waiting(resource, action, old, new, expected):
    assert hint(resource, action, pod_info("a", **of("gang")), old, new) is expected
    # A pod without a group waits for none.
    assert hint(resource, action, pod_info("a"), old, new) is Hint.SKIP


@pytest.mark.parametrize(
    ("gang", "scheduled", "remaining", "code", "message"),
    [
        (3, 0, 3, Code.WAIT, "minCount (3) is not yet satisfied: 0 scheduled, 3 remaining"),
        (3, 2, 1, Code.WAIT, "minCount (3) is not yet satisfied: 2 scheduled, 1 remaining"),
        (3, 1, 1, Code.UNSCHEDULABLE, "minCount (3) cannot be satisfied: 1 scheduled, 1 remaining"),
        (3, 3, 0, None, ""),
        (3, 3, 5, None, ""),
        (0, 0, 0, Code.UNSCHEDULABLE, "minCount (1) cannot be satisfied: 0 scheduled, 0 remaining"),
        (0, 1, 0, None, ""),
    ],
)
def test_whether_a_group_can_still_be_placed(gang, scheduled, remaining, code, message):
    status = plugin().placement_feasible(group(gang=gang), scheduled=scheduled, remaining=remaining)
    assert (status.code, status.message) == (code, message) if status is not None else code is None
