"""What a namespace may use: a write that would go beyond one of its ResourceQuotas is refused, others are charged.

The charge is an update of the quota's status, compared with the state it was computed from, before the object itself is
written: so two writers never share the last free piece. Writers of one namespace that wait at the same time are
decided together, in the order they came, and charged with one update per quota.

A namespace without quotas costs a dict look-up. What a write was charged for and did not get (it failed after
admission) is given back by the controller's next full count.

Source: apiserver pkg/admission/plugin/resourcequota/{admission,controller,resource_access}.go.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from msgspec import Struct, field

from kubepy.api import errors
from kubepy.api.builtins import RESOURCE_QUOTAS
from kubepy.api.objects import Document, Obj
from kubepy.api.quota import amounts, check, evaluators
from kubepy.api.quota.check import Limited, Quota, Refused, Uncovered
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import Attributes, Plugin, Tools, forbidden
from kubepy.apiserver.admission.by_namespace import ByNamespace
from kubepy.lib.aio import gather_bounded

# Differs: upstream gives up after three. Somebody else writes a status now and then (the controller); losing against
# it this often in a row is no accident.
_ATTEMPTS = 10


class _Entry(NamedTuple):
    document: Document
    quota: Quota


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


class _Waiter(Struct, eq=False):
    """One write that waits for its verdict."""

    attributes: Attributes
    error: errors.StatusError | None = None
    is_decided: bool = False

    def decide(self, error: errors.StatusError | None = None) -> None:
        self.is_decided, self.error = True, error


class _Line(Struct):
    """The writers of one namespace."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: list[_Waiter] = field(default_factory=list)
    users: int = 0


class ResourceQuota(Plugin):
    name = "ResourceQuota"
    validates = True

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        # What may be used only where a quota says how much; nothing unless configured.
        self.limited = _limited(tools.configuration.get(self.name) or {})
        self._quotas = ByNamespace(self.lookup, RESOURCE_QUOTAS, _entry)
        self._lines: dict[str, _Line] = {}

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        if not resource.namespaced or resource.group_resource in evaluators.IGNORED:
            return False
        return operation in evaluators.of(resource.group_resource).operations(subresource)

    async def validate(self, attributes: Attributes) -> None:
        if not (await self._quotas.of(attributes.namespace) or self.limited):
            return
        assert attributes.obj is not None
        evaluator = evaluators.of(attributes.resource.group_resource)
        if evaluator.handles(attributes.operation, attributes.subresource, attributes.obj, attributes.old):
            await self._stand_in_line(attributes)

    async def _stand_in_line(self, attributes: Attributes) -> None:
        namespace = attributes.namespace
        line = self._lines.setdefault(namespace, _Line())
        waiter = _Waiter(attributes)
        line.waiting.append(waiter)
        line.users += 1
        try:
            async with line.lock:
                # Whoever is first decides for all who wait.
                if not waiter.is_decided:
                    await self._decide_all(namespace, line)
        finally:
            line.users -= 1
            if waiter in line.waiting:
                line.waiting.remove(waiter)
            if not line.users:
                del self._lines[namespace]
        if waiter.error is not None:
            raise waiter.error

    async def _decide_all(self, namespace: str, line: _Line) -> None:
        batch, line.waiting = line.waiting, []
        try:
            await self._decide(namespace, batch)
        finally:
            # Cut short: those behind decide for themselves.
            line.waiting[:0] = [waiter for waiter in batch if not waiter.is_decided]

    async def _decide(self, namespace: str, batch: list[_Waiter]) -> None:
        left: set[str] | None = None  # quotas that are still to be charged, None: all
        error: errors.StatusError | None = None
        for _ in range(_ATTEMPTS):
            entries = [
                entry
                for name, entry in (await self._quotas.of(namespace)).items()
                if left is None or name in left
            ]
            after = self._check_all([entry.quota for entry in entries], batch)
            lost = await self._charge_all(entries, after)
            left, error = set(lost), next(iter(lost.values()), None)
            if not left:
                break
        for waiter in batch:
            if not waiter.is_decided:
                waiter.decide(error)

    async def _charge_all(self, entries: list[_Entry], after: list[Quota]) -> dict[str, errors.StatusError]:
        """The quotas that somebody else wrote meanwhile, or deleted, by name."""
        charged = [
            (entry.document, new) for entry, new in zip(entries, after) if new.used != entry.quota.used
        ]
        outcomes = await gather_bounded(
            len(charged) or 1, [self._charge(document, quota) for document, quota in charged]
        )
        lost: dict[str, errors.StatusError] = {}
        for (document, _), outcome in zip(charged, outcomes):
            if isinstance(outcome, (errors.Conflict, errors.NotFound)):
                lost[document.key.name] = outcome
            elif isinstance(outcome, BaseException):
                raise outcome
        return lost

    def _check_all(self, quotas: list[Quota], batch: list[_Waiter]) -> list[Quota]:
        """The quotas after all writes that may happen; those that may not, and those that cost nothing, are decided."""
        now = self.clock.now()
        for waiter in batch:
            if waiter.is_decided:
                continue
            attributes = waiter.attributes
            assert attributes.obj is not None
            write = check.Write(attributes.operation, attributes.subresource, attributes.obj, attributes.old)
            evaluator = evaluators.of(attributes.resource.group_resource)
            try:
                after = check.check(quotas, evaluator, write, now, self.limited)
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

    async def _charge(self, document: Document, quota: Quota) -> None:
        obj: Obj = document.copy()
        obj["status"]["used"] = amounts.render(quota.used)
        await self.lookup.update_status(RESOURCE_QUOTAS, obj)


def _entry(document: Document) -> _Entry:
    return _Entry(document, check.quota_of(document.obj))
