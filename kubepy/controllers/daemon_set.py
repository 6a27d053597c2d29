"""DaemonSets: one pod on each node that takes it.

Watches DaemonSets, Pods, Nodes and ControllerRevisions. Owns Pods and ControllerRevisions. Writes those and its status.

A pod is bound by the scheduler, not here: it carries a node affinity for the one node it is meant for, and tolerates
what a daemon has to live with. First every node gets the pods it should have; only when nothing of that is left to do
does a rolling update replace old ones: without surge by deleting as many as maxUnavailable allows, with surge by a
second pod beside the old one, which goes when the new one is available.

Source: kubernetes 1.36 pkg/controller/daemon/{daemon_controller,update}.go, util/daemonset_util.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

from kubepy.api import objects, placement, pods
from kubepy.api.builtins import CONTROLLER_REVISIONS, DAEMON_SETS, NODES, PODS
from kubepy.api.objects import Document, Key, Obj
from kubepy.client.controller import After, Controller, ControllerContext, key_of, owner_key, rest_for
from kubepy.client.expectations import Expectations
from kubepy.controllers import history, ownership
from kubepy.controllers.deployment_sizes import scaled
from kubepy.controllers.history import REVISION_LABEL, Historian
from kubepy.controllers.job_facts import Event
from kubepy.controllers.owned_pods import OwnedPods
from kubepy.controllers.pod_control import PodControl
from kubepy.controllers.replica_set import PARALLEL, batches, render_pod
from kubepy.lib.aio import gather_bounded
from kubepy.lib.backoff import Exponential

# Source: daemon_controller.go, BurstReplicas.
BURST = 250
# How long a pod that fails again and again stays before it is replaced. Source: app/apps.go.
FAILED_S, FAILED_S_MAX = 1.0, 15 * 60.0

GENERATION = "deprecated.daemonset.template.generation"
GENERATION_LABEL = "pod-template-generation"

_EXISTS = [
    (placement.TAINT_NOT_READY, placement.NO_EXECUTE),
    (placement.TAINT_UNREACHABLE, placement.NO_EXECUTE),
    (placement.TAINT_DISK_PRESSURE, placement.NO_SCHEDULE),
    (placement.TAINT_MEMORY_PRESSURE, placement.NO_SCHEDULE),
    (placement.TAINT_PID_PRESSURE, placement.NO_SCHEDULE),
    (placement.TAINT_UNSCHEDULABLE, placement.NO_SCHEDULE),
]
_ON_HOST_NETWORK = (placement.TAINT_NETWORK_UNAVAILABLE, placement.NO_SCHEDULE)

_COUNTS = (
    "currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady", "updatedNumberScheduled",
    "numberAvailable", "numberUnavailable",
)  # fmt: skip
# These are written even when they are zero.
_ALWAYS = _COUNTS[:4]


# -- which nodes -----------------------------------------------------------------------------------------------


def tolerations(template_spec: Obj) -> list[Obj]:
    """The template's, and those of every daemon. Source: AddOrUpdateDaemonPodTolerations."""
    wanted = [*_EXISTS, *([_ON_HOST_NETWORK] if template_spec.get("hostNetwork") else [])]
    ours = [{"key": key, "operator": "Exists", "effect": effect} for key, effect in wanted]
    replaced = {(toleration["key"], toleration["effect"]) for toleration in ours}
    given = template_spec.get("tolerations") or []
    kept = [
        t for t in given
        if not ((t.get("key"), t.get("effect")) in replaced and t.get("operator") == "Exists")
    ]  # fmt: skip
    return [*kept, *ours]


class Placement:
    """Asks many nodes about one DaemonSet. Source: NodeShouldRunDaemonPod."""

    def __init__(self, daemon_set: Obj) -> None:
        spec = daemon_set["spec"]["template"]["spec"]
        self._node_name = spec.get("nodeName") or ""
        self._affinity = placement.required_affinity({"spec": spec})
        self._tolerations = tolerations(spec)

    def judge(self, node: Obj) -> tuple[bool, bool]:
        """(a pod should be started there, one that is there may stay)."""
        if self._node_name not in ("", node["metadata"]["name"]) or not self._affinity.matches(node):
            return False, False
        taints = placement.taints_of(node)
        if placement.untolerated_taint(taints, self._tolerations) is None:
            return True, True
        evicting = placement.untolerated_taint(taints, self._tolerations, (placement.NO_EXECUTE,))
        return False, evicting is None


