# ruff: noqa: E501 - a line per message
"""Field numbers of Kubernetes' protobuf messages, as facts: what bodies are read (protobuf.py) and written
(protoencoder.py) with.

A section per package of definitions, a line per message, a word per field: `name=<number><optional><shape><type>`.
Optional: `?`, a pointer in Go, which is left out when it is not set; other fields that are neither repeated nor maps are
always written. Shape: nothing, `[]` repeated, `{}` map from string, `^` inlined (its fields belong to the message around it).
Type: s string, i integer, b bool, d double, y bytes, `:Message` of the same package, `:meta.Message`,
`:core.Message`, `:machinery.package.Message`, or `:` and the full name.

Names are the JSON ones. Source: generated.proto and types.go of k8s.io/api, apimachinery, apiextensions-apiserver,
kube-aggregator at 1.37, with what 1.36 had besides.
"""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_ROOTS = {"meta": META, "core": "io.k8s.api.core.v1.", "machinery": "io.k8s.apimachinery.pkg."}


class Field(NamedTuple):
    name: str  # "replicas"; of an inlined message no name in JSON
    number: int
    is_optional: bool
    shape: str  # "", "[]", "{}", "^"
    type: str  # "s", "i", "b", "d", "y", or the full name of a message


class Table:
    """The messages by definition name ("io.k8s.api.core.v1.Pod")."""

    def __init__(self) -> None:
        self._lines: dict[str, str] = {}
        package = ""
        for line in TABLE.splitlines():
            if line.startswith("["):
                package = line[1:-1]
            elif line:
                name, _, fields = line.partition(" ")
                self._lines[f"{package}.{name}"] = fields

    def __contains__(self, definition: str) -> bool:
        return definition in self._lines

    def fields(self, definition: str) -> list[Field]:
        """In the order of their numbers. Raises KeyError for a definition without a line."""
        package = definition.rpartition(".")[0]
        return [_field(word, package) for word in self._lines[definition].split()]


Message = TypeVar("Message")


class Compiled(Generic[Message]):
    """What is made of the table's messages, each when first asked for."""

    def __init__(self) -> None:
        self._table = Table()
        self._messages: dict[str, Message] = {}

    def _message(self, definition: str) -> Message:
        """Raises KeyError for a definition without a table."""
        message = self._messages.get(definition)
        if message is None:
            # Known before its fields are: messages may contain themselves.
            message = self._messages[definition] = self._blank(definition)
            for field in self._table.fields(definition):
                self._add(message, field)
        return message

    def _blank(self, definition: str) -> Message:
        raise NotImplementedError

    def _add(self, message: Message, field: Field) -> None:
        raise NotImplementedError


def _field(word: str, package: str) -> Field:
    name, _, rest = word.partition("=")
    code = rest.lstrip("0123456789")
    number = int(rest[: len(rest) - len(code)])
    is_optional = code[0] == "?"
    code = code[is_optional:]
    shape = next((shape for shape in ("^", "[]", "{}") if code.startswith(shape)), "")
    type_ = code[len(shape) :]
    return Field(
        name, number, is_optional, shape, _full_name(type_[1:], package) if type_[0] == ":" else type_
    )


def _full_name(reference: str, package: str) -> str:
    if "." not in reference:
        return f"{package}.{reference}"
    head, _, rest = reference.partition(".")
    return _ROOTS[head] + rest if head in _ROOTS else reference


