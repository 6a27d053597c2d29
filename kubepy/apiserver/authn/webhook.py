"""Bearer tokens reviewed by a service: it is sent a TokenReview, and answers one.

What it answers, yes or no, is believed for a while; that it could not be asked is not. A request that fails for
reasons that pass (a lost connection, 5xx, 429) is tried five times.

Source: apiserver plugin/pkg/authenticator/token/webhook/webhook.go, pkg/util/webhook/webhook.go,
pkg/server/options/authentication.go DefaultAuthWebhookRetryBackoff.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kubepy.api.errors import StatusError, Unauthorized
from kubepy.api.objects import Obj
from kubepy.apiserver.authn import ALL_AUTHENTICATED, Verdict
from kubepy.apiserver.request import User
from kubepy.client.transport import ConnectionLost, Transport
from kubepy.lib.clock import Clock
from kubepy.lib.random import Random

ATTEMPTS, RETRY_S, RETRY_FACTOR, RETRY_JITTER = 5, 0.5, 1.5, 0.2
# Source: options/authentication.go, TokenRequestTimeout.
TIMEOUT_S = 10.0
ANSWERS_MAX = 10_000


class WebhookTokens:
    """A TokenAuthenticator (tokens.py). `transport` leads to the service; `audiences` are this API server's."""

    def __init__(
        self,
        transport: Transport,
        *,
        version: str,
        audiences: Sequence[str],
        cache_s: float,
        clock: Clock,
        random: Random,
    ) -> None:
        self._transport, self._version = transport, version
        self._clock, self._random = clock, random
        self._audiences = tuple(audiences)
        self._cache_s = cache_s
        self._answers: dict[tuple[str, tuple[str, ...]], tuple[float, Obj]] = {}

    async def close(self) -> None:
        await self._transport.close()

    async def review(self, token: str, audiences: Sequence[str] = ()) -> Verdict | None:
        wanted = tuple(audiences) or self._audiences
        status = await self._status(token, wanted)
        good = [audience for audience in wanted if audience in (status.get("audiences") or self._audiences)]
        if not good:
            return None
        if not status.get("authenticated"):
            if status.get("error"):
                raise Unauthorized(str(status["error"]))
            return None
        return Verdict(_user(status.get("user") or {}), good)

    async def _status(self, token: str, audiences: tuple[str, ...]) -> Obj:
        key, now = (token, audiences), self._clock.now()
        until, status = self._answers.get(key, (0.0, {}))
        if now < until:
            return status
        status = await self._ask(token, audiences)
        if self._cache_s:
            if len(self._answers) >= ANSWERS_MAX:
                self._answers.clear()
            self._answers[key] = (now + self._cache_s, status)
        return status

    async def _ask(self, token: str, audiences: tuple[str, ...]) -> Obj:
        review: Obj = {
            "apiVersion": f"authentication.k8s.io/{self._version}",
            "kind": "TokenReview",
            "metadata": {},
            "spec": {"token": token, "audiences": list(audiences)},
        }
        failure: Exception | None = None
        for attempt in range(ATTEMPTS):
            if attempt:
                wait_s = RETRY_S * RETRY_FACTOR ** (attempt - 1)
                await self._clock.sleep(self._random.jitter(wait_s, RETRY_JITTER))
            try:
                answer: Any = (
                    await self._transport.request("POST", "", body=review, timeout_s=TIMEOUT_S)
                ).obj
            except ConnectionLost as error:
                failure = error
            except StatusError as error:
                failure = error
                if error.code < 500 and error.code != 429:
                    break
            else:
                status = answer.get("status") if isinstance(answer, dict) else None
                if isinstance(status, dict):
                    return status
                failure = ValueError("the answer is no TokenReview")
                break
        raise Unauthorized(f"webhook: {failure}") from failure


def _user(info: Obj) -> User:
    groups = tuple(info.get("groups") or ())
    if ALL_AUTHENTICATED not in groups:
        groups = (*groups, ALL_AUTHENTICATED)
    extra = {str(key): [str(value) for value in values] for key, values in (info.get("extra") or {}).items()}
    return User(info.get("username") or "", groups, info.get("uid") or "", extra)
