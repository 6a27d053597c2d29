"""CertificateSigningRequests, ClusterTrustBundles.

Source: kubernetes pkg/apis/certificates/validation/validation.go, pkg/apis/core/validation/names.go (signers).
"""

from __future__ import annotations

import binascii
from typing import Any

from kubepy.api import errors, names, x509
from kubepy.api.objects import Obj, conditions
from kubepy.api.validation.pods import diff
from kubepy.api.validation.rules import Errors, Kind, check_messages, immutable, same

_NONE: tuple[Any, ...] = ()
_LEGACY_SIGNER = "kubernetes.io/legacy-unknown"
_SECONDS_MIN = 600
_DOMAIN_MAX = 253
_BUNDLE_MAX = 1 << 20
# A domain, "/", a label, "." and a subdomain.
_SIGNER_MAX = 253 + 253 + 63 + 1 + 1
# Source: certificates/validation allValidUsages, sorted.
_USAGES = (
    "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment",
    "decipher only", "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel",
    "ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime",
    "server auth", "signing", "timestamping",
)  # fmt: skip


def _decoded(text: str | None) -> bytes:
    try:
        return binascii.a2b_base64(text or "")
    except binascii.Error:
        return b""


def _check_request(obj: Obj, found: Errors) -> None:
    spec = obj.get("spec") or {}
    if why := x509.request_fault(_decoded(spec.get("request"))):
        found.append(errors.invalid_value("spec.request", spec.get("request"), why))
    usages = spec.get("usages") or _NONE
    if not usages:
        found.append(errors.required("spec.usages"))
    for index, usage in enumerate(usages):
        if usage not in _USAGES:
            found.append(errors.not_supported(f"spec.usages[{index}]", usage, _USAGES))
    for index, usage in enumerate(usages):
        if usage in usages[:index]:
            found.append(errors.duplicate(f"spec.usages[{index}]", usage))
    signer = spec.get("signerName") or ""
    if signer == _LEGACY_SIGNER:
        why = "the legacy signerName is not allowed via this API version"
        found.append(errors.invalid_value("spec.signerName", signer, why))
    else:
        check_signer_name(signer, "spec.signerName", found)
    seconds = spec.get("expirationSeconds")
    if seconds is not None and seconds < _SECONDS_MIN:
        why = "may not specify a duration less than 600 seconds (10 minutes)"
        found.append(errors.invalid_value("spec.expirationSeconds", seconds, why))


def check_signer_name(name: str, path: str, found: Errors) -> None:
    """ "example.com/my-signer". Source: ValidateSignerName."""
    if not name:
        found.append(errors.required(path))
        return
    segments = name.split("/")
    if len(segments) != 2:
        why = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
        found.append(errors.invalid_value(path, name, why))
        return
    domain, signer = segments
    if len(domain) > _DOMAIN_MAX:
        found.append(errors.too_long(path, _DOMAIN_MAX))
    _check_labels(domain, names.dns1123_label, path, found)
    if "." not in domain:
        why = "should be a domain with at least two segments separated by dots"
        found.append(errors.invalid_value(path, domain, why))
    _check_labels(signer, names.dns1123_subdomain, path, found)
    if len(name) > _SIGNER_MAX:
        found.append(errors.too_long(path, _SIGNER_MAX))


def _check_labels(segment: str, check: names.Check, path: str, found: Errors) -> None:
    """The first bad label is enough."""
    for label in segment.split("."):
        if messages := check(label):
            for message in messages:
                why = f"validating label {errors.quote(label)}: {message}"
                found.append(errors.invalid_value(path, segment, why))
            return


def _check_conditions(new: Obj, old: Obj, found: Errors) -> None:
    """What is wrong with the old ones already may stay so."""
    path, seen = "status.conditions", set()
    decided: set[str] = set()
    before = [condition.get("type") or "" for condition in conditions(old)]
    has_twins, is_undecided = len(set(before)) < len(before), {"Approved", "Denied"} <= set(before)
    for index, condition in enumerate(conditions(new)):
        type_, status = condition.get("type") or "", condition.get("status") or ""
        if not type_ and "" not in before:
            found.append(errors.required(f"{path}[{index}].type"))
        allowed = ("True",) if type_ in ("Approved", "Denied", "Failed") else ("False", "True", "Unknown")
        if not status:
            found.append(errors.required(f"{path}[{index}].status"))
        elif status not in allowed:
            found.append(errors.not_supported(f"{path}[{index}].status", status, allowed))
        if type_ in ("Approved", "Denied") and not is_undecided:
            decided.add(type_)
            if len(decided) == 2:
                why = "Approved and Denied conditions are mutually exclusive"
                found.append(errors.invalid_value(path, type_, why))
        if type_ in seen and not has_twins:
            found.append(errors.duplicate(f"{path}[{index}].type", type_))
        seen.add(type_)
    for kind in ("Approved", "Denied", "Failed"):
        if len(_of_type(new, kind)) < len(_of_type(old, kind)):
            why = f"updates may not remove a condition of type {errors.quote(kind)}"
            found.append(errors.forbidden_field(path, why))


