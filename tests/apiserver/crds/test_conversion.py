"""Versions that a webhook converts: a real TLS server beside a whole cluster."""

from __future__ import annotations

import base64
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from kubepy.api import custom, errors
from kubepy.api.builtins import CUSTOM_RESOURCE_DEFINITIONS as CRDS
from kubepy.api.custom import Own, WebhookConversion
from kubepy.api.objects import Obj, copy
from kubepy.api.resources import Resource
from kubepy.api.schema import Schemas
from kubepy.apiserver.crds.conversion import KNOWN_S, Conversions
from kubepy.apiserver.crds.pending import Unconverted
from kubepy.client.client import MERGE_PATCH
from kubepy.daemon import pki
from kubepy.lib.clock import RealClock, VirtualClock
from kubepy.lib.random import Random
from kubepy.testing.cluster import Cluster

Change = Callable[[Obj, str], Obj]


def hosts_and_ports(obj: Obj, to: str) -> Obj:
    """v1 has spec.hostPort, v2 spec.host and spec.port."""
    obj = copy(obj) | {"apiVersion": to}
    spec = obj["spec"]
    if to.endswith("v2") and "hostPort" in spec:
        host, _, port = spec.pop("hostPort").partition(":")
        obj["spec"] = {"host": host, "port": port}
    elif to.endswith("v1") and "host" in spec:
        obj["spec"] = {"hostPort": f"{spec['host']}:{spec['port']}"}
    return obj


class Webhook:
    """Converts as `change` says, and counts the objects of each request."""

    def __init__(self, change: Change = hosts_and_ports) -> None:
        self.change = change
        self.asked: list[int] = []
        self.url = self.bundle = ""

    async def answer(self, request: web.BaseRequest) -> web.Response:
        review = await request.json()
        asked = review["request"]
        self.asked.append(len(asked["objects"]))
        try:
            converted = [self.change(obj, asked["desiredAPIVersion"]) for obj in asked["objects"]]
            result: Obj = {"status": "Success"}
        except ValueError as error:
            converted, result = [], {"status": "Failure", "message": str(error)}
        response = {"uid": asked["uid"], "result": result, "convertedObjects": converted}
        return web.json_response(
            {"kind": "ConversionReview", "apiVersion": review["apiVersion"], "response": response}
        )


@asynccontextmanager
async def serving(hook: Webhook, directory: Path) -> AsyncIterator[Webhook]:
    keys = pki.ensure(directory, RealClock(), addresses=("127.0.0.1",))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(keys.directory / "server.crt", keys.directory / "server.key")
    runner = web.ServerRunner(web.Server(hook.answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    port = runner.addresses[0][1]
    hook.url, hook.bundle = f"https://127.0.0.1:{port}/convert", base64.b64encode(keys.ca.cert).decode()
    try:
        yield hook
    finally:
        await runner.cleanup()


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pki")


def version(name: str, storage: bool, *fields: str) -> Obj:
    spec = {"type": "object", "properties": {field: {"type": "string"} for field in fields}}
    schema = {"type": "object", "properties": {"spec": spec}}
    selectable = [{"jsonPath": f".spec.{field}"} for field in fields]
    return {
        "name": name, "served": True, "storage": storage, "schema": {"openAPIV3Schema": schema},
        "selectableFields": selectable,
    }  # fmt: skip


def definition(hook: Webhook) -> Obj:
    client = {"url": hook.url, "caBundle": hook.bundle}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "foos.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"plural": "foos", "kind": "Foo"},
            "versions": [version("v1", False, "hostPort"), version("v2", True, "host", "port")],
            "conversion": {
                "strategy": "Webhook",
                "webhook": {"clientConfig": client, "conversionReviewVersions": ["v1"]},
            },
        },
    }  # fmt: skip


def foo(name: str = "a") -> Obj:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "example.com/v1", "kind": "Foo", "metadata": metadata, "spec": {"hostPort": "h:1"}}


@asynccontextmanager
async def cluster(hook: Webhook) -> AsyncIterator[tuple[Cluster, Any, Any]]:
    async with Cluster(nodes=0, controllers=(), scheduler="off", serve=True) as c:
        await c.create(definition(hook))

        async def is_served() -> bool:
            return c.plane.catalog.get("example.com", "v1", "foos") is not None

        await c.until(is_served, within=10)
        catalog = c.plane.catalog
        yield c, catalog.get("example.com", "v1", "foos"), catalog.get("example.com", "v2", "foos")


