import base64
import ssl

import pytest

from kubepy.client import kubeconfig
from kubepy.daemon import pki
from kubepy.lib import yaml
from kubepy.lib.clock import RealClock


def config(**changes):
    value = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "dev",
        "clusters": [{"name": "c", "cluster": {"server": "https://10.0.0.1:6443"}}],
        "users": [{"name": "u", "user": {"token": "secret"}}],
        "contexts": [
            {"name": "dev", "context": {"cluster": "c", "user": "u", "namespace": "team"}},
            {"name": "anonymous", "context": {"cluster": "c"}},
            {"name": "broken", "context": {"cluster": "missing", "user": "u"}},
        ],
    }
    return yaml.dump(value | changes)


def test_the_current_context_counts():
    access = kubeconfig.parse(config())
    assert (access.server, access.token, access.namespace) == ("https://10.0.0.1:6443", "secret", "team")
    assert not access.insecure


def test_another_context_by_name():
    access = kubeconfig.parse(config(), context="anonymous")
    assert (access.token, access.namespace) == ("", "default")


@pytest.mark.parametrize(
    "text, says",
    [
        ("a: [", "is not YAML"),
        ("- a", "is not a kubeconfig"),
        ("apiVersion: v1", "has no current context"),
        (config(**{"current-context": "nowhere"}), "has no context 'nowhere'"),
        (config(**{"current-context": "broken"}), "has no cluster 'missing'"),
        (config(clusters=[{"name": "c", "cluster": {}}]), "names no server"),
        (config(users=[{"name": "u", "user": {"client-key-data": "%%"}}]), "client-key-data is not base64"),
        (config(users=[{"name": "u", "user": {"client-key": "/no/such"}}]), "No such file"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_sentence(text, says):
    with pytest.raises(kubeconfig.Unusable, match=says):
        kubeconfig.parse(text)


def test_a_missing_file(tmp_path):
    with pytest.raises(kubeconfig.Unusable, match="cannot be read"):
        kubeconfig.load(tmp_path / "none")


def test_files_are_relative_to_the_kubeconfig_and_inline_data_wins(tmp_path):
    (tmp_path / "ca.pem").write_bytes(b"ca from file")
    (tmp_path / "token").write_text("from file\n")
    cluster = {
        "server": "https://x",
        "certificate-authority": "ca.pem",
        "insecure-skip-tls-verify": True,
        "tls-server-name": "kubernetes",
    }
    user = {
        "tokenFile": "token",
        "client-key": "/no/such",
        "client-key-data": base64.b64encode(b"key").decode(),
    }
    (tmp_path / "config").write_text(
        config(clusters=[{"name": "c", "cluster": cluster}], users=[{"name": "u", "user": user}])
    )
    access = kubeconfig.load(tmp_path / "config")
    assert (access.ca, access.token, access.key) == (b"ca from file", "from file", b"key")
    assert access.insecure
    assert access.server_name == "kubernetes"


def test_plain_http_needs_no_tls():
    assert kubeconfig.Access("http://127.0.0.1:8080").ssl_context() is None


def test_what_the_daemon_writes_can_be_used(tmp_path):
    keys = pki.ensure(tmp_path, RealClock(), addresses=("127.0.0.1",))
    access = kubeconfig.parse(pki.kubeconfig(keys, server="https://127.0.0.1:6443", name="kubepy"))
    assert access.certificate == keys.admin.cert
    context = access.ssl_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert [dict(x[0] for x in ca["subject"]) for ca in context.get_ca_certs()] != []
    insecure = kubeconfig.Access("https://x", insecure=True).ssl_context()
    assert insecure.verify_mode is ssl.CERT_NONE
