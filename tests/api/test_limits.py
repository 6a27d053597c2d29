"""Source of the cases: kubernetes 1.36 plugin/pkg/admission/limitranger/admission_test.go."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api import limits
from kubepy.api.objects import Obj
from kubepy.testing.builders import make_pod


def limit_range(type_: str = "Container", **item: Any) -> Obj:
    return {"spec": {"limits": [{"type": type_, **item}]}}


def pod(requests: Obj | None = None, limits: Obj | None = None) -> Obj:
    return make_pod("p").requests(**(requests or {})).limits(**(limits or {})).obj()


def claim(storage: str | None) -> Obj:
    requests = {} if storage is None else {"storage": storage}
    return {"metadata": {"name": "c"}, "spec": {"resources": {"requests": requests}}}


@pytest.mark.parametrize(
    ("item", "made", "refusal"),
    [
        ({"min": {"cpu": "50m"}}, pod({"cpu": "100m"}), ""),
        ({"min": {"cpu": "50m"}}, pod(), "minimum cpu usage per Container is 50m.  No request is specified"),
        ({"min": {"memory": "100Mi"}}, pod({"memory": "50Mi"}),
         "minimum memory usage per Container is 100Mi, but request is 50Mi"),
        ({"min": {"cpu": "50m"}}, pod({"cpu": "50m"}, {"cpu": "40m"}),
         "minimum cpu usage per Container is 50m, but limit is 40m"),
        ({"max": {"cpu": "1"}}, pod({"cpu": "100m"}), "maximum cpu usage per Container is 1.  No limit is specified"),
        ({"max": {"cpu": "1"}}, pod({"cpu": "100m"}, {"cpu": "2"}),
         "maximum cpu usage per Container is 1, but limit is 2"),
        ({"max": {"cpu": "1"}}, pod({"cpu": "2"}, {"cpu": "1"}),
         "maximum cpu usage per Container is 1, but request is 2"),
        ({"maxLimitRequestRatio": {"cpu": "2"}}, pod({"cpu": "100m"}, {"cpu": "200m"}), ""),
        ({"maxLimitRequestRatio": {"cpu": "2"}}, pod({"cpu": "100m"}, {"cpu": "300m"}),
         "cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000"),
        ({"maxLimitRequestRatio": {"cpu": "1500m"}}, pod({"cpu": "100m"}, {"cpu": "160m"}),
         "cpu max limit to request ratio per Container is 1500m, but provided ratio is 1.600000"),
        ({"maxLimitRequestRatio": {"cpu": "2"}}, pod(None, {"cpu": "300m"}),
         "cpu max limit to request ratio per Container is 2, but no request is specified or request is 0"),
        ({"maxLimitRequestRatio": {"cpu": "2"}}, pod({"cpu": "300m"}),
         "cpu max limit to request ratio per Container is 2, but no limit is specified or limit is 0"),
        ({"min": {"cpu": "1"}, "max": {"memory": "1Gi"}}, pod({"cpu": "1m", "memory": "2Gi"}, {"memory": "2Gi"}),
         "[minimum cpu usage per Container is 1, but request is 1m, maximum memory usage per Container is 1Gi, but "
         "limit is 2Gi]"),
    ],
)  # fmt: skip
def test_containers(item: Obj, made: Obj, refusal: str) -> None:
    assert limits.pod_refusal(limit_range(**item), made) == refusal


@pytest.mark.parametrize(
    ("storage", "refusal"),
    [
        ("5Gi", ""),
        ("100Mi", "minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 100Mi"),
        ("20Gi", "maximum storage usage per PersistentVolumeClaim is 10Gi, but request is 20Gi"),
    ],
)
def test_claims(storage: str, refusal: str) -> None:
    bounds = limit_range("PersistentVolumeClaim", min={"storage": "1Gi"}, max={"storage": "10Gi"})
    assert limits.claim_refusal(bounds, claim(storage)) == refusal


def test_a_pod_is_the_sum_of_its_containers_or_the_largest_before_them() -> None:
    made = make_pod("p").requests(cpu="100m").limits(cpu="1").obj()
    spec = made["spec"]
    spec["containers"].append(
        {"name": "b", "resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "1500m"}}}
    )
    spec["overhead"] = {"cpu": "5"}
    bounds = limit_range("Pod", max={"cpu": "2"})
    assert limits.pod_refusal(bounds, made) == "maximum cpu usage per Pod is 2, but limit is 2500m"
    spec["containers"].pop()
    assert limits.pod_refusal(bounds, made) == ""
    spec["initContainers"] = [{"name": "i", "resources": {"limits": {"cpu": "3"}}}]
    assert limits.pod_refusal(bounds, made) == "maximum cpu usage per Pod is 2, but limit is 3"


def test_defaults_fill_what_is_missing_and_are_noted() -> None:
    bounds = limit_range(
        default={"cpu": "75m", "memory": "10Mi"}, defaultRequest={"cpu": "50m", "memory": "5Mi"}
    )
    made = make_pod("p").requests(cpu="60m").limits(memory="100Mi").init_container("setup").obj()
    limits.set_defaults(bounds, made)
    assert made["spec"]["containers"][0]["resources"] == {
        "requests": {"cpu": "60m", "memory": "5Mi"}, "limits": {"cpu": "75m", "memory": "100Mi"},
    }  # fmt: skip
    assert made["metadata"]["annotations"] == {
        "kubernetes.io/limit-ranger": "LimitRanger plugin set: memory request for container app; cpu limit for "
        "container app; cpu, memory request for init container setup; cpu, memory limit for init container setup"
    }


def test_nothing_missing_nothing_noted() -> None:
    made = pod({"cpu": "1"}, {"cpu": "1"})
    limits.set_defaults(limit_range(default={"cpu": "75m"}, defaultRequest={"cpu": "50m"}), made)
    assert made == pod({"cpu": "1"}, {"cpu": "1"})
