"""Certificate requests: recognised, approved, signed, cleaned up.

Source: pkg/apis/certificates/helpers_test.go, certificates/{approver/sarapprove,signer/signer,cleaner/cleaner}_test.go.
"""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kubepy.api.builtins import CERTIFICATE_SIGNING_REQUESTS
from kubepy.controllers import (
    certificate_approver,
    certificate_cleaner,
    certificate_requests,
    certificate_signer,
)
from kubepy.controllers.certificate_requests import Authority, Request, fault, lifetime_s, validity
from kubepy.lib.clock import parse_rfc3339, rfc3339
from kubepy.lib.random import Random
from kubepy.testing.cluster import Cluster

KEY = ec.generate_private_key(ec.SECP256R1())
NODES, NODE = ("system:nodes",), "system:node:n1"
CLIENT, SERVING = certificate_requests.KUBELET_CLIENT, certificate_requests.KUBELET_SERVING
API = certificate_requests.API_SERVER_CLIENT
ALL_USAGES = "usages did not match [client auth digital signature key encipherment]"
OF_CLIENT, OF_SERVER = (
    ("digital signature", "client auth"),
    ("digital signature", "key encipherment", "server auth"),
)


@pytest.mark.parametrize(
    ("signer", "request_", "usages", "why"),
    [
        (CLIENT, Request(NODE, NODES), OF_CLIENT, ""),
        (CLIENT, Request(NODE, NODES), (*OF_CLIENT, "key encipherment"), ""),
        (CLIENT, Request(NODE, ("other",)), OF_CLIENT, "subject organization is not system:nodes"),
        (CLIENT, Request(NODE, NODES, dns_names=("a",)), OF_CLIENT, "DNS subjectAltNames are not allowed"),
        (CLIENT, Request(NODE, NODES, emails=("a",)), OF_CLIENT, "Email subjectAltNames are not allowed"),
        (CLIENT, Request(NODE, NODES, addresses=("a",)), OF_CLIENT, "IP subjectAltNames are not allowed"),
        (CLIENT, Request(NODE, NODES, uris=("a",)), OF_CLIENT, "URI subjectAltNames are not allowed"),
        (CLIENT, Request("n1", NODES), OF_CLIENT, "subject common name does not begin with system:node:"),
        (CLIENT, Request(NODE, NODES), OF_SERVER, ALL_USAGES),
        (SERVING, Request(NODE, NODES, dns_names=("a",)), OF_SERVER, ""),
        (SERVING, Request(NODE, NODES), OF_SERVER, "DNS or IP subjectAltName is required"),
        (SERVING, Request(NODE, NODES, ("a",), uris=("u",)), OF_SERVER, "URI subjectAltNames are not allowed"),
        (API, Request("jane"), ("client auth",), ""),
        (API, Request("jane"), ("client auth", "any"), "invalid usage for client certificate: any"),
        (API, Request("jane"), ("digital signature",), "missing required usage for client certificate: client auth"),
        (certificate_requests.LEGACY_UNKNOWN, Request(""), ("any",), ""),
    ],
)  # fmt: skip
def test_what_a_signer_demands(signer: str, request_: Request, usages: Any, why: str) -> None:
    assert fault(signer, request_, usages) == why


@pytest.mark.parametrize(("wanted", "given"), [(None, 1e6), (10**9, 1e6), (1, 600), (3600, 3600)])
def test_how_long_a_certificate_lives(wanted: int | None, given: float) -> None:
    assert lifetime_s(wanted, 1e6) == given


def test_when_a_certificate_is_valid() -> None:
    assert validity(10_000, 3600, 1e9) == (9_700, 13_600)
    assert validity(10_000, 8 * 3600, 1e9) == (9_700, 10_000 + 8 * 3600 - 300)
    assert validity(10_000, 3600, 11_000) == (9_700, 11_000)
    with pytest.raises(certificate_requests.SignerExpired):
        validity(10_000, 3600, 10_000)


def csr(name: str = NODE, organization: str = "system:nodes", **spec: Any) -> Any:
    subject = [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
        x509.NameAttribute(NameOID.COMMON_NAME, name),
    ]
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject)).sign(KEY, hashes.SHA256())
    request = base64.b64encode(made.public_bytes(serialization.Encoding.PEM)).decode()
    usual = {"request": request, "signerName": CLIENT, "usages": list(OF_CLIENT), "username": "kubelet"}
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": "c", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": usual | spec,
    }


