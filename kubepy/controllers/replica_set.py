"""ReplicaSets: as many pods of one template as spec.replicas says.

Watches ReplicaSets and Pods. Owns Pods. Writes Pods (create, delete, adopt, release) and the ReplicaSet's status.

One plan is a number of pods to create or to delete, at most 500 of either. Creation starts slowly (1, 2,
4 ... at once) so that a quota that refuses all of them is asked once and not five hundred times. What was asked for is
expected until the informer shows it; meanwhile nothing further is asked for.

ReplicationControllers are the same with another selector: replication_controller.py.

Source: kubernetes 1.36 pkg/controller/replicaset/{replica_set,replica_set_utils}.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, NamedTuple

from msgspec import Struct

from kubepy.api import errors, names, objects, pods, selectors
from kubepy.api.builtins import PODS, REPLICA_SETS
from kubepy.api.objects import Document, Key, Obj
from kubepy.api.resources import Resource
from kubepy.api.selectors import LabelSelector
from kubepy.client.controller import After, Controller, ControllerContext, key_of, rest_for
from kubepy.client.expectations import Expectations
from kubepy.client.transport import ConnectionLost
from kubepy.controllers import ownership
from kubepy.controllers.owned_pods import OwnedPods
from kubepy.lib.aio import gather_bounded

# Source: replica_set.go, BurstReplicas.
BURST = 500
# Source: controller_utils.go, SlowStartInitialBatchSize.
BATCH_FIRST = 1
# Requests of one set under way at once: enough for the store to commit them together, few enough to bound memory.
PARALLEL = 64

_COUNTS = ("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas")


class Plan(Struct, frozen=True):
    """How many pods to make, or how many to delete."""

    create: int = 0
    delete: int = 0


class Failure(NamedTuple):
    """Why a plan was not carried out, as the ReplicaFailure condition says it."""

    reason: str  # FailedCreate or FailedDelete
    message: str


class Counted(NamedTuple):
    """One pod as its set sees it. Kept from run to run, so that a set of a thousand does not read a thousand pods
    whenever one of them changes."""

    revision: int  # of the pod
    is_active: bool  # neither over nor leaving
    is_terminating: bool
    matches: bool  # the set's selector
    is_labelled: bool  # with all that the template says
    is_ready: bool
    ready_since: float | None


class Counts(NamedTuple):
    """The numbers of a status."""

    replicas: int
    labelled: int
    ready: int
    available: int
    terminating: int


def plan(replica_set: Obj, active: int) -> Plan:
    """active: how many pods it has that are neither over nor leaving."""
    surplus = active - replicas_of(replica_set)
    return Plan(create=min(-surplus, BURST)) if surplus < 0 else Plan(delete=min(surplus, BURST))


def choose(active: Sequence[Obj], related: Iterable[Obj], count: int, now: float) -> Sequence[Obj]:
    """The pods to delete. related: the pods of all sets with the same owner, which say how crowded a node is.

    Source: getPodsToDelete, getPodsRankedByRelatedPodsOnSameNode.
    """
    if count >= len(active):
        return active
    on_node: dict[str, int] = {}
    for pod in related:
        if pods.is_active(pod):
            node = pod["spec"].get("nodeName", "")
            on_node[node] = on_node.get(node, 0) + 1
    ranks = [on_node.get(pod["spec"].get("nodeName", ""), 0) for pod in active]
    return pods.rank_for_deletion(active, ranks, now)[:count]


def batches(count: int) -> Iterator[int]:
    """1, 2, 4, ... until `count` is reached."""
    size = BATCH_FIRST
    while count > 0:
        yield min(size, count)
        count -= size
        size *= 2


def render_pod(owner: Obj) -> Obj:
    """A pod of the owner's template. Source: controller_utils.go GetPodFromTemplate."""
    template = owner["spec"]["template"]
    given = template.get("metadata") or {}
    prefix = f"{owner['metadata']['name']}-"
    metadata: Obj = {
        # The dash goes when the generated part would make the name too long.
        "generateName": prefix if len(prefix) <= names.SUBDOMAIN_LENGTH_MAX else prefix[:-1],
        "namespace": owner["metadata"]["namespace"],
        "labels": given.get("labels") or {},
        "annotations": given.get("annotations") or {},
        "finalizers": given.get("finalizers") or [],
        "ownerReferences": [objects.owner_reference(owner)],
    }
    metadata = {name: value for name, value in metadata.items() if value}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def count_pod(
    pod: Obj, revision: int, matches: ownership.Matches, template_labels: dict[str, str]
) -> Counted:
    labels = objects.labels_of(pod)
    return Counted(
        revision,
        pods.is_active(pod),
        pods.is_terminating(pod),
        matches(labels),
        template_labels.items() <= labels.items(),
        pods.is_ready(pod),
        pods.ready_time(pod),
    )


