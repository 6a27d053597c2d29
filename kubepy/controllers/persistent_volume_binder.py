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

import re
from collections.abc import Iterable, Sequence
from itertools import chain

from msgspec import Struct

from kubepy.api import errors, objects, pods, volumes
from kubepy.api.builtins import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS, STORAGE_CLASSES
from kubepy.api.objects import Document, Key, Obj, annotations_of, uid_of, walk
from kubepy.client.controller import After, Controller
from kubepy.client.events import NORMAL, WARNING
from kubepy.client.informer import Informer

# Source: pkg/controller/volume/persistentvolume/config, PVClaimBinderSyncPeriod.
RESYNC_S = 15.0
POD_CLAIMS = "claims"
MIGRATED_TO = "pv.kubernetes.io/migrated-to"
# Held by CSI's external-provisioner. Source: component-helpers storage/volume/helpers.go.
EXTERNAL_DELETION = "external-provisioner.volume.kubernetes.io/finalizer"
PRE_RESIZE_CAPACITY = "volume.alpha.kubernetes.io/pre-resize-capacity"

# In-tree provisioners whose work CSI drivers do. Source: csi-translation-lib plugins/*.go.
MIGRATED = {
    "kubernetes.io/aws-ebs": "ebs.csi.aws.com",
    "kubernetes.io/azure-disk": "disk.csi.azure.com",
    "kubernetes.io/azure-file": "file.csi.azure.com",
    "kubernetes.io/cinder": "cinder.csi.openstack.org",
    "kubernetes.io/gce-pd": "pd.csi.storage.gke.io",
    "kubernetes.io/portworx-volume": "pxd.portworx.com",
    "kubernetes.io/vsphere-volume": "csi.vsphere.vmware.com",
}
_MIGRATED_SOURCES = (
    "awsElasticBlockStore", "azureDisk", "azureFile", "cinder", "gcePersistentDisk", "portworxVolume", "vsphereVolume",
)  # fmt: skip
_BY_CLAIM, _AVAILABLE, _PENDING = "claim", "available_of_class", "pending_of_class"


class Said(Struct, frozen=True):
    """An event to record."""

    type: str
    reason: str
    message: str


class ClaimPlan(Struct, frozen=True):
    """At most one of bind_to, phase, default_class, provisioner is to be acted on."""

    bind_to: Obj | None = None  # the volume
    phase: str = ""  # of a claim without a volume
    default_class: str = ""  # the name of the class it is to have from now on
    provisioner: str = ""  # whose turn it is
    said: Said | None = None
    error: str = ""  # try again later


class VolumePlan(Struct, frozen=True):
    phase: str = ""
    unbind: bool = False
    reclaim: bool = False
    wake_claim: bool = False
    said: Said | None = None
    said_to_claim: Said | None = None


# -- claims: what is to be done --------------------------------------------------------------------------------


def plan_claim(
    claim: Obj,
    *,
    named: Obj | None,
    candidates: Iterable[Obj] = (),
    storage_class: Obj | None = None,
    default: Obj | None = None,
    waiting: Sequence[str] = (),
) -> ClaimPlan:
    """`named`: the volume in spec.volumeName, if it exists; `candidates`: volumes that may be bound to it; `default`:
    the default class; `waiting`: pods that use the claim and have no node. Source: syncClaim."""
    if volumes.BIND_COMPLETED in annotations_of(claim):
        return _plan_bound(claim, named)
    if claim["spec"].get("volumeName"):
        return _plan_prebound(claim, named)
    delayed = volumes.waits_for_consumer(storage_class)
    found = find_match(claim, candidates, delayed=delayed)
    if found is not None:
        return ClaimPlan(bind_to=found)
    if default is not None and not volumes.has_class(claim):
        return ClaimPlan(default_class=default["metadata"]["name"])
    if delayed and volumes.SELECTED_NODE not in annotations_of(claim):
        return ClaimPlan(phase="Pending", said=_waits(waiting))
    if name := volumes.class_of_claim(claim):
        return _plan_provision(name, storage_class)
    why = "no persistent volumes available for this claim and no storage class is set"
    return ClaimPlan(phase="Pending", said=Said(NORMAL, "FailedBinding", why))


