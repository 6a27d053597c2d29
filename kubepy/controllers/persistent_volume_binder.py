"""Claims and volumes find each other: PersistentVolumeClaims are bound to PersistentVolumes, and let go of.

Watches claims, volumes, StorageClasses, and the pods that wait for claims. Writes the claimRef and phase of volumes,
volumeName, annotations and status of claims. Makes no volume itself: it says whose turn that is (the annotation
storage-provisioner) and binds what appears; `local_provisioner` is one of those who listen.

    claim                                      volume
    Pending  no volume yet                     Available  nobody's
    Bound    to the volume it names            Bound      to the claim it names
    Lost     its volume is gone, or another's  Released   its claim is gone: kept, deleted or recycled by policy
                                               Failed     ... and that did not work

Binding is four writes (volume, its phase, claim, its phase); each is done only if it is still to do, and each has the
version it was decided on as precondition, so whoever finds half of them done goes on from there. `_Fresh` has our own
writes until the informers have them.

Differs: recycling needs no pod and succeeds at once, for there is nothing to wipe; in-tree volumes that CSI drivers
took over are not translated; a volume that becomes available wakes the claims of its class, which upstream finds out at
its next round of all claims (every 15 s, here for pending ones only).

Source: kubernetes 1.36 pkg/controller/volume/persistentvolume/{pv_controller,pv_controller_base,index}.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from kubepy.api import errors, objects, pods, volumes
from kubepy.api.builtins import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS, STORAGE_CLASSES
from kubepy.api.objects import Document, Key, Obj, annotations_of, uid_of, walk
from kubepy.client.controller import After, Controller
from kubepy.client.events import NORMAL, WARNING
from kubepy.client.informer import Informer
from kubepy.controllers.persistent_volume_plan import (
    MIGRATED_TO,
    ClaimPlan,
    Said,
    claim_bound_to,
    claim_status,
    finalizers_due,
    migration_due,
    plan_claim,
    plan_volume,
    reclaim_policy,
    refused_deletion,
    unbound,
)

# Source: pkg/controller/volume/persistentvolume/config, PVClaimBinderSyncPeriod.
RESYNC_S = 15.0
POD_CLAIMS = "claims"
_BY_CLAIM, _AVAILABLE, _PENDING = "claim", "available_of_class", "pending_of_class"


class _Fresh:
    """An informer with our own writes on top, until they come back through it."""

    def __init__(self, informer: Informer) -> None:
        self._informer = informer
        self._written: dict[Key, Obj] = {}
        informer.add_handler(
            on_add=self._seen, on_update=lambda old, new: self._seen(new), on_delete=self._gone
        )

    def put(self, obj: Obj) -> Obj:
        self._written[objects.key_of(obj)] = obj
        self._drop_seen(objects.key_of(obj))
        return obj

    def get(self, key: Key) -> Obj | None:
        return self._written.get(key) or self._informer.get(key)

    def by_index(self, index: str, value: str) -> list[Obj]:
        return [self._written.get(objects.key_of(obj), obj) for obj in self._informer.by_index(index, value)]

    def _seen(self, document: Document) -> None:
        self._drop_seen(document.key)

    def _gone(self, document: Document) -> None:
        self._written.pop(document.key, None)

    def _drop_seen(self, key: Key) -> None:
        document, written = self._informer.document(key), self._written.get(key)
        if document is not None and written is not None:
            if document.revision >= objects.revision_of(written):
                del self._written[key]


class PersistentVolumeBinder(Controller):
    """Keys are claims, and volumes, whose keys have no namespace."""

    name = "persistentvolume-binder-controller"
    workers = 8

    def setup(self) -> None:
        volumes_ = self.watch(
            PERSISTENT_VOLUMES,
            indexes={_BY_CLAIM: volumes.claim_keys_of_volume, _AVAILABLE: volumes.class_if_free},
        )
        claims = self.watch(PERSISTENT_VOLUME_CLAIMS, indexes={_PENDING: _class_if_pending})
        self.pods = self.watch(PODS, indexes={POD_CLAIMS: volumes.claim_keys_of_pod})
        self.classes = self.watch(STORAGE_CLASSES)
        self.volumes, self.claims = _Fresh(volumes_), _Fresh(claims)
        self._pending_claims = claims
        self.watch(PERSISTENT_VOLUMES, self._keys_of_volume)
        self.watch(PERSISTENT_VOLUME_CLAIMS, self._keys_of_claim)

    def _keys_of_volume(self, document: Document, old: Document | None) -> Iterable[Key]:
        volume = document.obj
        keys = {document.key}
        if old is None and (key := volumes.claim_key_of(volume)) is not None:
            keys.add(key)
        if volumes.class_if_free(volume) and (old is None or not volumes.class_if_free(old.obj)):
            keys.update(self._pending_claims.keys_by_index(_PENDING, volumes.class_of_volume(volume)))
        return keys

    def _keys_of_claim(self, document: Document, old: Document | None) -> Iterable[Key]:
        name = document.obj["spec"].get("volumeName")
        return (document.key, Key("", name)) if name and old is None else (document.key,)

    async def reconcile(self, key: Key) -> After | None:
        if key.namespace:
            claim = self.claims.get(key)
            return await self._sync_claim(claim) if claim is not None else None
        volume = self.volumes.get(key)
        return await self._sync_volume(volume) if volume is not None else None

    # -- claims

    async def _sync_claim(self, claim: Obj) -> After | None:
        keys = (volumes.STORAGE_PROVISIONER, volumes.BETA_STORAGE_PROVISIONER)
        if (annotations := migration_due(claim, keys)) is not None:
            claim = await self._update_claim(
                claim | {"metadata": claim["metadata"] | {"annotations": annotations}}
            )
        decided = self._plan_claim(claim)
        if decided.bind_to is not None:
            await self._bind(decided.bind_to, claim)
            return None
        if decided.default_class:
            await self._update_claim(
                claim | {"spec": claim["spec"] | {"storageClassName": decided.default_class}}
            )
            return None
        is_news = decided.phase != "Lost" or walk(claim, "status", "phase") != "Lost"
        if decided.provisioner:
            claim = await self._set_provisioner(claim, decided.provisioner)
        if decided.phase:
            claim = await self._set_claim_status(claim, decided.phase, None)
        if decided.said is not None and is_news:
            self._say(claim, decided.said)
        if decided.error:
            raise errors.Conflict(decided.error)
        return After(RESYNC_S) if decided.phase != "Lost" else None

    def _plan_claim(self, claim: Obj) -> ClaimPlan:
        name = claim["spec"].get("volumeName")
        if name or volumes.BIND_COMPLETED in annotations_of(claim):
            return plan_claim(claim, named=self.volumes.get(Key("", name)) if name else None)
        key, class_name = objects.key_of(claim), volumes.class_of_claim(claim)
        available = self.volumes.by_index(_AVAILABLE, class_name)
        waiting = [
            pod["metadata"]["name"]
            for pod in self.pods.by_index(POD_CLAIMS, str(key))
            if not pod["spec"].get("nodeName") and not pods.is_terminal(pod)
        ]
        return plan_claim(
            claim,
            named=None,
            candidates=chain(self.volumes.by_index(_BY_CLAIM, str(key)), available),
            storage_class=self.classes.get(Key("", class_name)) if class_name else None,
            default=volumes.default_class(self.classes.list()) if not volumes.has_class(claim) else None,
            waiting=waiting,
        )

    async def _bind(self, volume: Obj, claim: Obj) -> None:
        """Source: bind."""
        if (bound := volumes.bind_volume(volume, claim)) is not None:
            volume = await self._update_volume(bound)
        volume = await self._set_volume_phase(volume, "Bound")
        if (named := claim_bound_to(claim, volume)) is not None:
            claim = await self._update_claim(named)
            self.log.info(
                "claim_bound", object=str(objects.key_of(claim)), volume=volume["metadata"]["name"],
                revision=objects.revision_of(claim),
            )  # fmt: skip
        await self._set_claim_status(claim, "Bound", volume)

    async def _set_provisioner(self, claim: Obj, provisioner: str) -> Obj:
        if annotations_of(claim).get(volumes.STORAGE_PROVISIONER) == provisioner:
            return claim
        annotations = dict.fromkeys(
            (volumes.BETA_STORAGE_PROVISIONER, volumes.STORAGE_PROVISIONER), provisioner
        )
        return await self._update_claim(volumes.annotated(claim, annotations))

    async def _set_claim_status(self, claim: Obj, phase: str, volume: Obj | None) -> Obj:
        status = claim_status(claim, phase, volume)
        return claim if status is None else await self._update_claim(claim | {"status": status}, "status")

    async def _update_claim(self, claim: Obj, subresource: str = "") -> Obj:
        return self.claims.put(
            await self.client.update(PERSISTENT_VOLUME_CLAIMS, claim, subresource=subresource)
        )

    # -- volumes

    async def _sync_volume(self, volume: Obj) -> After | None:
        annotations, finalizers = migration_due(volume, (volumes.PROVISIONED_BY,)), finalizers_due(volume)
        changed = {"annotations": annotations, "finalizers": finalizers}
        due = {key: value for key, value in changed.items() if value is not None}
        if due:
            volume = await self._update_volume(volume | {"metadata": volume["metadata"] | due})
        claim = await self._claim_of(volume)
        decided = plan_volume(volume, claim)
        if decided.said is not None:
            self._say(volume, decided.said)
        if decided.said_to_claim is not None and claim is not None:
            self._say(claim, decided.said_to_claim)
        if decided.wake_claim and claim is not None:
            self.queue.add(objects.key_of(claim))
        if decided.unbind:
            volume = await self._set_volume_phase(await self._update_volume(unbound(volume)), "Available")
        if decided.phase:
            volume = await self._set_volume_phase(volume, decided.phase)
        return await self._reclaim(volume) if decided.reclaim else None

    async def _claim_of(self, volume: Obj) -> Obj | None:
        """What its claimRef means; before a claim is called gone, the server is asked."""
        key = volumes.claim_key_of(volume)
        uid = walk(volume, "spec", "claimRef", "uid")
        if key is None or not uid:
            return None
        claim = self.claims.get(key)
        is_let_go = walk(volume, "status", "phase") in ("Released", "Failed")
        if (claim is None and not is_let_go) or (claim is not None and uid_of(claim) != uid):
            try:
                claim = await self.client.get(PERSISTENT_VOLUME_CLAIMS, key.name, key.namespace)
            except errors.NotFound:
                claim = None
        return claim if claim is not None and uid_of(claim) == uid else None

    async def _reclaim(self, volume: Obj) -> After | None:
        """Source: reclaimVolume, recycleVolumeOperation."""
        if annotations_of(volume).get(MIGRATED_TO):
            return None
        match reclaim_policy(volume):
            case "Recycle" if users := self._users_of(volume):
                self._say(
                    volume, Said(NORMAL, "VolumeFailedRecycle", f"Volume is used by pods: {','.join(users)}")
                )
                return After(RESYNC_S)
            case "Recycle" if "hostPath" in volume["spec"] or "nfs" in volume["spec"]:
                self._say(volume, Said(NORMAL, "VolumeRecycled", "Volume recycled"))
                await self._set_volume_phase(await self._update_volume(unbound(volume)), "Available")
            case "Recycle":
                await self._fail(volume, "VolumeFailedRecycle", "No recycler plugin found for the volume!")
            case "Delete":
                refused = refused_deletion(volume)
                if refused:
                    await self._fail(volume, "VolumeFailedDelete", refused)
                elif refused is not None:
                    await self._delete(volume)
        return None

    def _users_of(self, volume: Obj) -> list[str]:
        """Pods that use the claim it was bound to; one that is there again has another volume. Source: isVolumeUsed."""
        key = volumes.claim_key_of(volume)
        if key is None or self.claims.get(key) is not None:
            return []
        users = self.pods.by_index(POD_CLAIMS, str(key))
        return sorted(str(objects.key_of(pod)) for pod in users if not pods.is_terminal(pod))

    async def _fail(self, volume: Obj, reason: str, message: str) -> None:
        if walk(volume, "status", "phase") != "Failed":
            volume = await self._set_volume_phase(volume, "Failed", message)
            self._say(volume, Said(WARNING, reason, message))

    async def _delete(self, volume: Obj) -> None:
        name = volume["metadata"]["name"]
        if volumes.IN_TREE_DELETION in (volume["metadata"].get("finalizers") or ()):
            volume = await self._update_volume(volumes.without_finalizer(volume, volumes.IN_TREE_DELETION))
        if not objects.is_deleting(volume):
            await self.client.delete(PERSISTENT_VOLUMES, name, uid=uid_of(volume))
            self.log.info("volume_deleted", object=name)

    async def _set_volume_phase(self, volume: Obj, phase: str, message: str = "") -> Obj:
        """Source: updateVolumePhase."""
        before = volume.get("status") or {}
        if before.get("phase") == phase:
            return volume
        status = {k: v for k, v in before.items() if k != "message"} | {"phase": phase}
        if message:
            status["message"] = message
        return await self._update_volume(volume | {"status": status}, "status")

    async def _update_volume(self, volume: Obj, subresource: str = "") -> Obj:
        return self.volumes.put(await self.client.update(PERSISTENT_VOLUMES, volume, subresource=subresource))

    def _say(self, obj: Obj, said: Said) -> None:
        self.events.event(obj, said.type, said.reason, said.message)


# -- indexes ---------------------------------------------------------------------------------------------------


def _class_if_pending(claim: Obj) -> Iterable[str]:
    """Claims that wait for any volume."""
    is_waiting = not claim["spec"].get("volumeName")
    return (volumes.class_of_claim(claim),) if is_waiting else ()
