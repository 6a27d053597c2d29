from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kubepy.api.errors import BadRequest, Forbidden
from kubepy.apiserver.authn import authenticated
from kubepy.apiserver.authz import modes
from kubepy.apiserver.filters.impersonation import impersonation
from kubepy.apiserver.request import Request, Response, User

ADMIN = authenticated("admin", ("system:masters",))
JANE = authenticated("jane", ())


async def _become(make_request: Callable[..., Request], headers: dict[str, Any], user: User = ADMIN) -> User:
    request = make_request("/api/v1/pods", headers=headers, user=user)

    async def end(request: Request) -> Response:
        return Response()

    await impersonation(modes.of(modes.DEFAULT))(end)(request)
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
    with pytest.raises(Forbidden) as caught:
        await _become(make_request, {"Impersonate-User": "bob"}, JANE)
    assert caught.value.message == (
        'users "bob" is forbidden: User "jane" cannot impersonate resource "users" in API group "" at the cluster scope'
    )


async def test_group_without_user_is_a_bad_request(make_request: Callable[..., Request]) -> None:
    with pytest.raises(BadRequest) as caught:
        await _become(make_request, {"Impersonate-Group": "g"})
    assert caught.value.message == "requested [{Group  g    }] without impersonating a user"
