"""Bootstrap tokens: `kubeadm join`'s, each a Secret bootstrap-token-<id> in kube-system.

    abcdef.0123456789abcdef  ->  user system:bootstrap:abcdef, group system:bootstrappers and those the Secret names

What does not match its Secret is left to others, and so refused in the end.
Source: kubernetes plugin/pkg/auth/authenticator/token/bootstrap/bootstrap.go, cluster-bootstrap
util/{secrets,tokens}.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence

from kubepy.api import objects
from kubepy.api.bootstrap_tokens import NAME_PREFIX, NAMESPACE, TYPE, is_over, value
from kubepy.api.objects import Obj
from kubepy.apiserver.authn import Verdict, authenticated
from kubepy.apiserver.authn.service_account_verifier import Lookup
from kubepy.lib.clock import Clock

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
    if not hmac.compare_digest(value(secret, "token-secret"), token_secret):
        return ()
    if value(secret, "token-id") != token_id or is_over(secret, now):
        return ()
    if value(secret, "usage-bootstrap-authentication") != "true":
        return ()
    more = value(secret, "auth-extra-groups")
    extra = sorted(set(more.split(","))) if more else []
    if not all(_GROUP.fullmatch(group) for group in extra):
        return ()
    return (GROUP, *extra)
