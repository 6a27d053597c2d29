"""The roles and bindings of every cluster: tables in config/bootstrap/rbac, made objects and reconciled at each start.

What is missing is created; roles that are there get the rules, bindings the subjects that they lack, and keep what a
person added. One annotated rbac.authorization.kubernetes.io/autoupdate: "false" is left alone.

Source: kubernetes 1.36 pkg/registry/rbac/rest/storage_rbac.go (PolicyData.EnsureRBACPolicy); the tables name theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from kubepy.api import errors, rbac
from kubepy.api.builtins import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES
from kubepy.api.objects import Document, Key, Obj, key_of, uid_of
from kubepy.api.resources import Resource
from kubepy.client.client import Client
from kubepy.lib import yaml
from kubepy.lib.aio import gather_bounded

KINDS = (CLUSTER_ROLES, CLUSTER_ROLE_BINDINGS, ROLES, ROLE_BINDINGS)
# Enough to fill a group commit.
WRITES_AT_ONCE = 64

_AGGREGATE_TO = f"{rbac.GROUP}/aggregate-to-"
_METADATA: Obj = {
    "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
    "annotations": {rbac.AUTO_UPDATE: "true"},
}


# -- the tables as objects ---------------------------------------------------------------------------------------------


def objects(directory: Path, served: Collection[str]) -> list[tuple[Resource, Obj]]:
    """What a cluster begins with. `served`: "pods", "leases.coordination.k8s.io" and what else this version has."""

    def table(name: str) -> Any:
        return yaml.load((directory / name).read_bytes())

    made: list[tuple[Resource, Obj]] = []
    for name in ("cluster-roles.yaml", "kubepy-roles.yaml"):
        made += ((CLUSTER_ROLES, _cluster_role(*row)) for row in _there(table(name), served))
    for account, row in _there(table("controller-roles.yaml"), served):
        name = f"system:controller:{account}"
        made.append((CLUSTER_ROLES, _cluster_role(name, row)))
        subjects = list(_subjects({"accounts": [f"kube-system/{account}"]}))
        made.append((CLUSTER_ROLE_BINDINGS, _binding(CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, name, subjects)))
    bindings = table("bindings.yaml")
    for name, row in _there(bindings["cluster"], served):
        wanted = _binding(CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, name, list(_subjects(row)))
        made.append((CLUSTER_ROLE_BINDINGS, wanted))
    for namespace, roles in table("roles.yaml").items():
        for name, row in _there(roles, served):
            made.append((ROLES, _object(ROLES, name, namespace) | {"rules": row["rules"]}))
    for namespace, rows in bindings["namespaces"].items():
        for name, row in _there(rows, served):
            wanted = _binding(
                ROLE_BINDINGS, ROLES, row.get("role", name), list(_subjects(row)), name, namespace
            )
            made.append((ROLE_BINDINGS, wanted))
    return made


def node_rules(policy: Iterable[tuple[Resource, Obj]]) -> list[Obj]:
    """What the Node authorizer lets every node do, besides what it looks into. Source: policy.go NodeRules."""
    return next(
        obj["rules"] for _, obj in policy if obj["metadata"]["name"] == "system:node" and "rules" in obj
    )


def _there(table: Obj, served: Collection[str]) -> Iterator[tuple[str, Obj]]:
    """The rows, and of their rules those, that are about something this version has."""
    for name, row in table.items():
        if row.get("needs", "") in ("", *served):
            rules = [
                {field: value for field, value in rule.items() if field != "needs"}
                for rule in row.get("rules") or ()
                if rule.get("needs", "") in ("", *served)
            ]
            yield name, {**row, "rules": rules}


def _object(resource: Resource, name: str, namespace: str = "") -> Obj:
    metadata = {"name": name, **_METADATA} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata}


def _cluster_role(name: str, row: Obj) -> Obj:
    role = _object(CLUSTER_ROLES, name)
    if whole := row.get("aggregate-to"):
        labels = _METADATA["labels"] | {f"{_AGGREGATE_TO}{whole}": "true"}
        role["metadata"] = {**role["metadata"], "labels": labels}
    if parts := row.get("aggregates"):
        selector = {"matchLabels": {f"{_AGGREGATE_TO}{parts}": "true"}}
        return role | {"aggregationRule": {"clusterRoleSelectors": [selector]}, "rules": None}
    return role | {"rules": row["rules"]}


def _binding(
    resource: Resource, of: Resource, role: str, subjects: list[Obj], name: str = "", namespace: str = ""
) -> Obj:
    binding = _object(resource, name or role, namespace)
    binding["roleRef"] = {"apiGroup": rbac.GROUP, "kind": of.kind, "name": role}
    return binding | ({"subjects": subjects} if subjects else {})


def _subjects(row: Obj) -> Iterator[Obj]:
    for field, kind in (("users", "User"), ("groups", "Group")):
        for name in row.get(field) or ():
            yield {"apiGroup": rbac.GROUP, "kind": kind, "name": name}
    for account in row.get("accounts") or ():
        namespace, _, name = account.partition("/")
        yield {"kind": "ServiceAccount", "name": name, "namespace": namespace}


# -- reconciliation ----------------------------------------------------------------------------------------------------


async def reconcile(client: Client, wanted: Iterable[tuple[Resource, Obj]]) -> None:
    """Raises what the first write that fails raises."""
    found: dict[tuple[str, Key], Document] = {}
    for resource in KINDS:
        page = await client.list(resource)
        found |= {(resource.kind, document.key): document for document in page.documents}
    works = [
        _ensure(client, resource, obj, found.get((resource.kind, key_of(obj)))) for resource, obj in wanted
    ]
    for result in await gather_bounded(WRITES_AT_ONCE, works):
        if isinstance(result, BaseException):
            raise result


async def _ensure(client: Client, resource: Resource, wanted: Obj, found: Document | None) -> None:
    try:
        if found is None:
            await client.create(resource, wanted)
            return
        existing = found.obj
        is_binding = "roleRef" in wanted
        if is_binding and existing["roleRef"] != wanted["roleRef"] and not rbac.is_protected(existing):
            # What a binding binds to cannot be changed.
            key = key_of(existing)
            await client.delete(resource, key.name, key.namespace, uid=uid_of(existing))
            await client.create(resource, wanted)
            return
        decide: Callable[[Obj, Obj], Obj | None] = (
            rbac.reconciled_binding if is_binding else rbac.reconciled_role
        )
        if (changed := decide(existing, wanted)) is not None:
            await client.update(resource, changed)
    except (errors.AlreadyExists, errors.Conflict, errors.NotFound):
        # Somebody else writes the same roles; what they make of them is looked at again by the next start.
        return
