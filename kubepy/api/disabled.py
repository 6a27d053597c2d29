"""Fields of features that are off by default and cannot be turned on here: Kubernetes reads them, says nothing, and
drops them before it validates.

As far as objects go that is a default like others, and schema.py applies it with them: what is sent in such a field is
gone. What upstream keeps for objects that had the field before the feature was turned off cannot be here.

Not here: scheduling.k8s.io's pod groups, which can be turned on (enablement.py).
Differs: versions before the newest had some other features off; but for what `_ON_SINCE` names they are on in all
versions here.

Source: the dropDisabledFields of pkg/api/*/util.go and pkg/registry/**/strategy.go; what is off: pkg/features/
kube_features.go, and of 1.37 the descriptions of its fields and CHANGELOG-1.37.md.
"""

from __future__ import annotations

from collections.abc import Mapping

_DEVICES = """
DeviceAttribute bools ints strings versions
DeviceCounterConsumption compatibilityGroups
DeviceRequestAllocationResult skipNodeOperations
DeviceSubRequest derivedAttributes
ResourceSliceSpec skipNodeOperations
"""

# group and version -> definition and its fields
_FIELDS = {
    "coordination.v1": "LeaseSpec strategy preferredHolder",
    "core.v1": """
        ClusterTrustBundleProjection user
        ConfigMapVolumeSource defaultUser
        DownwardAPIVolumeFile user
        DownwardAPIVolumeSource defaultUser
        EmptyDirVolumeSource mode
        KeyToPath user
        Lifecycle stopSignal
        NodeSpec podPreemptionPolicy
        PodCertificateProjection user
        PodSpec evictionResponders
        PodStatus nodeAllocatableResourceClaimStatuses
        ProjectedVolumeSource defaultUser
        SecretVolumeSource defaultUser
        ServiceAccountTokenProjection user
        VolumeMount bindMountOptions
    """,
    "resource.v1": f"{_DEVICES} ExactDeviceRequest derivedAttributes",
    "resource.v1beta1": f"{_DEVICES} DeviceRequest derivedAttributes",
    "resource.v1beta2": f"{_DEVICES} ExactDeviceRequest derivedAttributes",
}

# "io.k8s.api.core.v1.Lifecycle" -> ("stopSignal",)
FIELDS: Mapping[str, tuple[str, ...]] = {
    f"io.k8s.api.{version}.{definition}": tuple(fields)
    for version, lines in _FIELDS.items()
    for definition, *fields in (line.split() for line in lines.strip().splitlines())
}

# definition -> field -> the minor version since which its feature is on
_ON_SINCE = {
    "io.k8s.api.apps.v1.RollingUpdateStatefulSetStrategy": {"maxUnavailable": 37},
    "io.k8s.api.storage.v1.CSIDriverSpec": {"preventPodSchedulingIfMissing": 37},
}


def fields_of(definition: str, minor: int) -> tuple[str, ...]:
    """What is dropped there in version 1.`minor`."""
    later = (field for field, since in _ON_SINCE.get(definition, {}).items() if minor < since)
    return (*FIELDS.get(definition, ()), *later)
