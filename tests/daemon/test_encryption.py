"""The configuration, as upstream's validation_encryption_test.go has it, and a cluster that has one."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from kubepy.api.builtins import CONFIG_MAPS, SECRETS
from kubepy.api.errors import InternalError
from kubepy.daemon import encryption
from kubepy.daemon.settings import ConfigError
from kubepy.lib import yaml
from kubepy.store.memory import MemoryStore
from kubepy.testing.cluster import Cluster

_KEY = base64.b64encode(bytes(range(32))).decode()
_OTHER = base64.b64encode(bytes(range(1, 17))).decode()
_ONE = {"aescbc": {"keys": [{"name": "key1", "secret": _KEY}]}}
_TWO = {"aesgcm": {"keys": [{"name": "key2", "secret": _OTHER}]}}
_PLAIN: dict[str, Any] = {"identity": {}}


def _write(path: Path, *entries: tuple[list[str], list[Any]]) -> str:
    resources = [{"resources": names, "providers": providers} for names, providers in entries]
    obj = {
        "apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration", "resources": resources,
    }  # fmt: skip
    path.write_text(yaml.dump(obj))
    return str(path)


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([], "resources: Required value: at least one resources is required"),
        (
            [([], [_ONE])],
            "resources[0].resources: Required value: at least one resources[0].resources is required",
        ),
        (
            [(["secrets"], [])],
            "resources[0].providers: Required value: at least one resources[0].providers is required",
        ),
        ([(["secrets"], [{}])], "provider does not contain any of the expected providers"),
        ([(["secrets"], [_ONE | _PLAIN])], "more than one provider specified in a single element"),
        (
            [(["secrets"], [{"aescbc": {"keys": []}}])],
            "aescbc.keys: Required value: at least one keys is required",
        ),
        (
            [(["secrets"], [{"aescbc": {"keys": [{"name": "a", "secret": "YQ=="}]}}])],
            "secret is not of the expected length, got 1, expected one of [16 24 32]",
        ),
        (
            [(["secrets"], [{"aescbc": {"keys": [{"name": "a", "secret": "not base64"}]}}])],
            'keys[0].secret: Invalid value: "REDACTED": secrets must be base64 encoded',
        ),
        ([(["secrets"], [{"aescbc": {"keys": [{"secret": _KEY}]}}])], "name is a mandatory field for a key"),
        (
            [(["secrets"], [{"secretbox": {"keys": []}}])],
            "secretbox.keys: Required value: at least one keys is required",
        ),
        (
            [(["secrets"], [{"secretbox": {"keys": [{"name": "a", "secret": _OTHER}]}}])],
            "secret is not of the expected length, got 16, expected one of [32]",
        ),
        (
            [(["secrets"], [{"kms": {"name": "a"}}])],
            "kms: Invalid value: key management services are not there",
        ),
        ([(["Secrets"], [_ONE])], "resource name should not contain capital letters"),
        ([(["*"], [_ONE])], "use '*.' to encrypt all the resources from core API group or *.* to"),
        ([(["secrets.*"], [_ONE])], "encrypting the same resource across groups is not supported"),
        ([(["events.events.k8s.io"], [_ONE])], "Use 'events' instead in the config file"),
        ([(["ingresses.extensions"], [_ONE])], "'extensions' group has been removed"),
        ([(["secrets", "*."], [_ONE])], "using overlapping resources such as 'secrets' and '*.'"),
        ([(["secrets", "*.*"], [_ONE])], "using overlapping resources"),
        ([(["secrets", "secrets"], [_ONE])], "the same resource cannot be specified multiple times"),
        ([(["*."], [_ONE]), (["secrets"], [_TWO])], 'resource "secrets" is masked by earlier rule "*."'),
        (
            [(["*.*"], [_ONE]), (["deployments.apps"], [_TWO])],
            'resource "deployments.apps" is masked by earlier rule "*.*"',
        ),
        ([(["secrets"], [{"aes": {}}])], "resources[0].providers[0].aes: Forbidden: unknown field"),
        ([(["secrets"], "all")], "is not of the form of an EncryptionConfiguration"),
    ],
)
def test_a_wrong_configuration(entries: list[Any], why: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        encryption.load(_write(tmp_path / "encryption.yaml", *entries))
    assert why in str(raised.value)
    assert _KEY not in str(raised.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    file = tmp_path / "encryption.yaml"
    for text in ("[]", "a: b", "a: [", ""):
        file.write_text(text)
        with pytest.raises(ConfigError, match="encryption-provider-config"):
            encryption.load(str(file))
    with pytest.raises(ConfigError, match="No such file"):
        encryption.load(str(tmp_path / "none"))


def test_the_narrowest_rule_counts(tmp_path: Path) -> None:
    entries = ((["events"], [_PLAIN]), (["secrets"], [_ONE]), (["*.apps"], [_TWO]), (["*.*"], [_ONE]))
    transformer_of = encryption.load(_write(tmp_path / "encryption.yaml", *entries))
    assert {
        resource: transformer.seal(b"{}", b"k").rpartition(b":")[0]
        for resource in ("events", "secrets", "deployments.apps", "pandas.awesome.bears")
        if (transformer := transformer_of(resource)) is not None
    }.keys() == {"events", "secrets", "deployments.apps", "pandas.awesome.bears"}
    apps = transformer_of("deployments.apps")
    assert apps is not None and apps.seal(b"{}", b"k").startswith(b"k8s:enc:aesgcm:v1:key2:")


def _cluster(config: str) -> Cluster:
    return Cluster(nodes=0, controllers=(), scheduler="off", encryption_provider_config=config)


def _secret(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": "default"},
        "stringData": {"password": "open sesame"},
    }


async def _stored(store: MemoryStore, name: str, resource: str = "secrets") -> bytes:
    found = await store.get(f"/registry/{resource}/default/{name}".encode())
    assert found is not None
    return found.value


async def test_secrets_at_rest_and_the_rotation_of_their_key(tmp_path: Path) -> None:
    path = tmp_path / "encryption.yaml"
    cluster = _cluster(_write(path, (["secrets"], [_ONE, _PLAIN])))
    async with cluster:
        client = cluster.plane.client
        await client.create(SECRETS, _secret("a"))
        await client.create(CONFIG_MAPS, _secret("a") | {"kind": "ConfigMap", "stringData": None})
        assert (await client.get(SECRETS, "a", "default"))["data"] == {"password": "b3BlbiBzZXNhbWU="}
        value = await _stored(cluster.store, "a")
        assert value.startswith(b"k8s:enc:aescbc:v1:key1:") and b"b3Blbi" not in value
        assert (await _stored(cluster.store, "a", "configmaps")).startswith(b"{")
        _write(path, (["secrets"], [_TWO, _ONE]))
        async with cluster.fork() as rotating:
            client = rotating.plane.client
            secret = await client.get(SECRETS, "a", "default")
            written = await client.update(SECRETS, secret)
            assert written["metadata"]["resourceVersion"] != secret["metadata"]["resourceVersion"]
            assert (await _stored(rotating.store, "a")).startswith(b"k8s:enc:aesgcm:v1:key2:")
            again = await client.update(SECRETS, written)
            assert again["metadata"]["resourceVersion"] == written["metadata"]["resourceVersion"]
        _write(path, (["secrets"], [_TWO]))
        async with cluster.fork() as late:
            with pytest.raises(InternalError) as raised:
                await late.plane.client.get(SECRETS, "a", "default")
            why = 'unable to transform key "/registry/secrets/default/a": no matching prefix found'
            assert raised.value.message == f"Internal error occurred: {why}"
            assert (await late.plane.client.get(CONFIG_MAPS, "a", "default"))["kind"] == "ConfigMap"


async def test_watches_and_old_revisions_are_plain(tmp_path: Path) -> None:
    async with _cluster(_write(tmp_path / "encryption.yaml", (["*.*"], [_ONE]))) as cluster:
        client = cluster.plane.client
        first = await client.create(SECRETS, _secret("a"))
        await client.create(SECRETS, _secret("b"))
        revision = first["metadata"]["resourceVersion"]
        query = {"resourceVersion": revision, "resourceVersionMatch": "Exact"}
        page = await client.transport.list("/api/v1/namespaces/default/secrets", query=query)
        assert [document.obj["data"]["password"] for document in page.documents] == ["b3BlbiBzZXNhbWU="]
        query = {"resourceVersion": str(int(revision) - 1), "timeoutSeconds": "1"}
        events = client.transport.watch("/api/v1/namespaces/default/secrets", query=query)
        async for batch in events:
            assert batch[0].document.obj["data"] == {"password": "b3BlbiBzZXNhbWU="}
            break
        await events.aclose()  # type: ignore[attr-defined]
