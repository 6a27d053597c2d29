from __future__ import annotations

from collections.abc import Callable

import pytest

from kubepy.api.errors import NotFound
from kubepy.apiserver.authn import authenticated
from kubepy.apiserver.filters.open_watches import open_watches
from kubepy.apiserver.request import Handler, Request, Response, User, WatchResponse

_JANE, _JOE = authenticated("jane", ("devs",)), authenticated("joe", ("devs",))
_ADMIN = User("admin", ("system:masters",))
_WATCH = "/api/v1/watch/pods"

Ask = Callable[[User], Request]


class _Subscription:
    def close(self) -> None:
        pass


@pytest.fixture
def ask(make_request: Callable[..., Request]) -> Ask:
    return lambda user: make_request(_WATCH, user=user)


def _limited(most: int, most_of_user: int) -> Handler:
    async def watch(request: Request) -> Response:
        return WatchResponse(_Subscription(), timeout_s=1.0)  # type: ignore[arg-type]

    return open_watches(most, most_of_user)(watch)


@pytest.mark.parametrize(
    ("most", "most_of_user", "users", "codes"),
    [
        (0, 0, [_JANE] * 3, [200, 200, 200]),
        (2, 0, [_JANE, _JOE, _JANE, _JOE], [200, 200, 429, 429]),
        (0, 2, [_JANE, _JANE, _JANE, _JOE], [200, 200, 429, 200]),
        (3, 2, [_JANE, _JANE, _JOE, _JOE], [200, 200, 200, 429]),
        (1, 1, [_ADMIN] * 3 + [_JANE], [200, 200, 200, 200]),
    ],
)
async def test_so_many_and_no_more(
    most: int, most_of_user: int, users: list[User], codes: list[int], ask: Ask
) -> None:
    handler = _limited(most, most_of_user)
    answers = [await handler(ask(user)) for user in users]
    assert [answer.status for answer in answers] == codes
    assert all((answer.headers or {}).get("Retry-After") == "1" for answer in answers if answer.status == 429)


async def test_one_that_ends_makes_room_once(ask: Ask) -> None:
    handler = _limited(0, 1)
    first = await handler(ask(_JANE))
    assert isinstance(first, WatchResponse)
    assert (await handler(ask(_JANE))).status == 429
    first.subscription.close()
    first.subscription.close()
    assert [(await handler(ask(_JANE))).status for _ in range(2)] == [200, 429]


async def test_one_that_fails_was_none(ask: Ask) -> None:
    async def fail(request: Request) -> Response:
        raise NotFound("no")

    async def answer(request: Request) -> Response:
        return Response(406)

    for inner in (fail, answer):
        handler = open_watches(1, 1)(inner)
        for _ in range(3):
            try:
                assert (await handler(ask(_JANE))).status == 406
            except NotFound:
                pass


async def test_what_is_no_watch_is_not_counted(make_request: Callable[..., Request]) -> None:
    async def answer(request: Request) -> Response:
        return Response()

    handler = open_watches(1, 1)(answer)
    assert [(await handler(make_request("/api/v1/pods", user=_JANE))).status for _ in range(3)] == [200] * 3
