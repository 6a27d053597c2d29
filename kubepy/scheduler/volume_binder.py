"""Which volumes a pod's claims would get on a node, and what is promised until they have them.

    claims of the pod          bound            its volume must be reachable from the node
                               delayed          a free volume that is reachable, or one can be made there
                               unbound at once  the pod has to wait for the binder

`find` is pure: what the cluster has -> PodVolumes for a node, or the reasons why not. A chosen node's volumes are
*assumed*: the next pod's decision must not give away the same volume, although the API server hears of it only when
this pod is bound. `Assumed` is an informer with such promises on top.

Source: kubernetes 1.36 pkg/scheduler/framework/plugins/volumebinding/{binder,assume_cache,passive_assume_cache}.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct, field

from kubepy.api import objects, quantity, selectors, volumes
from kubepy.api.objects import Document, Key, Obj, annotations_of, walk
from kubepy.api.placement import RequiredAffinity
from kubepy.client.informer import Informer

BIND_CONFLICT = "node(s) didn't find available persistent volumes to bind"
NODE_CONFLICT = "node(s) didn't match PersistentVolume's node affinity"
NOT_ENOUGH_SPACE = "node(s) did not have enough free storage"
VOLUME_MISSING = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"


class Broken(Exception):
    """Something is wrong that no other node would put right."""


class Assumed:
    """An informer's objects, some of them as they will be once what is under way is written."""

    def __init__(self, informer: Informer) -> None:
        self.informer = informer
        self._assumed: dict[Key, Obj] = {}
        informer.add_handler(on_update=lambda old, new: self._changed(new), on_delete=self._gone)

    def get(self, key: Key) -> Obj | None:
        return self._assumed.get(key) or self.informer.get(key)

    def by_index(self, index: str, value: str) -> list[Obj]:
        return [self._assumed.get(objects.key_of(obj), obj) for obj in self.informer.by_index(index, value)]

    def assume(self, obj: Obj) -> None:
        """Raises Broken when the object has changed since it was decided upon."""
        key = objects.key_of(obj)
        document = self.informer.document(key)
        if document is None:
            raise Broken(f'could not find object "{key}"')
        if document.revision != objects.revision_of(obj):
            raise Broken(f'object "{key}" is out of sync')
        self._assumed[key] = obj

    def restore(self, key: Key) -> None:
        self._assumed.pop(key, None)

    def _changed(self, document: Document) -> None:
        assumed = self._assumed.get(document.key)
        if assumed is not None and document.revision > objects.revision_of(assumed):
            del self._assumed[document.key]

    def _gone(self, document: Document) -> None:
        self.restore(document.key)


class PodClaims(Struct):
    """What a pod claims, looked up once per decision."""

    bound: list[tuple[Obj, Obj | None]] = field(default_factory=list)  # (claim, its volume if that exists)
    delayed: list[Obj] = field(default_factory=list)
    # claim name -> volumes that it might get, of delayed ones
    candidates: dict[str, Sequence[Obj]] = field(default_factory=dict)
    affinities: dict[str, RequiredAffinity | None] = field(default_factory=dict)  # by volume, compiled

    def is_reachable(self, volume: Obj, labels: Mapping[str, str]) -> bool:
        """From a node of these labels. Source: CheckNodeAffinity."""
        name = volume["metadata"]["name"]
        if name not in self.affinities:
            self.affinities[name] = volumes.node_affinity(volume)
        affinity = self.affinities[name]
        return affinity is None or affinity.matches({"metadata": {"name": "", "labels": labels}})


class PodVolumes(Struct):
    """What a node has for a pod."""

    bindings: list[tuple[Obj, Obj]] = field(default_factory=list)  # (volume, claim)
    provisions: list[Obj] = field(default_factory=list)  # claims whose volumes are to be made there
    # class -> bytes there are for volumes that are to be made, where the driver says so
    capacities: dict[str, int] = field(default_factory=dict)

    def uses(self) -> list[tuple[int, int]]:
        """(bytes requested, bytes there are) by class: of volumes that are there, or else of those to be made."""
        found: dict[str, tuple[int, int]] = {}
        for volume, claim in self.bindings:
            name = volume["spec"].get("storageClassName") or ""
            requested, there = found.get(name, (0, 0))
            has = quantity.value(volume["spec"]["capacity"]["storage"])
            found[name] = requested + volumes.requested_bytes(claim), there + has
        if not self.bindings:
            for claim in self.provisions:
                name = volumes.class_of_claim(claim)
                if name in self.capacities:
                    requested = found.get(name, (0, 0))[0]
                    found[name] = requested + volumes.requested_bytes(claim), self.capacities[name]
        return list(found.values())


class Storage(Struct, frozen=True):
    """What the cluster offers beside volumes."""

    storage_class: Callable[[str], Obj | None]
    driver: Callable[[str], Obj | None]  # CSIDriver by name
    capacities: Callable[[str], Sequence[Obj]]  # CSIStorageCapacities by class


