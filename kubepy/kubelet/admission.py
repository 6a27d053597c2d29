"""What a kubelet refuses: pods bound to a node that has no room for them, or does not want them. Pure, and a ledger.

The scheduler knows better; these are for pods bound by hand, for its mistakes, and for resizes. What each node has
given away is kept as a sum, so that admitting a pod does not look at the others.

A critical pod is not refused for what it requests; others are ended for it (preemption.py).

Source: kubernetes 1.36 pkg/kubelet/lifecycle/predicate.go, pkg/kubelet/eviction/eviction_manager.go (Admit),
pkg/kubelet/sysctl/{allowlist,safe_sysctls}.go, pkg/kubelet/allocation/allocation_manager.go, pkg/kubelet/nodeshutdown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubepy.api import placement, pods, quantity
from kubepy.api.objects import Obj, uid_of
from kubepy.api.pods import HostPort
from kubepy.kubelet.nodes import is_shutting_down, pressures_of
from kubepy.kubelet.preemption import is_critical
from kubepy.kubelet.status import Verdict

# In upstream's order. Source: pkg/scheduler/framework/plugins/noderesources/fit.go, fitsRequest.
_RESOURCES = ("cpu", "memory", "ephemeral-storage")

# Those that do not reach beyond a pod, and the namespace that a pod must have for itself to set them.
_SAFE_SYSCTLS = {"kernel.shm_rmid_forced": "IPC"} | {
    f"net.ipv4.{name}": "Net"
    for name in (
        "ip_local_port_range", "tcp_syncookies", "ping_group_range", "ip_unprivileged_port_start",
        "ip_local_reserved_ports", "tcp_keepalive_time", "tcp_fin_timeout", "tcp_keepalive_intvl",
        "tcp_keepalive_probes", "tcp_rmem", "tcp_wmem", "tcp_slow_start_after_idle", "tcp_notsent_lowat",
    )
}  # fmt: skip

_OS_LABEL = "kubernetes.io/os"

Amounts = dict[str, int]


class Ledger:
    """What the pods on each node have, from their admission until they are over."""

    def __init__(self) -> None:
        self._nodes: dict[str, Amounts] = {}
        self._pods: dict[str, tuple[str, Amounts, Obj]] = {}  # uid -> (node, requests, the spec they are of)
        self._ports: dict[str, dict[str, tuple[HostPort, ...]]] = {}  # node -> uid -> host ports

    def note(self, pod: Obj) -> None:
        """A pod as it is now."""
        if pods.is_terminal(pod):
            self.forget(uid_of(pod))
        elif (pod.get("status") or {}).get("startTime"):
            self.admit(pod)

    def admit(self, pod: Obj) -> None:
        uid, spec = uid_of(pod), pod["spec"]
        known = self._pods.get(uid)
        if known is not None:
            if known[2] is spec or known[1] == pods.requests(pod) | {"pods": 1}:
                return
            self.forget(uid)
        amounts = pods.requests(pod) | {"pods": 1}
        self._pods[uid] = (spec["nodeName"], amounts, spec)
        total = self._nodes.setdefault(spec["nodeName"], {})
        for name, amount in amounts.items():
            total[name] = total.get(name, 0) + amount
        if ports := pods.host_ports(spec):
            self._ports.setdefault(spec["nodeName"], {})[uid] = ports

    def forget(self, uid: str) -> None:
        known = self._pods.pop(uid, None)
        if known is not None:
            total = self._nodes[known[0]]
            for name, amount in known[1].items():
                total[name] -= amount
            self._ports.get(known[0], {}).pop(uid, None)

    def ports(self, node: str) -> Iterable[tuple[HostPort, ...]]:
        """Of each pod there that has any."""
        return self._ports.get(node, {}).values()

    def used(self, node: str, *, but: str = "") -> Amounts:
        """What is given away there; without the pod of the uid `but`."""
        total = self._nodes.get(node, {})
        known = self._pods.get(but)
        if known is None:
            return total
        return {name: amount - known[1].get(name, 0) for name, amount in total.items()}


def refusal(pod: Obj, node: Obj, used: Amounts, ports: Iterable[tuple[HostPort, ...]] = ()) -> Verdict | None:
    """Why the node will not run the pod, None if it will; in upstream's order. `used`, `ports`: by the pods it has."""
    return next(_refusals(pod, node, used, ports), None)


def _refusals(pod: Obj, node: Obj, used: Amounts, ports: Iterable[tuple[HostPort, ...]]) -> Iterator[Verdict]:
    yield from _under_pressure(pod, node)
    yield from _sysctls(pod["spec"])
    yield from _other_system(pod)
    yield from _unfit(pod, node, used, ports)
    if is_shutting_down(node):
        yield Verdict("NodeShutdown", "Pod was rejected as the node is shutting down.")


