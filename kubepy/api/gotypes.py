"""What the OpenAPI definitions do not say about Kubernetes' Go types, and what its answers depend on.

Go leaves out zero values of `omitempty` fields that are no pointers, always writes structs that are no pointers, and
names its types in decoding errors. A definition alone implies, and the table holds only what differs from this:

- an optional scalar, list or map is left out when it is zero ("", 0, false, [], {}); a required one is always there;
- a struct is a pointer, present only when given; `metadata`, `spec` and `status` are not, and are always there;
- a scalar's Go type is what its OpenAPI type and format say.

One line per struct, one word per field: name, mark, `:GoType`. Marks: `*` pointer (zero is kept, absence stays
absent), `+` struct that is no pointer, `!` always written although optional, `~` left out when zero although required,
`=` a list that is kept when empty, `0` null when absent: a pointer that is always written, a time that is no pointer. A
list or map that is always written is null when there is nothing in it.

Source: types.go of k8s.io/api, apimachinery and apiextensions-apiserver at 1.37.
"""

# Structs that embed another one (`json:",inline"`): what is embedded, and which fields are their own. Decoding errors
# name the embedded struct in the path, although JSON has no trace of it.
EMBEDDED: dict[str, tuple[str, frozenset[str]]] = {
    "ConfigMapEnvSource": ("LocalObjectReference", frozenset(("optional",))),
    "ConfigMapKeySelector": ("LocalObjectReference", frozenset(("key", "optional"))),
    "ConfigMapProjection": ("LocalObjectReference", frozenset(("items", "optional"))),
    "ConfigMapVolumeSource": ("LocalObjectReference", frozenset(("items", "defaultMode", "optional"))),
    "DeviceAllocationConfiguration": ("DeviceConfiguration", frozenset(("source", "requests"))),
    "DeviceClaimConfiguration": ("DeviceConfiguration", frozenset(("requests",))),
    "DeviceClassConfiguration": ("DeviceConfiguration", frozenset()),
    "EphemeralContainer": ("EphemeralContainerCommon", frozenset(("targetContainerName",))),
    "IngressRule": ("IngressRuleValue", frozenset(("host",))),
    "NamedRuleWithOperations": ("RuleWithOperations", frozenset(("resourceNames",))),
    "PersistentVolumeClaim": ("TypeMeta", frozenset(("metadata", "spec", "status"))),
    "PersistentVolumeSpec": (
        "PersistentVolumeSource",
        frozenset((
            "accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy",
            "storageClassName", "volumeAttributesClassName", "volumeMode",
        )),
    ),
    "Probe": (
        "ProbeHandler",
        frozenset((
            "failureThreshold", "initialDelaySeconds", "periodSeconds", "successThreshold",
            "terminationGracePeriodSeconds", "timeoutSeconds",
        )),
    ),
    "RuleWithOperations": ("Rule", frozenset(("operations",))),
    "SecretEnvSource": ("LocalObjectReference", frozenset(("optional",))),
    "SecretKeySelector": ("LocalObjectReference", frozenset(("key", "optional"))),
    "SecretProjection": ("LocalObjectReference", frozenset(("items", "optional"))),
    "Volume": ("VolumeSource", frozenset(("name",))),
}  # fmt: skip

