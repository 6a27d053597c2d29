"""Source of the cases: kubernetes 1.36 pkg/controller/clusterroleaggregation/*_test.go."""

from __future__ import annotations

from kubepy.api.builtins import CLUSTER_ROLES
from kubepy.api.objects import Obj
from kubepy.controllers.cluster_role_aggregation import plan
from kubepy.testing.cluster import Cluster

RBAC = "rbac.authorization.k8s.io/v1"


def rule(verb: str) -> Obj:
    return {"apiGroups": [""], "resources": ["pods"], "verbs": [verb]}


def role(name: str, *rules: Obj, selects: str = "", **labels: str) -> Obj:
    made: Obj = {
        "apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": name, "labels": labels}, "rules": list(rules),
    }  # fmt: skip
    if selects:
        made["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {selects: "yes"}}]}
    return made


def test_rules_come_by_name_and_once_and_never_from_itself() -> None:
    whole = role("whole", rule("own"), selects="part", part="yes")
    parts = [
        role("b", rule("get"), rule("list"), part="yes"),
        role("a", rule("list"), part="yes"),
        role("c", rule("x")),
    ]
    assert plan(whole, [whole, *parts]) == [rule("list"), rule("get")]


async def test_a_role_follows_its_parts(cluster: Cluster) -> None:
    async def rules() -> list[Obj]:
        await cluster.settle()
        return (await cluster.get(CLUSTER_ROLES, "whole", "")).get("rules") or []

    await cluster.create(role("whole", rule("own"), selects="example.com/part"))
    assert await rules() == []
    part = role("part", rule("get"))
    part["metadata"]["labels"] = {"example.com/part": "yes"}
    await cluster.create(part)
    assert await rules() == [rule("get")]
    await cluster.client.delete(CLUSTER_ROLES, "part")
    assert await rules() == []
