"""One profile at work: its plugins sorted by extension point, and how each point's answers combine.

Filter and Score are not here but in search.py, which asks them only where memory does not help.

Source: pkg/scheduler/framework/runtime/framework.go, waiting_pods_map.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

from kubepy.api.objects import Obj
from kubepy.lib.clock import Clock
from kubepy.scheduler.framework import (
    Action,
    AskAboutVictims,
    AskingPostFilter,
    Bind,
    ClusterEvent,
    ClusterFilter,
    ClusterScore,
    Code,
    CycleState,
    EventInterest,
    Filter,
    GroupPostFilter,
    Interest,
    Narrowed,
    Nominated,
    Normalize,
    Permit,
    PlacementFeasible,
    Plugin,
    PostBind,
    PostFilter,
    PreBind,
    PreEnqueue,
    PreFilter,
    PreFilterExtensions,
    PreScore,
    QueueSort,
    Reserve,
    Scope,
    Score,
    Status,
    Tried,
)
from kubepy.scheduler.node_info import NodeInfo, PodInfo
from kubepy.scheduler.profiles import PluginSet, Profile
from kubepy.scheduler.queue import QueuedPod

# What a plugin that names no events is retried on.
_EVERYTHING = (Interest(ClusterEvent("*", Action.ALL)),)
_UNSIGNABLE = object()
_AS_PROFILE = PluginSet()
# The longest a Permit plugin may hold a pod. Source: framework.go, maxTimeout.
_PERMIT_MAX_S = 15 * 60.0


class PluginFailed(Exception):
    """A plugin answered with an error, or with a code that its extension point does not know."""

    def __init__(self, status: Status, form: str = 'running plugin "{}"') -> None:
        """`form`: how upstream says at which extension point."""
        super().__init__(f"{form.format(status.plugin)}: {status.message or status.code.name}")
        self.status = status


class Scorer(NamedTuple):
    """A scoring plugin of NODE scope."""

    name: str
    score: Callable[[CycleState, PodInfo, NodeInfo], int]
    weight: int
    normalize: Callable[[Sequence[int]], list[int]] | None
    pre_score: Callable[[CycleState, PodInfo, Sequence[NodeInfo]], Status | None] | None


class ClusterScorer(NamedTuple):
    """A scoring plugin of CLUSTER scope."""

    name: str
    score_nodes: Callable[[CycleState, PodInfo, Sequence[NodeInfo]], list[int]]
    weight: int
    normalize: Callable[[Sequence[int]], list[int]] | None
    pre_score: Callable[[CycleState, PodInfo, Sequence[NodeInfo]], Status | None] | None


class Prepared(NamedTuple):
    """What PreFilter says about a pod before any node is looked at."""

    skipped: frozenset[str]  # plugins whose Filter has nothing to do
    names: frozenset[str] | None  # the only nodes that can be feasible; None: all can
    narrowed_by: tuple[str, ...]  # plugins that said so
    refusal: Status | None  # no node can be feasible


class Framework:
    """Built once per profile and never changed."""

    def __init__(
        self,
        profile: Profile,
        plugins: Sequence[tuple[Plugin, int]],
        clock: Clock,
        rejectors: Sequence[str] = (),
    ) -> None:
        """`rejectors`: who else may reject nodes; what they reject is tried again after any event."""
        self.profile = profile
        self.name = profile.scheduler_name
        self._clock = clock

        def at(point: str, kind: type[Any]) -> list[Any]:
            return [plugin for plugin, _ in _at(profile, plugins, point, kind)]

        sorts: list[QueueSort] = at("queueSort", QueueSort)
        if len(sorts) != 1:
            raise ValueError(
                f"profile {self.name}: exactly one QueueSort plugin is needed, there are {len(sorts)}"
            )
        self._sort = sorts[0]
        self._pre_enqueues: list[PreEnqueue] = at("preEnqueue", PreEnqueue)
        # What looks further than one node cannot be asked once for all pods of a signature.
        pre_filters: list[PreFilter] = at("preFilter", PreFilter)
        self._pre_filters = [p for p in pre_filters if not isinstance(p, ClusterFilter)]
        self._cluster_pre_filters = [p for p in pre_filters if isinstance(p, ClusterFilter)]
        self._extensions = [p for p in pre_filters if isinstance(p, PreFilterExtensions)]
        self.filters: list[Filter] = [p for p in at("filter", Filter) if p.scope is Scope.NODE]
        self.cluster_filters: list[ClusterFilter] = at("filter", ClusterFilter)
        self.post_filters: list[PostFilter] = at("postFilter", PostFilter)
        self.scorers = [
            Scorer(p.name, p.score, weight, *_score_helpers(p))
            for p, weight in _at(profile, plugins, "score", Score)
            if p.scope is Scope.NODE and weight
        ]
        self.cluster_scorers = [
            ClusterScorer(p.name, p.score_nodes, weight, *_score_helpers(p))
            for p, weight in _at(profile, plugins, "score", ClusterScore)
            if weight
        ]
        self._reserves: list[Reserve] = at("reserve", Reserve)
        self._permits: list[Permit] = at("permit", Permit)
        self._placements: list[PlacementFeasible] = at("placementFeasible", PlacementFeasible)
        self._group_post_filters: list[GroupPostFilter] = at("postFilter", GroupPostFilter)
        self._pre_binds: list[PreBind] = at("preBind", PreBind)
        self._binds: list[Bind] = at("bind", Bind)
        self._post_binds: list[PostBind] = at("postBind", PostBind)
        if not self._binds:
            raise ValueError(f"profile {self.name}: at least one Bind plugin is needed")
        # Only those whose answers are remembered need to say what they depend on.
        self._signers = [p for p, _ in plugins if isinstance(p, Filter | Score) and p.scope is Scope.NODE]
        self.interests: Mapping[str, Sequence[Interest]] = {
            plugin.name: tuple(plugin.events()) if isinstance(plugin, EventInterest) else _EVERYTHING
            for plugin, _ in plugins
        } | dict.fromkeys(rejectors, _EVERYTHING)
        self._waiting: dict[str, _Waiting] = {}

    # -- pod groups

    def placement_feasible(self, group: Obj, *, scheduled: int, remaining: int) -> Status | None:
        answers = (
            p.placement_feasible(group, scheduled=scheduled, remaining=remaining) for p in self._placements
        )
        return next((status for status in answers if status is not None), None)

    def group_post_filter(
        self, group: Obj, pods: Sequence[PodInfo], tried: Tried
    ) -> tuple[str, dict[str, str]]:
        """The first that can do something; see framework.py."""
        why = ""
        for plugin in self._group_post_filters:
            why, nodes = plugin.group_post_filter(group, pods, tried)
            if not why:
                return "", nodes
        return why, {}

    # -- queue

    def sort_key(self, pod: QueuedPod) -> Any:
        return self._sort.sort_key(pod)

    def pre_enqueue(self, pod: PodInfo) -> Status | None:
        return next((s for p in self._pre_enqueues if (s := p.pre_enqueue(pod)) is not None), None)

    # -- decision

    def sign(self, pod: PodInfo) -> Hashable | None:
        """Equal for pods about which all NODE-scoped plugins answer alike; None when one cannot tell."""
        signature = pod.signature
        if signature is None:
            fragments = tuple(plugin.sign(pod) for plugin in self._signers)
            signature = pod.signature = _UNSIGNABLE if None in fragments else fragments
        return None if signature is _UNSIGNABLE else signature

    def pre_filter(self, state: CycleState, pod: PodInfo) -> Prepared:
        """Of the NODE-scoped plugins: holds for all pods of the signature."""
        return self._pre_filter(self._pre_filters, state, pod)

    def cluster_pre_filter(self, state: CycleState, pod: PodInfo) -> Prepared:
        """Of the CLUSTER-scoped ones: holds now, for this pod."""
        return self._pre_filter(self._cluster_pre_filters, state, pod)

    @staticmethod
    def _pre_filter(plugins: Sequence[PreFilter], state: CycleState, pod: PodInfo) -> Prepared:
        skipped: set[str] = set()
        narrowed_by: list[str] = []
        names: frozenset[str] | None = None
        refusal: Status | None = None
        for plugin in plugins:
            answer = plugin.pre_filter(state, pod)
            if answer is None:
                continue
            if isinstance(answer, Narrowed):
                narrowed_by.append(plugin.name)
                names = frozenset(answer.names) if names is None else names & frozenset(answer.names)
                if not names:
                    refusal = no_name_left(sorted(narrowed_by))
                    break
            elif answer.code is Code.SKIP:
                skipped.add(plugin.name)
            elif answer.code is Code.UNSCHEDULABLE_AND_UNRESOLVABLE:
                refusal = answer
                break
            elif answer.is_rejection:
                refusal = answer
            else:
                raise PluginFailed(answer, 'running PreFilter plugin "{}"')
        state.skipped |= skipped
        return Prepared(frozenset(skipped), names, tuple(narrowed_by), refusal)

    def filter(self, state: CycleState, pod: PodInfo, node: NodeInfo) -> Status | None:
        """All Filter plugins about one node, which may be a copy of what would be if."""
        skipped = state.skipped
        for plugin in self.filters:
            if plugin.name not in skipped and (status := plugin.filter(state, pod, node)) is not None:
                return _checked(status)
        return self._cluster_filter(state, pod, node)

    def _cluster_filter(self, state: CycleState, pod: PodInfo, node: NodeInfo) -> Status | None:
        for plugin in self.cluster_filters:
            if plugin.name not in state.skipped:
                status = plugin.filter_nodes(state, pod, [node])[0]
                if status is not None:
                    return _checked(status)
        return None

    def filter_with(
        self, state: CycleState, pod: PodInfo, node: NodeInfo, nominated: Sequence[PodInfo]
    ) -> Status | None:
        """`filter` twice: as if the nominated pods were there already, for the pod must leave them their room, and as
        it is, for it must not rely on them either. Source: RunFilterPluginsWithNominatedPods."""
        absent = [other for other in nominated if other.key not in node.pods]
        if absent:
            clone = state.clone()
            there = node.with_pods(absent)
            for other in absent:
                self.add_pod(clone, pod, other, there)
            status = self.filter(clone, pod, there)
            if status is not None:
                return status
        return self.filter(state, pod, node)

    def add_pod(self, state: CycleState, pod: PodInfo, added: PodInfo, node: NodeInfo) -> None:
        for plugin in self._extensions:
            if plugin.name not in state.skipped:
                plugin.add_pod(state, pod, added, node)

    def remove_pod(self, state: CycleState, pod: PodInfo, removed: PodInfo, node: NodeInfo) -> None:
        for plugin in self._extensions:
            if plugin.name not in state.skipped:
                plugin.remove_pod(state, pod, removed, node)

    def post_filter(
        self,
        state: CycleState,
        pod: PodInfo,
        rejected: Callable[[], Sequence[tuple[NodeInfo, Status | None]]],
    ) -> tuple[Nominated | None, str]:
        """(where room is being made or that an earlier nomination ends, what to append to the pod's message)."""
        found = _PostFiltered()
        for plugin in self.post_filters:
            if found.is_enough(plugin.post_filter(state, pod, rejected)):
                break
        return found.nominated, found.text

    async def post_filter_asking(
        self,
        state: CycleState,
        pod: PodInfo,
        rejected: Callable[[], Sequence[tuple[NodeInfo, Status | None]]],
        ask: AskAboutVictims,
    ) -> tuple[Nominated | None, str]:
        """The same, where others have a say about victims."""
        found = _PostFiltered()
        for plugin in self.post_filters:
            answer = (
                await plugin.post_filter_asking(state, pod, rejected, ask)
                if isinstance(plugin, AskingPostFilter)
                else plugin.post_filter(state, pod, rejected)
            )
            if found.is_enough(answer):
                break
        return found.nominated, found.text

    def reserve(self, state: CycleState, pod: PodInfo, node: str) -> Status | None:
        return next((s for p in self._reserves if (s := p.reserve(state, pod, node)) is not None), None)

    def unreserve(self, state: CycleState, pod: PodInfo, node: str) -> None:
        for plugin in reversed(self._reserves):
            plugin.unreserve(state, pod, node)

    def permit(self, state: CycleState, pod: PodInfo, node: str) -> Status | None:
        """None: yes, or: wait in `wait_permitted`."""
        waits: dict[str, float] = {}
        for plugin in self._permits:
            answer = plugin.permit(state, pod, node)
            if isinstance(answer, tuple):
                waits[plugin.name] = min(answer[1], _PERMIT_MAX_S)
            elif answer is not None:
                return answer
        if waits:
            self._waiting[pod.uid] = _Waiting(waits)
        return None

    def allow(self, uid: str, plugin: str) -> None:
        """A Permit plugin lets a waiting pod go on, as far as it is concerned."""
        if waiting := self._waiting.get(uid):
            waiting.allow(plugin)

    def is_waiting(self, uid: str) -> bool:
        """Whether Permit plugins hold the pod back."""
        return uid in self._waiting

    def reject(self, uid: str, plugin: str, message: str) -> bool:
        """End a pod's wait; False if it does not wait."""
        waiting = self._waiting.get(uid)
        if waiting is not None:
            waiting.decide(Status(Code.UNSCHEDULABLE, message, plugin=plugin))
        return waiting is not None

    # -- binding

    async def wait_permitted(self, pod: PodInfo) -> Status | None:
        waiting = self._waiting.get(pod.uid)
        if waiting is None:
            return None
        timers = [
            self._clock.call_later(timeout_s, waiting.decide, _timed_out(plugin, timeout_s))
            for plugin, timeout_s in waiting.plugins.items()
        ]
        try:
            return await waiting.verdict
        finally:
            del self._waiting[pod.uid]
            for timer in timers:
                timer.cancel()

    async def pre_bind(self, state: CycleState, pod: PodInfo, node: str) -> None:
        for plugin in self._pre_binds:
            if (status := await plugin.pre_bind(state, pod, node)) is not None:
                raise PluginFailed(status, 'running PreBind plugin "{}"')

    async def bind(self, state: CycleState, pod: PodInfo, node: str) -> None:
        for plugin in self._binds:
            status = await plugin.bind(state, pod, node)
            if status is None:
                return
            if status.code is not Code.SKIP:
                raise PluginFailed(status)
        raise PluginFailed(
            Status(Code.ERROR, "every Bind plugin skipped the pod", plugin=self._binds[-1].name)
        )

    def post_bind(self, state: CycleState, pod: PodInfo, node: str) -> None:
        for plugin in self._post_binds:
            plugin.post_bind(state, pod, node)


class _PostFiltered:
    """How the answers of several PostFilters combine. Source: RunPostFilterPlugins."""

    def __init__(self) -> None:
        self.nominated: Nominated | None = None
        self.text = ""

    def is_enough(self, answer: Nominated | Status) -> bool:
        if isinstance(answer, Nominated):
            self.nominated = answer
            if answer.refusal is None:
                self.text = ""
                return True
            answer = answer.refusal
        if answer.code is Code.UNSCHEDULABLE_AND_UNRESOLVABLE or not answer.is_rejection:
            # What broke ends it, too; it is said and the pod is as unschedulable as before.
            self.nominated = self.nominated if answer.is_rejection else None
            self.text = answer.message
            return True
        self.text = ", ".join(filter(None, (self.text, *answer.reasons)))
        return False


class _Waiting:
    """A pod that Permit plugins hold back."""

    def __init__(self, plugins: dict[str, float]) -> None:
        self.plugins = plugins
        self._pending = set(plugins)
        self.verdict: asyncio.Future[Status | None] = asyncio.get_running_loop().create_future()

    def allow(self, plugin: str) -> None:
        self._pending.discard(plugin)
        if not self._pending:
            self.decide(None)

    def decide(self, status: Status | None) -> None:
        if not self.verdict.done():
            self.verdict.set_result(status)


def _at(
    profile: Profile, plugins: Sequence[tuple[Plugin, int]], point: str, kind: type[Any]
) -> list[tuple[Any, int]]:
    """The plugins of an extension point in their order, with the weights they have there.

    Source: framework.go, expandMultiPointPlugins: those of the profile that the point names, in the point's order; the
    others of the profile; those that only the point names.
    """
    here = profile.points.get(point, _AS_PROFILE)
    only_at_points = {name for name, _ in profile.needed} - {name for name, _ in profile.plugins}
    able = {plugin.name: (plugin, weight) for plugin, weight in plugins if isinstance(plugin, kind)}
    named = [(able[name][0], weight) for name, weight in here.enabled if name in able]
    if "*" in here.disabled:
        return named
    everywhere = {name: one for name, one in able.items() if name not in only_at_points | here.disabled}
    overriding = [one for one in named if one[0].name in everywhere]
    others = [one for name, one in everywhere.items() if name not in dict(here.enabled)]
    return [*overriding, *others, *(one for one in named if one[0].name not in everywhere)]


def _checked(status: Status) -> Status:
    if status.code is Code.ERROR:
        raise PluginFailed(status, 'running "{}" filter plugin')
    return status


def _score_helpers(plugin: Plugin) -> tuple[Any, Any]:
    return (
        plugin.normalize if isinstance(plugin, Normalize) else None,
        plugin.pre_score if isinstance(plugin, PreScore) else None,
    )


def _timed_out(plugin: str, timeout_s: float) -> Status:
    message = f"rejected due to timeout after waiting {timeout_s:g}s at plugin {plugin}"
    return Status(Code.UNSCHEDULABLE, message, plugin=plugin)


def no_name_left(plugins: Sequence[str]) -> Status:
    """Source: framework.go, RunPreFilterPlugins."""
    message = (
        f"node(s) didn't satisfy plugin {plugins[0]}"
        if len(plugins) == 1
        else f"node(s) didn't satisfy plugin(s) [{' '.join(plugins)}] simultaneously"
    )
    return Status(Code.UNSCHEDULABLE_AND_UNRESOLVABLE, message, plugin=plugins[0])


def zero_bonus(scorer: Scorer) -> int:
    """What a normalizing plugin adds to every node when it has nothing to say about any of them."""
    return scorer.normalize([0])[0] * scorer.weight if scorer.normalize is not None else 0
