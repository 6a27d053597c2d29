import pytest

from kubepy.api import pods
from kubepy.lib.clock import rfc3339

NOW = 1_800_000_000.0


def container(name="c", requests=None, limits=None, **more):
    resources = {"requests": requests or {}, "limits": limits or {}}
    return {"name": name, "image": "i", "resources": resources} | more


def pod(*containers, init=(), name="p", **spec):
    return {
        "metadata": {"name": name, "uid": name},
        "spec": {"containers": list(containers), "initContainers": list(init)} | spec,
    }


SIDECAR = {"restartPolicy": "Always"}


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (pod(), {}),
        (pod(container(requests={"cpu": "100m", "memory": "1Gi"})), {"cpu": 100, "memory": 1 << 30}),
        (pod(container(requests={"cpu": "0.1"}), container(requests={"cpu": "0.2"})), {"cpu": 300}),
        # Rounded once, not per container.
        (pod(*[container(requests={"cpu": "100u"})] * 10), {"cpu": 1}),
        (pod(container(requests={"cpu": "1"}), init=[container(requests={"cpu": "3"})]), {"cpu": 3000}),
        (
            pod(container(requests={"cpu": "1"}), init=[container(requests={"cpu": "1"}, **SIDECAR)]),
            {"cpu": 2000},
        ),
        # An init container runs beside the sidecars that were started before it, not after it.
        (
            pod(
                container(requests={"cpu": "1"}),
                init=[container(requests={"cpu": "1"}, **SIDECAR), container(requests={"cpu": "2"})],
            ),
            {"cpu": 3000},
        ),
        (
            pod(
                container(requests={"cpu": "1"}),
                init=[container(requests={"cpu": "2"}), container(requests={"cpu": "1"}, **SIDECAR)],
            ),
            {"cpu": 2000},
        ),
        (
            pod(container(requests={"cpu": "1"}), overhead={"cpu": "250m", "memory": "1Mi"}),
            {"cpu": 1250, "memory": 1 << 20},
        ),
        (
            pod(
                container(requests={"cpu": "1", "memory": "1Gi"}),
                resources={"requests": {"cpu": "3", "x.y/z": "1"}},
            ),
            {"cpu": 3000, "memory": 1 << 30},
        ),
        (pod(container(requests={"example.com/gpu": "2"})), {"example.com/gpu": 2}),
    ],
)
def test_requests(made, wanted):
    assert pods.requests(made) == wanted


def test_limits_take_overhead_only_where_there_is_a_limit():
    made = pod(container(limits={"cpu": "1"}), overhead={"cpu": "250m", "memory": "1Mi"})
    assert pods.limits(made) == {"cpu": 1250}


def test_scoring_assumes_a_little_of_those_who_ask_for_nothing():
    assert pods.nonzero_requests(pod(container(), container(requests={"cpu": "1"}))) == (
        1100,
        2 * 200 * 1024 * 1024,
    )


BOTH = {"cpu": "1", "memory": "1Gi"}


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (pod(container()), pods.BEST_EFFORT),
        (pod(container(requests={"cpu": "0"})), pods.BEST_EFFORT),
        (pod(container(requests={"example.com/gpu": "1"})), pods.BEST_EFFORT),
        (pod(container(requests=BOTH, limits=BOTH)), pods.GUARANTEED),
        (pod(container(requests=BOTH, limits={"cpu": "1000m", "memory": "1024Mi"})), pods.GUARANTEED),
        (pod(container(requests=BOTH, limits=BOTH), container()), pods.BURSTABLE),
        (pod(container(requests={"cpu": "1"}, limits={"cpu": "1"})), pods.BURSTABLE),
        (pod(container(requests={"cpu": "1"}, limits=BOTH)), pods.BURSTABLE),
        (pod(container(requests=BOTH, limits=BOTH), init=[container()]), pods.BURSTABLE),
        (pod(container(), resources={"requests": BOTH, "limits": BOTH}), pods.GUARANTEED),
        (pod(container(), resources={"requests": BOTH}), pods.BURSTABLE),
    ],
)
def test_qos_class(made, wanted):
    assert pods.qos_class(made) == wanted


