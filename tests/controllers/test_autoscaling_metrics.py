"""Figures as the servers of the three metrics groups send them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from kubepy.api import errors
from kubepy.api.builtins import BUILTINS
from kubepy.api.objects import Document, DocumentPool, Key, Obj
from kubepy.client.client import Client
from kubepy.client.transport import Page, Reply
from kubepy.controllers import discovery
from kubepy.controllers.autoscaling_metrics import Metrics, Unavailable
from kubepy.controllers.replica_calculator import PodMetric

AT, SECONDS = "2026-01-01T00:00:00Z", 1_767_225_600.0


class Server:
    """Answers paths with what it was given; other paths are not there."""

    def __init__(self, answers: dict[str, Obj]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, Any]] = []
        self.failure: Exception = errors.page_not_found()

    async def request(self, method: str, path: str, *, query: Any = None, **_: Any) -> Reply:
        self.asked.append((path, query))
        if path not in self.answers:
            raise self.failure
        return Reply(200, self.answers[path], {})

    async def list(self, path: str, *, query: Any = None) -> Page:
        found = (await self.request("GET", path, query=query)).obj
        pool = DocumentPool()
        return Page([Document(Key("", ""), orjson.dumps(item), 0, pool) for item in found["items"]], 0, "")


def metrics(**answers: Obj) -> tuple[Metrics, Server]:
    server = Server(answers)
    client = Client(server, field_manager="test")  # type: ignore[arg-type]
    return Metrics(client, discovery.of_catalog(lambda: BUILTINS)), server


def pod(name: str, **cpu: str) -> Obj:
    containers = [{"name": each, "usage": {"cpu": text, "memory": "1Mi"}} for each, text in cpu.items()]
    return {"metadata": {"name": name}, "timestamp": AT, "window": "1m30s", "containers": containers}


RESOURCE = "/apis/metrics.k8s.io/v1beta1/namespaces/ns/pods"


async def test_resources_of_pods_and_of_one_container() -> None:
    reader, server = metrics(
        **{RESOURCE: {"items": [pod("a", app="100m", side="1500000n"), pod("b", app="1")]}}
    )
    assert await reader.of_pods("cpu", "ns", "app=web", "") == {
        "a": PodMetric(102, SECONDS, 90.0),
        "b": PodMetric(1000, SECONDS, 90.0),
    }
    assert server.asked == [(RESOURCE, {"labelSelector": "app=web"})]
    assert await reader.of_pods("cpu", "ns", "", "side") == {"a": PodMetric(2, SECONDS, 90.0)}
    assert await reader.of_pods("gpu", "ns", "", "") == {}


async def test_nobody_serves_it() -> None:
    reader, _ = metrics()
    for call, api, resource in (
        (reader.of_pods("cpu", "ns", "", ""), "resource", "pods"),
        (reader.external("qps", "ns", ""), "external", "qps.external"),
    ):
        with pytest.raises(Unavailable) as caught:
            await call
        missing = f"the server could not find the requested resource (get {resource}.metrics.k8s.io)"
        assert str(caught.value) == f"unable to fetch metrics from {api} metrics API: {missing}"

    with pytest.raises(Unavailable, match=r"no custom metrics API \(custom\.metrics\.k8s\.io\) registered"):
        await reader.of_pods_custom("qps", "ns", "", "")


async def test_who_serves_it_is_away() -> None:
    reader, server = metrics()
    server.failure = errors.ServiceUnavailable("service unavailable")
    with pytest.raises(Unavailable) as caught:
        await reader.of_pods("cpu", "ns", "", "")
    assert str(caught.value) == (
        "unable to fetch metrics from resource metrics API: the server is currently unable to handle the request "
        "(get pods.metrics.k8s.io)"
    )


async def test_nothing_to_count() -> None:
    reader, _ = metrics(**{RESOURCE: {"items": []}})
    with pytest.raises(Unavailable, match="no metrics returned from resource metrics API"):
        await reader.of_pods("cpu", "ns", "", "")


CUSTOM = "/apis/custom.metrics.k8s.io"
GROUP = {CUSTOM: {"preferredVersion": {"version": "v1beta2"}}}


def value(name: str, amount: str, **more: Any) -> Obj:
    return {"describedObject": {"kind": "Pod", "name": name}, "value": amount, "timestamp": AT, **more}


async def test_custom_metrics_of_pods() -> None:
    path = f"{CUSTOM}/v1beta2/namespaces/ns/pods/*/qps"
    answer = {"items": [value("a", "10", windowSeconds=30), value("b", "500m")]}
    reader, server = metrics(**GROUP, **{path: answer})
    assert await reader.of_pods_custom("qps", "ns", "app=web", "kind=x") == {
        "a": PodMetric(10_000, SECONDS, 30.0),
        "b": PodMetric(500, SECONDS, 60.0),
    }
    assert server.asked[-1] == (path, {"labelSelector": "app=web", "metricLabelSelector": "kind=x"})


@pytest.mark.parametrize(
    ("reference", "path"),
    [
        ({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "name": "main"},
         "namespaces/ns/ingresses.networking.k8s.io/main/qps"),
        ({"apiVersion": "v1", "kind": "Service", "name": "main"}, "namespaces/ns/services/main/qps"),
        ({"apiVersion": "v1", "kind": "Namespace", "name": "ns"}, "namespaces/ns/metrics/qps"),
    ],
)  # fmt: skip
async def test_custom_metrics_of_an_object(reference: Obj, path: str) -> None:
    reader, _ = metrics(**GROUP, **{f"{CUSTOM}/v1beta2/{path}": {"items": [value("main", "2k")]}})
    assert await reader.of_object("qps", "ns", reference, "") == 2_000_000


async def test_an_object_of_no_known_kind() -> None:
    reader, _ = metrics(**GROUP)
    with pytest.raises(
        Unavailable,
        match=r'unable to map kind Foo\.example\.com to resource: no matches for kind "Foo" in group',
    ):
        await reader.of_object("qps", "ns", {"apiVersion": "example.com/v1", "kind": "Foo", "name": "f"}, "")


async def test_external_metrics_are_series() -> None:
    path = "/apis/external.metrics.k8s.io/v1beta1/namespaces/ns/qps"
    reader, server = metrics(**{path: {"items": [{"value": "1"}, {"value": "1500m"}]}})
    assert await reader.external("qps", "ns", "queue=a") == [1000, 1500]
    assert server.asked == [(path, {"labelSelector": "queue=a"})]
