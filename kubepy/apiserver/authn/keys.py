"""The keys of service account tokens: one signs, all of them verify.

So a key is rotated: the new one signs, the old one's public half goes on verifying until its last token is over.
A token says by its `kid` which key it is of; one without is tried with each.

joserfc and cryptography take 60 ms to import and are so only when the first token is made or seen.
Source: kubernetes pkg/serviceaccount/jwt.go keyIDFromPublicKey, StaticPublicKeysGetter.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from kubepy.api.objects import Obj

ALGORITHMS = ("ES256", "ES384", "ES512", "RS256")

_BY_CURVE = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}


class UnusableKey(ValueError):
    """The PEM is no key that can sign or verify tokens; the message is one sentence."""


class Key(Struct, frozen=True):
    jwk: Any  # joserfc's ECKey or RSAKey
    id: str
    algorithm: str

    def public(self) -> Obj:
        """As a JWK, for /openid/v1/jwks."""
        return {**self.jwk.as_dict(private=False), "kid": self.id, "use": "sig", "alg": self.algorithm}


class Keys:
    """`signing`: PEM of a private EC or RSA key; `verifying`: PEMs of further keys, private or public."""

    def __init__(self, signing: bytes, verifying: Iterable[bytes] = ()) -> None:
        self._pems = (signing, *verifying)
        self._loaded: tuple[Key, ...] = ()

    @property
    def all(self) -> Sequence[Key]:
        """The signing one first. Raises UnusableKey."""
        if not self._loaded:
            found = {key.id: key for key in map(_load, self._pems)}
            self._loaded = tuple(found.values())
        return self._loaded

    @property
    def signing(self) -> Key:
        return self.all[0]

    @property
    def algorithms(self) -> list[str]:
        return sorted({key.algorithm for key in self.all})

    def verifying(self, key_id: str) -> Sequence[Key]:
        """Those that a token with this `kid` may be of; "" is any."""
        return [key for key in self.all if key.id == key_id] if key_id else self.all


def _load(pem: bytes) -> Key:
    from cryptography.hazmat.primitives import serialization
    from joserfc.jwk import ECKey, RSAKey

    try:
        public: Any
        if b"PRIVATE KEY" in pem:
            private: Any = serialization.load_pem_private_key(pem, None)
            public = private.public_key()
        else:
            public = serialization.load_pem_public_key(pem)
    except (ValueError, TypeError) as error:
        raise UnusableKey(f"not a key in PEM: {error}") from error
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    key_id = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).decode().rstrip("=")
    parameters: Any = {"kid": key_id, "use": "sig"}
    if hasattr(public, "curve"):
        ec = ECKey.import_key(pem, parameters)
        if (algorithm := _BY_CURVE.get(ec.curve_name)) is None:
            raise UnusableKey(f"curve {ec.curve_name} is not P-256, P-384 or P-521")
        return Key(ec, key_id, algorithm)
    if not hasattr(public, "public_numbers") or not hasattr(public, "encrypt"):
        raise UnusableKey("a key for tokens must be EC or RSA")
    return Key(RSAKey.import_key(pem, parameters), key_id, "RS256")
