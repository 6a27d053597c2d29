"""Bearer tokens: where they are in a request, and those that a file lists.

Source: apiserver pkg/authentication/request/bearertoken/bearertoken.go,
pkg/authentication/token/tokenfile/tokenfile.go.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from msgspec.structs import replace

from kubepy.api.errors import Unauthorized
from kubepy.apiserver.authn import Verdict, aggregate, authenticated
from kubepy.apiserver.request import Request, User


class TokenAuthenticator(Protocol):
    async def review(self, token: str, audiences: Sequence[str] = ()) -> Verdict | None:
        """Whose it is; None if it is not one of ours. Raises Unauthorized if it is, and bad.

        `audiences`: those it must be good for one of; () are the API server's own. Those of tokens that know none leave
        them to AnyAudience.
        """


class Tokens:
    """Every kind of token, asked in order; one that nobody knows is a failure, too.

    Source: apiserver pkg/authentication/token/union/union.go, request/bearertoken/bearertoken.go (invalidToken).
    """

    def __init__(self, authenticators: Sequence[TokenAuthenticator]) -> None:
        self._authenticators = tuple(authenticators)

    async def review(self, token: str, audiences: Sequence[str] = ()) -> Verdict:
        failures: list[str] = []
        for authenticator in self._authenticators:
            try:
                verdict = await authenticator.review(token, audiences)
            except Unauthorized as error:
                failures.append(error.message)
                continue
            if verdict is not None:
                return verdict
        raise Unauthorized(aggregate(failures or ["invalid bearer token"]))


class BearerTokens:
    """`Authorization: Bearer ...`."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def authenticate(self, request: Request) -> User | None:
        token = bearer_token(request.header("Authorization"))
        if not token:
            return None
        verdict = await self._tokens.review(token)
        if verdict.warnings:
            request.warnings.extend(verdict.warnings)
        if verdict.audit:
            request.audit.update(verdict.audit)
        return verdict.user


def bearer_token(header: str) -> str:
    """The token of an Authorization header, "" if it holds none."""
    # What follows a second space is not looked at.
    scheme, token, *_ = (*header.strip().split(" ", 2), "")
    return token if scheme.lower() == "bearer" else ""


class StaticTokens:
    """Tokens of a file or of the configuration."""

    def __init__(self, users: Mapping[str, User]) -> None:
        self._verdicts = {token: Verdict(user) for token, user in users.items()}

    async def review(self, token: str, audiences: Sequence[str] = ()) -> Verdict | None:
        return self._verdicts.get(token)


class AnyAudience:
    """Tokens that know no audiences are good for those of this API server, and for no other.

    Source: apiserver pkg/authentication/authenticator/audagnostic.go.
    """

    def __init__(self, authenticator: TokenAuthenticator, audiences: Sequence[str]) -> None:
        self._authenticator, self._audiences = authenticator, tuple(audiences)

    async def review(self, token: str, audiences: Sequence[str] = ()) -> Verdict | None:
        good = self._audiences
        if audiences:
            good = tuple(each for each in good if each in audiences)
        verdict = await self._authenticator.review(token) if good else None
        return replace(verdict, audiences=good) if verdict is not None else None


class TokenFileError(Exception):
    """The token file cannot be used; the message is a sentence for a person."""


def read_token_file(path: Path) -> dict[str, User]:
    """--token-auth-file: lines of token,user,uid[,"group1,group2"]; a later line of the same token wins."""
    users: dict[str, User] = {}
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TokenFileError(f"token file {path} cannot be read: {error}") from error
    for record in csv.reader(text.splitlines(), skipinitialspace=False):
        if not record or record[0].startswith("#"):
            continue
        if len(record) < 3:
            raise TokenFileError(
                f"token file '{path}' must have at least 3 columns (token, user name, user uid), found {len(record)}"
            )
        token, name, uid, *rest = record
        if token:
            groups = rest[0].split(",") if rest and rest[0] else []
            users[token] = authenticated(name, groups, uid)
    return users
