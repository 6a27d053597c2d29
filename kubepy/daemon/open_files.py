"""How many files this process may have open, connections among them.

The soft limit is there for programs that use select(); it is raised to the hard one, as Go does for every program.

Source: Go's os/rlimit.go.
"""

from __future__ import annotations

import resource

# For the store, logs, kubeconfigs, and connections to webhooks and aggregated servers.
RESERVE = 256


def raise_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):
        pass  # what there is must do


def connections_max() -> int:
    """0: any number."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 0 if soft == resource.RLIM_INFINITY else max(soft - RESERVE, soft // 2)
