"""Objects for tests, in sentences.

    make_pod("web-0").image("nginx").requests(cpu="100m").on("node-1").ready().obj()
    make_deployment("web").replicas(3).image("nginx").obj()
    make_node("node-1").capacity(cpu="4", memory="8Gi").label("zone", "a").taint("dedicated", "gpu").obj()

Each builder starts with the smallest object that the API server accepts; each word adds to it and returns the builder;
`obj()` gives a dict of the caller's own. Namespaced objects are in "default" until `.namespace(...)` says otherwise.

In the manner of kubernetes pkg/scheduler/testing/wrappers.go.
"""

from __future__ import annotations

from typing import Any, Self

from kubepy.api import objects
from kubepy.api.objects import Obj

# Any image will do: simulated nodes pull nothing.
IMAGE = "registry.k8s.io/pause:3.10"

_EPOCH = "2026-01-01T00:00:00Z"  # where virtual time starts


class Builder:
    """What all kinds have: metadata."""

    def __init__(self, api_version: str, kind: str, name: str, *, namespaced: bool = True) -> None:
        metadata: Obj = {"name": name}
        if namespaced:
            metadata["namespace"] = "default"
        self._obj: Obj = {"apiVersion": api_version, "kind": kind, "metadata": metadata}

    def obj(self) -> Obj:
        return objects.copy(self._obj)

    def namespace(self, namespace: str) -> Self:
        self._metadata["namespace"] = namespace
        return self

    def uid(self, uid: str) -> Self:
        self._metadata["uid"] = uid
        return self

    def revision(self, revision: int) -> Self:
        self._metadata["resourceVersion"] = str(revision)
        return self

    def label(self, key: str, value: str = "") -> Self:
        return self.labels(**{key: value})

    def labels(self, **labels: str) -> Self:
        self._metadata.setdefault("labels", {}).update(labels)
        return self

    def annotation(self, key: str, value: str = "") -> Self:
        self._metadata.setdefault("annotations", {})[key] = value
        return self

    def finalizer(self, name: str) -> Self:
        self._metadata.setdefault("finalizers", []).append(name)
        return self

    def owned_by(self, owner: Obj, *, controller: bool = True) -> Self:
        reference = objects.owner_reference(owner)
        if not controller:
            del reference["controller"], reference["blockOwnerDeletion"]
        self._metadata.setdefault("ownerReferences", []).append(reference)
        return self

    def created(self, at: str = _EPOCH) -> Self:
        self._metadata["creationTimestamp"] = at
        return self

    def deleting(self, at: str = _EPOCH, *, grace_s: int = 30) -> Self:
        self._metadata["deletionTimestamp"] = at
        self._metadata["deletionGracePeriodSeconds"] = grace_s
        return self

    def condition(self, type_: str, status: str = "True", *, reason: str = "", at: str = _EPOCH) -> Self:
        """Set or replace one condition."""
        condition = {"type": type_, "status": status, "lastTransitionTime": at}
        if reason:
            condition["reason"] = reason
        kept = [c for c in self._status.get("conditions", ()) if c["type"] != type_]
        self._status["conditions"] = [*kept, condition]
        return self

    def status(self, **fields: Any) -> Self:
        self._status.update(fields)
        return self

    def spec(self, **fields: Any) -> Self:
        self._spec.update(fields)
        return self

    def set(self, **fields: Any) -> Self:
        """Top-level fields: .set(data={...})"""
        self._obj.update(fields)
        return self

    @property
    def _metadata(self) -> Obj:
        return self._obj["metadata"]

    @property
    def _spec(self) -> Obj:
        return self._obj.setdefault("spec", {})

    @property
    def _status(self) -> Obj:
        return self._obj.setdefault("status", {})


