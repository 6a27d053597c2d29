"""OpenID Connect issuers, as --authentication-config or the --oidc-* flags name them.

The flags say what one entry of the file says, and are made into one. The file is read again when it changes: issuers
must be heard from before they take the place of those before, and what it says of anonymous requests cannot change.

Source: kubernetes pkg/kubeapiserver/options/authentication.go ToAuthenticationConfig, ApplyTo;
pkg/kubeapiserver/authenticator/config.go updateAuthenticationConfig.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubepy.api.errors import Unauthorized
from kubepy.api.objects import Obj
from kubepy.apiserver.authn import configuration
from kubepy.apiserver.authn.configuration import Configuration, Issuer
from kubepy.apiserver.authn.distributed_claims import Read
from kubepy.apiserver.authn.oidc import ALGORITHMS, Fetch, Issuers, OidcTokens
from kubepy.apiserver.configuration_files import Unusable
from kubepy.client.http import HttpTransport
from kubepy.client.kubeconfig import Access
from kubepy.client.transport import Transport
from kubepy.daemon.config import Config
from kubepy.daemon.settings import ConfigError, read_file
from kubepy.lib.clock import Clock, RealClock
from kubepy.lib.random import Random
from kubepy.observability.metrics import Metrics

# Source: oidc.go, http.Client timeout.
ISSUER_TIMEOUT_S = 30.0


class OpenId:
    """The issuers that are believed now. Raises ConfigError."""

    def __init__(self, config: Config, *, clock: Clock, random: Random, metrics: Metrics) -> None:
        self._config, self._clock, self._random, self._metrics = config, clock, random, metrics
        self._algorithms = ALGORITHMS if config.authentication_config else config.oidc_signing_algs
        self._transports: list[Transport] = []
        given = self._read()
        if given.anonymous is not None and config.anonymous_auth:
            raise ConfigError(
                "anonymous: Forbidden: --anonymous-auth flag cannot be set when anonymous field is configured in "
                "authentication configuration file"
            )
        self.anonymous = given.anonymous
        self.issuers = Issuers(self._made(given.issuers))

    @property
    def files(self) -> tuple[str, ...]:
        """Those that `reload` reads."""
        return (self._config.authentication_config,) if self._config.authentication_config else ()

    async def reload(self) -> None:
        given = self._read()
        if given.anonymous != self.anonymous:
            why = "anonymous: Forbidden: changed from initial configuration file"
            raise ConfigError(f"authentication-config: {why}")
        before, self._transports = self._transports, []
        made = self._made(given.issuers)
        try:
            for issuer in made:
                await issuer.discover()
        except Unauthorized as error:
            unheard, self._transports = self._transports, before
            await _close(unheard)
            raise ConfigError(f"authentication-config: {error.message}") from None
        self.issuers.replace(made)
        await _close(before)

    async def close(self) -> None:
        await _close(self._transports)

    def _read(self) -> Configuration:
        config = self._config
        disallowed = config.service_account_issuer
        try:
            if config.authentication_config:
                text = read_file(config.authentication_config, "authentication-config")
                return configuration.load(text.decode(errors="replace"), disallowed_issuers=disallowed)
            return configuration.of({"jwt": [entry_of(config)]}, disallowed_issuers=disallowed)
        except Unusable as error:
            where = f"authentication-config: {config.authentication_config}"
            raise ConfigError(f"{where if config.authentication_config else 'oidc'}: {error}") from None

    def _made(self, issuers: Sequence[Issuer]) -> list[OidcTokens]:
        return [self._one(issuer) for issuer in issuers]

    def _one(self, issuer: Issuer) -> OidcTokens:
        # Sockets live in the machine's time, whatever the cluster's does. The server is part of each path.
        access = Access(server="https:", ca=issuer.certificate_authority.encode())
        transport = access.transport(clock=RealClock(), random=self._random)
        self._transports.append(transport)
        try:
            return OidcTokens(
                issuer, fetch=_fetch(transport), clock=self._clock, algorithms=self._algorithms,
                read=_read(transport), metrics=self._metrics,
            )  # fmt: skip
        except ValueError as error:
            raise ConfigError(str(error)) from None


async def _close(transports: Sequence[Transport]) -> None:
    for transport in transports:
        await transport.close()


def _fetch(transport: Transport) -> Fetch:
    async def fetch(url: str) -> Obj:
        return (await transport.request("GET", url.removeprefix("https:"), timeout_s=ISSUER_TIMEOUT_S)).obj

    return fetch


def _read(transport: HttpTransport) -> Read:
    async def read(url: str, token: str) -> str:
        path = url.removeprefix("https:")
        return await transport.text(path, token=token, timeout_s=ISSUER_TIMEOUT_S)

    return read


# -- flags ---------------------------------------------------------------------------------------------------------


def entry_of(config: Config) -> Obj:
    """The flags as an entry of `jwt`."""
    issuer: Obj = {"url": config.oidc_issuer_url, "audiences": [config.oidc_client_id]}
    if config.oidc_ca_file:
        issuer["certificateAuthority"] = read_file(config.oidc_ca_file, "oidc-ca-file").decode(
            errors="replace"
        )
    mappings: Obj = {"username": {"claim": config.oidc_username_claim, "prefix": _prefix(config)}}
    if config.oidc_groups_claim:
        mappings["groups"] = {"claim": config.oidc_groups_claim, "prefix": config.oidc_groups_prefix}
    rules = [
        {"claim": claim, "requiredValue": value}
        for claim, _, value in (pair.partition("=") for pair in config.oidc_required_claim)
    ]
    return {"issuer": issuer, "claimMappings": mappings, "claimValidationRules": rules}


def _prefix(config: Config) -> str:
    """Names of other issuers' users are theirs, unless the prefix is "-"; addresses are everybody's."""
    if config.oidc_username_prefix == "-":
        return ""
    if not config.oidc_username_prefix and config.oidc_username_claim != "email":
        return f"{config.oidc_issuer_url}#"
    return config.oidc_username_prefix
