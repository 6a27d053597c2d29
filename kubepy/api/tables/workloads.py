"""Pods, and what makes and scales them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kubepy.api import objects, selectors
from kubepy.api.objects import Obj
from kubepy.api.tables import parts
from kubepy.api.tables.parts import Cells, Column, Doc, Printer
from kubepy.lib.clock import parse_rfc3339

POD_ROW_CONDITIONS = {
    "Succeeded": [
        {
            "type": "Completed",
            "status": "True",
            "reason": "Succeeded",
            "message": "The pod has completed successfully.",
        }
    ],
    "Failed": [{"type": "Completed", "status": "True", "reason": "Failed", "message": "The pod failed."}],
}
_NODE_UNREACHABLE = "NodeLost"


class _Progress:
    """What the walk over a pod's container statuses gathers."""

    __slots__ = ("last_restart", "ready", "reason", "restarts")

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.ready = 0
        self.restarts = 0
        self.last_restart = ""

    def count(self, status: Obj) -> None:
        self.restarts += status.get("restartCount") or 0
        terminated = (status.get("lastState") or {}).get("terminated")
        if terminated:
            # Timestamps of one form compare as texts.
            self.last_restart = max(self.last_restart, terminated.get("finishedAt") or "")


def pod_cells(pod: Obj, now: float) -> Cells:
    spec, status, metadata = pod.get("spec") or {}, pod.get("status") or {}, pod["metadata"]
    phase = status.get("phase") or ""
    conditions = status.get("conditions") or parts.NONE
    reason = status.get("reason") or phase
    for condition in conditions:
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "SchedulingGated":
            reason = "SchedulingGated"
    total = len(spec.get("containers") or parts.NONE)
    progress = _Progress(reason)
    initializing = False
    init_containers = spec.get("initContainers")
    if init_containers:
        sidecars = {c["name"] for c in init_containers if c.get("restartPolicy") == "Always"}
        total += len(sidecars)
        initializing = _walk_init_containers(status, len(init_containers), sidecars, progress)
        if not initializing or _condition_status(conditions, "Initialized") == "True":
            # From here on only sidecars count among the init containers.
            progress.restarts, progress.last_restart = 0, ""
            for container in status.get("initContainerStatuses") or parts.NONE:
                if container.get("name") in sidecars:
                    progress.count(container)
            initializing = False
    if not initializing:
        _walk_containers(status, conditions, progress)
    reason = progress.reason
    if metadata.get("deletionTimestamp"):
        if status.get("reason") == _NODE_UNREACHABLE:
            reason = "Unknown"
        elif phase not in ("Succeeded", "Failed"):
            reason = "Terminating"
    restarts = str(progress.restarts)
    if progress.restarts and progress.last_restart:
        restarts = f"{restarts} ({parts.since(progress.last_restart, now)} ago)"
    ips = status.get("podIPs")
    gates = spec.get("readinessGates")
    return [
        metadata.get("name", ""),
        f"{progress.ready}/{total}",
        reason,
        restarts,
        parts.since(metadata.get("creationTimestamp"), now),
        (ips[0].get("ip") if ips else "") or "<none>",
        spec.get("nodeName") or "<none>",
        status.get("nominatedNodeName") or "<none>",
        _readiness_gates(gates, conditions) if gates else "<none>",
    ]


def _walk_init_containers(status: Obj, count: int, sidecars: set[str], progress: _Progress) -> bool:
    """Whether the pod is still initializing; the first container that is not done gives the reason."""
    for index, container in enumerate(status.get("initContainerStatuses") or ()):
        progress.count(container)
        state = container.get("state") or {}
        terminated, waiting = state.get("terminated"), state.get("waiting")
        if terminated and not terminated.get("exitCode"):
            continue
        if container.get("name") in sidecars and container.get("started"):
            if container.get("ready"):
                progress.ready += 1
            continue
        if terminated:
            progress.reason = f"Init:{_terminated(terminated)}"
        elif waiting and waiting.get("reason") and waiting["reason"] != "PodInitializing":
            progress.reason = f"Init:{waiting['reason']}"
        else:
            progress.reason = f"Init:{index}/{count}"
        return True
    return False


