"""The authorizers that the settings ask for, in their order.

Composition only. Source: kubernetes pkg/kubeapiserver/{authorizer/config,options/authorization}.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from kubepy.api.builtins import Catalog
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.apiserver.authz import Authorizer, Label, configuration, modes
from kubepy.apiserver.authz.configuration import Entry
from kubepy.apiserver.authz.escalation import Escalation
from kubepy.apiserver.authz.node import NodeAuthorizer
from kubepy.apiserver.authz.rbac import Caches, Rbac
from kubepy.apiserver.authz.webhook import Webhook, WebhookAuthorizer
from kubepy.apiserver.authz.webhook_metrics import WebhookMetrics
from kubepy.apiserver.configuration_files import Unusable
from kubepy.client.transport import Transport
from kubepy.daemon import rbac_policy, services
from kubepy.daemon.config import Config
from kubepy.daemon.settings import ConfigError, duration_s
from kubepy.lib.clock import Clock
from kubepy.lib.random import Random
from kubepy.observability.metrics import Metrics


class Authorization:
    """What comes of the settings. Raises ConfigError."""

    def __init__(
        self,
        config: Config,
        *,
        caches: Caches,
        catalog: Catalog,
        policy: Iterable[tuple[Resource, Obj]],
        clock: Clock,
        random: Random,
        metrics: Metrics,
    ) -> None:
        self._config, self._clock, self._random, self._metrics = config, clock, random, metrics
        self.policy = Rbac(caches)  # who has what by roles and bindings, whether or not that is what decides
        entries = _entries(config)
        self._required = {entry.type for entry in entries if entry.webhook is None}
        # Those of this process: each is there once, and follows the cluster as long as it lives.
        self._own: dict[str, Authorizer] = {
            modes.RBAC: self.policy,
            modes.ALWAYS_ALLOW: modes.AlwaysAllow(),
            modes.ALWAYS_DENY: modes.AlwaysDeny(),
        }
        if modes.NODE in self._required:
            self._own[modes.NODE] = NodeAuthorizer(caches, catalog, rbac_policy.node_rules(policy))
        self._transports: list[Transport] = []  # to webhooks
        self._chain = modes.chain(self._made(entries), _labels(entries))
        metrics.observe_each(
            "apiserver_authorization_decisions",
            "Total number of terminal decisions made by an authorizer split by authorizer type, name, and decision.",
            ("type", "name", "decision"), self._decisions, is_counter=True,
        )  # fmt: skip
        self.authorizer: Authorizer = self._chain
        self.escalation = Escalation(self.authorizer, self.policy)

    @property
    def files(self) -> tuple[str, ...]:
        """Those that `reload` reads."""
        return (self._config.authorization_config,) if self._config.authorization_config else ()

    async def reload(self) -> None:
        """Read the file again. Types that were there at the start, webhooks apart, must stay."""
        entries = _entries(self._config)
        types = {entry.type for entry in entries}
        if missing := sorted(self._required - types):
            raise ConfigError(f"authorization-config: missing required types: [{' '.join(missing)}]")
        if modes.NODE in types - self._required:
            why = "authorizer type Node is not allowed if it was not enabled at initial server startup"
            raise ConfigError(f"authorization-config: {why}")
        before, self._transports = self._transports, []
        try:
            made = self._made(entries)
        except ConfigError:
            self._transports = before
            raise
        modes.rearrange(self._chain, made, _labels(entries))
        await _close(before)

    def _made(self, entries: Iterable[Entry]) -> list[Authorizer]:
        return [self._webhook(entry) if entry.webhook else self._own[entry.type] for entry in entries]

    def _webhook(self, entry: Entry) -> Authorizer:
        assert entry.webhook is not None
        transport = _transport(entry, self._random)
        self._transports.append(transport)
        return WebhookAuthorizer(
            entry.webhook, transport, clock=self._clock, random=self._random,
            metrics=WebhookMetrics(self._metrics, entry.webhook.name),
        )  # fmt: skip

    def _decisions(self) -> Iterator[tuple[tuple[str, ...], float]]:
        for (label, is_allowed), count in list(self._chain.decisions.items()):
            if label is not None:
                yield (*label, "allowed" if is_allowed else "denied"), float(count)

    async def close(self) -> None:
        await _close(self._transports)


def _labels(entries: Iterable[Entry]) -> list[Label]:
    return [(entry.type, entry.name) for entry in entries]


async def _close(transports: Iterable[Transport]) -> None:
    for transport in transports:
        await transport.close()


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
    if not entry.kubeconfig:
        raise ConfigError(
            f"authorization-config: {entry.name}: unable to load in-cluster configuration: this is no pod of a cluster"
        )
    return services.transport(entry.kubeconfig, f"authorization webhook {entry.name}", random)
