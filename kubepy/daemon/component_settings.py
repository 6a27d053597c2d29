"""Settings of a component that runs as a process of its own: one table, the flags of three commands.

    kubepy controller-manager | scheduler | kubelet --kubeconfig FILE

Names and defaults are upstream's where upstream has them. Everything is a flag; there is no file.
Source: kubernetes 1.36 component-base config/options/leaderelectionconfig.go, cmd/kube-controller-manager/app/options,
cmd/kube-scheduler/app/options, cmd/kubelet/app/options.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from kubepy.api import versions
from kubepy.daemon import scheduler_config
from kubepy.daemon.config import SETTINGS
from kubepy.daemon.config_checks import check_nodes
from kubepy.daemon.settings import (
    ConfigError,
    Setting,
    again,
    duration,
    duration_s,
    file,
    number,
    settings_of,
    switch,
    text,
)

CONTROLLER_MANAGER, SCHEDULER, KUBELET = "controller-manager", "scheduler", "kubelet"
COMPONENTS = (CONTROLLER_MANAGER, SCHEDULER, KUBELET)

# One of several works while the others stand by. One kubelet process plays all simulated nodes, so that holds for it
# too.
LEASES = {
    CONTROLLER_MANAGER: "kube-controller-manager",
    SCHEDULER: "kube-scheduler",
    KUBELET: "kubepy-kubelet",
}

# Source: pkg/cluster/ports/ports.go, pkg/kubelet/apis/config/v1beta1/defaults.go (healthzPort).
HEALTH_PORTS = {CONTROLLER_MANAGER: 10257, SCHEDULER: 10259, KUBELET: 10248}

# Who has a row, where not all have it.
_OF_CONTROLLERS, _OF_SCHEDULER, _OF_KUBELET = (CONTROLLER_MANAGER,), (SCHEDULER,), (KUBELET,)


def _as_in_cluster(name: str, of: tuple[str, ...]) -> Any:
    """What `kubepy up` has under the same name."""
    return again(SETTINGS[name], of=of)


# The certificate and the key of a signer. Source: cmd/kube-controller-manager/app/options/csrsigningcontroller.go.
SIGNERS = {
    "cluster_signing_kubelet_serving": "kubernetes.io/kubelet-serving",
    "cluster_signing_kubelet_client": "kubernetes.io/kube-apiserver-client-kubelet",
    "cluster_signing_kube_apiserver_client": "kubernetes.io/kube-apiserver-client",
    "cluster_signing_legacy_unknown": "kubernetes.io/legacy-unknown",
}
_ALL_SIGNERS = "cluster_signing"


def _certificate(signer: str) -> str:
    return file(f"CA certificate for {signer}", of=_OF_CONTROLLERS)


def _key(signer: str) -> str:
    return file(f"its key for {signer}", of=_OF_CONTROLLERS)


@dataclass(frozen=True, slots=True)
class Settings:
    """What one process is told. `component` is its command; every other field a flag."""

    component: str
    kubeconfig: str = file("how to reach the API server; default $KUBECONFIG, then ~/.kube/config")
    context: str = text("", "context of the kubeconfig; default its current one", "NAME")
    bind_address: str = text("127.0.0.1", "address of the health and metrics endpoint, plain HTTP", "ADDRESS")
    health_port: int = number(
        -1, "port of the health and metrics endpoint; 0 takes a free one, default upstream's", "PORT", most=65535
    )  # fmt: skip
    log_format: str = again(SETTINGS["log-format"])
    log_level: str = again(SETTINGS["log-level"], help="least level on standard output")
    seed: str = text("", "replay randomness (names, jitter) from this seed", "SEED")

    leader_elect: bool = switch(True, "work only while holding the lease; others stand by")
    leader_elect_lease_duration: str = duration(
        "15s", "others wait this long for a leader that is not heard from"
    )
    leader_elect_renew_deadline: str = duration("10s", "a leader that could not renew for this long stops")
    leader_elect_retry_period: str = duration("2s", "time between two attempts to get or keep the lease")
    leader_elect_resource_name: str = text(
        "", "name of the lease; default kube-<command>, for kubelets kubepy-kubelet", "NAME"
    )
    leader_elect_resource_namespace: str = text("kube-system", "namespace of the lease", "NAMESPACE")

    config: str = file(
        "KubeSchedulerConfiguration file; its leaderElection counts where no flag says otherwise", of=_OF_SCHEDULER
    )  # fmt: skip
    controllers: tuple[str, ...] = _as_in_cluster("controllers", _OF_CONTROLLERS)
    root_ca_file: str = file("CA published to every namespace; default the kubeconfig's", of=_OF_CONTROLLERS)
    use_service_account_credentials: bool = switch(
        False, "let each controller write under its own service account, by impersonation", of=_OF_CONTROLLERS
    )
    service_account_private_key_file: str = file(
        "key that signs the tokens of Secrets; without it there are none", of=_OF_CONTROLLERS
    )
    cluster_signing_cert_file: str = _certificate("all signers, if none is given for a single one")
    cluster_signing_key_file: str = _key("all signers, if none is given for a single one")
    cluster_signing_kubelet_serving_cert_file: str = _certificate("kubernetes.io/kubelet-serving")
    cluster_signing_kubelet_serving_key_file: str = _key("kubernetes.io/kubelet-serving")
    cluster_signing_kubelet_client_cert_file: str = _certificate(
        "kubernetes.io/kube-apiserver-client-kubelet"
    )
    cluster_signing_kubelet_client_key_file: str = _key("kubernetes.io/kube-apiserver-client-kubelet")
    cluster_signing_kube_apiserver_client_cert_file: str = _certificate("kubernetes.io/kube-apiserver-client")
    cluster_signing_kube_apiserver_client_key_file: str = _key("kubernetes.io/kube-apiserver-client")
    cluster_signing_legacy_unknown_cert_file: str = _certificate("kubernetes.io/legacy-unknown")
    cluster_signing_legacy_unknown_key_file: str = _key("kubernetes.io/legacy-unknown")
    cluster_signing_duration: str = duration(
        "8760h", "longest life of a certificate that is signed", of=_OF_CONTROLLERS
    )
    allocate_node_cidrs: bool = _as_in_cluster("allocate-node-cidrs", _OF_CONTROLLERS)
    node_cidr_mask_size: int = _as_in_cluster("node-cidr-mask-size", _OF_CONTROLLERS)
    node_cidr_mask_size_ipv4: int = _as_in_cluster("node-cidr-mask-size-ipv4", _OF_CONTROLLERS)
    node_cidr_mask_size_ipv6: int = _as_in_cluster("node-cidr-mask-size-ipv6", _OF_CONTROLLERS)
    service_cluster_ip_range: str = _as_in_cluster("service-cluster-ip-range", _OF_CONTROLLERS)
    load_balancer_addresses: str = _as_in_cluster("load-balancer-addresses", _OF_CONTROLLERS)
    node_monitor_grace_period: str = _as_in_cluster("node-monitor-grace-period", _OF_CONTROLLERS)
    node_startup_grace_period: str = _as_in_cluster("node-startup-grace-period", _OF_CONTROLLERS)
    node_eviction_rate: float = _as_in_cluster("node-eviction-rate", _OF_CONTROLLERS)
    secondary_node_eviction_rate: float = _as_in_cluster("secondary-node-eviction-rate", _OF_CONTROLLERS)
    large_cluster_size_threshold: int = _as_in_cluster("large-cluster-size-threshold", _OF_CONTROLLERS)
    unhealthy_zone_threshold: float = _as_in_cluster("unhealthy-zone-threshold", _OF_CONTROLLERS)
    terminated_pod_gc_threshold: int = _as_in_cluster("terminated-pod-gc-threshold", _OF_CONTROLLERS)

    nodes: int = number(3, "nodes to simulate", least=1, of=_OF_KUBELET)
    node_capacity: str = _as_in_cluster("node-capacity", _OF_KUBELET)
    kubernetes_version: str = text(
        versions.NEWEST, "version that the nodes report", "VERSION", of=_OF_KUBELET
    )
    stages: tuple[str, ...] = _as_in_cluster("stages", _OF_KUBELET)
    metrics_address: str = text(
        "", "serve metrics.k8s.io, and tell the API server to find it there (port 0: a free one)", "HOST:PORT",
        of=_OF_KUBELET,
    )  # fmt: skip
    cluster_cidr: str = _as_in_cluster("cluster-cidr", (CONTROLLER_MANAGER, KUBELET))

    @property
    def name(self) -> str:
        """Upstream's name of the program, and of its lease."""
        return self.component if self.component == KUBELET else f"kube-{self.component}"

    @property
    def lease(self) -> str:
        return self.leader_elect_resource_name or LEASES[self.component]

    @property
    def port(self) -> int:
        return HEALTH_PORTS[self.component] if self.health_port < 0 else self.health_port

    @property
    def kubeconfig_path(self) -> str:
        """The first of $KUBECONFIG counts."""
        return self.kubeconfig or os.environ.get("KUBECONFIG", "").split(os.pathsep)[0] or "~/.kube/config"


