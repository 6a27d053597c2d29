"""Requests for certificates are approved only by those who may approve for the request's signer.

Source: kubernetes plugin/pkg/admission/certificates/approval/admission.go.
"""

from __future__ import annotations

from kubepy.api.builtins import CERTIFICATE_SIGNING_REQUESTS
from kubepy.api.errors import quote
from kubepy.api.resources import Resource
from kubepy.apiserver.admission import signers
from kubepy.apiserver.admission.base import UPDATE, Attributes, Plugin, Tools, forbidden


class CertificateApproval(Plugin):
    name = "CertificateApproval"
    validates = True

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        self._ask = tools.ask

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation == UPDATE and resource == CERTIFICATE_SIGNING_REQUESTS and subresource == "approval"

    async def validate(self, attributes: Attributes) -> None:
        # The one that is stored: who approves cannot choose another signer.
        assert attributes.old is not None, "there is one on update"
        signer = attributes.old["spec"]["signerName"]
        if not await signers.may_use(self._ask, attributes.user, "approve", signer):
            raise forbidden(
                attributes, f"user not permitted to approve requests with signerName {quote(signer)}"
            )
