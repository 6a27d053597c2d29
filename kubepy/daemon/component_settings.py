"""Settings of a component that runs as a process of its own: one table, the flags of three commands.

    kubepy controller-manager | scheduler | kubelet --kubeconfig FILE

Names and defaults are upstream's where upstream has them. Everything is a flag; there is no file.
Source: kubernetes 1.36 component-base config/options/leaderelectionconfig.go, cmd/kube-controller-manager/app/options,
cmd/kube-scheduler/app/options, cmd/kubelet/app/options.
"""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass, field
from typing import Any

from kubepy.api import versions
from kubepy.daemon import scheduler_config
from kubepy.daemon.config import FIELDS, ConfigError, check_nodes, duration_s

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


def _flag(default: Any, help_: str, *, metavar: str = "", of: tuple[str, ...] = COMPONENTS) -> Any:
    return field(default=default, metadata={"help": help_, "metavar": metavar, "of": of})


def _as_in_cluster(name: str, *, of: tuple[str, ...] = (CONTROLLER_MANAGER,)) -> Any:
    """What `kubepy up` has under the same name."""
    known = FIELDS[name]
    return field(default=known.default, metadata={**known.metadata, "of": of})


# The certificate and the key of a signer. Source: cmd/kube-controller-manager/app/options/csrsigningcontroller.go.
SIGNERS = {
    "cluster_signing_kubelet_serving": "kubernetes.io/kubelet-serving",
    "cluster_signing_kubelet_client": "kubernetes.io/kube-apiserver-client-kubelet",
    "cluster_signing_kube_apiserver_client": "kubernetes.io/kube-apiserver-client",
    "cluster_signing_legacy_unknown": "kubernetes.io/legacy-unknown",
}
_ALL_SIGNERS = "cluster_signing"


def _signing(what: str, signer: str) -> Any:
    return _flag("", f"{what} for {signer}", metavar="FILE", of=(CONTROLLER_MANAGER,))


