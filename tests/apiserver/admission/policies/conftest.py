"""A registry with a namespace, and policies in it that are written in a line."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.lib.clock import VirtualClock
from kubepy.store.memory import MemoryStore
from tests.apiserver.conftest import Api

GROUP = "/apis/admissionregistration.k8s.io/v1"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
Obj = dict[str, Any]


def rule(group: str, version: str, resource: str, *operations: str, **more: Any) -> Obj:
    return {
        "apiGroups": [group], "apiVersions": [version], "resources": [resource],
        "operations": list(operations) or ["CREATE", "UPDATE"], **more,
    }  # fmt: skip


def config_map(name: str = "x", labels: dict[str, str] | None = None, **data: str) -> Obj:
    metadata: Obj = {"name": name}
    if labels:
        metadata["labels"] = labels
    return {"metadata": metadata, "data": data or {"a": "1"}}


def deployment(**spec: Any) -> Obj:
    template = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    return {
        "metadata": {"name": "d", "labels": {"app": "a"}},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "a"}}, "template": template, **spec},
    }


class Policies(Api):
    """Makes policies about ConfigMaps unless told otherwise, each with bindings of its name."""

    async def validating(self, name: str, *expressions: str, **spec: Any) -> None:
        given = [{"expression": text} for text in expressions]
        bindings = spec.pop("bindings", [{"validationActions": ["Deny"]}])
        await self._make("validating", name, {"validations": given} | spec, bindings)

    async def mutating(self, name: str, *mutations: str, **spec: Any) -> None:
        given = [
            {"patchType": "JSONPatch", "jsonPatch": {"expression": text}}
            if text.startswith("[")
            else {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": text}}
            for text in mutations
        ]
        bindings = spec.pop("bindings", [{}])
        await self._make(
            "mutating", name, {"reinvocationPolicy": "Never", "mutations": given} | spec, bindings
        )

    async def _make(self, what: str, name: str, spec: Obj, bindings: list[Obj]) -> None:
        constraints = {"resourceRules": spec.pop("rules", [rule("", "v1", "configmaps")])}
        spec["matchConstraints"] = constraints | spec.pop("match", {})
        kind = f"{GROUP}/{what}admissionpolic"
        await self.ok("POST", f"{kind}ies", {"metadata": {"name": name}, "spec": spec})
        for index, binding in enumerate(bindings):
            made = {"metadata": {"name": f"{name}-{index}"}, "spec": {"policyName": name} | binding}
            await self.ok("POST", f"{kind}ybindings", made)


@pytest.fixture
async def policies(clock: VirtualClock) -> Any:
    made = Policies(clock, MemoryStore())
    for name in ("default", "other"):
        await made.ok("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": {"team": name}}})
    yield made
    await made.registry.close()
