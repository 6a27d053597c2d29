"""What claims and volumes say about each other, shared by binder, scheduler and kubelet. Pure.

A claim is *bound* when it names its volume and somebody said so for good (the annotation BIND_COMPLETED); a volume
is bound when its claimRef carries the claim's uid. Either side may be bound beforehand by a person.

Source: component-helpers storage/volume/{helpers,pv_helpers}.go, component-helpers storage/ephemeral/ephemeral.go,
kubernetes pkg/controller/volume/common/common.go, pkg/volume/util/storageclass.go.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from kubepy.api import objects, placement, quantity, selectors
from kubepy.api.objects import Key, Obj, annotations_of
from kubepy.lib.clock import parse_rfc3339

BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
STORAGE_PROVISIONER = "volume.kubernetes.io/storage-provisioner"
BETA_STORAGE_PROVISIONER = "volume.beta.kubernetes.io/storage-provisioner"
STORAGE_RESIZER = "volume.kubernetes.io/storage-resizer"
BETA_CLASS = "volume.beta.kubernetes.io/storage-class"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
BETA_DEFAULT_CLASS = "storageclass.beta.kubernetes.io/is-default-class"
CLAIM_PROTECTION = "kubernetes.io/pvc-protection"
VOLUME_PROTECTION = "kubernetes.io/pv-protection"
ATTRIBUTES_CLASS_PROTECTION = "kubernetes.io/vac-protection"
IN_TREE_DELETION = "kubernetes.io/pv-controller"
NO_PROVISIONER = "kubernetes.io/no-provisioner"
IN_TREE_PREFIX = "kubernetes.io/"
# What the cluster itself makes volumes with: the role that kind gives to rancher.io/local-path.
LOCAL_PROVISIONER = "kubepy.io/local-path"

WAIT_FOR_FIRST_CONSUMER = "WaitForFirstConsumer"
READ_WRITE_ONCE_POD = "ReadWriteOncePod"

# -- classes ---------------------------------------------------------------------------------------------------


def class_of_claim(claim: Obj) -> str:
    """ "" if it has none, or asks for none. Source: GetPersistentVolumeClaimClass."""
    beta = annotations_of(claim).get(BETA_CLASS)
    return beta if beta is not None else (claim["spec"].get("storageClassName") or "")


def has_class(claim: Obj) -> bool:
    """Asking for none, "", is having one. Source: PersistentVolumeClaimHasClass."""
    return BETA_CLASS in annotations_of(claim) or claim["spec"].get("storageClassName") is not None


def class_of_volume(volume: Obj) -> str:
    """Source: GetPersistentVolumeClass."""
    beta = annotations_of(volume).get(BETA_CLASS)
    return beta if beta is not None else (volume["spec"].get("storageClassName") or "")


def default_class(classes: Iterable[Obj]) -> Obj | None:
    """The newest that is marked as default, by name among equals. Source: GetDefaultClass."""
    marked = [
        each
        for each in classes
        if "true" in (annotations_of(each).get(DEFAULT_CLASS), annotations_of(each).get(BETA_DEFAULT_CLASS))
    ]
    return min(
        marked,
        key=lambda each: (-parse_rfc3339(each["metadata"]["creationTimestamp"]), each["metadata"]["name"]),
        default=None,
    )


def waits_for_consumer(storage_class: Obj | None) -> bool:
    """Whether claims of it are bound when a pod is scheduled. Source: IsDelayBindingMode."""
    return storage_class is not None and storage_class.get("volumeBindingMode") == WAIT_FOR_FIRST_CONSUMER


# -- claims of pods --------------------------------------------------------------------------------------------


def claim_name(pod: Obj, volume: Obj) -> str:
    """The claim behind a volume of a pod; "" if there is none. Ephemeral ones are `<pod>-<volume>`."""
    if (source := volume.get("persistentVolumeClaim")) is not None:
        return source.get("claimName") or ""
    if volume.get("ephemeral") is not None:
        return f"{pod['metadata']['name']}-{volume['name']}"
    return ""


def claims_of_pod(pod: Obj) -> Iterator[tuple[str, bool]]:
    """(claim name, is ephemeral) of each volume that has a claim."""
    for volume in pod["spec"].get("volumes") or ():
        if name := claim_name(pod, volume):
            yield name, volume.get("ephemeral") is not None


@objects.about("spec.volumes")
def claim_keys_of_pod(pod: Obj) -> list[str]:
    """As an index of pods: "namespace/claim". Source: PodPVCIndexFunc."""
    namespace = pod["metadata"].get("namespace", "")
    return [f"{namespace}/{name}" for name, _ in claims_of_pod(pod)]


def is_claim_for_pod(pod: Obj, claim: Obj) -> bool:
    """Whether an ephemeral volume's claim belongs to this pod and not to a namesake. Source: VolumeIsForPod."""
    owner = objects.controller_of(claim)
    return owner is not None and owner.get("uid") == objects.uid_of(pod)


