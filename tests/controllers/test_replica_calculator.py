"""The counts that upstream's own tests expect.

Source: kubernetes 1.36 pkg/controller/podautoscaler/replica_calculator_test.go.
"""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.objects import Obj
from kubepy.controllers import replica_calculator as calculator
from kubepy.controllers.replica_calculator import PodMetric, Setting, Tolerances, Uncountable, Utilization
from kubepy.lib.clock import rfc3339

NOW = 1_000_000.0
# A pod that started just now, and one that started long ago.
_STARTED = {"h": NOW, "c": NOW - 3 * 3600}
_PHASES = {"r": "Running", "f": "Failed", "p": "Pending", "s": "Succeeded"}


def case(name: str, **fields: Any) -> Any:
    return pytest.param(fields, id=name)


# One letter per pod. ready: t, f; hot: started just now or not (c); phases: the first letter; deleting: d or not (n).
# levels: per pod and container for resources, per pod for pods' metrics, else the figure itself.
CASES = (
    case(
        "scale_up",
        current=3,
        expected=5,
        kind="resource",
        requests=[1000, 1000, 1000],
        levels=[[300, 300], [500, 500], [700, 700]],
        target=30,
        percent=50,
        average=1000,
    ),
    case(
        "container_scale_up",
        current=3,
        expected=5,
        container="container2",
        kind="resource",
        requests=[1000, 1000, 1000],
        levels=[[1000, 300], [1000, 500], [1000, 700]],
        target=30,
        percent=50,
        average=500,
    ),
    case(
        "scale_up_unready_less_scale",
        current=3,
        expected=4,
        ready="ftt",
        kind="resource",
        requests=[1000, 1000, 1000],
        levels=[[300, 300], [500, 500], [700, 700]],
        target=30,
        percent=60,
        average=1200,
    ),
    case(
        "scale_up_overflow",
        current=3,
        expected=2**31 - 1,
        kind="object",
        levels=[2**63 - 1],
        target=1,
        average=2**63 - 1,
    ),
    case(
        "scale_up_container_hot_cpu_less_scale",
        current=3,
        expected=4,
        hot="hcc",
        container="container2",
        kind="resource",
        requests=[1000, 1000, 1000],
        levels=[[0, 300], [0, 500], [0, 700]],
        target=30,
        percent=60,
        average=600,
    ),
    case(
        "scale_up_hot_cpu_less_scale",
        current=3,
        expected=4,
        hot="hcc",
        kind="resource",
        requests=[1000, 1000, 1000],
        levels=[[300, 300], [500, 500], [700, 700]],
        target=30,
        percent=60,
        average=1200,
    ),
    case(
        "scale_up_unready_no_scale",
        current=3,
        expected=3,
        ready="tff",
        kind="resource",
        requests=[1000, 1000, 1000],
        levels=[[400, 400], [500, 500], [700, 700]],
        target=30,
        percent=40,
        average=800,
    ),
    case(
        "external_per_pod_metric_replica_overflow",
        current=1,
        expected=2**31 - 1,
        kind="externalPerPod",
        levels=[2**63 - 1],
        target=1,
        average=2**63 - 1,
    ),
    case(
        "external_per_pod_metric_usage_overflow",
        current=1,
        expected=1,
        kind="externalPerPod",
        levels=[2**63 - 1],
        target=2**63 - 1,
        average=2**63 - 1,
    ),
    case(
        "scale_hot_cpu_no_scale",
        current=3,
        expected=3,
        ready="tff",
        hot="chh",
        kind="resource",
        requests=[1000, 1000, 1000],
        levels=[[400, 400], [500, 500], [700, 700]],
        target=30,
        percent=40,
        average=800,
    ),
    case(
        "scale_up_ignores_failed_pods",
        current=2,
        expected=4,
        ready="ttff",
        phases="rrff",
        kind="resource",
        requests=[1000, 1000, 1000, 1000],
        levels=[[500, 500], [700, 700]],
        target=30,
        percent=60,
        average=1200,
    ),
    case(
        "missing_container_metric_scale_up_ignores_failed_pods",
        current=2,
        expected=4,
        ready="ttff",
        phases="rrff",
        container="container2",
        kind="resource",
        requests=[1000, 1000, 1000, 1000],
        levels=[[1000, 500], [9000, 700], [1000], [9000]],
        target=30,
        percent=60,
        average=600,
    ),
    case(
        "scale_up_container_ignores_failed_pods",
        current=2,
        expected=4,
        ready="ttff",
        phases="rrff",
        container="container2",
        kind="resource",
        requests=[1000, 1000, 1000, 1000],
        levels=[[1000, 500], [9000, 700]],
        target=30,
        percent=60,
        average=600,
    ),
    case(
        "scale_up_ignores_deletion_pods",
        current=2,
        expected=4,
        ready="ttff",
        phases="rrrr",
        deleting="nndd",
        kind="resource",
        requests=[1000, 1000, 1000, 1000],
        levels=[[500, 500], [700, 700]],
        target=30,
        percent=60,
        average=1200,
    ),
    case(
        "scale_up_container_ignores_deletion_pods",
        current=2,
        expected=4,
        ready="ttff",
        phases="rrrr",
        deleting="nndd",
        container="container1",
        kind="resource",
        requests=[1000, 1000, 1000, 1000],
        levels=[[500, 500], [700, 700]],
        target=30,
        percent=60,
        average=600,
    ),
    case(
        "scale_upcm",
        current=3,
        expected=4,
        kind="pod",
        levels=[20000, 10000, 30000],
        target=15000,
        average=20000,
    ),
    case(
        "scale_upcm_unready_hot_cpu_no_less_scale",
        current=3,
        expected=6,
        ready="ttf",
        hot="cch",
        kind="pod",
        levels=[50000, 10000, 30000],
        target=15000,
        average=30000,
    ),
    case(
        "scale_upcm_unready_hot_cpu_scale_would_scale_down",
        current=3,
        expected=7,
        ready="ftf",
        hot="hch",
        kind="pod",
        levels=[50000, 15000, 30000],
        target=15000,
        average=31666,
    ),
    case(
        "scale_upcm_per_pod_object",
        current=3,
        expected=4,
        kind="objectPerPod",
        levels=[20000],
        target=5000,
        average=6667,
    ),
    case("scale_upcm_external", current=1, expected=2, kind="pod", levels=[8600], target=4400, average=8600),
    case(
        "scale_upcm_external_ignores_unready_pods",
        current=3,
        expected=2,
        ready="ftf",
        kind="external",
        levels=[8600],
        target=4400,
        average=8600,
    ),
    case(
        "scale_upcm_external_no_labels",
        current=1,
        expected=2,
        kind="pod",
        levels=[8600],
        target=4400,
        average=8600,
    ),
    case(
        "scale_up_per_podcm_external",
        current=3,
        expected=4,
        kind="externalPerPod",
        levels=[8600],
        target=2150,
        average=2867,
    ),
    case(
        "scale_down",
        current=5,
        expected=3,
        kind="resource",
        requests=[1000, 1000, 1000, 1000, 1000],
        levels=[[100, 100], [300, 300], [500, 500], [250, 250], [250, 250]],
        target=50,
        percent=28,
        average=560,
    ),
    case(
        "container_scale_down",
        current=5,
        expected=3,
        container="container2",
        kind="resource",
        requests=[1000, 1000, 1000, 1000, 1000],
        levels=[[1000, 100], [1000, 300], [1000, 500], [1000, 250], [1000, 250]],
        target=50,
        percent=28,
        average=280,
    ),
    case(
        "scale_downcm",
        current=5,
        expected=3,
        kind="pod",
        levels=[12000, 12000, 12000, 12000, 12000],
        target=20000,
        average=12000,
    ),
    case(
        "scale_down_per_podcm_object",
        current=5,
        expected=3,
        kind="objectPerPod",
        levels=[6000],
        target=2000,
        average=1200,
    ),
    case(
        "scale_downcm_external",
        current=5,
        expected=3,
        kind="external",
        levels=[8600],
        target=14334,
        average=8600,
    ),
    case(
        "scale_down_per_podcm_external",
        current=5,
        expected=3,
        kind="externalPerPod",
        levels=[8600],
        target=2867,
        average=1720,
    ),
    case(
        "scale_down_exclude_unready_pods",
        current=5,
        expected=2,
        ready="tttff",
        kind="resource",
        requests=[1000, 1000, 1000, 1000, 1000],
        levels=[[100, 100], [300, 300], [500, 500], [250, 250], [250, 250]],
        target=50,
        percent=30,
        average=600,
    ),
    case(
        "scale_down_container_exclude_unready_pods",
        current=5,
        expected=2,
        ready="tttff",
        container="container2",
        kind="resource",
        requests=[1000, 1000, 1000, 1000, 1000],
        levels=[[1000, 100], [1000, 300], [1000, 500], [1000, 250], [1000, 250]],
        target=50,
        percent=30,
        average=300,
    ),
    case(
        "scale_down_exclude_unscheduled_pods",
        current=5,
        expected=1,
        ready="tffff",
        phases="rpppp",
        kind="resource",
        requests=[1000, 1000, 1000, 1000, 1000],
        levels=[[100, 100]],
        target=50,
        percent=10,
        average=200,
    ),
    case(
        "scale_down_container_exclude_unscheduled_pods",
        current=5,
        expected=1,
        ready="tffff",
        phases="rpppp",
        container="container2",
        kind="resource",
        requests=[1000, 1000, 1000, 1000, 1000],
        levels=[[1000, 100], [1000, 300], [1000, 500], [1000, 250], [1000, 250]],
        target=50,
        percent=10,
        average=100,
    ),
    case(
        "scale_down_ignore_hot_cpu_pods",
        current=5,
        expected=2,
        hot="ccchh",
        kind="resource",
        requests=[1000, 1000, 1000, 1000, 1000],
        levels=[[100, 100], [300, 300], [500, 500], [250, 250], [250, 250]],
        target=50,
        percent=30,
        average=600,
    ),
    case(
        "scale_down_container_ignore_hot_cpu_pods",
        current=5,
        expected=2,
        hot="ccchh",
        container="container2",
        kind="resource",
        requests=[1000, 1000, 1000, 1000, 1000],
        levels=[[1000, 100], [1000, 300], [1000, 500], [1000, 1000], [1000, 1000]],
        target=50,
        percent=30,
        average=300,
    ),
    case(
        "scale_down_ignores_failed_pods",
        current=5,
        expected=3,
        ready="tttttff",
        phases="rrrrrff",
        kind="resource",
        requests=[1000, 1000, 1000, 1000, 1000, 1000, 1000],
        levels=[[100, 100], [300, 300], [500, 500], [250, 250], [250, 250]],
        target=50,
        percent=28,
        average=560,
    ),
    case(
        "scale_down_container_ignores_failed_pods",
        current=5,
        expected=3,
        ready="tttttff",
        phases="rrrrrff",
        container="container2",
        kind="resource",
        requests=[1000, 1000, 1000, 1000, 1000, 1000, 1000],
        levels=[[1000, 100], [1000, 300], [1000, 500], [1000, 250], [1000, 250]],
        target=50,
        percent=28,
        average=280,
    ),
    case(
        "scale_down_ignores_deletion_pods",
        current=5,
        expected=3,
        ready="tttttff",
        phases="rrrrrrr",
        deleting="nnnnndd",
        kind="resource",
        requests=[1000, 1000, 1000, 1000, 1000, 1000, 1000],
        levels=[[100, 100], [300, 300], [500, 500], [250, 250], [250, 250]],
        target=50,
        percent=28,
        average=560,
    ),
    case(
        "scale_down_ignores_deletion_pods__still_running",
        current=5,
        expected=3,
        ready="tttttff",
        phases="rrrrrrr",
        deleting="nnnnndd",
        container="container2",
        kind="resource",
        requests=[1000, 1000, 1000, 1000, 1000, 1000, 1000],
        levels=[[1000, 100], [1000, 300], [1000, 500], [1000, 250], [1000, 250]],
        target=50,
        percent=28,
        average=280,
    ),
    case(
        "tolerance",
        current=3,
        expected=3,
        kind="resource",
        requests=[900, 1000, 1100],
        levels=[[1010, 1010], [1030, 1030], [1020, 1020]],
        target=100,
        percent=102,
        average=2040,
    ),
    case(
        "tolerancecm",
        current=3,
        expected=3,
        kind="pod",
        levels=[20000, 21000, 21000],
        target=20000,
        average=20666,
    ),
    case(
        "tolerance_per_podcm_object",
        current=4,
        expected=4,
        kind="objectPerPod",
        levels=[20166],
        target=5000,
        average=5042,
    ),
    case(
        "tolerancecm_external",
        current=3,
        expected=3,
        kind="external",
        levels=[8600],
        target=8888,
        average=8600,
    ),
    case(
        "tolerance_per_podcm_external",
        current=3,
        expected=3,
        kind="externalPerPod",
        levels=[8600],
        target=2900,
        average=2867,
    ),
    case(
        "superfluous_metrics",
        current=4,
        expected=24,
        kind="resource",
        requests=[1000, 1000, 1000, 1000],
        levels=[[4000, 4000], [9500, 9500], [3000, 3000], [7000, 7000], [3200, 3200], [2000, 2000]],
        target=100,
        percent=587,
        average=11750,
    ),
    case(
        "emptycpu_request",
        current=1,
        expected=0,
        error="missing request for",
        kind="resource",
        requests=[],
        levels=[[200, 200]],
        target=100,
    ),
    case(
        "plain_metric_replica_calc_missing_metrics_no_change_eq",
        current=5,
        expected=5,
        kind="pod",
        levels=[20000, 19000, 21000],
        target=20000,
        average=20000,
    ),
    case(
        "missing_metrics_no_change_eq",
        current=2,
        expected=2,
        kind="resource",
        requests=[1000, 1000],
        levels=[[1000, 1000]],
        target=100,
        percent=100,
        average=2000,
    ),
    case(
        "missing_metrics_no_change_gt",
        current=2,
        expected=2,
        kind="resource",
        requests=[1000, 1000],
        levels=[[1900, 1900]],
        target=100,
        percent=190,
        average=3800,
    ),
    case(
        "missing_metrics_no_change_lt",
        current=2,
        expected=2,
        kind="resource",
        requests=[1000, 1000],
        levels=[[600, 600]],
        target=100,
        percent=60,
        average=1200,
    ),
    case(
        "missing_metrics_unready_change",
        current=3,
        expected=3,
        ready="ftt",
        kind="resource",
        requests=[1000, 1000, 1000],
        levels=[[100, 100], [450, 450]],
        target=50,
        percent=45,
        average=900,
    ),
    case(
        "missing_metrics_hot_cpu_no_change",
        current=3,
        expected=3,
        hot="hcc",
        kind="resource",
        requests=[1000, 1000, 1000],
        levels=[[100, 100], [450, 450]],
        target=50,
        percent=45,
        average=900,
    ),
    case(
        "missing_metrics_unready_scale_up",
        current=3,
        expected=4,
        ready="ftt",
        kind="resource",
        requests=[1000, 1000, 1000],
        levels=[[100, 100], [2000, 2000]],
        target=50,
        percent=200,
        average=4000,
    ),
    case(
        "missing_metrics_hot_cpu_scale_up",
        current=3,
        expected=4,
        ready="ftt",
        hot="hcc",
        kind="resource",
        requests=[1000, 1000, 1000],
        levels=[[100, 100], [2000, 2000]],
        target=50,
        percent=200,
        average=4000,
    ),
    case(
        "missing_metrics_unready_scale_down",
        current=4,
        expected=3,
        ready="fttt",
        kind="resource",
        requests=[1000, 1000, 1000, 1000],
        levels=[[100, 100], [100, 100], [100, 100]],
        target=50,
        percent=10,
        average=200,
    ),
    case(
        "missing_metrics_scale_down_target_over100",
        current=4,
        expected=2,
        ready="fttt",
        kind="resource",
        requests=[1000, 1000, 2000, 2000],
        levels=[[200, 200], [100, 100], [100, 100]],
        target=300,
        percent=6,
        average=200,
    ),
    case(
        "during_rolling_update_with_max_surge",
        current=2,
        expected=2,
        phases="rrr",
        kind="resource",
        requests=[1000, 1000, 1000],
        levels=[[100, 100], [100, 100]],
        target=50,
        percent=10,
        average=200,
    ),
    case(
        "during_rolling_update_with_max_surgecm",
        current=2,
        expected=2,
        phases="rrr",
        kind="pod",
        levels=[10000, 10000],
        target=17000,
        average=10000,
    ),
)


