"""The whole contract of a store holds with ciphers in between."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from kubepy.daemon.ciphers import AesGcm
from kubepy.lib.random import Random
from kubepy.store.base import Put
from kubepy.store.encrypted import EncryptedStore, Unreadable
from kubepy.store.memory import MemoryStore
from kubepy.store.transformer import Identity, Row, Transformer
from kubepy.testing.contracts.store import StoreContract

_GCM = Row(b"k8s:enc:aesgcm:v1:one:", AesGcm(bytes(32), Random().token))
_PLAIN = Row(b"", Identity())


class TestContract(StoreContract):
    @pytest.fixture
    async def store(self) -> AsyncIterator[EncryptedStore]:
        store = EncryptedStore(MemoryStore(), lambda resource: Transformer([_GCM]))
        yield store
        await store.close()


async def test_only_what_is_to_be_encrypted_is() -> None:
    behind = MemoryStore()
    store = EncryptedStore(behind, lambda resource: Transformer([_GCM]) if resource == "secrets" else None)
    await store.txn([], [Put(b"/registry/secrets/a/b", b"{}"), Put(b"/registry/pods/a/b", b"{}")])
    secret, pod = await behind.get(b"/registry/secrets/a/b"), await behind.get(b"/registry/pods/a/b")
    assert secret is not None and secret.value.startswith(_GCM.prefix)
    assert pod is not None and pod.value == b"{}"


async def test_values_of_another_time_are_marked() -> None:
    behind = MemoryStore()
    await behind.txn([], [Put(b"/registry/secrets/a/b", b"{}")])
    store = EncryptedStore(behind, lambda resource: Transformer([_GCM, _PLAIN]))
    found = await store.get(b"/registry/secrets/a/b")
    assert found is not None and (found.value, found.is_stale) == (b"{}", True)
    await store.txn([], [Put(b"/registry/secrets/a/b", b"{}")])
    found = await store.get(b"/registry/secrets/a/b")
    assert found is not None and not found.is_stale


async def test_a_value_that_nothing_opens_names_its_key() -> None:
    behind = MemoryStore()
    await behind.txn([], [Put(b"/registry/secrets/a/b", b"{}")])
    store = EncryptedStore(behind, lambda resource: Transformer([_GCM]))
    with pytest.raises(
        Unreadable, match='unable to transform key "/registry/secrets/a/b": no matching prefix'
    ):
        await store.list(b"/registry/secrets/")
