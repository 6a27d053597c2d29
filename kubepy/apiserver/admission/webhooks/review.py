"""AdmissionReview: what a webhook is asked, and what its answer may say. Pure.

Source: apiserver pkg/admission/plugin/webhook/request/admissionreview.go, errors/statuserror.go,
k8s.io/api/admission/{v1,v1beta1}/types.go.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from kubepy.api import go_json
from kubepy.api.decoding import json_kind
from kubepy.api.errors import StatusError, quote
from kubepy.api.objects import Obj
from kubepy.apiserver.admission.base import Attributes
from kubepy.apiserver.admission.expressions import request_of
from kubepy.apiserver.admission.matching import Selected
from kubepy.lib import yaml

_GROUP = "admission.k8s.io"
VERSIONS = ("v1", "v1beta1")
JSON_PATCH = "JSONPatch"


class InvalidAnswer(Exception):
    """An answer that is none; the message says what is wrong with it."""


class Undecodable(InvalidAnswer):
    """An answer that is not even an AdmissionReview."""


class Answer(Struct, frozen=True):
    allowed: bool
    result: Obj | None = None  # a metav1.Status
    patch: bytes = b""
    patch_type: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    warnings: Sequence[str] = ()


def version_for(accepted: Sequence[str]) -> str:
    """The first of a webhook's admissionReviewVersions that is spoken here; "" if none is."""
    return next((version for version in accepted if version in VERSIONS), "")


def ask(
    version: str, uid: str, attributes: Attributes, selected: Selected, obj: Obj | None, old: Obj | None
) -> Obj:
    """The review to send; both objects in the version of `selected`. What is not there is null, as in Go's JSON."""
    request = request_of(attributes, selected)
    review: Obj = {"uid": uid}
    for name in _ORDER:
        if name in request:
            review[name] = request[name]
    review |= {"object": obj, "oldObject": old, "dryRun": attributes.dry_run, "options": attributes.options}
    return {"kind": "AdmissionReview", "apiVersion": f"{_GROUP}/{version}", "request": review}


_ORDER = (
    "kind", "resource", "subResource", "requestKind", "requestResource", "requestSubResource", "name", "namespace",
    "operation", "userInfo",
)  # fmt: skip


def verify(raw: bytes, version: str, uid: str, *, mutating: bool) -> Answer:
    """Raises InvalidAnswer."""
    review = _decode(raw, version)
    response = review.get("response")
    if response is None:
        raise InvalidAnswer("webhook response was absent")
    patch, patch_type = _patch(response), response.get("patchType")
    if version == "v1":
        _verify_v1(review, response, uid)
        _verify_patch(patch, patch_type, mutating=mutating)
    elif not mutating:
        patch = b""
    elif patch:
        # The old version did not say of what kind a patch is.
        patch_type = JSON_PATCH
    return Answer(
        response.get("allowed") or False,
        response.get("status"),
        patch,
        patch_type or "",
        response.get("auditAnnotations") or {},
        response.get("warnings") or (),
    )


def _verify_v1(review: Obj, response: Obj, uid: str) -> None:
    if (given := response.get("uid") or "") != uid:
        raise InvalidAnswer(f"expected response.uid={quote(uid)}, got {quote(given)}")
    group, _, version = (review.get("apiVersion") or "").rpartition("/")
    kind = f"{group}/{version}, Kind={review.get('kind') or ''}"
    if kind != (wanted := f"{_GROUP}/v1, Kind=AdmissionReview"):
        raise InvalidAnswer(f"expected webhook response of {wanted}, got {kind}")


def _verify_patch(patch: bytes, patch_type: str | None, *, mutating: bool) -> None:
    if not mutating:
        if patch:
            raise InvalidAnswer("validating webhook may not return response.patch")
        if patch_type is not None:
            raise InvalidAnswer("validating webhook may not return response.patchType")
        return
    if patch and patch_type is None:
        raise InvalidAnswer("webhook returned response.patch but not response.patchType")
    if not patch and patch_type is not None:
        raise InvalidAnswer("webhook returned response.patchType but not response.patch")
    if patch_type == "":
        raise InvalidAnswer('webhook returned invalid response.patchType of ""')


# -- reading ----------------------------------------------------------------------------------------------------------

# Fields of the answer by their Go types: JSON of another type is no AdmissionReview.
_STRING, _BOOL, _MAP, _STRINGS = "string", "bool", "map[string]string", "[]string"
_RESPONSE = {
    "uid": "types.UID",
    "allowed": _BOOL,
    "patchType": "v1.PatchType",
    "auditAnnotations": _MAP,
    "warnings": _STRINGS,
}
_ANY_KIND = (
    r'struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }'
)
_STATUS = {"status": _STRING, "message": _STRING, "reason": "v1.StatusReason", "code": "int32"}


