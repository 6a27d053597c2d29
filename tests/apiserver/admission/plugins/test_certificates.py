"""Upstream's cases of plugin/pkg/admission/certificates/*/admission_test.go."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kubepy.apiserver.authz import ALLOW, NO_OPINION, Decision
from kubepy.apiserver.request import RequestInfo, User
from kubepy.lib.clock import VirtualClock
from kubepy.store.memory import MemoryStore
from tests.apiserver.conftest import Api

Obj = dict[str, Any]

REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
CLIENT = "kubernetes.io/kube-apiserver-client"
_KEY = ec.generate_private_key(ec.SECP256R1())


def pem(common_name: str, organizations: Sequence[str] = ()) -> str:
    names = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    names += [x509.NameAttribute(NameOID.ORGANIZATION_NAME, name) for name in organizations]
    request = (
        x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names)).sign(_KEY, hashes.SHA256())
    )
    return base64.b64encode(request.public_bytes(serialization.Encoding.PEM)).decode()


def request(signer: str, *organizations: str, common_name: str = "x") -> Obj:
    usages = ["client auth"]
    spec = {"signerName": signer, "request": pem(common_name, organizations), "usages": usages}
    return {"metadata": {"name": "r"}, "spec": spec}


class Granted:
    """Those may who were granted (verb, signer)."""

    def __init__(self) -> None:
        self.rules: set[tuple[str, str]] = set()

    async def ask(self, user: User, info: RequestInfo) -> Decision:
        assert (info.group, info.resource) == ("certificates.k8s.io", "signers")
        return ALLOW if (info.verb, info.name) in self.rules else NO_OPINION


@pytest.fixture
def granted() -> Granted:
    return Granted()


@pytest.fixture
async def api(clock: VirtualClock, store: MemoryStore, granted: Granted) -> AsyncIterator[Api]:
    api = Api(clock, store, ask=granted.ask)
    yield api
    await api.registry.close()


@pytest.mark.parametrize(
    ("signer", "organizations", "is_allowed"),
    [
        (CLIENT, (), True),
        (CLIENT, ("system:nodes",), True),
        (CLIENT, ("system:masters",), False),
        (CLIENT, ("a", "system:masters", "b"), False),
        ("example.com/own", ("system:masters",), True),
    ],
)
async def test_nobody_asks_for_the_masters_group(
    api: Api, signer: str, organizations: Sequence[str], is_allowed: bool
) -> None:
    obj = request(signer, *organizations)
    if is_allowed:
        await api.ok("POST", REQUESTS, obj)
        return
    error = await api.error("POST", REQUESTS, obj)
    assert (error.code, error.message) == (
        403,
        f'certificatesigningrequests.certificates.k8s.io "r" is forbidden: use of {CLIENT} signer with system:masters '
        "group is not allowed",
    )


GRANTS = [
    (set(), False),
    ({"abc.com/xyz"}, True),
    ({"abc.com/*"}, True),
    ({"*"}, False),
    ({"abc.com/x"}, False),
]


@pytest.mark.parametrize(("names", "is_allowed"), GRANTS)
async def test_approving_needs_the_signers_permission(
    api: Api, granted: Granted, names: set[str], is_allowed: bool
) -> None:
    obj = await api.ok("POST", REQUESTS, request("abc.com/xyz"))
    granted.rules = {("approve", name) for name in names}
    obj["status"] = {"conditions": [{"type": "Approved", "status": "True", "reason": "r"}]}
    if is_allowed:
        await api.ok("PUT", f"{REQUESTS}/r/approval", obj)
        return
    error = await api.error("PUT", f"{REQUESTS}/r/approval", obj)
    assert error.message == (
        'certificatesigningrequests.certificates.k8s.io "r" is forbidden: user not permitted to approve requests with '
        'signerName "abc.com/xyz"'
    )


@pytest.mark.parametrize(("names", "is_allowed"), GRANTS)
async def test_signing_needs_the_signers_permission(
    api: Api, granted: Granted, names: set[str], is_allowed: bool
) -> None:
    obj = await api.ok("POST", REQUESTS, request("abc.com/xyz"))
    # What is neither certificate nor condition is not looked at.
    await api.ok("PUT", f"{REQUESTS}/r/status", obj)
    granted.rules = {("sign", name) for name in names}
    obj["status"] = {"conditions": [{"type": "Failed", "status": "True", "reason": "r"}]}
    if is_allowed:
        await api.ok("PUT", f"{REQUESTS}/r/status", obj)
        return
    error = await api.error("PUT", f"{REQUESTS}/r/status", obj)
    assert error.message == (
        'certificatesigningrequests.certificates.k8s.io "r" is forbidden: user not permitted to sign requests with '
        'signerName "abc.com/xyz"'
    )