class _WithPod(Builder):
    """Words about a pod: the pod itself, or the template of a workload. It has one container unless told otherwise."""

    def obj(self) -> Obj:
        if not self._containers:
            self.container("app")
        return super().obj()

    @property
    def _pod(self) -> Obj:
        raise NotImplementedError

    @property
    def _containers(self) -> list[Obj]:
        return self._pod.setdefault("containers", [])

    @property
    def _last(self) -> Obj:
        if not self._containers:
            self.container("app")
        return self._containers[-1]

    def image(self, image: str, *, container: str = "app") -> Self:
        """The image of one container, which is added if there is none of that name."""
        for known in self._containers:
            if known["name"] == container:
                known["image"] = image
                return self
        return self.container(container, image)

    def container(self, name: str, image: str = IMAGE, **fields: Any) -> Self:
        self._containers.append({"name": name, "image": image, **fields})
        return self

    def init_container(self, name: str, image: str = IMAGE, **fields: Any) -> Self:
        self._pod.setdefault("initContainers", []).append({"name": name, "image": image, **fields})
        return self

    def requests(self, **quantities: str) -> Self:
        """Of the last container: .requests(cpu="100m", memory="64Mi")"""
        return self._resources("requests", quantities)

    def limits(self, **quantities: str) -> Self:
        return self._resources("limits", quantities)

    def _resources(self, which: str, quantities: dict[str, str]) -> Self:
        self._last.setdefault("resources", {}).setdefault(which, {}).update(quantities)
        return self

    def port(self, port: int, *, name: str = "", host_port: int = 0, protocol: str = "TCP") -> Self:
        """Of the last container."""
        entry: Obj = {"containerPort": port, "protocol": protocol}
        if name:
            entry["name"] = name
        if host_port:
            entry["hostPort"] = host_port
        self._last.setdefault("ports", []).append(entry)
        return self

    def node_selector(self, **labels: str) -> Self:
        self._pod.setdefault("nodeSelector", {}).update(labels)
        return self

    def node_affinity(self, key: str, operator: str = "In", *values: str) -> Self:
        """One more required term; terms are alternatives."""
        expression: Obj = {"key": key, "operator": operator}
        if values:
            expression["values"] = list(values)
        affinity = self._pod.setdefault("affinity", {}).setdefault("nodeAffinity", {})
        required = affinity.setdefault("requiredDuringSchedulingIgnoredDuringExecution", {})
        required.setdefault("nodeSelectorTerms", []).append({"matchExpressions": [expression]})
        return self

    def prefers_node(self, key: str, *values: str, weight: int = 1) -> Self:
        term = {"matchExpressions": [{"key": key, "operator": "In", "values": list(values)}]}
        affinity = self._pod.setdefault("affinity", {}).setdefault("nodeAffinity", {})
        preferred = affinity.setdefault("preferredDuringSchedulingIgnoredDuringExecution", [])
        preferred.append({"weight": weight, "preference": term})
        return self

    def tolerates(self, key: str, value: str = "", *, effect: str = "", seconds: int | None = None) -> Self:
        toleration: Obj = {"key": key, "operator": "Equal" if value else "Exists"}
        if value:
            toleration["value"] = value
        if effect:
            toleration["effect"] = effect
        if seconds is not None:
            toleration["tolerationSeconds"] = seconds
        self._pod.setdefault("tolerations", []).append(toleration)
        return self

    def priority(self, priority: int) -> Self:
        self._pod["priority"] = priority
        return self

    def grace(self, seconds: int) -> Self:
        self._pod["terminationGracePeriodSeconds"] = seconds
        return self

    def restart_policy(self, policy: str) -> Self:
        self._pod["restartPolicy"] = policy
        return self


class PodBuilder(_WithPod):
    @property
    def _pod(self) -> Obj:
        return self._spec

    def on(self, node: str) -> Self:
        self._spec["nodeName"] = node
        return self

    def gated(self, name: str) -> Self:
        self._spec.setdefault("schedulingGates", []).append({"name": name})
        return self

    def phase(self, phase: str) -> Self:
        return self.status(phase=phase)

    def ip(self, ip: str) -> Self:
        return self.status(podIP=ip, podIPs=[{"ip": ip}])

    def running(self, at: str = _EPOCH) -> Self:
        """Started, not ready."""
        return self.phase("Running").condition("Ready", "False", at=at).status(startTime=at)

    def ready(self, at: str = _EPOCH) -> Self:
        """Running and ready since `at`."""
        self.phase("Running").status(startTime=at)
        for type_ in ("PodScheduled", "Initialized", "ContainersReady", "Ready"):
            self.condition(type_, at=at)
        return self

    def succeeded(self) -> Self:
        return self.phase("Succeeded").condition("Ready", "False", reason="PodCompleted")

    def failed(self) -> Self:
        return self.phase("Failed").condition("Ready", "False", reason="PodFailed")

    def unschedulable(self) -> Self:
        return self.phase("Pending").condition("PodScheduled", "False", reason="Unschedulable")


class WorkloadBuilder(_WithPod):
    """Deployment, ReplicaSet, StatefulSet, DaemonSet: selects and labels its pods with app=<name>."""

    def __init__(self, api_version: str, kind: str, name: str) -> None:
        super().__init__(api_version, kind, name)
        labels = {"app": name}
        self.spec(
            selector={"matchLabels": labels}, template={"metadata": {"labels": dict(labels)}, "spec": {}}
        )

    @property
    def _pod(self) -> Obj:
        return self._spec["template"]["spec"]

    def selects(self, **labels: str) -> Self:
        """Instead of app=<name>, in the selector and on the pods."""
        self._spec["selector"] = {"matchLabels": labels}
        self._spec["template"]["metadata"]["labels"] = dict(labels)
        return self

    def pod_label(self, key: str, value: str = "") -> Self:
        self._spec["template"]["metadata"]["labels"][key] = value
        return self

    def replicas(self, replicas: int) -> Self:
        return self.spec(replicas=replicas)

    def paused(self) -> Self:
        return self.spec(paused=True)

    def recreate(self) -> Self:
        return self.spec(strategy={"type": "Recreate"})

    def rolling(self, *, max_surge: int | str = "25%", max_unavailable: int | str = "25%") -> Self:
        rolling = {"maxSurge": max_surge, "maxUnavailable": max_unavailable}
        return self.spec(strategy={"type": "RollingUpdate", "rollingUpdate": rolling})

    def min_ready(self, seconds: int) -> Self:
        return self.spec(minReadySeconds=seconds)


