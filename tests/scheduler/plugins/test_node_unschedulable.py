import pytest

from kubepy.scheduler.framework import CycleState, Hint
from kubepy.scheduler.plugins.node_unschedulable import NodeUnschedulable
from tests.scheduler.builders import node, node_info, pod, pod_info, tolerates

ALLOWED = [tolerates("node.kubernetes.io/unschedulable", effect="NoSchedule", operator="Exists")]


@pytest.mark.parametrize(
    ("cordoned", "tolerations", "fits"), [(True, [], False), (False, [], True), (True, ALLOWED, True)]
)
def test_a_cordoned_node_takes_only_who_tolerates_it(cordoned, tolerations, fits):
    new, where = pod_info(tolerations=tolerations), node_info(unschedulable=cordoned)
    status = NodeUnschedulable().filter(CycleState(), new, where)
    assert (status is None) is fits
    if not fits:
        assert status.reasons == ("node(s) were unschedulable",)


CORDONED, OPEN = node(unschedulable=True), node()
HINTS = [
    (None, OPEN, Hint.QUEUE),
    (None, CORDONED, Hint.SKIP),
    (CORDONED, OPEN, Hint.QUEUE),
    (OPEN, OPEN, Hint.SKIP),
]


@pytest.mark.parametrize(("old", "new", "hint"), HINTS)
def test_a_node_helps_when_it_opens(old, new, hint):
    assert NodeUnschedulable().events()[0].hint(pod_info(), old, new) is hint


def test_the_right_toleration_helps():
    hint = NodeUnschedulable().events()[1].hint
    assert hint(pod_info("web"), pod("web"), pod("web", tolerations=ALLOWED)) is Hint.QUEUE
    assert hint(pod_info("web"), pod("web"), pod("web", tolerations=[tolerates("foo")])) is Hint.SKIP
    assert hint(pod_info("web"), pod("other"), pod("other", tolerations=ALLOWED)) is Hint.SKIP
