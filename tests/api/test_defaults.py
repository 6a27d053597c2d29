"""Versioned defaults, against the facts of upstream's defaults_test.go files."""

from typing import Any

import pytest

from kubepy.api import builtins, defaults
from kubepy.api.builtins import (
    CUSTOM_RESOURCE_DEFINITIONS,
    DAEMON_SETS,
    DEPLOYMENTS,
    HORIZONTAL_POD_AUTOSCALERS,
    JOBS,
    NAMESPACES,
    NODES,
    PODS,
    SECRETS,
    SERVICES,
    STATEFUL_SETS,
    Resource,
)
from kubepy.api.objects import Obj, walk
from kubepy.api.schema import Schemas


def defaulted(schemas: Schemas, resource: Resource, **parts: Any) -> Obj:
    obj: Obj = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": "a"}} | parts
    kind = schemas.of(resource)
    assert kind.decode(obj).unknown == []
    kind.default(obj)
    return obj


def paths(value: Any, at: str = "") -> dict[str, Any]:
    """{"spec.containers[0].name": "app"}: the leaves of an object, empty containers included."""
    if isinstance(value, dict) and value:
        found: dict[str, Any] = {}
        for key, item in value.items():
            found |= paths(item, f"{at}.{key}" if at else key)
        return found
    if isinstance(value, list) and value:
        found = {}
        for index, item in enumerate(value):
            found |= paths(item, f"{at}[{index}]")
        return found
    return {at: value}


CONTAINER: Obj = {
    "name": "app",
    "image": "nginx:1.29",
    "ports": [{"containerPort": 80}],
    "env": [
        {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "B", "valueFrom": {"fileKeyRef": {"volumeName": "v", "path": "p", "key": "k"}}},
    ],
    "lifecycle": {"postStart": {"httpGet": {"port": 80}}, "preStop": {"httpGet": {"port": 80}}},
    "livenessProbe": {"httpGet": {"port": 80}},
    "readinessProbe": {"grpc": {"port": 80}},
    "startupProbe": {"exec": {"command": ["true"]}},
}
PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
HTTP = {"httpGet.path": "/", "httpGet.scheme": "HTTP"}
CONTAINER_DEFAULTS: Obj = {
    "imagePullPolicy": "IfNotPresent",
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "resources": {},
    "ports[0].protocol": "TCP",
    "env[0].valueFrom.fieldRef.apiVersion": "v1",
    "env[1].valueFrom.fileKeyRef.optional": False,
    "readinessProbe.grpc.service": "",
    **{f"lifecycle.postStart.{key}": value for key, value in HTTP.items()},
    **{f"lifecycle.preStop.{key}": value for key, value in HTTP.items()},
    **{f"livenessProbe.{key}": value for key, value in (HTTP | PROBE).items()},
    **{f"readinessProbe.{key}": value for key, value in PROBE.items()},
    **{f"startupProbe.{key}": value for key, value in PROBE.items()},
}
VOLUMES: list[Obj] = [
    {"name": "nothing"},
    {"name": "config", "configMap": {"name": "c"}},
    {"name": "secret", "secret": {"secretName": "s"}},
    {"name": "host", "hostPath": {"path": "/"}},
    {"name": "down", "downwardAPI": {"items": [{"path": "p", "fieldRef": {"fieldPath": "metadata.name"}}]}},
    {"name": "all", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}},
    {"name": "image", "image": {"reference": "a/b"}},
    {
        "name": "claim",
        "ephemeral": {"volumeClaimTemplate": {"spec": {"resources": {"requests": {"storage": "1Gi"}}}}},
    },
    {"name": "disk", "azureDisk": {"diskName": "d", "diskURI": "u"}},
    {"name": "rbd", "rbd": {"image": "i", "monitors": ["m"]}},
    {"name": "iscsi", "iscsi": {"iqn": "i", "lun": 0, "targetPortal": "t"}},
    {"name": "scale", "scaleIO": {"gateway": "g", "system": "s", "secretRef": {"name": "n"}}},
]
VOLUME_DEFAULTS: Obj = {
    "[0].emptyDir": {},
    "[1].configMap.defaultMode": 420,
    "[2].secret.defaultMode": 420,
    "[3].hostPath.type": "",
    "[4].downwardAPI.defaultMode": 420,
    "[4].downwardAPI.items[0].fieldRef.apiVersion": "v1",
    "[5].projected.defaultMode": 420,
    "[5].projected.sources[0].serviceAccountToken.expirationSeconds": 3600,
    "[6].image.pullPolicy": "Always",
    "[7].ephemeral.volumeClaimTemplate.metadata": {},
    "[7].ephemeral.volumeClaimTemplate.spec.volumeMode": "Filesystem",
    "[8].azureDisk.cachingMode": "ReadWrite",
    "[8].azureDisk.fsType": "ext4",
    "[8].azureDisk.kind": "Shared",
    "[8].azureDisk.readOnly": False,
    "[9].rbd.keyring": "/etc/ceph/keyring",
    "[9].rbd.pool": "rbd",
    "[9].rbd.user": "admin",
    "[10].iscsi.iscsiInterface": "default",
    "[11].scaleIO.fsType": "xfs",
    "[11].scaleIO.storageMode": "ThinProvisioned",
}
POD_SPEC_DEFAULTS: Obj = {
    "dnsPolicy": "ClusterFirst",
    "restartPolicy": "Always",
    "schedulerName": "default-scheduler",
    "securityContext": {},
    "terminationGracePeriodSeconds": 30,
    **{f"containers[0].{key}": value for key, value in CONTAINER_DEFAULTS.items()},
    **{f"initContainers[0].{key}": value for key, value in CONTAINER_DEFAULTS.items()},
    **{f"volumes{key}": value for key, value in VOLUME_DEFAULTS.items()},
}


