import pytest

from kubepy.kubelet.jq import path
from kubepy.kubelet.stages import Delay, Delete, Finalizers, Requirement, Stage, Step, choose
from kubepy.lib import clock as clocks
from kubepy.lib.random import Random

VIEW = {
    "metadata": {"name": "web", "annotations": {"weight": "7"}},
    "status": {"phase": "Running", "containerStatuses": [{"ready": False}]},
    "facts": {"exit": 5.0, "start": 0.0},
}


@pytest.mark.parametrize(
    ("operator", "key", "values", "matches"),
    [
        ("In", ".status.phase", {"Running"}, True),
        ("In", ".status.podIP", {"x"}, False),
        ("NotIn", ".status.podIP", {"x"}, True),
        ("NotIn", ".status.phase", {"Running"}, False),
        ("Exists", ".status.phase", set(), True),
        ("DoesNotExist", ".status.podIP", set(), True),
        ("In", ".status.containerStatuses.[].ready", {"false"}, True),
    ],
)
def test_requirements(operator, key, values, matches):
    assert Requirement(path(key), operator, frozenset(values)).matches(VIEW) is matches


def stage(
    name: str, delay_s: float = 0.0, weight: int = 0, *, step: str = "", key: str = ".status.phase", **more
) -> Stage:
    actions = (Step(step),) if step else (Delete(),)
    return Stage(name, "Pod", (Requirement(path(key), "Exists"),), actions, Delay(delay_s), weight, **more)


def chosen(*stages: Stage, random: Random | None = None) -> str | None:
    found = choose(stages, VIEW, now=0.0, random=random or Random(1))
    return None if found is None else found[0].name


def test_a_step_comes_only_when_it_is_possible_and_the_earliest_wins():
    assert chosen(stage("exit", step="exit"), stage("probe", step="probe")) == "exit"
    assert chosen(stage("exit", step="exit"), stage("start", 4.0, step="start")) == "start"
    assert chosen(stage("exit", step="exit"), stage("start", 6.0, step="start")) == "exit"
    assert chosen(stage("no", key=".nope"), stage("probe", step="probe")) is None


def test_a_delay_does_not_count_the_time_until_the_step_is_due():
    found = choose([stage("exit", 2.0, step="exit")], VIEW, now=0.0, random=Random(1))
    assert found is not None and found[1] == 2.0


def test_weights_draw_in_proportion_and_leave_those_without_behind():
    random = Random(1)
    names = [
        chosen(stage("common", 1, 3), stage("rare", 1, 1), stage("never"), random=random) for _ in range(400)
    ]
    assert 0.65 < names.count("common") / 400 < 0.85 and set(names) == {"common", "rare"}


def test_what_was_drawn_races_with_steps():
    assert chosen(stage("late", 9, 1), stage("exit", step="exit")) == "exit"
    assert chosen(stage("early", 1, 1), stage("exit", step="exit")) == "early"


def test_without_weights_kwoks_stages_are_drawn_evenly():
    random = Random(1)
    names = [chosen(stage("a"), stage("b"), random=random) for _ in range(200)]
    assert 60 < names.count("a") < 140


def test_a_weight_may_come_from_the_object():
    heavy = stage("heavy", weight_from=path(".metadata.annotations.weight"))
    assert heavy.weighs(VIEW) == 7 and stage("x", weight=2, weight_from=path(".nope")).weighs(VIEW) == 2


@pytest.mark.parametrize(
    ("found", "seconds"),
    [
        (2.5, 2.5),
        ("1m30s", 90.0),
        (clocks.rfc3339(1_000_060.0), 60.0),
        (clocks.rfc3339(5.0), 0.0),
        (None, 1.0),
    ],
)
def test_a_delay_may_come_from_the_object(found, seconds):
    delay = Delay(1.0, duration_from=path(".x"))
    assert delay.seconds({"x": found}, now=1_000_000.0, random=Random(1)) == seconds


def test_jitter_is_between_duration_and_itself_and_wins_if_it_is_shorter():
    assert all(1 <= Delay(1, 2).seconds({}, now=0, random=Random(s)) <= 2 for s in range(30))
    assert Delay(5, 2).seconds({}, now=0, random=Random(1)) == 2


@pytest.mark.parametrize(
    ("finalizers", "present", "left"),
    [
        (Finalizers(add=("b",)), ["a"], ["a", "b"]),
        (Finalizers(add=("a",)), ["a"], ["a"]),
        (Finalizers(remove=("a", "c")), ["a", "b", "c"], ["b"]),
        (Finalizers(empty=True), ["a"], []),
        (Finalizers(empty=True, add=("b",)), ["a"], ["b"]),
    ],
)
def test_finalizers(finalizers, present, left):
    assert finalizers.apply(present) == left
