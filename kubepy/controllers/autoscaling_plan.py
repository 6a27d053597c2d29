"""What a HorizontalPodAutoscaler does next, decided from what it was shown. Pure.

    plan(hpa, observed, history, now) -> Plan: the wanted replicas and why, the status, the events

`Observed` holds the target's scale, the pods it selects, and one Reading per metric of the spec: figures, or why there
are none. `needs_metrics` tells beforehand whether they will be looked at.

Not here: scaling to and from zero (HPAScaleToZero, off by default upstream).

Source: kubernetes 1.36 pkg/controller/podautoscaler/horizontal.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct, field

from kubepy.api import errors, quantity, selectors
from kubepy.api.objects import Obj, copy
from kubepy.controllers import replica_calculator as calculator
from kubepy.controllers import scaling_behavior
from kubepy.controllers.replica_calculator import PodMetric, Setting, Tolerances, Uncountable, Utilization
from kubepy.controllers.scaling_behavior import History

ABLE, ACTIVE, LIMITED = "AbleToScale", "ScalingActive", "ScalingLimited"
# Of a time when the target was scaled to zero, which is not done here.
_SCALED_TO_ZERO = "ScaledToZero"
_TRUE, _FALSE = "True", "False"

# By pod; of an object; of something outside; or why there is nothing.
Reading = Mapping[str, PodMetric] | int | Sequence[int] | Exception


class Observed(Struct, frozen=True):
    current: int  # the scale's spec.replicas
    status_replicas: int
    selector: str
    namespace: str = ""
    pods: Sequence[Obj] = ()
    readings: Sequence[Reading] = ()
    rivals: Sequence[str] = ()  # autoscalers whose pods these are, when there are several: "default/web"


class Plan(Struct):
    """`desired` None: nothing could be computed, and `failure` says why; the same as `current`: nothing to do."""

    status: Obj
    history: History
    desired: int | None = None
    current: int = 0
    reason: str = ""
    events: list[tuple[str, str]] = field(default_factory=list)  # warnings: (reason, message)
    failure: str = ""

    @property
    def rescales(self) -> bool:
        return self.desired is not None and self.desired != self.current


class Invalid(Exception):
    """No figure for a metric. `reason` and the message are the event's; `prefix` is what the whole says before it."""

    def __init__(self, reason: str, message: str, prefix: str = "") -> None:
        super().__init__(message)
        self.reason, self.prefix = reason, prefix


def minimum_of(spec: Obj) -> int:
    found = spec.get("minReplicas")
    return 1 if found is None else found


def needs_metrics(spec: Obj, current: int) -> bool:
    return current != 0 and minimum_of(spec) <= current <= spec["maxReplicas"]


def plan(hpa: Obj, observed: Observed, history: History, now: float, at: str) -> Plan:
    """`at` is `now` as text."""
    spec, current = hpa["spec"], observed.current
    status = copy(hpa.get("status") or {})
    made = Plan(status, history, current=current)
    condition = Conditions(status, at)
    condition.set(
        ABLE, _TRUE, "SucceededGetScale", "the HPA controller was able to get the target's current scale"
    )
    if not made.history.recommendations:
        initial = scaling_behavior.Recommendation(current, now)
        made.history = History((initial,), history.ups, history.downs)
    metrics: list[Obj] | None = None
    if current == 0:
        made.desired = 0
        text = "scaling is disabled since the replica count of the target is zero"
        condition.set(ACTIVE, _FALSE, "ScalingDisabled", text)
        condition.remove(_SCALED_TO_ZERO)
    elif current > spec["maxReplicas"]:
        made.desired, made.reason = spec["maxReplicas"], "Current number of replicas above Spec.MaxReplicas"
    elif current < minimum_of(spec):
        made.desired, made.reason = minimum_of(spec), "Current number of replicas below Spec.MinReplicas"
    else:
        metrics = _by_metrics(made, condition, hpa, observed, now)
    _set_status(status, current, made.desired, metrics)
    return made


