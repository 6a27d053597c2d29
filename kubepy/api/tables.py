"""What `kubectl get` prints, made by the server: columns and cells per kind.

`table` makes a metav1.Table of some objects. A kind that is not in the table below has NAME and CREATED AT. Columns of
priority 1 are shown by `-o wide` only; the server always sends them. Ages are texts, as of `now`.

A kind is a row of data, `Printer(columns, cells)`; `cells(obj, now)` gives one value per column.

Source: kubernetes pkg/printers/internalversion/printers.go, apiserver pkg/registry/rest/table.go,
pkg/endpoints/handlers/response.go, apimachinery pkg/util/duration/duration.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from kubepy.api import objects, selectors
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.lib.clock import parse_rfc3339, rfc3339

Cells = list[Any]


class Column(NamedTuple):
    """One column, e.g. Column("Nominated Node", "string", 1, "...")."""

    name: str
    type: str = "string"
    priority: int = 0
    description: str = ""
    format: str = ""

    def definition(self) -> Obj:
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": self.description,
            "priority": self.priority,
        }


class Printer(NamedTuple):
    columns: tuple[Column, ...]
    cells: Callable[[Obj, float], Cells]


# -- the public thing ------------------------------------------------------------------------------------------


def columns(resource: Resource) -> list[Obj]:
    """The columnDefinitions of a kind."""
    return [column.definition() for column in _printer(resource).columns]


def row(
    resource: Resource,
    obj: Obj,
    now: float,
    *,
    include_object: str = "Metadata",
    api_version: str = "meta.k8s.io/v1",
) -> Obj:
    """One TableRow; `include_object` is "Metadata" (or ""), "Object" or "None". The row shares parts of `obj`."""
    return _row(_printer(resource), obj, now, include_object, api_version)


def table(
    resource: Resource,
    items: Iterable[Obj],
    now: float,
    *,
    include_object: str = "Metadata",
    metadata: Obj | None = None,
    api_version: str = "meta.k8s.io/v1",
    headers: bool = True,
) -> Obj:
    """A metav1.Table of `items`; `metadata` is the list's (resourceVersion, continue, remainingItemCount).

    `headers` False leaves the columns out, as later events of a watch do. Rows share parts of the items.
    """
    printer = _printer(resource)
    made: Obj = {"kind": "Table", "apiVersion": api_version, "metadata": metadata or {}}
    made["columnDefinitions"] = [column.definition() for column in printer.columns] if headers else None
    made["rows"] = [_row(printer, obj, now, include_object, api_version) for obj in items]
    return made


def _printer(resource: Resource) -> Printer:
    own = resource.extra.get("printer")
    if isinstance(own, Printer):
        return own
    return PRINTERS.get((resource.group, resource.kind), DEFAULT)


def _row(printer: Printer, obj: Obj, now: float, include_object: str, api_version: str) -> Obj:
    made: Obj = {"cells": printer.cells(obj, now)}
    if obj.get("kind") == "Pod":
        conditions = _POD_ROW_CONDITIONS.get((obj.get("status") or {}).get("phase", ""))
        if conditions is not None:
            made["conditions"] = conditions
    if include_object == "Object":
        made["object"] = obj
    elif include_object == "None":
        made["object"] = None
    else:
        made["object"] = {
            "kind": "PartialObjectMetadata",
            "apiVersion": api_version,
            "metadata": obj["metadata"],
        }
    return made


# -- durations and small texts ---------------------------------------------------------------------------------


def human_duration(seconds: float) -> str:
    """90 -> "90s", 130 -> "2m10s", 90000 -> "25h": the digits that matter. Source: duration.HumanDuration."""
    whole = int(seconds)
    if whole < 120:
        if whole < -1:
            return "<invalid>"
        return f"{whole}s" if whole >= 0 else "0s"
    minutes, rest = divmod(whole, 60)
    if minutes < 10:
        return f"{minutes}m{rest}s" if rest else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    hours, rest = divmod(minutes, 60)
    if hours < 8:
        return f"{hours}h{rest}m" if rest else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    days, rest = divmod(hours, 24)
    if days < 8:
        return f"{days}d{rest}h" if rest else f"{days}d"
    if days < 730:
        return f"{days}d"
    years, rest = divmod(days, 365)
    if years < 8:
        return f"{years}y{rest}d" if rest else f"{years}y"
    return f"{years}y"


def since(timestamp: str | None, now: float) -> str:
    """How long ago a timestamp was, "<unknown>" for none. Source: translateTimestampSince."""
    return human_duration(now - parse_rfc3339(timestamp)) if timestamp else "<unknown>"


def format_labels(labels: dict[str, str] | None) -> str:
    """Source: labels.FormatLabels."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) if labels else "<none>"


def _name(obj: Obj) -> str:
    return obj["metadata"].get("name", "")


def _age(obj: Obj, now: float) -> str:
    return since(obj["metadata"].get("creationTimestamp"), now)


def _spec(obj: Obj) -> Obj:
    return obj.get("spec") or {}


def _status(obj: Obj) -> Obj:
    return obj.get("status") or {}


def _containers(template: Obj | None) -> tuple[str, str]:
    """Names and images of a pod template's containers."""
    found = ((template or {}).get("spec") or {}).get("containers") or ()
    return ",".join(c["name"] for c in found), ",".join(c.get("image") or "" for c in found)


def _bool(value: bool | None) -> str:
    return "<unset>" if value is None else str(value)


def _with_more(texts: Sequence[str], count: int, shown: int) -> str:
    """Source: listWithMoreString."""
    joined = ",".join(texts)
    return f"{joined} + {count - shown} more..." if count > shown else joined


def _first(texts: Iterable[str | None], otherwise: str) -> str:
    return next((text for text in texts if text), otherwise)


# -- workloads -------------------------------------------------------------------------------------------------