def node_of(pod: Obj) -> str:
    """The node it is on or meant for, "" if it does not say. Source: GetTargetNodeName."""
    name = pod["spec"].get("nodeName")
    return name or next(iter(placement.required_affinity(pod).node_names or ()), "")


# -- the plan --------------------------------------------------------------------------------------------------


class Observed(Struct, frozen=True):
    daemon_set: Obj
    nodes: Sequence[Obj]
    pods: Sequence[Obj]
    hash: str  # of the current revision
    trusted: bool = True
    # Seconds until the failed pod of a node may be replaced; absent means now.
    waits: Mapping[str, float] = field(default_factory=dict)


class Plan(Struct, frozen=True):
    create: tuple[str, ...] = ()  # nodes
    delete: tuple[Obj, ...] = ()
    failed: tuple[str, ...] = ()  # nodes whose failed pod is among `delete`
    events: tuple[Event, ...] = ()
    status: Obj = field(default_factory=dict)
    after_s: float | None = None


class _Draft(Struct):
    """A plan being made, and what the decisions on one node share."""

    observed: Observed
    now: float
    by_node: dict[str, list[Obj]]
    verdicts: dict[str, tuple[bool, bool]]
    create: list[str] = field(default_factory=list)
    delete: list[Obj] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    @property
    def spec(self) -> Obj:
        return self.observed.daemon_set["spec"]

    def is_available(self, pod: Obj) -> bool:
        return pods.is_available(pod, self.spec.get("minReadySeconds") or 0, self.now)

    def is_updated(self, pod: Obj) -> bool:
        """Source: IsPodUpdated."""
        labels = objects.labels_of(pod)
        generation = objects.annotations_of(self.observed.daemon_set).get(GENERATION)
        return labels.get(REVISION_LABEL) == self.observed.hash or (
            generation is not None and labels.get(GENERATION_LABEL) == generation
        )


def plan(observed: Observed, now: float) -> Plan:
    judge = Placement(observed.daemon_set).judge
    draft = _Draft(
        observed, now, group(observed.pods),
        {node["metadata"]["name"]: judge(node) for node in observed.nodes},
    )  # fmt: skip
    if observed.trusted:
        _manage(draft)
        if not draft.create and not draft.delete and _strategy(draft).get("type") == "RollingUpdate":
            _roll(draft)
    if min_ready_s := draft.spec.get("minReadySeconds"):
        # Of every pod, for one that surges is not among those that the status counts.
        waits = (pods.available_in(pod, min_ready_s, now) for pod in observed.pods)
        draft.waits += [wait for wait in waits if wait]
    return Plan(
        tuple(draft.create[:BURST]), tuple(draft.delete[:BURST]), tuple(draft.failed), tuple(draft.events),
        render_status(draft), min(draft.waits, default=None),
    )  # fmt: skip


def group(some: Iterable[Obj]) -> dict[str, list[Obj]]:
    """By node. Those that are over and leave are nobody's business any more. Source: getNodesToDaemonPods."""
    result: dict[str, list[Obj]] = {}
    for pod in some:
        if not (pods.is_terminal(pod) and objects.is_deleting(pod)) and (name := node_of(pod)):
            result.setdefault(name, []).append(pod)
    return result


def _strategy(draft: _Draft) -> Obj:
    return draft.spec.get("updateStrategy") or {}


def _limit(draft: _Draft, name: str, desired: int) -> int:
    """maxSurge or maxUnavailable in pods. What OnDelete may have left of them means nothing. Source: SurgeCount."""
    strategy = _strategy(draft)
    rolling = strategy.get("rollingUpdate") or {} if strategy.get("type") == "RollingUpdate" else {}
    return scaled(rolling.get(name) or 0, desired, round_up=True)


def _manage(draft: _Draft) -> None:
    """Every node gets the pods it should have. Source: manage, podsShouldBeOnNode."""
    for name, (should_run, may_stay) in draft.verdicts.items():
        found = draft.by_node.get(name)
        if should_run and found is None:
            draft.create.append(name)
        elif may_stay:
            _prune(draft, name, found or [], should_run)
        elif found is not None:
            draft.delete += [pod for pod in found if not objects.is_deleting(pod)]
    for name, found in draft.by_node.items():
        if name not in draft.verdicts:
            # Never to be bound, and so nobody else's to delete.
            draft.delete += [pod for pod in found if not pod["spec"].get("nodeName")]


