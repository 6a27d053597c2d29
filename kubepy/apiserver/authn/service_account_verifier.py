"""Believing service account tokens, while the account and what they are bound to exist under the same uid.

The signature of a token is verified once, and who it is of is remembered together with the objects that say so. A later
request looks whether these are still the same objects, byte for byte: some dictionary look-ups, a microsecond. When one
has changed it is read again, when one is gone the token is over, at once. (kube-apiserver remembers the whole verdict
for ten seconds.)

Two kinds: bound tokens of TokenRequest, and those of Secrets (issuer kubernetes/serviceaccount), which count while the
Secret holds this very token and is not marked invalid. The use of the latter is recorded by a label, once a day.

Source: kubernetes pkg/serviceaccount/{claims,legacy,jwt}.go.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from msgspec import Struct

from kubepy.api.errors import Unauthorized
from kubepy.api.objects import Document, Obj, is_deleting, labels_of
from kubepy.apiserver.authn import Verdict
from kubepy.apiserver.authn.keys import ALGORITHMS, Keys
from kubepy.apiserver.authn.service_account_tokens import (
    CLAIM,
    LEGACY_ISSUER,
    LEGACY_NAME,
    LEGACY_NAMESPACE,
    LEGACY_SECRET,
    LEGACY_UID,
    groups,
    username,
)
from kubepy.apiserver.request import User
from kubepy.lib.clock import Clock, parse_rfc3339

# Source: go-jose jwt.DefaultLeeway: clocks of issuer and verifier may differ.
LEEWAY_S = 60.0

# Verified tokens kept; a pod has one, so this is as many pods as talk to us.
VERIFIED_MAX = 10_000

# How long a verdict stands that has something to say about this moment. Source: config.go, TokenSuccessCacheTTL.
SAYING_S = 10.0

INVALID_SINCE, LAST_USED = "kubernetes.io/legacy-token-invalid-since", "kubernetes.io/legacy-token-last-used"

_EXTRA = "authentication.kubernetes.io"
_GONE = "service account token has been invalidated"

# The way to one object, found once and cheap to go again: None when there is none.
Find = Callable[[], Document | None]
# (plural, namespace, name) -> that way.
Lookup = Callable[[str, str, str], Awaitable[Find]]
# Told of a Secret whose token was used, and of the day to write into its label.
MarkUsed = Callable[[Obj, str], None]


class _Known(Struct):
    """A token whose signature is good."""

    claims: Obj
    begins: float
    ends: float
    audiences: tuple[str, ...]
    own: Verdict | None = None  # for this API server's audiences, as of the objects in `seen`
    own_until: float = 0.0
    seen: tuple[tuple[Find, Document], ...] = ()


class Verifier:
    """A TokenAuthenticator (authn/tokens.py). `audiences`: those of this API server, usually its issuer."""

    def __init__(
        self,
        keys: Keys,
        *,
        issuers: Sequence[str],
        audiences: Sequence[str],
        lookup: Lookup,
        clock: Clock,
        mark_used: MarkUsed | None = None,
    ) -> None:
        self._keys = keys
        self._issuers = frozenset(issuers)
        self._audiences = tuple(audiences)
        self._lookup = lookup
        self._clock = clock
        self._mark_used = mark_used
        self._verified: dict[str, _Known] = {}

    async def review(self, token: str, audiences: Sequence[str] = ()) -> Verdict | None:
        """See authn/tokens.py; () are the API server's own audiences."""
        known = self._verified.get(token)
        if known is None:
            known = self._verify(token)
            if known is None:
                return None
            if len(self._verified) >= VERIFIED_MAX:
                self._verified.clear()
            self._verified[token] = known
        now = self._clock.now()
        if not known.begins <= now <= known.ends:
            self._verified.pop(token, None)
            raise Unauthorized(_untimely(known, now))
        if not audiences and known.own is not None and now < known.own_until:
            for find, document in known.seen:
                if find() is not document:
                    break
            else:
                return known.own
        return await self._review(token, known, audiences, now)

    async def _review(self, token: str, known: _Known, audiences: Sequence[str], now: float) -> Verdict:
        requested = audiences or self._audiences
        own = known.audiences or self._audiences
        good = [audience for audience in own if audience in requested]
        if not good:
            raise Unauthorized(
                f"token audiences {_go(own)} is invalid for the target audiences {_go(requested)}"
            )
        seen: list[tuple[Find, Document]] = []
        if CLAIM in known.claims:
            verdict = await self._bound(known.claims, good, seen, now)
        else:
            verdict = await self._legacy(token, known.claims, good, seen, now)
        if not audiences and not any(is_deleting(document.obj) for _, document in seen):
            known.own, known.seen = verdict, tuple(seen)
            known.own_until = now + SAYING_S if verdict.audit else _warn_after(known.claims)
        return verdict

    # -- the token itself ------------------------------------------------------------------------------------------

    def _verify(self, token: str) -> _Known | None:
        header, unverified = _part(token, 0), _part(token, 1)
        issuer = unverified.get("iss")
        if issuer not in self._issuers and issuer != LEGACY_ISSUER:
            return None
        claims = self._claims(token, str(header.get("kid") or ""))
        if claims.get("iss") != issuer:
            raise Unauthorized(f"token issuer {_go([str(claims.get('iss'))])[1:-1]} is invalid")
        if issuer == LEGACY_ISSUER:
            return _Known(claims, float("-inf"), float("inf"), _audiences(claims))
        if not isinstance(claims.get("exp"), int | float) or not isinstance(claims.get(CLAIM), dict):
            raise Unauthorized("service account token claims could not be validated")
        begins = max(float(claims.get("nbf") or 0), float(claims.get("iat") or 0))
        return _Known(claims, begins - LEEWAY_S, claims["exp"] + LEEWAY_S, _audiences(claims))

    def _claims(self, token: str, key_id: str) -> Obj:
        from joserfc import jwt
        from joserfc.errors import JoseError

        keys = self._keys.verifying(key_id)
        if not keys:
            raise Unauthorized("invalid signature, no keys found")
        failure: Exception | None = None
        for key in keys:
            try:
                return jwt.decode(token, key.jwk, algorithms=list(ALGORITHMS)).claims
            except (JoseError, ValueError) as error:
                failure = error
        raise Unauthorized(f"square/go-jose: error in cryptographic primitive ({failure})")

    # -- the objects behind it -------------------------------------------------------------------------------------

    async def _bound(
        self, claims: Obj, audiences: list[str], seen: list[tuple[Find, Document]], now: float
    ) -> Verdict:
        """Source: claims.go, validator.Validate."""
        private = claims[CLAIM]
        namespace, account = private.get("namespace", ""), private.get("serviceaccount") or {}
        name = account.get("name", "")
        found = await self._find("serviceaccounts", namespace, name, seen)
        if found is None:
            raise Unauthorized(f'serviceaccounts "{name}" not found')
        if (uid := found["metadata"].get("uid")) != account.get("uid"):
            raise Unauthorized(f"service account UID ({uid}) does not match claim ({account.get('uid')})")
        if _is_over(found, now):
            raise Unauthorized(f"service account {namespace}/{name} has been deleted")
        pod, node, secret = private.get("pod"), private.get("node"), private.get("secret")
        for plural, where, kind, bound in (
            ("secrets", namespace, "secret", secret),
            ("pods", namespace, "pod", pod),
            # With a pod the node is only told.
            ("nodes", "", "node", None if pod else node),
        ):
            if bound:
                self._check_bound(
                    await self._find(plural, where, bound.get("name", ""), seen), kind, bound, now
                )
        extra: dict[str, list[str]] = {}
        for kind, reference in (("pod", pod), ("node", node)):
            for field in ("name", "uid"):
                if reference and reference.get(field):
                    extra[f"{_EXTRA}/{kind}-{field}"] = [reference[field]]
        if jti := claims.get("jti"):
            extra[f"{_EXTRA}/credential-id"] = [f"JTI={jti}"]
        audit: dict[str, str] = {}
        if (late := private.get("warnafter")) and now > late:
            audit["authentication.k8s.io/stale-token"] = (
                f"subject: {claims.get('sub')}, seconds after warning threshold: {int(now) - int(late)}"
            )
        user = User(username(namespace, name), groups(namespace), account["uid"], extra)
        return Verdict(user, audiences, audit=audit)

    def _check_bound(self, obj: Obj | None, kind: str, reference: Obj, now: float) -> None:
        if obj is None or _is_over(obj, now):
            raise Unauthorized(_GONE)
        uid = obj["metadata"].get("uid")
        if uid != reference.get("uid"):
            title = "Secret" if kind == "secret" else kind.capitalize()
            of = "service account secret" if kind == "secret" else f"service account {kind}"
            raise Unauthorized(f"{title} UID ({uid}) does not match {of} ref claim ({reference.get('uid')})")

    async def _legacy(
        self, token: str, claims: Obj, audiences: list[str], seen: list[tuple[Find, Document]], now: float
    ) -> Verdict:
        """Source: legacy.go, legacyValidator.Validate."""
        namespace, secret_name, name, uid = (
            claims.get(claim, "") for claim in (LEGACY_NAMESPACE, LEGACY_SECRET, LEGACY_NAME, LEGACY_UID)
        )
        for claim, value in (
            ("sub", claims.get("sub")),
            ("namespace", namespace),
            ("secretName", secret_name),
            ("serviceAccountName", name),
            ("serviceAccountUID", uid),
        ):
            if not value:
                raise Unauthorized(f"{claim} claim is missing")
        if claims["sub"] != username(namespace, name):
            raise Unauthorized("sub claim is invalid")
        secret = await self._find("secrets", namespace, secret_name, seen)
        if secret is None or secret["metadata"].get("deletionTimestamp"):
            raise Unauthorized("Token has been invalidated")
        held = base64.b64decode((secret.get("data") or {}).get("token", ""))
        if not hmac.compare_digest(held, token.encode()):
            raise Unauthorized("Token does not match server's copy")
        account = await self._find("serviceaccounts", namespace, name, seen)
        if account is None:
            raise Unauthorized(f'serviceaccounts "{name}" not found')
        if account["metadata"].get("deletionTimestamp"):
            raise Unauthorized(f"ServiceAccount {namespace}/{name} has been deleted")
        if account["metadata"].get("uid") != uid:
            raise Unauthorized(
                f"ServiceAccount UID ({account['metadata'].get('uid')}) does not match claim ({uid})"
            )
        self._note_use(secret, now)
        if labels_of(secret).get(INVALID_SINCE):
            raise Unauthorized(
                f"the token in secret {namespace}/{secret_name} for service account {namespace}/{name} has been "
                "marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or "
                f"remove the '{INVALID_SINCE}' label from the secret to temporarily allow use of this token"
            )
        is_generated = any(ref.get("name") == secret_name for ref in account.get("secrets") or ())
        kind = "autogenerated" if is_generated else "manual"
        warnings = (
            "Use tokens from the TokenRequest API or manually created secret-based tokens instead of auto-generated "
            "secret-based tokens.",
        )
        return Verdict(
            User(username(namespace, name), groups(namespace), uid),
            audiences,
            warnings=warnings if is_generated else (),
            audit={
                f"authentication.k8s.io/legacy-token-{kind}-secret": secret_name,
                "authentication.k8s.io/legacy-token": claims["sub"],
            },
        )

    def _note_use(self, secret: Obj, now: float) -> None:
        """Source: patchSecretWithLastUsedDate; the day of a server further east is as good."""
        today = datetime.fromtimestamp(now, UTC)
        days = [moment.strftime("%Y-%m-%d") for moment in (today, today + timedelta(days=1))]
        if self._mark_used is not None and labels_of(secret).get(LAST_USED) not in days:
            self._mark_used(secret, days[0])

    async def _find(
        self, plural: str, namespace: str, name: str, seen: list[tuple[Find, Document]]
    ) -> Obj | None:
        find = await self._lookup(plural, namespace, name)
        document = find()
        if document is None:
            return None
        seen.append((find, document))
        return document.obj