def pods_of(fields: Obj) -> list[Obj]:
    phases = fields.get("phases", "")
    made = []
    for i in range(max(fields["current"], len(phases))):
        requests = fields.get("requests", [])
        resources = {"requests": {"cpu": f"{requests[i]}m"}} if i < len(requests) else {}
        ready = "False" if fields.get("ready", "")[i : i + 1] == "f" else "True"
        started = _STARTED[fields.get("hot", "")[i : i + 1] or "c"]
        metadata: Obj = {"name": f"test-pod-{i}"}
        if fields.get("deleting", "")[i : i + 1] == "d":
            metadata["deletionTimestamp"] = rfc3339(NOW)
        made.append({
            "metadata": metadata,
            "spec": {"containers": [{"name": f"container{n}", "resources": resources} for n in (1, 2)]},
            "status": {
                "phase": _PHASES[phases[i : i + 1] or "r"], "startTime": rfc3339(started),
                "conditions": [{"type": "Ready", "status": ready}],
            },
        })  # fmt: skip
    return made


def resource_metrics(levels: list[list[int]], container: str) -> dict[str, PodMetric]:
    found = {}
    for i, level in enumerate(levels):
        named = {f"container{n}": value for n, value in enumerate(level, 1)}
        if not container or container in named:
            found[f"test-pod-{i}"] = PodMetric(named[container] if container else sum(level))
    return found