_POD_ROW_CONDITIONS = {
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
_NONE: tuple[Obj, ...] = ()


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
    conditions = status.get("conditions") or _NONE
    reason = status.get("reason") or phase
    for condition in conditions:
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "SchedulingGated":
            reason = "SchedulingGated"
    total = len(spec.get("containers") or _NONE)
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
            for container in status.get("initContainerStatuses") or _NONE:
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
        restarts = f"{restarts} ({since(progress.last_restart, now)} ago)"
    ips = status.get("podIPs")
    gates = spec.get("readinessGates")
    return [
        metadata.get("name", ""),
        f"{progress.ready}/{total}",
        reason,
        restarts,
        since(metadata.get("creationTimestamp"), now),
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
    return [_name(obj), *_containers(template), format_labels(labels)]


def _replicas(obj: Obj, now: float) -> Cells:
    spec, status = _spec(obj), _status(obj)
    selector = spec.get("selector")
    shown = format_labels(selector) if obj.get("kind") == "ReplicationController" else _selector(selector)
    return [
        _name(obj),
        spec.get("replicas") or 0,
        status.get("replicas") or 0,
        status.get("readyReplicas") or 0,
        _age(obj, now),
        *_containers(spec.get("template")),
        shown,
    ]


_selector = selectors.format_label_selector


def _deployment(obj: Obj, now: float) -> Cells:
    spec, status = _spec(obj), _status(obj)
    try:
        selector = str(selectors.from_label_selector(spec.get("selector")))
    except ValueError:
        selector = "<invalid>"
    return [
        _name(obj),
        f"{status.get('readyReplicas') or 0}/{spec.get('replicas') or 0}",
        status.get("updatedReplicas") or 0,
        status.get("availableReplicas") or 0,
        _age(obj, now),
        *_containers(spec.get("template")),
        selector,
    ]


def _stateful_set(obj: Obj, now: float) -> Cells:
    spec = _spec(obj)
    ready = f"{_status(obj).get('readyReplicas') or 0}/{spec.get('replicas') or 0}"
    return [_name(obj), ready, _age(obj, now), *_containers(spec.get("template"))]


_DAEMON_SET_COUNTS = (
    "desiredNumberScheduled",
    "currentNumberScheduled",
    "numberReady",
    "updatedNumberScheduled",
    "numberAvailable",
)


def _daemon_set(obj: Obj, now: float) -> Cells:
    spec, status = _spec(obj), _status(obj)
    template = spec.get("template") or {}
    return [
        _name(obj),
        *(status.get(count) or 0 for count in _DAEMON_SET_COUNTS),
        format_labels(_spec(template).get("nodeSelector")),
        _age(obj, now),
        *_containers(template),
        _selector(spec.get("selector")),
    ]


# The first condition that is true gives the status; deletion comes between them.
_JOB_ENDS = (("Complete", "Complete"), ("Failed", "Failed"))
_JOB_CONDITIONS = ("Suspended", "FailureTarget", "SuccessCriteriaMet")


def _job(obj: Obj, now: float) -> Cells:
    spec, status = _spec(obj), _status(obj)
    succeeded = status.get("succeeded") or 0
    parallelism = spec.get("parallelism") or 0
    if spec.get("completions") is not None:
        completions = f"{succeeded}/{spec['completions']}"
    else:
        completions = f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"
    duration = ""
    if started := status.get("startTime"):
        ended = status.get("completionTime")
        duration = human_duration((parse_rfc3339(ended) if ended else now) - parse_rfc3339(started))
    return [
        _name(obj),
        _job_status(obj),
        completions,
        duration,
        _age(obj, now),
        *_containers(spec.get("template")),
        _selector(spec.get("selector")),
    ]


def _job_status(obj: Obj) -> str:
    for type_, word in _JOB_ENDS:
        if objects.is_condition_true(obj, type_):
            return word
    if objects.is_deleting(obj):
        return "Terminating"
    return next((type_ for type_ in _JOB_CONDITIONS if objects.is_condition_true(obj, type_)), "Running")


def _cron_job(obj: Obj, now: float) -> Cells:
    spec, status = _spec(obj), _status(obj)
    job = _spec(spec.get("jobTemplate") or {})
    scheduled = status.get("lastScheduleTime")
    return [
        _name(obj),
        spec.get("schedule") or "",
        spec.get("timeZone") or "<none>",
        _bool(spec.get("suspend")),
        len(status.get("active") or ()),
        since(scheduled, now) if scheduled else "<none>",
        _age(obj, now),
        *_containers(job.get("template")),
        _selector(job.get("selector")),
    ]


def _controller_revision(obj: Obj, now: float) -> Cells:
    owner = objects.controller_of(obj)
    controller = "<none>"
    if owner is not None:
        group, _ = objects.group_version(owner.get("apiVersion") or "")
        kind = owner.get("kind", "").lower()
        controller = f"{kind}.{group}/{owner.get('name')}" if group else f"{kind}/{owner.get('name')}"
    return [_name(obj), controller, obj.get("revision") or 0, _age(obj, now)]


def _autoscaler(obj: Obj, now: float) -> Cells:
    spec, status = _spec(obj), _status(obj)
    target = spec.get("scaleTargetRef") or {}
    minimum = spec.get("minReplicas")
    return [
        _name(obj),
        f"{target.get('kind', '')}/{target.get('name', '')}",
        _metrics(spec.get("metrics") or (), status.get("currentMetrics") or ()),
        "<unset>" if minimum is None else str(minimum),
        spec.get("maxReplicas") or 0,
        status.get("currentReplicas") or 0,
        _age(obj, now),
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
        _name(obj),
        _spec(obj).get("replicas") or 0,
        _status(obj).get("replicas") or 0,
        _age(obj, now),
    ]


def _disruption_budget(obj: Obj, now: float) -> Cells:
    spec = _spec(obj)
    low, high = spec.get("minAvailable"), spec.get("maxUnavailable")
    return [
        _name(obj),
        "N/A" if low is None else str(low),
        "N/A" if high is None else str(high),
        _status(obj).get("disruptionsAllowed") or 0,
        _age(obj, now),
    ]


# -- cluster ---------------------------------------------------------------------------------------------------

_ROLE_PREFIX = "node-role.kubernetes.io/"


def _node(obj: Obj, now: float) -> Cells:
    info = _status(obj).get("nodeInfo") or {}
    ready = objects.condition(obj, "Ready")
    if ready is None:
        status = "Unknown"
    else:
        status = "Ready" if ready.get("status") == "True" else "NotReady"
    if _spec(obj).get("unschedulable"):
        status += ",SchedulingDisabled"
    kernel = info.get("kernelVersion") or "<unknown>"
    if info.get("architecture"):
        kernel += f" ({info['architecture']})"
    return [
        _name(obj),
        status,
        ",".join(_node_roles(obj)) or "<none>",
        _age(obj, now),
        info.get("kubeletVersion") or "",
        _node_address(obj, "InternalIP"),
        _node_address(obj, "ExternalIP"),
        info.get("osImage") or "<unknown>",
        kernel,
        info.get("containerRuntimeVersion") or "<unknown>",
    ]


def _node_roles(node: Obj) -> list[str]:
    labels = objects.labels_of(node)
    roles = {key[len(_ROLE_PREFIX) :] for key in labels if key.startswith(_ROLE_PREFIX)}
    roles.add(labels.get("kubernetes.io/role", ""))
    return sorted(roles - {""})


def _node_address(node: Obj, type_: str) -> str:
    addresses = _status(node).get("addresses") or ()
    return _first((a.get("address") for a in addresses if a.get("type") == type_), "<none>")


def _namespace(obj: Obj, now: float) -> Cells:
    return [_name(obj), _status(obj).get("phase") or "", _age(obj, now)]


def _event(obj: Obj, now: float) -> Cells:
    """Of core and of events.k8s.io, which spell the same fields differently."""
    about = obj.get("involvedObject") or obj.get("regarding") or {}
    source = obj.get("source") or obj.get("deprecatedSource") or {}
    first = obj.get("firstTimestamp") or obj.get("deprecatedFirstTimestamp") or obj.get("eventTime")
    last = obj.get("lastTimestamp") or obj.get("deprecatedLastTimestamp") or first
    count = obj.get("count") or obj.get("deprecatedCount") or 1
    if series := obj.get("series"):
        last, count = series.get("lastObservedTime"), series.get("count") or 0
    kind = about.get("kind", "").lower()
    component = (
        source.get("component") or obj.get("reportingComponent") or obj.get("reportingController") or ""
    )
    host = source.get("host") or obj.get("reportingInstance") or ""
    return [
        since(last, now),
        obj.get("type") or "",
        obj.get("reason") or "",
        f"{kind}/{about['name']}" if about.get("name") else kind,
        about.get("fieldPath") or "",
        f"{component}, {host}" if host else component,
        (obj.get("message") or obj.get("note") or "").strip(),
        since(first, now),
        count,
        _name(obj),
    ]


def _component_status(obj: Obj, now: float) -> Cells:
    healthy = next((c for c in obj.get("conditions") or () if c.get("type") == "Healthy"), None)
    if healthy is None:
        return [_name(obj), "Unknown", "", ""]
    status = "Healthy" if healthy.get("status") == "True" else "Unhealthy"
    return [_name(obj), status, healthy.get("message") or "", healthy.get("error") or ""]


def _lease(obj: Obj, now: float) -> Cells:
    return [_name(obj), _spec(obj).get("holderIdentity") or "", _age(obj, now)]


def _resource_quota(obj: Obj, now: float) -> Cells:
    status = _status(obj)
    hard, used = status.get("hard") or {}, status.get("used") or {}
    texts = {name: f"{name}: {used.get(name, '0')}/{hard[name]}" for name in sorted(hard)}
    requests = ", ".join(text for name, text in texts.items() if not name.startswith("limits."))
    limits = ", ".join(text for name, text in texts.items() if name.startswith("limits."))
    return [_name(obj), requests, limits, _age(obj, now)]


def _priority_class(obj: Obj, now: float) -> Cells:
    return [
        _name(obj),
        obj.get("value") or 0,
        bool(obj.get("globalDefault")),
        _age(obj, now),
        obj.get("preemptionPolicy") or "",
    ]


def _runtime_class(obj: Obj, now: float) -> Cells:
    return [_name(obj), obj.get("handler") or "", _age(obj, now)]


# -- configuration ---------------------------------------------------------------------------------------------


def _config_map(obj: Obj, now: float) -> Cells:
    return [_name(obj), len(obj.get("data") or ()) + len(obj.get("binaryData") or ()), _age(obj, now)]


def _secret(obj: Obj, now: float) -> Cells:
    return [_name(obj), obj.get("type") or "", len(obj.get("data") or ()), _age(obj, now)]


def _name_and_age(obj: Obj, now: float) -> Cells:
    return [_name(obj), _age(obj, now)]


# -- network ---------------------------------------------------------------------------------------------------


def _service(obj: Obj, now: float) -> Cells:
    spec = _spec(obj)
    ips = spec.get("clusterIPs")
    ports = ",".join(_service_port(port) for port in spec.get("ports") or ())
    return [
        _name(obj),
        spec.get("type") or "",
        ips[0] if ips else "<none>",
        _external_ip(obj),
        ports or "<none>",
        _age(obj, now),
        format_labels(spec.get("selector")),
    ]


def _service_port(port: Obj) -> str:
    node_port = port.get("nodePort")
    numbers = f"{port.get('port')}:{node_port}" if node_port else str(port.get("port"))
    return f"{numbers}/{port.get('protocol') or ''}"


def _external_ip(service: Obj) -> str:
    """Source: getServiceExternalIP."""
    spec = _spec(service)
    type_, ips = spec.get("type"), spec.get("externalIPs") or []
    if type_ in ("ClusterIP", "NodePort"):
        return ",".join(ips) or "<none>"
    if type_ == "LoadBalancer":
        balancers = _load_balancer(service)
        return ",".join([*filter(None, [balancers]), *ips]) or "<pending>"
    if type_ == "ExternalName":
        return spec.get("externalName") or ""
    return "<unknown>"


def _load_balancer(obj: Obj) -> str:
    ingress = (_status(obj).get("loadBalancer") or {}).get("ingress") or ()
    return ",".join(sorted({i.get("ip") or i.get("hostname") or "" for i in ingress} - {""}))


def _ingress(obj: Obj, now: float) -> Cells:
    spec = _spec(obj)
    rules = spec.get("rules") or []
    hosts = [rule["host"] for rule in rules[:3] if rule.get("host")]
    return [
        _name(obj),
        spec.get("ingressClassName") or "<none>",
        _with_more(hosts, len(rules), 3) if hosts else "*",
        _load_balancer(obj),
        "80, 443" if spec.get("tls") else "80",
        _age(obj, now),
    ]


def _ingress_class(obj: Obj, now: float) -> Cells:
    spec = _spec(obj)
    name = _name(obj)
    if objects.annotations_of(obj).get("ingressclass.kubernetes.io/is-default-class") == "true":
        name += " (default)"
    shown = "<none>"
    if parameters := spec.get("parameters"):
        group = parameters.get("apiGroup")
        kind = f"{parameters.get('kind')}.{group}" if group else parameters.get("kind")
        shown = f"{kind}/{parameters.get('name')}"
    return [name, spec.get("controller") or "", shown, _age(obj, now)]


def _endpoints(obj: Obj, now: float) -> Cells:
    texts: list[str] = []
    for subset in obj.get("subsets") or ():
        addresses = subset.get("addresses") or ()
        for port in subset.get("ports") or (None,):
            texts += [_host_port(address.get("ip", ""), port) for address in addresses]
    shown = _with_more(texts[:3], len(texts), 3) if obj.get("subsets") else "<none>"
    return [_name(obj), shown, _age(obj, now)]


def _host_port(ip: str, port: Obj | None) -> str:
    if port is None:
        return ip
    return f"[{ip}]:{port.get('port')}" if ":" in ip else f"{ip}:{port.get('port')}"


def _endpoint_slice(obj: Obj, now: float) -> Cells:
    ports = [
        str(port["port"]) if port.get("port") is not None else port.get("name") or "*"
        for port in obj.get("ports") or ()
    ]
    addresses = [
        address for endpoint in obj.get("endpoints") or () for address in endpoint.get("addresses") or ()
    ]
    return [
        _name(obj),
        obj.get("addressType") or "",
        _with_more(ports[:3], len(ports), 3) or "<unset>",
        _with_more(addresses[:3], len(addresses), 3) or "<unset>",
        _age(obj, now),
    ]


def _network_policy(obj: Obj, now: float) -> Cells:
    return [_name(obj), _selector(_spec(obj).get("podSelector") or {}), _age(obj, now)]


def _service_cidr(obj: Obj, now: float) -> Cells:
    return [_name(obj), ",".join(_spec(obj).get("cidrs") or ()), _age(obj, now)]


def _ip_address(obj: Obj, now: float) -> Cells:
    parent = _spec(obj).get("parentRef")
    if not parent:
        return [_name(obj), "<none>"]
    group, plural = parent.get("group") or "", parent.get("resource") or ""
    resource = (f"{plural}.{group}" if group else plural).lower()
    parts = (resource, parent.get("namespace"), parent.get("name"))
    return [_name(obj), "/".join(part for part in parts if part)]


# -- storage ---------------------------------------------------------------------------------------------------

_ACCESS_MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}
_STORAGE_CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"


def _access_modes(modes: Sequence[str] | None) -> str:
    return ",".join(short for mode, short in _ACCESS_MODES.items() if mode in (modes or ()))


def _storage_class_of(obj: Obj) -> str:
    annotated = objects.annotations_of(obj).get(_STORAGE_CLASS_ANNOTATION)
    return _spec(obj).get("storageClassName") or "" if annotated is None else annotated


def _volume(obj: Obj, now: float) -> Cells:
    spec, status = _spec(obj), _status(obj)
    claim = spec.get("claimRef")
    return [
        _name(obj),
        (spec.get("capacity") or {}).get("storage", "0"),
        _access_modes(spec.get("accessModes")),
        spec.get("persistentVolumeReclaimPolicy") or "",
        "Terminating" if objects.is_deleting(obj) else status.get("phase") or "",
        f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "",
        _storage_class_of(obj),
        spec.get("volumeAttributesClassName") or "<unset>",
        status.get("reason") or "",
        _age(obj, now),
        spec.get("volumeMode") or "<unset>",
    ]


def _claim(obj: Obj, now: float) -> Cells:
    spec, status = _spec(obj), _status(obj)
    is_bound = bool(spec.get("volumeName"))
    return [
        _name(obj),
        "Terminating" if objects.is_deleting(obj) else status.get("phase") or "",
        spec.get("volumeName") or "",
        (status.get("capacity") or {}).get("storage", "0") if is_bound else "",
        _access_modes(status.get("accessModes")) if is_bound else "",
        _storage_class_of(obj),
        spec.get("volumeAttributesClassName") or "<unset>",
        _age(obj, now),
        spec.get("volumeMode") or "<unset>",
    ]


_DEFAULT_CLASS_ANNOTATIONS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)