def _walk_containers(status: Obj, conditions: Iterable[Obj], progress: _Progress) -> None:
    has_running, error_reason = False, ""
    for container in reversed(status.get("containerStatuses") or ()):
        progress.count(container)
        state = container.get("state") or {}
        waiting, terminated = state.get("waiting"), state.get("terminated")
        if waiting and waiting.get("reason"):
            progress.reason = waiting["reason"]
        elif terminated:
            progress.reason = _terminated(terminated)
            if terminated.get("exitCode"):
                error_reason = progress.reason
        elif container.get("ready") and "running" in state:
            has_running = True
            progress.ready += 1
    if progress.reason == "Completed":
        if has_running and _condition_status(conditions, "Ready") == "True":
            progress.reason = "Running"
        elif error_reason:
            progress.reason = error_reason
        elif has_running:
            progress.reason = "NotReady"


def _terminated(terminated: Obj) -> str:
    if terminated.get("reason"):
        return terminated["reason"]
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode') or 0}"


def _condition_status(conditions: Iterable[Obj], type_: str) -> str:
    for condition in conditions:
        if condition.get("type") == type_:
            return condition.get("status") or ""
    return ""


def _readiness_gates(gates: Sequence[Obj], conditions: Sequence[Obj]) -> str:
    passed = sum(
        1 for gate in gates if _condition_status(conditions, gate.get("conditionType", "")) == "True"
    )
    return f"{passed}/{len(gates)}"


def _pod_template(obj: Obj, now: float) -> Cells:
    template = obj.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels")
    return [parts.name(obj), *parts.containers(template), parts.format_labels(labels)]


def _replicas(obj: Obj, now: float) -> Cells:
    spec, status = parts.spec(obj), parts.status(obj)
    selector = spec.get("selector")
    shown = (
        parts.format_labels(selector)
        if obj.get("kind") == "ReplicationController"
        else parts.selector(selector)
    )
    return [
        parts.name(obj),
        spec.get("replicas") or 0,
        status.get("replicas") or 0,
        status.get("readyReplicas") or 0,
        parts.age(obj, now),
        *parts.containers(spec.get("template")),
        shown,
    ]


def _deployment(obj: Obj, now: float) -> Cells:
    spec, status = parts.spec(obj), parts.status(obj)
    try:
        selector = str(selectors.from_label_selector(spec.get("selector")))
    except ValueError:
        selector = "<invalid>"
    return [
        parts.name(obj),
        f"{status.get('readyReplicas') or 0}/{spec.get('replicas') or 0}",
        status.get("updatedReplicas") or 0,
        status.get("availableReplicas") or 0,
        parts.age(obj, now),
        *parts.containers(spec.get("template")),
        selector,
    ]


def _stateful_set(obj: Obj, now: float) -> Cells:
    spec = parts.spec(obj)
    ready = f"{parts.status(obj).get('readyReplicas') or 0}/{spec.get('replicas') or 0}"
    return [parts.name(obj), ready, parts.age(obj, now), *parts.containers(spec.get("template"))]


_DAEMON_SET_COUNTS = (
    "desiredNumberScheduled",
    "currentNumberScheduled",
    "numberReady",
    "updatedNumberScheduled",
    "numberAvailable",
)


def _daemon_set(obj: Obj, now: float) -> Cells:
    spec, status = parts.spec(obj), parts.status(obj)
    template = spec.get("template") or {}
    return [
        parts.name(obj),
        *(status.get(count) or 0 for count in _DAEMON_SET_COUNTS),
        parts.format_labels(parts.spec(template).get("nodeSelector")),
        parts.age(obj, now),
        *parts.containers(template),
        parts.selector(spec.get("selector")),
    ]