def tally(counted: Iterable[Counted], min_ready_seconds: int, now: float) -> Counts:
    """The numbers of the pods that are the set's own."""
    replicas = labelled = ready = available = terminating = 0
    for pod in counted:
        if not pod.matches:
            continue
        terminating += pod.is_terminating
        if not pod.is_active:
            continue
        replicas += 1
        labelled += pod.is_labelled
        if pod.is_ready:
            ready += 1
            available += not min_ready_seconds or _is_available(pod, min_ready_seconds, now)
    return Counts(replicas, labelled, ready, available, terminating)


def _is_available(pod: Counted, min_ready_seconds: int, now: float) -> bool:
    """Source: podutil.IsPodAvailable."""
    return pod.ready_since is not None and pod.ready_since + min_ready_seconds <= now


def next_available_s(counted: Iterable[Counted], min_ready_seconds: int, now: float) -> float:
    """Seconds until the next ready pod has been ready long enough. Source: FindMinNextPodAvailabilityCheck."""
    due = (pod.ready_since + min_ready_seconds - now for pod in counted if pod.ready_since is not None)
    return min((wait for wait in due if wait > 0), default=float(min_ready_seconds))


def render_status(
    replica_set: Obj, counts: Counts, failure: Failure | None, stamp: str, *, with_terminating: bool = True
) -> Obj:
    """Source: calculateStatus."""
    status: Obj = {
        "replicas": counts.replicas,
        "fullyLabeledReplicas": counts.labelled,
        "readyReplicas": counts.ready,
        "availableReplicas": counts.available,
    }
    # replicas has no omitempty upstream: it is always there.
    status = {name: count for name, count in status.items() if count or name == "replicas"}
    if with_terminating:
        status["terminatingReplicas"] = counts.terminating
    if generation := replica_set["metadata"].get("generation"):
        status["observedGeneration"] = generation
    conditions = _with_failure(objects.conditions(replica_set), failure, stamp)
    if conditions:
        status["conditions"] = conditions
    return status


def _with_failure(conditions: list[Obj], failure: Failure | None, stamp: str) -> list[Obj]:
    known = any(c["type"] == "ReplicaFailure" for c in conditions)
    if failure is None:
        return [c for c in conditions if c["type"] != "ReplicaFailure"]
    if known:
        return conditions  # the first failure stands until the set works again
    fresh = {
        "type": "ReplicaFailure",
        "status": "True",
        "lastTransitionTime": stamp,
        "reason": failure.reason,
        "message": failure.message,
    }
    return [*conditions, fresh]


def is_same_status(stored: Obj, wanted: Obj) -> bool:
    """Equal when an absent count means zero."""
    exact = ("terminatingReplicas", "observedGeneration")
    return (
        all((stored.get(name) or 0) == (wanted.get(name) or 0) for name in _COUNTS)
        and all(stored.get(name) == wanted.get(name) for name in exact)
        and (stored.get("conditions") or []) == (wanted.get("conditions") or [])
    )


def is_counted(pod: Obj, old: Obj) -> bool:
    """Whether an update of a pod can change what its set does or says: bindings, IPs and images cannot."""
    return _counted(pod) != _counted(old)


def _counted(pod: Obj) -> tuple[object, ...]:
    metadata = pod["metadata"]
    ready = objects.condition(pod, "Ready") or {}
    return (
        metadata.get("deletionTimestamp"),
        pods.phase(pod),
        ready.get("status"),
        ready.get("lastTransitionTime"),
        metadata.get("labels"),
        metadata.get("ownerReferences"),
    )


def replicas_of(replica_set: Obj) -> int:
    replicas = replica_set["spec"].get("replicas")
    return 1 if replicas is None else replicas


# -- the controller --------------------------------------------------------------------------------------------


