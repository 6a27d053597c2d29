"""The three components, as the settings ask for them: inside a cluster, or as processes of their own.

Each is imported when it is made: a process that runs one of them does not load the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from kubepy import __version__
from kubepy.api.resources import Resource
from kubepy.api.schema import Schemas
from kubepy.client.client import Client
from kubepy.client.given import Given
from kubepy.daemon import scheduler_config, stage_sets
from kubepy.daemon.settings import ConfigError

if TYPE_CHECKING:
    from kubepy.controllers.certificate_requests import Authority
    from kubepy.controllers.discovery import Aggregated
    from kubepy.controllers.manager import ControllerManager
    from kubepy.controllers.service_account_tokens import Sign
    from kubepy.daemon.component_settings import Settings
    from kubepy.daemon.config import Config
    from kubepy.kubelet.kubelet import Kubelet
    from kubepy.scheduler.scheduler import Scheduler

IsServed = Callable[[Resource], bool]


class Component(Protocol):
    """What talks to the cluster through a Client and lives as long as it."""

    async def start(self) -> None: ...

    async def wait_synced(self) -> None:
        """Until it has seen everything that is there."""

    async def close(self) -> None: ...


def controller_manager(
    settings: Config | Settings,
    client: Client,
    given: Given,
    *,
    root_ca: bytes,
    authorities: Mapping[str, Authority] | None,
    sign_token: Sign | None,
    is_served: IsServed,
    resources: Callable[[], Iterable[Resource]] | None = None,
    aggregated: Callable[[], Aggregated] | None = None,
    schemas: Schemas | None = None,
) -> ControllerManager:
    """`resources`, `aggregated`, `schemas`: what is served, where that is known without asking. Raises ConfigError."""
    from kubepy.controllers.discovery import Aggregated
    from kubepy.controllers.manager import ControllerManager
    from kubepy.daemon import node_options

    with _blamed_on("controllers"):
        return ControllerManager(
            client, given, root_ca=root_ca, enabled=settings.controllers, nodes=node_options.of(settings),
            authorities=authorities, sign_token=sign_token, load_balancer_addresses=settings.load_balancer_addresses,
            schemas=schemas, resources=resources, is_served=is_served, aggregated=aggregated or Aggregated,
        )  # fmt: skip


def scheduler(file: str, client: Client, given: Given, *, is_served: IsServed) -> Scheduler:
    """`file`: its KubeSchedulerConfiguration, "" for none. Raises ConfigError."""
    from kubepy.scheduler.scheduler import Scheduler

    with _blamed_on("scheduler-config"):
        configuration = scheduler_config.load(file)
        return Scheduler(client, given, configuration=configuration, is_served=is_served)


def kubelet(settings: Config | Settings, client: Client, given: Given) -> Kubelet:
    """Raises ConfigError."""
    from kubepy.kubelet.kubelet import Kubelet
    from kubepy.kubelet.stage_documents import StageError

    try:
        return Kubelet(
            client, given, count=settings.nodes, version=__version__, kubernetes_version=settings.kubernetes_version,
            stage_paths=stage_sets.paths_of(settings.stages), capacity=stage_sets.capacity_of(settings.node_capacity),
            cluster_cidr=settings.cluster_cidr.partition(",")[0],
        )  # fmt: skip
    except StageError as error:
        raise ConfigError(f"stages: {error}") from None


@contextmanager
def _blamed_on(setting: str) -> Iterator[None]:
    """A ValueError is what a person gave there."""
    try:
        yield
    except ValueError as error:
        raise ConfigError(f"{setting}: {error}") from None
