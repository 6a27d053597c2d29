"""What a namespace may use: a write that would go beyond one of its ResourceQuotas is refused, others are charged.

The charge is an update of the quota's status, compared with the state it was computed from, before the object itself is
written: so two writers never share the last free piece. Writers of one namespace that wait at the same time are
decided together, in the order they came, and charged with one update per quota.

Between its charge and its object a write is in flight (flights.py), however long that takes:

- Whoever writes another figure into a quota's status (the controller, from what it has counted) has it raised to what
  there is and what is in flight, as of this very moment. So nobody can give away what is charged and not written yet.
- A write that fails gives back what it was charged, before its client hears of it.

Promised: what is used never exceeds the limits because of writes that overlap with each other, with counts, with new
limits or with deletions; wherever the controllers run, and however long anything of it takes. Charges of a process that
died before it wrote are given back by the count at the next start.
Differs: upstream charges the same way, but believes every count, and leaves what failed to the next full one.

A namespace without quotas costs a dict look-up, and an entry while a write is in flight.

Source: apiserver pkg/admission/plugin/resourcequota/{admission,controller,resource_access}.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from kubepy.api import errors
from kubepy.api.builtins import RESOURCE_QUOTAS
from kubepy.api.objects import Document, Obj
from kubepy.api.quota import amounts, check, count, evaluators
from kubepy.api.quota.amounts import Amounts
from kubepy.api.quota.check import Limited, Quota, Refused, Uncovered
from kubepy.api.quota.evaluators import Evaluator
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import SERVER, UPDATE, Attributes, Plugin, Tools, forbidden
from kubepy.apiserver.admission.by_namespace import ByNamespace
from kubepy.apiserver.admission.flights import Flight, Flights
from kubepy.apiserver.registry.cache import ResourceCache
from kubepy.lib.aio import Tasks, gather_bounded, reported_to

# Differs: upstream gives up after three. Somebody else writes a status now and then (the controller); losing against
# it this often in a row is no accident.
_ATTEMPTS = 10


class _Entry(NamedTuple):
    document: Document
    quota: Quota


# Where each kind is to be counted, and for which resources of a quota.
_Counted = dict[Evaluator, tuple[ResourceCache, set[str]]]


class _Waiter(Struct, eq=False):
    """One write that waits for its verdict."""

    flight: Flight
    verdict: asyncio.Future[None]
    error: errors.StatusError | None = None
    is_decided: bool = False

    def decide(self, error: errors.StatusError | None = None) -> None:
        self.is_decided, self.error = True, error


class _Line(Struct):
    """The writers of one namespace."""

    # Held by whoever writes quotas from here, or reads what is charged.
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: list[_Waiter] = field(default_factory=list)
    is_served: bool = False
    users: int = 0


class ResourceQuota(Plugin):
    name = "ResourceQuota"
    validates = True

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        # What may be used only where a quota says how much; nothing unless configured.
        self.limited = _limited(tools.configuration.get(self.name) or {})
        self._catalog, self._log = tools.catalog, tools.log
        self._quotas = ByNamespace(self.lookup, RESOURCE_QUOTAS, _entry)
        self._lines: dict[str, _Line] = {}
        self._flights = Flights()
        self._tasks = Tasks(reported_to(tools.log))

    async def close(self) -> None:
        await self._tasks.close()

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        if _is_status_of_quota(operation, resource, subresource):
            return True
        if not resource.namespaced or resource.group_resource in evaluators.IGNORED:
            return False
        return operation in evaluators.of(resource.group_resource).operations(subresource)

    async def validate(self, attributes: Attributes) -> None:
        if _is_status_of_quota(attributes.operation, attributes.resource, attributes.subresource):
            # Our own charges are exact.
            if attributes.user.name != SERVER:
                await self._raise_to_what_is_used(attributes)
            return
        assert attributes.obj is not None
        evaluator = _evaluator(attributes)
        if not evaluator.handles(
            attributes.operation, attributes.subresource, attributes.obj, attributes.old
        ):
            return
        flight = Flight(attributes, await self.lookup.loaded(attributes.resource))
        if await self._quotas.of(attributes.namespace) or self.limited:
            await self._stand_in_line(flight)
        else:
            self._begin(flight)

    # -- in line -----------------------------------------------------------------------------------------------------

    async def _stand_in_line(self, flight: Flight) -> None:
        """The verdict is made by a task of its own: a writer that leaves takes nobody with it."""
        namespace = flight.attributes.namespace
        waiter = _Waiter(flight, asyncio.get_running_loop().create_future())
        with self._line(namespace) as line:
            line.waiting.append(waiter)
            if not line.is_served:
                line.is_served = True
                self._tasks.start(self._serve(namespace), name="quota_verdicts")
            await waiter.verdict

    @contextmanager
    def _line(self, namespace: str) -> Iterator[_Line]:
        line = self._lines.setdefault(namespace, _Line())
        line.users += 1
        try:
            yield line
        finally:
            line.users -= 1
            if not line.users:
                del self._lines[namespace]

    async def _serve(self, namespace: str) -> None:
        batch: list[_Waiter] = []
        with self._line(namespace) as line:
            try:
                async with line.lock:
                    while line.waiting:
                        batch, line.waiting = line.waiting, []
                        await self._decide(namespace, batch)
                        for waiter in batch:
                            await self._tell(waiter)
            finally:
                line.is_served = False
                # Cut short: nobody waits for ever.
                for waiter in (*batch, *line.waiting):
                    if not waiter.verdict.done():
                        waiter.verdict.set_exception(errors.InternalError("quotas could not be evaluated"))

    async def _tell(self, waiter: _Waiter) -> None:
        attributes, error = waiter.flight.attributes, waiter.error
        if waiter.verdict.done():
            # Who asked has left.
            if error is None and not attributes.dry_run:
                await self._give_back(attributes)
        elif error is not None:
            waiter.verdict.set_exception(error)
        else:
            self._begin(waiter.flight)
            waiter.verdict.set_result(None)

    # -- charging ----------------------------------------------------------------------------------------------------

    async def _decide(self, namespace: str, batch: list[_Waiter]) -> None:
        left: Collection[str] | None = None  # quotas that are still to be charged, None: all
        charged: set[str] = set()
        undecided = batch
        for attempt in range(1, _ATTEMPTS + 1):
            entries = await self._entries(namespace, left)
            after = self._check_all([entry.quota for entry in entries], undecided)
            await self._give_back_refused(undecided, charged)
            lost = await self._charge_all(entries, after)
            charged |= {entry.quota.name for entry in entries} - lost.keys()
            left, undecided = lost.keys(), [waiter for waiter in undecided if not waiter.is_decided]
            if not (lost and attempt < _ATTEMPTS and all(map(_may_succeed, lost.values()))):
                break
        for waiter in undecided:
            waiter.decide(next(iter(lost.values()), None))
        await self._give_back_refused(undecided, charged)

    async def _give_back_refused(self, waiters: list[_Waiter], charged: set[str]) -> None:
        """What other quotas had let them have before."""
        for waiter in waiters:
            if waiter.error is not None:
                await self._give_back(waiter.flight.attributes, charged)

    async def _entries(self, namespace: str, names: Collection[str] | None) -> list[_Entry]:
        """The quotas of these names, or all."""
        quotas = await self._quotas.of(namespace)
        return [entry for name, entry in quotas.items() if names is None or name in names]

    def _check_all(self, quotas: list[Quota], batch: list[_Waiter]) -> list[Quota]:
        """The quotas after all writes that may happen; those that may not, and those that cost nothing, are decided."""
        now = self.clock.now()
        for waiter in batch:
            attributes = waiter.flight.attributes
            try:
                after = check.check(quotas, _evaluator(attributes), _write(attributes), now, self.limited)
            except Refused as refusal:
                waiter.decide(forbidden(attributes, str(refusal)))
            except Uncovered as failure:
                waiter.decide(errors.InternalError(str(failure)))
            else:
                if attributes.dry_run or after == quotas:
                    waiter.decide()
                if not attributes.dry_run:
                    quotas = after
        return quotas

    async def _charge_all(
        self, entries: Sequence[_Entry], after: Sequence[Quota]
    ) -> dict[str, errors.StatusError]:
        """Why some could not be charged, by name: somebody else wrote them meanwhile, or deleted them."""
        charged = [
            (entry.document, new) for entry, new in zip(entries, after) if new.used != entry.quota.used
        ]
        outcomes = await gather_bounded(
            len(charged) or 1, [self._charge(document, quota) for document, quota in charged]
        )
        lost: dict[str, errors.StatusError] = {}
        for (document, _), outcome in zip(charged, outcomes):
            if isinstance(outcome, errors.StatusError):
                lost[document.key.name] = outcome
            elif isinstance(outcome, BaseException):
                raise outcome
        return lost

    async def _charge(self, document: Document, quota: Quota) -> None:
        obj: Obj = document.copy()
        obj["status"]["used"] = amounts.render(quota.used)
        await self.lookup.update_status(RESOURCE_QUOTAS, obj)

    # -- in flight ---------------------------------------------------------------------------------------------------

    def _begin(self, flight: Flight) -> None:
        if not flight.attributes.dry_run:
            self._flights.begin(flight)
            flight.attributes.on_end = partial(self._end, flight)

    async def _end(self, flight: Flight) -> None:
        attributes = flight.attributes
        if attributes.is_written:
            self._flights.end(flight)
            return
        # Has to be done, whoever leaves meanwhile.
        task = self._tasks.start(self._end_unwritten(flight), name="quota_given_back")
        if attributes.is_written is not None:
            await asyncio.shield(task)

    async def _end_unwritten(self, flight: Flight) -> None:
        attributes = flight.attributes
        if attributes.is_written is None:
            await self.lookup.settled()
        with self._line(attributes.namespace) as line:
            async with line.lock:
                # An object that is another now may be what was written by whoever left; then it has its charge.
                if attributes.is_written is False or flight.is_up:
                    await self._give_back(attributes)
                self._flights.end(flight)

    async def _give_back(self, attributes: Attributes, names: Collection[str] | None = None) -> None:
        """By the quotas of these names, or by all."""
        evaluator, write = _evaluator(attributes), _write(attributes)
        lost: dict[str, errors.StatusError] = {}
        for _ in range(_ATTEMPTS):
            entries = await self._entries(attributes.namespace, names)
            now = self.clock.now()
            claims = [check.claim(entry.quota, evaluator, write, now) for entry in entries]
            lost = await self._charge_all(
                entries, [_without(entry.quota, claim) for entry, claim in zip(entries, claims)]
            )
            if not lost:
                return
            names = lost.keys()
        self._log.warning(
            "quota_not_given_back", namespace=attributes.namespace, error=str(next(iter(lost.values()), ""))
        )

    # -- what others count -------------------------------------------------------------------------------------------

    async def _raise_to_what_is_used(self, attributes: Attributes) -> None:
        """Somebody's new figures are at least what there is, with what is in flight."""
        assert attributes.obj is not None and attributes.old is not None
        status = attributes.obj.get("status") or {}
        quota, before = check.quota_of(attributes.obj), check.quota_of(attributes.old)
        names = {name for name, amount in quota.used.items() if before.used.get(name) != amount}
        caches = await self._caches_of(names)
        if not caches:
            return
        with self._line(attributes.namespace) as line:
            while True:
                async with line.lock:
                    flights = self._flights.of(attributes.namespace)
                    landing = next((flight for flight in flights if not flight.is_up), None)
                    if landing is None:
                        used = self._used(attributes.namespace, quota, caches, flights)
                        raised = {
                            name: max(amount, used.get(name, amount)) for name, amount in quota.used.items()
                        }
                        if raised != quota.used:
                            status["used"] = status["used"] | amounts.render(
                                {
                                    name: amount
                                    for name, amount in raised.items()
                                    if amount != quota.used[name]
                                }
                            )
                        return
                await landing.over()

    async def _caches_of(self, names: set[str]) -> _Counted:
        """What has to be counted for which of these; what is not served here is for others to count."""
        rows = {row.group_resource: row for row in self._catalog if row.namespaced}
        return {
            evaluator: (await self.lookup.loaded(rows[evaluator.group_resource]), counted)
            for evaluator, counted in count.by_evaluator(names).items()
            if evaluator.group_resource in rows
        }

    def _used(self, namespace: str, quota: Quota, caches: _Counted, flights: list[Flight]) -> Amounts:
        total: Amounts = {}
        now = self.clock.now()
        for evaluator, (cache, names) in caches.items():
            documents = cache.documents(namespace)
            total = amounts.add(total, count.used(evaluator, documents, quota.requirements, names, now))
        for flight in flights:
            total = amounts.add(
                total, check.claim(quota, _evaluator(flight.attributes), _write(flight.attributes), now)
            )
        return total