def _prune(draft: _Draft, name: str, found: Iterable[Obj], should_run: bool) -> None:
    running = []
    for pod in sorted(found, key=_age):
        if objects.is_deleting(pod):
            continue
        if pods.phase(pod) == pods.FAILED:
            _replace_failed(draft, name, pod)
        elif pods.phase(pod) == pods.SUCCEEDED:
            message = (
                f"Found succeeded daemon pod {objects.key_of(pod)} on node {name}, will try to delete it"
            )
            draft.events.append(Event("Normal", "SucceededDaemonPod", message))
            draft.delete.append(pod)
        else:
            running.append(pod)
    if not _limit(draft, "maxSurge", 1):
        draft.delete += running[1:]
    elif not running and should_run:
        draft.create.append(name)
    elif len(running) > 1:
        _prune_surged(draft, running)


def _replace_failed(draft: _Draft, name: str, pod: Obj) -> None:
    wait_s = draft.observed.waits.get(name, 0.0)
    if wait_s > 0:
        draft.waits.append(wait_s)
        return
    message = f"Found failed daemon pod {objects.key_of(pod)} on node {name}, will try to kill it"
    draft.events.append(Event("Warning", "FailedDaemonPod", message))
    draft.failed.append(name)
    draft.delete.append(pod)


def _prune_surged(draft: _Draft, running: Sequence[Obj]) -> None:
    """One old and one new pod, until the old one fails or the new one is available."""
    new = [pod for pod in running if objects.labels_of(pod).get(REVISION_LABEL) == draft.observed.hash]
    old = [pod for pod in running if pod not in new]
    draft.delete += [*new[1:], *old[1:]]
    if new and old and (not pods.is_ready(old[0]) or draft.is_available(new[0])):
        draft.delete.append(old[0])


def _age(pod: Obj) -> tuple[bool, str, str]:
    """Bound first, then the older. Source: podByCreationTimestampAndPhase."""
    metadata = pod["metadata"]
    return not pod["spec"].get("nodeName"), metadata.get("creationTimestamp") or "", metadata["name"]


def _roll(draft: _Draft) -> None:
    """Source: rollingUpdate, updatedDesiredNodeCounts."""
    desired = sum(should_run for should_run, _ in draft.verdicts.values())
    surge, unavailable = (_limit(draft, name, desired) for name in ("maxSurge", "maxUnavailable"))
    missing: dict[str, list[Obj]] = {
        name: []
        for name, (should_run, _) in draft.verdicts.items()
        if should_run and name not in draft.by_node
    }
    everywhere = draft.by_node | missing
    if surge:
        _roll_surging(draft, everywhere, surge, desired)
    else:
        _roll_deleting(draft, everywhere, unavailable or (1 if desired else 0))


def _new_and_old(draft: _Draft, found: Iterable[Obj]) -> tuple[list[Obj], list[Obj]]:
    staying = [pod for pod in found if not objects.is_deleting(pod)]
    new = [pod for pod in staying if draft.is_updated(pod)]
    return new, [pod for pod in staying if not draft.is_updated(pod)]


def _roll_deleting(draft: _Draft, everywhere: Mapping[str, list[Obj]], unavailable_max: int) -> None:
    """Old pods that do not work go at once, of the others as many as may be missing."""
    unavailable, candidates = 0, []
    for found in everywhere.values():
        new, old = _new_and_old(draft, found)
        if len(new) > 1 or len(old) > 1 or bool(new) == bool(old):
            unavailable += 1  # being dealt with
        elif new:
            unavailable += not draft.is_available(new[0])
        elif not draft.is_available(old[0]):
            draft.delete.append(old[0])
            unavailable += 1
        else:
            candidates.append(old[0])
    draft.delete += candidates[: max(0, unavailable_max - unavailable)]


def _roll_surging(draft: _Draft, everywhere: Mapping[str, list[Obj]], surge_max: int, desired: int) -> None:
    surging = available = 0
    candidates: list[str] = []
    leaving: list[Obj] = []
    for name, found in everywhere.items():
        new, old = _new_and_old(draft, found)
        if len(new) > 1 or len(old) > 1:
            surging += 1  # being dealt with
            continue
        oldest = old or new
        works = bool(oldest) and draft.is_available(oldest[0])
        available += works
        should_run = draft.verdicts.get(name, (False, False))[0]
        if not old:
            continue
        if new:
            if draft.is_available(new[0]):
                draft.delete.append(old[0])
            else:
                surging += 1
        elif works:
            if should_run:
                candidates.append(name)
            else:
                leaving.append(old[0])
        elif should_run:
            draft.create.append(name)
        else:
            draft.delete.append(old[0])
    # What works on a node that is to be left goes only when enough work elsewhere.
    draft.delete += leaving[: max(0, available - desired)]
    draft.create += candidates[: max(0, surge_max - surging)]


