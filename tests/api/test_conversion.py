"""Conversion between served versions: what one version cannot say must not be lost."""

import pytest

from kubepy.api import conversion, versions
from kubepy.api.builtins import (
    DEPLOYMENTS,
    EVENTS,
    HORIZONTAL_POD_AUTOSCALERS,
    Catalog,
)
from kubepy.api.conversion import convert
from kubepy.api.objects import Obj, copy
from kubepy.api.schema import Schemas

EVENTS_V1 = Catalog().get("events.k8s.io", "v1", "events")
V1, V2 = Catalog().get("autoscaling", "v1", "horizontalpodautoscalers"), HORIZONTAL_POD_AUTOSCALERS

EVENT: Obj = {
    "apiVersion": "v1",
    "kind": "Event",
    "metadata": {"name": "web.1", "namespace": "default"},
    "involvedObject": {"kind": "Pod", "name": "web"},
    "reason": "Started",
    "message": "Started container",
    "source": {"component": "kubelet"},
    "firstTimestamp": "2026-01-01T00:00:00Z",
    "lastTimestamp": "2026-01-01T00:00:01Z",
    "count": 2,
    "type": "Normal",
    "reportingComponent": "kubelet",
    "reportingInstance": "node-1",
}

AUTOSCALER: Obj = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "web", "annotations": {"team": "a"}},
    "spec": {
        "scaleTargetRef": {"kind": "Deployment", "name": "web", "apiVersion": "apps/v1"},
        "minReplicas": 1,
        "maxReplicas": 9,
        "metrics": [
            {
                "type": "Pods",
                "pods": {"metric": {"name": "rps"}, "target": {"type": "AverageValue", "averageValue": "5"}},
            },
            {
                "type": "Object",
                "object": {
                    "metric": {"name": "hits", "selector": {"matchLabels": {"a": "b"}}},
                    "describedObject": {"kind": "Ingress", "name": "main"},
                    "target": {"type": "AverageValue", "averageValue": "10"},
                },
            },
            {
                "type": "External",
                "external": {"metric": {"name": "queue"}, "target": {"type": "Value", "value": "30"}},
            },
            {
                "type": "ContainerResource",
                "containerResource": {
                    "name": "memory",
                    "container": "app",
                    "target": {"type": "AverageValue", "averageValue": "1Gi"},
                },
            },
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
            },
        ],
        "behavior": {
            "scaleUp": {
                "selectPolicy": "Max",
                "policies": [{"type": "Pods", "value": 4, "periodSeconds": 15}],
            }
        },
    },
    "status": {
        "currentReplicas": 3,
        "desiredReplicas": 4,
        "currentMetrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "current": {"averageUtilization": 40, "averageValue": "400m"}},
            }
        ],
        "conditions": [{"type": "AbleToScale", "status": "True"}],
    },
}


def test_events_are_renamed_and_come_back() -> None:
    new = convert(EVENT, EVENTS, EVENTS_V1)
    assert new["apiVersion"] == "events.k8s.io/v1"
    assert new["regarding"] == {"kind": "Pod", "name": "web"}
    assert (new["note"], new["deprecatedCount"], new["reportingController"]) == (
        "Started container",
        2,
        "kubelet",
    )
    assert "message" not in new
    assert convert(new, EVENTS_V1, EVENTS) == EVENT


def test_an_event_that_nobody_reported_says_so_in_core_only() -> None:
    core = EVENT | {"reportingComponent": "", "reportingInstance": ""}
    new = convert(core, EVENTS, EVENTS_V1)
    assert new.keys().isdisjoint({"reportingComponent", "reportingController", "reportingInstance"})
    assert convert(new, EVENTS_V1, EVENTS) == core


def test_v1_shows_what_it_can_and_carries_the_rest() -> None:
    old = convert(AUTOSCALER, V2, V1)
    assert old["apiVersion"] == "autoscaling/v1"
    assert old["spec"]["targetCPUUtilizationPercentage"] == 50
    assert old["status"]["currentCPUUtilizationPercentage"] == 40
    assert set(old["spec"]) & {"metrics", "behavior"} == set()
    annotations = old["metadata"]["annotations"]
    assert annotations["team"] == "a"
    assert annotations[conversion.METRICS].startswith(
        '[{"type":"Pods","pods":{"metricName":"rps","targetAverageValue":"5"}},{"type":"Object"'
    )
    assert (
        '"ScaleUp":{"StabilizationWindowSeconds":null,"SelectPolicy":"Max"'
        in annotations[conversion.BEHAVIOR]
    )


def test_an_autoscaler_survives_the_old_version() -> None:
    before = copy(AUTOSCALER)
    assert convert(convert(AUTOSCALER, V2, V1), V1, V2) == AUTOSCALER
    assert before == AUTOSCALER


