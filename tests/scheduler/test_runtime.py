import pytest

from kubepy.lib.clock import VirtualClock
from kubepy.scheduler.framework import Action, ClusterEvent, Code, CycleState, Narrowed, Nominated, Status
from kubepy.scheduler.runtime import PluginFailed
from tests.scheduler.builders import framework, pod_info


class Plugin:
    def __init__(self, name):
        self.name = name

    def status(self, code, *reasons):
        return Status(code, *reasons, plugin=self.name)


class Narrows(Plugin):
    def __init__(self, name, *names):
        super().__init__(name)
        self.names = names

    def pre_filter(self, state, pod):
        return Narrowed(self.names)


class Refuses(Plugin):
    def __init__(self, name, code):
        super().__init__(name)
        self.code, self.asked = code, 0

    def pre_filter(self, state, pod):
        self.asked += 1
        return self.status(self.code, f"{self.name} says no")


@pytest.mark.parametrize(
    ("plugins", "names", "message"),
    [
        ([Narrows("A", "n1", "n2")], {"n1", "n2"}, None),
        ([Narrows("A", "n1", "n2"), Narrows("B", "n2", "n3")], {"n2"}, None),
        ([Narrows("A")], set(), "node(s) didn't satisfy plugin A"),
        (
            [Narrows("B", "n1"), Narrows("A", "n2")],
            set(),
            "node(s) didn't satisfy plugin(s) [A B] simultaneously",
        ),
    ],
)
def test_pre_filters_narrow_together(plugins, names, message):
    prepared = framework(*((plugin, 0) for plugin in plugins)).pre_filter(CycleState(), pod_info())
    assert prepared.names == names
    assert (prepared.refusal.message if prepared.refusal else None) == message


def test_an_unresolvable_refusal_ends_pre_filter_and_another_does_not():
    soft, hard, last = (
        Refuses("soft", Code.UNSCHEDULABLE),
        Refuses("hard", Code.UNSCHEDULABLE_AND_UNRESOLVABLE),
        Refuses("last", Code.UNSCHEDULABLE),
    )
    prepared = framework((soft, 0), (hard, 0), (last, 0)).pre_filter(CycleState(), pod_info())
    assert prepared.refusal.message == "hard says no"
    assert (soft.asked, hard.asked, last.asked) == (1, 1, 0)


def test_a_pre_filter_that_breaks_raises():
    with pytest.raises(PluginFailed, match='running PreFilter plugin "broken": broken says no'):
        framework((Refuses("broken", Code.ERROR), 0)).pre_filter(CycleState(), pod_info())


class MakesRoom(Plugin):
    def __init__(self, name, answer):
        super().__init__(name)
        self.answer = answer

    def post_filter(self, state, pod, rejected):
        return self.answer if isinstance(self.answer, Nominated) else self.status(*self.answer)


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([], (None, "")),
        (
            [(Code.UNSCHEDULABLE, "no claims"), (Code.UNSCHEDULABLE, "no victims")],
            (None, "no claims, no victims"),
        ),
        ([(Code.UNSCHEDULABLE, "no claims"), Nominated("n1")], (Nominated("n1"), "")),
        ([(Code.UNSCHEDULABLE_AND_UNRESOLVABLE, "never"), Nominated("n1")], (None, "never")),
        ([(Code.UNSCHEDULABLE, "no claims"), (Code.ERROR, "broken"), Nominated("n1")], (None, "broken")),
    ],
)
def test_post_filters_are_asked_until_one_makes_room(answers, outcome):
    plugins = [(MakesRoom(f"P{i}", answer), 0) for i, answer in enumerate(answers)]
    running = framework(*plugins, without=("DefaultPreemption", "DynamicResources"))
    assert running.post_filter(CycleState(), pod_info(), lambda: ()) == outcome


class Reserves(Plugin):
    def __init__(self, name, log, refuses=False):
        super().__init__(name)
        self.log, self.refuses = log, refuses

    def reserve(self, state, pod, node):
        self.log.append(f"reserve {self.name}")
        return self.status(Code.UNSCHEDULABLE, "taken") if self.refuses else None

    def unreserve(self, state, pod, node):
        self.log.append(f"unreserve {self.name}")


