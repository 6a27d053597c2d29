from __future__ import annotations

import pytest

from kubepy.apiserver import authz
from kubepy.apiserver.authn import authenticated
from kubepy.apiserver.authz import modes
from kubepy.apiserver.request import User, resolve_path

JANE = authenticated("jane", ("developers",))
ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))
MASTER = authenticated("root", ("system:masters",))
CONTROLLER = authenticated("system:serviceaccount:kube-system:replicaset-controller", ())
POD_ACCOUNT = authenticated(
    "system:serviceaccount:kube-system:default", ("system:serviceaccounts:kube-system",)
)
NODE = authenticated("system:node:n1", ("system:nodes",))
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@pytest.mark.parametrize(
    ("user", "method", "path", "allowed"),
    [
        (MASTER, "DELETE", "/api/v1/nodes", True),
        (MASTER, "GET", "/metrics", True),
        (NODE, "GET", "/api/v1/pods", True),
        (CONTROLLER, "POST", "/api/v1/namespaces/a/pods", True),
        (authenticated("system:kube-scheduler", ()), "POST", "/api/v1/namespaces/a/pods/b/binding", True),
        (POD_ACCOUNT, "GET", "/api/v1/pods", False),
        (JANE, "GET", "/api/v1/pods", False),
        (JANE, "GET", "/openid/v1/jwks", False),
        (
            authenticated("system:serviceaccount:a:b", ("system:serviceaccounts",)),
            "GET",
            "/openid/v1/jwks",
            True,
        ),
        (JANE, "GET", "/api", True),
        (JANE, "GET", "/apis/apps/v1", True),
        (JANE, "GET", "/openapi/v3/api/v1", True),
        (JANE, "GET", "/healthz", True),
        (JANE, "GET", "/readyz/ping", False),
        (JANE, "GET", "/metrics", False),
        (JANE, "POST", "/api", False),
        (JANE, "POST", REVIEWS, True),
        (JANE, "GET", REVIEWS, False),
        (ANONYMOUS, "POST", REVIEWS, False),
        (ANONYMOUS, "GET", "/api", False),
        (ANONYMOUS, "GET", "/readyz", True),
        (ANONYMOUS, "GET", "/version/", True),
    ],
)
async def test_components(user: User, method: str, path: str, allowed: bool) -> None:
    decision = await modes.of(modes.DEFAULT).authorize(user, resolve_path(method, path))
    assert decision.is_allowed is allowed


async def test_rules_say_the_same() -> None:
    default = modes.of(modes.DEFAULT)
    for user in (MASTER, NODE, CONTROLLER):
        assert await default.rules(user, "default") == authz.ALL_RULES
    rules = await default.rules(JANE, "default")
    assert [rule["resources"] for rule in rules.resources] == [
        ["selfsubjectreviews"], ["selfsubjectaccessreviews"], ["selfsubjectrulesreviews"],
    ]  # fmt: skip
    for path in rules.paths[0]["nonResourceURLs"]:
        assert (await default.authorize(JANE, resolve_path("GET", path))).is_allowed
    assert await modes.of(["AlwaysDeny"]).rules(JANE, "default") == authz.NO_RULES
    assert await modes.of(["AlwaysAllow"]).rules(JANE, "default") == authz.ALL_RULES


@pytest.mark.parametrize(
    ("method", "path", "message", "details"),
    [
        (
            "GET", "/api/v1/namespaces/default/pods",
            'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"',
            {"kind": "pods"},
        ),
        (
            "GET", "/api/v1/pods",
            'pods is forbidden: User "jane" cannot list resource "pods" in API group "" at the cluster scope',
            {"kind": "pods"},
        ),
        (
            "DELETE", "/apis/apps/v1/namespaces/default/deployments/x",
            'deployments.apps "x" is forbidden: User "jane" cannot delete resource "deployments" in API group "apps" '
            'in the namespace "default"',
            {"name": "x", "group": "apps", "kind": "deployments"},
        ),
        (
            "GET", "/api/v1/namespaces/default/pods/x/log",
            'pods "x" is forbidden: User "jane" cannot get resource "pods/log" in API group "" in the namespace '
            '"default"',
            {"name": "x", "kind": "pods"},
        ),
        ("GET", "/x<y>", 'forbidden: User "jane" cannot get path "/x&lt;y&gt;"', {}),
    ],
)  # fmt: skip
def test_texts(method: str, path: str, message: str, details: dict[str, str]) -> None:
    status = authz.forbidden(JANE, resolve_path(method, path)).status()
    assert status["message"] == message
    assert status["details"] == details
    assert (status["reason"], status["code"]) == ("Forbidden", 403)


async def test_modes() -> None:
    info = resolve_path("GET", "/api/v1/pods")
    assert (await modes.of(["AlwaysAllow"]).authorize(JANE, info)).is_allowed
    denied = await modes.of(["AlwaysDeny"]).authorize(JANE, info)
    assert authz.forbidden(JANE, info, denied.reason).message.endswith(
        "at the cluster scope: Everything is forbidden."
    )
    assert (await modes.of(["AlwaysDeny", "AlwaysAllow"]).authorize(JANE, info)).is_allowed
    assert (await modes.of(["AlwaysDeny"]).authorize(MASTER, info)).is_allowed
    with pytest.raises(ValueError, match='unknown authorization mode "Nope"'):
        modes.of(["Nope"])
