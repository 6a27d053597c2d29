"""May a write happen under the quotas of its namespace, and what do they show as used afterwards? Pure.

Source: apiserver pkg/admission/plugin/resourcequota/controller.go CheckRequest.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from kubepy.api.objects import Obj
from kubepy.api.quota import amounts, scopes
from kubepy.api.quota.amounts import Amounts
from kubepy.api.quota.evaluators import CREATE, Evaluator


class Refused(Exception):
    """The write is forbidden; the message is the reason."""


class Uncovered(Exception):
    """Upstream's bare error for limited scopes that no quota covers: an internal error to the client."""


class Quota(Struct, frozen=True):
    """What admission looks at of a ResourceQuota: its status, for only that has been counted."""

    name: str
    requirements: tuple[Obj, ...]
    hard: Amounts
    used: Amounts


class Limited(Struct, frozen=True):
    """A resource that may be used only where a quota says how much. Source: config.LimitedResource."""

    group_resource: str  # "persistentvolumeclaims"
    contains: tuple[
        str, ...
    ] = ()  # parts of resource names: "gold.storageclass.storage.k8s.io/requests.storage"
    scopes: tuple[Obj, ...] = ()


class Write(Struct, frozen=True):
    """old: None for a create."""

    operation: str
    subresource: str
    new: Obj
    old: Obj | None


def quota_of(obj: Obj) -> Quota:
    status = obj.get("status") or {}
    return Quota(
        obj["metadata"]["name"],
        tuple(scopes.of_quota(obj.get("spec") or {})),
        amounts.parse(status.get("hard")),
        amounts.parse(status.get("used")),
    )


def check(
    quotas: Sequence[Quota], evaluator: Evaluator, write: Write, now: float, limited: Sequence[Limited] = ()
) -> list[Quota]:
    """The quotas after the write, those that it does not touch unchanged. Raises Refused, Uncovered."""
    new = write.new
    interesting = _interesting(quotas, evaluator, new)
    usage = evaluator.usage(new, now)
    if negative := amounts.negative(usage):
        raise Refused(f"quota usage is negative for resource(s): {amounts.pretty_names(negative)}")
    deltas, unclaimed = _deltas(quotas, interesting, evaluator, write, usage, now)
    if not (deltas if interesting else amounts.without_zeros(unclaimed)):
        return list(quotas)
    if limited:
        _check_covered(quotas, interesting, evaluator, new, usage, limited)
    after = list(quotas)
    for index, delta in deltas.items():
        after[index] = _charge(quotas[index], delta, write.subresource)
    return after


def claim(quota: Quota, evaluator: Evaluator, write: Write, now: float) -> Amounts:
    """What a write that may happen adds to one quota."""
    if not evaluator.matches_scopes(quota.requirements, write.new):
        return {}
    usage = evaluator.usage(write.new, now)
    deltas, _ = _deltas([quota], [0], evaluator, write, usage, now)
    return amounts.mask(deltas.get(0, {}), evaluator.matching(quota.hard))


def _interesting(quotas: Sequence[Quota], evaluator: Evaluator, new: Obj) -> list[int]:
    found = []
    for index, quota in enumerate(quotas):
        restricted = evaluator.matching(quota.hard)
        if not restricted or not evaluator.matches_scopes(quota.requirements, new):
            continue
        if missing := evaluator.missing(restricted, new):
            raise Refused(f"failed quota: {quota.name}: {missing}")
        if not restricted <= quota.used.keys():
            names = amounts.pretty_names(restricted)
            raise Refused(f"status unknown for quota: {quota.name}, resources: {names}")
        found.append(index)
    return found


def _deltas(
    quotas: Sequence[Quota],
    interesting: list[int],
    evaluator: Evaluator,
    write: Write,
    usage: Amounts,
    now: float,
) -> tuple[dict[int, Amounts], Amounts]:
    """(what each quota is to be charged, what nobody asks for); an object that a quota already counted is charged its
    growth only."""
    if write.old is None:
        charged = amounts.without_zeros(usage)
        is_create = write.operation == CREATE
        return {index: charged for index in interesting if charged}, usage if is_create else {}
    growth = amounts.subtract(usage, evaluator.usage(write.old, now))
    deltas: dict[int, Amounts] = {}
    for index in interesting:
        was_counted = evaluator.matches_scopes(quotas[index].requirements, write.old)
        if delta := amounts.without_zeros(growth if was_counted else usage):
            deltas[index] = delta
    return deltas, growth


def _charge(quota: Quota, delta: Amounts, subresource: str) -> Quota:
    requested = amounts.mask(delta, quota.hard)
    used = amounts.add(quota.used, requested)
    # The status subresource tells what is; there is nothing left to refuse.
    if subresource != "status" and (names := amounts.exceeded(amounts.mask(used, requested), quota.hard)):
        texts = (amounts.pretty(amounts.mask(each, names)) for each in (requested, quota.used, quota.hard))
        raise Refused("exceeded quota: {}, requested: {}, used: {}, limited: {}".format(quota.name, *texts))
    return replace(quota, used=used)


def _check_covered(
    quotas: Sequence[Quota],
    interesting: list[int],
    evaluator: Evaluator,
    new: Obj,
    usage: Amounts,
    limited: Sequence[Limited],
) -> None:
    restricted = {name for index in interesting for name in evaluator.matching(quotas[index].hard)}
    consumed = {
        name
        for limit in limited
        if limit.group_resource == evaluator.group_resource
        for name, amount in usage.items()
        if amount and any(part in name for part in limit.contains)
    }
    if uncovered := consumed - restricted:
        raise Refused(f"insufficient quota to consume: {amounts.pretty_names(uncovered)}")
    covered = {
        requirement["scopeName"]
        for quota in quotas
        for requirement in quota.requirements
        if evaluator.matches_scope(requirement, new)
    }
    missing = [
        scope
        for limit in limited
        for scope in limit.scopes
        if evaluator.matches_scope(scope, new) and scope["scopeName"] not in covered
    ]
    if missing:
        texts = " ".join(_go_requirement(scope) for scope in missing)
        raise Uncovered(f"insufficient quota to match these scopes: [{texts}]")


def _go_requirement(scope: Obj) -> str:
    """As %v prints a ScopedResourceSelectorRequirement."""
    return f"{{{scope['scopeName']} {scope['operator']} [{' '.join(scope.get('values') or ())}]}}"
