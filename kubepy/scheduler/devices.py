"""Devices that nodes have, as ResourceSlices tell of them: pools, what of them is taken, capacities and counters. Pure.

A pool is what one driver offers under one name, spread over slices; of its generations only the newest counts. One that
does not have all its slices yet is incomplete, one that contradicts itself invalid: neither gives devices.

Source: staging/src/k8s.io/dynamic-resource-allocation/structured/internal/incubating/{pools,consumable_capacity}.go,
pkg/scheduler/framework/plugins/dynamicresources/allocateddevices.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct, field

from kubepy.api import device_taints, placement, quantity
from kubepy.api.device_capacity import Steps
from kubepy.api.objects import Obj
from kubepy.api.quantity import Quantity

_ZERO = quantity.of_value(0)


class DeviceId(NamedTuple):
    driver: str
    pool: str
    device: str

    def __str__(self) -> str:
        return f"{self.driver}/{self.pool}/{self.device}"


class Taken(Struct):
    """What claims have of the devices already."""

    devices: set[DeviceId] = field(default_factory=set)
    # Of devices that several claims may have a part of: capacity name -> how much of it is taken.
    capacity: dict[DeviceId, dict[str, Quantity]] = field(default_factory=dict)
    _shares: dict[DeviceId, int] = field(default_factory=dict)

    def add(self, allocation: Obj) -> None:
        for device, is_shared, amounts in _taken_by(allocation):
            if not is_shared:
                self.devices.add(device)
                continue
            self._shares[device] = self._shares.get(device, 0) + 1
            known = self.capacity.setdefault(device, {})
            for name, amount in amounts.items():
                known[name] = known.get(name, _ZERO) + amount

    def remove(self, allocation: Obj) -> None:
        """Of what was added."""
        for device, is_shared, amounts in _taken_by(allocation):
            if not is_shared:
                self.devices.discard(device)
                continue
            self._shares[device] -= 1
            if not self._shares[device]:
                del self._shares[device], self.capacity[device]
                continue
            known = self.capacity[device]
            for name, amount in amounts.items():
                known[name] = known[name] - amount


def _taken_by(allocation: Obj) -> Iterator[tuple[DeviceId, bool, dict[str, Quantity]]]:
    """(device, is only a part of it taken, how much); who looks on with admin access takes nothing."""
    for result in (allocation.get("devices") or {}).get("results") or ():
        if not result.get("adminAccess"):
            amounts = {n: quantity.parse(a) for n, a in (result.get("consumedCapacity") or {}).items()}
            yield (
                DeviceId(result["driver"], result["pool"], result["device"]),
                bool(result.get("shareID")),
                amounts,
            )


class Device(NamedTuple):
    """A device where it can be had."""

    id: DeviceId
    spec: Obj
    slice: Obj


Counters = dict[str, dict[str, Quantity]]  # counter set -> counter -> how much there is


class Pool(Struct):
    """What one node can have of a pool."""

    driver: str
    name: str
    devices: list[Device] = field(default_factory=list)  # on this node, in the order in which they are tried
    elsewhere: list[Device] = field(default_factory=list)  # they use up shared counters, too
    counters: Counters = field(default_factory=dict)
    is_incomplete: bool = False
    is_invalid: bool = False

    def __str__(self) -> str:
        return f"{self.driver}/{self.name}"

    @property
    def is_usable(self) -> bool:
        return not self.is_incomplete and not self.is_invalid

    @property
    def has_binding_conditions(self) -> bool:
        return any(device.spec.get("bindingConditions") for device in self.devices)


def pools_of(slices: Iterable[Obj], node: Obj) -> list[Pool]:
    """In the order in which they are tried: by driver and name, those whose devices have to be waited for last.
    Raises ValueError for a node selector that is none. Source: GatherPools."""
    by_pool: dict[tuple[str, str], list[Obj]] = {}
    for one in slices:
        spec = one["spec"]
        by_pool.setdefault((spec["driver"], spec["pool"]["name"]), []).append(one)
    pools = []
    for (driver, name), every in sorted(by_pool.items()):
        newest = max(one["spec"]["pool"].get("generation", 0) for one in every)
        current = [one for one in every if one["spec"]["pool"].get("generation", 0) == newest]
        here = [one for one in current if _is_relevant(one["spec"], node)]
        if here:
            pools.append(_pool(driver, name, here, current))
    return sorted(pools, key=lambda pool: pool.has_binding_conditions)


def matches_node(where: Obj, node: Obj) -> bool:
    """`where` is the spec of a slice, or a device. Source: NodeMatches."""
    if name := where.get("nodeName"):
        return bool(node["metadata"]["name"] == name)
    if where.get("allNodes"):
        return True
    selector = where.get("nodeSelector")
    return selector is not None and placement.node_selector(selector).matches(node)


def _is_relevant(spec: Obj, node: Obj) -> bool:
    if spec.get("sharedCounters"):
        return True  # without them nothing of the pool can be had
    if spec.get("perDeviceNodeSelection"):
        return any(matches_node(device, node) for device in spec.get("devices") or ())
    return matches_node(spec, node)


def _pool(driver: str, name: str, here: Sequence[Obj], current: Sequence[Obj]) -> Pool:
    if len(current) != here[0]["spec"]["pool"]["resourceSliceCount"]:
        return Pool(driver, name, is_incomplete=True)
    in_order = sorted(here, key=lambda one: str(one["metadata"]["name"]))
    pool = Pool(driver, name, _devices(driver, name, in_order))
    kept = {one["metadata"]["name"] for one in here}
    pool.elsewhere = _devices(driver, name, [one for one in current if one["metadata"]["name"] not in kept])
    names = [device.id for device in pool.devices]
    pool.is_invalid = len(names) != len(set(names))
    for one in in_order:
        for counters in one["spec"].get("sharedCounters") or ():
            pool.is_invalid |= counters["name"] in pool.counters
            pool.counters[counters["name"]] = {
                counter: quantity.parse(found["value"]) for counter, found in counters["counters"].items()
            }
    used = (counter for device in (*pool.devices, *pool.elsewhere) for counter in consumed(device.spec))
    pool.is_invalid |= any(counter not in pool.counters.get(group, {}) for group, counter, _ in used)
    return pool


def _devices(driver: str, pool: str, slices: Sequence[Obj]) -> list[Device]:
    return [
        Device(DeviceId(driver, pool, device["name"]), device, one)
        for one in slices
        for device in one["spec"].get("devices") or ()
    ]


# -- counters ----------------------------------------------------------------------------------------------------


def consumed(device: Obj) -> list[tuple[str, str, Quantity]]:
    """(counter set, counter, how much of it the device uses up while somebody has it)."""
    return [
        (use["counterSet"], name, quantity.parse(counter["value"]))
        for use in device.get("consumesCounters") or ()
        for name, counter in (use.get("counters") or {}).items()
    ]


def counters_left(pool: Pool, taken: Taken) -> Counters:
    """What allocated devices leave. May be less than nothing, which is nothing."""
    left = {group: dict(counters) for group, counters in pool.counters.items()}
    for device in (*pool.devices, *pool.elsewhere):
        if device.id in taken.devices or device.id in taken.capacity:
            for group, counter, amount in consumed(device.spec):
                left[group][counter] = left[group][counter] - amount
    return left


# -- capacity ----------------------------------------------------------------------------------------------------


def capacity_taken(device: Obj, requests: Mapping[str, str]) -> dict[str, Quantity]:
    """What a request takes of a device that it may have to share. Source: GetConsumedCapacityFromRequest."""
    return {
        name: _amount_taken(quantity.parse(requests[name]) if name in requests else None, capacity)
        for name, capacity in (device.get("capacity") or {}).items()
    }


def has_capacity(device: Obj, requests: Mapping[str, str], *taken: Mapping[str, Quantity]) -> bool:
    """Is enough left besides what is `taken`, and the request one that the device allows?

    Source: CmpRequestOverCapacity.
    """
    capacities = device.get("capacity") or {}
    if any(name not in capacities for name in requests):
        return False
    for name, amount in capacity_taken(device, requests).items():
        if _violates(amount, capacities[name].get("requestPolicy")):
            return False
        for already in taken:
            amount = amount + already.get(name, _ZERO)
        if quantity.parse(capacities[name]["value"]) < amount:
            return False
    return True


def _amount_taken(requested: Quantity | None, capacity: Obj) -> Quantity:
    policy = capacity.get("requestPolicy") or {}
    if requested is None:
        return quantity.parse(policy.get("default") or capacity["value"])
    allowed = policy.get("validRange") or {}
    if "min" in allowed:
        return _rounded_up(requested, allowed)
    for value in policy.get("validValues") or ():
        if not quantity.parse(value) < requested:
            return quantity.parse(value)
    return requested


def _rounded_up(requested: Quantity, allowed: Obj) -> Quantity:
    least = quantity.parse(allowed["min"])
    if requested < least:
        return least
    if "step" not in allowed:
        return requested
    return Steps(allowed).next_from(requested)


def _violates(amount: Quantity, policy: Obj | None) -> bool:
    if not policy or ("default" in policy and amount == quantity.parse(policy["default"])):
        return False
    if (allowed := policy.get("validRange")) is not None:
        if "max" in allowed and quantity.parse(allowed["max"]) < amount:
            return True
        return "step" in allowed and not Steps(allowed).is_on_one(amount)
    values = policy.get("validValues") or ()
    return bool(values) and all(amount != quantity.parse(value) for value in values)


# -- taints ------------------------------------------------------------------------------------------------------


def is_kept_off(device: Device, rules: Sequence[Obj], tolerations: Sequence[Obj]) -> bool:
    """A taint, its driver's or one of a DeviceTaintRule, keeps those away that do not tolerate it."""
    taints = list(device.spec.get("taints") or ())
    taints += [rule["spec"]["taint"] for rule in rules if device_taints.selects(rule, *device.id)]
    return any(
        taint.get("effect") in ("NoSchedule", "NoExecute")
        and not any(device_taints.tolerates(toleration, taint) for toleration in tolerations)
        for taint in taints
    )