# The first condition that is true gives the status; deletion comes between them.
_JOB_ENDS = (("Complete", "Complete"), ("Failed", "Failed"))
_JOB_CONDITIONS = ("Suspended", "FailureTarget", "SuccessCriteriaMet")


def _job(obj: Obj, now: float) -> Cells:
    spec, status = parts.spec(obj), parts.status(obj)
    succeeded = status.get("succeeded") or 0
    parallelism = spec.get("parallelism") or 0
    if spec.get("completions") is not None:
        completions = f"{succeeded}/{spec['completions']}"
    else:
        completions = f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"
    duration = ""
    if started := status.get("startTime"):
        ended = status.get("completionTime")
        duration = parts.human_duration((parse_rfc3339(ended) if ended else now) - parse_rfc3339(started))
    return [
        parts.name(obj),
        _job_status(obj),
        completions,
        duration,
        parts.age(obj, now),
        *parts.containers(spec.get("template")),
        parts.selector(spec.get("selector")),
    ]


def _job_status(obj: Obj) -> str:
    for type_, word in _JOB_ENDS:
        if objects.is_condition_true(obj, type_):
            return word
    if objects.is_deleting(obj):
        return "Terminating"
    return next((type_ for type_ in _JOB_CONDITIONS if objects.is_condition_true(obj, type_)), "Running")


def _cron_job(obj: Obj, now: float) -> Cells:
    spec, status = parts.spec(obj), parts.status(obj)
    job = parts.spec(spec.get("jobTemplate") or {})
    scheduled = status.get("lastScheduleTime")
    return [
        parts.name(obj),
        spec.get("schedule") or "",
        spec.get("timeZone") or "<none>",
        parts.truth(spec.get("suspend")),
        len(status.get("active") or ()),
        parts.since(scheduled, now) if scheduled else "<none>",
        parts.age(obj, now),
        *parts.containers(job.get("template")),
        parts.selector(job.get("selector")),
    ]


def _controller_revision(obj: Obj, now: float) -> Cells:
    owner = objects.controller_of(obj)
    controller = "<none>"
    if owner is not None:
        group, _ = objects.group_version(owner.get("apiVersion") or "")
        kind = owner.get("kind", "").lower()
        controller = f"{kind}.{group}/{owner.get('name')}" if group else f"{kind}/{owner.get('name')}"
    return [parts.name(obj), controller, obj.get("revision") or 0, parts.age(obj, now)]


def _autoscaler(obj: Obj, now: float) -> Cells:
    spec, status = parts.spec(obj), parts.status(obj)
    target = spec.get("scaleTargetRef") or {}
    minimum = spec.get("minReplicas")
    return [
        parts.name(obj),
        f"{target.get('kind', '')}/{target.get('name', '')}",
        _metrics(spec.get("metrics") or (), status.get("currentMetrics") or ()),
        "<unset>" if minimum is None else str(minimum),
        spec.get("maxReplicas") or 0,
        status.get("currentReplicas") or 0,
        parts.age(obj, now),
    ]


# metric type -> where its source sits, and whether its text names the resource
_METRIC_SOURCES = {
    "External": ("external", False),
    "Pods": ("pods", False),
    "Object": ("object", False),
    "Resource": ("resource", True),
    "ContainerResource": ("containerResource", True),
}


def _metrics(specs: Sequence[Obj], statuses: Sequence[Obj]) -> str:
    """Source: formatHPAMetrics."""
    if not specs:
        return "<none>"
    shown = [
        _metric(spec, statuses[index] if index < len(statuses) else {})
        for index, spec in enumerate(specs[:2])
    ]
    joined = ", ".join(shown)
    return f"{joined} + {len(specs) - 2} more..." if len(specs) > 2 else joined