def _storage_class(obj: Obj, now: float) -> Cells:
    annotations = objects.annotations_of(obj)
    is_default = any(annotations.get(key) == "true" for key in _DEFAULT_CLASS_ANNOTATIONS)
    return [
        f"{_name(obj)} (default)" if is_default else _name(obj),
        obj.get("provisioner") or "",
        obj.get("reclaimPolicy") or "Delete",
        obj.get("volumeBindingMode") or "Immediate",
        bool(obj.get("allowVolumeExpansion")),
        _age(obj, now),
    ]


def _attributes_class(obj: Obj, now: float) -> Cells:
    return [_name(obj), obj.get("driverName") or "", _age(obj, now)]


def _attachment(obj: Obj, now: float) -> Cells:
    spec = _spec(obj)
    return [
        _name(obj),
        spec.get("attacher") or "",
        (spec.get("source") or {}).get("persistentVolumeName") or "",
        spec.get("nodeName") or "",
        bool(_status(obj).get("attached")),
        _age(obj, now),
    ]


def _csi_node(obj: Obj, now: float) -> Cells:
    return [_name(obj), len(_spec(obj).get("drivers") or ()), _age(obj, now)]


def _csi_driver(obj: Obj, now: float) -> Cells:
    spec = _spec(obj)
    tokens = spec.get("tokenRequests")
    return [
        _name(obj),
        spec.get("attachRequired") is not False,
        bool(spec.get("podInfoOnMount")),
        bool(spec.get("storageCapacity")),
        "<unset>" if tokens is None else ",".join(token.get("audience") or "" for token in tokens),
        bool(spec.get("requiresRepublish")),
        ",".join(spec.get("volumeLifecycleModes") or ()) or "<none>",
        _age(obj, now),
    ]


