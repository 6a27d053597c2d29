"""Settings: one table, three doors.

Each field of `Config` is a key of `config/kubepy.yaml`, a flag of `kubepy up` and a line in the documentation, under
one name (kebab-case, upstream's where upstream has it). How rows are read: settings.py; what must fit together:
config_checks.py; the file: config_file.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kubepy.api import versions
from kubepy.daemon.settings import (
    ON_OFF,
    amount,
    choice,
    duration,
    duration_s,
    file,
    number,
    settings_of,
    switch,
    text,
    words,
)


@dataclass(frozen=True, slots=True)
class Config:
    """All settings, with their defaults."""

    name: str = text(
        "default",
        "cluster name; several clusters live side by side on one machine",
        "NAME",
        section="the cluster",
    )
    data_dir: str = text("", "where the cluster lives; default ~/.kubepy/NAME", "DIR")
    ephemeral: bool = switch(False, "keep everything in memory; nothing survives a stop")
    bind: str = text("127.0.0.1", "address the API server listens on", "ADDRESS")
    port: int = number(6443, "port the API server listens on; 0 takes a free one", "PORT", most=65535)
    kubernetes_version: str = choice(
        versions.NEWEST, "version of Kubernetes to be: its kinds, schemas and name", versions.VERSIONS
    )
    runtime_config: tuple[str, ...] = words(
        (), "API versions and resources to serve or not: scheduling.k8s.io/v1beta1=true"
    )
    feature_gates: tuple[str, ...] = words((), "features to turn on or off: GenericWorkload=true")
    nodes: int = number(3, "simulated nodes; 0: nothing runs pods")
    log_format: str = choice("console", "form of the log on standard output", ("console", "json"))
    log_level: str = choice(
        "info", "least level on standard output and in kubepy.log", ("debug", "info", "warning", "error")
    )
    seed: str = text(
        "", "replay randomness (uids, names, jitter) from this seed; for tests, never for secrets", "SEED"
    )

    controllers: tuple[str, ...] = words(
        ("*",), "controllers to run: '*' all, 'foo' named, '-foo' all but", section="its components"
    )
    scheduler: str = choice("on", "run the scheduler", ON_OFF)
    scheduler_config: str = file("KubeSchedulerConfiguration file: profiles, plugins, extenders")

    token_auth_file: str = file(
        'CSV of static bearer tokens: token,user,uid,"group1,group2"',
        section="who asks: certificates, front proxies",
    )
    client_ca_file: str = file("more CAs whose client certificates are accepted")
    requestheader_client_ca_file: str = file(
        "CA of front proxies, which say who asks in headers; default the cluster's own front-proxy-ca.crt"
    )
    requestheader_allowed_names: tuple[str, ...] = words(
        ("front-proxy-client",), "common names of front proxies' certificates; none given: any of their CA"
    )
    requestheader_username_headers: tuple[str, ...] = words(
        ("X-Remote-User",), "headers in which front proxies name the user"
    )
    requestheader_uid_headers: tuple[str, ...] = words(
        ("X-Remote-Uid",), "headers in which front proxies name the user's uid"
    )
    requestheader_group_headers: tuple[str, ...] = words(
        ("X-Remote-Group",), "headers in which front proxies name the user's groups"
    )
    requestheader_extra_headers_prefix: tuple[str, ...] = words(
        ("X-Remote-Extra-",), "how headers begin in which front proxies say more of the user"
    )
    proxy_client_cert_file: str = file(
        "certificate shown to aggregated API servers; default the cluster's own front-proxy-client.crt"
    )
    proxy_client_key_file: str = file("key of proxy-client-cert-file")
    anonymous_auth: bool = switch(
        False, "let requests without credentials in as system:anonymous; health checks always are"
    )

    authorization_mode: tuple[str, ...] = words(
        ("Node", "RBAC"),
        "authorizers in order: Node, RBAC, Webhook, AlwaysAllow, AlwaysDeny",
        section="who may do what",
    )
    authorization_config: str = file(
        "AuthorizationConfiguration: authorizers in order, webhooks with their conditions"
    )
    authorization_webhook_config_file: str = file("kubeconfig of the service that mode Webhook asks")
    authorization_webhook_version: str = choice(
        "v1beta1", "version of the SubjectAccessReviews sent to that service", ("v1", "v1beta1")
    )
    authorization_webhook_cache_authorized_ttl: str = duration("5m", "how long its yes is believed")
    authorization_webhook_cache_unauthorized_ttl: str = duration(
        "30s", "how long anything else it says is believed"
    )

    enable_admission_plugins: tuple[str, ...] = words(
        ("NodeRestriction",), "admission plugins to run beside the default ones", section="admission"
    )
    disable_admission_plugins: tuple[str, ...] = words((), "default admission plugins not to run")
    admission_control_config_file: str = file(
        "AdmissionConfiguration: what single admission plugins are to know"
    )

    tls_cert_file: str = file(
        "serve with this certificate instead of one from the cluster's own CA",
        section="the server's certificate",
    )
    tls_private_key_file: str = file("key of tls-cert-file")

    service_account_issuer: tuple[str, ...] = words(
        ("https://kubernetes.default.svc.cluster.local",),
        "issuer of service account tokens; tokens of further ones are accepted, too",
        section="tokens: service accounts, bootstrap, OpenID, webhook",
    )
    service_account_signing_key_file: str = file(
        "key that signs service account tokens; default the cluster's own sa.key"
    )
    service_account_key_file: tuple[str, ...] = words(
        (), "more keys, public or private, whose service account tokens are accepted"
    )
    service_account_jwks_uri: str = text(
        "", "where others find the keys of service account tokens; default this server", "URL"
    )
    service_account_max_token_expiration: str = duration(
        "0s", "longest life of a service account token; 0s: as long as is asked for"
    )
    service_account_extend_token_expiration: bool = switch(
        True, "let pods' projected tokens live a year, and note when they are used beyond their hour"
    )
    api_audiences: tuple[str, ...] = words(
        (), "audiences of this API server; default the issuer of service account tokens"
    )
    enable_bootstrap_token_auth: bool = switch(
        True, "accept the tokens of Secrets of type bootstrap.kubernetes.io/token in kube-system"
    )
    authentication_config: str = file(
        "AuthenticationConfiguration: JWT issuers (OIDC), and for whom anonymous is on"
    )
    oidc_issuer_url: str = text(
        "", "OpenID issuer whose tokens are accepted, without a file; only https", "URL"
    )
    oidc_client_id: str = text("", "audience that its tokens must be for", "ID")
    oidc_ca_file: str = file("CA of its certificate; default the system's")
    oidc_username_claim: str = text("sub", "claim that is the user's name", "CLAIM")
    oidc_username_prefix: str = text(
        "", "what is put before names; default the issuer and #, but for email; -: nothing", "PREFIX"
    )
    oidc_groups_claim: str = text("", "claim that is the user's group or groups", "CLAIM")
    oidc_groups_prefix: str = text("", "what is put before groups", "PREFIX")
    oidc_signing_algs: tuple[str, ...] = words(
        ("RS256",), "signatures that are accepted: RS256, ES384, PS512 and their like"
    )
    oidc_required_claim: tuple[str, ...] = words(
        (), "claims, with their values, that a token must have: claim=value"
    )
    authentication_token_webhook_config_file: str = file("kubeconfig of a service that reviews bearer tokens")
    authentication_token_webhook_version: str = choice(
        "v1beta1", "version of the TokenReviews sent to that service", ("v1", "v1beta1")
    )
    authentication_token_webhook_cache_ttl: str = duration("2m", "how long its answers are believed")

    enable_priority_and_fairness: bool = switch(
        True,
        "share the server's seats fairly by FlowSchemas; off: just count requests in flight",
        section="load, audit, encryption at rest",
    )
    audit_policy_file: str = file("audit Policy: which requests are recorded, and how much of each")
    audit_log_path: str = file("write audit events to this file; - is standard output")
    audit_log_format: str = choice("json", "form of its lines", ("json", "legacy"))
    audit_log_mode: str = choice(
        "blocking", "strict: a request that cannot be recorded is not served", ("blocking", "blocking-strict")
    )
    audit_log_maxage: int = number(366, "days that old files of it are kept; 0: any", "DAYS")
    audit_log_maxbackup: int = number(100, "old files of it that are kept; 0: any number")
    audit_log_maxsize: int = number(100, "size at which it is rotated; 0: never", "MEGABYTES")
    audit_log_truncate_enabled: bool = switch(False, "leave bodies out of events that are too large for it")
    audit_log_truncate_max_event_size: int = number(102400, "what is too large", "BYTES")
    audit_webhook_config_file: str = file("kubeconfig of a service that gets audit events")
    audit_webhook_mode: str = choice(
        "batch",
        "how it gets them; blocking: requests wait; strict: one that cannot be recorded is not served",
        ("batch", "blocking", "blocking-strict"),
    )
    audit_webhook_batch_buffer_size: int = number(
        10_000, "events that wait for it at most; what comes after them is lost", least=1
    )
    audit_webhook_batch_max_size: int = number(400, "events that it gets together at most", least=1)
    audit_webhook_batch_max_wait: str = duration("30s", "how long the first of them waits for others")
    audit_webhook_batch_throttle_enable: bool = switch(True, "send batches no faster than")
    audit_webhook_batch_throttle_qps: float = amount(
        10.0, "batches a second, on average; 0: as fast as they are taken", "RATE"
    )
    audit_webhook_batch_throttle_burst: int = number(
        15, "batches at once, after a while without any", least=1
    )
    audit_webhook_initial_backoff: str = duration("10s", "how long to wait before what failed is sent again")
    audit_webhook_truncate_enabled: bool = switch(
        False, "leave bodies out of events that are too large for it"
    )
    audit_webhook_truncate_max_event_size: int = number(102400, "what is too large", "BYTES")
    encryption_provider_config: str = file(
        "EncryptionConfiguration: which resources are encrypted at rest, by which keys"
    )
    encryption_provider_config_automatic_reload: bool = switch(False, "read that file again when it changes")
    max_requests_inflight: int = number(
        400, "reading requests served at once; together with the next the seats that are shared"
    )
    max_mutating_requests_inflight: int = number(200, "writing requests served at once")
    request_timeout: str = duration("1m0s", "how long a request may take, watches and the like apart")
    min_request_timeout: int = number(
        1800, "seconds that a watch lasts at least, unless it asks for less", "SECONDS"
    )
    max_connections: int = number(
        0, "connections open at once; 0: as many as the process may have files open"
    )
    max_open_watches: int = number(
        0, "watches of clients open at once, those of system:masters apart; 0: any number"
    )
    max_open_watches_per_user: int = number(0, "the same for each user")

    service_cluster_ip_range: str = text(
        "10.96.0.0/16",
        "cluster IPs of Services come from here; two of different IP families: dual-stack",
        "CIDR[,CIDR]",
        section="addresses",
    )
    service_node_port_range: str = text("30000-32767", "node ports of Services come from here", "RANGE")
    load_balancer_addresses: str = text(
        "198.18.0.0/20", "addresses of Services of type LoadBalancer come from here", "CIDR"
    )
    cluster_cidr: str = text(
        "10.244.0.0/16",
        "pod IPs come from here; two of different IP families: nodes get a range of each, pods an IP of the first",
        "CIDR[,CIDR]",
    )
    allocate_node_cidrs: bool = switch(False, "give each node a range of cluster-cidr of its own")
    node_cidr_mask_size: int = number(
        0, "size of a node's range of the one cluster-cidr; default 24, IPv6: 64", "BITS"
    )
    node_cidr_mask_size_ipv4: int = number(0, "the same of its IPv4 range, with two; default 24", "BITS")
    node_cidr_mask_size_ipv6: int = number(0, "the same of its IPv6 range, with two; default 64", "BITS")

    node_monitor_grace_period: str = duration(
        "50s", "how long a node may be silent before it is called Unknown", section="nodes and pods that fail"
    )
    node_startup_grace_period: str = duration("1m", "the same for a node that never was heard of")
    node_eviction_rate: float = amount(0.1, "nodes per second that lose their pods when they fail", "RATE")
    secondary_node_eviction_rate: float = amount(
        0.01, "the same in a large zone most of whose nodes have failed", "RATE"
    )
    large_cluster_size_threshold: int = number(
        50, "nodes up to which a zone is small: when most of them have failed, none loses its pods"
    )
    unhealthy_zone_threshold: float = amount(
        0.55, "share of failed nodes, at least three, that makes a zone unhealthy", "SHARE", most=1
    )
    terminated_pod_gc_threshold: int = number(
        12500, "pods that are over and kept; the oldest go first; 0 keeps all"
    )

    default_storage_class: bool = switch(
        True,
        "have a StorageClass `standard`, the default, whose volumes are made by the cluster itself",
        section="what else there is",
    )
    event_ttl: str = duration("1h", "how long Events are kept")
    identity_lease: bool = switch(
        True, "keep a Lease in kube-system by which this API server says that it lives"
    )
    etcd_compaction_interval: str = duration("5m", "how long old revisions can be read and watched")
    node_capacity: str = text(
        "",
        "what each simulated node has, like cpu=4,memory=16Gi,pods=50; default cpu=8,memory=32Gi,pods=110",
        "LIST",
    )
    stages: tuple[str, ...] = words(
        ("fast",),
        "how simulated pods and nodes live: sets (fast, realistic, heartbeat, chaos), files and directories of Stages",
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

    @property
    def node_ports(self) -> tuple[int, int]:
        """The first and the last of service-node-port-range."""
        low, _, high = self.service_node_port_range.partition("-")
        return int(low), int(high)


SETTINGS = settings_of(Config)


def files_dir() -> Path:
    """The shipped `config/`: inside the package when installed as a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "config"
    return inside if inside.is_dir() else package.parent / "config"
