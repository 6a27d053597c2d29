"""Nobody gets a certificate of the group system:masters from the API.

Source: kubernetes plugin/pkg/admission/certificates/subjectrestriction/admission.go.
"""

from __future__ import annotations

from kubepy.api.builtins import CERTIFICATE_SIGNING_REQUESTS
from kubepy.api.resources import Resource
from kubepy.apiserver.admission import signers
from kubepy.apiserver.admission.base import CREATE, Attributes, Plugin, forbidden


class CertificateSubjectRestriction(Plugin):
    name = "CertificateSubjectRestriction"
    validates = True

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation == CREATE and resource == CERTIFICATE_SIGNING_REQUESTS and not subresource

    async def validate(self, attributes: Attributes) -> None:
        request = attributes.obj
        assert request is not None, "there is one on create"
        if request["spec"].get("signerName") != signers.CLIENT:
            return
        try:
            subject = signers.subject_of(request)
        except ValueError as error:
            raise forbidden(attributes, f"failed to parse CSR: {error}") from error
        if "system:masters" in subject.organizations:
            raise forbidden(
                attributes, f"use of {signers.CLIENT} signer with system:masters group is not allowed"
            )
