"""The control plane as one object: every component, built in the order of its needs, started and stopped.

    plane = ControlPlane(config, store, service_account_key=pem, ca=pem, clock=..., random=..., logs=..., metrics=...)
    await plane.start(progress)                 API server (in this process), bootstrap objects, components
    port = await plane.listen(certificate, key, client_ca)     ... and on the network, if wanted
    await plane.close()

Composition only: nothing here decides anything a user could see. Ten of these live happily in one process;
the store is its opener's to close.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from kubepy import __version__
from kubepy.api import enablement
from kubepy.api import metrics as usage_metrics
from kubepy.api.builtins import Catalog
from kubepy.api.objects import DocumentPool
from kubepy.api.resources import Resource
from kubepy.api.schema import Schemas
from kubepy.apiserver import app
from kubepy.apiserver.aggregation.aggregator import Aggregator
from kubepy.apiserver.aggregation.connections import ClientCertificate
from kubepy.apiserver.aggregation.trust import Trust
from kubepy.apiserver.authn import MASTERS, authenticated
from kubepy.apiserver.authn.issuer import paths as issuer_paths
from kubepy.apiserver.authz import Decision, escalation, param_references
from kubepy.apiserver.authz.param_references import ParamReferences
from kubepy.apiserver.crds.definitions import Definitions
from kubepy.apiserver.filters import Filter
from kubepy.apiserver.filters.flow_control import flow_control, max_in_flight
from kubepy.apiserver.filters.open_watches import open_watches
from kubepy.apiserver.flowcontrol import dumps
from kubepy.apiserver.flowcontrol.controller import FlowControl
from kubepy.apiserver.handlers.dispatch import ResourceHandler
from kubepy.apiserver.handlers.subresources import Subresources
from kubepy.apiserver.handlers.usage import UsageMetrics, UsageSource
from kubepy.apiserver.loopback import LoopbackTransport
from kubepy.apiserver.registry.registry import Registry
from kubepy.apiserver.request import Request, RequestIds, RequestInfo, Response, User
from kubepy.apiserver.server import HttpServer
from kubepy.apiserver.tls import ServingTls
from kubepy.client.client import Client
from kubepy.controllers.certificate_requests import Authority
from kubepy.controllers.discovery import Aggregated
from kubepy.controllers.manager import ControllerManager
from kubepy.daemon import (
    admission,
    auditing,
    authentication,
    authorization,
    bootstrap,
    health_checks,
    identity_lease,
    node_options,
    open_files,
    rbac_policy,
    reloading,
    scheduler_config,
    stage_sets,
)
from kubepy.daemon.config import Config, files_dir
from kubepy.daemon.own_controllers import OwnControllers
from kubepy.daemon.pki import FrontProxy
from kubepy.daemon.reloading import Files
from kubepy.daemon.settings import ConfigError
from kubepy.kubelet.kubelet import Kubelet
from kubepy.kubelet.stage_documents import StageError
from kubepy.lib.aio import Tasks, reported_to
from kubepy.lib.clock import Clock, RealClock
from kubepy.lib.random import Random
from kubepy.observability.health import Checks
from kubepy.observability.logs import Logs
from kubepy.observability.metrics import Metrics
from kubepy.scheduler.scheduler import Scheduler
from kubepy.store.base import Store
from kubepy.store.compact import Compactor
from kubepy.store.encrypted import EncryptedStore

Progress = Callable[[str], None]


def quiet(what: str) -> None:
    """A Progress for those who do not look."""


class Component(Protocol):
    """What talks to the cluster through a Client and lives as long as it."""

    async def start(self) -> None: ...

    async def wait_synced(self) -> None:
        """Until it has seen everything that is there."""

    async def close(self) -> None: ...


class ControlPlane:
    """One cluster. Raises ConfigError for settings that name what is not there."""

    def __init__(
        self,
        config: Config,
        store: Store,
        *,
        service_account_key: bytes,
        ca: bytes,
        clock: Clock,
        random: Random,
        logs: Logs,
        metrics: Metrics,
        front_proxy: FrontProxy | None = None,
        authority: Authority | None = None,
    ) -> None:
        if config.encryption_provider_config:
            # A cipher takes time to import, and most clusters have none.
            from kubepy.daemon import encryption

            store = EncryptedStore(store, encryption.load(config.encryption_provider_config))
        self.config, self.store = config, store
        # One seed, but each start of the same store draws its own: no uid may come twice.
        random = random.stream(f"revision-{store.revision}")
        self.clock, self.random, self.logs, self.metrics = clock, random, logs, metrics
        self._ca, self._authority = ca, authority
        self.checks = Checks()
        self.pool = DocumentPool()
        self.schemas = Schemas(config.kubernetes_version)
        try:
            self.catalog = Catalog(
                enablement.served(
                    config.kubernetes_version, self.schemas,
                    runtime_config=config.runtime_config, feature_gates=config.feature_gates,
                )
            )  # fmt: skip
        except ValueError as error:
            raise ConfigError(str(error)) from None
        self._log = logs.of("daemon")
        self._tasks = Tasks(reported_to(self._log))
        self._files = Files(
            clock=clock, tasks=self._tasks, log=self._log, metrics=metrics,
            identity=identity_lease.server_id(socket.gethostname()) if config.identity_lease else "",
        )  # fmt: skip
        self._ids = RequestIds(random)
        self._server: HttpServer | None = None
        self._port = config.port
        low, _, high = config.service_node_port_range.partition("-")
        try:
            self.registry = Registry(
                store=store, catalog=self.catalog, schemas=self.schemas, clock=clock, random=random, pool=self.pool,
                log=logs.of("apiserver"), metrics=metrics, ask=self._ask,
                enable_admission_plugins=config.enable_admission_plugins,
                disable_admission_plugins=config.disable_admission_plugins,
                admission_configuration=admission.load(config.admission_control_config_file),
                service_ip_range=config.service_cluster_ip_range, event_ttl_s=config.event_ttl_s,
                node_port_range=(int(low), int(high)), min_request_timeout_s=float(config.min_request_timeout),
            )  # fmt: skip
        except ValueError as error:
            raise ConfigError(str(error)) from None
        self._rbac_policy = rbac_policy.objects(
            files_dir() / "bootstrap" / "rbac", {row.group_resource for row in self.catalog}
        )
        self._authorization = may = authorization.Authorization(
            config,
            caches=self.registry,
            catalog=self.catalog,
            policy=self._rbac_policy,
            clock=clock,
            random=random,
            metrics=metrics,
        )
        authorizer = may.authorizer
        for kind in escalation.KINDS:
            self.registry.guards[kind.group_resource] = may.escalation.check
        references = ParamReferences(self._ask, self.catalog, self.registry)
        for kind in param_references.KINDS:
            self.registry.guards[kind.group_resource] = references.check
        self._front_proxy = front_proxy
        trust = _trust(config, ca, front_proxy)
        self._authentication = who = authentication.build(
            config, keys=authentication.keys_of(config, service_account_key), trust=trust, registry=self.registry,
            catalog=self.catalog, client=lambda: self.client, clock=clock, random=random, tasks=self._tasks,
            log=logs.of("apiserver"),
        )  # fmt: skip
        self.signer = who.signer
        # The aggregator is part of the chain, and follows APIServices through it.
        own = LoopbackTransport(
            self._handle, authenticated("system:apiserver", (MASTERS,)), clock=clock, ids=self._ids
        )
        self._aggregator = Aggregator(
            Client(own, field_manager="kube-aggregator"),
            clock=clock, random=random.stream("aggregator"), log=logs.of("aggregator"), metrics=metrics, pool=self.pool,
            trust=trust, certificate=_proxy_certificate(config, front_proxy), local=tuple(self.catalog),
        )  # fmt: skip
        self._kubelet: Kubelet | None = None
        self._scheduler: Scheduler | None = None
        # Nodes of this process tell what they use; those of others have a metrics-server of their own.
        usage = UsageMetrics(self._usages) if config.nodes else None
        if usage is not None:
            for row in usage_metrics.rows(self.schemas):
                self.catalog.add(row)
        subresources = Subresources(
            signer=who.signer,
            token_rules=who.token_rules,
            tokens=who.tokens,
            authorizer=authorizer,
            policy=may.policy,
            components=self._component_health,
            usage=usage,
            decider=lambda: self._scheduler,
        )
        self._flow_control = self._make_flow_control(own)
        self._auditor = auditing.build(
            config, clock=clock, random=random, log=logs.of("apiserver"), metrics=metrics
        )
        self._handler = app.build(
            resources=ResourceHandler(self.registry, subresources),
            catalog=self.catalog, schemas=self.schemas,
            authenticator=who.authenticator, authorizer=authorizer, aggregator=self._aggregator,
            clock=clock, log=logs.of("apiserver"), metrics=metrics, checks=self.checks,
            address=self._address, paths=issuer_paths(
                who.keys, issuer=who.signer.issuer, address=self._address,
                jwks_uri=config.service_account_jwks_uri,
            ) | (dumps.paths(self._flow_control) if self._flow_control is not None else {}),
            version=config.kubernetes_version, limits=self._limits(), auditor=self._auditor,
            request_timeout_s=config.request_timeout_s,
        )  # fmt: skip
        self._transport = LoopbackTransport(
            self._handler, authenticated("system:apiserver", (MASTERS,)), clock=clock, ids=self._ids
        )
        self.client = Client(self._transport, field_manager="kubepy")
        self._compactor = Compactor(
            store,
            clock=clock,
            tasks=self._tasks,
            log=logs.of("store"),
            retention_s=config.compaction_interval_s,
        )
        self._own_controllers = OwnControllers(
            self.client, clock=clock, random=random.stream("own-controllers"), log=logs.of("apiserver"),
            metrics=metrics, pool=self.pool, service_range=config.service_cluster_ip_range,
            has_identity=config.identity_lease,
        )  # fmt: skip
        self._definitions = Definitions(self.registry, tasks=self._tasks, log=logs.of("apiserver"))
        self._components = self._make_components()
        self._follow_files()
        self._is_started = False
        self._is_closing = False
        health_checks.add(
            self.checks,
            is_writable=lambda: store.is_writable,
            is_started=lambda: self._is_started,
            is_closing=lambda: self._is_closing,
            is_limited=self._flow_control is not None,
        )

    # -- parts ---------------------------------------------------------------------------------------------------

    async def _handle(self, request: Request) -> Response:
        return await self._handler(request)

    def _make_flow_control(self, transport: LoopbackTransport) -> FlowControl | None:
        config = self.config
        if not config.enable_priority_and_fairness:
            return None
        return FlowControl(
            self.registry, Client(transport, field_manager="kube-apiserver"),
            seats=config.max_requests_inflight + config.max_mutating_requests_inflight,
            clock=self.clock, random=self.random.stream("flow-control"), log=self.logs.of("apiserver"),
            metrics=self.metrics,
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

    def _address(self) -> str:
        return f"{self.config.bind}:{self._port}"

    def _usages(self) -> UsageSource | None:
        return self._kubelet.usages if self._kubelet is not None else None

    def _component_health(self) -> dict[str, str | None]:
        """Under the names that upstream's componentstatuses have."""
        return {
            "controller-manager": None if self.config.controllers else "runs elsewhere",
            "etcd-0": None if self.store.is_writable else "the store cannot write",
            "scheduler": None if self.config.scheduler == "on" else "runs elsewhere",
        }

    def _aggregated(self) -> Aggregated:
        """For the controllers that work on all kinds: those of the servers behind this one."""
        return Aggregated(*self._aggregator.routes.resources())

    def _is_served(self, resource: Resource) -> bool:
        return self.catalog.get(resource.group, resource.version, resource.plural) is not None

    def _make_components(self) -> list[Component]:
        """In start order."""
        config, clock, random, metrics = self.config, self.clock, self.random, self.metrics
        components: list[Component] = [self._aggregator, self._own_controllers]
        try:
            if config.controllers:
                components.append(
                    ControllerManager(
                        self.client,
                        clock=clock,
                        random=random.stream("controller-manager"),
                        log=self.logs.of("controller-manager"),
                        metrics=metrics,
                        root_ca=self._ca,
                        nodes=node_options.of(config),
                        authorities=self._authority.for_all_signers() if self._authority else None,
                        sign_token=self.signer.sign_legacy,
                        load_balancer_addresses=self.config.load_balancer_addresses,
                        schemas=self.schemas,
                        resources=lambda: self.catalog,
                        is_served=self._is_served,
                        aggregated=self._aggregated,
                        enabled=config.controllers,
                        pool=self.pool,
                    )
                )
        except ValueError as error:
            raise ConfigError(f"controllers: {error}") from None
        if config.scheduler == "on":
            client = self.client.named("kube-scheduler", user="system:kube-scheduler")
            try:
                self._scheduler = Scheduler(
                    client,
                    clock=clock,
                    random=random.stream("scheduler"),
                    log=self.logs.of("scheduler"),
                    metrics=metrics,
                    configuration=scheduler_config.load(config.scheduler_config),
                    is_served=self._is_served,
                    pool=self.pool,
                )
            except ValueError as error:
                raise ConfigError(f"scheduler-config: {error}") from None
            components.append(self._scheduler)
        if config.nodes:
            try:
                self._kubelet = Kubelet(
                    self.client,
                    clock=clock,
                    random=random.stream("kubelet"),
                    log=self.logs.of("kubelet"),
                    metrics=metrics,
                    count=config.nodes,
                    version=__version__,
                    kubernetes_version=config.kubernetes_version,
                    stage_paths=stage_sets.paths_of(config.stages),
                    capacity=stage_sets.capacity_of(config.node_capacity),
                    cluster_cidr=config.cluster_cidr,
                    pool=self.pool,
                )
            except StageError as error:
                raise ConfigError(f"stages: {error}") from None
            components.append(self._kubelet)
        return components

    # -- files that are read again when they change ----------------------------------------------------------------

    def _follow_files(self) -> None:
        config = self.config
        if (openid := self._authentication.openid) is not None and openid.files:
            self._files.follow(reloading.AUTHENTICATION, openid.files, openid.reload)
        if files := self._authorization.files:
            self._files.follow(reloading.AUTHORIZATION, files, self._authorization.reload)
        if config.proxy_client_cert_file:
            files = (config.proxy_client_cert_file, config.proxy_client_key_file)
            self._files.follow("proxy-client", files, self._reload_proxy_certificate)
        if config.encryption_provider_config_automatic_reload:
            files = (config.encryption_provider_config,)
            self._files.follow(reloading.ENCRYPTION, files, self._reload_encryption)

    async def _reload_encryption(self) -> None:
        from kubepy.daemon import encryption

        store = self.store
        assert isinstance(store, EncryptedStore)
        before, now = store.transformer_of, encryption.load(self.config.encryption_provider_config)
        store.use(now)
        self.registry.mark_stale(lambda resource: any(of(resource) is not None for of in (before, now)))

    async def _reload_proxy_certificate(self) -> None:
        certificate = _proxy_certificate(self.config, None)
        assert certificate is not None, "it is what is followed"
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(*certificate)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"proxy-client-cert-file, proxy-client-key-file: {error}") from None
        self._aggregator.forget_certificate()

    async def _reload_tls(self, tls: ServingTls) -> None:
        trust = _trust(self.config, self._ca, self._front_proxy)
        try:
            tls.reload()
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"{', '.join(map(str, tls.files))}: {error}") from None
        self._authentication.certificates.trust(trust)
        self._aggregator.trust(trust)

    # -- life ----------------------------------------------------------------------------------------------------

    async def start(self, progress: Progress = quiet, *, port: int = 443) -> None:
        """Write what every cluster has, then start the components. `port`: of the API server, for its Service."""
        progress("loading")
        self._compactor.start()
        await bootstrap.apply(
            self.client, self.catalog, files_dir() / "bootstrap",
            service_range=self.config.service_cluster_ip_range, host=bootstrap.advertised(self.config.bind), port=port,
            storage_class=self.config.default_storage_class, now=self.clock.now(),
        )  # fmt: skip
        finish = self.checks.finish
        finish(*health_checks.BOOTSTRAPPED)
        await rbac_policy.reconcile(self.client.named("kube-apiserver"), self._rbac_policy)
        finish(health_checks.ROLES)
        if self._flow_control is not None:
            await self._flow_control.start()
            finish(*health_checks.LIMITED)
        self._own_controllers.serve_at(bootstrap.advertised(self.config.bind), port)
        await bootstrap.ensure_metrics_service(self.client, is_served=bool(self.config.nodes))
        await self._definitions.start()
        finish(*health_checks.SERVED)
        for component in self._components:
            await component.start()
        progress("reading what is there")
        for component in self._components:
            await component.wait_synced()
        finish(*health_checks.AGGREGATED)
        self._files.start()
        self._is_started = True

    async def listen(self, certificate: Path, key: Path, client_ca: Sequence[Path]) -> int:
        """Serve over TLS; returns the port. Raises OSError when it is taken."""
        # Sockets live in the machine's time, whatever the cluster's does.
        server = HttpServer(
            self._handler, clock=RealClock(), ids=self._ids, log=self.logs.of("apiserver"),
            connections_max=self.config.max_connections or open_files.connections_max(),
        )  # fmt: skip
        tls = ServingTls(certificate, key, client_ca)
        port = await server.start([self.config.bind], self.config.port, tls.context)
        self._server, self._port = server, port
        if _has_foreign_certificates(self.config):
            self._files.follow("tls", tls.files, partial(self._reload_tls, tls))
        self._count(server)
        return port

    def _count(self, server: HttpServer) -> None:
        """What clients have open here. Controllers of this process are not among them."""
        counted: tuple[tuple[str, str, Callable[[], float]], ...] = (
            (
                "apiserver_current_inflight_requests",
                "Requests of clients that are not answered yet, without the long-running ones.",
                lambda: server.in_flight,
            ),
            (
                "apiserver_longrunning_requests",
                "Watches of clients that are open.",
                lambda: server.watchers,
            ),
            ("kubepy_http_connections", "Connections of clients that are open.", lambda: server.connections),
        )
        for name, help_, read in counted:
            self.metrics.observe(name, help_, read)

    async def close(self) -> None:
        """In reverse order: nobody writes any more when the registry closes."""
        self._is_closing = True
        for component in reversed(self._components):
            await component.close()
        if self._server is not None:
            await self._server.close()
        if self._flow_control is not None:
            await self._flow_control.close()
        if self._auditor is not None:
            await self._auditor.close()
        await self._tasks.close()
        await self._authentication.close()
        await self._authorization.close()
        await self.registry.close()
        # Last: whoever waits for a webhook belongs to the registry.
        await self._definitions.close()

    async def _ask(self, user: User, info: RequestInfo) -> Decision:
        """For expressions of webhooks and policies."""
        return await self._authorization.authorizer.authorize(user, info)


