"""How many pods of which kind run where: counts kept as pods and nodes come and go, so that no decision counts.

    Kin     pods of one namespace with the same labels, per node. All pods are in one.
    Group   pods that meet some conditions, per node: made of Kins when a decision first asks, kept from then on
    Domains the places that a node label (topology key) makes of the nodes that take part: value -> nodes
    Tally   a Group over Domains: pods per place, and the fewest in any place
    View    a Tally as one decision sees it, with what would be if pods came or went

A pod that comes costs one step per Tally that counts it; a Group that nobody has asked about for long is forgotten.
The terms of running pods are beside it (terms.Claims).

Source: what interpodaffinity/filtering.go and podtopologyspread/{filtering,scoring}.go compute anew for every pod.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar

from kubepy.api.objects import Key
from kubepy.scheduler.terms import Claims, Condition, Files

if TYPE_CHECKING:
    from kubepy.scheduler.node_info import NodeInfo, PodInfo

Labels = Mapping[str, str]
K = TypeVar("K", str, int)

# Groups kept; each costs a step per pod that it counts. Far more than the templates in use at one time.
GROUPS_MAX = 512

_NO_LABELS: Labels = {}


class Kin:
    """Pods that no selector can tell apart."""

    __slots__ = ("groups", "is_terminating", "labels", "namespace", "nodes")

    def __init__(self, namespace: str, labels: Labels, is_terminating: bool) -> None:
        self.namespace, self.labels, self.is_terminating = namespace, labels, is_terminating
        self.nodes: dict[str, int] = {}  # node -> pods
        self.groups: list[Group] = []


class Group:
    """Pods that meet all conditions; per node in `nodes`, which has no zeros."""

    __slots__ = ("conditions", "counts_terminating", "kins", "nodes", "tallies")

    def __init__(self, conditions: tuple[Condition, ...], counts_terminating: bool) -> None:
        self.conditions, self.counts_terminating = conditions, counts_terminating
        self.kins: dict[Kin, None] = {}
        self.nodes: dict[str, int] = {}
        self.tallies: dict[Domains, Tally] = {}

    @property
    def condition(self) -> Condition:
        return self.conditions[0]

    def matches(
        self,
        namespace: str,
        labels: Labels,
        is_terminating: bool,
        namespace_labels: Callable[[str], Labels],
    ) -> bool:
        if is_terminating and not self.counts_terminating:
            return False
        return all(c.matches(namespace, labels, namespace_labels) for c in self.conditions)

    def count(self, node: str, by: int) -> None:
        _add(self.nodes, node, by)
        for domains, tally in self.tallies.items():
            place = domains.place_of.get(node)
            if place is not None:
                tally.count(place, by)


class Domains:
    """`sizes`: place -> how many nodes are there; `place_of`: node -> place, for nodes that take part."""

    __slots__ = ("place_of", "sizes", "takes_part", "tallies", "topology_key")

    def __init__(self, topology_key: str, takes_part: Callable[[NodeInfo], bool] | None) -> None:
        self.topology_key, self.takes_part = topology_key, takes_part
        self.place_of: dict[str, str] = {}
        self.sizes: dict[str, int] = {}
        self.tallies: dict[Group, Tally] = {}

    def place(self, node: NodeInfo) -> str | None:
        place = node.labels.get(self.topology_key)
        if (
            place is None
            or not node.is_present
            or (self.takes_part is not None and not self.takes_part(node))
        ):
            return None
        return place

    def put(self, node: NodeInfo) -> None:
        """The node came, changed or left."""
        name = node.name
        old, new = self.place_of.get(name), self.place(node)
        if old == new:
            return
        for place, by in ((old, -1), (new, 1)):
            if place is None:
                continue
            _add(self.sizes, place, by)
            for group, tally in self.tallies.items():
                if pods := group.nodes.get(name):
                    tally.count(place, by * pods)
        if new is None:
            del self.place_of[name]
        else:
            self.place_of[name] = new


class Tally:
    """`counts`: place -> pods of the group there, without zeros."""

    __slots__ = ("_levels", "counts", "domains", "group")

    def __init__(self, group: Group, domains: Domains) -> None:
        self.group, self.domains = group, domains
        self.counts: dict[str, int] = {}
        self._levels: dict[int, int] = {}  # pods -> how many places have so many
        for node, pods in group.nodes.items():
            if (place := domains.place_of.get(node)) is not None:
                self.count(place, pods)

    def count(self, place: str, by: int) -> None:
        before = self.counts.get(place, 0)
        after = _add(self.counts, place, by)
        if before:
            _add(self._levels, before, -1)
        if after:
            _add(self._levels, after, 1)

    def fewest(self, changes: Mapping[str, int] | None = None) -> int | None:
        """The smallest number of pods in any place, if `changes` happened; None without places."""
        sizes = self.domains.sizes
        if not sizes:
            return None
        levels = self._levels
        empty = len(sizes) - len(self.counts)
        if changes:
            levels = dict(levels)
            for place, by in changes.items():
                before = self.counts.get(place, 0)
                for pods, more in ((before, -1), (before + by, 1)):
                    if pods:
                        _add(levels, pods, more)
                    else:
                        empty += more
        return 0 if empty else min(levels, default=0)


class View:
    """Reads like the tally until something is changed in it; cloned with its changes."""

    __slots__ = ("changes", "counts", "tally")

    def __init__(self, tally: Tally, changes: Mapping[str, int] | None = None) -> None:
        self.tally = tally
        self.counts = tally.counts
        self.changes = dict(changes or {})

    def clone(self) -> View:
        return View(self.tally, self.changes)

    def pods(self, place: str) -> int:
        count = self.counts.get(place, 0)
        return count + self.changes.get(place, 0) if self.changes else count

    def fewest(self) -> int | None:
        return self.tally.fewest(self.changes)

    @property
    def is_empty(self) -> bool:
        """No pod anywhere."""
        if not self.changes:
            return not self.counts
        return not any(self.pods(place) for place in {*self.counts, *self.changes})

    def change(self, node: str, by: int) -> None:
        """As if so many pods of the group came to the node."""
        place = self.tally.domains.place_of.get(node)
        if place is not None:
            _add(self.changes, place, by)


class Topology:
    """The counts of one cache, which tells it of every pod and node."""

    def __init__(self, nodes: Callable[[], Iterable[NodeInfo]]) -> None:
        """`nodes`: all there are, read when places are asked about for the first time."""
        self._nodes = nodes
        # Set by who knows the namespaces.
        self.namespace_labels: Callable[[str], Labels] = lambda namespace: _NO_LABELS
        self.claims = Claims()
        self._kins: dict[tuple[str, frozenset[tuple[str, str]], bool], Kin] = {}
        self._kins_by_label: dict[tuple[str, str], dict[Kin, None]] = {}
        self._groups: OrderedDict[Hashable, Group] = OrderedDict()
        self._files: Files[Group] = Files()
        self._domains: dict[Hashable, Domains] = {}

    # -- what the cache tells

    def pod_came(self, pod: PodInfo, node: NodeInfo) -> None:
        kin = self._kins.get(pod.kin)
        if kin is None:
            kin = self._new_kin(pod)
        name = node.name
        kin.nodes[name] = kin.nodes.get(name, 0) + 1
        for group in kin.groups:
            group.count(name, 1)
        if pod.terms is not None and node.is_present:
            self.claims.count(pod.terms, node.labels, 1)

    def pod_left(self, pod: PodInfo, node: NodeInfo) -> None:
        kin = self._kins[pod.kin]
        name = node.name
        _add(kin.nodes, name, -1)
        for group in kin.groups:
            group.count(name, -1)
        if not kin.nodes:
            self._drop_kin(pod, kin)
        if pod.terms is not None and node.is_present:
            self.claims.count(pod.terms, node.labels, -1)

    def node_leaves(self, node: NodeInfo) -> None:
        """Before its labels change, or it goes."""
        if node.is_present:
            for pod in node.pods_with_terms.values():
                assert pod.terms is not None
                self.claims.count(pod.terms, node.labels, -1)

    def node_came(self, node: NodeInfo) -> None:
        """Its labels, taints or presence changed."""
        if node.is_present:
            for pod in node.pods_with_terms.values():
                assert pod.terms is not None
                self.claims.count(pod.terms, node.labels, 1)
        for domains in self._domains.values():
            domains.put(node)

    def namespaces_changed(self) -> None:
        """What namespace selectors mean is another thing now: those groups are made anew when they are asked for."""
        for key, group in list(self._groups.items()):
            if not all(c.namespace_selector.is_nothing for c in group.conditions):
                self._drop_group(key, group)

    # -- what decisions ask

    def tally(
        self,
        conditions: tuple[Condition, ...],
        topology_key: str,
        *,
        counts_terminating: bool = True,
        taking_part: Hashable = None,
        takes_part: Callable[[NodeInfo], bool] | None = None,
    ) -> Tally:
        """Pods that meet all conditions, per value of the node label.

        `takes_part` tells which nodes count, and `taking_part` is equal for equal answers.
        """
        group = self.group(conditions, counts_terminating=counts_terminating)
        domains_key = (topology_key, taking_part)
        domains = self._domains.get(domains_key)
        if domains is None:
            domains = self._domains[domains_key] = Domains(topology_key, takes_part)
            for node in self._nodes():
                domains.put(node)
        tally = group.tallies.get(domains)
        if tally is None:
            tally = group.tallies[domains] = domains.tallies[group] = Tally(group, domains)
        return tally

    def group(self, conditions: tuple[Condition, ...], *, counts_terminating: bool = True) -> Group:
        """Pods that meet all conditions, per node."""
        key = (conditions, counts_terminating)
        group = self._groups.get(key)
        if group is None:
            return self._new_group(key, conditions, counts_terminating)
        self._groups.move_to_end(key)
        return group

    def statistics(self) -> Mapping[str, int]:
        return {
            "kins": len(self._kins),
            "groups": len(self._groups),
            "domains": len(self._domains),
            "claims": len(self.claims),
        }

    # -- keeping

    def _new_kin(self, pod: PodInfo) -> Kin:
        namespace, _, is_terminating = pod.kin
        labels = pod.labels
        kin = self._kins[pod.kin] = Kin(namespace, labels, is_terminating)
        for item in labels.items():
            self._kins_by_label.setdefault(item, {})[kin] = None
        for group in self._files.near(labels):
            if group.matches(namespace, labels, is_terminating, self.namespace_labels):
                kin.groups.append(group)
                group.kins[kin] = None
        return kin

    def _drop_kin(self, pod: PodInfo, kin: Kin) -> None:
        del self._kins[pod.kin]
        for item in kin.labels.items():
            kins = self._kins_by_label[item]
            del kins[kin]
            if not kins:
                del self._kins_by_label[item]
        for group in kin.groups:
            del group.kins[kin]

    def _new_group(self, key: Hashable, conditions: tuple[Condition, ...], counts_terminating: bool) -> Group:
        group = self._groups[key] = Group(conditions, counts_terminating)
        self._files.put(group)
        for kin in list(self._kins_near(group.condition)):
            if group.matches(kin.namespace, kin.labels, kin.is_terminating, self.namespace_labels):
                kin.groups.append(group)
                group.kins[kin] = None
                for node, pods in kin.nodes.items():
                    _add(group.nodes, node, pods)
        if len(self._groups) > GROUPS_MAX:
            self._drop_group(*next(iter(self._groups.items())))
        return group

    def _kins_near(self, condition: Condition) -> Iterable[Kin]:
        """By the rarest label that the condition demands."""
        if condition.selector.is_nothing:
            return ()
        exact = condition.selector.exact
        if not exact:
            return self._kins.values()
        nobody: dict[Kin, None] = {}
        return min((self._kins_by_label.get(item, nobody) for item in exact.items()), key=len)

    def _drop_group(self, key: Hashable, group: Group) -> None:
        del self._groups[key]
        self._files.drop(group)
        for kin in group.kins:
            kin.groups.remove(group)
        for domains in group.tallies:
            del domains.tallies[group]
        self._domains = {key: domains for key, domains in self._domains.items() if domains.tallies}


def _add(counts: dict[K, int], key: K, by: int) -> int:
    """Add without leaving zeros behind; returns the sum."""
    total = counts.get(key, 0) + by
    if total:
        counts[key] = total
    else:
        counts.pop(key, None)
    return total


def kin_of(key: Key, labels: Labels, is_terminating: bool) -> tuple[str, frozenset[tuple[str, str]], bool]:
    return key.namespace, frozenset(labels.items()), is_terminating
