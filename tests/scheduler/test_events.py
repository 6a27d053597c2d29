import pytest

from kubepy.scheduler import events
from kubepy.scheduler.framework import Action
from tests.scheduler.builders import node, pod, taint


def with_status(obj, **status):
    return {**obj, "status": {**obj["status"], **status}}


def annotated(obj):
    return {**obj, "metadata": {**obj["metadata"], "annotations": {"a": "b"}}}


READY = {"conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": "1"}]}
READY_LATER = {"conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": "2"}]}
NOT_READY = {"conditions": [{"type": "Ready", "status": "False"}]}

NODE_CHANGES = [
    (node(), node(), []),
    (with_status(node(), **READY), with_status(node(), **READY_LATER), []),
    (node(cpu="1"), node(cpu="2"), [Action.UPDATE_NODE_ALLOCATABLE]),
    (node(), node(labels={"a": "b"}), [Action.UPDATE_NODE_LABEL]),
    (node(), node(taints=[taint("a")]), [Action.UPDATE_NODE_TAINT]),
    (node(unschedulable=True), node(), [Action.UPDATE_NODE_TAINT]),
    (node(), node(unschedulable=True), []),
    (with_status(node(), **READY), with_status(node(), **NOT_READY), [Action.UPDATE_NODE_CONDITION]),
    (node(), annotated(node()), [Action.UPDATE_NODE_ANNOTATION]),
    (
        node(cpu="1", labels={"a": "b"}),
        node(cpu="2", taints=[taint("a")]),
        [Action.UPDATE_NODE_ALLOCATABLE, Action.UPDATE_NODE_LABEL, Action.UPDATE_NODE_TAINT],
    ),
]


@pytest.mark.parametrize(("old", "new", "actions"), NODE_CHANGES)
def test_node_changes(old, new, actions):
    assert [event.action for event in events.node_changes(old, new)] == actions


def test_cordoning_reaches_the_cache_though_it_helps_nobody():
    assert not events.is_node_cached_alike(node(), node(unschedulable=True))
    assert events.is_node_cached_alike(with_status(node(), **READY), with_status(node(), **NOT_READY))


GATED = pod(schedulingGates=[{"name": "a"}])
POD_CHANGES = [
    (pod(), pod(), [Action.UPDATE_OTHER]),
    (pod(), pod(labels={"a": "b"}), [Action.UPDATE_POD_LABEL]),
    (pod(cpu="2"), pod(cpu="1"), [Action.UPDATE_POD_SCALE_DOWN]),
    (pod(cpu="1"), pod(cpu="2"), [Action.UPDATE_OTHER]),
    (pod(cpu="1", memory="1"), pod(cpu="1"), [Action.UPDATE_POD_SCALE_DOWN]),
    (GATED, pod(), [Action.UPDATE_POD_GATES_ELIMINATED]),
    (pod(), pod(tolerations=[{"key": "a"}]), [Action.UPDATE_POD_TOLERATION]),
]


@pytest.mark.parametrize(("old", "new", "actions"), POD_CHANGES)
def test_pod_changes(old, new, actions):
    assert [event.action for event in events.pod_changes(old, new)] == actions