def _warn_after(claims: Obj) -> float:
    private = claims.get(CLAIM)
    return float(private.get("warnafter") or "inf") if private else float("inf")


def _untimely(known: _Known, now: float) -> str:
    if now > known.ends:
        return "service account token has expired"
    if float(known.claims.get("nbf") or 0) - LEEWAY_S > now:
        return "service account token is not valid yet"
    return "service account token is issued in the future"


def _is_over(obj: Obj, now: float) -> bool:
    """Deleted, and longer ago than clocks differ."""
    deleted = obj["metadata"].get("deletionTimestamp")
    return bool(deleted) and parse_rfc3339(deleted) < now - LEEWAY_S


def _audiences(claims: Obj) -> tuple[str, ...]:
    audiences = claims.get("aud") or ()
    return (audiences,) if isinstance(audiences, str) else tuple(audiences)


def _go(words: Iterable[str]) -> str:
    """As Go's %q prints a list."""
    return "[" + " ".join(orjson.dumps(word).decode() for word in words) + "]"


def _part(token: str, index: int) -> Obj:
    """The header (0) or the claims (1), if this is a JWT at all; trusted for nothing."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        part: Any = orjson.loads(base64.urlsafe_b64decode(parts[index] + "=" * (-len(parts[index]) % 4)))
    except ValueError:
        return {}
    return part if isinstance(part, dict) else {}
