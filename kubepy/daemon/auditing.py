"""The auditor that the settings ask for; None without a policy or without anywhere to write to.

Composition only. Source: apiserver pkg/server/options/audit.go.
"""

from __future__ import annotations

from pathlib import Path

from kubepy.apiserver.audit.backends import (
    BATCH,
    BLOCKING_STRICT,
    Backend,
    Batching,
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
from kubepy.daemon import services
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
        size_max = config.audit_log_truncate_max_event_size if config.audit_log_truncate_enabled else None
        backends.append(_truncated(_log(config, clock), size_max, metrics))
    if config.audit_webhook_config_file:
        size_max = (
            config.audit_webhook_truncate_max_event_size if config.audit_webhook_truncate_enabled else None
        )
        backends.append(_truncated(_webhook(config, random, log, metrics), size_max, metrics))
    return Auditor(policy, backends, clock, log=log, metrics=metrics) if backends else None


def _truncated(backend: Backend, size_max: int | None, metrics: Metrics) -> Backend:
    return backend if size_max is None else Truncated(backend, size_max=size_max, metrics=metrics)


def _log(config: Config, clock: Clock) -> Backend:
    stream = standard_output() if config.audit_log_path == "-" else _file(config, clock)
    return Log(stream, config.audit_log_format, is_strict=config.audit_log_mode == BLOCKING_STRICT)


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
    clock = RealClock()  # as the sender's socket
    sender = Sender(
        services.transport(config.audit_webhook_config_file, "audit-webhook-config-file", random),
        clock=clock, log=log, metrics=metrics, backoff_s=duration_s(config.audit_webhook_initial_backoff),
    )  # fmt: skip
    if config.audit_webhook_mode == BATCH:
        return Webhook(sender, clock=clock, log=log, batching=_batching(config))
    return BlockingWebhook(sender, is_strict=config.audit_webhook_mode == BLOCKING_STRICT)


def _batching(config: Config) -> Batching:
    rate = config.audit_webhook_batch_throttle_qps if config.audit_webhook_batch_throttle_enable else 0.0
    return Batching(
        buffer_max=config.audit_webhook_batch_buffer_size,
        size_max=config.audit_webhook_batch_max_size,
        wait_s=duration_s(config.audit_webhook_batch_max_wait),
        rate=rate,
        burst=config.audit_webhook_batch_throttle_burst,
    )
