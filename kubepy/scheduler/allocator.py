"""Which devices on a node satisfy a pod's claims: the first solution that trying in order finds. Pure.

One claim after the other, of each its requests, of each the devices it needs: a candidate is taken, the search goes on,
and what leads nowhere is given back. Devices of one request are only tried in their order, for another order of them is
the same solution. Of a request with alternatives (firstAvailable) the first that works is taken.

Source: staging/src/k8s.io/dynamic-resource-allocation/structured/internal/incubating/*.go.
Differs: list attributes and node allocatable resources, which are off by default, are not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from kubepy.api import cel, device_selectors
from kubepy.api.objects import Obj
from kubepy.api.quantity import Quantity
from kubepy.scheduler.devices import (
    Counters,
    Device,
    DeviceId,
    Pool,
    Taken,
    capacity_taken,
    consumed,
    counters_left,
    has_capacity,
    is_kept_off,
    matches_node,
    pools_of,
)

# How many devices one claim can have. Source: staging/src/k8s.io/api/resource/v1/types.go, AllocationResultsMaxSize.
RESULTS_MAX = 32
_NOTHING_TAKEN: Mapping[str, Quantity] = {}


class Unallocatable(Exception):
    """Something is wrong with a claim, a class or a device. Ends the decision about the pod."""


class PoolsInvalid(Exception):
    """Nothing was found, and there are pools on this node that cannot be used. Other nodes may do."""

    def __str__(self) -> str:
        return "invalid resource pools were encountered"


class OutOfTime(Exception):
    """The search took too long."""


class _TooMany(Exception):
    """What is tried would give a claim more devices than it can have."""


class Request(NamedTuple):
    """A request, or one of the alternatives of one."""

    name: str
    parent: str  # the request whose alternative it is, or ""
    device_class: Obj
    wanted: Obj  # exactly, or the alternative
    number: int  # of devices
    every: tuple[tuple[Pool, Device], ...] = ()  # with allocationMode All: these

    @property
    def full_name(self) -> str:
        return f"{self.parent}/{self.name}" if self.parent else self.name

    @property
    def is_all(self) -> bool:
        return self.wanted.get("allocationMode") == "All"

    @property
    def is_admin(self) -> bool:
        return bool(self.wanted.get("adminAccess"))

    @property
    def capacity(self) -> Mapping[str, str]:
        return (self.wanted.get("capacity") or {}).get("requests") or {}


class Chosen(NamedTuple):
    request: Request
    device: Device
    taken: Mapping[str, Quantity] | None  # of a device that is shared


class _Constraint:
    """The devices of some requests agree in an attribute, or all differ in it."""

    def __init__(self, constraint: Obj) -> None:
        self._requests = frozenset(constraint.get("requests") or ())
        self._is_same = bool(constraint.get("matchAttribute"))
        self._attribute: str = constraint.get("matchAttribute") or constraint["distinctAttribute"]
        self._values: list[Obj] = []

    def add(self, request: Request, device: Device) -> bool:
        if not self._concerns(request):
            return True
        value = attribute_of(device, self._attribute)
        if value is None:
            return False
        if self._values and any((value == other) is not self._is_same for other in self._values):
            return False
        self._values.append(value)
        return True

    def remove(self, request: Request) -> None:
        if self._concerns(request):
            self._values.pop()

    def _concerns(self, request: Request) -> bool:
        return not self._requests or bool(
            self._requests & {request.full_name, request.parent or request.name}
        )


def attribute_of(device: Device, name: str) -> Obj | None:
    """By its name with the domain; those of the driver's own may go without."""
    attributes = device.spec.get("attributes") or {}
    if name in attributes:
        found: Obj = attributes[name]
        return found
    domain, _, identifier = name.partition("/")
    return attributes.get(identifier) if domain == device.id.driver else None


class Allocator:
    """Of one decision: what is taken and which slices there are stays as it is meanwhile."""

    def __init__(
        self,
        slices: Sequence[Obj],
        classes: Callable[[str], Obj | None],
        taken: Taken,
        new_share_id: Callable[[], str],
        taint_rules: Sequence[Obj] = (),
    ) -> None:
        self.slices, self.classes, self.taken, self.new_share_id = slices, classes, taken, new_share_id
        self.taint_rules = taint_rules

    def allocate(
        self, node: Obj, claims: Sequence[Obj], is_late: Callable[[], bool] = lambda: False
    ) -> list[Obj] | None:
        """status.allocation of each claim; None: not on this node. Raises Unallocatable, PoolsInvalid, OutOfTime."""
        try:
            pools = pools_of(self.slices, node)
        except ValueError as error:
            raise Unallocatable(f"gather pool information: {error}") from None
        search = _Search(self, node, claims, pools, is_late)
        try:
            is_found = search.claim(0)
        except _TooMany:
            return None
        if not is_found:
            if any(pool.is_invalid for pool in pools):
                raise PoolsInvalid
            return None
        return [search.result(at) for at in range(len(claims))]