def _has_foreign_certificates(config: Config) -> bool:
    """Whether one is somebody else's to keep, and to change; the cluster's own stay as they are."""
    return bool(config.tls_cert_file or config.client_ca_file or config.requestheader_client_ca_file)


def _trust(config: Config, ca: bytes, front_proxy: FrontProxy | None) -> Trust:
    """Whose certificates and headers this server believes; published for aggregated servers. Raises ConfigError."""
    of_proxies = front_proxy.ca.decode() if front_proxy else ""
    return Trust(
        client_ca=ca.decode() + _text(config.client_ca_file, "client-ca-file"),
        request_header_ca=_text(config.requestheader_client_ca_file, "requestheader-client-ca-file")
        or of_proxies,
        allowed_names=config.requestheader_allowed_names,
        username_headers=config.requestheader_username_headers,
        uid_headers=config.requestheader_uid_headers,
        group_headers=config.requestheader_group_headers,
        extra_prefixes=config.requestheader_extra_headers_prefix,
    )


def _text(path: str, setting: str) -> str:
    """A file's content, "" if none is named."""
    try:
        return Path(path).expanduser().read_text() if path else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{setting}: {error}") from None


def _proxy_certificate(config: Config, front_proxy: FrontProxy | None) -> ClientCertificate | None:
    if config.proxy_client_cert_file:
        return ClientCertificate(
            Path(config.proxy_client_cert_file).expanduser(), Path(config.proxy_client_key_file).expanduser()
        )
    return ClientCertificate(front_proxy.certificate, front_proxy.key) if front_proxy else None
