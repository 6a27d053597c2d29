"""Keys, certificates and kubeconfigs of one cluster.

Made once, kept in DATA_DIR/pki (0700, keys 0600), reused at every start; a server certificate is made anew
when the address it must carry changes. EC P-256 throughout: the whole set takes a few milliseconds.
`cryptography` is imported only when something has to be made.

Lifetimes: CA 10 years, certificates 1 year, renewed at start when less than 30 days are left.
"""

from __future__ import annotations

import base64
import ipaddress
import os
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from kubepy.lib import yaml
from kubepy.lib.clock import Clock

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding

DAY_S = 86400.0
CA_LIFETIME_S, LIFETIME_S, RENEW_BEFORE_S = 3650 * DAY_S, 365 * DAY_S, 30 * DAY_S

SERVER_NAMES = (
    "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
)  # fmt: skip


class Pair(Struct, frozen=True):
    """PEM text of a certificate and its key."""

    cert: bytes
    key: bytes


class FrontProxy(Struct, frozen=True):
    """What this server shows to aggregated ones, and whom it believes in their place."""

    ca: bytes  # PEM
    certificate: Path
    key: Path


class Pki(Struct, frozen=True):
    ca: Pair
    server: Pair
    admin: Pair
    front_proxy_ca: Pair  # of those who may say who asks, and of nobody else
    front_proxy_client: Pair
    service_account_key: bytes  # PEM: the key that signs service account tokens, then those it followed
    directory: Path

    def front_proxy(self) -> FrontProxy:
        client = "front-proxy-client"
        return FrontProxy(self.front_proxy_ca.cert, self.file(f"{client}.crt"), self.file(f"{client}.key"))

    def file(self, name: str) -> Path:
        """ "ca.crt", "front-proxy-client.key" """
        return self.directory / name

    def ca_file(self) -> Path:
        return self.file("ca.crt")