def _may_succeed(error: errors.StatusError) -> bool:
    """Next time: somebody else wrote the quota meanwhile, or deleted it."""
    return isinstance(error, (errors.Conflict, errors.NotFound))


def _without(quota: Quota, claim: Amounts) -> Quota:
    return replace(quota, used=amounts.subtract(quota.used, amounts.mask(claim, quota.used)))


def _evaluator(attributes: Attributes) -> Evaluator:
    return evaluators.of(attributes.resource.group_resource)


def _write(attributes: Attributes) -> check.Write:
    assert attributes.obj is not None
    return check.Write(attributes.operation, attributes.subresource, attributes.obj, attributes.old)


def _is_status_of_quota(operation: str, resource: Resource, subresource: str) -> bool:
    return (
        operation == UPDATE
        and subresource == "status"
        and resource.group_resource == RESOURCE_QUOTAS.group_resource
    )


def _limited(configuration: Obj) -> tuple[Limited, ...]:
    """Of a ResourceQuotaConfiguration. Source: resourcequota/apis/resourcequota/v1/types.go."""
    return tuple(
        Limited(
            ".".join(filter(None, (one.get("resource") or "", one.get("apiGroup") or ""))),
            tuple(one.get("matchContains") or ()),
            tuple(one.get("matchScopes") or ()),
        )
        for one in configuration.get("limitedResources") or ()
    )


def _entry(document: Document) -> _Entry:
    return _Entry(document, check.quota_of(document.obj))
