"""The ciphers of values at rest; the bytes are kube-apiserver's.

AES-CBC has an iv and PKCS #7; AES-GCM has a nonce and is bound to the key that the value lies under; secretbox
(XSalsa20 and Poly1305) has a nonce that is long enough to be drawn for ever.

Source: apiserver pkg/storage/value/encrypt/{aes/aes,secretbox/secretbox}.go.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING

from kubepy.store.transformer import Undecipherable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from nacl.secret import SecretBox as Box

Nonces = Callable[[int], bytes]
"""So many random bytes that nobody can guess."""

_BLOCK = 16
_NONCE = 12
_BOX_NONCE, _BOX_OVERHEAD = 24, 16


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


class SecretBox:
    def __init__(self, secret: bytes, nonces: Nonces) -> None:
        from nacl.secret import SecretBox as Box

        self._box: Box = Box(secret)
        self._nonces = nonces

    def seal(self, data: bytes, context: bytes) -> bytes:
        return bytes(self._box.encrypt(data, self._nonces(_BOX_NONCE)))

    def open(self, data: bytes, context: bytes) -> bytes:
        from nacl.exceptions import CryptoError

        if len(data) < _BOX_NONCE + _BOX_OVERHEAD:
            raise Undecipherable("the stored data was shorter than the required size")
        try:
            return self._box.decrypt(data)
        except CryptoError:
            # In upstream's words, which mean another failure.
            raise Undecipherable("output array was not large enough for encryption") from None


def decode_key(text: str) -> bytes:
    """Raises ValueError if it is not base64."""
    return base64.b64decode(text, validate=True)
