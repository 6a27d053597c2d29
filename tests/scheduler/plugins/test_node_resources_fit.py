import pytest

from kubepy.scheduler.framework import Code, CycleState, Hint
from kubepy.scheduler.plugins.node_resources_fit import NodeResourcesFit
from tests.scheduler.builders import container, node, node_info, pod, pod_info

GPU = "example.com/gpu"
# A node of 10m cpu and 20 bytes, as in upstream's table; (requests, used, reasons).
FITS = [
    ({}, {"cpu": "10m", "memory": "20"}, ()),
    (
        {"cpu": "1m", "memory": "1"},
        {"cpu": "10m", "memory": "20"},
        ("Insufficient cpu", "Insufficient memory"),
    ),
    ({"cpu": "1m", "memory": "1"}, {"cpu": "5m", "memory": "5"}, ()),
    ({"cpu": "2m", "memory": "1"}, {"cpu": "9m", "memory": "5"}, ("Insufficient cpu",)),
    ({"cpu": "1m", "memory": "2"}, {"cpu": "5m", "memory": "19"}, ("Insufficient memory",)),
    ({"cpu": "5m", "memory": "1"}, {"cpu": "5m", "memory": "19"}, ()),
    ({GPU: "3"}, {GPU: "2"}, ()),
    ({GPU: "3"}, {GPU: "3"}, (f"Insufficient {GPU}",)),
    ({"ephemeral-storage": "15"}, {"ephemeral-storage": "5"}, ()),
    ({"ephemeral-storage": "16"}, {"ephemeral-storage": "5"}, ("Insufficient ephemeral-storage",)),
]


@pytest.mark.parametrize(("requests", "used", "reasons"), FITS)
def test_filter_compares_requests_with_what_is_left(requests, used, reasons):
    where = node_info(
        cpu="10m",
        memory="20",
        **{GPU: "5", "ephemeral-storage": "20"},
        running=[pod_info("old", requests=used)],
    )
    status = NodeResourcesFit().filter(CycleState(), pod_info(requests=requests), where)
    assert (status.reasons if status else ()) == reasons


def test_the_largest_init_container_counts():
    new = pod_info(
        containers=[container({"cpu": "1m", "memory": "1"})],
        initContainers=[container({"cpu": "3m", "memory": "1"}), container({"cpu": "2m", "memory": "1"})],
    )
    where = node_info(cpu="10m", memory="20", running=[pod_info("old", cpu="8m", memory="19")])
    assert NodeResourcesFit().filter(CycleState(), new, where).reasons == ("Insufficient cpu",)


def test_too_many_pods():
    where = node_info(pods="1", running=[pod_info("old")])
    assert NodeResourcesFit().filter(CycleState(), pod_info(), where).reasons == ("Too many pods",)


@pytest.mark.parametrize(
    ("cpu", "code"), [("2m", Code.UNSCHEDULABLE), ("11m", Code.UNSCHEDULABLE_AND_UNRESOLVABLE)]
)
def test_more_than_the_empty_node_has_is_beyond_preemption(cpu, code):
    where = node_info(cpu="10m", running=[pod_info("old", cpu="9m")])
    assert NodeResourcesFit().filter(CycleState(), pod_info(cpu=cpu), where).code is code


def test_equal_rejections_share_their_status():
    plugin, full = NodeResourcesFit(), [node_info(f"n{i}", cpu="1m") for i in range(2)]
    first, second = (plugin.filter(CycleState(), pod_info(cpu="2m"), where) for where in full)
    assert first is second


# Upstream's TestLeastAllocatedScoringStrategy: requests, [(node cpu, memory, pods there)], scores.
BIG = {"cpu": "3", "memory": "5000"}
CPU = {"cpu": "3", "memory": "0"}
LEAST = [
    (BIG, [("4", "10000", []), ("6", "10000", [])], [37, 50]),
    (BIG, [("10", "20000", [CPU]), ("10", "20000", [BIG])], [57, 45]),
    (BIG, [("10", "20000", [CPU]), ("10", "50000", [BIG])], [57, 60]),
    (CPU, [("4", "10000", [CPU]), ("4", "10000", [BIG])], [50, 25]),
    (BIG, [("0", "0", [CPU])], [0]),
]


@pytest.mark.parametrize(("requests", "nodes", "scores"), LEAST)
def test_the_emptier_node_scores_higher(requests, nodes, scores):
    plugin, new = NodeResourcesFit(), pod_info(requests=requests)
    for (cpu, memory, running), score in zip(nodes, scores, strict=True):
        there = [pod_info(f"old-{i}", requests=amounts) for i, amounts in enumerate(running)]
        assert plugin.score(CycleState(), new, node_info(cpu=cpu, memory=memory, running=there)) == score


def test_a_pod_without_requests_counts_a_little():
    plugin, where = NodeResourcesFit(), node_info(cpu="1", memory="1000Mi")
    assert plugin.score(CycleState(), pod_info(), where) == (90 + 80) // 2


NODE_HINTS = [
    (None, node(cpu="4"), Hint.QUEUE),
    (None, node(cpu="1"), Hint.SKIP),
    (node(cpu="1"), node(cpu="4"), Hint.QUEUE),
    (node(cpu="4"), node(cpu="4", labels={"a": "b"}), Hint.SKIP),
    (node(cpu="4"), node(cpu="4", memory="32Gi"), Hint.SKIP),
    (node(cpu="4", pods="1"), node(cpu="4", pods="2"), Hint.QUEUE),
]


@pytest.mark.parametrize(("old", "new", "hint"), NODE_HINTS)
def test_a_node_helps_when_it_grew_in_what_the_pod_wants(old, new, hint):
    (_, interest) = NodeResourcesFit().events()
    assert interest.hint(pod_info(cpu="2"), old, new) is hint


POD_HINTS = [
    (pod("old", nodeName="n"), None, Hint.QUEUE),
    (pod("old"), None, Hint.SKIP),
    (pod("old", nodeName="n", cpu="2"), pod("old", nodeName="n", cpu="1"), Hint.QUEUE),
    (pod("old", nodeName="n", memory="2"), pod("old", nodeName="n", memory="1"), Hint.SKIP),
    (pod("old", cpu="2"), pod("old", cpu="1"), Hint.SKIP),
    (pod("web", cpu="2"), pod("web", cpu="1"), Hint.QUEUE),
]


@pytest.mark.parametrize(("old", "new", "hint"), POD_HINTS)
def test_a_pod_helps_when_it_frees_what_the_pod_wants(old, new, hint):
    (interest, _) = NodeResourcesFit().events()
    assert interest.hint(pod_info(cpu="2"), old, new) is hint
