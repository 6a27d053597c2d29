"""Whom a node ends for a critical pod. Cases: pkg/kubelet/preemption/preemption_test.go, TestGetPodsToPreempt."""

from __future__ import annotations

import pytest

from kubepy.kubelet import preemption

MI = 1 << 20


def pod(name: str, amount: int = 0, *, limited: bool = False, priority: int | None = None) -> dict:
    amounts = {"cpu": f"{amount}m", "memory": f"{amount}Mi"} if amount else {}
    resources = {"requests": amounts} | ({"limits": amounts} if limited else {})
    spec = {"containers": [{"name": "c", "resources": resources}]}
    return {"metadata": {"name": name}, "spec": spec | ({} if priority is None else {"priority": priority})}


PODS = {
    found["metadata"]["name"]: found
    for found in (
        pod("best-effort"),
        pod("burstable", 100),
        pod("high-burstable", 300),
        pod("guaranteed", 100, limited=True),
        pod("high-guaranteed", 300, limited=True),
        pod("cluster-critical", 100, priority=2_000_000_000),
        pod("node-critical", 100, priority=2_000_000_100),
    )
}
ALL = "best-effort burstable high-burstable guaranteed high-guaranteed"


@pytest.mark.parametrize(
    ("others", "cpu", "memory", "count", "expected"),
    [
        ("", 0, 0, 0, ""),
        ("", 0, 0, 1, None),
        ("burstable", 100, 100, 1, "burstable"),
        ("burstable", 200, 200, 2, None),
        ("burstable best-effort", 0, 0, 1, "best-effort"),
        ("burstable guaranteed", 0, 0, 1, "burstable"),
        ("best-effort high-burstable burstable", 100, 100, 0, "burstable"),
        ("best-effort burstable high-burstable", 150, 150, 0, "high-burstable"),
        (ALL, 350, 350, 0, "burstable high-burstable"),
        (ALL, 0, 550, 0, "high-burstable high-guaranteed"),
        ("node-critical", 100, 0, 0, None),
    ],
)
def test_whom_a_critical_pod_displaces(others, cpu, memory, count, expected):
    assert displaced("cluster-critical", others, cpu, memory, count) == expected


def test_a_more_critical_pod_displaces_a_critical_one():
    assert displaced("node-critical", "cluster-critical", 100, 0, 0) == "cluster-critical"


def displaced(who: str, others: str, cpu: int, memory: int, count: int) -> str | None:
    wanted = {"cpu": cpu, "memory": memory * MI, "pods": count}
    missing = {name: amount for name, amount in wanted.items() if amount}
    try:
        found = preemption.victims(PODS[who], [PODS[name] for name in others.split()], missing)
    except preemption.NotEnough:
        return None
    return " ".join(sorted(pod["metadata"]["name"] for pod in found))


def test_what_cannot_be_had_is_told():
    with pytest.raises(preemption.NotEnough, match=r"resources: \[\(res: cpu, q: 50\), \]$"):
        preemption.victims(PODS["cluster-critical"], [PODS["burstable"]], {"cpu": 150})
