"""Tokens of OpenID Connect issuers: verified with the issuer's keys, mapped to a user by claims or CEL.

The issuer's configuration is fetched when its first token comes, and again ten seconds after a failure; its keys then,
and when a token names one that is not known (the issuer rotated). One fetch at a time, whoever waits for it.

A verdict stands for ten seconds, as upstream's token cache has it. The claim of groups may be elsewhere
(distributed_claims.py).

Source: apiserver plugin/pkg/authenticator/token/oidc/oidc.go, coreos/go-oidc {oidc,verify,jwks}.go.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import orjson

from kubepy.api import cel
from kubepy.api.errors import StatusError, Unauthorized
from kubepy.api.objects import Obj
from kubepy.apiserver.authn import Verdict, authenticated, distributed_claims
from kubepy.apiserver.authn.configuration import Issuer, Mapping, Rule
from kubepy.apiserver.authn.distributed_claims import Read, Unresolved
from kubepy.apiserver.authn.x509 import CREDENTIAL_ID
from kubepy.apiserver.request import User
from kubepy.client.transport import ConnectionLost
from kubepy.lib.clock import Clock, rfc3339
from kubepy.observability.metrics import Histogram, Metrics

CONFIGURATION = "/.well-known/openid-configuration"
ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512")

# Source: oidc.go, wait.PollUntilContextCancel around the provider; verify.go, leeway of nbf.
RETRY_S, NOT_BEFORE_LEEWAY_S = 10.0, 300.0
# Source: options/authentication.go, TokenSuccessCacheTTL.
VERDICT_S = 10.0
VERDICTS_MAX = 10_000
OTHERS_MAX = 64

# A URL -> the JSON that is there. Raises StatusError, ConnectionLost. It trusts the issuer's CA.
Fetch = Callable[[str], Awaitable[Obj]]


_RESULTS = _SUCCESS, _FAILURE = "success", "failure"
_BUCKETS_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def _latency(metrics: Metrics, result: str, issuer: str) -> Histogram:
    """Source: oidc/metrics.go; what is told of the keys there is not."""
    hashed = f"sha256:{hashlib.sha256(issuer.encode()).hexdigest()}"
    return metrics.histogram(
        "apiserver_authentication_jwt_authenticator_latency_seconds",
        "Latency of jwt authentication operations in seconds. This is the time spent authenticating a token for cache "
        "miss only (i.e. when the token is not found in the cache).",
        ("result", "jwt_issuer_hash"),
        _BUCKETS_S,
    ).labels(result, hashed)


class Issuers:
    """A TokenAuthenticator (tokens.py) for all of them: a token is for the one that it names."""

    def __init__(self, issuers: Sequence[OidcTokens]) -> None:
        self._issuers = tuple(issuers)

    def replace(self, issuers: Sequence[OidcTokens]) -> None:
        """From the next token on."""
        self._issuers = tuple(issuers)

    async def review(self, token: str, audiences: Sequence[str] = ()) -> Verdict | None:
        for issuer in self._issuers:
            if (verdict := await issuer.review(token, audiences)) is not None:
                return verdict
        return None


class OidcTokens:
    """A TokenAuthenticator (tokens.py) for one issuer. Raises ValueError for an algorithm that nobody knows."""

    def __init__(
        self, issuer: Issuer, *, fetch: Fetch, clock: Clock, algorithms: Sequence[str] = ALGORITHMS,
        read: Read | None = None, metrics: Metrics | None = None,
    ) -> None:  # fmt: skip
        """`read` gets claims that are elsewhere; without it they are none."""
        if unknown := [name for name in algorithms if name not in ALGORITHMS]:
            raise ValueError(f'oidc: unsupported signing alg: "{unknown[0]}"')
        self._issuer, self._clock, self._read = issuer, clock, read
        self._fetch, self._algorithms = fetch, algorithms
        self._keys = _IssuersKeys(issuer.url, issuer.discovery_url, fetch, clock, algorithms)
        self._others: dict[str, _IssuersKeys] = {}  # issuers of claims that are elsewhere
        self._verdicts: dict[str, tuple[float, Verdict]] = {}
        self._took = {result: _latency(metrics or Metrics(), result, issuer.url) for result in _RESULTS}

    async def discover(self) -> None:
        """Raises Unauthorized if the issuer is not there, or somebody else."""
        await self._keys.discover()

    async def review(self, token: str, audiences: Sequence[str] = ()) -> Verdict | None:
        now = self._clock.now()
        until, verdict = self._verdicts.get(token, (0.0, None))
        if verdict is not None and now < until:
            return verdict
        if unverified_issuer(token) != self._issuer.url:
            return None
        began, result = self._clock.monotonic(), _FAILURE
        try:
            user, expires = await self._user(token)
            result = _SUCCESS
        finally:
            self._took[result].observe(self._clock.monotonic() - began)
        verdict = Verdict(user)
        if len(self._verdicts) >= VERDICTS_MAX:
            self._verdicts.clear()
        self._verdicts[token] = (min(now + VERDICT_S, expires), verdict)
        return verdict

    async def _user(self, token: str) -> tuple[User, float]:
        """Whose it is, and until when."""
        claims = await self._claims(self._keys, token)
        if self._read is not None and (claim := self._issuer.groups.claim):
            try:
                claims = await distributed_claims.expand(claims, claim, self._read, self._verified_elsewhere)
            except Unresolved as error:
                raise Unauthorized(f"oidc: could not expand distributed claims: {error}") from error
        try:
            return user_of(self._issuer, claims), float(claims["exp"])
        except (Refused, cel.CelError) as error:
            raise Unauthorized(f"oidc: {error}") from error

    async def _verified_elsewhere(self, token: str) -> Obj:
        url = unverified_issuer(token)
        if not url:
            raise Unauthorized("getting untrusted issuer failed")
        keys = self._keys if url == self._issuer.url else self._others.get(url)
        if keys is None:
            if len(self._others) >= OTHERS_MAX:
                self._others.clear()
            keys = self._others[url] = _IssuersKeys(url, "", self._fetch, self._clock, self._algorithms)
        return await self._claims(keys, token)

    async def _claims(self, keys: _IssuersKeys, token: str) -> Obj:
        claims, now = await keys.verified(token), self._clock.now()
        expires, begins = claims.get("exp"), claims.get("nbf")
        if not isinstance(expires, int | float) or expires < now:
            raise Unauthorized(f"oidc: verify token: oidc: token is expired (Token Expiry: {_time(expires)})")
        if isinstance(begins, int | float) and now + NOT_BEFORE_LEEWAY_S < begins:
            raise Unauthorized(
                f"oidc: verify token: oidc: current time {rfc3339(now)} before the nbf (not before) time: "
                f"{_time(begins)}"
            )
        given = claims.get("aud") or []
        given = [given] if isinstance(given, str) else given
        if not set(given) & set(self._issuer.audiences):
            raise Unauthorized(
                f"oidc: verify token: oidc: expected audience in {_go(sorted(self._issuer.audiences))} "
                f"got {_go(given)}"
            )
        return claims


class _IssuersKeys:
    """`discovery`: where its configuration is, "": where it belongs."""

    def __init__(
        self, url: str, discovery: str, fetch: Fetch, clock: Clock, algorithms: Sequence[str]
    ) -> None:
        self._url, self._discovery, self._fetch, self._clock = url, discovery, fetch, clock
        self._algorithms = list(algorithms)
        self._where = ""  # the address of the keys
        self._set: Any = None
        self._failed_at: float | None = None
        self._one = asyncio.Lock()

    async def discover(self) -> None:
        async with self._one:
            if not self._where:
                await self._load()

    async def verified(self, token: str) -> Obj:
        """The claims of a token whose signature is good. Raises Unauthorized."""
        known = self._set
        try:
            return self._decode(token, known)
        except Unauthorized:
            # The issuer may have new keys; who waited for the lock sees those that were fetched meanwhile.
            async with self._one:
                if self._set is known:
                    await self._load()
        return self._decode(token, self._set)

    def _decode(self, token: str, keys: Any) -> Obj:
        if keys is None:
            raise Unauthorized("oidc: authenticator not initialized")
        from joserfc import jwt
        from joserfc.errors import JoseError

        try:
            return jwt.decode(token, keys, algorithms=self._algorithms).claims
        except (JoseError, ValueError) as error:
            raise Unauthorized("oidc: verify token: failed to verify signature") from error

    async def _load(self) -> None:
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        now = self._clock.now()
        if self._failed_at is not None and now - self._failed_at < RETRY_S:
            raise Unauthorized("oidc: authenticator not initialized")
        try:
            if not self._where:
                self._where = await self._discover()
            found = await self._fetch(self._where)
            # Keys for other purposes, and of kinds nobody here knows, are no reason to do without the rest.
            usable = [key for key in found.get("keys") or () if key.get("kty") in ("RSA", "EC")]
            self._set = KeySet.import_key_set({"keys": usable})
        except (StatusError, ConnectionLost, JoseError, ValueError, TypeError) as error:
            self._failed_at = now
            raise Unauthorized(f"oidc: authenticator not initialized: {error}") from error
        self._failed_at = None

    async def _discover(self) -> str:
        url = self._url
        found = await self._fetch(self._discovery or url.rstrip("/") + CONFIGURATION)
        if found.get("issuer") != url:
            raise ValueError(
                f'oidc: issuer did not match the issuer returned by provider, expected "{url}" got '
                f'"{found.get("issuer")}"'
            )
        where = found.get("jwks_uri") or ""
        if urlsplit(where).scheme != "https":
            raise ValueError(f'jwks_uri "{where}" is not https')
        return where


# -- claims to user ------------------------------------------------------------------------------------------------


class Refused(Exception):
    """The claims do not make a user, or not one who may in."""


def user_of(issuer: Issuer, claims: Obj) -> User:
    """Raises Refused. Source: jwtAuthenticator.AuthenticateToken."""
    # Go reads every number of JSON as a double, and so does CEL.
    variables = {"claims": _doubles(claims)}
    name = _username(issuer.username, claims, variables)
    groups = _groups(issuer.groups, claims, variables)
    user = authenticated(name, groups, _uid(issuer.uid, claims, variables))
    if isinstance(claims.get("jti"), str) and claims["jti"]:
        user.extra[CREDENTIAL_ID] = [f"JTI={claims['jti']}"]
    for key, program in issuer.extra:
        if values := _strings(_value(program, variables, "extra"), "extra"):
            user.extra[key] = values
    for claim, wanted in issuer.required_claims:
        if claim not in claims:
            raise Refused(f"required claim {claim} not present in ID token")
        if claims[claim] != wanted:
            raise Refused(
                f"required claim {claim} value does not match. Got = {claims[claim]}, want = {wanted}"
            )
    _check(issuer.claim_rules, variables, "claim validation expression")
    # Rules see the groups that the issuer gave, not those that every user has.
    seen = {"username": user.name, "uid": user.uid, "groups": groups, "extra": user.extra}
    _check(issuer.user_rules, {"user": seen}, "user info validation rule")
    return user


def _username(mapping: Mapping, claims: Obj, variables: Obj) -> str:
    if mapping.expression is not None:
        name = _value(mapping.expression, variables, "username")
        if not isinstance(name, str):
            raise Refused(
                "error evaluating username claim expression: username claim expression must return a string"
            )
        if not name:
            raise Refused("empty username via CEL expression is not allowed")
        return name
    name = claims.get(mapping.claim)
    if not isinstance(name, str):
        why = "claim not present" if mapping.claim not in claims else "not a string"
        raise Refused(f'parse username claims "{mapping.claim}": {why}')
    if mapping.claim == "email" and claims.get("email_verified", True) is not True:
        raise Refused("email not verified")
    return mapping.prefix + name


def _groups(mapping: Mapping, claims: Obj, variables: Obj) -> list[str]:
    if mapping.expression is not None:
        return _strings(_value(mapping.expression, variables, "group"), "group")
    if not mapping.claim or mapping.claim not in claims:
        return []
    found = claims[mapping.claim]
    groups = [found] if isinstance(found, str) else found
    if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
        raise Refused(f'parse groups claim "{mapping.claim}": not a string or a list of strings')
    return [mapping.prefix + group for group in groups]


def _uid(mapping: Mapping, claims: Obj, variables: Obj) -> str:
    if mapping.expression is not None:
        uid = _value(mapping.expression, variables, "uid")
        if not isinstance(uid, str):
            raise Refused("error evaluating uid claim expression: uid claim expression must return a string")
        return uid
    if not mapping.claim:
        return ""
    uid = claims.get(mapping.claim)
    if not isinstance(uid, str):
        why = "claim not present" if mapping.claim not in claims else "not a string"
        raise Refused(f'parse uid claim "{mapping.claim}": {why}')
    return uid


def _check(rules: Sequence[Rule], variables: Obj, what: str) -> None:
    for rule in rules:
        try:
            holds = rule.expression.evaluate(variables)
        except cel.CelError as error:
            raise Refused(f"error evaluating {what}: {error}") from error
        if holds is not True:
            raise Refused(
                f"error evaluating {what}: validation expression '{rule.expression.source}' failed: {rule.message}"
            )


def _value(program: cel.Program, variables: Obj, what: str) -> Any:
    try:
        return program.evaluate(variables)
    except cel.CelError as error:
        raise Refused(f"error evaluating {what} claim expression: {error}") from error


def _strings(value: Any, what: str) -> list[str]:
    """ "" and null are nothing. Source: convertCELValueToStringList."""
    if value is None or value == "":
        return []
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list | tuple) or not all(isinstance(each, str) for each in found):
        why = "expression must return a string or a list of strings"
        raise Refused(f"error evaluating {what} claim expression: {why}")
    return [each for each in found if each]


def _doubles(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _doubles(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_doubles(each) for each in value]
    return float(value) if type(value) is int else value


def unverified_issuer(token: str) -> str:
    """Trusted for nothing. Source: untrustedIssuer."""
    parts = token.split(".")
    if len(parts) != 3:
        return ""
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return ""
    issuer = claims.get("iss") if isinstance(claims, dict) else ""
    return "https://accounts.google.com" if issuer == "accounts.google.com" else str(issuer or "")


def _time(value: Any) -> str:
    """A claim is whatever the issuer wrote; not every number is a year."""
    try:
        return rfc3339(float(value))
    except (ValueError, TypeError, OverflowError):
        return str(value)


def _go(words: Sequence[str]) -> str:
    return "[" + " ".join(orjson.dumps(str(word)).decode() for word in words) + "]"