def ensure(directory: Path, clock: Clock, *, addresses: tuple[str, ...]) -> Pki:
    """The cluster's keys from `directory`, made where missing or due. `addresses`: IPs of the server certificate."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    directory.chmod(0o700)
    made: dict[str, Pair] = {}
    now = clock.now()

    ca = _load(directory, "ca")
    if ca is None:
        ca = made["ca"] = _authority(now)
    server = _load(directory, "server")
    if server is None or "ca" in made or not _is_fresh(directory / "server.crt", now, addresses):
        server = made["server"] = _issue(ca, now, "kube-apiserver", (), server_for=addresses)
    admin = _load(directory, "admin")
    if admin is None or "ca" in made or not _is_fresh(directory / "admin.crt", now, ()):
        admin = made["admin"] = _issue(ca, now, "kubernetes-admin", ("system:masters",))
    proxy_ca = _load(directory, "front-proxy-ca")
    if proxy_ca is None:
        proxy_ca = made["front-proxy-ca"] = _authority(now, "front-proxy-ca")
    proxy = _load(directory, "front-proxy-client")
    proxy_path = directory / "front-proxy-client.crt"
    if proxy is None or "front-proxy-ca" in made or not _is_fresh(proxy_path, now, ()):
        proxy = made["front-proxy-client"] = _issue(proxy_ca, now, "front-proxy-client", ())
    key_path = directory / "sa.key"
    if not key_path.exists():
        write_private(key_path, _new_key_pem())

    for name, pair in made.items():
        write_private(directory / f"{name}.key", pair.key)
        (directory / f"{name}.crt").write_bytes(pair.cert)
    return Pki(
        ca=ca, server=server, admin=admin, front_proxy_ca=proxy_ca, front_proxy_client=proxy,
        service_account_key=b"".join([key_path.read_bytes(), *_earlier_keys(directory)]), directory=directory,
    )  # fmt: skip


def rotate_service_account_key(directory: Path) -> Path:
    """A new sa.key; the old one goes on verifying, as sa-1.pub (or the next number), until that file is taken away.

    Returns that file. A running daemon goes on with what it has read: the next start signs with the new key.
    """
    from cryptography.hazmat.primitives import serialization as s

    key_path = directory / "sa.key"
    private: Any = s.load_pem_private_key(key_path.read_bytes(), None)
    public = private.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo)
    numbers = [int(path.stem[3:]) for path in directory.glob("sa-*.pub") if path.stem[3:].isdigit()]
    earlier = directory / f"sa-{max(numbers, default=0) + 1}.pub"
    write_private(earlier, public)
    write_private(key_path, _new_key_pem())
    return earlier


def serving_apart(now: float, name: str) -> tuple[bytes, Pair]:
    """(CA, certificate) of a server beside the API server, for one DNS name; kept nowhere."""
    ca = _authority(now, name)
    return ca.cert, _issue(ca, now, name, (), server_for=("127.0.0.1",), server_names=(name,))


def _earlier_keys(directory: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(directory.glob("sa-*.pub"))]


def write_private(path: Path, data: bytes) -> None:
    """Readable by its owner only, from the first byte on; replaced whole or not at all."""
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def kubeconfig(pki: Pki, *, server: str, name: str) -> str:
    """A self-contained admin kubeconfig (YAML). Cluster and context carry the same name, as some tools expect."""

    def inline(pem: bytes) -> str:
        return base64.b64encode(pem).decode()

    return yaml.dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": name,
                    "cluster": {"certificate-authority-data": inline(pki.ca.cert), "server": server},
                }
            ],
            "users": [
                {
                    "name": "kubernetes-admin",
                    "user": {
                        "client-certificate-data": inline(pki.admin.cert),
                        "client-key-data": inline(pki.admin.key),
                    },
                }
            ],
            "contexts": [{"name": name, "context": {"cluster": name, "user": "kubernetes-admin"}}],
            "current-context": name,
            "preferences": {},
        }
    )


def _load(directory: Path, name: str) -> Pair | None:
    try:
        return Pair((directory / f"{name}.crt").read_bytes(), (directory / f"{name}.key").read_bytes())
    except FileNotFoundError:
        return None


def _is_fresh(path: Path, now: float, addresses: tuple[str, ...]) -> bool:
    # The ssl module reads a certificate without importing cryptography (40 ms of every start otherwise).
    info: dict[str, Any] = ssl._ssl._test_decode_cert(str(path))  # type: ignore[attr-defined]
    names = {
        ipaddress.ip_address(value) for kind, value in info.get("subjectAltName", ()) if kind == "IP Address"
    }
    expires = ssl.cert_time_to_seconds(info["notAfter"])
    return expires - now > RENEW_BEFORE_S and all(ipaddress.ip_address(a) in names for a in addresses)


def _new_key_pem() -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ec

    return _pem(ec.generate_private_key(ec.SECP256R1()))


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives import serialization as s

    return key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption())


def _authority(now: float, common_name: str = "kubernetes") -> Pair:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    usage = x509.KeyUsage(True, False, True, False, False, True, True, False, False)
    certificate = (
        _builder(name, name, key.public_key(), now, CA_LIFETIME_S)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Pair(certificate.public_bytes(_encoding()), _pem(key))


def _issue(
    ca: Pair,
    now: float,
    common_name: str,
    organizations: tuple[str, ...],
    *,
    server_for: tuple[str, ...] = (),
    server_names: tuple[str, ...] = SERVER_NAMES,
) -> Pair:
    """A client certificate, or a server certificate for the IPs in `server_for` and `server_names`."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    authority = x509.load_pem_x509_certificate(ca.cert)
    authority_key: Any = serialization.load_pem_private_key(ca.key, None)
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, o) for o in organizations]
    subject = x509.Name([*names, x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    usage = x509.KeyUsage(True, False, True, False, False, False, False, False, False)
    purpose = x509.ExtendedKeyUsageOID.SERVER_AUTH if server_for else x509.ExtendedKeyUsageOID.CLIENT_AUTH
    builder = (
        _builder(subject, authority.subject, key.public_key(), now, LIFETIME_S)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
        )
    )
    if server_for:
        alternatives: list[x509.GeneralName] = [x509.DNSName(n) for n in server_names]
        alternatives += [x509.IPAddress(ipaddress.ip_address(a)) for a in server_for]
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    certificate = builder.sign(authority_key, hashes.SHA256())
    return Pair(certificate.public_bytes(_encoding()), _pem(key))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: float, lifetime_s: float
) -> x509.CertificateBuilder:
    from datetime import UTC, datetime

    from cryptography import x509

    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        # An hour back: clocks of clients differ. Virtual clocks may stand in the past, certificates never do.
        .not_valid_before(datetime.fromtimestamp(now - 3600, UTC))
        .not_valid_after(datetime.fromtimestamp(now + lifetime_s, UTC))
    )


def _encoding() -> Encoding:
    from cryptography.hazmat.primitives.serialization import Encoding

    return Encoding.PEM
