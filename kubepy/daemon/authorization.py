"""The authorizers that the settings ask for, in their order.

Composition only. Source: kubernetes pkg/kubeapiserver/{authorizer/config,options/authorization}.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kubepy.api.builtins import Catalog
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.apiserver.authz import Authorizer, configuration, modes
from kubepy.apiserver.authz.configuration import Entry
from kubepy.apiserver.authz.escalation import Escalation
from kubepy.apiserver.authz.node import NodeAuthorizer
from kubepy.apiserver.authz.rbac import Caches, Rbac
from kubepy.apiserver.authz.webhook import Webhook, WebhookAuthorizer
from kubepy.apiserver.configuration_files import Unusable
from kubepy.client import kubeconfig
from kubepy.client.transport import Transport
from kubepy.daemon import rbac_policy
from kubepy.daemon.config import Config, ConfigError, duration_s
from kubepy.lib.clock import Clock, RealClock
from kubepy.lib.random import Random


@dataclass(frozen=True, slots=True)
class Authorization:
    """What comes of the settings."""

    authorizer: Authorizer
    policy: Rbac  # who has what by roles and bindings, whether or not that is what decides
    escalation: Escalation
    transports: tuple[Transport, ...]  # to webhooks

    async def close(self) -> None:
        for transport in self.transports:
            await transport.close()


def build(
    config: Config,
    *,
    caches: Caches,
    catalog: Catalog,
    policy: Iterable[tuple[Resource, Obj]],
    clock: Clock,
    random: Random,
) -> Authorization:
    """Raises ConfigError."""
    rbac = Rbac(caches)
    transports: list[Transport] = []

    def webhook(entry: Entry) -> Authorizer:
        assert entry.webhook is not None, "the configuration is checked"
        transports.append(_transport(entry, random))
        return WebhookAuthorizer(entry.webhook, transports[-1], clock=clock, random=random)

    def made(entry: Entry) -> Authorizer:
        match entry.type:
            case modes.NODE:
                return NodeAuthorizer(caches, catalog, rbac_policy.node_rules(policy))
            case modes.RBAC:
                return rbac
            case modes.WEBHOOK:
                return webhook(entry)
            case modes.ALWAYS_ALLOW:
                return modes.AlwaysAllow()
            case _:
                return modes.AlwaysDeny()

    authorizer = modes.chain([made(entry) for entry in _entries(config)])
    return Authorization(authorizer, rbac, Escalation(authorizer, rbac), tuple(transports))


def _entries(config: Config) -> tuple[Entry, ...]:
    if not config.authorization_config:
        return tuple(_of_mode(mode, config) for mode in config.authorization_mode)
    path = Path(config.authorization_config).expanduser()
    try:
        return configuration.load(path.read_text())
    except (Unusable, OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"authorization-config: {config.authorization_config}: {error}") from None


def _of_mode(mode: str, config: Config) -> Entry:
    if mode != modes.WEBHOOK:
        return Entry(mode, mode.lower())
    asked = Webhook(
        name="default",
        version=config.authorization_webhook_version,
        authorized_s=duration_s(config.authorization_webhook_cache_authorized_ttl),
        unauthorized_s=duration_s(config.authorization_webhook_cache_unauthorized_ttl),
    )
    return Entry(mode, "default", asked, config.authorization_webhook_config_file)


def _transport(entry: Entry, random: Random) -> Transport:
    """Sockets live in the machine's time, whatever the cluster's does."""
    if not entry.kubeconfig:
        raise ConfigError(
            f"authorization-config: {entry.name}: unable to load in-cluster configuration: this is no pod of a cluster"
        )
    try:
        access = kubeconfig.load(entry.kubeconfig)
    except kubeconfig.Unusable as error:
        raise ConfigError(f"authorization webhook {entry.name}: {error}") from None
    return access.transport(clock=RealClock(), random=random)
