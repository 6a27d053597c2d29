"""Source of the cases: kubernetes 1.36 pkg/quota/v1/evaluator/core/*_test.go."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.objects import Obj
from kubepy.api.quota import amounts, evaluators
from kubepy.api.quota.evaluators import CREATE, UPDATE
from kubepy.lib.clock import rfc3339
from kubepy.testing.builders import make_pod

NOW = 1_767_225_600.0


def usage(group_resource: str, obj: Obj) -> dict[str, str]:
    return amounts.render(evaluators.of(group_resource).usage(obj, NOW))


def resources(requests: Obj | None = None, limits: Obj | None = None, **fields: Any) -> Obj:
    return {"name": "c", "resources": {"requests": requests or {}, "limits": limits or {}}, **fields}


def pod(*containers: Obj, init: tuple[Obj, ...] = (), status: Obj | None = None, **spec: Any) -> Obj:
    metadata: Obj = {"name": "p"}
    return {
        "metadata": metadata, "spec": {"containers": list(containers), "initContainers": list(init), **spec},
        "status": status or {},
    }  # fmt: skip


ONE_POD = {"count/pods": "1", "pods": "1"}


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (pod(resources()), {}),
        (pod(resources({"cpu": "1m"}, {"cpu": "2m"})), {"cpu": "1m", "requests.cpu": "1m", "limits.cpu": "2m"}),
        (pod(resources({"memory": "1Mi"}), resources({"memory": "1Mi"})), {"memory": "2Mi", "requests.memory": "2Mi"}),
        (pod(resources({"ephemeral-storage": "32Mi"}, {"ephemeral-storage": "64Mi"})),
         {"ephemeral-storage": "32Mi", "requests.ephemeral-storage": "32Mi", "limits.ephemeral-storage": "64Mi"}),
        (pod(resources({"hugepages-2Mi": "100Mi"})), {"hugepages-2Mi": "100Mi", "requests.hugepages-2Mi": "100Mi"}),
        (pod(resources({"example.com/dongle": "3"})), {"requests.example.com/dongle": "3"}),
        (pod(resources({"kubernetes.io/odd": "3"})), {}),
        (pod(resources({"cpu": "10m"}), init=(resources({"cpu": "15m"}),)), {"cpu": "15m", "requests.cpu": "15m"}),
        (pod(resources({"cpu": "10m"}), init=(resources({"cpu": "5m"}, restartPolicy="Always"),)),
         {"cpu": "15m", "requests.cpu": "15m"}),
        (pod(resources({"cpu": "10m"}, {"cpu": "20m"}), overhead={"cpu": "1m", "memory": "1Mi"}),
         {"cpu": "11m", "requests.cpu": "11m", "limits.cpu": "21m", "memory": "1Mi", "requests.memory": "1Mi"}),
        (pod(resources({"cpu": "10m"}), resources={"requests": {"cpu": "30m"}}), {"cpu": "30m", "requests.cpu": "30m"}),
        # A resize that is not through yet: the larger of what is wanted, held and allocated.
        (pod(resources({"cpu": "100m"}), status={"containerStatuses": [
            {"name": "c", "resources": {"requests": {"cpu": "200m"}}, "allocatedResources": {"cpu": "150m"}}]}),
         {"cpu": "200m", "requests.cpu": "200m"}),
    ],
)  # fmt: skip
def test_pods(made: Obj, expected: dict[str, str]) -> None:
    assert usage("pods", made) == dict(sorted((ONE_POD | expected).items()))


def test_a_pod_that_is_over_only_counts_as_an_object() -> None:
    assert usage("pods", pod(resources({"cpu": "1"}), status={"phase": "Failed"})) == {"count/pods": "1"}
    late = pod(resources({"cpu": "1"}))
    late["metadata"] |= {"deletionTimestamp": rfc3339(NOW - 31), "deletionGracePeriodSeconds": 30}
    assert usage("pods", late) == {"count/pods": "1"}
    late["metadata"]["deletionTimestamp"] = rfc3339(NOW - 29)
    assert usage("pods", late)["pods"] == "1"


@pytest.mark.parametrize(
    ("spec", "node_ports", "balancers"),
    [
        ({"ports": [{"port": 1}]}, "0", "0"),
        ({"type": "NodePort", "ports": [{"port": 1}, {"port": 2}]}, "2", "0"),
        ({"type": "LoadBalancer", "ports": [{"port": 1}]}, "1", "1"),
        ({"type": "LoadBalancer", "ports": [{"port": 1, "nodePort": 30000}, {"port": 2}],
          "allocateLoadBalancerNodePorts": False}, "1", "1"),
        ({"type": "ExternalName"}, "0", "0"),
    ],
)  # fmt: skip
def test_services(spec: Obj, node_ports: str, balancers: str) -> None:
    assert usage("services", {"metadata": {}, "spec": spec}) == {
        "count/services": "1", "services": "1", "services.loadbalancers": balancers, "services.nodeports": node_ports,
    }  # fmt: skip


def test_claims_count_for_their_class_too() -> None:
    claim = {
        "metadata": {},
        "spec": {"storageClassName": "gold", "resources": {"requests": {"storage": "10Gi"}}},
    }
    of_class = {"gold.storageclass.storage.k8s.io/persistentvolumeclaims": "1"}
    assert usage("persistentvolumeclaims", claim) == {
        "count/persistentvolumeclaims": "1", **of_class, "gold.storageclass.storage.k8s.io/requests.storage": "10Gi",
        "persistentvolumeclaims": "1", "requests.storage": "10Gi",
    }  # fmt: skip
    claim["status"] = {"allocatedResources": {"storage": "12Gi"}}
    assert usage("persistentvolumeclaims", claim)["requests.storage"] == "12Gi"
    del claim["status"]
    claim["spec"]["resources"] = {"requests": {"storage": "1500m"}}  # type: ignore[index]
    assert usage("persistentvolumeclaims", claim)["requests.storage"] == "2"


def test_devices_count_by_class_alternatives_by_the_largest() -> None:
    def request(count: int, mode: str = "ExactCount", class_: str = "gpu") -> Obj:
        return {"deviceClassName": class_, "allocationMode": mode, "count": count}

    requests = [
        {"name": "a", "exactly": request(2)},
        {"name": "b", "firstAvailable": [request(1), request(3), request(1, class_="tpu")]},
        {"name": "c", "exactly": request(0, "All", "tpu")},
    ]
    claim = {"metadata": {}, "spec": {"devices": {"requests": requests}}}
    assert usage("resourceclaims.resource.k8s.io", claim) == {
        "count/resourceclaims.resource.k8s.io": "1",
        "gpu.deviceclass.resource.k8s.io/devices": "5",
        "tpu.deviceclass.resource.k8s.io/devices": "33",
    }


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("pods", ["pods"]), ("requests.cpu", ["pods"]), ("limits.memory", ["pods"]), ("hugepages-2Mi", ["pods"]),
        ("requests.example.com/dongle", ["pods"]), ("limits.example.com/dongle", []), ("configmaps", ["configmaps"]),
        ("services.nodeports", ["services"]), ("requests.storage", ["persistentvolumeclaims"]),
        ("gold.storageclass.storage.k8s.io/requests.storage", ["persistentvolumeclaims"]),
        ("gpu.deviceclass.resource.k8s.io/devices", ["resourceclaims.resource.k8s.io"]),
        ("count/deployments.apps", ["deployments.apps"]), ("unheard.of", []),
    ],
)  # fmt: skip
def test_who_counts_for_a_resource(name: str, kinds: list[str]) -> None:
    assert [evaluator.group_resource for evaluator in evaluators.counted_in(name)] == kinds


@pytest.mark.parametrize(
    ("requirement", "made", "matches"),
    [
        ({"scopeName": "PriorityClass", "operator": "Exists"}, {"priorityClassName": "high"}, True),
        ({"scopeName": "PriorityClass", "operator": "Exists"}, {}, False),
        ({"scopeName": "PriorityClass", "operator": "DoesNotExist"}, {}, True),
        ({"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}, {"priorityClassName": "high"}, True),
        ({"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}, {"priorityClassName": "low"}, False),
        ({"scopeName": "PriorityClass", "operator": "NotIn", "values": ["high"]}, {}, True),
        ({"scopeName": "CrossNamespacePodAffinity", "operator": "Exists"}, {}, False),
        ({"scopeName": "CrossNamespacePodAffinity", "operator": "Exists"}, {"affinity": {"podAntiAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [{"podAffinityTerm": {"namespaceSelector": {}}}]}}},
         True),
        ({"scopeName": "CrossNamespacePodAffinity", "operator": "Exists"}, {"affinity": {"podAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "x"}]}}}, False),
        ({"scopeName": "VolumeAttributesClass", "operator": "Exists"}, {}, False),
    ],
)  # fmt: skip
def test_scopes_of_pods(requirement: Obj, made: Obj, matches: bool) -> None:
    assert evaluators.of("pods").matches_scope(requirement, pod(resources(), **made)) is matches


def test_scopes_of_claims() -> None:
    claim = {
        "metadata": {}, "spec": {"volumeAttributesClassName": "gold"},
        "status": {"currentVolumeAttributesClassName": "silver"},
    }  # fmt: skip
    evaluator = evaluators.of("persistentvolumeclaims")

    def matches(operator: str, *values: str) -> bool:
        requirement = {"scopeName": "VolumeAttributesClass", "operator": operator, "values": list(values)}
        return evaluator.matches_scope(requirement, claim)

    assert matches("Exists")
    assert matches("In", "silver")
    assert not matches("In", "bronze")
    assert matches("NotIn", "gold")
    assert not matches("NotIn", "gold", "silver")


@pytest.mark.parametrize(
    ("kind", "operation", "subresource", "handles"),
    [
        ("pods", CREATE, "", True), ("pods", UPDATE, "resize", True), ("pods", UPDATE, "status", False),
        ("services", UPDATE, "", True), ("services", UPDATE, "status", False),
        ("configmaps", CREATE, "", True), ("configmaps", UPDATE, "", False),
        ("deployments.apps", CREATE, "scale", False),
    ],
)  # fmt: skip
def test_which_writes_concern_a_quota(kind: str, operation: str, subresource: str, handles: bool) -> None:
    obj = make_pod("p").obj()
    assert (
        evaluators.of(kind).handles(operation, subresource, obj, obj if operation == UPDATE else None)
        is handles
    )