_SETTINGS = settings_of(Settings)


def flags_of(component: str) -> dict[str, Setting]:
    """Those of one command, by name, in the table's order."""
    return {name: row for name, row in _SETTINGS.items() if component in (row.of or COMPONENTS)}


def make(component: str, flags: dict[str, Any]) -> Settings:
    """The settings that the given flags (by attribute) make. Raises ConfigError."""
    if config := flags.get("config"):
        flags = scheduler_config.leader_election(scheduler_config.load(config)) | flags
    settings = Settings(component, **flags)
    for row in _SETTINGS.values():
        row.check(getattr(settings, row.attribute))
    _check_leader_election(settings)
    check_nodes(settings)
    _check_signing(settings)
    if settings.metrics_address:
        host_and_port(settings.metrics_address)
    return settings


def host_and_port(address: str) -> tuple[str, int]:
    """Of --metrics-address. Raises ConfigError."""
    host, colon, port = address.rpartition(":")
    if not (host and colon and port.isdigit() and int(port) <= 65535):
        raise ConfigError(f'metrics-address must be like 127.0.0.1:4443, not "{address}"')
    return host, int(port)


def _check_leader_election(settings: Settings) -> None:
    """Source: client-go leaderelection.go, NewLeaderElector."""
    lease = duration_s(settings.leader_elect_lease_duration)
    renew = duration_s(settings.leader_elect_renew_deadline)
    retry = duration_s(settings.leader_elect_retry_period)
    if lease <= renew:
        raise ConfigError("leader-elect-lease-duration must be greater than leader-elect-renew-deadline")
    if renew <= retry * 1.2:
        raise ConfigError("leader-elect-renew-deadline must be greater than leader-elect-retry-period * 1.2")


