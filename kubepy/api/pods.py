"""Arithmetic over pods that several rooms share: what they ask for, whether they are ready, which one dies first.

Pure functions over pod dicts; none of them changes its argument. Amounts are integers in the units the scheduler counts
in: thousandths of a CPU, whole units (bytes, pieces) of everything else.

Source: component-helpers resource/helpers.go, kubernetes pkg/api/v1/pod/util.go, pkg/controller/controller_utils.go,
pkg/apis/core/v1/helper/qos/qos.go.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator, Sequence

import orjson

from kubepy.api import objects, quantity
from kubepy.api.objects import Obj
from kubepy.lib.clock import parse_rfc3339
from kubepy.lib.random import ALPHANUMS

GUARANTEED, BURSTABLE, BEST_EFFORT = "Guaranteed", "Burstable", "BestEffort"
PENDING, RUNNING, SUCCEEDED, FAILED, UNKNOWN = "Pending", "Running", "Succeeded", "Failed", "Unknown"

# Keeps a PodGroup while pods belong to it. Source: pkg/apis/scheduling/types.go.
POD_GROUP_PROTECTION = "scheduling.k8s.io/podgroup-protection"
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"

Amounts = dict[str, int]

# (protocol, port, address): ("TCP", 8080, "0.0.0.0")
HostPort = tuple[str, int, str]
ANY_ADDRESS = "0.0.0.0"

# -- containers ------------------------------------------------------------------------------------------------


def containers(pod: Obj) -> list[Obj]:
    return pod["spec"].get("containers") or []


def init_containers(pod: Obj) -> list[Obj]:
    return pod["spec"].get("initContainers") or []


def all_containers(pod_spec: Obj) -> Iterator[Obj]:
    """Init, regular and ephemeral containers of a pod spec, in that order."""
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        yield from pod_spec.get(kind) or ()


def container(pod: Obj, name: str) -> Obj | None:
    return next((c for c in all_containers(pod["spec"]) if c["name"] == name), None)


def is_sidecar(init_container: Obj) -> bool:
    """Whether an init container keeps running beside the others."""
    return init_container.get("restartPolicy") == "Always"


def host_ports(spec: Obj) -> tuple[HostPort, ...]:
    """Source: pkg/scheduler/util/utils.go, GetHostPorts; kube-scheduler framework/types.go, sanitize."""
    sidecars = [container for container in spec.get("initContainers") or () if is_sidecar(container)]
    return tuple(
        (port.get("protocol") or "TCP", port["hostPort"], port.get("hostIP") or ANY_ADDRESS)
        for container in [*sidecars, *(spec.get("containers") or ())]
        for port in container.get("ports") or ()
        if port.get("hostPort")
    )


def ports_conflict(one: Sequence[HostPort], other: Sequence[HostPort]) -> bool:
    """Whether two pods with these cannot be on one node."""
    return any(a[:2] == b[:2] and (a[2] == b[2] or ANY_ADDRESS in (a[2], b[2])) for a in one for b in other)


# -- what it asks for ------------------------------------------------------------------------------------------

# What scoring assumes of a container that asks for nothing, so that such pods spread too.
# Source: pkg/scheduler/util/pod_resources.go.
DEFAULT_MILLI_CPU_REQUEST = 100
DEFAULT_MEMORY_REQUEST = 200 * 1024 * 1024
_MISSING = {"cpu": f"{DEFAULT_MILLI_CPU_REQUEST}m", "memory": str(DEFAULT_MEMORY_REQUEST)}


def requests(pod: Obj) -> Amounts:
    """What a node must have free: cpu in thousandths, the rest in whole units, rounded up once at the end.

    The larger of all containers with the sidecars, and of each init container with the sidecars started before it;
    pod-level requests replace it for what they name; plus the overhead.
    """
    return _rounded(_aggregate(pod["spec"], "requests", {}))


def limits(pod: Obj) -> Amounts:
    """The same sum over limits; overhead is added only where there is a limit."""
    return _rounded(_aggregate(pod["spec"], "limits", {}))


def totals(spec: Obj, side: str) -> Amounts:
    """The same sum of "requests" or "limits" of a pod spec in nanos, not rounded: quotas are exact."""
    return _aggregate(spec, side, {})


def nonzero_requests(pod: Obj) -> tuple[int, int]:
    """(milli CPU, memory bytes) as the resource scoring counts them: containers that ask for nothing count a little."""
    amounts = _rounded(_aggregate(pod["spec"], "requests", _MISSING))
    return amounts.get("cpu", 0), amounts.get("memory", 0)


def _aggregate(spec: Obj, side: str, missing: dict[str, str]) -> Amounts:
    """In nanos, so that sums are exact."""
    total: Amounts = {}
    for c in spec.get("containers") or ():
        _add(total, _amounts(c, side, missing))
    init_list = spec.get("initContainers")
    if init_list:
        sidecars: Amounts = {}
        peak: Amounts = {}
        for c in init_list:
            amounts = dict(_amounts(c, side, missing))
            if is_sidecar(c):
                _add(total, amounts)
                _add(sidecars, amounts)
                _raise_to(peak, sidecars)
            else:
                _add(amounts, sidecars)
                _raise_to(peak, amounts)
        _raise_to(total, peak)
    pod_level = (spec.get("resources") or {}).get(side)
    if pod_level:
        for name, text in pod_level.items():
            if is_pod_level_resource(name):
                total[name] = quantity.nano(text)
    overhead = spec.get("overhead")
    if overhead:
        for name, text in overhead.items():
            if side == "requests" or name in total:
                total[name] = total.get(name, 0) + quantity.nano(text)
    return total


def is_pod_level_resource(name: str) -> bool:
    return name in ("cpu", "memory") or name.startswith("hugepages-")


def _amounts(container: Obj, side: str, missing: dict[str, str]) -> Amounts:
    texts = (container.get("resources") or {}).get(side) or {}
    if missing:
        texts = missing | texts
    return {name: quantity.nano(text) for name, text in texts.items()}


def _add(total: Amounts, more: Amounts) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, 0) + amount


def _raise_to(total: Amounts, peak: Amounts) -> None:
    for name, amount in peak.items():
        if amount > total.get(name, -1):
            total[name] = amount


def _rounded(nanos: Amounts) -> Amounts:
    return {name: -(-amount // (10**6 if name == "cpu" else 10**9)) for name, amount in nanos.items()}


_QOS_RESOURCES = ("cpu", "memory")


def shown_qos_class(pod: Obj) -> str:
    """As the status says, computed where it says nothing."""
    return (pod.get("status") or {}).get("qosClass") or qos_class(pod)


def qos_class(pod: Obj) -> str:
    """Guaranteed, Burstable or BestEffort, computed from the spec. Source: qos.ComputePodQOS."""
    spec = pod["spec"]
    if spec.get("resources") is not None:
        resources = [spec["resources"]]
        # A pod-level section without limits is not held against a Guaranteed pod by itself; unequal sums are.
        limited = [r for r in resources if r.get("limits")]
    else:
        resources = [c.get("resources") or {} for c in (*containers(pod), *init_containers(pod))]
        limited = resources
    requested, limited_to = _qos_sum(resources, "requests"), _qos_sum(resources, "limits")
    if not requested and not limited_to:
        return BEST_EFFORT
    is_limited = all(
        quantity.nano((r.get("limits") or {}).get(name, "0")) > 0 for r in limited for name in _QOS_RESOURCES
    )
    return GUARANTEED if is_limited and requested == limited_to else BURSTABLE


def _qos_sum(resources: Iterable[Obj], side: str) -> Amounts:
    total: Amounts = {}
    for section in resources:
        for name, text in (section.get(side) or {}).items():
            if name in _QOS_RESOURCES and (amount := quantity.nano(text)) > 0:
                total[name] = total.get(name, 0) + amount
    return total


def priority(pod: Obj) -> int:
    return pod["spec"].get("priority") or 0


# -- where it stands -------------------------------------------------------------------------------------------


def phase(pod: Obj) -> str:
    return (pod.get("status") or {}).get("phase") or ""


def is_terminal(pod: Obj) -> bool:
    """All containers have stopped and never start again."""
    return phase(pod) in (SUCCEEDED, FAILED)


def is_active(pod: Obj) -> bool:
    """Neither over nor on its way out."""
    return not is_terminal(pod) and not objects.is_deleting(pod)


def active(pods: Iterable[Obj]) -> list[Obj]:
    return [pod for pod in pods if is_active(pod)]


def is_terminating(pod: Obj) -> bool:
    return not is_terminal(pod) and objects.is_deleting(pod)


def is_ready(pod: Obj) -> bool:
    return objects.is_condition_true(pod, "Ready")


def ready_time(pod: Obj) -> float | None:
    """Since when it is ready, in seconds since the epoch; None when it is not, or nobody wrote when."""
    ready = objects.condition(pod, "Ready")
    if ready is None or ready.get("status") != "True":
        return None
    since = ready.get("lastTransitionTime")
    return parse_rfc3339(since) if since else None


def is_available(pod: Obj, min_ready_seconds: int, now: float) -> bool:
    """Ready for at least `min_ready_seconds` at `now`."""
    if not is_ready(pod):
        return False
    if min_ready_seconds == 0:
        return True
    since = ready_time(pod)
    return since is not None and since + min_ready_seconds <= now


def available_in(pod: Obj, min_ready_seconds: int, now: float) -> float | None:
    """Seconds until a ready pod becomes available, 0 when it is, None when it is not ready."""
    since = ready_time(pod)
    if not is_ready(pod) or (since is None and min_ready_seconds):
        return None
    return max(0.0, (since or 0.0) + min_ready_seconds - now)


def restarts(pod: Obj) -> int:
    """The largest restart count among its containers, sidecars apart."""
    return _restarts(pod)[0]


# -- which one dies first --------------------------------------------------------------------------------------

_PHASE_ORDER = {PENDING: 0, UNKNOWN: 1, RUNNING: 2}


def rank_for_deletion(pods: Sequence[Obj], ranks: Sequence[int], now: float) -> list[Obj]:
    """`pods` in the order a ReplicaSet deletes them: the least useful first.

    `ranks[i]` counts the ready pods of the same owner on the node of pods[i]: crowded nodes give first.
    Ages are compared by their order of magnitude (base 2), ties by uid, so that not always the youngest dies.
    Source: controller.ActivePodsWithRanks.Less.
    """
    weighed = [_Weighed(pod, rank) for pod, rank in zip(pods, ranks)]
    weighed.sort(key=functools.cmp_to_key(lambda a, b: _compare(a, b, now)))
    return [w.pod for w in weighed]


class _Weighed:
    """What the comparison needs of one pod, computed once."""

    __slots__ = ("created", "fixed", "pod", "ready_since", "restarts", "uid")

    def __init__(self, pod: Obj, rank: int) -> None:
        self.pod = pod
        metadata = pod["metadata"]
        ready = is_ready(pod)
        # Unassigned, early phase, not ready, cheap to delete and crowded pods come first.
        self.fixed = (
            bool(pod["spec"].get("nodeName")),
            _PHASE_ORDER.get(phase(pod), 0),
            ready,
            deletion_cost(pod),
            -rank,
        )
        self.ready_since = ready_time(pod) if ready else None
        self.restarts = tuple(-count for count in _restarts(pod))
        created = metadata.get("creationTimestamp")
        self.created = parse_rfc3339(created) if created else None
        self.uid = metadata.get("uid", "")


def _compare(a: _Weighed, b: _Weighed, now: float) -> int:
    if a.fixed != b.fixed:
        return -1 if a.fixed < b.fixed else 1
    if a.fixed[2] and a.ready_since != b.ready_since:
        return _compare_ages(a, b, a.ready_since, b.ready_since, now)
    if a.restarts != b.restarts:
        return -1 if a.restarts < b.restarts else 1
    if a.created != b.created:
        return _compare_ages(a, b, a.created, b.created, now)
    return 0


def _compare_ages(a: _Weighed, b: _Weighed, since_a: float | None, since_b: float | None, now: float) -> int:
    """Unknown first, then the younger; the same magnitude by uid."""
    if since_a is None or since_b is None:
        return -1 if since_a is None else 1
    difference = _magnitude(now - since_a) - _magnitude(now - since_b)
    if difference:
        return difference
    return -1 if a.uid < b.uid else 1


def _magnitude(seconds: float) -> int:
    """floor(log2) of a duration in nanoseconds, -1 for none. Source: logarithmicRankDiff."""
    nanoseconds = int(seconds * 1e9)
    return nanoseconds.bit_length() - 1 if nanoseconds > 0 else -1


def deletion_cost(pod: Obj) -> int:
    """The pod-deletion-cost annotation; 0 when it is missing or malformed."""
    text = objects.annotations_of(pod).get(DELETION_COST)
    if not text:
        return 0
    try:
        # "+1" and "01" are no costs, as upstream has it.
        return int(text) if text == str(int(text)) else 0
    except ValueError:
        return 0


def _restarts(pod: Obj) -> tuple[int, int]:
    """The largest restart counts of regular containers and of sidecars."""
    status = pod.get("status") or {}
    regular = max((c.get("restartCount", 0) for c in status.get("containerStatuses") or ()), default=0)
    sidecar_names = {c["name"] for c in init_containers(pod) if is_sidecar(c)}
    sidecar = max(
        (
            c.get("restartCount", 0)
            for c in status.get("initContainerStatuses") or ()
            if c.get("name") in sidecar_names
        ),
        default=0,
    )
    return regular, sidecar


# -- template hash ---------------------------------------------------------------------------------------------


def template_hash(template: Obj, collision_count: int | None = None) -> str:
    """The pod-template-hash of a template, e.g. "5d4f8c7bb9": equal for equal templates, whatever the key order.

    Differs: upstream hashes Go's in-memory form, which no other implementation can reproduce; here it is the
    canonical JSON. Form and alphabet are the same. Labels that carry the hash itself must be removed before.
    """
    data = orjson.dumps(template, option=orjson.OPT_SORT_KEYS)
    if collision_count is not None:
        data += collision_count.to_bytes(8, "little")
    digest = hashlib.blake2b(data, digest_size=4).digest()
    return safe_encode(str(int.from_bytes(digest, "big")))


def safe_encode(text: str) -> str:
    """Each character replaced by one that makes no words. Source: apimachinery pkg/util/rand.SafeEncodeString."""
    return "".join(ALPHANUMS[ord(character) % len(ALPHANUMS)] for character in text)


def is_owned_by(pod: Obj, uid: str) -> bool:
    owner = objects.controller_of(pod)
    return owner is not None and owner.get("uid") == uid
