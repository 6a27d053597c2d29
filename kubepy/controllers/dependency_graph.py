"""Who depends on whom, for the garbage collector: a graph of all objects, kept from their metadata alone.

A node is one object by its uid. It is observed when an informer has shown it, and virtual while it is only known from
somebody's ownerReferences; then its coordinates are a guess of its dependents, who may disagree. Each change tells
`Sink` what there is to do; the graph itself never asks the server anything.

    check(node)    virtual: find out whether it exists
    delete(node)   its owners, or what waits for it, changed: see whether it has to go
    orphan(node)   it is being deleted, and its dependents are to be set free first

Promised: one change costs O(its ownerReferences), and O(dependents) only when an owner goes or starts to wait for them.
An object without owners and dependents costs some 350 bytes, one with an owner some 550.

Source: kubernetes 1.36 pkg/controller/garbagecollector/{graph,graph_builder}.go.
"""

from __future__ import annotations

from collections.abc import Iterable, KeysView, Sequence
from sys import intern
from typing import NamedTuple, Protocol

from msgspec import Struct

from kubepy.api.objects import Obj

ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"


class Identity(NamedTuple):
    """The full coordinates of an object. The order of the fields is the one in which alternatives are tried."""

    kind: str
    api_version: str
    namespace: str  # "" for cluster-scoped ones
    name: str
    uid: str

    def __str__(self) -> str:
        return f"[{self.api_version}/{self.kind}, namespace: {self.namespace}, name: {self.name}, uid: {self.uid}]"


class Reference(NamedTuple):
    """One ownerReference."""

    kind: str
    api_version: str
    name: str
    uid: str
    blocks: bool  # blockOwnerDeletion

    @classmethod
    def of(cls, reference: Obj) -> Reference:
        return cls(
            intern(reference.get("kind", "")),
            intern(reference.get("apiVersion", "")),
            reference.get("name", ""),
            reference.get("uid", ""),
            bool(reference.get("blockOwnerDeletion")),
        )

    def matches(self, owner: Identity) -> bool:
        """The same coordinates, the namespace apart."""
        return (self.kind, self.api_version, self.name, self.uid) == (
            owner.kind, owner.api_version, owner.name, owner.uid,
        )  # fmt: skip

    def at(self, namespace: str) -> Identity:
        return Identity(self.kind, self.api_version, namespace, self.name, self.uid)


class Node(Struct, eq=False):
    identity: Identity
    owners: tuple[Reference, ...] = ()
    # None until there is one: most objects never have any.
    dependents: dict[Node, None] | None = None
    virtual: bool = False
    being_deleted: bool = False
    deleting_dependents: bool = False  # being deleted, and waiting for its dependents to go first
    orphaning: bool = False  # being deleted, and its dependents are to be set free

    def blocking_dependents(self) -> list[Node]:
        uid = self.identity.uid
        return [
            dep for dep in self.dependents or () if any(ref.uid == uid and ref.blocks for ref in dep.owners)
        ]


class Sink(Protocol):
    """What the graph asks for. Called in the loop; must not block and must not change the graph."""

    def check(self, node: Node, *, again: bool = False) -> None:
        """again: after a delay, for it was looked for under other coordinates just now."""

    def delete(self, node: Node) -> None: ...

    def orphan(self, node: Node) -> None: ...

    def absent(self, identity: Identity) -> None:
        """No object has these coordinates."""

    def misplaced(self, dependent: Node, owner: Reference) -> None:
        """`dependent` names an owner that lives in another namespace."""