def _metric(spec: Obj, status: Obj) -> str:
    place, is_named = _METRIC_SOURCES.get(spec.get("type", ""), ("", False))
    if not place:
        return "<unknown type>"
    source = spec.get(place) or {}
    target, current = source.get("target") or {}, (status.get(place) or {}).get("current") or {}
    if is_named:
        if target.get("averageValue") is not None:
            text = f"{current.get('averageValue') or '<unknown>'}/{target['averageValue']}"
        else:
            text = f"{_percent(current, '<unknown>')}/{_percent(target, '<auto>')}"
        return f"{source.get('name', '')}: {text}"
    if place == "pods":
        return f"{current.get('averageValue') or '<unknown>'}/{target.get('averageValue')}"
    if target.get("averageValue") is not None:
        return f"{current.get('averageValue') or '<unknown>'}/{target['averageValue']} (avg)"
    return f"{current.get('value') or '<unknown>'}/{target.get('value')}"


def _percent(values: Obj, otherwise: str) -> str:
    utilization = values.get("averageUtilization")
    return otherwise if utilization is None else f"{utilization}%"


def _scale(obj: Obj, now: float) -> Cells:
    return [
        parts.name(obj),
        parts.spec(obj).get("replicas") or 0,
        parts.status(obj).get("replicas") or 0,
        parts.age(obj, now),
    ]


def _disruption_budget(obj: Obj, now: float) -> Cells:
    spec = parts.spec(obj)
    low, high = spec.get("minAvailable"), spec.get("maxUnavailable")
    return [
        parts.name(obj),
        "N/A" if low is None else str(low),
        "N/A" if high is None else str(high),
        parts.status(obj).get("disruptionsAllowed") or 0,
        parts.age(obj, now),
    ]


_TEMPLATE = (
    Column("Containers", priority=1, description="Names of each container in the template."),
    Column("Images", priority=1, description="Images referenced by each container in the template."),
)


def _selector(spec: str) -> Column:
    return parts.wide("Selector", Doc(f"{spec}.selector"))


def _replicas_of(kind: str) -> Printer:
    columns = (
        parts.NAME,
        parts.number("Desired", Doc(f"{kind}Spec.replicas")),
        parts.number("Current", Doc(f"{kind}Status.replicas")),
        parts.number("Ready", Doc(f"{kind}Status.readyReplicas")),
        parts.AGE,
        *_TEMPLATE,
        _selector(f"{kind}Spec"),
    )
    return Printer(columns, _replicas)


