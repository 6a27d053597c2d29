"""Nodes that exist in name only: registered, Ready, and heard from in time.

Watches Nodes. Writes Nodes (when missing), their status (at first and every five minutes) and their Leases
(every ten seconds). An idle node costs one small patch per ten seconds, and nobody reads it for that; those that come
together are written in one transaction. What happens to a node is said by annotations:

    kubepy.io/simulated: "true"              it is kept alive here, whoever created it
    kubepy.io/outage: "true"                 it is not heard from, and its pods stand still, until that is taken back
    kubepy.io/pressure: "memory,disk,pid"    it reports these pressures, and evicts pods (evictions.py)
    kubepy.io/eviction-hard: memory.available<1Gi   it does so by thresholds as kubelets have them (thresholds.py)
    kubepy.io/shutdown: "true"               it shuts down gracefully: NotReady, its pods are terminated, none is let in
    kubepy.io/csi-drivers: "a.example.com=25"  it has these CSI drivers, for so many volumes (csi_nodes.py)

Stages for Nodes are played here too (stages.py): kwok's, and those of the sets heartbeat and chaos. While one of kwok's
has something to say about a node, the node's own reports leave its conditions alone. Stages see every node in the phase
Running, which kwok's ask for and kubelets no longer write.

Source: kubernetes 1.36 pkg/kubelet/kubelet_node_status.go, nodestatus/setters.go, pkg/kubelet/util/nodelease.go.
"""

from __future__ import annotations

import hashlib
import platform
import re
import zlib
from collections.abc import Mapping, Sequence

from msgspec import Struct

from kubepy.api import errors, quantity
from kubepy.api.builtins import LEASES, NODES
from kubepy.api.objects import Document, Key, Obj, annotations_of, condition
from kubepy.client.client import MERGE_PATCH, Client
from kubepy.client.controller import After, Controller, ControllerContext, key_of
from kubepy.client.events import EventSink
from kubepy.kubelet import addresses
from kubepy.kubelet.csi_nodes import DRIVERS, CsiNodes
from kubepy.kubelet.node_stages import NodeStages
from kubepy.kubelet.stages import Stage
from kubepy.lib import clock as clocks

PREFIX = "kubepy.io/"
SIMULATED, OUTAGE, PRESSURE, SHUTDOWN, OBSERVED_PRESSURE = (
    f"{PREFIX}{name}" for name in ("simulated", "outage", "pressure", "shutdown", "observed-pressure")
)
LEASE_NAMESPACE = "kube-node-lease"

# Source: kubelet defaults: nodeLeaseDurationSeconds 40, renewed at a quarter of it; nodeStatusReportFrequency 5m.
LEASE_DURATION_S, LEASE_RENEW_S, STATUS_REPORT_S = 40, 10.0, 300.0
RENEWED_TOGETHER = 64

# A roomy machine, so that what fits a laptop's cluster fits here.
CAPACITY = {
    "cpu": "8",
    "memory": "32Gi",
    "ephemeral-storage": "256Gi",
    "pods": "110",
    "hugepages-1Gi": "0",
    "hugepages-2Mi": "0",
}

# (type, value when well, reason, message). Source: setters.go.
HEALTHY: tuple[tuple[str, str, str, str], ...] = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)


# (condition, reason, message, event). Source: setters.go, MemoryPressureCondition and its like.
PRESSURES = {
    "memory": ("MemoryPressure", "KubeletHasInsufficientMemory", "kubelet has insufficient memory available",
               "NodeHasInsufficientMemory"),
    "disk": ("DiskPressure", "KubeletHasDiskPressure", "kubelet has disk pressure", "NodeHasDiskPressure"),
    "pid": ("PIDPressure", "KubeletHasInsufficientPID", "kubelet has insufficient PID available",
            "NodeHasInsufficientPID"),
}  # fmt: skip
_RELIEVED = {
    "MemoryPressure": "NodeHasSufficientMemory",
    "DiskPressure": "NodeHasNoDiskPressure",
    "PIDPressure": "NodeHasSufficientPID",
}


def parse_capacity(text: str) -> dict[str, str]:
    """ "cpu=4,memory=16Gi" -> the capacity of such a node. Raises ValueError with a sentence."""
    capacity = dict(CAPACITY)
    for word in filter(None, (word.strip() for word in text.split(","))):
        name, equals, amount = word.partition("=")
        if not (name and equals and quantity.is_valid(amount)):
            raise ValueError(f'must be like cpu=4,memory=16Gi, not "{word}"')
        capacity[name] = amount
    return capacity


