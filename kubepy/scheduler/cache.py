"""What the scheduler knows of nodes and of the pods on them, aggregated so that a decision reads integers.

A pod counts on its node from the moment the scheduler decided, long before the API server has confirmed it:

              assume                 add (informer: bound)
    unknown ----------> ASSUMED ---------------------------> ADDED ---+
       ^                 |   |                              ^  |  ^   | update
       |     forget      |   | remove                       |  |  +---+
       +-----------------+   | (deleted before it           |  |
       |                     |  was bound)            add   |  | remove
       +---------------------+       (bound by others) -----+  v
       ^                                                       |
       +-------------------------------------------------------+

An assumed pod never expires: its binding either fails, and is forgotten, or the informer confirms it - also when the
answer to the binding was lost. A pod confirmed on another node than assumed moves there.

`nodes` is the order in which nodes are tried: zones take turns, so that any stretch of it spans them. Each NodeInfo has
its `slot` in that list; `changed_since` names the slots whose NodeInfo changed, which is all that the memory of earlier
decisions (search.py) needs to stay right. The order is rebuilt, at most once per decision, when nodes come and go.

What pods are counted by across nodes is in `topology`, which hears of every pod and node; `images` knows which nodes
have which image.

Not promised: copies. There is one thread, decisions do not wait, so the live NodeInfos are the snapshot.

Source: pkg/scheduler/backend/cache/{interface,cache,node_tree,snapshot}.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from kubepy.api.objects import Document, Key, Obj
from kubepy.scheduler.node_info import Image, NodeInfo, PodInfo
from kubepy.scheduler.topology import Topology

T = TypeVar("T")

_ZONE, _ZONE_BETA = "topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"
_REGION, _REGION_BETA = "topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region"

# Changes remembered beyond one per node; who is further behind than that starts over.
_CHANGES_SPARE = 4096


class Candidates(Sequence[NodeInfo]):
    """Some of the nodes, by slot. What plugins ask of many nodes is read from columns: looking into a thousand nodes
    and their labels costs more than all that is computed from them."""

    __slots__ = ("_cache", "slots")

    def __init__(self, cache: Cache, slots: Sequence[int]) -> None:
        self._cache, self.slots = cache, slots

    def __len__(self) -> int:
        return len(self.slots)

    def __getitem__(self, index: Any) -> Any:
        nodes = self._cache.nodes
        if isinstance(index, slice):
            return [nodes[slot] for slot in self.slots[index]]
        return nodes[self.slots[index]]

    def __iter__(self) -> Iterator[NodeInfo]:
        return iter(picked(self._cache.nodes, self.slots))

    def places(self, label: str) -> list[str | None]:
        return picked(self._cache.column(label), self.slots)

    def names(self) -> list[str]:
        return picked(self._cache.names, self.slots)


def places_of(nodes: Sequence[NodeInfo], label: str) -> list[str | None]:
    """Each node's value of the label."""
    return nodes.places(label) if isinstance(nodes, Candidates) else [n.labels.get(label) for n in nodes]


def names_of(nodes: Sequence[NodeInfo]) -> list[str]:
    return nodes.names() if isinstance(nodes, Candidates) else [node.name for node in nodes]


def picked(values: Sequence[T], slots: Sequence[int]) -> list[T]:
    """The values in these slots."""
    if isinstance(slots, range):
        return list(values[slots.start : slots.stop])
    return [values[slot] for slot in slots]


class _PodState:
    __slots__ = ("is_assumed", "node", "pod")

    def __init__(self, pod: PodInfo, node: str, is_assumed: bool) -> None:
        self.pod, self.node, self.is_assumed = pod, node, is_assumed


