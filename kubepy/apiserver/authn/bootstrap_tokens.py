"""Bootstrap tokens: `kubeadm join`'s, each a Secret bootstrap-token-<id> in kube-system.

    abcdef.0123456789abcdef  ->  user system:bootstrap:abcdef, group system:bootstrappers and those the Secret names

What does not match its Secret is left to others, and so refused in the end.
Source: kubernetes plugin/pkg/auth/authenticator/token/bootstrap/bootstrap.go, cluster-bootstrap
util/{secrets,tokens}.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Sequence

from kubepy.api import objects
from kubepy.api.objects import Obj
from kubepy.apiserver.authn import Verdict, authenticated
from kubepy.apiserver.authn.service_account_verifier import Lookup
from kubepy.lib.clock import Clock, parse_rfc3339

TYPE = "bootstrap.kubernetes.io/token"
NAMESPACE, NAME_PREFIX = "kube-system", "bootstrap-token-"
USER_PREFIX, GROUP = "system:bootstrap:", "system:bootstrappers"

_TOKEN = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})")
_GROUP = re.compile(r"system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]")


class BootstrapTokens:
    """A TokenAuthenticator (tokens.py)."""

    def __init__(self, *, lookup: Lookup, clock: Clock) -> None:
        self._lookup, self._clock = lookup, clock

    async def review(self, token: str, audiences: Sequence[str] = ()) -> Verdict | None:
        parts = _TOKEN.fullmatch(token)
        if parts is None:
            return None
        find = await self._lookup("secrets", NAMESPACE, NAME_PREFIX + parts[1])
        document = find()
        if document is None:
            return None
        groups = groups_of(document.obj, parts[1], parts[2], self._clock.now())
        return Verdict(authenticated(USER_PREFIX + parts[1], groups)) if groups else None


def groups_of(secret: Obj, token_id: str, token_secret: str, now: float) -> tuple[str, ...]:
    """Those of whoever has this token, () if the Secret does not say so."""
    if objects.is_deleting(secret) or secret.get("type") != TYPE:
        return ()
    if not hmac.compare_digest(_value(secret, "token-secret"), token_secret):
        return ()
    if _value(secret, "token-id") != token_id or is_expired(secret, now):
        return ()
    if _value(secret, "usage-bootstrap-authentication") != "true":
        return ()
    more = _value(secret, "auth-extra-groups")
    extra = sorted(set(more.split(","))) if more else []
    if not all(_GROUP.fullmatch(group) for group in extra):
        return ()
    return (GROUP, *extra)


def is_expired(secret: Obj, now: float) -> bool:
    """An expiration that cannot be read is over, too."""
    expiration = _value(secret, "expiration")
    if not expiration:
        return False
    try:
        return parse_rfc3339(expiration) <= now
    except ValueError:
        return True


def _value(secret: Obj, key: str) -> str:
    try:
        return base64.b64decode((secret.get("data") or {}).get(key, ""), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
