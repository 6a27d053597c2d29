import pytest

from kubepy.scheduler.framework import CycleState, Hint
from kubepy.scheduler.plugins.taint_toleration import TaintToleration
from tests.scheduler.builders import node, node_info, pod, pod_info, taint, tolerates

SOFT = "PreferNoSchedule"
DEDICATED = taint("dedicated", "user1")
# Upstream's TestTaintTolerationFilter.
FILTER = [
    ([DEDICATED], [], False),
    ([DEDICATED], [tolerates("dedicated", "user1", "NoSchedule")], True),
    ([DEDICATED], [tolerates("dedicated", "user2", "NoSchedule")], False),
    ([taint("foo", "bar")], [tolerates("foo", effect="NoSchedule", operator="Exists")], True),
    (
        [DEDICATED, taint("foo", "bar")],
        [
            tolerates("dedicated", "user2", "NoSchedule"),
            tolerates("foo", effect="NoSchedule", operator="Exists"),
        ],
        False,
    ),
    ([taint("foo", "bar")], [tolerates("foo", "bar", SOFT)], False),
    ([taint("foo", "bar")], [tolerates("foo", "bar")], True),
    ([DEDICATED | {"effect": SOFT}], [], True),
    ([taint("foo", effect="NoExecute")], [], False),
    ([], [], True),
]


@pytest.mark.parametrize(("taints", "tolerations", "fits"), FILTER)
def test_filter(taints, tolerations, fits):
    status = TaintToleration().filter(
        CycleState(), pod_info(tolerations=tolerations), node_info(taints=taints)
    )
    assert (status is None) is fits
    if not fits:
        assert status.reasons == ("node(s) had untolerated taint(s)",)


CPU_SOFT, DISK_SOFT = taint("cpu-type", "arm64", SOFT), taint("disk-type", "ssd", SOFT)
# Upstream's TestTaintTolerationScore: tolerations, taints per node, normalized scores.
SCORE = [
    ([tolerates("foo", "bar", SOFT)], [[taint("foo", "bar", SOFT)], [taint("foo", "blah", SOFT)]], [100, 0]),
    (
        [tolerates("cpu-type", "arm64", SOFT), tolerates("disk-type", "ssd", SOFT)],
        [[], [CPU_SOFT], [CPU_SOFT, DISK_SOFT]],
        [100, 100, 100],
    ),
    ([tolerates("foo", "bar", SOFT)], [[], [CPU_SOFT], [CPU_SOFT, DISK_SOFT]], [100, 50, 0]),
    (
        [tolerates("cpu-type", "arm64", "NoSchedule"), tolerates("disk-type", "ssd", "NoSchedule")],
        [[], [taint("cpu-type", "arm64")], [CPU_SOFT, DISK_SOFT]],
        [100, 100, 0],
    ),
    ([], [[], [CPU_SOFT]], [100, 0]),
]


@pytest.mark.parametrize(("tolerations", "nodes", "scores"), SCORE)
def test_score(tolerations, nodes, scores):
    plugin, new = TaintToleration(), pod_info(tolerations=tolerations)
    raw = [plugin.score(CycleState(), new, node_info(taints=taints)) for taints in nodes]
    assert plugin.normalize(raw) == scores


def test_signature_is_of_tolerations_but_not_of_their_seconds():
    plain, timed = tolerates("a"), tolerates("a") | {"tolerationSeconds": 300}
    sign = TaintToleration().sign
    assert sign(pod_info(tolerations=[plain])) == sign(pod_info(tolerations=[timed]))
    assert sign(pod_info(tolerations=[plain])) != sign(pod_info(tolerations=[tolerates("b")]))


TAINTED, CLEAN = node(taints=[taint("foo")]), node()
HINTS = [
    (None, CLEAN, Hint.QUEUE),
    (None, TAINTED, Hint.SKIP),
    (TAINTED, CLEAN, Hint.QUEUE),
    (CLEAN, CLEAN, Hint.SKIP),
]


@pytest.mark.parametrize(("old", "new", "hint"), HINTS)
def test_a_node_helps_when_its_taints_become_tolerable(old, new, hint):
    assert TaintToleration().events()[0].hint(pod_info(), old, new) is hint


def test_only_the_pods_own_new_toleration_helps():
    hint = TaintToleration().events()[1].hint
    assert hint(pod_info("web"), pod("web"), pod("web")) is Hint.QUEUE
    assert hint(pod_info("web"), pod("other"), pod("other")) is Hint.SKIP