def _by_metrics(
    made: Plan, condition: Conditions, hpa: Obj, observed: Observed, now: float
) -> list[Obj] | None:
    spec, current = hpa["spec"], observed.current
    selected = _check_selector(made, condition, observed)
    if not selected:
        return None
    setting = Setting(observed.pods, tolerances_of(spec), now)
    statuses: list[Obj] = []
    desired, name = 0, ""
    wrong: list[Invalid] = []
    for metric, reading in zip(spec.get("metrics") or (), observed.readings):
        try:
            proposed, its_name, its_status = propose(metric, reading, setting, observed)
        except Invalid as error:
            wrong.append(error)
            made.events.append((error.reason, str(error)))
            # What could not be read shows as a metric of no type.
            statuses.append({"type": ""})
            continue
        statuses.append(its_status)
        if desired == 0 or proposed > desired:
            desired, name = proposed, its_name
    if wrong:
        count = f"{len(wrong)} invalid out of {len(statuses)}"
        made.failure = f"invalid metrics ({count}), first error is: {wrong[0].prefix}{wrong[0]}"
    if len(wrong) >= len(statuses) or (wrong and desired < current):
        if wrong:
            text = f"the HPA was unable to compute the replica count: {wrong[0]}"
            condition.set(ACTIVE, _FALSE, wrong[0].reason, text)
        made.events.append(("FailedComputeMetricsReplicas", made.failure))
        return statuses
    text = f"the HPA was able to successfully calculate a replica count from {name}"
    condition.set(ACTIVE, _TRUE, "ValidMetricFound", text)
    if desired > current:
        made.reason = f"{name} above target"
    elif desired < current:
        made.reason = "All metrics below target"
    limited = scaling_behavior.limit(
        spec, made.history, current=current, desired=desired, minimum=minimum_of(spec), now=now
    )
    condition.set(ABLE, _TRUE, *limited.able)
    condition.set(LIMITED, _TRUE if limited.is_limited else _FALSE, *limited.limit)
    made.desired, made.history = limited.replicas, limited.history
    return statuses


def _check_selector(made: Plan, condition: Conditions, observed: Observed) -> bool:
    """Source: validateAndParseSelector."""
    if not observed.selector:
        message, shown = "selector is required", "the HPA target's scale is missing a selector"
        made.events.append(("SelectorRequired", message))
        condition.set(ACTIVE, _FALSE, "InvalidSelector", shown)
    elif why := _why(observed.selector):
        message = shown = f"couldn't convert selector into a corresponding internal selector object: {why}"
        made.events.append(("InvalidSelector", message))
        condition.set(ACTIVE, _FALSE, "InvalidSelector", shown)
    elif len(observed.rivals) > 1:
        names = " ".join(observed.rivals)
        message = shown = f"pods by selector {observed.selector} are controlled by multiple HPAs: [{names}]"
        made.events.append(("AmbiguousSelector", message))
        condition.set(ACTIVE, _FALSE, "AmbiguousSelector", shown)
    else:
        return True
    made.failure = message
    made.events.append(("FailedComputeMetricsReplicas", message))
    return False


def _why(text: str) -> str:
    try:
        selectors.parse_labels(text)
    except errors.BadRequest as error:
        return str(error)
    return ""


def tolerances_of(spec: Obj) -> Tolerances:
    behavior = spec.get("behavior") or {}
    down, up = ((behavior.get(side) or {}).get("tolerance") for side in ("scaleDown", "scaleUp"))
    return Tolerances(
        *(
            calculator.TOLERANCE if each is None else quantity.nano(each) / quantity.NANOS
            for each in (down, up)
        )
    )


# -- one metric ------------------------------------------------------------------------------------------------


def propose(metric: Obj, reading: Reading, setting: Setting, observed: Observed) -> tuple[int, str, Obj]:
    """(replicas, the metric's name in messages, its status). Raises Invalid."""
    compute = _TYPES.get(metric["type"])
    if compute is None:
        raise Invalid("InvalidMetricSourceType", f"unknown metric source type {errors.quote(metric['type'])}")
    return compute(metric, reading, setting, observed)


def _resource(
    source: Obj, reading: Reading, setting: Setting, observed: Observed, *, container: str = ""
) -> tuple[Utilization, str, Obj]:
    """Source: computeStatusForResourceMetricGeneric."""
    resource, target = source["name"], source["target"]
    format_ = quantity.BINARY_SI if resource == "memory" else quantity.DECIMAL_SI
    if (amount := target.get("averageValue")) is not None:
        try:
            found = calculator.by_amount(
                setting,
                _pods(reading, resource),
                current=observed.current,
                target=quantity.milli(amount),
                resource=resource,
            )
        except Uncountable as error:
            raise Uncountable(f"failed to get {resource} usage: {error}")
        current: Obj = {"averageValue": quantity.of_milli(found.average, format_).text}
        return found, f"{resource} resource", current
    percent = target.get("averageUtilization")
    if percent is None:
        text = "neither an average utilization target nor an average value (usage) target was set"
        raise Uncountable(f"invalid resource metric source: {text}")
    try:
        found = calculator.by_utilization(
            setting, _pods(reading, resource), current=observed.current, target=percent, resource=resource,
            container=container,
        )  # fmt: skip
    except Uncountable as error:
        raise Uncountable(f"failed to get {resource} utilization: {error}")
    kind = "container resource" if container else "resource"
    name = f"{resource} {kind} utilization (percentage of request)"
    average = quantity.of_milli(found.average, format_).text
    return found, name, {"averageUtilization": found.percent, "averageValue": average}