class ReplicaSetController(Controller):
    """Also the base of replication_controller.py, which says what `resource`, `selector_of` and the rest are there."""

    name = "replicaset-controller"
    workers = 5

    resource: ClassVar[Resource] = REPLICA_SETS
    counts_terminating: ClassVar[bool] = True

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        self.expectations = Expectations(context.clock)
        # Set -> (what its pods were counted by, its pods and the orphans it looked at).
        self._counted: dict[Key, tuple[object, dict[Key, Counted]]] = {}

    def setup(self) -> None:
        indexes = {ownership.BY_CONTROLLER: ownership.controller_keys}
        self.sets = self.watch(self.resource, key_of, indexes=indexes)
        self.sets.add_handler(on_delete=lambda document: self._forget(document.key))
        self.pods = self.watch(PODS, indexes=indexes)
        # What was expected is ticked off before anybody is woken by it.
        self.owned = OwnedPods(
            self.resource.kind, self.sets, self.expectations,
            adopters=self._adopters,
        )  # fmt: skip
        self.owned.follow(self.pods)
        self.watch(PODS, self._keys_of_pod)

    def selector_of(self, replica_set: Obj) -> LabelSelector:
        return selectors.from_label_selector(replica_set["spec"]["selector"])

    def rest_s(self, key: Key) -> float:
        replica_set = self.sets.get(key)
        if replica_set is None:
            return 0.0
        return rest_for(self.pods.count_by_index(ownership.BY_CONTROLLER, _uid(replica_set)))

    async def reconcile(self, key: Key) -> After | None:
        replica_set = self.sets.get(key)
        if replica_set is None:
            self._forget(key)
            return None
        trusted = self.expectations.satisfied(key)
        counted = await self._claim(key, replica_set)
        min_ready_s = replica_set["spec"].get("minReadySeconds") or 0
        decided, failure = Plan(), None
        if trusted and not objects.is_deleting(replica_set):
            decided = plan(replica_set, sum(pod.is_active and pod.matches for pod in counted.values()))
            failure = await self._act(key, replica_set, decided, counted)
        now = self.clock.now()
        counts = tally(counted.values(), min_ready_s, now)
        status = render_status(
            replica_set, counts, _failure_of(decided, failure), self.clock.rfc3339(),
            with_terminating=self.counts_terminating,
        )  # fmt: skip
        if not is_same_status(replica_set.get("status") or {}, status):
            await self.client.update(self.resource, replica_set | {"status": status}, subresource="status")
        if failure is not None:
            raise failure
        if min_ready_s and counts.ready != counts.available:
            return After(next_available_s(counted.values(), min_ready_s, now))
        return None

    # -- what it looks at

    def _forget(self, key: Key) -> None:
        self.expectations.forget(key)
        self._counted.pop(key, None)

    async def _claim(self, key: Key, replica_set: Obj) -> dict[Key, Counted]:
        """Its pods, after those that ceased to match were released and matching orphans adopted."""
        owned, orphans = self._count(key, replica_set)
        strangers = any(pod.is_active and not pod.matches for pod in owned.values())
        if not strangers and not any(pod.is_active and pod.matches for pod in orphans.values()):
            return owned
        candidates = [self._pod(pod_key) for pod_key, pod in (owned | orphans).items() if pod.is_active]
        claims = ownership.plan_claims(replica_set, self.selector_of(replica_set).matches, candidates)
        ours = await ownership.claim(
            self.client, claims, owner=replica_set, owner_resource=self.resource, resource=PODS
        )
        everybody = owned | orphans
        active = {objects.key_of(pod): everybody[objects.key_of(pod)] for pod in ours}
        return {pod_key: pod for pod_key, pod in owned.items() if not pod.is_active} | active

    def _count(self, key: Key, replica_set: Obj) -> tuple[dict[Key, Counted], dict[Key, Counted]]:
        """(its pods, the orphans of its namespace); each pod is read once for each of its revisions."""
        template_labels = (replica_set["spec"]["template"].get("metadata") or {}).get("labels") or {}
        by = (replica_set["spec"].get("selector"), template_labels)
        known_by, known = self._counted.get(key, (None, {}))
        if known_by != by:
            known = {}
        matches = self.selector_of(replica_set).matches

        def count(value: str) -> dict[Key, Counted]:
            result = {}
            for pod_key in self.pods.keys_by_index(ownership.BY_CONTROLLER, value):
                document = self.pods.document(pod_key)
                assert document is not None, "an index holds what the informer holds"
                pod = known.get(pod_key)
                if pod is None or pod.revision != document.revision:
                    pod = count_pod(document.obj, document.revision, matches, template_labels)
                result[pod_key] = pod
            return result

        owned, orphans = count(_uid(replica_set)), count(ownership.orphans_of(key.namespace))
        self._counted[key] = by, owned | orphans if orphans else owned
        return owned, orphans

    def _pod(self, key: Key) -> Obj:
        pod = self.pods.get(key)
        assert pod is not None, "asked in the turn in which it was counted"
        return pod

    def _related(self, replica_set: Obj) -> list[Obj]:
        """The pods of all sets that share this one's owner; none for a set of its own, as upstream has it."""
        owner = objects.controller_of(replica_set)
        siblings = self.sets.by_index(ownership.BY_CONTROLLER, owner["uid"]) if owner is not None else ()
        return [
            pod
            for each in siblings
            for pod in self.pods.by_index(ownership.BY_CONTROLLER, objects.uid_of(each))
        ]

    def _keys_of_pod(self, document: Document, old: Document | None) -> Iterable[Key]:
        keys = self.owned.keys(document, old)
        return keys if keys and (old is None or is_counted(document.obj, old.obj)) else ()

    def _adopters(self, orphan: Obj) -> Iterable[Key]:
        return ownership.matching_owners(self.sets, orphan)

    # -- what it does

    async def _act(
        self, key: Key, replica_set: Obj, decided: Plan, counted: dict[Key, Counted]
    ) -> Exception | None:
        """The first failure, after which nothing more was tried; the set is to be looked at again."""
        if decided.create:
            self.expectations.expect_creations(key, decided.create)
            return await self._create(key, replica_set, decided.create)
        if decided.delete:
            found = [
                self.pods.get(pod_key) for pod_key, pod in counted.items() if pod.is_active and pod.matches
            ]
            active = [pod for pod in found if pod is not None]
            doomed = choose(active, self._related(replica_set), decided.delete, self.clock.now())
            self.expectations.expect_deletions(key, [objects.key_of(pod) for pod in doomed])
            return await self._delete(key, replica_set, doomed)
        return None

    async def _create(self, key: Key, replica_set: Obj, count: int) -> Exception | None:
        pod = render_pod(replica_set)
        missing, newest = count, 0
        failure: Exception | None = None
        for size in batches(count):
            results = await gather_bounded(
                PARALLEL, [self._create_one(replica_set, pod) for _ in range(size)]
            )
            failures = [result for result in results if isinstance(result, BaseException)]
            newest = _newest(results, newest)
            missing -= size - len(failures)
            if failures:
                failure = _first(failures)
                break
        for _ in range(missing):
            self.expectations.creation_observed(key)
        self.log.info("pods_created", object=str(key), wanted=count, created=count - missing, revision=newest)
        return failure

    async def _create_one(self, replica_set: Obj, pod: Obj) -> int:
        """Its revision."""
        try:
            created = await self.client.create(PODS, pod)
        except errors.StatusError as error:
            if ownership.is_namespace_terminating(error):
                return 0
            self.events.event(replica_set, "Warning", "FailedCreate", f"Error creating: {error.message}")
            raise
        message = f"Created pod: {created['metadata']['name']}"
        self.events.event(replica_set, "Normal", "SuccessfulCreate", message)
        return objects.revision_of(created)

    async def _delete(self, key: Key, replica_set: Obj, doomed: Sequence[Obj]) -> Exception | None:
        results = await gather_bounded(PARALLEL, [self._delete_one(key, replica_set, pod) for pod in doomed])
        failures = [result for result in results if isinstance(result, BaseException)]
        self.log.info(
            "pods_deleted", object=str(key), wanted=len(doomed), deleted=len(doomed) - len(failures),
            revision=_newest(results, 0),
        )  # fmt: skip
        return _first(failures) if failures else None

    async def _delete_one(self, key: Key, replica_set: Obj, pod: Obj) -> int:
        """The revision of its end, or of the mark that it is to end."""
        metadata = pod["metadata"]
        try:
            left = await self.client.delete(
                PODS, metadata["name"], metadata["namespace"], uid=metadata["uid"]
            )
        except (errors.StatusError, ConnectionLost) as error:
            self.expectations.deletion_observed(key, objects.key_of(pod))
            if isinstance(error, errors.NotFound):
                return 0
            self.events.event(replica_set, "Warning", "FailedDelete", f"Error deleting: {error}")
            raise
        self.events.event(replica_set, "Normal", "SuccessfulDelete", f"Deleted pod: {metadata['name']}")
        return objects.revision_of(left)


def _uid(replica_set: Obj) -> str:
    return objects.uid_of(replica_set)


def _newest(results: Iterable[int | BaseException], so_far: int) -> int:
    return max([so_far, *(result for result in results if isinstance(result, int))])


def _first(failures: Sequence[BaseException]) -> Exception:
    """A cancellation among them is ours, and goes on up."""
    for failure in failures:
        if not isinstance(failure, Exception):
            raise failure
    assert isinstance(failures[0], Exception)
    return failures[0]


def _failure_of(decided: Plan, failure: Exception | None) -> Failure | None:
    if failure is None:
        return None
    if decided.create:
        return Failure("FailedCreate", str(failure))
    return Failure("FailedDelete", f"unable to delete pods: {failure}")
