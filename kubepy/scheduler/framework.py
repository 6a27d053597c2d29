"""The scheduling framework: what a plugin may be asked, in the order in which a pod meets the questions.

    queue     QueueSort   who goes first
              PreEnqueue  may the pod enter the active queue at all?
    decision  PreFilter   once per pod: look ahead, narrow the nodes, or find nothing to do (SKIP)
              Filter      per node: does the pod fit?
              PostFilter  only when no node fits: make room
              PreScore    once per pod: prepare, or find nothing to do (SKIP)
              Score       per node: how well does it fit? then normalize over all scored nodes
              Reserve     the node is chosen and assumed: take what the pod needs there
              Permit      last word before binding: yes, no, or WAIT
    binding   PreBind     do what must be true before the pod runs there
              Bind        tell the API server
              PostBind    it is done

A plugin implements any of these protocols; `runtime.Framework` finds out which. Answers are a `Status`, and None
means success: a pod that does not fit is an answer, never an exception. An exception is our own fault; the pod is
retried with backoff.

What makes it fast: the answers of a NODE-scoped plugin depend on one node and on those fields of the pod that its
`sign` returns, on nothing else. The runtime therefore asks once per (signature, node) and remembers until the node
changes, so that the thousandth pod of a ReplicaSet costs what changed since the one before it. A CLUSTER-scoped plugin
(spreading, affinity between pods) looks further than one node and is asked for every pod, its PreFilter too, and for
all candidate nodes in one call. What it would answer if other pods came or went, which preemption and nominated pods
need to know, it says through PreFilterExtensions.

Source: kube-scheduler framework/interface.go; sign: KEP-5598, SignPlugin.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from kubepy.api.objects import Obj

if TYPE_CHECKING:
    from kubepy.scheduler.node_info import NodeInfo, PodInfo
    from kubepy.scheduler.queue import QueuedPod

NODE_SCORE_MAX = 100


class Code(enum.IntEnum):
    """What a plugin answers, and what happens then."""

    SUCCESS = 0  # go on
    ERROR = 1  # something broke: retry with backoff, reason SchedulerError
    UNSCHEDULABLE = 2  # does not fit now; evicting pods might help, so PostFilter looks at this node
    UNSCHEDULABLE_AND_UNRESOLVABLE = 3  # does not fit, and evicting pods would not help
    WAIT = 4  # Permit only: hold the pod until somebody allows it
    SKIP = 5  # PreFilter, PreScore: do not ask my Filter or Score for this pod; Bind: not mine, ask the next
    PENDING = 6  # rejected until something outside happens; then retry without backoff


class Status:
    """A plugin's answer other than success: why, and whose word it is. Compared by identity; reuse them."""

    __slots__ = ("code", "plugin", "reasons")

    def __init__(self, code: Code, *reasons: str, plugin: str) -> None:
        self.code, self.reasons, self.plugin = code, reasons, plugin

    @property
    def message(self) -> str:
        return ", ".join(self.reasons)

    @property
    def is_rejection(self) -> bool:
        """The pod does not fit, as opposed to: something broke."""
        return self.code in _REJECTIONS

    def __repr__(self) -> str:
        return f"Status({self.code.name}, {self.message!r}, plugin={self.plugin!r})"


_REJECTIONS = frozenset({Code.UNSCHEDULABLE, Code.UNSCHEDULABLE_AND_UNRESOLVABLE, Code.PENDING})


class Scope(enum.Enum):
    """How far a Filter or Score plugin looks; see the top of this file."""

    NODE = "node"
    CLUSTER = "cluster"


class CycleState(dict[str, Any]):
    """What plugins leave for their later selves, by plugin name. For NODE-scoped plugins it serves all pods of one
    signature, so what they write must not depend on more than that.

    A value that PreFilterExtensions change has a method `clone`; others are shared by copies of the state.
    """

    __slots__ = ("skipped",)

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        super().__init__(values or ())
        self.skipped: frozenset[str] = frozenset()  # plugins whose Filter has nothing to do

    def clone(self) -> CycleState:
        """To find out what would be if, without changing what is."""
        copy = CycleState({name: v.clone() if hasattr(v, "clone") else v for name, v in self.items()})
        copy.skipped = self.skipped
        return copy


class Action(enum.IntFlag):
    """What happened to an object. Source: kube-scheduler framework/types.go, ActionType."""

    ADD = 1
    DELETE = 1 << 1
    UPDATE_NODE_ALLOCATABLE = 1 << 2
    UPDATE_NODE_LABEL = 1 << 3
    UPDATE_NODE_TAINT = 1 << 4  # and spec.unschedulable turning false
    UPDATE_NODE_CONDITION = 1 << 5
    UPDATE_NODE_ANNOTATION = 1 << 6
    UPDATE_POD_LABEL = 1 << 7
    UPDATE_POD_SCALE_DOWN = 1 << 8
    UPDATE_POD_TOLERATION = 1 << 9
    UPDATE_POD_GATES_ELIMINATED = 1 << 10
    UPDATE_POD_GENERATED_RESOURCE_CLAIM = 1 << 11
    UPDATE_NODE_DECLARED_FEATURE = 1 << 12
    UPDATE_OTHER = 1 << 13  # an update that none of the above describes
    UPDATE = (1 << 14) - 4
    ALL = UPDATE | ADD | DELETE


