"""How often, and how, upstream looks at the metadata of each kind.

On an update the API server's own look comes first, for all kinds; then comes the kind's validation, which looks again,
once or twice, mostly through pkg/apis/core, which adds that a finalizer without a domain must be a standard one. What
is wrong is listed in a Status as often as it was found.

    u  the changes, and the finalizers' domains     U  the changes
    F  the whole, and the finalizers' domains       G  the whole

Source: kubernetes pkg/apis/*/validation, pkg/registry/*/*/strategy.go ValidateUpdate.
"""

from __future__ import annotations

_DEFAULT = "u"
_DOMAINS = frozenset("uF")
_ADMISSION, _STORAGE, _RBAC = "admissionregistration.k8s.io", "storage.k8s.io", "rbac.authorization.k8s.io"

# (group, kind) -> the looks of an update. Which of two comes first shows only where both find something.
_UPDATE: dict[tuple[str, str], str] = {
    ("", "ConfigMap"): "uF",
    ("", "Endpoints"): "uF",
    ("", "Event"): "",
    ("", "LimitRange"): "F",
    ("", "Namespace"): "Fu",
    ("", "Node"): "Fu",
    ("", "PersistentVolume"): "FF",
    ("", "PersistentVolumeClaim"): "uF",
    ("", "Pod"): "uF",
    ("", "Secret"): "uF",
    ("", "ServiceAccount"): "uF",
    ("batch", "Job"): "Fu",
    ("policy", "PodDisruptionBudget"): "",
    ("networking.k8s.io", "Ingress"): "uF",
    ("networking.k8s.io", "IngressClass"): "uF",
    ("networking.k8s.io", "IPAddress"): "Fu",
    (_RBAC, "ClusterRole"): "Fu",
    (_RBAC, "ClusterRoleBinding"): "Fu",
    (_RBAC, "Role"): "Fu",
    (_RBAC, "RoleBinding"): "Fu",
    (_STORAGE, "CSIStorageCapacity"): "Fu",
    (_STORAGE, "StorageClass"): "Fu",
    (_STORAGE, "VolumeAttributesClass"): "Fu",
    ("certificates.k8s.io", "CertificateSigningRequest"): "Fu",
    ("resource.k8s.io", "DeviceClass"): "Fu",
    ("resource.k8s.io", "ResourceClaim"): "Fu",
    ("node.k8s.io", "RuntimeClass"): "UG",
    ("apiregistration.k8s.io", "APIService"): "UG",
    ("apiextensions.k8s.io", "CustomResourceDefinition"): "U",
    ("coordination.k8s.io", "Lease"): "U",
    ("discovery.k8s.io", "EndpointSlice"): "F",
    ("flowcontrol.apiserver.k8s.io", "FlowSchema"): "F",
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"): "F",
    (_STORAGE, "CSINode"): "F",
    (_STORAGE, "VolumeAttachment"): "F",
    (_ADMISSION, "MutatingAdmissionPolicy"): "G",
    (_ADMISSION, "MutatingAdmissionPolicyBinding"): "G",
    (_ADMISSION, "MutatingWebhookConfiguration"): "G",
    (_ADMISSION, "ValidatingAdmissionPolicy"): "G",
    (_ADMISSION, "ValidatingAdmissionPolicyBinding"): "G",
    (_ADMISSION, "ValidatingWebhookConfiguration"): "G",
}
_SUBRESOURCE: dict[tuple[str, str], str] = {
    (_ADMISSION, "ValidatingAdmissionPolicy"): "",
    (_STORAGE, "VolumeAttachment"): "F",
    ("", "Event"): "",
    ("policy", "PodDisruptionBudget"): "",
    ("batch", "CronJob"): "",
    ("certificates.k8s.io", "CertificateSigningRequest"): "Fu",
    ("apiextensions.k8s.io", "CustomResourceDefinition"): "U",
}


# Of a pod, judged as an update of it.
_AS_A_WHOLE = ("ephemeralcontainers", "resize")


def of_update(group: str, kind: str, subresource: str) -> str | None:
    """None: nobody looks, the API server neither."""
    if subresource == "binding":
        return None
    if subresource in _AS_A_WHOLE:
        subresource = ""
    return (_SUBRESOURCE if subresource else _UPDATE).get((group, kind), _DEFAULT)


def is_last(group: str, kind: str) -> bool:
    """Whether the kind's own validation does not look at all: then the API server's comes when it has found nothing."""
    return _UPDATE.get((group, kind)) == ""


def wants_domains(group: str, kind: str) -> bool:
    """Whether a finalizer needs a domain when an object is created."""
    return not _DOMAINS.isdisjoint(of_update(group, kind, "") or "")
