"""Hints of EndpointSlices: which zones, or which nodes, each endpoint is meant to serve.

Two things ask for them. A Service with `trafficDistribution` wants its clients to stay close: each ready endpoint is
hinted to its own zone, with PreferSameNode to its own node as well (`prefer_close`). A Service with the annotation
service.kubernetes.io/topology-mode: Auto wants the zones to get endpoints in proportion to the CPUs of their nodes
(`Topology`): each endpoint starts in its own zone, and zones with too many give some to those with too few; where no
zone can get its share without being overloaded by more than a fifth, there are no hints at all.

All of it looks at one address family of one Service, after the endpoints were put into slices. Slices from the cache
are read-only, so a slice that gets other hints is a copy.

Source: kubernetes 1.36 staging/src/k8s.io/endpointslice/{trafficdist,topologycache}/*.go.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct, field

from kubepy.api import objects, quantity
from kubepy.api.objects import Key, Obj
from kubepy.controllers.job_facts import Event

ZONE = "topology.kubernetes.io/zone"
_CLOSE = ("PreferClose", "PreferSameZone", "PreferSameNode")
_MODES = ("service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode")
_EXCLUDED = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")

# Source: topologycache.go, overloadThreshold.
_OVERLOAD = 0.2


class Family(Struct):
    """What becomes of the slices of one address family. Those of `unchanged` belong to the cache."""

    create: list[Obj] = field(default_factory=list)
    update: list[Obj] = field(default_factory=list)
    unchanged: list[Obj] = field(default_factory=list)

    def rewrite(self, hinted: Callable[[Obj], Obj]) -> None:
        """Every endpoint as `hinted` has it; an unchanged slice of which that is not true is updated."""
        self.create = [_rewritten(each, hinted) for each in self.create]
        self.update = [_rewritten(each, hinted) for each in self.update]
        rewritten = [(each, _rewritten(each, hinted)) for each in self.unchanged]
        self.unchanged = [old for old, new in rewritten if new is old]
        self.update += [new for old, new in rewritten if new is not old]


def _rewritten(slice_: Obj, hinted: Callable[[Obj], Obj]) -> Obj:
    """The slice itself if nothing changes."""
    before = slice_.get("endpoints") or []
    after = [hinted(endpoint) for endpoint in before]
    return slice_ if after == before else slice_ | {"endpoints": after}


def wants_topology(service: Obj) -> bool:
    """Source: hintsEnabled; the older annotation goes first."""
    annotations = objects.annotations_of(service)
    mode = next((annotations[name] for name in _MODES if name in annotations), None)
    return mode in ("Auto", "auto")


def is_ready(endpoint: Obj) -> bool:
    return bool((endpoint.get("conditions") or {}).get("ready"))


def bare(endpoint: Obj) -> Obj:
    if "hints" not in endpoint:
        return endpoint
    return {name: value for name, value in endpoint.items() if name != "hints"}


def prefer_close(distribution: str) -> Callable[[Obj], Obj]:
    """For `rewrite`. Endpoints that are not ready keep what they have. Source: preferCloseHeuristic."""

    def hinted(endpoint: Obj) -> Obj:
        if not is_ready(endpoint):
            return endpoint
        hints: Obj = {}
        if endpoint.get("zone"):
            hints["forZones"] = [{"name": endpoint["zone"]}]
        if distribution == "PreferSameNode" and endpoint.get("nodeName"):
            hints["forNodes"] = [{"name": endpoint["nodeName"]}]
        return bare(endpoint) | ({"hints": hints} if hints else {})

    return hinted


class _Share(Struct, frozen=True):
    """How many endpoints a zone gets."""

    minimum: int
    maximum: int
    desired: float


class NoHints(Exception):
    """Why there are none."""


class Topology:
    """How the CPUs of the nodes lie in zones, and which Services have hints after that."""

    def __init__(self) -> None:
        self._ratios: dict[str, float] = {}
        self._given: dict[Key, dict[str, dict[str, int]]] = {}  # endpoints by zone, by Service and family
        self._hinted: set[Key] = set()

    def set_nodes(self, nodes: Iterable[Obj]) -> None:
        self._ratios = cpu_ratios(nodes)

    @property
    def is_used(self) -> bool:
        return bool(self._given)

    def overloaded(self) -> list[Key]:
        """The Services that have too few endpoints in some zone as the nodes are now. Source: GetOverloadedServices."""
        return [
            key
            for key, families in self._given.items()
            if any(_is_overloaded(by_zone, self._ratios) for by_zone in families.values())
        ]

    def forget(self, key: Key, family: str | None = None) -> None:
        families = self._given.get(key, {})
        if family is None:
            families.clear()
        families.pop(family or "", None)
        if not families:
            self._given.pop(key, None)
        self._hinted.discard(key)

    def hint(self, key: Key, service: Obj, family: str, slices: Family) -> list[Event]:
        """Give the slices the hints that the Service asks for, and say what is new about that.

        Source: the end of reconcileByAddressType.
        """
        distribution = service["spec"].get("trafficDistribution")
        if wants_topology(service):
            return self._spread(key, family, slices)
        events = []
        if key in self._hinted:
            text = f"Topology Aware Hints has been disabled, addressType: {family}"
            events.append(Event("Warning", "TopologyAwareHintsDisabled", text))
        self.forget(key, family)
        slices.rewrite(prefer_close(distribution) if distribution in _CLOSE else bare)
        return events

    def _spread(self, key: Key, family: str, slices: Family) -> list[Event]:
        """Source: AddHints."""
        try:
            by_zone = spread(slices, self._ratios)
        except NoHints as error:
            self.forget(key, family)
            slices.rewrite(bare)
            return [Event("Warning", "TopologyAwareHintsDisabled", f"{error}, addressType: {family}")]
        is_new = key not in self._hinted
        self._given.setdefault(key, {})[family] = by_zone
        self._hinted.add(key)
        text = f"Topology Aware Hints has been enabled, addressType: {family}"
        return [Event("Normal", "TopologyAwareHintsEnabled", text)] if is_new else []


def cpu_ratios(nodes: Iterable[Obj]) -> dict[str, float]:
    """Each zone's share of the CPUs of all ready nodes; empty if a node does not say enough. Source: SetNodes."""
    by_zone: dict[str, int] = {}
    for node in nodes:
        labels = objects.labels_of(node)
        if any(name in labels for name in _EXCLUDED) or not objects.is_condition_true(node, "Ready"):
            continue
        zone = labels.get(ZONE)
        cpu = quantity.milli((node["status"].get("allocatable") or {}).get("cpu", 0))
        if not zone or not cpu:
            return {}
        by_zone[zone] = by_zone.get(zone, 0) + cpu
    total = sum(by_zone.values())
    return {zone: cpu / total for zone, cpu in sorted(by_zone.items())} if len(by_zone) > 1 else {}


