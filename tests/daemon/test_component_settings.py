import pytest

from kubepy.daemon import component_settings
from kubepy.daemon.config_checks import node_cidr_mask_sizes
from kubepy.daemon.settings import ConfigError


def test_each_command_has_its_own_flags():
    flags = {name: set(component_settings.flags_of(name)) for name in component_settings.COMPONENTS}
    assert "controllers" in flags["controller-manager"] and "controllers" not in flags["scheduler"]
    assert "nodes" in flags["kubelet"] and "nodes" not in flags["controller-manager"]
    assert {"kubeconfig", "health-port", "leader-elect"} <= flags["scheduler"]


@pytest.mark.parametrize(
    ("component", "name", "port", "lease"),
    [
        ("controller-manager", "kube-controller-manager", 10257, "kube-controller-manager"),
        ("scheduler", "kube-scheduler", 10259, "kube-scheduler"),
        ("kubelet", "kubelet", 10248, "kubepy-kubelet"),
    ],
)
def test_names_and_ports_are_upstreams(component, name, port, lease):
    settings = component_settings.make(component, {})
    assert (settings.name, settings.port, settings.lease) == (name, port, lease)
    assert component_settings.make(component, {"health_port": 0}).port == 0
    assert component_settings.make(component, {"leader_elect_resource_name": "mine"}).lease == "mine"


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ({"leader_elect_lease_duration": "10s"}, "leader-elect-lease-duration must be greater than"),
        ({"leader_elect_retry_period": "9s"}, "leader-elect-renew-deadline must be greater than"),
        ({"leader_elect_retry_period": "soon"}, "leader-elect-retry-period must be a duration"),
        ({"log_level": "loud"}, "log-level must be one of"),
        ({"log_format": "xml"}, "log-format must be one of"),
        ({"nodes": 0}, "nodes must be 1 or more"),
        ({"health_port": 70000}, "health-port must be 0 to 65535"),
    ],
)
def test_mistakes_are_named(flags, sentence):
    with pytest.raises(ConfigError, match=sentence):
        component_settings.make("scheduler", flags)


CA, KEY = {"cluster_signing_cert_file": "ca"}, {"cluster_signing_key_file": "key"}
SINGLE = {
    "cluster_signing_kubelet_client_cert_file": "c",
    "cluster_signing_kubelet_client_key_file": "k",
}


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({}, {}),
        (CA, {}),
        (CA | KEY, dict.fromkeys(component_settings.SIGNERS.values(), ("ca", "key"))),
        (SINGLE, {"kubernetes.io/kube-apiserver-client-kubelet": ("c", "k")}),
    ],
)
def test_who_signs(flags, expected):
    settings = component_settings.make("controller-manager", flags)
    assert component_settings.signing_files(settings) == expected


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (CA | SINGLE, "cannot specify --cluster-signing-{cert,key}-file and other"),
        ({"cluster_signing_legacy_unknown_key_file": "k"},
         "cluster-signing-legacy-unknown: cannot specify key without cert"),
        ({"cluster_signing_kubelet_serving_cert_file": "c"},
         "cluster-signing-kubelet-serving: cannot specify cert without key"),
        ({"cluster_signing_duration": "long"}, "cluster-signing-duration must be a duration"),
        ({"cluster_cidr": "10.0.0.0/99"}, "cluster-cidr: "),
        ({"allocate_node_cidrs": True, "node_cidr_mask_size": 8}, "node-cidr-mask-size must be a part of"),
        ({"cluster_cidr": "10.0.0.0/16,fd00::/48", "node_cidr_mask_size": 24}, "is not allowed with dual-stack"),
        ({"node_cidr_mask_size": 24, "node_cidr_mask_size_ipv4": 24}, "is not allowed if --node-cidr-mask-size is set"),
        ({"node_cidr_mask_size_ipv6": 64}, "ipv6 is not allowed for a single-stack IPv4 cluster"),
        ({"cluster_cidr": "10.0.0.0/16,10.1.0.0/16"}, "cluster-cidr must be of different IP family"),
        ({"unhealthy_zone_threshold": 1.5}, "unhealthy-zone-threshold must be 0 to 1"),
    ],
)  # fmt: skip
def test_mistakes_about_signing_and_nodes_are_named(flags, sentence):
    with pytest.raises(ConfigError, match=sentence):
        component_settings.make("controller-manager", flags)


@pytest.mark.parametrize(
    ("flags", "sizes"),
    [
        ({}, (24,)),
        ({"node_cidr_mask_size": 26}, (26,)),
        ({"node_cidr_mask_size_ipv4": 25}, (25,)),
        ({"cluster_cidr": "fd00::/56"}, (64,)),
        ({"cluster_cidr": "10.0.0.0/16,fd00::/48"}, (24, 64)),
        ({"cluster_cidr": "fd00::/48,10.0.0.0/16", "node_cidr_mask_size_ipv6": 60}, (60, 24)),
    ],
)
def test_each_family_has_its_mask_size(flags, sizes):
    settings = component_settings.make("controller-manager", flags | {"allocate_node_cidrs": True})
    assert node_cidr_mask_sizes(settings) == sizes


@pytest.mark.parametrize("address", ["4443", ":4443", "host:", "host:many", "host:70000"])
def test_where_metrics_are_served_is_a_host_and_a_port(address):
    with pytest.raises(ConfigError, match="metrics-address must be like"):
        component_settings.make("kubelet", {"metrics_address": address})


def test_the_first_kubeconfig_of_the_environment_counts(monkeypatch):
    monkeypatch.setenv("KUBECONFIG", "/a:/b")
    assert component_settings.make("scheduler", {}).kubeconfig_path == "/a"
    assert component_settings.make("scheduler", {"kubeconfig": "/c"}).kubeconfig_path == "/c"
