"""What settings must be, beyond what their rows say, and what fits together.

`check` is for a whole cluster; `check_nodes` for all who are told of nodes and addresses, a controller manager of its
own among them. All raise ConfigError, one sentence.

Source: pkg/kubeapiserver/options/{authentication,authorization}.go, pkg/controlplane/apiserver/options.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from kubepy.daemon.config import SETTINGS, Config
from kubepy.daemon.settings import ConfigError

if TYPE_CHECKING:
    from kubepy.daemon.component_settings import Settings

AUTHORIZATION_MODES = ("Node", "RBAC", "Webhook", "AlwaysAllow", "AlwaysDeny")

_TOGETHER = (
    ("tls_cert_file", "tls_private_key_file"),
    ("proxy_client_cert_file", "proxy_client_key_file"),
)


def check(config: Config) -> None:
    for setting in SETTINGS.values():
        setting.check(getattr(config, setting.attribute))
    _check_name(config.name)
    for one, other in _TOGETHER:
        if bool(getattr(config, one)) != bool(getattr(config, other)):
            raise ConfigError(f"{_flag(one)} and {_flag(other)} go together")
    _check_authentication(config)
    _check_authorization(config)
    _check_addresses(config)
    if config.encryption_provider_config_automatic_reload and not config.encryption_provider_config:
        raise ConfigError(
            "--encryption-provider-config-automatic-reload must be set with --encryption-provider-config"
        )
    in_flight = config.max_requests_inflight + config.max_mutating_requests_inflight
    if config.enable_priority_and_fairness and not in_flight:
        raise ConfigError("max-requests-inflight and max-mutating-requests-inflight must not both be 0")
    check_nodes(config)


def _flag(attribute: str) -> str:
    return attribute.replace("_", "-")


def _check_name(name: str) -> None:
    if not name or name.startswith(".") or not all(c.isalnum() or c in "-_." for c in name):
        raise ConfigError(f'name must be letters, digits, "-", "_" and ".", not "{name}"')


def _check_addresses(config: Config) -> None:
    try:
        ipaddress.ip_address(config.bind)
    except ValueError:
        raise ConfigError(f'bind must be an IP address, not "{config.bind}"') from None
    try:
        low, high = config.node_ports
    except ValueError:
        low = high = 0
    if not 0 < low <= high <= 65535:
        given = config.service_node_port_range
        raise ConfigError(f'service-node-port-range must be like 30000-32767, not "{given}"')


def _check_authentication(config: Config) -> None:
    """Source: validateOIDCOptions."""
    is_given = any(
        getattr(config, setting.attribute) != setting.default
        for setting in SETTINGS.values()
        if setting.name.startswith("oidc-")
    )
    if is_given and config.authentication_config:
        raise ConfigError("authentication-config file and oidc-* flags are mutually exclusive")
    if is_given and not (config.oidc_issuer_url and config.oidc_client_id):
        raise ConfigError(
            "oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set"
        )


def _check_authorization(config: Config) -> None:
    """Source: BuiltInAuthorizationOptions.Validate."""
    given = config.authorization_mode
    if config.authorization_config and (
        given != SETTINGS["authorization-mode"].default or config.authorization_webhook_config_file
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


def check_nodes(config: Config | Settings) -> None:
    for name, most in (("service_cluster_ip_range", 2), ("cluster_cidr", 2), ("load_balancer_addresses", 1)):
        _check_networks(_flag(name), getattr(config, name), most)
    networks = [ipaddress.ip_network(cidr) for cidr in config.cluster_cidr.split(",")]
    for network, size in zip(networks, node_cidr_mask_sizes(config)):
        fits = network.prefixlen <= size <= network.max_prefixlen and size - network.prefixlen <= 16
        if config.allocate_node_cidrs and not fits:
            raise ConfigError(f"node-cidr-mask-size must be a part of cluster-cidr {network}, not {size}")


def node_cidr_mask_sizes(config: Config | Settings) -> tuple[int, ...]:
    """For each range of cluster-cidr. Source: cmd/kube-controller-manager/app/core.go, setNodeCIDRMaskSizes."""
    versions = [ipaddress.ip_network(cidr).version for cidr in config.cluster_cidr.split(",")]
    given = config.node_cidr_mask_size
    by_version = {4: config.node_cidr_mask_size_ipv4, 6: config.node_cidr_mask_size_ipv6}
    if len(versions) > 1:
        if given:
            raise ConfigError("usage of --node-cidr-mask-size is not allowed with dual-stack clusters")
    elif given:
        if any(by_version.values()):
            raise ConfigError(
                "usage of --node-cidr-mask-size-ipv4 and --node-cidr-mask-size-ipv6 is not allowed if "
                "--node-cidr-mask-size is set. For dual-stack clusters please unset it and use IPFamily specific flags"
            )
        return (given,)
    else:
        other = 10 - versions[0]
        if by_version[other]:
            raise ConfigError(
                f"usage of --node-cidr-mask-size-ipv{other} is not allowed for a single-stack IPv{versions[0]} cluster"
            )
    return tuple(by_version[version] or (24 if version == 4 else 64) for version in versions)


def _check_networks(name: str, given: str, most: int) -> None:
    try:
        networks = [ipaddress.ip_network(text) for text in given.split(",")]
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from None
    if len(networks) > most:
        raise ConfigError(f"{name} must not contain more than {most} entries")
    if len(networks) == 2 and networks[0].version == networks[1].version:
        raise ConfigError(f"{name} must be of different IP family")
