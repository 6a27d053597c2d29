"""Why a pod is where it is, or is nowhere: every filter's verdict and every plugin's score, node by node.

Nothing of it is kept while pods are scheduled but the ring of decisions (decisions.py). Who asks gets the filters and
scorers run again, over the nodes as they are now, and nothing is changed by it: no random number is drawn, no table of
search.py is touched. A pod that has its node is taken off it for the question, not to stand in its own way.

Differs from a decision: all filters are asked about every node, not only up to the first that rejects it, and all nodes
are looked at; `decisive` is the one that a decision would have named.

A `Why` is a document with apiVersion, kind and fields as clients of Kubernetes know them; why_text.py prints it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import orjson

from kubepy.api import pods
from kubepy.api.objects import Document, DocumentPool, Obj, is_deleting, uid_of
from kubepy.lib.clock import rfc3339_micro
from kubepy.scheduler import why_words
from kubepy.scheduler.cache import Candidates
from kubepy.scheduler.decisions import Decision
from kubepy.scheduler.framework import Code, CycleState, Interest, Status
from kubepy.scheduler.node_info import NodeInfo, PodInfo
from kubepy.scheduler.plugins.default_preemption import Candidate, DefaultPreemption
from kubepy.scheduler.queue import Place, QueuedPod
from kubepy.scheduler.runtime import Framework

if TYPE_CHECKING:
    from kubepy.scheduler.scheduler import Scheduler

API_VERSION, KIND = "kubepy/v1", "Why"
NODES_MAX = 50
ATTEMPTS_MAX = 10
# Preemption is thought through for so many nodes at most: each costs some filters per pod on it.
_THOUGHTS_MAX = 50


class Verdict(NamedTuple):
    """What was found about one node."""

    node: NodeInfo
    rejections: tuple[Status, ...]  # in the order of the plugins; the first is the decisive one
    kept_for: tuple[PodInfo, ...]  # nominated pods whose room it is, if that is all that is in the way

    @property
    def is_fit(self) -> bool:
        return not self.rejections


class Points(NamedTuple):
    """One plugin about the feasible nodes, in their order."""

    plugin: str
    weight: int
    raw: Sequence[int]
    normalized: Sequence[int]


class Findings(NamedTuple):
    asked: tuple[str, ...]  # filters that had something to say
    verdicts: Sequence[Verdict]
    refusal: Status | None  # PreFilter's, for all nodes at once
    points: Sequence[Points]
    state: CycleState

    @property
    def feasible(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.is_fit]


def explain(
    scheduler: Scheduler, document: Document, now: float, *, nodes_max: int = NODES_MAX, may_name: bool = True
) -> Obj:
    """About the pod in `document`; `now` is monotonic. `may_name`: may pods of other namespaces be named?"""
    obj = document.obj
    why: Obj = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"namespace": document.key.namespace, "name": document.key.name, "uid": uid_of(obj)},
        "schedulerName": obj["spec"].get("schedulerName") or "default-scheduler",
    }
    attempts = [d for d in scheduler.decisions.of(document.key) if d.uid == uid_of(obj)]
    node = obj["spec"].get("nodeName") or scheduler.cache.node_of(document.key)
    if node:
        why["nodeName"] = node
    framework = scheduler.profiles.get(why["schedulerName"])
    name = document.key.name
    if framework is None:
        known = ", ".join(scheduler.profiles)
        why["conclusion"] = f"{name} is for the scheduler {why['schedulerName']}; here is {known}"
    elif pods.is_terminal(obj):
        why["conclusion"] = f"{name} has ended on {node}" if node else f"{name} has ended"
    else:
        queued = scheduler.queue.get(uid_of(obj))
        pod = _unbound(document)
        found = _findings_of(scheduler, framework, pod)
        why["conclusion"] = _conclusion(pod, node, queued, found, attempts)
        if queued is not None:
            why["queue"] = _queue(scheduler, framework, queued, now)
        why |= _evaluation(pod, found, node, nodes_max)
        if not node and not found.feasible and found.refusal is None:
            why["preemption"] = _preemption(framework, pod, found, may_name)
    why["attempts"] = [_attempt(decision) for decision in attempts[:ATTEMPTS_MAX]]
    return why


def _unbound(document: Document) -> PodInfo:
    """The pod as if it had no node yet."""
    obj = document.obj
    if not obj["spec"].get("nodeName"):
        return PodInfo(document)
    spec = {name: value for name, value in obj["spec"].items() if name != "nodeName"}
    pool = DocumentPool(0)
    return PodInfo(Document(document.key, orjson.dumps({**obj, "spec": spec}), document.revision, pool))


# -- asking the plugins ------------------------------------------------------------------------------------------


def _findings_of(scheduler: Scheduler, framework: Framework, pod: PodInfo) -> Findings:
    with scheduler.cache.without(pod.key):
        return findings(scheduler, framework, pod)


def findings(scheduler: Scheduler, framework: Framework, pod: PodInfo) -> Findings:
    """What the plugins say about `pod` and every node now."""
    cache = scheduler.cache
    cache.refresh()
    state = CycleState()
    nodes = cache.nodes
    own, cluster = framework.pre_filter(state, pod), framework.cluster_pre_filter(state, pod)
    asked = [p.name for p in (*framework.filters, *framework.cluster_filters) if p.name not in state.skipped]
    refusal = own.refusal or cluster.refusal
    if refusal is not None:
        return Findings(tuple(asked), [Verdict(node, (refusal,), ()) for node in nodes], refusal, (), state)
    rejections: list[list[Status]] = [_of_node(framework, state, pod, node) for node in nodes]
    slots = range(len(nodes))
    for plugin in framework.cluster_filters:
        if plugin.name not in state.skipped and nodes:
            answers = plugin.filter_nodes(state, pod, Candidates(cache, slots))
            for slot, status in enumerate(answers):
                if status is not None:
                    rejections[slot].append(status)
    for names, by in ((own.names, own.narrowed_by), (cluster.names, cluster.narrowed_by)):
        if names is not None:
            status = why_words.narrowed(by)
            for node in nodes:
                if node.name not in names and not rejections[node.slot]:
                    rejections[node.slot].append(status)
    verdicts = [
        _with_nominated(scheduler, framework, state, pod, node, found)
        for node, found in zip(nodes, rejections, strict=True)
    ]
    feasible = [verdict.node for verdict in verdicts if verdict.is_fit]
    return Findings(tuple(asked), verdicts, None, _points(scheduler, framework, state, pod, feasible), state)


def _of_node(framework: Framework, state: CycleState, pod: PodInfo, node: NodeInfo) -> list[Status]:
    answers = (p.filter(state, pod, node) for p in framework.filters if p.name not in state.skipped)
    return [status for status in answers if status is not None]


def _with_nominated(
    scheduler: Scheduler,
    framework: Framework,
    state: CycleState,
    pod: PodInfo,
    node: NodeInfo,
    rejections: list[Status],
) -> Verdict:
    waiting = scheduler.queue.nominator.before(node.name, pod)
    if rejections or not waiting:
        return Verdict(node, tuple(rejections), ())
    status = framework.filter_with(state, pod, node, waiting)
    return Verdict(node, (), ()) if status is None else Verdict(node, (status,), tuple(waiting))


def _points(
    scheduler: Scheduler, framework: Framework, state: CycleState, pod: PodInfo, feasible: Sequence[NodeInfo]
) -> list[Points]:
    found: list[Points] = []
    if not feasible:
        return found
    candidates = Candidates(scheduler.cache, [node.slot for node in feasible])
    for scorer in framework.scorers:
        if scorer.pre_score is None or scorer.pre_score(state, pod, ()) is None:
            raw = [scorer.score(state, pod, node) for node in feasible]
            normalized = scorer.normalize(raw) if scorer.normalize else raw
            found.append(Points(scorer.name, scorer.weight, raw, normalized))
    for cluster in framework.cluster_scorers:
        if cluster.pre_score is None or cluster.pre_score(state, pod, ()) is None:
            raw = cluster.score_nodes(state, pod, candidates)
            normalized = cluster.normalize(raw) if cluster.normalize else raw
            found.append(Points(cluster.name, cluster.weight, raw, normalized))
    return found


# -- as a document -----------------------------------------------------------------------------------------------


def _evaluation(pod: PodInfo, found: Findings, chosen: str, nodes_max: int) -> Obj:
    """Every node: those that fit first, the best before the others, then by name."""
    scores = {
        verdict.node.name: [
            {
                "plugin": points.plugin,
                "weight": points.weight,
                "score": points.normalized[at],
                "raw": points.raw[at],
            }
            for points in found.points
        ]
        for at, verdict in enumerate(found.feasible)
    }
    totals = dict(zip(scores, _totals(found), strict=True))
    ordered = sorted(
        found.verdicts,
        key=lambda v: (
            v.node.name != chosen,
            not v.is_fit,
            -totals.get(v.node.name, 0),
            why_words.natural(v.node.name),
        ),
    )
    nodes = []
    for verdict in ordered[:nodes_max]:
        name = verdict.node.name
        one: Obj = {"name": name, "fits": verdict.is_fit}
        if verdict.is_fit:
            one |= {"score": totals[name], "scores": scores[name]}
        else:
            one["rejections"] = [
                {
                    "plugin": status.plugin,
                    "code": _CODES[status.code],
                    "reasons": list(status.reasons),
                    "detail": why_words.detail(pod, verdict.node, status),
                    "decisive": at == 0,
                }
                for at, status in enumerate(verdict.rejections)
            ]
            if verdict.kept_for:
                one["keptFor"] = [str(pod.key) for pod in verdict.kept_for]
        nodes.append(one)
    return {
        "filters": list(found.asked),
        "nodesTotal": len(found.verdicts),
        "nodesFeasible": len(found.feasible),
        "nodes": nodes,
    }


_CODES: Mapping[Code, str] = {
    Code.ERROR: "Error",
    Code.UNSCHEDULABLE: "Unschedulable",
    Code.UNSCHEDULABLE_AND_UNRESOLVABLE: "UnschedulableAndUnresolvable",
    Code.PENDING: "Pending",
}


def _preemption(framework: Framework, pod: PodInfo, found: Findings, may_name: bool) -> Obj:
    plugin = next((p for p in framework.post_filters if isinstance(p, DefaultPreemption)), None)
    if plugin is None:
        return {"refusal": "preemption is off in this profile", "candidates": []}
    verdicts = [(verdict.node, verdict.rejections[0]) for verdict in found.verdicts]
    refusal, outcomes = plugin.consider(found.state, pod, verdicts, nodes_max=_THOUGHTS_MAX)
    if refusal is not None:
        return {"refusal": refusal.message, "candidates": []}
    candidates = sorted(
        (outcome for outcome in outcomes.values() if isinstance(outcome, Candidate)),
        key=lambda candidate: candidate.rank,
        reverse=True,
    )
    return {
        "candidates": [_candidate(one, pod.key.namespace, may_name) for one in candidates],
        "rejected": [
            {"node": node, "reason": outcome.message}
            for node, outcome in outcomes.items()
            if isinstance(outcome, Status)
        ],
    }


def _candidate(candidate: Candidate, namespace: str, may_name: bool) -> Obj:
    victims = [v for v in candidate.victims if may_name or v.key.namespace == namespace]
    found: Obj = {
        "node": candidate.node,
        "victims": [
            {"namespace": v.key.namespace, "name": v.key.name, "priority": v.priority} for v in victims
        ],
        "budgetViolations": candidate.violations,
    }
    if hidden := len(candidate.victims) - len(victims):
        found["victimsElsewhere"] = hidden
    return found


def _attempt(decision: Decision) -> Obj:
    attempt: Obj = {
        "time": rfc3339_micro(decision.at),
        "attempt": decision.attempt,
        "nodes": decision.nodes,
        "feasible": decision.feasible,
    }
    if decision.node:
        attempt |= {"node": decision.node, "score": decision.score, "ties": decision.ties}
    if decision.message:
        attempt["message"] = decision.message
    if decision.rejections:
        attempt["rejections"] = [
            {"plugin": plugin, "reasons": reasons, "nodes": count}
            for plugin, _, reasons, count in decision.rejections
        ]
    scores = [{"name": node, "score": score} for node, score in decision.details if isinstance(score, int)]
    if scores:
        attempt["scores"] = scores
    return attempt


def _queue(scheduler: Scheduler, framework: Framework, queued: QueuedPod, now: float) -> Obj:
    queue: Obj = {
        "place": "gated" if queued.gated_by else queued.place.value,
        "attempts": queued.attempts,
        "secondsWaiting": round(now - queued.added_at, 3),
    }
    if queued.rejected_by:
        queue["rejectedBy"] = sorted(queued.rejected_by)
        queue["wakes"] = wakes(framework.interests, queued.rejected_by)
    if queued.place in (Place.BACKOFF, Place.PARKED) and not queued.gated_by:
        queue["secondsToRetry"] = round(max(0.0, scheduler.queue.retry_at(queued) - now), 3)
    if node := scheduler.queue.nominator.node_of(queued.pod.uid):
        queue["nominatedNodeName"] = node
    return queue


def wakes(interests: Mapping[str, Sequence[Interest]], plugins: Collection[str]) -> list[Obj]:
    """What may end the rejection by these plugins: [{"event": "Node added", "plugins": [...]}]."""
    found: dict[str, list[str]] = {}
    for plugin in sorted(plugins):
        for interest in interests.get(plugin, ()):
            for words in why_words.happenings(interest.event):
                by = found.setdefault(words, [])
                if plugin not in by:
                    by.append(plugin)
    return [{"event": words, "plugins": by} for words, by in found.items()]


# -- the conclusion ----------------------------------------------------------------------------------------------


def _conclusion(
    pod: PodInfo, node: str, queued: QueuedPod | None, found: Findings, attempts: Sequence[Decision]
) -> str:
    name, fit, total = pod.key.name, len(found.feasible), len(found.verdicts)
    if node:
        return _of_bound(name, node, next((d for d in attempts if d.node == node), None))
    if is_deleting(pod.obj):
        return f"{name} is being deleted and not scheduled any more"
    if queued is not None and queued.gated_by:
        gates = ", ".join(gate["name"] for gate in pod.spec.get("schedulingGates") or ())
        return (
            f"{name} waits for its scheduling gates: {gates}"
            if gates
            else f"{name} is held by {queued.gated_by}"
        )
    if not total:
        return f"{name} waits: there are no nodes"
    if fit:
        best = max(zip(_totals(found), found.feasible, strict=True), key=lambda one: one[0])[1].node.name
        return f"{name} waits for its turn: now {fit} of {why_words.counted(total, 'node')} fit, {best} scores best"
    if found.refusal is not None:
        return f"{name} waits: none of {why_words.counted(total, 'node')} can do: {found.refusal.message}"
    clauses = ", ".join(why_words.clauses(pod, found.verdicts))
    return f"{name} waits: 0 of {why_words.counted(total, 'node')} fit: {clauses}"


def _of_bound(name: str, node: str, decision: Decision | None) -> str:
    if decision is None:
        return f"{name} is on {node}; who put it there is not remembered"
    fit = f"{decision.feasible} of {why_words.counted(decision.nodes, 'node')} fit"
    if decision.feasible == 1:
        return f"{name} is on {node}: {fit}"
    as_good = f", like {why_words.counted(decision.ties - 1, 'other')}" if decision.ties > 1 else ""
    return f"{name} is on {node}: {fit}, it scored best ({decision.score}{as_good})"


def _totals(found: Findings) -> list[int]:
    """Per feasible node, as a decision adds them up."""
    return [
        sum(points.weight * points.normalized[at] for points in found.points)
        for at in range(len(found.feasible))
    ]
