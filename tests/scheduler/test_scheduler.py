import pytest

from kubepy.api.builtins import NODES, PODS
from kubepy.api.errors import ServiceUnavailable
from kubepy.api.objects import Key
from kubepy.scheduler.framework import Code, Status
from kubepy.scheduler.plugins import REGISTRY
from kubepy.scheduler.profiles import DEFAULT_PLUGINS, Configuration, Profile
from tests.scheduler.builders import taint, tolerates

WEB = Key("default", "web")


async def test_a_pod_is_bound_to_a_node_that_fits(world):
    await world.start()
    await world.add_node("small", cpu="1")
    await world.add_node("large", cpu="8")
    await world.add_pod(cpu="2")
    assert await world.node_of() == "large"
    assert (await world.condition())[0] == "True"
    assert await world.events() == [("Normal", "Scheduled", "Successfully assigned default/web to large", 1)]
    assert world.scheduler.statistics() == {
        "queue": {
            "active": 0,
            "backoff": 0,
            "unschedulable": 0,
            "in flight": 0,
            "gated": 0,
            "in flight events": 0,
        },
        "cache": {"nodes": 2, "pods": 1, "assumed": 0},
    }


async def test_what_is_there_at_the_start_counts(world):
    await world.add_node("node-1", cpu="2")
    await world.start()
    await world.add_pod("a", cpu="2")
    await world.scheduler.close()
    await world.start()
    await world.add_pod("b", cpu="1")
    assert (await world.condition("b"))[1] == "Unschedulable"


async def test_an_unschedulable_pod_says_why(world):
    await world.start()
    for i in range(3):
        await world.add_node(f"node-{i}", cpu="1")
    await world.add_pod(cpu="2")
    message = "0/3 nodes are available: 3 Insufficient cpu."
    status, reason, said = await world.condition()
    assert (status, reason) == ("False", "Unschedulable")
    assert said.startswith(message)
    assert await world.events() == [("Warning", "FailedScheduling", said, 1)]
    (decision,) = world.scheduler.decisions.of(WEB)
    assert (decision.node, decision.nodes, decision.message) == ("", 3, said)
    assert decision.rejections == (
        ("NodeResourcesFit", "unschedulable_and_unresolvable", "Insufficient cpu", 3),
    )


async def test_a_condition_that_says_so_already_is_not_written_again(world):
    await world.start()
    await world.add_node(cpu="1")
    await world.add_pod(cpu="2")
    before = (await world.pod())["metadata"]["resourceVersion"]
    await world.clock.advance(400)
    assert len(world.scheduler.decisions.of(WEB)) == 2
    assert (await world.pod())["metadata"]["resourceVersion"] == before


async def test_without_nodes_pods_wait_for_one(world):
    await world.start()
    await world.add_pod()
    assert await world.condition() == ("False", "Unschedulable", "no nodes available to schedule pods")
    await world.clock.advance(5)
    await world.add_node()
    assert await world.node_of() == "node-1"
    assert (await world.condition())[:2] == ("True", None)


@pytest.mark.parametrize(
    ("before", "change"),
    [
        ({"cpu": "1"}, {"status": {"allocatable": {"cpu": "8", "memory": "16Gi", "pods": "110"}}}),
        ({"taints": [taint("a")]}, {"spec": {"taints": None}}),
        ({"unschedulable": True}, {"spec": {"unschedulable": False}}),
        ({"labels": {"disk": "hdd"}}, {"metadata": {"labels": {"disk": "ssd"}}}),
    ],
)
async def test_a_change_of_the_node_lets_a_waiting_pod_in(world, before, change):
    await world.start()
    await world.add_node(**before)
    selector = {"nodeSelector": {"disk": "ssd"}} if "labels" in before else {}
    await world.add_pod(cpu="2", **selector)
    assert await world.node_of() == ""
    subresource = "status" if "status" in change else ""
    await world.client.patch(NODES, "node-1", change, subresource=subresource)
    await world.clock.advance(2)
    assert await world.node_of() == "node-1"


async def test_a_deleted_pod_makes_room(world):
    await world.start()
    await world.add_node(cpu="2")
    await world.add_pod("first", cpu="2")
    await world.add_pod("second", cpu="2")
    assert [await world.node_of(name) for name in ("first", "second")] == ["node-1", ""]
    await world.client.delete(PODS, "first", "default", grace_period_s=0)
    await world.clock.advance(2)
    assert await world.node_of("second") == "node-1"


