"""The authenticators that the settings ask for, in upstream's order, and what makes and verifies our own tokens.

Composition only. Source: kubernetes pkg/kubeapiserver/authenticator/config.go, options/authentication.go.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

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
    AnyAudience,
    BearerTokens,
    StaticTokens,
    TokenAuthenticator,
    TokenFileError,
    Tokens,
    read_token_file,
)
from kubepy.apiserver.authn.x509 import ClientCertificates
from kubepy.apiserver.handlers.subresources.token import Rules
from kubepy.apiserver.registry.keys import path_of
from kubepy.apiserver.registry.registry import Registry
from kubepy.client.client import MERGE_PATCH, Client
from kubepy.daemon import services
from kubepy.daemon.config import Config
from kubepy.daemon.settings import ConfigError, duration_s, read_file
from kubepy.lib.aio import Tasks
from kubepy.lib.clock import Clock
from kubepy.lib.random import Random
from kubepy.observability.logs import Logger
from kubepy.observability.metrics import Metrics

if TYPE_CHECKING:
    from kubepy.apiserver.authn.webhook import WebhookTokens
    from kubepy.daemon.openid import OpenId


class Authentication(Struct, frozen=True):
    """What comes of the settings."""

    keys: Keys
    signer: Signer
    token_rules: Rules
    tokens: Tokens
    authenticator: Authenticator
    certificates: Certificates
    openid: OpenId | None
    webhook: WebhookTokens | None

    async def close(self) -> None:
        for connected in (self.openid, self.webhook):
            if connected is not None:
                await connected.close()


def keys_of(config: Config, own: bytes) -> Keys:
    """`own`: the cluster's signing key, followed by those it had before. Raises ConfigError."""
    signing, *earlier = split_pem(own)
    verifying = [*earlier]
    if config.service_account_signing_key_file:
        # What the cluster's own key has signed stays good.
        verifying.insert(0, signing)
        signing = read_file(config.service_account_signing_key_file, "service-account-signing-key-file")
    verifying += [read_file(path, "service-account-key-file") for path in config.service_account_key_file]
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
    metrics: Metrics,
) -> Authentication:
    """`client`: as system:apiserver, for what authentication writes; called once there is one. Raises ConfigError."""
    issuers = config.service_account_issuer
    audiences = config.api_audiences or issuers
    lookup = partial(_look_up, registry, catalog)

    def mark_used(secret: Obj, day: str) -> None:
        tasks.start(_label(client(), secret, day, log), name="legacy-token-used")

    certificates = Certificates(trust, clock)
    openid = _openid(config, clock, random, metrics)
    webhook = _webhook(config, audiences, clock, random)

    def for_us(tokens: TokenAuthenticator | None) -> TokenAuthenticator | None:
        return AnyAudience(tokens, audiences) if tokens is not None else None

    asked: tuple[TokenAuthenticator | None, ...] = (
        for_us(_static_tokens(config)),
        Verifier(keys, issuers=issuers, audiences=audiences, lookup=lookup, clock=clock, mark_used=mark_used),
        for_us(BootstrapTokens(lookup=lookup, clock=clock) if config.enable_bootstrap_token_auth else None),
        for_us(openid.issuers if openid is not None else None),
        webhook,
    )
    tokens = Tokens([each for each in asked if each is not None])
    return Authentication(
        keys=keys,
        signer=Signer(keys, issuer=issuers[0], audiences=audiences, clock=clock, random=random),
        token_rules=Rules(
            int(duration_s(config.service_account_max_token_expiration)),
            config.service_account_extend_token_expiration,
        ),
        tokens=tokens,
        authenticator=Union(
            [*certificates.authenticators, BearerTokens(tokens)],
            anonymous=(openid and openid.anonymous) or Anonymous(config.anonymous_auth),
            log=log,
        ),
        certificates=certificates,
        openid=openid,
        webhook=webhook,
    )


def _static_tokens(config: Config) -> StaticTokens | None:
    if not config.token_auth_file:
        return None
    try:
        return StaticTokens(read_token_file(Path(config.token_auth_file).expanduser()))
    except (TokenFileError, OSError) as error:
        raise ConfigError(f"token-auth-file: {error}") from None


def _openid(config: Config, clock: Clock, random: Random, metrics: Metrics) -> OpenId | None:
    if not (config.authentication_config or config.oidc_issuer_url):
        return None
    # CEL and what else it needs take a fifth of the start; few clusters have issuers.
    from kubepy.daemon.openid import OpenId

    return OpenId(config, clock=clock, random=random, metrics=metrics)


def _webhook(
    config: Config, audiences: tuple[str, ...], clock: Clock, random: Random
) -> WebhookTokens | None:
    if not config.authentication_token_webhook_config_file:
        return None
    from kubepy.apiserver.authn.webhook import WebhookTokens

    return WebhookTokens(
        services.transport(
            config.authentication_token_webhook_config_file,
            "authentication-token-webhook-config-file",
            random,
        ),
        version=config.authentication_token_webhook_version,
        audiences=audiences,
        cache_s=duration_s(config.authentication_token_webhook_cache_ttl),
        clock=clock,
        random=random,
    )


class Certificates:
    """What clients show in the handshake, and whom it makes them. Raises ConfigError."""

    def __init__(self, trust: Trust, clock: Clock) -> None:
        headers = Headers(
            trust.username_headers, trust.uid_headers, trust.group_headers, trust.extra_prefixes
        )
        self._proxies = RequestHeaders(
            clock, authorities=frozenset(), allowed_names=trust.allowed_names, headers=headers
        )
        self._clients = ClientCertificates(clock)
        self.authenticators: list[Authenticator] = [self._proxies, self._clients]
        self._ever: frozenset[str] = frozenset()  # CAs that were believed at some time
        self.trust(trust)

    def trust(self, trust: Trust) -> None:
        """Believe these CAs, and no others."""
        try:
            of_proxies, of_clients = fingerprints(trust.request_header_ca), fingerprints(trust.client_ca)
        except ValueError as error:
            raise ConfigError(f"requestheader-client-ca-file, client-ca-file: {error}") from None
        self._ever |= of_proxies | of_clients
        self._proxies.authorities = of_proxies
        self._clients.others = self._ever - of_clients


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
