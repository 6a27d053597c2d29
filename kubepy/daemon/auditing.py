"""The auditor that the settings ask for; None without a policy or without anywhere to write to.

Composition only. Source: apiserver pkg/server/options/audit.go.
"""

from __future__ import annotations

from pathlib import Path

from kubepy.apiserver.audit.backends import Backend, Log, RotatedFile, Webhook, standard_output
from kubepy.apiserver.audit.policy import Unusable, load
from kubepy.apiserver.filters.audit import Auditor
from kubepy.daemon.config import Config, ConfigError
from kubepy.lib.clock import Clock, RealClock
from kubepy.lib.random import Random
from kubepy.observability.logs import Logger
from kubepy.observability.metrics import Metrics

_MEGABYTE, _DAY_S = 1 << 20, 86400.0


def build(config: Config, *, clock: Clock, random: Random, log: Logger, metrics: Metrics) -> Auditor | None:
    """Raises ConfigError."""
    if not config.audit_policy_file:
        return None
    path = Path(config.audit_policy_file).expanduser()
    try:
        policy = load(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"audit-policy-file: {path}: {error.strerror or error}") from None
    except Unusable as error:
        raise ConfigError(f"audit-policy-file: {path}: {error}") from None
    backends: list[Backend] = []
    if config.audit_log_path:
        stream = standard_output() if config.audit_log_path == "-" else _file(config, clock)
        backends.append(Log(stream, config.audit_log_format))
    if config.audit_webhook_config_file:
        backends.append(_webhook(config, random, log, metrics))
    return Auditor(policy, backends, clock) if backends else None


def _file(config: Config, clock: Clock) -> RotatedFile:
    path = Path(config.audit_log_path).expanduser()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return RotatedFile(
            path,
            clock=clock,
            size_max=config.audit_log_maxsize * _MEGABYTE,
            count_max=config.audit_log_maxbackup,
            age_max_s=config.audit_log_maxage * _DAY_S,
        )
    except OSError as error:
        raise ConfigError(f"audit-log-path: {path}: {error.strerror or error}") from None


def _webhook(config: Config, random: Random, log: Logger, metrics: Metrics) -> Webhook:
    from kubepy.client import kubeconfig

    try:
        access = kubeconfig.load(config.audit_webhook_config_file)
    except kubeconfig.Unusable as error:
        raise ConfigError(f"audit-webhook-config-file: {error}") from None
    # Sockets live in the machine's time, whatever the cluster's does.
    return Webhook(
        access.transport(clock=RealClock(), random=random), clock=RealClock(), log=log, metrics=metrics
    )