def _of_type(obj: Obj, type_: str) -> list[Obj]:
    return [condition for condition in conditions(obj) if condition.get("type") == type_]


def _check_decision_kept(new: Obj, old: Obj, found: Errors) -> None:
    """Approval is given through its own subresource only."""
    for kind in ("Approved", "Denied"):
        before, after = _of_type(old, kind), _of_type(new, kind)
        if len(after) > len(before):
            why = f"updates may not add a condition of type {errors.quote(kind)}"
            found.append(errors.forbidden_field("status.conditions", why))
        elif len(after) == len(before) and not same(before, after):
            changes = diff({"conditions": before}, {"conditions": after})
            why = f"updates may not modify a condition of type {errors.quote(kind)}\n{changes}"
            found.append(errors.forbidden_field("status.conditions", why))


def _check_certificate(new: Obj, old: Obj, found: Errors) -> None:
    after, before = ((obj.get("status") or {}).get("certificate") for obj in (new, old))
    if same(after, before):
        return
    is_tolerated = before and _certificate_fault(_decoded(before))
    if after and not is_tolerated and (why := _certificate_fault(_decoded(after))):
        found.append(errors.invalid_value("status.certificate", "<certificate data>", why))
    if before:
        why = "updates may not modify existing certificate content"
        found.append(errors.forbidden_field("status.certificate", why))


def _certificate_fault(pem: bytes) -> str:
    """Source: validateCertificate."""
    found = list(x509.blocks(pem))
    for block in found:
        if block.type != x509.CERTIFICATE:
            return f"only CERTIFICATE PEM blocks are allowed, found {errors.quote(block.type)}"
        if block.has_headers:
            return "no PEM block headers are permitted"
        if not block.content:
            return "found CERTIFICATE PEM block containing 0 certificates"
        if why := x509.certificate_fault(block.content):
            return why
    return "" if found else "must contain at least one CERTIFICATE PEM block"


def _check_no_certificate(new: Obj, old: Obj, found: Errors) -> None:
    if not same(*((obj.get("status") or {}).get("certificate") for obj in (new, old))):
        why = "updates may not set certificate content"
        found.append(errors.forbidden_field("status.certificate", why))


# -- ClusterTrustBundle ----------------------------------------------------------------------------------------


def _check_bundle_name(obj: Obj, found: Errors) -> None:
    """Source: ValidateClusterTrustBundleName."""
    name = obj["metadata"].get("name") or ""
    signer = (obj.get("spec") or {}).get("signerName") or ""
    prefix = f"{signer.replace('/', ':')}:" if signer else ""
    if not signer and ":" in name:
        messages = ['ClusterTrustBundle without signer name must not have ":" in its name']
    elif not name.startswith(prefix):
        messages = [f"ClusterTrustBundle for signerName {signer} must be named with prefix {prefix}"]
    else:
        messages = names.dns1123_subdomain(name.removeprefix(prefix))
    check_messages(messages, name, "metadata.name", found)
    if signer:
        check_signer_name(signer, "spec.signerName", found)


def _check_trust(obj: Obj, found: Errors) -> None:
    bundle, path = (obj.get("spec") or {}).get("trustBundle") or "", "spec.trustBundle"
    if len(bundle) > _BUNDLE_MAX:
        found.append(errors.too_long(path, _BUNDLE_MAX))
        return
    faults: list[str] = []
    places: dict[bytes, list[int]] = {}
    for index, block in enumerate(x509.blocks(bundle.encode())):
        if block.type != x509.CERTIFICATE:
            faults.append(f"entry {index} has bad block type: {block.type}")
        elif block.has_headers:
            faults.append(f"entry {index} has PEM block headers")
        elif why := x509.authority_fault(block.content):
            faults.append(f"entry {index} {why}")
        else:
            places.setdefault(block.content, []).append(index)
    if not faults and not places:
        faults.append("at least one trust anchor must be provided")
    elif not faults:
        twins = (indices for indices in places.values() if len(indices) > 1)
        faults += [f"duplicate trust anchor (indices [{' '.join(map(str, where))}])" for where in twins]
    check_messages(faults, "<value omitted>", path, found)


def _check_new_trust(new: Obj, old: Obj, found: Errors) -> None:
    """What stays as it was is not read again."""
    if not same(*((obj.get("spec") or {}).get("trustBundle") for obj in (new, old))):
        _check_trust(new, found)


CERTIFICATES: dict[tuple[str, str], Kind] = {
    ("certificates.k8s.io", "CertificateSigningRequest"): Kind(
        name=names.name_is_path_segment,
        rules=(_check_request,),
        update=(_check_conditions, _check_decision_kept, _check_no_certificate),
        subresources={
            "status": (_check_conditions, _check_decision_kept, _check_certificate),
            "approval": (_check_conditions, _check_no_certificate),
        },
    ),
    ("certificates.k8s.io", "ClusterTrustBundle"): Kind(
        name=names.name_is_path_segment,
        rules=(_check_bundle_name,),
        create=(_check_trust,),
        update=(_check_new_trust, immutable("spec.signerName")),
    ),
}
