"""Source: plugin/pkg/authenticator/token/oidc/oidc_test.go."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from kubepy.api.errors import NotFound, Unauthorized
from kubepy.api.objects import Obj
from kubepy.apiserver.authn import configuration
from kubepy.apiserver.authn.configuration import Issuer
from kubepy.apiserver.authn.oidc import OidcTokens, Refused, user_of
from kubepy.lib.clock import VirtualClock
from kubepy.observability.metrics import Metrics

URL = "https://issuer.example.com"


def issuer(mappings: str = 'username: {claim: sub, prefix: ""}', rest: str = "") -> Issuer:
    text = f"""
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer: {{url: {URL}, audiences: [my-client]}}
  claimMappings:
    {mappings}
  {rest}
"""
    return configuration.load(text).issuers[0]


NAME = 'username: {claim: sub, prefix: "o:"}'


@pytest.mark.parametrize(
    ("mappings", "claims", "expected"),
    [
        (NAME, {"sub": "jane"}, ("o:jane", [], "", {})),
        (
            NAME,
            {"sub": "jane", "jti": "1"},
            ("o:jane", [], "", {"authentication.kubernetes.io/credential-id": ["JTI=1"]}),
        ),
        (
            'username: {claim: email, prefix: ""}',
            {"email": "j@x", "email_verified": True},
            ("j@x", [], "", {}),
        ),
        (
            NAME + '\n    groups: {claim: g, prefix: "g:"}',
            {"sub": "j", "g": ["a", "b"]},
            ("o:j", ["g:a", "g:b"], "", {}),
        ),
        (NAME + '\n    groups: {claim: g, prefix: ""}', {"sub": "j", "g": "a"}, ("o:j", ["a"], "", {})),
        (
            NAME + "\n    groups: {expression: 'claims.roles.split(\",\")'}",
            {"sub": "j", "roles": "a,,b"},
            ("o:j", ["a", "b"], "", {}),
        ),
        (NAME + "\n    uid: {claim: id}", {"sub": "j", "id": "7"}, ("o:j", [], "7", {})),
        (
            NAME
            + "\n    extra: [{key: a.io/b, valueExpression: claims.x}, {key: a.io/c, valueExpression: '\"\"'}]",
            {"sub": "j", "x": ["1", ""]},
            ("o:j", [], "", {"a.io/b": ["1"]}),
        ),
        (
            "username: {expression: 'claims.n.sub + string(type(claims.i) == double)'}",
            {"n": {"sub": "j"}, "i": 1},
            ("jtrue", [], "", {}),
        ),
    ],
)
def test_claims_become_a_user(mappings: str, claims: Obj, expected: Any) -> None:
    user = user_of(issuer(mappings), claims)
    name, groups, uid, extra = expected
    assert (user.name, user.groups, user.uid, user.extra) == (
        name,
        (*groups, "system:authenticated"),
        uid,
        extra,
    )


@pytest.mark.parametrize(
    ("mappings", "rest", "claims", "why"),
    [
        (NAME, "", {}, 'parse username claims "sub": claim not present'),
        (
            'username: {claim: email, prefix: ""}',
            "",
            {"email": "j@x", "email_verified": False},
            "email not verified",
        ),
        (NAME + '\n    groups: {claim: g, prefix: ""}', "", {"sub": "j", "g": [1]}, 'parse groups claim "g"'),
        (
            "username: {expression: claims.sub}",
            "",
            {"sub": ""},
            "empty username via CEL expression is not allowed",
        ),
        (
            "username: {expression: claims.sub}",
            "",
            {"sub": 1},
            "username claim expression must return a string",
        ),
        (
            "username: {expression: claims.sub}",
            "",
            {},
            "error evaluating username claim expression: no such key: sub",
        ),
        (
            NAME,
            "claimValidationRules: [{claim: hd, requiredValue: x}]",
            {"sub": "j"},
            "required claim hd not present in ID token",
        ),
        (
            NAME,
            "claimValidationRules: [{claim: hd, requiredValue: x}]",
            {"sub": "j", "hd": "y"},
            "Got = y, want = x",
        ),
        (
            NAME,
            "claimValidationRules: [{expression: claims.exp < 5.0, message: too long}]",
            {"sub": "j", "exp": 7},
            "validation expression 'claims.exp < 5.0' failed: too long",
        ),
        (
            'username: {claim: sub, prefix: ""}',
            "userValidationRules: [{expression: \"!user.username.startsWith('system:')\", message: reserved}]",
            {"sub": "system:admin"},
            "failed: reserved",
        ),
    ],
)
def test_claims_that_make_no_user(mappings: str, rest: str, claims: Obj, why: str) -> None:
    with pytest.raises(Refused) as caught:
        user_of(issuer(mappings, rest), claims)
    assert why in str(caught.value)


class Provider:
    """An issuer's two documents, and what it signs."""

    def __init__(self) -> None:
        self.keys = [ECKey.generate_key("P-256", {"kid": "1"})]
        self.fetched: list[str] = []
        self.is_there = True

    async def fetch(self, url: str) -> Obj:
        self.fetched.append(url)
        if not self.is_there:
            raise NotFound("gone")
        if url.endswith("openid-configuration"):
            return {"issuer": URL, "jwks_uri": f"{URL}/keys"}
        return {"keys": [key.as_dict(private=False) for key in self.keys]}

    def token(self, clock: VirtualClock, **claims: Any) -> str:
        usual = {"iss": URL, "aud": "my-client", "sub": "jane", "exp": int(clock.now()) + 100}
        key = self.keys[-1]
        return jwt.encode({"alg": "ES256", "kid": key.kid}, usual | claims, key)


