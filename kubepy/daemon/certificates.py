"""Which certificates a cluster shows, and which it believes: those that the settings name, or its own."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from kubepy.apiserver.aggregation.connections import ClientCertificate
from kubepy.apiserver.aggregation.trust import Trust
from kubepy.daemon.config import Config
from kubepy.daemon.pki import FrontProxy, Pki
from kubepy.daemon.settings import ConfigError, read_file


class Serving(Struct, frozen=True):
    """Files for the API server's socket."""

    certificate: Path
    key: Path
    client_cas: tuple[Path, ...]


def serving(config: Config, pki: Pki) -> Serving:
    certificate, key = pki.file("server.crt"), pki.file("server.key")
    if config.tls_cert_file:
        certificate, key = _path(config.tls_cert_file), _path(config.tls_private_key_file)
    clients = (pki.ca_file(), *((_path(config.client_ca_file),) if config.client_ca_file else ()))
    of_proxies = config.requestheader_client_ca_file
    return Serving(
        certificate, key, (*clients, _path(of_proxies) if of_proxies else pki.file("front-proxy-ca.crt"))
    )


def are_foreign(config: Config) -> bool:
    """Whether one is somebody else's to keep, and to change; the cluster's own stay as they are."""
    return bool(config.tls_cert_file or config.client_ca_file or config.requestheader_client_ca_file)


def trust(config: Config, ca: bytes, front_proxy: FrontProxy | None) -> Trust:
    """Whose certificates and headers this server believes; published for aggregated servers. Raises ConfigError."""
    of_proxies = _text(config.requestheader_client_ca_file, "requestheader-client-ca-file")
    return Trust(
        client_ca=ca.decode() + _text(config.client_ca_file, "client-ca-file"),
        request_header_ca=of_proxies or (front_proxy.ca.decode() if front_proxy else ""),
        allowed_names=config.requestheader_allowed_names,
        username_headers=config.requestheader_username_headers,
        uid_headers=config.requestheader_uid_headers,
        group_headers=config.requestheader_group_headers,
        extra_prefixes=config.requestheader_extra_headers_prefix,
    )


def of_proxy(config: Config, front_proxy: FrontProxy | None) -> ClientCertificate | None:
    """What is shown to aggregated servers."""
    if config.proxy_client_cert_file:
        return ClientCertificate(_path(config.proxy_client_cert_file), _path(config.proxy_client_key_file))
    return ClientCertificate(front_proxy.certificate, front_proxy.key) if front_proxy else None


def _path(given: str) -> Path:
    return Path(given).expanduser()


def _text(path: str, setting: str) -> str:
    """A file's content, "" if none is named."""
    try:
        return read_file(path, setting).decode() if path else ""
    except UnicodeDecodeError:
        raise ConfigError(f"{setting}: {path}: not PEM") from None
