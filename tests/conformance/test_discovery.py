"""Discovery. Source: kubernetes test/e2e/apimachinery/{discovery,aggregated_discovery,server_version}.go."""

from __future__ import annotations

import re

import aiohttp
import pytest

from kubepy.client import kubeconfig
from tests.conformance.conftest import Conformance, Obj

pytestmark = pytest.mark.asyncio(loop_scope="module")

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
# group, version, plural: those that upstream looks for.
EXPECTED = [
    ("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations"),
    ("apiextensions.k8s.io", "v1", "customresourcedefinitions"),
    ("apiregistration.k8s.io", "v1", "apiservices"),
    ("apps", "v1", "deployments"),
    ("authentication.k8s.io", "v1", "tokenreviews"),
    ("authorization.k8s.io", "v1", "selfsubjectaccessreviews"),
    ("autoscaling", "v1", "horizontalpodautoscalers"),
    ("autoscaling", "v2", "horizontalpodautoscalers"),
    ("batch", "v1", "jobs"),
    ("certificates.k8s.io", "v1", "certificatesigningrequests"),
    ("coordination.k8s.io", "v1", "leases"),
    ("discovery.k8s.io", "v1", "endpointslices"),
    ("events.k8s.io", "v1", "events"),
    ("networking.k8s.io", "v1", "ingresses"),
    ("node.k8s.io", "v1", "runtimeclasses"),
    ("policy", "v1", "poddisruptionbudgets"),
    ("scheduling.k8s.io", "v1", "priorityclasses"),
    ("rbac.authorization.k8s.io", "v1", "clusterroles"),
    ("storage.k8s.io", "v1", "storageclasses"),
]


async def aggregated(k8s: Conformance, path: str, accept: str = AGGREGATED) -> tuple[str, Obj]:
    """(Content-Type, body)"""
    assert k8s.cluster.kubeconfig is not None
    access = kubeconfig.load(k8s.cluster.kubeconfig)
    async with (
        aiohttp.ClientSession() as session,
        session.get(
            f"{access.server}{path}", headers={"Accept": accept}, ssl=access.ssl_context()
        ) as response,
    ):
        assert response.status == 200
        return response.headers["Content-Type"], await response.json(content_type=None)


def resources(document: Obj) -> set[tuple[str, str, str]]:
    return {
        (group["metadata"].get("name", ""), version["version"], resource["resource"])
        for group in document["items"]
        for version in group["versions"]
        for resource in version["resources"]
    }


async def test_should_validate_preferred_version_for_each_api_group(k8s: Conformance) -> None:
    for group in (await k8s.ok("GET", "/apis/"))["groups"]:
        found = await k8s.ok("GET", f"/apis/{group['name']}/")
        assert found["preferredVersion"] == group["preferredVersion"]
        assert found["preferredVersion"] in found["versions"]


async def test_should_locate_the_group_version_and_a_resource_within_each_api_group(k8s: Conformance) -> None:
    for group, version, plural in EXPECTED:
        listed = await k8s.ok("GET", f"/apis/{group}/{version}")
        assert listed["groupVersion"] == f"{group}/{version}"
        assert plural in [each["name"] for each in listed["resources"]]


async def test_should_support_raw_aggregated_discovery_endpoint_accept_headers(k8s: Conformance) -> None:
    for path in ("/api", "/apis"):
        content_type, document = await aggregated(k8s, path)
        assert content_type == AGGREGATED
        assert (document["kind"], document["apiVersion"]) == (
            "APIGroupDiscoveryList",
            "apidiscovery.k8s.io/v2",
        )
    content_type, document = await aggregated(k8s, "/apis", "application/json")
    assert (content_type, document["kind"]) == ("application/json", "APIGroupList")


async def test_should_support_aggregated_discovery_interface(k8s: Conformance) -> None:
    assert resources((await aggregated(k8s, "/apis"))[1]) >= set(EXPECTED)
    assert ("", "v1", "pods") in resources((await aggregated(k8s, "/api"))[1])


async def test_should_support_aggregated_discovery_interface_for_crds(k8s: Conformance) -> None:
    group = "discovered.example.com"
    names = {"plural": "testcrds", "singular": "testcrd", "kind": "TestCrd", "listKind": "TestCrdList"}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object"}},
    }
    definition = {
        "metadata": {"name": f"testcrds.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    await k8s.ok("POST", path, definition)

    async def is_there() -> bool:
        return (group, "v1", "testcrds") in resources((await aggregated(k8s, "/apis"))[1])

    await k8s.cluster.until(is_there, within=30)
    await k8s.ok("DELETE", f"{path}/testcrds.{group}")

    async def is_gone() -> bool:
        return not await is_there()

    await k8s.cluster.until(is_gone, within=30)


async def test_should_find_the_server_version(k8s: Conformance) -> None:
    version = await k8s.ok("GET", "/version")
    assert re.fullmatch("[1-9][0-9]*", version["major"])
    assert re.fullmatch("[0-9]+[+]?", version["minor"])
    assert re.match(r"v\d+\.\d+\.\d+", version["gitVersion"])
