# ruff: noqa: E501 - a line per message
"""Field numbers of Kubernetes' protobuf messages, as facts: what `api/protobuf.py` reads bodies with.

A section per package of definitions, a line per message, a word per field: `name=<number><shape><type>`.
Shape: nothing, `[]` repeated, `{}` map from string, `^` inlined (its fields belong to the message around it).
Type: s string, i integer, b bool, d double, y bytes, `:Message` of the same package, `:meta.Message`,
`:core.Message`, `:machinery.package.Message`, or `:` and the full name.

Names are the JSON ones. Source: generated.proto of k8s.io/api, apimachinery, apiextensions-apiserver, kube-aggregator
at 1.36; kinds that 1.37 made stable keep the numbers of their beta. Fields that are new in 1.37 have no number here: in a
protobuf body they are skipped, as a 1.36 server would.
"""

TABLE = """
[io.k8s.api.admissionregistration.v1]
ApplyConfiguration expression=1s
AuditAnnotation key=1s valueExpression=2s
ExpressionWarning fieldRef=2s warning=3s
JSONPatch expression=1s
MatchCondition name=1s expression=2s
MatchResources namespaceSelector=1:meta.LabelSelector objectSelector=2:meta.LabelSelector resourceRules=3[]:NamedRuleWithOperations excludeResourceRules=4[]:NamedRuleWithOperations matchPolicy=7s
MutatingAdmissionPolicy metadata=1:meta.ObjectMeta spec=2:MutatingAdmissionPolicySpec
MutatingAdmissionPolicyBinding metadata=1:meta.ObjectMeta spec=2:MutatingAdmissionPolicyBindingSpec
MutatingAdmissionPolicyBindingSpec policyName=1s paramRef=2:ParamRef matchResources=3:MatchResources
MutatingAdmissionPolicySpec paramKind=1:ParamKind matchConstraints=2:MatchResources variables=3[]:Variable mutations=4[]:Mutation failurePolicy=5s matchConditions=6[]:MatchCondition reinvocationPolicy=7s
MutatingWebhook name=1s clientConfig=2:WebhookClientConfig rules=3[]:RuleWithOperations failurePolicy=4s namespaceSelector=5:meta.LabelSelector sideEffects=6s timeoutSeconds=7i admissionReviewVersions=8[]s matchPolicy=9s reinvocationPolicy=10s objectSelector=11:meta.LabelSelector matchConditions=12[]:MatchCondition
MutatingWebhookConfiguration metadata=1:meta.ObjectMeta webhooks=2[]:MutatingWebhook
Mutation patchType=2s applyConfiguration=3:ApplyConfiguration jsonPatch=4:JSONPatch
NamedRuleWithOperations resourceNames=1[]s ruleWithOperations=2^:RuleWithOperations
ParamKind apiVersion=1s kind=2s
ParamRef name=1s namespace=2s selector=3:meta.LabelSelector parameterNotFoundAction=4s
Rule apiGroups=1[]s apiVersions=2[]s resources=3[]s scope=4s
RuleWithOperations operations=1[]s rule=2^:Rule
ServiceReference namespace=1s name=2s path=3s port=4i
TypeChecking expressionWarnings=1[]:ExpressionWarning
ValidatingAdmissionPolicy metadata=1:meta.ObjectMeta spec=2:ValidatingAdmissionPolicySpec status=3:ValidatingAdmissionPolicyStatus
ValidatingAdmissionPolicyBinding metadata=1:meta.ObjectMeta spec=2:ValidatingAdmissionPolicyBindingSpec
ValidatingAdmissionPolicyBindingSpec policyName=1s paramRef=2:ParamRef matchResources=3:MatchResources validationActions=4[]s
ValidatingAdmissionPolicySpec paramKind=1:ParamKind matchConstraints=2:MatchResources validations=3[]:Validation failurePolicy=4s auditAnnotations=5[]:AuditAnnotation matchConditions=6[]:MatchCondition variables=7[]:Variable
ValidatingAdmissionPolicyStatus observedGeneration=1i typeChecking=2:TypeChecking conditions=3[]:meta.Condition
ValidatingWebhook name=1s clientConfig=2:WebhookClientConfig rules=3[]:RuleWithOperations failurePolicy=4s namespaceSelector=5:meta.LabelSelector sideEffects=6s timeoutSeconds=7i admissionReviewVersions=8[]s matchPolicy=9s objectSelector=10:meta.LabelSelector matchConditions=11[]:MatchCondition
ValidatingWebhookConfiguration metadata=1:meta.ObjectMeta webhooks=2[]:ValidatingWebhook
Validation expression=1s message=2s reason=3s messageExpression=4s
Variable name=1s expression=2s
WebhookClientConfig service=1:ServiceReference caBundle=2y url=3s

[io.k8s.api.apps.v1]
ControllerRevision metadata=1:meta.ObjectMeta data=2:machinery.runtime.RawExtension revision=3i
DaemonSet metadata=1:meta.ObjectMeta spec=2:DaemonSetSpec status=3:DaemonSetStatus
DaemonSetCondition type=1s status=2s lastTransitionTime=3:meta.Time reason=4s message=5s
DaemonSetSpec selector=1:meta.LabelSelector template=2:core.PodTemplateSpec updateStrategy=3:DaemonSetUpdateStrategy minReadySeconds=4i revisionHistoryLimit=6i
DaemonSetStatus currentNumberScheduled=1i numberMisscheduled=2i desiredNumberScheduled=3i numberReady=4i observedGeneration=5i updatedNumberScheduled=6i numberAvailable=7i numberUnavailable=8i collisionCount=9i conditions=10[]:DaemonSetCondition
DaemonSetUpdateStrategy type=1s rollingUpdate=2:RollingUpdateDaemonSet
Deployment metadata=1:meta.ObjectMeta spec=2:DeploymentSpec status=3:DeploymentStatus
DeploymentCondition type=1s status=2s reason=4s message=5s lastUpdateTime=6:meta.Time lastTransitionTime=7:meta.Time
DeploymentSpec replicas=1i selector=2:meta.LabelSelector template=3:core.PodTemplateSpec strategy=4:DeploymentStrategy minReadySeconds=5i revisionHistoryLimit=6i paused=7b progressDeadlineSeconds=9i
DeploymentStatus observedGeneration=1i replicas=2i updatedReplicas=3i availableReplicas=4i unavailableReplicas=5i conditions=6[]:DeploymentCondition readyReplicas=7i collisionCount=8i terminatingReplicas=9i
DeploymentStrategy type=1s rollingUpdate=2:RollingUpdateDeployment
ReplicaSet metadata=1:meta.ObjectMeta spec=2:ReplicaSetSpec status=3:ReplicaSetStatus
ReplicaSetCondition type=1s status=2s lastTransitionTime=3:meta.Time reason=4s message=5s
ReplicaSetSpec replicas=1i selector=2:meta.LabelSelector template=3:core.PodTemplateSpec minReadySeconds=4i
ReplicaSetStatus replicas=1i fullyLabeledReplicas=2i observedGeneration=3i readyReplicas=4i availableReplicas=5i conditions=6[]:ReplicaSetCondition terminatingReplicas=7i
RollingUpdateDaemonSet maxUnavailable=1:machinery.util.intstr.IntOrString maxSurge=2:machinery.util.intstr.IntOrString
RollingUpdateDeployment maxUnavailable=1:machinery.util.intstr.IntOrString maxSurge=2:machinery.util.intstr.IntOrString
RollingUpdateStatefulSetStrategy partition=1i maxUnavailable=2:machinery.util.intstr.IntOrString
StatefulSet metadata=1:meta.ObjectMeta spec=2:StatefulSetSpec status=3:StatefulSetStatus
StatefulSetCondition type=1s status=2s lastTransitionTime=3:meta.Time reason=4s message=5s
StatefulSetOrdinals start=1i
StatefulSetPersistentVolumeClaimRetentionPolicy whenDeleted=1s whenScaled=2s
StatefulSetSpec replicas=1i selector=2:meta.LabelSelector template=3:core.PodTemplateSpec volumeClaimTemplates=4[]:core.PersistentVolumeClaim serviceName=5s podManagementPolicy=6s updateStrategy=7:StatefulSetUpdateStrategy revisionHistoryLimit=8i minReadySeconds=9i persistentVolumeClaimRetentionPolicy=10:StatefulSetPersistentVolumeClaimRetentionPolicy ordinals=11:StatefulSetOrdinals
StatefulSetStatus observedGeneration=1i replicas=2i readyReplicas=3i currentReplicas=4i updatedReplicas=5i currentRevision=6s updateRevision=7s collisionCount=9i conditions=10[]:StatefulSetCondition availableReplicas=11i
StatefulSetUpdateStrategy type=1s rollingUpdate=2:RollingUpdateStatefulSetStrategy

[io.k8s.api.authentication.v1]
BoundObjectReference kind=1s apiVersion=2s name=3s uid=4s
ExtraValue items=1[]s
SelfSubjectReview metadata=1:meta.ObjectMeta status=2:SelfSubjectReviewStatus
SelfSubjectReviewStatus userInfo=1:UserInfo
TokenRequest metadata=1:meta.ObjectMeta spec=2:TokenRequestSpec status=3:TokenRequestStatus
TokenRequestSpec audiences=1[]s boundObjectRef=3:BoundObjectReference expirationSeconds=4i
TokenRequestStatus token=1s expirationTimestamp=2:meta.Time
TokenReview metadata=1:meta.ObjectMeta spec=2:TokenReviewSpec status=3:TokenReviewStatus
TokenReviewSpec token=1s audiences=2[]s
TokenReviewStatus authenticated=1b user=2:UserInfo error=3s audiences=4[]s
UserInfo username=1s uid=2s groups=3[]s extra=4{}:ExtraValue

[io.k8s.api.authorization.v1]
ExtraValue items=1[]s
FieldSelectorAttributes rawSelector=1s requirements=2[]:meta.FieldSelectorRequirement
LabelSelectorAttributes rawSelector=1s requirements=2[]:meta.LabelSelectorRequirement
LocalSubjectAccessReview metadata=1:meta.ObjectMeta spec=2:SubjectAccessReviewSpec status=3:SubjectAccessReviewStatus
NonResourceAttributes path=1s verb=2s
NonResourceRule verbs=1[]s nonResourceURLs=2[]s
ResourceAttributes namespace=1s verb=2s group=3s version=4s resource=5s subresource=6s name=7s fieldSelector=8:FieldSelectorAttributes labelSelector=9:LabelSelectorAttributes
ResourceRule verbs=1[]s apiGroups=2[]s resources=3[]s resourceNames=4[]s
SelfSubjectAccessReview metadata=1:meta.ObjectMeta spec=2:SelfSubjectAccessReviewSpec status=3:SubjectAccessReviewStatus
SelfSubjectAccessReviewSpec resourceAttributes=1:ResourceAttributes nonResourceAttributes=2:NonResourceAttributes
SelfSubjectRulesReview metadata=1:meta.ObjectMeta spec=2:SelfSubjectRulesReviewSpec status=3:SubjectRulesReviewStatus
SelfSubjectRulesReviewSpec namespace=1s
SubjectAccessReview metadata=1:meta.ObjectMeta spec=2:SubjectAccessReviewSpec status=3:SubjectAccessReviewStatus
SubjectAccessReviewSpec resourceAttributes=1:ResourceAttributes nonResourceAttributes=2:NonResourceAttributes user=3s groups=4[]s extra=5{}:ExtraValue uid=6s
SubjectAccessReviewStatus allowed=1b reason=2s evaluationError=3s denied=4b
SubjectRulesReviewStatus resourceRules=1[]:ResourceRule nonResourceRules=2[]:NonResourceRule incomplete=3b evaluationError=4s

[io.k8s.api.autoscaling.v1]
CrossVersionObjectReference kind=1s name=2s apiVersion=3s
HorizontalPodAutoscaler metadata=1:meta.ObjectMeta spec=2:HorizontalPodAutoscalerSpec status=3:HorizontalPodAutoscalerStatus
HorizontalPodAutoscalerSpec scaleTargetRef=1:CrossVersionObjectReference minReplicas=2i maxReplicas=3i targetCPUUtilizationPercentage=4i
HorizontalPodAutoscalerStatus observedGeneration=1i lastScaleTime=2:meta.Time currentReplicas=3i desiredReplicas=4i currentCPUUtilizationPercentage=5i
Scale metadata=1:meta.ObjectMeta spec=2:ScaleSpec status=3:ScaleStatus
ScaleSpec replicas=1i
ScaleStatus replicas=1i selector=2s

[io.k8s.api.autoscaling.v2]
ContainerResourceMetricSource name=1s target=2:MetricTarget container=3s
ContainerResourceMetricStatus name=1s current=2:MetricValueStatus container=3s
CrossVersionObjectReference kind=1s name=2s apiVersion=3s
ExternalMetricSource metric=1:MetricIdentifier target=2:MetricTarget
ExternalMetricStatus metric=1:MetricIdentifier current=2:MetricValueStatus
HPAScalingPolicy type=1s value=2i periodSeconds=3i
HPAScalingRules selectPolicy=1s policies=2[]:HPAScalingPolicy stabilizationWindowSeconds=3i tolerance=4:machinery.api.resource.Quantity
HorizontalPodAutoscaler metadata=1:meta.ObjectMeta spec=2:HorizontalPodAutoscalerSpec status=3:HorizontalPodAutoscalerStatus
HorizontalPodAutoscalerBehavior scaleUp=1:HPAScalingRules scaleDown=2:HPAScalingRules
HorizontalPodAutoscalerCondition type=1s status=2s lastTransitionTime=3:meta.Time reason=4s message=5s
HorizontalPodAutoscalerSpec scaleTargetRef=1:CrossVersionObjectReference minReplicas=2i maxReplicas=3i metrics=4[]:MetricSpec behavior=5:HorizontalPodAutoscalerBehavior
HorizontalPodAutoscalerStatus observedGeneration=1i lastScaleTime=2:meta.Time currentReplicas=3i desiredReplicas=4i currentMetrics=5[]:MetricStatus conditions=6[]:HorizontalPodAutoscalerCondition
MetricIdentifier name=1s selector=2:meta.LabelSelector
MetricSpec type=1s object=2:ObjectMetricSource pods=3:PodsMetricSource resource=4:ResourceMetricSource external=5:ExternalMetricSource containerResource=7:ContainerResourceMetricSource
MetricStatus type=1s object=2:ObjectMetricStatus pods=3:PodsMetricStatus resource=4:ResourceMetricStatus external=5:ExternalMetricStatus containerResource=7:ContainerResourceMetricStatus
MetricTarget type=1s value=2:machinery.api.resource.Quantity averageValue=3:machinery.api.resource.Quantity averageUtilization=4i
MetricValueStatus value=1:machinery.api.resource.Quantity averageValue=2:machinery.api.resource.Quantity averageUtilization=3i
ObjectMetricSource describedObject=1:CrossVersionObjectReference target=2:MetricTarget metric=3:MetricIdentifier
ObjectMetricStatus metric=1:MetricIdentifier current=2:MetricValueStatus describedObject=3:CrossVersionObjectReference
PodsMetricSource metric=1:MetricIdentifier target=2:MetricTarget
PodsMetricStatus metric=1:MetricIdentifier current=2:MetricValueStatus
ResourceMetricSource name=1s target=2:MetricTarget
ResourceMetricStatus name=1s current=2:MetricValueStatus

[io.k8s.api.batch.v1]
CronJob metadata=1:meta.ObjectMeta spec=2:CronJobSpec status=3:CronJobStatus
CronJobSpec schedule=1s startingDeadlineSeconds=2i concurrencyPolicy=3s suspend=4b jobTemplate=5:JobTemplateSpec successfulJobsHistoryLimit=6i failedJobsHistoryLimit=7i timeZone=8s
CronJobStatus active=1[]:core.ObjectReference lastScheduleTime=4:meta.Time lastSuccessfulTime=5:meta.Time
Job metadata=1:meta.ObjectMeta spec=2:JobSpec status=3:JobStatus
JobCondition type=1s status=2s lastProbeTime=3:meta.Time lastTransitionTime=4:meta.Time reason=5s message=6s
JobSpec parallelism=1i completions=2i activeDeadlineSeconds=3i selector=4:meta.LabelSelector manualSelector=5b template=6:core.PodTemplateSpec backoffLimit=7i ttlSecondsAfterFinished=8i completionMode=9s suspend=10b podFailurePolicy=11:PodFailurePolicy backoffLimitPerIndex=12i maxFailedIndexes=13i podReplacementPolicy=14s managedBy=15s successPolicy=16:SuccessPolicy
JobStatus conditions=1[]:JobCondition startTime=2:meta.Time completionTime=3:meta.Time active=4i succeeded=5i failed=6i completedIndexes=7s uncountedTerminatedPods=8:UncountedTerminatedPods ready=9i failedIndexes=10s terminating=11i
JobTemplateSpec metadata=1:meta.ObjectMeta spec=2:JobSpec
PodFailurePolicy rules=1[]:PodFailurePolicyRule
PodFailurePolicyOnExitCodesRequirement containerName=1s operator=2s values=3[]i
PodFailurePolicyOnPodConditionsPattern type=1s status=2s
PodFailurePolicyRule action=1s onExitCodes=2:PodFailurePolicyOnExitCodesRequirement onPodConditions=3[]:PodFailurePolicyOnPodConditionsPattern
SuccessPolicy rules=1[]:SuccessPolicyRule
SuccessPolicyRule succeededIndexes=1s succeededCount=2i
UncountedTerminatedPods succeeded=1[]s failed=2[]s

[io.k8s.api.certificates.v1]
CertificateSigningRequest metadata=1:meta.ObjectMeta spec=2:CertificateSigningRequestSpec status=3:CertificateSigningRequestStatus
CertificateSigningRequestCondition type=1s reason=2s message=3s lastUpdateTime=4:meta.Time lastTransitionTime=5:meta.Time status=6s
CertificateSigningRequestSpec request=1y username=2s uid=3s groups=4[]s usages=5[]s extra=6{}:ExtraValue signerName=7s expirationSeconds=8i
CertificateSigningRequestStatus conditions=1[]:CertificateSigningRequestCondition certificate=2y
ClusterTrustBundle metadata=1:meta.ObjectMeta spec=2:ClusterTrustBundleSpec
ClusterTrustBundleSpec signerName=1s trustBundle=2s
ExtraValue items=1[]s
PodCertificateRequest metadata=1:meta.ObjectMeta spec=2:PodCertificateRequestSpec status=3:PodCertificateRequestStatus
PodCertificateRequestSpec signerName=1s podName=2s podUID=3s serviceAccountName=4s serviceAccountUID=5s nodeName=6s nodeUID=7s maxExpirationSeconds=8i pkixPublicKey=9y proofOfPossession=10y unverifiedUserAnnotations=11{}s stubPKCS10Request=12y
PodCertificateRequestStatus conditions=1[]:meta.Condition certificateChain=2s notBefore=4:meta.Time beginRefreshAt=5:meta.Time notAfter=6:meta.Time

[io.k8s.api.coordination.v1]
Lease metadata=1:meta.ObjectMeta spec=2:LeaseSpec
LeaseSpec holderIdentity=1s leaseDurationSeconds=2i acquireTime=3:meta.MicroTime renewTime=4:meta.MicroTime leaseTransitions=5i strategy=6s preferredHolder=7s

[io.k8s.api.core.v1]
AWSElasticBlockStoreVolumeSource volumeID=1s fsType=2s partition=3i readOnly=4b
Affinity nodeAffinity=1:NodeAffinity podAffinity=2:PodAffinity podAntiAffinity=3:PodAntiAffinity
AppArmorProfile type=1s localhostProfile=2s
AttachedVolume name=1s devicePath=2s
AzureDiskVolumeSource diskName=1s diskURI=2s cachingMode=3s fsType=4s readOnly=5b kind=6s
AzureFilePersistentVolumeSource secretName=1s shareName=2s readOnly=3b secretNamespace=4s
AzureFileVolumeSource secretName=1s shareName=2s readOnly=3b
Binding metadata=1:meta.ObjectMeta target=2:ObjectReference
CSIPersistentVolumeSource driver=1s volumeHandle=2s readOnly=3b fsType=4s volumeAttributes=5{}s controllerPublishSecretRef=6:SecretReference nodeStageSecretRef=7:SecretReference nodePublishSecretRef=8:SecretReference controllerExpandSecretRef=9:SecretReference nodeExpandSecretRef=10:SecretReference
CSIVolumeSource driver=1s readOnly=2b fsType=3s volumeAttributes=4{}s nodePublishSecretRef=5:LocalObjectReference
Capabilities add=1[]s drop=2[]s
CephFSPersistentVolumeSource monitors=1[]s path=2s user=3s secretFile=4s secretRef=5:SecretReference readOnly=6b
CephFSVolumeSource monitors=1[]s path=2s user=3s secretFile=4s secretRef=5:LocalObjectReference readOnly=6b
CinderPersistentVolumeSource volumeID=1s fsType=2s readOnly=3b secretRef=4:SecretReference
CinderVolumeSource volumeID=1s fsType=2s readOnly=3b secretRef=4:LocalObjectReference
ClientIPConfig timeoutSeconds=1i
ClusterTrustBundleProjection name=1s signerName=2s labelSelector=3:meta.LabelSelector path=4s optional=5b
ComponentCondition type=1s status=2s message=3s error=4s
ComponentStatus metadata=1:meta.ObjectMeta conditions=2[]:ComponentCondition
ConfigMap metadata=1:meta.ObjectMeta data=2{}s binaryData=3{}y immutable=4b
ConfigMapEnvSource localObjectReference=1^:LocalObjectReference optional=2b
ConfigMapKeySelector localObjectReference=1^:LocalObjectReference key=2s optional=3b
ConfigMapNodeConfigSource namespace=1s name=2s uid=3s resourceVersion=4s kubeletConfigKey=5s
ConfigMapProjection localObjectReference=1^:LocalObjectReference items=2[]:KeyToPath optional=4b
ConfigMapVolumeSource localObjectReference=1^:LocalObjectReference items=2[]:KeyToPath defaultMode=3i optional=4b
Container name=1s image=2s command=3[]s args=4[]s workingDir=5s ports=6[]:ContainerPort env=7[]:EnvVar resources=8:ResourceRequirements volumeMounts=9[]:VolumeMount livenessProbe=10:Probe readinessProbe=11:Probe lifecycle=12:Lifecycle terminationMessagePath=13s imagePullPolicy=14s securityContext=15:SecurityContext stdin=16b stdinOnce=17b tty=18b envFrom=19[]:EnvFromSource terminationMessagePolicy=20s volumeDevices=21[]:VolumeDevice startupProbe=22:Probe resizePolicy=23[]:ContainerResizePolicy restartPolicy=24s restartPolicyRules=25[]:ContainerRestartRule
ContainerExtendedResourceRequest containerName=1s resourceName=2s requestName=3s
ContainerImage names=1[]s sizeBytes=2i
ContainerPort name=1s hostPort=2i containerPort=3i protocol=4s hostIP=5s
ContainerResizePolicy resourceName=1s restartPolicy=2s
ContainerRestartRule action=1s exitCodes=2:ContainerRestartRuleOnExitCodes
ContainerRestartRuleOnExitCodes operator=1s values=2[]i
ContainerState waiting=1:ContainerStateWaiting running=2:ContainerStateRunning terminated=3:ContainerStateTerminated
ContainerStateRunning startedAt=1:meta.Time
ContainerStateTerminated exitCode=1i signal=2i reason=3s message=4s startedAt=5:meta.Time finishedAt=6:meta.Time containerID=7s
ContainerStateWaiting reason=1s message=2s
ContainerStatus name=1s state=2:ContainerState lastState=3:ContainerState ready=4b restartCount=5i image=6s imageID=7s containerID=8s started=9b allocatedResources=10{}:machinery.api.resource.Quantity resources=11:ResourceRequirements volumeMounts=12[]:VolumeMountStatus user=13:ContainerUser allocatedResourcesStatus=14[]:ResourceStatus stopSignal=15s
ContainerUser linux=1:LinuxContainerUser
DaemonEndpoint Port=1i
DownwardAPIProjection items=1[]:DownwardAPIVolumeFile
DownwardAPIVolumeFile path=1s fieldRef=2:ObjectFieldSelector resourceFieldRef=3:ResourceFieldSelector mode=4i
DownwardAPIVolumeSource items=1[]:DownwardAPIVolumeFile defaultMode=2i
EmptyDirVolumeSource medium=1s sizeLimit=2:machinery.api.resource.Quantity
EndpointAddress ip=1s targetRef=2:ObjectReference hostname=3s nodeName=4s
EndpointPort name=1s port=2i protocol=3s appProtocol=4s
EndpointSubset addresses=1[]:EndpointAddress notReadyAddresses=2[]:EndpointAddress ports=3[]:EndpointPort
Endpoints metadata=1:meta.ObjectMeta subsets=2[]:EndpointSubset
EnvFromSource prefix=1s configMapRef=2:ConfigMapEnvSource secretRef=3:SecretEnvSource
EnvVar name=1s value=2s valueFrom=3:EnvVarSource
EnvVarSource fieldRef=1:ObjectFieldSelector resourceFieldRef=2:ResourceFieldSelector configMapKeyRef=3:ConfigMapKeySelector secretKeyRef=4:SecretKeySelector fileKeyRef=5:FileKeySelector
EphemeralContainer ephemeralContainerCommon=1^:EphemeralContainerCommon targetContainerName=2s
EphemeralContainerCommon name=1s image=2s command=3[]s args=4[]s workingDir=5s ports=6[]:ContainerPort env=7[]:EnvVar resources=8:ResourceRequirements volumeMounts=9[]:VolumeMount livenessProbe=10:Probe readinessProbe=11:Probe lifecycle=12:Lifecycle terminationMessagePath=13s imagePullPolicy=14s securityContext=15:SecurityContext stdin=16b stdinOnce=17b tty=18b envFrom=19[]:EnvFromSource terminationMessagePolicy=20s volumeDevices=21[]:VolumeDevice startupProbe=22:Probe resizePolicy=23[]:ContainerResizePolicy restartPolicy=24s restartPolicyRules=25[]:ContainerRestartRule
EphemeralVolumeSource volumeClaimTemplate=1:PersistentVolumeClaimTemplate
Event metadata=1:meta.ObjectMeta involvedObject=2:ObjectReference reason=3s message=4s source=5:EventSource firstTimestamp=6:meta.Time lastTimestamp=7:meta.Time count=8i type=9s eventTime=10:meta.MicroTime series=11:EventSeries action=12s related=13:ObjectReference reportingComponent=14s reportingInstance=15s
EventSeries count=1i lastObservedTime=2:meta.MicroTime
EventSource component=1s host=2s
ExecAction command=1[]s
FCVolumeSource targetWWNs=1[]s lun=2i fsType=3s readOnly=4b wwids=5[]s
FileKeySelector volumeName=1s path=2s key=3s optional=4b
FlexPersistentVolumeSource driver=1s fsType=2s secretRef=3:SecretReference readOnly=4b options=5{}s
FlexVolumeSource driver=1s fsType=2s secretRef=3:LocalObjectReference readOnly=4b options=5{}s
FlockerVolumeSource datasetName=1s datasetUUID=2s
GCEPersistentDiskVolumeSource pdName=1s fsType=2s partition=3i readOnly=4b
GRPCAction port=1i service=2s
GitRepoVolumeSource repository=1s revision=2s directory=3s
GlusterfsPersistentVolumeSource endpoints=1s path=2s readOnly=3b endpointsNamespace=4s
GlusterfsVolumeSource endpoints=1s path=2s readOnly=3b
HTTPGetAction path=1s port=2:machinery.util.intstr.IntOrString host=3s scheme=4s httpHeaders=5[]:HTTPHeader
HTTPHeader name=1s value=2s
HostAlias ip=1s hostnames=2[]s
HostIP ip=1s
HostPathVolumeSource path=1s type=2s
ISCSIPersistentVolumeSource targetPortal=1s iqn=2s lun=3i iscsiInterface=4s fsType=5s readOnly=6b portals=7[]s chapAuthDiscovery=8b secretRef=10:SecretReference chapAuthSession=11b initiatorName=12s
ISCSIVolumeSource targetPortal=1s iqn=2s lun=3i iscsiInterface=4s fsType=5s readOnly=6b portals=7[]s chapAuthDiscovery=8b secretRef=10:LocalObjectReference chapAuthSession=11b initiatorName=12s
ImageVolumeSource reference=1s pullPolicy=2s
ImageVolumeStatus imageRef=1s
KeyToPath key=1s path=2s mode=3i
Lifecycle postStart=1:LifecycleHandler preStop=2:LifecycleHandler stopSignal=3s
LifecycleHandler exec=1:ExecAction httpGet=2:HTTPGetAction tcpSocket=3:TCPSocketAction sleep=4:SleepAction
LimitRange metadata=1:meta.ObjectMeta spec=2:LimitRangeSpec
LimitRangeItem type=1s max=2{}:machinery.api.resource.Quantity min=3{}:machinery.api.resource.Quantity default=4{}:machinery.api.resource.Quantity defaultRequest=5{}:machinery.api.resource.Quantity maxLimitRequestRatio=6{}:machinery.api.resource.Quantity
LimitRangeSpec limits=1[]:LimitRangeItem
LinuxContainerUser uid=1i gid=2i supplementalGroups=3[]i
LoadBalancerIngress ip=1s hostname=2s ipMode=3s ports=4[]:PortStatus
LoadBalancerStatus ingress=1[]:LoadBalancerIngress
LocalObjectReference name=1s
LocalVolumeSource path=1s fsType=2s
ModifyVolumeStatus targetVolumeAttributesClassName=1s status=2s
NFSVolumeSource server=1s path=2s readOnly=3b
Namespace metadata=1:meta.ObjectMeta spec=2:NamespaceSpec status=3:NamespaceStatus
NamespaceCondition type=1s status=2s lastTransitionTime=4:meta.Time reason=5s message=6s
NamespaceSpec finalizers=1[]s
NamespaceStatus phase=1s conditions=2[]:NamespaceCondition
Node metadata=1:meta.ObjectMeta spec=2:NodeSpec status=3:NodeStatus
NodeAddress type=1s address=2s
NodeAffinity requiredDuringSchedulingIgnoredDuringExecution=1:NodeSelector preferredDuringSchedulingIgnoredDuringExecution=2[]:PreferredSchedulingTerm
NodeAllocatableResourceClaimStatus resourceClaimName=1s containers=2[]s resources=3{}:machinery.api.resource.Quantity
NodeCondition type=1s status=2s lastHeartbeatTime=3:meta.Time lastTransitionTime=4:meta.Time reason=5s message=6s
NodeConfigSource configMap=2:ConfigMapNodeConfigSource
NodeConfigStatus assigned=1:NodeConfigSource active=2:NodeConfigSource lastKnownGood=3:NodeConfigSource error=4s
NodeDaemonEndpoints kubeletEndpoint=1:DaemonEndpoint
NodeFeatures supplementalGroupsPolicy=1b
NodeRuntimeHandler name=1s features=2:NodeRuntimeHandlerFeatures
NodeRuntimeHandlerFeatures recursiveReadOnlyMounts=1b userNamespaces=2b
NodeSelector nodeSelectorTerms=1[]:NodeSelectorTerm
NodeSelectorRequirement key=1s operator=2s values=3[]s
NodeSelectorTerm matchExpressions=1[]:NodeSelectorRequirement matchFields=2[]:NodeSelectorRequirement
NodeSpec podCIDR=1s externalID=2s providerID=3s unschedulable=4b taints=5[]:Taint configSource=6:NodeConfigSource podCIDRs=7[]s
NodeStatus capacity=1{}:machinery.api.resource.Quantity allocatable=2{}:machinery.api.resource.Quantity phase=3s conditions=4[]:NodeCondition addresses=5[]:NodeAddress daemonEndpoints=6:NodeDaemonEndpoints nodeInfo=7:NodeSystemInfo images=8[]:ContainerImage volumesInUse=9[]s volumesAttached=10[]:AttachedVolume config=11:NodeConfigStatus runtimeHandlers=12[]:NodeRuntimeHandler features=13:NodeFeatures declaredFeatures=14[]s
NodeSwapStatus capacity=1i
NodeSystemInfo machineID=1s systemUUID=2s bootID=3s kernelVersion=4s osImage=5s containerRuntimeVersion=6s kubeletVersion=7s kubeProxyVersion=8s operatingSystem=9s architecture=10s swap=11:NodeSwapStatus
ObjectFieldSelector apiVersion=1s fieldPath=2s
ObjectReference kind=1s namespace=2s name=3s uid=4s apiVersion=5s resourceVersion=6s fieldPath=7s
PersistentVolume metadata=1:meta.ObjectMeta spec=2:PersistentVolumeSpec status=3:PersistentVolumeStatus
PersistentVolumeClaim metadata=1:meta.ObjectMeta spec=2:PersistentVolumeClaimSpec status=3:PersistentVolumeClaimStatus
PersistentVolumeClaimCondition type=1s status=2s lastProbeTime=3:meta.Time lastTransitionTime=4:meta.Time reason=5s message=6s
PersistentVolumeClaimSpec accessModes=1[]s resources=2:VolumeResourceRequirements volumeName=3s selector=4:meta.LabelSelector storageClassName=5s volumeMode=6s dataSource=7:TypedLocalObjectReference dataSourceRef=8:TypedObjectReference volumeAttributesClassName=9s
PersistentVolumeClaimStatus phase=1s accessModes=2[]s capacity=3{}:machinery.api.resource.Quantity conditions=4[]:PersistentVolumeClaimCondition allocatedResources=5{}:machinery.api.resource.Quantity allocatedResourceStatuses=7{}s currentVolumeAttributesClassName=8s modifyVolumeStatus=9:ModifyVolumeStatus
PersistentVolumeClaimTemplate metadata=1:meta.ObjectMeta spec=2:PersistentVolumeClaimSpec
PersistentVolumeClaimVolumeSource claimName=1s readOnly=2b
PersistentVolumeSource gcePersistentDisk=1:GCEPersistentDiskVolumeSource awsElasticBlockStore=2:AWSElasticBlockStoreVolumeSource hostPath=3:HostPathVolumeSource glusterfs=4:GlusterfsPersistentVolumeSource nfs=5:NFSVolumeSource rbd=6:RBDPersistentVolumeSource iscsi=7:ISCSIPersistentVolumeSource cinder=8:CinderPersistentVolumeSource cephfs=9:CephFSPersistentVolumeSource fc=10:FCVolumeSource flocker=11:FlockerVolumeSource flexVolume=12:FlexPersistentVolumeSource azureFile=13:AzureFilePersistentVolumeSource vsphereVolume=14:VsphereVirtualDiskVolumeSource quobyte=15:QuobyteVolumeSource azureDisk=16:AzureDiskVolumeSource photonPersistentDisk=17:PhotonPersistentDiskVolumeSource portworxVolume=18:PortworxVolumeSource scaleIO=19:ScaleIOPersistentVolumeSource local=20:LocalVolumeSource storageos=21:StorageOSPersistentVolumeSource csi=22:CSIPersistentVolumeSource
PersistentVolumeSpec capacity=1{}:machinery.api.resource.Quantity persistentVolumeSource=2^:PersistentVolumeSource accessModes=3[]s claimRef=4:ObjectReference persistentVolumeReclaimPolicy=5s storageClassName=6s mountOptions=7[]s volumeMode=8s nodeAffinity=9:VolumeNodeAffinity volumeAttributesClassName=10s
PersistentVolumeStatus phase=1s message=2s reason=3s lastPhaseTransitionTime=4:meta.Time
PhotonPersistentDiskVolumeSource pdID=1s fsType=2s
Pod metadata=1:meta.ObjectMeta spec=2:PodSpec status=3:PodStatus
PodAffinity requiredDuringSchedulingIgnoredDuringExecution=1[]:PodAffinityTerm preferredDuringSchedulingIgnoredDuringExecution=2[]:WeightedPodAffinityTerm
PodAffinityTerm labelSelector=1:meta.LabelSelector namespaces=2[]s topologyKey=3s namespaceSelector=4:meta.LabelSelector matchLabelKeys=5[]s mismatchLabelKeys=6[]s
PodAntiAffinity requiredDuringSchedulingIgnoredDuringExecution=1[]:PodAffinityTerm preferredDuringSchedulingIgnoredDuringExecution=2[]:WeightedPodAffinityTerm
PodCertificateProjection signerName=1s keyType=2s maxExpirationSeconds=3i credentialBundlePath=4s keyPath=5s certificateChainPath=6s userAnnotations=7{}s
PodCondition type=1s status=2s lastProbeTime=3:meta.Time lastTransitionTime=4:meta.Time reason=5s message=6s observedGeneration=7i
PodDNSConfig nameservers=1[]s searches=2[]s options=3[]:PodDNSConfigOption
PodDNSConfigOption name=1s value=2s
PodExtendedResourceClaimStatus requestMappings=1[]:ContainerExtendedResourceRequest resourceClaimName=2s
PodIP ip=1s
PodOS name=1s
PodReadinessGate conditionType=1s
PodResourceClaim name=1s resourceClaimName=3s resourceClaimTemplateName=4s
PodResourceClaimStatus name=1s resourceClaimName=2s
PodSchedulingGate name=1s
PodSchedulingGroup podGroupName=1s
PodSecurityContext seLinuxOptions=1:SELinuxOptions runAsUser=2i runAsNonRoot=3b supplementalGroups=4[]i fsGroup=5i runAsGroup=6i sysctls=7[]:Sysctl windowsOptions=8:WindowsSecurityContextOptions fsGroupChangePolicy=9s seccompProfile=10:SeccompProfile appArmorProfile=11:AppArmorProfile supplementalGroupsPolicy=12s seLinuxChangePolicy=13s
PodSpec volumes=1[]:Volume containers=2[]:Container restartPolicy=3s terminationGracePeriodSeconds=4i activeDeadlineSeconds=5i dnsPolicy=6s nodeSelector=7{}s serviceAccountName=8s serviceAccount=9s nodeName=10s hostNetwork=11b hostPID=12b hostIPC=13b securityContext=14:PodSecurityContext imagePullSecrets=15[]:LocalObjectReference hostname=16s subdomain=17s affinity=18:Affinity schedulerName=19s initContainers=20[]:Container automountServiceAccountToken=21b tolerations=22[]:Toleration hostAliases=23[]:HostAlias priorityClassName=24s priority=25i dnsConfig=26:PodDNSConfig shareProcessNamespace=27b readinessGates=28[]:PodReadinessGate runtimeClassName=29s enableServiceLinks=30b preemptionPolicy=31s overhead=32{}:machinery.api.resource.Quantity topologySpreadConstraints=33[]:TopologySpreadConstraint ephemeralContainers=34[]:EphemeralContainer setHostnameAsFQDN=35b os=36:PodOS hostUsers=37b schedulingGates=38[]:PodSchedulingGate resourceClaims=39[]:PodResourceClaim resources=40:ResourceRequirements hostnameOverride=41s schedulingGroup=43:PodSchedulingGroup
PodStatus phase=1s conditions=2[]:PodCondition message=3s reason=4s hostIP=5s podIP=6s startTime=7:meta.Time containerStatuses=8[]:ContainerStatus qosClass=9s initContainerStatuses=10[]:ContainerStatus nominatedNodeName=11s podIPs=12[]:PodIP ephemeralContainerStatuses=13[]:ContainerStatus resize=14s resourceClaimStatuses=15[]:PodResourceClaimStatus hostIPs=16[]:HostIP observedGeneration=17i extendedResourceClaimStatus=18:PodExtendedResourceClaimStatus allocatedResources=19{}:machinery.api.resource.Quantity resources=20:ResourceRequirements nodeAllocatableResourceClaimStatuses=21[]:NodeAllocatableResourceClaimStatus
PodTemplate metadata=1:meta.ObjectMeta template=2:PodTemplateSpec
PodTemplateSpec metadata=1:meta.ObjectMeta spec=2:PodSpec
PortStatus port=1i protocol=2s error=3s
PortworxVolumeSource volumeID=1s fsType=2s readOnly=3b
PreferredSchedulingTerm weight=1i preference=2:NodeSelectorTerm
Probe handler=1^:ProbeHandler initialDelaySeconds=2i timeoutSeconds=3i periodSeconds=4i successThreshold=5i failureThreshold=6i terminationGracePeriodSeconds=7i
ProbeHandler exec=1:ExecAction httpGet=2:HTTPGetAction tcpSocket=3:TCPSocketAction grpc=4:GRPCAction
ProjectedVolumeSource sources=1[]:VolumeProjection defaultMode=2i
QuobyteVolumeSource registry=1s volume=2s readOnly=3b user=4s group=5s tenant=6s
RBDPersistentVolumeSource monitors=1[]s image=2s fsType=3s pool=4s user=5s keyring=6s secretRef=7:SecretReference readOnly=8b
RBDVolumeSource monitors=1[]s image=2s fsType=3s pool=4s user=5s keyring=6s secretRef=7:LocalObjectReference readOnly=8b
ReplicationController metadata=1:meta.ObjectMeta spec=2:ReplicationControllerSpec status=3:ReplicationControllerStatus
ReplicationControllerCondition type=1s status=2s lastTransitionTime=3:meta.Time reason=4s message=5s
ReplicationControllerSpec replicas=1i selector=2{}s template=3:PodTemplateSpec minReadySeconds=4i
ReplicationControllerStatus replicas=1i fullyLabeledReplicas=2i observedGeneration=3i readyReplicas=4i availableReplicas=5i conditions=6[]:ReplicationControllerCondition
ResourceClaim name=1s request=2s
ResourceFieldSelector containerName=1s resource=2s divisor=3:machinery.api.resource.Quantity
ResourceHealth resourceID=1s health=2s message=6s
ResourceQuota metadata=1:meta.ObjectMeta spec=2:ResourceQuotaSpec status=3:ResourceQuotaStatus
ResourceQuotaSpec hard=1{}:machinery.api.resource.Quantity scopes=2[]s scopeSelector=3:ScopeSelector
ResourceQuotaStatus hard=1{}:machinery.api.resource.Quantity used=2{}:machinery.api.resource.Quantity
ResourceRequirements limits=1{}:machinery.api.resource.Quantity requests=2{}:machinery.api.resource.Quantity claims=3[]:ResourceClaim
ResourceStatus name=1s resources=2[]:ResourceHealth
SELinuxOptions user=1s role=2s type=3s level=4s
ScaleIOPersistentVolumeSource gateway=1s system=2s secretRef=3:SecretReference sslEnabled=4b protectionDomain=5s storagePool=6s storageMode=7s volumeName=8s fsType=9s readOnly=10b
ScaleIOVolumeSource gateway=1s system=2s secretRef=3:LocalObjectReference sslEnabled=4b protectionDomain=5s storagePool=6s storageMode=7s volumeName=8s fsType=9s readOnly=10b
ScopeSelector matchExpressions=1[]:ScopedResourceSelectorRequirement
ScopedResourceSelectorRequirement scopeName=1s operator=2s values=3[]s
SeccompProfile type=1s localhostProfile=2s
Secret metadata=1:meta.ObjectMeta data=2{}y type=3s stringData=4{}s immutable=5b
SecretEnvSource localObjectReference=1^:LocalObjectReference optional=2b
SecretKeySelector localObjectReference=1^:LocalObjectReference key=2s optional=3b
SecretProjection localObjectReference=1^:LocalObjectReference items=2[]:KeyToPath optional=4b
SecretReference name=1s namespace=2s
SecretVolumeSource secretName=1s items=2[]:KeyToPath defaultMode=3i optional=4b
SecurityContext capabilities=1:Capabilities privileged=2b seLinuxOptions=3:SELinuxOptions runAsUser=4i runAsNonRoot=5b readOnlyRootFilesystem=6b allowPrivilegeEscalation=7b runAsGroup=8i procMount=9s windowsOptions=10:WindowsSecurityContextOptions seccompProfile=11:SeccompProfile appArmorProfile=12:AppArmorProfile
Service metadata=1:meta.ObjectMeta spec=2:ServiceSpec status=3:ServiceStatus
ServiceAccount metadata=1:meta.ObjectMeta secrets=2[]:ObjectReference imagePullSecrets=3[]:LocalObjectReference automountServiceAccountToken=4b
ServiceAccountTokenProjection audience=1s expirationSeconds=2i path=3s
ServicePort name=1s protocol=2s port=3i targetPort=4:machinery.util.intstr.IntOrString nodePort=5i appProtocol=6s
ServiceSpec ports=1[]:ServicePort selector=2{}s clusterIP=3s type=4s externalIPs=5[]s sessionAffinity=7s loadBalancerIP=8s loadBalancerSourceRanges=9[]s externalName=10s externalTrafficPolicy=11s healthCheckNodePort=12i publishNotReadyAddresses=13b sessionAffinityConfig=14:SessionAffinityConfig ipFamilyPolicy=17s clusterIPs=18[]s ipFamilies=19[]s allocateLoadBalancerNodePorts=20b loadBalancerClass=21s internalTrafficPolicy=22s trafficDistribution=23s
ServiceStatus loadBalancer=1:LoadBalancerStatus conditions=2[]:meta.Condition
SessionAffinityConfig clientIP=1:ClientIPConfig
SleepAction seconds=1i
StorageOSPersistentVolumeSource volumeName=1s volumeNamespace=2s fsType=3s readOnly=4b secretRef=5:ObjectReference
StorageOSVolumeSource volumeName=1s volumeNamespace=2s fsType=3s readOnly=4b secretRef=5:LocalObjectReference
Sysctl name=1s value=2s
TCPSocketAction port=1:machinery.util.intstr.IntOrString host=2s
Taint key=1s value=2s effect=3s timeAdded=4:meta.Time
Toleration key=1s operator=2s value=3s effect=4s tolerationSeconds=5i
TopologySelectorLabelRequirement key=1s values=2[]s
TopologySelectorTerm matchLabelExpressions=1[]:TopologySelectorLabelRequirement
TopologySpreadConstraint maxSkew=1i topologyKey=2s whenUnsatisfiable=3s labelSelector=4:meta.LabelSelector minDomains=5i nodeAffinityPolicy=6s nodeTaintsPolicy=7s matchLabelKeys=8[]s
TypedLocalObjectReference apiGroup=1s kind=2s name=3s
TypedObjectReference apiGroup=1s kind=2s name=3s namespace=4s
Volume name=1s volumeSource=2^:VolumeSource
VolumeDevice name=1s devicePath=2s
VolumeMount name=1s readOnly=2b mountPath=3s subPath=4s mountPropagation=5s subPathExpr=6s recursiveReadOnly=7s
VolumeMountStatus name=1s mountPath=2s readOnly=3b recursiveReadOnly=4s volumeStatus=5:VolumeStatus
VolumeNodeAffinity required=1:NodeSelector
VolumeProjection secret=1:SecretProjection downwardAPI=2:DownwardAPIProjection configMap=3:ConfigMapProjection serviceAccountToken=4:ServiceAccountTokenProjection clusterTrustBundle=5:ClusterTrustBundleProjection podCertificate=6:PodCertificateProjection
VolumeResourceRequirements limits=1{}:machinery.api.resource.Quantity requests=2{}:machinery.api.resource.Quantity
VolumeSource hostPath=1:HostPathVolumeSource emptyDir=2:EmptyDirVolumeSource gcePersistentDisk=3:GCEPersistentDiskVolumeSource awsElasticBlockStore=4:AWSElasticBlockStoreVolumeSource gitRepo=5:GitRepoVolumeSource secret=6:SecretVolumeSource nfs=7:NFSVolumeSource iscsi=8:ISCSIVolumeSource glusterfs=9:GlusterfsVolumeSource persistentVolumeClaim=10:PersistentVolumeClaimVolumeSource rbd=11:RBDVolumeSource flexVolume=12:FlexVolumeSource cinder=13:CinderVolumeSource cephfs=14:CephFSVolumeSource flocker=15:FlockerVolumeSource downwardAPI=16:DownwardAPIVolumeSource fc=17:FCVolumeSource azureFile=18:AzureFileVolumeSource configMap=19:ConfigMapVolumeSource vsphereVolume=20:VsphereVirtualDiskVolumeSource quobyte=21:QuobyteVolumeSource azureDisk=22:AzureDiskVolumeSource photonPersistentDisk=23:PhotonPersistentDiskVolumeSource portworxVolume=24:PortworxVolumeSource scaleIO=25:ScaleIOVolumeSource projected=26:ProjectedVolumeSource storageos=27:StorageOSVolumeSource csi=28:CSIVolumeSource ephemeral=29:EphemeralVolumeSource image=30:ImageVolumeSource
VolumeStatus image=1:ImageVolumeStatus
VsphereVirtualDiskVolumeSource volumePath=1s fsType=2s storagePolicyName=3s storagePolicyID=4s
WeightedPodAffinityTerm weight=1i podAffinityTerm=2:PodAffinityTerm
WindowsSecurityContextOptions gmsaCredentialSpecName=1s gmsaCredentialSpec=2s runAsUserName=3s hostProcess=4b

[io.k8s.api.discovery.v1]
Endpoint addresses=1[]s conditions=2:EndpointConditions hostname=3s targetRef=4:core.ObjectReference deprecatedTopology=5{}s nodeName=6s zone=7s hints=8:EndpointHints
EndpointConditions ready=1b serving=2b terminating=3b
EndpointHints forZones=1[]:ForZone forNodes=2[]:ForNode
EndpointPort name=1s protocol=2s port=3i appProtocol=4s
EndpointSlice metadata=1:meta.ObjectMeta endpoints=2[]:Endpoint ports=3[]:EndpointPort addressType=4s
ForNode name=1s
ForZone name=1s

[io.k8s.api.events.v1]
Event metadata=1:meta.ObjectMeta eventTime=2:meta.MicroTime series=3:EventSeries reportingController=4s reportingInstance=5s action=6s reason=7s regarding=8:core.ObjectReference related=9:core.ObjectReference note=10s type=11s deprecatedSource=12:core.EventSource deprecatedFirstTimestamp=13:meta.Time deprecatedLastTimestamp=14:meta.Time deprecatedCount=15i
EventSeries count=1i lastObservedTime=2:meta.MicroTime

[io.k8s.api.flowcontrol.v1]
ExemptPriorityLevelConfiguration nominalConcurrencyShares=1i lendablePercent=2i
FlowDistinguisherMethod type=1s
FlowSchema metadata=1:meta.ObjectMeta spec=2:FlowSchemaSpec status=3:FlowSchemaStatus
FlowSchemaCondition type=1s status=2s lastTransitionTime=3:meta.Time reason=4s message=5s
FlowSchemaSpec priorityLevelConfiguration=1:PriorityLevelConfigurationReference matchingPrecedence=2i distinguisherMethod=3:FlowDistinguisherMethod rules=4[]:PolicyRulesWithSubjects
FlowSchemaStatus conditions=1[]:FlowSchemaCondition
GroupSubject name=1s
LimitResponse type=1s queuing=2:QueuingConfiguration
LimitedPriorityLevelConfiguration nominalConcurrencyShares=1i limitResponse=2:LimitResponse lendablePercent=3i borrowingLimitPercent=4i
NonResourcePolicyRule verbs=1[]s nonResourceURLs=6[]s
PolicyRulesWithSubjects subjects=1[]:Subject resourceRules=2[]:ResourcePolicyRule nonResourceRules=3[]:NonResourcePolicyRule
PriorityLevelConfiguration metadata=1:meta.ObjectMeta spec=2:PriorityLevelConfigurationSpec status=3:PriorityLevelConfigurationStatus
PriorityLevelConfigurationCondition type=1s status=2s lastTransitionTime=3:meta.Time reason=4s message=5s
PriorityLevelConfigurationReference name=1s
PriorityLevelConfigurationSpec type=1s limited=2:LimitedPriorityLevelConfiguration exempt=3:ExemptPriorityLevelConfiguration
PriorityLevelConfigurationStatus conditions=1[]:PriorityLevelConfigurationCondition
QueuingConfiguration queues=1i handSize=2i queueLengthLimit=3i
ResourcePolicyRule verbs=1[]s apiGroups=2[]s resources=3[]s clusterScope=4b namespaces=5[]s
ServiceAccountSubject namespace=1s name=2s
Subject kind=1s user=2:UserSubject group=3:GroupSubject serviceAccount=4:ServiceAccountSubject
UserSubject name=1s

[io.k8s.api.networking.v1]
HTTPIngressPath path=1s backend=2:IngressBackend pathType=3s
HTTPIngressRuleValue paths=1[]:HTTPIngressPath
IPAddress metadata=1:meta.ObjectMeta spec=2:IPAddressSpec
IPAddressSpec parentRef=1:ParentReference
IPBlock cidr=1s except=2[]s
Ingress metadata=1:meta.ObjectMeta spec=2:IngressSpec status=3:IngressStatus
IngressBackend resource=3:core.TypedLocalObjectReference service=4:IngressServiceBackend
IngressClass metadata=1:meta.ObjectMeta spec=2:IngressClassSpec
IngressClassParametersReference apiGroup=1s kind=2s name=3s scope=4s namespace=5s
IngressClassSpec controller=1s parameters=2:IngressClassParametersReference
IngressLoadBalancerIngress ip=1s hostname=2s ports=4[]:IngressPortStatus
IngressLoadBalancerStatus ingress=1[]:IngressLoadBalancerIngress
IngressPortStatus port=1i protocol=2s error=3s
IngressRule host=1s ingressRuleValue=2^:IngressRuleValue
IngressRuleValue http=1:HTTPIngressRuleValue
IngressServiceBackend name=1s port=2:ServiceBackendPort
IngressSpec defaultBackend=1:IngressBackend tls=2[]:IngressTLS rules=3[]:IngressRule ingressClassName=4s
IngressStatus loadBalancer=1:IngressLoadBalancerStatus
IngressTLS hosts=1[]s secretName=2s
NetworkPolicy metadata=1:meta.ObjectMeta spec=2:NetworkPolicySpec
NetworkPolicyEgressRule ports=1[]:NetworkPolicyPort to=2[]:NetworkPolicyPeer
NetworkPolicyIngressRule ports=1[]:NetworkPolicyPort from=2[]:NetworkPolicyPeer
NetworkPolicyPeer podSelector=1:meta.LabelSelector namespaceSelector=2:meta.LabelSelector ipBlock=3:IPBlock
NetworkPolicyPort protocol=1s port=2:machinery.util.intstr.IntOrString endPort=3i
NetworkPolicySpec podSelector=1:meta.LabelSelector ingress=2[]:NetworkPolicyIngressRule egress=3[]:NetworkPolicyEgressRule policyTypes=4[]s
ParentReference group=1s resource=2s namespace=3s name=4s
ServiceBackendPort name=1s number=2i
ServiceCIDR metadata=1:meta.ObjectMeta spec=2:ServiceCIDRSpec status=3:ServiceCIDRStatus
ServiceCIDRSpec cidrs=1[]s
ServiceCIDRStatus conditions=1[]:meta.Condition

[io.k8s.api.node.v1]
Overhead podFixed=1{}:machinery.api.resource.Quantity
RuntimeClass metadata=1:meta.ObjectMeta handler=2s overhead=3:Overhead scheduling=4:Scheduling
Scheduling nodeSelector=1{}s tolerations=2[]:core.Toleration

[io.k8s.api.policy.v1]
Eviction metadata=1:meta.ObjectMeta deleteOptions=2:meta.DeleteOptions
PodDisruptionBudget metadata=1:meta.ObjectMeta spec=2:PodDisruptionBudgetSpec status=3:PodDisruptionBudgetStatus
PodDisruptionBudgetSpec minAvailable=1:machinery.util.intstr.IntOrString selector=2:meta.LabelSelector maxUnavailable=3:machinery.util.intstr.IntOrString unhealthyPodEvictionPolicy=4s
PodDisruptionBudgetStatus observedGeneration=1i disruptedPods=2{}:meta.Time disruptionsAllowed=3i currentHealthy=4i desiredHealthy=5i expectedPods=6i conditions=7[]:meta.Condition

[io.k8s.api.rbac.v1]
AggregationRule clusterRoleSelectors=1[]:meta.LabelSelector
ClusterRole metadata=1:meta.ObjectMeta rules=2[]:PolicyRule aggregationRule=3:AggregationRule
ClusterRoleBinding metadata=1:meta.ObjectMeta subjects=2[]:Subject roleRef=3:RoleRef
PolicyRule verbs=1[]s apiGroups=2[]s resources=3[]s resourceNames=4[]s nonResourceURLs=5[]s
Role metadata=1:meta.ObjectMeta rules=2[]:PolicyRule
RoleBinding metadata=1:meta.ObjectMeta subjects=2[]:Subject roleRef=3:RoleRef
RoleRef apiGroup=1s kind=2s name=3s
Subject kind=1s apiGroup=2s name=3s namespace=4s

[io.k8s.api.resource.v1]
AllocatedDeviceStatus driver=1s pool=2s device=3s conditions=4[]:meta.Condition data=5:machinery.runtime.RawExtension networkData=6:NetworkDeviceData shareID=7s
AllocationResult devices=1:DeviceAllocationResult nodeSelector=3:core.NodeSelector allocationTimestamp=5:meta.Time
CELDeviceSelector expression=1s
CapacityRequestPolicy default=1:machinery.api.resource.Quantity validValues=3[]:machinery.api.resource.Quantity validRange=4:CapacityRequestPolicyRange
CapacityRequestPolicyRange min=1:machinery.api.resource.Quantity max=2:machinery.api.resource.Quantity step=3:machinery.api.resource.Quantity
CapacityRequirements requests=1{}:machinery.api.resource.Quantity
Counter value=1:machinery.api.resource.Quantity
CounterSet name=1s counters=2{}:Counter
Device name=1s attributes=2{}:DeviceAttribute capacity=3{}:DeviceCapacity consumesCounters=4[]:DeviceCounterConsumption nodeName=5s nodeSelector=6:core.NodeSelector allNodes=7b taints=8[]:DeviceTaint bindsToNode=9b bindingConditions=10[]s bindingFailureConditions=11[]s allowMultipleAllocations=12b nodeAllocatableResourceMappings=13{}:NodeAllocatableResourceMapping
DeviceAllocationConfiguration source=1s requests=2[]s deviceConfiguration=3^:DeviceConfiguration
DeviceAllocationResult results=1[]:DeviceRequestAllocationResult config=2[]:DeviceAllocationConfiguration
DeviceAttribute int=2i bool=3b string=4s version=5s ints=6[]i bools=7[]b strings=8[]s versions=9[]s
DeviceCapacity value=1:machinery.api.resource.Quantity requestPolicy=2:CapacityRequestPolicy
DeviceClaim requests=1[]:DeviceRequest constraints=2[]:DeviceConstraint config=3[]:DeviceClaimConfiguration
DeviceClaimConfiguration requests=1[]s deviceConfiguration=2^:DeviceConfiguration
DeviceClass metadata=1:meta.ObjectMeta spec=2:DeviceClassSpec
DeviceClassConfiguration deviceConfiguration=1^:DeviceConfiguration
DeviceClassSpec selectors=1[]:DeviceSelector config=2[]:DeviceClassConfiguration extendedResourceName=4s
DeviceConfiguration opaque=1:OpaqueDeviceConfiguration
DeviceConstraint requests=1[]s matchAttribute=2s distinctAttribute=3s
DeviceCounterConsumption counterSet=1s counters=2{}:Counter
DeviceRequest name=1s exactly=2:ExactDeviceRequest firstAvailable=3[]:DeviceSubRequest
DeviceRequestAllocationResult request=1s driver=2s pool=3s device=4s adminAccess=5b tolerations=6[]:DeviceToleration bindingConditions=7[]s bindingFailureConditions=8[]s shareID=9s consumedCapacity=10{}:machinery.api.resource.Quantity
DeviceSelector cel=1:CELDeviceSelector
DeviceSubRequest name=1s deviceClassName=2s selectors=3[]:DeviceSelector allocationMode=4s count=5i tolerations=6[]:DeviceToleration capacity=7:CapacityRequirements
DeviceTaint key=1s value=2s effect=3s timeAdded=4:meta.Time
DeviceTaintRule metadata=1:meta.ObjectMeta spec=2:DeviceTaintRuleSpec status=3:DeviceTaintRuleStatus
DeviceTaintRuleSpec deviceSelector=1:DeviceTaintSelector taint=2:DeviceTaint
DeviceTaintRuleStatus conditions=1[]:meta.Condition
DeviceTaintSelector driver=2s pool=3s device=4s
DeviceToleration key=1s operator=2s value=3s effect=4s tolerationSeconds=5i
ExactDeviceRequest deviceClassName=1s selectors=2[]:DeviceSelector allocationMode=3s count=4i adminAccess=5b tolerations=6[]:DeviceToleration capacity=7:CapacityRequirements
NetworkDeviceData interfaceName=1s ips=2[]s hardwareAddress=3s
NodeAllocatableResourceMapping capacityKey=1s allocationMultiplier=2:machinery.api.resource.Quantity
OpaqueDeviceConfiguration driver=1s parameters=2:machinery.runtime.RawExtension
ResourceClaim metadata=1:meta.ObjectMeta spec=2:ResourceClaimSpec status=3:ResourceClaimStatus
ResourceClaimConsumerReference apiGroup=1s resource=3s name=4s uid=5s
ResourceClaimSpec devices=1:DeviceClaim
ResourceClaimStatus allocation=1:AllocationResult reservedFor=2[]:ResourceClaimConsumerReference devices=4[]:AllocatedDeviceStatus
ResourceClaimTemplate metadata=1:meta.ObjectMeta spec=2:ResourceClaimTemplateSpec
ResourceClaimTemplateSpec metadata=1:meta.ObjectMeta spec=2:ResourceClaimSpec
ResourcePool name=1s generation=2i resourceSliceCount=3i
ResourceSlice metadata=1:meta.ObjectMeta spec=2:ResourceSliceSpec
ResourceSliceSpec driver=1s pool=2:ResourcePool nodeName=3s nodeSelector=4:core.NodeSelector allNodes=5b devices=6[]:Device perDeviceNodeSelection=7b sharedCounters=8[]:CounterSet

[io.k8s.api.scheduling.v1]
PriorityClass metadata=1:meta.ObjectMeta value=2i globalDefault=3b description=4s preemptionPolicy=5s

[io.k8s.api.scheduling.v1beta1]
AllDisruptionMode
BasicSchedulingPolicy
DisruptionMode single=1:SingleDisruptionMode all=2:AllDisruptionMode
GangSchedulingPolicy minCount=1i
PodGroup metadata=1:meta.ObjectMeta spec=2:PodGroupSpec status=3:PodGroupStatus
PodGroupSchedulingPolicy basic=1:BasicSchedulingPolicy gang=2:GangSchedulingPolicy
PodGroupSpec workloadRef=2:WorkloadReference schedulingPolicy=3:PodGroupSchedulingPolicy disruptionMode=6:DisruptionMode priorityClassName=7s priority=8i
PodGroupStatus conditions=1[]:meta.Condition
PodGroupTemplate name=1s schedulingPolicy=2:PodGroupSchedulingPolicy disruptionMode=5:DisruptionMode priorityClassName=6s priority=7i
SingleDisruptionMode
TypedLocalObjectReference apiGroup=1s kind=2s name=3s
Workload metadata=1:meta.ObjectMeta spec=2:WorkloadSpec
WorkloadReference workloadName=1s templateName=2s
WorkloadSpec controllerRef=1:TypedLocalObjectReference podGroupTemplates=2[]:PodGroupTemplate

[io.k8s.api.storage.v1]
CSIDriver metadata=1:meta.ObjectMeta spec=2:CSIDriverSpec
CSIDriverSpec attachRequired=1b podInfoOnMount=2b volumeLifecycleModes=3[]s storageCapacity=4b fsGroupPolicy=5s tokenRequests=6[]:TokenRequest requiresRepublish=7b seLinuxMount=8b nodeAllocatableUpdatePeriodSeconds=9i serviceAccountTokenInSecrets=10b preventPodSchedulingIfMissing=11b
CSINode metadata=1:meta.ObjectMeta spec=2:CSINodeSpec
CSINodeDriver name=1s nodeID=2s topologyKeys=3[]s allocatable=4:VolumeNodeResources
CSINodeSpec drivers=1[]:CSINodeDriver
CSIStorageCapacity metadata=1:meta.ObjectMeta nodeTopology=2:meta.LabelSelector storageClassName=3s capacity=4:machinery.api.resource.Quantity maximumVolumeSize=5:machinery.api.resource.Quantity
StorageClass metadata=1:meta.ObjectMeta provisioner=2s parameters=3{}s reclaimPolicy=4s mountOptions=5[]s allowVolumeExpansion=6b volumeBindingMode=7s allowedTopologies=8[]:core.TopologySelectorTerm
TokenRequest audience=1s expirationSeconds=2i
VolumeAttachment metadata=1:meta.ObjectMeta spec=2:VolumeAttachmentSpec status=3:VolumeAttachmentStatus
VolumeAttachmentSource persistentVolumeName=1s inlineVolumeSpec=2:core.PersistentVolumeSpec
VolumeAttachmentSpec attacher=1s source=2:VolumeAttachmentSource nodeName=3s
VolumeAttachmentStatus attached=1b attachmentMetadata=2{}s attachError=3:VolumeError detachError=4:VolumeError
VolumeAttributesClass metadata=1:meta.ObjectMeta driverName=2s parameters=3{}s
VolumeError time=1:meta.Time message=2s errorCode=3i
VolumeNodeResources count=1i

[io.k8s.api.storagemigration.v1]
StorageVersionMigration metadata=1:meta.ObjectMeta spec=2:StorageVersionMigrationSpec status=3:StorageVersionMigrationStatus
StorageVersionMigrationSpec resource=1:meta.GroupResource
StorageVersionMigrationStatus conditions=1[]:meta.Condition resourceVersion=2s

[io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1]
CustomResourceColumnDefinition name=1s type=2s format=3s description=4s priority=5i jsonPath=6s
CustomResourceConversion strategy=1s webhook=2:WebhookConversion
CustomResourceDefinition metadata=1:meta.ObjectMeta spec=2:CustomResourceDefinitionSpec status=3:CustomResourceDefinitionStatus
CustomResourceDefinitionCondition type=1s status=2s lastTransitionTime=3:meta.Time reason=4s message=5s observedGeneration=6i
CustomResourceDefinitionNames plural=1s singular=2s shortNames=3[]s kind=4s listKind=5s categories=6[]s
CustomResourceDefinitionSpec group=1s names=3:CustomResourceDefinitionNames scope=4s versions=7[]:CustomResourceDefinitionVersion conversion=9:CustomResourceConversion preserveUnknownFields=10b
CustomResourceDefinitionStatus conditions=1[]:CustomResourceDefinitionCondition acceptedNames=2:CustomResourceDefinitionNames storedVersions=3[]s observedGeneration=4i
CustomResourceDefinitionVersion name=1s served=2b storage=3b schema=4:CustomResourceValidation subresources=5:CustomResourceSubresources additionalPrinterColumns=6[]:CustomResourceColumnDefinition deprecated=7b deprecationWarning=8s selectableFields=9[]:SelectableField
CustomResourceSubresourceScale specReplicasPath=1s statusReplicasPath=2s labelSelectorPath=3s
CustomResourceSubresourceStatus
CustomResourceSubresources status=1:CustomResourceSubresourceStatus scale=2:CustomResourceSubresourceScale
CustomResourceValidation openAPIV3Schema=1:JSONSchemaProps
ExternalDocumentation description=1s url=2s
JSON raw=1y
JSONSchemaProps id=1s $schema=2s $ref=3s description=4s type=5s format=6s title=7s default=8:JSON maximum=9d exclusiveMaximum=10b minimum=11d exclusiveMinimum=12b maxLength=13i minLength=14i pattern=15s maxItems=16i minItems=17i uniqueItems=18b multipleOf=19d enum=20[]:JSON maxProperties=21i minProperties=22i required=23[]s items=24:JSONSchemaPropsOrArray allOf=25[]:JSONSchemaProps oneOf=26[]:JSONSchemaProps anyOf=27[]:JSONSchemaProps not=28:JSONSchemaProps properties=29{}:JSONSchemaProps additionalProperties=30:JSONSchemaPropsOrBool patternProperties=31{}:JSONSchemaProps dependencies=32{}:JSONSchemaPropsOrStringArray additionalItems=33:JSONSchemaPropsOrBool definitions=34{}:JSONSchemaProps externalDocs=35:ExternalDocumentation example=36:JSON nullable=37b x-kubernetes-preserve-unknown-fields=38b x-kubernetes-embedded-resource=39b x-kubernetes-int-or-string=40b x-kubernetes-list-map-keys=41[]s x-kubernetes-list-type=42s x-kubernetes-map-type=43s x-kubernetes-validations=44[]:ValidationRule
JSONSchemaPropsOrArray schema=1:JSONSchemaProps jSONSchemas=2[]:JSONSchemaProps
JSONSchemaPropsOrBool allows=1b schema=2:JSONSchemaProps
JSONSchemaPropsOrStringArray schema=1:JSONSchemaProps property=2[]s
SelectableField jsonPath=1s
ServiceReference namespace=1s name=2s path=3s port=4i
ValidationRule rule=1s message=2s messageExpression=3s reason=4s fieldPath=5s optionalOldSelf=6b
WebhookClientConfig service=1:ServiceReference caBundle=2y url=3s
WebhookConversion clientConfig=2:WebhookClientConfig conversionReviewVersions=3[]s

[io.k8s.apimachinery.pkg.api.resource]
Quantity string=1s

[io.k8s.apimachinery.pkg.apis.meta.v1]
Condition type=1s status=2s observedGeneration=3i lastTransitionTime=4:Time reason=5s message=6s
DeleteOptions gracePeriodSeconds=1i preconditions=2:Preconditions orphanDependents=3b propagationPolicy=4s dryRun=5[]s ignoreStoreReadErrorWithClusterBreakingPotential=6b
FieldSelectorRequirement key=1s operator=2s values=3[]s
FieldsV1 Raw=1y
GroupResource group=1s resource=2s
LabelSelector matchLabels=1{}s matchExpressions=2[]:LabelSelectorRequirement
LabelSelectorRequirement key=1s operator=2s values=3[]s
ManagedFieldsEntry manager=1s operation=2s apiVersion=3s time=4:Time fieldsType=6s fieldsV1=7:FieldsV1 subresource=8s
MicroTime seconds=1i nanos=2i
ObjectMeta name=1s generateName=2s namespace=3s selfLink=4s uid=5s resourceVersion=6s generation=7i creationTimestamp=8:Time deletionTimestamp=9:Time deletionGracePeriodSeconds=10i labels=11{}s annotations=12{}s ownerReferences=13[]:OwnerReference finalizers=14[]s managedFields=17[]:ManagedFieldsEntry
OwnerReference kind=1s name=3s uid=4s apiVersion=5s controller=6b blockOwnerDeletion=7b
Preconditions uid=1s resourceVersion=2s
Time seconds=1i nanos=2i

[io.k8s.apimachinery.pkg.runtime]
RawExtension raw=1y

[io.k8s.apimachinery.pkg.util.intstr]
IntOrString type=1i intVal=2i strVal=3s

[io.k8s.kube-aggregator.pkg.apis.apiregistration.v1]
APIService metadata=1:meta.ObjectMeta spec=2:APIServiceSpec status=3:APIServiceStatus
APIServiceCondition type=1s status=2s lastTransitionTime=3:meta.Time reason=4s message=5s
APIServiceSpec service=1:ServiceReference group=2s version=3s insecureSkipTLSVerify=4b caBundle=5y groupPriorityMinimum=7i versionPriority=8i
APIServiceStatus conditions=1[]:APIServiceCondition
ServiceReference namespace=1s name=2s port=3i
"""