def spread(slices: Family, ratios: Mapping[str, float]) -> dict[str, int]:
    """Hint every ready endpoint to a zone: (endpoints by zone). Raises NoHints. Source: AddHints."""
    everything = [*slices.create, *slices.update, *slices.unchanged]
    count = sum(is_ready(endpoint) for each in everything for endpoint in each.get("endpoints") or ())
    shares = _shares(ratios, count)
    given: dict[str, int] = {}
    kept = []
    for each in slices.unchanged:
        present = _hinted_zones(each, given, shares)
        if present is None:
            slices.update.append(each)
            continue
        kept.append(each)
        for zone, number in present.items():
            given[zone] = given.get(zone, 0) + number
    slices.unchanged = kept

    def at_home(endpoint: Obj) -> Obj:
        if not is_ready(endpoint):
            return endpoint
        zone: str = endpoint.get("zone") or ""
        if not zone:
            raise NoHints("One or more endpoints do not have a zone specified")
        given[zone] = given.get(zone, 0) + 1
        return _for_zone(endpoint, zone)

    slices.create = [_rewritten(each, at_home) for each in slices.create]
    slices.update = [_rewritten(each, at_home) for each in slices.update]
    giving, receiving = _moves(shares, given)

    def moved(endpoint: Obj) -> Obj:
        zone: str = endpoint.get("zone") or ""
        if not is_ready(endpoint) or not giving.get(zone) or not receiving:
            return endpoint
        target = next(iter(receiving))
        for moves, name, step in ((giving, zone, -1), (receiving, target, 1)):
            moves[name] -= 1
            if not moves[name]:
                del moves[name]
            given[name] = given.get(name, 0) + step
        return _for_zone(endpoint, target)

    slices.create = [_rewritten(each, moved) for each in slices.create]
    slices.update = [_rewritten(each, moved) for each in slices.update]
    if not given:
        raise NoHints("No hints allocated for zones")
    return given