def pod_spec() -> Obj:
    from kubepy.api.objects import copy

    return copy({"containers": [CONTAINER], "initContainers": [CONTAINER], "volumes": VOLUMES})


def test_a_pod_template_gets_exactly_these_defaults(schemas: Schemas) -> None:
    before = paths(pod_spec())
    obj = defaulted(schemas, DEPLOYMENTS, spec={"template": {"spec": pod_spec()}})
    after = paths(obj["spec"]["template"]["spec"])
    added = {key: value for key, value in after.items() if before.get(key) != value}
    assert added == POD_SPEC_DEFAULTS


def test_a_pod_gets_service_links_besides(schemas: Schemas) -> None:
    before = paths(pod_spec())
    after = paths(defaulted(schemas, PODS, spec=pod_spec())["spec"])
    added = {key: value for key, value in after.items() if before.get(key) != value}
    assert added == POD_SPEC_DEFAULTS | {"enableServiceLinks": True}


def test_requests_default_to_limits_in_pods_and_not_in_templates(schemas: Schemas) -> None:
    resources = {"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "1"}}
    spec = {"containers": [{"name": "a", "image": "b", "resources": dict(resources)}]}
    pod = defaulted(schemas, PODS, spec=spec)
    assert pod["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "1", "memory": "1Gi"}
    template = {"spec": {"containers": [{"name": "a", "image": "b", "resources": dict(resources)}]}}
    owner = defaulted(schemas, DEPLOYMENTS, spec={"template": template})
    container = owner["spec"]["template"]["spec"]["containers"][0]
    assert container["resources"]["requests"] == {"cpu": "1"}


def container(cpu: str, **more: Any) -> Obj:
    return {"name": "a", "image": "b", "resources": {"requests": {"cpu": cpu}}, **more}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"containers": [container("100m"), container("200m")]}, "300m"),
        ({"containers": [container("100m")], "initContainers": [container("2")]}, "2"),
        (
            {"containers": [container("100m")], "initContainers": [container("1", restartPolicy="Always")]},
            "1100m",
        ),
        ({"containers": [{"name": "a", "image": "b"}]}, "4"),
    ],
)
def test_requests_of_the_pod_follow_its_containers_then_its_limits(
    schemas: Schemas, spec: Obj, expected: str
) -> None:
    pod = defaulted(schemas, PODS, spec=spec | {"resources": {"limits": {"cpu": "4"}}})
    assert pod["spec"]["resources"] == {"limits": {"cpu": "4"}, "requests": {"cpu": expected}}


def test_host_network_takes_the_hosts_ports(schemas: Schemas) -> None:
    spec = {
        "hostNetwork": True,
        "containers": [{"name": "a", "image": "b", "ports": [{"containerPort": 80}]}],
    }
    port = defaulted(schemas, PODS, spec=spec)["spec"]["containers"][0]["ports"][0]
    assert port == {"containerPort": 80, "hostPort": 80, "protocol": "TCP"}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (
            {"ports": [{"port": 80}]},
            {
                "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
                "sessionAffinity": "None",
                "type": "ClusterIP",
                "internalTrafficPolicy": "Cluster",
            },
        ),
        (
            {"type": "LoadBalancer", "sessionAffinity": "ClientIP"},
            {
                "type": "LoadBalancer",
                "sessionAffinity": "ClientIP",
                "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10800}},
                "externalTrafficPolicy": "Cluster",
                "internalTrafficPolicy": "Cluster",
                "allocateLoadBalancerNodePorts": True,
            },
        ),
        (
            {"type": "ExternalName", "externalName": "x", "sessionAffinityConfig": {"clientIP": {}}},
            {"type": "ExternalName", "externalName": "x", "sessionAffinity": "None"},
        ),
        ({"ports": [{}]}, None),
    ],
)
def test_services(schemas: Schemas, spec: Obj, expected: Obj | None) -> None:
    service = defaulted(schemas, SERVICES, spec=spec)
    assert service["status"] == {"loadBalancer": {}}
    if expected is None:
        assert service["spec"]["ports"] == [{"port": 0, "protocol": "TCP", "targetPort": 0}]
    else:
        assert service["spec"] == expected


