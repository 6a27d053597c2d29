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
    info, deny, allow = resolve_path("GET", "/api/v1/pods"), modes.AlwaysDeny(), modes.AlwaysAllow()
    denied = await modes.chain([deny]).authorize(JANE, info)
    assert authz.forbidden(JANE, info, denied.reason).message.endswith(
        "at the cluster scope: Everything is forbidden."
    )
    assert (await modes.chain([deny, allow]).authorize(JANE, info)).is_allowed
    assert (await modes.chain([deny]).authorize(MASTER, info)).is_allowed
    assert not (await modes.chain([]).authorize(JANE, info)).is_allowed
    assert await modes.chain([deny]).rules(JANE, "default") == authz.NO_RULES
    assert await modes.chain([deny, allow]).rules(JANE, "default") == authz.ALL_RULES