def render_status(draft: _Draft) -> Obj:
    """Source: updateDaemonSetStatus."""
    counts = dict.fromkeys(_COUNTS, 0)
    for name, (should_run, _) in draft.verdicts.items():
        found = draft.by_node.get(name) or []
        if not should_run:
            counts["numberMisscheduled"] += bool(found)
            continue
        counts["desiredNumberScheduled"] += 1
        if not found:
            continue
        pod = min(found, key=_age)
        counts["currentNumberScheduled"] += 1
        counts["numberReady"] += pods.is_ready(pod)
        counts["numberAvailable"] += draft.is_available(pod)
        counts["updatedNumberScheduled"] += draft.is_updated(pod)
    counts["numberUnavailable"] = counts["desiredNumberScheduled"] - counts["numberAvailable"]
    daemon_set = draft.observed.daemon_set
    stored = daemon_set.get("status") or {}
    status = {name: value for name, value in stored.items() if name not in _COUNTS}
    status |= {name: count for name, count in counts.items() if count or name in _ALWAYS}
    if draft.observed.trusted:
        status["observedGeneration"] = daemon_set["metadata"].get("generation", 0)
    return status


def render_daemon_pod(daemon_set: Obj, node: str, hash_: str) -> Obj:
    """Source: CreatePodTemplate, ReplaceDaemonSetPodNodeNameNodeAffinity."""
    pod = render_pod(daemon_set)
    labels = {**pod["metadata"].get("labels", {}), REVISION_LABEL: hash_}
    generation = objects.annotations_of(daemon_set).get(GENERATION)
    if generation is not None:
        labels[GENERATION_LABEL] = generation
    pod["metadata"]["labels"] = labels
    spec = pod["spec"]
    affinity = spec.get("affinity") or {}
    node_affinity = affinity.get("nodeAffinity") or {}
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    pod["spec"] = spec | {
        "tolerations": tolerations(spec),
        "affinity": affinity | {"nodeAffinity": node_affinity | required},
    }
    return pod


# -- the controller --------------------------------------------------------------------------------------------


