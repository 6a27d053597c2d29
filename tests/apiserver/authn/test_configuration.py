"""What an AuthenticationConfiguration may say. Source: pkg/apis/apiserver/validation/validation_test.go."""

from __future__ import annotations

import pytest

from kubepy.apiserver.authn import configuration
from kubepy.apiserver.authn.configuration import Unusable

GOOD = """
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
anonymous: {enabled: true, conditions: [{path: /livez}]}
jwt:
- issuer: {url: https://issuer, audiences: [a, b], audienceMatchPolicy: MatchAny}
  claimMappings:
    username: {expression: "'x:' + claims.sub"}
    groups: {claim: groups, prefix: "oidc:"}
    extra: [{key: example.org/foo, valueExpression: claims.foo}]
  claimValidationRules:
  - {claim: hd, requiredValue: example.com}
  - {expression: "claims.exp - claims.nbf <= 86400.0", message: too long}
  userValidationRules: [{expression: "!user.username.startsWith('system:')", message: reserved}]
"""


def test_a_whole_one() -> None:
    found = configuration.load(GOOD)
    (issuer,) = found.issuers
    assert (issuer.url, issuer.audiences) == ("https://issuer", ("a", "b"))
    assert issuer.required_claims == (("hd", "example.com"),)
    assert [rule.message for rule in (*issuer.claim_rules, *issuer.user_rules)] == ["too long", "reserved"]
    assert found.anonymous is not None
    assert found.anonymous.admits("/livez") and not found.anonymous.admits("/api")


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("AuthenticationConfiguration", "Other", 'no kind "Other" is registered for version'),
        ("audiences: [a, b]", "audience: [a]", 'unknown field "jwt[0].issuer.audience"'),
        (
            "https://issuer",
            "http://issuer",
            'jwt[0].issuer.url: Invalid value: "http://issuer": URL scheme must be',
        ),
        ("https://issuer", "https://own", "URL must not overlap with disallowed issuers: [https://own]"),
        ("https://issuer", "https://a:b@issuer", "URL must not contain a username or password"),
        ("[a, b]", "[a, a]", 'jwt[0].issuer.audiences[1]: Duplicate value: "a"'),
        (
            ", audienceMatchPolicy: MatchAny",
            "",
            "audienceMatchPolicy must be MatchAny for multiple audiences",
        ),
        (
            ', prefix: "oidc:"',
            "",
            "jwt[0].claimMappings.groups.prefix: Required value: prefix is required when claim",
        ),
        (
            "expression: \"'x:' + claims.sub\"",
            "prefix: a",
            "claimMappings.username: Required value: claim or expression",
        ),
        ("example.org/foo", "kubernetes.io/foo", "are reserved for Kubernetes use"),
        ("example.org/foo", "example.org/Foo", "must be lowercase"),
        ("example.org/foo", "foo", "must be a domain-prefixed path"),
        ("claims.exp - claims.nbf <= 86400.0", "claims.exp +", "compilation failed: ERROR: <input>:1:"),
        ("claims.exp - claims.nbf <= 86400.0", "'x'", "must evaluate to bool"),
        ("!user.username", "!user.name", "undefined field 'name'"),
        ("claims.sub", "claims.email", "claims.email_verified must be used in"),
        ("enabled: true", "enabled: false", "enabled should be set to true when conditions are defined"),
    ],
)
def test_what_is_refused(old: str, new: str, why: str) -> None:
    assert old in GOOD
    with pytest.raises(Unusable) as caught:
        configuration.load(GOOD.replace(old, new), disallowed_issuers=["https://own"])
    assert why in str(caught.value)
