import pytest

from kubepy.kubelet.runtimes.fake import NEVER, RUN_S, STOP_S, Life, life_of


def pod(
    command: list[str] | None = None,
    *,
    image: str = "busybox",
    policy: str = "Never",
    owner: str = "",
    said: dict[str, str] | None = None,
) -> dict:
    container = {"name": "c", "image": image} | ({"command": command} if command else {})
    metadata = {"name": "p", "namespace": "d", "uid": "u"}
    if owner:
        metadata["ownerReferences"] = [{"kind": owner, "name": "x", "uid": "y", "controller": True}]
    if said:
        metadata["annotations"] = {f"kubepy.io/{name}": value for name, value in said.items()}
    return {"metadata": metadata, "spec": {"restartPolicy": policy, "containers": [container]}, "status": {}}


def life(subject: dict) -> Life:
    return life_of(subject, subject["spec"]["containers"][0])


@pytest.mark.parametrize(
    ("subject", "seconds", "end"),
    [
        (pod(policy="Always", command=["nginx", "-g", "daemon off;"]), NEVER, "0"),
        (pod(policy="Always", command=["false"]), RUN_S, "1"),
        (pod(policy="Always", command=["sh", "-c", "sleep 5; nginx"]), NEVER, "0"),
        (pod(policy="Always", command=["sleep", "60"]), 60, "0"),
        (pod(policy="Always", command=["sh", "-c", "sleep 3; exit 4"]), 3, "4"),
        (pod(["echo", "hi"]), RUN_S, "0"),
        (pod(["sh", "-c", "sleep 5 && echo done"]), 5, "0"),
        (pod(["sh", "-c", "sleep 1m; sleep 2"]), 62, "0"),
        (pod(["sh", "-c", "while true; do date; sleep 5; done"]), NEVER, "0"),
        (pod(["sleep", "infinity"]), NEVER, "0"),
        (pod(["sh", "-c", "exit 3"]), RUN_S, "3"),
        (pod(), NEVER, "0"),
        (pod(owner="Job"), RUN_S, "0"),
        (pod(owner="Job", image="registry.k8s.io/pause:3.10"), NEVER, "0"),
        (pod(policy="OnFailure", command=["true"]), RUN_S, "0"),
    ],
)
def test_what_ends_and_when(subject, seconds, end):
    assert (life(subject).run_s, life(subject).end(0)) == (seconds, end)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"exit-code": "3"}, Life(run_s=RUN_S, ends=("3",))),
        ({"run-seconds": "1m30s"}, Life(run_s=90)),
        ({"run-seconds": "forever", "exit-code": "1"}, Life(ends=("1",))),
        ({"exit-code": "1, oom ,0"}, Life(run_s=RUN_S, ends=("1", "oom", "0"))),
        ({"exit-code": "1", "exit-code.c": "2", "exit-code.other": "3"}, Life(run_s=RUN_S, ends=("2",))),
        ({"started-seconds": "5", "ready-seconds": "10"}, Life(started_s=5, ready_s=15)),
        ({"ready-seconds": "never", "unready-seconds": "4"}, Life(ready_s=NEVER, unready_s=4)),
        ({"stop-seconds": "never", "image": "missing"}, Life(stop_s=NEVER, image="missing")),
        ({"pull-seconds": "2"}, Life(pull_s=2)),
        ({"run-seconds": "soon", "whatever": "x"}, Life()),
    ],
)
def test_annotations(said, expected):
    assert life(pod(said=said)) == expected


def test_the_last_end_goes_on():
    assert [Life(ends=("1", "oom", "0")).end(run) for run in range(5)] == ["1", "oom", "0", "0", "0"]


def test_a_prestop_sleep_counts():
    subject = pod()
    subject["spec"]["containers"][0]["lifecycle"] = {"preStop": {"sleep": {"seconds": 20}}}
    assert life(subject).stop_s == 20 + STOP_S
