"""How many replicas a metric asks for. Pure: metrics, pods and targets in, a count out.

Pods that are not there for the metric's purpose count in the way that changes least: of those without a metric it is
assumed that they use nothing when the answer would be more, and all they may when it would be less; those that are
not ready use nothing; those that have failed or are on their way out do not count.

Amounts are in thousandths (of a core, of a byte, of whatever a metric counts).

Source: kubernetes 1.36 pkg/controller/podautoscaler/replica_calculator.go, metrics/utilization.go.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct

from kubepy.api import pods as pod_api
from kubepy.api import quantity
from kubepy.api.objects import Obj, condition, is_deleting
from kubepy.lib.clock import parse_rfc3339

# Source: podautoscaler/config/v1alpha1/defaults.go.
TOLERANCE = 0.1
CPU_INITIALIZATION_S = 300.0
INITIAL_READINESS_S = 30.0

_INT32_MAX, _INT64_MAX = 2**31 - 1, 2**63 - 1


class Uncountable(Exception):
    """No count follows; the message says why."""


class Tolerances(NamedTuple):
    """By which share a ratio may be off without anything happening."""

    down: float = TOLERANCE
    up: float = TOLERANCE

    def covers(self, ratio: float) -> bool:
        return 1.0 - self.down <= ratio <= 1.0 + self.up


class PodMetric(NamedTuple):
    value: int
    at: float = 0.0  # seconds since the epoch
    window_s: float = 60.0


class Utilization(NamedTuple):
    """percent is None for targets that are plain amounts; average is per pod."""

    replicas: int
    average: int
    percent: int | None = None


class Setting(Struct, frozen=True):
    """What is the same for all metrics of one look. cpu_initialization_s: so long after a pod's start its CPU counts
    only while it is ready; readiness_delay_s: a pod not ready since then has never been."""

    pods: Sequence[Obj]  # those that the target selects
    tolerances: Tolerances
    now: float
    cpu_initialization_s: float = CPU_INITIALIZATION_S
    readiness_delay_s: float = INITIAL_READINESS_S


class Groups(NamedTuple):
    ready: int
    unready: set[str]
    missing: set[str]
    ignored: set[str]


def group_pods(setting: Setting, metrics: Mapping[str, PodMetric], resource: str) -> Groups:
    ready = 0
    unready: set[str] = set()
    missing: set[str] = set()
    ignored: set[str] = set()
    for pod in setting.pods:
        name, phase = pod["metadata"]["name"], pod_api.phase(pod)
        if is_deleting(pod) or phase == pod_api.FAILED:
            ignored.add(name)
        elif phase == pod_api.PENDING:
            unready.add(name)
        elif (metric := metrics.get(name)) is None:
            missing.add(name)
        elif resource == "cpu" and _is_starting(pod, metric, setting):
            unready.add(name)
        else:
            ready += 1
    return Groups(ready, unready, missing, ignored)


def _is_starting(pod: Obj, metric: PodMetric, setting: Setting) -> bool:
    """Whether the CPU it uses may be that of its start."""
    found, started = condition(pod, "Ready"), (pod.get("status") or {}).get("startTime")
    if found is None or not started:
        return True
    is_unready, since = found["status"] == "False", _time(found.get("lastTransitionTime"))
    start = parse_rfc3339(started)
    if start + setting.cpu_initialization_s > setting.now:
        return is_unready or metric.at < since + metric.window_s
    return is_unready and start + setting.readiness_delay_s > since


def _time(text: str | None) -> float:
    return parse_rfc3339(text) if text else 0.0


# -- metrics of pods -------------------------------------------------------------------------------------------


def by_utilization(
    setting: Setting,
    metrics: Mapping[str, PodMetric],
    *,
    current: int,
    target: int,
    resource: str,
    container: str = "",
) -> Utilization:
    """For a target in percent of what the pods request; `container`: only of that one. Raises Uncountable.

    Source: GetResourceReplicas.
    """
    groups, counted = _counted(setting, metrics, resource)
    requests = requested(setting.pods, container, resource)
    ratio, percent, average = utilization_ratio(counted, requests, target)
    fallback = max(100, target)

    def at_most(name: str) -> int:
        return requests[name] * fallback // 100

    def ratio_of(filled: Mapping[str, int]) -> float:
        return utilization_ratio(filled, requests, target)[0]

    replicas = _replicas(setting, groups, counted, ratio, current, at_most, ratio_of)
    return Utilization(replicas, average, percent)


def by_amount(
    setting: Setting,
    metrics: Mapping[str, PodMetric],
    *,
    current: int,
    target: int,
    resource: str = "",
) -> Utilization:
    """For a target amount per pod. Raises Uncountable. Source: calcPlainMetricReplicas."""
    groups, counted = _counted(setting, metrics, resource)
    ratio, average = usage_ratio(counted, target)
    replicas = _replicas(
        setting,
        groups,
        counted,
        ratio,
        current,
        lambda name: target,
        lambda filled: usage_ratio(filled, target)[0],
    )
    return Utilization(replicas, average)


def _counted(
    setting: Setting, metrics: Mapping[str, PodMetric], resource: str
) -> tuple[Groups, dict[str, int]]:
    if not setting.pods:
        raise Uncountable("no pods returned by selector while calculating replica count")
    groups = group_pods(setting, metrics, resource)
    left_out = groups.ignored | groups.unready
    counted = {name: metric.value for name, metric in metrics.items() if name not in left_out}
    if not counted:
        raise Uncountable("did not receive metrics for targeted pods (pods might be unready)")
    return groups, counted


def _replicas(
    setting: Setting,
    groups: Groups,
    counted: dict[str, int],
    ratio: float,
    current: int,
    at_most: Callable[[str], int],
    ratio_of: Callable[[Mapping[str, int]], float],
) -> int:
    """`at_most`: what a pod without a metric might use; `ratio_of`: the ratio when the gaps are filled."""
    covers = setting.tolerances.covers
    with_unready = bool(groups.unready) and ratio > 1.0
    if not with_unready and not groups.missing:
        return current if covers(ratio) else math.ceil(ratio * groups.ready)
    filled = dict(counted)
    if ratio < 1.0:
        filled |= {name: at_most(name) for name in groups.missing}
    elif ratio > 1.0:
        filled |= dict.fromkeys(groups.missing, 0)
    if with_unready:
        filled |= dict.fromkeys(groups.unready, 0)
    new_ratio = ratio_of(filled)
    # What was assumed must not turn the direction.
    if covers(new_ratio) or (ratio < 1.0 < new_ratio) or (new_ratio < 1.0 < ratio):
        return current
    replicas = math.ceil(new_ratio * len(filled))
    if (new_ratio < 1.0 and replicas > current) or (new_ratio > 1.0 and replicas < current):
        return current
    return replicas


def utilization_ratio(
    metrics: Mapping[str, int], requests: Mapping[str, int], target: int
) -> tuple[float, int, int]:
    """(used to wanted, percent of the requests, average). Source: GetResourceUtilizationRatio."""
    known = [(value, requests[name]) for name, value in metrics.items() if name in requests]
    used, asked = sum(value for value, _ in known), sum(request for _, request in known)
    if not asked:
        raise Uncountable("no metrics returned matched known pods")
    percent = used * 100 // asked
    return percent / target, percent, used // len(known)


def usage_ratio(metrics: Mapping[str, int], target: int) -> tuple[float, int]:
    """(used to wanted, average). Source: GetMetricUsageRatio."""
    average = sum(metrics.values()) // len(metrics)
    return average / target, average


def requested(pods: Sequence[Obj], container: str, resource: str) -> dict[str, int]:
    """What each pod, or its `container`, asks for. Raises Uncountable if one does not say.

    Source: calculateRequests.
    """
    return {pod["metadata"]["name"]: _requested(pod, container, resource) for pod in pods}


def _requested(pod: Obj, container: str, resource: str) -> int:
    name, spec = pod["metadata"]["name"], pod["spec"]
    own = (spec.get("resources") or {}).get("requests") or {}
    if not container and any(map(pod_api.is_pod_level_resource, own)):
        totals = pod_api.totals(spec, "requests")
        if resource not in totals:
            raise Uncountable(f"missing pod-level request for {resource} in Pod {name}")
        return -(-totals[resource] // 10**6)
    staying = [each for each in pod_api.init_containers(pod) if pod_api.is_sidecar(each)]
    total = 0
    for each in (*pod_api.containers(pod), *staying):
        if container in ("", each["name"]):
            text = ((each.get("resources") or {}).get("requests") or {}).get(resource)
            if text is None:
                raise Uncountable(f"missing request for {resource} in container {each['name']} of Pod {name}")
            total += quantity.milli(text)
        if container == each["name"]:
            return total
    if container:
        raise Uncountable(f"container {container} not found in Pod {name}")
    return total


# -- metrics of other things -----------------------------------------------------------------------------------


def by_value(setting: Setting, usage: int, *, current: int, target: int) -> int:
    """For a value of the whole, against a target for the whole. Source: getUsageRatioReplicaCount."""
    ratio = usage / target
    if current == 0:
        return math.ceil(ratio)
    if setting.tolerances.covers(ratio):
        return current
    if not setting.pods:
        text = "no pods returned by selector while calculating replica count"
        raise Uncountable(f"unable to calculate ready pods: {text}")
    ready = sum(1 for pod in setting.pods if pod_api.phase(pod) == pod_api.RUNNING and pod_api.is_ready(pod))
    return min(math.ceil(ratio * ready), _INT32_MAX)


def by_value_per_pod(tolerances: Tolerances, usage: int, *, replicas: int, target: int) -> Utilization:
    """For a value of the whole, against a target per pod; `replicas`: those that there are.

    Source: GetObjectPerPodMetricReplicas, GetExternalPerPodMetricReplicas.
    """
    # Without replicas the ratio is infinite, or no number at all: never within tolerance.
    is_right = replicas > 0 and tolerances.covers(usage / (target * replicas))
    wanted = replicas if is_right else min(math.ceil(usage / target), _INT32_MAX)
    average = min(math.ceil(usage / replicas), _INT64_MAX) if replicas else 0
    return Utilization(wanted, average)


def total(values: Sequence[int]) -> int:
    """The sum, as far as 64 bits go."""
    return min(sum(values), _INT64_MAX)