def signing_files(settings: Settings) -> dict[str, tuple[str, str]]:
    """(certificate, key) by signer. Those for all signers count if none of a single one is given."""
    single = {signer: _pair(settings, name) for name, signer in SIGNERS.items()}
    if any(map(any, single.values())):
        return {signer: pair for signer, pair in single.items() if all(pair)}
    pair = _pair(settings, _ALL_SIGNERS)
    return dict.fromkeys(SIGNERS.values(), pair) if all(pair) else {}


def _pair(settings: Settings, name: str) -> tuple[str, str]:
    return getattr(settings, f"{name}_cert_file"), getattr(settings, f"{name}_key_file")


def _check_signing(settings: Settings) -> None:
    """Source: CSRSigningControllerOptions.Validate."""
    has_single = False
    for name in SIGNERS:
        certificate, key = _pair(settings, name)
        has_single = has_single or bool(certificate or key)
        if bool(certificate) != bool(key):
            missing = "key without cert" if key else "cert without key"
            raise ConfigError(f"{name.replace('_', '-')}: cannot specify {missing}")
    if has_single and any(_pair(settings, _ALL_SIGNERS)):
        raise ConfigError(
            "cannot specify --cluster-signing-{cert,key}-file and other --cluster-signing-*-file flags at the same time"
        )