def not_for_pod(pod: Obj, claim: Obj) -> str:
    """What to say when it is not. Source: VolumeIsForPod."""
    namespace = claim["metadata"].get("namespace", "")
    return (
        f"PVC {namespace}/{claim['metadata']['name']} was not created for pod "
        f"{namespace}/{pod['metadata']['name']} (pod is not owner)"
    )


# -- claims and volumes ----------------------------------------------------------------------------------------


def requested_bytes(claim: Obj) -> int:
    return quantity.value(objects.walk(claim["spec"], "resources", "requests", "storage") or "0")


def capacity_bytes(volume: Obj) -> int:
    return quantity.value((volume["spec"].get("capacity") or {}).get("storage", "0"))


def is_fully_bound(claim: Obj) -> bool:
    return bool(claim["spec"].get("volumeName")) and BIND_COMPLETED in annotations_of(claim)


def claim_key_of(volume: Obj) -> Key | None:
    """The claim that a volume names."""
    ref = volume["spec"].get("claimRef")
    return Key(ref.get("namespace", ""), ref.get("name", "")) if ref else None


def claim_keys_of_volume(volume: Obj) -> list[str]:
    """As an index of volumes: the claim that it names, "namespace/claim"."""
    key = claim_key_of(volume)
    return [str(key)] if key is not None else []


def class_if_free(volume: Obj) -> list[str]:
    """As an index of volumes: those that are anybody's, by class."""
    is_free = (
        volume["spec"].get("claimRef") is None and objects.walk(volume, "status", "phase") == "Available"
    )
    return [class_of_volume(volume)] if is_free else []


def is_bound_to(volume: Obj, claim: Obj) -> bool:
    """By a person (a claimRef without uid) or completely. Source: IsVolumeBoundToClaim."""
    ref = volume["spec"].get("claimRef")
    if ref is None or claim_key_of(volume) != objects.key_of(claim):
        return False
    return not ref.get("uid") or ref["uid"] == objects.uid_of(claim)


def is_mode_mismatch(claim: Obj, volume: Obj) -> bool:
    """Source: CheckVolumeModeMismatches."""
    return (claim["spec"].get("volumeMode") or "Filesystem") != (
        volume["spec"].get("volumeMode") or "Filesystem"
    )


def has_access_modes(volume: Obj, claim: Obj) -> bool:
    """Source: CheckAccessModes."""
    return set(claim["spec"].get("accessModes") or ()) <= set(volume["spec"].get("accessModes") or ())


def unique_name(source: Obj) -> str:
    """Of a CSI volume, as in node.status.volumesAttached. Source: GetUniqueVolumeName, csi_plugin.go GetVolumeName."""
    return f"kubernetes.io/csi/{source['driver']}^{source['volumeHandle']}"


def attachment_name(source: Obj, node: str) -> str:
    """Of the VolumeAttachment of a CSI volume to a node. Source: csi_attacher.go getAttachmentName."""
    text = f"{source['volumeHandle']}{source['driver']}{node}"
    return f"csi-{hashlib.sha256(text.encode()).hexdigest()}"