async def test_objects_are_stored_in_one_version_and_seen_in_both(directory: Path) -> None:
    async with serving(Webhook(), directory) as hook, cluster(hook) as (c, v1, v2):
        made = await c.create(foo())
        assert made["spec"] == {"hostPort": "h:1"}
        assert (await c.get(v2, "a"))["spec"] == {"host": "h", "port": "1"}
        assert (await c.get(v1, "a"))["metadata"]["uid"] == made["metadata"]["uid"]
        changed = copy(await c.get(v1, "a"))
        changed["spec"]["hostPort"] = "h:2"
        await c.client.update(v1, changed)
        assert (await c.get(v2, "a"))["spec"]["port"] == "2"


async def test_a_list_is_one_question(directory: Path) -> None:
    async with serving(Webhook(), directory) as hook, cluster(hook) as (c, v1, _v2):
        for index in range(5):
            made = foo(f"x{index}") | {
                "apiVersion": "example.com/v2",
                "spec": {"host": "h", "port": str(index)},
            }
            await c.create(made)
        asked = len(hook.asked)
        found = await c.list(v1)
        assert [each["spec"]["hostPort"] for each in found] == [f"h:{index}" for index in range(5)]
        assert hook.asked[asked:] == [5]
        await c.list(v1)
        assert hook.asked[asked:] == [5]


async def test_a_watch_sees_converted_objects(directory: Path) -> None:
    async with serving(Webhook(), directory) as hook, cluster(hook) as (c, v1, _v2):
        await c.create(foo("first"))
        seen: list[tuple[str, str]] = []
        async for batch in c.client.watch(v1, send_initial_events=True):
            seen += [
                (event.document.key.name, event.document.obj["spec"]["hostPort"])
                for event in batch
                if event.type == "ADDED"
            ]
            if len(seen) == 2:
                break
            if len(seen) == 1:
                await c.create(foo("second"))
        assert seen == [("first", "h:1"), ("second", "h:1")]


async def test_selectors_look_at_what_the_webhook_made(directory: Path) -> None:
    async with serving(Webhook(), directory) as hook, cluster(hook) as (c, v1, v2):
        for name, port in (("a", "1"), ("b", "2"), ("c", "2")):
            spec = {"host": "h", "port": port}
            await c.create(foo(name) | {"apiVersion": "example.com/v2", "spec": spec})
        asked = len(hook.asked)
        for resource, selector, found in (
            (v1, "spec.hostPort=h:2", ["b", "c"]),
            (v1, "spec.hostPort!=h:2", ["a"]),
            (v1, "spec.hostPort=h:2,metadata.name=c", ["c"]),
            (v2, "spec.port=2,spec.host=h", ["b", "c"]),
        ):
            page = await c.client.list(resource, "default", field_selector=selector)
            assert [document.key.name for document in page.documents] == found, selector
        assert hook.asked[asked:] == [3], "one question for all of them"
        path, query = v1.path("default"), {"fieldSelector": "spec.hostPort=h:2"}
        await c.client.transport.request("DELETE", path, query=query, body={})
        assert [each["metadata"]["name"] for each in await c.list(v1)] == ["a"]


async def test_a_watch_selects_from_what_the_webhook_made(directory: Path) -> None:
    """Who enters is ADDED, who leaves is DELETED as it was, and the others are not heard of."""
    async with serving(Webhook(), directory) as hook, cluster(hook) as (c, v1, v2):
        made = await c.create(foo("a"))
        for name, at in (("b", "h:2"), ("c", "h:1"), ("d", "h:2")):
            await c.create(foo(name) | {"spec": {"hostPort": at}})
        watching = c.client.watch(
            v1, field_selector="spec.hostPort=h:1", resource_version=made["metadata"]["resourceVersion"]
        )
        seen: list[tuple[str, str, str]] = []
        steps = [
            {"spec": {"port": "1"}},
            {"metadata": {"labels": {"x": "y"}}},
            {"spec": {"port": "3"}},
        ]
        async for batch in watching:
            seen += [
                (each.type, each.document.key.name, each.document.obj["spec"]["hostPort"]) for each in batch
            ]
            if not steps:
                break
            patch = steps.pop(0)
            await c.client.patch(v2, "b", patch, namespace="default", content_type=MERGE_PATCH)
        assert seen == [
            ("ADDED", "c", "h:1"),
            ("ADDED", "b", "h:1"),
            ("MODIFIED", "b", "h:1"),
            ("DELETED", "b", "h:1"),
        ]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda obj, to: hosts_and_ports(obj, to) | {"kind": "Bar"},
         "returned invalid object at index 0: invalid kind (expected Foo, received Bar)"),
        (lambda obj, to: obj,
         "returned invalid object at index 0: invalid groupVersion (expected example.com/v2, received example.com/v1)"),
        (lambda obj, to: hosts_and_ports(obj, to) | {"metadata": {"name": "z", "namespace": "default"}},
         "returned invalid object: must have the same name: a != z"),
        (lambda obj, to: (_ for _ in ()).throw(ValueError("cannot")), "failed: cannot"),
    ],
)  # fmt: skip
async def test_a_webhook_that_answers_wrongly_is_quoted(directory: Path, change: Change, why: str) -> None:
    async with serving(Webhook(change), directory) as hook, cluster(hook) as (c, _v1, _v2):
        with pytest.raises(errors.StatusError) as caught:
            await c.create(foo())
        prefix = "conversion webhook for example.com/v1, Kind=Foo"
        assert caught.value.message == f"{prefix} {why}"