class ClusterEvent(NamedTuple):
    """One thing that happened: ("Node", Action.UPDATE_NODE_LABEL). As an interest it may carry several actions."""

    resource: str  # "Node", "Pod", "PersistentVolumeClaim" ... (the kinds of events.OTHER_RESOURCES), "*"
    action: Action

    def matches(self, event: ClusterEvent) -> bool:
        """Is `event` among what this interest names?"""
        return self.resource in (event.resource, "*") and bool(self.action & event.action)


class Hint(enum.Enum):
    QUEUE = "queue"  # the event may have made the pod schedulable: try it again
    SKIP = "skip"


# (rejected pod, object before, object after) -> Hint; before is None for ADD, after is None for DELETE. Must be cheap.
HintFn = Callable[["PodInfo", Obj | None, Obj | None], Hint]


class Interest(NamedTuple):
    """An event that may end a rejection by the plugin that names it; without a hint it always may."""

    event: ClusterEvent
    hint: HintFn | None = None


class Narrowed(NamedTuple):
    """PreFilter's result when only these nodes can be feasible."""

    names: Collection[str]


class Nominated(NamedTuple):
    """PostFilter's result: the node on which room is being made.

    With a refusal the pod is rejected as by a Status, and "" as node clears an earlier nomination.
    """

    node: str
    refusal: Status | None = None


class Plugin(Protocol):
    """What every plugin has."""

    name: str  # "NodeResourcesFit": as configuration, statuses and metrics call it


@runtime_checkable
class EventInterest(Plugin, Protocol):
    """What may end a rejection by this plugin. A plugin without it is retried on every event."""

    def events(self) -> Sequence[Interest]: ...


@runtime_checkable
class QueueSort(Plugin, Protocol):
    """Exactly one per profile, and the same in all profiles of a scheduler: they share the queue."""

    def sort_key(self, pod: QueuedPod) -> Any:
        """Smallest first. Called when the pod enters the active queue."""


@runtime_checkable
class PreEnqueue(Plugin, Protocol):
    """Called before a pod enters the active queue, and again on events this plugin is interested in."""

    def pre_enqueue(self, pod: PodInfo) -> Status | None:
        """Any rejection parks the pod; it is not attempted and gets no event."""


@runtime_checkable
class PreFilter(Plugin, Protocol):
    def pre_filter(self, state: CycleState, pod: PodInfo) -> Narrowed | Status | None:
        """SKIP: this plugin's Filter is not called for this pod. UNSCHEDULABLE_AND_UNRESOLVABLE ends the cycle for all
        nodes; UNSCHEDULABLE does so after the other PreFilters ran. Narrowed results of several plugins intersect.

        Called once per signature, for plugins of CLUSTER scope (those with `filter_nodes`) once per pod."""


@runtime_checkable
class PreFilterExtensions(Plugin, Protocol):
    """What if other pods were there, or not: changes what PreFilter left in `state`, a clone made for the question.
    `node` is a copy that already has the pod, or has it no more. Only called if PreFilter did not answer SKIP."""

    def add_pod(self, state: CycleState, pod: PodInfo, added: PodInfo, node: NodeInfo) -> None: ...

    def remove_pod(self, state: CycleState, pod: PodInfo, removed: PodInfo, node: NodeInfo) -> None: ...


@runtime_checkable
class Filter(Plugin, Protocol):
    """NODE scope. Called per node until one plugin rejects it; later plugins are not asked about that node."""

    scope: Scope

    def sign(self, pod: PodInfo) -> Hashable:
        """All that this plugin reads from the pod. None: there is no such value, do not remember."""

    def filter(self, state: CycleState, pod: PodInfo, node: NodeInfo) -> Status | None:
        """UNSCHEDULABLE, UNSCHEDULABLE_AND_UNRESOLVABLE, PENDING or ERROR (which ends the cycle)."""


@runtime_checkable
class ClusterFilter(Plugin, Protocol):
    """CLUSTER scope. Called once per pod with the nodes that all NODE-scoped filters passed."""

    def filter_nodes(
        self, state: CycleState, pod: PodInfo, nodes: Sequence[NodeInfo]
    ) -> Sequence[Status | None]:
        """One answer per node, as Filter gives it."""


@runtime_checkable
class PostFilter(Plugin, Protocol):
    """Called when no node is feasible, in order, until one succeeds."""

    def post_filter(
        self,
        state: CycleState,
        pod: PodInfo,
        rejected: Callable[[], Sequence[tuple[NodeInfo, Status | None]]],
    ) -> Nominated | Status:
        """`rejected()` has every node with its verdict; None where PreFilter had ruled it out beforehand.
        Nominated: room is being made there. A rejection's message ends the pod's FailedScheduling text."""