async def test_keys_are_fetched_once_and_again_when_the_issuer_has_new_ones(clock: VirtualClock) -> None:
    provider = Provider()
    tokens = OidcTokens(issuer(), fetch=provider.fetch, clock=clock)
    for _ in range(2):
        verdict = await tokens.review(provider.token(clock))
        assert verdict is not None and verdict.user.name == "jane"
    assert provider.fetched == [f"{URL}/.well-known/openid-configuration", f"{URL}/keys"]
    provider.keys.append(ECKey.generate_key("P-256", {"kid": "2"}))
    assert await tokens.review(provider.token(clock)) is not None
    assert provider.fetched[2:] == [f"{URL}/keys"]


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"exp": 1}, "oidc: verify token: oidc: token is expired"),
        ({"aud": "other"}, 'oidc: expected audience in \\["my-client"\\] got \\["other"\\]'),
        ({"nbf": 1 << 40, "exp": 1 << 41}, "before the nbf"),
        ({"sub": 7}, 'oidc: parse username claims "sub"'),
    ],
)
async def test_a_signed_token_is_not_yet_a_good_one(clock: VirtualClock, claims: Obj, why: str) -> None:
    provider = Provider()
    with pytest.raises(Unauthorized, match=why):
        await OidcTokens(issuer(), fetch=provider.fetch, clock=clock).review(provider.token(clock, **claims))


async def test_how_long_it_took_is_measured_where_nothing_was_known(clock: VirtualClock) -> None:
    provider, metrics = Provider(), Metrics()
    tokens = OidcTokens(issuer(), fetch=provider.fetch, clock=clock, metrics=metrics)
    token = provider.token(clock)
    for _ in range(2):
        await tokens.review(token)
    with pytest.raises(Unauthorized):
        await tokens.review(provider.token(clock, exp=1))
    assert await tokens.review("a.b.c") is None
    hashed = f"sha256:{hashlib.sha256(URL.encode()).hexdigest()}"
    for result in ("success", "failure"):
        name = "apiserver_authentication_jwt_authenticator_latency_seconds_count"
        labels = {"result": result, "jwt_issuer_hash": hashed}
        assert metrics.registry.get_sample_value(name, labels) == 1.0, result


async def test_a_forged_token_and_one_of_another_issuer(clock: VirtualClock) -> None:
    provider, other = Provider(), Provider()
    tokens = OidcTokens(issuer(), fetch=provider.fetch, clock=clock)
    with pytest.raises(Unauthorized, match="failed to verify signature"):
        await tokens.review(other.token(clock))
    assert await tokens.review(provider.token(clock, iss="https://other")) is None
    assert await tokens.review("abc") is None


async def test_an_issuer_that_is_away_is_asked_again_after_ten_seconds(clock: VirtualClock) -> None:
    provider = Provider()
    provider.is_there = False
    tokens = OidcTokens(issuer(), fetch=provider.fetch, clock=clock)
    for _ in range(2):
        with pytest.raises(Unauthorized, match="authenticator not initialized"):
            await tokens.review(provider.token(clock))
    assert len(provider.fetched) == 1
    provider.is_there = True
    await clock.advance(11)
    assert await tokens.review(provider.token(clock)) is not None