@pytest.mark.parametrize(
    ("resource", "spec", "path", "expected"),
    [
        (
            DEPLOYMENTS,
            {},
            ("strategy",),
            {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
        ),
        (DEPLOYMENTS, {"replicas": 0}, ("replicas",), 0),
        (DEPLOYMENTS, {"strategy": {"type": "Recreate"}}, ("strategy",), {"type": "Recreate"}),
        (DEPLOYMENTS, {}, ("progressDeadlineSeconds",), 600),
        (
            DAEMON_SETS,
            {},
            ("updateStrategy",),
            {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}},
        ),
        (
            STATEFUL_SETS,
            {},
            ("updateStrategy",),
            {"type": "RollingUpdate", "rollingUpdate": {"partition": 0, "maxUnavailable": 1}},
        ),
        (STATEFUL_SETS, {"updateStrategy": {"type": "OnDelete"}}, ("updateStrategy",), {"type": "OnDelete"}),
        (
            STATEFUL_SETS,
            {},
            ("persistentVolumeClaimRetentionPolicy",),
            {"whenDeleted": "Retain", "whenScaled": "Retain"},
        ),
        (JOBS, {}, ("completions",), 1),
        (JOBS, {"parallelism": 2}, ("completions",), None),
        (JOBS, {"backoffLimitPerIndex": 1}, ("backoffLimit",), 2147483647),
        (JOBS, {"podFailurePolicy": {"rules": []}}, ("podReplacementPolicy",), "Failed"),
        (builtins.CRON_JOBS, {}, ("concurrencyPolicy",), "Allow"),
        (builtins.CRON_JOBS, {"jobTemplate": {"spec": {}}}, ("jobTemplate", "spec", "parallelism"), None),
        (builtins.NETWORK_POLICIES, {"egress": [{}]}, ("policyTypes",), ["Ingress", "Egress"]),
        (builtins.CSI_DRIVERS, {}, ("volumeLifecycleModes",), ["Persistent"]),
        (builtins.FLOW_SCHEMAS, {}, ("matchingPrecedence",), 1000),
        (NODES, {"podCIDR": "10.0.0.0/24"}, ("podCIDRs",), ["10.0.0.0/24"]),
        (PODS, {"serviceAccount": "x"}, ("serviceAccountName",), "x"),
        (
            HORIZONTAL_POD_AUTOSCALERS,
            {"behavior": {"scaleDown": {"policies": []}}},
            ("behavior", "scaleDown", "selectPolicy"),
            "Max",
        ),
    ],
)
def test_specs(schemas: Schemas, resource: Resource, spec: Obj, path: tuple[str, ...], expected: Any) -> None:
    assert walk(defaulted(schemas, resource, spec=spec)["spec"], *path) == expected