class Victims(NamedTuple):
    """Whom a node would lose, most important first."""

    pods: tuple[PodInfo, ...]
    violations: int  # of disruption budgets


# What others make of the nodes on which preemption would help.
AskAboutVictims = Callable[["PodInfo", Mapping[str, Victims]], Awaitable[Mapping[str, Victims]]]


@runtime_checkable
class AskingPostFilter(Plugin, Protocol):
    """Beside PostFilter, where extenders have a say about victims."""

    async def post_filter_asking(
        self,
        state: CycleState,
        pod: PodInfo,
        rejected: Callable[[], Sequence[tuple[NodeInfo, Status | None]]],
        ask: AskAboutVictims,
    ) -> Nominated | Status: ...


@runtime_checkable
class PreScore(Plugin, Protocol):
    def pre_score(self, state: CycleState, pod: PodInfo, nodes: Sequence[NodeInfo]) -> Status | None:
        """SKIP: this plugin's Score is not called for this pod. `nodes` is empty: what depends on which nodes are
        feasible belongs into `score_nodes`. Any other status ends the cycle as an error."""


@runtime_checkable
class Score(Plugin, Protocol):
    """NODE scope. Called for feasible nodes, when there are at least two."""

    scope: Scope

    def sign(self, pod: PodInfo) -> Hashable: ...

    def score(self, state: CycleState, pod: PodInfo, node: NodeInfo) -> int:
        """0 ... NODE_SCORE_MAX, or any non-negative number if the plugin also normalizes."""


@runtime_checkable
class ClusterScore(Plugin, Protocol):
    """CLUSTER scope. Called once per pod with all feasible nodes."""

    def score_nodes(self, state: CycleState, pod: PodInfo, nodes: Sequence[NodeInfo]) -> list[int]: ...


@runtime_checkable
class Normalize(Plugin, Protocol):
    """Beside Score or ClusterScore, for plugins whose raw scores mean something only next to each other."""

    def normalize(self, scores: Sequence[int]) -> list[int]:
        """Raw scores of the feasible nodes -> 0 ... NODE_SCORE_MAX. Equal raw scores must stay equal."""


@runtime_checkable
class Reserve(Plugin, Protocol):
    def reserve(self, state: CycleState, pod: PodInfo, node: str) -> Status | None:
        """Called in order; the first refusal un-reserves all and rejects the pod."""

    def unreserve(self, state: CycleState, pod: PodInfo, node: str) -> None:
        """Called in reverse order when anything later fails; idempotent, never fails."""


@runtime_checkable
class Permit(Plugin, Protocol):
    def permit(self, state: CycleState, pod: PodInfo, node: str) -> Status | tuple[Status, float] | None:
        """(WAIT, timeout_s) holds the pod in its binding cycle until all waiting plugins allow it, one rejects it, or
        the time is over, which rejects it."""


@runtime_checkable
class PlacementFeasible(Plugin, Protocol):
    """For pods of a PodGroup, which get their nodes together."""

    def placement_feasible(self, group: Obj, *, scheduled: int, remaining: int) -> Status | None:
        """Asked after each pod of the group. UNSCHEDULABLE: it cannot be placed, whatever comes of the remaining pods;
        WAIT: not as it is, yet; success: those that have a node may keep it."""


# Tries the group as the cache is, without a trace: (why it does not fit, the node of each pod by uid).
Tried = Callable[[], tuple[str, dict[str, str]]]


@runtime_checkable
class GroupPostFilter(Plugin, Protocol):
    """For a PodGroup that cannot be placed: make room."""

    def group_post_filter(
        self, group: Obj, pods: Sequence[PodInfo], tried: Tried
    ) -> tuple[str, dict[str, str]]:
        """(why nothing can be done, {}), or ("", for which node each pod waits)."""


@runtime_checkable
class PreBind(Plugin, Protocol):
    def pre_bind(self, state: CycleState, pod: PodInfo, node: str) -> Awaitable[Status | None]:
        """Any status ends the binding; the pod is retried with backoff."""


@runtime_checkable
class Bind(Plugin, Protocol):
    def bind(self, state: CycleState, pod: PodInfo, node: str) -> Awaitable[Status | None]:
        """SKIP: the next Bind plugin is asked."""


@runtime_checkable
class PostBind(Plugin, Protocol):
    def post_bind(self, state: CycleState, pod: PodInfo, node: str) -> None:
        """For cleaning up; what it does cannot fail the pod."""


def normalize(scores: Sequence[int], *, reverse: bool = False) -> list[int]:
    """Stretch 0 ... max(scores) to 0 ... NODE_SCORE_MAX; reverse: the smallest becomes the best.

    Source: pkg/scheduler/framework/plugins/helper/normalize_score.go, DefaultNormalizeScore.
    """
    top = max(scores, default=0)
    if top == 0:
        return [NODE_SCORE_MAX if reverse else 0] * len(scores)
    scaled = [NODE_SCORE_MAX * score // top for score in scores]
    return [NODE_SCORE_MAX - score for score in scaled] if reverse else scaled
