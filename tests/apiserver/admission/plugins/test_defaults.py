"""What new Ingresses, pods and resizes get or are refused by default: upstream's cases of
plugin/pkg/admission/{network/defaultingressclass,podtopologylabels,podresize}/admission_test.go."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.apiserver.admission.plugins.default_ingress_class import default_class
from kubepy.apiserver.admission.plugins.node_declared_feature_validator import required
from tests.apiserver.conftest import Api

Obj = dict[str, Any]

NODES, PODS = "/api/v1/nodes", "/api/v1/namespaces/default/pods"
CLASSES, INGRESSES = (
    "/apis/networking.k8s.io/v1/ingressclasses",
    "/apis/networking.k8s.io/v1/namespaces/default/ingresses",
)
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
DEFAULT = {"ingressclass.kubernetes.io/is-default-class": "true"}


def ingress(annotations: Obj | None = None, **spec: Any) -> Obj:
    backend = {"service": {"name": "s", "port": {"number": 80}}}
    return {
        "metadata": {"name": "i", "annotations": annotations or {}},
        "spec": {"defaultBackend": backend, **spec},
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (ingress(), "main"),
        (ingress(ingressClassName="own"), "own"),
        (ingress({"kubernetes.io/ingress.class": "old"}), None),
    ],
)
async def test_ingresses_get_the_default_class(api: Api, given: Obj, expected: str | None) -> None:
    for name, noted in (("main", DEFAULT), ("other", {})):
        obj = {"metadata": {"name": name, "annotations": noted}, "spec": {"controller": "a/b"}}
        await api.ok("POST", CLASSES, obj)
    assert (await api.ok("POST", INGRESSES, given))["spec"].get("ingressClassName") == expected


async def test_no_default_no_class(api: Api) -> None:
    assert "ingressClassName" not in (await api.ok("POST", INGRESSES, ingress()))["spec"]


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        ([], ""),
        ([("a", "2026-01-01T00:00:00Z", {})], ""),
        ([("a", "2026-01-01T00:00:00Z", DEFAULT), ("b", "2026-01-02T00:00:00Z", DEFAULT)], "b"),
        ([("b", "2026-01-01T00:00:00Z", DEFAULT), ("a", "2026-01-01T00:00:00Z", DEFAULT)], "a"),
    ],
)
def test_of_several_defaults_the_newest(classes: list[tuple[str, str, Obj]], expected: str) -> None:
    objs = [
        {"metadata": {"name": name, "creationTimestamp": created, "annotations": annotations}}
        for name, created, annotations in classes
    ]
    assert default_class(objs) == expected


ZONE, REGION = "topology.kubernetes.io/zone", "topology.kubernetes.io/region"


async def has_node(api: Api, **labels: str) -> None:
    await api.ok("POST", NODES, {"metadata": {"name": "n", "labels": labels}})


def pod(**spec: Any) -> Obj:
    return {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}], **spec}}


async def test_pods_carry_their_nodes_zone(api: Api) -> None:
    await has_node(api, **{ZONE: "z", REGION: "r", "other": "label"})
    obj = pod(nodeName="n")
    obj["metadata"]["labels"] = {"a": "b", ZONE: "wrong"}
    assert (await api.ok("POST", PODS, obj))["metadata"]["labels"] == {"a": "b", ZONE: "z", REGION: "r"}


@pytest.mark.parametrize("node", ["n", "gone"])
async def test_without_labels_there_is_nothing_to_carry(api: Api, node: str) -> None:
    await has_node(api)
    assert "labels" not in (await api.ok("POST", PODS, pod(nodeName=node)))["metadata"]


async def test_pods_get_their_zone_when_they_are_bound(api: Api) -> None:
    await has_node(api, **{ZONE: "z", REGION: "r"})
    await api.ok("POST", PODS, pod())
    binding = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}}
    await api.ok("POST", f"{PODS}/p/binding", binding)
    assert (await api.ok("GET", f"{PODS}/p"))["metadata"]["labels"] == {ZONE: "z", REGION: "r"}


@pytest.mark.parametrize(
    ("labels", "node", "wanted", "cause", "why"),
    [
        ({}, "n", {"cpu": "2"}, "", ""),
        ({"kubernetes.io/os": "linux"}, "n", {"memory": "1Gi"}, "", ""),
        (
            {"kubernetes.io/os": "windows"},
            "n",
            {"cpu": "2"},
            "UnsupportedPlatform",
            'pod resize is only supported on linux nodes, node "n" is "windows"',
        ),
        (
            {},
            "n",
            {"cpu": "2500m", "memory": "2Gi"},
            "NodeCapacity",
            "node didn't have enough allocatable resources: cpu, requested: 2500, allocatable: 2000; memory, "
            "requested: 2147483648, allocatable: 1073741824",
        ),
        ({}, "gone", {"cpu": "2"}, "", 'node "gone" not found'),
        # Nothing is asked for that was not there.
        ({}, "gone", {"cpu": "1"}, "", ""),
    ],
)
async def test_pods_grow_as_far_as_their_node(
    api: Api, labels: dict[str, str], node: str, wanted: Obj, cause: str, why: str
) -> None:
    await has_node(api, **labels)
    allocatable = {"status": {"allocatable": {"cpu": "2", "memory": "1Gi"}}}
    await api.ok("PATCH", f"{NODES}/n/status", allocatable, content_type=MERGE)
    obj = pod(nodeName=node)
    obj["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "1", "memory": "1Mi"}}
    await api.ok("POST", PODS, obj)
    patch = {"spec": {"containers": [{"name": "c", "resources": {"requests": wanted}}]}}
    if not why:
        await api.ok("PATCH", f"{PODS}/p/resize", patch, content_type=STRATEGIC)
        return
    error = await api.error("PATCH", f"{PODS}/p/resize", patch, content_type=STRATEGIC)
    assert (error.code, error.message) == (403, f'pods "p" is forbidden: {why}')
    assert error.details is not None
    assert error.details.get("causes", []) == ([{"reason": cause}] if cause else [])


REQUEST = {"requests": {"cpu": "1"}}
MORE = {"requests": {"cpu": "2"}}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({}, {}, []),
        ({"resources": REQUEST}, {"resources": MORE}, ["InPlacePodLevelResourcesVerticalScaling"]),
        (
            {"initContainers": [{"resources": REQUEST}]},
            {"initContainers": [{"resources": MORE}]},
            ["InPlacePodVerticalScalingInitContainers"],
        ),
        (
            {"initContainers": [{"resources": REQUEST, "restartPolicy": "Always"}]},
            {"initContainers": [{"resources": MORE, "restartPolicy": "Always"}]},
            [],
        ),
        ({"containers": [{"resources": REQUEST}]}, {"containers": [{"resources": MORE}]}, []),
    ],
)
def test_what_a_node_must_be_able_to(old: Obj, new: Obj, expected: list[str]) -> None:
    assert required(new, old) == expected


@pytest.mark.parametrize("declared", [[], ["InPlacePodLevelResourcesVerticalScaling"]])
async def test_a_node_that_cannot_follow_is_spared(api: Api, declared: list[str]) -> None:
    await has_node(api)
    status = {"allocatable": {"cpu": "9", "memory": "1Gi"}, "declaredFeatures": declared}
    await api.ok("PATCH", f"{NODES}/n/status", {"status": status}, content_type=MERGE)
    await api.ok("POST", PODS, pod(nodeName="n", resources=REQUEST))
    patch = {"spec": {"resources": MORE}}
    if declared:
        await api.ok("PATCH", f"{PODS}/p/resize", patch, content_type=STRATEGIC)
        return
    error = await api.error("PATCH", f"{PODS}/p/resize", patch, content_type=STRATEGIC)
    assert error.message == (
        'pods "p" is forbidden: pod update requires features InPlacePodLevelResourcesVerticalScaling which are not '
        'available on node "n"'
    )
