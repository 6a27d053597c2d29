"""Which values the string fields of built-in kinds may have, and what each means, as the published schemas tell it.

The definitions that schemas are made of do not say: they are published without enumerations, while a server shows them
(`kubectl explain pod.spec.restartPolicy`). Only the documents of openapi.py read this; what a server accepts is the
matter of validation.

The table: one line per definition with its fields that have the values below, `[]` if they hold lists of them, `{}`
maps, `^` if an empty line ends what is said about the field; then one line per value with what it means. A `_` in a
value stands for a space, `""` for the empty one.

Source: the +enum marks of k8s.io/api and apiextensions-apiserver at 1.36.
"""

from __future__ import annotations

from typing import NamedTuple


class Enum(NamedTuple):
    values: tuple[str, ...]
    text: str  # what follows a field's description
    inside: str  # "" the field itself, "items" or "additionalProperties"


_INSIDE = {"[]": "items", "{}": "additionalProperties"}


def read() -> dict[str, dict[str, Enum]]:
    """{definition: {field: values}}."""
    found: dict[str, dict[str, Enum]] = {}
    fields: list[tuple[str, str]] = []
    values: list[tuple[str, str]] = []
    for line in [*TABLE.strip().splitlines(), "end: "]:
        if line.startswith("  "):
            value, _, meaning = line.strip().partition(" ")
            values.append((value.strip('"').replace("_", " "), meaning))
            continue
        if values:
            for definition, field in fields:
                name = field.rstrip("[]{}^")
                found.setdefault(f"io.k8s.{definition}", {})[name] = _enum(values, field.removeprefix(name))
            fields, values = [], []
        definition, _, names = line.partition(": ")
        fields += [(definition, name) for name in names.split()]
    return found


def _enum(values: list[tuple[str, str]], mark: str) -> Enum:
    inside = _INSIDE.get(mark, "")
    lines = [f' - `"{value}"`{" " if meaning else ""}{meaning}' for value, meaning in values]
    gap = "\n\n\n" if mark == "^" else "\n\n"
    text = "" if inside else f"{gap}Possible enum values:\n" + "\n".join(lines)
    return Enum(tuple(value for value, _ in values), text, inside)