class Graph:
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._nodes: dict[str, Node] = {}

    def get(self, uid: str) -> Node | None:
        return self._nodes.get(uid)

    @property
    def uids(self) -> KeysView[str]:
        return self._nodes.keys()

    def __len__(self) -> int:
        return len(self._nodes)

    def __bool__(self) -> bool:
        return True

    # -- what happened

    def observe(
        self, identity: Identity, references: Sequence[Obj], *, deleting: bool, finalizers: Sequence[str]
    ) -> None:
        """An informer showed this object, new or changed."""
        node = self._nodes.get(identity.uid)
        if node is None:
            node = self._nodes[identity.uid] = Node(identity)
            node.owners = self._intern(references)
            self._add_to_owners(node, node.owners)
        else:
            if node.virtual:
                self._meet(node, identity)
            if references or node.owners:
                self._follow_owners(node, self._intern(references))
        if deleting:
            node.being_deleted = True
            self._note_deletion(node, finalizers)

    def gone(self, identity: Identity) -> None:
        """An informer showed the end of this object."""
        if (node := self._nodes.get(identity.uid)) is not None:
            self._remove(node, identity)

    def not_found(self, identity: Identity) -> None:
        """The server knows no object with these coordinates: the answer to `check`."""
        node = self._nodes.get(identity.uid)
        if node is None:
            return
        if node.virtual:
            matching, disagreeing = partition(node.dependents or (), identity)
            if not disagreeing:
                self._remove(node, identity)
                return
            self._drop_dependents(identity, matching)
            if node.identity == identity and (other := alternative(disagreeing, identity)) is not None:
                node.identity = other
                self._sink.check(node, again=True)
        elif node.identity == identity:
            self._remove(node, identity)
        else:
            self._drop_dependents(identity, partition(node.dependents or (), identity)[0])

    # -- what follows

    def _meet(self, node: Node, identity: Identity) -> None:
        """A virtual node turns out to exist, perhaps elsewhere than its dependents say."""
        if identity != node.identity:
            _, mistaken = partition(node.dependents or (), identity)
            for dependent in mistaken:
                if identity.namespace and dependent.identity.namespace != identity.namespace:
                    self._report_misplaced(dependent, identity.uid)
                self._sink.delete(dependent)
            node.identity = identity
        node.virtual = False

    def _follow_owners(self, node: Node, owners: tuple[Reference, ...]) -> None:
        if owners == node.owners:
            return
        old = {ref.uid: ref for ref in node.owners}
        new = {ref.uid: ref for ref in owners}
        # An owner that waits for its blocking dependents may have one less to wait for.
        for uid, ref in old.items():
            if ref.blocks and (uid not in new or not new[uid].blocks) and (owner := self._nodes.get(uid)):
                self._sink.delete(owner)
        node.owners = owners
        self._add_to_owners(node, [ref for uid, ref in new.items() if uid not in old])
        self._remove_from_owners(node, [ref for uid, ref in old.items() if uid not in new])

    def _note_deletion(self, node: Node, finalizers: Sequence[str]) -> None:
        """The deletion starts with a finalizer of ours. Source: processTransitions."""
        if ORPHAN in finalizers and not node.orphaning:
            node.orphaning = True
            self._sink.orphan(node)
        elif FOREGROUND in finalizers and not node.orphaning and not node.deleting_dependents:
            node.deleting_dependents = True
            for dependent in node.dependents or ():
                self._sink.delete(dependent)
            self._sink.delete(node)

    def _add_to_owners(self, node: Node, owners: Iterable[Reference]) -> None:
        doubtful = False
        for ref in owners:
            owner = self._nodes.get(ref.uid)
            if owner is None:
                owner = Node(ref.at(node.identity.namespace), virtual=True)
                self._nodes[ref.uid] = owner
                self._sink.check(owner)
            elif not doubtful:
                doubtful = self._is_doubtful(node, ref, owner)
            if owner.dependents is None:
                owner.dependents = {}
            owner.dependents[node] = None
        if doubtful:
            self._sink.delete(node)

    def _is_doubtful(self, node: Node, ref: Reference, owner: Node) -> bool:
        """Whether the reference may be wrong about where its owner is; then the server is asked."""
        there, here = owner.identity.namespace, node.identity.namespace
        if there and there != here:
            if not owner.virtual:
                self._report_misplaced(node, ref.uid)
            return True
        if not ref.matches(owner.identity):
            return True
        # A virtual cluster-scoped owner may be a namespaced kind that a cluster-scoped object names by mistake.
        return not there and there != here and owner.virtual

    def _report_misplaced(self, node: Node, owner_uid: str) -> None:
        for ref in node.owners:
            if ref.uid == owner_uid:
                self._sink.misplaced(node, ref)
                return

    def _remove(self, node: Node, identity: Identity) -> None:
        del self._nodes[node.identity.uid]
        self._remove_from_owners(node, node.owners)
        self._drop_dependents(identity, node.dependents or ())
        for ref in node.owners:
            owner = self._nodes.get(ref.uid)
            if owner is not None and owner.deleting_dependents:
                self._sink.delete(owner)

    def _remove_from_owners(self, node: Node, owners: Iterable[Reference]) -> None:
        for ref in owners:
            owner = self._nodes.get(ref.uid)
            if owner is not None and owner.dependents is not None:
                owner.dependents.pop(node, None)

    def _drop_dependents(self, identity: Identity, dependents: Iterable[Node]) -> None:
        dependents = list(dependents)
        if dependents:
            self._sink.absent(identity)
        for dependent in dependents:
            self._sink.delete(dependent)

    def _intern(self, references: Sequence[Obj]) -> tuple[Reference, ...]:
        """The references, each sharing its texts with the owner's node: a thousand pods name one ReplicaSet."""
        owners = []
        for each in references:
            ref = Reference.of(each)
            owner = self._nodes.get(ref.uid)
            if owner is not None and ref.matches(owner.identity):
                ref = ref._replace(name=owner.identity.name, uid=owner.identity.uid)
            owners.append(ref)
        return tuple(owners)


# -- pure helpers ----------------------------------------------------------------------------------------------


def partition(dependents: Iterable[Node], owner: Identity) -> tuple[list[Node], list[Node]]:
    """(those that mean exactly this owner, those that name its uid with other coordinates); one may be in both.
    Source: partitionDependents."""
    matching, mismatched = [], []
    for dependent in dependents:
        if owner.namespace and owner.namespace != dependent.identity.namespace:
            mismatched.append(dependent)
            continue
        found = {ref.matches(owner) for ref in dependent.owners if ref.uid == owner.uid}
        if True in found:
            matching.append(dependent)
        if False in found:
            mismatched.append(dependent)
    return matching, mismatched


def alternative(dependents: Iterable[Node], absent: Identity) -> Identity | None:
    """Other coordinates under which these dependents know the owner: the first that follows `absent` in order, else the
    first. Source: getAlternateOwnerIdentity."""
    found = set()
    for dependent in dependents:
        for ref in dependent.owners:
            if ref.uid != absent.uid:
                continue
            namespace = dependent.identity.namespace
            if not absent.namespace and (ref.kind, ref.api_version) == (absent.kind, absent.api_version):
                namespace = ""  # that kind is cluster-scoped, as we know from `absent`
            found.add(ref.at(namespace))
    found.discard(absent)
    following = [identity for identity in found if identity > absent]
    return min(following or found, default=None)
