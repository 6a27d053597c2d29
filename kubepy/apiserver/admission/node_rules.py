"""What a node may say of itself and of its mirror pods. Pure; each `*_refusal` is "" when nothing is wrong.

Source: kubernetes plugin/pkg/admission/noderestriction/admission.go, pkg/api/pod/util.go HasAPIObjectReference,
kubelet/pkg/apis/well_known_labels.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kubepy.api.errors import quote
from kubepy.api.objects import Obj, annotations_of, labels_of, owner_references, walk
from kubepy.api.pods import all_containers
from kubepy.apiserver.admission.base import CREATE

MIRROR = "kubernetes.io/config.mirror"

_LABELS = frozenset(
    {
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
        "topology.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region",
        "beta.kubernetes.io/instance-type",
        "node.kubernetes.io/instance-type",
        "kubernetes.io/os",
        "kubernetes.io/arch",
        "beta.kubernetes.io/os",
        "beta.kubernetes.io/arch",
    }
)
_LABEL_DOMAINS = ("kubelet.kubernetes.io", "node.kubernetes.io")
_RESTRICTED_DOMAIN = "node-restriction.kubernetes.io"
_KUBERNETES_DOMAINS = ("kubernetes.io", "k8s.io")


# -- nodes -----------------------------------------------------------------------------------------------------


def node_refusal(node_name: str, operation: str, node: Obj, old: Obj | None) -> str:
    """Why the node must not write this Node, which is its own."""
    who = f"node {quote(node_name)} is not allowed to"
    if operation == CREATE:
        if walk(node, "spec", "configSource") is not None:
            return f"{who} create pods with a non-nil configSource"
        if labels := forbidden_labels(labels_of(node), {}):
            return f"{who} set the following labels: {', '.join(labels)}"
        return ""
    assert old is not None, "there is one on update"
    config = walk(node, "spec", "configSource")
    if config is not None and config != walk(old, "spec", "configSource"):
        return f"{who} update configSource to a new non-nil configSource"
    if (walk(node, "spec", "taints") or []) != (walk(old, "spec", "taints") or []):
        return f"{who} modify taints"
    if owner_references(node) != owner_references(old):
        return f"{who} modify ownerReferences"
    if labels := forbidden_labels(labels_of(node), labels_of(old)):
        return f"is not allowed to modify labels: {', '.join(labels)}"
    return ""


def forbidden_labels(labels: Mapping[str, str], old: Mapping[str, str]) -> list[str]:
    """Labels that changed and that a node must not change: those that steer workloads to it."""
    changed = {key for key in labels.keys() | old.keys() if labels.get(key) != old.get(key)}
    return sorted(key for key in changed if _is_forbidden(key))


def _is_forbidden(label: str) -> bool:
    domain, slash, _ = label.partition("/")
    if not slash:
        return False
    if _is_within(domain, _RESTRICTED_DOMAIN):
        return True
    is_kubernetes = any(_is_within(domain, each) for each in _KUBERNETES_DOMAINS)
    is_kubelets = label in _LABELS or any(_is_within(domain, each) for each in _LABEL_DOMAINS)
    return is_kubernetes and not is_kubelets


def _is_within(domain: str, of: str) -> bool:
    return domain == of or domain.endswith(f".{of}")


# -- pods ------------------------------------------------------------------------------------------------------


def mirror_pod_refusal(node_name: str, pod: Obj) -> str:
    """Why the node must not create this pod; whether its owner is there is not looked at here."""
    node = f"node {quote(node_name)}"
    if MIRROR not in annotations_of(pod):
        return f"pod does not have {quote(MIRROR)} annotation, {node} can only create mirror pods"
    if pod["spec"].get("nodeName", "") != node_name:
        return f"{node} can only create pods with spec.nodeName set to itself"
    owners = owner_references(pod)
    if len(owners) > 1:
        return f"{node} can only create pods with a single owner reference set to itself"
    owner = owners[0] if owners else {}
    if (owner.get("apiVersion"), owner.get("kind"), owner.get("name")) != ("v1", "Node", node_name):
        return f"{node} can only create pods with an owner reference set to itself"
    if not owner.get("controller"):
        return f"{node} can only create pods with a controller owner reference set to itself"
    if owner.get("blockOwnerDeletion"):
        return f"{node} must not set blockOwnerDeletion on an owner reference"
    return ""


def reference_refusal(node_name: str, pod: Obj) -> str:
    """Mirror pods refer to nothing in the API: a node could read by them what it may not."""
    what = next(_references(pod["spec"]), "")
    if what.startswith("unknown "):
        return f"error checking mirror pod for API references: {what}"
    return f"node {quote(node_name)} can not create pods that reference {what}" if what else ""


_REFERRING_VOLUMES = {
    "configMap": "configmaps (via configmap volumes)",
    "secret": "secrets (via secret volumes)",
    "csi": "csidrivers (via CSI volumes)",
    "glusterfs": "endpoints (via glusterFS volumes)",
    "persistentVolumeClaim": "persistentvolumeclaims",
    "ephemeral": "persistentvolumeclaims (via ephemeral volumes)",
    "azureFile": "secrets (via azureFile volumes)",
}
_REFERRING_SOURCES = {
    "configMap": "configmaps (via projected volumes)",
    "secret": "secrets (via projected volumes)",
    "serviceAccountToken": "serviceaccounts (via projected volumes)",
    "clusterTrustBundle": "clustertrustbundles",
    "podCertificate": "podcertificates",
    "downwardAPI": "",
}
_WITH_SECRET_REF = ("cephfs", "cinder", "flexVolume", "rbd", "scaleIO", "iscsi", "storageos")
_PLAIN_VOLUMES = (
    *_WITH_SECRET_REF, "awsElasticBlockStore", "azureDisk", "downwardAPI", "emptyDir", "fc", "flocker",
    "gcePersistentDisk", "gitRepo", "hostPath", "image", "nfs", "photonPersistentDisk", "portworxVolume", "quobyte",
    "vsphereVolume",
)  # fmt: skip


def _references(spec: Obj) -> Iterator[str]:
    """What a pod refers to, in the order upstream looks."""
    volumes = spec.get("volumes") or ()
    if spec.get("serviceAccountName"):
        yield "serviceaccounts"
    if refers_to_secrets(spec):
        yield "secrets"
    if _is_read(spec, "configMapRef", "configMapKeyRef") or any(_config_names(volume) for volume in volumes):
        yield "configmaps"
    if spec.get("resourceClaims"):
        yield "resourceclaims"
    for volume in volumes:
        yield from _volume_references(volume)


def refers_to_secrets(spec: Obj) -> bool:
    """Source: podutil.VisitPodSecretNames."""
    return (
        bool(spec.get("imagePullSecrets"))
        or _is_read(spec, "secretRef", "secretKeyRef")
        or any(_secret_names(volume) for volume in spec.get("volumes") or ())
    )


def _is_read(spec: Obj, of_all: str, of_one: str) -> bool:
    """Whether a container takes its environment from such an object."""
    return any(
        any(source.get(of_all) is not None for source in container.get("envFrom") or ())
        or any(walk(each, "valueFrom", of_one) is not None for each in container.get("env") or ())
        for container in all_containers(spec)
    )


def _secret_names(volume: Obj) -> bool:
    return (
        any(volume.get(kind) is not None for kind in ("secret", "azureFile"))
        or any(walk(volume, kind, "secretRef") is not None for kind in _WITH_SECRET_REF)
        or walk(volume, "csi", "nodePublishSecretRef") is not None
        or any(source.get("secret") is not None for source in walk(volume, "projected", "sources") or ())
    )


def _config_names(volume: Obj) -> bool:
    sources = walk(volume, "projected", "sources") or ()
    return volume.get("configMap") is not None or any(
        source.get("configMap") is not None for source in sources
    )


def _volume_references(volume: Obj) -> Iterator[str]:
    if volume.get("projected") is not None:
        for source in volume["projected"].get("sources") or ():
            kind = next((kind for kind in _REFERRING_SOURCES if source.get(kind) is not None), None)
            if kind is None:
                yield f"unknown source for projected volume {quote(volume['name'])}"
            elif _REFERRING_SOURCES[kind]:
                yield _REFERRING_SOURCES[kind]
        return
    kind = next((kind for kind in _REFERRING_VOLUMES if volume.get(kind) is not None), None)
    if kind is not None:
        yield _REFERRING_VOLUMES[kind]
    elif not any(volume.get(kind) is not None for kind in _PLAIN_VOLUMES):
        yield f"unknown volume type for volume  {quote(volume['name'])}"


def pod_status_refusal(node_name: str, pod: Obj, old: Obj) -> str:
    node = f"node {quote(node_name)}"
    if old["spec"].get("nodeName", "") != node_name:
        return f"{node} can only update pod status for pods with spec.nodeName set to itself"
    if labels_of(pod) != labels_of(old):
        return f"{node} cannot update labels through pod status"
    status, before = pod.get("status") or {}, old.get("status") or {}
    if _claims(status) != _claims(before):
        return f"{node} cannot update resource claim statues"
    if status.get("extendedResourceClaimStatus") != before.get("extendedResourceClaimStatus"):
        return f"{node} cannot update extended resource claim status"
    return ""


def _claims(status: Obj) -> list[tuple[str, str | None]]:
    return [
        (each["name"], each.get("resourceClaimName")) for each in status.get("resourceClaimStatuses") or ()
    ]


# -- claims ----------------------------------------------------------------------------------------------------

_CLAIM_STATUS = ("capacity", "conditions", "allocatedResourceStatuses", "allocatedResources")


def claim_status_refusal(node_name: str, claim: Obj, old: Obj) -> str:
    """Upstream adds what differs, in the notation of its diff library."""
    if _beside_growth(claim) == _beside_growth(old):
        return ""
    return f"node {quote(node_name)} is not allowed to update fields other than status.quantity and status.conditions"


def _beside_growth(claim: Obj) -> tuple[Obj, Obj, Obj]:
    metadata = {k: v for k, v in claim["metadata"].items() if k not in ("resourceVersion", "managedFields")}
    status = {k: v for k, v in (claim.get("status") or {}).items() if k not in _CLAIM_STATUS}
    return metadata, claim.get("spec") or {}, status
