import pytest

from kubepy.daemon import component_settings, credentials, pki
from kubepy.daemon.settings import ConfigError
from kubepy.lib.clock import RealClock, VirtualClock
from kubepy.lib.random import Random


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return pki.ensure(tmp_path_factory.mktemp("pki"), RealClock(), addresses=("127.0.0.1",))


def settings(**files):
    return component_settings.make("controller-manager", {name: str(path) for name, path in files.items()})


def test_files_make_authorities_that_know_how_long(keys):
    made = credentials.authorities(
        settings(
            cluster_signing_cert_file=keys.directory / "ca.crt",
            cluster_signing_key_file=keys.directory / "ca.key",
            cluster_signing_duration="1h",
        )
    )
    assert set(made) == set(component_settings.SIGNERS.values())
    assert {authority.lifetime_s for authority in made.values()} == {3600.0}
    assert credentials.authorities(settings()) == {}


@pytest.mark.parametrize(
    ("certificate", "key"), [("ca.crt", "server.key"), ("ca.key", "ca.key"), ("ca.crt", "no")]
)
def test_files_that_cannot_be_used_are_said_at_the_start(keys, certificate, key):
    given = settings(
        cluster_signing_cert_file=keys.directory / certificate, cluster_signing_key_file=keys.directory / key
    )
    with pytest.raises(ConfigError, match=r"^cluster-signing: "):
        credentials.authorities(given)


def test_a_key_signs_tokens_of_secrets(keys):
    clock = VirtualClock()
    sign = credentials.sign_token(
        settings(service_account_private_key_file=keys.directory / "sa.key"), clock, Random(1)
    )
    assert sign is not None
    account = {"metadata": {"namespace": "default", "name": "bot", "uid": "u"}}
    assert sign(account, {"metadata": {"name": "bot-token"}}).count(".") == 2
    assert credentials.sign_token(settings(), clock, Random(1)) is None
    with pytest.raises(ConfigError, match=r"^service-account-private-key-file: "):
        credentials.sign_token(
            settings(service_account_private_key_file=keys.directory / "ca.crt"), clock, Random(1)
        )
