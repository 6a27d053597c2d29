"""What a kind may decide about its own writes; the defaults hold for nearly all of them.

The registry does what is the same for every kind (names, uids, revisions, finalizers, conflicts) and asks the strategy
about the rest. All of it is pure and in place: `prepare_*` normalise the new object before validation and may read, not
change, the old one.

Source: apiserver pkg/registry/rest/{create,update,delete}.go (the Strategy interfaces), pkg/registry/*/*/strategy.go.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct, field

from kubepy.api.objects import Obj, copy
from kubepy.api.resources import Resource
from kubepy.apiserver.registry.options import DeleteOptions
from kubepy.apiserver.request import User

DELETE_DEPENDENTS, ORPHAN_DEPENDENTS, UNSUPPORTED = "DeleteDependents", "OrphanDependents", "Unsupported"

# What makes no difference to what an object asks for.
_NOT_CONTENT = ("apiVersion", "kind", "metadata", "status")


class Moment(Struct):
    """Who writes, and when."""

    now: str  # "2026-01-01T00:00:00Z"
    user: User
    warnings: list[str] = field(default_factory=list)  # to whoever writes


# Whether this server serves a kind: fields that belong to one that it does not serve are dropped.
IsServed = Callable[[Resource], bool]


def everything(resource: Resource) -> bool:
    return True


class Strategy:
    """The behaviour of kinds that have none of their own."""

    create_on_update = False  # a PUT of what does not exist creates it
    unconditional_update = True  # an update without resourceVersion overwrites
    garbage_collection = DELETE_DEPENDENTS  # what a delete without a propagationPolicy means
    deletion_warning = ""  # to who deletes without one
    returns_deleted = False  # a delete answers with the object, not with a Status
    counts_generations = False  # metadata.generation counts changes of what is asked for
    keeps_status_on_create = False
    keeps_labels_on_status_update = False
    keeps_metadata_on_status_update = False

    def __init__(
        self, resource: Resource, empty_status: Obj | None = None, is_served: IsServed = everything
    ) -> None:
        self.resource, self.is_served = resource, is_served
        self.empty_status = empty_status  # what Go writes before anything is known: {"loadBalancer": {}}
        self.has_status = resource.subresource("status") is not None

    # -- writes ----------------------------------------------------------------------------------------------------

    def prepare_create(self, obj: Obj, moment: Moment) -> None:
        if self.has_status and not self.keeps_status_on_create:
            self.reset_status(obj)
        if self.counts_generations:
            obj["metadata"]["generation"] = 1

    def canonicalize(self, obj: Obj) -> None:
        """After validation: what an object gets when it is read back. Nothing, for most kinds."""

    def reset_status(self, obj: Obj) -> None:
        """Nothing is known yet. Clients read fields of a status without looking whether it is there."""
        if self.empty_status is None:
            obj.pop("status", None)
        else:
            obj["status"] = copy(self.empty_status)

    def prepare_update(self, new: Obj, old: Obj, moment: Moment) -> None:
        if self.has_status:
            take(new, old, "status")
        if self.counts_generations and self.is_another_wish(new, old):
            new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1

    def is_another_wish(self, new: Obj, old: Obj) -> bool:
        return content(new) != content(old)

    def prepare_subresource_update(self, subresource: str, new: Obj, old: Obj, moment: Moment) -> None:
        """An update through /status, or through another subresource that carries the whole object."""
        for name in content(new):
            if name not in old:
                del new[name]
        new |= content(old)
        if self.keeps_labels_on_status_update:
            take(new["metadata"], old["metadata"], "labels")
        if self.keeps_metadata_on_status_update:
            keep_metadata(new, old)

    # -- deletion --------------------------------------------------------------------------------------------------

    def grace_period_s(self, obj: Obj, options: DeleteOptions) -> int | None:
        """Seconds the object may live on after a delete; None if this kind is not deleted gracefully."""
        return None

    def begin_deletion(self, obj: Obj, options: DeleteOptions, moment: Moment) -> bool:
        """True if a first delete only marks the object and somebody else finishes it. Done here, in place: the top of
        `obj` and its metadata may be changed, what is below is shared."""
        return False

    def may_vanish(self, obj: Obj) -> bool:
        """False while something besides metadata.finalizers holds an object that is being deleted."""
        return True


class Unchecked(Strategy):
    """Kinds whose update without resourceVersion is refused."""

    unconditional_update = False


def content(obj: Obj) -> Obj:
    """What an object asks for: everything but identity, metadata and status."""
    return {field: value for field, value in obj.items() if field not in _NOT_CONTENT}


# Source: apimachinery meta/v1 ResetObjectMetaForStatus.
_KEPT_METADATA = ("deletionTimestamp", "generation", "labels", "annotations", "finalizers", "ownerReferences")


def keep_metadata(new: Obj, old: Obj) -> None:
    """What a client may set in metadata stays as it was."""
    for name in _KEPT_METADATA:
        take(new["metadata"], old["metadata"], name)


def take(new: Obj, old: Obj, field: str) -> None:
    """new[field] becomes what old has, or nothing."""
    if field in old:
        new[field] = old[field]
    else:
        new.pop(field, None)
