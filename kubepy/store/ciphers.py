"""Values at rest: a row of transformers, each with its prefix; the first one writes, any of them reads.

    k8s:enc:aescbc:v1:key1:<iv><ciphertext>     AES-CBC, PKCS #7
    k8s:enc:aesgcm:v1:key1:<nonce><sealed>      AES-GCM, bound to the key that the value lies under
    {...}                                       identity

The bytes are kube-apiserver's. Not there: secretbox (`cryptography` has no XSalsa20) and KMS.

Source: apiserver pkg/storage/value/transformer.go, encrypt/aes/aes.go, encrypt/identity/identity.go.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.ciphers.algorithms import AES

Nonces = Callable[[int], bytes]
"""So many random bytes that nobody can guess."""

ENCRYPTED = b"k8s:enc:"
_BLOCK = 16
_NONCE = 12


class Undecipherable(ValueError):
    """None of the keys opens it."""


class Cipher(Protocol):
    def seal(self, data: bytes, context: bytes) -> bytes: ...

    def open(self, data: bytes, context: bytes) -> bytes:
        """Raises Undecipherable."""


class Row(NamedTuple):
    prefix: bytes
    cipher: Cipher


class Opened(NamedTuple):
    data: bytes
    is_stale: bool  # it would be written otherwise now


class Transformer:
    """`rows` in the order of the configuration."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = tuple(rows)

    def seal(self, data: bytes, context: bytes) -> bytes:
        row = self._rows[0]
        return row.prefix + row.cipher.seal(data, context)

    def open(self, data: bytes, context: bytes) -> Opened:
        """Raises Undecipherable, with the reasons of all that might have opened it."""
        failures: list[str] = []
        is_provider_known = False
        for index, (prefix, cipher) in enumerate(self._rows):
            if not data.startswith(prefix):
                is_provider_known = is_provider_known or data.startswith(_provider(prefix))
                continue
            try:
                return Opened(cipher.open(data[len(prefix) :], context), index != 0)
            except Undecipherable as error:
                if prefix:
                    failures.append(str(error))
        if failures:
            texts = list(dict.fromkeys(failures))
            raise Undecipherable(texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]")
        if is_provider_known and data.startswith(ENCRYPTED):
            raise Undecipherable("no matching key was found for the provided AES transformer")
        raise Undecipherable("no matching prefix found")


def _provider(prefix: bytes) -> bytes:
    """b"k8s:enc:aescbc:v1:" of the prefix of one of its keys."""
    return prefix[: prefix.rindex(b":", 0, -1) + 1] if prefix else b"\0"


class Identity:
    """Leaves values as they are, and refuses those that are not."""

    def seal(self, data: bytes, context: bytes) -> bytes:
        return data

    def open(self, data: bytes, context: bytes) -> bytes:
        if data.startswith(ENCRYPTED):
            raise Undecipherable("identity transformer tried to read encrypted data")
        return data


class AesGcm:
    """The context is authenticated: a value moved to another key does not open."""

    def __init__(self, secret: bytes, nonces: Nonces) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._aead: AESGCM = AESGCM(secret)
        self._nonces = nonces

    def seal(self, data: bytes, context: bytes) -> bytes:
        nonce = self._nonces(_NONCE)
        return nonce + self._aead.encrypt(nonce, data, context)

    def open(self, data: bytes, context: bytes) -> bytes:
        from cryptography.exceptions import InvalidTag

        if len(data) < _NONCE:
            raise Undecipherable("the stored data was shorter than the required size")
        try:
            return self._aead.decrypt(data[:_NONCE], data[_NONCE:], context)
        except InvalidTag:
            raise Undecipherable("cipher: message authentication failed") from None


class AesCbc:
    def __init__(self, secret: bytes, nonces: Nonces) -> None:
        from cryptography.hazmat.primitives.ciphers.algorithms import AES

        self._aes: AES = AES(secret)
        self._nonces = nonces

    def seal(self, data: bytes, context: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers import Cipher, modes

        iv = self._nonces(_BLOCK)
        padding = _BLOCK - len(data) % _BLOCK
        encryptor = Cipher(self._aes, modes.CBC(iv)).encryptor()
        return iv + encryptor.update(data + bytes([padding]) * padding) + encryptor.finalize()

    def open(self, data: bytes, context: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers import Cipher, modes

        if len(data) < _BLOCK:
            raise Undecipherable("the stored data was shorter than the required size")
        if len(data) % _BLOCK:
            raise Undecipherable("the stored data is not a multiple of the block size")
        decryptor = Cipher(self._aes, modes.CBC(data[:_BLOCK])).decryptor()
        plain = decryptor.update(data[_BLOCK:]) + decryptor.finalize()
        padding = plain[-1] if plain else 0
        if not 0 < padding <= len(plain):
            raise Undecipherable("invalid PKCS7 data (empty or not padded)")
        if plain[-padding:] != bytes([padding]) * padding:
            raise Undecipherable("invalid padding on input")
        return plain[:-padding]


def decode_key(text: str) -> bytes:
    """Raises ValueError if it is not base64."""
    return base64.b64decode(text, validate=True)