def _plan_bound(claim: Obj, named: Obj | None) -> ClaimPlan:
    """Source: syncBoundClaim."""
    if not claim["spec"].get("volumeName"):
        why = "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!"
        return ClaimPlan(phase="Lost", said=Said(WARNING, "ClaimLost", why))
    if named is None:
        why = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
        return ClaimPlan(phase="Lost", said=Said(WARNING, "ClaimLost", why))
    ref = named["spec"].get("claimRef")
    if ref is None or ref.get("uid", "") == uid_of(claim):
        return ClaimPlan(bind_to=named)
    why = "Two claims are bound to the same volume, this one is bound incorrectly"
    return ClaimPlan(phase="Lost", said=Said(WARNING, "ClaimMisbound", why))


def _plan_prebound(claim: Obj, named: Obj | None) -> ClaimPlan:
    """The claim asks for this very volume. Source: syncUnboundClaim."""
    if named is None:
        return ClaimPlan(phase="Pending")
    name = named["metadata"]["name"]
    if named["spec"].get("claimRef") is None:
        if not (why := unfit(named, claim)):
            return ClaimPlan(bind_to=named)
        message = f'Cannot bind to requested volume "{name}": {why}'
        return ClaimPlan(phase="Pending", said=Said(WARNING, "VolumeMismatch", message))
    if volumes.is_bound_to(named, claim):
        return ClaimPlan(bind_to=named)
    said = Said(WARNING, "FailedBinding", f'volume "{name}" already bound to a different claim.')
    if volumes.BOUND_BY_CONTROLLER not in annotations_of(claim):
        return ClaimPlan(phase="Pending", said=said)
    return ClaimPlan(
        said=said,
        error=f'invalid binding of claim "{objects.key_of(claim)}" to volume "{name}": volume already claimed by '
        f'"{volumes.claim_key_of(named)}"',
    )


def unfit(volume: Obj, claim: Obj) -> str:
    """Why this volume cannot be the claim's, "" if it can. Source: checkVolumeSatisfyClaim."""
    if objects.is_deleting(volume):
        return f'the volume is marked for deletion "{volume["metadata"]["name"]}"'
    if volumes.capacity_bytes(volume) < volumes.requested_bytes(claim):
        return "requested PV is too small"
    if volumes.class_of_volume(volume) != volumes.class_of_claim(claim):
        return "storageClassName does not match"
    if volumes.attributes_class(volume) != volumes.attributes_class(claim):
        return "volumeAttributesClassName does not match"
    if volumes.is_mode_mismatch(claim, volume):
        return "incompatible volumeMode"
    return "" if volumes.has_access_modes(volume, claim) else "incompatible accessMode"


def find_match(claim: Obj, candidates: Iterable[Obj], *, delayed: bool) -> Obj | None:
    """The best of those with the fewest access modes beyond what is asked. Source: index.go findByClaim."""
    groups: dict[tuple[str, ...], list[Obj]] = {}
    for volume in candidates:
        if volumes.has_access_modes(volume, claim):
            groups.setdefault(tuple(sorted(volume["spec"].get("accessModes") or ())), []).append(volume)
    for modes in sorted(groups, key=len):
        if (found := volumes.best_match(claim, groups[modes], delayed=delayed)) is not None:
            return found
    return None


def _waits(pods_: Sequence[str]) -> Said:
    """Source: emitEventForUnboundDelayBindingClaim."""
    if not pods_:
        why = "waiting for first consumer to be created before binding"
        return Said(NORMAL, "WaitForFirstConsumer", why)
    what = f"pods {','.join(pods_)}" if len(pods_) > 1 else f"pod {pods_[0]}"
    return Said(NORMAL, "WaitForPodScheduled", f"waiting for {what} to be scheduled")