def _for_zone(endpoint: Obj, zone: str) -> Obj:
    return endpoint | {"hints": {"forZones": [{"name": zone}]}}


def _shares(ratios: Mapping[str, float], count: int) -> dict[str, _Share]:
    """Source: getAllocations."""
    zones = f"({count} endpoints, {len(ratios)} zones)"
    if not ratios:
        raise NoHints(
            "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes"
        )
    if len(ratios) > count:
        raise NoHints(f"Insufficient number of endpoints {zones}")
    minima = {zone: math.ceil(ratio * count * (1 / (1 + _OVERLOAD))) for zone, ratio in ratios.items()}
    spare = count - sum(minima.values())
    if spare < 0:
        text = (
            "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold"
        )
        raise NoHints(f"{text} {zones}")
    return {
        zone: _Share(minimum, minimum + spare, max(ratios[zone] * count, minimum))
        for zone, minimum in minima.items()
    }


def _hinted_zones(
    slice_: Obj, given: Mapping[str, int], shares: Mapping[str, _Share]
) -> dict[str, int] | None:
    """How many endpoints of an unchanged slice each zone has; None if it has to change. Source: getHintsByZone."""
    found: dict[str, int] = {}
    for endpoint in slice_.get("endpoints") or ():
        if not is_ready(endpoint):
            continue
        zones = [each["name"] for each in (endpoint.get("hints") or {}).get("forZones") or ()]
        if not zones or any(zone not in shares for zone in zones):
            return None
        for zone in zones:
            found[zone] = found.get(zone, 0) + 1
    if any(number + given.get(zone, 0) > shares[zone].maximum for zone, number in found.items()):
        return None
    return found


def _moves(shares: Mapping[str, _Share], given: Mapping[str, int]) -> tuple[dict[str, int], dict[str, int]]:
    """(how many endpoints zones give, how many they receive). Source: getGivingAndReceivingZones."""
    surplus = {zone: given.get(zone, 0) - share.desired for zone, share in shares.items()}
    excess = {zone: number for zone, number in surplus.items() if number > 0}
    lack = {zone: -number for zone, number in surplus.items() if number < 0}
    giving: dict[str, int] = {}
    receiving: dict[str, int] = {}
    while excess and lack:
        giver, taker = max(excess, key=excess.__getitem__), max(lack, key=lack.__getitem__)
        most, least = max(excess[giver], lack[taker]), min(excess[giver], lack[taker])
        if most < 1 or least < 0.5:
            break
        giving[giver], receiving[taker] = giving.get(giver, 0) + 1, receiving.get(taker, 0) + 1
        excess[giver] -= 1
        lack[taker] -= 1
    return giving, receiving


def _is_overloaded(by_zone: Mapping[str, int], ratios: Mapping[str, float]) -> bool:
    """Source: serviceOverloaded."""
    if not by_zone:
        return False
    total = sum(by_zone.values())
    return not ratios or any(
        by_zone.get(zone, 0) < math.ceil(total * ratio * (1 / (1 + _OVERLOAD))) or zone not in by_zone
        for zone, ratio in ratios.items()
    )
