"""A running cluster for whole behaviours, and what these tests ask of it again and again."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.builtins import DEPLOYMENTS, EVENTS, PODS, REPLICA_SETS
from kubepy.api.objects import Obj, condition
from kubepy.api.resources import Resource
from kubepy.client.client import STRATEGIC_MERGE_PATCH
from kubepy.testing.cluster import Cluster
from kubepy.testing.plugin import _cluster as cluster
from kubepy.testing.plugin import pytest_configure

__all__ = ["cluster", "pytest_configure"]


class World:
    """The cluster, in the words of these tests. All objects are in the namespace "default"."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    async def patch(self, resource: Resource, name: str, change: Any, **kwargs: Any) -> Obj:
        kwargs.setdefault("content_type", STRATEGIC_MERGE_PATCH)
        return await self.cluster.client.patch(resource, name, change, namespace="default", **kwargs)

    async def set_image(self, name: str, image: str) -> None:
        template = {"spec": {"containers": [{"name": "app", "image": image}]}}
        await self.patch(DEPLOYMENTS, name, {"spec": {"template": template}})

    async def deployment(self, name: str = "web") -> Obj:
        return await self.cluster.get(DEPLOYMENTS, name)

    async def is_rolled_out(self, name: str = "web") -> bool:
        """As `kubectl rollout status` judges."""
        found = await self.deployment(name)
        status, replicas = found.get("status") or {}, found["spec"]["replicas"]
        return bool(
            status.get("observedGeneration", 0) >= found["metadata"]["generation"]
            and status.get("updatedReplicas", 0) == replicas
            and status.get("replicas", 0) == replicas
            and status.get("availableReplicas", 0) == replicas
        )

    async def rolled_out(self, name: str = "web") -> None:
        await self.cluster.until(lambda: self.is_rolled_out(name))

    async def replica_sets(self) -> dict[str, Obj]:
        """By the image of their template."""
        found = await self.cluster.list(REPLICA_SETS, "default")
        return {each["spec"]["template"]["spec"]["containers"][0]["image"]: each for each in found}

    async def names(self, resource: Resource = PODS) -> list[str]:
        return [each["metadata"]["name"] for each in await self.cluster.list(resource, "default")]

    async def events(self, reason: str) -> list[str]:
        await self.cluster.settle()
        return [each["message"] for each in await self.cluster.list(EVENTS) if each["reason"] == reason]

    async def progress(self, name: str = "web") -> str:
        found = condition(await self.deployment(name), "Progressing")
        return found["reason"] if found else ""


@pytest.fixture
def world(cluster: Cluster) -> World:
    return World(cluster)
