"""Nodes that exist in name only: registered, Ready, and heard from in time.

Watches Nodes. Writes Nodes (when missing), their status (at first and every five minutes) and their Leases
(every ten seconds). Any Node with the annotation kubepy.io/simulated: "true" is kept alive here, whoever
created it. An idle node costs one small patch per ten seconds.

Source: kubernetes 1.36 pkg/kubelet/kubelet_node_status.go, nodestatus/setters.go, pkg/kubelet/util/nodelease.go.
"""

from __future__ import annotations

import hashlib
import platform
import re

from kubepy.api import errors
from kubepy.api.builtins import LEASES, NODES
from kubepy.api.objects import Document, Key, Obj, annotations_of, condition
from kubepy.client.client import MERGE_PATCH, Client
from kubepy.client.controller import After, Controller, ControllerContext, key_of
from kubepy.kubelet import addresses
from kubepy.lib import clock as clocks

SIMULATED = "kubepy.io/simulated"
LEASE_NAMESPACE = "kube-node-lease"

# Source: kubelet defaults: nodeLeaseDurationSeconds 40, renewed at a quarter of it; nodeStatusReportFrequency 5m.
LEASE_DURATION_S, LEASE_RENEW_S, STATUS_REPORT_S = 40, 10.0, 300.0

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
HEALTHY = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)


def is_simulated(node: Obj) -> bool:
    return annotations_of(node).get(SIMULATED) == "true"


def identity(client: Client, node_name: str) -> Client:
    """The node's own voice. Source: user and group of a kubelet's client certificate."""
    return client.named("kubelet", user=f"system:node:{node_name}", groups=("system:nodes",))


def node_name(number: int) -> str:
    return f"node-{number}"


def architecture() -> str:
    """As Go names it."""
    machine = platform.machine().lower()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def render_node(number: int, *, now: str, version: str, kubernetes: str) -> Obj:
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
        "status": render_status(name, {}, number=number, now=now, version=version, kubernetes=kubernetes),
    }


def render_status(name: str, old: Obj, *, number: int, now: str, version: str, kubernetes: str) -> Obj:
    """The node's status now; what others put there (extended resources, conditions) stays."""
    ours = {type_ for type_, *_ in HEALTHY}
    before = {c["type"]: c for c in old.get("conditions") or ()}
    conditions: list[Obj] = [c for c in old.get("conditions") or () if c["type"] not in ours]
    for type_, value, reason, message in HEALTHY:
        same = before.get(type_, {}).get("status") == value
        conditions.append({
            "type": type_, "status": value, "lastHeartbeatTime": now,
            "lastTransitionTime": before[type_].get("lastTransitionTime", now) if same else now,
            "reason": reason, "message": message,
        })  # fmt: skip
    ip = next(
        (a["address"] for a in old.get("addresses") or () if a["type"] == "InternalIP"),
        addresses.node_ip(number),
    )
    return {
        "capacity": CAPACITY | (old.get("capacity") or {}),
        "allocatable": CAPACITY | (old.get("allocatable") or {}),
        "conditions": conditions,
        "addresses": [{"type": "InternalIP", "address": ip}, {"type": "Hostname", "address": name}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "nodeInfo": {
            **machine_ids(name),
            "kernelVersion": platform.release(),
            "osImage": "kubepy (simulated)",
            "containerRuntimeVersion": f"kubepy://{version}",
            "kubeletVersion": f"v{kubernetes}.0",
            "kubeProxyVersion": "",
            "operatingSystem": "linux",
            "architecture": architecture(),
        },
    }  # fmt: skip


def machine_ids(name: str) -> dict[str, str]:
    """Ids of a machine that is not there: always the same for the same name, as hardware's are."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    one, two = digest[:32], digest[32:]

    def uuid(text: str) -> str:
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:]}"

    return {"machineID": one, "systemUUID": uuid(one), "bootID": uuid(two)}


def status_due_s(node: Obj, now: float) -> float:
    """Seconds until the status has to be written; 0 if it is due, not ours yet, or somebody called the node unwell."""
    ready = condition(node, "Ready")
    if ready is None or ready.get("status") != "True" or not ready.get("lastHeartbeatTime"):
        return 0.0
    return max(0.0, clocks.parse_rfc3339(ready["lastHeartbeatTime"]) + STATUS_REPORT_S - now)


class NodeHeartbeats(Controller):
    """One reconcile per node and ten seconds."""

    name = "kubelet-node"
    workers = 4

    def __init__(self, context: ControllerContext, *, count: int, version: str, kubernetes: str) -> None:
        super().__init__(context)
        self.count, self.version, self.kubernetes = count, version, kubernetes
        self._renewed: dict[str, float] = {}

    def setup(self) -> None:
        self.nodes = self.watch(NODES, key_of, _is_new_or_unwell)

    async def register(self) -> None:
        """Create the nodes that are missing; those that are there go on as they are."""
        for number in range(1, self.count + 1):
            node = render_node(
                number, now=self.clock.rfc3339(), version=self.version, kubernetes=self.kubernetes
            )
            try:
                await identity(self.client, node["metadata"]["name"]).create(NODES, node)
                self.log.info("node_registered", object=node["metadata"]["name"])
            except errors.AlreadyExists:
                pass

    async def reconcile(self, key: Key) -> After | None:
        node = self.nodes.get(key)
        if node is None or not is_simulated(node):
            self._renewed.pop(key.name, None)
            return None
        client, now = identity(self.client, key.name), self.clock.now()
        if status_due_s(node, now) <= 0:
            await self._report(client, node)
        due = self._renewed.get(key.name, -LEASE_RENEW_S) + LEASE_RENEW_S - self.clock.monotonic()
        if due > 0:
            return After(due)
        await self._renew(client, node)
        self._renewed[key.name] = self.clock.monotonic()
        return After(LEASE_RENEW_S)

    async def _report(self, client: Client, node: Obj) -> None:
        name = node["metadata"]["name"]
        status = render_status(
            name,
            node.get("status") or {},
            number=_number(name),
            now=self.clock.rfc3339(),
            version=self.version,
            kubernetes=self.kubernetes,
        )
        await client.patch(NODES, name, {"status": status}, subresource="status", content_type=MERGE_PATCH)

    async def _renew(self, client: Client, node: Obj) -> None:
        name, now = node["metadata"]["name"], self.clock.rfc3339_micro()
        patch = {"spec": {"renewTime": now}}
        try:
            await client.patch(LEASES, name, patch, namespace=LEASE_NAMESPACE, content_type=MERGE_PATCH)
        except errors.NotFound:
            await client.create(LEASES, render_lease(node, now))


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


def _is_new_or_unwell(document: Document, old: Document | None) -> bool:
    """Our own heartbeats come back as updates; they are no reason to look again."""
    return is_simulated(document.obj) and (old is None or status_due_s(document.obj, 0.0) <= 0)


def _number(name: str) -> int:
    """node-7 -> 7; a name without a number gets one from its letters."""
    found = re.search(r"(\d+)$", name)
    return int(found.group(1)) % 60_000 if found else sum(name.encode()) + 60_000