TABLE = """
[io.k8s.api.admissionregistration.v1]
MatchResources matchPolicy*:MatchPolicyType
MutatingAdmissionPolicySpec failurePolicy*:FailurePolicyType reinvocationPolicy:ReinvocationPolicyType
MutatingWebhook clientConfig+ failurePolicy*:FailurePolicyType matchPolicy*:MatchPolicyType reinvocationPolicy*:ReinvocationPolicyType sideEffects*:SideEffectClass timeoutSeconds*
Mutation patchType:PatchType
NamedRuleWithOperations operations:[]OperationType scope*:ScopeType
ParamRef parameterNotFoundAction*:ParameterNotFoundActionType
RuleWithOperations operations:[]OperationType scope*:ScopeType
ServiceReference path* port*
ValidatingAdmissionPolicyBindingSpec policyName~ validationActions~:[]ValidationAction
ValidatingAdmissionPolicySpec failurePolicy*:FailurePolicyType
ValidatingWebhook clientConfig+ failurePolicy*:FailurePolicyType matchPolicy*:MatchPolicyType sideEffects*:SideEffectClass timeoutSeconds*
Validation reason*:StatusReason
WebhookClientConfig url*

[io.k8s.api.apps.v1]
ControllerRevision revision!
DaemonSetCondition lastTransitionTime0 status!:ConditionStatus type!:DaemonSetConditionType
DaemonSetSpec revisionHistoryLimit* template+ updateStrategy+
DaemonSetStatus collisionCount*
DaemonSetUpdateStrategy type:DaemonSetUpdateStrategyType
DeploymentCondition lastTransitionTime0 lastUpdateTime0 status!:ConditionStatus type!:DeploymentConditionType
DeploymentSpec progressDeadlineSeconds* replicas* revisionHistoryLimit* strategy+ template+
DeploymentStatus collisionCount* terminatingReplicas*
DeploymentStrategy type:DeploymentStrategyType
ReplicaSetCondition lastTransitionTime0 status!:ConditionStatus type!:ReplicaSetConditionType
ReplicaSetSpec replicas* template+
ReplicaSetStatus terminatingReplicas*
RollingUpdateStatefulSetStrategy partition*
StatefulSetCondition lastTransitionTime0 status!:ConditionStatus type!:StatefulSetConditionType
StatefulSetOrdinals start!
StatefulSetPersistentVolumeClaimRetentionPolicy whenDeleted:PersistentVolumeClaimRetentionPolicyType whenScaled:PersistentVolumeClaimRetentionPolicyType
StatefulSetSpec podManagementPolicy:PodManagementPolicyType replicas* revisionHistoryLimit* serviceName! template+ updateStrategy+
StatefulSetStatus availableReplicas! collisionCount*
StatefulSetUpdateStrategy type:StatefulSetUpdateStrategyType

[io.k8s.api.authentication.v1]
BoundObjectReference uid:types.UID
SelfSubjectReviewStatus userInfo+
TokenRequestSpec audiences! expirationSeconds*
TokenRequestStatus expirationTimestamp0 token!
TokenReviewSpec token~
TokenReviewStatus user+
UserInfo extra:{}ExtraValue

[io.k8s.api.authorization.v1]
SubjectAccessReviewSpec extra:{}ExtraValue

[io.k8s.api.autoscaling.v1]
HorizontalPodAutoscalerSpec minReplicas* scaleTargetRef+ targetCPUUtilizationPercentage*
HorizontalPodAutoscalerStatus currentCPUUtilizationPercentage* observedGeneration*

[io.k8s.api.autoscaling.v2]
ContainerResourceMetricSource name:v1.ResourceName target+
ContainerResourceMetricStatus current+ name:v1.ResourceName
ExternalMetricSource metric+ target+
ExternalMetricStatus current+ metric+
HPAScalingPolicy type:HPAScalingPolicyType
HPAScalingRules policies= selectPolicy*:ScalingPolicySelect stabilizationWindowSeconds*
HorizontalPodAutoscalerCondition lastTransitionTime0 observedGeneration* status:v1.ConditionStatus type:HorizontalPodAutoscalerConditionType
HorizontalPodAutoscalerSpec minReplicas* scaleTargetRef+
HorizontalPodAutoscalerStatus currentMetrics! observedGeneration*
MetricSpec type:MetricSourceType
MetricStatus type:MetricSourceType
MetricTarget averageUtilization* type:MetricTargetType
MetricValueStatus averageUtilization*
ObjectMetricSource describedObject+ metric+ target+
ObjectMetricStatus current+ describedObject+ metric+
PodsMetricSource metric+ target+
PodsMetricStatus current+ metric+
ResourceMetricSource name:v1.ResourceName target+
ResourceMetricStatus current+ name:v1.ResourceName

[io.k8s.api.batch.v1]
CronJobSpec concurrencyPolicy:ConcurrencyPolicy failedJobsHistoryLimit* jobTemplate+ startingDeadlineSeconds* successfulJobsHistoryLimit* suspend* timeZone*
JobCondition lastProbeTime0 lastTransitionTime0 status:ConditionStatus type:JobConditionType
JobSpec activeDeadlineSeconds* backoffLimit* backoffLimitPerIndex* completionMode*:CompletionMode completions* managedBy* manualSelector* maxFailedIndexes* parallelism* podReplacementPolicy*:PodReplacementPolicy suspend* template+ ttlSecondsAfterFinished*
JobStatus failedIndexes* ready* terminating*
PodFailurePolicyOnExitCodesRequirement containerName* operator:PodFailurePolicyOnExitCodesOperator
PodFailurePolicyOnPodConditionsPattern status!:ConditionStatus type:PodConditionType
PodFailurePolicyRule action:PodFailurePolicyAction
SuccessPolicyRule succeededCount* succeededIndexes*
UncountedTerminatedPods failed:[]types.UID succeeded:[]types.UID

[io.k8s.api.certificates.v1]
CertificateSigningRequestCondition lastTransitionTime0 lastUpdateTime0 status:ConditionStatus type:RequestConditionType
CertificateSigningRequestSpec expirationSeconds* extra:{}ExtraValue usages:[]KeyUsage
PodCertificateRequestSpec maxExpirationSeconds* nodeName:types.NodeName nodeUID:types.UID podUID:types.UID serviceAccountUID:types.UID

[io.k8s.api.coordination.v1]
LeaseSpec holderIdentity* leaseDurationSeconds* leaseTransitions* preferredHolder* strategy*:CoordinatedLeaseStrategy

[io.k8s.api.core.v1]
AppArmorProfile localhostProfile* type:AppArmorProfileType
AttachedVolume name:UniqueVolumeName
AzureDiskVolumeSource cachingMode*:AzureDataDiskCachingMode fsType* kind*:AzureDataDiskKind readOnly*
AzureFilePersistentVolumeSource secretNamespace*
Binding target+
CSIVolumeSource fsType* readOnly*
Capabilities add:[]Capability drop:[]Capability
ClientIPConfig timeoutSeconds*
ClusterTrustBundleProjection name* optional* signerName* user*
ComponentCondition status:ConditionStatus type:ComponentConditionType
ConfigMap immutable*
ConfigMapEnvSource optional*
ConfigMapKeySelector optional*
ConfigMapNodeConfigSource uid:types.UID
ConfigMapProjection optional*
ConfigMapVolumeSource defaultMode* defaultUser* optional*
Container imagePullPolicy:PullPolicy resources+ restartPolicy*:ContainerRestartPolicy terminationMessagePolicy:TerminationMessagePolicy
ContainerImage names!
ContainerPort protocol:Protocol
ContainerResizePolicy resourceName:ResourceName restartPolicy:ResourceResizeRestartPolicy
ContainerRestartRule action~:ContainerRestartRuleAction
ContainerRestartRuleOnExitCodes operator~:ContainerRestartRuleOnExitCodesOperator
ContainerStateRunning startedAt0
ContainerStateTerminated finishedAt0 startedAt0
ContainerStatus allocatedResources:ResourceList lastState+ started* state+ stopSignal*:Signal
DownwardAPIVolumeFile mode* user*
DownwardAPIVolumeSource defaultMode* defaultUser*
EmptyDirVolumeSource medium:StorageMedium mode*
EndpointAddress nodeName*
EndpointPort appProtocol* protocol:Protocol
EphemeralContainer imagePullPolicy:PullPolicy resources+ restartPolicy*:ContainerRestartPolicy terminationMessagePolicy:TerminationMessagePolicy
Event eventTime0 firstTimestamp0 involvedObject+ lastTimestamp0 reportingComponent! reportingInstance! source+
EventSeries lastObservedTime0
EvictionResponder name* priority*
FCVolumeSource lun*
FileKeySelector optional*
GRPCAction mode* service*
GlusterfsPersistentVolumeSource endpointsNamespace*
HTTPGetAction protocol* scheme:URIScheme
HostPathVolumeSource type*:HostPathType
ISCSIPersistentVolumeSource initiatorName*
ISCSIVolumeSource initiatorName*
ImageVolumeSource pullPolicy:PullPolicy
ImageVolumeStatus imageRef~
KeyToPath mode* user*
Lifecycle stopSignal*:Signal
LimitRangeItem default:ResourceList defaultRequest:ResourceList max:ResourceList maxLimitRequestRatio:ResourceList min:ResourceList type:LimitType
LoadBalancerIngress ipMode*:LoadBalancerIPMode
LocalVolumeSource fsType*
ModifyVolumeStatus status:PersistentVolumeClaimModifyVolumeStatus
NamespaceCondition lastTransitionTime0 status:ConditionStatus type:NamespaceConditionType
NamespaceSpec finalizers:[]FinalizerName
NamespaceStatus phase:NamespacePhase
NodeAddress type:NodeAddressType
NodeAllocatableMappedResources name*
NodeAllocatableOverheadResources name*
NodeCondition lastHeartbeatTime0 lastTransitionTime0 status:ConditionStatus type:NodeConditionType
NodeDaemonEndpoints kubeletEndpoint+
NodeFeatures supplementalGroupsPolicy*
NodeRuntimeHandler name!
NodeRuntimeHandlerFeatures recursiveReadOnlyMounts* userNamespaces*
NodeSelectorRequirement operator:NodeSelectorOperator
NodeStatus allocatable:ResourceList capacity:ResourceList daemonEndpoints+ nodeInfo+ phase:NodePhase volumesInUse:[]UniqueVolumeName
NodeSwapStatus capacity*
NodeSystemInfo runningInUserNamespace*
ObjectReference uid:types.UID
PersistentVolumeClaimCondition lastProbeTime0 lastTransitionTime0 status:ConditionStatus type:PersistentVolumeClaimConditionType
PersistentVolumeClaimSpec accessModes:[]PersistentVolumeAccessMode resources+ storageClassName* volumeAttributesClassName* volumeMode*:PersistentVolumeMode
PersistentVolumeClaimStatus accessModes:[]PersistentVolumeAccessMode allocatedResourceStatuses:{}ClaimResourceStatus allocatedResources:ResourceList capacity:ResourceList currentVolumeAttributesClassName* phase:PersistentVolumeClaimPhase
PersistentVolumeSpec accessModes:[]PersistentVolumeAccessMode capacity:ResourceList persistentVolumeReclaimPolicy:PersistentVolumeReclaimPolicy volumeAttributesClassName* volumeMode*:PersistentVolumeMode
PersistentVolumeStatus phase:PersistentVolumePhase
PodCertificateProjection keyType~ maxExpirationSeconds* signerName~ user*
PodCondition lastProbeTime0 lastTransitionTime0 status:ConditionStatus type:PodConditionType
PodDNSConfigOption value*
PodOS name:OSName
PodReadinessGate conditionType:PodConditionType
PodResourceClaim resourceClaimName* resourceClaimTemplateName*
PodResourceClaimStatus resourceClaimName*
PodSchedulingGroup podGroupName*
PodSecurityContext fsGroup* fsGroupChangePolicy*:PodFSGroupChangePolicy runAsGroup* runAsNonRoot* runAsUser* seLinuxChangePolicy*:PodSELinuxChangePolicy supplementalGroupsPolicy*:SupplementalGroupsPolicy
PodSpec activeDeadlineSeconds* automountServiceAccountToken* dnsPolicy:DNSPolicy enableServiceLinks* hostUsers* hostnameOverride* overhead:ResourceList preemptionPolicy*:PreemptionPolicy priority* restartPolicy:RestartPolicy runtimeClassName* setHostnameAsFQDN* shareProcessNamespace* terminationGracePeriodSeconds*
PodStatus allocatedResources:ResourceList phase:PodPhase qosClass:PodQOSClass resize:PodResizeStatus
PodTemplate template+
PodVolumeHealth lastTransitionTime0
PortStatus error* protocol:Protocol
PreferredSchedulingTerm preference+
Probe terminationGracePeriodSeconds*
ProjectedVolumeSource defaultMode* defaultUser* sources!
ReplicationControllerCondition lastTransitionTime0 status:ConditionStatus type:ReplicationControllerConditionType
ReplicationControllerSpec replicas*
ResourceHealth health:ResourceHealthStatus message* resourceID:ResourceID
ResourceQuotaSpec hard:ResourceList scopes:[]ResourceQuotaScope
ResourceQuotaStatus hard:ResourceList used:ResourceList
ResourceRequirements limits:ResourceList requests:ResourceList
ResourceStatus name:ResourceName
ScopedResourceSelectorRequirement operator:ScopeSelectorOperator scopeName:ResourceQuotaScope
SeccompProfile localhostProfile* type:SeccompProfileType
Secret immutable* type:SecretType
SecretEnvSource optional*
SecretKeySelector optional*
SecretProjection optional*
SecretVolumeSource defaultMode* defaultUser* optional*
SecurityContext allowPrivilegeEscalation* privileged* procMount*:ProcMountType readOnlyRootFilesystem* runAsGroup* runAsNonRoot* runAsUser*
ServiceAccount automountServiceAccountToken*
ServiceAccountTokenProjection expirationSeconds* user*
ServicePort appProtocol* protocol:Protocol
ServiceSpec allocateLoadBalancerNodePorts* externalTrafficPolicy:ServiceExternalTrafficPolicy internalTrafficPolicy*:ServiceInternalTrafficPolicy ipFamilies:[]IPFamily ipFamilyPolicy*:IPFamilyPolicy loadBalancerClass* sessionAffinity:ServiceAffinity trafficDistribution* type:ServiceType
ServiceStatus loadBalancer+
Taint effect:TaintEffect
Toleration effect:TaintEffect operator:TolerationOperator tolerationSeconds*
TopologySpreadConstraint minDomains* nodeAffinityPolicy*:NodeInclusionPolicy nodeTaintsPolicy*:NodeInclusionPolicy whenUnsatisfiable:UnsatisfiableConstraintAction
TypedLocalObjectReference apiGroup0
TypedObjectReference apiGroup0 namespace*
VolumeHealthStatus lastTransitionTime0
VolumeMount mountPropagation*:MountPropagationMode recursiveReadOnly*:RecursiveReadOnlyMode
VolumeMountStatus recursiveReadOnly*:RecursiveReadOnlyMode
VolumeResourceRequirements limits:ResourceList requests:ResourceList
WeightedPodAffinityTerm podAffinityTerm+
WindowsSecurityContextOptions gmsaCredentialSpec* gmsaCredentialSpecName* hostProcess* runAsUserName*

[io.k8s.api.discovery.v1]
Endpoint conditions+ hostname* nodeName* zone*
EndpointConditions ready* serving* terminating*
EndpointPort appProtocol* name* port* protocol*:Protocol
EndpointSlice addressType:AddressType endpoints! ports!

[io.k8s.api.events.v1]
Event deprecatedFirstTimestamp0 deprecatedLastTimestamp0 deprecatedSource+ eventTime0 regarding+
EventSeries lastObservedTime0

[io.k8s.api.flowcontrol.v1]
ExemptPriorityLevelConfiguration lendablePercent* nominalConcurrencyShares*
FlowDistinguisherMethod type:FlowDistinguisherMethodType
FlowSchemaCondition lastTransitionTime0 status:ConditionStatus type~:FlowSchemaConditionType
FlowSchemaSpec matchingPrecedence! priorityLevelConfiguration+
LimitResponse type:LimitResponseType
LimitedPriorityLevelConfiguration borrowingLimitPercent* lendablePercent* limitResponse+ nominalConcurrencyShares*
PriorityLevelConfigurationCondition lastTransitionTime0 status:ConditionStatus type~:PriorityLevelConfigurationConditionType
PriorityLevelConfigurationSpec type:PriorityLevelEnablement
QueuingConfiguration handSize! queueLengthLimit! queues!
ResourcePolicyRule namespaces!
Subject kind:SubjectKind

[io.k8s.api.networking.v1]
HTTPIngressPath backend+ pathType*:PathType
IPAddressSpec parentRef*
IngressClassParametersReference apiGroup* namespace* scope*
IngressPortStatus error* protocol:Protocol
IngressServiceBackend port+
IngressSpec ingressClassName*
IngressStatus loadBalancer+
NetworkPolicyPort endPort* protocol*:Protocol
NetworkPolicySpec podSelector+ policyTypes:[]PolicyType
ParentReference name~ resource~

[io.k8s.api.node.v1]
Overhead podFixed:ResourceList

[io.k8s.api.policy.v1]
PodDisruptionBudgetSpec unhealthyPodEvictionPolicy*:UnhealthyPodEvictionPolicyType
PodDisruptionBudgetStatus currentHealthy! desiredHealthy! disruptionsAllowed! expectedPods!

[io.k8s.api.rbac.v1]
ClusterRole rules!
ClusterRoleBinding roleRef+
Role rules!
RoleBinding roleRef+
RoleRef apiGroup!

[io.k8s.api.resource.v1]
AllocatedDeviceStatus conditions! shareID*
AllocationResult devices+
Counter value+
CounterSet counters~
Device allNodes* allowMultipleAllocations* attributes:map[v1.QualifiedName]v1.DeviceAttribute bindsToNode* capacity:map[v1.QualifiedName]v1.DeviceCapacity nodeName*
DeviceAllocationConfiguration source:AllocationConfigSource
DeviceAttribute bool* int* string* version*
DeviceCapacity value+
DeviceClaim requests!
DeviceClassSpec extendedResourceName*
DeviceConstraint distinctAttribute*:FullyQualifiedName matchAttribute*:FullyQualifiedName
DeviceCounterConsumption counters~
DeviceDerivedAttribute expression* name*
DeviceRequestAllocationResult adminAccess* shareID*:types.UID
DeviceSubRequest allocationMode:DeviceAllocationMode
DeviceTaint effect:DeviceTaintEffect
DeviceTaintRuleSpec taint+
DeviceTaintSelector device* driver* pool*
DeviceToleration effect:DeviceTaintEffect operator:DeviceTolerationOperator tolerationSeconds*
ExactDeviceRequest adminAccess* allocationMode:DeviceAllocationMode
NodeAllocatableMapping capacityKey*
ResourceClaimConsumerReference uid:types.UID
ResourceClaimSpec devices+
ResourceSliceSpec allNodes* nodeName* partitionTypeAttribute* perDeviceNodeSelection* pool+

[io.k8s.api.scheduling.v1]
PriorityClass preemptionPolicy*:PreemptionPolicy value!

[io.k8s.api.scheduling.v1alpha3]
TopologyConstraint key*
WorkloadPodGroupGangSchedulingPolicy minCount*
WorkloadPodGroupResourceClaim name* resourceClaimName* resourceClaimTemplateName*

[io.k8s.api.scheduling.v1beta1]
CompositePodGroupTemplate preemptionPolicy*:PreemptionPolicy priority* schedulingPolicy+
PodGroupResourceClaim resourceClaimName* resourceClaimTemplateName*
PodGroupResourceClaimStatus resourceClaimName*
PodGroupSpec parentCompositePodGroupName* preemptionPolicy*:PreemptionPolicy priority* schedulingPolicy+
PodGroupTemplate preemptionPolicy*:PreemptionPolicy priority* schedulingPolicy+

[io.k8s.api.storage.v1]
CSIDriverSpec attachRequired* fsGroupPolicy*:FSGroupPolicy nodeAllocatableUpdatePeriodSeconds* podInfoOnMount* preventPodSchedulingIfMissing* requiresRepublish* seLinuxMount* serviceAccountTokenInSecrets* storageCapacity* volumeLifecycleModes:[]VolumeLifecycleMode
CSINodeDriver topologyKeys!
StorageClass allowVolumeExpansion* reclaimPolicy*:PersistentVolumeReclaimPolicy volumeBindingMode*:VolumeBindingMode
StorageHealthCondition accessMode* lastTransitionTime0 volumeMode*
TokenRequest expirationSeconds*
VolumeAttachmentSource persistentVolumeName*
VolumeAttachmentSpec source+
VolumeError errorCode* time0
VolumeNodeResources count*

[io.k8s.api.storagemigration.v1]
StorageVersionMigrationSpec resource+

[io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1]
CustomResourceConversion strategy:ConversionStrategyType
CustomResourceDefinitionCondition lastTransitionTime0 status:ConditionStatus type:CustomResourceDefinitionConditionType
CustomResourceDefinitionSpec names+ scope:ResourceScope
CustomResourceDefinitionStatus acceptedNames+ conditions! storedVersions!
CustomResourceDefinitionVersion deprecationWarning*
CustomResourceSubresourceScale labelSelectorPath*
CustomResourceSubresources status*
JSONSchemaProps $ref* $schema:JSONSchemaURL definitions:JSONSchemaDefinitions dependencies:JSONSchemaDependencies maxItems* maxLength* maxProperties* maximum* minItems* minLength* minProperties* minimum* multipleOf* x-kubernetes-list-type* x-kubernetes-map-type* x-kubernetes-preserve-unknown-fields* x-kubernetes-validations:ValidationRules
ServiceReference path* port*
ValidationRule optionalOldSelf* reason*:FieldValueErrorReason
WebhookClientConfig url*

[io.k8s.apimachinery.pkg.apis.meta.v1]
APIGroup preferredVersion+
Condition lastTransitionTime0 status:ConditionStatus
DeleteOptions gracePeriodSeconds* ignoreStoreReadErrorWithClusterBreakingPotential* orphanDependents* propagationPolicy*:DeletionPropagation
FieldSelectorRequirement operator:FieldSelectorOperator
GroupResource group* resource*
LabelSelectorRequirement operator:LabelSelectorOperator
ListMeta remainingItemCount*
ManagedFieldsEntry operation:ManagedFieldsOperationType
ObjectMeta deletionGracePeriodSeconds* managedFields= uid:types.UID
OwnerReference blockOwnerDeletion* controller* uid:types.UID
Preconditions resourceVersion* uid*:types.UID

[io.k8s.kube-aggregator.pkg.apis.apiregistration.v1]
APIServiceCondition lastTransitionTime0 status:ConditionStatus type:APIServiceConditionType
ServiceReference port*
"""  # noqa: E501 - one struct, one line
