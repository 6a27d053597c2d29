"""The authenticators that the settings ask for, in upstream's order, and what makes and verifies our own tokens.

Composition only. Source: kubernetes pkg/kubeapiserver/authenticator/config.go, options/authentication.go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kubepy.api.builtins import SECRETS, Catalog
from kubepy.api.objects import Obj
from kubepy.apiserver.aggregation.trust import Trust
from kubepy.apiserver.authn import Anonymous, Authenticator, Union
from kubepy.apiserver.authn.bootstrap_tokens import BootstrapTokens
from kubepy.apiserver.authn.keys import Keys, UnusableKey
from kubepy.apiserver.authn.request_header import Headers, RequestHeaders, fingerprints
from kubepy.apiserver.authn.service_account_tokens import Signer
from kubepy.apiserver.authn.service_account_verifier import LAST_USED, Find, Verifier
from kubepy.apiserver.authn.tokens import (
    BearerTokens,
    StaticTokens,
    TokenAuthenticator,
    TokenFileError,
    Tokens,
    read_token_file,
)
from kubepy.apiserver.authn.x509 import ClientCertificates
from kubepy.apiserver.configuration_files import Unusable
from kubepy.apiserver.handlers.subresources.token import Rules
from kubepy.apiserver.registry.keys import path_of
from kubepy.apiserver.registry.registry import Registry
from kubepy.client.client import MERGE_PATCH, Client
from kubepy.client.transport import Transport
from kubepy.daemon.config import Config, ConfigError, duration_s
from kubepy.lib.aio import Tasks
from kubepy.lib.clock import Clock, RealClock
from kubepy.lib.random import Random
from kubepy.observability.logs import Logger

if TYPE_CHECKING:
    from kubepy.apiserver.authn.configuration import Configuration, Issuer
    from kubepy.apiserver.authn.oidc import Fetch

# Source: oidc.go, http.Client timeout.
ISSUER_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Authentication:
    """What comes of the settings."""

    keys: Keys
    signer: Signer
    token_rules: Rules
    tokens: Tokens
    authenticator: Authenticator
    transports: tuple[Transport, ...]  # to others who know users

    async def close(self) -> None:
        for transport in self.transports:
            await transport.close()


def keys_of(config: Config, own: bytes) -> Keys:
    """`own`: the cluster's signing key, followed by those it had before. Raises ConfigError."""
    signing, *earlier = split_pem(own)
    verifying = [*earlier]
    if config.service_account_signing_key_file:
        # What the cluster's own key has signed stays good.
        verifying.insert(0, signing)
        signing = _read(config.service_account_signing_key_file, "service-account-signing-key-file")
    verifying += [_read(path, "service-account-key-file") for path in config.service_account_key_file]
    keys = Keys(signing, verifying)
    if config.service_account_signing_key_file or config.service_account_key_file:
        try:
            assert keys.signing
        except UnusableKey as error:
            raise ConfigError(
                f"service-account-key-file, service-account-signing-key-file: {error}"
            ) from None
    return keys


def split_pem(text: bytes) -> list[bytes]:
    """The PEM blocks of a file, in order."""
    blocks = [block for block in text.split(b"-----BEGIN ") if block.strip()]
    return [b"-----BEGIN " + block for block in blocks]


