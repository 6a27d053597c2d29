"""Pods and nodes in one line each."""

from __future__ import annotations

from typing import Any

import orjson

from kubepy.api.objects import Document, DocumentPool, Key, Obj
from kubepy.lib.clock import Clock, VirtualClock
from kubepy.scheduler.cache import NodeInfo, PodInfo
from kubepy.scheduler.framework import Plugin
from kubepy.scheduler.plugins import REGISTRY, Toolbox
from kubepy.scheduler.profiles import DEFAULT_PLUGINS, Profile
from kubepy.scheduler.runtime import Framework

POOL = DocumentPool()


def document(obj: Obj, revision: int = 1) -> Document:
    metadata = obj["metadata"]
    key = Key(metadata.get("namespace", ""), metadata["name"])
    return Document(key, orjson.dumps(obj), revision, POOL)


def pod(name: str = "web", *, uid: str = "", labels: dict[str, str] | None = None, **spec: Any) -> Obj:
    """`cpu`, `memory` and further requests become one container; `containers` replaces it; the rest is spec."""
    requests = {key: spec.pop(key) for key in ("cpu", "memory") if key in spec} | spec.pop("requests", {})
    containers = spec.pop("containers", None) or [container(requests)]
    status = spec.pop("status", {"phase": "Pending"})
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": uid or f"uid-{name}",
            "labels": labels or {},
        },
        "spec": {"schedulerName": "default-scheduler", "containers": containers, **spec},
        "status": status,
    }


def container(requests: dict[str, str], **fields: Any) -> Obj:
    return {"name": "c", "image": "nginx", "resources": {"requests": requests} if requests else {}, **fields}


def pod_info(name: str = "web", **fields: Any) -> PodInfo:
    return PodInfo(document(pod(name, **fields)))


def node(
    name: str = "node-1",
    *,
    cpu: str = "4",
    memory: str = "16Gi",
    pods: str = "110",
    labels: dict[str, str] | None = None,
    taints: list[Obj] | None = None,
    unschedulable: bool = False,
    **allocatable: str,
) -> Obj:
    spec: Obj = {"taints": taints} if taints else {}
    if unschedulable:
        spec["unschedulable"] = True
    amounts = {"cpu": cpu, "memory": memory, "pods": pods, **allocatable}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "uid": f"uid-{name}", "labels": labels or {}},
        "spec": spec,
        "status": {"capacity": amounts, "allocatable": amounts},
    }


def node_info(name: str = "node-1", *, running: list[PodInfo] | None = None, **fields: Any) -> NodeInfo:
    info = NodeInfo.of(node(name, **fields))
    for one in running or []:
        info.add_pod(one)
    return info


def taint(key: str, value: str = "", effect: str = "NoSchedule") -> Obj:
    return {"key": key, "value": value, "effect": effect}


def tolerates(key: str, value: str = "", effect: str = "", operator: str = "Equal") -> Obj:
    return {"key": key, "operator": operator, "value": value, "effect": effect}


def framework(
    *extra: tuple[Plugin, int], clock: Clock | None = None, without: tuple[str, ...] = (), percentage: int = 0
) -> Framework:
    """The default profile with plugins added and left out; it cannot bind."""
    tools = Toolbox(None)  # type: ignore[arg-type]
    plugins = [(REGISTRY[name](tools), weight) for name, weight in DEFAULT_PLUGINS if name not in without]
    profile = Profile(percentage_of_nodes_to_score=percentage)
    return Framework(profile, [*plugins, *extra], clock or VirtualClock())
