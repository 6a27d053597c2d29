"""Finding the node for a pod, fast: memory of what the plugins said, and C-speed scans over it.

For each signature (see framework.py) there is a Table: per node slot the first rejection, or the weighted sum of the
scores. A decision

1. marks the slots that changed since the table was last used as STALE (the cache tells; mostly the one node that the
   previous pod went to),
2. walks the nodes from where the last search stopped until enough feasible ones are found, asking plugins about STALE
   slots only,
3. takes the best of them; among equals the choice is random.

So the plugins run once per (signature, change of a node), not per (pod, node). What is left per pod is slicing,
counting and `max` over lists of integers: some 50 us for 500 candidates of 5 000 nodes.

Scores that only mean something next to each other (PreferNoSchedule taints, preferred affinity) are kept raw in a
column of their own and normalized over the candidates, if any candidate has one. CLUSTER-scoped plugins are asked about
the candidates of each pod.

Where pods of at least the same priority wait for evicted ones to leave, a node must also take the pod with them there;
that is remembered too, and forgotten when a nomination changes.

Source: pkg/scheduler/schedule_one.go (findNodesThatFitPod, findNodesThatPassFilters, numFeasibleNodesToFind,
prioritizeNodes). Differs: that one forgets what it computed after each pod (but for KEP-5598's batches).
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Sequence

from kubepy.lib.random import Random
from kubepy.scheduler.cache import Cache, Candidates, picked
from kubepy.scheduler.framework import Code, CycleState, Status
from kubepy.scheduler.node_info import NodeInfo, PodInfo
from kubepy.scheduler.outcomes import DETAILS_MAX, Choice, Feasible, Rejection, nth
from kubepy.scheduler.queue import Nominator
from kubepy.scheduler.runtime import (
    ClusterScorer,
    Framework,
    PluginFailed,
    Prepared,
    Scorer,
    no_name_left,
    zero_bonus,
)

# Source: schedule_one.go.
FEASIBLE_NODES_MIN = 100
PERCENTAGE_MIN = 5

STALE, INFEASIBLE = -2, -1

# A walk that needs few more nodes still looks at this many at once; slicing one by one would cost more.
_STRIDE_MIN = 64
# Slots over all tables of a profile, some 40 bytes each: 64 different pods on 5 000 nodes in 13 MB.
_CELLS_MAX = 320_000
_TABLES_MIN = 4


def feasible_wanted(percentage: int, nodes: int) -> int:
    """How many feasible nodes are enough. Source: numFeasibleNodesToFind."""
    if nodes < FEASIBLE_NODES_MIN:
        return nodes
    if percentage == 0:
        percentage = max(50 - nodes // 125, PERCENTAGE_MIN)
    return max(nodes * percentage // 100, FEASIBLE_NODES_MIN)


class Table:
    """What the NODE-scoped plugins said about pods of one signature and priority."""

    __slots__ = (
        "columns",
        "filters",
        "layout",
        "nominator",
        "position",
        "prepared",
        "restore",
        "scorers",
        "state",
        "totals",
        "verdicts",
    )

    def __init__(self, framework: Framework, pod: PodInfo, nodes: int, nominator: Nominator) -> None:
        self.layout = self.position = -1
        self.nominator = nominator
        self.state = CycleState()
        self.prepared: Prepared = framework.pre_filter(self.state, pod)
        self.filters = [p.filter for p in framework.filters if p.name not in self.prepared.skipped]
        active = [scorer for scorer in framework.scorers if not _is_skipped(scorer, self.state, pod, ())]
        self.scorers = [(scorer.score, scorer.weight) for scorer in active if scorer.normalize is None]
        self.columns: list[tuple[Scorer, list[int]]] = [
            (scorer, [0] * nodes) for scorer in active if scorer.normalize is not None
        ]
        self.totals = [STALE] * nodes
        self.verdicts: list[Status | None] = [None] * nodes
        self.restore: list[int] = []  # slots that hold an answer meant for one pod only

    def ask(self, pod: PodInfo, node: NodeInfo, slot: int) -> None:
        """Run the plugins on one node and remember."""
        status = self.filter(pod, node)
        if status is None and (waiting := self.nominator.before(node.name, pod)):
            # Source: RunFilterPluginsWithNominatedPods.
            status = self.filter(pod, node.with_pods(p for p in waiting if p.key not in node.pods))
        self.verdicts[slot] = status
        if status is not None:
            self.totals[slot] = INFEASIBLE
            for _, column in self.columns:
                column[slot] = 0
            return
        state = self.state
        total = 0
        for score, weight in self.scorers:
            total += weight * score(state, pod, node)
        for scorer, column in self.columns:
            column[slot] = scorer.score(state, pod, node)
        self.totals[slot] = total

    def filter(self, pod: PodInfo, node: NodeInfo) -> Status | None:
        state = self.state
        for filter_ in self.filters:
            status = filter_(state, pod, node)
            if status is not None:
                if status.code is Code.ERROR:
                    raise PluginFailed(status)
                return status
        return None


class Search:
    """The decisions of one profile over one cache."""

    def __init__(self, framework: Framework, cache: Cache, random: Random) -> None:
        self.framework, self._cache, self._random = framework, cache, random
        self._tables: OrderedDict[Hashable, Table] = OrderedDict()
        self._start = 0  # where the next walk begins, so that all nodes get their turn

    def decide(self, pod: PodInfo, nominator: Nominator) -> Choice | Rejection:
        """The best node for `pod` now, or why there is none. Raises PluginFailed, or what a plugin raised."""
        found = self._look(pod, nominator)
        return found if isinstance(found, Rejection) else self._choose(*found, self._cache.nodes)

    def feasible(self, pod: PodInfo, nominator: Nominator) -> Feasible | Rejection:
        """All that `decide` would choose from."""
        found = self._look(pod, nominator)
        if isinstance(found, Rejection):
            return found
        walk, _ = found
        nodes, slots = self._cache.nodes, walk.feasible_slots()
        scores, bonus = walk.scores(slots)
        verdicts = {
            nodes[slot].name: status for slot, status in walk.verdicts().items() if status is not None
        }
        return Feasible(
            [nodes[slot] for slot in slots],
            [score + bonus for score in scores],
            walk.state,
            walk.evaluated,
            verdicts,
        )

    def _look(self, pod: PodInfo, nominator: Nominator) -> tuple[_Walk, Table] | Rejection:
        cache = self._cache
        cache.refresh()
        nodes = cache.nodes
        if not nodes:
            return Rejection(0, {}, CycleState())
        table = self._table(pod, nominator)
        # The table's state is shared by all pods of its signature; what plugins leave from here on is about this one.
        state = CycleState(table.state)
        state.skipped = table.state.skipped
        prepared = table.prepared
        if prepared.refusal is None:
            prepared = _both(prepared, self.framework.cluster_pre_filter(state, pod))
        if prepared.refusal is not None:
            return Rejection(
                len(nodes),
                {},
                state,
                prepared.refusal,
                prepared.narrowed_by,
                self._ruled_out(prepared.refusal),
            )
        walk = _Walk(self.framework, table, pod, state, cache)
        if nominated := nominator.node_of(pod.uid):
            # Room was made there for this very pod; most likely no other node fits.
            node = cache.node(nominated)
            if node is not None and (prepared.names is None or nominated in prepared.names):
                # For the others of its kind the room is taken, for this one it is not.
                table.totals[node.slot] = STALE
                table.restore.append(node.slot)
                walk.stretch(node.slot, node.slot + 1)
        if not walk.feasible:
            self._walk(walk, prepared, nodes)
        if not walk.feasible:
            return self._reject(walk, prepared, nodes)
        return walk, table

    # -- the table

    def _table(self, pod: PodInfo, nominator: Nominator) -> Table:
        cache = self._cache
        signature = self.framework.sign(pod)
        key = (signature, pod.priority)
        table = self._tables.get(key) if signature is not None else None
        if table is None or table.layout != cache.layout:
            table = Table(self.framework, pod, len(cache.nodes), nominator)
            table.layout, table.position = cache.layout, cache.position
            if signature is not None:
                self._tables[key] = table
                tables_max = max(_TABLES_MIN, _CELLS_MAX // (len(cache.nodes) + 1))
                while len(self._tables) > tables_max:
                    self._tables.popitem(last=False)
            return table
        self._tables.move_to_end(key)
        changed = cache.changed_since(table.position)
        if changed is None:
            table.totals = [STALE] * len(cache.nodes)
        else:
            totals = table.totals
            for slot in changed:
                totals[slot] = STALE
            for slot in table.restore:
                totals[slot] = STALE
        table.restore.clear()
        table.position = cache.position
        return table

    # -- walking

    def _walk(self, walk: _Walk, prepared: Prepared, nodes: Sequence[NodeInfo]) -> None:
        if prepared.names is not None:
            for slot in sorted(
                n.slot for name in prepared.names if (n := self._cache.node(name)) is not None
            ):
                walk.stretch(slot, slot + 1)
            return
        count = len(nodes)
        wanted = feasible_wanted(self.framework.profile.percentage_of_nodes_to_score, count)
        start, walked = self._start % count, 0
        while walked < count and walk.feasible < wanted:
            low = (start + walked) % count
            high = min(low + max(wanted - walk.feasible, _STRIDE_MIN), count, low + count - walked)
            walk.stretch(low, high)
            walked += high - low
        self._start = (start + walked) % count

    # -- answers

    def _choose(self, walk: _Walk, table: Table, nodes: Sequence[NodeInfo]) -> Choice:
        bonus = 0
        if walk.is_plain:
            # Rejected slots are below zero and never the best.
            slots, scores = None, walk.totals()
            bonus = sum(zero_bonus(scorer) for scorer, _ in table.columns)
        else:
            slots = walk.feasible_slots()
            scores, bonus = walk.scores(slots)
        best = max(scores)
        ties = scores.count(best)
        index = nth(scores, best, self._random.index(ties) if ties > 1 else 0)
        slot = walk.slot(index) if slots is None else slots[index]
        evaluated = walk.evaluated
        rejected = walk.verdicts() if walk.feasible < evaluated else {}
        details: tuple[tuple[str, Status | int], ...] = ()
        if evaluated <= DETAILS_MAX:
            known: dict[int, Status | int] = {
                slot: status for slot, status in rejected.items() if status is not None
            }
            final = zip(walk.slots() if slots is None else slots, scores, strict=True)
            known.update((slot, score + bonus) for slot, score in final if score != INFEASIBLE)
            details = tuple((nodes[slot].name, known[slot]) for slot in sorted(known))
        return Choice(
            nodes[slot],
            walk.state,
            evaluated,
            walk.feasible,
            ties,
            best + bonus,
            Counter(status for status in rejected.values() if status is not None),
            details,
        )

    def _reject(self, walk: _Walk, prepared: Prepared, nodes: Sequence[NodeInfo]) -> Rejection:
        if walk.is_whole:
            return self._reject_all(walk, prepared, nodes)
        verdicts = walk.verdicts()
        counts: Counter[Status] = Counter(status for status in verdicts.values() if status is not None)
        if prepared.names is not None and (absent := len(nodes) - len(verdicts)):
            names = " ".join(sorted(prepared.narrowed_by))
            reason = f"node(s) didn't satisfy plugin(s) [{names}]"
            counts[Status(Code.UNSCHEDULABLE_AND_UNRESOLVABLE, reason, plugin="")] = absent
        return Rejection(
            len(nodes),
            counts,
            walk.state,
            narrowed_by=prepared.narrowed_by,
            per_node=lambda: [(node, verdicts.get(node.slot)) for node in nodes],
            details=tuple(
                (nodes[slot].name, status) for slot, status in verdicts.items() if status is not None
            )
            if len(verdicts) <= DETAILS_MAX
            else (),
        )

    def _reject_all(self, walk: _Walk, prepared: Prepared, nodes: Sequence[NodeInfo]) -> Rejection:
        """The same where every node was rejected by itself, the usual case of a waiting crowd: at C's speed."""
        verdicts = list(walk.node_verdicts)
        return Rejection(
            len(nodes),
            Counter(verdicts),  # type: ignore[arg-type]  # None of them is None
            walk.state,
            narrowed_by=prepared.narrowed_by,
            per_node=lambda: list(zip(nodes, verdicts, strict=True)),
            details=tuple((node.name, status) for node, status in zip(nodes, verdicts, strict=True) if status)
            if len(nodes) <= DETAILS_MAX
            else (),
        )

    def _ruled_out(self, refusal: Status) -> Callable[[], Sequence[tuple[NodeInfo, Status | None]]]:
        nodes = self._cache.nodes
        return lambda: [(node, refusal) for node in nodes]


