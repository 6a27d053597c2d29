"""The auditor that the settings ask for; None without a policy or without anywhere to write to.

Composition only. Source: apiserver pkg/server/options/audit.go.
"""

from __future__ import annotations

from pathlib import Path

from kubepy.apiserver.audit.backends import (
    BATCH,
    BLOCKING_STRICT,
    Backend,
    BlockingWebhook,
    Log,
    RotatedFile,
    Sender,
    Truncated,
    Webhook,
    standard_output,
)
from kubepy.apiserver.audit.policy import Unusable, load
from kubepy.apiserver.filters.audit import Auditor
from kubepy.daemon.config import Config
from kubepy.daemon.settings import ConfigError, duration_s
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
        to_file: Backend = Log(
            stream, config.audit_log_format, is_strict=config.audit_log_mode == BLOCKING_STRICT
        )
        if config.audit_log_truncate_enabled:
            to_file = Truncated(to_file, size_max=config.audit_log_truncate_max_event_size, metrics=metrics)
        backends.append(to_file)
    if config.audit_webhook_config_file:
        to_service = _webhook(config, random, log, metrics)
        if config.audit_webhook_truncate_enabled:
            size_max = config.audit_webhook_truncate_max_event_size
            to_service = Truncated(to_service, size_max=size_max, metrics=metrics)
        backends.append(to_service)
    return Auditor(policy, backends, clock, log=log, metrics=metrics) if backends else None


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


def _webhook(config: Config, random: Random, log: Logger, metrics: Metrics) -> Backend:
    from kubepy.client import kubeconfig

    try:
        access = kubeconfig.load(config.audit_webhook_config_file)
    except kubeconfig.Unusable as error:
        raise ConfigError(f"audit-webhook-config-file: {error}") from None
    # Sockets live in the machine's time, whatever the cluster's does.
    clock = RealClock()
    sender = Sender(
        access.transport(clock=clock, random=random), clock=clock, log=log, metrics=metrics,
        backoff_s=duration_s(config.audit_webhook_initial_backoff),
    )  # fmt: skip
    if config.audit_webhook_mode == BATCH:
        return Webhook(sender, clock=clock, log=log)
    return BlockingWebhook(sender, is_strict=config.audit_webhook_mode == BLOCKING_STRICT)
