import pytest

from kubepy.api.builtins import PODS
from kubepy.api.errors import NotFound, ServiceUnavailable
from kubepy.scheduler import why_text, why_words
from kubepy.scheduler.framework import Action, ClusterEvent
from tests.scheduler.builders import taint


async def why(world, name="web", **arguments):
    page = await world.client.list(PODS, "default")
    document = next(d for d in page.documents if d.key.name == name)
    return world.scheduler.why(document, **arguments)


@pytest.fixture
async def asking(world):
    await world.start()
    return world


async def test_the_conclusion_counts_nodes_by_what_is_decisive(asking):
    await asking.add_node("node-1", cpu="1")
    await asking.add_node("node-2", cpu="1500m")
    await asking.add_node("node-3", taints=[taint("dedicated", "gpu")], cpu="1")
    await asking.add_pod(cpu="2")
    found = await why(asking)
    assert found["conclusion"] == (
        "web waits: 0 of 3 nodes fit: 2 lack cpu (need 2, largest free 1.5 on node-2), "
        "1 has taint dedicated=gpu:NoSchedule that web does not tolerate"
    )
    assert found["nodesFeasible"] == 0
    by_name = {node["name"]: node["rejections"] for node in found["nodes"]}
    assert [(r["plugin"], r["decisive"]) for r in by_name["node-3"]] == [
        ("TaintToleration", True),
        ("NodeResourcesFit", False),
    ]
    assert by_name["node-1"][0]["detail"] == "lacks cpu (need 2, free 1 of 1)"
    assert found["queue"]["rejectedBy"] == ["NodeResourcesFit", "TaintToleration"]
    assert {"event": "Node taints changed", "plugins": ["TaintToleration"]} in found["queue"]["wakes"]
    (attempt,) = found["attempts"]
    assert attempt["message"].startswith("0/3 nodes are available: 1 node(s) had untolerated taint(s)")


async def test_scores_add_up_to_what_the_decision_saw(asking):
    await asking.add_node("node-1", cpu="4")
    await asking.add_node("node-2", cpu="8")
    await asking.add_pod(cpu="2")
    found = await why(asking)
    assert found["nodeName"] == "node-2"
    recorded = {one["name"]: one["score"] for one in found["attempts"][0]["scores"]}
    # The pod does not stand in its own way.
    assert {node["name"]: node["score"] for node in found["nodes"]} == recorded
    first = found["nodes"][0]
    assert first["name"] == "node-2"
    assert sum(one["weight"] * one["score"] for one in first["scores"]) == first["score"]


async def test_asking_changes_nothing(asking):
    await asking.add_node("node-1", cpu="2")
    await asking.add_pod("low", cpu="2")
    await asking.add_pod("high", cpu="2")
    before = asking.scheduler.cache.node("node-1").requested.key
    await why(asking, "low")
    await why(asking, "high")
    assert asking.scheduler.cache.node("node-1").requested.key == before
    assert asking.scheduler.statistics()["cache"]["pods"] == 1
    assert await asking.node_of("low") == "node-1"


async def test_whom_preemption_would_evict(asking):
    await asking.add_node("node-1", cpu="2")
    await asking.add_pod("low", cpu="2")
    # Its gate keeps it from evicting anybody while we ask.
    gate = [{"name": "example.com/not-yet"}]
    await asking.add_pod("high", cpu="1", priorityClassName="system-node-critical", schedulingGates=gate)
    victim = {"namespace": "default", "name": "low", "priority": 0}
    found = await why(asking, "high")
    assert found["preemption"]["candidates"] == [
        {"node": "node-1", "victims": [victim], "budgetViolations": 0}
    ]
    assert "evicts default/low (priority 0)" in why_text.render(found)
    assert await asking.node_of("low") == "node-1"
    # Who may not list pods everywhere is not told the names of those elsewhere; this one is in the same namespace.
    assert (await why(asking, "high", may_name=False))["preemption"] == found["preemption"]


async def test_a_gated_pod_says_which_gates(asking):
    await asking.add_node()
    await asking.add_pod(schedulingGates=[{"name": "example.com/quota"}])
    found = await why(asking)
    assert found["conclusion"] == "web waits for its scheduling gates: example.com/quota"
    assert found["queue"]["place"] == "gated"
    assert found["queue"]["wakes"] == [
        {"event": "Pod scheduling gates removed", "plugins": ["SchedulingGates"]}
    ]


async def test_a_pod_for_another_scheduler(asking):
    await asking.add_pod(schedulerName="mine")
    found = await why(asking)
    assert found["conclusion"] == "web is for the scheduler mine; here is default-scheduler"


async def test_as_text(asking):
    await asking.add_node("node-1", cpu="1")
    await asking.add_pod(cpu="2")
    assert why_text.render(await why(asking)) == (
        "web waits: 0 of 1 node fit: 1 lacks cpu (need 2, free 1 on node-1).\n"
        "\n"
        "NODE     REJECTED BY        WHY\n"
        "node-1   NodeResourcesFit   lacks cpu (need 2, free 1 of 1)\n"
        "\n"
        "Preemption: no node would fit if pods of lower priority left it\n"
        "\n"
        "Queue: unschedulable, waiting for 0s, tried 1 time\n"
        "Tried again after\n"
        "  Pod deleted                NodeResourcesFit\n"
        "  Pod scaled down            NodeResourcesFit\n"
        "  Node added                 NodeResourcesFit\n"
        "  Node allocatable changed   NodeResourcesFit\n"
        "  DeviceClass added          NodeResourcesFit\n"
        "  DeviceClass updated        NodeResourcesFit\n"
        "  or in 5m anyway\n"
        "\n"
        "ATTEMPT   TIME           OUTCOME\n"
        "1         00:00:00.000   0/1 nodes are available: 1 Insufficient cpu. "
        "no new claims to deallocate, preemption: 0/1 nodes are available: "
        "1 Preemption is not helpful for scheduling.\n"
    )


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (ClusterEvent("*", Action.ALL), ["anything changed"]),
        (ClusterEvent("Node", Action.ADD | Action.UPDATE_NODE_LABEL), ["Node added", "Node labels changed"]),
        (
            ClusterEvent("StorageClass", Action.ADD | Action.UPDATE),
            ["StorageClass added", "StorageClass updated"],
        ),
    ],
)
def test_events_in_words(event, words):
    assert why_words.happenings(event) == words


@pytest.mark.parametrize(
    ("resource", "value", "text"),
    [
        ("cpu", 1200, "1.2"),
        ("cpu", 2000, "2"),
        ("memory", 1536 << 20, "1.5Gi"),
        ("memory", 100, "100"),
        ("nvidia.com/gpu", 3, "3"),
    ],
)
def test_amounts_in_words(resource, value, text):
    assert why_words.amount(resource, value) == text


@pytest.mark.parametrize(
    ("s", "text"), [(0.0, "0s"), (1.25, "1.2s"), (90.4, "1m30s"), (300.0, "5m"), (7260.0, "2h1m")]
)
def test_durations_in_words(s, text):
    assert why_words.seconds(s) == text


async def test_where_the_scheduler_runs_elsewhere_one_sentence_says_so(world):
    await world.add_pod()
    request = world.client.transport.request
    with pytest.raises(
        ServiceUnavailable, match="the scheduler of this cluster runs elsewhere, and only it knows why"
    ):
        await request("GET", "/api/v1/namespaces/default/pods/web/why")
    with pytest.raises(NotFound, match='pods "nobody" not found'):
        await request("GET", "/api/v1/namespaces/default/pods/nobody/why")
