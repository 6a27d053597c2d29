"""Cases of pkg/apis/resource/validation/validation_*_test.go."""

import pytest

CLAIM = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
spec: {{devices: {{requests: [{requests}]{more}}}}}
status: {{{status}}}
"""
ONE = "{name: a, exactly: {deviceClassName: c}}"


def claim(requests=ONE, more="", status=""):
    return CLAIM.format(requests=requests, more=more, status=status)


WHICH = "exactly one of `exactly` or `firstAvailable` is required"
REFERENCE = (
    "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
)


@pytest.mark.parametrize(
    ("made", "texts"),
    [
        (claim(), []),
        (claim("{name: a}"), [f"spec.devices.requests[0]: Required value: {WHICH}"]),
        (claim(f"{ONE}, {ONE}"), ['spec.devices.requests[1]: Duplicate value: "a"']),
        (
            claim("{name: a, exactly: {deviceClassName: c, allocationMode: All, count: 2}}"),
            [
                "spec.devices.requests[0].exactly.count: Invalid value: 2: must not be specified when allocationMode "
                "is 'All'"
            ],
        ),
        (
            claim("{name: a, exactly: {selectors: [{}]}}"),
            [
                "spec.devices.requests[0].exactly.deviceClassName: Required value",
                "spec.devices.requests[0].exactly.selectors[0].cel: Required value",
            ],
        ),
        (
            claim(more=", config: [{requests: [b], opaque: {driver: d.io, parameters: {}}}]"),
            [f'spec.devices.config[0].requests[0]: Invalid value: "b": {REFERENCE}'],
        ),
        (
            claim("{name: a, firstAvailable: [{name: x, deviceClassName: c}]}", ", constraints: [{requests: [a/x]}]"),
            ["spec.devices.constraints[0].matchAttribute: Required value"],
        ),
    ],
)  # fmt: skip
def test_claims(rules, made, texts):
    assert rules.create(made) == texts


def test_what_a_claim_may_become(rules):
    (text,) = rules.update(claim(), claim("{name: b, exactly: {deviceClassName: c}}"))
    assert text.startswith("spec: Invalid value") and text.endswith("field is immutable")
    user = "reservedFor: [{resource: pods, name: p, uid: u}]"
    assert rules.update(claim(), claim(status=user), "status") == [
        "status.reservedFor: Forbidden: may not be specified when `allocated` is not set"
    ]
    assert rules.update(claim(), claim(status=f"allocation: {{devices: {{}}}}, {user}"), "status") == []


SLICE = """
apiVersion: resource.k8s.io/v1
kind: ResourceSlice
spec: {{driver: d.io, pool: {{name: {pool}, resourceSliceCount: {count}}}, {where}}}
"""
WHERE = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"


@pytest.mark.parametrize(
    ("made", "texts"),
    [
        (SLICE.format(pool="p", count=1, where="allNodes: true, devices: [{name: a}]"), []),
        (SLICE.format(pool="p", count=1, where=""), [f"spec: Required value: {WHERE}"]),
        (
            SLICE.format(pool="p", count=1, where="allNodes: true, nodeName: n"),
            [
                f'spec: Invalid value: "{{`nodeName`, `allNodes`}}": {WHERE}, but multiple fields are set'
            ],
        ),
        (
            SLICE.format(pool="''", count=0, where="nodeName: n"),
            [
                "spec.pool.name: Required value",
                "spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero",
            ],
        ),
    ],
)  # fmt: skip
def test_slices(rules, made, texts):
    assert rules.create(made) == texts


def test_taint_rules(rules):
    rule = "apiVersion: resource.k8s.io/v1\nkind: DeviceTaintRule\nspec: {{taint: {{key: {}, effect: {}}}}}"
    assert rules.create(rule.format("a", "NoExecute")) == []
    assert rules.create(rule.format("a", "Now")) == [
        'spec.taint.effect: Unsupported value: "Now": supported values: "NoExecute", "NoSchedule", "None"'
    ]
