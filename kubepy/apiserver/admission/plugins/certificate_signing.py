"""Certificates are handed out only by those who may sign for the request's signer.

Source: kubernetes plugin/pkg/admission/certificates/signing/admission.go.
"""

from __future__ import annotations

from kubepy.api.builtins import CERTIFICATE_SIGNING_REQUESTS
from kubepy.api.errors import quote
from kubepy.api.resources import Resource
from kubepy.apiserver.admission import signers
from kubepy.apiserver.admission.base import UPDATE, Attributes, Plugin, Tools, forbidden


class CertificateSigning(Plugin):
    name = "CertificateSigning"
    validates = True

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        self._ask = tools.ask

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation == UPDATE and resource == CERTIFICATE_SIGNING_REQUESTS and subresource == "status"

    async def validate(self, attributes: Attributes) -> None:
        new, old = attributes.obj, attributes.old
        assert new is not None and old is not None, "there are both on update"
        status, before = new.get("status") or {}, old.get("status") or {}
        if all(status.get(field) == before.get(field) for field in ("certificate", "conditions")):
            return
        signer = old["spec"]["signerName"]
        if not await signers.may_use(self._ask, attributes.user, "sign", signer):
            raise forbidden(
                attributes, f"user not permitted to sign requests with signerName {quote(signer)}"
            )
