"""What the scheduler found, in words: verdicts as clauses of one sentence, events as what has to happen.

Pure. A clause counts nodes by what is decisive there; what a person can act upon is in it: how much is needed and what
the largest free amount is, the taint, the label.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from kubepy.api import placement
from kubepy.api.objects import Obj
from kubepy.scheduler.framework import Action, ClusterEvent, Code, Status
from kubepy.scheduler.node_info import NodeInfo, PodInfo

if TYPE_CHECKING:
    from kubepy.scheduler.why import Verdict

_ACTIONS: Mapping[Action, str] = {
    Action.ADD: "added",
    Action.DELETE: "deleted",
    Action.UPDATE_NODE_ALLOCATABLE: "allocatable changed",
    Action.UPDATE_NODE_LABEL: "labels changed",
    Action.UPDATE_NODE_TAINT: "taints changed",
    Action.UPDATE_NODE_CONDITION: "conditions changed",
    Action.UPDATE_NODE_ANNOTATION: "annotations changed",
    Action.UPDATE_POD_LABEL: "labels changed",
    Action.UPDATE_POD_SCALE_DOWN: "scaled down",
    Action.UPDATE_POD_TOLERATION: "tolerations added",
    Action.UPDATE_POD_GATES_ELIMINATED: "scheduling gates removed",
    Action.UPDATE_POD_GENERATED_RESOURCE_CLAIM: "resource claims made",
    Action.UPDATE_NODE_DECLARED_FEATURE: "declared features changed",
    Action.UPDATE_OTHER: "updated",
}


def happenings(event: ClusterEvent) -> list[str]:
    """("Node", ADD | UPDATE_NODE_LABEL) -> ["Node added", "Node labels changed"]."""
    if event.resource == "*":
        return ["anything changed"]
    if event.action & Action.UPDATE == Action.UPDATE:
        whole = [action for action in (Action.ADD, Action.DELETE) if event.action & action]
        return [*(f"{event.resource} {_ACTIONS[action]}" for action in whole), f"{event.resource} updated"]
    return [f"{event.resource} {words}" for action, words in _ACTIONS.items() if event.action & action]


def clauses(pod: PodInfo, verdicts: Sequence[Verdict]) -> list[str]:
    """["3 lack cpu (need 2, largest free 1.2 on node-3)", "2 have taint a=b:NoSchedule that web-0 does not tolerate"],
    most nodes first."""
    counts: dict[str, int] = {}
    lacking: dict[str, list[NodeInfo]] = {}
    for verdict in verdicts:
        if verdict.is_fit:
            continue
        if verdict.kept_for:
            clause = "are kept for pods that wait there for evicted ones to leave"
            counts[clause] = counts.get(clause, 0) + 1
            continue
        status = verdict.rejections[0]
        if status.plugin == "NodeResourcesFit":
            for name in _lacking(status):
                lacking.setdefault(name, []).append(verdict.node)
            continue
        say = _SAY.get(status.plugin)
        for clause in [say(pod, verdict.node)] if say is not None else status.reasons:
            counts[clause] = counts.get(clause, 0) + 1
    found = [(count, f"{count} {_verb(clause, count)}") for clause, count in counts.items()]
    found += [(len(nodes), _lack(pod, name, nodes)) for name, nodes in lacking.items()]
    return [text for _, text in sorted(found, key=lambda one: (-one[0], one[1]))]


def detail(pod: PodInfo, node: NodeInfo, status: Status) -> str:
    """What is in the way on one node: "has taint a=b:NoSchedule", "lacks cpu (need 2, free 1.2 of 4)"."""
    if status.plugin == "NodeResourcesFit":
        return ", ".join(_lack_here(pod, node, name) for name in _lacking(status))
    say = _SAY.get(status.plugin)
    return _verb(say(pod, node), 1) if say is not None else status.message


def _lacking(status: Status) -> list[str]:
    """The resources that NodeResourcesFit names in its reasons."""
    return [
        "pods" if reason == "Too many pods" else reason.removeprefix("Insufficient ")
        for reason in status.reasons
    ]


def _lack_here(pod: PodInfo, node: NodeInfo, resource: str) -> str:
    if resource == "pods":
        return f"has its {node.allocatable.pods} pods"
    need, have = amount(resource, pod.requests.of(resource)), amount(resource, node.allocatable.of(resource))
    return f"lacks {resource} (need {need}, free {amount(resource, free(node, resource))} of {have})"


def _verb(clause: str, count: int) -> str:
    """ "have taint ..." of one node: "has taint ..."."""
    verb, _, rest = clause.partition(" ")
    return f"{_SINGULAR[verb]} {rest}" if count == 1 and verb in _SINGULAR else clause


_SINGULAR = {"have": "has", "are": "is", "do": "does"}


def _lack(pod: PodInfo, resource: str, nodes: Sequence[NodeInfo]) -> str:
    verb = "lacks" if len(nodes) == 1 else "lack"
    if resource == "pods":
        most = max(node.allocatable.pods for node in nodes)
        return (
            f"{len(nodes)} {'has' if len(nodes) == 1 else 'have'} no room for one more pod ({most} at most)"
        )
    best = max(nodes, key=lambda node: free(node, resource))
    need, largest = amount(resource, pod.requests.of(resource)), amount(resource, free(best, resource))
    where = f"free {largest} on {best.name}" if len(nodes) == 1 else f"largest free {largest} on {best.name}"
    return f"{len(nodes)} {verb} {resource} (need {need}, {where})"


def free(node: NodeInfo, resource: str) -> int:
    return max(0, node.allocatable.of(resource) - node.requested.of(resource))


def amount(resource: str, value: int) -> str:
    """cpu in cores, bytes in binary units, the others as they are: 1500 -> "1.5", 2147483648 -> "2Gi"."""
    if resource == "cpu":
        return f"{value / 1000:g}"
    if resource in ("memory", "ephemeral-storage") or resource.startswith("hugepages-"):
        for unit, size in (("Ti", 2**40), ("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
            if value >= size:
                return f"{value / size:.1f}".removesuffix(".0") + unit
    return str(value)


def _tainted(pod: PodInfo, node: NodeInfo) -> str:
    taint = placement.untolerated_taint(node.taints, placement.tolerations_of(pod.obj)) or {}
    return f"have taint {taint_text(taint)} that {pod.key.name} does not tolerate"


def taint_text(taint: Obj) -> str:
    value = f"={taint['value']}" if taint.get("value") else ""
    return f"{taint.get('key', '')}{value}:{taint.get('effect', '')}"


def _mismatch(pod: PodInfo, node: NodeInfo) -> str:
    selector = pod.spec.get("nodeSelector") or {}
    unmatched = [f"{key}={value}" for key, value in sorted(selector.items()) if node.labels.get(key) != value]
    if unmatched:
        return f"do not match the node selector {', '.join(unmatched)}"
    return f"do not match the node affinity of {pod.key.name}"


def _occupied(pod: PodInfo, node: NodeInfo) -> str:
    taken = [f"{port}/{protocol}" for protocol, port, _ in pod.host_ports if (protocol, port) in node.ports]
    return f"have the host port {', '.join(taken)} taken"


_SAY: Mapping[str, Callable[[PodInfo, NodeInfo], str]] = {
    "NodeUnschedulable": lambda pod, node: "are cordoned",
    "NodeName": lambda pod, node: f"are not {pod.spec.get('nodeName')}",
    "TaintToleration": _tainted,
    "NodeAffinity": _mismatch,
    "NodePorts": _occupied,
}


@lru_cache(maxsize=64)
def narrowed(plugins: tuple[str, ...]) -> Status:
    """For nodes that PreFilter ruled out without a look at them. Source: framework/types.go."""
    names = " ".join(sorted(plugins))
    return Status(
        Code.UNSCHEDULABLE_AND_UNRESOLVABLE, f"node(s) didn't satisfy plugin(s) [{names}]", plugin=plugins[0]
    )


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def natural(name: str) -> tuple[tuple[int, int | str], ...]:
    """node-2 before node-10."""
    parts = re.split(r"(\d+)", name)
    return tuple((1, int(part)) if part.isdigit() else (0, part) for part in parts if part)


def seconds(value: float) -> str:
    """90.4 -> "1m30s"."""
    whole = round(value)
    if whole < 60:
        return f"{value:.1f}s".replace(".0s", "s") if value < 10 else f"{whole}s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}h" if hours else ""
    return text + (f"{minutes}m" if minutes else "") + (f"{rest}s" if rest and not hours else "")