def is_simulated(node: Obj) -> bool:
    return annotations_of(node).get(SIMULATED) == "true"


def is_out(node: Obj) -> bool:
    return annotations_of(node).get(OUTAGE) == "true"


def is_shutting_down(node: Obj) -> bool:
    return annotations_of(node).get(SHUTDOWN) == "true"


def pressures_of(node: Obj) -> list[str]:
    """The node conditions that its annotations ask for, in upstream's order; one of them is our own (evictions.py)."""
    annotations = annotations_of(node)
    said = [annotations[name] for name in (PRESSURE, OBSERVED_PRESSURE) if annotations.get(name)]
    if not said:
        return []
    words = {word.strip().lower() for word in ",".join(said).split(",")}
    return [condition for word, (condition, *_) in PRESSURES.items() if word in words]


class Identities:
    """The nodes' own clients. Source: user and group of a kubelet's client certificate."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[str, Client] = {}

    def of(self, node_name: str) -> Client:
        known = self._known.get(node_name)
        if known is None:
            known = self._known[node_name] = self._client.named(
                "kubelet", user=f"system:node:{node_name}", groups=("system:nodes",)
            )
        return known

    def forget(self, node_name: str) -> None:
        """The node is gone."""
        self._known.pop(node_name, None)


def reference(name: str) -> Obj:
    """A kubelet's to its node carries the name as uid. Source: cmd/kubelet/app/server.go."""
    return {"kind": "Node", "apiVersion": "v1", "name": name, "uid": name}


def node_name(number: int) -> str:
    return f"node-{number}"


def architecture() -> str:
    """As Go names it."""
    machine = platform.machine().lower()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def render_node(
    number: int, *, now: str, version: str, kubernetes: str, capacity: dict[str, str] = CAPACITY
) -> Obj:
    """The Node as its kubelet registers it."""
    name = node_name(number)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                "beta.kubernetes.io/arch": architecture(),
                "beta.kubernetes.io/os": "linux",
                "kubernetes.io/arch": architecture(),
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
            },
            "annotations": {
                SIMULATED: "true",
                "volumes.kubernetes.io/controller-managed-attach-detach": "true",
            },
        },
        "spec": {},
        "status": render_status(
            {"metadata": {"name": name}}, number=number, now=now, version=version, kubernetes=kubernetes,
            capacity=capacity,
        ),
    }  # fmt: skip


def conditions_of(node: Obj) -> Sequence[tuple[str, str, str, str]]:
    """(type, value, reason, message) of what the node's own kubelet reports."""
    pressures = pressures_of(node)
    if not pressures and not is_shutting_down(node):
        return HEALTHY
    rows = []
    for row in HEALTHY:
        trouble = next((t for t in PRESSURES.values() if t[0] == row[0] and t[0] in pressures), None)
        rows.append(row if trouble is None else (trouble[0], "True", trouble[1], trouble[2]))
    if is_shutting_down(node):
        # Source: setters.go ReadyCondition, nodeshutdown_manager_linux.go ShutdownStatus.
        rows[-1] = ("Ready", "False", "KubeletNotReady", "node is shutting down")
    return rows