def conditions(*types: str, at: str = "2026-01-01T00:00:00Z") -> Any:
    return {"conditions": [{"type": type_, "status": "True", "lastUpdateTime": at} for type_ in types]}


@pytest.mark.parametrize(
    ("given", "ways"),
    [
        (csr(), ["nodeclient"]),
        (csr(username=NODE), ["selfnodeclient", "nodeclient"]),
        (csr(signerName=API), []),
        (csr(organization="x"), []),
        (csr() | {"status": conditions("Denied")}, []),
        (csr() | {"status": conditions("Approved")}, []),
        (csr() | {"status": {"certificate": "x"}}, []),
    ],
)
def test_which_permission_would_approve_it(given: Any, ways: list[str]) -> None:
    assert [way.subresource for way in certificate_approver.plan(given).ways] == ways


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (csr() | {"status": conditions("Approved")}, certificate_signer.Plan(sign=True)),
        (csr(), certificate_signer.Plan()),
        (csr() | {"status": conditions("Approved", "Denied")}, certificate_signer.Plan()),
        (csr() | {"status": conditions("Approved", "Failed")}, certificate_signer.Plan()),
        (csr(signerName="example.com/x") | {"status": conditions("Approved")}, certificate_signer.Plan()),
        (
            csr(organization="x") | {"status": conditions("Approved")},
            certificate_signer.Plan(failure="subject organization is not system:nodes"),
        ),
    ],
)
def test_what_is_signed(given: Any, expected: certificate_signer.Plan) -> None:
    assert certificate_signer.plan(given) == expected


def authority(now: float) -> Authority:
    from kubepy.daemon import pki

    pair = pki._authority(now)
    return Authority(pair.cert, pair.key)


def test_the_certificate_has_the_requests_subject_and_the_specs_usages() -> None:
    now = parse_rfc3339("2026-01-01T00:00:00Z")
    pem = certificate_requests.sign(csr(expirationSeconds=3600), authority(now), now=now, random=Random(1))
    made = x509.load_pem_x509_certificate(pem)
    assert made.subject.rfc4514_string() == "CN=system:node:n1,O=system:nodes"
    assert made.not_valid_after_utc.timestamp() == now + 3600
    assert made.not_valid_before_utc.timestamp() == now - 300
    purposes = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    usage = made.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature and not usage.key_encipherment
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


@pytest.mark.parametrize("request_", ["", "AAAA", base64.b64encode(b"-----BEGIN CERTIFICATE-----").decode()])
def test_what_is_no_request(request_: str) -> None:
    with pytest.raises(certificate_requests.Unreadable):
        certificate_requests.parse({"spec": {"request": request_}})


HOUR = 3600.0


@pytest.mark.parametrize(
    ("status", "after_s"),
    [
        ({}, 24 * HOUR),
        (conditions("Denied"), HOUR),
        (conditions("Failed"), HOUR),
        (conditions("Approved"), 24 * HOUR),
        (conditions("Approved") | {"certificate": "eA=="}, HOUR),
        (conditions("Other"), None),
    ],
)
def test_when_a_request_goes(status: Any, after_s: float | None) -> None:
    end = certificate_cleaner.end_of(csr() | {"status": status})
    assert end == (None if after_s is None else parse_rfc3339("2026-01-01T00:00:00Z") + after_s)


@pytest.mark.kubepy(nodes=0, identity_lease=False)
async def test_an_undecided_request_goes_after_a_day(cluster: Cluster) -> None:
    await cluster.create(csr(signerName=API))
    await cluster.advance("23h")
    assert len(await cluster.list(CERTIFICATE_SIGNING_REQUESTS)) == 1
    await cluster.advance("2h")
    assert await cluster.list(CERTIFICATE_SIGNING_REQUESTS) == []


async def test_a_kubelet_is_approved_if_it_may(cluster: Cluster) -> None:
    """The creator, a member of system:masters, may do everything: so it may have a node's certificate."""
    await cluster.create(csr())
    await cluster.settle()
    (found,) = await cluster.list(CERTIFICATE_SIGNING_REQUESTS)
    (approved,) = found["status"]["conditions"]
    assert (approved["type"], approved["reason"], approved["message"]) == (
        "Approved", "AutoApproved", "Auto approving kubelet client certificate after SubjectAccessReview.",
    )  # fmt: skip
    assert approved["lastUpdateTime"] == rfc3339(cluster.clock.now())