class Cache:
    """See the module. Every method costs O(1) of the cluster; `refresh` costs O(nodes) after nodes came or went."""

    def __init__(self) -> None:
        self.nodes: list[NodeInfo] = []  # present nodes in trying order; call `refresh` before reading
        self.layout = 0  # changes with `nodes`
        self.names: list[str] = []  # of `nodes`
        self._columns: dict[str, list[str | None]] = {}
        self.topology = Topology(lambda: self._by_name.values())
        self.images: dict[str, Image] = {}
        self._by_name: dict[str, NodeInfo] = {}
        self._pods: dict[Key, _PodState] = {}
        self._is_reordered = False
        self._changes: list[int] = []
        self._changes_base = 0
        self._assumed = 0

    # -- reading

    def refresh(self) -> None:
        """Bring `nodes` up to date. Called at the start of a decision."""
        if not self._is_reordered:
            return
        self._is_reordered = False
        self.nodes = _by_turns(node for node in self._by_name.values() if node.is_present)
        for slot, node in enumerate(self.nodes):
            node.slot = slot
        self.layout += 1
        self._columns.clear()
        self.names = [node.name for node in self.nodes]
        self._changes_base += len(self._changes)
        self._changes.clear()

    @property
    def position(self) -> int:
        """How many changes there have been; hand it to `changed_since` later."""
        return self._changes_base + len(self._changes)

    def column(self, label: str) -> list[str | None]:
        """The node label's value per slot, kept."""
        column = self._columns.get(label)
        if column is None:
            column = self._columns[label] = [node.labels.get(label) for node in self.nodes]
        return column

    def changed_since(self, position: int) -> list[int] | None:
        """Slots that changed since, possibly repeated; None when that is too long ago to tell."""
        start = position - self._changes_base
        return self._changes[start:] if start >= 0 else None

    def node(self, name: str) -> NodeInfo | None:
        """The node if it is present."""
        node = self._by_name.get(name)
        return node if node is not None and node.is_present else None

    def touch(self, name: str) -> None:
        """Something about the node that is not kept here changed, so that decisions about it no longer hold."""
        if (node := self._by_name.get(name)) is not None:
            self._changed(node)

    def is_assumed(self, key: Key, uid: str) -> bool:
        state = self._pods.get(key)
        return state is not None and state.is_assumed and state.pod.uid == uid

    def node_of(self, key: Key) -> str:
        """Where the pod counts, "" if nowhere."""
        state = self._pods.get(key)
        return state.node if state is not None else ""

    def pod(self, key: Key) -> PodInfo | None:
        """If it counts somewhere."""
        state = self._pods.get(key)
        return state.pod if state is not None else None

    def statistics(self) -> Mapping[str, int]:
        return {"nodes": len(self._by_name), "pods": len(self._pods), "assumed": self._assumed}

    # -- pods

    def assume(self, pod: PodInfo, node: str) -> None:
        """Count `pod` on `node` from now on."""
        assert pod.key not in self._pods, f"{pod.key} is in the cache and cannot be assumed"
        self._put(pod, node, is_assumed=True)

    def forget(self, pod: PodInfo) -> bool:
        """Undo `assume`; False if the pod is no longer assumed (confirmed, removed or another one)."""
        if not self.is_assumed(pod.key, pod.uid):
            return False
        self._take(pod.key)
        return True

    def add_pod(self, pod: PodInfo, node: str) -> None:
        """The informer says: bound to `node`. Confirms an assumed pod, or replaces what was known under its name."""
        if pod.key in self._pods:
            self.update_pod(pod, node)
        else:
            self._put(pod, node, is_assumed=False)

    def update_pod(self, pod: PodInfo, node: str) -> None:
        state = self._pods.get(pod.key)
        if state is None:
            self._put(pod, node, is_assumed=False)
            return
        if state.node == node and state.pod.uid == pod.uid and _counts_alike(state.pod, pod):
            # Confirmations and status updates are most of what comes; they change no sum and invalidate nothing.
            self._assumed -= state.is_assumed
            info = self._by_name[node]
            state.pod, state.is_assumed = pod, False
            info.pods[pod.key] = pod
            if pod.terms is not None:
                info.pods_with_terms[pod.key] = pod
            return
        self._take(pod.key)
        self._put(pod, node, is_assumed=False)

    def touch_pod(self, document: Document) -> None:
        """A bound pod changed in nothing that counts: keep the new version."""
        state = self._pods.get(document.key)
        if state is not None:
            state.pod.document = document

    def remove_pod(self, key: Key) -> bool:
        """Stop counting it, assumed or not; False if it did not count."""
        if key not in self._pods:
            return False
        self._take(key)
        return True

    @contextmanager
    def without(self, key: Key) -> Iterator[None]:
        """As if the pod were nowhere, for a question that does not wait."""
        state = self._take(key) if key in self._pods else None
        try:
            yield
        finally:
            if state is not None:
                self._put(state.pod, state.node, is_assumed=state.is_assumed)

    def _put(self, pod: PodInfo, node: str, *, is_assumed: bool) -> None:
        info = self._by_name.get(node)
        if info is None:
            info = self._by_name[node] = NodeInfo(node)
        info.add_pod(pod)
        self.topology.pod_came(pod, info)
        self._pods[pod.key] = _PodState(pod, node, is_assumed)
        self._assumed += is_assumed
        self._changed(info)

    def _take(self, key: Key) -> _PodState:
        state = self._pods.pop(key)
        self._assumed -= state.is_assumed
        info = self._by_name[state.node]
        info.remove_pod(state.pod)
        self.topology.pod_left(state.pod, info)
        if not info.pods and not info.is_present:
            del self._by_name[state.node]
        self._changed(info)
        return state

    # -- nodes

    def put_node(self, document: Document) -> None:
        """Added or updated."""
        name = document.key.name
        info = self._by_name.get(name)
        if info is None:
            info = self._by_name[name] = NodeInfo(name)
        zone_before = _zone(info.labels)
        was_present = info.is_present
        self.topology.node_leaves(info)
        info.set_node(document.obj)
        info.document = document
        self.topology.node_came(info)
        if info.slot >= 0:
            for label, column in self._columns.items():
                column[info.slot] = info.labels.get(label)
        self._set_images(info, (document.obj.get("status") or {}).get("images") or ())
        if not was_present or zone_before != _zone(info.labels):
            self._is_reordered = True
        self._changed(info)

    def touch_node(self, document: Document) -> None:
        """Updated in nothing that any plugin reads, such as a heartbeat: keep the new version, invalidate nothing."""
        info = self._by_name.get(document.key.name)
        if info is not None:
            info.document = document

    def remove_node(self, name: str) -> None:
        """Its pods stay known until they are removed themselves."""
        info = self._by_name.get(name)
        if info is None or not info.is_present:
            return
        self._is_reordered = True
        self.topology.node_leaves(info)
        info.is_present, info.document, info.slot = False, None, -1
        self.topology.node_came(info)
        self._set_images(info, ())
        if not info.pods:
            del self._by_name[name]

    def _set_images(self, info: NodeInfo, reported: Iterable[Obj]) -> None:
        """Source: cache.go, addNodeImageStates, removeNodeImageStates."""
        for name, image in info.images.items():
            image.nodes.discard(info.name)
            if not image.nodes:
                del self.images[name]
        info.images = {}
        for entry in reported:
            for name in entry.get("names") or ():
                known = self.images.get(name)
                if known is None:
                    known = self.images[name] = Image(entry.get("sizeBytes") or 0)
                known.nodes.add(info.name)
                info.images[name] = known

    def _changed(self, info: NodeInfo) -> None:
        if info.slot < 0 or self._is_reordered:
            return  # not in `nodes`, or `nodes` is about to be rebuilt and nothing remembered survives that
        self._changes.append(info.slot)
        if len(self._changes) > 2 * (len(self.nodes) + _CHANGES_SPARE):
            half = len(self._changes) // 2
            del self._changes[:half]
            self._changes_base += half


def _counts_alike(one: PodInfo, other: PodInfo) -> bool:
    return (
        one.nonzero_milli_cpu == other.nonzero_milli_cpu
        and one.nonzero_memory == other.nonzero_memory
        and one.requests.key == other.requests.key
        and one.kin == other.kin
        and one.terms is other.terms
        and one.host_ports == other.host_ports
    )


def _zone(labels: Mapping[str, str]) -> tuple[str, str]:
    """Source: component-helpers node/topology, GetZoneKey."""
    return (
        labels.get(_REGION) or labels.get(_REGION_BETA) or "",
        labels.get(_ZONE) or labels.get(_ZONE_BETA) or "",
    )


def _by_turns(nodes: Iterable[NodeInfo]) -> list[NodeInfo]:
    """One node of each zone in turn. Source: node_tree.go, list."""
    zones: dict[tuple[str, str], list[NodeInfo]] = {}
    for node in nodes:
        zones.setdefault(_zone(node.labels), []).append(node)
    if len(zones) == 1:
        return next(iter(zones.values()))
    columns = list(zones.values())
    longest = max(map(len, columns), default=0)
    return [column[row] for row in range(longest) for column in columns if row < len(column)]