def _plan_provision(name: str, storage_class: Obj | None) -> ClaimPlan:
    """Source: provisionClaim, provisionClaimOperationExternal."""
    if storage_class is None:
        return ClaimPlan(
            said=Said(WARNING, "ProvisioningFailed", f'storageclass.storage.k8s.io "{name}" not found')
        )
    provisioner: str = storage_class["provisioner"]
    provisioner = MIGRATED.get(provisioner, provisioner)
    if provisioner.startswith(volumes.IN_TREE_PREFIX):
        return ClaimPlan(
            said=Said(WARNING, "ProvisioningFailed", f"no volume plugin matched name: {provisioner}")
        )
    message = (
        f"Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the "
        "system administrator. If volume creation is delayed, please verify that the provisioner is running and "
        "correctly registered."
    )
    return ClaimPlan(provisioner=provisioner, said=Said(NORMAL, "ExternalProvisioning", message))


# -- claims: how it is done ------------------------------------------------------------------------------------


def claim_bound_to(claim: Obj, volume: Obj) -> Obj | None:
    """The claim with the volume in it, None if it is there already. Source: bindClaimToVolume."""
    annotations: dict[str, str] = {}
    name = volume["metadata"]["name"]
    if claim["spec"].get("volumeName") != name:
        claim = claim | {"spec": claim["spec"] | {"volumeName": name}}
        annotations[volumes.BOUND_BY_CONTROLLER] = "yes"
    if volumes.BIND_COMPLETED not in annotations_of(claim):
        annotations[volumes.BIND_COMPLETED] = "yes"
    return volumes.annotated(claim, annotations) if annotations else None


def claim_status(claim: Obj, phase: str, volume: Obj | None) -> Obj | None:
    """The status it should have, None if it has it. Source: updateClaimStatus."""
    before = claim.get("status") or {}
    status = before | {"phase": phase}
    if volume is None:
        for field in ("accessModes", "capacity", "currentVolumeAttributesClassName"):
            status.pop(field, None)
        return status if status != before else None
    status["accessModes"] = volume["spec"].get("accessModes") or []
    # Once bound, the capacity is whose business resizing is.
    if before.get("phase") != phase:
        capacity = volume["spec"].get("capacity") or {}
        if (was := annotations_of(volume).get(PRE_RESIZE_CAPACITY)) is not None:
            capacity = (before.get("capacity") or {}) | {"storage": was}
        status["capacity"] = capacity
    if before.get("phase") == "Pending" and phase == "Bound":
        status.pop("currentVolumeAttributesClassName", None)
        if (name := volume["spec"].get("volumeAttributesClassName")) is not None:
            status["currentVolumeAttributesClassName"] = name
    return status if status != before else None


# -- volumes ---------------------------------------------------------------------------------------------------


def plan_volume(volume: Obj, claim: Obj | None) -> VolumePlan:
    """`claim`: the one that its claimRef means (by uid), None if that is gone. Source: syncVolume."""
    ref = volume["spec"].get("claimRef")
    if ref is None or not ref.get("uid"):
        return VolumePlan(phase="Available")
    is_let_go = walk(volume, "status", "phase") in ("Released", "Failed")
    released = VolumePlan(phase="" if is_let_go else "Released", reclaim=True)
    name = volume["metadata"]["name"]
    if claim is None:
        return released
    if not claim["spec"].get("volumeName"):
        if not volumes.is_mode_mismatch(claim, volume):
            return VolumePlan(wake_claim=True)
        claim_name = claim["metadata"]["name"]
        return VolumePlan(
            said=Said(
                WARNING,
                "VolumeMismatch",
                f'Cannot bind PersistentVolume to requested PersistentVolumeClaim "{claim_name}" due to incompatible '
                "volumeMode.",
            ),
            said_to_claim=Said(
                WARNING,
                "VolumeMismatch",
                f'Cannot bind PersistentVolume "{name}" to requested PersistentVolumeClaim due to incompatible '
                "volumeMode.",
            ),
        )
    if claim["spec"]["volumeName"] == name:
        return VolumePlan(phase="Bound")
    # Made for a claim that took another: nobody will ever want it.
    if volumes.PROVISIONED_BY in annotations_of(volume) and reclaim_policy(volume) == "Delete":
        return released
    return VolumePlan(unbind=True)


