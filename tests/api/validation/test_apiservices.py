"""APIServices in upstream's words."""

import pytest

LOCAL = "group: example.com, version: v1, groupPriorityMinimum: 100, versionPriority: 10"
REMOTE = f"{LOCAL}, service: {{name: a, namespace: b}}"
CA = "LS0tLS0K"


def api_service(spec, name="v1.example.com"):
    return f"""
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {{name: {name}}}
spec: {{{spec}}}
"""


CASES = [
    (api_service(LOCAL), []),
    (api_service(REMOTE), []),
    (api_service("version: v1, groupPriorityMinimum: 18000, versionPriority: 1", "v1."), []),
    (
        api_service(LOCAL, "v2.example.com"),
        [
            'metadata.name: Invalid value: "v2.example.com": '
            'must be `spec.version+"."+spec.group`: "v1.example.com"'
        ],
    ),
    (
        api_service("version: v2, groupPriorityMinimum: 1, versionPriority: 1", "v2."),
        ["spec.group: Required value: only v1 may have an empty group and it better be legacy kube"],
    ),
    (
        api_service("group: example.com, version: v1", "v1.example.com"),
        [
            "spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000",
            "spec.versionPriority: Invalid value: 0: must be positive and less than 1000",
        ],
    ),
    (
        api_service(f"{LOCAL}, caBundle: {CA}, insecureSkipTLSVerify: true"),
        [
            'spec.caBundle: Invalid value: "6 bytes": local APIServices may not have a caBundle',
            "spec.insecureSkipTLSVerify: Invalid value: true: "
            "local APIServices may not have insecureSkipTLSVerify",
        ],
    ),
    (
        api_service(f"{LOCAL}, service: {{port: 70000}}"),
        [
            "spec.service.namespace: Required value",
            "spec.service.name: Required value",
            "spec.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive",
        ],
    ),
    (
        api_service(f"{REMOTE}, caBundle: {CA}, insecureSkipTLSVerify: true"),
        ["spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present"],
    ),
]


@pytest.mark.parametrize(("text", "findings"), CASES)
def test_an_api_service(rules, text, findings):
    assert rules.create(text) == findings


def test_a_condition_is_true_false_or_unknown(rules):
    new = api_service(LOCAL) + "status: {conditions: [{type: Available, status: Perhaps}]}"
    assert rules.update(api_service(LOCAL), new, "status") == [
        'status.conditions[0].status: Unsupported value: "Perhaps": '
        'supported values: "True", "False", "Unknown"'
    ]


def test_the_port_is_443_by_default(rules):
    _, obj = rules.make(api_service(REMOTE))
    assert obj["spec"]["service"]["port"] == 443
