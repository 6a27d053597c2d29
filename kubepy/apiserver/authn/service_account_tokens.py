"""Service account tokens: JWTs that name an account, and the pod, node or secret they are bound to.

A `Signer` makes them (TokenRequest, the kubelet's projected volumes), a `Verifier` believes them while the account and
what they are bound to exist under the same uid. The signature of a token is verified once and remembered until it
expires; that its objects are still there is looked up with every request, so that deleting one ends its tokens now.
(kube-apiserver remembers the whole verdict for ten seconds.)

joserfc and cryptography take 60 ms to import and are so only when the first token is made or seen.
Source: kubernetes pkg/serviceaccount/{claims,jwt}.go, apiserver pkg/authentication/serviceaccount/util.go.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from kubepy.api.errors import Unauthorized
from kubepy.api.objects import Obj
from kubepy.apiserver.authn import ALL_AUTHENTICATED
from kubepy.apiserver.request import User
from kubepy.lib.clock import Clock
from kubepy.lib.random import Random

# Source: go-jose jwt.DefaultLeeway: clocks of issuer and verifier may differ.
LEEWAY_S = 60.0

# Verified tokens kept; a pod has one, so this is as many pods as talk to us.
VERIFIED_MAX = 10_000

ALGORITHMS = ("ES256", "ES384", "ES512", "RS256")

PREFIX = "system:serviceaccount:"
ALL_GROUP = "system:serviceaccounts"

_CLAIM = "kubernetes.io"

# (plural, namespace, name) -> the object, or None if there is none.
Lookup = Callable[[str, str, str], Awaitable[Obj | None]]


def username(namespace: str, name: str) -> str:
    return f"{PREFIX}{namespace}:{name}"


def groups(namespace: str) -> tuple[str, ...]:
    return (ALL_GROUP, f"{ALL_GROUP}:{namespace}", ALL_AUTHENTICATED)


@dataclass(frozen=True, slots=True)
class Token:
    """What TokenRequest answers: the token and when it ends."""

    text: str
    expires: float  # seconds since the epoch
    jti: str


class Keys:
    """The signing key (PEM of a private EC or RSA key), and what verifies with it."""

    def __init__(self, pem: bytes) -> None:
        self._pem = pem
        self._key: Any = None
        self._id = ""

    @property
    def key(self) -> Any:
        if self._key is None:
            from cryptography.hazmat.primitives import serialization
            from joserfc.jwk import ECKey, RSAKey

            is_ec = b"EC PRIVATE KEY" in self._pem
            private = serialization.load_pem_private_key(self._pem, None)
            public = private.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            is_ec = is_ec or hasattr(private, "curve")
            # Source: pkg/serviceaccount/jwt.go keyIDFromPublicKey.
            self._id = base64.urlsafe_b64encode(hashlib.sha256(public).digest()).decode().rstrip("=")
            kind = ECKey if is_ec else RSAKey
            self._key = kind.import_key(self._pem, {"kid": self._id, "use": "sig"})
        return self._key

    @property
    def key_id(self) -> str:
        assert self.key is not None
        return self._id

    @property
    def algorithm(self) -> str:
        """By the kind and size of key."""
        if self.key.key_type == "RSA":
            return "RS256"
        return {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}[self.key.curve_name]

    def public(self) -> Obj:
        """As a JWK, for /openid/v1/jwks."""
        return {**self.key.as_dict(private=False), "kid": self.key_id, "use": "sig", "alg": self.algorithm}


class Signer:
    def __init__(self, keys: Keys, *, issuer: str, clock: Clock, random: Random) -> None:
        self._keys = keys
        self.issuer = issuer
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
    ) -> Token:
        """A token of `account` for `audiences`; with a pod, the node is only told, not bound to."""
        from joserfc import jwt

        now = int(self._clock.now())
        jti = self._random.uid()
        bound = {
            kind: _reference(obj)
            for kind, obj in (("pod", pod), ("secret", secret), ("node", node))
            if obj is not None
        }
        metadata = account["metadata"]
        claims = {
            "aud": list(audiences),
            "exp": now + expiration_s,
            "iat": now,
            "iss": self.issuer,
            "jti": jti,
            _CLAIM: {"namespace": metadata["namespace"], **bound, "serviceaccount": _reference(account)},
            "nbf": now,
            "sub": username(metadata["namespace"], metadata["name"]),
        }
        header = {"alg": self._keys.algorithm, "kid": self._keys.key_id}
        text = jwt.encode(header, claims, self._keys.key, algorithms=list(ALGORITHMS))
        return Token(text, float(now + expiration_s), jti)


def _reference(obj: Obj) -> Obj:
    return {"name": obj["metadata"]["name"], "uid": obj["metadata"]["uid"]}


class Verifier:
    """A TokenAuthenticator (authn/tokens.py). `audiences`: those of this API server, usually its issuer."""

    def __init__(
        self,
        keys: Keys,
        *,
        issuers: Sequence[str],
        audiences: Sequence[str],
        lookup: Lookup,
        clock: Clock,
    ) -> None:
        self._keys = keys
        self._issuers = frozenset(issuers)
        self._audiences = frozenset(audiences)
        self._lookup = lookup
        self._clock = clock
        self._verified: dict[str, Obj] = {}

    async def authenticate_token(self, token: str) -> User | None:
        user, _ = await self.review(token, ())
        return user

    async def review(self, token: str, audiences: Sequence[str]) -> tuple[User | None, list[str]]:
        """TokenReview: the user and those of `audiences` (default: the API server's) the token is good for.

        (None, []) if it is not one of ours. Raises Unauthorized if it is, and bad.
        """
        claims = self._verified.get(token)
        if claims is None:
            claims = self._verify(token)
            if claims is None:
                return None, []
            if len(self._verified) >= VERIFIED_MAX:
                self._verified.clear()
            self._verified[token] = claims
        now = self._clock.now()
        if claims["exp"] + LEEWAY_S < now:
            del self._verified[token]
            raise Unauthorized("service account token has expired")
        if claims.get("nbf", 0) - LEEWAY_S > now:
            raise Unauthorized("service account token is not valid yet")
        wanted = frozenset(audiences) or self._audiences
        own = claims.get("aud") or list(self._audiences)
        good = [audience for audience in ([own] if isinstance(own, str) else own) if audience in wanted]
        if not good:
            raise Unauthorized(f'token audiences "{own}" is invalid for the target audiences')
        return await self._user(claims), good

    def _verify(self, token: str) -> Obj | None:
        if _unverified(token).get("iss") not in self._issuers:
            return None
        from joserfc import jwt
        from joserfc.errors import JoseError

        try:
            claims = jwt.decode(token, self._keys.key, algorithms=list(ALGORITHMS)).claims
        except (JoseError, ValueError) as error:
            raise Unauthorized from error
        if not isinstance(claims.get("exp"), int | float) or not isinstance(claims.get(_CLAIM), dict):
            raise Unauthorized
        return claims

    async def _user(self, claims: Obj) -> User:
        private = claims[_CLAIM]
        namespace, account = private.get("namespace", ""), private.get("serviceaccount") or {}
        await self._still_there("serviceaccounts", namespace, account)
        pod, node, secret = private.get("pod"), private.get("node"), private.get("secret")
        if secret:
            await self._still_there("secrets", namespace, secret)
        if pod:
            await self._still_there("pods", namespace, pod)
        elif node:
            await self._still_there("nodes", "", node)
        extra: dict[str, list[str]] = {}
        for kind, reference in (("pod", pod), ("node", node)):
            if reference:
                extra[f"authentication.kubernetes.io/{kind}-name"] = [reference["name"]]
                extra[f"authentication.kubernetes.io/{kind}-uid"] = [reference["uid"]]
        if jti := claims.get("jti"):
            extra["authentication.kubernetes.io/credential-id"] = [f"JTI={jti}"]
        name = account["name"]
        return User(username(namespace, name), groups(namespace), account["uid"], extra)

    async def _still_there(self, plural: str, namespace: str, reference: Obj) -> None:
        found = await self._lookup(plural, namespace, reference.get("name", ""))
        if found is None or found["metadata"].get("uid") != reference.get("uid"):
            raise Unauthorized("service account token has been invalidated")


def _unverified(token: str) -> Obj:
    """The claims, if this is a JWT at all; trusted for nothing."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}