class _Walk:
    """The nodes one decision looks at: stretches of slots, and what CLUSTER-scoped plugins make of them."""

    __slots__ = (
        "_cache",
        "_cluster_rejected",
        "_filters",
        "_framework",
        "_nodes",
        "_pod",
        "_scorers",
        "_spans",
        "_table",
        "feasible",
        "state",
    )

    def __init__(
        self,
        framework: Framework,
        table: Table,
        pod: PodInfo,
        state: CycleState,
        cache: Cache,
    ) -> None:
        self._framework, self._table, self._pod = framework, table, pod
        self._cache, self._nodes = cache, cache.nodes
        self.state = state
        self._filters = [p for p in framework.cluster_filters if p.name not in state.skipped]
        self._scorers: list[ClusterScorer] | None = None
        self._spans: list[tuple[int, int]] = []
        self._cluster_rejected: dict[int, Status] = {}
        self.feasible = 0

    @property
    def evaluated(self) -> int:
        return sum(high - low for low, high in self._spans)

    @property
    def is_whole(self) -> bool:
        """Every node was looked at and rejected by a NODE-scoped plugin."""
        return (
            not self._cluster_rejected
            and not self.feasible
            and self.evaluated >= len(self._nodes)
            and INFEASIBLE * len(self._nodes) == sum(self._table.totals)
        )

    @property
    def node_verdicts(self) -> Sequence[Status | None]:
        return self._table.verdicts

    @property
    def is_plain(self) -> bool:
        """The totals are all there is to compare."""
        return (
            not self._cluster_rejected
            and not self.scorers
            and not any(
                any(column[low:high]) for _, column in self._table.columns for low, high in self._spans
            )
        )

    @property
    def scorers(self) -> list[ClusterScorer]:
        """The CLUSTER-scoped ones that have something to say."""
        if self._scorers is None:
            self._scorers = [
                s for s in self._framework.cluster_scorers if not _is_skipped(s, self.state, self._pod, ())
            ]
        return self._scorers

    def stretch(self, low: int, high: int) -> None:
        """Look at the nodes in slots low ... high-1."""
        table = self._table
        totals = table.totals
        part = totals[low:high]
        if STALE in part:
            for slot in range(low, high):
                if totals[slot] == STALE:
                    table.ask(self._pod, self._nodes[slot], slot)
            part = totals[low:high]
        self._spans.append((low, high))
        self.feasible += len(part) - part.count(INFEASIBLE)
        if self._filters:
            fit = range(low, high)
            self._filter_cluster(
                fit if INFEASIBLE not in part else [s for s in fit if totals[s] != INFEASIBLE]
            )

    def _filter_cluster(self, slots: Sequence[int]) -> None:
        for plugin in self._filters:
            if not slots:
                return
            answers = plugin.filter_nodes(self.state, self._pod, Candidates(self._cache, slots))
            if not any(answers):
                continue
            passed: list[int] = []
            for slot, status in zip(slots, answers, strict=True):
                if status is None:
                    passed.append(slot)
                elif status.code is Code.ERROR:
                    raise PluginFailed(status)
                else:
                    self._cluster_rejected[slot] = status
            self.feasible -= len(slots) - len(passed)
            slots = passed
        self._filter_nominated(slots)

    def _filter_nominated(self, slots: Sequence[int]) -> None:
        """What CLUSTER-scoped plugins say if the pods that wait for room on a node were there."""
        nominator = self._table.nominator
        candidates = set(slots) if nominator.nodes() else ()
        for name in nominator.nodes() if candidates else ():
            node = self._cache.node(name)
            if node is None or node.slot not in candidates:
                continue
            if waiting := nominator.before(name, self._pod):
                slot = node.slot
                status = self._framework.filter_with(self.state, self._pod, node, waiting)
                if status is not None:
                    self._cluster_rejected[slot] = status
                    self.feasible -= 1

    def totals(self) -> list[int]:
        spans, totals = self._spans, self._table.totals
        if len(spans) == 1:
            return totals[spans[0][0] : spans[0][1]]
        joined: list[int] = []
        for low, high in spans:
            joined += totals[low:high]
        return joined

    def slots(self) -> list[int]:
        return [slot for low, high in self._spans for slot in range(low, high)]

    def slot(self, index: int) -> int:
        """Of the index-th of `totals()`."""
        for low, high in self._spans:
            if index < high - low:
                return low + index
            index -= high - low
        raise IndexError(index)

    def feasible_slots(self) -> Sequence[int]:
        if len(self._spans) == 1 and self.feasible == self.evaluated:
            return range(*self._spans[0])
        totals, rejected = self._table.totals, self._cluster_rejected
        slots = [slot for low, high in self._spans for slot in range(low, high) if totals[slot] != INFEASIBLE]
        return [slot for slot in slots if slot not in rejected] if rejected else slots

    def scores(self, slots: Sequence[int]) -> tuple[list[int], int]:
        """(per slot, what is added to all of them)."""
        scores = picked(self._table.totals, slots)
        bonus = 0
        for scorer, column in self._table.columns:
            raw = picked(column, slots)
            if any(raw):
                scores = _weighted(scores, scorer, raw)
            else:
                bonus += zero_bonus(scorer)
        if self.scorers:
            nodes = Candidates(self._cache, slots)
            for cluster_scorer in self.scorers:
                raw = cluster_scorer.score_nodes(self.state, self._pod, nodes)
                scores = _weighted(scores, cluster_scorer, raw)
        return scores, bonus

    def verdicts(self) -> dict[int, Status | None]:
        """slot -> why not."""
        verdicts = self._table.verdicts
        found = {slot: verdicts[slot] for low, high in self._spans for slot in range(low, high)}
        found.update(self._cluster_rejected)
        return found


def _both(one: Prepared, other: Prepared) -> Prepared:
    """What NODE- and CLUSTER-scoped PreFilters say together."""
    names = one.names
    if other.names is not None:
        names = other.names if names is None else names & other.names
    narrowed_by = one.narrowed_by + other.narrowed_by
    refusal = other.refusal
    if refusal is None and names is not None and not names:
        refusal = no_name_left(sorted(narrowed_by))
    return Prepared(one.skipped | other.skipped, names, narrowed_by, refusal)


def _weighted(scores: list[int], scorer: Scorer | ClusterScorer, raw: list[int]) -> list[int]:
    weight = scorer.weight
    final = raw if scorer.normalize is None else scorer.normalize(raw)
    return [score + weight * more for score, more in zip(scores, final, strict=True)]


def _is_skipped(
    scorer: Scorer | ClusterScorer, state: CycleState, pod: PodInfo, nodes: Sequence[NodeInfo]
) -> bool:
    status = scorer.pre_score(state, pod, nodes) if scorer.pre_score is not None else None
    if status is not None and status.code is not Code.SKIP:
        raise PluginFailed(status)
    return status is not None
