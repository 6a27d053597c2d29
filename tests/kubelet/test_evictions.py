"""Who goes first, and what is said of it. Cases: kubernetes pkg/kubelet/eviction/helpers_test.go."""

from __future__ import annotations

import pytest

from kubepy.api.metrics import ContainerUsage, PodUsage, Usage
from kubepy.kubelet import evictions

MI = 1 << 20


def pod(name: str, priority: int, request: str = "", **spec) -> dict:
    resources = {"requests": {"memory": request}} if request else {}
    return {
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"priority": priority, "containers": [{"name": "main", "resources": resources}], **spec},
        "status": {"startTime": "2026-01-01T00:00:00Z"},
    }


def used(mebibytes: int) -> PodUsage:
    return PodUsage((ContainerUsage("main", 0.0, Usage(0, 0, mebibytes * MI)),))


LOW, HIGH = -1, 1
# name -> (pod, what it uses): TestOrderedByPriorityMemory.
FLEET = {
    "above-high": (pod("above-high", HIGH, "100Mi"), used(900)),
    "below-high": (pod("below-high", HIGH, "900Mi"), used(100)),
    "above-low": (pod("above-low", LOW, "100Mi"), used(600)),
    "far-above-low": (pod("far-above-low", LOW), used(700)),
    "below-low": (pod("below-low", LOW, "900Mi"), used(50)),
    "unknown": (pod("unknown", HIGH), None),
    "critical": (pod("critical", 2_000_000_000), used(900)),
}


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("memory", ["unknown", "far-above-low", "above-low", "above-high", "below-low", "below-high"]),
        (
            "ephemeral-storage",
            ["above-low", "far-above-low", "below-low", "above-high", "below-high", "unknown"],
        ),
        ("pids", ["above-low", "far-above-low", "below-low", "above-high", "below-high", "unknown"]),
    ],
)
def test_the_order_of_eviction(resource, expected):
    pods = [each for each, _ in FLEET.values()]
    ranked = evictions.rank(resource, pods, lambda each: FLEET[each["metadata"]["name"]][1])
    assert [each["metadata"]["name"] for each in ranked] == expected


def test_the_message_names_who_used_too_much():
    subject = pod("web", 0, "100Mi", initContainers=[{"name": "proxy", "restartPolicy": "Always"}])
    usage = PodUsage((
        ContainerUsage("main", 0.0, Usage(0, 0, 150 * MI)),
        ContainerUsage("proxy", 0.0, Usage(0, 0, 1 * MI)),
    ))  # fmt: skip
    found = evictions.eviction("memory", subject, usage)
    assert found.message == (
        "The node was low on resource: memory. "
        "Container main was using 150Mi, request is 100Mi, has larger consumption of memory. "
        "Container proxy was using 1Mi, request is 0, has larger consumption of memory. "
    )
    assert found.annotations == {
        "offending_containers": "main,proxy",
        "offending_containers_usage": "150Mi,1Mi",
        "starved_resource": "memory",
    }
    found = evictions.eviction("pids", subject, usage)
    assert found.message == "The node was low on resource: pids. "
    assert found.annotations["offending_containers"] == ""