def _decode(raw: bytes, version: str) -> Obj:
    """Raises Undecodable with the words of client-go's decoder."""
    try:
        # What does not look like JSON is taken for YAML, whatever it says it is.
        is_json = raw.lstrip(_SPACES).startswith(b"{")
        parsed = go_json.loads(raw) if is_json else yaml.load_first(raw)
    except go_json.SyntaxError as error:
        raise Undecodable(f"couldn't get version/kind; json parse error: {error}") from None
    except yaml.Error as error:
        raise Undecodable(yaml.go_text(error)) from None
    if parsed is None:
        parsed = {}
    if not isinstance(parsed, dict):
        what = f"json: cannot unmarshal {json_kind(parsed)} into Go value of type {_ANY_KIND}"
        raise Undecodable(f"couldn't get version/kind; json parse error: {what}")
    _check_kind(parsed, version)
    response = _typed(parsed, "response", "v1.AdmissionResponse", dict, "AdmissionReview.response")
    if response is not None:
        for name, go_type in _RESPONSE.items():
            _check(response, name, go_type, f"AdmissionResponse.response.{name}")
        status = _typed(response, "status", "v1.Status", dict, "AdmissionResponse.response.status")
        for name, go_type in _STATUS.items() if status else ():
            _check(status or {}, name, go_type, f"Status.response.status.{name}")
    return parsed


_SPACES = b" \t\r\n"
# Source: util/webhook/client.go NewClientManager.
_SCHEME = "k8s.io/apiserver/pkg/util/webhook/client.go:71"
_KNOWN = {*((f"{_GROUP}/{version}", "AdmissionReview") for version in VERSIONS), ("v1", "Status")}


def _check_kind(parsed: Obj, version: str) -> None:
    """What is not said is taken for granted, here."""
    kind = _typed(parsed, "kind", _STRING, str, "kind") or "AdmissionReview"
    given = _typed(parsed, "apiVersion", _STRING, str, "apiVersion") or f"{_GROUP}/{version}"
    if (given, kind) not in _KNOWN:
        raise Undecodable(f'no kind "{kind}" is registered for version "{given}" in scheme "{_SCHEME}"')
    if (given, kind) != (f"{_GROUP}/{version}", "AdmissionReview"):
        what = f"({given.rpartition('/')[2]}.{kind}) to ({version}.AdmissionReview)"
        raise Undecodable(f"converting {what}: unknown conversion")


_PYTHON = {_BOOL: bool, _MAP: dict, _STRINGS: list, "int32": int}


def _check(holder: Obj, name: str, go_type: str, path: str) -> None:
    _typed(holder, name, go_type, _PYTHON.get(go_type, str), path)
    value = holder.get(name)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inner:
        if not isinstance(item, str | None):
            raise _not(item, path, _STRING)


def _typed(holder: Obj, name: str, go_type: str, wanted: type, path: str) -> Any:
    value = holder.get(name)
    is_right = isinstance(value, wanted) and not (wanted is int and isinstance(value, bool))
    if value is not None and not is_right:
        raise _not(value, path, go_type)
    return value


def _not(value: Any, path: str, go_type: str) -> Undecodable:
    return Undecodable(
        f"json: cannot unmarshal {json_kind(value)} into Go struct field {path} of type {go_type}"
    )


def _patch(response: Obj) -> bytes:
    text = response.get("patch")
    if text is None:
        return b""
    if not isinstance(text, str):
        raise _not(text, "AdmissionResponse.response.patch", "[]uint8")
    try:
        return base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        raise Undecodable(f"illegal base64 data at input byte {_bad_byte(text)}") from None


def _bad_byte(text: str) -> int:
    """Where Go's decoder gives up."""
    for index, char in enumerate(text):
        if not (char.isascii() and (char.isalnum() or char in "+/=\r\n")):
            return index
    return len(text.rstrip("=")) // 4 * 4


# -- denials ----------------------------------------------------------------------------------------------------------


def denial(name: str, result: Obj | None) -> StatusError:
    """What the client gets for a no. Source: webhookerrors.ToStatusErr."""
    result = result or {}
    code = result.get("code") or 0
    reason, said = result.get("reason") or "", result.get("message") or result.get("reason") or ""
    denied = f"admission webhook {quote(name)} denied the request"
    return StatusError(
        f"{denied}: {said}" if said else f"{denied} without explanation",
        code=code if code >= 400 else 400,
        reason=reason,
        details=result.get("details"),
        metadata=result.get("metadata") or {},
    )
