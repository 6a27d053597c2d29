import pytest

from kubepy.kubelet.runtimes import fake


def pod(
    command: list[str] | None = None, *, image: str = "busybox", policy: str = "Never", owner: str = ""
) -> dict:
    container = {"name": "c", "image": image} | ({"command": command} if command else {})
    metadata = {"name": "p", "namespace": "d", "uid": "u"}
    if owner:
        metadata["ownerReferences"] = [{"kind": owner, "name": "x", "uid": "y", "controller": True}]
    return {"metadata": metadata, "spec": {"restartPolicy": policy, "containers": [container]}, "status": {}}


@pytest.mark.parametrize(
    ("subject", "seconds"),
    [
        (pod(policy="Always", command=["true"]), None),
        (pod(["echo", "hi"]), fake.RUN_SECONDS),
        (pod(["sh", "-c", "sleep 5 && echo done"]), 5),
        (pod(["sh", "-c", "sleep 1m; sleep 2"]), 62),
        (pod(["sleep", "infinity"]), None),
        (pod(), None),
        (pod(owner="Job"), fake.RUN_SECONDS),
        (pod(owner="Job", image="registry.k8s.io/pause:3.10"), None),
        (pod(policy="OnFailure", command=["true"]), fake.RUN_SECONDS),
    ],
)
def test_what_ends_and_when(subject, seconds):
    assert fake.completion_seconds(subject) == seconds


@pytest.mark.parametrize(
    ("image", "missing"),
    [
        ("nginx", False), ("nginx:1.29", False), ("webserver:404", True), ("foo:non-existent", True),
        ("gcr.io/google_samples/gb-redisslave:nonexistent", True), ("registry.k8s.io/pause:3.10", False),
        ("does-not-exist", True), ("invalid.example/x", True), ("myapp:latest", False), ("dismissing:1", False),
    ],
)  # fmt: skip
def test_which_images_cannot_exist(image, missing):
    assert fake.is_missing(image) is missing


@pytest.mark.parametrize(
    ("image", "canonical", "repository"),
    [
        ("nginx", "docker.io/library/nginx:latest", "docker.io/library/nginx"),
        ("a/b:1", "docker.io/a/b:1", "docker.io/a/b"),
        ("localhost:5000/x:2", "localhost:5000/x:2", "localhost:5000/x"),
        ("ghcr.io/a/b@sha256:00", "ghcr.io/a/b@sha256:00", "ghcr.io/a/b"),
    ],
)
def test_image_names(image, canonical, repository):
    assert fake.canonical_image(image) == canonical
    assert fake.image_id(image).startswith(f"{repository}@sha256:")


def test_stopping_takes_its_prestop_sleep_but_never_more_than_the_grace_period():
    subject = pod()
    assert fake.stop_seconds(subject) == fake.STOP_SECONDS
    subject["spec"]["containers"][0]["lifecycle"] = {"preStop": {"sleep": {"seconds": 20}}}
    subject["metadata"]["deletionGracePeriodSeconds"] = 5
    assert fake.stop_seconds(subject) == 5


def test_the_deadline_counts_from_the_start():
    subject = pod()
    subject["spec"]["activeDeadlineSeconds"] = 60
    assert "deadline" not in fake.facts_of(subject)
    subject["status"]["startTime"] = "2026-01-01T00:00:00Z"
    assert fake.facts_of(subject)["deadline"] == "2026-01-01T00:01:00Z"