def _storage_capacity(obj: Obj, now: float) -> Cells:
    return [_name(obj), obj.get("storageClassName") or "", obj.get("capacity") or "<unset>"]


# -- policy and access -----------------------------------------------------------------------------------------


def _role_binding(obj: Obj, now: float) -> Cells:
    role = obj.get("roleRef") or {}
    subjects: dict[str, list[str]] = {"User": [], "Group": [], "ServiceAccount": []}
    for subject in obj.get("subjects") or ():
        kind, name = subject.get("kind"), subject.get("name", "")
        if kind in subjects:
            is_account = kind == "ServiceAccount"
            subjects[kind].append(f"{subject.get('namespace', '')}/{name}" if is_account else name)
    return [
        _name(obj),
        f"{role.get('kind', '')}/{role.get('name', '')}",
        _age(obj, now),
        *(", ".join(texts) for texts in subjects.values()),
    ]


def _signing_request(obj: Obj, now: float) -> Cells:
    spec, status = _spec(obj), _status(obj)
    types = {condition.get("type") for condition in objects.conditions(obj)}
    word = "Denied" if "Denied" in types else "Approved" if "Approved" in types else "Pending"
    if "Failed" in types:
        word += ",Failed"
    if status.get("certificate"):
        word += ",Issued"
    seconds = spec.get("expirationSeconds")
    return [
        _name(obj),
        _age(obj, now),
        spec.get("signerName") or "<none>",
        spec.get("username") or "",
        "<none>" if seconds is None else human_duration(seconds),
        word,
    ]


