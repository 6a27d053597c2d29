"""Upstream's cases of pkg/api/{pod,service}/warnings_test.go, one per text."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api import warnings
from kubepy.api.builtins import (
    COMPONENT_STATUSES,
    CRON_JOBS,
    CSI_DRIVERS,
    CUSTOM_RESOURCE_DEFINITIONS,
    DEPLOYMENTS,
    ENDPOINTS,
    INGRESSES,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    PODS,
    REPLICATION_CONTROLLERS,
    RESOURCE_QUOTAS,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
    STATEFUL_SETS,
)
from kubepy.api.resources import ALL_VERBS, Resource


def pod(annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p", "annotations": annotations or {}}, "spec": spec}


def container(name: str = "c", **fields: Any) -> dict[str, Any]:
    return {"name": name, "image": "i", **fields}


HIDES = 'hides previous definition of "A", which may be dropped when using apply'
NULL_SELECTOR = "labelSelector: a null labelSelector results in matching no pod"


@pytest.mark.parametrize(
    ("made", "texts"),
    [
        (pod(containers=[container()]), []),
        (
            pod(nodeSelector={"beta.kubernetes.io/os": "linux"}),
            [
                'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead'
            ],
        ),
        (
            pod(topologySpreadConstraints=[{"topologyKey": "failure-domain.beta.kubernetes.io/zone"}]),
            [
                "spec.topologySpreadConstraints[0].topologyKey: failure-domain.beta.kubernetes.io/zone is deprecated "
                'since v1.17; use "topology.kubernetes.io/zone" instead',
                f"spec.topologySpreadConstraints[0].{NULL_SELECTOR}",
            ],
        ),
        (
            pod({"security.alpha.kubernetes.io/sysctls": ""}),
            [
                "metadata.annotations[security.alpha.kubernetes.io/sysctls]: non-functional in v1.11+; "
                'use the "sysctls" field instead'
            ],
        ),
        (
            pod(volumes=[{"name": "a", "gitRepo": {}}, {"name": "b", "cephfs": {}}]),
            [
                "spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+",
                "spec.volumes[1].cephfs: deprecated in v1.28, non-functional in v1.31+",
            ],
        ),
        (
            pod(
                volumes=[
                    {
                        "name": "v",
                        "configMap": {"name": "m", "items": [{"path": "a"}, {"path": "a/b"}, {"path": "ab"}]},
                    }
                ]
            ),
            ['volume "v" (ConfigMap "m"): overlapping paths: "a/b" with "a"'],
        ),
        (
            pod(hostAliases=[{"ip": "1.1.1.1"}, {"ip": "1.1.1.1"}]),
            ['spec.hostAliases[1].ip: duplicate ip "1.1.1.1"'],
        ),
        (
            pod(imagePullSecrets=[{"name": "a"}, {"name": "a"}, {}]),
            [
                'spec.imagePullSecrets[1].name: duplicate name "a"',
                'spec.imagePullSecrets[2].name: invalid empty name ""',
            ],
        ),
        (
            pod(
                containers=[container(resources={"requests": {"memory": "100m"}, "limits": {"cpu": "100m"}})]
            ),
            [
                'spec.containers[0].resources.requests[memory]: fractional byte value "100m" is invalid, '
                "must be an integer"
            ],
        ),
        (
            pod(containers=[container(env=[{"name": "A", "value": "a"}, {"name": "A", "value": "b"}])]),
            [f"spec.containers[0].env[1]: {HIDES}"],
        ),
        (
            pod(containers=[container(env=[{"name": "A", "value": "a"}, {"name": "A", "value": "$(A)b"}])]),
            [],
        ),
        (
            pod(
                containers=[
                    container("a", ports=[{"containerPort": 80, "protocol": "TCP"}]),
                    container("b", ports=[{"containerPort": 80, "protocol": "TCP"}]),
                    container("c", ports=[{"containerPort": 80, "protocol": "TCP", "hostPort": 8}]),
                ]
            ),
            [
                "spec.containers[1].ports[0]: duplicate port definition with spec.containers[0].ports[0]",
                "spec.containers[2].ports[0]: overlapping port definition with spec.containers[0].ports[0]",
                "spec.containers[2].ports[0]: overlapping port definition with spec.containers[1].ports[0]",
            ],
        ),
        (
            pod(terminationGracePeriodSeconds=-1),
            [
                "spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated "
                "as 1"
            ],
        ),
        (
            pod(affinity={"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{}]}}),
            [
                f"spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].{NULL_SELECTOR}",
            ],
        ),
        (
            pod(dnsConfig={"nameservers": ["5.6.7.8", "::FFFF"]}),
            [
                'spec.dnsConfig.nameservers[1]: IPv6 address "::FFFF" should be in RFC 5952 canonical format ("::ffff")'
            ],
        ),
        (
            {"metadata": {"name": "a.b"}, "spec": {}},
            [
                "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS "
                "label is recommended: [must not contain dots]"
            ],
        ),
    ],
)
def test_pods(made: dict[str, Any], texts: list[str]) -> None:
    assert warnings.on_create(PODS, made) == texts


def deployment(generation: int = 1) -> dict[str, Any]:
    template = pod(
        {"container.apparmor.security.beta.kubernetes.io/c": "unconfined"}, containers=[container()]
    )
    return {"metadata": {"name": "d", "generation": generation}, "spec": {"template": template}}


def test_templates_are_spoken_of_when_they_change() -> None:
    text = (
        "spec.template.metadata.annotations[container.apparmor.security.beta.kubernetes.io/c]: deprecated since "
        'v1.30; use the "appArmorProfile" field instead'
    )
    assert warnings.on_create(DEPLOYMENTS, deployment()) == [text]
    assert warnings.on_update(DEPLOYMENTS, deployment(2), deployment(1)) == [text]
    assert warnings.on_update(DEPLOYMENTS, deployment(1), deployment(1)) == []
    # Of a ReplicationController, upstream looks at the old one.
    plain = {"metadata": {"name": "d", "generation": 2}, "spec": {"template": pod(containers=[container()])}}
    assert warnings.on_update(REPLICATION_CONTROLLERS, plain, deployment(1)) == [text]
    assert warnings.on_update(PODS, pod(volumes=[{"name": "a", "gitRepo": {}}]), pod()) == []


def spec(**fields: Any) -> dict[str, Any]:
    return {"metadata": {"name": "x"}, "spec": fields}


def annotated(key: str, **fields: Any) -> dict[str, Any]:
    return {"metadata": {"name": "x", "annotations": {key: "x"}}, "spec": fields}


@pytest.mark.parametrize(
    ("resource", "made", "texts"),
    [
        (
            SERVICES,
            spec(type="ClusterIP", clusterIP="None", loadBalancerIP="1.2.3.4", sessionAffinity="ClientIP"),
            [
                "spec.loadBalancerIP is ignored for headless services",
                "spec.SessionAffinity is ignored for headless services",
            ],
        ),
        (
            SERVICES,
            spec(type="ClusterIP", externalIPs=["1.2.3.4"], externalName="x"),
            [
                "spec.externalIPs is deprecated and may no longer be implemented in some clusters",
                'spec.externalName is ignored when spec.type is not "ExternalName"',
            ],
        ),
        (
            SERVICES,
            spec(
                type="LoadBalancer",
                trafficDistribution="PreferClose",
                loadBalancerSourceRanges=["10.0.0.1/8"],
            ),
            [
                'spec.loadBalancerSourceRanges[0]: CIDR value "10.0.0.1/8" is ambiguous in this context (should be '
                '"10.0.0.0/8" or "10.0.0.1/32"?)',
                'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"',
            ],
        ),
        (
            ENDPOINTS,
            {"metadata": {"name": "e"}, "subsets": [{"addresses": [{"ip": "1.2.3.04"}]}]},
            ['subsets[0].addresses[0].ip: non-standard IP address "1.2.3.04" is invalid: use "1.2.3.4"'],
        ),
        (NODES, spec(configSource={}), ["spec.configSource: the feature is removed"]),
        (
            PERSISTENT_VOLUMES,
            spec(persistentVolumeReclaimPolicy="Recycle"),
            [
                "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the "
                "recommended approach is to use dynamic provisioning."
            ],
        ),
        (
            PERSISTENT_VOLUME_CLAIMS,
            annotated("volume.beta.kubernetes.io/storage-class"),
            [
                "metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use "
                '"storageClassName" attribute instead'
            ],
        ),
        (
            RESOURCE_QUOTAS,
            spec(hard={"cpu": "2", "limits.cpu": "1"}),
            ["ResourceQuota cpu (2) should be less than limits.cpu (1)"],
        ),
        (
            INGRESSES,
            annotated("kubernetes.io/ingress.class"),
            [
                "annotation \"kubernetes.io/ingress.class\" is deprecated, please use 'spec.ingressClassName' instead"
            ],
        ),
        (
            SERVICE_ACCOUNTS,
            annotated("kubernetes.io/enforce-mountable-secrets"),
            [
                "metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; prefer separate "
                "namespaces to isolate access to mounted secrets"
            ],
        ),
        (
            STATEFUL_SETS,
            spec(revisionHistoryLimit=-1),
            [
                "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is "
                "recommended"
            ],
        ),
        (
            SECRETS,
            {"type": "kubernetes.io/tls", "data": {"tls.crt": "eA==", "tls.key": ""}},
            ["tls: failed to find any PEM data in certificate input"],
        ),
        (SECRETS, {"type": "Opaque", "data": {"tls.crt": "eA=="}}, []),
    ],
)
def test_other_kinds(resource: Any, made: dict[str, Any], texts: list[str]) -> None:
    assert warnings.on_create(resource, made) == texts


def test_a_zone_in_a_schedule_is_spoken_of_on_update() -> None:
    made = spec(schedule="TZ=UTC 0 0 * * *")
    (text,) = warnings.on_update(CRON_JOBS, made, made)
    assert text.startswith("cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead")


def test_a_csi_driver_is_warned_of_its_tokens_when_it_asks_for_others() -> None:
    one, two = spec(tokenRequests=[{"audience": "a"}]), spec(tokenRequests=[{"audience": "b"}])
    texts = warnings.on_create(CSI_DRIVERS, one)
    assert len(texts) == 1
    assert warnings.on_update(CSI_DRIVERS, two, one) == texts
    assert warnings.on_update(CSI_DRIVERS, one, one) == warnings.on_update(CSI_DRIVERS, spec(), one) == []


def test_deprecated_kinds() -> None:
    text = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"
    assert warnings.of_version(ENDPOINTS, 37) == text
    assert warnings.of_version(ENDPOINTS, 32) == ""
    assert warnings.of_version(COMPONENT_STATUSES, 30) == "v1 ComponentStatus is deprecated in v1.19+"
    assert warnings.of_version(PODS, 37) == ""


def definition(**fields: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": fields}}}
    return {"metadata": {}, "spec": {"versions": [{"name": "v1", "schema": {"openAPIV3Schema": schema}}]}}


def test_formats_that_nobody_checks_are_named_once() -> None:
    old = definition(
        time={"type": "string", "format": "date-time"}, size={"type": "integer", "format": "uint8"}
    )
    new = definition(
        size={"type": "integer", "format": "uint8"},
        name={"type": "string", "format": "k8s-short-name"},
        items={"type": "array", "items": {"type": "string", "format": "made-up"}},
    )
    assert warnings.on_create(CUSTOM_RESOURCE_DEFINITIONS, old) == ['unrecognized format "uint8"']
    assert warnings.on_update(CUSTOM_RESOURCE_DEFINITIONS, new, old) == ['unrecognized format "made-up"']


def test_finalizers_of_custom_objects_should_say_whose_they_are() -> None:
    foos = Resource("example.com", "v1", "Foo", "foos", "foo", True, ALL_VERBS, custom=True)
    new = {"metadata": {"finalizers": ["orphan", "mine", "example.com", "example.com/mine", "a b"]}}
    why = "to avoid accidental conflicts with other finalizer writers"
    mine = f'metadata.finalizers: "mine": prefer a domain-qualified finalizer name {why}'
    domain = f'metadata.finalizers: "example.com": prefer a domain-qualified finalizer name including a path (/) {why}'
    texts = warnings.on_create(foos, new)
    assert texts[0].startswith(
        'metadata.finalizers: "a b": name part must consist of alphanumeric characters'
    )
    assert texts[2:] == [domain, mine]
    assert warnings.on_update(foos, new, {"metadata": {"finalizers": ["a b", "mine"]}}) == [domain]
