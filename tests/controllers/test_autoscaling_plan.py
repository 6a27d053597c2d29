"""Source of the cases: kubernetes 1.36 pkg/controller/podautoscaler/horizontal_test.go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from kubepy.api.objects import Obj, condition
from kubepy.controllers import autoscaling_plan as planning
from kubepy.controllers.autoscaling_metrics import Unavailable
from kubepy.controllers.autoscaling_plan import Observed, Plan
from kubepy.controllers.replica_calculator import PodMetric
from kubepy.controllers.scaling_behavior import History, Recommendation, ScaleEvent
from kubepy.lib.clock import rfc3339
from kubepy.testing.builders import make_pod

NOW, AT = 1_767_225_600.0, "2026-01-01T00:00:00Z"


def autoscaler(*metrics: Obj, minimum: int = 1, maximum: int = 10, **spec: Any) -> Obj:
    return {
        "metadata": {"name": "web"},
        "spec": {"minReplicas": minimum, "maxReplicas": maximum, "metrics": metrics, **spec},
    }


def cpu(percent: int) -> Obj:
    return {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}},
    }


def named(type_: str, field: str, target: Obj, **more: Any) -> Obj:
    return {"type": type_, field: {"metric": {"name": "qps"}, "target": target, **more}}


def running(pod: Obj) -> Obj:
    pod["status"] |= {"phase": "Running", "startTime": "2025-01-01T00:00:00Z"}
    return pod


def pods(count: int) -> list[Obj]:
    made = [make_pod(f"p-{i}").requests(cpu="100m").ready("2025-01-01T00:00:00Z").obj() for i in range(count)]
    return [running(pod) for pod in made]


def used(*amounts: int) -> dict[str, PodMetric]:
    return {f"p-{i}": PodMetric(amount, NOW) for i, amount in enumerate(amounts)}


def observed(current: int, *readings: Any, selector: str = "a=b", **more: Any) -> Observed:
    return Observed(current, current, selector, "default", pods(current), readings, **more)


def plan(hpa: Obj, seen: Observed) -> Plan:
    return planning.plan(hpa, seen, History(), NOW, AT)


def reason_of(made: Plan, type_: str) -> tuple[str, str]:
    found = condition({"status": made.status}, type_)
    assert found is not None
    return found["status"], found["reason"]


DESCRIBED = {"apiVersion": "v1", "kind": "Service", "name": "main"}
SELECTED = {"matchLabels": {"b": "2", "a": "1"}}


@pytest.mark.parametrize(
    ("metric", "reading", "desired", "reason", "current"),
    [
        (cpu(50), used(100, 100), 4, "cpu resource utilization (percentage of request) above target",
         {"averageUtilization": 100, "averageValue": "100m"}),
        ({"type": "Resource", "resource": {
            "name": "memory", "target": {"type": "AverageValue", "averageValue": "1Ki"}}},
         used(2048_000, 2048_000), 4, "memory resource above target", {"averageValue": "2Ki"}),
        ({"type": "ContainerResource", "containerResource": {
            "name": "cpu", "container": "app", "target": {"type": "Utilization", "averageUtilization": 50}}},
         used(100, 100), 4, "cpu container resource utilization (percentage of request) above target",
         {"averageUtilization": 100, "averageValue": "100m"}),
        (named("Pods", "pods", {"type": "AverageValue", "averageValue": "10"}), used(20_000, 20_000), 4,
         "pods metric qps above target", {"averageValue": "20"}),
        (named("Object", "object", {"type": "Value", "value": "10"}, describedObject=DESCRIBED), 20_000, 4,
         "Service metric qps above target", {"value": "20"}),
        (named("Object", "object", {"type": "AverageValue", "averageValue": "10"}, describedObject=DESCRIBED), 40_000,
         4, "external metric qps(nil) above target", {"averageValue": "20"}),
        (named("External", "external", {"type": "Value", "value": "10"}), [15_000, 5_000], 4,
         "external metric qps(nil) above target", {"value": "20"}),
        (named("External", "external", {"type": "AverageValue", "averageValue": "10"},
               metric={"name": "qps", "selector": SELECTED}), [40_000], 4,
         "external metric qps(&LabelSelector{MatchLabels:map[string]string{a: 1,b: 2,},"
         "MatchExpressions:[]LabelSelectorRequirement{},}) above target", {"averageValue": "20"}),
        (cpu(50), used(10, 10), 1, "All metrics below target", {"averageUtilization": 10, "averageValue": "10m"}),
    ],
)  # fmt: skip
def test_each_kind_of_metric(metric: Obj, reading: Any, desired: int, reason: str, current: Obj) -> None:
    made = plan(autoscaler(metric), observed(2, reading))
    # The first recommendation is what there is, so that nothing goes down at once.
    assert made.desired == max(desired, 2)
    assert made.reason == reason
    assert reason_of(made, "ScalingActive") == ("True", "ValidMetricFound")
    status = made.status["currentMetrics"][0]
    assert status["type"] == metric["type"]
    assert next(value for key, value in status.items() if key != "type")["current"] == current


def test_the_metric_that_asks_for_most_wins() -> None:
    made = plan(autoscaler(cpu(50), cpu(20)), observed(2, used(50, 50), used(50, 50)))
    assert made.desired == 4


def test_one_metric_without_figures_holds_back_only_the_way_down() -> None:
    failure = planning.Uncountable("no metrics returned from resource metrics API")
    up = plan(autoscaler(cpu(50), cpu(50)), observed(2, failure, used(100, 100)))
    assert (up.desired, reason_of(up, "ScalingActive")) == (4, ("True", "ValidMetricFound"))
    down = plan(autoscaler(cpu(50), cpu(50)), observed(2, failure, used(1, 1)))
    assert down.desired is None
    assert reason_of(down, "ScalingActive") == ("False", "FailedGetResourceMetric")
    assert down.status["currentMetrics"][0] == {"type": ""}
    assert down.events == [
        ("FailedGetResourceMetric",
         "failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource "
         "metrics API"),
        ("FailedComputeMetricsReplicas",
         "invalid metrics (1 invalid out of 2), first error is: failed to get cpu resource metric value: failed to get "
         "cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("metric", "reason", "message", "prefix"),
    [
        (named("Object", "object", {"type": "Value", "value": "10"}, describedObject=DESCRIBED),
         "FailedGetObjectMetric", "unable to get metric qps: Service on default main/nothing there",
         "failed to get object metric value: "),
        (named("Object", "object", {"type": "AverageValue", "averageValue": "10"}, describedObject=DESCRIBED),
         "FailedGetObjectMetric", "unable to get metric qps: Service on default main/nothing there",
         "failed to get object metric value: failed to get qps object metric: "),
        (named("Pods", "pods", {"type": "AverageValue", "averageValue": "10"}), "FailedGetPodsMetric",
         "unable to get metric qps: nothing there", "failed to get pods metric value: "),
        (named("External", "external", {"type": "Value", "value": "10"}), "FailedGetExternalMetric",
         "unable to get external metric default/qps/nil: nothing there",
         "failed to get qps external metric value: failed to get external metric qps: "),
        (named("External", "external", {"type": "AverageValue", "averageValue": "10"}), "FailedGetExternalMetric",
         "unable to get external metric default/qps/nil: nothing there",
         "failed to get qps external metric value: failed to get qps external metric: "),
        ({"type": "Cosmic"}, "InvalidMetricSourceType", 'unknown metric source type "Cosmic"', ""),
    ],
)  # fmt: skip
def test_what_failed_is_said_as_upstream_says_it(metric: Obj, reason: str, message: str, prefix: str) -> None:
    made = plan(autoscaler(metric), observed(2, planning.Uncountable("nothing there")))
    assert made.events[0] == (reason, message)
    assert made.failure == f"invalid metrics (1 invalid out of 1), first error is: {prefix}{message}"
    found = condition({"status": made.status}, "ScalingActive")
    assert found is not None
    assert found["message"] == f"the HPA was unable to compute the replica count: {message}"


@pytest.mark.parametrize(
    ("current", "desired", "reason"),
    [
        (12, 10, "Current number of replicas above Spec.MaxReplicas"),
        (1, 2, "Current number of replicas below Spec.MinReplicas"),
    ],
)
def test_out_of_range_needs_no_metrics(current: int, desired: int, reason: str) -> None:
    hpa = autoscaler(cpu(50), minimum=2)
    assert not planning.needs_metrics(hpa["spec"], current)
    made = plan(hpa, observed(current))
    assert (made.desired, made.reason, made.rescales) == (desired, reason, True)
    assert "currentMetrics" not in made.status


def test_zero_replicas_turn_scaling_off() -> None:
    made = plan(autoscaler(cpu(50)), observed(0))
    assert not made.rescales
    found = condition({"status": made.status}, "ScalingActive")
    assert found == {
        "type": "ScalingActive", "status": "False", "lastTransitionTime": AT, "reason": "ScalingDisabled",
        "message": "scaling is disabled since the replica count of the target is zero",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("more", "reason", "event"),
    [
        ({"selector": ""}, "InvalidSelector", ("SelectorRequired", "selector is required")),
        ({"rivals": ("default/api", "default/web")}, "AmbiguousSelector",
         ("AmbiguousSelector",
          "pods by selector a=b are controlled by multiple HPAs: [default/api default/web]")),
    ],
)  # fmt: skip
def test_selectors_that_lead_nowhere(more: Obj, reason: str, event: tuple[str, str]) -> None:
    made = plan(autoscaler(cpu(50)), observed(2, used(1, 1), **more))
    assert made.desired is None
    assert reason_of(made, "ScalingActive") == ("False", reason)
    assert made.events == [event, ("FailedComputeMetricsReplicas", event[1])]


def test_a_condition_keeps_its_time_while_it_keeps_its_status() -> None:
    status: Obj = {}
    planning.Conditions(status, "t1").set("A", "True", "x", "")
    planning.Conditions(status, "t2").set("A", "True", "y", "")
    assert status["conditions"][0]["lastTransitionTime"] == "t1"
    planning.Conditions(status, "t3").set("A", "False", "y", "")
    assert status["conditions"][0]["lastTransitionTime"] == "t3"


# -- what upstream's own tests end with ------------------------------------------------------------------------
#
# autoscaling_cases.json holds facts recorded from horizontal_test.go: what the controller saw and what came of it.
# pods: how many of a kind, named test-pod-0 and so on; times in seconds from now, without any a pod is old. requests:
# of both containers. readings: by pod, of an object, a series, or the error. recommendations: how many, and when.

_DATA = orjson.loads(Path(__file__).with_name("autoscaling_cases.json").read_bytes())
_OLD_S = -1e9


def recorded_pods(runs: list[tuple[int, Obj]]) -> list[Obj]:
    made: list[Obj] = []
    for count, fact in runs:
        made += [_recorded_pod(f"test-pod-{len(made) + i}", fact) for i in range(count)]
    return made


def _recorded_pod(name: str, fact: Obj) -> Obj:
    requests = fact.get("requests")
    if not isinstance(requests, dict):
        requests = dict.fromkeys(("container1", "container2"), requests)
    containers = [
        {"name": each, "resources": {"requests": {"cpu": cpu} if isinstance(cpu, str) else cpu or {}}}
        for each, cpu in requests.items()
    ]
    metadata: Obj = {"name": name, "namespace": "default"}
    if fact.get("deleting"):
        metadata["deletionTimestamp"] = AT
    ready = fact.get("ready", "True")
    since = rfc3339(NOW + fact.get("since", _OLD_S))
    return {
        "metadata": metadata,
        "spec": fact.get("spec", {"containers": containers}),
        "status": {
            "phase": fact.get("phase", "Running"),
            "startTime": rfc3339(NOW + fact.get("started", _OLD_S)),
            "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": since}] if ready else [],
        },
    }


def recorded_reading(found: Any, type_: str) -> Any:
    if found is None:
        return Unavailable("nobody asked")
    if isinstance(found, dict):
        return Unavailable(found["error"])
    if isinstance(found, list) and type_ != "External":
        by_name = {f"test-pod-{i}": amount for i, amount in enumerate(found)}
        return {name: PodMetric(amount, NOW) for name, amount in by_name.items() if amount is not None}
    return found


@pytest.mark.parametrize("case", _DATA["cases"])
def test_what_upstream_decides(case: Obj) -> None:
    spec, current, expected = case["spec"], case["current"], case["expected"]
    types = [metric["type"] for metric in spec.get("metrics") or ()]
    seen = Observed(
        current,
        case.get("status_replicas", current),
        case.get("selector", "name=test-pod"),
        "test-namespace",
        recorded_pods(case["pods"]),
        [recorded_reading(found, type_) for found, type_ in zip(case["readings"], types)],
        case.get("rivals", ()),
    )
    history = History(*(
        tuple(kind(count, NOW + at) for count, at in case.get(name, ()))
        for name, kind in (("recommendations", Recommendation), ("ups", ScaleEvent), ("downs", ScaleEvent))
    ))  # fmt: skip
    hpa = {"metadata": {"name": "test-hpa"}, "spec": spec, "status": case.get("status", {})}
    made = planning.plan(hpa, seen, history, NOW, AT)
    assert (made.desired if made.rescales else None) == expected.get("desired")
    assert [list(event) for event in made.events] == expected.get("events", [])
    if made.rescales:
        planning.note_rescale(made, AT)
    assert sorted(
        [each["type"], each["status"], each["reason"], each["message"]] for each in made.status["conditions"]
    ) == [_DATA["conditions"][number] for number in expected["conditions"]]
    assert (made.status.get("currentMetrics") or []) == expected.get("metrics", [])
