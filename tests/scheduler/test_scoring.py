import pytest

from kubepy.scheduler import scoring
from kubepy.scheduler.args import NodeResourcesFitArgs, ResourceWeight, ShapePoint
from kubepy.scheduler.framework import CycleState
from kubepy.scheduler.plugins.node_resources_balanced_allocation import NodeResourcesBalancedAllocation
from kubepy.scheduler.plugins.node_resources_fit import NodeResourcesFit
from tests.scheduler.builders import node_info, pod_info

CPU_AND_MEMORY = (ResourceWeight("cpu"), ResourceWeight("memory"))
PACKING = (ShapePoint(0, 0), ShapePoint(100, 10))


def node(**fields):
    return node_info(cpu="4", memory="10000", running=[pod_info("there", cpu="2", memory="3000")], **fields)


@pytest.mark.parametrize(
    ("strategy", "resources", "shape", "wanted", "score"),
    [
        # cpu 3 of 4, memory 5000 of 10000
        ("LeastAllocated", CPU_AND_MEMORY, (), {"cpu": "1", "memory": "2000"}, (25 + 50) // 2),
        ("MostAllocated", CPU_AND_MEMORY, (), {"cpu": "1", "memory": "2000"}, (75 + 50) // 2),
        ("LeastAllocated", (ResourceWeight("cpu", 3), ResourceWeight("memory")), (),
         {"cpu": "1", "memory": "2000"}, (3 * 25 + 50) // 4),
        ("RequestedToCapacityRatio", CPU_AND_MEMORY, PACKING, {"cpu": "1", "memory": "2000"}, 63),
        # What does not fit any more is full.
        ("MostAllocated", CPU_AND_MEMORY, (), {"cpu": "9", "memory": "2000"}, (100 + 50) // 2),
        ("LeastAllocated", CPU_AND_MEMORY, (), {"cpu": "9", "memory": "2000"}, 25),
        # An extended resource that the pod does not want does not count.
        ("MostAllocated", (ResourceWeight("cpu"), ResourceWeight("a/gpu")), (), {"cpu": "1"}, 75),
        ("MostAllocated", (ResourceWeight("cpu"), ResourceWeight("a/gpu")), (), {"cpu": "1", "a/gpu": "1"}, 50),
    ],
)  # fmt: skip
def test_strategies(strategy, resources, shape, wanted, score):
    args = NodeResourcesFitArgs(strategy=strategy, resources=resources, shape=shape)
    assert scoring.strategy(args)(pod_info(requests=wanted), node(**{"a/gpu": "4"})) == score


@pytest.mark.parametrize("cpu", ["0", "100m", "1", "3", "9"])
def test_the_usual_way_is_a_shorter_one(cpu):
    pod, where = pod_info(cpu=cpu, memory="100"), node()
    assert NodeResourcesFit().score(CycleState(), pod, where) == scoring.strategy(NodeResourcesFitArgs())(
        pod, where
    )
    counted = scoring.amounts(CPU_AND_MEMORY, pod, where, nonzero=False)
    assert NodeResourcesBalancedAllocation().score(CycleState(), pod, where) == scoring.balance(counted)


@pytest.mark.parametrize(("x", "y"), [(-5, 0), (0, 0), (5, 4), (10, 9), (55, 5), (100, 0), (200, 0)])
def test_broken_line(x, y):
    assert scoring.broken_line([(0, 0), (10, 9), (100, 0)], x) == y


def test_ignored_resources_need_not_be_free():
    pod = pod_info(requests={"example.com/gpu": "1", "other.io/tape": "1"})
    where = node_info()
    args = NodeResourcesFitArgs(ignored_resource_groups=frozenset({"example.com"}))
    assert NodeResourcesFit(args).filter(CycleState(), pod, where).reasons == ("Insufficient other.io/tape",)
    both = NodeResourcesFitArgs(
        ignored_resources=frozenset({"other.io/tape"}), ignored_resource_groups=frozenset({"example.com"})
    )
    assert NodeResourcesFit(both).filter(CycleState(), pod, where) is None


@pytest.mark.parametrize(
    ("uses", "score"),
    [
        ([], 0),
        ([(0, 100)], 0),
        ([(30, 100)], 30),
        ([(100, 100)], 100),
        ([(0, 100), (30, 100)], 15),
        ([(30, 100), (61, 100)], 46),
        ([(101, 100)], 100),
        ([(1, 0)], 100),
    ],
)
def test_how_much_of_what_there_is_would_be_used(uses, score):
    """Cases: volumebinding/scorer_test.go."""
    assert scoring.by_use(PACKING)(uses) == score
