"""The Secrets that bootstrap tokens are, bootstrap-token-<id> in kube-system, as server and controllers read them.

Source: cluster-bootstrap token/api/types.go, util/secrets/secrets.go.
"""

from __future__ import annotations

import base64
import binascii

from kubepy.api.objects import Obj
from kubepy.lib.clock import parse_rfc3339

TYPE = "bootstrap.kubernetes.io/token"
NAMESPACE, NAME_PREFIX = "kube-system", "bootstrap-token-"


def value(secret: Obj, key: str) -> str:
    """One of the Secret's values as text, "" if it is not there or none."""
    try:
        return base64.b64decode((secret.get("data") or {}).get(key, ""), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def left_s(secret: Obj, now: float) -> float | None:
    """Seconds until it is over, None: never. What cannot be read is over. Source: GetExpiration."""
    expiration = value(secret, "expiration")
    if not expiration:
        return None
    try:
        return parse_rfc3339(expiration) - now
    except ValueError:
        return 0.0


def is_over(secret: Obj, now: float) -> bool:
    left = left_s(secret, now)
    return left is not None and left <= 0
