"""What several plugins ask about certificates' signers: who may use one, and whose name a request wants signed.

Source: kubernetes pkg/certauthorization/certauthorization.go, pkg/apis/certificates/helpers.go ParseCSR.
"""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

from kubepy.api.objects import Obj, walk
from kubepy.apiserver.admission.base import Ask
from kubepy.apiserver.request import RequestInfo, User

CLIENT = "kubernetes.io/kube-apiserver-client"
KUBELET_CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
KUBELET_SERVING = "kubernetes.io/kubelet-serving"


class Subject(NamedTuple):
    common_name: str  # "system:node:node-1"
    organizations: tuple[str, ...]  # ("system:nodes",)


def subject_of(request: Obj) -> Subject:
    """Of a CertificateSigningRequest. Raises ValueError."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        pem = base64.b64decode(walk(request, "spec", "request") or "", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error
    if b"-----BEGIN CERTIFICATE REQUEST-----" not in pem:
        raise ValueError("PEM block type must be CERTIFICATE REQUEST")
    subject = x509.load_pem_x509_csr(pem).subject
    names = [str(a.value) for a in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    organizations = [str(a.value) for a in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    # Of several common names Go keeps the last one.
    return Subject(names[-1] if names else "", tuple(organizations))


async def may_use(ask: Ask, user: User, verb: str, signer: str) -> bool:
    """Whether `user` may approve, sign or attest for `signer`, or for all of its domain."""
    for name in (signer, f"{signer.partition('/')[0]}/*"):
        info = RequestInfo(
            True, "", verb, group="certificates.k8s.io", version="*", resource="signers", name=name
        )
        if (await ask(user, info)).is_allowed:
            return True
    return False
