"""When a node is short of something. Cases: kubernetes pkg/kubelet/eviction/{helpers,eviction_manager}_test.go."""

from __future__ import annotations

import pytest

from kubepy.kubelet import thresholds
from kubepy.kubelet.thresholds import Amount, Observed, State, Threshold

GI, MI = 1 << 30, 1 << 20
MEMORY, DISK, PIDS = "memory.available", "nodefs.available", "pid.available"


def config(**said: str) -> thresholds.Config:
    return thresholds.config_of({f"kubepy.io/{name.replace('_', '-')}": text for name, text in said.items()})


def test_what_is_said_is_read():
    found = config(
        eviction_hard="memory.available<150Mi,nodefs.available<10%,imagefs.available<0%",
        eviction_soft="memory.available<300Mi",
        eviction_soft_grace_period="memory.available=1m30s",
        eviction_minimum_reclaim="memory.available=5%,nodefs.available=1Gi",
        eviction_pressure_transition_period="10s",
        available="pid.available=7",
    )
    more = Amount(share=0.05)
    assert found == thresholds.Config(
        (
            Threshold(MEMORY, Amount(150 * MI), 0.0, more),
            Threshold(DISK, Amount(share=0.1), 0.0, Amount(GI)),
            Threshold(MEMORY, Amount(300 * MI), 90.0, more),
        ),
        10.0,
        {PIDS: 7},
    )
    assert config() == thresholds.Config((), 300.0, {})


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"eviction_hard": "memory.available=1"}, "kubepy.io/eviction-hard must be like"),
        ({"eviction_hard": "mem.available<1"}, "kubepy.io/eviction-hard must be like"),
        ({"eviction_hard": "memory.available<much"}, '"much" is no quantity'),
        ({"eviction_soft": "memory.available<1Gi"}, "grace period must be specified for the soft eviction"),
        ({"eviction_soft_grace_period": "memory.available=soon"}, '"soon" is no duration'),
    ],
)
def test_what_cannot_be_read_is_told(said, why):
    with pytest.raises(thresholds.Unusable) as refused:
        config(**said)
    assert str(refused.value).startswith(why)


class Watching:
    """A node whose memory is looked at every ten seconds."""

    def __init__(self, **said: str) -> None:
        self._config, self._state, self._now = config(**said), State(), 0.0

    def see(self, gibibytes: float, **more: Observed) -> tuple[str, int]:
        """(the conditions reported, how many thresholds make pods leave)"""
        seen = {MEMORY: Observed(int(gibibytes * GI), 4 * GI)} | more
        found = thresholds.observe(self._config, seen, self._state, self._now)
        self._state = found.state
        self._now += 10
        return " ".join(found.conditions), len(found.due)


def test_a_hard_threshold_counts_at_once_and_its_condition_stays_for_the_transition():
    node = Watching(eviction_hard="memory.available<1Gi", eviction_pressure_transition_period="30s")
    assert node.see(2) == ("", 0)
    assert node.see(1) == ("", 0)
    assert node.see(0.9) == ("MemoryPressure", 1)
    assert [node.see(2) for _ in range(4)] == [("MemoryPressure", 0)] * 2 + [("", 0)] * 2


def test_a_soft_threshold_has_to_last():
    node = Watching(
        eviction_soft="memory.available<50%",
        eviction_soft_grace_period="memory.available=20s",
        eviction_pressure_transition_period="1s",
    )
    pressed = "MemoryPressure"
    assert [node.see(1) for _ in range(4)] == [(pressed, 0), (pressed, 0), (pressed, 1), (pressed, 1)]
    assert node.see(3) == ("", 0)
    assert node.see(1) == (pressed, 0)


def test_once_met_so_much_more_is_reclaimed():
    node = Watching(
        eviction_hard="memory.available<1Gi",
        eviction_minimum_reclaim="memory.available=500Mi",
        eviction_pressure_transition_period="1s",
    )
    assert node.see(1.2) == ("", 0)
    assert node.see(0.5) == ("MemoryPressure", 1)
    assert node.see(1.2) == ("MemoryPressure", 1)
    assert node.see(1.5) == ("", 0)
    assert node.see(1.2) == ("", 0)


def test_memory_comes_first():
    said = config(
        eviction_hard="pid.available<100,nodefs.available<10%,memory.available<1Gi,imagefs.available<1Gi"
    )
    seen = {MEMORY: Observed(1, GI), DISK: Observed(9, 100), PIDS: Observed(99, 0)}
    found = thresholds.observe(said, seen, State(), 0.0)
    assert [one.signal for one in found.due] == [MEMORY, PIDS, DISK]
    assert found.conditions == ["DiskPressure", "MemoryPressure", "PIDPressure"]
    assert [thresholds.describe(one, seen) for one in found.due] == [
        "Threshold quantity: 1Gi, available: 1. ",
        "Threshold quantity: 100, available: 99. ",
        "Threshold quantity: 10, available: 9. ",
    ]
