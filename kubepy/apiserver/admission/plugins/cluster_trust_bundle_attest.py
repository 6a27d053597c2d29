"""Trust in a signer is spread only by those who may attest for it.

Source: kubernetes plugin/pkg/admission/certificates/ctbattest/admission.go.
"""

from __future__ import annotations

from kubepy.api.builtins import CLUSTER_TRUST_BUNDLES
from kubepy.api.errors import quote
from kubepy.api.objects import walk
from kubepy.api.resources import Resource
from kubepy.apiserver.admission import signers
from kubepy.apiserver.admission.base import CREATE, UPDATE, Attributes, Plugin, Tools, forbidden
from kubepy.apiserver.admission.ownership import changes_only_ownership


class ClusterTrustBundleAttest(Plugin):
    name = "ClusterTrustBundleAttest"
    validates = True

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        self._ask = tools.ask

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation in (CREATE, UPDATE) and resource == CLUSTER_TRUST_BUNDLES

    async def validate(self, attributes: Attributes) -> None:
        bundle = attributes.obj
        assert bundle is not None, "bundles are written with a body"
        signer = walk(bundle, "spec", "signerName")
        # The garbage collector and storage migration need not attest for anything.
        if not signer or changes_only_ownership(bundle, attributes.old):
            return
        if not await signers.may_use(self._ask, attributes.user, "attest", signer):
            raise forbidden(attributes, f"user not permitted to attest for signerName {quote(signer)}")