def _pods(reading: Reading, resource: str) -> Mapping[str, PodMetric]:
    if isinstance(reading, Exception):
        raise Uncountable(f"unable to get metrics for resource {resource}: {reading}")
    assert isinstance(reading, Mapping), "pods have figures by name"
    return reading


def _of_resource(metric: Obj, reading: Reading, setting: Setting, observed: Observed) -> tuple[int, str, Obj]:
    source = metric["resource"]
    try:
        found, name, current = _resource(source, reading, setting, observed)
    except Uncountable as error:
        prefix = f"failed to get {source['name']} resource metric value: "
        raise Invalid("FailedGetResourceMetric", str(error), prefix)
    return found.replicas, name, _status("Resource", "resource", {"name": source["name"], "current": current})


def _of_container(
    metric: Obj, reading: Reading, setting: Setting, observed: Observed
) -> tuple[int, str, Obj]:
    source = metric["containerResource"]
    container = source["container"]
    try:
        found, name, current = _resource(source, reading, setting, observed, container=container)
    except Uncountable as error:
        prefix = f"failed to get {container} container metric value: "
        raise Invalid("FailedGetContainerResourceMetric", str(error), prefix)
    shown = {"name": source["name"], "container": container, "current": current}
    return found.replicas, name, _status("ContainerResource", "containerResource", shown)


def _of_pods(metric: Obj, reading: Reading, setting: Setting, observed: Observed) -> tuple[int, str, Obj]:
    source = metric["pods"]
    name = source["metric"]["name"]
    try:
        if isinstance(reading, Exception):
            raise Uncountable(f"unable to get metric {name}: {reading}")
        assert isinstance(reading, Mapping), "pods have figures by name"
        target = quantity.milli(source["target"]["averageValue"])
        found = calculator.by_amount(setting, reading, current=observed.current, target=target)
    except Uncountable as error:
        raise Invalid("FailedGetPodsMetric", str(error), "failed to get pods metric value: ")
    shown = {"metric": source["metric"], "current": {"averageValue": quantity.of_milli(found.average).text}}
    return found.replicas, f"pods metric {name}", _status("Pods", "pods", shown)


def _of_object(metric: Obj, reading: Reading, setting: Setting, observed: Observed) -> tuple[int, str, Obj]:
    source = metric["object"]
    name, target, described = source["metric"]["name"], source["target"], source["describedObject"]
    prefix = "failed to get object metric value: "
    try:
        if target["type"] == "Value" and target.get("value") is not None:
            usage = _object_reading(source, reading, observed)
            wanted = calculator.by_value(
                setting, usage, current=observed.current, target=quantity.milli(target["value"])
            )
            current = {"value": quantity.of_milli(usage).text}
            shown_name = f"{described['kind']} metric {name}"
        elif target["type"] == "AverageValue" and target.get("averageValue") is not None:
            prefix += f"failed to get {name} object metric: "
            usage = _object_reading(source, reading, observed)
            found = _per_pod(setting, observed, usage, target)
            wanted, current = found.replicas, {"averageValue": quantity.of_milli(found.average).text}
            shown_name = f"external metric {name}({go_selector(source['metric'].get('selector'))})"
        else:
            text = "neither a value target nor an average value target was set"
            raise Uncountable(f"invalid object metric source: {text}")
    except Uncountable as error:
        raise Invalid("FailedGetObjectMetric", str(error), prefix)
    shown = {"describedObject": described, "metric": source["metric"], "current": current}
    return wanted, shown_name, _status("Object", "object", shown)


def _object_reading(source: Obj, reading: Reading, observed: Observed) -> int:
    if isinstance(reading, Exception):
        described = source["describedObject"]
        # The order of the words is upstream's.
        where = f"{described['kind']} on {observed.namespace} {described['name']}/{reading}"
        raise Uncountable(f"unable to get metric {source['metric']['name']}: {where}")
    assert isinstance(reading, int), "an object has one figure"
    return reading


