"""Cases: kubernetes plugin/pkg/auth/authorizer/rbac/rbac_test.go, pkg/registry/rbac/validation/rule_test.go."""

from __future__ import annotations

import pytest

from kubepy.api.objects import Obj
from kubepy.apiserver.authz.rbac import Rbac
from tests.apiserver.authz.builders import asked, binding, role, rule, user
from tests.apiserver.conftest import StoredCaches, shipped_roles

PODS, POD = "/api/v1/namespaces/ns1/pods", "/api/v1/namespaces/ns1/pods/a"
JANE = user("jane")


@pytest.mark.parametrize(
    ("objs", "who", "what", "allowed"),
    [
        ([role("r", rule("*", "*", groups="*"))], "admin", "GET /api/v1/namespaces/ns1/pods", True),
        ([role("r", rule("*", "*", groups="*"))], "admin", "GET /api/v1/namespaces/ns2/pods", False),
        ([role("r", rule("*", "*", groups="*"))], "admin", "GET /api/v1/nodes", False),
        ([role("r", rule("*", "*", groups="*"))], "joe admins", "DELETE /api/v1/namespaces/ns1/pods/x", True),
        ([role("r", rule("*", "*", groups="*"))], "joe", "GET /api/v1/namespaces/ns1/pods", False),
        ([role("r", rule("*", "pods"))], "admin", "GET /api/v1/namespaces/ns1/pods/x/status", False),
        ([role("r", rule("*", "*/scale", groups="*"))], "admin", "GET /apis/a/v1/namespaces/ns1/x/y/scale", True),
        ([role("r", rule("get", urls="/apis"))], "admin", "GET /apis", False),  # a namespace has no paths
        ([role("r", rule("get", "pods"), namespace="ns1")], "admin", "GET /api/v1/namespaces/ns1/pods/x", False),
    ],
)  # fmt: skip
async def test_role_bindings(objs: list[Obj], who: str, what: str, allowed: bool) -> None:
    """`r` is bound in ns1 to the User admin and the Group admins."""
    bound = binding("b", "ClusterRole/r", "User:admin", "Group:admins", namespace="ns1")
    rbac = Rbac(StoredCaches(*objs, bound))
    assert (await rbac.authorize(user(*who.split()), asked(*what.split()))).is_allowed is allowed


async def test_cluster_role_bindings_hold_everywhere_and_for_paths() -> None:
    rbac = Rbac(
        StoredCaches(
            role("r", rule("get", "pods"), rule("get", urls="/apis/*")),
            binding("b", "ClusterRole/r", "ServiceAccount:ns1/sa", "Group:devs"),
        )
    )
    account = user("system:serviceaccount:ns1:sa")
    for who in (account, user("x", "devs")):
        for what in (POD, "/api/v1/namespaces/ns2/pods/b", "/apis/foo"):
            assert (await rbac.authorize(who, asked("GET", what))).is_allowed
    assert not (await rbac.authorize(account, asked("GET", "/apis"))).is_allowed
    assert not (await rbac.authorize(account, asked("POST", "/apis/foo"))).is_allowed


async def test_an_account_without_a_namespace_is_of_the_bindings_own() -> None:
    objs = (
        role("r", rule("get", "pods")),
        binding("b", "ClusterRole/r", "ServiceAccount:sa", namespace="ns1"),
    )
    rbac = Rbac(StoredCaches(*objs))
    assert (await rbac.authorize(user("system:serviceaccount:ns1:sa"), asked("GET", POD))).is_allowed
    everywhere = Rbac(StoredCaches(objs[0], binding("b", "ClusterRole/r", "ServiceAccount:sa")))
    assert not (
        await everywhere.authorize(user("system:serviceaccount:ns1:sa"), asked("GET", POD))
    ).is_allowed


@pytest.mark.parametrize(
    ("bound", "reason"),
    [
        (
            binding("b", "ClusterRole/r", "Group:x", "User:jane"),
            'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to User "jane"',
        ),
        (
            binding("b", "ClusterRole/r", "Group:system:authenticated", namespace="ns1"),
            'RBAC: allowed by RoleBinding "b/ns1" of ClusterRole "r" to Group "system:authenticated"',
        ),
        (binding("b", "ClusterRole/gone", "User:jane"), 'RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found'),
        (
            binding("b", "Role/r", "User:jane", namespace="ns1"),
            'RBAC: role.rbac.authorization.k8s.io "r" not found',
        ),
        (binding("b", "ClusterRole/r", "User:bob"), ""),
    ],
)  # fmt: skip
async def test_reasons(bound: Obj, reason: str) -> None:
    rbac = Rbac(StoredCaches(role("r", rule("get", "pods")), bound))
    decision = await rbac.authorize(JANE, asked("GET", POD))
    assert decision.reason == reason
    assert decision.is_allowed is reason.startswith("RBAC: allowed")


