from __future__ import annotations

import pytest

from kubepy.api import rbac, versions
from kubepy.api.builtins import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, Catalog
from kubepy.api.objects import Obj
from kubepy.api.schema import Schemas
from kubepy.controllers.manager import CONTROLLERS
from kubepy.daemon import rbac_policy
from kubepy.daemon.config import files_dir
from kubepy.testing import Cluster

DIRECTORY = files_dir() / "bootstrap" / "rbac"


def made(version: str) -> dict[tuple[str, str, str], Obj]:
    served = {row.group_resource for row in Catalog(versions.served(version, Schemas(version)))}
    objs = [obj for _, obj in rbac_policy.objects(DIRECTORY, served)]
    found = {(o["kind"], o["metadata"].get("namespace", ""), o["metadata"]["name"]): o for o in objs}
    assert len(found) == len(objs)
    return found


@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_every_binding_is_to_a_role_that_is_there(version: str) -> None:
    found = made(version)
    for (kind, namespace, name), obj in found.items():
        if kind.endswith("Binding"):
            ref = obj["roleRef"]
            assert (ref["kind"], namespace, ref["name"]) in found, name


@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_every_controller_has_a_role(version: str) -> None:
    found = made(version)
    served = {row.group_resource for row in Catalog(versions.served(version, Schemas(version)))}
    for row in CONTROLLERS:
        if row.account and all(need.group_resource in served for need in row.needs):
            roles = [
                key
                for key in found
                if key[0].endswith("Role") and key[2] in (f"system:controller:{row.account}", row.account)
            ]
            assert roles, row.name


def test_what_a_version_does_not_have_no_role_is_about() -> None:
    old, new = made("1.30"), made("1.37")
    name = ("ClusterRole", "", "system:controller:service-cidrs-controller")
    assert name in new and name not in old

    def about(found: dict[tuple[str, str, str], Obj], resource: str) -> bool:
        return any(
            resource in (rule.get("resources") or ()) for o in found.values() for rule in o.get("rules") or ()
        )

    assert about(new, "clustertrustbundles") and not about(old, "clustertrustbundles")
    assert not any("needs" in rule for o in new.values() for rule in o.get("rules") or ())


async def test_they_are_reconciled_at_each_start() -> None:
    async with Cluster(nodes=0, scheduler="off", controllers=()) as cluster:
        client = cluster.client
        view = await client.get(CLUSTER_ROLES, "system:aggregate-to-view")
        taken = {
            **view,
            "rules": [{"verbs": ["x"], "apiGroups": ["y"], "resources": ["z"]}, *view["rules"][1:]],
        }
        await client.update(CLUSTER_ROLES, taken)
        frozen = await client.get(CLUSTER_ROLES, "system:heapster")
        metadata = {**frozen["metadata"], "annotations": {rbac.AUTO_UPDATE: "false"}}
        await client.update(CLUSTER_ROLES, {**frozen, "metadata": metadata, "rules": []})
        await client.delete(CLUSTER_ROLE_BINDINGS, "system:discovery")
        bound = await client.get(CLUSTER_ROLE_BINDINGS, "system:basic-user")
        await client.update(CLUSTER_ROLE_BINDINGS, {**bound, "subjects": []})
        other = cluster.fork()
    async with other:
        again = (await other.client.get(CLUSTER_ROLES, "system:aggregate-to-view"))["rules"]
        assert again[0]["verbs"] == ["x"] and rbac.uncovered(again, view["rules"]) == []
        assert not (await other.client.get(CLUSTER_ROLES, "system:heapster")).get("rules")
        assert await other.client.get(CLUSTER_ROLE_BINDINGS, "system:discovery")
        subjects = (await other.client.get(CLUSTER_ROLE_BINDINGS, "system:basic-user"))["subjects"]
        assert [each["name"] for each in subjects] == ["system:authenticated"]


async def test_a_second_start_writes_none_of_them() -> None:
    async with Cluster(nodes=0, scheduler="off", controllers=()) as cluster:
        before = (await cluster.client.get(CLUSTER_ROLES, "view"))["metadata"]["resourceVersion"]
        other = cluster.fork()
    async with other:
        assert (await other.client.get(CLUSTER_ROLES, "view"))["metadata"]["resourceVersion"] == before


async def test_roles_that_aggregate_have_the_rules_of_their_parts() -> None:
    async with Cluster(
        nodes=0, scheduler="off", controllers=("clusterrole-aggregation-controller",)
    ) as cluster:
        view, admin = [(await cluster.client.get(CLUSTER_ROLES, name))["rules"] for name in ("view", "admin")]
        parts = (await cluster.client.get(CLUSTER_ROLES, "system:aggregate-to-view"))["rules"]
        assert view == parts and rbac.uncovered(admin, parts) == []