def attributes_class(obj: Obj) -> str:
    return obj["spec"].get("volumeAttributesClassName") or ""


def node_affinity(volume: Obj) -> placement.RequiredAffinity | None:
    """From which nodes it can be used, compiled; None: from all."""
    required = objects.walk(volume["spec"], "nodeAffinity", "required")
    return placement.node_selector(required) if required is not None else None


def best_match(
    claim: Obj,
    volumes: Iterable[Obj],
    *,
    reachable: Callable[[Obj], bool] | None = None,
    taken: Collection[str] = (),
    delayed: bool = False,
) -> Obj | None:
    """The volume bound to this claim beforehand, else the smallest that will do.

    reachable: from the node that the claim is to be used on, None where no node is chosen yet: then a `delayed` claim
    gets only what was bound to it beforehand, the rest is the scheduler's to choose. Source: FindMatchingVolume.
    """
    wanted, wanted_class, wanted_attributes = (
        requested_bytes(claim),
        class_of_claim(claim),
        attributes_class(claim),
    )
    selector = claim["spec"].get("selector")
    matches = selectors.from_label_selector(selector).matches if selector is not None else None
    best, best_bytes = None, 0
    for volume in volumes:
        if volume["metadata"]["name"] in taken:
            continue
        is_ours = is_bound_to(volume, claim)
        if volume["spec"].get("claimRef") is not None and not is_ours:
            continue
        size = capacity_bytes(volume)
        if size < wanted or is_mode_mismatch(claim, volume) or objects.is_deleting(volume):
            continue
        if attributes_class(volume) != wanted_attributes:
            continue
        if is_ours:
            return volume if reachable is None or reachable(volume) else None
        if reachable is None and delayed:
            continue
        if objects.walk(volume, "status", "phase") != "Available" or class_of_volume(volume) != wanted_class:
            continue
        if matches is not None and not matches(objects.labels_of(volume)):
            continue
        if reachable is not None and not (reachable(volume) and has_access_modes(volume, claim)):
            continue
        if best is None or size < best_bytes:
            best, best_bytes = volume, size
    return best


def claim_reference(claim: Obj) -> Obj:
    """The claimRef of a volume. Source: reference.GetReference."""
    metadata = claim["metadata"]
    return {
        "kind": "PersistentVolumeClaim",
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "apiVersion": "v1",
        "resourceVersion": metadata["resourceVersion"],
    }


def bind_volume(volume: Obj, claim: Obj) -> Obj | None:
    """The volume with the claim in it, None if it is there already. Source: GetBindVolumeToClaim."""
    ref = volume["spec"].get("claimRef")
    is_prebound = is_bound_to(volume, claim)
    is_complete = is_prebound and ref.get("uid") == objects.uid_of(claim)
    is_marked = is_prebound or BOUND_BY_CONTROLLER in annotations_of(volume)
    if is_complete and is_marked:
        return None
    bound = dict(volume)
    if not is_complete:
        bound["spec"] = volume["spec"] | {"claimRef": claim_reference(claim)}
    if not is_marked:
        bound = annotated(bound, {BOUND_BY_CONTROLLER: "yes"})
    return bound


def annotated(obj: Obj, annotations: Mapping[str, str]) -> Obj:
    """A copy with these annotations too."""
    return obj | {"metadata": obj["metadata"] | {"annotations": annotations_of(obj) | dict(annotations)}}


def with_finalizer(obj: Obj, finalizer: str) -> Obj:
    """A copy that has it."""
    finalizers = obj["metadata"].get("finalizers") or []
    return obj | {"metadata": obj["metadata"] | {"finalizers": [*finalizers, finalizer]}}


def without_finalizer(obj: Obj, finalizer: str) -> Obj:
    """A copy that has it no more."""
    finalizers = obj["metadata"].get("finalizers") or []
    kept = [each for each in finalizers if each != finalizer]
    return obj | {"metadata": obj["metadata"] | {"finalizers": kept}}
