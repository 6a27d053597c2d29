"""Rules of validation that have to ask: what the writer may do besides the write, what other objects say.

Source: the strategies under kubernetes pkg/registry that hold an authorizer or a client.
"""

from __future__ import annotations

from kubepy.api import errors
from kubepy.api.builtins import (
    POD_CERTIFICATE_REQUESTS,
    RESOURCE_CLAIM_TEMPLATES,
    RESOURCE_CLAIMS,
    Catalog,
)
from kubepy.api.errors import FieldError
from kubepy.api.objects import Obj
from kubepy.apiserver.admission.base import Ask, Lookup
from kubepy.apiserver.admission.signers import may_use
from kubepy.apiserver.authz import param_references
from kubepy.apiserver.authz.param_references import ParamReferences
from kubepy.apiserver.registry.call import Call, LiveRule
from kubepy.apiserver.registry.claim_rights import ClaimRights


def live_rules(ask: Ask, lookup: Lookup, catalog: Catalog) -> dict[str, LiveRule]:
    """By group resource."""
    claims, params = ClaimRights(ask, lookup).check, ParamReferences(ask, catalog, lookup).check
    return {
        RESOURCE_CLAIMS.group_resource: claims,
        RESOURCE_CLAIM_TEMPLATES.group_resource: claims,
        POD_CERTIFICATE_REQUESTS.group_resource: Signing(ask).check,
        **{kind.group_resource: params for kind in param_references.KINDS},
    }


class Signing:
    """Who writes a PodCertificateRequest's status signs it.

    Source: kubernetes pkg/registry/certificates/podcertificaterequest/strategy.go.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def check(
        self, call: Call, obj: Obj, old: Obj | None, findings: list[FieldError]
    ) -> list[FieldError]:
        if findings or old is None or call.subresource != "status":
            return findings
        if (obj.get("status") or {}) == (old.get("status") or {}):
            return []
        signer = old["spec"]["signerName"]
        if await may_use(self._ask, call.user, "sign", signer):
            return []
        who = errors.quote(call.user.name)
        why = f'User {who} is not permitted to "sign" for signer {errors.quote(signer)}'
        return [errors.forbidden_field("spec.signerName", why)]