TABLE = """
[io.k8s.api.admissionregistration.v1]
ApplyConfiguration expression=1s
AuditAnnotation key=1s valueExpression=2s
ExpressionWarning fieldRef=2s warning=3s
JSONPatch expression=1s
MatchCondition name=1s expression=2s
MatchResources namespaceSelector=1?:meta.LabelSelector objectSelector=2?:meta.LabelSelector resourceRules=3[]:NamedRuleWithOperations excludeResourceRules=4[]:NamedRuleWithOperations matchPolicy=7?s
MutatingAdmissionPolicy metadata=1:meta.ObjectMeta spec=2:MutatingAdmissionPolicySpec
MutatingAdmissionPolicyBinding metadata=1:meta.ObjectMeta spec=2:MutatingAdmissionPolicyBindingSpec
MutatingAdmissionPolicyBindingSpec policyName=1s paramRef=2?:ParamRef matchResources=3?:MatchResources
MutatingAdmissionPolicySpec paramKind=1?:ParamKind matchConstraints=2?:MatchResources variables=3[]:Variable mutations=4[]:Mutation failurePolicy=5?s matchConditions=6[]:MatchCondition reinvocationPolicy=7s
MutatingWebhook name=1s clientConfig=2:WebhookClientConfig rules=3[]:RuleWithOperations failurePolicy=4?s namespaceSelector=5?:meta.LabelSelector sideEffects=6?s timeoutSeconds=7?i admissionReviewVersions=8[]s matchPolicy=9?s reinvocationPolicy=10?s objectSelector=11?:meta.LabelSelector matchConditions=12[]:MatchCondition
MutatingWebhookConfiguration metadata=1:meta.ObjectMeta webhooks=2[]:MutatingWebhook
Mutation patchType=2s applyConfiguration=3?:ApplyConfiguration jsonPatch=4?:JSONPatch
NamedRuleWithOperations resourceNames=1[]s ruleWithOperations=2^:RuleWithOperations
ParamKind apiVersion=1s kind=2s
ParamRef name=1s namespace=2s selector=3?:meta.LabelSelector parameterNotFoundAction=4?s
Rule apiGroups=1[]s apiVersions=2[]s resources=3[]s scope=4?s
RuleWithOperations operations=1[]s rule=2^:Rule
ServiceReference namespace=1s name=2s path=3?s port=4?i
TypeChecking expressionWarnings=1[]:ExpressionWarning
ValidatingAdmissionPolicy metadata=1:meta.ObjectMeta spec=2:ValidatingAdmissionPolicySpec status=3:ValidatingAdmissionPolicyStatus
ValidatingAdmissionPolicyBinding metadata=1:meta.ObjectMeta spec=2:ValidatingAdmissionPolicyBindingSpec
ValidatingAdmissionPolicyBindingSpec policyName=1s paramRef=2?:ParamRef matchResources=3?:MatchResources validationActions=4[]s
ValidatingAdmissionPolicySpec paramKind=1?:ParamKind matchConstraints=2?:MatchResources validations=3[]:Validation failurePolicy=4?s auditAnnotations=5[]:AuditAnnotation matchConditions=6[]:MatchCondition variables=7[]:Variable
ValidatingAdmissionPolicyStatus observedGeneration=1i typeChecking=2?:TypeChecking conditions=3[]:meta.Condition
ValidatingWebhook name=1s clientConfig=2:WebhookClientConfig rules=3[]:RuleWithOperations failurePolicy=4?s namespaceSelector=5?:meta.LabelSelector sideEffects=6?s timeoutSeconds=7?i admissionReviewVersions=8[]s matchPolicy=9?s objectSelector=10?:meta.LabelSelector matchConditions=11[]:MatchCondition
ValidatingWebhookConfiguration metadata=1:meta.ObjectMeta webhooks=2[]:ValidatingWebhook
Validation expression=1s message=2s reason=3?s messageExpression=4s
Variable name=1s expression=2s
WebhookClientConfig service=1?:ServiceReference caBundle=2y url=3?s

[io.k8s.api.apidiscovery.v2]
APIGroupDiscovery metadata=1:meta.ObjectMeta versions=2[]:APIVersionDiscovery
APIGroupDiscoveryList metadata=1:meta.ListMeta items=2[]:APIGroupDiscovery
APIResourceDiscovery resource=1s responseKind=2?:meta.GroupVersionKind scope=3s singularResource=4s verbs=5[]s shortNames=6[]s categories=7[]s subresources=8[]:APISubresourceDiscovery
APISubresourceDiscovery subresource=1s responseKind=2?:meta.GroupVersionKind acceptedTypes=3[]:meta.GroupVersionKind verbs=4[]s
APIVersionDiscovery version=1s resources=2[]:APIResourceDiscovery freshness=3s

[io.k8s.api.apidiscovery.v2beta1]
APIGroupDiscovery metadata=1:meta.ObjectMeta versions=2[]:APIVersionDiscovery
APIGroupDiscoveryList metadata=1:meta.ListMeta items=2[]:APIGroupDiscovery
APIResourceDiscovery resource=1s responseKind=2?:meta.GroupVersionKind scope=3s singularResource=4s verbs=5[]s shortNames=6[]s categories=7[]s subresources=8[]:APISubresourceDiscovery
APISubresourceDiscovery subresource=1s responseKind=2?:meta.GroupVersionKind acceptedTypes=3[]:meta.GroupVersionKind verbs=4[]s
APIVersionDiscovery version=1s resources=2[]:APIResourceDiscovery freshness=3s

[io.k8s.api.apps.v1]
ControllerRevision metadata=1:meta.ObjectMeta data=2:machinery.runtime.RawExtension revision=3i
DaemonSet metadata=1:meta.ObjectMeta spec=2:DaemonSetSpec status=3:DaemonSetStatus
DaemonSetCondition type=1s status=2s lastTransitionTime=3:meta.Time reason=4s message=5s
DaemonSetSpec selector=1?:meta.LabelSelector template=2:core.PodTemplateSpec updateStrategy=3:DaemonSetUpdateStrategy minReadySeconds=4i revisionHistoryLimit=6?i
DaemonSetStatus currentNumberScheduled=1i numberMisscheduled=2i desiredNumberScheduled=3i numberReady=4i observedGeneration=5i updatedNumberScheduled=6i numberAvailable=7i numberUnavailable=8i collisionCount=9?i conditions=10[]:DaemonSetCondition
DaemonSetUpdateStrategy type=1s rollingUpdate=2?:RollingUpdateDaemonSet
Deployment metadata=1:meta.ObjectMeta spec=2:DeploymentSpec status=3:DeploymentStatus
DeploymentCondition type=1s status=2s reason=4s message=5s lastUpdateTime=6:meta.Time lastTransitionTime=7:meta.Time
DeploymentSpec replicas=1?i selector=2?:meta.LabelSelector template=3:core.PodTemplateSpec strategy=4:DeploymentStrategy minReadySeconds=5i revisionHistoryLimit=6?i paused=7b progressDeadlineSeconds=9?i
DeploymentStatus observedGeneration=1i replicas=2i updatedReplicas=3i availableReplicas=4i unavailableReplicas=5i conditions=6[]:DeploymentCondition readyReplicas=7i collisionCount=8?i terminatingReplicas=9?i
DeploymentStrategy type=1s rollingUpdate=2?:RollingUpdateDeployment
ReplicaSet metadata=1:meta.ObjectMeta spec=2:ReplicaSetSpec status=3:ReplicaSetStatus
ReplicaSetCondition type=1s status=2s lastTransitionTime=3:meta.Time reason=4s message=5s
ReplicaSetSpec replicas=1?i selector=2?:meta.LabelSelector template=3:core.PodTemplateSpec minReadySeconds=4i
ReplicaSetStatus replicas=1i fullyLabeledReplicas=2i observedGeneration=3i readyReplicas=4i availableReplicas=5i conditions=6[]:ReplicaSetCondition terminatingReplicas=7?i
RollingUpdateDaemonSet maxUnavailable=1?:machinery.util.intstr.IntOrString maxSurge=2?:machinery.util.intstr.IntOrString
RollingUpdateDeployment maxUnavailable=1?:machinery.util.intstr.IntOrString maxSurge=2?:machinery.util.intstr.IntOrString
RollingUpdateStatefulSetStrategy partition=1?i maxUnavailable=2?:machinery.util.intstr.IntOrString
StatefulSet metadata=1:meta.ObjectMeta spec=2:StatefulSetSpec status=3:StatefulSetStatus
StatefulSetCondition type=1s status=2s lastTransitionTime=3:meta.Time reason=4s message=5s
StatefulSetOrdinals start=1i
StatefulSetPersistentVolumeClaimRetentionPolicy whenDeleted=1s whenScaled=2s
StatefulSetSpec replicas=1?i selector=2?:meta.LabelSelector template=3:core.PodTemplateSpec volumeClaimTemplates=4[]:core.PersistentVolumeClaim serviceName=5s podManagementPolicy=6s updateStrategy=7:StatefulSetUpdateStrategy revisionHistoryLimit=8?i minReadySeconds=9i persistentVolumeClaimRetentionPolicy=10?:StatefulSetPersistentVolumeClaimRetentionPolicy ordinals=11?:StatefulSetOrdinals
StatefulSetStatus observedGeneration=1i replicas=2i readyReplicas=3i currentReplicas=4i updatedReplicas=5i currentRevision=6s updateRevision=7s collisionCount=9?i conditions=10[]:StatefulSetCondition availableReplicas=11i
StatefulSetUpdateStrategy type=1s rollingUpdate=2?:RollingUpdateStatefulSetStrategy

[io.k8s.api.authentication.v1]
AttestationValue items=1[]s
BoundObjectReference kind=1s apiVersion=2s name=3s uid=4s
ExtraValue items=1[]s
SelfSubjectReview metadata=1:meta.ObjectMeta status=2:SelfSubjectReviewStatus
SelfSubjectReviewStatus userInfo=1:UserInfo
TokenRequest metadata=1:meta.ObjectMeta spec=2:TokenRequestSpec status=3:TokenRequestStatus
TokenRequestSpec audiences=1[]s boundObjectRef=3?:BoundObjectReference expirationSeconds=4?i attestations=5{}:AttestationValue
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
ResourceAttributes namespace=1s verb=2s group=3s version=4s resource=5s subresource=6s name=7s fieldSelector=8?:FieldSelectorAttributes labelSelector=9?:LabelSelectorAttributes
ResourceRule verbs=1[]s apiGroups=2[]s resources=3[]s resourceNames=4[]s
SelfSubjectAccessReview metadata=1:meta.ObjectMeta spec=2:SelfSubjectAccessReviewSpec status=3:SubjectAccessReviewStatus
SelfSubjectAccessReviewSpec resourceAttributes=1?:ResourceAttributes nonResourceAttributes=2?:NonResourceAttributes
SelfSubjectRulesReview metadata=1:meta.ObjectMeta spec=2:SelfSubjectRulesReviewSpec status=3:SubjectRulesReviewStatus
SelfSubjectRulesReviewSpec namespace=1s
SubjectAccessReview metadata=1:meta.ObjectMeta spec=2:SubjectAccessReviewSpec status=3:SubjectAccessReviewStatus
SubjectAccessReviewSpec resourceAttributes=1?:ResourceAttributes nonResourceAttributes=2?:NonResourceAttributes user=3s groups=4[]s extra=5{}:ExtraValue uid=6s
SubjectAccessReviewStatus allowed=1b reason=2s evaluationError=3s denied=4b
SubjectRulesReviewStatus resourceRules=1[]:ResourceRule nonResourceRules=2[]:NonResourceRule incomplete=3b evaluationError=4s

[io.k8s.api.autoscaling.v1]
CrossVersionObjectReference kind=1s name=2s apiVersion=3s
HorizontalPodAutoscaler metadata=1:meta.ObjectMeta spec=2:HorizontalPodAutoscalerSpec status=3:HorizontalPodAutoscalerStatus
HorizontalPodAutoscalerSpec scaleTargetRef=1:CrossVersionObjectReference minReplicas=2?i maxReplicas=3i targetCPUUtilizationPercentage=4?i
HorizontalPodAutoscalerStatus observedGeneration=1?i lastScaleTime=2?:meta.Time currentReplicas=3i desiredReplicas=4i currentCPUUtilizationPercentage=5?i
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
HPAScalingRules selectPolicy=1?s policies=2[]:HPAScalingPolicy stabilizationWindowSeconds=3?i tolerance=4?:machinery.api.resource.Quantity
HorizontalPodAutoscaler metadata=1:meta.ObjectMeta spec=2:HorizontalPodAutoscalerSpec status=3:HorizontalPodAutoscalerStatus
HorizontalPodAutoscalerBehavior scaleUp=1?:HPAScalingRules scaleDown=2?:HPAScalingRules
HorizontalPodAutoscalerCondition type=1s status=2s lastTransitionTime=3:meta.Time reason=4s message=5s observedGeneration=6?i
HorizontalPodAutoscalerSpec scaleTargetRef=1:CrossVersionObjectReference minReplicas=2?i maxReplicas=3i metrics=4[]:MetricSpec behavior=5?:HorizontalPodAutoscalerBehavior
HorizontalPodAutoscalerStatus observedGeneration=1?i lastScaleTime=2?:meta.Time currentReplicas=3i desiredReplicas=4i currentMetrics=5[]:MetricStatus conditions=6[]:HorizontalPodAutoscalerCondition
MetricIdentifier name=1s selector=2?:meta.LabelSelector
MetricSpec type=1s object=2?:ObjectMetricSource pods=3?:PodsMetricSource resource=4?:ResourceMetricSource external=5?:ExternalMetricSource containerResource=7?:ContainerResourceMetricSource
MetricStatus type=1s object=2?:ObjectMetricStatus pods=3?:PodsMetricStatus resource=4?:ResourceMetricStatus external=5?:ExternalMetricStatus containerResource=7?:ContainerResourceMetricStatus
MetricTarget type=1s value=2?:machinery.api.resource.Quantity averageValue=3?:machinery.api.resource.Quantity averageUtilization=4?i
MetricValueStatus value=1?:machinery.api.resource.Quantity averageValue=2?:machinery.api.resource.Quantity averageUtilization=3?i
ObjectMetricSource describedObject=1:CrossVersionObjectReference target=2:MetricTarget metric=3:MetricIdentifier
ObjectMetricStatus metric=1:MetricIdentifier current=2:MetricValueStatus describedObject=3:CrossVersionObjectReference
PodsMetricSource metric=1:MetricIdentifier target=2:MetricTarget
PodsMetricStatus metric=1:MetricIdentifier current=2:MetricValueStatus
ResourceMetricSource name=1s target=2:MetricTarget
ResourceMetricStatus name=1s current=2:MetricValueStatus

[io.k8s.api.batch.v1]
CronJob metadata=1:meta.ObjectMeta spec=2:CronJobSpec status=3:CronJobStatus
CronJobSpec schedule=1s startingDeadlineSeconds=2?i concurrencyPolicy=3s suspend=4?b jobTemplate=5:JobTemplateSpec successfulJobsHistoryLimit=6?i failedJobsHistoryLimit=7?i timeZone=8?s
CronJobStatus active=1[]:core.ObjectReference lastScheduleTime=4?:meta.Time lastSuccessfulTime=5?:meta.Time
Job metadata=1:meta.ObjectMeta spec=2:JobSpec status=3:JobStatus
JobCondition type=1s status=2s lastProbeTime=3:meta.Time lastTransitionTime=4:meta.Time reason=5s message=6s
JobSchedulingConfiguration schedulingPolicy=1?:io.k8s.api.scheduling.v1alpha3.WorkloadPodGroupSchedulingPolicy schedulingConstraints=2?:io.k8s.api.scheduling.v1alpha3.WorkloadPodGroupSchedulingConstraints disruptionMode=3?:io.k8s.api.scheduling.v1alpha3.WorkloadPodGroupDisruptionMode resourceClaims=4[]:io.k8s.api.scheduling.v1alpha3.WorkloadPodGroupResourceClaim
JobSpec parallelism=1?i completions=2?i activeDeadlineSeconds=3?i selector=4?:meta.LabelSelector manualSelector=5?b template=6:core.PodTemplateSpec backoffLimit=7?i ttlSecondsAfterFinished=8?i completionMode=9?s suspend=10?b podFailurePolicy=11?:PodFailurePolicy backoffLimitPerIndex=12?i maxFailedIndexes=13?i podReplacementPolicy=14?s managedBy=15?s successPolicy=16?:SuccessPolicy scheduling=17?:JobSchedulingConfiguration
JobStatus conditions=1[]:JobCondition startTime=2?:meta.Time completionTime=3?:meta.Time active=4i succeeded=5i failed=6i completedIndexes=7s uncountedTerminatedPods=8?:UncountedTerminatedPods ready=9?i failedIndexes=10?s terminating=11?i
JobTemplateSpec metadata=1:meta.ObjectMeta spec=2:JobSpec
PodFailurePolicy rules=1[]:PodFailurePolicyRule
PodFailurePolicyOnExitCodesRequirement containerName=1?s operator=2s values=3[]i
PodFailurePolicyOnPodConditionsPattern type=1s status=2s
PodFailurePolicyRule action=1s onExitCodes=2?:PodFailurePolicyOnExitCodesRequirement onPodConditions=3[]:PodFailurePolicyOnPodConditionsPattern
SuccessPolicy rules=1[]:SuccessPolicyRule
SuccessPolicyRule succeededIndexes=1?s succeededCount=2?i
UncountedTerminatedPods succeeded=1[]s failed=2[]s

[io.k8s.api.certificates.v1]
CertificateSigningRequest metadata=1:meta.ObjectMeta spec=2:CertificateSigningRequestSpec status=3:CertificateSigningRequestStatus
CertificateSigningRequestCondition type=1s reason=2s message=3s lastUpdateTime=4:meta.Time lastTransitionTime=5:meta.Time status=6s
CertificateSigningRequestSpec request=1y username=2s uid=3s groups=4[]s usages=5[]s extra=6{}:ExtraValue signerName=7s expirationSeconds=8?i
CertificateSigningRequestStatus conditions=1[]:CertificateSigningRequestCondition certificate=2y
ClusterTrustBundle metadata=1:meta.ObjectMeta spec=2:ClusterTrustBundleSpec
ClusterTrustBundleSpec signerName=1s trustBundle=2s
ExtraValue items=1[]s
PodCertificateRequest metadata=1:meta.ObjectMeta spec=2:PodCertificateRequestSpec status=3:PodCertificateRequestStatus
PodCertificateRequestSpec signerName=1s podName=2s podUID=3s serviceAccountName=4s serviceAccountUID=5s nodeName=6s nodeUID=7s maxExpirationSeconds=8?i unverifiedUserAnnotations=11{}s stubPKCS10Request=12y
PodCertificateRequestStatus conditions=1[]:meta.Condition certificateChain=2s notBefore=4?:meta.Time beginRefreshAt=5?:meta.Time notAfter=6?:meta.Time

[io.k8s.api.coordination.v1]
Lease metadata=1:meta.ObjectMeta spec=2:LeaseSpec
LeaseSpec holderIdentity=1?s leaseDurationSeconds=2?i acquireTime=3?:meta.MicroTime renewTime=4?:meta.MicroTime leaseTransitions=5?i strategy=6?s preferredHolder=7?s

[io.k8s.api.core.v1]
AWSElasticBlockStoreVolumeSource volumeID=1s fsType=2s partition=3i readOnly=4b
Affinity nodeAffinity=1?:NodeAffinity podAffinity=2?:PodAffinity podAntiAffinity=3?:PodAntiAffinity
AppArmorProfile type=1s localhostProfile=2?s
AttachedVolume name=1s devicePath=2s
AzureDiskVolumeSource diskName=1s diskURI=2s cachingMode=3?s fsType=4?s readOnly=5?b kind=6?s
AzureFilePersistentVolumeSource secretName=1s shareName=2s readOnly=3b secretNamespace=4?s
AzureFileVolumeSource secretName=1s shareName=2s readOnly=3b
Binding metadata=1:meta.ObjectMeta target=2:ObjectReference
CSIPersistentVolumeSource driver=1s volumeHandle=2s readOnly=3b fsType=4s volumeAttributes=5{}s controllerPublishSecretRef=6?:SecretReference nodeStageSecretRef=7?:SecretReference nodePublishSecretRef=8?:SecretReference controllerExpandSecretRef=9?:SecretReference nodeExpandSecretRef=10?:SecretReference
CSIVolumeSource driver=1s readOnly=2?b fsType=3?s volumeAttributes=4{}s nodePublishSecretRef=5?:LocalObjectReference
Capabilities add=1[]s drop=2[]s
CephFSPersistentVolumeSource monitors=1[]s path=2s user=3s secretFile=4s secretRef=5?:SecretReference readOnly=6b
CephFSVolumeSource monitors=1[]s path=2s user=3s secretFile=4s secretRef=5?:LocalObjectReference readOnly=6b
CinderPersistentVolumeSource volumeID=1s fsType=2s readOnly=3b secretRef=4?:SecretReference
CinderVolumeSource volumeID=1s fsType=2s readOnly=3b secretRef=4?:LocalObjectReference
ClientIPConfig timeoutSeconds=1?i
ClusterTrustBundleProjection name=1?s signerName=2?s labelSelector=3?:meta.LabelSelector path=4s optional=5?b user=6?i
ComponentCondition type=1s status=2s message=3s error=4s
ComponentStatus metadata=1:meta.ObjectMeta conditions=2[]:ComponentCondition
ConfigMap metadata=1:meta.ObjectMeta data=2{}s binaryData=3{}y immutable=4?b
ConfigMapEnvSource localObjectReference=1^:LocalObjectReference optional=2?b
ConfigMapKeySelector localObjectReference=1^:LocalObjectReference key=2s optional=3?b
ConfigMapNodeConfigSource namespace=1s name=2s uid=3s resourceVersion=4s kubeletConfigKey=5s
ConfigMapProjection localObjectReference=1^:LocalObjectReference items=2[]:KeyToPath optional=4?b
ConfigMapVolumeSource localObjectReference=1^:LocalObjectReference items=2[]:KeyToPath defaultMode=3?i optional=4?b defaultUser=5?i
Container name=1s image=2s command=3[]s args=4[]s workingDir=5s ports=6[]:ContainerPort env=7[]:EnvVar resources=8:ResourceRequirements volumeMounts=9[]:VolumeMount livenessProbe=10?:Probe readinessProbe=11?:Probe lifecycle=12?:Lifecycle terminationMessagePath=13s imagePullPolicy=14s securityContext=15?:SecurityContext stdin=16b stdinOnce=17b tty=18b envFrom=19[]:EnvFromSource terminationMessagePolicy=20s volumeDevices=21[]:VolumeDevice startupProbe=22?:Probe resizePolicy=23[]:ContainerResizePolicy restartPolicy=24?s restartPolicyRules=25[]:ContainerRestartRule
ContainerExtendedResourceRequest containerName=1s resourceName=2s requestName=3s
ContainerImage names=1[]s sizeBytes=2i
ContainerPort name=1s hostPort=2i containerPort=3i protocol=4s hostIP=5s
ContainerResizePolicy resourceName=1s restartPolicy=2s
ContainerRestartRule action=1s exitCodes=2?:ContainerRestartRuleOnExitCodes
ContainerRestartRuleOnExitCodes operator=1s values=2[]i
ContainerState waiting=1?:ContainerStateWaiting running=2?:ContainerStateRunning terminated=3?:ContainerStateTerminated
ContainerStateRunning startedAt=1:meta.Time
ContainerStateTerminated exitCode=1i signal=2i reason=3s message=4s startedAt=5:meta.Time finishedAt=6:meta.Time containerID=7s
ContainerStateWaiting reason=1s message=2s
ContainerStatus name=1s state=2:ContainerState lastState=3:ContainerState ready=4b restartCount=5i image=6s imageID=7s containerID=8s started=9?b allocatedResources=10{}:machinery.api.resource.Quantity resources=11?:ResourceRequirements volumeMounts=12[]:VolumeMountStatus user=13?:ContainerUser allocatedResourcesStatus=14[]:ResourceStatus stopSignal=15?s
ContainerUser linux=1?:LinuxContainerUser
DaemonEndpoint Port=1i
DownwardAPIProjection items=1[]:DownwardAPIVolumeFile
DownwardAPIVolumeFile path=1s fieldRef=2?:ObjectFieldSelector resourceFieldRef=3?:ResourceFieldSelector mode=4?i user=5?i
DownwardAPIVolumeSource items=1[]:DownwardAPIVolumeFile defaultMode=2?i defaultUser=3?i
EmptyDirVolumeSource medium=1s sizeLimit=2?:machinery.api.resource.Quantity mode=3?i
EndpointAddress ip=1s targetRef=2?:ObjectReference hostname=3s nodeName=4?s
EndpointPort name=1s port=2i protocol=3s appProtocol=4?s
EndpointSubset addresses=1[]:EndpointAddress notReadyAddresses=2[]:EndpointAddress ports=3[]:EndpointPort
Endpoints metadata=1:meta.ObjectMeta subsets=2[]:EndpointSubset
EnvFromSource prefix=1s configMapRef=2?:ConfigMapEnvSource secretRef=3?:SecretEnvSource
EnvVar name=1s value=2s valueFrom=3?:EnvVarSource
EnvVarSource fieldRef=1?:ObjectFieldSelector resourceFieldRef=2?:ResourceFieldSelector configMapKeyRef=3?:ConfigMapKeySelector secretKeyRef=4?:SecretKeySelector fileKeyRef=5?:FileKeySelector
EphemeralContainer ephemeralContainerCommon=1^:EphemeralContainerCommon targetContainerName=2s
EphemeralContainerCommon name=1s image=2s command=3[]s args=4[]s workingDir=5s ports=6[]:ContainerPort env=7[]:EnvVar resources=8:ResourceRequirements volumeMounts=9[]:VolumeMount livenessProbe=10?:Probe readinessProbe=11?:Probe lifecycle=12?:Lifecycle terminationMessagePath=13s imagePullPolicy=14s securityContext=15?:SecurityContext stdin=16b stdinOnce=17b tty=18b envFrom=19[]:EnvFromSource terminationMessagePolicy=20s volumeDevices=21[]:VolumeDevice startupProbe=22?:Probe resizePolicy=23[]:ContainerResizePolicy restartPolicy=24?s restartPolicyRules=25[]:ContainerRestartRule
EphemeralVolumeSource volumeClaimTemplate=1?:PersistentVolumeClaimTemplate
Event metadata=1:meta.ObjectMeta involvedObject=2:ObjectReference reason=3s message=4s source=5:EventSource firstTimestamp=6:meta.Time lastTimestamp=7:meta.Time count=8i type=9s eventTime=10:meta.MicroTime series=11?:EventSeries action=12s related=13?:ObjectReference reportingComponent=14s reportingInstance=15s
EventSeries count=1i lastObservedTime=2:meta.MicroTime
EventSource component=1s host=2s
EvictionResponder name=1s priority=2?i
ExecAction command=1[]s
FCVolumeSource targetWWNs=1[]s lun=2?i fsType=3s readOnly=4b wwids=5[]s
FileKeySelector volumeName=1s path=2s key=3s optional=4?b
FlexPersistentVolumeSource driver=1s fsType=2s secretRef=3?:SecretReference readOnly=4b options=5{}s
FlexVolumeSource driver=1s fsType=2s secretRef=3?:LocalObjectReference readOnly=4b options=5{}s
FlockerVolumeSource datasetName=1s datasetUUID=2s
GCEPersistentDiskVolumeSource pdName=1s fsType=2s partition=3i readOnly=4b
GRPCAction port=1i service=2?s mode=3?s
GitRepoVolumeSource repository=1s revision=2s directory=3s
GlusterfsPersistentVolumeSource endpoints=1s path=2s readOnly=3b endpointsNamespace=4?s
GlusterfsVolumeSource endpoints=1s path=2s readOnly=3b
HTTPGetAction path=1s port=2:machinery.util.intstr.IntOrString host=3s scheme=4s httpHeaders=5[]:HTTPHeader protocol=6?s
HTTPHeader name=1s value=2s
HostAlias ip=1s hostnames=2[]s
HostIP ip=1s
HostPathVolumeSource path=1s type=2?s
ISCSIPersistentVolumeSource targetPortal=1s iqn=2s lun=3i iscsiInterface=4s fsType=5s readOnly=6b portals=7[]s chapAuthDiscovery=8b secretRef=10?:SecretReference chapAuthSession=11b initiatorName=12?s
ISCSIVolumeSource targetPortal=1s iqn=2s lun=3i iscsiInterface=4s fsType=5s readOnly=6b portals=7[]s chapAuthDiscovery=8b secretRef=10?:LocalObjectReference chapAuthSession=11b initiatorName=12?s
ImageVolumeSource reference=1s pullPolicy=2s
ImageVolumeStatus imageRef=1s
KeyToPath key=1s path=2s mode=3?i user=4?i
Lifecycle postStart=1?:LifecycleHandler preStop=2?:LifecycleHandler stopSignal=3?s
LifecycleHandler exec=1?:ExecAction httpGet=2?:HTTPGetAction tcpSocket=3?:TCPSocketAction sleep=4?:SleepAction
LimitRange metadata=1:meta.ObjectMeta spec=2:LimitRangeSpec
LimitRangeItem type=1s max=2{}:machinery.api.resource.Quantity min=3{}:machinery.api.resource.Quantity default=4{}:machinery.api.resource.Quantity defaultRequest=5{}:machinery.api.resource.Quantity maxLimitRequestRatio=6{}:machinery.api.resource.Quantity
LimitRangeSpec limits=1[]:LimitRangeItem
LinuxContainerUser uid=1i gid=2i supplementalGroups=3[]i
LoadBalancerIngress ip=1s hostname=2s ipMode=3?s ports=4[]:PortStatus
LoadBalancerStatus ingress=1[]:LoadBalancerIngress
LocalObjectReference name=1s
LocalVolumeSource path=1s fsType=2?s
ModifyVolumeStatus targetVolumeAttributesClassName=1s status=2s
NFSVolumeSource server=1s path=2s readOnly=3b
Namespace metadata=1:meta.ObjectMeta spec=2:NamespaceSpec status=3:NamespaceStatus
NamespaceCondition type=1s status=2s lastTransitionTime=4:meta.Time reason=5s message=6s
NamespaceSpec finalizers=1[]s
NamespaceStatus phase=1s conditions=2[]:NamespaceCondition
Node metadata=1:meta.ObjectMeta spec=2:NodeSpec status=3:NodeStatus
NodeAddress type=1s address=2s
NodeAffinity requiredDuringSchedulingIgnoredDuringExecution=1?:NodeSelector preferredDuringSchedulingIgnoredDuringExecution=2[]:PreferredSchedulingTerm
NodeAllocatableMappedResources name=1s quantity=2?:machinery.api.resource.Quantity
NodeAllocatableOverheadResources name=1s perPod=2?:machinery.api.resource.Quantity perContainer=3?:machinery.api.resource.Quantity
NodeAllocatableResourceClaimStatus resourceClaimName=1s containers=2[]s resources=3{}:machinery.api.resource.Quantity mapping=4[]:NodeAllocatableMappedResources overhead=5[]:NodeAllocatableOverheadResources
NodeCondition type=1s status=2s lastHeartbeatTime=3:meta.Time lastTransitionTime=4:meta.Time reason=5s message=6s
NodeConfigSource configMap=2?:ConfigMapNodeConfigSource
NodeConfigStatus assigned=1?:NodeConfigSource active=2?:NodeConfigSource lastKnownGood=3?:NodeConfigSource error=4s
NodeDaemonEndpoints kubeletEndpoint=1:DaemonEndpoint
NodeFeatures supplementalGroupsPolicy=1?b
NodePodPreemptionPolicy disableResizePreemption=1[]s
NodeRuntimeHandler name=1s features=2?:NodeRuntimeHandlerFeatures
NodeRuntimeHandlerFeatures recursiveReadOnlyMounts=1?b userNamespaces=2?b
NodeSelector nodeSelectorTerms=1[]:NodeSelectorTerm
NodeSelectorRequirement key=1s operator=2s values=3[]s
NodeSelectorTerm matchExpressions=1[]:NodeSelectorRequirement matchFields=2[]:NodeSelectorRequirement
NodeSpec podCIDR=1s externalID=2s providerID=3s unschedulable=4b taints=5[]:Taint configSource=6?:NodeConfigSource podCIDRs=7[]s podPreemptionPolicy=8?:NodePodPreemptionPolicy
NodeStatus capacity=1{}:machinery.api.resource.Quantity allocatable=2{}:machinery.api.resource.Quantity phase=3s conditions=4[]:NodeCondition addresses=5[]:NodeAddress daemonEndpoints=6:NodeDaemonEndpoints nodeInfo=7:NodeSystemInfo images=8[]:ContainerImage volumesInUse=9[]s volumesAttached=10[]:AttachedVolume config=11?:NodeConfigStatus runtimeHandlers=12[]:NodeRuntimeHandler features=13?:NodeFeatures declaredFeatures=14[]s
NodeSwapStatus capacity=1?i
NodeSystemInfo machineID=1s systemUUID=2s bootID=3s kernelVersion=4s osImage=5s containerRuntimeVersion=6s kubeletVersion=7s kubeProxyVersion=8s operatingSystem=9s architecture=10s swap=11?:NodeSwapStatus runningInUserNamespace=12?b
ObjectFieldSelector apiVersion=1s fieldPath=2s
ObjectReference kind=1s namespace=2s name=3s uid=4s apiVersion=5s resourceVersion=6s fieldPath=7s
PersistentVolume metadata=1:meta.ObjectMeta spec=2:PersistentVolumeSpec status=3:PersistentVolumeStatus
PersistentVolumeClaim metadata=1:meta.ObjectMeta spec=2:PersistentVolumeClaimSpec status=3:PersistentVolumeClaimStatus
PersistentVolumeClaimCondition type=1s status=2s lastProbeTime=3:meta.Time lastTransitionTime=4:meta.Time reason=5s message=6s
PersistentVolumeClaimSpec accessModes=1[]s resources=2:VolumeResourceRequirements volumeName=3s selector=4?:meta.LabelSelector storageClassName=5?s volumeMode=6?s dataSource=7?:TypedLocalObjectReference dataSourceRef=8?:TypedObjectReference volumeAttributesClassName=9?s
PersistentVolumeClaimStatus phase=1s accessModes=2[]s capacity=3{}:machinery.api.resource.Quantity conditions=4[]:PersistentVolumeClaimCondition allocatedResources=5{}:machinery.api.resource.Quantity allocatedResourceStatuses=7{}s currentVolumeAttributesClassName=8?s modifyVolumeStatus=9?:ModifyVolumeStatus healthStatus=10?:VolumeHealthStatus
PersistentVolumeClaimTemplate metadata=1:meta.ObjectMeta spec=2:PersistentVolumeClaimSpec
PersistentVolumeClaimVolumeSource claimName=1s readOnly=2b
PersistentVolumeSource gcePersistentDisk=1?:GCEPersistentDiskVolumeSource awsElasticBlockStore=2?:AWSElasticBlockStoreVolumeSource hostPath=3?:HostPathVolumeSource glusterfs=4?:GlusterfsPersistentVolumeSource nfs=5?:NFSVolumeSource rbd=6?:RBDPersistentVolumeSource iscsi=7?:ISCSIPersistentVolumeSource cinder=8?:CinderPersistentVolumeSource cephfs=9?:CephFSPersistentVolumeSource fc=10?:FCVolumeSource flocker=11?:FlockerVolumeSource flexVolume=12?:FlexPersistentVolumeSource azureFile=13?:AzureFilePersistentVolumeSource vsphereVolume=14?:VsphereVirtualDiskVolumeSource quobyte=15?:QuobyteVolumeSource azureDisk=16?:AzureDiskVolumeSource photonPersistentDisk=17?:PhotonPersistentDiskVolumeSource portworxVolume=18?:PortworxVolumeSource scaleIO=19?:ScaleIOPersistentVolumeSource local=20?:LocalVolumeSource storageos=21?:StorageOSPersistentVolumeSource csi=22?:CSIPersistentVolumeSource
PersistentVolumeSpec capacity=1{}:machinery.api.resource.Quantity persistentVolumeSource=2^:PersistentVolumeSource accessModes=3[]s claimRef=4?:ObjectReference persistentVolumeReclaimPolicy=5s storageClassName=6s mountOptions=7[]s volumeMode=8?s nodeAffinity=9?:VolumeNodeAffinity volumeAttributesClassName=10?s
PersistentVolumeStatus phase=1s message=2s reason=3s lastPhaseTransitionTime=4?:meta.Time
PhotonPersistentDiskVolumeSource pdID=1s fsType=2s
Pod metadata=1:meta.ObjectMeta spec=2:PodSpec status=3:PodStatus
PodAffinity requiredDuringSchedulingIgnoredDuringExecution=1[]:PodAffinityTerm preferredDuringSchedulingIgnoredDuringExecution=2[]:WeightedPodAffinityTerm
PodAffinityTerm labelSelector=1?:meta.LabelSelector namespaces=2[]s topologyKey=3s namespaceSelector=4?:meta.LabelSelector matchLabelKeys=5[]s mismatchLabelKeys=6[]s
PodAntiAffinity requiredDuringSchedulingIgnoredDuringExecution=1[]:PodAffinityTerm preferredDuringSchedulingIgnoredDuringExecution=2[]:WeightedPodAffinityTerm
PodCertificateProjection signerName=1s keyType=2s maxExpirationSeconds=3?i credentialBundlePath=4s keyPath=5s certificateChainPath=6s userAnnotations=7{}s user=8?i
PodCondition type=1s status=2s lastProbeTime=3:meta.Time lastTransitionTime=4:meta.Time reason=5s message=6s observedGeneration=7i
PodDNSConfig nameservers=1[]s searches=2[]s options=3[]:PodDNSConfigOption
PodDNSConfigOption name=1s value=2?s
PodExtendedResourceClaimStatus requestMappings=1[]:ContainerExtendedResourceRequest resourceClaimName=2s
PodIP ip=1s
PodOS name=1s
PodReadinessGate conditionType=1s
PodResourceClaim name=1s resourceClaimName=3?s resourceClaimTemplateName=4?s
PodResourceClaimStatus name=1s resourceClaimName=2?s
PodSchedulingGate name=1s
PodSchedulingGroup podGroupName=1?s
PodSecurityContext seLinuxOptions=1?:SELinuxOptions runAsUser=2?i runAsNonRoot=3?b supplementalGroups=4[]i fsGroup=5?i runAsGroup=6?i sysctls=7[]:Sysctl windowsOptions=8?:WindowsSecurityContextOptions fsGroupChangePolicy=9?s seccompProfile=10?:SeccompProfile appArmorProfile=11?:AppArmorProfile supplementalGroupsPolicy=12?s seLinuxChangePolicy=13?s
PodSpec volumes=1[]:Volume containers=2[]:Container restartPolicy=3s terminationGracePeriodSeconds=4?i activeDeadlineSeconds=5?i dnsPolicy=6s nodeSelector=7{}s serviceAccountName=8s serviceAccount=9s nodeName=10s hostNetwork=11b hostPID=12b hostIPC=13b securityContext=14?:PodSecurityContext imagePullSecrets=15[]:LocalObjectReference hostname=16s subdomain=17s affinity=18?:Affinity schedulerName=19s initContainers=20[]:Container automountServiceAccountToken=21?b tolerations=22[]:Toleration hostAliases=23[]:HostAlias priorityClassName=24s priority=25?i dnsConfig=26?:PodDNSConfig shareProcessNamespace=27?b readinessGates=28[]:PodReadinessGate runtimeClassName=29?s enableServiceLinks=30?b preemptionPolicy=31?s overhead=32{}:machinery.api.resource.Quantity topologySpreadConstraints=33[]:TopologySpreadConstraint ephemeralContainers=34[]:EphemeralContainer setHostnameAsFQDN=35?b os=36?:PodOS hostUsers=37?b schedulingGates=38[]:PodSchedulingGate resourceClaims=39[]:PodResourceClaim resources=40?:ResourceRequirements hostnameOverride=41?s schedulingGroup=43?:PodSchedulingGroup evictionResponders=44[]:EvictionResponder
PodStatus phase=1s conditions=2[]:PodCondition message=3s reason=4s hostIP=5s podIP=6s startTime=7?:meta.Time containerStatuses=8[]:ContainerStatus qosClass=9s initContainerStatuses=10[]:ContainerStatus nominatedNodeName=11s podIPs=12[]:PodIP ephemeralContainerStatuses=13[]:ContainerStatus resize=14s resourceClaimStatuses=15[]:PodResourceClaimStatus hostIPs=16[]:HostIP observedGeneration=17i extendedResourceClaimStatus=18?:PodExtendedResourceClaimStatus allocatedResources=19{}:machinery.api.resource.Quantity resources=20?:ResourceRequirements nodeAllocatableResourceClaimStatuses=21[]:NodeAllocatableResourceClaimStatus volumeHealth=22[]:PodVolumeHealth
PodTemplate metadata=1:meta.ObjectMeta template=2:PodTemplateSpec
PodTemplateSpec metadata=1:meta.ObjectMeta spec=2:PodSpec
PodVolumeHealth name=1s healthConditions=2[]:VolumeHealthCondition lastTransitionTime=3:meta.Time
PortStatus port=1i protocol=2s error=3?s
PortworxVolumeSource volumeID=1s fsType=2s readOnly=3b
PreferredSchedulingTerm weight=1i preference=2:NodeSelectorTerm
Probe handler=1^:ProbeHandler initialDelaySeconds=2i timeoutSeconds=3i periodSeconds=4i successThreshold=5i failureThreshold=6i terminationGracePeriodSeconds=7?i
ProbeHandler exec=1?:ExecAction httpGet=2?:HTTPGetAction tcpSocket=3?:TCPSocketAction grpc=4?:GRPCAction
ProjectedVolumeSource sources=1[]:VolumeProjection defaultMode=2?i defaultUser=3?i
QuobyteVolumeSource registry=1s volume=2s readOnly=3b user=4s group=5s tenant=6s
RBDPersistentVolumeSource monitors=1[]s image=2s fsType=3s pool=4s user=5s keyring=6s secretRef=7?:SecretReference readOnly=8b
RBDVolumeSource monitors=1[]s image=2s fsType=3s pool=4s user=5s keyring=6s secretRef=7?:LocalObjectReference readOnly=8b
ReplicationController metadata=1:meta.ObjectMeta spec=2:ReplicationControllerSpec status=3:ReplicationControllerStatus
ReplicationControllerCondition type=1s status=2s lastTransitionTime=3:meta.Time reason=4s message=5s
ReplicationControllerSpec replicas=1?i selector=2{}s template=3?:PodTemplateSpec minReadySeconds=4i
ReplicationControllerStatus replicas=1i fullyLabeledReplicas=2i observedGeneration=3i readyReplicas=4i availableReplicas=5i conditions=6[]:ReplicationControllerCondition
ResourceClaim name=1s request=2s
ResourceFieldSelector containerName=1s resource=2s divisor=3:machinery.api.resource.Quantity
ResourceHealth resourceID=1s health=2s message=6?s
ResourceQuota metadata=1:meta.ObjectMeta spec=2:ResourceQuotaSpec status=3:ResourceQuotaStatus
ResourceQuotaSpec hard=1{}:machinery.api.resource.Quantity scopes=2[]s scopeSelector=3?:ScopeSelector
ResourceQuotaStatus hard=1{}:machinery.api.resource.Quantity used=2{}:machinery.api.resource.Quantity
ResourceRequirements limits=1{}:machinery.api.resource.Quantity requests=2{}:machinery.api.resource.Quantity claims=3[]:ResourceClaim
ResourceStatus name=1s resources=2[]:ResourceHealth
SELinuxOptions user=1s role=2s type=3s level=4s
ScaleIOPersistentVolumeSource gateway=1s system=2s secretRef=3?:SecretReference sslEnabled=4b protectionDomain=5s storagePool=6s storageMode=7s volumeName=8s fsType=9s readOnly=10b
ScaleIOVolumeSource gateway=1s system=2s secretRef=3?:LocalObjectReference sslEnabled=4b protectionDomain=5s storagePool=6s storageMode=7s volumeName=8s fsType=9s readOnly=10b
ScopeSelector matchExpressions=1[]:ScopedResourceSelectorRequirement
ScopedResourceSelectorRequirement scopeName=1s operator=2s values=3[]s
SeccompProfile type=1s localhostProfile=2?s
Secret metadata=1:meta.ObjectMeta data=2{}y type=3s stringData=4{}s immutable=5?b
SecretEnvSource localObjectReference=1^:LocalObjectReference optional=2?b
SecretKeySelector localObjectReference=1^:LocalObjectReference key=2s optional=3?b
SecretProjection localObjectReference=1^:LocalObjectReference items=2[]:KeyToPath optional=4?b
SecretReference name=1s namespace=2s
SecretVolumeSource secretName=1s items=2[]:KeyToPath defaultMode=3?i optional=4?b defaultUser=5?i
SecurityContext capabilities=1?:Capabilities privileged=2?b seLinuxOptions=3?:SELinuxOptions runAsUser=4?i runAsNonRoot=5?b readOnlyRootFilesystem=6?b allowPrivilegeEscalation=7?b runAsGroup=8?i procMount=9?s windowsOptions=10?:WindowsSecurityContextOptions seccompProfile=11?:SeccompProfile appArmorProfile=12?:AppArmorProfile
Service metadata=1:meta.ObjectMeta spec=2:ServiceSpec status=3:ServiceStatus
ServiceAccount metadata=1:meta.ObjectMeta secrets=2[]:ObjectReference imagePullSecrets=3[]:LocalObjectReference automountServiceAccountToken=4?b
ServiceAccountTokenProjection audience=1s expirationSeconds=2?i path=3s user=4?i
ServicePort name=1s protocol=2s port=3i targetPort=4:machinery.util.intstr.IntOrString nodePort=5i appProtocol=6?s
ServiceSpec ports=1[]:ServicePort selector=2{}s clusterIP=3s type=4s externalIPs=5[]s sessionAffinity=7s loadBalancerIP=8s loadBalancerSourceRanges=9[]s externalName=10s externalTrafficPolicy=11s healthCheckNodePort=12i publishNotReadyAddresses=13b sessionAffinityConfig=14?:SessionAffinityConfig ipFamilyPolicy=17?s clusterIPs=18[]s ipFamilies=19[]s allocateLoadBalancerNodePorts=20?b loadBalancerClass=21?s internalTrafficPolicy=22?s trafficDistribution=23?s
ServiceStatus loadBalancer=1:LoadBalancerStatus conditions=2[]:meta.Condition
SessionAffinityConfig clientIP=1?:ClientIPConfig
SleepAction seconds=1i
StorageOSPersistentVolumeSource volumeName=1s volumeNamespace=2s fsType=3s readOnly=4b secretRef=5?:ObjectReference
StorageOSVolumeSource volumeName=1s volumeNamespace=2s fsType=3s readOnly=4b secretRef=5?:LocalObjectReference
Sysctl name=1s value=2s
TCPSocketAction port=1:machinery.util.intstr.IntOrString host=2s
Taint key=1s value=2s effect=3s timeAdded=4?:meta.Time
Toleration key=1s operator=2s value=3s effect=4s tolerationSeconds=5?i
TopologySelectorLabelRequirement key=1s values=2[]s
TopologySelectorTerm matchLabelExpressions=1[]:TopologySelectorLabelRequirement
TopologySpreadConstraint maxSkew=1i topologyKey=2s whenUnsatisfiable=3s labelSelector=4?:meta.LabelSelector minDomains=5?i nodeAffinityPolicy=6?s nodeTaintsPolicy=7?s matchLabelKeys=8[]s
TypedLocalObjectReference apiGroup=1?s kind=2s name=3s
TypedObjectReference apiGroup=1?s kind=2s name=3s namespace=4?s
Volume name=1s volumeSource=2^:VolumeSource
VolumeDevice name=1s devicePath=2s
VolumeHealthCondition status=1s reason=2s message=3s
VolumeHealthStatus healthConditions=1[]:VolumeHealthCondition lastTransitionTime=2:meta.Time
VolumeMount name=1s readOnly=2b mountPath=3s subPath=4s mountPropagation=5?s subPathExpr=6s recursiveReadOnly=7?s bindMountOptions=8[]s
VolumeMountStatus name=1s mountPath=2s readOnly=3b recursiveReadOnly=4?s volumeStatus=5?:VolumeStatus
VolumeNodeAffinity required=1?:NodeSelector
VolumeProjection secret=1?:SecretProjection downwardAPI=2?:DownwardAPIProjection configMap=3?:ConfigMapProjection serviceAccountToken=4?:ServiceAccountTokenProjection clusterTrustBundle=5?:ClusterTrustBundleProjection podCertificate=6?:PodCertificateProjection
VolumeResourceRequirements limits=1{}:machinery.api.resource.Quantity requests=2{}:machinery.api.resource.Quantity
VolumeSource hostPath=1?:HostPathVolumeSource emptyDir=2?:EmptyDirVolumeSource gcePersistentDisk=3?:GCEPersistentDiskVolumeSource awsElasticBlockStore=4?:AWSElasticBlockStoreVolumeSource gitRepo=5?:GitRepoVolumeSource secret=6?:SecretVolumeSource nfs=7?:NFSVolumeSource iscsi=8?:ISCSIVolumeSource glusterfs=9?:GlusterfsVolumeSource persistentVolumeClaim=10?:PersistentVolumeClaimVolumeSource rbd=11?:RBDVolumeSource flexVolume=12?:FlexVolumeSource cinder=13?:CinderVolumeSource cephfs=14?:CephFSVolumeSource flocker=15?:FlockerVolumeSource downwardAPI=16?:DownwardAPIVolumeSource fc=17?:FCVolumeSource azureFile=18?:AzureFileVolumeSource configMap=19?:ConfigMapVolumeSource vsphereVolume=20?:VsphereVirtualDiskVolumeSource quobyte=21?:QuobyteVolumeSource azureDisk=22?:AzureDiskVolumeSource photonPersistentDisk=23?:PhotonPersistentDiskVolumeSource portworxVolume=24?:PortworxVolumeSource scaleIO=25?:ScaleIOVolumeSource projected=26?:ProjectedVolumeSource storageos=27?:StorageOSVolumeSource csi=28?:CSIVolumeSource ephemeral=29?:EphemeralVolumeSource image=30?:ImageVolumeSource
VolumeStatus image=1?:ImageVolumeStatus
VsphereVirtualDiskVolumeSource volumePath=1s fsType=2s storagePolicyName=3s storagePolicyID=4s
WeightedPodAffinityTerm weight=1i podAffinityTerm=2:PodAffinityTerm
WindowsSecurityContextOptions gmsaCredentialSpecName=1?s gmsaCredentialSpec=2?s runAsUserName=3?s hostProcess=4?b

[io.k8s.api.discovery.v1]
Endpoint addresses=1[]s conditions=2:EndpointConditions hostname=3?s targetRef=4?:core.ObjectReference deprecatedTopology=5{}s nodeName=6?s zone=7?s hints=8?:EndpointHints
EndpointConditions ready=1?b serving=2?b terminating=3?b
EndpointHints forZones=1[]:ForZone forNodes=2[]:ForNode
EndpointPort name=1?s protocol=2?s port=3?i appProtocol=4?s
EndpointSlice metadata=1:meta.ObjectMeta endpoints=2[]:Endpoint ports=3[]:EndpointPort addressType=4s
ForNode name=1s
ForZone name=1s

[io.k8s.api.events.v1]
Event metadata=1:meta.ObjectMeta eventTime=2:meta.MicroTime series=3?:EventSeries reportingController=4s reportingInstance=5s action=6s reason=7s regarding=8:core.ObjectReference related=9?:core.ObjectReference note=10s type=11s deprecatedSource=12:core.EventSource deprecatedFirstTimestamp=13:meta.Time deprecatedLastTimestamp=14:meta.Time deprecatedCount=15i
EventSeries count=1i lastObservedTime=2:meta.MicroTime

[io.k8s.api.flowcontrol.v1]
ExemptPriorityLevelConfiguration nominalConcurrencyShares=1?i lendablePercent=2?i
FlowDistinguisherMethod type=1s
FlowSchema metadata=1:meta.ObjectMeta spec=2:FlowSchemaSpec status=3:FlowSchemaStatus
FlowSchemaCondition type=1s status=2s lastTransitionTime=3:meta.Time reason=4s message=5s
FlowSchemaSpec priorityLevelConfiguration=1:PriorityLevelConfigurationReference matchingPrecedence=2i distinguisherMethod=3?:FlowDistinguisherMethod rules=4[]:PolicyRulesWithSubjects
FlowSchemaStatus conditions=1[]:FlowSchemaCondition
GroupSubject name=1s
LimitResponse type=1s queuing=2?:QueuingConfiguration
LimitedPriorityLevelConfiguration nominalConcurrencyShares=1?i limitResponse=2:LimitResponse lendablePercent=3?i borrowingLimitPercent=4?i
NonResourcePolicyRule verbs=1[]s nonResourceURLs=6[]s
PolicyRulesWithSubjects subjects=1[]:Subject resourceRules=2[]:ResourcePolicyRule nonResourceRules=3[]:NonResourcePolicyRule
PriorityLevelConfiguration metadata=1:meta.ObjectMeta spec=2:PriorityLevelConfigurationSpec status=3:PriorityLevelConfigurationStatus
PriorityLevelConfigurationCondition type=1s status=2s lastTransitionTime=3:meta.Time reason=4s message=5s
PriorityLevelConfigurationReference name=1s
PriorityLevelConfigurationSpec type=1s limited=2?:LimitedPriorityLevelConfiguration exempt=3?:ExemptPriorityLevelConfiguration
PriorityLevelConfigurationStatus conditions=1[]:PriorityLevelConfigurationCondition
QueuingConfiguration queues=1i handSize=2i queueLengthLimit=3i
ResourcePolicyRule verbs=1[]s apiGroups=2[]s resources=3[]s clusterScope=4b namespaces=5[]s
ServiceAccountSubject namespace=1s name=2s
Subject kind=1s user=2?:UserSubject group=3?:GroupSubject serviceAccount=4?:ServiceAccountSubject
UserSubject name=1s

[io.k8s.api.flowcontrol.v1beta3]
ExemptPriorityLevelConfiguration nominalConcurrencyShares=1?i lendablePercent=2?i
FlowDistinguisherMethod type=1s
FlowSchema metadata=1:meta.ObjectMeta spec=2:FlowSchemaSpec status=3:FlowSchemaStatus
FlowSchemaCondition type=1s status=2s lastTransitionTime=3:meta.Time reason=4s message=5s
FlowSchemaSpec priorityLevelConfiguration=1:PriorityLevelConfigurationReference matchingPrecedence=2i distinguisherMethod=3?:FlowDistinguisherMethod rules=4[]:PolicyRulesWithSubjects
FlowSchemaStatus conditions=1[]:FlowSchemaCondition
GroupSubject name=1s
LimitResponse type=1s queuing=2?:QueuingConfiguration
LimitedPriorityLevelConfiguration nominalConcurrencyShares=1i limitResponse=2:LimitResponse lendablePercent=3?i borrowingLimitPercent=4?i
NonResourcePolicyRule verbs=1[]s nonResourceURLs=6[]s
PolicyRulesWithSubjects subjects=1[]:Subject resourceRules=2[]:ResourcePolicyRule nonResourceRules=3[]:NonResourcePolicyRule
PriorityLevelConfiguration metadata=1:meta.ObjectMeta spec=2:PriorityLevelConfigurationSpec status=3:PriorityLevelConfigurationStatus
PriorityLevelConfigurationCondition type=1s status=2s lastTransitionTime=3:meta.Time reason=4s message=5s
PriorityLevelConfigurationReference name=1s
PriorityLevelConfigurationSpec type=1s limited=2?:LimitedPriorityLevelConfiguration exempt=3?:ExemptPriorityLevelConfiguration
PriorityLevelConfigurationStatus conditions=1[]:PriorityLevelConfigurationCondition
QueuingConfiguration queues=1i handSize=2i queueLengthLimit=3i
ResourcePolicyRule verbs=1[]s apiGroups=2[]s resources=3[]s clusterScope=4b namespaces=5[]s
ServiceAccountSubject namespace=1s name=2s
Subject kind=1s user=2?:UserSubject group=3?:GroupSubject serviceAccount=4?:ServiceAccountSubject
UserSubject name=1s

[io.k8s.api.networking.v1]
HTTPIngressPath path=1s backend=2:IngressBackend pathType=3?s
HTTPIngressRuleValue paths=1[]:HTTPIngressPath
IPAddress metadata=1:meta.ObjectMeta spec=2:IPAddressSpec
IPAddressSpec parentRef=1?:ParentReference
IPBlock cidr=1s except=2[]s
Ingress metadata=1:meta.ObjectMeta spec=2:IngressSpec status=3:IngressStatus
IngressBackend resource=3?:core.TypedLocalObjectReference service=4?:IngressServiceBackend
IngressClass metadata=1:meta.ObjectMeta spec=2:IngressClassSpec
IngressClassParametersReference apiGroup=1?s kind=2s name=3s scope=4?s namespace=5?s
IngressClassSpec controller=1s parameters=2?:IngressClassParametersReference
IngressLoadBalancerIngress ip=1s hostname=2s ports=4[]:IngressPortStatus
IngressLoadBalancerStatus ingress=1[]:IngressLoadBalancerIngress
IngressPortStatus port=1i protocol=2s error=3?s
IngressRule host=1s ingressRuleValue=2^:IngressRuleValue
IngressRuleValue http=1?:HTTPIngressRuleValue
IngressServiceBackend name=1s port=2:ServiceBackendPort
IngressSpec defaultBackend=1?:IngressBackend tls=2[]:IngressTLS rules=3[]:IngressRule ingressClassName=4?s
IngressStatus loadBalancer=1:IngressLoadBalancerStatus
IngressTLS hosts=1[]s secretName=2s
NetworkPolicy metadata=1:meta.ObjectMeta spec=2:NetworkPolicySpec
NetworkPolicyEgressRule ports=1[]:NetworkPolicyPort to=2[]:NetworkPolicyPeer
NetworkPolicyIngressRule ports=1[]:NetworkPolicyPort from=2[]:NetworkPolicyPeer
NetworkPolicyPeer podSelector=1?:meta.LabelSelector namespaceSelector=2?:meta.LabelSelector ipBlock=3?:IPBlock
NetworkPolicyPort protocol=1?s port=2?:machinery.util.intstr.IntOrString endPort=3?i
NetworkPolicySpec podSelector=1:meta.LabelSelector ingress=2[]:NetworkPolicyIngressRule egress=3[]:NetworkPolicyEgressRule policyTypes=4[]s
ParentReference group=1s resource=2s namespace=3s name=4s
ServiceBackendPort name=1s number=2i
ServiceCIDR metadata=1:meta.ObjectMeta spec=2:ServiceCIDRSpec status=3:ServiceCIDRStatus
ServiceCIDRSpec cidrs=1[]s
ServiceCIDRStatus conditions=1[]:meta.Condition

[io.k8s.api.node.v1]
Overhead podFixed=1{}:machinery.api.resource.Quantity
RuntimeClass metadata=1:meta.ObjectMeta handler=2s overhead=3?:Overhead scheduling=4?:Scheduling
Scheduling nodeSelector=1{}s tolerations=2[]:core.Toleration

[io.k8s.api.policy.v1]
Eviction metadata=1:meta.ObjectMeta deleteOptions=2?:meta.DeleteOptions
PodDisruptionBudget metadata=1:meta.ObjectMeta spec=2:PodDisruptionBudgetSpec status=3:PodDisruptionBudgetStatus
PodDisruptionBudgetSpec minAvailable=1?:machinery.util.intstr.IntOrString selector=2?:meta.LabelSelector maxUnavailable=3?:machinery.util.intstr.IntOrString unhealthyPodEvictionPolicy=4?s
PodDisruptionBudgetStatus observedGeneration=1i disruptedPods=2{}:meta.Time disruptionsAllowed=3i currentHealthy=4i desiredHealthy=5i expectedPods=6i conditions=7[]:meta.Condition

[io.k8s.api.rbac.v1]
AggregationRule clusterRoleSelectors=1[]:meta.LabelSelector
ClusterRole metadata=1:meta.ObjectMeta rules=2[]:PolicyRule aggregationRule=3?:AggregationRule
ClusterRoleBinding metadata=1:meta.ObjectMeta subjects=2[]:Subject roleRef=3:RoleRef
PolicyRule verbs=1[]s apiGroups=2[]s resources=3[]s resourceNames=4[]s nonResourceURLs=5[]s
Role metadata=1:meta.ObjectMeta rules=2[]:PolicyRule
RoleBinding metadata=1:meta.ObjectMeta subjects=2[]:Subject roleRef=3:RoleRef
RoleRef apiGroup=1s kind=2s name=3s
Subject kind=1s apiGroup=2s name=3s namespace=4s

[io.k8s.api.resource.v1]
AllocatedDeviceStatus driver=1s pool=2s device=3s conditions=4[]:meta.Condition data=5?:machinery.runtime.RawExtension networkData=6?:NetworkDeviceData shareID=7?s
AllocationResult devices=1:DeviceAllocationResult nodeSelector=3?:core.NodeSelector allocationTimestamp=5?:meta.Time
CELDeviceSelector expression=1s
CapacityRequestPolicy default=1?:machinery.api.resource.Quantity validValues=3[]:machinery.api.resource.Quantity validRange=4?:CapacityRequestPolicyRange
CapacityRequestPolicyRange min=1?:machinery.api.resource.Quantity max=2?:machinery.api.resource.Quantity step=3?:machinery.api.resource.Quantity
CapacityRequirements requests=1{}:machinery.api.resource.Quantity
Counter value=1:machinery.api.resource.Quantity
CounterSet name=1s counters=2{}:Counter
Device name=1s attributes=2{}:DeviceAttribute capacity=3{}:DeviceCapacity consumesCounters=4[]:DeviceCounterConsumption nodeName=5?s nodeSelector=6?:core.NodeSelector allNodes=7?b taints=8[]:DeviceTaint bindsToNode=9?b bindingConditions=10[]s bindingFailureConditions=11[]s allowMultipleAllocations=12?b nodeAllocatableResourceMappings=13{}:NodeAllocatableResourceMapping nodeAllocatableResources=14{}:NodeAllocatableResource
DeviceAllocationConfiguration source=1s requests=2[]s deviceConfiguration=3^:DeviceConfiguration
DeviceAllocationResult results=1[]:DeviceRequestAllocationResult config=2[]:DeviceAllocationConfiguration
DeviceAttribute int=2?i bool=3?b string=4?s version=5?s ints=6[]i bools=7[]b strings=8[]s versions=9[]s
DeviceCapacity value=1:machinery.api.resource.Quantity requestPolicy=2?:CapacityRequestPolicy
DeviceClaim requests=1[]:DeviceRequest constraints=2[]:DeviceConstraint config=3[]:DeviceClaimConfiguration
DeviceClaimConfiguration requests=1[]s deviceConfiguration=2^:DeviceConfiguration
DeviceClass metadata=1:meta.ObjectMeta spec=2:DeviceClassSpec
DeviceClassConfiguration deviceConfiguration=1^:DeviceConfiguration
DeviceClassSpec selectors=1[]:DeviceSelector config=2[]:DeviceClassConfiguration extendedResourceName=4?s
DeviceConfiguration opaque=1?:OpaqueDeviceConfiguration
DeviceConstraint requests=1[]s matchAttribute=2?s distinctAttribute=3?s
DeviceCounterConsumption counterSet=1s counters=2{}:Counter compatibilityGroups=3[]s
DeviceDerivedAttribute name=1s expression=2s
DeviceRequest name=1s exactly=2?:ExactDeviceRequest firstAvailable=3[]:DeviceSubRequest
DeviceRequestAllocationResult request=1s driver=2s pool=3s device=4s adminAccess=5?b tolerations=6[]:DeviceToleration bindingConditions=7[]s bindingFailureConditions=8[]s shareID=9?s consumedCapacity=10{}:machinery.api.resource.Quantity skipNodeOperations=11[]s
DeviceSelector cel=1?:CELDeviceSelector
DeviceSubRequest name=1s deviceClassName=2s selectors=3[]:DeviceSelector allocationMode=4s count=5i tolerations=6[]:DeviceToleration capacity=7?:CapacityRequirements derivedAttributes=8[]:DeviceDerivedAttribute
DeviceTaint key=1s value=2s effect=3s timeAdded=4?:meta.Time
DeviceTaintRule metadata=1:meta.ObjectMeta spec=2:DeviceTaintRuleSpec status=3:DeviceTaintRuleStatus
DeviceTaintRuleSpec deviceSelector=1?:DeviceTaintSelector taint=2:DeviceTaint
DeviceTaintRuleStatus conditions=1[]:meta.Condition
DeviceTaintSelector driver=2?s pool=3?s device=4?s
DeviceToleration key=1s operator=2s value=3s effect=4s tolerationSeconds=5?i
ExactDeviceRequest deviceClassName=1s selectors=2[]:DeviceSelector allocationMode=3s count=4i adminAccess=5?b tolerations=6[]:DeviceToleration capacity=7?:CapacityRequirements derivedAttributes=8[]:DeviceDerivedAttribute
NetworkDeviceData interfaceName=1s ips=2[]s hardwareAddress=3s
NodeAllocatableMapping capacityKey=1?s capacityMultiplier=2?:machinery.api.resource.Quantity deviceMultiplier=3?:machinery.api.resource.Quantity
NodeAllocatableOverhead perPod=1?:machinery.api.resource.Quantity perContainer=2?:machinery.api.resource.Quantity
NodeAllocatableResource mapping=3?:NodeAllocatableMapping overhead=4?:NodeAllocatableOverhead
NodeAllocatableResourceMapping capacityKey=1?s allocationMultiplier=2?:machinery.api.resource.Quantity
OpaqueDeviceConfiguration driver=1s parameters=2:machinery.runtime.RawExtension
ResourceClaim metadata=1:meta.ObjectMeta spec=2:ResourceClaimSpec status=3:ResourceClaimStatus
ResourceClaimConsumerReference apiGroup=1s resource=3s name=4s uid=5s
ResourceClaimSpec devices=1:DeviceClaim
ResourceClaimStatus allocation=1?:AllocationResult reservedFor=2[]:ResourceClaimConsumerReference devices=4[]:AllocatedDeviceStatus
ResourceClaimTemplate metadata=1:meta.ObjectMeta spec=2:ResourceClaimTemplateSpec
ResourceClaimTemplateSpec metadata=1:meta.ObjectMeta spec=2:ResourceClaimSpec
ResourcePool name=1s generation=2i resourceSliceCount=3i
ResourceSlice metadata=1:meta.ObjectMeta spec=2:ResourceSliceSpec
ResourceSliceSpec driver=1s pool=2:ResourcePool nodeName=3?s nodeSelector=4?:core.NodeSelector allNodes=5?b devices=6[]:Device perDeviceNodeSelection=7?b sharedCounters=8[]:CounterSet partitionTypeAttribute=9?s skipNodeOperations=10[]s

[io.k8s.api.scheduling.v1]
PriorityClass metadata=1:meta.ObjectMeta value=2i globalDefault=3b description=4s preemptionPolicy=5?s

[io.k8s.api.scheduling.v1alpha3]
TopologyConstraint key=1s
WorkloadPodGroupAllDisruptionMode
WorkloadPodGroupBasicSchedulingPolicy
WorkloadPodGroupDisruptionMode single=1?:WorkloadPodGroupSingleDisruptionMode all=2?:WorkloadPodGroupAllDisruptionMode
WorkloadPodGroupGangSchedulingPolicy minCount=1?i
WorkloadPodGroupResourceClaim name=1s resourceClaimName=2?s resourceClaimTemplateName=3?s
WorkloadPodGroupSchedulingConstraints topology=1[]:TopologyConstraint
WorkloadPodGroupSchedulingPolicy basic=1?:WorkloadPodGroupBasicSchedulingPolicy gang=2?:WorkloadPodGroupGangSchedulingPolicy
WorkloadPodGroupSingleDisruptionMode

[io.k8s.api.scheduling.v1beta1]
AllCompositeDisruptionMode
AllDisruptionMode
BasicSchedulingPolicy
CompositeBasicSchedulingPolicy
CompositeDisruptionMode single=1?:SingleCompositeDisruptionMode all=2?:AllCompositeDisruptionMode
CompositeGangSchedulingPolicy minGroupCount=1i
CompositePodGroupSchedulingConstraints topology=1[]:TopologyConstraint
CompositePodGroupSchedulingPolicy basic=1?:CompositeBasicSchedulingPolicy gang=2?:CompositeGangSchedulingPolicy
CompositePodGroupTemplate name=1s schedulingPolicy=2:CompositePodGroupSchedulingPolicy schedulingConstraints=3?:CompositePodGroupSchedulingConstraints disruptionMode=4?:CompositeDisruptionMode priorityClassName=5s priority=6?i preemptionPolicy=7?s podGroupTemplates=8[]:PodGroupTemplate compositePodGroupTemplates=9[]:CompositePodGroupTemplate
DisruptionMode single=1?:SingleDisruptionMode all=2?:AllDisruptionMode
GangSchedulingPolicy minCount=1i
PodGroup metadata=1:meta.ObjectMeta spec=2:PodGroupSpec status=3:PodGroupStatus
PodGroupResourceClaim name=1s resourceClaimName=2?s resourceClaimTemplateName=3?s
PodGroupResourceClaimStatus name=1s resourceClaimName=2?s
PodGroupSchedulingConstraints topology=1[]:TopologyConstraint
PodGroupSchedulingPolicy basic=1?:BasicSchedulingPolicy gang=2?:GangSchedulingPolicy
PodGroupSpec parentCompositePodGroupName=1?s workloadRef=2?:WorkloadReference schedulingPolicy=3:PodGroupSchedulingPolicy schedulingConstraints=4?:PodGroupSchedulingConstraints resourceClaims=5[]:PodGroupResourceClaim disruptionMode=6?:DisruptionMode priorityClassName=7s priority=8?i preemptionPolicy=9?s
PodGroupStatus conditions=1[]:meta.Condition resourceClaimStatuses=2[]:PodGroupResourceClaimStatus
PodGroupTemplate name=1s schedulingPolicy=2:PodGroupSchedulingPolicy schedulingConstraints=3?:PodGroupSchedulingConstraints resourceClaims=4[]:PodGroupResourceClaim disruptionMode=5?:DisruptionMode priorityClassName=6s priority=7?i preemptionPolicy=8?s
SingleCompositeDisruptionMode
SingleDisruptionMode
TopologyConstraint key=1s
TypedLocalObjectReference apiGroup=1s kind=2s name=3s
Workload metadata=1:meta.ObjectMeta spec=2:WorkloadSpec
WorkloadReference workloadName=1s templateName=2s
WorkloadSpec controllerRef=1?:TypedLocalObjectReference podGroupTemplates=2[]:PodGroupTemplate compositePodGroupTemplates=3[]:CompositePodGroupTemplate

[io.k8s.api.storage.v1]
CSIDriver metadata=1:meta.ObjectMeta spec=2:CSIDriverSpec
CSIDriverSpec attachRequired=1?b podInfoOnMount=2?b volumeLifecycleModes=3[]s storageCapacity=4?b fsGroupPolicy=5?s tokenRequests=6[]:TokenRequest requiresRepublish=7?b seLinuxMount=8?b nodeAllocatableUpdatePeriodSeconds=9?i serviceAccountTokenInSecrets=10?b preventPodSchedulingIfMissing=11?b
CSINode metadata=1:meta.ObjectMeta spec=2:CSINodeSpec status=3:CSINodeStatus
CSINodeDriver name=1s nodeID=2s topologyKeys=3[]s allocatable=4?:VolumeNodeResources
CSINodeSpec drivers=1[]:CSINodeDriver
CSINodeStatus storageHealth=1[]:StorageHealth
CSIStorageCapacity metadata=1:meta.ObjectMeta nodeTopology=2?:meta.LabelSelector storageClassName=3s capacity=4?:machinery.api.resource.Quantity maximumVolumeSize=5?:machinery.api.resource.Quantity
StorageClass metadata=1:meta.ObjectMeta provisioner=2s parameters=3{}s reclaimPolicy=4?s mountOptions=5[]s allowVolumeExpansion=6?b volumeBindingMode=7?s allowedTopologies=8[]:core.TopologySelectorTerm
StorageHealth name=1s healthConditions=2[]:StorageHealthCondition
StorageHealthCondition status=1s reason=2s message=3s accessMode=4?s volumeMode=5?s lastTransitionTime=6:meta.Time
TokenRequest audience=1s expirationSeconds=2?i
VolumeAttachment metadata=1:meta.ObjectMeta spec=2:VolumeAttachmentSpec status=3:VolumeAttachmentStatus
VolumeAttachmentSource persistentVolumeName=1?s inlineVolumeSpec=2?:core.PersistentVolumeSpec
VolumeAttachmentSpec attacher=1s source=2:VolumeAttachmentSource nodeName=3s
VolumeAttachmentStatus attached=1b attachmentMetadata=2{}s attachError=3?:VolumeError detachError=4?:VolumeError
VolumeAttributesClass metadata=1:meta.ObjectMeta driverName=2s parameters=3{}s
VolumeError time=1:meta.Time message=2s errorCode=3?i
VolumeNodeResources count=1?i

[io.k8s.api.storagemigration.v1]
StorageVersionMigration metadata=1:meta.ObjectMeta spec=2:StorageVersionMigrationSpec status=3:StorageVersionMigrationStatus
StorageVersionMigrationSpec resource=1:meta.GroupResource
StorageVersionMigrationStatus conditions=1[]:meta.Condition resourceVersion=2s

[io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1]
CustomResourceColumnDefinition name=1s type=2s format=3s description=4s priority=5i jsonPath=6s
CustomResourceConversion strategy=1s webhook=2?:WebhookConversion
CustomResourceDefinition metadata=1:meta.ObjectMeta spec=2:CustomResourceDefinitionSpec status=3:CustomResourceDefinitionStatus
CustomResourceDefinitionCondition type=1s status=2s lastTransitionTime=3:meta.Time reason=4s message=5s observedGeneration=6i
CustomResourceDefinitionNames plural=1s singular=2s shortNames=3[]s kind=4s listKind=5s categories=6[]s
CustomResourceDefinitionSpec group=1s names=3:CustomResourceDefinitionNames scope=4s versions=7[]:CustomResourceDefinitionVersion conversion=9?:CustomResourceConversion preserveUnknownFields=10b
CustomResourceDefinitionStatus conditions=1[]:CustomResourceDefinitionCondition acceptedNames=2:CustomResourceDefinitionNames storedVersions=3[]s observedGeneration=4i
CustomResourceDefinitionVersion name=1s served=2b storage=3b schema=4?:CustomResourceValidation subresources=5?:CustomResourceSubresources additionalPrinterColumns=6[]:CustomResourceColumnDefinition deprecated=7b deprecationWarning=8?s selectableFields=9[]:SelectableField
CustomResourceSubresourceScale specReplicasPath=1s statusReplicasPath=2s labelSelectorPath=3?s
CustomResourceSubresourceStatus
CustomResourceSubresources status=1?:CustomResourceSubresourceStatus scale=2?:CustomResourceSubresourceScale
CustomResourceValidation openAPIV3Schema=1?:JSONSchemaProps
ExternalDocumentation description=1s url=2s
JSON raw=1y
JSONSchemaProps id=1s $schema=2s $ref=3?s description=4s type=5s format=6s title=7s default=8?:JSON maximum=9?d exclusiveMaximum=10b minimum=11?d exclusiveMinimum=12b maxLength=13?i minLength=14?i pattern=15s maxItems=16?i minItems=17?i uniqueItems=18b multipleOf=19?d enum=20[]:JSON maxProperties=21?i minProperties=22?i required=23[]s items=24?:JSONSchemaPropsOrArray allOf=25[]:JSONSchemaProps oneOf=26[]:JSONSchemaProps anyOf=27[]:JSONSchemaProps not=28?:JSONSchemaProps properties=29{}:JSONSchemaProps additionalProperties=30?:JSONSchemaPropsOrBool patternProperties=31{}:JSONSchemaProps dependencies=32{}:JSONSchemaPropsOrStringArray additionalItems=33?:JSONSchemaPropsOrBool definitions=34{}:JSONSchemaProps externalDocs=35?:ExternalDocumentation example=36?:JSON nullable=37b x-kubernetes-preserve-unknown-fields=38?b x-kubernetes-embedded-resource=39b x-kubernetes-int-or-string=40b x-kubernetes-list-map-keys=41[]s x-kubernetes-list-type=42?s x-kubernetes-map-type=43?s x-kubernetes-validations=44[]:ValidationRule
JSONSchemaPropsOrArray schema=1:JSONSchemaProps jSONSchemas=2[]:JSONSchemaProps
JSONSchemaPropsOrBool allows=1b schema=2:JSONSchemaProps
JSONSchemaPropsOrStringArray schema=1:JSONSchemaProps property=2[]s
SelectableField jsonPath=1s
ServiceReference namespace=1s name=2s path=3?s port=4?i
ValidationRule rule=1s message=2s messageExpression=3s reason=4?s fieldPath=5s optionalOldSelf=6?b
WebhookClientConfig service=1?:ServiceReference caBundle=2y url=3?s
WebhookConversion clientConfig=2?:WebhookClientConfig conversionReviewVersions=3[]s

[io.k8s.apimachinery.pkg.api.resource]
Quantity string=1s

[io.k8s.apimachinery.pkg.apis.meta.v1]
APIGroup name=1s versions=2[]:GroupVersionForDiscovery preferredVersion=3:GroupVersionForDiscovery serverAddressByClientCIDRs=4[]:ServerAddressByClientCIDR
APIGroupList groups=1[]:APIGroup
APIResource name=1s namespaced=2b kind=3s verbs=4:Verbs shortNames=5[]s singularName=6s categories=7[]s group=8s version=9s storageVersionHash=10s
APIResourceList groupVersion=1s resources=2[]:APIResource
APIVersions versions=1[]s serverAddressByClientCIDRs=2[]:ServerAddressByClientCIDR
Condition type=1s status=2s observedGeneration=3i lastTransitionTime=4:Time reason=5s message=6s
DeleteOptions gracePeriodSeconds=1?i preconditions=2?:Preconditions orphanDependents=3?b propagationPolicy=4?s dryRun=5[]s ignoreStoreReadErrorWithClusterBreakingPotential=6?b
FieldSelectorRequirement key=1s operator=2s values=3[]s
FieldsV1 Raw=1y
GroupResource group=1s resource=2s
GroupVersionForDiscovery groupVersion=1s version=2s
GroupVersionKind group=1s version=2s kind=3s
LabelSelector matchLabels=1{}s matchExpressions=2[]:LabelSelectorRequirement
LabelSelectorRequirement key=1s operator=2s values=3[]s
ListMeta selfLink=1s resourceVersion=2s continue=3s remainingItemCount=4?i shardInfo=5?:ShardInfo
ManagedFieldsEntry manager=1s operation=2s apiVersion=3s time=4?:Time fieldsType=6s fieldsV1=7?:FieldsV1 subresource=8s
MicroTime seconds=1i nanos=2i
ObjectMeta name=1s generateName=2s namespace=3s selfLink=4s uid=5s resourceVersion=6s generation=7i creationTimestamp=8:Time deletionTimestamp=9?:Time deletionGracePeriodSeconds=10?i labels=11{}s annotations=12{}s ownerReferences=13[]:OwnerReference finalizers=14[]s managedFields=17[]:ManagedFieldsEntry
OwnerReference kind=1s name=3s uid=4s apiVersion=5s controller=6?b blockOwnerDeletion=7?b
PartialObjectMetadata metadata=1:ObjectMeta
Preconditions uid=1?s resourceVersion=2?s
ServerAddressByClientCIDR clientCIDR=1s serverAddress=2s
ShardInfo selector=1s
Status metadata=1:ListMeta status=2s message=3s reason=4s details=5?:StatusDetails code=6i
StatusCause reason=1s message=2s field=3s
StatusDetails name=1s group=2s kind=3s causes=4[]:StatusCause retryAfterSeconds=5i uid=6s
Time seconds=1i nanos=2i
Verbs items=1[]s
WatchEvent type=1s object=2:machinery.runtime.RawExtension

[io.k8s.apimachinery.pkg.runtime]
RawExtension raw=1y

[io.k8s.apimachinery.pkg.util.intstr]
IntOrString type=1i intVal=2i strVal=3s

[io.k8s.kube-aggregator.pkg.apis.apiregistration.v1]
APIService metadata=1:meta.ObjectMeta spec=2:APIServiceSpec status=3:APIServiceStatus
APIServiceCondition type=1s status=2s lastTransitionTime=3:meta.Time reason=4s message=5s
APIServiceSpec service=1?:ServiceReference group=2s version=3s insecureSkipTLSVerify=4b caBundle=5y groupPriorityMinimum=7i versionPriority=8i
APIServiceStatus conditions=1[]:APIServiceCondition
ServiceReference namespace=1s name=2s port=3?i
"""