def compute(fields: Obj) -> Utilization:
    tolerances = Tolerances(*fields.get("tolerances", ()))
    setting = Setting(pods_of(fields), tolerances, NOW, cpu_initialization_s=120.0, readiness_delay_s=10.0)
    current, target, levels = fields["current"], fields["target"], fields["levels"]
    match fields["kind"]:
        case "resource":
            container = fields.get("container", "")
            metrics = resource_metrics(levels, container)
            return calculator.by_utilization(
                setting, metrics, current=current, target=target, resource="cpu", container=container
            )
        case "pod":
            metrics = {f"test-pod-{i}": PodMetric(level) for i, level in enumerate(levels)}
            return calculator.by_amount(setting, metrics, current=current, target=target)
        case "object" | "external":
            usage = calculator.total(levels)
            return Utilization(calculator.by_value(setting, usage, current=current, target=target), usage)
        case _:
            usage = calculator.total(levels)
            return calculator.by_value_per_pod(tolerances, usage, replicas=current, target=target)


@pytest.mark.parametrize("fields", CASES)
def test_counts(fields: Obj) -> None:
    if "error" in fields:
        with pytest.raises(Uncountable, match=fields["error"]):
            compute(fields)
        return
    found = compute(fields)
    assert found.replicas == fields["expected"]
    assert found.percent == fields.get("percent")
    assert found.average == fields["average"]


