"""Who approved a kind in a group of the Kubernetes community: what the annotation of its definition says.

Source: apiextensions-apiserver pkg/apihelpers/helpers.go IsProtectedCommunityGroup, GetAPIApprovalState.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from kubepy.api.errors import quote
from kubepy.api.objects import Obj

ANNOTATION = "api-approved.kubernetes.io"
APPROVED, BYPASSED, MISSING, INVALID = "approved", "bypassed", "missing", "invalid"
_SEE = "see https://github.com/kubernetes/enhancements/pull/1111"


class Approval(NamedTuple):
    state: str
    reason: str  # "approved in https://..."
    given: str


def is_protected(group: str) -> bool:
    return any(group == domain or group.endswith(f".{domain}") for domain in ("k8s.io", "kubernetes.io"))


def of(definition: Obj) -> Approval:
    given = (definition["metadata"].get("annotations") or {}).get(ANNOTATION, "")
    if not given:
        text = f'protected groups must have approval annotation "{ANNOTATION}", {_SEE}'
        return Approval(MISSING, text, given)
    if given.startswith("unapproved"):
        return Approval(BYPASSED, f"not approved: {quote(given)}", given)
    if _is_url(given):
        return Approval(APPROVED, f"approved in {given}", given)
    text = (
        f'protected groups must have approval annotation "{ANNOTATION}" with either a URL or a reason starting with '
        f'"unapproved", {_SEE}'
    )
    return Approval(INVALID, text, given)


def _is_url(text: str) -> bool:
    try:
        url = urlsplit(text)
    except ValueError:
        return False
    return bool(url.scheme and url.netloc)
