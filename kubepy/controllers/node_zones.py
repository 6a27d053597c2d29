"""Zones: how fast nodes that went silent may lose their pods, and when none may.

A zone is a region and a zone label together. Each zone lets through one node per so many seconds (the eviction rate);
a zone in which most nodes are unwell is taken for a network split and goes slower, or stops if it is small; and when
no node of the whole cluster is well, the fault is likely our own, and nothing is evicted anywhere.

Pure state: it is told of nodes and answers; node_lifecycle.py acts. Times are monotonic seconds.

Source: kubernetes 1.36 pkg/controller/nodelifecycle/node_lifecycle_controller.go (handleDisruption,
ComputeZoneState, ReducedQPSFunc), scheduler/rate_limited_queue.go; component-helpers node/topology/helpers.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from msgspec import Struct, field

from kubepy.api import objects
from kubepy.api.objects import Obj

REGION, ZONE = "topology.kubernetes.io/region", "topology.kubernetes.io/zone"
_BETA_REGION, _BETA_ZONE = (
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
)
EXCLUDED = "node.kubernetes.io/exclude-disruption"

# Fewer nodes than that are no disruption of a zone. Source: ComputeZoneState.
_NOT_READY_MIN = 3


class State(Enum):
    INITIAL = "Initial"
    NORMAL = "Normal"
    FULL = "FullDisruption"
    PARTIAL = "PartialDisruption"


class Review(Enum):
    """What became of the cluster as a whole."""

    SAME = "same"
    DARK = "dark"  # no node is well any more
    LIGHT = "light"  # one is again


class Rates(Struct, frozen=True):
    """Source: cmd/kube-controller-manager/app/options/nodelifecyclecontroller.go."""

    eviction: float = 0.1  # nodes per second in a well zone
    secondary: float = 0.01  # in a large zone that is not
    large_cluster: int = 50  # nodes from which on a zone is large
    unhealthy: float = 0.55  # share of unready nodes that makes a zone unwell

    def of(self, state: State, size: int) -> float:
        if state is State.PARTIAL:
            return self.secondary if size > self.large_cluster else 0.0
        return self.eviction


def zone_of(node: Obj) -> str:
    """Source: GetZoneKey."""
    labels = objects.labels_of(node)
    region = labels.get(REGION) or labels.get(_BETA_REGION) or ""
    zone = labels.get(ZONE) or labels.get(_BETA_ZONE) or ""
    return f"{region}:\x00:{zone}" if region or zone else ""


def is_excluded(node: Obj) -> bool:
    """It does not count when a zone is judged."""
    return EXCLUDED in objects.labels_of(node)


class Zone(Struct):
    """Its nodes, and those of them that wait to be tainted, in the order they came."""

    rate: float
    next_at: float = 0.0  # when the next node may go
    state: State = State.INITIAL
    ready: set[str] = field(default_factory=set)
    unready: set[str] = field(default_factory=set)
    excluded: set[str] = field(default_factory=set)  # these do not count
    waiting: dict[str, None] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return len(self.ready) + len(self.unready)

    def judge(self, rates: Rates) -> State:
        """Source: ComputeZoneState."""
        unready = len(self.unready)
        if not self.ready and unready:
            return State.FULL
        if unready >= _NOT_READY_MIN and unready / self.size >= rates.unhealthy:
            return State.PARTIAL
        return State.NORMAL

    def limit(self, rate: float, now: float) -> None:
        """Another rate; what was being waited for is waited for anew. Source: SwapLimiter."""
        if rate == self.rate:
            return
        is_spent = self.rate <= 0 or now < self.next_at
        self.rate = rate
        self.next_at = now + (1 / rate if is_spent and rate > 0 else 0.0)

    def take(self, now: float) -> str | None:
        """The node that may be tainted now."""
        if not self.waiting or self.rate <= 0 or now < self.next_at:
            return None
        name = next(iter(self.waiting))
        del self.waiting[name]
        self.next_at = now + 1 / self.rate
        return name


class Zones:
    """All zones. A node is in one, or (before it is first noted) in none."""

    def __init__(self, rates: Rates) -> None:
        self.rates = rates
        self._zones: dict[str, Zone] = {}
        self._zone_of: dict[str, str] = {}

    def __iter__(self) -> Iterator[tuple[str, Zone]]:
        return iter(self._zones.items())

    def note(self, node: Obj, *, is_ready: bool) -> bool:
        """How a node is; True if that can change a zone's state."""
        name, key = node["metadata"]["name"], zone_of(node)
        old = self._zone_of.get(name)
        if old is not None and old != key:
            self.forget(name)
        self._zone_of[name] = key
        zone = self._zones.get(key)
        if zone is None:
            zone = self._zones[key] = Zone(self.rates.eviction)
        into = zone.excluded if is_excluded(node) else zone.ready if is_ready else zone.unready
        if name in into:
            return False
        for names in (zone.ready, zone.unready, zone.excluded):
            names.discard(name)
        into.add(name)
        return True

    def forget(self, name: str) -> None:
        key = self._zone_of.pop(name, None)
        if key is not None:
            zone = self._zones[key]
            for names in (zone.ready, zone.unready, zone.excluded):
                names.discard(name)
            zone.waiting.pop(name, None)

    def queue(self, name: str) -> None:
        """It waits to be tainted, behind those that wait already."""
        self._zones[self._zone_of[name]].waiting.setdefault(name)

    def unqueue(self, name: str) -> None:
        if (key := self._zone_of.get(name)) is not None:
            self._zones[key].waiting.pop(name, None)

    def next_due(self) -> float | None:
        """When the next waiting node may be tainted; None while there is nothing to do."""
        due = [zone.next_at for zone in self._zones.values() if zone.waiting and zone.rate > 0]
        return min(due, default=None)

    def take(self, now: float) -> list[str]:
        """The nodes that may be tainted now, at most one per zone."""
        taken = (zone.take(now) for zone in self._zones.values())
        return [name for name in taken if name is not None]

    def review(self, now: float) -> Review:
        """Judge all zones anew and set their rates. Source: handleDisruption."""
        empty = [key for key, zone in self._zones.items() if not zone.size and not zone.excluded]
        for key in empty:
            del self._zones[key]
        populated = [zone for zone in self._zones.values() if zone.size]
        new = [(zone, zone.judge(self.rates)) for zone in populated]
        is_dark = all(state is State.FULL for _, state in new)
        was_dark = all(zone.state is State.FULL for zone in populated)
        if is_dark and was_dark:
            return Review.SAME
        if is_dark:
            for zone in self._zones.values():
                zone.limit(0.0, now)
                zone.state = State.FULL
            return Review.DARK
        for zone, state in new:
            if was_dark or zone.state is not state:
                zone.limit(self.rates.of(state, zone.size), now)
                zone.state = state
        return Review.LIGHT if was_dark else Review.SAME