@pytest.mark.parametrize(
    ("spec", "metrics"),
    [
        ({"targetCPUUtilizationPercentage": 65}, 65),
        ({}, 80),
    ],
)
def test_v1_without_metrics_scales_on_cpu(spec: Obj, metrics: int) -> None:
    old = {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "a"},
        "spec": spec,
    }
    new = convert(old, V1, V2)
    target = {"type": "Utilization", "averageUtilization": metrics}
    assert new["spec"]["metrics"] == [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]


@pytest.mark.parametrize("text", ["", "{", "[1]", '"x"', "null"])
def test_annotations_that_are_not_ours_are_ignored(text: str) -> None:
    old = {"metadata": {"name": "a", "annotations": {conversion.METRICS: text, "team": "a"}}, "spec": {}}
    new = convert(old, V1, V2)
    assert len(new["spec"]["metrics"]) == 1
    assert new["metadata"]["annotations"] == {"team": "a"}


def test_one_version_is_answered_as_it_came() -> None:
    obj: Obj = {"apiVersion": "apps/v1"}
    assert convert(obj, DEPLOYMENTS, DEPLOYMENTS) is obj


@pytest.mark.parametrize(
    ("shares", "annotations", "stored"),
    [(0, {}, 30), (0, {conversion.PRESERVE_ZERO_SHARES: "", "a": "b"}, 0), (7, {}, 7)],
)
def test_no_shares_of_an_old_priority_level_are_the_default_unless_they_are_meant(
    shares, annotations, stored
):
    """Source: pkg/apis/flowcontrol/v1beta3/{defaults,conversion}_test.go."""
    schemas = Schemas("1.31")
    catalog = Catalog(versions.served("1.31", schemas))
    old, new = (
        catalog.get("flowcontrol.apiserver.k8s.io", version, "prioritylevelconfigurations")
        for version in ("v1beta3", "v1")
    )
    obj = {
        "apiVersion": old.api_version,
        "kind": old.kind,
        "metadata": {"name": "a", "annotations": annotations},
        "spec": {
            "type": "Limited",
            "limited": {"nominalConcurrencyShares": shares, "limitResponse": {"type": "Reject"}},
        },
    }
    schema = schemas.of(old)
    schema.decode(obj)
    schema.default(obj)
    there = convert(obj, old, new)
    assert there["spec"]["limited"]["nominalConcurrencyShares"] == stored
    assert there["spec"]["limited"]["lendablePercent"] == 0
    assert conversion.PRESERVE_ZERO_SHARES not in (there["metadata"].get("annotations") or {})
    back = convert(there, new, old)
    assert (conversion.PRESERVE_ZERO_SHARES in (back["metadata"].get("annotations") or {})) is (stored == 0)


def test_annotations_are_in_the_order_of_gos_structs() -> None:
    metric = {"name": "m", "selector": {"matchLabels": {"a": "b"}}}
    spec = {
        "maxReplicas": 3,
        "metrics": [
            {"type": "Object", "object": {
                "metric": metric, "describedObject": {"kind": "S", "name": "x"},
                "target": {"type": "Value", "value": "2k"}}},
            {"type": "Pods", "pods": {"metric": metric, "target": {"type": "AverageValue", "averageValue": "1"}}},
        ],
        "behavior": {"scaleDown": {
            "policies": [{"periodSeconds": 60, "type": "Pods", "value": 1}], "stabilizationWindowSeconds": 5}},
    }  # fmt: skip
    old = convert(AUTOSCALER | {"spec": spec, "status": {"desiredReplicas": 0}}, V2, V1)
    annotations = old["metadata"]["annotations"]
    assert annotations["autoscaling.alpha.kubernetes.io/behavior"] == (
        '{"ScaleUp":null,"ScaleDown":{"StabilizationWindowSeconds":5,"SelectPolicy":null,"Policies":[{"Type":"Pods",'
        '"Value":1,"PeriodSeconds":60}],"Tolerance":null}}'
    )
    assert annotations["autoscaling.alpha.kubernetes.io/metrics"] == (
        '[{"type":"Object","object":{"target":{"kind":"S","name":"x"},"metricName":"m","targetValue":"2k",'
        '"selector":{"matchLabels":{"a":"b"}}}},{"type":"Pods","pods":{"metricName":"m","targetAverageValue":"1",'
        '"selector":{"matchLabels":{"a":"b"}}}}]'
    )
    # There it is always written, in v2 only when it is not zero.
    assert old["status"] == {"currentReplicas": 0, "desiredReplicas": 0}
    assert convert(old, V1, V2)["status"] == {"desiredReplicas": 0}
