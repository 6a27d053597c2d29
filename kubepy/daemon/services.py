"""The way to a service that a setting names by a kubeconfig file: webhooks for tokens, authorization and audit."""

from __future__ import annotations

from kubepy.client import kubeconfig
from kubepy.client.transport import Transport
from kubepy.daemon.settings import ConfigError
from kubepy.lib.clock import RealClock
from kubepy.lib.random import Random


def transport(file: str, setting: str, random: Random) -> Transport:
    """The caller closes it. Raises ConfigError, which begins with `setting`."""
    try:
        access = kubeconfig.load(file)
    except kubeconfig.Unusable as error:
        raise ConfigError(f"{setting}: {error}") from None
    # Sockets live in the machine's time, whatever the cluster's does.
    return access.transport(clock=RealClock(), random=random)
