"""Values at rest: a row of ciphers, each with its prefix; the first one writes, any of them reads.

    k8s:enc:aescbc:v1:key1:<iv><ciphertext>
    k8s:enc:aesgcm:v1:key1:<nonce><sealed>
    k8s:enc:secretbox:v1:key1:<nonce><sealed>
    {...}                                       identity

Source: apiserver pkg/storage/value/transformer.go, encrypt/identity/identity.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

ENCRYPTED = b"k8s:enc:"
_SECRETBOX = b"k8s:enc:secretbox:"


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
            provider = "Secretbox" if data.startswith(_SECRETBOX) else "AES"
            raise Undecipherable(f"no matching key was found for the provided {provider} transformer")
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
