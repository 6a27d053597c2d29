"""StatefulSets: pods with names that stay, web-0, web-1 ..., each with its own volumes.

Watches StatefulSets, Pods, PersistentVolumeClaims and ControllerRevisions. Owns Pods and ControllerRevisions. Writes
those, claims (create, owner references) and its status.

OrderedReady is a walk: from the first ordinal up, it stops at the first pod that has to be made, replaced or waited
for; only behind the last one are surplus pods deleted, from the highest down, one at a time; and only then are old pods
replaced, as many at a time as may be unavailable. Parallel takes the same walk without stopping. A replaced pod
keeps its name, so nothing is made before the old one is gone.

Claims outlive their pods unless the retention policy says otherwise; then an owner reference, to the set or to a pod
that is scaled away, hands them to the garbage collector.

Not done: pods whose volumes were changed by others are not repaired (a pod's volumes cannot be changed).

Source: kubernetes 1.36 pkg/controller/statefulset/{stateful_set_control,stateful_pod_control,stateful_set_utils}.go.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from kubepy.api import errors, objects, pods
from kubepy.api.builtins import CONTROLLER_REVISIONS, PERSISTENT_VOLUME_CLAIMS, PODS, STATEFUL_SETS
from kubepy.api.objects import Key, Obj
from kubepy.client.controller import After, Controller, ControllerContext, key_of, rest_for
from kubepy.client.expectations import Expectations
from kubepy.client.transport import ConnectionLost
from kubepy.controllers import history, ownership
from kubepy.controllers.deployment_sizes import scaled
from kubepy.controllers.history import REVISION_LABEL, Historian
from kubepy.controllers.owned_pods import OwnedPods
from kubepy.controllers.replica_set import PARALLEL, render_pod
from kubepy.controllers.stateful_set_identity import (
    claim_names,
    has_stale_claim,
    is_claimed_by_others,
    member_volumes,
    ordinal_of,
    ordinals,
    owners_of_claim,
    parent_of,
    render_claims,
)
from kubepy.lib.aio import gather_bounded

POD_NAME = "statefulset.kubernetes.io/pod-name"
POD_INDEX = "apps.kubernetes.io/pod-index"
HASH_LABEL = "controller.kubernetes.io/hash"


class Observed(Struct, frozen=True):
    stateful_set: Obj
    pods: Sequence[Obj]
    claims: Mapping[str, Obj]  # by name
    current: Obj  # the revision that pods below the partition are of
    update: Obj  # the revision of the template as it is


class Repair(Struct, frozen=True):
    """What is to be put right of a pod and its claims."""

    pod: Obj
    is_told: bool  # as an update of the pod
    is_unnamed: bool  # it lost the label with its name
    claims: tuple[Obj, ...]  # with the owner references that they should have
    conflicts: tuple[str, ...]  # claims that have somebody else's


class Plan(Struct, frozen=True):
    """All of it may be done at once."""

    create: tuple[Obj, ...] = ()
    delete: tuple[Obj, ...] = ()
    provide: tuple[Obj, ...] = ()  # pods whose claims have to be there
    repair: tuple[Repair, ...] = ()
    status: Obj = field(default_factory=dict)
    after_s: float | None = None


class _Draft(Struct):
    observed: Observed
    now: float
    create: list[Obj] = field(default_factory=list)
    delete: list[Obj] = field(default_factory=list)
    replaced: set[str] = field(default_factory=set)  # names of those of `delete` that go for their revision
    repair: list[Repair] = field(default_factory=list)
    provide: list[Obj] = field(default_factory=list)

    @property
    def stateful_set(self) -> Obj:
        return self.observed.stateful_set

    @property
    def spec(self) -> Obj:
        return self.stateful_set["spec"]

    @property
    def min_ready_s(self) -> int:
        return self.spec.get("minReadySeconds") or 0

    def is_available(self, pod: Obj | None) -> bool:
        return pod is not None and pods.is_available(pod, self.min_ready_s, self.now)

    def is_unavailable(self, pod: Obj | None) -> bool:
        return pod is None or not self.is_available(pod) or objects.is_deleting(pod)


# -- the plan --------------------------------------------------------------------------------------------------


def plan(observed: Observed, now: float) -> Plan:
    """Source: updateStatefulSet."""
    draft = _Draft(observed, now)
    by_ordinal = {ordinal_of(pod): pod for pod in observed.pods}
    wanted = ordinals(draft.stateful_set)
    condemned = [pod for pod in observed.pods if ordinal_of(pod) >= 0 and ordinal_of(pod) not in wanted]
    condemned.sort(key=ordinal_of, reverse=True)
    if not objects.is_deleting(draft.stateful_set):
        _walk(draft, [(ordinal, by_ordinal.get(ordinal)) for ordinal in wanted], condemned)
    waits = (pods.available_in(pod, draft.min_ready_s, now) for pod in observed.pods)
    return Plan(
        tuple(draft.create), tuple(draft.delete), tuple(draft.provide), tuple(draft.repair), render_status(draft),
        min((wait for wait in waits if wait), default=None),
    )  # fmt: skip


def _walk(draft: _Draft, replicas: Sequence[tuple[int, Obj | None]], condemned: Sequence[Obj]) -> None:
    in_order = draft.spec.get("podManagementPolicy") != "Parallel"
    for ordinal, pod in replicas:
        if _blocks(draft, ordinal, pod, in_order=in_order) and in_order:
            return
    for pod in condemned:
        _repair(draft, pod)
    _condemn(draft, [pod for _, pod in replicas], condemned, in_order=in_order)
    if (draft.spec.get("updateStrategy") or {}).get("type") != "OnDelete" and not (condemned and in_order):
        _roll(draft, [pod for _, pod in replicas])


def _blocks(draft: _Draft, ordinal: int, pod: Obj | None, *, in_order: bool) -> bool:
    """What one ordinal needs; whether the walk has to wait for it. Source: processReplica."""
    if pod is None:
        if not has_stale_claim(draft.stateful_set, ordinal, draft.observed.claims):
            made = render_member(draft.observed, ordinal)
            draft.create.append(made)
            _repair(draft, made, is_early=True)
        return True
    if pods.is_terminal(pod):
        if not objects.is_deleting(pod):
            draft.delete.append(pod)
        return True
    is_pending = pods.phase(pod) == pods.PENDING
    if is_pending and any(
        name not in draft.observed.claims for name in claim_names(draft.stateful_set, ordinal)
    ):
        draft.provide.append(pod)
    works = pods.phase(pod) == pods.RUNNING and not draft.is_unavailable(pod)
    if works or not in_order:
        _repair(draft, pod, is_early=is_pending, is_told=True)
        return False
    if is_pending:
        _repair(draft, pod, is_early=True)
    return True


def _condemn(
    draft: _Draft, replicas: Sequence[Obj | None], condemned: Sequence[Obj], *, in_order: bool
) -> None:
    """Surplus pods go from the highest down. Source: processCondemned."""
    unavailable = [pod for pod in (*replicas, *reversed(condemned)) if draft.is_unavailable(pod)]
    first = unavailable[0] if unavailable else None
    for pod in condemned:
        if objects.is_deleting(pod):
            if in_order:
                return
            continue
        if in_order and not draft.is_available(pod) and pod is not first:
            return
        draft.delete.append(pod)
        if in_order:
            return


def _roll(draft: _Draft, replicas: Sequence[Obj | None]) -> None:
    """Old pods down to the partition: those that do not work all go, and of the others, from the highest down, as many
    as may be unavailable besides all pods of the set that are so already.

    Source: updateStatefulSetAfterInvariantEstablished, as 1.37 has it. Differs from 1.36: without the gate
    MaxUnavailableStatefulSet that replaces one pod at a time and heeds only those above it; with the gate it counts all
    unavailable pods first, and old ones that do not work use up the number, so that a first revision that never works
    is never replaced (kubernetes issue 137409, for which the gate was off until 1.37). Only Parallel shows it: the walk
    of OrderedReady ends before this while any pod does not work."""
    rolling = (draft.spec.get("updateStrategy") or {}).get("rollingUpdate") or {}
    most = max(1, scaled(rolling.get("maxUnavailable") or 1, len(replicas), round_up=False))
    name = draft.observed.update["metadata"]["name"]
    old = [
        pod
        for pod in reversed(replicas[rolling.get("partition") or 0 :])
        if pod is not None and not objects.is_deleting(pod) and _revision(pod) != name
    ]
    left = max(0, most - sum(map(draft.is_unavailable, replicas)))
    working = [pod for pod in old if draft.is_available(pod)]
    doomed = [pod for pod in old if not draft.is_available(pod)] + working[:left]
    draft.replaced = {pod["metadata"]["name"] for pod in doomed}
    draft.delete += [pod for pod in doomed if not pods.is_terminal(pod)]  # those that are over go anyway


def _revision(pod: Obj) -> str:
    return objects.labels_of(pod).get(REVISION_LABEL, "")


def render_status(draft: _Draft) -> Obj:
    """Source: computeReplicaStatus, completeRollingUpdate."""
    stateful_set, observed = draft.stateful_set, draft.observed
    members = [pod for pod in observed.pods if ordinal_of(pod) >= 0]
    current, update = observed.current["metadata"]["name"], observed.update["metadata"]["name"]
    there = [pod for pod in members if not objects.is_deleting(pod)]
    ready = [pod for pod in members if pods.phase(pod) == pods.RUNNING and pods.is_ready(pod)]
    updated, replicas = sum(_revision(pod) == update for pod in there), stateful_set["spec"]["replicas"]
    status: Obj = {
        "observedGeneration": stateful_set["metadata"].get("generation", 0),
        "replicas": len(members),
        "readyReplicas": len(ready),
        # What is replaced now is no longer counted; what is scaled away is, until it is deleted.
        "currentReplicas": sum(
            _revision(pod) == current and pod["metadata"]["name"] not in draft.replaced for pod in there
        ),
        "updatedReplicas": updated,
        "availableReplicas": sum(map(draft.is_available, ready)),
        "currentRevision": current,
        "updateRevision": update,
        "collisionCount": (stateful_set.get("status") or {}).get("collisionCount") or 0,
    }
    if updated == len(ready) == len(members) == replicas:
        status |= {"currentReplicas": updated, "currentRevision": update}
    optional = ("readyReplicas", "currentReplicas", "updatedReplicas")
    return {name: value for name, value in status.items() if value or name not in optional}


# -- pods and claims -------------------------------------------------------------------------------------------


def render_member(observed: Observed, ordinal: int) -> Obj:
    """Of the revision that its ordinal has now. Source: newVersionedStatefulSetPod."""
    stateful_set = observed.stateful_set
    strategy = stateful_set["spec"].get("updateStrategy") or {}
    rolling, start = strategy.get("rollingUpdate"), ordinals(stateful_set).start
    if rolling is not None:
        is_behind = ordinal < start + (rolling.get("partition") or 0)
    else:
        before = (stateful_set.get("status") or {}).get("currentReplicas", 0)
        is_behind = strategy.get("type") == "RollingUpdate" and ordinal < start + before
    revision = observed.current if is_behind else observed.update
    pod = render_pod(history.restored(stateful_set, revision))
    name = f"{stateful_set['metadata']['name']}-{ordinal}"
    metadata = pod["metadata"]
    identity = {POD_NAME: name, POD_INDEX: str(ordinal), REVISION_LABEL: revision["metadata"]["name"]}
    pod["metadata"] = metadata | {"name": name, "labels": {**metadata.get("labels", {}), **identity}}
    spec = pod["spec"] | {"hostname": name}
    if stateful_set["spec"].get("serviceName"):
        spec["subdomain"] = stateful_set["spec"]["serviceName"]
    if volumes := member_volumes(stateful_set, ordinal, spec.get("volumes") or ()):
        spec["volumes"] = volumes
    pod["spec"] = spec
    return pod


def _repair(draft: _Draft, pod: Obj, *, is_early: bool = False, is_told: bool = False) -> None:
    """is_early: the pod does not run yet; then a conflict is told though nothing is to be done.

    Source: UpdateStatefulPod, UpdatePodClaimForRetentionPolicy.
    """
    ours, name = draft.stateful_set, pod["metadata"]["name"]
    claims, conflicts = [], []
    for claim in filter(None, map(draft.observed.claims.get, claim_names(ours, ordinal_of(pod)))):
        references = owners_of_claim(claim, ours, pod)
        if references is not None:
            claims.append(claim | {"metadata": claim["metadata"] | {"ownerReferences": references}})
        if is_claimed_by_others(claim, ours, pod):
            conflicts.append(claim["metadata"]["name"])
    is_unnamed = is_told and objects.labels_of(pod).get(POD_NAME) != name
    if claims or is_unnamed or (conflicts and is_early):
        is_told = is_told and bool(claims or is_unnamed)
        draft.repair.append(Repair(pod, is_told, is_unnamed, tuple(claims), tuple(conflicts)))


# -- the controller --------------------------------------------------------------------------------------------


class StatefulSetController(Controller):
    name = "statefulset-controller"
    workers = 5

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        self.expectations = Expectations(context.clock)
        self._written: dict[Key, int] = {}

    def setup(self) -> None:
        indexes = {ownership.BY_CONTROLLER: ownership.controller_keys}
        self.sets = self.watch(STATEFUL_SETS, key_of)
        revisions = self.watch(CONTROLLER_REVISIONS, indexes=indexes)
        self.historian = Historian(self.client, revisions, STATEFUL_SETS, HASH_LABEL)
        self.claims = self.watch(PERSISTENT_VOLUME_CLAIMS)
        self.pods = self.watch(PODS, indexes=indexes)
        owned = OwnedPods(
            "StatefulSet", None, self.expectations,
            adopters=lambda pod: [Key(pod["metadata"]["namespace"], parent_of(pod)[0])],
        )  # fmt: skip
        owned.follow(self.pods)
        self.watch(PODS, owned.keys)

    def rest_s(self, key: Key) -> float:
        stateful_set = self.sets.get(key)
        if stateful_set is None:
            return 0.0
        return rest_for(self.pods.count_by_index(ownership.BY_CONTROLLER, objects.uid_of(stateful_set)))

    async def reconcile(self, key: Key) -> After | None:
        document = self.sets.document(key)
        if document is None:
            self.expectations.forget(key)
            self._written.pop(key, None)
            return None
        if document.revision < self._written.get(key, 0) or not self.expectations.satisfied(key):
            return None  # the informers are about to show what we did, and then this runs again
        stateful_set = document.obj
        members = await self._claim(stateful_set)
        revisions = await self.historian.of(stateful_set)
        named = (stateful_set.get("status") or {}).get("currentRevision")
        known = {each["metadata"]["name"]: each for each in (*revisions.old, revisions.current)}
        current = known.get(named, revisions.current)
        claims = self._claims_of(stateful_set, members)
        observed = Observed(stateful_set, members, claims, current, revisions.current)
        decided = plan(observed, self.clock.now())
        failure = await self._act(key, stateful_set, decided)
        if decided.status != (stateful_set.get("status") or {}):
            written = await self.client.update(
                STATEFUL_SETS, stateful_set | {"status": decided.status}, subresource="status"
            )
            self._written[key] = objects.revision_of(written)
        if failure is not None:
            raise failure
        await self._clean_history(stateful_set, revisions.old, members, current)
        return After(decided.after_s) if decided.after_s is not None else None

    # -- what it looks at

    async def _claim(self, stateful_set: Obj) -> list[Obj]:
        name = stateful_set["metadata"]["name"]
        return await ownership.claim_dependents(
            self.client, self.pods, stateful_set, STATEFUL_SETS,
            is_candidate=lambda pod: parent_of(pod)[0] == name,
        )  # fmt: skip

    def _claims_of(self, stateful_set: Obj, members: Iterable[Obj]) -> dict[str, Obj]:
        namespace = stateful_set["metadata"]["namespace"]
        numbers = {*ordinals(stateful_set), *map(ordinal_of, members)}
        names = (name for number in numbers for name in claim_names(stateful_set, number))
        found = ((name, self.claims.get(Key(namespace, name))) for name in names)
        return {name: claim for name, claim in found if claim is not None}

    # -- what it does

    async def _act(self, key: Key, stateful_set: Obj, decided: Plan) -> Exception | None:
        """The first failure, after all was tried."""
        self.expectations.expect_deletions(key, [objects.key_of(pod) for pod in decided.delete])
        self.expectations.raise_creations(key, len(decided.create))
        works: list[Coroutine[Any, Any, None]] = [
            *(self._repair(stateful_set, repair) for repair in decided.repair),
            *(self._provide(stateful_set, pod) for pod in decided.provide),
            *(self._create(key, stateful_set, pod) for pod in decided.create),
            *(self._delete(key, stateful_set, pod) for pod in decided.delete),
        ]
        results = await gather_bounded(PARALLEL, works)
        if decided.create or decided.delete:
            self.log.info(
                "pods_synced", object=str(key), created=len(decided.create), deleted=len(decided.delete)
            )
        return next((result for result in results if isinstance(result, Exception)), None)

    async def _create(self, key: Key, stateful_set: Obj, pod: Obj) -> None:
        try:
            await self._provide(stateful_set, pod)
            await self.client.create(PODS, pod)
        except (errors.StatusError, ConnectionLost) as error:
            self.expectations.creation_observed(key)
            if isinstance(error, errors.StatusError) and ownership.is_namespace_terminating(error):
                return
            if not isinstance(error, errors.AlreadyExists):
                self._tell(stateful_set, "Create", f"Pod {pod['metadata']['name']}", error)
            raise
        self._tell(stateful_set, "Create", f"Pod {pod['metadata']['name']}")

    async def _delete(self, key: Key, stateful_set: Obj, pod: Obj) -> None:
        metadata = pod["metadata"]
        try:
            await self.client.delete(PODS, metadata["name"], metadata["namespace"], uid=metadata["uid"])
        except errors.NotFound:
            self.expectations.deletion_observed(key, objects.key_of(pod))
        except (errors.StatusError, ConnectionLost) as error:
            self.expectations.deletion_observed(key, objects.key_of(pod))
            self._tell(stateful_set, "Delete", f"Pod {metadata['name']}", error)
            raise
        self._tell(stateful_set, "Delete", f"Pod {metadata['name']}")

    async def _provide(self, stateful_set: Obj, pod: Obj) -> None:
        """The claims of a pod, before it is made or while it waits for them. Source: createPersistentVolumeClaims."""
        failures, pod_name = [], pod["metadata"]["name"]
        for claim in render_claims(stateful_set, ordinal_of(pod)):
            name, namespace = claim["metadata"]["name"], claim["metadata"]["namespace"]
            found = self.claims.get(Key(namespace, name))
            if found is not None:
                if objects.is_deleting(found):
                    failures.append(f"pvc {name} is being deleted")
                continue
            try:
                await self.client.create(PERSISTENT_VOLUME_CLAIMS, claim)
            except errors.AlreadyExists:
                continue
            except errors.StatusError as error:
                failures.append(f"failed to create PVC {name}: {error}")
                self._tell(stateful_set, "Create", f"Claim {name} for Pod {pod_name}", error)
            else:
                self._tell(stateful_set, "Create", f"Claim {name} Pod {pod_name}", outcome="success")
        if failures:
            raise ClaimsFailed(failures[0] if len(failures) == 1 else f"[{', '.join(failures)}]")

    async def _repair(self, stateful_set: Obj, repair: Repair) -> None:
        what = f"Pod {repair.pod['metadata']['name']}"
        for name in repair.conflicts:
            message = (
                f"PersistentVolumeClaim {name} has a conflicting OwnerReference that acts as a manging controller, "
                "the retention policy is ignored for this claim"
            )
            self.events.event(stateful_set, "Warning", "ConflictingController", message)
        try:
            for claim in repair.claims:
                await self._hand_over(claim)
            if repair.is_unnamed:
                await self._name(repair.pod)
        except errors.StatusError as error:
            self._tell(stateful_set, "Update", what, error)
            raise
        if repair.is_told:
            self._tell(stateful_set, "Update", what)

    async def _hand_over(self, claim: Obj) -> None:
        try:
            await self.client.update(PERSISTENT_VOLUME_CLAIMS, claim)
        except errors.StatusError as error:
            name = claim["metadata"]["name"]
            raise ClaimsFailed(
                f"could not update claim {name} for delete policy ownerRefs: {error}"
            ) from error

    async def _name(self, pod: Obj) -> None:
        metadata = pod["metadata"]
        labels = {POD_NAME: metadata["name"], POD_INDEX: str(ordinal_of(pod))}
        change = {"metadata": {"labels": labels, "uid": metadata["uid"]}}
        await self.client.patch(PODS, metadata["name"], change, namespace=metadata["namespace"])

    def _tell(
        self,
        stateful_set: Obj,
        verb: str,
        what: str,
        error: Exception | None = None,
        outcome: str = "successful",
    ) -> None:
        """Source: recordPodEvent, recordClaimEvent."""
        text = f"{verb} {what} in StatefulSet {stateful_set['metadata']['name']}"
        if error is None:
            self.events.event(stateful_set, "Normal", f"Successful{verb}", f"{text} {outcome}")
        else:
            self.events.event(stateful_set, "Warning", f"Failed{verb}", f"{text} failed error: {error}")

    async def _clean_history(
        self, stateful_set: Obj, old: Sequence[Obj], members: Iterable[Obj], current: Obj
    ) -> None:
        live = {objects.labels_of(pod).get(REVISION_LABEL) for pod in members} | {current["metadata"]["name"]}
        dead = [revision for revision in old if revision["metadata"]["name"] not in live]
        limit = stateful_set["spec"]["revisionHistoryLimit"]
        await self.historian.forget(dead[: max(0, len(dead) - limit)])


class ClaimsFailed(errors.StatusError):
    """What a pod needs of its claims was not done; tried again."""