class DaemonSetController(Controller):
    name = "daemonset-controller"
    workers = 2

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        self.expectations = Expectations(context.clock)
        self.pod_control = PodControl(context.client, context.events)
        self._failures = Exponential(FAILED_S, FAILED_S_MAX)
        # Set -> (its generation, node) -> until when the failed pod stays there.
        self._waits: dict[Key, dict[tuple[int, str], float]] = {}
        self._written: dict[Key, int] = {}

    def setup(self) -> None:
        indexes = {ownership.BY_CONTROLLER: ownership.controller_keys}
        self.sets = self.watch(DAEMON_SETS, key_of)
        revisions = self.watch(CONTROLLER_REVISIONS, owner_key("DaemonSet"), indexes=indexes)
        self.historian = Historian(self.client, revisions, DAEMON_SETS, REVISION_LABEL)
        self.pods = self.watch(PODS, indexes=indexes)
        owned = OwnedPods(
            "DaemonSet",
            self.sets,
            self.expectations,
            adopters=lambda pod: ownership.matching_owners(self.sets, pod),
        )
        owned.follow(self.pods)
        self.watch(PODS, owned.keys)
        self.nodes = self.watch(NODES, self._keys_of_node)

    def rest_s(self, key: Key) -> float:
        return rest_for(len(self.nodes))

    async def reconcile(self, key: Key) -> After | None:
        document = self.sets.document(key)
        if document is None:
            self.expectations.forget(key)
            for generation, node in self._waits.pop(key, {}):
                self._failures.forget((key, generation, node))
            self._written.pop(key, None)
            return None
        daemon_set = document.obj
        if document.revision < self._written.get(key, 0) or objects.is_deleting(daemon_set):
            return None
        if ownership.selects_everything(daemon_set["spec"].get("selector")):
            message = "This daemon set is selecting all pods. A non-empty selector is required."
            self.events.event(daemon_set, "Warning", "SelectingAll", message)
            return None
        trusted = self.expectations.satisfied(key)
        owned = await ownership.claim_dependents(self.client, self.pods, daemon_set, DAEMON_SETS)
        revisions = await self.historian.of(daemon_set)
        hash_ = objects.labels_of(revisions.current)[REVISION_LABEL]
        observed = Observed(
            daemon_set, self.nodes.list(), owned, hash_, trusted, self._waiting(key, daemon_set)
        )
        decided = plan(observed, self.clock.now())
        failure = await self._act(key, daemon_set, decided, hash_)
        if decided.status != (daemon_set.get("status") or {}):
            written = await self.client.update(
                DAEMON_SETS, daemon_set | {"status": decided.status}, subresource="status"
            )
            self._written[key] = objects.revision_of(written)
        if failure is not None:
            raise failure
        if trusted:
            await self._clean_history(daemon_set, revisions.old, owned)
        return After(decided.after_s) if decided.after_s is not None else None

    # -- what it looks at

    def _waiting(self, key: Key, daemon_set: Obj) -> dict[str, float]:
        """Failures of another generation do not count against this one."""
        generation, now = daemon_set["metadata"].get("generation", 0), self.clock.monotonic()
        waits = self._waits.get(key, {})
        return {node: until - now for (its, node), until in waits.items() if its == generation}

    def _keys_of_node(self, document: Document, old: Document | None) -> Iterable[Key]:
        """All sets whose mind it changes; heartbeats change nobody's."""
        node, before = document.obj, old.obj if old is not None else None
        if before is None:
            return list(self.sets.keys())
        if _says(before) == _says(node):
            return ()
        judges = ((objects.key_of(found), Placement(found).judge) for found in self.sets.list())
        return [key for key, judge in judges if judge(before) != judge(node)]

    # -- what it does

    async def _act(self, key: Key, daemon_set: Obj, decided: Plan, hash_: str) -> Exception | None:
        for event in decided.events:
            self.events.event(daemon_set, *event)
        self._note_failures(key, daemon_set, decided.failed)
        if not decided.create and not decided.delete:
            return None
        self.expectations.expect_deletions(key, [objects.key_of(pod) for pod in decided.delete])
        self.expectations.raise_creations(key, len(decided.create))
        failures = await self._create(key, daemon_set, decided.create, hash_)
        failures += await gather_bounded(
            PARALLEL, [self._delete(key, daemon_set, pod) for pod in decided.delete]
        )
        self.log.info(
            "pods_synced", object=str(key), created=len(decided.create), deleted=len(decided.delete)
        )
        return next((failure for failure in failures if isinstance(failure, Exception)), None)

    def _note_failures(self, key: Key, daemon_set: Obj, nodes: Iterable[str]) -> None:
        generation = daemon_set["metadata"].get("generation", 0)
        for node in nodes:
            wait_s = self._failures.next_s((key, generation, node))
            self._waits.setdefault(key, {})[generation, node] = self.clock.monotonic() + wait_s

    async def _create(
        self, key: Key, daemon_set: Obj, nodes: Sequence[str], hash_: str
    ) -> list[BaseException | None]:
        done = 0
        for size in batches(len(nodes)):
            wanted = [render_daemon_pod(daemon_set, node, hash_) for node in nodes[done : done + size]]
            results = await gather_bounded(
                PARALLEL, [self.pod_control.create(daemon_set, pod) for pod in wanted]
            )
            done += size
            failures = [result for result in results if isinstance(result, BaseException)]
            for _ in failures:
                self.expectations.creation_observed(key)
            if failures:
                for _ in nodes[done:]:
                    self.expectations.creation_observed(key)
                return list(failures)
        return []

    async def _delete(self, key: Key, daemon_set: Obj, pod: Obj) -> None:
        try:
            if not await self.pod_control.delete(daemon_set, pod):
                self.expectations.deletion_observed(key, objects.key_of(pod))
        except Exception:
            self.expectations.deletion_observed(key, objects.key_of(pod))
            raise

    async def _clean_history(self, daemon_set: Obj, old: Sequence[Obj], owned: Iterable[Obj]) -> None:
        live = {objects.labels_of(pod).get(REVISION_LABEL) for pod in owned}

        def is_live(revision: Obj) -> bool:
            return objects.labels_of(revision).get(REVISION_LABEL) in live

        limit = daemon_set["spec"]["revisionHistoryLimit"]
        await self.historian.forget(history.surplus(old, is_live, limit))


def _says(node: Obj) -> tuple[object, ...]:
    """What a DaemonSet asks a node about."""
    return node["metadata"].get("labels"), (node.get("spec") or {}).get("taints")
