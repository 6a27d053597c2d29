"""What the pods and volumes of a node refer to, which is what the node may read. Pure.

Source: kubernetes pkg/api/v1/pod/util.go (VisitPodSecretNames, VisitPodConfigmapNames),
pkg/api/v1/persistentvolume/util.go VisitPVSecretNames, plugin/pkg/auth/authorizer/node/graph.go AddPod.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kubepy.api import volumes
from kubepy.api.objects import Obj, annotations_of, walk

MIRROR = "kubernetes.io/config.mirror"


class Reference(NamedTuple):
    resource: str  # "secrets", "persistentvolumeclaims"
    namespace: str
    name: str


def of_pod(pod: Obj) -> frozenset[Reference]:
    """A mirror pod gives its node nothing: the node itself made it."""
    if MIRROR in annotations_of(pod):
        return frozenset()
    namespace = pod["metadata"]["namespace"]
    return frozenset(
        Reference(resource, namespace, name)
        for resource, name in _names(pod)
        if isinstance(name, str) and name
    )


def _names(pod: Obj) -> Iterator[tuple[str, object]]:
    spec = pod["spec"]
    yield "serviceaccounts", spec.get("serviceAccountName")
    for reference in spec.get("imagePullSecrets") or ():
        yield "secrets", reference.get("name")
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(field) or ():
            yield from _of_container(container)
    for volume in spec.get("volumes") or ():
        yield from _of_volume(volume)
        yield "persistentvolumeclaims", volumes.claim_name(pod, volume)
    status = pod.get("status") or {}
    yield from _claims(spec, status)
    yield "resourceclaims", walk(status, "extendedResourceClaimStatus", "resourceClaimName")


def _of_container(container: Obj) -> Iterator[tuple[str, object]]:
    for source in container.get("envFrom") or ():
        yield "secrets", walk(source, "secretRef", "name")
        yield "configmaps", walk(source, "configMapRef", "name")
    for variable in container.get("env") or ():
        yield "secrets", walk(variable, "valueFrom", "secretKeyRef", "name")
        yield "configmaps", walk(variable, "valueFrom", "configMapKeyRef", "name")


_WITH_SECRET_REF = ("cephfs", "cinder", "flexVolume", "rbd", "scaleIO", "iscsi", "storageos")


def _of_volume(volume: Obj) -> Iterator[tuple[str, object]]:
    yield "secrets", walk(volume, "azureFile", "secretName")
    yield "secrets", walk(volume, "secret", "secretName")
    yield "secrets", walk(volume, "csi", "nodePublishSecretRef", "name")
    yield "configmaps", walk(volume, "configMap", "name")
    for kind in _WITH_SECRET_REF:
        yield "secrets", walk(volume, kind, "secretRef", "name")
    for source in walk(volume, "projected", "sources") or ():
        yield "secrets", walk(source, "secret", "name")
        yield "configmaps", walk(source, "configMap", "name")


def _claims(spec: Obj, status: Obj) -> Iterator[tuple[str, object]]:
    """Named ones, and those made from a template once they are. Source: resourceclaim.Name."""
    made = {each["name"]: each.get("resourceClaimName") for each in status.get("resourceClaimStatuses") or ()}
    for claim in spec.get("resourceClaims") or ():
        yield "resourceclaims", claim.get("resourceClaimName") or made.get(claim.get("name"))


def secrets_of_volume(volume: Obj) -> frozenset[Reference]:
    """Of a PersistentVolume: those that a kubelet needs, not those of the volume's controller."""
    return frozenset(
        Reference("secrets", namespace, name) for namespace, name in _of_persistent(volume["spec"]) if name
    )


def _of_persistent(spec: Obj) -> Iterator[tuple[str, str]]:
    claimed = walk(spec, "claimRef", "namespace") or ""
    if azure := spec.get("azureFile"):
        yield azure.get("secretNamespace") or claimed, azure.get("secretName") or ""
    for kind in _WITH_SECRET_REF:
        if ref := walk(spec, kind, "secretRef"):
            # Those two never took the claim's namespace.
            default = "" if kind in ("cinder", "storageos") else claimed
            yield ref.get("namespace") or default, ref.get("name") or ""
    for field in ("nodePublishSecretRef", "nodeStageSecretRef", "nodeExpandSecretRef"):
        if ref := walk(spec, "csi", field):
            yield ref.get("namespace") or "", ref.get("name") or ""
