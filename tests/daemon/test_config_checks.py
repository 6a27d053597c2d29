import pytest

from kubepy.daemon.config import Config
from kubepy.daemon.config_checks import check
from kubepy.daemon.settings import ConfigError


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"port": 70000}, "port must be 0 to 65535, not 70000"),
        ({"log_format": "xml"}, 'log-format must be one of console, json, not "xml"'),
        ({"name": "../x"}, 'name must be letters, digits, "-", "_" and ".", not "../x"'),
        ({"bind": "here"}, 'bind must be an IP address, not "here"'),
        ({"tls_cert_file": "x"}, "tls-cert-file and tls-private-key-file go together"),
        ({"proxy_client_key_file": "x"}, "proxy-client-cert-file and proxy-client-key-file go together"),
        (
            {"authorization_mode": ("ABAC",)},
            'authorization-mode must be of Node, RBAC, Webhook, AlwaysAllow, AlwaysDeny, not "ABAC"',
        ),
        ({"authorization_mode": ()}, "at least one authorization-mode must be passed"),
        (
            {"authorization_mode": ("RBAC", "RBAC")},
            "authorization-mode has a mode specified more than once",
        ),
        (
            {"authorization_mode": ("Webhook",)},
            "authorization-mode Webhook and authorization-webhook-config-file go together",
        ),
        (
            {"oidc_client_id": "x"},
            "oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set",
        ),
        ({"event_ttl": "soon"}, 'event-ttl must be a duration like 5m or 1h30m, not "soon"'),
        ({"max_connections": -1}, "max-connections must be 0 or more, not -1"),
        (
            {"max_requests_inflight": 0, "max_mutating_requests_inflight": 0},
            "max-requests-inflight and max-mutating-requests-inflight must not both be 0",
        ),
        (
            {"service_cluster_ip_range": "10.0.0.1/8"},
            "service-cluster-ip-range: 10.0.0.1/8 has host bits set",
        ),
        (
            {"service_cluster_ip_range": "10.0.0.0/16,10.1.0.0/16"},
            "service-cluster-ip-range must be of different IP family",
        ),
        (
            {"load_balancer_addresses": "10.0.0.0/16,fd00::/64"},
            "load-balancer-addresses must not contain more than 1 entries",
        ),
        ({"service_node_port_range": "9-1"}, 'service-node-port-range must be like 30000-32767, not "9-1"'),
        ({"service_node_port_range": "9"}, 'service-node-port-range must be like 30000-32767, not "9"'),
    ],
)
def test_mistakes_get_one_sentence(settings, sentence):
    with pytest.raises(ConfigError) as raised:
        check(Config(**settings))
    assert str(raised.value) == sentence


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"service_cluster_ip_range": "10.0.0.0/16,fd00::/112"},
        {"tls_cert_file": "x", "tls_private_key_file": "y"},
    ],
)
def test_what_fits_together_passes(settings):
    check(Config(**settings))
