"""Making service account tokens: JWTs that name an account, and the pod, node or secret they are bound to.

A `Signer` makes them, for TokenRequest and for the token Secrets of old; service_account_verifier.py believes them.

Source: kubernetes pkg/serviceaccount/{claims,legacy,jwt}.go, apiserver pkg/authentication/serviceaccount/util.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from msgspec import Struct

from kubepy.api.objects import Obj
from kubepy.apiserver.authn import ALL_AUTHENTICATED
from kubepy.apiserver.authn.keys import ALGORITHMS, Keys
from kubepy.lib.clock import Clock
from kubepy.lib.random import Random

PREFIX = "system:serviceaccount:"
ALL_GROUP = "system:serviceaccounts"

# The private claims of a bound token, all below one name; those of a Secret's token, each a name of its own.
CLAIM = "kubernetes.io"
LEGACY_ISSUER = "kubernetes/serviceaccount"
LEGACY_NAMESPACE, LEGACY_SECRET, LEGACY_NAME, LEGACY_UID = (
    f"kubernetes.io/serviceaccount/{claim}"
    for claim in ("namespace", "secret.name", "service-account.name", "service-account.uid")
)


def username(namespace: str, name: str) -> str:
    return f"{PREFIX}{namespace}:{name}"


def groups(namespace: str) -> tuple[str, ...]:
    return (ALL_GROUP, f"{ALL_GROUP}:{namespace}", ALL_AUTHENTICATED)


class Token(Struct, frozen=True):
    """What TokenRequest answers: the token and when it ends."""

    text: str
    expires: float  # seconds since the epoch
    jti: str


class Signer:
    """`audiences`: those of this API server, and of a token that asks for none; default its issuer."""

    def __init__(
        self, keys: Keys, *, issuer: str, clock: Clock, random: Random, audiences: Sequence[str] = ()
    ) -> None:
        self._keys = keys
        self.issuer = issuer
        self.audiences = tuple(audiences) or (issuer,)
        self._clock = clock
        self._random = random

    def sign(
        self,
        account: Obj,
        audiences: Sequence[str],
        expiration_s: int,
        *,
        pod: Obj | None = None,
        node: Obj | None = None,
        secret: Obj | None = None,
        warn_after_s: int = 0,
    ) -> Token:
        """A token of `account` for `audiences`; with a pod, the node is only told, not bound to. Use of the token
        later than `warn_after_s` is noticed in the audit log."""
        now = int(self._clock.now())
        jti = self._random.uid()
        bound = {
            kind: _reference(obj)
            for kind, obj in (("pod", pod), ("secret", secret), ("node", node))
            if obj is not None
        }
        metadata = account["metadata"]
        private: Obj = {"namespace": metadata["namespace"], **bound, "serviceaccount": _reference(account)}
        if warn_after_s:
            private["warnafter"] = now + warn_after_s
        claims = {
            "aud": list(audiences),
            "exp": now + expiration_s,
            "iat": now,
            "iss": self.issuer,
            "jti": jti,
            CLAIM: private,
            "nbf": now,
            "sub": username(metadata["namespace"], metadata["name"]),
        }
        return Token(self._encode(claims), float(now + expiration_s), jti)

    def sign_legacy(self, account: Obj, secret: Obj) -> str:
        """The token of a Secret: without an end, good while the Secret holds it."""
        metadata = account["metadata"]
        return self._encode(
            {
                "iss": LEGACY_ISSUER,
                LEGACY_NAMESPACE: metadata["namespace"],
                LEGACY_SECRET: secret["metadata"]["name"],
                LEGACY_NAME: metadata["name"],
                LEGACY_UID: metadata["uid"],
                "sub": username(metadata["namespace"], metadata["name"]),
            }
        )

    def _encode(self, claims: Any) -> str:
        from joserfc import jws

        key = self._keys.signing
        # As upstream's, without a "typ".
        header = {"alg": key.algorithm, "kid": key.id}
        return jws.serialize_compact(header, orjson.dumps(claims), key.jwk, algorithms=list(ALGORITHMS))


def _reference(obj: Obj) -> Obj:
    """A node that is gone has a name only."""
    metadata = obj["metadata"]
    return {field: metadata[field] for field in ("name", "uid") if metadata.get(field)}
