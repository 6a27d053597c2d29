"""Cases of pkg/apis/certificates/validation/validation_test.go TestValidatePodCertificateRequest*."""

import pytest

SPEC = {
    "signerName": "foo.com/abc", "podName": "pod-1", "podUID": "pod-uid-1", "serviceAccountName": "sa-1",
    "serviceAccountUID": "sa-uid-1", "nodeName": "node-1", "nodeUID": "node-uid-1", "maxExpirationSeconds": 86400,
    "stubPKCS10Request": "AAAA",
}  # fmt: skip


def request(spec=None, status=None):
    import json

    head = {"apiVersion": "certificates.k8s.io/v1", "kind": "PodCertificateRequest"}
    return json.dumps(
        {**head, "metadata": {"resourceVersion": "1"}, "spec": SPEC | (spec or {}), "status": status or {}}
    )


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        ({}, []),
        (
            {"podName": "pod/bad"},
            'spec.podName: Invalid value: "pod/bad": a lowercase RFC 1123 subdomain must consist of',
        ),
        ({"podUID": ""}, 'spec.podUID: Invalid value: "": must not be empty'),
        ({"nodeUID": "x" * 129}, "spec.nodeUID: Too long: may not be more than 128 bytes"),
        ({"signerName": ""}, "spec.signerName: Required value"),
        (
            {"maxExpirationSeconds": 3599},
            "spec.maxExpirationSeconds: Invalid value: 3599: must be in the range [3600, 7862400]",
        ),
        (
            {"signerName": "kubernetes.io/foo", "maxExpirationSeconds": 86401},
            "spec.maxExpirationSeconds: Invalid value: 86401: must be in the range [3600, 86400]",
        ),
        (
            {"unverifiedUserAnnotations": {"plain": "x"}},
            'spec.unverifiedUserAnnotations: Invalid value: "plain": must be a domain-prefixed key',
        ),
        ({"stubPKCS10Request": ""}, "spec: Invalid value: exactly one of (stubPKCS10Request) or"),
        ({"stubPKCS10Request": "A" * 20000}, "spec.stubPKCS10Request: Too long: may not be more than 10240 bytes"),
    ],
)  # fmt: skip
def test_what_may_be_asked_for(rules, spec, wanted):
    found = rules.create(request(spec))
    assert any(each.startswith(wanted) for each in found) and len(found) == 1 if wanted else found == []


def condition(type_, status="True"):
    return {"type": type_, "status": status, "reason": "R", "lastTransitionTime": "2024-01-01T00:00:00Z"}


PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
TIMES = {
    "notBefore": "2024-01-01T00:00:00Z", "notAfter": "2024-01-02T00:00:00Z", "beginRefreshAt": "2024-01-01T12:00:00Z",
}  # fmt: skip
ISSUED = {"conditions": [condition("Issued")], "certificateChain": PEM, **TIMES}


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ({}, ISSUED, ""),
        ({}, {"conditions": [condition("Denied")]}, ""),
        ({}, ISSUED | {"certificateChain": ""}, "issued certificate chain must contain at least one certificate"),
        ({}, ISSUED | {"notAfter": None}, "must be present and consistent with the issued certificate"),
        ({}, {"certificateChain": PEM}, "status is immutable unless transitioning"),
        (
            {}, {"conditions": [condition("Denied")], "certificateChain": PEM},
            "non-condition status fields must be empty when denying or failing",
        ),
        ({}, {"conditions": [condition("Issued"), condition("Failed")]}, "There may be at most one condition"),
        ({}, {"conditions": [condition("Foo")]}, 'status.conditions.[0].type: Unsupported value: "Foo"'),
        ({}, {"conditions": [condition("Failed", "False")]}, 'Unsupported value: "False": supported values: "True"'),
        (ISSUED, ISSUED | {"notAfter": "2025-01-01T00:00:00Z"}, "immutable after PodCertificateRequest is issued"),
    ],
)  # fmt: skip
def test_what_may_be_answered(rules, before, after, wanted):
    found = rules.update(request(status=before), request(status=after), "status")
    assert any(wanted in each for each in found) if wanted else found == []


def test_a_request_stays_as_it_was_made(rules):
    found = rules.update(request(), request({"podUID": "other"}))
    assert len(found) == 1 and found[0].endswith("field is immutable")