class _Search:
    def __init__(
        self,
        allocator: Allocator,
        node: Obj,
        claims: Sequence[Obj],
        pools: Sequence[Pool],
        is_late: Callable[[], bool],
    ) -> None:
        self._allocator, self._node, self._claims, self._pools = allocator, node, claims, pools
        self._is_late = is_late
        self._selectable: dict[tuple[int, str, DeviceId], bool] = {}
        self._in_use: dict[DeviceId, list[int]] = {}  # by which claims
        self._shared: dict[DeviceId, list[Mapping[str, Quantity]]] = {}
        self._left: dict[str, Counters] = {}
        # (claim, request) -> which of its alternatives was taken
        self._alternative: dict[tuple[int, int], Request] = {}
        self._requests = [
            [
                self._read(at, request)
                for request in (claim["spec"].get("devices") or {}).get("requests") or ()
            ]
            for at, claim in enumerate(claims)
        ]
        self._constraints = [
            [_Constraint(one) for one in (claim["spec"].get("devices") or {}).get("constraints") or ()]
            for claim in claims
        ]
        self._chosen: list[list[Chosen]] = [[] for _ in claims]
        for at, alternatives in enumerate(self._requests):
            least = sum(min(one.number for one in request) for request in alternatives)
            if least > RESULTS_MAX:
                raise Unallocatable(
                    f"claim {_key(claims[at])}: number of requested devices {least} exceeds the claim limit of "
                    f"{RESULTS_MAX}"
                )

    # -- reading claims

    def _read(self, claim: int, request: Obj) -> list[Request]:
        """Its alternatives; one if it has none."""
        name = request["name"]
        if (exactly := request.get("exactly")) is not None:
            return [self._request(claim, name, "", exactly)]
        return [self._request(claim, one["name"], name, one) for one in request.get("firstAvailable") or ()]

    def _request(self, claim: int, name: str, parent: str, wanted: Obj) -> Request:
        where = f"claim {_key(self._claims[claim])}, request {name}"
        class_name = wanted.get("deviceClassName") or ""
        device_class = self._allocator.classes(class_name)
        if device_class is None:
            raise Unallocatable(
                f'{where}: could not retrieve device class {class_name}: deviceclass.resource.k8s.io "{class_name}" '
                "not found"
            )
        found = Request(name, parent, device_class, wanted, wanted.get("count") or 1)
        if not found.is_all:
            return found
        every: list[tuple[Pool, Device]] = []
        for pool in self._pools:
            if not pool.is_usable:
                state = "being updated" if pool.is_incomplete else "invalid"
                raise Unallocatable(
                    f"{where}: asks for all devices, but resource pool {pool} is currently {state}"
                )
            every += [
                (pool, device)
                for device in pool.devices
                if self._is_selectable(claim, found, device) and self._has_capacity(found, device)
            ]
        return found._replace(number=len(every), every=tuple(every))

    # -- the search

    def claim(self, at: int) -> bool:
        """Can this claim and those after it be satisfied?"""
        if at >= len(self._claims):
            return True
        return self._next_request(at, 0)

    def _next_request(self, claim: int, at: int) -> bool:
        if at >= len(self._requests[claim]):
            try:
                return self.claim(claim + 1)
            except _TooMany:
                # With other devices for this claim the next one may need fewer.
                return False
        alternatives = self._requests[claim][at]
        if not alternatives[0].parent:
            return self._devices(claim, at, alternatives[0], 0, 0)
        is_too_many = True
        for request in alternatives:
            try:
                is_found = self._devices(claim, at, request, 0, 0)
            except _TooMany:
                continue
            is_too_many = False
            if is_found:
                self._alternative[claim, at] = request
                return True
        if is_too_many:
            raise _TooMany
        return False

    def _devices(self, claim: int, at: int, request: Request, have: int, start: int) -> bool:
        """The request has `have` devices; the others are looked for from the `start`-th candidate on."""
        if self._is_late():
            raise OutOfTime
        if request.is_all and not request.every:
            return False
        if have >= request.number:
            return self._next_request(claim, at + 1)
        if len(self._chosen[claim]) + request.number - have > RESULTS_MAX:
            raise _TooMany
        if request.is_all:
            pool, device = request.every[have]
            return self._try(claim, at, request, have, pool, device, 0, must=True)
        for index, (pool, device) in enumerate(self._candidates()):
            if index < start or not self._is_selectable(claim, request, device):
                continue
            if self._try(claim, at, request, have, pool, device, index + 1):
                return True
        return False

    def _candidates(self) -> Iterator[tuple[Pool, Device]]:
        return ((pool, device) for pool in self._pools if pool.is_usable for device in pool.devices)

    def _try(
        self,
        claim: int,
        at: int,
        request: Request,
        have: int,
        pool: Pool,
        device: Device,
        start: int,
        *,
        must: bool = False,
    ) -> bool:
        """Take the device and go on; give it back if that leads nowhere."""
        if not self._is_free(claim, request, device) or not self._has_capacity(request, device):
            return False
        is_shared = bool(device.spec.get("allowMultipleAllocations"))
        is_first = not is_shared or not (
            device.id in self._allocator.taken.capacity or self._shared.get(device.id)
        )
        uses = consumed(device.spec) if is_first else []
        if uses and not self._has_counters(pool, uses):
            return False
        if is_kept_off(device, self._allocator.taint_rules, request.wanted.get("tolerations") or ()):
            return False
        if not self._constrain(claim, request, device):
            if must:
                raise Unallocatable(
                    f"claim {_key(self._claims[claim])}, request {request.name}: cannot add device {device.id} because "
                    "a claim constraint would not be satisfied"
                )
            return False
        taken = capacity_taken(device.spec, request.capacity) if is_shared else None
        holders = self._shared.setdefault(device.id, []) if taken is not None else None
        if holders is not None and taken is not None:
            holders.append(taken)
        else:
            self._in_use.setdefault(device.id, []).append(claim)
        self._use(pool, uses, 1)
        self._chosen[claim].append(Chosen(request, device, taken))
        is_found = False
        try:
            is_found = self._devices(claim, at, request, have + 1, start)
        finally:
            if not is_found:
                self._chosen[claim].pop()
                self._use(pool, uses, -1)
                (holders if holders is not None else self._in_use[device.id]).pop()
                for constraint in self._constraints[claim]:
                    constraint.remove(request)
        return is_found

    # -- may it be this one?

    def _is_free(self, claim: int, request: Request, device: Device) -> bool:
        users = self._in_use.get(device.id) or ()
        if request.is_admin:
            return claim not in users
        return not users and device.id not in self._allocator.taken.devices

    def _has_capacity(self, request: Request, device: Device) -> bool:
        already = self._allocator.taken.capacity.get(device.id, _NOTHING_TAKEN)
        return has_capacity(device.spec, request.capacity, already, *self._shared.get(device.id, ()))

    def _has_counters(self, pool: Pool, uses: Sequence[tuple[str, str, Quantity]]) -> bool:
        left = self._left.get(str(pool))
        if left is None:
            left = self._left[str(pool)] = counters_left(pool, self._allocator.taken)
        wanted: dict[tuple[str, str], Quantity] = {}
        for group, counter, amount in uses:
            known = wanted.get((group, counter))
            wanted[group, counter] = amount if known is None else known + amount
        return all(not left[group][counter] < amount for (group, counter), amount in wanted.items())

    def _use(self, pool: Pool, uses: Sequence[tuple[str, str, Quantity]], sign: int) -> None:
        left = self._left.get(str(pool), {})
        for group, counter, amount in uses:
            left[group][counter] = left[group][counter] - (amount if sign > 0 else -amount)

    def _constrain(self, claim: int, request: Request, device: Device) -> bool:
        added: list[_Constraint] = []
        for constraint in self._constraints[claim]:
            if not constraint.add(request, device):
                for one in added:
                    one.remove(request)
                return False
            added.append(constraint)
        return True

    def _is_selectable(self, claim: int, request: Request, device: Device) -> bool:
        key = (claim, request.full_name, device.id)
        known = self._selectable.get(key)
        if known is None:
            known = self._selectable[key] = self._matches(claim, request, device)
        return known

    def _matches(self, claim: int, request: Request, device: Device) -> bool:
        device_class = request.device_class
        of_class, of_claim = (
            f"class {device_class['metadata']['name']}",
            f"claim {_key(self._claims[claim])}",
        )
        return (
            _select((device_class.get("spec") or {}).get("selectors") or (), device, of_class)
            and _select(request.wanted.get("selectors") or (), device, of_claim)
            and (
                not device.slice["spec"].get("perDeviceNodeSelection")
                or matches_node(device.spec, self._node)
            )
        )

    # -- the answer

    def result(self, at: int) -> Obj:
        """status.allocation of a claim."""
        chosen = self._chosen[at]
        devices: Obj = {"results": [self._device_result(one) for one in chosen]}
        if config := self._config(at):
            devices["config"] = config
        allocation: Obj = {"devices": devices}
        if (
            selector := _node_selector([one.device for one in chosen], self._node["metadata"]["name"])
        ) is not None:
            allocation["nodeSelector"] = selector
        return allocation

    def _device_result(self, chosen: Chosen) -> Obj:
        request, device = chosen.request, chosen.device
        found: Obj = {
            "request": request.full_name,
            "driver": device.id.driver,
            "pool": device.id.pool,
            "device": device.id.device,
        }
        if request.is_admin:
            found["adminAccess"] = True
        if tolerations := request.wanted.get("tolerations"):
            found["tolerations"] = tolerations
        for name in ("bindingConditions", "bindingFailureConditions"):
            if conditions := device.spec.get(name):
                found[name] = conditions
        if chosen.taken is not None:
            found["shareID"] = self._allocator.new_share_id()
            if chosen.taken:
                found["consumedCapacity"] = {name: str(amount) for name, amount in chosen.taken.items()}
        return found

    def _config(self, at: int) -> list[Obj]:
        """Of the classes, each once, then of the claim, as far as it concerns what was chosen."""
        found: list[Obj] = []
        by_class: dict[str, list[Obj]] = {}
        picked = [
            self._alternative.get((at, index), alternatives[0])
            for index, alternatives in enumerate(self._requests[at])
        ]
        for request in picked:
            name = request.device_class["metadata"]["name"]
            if name in by_class:
                for one in by_class[name]:
                    one["requests"].append(request.full_name)
                continue
            by_class[name] = [
                {"source": "FromClass", "requests": [request.full_name], **config}
                for config in (request.device_class.get("spec") or {}).get("config") or ()
            ]
            found += by_class[name]
        names = {name for request in picked for name in (request.full_name, request.parent)} - {""}
        for config in (self._claims[at]["spec"].get("devices") or {}).get("config") or ():
            if not config.get("requests") or names & set(config["requests"]):
                found.append({"source": "FromClaim", **config})
        return found


