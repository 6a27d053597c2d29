"""A KubeSchedulerConfiguration file as a setting; what is in it is scheduler/configuration.py's business."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubepy.daemon.settings import ConfigError

if TYPE_CHECKING:
    from kubepy.scheduler.profiles import Configuration

# Its leaderElection, by the names that component_settings.py has for the same.
_LEADER_ELECTION = {
    "leaderElect": "leader_elect",
    "leaseDuration": "leader_elect_lease_duration",
    "renewDeadline": "leader_elect_renew_deadline",
    "retryPeriod": "leader_elect_retry_period",
    "resourceName": "leader_elect_resource_name",
    "resourceNamespace": "leader_elect_resource_namespace",
}


def load(path: str) -> Configuration | None:
    """None if no file is named. Raises ConfigError."""
    if not path:
        return None
    from kubepy.scheduler import configuration

    try:
        return configuration.parse(Path(path).expanduser().read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
    except configuration.Invalid as error:
        raise ConfigError(f"{path}: {error}") from None


def leader_election(configuration: Configuration | None) -> dict[str, Any]:
    """The flags it stands for."""
    found = configuration.leader_election if configuration is not None else {}
    return {flag: found[field] for field, flag in _LEADER_ELECTION.items() if field in found}
