"""When a node is short of something, by the thresholds that its annotations name. Pure.

    kubepy.io/eviction-hard: memory.available<100Mi,nodefs.available<10%
    kubepy.io/eviction-soft: memory.available<1Gi
    kubepy.io/eviction-soft-grace-period: memory.available=1m30s       how long that has to last; each soft one has one
    kubepy.io/eviction-minimum-reclaim: memory.available=500Mi         once met, until so much more is there
    kubepy.io/eviction-pressure-transition-period: 5m                  how long a condition stays after it
    kubepy.io/available: nodefs.available=5Gi,pid.available=50

as the kubelet's flags of those names; a node without them has no thresholds, not even the kubelet's default ones. How
much memory is available follows from what its pods use (usages.py); of all else it is what the last annotation says,
which may speak of memory, too. A signal that nothing is said of is not looked at. Percentages of disks are of what the
node has of ephemeral-storage; of inodes and process ids there is nothing to take them of.

Source: kubernetes 1.36 pkg/kubelet/eviction/{eviction_manager,helpers}.go, eviction/api/types.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec import Struct, field

from kubepy.api import quantity
from kubepy.kubelet import durations

# signal -> (resource, node condition). Source: eviction/helpers.go, signalToResource, signalToNodeCondition.
SIGNALS = {
    "memory.available": ("memory", "MemoryPressure"),
    "nodefs.available": ("ephemeral-storage", "DiskPressure"),
    "nodefs.inodesFree": ("inodes", "DiskPressure"),
    "imagefs.available": ("ephemeral-storage", "DiskPressure"),
    "imagefs.inodesFree": ("inodes", "DiskPressure"),
    "containerfs.available": ("ephemeral-storage", "DiskPressure"),
    "containerfs.inodesFree": ("inodes", "DiskPressure"),
    "pid.available": ("pids", "PIDPressure"),
}
MEMORY = "memory.available"

# Source: pkg/kubelet/apis/config/v1beta1/defaults.go.
TRANSITION_S = 300.0

_HARD, _SOFT, _GRACE, _RECLAIM, _TRANSITION, AVAILABLE = (
    f"kubepy.io/{name}"
    for name in (
        "eviction-hard", "eviction-soft", "eviction-soft-grace-period", "eviction-minimum-reclaim",
        "eviction-pressure-transition-period", "available",
    )
)  # fmt: skip
THRESHOLDS = (_HARD, _SOFT)


class Unusable(ValueError):
    """What is wrong with what is said, in one sentence."""


class Amount(NamedTuple):
    """A number, or a share of the capacity."""

    number: int = 0
    share: float = 0.0

    def of(self, capacity: int) -> int:
        return int(capacity * self.share) if self.share else self.number


class Threshold(Struct, frozen=True):
    signal: str  # "memory.available"
    value: Amount
    grace_s: float = 0.0
    reclaim: Amount = Amount()

    @property
    def resource(self) -> str:
        return SIGNALS[self.signal][0]

    @property
    def condition(self) -> str:
        return SIGNALS[self.signal][1]


class Config(Struct, frozen=True):
    thresholds: tuple[Threshold, ...] = ()
    transition_s: float = TRANSITION_S
    available: Mapping[str, int] = {}  # by signal


class Observed(NamedTuple):
    available: int
    capacity: int


class State(Struct, frozen=True):
    """What is known from before."""

    met: frozenset[Threshold] = frozenset()  # for as long as their grace asks
    first_met: Mapping[Threshold, float] = field(default_factory=dict)
    last_seen: Mapping[str, float] = field(default_factory=dict)  # by condition


class Finding(NamedTuple):
    state: State
    conditions: list[str]  # that the node reports
    due: list[Threshold]  # for which pods are to leave, in upstream's order


def config_of(annotations: Mapping[str, str]) -> Config:
    """Raises Unusable."""
    graces = {signal: _duration_s(text) for signal, text in _pairs(annotations, _GRACE, "=")}
    reclaims = {signal: _amount(text) for signal, text in _pairs(annotations, _RECLAIM, "=")}
    hard = [(signal, text, 0.0) for signal, text in _pairs(annotations, _HARD, "<")]
    soft = [(signal, text, graces.get(signal)) for signal, text in _pairs(annotations, _SOFT, "<")]
    found = []
    for signal, text, grace_s in (*hard, *soft):
        if grace_s is None:
            raise Unusable(f"grace period must be specified for the soft eviction threshold {signal}")
        if text not in ("0%", "100%"):
            found.append(Threshold(signal, _amount(text), grace_s, reclaims.get(signal, Amount())))
    return Config(
        tuple(found),
        _duration_s(annotations.get(_TRANSITION) or "5m") or TRANSITION_S,
        {signal: _amount(text).number for signal, text in _pairs(annotations, AVAILABLE, "=")},
    )


def _pairs(annotations: Mapping[str, str], name: str, operator: str) -> Iterable[tuple[str, str]]:
    for word in filter(None, (word.strip() for word in annotations.get(name, "").split(","))):
        signal, found, text = word.partition(operator)
        if not found or signal not in SIGNALS:
            raise Unusable(f'{name} must be like memory.available{operator}1, not "{word}"')
        yield signal, text


def _amount(text: str) -> Amount:
    try:
        return Amount(share=float(text[:-1]) / 100) if text.endswith("%") else Amount(quantity.value(text))
    except ValueError:
        raise Unusable(f'"{text}" is no quantity') from None


def _duration_s(text: str) -> float:
    seconds = durations.parse_s(text)
    if seconds is None:
        raise Unusable(f'"{text}" is no duration')
    return seconds


def observe(config: Config, seen: Mapping[str, Observed], before: State, now: float) -> Finding:
    """Source: eviction_manager.go, synchronize, down to where pods are chosen."""
    met = {one for one in config.thresholds if _is_met(one, seen)}
    met |= {one for one in before.met if _is_met(one, seen, is_reclaiming=True)}
    first_met = {one: before.first_met.get(one, now) for one in config.thresholds if one in met}
    last_seen = {**before.last_seen, **{one.condition: now for one in first_met}}
    last_seen = {name: at for name, at in last_seen.items() if now - at < config.transition_s}
    due = [one for one, at in first_met.items() if now - at >= one.grace_s]
    state = State(frozenset(due), first_met, last_seen)
    return Finding(state, sorted(last_seen), sorted(due, key=lambda one: one.signal != MEMORY))


def _is_met(threshold: Threshold, seen: Mapping[str, Observed], *, is_reclaiming: bool = False) -> bool:
    if (found := seen.get(threshold.signal)) is None:
        return False
    wanted = threshold.value.of(found.capacity)
    if is_reclaiming:
        wanted += threshold.reclaim.of(found.capacity)
    return wanted > found.available


def describe(threshold: Threshold, seen: Mapping[str, Observed]) -> str:
    """For messages. Source: eviction/helpers.go, thresholdMetMessageFmt."""
    found = seen[threshold.signal]
    form = (
        quantity.BINARY_SI if threshold.resource in ("memory", "ephemeral-storage") else quantity.DECIMAL_SI
    )
    wanted, there = (
        quantity.of_value(amount, form).text
        for amount in (threshold.value.of(found.capacity), found.available)
    )
    return f"Threshold quantity: {wanted}, available: {there}. "
