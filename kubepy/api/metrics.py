"""metrics.k8s.io/v1beta1 as metrics-server serves it, and the kubelet's /stats/summary: rows, schemas, documents. Pure.

The kinds are rows like those of custom kinds, so that discovery, OpenAPI, explain and tables come with them; their
objects are made at the moment of the question (apiserver/handlers/usage.py), never stored.

Source: k8s.io/metrics pkg/apis/metrics/v1beta1, metrics-server pkg/api/{node,pod,table}.go, kubelet
pkg/apis/stats/v1alpha1/types.go, pkg/kubelet/metrics/collectors/resource_metrics.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from kubepy.api import quantity
from kubepy.api.custom import CustomSchema, Own
from kubepy.api.objects import Obj, labels_of
from kubepy.api.quantity import BINARY_SI, Quantity
from kubepy.api.resources import Resource
from kubepy.api.schema import Schemas
from kubepy.api.tables import Column, Printer
from kubepy.lib.clock import rfc3339

GROUP, VERSION = "metrics.k8s.io", "v1beta1"
# Over which time a rate is said to be: metrics-server's resolution.
WINDOW = "15s"


class Usage(NamedTuple):
    """What something uses now."""

    cpu_nanocores: int
    cpu_core_nanoseconds: int  # since it started
    memory_bytes: int

    def __add__(self, other: Usage) -> Usage:  # type: ignore[override]
        return Usage(*(a + b for a, b in zip(self, other)))


NOTHING = Usage(0, 0, 0)


class ContainerUsage(NamedTuple):
    name: str
    started: float  # seconds since the epoch
    usage: Usage


class PodUsage(NamedTuple):
    """A pod whose containers run."""

    containers: tuple[ContainerUsage, ...]

    @property
    def total(self) -> Usage:
        return sum((each.usage for each in self.containers), NOTHING)


class NodeUsage(NamedTuple):
    started: float
    usage: Usage
    pods: tuple[tuple[Obj, PodUsage], ...]


# -- the rows --------------------------------------------------------------------------------------------------

_QUANTITY: Obj = {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": True}
_USAGE: Obj = {
    "type": "object", "additionalProperties": _QUANTITY,
    "description": "The memory usage is the memory working set.",
}  # fmt: skip
_OBSERVED: Obj = {
    "timestamp": {
        "type": "string", "format": "date-time",
        "description": "The following fields define time interval from which metrics were collected from the interval "
        "[Timestamp-Window, Timestamp].",
    },
    "window": {"type": "string"},
}  # fmt: skip
_NODE: Obj = {
    "type": "object", "description": "NodeMetrics sets resource usage metrics of a node.",
    "required": ["timestamp", "window", "usage"], "properties": _OBSERVED | {"usage": _USAGE},
}  # fmt: skip
_POD: Obj = {
    "type": "object", "description": "PodMetrics sets resource usage metrics of a pod.",
    "required": ["timestamp", "window", "containers"],
    "properties": _OBSERVED | {
        "containers": {
            "type": "array",
            "description": "Metrics for all containers are collected within the same time window.",
            "items": {
                "type": "object", "required": ["name", "usage"],
                "description": "ContainerMetrics sets resource usage metrics of a container.",
                "properties": {
                    "name": {
                        "type": "string",
                        "description": "Container name corresponding to the one from pod.spec.containers.",
                    },
                    "usage": _USAGE,
                },
            },
        },
    },
}  # fmt: skip


def rows(schemas: Schemas) -> tuple[Resource, Resource]:
    """Nodes and pods, for a Catalog."""
    return _row(schemas, "nodes", "NodeMetrics", False, _NODE), _row(
        schemas, "pods", "PodMetrics", True, _POD
    )


def _row(schemas: Schemas, plural: str, kind: str, namespaced: bool, schema: Obj) -> Resource:
    return Resource(
        group=GROUP, version=VERSION, kind=kind, plural=plural, singular="", namespaced=namespaced,
        verbs=("get", "list"), list_kind=f"{kind}List", custom=True,
        own=Own(CustomSchema(schemas, kind, schema), printer=_PRINTER),
    )  # fmt: skip


def _cells(obj: Obj, now: float) -> list[object]:
    usages = [each["usage"] for each in obj["containers"]] if "containers" in obj else [obj["usage"]]
    totals = [
        sum((quantity.parse(usage[name]) for usage in usages), quantity.ZERO).text
        for name in ("cpu", "memory")
    ]
    return [obj["metadata"]["name"], *totals, obj["window"]]


_PRINTER = Printer(
    (
        Column("Name", format="name", description="Name of the resource"),
        Column("cpu"), Column("memory"), Column("Window"),
    ),
    _cells,
)  # fmt: skip


# -- the objects -----------------------------------------------------------------------------------------------


def node_metrics(node: Obj, usage: NodeUsage, now: float) -> Obj:
    return _head("NodeMetrics", node, now) | {"usage": _usage(usage.usage)}


def pod_metrics(pod: Obj, usage: PodUsage, now: float) -> Obj:
    containers = [{"name": each.name, "usage": _usage(each.usage)} for each in usage.containers]
    return _head("PodMetrics", pod, now) | {"containers": containers}


def _head(kind: str, of: Obj, now: float) -> Obj:
    metadata = {"name": of["metadata"]["name"]}
    if namespace := of["metadata"].get("namespace"):
        metadata["namespace"] = namespace
    metadata["creationTimestamp"] = rfc3339(now)
    if labels := labels_of(of):
        metadata["labels"] = labels
    return {
        "apiVersion": f"{GROUP}/{VERSION}", "kind": kind, "metadata": metadata,
        "timestamp": rfc3339(now), "window": WINDOW,
    }  # fmt: skip


def _usage(usage: Usage) -> dict[str, str]:
    return {
        "cpu": Quantity(usage.cpu_nanocores).text,
        "memory": quantity.of_value(usage.memory_bytes, BINARY_SI).text,
    }


# -- the kubelet's own -----------------------------------------------------------------------------------------


def stats_summary(node: Obj, usage: NodeUsage, now: float) -> Obj:
    """What GET /stats/summary answers; of storage, network and processes nothing is known."""
    return {
        "node": {"nodeName": node["metadata"]["name"], "startTime": rfc3339(usage.started), **_stats(usage.usage, now)},
        "pods": [_pod_stats(pod, pod_usage, now) for pod, pod_usage in usage.pods],
    }  # fmt: skip


def _pod_stats(pod: Obj, usage: PodUsage, now: float) -> Obj:
    metadata = pod["metadata"]
    started = (pod.get("status") or {}).get("startTime") or rfc3339(
        min(each.started for each in usage.containers)
    )
    return {
        "podRef": {name: metadata.get(name, "") for name in ("name", "namespace", "uid")},
        "startTime": started,
        "containers": [
            {"name": each.name, "startTime": rfc3339(each.started), **_stats(each.usage, now)}
            for each in usage.containers
        ],
        **_stats(usage.total, now),
    }


def _stats(usage: Usage, now: float) -> Obj:
    time, memory = rfc3339(now), usage.memory_bytes
    return {
        "cpu": {
            "time": time, "usageNanoCores": usage.cpu_nanocores, "usageCoreNanoSeconds": usage.cpu_core_nanoseconds,
        },
        "memory": {"time": time, "usageBytes": memory, "workingSetBytes": memory, "rssBytes": memory},
    }  # fmt: skip


# (name, help, type, value). Source: resource_metrics.go.
_Series = tuple[str, str, str, Callable[[Usage], float]]
_CPU, _MEMORY = "cpu_usage_seconds_total", "memory_working_set_bytes"


def _series(what: str, cpu: str, memory: str) -> tuple[_Series, _Series]:
    return (
        (f"{what}_{_CPU}", cpu, "counter", lambda usage: usage.cpu_core_nanoseconds / 1e9),
        (f"{what}_{_MEMORY}", memory, "gauge", lambda usage: usage.memory_bytes),
    )


def resource_metrics(usage: NodeUsage, now: float) -> str:
    """What GET /metrics/resource answers, in Prometheus' text form."""
    nodes: list[tuple[dict[str, str], Usage]] = [({}, usage.usage)]
    pods = [(_labels(pod), each.total) for pod, each in usage.pods]
    containers = [
        ({"container": container.name} | _labels(pod), container.usage)
        for pod, each in usage.pods
        for container in each.containers
    ]
    text = ""
    for what, found in (("container", containers), ("node", nodes), ("pod", pods)):
        cpu = f"Cumulative cpu time consumed by the {what} in core-seconds"
        for series in _series(what, cpu, f"Current working set of the {what} in bytes"):
            text += _exposed(series, found, int(now * 1000))
    return text


def _labels(pod: Obj) -> dict[str, str]:
    return {"namespace": pod["metadata"].get("namespace", ""), "pod": pod["metadata"]["name"]}


def _exposed(series: _Series, found: Sequence[tuple[dict[str, str], Usage]], now_ms: int) -> str:
    name, help_, type_, read = series
    lines = [f"# HELP {name} [STABLE] {help_}", f"# TYPE {name} {type_}"]
    lines += [f"{name}{_braced(labels.items())} {read(usage):g} {now_ms}" for labels, usage in found]
    return "\n".join(lines) + "\n"


def _braced(labels: Iterable[tuple[str, str]]) -> str:
    inner = ",".join(f'{name}="{value}"' for name, value in labels)
    return f"{{{inner}}}" if inner else ""
