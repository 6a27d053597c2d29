import pytest

from kubepy.daemon.config import files_dir
from kubepy.kubelet import stages
from kubepy.kubelet.stages import Delay, Next, Requirement, Stage, StageError, choose, parse, path
from kubepy.kubelet.status import STEPS
from kubepy.lib import clock as clocks
from kubepy.lib.random import Random

VIEW = {
    "metadata": {"name": "web", "labels": {"app": "web", "a.b/c": "d"}},
    "status": {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}, {"type": "Initialized", "status": "False"}],
        "containerStatuses": [
            {"name": "a", "ready": False, "state": {"running": {}}},
            {"name": "b", "ready": True},
        ],
    },
}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (".status.phase", ["Running"]),
        (".status.podIP", []),
        ('.metadata.labels["a.b/c"]', ["d"]),
        (".status.conditions.[].type", ["Ready", "Initialized"]),
        ('.status.conditions.[] | select( .type == "Ready" ) | .status', ["True"]),
        ('.status.conditions.[] | select( .type != "Ready" ) | .status', ["False"]),
        (".status.containerStatuses.[] | select( .ready == false ) | .state.running", [{}]),
        (".status.phase.deeper", []),
    ],
)
def test_paths(text, values):
    assert path(text)(VIEW) == values


@pytest.mark.parametrize("text", ["status", ".a..b", ".a | keys", '.a["b'])
def test_paths_that_are_not_understood_are_refused(text):
    with pytest.raises(ValueError, match="cannot read the path"):
        path(text)


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


def stage(name: str, delay_s: float = 0.0, weight: int = 0, key: str = ".status.phase") -> Stage:
    return Stage(name, "Pod", (Requirement(path(key), "Exists"),), Next(), Delay(delay_s), weight)


def test_among_stages_without_weight_the_earliest_wins():
    chosen = choose(
        [stage("late", 5), stage("early", 1), stage("no", 0, key=".nope")], VIEW, now=0.0, random=Random(1)
    )
    assert chosen is not None and (chosen[0].name, chosen[1]) == ("early", 1)
    assert choose([stage("no", key=".nope")], VIEW, now=0.0, random=Random(1)) is None


def test_weights_draw_in_proportion_and_the_draw_still_races():
    random, names = Random(1), []
    for _ in range(400):
        chosen = choose(
            [stage("common", 1, 3), stage("rare", 1, 1), stage("deadline", 9)], VIEW, now=0.0, random=random
        )
        names.append(chosen[0].name)
    assert 0.65 < names.count("common") / 400 < 0.85 and "deadline" not in names


@pytest.mark.parametrize(
    ("found", "seconds"),
    [(2.5, 2.5), ("1m30s", 90.0), (clocks.rfc3339(1_000_060.0), 60.0), (clocks.rfc3339(5.0), 0.0)],
)
def test_a_delay_may_come_from_the_object(found, seconds):
    delay = Delay(1.0, duration_from=path(".x"))
    assert delay.seconds({"x": found}, now=1_000_000.0, random=Random(1)) == seconds
    assert delay.seconds({}, now=0.0, random=Random(1)) == 1.0


def test_jitter_is_between_duration_and_itself():
    assert all(1 <= Delay(1, 2).seconds({}, now=0, random=Random(s)) <= 2 for s in range(30))


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"kind": "Pod"}, "f: not a Stage document"),
        (
            {"kind": "Stage", "metadata": {"name": "x"}, "spec": {"nxt": {}}},
            'stage "x": spec.nxt is not a field',
        ),
        (
            {"kind": "Stage", "spec": {"next": {"statusTemplate": ""}}},
            "spec.next.statusTemplate is not a field",
        ),
        (
            {
                "kind": "Stage",
                "spec": {"selector": {"matchExpressions": [{"key": ".a", "operator": "Like"}]}},
            },
            "operator 'Like' is none of In, NotIn, Exists, DoesNotExist",
        ),
        (
            {
                "kind": "Stage",
                "spec": {"selector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}},
            },
            "cannot read the path 'a'",
        ),
    ],
)
def test_documents_that_cannot_be_used_are_named(document, sentence):
    with pytest.raises(StageError) as raised:
        parse(document, "f")
    assert sentence in str(raised.value)


def test_the_shipped_stages_load_and_name_steps_that_exist():
    shipped = stages.load([files_dir() / "stages"], "Pod")
    assert {s.name for s in shipped} >= {
        "pod-create",
        "pod-run",
        "pod-ready",
        "pod-complete",
        "pod-stop",
        "pod-remove",
    }
    assert all(s.next.delete or s.next.status in STEPS for s in shipped)


def test_a_later_directory_replaces_a_stage_of_the_same_name(tmp_path):
    (tmp_path / "slow.yaml").write_text(
        "kind: Stage\nmetadata: {name: pod-run}\n"
        "spec:\n  resourceRef: {kind: Pod}\n  delay: {durationMilliseconds: 9000}\n  next: {status: running}\n"
    )
    loaded = {s.name: s for s in stages.load([files_dir() / "stages", tmp_path], "Pod")}
    assert loaded["pod-run"].delay.duration_s == 9