def unbound(volume: Obj) -> Obj:
    """Free again; what a person had written into it stays, but for the uid. Source: unbindVolume."""
    spec, metadata = dict(volume["spec"]), dict(volume["metadata"])
    if volumes.BOUND_BY_CONTROLLER in annotations_of(volume):
        del spec["claimRef"]
        annotations = annotations_of(volume)
        metadata["annotations"] = {k: v for k, v in annotations.items() if k != volumes.BOUND_BY_CONTROLLER}
    else:
        spec["claimRef"] = {k: v for k, v in spec["claimRef"].items() if k != "uid"}
    return volume | {"metadata": metadata, "spec": spec}


def reclaim_policy(volume: Obj) -> str:
    return volume["spec"].get("persistentVolumeReclaimPolicy") or "Retain"


def refused_deletion(volume: Obj) -> str | None:
    """None: somebody else deletes it; "": it can be deleted here; else why that fails.

    Source: findDeletablePlugin, pkg/volume/hostpath/host_path.go Delete, pkg/volume/plugins.go FindDeletable*.
    """
    spec = volume["spec"]
    provisioner = annotations_of(volume).get(volumes.PROVISIONED_BY, "")
    if provisioner:
        if not provisioner.startswith(volumes.IN_TREE_PREFIX) or provisioner in MIGRATED:
            return None
        return f"no volume plugin matched name: {provisioner}"
    if "csi" in spec or any(source in spec for source in _MIGRATED_SOURCES):
        return None
    if (source := spec.get("hostPath")) is None:
        why = (
            "no deletable volume plugin matched"
            if "nfs" in spec or "local" in spec
            else "no volume plugin matched"
        )
        return f'error getting deleter volume plugin for volume "{volume["metadata"]["name"]}": {why}'
    if not re.search("/tmp/.+", source["path"]):
        return f"host_path deleter only supports /tmp/.+ but received provided {source['path']}"
    return ""


def finalizers_due(volume: Obj) -> list[str] | None:
    """What holds a volume of an in-tree provisioner until its disk is gone. Source: modifyDeletionFinalizers."""
    provisioner = annotations_of(volume).get(volumes.PROVISIONED_BY, "")
    if not provisioner.startswith(volumes.IN_TREE_PREFIX):
        return None
    before = volume["metadata"].get("finalizers") or []
    is_migrated = provisioner in MIGRATED
    wanted = not is_migrated and reclaim_policy(volume) == "Delete"
    dropped = (volumes.IN_TREE_DELETION,) if is_migrated else (volumes.IN_TREE_DELETION, EXTERNAL_DELETION)
    due = [each for each in before if each not in dropped]
    due += [volumes.IN_TREE_DELETION] if wanted else []
    return due if set(due) != set(before) else None


def migration_due(obj: Obj, provisioner_keys: Sequence[str]) -> dict[str, str] | None:
    """The annotations of a claim or volume, with the CSI driver that does the work of its in-tree provisioner; None if
    they say so already. Source: updateMigrationAnnotations."""
    before = annotations_of(obj)
    provisioner = next((before[key] for key in provisioner_keys if key in before), None)
    if provisioner is None or (driver := MIGRATED.get(provisioner, "")) == before.get(MIGRATED_TO, ""):
        return None
    kept = {key: value for key, value in before.items() if key != MIGRATED_TO}
    return kept | ({MIGRATED_TO: driver} if driver else {})


# -- acting ----------------------------------------------------------------------------------------------------


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
