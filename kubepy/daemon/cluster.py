"""The control plane as one object: the API server and the components beside it, started and stopped in order.

    plane = ControlPlane(config, store, keys, Basis(clock, random, logs, metrics))
    await plane.start(progress)         API server (in this process), bootstrap objects, components
    port = await plane.listen(serving)  ... and on the network, if wanted
    await plane.close()

Composition only: nothing here decides anything a user could see. Ten of these live happily in one process;
the store is its opener's to close.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from kubepy.api.builtins import Catalog
from kubepy.apiserver.handlers.usage import UsageSource
from kubepy.apiserver.registry.registry import Registry
from kubepy.client.client import Client
from kubepy.controllers.certificate_requests import Authority
from kubepy.controllers.discovery import Aggregated
from kubepy.controllers.manager import ControllerManager
from kubepy.daemon import components
from kubepy.daemon.api_server import ApiServer, Keys
from kubepy.daemon.basis import Basis
from kubepy.daemon.certificates import Serving
from kubepy.daemon.components import Component
from kubepy.daemon.config import Config
from kubepy.kubelet.kubelet import Kubelet
from kubepy.scheduler.scheduler import Scheduler
from kubepy.store.base import Store

Progress = Callable[[str], None]


def quiet(what: str) -> None:
    """A Progress for those who do not look."""


class ControlPlane:
    """One cluster. Raises ConfigError for settings that name what is not there."""

    def __init__(self, config: Config, store: Store, keys: Keys, basis: Basis) -> None:
        # One seed, but each start of the same store draws its own: no uid may come twice.
        basis = msgspec.structs.replace(basis, random=basis.random.stream(f"revision-{store.revision}"))
        self.config, self.basis, self._keys = config, basis, keys
        self.api_server = ApiServer(
            config, store, keys, basis,
            usages=self._usages, decider=lambda: self.scheduler, components=self._health,
        )  # fmt: skip
        self.controller_manager = self.make_controller_manager(basis)
        self.scheduler = self.make_scheduler(basis)
        self.kubelet = self.make_kubelet(basis)

    def make_controller_manager(self, basis: Basis) -> ControllerManager | None:
        if not self.config.controllers:
            return None
        server, keys = self.api_server, self._keys
        return components.controller_manager(
            self.config, self.client, basis.of("controller-manager"), root_ca=keys.ca,
            authorities=Authority(keys.ca, keys.ca_key).for_all_signers() if keys.ca_key else None,
            sign_token=server.authentication.signer.sign_legacy, is_served=server.is_served,
            resources=lambda: self.catalog, aggregated=self._aggregated, schemas=server.schemas,
        )  # fmt: skip

    def make_scheduler(self, basis: Basis) -> Scheduler | None:
        if self.config.scheduler != "on":
            return None
        client = self.client.named("kube-scheduler", user="system:kube-scheduler")
        return components.scheduler(
            self.config.scheduler_config, client, basis.of("scheduler"), is_served=self.api_server.is_served
        )

    def make_kubelet(self, basis: Basis) -> Kubelet | None:
        return (
            components.kubelet(self.config, self.client, basis.of("kubelet")) if self.config.nodes else None
        )

    @property
    def components(self) -> list[Component]:
        """In start order."""
        beside = (self.controller_manager, self.scheduler, self.kubelet)
        return [*self.api_server.components, *(each for each in beside if each is not None)]

    @property
    def client(self) -> Client:
        """As a member of system:masters."""
        return self.api_server.client

    @property
    def catalog(self) -> Catalog:
        return self.api_server.catalog

    @property
    def registry(self) -> Registry:
        return self.api_server.registry

    # -- what the API server asks of those beside it -------------------------------------------------------------------

    def _usages(self) -> UsageSource | None:
        return self.kubelet.usages if self.kubelet is not None else None

    def _health(self) -> dict[str, str | None]:
        """Under the names that upstream's componentstatuses have."""
        return {
            "controller-manager": None if self.config.controllers else "runs elsewhere",
            "etcd-0": None if self.api_server.store.is_writable else "the store cannot write",
            "scheduler": None if self.config.scheduler == "on" else "runs elsewhere",
        }

    def _aggregated(self) -> Aggregated:
        """For the controllers that work on all kinds: those of the servers behind this one."""
        return Aggregated(*self.api_server.aggregator.routes.resources())

    # -- life ----------------------------------------------------------------------------------------------------------

    async def start(self, progress: Progress = quiet, *, port: int = 443) -> None:
        """Write what every cluster has, then start the components. `port`: of the API server, for its Service."""
        progress("loading")
        await self.api_server.start(port)
        for component in self.components:
            await component.start()
        progress("reading what is there")
        for component in self.components:
            await component.wait_synced()
        self.api_server.open()

    async def listen(self, serving: Serving) -> int:
        """Serve over TLS; returns the port. Raises OSError when it is taken."""
        return await self.api_server.listen(serving)

    async def close(self) -> None:
        """In reverse order."""
        self.api_server.is_closing = True
        for component in reversed(self.components):
            await component.close()
        await self.api_server.close()