@pytest.mark.parametrize(
    ("tolerances", "expected"), [((0.1, 0.01), 4), ((0.1, 0.1), 3), ((0.01, 0.1), 3), ((0.36, 2.0), 3)]
)
def test_each_direction_has_its_tolerance(tolerances: tuple[float, float], expected: int) -> None:
    fields = {
        "current": 3, "kind": "resource", "target": 50, "requests": [1000] * 3, "levels": [[540, 540]] * 3,
        "tolerances": tolerances,
    }  # fmt: skip
    assert compute(fields).replicas == expected


def test_a_container_that_no_pod_has() -> None:
    pods = pods_of({"current": 1, "requests": [100]})
    with pytest.raises(Uncountable, match="container other not found in Pod test-pod-0"):
        calculator.requested(pods, "other", "cpu")


def test_without_pods_there_is_no_count() -> None:
    with pytest.raises(Uncountable, match="no pods returned by selector while calculating replica count"):
        calculator.by_amount(Setting([], Tolerances(), NOW), {}, current=1, target=1)


def test_metrics_of_pods_that_nobody_knows() -> None:
    setting = Setting(pods_of({"current": 1, "requests": [1000]}), Tolerances(), NOW)
    with pytest.raises(Uncountable, match="no metrics returned matched known pods"):
        calculator.by_utilization(
            setting, {"older-pod": PodMetric(100)}, current=1, target=100, resource="cpu"
        )
