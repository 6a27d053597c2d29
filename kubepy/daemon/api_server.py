"""The API server as one object: the door to the store, with all that stands at it, and what it keeps for itself.

    server = ApiServer(config, store, keys, basis, usages=..., decider=...)
    await server.start(port=6443)           bootstrap objects, roles, flow control, definitions
    port = await server.listen(...)         on the network, if wanted
    server.open()                           when its components have seen what is there
    await server.close()                    after everybody who writes

`client` takes the same way in as one on the network, as a member of system:masters.

Composition only. Source: kubernetes cmd/kube-apiserver/app/server.go, pkg/controlplane/instance.go.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from msgspec import Struct

from kubepy.api import enablement
from kubepy.api import metrics as usage_metrics
from kubepy.api.builtins import Catalog
from kubepy.api.resources import Resource
from kubepy.api.schema import Schemas
from kubepy.apiserver import app
from kubepy.apiserver.aggregation.aggregator import Aggregator
from kubepy.apiserver.authn import MASTERS, authenticated
from kubepy.apiserver.authn.issuer import paths as issuer_paths
from kubepy.apiserver.authz import Decision, escalation
from kubepy.apiserver.crds.definitions import Definitions
from kubepy.apiserver.filters import Filter
from kubepy.apiserver.filters.flow_control import flow_control, max_in_flight
from kubepy.apiserver.filters.open_watches import open_watches
from kubepy.apiserver.flowcontrol import dumps
from kubepy.apiserver.flowcontrol.controller import FlowControl
from kubepy.apiserver.handlers.dispatch import ResourceHandler
from kubepy.apiserver.handlers.subresources import Subresources
from kubepy.apiserver.handlers.subresources.why import Decider
from kubepy.apiserver.handlers.usage import UsageMetrics, UsageSource
from kubepy.apiserver.loopback import LoopbackTransport
from kubepy.apiserver.registry.registry import Registry
from kubepy.apiserver.request import Handler, Request, RequestIds, RequestInfo, Response, User
from kubepy.apiserver.server import HttpServer
from kubepy.apiserver.tls import ServingTls
from kubepy.client.client import Client
from kubepy.daemon import (
    admission,
    auditing,
    authentication,
    bootstrap,
    certificates,
    health_checks,
    identity_lease,
    open_files,
    rbac_policy,
    reloading,
)
from kubepy.daemon.authorization import Authorization
from kubepy.daemon.basis import Basis
from kubepy.daemon.components import Component
from kubepy.daemon.config import Config, files_dir
from kubepy.daemon.own_controllers import OwnControllers
from kubepy.daemon.pki import FrontProxy, Pki
from kubepy.daemon.reloading import Files
from kubepy.daemon.settings import ConfigError, as_flags
from kubepy.lib.aio import Tasks, reported_to
from kubepy.lib.clock import RealClock
from kubepy.observability.health import Checks
from kubepy.store.base import Store
from kubepy.store.compact import Compactor
from kubepy.store.encrypted import EncryptedStore


class Keys(Struct, frozen=True):
    """What a cluster signs with, as PEM. Without a CA it has no certificates, and cannot be reached over TLS."""

    service_account: bytes
    ca: bytes = b""
    ca_key: bytes = b""
    front_proxy: FrontProxy | None = None


def keys_of(pki: Pki) -> Keys:
    return Keys(pki.service_account_key, pki.ca.cert, pki.ca.key, pki.front_proxy())


class ApiServer:
    """Raises ConfigError for settings that name what is not there.

    usages: what runs on nodes of this process, None until they are there. decider: the scheduler of this process.
    components: how the control plane is, under the names that upstream's componentstatuses have."""

    def __init__(
        self,
        config: Config,
        store: Store,
        keys: Keys,
        basis: Basis,
        *,
        usages: Callable[[], UsageSource | None],
        decider: Callable[[], Decider | None],
        components: Callable[[], dict[str, str | None]],
    ) -> None:
        self.config, self.store, self._keys, self._basis = config, _sealed(config, store), keys, basis
        self._log = basis.logs.of("apiserver")
        self._tasks = Tasks(reported_to(basis.logs.of("daemon")))
        self._ids = RequestIds(basis.random)
        self._server: HttpServer | None = None
        self._port = config.port
        self._is_open = self.is_closing = False

        self.checks = Checks()
        self.schemas = Schemas(config.kubernetes_version)
        self.catalog = self._make_catalog()
        self.registry = self._make_registry()
        self._policy = rbac_policy.objects(
            files_dir() / "bootstrap" / "rbac", {row.group_resource for row in self.catalog}
        )
        self.authorization = Authorization(
            config, caches=self.registry, catalog=self.catalog, policy=self._policy, clock=basis.clock,
            random=basis.random, metrics=basis.metrics,
        )  # fmt: skip
        self._guard_registry()
        trust = certificates.trust(config, keys.ca, keys.front_proxy)
        self.authentication = authentication.build(
            config, keys=authentication.keys_of(config, keys.service_account), trust=trust, registry=self.registry,
            catalog=self.catalog, client=lambda: self.client, clock=basis.clock, random=basis.random,
            tasks=self._tasks, log=self._log, metrics=basis.metrics,
        )  # fmt: skip
        # The aggregator is part of the chain, and follows APIServices through it.
        self.aggregator = Aggregator(
            self._own_client(self._handle), basis.of("aggregator"), trust=trust,
            certificate=certificates.of_proxy(config, keys.front_proxy), local=tuple(self.catalog),
        )  # fmt: skip
        self._flow_control = self._make_flow_control()
        self._auditor = auditing.build(
            config, clock=basis.clock, random=basis.random, log=self._log, metrics=basis.metrics
        )
        self._handler = self._make_chain(self._make_subresources(usages, decider, components))
        self.client = self._own_client(self._handler)
        self._compactor = Compactor(
            self.store, clock=basis.clock, tasks=self._tasks, log=basis.logs.of("store"),
            retention_s=config.compaction_interval_s,
        )  # fmt: skip
        self._own_controllers = OwnControllers(
            self.client, basis.of("own-controllers", log="apiserver"),
            service_range=config.service_cluster_ip_range, has_identity=config.identity_lease,
        )  # fmt: skip
        self._definitions = Definitions(self.registry, tasks=self._tasks, log=self._log)
        self._files = self._follow_files()
        health_checks.add(
            self.checks, is_writable=lambda: self.store.is_writable, is_started=lambda: self._is_open,
            is_closing=lambda: self.is_closing, is_limited=self._flow_control is not None,
        )  # fmt: skip

    @property
    def components(self) -> list[Component]:
        """What it is a client of itself with, in start order."""
        return [self.aggregator, self._own_controllers]

    # -- parts ---------------------------------------------------------------------------------------------------------

    def _make_catalog(self) -> Catalog:
        config = self.config
        try:
            rows = enablement.served(
                config.kubernetes_version, self.schemas,
                runtime_config=config.runtime_config, feature_gates=config.feature_gates,
            )  # fmt: skip
        except ValueError as error:
            raise ConfigError(str(error)) from None
        return Catalog(rows)

    def _make_registry(self) -> Registry:
        config, basis = self.config, self._basis
        try:
            return Registry(
                store=self.store, catalog=self.catalog, schemas=self.schemas, clock=basis.clock, random=basis.random,
                pool=basis.pool, log=self._log, metrics=basis.metrics, ask=self._ask,
                enable_admission_plugins=config.enable_admission_plugins,
                disable_admission_plugins=config.disable_admission_plugins,
                admission_configuration=admission.load(config.admission_control_config_file),
                service_ip_range=config.service_cluster_ip_range, node_port_range=config.node_ports,
                event_ttl_s=config.event_ttl_s, min_request_timeout_s=float(config.min_request_timeout),
            )  # fmt: skip
        except ValueError as error:
            raise ConfigError(str(error)) from None

    def _guard_registry(self) -> None:
        """Roles with more than the writer has need more than the verb."""
        for kind in escalation.KINDS:
            self.registry.guards[kind.group_resource] = self.authorization.escalation.check

    def _make_flow_control(self) -> FlowControl | None:
        config, basis = self.config, self._basis
        if not config.enable_priority_and_fairness:
            return None
        return FlowControl(
            self.registry, self._own_client(self._handle),
            seats=config.max_requests_inflight + config.max_mutating_requests_inflight,
            clock=basis.clock, random=basis.random.stream("flow-control"), log=self._log, metrics=basis.metrics,
        )  # fmt: skip

    def _make_subresources(
        self,
        usages: Callable[[], UsageSource | None],
        decider: Callable[[], Decider | None],
        components: Callable[[], dict[str, str | None]],
    ) -> Subresources:
        # Nodes of this process tell what they use; those of others have a metrics-server of their own.
        usage = UsageMetrics(usages) if self.config.nodes else None
        if usage is not None:
            for row in usage_metrics.rows(self.schemas):
                self.catalog.add(row)
        who, may = self.authentication, self.authorization
        return Subresources(
            signer=who.signer, token_rules=who.token_rules, tokens=who.tokens, authorizer=may.authorizer,
            policy=may.policy, components=components, usage=usage, decider=decider,
        )  # fmt: skip

    def _make_chain(self, subresources: Subresources) -> Handler:
        config, basis, who = self.config, self._basis, self.authentication
        paths = issuer_paths(
            who.keys,
            issuer=who.signer.issuer,
            address=self._address,
            jwks_uri=config.service_account_jwks_uri,
        )
        if self._flow_control is not None:
            paths |= dumps.paths(self._flow_control)
        return app.build(
            resources=ResourceHandler(self.registry, subresources), catalog=self.catalog, schemas=self.schemas,
            authenticator=who.authenticator, authorizer=self.authorization.authorizer, aggregator=self.aggregator,
            clock=basis.clock, log=self._log, metrics=basis.metrics, checks=self.checks, address=self._address,
            paths=paths, version=config.kubernetes_version, limits=self._limits(), auditor=self._auditor,
            request_timeout_s=config.request_timeout_s, flags=as_flags(config),
        )  # fmt: skip

    def _limits(self) -> list[Filter]:
        config = self.config
        limits = []
        if config.max_open_watches or config.max_open_watches_per_user:
            limits.append(open_watches(config.max_open_watches, config.max_open_watches_per_user))
        if self._flow_control is not None:
            limits.append(flow_control(self._flow_control, request_timeout_s=config.request_timeout_s))
        else:
            limits.append(max_in_flight(config.max_requests_inflight, config.max_mutating_requests_inflight))
        return limits

    def _own_client(self, chain: Handler) -> Client:
        user = authenticated("system:apiserver", (MASTERS,))
        transport = LoopbackTransport(chain, user, clock=self._basis.clock, ids=self._ids)
        return Client(transport, field_manager="kube-apiserver")

    async def _handle(self, request: Request) -> Response:
        """The chain, for those that are made before it."""
        return await self._handler(request)

    async def _ask(self, user: User, info: RequestInfo) -> Decision:
        """For expressions of webhooks and policies."""
        return await self.authorization.authorizer.authorize(user, info)

    def _address(self) -> str:
        return f"{self.config.bind}:{self._port}"

    def is_served(self, resource: Resource) -> bool:
        return self.catalog.get(resource.group, resource.version, resource.plural) is not None

    # -- files that are read again when they change --------------------------------------------------------------------

    def _follow_files(self) -> Files:
        config, basis = self.config, self._basis
        files = Files(
            clock=basis.clock, tasks=self._tasks, log=basis.logs.of("daemon"), metrics=basis.metrics,
            identity=identity_lease.server_id(socket.gethostname()) if config.identity_lease else "",
        )  # fmt: skip
        if (openid := self.authentication.openid) is not None and openid.files:
            files.follow(reloading.AUTHENTICATION, openid.files, openid.reload)
        if self.authorization.files:
            files.follow(reloading.AUTHORIZATION, self.authorization.files, self.authorization.reload)
        if config.proxy_client_cert_file:
            pair = (config.proxy_client_cert_file, config.proxy_client_key_file)
            files.follow("proxy-client", pair, self._reload_proxy_certificate)
        if config.encryption_provider_config_automatic_reload:
            files.follow(reloading.ENCRYPTION, (config.encryption_provider_config,), self._reload_encryption)
        return files

    async def _reload_encryption(self) -> None:
        from kubepy.daemon import encryption

        store = self.store
        assert isinstance(store, EncryptedStore)
        before, now = store.transformer_of, encryption.load(self.config.encryption_provider_config)
        store.use(now)
        self.registry.mark_stale(lambda resource: any(of(resource) is not None for of in (before, now)))

    async def _reload_proxy_certificate(self) -> None:
        certificate = certificates.of_proxy(self.config, None)
        assert certificate is not None, "it is what is followed"
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(*certificate)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"proxy-client-cert-file, proxy-client-key-file: {error}") from None
        self.aggregator.forget_certificate()

    async def _reload_tls(self, tls: ServingTls) -> None:
        trust = certificates.trust(self.config, self._keys.ca, self._keys.front_proxy)
        try:
            tls.reload()
        except OSError as error:
            raise _unusable(tls.files, error) from None
        self.authentication.certificates.trust(trust)
        self.aggregator.trust(trust)

    # -- life ----------------------------------------------------------------------------------------------------------

    async def start(self, port: int) -> None:
        """Write what every cluster has. `port`: where it listens, for its Service."""
        config, finish = self.config, self.checks.finish
        host = bootstrap.advertised(config.bind)
        self._compactor.start()
        await bootstrap.apply(
            self.client, self.catalog, files_dir() / "bootstrap", service_range=config.service_cluster_ip_range,
            host=host, port=port, storage_class=config.default_storage_class, now=self._basis.clock.now(),
        )  # fmt: skip
        finish(health_checks.BOOTSTRAPPED)
        await rbac_policy.reconcile(self.client.named("kube-apiserver"), self._policy)
        finish(health_checks.ROLES)
        if self._flow_control is not None:
            await self._flow_control.start()
            finish(health_checks.LIMITED)
        self._own_controllers.serve_at(host, port)
        await bootstrap.ensure_metrics_service(self.client, is_served=bool(config.nodes))
        await self._definitions.start()
        finish(health_checks.SERVED)

    def open(self) -> None:
        """All components have seen what is there."""
        self.checks.finish(health_checks.AGGREGATED)
        self._files.start()
        self._is_open = True

    async def listen(self, serving: certificates.Serving) -> int:
        """Serve over TLS; returns the port. Raises OSError when it is taken, ConfigError for unusable files."""
        config = self.config
        # Sockets live in the machine's time, whatever the cluster's does.
        server = HttpServer(
            self._handler, clock=RealClock(), ids=self._ids, log=self._log,
            connections_max=config.max_connections or open_files.connections_max(),
        )  # fmt: skip
        try:
            tls = ServingTls(serving.certificate, serving.key, serving.client_cas)
        except OSError as error:
            raise _unusable((serving.certificate, serving.key, *serving.client_cas), error) from None
        self._port = await server.start([config.bind], config.port, tls.context)
        self._server = server
        if certificates.are_foreign(config):
            self._files.follow("tls", tls.files, partial(self._reload_tls, tls))
        self._count(server)
        return self._port

    def _count(self, server: HttpServer) -> None:
        """What clients have open here. Controllers of this process are not among them."""
        counted: tuple[tuple[str, str, Callable[[], float]], ...] = (
            (
                "apiserver_current_inflight_requests",
                "Requests of clients that are not answered yet, without the long-running ones.",
                lambda: server.in_flight,
            ),
            ("apiserver_longrunning_requests", "Watches of clients that are open.", lambda: server.watchers),
            ("kubepy_http_connections", "Connections of clients that are open.", lambda: server.connections),
        )
        for name, help_, read in counted:
            self._basis.metrics.observe(name, help_, read)

    async def close(self) -> None:
        """Nobody writes any more when the registry closes."""
        if self._server is not None:
            await self._server.close()
        if self._flow_control is not None:
            await self._flow_control.close()
        if self._auditor is not None:
            await self._auditor.close()
        await self._tasks.close()
        await self.authentication.close()
        await self.authorization.close()
        await self.registry.close()
        # Last: whoever waits for a webhook belongs to the registry.
        await self._definitions.close()


def _unusable(files: Iterable[Path], error: OSError) -> ConfigError:
    """The library does not say which one it is, if all can be read."""
    unread = [path for path in files if not os.access(path, os.R_OK)]
    return ConfigError(f"{', '.join(dict.fromkeys(map(str, unread or files)))}: {error.strerror or error}")


def _sealed(config: Config, store: Store) -> Store:
    """The store, with values encrypted if the settings say how."""
    if not config.encryption_provider_config:
        return store
    # A cipher takes time to import, and most clusters have none.
    from kubepy.daemon import encryption

    return EncryptedStore(store, encryption.load(config.encryption_provider_config))
