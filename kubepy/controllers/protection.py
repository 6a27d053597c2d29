"""Claims, volumes and classes of attributes stay while somebody uses them: a finalizer is put on each, and taken off an
object that is being deleted once nobody does.

    PersistentVolumeClaim    used by a pod that has a node, until the pod is gone
    PersistentVolume         used while it is Bound
    VolumeAttributesClass    used while a claim or a volume names it
    PodGroup                 used while a pod that has not ended belongs to it

Watches these kinds and Pods. Writes metadata.finalizers.

Source: kubernetes 1.36 pkg/controller/volume/{pvcprotection,pvprotection,vacprotection}/*.go,
pkg/controller/volume/protectionutil/utils.go, pkg/controller/scheduling/podgroupprotection.
"""

from __future__ import annotations

from collections.abc import Iterable

from kubepy.api import objects, pods, volumes
from kubepy.api.builtins import (
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    POD_GROUPS,
    PODS,
    VOLUME_ATTRIBUTES_CLASSES,
)
from kubepy.api.objects import Document, Key, Obj, walk
from kubepy.api.resources import Resource
from kubepy.client.controller import After, Controller, key_of
from kubepy.controllers.persistent_volume_binder import POD_CLAIMS


def plan(obj: Obj, finalizer: str, *, is_used: bool) -> Obj | None:
    """The object as it should be, None if it is. Source: IsDeletionCandidate, NeedToAddFinalizer."""
    has = finalizer in (obj["metadata"].get("finalizers") or ())
    if objects.is_deleting(obj):
        return volumes.without_finalizer(obj, finalizer) if has and not is_used else None
    return None if has else volumes.with_finalizer(obj, finalizer)


def keeps_claim(pod: Obj, claim: Obj) -> bool:
    """Source: podUsesPVCForDeletion."""
    if not pod["spec"].get("nodeName"):
        return False
    name = claim["metadata"]["name"]
    is_shut_down = objects.is_deleting(pod) and pod["metadata"].get("deletionGracePeriodSeconds") == 0
    return any(
        used == name
        and (not is_ephemeral or (not is_shut_down and volumes.is_claim_for_pod(pod, claim)))
        for used, is_ephemeral in volumes.claims_of_pod(pod)
    )  # fmt: skip


def attributes_classes(obj: Obj) -> Iterable[str]:
    """The classes that a claim or a volume names. Source: getPVCReferencedVACNames, getPVReferencedVACNames."""
    names = (
        obj["spec"].get("volumeAttributesClassName"),
        walk(obj, "status", "currentVolumeAttributesClassName"),
        walk(obj, "status", "modifyVolumeStatus", "targetVolumeAttributesClassName"),
    )
    return [name for name in dict.fromkeys(names) if name]


class _Protection(Controller):
    """What they have in common."""

    resource: Resource
    finalizer = ""
    adds = True  # the finalizer, where it is missing

    async def reconcile(self, key: Key) -> After | None:
        obj = self.protected.get(key)
        is_due = obj is not None and (objects.is_deleting(obj) or self.adds)
        wanted = plan(obj, self.finalizer, is_used=self.is_used(obj)) if obj is not None and is_due else None
        if wanted is not None:
            await self.client.update(self.resource, wanted)
        return None

    def setup(self) -> None:
        self.protected = self.watch(self.resource, key_of, self._is_due)

    def is_used(self, obj: Obj) -> bool:
        raise NotImplementedError

    def _is_due(self, document: Document, old: Document | None) -> bool:
        has = self.finalizer in (document.obj["metadata"].get("finalizers") or ())
        return has == objects.is_deleting(document.obj)


