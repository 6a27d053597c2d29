"""What a controller manager of its own signs with: certificates of CertificateSigningRequests, tokens of Secrets.

Files are read, and tried, when it starts: one that cannot be used is a ConfigError. In `kubepy up` the keys are the
cluster's own (pki.py).

Source: kubernetes 1.36 cmd/kube-controller-manager/app/{certificates,service_accounts}.go.
"""

from __future__ import annotations

from kubepy.apiserver.authn.keys import Keys, UnusableKey
from kubepy.apiserver.authn.service_account_tokens import Signer
from kubepy.controllers.certificate_requests import Authority
from kubepy.controllers.service_account_tokens import Sign
from kubepy.daemon import component_settings
from kubepy.daemon.component_settings import Settings
from kubepy.daemon.settings import ConfigError, duration_s, read_file
from kubepy.lib.clock import Clock
from kubepy.lib.random import Random


def authorities(settings: Settings) -> dict[str, Authority]:
    """Who signs, by signer; nobody without files. Raises ConfigError."""
    lifetime_s = duration_s(settings.cluster_signing_duration)
    known: dict[tuple[str, str], Authority] = {}
    made: dict[str, Authority] = {}
    for signer, files in component_settings.signing_files(settings).items():
        if files not in known:
            certificate, key = (read_file(file, "cluster-signing") for file in files)
            known[files] = Authority(certificate, key, lifetime_s)
            _try(known[files], " and ".join(files))
        made[signer] = known[files]
    return made


def _try(authority: Authority, files: str) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    try:
        certificate = x509.load_pem_x509_certificate(authority.certificate)
        private = serialization.load_pem_private_key(authority.key, None)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"cluster-signing: {files}: {error}") from None
    if certificate.public_key() != private.public_key():
        raise ConfigError(f"cluster-signing: {files}: the key is not the certificate's")


def sign_token(settings: Settings, clock: Clock, random: Random) -> Sign | None:
    """None without a key. Raises ConfigError."""
    path, setting = settings.service_account_private_key_file, "service-account-private-key-file"
    if not path:
        return None
    keys = Keys(read_file(path, setting))
    try:
        assert keys.signing
    except UnusableKey as error:
        raise ConfigError(f"{setting}: {error}") from None
    # These tokens have an issuer and an audience of their own, whoever made them.
    return Signer(keys, issuer="", audiences=(), clock=clock, random=random).sign_legacy