def build(
    config: Config,
    *,
    keys: Keys,
    trust: Trust,
    registry: Registry,
    catalog: Catalog,
    client: Callable[[], Client],
    clock: Clock,
    random: Random,
    tasks: Tasks,
    log: Logger,
) -> Authentication:
    """`client`: as system:apiserver, for what authentication writes; called once there is one. Raises ConfigError."""
    issuers = config.service_account_issuer
    signer = Signer(
        keys, issuer=issuers[0], audiences=config.api_audiences or issuers, clock=clock, random=random
    )
    lookup = partial(_look_up, registry, catalog)

    def mark_used(secret: Obj, day: str) -> None:
        tasks.start(_label(client(), secret, day, log), name="legacy-token-used")

    verifier = Verifier(
        keys, issuers=issuers, audiences=signer.audiences, lookup=lookup, clock=clock, mark_used=mark_used
    )
    kinds: list[TokenAuthenticator] = []
    if config.token_auth_file:
        try:
            kinds.append(StaticTokens(read_token_file(Path(config.token_auth_file).expanduser())))
        except (TokenFileError, OSError) as error:
            raise ConfigError(f"token-auth-file: {error}") from None
    kinds.append(verifier)
    if config.enable_bootstrap_token_auth:
        kinds.append(BootstrapTokens(lookup=lookup, clock=clock))
    transports: list[Transport] = []
    anonymous = Anonymous(config.anonymous_auth)
    if config.authentication_config:
        # CEL and what else it needs take a fifth of the start; few clusters have such a file.
        from kubepy.apiserver.authn.oidc import OidcTokens

        given = _configuration(config)
        anonymous = given.anonymous or anonymous
        for issuer in given.issuers:
            transport = _transport_to(issuer, random)
            transports.append(transport)
            kinds.append(OidcTokens(issuer, fetch=_fetch(transport), clock=clock))
    if config.authentication_token_webhook_config_file:
        from kubepy.apiserver.authn.webhook import WebhookTokens

        transport = _webhook(config, random)
        transports.append(transport)
        kinds.append(
            WebhookTokens(
                transport,
                version=config.authentication_token_webhook_version,
                audiences=signer.audiences,
                cache_s=duration_s(config.authentication_token_webhook_cache_ttl),
                clock=clock,
                random=random,
            )
        )
    tokens = Tokens(kinds)
    return Authentication(
        keys=keys,
        signer=signer,
        token_rules=Rules(
            int(duration_s(config.service_account_max_token_expiration)),
            config.service_account_extend_token_expiration,
        ),
        tokens=tokens,
        authenticator=Union(
            [*_certificates(config, trust, clock), BearerTokens(tokens)],
            anonymous=anonymous,
            log=log,
        ),
        transports=tuple(transports),
    )


def _configuration(config: Config) -> Configuration:
    from kubepy.apiserver.authn import configuration

    text = _read(config.authentication_config, "authentication-config").decode(errors="replace")
    try:
        return configuration.load(text, disallowed_issuers=config.service_account_issuer)
    except Unusable as error:
        raise ConfigError(f"authentication-config: {config.authentication_config}: {error}") from None


def _transport_to(issuer: Issuer, random: Random) -> Transport:
    """Sockets live in the machine's time, whatever the cluster's does. The server is part of each path."""
    from kubepy.client.kubeconfig import Access

    access = Access(server="https:", ca=issuer.certificate_authority.encode())
    return access.transport(clock=RealClock(), random=random)


def _fetch(transport: Transport) -> Fetch:
    async def fetch(url: str) -> Obj:
        return (await transport.request("GET", url.removeprefix("https:"), timeout_s=ISSUER_TIMEOUT_S)).obj

    return fetch


def _webhook(config: Config, random: Random) -> Transport:
    from kubepy.client import kubeconfig

    try:
        access = kubeconfig.load(config.authentication_token_webhook_config_file)
    except kubeconfig.Unusable as error:
        raise ConfigError(f"authentication-token-webhook-config-file: {error}") from None
    return access.transport(clock=RealClock(), random=random)


def _certificates(config: Config, trust: Trust, clock: Clock) -> list[Authenticator]:
    try:
        of_proxies = fingerprints(trust.request_header_ca)
        only_of_proxies = of_proxies - fingerprints(trust.client_ca)
    except ValueError as error:
        raise ConfigError(f"requestheader-client-ca-file, client-ca-file: {error}") from None
    headers = Headers(trust.username_headers, trust.uid_headers, trust.group_headers, trust.extra_prefixes)
    front_proxies = RequestHeaders(
        clock, authorities=of_proxies, allowed_names=trust.allowed_names, headers=headers
    )
    return [front_proxies, ClientCertificates(clock, only_of_proxies)]


async def _look_up(registry: Registry, catalog: Catalog, plural: str, namespace: str, name: str) -> Find:
    resource = catalog.get("", "v1", plural)
    assert resource is not None, f"tokens cannot be bound to {plural}"
    cache = await registry.loaded(resource)
    return partial(cache.get, path_of(namespace, name))


async def _label(client: Client, secret: Obj, day: str, log: Logger) -> None:
    metadata = secret["metadata"]
    patch = {"metadata": {"uid": metadata["uid"], "labels": {LAST_USED: day}}}
    try:
        await client.patch(
            SECRETS, metadata["name"], patch, namespace=metadata["namespace"], content_type=MERGE_PATCH
        )
    except Exception as error:  # noqa: BLE001 - the token is good; that its use is not noted harms nobody today
        log.warning(
            "legacy_token_use_not_noted",
            object=f"{metadata['namespace']}/{metadata['name']}",
            error=str(error),
        )


def _read(path: str, setting: str) -> bytes:
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as error:
        raise ConfigError(f"{setting}: {error}") from None