class ClaimProtection(_Protection):
    name = "persistentvolumeclaim-protection-controller"
    resource, finalizer = PERSISTENT_VOLUME_CLAIMS, volumes.CLAIM_PROTECTION

    def setup(self) -> None:
        super().setup()
        self.pods = self.watch(PODS, indexes={POD_CLAIMS: volumes.claim_keys_of_pod})
        self.watch(PODS, self._claims_let_go)

    @objects.about()
    def _claims_let_go(self, document: Document, old: Document | None) -> Iterable[Key]:
        """Of a pod that is gone: only for those can anything have changed."""
        keys = [Key(document.key.namespace, name) for name, _ in volumes.claims_of_pod(document.obj)]
        return keys if keys and old is None and self.pods.document(document.key) is None else ()

    def is_used(self, obj: Obj) -> bool:
        return any(keeps_claim(pod, obj) for pod in self.pods.by_index(POD_CLAIMS, str(objects.key_of(obj))))

    async def reconcile(self, key: Key) -> After | None:
        """Before a claim is let go, the server is asked: a pod may have been bound that has not come here yet."""
        claim = self.protected.get(key)
        if claim is not None and objects.is_deleting(claim) and not self.is_used(claim):
            page = await self.client.list(PODS, key.namespace)
            # Who uses it names it, or owns it; only those are worth decoding.
            owner = objects.controller_of(claim)
            marks = [name.encode() for name in (key.name, (owner or {}).get("name")) if name]
            users = (document for document in page.documents if any(mark in document.raw for mark in marks))
            if any(keeps_claim(document.peek(), claim) for document in users):
                return After(1.0)
        return await super().reconcile(key)


class VolumeProtection(_Protection):
    name = "persistentvolume-protection-controller"
    resource, finalizer = PERSISTENT_VOLUMES, volumes.VOLUME_PROTECTION

    def is_used(self, obj: Obj) -> bool:
        return bool(walk(obj, "status", "phase") == "Bound")


class AttributesClassProtection(_Protection):
    name = "volumeattributesclass-protection-controller"
    resource, finalizer = VOLUME_ATTRIBUTES_CLASSES, volumes.ATTRIBUTES_CLASS_PROTECTION

    def setup(self) -> None:
        super().setup()
        index = {"attributes_class": attributes_classes}
        self.users = [
            self.watch(resource, _classes_let_go, indexes=index)
            for resource in (PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES)
        ]

    def is_used(self, obj: Obj) -> bool:
        name = obj["metadata"]["name"]
        return any(informer.count_by_index("attributes_class", name) for informer in self.users)


def _classes_let_go(document: Document, old: Document | None) -> Iterable[Key]:
    """Those that an object names no more; all of them when it is gone."""
    if old is None:
        return [Key("", name) for name in attributes_classes(document.obj)]
    kept = set(attributes_classes(document.obj))
    return [Key("", name) for name in attributes_classes(old.obj) if name not in kept]


class PodGroupProtection(_Protection):
    """Admission puts the finalizer on; it is only taken off here."""

    name = "podgroup-protection-controller"
    resource, finalizer, adds = POD_GROUPS, pods.POD_GROUP_PROTECTION, False

    def setup(self) -> None:
        super().setup()
        self.pods = self.watch(PODS, _group_let_go, indexes={"active_pod_group": _active_group})

    def is_used(self, obj: Obj) -> bool:
        return bool(self.pods.count_by_index("active_pod_group", str(objects.key_of(obj))))

    def _is_due(self, document: Document, old: Document | None) -> bool:
        return objects.is_deleting(document.obj)


def _group_of(pod: Obj) -> Key | None:
    name = (pod["spec"].get("schedulingGroup") or {}).get("podGroupName")
    return Key(pod["metadata"]["namespace"], name) if name else None


@objects.about("spec.schedulingGroup", "status.phase")
def _active_group(pod: Obj) -> Iterable[str]:
    group = _group_of(pod)
    return () if group is None or pods.is_terminal(pod) else (str(group),)


@objects.about("spec.schedulingGroup", "status.phase")
def _group_let_go(document: Document, old: Document | None) -> Iterable[Key]:
    """By a pod that has ended, or is gone; by one that begins, too, which does no harm."""
    group = _group_of(document.obj)
    has_ended = old is None or pods.is_terminal(document.obj)
    return (group,) if group is not None and has_ended else ()