def _select(selectors: Sequence[Obj], device: Device, whose: str) -> bool:
    for at, selector in enumerate(selectors):
        try:
            program = device_selectors.compile_selector(selector["cel"]["expression"])
        except (cel.CompileError, cel.ResultTypeError) as error:
            raise Unallocatable(f"{whose}: selector #{at}: CEL compile error: {error}") from None
        try:
            if not device_selectors.matches(program, device.spec, device.id.driver):
                return False
        except cel.CelError as error:
            raise Unallocatable(f"{whose}: selector #{at}: CEL runtime error: {error}") from None
    return True


def _node_selector(devices: Sequence[Device], node: str) -> Obj | None:
    """Where else the pod could use them: nowhere, where all their selectors match, or (None) everywhere."""
    fields: list[Obj] = []
    expressions: list[Obj] = []
    for device in devices:
        spec = device.slice["spec"]
        where = device.spec if spec.get("perDeviceNodeSelection") else spec
        if where.get("nodeName") or device.spec.get("bindsToNode"):
            only = {"key": "metadata.name", "operator": "In", "values": [node]}
            return {"nodeSelectorTerms": [{"matchFields": [only]}]}
        for term in ((where.get("nodeSelector") or {}).get("nodeSelectorTerms") or ())[:1]:
            fields += [one for one in term.get("matchFields") or () if one not in fields]
            expressions += [one for one in term.get("matchExpressions") or () if one not in expressions]
    term = {"matchFields": fields} if fields else {}
    if expressions:
        term["matchExpressions"] = expressions
    return {"nodeSelectorTerms": [term]} if term else None


def _key(claim: Obj) -> str:
    return f"{claim['metadata'].get('namespace', '')}/{claim['metadata']['name']}"