async def test_several_missing_roles_are_told_together() -> None:
    rbac = Rbac(
        StoredCaches(binding("a", "ClusterRole/x", "User:jane"), binding("b", "ClusterRole/y", "User:jane"))
    )
    assert (await rbac.authorize(JANE, asked("GET", POD))).reason == (
        'RBAC: [clusterrole.rbac.authorization.k8s.io "x" not found, '
        'clusterrole.rbac.authorization.k8s.io "y" not found]'
    )


async def test_names_of_one_rule_do_not_hide_another() -> None:
    rbac = Rbac(
        StoredCaches(
            role("one", rule("get", "pods", names="a")), role("all", rule("get", "pods")),
            binding("1", "ClusterRole/one", "User:jane"), binding("2", "ClusterRole/all", "User:jane", namespace="ns1"),
        )
    )  # fmt: skip
    reasons = [
        (await rbac.authorize(JANE, asked("GET", f"{PODS}/{name}"))).reason.partition(" of ")[0]
        for name in "ab"
    ]
    assert reasons == ['RBAC: allowed by ClusterRoleBinding "1"', 'RBAC: allowed by RoleBinding "2/ns1"']


async def test_what_is_remembered_is_forgotten_with_what_it_came_from() -> None:
    first = role("r", rule("get", "pods"))
    caches = StoredCaches(first)
    rbac = Rbac(caches)

    async def may(who: str = "jane", what: str = POD) -> bool:
        return (await rbac.authorize(user(who, "devs"), asked("GET", what))).is_allowed

    assert not await may()
    bound = binding("b", "ClusterRole/r", "User:jane", namespace="ns1")
    await caches.put(bound)
    assert await may() and not await may("bob")
    await caches.put(binding("b", "ClusterRole/r", "Group:devs", namespace="ns1"))
    assert await may() and await may("bob")
    await caches.put(role("r", rule("get", "secrets")))
    assert not await may() and await may(what="/api/v1/namespaces/ns1/secrets/x")
    await caches.drop(first)
    assert not await may(what="/api/v1/namespaces/ns1/secrets/x")
    await caches.put(first)
    assert await may()
    await caches.drop(bound)
    assert not await may() and not await may("bob")


async def test_others_are_not_forgotten() -> None:
    caches = StoredCaches(role("r", rule("get", "pods")), binding("b", "ClusterRole/r", "User:jane"))
    policy = await Rbac(caches).policy()
    jane, bob = policy.grants(JANE, ""), policy.grants(user("bob"), "")
    await caches.put(binding("c", "ClusterRole/r", "User:bob"))
    assert policy.grants(JANE, "") is jane
    assert policy.grants(user("bob"), "") is not bob


async def test_a_namespace_without_bindings_of_ones_own_costs_nothing() -> None:
    caches = StoredCaches(role("r", rule("get", "pods")), binding("b", "ClusterRole/r", "User:jane"))
    policy = await Rbac(caches).policy()
    assert policy.grants(JANE, "ns1") is policy.grants(JANE, "ns2") is policy.grants(JANE, "")


async def test_rules_of_a_user() -> None:
    rbac = Rbac(
        StoredCaches(
            role("r", rule("get", "pods", names="a"), rule("get", urls="/x")),
            binding("b", "ClusterRole/r", "User:jane"),
            binding("c", "ClusterRole/gone", "User:jane", namespace="ns1"),
        )
    )
    rules = await rbac.rules(JANE, "ns1")
    assert rules.resources == [
        {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"]}
    ]
    assert rules.paths == [{"verbs": ["get"], "nonResourceURLs": ["/x"]}]
    assert not rules.is_incomplete
    assert rules.error == 'clusterrole.rbac.authorization.k8s.io "gone" not found'


@pytest.mark.parametrize(
    ("who", "method", "path", "allowed"),
    [
        (user("root", "system:masters"), "DELETE", "/api/v1/nodes", True),
        (user("system:serviceaccount:kube-system:replicaset-controller"), "POST", PODS, True),
        (user("system:serviceaccount:kube-system:replicaset-controller"), "GET", "/api/v1/secrets", False),
        (user("system:kube-scheduler"), "POST", f"{POD}/binding", True),
        (user("system:kube-scheduler"), "POST", PODS, False),
        (JANE, "GET", "/api/v1/pods", False),
        (JANE, "GET", "/openid/v1/jwks", False),
        (user("system:serviceaccount:a:b", "system:serviceaccounts"), "GET", "/openid/v1/jwks", True),
        (JANE, "GET", "/apis/apps/v1", True),
        (JANE, "GET", "/metrics", False),
        (JANE, "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", True),
        (JANE, "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", False),
    ],
)
async def test_what_every_cluster_begins_with(who: object, method: str, path: str, allowed: bool) -> None:
    rbac = Rbac(StoredCaches(*shipped_roles()))
    assert (await rbac.authorize(who, asked(method, path))).is_allowed is allowed  # type: ignore[arg-type]
