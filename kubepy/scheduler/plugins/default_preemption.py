"""DefaultPreemption: when no node fits, find one that would if pods of lower priority left it, and have them leave.

Some nodes, from a random one on, are tried in thought: take away every pod of lower priority; if the pod fits then,
give back as many as possible, those first whose disruption budgets would be violated, then the more important. What
could not be given back are the victims. Of these candidates the one is taken that violates the fewest budgets, whose
most important victim is the least important, and so on (`Candidate.rank`).

For pods about which only NODE-scoped plugins have something to say the outcome for a node is remembered until the node,
a budget or a nomination changes: a thousand pods that preempt think about each node once. So the start times by which
the last ties are broken may be those of an earlier thought.

Source: pkg/scheduler/framework/plugins/defaultpreemption/default_preemption.go, framework/preemption/preemption.go.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

from kubepy.api import selectors
from kubepy.api.builtins import POD_DISRUPTION_BUDGETS
from kubepy.api.objects import Document, Obj, condition, is_deleting, key_of, uid_of, walk
from kubepy.api.selectors import LabelSelector
from kubepy.lib.clock import parse_rfc3339
from kubepy.scheduler import group_preemption
from kubepy.scheduler.args import DefaultPreemptionArgs
from kubepy.scheduler.evictions import Evictions, Preemptor
from kubepy.scheduler.framework import (
    Action,
    AskAboutVictims,
    ClusterEvent,
    Code,
    CycleState,
    Hint,
    Interest,
    Nominated,
    Status,
    Tried,
    Victims,
)
from kubepy.scheduler.group_preemption import Unit
from kubepy.scheduler.node_info import NodeInfo, PodInfo
from kubepy.scheduler.outcomes import Rejection
from kubepy.scheduler.pod_groups import group_of, priority_of

if TYPE_CHECKING:
    from kubepy.scheduler.toolbox import Toolbox

_NAME = "DefaultPreemption"
_WAITING = Status(
    Code.UNSCHEDULABLE_AND_UNRESOLVABLE,
    "waiting for the preemption for this pod to be finished",
    plugin=_NAME,
)
_GROUP_WAITING = Status(
    Code.UNSCHEDULABLE_AND_UNRESOLVABLE,
    "waiting for the preemption for this pod group to be finished",
    plugin=_NAME,
)
_NEVER = Status(Code.UNSCHEDULABLE, "preemption: not eligible due to preemptionPolicy=Never.", plugin=_NAME)
_TERMINATING = Status(
    Code.UNSCHEDULABLE,
    "preemption: not eligible due to a terminating pod on the nominated node.",
    plugin=_NAME,
)
_NO_VICTIMS = Status(
    Code.UNSCHEDULABLE_AND_UNRESOLVABLE, "No preemption victims found for incoming pod", plugin=_NAME
)
_NO_CANDIDATE = Status(Code.UNSCHEDULABLE, "no candidate node for preemption", plugin=_NAME)
_NOT_HELPFUL = Status(
    Code.UNSCHEDULABLE_AND_UNRESOLVABLE, "Preemption is not helpful for scheduling", plugin=_NAME
)

# Added to each priority, so that the sum over many pods of negative priority is not better than over few.
_PRIORITY_OFFSET = 2**31
# Kinds of pods whose thoughts are remembered.
_MEMORIES_MAX = 16


class Candidate(NamedTuple):
    """A node, and who would have to leave it, most important first."""

    node: str
    victims: tuple[PodInfo, ...]
    violations: int  # victims whose disruption budgets would be violated
    rank: tuple[float, ...]  # the greater the better


class Budget(NamedTuple):
    """A PodDisruptionBudget."""

    namespace: str
    selector: LabelSelector
    allowed: int
    disrupted: frozenset[str]  # pods that are counted already


class _Memory:
    """What came of earlier thoughts, for pods of one signature and priority."""

    __slots__ = ("at", "by_slot", "position")

    def __init__(self, at: Hashable) -> None:
        self.at = at
        self.position = 0
        self.by_slot: dict[int, Candidate | Status] = {}


class DefaultPreemption:
    name = _NAME

    def __init__(self, tools: Toolbox) -> None:
        self._tools = tools
        self._args = tools.arguments(DefaultPreemptionArgs)
        self._evictions, self._groups = Evictions(tools, _NAME), tools.groups
        self._pdbs = tools.informers.informer(POD_DISRUPTION_BUDGETS)
        self._pdbs.add_handler(
            on_add=self._budget_changed,
            on_update=lambda old, new: self._budget_changed(new),
            on_delete=self._budget_changed,
        )
        self._budgets: list[Budget] | None = None
        self._budgets_version = 0
        self._memories: OrderedDict[Hashable, _Memory] = OrderedDict()
        self._attempts = tools.metrics.counter(
            "scheduler_preemption_attempts_total", "Total preemption attempts in the cluster till now"
        )

    def pre_enqueue(self, pod: PodInfo) -> Status | None:
        if self._groups is not None and (key := group_of(pod.obj)) is not None:
            group = self._groups.get(key)
            return (
                _GROUP_WAITING if group is not None and self._evictions.is_under_way(uid_of(group)) else None
            )
        return _WAITING if self._evictions.is_under_way(pod.uid) else None

    def events(self) -> Sequence[Interest]:
        # Pods that wait for their victims were rejected by other plugins too; those say when to try again.
        return [Interest(ClusterEvent("Pod", Action.DELETE), lambda pod, old, new: Hint.SKIP)]

    def post_filter(
        self,
        state: CycleState,
        pod: PodInfo,
        rejected: Callable[[], Sequence[tuple[NodeInfo, Status | None]]],
    ) -> Nominated | Status:
        found = self._candidates(state, pod, rejected)
        return self._take(pod, found) if isinstance(found, list) else found

    async def post_filter_asking(
        self,
        state: CycleState,
        pod: PodInfo,
        rejected: Callable[[], Sequence[tuple[NodeInfo, Status | None]]],
        ask: AskAboutVictims,
    ) -> Nominated | Status:
        found = self._candidates(state, pod, rejected)
        if not isinstance(found, list):
            return found
        shown = {one.node: Victims(one.victims, one.violations) for one in found}
        left, now = await ask(pod, shown), self._tools.clock.now()
        found = [
            Candidate(node, chosen.pods, chosen.violations, rank(chosen.pods, chosen.violations, now))
            for node, chosen in left.items()
        ]
        return self._take(pod, found) if found else _NO_CANDIDATE

    def _candidates(
        self,
        state: CycleState,
        pod: PodInfo,
        rejected: Callable[[], Sequence[tuple[NodeInfo, Status | None]]],
    ) -> list[Candidate] | Nominated | Status:
        """At least one, or why there is none."""
        self._attempts.inc()
        verdicts = rejected()
        refusal = self._ineligible(pod, verdicts)
        if refusal is not None:
            return refusal
        nodes = [n for n, status in verdicts if status is not None and status.code is Code.UNSCHEDULABLE]
        candidates, statuses = self._find(state, pod, nodes)
        if candidates:
            return candidates
        if others := len(verdicts) - sum(statuses.values()):
            statuses[_NOT_HELPFUL] += others
        text = Rejection(len(verdicts), statuses, state).message()
        return Nominated("", Status(Code.UNSCHEDULABLE, f"preemption: {text}", plugin=_NAME))

    def _take(self, pod: PodInfo, candidates: Sequence[Candidate]) -> Nominated:
        best = max(candidates, key=lambda candidate: candidate.rank)
        self._evictions.start(Preemptor.of(pod), best.victims, best.node)
        return Nominated(best.node)

    def group_post_filter(
        self, group: Obj, pods: Sequence[PodInfo], tried: Tried
    ) -> tuple[str, dict[str, str]]:
        """Source: PodGroupEvaluator.Preempt."""
        self._attempts.inc()
        if pods[0].spec.get("preemptionPolicy") == "Never":
            return group_preemption.NEVER, {}
        tools, priority = self._tools, priority_of(group)
        units = [unit for unit in self._units() if unit.priority < priority]
        victims, why = group_preemption.choose(units, tools.cache, lambda: tried()[0], self._split)
        if why:
            return why, {}
        evicted = [pod for unit in victims for pod in unit.pods]
        with ExitStack() as away:
            for pod in evicted:
                away.enter_context(tools.cache.without(pod.key))
            _, nodes = tried()
        waiting = tuple(pod.uid for pod in pods)
        by = Preemptor(
            uid_of(group), key_of(group), "podgroup", pods[0].scheduler_name, priority, group, waiting
        )
        self._evictions.start(by, evicted, "cluster")
        return "", nodes

    def _units(self) -> list[Unit]:
        """All pods that have a node; those of a group that is only disrupted as a whole as one."""
        now = self._tools.clock.now()
        whole: dict[str, list[PodInfo]] = {}
        groups: dict[str, Obj] = {}
        units = []
        for node in self._tools.cache.nodes:
            for pod in node.pods.values():
                key = group_of(pod.obj)
                group = self._groups.get(key) if self._groups is not None and key is not None else None
                if group is None or (group["spec"].get("disruptionMode") or {}).get("all") is None:
                    units.append(Unit((pod,), pod.priority, False, _started(pod, now)))
                else:
                    whole.setdefault(uid_of(group), []).append(pod)
                    groups[uid_of(group)] = group
        units += [
            Unit(tuple(pods), priority_of(groups[uid]), True, min(_started(pod, now) for pod in pods))
            for uid, pods in whole.items()
        ]
        return units

    def _split(self, units: Sequence[Unit]) -> tuple[list[Unit], list[Unit]]:
        over, _ = split_by_budgets([pod for unit in units for pod in unit.pods], self._all_budgets())
        uids = {pod.uid for pod in over}
        violating = [unit for unit in units if any(pod.uid in uids for pod in unit.pods)]
        return violating, [unit for unit in units if unit not in violating]

    def consider(
        self,
        state: CycleState,
        pod: PodInfo,
        verdicts: Sequence[tuple[NodeInfo, Status | None]],
        *,
        nodes_max: int,
    ) -> tuple[Status | None, dict[str, Candidate | Status]]:
        """(why the pod may not preempt at all, what would come of it on the first `nodes_max` nodes where it could
        help); nobody is evicted."""
        refusal = self._ineligible(pod, verdicts)
        if refusal is not None:
            return refusal, {}
        nodes = [n for n, status in verdicts if status is not None and status.code is Code.UNSCHEDULABLE]
        return None, {node.name: self._outcome(state, pod, node, None) for node in nodes[:nodes_max]}

    def _ineligible(self, pod: PodInfo, verdicts: Sequence[tuple[NodeInfo, Status | None]]) -> Status | None:
        """Source: PodEligibleToPreemptOthers."""
        if pod.spec.get("preemptionPolicy") == "Never":
            return _NEVER
        nominated = walk(pod.obj, "status", "nominatedNodeName")
        if not nominated:
            return None
        node = self._tools.cache.node(nominated)
        if node is None:
            return None
        status = next((status for info, status in verdicts if info is node), None)
        if status is not None and status.code is Code.UNSCHEDULABLE_AND_UNRESOLVABLE:
            return None
        has_going = any(p.priority < pod.priority and _is_preempted(p.obj) for p in node.pods.values())
        return _TERMINATING if has_going else None

    # -- candidates

    def _find(
        self, state: CycleState, pod: PodInfo, nodes: Sequence[NodeInfo]
    ) -> tuple[list[Candidate], Counter[Status]]:
        """Enough candidates, and the statuses of the nodes that are none. Source: findCandidates, DryRunPreemption."""
        statuses: Counter[Status] = Counter()
        if not nodes:
            return [], statuses
        wanted = self._candidates_wanted(len(nodes))
        offset = self._tools.random.index(len(nodes))
        memory = self._memory(state, pod)
        harmless: list[Candidate] = []
        violating: list[Candidate] = []
        for at in range(len(nodes)):
            outcome = self._outcome(state, pod, nodes[(offset + at) % len(nodes)], memory)
            if isinstance(outcome, Status):
                statuses[outcome] += 1
                continue
            (violating if outcome.violations else harmless).append(outcome)
            if harmless and len(harmless) + len(violating) >= wanted:
                break
        return [*harmless, *violating], statuses

    def _candidates_wanted(self, nodes: int) -> int:
        args = self._args
        wanted = max(nodes * args.min_candidate_nodes_percentage // 100, args.min_candidate_nodes_absolute)
        return min(wanted, nodes)

    def _memory(self, state: CycleState, pod: PodInfo) -> _Memory | None:
        framework, cache = self._tools.framework, self._tools.cache
        signature = framework.sign(pod)
        if self._tools.queue.nominator.node_of(pod.uid):
            return None  # what others think of the room made for this one is not what it thinks
        if signature is None or any(p.name not in state.skipped for p in framework.cluster_filters):
            return None
        at = (cache.layout, self._budgets_version)
        key = (signature, pod.priority)
        memory = self._memories.get(key)
        changed = cache.changed_since(memory.position) if memory is not None else None
        if memory is None or memory.at != at or changed is None:
            memory = self._memories[key] = _Memory(at)
            if len(self._memories) > _MEMORIES_MAX:
                self._memories.popitem(last=False)
        else:
            for slot in changed:
                memory.by_slot.pop(slot, None)
        self._memories.move_to_end(key)
        memory.position = cache.position
        return memory

    def _outcome(
        self, state: CycleState, pod: PodInfo, node: NodeInfo, memory: _Memory | None
    ) -> Candidate | Status:
        if memory is not None and (known := memory.by_slot.get(node.slot)) is not None:
            return known
        outcome = self._dry_run(state, pod, node, self._tools.queue.nominator.before(node.name, pod))
        if memory is not None:
            memory.by_slot[node.slot] = outcome
        return outcome

    def _dry_run(
        self, state: CycleState, pod: PodInfo, node: NodeInfo, nominated: Sequence[PodInfo]
    ) -> Candidate | Status:
        """Source: SelectVictimsOnNode."""
        framework = self._tools.framework
        now = self._tools.clock.now()
        lesser = [other for other in node.pods.values() if other.priority < pod.priority]
        if not lesser:
            return _NO_VICTIMS
        state, there = state.clone(), node.with_pods((), removed=lesser)
        for other in lesser:
            framework.remove_pod(state, pod, other, there)
        status = framework.filter_with(state, pod, there, nominated)
        if status is not None:
            return status
        lesser.sort(key=lambda other: _importance(other, now))
        over, within = split_by_budgets(lesser, self._all_budgets())
        victims: list[PodInfo] = []
        violations = 0
        for group, is_violation in ((over, 1), (within, 0)):
            for other in group:
                there.add_pod(other)
                framework.add_pod(state, pod, other, there)
                if framework.filter_with(state, pod, there, nominated) is not None:
                    there.remove_pod(other)
                    framework.remove_pod(state, pod, other, there)
                    victims.append(other)
                    violations += is_violation
        if not victims:
            message = f'expected at least one victim pod on node "{node.name}"'
            return Status(Code.UNSCHEDULABLE, message, plugin=_NAME)
        victims.sort(key=lambda other: _importance(other, now))
        return Candidate(node.name, tuple(victims), violations, rank(victims, violations, now))

    # -- budgets

    def _all_budgets(self) -> list[Budget]:
        if self._budgets is None:
            self._budgets = [budget for pdb in self._pdbs.list() if (budget := _budget(pdb)) is not None]
        return self._budgets

    def _budget_changed(self, document: Document) -> None:
        self._budgets = None
        self._budgets_version += 1


def rank(victims: Sequence[PodInfo], violations: int, now: float) -> tuple[float, ...]:
    """The greater the better: fewest violations, least important victim, lowest sum of priorities, fewest victims, the
    most important ones started latest. Source: pickOneNodeForPreemption."""
    highest = max(victim.priority for victim in victims)
    return (
        -violations,
        -victims[0].priority,
        -sum(victim.priority + _PRIORITY_OFFSET for victim in victims),
        -len(victims),
        min(_started(victim, now) for victim in victims if victim.priority == highest),
    )


def split_by_budgets(
    pods: Sequence[PodInfo], budgets: Sequence[Budget]
) -> tuple[list[PodInfo], list[PodInfo]]:
    """(those whose eviction would violate a budget after the ones before them, the others), in order.

    Source: filterPodsWithPDBViolation.
    """
    if not budgets:
        return [], list(pods)
    allowed = [budget.allowed for budget in budgets]
    over: list[PodInfo] = []
    within: list[PodInfo] = []
    for pod in pods:
        is_violated = False
        for at, budget in enumerate(budgets):
            if (
                budget.namespace == pod.key.namespace
                and pod.labels
                and pod.key.name not in budget.disrupted
                and budget.selector.matches(pod.labels)
            ):
                allowed[at] -= 1
                is_violated = is_violated or allowed[at] < 0
        (over if is_violated else within).append(pod)
    return over, within


def _budget(pdb: Obj) -> Budget | None:
    """None for one that selects nothing: no selector, an empty or an invalid one."""
    try:
        selector = selectors.from_label_selector(walk(pdb, "spec", "selector"))
    except ValueError:
        return None
    if selector.is_empty or selector.is_nothing:
        return None
    status = pdb.get("status") or {}
    return Budget(
        pdb["metadata"]["namespace"],
        selector,
        status.get("disruptionsAllowed") or 0,
        frozenset(status.get("disruptedPods") or ()),
    )


def _importance(pod: PodInfo, now: float) -> tuple[float, float]:
    """Most important first. Source: MoreImportantPod."""
    return -pod.priority, _started(pod, now)


def _started(pod: PodInfo, now: float) -> float:
    """A pod that has not started yet counts as starting now."""
    text = walk(pod.obj, "status", "startTime")
    return parse_rfc3339(text) if text else now


def _is_preempted(pod: Obj) -> bool:
    """On its way out because of a preemption."""
    found = condition(pod, "DisruptionTarget") if is_deleting(pod) else None
    return (
        found is not None and found.get("status") == "True" and found.get("reason") == "PreemptionByScheduler"
    )
