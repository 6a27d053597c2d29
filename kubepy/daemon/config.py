"""Settings: one table, three doors.

Each field of `Config` is a key of `config/kubepy.yaml`, a flag of `kubepy up` and a line in the
documentation, under one name (kebab-case, upstream's where upstream has it). Precedence: flag, file, default.
A wrong key, type or value is a `ConfigError`: one sentence that names file, line and the nearest right key.
"""

from __future__ import annotations

import dataclasses
import difflib
import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubepy.api import versions
from kubepy.lib import yaml


class ConfigError(Exception):
    """One sentence for a person."""


def _key(default: Any, help_: str, *, choices: tuple[str, ...] = (), metavar: str = "") -> Any:
    return field(default=default, metadata={"help": help_, "choices": choices, "metavar": metavar})


@dataclass(frozen=True, slots=True)
class Config:
    """All settings, with their defaults. Tuples are comma-separated on the command line and lists in the file."""

    name: str = _key(
        "default", "cluster name; several clusters live side by side on one machine", metavar="NAME"
    )
    data_dir: str = _key("", "where the cluster lives; default ~/.kubepy/NAME", metavar="DIR")
    ephemeral: bool = _key(False, "keep everything in memory; nothing survives a stop")
    bind: str = _key("127.0.0.1", "address the API server listens on", metavar="ADDRESS")
    port: int = _key(6443, "port the API server listens on; 0 takes a free one", metavar="PORT")
    kubernetes_version: str = _key(
        versions.NEWEST, "version of Kubernetes to be: its kinds, schemas and name", choices=versions.VERSIONS
    )
    runtime_config: tuple[str, ...] = _key(
        (), "API versions and resources to serve or not: scheduling.k8s.io/v1beta1=true", metavar="LIST"
    )
    feature_gates: tuple[str, ...] = _key(
        (), "features to turn on or off: GenericWorkload=true", metavar="LIST"
    )
    nodes: int = _key(3, "simulated nodes; 0: nothing runs pods", metavar="N")
    log_format: str = _key("console", "form of the log on standard output", choices=("console", "json"))
    log_level: str = _key(
        "info",
        "least level on standard output and in kubepy.log",
        choices=("debug", "info", "warning", "error"),
    )
    seed: str = _key(
        "",
        "replay randomness (uids, names, jitter) from this seed; for tests, never for secrets",
        metavar="SEED",
    )

    controllers: tuple[str, ...] = _key(
        ("*",), "controllers to run: '*' all, 'foo' named, '-foo' all but", metavar="LIST"
    )
    scheduler: str = _key("on", "run the scheduler", choices=("on", "off"))
    scheduler_config: str = _key(
        "", "KubeSchedulerConfiguration file: profiles, plugins, extenders", metavar="FILE"
    )

    token_auth_file: str = _key(
        "", 'CSV of static bearer tokens: token,user,uid,"group1,group2"', metavar="FILE"
    )
    client_ca_file: str = _key("", "more CAs whose client certificates are accepted", metavar="FILE")
    requestheader_client_ca_file: str = _key(
        "",
        "CA of front proxies, which say who asks in headers; default the cluster's own front-proxy-ca.crt",
        metavar="FILE",
    )
    requestheader_allowed_names: tuple[str, ...] = _key(
        ("front-proxy-client",),
        "common names of front proxies' certificates; none given: any of their CA",
        metavar="LIST",
    )
    requestheader_username_headers: tuple[str, ...] = _key(
        ("X-Remote-User",), "headers in which front proxies name the user", metavar="LIST"
    )
    requestheader_uid_headers: tuple[str, ...] = _key(
        ("X-Remote-Uid",), "headers in which front proxies name the user's uid", metavar="LIST"
    )
    requestheader_group_headers: tuple[str, ...] = _key(
        ("X-Remote-Group",), "headers in which front proxies name the user's groups", metavar="LIST"
    )
    requestheader_extra_headers_prefix: tuple[str, ...] = _key(
        ("X-Remote-Extra-",),
        "how headers begin in which front proxies say more of the user",
        metavar="LIST",
    )
    proxy_client_cert_file: str = _key(
        "",
        "certificate shown to aggregated API servers; default the cluster's own front-proxy-client.crt",
        metavar="FILE",
    )
    proxy_client_key_file: str = _key("", "key of proxy-client-cert-file", metavar="FILE")
    anonymous_auth: bool = _key(
        False, "let requests without credentials in as system:anonymous; health checks always are"
    )
    authorization_mode: tuple[str, ...] = _key(
        ("Node", "RBAC"),
        "authorizers in order: Node, RBAC, Webhook, AlwaysAllow, AlwaysDeny",
        metavar="LIST",
    )
    authorization_config: str = _key(
        "", "AuthorizationConfiguration: authorizers in order, webhooks with their conditions", metavar="FILE"
    )
    authorization_webhook_config_file: str = _key(
        "", "kubeconfig of the service that mode Webhook asks", metavar="FILE"
    )
    authorization_webhook_version: str = _key(
        "v1beta1", "version of the SubjectAccessReviews sent to that service", choices=("v1", "v1beta1")
    )
    authorization_webhook_cache_authorized_ttl: str = _key(
        "5m", "how long its yes is believed", metavar="DURATION"
    )
    authorization_webhook_cache_unauthorized_ttl: str = _key(
        "30s", "how long anything else it says is believed", metavar="DURATION"
    )
    enable_admission_plugins: tuple[str, ...] = _key(
        ("NodeRestriction",), "admission plugins to run beside the default ones", metavar="LIST"
    )
    disable_admission_plugins: tuple[str, ...] = _key(
        (), "default admission plugins not to run", metavar="LIST"
    )
    admission_control_config_file: str = _key(
        "", "AdmissionConfiguration: what single admission plugins are to know", metavar="FILE"
    )
    tls_cert_file: str = _key(
        "", "serve with this certificate instead of one from the cluster's own CA", metavar="FILE"
    )
    tls_private_key_file: str = _key("", "key of tls-cert-file", metavar="FILE")
    service_account_issuer: tuple[str, ...] = _key(
        ("https://kubernetes.default.svc.cluster.local",),
        "issuer of service account tokens; tokens of further ones are accepted, too",
        metavar="LIST",
    )
    service_account_signing_key_file: str = _key(
        "", "key that signs service account tokens; default the cluster's own sa.key", metavar="FILE"
    )
    service_account_key_file: tuple[str, ...] = _key(
        (), "more keys, public or private, whose service account tokens are accepted", metavar="LIST"
    )
    service_account_jwks_uri: str = _key(
        "", "where others find the keys of service account tokens; default this server", metavar="URL"
    )
    service_account_max_token_expiration: str = _key(
        "0s", "longest life of a service account token; 0s: as long as is asked for", metavar="DURATION"
    )
    service_account_extend_token_expiration: bool = _key(
        True, "let pods' projected tokens live a year, and note when they are used beyond their hour"
    )
    api_audiences: tuple[str, ...] = _key(
        (), "audiences of this API server; default the issuer of service account tokens", metavar="LIST"
    )
    enable_bootstrap_token_auth: bool = _key(
        True, "accept the tokens of Secrets of type bootstrap.kubernetes.io/token in kube-system"
    )
    authentication_config: str = _key(
        "", "AuthenticationConfiguration: JWT issuers (OIDC), and for whom anonymous is on", metavar="FILE"
    )
    oidc_issuer_url: str = _key(
        "", "OpenID issuer whose tokens are accepted, without a file; only https", metavar="URL"
    )
    oidc_client_id: str = _key("", "audience that its tokens must be for", metavar="ID")
    oidc_ca_file: str = _key("", "CA of its certificate; default the system's", metavar="FILE")
    oidc_username_claim: str = _key("sub", "claim that is the user's name", metavar="CLAIM")
    oidc_username_prefix: str = _key(
        "", "what is put before names; default the issuer and #, but for email; -: nothing", metavar="PREFIX"
    )
    oidc_groups_claim: str = _key("", "claim that is the user's group or groups", metavar="CLAIM")
    oidc_groups_prefix: str = _key("", "what is put before groups", metavar="PREFIX")
    oidc_signing_algs: tuple[str, ...] = _key(
        ("RS256",), "signatures that are accepted: RS256, ES384, PS512 and their like", metavar="LIST"
    )
    oidc_required_claim: tuple[str, ...] = _key(
        (), "claims, with their values, that a token must have: claim=value", metavar="LIST"
    )
    authentication_token_webhook_config_file: str = _key(
        "", "kubeconfig of a service that reviews bearer tokens", metavar="FILE"
    )
    authentication_token_webhook_version: str = _key(
        "v1beta1", "version of the TokenReviews sent to that service", choices=("v1", "v1beta1")
    )
    authentication_token_webhook_cache_ttl: str = _key(
        "2m", "how long its answers are believed", metavar="DURATION"
    )
    enable_priority_and_fairness: bool = _key(
        True, "share the server's seats fairly by FlowSchemas; off: just count requests in flight"
    )
    audit_policy_file: str = _key(
        "", "audit Policy: which requests are recorded, and how much of each", metavar="FILE"
    )
    audit_log_path: str = _key("", "write audit events to this file; - is standard output", metavar="FILE")
    audit_log_format: str = _key("json", "form of its lines", choices=("json", "legacy"))
    audit_log_mode: str = _key(
        "blocking",
        "strict: a request that cannot be recorded is not served",
        choices=("blocking", "blocking-strict"),
    )
    audit_log_maxage: int = _key(366, "days that old files of it are kept; 0: any", metavar="DAYS")
    audit_log_maxbackup: int = _key(100, "old files of it that are kept; 0: any number", metavar="N")
    audit_log_maxsize: int = _key(100, "size at which it is rotated; 0: never", metavar="MEGABYTES")
    audit_log_truncate_enabled: bool = _key(False, "leave bodies out of events that are too large for it")
    audit_log_truncate_max_event_size: int = _key(102400, "what is too large", metavar="BYTES")
    audit_webhook_config_file: str = _key(
        "", "kubeconfig of a service that gets audit events", metavar="FILE"
    )
    audit_webhook_mode: str = _key(
        "batch",
        "how it gets them; blocking: requests wait; strict: one that cannot be recorded is not served",
        choices=("batch", "blocking", "blocking-strict"),
    )
    audit_webhook_initial_backoff: str = _key(
        "10s", "how long to wait before what failed is sent again", metavar="DURATION"
    )
    audit_webhook_truncate_enabled: bool = _key(False, "leave bodies out of events that are too large for it")
    audit_webhook_truncate_max_event_size: int = _key(102400, "what is too large", metavar="BYTES")
    encryption_provider_config: str = _key(
        "", "EncryptionConfiguration: which resources are encrypted at rest, by which keys", metavar="FILE"
    )
    encryption_provider_config_automatic_reload: bool = _key(False, "read that file again when it changes")
    max_requests_inflight: int = _key(
        400, "reading requests served at once; together with the next the seats that are shared", metavar="N"
    )
    max_mutating_requests_inflight: int = _key(200, "writing requests served at once", metavar="N")
    request_timeout: str = _key(
        "1m0s", "how long a request may take, watches and the like apart", metavar="DURATION"
    )
    min_request_timeout: int = _key(
        1800, "seconds that a watch lasts at least, unless it asks for less", metavar="SECONDS"
    )
    max_connections: int = _key(
        0, "connections open at once; 0: as many as the process may have files open", metavar="N"
    )
    max_open_watches: int = _key(
        0, "watches of clients open at once, those of system:masters apart; 0: any number", metavar="N"
    )
    max_open_watches_per_user: int = _key(0, "the same for each user", metavar="N")
    service_cluster_ip_range: str = _key(
        "10.96.0.0/16",
        "cluster IPs of Services come from here; two of different IP families: dual-stack",
        metavar="CIDR[,CIDR]",
    )
    service_node_port_range: str = _key(
        "30000-32767", "node ports of Services come from here", metavar="RANGE"
    )
    load_balancer_addresses: str = _key(
        "198.18.0.0/20", "addresses of Services of type LoadBalancer come from here", metavar="CIDR"
    )
    cluster_cidr: str = _key("10.244.0.0/16", "pod IPs come from here", metavar="CIDR")
    allocate_node_cidrs: bool = _key(False, "give each node a range of cluster-cidr of its own")
    node_cidr_mask_size: int = _key(24, "size of a node's range of cluster-cidr", metavar="BITS")
    node_monitor_grace_period: str = _key(
        "50s", "how long a node may be silent before it is called Unknown", metavar="DURATION"
    )
    node_startup_grace_period: str = _key(
        "1m", "the same for a node that never was heard of", metavar="DURATION"
    )
    node_eviction_rate: float = _key(
        0.1, "nodes per second that lose their pods when they fail", metavar="RATE"
    )
    secondary_node_eviction_rate: float = _key(
        0.01, "the same in a large zone most of whose nodes have failed", metavar="RATE"
    )
    large_cluster_size_threshold: int = _key(
        50,
        "nodes up to which a zone is small: when most of them have failed, none loses its pods",
        metavar="N",
    )
    unhealthy_zone_threshold: float = _key(
        0.55, "share of failed nodes, at least three, that makes a zone unhealthy", metavar="SHARE"
    )
    terminated_pod_gc_threshold: int = _key(
        12500, "pods that are over and kept; the oldest go first; 0 keeps all", metavar="N"
    )
    default_storage_class: bool = _key(
        True, "have a StorageClass `standard`, the default, whose volumes are made by the cluster itself"
    )
    event_ttl: str = _key("1h", "how long Events are kept", metavar="DURATION")
    identity_lease: bool = _key(
        True, "keep a Lease in kube-system by which this API server says that it lives"
    )
    etcd_compaction_interval: str = _key(
        "5m", "how long old revisions can be read and watched", metavar="DURATION"
    )
    node_capacity: str = _key(
        "", "what each simulated node has, like cpu=4,memory=16Gi,pods=50; default cpu=8,memory=32Gi,pods=110",
        metavar="LIST",
    )  # fmt: skip
    stages: tuple[str, ...] = _key(
        ("fast",),
        "how simulated pods and nodes live: sets (fast, realistic, heartbeat, chaos), files and directories of Stages",
        metavar="LIST",
    )

    @property
    def directory(self) -> Path:
        return Path(self.data_dir).expanduser() if self.data_dir else Path.home() / ".kubepy" / self.name

    @property
    def called(self) -> str:
        """What a person knows this cluster by."""
        return f"cluster in {self.data_dir}" if self.data_dir else f'cluster "{self.name}"'

    def command(self, verb: str) -> str:
        """The command that does `verb` to this very cluster."""
        place = f" --data-dir {self.data_dir}" if self.data_dir else ""
        if not place and self.name != "default":
            place = f" --name {self.name}"
        return f"kubepy {verb}{place}"

    @property
    def event_ttl_s(self) -> float:
        return duration_s(self.event_ttl)

    @property
    def request_timeout_s(self) -> float:
        return duration_s(self.request_timeout)

    @property
    def compaction_interval_s(self) -> float:
        return duration_s(self.etcd_compaction_interval)


