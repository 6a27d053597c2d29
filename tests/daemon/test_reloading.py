"""Settings' files that change while the cluster runs, in virtual time."""

from __future__ import annotations

import base64
import ssl
from pathlib import Path
from typing import Any

import pytest

from kubepy.api.builtins import CONFIG_MAPS, SECRETS
from kubepy.api.errors import Forbidden
from kubepy.daemon import pki
from kubepy.daemon.openid import OpenId
from kubepy.daemon.reloading import AUTHORIZATION, PERIOD_S, RETRY_S, Files
from kubepy.daemon.settings import ConfigError
from kubepy.lib import yaml
from kubepy.lib.aio import Tasks
from kubepy.lib.clock import RealClock, VirtualClock
from kubepy.lib.random import Random
from kubepy.observability import logs
from kubepy.observability.metrics import Metrics
from kubepy.testing.cluster import Cluster

_GROUP = "apiserver.config.k8s.io/v1"
_NODE, _RBAC = {"type": "Node", "name": "node"}, {"type": "RBAC", "name": "rbac"}
_ALLOW = {"type": "AlwaysAllow", "name": "alwaysallow"}


class Follower:
    """One file, and what becomes of it."""

    def __init__(self, path: Path) -> None:
        self.path, self.clock, self.metrics = path, VirtualClock(), Metrics()
        self.fails, self.read = False, [""]
        self._tasks = Tasks(lambda name, error: None)
        self.files = Files(clock=self.clock, tasks=self._tasks, log=logs.silent(), metrics=self.metrics)

    def write(self, text: str) -> None:
        self.path.write_text(text)

    async def reload(self) -> None:
        if self.fails:
            raise ConfigError("no")
        self.read.append(self.path.read_text())

    def count(self, status: str) -> float | None:
        return self.metrics.registry.get_sample_value(
            "apiserver_authorization_config_controller_automatic_reloads_total",
            {"status": status, "apiserver_id_hash": ""},
        )

    async def close(self) -> None:
        await self._tasks.close()


@pytest.fixture
async def follower(tmp_path: Path) -> Any:
    follower = Follower(tmp_path / "file")
    follower.write("one")
    follower.files.follow(AUTHORIZATION, [follower.path], follower.reload)
    follower.files.start()
    yield follower
    await follower.close()


async def test_a_change_is_seen_and_a_touch_is_none(follower: Follower) -> None:
    await follower.clock.advance(10 * PERIOD_S)
    follower.write("one")
    await follower.clock.advance(PERIOD_S)
    assert follower.read == [""]
    follower.write("and two")
    await follower.clock.advance(PERIOD_S)
    assert follower.read[1:] == ["and two"]
    assert (follower.count("success"), follower.count("failure")) == (1.0, None)


async def test_what_fails_is_tried_again_after_a_minute(follower: Follower) -> None:
    follower.fails = True
    follower.write("and two")
    await follower.clock.advance(RETRY_S)
    assert follower.count("failure") == 1.0
    follower.fails = False
    await follower.clock.advance(2 * PERIOD_S)
    assert follower.read[1:] == ["and two"]
    await follower.clock.advance(2 * RETRY_S)
    assert follower.read[1:] == ["and two"], "once is enough"


async def test_a_file_that_goes_and_comes_again(follower: Follower) -> None:
    follower.path.unlink()
    follower.fails = True
    await follower.clock.advance(PERIOD_S)
    follower.fails = False
    follower.write("one")
    await follower.clock.advance(2 * RETRY_S)
    assert follower.read == [""], "what was is in force still"


# -- in a cluster --------------------------------------------------------------------------------------------------


def _authorizers(path: Path, *entries: dict[str, Any]) -> str:
    obj = {"apiVersion": _GROUP, "kind": "AuthorizationConfiguration", "authorizers": list(entries)}
    path.write_text(yaml.dump(obj))
    return str(path)


async def test_who_decides_can_change(tmp_path: Path) -> None:
    path = tmp_path / "authorization.yaml"
    config = _authorizers(path, _NODE, _RBAC)
    async with Cluster(nodes=0, controllers=(), scheduler="off", authorization_config=config) as cluster:
        jane = cluster.plane.client.named("jane", user="jane")

        async def may() -> bool:
            try:
                await jane.list(CONFIG_MAPS, namespace="default")
            except Forbidden:
                return False
            return True

        assert not await may()
        _authorizers(path, _NODE, _RBAC, _ALLOW)
        await cluster.advance(PERIOD_S)
        assert await may()
        _authorizers(path, _ALLOW)
        await cluster.advance(PERIOD_S)
        path.write_text("nothing of the kind")
        await cluster.advance(PERIOD_S)
        assert await may(), "what cannot be used changes nothing"
        _authorizers(path, _RBAC, _NODE)
        await cluster.advance(PERIOD_S)
        assert not await may()