# -- claims that are elsewhere -----------------------------------------------------------------------------------------

_ELSEWHERE: Obj = {
    "_claim_names": {"groups": "src"},
    "_claim_sources": {"src": {"endpoint": f"{URL}/groups", "access_token": "secret"}},
}
_GROUPS = 'username: {claim: sub, prefix: ""}\n    groups: {claim: groups, prefix: "g:"}'


def _with_groups(
    provider: Provider, clock: VirtualClock, there: Any
) -> tuple[OidcTokens, list[tuple[str, str]]]:
    """`there` is what the endpoint has: a token, or an error."""
    asked: list[tuple[str, str]] = []

    async def read(url: str, token: str) -> str:
        asked.append((url, token))
        if isinstance(there, Exception):
            raise there
        return str(there)

    return OidcTokens(issuer(_GROUPS), fetch=provider.fetch, clock=clock, read=read), asked


async def test_groups_may_be_elsewhere(clock: VirtualClock) -> None:
    provider = Provider()
    tokens, asked = _with_groups(provider, clock, provider.token(clock, groups=["a", "b"]))
    verdict = await tokens.review(provider.token(clock, **_ELSEWHERE))
    assert verdict is not None and verdict.user.groups == ("g:a", "g:b", "system:authenticated")
    assert asked == [(f"{URL}/groups", "secret")]
    verdict = await tokens.review(provider.token(clock, groups=["here"], **_ELSEWHERE))
    assert verdict is not None and verdict.user.groups == ("g:here", "system:authenticated")
    assert len(asked) == 1, "those that are here are not looked for"


@pytest.mark.parametrize(
    ("claims", "groups"),
    [
        ({"_claim_names": {"other": "src"}, "_claim_sources": {"src": {"endpoint": f"{URL}/x"}}}, ()),
        ({"_claim_names": {"groups": "src"}, "_claim_sources": {"src": {"JWT": "aggregated"}}}, ()),
        ({}, ()),
    ],
)
async def test_groups_that_are_nowhere(clock: VirtualClock, claims: Obj, groups: tuple[str, ...]) -> None:
    provider = Provider()
    tokens, asked = _with_groups(provider, clock, "")
    verdict = await tokens.review(provider.token(clock, **claims))
    assert verdict is not None and verdict.user.groups == (*groups, "system:authenticated")
    assert not asked


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"_claim_names": []}, "error parsing distributed claim names"),
        ({"_claim_names": {"groups": "src"}}, "no claim sources"),
        ({"_claim_names": {"groups": "src"}, "_claim_sources": 5}, "could not parse claim sources"),
        ({"_claim_names": {"groups": "src"}, "_claim_sources": {}}, "contained a source src missing in"),
        (
            {
                "_claim_names": {"groups": "src"},
                "_claim_sources": {"src": {"endpoint": "http://169.254.169.254/"}},
            },
            "is not https",
        ),
    ],
)
async def test_sources_that_are_none(clock: VirtualClock, claims: Obj, why: str) -> None:
    provider = Provider()
    tokens, asked = _with_groups(provider, clock, "")
    with pytest.raises(Unauthorized, match=f"could not expand distributed claims: .*{why}"):
        await tokens.review(provider.token(clock, **claims))
    assert not asked


@pytest.mark.parametrize("trick", ["forged", "expired", "other audience", "no groups", "no token", "away"])
async def test_what_is_elsewhere_is_verified_as_well(clock: VirtualClock, trick: str) -> None:
    provider = Provider()
    there: Any = {
        "forged": lambda: Provider().token(clock, groups=["system:masters"]),
        "expired": lambda: provider.token(clock, groups=["a"], exp=1),
        "other audience": lambda: provider.token(clock, groups=["a"], aud="other"),
        "no groups": lambda: provider.token(clock),
        "no token": lambda: "<html>",
        "away": lambda: NotFound("gone"),
    }[trick]()
    tokens, _ = _with_groups(provider, clock, there)
    with pytest.raises(Unauthorized, match="could not expand distributed claims"):
        await tokens.review(provider.token(clock, **_ELSEWHERE))