def with_status(phase="Running", ready_since=None, deleted=False, **status):
    made = pod(container())
    conditions = []
    if ready_since is not None:
        conditions = [{"type": "Ready", "status": "True", "lastTransitionTime": rfc3339(ready_since)}]
    made["status"] = {"phase": phase, "conditions": conditions} | status
    if deleted:
        made["metadata"]["deletionTimestamp"] = rfc3339(NOW)
    return made


def test_life():
    assert pods.is_active(with_status())
    assert not pods.is_active(with_status("Failed"))
    assert not pods.is_active(with_status(deleted=True))
    assert pods.is_terminating(with_status(deleted=True))
    assert not pods.is_terminating(with_status("Succeeded", deleted=True))
    assert pods.active([with_status("Succeeded"), with_status()]) == [with_status()]


@pytest.mark.parametrize(
    ("ready_since", "min_ready", "available", "waits"),
    [
        (None, 0, False, None),
        (NOW, 0, True, 0.0),
        (NOW - 9, 10, False, 1.0),
        (NOW - 10, 10, True, 0.0),
    ],
)
def test_availability(ready_since, min_ready, available, waits):
    made = with_status(ready_since=ready_since)
    assert pods.is_available(made, min_ready, NOW) is available
    assert pods.available_in(made, min_ready, NOW) == waits


def ranked(name, *, node="n", phase="Running", ready_for=None, age=1000.0, cost=None, restarts=0, rank=0):
    made = pod(container(), name=name, nodeName=node)
    made["metadata"]["creationTimestamp"] = rfc3339(NOW - age)
    if cost is not None:
        made["metadata"]["annotations"] = {pods.DELETION_COST: cost}
    conditions = []
    if ready_for is not None:
        conditions = [{"type": "Ready", "status": "True", "lastTransitionTime": rfc3339(NOW - ready_for)}]
    made["status"] = {
        "phase": phase,
        "conditions": conditions,
        "containerStatuses": [{"name": "c", "restartCount": restarts}],
    }
    return made, rank


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (ranked("a", node=""), ranked("b", phase="Pending")),
        (ranked("a", phase="Pending"), ranked("b", phase="Unknown")),
        (ranked("a", phase="Unknown"), ranked("b")),
        (ranked("a"), ranked("b", ready_for=10)),
        (ranked("a", ready_for=10, cost="-5"), ranked("b", ready_for=10)),
        (ranked("a", ready_for=1000, rank=2), ranked("b", ready_for=10, rank=1)),
        (ranked("a", ready_for=10), ranked("b", ready_for=1000)),
        (ranked("a", restarts=3), ranked("b", restarts=1)),
        (ranked("a", age=10), ranked("b", age=1000)),
        # Of one order of magnitude: by uid, whoever is younger.
        (ranked("a", ready_for=110), ranked("b", ready_for=100)),
        (ranked("a", cost="007"), ranked("b", cost="1")),
    ],
)
def test_which_pod_dies_first(first, second):
    made, ranks = zip(first, second)
    assert [p["metadata"]["name"] for p in pods.rank_for_deletion(made, ranks, NOW)] == ["a", "b"]
    assert [p["metadata"]["name"] for p in pods.rank_for_deletion(made[::-1], ranks[::-1], NOW)] == ["a", "b"]


def test_template_hash_is_stable_and_looks_like_kubernetes():
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    hashed = pods.template_hash(template)
    assert hashed == pods.template_hash({"spec": template["spec"], "metadata": template["metadata"]})
    assert 8 <= len(hashed) <= 10 and set(hashed) <= set("bcdfghjklmnpqrstvwxz2456789")
    assert pods.template_hash(template, 1) not in (hashed, pods.template_hash(template, 0))


def test_container_lookup():
    made = pod(container("a"), init=[container("b", **SIDECAR)])
    assert pods.container(made, "b")["name"] == "b"
    assert pods.container(made, "x") is None