def _trust_bundle(obj: Obj, now: float) -> Cells:
    return [_name(obj), _spec(obj).get("signerName") or "<none>"]


def _pod_certificate_request(obj: Obj, now: float) -> Cells:
    spec, state = _spec(obj), "Pending"
    for condition in _status(obj).get("conditions") or _NONE:
        if condition.get("type") in ("Issued", "Denied", "Failed"):
            state = condition["type"]
    fields = ("podName", "serviceAccountName", "nodeName", "signerName")
    annotations = format_labels(spec.get("unverifiedUserAnnotations"))
    return [_name(obj), *(spec.get(field) or "" for field in fields), state, annotations]


def _migration(obj: Obj, now: float) -> Cells:
    resource, status = _spec(obj).get("resource") or {}, "Unknown"
    for condition in _status(obj).get("conditions") or _NONE:
        is_state = condition.get("type") in ("Running", "Failed", "Succeeded")
        if is_state and condition.get("status") == "True":
            status = condition["type"]
    name, group = resource.get("resource") or "", resource.get("group") or ""
    return [_name(obj), f"{name}.{group}" if group else name, status]


def _webhooks(obj: Obj, now: float) -> Cells:
    return [_name(obj), len(obj.get("webhooks") or ()), _age(obj, now)]


def _admission_policy(obj: Obj, now: float) -> Cells:
    spec = _spec(obj)
    count = len(spec.get("validations") or spec.get("mutations") or ())
    param = spec.get("paramKind")
    shown = f"{param.get('apiVersion', '')}/{param.get('kind', '')}" if param else "<unset>"
    return [_name(obj), count, shown, _age(obj, now)]


def _admission_binding(obj: Obj, now: float) -> Cells:
    spec = _spec(obj)
    param = spec.get("paramRef") or {}
    shown = "<unset>"
    if param.get("name"):
        shown = f"{param.get('namespace') or '*'}/{param['name']}"
    elif param.get("selector"):
        shown = _selector(param["selector"])
    return [_name(obj), spec.get("policyName") or "", shown, _age(obj, now)]


def _flow_schema(obj: Obj, now: float) -> Cells:
    spec = _spec(obj)
    dangling = objects.condition(obj, "Dangling")
    return [
        _name(obj),
        (spec.get("priorityLevelConfiguration") or {}).get("name") or "",
        spec.get("matchingPrecedence") or 0,
        (spec.get("distinguisherMethod") or {}).get("type") or "<none>",
        _age(obj, now),
        "?" if dangling is None else dangling.get("status") or "",
    ]


def _priority_level(obj: Obj, now: float) -> Cells:
    spec = _spec(obj)
    limited = spec.get("limited")
    queuing = ((limited or {}).get("limitResponse") or {}).get("queuing")
    return [
        _name(obj),
        spec.get("type") or "",
        limited.get("nominalConcurrencyShares", 0) if limited else "<none>",
        *(
            queuing.get(field, 0) if queuing else "<none>"
            for field in ("queues", "handSize", "queueLengthLimit")
        ),
        _age(obj, now),
    ]


def _api_service(obj: Obj, now: float) -> Cells:
    service = _spec(obj).get("service")
    available = objects.condition(obj, "Available")
    shown = "Unknown"
    if available is not None:
        status = available.get("status") or ""
        shown = status if status == "True" else f"{status} ({available.get('reason') or ''})"
    at = f"{service.get('namespace')}/{service.get('name')}" if service else "Local"
    return [_name(obj), at, shown, _age(obj, now)]


# -- devices ---------------------------------------------------------------------------------------------------


def _resource_claim(obj: Obj, now: float) -> Cells:
    status = _status(obj)
    is_deleted = objects.is_deleting(obj)
    states = ["deleted"] if is_deleted else []
    if status.get("allocation"):
        states.append("allocated")
        if status.get("reservedFor"):
            states.append("reserved")
    elif not is_deleted:
        states.append("pending")
    return [_name(obj), ",".join(states), _age(obj, now)]


def _resource_slice(obj: Obj, now: float) -> Cells:
    spec = _spec(obj)
    pool = (spec.get("pool") or {}).get("name") or ""
    return [_name(obj), spec.get("nodeName") or "", spec.get("driver") or "", pool, _age(obj, now)]


def _device_taint_rule(obj: Obj, now: float) -> Cells:
    taint = _spec(obj).get("taint") or {}
    texts = (taint.get(field) or "" for field in ("key", "value", "effect"))
    added = taint.get("timeAdded")
    return [_name(obj), *texts, since(added, now) if added else "", _age(obj, now)]


def _default(obj: Obj, now: float) -> Cells:
    created = obj["metadata"].get("creationTimestamp")
    return [_name(obj), rfc3339(parse_rfc3339(created)) if created else "0001-01-01T00:00:00Z"]


# -- THE table -------------------------------------------------------------------------------------------------

_NAME = Column(
    "Name",
    format="name",
    description=(
        "Name must be unique within a namespace. Is required when creating resources, although some resources may "
        "allow a client to request the generation of an appropriate name automatically. Name is primarily intended "
        "for creation idempotence and configuration definition. Cannot be updated. More info: "
        "https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names"
    ),
)
_CREATED = (
    "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed "
    "to be set in happens-before order across separate operations. Clients may not set this value. It is represented "
    "in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata"
)
_AGE = Column("Age", description=_CREATED)
_TEMPLATE = (
    Column("Containers", priority=1, description="Names of each container in the template."),
    Column("Images", priority=1, description="Images referenced by each container in the template."),
)
_SELECTOR = Column(
    "Selector", priority=1, description="Label selector of the pods that belong to the object."
)
_WEBHOOKS = Column(
    "Webhooks",
    "integer",
    description="Webhooks indicates the number of webhooks registered in this configuration",
)
_PARAM_KIND = Column(
    "ParamKind",
    description="ParamKind specifies the kind of resources used to parameterize this policy",
)
_BINDING_COLUMNS = (
    _NAME,
    Column(
        "PolicyName",
        description="PolicyName indicates the policy definition which the policy binding binded to",
    ),
    Column(
        "ParamRef", description="ParamRef indicates the param resource which sets the configuration param"
    ),
    _AGE,
)
_ROLE_BINDING_COLUMNS = (
    _NAME,
    Column("Role", description="The role that the binding refers to."),
    _AGE,
    Column("Users", priority=1, description="Users in the roleBinding"),
    Column("Groups", priority=1, description="Groups in the roleBinding"),
    Column("ServiceAccounts", priority=1, description="ServiceAccounts in the roleBinding"),
)


