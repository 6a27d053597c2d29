"""A whole cluster on a real port, and an HTTP client that speaks to it as upstream's conformance tests do."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
import pytest_asyncio

from kubepy.api.errors import StatusError
from kubepy.client import kubeconfig
from kubepy.client.transport import Reply
from kubepy.lib.clock import RealClock
from kubepy.lib.random import Random
from kubepy.testing.cluster import Cluster

# Generous: a busy machine is no failure.
PATIENCE_S = 30.0
Obj = dict[str, Any]


class Conformance:
    """Dicts in, dicts out; what upstream's clientset does."""

    def __init__(self, cluster: Cluster, transport: Any) -> None:
        self.cluster, self.transport = cluster, transport
        self._names = itertools.count(1)

    async def send(self, method: str, path: str, body: Any = None, **how: Any) -> Reply:
        return await self.transport.request(method, path, body=body, **how)

    async def ok(self, method: str, path: str, body: Any = None, **how: Any) -> Any:
        return (await self.send(method, path, body, **how)).obj

    async def error(self, method: str, path: str, body: Any = None, **how: Any) -> StatusError:
        with pytest.raises(StatusError) as caught:
            await self.send(method, path, body, **how)
        return caught.value

    async def merge(self, path: str, body: Any, **query: str) -> Any:
        return await self.ok("PATCH", path, body, query=query, content_type="application/merge-patch+json")

    async def strategic(self, path: str, body: Any) -> Any:
        return await self.ok("PATCH", path, body, content_type="application/strategic-merge-patch+json")

    async def json_patch(self, path: str, body: Any) -> Any:
        return await self.ok("PATCH", path, body, content_type="application/json-patch+json")

    async def events(self, path: str, count: int, **query: str) -> list[Obj]:
        """The first `count` events of a watch, bookmarks left out."""
        found: list[Obj] = []
        async with (
            self.cluster.clock.timeout(PATIENCE_S),
            aclosing(self.transport.watch(path, query={"watch": "1", **query})) as batches,
        ):
            async for batch in batches:
                found += [
                    {"type": event.type, "object": event.document.obj}
                    for event in batch
                    if event.type != "BOOKMARK"
                ]
                if len(found) >= count:
                    return found[:count]
        raise AssertionError(f"the watch ended after {len(found)} of {count} events")

    async def gone(self, path: str) -> None:
        async def is_gone() -> bool:
            try:
                await self.send("GET", path)
            except StatusError as error:
                assert error.code == 404
                return True
            return False

        await self.cluster.until(is_gone, within=PATIENCE_S)

    async def namespace(self) -> str:
        name = f"conformance-{next(self._names)}"
        await self.ok("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        path = f"/api/v1/namespaces/{name}/serviceaccounts"

        async def is_ready() -> bool:
            return bool((await self.ok("GET", path))["items"])

        await self.cluster.until(is_ready, within=PATIENCE_S)
        return name


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def k8s() -> AsyncIterator[Conformance]:
    async with Cluster(nodes=2, serve=True) as cluster:
        assert cluster.kubeconfig is not None
        transport = kubeconfig.load(cluster.kubeconfig).transport(clock=RealClock(), random=Random(1))
        try:
            yield Conformance(cluster, transport)
        finally:
            await transport.close()


DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


async def define(
    k8s: Conformance, group: str, plural: str, versions: dict[str, Obj | None], *, scope: str = "Namespaced"
) -> Obj:
    """A definition of these versions with their schemas, the first of them stored; returns when it is established."""
    kind = plural.capitalize()
    definition = {
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"plural": plural, "singular": f"{plural}-one", "kind": kind, "listKind": f"{kind}List"},
            "versions": [
                {
                    "name": name,
                    "served": True,
                    "storage": index == 0,
                    "subresources": {"status": {}},
                    "schema": {
                        "openAPIV3Schema": schema
                        or {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
                    },
                }
                for index, (name, schema) in enumerate(versions.items())
            ],
        },
    }
    await k8s.ok("POST", DEFINITIONS, definition)

    async def established() -> Obj | None:
        found: Obj = await k8s.ok("GET", f"{DEFINITIONS}/{plural}.{group}")
        conditions = {
            each["type"]: each["status"] for each in (found.get("status") or {}).get("conditions") or ()
        }
        return found if conditions.get("Established") == "True" else None

    await k8s.cluster.until(established, within=PATIENCE_S)
    found = await established()
    assert found is not None
    return found