async def test_a_finished_pod_makes_room(world):
    await world.start()
    await world.add_node(cpu="2")
    await world.add_pod("job", cpu="2")
    await world.add_pod("next", cpu="2")
    await world.client.patch(
        PODS, "job", {"status": {"phase": "Succeeded"}}, namespace="default", subresource="status"
    )
    await world.clock.advance(2)
    assert await world.node_of("next") == "node-1"


async def test_a_gated_pod_is_left_alone_until_its_gates_are_gone(world):
    await world.start()
    await world.add_node()
    await world.add_pod(schedulingGates=[{"name": "example.com/hold"}])
    assert await world.node_of() == ""
    assert await world.events() == []
    assert world.scheduler.statistics()["queue"]["gated"] == 1
    await world.client.patch(
        PODS, "web", {"spec": {"schedulingGates": []}}, namespace="default",
        content_type="application/merge-patch+json",
    )  # fmt: skip
    await world.clock.settle()
    assert await world.node_of() == "node-1"


async def test_pods_of_other_schedulers_are_theirs(world):
    await world.start()
    await world.add_node()
    await world.add_pod(schedulerName="other")
    assert await world.node_of() == ""
    assert (await world.condition())[1] is None


async def test_each_profile_schedules_its_own(world):
    picky = tuple(entry for entry in DEFAULT_PLUGINS if entry[0] != "TaintToleration")
    await world.start(Configuration(profiles=(Profile(), Profile("blind", plugins=picky))))
    await world.add_node(taints=[taint("a")])
    await world.add_pod("sees", tolerations=[tolerates("b")])
    await world.add_pod("blind", schedulerName="blind")
    assert [await world.node_of(name) for name in ("sees", "blind")] == ["", "node-1"]


async def test_many_pods_spread_over_equal_nodes(world):
    await world.start()
    for i in range(5):
        await world.add_node(f"node-{i}")
    for i in range(20):
        await world.add_pod(f"web-{i}", cpu="100m", memory="100Mi")
    placed = [await world.node_of(f"web-{i}") for i in range(20)]
    assert {name: placed.count(name) for name in set(placed)} == {f"node-{i}": 4 for i in range(5)}


class Flaky:
    """A binder that fails as told, then binds."""

    name = "DefaultBinder"

    def __init__(self, tools, failures):
        self._real, self.failures = REGISTRY["DefaultBinder"](tools), failures

    async def bind(self, state, pod, node):
        if self.failures:
            raise self.failures.pop(0)
        return await self._real.bind(state, pod, node)


async def test_a_failed_binding_gives_the_room_back_and_is_tried_again(world):
    failures = [ServiceUnavailable("try later")]
    await world.start(registry={**REGISTRY, "DefaultBinder": lambda tools: Flaky(tools, failures)})
    await world.add_node(cpu="2")
    await world.add_pod(cpu="2")
    assert await world.node_of() == ""
    assert world.scheduler.cache.node("node-1").pods == {}
    assert await world.condition() == ("False", "SchedulerError", "try later")
    await world.clock.advance(1)
    assert await world.node_of() == "node-1"


async def test_a_pod_that_somebody_else_bound_is_counted(world):
    await world.start()
    await world.add_node(cpu="2")
    await world.add_pod("other", cpu="2", schedulerName="other")
    binding = {"metadata": {"name": "other"}, "target": {"kind": "Node", "name": "node-1"}}
    binding |= {"apiVersion": "v1", "kind": "Binding"}
    await world.client.create(PODS, binding, namespace="default", name="other", subresource="binding")
    await world.add_pod(cpu="1")
    assert (await world.condition())[1] == "Unschedulable"


class Undecided:
    """Permits nobody before it is told to."""

    name = "Undecided"

    def permit(self, state, pod, node):
        return Status(Code.WAIT, plugin=self.name), 60.0


def with_permit():
    plugins = (*DEFAULT_PLUGINS, ("Undecided", 0))
    registry = {**REGISTRY, "Undecided": lambda tools: Undecided()}
    return {"configuration": Configuration(profiles=(Profile(plugins=plugins),)), "registry": registry}


async def test_a_pod_waits_for_its_permit(world):
    await world.start(**with_permit())
    await world.add_node()
    await world.add_pod()
    assert await world.node_of() == ""
    uid = (await world.pod())["metadata"]["uid"]
    world.scheduler.framework("default-scheduler").allow(uid, "Undecided")
    await world.clock.settle()
    assert await world.node_of() == "node-1"


async def test_a_permit_that_does_not_come_in_time_is_a_rejection(world):
    await world.start(**with_permit())
    await world.add_node()
    await world.add_pod()
    await world.clock.advance(60)
    assert await world.condition() == (
        "False",
        "Unschedulable",
        "0/1 nodes are available: 1 rejected due to timeout after waiting 60s at plugin Undecided.",
    )
    assert world.scheduler.cache.node("node-1").pods == {}


