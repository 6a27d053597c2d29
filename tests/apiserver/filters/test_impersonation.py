from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kubepy.api.errors import BadRequest, Forbidden
from kubepy.apiserver.authn import authenticated
from kubepy.apiserver.authz import ALLOW, NO_OPINION, NO_RULES, Decision, Rules, modes
from kubepy.apiserver.filters.impersonation import impersonation
from kubepy.apiserver.request import Request, RequestInfo, Response, User

ADMIN = authenticated("admin", ("system:masters",))
JANE = authenticated("jane", ())


async def _become(make_request: Callable[..., Request], headers: dict[str, Any], user: User = ADMIN) -> User:
    request = make_request("/api/v1/pods", headers=headers, user=user)

    async def end(request: Request) -> Response:
        return Response()

    await impersonation(modes.chain([]))(end)(request)
    assert request.user is not None
    return request.user


async def test_without_headers_nothing_changes(make_request: Callable[..., Request]) -> None:
    assert await _become(make_request, {}) is ADMIN


@pytest.mark.parametrize(
    ("headers", "user"),
    [
        ({"Impersonate-User": "bob"}, User("bob", ("system:authenticated",))),
        (
            {"Impersonate-User": "bob", "Impersonate-Group": ["a", "b"]},
            User("bob", ("a", "b", "system:authenticated")),
        ),
        (
            {"Impersonate-User": "bob", "Impersonate-Group": ["system:unauthenticated"]},
            User("bob", ("system:unauthenticated",)),
        ),
        ({"Impersonate-User": "system:anonymous"}, User("system:anonymous", ("system:unauthenticated",))),
        (
            {"Impersonate-User": "system:serviceaccount:ns:sa"},
            User(
                "system:serviceaccount:ns:sa",
                ("system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"),
            ),
        ),
        (
            {
                "Impersonate-User": "bob",
                "Impersonate-Uid": "u1",
                "Impersonate-Extra-Acme.com%2Fscopes": ["x", "y"],
            },
            User("bob", ("system:authenticated",), "u1", {"acme.com/scopes": ["x", "y"]}),
        ),
    ],
)
async def test_user_of_headers(
    make_request: Callable[..., Request], headers: dict[str, Any], user: User
) -> None:
    assert await _become(make_request, headers) == user


async def test_who_may_not_impersonate(make_request: Callable[..., Request]) -> None:
    """The first refusal is told: that of the constrained mode."""
    with pytest.raises(Forbidden) as caught:
        await _become(make_request, {"Impersonate-User": "bob"}, JANE)
    assert caught.value.message == (
        'pods is forbidden: User "jane" cannot impersonate-on:user-info:list resource "pods" in API group "" at the '
        "cluster scope"
    )


async def test_group_without_user_is_a_bad_request(make_request: Callable[..., Request]) -> None:
    with pytest.raises(BadRequest) as caught:
        await _become(make_request, {"Impersonate-Group": "g"})
    assert caught.value.message == (
        'requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"g"}, Extra:map[string][]string(nil)} without '
        "impersonating a user name"
    )


# -- constrained: what must be allowed, and what it makes one ------------------------------------------------------

ROBOT = User(
    "system:serviceaccount:ns:agent",
    ("system:authenticated",),
    extra={"authentication.kubernetes.io/node-name": ["n1"]},
)


class Allowing:
    """An authorizer that allows some (verb, resource, name)."""

    def __init__(self, *allowed: tuple[str, str, str]) -> None:
        self.allowed = allowed

    async def authorize(self, user: User, info: RequestInfo) -> Decision:
        question = (info.verb, info.resource, info.name)
        return ALLOW if question in self.allowed else NO_OPINION

    async def rules(self, user: User, namespace: str) -> Rules:
        return NO_RULES


@pytest.mark.parametrize(
    ("who", "headers", "allowed", "user", "constraint"),
    [
        (
            ROBOT, {"Impersonate-User": "system:node:n1"},
            [("impersonate-on:associated-node:list", "pods", ""), ("impersonate:associated-node", "nodes", "*")],
            User("system:node:n1", ("system:nodes", "system:authenticated")), "impersonate:associated-node",
        ),
        (
            JANE, {"Impersonate-User": "system:node:n2"},
            [("impersonate-on:arbitrary-node:list", "pods", ""), ("impersonate:arbitrary-node", "nodes", "n2")],
            User("system:node:n2", ("system:nodes", "system:authenticated")), "impersonate:arbitrary-node",
        ),
        (
            JANE, {"Impersonate-User": "system:serviceaccount:ns:a"},
            [
                ("impersonate-on:serviceaccount:list", "pods", ""),
                ("impersonate:serviceaccount", "serviceaccounts", "a"),
            ],
            User(
                "system:serviceaccount:ns:a",
                ("system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"),
            ),
            "impersonate:serviceaccount",
        ),
        (
            JANE, {"Impersonate-User": "bob", "Impersonate-Group": ["a", "b", "c", "d"]},
            [
                ("impersonate-on:user-info:list", "pods", ""), ("impersonate:user-info", "users", "bob"),
                ("impersonate:user-info", "groups", "*"),
            ],
            User("bob", ("a", "b", "c", "d", "system:authenticated")), "impersonate:user-info",
        ),
        (
            JANE, {"Impersonate-User": "bob", "Impersonate-Group": ["system:masters"]},
            [
                ("impersonate-on:user-info:list", "pods", ""), ("impersonate:user-info", "users", "bob"),
                ("impersonate:user-info", "groups", "system:masters"),
                ("impersonate", "users", "bob"), ("impersonate", "groups", "system:masters"),
            ],
            User("bob", ("system:masters", "system:authenticated")), "",
        ),
    ],
)  # fmt: skip
async def test_each_way_to_be_allowed(
    make_request: Callable[..., Request], who: User, headers: Any, allowed: Any, user: User, constraint: str
) -> None:
    request = make_request("/api/v1/pods", headers=headers, user=who)

    async def end(request: Request) -> Response:
        return Response()

    await impersonation(Allowing(*allowed))(end)(request)
    assert request.user == user
    assert request.audit.get("impersonation-constraint", "") == constraint


@pytest.mark.parametrize("missing", [0, 1])
async def test_constrained_impersonation_needs_both(
    make_request: Callable[..., Request], missing: int
) -> None:
    both = [("impersonate-on:user-info:list", "pods", ""), ("impersonate:user-info", "users", "bob")]
    del both[missing]
    request = make_request("/api/v1/pods", headers={"Impersonate-User": "bob"}, user=JANE)

    async def end(request: Request) -> Response:
        return Response()

    with pytest.raises(Forbidden):
        await impersonation(Allowing(*both))(end)(request)


async def test_the_way_that_was_open_last_is_tried_first(make_request: Callable[..., Request]) -> None:
    async def end(request: Request) -> Response:
        return Response()

    handle = impersonation(Allowing(("impersonate", "users", "ann")))(end)

    async def refusal(name: str, user: User) -> str:
        with pytest.raises(Forbidden) as caught:
            await handle(make_request("/api/v1/pods", headers={"Impersonate-User": name}, user=user))
        return caught.value.message

    assert "impersonate-on:user-info:list" in await refusal("bob", JANE)
    await handle(make_request("/api/v1/pods", headers={"Impersonate-User": "ann"}, user=JANE))
    assert (await refusal("bob", JANE)).startswith(
        'users "bob" is forbidden: User "jane" cannot impersonate '
    )
    assert "impersonate-on:user-info:list" in await refusal("bob", ROBOT)
