"""Go's internal structs, for the texts that print one.

Validation upstream works on the internal form of an object and shows it as Go's JSON does that knows no field tags:
capitalised names, every field in the struct's order, null for what is not set. `of("Taint", taint)` makes that form of
a versioned struct; `errors.invalid_value(path, internals.of(...), why)` then reads as upstream's.

One line per struct, one word per field: the Go name, `=json name` where it is not the Go name with a small first
letter, and what the field holds:

    (nothing) a string   # a number   ? a boolean   % a quantity   * null unless set
    :T a struct   *T a pointer to one   [T a list of them   ~ left out unless set, ~[T the same for a list
    ^ metadata, whose fields appear among the others, as JSON calls them, unless empty

Not here: structs that no text prints.
Source: kubernetes 1.36 pkg/apis/{core,apps,batch,rbac,resource,storage,networking}/types.go;
pkg/apis/core/v1/conversion.go for what moves.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

from kubepy.api.objects import Obj

_TABLE = """
AWSElasticBlockStoreVolumeSource VolumeID FSType=fsType Partition# ReadOnly?
Affinity NodeAffinity*NodeAffinity PodAffinity*PodAffinity PodAntiAffinity*PodAntiAffinity
AllocationResult Devices:DeviceAllocationResult NodeSelector*NodeSelector AllocationTimestamp*
AppArmorProfile Type LocalhostProfile*
AzureDiskVolumeSource DiskName DataDiskURI=diskURI CachingMode* FSType=fsType* ReadOnly* Kind*
AzureFilePersistentVolumeSource SecretName ShareName ReadOnly? SecretNamespace*
AzureFileVolumeSource SecretName ShareName ReadOnly?
CELDeviceSelector Expression
CSINodeDriver Name NodeID TopologyKeys* Allocatable*VolumeNodeResources
CSIPersistentVolumeSource Driver VolumeHandle ReadOnly? FSType=fsType VolumeAttributes* ControllerPublishSecretRef*SecretReference NodeStageSecretRef*SecretReference NodePublishSecretRef*SecretReference ControllerExpandSecretRef*SecretReference NodeExpandSecretRef*SecretReference
CSIVolumeSource Driver ReadOnly* FSType=fsType* VolumeAttributes* NodePublishSecretRef*LocalObjectReference
Capabilities Add* Drop*
CapacityRequirements Requests*
CephFSPersistentVolumeSource Monitors* Path User SecretFile SecretRef*SecretReference ReadOnly?
CephFSVolumeSource Monitors* Path User SecretFile SecretRef*LocalObjectReference ReadOnly?
CinderPersistentVolumeSource VolumeID FSType=fsType ReadOnly? SecretRef*SecretReference
CinderVolumeSource VolumeID FSType=fsType ReadOnly? SecretRef*LocalObjectReference
ClientIPConfig TimeoutSeconds*
ClusterTrustBundleProjection Name* SignerName* LabelSelector*LabelSelector Optional* Path
ConfigMapEnvSource Name Optional*
ConfigMapKeySelector Name Key Optional*
ConfigMapNodeConfigSource Namespace Name UID=uid ResourceVersion KubeletConfigKey
ConfigMapProjection Name Items[KeyToPath Optional*
ConfigMapVolumeSource Name Items[KeyToPath DefaultMode* Optional*
Container Name Image Command* Args* WorkingDir Ports[ContainerPort EnvFrom[EnvFromSource Env[EnvVar Resources:ResourceRequirements ResizePolicy[ContainerResizePolicy RestartPolicy* RestartPolicyRules[ContainerRestartRule VolumeMounts[VolumeMount VolumeDevices[VolumeDevice LivenessProbe*Probe ReadinessProbe*Probe StartupProbe*Probe Lifecycle*Lifecycle TerminationMessagePath TerminationMessagePolicy ImagePullPolicy SecurityContext*SecurityContext Stdin? StdinOnce? TTY=tty?
ContainerPort Name HostPort# ContainerPort# Protocol HostIP
ContainerResizePolicy ResourceName RestartPolicy
ContainerRestartRule Action ExitCodes*ContainerRestartRuleOnExitCodes
ContainerRestartRuleOnExitCodes Operator Values*
DaemonSetUpdateStrategy Type RollingUpdate*RollingUpdateDaemonSet
DeploymentStrategy Type RollingUpdate*RollingUpdateDeployment
DeviceAllocationConfiguration Source Requests* Opaque*OpaqueDeviceConfiguration
DeviceAllocationResult Results[DeviceRequestAllocationResult Config[DeviceAllocationConfiguration
DeviceClaim Requests[DeviceRequest Constraints[DeviceConstraint Config[DeviceClaimConfiguration
DeviceClaimConfiguration Requests* Opaque*OpaqueDeviceConfiguration
DeviceConstraint Requests* MatchAttribute* DistinctAttribute*
DeviceRequest Name Exactly*ExactDeviceRequest FirstAvailable[DeviceSubRequest
DeviceRequestAllocationResult Request Driver Pool Device AdminAccess* Tolerations[DeviceToleration BindingConditions* BindingFailureConditions* ShareID=shareID* ConsumedCapacity*
DeviceSelector CEL=cel*CELDeviceSelector
DeviceSubRequest Name DeviceClassName Selectors[DeviceSelector AllocationMode Count# Tolerations[DeviceToleration Capacity*CapacityRequirements
DeviceToleration Key Operator Value Effect TolerationSeconds*
DownwardAPIProjection Items[DownwardAPIVolumeFile
DownwardAPIVolumeFile Path FieldRef*ObjectFieldSelector ResourceFieldRef*ResourceFieldSelector Mode*
DownwardAPIVolumeSource Items[DownwardAPIVolumeFile DefaultMode*
EmptyDirVolumeSource Medium SizeLimit*
EnvFromSource Prefix ConfigMapRef*ConfigMapEnvSource SecretRef*SecretEnvSource
EnvVar Name Value ValueFrom*EnvVarSource
EnvVarSource FieldRef*ObjectFieldSelector ResourceFieldRef*ResourceFieldSelector ConfigMapKeyRef*ConfigMapKeySelector SecretKeyRef*SecretKeySelector FileKeyRef*FileKeySelector
EphemeralContainer Name Image Command* Args* WorkingDir Ports[ContainerPort EnvFrom[EnvFromSource Env[EnvVar Resources:ResourceRequirements ResizePolicy[ContainerResizePolicy RestartPolicy* RestartPolicyRules[ContainerRestartRule VolumeMounts[VolumeMount VolumeDevices[VolumeDevice LivenessProbe*Probe ReadinessProbe*Probe StartupProbe*Probe Lifecycle*Lifecycle TerminationMessagePath TerminationMessagePolicy ImagePullPolicy SecurityContext*SecurityContext Stdin? StdinOnce? TTY=tty? TargetContainerName
EphemeralVolumeSource VolumeClaimTemplate*PersistentVolumeClaimTemplate
EventSource Component Host
ExactDeviceRequest DeviceClassName Selectors[DeviceSelector AllocationMode Count# AdminAccess* Tolerations[DeviceToleration Capacity*CapacityRequirements
ExecAction Command*
FCVolumeSource TargetWWNs* Lun* FSType=fsType ReadOnly? WWIDs=wwids*
FileKeySelector VolumeName Path Key Optional*
FlexPersistentVolumeSource Driver FSType=fsType SecretRef*SecretReference ReadOnly? Options*
FlexVolumeSource Driver FSType=fsType SecretRef*LocalObjectReference ReadOnly? Options*
FlockerVolumeSource DatasetName DatasetUUID
GCEPersistentDiskVolumeSource PDName=pdName FSType=fsType Partition# ReadOnly?
GRPCAction Port# Service*
GitRepoVolumeSource Repository Revision Directory
GlusterfsPersistentVolumeSource EndpointsName=endpoints Path ReadOnly? EndpointsNamespace*
GlusterfsVolumeSource EndpointsName=endpoints Path ReadOnly?
HTTPGetAction Path Port# Host Scheme HTTPHeaders=httpHeaders[HTTPHeader
HTTPHeader Name Value
HostAlias IP=ip Hostnames*
HostPathVolumeSource Path Type*
ISCSIPersistentVolumeSource TargetPortal IQN=iqn Lun# ISCSIInterface=iscsiInterface FSType=fsType ReadOnly? Portals* DiscoveryCHAPAuth=chapAuthDiscovery? SessionCHAPAuth=chapAuthSession? SecretRef*SecretReference InitiatorName*
ISCSIVolumeSource TargetPortal IQN=iqn Lun# ISCSIInterface=iscsiInterface FSType=fsType ReadOnly? Portals* DiscoveryCHAPAuth=chapAuthDiscovery? SessionCHAPAuth=chapAuthSession? SecretRef*LocalObjectReference InitiatorName*
ImageVolumeSource Reference PullPolicy
KeyToPath Key Path Mode*
LabelSelector matchLabels~ matchExpressions~[LabelSelectorRequirement
LabelSelectorRequirement key operator values~
Lifecycle PostStart*LifecycleHandler PreStop*LifecycleHandler StopSignal*
LifecycleHandler Exec*ExecAction HTTPGet=httpGet*HTTPGetAction TCPSocket=tcpSocket*TCPSocketAction Sleep*SleepAction
LimitRangeItem Type Max* Min* Default* DefaultRequest* MaxLimitRequestRatio*
LocalObjectReference Name
LocalVolumeSource Path FSType=fsType*
NFSVolumeSource Server Path ReadOnly?
NodeAddress Type Address
NodeAffinity RequiredDuringSchedulingIgnoredDuringExecution*NodeSelector PreferredDuringSchedulingIgnoredDuringExecution[PreferredSchedulingTerm
NodeConfigSource ConfigMap*ConfigMapNodeConfigSource
NodeSelector NodeSelectorTerms[NodeSelectorTerm
NodeSelectorRequirement Key Operator Values*
NodeSelectorTerm MatchExpressions[NodeSelectorRequirement MatchFields[NodeSelectorRequirement
NodeSpec PodCIDRs* ProviderID Unschedulable? Taints[Taint ConfigSource*NodeConfigSource DoNotUseExternalID=externalID
ObjectFieldSelector APIVersion=apiVersion FieldPath
ObjectReference Kind Namespace Name UID=uid APIVersion=apiVersion ResourceVersion FieldPath
OpaqueDeviceConfiguration Driver Parameters*
ParentReference Group Resource Namespace Name
PersistentVolumeClaimSpec AccessModes* Selector*LabelSelector Resources:VolumeResourceRequirements VolumeName StorageClassName* VolumeMode* DataSource*TypedLocalObjectReference DataSourceRef*TypedObjectReference VolumeAttributesClassName*
PersistentVolumeClaimTemplate ObjectMeta^ Spec:PersistentVolumeClaimSpec
PersistentVolumeClaimVolumeSource ClaimName ReadOnly?
PersistentVolumeSource GCEPersistentDisk=gcePersistentDisk*GCEPersistentDiskVolumeSource AWSElasticBlockStore=awsElasticBlockStore*AWSElasticBlockStoreVolumeSource HostPath*HostPathVolumeSource Glusterfs*GlusterfsPersistentVolumeSource NFS=nfs*NFSVolumeSource RBD=rbd*RBDPersistentVolumeSource Quobyte*QuobyteVolumeSource ISCSI=iscsi*ISCSIPersistentVolumeSource FlexVolume*FlexPersistentVolumeSource Cinder*CinderPersistentVolumeSource CephFS=cephfs*CephFSPersistentVolumeSource FC=fc*FCVolumeSource Flocker*FlockerVolumeSource AzureFile*AzureFilePersistentVolumeSource VsphereVolume*VsphereVirtualDiskVolumeSource AzureDisk*AzureDiskVolumeSource PhotonPersistentDisk*PhotonPersistentDiskVolumeSource PortworxVolume*PortworxVolumeSource ScaleIO*ScaleIOPersistentVolumeSource Local*LocalVolumeSource StorageOS=storageos*StorageOSPersistentVolumeSource CSI=csi*CSIPersistentVolumeSource
PersistentVolumeSpec Capacity* GCEPersistentDisk=gcePersistentDisk*GCEPersistentDiskVolumeSource AWSElasticBlockStore=awsElasticBlockStore*AWSElasticBlockStoreVolumeSource HostPath*HostPathVolumeSource Glusterfs*GlusterfsPersistentVolumeSource NFS=nfs*NFSVolumeSource RBD=rbd*RBDPersistentVolumeSource Quobyte*QuobyteVolumeSource ISCSI=iscsi*ISCSIPersistentVolumeSource FlexVolume*FlexPersistentVolumeSource Cinder*CinderPersistentVolumeSource CephFS=cephfs*CephFSPersistentVolumeSource FC=fc*FCVolumeSource Flocker*FlockerVolumeSource AzureFile*AzureFilePersistentVolumeSource VsphereVolume*VsphereVirtualDiskVolumeSource AzureDisk*AzureDiskVolumeSource PhotonPersistentDisk*PhotonPersistentDiskVolumeSource PortworxVolume*PortworxVolumeSource ScaleIO*ScaleIOPersistentVolumeSource Local*LocalVolumeSource StorageOS=storageos*StorageOSPersistentVolumeSource CSI=csi*CSIPersistentVolumeSource AccessModes* ClaimRef*ObjectReference PersistentVolumeReclaimPolicy StorageClassName MountOptions* VolumeMode* NodeAffinity*VolumeNodeAffinity VolumeAttributesClassName*
PhotonPersistentDiskVolumeSource PdID FSType=fsType
PodAffinity RequiredDuringSchedulingIgnoredDuringExecution[PodAffinityTerm PreferredDuringSchedulingIgnoredDuringExecution[WeightedPodAffinityTerm
PodAffinityTerm LabelSelector*LabelSelector Namespaces* TopologyKey NamespaceSelector*LabelSelector MatchLabelKeys* MismatchLabelKeys*
PodAntiAffinity RequiredDuringSchedulingIgnoredDuringExecution[PodAffinityTerm PreferredDuringSchedulingIgnoredDuringExecution[WeightedPodAffinityTerm
PodCertificateProjection SignerName KeyType MaxExpirationSeconds* CredentialBundlePath KeyPath CertificateChainPath UserAnnotations*
PodDNSConfig Nameservers* Searches* Options[PodDNSConfigOption
PodDNSConfigOption Name Value*
PodDisruptionBudgetSpec MinAvailable* Selector*LabelSelector MaxUnavailable* UnhealthyPodEvictionPolicy*
PodFailurePolicy Rules[PodFailurePolicyRule
PodFailurePolicyOnExitCodesRequirement ContainerName* Operator Values*
PodFailurePolicyOnPodConditionsPattern Type Status
PodFailurePolicyRule Action OnExitCodes*PodFailurePolicyOnExitCodesRequirement OnPodConditions[PodFailurePolicyOnPodConditionsPattern
PodIP IP=ip
PodOS Name
PodReadinessGate ConditionType
PodResourceClaim Name ResourceClaimName* ResourceClaimTemplateName*
PodSchedulingGate Name
PodSchedulingGroup PodGroupName*
PodSecurityContext HostNetwork? HostPID? HostIPC? ShareProcessNamespace* HostUsers* SELinuxOptions=seLinuxOptions*SELinuxOptions WindowsOptions*WindowsSecurityContextOptions RunAsUser* RunAsGroup* RunAsNonRoot* SupplementalGroups* SupplementalGroupsPolicy* FSGroup=fsGroup* FSGroupChangePolicy=fsGroupChangePolicy* Sysctls[Sysctl SeccompProfile*SeccompProfile AppArmorProfile*AppArmorProfile SELinuxChangePolicy=seLinuxChangePolicy*
PodSpec Volumes[Volume InitContainers[Container Containers[Container EphemeralContainers[EphemeralContainer RestartPolicy TerminationGracePeriodSeconds* ActiveDeadlineSeconds* DNSPolicy=dnsPolicy NodeSelector* ServiceAccountName AutomountServiceAccountToken* NodeName SecurityContext*PodSecurityContext ImagePullSecrets[LocalObjectReference Hostname Subdomain SetHostnameAsFQDN* Affinity*Affinity SchedulerName Tolerations[Toleration HostAliases[HostAlias PriorityClassName Priority* PreemptionPolicy* DNSConfig=dnsConfig*PodDNSConfig ReadinessGates[PodReadinessGate RuntimeClassName* Overhead* EnableServiceLinks* TopologySpreadConstraints[TopologySpreadConstraint OS=os*PodOS SchedulingGates[PodSchedulingGate ResourceClaims[PodResourceClaim Resources*ResourceRequirements HostnameOverride* SchedulingGroup*PodSchedulingGroup
PodTemplateSpec ObjectMeta^ Spec:PodSpec
PortworxVolumeSource VolumeID FSType=fsType ReadOnly?
PreferredSchedulingTerm Weight# Preference:NodeSelectorTerm
Probe Exec*ExecAction HTTPGet=httpGet*HTTPGetAction TCPSocket=tcpSocket*TCPSocketAction GRPC=grpc*GRPCAction InitialDelaySeconds# TimeoutSeconds# PeriodSeconds# SuccessThreshold# FailureThreshold# TerminationGracePeriodSeconds*
ProjectedVolumeSource Sources[VolumeProjection DefaultMode*
QuobyteVolumeSource Registry Volume ReadOnly? User Group Tenant
RBDPersistentVolumeSource CephMonitors=monitors* RBDImage=image FSType=fsType RBDPool=pool RadosUser=user Keyring SecretRef*SecretReference ReadOnly?
RBDVolumeSource CephMonitors=monitors* RBDImage=image FSType=fsType RBDPool=pool RadosUser=user Keyring SecretRef*LocalObjectReference ReadOnly?
ResourceClaim Name Request
ResourceClaimSpec Devices:DeviceClaim
ResourceClaimTemplateSpec ObjectMeta^ Spec:ResourceClaimSpec
ResourceFieldSelector ContainerName Resource Divisor%
ResourceRequirements Limits* Requests* Claims[ResourceClaim
RoleRef APIGroup=apiGroup Kind Name
RollingUpdateDaemonSet MaxUnavailable# MaxSurge#
RollingUpdateDeployment MaxUnavailable# MaxSurge#
RollingUpdateStatefulSetStrategy Partition# MaxUnavailable*
SELinuxOptions User Role Type Level
ScaleIOPersistentVolumeSource Gateway System SecretRef*SecretReference SSLEnabled=sslEnabled? ProtectionDomain StoragePool StorageMode VolumeName FSType=fsType ReadOnly?
ScaleIOVolumeSource Gateway System SecretRef*LocalObjectReference SSLEnabled=sslEnabled? ProtectionDomain StoragePool StorageMode VolumeName FSType=fsType ReadOnly?
ScopeSelector MatchExpressions[ScopedResourceSelectorRequirement
ScopedResourceSelectorRequirement ScopeName Operator Values*
SeccompProfile Type LocalhostProfile*
SecretEnvSource Name Optional*
SecretKeySelector Name Key Optional*
SecretProjection Name Items[KeyToPath Optional*
SecretReference Name Namespace
SecretVolumeSource SecretName Items[KeyToPath DefaultMode* Optional*
SecurityContext Capabilities*Capabilities Privileged* SELinuxOptions=seLinuxOptions*SELinuxOptions WindowsOptions*WindowsSecurityContextOptions RunAsUser* RunAsGroup* RunAsNonRoot* ReadOnlyRootFilesystem* AllowPrivilegeEscalation* ProcMount* SeccompProfile*SeccompProfile AppArmorProfile*AppArmorProfile
ServiceAccountTokenProjection Audience ExpirationSeconds# Path
ServicePort Name Protocol AppProtocol* Port# TargetPort# NodePort#
ServiceSpec Type Ports[ServicePort Selector* ClusterIP ClusterIPs* IPFamilies=ipFamilies* IPFamilyPolicy=ipFamilyPolicy* ExternalName ExternalIPs* LoadBalancerIP SessionAffinity SessionAffinityConfig*SessionAffinityConfig LoadBalancerSourceRanges* ExternalTrafficPolicy HealthCheckNodePort# PublishNotReadyAddresses? AllocateLoadBalancerNodePorts* LoadBalancerClass* InternalTrafficPolicy* TrafficDistribution*
SessionAffinityConfig ClientIP*ClientIPConfig
SharedDeviceID Driver Pool Device ShareID=shareID
SleepAction Seconds#
StatefulSetOrdinals Start#
StatefulSetPersistentVolumeClaimRetentionPolicy WhenDeleted WhenScaled
StatefulSetUpdateStrategy Type RollingUpdate*RollingUpdateStatefulSetStrategy
StorageOSPersistentVolumeSource VolumeName VolumeNamespace FSType=fsType ReadOnly? SecretRef*ObjectReference
StorageOSVolumeSource VolumeName VolumeNamespace FSType=fsType ReadOnly? SecretRef*LocalObjectReference
SuccessPolicy Rules[SuccessPolicyRule
SuccessPolicyRule SucceededIndexes* SucceededCount*
Sysctl Name Value
TCPSocketAction Port# Host
Taint Key Value Effect TimeAdded*
Toleration Key Operator Value Effect TolerationSeconds*
TopologySpreadConstraint MaxSkew# TopologyKey WhenUnsatisfiable LabelSelector*LabelSelector MinDomains* NodeAffinityPolicy* NodeTaintsPolicy* MatchLabelKeys*
TypedLocalObjectReference APIGroup=apiGroup* Kind Name
TypedObjectReference APIGroup=apiGroup* Kind Name Namespace*
UncountedTerminatedPods Succeeded Failed
Volume Name HostPath*HostPathVolumeSource EmptyDir*EmptyDirVolumeSource GCEPersistentDisk=gcePersistentDisk*GCEPersistentDiskVolumeSource AWSElasticBlockStore=awsElasticBlockStore*AWSElasticBlockStoreVolumeSource GitRepo*GitRepoVolumeSource Secret*SecretVolumeSource NFS=nfs*NFSVolumeSource ISCSI=iscsi*ISCSIVolumeSource Glusterfs*GlusterfsVolumeSource PersistentVolumeClaim*PersistentVolumeClaimVolumeSource RBD=rbd*RBDVolumeSource Quobyte*QuobyteVolumeSource FlexVolume*FlexVolumeSource Cinder*CinderVolumeSource CephFS=cephfs*CephFSVolumeSource Flocker*FlockerVolumeSource DownwardAPI*DownwardAPIVolumeSource FC=fc*FCVolumeSource AzureFile*AzureFileVolumeSource ConfigMap*ConfigMapVolumeSource VsphereVolume*VsphereVirtualDiskVolumeSource AzureDisk*AzureDiskVolumeSource PhotonPersistentDisk*PhotonPersistentDiskVolumeSource Projected*ProjectedVolumeSource PortworxVolume*PortworxVolumeSource ScaleIO*ScaleIOVolumeSource StorageOS=storageos*StorageOSVolumeSource CSI=csi*CSIVolumeSource Ephemeral*EphemeralVolumeSource Image*ImageVolumeSource
VolumeAttachmentSource PersistentVolumeName* InlineVolumeSpec*PersistentVolumeSpec
VolumeAttachmentSpec Attacher Source:VolumeAttachmentSource NodeName
VolumeDevice Name DevicePath
VolumeMount Name ReadOnly? RecursiveReadOnly* MountPath SubPath MountPropagation* SubPathExpr
VolumeNodeAffinity Required*NodeSelector
VolumeNodeResources Count*
VolumeProjection Secret*SecretProjection DownwardAPI*DownwardAPIProjection ConfigMap*ConfigMapProjection ServiceAccountToken*ServiceAccountTokenProjection ClusterTrustBundle*ClusterTrustBundleProjection PodCertificate*PodCertificateProjection
VolumeResourceRequirements Limits* Requests*
VsphereVirtualDiskVolumeSource VolumePath FSType=fsType StoragePolicyName StoragePolicyID
WeightedPodAffinityTerm Weight# PodAffinityTerm:PodAffinityTerm
WindowsSecurityContextOptions GMSACredentialSpecName=gmsaCredentialSpecName* GMSACredentialSpec=gmsaCredentialSpec* RunAsUserName* HostProcess*
"""  # noqa: E501 - one struct, one line


class _Field(NamedTuple):
    name: str  # the Go name
    json: str
    mark: str
    struct: str  # "" for scalars, and for lists and maps of them


_ZERO: dict[str, Any] = {"": "", "#": 0, "?": False, "%": "0", "*": None, "[": None, "~": None, "~[": None}
_WORD = re.compile(r"(\w+)(?:=(\w+))?([#?%:*~^]?\[?)(\w*)")


@cache
def _fields(struct: str) -> tuple[_Field, ...]:
    row = re.search(rf"^{struct} (.*)$", _TABLE, re.MULTILINE)
    if row is None:
        raise KeyError(struct)
    found = []
    for word in row[1].split():
        match = _WORD.fullmatch(word)
        assert match is not None, f"a word of {struct} that is none: {word}"
        name, json, mark, inner = match.groups()
        found.append(_Field(name, json or name[0].lower() + name[1:], mark, inner))
    return tuple(found)


class Struct(dict[str, Any]):
    """In Go's order of fields: errors.render_value sorts maps, and leaves these as they are."""


def metadata_of(obj: Obj) -> Struct:
    metadata = obj.get("metadata") or {}
    return Struct({field: metadata[field] for field in _METADATA if metadata.get(field)})


def of(struct: str, value: Obj | None) -> Struct | None:
    """The internal form of a versioned struct; None stays None."""
    if value is None:
        return None
    if struct == "PodSpec":
        value = _with_host_fields(value)
    shown = Struct()
    for name, json, mark, inner in _fields(struct):
        if mark == "^":
            shown |= metadata_of(value)
            continue
        held = value.get(json)
        if mark[:1] == "~":
            if not held:
                continue
            name = json
        if held is None:
            held = of(inner, {}) if mark == ":" else _ZERO[mark]
        elif not inner and isinstance(held, dict):
            held = dict(sorted(held.items()))
        elif inner:
            held = [of(inner, item or {}) for item in held] if mark[-1] == "[" else of(inner, held)
        shown[name] = held
    return shown


def each(struct: str, values: list[Obj] | None) -> list[Struct | None] | None:
    """The internal form of a list of structs."""
    return None if values is None else [of(struct, value) for value in values]


_METADATA = (
    "name", "generateName", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp",
    "deletionTimestamp", "deletionGracePeriodSeconds", "labels", "annotations", "ownerReferences", "finalizers",
    "managedFields",
)  # fmt: skip
_HOST_FIELDS = ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers")


def _with_host_fields(spec: Obj) -> Obj:
    """Internally what a pod shares with its host is part of its security context."""
    moved = {field: spec[field] for field in _HOST_FIELDS if field in spec}
    return spec | {"securityContext": (spec.get("securityContext") or {}) | moved}