def _wide(name: str, description: str, type_: str = "string") -> Column:
    return Column(name, type_, 1, description)


def _text(name: str, description: str = "") -> Column:
    return Column(name, "string", 0, description)


def _number(name: str, description: str = "") -> Column:
    return Column(name, "integer", 0, description)


def _flag(name: str, description: str = "") -> Column:
    return Column(name, "boolean", 0, description)


DEFAULT = Printer((_NAME, Column("Created At", "date", description=_CREATED)), _default)
_EVENT = Printer(
    (
        _text("Last Seen", "The time at which the most recent occurrence of this event was recorded."),
        _text("Type", "Type of this event (Normal, Warning), new types could be added in the future"),
        _text("Reason", "This should be a short, machine understandable string that gives the reason."),
        _text("Object", "The object that this event is about."),
        _wide("Subobject", "The part of the object that this event is about."),
        _wide("Source", "The component reporting this event."),
        _text("Message", "A human-readable description of the status of this operation."),
        _wide("First Seen", "The time at which the event was first recorded."),
        _wide("Count", "The number of times this event has occurred."),
        Column("Name", "string", 1, _NAME.description, "name"),
    ),
    _event,
)
_REPLICAS = (
    _NAME,
    _number("Desired", "Replicas is the number of desired pods."),
    _number("Current", "Replicas is the most recently observed number of non-terminating pods."),
    _number("Ready", "The number of non-terminating pods with a Ready Condition."),
    _AGE,
    *_TEMPLATE,
    _SELECTOR,
)
_NAME_AND_AGE = Printer((_NAME, _AGE), _name_and_age)