@dataclass(frozen=True, slots=True)
class Settings:
    """What one process is told. `component` is its command; every other field a flag."""

    component: str
    kubeconfig: str = _flag(
        "", "how to reach the API server; default $KUBECONFIG, then ~/.kube/config", metavar="FILE"
    )
    context: str = _flag("", "context of the kubeconfig; default its current one", metavar="NAME")
    bind_address: str = _flag(
        "127.0.0.1", "address of the health and metrics endpoint, plain HTTP", metavar="ADDRESS"
    )
    health_port: int = _flag(
        -1, "port of the health and metrics endpoint; 0 takes a free one, default upstream's", metavar="PORT"
    )
    log_format: str = _flag("console", "form of the log: console or json", metavar="FORM")
    log_level: str = _flag("info", "least level of the log: debug, info, warning or error", metavar="LEVEL")
    seed: str = _flag("", "replay randomness (names, jitter) from this seed", metavar="SEED")

    leader_elect: bool = _flag(True, "work only while holding the lease; others stand by")
    leader_elect_lease_duration: str = _flag(
        "15s", "others wait this long for a leader that is not heard from", metavar="DURATION"
    )
    leader_elect_renew_deadline: str = _flag(
        "10s", "a leader that could not renew for this long stops", metavar="DURATION"
    )
    leader_elect_retry_period: str = _flag(
        "2s", "time between two attempts to get or keep the lease", metavar="DURATION"
    )
    leader_elect_resource_name: str = _flag(
        "", "name of the lease; default kube-<command>, for kubelets kubepy-kubelet", metavar="NAME"
    )
    leader_elect_resource_namespace: str = _flag("kube-system", "namespace of the lease", metavar="NAMESPACE")

    config: str = _flag(
        "", "KubeSchedulerConfiguration file; its leaderElection counts where no flag says otherwise", metavar="FILE",
        of=(SCHEDULER,),
    )  # fmt: skip
    controllers: tuple[str, ...] = _flag(
        ("*",), "controllers to run: '*' all, 'foo' named, '-foo' all but", metavar="LIST",
        of=(CONTROLLER_MANAGER,),
    )  # fmt: skip
    root_ca_file: str = _flag(
        "", "CA published to every namespace; default the kubeconfig's", metavar="FILE", of=(CONTROLLER_MANAGER,)
    )  # fmt: skip
    use_service_account_credentials: bool = _flag(
        False, "let each controller write under its own service account, by impersonation",
        of=(CONTROLLER_MANAGER,),
    )  # fmt: skip
    service_account_private_key_file: str = _flag(
        "", "key that signs the tokens of Secrets; without it there are none", metavar="FILE", of=(CONTROLLER_MANAGER,)
    )  # fmt: skip
    cluster_signing_cert_file: str = _signing(
        "CA certificate", "all signers, if none is given for a single one"
    )
    cluster_signing_key_file: str = _signing("its key", "all signers, if none is given for a single one")
    cluster_signing_kubelet_serving_cert_file: str = _signing(
        "CA certificate", "kubernetes.io/kubelet-serving"
    )
    cluster_signing_kubelet_serving_key_file: str = _signing("its key", "kubernetes.io/kubelet-serving")
    cluster_signing_kubelet_client_cert_file: str = _signing(
        "CA certificate", "kubernetes.io/kube-apiserver-client-kubelet"
    )
    cluster_signing_kubelet_client_key_file: str = _signing(
        "its key", "kubernetes.io/kube-apiserver-client-kubelet"
    )
    cluster_signing_kube_apiserver_client_cert_file: str = _signing(
        "CA certificate", "kubernetes.io/kube-apiserver-client"
    )
    cluster_signing_kube_apiserver_client_key_file: str = _signing(
        "its key", "kubernetes.io/kube-apiserver-client"
    )
    cluster_signing_legacy_unknown_cert_file: str = _signing("CA certificate", "kubernetes.io/legacy-unknown")
    cluster_signing_legacy_unknown_key_file: str = _signing("its key", "kubernetes.io/legacy-unknown")
    cluster_signing_duration: str = _flag(
        "8760h", "longest life of a certificate that is signed", metavar="DURATION", of=(CONTROLLER_MANAGER,)
    )
    allocate_node_cidrs: bool = _as_in_cluster("allocate-node-cidrs")
    node_cidr_mask_size: int = _as_in_cluster("node-cidr-mask-size")
    service_cluster_ip_range: str = _as_in_cluster("service-cluster-ip-range")
    load_balancer_addresses: str = _as_in_cluster("load-balancer-addresses")
    node_monitor_grace_period: str = _as_in_cluster("node-monitor-grace-period")
    node_startup_grace_period: str = _as_in_cluster("node-startup-grace-period")
    node_eviction_rate: float = _as_in_cluster("node-eviction-rate")
    secondary_node_eviction_rate: float = _as_in_cluster("secondary-node-eviction-rate")
    large_cluster_size_threshold: int = _as_in_cluster("large-cluster-size-threshold")
    unhealthy_zone_threshold: float = _as_in_cluster("unhealthy-zone-threshold")
    terminated_pod_gc_threshold: int = _as_in_cluster("terminated-pod-gc-threshold")

    nodes: int = _flag(3, "nodes to simulate", metavar="N", of=(KUBELET,))
    node_capacity: str = _flag(
        "", "what each node has, like cpu=4,memory=16Gi,pods=50", metavar="LIST", of=(KUBELET,)
    )
    kubernetes_version: str = _flag(
        versions.NEWEST, "version that the nodes report", metavar="VERSION", of=(KUBELET,)
    )
    stages: tuple[str, ...] = _flag(
        ("fast",), "how pods live: sets (fast, realistic, heartbeat, chaos), files, directories",
        metavar="LIST", of=(KUBELET,),
    )  # fmt: skip
    cluster_cidr: str = _as_in_cluster("cluster-cidr", of=(CONTROLLER_MANAGER, KUBELET))

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


def flags_of(component: str) -> dict[str, dataclasses.Field[Any]]:
    """Flag name -> field, in the table's order."""
    return {
        known.name.replace("_", "-"): known
        for known in dataclasses.fields(Settings)
        if component in known.metadata.get("of", ())
    }


def make(component: str, flags: dict[str, Any]) -> Settings:
    """The settings that the given flags (by field name) make. Raises ConfigError."""
    if config := flags.get("config"):
        flags = scheduler_config.leader_election(scheduler_config.load(config)) | flags
    settings = Settings(component, **flags)
    lease, renew, retry = (
        duration_s(getattr(settings, f"leader_elect_{name}"), f"leader-elect-{name.replace('_', '-')}")
        for name in ("lease_duration", "renew_deadline", "retry_period")
    )
    # Source: client-go leaderelection.go, NewLeaderElector.
    if lease <= renew:
        raise ConfigError("leader-elect-lease-duration must be greater than leader-elect-renew-deadline")
    if renew <= retry * 1.2:
        raise ConfigError("leader-elect-renew-deadline must be greater than leader-elect-retry-period * 1.2")
    if settings.log_format not in ("console", "json"):
        raise ConfigError(f'log-format must be one of console, json, not "{settings.log_format}"')
    if settings.log_level not in ("debug", "info", "warning", "error"):
        raise ConfigError(f'log-level must be one of debug, info, warning, error, not "{settings.log_level}"')
    if settings.nodes < 1:
        raise ConfigError(f"nodes must be 1 or more, not {settings.nodes}")
    if settings.health_port > 65535:
        raise ConfigError(f"health-port must be 0 to 65535, not {settings.health_port}")
    check_nodes(settings)
    duration_s(settings.cluster_signing_duration, "cluster-signing-duration")
    _check_signing(settings)
    return settings


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
