"""Deployments: one ReplicaSet per pod template, and the walk from the old ones to the new one.

Watches Deployments, their ReplicaSets and (for Recreate) those sets' Pods. Owns ReplicaSets. Writes ReplicaSets
(create, size, annotations, deletion of old history) and the Deployment's status with its revision annotation.

The new ReplicaSet is the oldest one whose template equals the Deployment's, so a rollback is nothing special: the old
template's set becomes the new one again and gets the next revision number. Four situations are told apart, in this
order: being deleted (status only), paused or rescaled (sizes in proportion, no rollout), Recreate, RollingUpdate.

Promised, of each plan: the sizes of all sets never grow beyond replicas + maxSurge; old sets shrink only as far as
replicas - maxUnavailable pods stay available; every write carries the resourceVersion it was decided on, so a decision
on a stale cache becomes a conflict and is taken again. Nothing is remembered between two runs: killed anywhere, the
next run goes on from what the objects say.

Not done: `rollbackTo` of the beta API that was removed in 1.16.

Source: kubernetes 1.36 pkg/controller/deployment/{sync,rolling,recreate,progress}.go, util/deployment_util.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kubepy.api import errors, objects, pods
from kubepy.api.builtins import DEPLOYMENTS, PODS, REPLICA_SETS
from kubepy.api.objects import Document, Key, Obj
from kubepy.client.controller import After, Controller, key_of, owner_key
from kubepy.controllers import ownership
from kubepy.controllers.deployment_plan import Plan, plan
from kubepy.controllers.deployment_rollout import is_same_status, with_condition
from kubepy.controllers.deployment_sizes import INT32_MAX, is_rolling
from kubepy.controllers.deployment_templates import REVISION, is_same_template


class DeploymentController(Controller):
    """Plans from the caches, then writes: sets, history, status."""

    name = "deployment-controller"
    workers = 5

    def setup(self) -> None:
        indexes = {ownership.BY_CONTROLLER: ownership.controller_keys}
        self.deployments = self.watch(DEPLOYMENTS, key_of)
        self.replica_sets = self.watch(REPLICA_SETS, self._keys_of_replica_set, indexes=indexes)
        self.pods = self.watch(PODS, indexes=indexes)
        self.pods.add_handler(on_delete=self._pod_deleted)

    async def reconcile(self, key: Key) -> After | None:
        deployment = self.deployments.get(key)
        if deployment is None:
            return None
        if ownership.selects_everything(deployment["spec"]["selector"]):
            await self._refuse(deployment)
            return None
        owned = await ownership.claim_dependents(self.client, self.replica_sets, deployment, DEPLOYMENTS)
        decided = plan(deployment, owned, self.clock.now(), self._busy(deployment, owned))
        await self._act(deployment, decided)
        return None if decided.after_s is None else After(decided.after_s)

    # -- what it looks at

    def _keys_of_replica_set(self, document: Document, old: Document | None) -> Iterable[Key]:
        """Its owner, before and after; an orphan's possible adopters when it may newly match."""
        yield from _OWNER(document, old)
        obj = document.obj
        if objects.controller_of(obj) is None and ownership.may_be_adopted(obj, old):
            yield from ownership.matching_owners(self.deployments, obj)

    def _pod_deleted(self, document: Document) -> None:
        """The last old pod is gone: a Recreate may go on."""
        reference = objects.controller_of(document.obj)
        if reference is None or reference["kind"] != REPLICA_SETS.kind:
            return
        replica_set = self.replica_sets.get(Key(document.key.namespace, reference["name"]))
        owner = objects.controller_of(replica_set) if replica_set is not None else None
        if owner is None or owner["kind"] != DEPLOYMENTS.kind:
            return
        key = Key(document.key.namespace, owner["name"])
        deployment = self.deployments.get(key)
        if deployment is not None and not is_rolling(deployment):
            self.queue.add(key)

    def _busy(self, deployment: Obj, owned: Sequence[Obj]) -> set[str]:
        if is_rolling(deployment):
            return set()
        uids = [replica_set["metadata"]["uid"] for replica_set in owned]
        return {
            uid
            for uid in uids
            if any(not pods.is_terminal(pod) for pod in self.pods.by_index(ownership.BY_CONTROLLER, uid))
        }

    # -- what it does

    async def _refuse(self, deployment: Obj) -> None:
        self.events.event(
            deployment, "Warning", "SelectingAll",
            "This deployment is selecting all pods. A non-empty selector is required.",
        )  # fmt: skip
        status, generation = deployment.get("status") or {}, deployment["metadata"].get("generation", 0)
        if status.get("observedGeneration", 0) < generation:
            await self._write_status(deployment, status | {"observedGeneration": generation}, "")

    async def _act(self, deployment: Obj, decided: Plan) -> None:
        if decided.create is not None and not await self._create(deployment, decided.create):
            return
        for resize in decided.updates:
            written = await self.client.update(REPLICA_SETS, resize.replica_set)
            self._tell_scaled(deployment, written, resize.old, resize.new)
        for obsolete in decided.delete:
            await self._delete(obsolete)
        stored = deployment.get("status") or {}
        known_revision = objects.annotations_of(deployment).get(REVISION, "")
        if not is_same_status(stored, decided.status) or decided.revision not in ("", known_revision):
            await self._write_status(deployment, decided.status, decided.revision)

    async def _create(self, deployment: Obj, replica_set: Obj) -> bool:
        """False when there is no use in going on."""
        try:
            created = await self.client.create(REPLICA_SETS, replica_set)
        except errors.AlreadyExists as error:
            return await self._meet_namesake(deployment, replica_set, error)
        except errors.StatusError as error:
            if ownership.is_namespace_terminating(error):
                return False
            await self._tell_create_failed(deployment, replica_set, error)
            raise
        self._tell_scaled(deployment, created, 0, replica_set["spec"]["replicas"])
        return True

    async def _meet_namesake(self, deployment: Obj, wanted: Obj, error: errors.AlreadyExists) -> bool:
        """The name is taken: by our own set, which the cache has not got yet, or by another template with this hash."""
        metadata = wanted["metadata"]
        there = await self.client.get(REPLICA_SETS, metadata["name"], metadata["namespace"])
        owner = objects.controller_of(there)
        ours = owner is not None and owner["uid"] == deployment["metadata"]["uid"]
        if ours and is_same_template(there["spec"]["template"], deployment["spec"]["template"]):
            return True
        status = deployment.get("status") or {}
        collisions = status.get("collisionCount") or 0
        await self._write_status(deployment, status | {"collisionCount": collisions + 1}, "")
        raise error

    async def _tell_create_failed(self, deployment: Obj, wanted: Obj, error: errors.StatusError) -> None:
        message = f'Failed to create new replica set "{wanted["metadata"]["name"]}": {error.message}'
        reason = "ReplicaSetCreateError"
        self.events.event(deployment, "Warning", reason, message)
        if deployment["spec"].get("progressDeadlineSeconds") in (None, INT32_MAX):
            return
        now = self.clock.rfc3339()
        fresh = {
            "type": "Progressing", "status": "False", "lastUpdateTime": now, "lastTransitionTime": now,
            "reason": reason, "message": message,
        }  # fmt: skip
        known = objects.conditions(deployment)
        changed = with_condition(known, fresh)
        if changed is not known:
            await self._write_status(
                deployment, (deployment.get("status") or {}) | {"conditions": changed}, ""
            )

    def _tell_scaled(self, deployment: Obj, replica_set: Obj, old: int, new: int) -> None:
        if old == new:
            return
        name, direction = replica_set["metadata"]["name"], "up" if new > old else "down"
        message = f"Scaled {direction} replica set {name} from {old} to {new}"
        self.events.event(deployment, "Normal", "ScalingReplicaSet", message)
        self.log.info(
            "replica_set_scaled", object=str(objects.key_of(deployment)), replica_set=name, old=old, new=new,
            revision=objects.revision_of(replica_set),
        )  # fmt: skip

    async def _delete(self, replica_set: Obj) -> None:
        metadata = replica_set["metadata"]
        try:
            await self.client.delete(
                REPLICA_SETS, metadata["name"], metadata["namespace"], uid=metadata["uid"]
            )
        except errors.NotFound:
            pass

    async def _write_status(self, deployment: Obj, status: Obj, revision: str) -> None:
        """The revision annotation goes along: kube-apiserver, too, takes annotations through the status."""
        metadata = deployment["metadata"]
        if revision:
            annotations = objects.annotations_of(deployment) | {REVISION: revision}
            metadata = metadata | {"annotations": annotations}
        written = await self.client.update(
            DEPLOYMENTS, deployment | {"metadata": metadata, "status": status}, subresource="status"
        )
        before, now = (objects.condition(each, "Progressing") or {} for each in (deployment, written))
        if now.get("reason") != before.get("reason"):
            self.log.info(
                "rollout_progressed", object=str(objects.key_of(deployment)), reason=now.get("reason", ""),
                revision=objects.revision_of(written),
            )  # fmt: skip


_OWNER = owner_key(DEPLOYMENTS.kind)
