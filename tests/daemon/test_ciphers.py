from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubepy.daemon.ciphers import AesCbc, AesGcm, SecretBox
from kubepy.lib.random import Random
from kubepy.store.transformer import Cipher, Identity, Row, Transformer, Undecipherable

_NONCES = Random().token
_KEY, _OTHER = bytes(range(32)), bytes(range(1, 17))
_CBC = Row(b"k8s:enc:aescbc:v1:one:", AesCbc(_KEY, _NONCES))
_GCM = Row(b"k8s:enc:aesgcm:v1:one:", AesGcm(_OTHER, _NONCES))
_BOX = Row(b"k8s:enc:secretbox:v1:one:", SecretBox(_KEY, _NONCES))
_PLAIN = Row(b"", Identity())


@pytest.mark.parametrize("row", [_CBC, _GCM, _BOX, _PLAIN])
@given(data=st.binary(max_size=200).filter(lambda data: not data.startswith(b"k8s:enc:")))
def test_what_goes_in_comes_out(row: Row, data: bytes) -> None:
    transformer = Transformer([row])
    sealed = transformer.seal(data, b"/registry/secrets/a/b")
    assert sealed.startswith(row.prefix)
    assert transformer.open(sealed, b"/registry/secrets/a/b") == (data, False)


def test_known_bytes_of_aes_cbc() -> None:
    """NIST SP 800-38A F.2.5, CBC-AES256, first block, and a whole block of padding."""
    key = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
    iv = bytes(range(16))
    sealed = AesCbc(key, lambda size: iv).seal(bytes.fromhex("6bc1bee22e409f96e93d7e117393172a"), b"")
    assert sealed[:32] == iv + bytes.fromhex("f58c4c04d6e5f1ba779eabfb5f7bfbd6")
    assert len(sealed) == 48


def test_known_bytes_of_secretbox() -> None:
    """Go's golang.org/x/crypto/nacl/secretbox TestSecretBox: the nonce comes first, then the tag."""
    sealed = SecretBox(bytes([1]) * 32, lambda size: bytes([2]) * size).seal(bytes([3]) * 64, b"")
    assert sealed == bytes([2]) * 24 + bytes.fromhex(
        "8442bc313f4626f1359e3b50122b6ce6fe66ddfe7d39d14e637eb4fd5b45beadab55198df6ab5368439792a23c87db70"
        "acb6156dc5ef957ac04f6276cf6093b84be77ff0849cc33e34b7254d5a8f65ad"
    )


def test_the_first_writes_and_all_read() -> None:
    old, new = Transformer([_CBC]), Transformer([_GCM, _CBC, _PLAIN])
    value = old.seal(b"{}", b"k")
    assert new.open(value, b"k") == (b"{}", True)
    assert new.open(b"{}", b"k") == (b"{}", True)
    assert new.open(new.seal(b"{}", b"k"), b"k") == (b"{}", False)


@pytest.mark.parametrize(
    ("rows", "value", "why"),
    [
        ([_CBC], b"{}", "no matching prefix found"),
        (
            [_CBC],
            b"k8s:enc:aescbc:v1:two:" + bytes(32),
            "no matching key was found for the provided AES transformer",
        ),
        ([_PLAIN], b"k8s:enc:aescbc:v1:one:" + bytes(32), "no matching prefix found"),
        ([_CBC, _PLAIN], b"k8s:enc:aesgcm:v1:one:" + bytes(32), "no matching prefix found"),
        ([_CBC], b"k8s:enc:aescbc:v1:one:short", "the stored data was shorter than the required size"),
        (
            [_CBC],
            b"k8s:enc:aescbc:v1:one:" + bytes(33),
            "the stored data is not a multiple of the block size",
        ),
        ([_CBC], b"k8s:enc:aescbc:v1:one:" + bytes(16), "invalid PKCS7 data (empty or not padded)"),
        ([_GCM], b"k8s:enc:aesgcm:v1:one:" + bytes(32), "cipher: message authentication failed"),
        (
            [_BOX],
            b"k8s:enc:secretbox:v1:two:" + bytes(64),
            "no matching key was found for the provided Secretbox transformer",
        ),
        (
            [_BOX],
            b"k8s:enc:secretbox:v1:one:" + bytes(39),
            "the stored data was shorter than the required size",
        ),
        (
            [_BOX],
            b"k8s:enc:secretbox:v1:one:" + bytes(64),
            "output array was not large enough for encryption",
        ),
    ],
)
def test_what_does_not_open_says_why(rows: list[Row], value: bytes, why: str) -> None:
    with pytest.raises(Undecipherable) as raised:
        Transformer(rows).open(value, b"k")
    assert str(raised.value) == why


@pytest.mark.parametrize("cipher", [AesGcm(_KEY, _NONCES)])
def test_a_value_moved_to_another_key_does_not_open(cipher: Cipher) -> None:
    sealed = cipher.seal(b"{}", b"/registry/secrets/a/admin")
    with pytest.raises(Undecipherable):
        cipher.open(sealed, b"/registry/secrets/b/mine")


@pytest.mark.parametrize("cipher", [AesGcm(_KEY, _NONCES), SecretBox(_KEY, _NONCES)])
@given(at=st.integers(0, 200), flip=st.integers(1, 255))
def test_a_changed_bit_is_noticed(cipher: Cipher, at: int, flip: int) -> None:
    sealed = bytearray(cipher.seal(bytes(100), b"k"))
    sealed[at % len(sealed)] ^= flip
    with pytest.raises(Undecipherable):
        cipher.open(bytes(sealed), b"k")