# (group, kind) -> how it is printed
PRINTERS: dict[tuple[str, str], Printer] = {
    ("", "Pod"): Printer(
        (
            _NAME,
            _text("Ready", "The aggregate readiness state of this pod for accepting traffic."),
            _text("Status", "The aggregate status of the containers in this pod."),
            _text(
                "Restarts",
                "The number of times the containers in this pod have been restarted and when the last container in "
                "this pod has restarted.",
            ),
            _AGE,
            _wide("IP", "IP address allocated to the pod. Routable at least within the cluster."),
            _wide("Node", "NodeName indicates in which node this pod is scheduled."),
            _wide("Nominated Node", "The node that is being made free for this pod by preemption."),
            _wide("Readiness Gates", "All readiness gates will be evaluated for pod readiness."),
        ),
        pod_cells,
    ),
    ("", "PodTemplate"): Printer(
        (
            _NAME,
            _text("Containers", "Names of each container in the template."),
            _text("Images", "Images referenced by each container in the template."),
            _text("Pod Labels", "The labels for the pod template."),
        ),
        _pod_template,
    ),
    ("", "ReplicationController"): Printer(_REPLICAS, _replicas),
    ("apps", "ReplicaSet"): Printer(_REPLICAS, _replicas),
    ("apps", "Deployment"): Printer(
        (
            _NAME,
            _text("Ready", "Number of the pod with ready state"),
            _text("Up-to-date", "Total number of non-terminating pods that have the desired template spec."),
            _text("Available", "Total number of available non-terminating pods."),
            _AGE,
            *_TEMPLATE,
            _SELECTOR,
        ),
        _deployment,
    ),
    ("apps", "StatefulSet"): Printer(
        (_NAME, _text("Ready", "Number of the pod with ready state"), _AGE, *_TEMPLATE), _stateful_set
    ),
    ("apps", "DaemonSet"): Printer(
        (
            _NAME,
            _number("Desired", "The total number of nodes that should be running the daemon pod."),
            _number("Current", "The number of nodes that are running at least 1 daemon pod."),
            _number("Ready", "The number of nodes that run a ready daemon pod."),
            _number("Up-to-date", "The total number of nodes that are running updated daemon pod"),
            _number("Available", "The number of nodes that run an available daemon pod."),
            _text(
                "Node Selector", "NodeSelector must match a node's labels for the pod to be scheduled on it."
            ),
            _AGE,
            *_TEMPLATE,
            _SELECTOR,
        ),
        _daemon_set,
    ),
    ("apps", "ControllerRevision"): Printer(
        (
            _NAME,
            _text("Controller", "Controller of the object"),
            _text("Revision", "Revision indicates the revision of the state represented by Data."),
            _AGE,
        ),
        _controller_revision,
    ),
    ("batch", "Job"): Printer(
        (
            _NAME,
            _text("Status", "Status of the job."),
            _text("Completions", "The number of pods which reached phase Succeeded."),
            _text("Duration", "Time required to complete the job."),
            _AGE,
            *_TEMPLATE,
            _SELECTOR,
        ),
        _job,
    ),
    ("batch", "CronJob"): Printer(
        (
            _NAME,
            _text("Schedule", "The schedule in Cron format, see https://en.wikipedia.org/wiki/Cron."),
            _text("Timezone", "The time zone name for the given schedule."),
            _flag("Suspend", "This flag tells the controller to suspend subsequent executions."),
            _number("Active", "A list of pointers to currently running jobs."),
            _text("Last Schedule", "Information when was the last time the job was successfully scheduled."),
            _AGE,
            *_TEMPLATE,
            _SELECTOR,
        ),
        _cron_job,
    ),
    ("autoscaling", "HorizontalPodAutoscaler"): Printer(
        (
            _NAME,
            _text("Reference", "The target resource to scale."),
            _text("Targets", "The specifications for which to use to calculate the desired replica count."),
            _text("MinPods", "The lower limit for the number of replicas."),
            _text("MaxPods", "The upper limit for the number of replicas."),
            _text("Replicas", "The current number of replicas of pods managed by this autoscaler."),
            _AGE,
        ),
        _autoscaler,
    ),
    ("autoscaling", "Scale"): Printer(
        (
            _NAME,
            _number("Desired", "replicas is the desired number of instances for the scaled object."),
            _number("Available", "replicas is the actual number of observed instances of the scaled object."),
            _AGE,
        ),
        _scale,
    ),
    ("policy", "PodDisruptionBudget"): Printer(
        (
            _NAME,
            _text("Min Available", "The minimum number of pods that must be available."),
            _text("Max Unavailable", "The maximum number of pods that may be unavailable."),
            _number("Allowed Disruptions", "Calculated number of pods that may be disrupted at this time."),
            _AGE,
        ),
        _disruption_budget,
    ),
    ("", "Node"): Printer(
        (
            _NAME,
            _text("Status", "The status of the node"),
            _text("Roles", "The roles of the node"),
            _AGE,
            _text("Version", "Kubelet Version reported by the node."),
            _wide("Internal-IP", "List of addresses reachable to the node."),
            _wide("External-IP", "List of addresses reachable to the node."),
            _wide("OS-Image", "OS Image reported by the node from /etc/os-release."),
            _wide("Kernel-Version", "Kernel Version reported by the node from 'uname -r'."),
            _wide(
                "Container-Runtime",
                "ContainerRuntime Version reported by the node through runtime remote API.",
            ),
        ),
        _node,
    ),
    ("", "Namespace"): Printer((_NAME, _text("Status", "The status of the namespace"), _AGE), _namespace),
    ("", "Event"): _EVENT,
    ("events.k8s.io", "Event"): _EVENT,
    ("", "ComponentStatus"): Printer(
        (
            _NAME,
            _text("Status", "Status of the component conditions"),
            _text("Message", "Message of the component conditions"),
            _text("Error", "Error of the component conditions"),
        ),
        _component_status,
    ),
    ("coordination.k8s.io", "Lease"): Printer(
        (_NAME, _text("Holder", "The identity of the holder of a current lease."), _AGE), _lease
    ),
    ("", "ResourceQuota"): Printer(
        (
            _NAME,
            _text(
                "Request", "Request represents a minimum amount of cpu/memory that a container may consume."
            ),
            _text(
                "Limit",
                "Limits control the maximum amount of cpu/memory that a container may use independent of contention "
                "on the node.",
            ),
            _AGE,
        ),
        _resource_quota,
    ),
    ("scheduling.k8s.io", "PriorityClass"): Printer(
        (
            _NAME,
            _number("Value", "The integer value of this priority class."),
            _flag(
                "Global-Default", "Whether this is the default priority of pods without any priority class."
            ),
            _AGE,
            _text("PreemptionPolicy", "The policy for preempting pods with lower priority."),
        ),
        _priority_class,
    ),
    ("node.k8s.io", "RuntimeClass"): Printer((_NAME, _text("Handler"), _AGE), _runtime_class),
    ("", "ConfigMap"): Printer(
        (_NAME, _text("Data", "Data contains the configuration data."), _AGE), _config_map
    ),
    ("", "Secret"): Printer(
        (
            _NAME,
            _text("Type", "Used to facilitate programmatic handling of secret data."),
            _text("Data", "Data contains the secret data."),
            _AGE,
        ),
        _secret,
    ),
    ("", "ServiceAccount"): _NAME_AND_AGE,
    ("", "Service"): Printer(
        (
            _NAME,
            _text("Type", "type determines how the Service is exposed."),
            _text("Cluster-IP", "clusterIP is the IP address of the service."),
            _text("External-IP", "externalIPs is a list of IP addresses for which nodes accept traffic too."),
            _text("Port(s)", "The list of ports that are exposed by this service."),
            _AGE,
            _wide(
                "Selector", "Route service traffic to pods with label keys and values matching this selector."
            ),
        ),
        _service,
    ),
    ("", "Endpoints"): Printer(
        (_NAME, _text("Endpoints", "The set of all endpoints is the union of all subsets."), _AGE), _endpoints
    ),
    ("discovery.k8s.io", "EndpointSlice"): Printer(
        (
            _NAME,
            _text("AddressType", "addressType specifies the type of address carried by this EndpointSlice."),
            _text(
                "Ports", "ports specifies the list of network ports exposed by each endpoint in this slice."
            ),
            _text("Endpoints", "endpoints is a list of unique endpoints in this slice."),
            _AGE,
        ),
        _endpoint_slice,
    ),
    ("networking.k8s.io", "Ingress"): Printer(
        (
            _NAME,
            _text(
                "Class",
                "The name of the IngressClass resource that should be used for additional configuration",
            ),
            _text("Hosts", "Hosts that incoming requests are matched against before the ingress rule"),
            _text("Address", "Address is a list containing ingress points for the load-balancer"),
            _text("Ports", "Ports of TLS configurations that open"),
            _AGE,
        ),
        _ingress,
    ),
    ("networking.k8s.io", "IngressClass"): Printer(
        (
            _NAME,
            _text("Controller", "Controller that is responsible for handling this class"),
            _text("Parameters", "A reference to a resource with additional parameters"),
            _AGE,
        ),
        _ingress_class,
    ),
    ("networking.k8s.io", "NetworkPolicy"): Printer(
        (_NAME, _text("Pod-Selector", "The pods to which this NetworkPolicy applies."), _AGE), _network_policy
    ),
    ("networking.k8s.io", "ServiceCIDR"): Printer((_NAME, _text("CIDRs"), _AGE), _service_cidr),
    ("networking.k8s.io", "IPAddress"): Printer((_NAME, _text("ParentRef")), _ip_address),
    ("", "PersistentVolume"): Printer(
        (
            _NAME,
            _text(
                "Capacity", "capacity is the description of the persistent volume's resources and capacity."
            ),
            _text("Access Modes", "accessModes contains all ways the volume can be mounted."),
            _text("Reclaim Policy", "What happens to a persistent volume when released from its claim."),
            _text(
                "Status",
                "phase indicates if a volume is available, bound to a claim, or released by a claim.",
            ),
            _text("Claim", "claimRef is part of a bi-directional binding between volume and claim."),
            _text("StorageClass", "StorageClass of the pv"),
            _text("VolumeAttributesClass", "VolumeAttributesClass of the pv"),
            _text("Reason", "reason is a brief CamelCase string that describes any failure."),
            _AGE,
            _wide("VolumeMode", "Whether the volume is used with a formatted filesystem or as a raw block."),
        ),
        _volume,
    ),
    ("", "PersistentVolumeClaim"): Printer(
        (
            _NAME,
            _text("Status", "phase represents the current phase of PersistentVolumeClaim."),
            _text(
                "Volume", "volumeName is the binding reference to the PersistentVolume backing this claim."
            ),
            _text("Capacity", "capacity represents the actual resources of the underlying volume."),
            _text("Access Modes", "accessModes contains the actual access modes the volume has."),
            _text("StorageClass", "StorageClass of the pvc"),
            _text("VolumeAttributesClass", "VolumeAttributesClass of the pvc"),
            _AGE,
            _wide("VolumeMode", "volumeMode defines what type of volume is required by the claim."),
        ),
        _claim,
    ),
    ("storage.k8s.io", "StorageClass"): Printer(
        (
            _NAME,
            _text("Provisioner", "provisioner indicates the type of the provisioner."),
            _text("ReclaimPolicy", "reclaimPolicy of the volumes that this storage class creates."),
            _text("VolumeBindingMode", "How PersistentVolumeClaims should be provisioned and bound."),
            _text("AllowVolumeExpansion", "Whether the storage class allows volumes to expand."),
            _AGE,
        ),
        _storage_class,
    ),
    ("storage.k8s.io", "VolumeAttributesClass"): Printer(
        (_NAME, _text("DriverName"), _AGE), _attributes_class
    ),
    ("storage.k8s.io", "VolumeAttachment"): Printer(
        (
            _NAME,
            Column("Attacher", format="name"),
            _text("PV"),
            _text("Node"),
            _flag("Attached"),
            _AGE,
        ),
        _attachment,
    ),
    ("storage.k8s.io", "CSINode"): Printer(
        (
            _NAME,
            _number("Drivers", "Drivers indicates the number of CSI drivers registered on the node"),
            _AGE,
        ),
        _csi_node,
    ),
    ("storage.k8s.io", "CSIDriver"): Printer(
        (
            _NAME,
            _flag("AttachRequired"),
            _flag("PodInfoOnMount"),
            _flag("StorageCapacity"),
            _text("TokenRequests"),
            _flag("RequiresRepublish"),
            _text("Modes"),
            _AGE,
        ),
        _csi_driver,
    ),
    ("storage.k8s.io", "CSIStorageCapacity"): Printer(
        (_NAME, _text("StorageClassName"), _text("Capacity")), _storage_capacity
    ),
    ("rbac.authorization.k8s.io", "RoleBinding"): Printer(_ROLE_BINDING_COLUMNS, _role_binding),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): Printer(_ROLE_BINDING_COLUMNS, _role_binding),
    ("certificates.k8s.io", "CertificateSigningRequest"): Printer(
        (
            _NAME,
            _AGE,
            _text("SignerName", "signerName indicates the requested signer."),
            _text("Requestor", "Who asked for the certificate."),
            _text("RequestedDuration", "The requested duration of validity of the issued certificate."),
            _text("Condition", "conditions applied to the request."),
        ),
        _signing_request,
    ),
    ("certificates.k8s.io", "ClusterTrustBundle"): Printer((_NAME, _text("SignerName")), _trust_bundle),
    ("certificates.k8s.io", "PodCertificateRequest"): Printer(
        (
            _NAME,
            _text("PodName"),
            _text("ServiceAccountName"),
            _text("NodeName"),
            _text("SignerName"),
            _text("State", "Is the request Pending, Issued, Denied, or Failed?"),
            _text("UnverifiedUserAnnotations"),
        ),
        _pod_certificate_request,
    ),
    ("storagemigration.k8s.io", "StorageVersionMigration"): Printer(
        (
            _text("Name", _NAME.description),
            _text("Resource", "GroupResource to migrate"),
            _text("Status", "Status of the migration"),
        ),
        _migration,
    ),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): Printer(
        (_NAME, _WEBHOOKS, _AGE), _webhooks
    ),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): Printer(
        (_NAME, _WEBHOOKS, _AGE), _webhooks
    ),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"): Printer(
        (
            _NAME,
            _number(
                "Validations",
                "Validations indicates the number of validation rules defined in this configuration",
            ),
            _PARAM_KIND,
            _AGE,
        ),
        _admission_policy,
    ),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"): Printer(
        (
            _NAME,
            _number(
                "Mutations", "Mutation indicates the number of mutations rules defined in this configuration"
            ),
            _PARAM_KIND,
            _AGE,
        ),
        _admission_policy,
    ),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"): Printer(
        _BINDING_COLUMNS, _admission_binding
    ),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"): Printer(
        _BINDING_COLUMNS, _admission_binding
    ),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema"): Printer(
        (
            _NAME,
            _text("PriorityLevel", "The name of the priority level configuration being referenced."),
            _text("MatchingPrecedence", "Which FlowSchema is chosen when several match: the lowest."),
            _text("DistinguisherMethod", "How to compute the flow distinguisher for requests that match."),
            _AGE,
            _text("MissingPL", "references a broken or non-existent PriorityLevelConfiguration"),
        ),
        _flow_schema,
    ),
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"): Printer(
        (
            _NAME,
            _text("Type"),
            _text("NominalConcurrencyShares"),
            _text("Queues"),
            _text("HandSize"),
            _text("QueueLengthLimit"),
            _AGE,
        ),
        _priority_level,
    ),
    ("apiregistration.k8s.io", "APIService"): Printer(
        (
            _NAME,
            _text("Service", "The reference to the service that hosts this API endpoint."),
            _text("Available", "Whether this service is available."),
            _AGE,
        ),
        _api_service,
    ),
    ("resource.k8s.io", "DeviceClass"): _NAME_AND_AGE,
    ("resource.k8s.io", "DeviceTaintRule"): Printer(
        (_NAME, _text("Key"), _text("Value"), _text("Effect"), _text("TimeAdded"), _AGE), _device_taint_rule
    ),
    ("resource.k8s.io", "ResourceClaimTemplate"): _NAME_AND_AGE,
    ("resource.k8s.io", "ResourceClaim"): Printer(
        (_NAME, _text("State", "A summary of the current state (allocated, pending, reserved, etc.)."), _AGE),
        _resource_claim,
    ),
    ("resource.k8s.io", "ResourceSlice"): Printer(
        (_NAME, _text("Node"), _text("Driver"), _text("Pool"), _AGE), _resource_slice
    ),
}