def find(claims: PodClaims, node: str, labels: Mapping[str, str], storage: Storage) -> PodVolumes | list[str]:
    """The volumes for the pod's claims on a node, or why it cannot have them there. Source: FindPodVolumes."""
    reasons: list[str] = []
    # Source: checkBoundClaims: the first that fails decides.
    for _, volume in claims.bound:
        if volume is None:
            reasons.append(VOLUME_MISSING)
            break
        if not claims.is_reachable(volume, labels):
            reasons.append(NODE_CONFLICT)
            break
    found = _find_delayed(claims, node, labels, storage) if claims.delayed else PodVolumes()
    if isinstance(found, str):
        # In upstream's order.
        return sorted([*reasons, found], key=_ORDER.index)
    return reasons or found


_ORDER = [NODE_CONFLICT, BIND_CONFLICT, NOT_ENOUGH_SPACE, VOLUME_MISSING]


def _find_delayed(
    claims: PodClaims, node: str, labels: Mapping[str, str], storage: Storage
) -> PodVolumes | str:
    provisions: list[Obj] = []
    to_match: list[Obj] = []
    for claim in claims.delayed:
        chosen = annotations_of(claim).get(volumes.SELECTED_NODE)
        if chosen is None:
            to_match.append(claim)
        elif chosen == node:
            provisions.append(claim)
        else:
            return BIND_CONFLICT
    result = PodVolumes(provisions=provisions)
    taken: set[str] = set()
    # Source: findMatchingVolumes: the smallest claims choose first.
    for claim in sorted(to_match, key=volumes.requested_bytes):
        volume = volumes.best_match(
            claim,
            claims.candidates[claim["metadata"]["name"]],
            reachable=lambda volume: claims.is_reachable(volume, labels),
            taken=taken,
            delayed=True,
        )
        if volume is None:
            provisions.append(claim)
        else:
            taken.add(volume["metadata"]["name"])
            result.bindings.append((volume, claim))
    for claim in provisions:
        if why := _unprovisionable(claim, labels, storage, result.capacities):
            return why
    return result


def _unprovisionable(
    claim: Obj, labels: Mapping[str, str], storage: Storage, capacities: dict[str, int]
) -> str:
    """Source: checkVolumeProvisions. `capacities`: by class, to be filled."""
    key, name = objects.key_of(claim), volumes.class_of_claim(claim)
    if not name:
        raise Broken(f'no class for claim "{key}"')
    storage_class = storage.storage_class(name)
    if storage_class is None:
        raise Broken(f'failed to find storage class "{name}"')
    provisioner = storage_class["provisioner"]
    if provisioner == volumes.NO_PROVISIONER:
        return BIND_CONFLICT
    if not matches_topology(storage_class.get("allowedTopologies") or (), labels):
        return BIND_CONFLICT
    if not _publishes_capacity(provisioner, claim, storage):
        return ""
    capacity = _capacity(claim, name, labels, storage)
    if capacity is None:
        return NOT_ENOUGH_SPACE
    capacities[name] = quantity.value(capacity.get("capacity", "0"))
    return ""


def matches_topology(terms: Sequence[Obj], labels: Mapping[str, str]) -> bool:
    """No terms match everything, an empty one nothing. Source: v1helper.MatchTopologySelectorTerms."""
    return not terms or any(
        term.get("matchLabelExpressions")
        and all(
            labels.get(each["key"]) in (each.get("values") or ()) for each in term["matchLabelExpressions"]
        )
        for term in terms
    )


def _publishes_capacity(provisioner: str, claim: Obj, storage: Storage) -> bool:
    """Only drivers that do are asked."""
    if walk(claim["spec"], "resources", "requests", "storage") is None:
        return False
    driver = storage.driver(provisioner)
    return driver is not None and bool(driver["spec"].get("storageCapacity"))


def _capacity(claim: Obj, class_name: str, labels: Mapping[str, str], storage: Storage) -> Obj | None:
    """The first that has room for the claim's volume. Source: hasEnoughCapacity."""
    wanted = volumes.requested_bytes(claim)
    for capacity in storage.capacities(class_name):
        limit = volume_limit(capacity)
        if limit is not None and limit >= wanted and _has_access(capacity, labels):
            return capacity
    return None


def volume_limit(capacity: Obj) -> int | None:
    """Bytes of the largest volume that it still has room for."""
    limit = capacity.get("maximumVolumeSize", capacity.get("capacity"))
    return quantity.value(limit) if limit is not None else None


def _has_access(capacity: Obj, labels: Mapping[str, str]) -> bool:
    """Source: nodeHasAccess."""
    topology = capacity.get("nodeTopology")
    return topology is not None and selectors.from_label_selector(topology).matches(dict(labels))
