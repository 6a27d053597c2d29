import pytest

from kubepy.kubelet.jq import path

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
        (".status.conditions[].type", ["Ready", "Initialized"]),
        (".status.conditions[1].type", ["Initialized"]),
        (".status.conditions[7].type", []),
        ('.status.conditions.[] | select( .type == "Ready" ) | .status', ["True"]),
        ('.status.conditions.[] | select( .type != "Ready" ) | .status', ["False"]),
        (".status.containerStatuses.[] | select( .ready == false ) | .state.running", [{}]),
        (".status.phase.deeper", []),
    ],
)
def test_paths(text, values):
    assert path(text)(VIEW) == values


@pytest.mark.parametrize("text", ["status", ".a..b", ".a | keys", '.a["b', ""])
def test_paths_that_are_not_understood_are_refused(text):
    with pytest.raises(ValueError, match="cannot read the path"):
        path(text)
