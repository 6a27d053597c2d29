"""Cases: pkg/scheduler/framework/{plugins/defaultpreemption/default_preemption,preemption/preemption}_test.go."""

import pytest

from kubepy.api.builtins import NODES, POD_DISRUPTION_BUDGETS, PODS
from kubepy.api.selectors import from_set
from kubepy.scheduler.outcomes import Rejection
from kubepy.scheduler.plugins.default_preemption import Budget, DefaultPreemption, split_by_budgets
from tests.scheduler import builders
from tests.scheduler.builders import node, pod, pod_info

LOW, MID, HIGH = 1, 100, 1000


def on(where, name, priority=LOW, cpu="1", started="", **fields):
    status = {"phase": "Running"} | ({"startTime": started} if started else {})
    return pod(name, nodeName=where, priority=priority, cpu=cpu, status=status, **fields)


def preempt(nodes, pods, incoming, budgets=(), **fields):
    """(nominated node, victims, message)."""
    tools = builders.toolbox()
    search = builders.search(tools, nodes, pods)
    builders.put(tools, POD_DISRUPTION_BUDGETS, *budgets)
    plugin = next(p for p in tools.framework.post_filters if isinstance(p, DefaultPreemption))
    evicted = []
    plugin._evictions.start = lambda info, victims, where: evicted.extend(v.key.name for v in victims)
    rejection = search.decide(pod_info("p", **incoming), tools.queue.nominator)
    assert isinstance(rejection, Rejection)
    nominated, message = tools.framework.post_filter(
        rejection.state, pod_info("p", **incoming), rejection.per_node
    )
    return nominated.node if nominated else None, evicted, message


def budget(allowed, name="pdb", disrupted=(), **labels):
    return {
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"selector": {"matchLabels": labels}},
        "status": {"disruptionsAllowed": allowed, "disruptedPods": dict.fromkeys(disrupted, "")},
    }


ONE = [node("n1", cpu="2")]
TWO = [node("n1", cpu="2"), node("n2", cpu="2")]
VIP = {"cpu": "2", "priority": HIGH}


@pytest.mark.parametrize(
    ("nodes", "pods", "incoming", "expected"),
    [
        # all of lower priority have to go
        (ONE, [on("n1", "a"), on("n1", "b")], VIP, ("n1", ["a", "b"])),
        # as few as possible: the more important one stays
        (ONE, [on("n1", "a"), on("n1", "b", MID)], {"cpu": "1", "priority": HIGH}, ("n1", ["a"])),
        # of two alike the one that started later goes
        (ONE, [on("n1", "a", started="2026-01-02T00:00:00Z"), on("n1", "b", started="2026-01-01T00:00:00Z")],
         {"cpu": "1", "priority": HIGH}, ("n1", ["a"])),
        # the node whose most important victim is the least important
        (TWO, [on("n1", "a", MID, "2"), on("n2", "b", LOW, "2")], VIP, ("n2", ["b"])),
        # then the smallest sum of priorities, then the fewest victims
        (TWO, [on("n1", "a", MID), on("n1", "b", MID), on("n2", "c", MID), on("n2", "d", LOW)], VIP,
         ("n2", ["c", "d"])),
        (TWO, [on("n1", "a", 0), on("n1", "b", 0), on("n2", "c", 0, "2")], VIP, ("n2", ["c"])),
        # then the one whose most important victims started last
        (TWO, [on("n1", "a", LOW, "2", "2026-01-01T00:00:00Z"), on("n2", "b", LOW, "2", "2026-01-03T00:00:00Z")], VIP,
         ("n2", ["b"])),
        # nodes that would not help are left alone
        ([node("n1", cpu="2"), node("n2", cpu="1")], [on("n1", "a", LOW, "2"), on("n2", "b", LOW)], VIP, ("n1", ["a"])),
    ],
)  # fmt: skip
def test_victims(nodes, pods, incoming, expected):
    assert preempt(nodes, pods, incoming)[:2] == expected


@pytest.mark.parametrize(
    ("nodes", "pods", "incoming", "message"),
    [
        (ONE, [on("n1", "a", HIGH, "2")], VIP,
         "preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."),
        ([node("n1", cpu="1")], [on("n1", "a")], VIP,
         "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."),
        ([*ONE, node("n2", cpu="1")], [on("n1", "a", HIGH, "2")], VIP,
         "preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, "
         "1 Preemption is not helpful for scheduling."),
        (ONE, [on("n1", "a", HIGH), on("n1", "b", LOW)], VIP,
         "preemption: 0/1 nodes are available: 1 Insufficient cpu."),
        (ONE, [on("n1", "a", LOW, "2")], VIP | {"preemptionPolicy": "Never"},
         "preemption: not eligible due to preemptionPolicy=Never."),
    ],
)  # fmt: skip
def test_when_it_does_not_help_the_message_says_so(nodes, pods, incoming, message):
    nominated, victims, said = preempt(nodes, pods, incoming)
    assert (nominated or "", victims, said) == ("", [], f"no new claims to deallocate, {message}")


def test_budgets_are_spared_first():
    labels = {"app": "db"}
    pods = [on("n1", "a", LOW, labels=labels), on("n1", "b", LOW)]
    assert preempt(ONE, pods, {"cpu": "1", "priority": HIGH}, [budget(0, app="db")])[1] == ["b"]
    # and a node without violations is taken, whatever the priorities
    pods = [on("n1", "a", LOW, "2", labels=labels), on("n2", "b", MID, "2")]
    assert preempt(TWO, pods, VIP, [budget(0, app="db")])[:2] == ("n2", ["b"])
    assert preempt(TWO, pods, VIP, [budget(1, app="db")])[:2] == ("n1", ["a"])