async def test_a_webhook_that_is_away_is_named(directory: Path) -> None:
    hook = Webhook()
    async with serving(hook, directory):
        pass
    async with cluster(hook) as (c, _v1, _v2):
        with pytest.raises(
            errors.StatusError, match=r"conversion webhook for example\.com/v1, Kind=Foo failed: Post"
        ):
            await c.create(foo())
        await c.client.delete(CRDS, "foos.example.com")


def of_service(hook: Webhook, **more: Any) -> Resource:
    # The certificate that the test has is for this name.
    client = {"service": {"namespace": "default", "name": "kubernetes", **more}, "caBundle": hook.bundle}
    return by_webhook(client)


def by_webhook(client: Obj) -> Resource:
    review = WebhookConversion(
        "foos.example.com", {"clientConfig": client, "conversionReviewVersions": ["v1"]}
    )
    return Resource(
        "example.com",
        "v2",
        "Foo",
        "foos",
        "foo",
        True,
        custom=True,
        own=Own(custom.CustomSchema(Schemas(), "Foo", {}), review=review),
    )


@pytest.mark.parametrize(
    ("service", "slices", "why"),
    [
        ({"port": 8443}, 1, ""),
        ({"port": 8443, "path": "convert"}, 1, ""),
        ({}, 1, 'no service port 443 found for service "kubernetes"'),
        ({"port": 8443}, 0, 'no endpoints available for service "kubernetes"'),
        (None, 0, 'service "kubernetes" not found'),
    ],
)
async def test_a_webhook_is_found_by_its_service(
    directory: Path, service: Obj | None, slices: int, why: str
) -> None:
    async with serving(Webhook(), directory) as hook:
        port = int(hook.url.split(":")[2].partition("/")[0])

        async def look(namespace: str, name: str) -> tuple[Obj | None, list[Obj]]:
            assert (namespace, name) == ("default", "kubernetes")
            found = {"spec": {"ports": [{"name": "hook", "port": 8443}]}} if service is not None else None
            ports = [{"name": "other", "port": 1}, {"name": "hook", "port": port}]
            endpoints = {"addressType": "IPv4", "ports": ports, "endpoints": [{"addresses": ["127.0.0.1"]}]}
            return found, [endpoints] * slices

        conversions = Conversions(look, RealClock(), Random(1))
        to = of_service(hook, **(service or {}))
        try:
            if why:
                with pytest.raises(errors.StatusError) as caught:
                    await conversions.convert([foo()], to)
                prefix = "conversion webhook for example.com/v1, Kind=Foo failed"
                url = f"https://kubernetes.default.svc:{(service or {}).get('port', 443)}/?timeout=30s"
                assert caught.value.message == f'{prefix}: Post "{url}": {why}'
            else:
                await conversions.convert([foo()], to)
                assert conversions.known(foo(), to)["spec"] == {"host": "h", "port": "1"}
        finally:
            await conversions.close()


async def test_what_a_webhook_answered_holds_for_some_seconds(directory: Path) -> None:
    clock = VirtualClock()

    async def look(namespace: str, name: str) -> tuple[Obj | None, list[Obj]]:
        return None, []

    async with serving(Webhook(), directory) as hook:
        conversions = Conversions(look, clock, Random(1))
        to = by_webhook({"url": hook.url, "caBundle": hook.bundle})

        async def converted() -> Obj:
            await conversions.convert([foo()], to)
            spec: Obj = conversions.known(foo(), to)["spec"]
            return spec

        try:
            assert await converted() == {"host": "h", "port": "1"}
            hook.change = lambda obj, version: hosts_and_ports(obj, version) | {"spec": {"host": "other"}}
            assert await converted() == {"host": "h", "port": "1"}
            await clock.advance(KNOWN_S + 1)
            with pytest.raises(Unconverted):
                conversions.known(foo(), to)
            assert await converted() == {"host": "other"}
        finally:
            await conversions.close()
