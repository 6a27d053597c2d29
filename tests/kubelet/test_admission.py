"""What a kubelet refuses, and which of several reasons it gives."""

from __future__ import annotations

import pytest

from kubepy.kubelet import admission

ROOM = {"cpu": "2", "memory": "1Gi", "pods": "10"}


def node(**said: str) -> dict:
    annotations = {f"kubepy.io/{name}": value for name, value in said.items()}
    return {"metadata": {"name": "n", "annotations": annotations}, "status": {"allocatable": ROOM}}


def pod(labels: dict | None = None, requests: dict | None = None, **spec) -> dict:
    container = {"name": "c", "resources": {"requests": requests or {}}}
    return {
        "metadata": {"name": "p", "namespace": "d", "uid": "u", "labels": labels or {}},
        "spec": {"containers": [container], **spec},
    }


def sysctls(*names: str) -> dict:
    return {"sysctls": [{"name": name, "value": "1"} for name in names]}


BIG = {"cpu": "3"}
TOLERANT = [{"key": "node.kubernetes.io/memory-pressure", "operator": "Exists"}]


@pytest.mark.parametrize(
    ("subject", "host", "reason", "message"),
    [
        (pod(), node(), "", ""),
        (pod(requests=BIG), node(), "OutOfcpu",
         "Node didn't have enough resource: cpu, requested: 3000, used: 0, capacity: 2000"),
        (pod(), node(pressure="memory"), "Evicted", "The node had condition: [MemoryPressure]. "),
        (pod(tolerations=TOLERANT), node(pressure="memory"), "", ""),
        (pod(tolerations=TOLERANT), node(pressure="memory,disk"), "Evicted",
         "The node had condition: [MemoryPressure DiskPressure]. "),
        (pod(requests={"cpu": "1"}), node(pressure="memory"), "", ""),
        (pod(requests={"cpu": "1"}), node(pressure="pid"), "Evicted", "The node had condition: [PIDPressure]. "),
        (pod(priority=2_000_001_000), node(pressure="disk"), "", ""),
        (pod(securityContext=sysctls("net.ipv4.tcp_rmem", "kernel/shm_rmid_forced")), node(), "", ""),
        (pod(securityContext=sysctls("kernel.msgmax")), node(), "SysctlForbidden",
         'forbidden sysctl: "kernel.msgmax" not allowlisted'),
        (pod(securityContext=sysctls("net/ipv4/tcp_rmem"), hostNetwork=True), node(), "SysctlForbidden",
         'forbidden sysctl: "net.ipv4.tcp_rmem" not allowed with host Net enabled'),
        (pod(labels={"kubernetes.io/os": "windows"}), node(), "PodOSSelectorNodeLabelDoesNotMatch",
         "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label"),
        (pod(os={"name": "windows"}), node(), "PodOSNotSupported",
         "Failed to admit pod as the OS field doesn't match node OS"),
        (pod(), node(shutdown="true"), "NodeShutdown", "Pod was rejected as the node is shutting down."),
        # The first of upstream's handlers that says no.
        (pod(requests=BIG, os={"name": "windows"}), node(shutdown="true"), "PodOSNotSupported", None),
        (pod(requests=BIG), node(shutdown="true"), "OutOfcpu", None),
        (pod(securityContext=sysctls("kernel.msgmax")), node(pressure="disk"), "Evicted", None),
    ],
)  # fmt: skip
def test_what_is_refused(subject, host, reason, message):
    verdict = admission.refusal(subject, host, {})
    assert (verdict.reason if verdict else "") == reason
    if message is not None:
        assert (verdict.message if verdict else "") == message