class NodeBuilder(Builder):
    def capacity(self, **quantities: str) -> Self:
        """Capacity and allocatable: .capacity(cpu="4", memory="8Gi", pods="110")"""
        for which in ("capacity", "allocatable"):
            self._status.setdefault(which, {}).update(quantities)
        return self

    def taint(self, key: str, value: str = "", *, effect: str = "NoSchedule") -> Self:
        taint = {"key": key, "effect": effect} | ({"value": value} if value else {})
        self._spec.setdefault("taints", []).append(taint)
        return self

    def unschedulable(self) -> Self:
        return self.spec(unschedulable=True)

    def ready(self) -> Self:
        return self.condition("Ready")

    def not_ready(self, status: str = "False") -> Self:
        return self.condition("Ready", status)


class ServiceBuilder(Builder):
    def selects(self, **labels: str) -> Self:
        return self.spec(selector=labels)

    def port(self, port: int, *, target: int | str = 0, name: str = "", protocol: str = "TCP") -> Self:
        entry: Obj = {"port": port, "protocol": protocol, "targetPort": target or port}
        if name:
            entry["name"] = name
        self._spec.setdefault("ports", []).append(entry)
        return self

    def headless(self) -> Self:
        return self.spec(clusterIP="None")


class CustomKindBuilder(Builder):
    """A CustomResourceDefinition: one version, v1, whose objects may say anything until it is told otherwise."""

    def __init__(self, kind: str, group: str) -> None:
        plural = f"{kind.lower()}s"
        super().__init__(
            "apiextensions.k8s.io/v1", "CustomResourceDefinition", f"{plural}.{group}", namespaced=False
        )
        schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        self._version: Obj = {
            "name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema},
        }  # fmt: skip
        names = {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"}
        self.spec(group=group, scope="Namespaced", names=names, versions=[self._version])

    def cluster_wide(self) -> Self:
        return self.spec(scope="Cluster")

    def schema(self, **properties: Obj) -> Self:
        """Of its spec, and no other fields: .schema(size={"type": "integer"})"""
        spec = {"type": "object", "properties": properties}
        self._version["schema"] = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
        return self

    def with_status(self) -> Self:
        return self._subresource("status", {})

    def with_scale(self, replicas: str = "replicas") -> Self:
        """At spec.<replicas> and status.<replicas>."""
        paths = {"specReplicasPath": f".spec.{replicas}", "statusReplicasPath": f".status.{replicas}"}
        return self._subresource("scale", paths)

    def _subresource(self, name: str, what: Obj) -> Self:
        self._version.setdefault("subresources", {})[name] = what
        return self


def make_pod(name: str) -> PodBuilder:
    """A pod of one container, unless it is told otherwise."""
    return PodBuilder("v1", "Pod", name)


def make_deployment(name: str) -> WorkloadBuilder:
    return WorkloadBuilder("apps/v1", "Deployment", name)


def make_replica_set(name: str) -> WorkloadBuilder:
    return WorkloadBuilder("apps/v1", "ReplicaSet", name)


def make_stateful_set(name: str) -> WorkloadBuilder:
    return WorkloadBuilder("apps/v1", "StatefulSet", name).spec(serviceName=name)


def make_daemon_set(name: str) -> WorkloadBuilder:
    return WorkloadBuilder("apps/v1", "DaemonSet", name)


def make_node(name: str) -> NodeBuilder:
    return NodeBuilder("v1", "Node", name, namespaced=False)


def make_namespace(name: str) -> Builder:
    return Builder("v1", "Namespace", name, namespaced=False)


def make_service(name: str) -> ServiceBuilder:
    return ServiceBuilder("v1", "Service", name)


def make_config_map(name: str, **data: str) -> Builder:
    return Builder("v1", "ConfigMap", name).set(data=data)


def make_secret(name: str, **data: str) -> Builder:
    return Builder("v1", "Secret", name).set(stringData=data)


def make_custom_kind(kind: str, *, group: str = "example.com") -> CustomKindBuilder:
    """make_custom_kind("Widget") serves widgets.example.com, for make("example.com/v1", "Widget", "w")."""
    return CustomKindBuilder(kind, group)


def make(api_version: str, kind: str, name: str, *, namespaced: bool = True) -> Builder:
    """Any other kind: make("example.com/v1", "Widget", "w").spec(size=3).obj()"""
    return Builder(api_version, kind, name, namespaced=namespaced)
