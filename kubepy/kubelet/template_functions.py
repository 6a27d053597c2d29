"""What templates of Stage documents can ask about the world.

Source: kwok pkg/kwok/controllers/{pod,node}_controller.go, pkg/utils/gotpl/funcs.go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kubepy.api.objects import Obj
from kubepy.lib.clock import Clock

NODE_PORT = 10250

_CONDITIONS = (
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("NetworkUnavailable", "False", "RouteCreated", "RouteController created a route"),
)
_KEYS = ("type", "status", "reason", "message")


def functions(
    node: Obj, *, clock: Clock, pod_ip: Callable[[], str] | None = None
) -> dict[str, Callable[..., Any]]:
    """For a template about `node`, or about a pod on it whose address is pod_ip()."""
    name = node["metadata"]["name"]
    ips = [
        a["address"] for a in (node.get("status") or {}).get("addresses") or () if a["type"] == "InternalIP"
    ]
    first = ips[0] if ips else ""

    def pod_ips(node_name: str, host_network: bool = False, *_: str) -> list[str]:
        return ips if host_network or pod_ip is None else [pod_ip()]

    return {
        "Now": clock.rfc3339,
        "StartTime": clock.rfc3339,
        "NodeConditions": lambda: [dict(zip(_KEYS, row)) for row in _CONDITIONS],
        "NodeIP": lambda: first,
        "NodeName": lambda: name,
        "NodePort": lambda: NODE_PORT,
        "NodeIPWith": lambda node_name: first,
        "NodeIPsWith": lambda node_name: ips,
        "PodIP": lambda: pod_ip() if pod_ip is not None else first,
        "PodIPWith": lambda *arguments: next(iter(pod_ips(*arguments)), ""),
        "PodIPsWith": pod_ips,
    }
