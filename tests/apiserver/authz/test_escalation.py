"""Source of the texts: a kube-apiserver 1.36, asked the same."""

from __future__ import annotations

import pytest

from kubepy.api.builtins import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES
from kubepy.api.errors import StatusError
from kubepy.api.objects import Obj, copy
from kubepy.apiserver.authz import modes
from kubepy.apiserver.authz.escalation import Escalation
from kubepy.apiserver.authz.rbac import Rbac
from kubepy.apiserver.request import User
from tests.apiserver.authz.builders import binding, role, rule, user
from tests.apiserver.conftest import StoredCaches

RBAC = "rbac.authorization.k8s.io"
JANE = user("jane", "devs")
KINDS = {
    "Role": ROLES,
    "ClusterRole": CLUSTER_ROLES,
    "RoleBinding": ROLE_BINDINGS,
    "ClusterRoleBinding": CLUSTER_ROLE_BINDINGS,
}
HELD = (
    role(
        "held",
        rule("get list", "pods"),
        rule("get", urls="/foo/*"),
        rule("bind", "clusterroles", groups=RBAC, names="bindable"),
        rule("escalate", "clusterroles", groups=RBAC, names="free"),
    ),
    binding("held", "ClusterRole/held", "User:jane"),
    role("bindable", rule("*", "*", groups="*")),
    role("small", rule("get", "pods")),
    role("big", rule("get delete", "pods secrets")),
    role("local", rule("list", "pods"), namespace="ns"),
)


async def refused(obj: Obj, old: Obj | None = None, *, who: User = JANE, more: tuple[Obj, ...] = ()) -> str:
    """ "" if it is not."""
    rbac = Rbac(StoredCaches(*HELD, *more))
    metadata = obj["metadata"]
    name = metadata["name"] if old is not None else ""
    check = Escalation(modes.chain([rbac]), rbac).check
    try:
        await check(KINDS[obj["kind"]], metadata.get("namespace", ""), name, who, obj, old)
    except StatusError as error:
        return f"{error.code} {error.message}"
    return ""


NOT_HELD = (
    'user "jane" (groups=["devs" "system:authenticated"]) is attempting to grant RBAC permissions not currently '
    "held:"
)
BIG = (
    '{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}\n'
    '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "delete"]}'
)


@pytest.mark.parametrize(
    ("obj", "text"),
    [
        (role("x", rule("get", "pods"), rule("get", urls="/foo/a")), ""),
        (role("x", rule("list", "pods", names="a"), namespace="ns"), ""),
        (
            role("x", rule("get delete", "pods secrets")),
            f'403 clusterroles.{RBAC} "x" is forbidden: {NOT_HELD}\n{BIG}',
        ),
        (
            role("x", rule("*", "*", groups="*"), namespace="ns"),
            f'403 roles.{RBAC} "x" is forbidden: {NOT_HELD}\n{{APIGroups:["*"], Resources:["*"], Verbs:["*"]}}',
        ),
        (
            role("x") | {"aggregationRule": {"clusterRoleSelectors": [{}]}},
            f'403 clusterroles.{RBAC} "x" is forbidden: must have cluster-admin privileges to use the aggregationRule',
        ),
        (role("x") | {"aggregationRule": {}}, ""),
        (binding("x", "ClusterRole/small", "User:bob"), ""),
        (binding("x", "ClusterRole/bindable", "User:bob"), ""),
        (binding("x", "ClusterRole/bindable", "User:bob", namespace="ns"), ""),
        (binding("x", "Role/local", "User:bob", namespace="ns"), ""),
        (
            binding("x", "ClusterRole/big", "User:bob", namespace="ns"),
            f'403 rolebindings.{RBAC} "x" is forbidden: {NOT_HELD}\n{BIG}',
        ),
        (binding("x", "ClusterRole/gone", "User:bob"), f'404 clusterrolebindings.{RBAC} "gone" not found'),
        (binding("x", "Role/gone", "User:bob", namespace="ns"), f'404 rolebindings.{RBAC} "gone" not found'),
        (binding("x", "Role/local", "User:bob"), "400 Namespace parameter required."),
        (binding("x", "Foo/bar", "User:bob"), '500 unsupported role reference kind: "Foo"'),
    ],
)  # fmt: skip
async def test_creates(obj: Obj, text: str) -> None:
    assert await refused(obj) == text


async def test_masters_give_what_they_like() -> None:
    root = user("root", "system:masters")
    assert not await refused(role("x", rule("*", "*", groups="*")), who=root)
    assert not await refused(binding("x", "ClusterRole/gone", "User:bob"), who=root)


async def test_who_may_escalate_a_role_may_give_it_anything() -> None:
    everything = rule("*", "*", groups="*")
    assert not await refused(role("free", everything), role("free"))
    assert await refused(role("other", everything), role("other"))


async def test_the_collector_may_take_what_is_its_own() -> None:
    old = role("x", rule("*", "*", groups="*"))
    old["metadata"]["finalizers"] = ["a"]
    new = copy(old)
    new["metadata"]["finalizers"] = []
    assert not await refused(new, old)
    new["metadata"]["labels"] = {"a": "b"}
    assert await refused(new, old)
    bound = binding("x", "ClusterRole/big", "User:bob")
    assert not await refused({**bound, "metadata": {"name": "x", "ownerReferences": []}}, bound)


async def test_an_aggregation_rule_is_not_taken_away_either() -> None:
    old = role("x") | {"aggregationRule": {"clusterRoleSelectors": [{}]}}
    assert (await refused(role("x"), old)).endswith("to use the aggregationRule")


async def test_roles_that_are_gone_are_told() -> None:
    gone = binding("y", "ClusterRole/gone", "User:jane")
    text = await refused(role("x", rule("get", "secrets")), more=(gone,))
    assert text.endswith(f'Verbs:["get"]}}; resolution errors: [clusterroles.{RBAC} "gone" not found]')
