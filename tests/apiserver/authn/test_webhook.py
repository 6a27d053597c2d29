"""Source: plugin/pkg/authenticator/token/webhook/webhook_v1_test.go."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kubepy.api.errors import Forbidden, Unauthorized
from kubepy.api.objects import Obj
from kubepy.apiserver.authn.webhook import WebhookTokens
from kubepy.client.transport import ConnectionLost, Reply
from kubepy.lib.clock import VirtualClock
from kubepy.lib.random import Random


class Service:
    """Answers in order, the last one for ever; an exception is raised."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked = list(answers), list[Obj]()

    async def request(self, method: str, path: str, *, body: Any = None, **more: Any) -> Reply:
        self.asked.append(body)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return Reply(201, {"kind": "TokenReview", "status": answer}, {})


def tokens(service: Any, clock: VirtualClock, cache_s: float = 120.0) -> WebhookTokens:
    return WebhookTokens(
        service, version="v1", audiences=["api"], cache_s=cache_s, clock=clock, random=Random(1)
    )


GOOD = {
    "authenticated": True,
    "user": {"username": "jane", "uid": "1", "groups": ["g"], "extra": {"a": ["b"]}},
}


async def test_who_it_is_and_for_what(clock: VirtualClock) -> None:
    service = Service(GOOD)
    verdict = await tokens(service, clock).review("t")
    assert verdict is not None
    user = verdict.user
    assert (user.name, user.uid, user.groups, user.extra) == (
        "jane",
        "1",
        ("g", "system:authenticated"),
        {"a": ["b"]},
    )
    assert service.asked[0]["apiVersion"] == "authentication.k8s.io/v1"
    assert service.asked[0]["spec"] == {"token": "t", "audiences": ["api"]}


@pytest.mark.parametrize(
    ("status", "wanted", "good"),
    [
        (GOOD, (), ["api"]),
        (GOOD, ("other",), None),
        (GOOD | {"audiences": ["other"]}, ("other", "more"), ["other"]),
        (GOOD | {"audiences": ["other"]}, (), None),
        ({"authenticated": False}, (), None),
    ],
)
async def test_audiences(clock: VirtualClock, status: Obj, wanted: Any, good: Any) -> None:
    verdict = await tokens(Service(status), clock).review("t", wanted)
    assert (list(verdict.audiences) if verdict is not None else None) == good


async def test_an_answer_is_believed_for_a_while(clock: VirtualClock) -> None:
    service = Service({"authenticated": False, "error": "who?"}, GOOD)
    subject = tokens(service, clock)
    for _ in range(2):
        with pytest.raises(Unauthorized, match="who"):
            await subject.review("t")
    assert len(service.asked) == 1
    await clock.advance(121)
    assert await subject.review("t") is not None


@pytest.mark.parametrize(("failure", "times"), [(ConnectionLost("gone"), 5), (Forbidden("no"), 1)])
async def test_what_may_pass_is_tried_again_and_never_remembered(
    clock: VirtualClock, failure: Exception, times: int
) -> None:
    service = Service(failure)
    subject = tokens(service, clock)
    for round_ in (1, 2):
        task = asyncio.ensure_future(subject.review("t"))
        await clock.advance(30)
        with pytest.raises(Unauthorized):
            await task
        assert len(service.asked) == times * round_