def test_anti_affinity_ends_with_its_victims():
    term = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "db"}}}
    apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    nodes = [node("n1", cpu="8", labels={"zone": "z"})]
    pods = [on("n1", "a", labels={"app": "db"}), on("n1", "b")]
    assert preempt(nodes, pods, {"cpu": "1", "priority": HIGH, "affinity": apart})[:2] == ("n1", ["a"])
    pods = [on("n1", "a", affinity=apart), on("n1", "b")]
    assert preempt(nodes, pods, {"cpu": "1", "priority": HIGH, "labels": {"app": "db"}})[:2] == ("n1", ["a"])


def test_spreading_is_mended_by_victims():
    constraint = {
        "maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "db"}},
    }  # fmt: skip
    nodes = [node("n1", labels={"zone": "z1"}), node("n2", cpu="1", labels={"zone": "z2"})]
    pods = [on("n1", "a", labels={"app": "db"}), on("n2", "full", HIGH)]
    wanted = {
        "cpu": "1",
        "priority": HIGH,
        "labels": {"app": "db"},
        "topologySpreadConstraints": [constraint],
    }
    assert preempt(nodes, pods, wanted)[:2] == ("n1", ["a"])


@pytest.mark.parametrize(
    ("allowed", "disrupted", "over"),
    [(0, (), ["a", "b"]), (1, (), ["b"]), (2, (), []), (0, ("a",), ["b"])],
)
def test_budgets_are_used_up_in_order(allowed, disrupted, over):
    budgets = [Budget("default", from_set({"app": "db"}), allowed, frozenset(disrupted))]
    pods = [pod_info(name, labels={"app": "db"}) for name in "ab"] + [pod_info("c")]
    violating, within = split_by_budgets(pods, budgets)
    assert [p.key.name for p in violating] == over
    assert len(violating) + len(within) == 3


def test_what_was_thought_holds_until_the_node_changes():
    tools = builders.toolbox()
    search = builders.search(tools, TWO, [on("n1", "a", LOW, "2"), on("n2", "b", MID, "2")])
    plugin = next(p for p in tools.framework.post_filters if isinstance(p, DefaultPreemption))
    plugin._evictions.start = lambda info, victims, where: None
    thoughts = []
    dry_run = plugin._dry_run
    plugin._dry_run = lambda state, info, where, waiting: (
        thoughts.append(where.name),
        dry_run(state, info, where, waiting),
    )[1]

    def attempt(name):
        info = pod_info(name, **VIP)
        rejection = search.decide(info, tools.queue.nominator)
        nominated, _ = tools.framework.post_filter(rejection.state, info, rejection.per_node)
        tools.queue.nominator.put(info, nominated.node)
        return nominated.node

    assert attempt("p") == "n1"
    assert sorted(thoughts) == ["n1", "n2"]
    # n1 is promised to another now: it would have to leave room for two
    assert attempt("q") == "n2"
    assert thoughts[2:] == ["n1"]


async def test_a_preemption_from_the_pod_to_its_place(world):
    await world.start()
    await world.add_node(cpu="2")
    await world.add_pod("low", cpu="2", priority=None)
    await world.add_pod("vip", cpu="2", priorityClassName="system-cluster-critical")
    low, vip = await world.pod("low"), await world.pod("vip")
    target = next(c for c in low["status"]["conditions"] if c["type"] == "DisruptionTarget")
    assert (target["status"], target["reason"]) == ("True", "PreemptionByScheduler")
    assert target["message"] == "default-scheduler: preempting to accommodate a higher priority pod"
    assert low["metadata"]["deletionTimestamp"]
    assert vip["status"]["nominatedNodeName"] == "node-1"
    assert (await world.events("low"))[-1] == (
        "Normal", "Preempted", f"Preempted by pod {vip['metadata']['uid']} on node node-1", 1,
    )  # fmt: skip
    assert (await world.condition("vip"))[2] == "0/1 nodes are available: 1 Insufficient cpu."
    # While the victim goes nobody else is asked to, and a lesser pod does not take the room.
    await world.add_pod("late", cpu="1")
    await world.client.delete(PODS, "low", "default", grace_period_s=0)
    await world.clock.advance(5)
    assert await world.node_of("vip") == "node-1"
    assert await world.node_of("late") == ""
    assert "nominatedNodeName" not in (await world.pod("vip"))["status"]


async def test_a_nomination_that_came_to_nothing_is_cleared(world):
    await world.start()
    await world.add_node(cpu="2")
    await world.add_pod("low", cpu="2")
    await world.add_pod("vip", cpu="2", priorityClassName="system-cluster-critical")
    assert (await world.pod("vip"))["status"]["nominatedNodeName"] == "node-1"
    await world.client.delete(NODES, "node-1")
    await world.add_node("node-2", cpu="1")
    # Nothing that happened may help it; it is the regular retry that finds out.
    await world.clock.advance(400)
    assert "nominatedNodeName" not in (await world.pod("vip"))["status"]
    assert (await world.condition("vip"))[2] == (
        "0/1 nodes are available: 1 Insufficient cpu. "
        "no new claims to deallocate, preemption: 0/1 nodes are available: "
        "1 Preemption is not helpful for scheduling."
    )