@pytest.mark.parametrize(
    ("resource", "parts", "path", "expected"),
    [
        (NAMESPACES, {}, ("metadata", "labels"), {"kubernetes.io/metadata.name": "a"}),
        (NAMESPACES, {"metadata": {"generateName": "a-"}}, ("metadata", "labels"), None),
        (NAMESPACES, {}, ("status", "phase"), "Active"),
        (NODES, {"status": {"capacity": {"cpu": "2"}}}, ("status", "allocatable"), {"cpu": "2"}),
        (
            SECRETS,
            {"stringData": {"a": "b"}, "data": {"a": "eA==", "c": "eA=="}},
            ("data",),
            {"a": "Yg==", "c": "eA=="},
        ),
        (SECRETS, {"stringData": {"a": "b"}}, ("stringData",), None),
        (SECRETS, {}, ("type",), "Opaque"),
        (PODS, {"status": {"podIP": "10.0.0.1"}}, ("status", "podIPs"), [{"ip": "10.0.0.1"}]),
        (builtins.PRIORITY_CLASSES, {}, ("preemptionPolicy",), "PreemptLowerPriority"),
        (builtins.STORAGE_CLASSES, {"provisioner": "p"}, ("reclaimPolicy",), "Delete"),
        (
            builtins.ROLE_BINDINGS,
            {"subjects": [{"kind": "User", "name": "u"}, {"kind": "ServiceAccount", "name": "s"}]},
            ("subjects",),
            [
                {"kind": "User", "name": "u", "apiGroup": "rbac.authorization.k8s.io"},
                {"kind": "ServiceAccount", "name": "s"},
            ],
        ),
        (builtins.ROLE_BINDINGS, {}, ("roleRef", "apiGroup"), "rbac.authorization.k8s.io"),
        (
            builtins.LIMIT_RANGES,
            {
                "spec": {
                    "limits": [
                        {"type": "Container", "max": {"cpu": "2"}, "min": {"cpu": "1", "memory": "1Mi"}}
                    ]
                }
            },
            ("spec", "limits"),
            [
                {
                    "type": "Container",
                    "max": {"cpu": "2"},
                    "min": {"cpu": "1", "memory": "1Mi"},
                    "default": {"cpu": "2"},
                    "defaultRequest": {"memory": "1Mi", "cpu": "2"},
                }
            ],
        ),
        (
            CUSTOM_RESOURCE_DEFINITIONS,
            {
                "spec": {
                    "names": {"kind": "CronTab", "plural": "crontabs"},
                    "versions": [{"name": "v1", "storage": True}],
                }
            },
            ("spec", "names"),
            {"kind": "CronTab", "plural": "crontabs", "singular": "crontab", "listKind": "CronTabList"},
        ),
    ],
)
def test_objects(
    schemas: Schemas, resource: Resource, parts: Obj, path: tuple[str, ...], expected: Any
) -> None:
    assert walk(defaulted(schemas, resource, **parts), *path) == expected


@pytest.mark.parametrize(
    ("definition", "given", "expected"),
    [
        ("io.k8s.api.rbac.v1.ClusterRole", {}, {"metadata": {}, "rules": None}),
        ("io.k8s.api.rbac.v1.ClusterRole", {"rules": []}, {"metadata": {}, "rules": None}),
        ("io.k8s.api.storage.v1.CSINodeSpec", {"drivers": []}, {"drivers": None}),
        (
            "io.k8s.api.core.v1.TypedLocalObjectReference",
            {"kind": "K", "name": "n"},
            {"kind": "K", "name": "n", "apiGroup": None},
        ),
        (
            "io.k8s.api.core.v1.TypedLocalObjectReference",
            {"kind": "K", "name": "n", "apiGroup": ""},
            {"kind": "K", "name": "n", "apiGroup": ""},
        ),
        ("io.k8s.api.resource.v1.DeviceCapacity", {}, {"value": "0"}),
    ],
)
def test_what_is_always_written_is_null(schemas: Schemas, definition: str, given: Obj, expected: Obj) -> None:
    kind = schemas.of(definition)
    for _ in range(2):  # reading what was written changes nothing
        kind.decode(given)
        kind.default(given)
        assert given == expected


def test_webhooks(schemas: Schemas) -> None:
    webhook = {
        "name": "w.example.com",
        "clientConfig": {"service": {"name": "s", "namespace": "n"}},
        "rules": [{}],
    }
    obj = defaulted(schemas, builtins.MUTATING_WEBHOOK_CONFIGURATIONS, webhooks=[webhook])
    assert obj["webhooks"][0] | {"name": "", "admissionReviewVersions": []} == {
        "name": "",
        "admissionReviewVersions": [],
        "clientConfig": {"service": {"name": "s", "namespace": "n", "port": 443}},
        "rules": [{"scope": "*"}],
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "namespaceSelector": {},
        "objectSelector": {},
        "timeoutSeconds": 10,
        "reinvocationPolicy": "Never",
    }


def test_claim_templates_say_what_they_are(schemas: Schemas) -> None:
    template = {"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": "1Gi"}}}}
    obj = defaulted(schemas, STATEFUL_SETS, spec={"volumeClaimTemplates": [template]})
    assert obj["spec"]["volumeClaimTemplates"] == [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data"},
            "spec": {"resources": {"requests": {"storage": "1Gi"}}, "volumeMode": "Filesystem"},
            "status": {"phase": "Pending"},
        }
    ]


def test_every_default_is_of_a_definition_that_exists(schemas: Schemas) -> None:
    # Some are of versions that are gone by now.
    known = schemas.definitions.keys() | Schemas("1.31").definitions.keys()
    assert [name for name in defaults.DEFAULTS if name not in known] == []