@pytest.mark.parametrize(
    ("at_start", "later", "why"),
    [
        ([_NODE, _RBAC], [_RBAC], "missing required types: [Node]"),
        ([_NODE, _RBAC, _ALLOW], [], "at least one authorization mode must be defined"),
        ([_RBAC], [_NODE, _RBAC], "type Node is not allowed if it was not enabled at initial server startup"),
        ([_RBAC], [_RBAC | {"name": "mine"}], "expected name rbac for authorizer RBAC instead of mine"),
    ],
)
async def test_who_decides_is_checked_again(
    tmp_path: Path, at_start: list[Any], later: list[Any], why: str
) -> None:
    path = tmp_path / "authorization.yaml"
    config = _authorizers(path, *at_start)
    async with Cluster(nodes=0, controllers=(), scheduler="off", authorization_config=config) as cluster:
        _authorizers(path, *later)
        with pytest.raises(ConfigError) as raised:
            await cluster.plane.api_server.authorization.reload()
        assert why in str(raised.value)


def _encryption(path: Path, *providers: dict[str, Any]) -> str:
    entry = {"resources": ["secrets"], "providers": list(providers)}
    path.write_text(
        yaml.dump({"apiVersion": _GROUP, "kind": "EncryptionConfiguration", "resources": [entry]})
    )
    return str(path)


async def test_keys_rotate_without_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "encryption.yaml"
    key = base64.b64encode(bytes(32)).decode()
    old = {"aescbc": {"keys": [{"name": "old", "secret": key}]}}
    new = {"secretbox": {"keys": [{"name": "new", "secret": key}]}}
    config = _encryption(path, old)
    cluster = Cluster(
        nodes=0, controllers=(), scheduler="off", encryption_provider_config=config,
        encryption_provider_config_automatic_reload=True,
    )  # fmt: skip
    async with cluster:
        client = cluster.plane.client

        async def stored() -> bytes:
            found = await cluster.store.get(b"/registry/secrets/default/a")
            assert found is not None
            return found.value

        metadata = {"name": "a", "namespace": "default"}
        secret = await client.create(SECRETS, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata})
        assert (await stored()).startswith(b"k8s:enc:aescbc:v1:old:")
        _encryption(path, new, old)
        await cluster.advance(PERIOD_S)
        assert (await client.get(SECRETS, "a", namespace="default")) == secret
        await client.update(SECRETS, secret)
        assert (await stored()).startswith(b"k8s:enc:secretbox:v1:new:"), "an update without a change, too"
        _encryption(path, new)
        await cluster.advance(PERIOD_S)
        page = await cluster.plane.api_server.store.list(b"/registry/secrets/default/")
        assert b'"a"' in page.items[0].value


_ISSUER = {"url": "https://127.0.0.1:1", "audiences": ["a"]}
_MAPPINGS = {"username": {"claim": "sub", "prefix": ""}}


def _authenticators(path: Path, **fields: Any) -> str:
    path.write_text(yaml.dump({"apiVersion": _GROUP, "kind": "AuthenticationConfiguration", **fields}))
    return str(path)


async def test_issuers_that_do_not_answer_replace_nobody(tmp_path: Path) -> None:
    path = tmp_path / "authentication.yaml"
    _authenticators(path)
    config = Cluster(authentication_config=str(path)).config
    openid = OpenId(config, clock=VirtualClock(), random=Random("1"), metrics=Metrics())
    _authenticators(path, jwt=[{"issuer": _ISSUER, "claimMappings": _MAPPINGS}])
    with pytest.raises(ConfigError, match="authenticator not initialized"):
        await openid.reload()
    _authenticators(path, anonymous={"enabled": True})
    with pytest.raises(ConfigError, match="anonymous: Forbidden: changed from initial configuration file"):
        await openid.reload()
    _authenticators(path, jwt=[])
    await openid.reload()
    await openid.close()


async def test_the_front_proxys_certificate_is_read_again(tmp_path: Path) -> None:
    keys = pki.ensure(tmp_path / "pki", RealClock(), addresses=())
    paths = {"crt": tmp_path / "client.crt", "key": tmp_path / "client.key"}
    for suffix, path in paths.items():
        path.write_bytes(keys.file(f"front-proxy-client.{suffix}").read_bytes())
    cluster = Cluster(
        nodes=0, controllers=(), scheduler="off", proxy_client_cert_file=str(paths["crt"]),
        proxy_client_key_file=str(paths["key"]),
    )  # fmt: skip
    async with cluster:
        known = cluster.plane.api_server.aggregator._connections._contexts
        known[b"", False] = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        paths["crt"].write_text("no certificate")
        await cluster.advance(PERIOD_S)
        assert known, "what cannot be used changes nothing"
        for suffix, path in paths.items():
            path.write_bytes(keys.file(f"admin.{suffix}").read_bytes())
        await cluster.advance(PERIOD_S)
        assert not known
