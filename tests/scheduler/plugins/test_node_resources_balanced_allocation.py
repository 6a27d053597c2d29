import pytest

from kubepy.scheduler.framework import Code, CycleState
from kubepy.scheduler.plugins.node_resources_balanced_allocation import NodeResourcesBalancedAllocation
from tests.scheduler.builders import node_info, pod_info

BOTH = {"cpu": "3", "memory": "5000"}
CPU, MEMORY = {"cpu": "3"}, {"memory": "5000"}
# Upstream's TestNodeResourcesBalancedAllocation: requests, [(node cpu, memory, used)], scores.
TABLE = [
    (BOTH, [("4", "10000", {}), ("6", "10000", {})], [68, 75]),
    (BOTH, [("10", "20000", CPU), ("10", "20000", BOTH)], [73, 74]),
    (BOTH, [("10", "20000", CPU), ("10", "50000", BOTH)], [73, 70]),
    (MEMORY, [("3", "5000", CPU), ("3", "5000", {})], [100, 50]),
    (CPU, [("6", "10000", CPU), ("6", "10000", BOTH)], [62, 62]),
    (BOTH, [("3500m", "40000", {})], [56]),
]


@pytest.mark.parametrize(("requests", "nodes", "scores"), TABLE)
def test_the_pod_goes_where_it_evens_out_use(requests, nodes, scores):
    plugin, new = NodeResourcesBalancedAllocation(), pod_info(requests=requests)
    for (cpu, memory, used), score in zip(nodes, scores, strict=True):
        where = node_info(cpu=cpu, memory=memory, running=[pod_info("old", requests=used)])
        assert plugin.score(CycleState(), new, where) == score


def test_a_pod_that_requests_nothing_is_not_scored():
    plugin = NodeResourcesBalancedAllocation()
    assert plugin.pre_score(CycleState(), pod_info(), ()).code is Code.SKIP
    assert plugin.pre_score(CycleState(), pod_info(cpu="1m"), ()) is None
