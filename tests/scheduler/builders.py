"""Pods and nodes in one line each."""

from __future__ import annotations

from typing import Any

import orjson

from kubepy.api.objects import Document, DocumentPool, Key, Obj
from kubepy.client.client import Client
from kubepy.client.events import EventSink
from kubepy.client.given import Given
from kubepy.client.informer import InformerFactory
from kubepy.client.transport import WatchEvent
from kubepy.lib.aio import Tasks
from kubepy.lib.clock import Clock, VirtualClock
from kubepy.lib.random import Random
from kubepy.observability import logs
from kubepy.observability.metrics import Metrics
from kubepy.scheduler.cache import Cache
from kubepy.scheduler.framework import Plugin
from kubepy.scheduler.node_info import NodeInfo, PodInfo
from kubepy.scheduler.plugins import REGISTRY, is_served_by_default, not_served
from kubepy.scheduler.profiles import DEFAULT_PLUGINS, Profile
from kubepy.scheduler.queue import Queue
from kubepy.scheduler.runtime import Framework
from kubepy.scheduler.search import Search
from kubepy.scheduler.toolbox import Toolbox

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


def toolbox(
    *args: object, client: Client | None = None, clock: Clock | None = None, cache: Cache | None = None
) -> Toolbox:
    """What plugins are given; nothing runs, and `tools.informers` are filled by `put`."""
    clock = clock or VirtualClock()
    log, random, metrics = logs.silent(), Random(1), Metrics()
    tasks = Tasks(lambda name, error: None)
    given = Given(clock, random, log, metrics, POOL)
    informers, events = InformerFactory(client, given, tasks), EventSink(client, given)  # type: ignore[arg-type]
    return Toolbox(
        client, informers, cache or Cache(), clock, random, tasks, log, metrics, events.recorder("default-scheduler"),
        is_served_by_default, None, None, args,
    )  # type: ignore[arg-type]  # fmt: skip


def put(tools: Toolbox, resource: Any, *objs: Obj, revision: int = 1) -> None:
    """As if the informer of `resource` had heard of these."""
    informer = tools.informers.informer(resource)
    informer.apply([WatchEvent("ADDED", document(obj, revision)) for obj in objs])


def framework(
    *extra: tuple[Plugin, int],
    clock: Clock | None = None,
    without: tuple[str, ...] = (),
    percentage: int = 0,
    cache: Cache | None = None,
    tools: Toolbox | None = None,
    only: tuple[str, ...] = (),
) -> Framework:
    """The default profile with plugins added and left out; it cannot bind."""
    tools = tools or toolbox(clock=clock, cache=cache)
    plugins = [
        (REGISTRY[name](tools), weight)
        for name, weight in DEFAULT_PLUGINS
        if name not in (*without, *not_served(tools.is_served))
        and (not only or name in (*only, "PrioritySort", "DefaultBinder"))
    ]
    profile = Profile(percentage_of_nodes_to_score=percentage)
    tools.framework = Framework(profile, [*plugins, *extra], tools.clock)
    tools.queue = Queue(
        {profile.scheduler_name: tools.framework}, tools.clock, on_nomination=tools.cache.touch
    )
    return tools.framework


def search(tools: Toolbox, nodes: list[Obj], pods: list[Obj] = [], **fields: Any) -> Search:  # noqa: B006 - only read
    """The default profile over a cache with these nodes, and pods that name theirs."""
    using = framework(tools=tools, **fields)
    for one in nodes:
        tools.cache.put_node(document(one))
    for one in pods:
        tools.cache.add_pod(PodInfo(document(one)), one["spec"]["nodeName"])
    return Search(using, tools.cache, tools.random)