async def test_deleting_a_pod_that_waits_for_its_permit_frees_its_room(world):
    await world.start(**with_permit())
    await world.add_node()
    await world.add_pod()
    assert len(world.scheduler.cache.node("node-1").pods) == 1
    await world.client.delete(PODS, "web", "default", grace_period_s=0)
    await world.clock.settle()
    assert world.scheduler.cache.node("node-1").pods == {}
    assert set(world.scheduler.statistics()["queue"].values()) == {0}


async def test_a_profile_that_cannot_work_is_refused(world):
    with pytest.raises(ValueError, match='default-scheduler: PreFilterPlugin "Nonsense" does not exist'):
        await world.start(Configuration(profiles=(Profile(plugins=(("Nonsense", 0),)),)))


class Breaks:
    """Raises where it is told to."""

    name = "Breaks"

    def __init__(self, at, times):
        self.at, self.times, self.undone = at, times, 0

    def _maybe(self, at):
        if at == self.at and self.times:
            self.times -= 1
            raise RuntimeError(f"broken {at}")

    def pre_filter(self, state, pod):
        self._maybe("pre_filter")

    def reserve(self, state, pod, node):
        state["Breaks"] = node
        self._maybe("reserve")

    def unreserve(self, state, pod, node):
        assert state["Breaks"] == node
        self.undone += 1

    async def pre_bind(self, state, pod, node):
        self._maybe("pre_bind")


@pytest.mark.parametrize("at", ["pre_filter", "reserve", "pre_bind"])
async def test_a_plugin_that_raises_costs_its_pod_a_retry(world, at):
    plugin = Breaks(at, 1)
    plugins = (*DEFAULT_PLUGINS, ("Breaks", 0))
    await world.start(
        Configuration(profiles=(Profile(plugins=plugins),)),
        registry={**REGISTRY, "Breaks": lambda tools: plugin},
    )
    await world.add_node()
    await world.add_pod()
    assert await world.condition() == ("False", "SchedulerError", f"broken {at}")
    assert world.scheduler.cache.node("node-1").pods == {}
    assert plugin.undone == (at != "pre_filter")
    await world.clock.advance(1)
    assert await world.node_of() == "node-1"


async def test_a_pod_recreated_under_its_name_is_another(world):
    await world.start()
    await world.add_node(cpu="1")
    await world.add_pod(cpu="2")
    await world.client.delete(PODS, "web", "default", grace_period_s=0)
    await world.add_pod(cpu="1")
    assert await world.node_of() == "node-1"
    assert world.scheduler.statistics()["queue"]["unschedulable"] == 0


async def test_label_keys_become_part_of_the_selectors_when_a_pod_is_created(world):
    selector = {"matchLabels": {"app": "web"}}
    term = {
        "topologyKey": "zone",
        "labelSelector": selector,
        "matchLabelKeys": ["rev"],
        "mismatchLabelKeys": ["team"],
    }
    constraint = {
        "maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": selector,
        "matchLabelKeys": ["rev", "absent"],
    }  # fmt: skip
    affinity = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    await world.add_pod(
        labels={"app": "web", "rev": "2", "team": "red"},
        affinity=affinity,
        topologySpreadConstraints=[constraint],
    )
    spec = (await world.pod())["spec"]
    (made,) = spec["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    same = {"key": "rev", "operator": "In", "values": ["2"]}
    assert made["labelSelector"]["matchExpressions"] == [
        same, {"key": "team", "operator": "NotIn", "values": ["red"]},
    ]  # fmt: skip
    assert spec["topologySpreadConstraints"][0]["labelSelector"]["matchExpressions"] == [same]


async def test_metrics_have_upstreams_names(world):
    await world.start()
    await world.add_node("node-1", cpu="2")
    await world.add_pod("fits", cpu="1")
    await world.add_pod("waits", cpu="4")
    text = world.metrics.render().decode()
    for line in (
        'scheduler_schedule_attempts_total{profile="default-scheduler",result="scheduled"} 1.0',
        'scheduler_schedule_attempts_total{profile="default-scheduler",result="unschedulable"} 1.0',
        'scheduler_pending_pods{queue="unschedulable"} 1.0',
        'scheduler_unschedulable_pods{plugin="NodeResourcesFit",profile="default-scheduler"} 1.0',
        'scheduler_cache_size{type="nodes"} 1.0',
        'scheduler_cache_size{type="pods"} 1.0',
        "scheduler_scheduling_algorithm_duration_seconds_count 2.0",
        "scheduler_preemption_attempts_total 1.0",
    ):
        assert line in text