def test_reserve_stops_at_the_first_refusal_and_is_undone_backwards():
    log = []
    running = framework(
        (Reserves("A", log), 0), (Reserves("B", log, refuses=True), 0), (Reserves("C", log), 0)
    )
    assert running.reserve(CycleState(), pod_info(), "n1").message == "taken"
    running.unreserve(CycleState(), pod_info(), "n1")
    assert log == ["reserve A", "reserve B", "unreserve C", "unreserve B", "unreserve A"]


class Permits(Plugin):
    def __init__(self, name, answer):
        super().__init__(name)
        self.answer = answer

    def permit(self, state, pod, node):
        if isinstance(self.answer, float):
            return self.status(Code.WAIT), self.answer
        return self.status(*self.answer) if self.answer else None


async def test_a_pod_goes_on_when_all_who_held_it_allow_it():
    clock = VirtualClock()
    running = framework((Permits("A", 10.0), 0), (Permits("B", 20.0), 0), clock=clock)
    assert running.permit(CycleState(), pod_info(), "n1") is None
    running.allow("uid-web", "A")
    running.allow("uid-web", "B")
    assert await running.wait_permitted(pod_info()) is None
    assert await running.wait_permitted(pod_info()) is None
    assert clock.next_due is None


async def test_a_waiting_pod_can_be_rejected():
    running = framework((Permits("A", 10.0), 0))
    assert not running.reject("uid-web", "A", "gang is incomplete")
    running.permit(CycleState(), pod_info(), "n1")
    assert running.reject("uid-web", "A", "gang is incomplete")
    status = await running.wait_permitted(pod_info())
    assert (status.code, status.message, status.plugin) == (Code.UNSCHEDULABLE, "gang is incomplete", "A")


def test_a_permit_refused_is_refused():
    running = framework((Permits("A", (Code.UNSCHEDULABLE, "no")), 0))
    assert running.permit(CycleState(), pod_info(), "n1").message == "no"


class Binds(Plugin):
    def __init__(self, name, answer, log):
        super().__init__(name)
        self.answer, self.log = answer, log

    async def bind(self, state, pod, node):
        self.log.append(self.name)
        return self.status(self.answer) if self.answer else None


async def test_binders_may_pass_a_pod_on():
    log = []
    binders = [
        (Binds("skips", Code.SKIP, log), 0),
        (Binds("binds", None, log), 0),
        (Binds("late", None, log), 0),
    ]
    await framework(*binders, without=("DefaultBinder",)).bind(CycleState(), pod_info(), "n1")
    assert log == ["skips", "binds"]
    with pytest.raises(PluginFailed, match="every Bind plugin skipped the pod"):
        await framework(binders[0], without=("DefaultBinder",)).bind(CycleState(), pod_info(), "n1")


@pytest.mark.parametrize(("missing", "point"), [("PrioritySort", "QueueSort"), ("DefaultBinder", "Bind")])
def test_a_profile_needs_an_order_and_a_binder(missing, point):
    with pytest.raises(ValueError, match=f"profile default-scheduler: .* {point} plugin is needed"):
        framework(without=(missing,))


def test_a_plugin_that_names_no_events_is_retried_on_all():
    running = framework((Plugin("Silent"), 0))
    (interest,) = running.interests["Silent"]
    assert interest.event.matches(ClusterEvent("Anything", Action.ADD))
    assert interest.hint is None
    assert [i.event.resource for i in running.interests["NodeResourcesFit"]] == ["Pod", "Node"]


def test_plugins_are_found_at_every_point_they_implement():
    running = framework()
    assert [plugin.name for plugin in running.filters] == [
        "NodeUnschedulable", "NodeName", "TaintToleration", "NodeAffinity", "NodePorts", "NodeResourcesFit",
        "NodeDeclaredFeatures",
    ]  # fmt: skip
    assert [(scorer.name, scorer.weight) for scorer in running.scorers] == [
        ("TaintToleration", 3), ("NodeAffinity", 2), ("NodeResourcesFit", 1), ("NodeResourcesBalancedAllocation", 1),
    ]  # fmt: skip
