"""What a controller hears of the pods it makes: whose they are, who might adopt them, and what was expected of them.

    self.owned = OwnedPods("DaemonSet", self.sets, self.expectations, adopters=...)
    self.owned.follow(self.pods)                  # ticks off expectations, before anybody is woken
    self.watch(PODS, self.owned.keys)             # wakes the owners

Source: kubernetes 1.36, what addPod, updatePod and deletePod of pkg/controller/{daemon,job,replicaset,statefulset}
have in common.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kubepy.api import objects
from kubepy.api.objects import Document, Key, Obj
from kubepy.client.controller import owner_key
from kubepy.client.expectations import Expectations
from kubepy.client.informer import Informer
from kubepy.controllers import ownership


class OwnedPods:
    """kind: of the owners. owners: their informer; None: a pod belongs to whoever has the name it refers to, for owners
    whose pods keep their names. adopters: who would take an orphan that is new or has changed."""

    def __init__(
        self,
        kind: str,
        owners: Informer | None,
        expectations: Expectations,
        *,
        adopters: Callable[[Obj], Iterable[Key]],
    ) -> None:
        self._kind, self._owners, self._expectations = kind, owners, expectations
        self._adopters = adopters
        self._owner_keys = owner_key(kind)

    def follow(self, pods: Informer) -> None:
        pods.add_handler(on_add=self._added, on_update=self._updated, on_delete=self._deletion_seen)

    def keys(self, document: Document, old: Document | None) -> list[Key]:
        """A pod's owner, before and after; an orphan's possible adopters when it may newly match."""
        keys = list(self._owner_keys(document, old))
        if objects.controller_of(document.obj) is None and ownership.may_be_adopted(document.obj, old):
            keys += self._adopters(document.obj)
        return keys

    def owner_of(self, document: Document) -> Key | None:
        reference = objects.controller_of(document.obj)
        if reference is None or reference["kind"] != self._kind:
            return None
        key = Key(document.key.namespace, reference["name"])
        if self._owners is None:
            return key
        owner = self._owners.get(key)
        return key if owner is not None and objects.uid_of(owner) == reference["uid"] else None

    def _added(self, document: Document) -> None:
        if objects.is_deleting(document.obj):
            # After a restart a pod may first be seen on its way out: no creation that anybody waits for.
            self._deletion_seen(document)
        elif (key := self.owner_of(document)) is not None:
            self._expectations.creation_observed(key)

    @objects.about("metadata.deletionTimestamp")
    def _updated(self, old: Document, document: Document) -> None:
        if objects.is_deleting(document.obj):
            self._deletion_seen(document)

    def _deletion_seen(self, document: Document) -> None:
        if (key := self.owner_of(document)) is not None:
            self._expectations.deletion_observed(key, document.key)
