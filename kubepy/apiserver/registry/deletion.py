"""What a delete does to an object, decided without touching it: pure functions over the object and the options.

Source: apiserver pkg/registry/generic/registry/store.go (deletionFinalizersForGarbageCollection, markAsDeleting,
ShouldDeleteDuringUpdate), pkg/registry/rest/delete.go (BeforeDelete).
"""

from __future__ import annotations

from msgspec import Struct

from kubepy.api import errors
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.apiserver.registry.options import DeleteOptions
from kubepy.apiserver.registry.strategies.base import ORPHAN_DEPENDENTS, UNSUPPORTED, Strategy
from kubepy.lib.clock import parse_rfc3339, rfc3339

ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"


class Plan(Struct, frozen=True):
    """PENDING: being deleted already, nothing to do. MARK: write `obj`, somebody finishes. VANISH: remove it now;
    `obj` is its last state as the answer shows it."""

    action: str
    obj: Obj


PENDING, MARK, VANISH = "PENDING", "MARK", "VANISH"


def plan(strategy: Strategy, obj: Obj, options: DeleteOptions, now: float) -> Plan:
    """The top of `obj` and its metadata are the caller's own and changed in place."""
    metadata = obj["metadata"]
    is_graceful, is_pending = _begin(strategy, obj, options, now)
    if is_pending:
        return Plan(PENDING, obj)
    finalizers = keep_collector_finalizers(strategy, metadata, options)
    if is_graceful:
        # Differs: a grace period that is over removes the object in one write; upstream writes its last state first.
        if finalizers or metadata["deletionGracePeriodSeconds"] > 0:
            return Plan(MARK, obj)
        return Plan(VANISH, obj)
    if finalizers:
        _mark(metadata, now)
        return Plan(MARK, obj)
    return Plan(VANISH, obj)


def _begin(strategy: Strategy, obj: Obj, options: DeleteOptions, now: float) -> tuple[bool, bool]:
    """(graceful, already pending). Source: rest.BeforeDelete."""
    metadata = obj["metadata"]
    grace = strategy.grace_period_s(obj, options)
    if grace is None:
        return False, False
    if metadata.get("deletionTimestamp"):
        left = metadata.get("deletionGracePeriodSeconds")
        if not left:
            return False, False
        asked = options.grace_period_s
        if asked is None or asked >= left:
            return False, True
        # The period can only be shortened, and never ends in the past.
        ends = parse_rfc3339(metadata["deletionTimestamp"]) - left + asked
        if ends < now:
            ends = now
            asked = min(asked, 1)
        metadata["deletionTimestamp"] = rfc3339(ends)
        metadata["deletionGracePeriodSeconds"] = asked
        return True, False
    metadata["deletionTimestamp"] = rfc3339(now + grace)
    metadata["deletionGracePeriodSeconds"] = grace
    if metadata.get("generation"):
        metadata["generation"] += 1
    return True, False


def _mark(metadata: Obj, now: float) -> None:
    if not metadata.get("deletionTimestamp"):
        if metadata.get("generation"):
            metadata["generation"] += 1
        metadata["deletionTimestamp"] = rfc3339(now)
    elif parse_rfc3339(metadata["deletionTimestamp"]) > now:
        metadata["deletionTimestamp"] = rfc3339(now)
    metadata["deletionGracePeriodSeconds"] = 0


def keep_collector_finalizers(strategy: Strategy, metadata: Obj, options: DeleteOptions) -> list[str]:
    """Give the object the finalizers that `collector_finalizers` says it should have, and say which they are."""
    finalizers = collector_finalizers(strategy, metadata, options)
    if finalizers:
        metadata["finalizers"] = finalizers
    else:
        metadata.pop("finalizers", None)
    return finalizers


def collector_finalizers(strategy: Strategy, metadata: Obj, options: DeleteOptions) -> list[str]:
    """The finalizers the object should have, given how its dependents are to be treated; order is kept."""
    old: list[str] = metadata.get("finalizers") or []
    new = [finalizer for finalizer in old if finalizer not in (ORPHAN, FOREGROUND)]
    if strategy.garbage_collection != UNSUPPORTED:
        if _should_orphan(strategy, old, options):
            new.append(ORPHAN)
        if _should_wait_for_dependents(old, options):
            new.append(FOREGROUND)
    return old if set(new) == set(old) else new


def _should_orphan(strategy: Strategy, finalizers: list[str], options: DeleteOptions) -> bool:
    if options.orphan_dependents is not None:
        return options.orphan_dependents
    if options.propagation is not None:
        return options.propagation == "Orphan"
    for finalizer in finalizers:
        if finalizer in (ORPHAN, FOREGROUND):
            return finalizer == ORPHAN
    return strategy.garbage_collection == ORPHAN_DEPENDENTS


def _should_wait_for_dependents(finalizers: list[str], options: DeleteOptions) -> bool:
    if options.orphan_dependents is not None:
        return False
    if options.propagation is not None:
        return options.propagation == "Foreground"
    for finalizer in finalizers:
        if finalizer in (ORPHAN, FOREGROUND):
            return finalizer == FOREGROUND
    return False


def vanishes_on_update(strategy: Strategy, new: Obj, old: Obj) -> bool:
    """True if this update took away the last thing that held an object being deleted."""
    old_metadata = old["metadata"]
    return (
        not new["metadata"].get("finalizers")
        and old_metadata.get("deletionTimestamp") is not None
        and not old_metadata.get("deletionGracePeriodSeconds")
        and strategy.may_vanish(new)
    )


def check_preconditions(resource: Resource, obj: Obj, options: DeleteOptions) -> None:
    """Raises Conflict if the caller means another object or another state of it."""
    metadata = obj["metadata"]
    name = metadata.get("name", "")
    why = ""
    if options.uid is not None and options.uid != metadata.get("uid"):
        why = (
            f"the UID in the precondition ({options.uid}) does not match the UID in record ({metadata.get('uid', '')})."
            " The object might have been deleted and then recreated"
        )
    elif options.resource_version is not None and options.resource_version != metadata.get("resourceVersion"):
        why = (
            f"the ResourceVersion in the precondition ({options.resource_version}) does not match the ResourceVersion "
            f"in record ({metadata.get('resourceVersion', '')}). The object might have been modified"
        )
    if why:
        details: Obj = {"name": name, "kind": resource.kind}
        if resource.group:
            details["group"] = resource.group
        raise errors.Conflict(
            f'Operation cannot be fulfilled on {resource.group_kind} "{name}": {why}', details=details
        )