def _per_pod(setting: Setting, observed: Observed, usage: int, target: Obj) -> Utilization:
    return calculator.by_value_per_pod(
        setting.tolerances,
        usage,
        replicas=observed.status_replicas,
        target=quantity.milli(target["averageValue"]),
    )


def _of_external(metric: Obj, reading: Reading, setting: Setting, observed: Observed) -> tuple[int, str, Obj]:
    source = metric["external"]
    name, target = source["metric"]["name"], source["target"]
    shown_name = f"external metric {name}({go_selector(source['metric'].get('selector'))})"
    prefix = f"failed to get {name} external metric value: "
    try:
        if target.get("averageValue") is not None:
            prefix += f"failed to get {name} external metric: "
            usage = _external_reading(source, reading, observed)
            found = _per_pod(setting, observed, usage, target)
            wanted, current = found.replicas, {"averageValue": quantity.of_milli(found.average).text}
        elif target.get("value") is not None:
            prefix += f"failed to get external metric {name}: "
            usage = _external_reading(source, reading, observed)
            wanted = calculator.by_value(
                setting, usage, current=observed.current, target=quantity.milli(target["value"])
            )
            current = {"value": quantity.of_milli(usage).text}
        else:
            text = "neither a value target nor an average value target was set"
            raise Uncountable(f"invalid external metric source: {text}")
    except Uncountable as error:
        raise Invalid("FailedGetExternalMetric", str(error), prefix)
    return (
        wanted,
        shown_name,
        _status("External", "external", {"metric": source["metric"], "current": current}),
    )


def _external_reading(source: Obj, reading: Reading, observed: Observed) -> int:
    metric = source["metric"]
    if isinstance(reading, Exception):
        where = f"{observed.namespace}/{metric['name']}/{go_selector(metric.get('selector'))}"
        raise Uncountable(f"unable to get external metric {where}: {reading}")
    assert isinstance(reading, Sequence), "external metrics are series"
    return calculator.total(reading)


_Compute = Callable[[Obj, Reading, Setting, Observed], tuple[int, str, Obj]]
_TYPES: dict[str, _Compute] = {
    "Resource": _of_resource,
    "ContainerResource": _of_container,
    "Pods": _of_pods,
    "Object": _of_object,
    "External": _of_external,
}


# -- what is written -------------------------------------------------------------------------------------------


def _status(type_: str, field_name: str, shown: Obj) -> Obj:
    return {"type": type_, field_name: shown}


def _set_status(status: Obj, current: int, desired: int | None, metrics: list[Obj] | None) -> None:
    """Source: setStatus; where nothing was computed, what was desired before stays."""
    status["currentReplicas"] = current
    status["desiredReplicas"] = status.get("desiredReplicas", 0) if desired is None else desired
    if metrics is None:
        status.pop("currentMetrics", None)
    else:
        status["currentMetrics"] = metrics


def note_rescale(made: Plan, at: str) -> None:
    """The scale is written: the status says so."""
    condition = Conditions(made.status, at)
    text = f"the HPA controller was able to update the target scale to {made.desired}"
    condition.set(ABLE, _TRUE, "SucceededRescale", text)
    condition.remove(_SCALED_TO_ZERO)
    made.status["lastScaleTime"] = at


class Conditions:
    """Sets conditions of a status in place."""

    def __init__(self, status: Obj, at: str) -> None:
        self._conditions: list[Obj] = status.setdefault("conditions", [])
        self._at = at

    def set(self, type_: str, value: str, reason: str, message: str) -> None:
        """Source: setConditionInList."""
        found = next((each for each in self._conditions if each["type"] == type_), None)
        if found is None:
            found = {"type": type_}
            self._conditions.append(found)
        if found.get("status") != value:
            found["lastTransitionTime"] = self._at
        found |= {"status": value, "reason": reason, "message": message}

    def remove(self, type_: str) -> None:
        self._conditions[:] = [each for each in self._conditions if each["type"] != type_]


def go_selector(selector: Obj | None) -> str:
    """As %+v prints a *metav1.LabelSelector."""
    if selector is None:
        return "nil"
    labels = selector.get("matchLabels") or {}
    pairs = "".join(f"{name}: {labels[name]}," for name in sorted(labels))
    expressions = "".join(
        f"LabelSelectorRequirement{{Key:{each['key']},Operator:{each['operator']},"
        f"Values:[{' '.join(each.get('values') or ())}],}},"
        for each in selector.get("matchExpressions") or ()
    )
    return (
        f"&LabelSelector{{MatchLabels:map[string]string{{{pairs}}},"
        f"MatchExpressions:[]LabelSelectorRequirement{{{expressions}}},}}"
    )
