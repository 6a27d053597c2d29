from __future__ import annotations

import pytest

from kubepy.api import errors
from kubepy.api.builtins import POD_CERTIFICATE_REQUESTS
from kubepy.api.errors import FieldError
from kubepy.api.objects import Obj
from kubepy.apiserver.authz import ALLOW, NO_OPINION, Decision
from kubepy.apiserver.registry.call import Call
from kubepy.apiserver.registry.live_rules import Signing
from kubepy.apiserver.request import RequestInfo, User

REQUEST: Obj = {"spec": {"signerName": "example.com/a"}, "status": {}}
SIGNED = REQUEST | {"status": {"certificateChain": "..."}}
REFUSED = 'spec.signerName: Forbidden: User "paul" is not permitted to "sign" for signer "example.com/a"'
EARLIER = errors.required("status")


@pytest.mark.parametrize(
    ("signer", "subresource", "new", "earlier", "found"),
    [
        ("", "status", SIGNED, [], [REFUSED]),
        ("", "status", SIGNED, [EARLIER], ["status: Required value"]),
        ("", "status", REQUEST, [], []),
        ("", "", SIGNED, [], []),
        ("example.com/a", "status", SIGNED, [], []),
        ("example.com/*", "status", SIGNED, [], []),
    ],
)
async def test_who_may_sign(
    signer: str, subresource: str, new: Obj, earlier: list[FieldError], found: list[str]
) -> None:
    async def ask(user: User, info: RequestInfo) -> Decision:
        assert (info.verb, info.resource) == ("sign", "signers")
        return ALLOW if info.name == signer else NO_OPINION

    call = Call(POD_CERTIFICATE_REQUESTS, "default", "a", User("paul"), subresource)
    findings = await Signing(ask).check(call, new, REQUEST, earlier)
    assert [f"{finding.field}: {finding.body}" for finding in findings] == found