PRINTERS: dict[tuple[str, str], Printer] = {
    ("", "Pod"): Printer(
        (
            parts.NAME,
            parts.text("Ready", "The aggregate readiness state of this pod for accepting traffic."),
            parts.text("Status", "The aggregate status of the containers in this pod."),
            parts.text(
                "Restarts",
                "The number of times the containers in this pod have been restarted and when the last container in "
                "this pod has restarted.",
            ),
            parts.AGE,
            parts.wide("IP", Doc("core.v1.PodStatus.podIP")),
            parts.wide("Node", Doc("core.v1.PodSpec.nodeName")),
            parts.wide("Nominated Node", Doc("core.v1.PodStatus.nominatedNodeName")),
            parts.wide("Readiness Gates", Doc("core.v1.PodSpec.readinessGates")),
        ),
        pod_cells,
    ),
    ("", "PodTemplate"): Printer(
        (
            parts.NAME,
            parts.text("Containers", "Names of each container in the template."),
            parts.text("Images", "Images referenced by each container in the template."),
            parts.text("Pod Labels", "The labels for the pod template."),
        ),
        _pod_template,
    ),
    ("", "ReplicationController"): _replicas_of("core.v1.ReplicationController"),
    ("apps", "ReplicaSet"): _replicas_of("apps.v1.ReplicaSet"),
    ("apps", "Deployment"): Printer(
        (
            parts.NAME,
            parts.text("Ready", "Number of the pod with ready state"),
            parts.text("Up-to-date", Doc("apps.v1.DeploymentStatus.updatedReplicas")),
            parts.text("Available", Doc("apps.v1.DeploymentStatus.availableReplicas")),
            parts.AGE,
            *_TEMPLATE,
            _selector("apps.v1.DeploymentSpec"),
        ),
        _deployment,
    ),
    ("apps", "StatefulSet"): Printer(
        (parts.NAME, parts.text("Ready", "Number of the pod with ready state"), parts.AGE, *_TEMPLATE),
        _stateful_set,
    ),
    ("apps", "DaemonSet"): Printer(
        (
            parts.NAME,
            parts.number("Desired", Doc("apps.v1.DaemonSetStatus.desiredNumberScheduled")),
            parts.number("Current", Doc("apps.v1.DaemonSetStatus.currentNumberScheduled")),
            parts.number("Ready", Doc("apps.v1.DaemonSetStatus.numberReady")),
            parts.number("Up-to-date", Doc("apps.v1.DaemonSetStatus.updatedNumberScheduled")),
            parts.number("Available", Doc("apps.v1.DaemonSetStatus.numberAvailable")),
            parts.text("Node Selector", Doc("core.v1.PodSpec.nodeSelector")),
            parts.AGE,
            *_TEMPLATE,
            _selector("apps.v1.DaemonSetSpec"),
        ),
        _daemon_set,
    ),
    ("apps", "ControllerRevision"): Printer(
        (
            parts.NAME,
            parts.text("Controller", "Controller of the object"),
            parts.text("Revision", Doc("apps.v1.ControllerRevision.revision")),
            parts.AGE,
        ),
        _controller_revision,
    ),
    ("batch", "Job"): Printer(
        (
            parts.NAME,
            parts.text("Status", "Status of the job."),
            parts.text("Completions", Doc("batch.v1.JobStatus.succeeded")),
            parts.text("Duration", "Time required to complete the job."),
            parts.AGE,
            *_TEMPLATE,
            _selector("batch.v1.JobSpec"),
        ),
        _job,
    ),
    ("batch", "CronJob"): Printer(
        (
            parts.NAME,
            parts.text("Schedule", Doc("batch.v1.CronJobSpec.schedule")),
            parts.text("Timezone", Doc("batch.v1.CronJobSpec.timeZone")),
            parts.flag("Suspend", Doc("batch.v1.CronJobSpec.suspend")),
            parts.number("Active", Doc("batch.v1.CronJobStatus.active")),
            parts.text("Last Schedule", Doc("batch.v1.CronJobStatus.lastScheduleTime")),
            parts.AGE,
            *_TEMPLATE,
            _selector("batch.v1.JobSpec"),
        ),
        _cron_job,
    ),
    ("autoscaling", "HorizontalPodAutoscaler"): Printer(
        (
            parts.NAME,
            parts.text("Reference", Doc("autoscaling.v2.HorizontalPodAutoscalerSpec.scaleTargetRef")),
            parts.text("Targets", Doc("autoscaling.v2.HorizontalPodAutoscalerSpec.metrics")),
            parts.text("MinPods", Doc("autoscaling.v2.HorizontalPodAutoscalerSpec.minReplicas")),
            parts.text("MaxPods", Doc("autoscaling.v2.HorizontalPodAutoscalerSpec.maxReplicas")),
            parts.text("Replicas", Doc("autoscaling.v2.HorizontalPodAutoscalerStatus.currentReplicas")),
            parts.AGE,
        ),
        _autoscaler,
    ),
    ("autoscaling", "Scale"): Printer(
        (
            parts.text("Name", parts.NAME.description),
            parts.number("Desired", Doc("autoscaling.v1.ScaleSpec.replicas")),
            parts.number("Available", Doc("autoscaling.v1.ScaleStatus.replicas")),
            parts.AGE,
        ),
        _scale,
    ),
    ("policy", "PodDisruptionBudget"): Printer(
        (
            parts.NAME,
            parts.text("Min Available", "The minimum number of pods that must be available."),
            parts.text("Max Unavailable", "The maximum number of pods that may be unavailable."),
            parts.number(
                "Allowed Disruptions", "Calculated number of pods that may be disrupted at this time."
            ),
            parts.AGE,
        ),
        _disruption_budget,
    ),
}