AUTHORIZATION_MODES = ("Node", "RBAC", "Webhook", "AlwaysAllow", "AlwaysDeny")

FIELDS = {f.name.replace("_", "-"): f for f in dataclasses.fields(Config)}

# Where the settings' sections begin, for the help and the documented file.
SECTIONS = {
    "name": "the cluster",
    "controllers": "its components",
    "token-auth-file": "who asks: certificates, front proxies",
    "authorization-mode": "who may do what",
    "enable-admission-plugins": "admission",
    "tls-cert-file": "the server's certificate",
    "service-account-issuer": "tokens: service accounts, bootstrap, OpenID, webhook",
    "enable-priority-and-fairness": "load, audit, encryption at rest",
    "service-cluster-ip-range": "addresses",
    "node-monitor-grace-period": "nodes and pods that fail",
    "default-storage-class": "what else there is",
}


def load(path: str | None, flags: dict[str, Any]) -> Config:
    """File (if any) under flags (only those that were given; keys with underscores). Raises ConfigError."""
    values: dict[str, Any] = {}
    if path:
        values = _read(Path(path).expanduser())
    config = Config(**(values | flags))
    check(config)
    return config


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text()
        data = yaml.load(text)
        lines = yaml.lines_of(text)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
    except yaml.Error as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise ConfigError(f"{where}: not YAML: {getattr(error, 'problem', None) or error}") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: must be a mapping of settings, see config/kubepy.yaml")
    return {
        name.replace("-", "_"): _typed(path, lines.get((name,), 1), name, value)
        for name, value in data.items()
    }


