import ssl
import stat

import pytest
from cryptography import x509

from kubepy.apiserver.authn.keys import Keys
from kubepy.daemon import authentication, pki
from kubepy.lib import yaml
from kubepy.lib.clock import RealClock, VirtualClock

YEAR_S = 365 * pki.DAY_S


def make(directory, clock=None, addresses=("127.0.0.1",)):
    return pki.ensure(directory, clock or RealClock(), addresses=addresses)


def test_keys_are_made_once_and_only_their_owner_reads_them(tmp_path):
    first = make(tmp_path / "pki")
    assert make(tmp_path / "pki") == first
    assert stat.S_IMODE((tmp_path / "pki").stat().st_mode) == 0o700
    for path in (tmp_path / "pki").glob("*.key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_a_new_address_gets_a_new_server_certificate_from_the_same_authority(tmp_path):
    first = make(tmp_path)
    second = make(tmp_path, addresses=("127.0.0.1", "192.0.2.7"))
    assert second.ca == first.ca and second.admin == first.admin and second.server != first.server
    names = x509.load_pem_x509_certificate(second.server.cert).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert "192.0.2.7" in map(str, names.value.get_values_for_type(x509.IPAddress))
    assert "kubernetes.default.svc" in names.value.get_values_for_type(x509.DNSName)


@pytest.mark.parametrize(
    ("age_s", "renewed"), [(YEAR_S - 40 * pki.DAY_S, False), (YEAR_S - 20 * pki.DAY_S, True)]
)
def test_certificates_are_renewed_in_their_last_month(tmp_path, age_s, renewed):
    first = make(tmp_path, VirtualClock(1.8e9))
    second = make(tmp_path, VirtualClock(1.8e9 + age_s))
    assert (second.server != first.server) is renewed
    assert (second.admin != first.admin) is renewed
    assert second.ca == first.ca


def test_the_front_proxy_has_an_authority_of_its_own(tmp_path):
    first = make(tmp_path, VirtualClock(1.8e9))
    authority = x509.load_pem_x509_certificate(first.front_proxy_ca.cert)
    client = x509.load_pem_x509_certificate(first.front_proxy_client.cert)
    client.verify_directly_issued_by(authority)
    assert authority.subject.rfc4514_string() == "CN=front-proxy-ca"
    assert client.subject.rfc4514_string() == "CN=front-proxy-client"
    second = make(tmp_path, VirtualClock(1.8e9 + YEAR_S - 20 * pki.DAY_S))
    assert second.front_proxy_ca == first.front_proxy_ca
    assert second.front_proxy_client != first.front_proxy_client


def test_the_kubeconfig_is_self_contained_and_its_certificate_is_the_admins(tmp_path):
    keys = make(tmp_path)
    config = yaml.load(pki.kubeconfig(keys, server="https://127.0.0.1:6443", name="kubepy"))
    assert config["current-context"] == config["clusters"][0]["name"] == "kubepy"
    assert config["users"][0]["name"] == "kubernetes-admin"
    subject = x509.load_pem_x509_certificate(keys.admin.cert).subject
    assert subject.rfc4514_string() == "CN=kubernetes-admin,O=system:masters"


def test_both_sides_trust_each_other(tmp_path):
    keys = make(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    server.load_verify_locations(cadata=keys.ca.cert.decode())
    server.verify_mode = ssl.CERT_REQUIRED
    client = ssl.create_default_context(cadata=keys.ca.cert.decode())
    client.load_cert_chain(tmp_path / "admin.crt", tmp_path / "admin.key")
    assert handshake(client, server)["subject"][-1] == (("commonName", "kubernetes-admin"),)


def handshake(client: ssl.SSLContext, server: ssl.SSLContext) -> dict:
    """In memory, both ends; returns what the server sees of the client."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(to_client, to_server, server_hostname="localhost")
    two = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for end in (one, two):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                pass
    return two.getpeercert()


def test_a_rotated_key_leaves_what_verifies_its_tokens(tmp_path):
    clock = VirtualClock()
    before = pki.ensure(tmp_path, clock, addresses=("127.0.0.1",)).service_account_key
    assert pki.rotate_service_account_key(tmp_path) == tmp_path / "sa-1.pub"
    assert pki.rotate_service_account_key(tmp_path) == tmp_path / "sa-2.pub"
    after = pki.ensure(tmp_path, clock, addresses=("127.0.0.1",)).service_account_key
    keys = Keys(*_signing_and_rest(after))
    assert before.strip() not in after
    assert [key.id for key in keys.all[1:2]] == [Keys(before).signing.id]
    assert len(keys.all) == 3
    assert (tmp_path / "sa-1.pub").stat().st_mode & 0o777 == 0o600


def _signing_and_rest(pem):
    signing, *rest = authentication.split_pem(pem)
    return signing, rest