def render_status(
    node: Obj, *, number: int, now: str, version: str, kubernetes: str, capacity: dict[str, str] = CAPACITY
) -> Obj:
    """The node's status now; what others put there (extended resources, conditions) stays."""
    name, old = node["metadata"]["name"], node.get("status") or {}
    rows = conditions_of(node)
    ours = {type_ for type_, *_ in rows}
    before = {c["type"]: c for c in old.get("conditions") or ()}
    conditions: list[Obj] = [c for c in old.get("conditions") or () if c["type"] not in ours]
    for type_, value, reason, message in rows:
        same = before.get(type_, {}).get("status") == value
        conditions.append({
            "type": type_, "status": value, "lastHeartbeatTime": now,
            "lastTransitionTime": (before[type_].get("lastTransitionTime") or now) if same else now,
            "reason": reason, "message": message,
        })  # fmt: skip
    ip = next(
        (a["address"] for a in old.get("addresses") or () if a["type"] == "InternalIP"),
        addresses.node_ip(number),
    )
    return {
        "capacity": capacity | (old.get("capacity") or {}),
        "allocatable": capacity | (old.get("allocatable") or {}),
        "conditions": conditions,
        "addresses": [{"type": "InternalIP", "address": ip}, {"type": "Hostname", "address": name}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "nodeInfo": {
            **machine_ids(name),
            "kernelVersion": platform.release(),
            "osImage": "kubepy (simulated)",
            **software(version, kubernetes),
            "kubeProxyVersion": "",
            "operatingSystem": "linux",
            "architecture": architecture(),
        },
        "declaredFeatures": list(DECLARED_FEATURES),
    }  # fmt: skip


# What admission and scheduling ask nodes for, of what these do. Source: component-helpers nodedeclaredfeatures.
DECLARED_FEATURES = (
    "InPlacePodLevelResourcesVerticalScaling",
    "InPlacePodVerticalScalingInitContainers",
    "RestartAllContainersOnContainerExits",
)


def software(version: str, kubernetes: str) -> dict[str, str]:
    """What a node says of the program that it is kept by."""
    return {"containerRuntimeVersion": f"kubepy://{version}", "kubeletVersion": f"v{kubernetes}.0"}


def machine_ids(name: str) -> dict[str, str]:
    """Ids of a machine that is not there: always the same for the same name, as hardware's are."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    one, two = digest[:32], digest[32:]

    def uuid(text: str) -> str:
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:]}"

    return {"machineID": one, "systemUUID": uuid(one), "bootID": uuid(two)}


def status_due_at(node: Obj, programs: Mapping[str, str]) -> float:
    """When the status has to be written again, in seconds since the epoch; 0 if it is not ours yet, or says something
    else than we do. `programs`: our `software`."""
    status = node.get("status") or {}
    if not programs.items() <= (status.get("nodeInfo") or {}).items():
        return 0.0
    known = {c["type"]: c for c in status.get("conditions") or ()}
    if any(known.get(type_, {}).get("status") != value for type_, value, *_ in conditions_of(node)):
        return 0.0
    heard = known["Ready"].get("lastHeartbeatTime")
    return clocks.parse_rfc3339(heard) + STATUS_REPORT_S if heard else 0.0


class _Seen(Struct, frozen=True):
    """All that a heartbeat needs to know of its node: thousands of them are not kept decoded."""

    revision: int
    is_simulated: bool
    is_out: bool
    report_at: float  # status_due_at
    drivers: str  # what its annotation says

    @classmethod
    def of(cls, document: Document, programs: Mapping[str, str]) -> _Seen:
        node = document.obj
        drivers, due = annotations_of(node).get(DRIVERS) or "", status_due_at(node, programs)
        return cls(document.revision, is_simulated(node), is_out(node), due, drivers)


class NodeHeartbeats(Controller):
    """One reconcile per node and ten seconds."""

    name = "kubelet-node"
    # Renewals that are written at the same time share a transaction, which costs more than they do.
    workers = RENEWED_TOGETHER

    def __init__(
        self,
        context: ControllerContext,
        *,
        count: int,
        version: str,
        kubernetes: str,
        stages: Sequence[Stage] = (),
        events: EventSink | None = None,
        capacity: dict[str, str] = CAPACITY,
        operator: Client | None = None,
    ) -> None:
        super().__init__(context)
        self.count, self.version, self.kubernetes, self.capacity = count, version, kubernetes, capacity
        self._software = software(version, kubernetes)
        self._stages = NodeStages(
            context,
            [stage for stage in stages if stage.kind == "Node"],
            self._report,
            operator or context.client,
        )
        self._sink = events
        self._identities = Identities(self.client)
        self._seen: dict[str, _Seen] = {}
        self._renew_at: dict[str, float] = {}
        self._csi_nodes = CsiNodes()

    def setup(self) -> None:
        self.nodes = self.watch(NODES, key_of, self._is_news)

    def _is_news(self, document: Document, old: Document | None) -> bool:
        """Our own heartbeats come back as updates; they are no reason to look again, but for stages."""
        node = document.obj
        if not is_simulated(node):
            return False
        if old is None or self._stages or not status_due_at(node, self._software):
            return True
        return annotations_of(node) != annotations_of(old.obj)

    async def register(self) -> None:
        """Create the nodes that are missing; those that are there go on as they are."""
        for number in range(1, self.count + 1):
            node = render_node(
                number, now=self.clock.rfc3339(), version=self.version, kubernetes=self.kubernetes,
                capacity=self.capacity,
            )  # fmt: skip
            try:
                await self._identities.of(node["metadata"]["name"]).create(NODES, node)
                self.log.info("node_registered", object=node["metadata"]["name"])
            except errors.AlreadyExists:
                pass

    async def reconcile(self, key: Key) -> After | None:
        name, document = key.name, self.nodes.document(key)
        seen = self._look(document) if document is not None else None
        if document is None or seen is None or not seen.is_simulated:
            self._forget(name)
            return None
        client, now = self._identities.of(name), self.clock.now()
        stage_s = await self._stages.play(client, document.obj, now) if self._stages else None
        if seen.is_out:
            self._renew_at.pop(name, None)
            return After(stage_s) if stage_s is not None else None
        if seen.report_at <= now and not self._stages.speaks_for(name):
            await self._report(client, document.obj)
        if not self._csi_nodes.has_told(name, seen.drivers):
            await self._csi_nodes.tell(client, document.obj)
        due = self._renew_at.get(name, 0.0) - self.clock.monotonic()
        if due <= 0:
            await self._renew(client, document)
            now = self.clock.monotonic()
            due = renewal_due_s(name, now, len(self._seen))
            self._renew_at[name] = now + due
        return After(due if stage_s is None else min(due, stage_s))

    def _look(self, document: Document) -> _Seen:
        name = document.key.name
        seen = self._seen.get(name)
        if seen is None or seen.revision != document.revision:
            seen = self._seen[name] = _Seen.of(document, self._software)
        return seen

    def _forget(self, name: str) -> None:
        self._seen.pop(name, None)
        self._renew_at.pop(name, None)
        self._csi_nodes.forget(name)
        self._stages.forget(name)
        self._identities.forget(name)

    async def _report(self, client: Client, node: Obj) -> None:
        name = node["metadata"]["name"]
        status = render_status(
            node, number=_number(name), now=self.clock.rfc3339(), version=self.version, kubernetes=self.kubernetes,
            capacity=self.capacity,
        )  # fmt: skip
        await client.patch(NODES, name, {"status": status}, subresource="status", content_type=MERGE_PATCH)
        if self._sink is not None:
            recorder = self._sink.recorder("kubelet", name)
            for reason in transitions(node, status):
                recorder.event(reference(name), "Normal", reason, f"Node {name} status is now: {reason}")

    async def _renew(self, client: Client, node: Document) -> None:
        name, now = node.key.name, self.clock.rfc3339_micro()
        path = LEASES.path(LEASE_NAMESPACE, name)
        try:
            await client.write("PATCH", path, {"spec": {"renewTime": now}}, content_type=MERGE_PATCH)
        except errors.NotFound:
            await client.create(LEASES, render_lease(node.obj, now))


def renewal_due_s(name: str, now: float, nodes: int) -> float:
    """Seconds from `now` to the node's next turn. There are ten turns in ten seconds, of many nodes more: those that
    share one are written in one transaction, and are not so many that all else waits for them."""
    turns = max(int(LEASE_RENEW_S), nodes // RENEWED_TOGETHER)
    phase = zlib.crc32(name.encode()) % turns * LEASE_RENEW_S / turns
    return LEASE_RENEW_S - (now - phase) % LEASE_RENEW_S


def render_lease(node: Obj, now: str) -> Obj:
    metadata = node["metadata"]
    owner = {"apiVersion": "v1", "kind": "Node", "name": metadata["name"], "uid": metadata["uid"]}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": metadata["name"], "namespace": LEASE_NAMESPACE, "ownerReferences": [owner]},
        "spec": {
            "holderIdentity": metadata["name"],
            "leaseDurationSeconds": LEASE_DURATION_S,
            "renewTime": now,
        },
    }


def transitions(node: Obj, status: Obj) -> list[str]:
    """The events of what has changed. Source: kubelet_node_status.go, setters.go."""
    found = []
    for new in status["conditions"]:
        old = condition(node, new["type"])
        if old is None or old.get("status") == new["status"]:
            continue
        if new["type"] == "Ready":
            found.append("NodeReady" if new["status"] == "True" else "NodeNotReady")
        elif new["type"] in _RELIEVED:
            trouble = next(row[3] for row in PRESSURES.values() if row[0] == new["type"])
            found.append(trouble if new["status"] == "True" else _RELIEVED[new["type"]])
    return found


def _number(name: str) -> int:
    """node-7 -> 7; a name without a number gets one from its letters."""
    found = re.search(r"(\d+)$", name)
    return int(found.group(1)) % 60_000 if found else sum(name.encode()) + 60_000