def _under_pressure(pod: Obj, node: Obj) -> Iterator[Verdict]:
    pressures = pressures_of(node)
    if not pressures or is_critical(pod):
        return
    if pressures == ["MemoryPressure"]:
        taint = {"key": "node.kubernetes.io/memory-pressure", "effect": "NoSchedule"}
        if pods.qos_class(pod) != pods.BEST_EFFORT or placement.is_tolerated(
            taint, placement.tolerations_of(pod)
        ):
            return
    yield Verdict("Evicted", f"The node had condition: [{' '.join(pressures)}]. ")


def _sysctls(spec: Obj) -> Iterator[Verdict]:
    """Source: sysctl/allowlist.go, Admit; nothing is allowed beyond what is safe."""
    shared = {"IPC": spec.get("hostIPC"), "Net": spec.get("hostNetwork")}
    for sysctl in (spec.get("securityContext") or {}).get("sysctls") or ():
        name = _normalized(sysctl["name"])
        namespace = _SAFE_SYSCTLS.get(name)
        if namespace is None:
            yield Verdict("SysctlForbidden", f'forbidden sysctl: "{name}" not allowlisted')
        elif shared[namespace]:
            text = f'forbidden sysctl: "{name}" not allowed with host {namespace} enabled'
            yield Verdict("SysctlForbidden", text)


def _normalized(name: str) -> str:
    """With dots between its parts. Source: component-helpers/node/util/sysctl, NormalizeName."""
    first = next((letter for letter in name if letter in "./"), ".")
    return name if first == "." else name.translate(str.maketrans("./", "/."))


def _other_system(pod: Obj) -> Iterator[Verdict]:
    """The label of the pod is what is looked at, as upstream does."""
    if (pod["metadata"].get("labels") or {}).get(_OS_LABEL, "linux") != "linux":
        yield Verdict(
            "PodOSSelectorNodeLabelDoesNotMatch",
            "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label",
        )
    if (pod["spec"].get("os") or {}).get("name", "linux") != "linux":
        yield Verdict("PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS")


def _unfit(pod: Obj, node: Obj, used: Amounts, ports: Iterable[tuple[HostPort, ...]]) -> Iterator[Verdict]:
    """In upstream's order; the first one counts."""
    if not is_critical(pod):
        for name, wanted, capacity in _short_of(pod, node, used):
            yield _out_of(name, wanted, used, capacity)
    if not placement.required_affinity(pod).matches(node):
        yield _predicate("NodeAffinity", "node(s) didn't match Pod's node affinity/selector")
    wanted_ports = pods.host_ports(pod["spec"])
    if wanted_ports and any(pods.ports_conflict(wanted_ports, taken) for taken in ports):
        yield _predicate("NodePorts", "node(s) didn't have free ports for the requested pod ports")
    executing = [taint for taint in placement.taints_of(node) if taint.get("effect") == "NoExecute"]
    tolerations = placement.tolerations_of(pod)
    if any(not placement.is_tolerated(taint, tolerations) for taint in executing):
        yield _predicate("TaintToleration", "node(s) had taints that the pod didn't tolerate")


def missing(pod: Obj, node: Obj, used: Amounts) -> Amounts:
    """How much the node has too little of for the pod."""
    short = _short_of(pod, node, used)
    return {name: wanted + used.get(name, 0) - capacity for name, wanted, capacity in short}


def _short_of(pod: Obj, node: Obj, used: Amounts) -> Iterator[tuple[str, int, int]]:
    """(resource, what the pod wants, what the node has in all)"""
    capacity = (node.get("status") or {}).get("allocatable") or {}
    wanted = pods.requests(pod) | {"pods": 1}
    others = sorted(set(wanted) - {"pods", *_RESOURCES})
    for name in ("pods", *_RESOURCES, *(name for name in others if name in capacity)):
        amount, has = wanted.get(name, 0), _amount(name, capacity.get(name, "0"))
        if amount and used.get(name, 0) + amount > has:
            yield name, amount, has


def _amount(name: str, text: str) -> int:
    return quantity.milli(text) if name == "cpu" else quantity.value(text)


def _out_of(name: str, amount: int, used: Amounts, has: int) -> Verdict:
    return Verdict(
        f"OutOf{name}",
        f"Node didn't have enough resource: {name}, requested: {amount}, used: {used.get(name, 0)}, capacity: {has}",
    )


def _predicate(name: str, why: str) -> Verdict:
    return Verdict(name, f"Predicate {name} failed: {why}")


def resize_verdict(pod: Obj, node: Obj, used: Amounts) -> Verdict | None:
    """Why a resize has to wait, None if there is room. `used`: by the other pods."""
    for name, wanted, capacity in _short_of(pod, node, used):
        if name in ("cpu", "memory"):
            return _out_of(name, wanted, used, capacity)
    return None
