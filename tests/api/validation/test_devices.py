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
            claim("{name: a, exactly: {deviceClassName: c, selectors: [{cel: {expression: 'devce.driver == 1'}}]}}"),
            [
                'spec.devices.requests[0].exactly.selectors[0].cel.expression: Invalid value: "devce.driver == 1": '
                "compilation failed: ERROR: <input>:1:1: undeclared reference to 'devce' (in container '')\n"
                " | devce.driver == 1\n | ^"
            ],
        ),
        (
            claim("{name: a, exactly: {deviceClassName: c, selectors: [{cel: {expression: device.driver}}]}}"),
            [
                'spec.devices.requests[0].exactly.selectors[0].cel.expression: Invalid value: "device.driver": must '
                "evaluate to bool or the unknown type, not string"
            ],
        ),
        (
            claim(more=", config: [{requests: [b], opaque: {driver: d.io, parameters: {}}}]"),
            [f'spec.devices.config[0].requests[0]: Invalid value: "b": {REFERENCE}'],
        ),
        (
            claim("{name: a, firstAvailable: [{name: x, deviceClassName: c}]}", ", constraints: [{requests: [a/x]}]"),
            [
                'spec.devices.constraints[0]: Required value: exactly one of "matchAttribute" or "distinctAttribute" '
                "is required, but multiple fields are set"
            ],
        ),
    ],
)  # fmt: skip
def test_claims(rules, made, texts):
    assert rules.create(made) == texts


def test_a_template_gives_labels_and_annotations_only(rules):
    metadata = "{name: n, uid: u, labels: {a: b}, annotations: {a: b}, finalizers: [a/b]}"
    head = "apiVersion: resource.k8s.io/v1\nkind: ResourceClaimTemplate\n"
    assert rules.create(f"{head}spec: {{metadata: {metadata}, spec: {{}}}}") == [
        f"spec.metadata.{field}: Forbidden: cannot be set" for field in ("name", "uID", "finalizers")
    ]


def test_what_a_claim_may_become(rules):
    (text,) = rules.update(claim(), claim("{name: b, exactly: {deviceClassName: c}}"))
    assert text.startswith(
        'spec: Invalid value: {"Devices":{"Requests":[{"Name":"b","Exactly":{'
    ) and text.endswith("field is immutable")
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


def device(rest):
    return SLICE.format(pool="p", count=1, where=f"nodeName: n, devices: [{{name: a, {rest}}}]")


DEVICE = "spec.devices[0]"
SEMVER = "must be a string compatible with semver.org spec 2.0.0"


@pytest.mark.parametrize(
    ("rest", "texts"),
    [
        ("attributes: {a: {string: x}, d.io/b: {version: 1.2.3-rc.1+b}, c: {int: 1}, d: {bool: false}}", []),
        ("attributes: {a: {}}", [f'{DEVICE}.attributes[a]: Invalid value: "": exactly one value must be specified']),
        (
            "attributes: {a: {int: 1, bool: true}}",
            [
                f"{DEVICE}.attributes[a]: Invalid value: "
                '{"IntValue":1,"BoolValue":true,"StringValue":null,"VersionValue":null,"IntValues":null,'
                '"BoolValues":null,"StringValues":null,"VersionValues":null}: exactly one value must be specified'
            ],
        ),
        (
            "attributes: {a: {version: v1}}",
            [f'{DEVICE}.attributes[a].version: Invalid value: "v1": {SEMVER}'],
        ),
        (
            f"attributes: {{/a: {{string: {'x' * 65}}}}}",
            [
                f'{DEVICE}.attributes: Invalid value: "": the domain must not be empty',
                f"{DEVICE}.attributes[/a].string: Too long: may not be more than 64 bytes",
            ],
        ),
        (
            "capacity: {m: {value: 1, requestPolicy: {default: 1}}}",
            [f"{DEVICE}.capacity[m].requestPolicy: Forbidden: allowMultipleAllocations must be true"],
        ),
        (
            "allowMultipleAllocations: true, "
            "capacity: {m: {value: 4, requestPolicy: {default: 3, validValues: [2, 1, 5]}}}",
            [
                f'{DEVICE}.capacity[m].requestPolicy.validValues[1]: Invalid value: "1": '
                "values must be sorted in ascending order",
                f'{DEVICE}.capacity[m].requestPolicy.validValues[2]: Invalid value: "5": '
                "option is larger than capacity value: 4",
                f'{DEVICE}.capacity[m].requestPolicy.validValues: Invalid value: "3": '
                "default value is not valid according to the requestPolicy",
            ],
        ),
        (
            "allowMultipleAllocations: true, "
            "capacity: {m: {value: 4, requestPolicy: {default: 4, validRange: {min: 1, max: 6, step: 2}}}}",
            [
                f'{DEVICE}.capacity[m].requestPolicy.validRange.max: Invalid value: "6": '
                "max is larger than capacity value: 4",
                f'{DEVICE}.capacity[m].requestPolicy.validRange.step: Invalid value: "4": '
                "value is not a multiple of a given step (2) from (1)",
                f'{DEVICE}.capacity[m].requestPolicy.validRange.step: Invalid value: "6": '
                "value is not a multiple of a given step (2) from (1)",
            ],
        ),
        ("taints: [{key: a}]", [f"{DEVICE}.taints[0].effect: Required value"]),
        (
            "allNodes: true",
            [
                f"{DEVICE}: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only be set if "
                "`perDeviceNodeSelection` is set to true in the ResourceSlice spec"
            ],
        ),
        (
            "bindingConditions: [a]",
            [
                f"{DEVICE}.bindingFailureConditions: Invalid value: null: "
                "bindingFailureConditions are required to use bindingConditions"
            ],
        ),
        ("consumesCounters: [{counterSet: c}]", [f"{DEVICE}.consumesCounters[0].counters: Required value"]),
    ],
)  # fmt: skip
def test_devices_of_a_slice(rules, rest, texts):
    assert rules.create(device(rest)) == texts


@pytest.mark.parametrize(
    ("rest", "texts"),
    [
        ("constraints: [{matchAttribute: d.io/a}]", []),
        (
            "constraints: [{matchAttribute: a}]",
            [
                'constraints[0].matchAttribute: Invalid value: "a": '
                "a fully qualified name must be a domain and a name separated by a slash"
            ],
        ),
        (
            "config: [{opaque: {driver: d.io, parameters: x}}]",
            ['config[0].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object'],
        ),
    ],
)
def test_constraints_and_parameters(rules, rest, texts):
    assert rules.create(claim(more=f", {rest}")) == [f"spec.devices.{text}" for text in texts]


def test_tolerations_of_devices(rules):
    asked = (
        "{name: a, exactly: {deviceClassName: c, tolerations: [{operator: Exists, value: v}, {operator: X}]}}"
    )
    at = "spec.devices.requests[0].exactly.tolerations"
    assert rules.create(claim(asked)) == [
        f'{at}[0].value: Invalid value: "v": must be empty for operator `Exists`',
        f'{at}[1].operator: Unsupported value: "X": supported values: "Equal", "Exists"',
    ]


def test_a_status_about_a_device_that_was_not_given(rules):
    given = "allocation: {devices: {results: [{request: a, driver: d.io, pool: p, device: x}]}}"
    status = f"{given}, devices: [{{driver: d.io, pool: p, device: y}}]"
    (text,) = rules.update(claim(), claim(status=status), "status")
    assert text == (
        'status.devices[0]: Invalid value: {"Driver":"d.io","Pool":"p","Device":"y","ShareID":""}: '
        "must be an allocated device in the claim"
    )
