"""PodCertificateRequests: what a kubelet may ask for, and what its signer may answer.

Not here: whether the keys, signatures and certificates in them are good X.509; what is looked at is their framing.

Source: kubernetes pkg/apis/certificates/validation/validation.go ValidatePodCertificateRequest{Create,StatusUpdate}.
"""

from __future__ import annotations

import re

from kubepy.api import errors, names
from kubepy.api.objects import Obj
from kubepy.api.validation.certificates import check_signer_name
from kubepy.api.validation.rules import Errors, Kind, check_messages, immutable, same
from kubepy.api.validation.statuses import check_conditions

_UID_MAX = 128
_SECONDS_MIN, _SECONDS_MAX, _SECONDS_MAX_KUBERNETES = 3600, 91 * 86400, 86400
_CHAIN_MAX = 100 * 1024
# What base64 makes of 10 KiB.
_REQUEST_MAX, _ENCODED_MAX = 10 * 1024, (10 * 1024 + 2) // 3 * 4
_ANNOTATIONS_MAX = 256 * 1024

_ENDS = ("Denied", "Failed", "Issued")
_find_block = re.compile(r"-----BEGIN ([^-]*)-----.*?-----END \1-----", re.DOTALL).finditer

# (name of the field, its uid's), in the order of upstream's findings.
_PARTIES = (("podName", "podUID"), ("serviceAccountName", "serviceAccountUID"), ("nodeName", "nodeUID"))


def _check_request(obj: Obj, found: Errors) -> None:
    spec = obj.get("spec") or {}
    signer = spec.get("signerName") or ""
    check_signer_name(signer, "spec.signerName", found)
    _check_annotations(spec.get("unverifiedUserAnnotations") or {}, found)
    for name_field, uid_field in _PARTIES:
        name, uid = spec.get(name_field) or "", spec.get(uid_field) or ""
        check_messages(names.dns1123_subdomain(name), name, f"spec.{name_field}", found)
        if not uid:
            found.append(errors.invalid_value(f"spec.{uid_field}", uid, "must not be empty"))
        if len(uid) > _UID_MAX:
            found.append(errors.too_long(f"spec.{uid_field}", _UID_MAX))
    seconds = spec.get("maxExpirationSeconds")
    if seconds is None:
        found.append(errors.required("spec.maxExpirationSeconds", "must be set"))
        return
    most = _SECONDS_MAX_KUBERNETES if _is_kubernetes(signer) else _SECONDS_MAX
    if not _SECONDS_MIN <= seconds <= most:
        why = f"must be in the range [{_SECONDS_MIN}, {most}]"
        found.append(errors.invalid_value("spec.maxExpirationSeconds", seconds, why))
    _check_key(spec, found)


def _is_kubernetes(signer: str) -> bool:
    host = signer.partition("/")[0]
    return host == "kubernetes.io" or host.endswith(".kubernetes.io")


def _check_annotations(annotations: dict[str, str], found: Errors) -> None:
    """Keys with a domain. Source: ValidateUserAnnotations, apimachinery validation.IsDomainPrefixedKey."""
    path = "spec.unverifiedUserAnnotations"
    for key in annotations:
        lower = key.lower()
        if not lower:
            found.append(errors.required(path))
            continue
        if messages := names.label_key(lower):
            check_messages(messages, lower, path, found)
        elif "/" not in lower:
            why = 'must be a domain-prefixed key (such as "acme.io/foo")'
            found.append(errors.invalid_value(path, lower, why))
    if sum(len(key) + len(value) for key, value in annotations.items()) > _ANNOTATIONS_MAX:
        found.append(errors.too_long(path, _ANNOTATIONS_MAX))


def _check_key(spec: Obj, found: Errors) -> None:
    has = [bool(spec.get(field)) for field in ("stubPKCS10Request", "pkixPublicKey", "proofOfPossession")]
    if has not in ([True, False, False], [False, True, True]):
        why = "exactly one of (stubPKCS10Request) or (pkixPublicKey, proofOfPossession) must be set"
        found.append(errors.invalid_value("spec", errors.OMITTED, why))
        return
    for field in ("stubPKCS10Request", "pkixPublicKey", "proofOfPossession"):
        if len(spec.get(field) or "") > _ENCODED_MAX:
            found.append(errors.too_long(f"spec.{field}", _REQUEST_MAX))
            return


def _check_status(new: Obj, old: Obj, found: Errors) -> None:
    status, before = new.get("status") or {}, old.get("status") or {}
    conditions = status.get("conditions") or []
    start = len(found)
    _check_ends(conditions, found)
    check_conditions(conditions, "status.conditions", found)
    if len(found) > start:
        return
    end = _end(status)
    if _end(before):
        why = "immutable after PodCertificateRequest is issued, denied, or failed"
        _check_same(status, before, why, found)
    elif end == "Issued":
        _check_issued(status, found)
    elif end:
        why = "non-condition status fields must be empty when denying or failing the PodCertificateRequest"
        _check_same(status, {"conditions": conditions}, why, found)
    else:
        why = 'status is immutable unless transitioning to "Issued", "Denied", or "Failed"'
        _check_same(status, before, why, found)


def _check_ends(conditions: list[Obj], found: Errors) -> None:
    known = 0
    for index, condition in enumerate(conditions):
        # As upstream spells these paths.
        path, type_ = f"status.conditions.[{index}]", condition.get("type") or ""
        if type_ not in _ENDS:
            found.append(errors.not_supported(f"{path}.type", type_, ("Denied", "Failed", "Issued")))
            continue
        known += 1
        if known > 1:
            why = 'There may be at most one condition with type "Issued", "Denied", or "Failed"'
            found.append(errors.invalid_value(f"{path}.type", type_, why))
        if condition.get("status") != "True":
            found.append(errors.not_supported(f"{path}.status", condition.get("status") or "", ("True",)))


def _end(status: Obj) -> str:
    for condition in status.get("conditions") or ():
        if condition.get("type") in _ENDS and condition.get("status") == "True":
            return str(condition["type"])
    return ""


def _check_same(status: Obj, wanted: Obj, why: str, found: Errors) -> None:
    if not same(status, wanted):
        found.append(errors.invalid_value("status", errors.OMITTED, why))


def _check_issued(status: Obj, found: Errors) -> None:
    path, chain = "status.certificateChain", status.get("certificateChain") or ""
    if len(chain) > _CHAIN_MAX:
        found.append(errors.too_long(path, _CHAIN_MAX))
        return
    blocks = [block[1] for block in _find_block(chain)]
    if not blocks:
        why = "issued certificate chain must contain at least one certificate"
        found.append(errors.invalid_value(path, chain, why))
        return
    if blocks[0] != "CERTIFICATE":
        why = "issued certificate chain must consist entirely of CERTIFICATE PEM blocks"
        found.append(errors.invalid_value(path, chain, why))
        return
    for field, why in (
        ("notBefore", "must be present and consistent with the issued certificate"),
        ("notAfter", "must be present and consistent with the issued certificate"),
        ("beginRefreshAt", "must be present and in the range [notbefore+10min, notafter-10min]"),
    ):
        if not status.get(field):
            found.append(errors.required(f"status.{field}", why))


POD_CERTIFICATES: dict[tuple[str, str], Kind] = {
    ("certificates.k8s.io", "PodCertificateRequest"): Kind(
        create=(_check_request,),
        update=(immutable("spec"),),
        subresources={"status": (_check_status,)},
    ),
}
