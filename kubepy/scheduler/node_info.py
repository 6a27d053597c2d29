"""A node with all that its pods take, and a pod with what decisions read of it, worked out once.

Amounts are integers: cpu in thousandths, memory in bytes. Both are live: the cache (cache.py) adds pods to nodes and
takes them away, and nobody else does but on copies made for it (`NodeInfo.with_pods`).

Source: pkg/scheduler/framework/types.go NodeInfo, PodInfo, Resource.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from kubepy.api import pods, quantity
from kubepy.api.objects import Document, Key, Obj, is_deleting, labels_of
from kubepy.scheduler.profiles import DEFAULT_SCHEDULER
from kubepy.scheduler.terms import NO_TERMS, PodTerms, pod_terms
from kubepy.scheduler.topology import kin_of

T = TypeVar("T")


class Resources:
    """Amounts as integers: cpu in thousandths, the others in whole units, rounded up."""

    __slots__ = ("ephemeral_storage", "memory", "milli_cpu", "pods", "scalars")

    def __init__(
        self,
        milli_cpu: int = 0,
        memory: int = 0,
        ephemeral_storage: int = 0,
        pods: int = 0,
        scalars: Mapping[str, int] | None = None,
    ) -> None:
        self.milli_cpu, self.memory, self.ephemeral_storage, self.pods = (
            milli_cpu,
            memory,
            ephemeral_storage,
            pods,
        )
        self.scalars: dict[str, int] = dict(scalars or {})  # {"nvidia.com/gpu": 2, "hugepages-2Mi": 4194304}

    @classmethod
    def of_amounts(cls, amounts: Mapping[str, int]) -> Resources:
        """Of what api.pods counts."""
        result = cls()
        for name, amount in amounts.items():
            if name == "cpu":
                result.milli_cpu = amount
            elif name == "memory":
                result.memory = amount
            elif name == "ephemeral-storage":
                result.ephemeral_storage = amount
            elif name == "pods":
                result.pods = amount
            else:
                result.scalars[name] = amount
        return result

    @classmethod
    def parse(cls, texts: Mapping[str, str]) -> Resources:
        """Of a ResourceList: {"cpu": "500m", "memory": "1Gi"}."""
        return cls.of_amounts(
            {
                name: quantity.milli(text) if name == "cpu" else quantity.value(text)
                for name, text in texts.items()
            }
        )

    def add(self, other: Resources, sign: int = 1) -> None:
        self.milli_cpu += sign * other.milli_cpu
        self.memory += sign * other.memory
        self.ephemeral_storage += sign * other.ephemeral_storage
        for name, amount in other.scalars.items():
            self.scalars[name] = self.scalars.get(name, 0) + sign * amount

    def of(self, name: str) -> int:
        """The amount by its Kubernetes name; 0 if there is none."""
        if name == "cpu":
            return self.milli_cpu
        if name == "memory":
            return self.memory
        if name == "ephemeral-storage":
            return self.ephemeral_storage
        return self.scalars.get(name, 0)

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal exactly when the amounts are."""
        return (self.milli_cpu, self.memory, self.ephemeral_storage, tuple(sorted(self.scalars.items())))

    def __repr__(self) -> str:
        return f"Resources({self.milli_cpu}m, {self.memory}, {self.ephemeral_storage}, {self.pods}, {self.scalars})"


class PodInfo:
    """A pod with what every decision needs of it worked out once.

    `document` is its newest version known; the rest holds for it as long as spec and labels stay as they are.
    """

    __slots__ = (
        "document",
        "host_ports",
        "is_terminating",
        "key",
        "kin",
        "labels",
        "nonzero_memory",
        "nonzero_milli_cpu",
        "notes",
        "priority",
        "requests",
        "scheduler_name",
        "signature",
        "terms",
        "uid",
    )

    def __init__(self, document: Document) -> None:
        obj = document.obj
        spec = obj["spec"]
        self.document = document
        self.key: Key = document.key
        self.uid: str = obj["metadata"].get("uid", "")
        self.priority: int = spec.get("priority") or 0
        self.scheduler_name: str = spec.get("schedulerName") or DEFAULT_SCHEDULER
        self.requests = Resources.of_amounts(pods.requests(obj))
        self.nonzero_milli_cpu, self.nonzero_memory = pods.nonzero_requests(obj)
        self.labels = labels_of(obj)
        self.is_terminating = is_deleting(obj)
        self.kin = kin_of(
            self.key, self.labels, self.is_terminating
        )  # equal for pods that selectors see alike
        terms = pod_terms(obj)
        self.terms: PodTerms | None = None if terms is NO_TERMS else terms
        self.host_ports = pods.host_ports(spec)
        self.signature: Any = None  # kept by runtime.Framework.sign
        self.notes: dict[str, Any] | None = None  # what plugins work out about spec and labels, see `note`

    @property
    def obj(self) -> Obj:
        return self.document.obj

    @property
    def spec(self) -> Obj:
        spec: Obj = self.document.obj["spec"]
        return spec

    def note(self, name: str, work_out: Callable[[PodInfo], T]) -> T:
        """What `work_out` says about the pod's spec, labels and owners, asked once."""
        notes = self.notes
        if notes is None:
            notes = self.notes = {}
        if name not in notes:
            notes[name] = work_out(self)
        known: T = notes[name]
        return known

    def __repr__(self) -> str:
        return f"PodInfo({self.key}@{self.document.revision})"