TABLE = """
api.admissionregistration.v1.MatchResources: matchPolicy
api.admissionregistration.v1.MutatingWebhook: matchPolicy
api.admissionregistration.v1.ValidatingWebhook: matchPolicy
  Equivalent means requests should be sent to the webhook if they modify a resource listed in rules via another API group or version.
  Exact means requests should only be sent to the webhook if they exactly match a given rule.
api.admissionregistration.v1.MutatingAdmissionPolicySpec: failurePolicy
api.admissionregistration.v1.MutatingWebhook: failurePolicy
api.admissionregistration.v1.ValidatingAdmissionPolicySpec: failurePolicy
api.admissionregistration.v1.ValidatingWebhook: failurePolicy
  Fail means that an error calling the webhook causes the admission to fail.
  Ignore means that an error calling the webhook is ignored.
api.admissionregistration.v1.MutatingAdmissionPolicySpec: reinvocationPolicy
api.admissionregistration.v1.MutatingWebhook: reinvocationPolicy
api.admissionregistration.v1alpha1.MutatingAdmissionPolicySpec: reinvocationPolicy
api.admissionregistration.v1beta1.MutatingAdmissionPolicySpec: reinvocationPolicy
  IfNeeded indicates that the mutation may be called at least one additional time as part of the admission evaluation if the object being admitted is modified by other admission plugins after the initial mutation call.
  Never indicates that the mutation must not be called more than once in a single admission evaluation.
api.admissionregistration.v1.MutatingWebhook: sideEffects
api.admissionregistration.v1.ValidatingWebhook: sideEffects
  None means that calling the webhook will have no side effects.
  NoneOnDryRun means that calling the webhook will possibly have side effects, but if the request being reviewed has the dry-run attribute, the side effects will be suppressed.
  Some means that calling the webhook will possibly have side effects. If a request with the dry-run attribute would trigger a call to this webhook, the request will instead fail.
  Unknown means that no information is known about the side effects of calling the webhook. If a request with the dry-run attribute would trigger a call to this webhook, the request will instead fail.
api.admissionregistration.v1.Mutation: patchType^
api.admissionregistration.v1alpha1.Mutation: patchType^
api.admissionregistration.v1beta1.Mutation: patchType^
  ApplyConfiguration ApplyConfiguration indicates that the mutation is using apply configuration to mutate the object.
  JSONPatch JSONPatch indicates that the object is mutated through JSON Patch.
api.admissionregistration.v1.NamedRuleWithOperations: operations[]
api.admissionregistration.v1.RuleWithOperations: operations[]
api.admissionregistration.v1alpha1.NamedRuleWithOperations: operations[]
api.admissionregistration.v1beta1.NamedRuleWithOperations: operations[]
  *
  CONNECT
  CREATE
  DELETE
  UPDATE
api.admissionregistration.v1.NamedRuleWithOperations: scope^
api.admissionregistration.v1.RuleWithOperations: scope^
api.admissionregistration.v1alpha1.NamedRuleWithOperations: scope^
api.admissionregistration.v1beta1.NamedRuleWithOperations: scope^
  * means that all scopes are included.
  Cluster means that scope is limited to cluster-scoped objects. Namespace objects are cluster-scoped.
  Namespaced means that scope is limited to namespaced objects.
api.admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec: validationActions[]
api.admissionregistration.v1alpha1.ValidatingAdmissionPolicyBindingSpec: validationActions[]
api.admissionregistration.v1beta1.ValidatingAdmissionPolicyBindingSpec: validationActions[]
  Audit
  Deny
  Warn
api.admissionregistration.v1alpha1.MatchResources: matchPolicy
  Equivalent means requests should be sent to the admission webhook or admission policy if they modify a resource listed in rules via an equivalent API group or version. For example, `autoscaling/v1` and `autoscaling/v2` HorizontalPodAutoscalers are equivalent: the same set of resources appear via both APIs.
  Exact means requests should only be sent to the admission webhook or admission policy if they exactly match a given rule.
api.admissionregistration.v1alpha1.MutatingAdmissionPolicySpec: failurePolicy
api.admissionregistration.v1alpha1.ValidatingAdmissionPolicySpec: failurePolicy
  Fail means that an error calling the admission webhook or admission policy causes resource admission to fail.
  Ignore means that an error calling the admission webhook or admission policy is ignored.
api.admissionregistration.v1alpha1.ParamRef: parameterNotFoundAction
  Allow Ignore means that an error finding params for a binding is ignored
  Deny Fail means that an error finding params for a binding is ignored
api.apps.v1.DaemonSetUpdateStrategy: type
  OnDelete Replace the old daemons only when it's killed
  RollingUpdate Replace the old daemons by new ones using rolling update i.e replace them on each node one after the other.
api.apps.v1.DeploymentStrategy: type
  Recreate Kill all existing pods before creating new ones.
  RollingUpdate Replace the old ReplicaSets by new one using rolling update i.e gradually scale down the old ReplicaSets and scale up the new one.
api.apps.v1.StatefulSetSpec: podManagementPolicy
  OrderedReady will create pods in strictly increasing order on scale up and strictly decreasing order on scale down, progressing only when the previous pod is ready or terminated. At most one pod will be changed at any time.
  Parallel will create and delete pods as soon as the stateful set replica count is changed, and will not wait for pods to be ready or complete termination.
api.apps.v1.StatefulSetUpdateStrategy: type
  OnDelete triggers the legacy behavior. Version tracking and ordered rolling restarts are disabled. Pods are recreated from the StatefulSetSpec when they are manually deleted. When a scale operation is performed with this strategy,specification version indicated by the StatefulSet's currentRevision.
  RollingUpdate indicates that update will be applied to all Pods in the StatefulSet with respect to the StatefulSet ordering constraints. When a scale operation is performed with this strategy, new Pods will be created from the specification version indicated by the StatefulSet's updateRevision.
api.batch.v1.CronJobSpec: concurrencyPolicy
  Allow allows CronJobs to run concurrently.
  Forbid forbids concurrent runs, skipping next run if previous hasn't finished yet.
  Replace cancels currently running job and replaces it with a new one.
api.batch.v1.JobSpec: completionMode
  Indexed is a Job completion mode. In this mode, the Pods of a Job get an associated completion index from 0 to (.spec.completions - 1). The Job is considered complete when a Pod completes for each completion index.
  NonIndexed is a Job completion mode. In this mode, the Job is considered complete when there have been .spec.completions successfully completed Pods. Pod completions are homologous to each other.
api.batch.v1.JobSpec: podReplacementPolicy
  Failed means to wait until a previously created Pod is fully terminated (has phase Failed or Succeeded) before creating a replacement Pod.
  TerminatingOrFailed means that we recreate pods when they are terminating (has a metadata.deletionTimestamp) or failed.
api.batch.v1.PodFailurePolicyOnExitCodesRequirement: operator
  In
  NotIn
api.batch.v1.PodFailurePolicyRule: action
  Count This is an action which might be taken on a pod failure - the pod failure is handled in the default way - the counter towards .backoffLimit, represented by the job's .status.failed field, is incremented.
  FailIndex This is an action which might be taken on a pod failure - mark the Job's index as failed to avoid restarts within this index. This action can only be used when backoffLimitPerIndex is set.
  FailJob This is an action which might be taken on a pod failure - mark the pod's job as Failed and terminate all running pods.
  Ignore This is an action which might be taken on a pod failure - the counter towards .backoffLimit, represented by the job's .status.failed field, is not incremented and a replacement pod is created.
api.certificates.v1.CertificateSigningRequestSpec: usages[]
  any
  cert_sign
  client_auth
  code_signing
  content_commitment
  crl_sign
  data_encipherment
  decipher_only
  digital_signature
  email_protection
  encipher_only
  ipsec_end_system
  ipsec_tunnel
  ipsec_user
  key_agreement
  key_encipherment
  microsoft_sgc
  netscape_sgc
  ocsp_signing
  s/mime
  server_auth
  signing
  timestamping
api.core.v1.AppArmorProfile: type
  Localhost indicates that a profile pre-loaded on the node should be used.
  RuntimeDefault indicates that the container runtime's default AppArmor profile should be used.
  Unconfined indicates that no AppArmor profile should be enforced.
api.core.v1.AzureDiskVolumeSource: cachingMode
  None
  ReadOnly
  ReadWrite
api.core.v1.AzureDiskVolumeSource: kind
  Dedicated
  Managed
  Shared
api.core.v1.Container: imagePullPolicy
api.core.v1.EphemeralContainer: imagePullPolicy
api.core.v1.ImageVolumeSource: pullPolicy
  Always means that kubelet always attempts to pull the latest image. Container will fail If the pull fails.
  IfNotPresent means that kubelet pulls if the image isn't present on disk. Container will fail if the image isn't present and the pull fails.
  Never means that kubelet never pulls an image, but only uses a local image. Container will fail if the image isn't present
api.core.v1.Container: terminationMessagePolicy
api.core.v1.EphemeralContainer: terminationMessagePolicy
  FallbackToLogsOnError will read the most recent contents of the container logs for the container status message when the container exits with an error and the terminationMessagePath has no contents.
  File is the default behavior and will set the container status message to the contents of the container's terminationMessagePath when the container exits.
api.core.v1.ContainerPort: protocol
api.core.v1.EndpointPort: protocol
api.core.v1.PortStatus: protocol
api.core.v1.ServicePort: protocol
api.discovery.v1.EndpointPort: protocol
api.networking.v1.IngressPortStatus: protocol
api.networking.v1.NetworkPolicyPort: protocol
  SCTP is the SCTP protocol.
  TCP is the TCP protocol.
  UDP is the UDP protocol.
api.core.v1.ContainerStatus: stopSignal
api.core.v1.Lifecycle: stopSignal
  SIGABRT
  SIGALRM
  SIGBUS
  SIGCHLD
  SIGCLD
  SIGCONT
  SIGFPE
  SIGHUP
  SIGILL
  SIGINT
  SIGIO
  SIGIOT
  SIGKILL
  SIGPIPE
  SIGPOLL
  SIGPROF
  SIGPWR
  SIGQUIT
  SIGRTMAX
  SIGRTMAX-1
  SIGRTMAX-10
  SIGRTMAX-11
  SIGRTMAX-12
  SIGRTMAX-13
  SIGRTMAX-14
  SIGRTMAX-2
  SIGRTMAX-3
  SIGRTMAX-4
  SIGRTMAX-5
  SIGRTMAX-6
  SIGRTMAX-7
  SIGRTMAX-8
  SIGRTMAX-9
  SIGRTMIN
  SIGRTMIN+1
  SIGRTMIN+10
  SIGRTMIN+11
  SIGRTMIN+12
  SIGRTMIN+13
  SIGRTMIN+14
  SIGRTMIN+15
  SIGRTMIN+2
  SIGRTMIN+3
  SIGRTMIN+4
  SIGRTMIN+5
  SIGRTMIN+6
  SIGRTMIN+7
  SIGRTMIN+8
  SIGRTMIN+9
  SIGSEGV
  SIGSTKFLT
  SIGSTOP
  SIGSYS
  SIGTERM
  SIGTRAP
  SIGTSTP
  SIGTTIN
  SIGTTOU
  SIGURG
  SIGUSR1
  SIGUSR2
  SIGVTALRM
  SIGWINCH
  SIGXCPU
  SIGXFSZ
api.core.v1.HTTPGetAction: scheme
  HTTP means that the scheme used will be http://
  HTTPS means that the scheme used will be https://
api.core.v1.HostPathVolumeSource: type
  "" For backwards compatible, leave it empty if unset
  BlockDevice A block device must exist at the given path
  CharDevice A character device must exist at the given path
  Directory A directory must exist at the given path
  DirectoryOrCreate If nothing exists at the given path, an empty directory will be created there as needed with file mode 0755, having the same group and ownership with Kubelet.
  File A file must exist at the given path
  FileOrCreate If nothing exists at the given path, an empty file will be created there as needed with file mode 0644, having the same group and ownership with Kubelet.
  Socket A UNIX socket must exist at the given path
api.core.v1.ModifyVolumeStatus: status
  InProgress InProgress indicates that the volume is being modified
  Infeasible Infeasible indicates that the request has been rejected as invalid by the CSI driver. To resolve the error, a valid VolumeAttributesClass needs to be specified
  Pending Pending indicates that the PersistentVolumeClaim cannot be modified due to unmet requirements, such as the specified VolumeAttributesClass not existing
api.core.v1.NamespaceStatus: phase
  Active means the namespace is available for use in the system
  Terminating means the namespace is undergoing graceful termination
api.core.v1.NodeSelectorRequirement: operator
  DoesNotExist
  Exists
  Gt
  In
  Lt
  NotIn
api.core.v1.NodeStatus: phase
  Pending means the node has been created/added by the system, but not configured.
  Running means the node has been configured and has Kubernetes components running.
  Terminated means the node has been removed from the cluster.
api.core.v1.PersistentVolumeClaimSpec: accessModes[]
api.core.v1.PersistentVolumeClaimStatus: accessModes[]
api.core.v1.PersistentVolumeSpec: accessModes[]
  ReadOnlyMany
  ReadWriteMany
  ReadWriteOnce
  ReadWriteOncePod
api.core.v1.PersistentVolumeClaimSpec: volumeMode
api.core.v1.PersistentVolumeSpec: volumeMode
  Block means the volume will not be formatted with a filesystem and will remain a raw block device.
  Filesystem means the volume will be or is formatted with a filesystem.
api.core.v1.PersistentVolumeClaimStatus: allocatedResourceStatuses{}
  ControllerResizeInProgress
  ControllerResizeInfeasible
  NodeResizeInProgress
  NodeResizeInfeasible
  NodeResizePending
api.core.v1.PersistentVolumeClaimStatus: phase
  Bound used for PersistentVolumeClaims that are bound
  Lost used for PersistentVolumeClaims that lost their underlying PersistentVolume. The claim was bound to a PersistentVolume and this volume does not exist any longer and all data on it was lost.
  Pending used for PersistentVolumeClaims that are not yet bound
api.core.v1.PersistentVolumeSpec: persistentVolumeReclaimPolicy
api.storage.v1.StorageClass: reclaimPolicy
  Delete means the volume will be deleted from Kubernetes on release from its claim. The volume plugin must support Deletion.
  Recycle means the volume will be recycled back into the pool of unbound persistent volumes on release from its claim. The volume plugin must support Recycling.
  Retain means the volume will be left in its current phase (Released) for manual reclamation by the administrator. The default policy is Retain.
api.core.v1.PersistentVolumeStatus: phase
  Available used for PersistentVolumes that are not yet bound Available volumes are held by the binder and matched to PersistentVolumeClaims
  Bound used for PersistentVolumes that are bound
  Failed used for PersistentVolumes that failed to be correctly recycled or deleted after being released from a claim
  Pending used for PersistentVolumes that are not available
  Released used for PersistentVolumes where the bound PersistentVolumeClaim was deleted released volumes must be recycled before becoming available again this phase is used by the persistent volume claim binder to signal to another process to reclaim the resource
api.core.v1.PodSecurityContext: fsGroupChangePolicy
  Always indicates that volume's ownership and permissions should always be changed whenever volume is mounted inside a Pod. This the default behavior.
  OnRootMismatch indicates that volume's ownership and permissions will be changed only when permission and ownership of root directory does not match with expected permissions on the volume. This can help shorten the time it takes to change ownership and permissions of a volume.
api.core.v1.PodSecurityContext: supplementalGroupsPolicy
  Merge means that the container's provided SupplementalGroups and FsGroup (specified in SecurityContext) will be merged with the primary user's groups as defined in the container image (in /etc/group).
  Strict means that the container's provided SupplementalGroups and FsGroup (specified in SecurityContext) will be used instead of any groups defined in the container image.
api.core.v1.PodSpec: dnsPolicy
  ClusterFirst indicates that the pod should use cluster DNS first unless hostNetwork is true, if it is available, then fall back on the default (as determined by kubelet) DNS settings.
  ClusterFirstWithHostNet indicates that the pod should use cluster DNS first, if it is available, then fall back on the default (as determined by kubelet) DNS settings.
  Default indicates that the pod should use the default (as determined by kubelet) DNS settings.
  None indicates that the pod should use empty DNS settings. DNS parameters such as nameservers and search paths should be defined via DNSConfig.
api.core.v1.PodSpec: preemptionPolicy
api.scheduling.v1.PriorityClass: preemptionPolicy
  Never means that pod never preempts other pods with lower priority.
  PreemptLowerPriority means that pod can preempt other pods with lower priority.
api.core.v1.PodSpec: restartPolicy
  Always
  Never
  OnFailure
api.core.v1.PodStatus: phase
  Failed means that all containers in the pod have terminated, and at least one container has terminated in a failure (exited with a non-zero exit code or was stopped by the system).
  Pending means the pod has been accepted by the system, but one or more of the containers has not been started. This includes time before being bound to a node, as well as time spent pulling images onto the host.
  Running means the pod has been bound to a node and all of the containers have been started. At least one container is still running or is in the process of being restarted.
  Succeeded means that all containers in the pod have voluntarily terminated with a container exit code of 0, and the system is not going to restart any of these containers.
  Unknown means that for some reason the state of the pod could not be obtained, typically due to an error in communicating with the host of the pod. Deprecated: It isn't being set since 2015 (74da3b14b0c0f658b3bb8d2def5094686d0e9095)
api.core.v1.PodStatus: qosClass
  BestEffort is the BestEffort qos class.
  Burstable is the Burstable qos class.
  Guaranteed is the Guaranteed qos class.
api.core.v1.ResourceQuotaSpec: scopes[]
  BestEffort
  CrossNamespacePodAffinity
  NotBestEffort
  NotTerminating
  PriorityClass
  Terminating
  VolumeAttributesClass
api.core.v1.ScopedResourceSelectorRequirement: operator
  DoesNotExist
  Exists
  In
  NotIn
api.core.v1.ScopedResourceSelectorRequirement: scopeName
  BestEffort Match all pod objects that have best effort quality of service
  CrossNamespacePodAffinity Match all pod objects that have cross-namespace pod (anti)affinity mentioned.
  NotBestEffort Match all pod objects that do not have best effort quality of service
  NotTerminating Match all pod objects where spec.activeDeadlineSeconds is nil
  PriorityClass Match all pod objects that have priority class mentioned
  Terminating Match all pod objects where spec.activeDeadlineSeconds >=0
  VolumeAttributesClass Match all pvc objects that have volume attributes class mentioned.
api.core.v1.SeccompProfile: type
  Localhost indicates a profile defined in a file on the node should be used. The file's location relative to <kubelet-root-dir>/seccomp.
  RuntimeDefault represents the default container runtime seccomp profile.
  Unconfined indicates no seccomp profile is applied (A.K.A. unconfined).
api.core.v1.SecurityContext: procMount
  Default uses the container runtime defaults for readonly and masked paths for /proc. Most container runtimes mask certain paths in /proc to avoid accidental security exposure of special devices or information.
  Unmasked bypasses the default masking behavior of the container runtime and ensures the newly created /proc the container stays in tact with no modifications.
api.core.v1.ServiceSpec: externalTrafficPolicy
  Cluster routes traffic to all endpoints.
  Local preserves the source IP of the traffic by routing only to endpoints on the same node as the traffic was received on (dropping the traffic if there are no local endpoints).
api.core.v1.ServiceSpec: internalTrafficPolicy
  Cluster routes traffic to all endpoints.
  Local routes traffic only to endpoints on the same node as the client pod (dropping the traffic if there are no local endpoints).
api.core.v1.ServiceSpec: ipFamilies[]
  ""
  IPv4
  IPv6
api.core.v1.ServiceSpec: ipFamilyPolicy
  PreferDualStack indicates that this service prefers dual-stack when the cluster is configured for dual-stack. If the cluster is not configured for dual-stack the service will be assigned a single IPFamily. If the IPFamily is not set in service.spec.ipFamilies then the service will be assigned the default IPFamily configured on the cluster
  RequireDualStack indicates that this service requires dual-stack. Using IPFamilyPolicyRequireDualStack on a single stack cluster will result in validation errors. The IPFamilies (and their order) assigned to this service is based on service.spec.ipFamilies. If service.spec.ipFamilies was not provided then it will be assigned according to how they are configured on the cluster. If service.spec.ipFamilies has only one entry then the alternative IPFamily will be added by apiserver
  SingleStack indicates that this service is required to have a single IPFamily. The IPFamily assigned is based on the default IPFamily used by the cluster or as identified by service.spec.ipFamilies field
api.core.v1.ServiceSpec: sessionAffinity
  ClientIP is the Client IP based.
  None - no session affinity.
api.core.v1.ServiceSpec: type
  ClusterIP means a service will only be accessible inside the cluster, via the cluster IP.
  ExternalName means a service consists of only a reference to an external name that kubedns or equivalent will return as a CNAME record, with no exposing or proxying of any pods involved.
  LoadBalancer means a service will be exposed via an external load balancer (if the cloud provider supports it), in addition to 'NodePort' type.
  NodePort means a service will be exposed on one port of every node, in addition to 'ClusterIP' type.
api.core.v1.Taint: effect
api.core.v1.Toleration: effect
  NoExecute Evict any already-running pods that do not tolerate the taint. Currently enforced by NodeController.
  NoSchedule Do not allow new pods to schedule onto the node unless they tolerate the taint, but allow all pods submitted to Kubelet without going through the scheduler to start, and allow all already-running pods to continue running. Enforced by the scheduler.
  PreferNoSchedule Like TaintEffectNoSchedule, but the scheduler tries not to schedule new pods onto the node, rather than prohibiting new pods from scheduling onto the node entirely. Enforced by the scheduler.
api.core.v1.Toleration: operator
  Equal
  Exists
  Gt
  Lt
api.core.v1.TopologySpreadConstraint: nodeAffinityPolicy nodeTaintsPolicy
  Honor means use this scheduling directive when calculating pod topology spread skew.
  Ignore means ignore this scheduling directive when calculating pod topology spread skew.
api.core.v1.TopologySpreadConstraint: whenUnsatisfiable
  DoNotSchedule instructs the scheduler not to schedule the pod when constraints are not satisfied.
  ScheduleAnyway instructs the scheduler to schedule the pod even if constraints are not satisfied.
api.core.v1.VolumeMount: mountPropagation
  Bidirectional means that the volume in a container will receive new mounts from the host or other containers, and its own mounts will be propagated from the container to the host or other containers. Note that this mode is recursively applied to all mounts in the volume ("rshared" in Linux terminology).
  HostToContainer means that the volume in a container will receive new mounts from the host or other containers, but filesystems mounted inside the container won't be propagated to the host or other containers. Note that this mode is recursively applied to all mounts in the volume ("rslave" in Linux terminology).
  None means that the volume in a container will not receive new mounts from the host or other containers, and filesystems mounted inside the container won't be propagated to the host or other containers. Note that this mode corresponds to "private" in Linux terminology.
api.discovery.v1.EndpointSlice: addressType
  FQDN represents a FQDN.
  IPv4 represents an IPv4 Address.
  IPv6 represents an IPv6 Address.
api.networking.v1.HTTPIngressPath: pathType
  Exact matches the URL path exactly and with case sensitivity.
  ImplementationSpecific matching is up to the IngressClass. Implementations can treat this as a separate PathType or treat it identically to Prefix or Exact path types.
  Prefix matches based on a URL path prefix split by '/'. Matching is case sensitive and done on a path element by element basis. A path element refers to the list of labels in the path split by the '/' separator. A request is a match for path p if every p is an element-wise prefix of p of the request path. Note that if the last element of the path is a substring of the last element in request path, it is not a match (e.g. /foo/bar matches /foo/bar/baz, but does not match /foo/barbaz). If multiple matching paths exist in an Ingress spec, the longest matching path is given priority. Examples: - /foo/bar does not match requests to /foo/barbaz - /foo/bar matches request to /foo/bar and /foo/bar/baz - /foo and /foo/ both match requests to /foo and /foo/. If both paths are present in an Ingress spec, the longest matching path (/foo/) is given priority.
api.networking.v1.NetworkPolicySpec: policyTypes[]
  Egress
  Ingress
api.policy.v1.PodDisruptionBudgetSpec: unhealthyPodEvictionPolicy
  AlwaysAllow policy means that all running pods (status.phase="Running"), but not yet healthy are considered disrupted and can be evicted regardless of whether the criteria in a PDB is met. This means perspective running pods of a disrupted application might not get a chance to become healthy. Healthy pods will be subject to the PDB for eviction.
  IfHealthyBudget policy means that running pods (status.phase="Running"), but not yet healthy can be evicted only if the guarded application is not disrupted (status.currentHealthy is at least equal to status.desiredHealthy). Healthy pods will be subject to the PDB for eviction.
api.resource.v1.DeviceAllocationConfiguration: source^
api.resource.v1beta1.DeviceAllocationConfiguration: source^
api.resource.v1beta2.DeviceAllocationConfiguration: source^
  FromClaim
  FromClass
api.resource.v1.DeviceSubRequest: allocationMode^
api.resource.v1.ExactDeviceRequest: allocationMode^
api.resource.v1beta1.DeviceRequest: allocationMode^
api.resource.v1beta1.DeviceSubRequest: allocationMode^
api.resource.v1beta2.DeviceSubRequest: allocationMode^
api.resource.v1beta2.ExactDeviceRequest: allocationMode^
  All
  ExactCount
api.resource.v1.DeviceTaint: effect^
api.resource.v1.DeviceToleration: effect^
api.resource.v1alpha3.DeviceTaint: effect^
api.resource.v1beta1.DeviceTaint: effect^
api.resource.v1beta1.DeviceToleration: effect^
api.resource.v1beta2.DeviceTaint: effect^
api.resource.v1beta2.DeviceToleration: effect^
  NoExecute Evict any already-running pods that do not tolerate the device taint.
  NoSchedule Do not allow new pods to schedule which use a tainted device unless they tolerate the taint, but allow all pods submitted to Kubelet without going through the scheduler to start, and allow all already-running pods to continue running.
  None No effect, the taint is purely informational.
api.resource.v1.DeviceToleration: operator^
api.resource.v1beta1.DeviceToleration: operator^
api.resource.v1beta2.DeviceToleration: operator^
  Equal
  Exists
api.scheduling.v1alpha2.PodGroupSpec: disruptionMode
api.scheduling.v1alpha2.PodGroupTemplate: disruptionMode
  Pod means that individual pods can be disrupted or preempted independently. It doesn't depend on exact set of pods currently running in this PodGroup.
  PodGroup means that the whole PodGroup needs to be disrupted or preempted together.
api.storage.v1.StorageClass: volumeBindingMode
  Immediate indicates that PersistentVolumeClaims should be immediately provisioned and bound. This is the default mode.
  WaitForFirstConsumer indicates that PersistentVolumeClaims should not be provisioned and bound until the first Pod is created that references the PeristentVolumeClaim. The volume provisioning and binding will occur during Pod scheduing.
apiextensions-apiserver.pkg.apis.apiextensions.v1.ValidationRule: reason
  FieldValueDuplicate is used to report collisions of values that must be unique (e.g. unique IDs).
  FieldValueForbidden is used to report valid (as per formatting rules) values which would be accepted under some conditions, but which are not permitted by the current conditions (such as security policy).
  FieldValueInvalid is used to report malformed values (e.g. failed regex match, too long, out of bounds).
  FieldValueRequired is used to report required values that are not provided (e.g. empty strings, null values, or empty arrays).
"""  # noqa: E501 - one enum, one line
