"""Pods whose containers nobody can reach: texts of a kube-apiserver 1.36."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.conftest import Api

PODS = "/api/v1/namespaces/default/pods"


def pod(name: str, node: str = "", *containers: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"containers": [{"name": c, "image": "i"} for c in containers or ("c",)]}
    if node:
        spec["nodeName"] = node
    return {"metadata": {"name": name}, "spec": spec}


@pytest.fixture
async def pods(api: Api) -> Api:
    await api.ok("POST", "/api/v1/nodes", {"metadata": {"name": "n1"}})
    for each in (pod("waits"), pod("two", "", "a", "b"), pod("lost", "n9"), pod("simulated", "n1")):
        await api.ok("POST", PODS, each)
    return api


async def test_a_pod_without_a_node_has_an_empty_log(pods: Api) -> None:
    response = await pods.send("GET", f"{PODS}/waits/log")
    assert (response.status, response.body) == (204, b"")


@pytest.mark.parametrize(
    ("path", "code", "text"),
    [
        ("nope/log", 404, 'pods "nope" not found'),
        ("nope/exec?command=ls", 404, 'pods "nope" not found'),
        ("waits/exec?command=ls", 400, "pod waits does not have a host assigned"),
        ("waits/attach", 400, "pod waits does not have a host assigned"),
        ("two/portforward", 400, "pod two does not have a host assigned"),
        ("waits/log?container=x", 400, "container x is not valid for pod waits"),
        ("two/log", 400, "a container name must be specified for pod two, choose one of: [a b]"),
        ("lost/log", 404, 'pods "n9" not found'),
        ("simulated/log", 404, "the server could not find the requested resource"),
    ],
)
async def test_what_cannot_be_streamed(pods: Api, path: str, code: int, text: str) -> None:
    error = await pods.error("GET", f"{PODS}/{path}")
    assert (error.code, error.message) == (code, text)
