"""A claim that is not in the token but where the token says: `_claim_names` and `_claim_sources`.

The token's signature has been verified by then, so it is the issuer who names the address; what is found there is a
token again, verified by its own issuer's keys. Only addresses with https are asked, and only those whose certificate
goes back to the CA that the issuer's must go back to. Aggregated claims (a token in the token) are not resolved, as
upstream.

Source: apiserver plugin/pkg/authenticator/token/oidc/oidc.go claimResolver; OpenID Connect Core 1.0, section 5.6.2.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from kubepy.api.errors import StatusError, Unauthorized
from kubepy.api.objects import Obj
from kubepy.client.transport import ConnectionLost

# (URL, bearer token or "") -> the token that is there. Raises StatusError, ConnectionLost.
Read = Callable[[str, str], Awaitable[str]]
# A token -> its claims, verified by the issuer that it names. Raises Unauthorized.
Verify = Callable[[str], Awaitable[Obj]]


class Unresolved(Exception):
    """The claim is said to be somewhere, and could not be had from there."""


async def expand(claims: Obj, claim: str, read: Read, verify: Verify) -> Obj:
    """`claims`, with `claim` if it is elsewhere. Raises Unresolved."""
    endpoint = endpoint_of(claims, claim)
    if endpoint is None:
        return claims
    url = endpoint.get("endpoint") or ""
    if not url:
        return claims
    if urlsplit(url).scheme != "https":
        raise Unresolved(f'while getting distributed claim "{claim}": "{url}" is not https')
    try:
        token = await read(url, endpoint.get("access_token") or "")
    except (StatusError, ConnectionLost) as error:
        raise Unresolved(f'while getting distributed claim "{claim}": {error}') from error
    try:
        found = await verify(token)
    except Unauthorized as error:
        raise Unresolved(f"verify distributed claim token: {error.message}") from error
    if claim not in found:
        raise Unresolved(f'jwt returned by distributed claim endpoint "{url}" did not contain claim: {claim}')
    return claims | {claim: found[claim]}


def endpoint_of(claims: Obj, claim: str) -> Obj | None:
    """None: the claim is here, or nowhere. Raises Unresolved."""
    names, sources = claims.get("_claim_names"), claims.get("_claim_sources")
    if claim in claims or names is None:
        return None
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise Unresolved("oidc: error parsing distributed claim names")
    if sources is None:
        raise Unresolved("oidc: no claim sources")
    if not isinstance(sources, dict) or not all(isinstance(source, dict) for source in sources.values()):
        raise Unresolved("oidc: could not parse claim sources")
    if claim not in names:
        return None
    if names[claim] not in sources:
        raise Unresolved(
            f"id token _claim_names contained a source {names[claim]} missing in _claims_sources"
        )
    source: Obj = sources[names[claim]]
    return source
