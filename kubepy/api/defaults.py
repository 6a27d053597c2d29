"""Versioned defaults: what Kubernetes fills in where the user said nothing.

One small function per definition, found through DEFAULTS by the definition's name and therefore applied wherever that
definition occurs: Container's in Pods and in every pod template. The schema engine calls them on its default walk,
outside in, as upstream's generated SetObjectDefaults do: a function may fill in structs that deeper functions
then default. They change in place and are idempotent. Of the structs that are no pointers (spec, status,
strategy), they find their own already there, not yet those further down.

Some fields are two names of one thing (serviceAccount and serviceAccountName, podIP and podIPs). Upstream's
conversion to its internal form and back keeps them equal; here these functions do.

Not here: what needs more than the object (DeviceTaint.timeAdded needs a clock, service accounts and priorities are
admission), and defaults behind feature gates that are off in 1.37.

Source: kubernetes 1.36 pkg/apis/*/v1/defaults.go, pkg/apis/autoscaling/v2/defaults.go, the +default marks of
k8s.io/api, apiextensions-apiserver pkg/apis/apiextensions/v1/defaults.go, kube-aggregator
pkg/apis/apiregistration/v1/defaults.go.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from kubepy.api import images, quantity
from kubepy.api.conversion import PRESERVE_ZERO_SHARES
from kubepy.api.objects import Obj, copy

Setter = Callable[[Obj], None]


def _set(**values: Any) -> Setter:
    """Sets each of these scalars where it is absent."""
    pairs = tuple(values.items())

    def setter(value: Obj) -> None:
        for name, default in pairs:
            if name not in value:
                value[name] = default

    return setter


def _set_zero(**values: Any) -> Setter:
    """Sets each of these scalars where it is zero; for fields that are always written, so that zero says nothing."""
    pairs = tuple(values.items())

    def setter(value: Obj) -> None:
        for name, default in pairs:
            if not value.get(name):
                value[name] = default

    return setter


# -- core -----------------------------------------------------------------------------------------------------


def _container(container: Obj) -> None:
    if "imagePullPolicy" not in container:
        container["imagePullPolicy"] = images.pull_policy(container.get("image", ""))
    if "terminationMessagePath" not in container:
        container["terminationMessagePath"] = "/dev/termination-log"
    if "terminationMessagePolicy" not in container:
        container["terminationMessagePolicy"] = "File"


def _pod_spec(spec: Obj) -> None:
    if "restartPolicy" not in spec:
        spec["restartPolicy"] = "Always"
    if "terminationGracePeriodSeconds" not in spec:
        spec["terminationGracePeriodSeconds"] = 30
    if "dnsPolicy" not in spec:
        spec["dnsPolicy"] = "ClusterFirst"
    if "securityContext" not in spec:
        spec["securityContext"] = {}
    if "schedulerName" not in spec:
        spec["schedulerName"] = "default-scheduler"
    # Source: core/v1/conversion.go Convert_v1_PodSpec_To_core_PodSpec.
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account


def _pod(pod: Obj) -> None:
    spec = pod["spec"]
    # Source: core/v1/conversion.go Convert_v1_Pod_To_core_Pod; not of templates.
    if spec.get("terminationGracePeriodSeconds", 0) < 0:
        spec["terminationGracePeriodSeconds"] = 1
    containers = spec.get("containers") or ()
    init_containers = spec.get("initContainers") or ()
    for container in (*containers, *init_containers):
        resources = container.get("resources")
        if resources and "limits" in resources:
            resources["requests"] = resources["limits"] | resources.get("requests", {})
    if "resources" in spec:
        _pod_resources(spec)
    if "enableServiceLinks" not in spec:
        spec["enableServiceLinks"] = True
    if spec.get("hostNetwork"):
        for container in (*containers, *init_containers):
            for port in container.get("ports") or ():
                if "hostPort" not in port and port.get("containerPort"):
                    port["hostPort"] = port["containerPort"]


def _pod_resources(spec: Obj) -> None:
    """Pod-level resources: requests follow the containers' requests, then the pod's limits.

    Source: core/v1 defaultHugePagePodLimits, defaultPodRequests.
    """
    resources = spec["resources"]
    limits, requests = dict(resources.get("limits", {})), dict(resources.get("requests", {}))
    if not limits and not requests:
        return
    for name, amount in _aggregate(spec, "limits").items():
        if name.startswith("hugepages-") and name not in requests:
            limits.setdefault(name, amount)
    if limits:
        resources["limits"] = limits
        for name, amount in _aggregate(spec, "requests").items():
            if name in ("cpu", "memory"):  # huge pages cannot be overcommitted: they follow the limits
                requests.setdefault(name, amount)
        for name, amount in limits.items():
            if name in ("cpu", "memory") or name.startswith("hugepages-"):
                requests.setdefault(name, amount)
    if requests:
        resources["requests"] = requests


def _aggregate(spec: Obj, which: str) -> dict[str, str]:
    """What the containers ask for together: all that run side by side, or the greatest init container.

    Source: component-helpers resource AggregateContainerRequests.
    """
    total: dict[str, quantity.Quantity] = {}
    for container in spec.get("containers") or ():
        _add(total, container, which)
    sidecars: dict[str, quantity.Quantity] = {}
    peak: dict[str, quantity.Quantity] = {}
    for container in spec.get("initContainers") or ():
        if container.get("restartPolicy") == "Always":
            _add(total, container, which)
            _add(sidecars, container, which)
            at_start = dict(sidecars)
        else:
            at_start = dict(sidecars)
            _add(at_start, container, which)
        for name, amount in at_start.items():
            peak[name] = max(peak.get(name, amount), amount)
    for name, amount in peak.items():
        total[name] = max(total.get(name, amount), amount)
    return {name: amount.canonical() for name, amount in total.items()}


def _add(total: dict[str, quantity.Quantity], container: Obj, which: str) -> None:
    for name, text in (container.get("resources") or {}).get(which, {}).items():
        amount = quantity.parse(text)
        total[name] = total[name] + amount if name in total else amount


def _volume(volume: Obj) -> None:
    if not any(key != "name" for key in volume):
        volume["emptyDir"] = {}


def _image_volume(source: Obj) -> None:
    if "pullPolicy" not in source:
        source["pullPolicy"] = images.pull_policy(source.get("reference", ""))


def _service(service: Obj) -> None:
    spec = service["spec"]
    affinity = spec.setdefault("sessionAffinity", "None")
    if affinity == "None":
        spec.pop("sessionAffinityConfig", None)
    elif affinity == "ClientIP":
        config = spec.get("sessionAffinityConfig") or {}
        if "timeoutSeconds" not in (config.get("clientIP") or {}):
            spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": 10800}}
    type_ = spec.setdefault("type", "ClusterIP")
    for port in spec.get("ports") or ():
        if "protocol" not in port:
            port["protocol"] = "TCP"
        if not port.get("targetPort"):
            port["targetPort"] = port.get("port", 0)
    exposed = type_ in ("LoadBalancer", "NodePort") or (type_ == "ClusterIP" and spec.get("externalIPs"))
    if exposed and "externalTrafficPolicy" not in spec:
        spec["externalTrafficPolicy"] = "Cluster"
    if "internalTrafficPolicy" not in spec and type_ in ("ClusterIP", "NodePort", "LoadBalancer"):
        spec["internalTrafficPolicy"] = "Cluster"
    if type_ == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
        for ingress in service["status"].get("loadBalancer", {}).get("ingress") or ():
            if ingress.get("ip"):
                ingress.setdefault("ipMode", "VIP")


def _namespace(namespace: Obj) -> None:
    metadata = namespace["metadata"]
    name = metadata.get("name")
    if name:  # a generated name comes too late: the strategy sets the label then
        metadata.setdefault("labels", {})["kubernetes.io/metadata.name"] = name


def _secret(secret: Obj) -> None:
    """Source: core/v1/conversion.go Convert_v1_Secret_To_core_Secret: stringData overwrites data."""
    secret.setdefault("type", "Opaque")
    texts = secret.pop("stringData", None)
    if texts:
        encoded = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
        secret["data"] = (secret.get("data") or {}) | encoded


def _pod_status(status: Obj) -> None:
    """Source: core/v1/conversion.go Convert_v1_PodStatus_To_core_PodStatus: podIP wins over podIPs."""
    address, addresses = status.get("podIP"), status.get("podIPs")
    if address and (not addresses or addresses[0].get("ip") != address):
        status["podIPs"] = [{"ip": address}]
    elif addresses and not address:
        status["podIP"] = addresses[0].get("ip", "")


def _node_spec(spec: Obj) -> None:
    """Source: core/v1/conversion.go Convert_v1_NodeSpec_To_core_NodeSpec: podCIDR wins over podCIDRs."""
    block, blocks = spec.get("podCIDR"), spec.get("podCIDRs")
    if block and (not blocks or blocks[0] != block):
        spec["podCIDRs"] = [block]
    elif blocks and not block:
        spec["podCIDR"] = blocks[0]


def _node_status(status: Obj) -> None:
    if "allocatable" not in status and "capacity" in status:
        status["allocatable"] = dict(status["capacity"])


def _limit_range_item(item: Obj) -> None:
    if item.get("type") != "Container":
        return
    limits = (item.get("max") or {}) | (item.get("default") or {})
    requests = (item.get("min") or {}) | limits | (item.get("defaultRequest") or {})
    if limits:
        item["default"] = limits
    if requests:
        item["defaultRequest"] = requests


def _replication_controller(controller: Obj) -> None:
    spec = controller["spec"]
    spec.setdefault("replicas", 1)
    labels = (spec.get("template") or {}).get("metadata", {}).get("labels")
    if labels:
        if not spec.get("selector"):
            spec["selector"] = dict(labels)
        _labels_of_template(controller, labels)


def _labels_of_template(obj: Obj, labels: Obj | None) -> None:
    metadata = obj.setdefault("metadata", {})
    if labels and not metadata.get("labels"):
        metadata["labels"] = dict(labels)


def _persistent_volume(volume: Obj) -> None:
    volume["status"].setdefault("phase", "Pending")
    spec = volume["spec"]
    spec.setdefault("persistentVolumeReclaimPolicy", "Retain")
    spec.setdefault("volumeMode", "Filesystem")


def _persistent_volume_claim(claim: Obj) -> None:
    claim["status"].setdefault("phase", "Pending")


# -- apps -----------------------------------------------------------------------------------------------------

# What old clients read of a DaemonSet.
TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"


def _deployment_spec(spec: Obj) -> None:
    spec.setdefault("replicas", 1)
    strategy = spec["strategy"]
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", "25%")
        rolling.setdefault("maxSurge", "25%")
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)


def _daemon_set(obj: Obj) -> None:
    """Go counts templates in a field of its own, and writes it here; a writer without it owns a zero of it.

    Source: apps/v1 Convert_apps_DaemonSet_To_v1_DaemonSet."""
    annotations = obj["metadata"].get("annotations") or {}
    if TEMPLATE_GENERATION not in annotations:
        obj["metadata"]["annotations"] = {**annotations, TEMPLATE_GENERATION: "0"}


def _daemon_set_spec(spec: Obj) -> None:
    strategy = spec["updateStrategy"]
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", 1)
        rolling.setdefault("maxSurge", 0)
    spec.setdefault("revisionHistoryLimit", 10)


def _stateful_set_spec(spec: Obj) -> None:
    spec.setdefault("podManagementPolicy", "OrderedReady")
    strategy = spec["updateStrategy"]
    if not strategy.get("type"):
        strategy["type"] = "RollingUpdate"
        strategy.setdefault("rollingUpdate", {})
    if strategy["type"] == "RollingUpdate" and "rollingUpdate" in strategy:
        strategy["rollingUpdate"].setdefault("partition", 0)
    retention = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
    retention.setdefault("whenDeleted", "Retain")
    retention.setdefault("whenScaled", "Retain")
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", 10)
    # Source: apps/v1 Convert_apps_StatefulSetSpec_To_v1_StatefulSetSpec.
    for claim in spec.get("volumeClaimTemplates") or ():
        claim["apiVersion"], claim["kind"] = "v1", "PersistentVolumeClaim"


# -- batch ----------------------------------------------------------------------------------------------------


def _job(job: Obj) -> None:
    """Jobs of their own; the templates of CronJobs are defaulted when they become Jobs."""
    spec = job["spec"]
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    if "backoffLimit" not in spec:
        spec["backoffLimit"] = 2**31 - 1 if "backoffLimitPerIndex" in spec else 6
    _labels_of_template(job, spec.get("template", {}).get("metadata", {}).get("labels"))
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    if "podReplacementPolicy" not in spec:
        spec["podReplacementPolicy"] = "Failed" if "podFailurePolicy" in spec else "TerminatingOrFailed"
    spec.setdefault("manualSelector", False)


# -- autoscaling ----------------------------------------------------------------------------------------------

_SCALE_UP: Obj = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
_SCALE_DOWN: Obj = {
    "selectPolicy": "Max",
    "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
}
_CPU_TARGET: Obj = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
}


def _horizontal_pod_autoscaler_spec(spec: Obj) -> None:
    spec.setdefault("minReplicas", 1)
    if not spec.get("metrics"):
        spec["metrics"] = [copy(_CPU_TARGET)]
    if "behavior" in spec:
        behavior = spec["behavior"]
        behavior["scaleUp"] = copy(_SCALE_UP) | behavior.get("scaleUp", {})
        behavior["scaleDown"] = copy(_SCALE_DOWN) | behavior.get("scaleDown", {})


# -- networking, rbac, storage, policy ------------------------------------------------------------------------

_RBAC = "rbac.authorization.k8s.io"


def _network_policy_spec(spec: Obj) -> None:
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]


def _role_binding(binding: Obj) -> None:
    role = binding["roleRef"]
    if not role.get("apiGroup"):
        role["apiGroup"] = _RBAC


def _subject(subject: Obj) -> None:
    if not subject.get("apiGroup") and subject.get("kind") in ("User", "Group"):
        subject["apiGroup"] = _RBAC


def _csi_driver_spec(spec: Obj) -> None:
    spec.setdefault("attachRequired", True)
    spec.setdefault("podInfoOnMount", False)
    spec.setdefault("storageCapacity", False)
    spec.setdefault("fsGroupPolicy", "ReadWriteOnceWithFSType")
    if not spec.get("volumeLifecycleModes"):
        spec["volumeLifecycleModes"] = ["Persistent"]
    spec.setdefault("requiresRepublish", False)
    spec.setdefault("seLinuxMount", False)


# -- admissionregistration, apiextensions, scheduling, resource ------------------------------------------------


def _match_resources(match: Obj) -> None:
    match.setdefault("matchPolicy", "Equivalent")
    match.setdefault("namespaceSelector", {})
    match.setdefault("objectSelector", {})


def _webhook(webhook: Obj) -> None:
    webhook.setdefault("failurePolicy", "Fail")
    _match_resources(webhook)
    webhook.setdefault("timeoutSeconds", 10)


def _mutating_webhook(webhook: Obj) -> None:
    _webhook(webhook)
    webhook.setdefault("reinvocationPolicy", "Never")


def _custom_resource_definition(definition: Obj) -> None:
    spec = definition["spec"]
    names = spec.setdefault("names", {})
    kind = names.get("kind", "")
    if not names.get("singular"):
        names["singular"] = kind.lower()
    if not names.get("listKind") and kind:
        names["listKind"] = f"{kind}List"
    spec.setdefault("conversion", {"strategy": "None"})
    if not definition["status"].get("storedVersions"):
        stored = [version.get("name", "") for version in spec.get("versions") or () if version.get("storage")]
        if stored:
            definition["status"]["storedVersions"] = stored[:1]


def _pod_group(spec: Obj) -> None:
    spec.setdefault("disruptionMode", {"single": {}})


def _device_request(request: Obj) -> None:
    if request.setdefault("allocationMode", "ExactCount") == "ExactCount" and not request.get("count"):
        request["count"] = 1


_MODE = _set(defaultMode=0o644)
_VOLUME_PLUGINS: dict[str, Setter] = {
    # The persistent twins are named ...PersistentVolumeSource.
    "RBD": _set(pool="rbd", user="admin", keyring="/etc/ceph/keyring"),
    "ISCSI": _set(iscsiInterface="default"),
    "ScaleIO": _set(storageMode="ThinProvisioned", fsType="xfs"),
}


def _level_v1beta3(obj: Obj) -> None:
    limited = (obj.get("spec") or {}).get("limited")
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    if limited is not None and PRESERVE_ZERO_SHARES not in annotations:
        if not limited.get("nominalConcurrencyShares"):
            limited["nominalConcurrencyShares"] = 30


_TABLE: dict[str, dict[str, Setter]] = {
    "io.k8s.api.core.v1.": {
        "AzureDiskVolumeSource": _set(cachingMode="ReadWrite", fsType="ext4", readOnly=False, kind="Shared"),
        "ConfigMapVolumeSource": _MODE,
        "Container": _container,
        "ContainerPort": _set(protocol="TCP"),
        "DownwardAPIVolumeSource": _MODE,
        "EndpointPort": _set(protocol="TCP"),
        "Event": _set(eventTime=None, firstTimestamp=None, lastTimestamp=None),
        "EphemeralContainer": _container,
        "FileKeySelector": _set(optional=False),
        "GRPCAction": _set(service=""),
        "HTTPGetAction": _set(path="/", scheme="HTTP"),
        "HostPathVolumeSource": _set(type=""),
        "ImageVolumeSource": _image_volume,
        "LimitRangeItem": _limit_range_item,
        "LimitRangeSpec": _set_zero(limits=None),
        "Namespace": _namespace,
        "NamespaceStatus": _set(phase="Active"),
        "NodeSpec": _node_spec,
        "NodeStatus": _node_status,
        "ObjectFieldSelector": _set(apiVersion="v1"),
        "PersistentVolume": _persistent_volume,
        "PersistentVolumeClaim": _persistent_volume_claim,
        "PersistentVolumeClaimSpec": _set(volumeMode="Filesystem"),
        "Pod": _pod,
        "PodSpec": _pod_spec,
        "PodStatus": _pod_status,
        "Probe": _set(timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3),
        "ProjectedVolumeSource": _MODE,
        "ReplicationController": _replication_controller,
        "ResourceFieldSelector": _set(divisor="0"),
        "Secret": _secret,
        "SecretVolumeSource": _MODE,
        "Service": _service,
        "ServiceAccountTokenProjection": _set(expirationSeconds=3600),
        "TypedLocalObjectReference": _set(apiGroup=None),
        "TypedObjectReference": _set(apiGroup=None),
        "Volume": _volume,
        **{f"{name}VolumeSource": setter for name, setter in _VOLUME_PLUGINS.items()},
        **{f"{name}PersistentVolumeSource": setter for name, setter in _VOLUME_PLUGINS.items()},
    },
    "io.k8s.api.apps.v1.": {
        "DaemonSet": _daemon_set,
        "DaemonSetSpec": _daemon_set_spec,
        "DeploymentSpec": _deployment_spec,
        "ReplicaSetSpec": _set(replicas=1),
        "RollingUpdateStatefulSetStrategy": _set(maxUnavailable=1),
        "StatefulSetSpec": _stateful_set_spec,
    },
    "io.k8s.api.batch.v1.": {
        "CronJobSpec": _set(
            concurrencyPolicy="Allow", suspend=False, successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1
        ),
        "Job": _job,
        "PodFailurePolicy": _set_zero(rules=None),
        "PodFailurePolicyOnExitCodesRequirement": _set(values=None),
        "PodFailurePolicyOnPodConditionsPattern": _set_zero(status="True"),
        "SuccessPolicy": _set_zero(rules=None),
    },
    "io.k8s.api.autoscaling.v1.": {"HorizontalPodAutoscalerSpec": _set(minReplicas=1)},
    "io.k8s.api.autoscaling.v2.": {"HorizontalPodAutoscalerSpec": _horizontal_pod_autoscaler_spec},
    "io.k8s.api.networking.v1.": {
        "IngressClassParametersReference": _set(scope="Cluster"),
        "NetworkPolicyPort": _set(protocol="TCP"),
        "NetworkPolicySpec": _network_policy_spec,
    },
    "io.k8s.api.rbac.v1.": {
        "ClusterRoleBinding": _role_binding,
        "RoleBinding": _role_binding,
        "Subject": _subject,
    },
    "io.k8s.api.storage.v1.": {
        "CSIDriverSpec": _csi_driver_spec,
        "StorageClass": _set(reclaimPolicy="Delete", volumeBindingMode="Immediate"),
    },
    "io.k8s.api.authentication.v1.": {"TokenRequestSpec": _set(expirationSeconds=3600)},
    "io.k8s.api.discovery.v1.": {
        "EndpointPort": _set(name="", protocol="TCP"),
        "EndpointSlice": _set_zero(endpoints=None, ports=None),
    },
    "io.k8s.api.events.v1.": {
        "Event": _set(deprecatedFirstTimestamp=None, deprecatedLastTimestamp=None, eventTime=None),
    },
    "io.k8s.api.scheduling.v1beta1.": {"PodGroupSpec": _pod_group},
    "io.k8s.api.scheduling.v1.": {"PriorityClass": _set(preemptionPolicy="PreemptLowerPriority")},
    "io.k8s.api.flowcontrol.v1.": {
        "ExemptPriorityLevelConfiguration": _set(nominalConcurrencyShares=0, lendablePercent=0),
        "FlowSchemaSpec": _set_zero(matchingPrecedence=1000),
        "LimitedPriorityLevelConfiguration": _set(nominalConcurrencyShares=30, lendablePercent=0),
        "QueuingConfiguration": _set_zero(handSize=8, queues=64, queueLengthLimit=50),
    },
    "io.k8s.api.flowcontrol.v1beta3.": {
        "ExemptPriorityLevelConfiguration": _set(nominalConcurrencyShares=0, lendablePercent=0),
        "FlowSchemaSpec": _set_zero(matchingPrecedence=1000),
        "LimitedPriorityLevelConfiguration": _set(lendablePercent=0),
        "PriorityLevelConfiguration": _level_v1beta3,
        "QueuingConfiguration": _set_zero(handSize=8, queues=64, queueLengthLimit=50),
    },
    "io.k8s.api.admissionregistration.v1.": {
        "MatchResources": _match_resources,
        "MutatingAdmissionPolicySpec": _set(failurePolicy="Fail"),
        "MutatingWebhook": _mutating_webhook,
        "NamedRuleWithOperations": _set(scope="*"),
        "RuleWithOperations": _set(scope="*"),
        "ServiceReference": _set(port=443),
        "ValidatingAdmissionPolicySpec": _set(failurePolicy="Fail"),
        "ValidatingWebhook": _webhook,
    },
    "io.k8s.api.resource.v1.": {
        "DeviceSubRequest": _device_request,
        "DeviceToleration": _set(operator="Equal"),
        "ExactDeviceRequest": _device_request,
    },
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.": {
        "CustomResourceDefinition": _custom_resource_definition,
        "ServiceReference": _set(port=443),
    },
    "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.": {"ServiceReference": _set(port=443)},
    "io.k8s.api.certificates.v1.": {"PodCertificateRequestSpec": _set(maxExpirationSeconds=86400)},
}

# definition name -> what to call on each value of it
# Kinds with defaults in their status that depend on their spec: neither part is defaulted without the other.
ACROSS_PARTS = frozenset({"CustomResourceDefinition", "Service"})

DEFAULTS: dict[str, Setter] = {
    package + name: setter for package, definitions in _TABLE.items() for name, setter in definitions.items()
}