def _typed(path: Path, line: int, name: str, value: Any) -> Any:
    where = f"{path}:{line}"
    known = FIELDS.get(name)
    if known is None:
        near = difflib.get_close_matches(name.replace("_", "-"), FIELDS, n=1, cutoff=0.5)
        hint = f'; did you mean "{near[0]}"?' if near else "; `kubepy config --documented` lists them all"
        raise ConfigError(f'{where}: unknown key "{name}"{hint}')
    default = known.default
    if isinstance(default, tuple):
        if isinstance(value, str):
            return split(value)
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise ConfigError(f'{where}: "{name}" must be a list of words')
    if isinstance(default, bool):
        if isinstance(value, bool):
            return value
        raise ConfigError(f'{where}: "{name}" must be true or false, not {value!r}')
    if isinstance(default, float):
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        raise ConfigError(f'{where}: "{name}" must be a number, not {value!r}')
    if isinstance(default, int):
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise ConfigError(f'{where}: "{name}" must be a number, not {value!r}')
    if isinstance(value, bool) and known.metadata["choices"] == ("on", "off"):
        return "on" if value else "off"
    if value is None:
        return default
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return str(value)
    raise ConfigError(f'{where}: "{name}" must be text, not {value!r}')


def split(text: str) -> tuple[str, ...]:
    """ "a, b" -> ("a", "b")."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def check(config: Config) -> None:
    """What a type cannot say. Raises ConfigError."""
    for name, known in FIELDS.items():
        value, choices = getattr(config, known.name), known.metadata["choices"]
        if choices and value not in choices:
            raise ConfigError(f'{name} must be one of {", ".join(choices)}, not "{value}"')
    if (
        not config.name
        or not all(c.isalnum() or c in "-_." for c in config.name)
        or config.name.startswith(".")
    ):
        raise ConfigError(f'name must be letters, digits, "-", "_" and ".", not "{config.name}"')
    if not 0 <= config.port <= 65535:
        raise ConfigError(f"port must be 0 to 65535, not {config.port}")
    if config.nodes < 0:
        raise ConfigError(f"nodes must be 0 or more, not {config.nodes}")
    if bool(config.tls_cert_file) != bool(config.tls_private_key_file):
        raise ConfigError("tls-cert-file and tls-private-key-file go together")
    if bool(config.proxy_client_cert_file) != bool(config.proxy_client_key_file):
        raise ConfigError("proxy-client-cert-file and proxy-client-key-file go together")
    _check_authentication(config)
    _check_authorization(config)
    if config.encryption_provider_config_automatic_reload and not config.encryption_provider_config:
        raise ConfigError(
            "--encryption-provider-config-automatic-reload must be set with --encryption-provider-config"
        )
    low, dash, high = config.service_node_port_range.partition("-")
    if not (dash and low.isdigit() and high.isdigit() and 0 < int(low) <= int(high) <= 65535):
        raise ConfigError(
            f'service-node-port-range must be like 30000-32767, not "{config.service_node_port_range}"'
        )
    try:
        ipaddress.ip_address(config.bind)
    except ValueError:
        raise ConfigError(f'bind must be an IP address, not "{config.bind}"') from None
    for name in (
        "event_ttl",
        "etcd_compaction_interval",
        "service_account_max_token_expiration",
        "authentication_token_webhook_cache_ttl",
        "audit_webhook_initial_backoff",
        "request_timeout",
    ):
        duration_s(getattr(config, name), name.replace("_", "-"))
    for name in (
        "max_requests_inflight",
        "max_mutating_requests_inflight",
        "min_request_timeout",
        "max_connections",
        "max_open_watches",
        "max_open_watches_per_user",
    ):
        if getattr(config, name) < 0:
            raise ConfigError(f"--{name.replace('_', '-')} can not be negative value")
    if config.enable_priority_and_fairness and not (
        config.max_requests_inflight + config.max_mutating_requests_inflight
    ):
        raise ConfigError("max-requests-inflight and max-mutating-requests-inflight must not both be 0")
    check_nodes(config)


def _check_authentication(config: Config) -> None:
    """Source: pkg/kubeapiserver/options/authentication.go validateOIDCOptions."""
    is_given = any(
        getattr(config, known.name) != known.default
        for known in FIELDS.values()
        if known.name.startswith("oidc_")
    )
    if is_given and config.authentication_config:
        raise ConfigError("authentication-config file and oidc-* flags are mutually exclusive")
    if is_given and not (config.oidc_issuer_url and config.oidc_client_id):
        raise ConfigError(
            "oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set"
        )


def _check_authorization(config: Config) -> None:
    """Source: pkg/kubeapiserver/options/authorization.go Validate."""
    given = config.authorization_mode
    if config.authorization_config and (
        given != Config().authorization_mode or config.authorization_webhook_config_file
    ):
        raise ConfigError(
            "authorization-config can not be specified when authorization-mode or authorization-webhook-* are"
        )
    for mode in given:
        if mode not in AUTHORIZATION_MODES:
            raise ConfigError(f'authorization-mode must be of {", ".join(AUTHORIZATION_MODES)}, not "{mode}"')
    if not given:
        raise ConfigError("at least one authorization-mode must be passed")
    if len(set(given)) != len(given):
        raise ConfigError("authorization-mode has a mode specified more than once")
    if ("Webhook" in given) != bool(config.authorization_webhook_config_file):
        raise ConfigError("authorization-mode Webhook and authorization-webhook-config-file go together")


def check_nodes(config: Any) -> None:
    """What a cluster, or a controller manager of its own, is told of nodes and addresses. Raises ConfigError."""
    _check_networks(config)
    for name in ("node_monitor_grace_period", "node_startup_grace_period"):
        duration_s(getattr(config, name), name.replace("_", "-"))
    for name in ("node_eviction_rate", "secondary_node_eviction_rate", "terminated_pod_gc_threshold"):
        if getattr(config, name) < 0:
            raise ConfigError(f"{name.replace('_', '-')} must be 0 or more, not {getattr(config, name)}")
    if not 0 <= config.unhealthy_zone_threshold <= 1:
        raise ConfigError(f"unhealthy-zone-threshold must be 0 to 1, not {config.unhealthy_zone_threshold}")
    network = ipaddress.ip_network(config.cluster_cidr)
    if config.allocate_node_cidrs and not (
        network.prefixlen <= config.node_cidr_mask_size <= network.max_prefixlen
        and config.node_cidr_mask_size - network.prefixlen <= 16
    ):
        raise ConfigError(
            f"node-cidr-mask-size must be a part of cluster-cidr {network}, not {config.node_cidr_mask_size}"
        )


def _check_networks(config: Any) -> None:
    for name in ("service_cluster_ip_range", "cluster_cidr", "load_balancer_addresses"):
        try:
            networks = [ipaddress.ip_network(text) for text in getattr(config, name).split(",")]
        except ValueError as error:
            raise ConfigError(f"{name.replace('_', '-')}: {error}") from None
        most = 2 if name == "service_cluster_ip_range" else 1
        if len(networks) > most:
            raise ConfigError(f"{name.replace('_', '-')} must not contain more than {most} entries")
        if len(networks) == 2 and networks[0].version == networks[1].version:
            raise ConfigError(f"{name.replace('_', '-')} must be of different IP family")


def read_file(path: str, setting: str) -> bytes:
    """What the file that a setting names says. Raises ConfigError."""
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as error:
        raise ConfigError(f"{setting}: {error}") from None


_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "d": 86400.0}


def duration_s(text: str, name: str = "duration") -> float:
    """ "1h30m" -> 5400.0. Raises ConfigError."""
    import re

    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|[dhms])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ConfigError(f'{name} must be a duration like 5m or 1h30m, not "{text}"')
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def render(config: Config) -> str:
    """The effective settings as YAML, for `kubepy config`."""
    values = {name: getattr(config, f.name) for name, f in FIELDS.items()}
    return yaml.dump({name: list(v) if isinstance(v, tuple) else v for name, v in values.items()})


def documented() -> str:
    """config/kubepy.yaml: every key with what it means and its default, all commented out."""
    blocks = [
        "# Every setting of kubepy with its default. Use it with `kubepy up --config FILE`; each key is also a flag of",
        "# `kubepy up` (flags win). Lists may be written as [a, b] or as one comma-separated word.",
    ]
    for name, known in FIELDS.items():
        default = list(known.default) if isinstance(known.default, tuple) else known.default
        text = (
            yaml.dump({name: default}).strip()
            if not isinstance(default, list)
            else f"{name}: [{', '.join(map(_quoted, default))}]"
        )
        choices = f" One of: {', '.join(known.metadata['choices'])}." if known.metadata["choices"] else ""
        help_ = known.metadata["help"]
        if name in SECTIONS:
            blocks.append(f"\n# -- {SECTIONS[name]} {'-' * (90 - len(SECTIONS[name]))}")
        blocks.append(f"\n# {help_[0].upper()}{help_[1:]}.{choices}\n# {text}")
    return "\n".join(blocks) + "\n"


def _quoted(word: str) -> str:
    return word if word.replace("-", "").isalnum() else f'"{word}"'


def files_dir() -> Path:
    """The shipped `config/`: inside the package when installed as a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "config"
    return inside if inside.is_dir() else package.parent / "config"