class Image:
    """One image name, on the nodes that have it."""

    __slots__ = ("nodes", "size")

    def __init__(self, size: int) -> None:
        self.size = size  # bytes
        self.nodes: set[str] = set()


class NodeInfo:
    """A node and the sums over its pods. Plugins read it; only the cache writes.

    `is_present` is False while pods are known whose node is not (yet, or any more); such a node is not tried.
    """

    __slots__ = (
        "allocatable",
        "document",
        "identity",
        "images",
        "is_present",
        "labels",
        "name",
        "nonzero_memory",
        "nonzero_milli_cpu",
        "pods",
        "pods_with_terms",
        "ports",
        "requested",
        "slot",
        "taints",
        "unschedulable",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.slot = -1
        self.is_present = False
        self.document: Document | None = None
        self.labels: dict[str, str] = {}
        self.identity: Obj = {
            "metadata": {"name": name}
        }  # a node of name and labels only: what api.placement reads
        self.taints: list[Obj] = []
        self.unschedulable = False
        self.allocatable = Resources()
        self.requested = Resources()
        self.nonzero_milli_cpu = 0
        self.nonzero_memory = 0
        self.pods: dict[Key, PodInfo] = {}
        self.pods_with_terms: dict[
            Key, PodInfo
        ] = {}  # those that have affinity or anti-affinity to other pods
        self.ports: dict[
            tuple[str, int], dict[str, int]
        ] = {}  # ("TCP", 8080) -> address -> how often it is taken
        self.images: dict[str, Image] = {}

    @classmethod
    def of(cls, node: Obj) -> NodeInfo:
        """The node alone, without pods: for queueing hints, which ask what a node could offer at best."""
        info = cls(node["metadata"]["name"])
        info.set_node(node)
        return info

    def set_node(self, node: Obj) -> None:
        spec = node.get("spec") or {}
        self.is_present = True
        self.labels = labels_of(node)
        self.identity = {"metadata": {"name": self.name, "labels": self.labels}}
        self.taints = spec.get("taints") or []
        self.unschedulable = bool(spec.get("unschedulable"))
        self.allocatable = Resources.parse((node.get("status") or {}).get("allocatable") or {})

    def add_pod(self, pod: PodInfo) -> None:
        self.pods[pod.key] = pod
        self._count(pod, 1)

    def remove_pod(self, pod: PodInfo) -> None:
        del self.pods[pod.key]
        self._count(pod, -1)

    def with_pods(self, added: Iterable[PodInfo], removed: Iterable[PodInfo] = ()) -> NodeInfo:
        """A private copy with other pods: what would be if."""
        copy = NodeInfo(self.name)
        copy.slot, copy.is_present, copy.document = self.slot, self.is_present, self.document
        copy.labels, copy.identity, copy.taints, copy.unschedulable = (
            self.labels,
            self.identity,
            self.taints,
            self.unschedulable,
        )
        copy.allocatable = self.allocatable
        copy.requested.add(self.requested)
        copy.nonzero_milli_cpu, copy.nonzero_memory = self.nonzero_milli_cpu, self.nonzero_memory
        copy.pods, copy.pods_with_terms = dict(self.pods), dict(self.pods_with_terms)
        copy.ports = {port: dict(addresses) for port, addresses in self.ports.items()}
        copy.images = self.images
        for pod in removed:
            copy.remove_pod(pod)
        for pod in added:
            copy.add_pod(pod)
        return copy

    def _count(self, pod: PodInfo, sign: int) -> None:
        self.requested.add(pod.requests, sign)
        self.nonzero_milli_cpu += sign * pod.nonzero_milli_cpu
        self.nonzero_memory += sign * pod.nonzero_memory
        if pod.terms is not None:
            if sign > 0:
                self.pods_with_terms[pod.key] = pod
            else:
                del self.pods_with_terms[pod.key]
        for protocol, port, address in pod.host_ports:
            addresses = self.ports.setdefault((protocol, port), {})
            addresses[address] = addresses.get(address, 0) + sign
            if not addresses[address]:
                del addresses[address]
                if not addresses:
                    del self.ports[protocol, port]

    def __repr__(self) -> str:
        return f"NodeInfo({self.name}, {len(self.pods)} pods)"
