"""Kinds that describe and do not run: storage drivers, certificates, flow control, admission.

Cases of pkg/apis/{storage,node,certificates,flowcontrol,admissionregistration}/validation/validation_test.go.
"""

import base64

import pytest

from tests.api.pems import AUTHORITY_PEM, REQUEST_PEM

CSI_DRIVER = """
apiVersion: storage.k8s.io/v1
kind: CSIDriver
spec: {{{}}}
"""
CSI_NODE = """
apiVersion: storage.k8s.io/v1
kind: CSINode
spec: {{drivers: [{}]}}
"""
ATTACHMENT = """
apiVersion: storage.k8s.io/v1
kind: VolumeAttachment
spec: {{attacher: a.io, nodeName: n, source: {{{}}}}}
"""
RUNTIME_CLASS = """
apiVersion: node.k8s.io/v1
kind: RuntimeClass
{}
"""
ATTRIBUTES = """
apiVersion: storage.k8s.io/v1
kind: VolumeAttributesClass
driverName: d.io
parameters: {{{}}}
"""
CAPACITY = """
apiVersion: storage.k8s.io/v1
kind: CSIStorageCapacity
storageClassName: {}
capacity: {}
"""

ONE_SOURCE = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"


@pytest.mark.parametrize(
    ("made", "texts"),
    [
        (CSI_DRIVER.format(""), []),
        (
            CSI_DRIVER.format("fsGroupPolicy: x, volumeLifecycleModes: [y]"),
            [
                'spec.fsGroupPolicy: Unsupported value: "x": supported values: "File", "None", '
                '"ReadWriteOnceWithFSType"',
                'spec.volumeLifecycleModes: Unsupported value: "y": supported values: "Persistent", "Ephemeral"',
            ],
        ),
        (
            CSI_DRIVER.format("tokenRequests: [{audience: a, expirationSeconds: 10}, {audience: a}]"),
            [
                "spec.tokenRequests[0].expirationSeconds: Invalid value: 10: may not specify a duration less than "
                "10 minutes",
                'spec.tokenRequests[1].audience: Duplicate value: "a"',
            ],
        ),
        (CSI_NODE.format("{name: a.io, nodeID: x, topologyKeys: [k]}"), []),
        (
            CSI_NODE.format("{name: a.io, nodeID: ''}, {name: a.io, nodeID: y, allocatable: {count: -1}}"),
            [
                "spec.drivers[0].nodeID: Required value",
                "spec.drivers[1].allocatable.count: Invalid value: -1: must be greater than or equal to 0",
                'spec.drivers[1].name: Duplicate value: "a.io"',
            ],
        ),
        (ATTACHMENT.format("persistentVolumeName: pv"), []),
        (ATTACHMENT.format(""), [f"spec.source: Required value: {ONE_SOURCE}"]),
        (
            ATTACHMENT.format("inlineVolumeSpec: {accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}}"),
            [
                "spec.source.inlineVolumeSpec.capacity: Forbidden: may not be specified in the context of inline "
                "volumes",
                "spec.source.inlineVolumeSpec.csi: Required value: has to be specified in the context of inline "
                "volumes",
                "spec.source.inlineVolumeSpec: Required value: must specify a volume type",
            ],
        ),
        (RUNTIME_CLASS.format("handler: runc"), []),
        (RUNTIME_CLASS.format(""), ["handler: Required value"]),
        (
            RUNTIME_CLASS.format("handler: runc\nscheduling: {tolerations: [{key: a}, {key: a}]}"),
            [
            'scheduling.tolerations[1]: Duplicate value: '
            '{"Key":"a","Operator":"","Value":"","Effect":"","TolerationSeconds":null}'
        ],
        ),
        (ATTRIBUTES.format("a: b"), []),
        (
            ATTRIBUTES.format(""),
            ["parameters: Required value: must contain at least one key/value pair"],
        ),
        (CAPACITY.format("fast", "1Gi"), []),
        (
            CAPACITY.format("fast", "-1Gi"),
            ['capacity: Invalid value: "-1Gi": must be greater than or equal to 0'],
        ),
    ],
)  # fmt: skip
def test_storage_and_runtimes(rules, made, texts):
    assert rules.create(made) == texts


def test_what_drivers_may_not_change(rules):
    old, new = CSI_DRIVER.format("attachRequired: true"), CSI_DRIVER.format("attachRequired: false")
    assert rules.update(old, new) == ["spec.attachedRequired: Invalid value: false: field is immutable"]
    old = CSI_NODE.format("{name: a.io, nodeID: x}")
    assert rules.update(old, CSI_NODE.format("{name: a.io, nodeID: x, allocatable: {count: 3}}")) == []
    (text,) = rules.update(old, CSI_NODE.format("{name: a.io, nodeID: y}"))
    assert text.startswith("spec.drivers: Invalid value") and text.endswith("field is immutable")
    (text,) = rules.update(ATTRIBUTES.format("a: b"), ATTRIBUTES.format("a: c"))
    assert text == "parameters: Forbidden: updates to parameters are forbidden."


# -- certificates ----------------------------------------------------------------------------------------------

PEM = base64.b64encode(REQUEST_PEM.encode()).decode()
SIGNING_REQUEST = """
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
spec: {{request: {request}, signerName: {signer}, usages: [{usages}]{more}}}
status: {{{status}}}
"""


def signing_request(signer="example.com/x", usages="client auth", more="", status="", request=PEM):
    return SIGNING_REQUEST.format(request=request, signer=signer, usages=usages, more=more, status=status)


APPROVED = "conditions: [{type: Approved, status: 'True', reason: a}]"
DENIED = "conditions: [{type: Approved, status: 'True', reason: a}, {type: Denied, status: 'True'}]"


@pytest.mark.parametrize(
    ("made", "texts"),
    [
        (signing_request(), []),
        (
            signing_request(request="YQ=="),
            ['spec.request: Invalid value: "YQ==": PEM block type must be CERTIFICATE REQUEST'],
        ),
        (
            signing_request(signer="x"),
            [
                "spec.signerName: Invalid value: \"x\": must be a fully qualified domain and path of the form "
                "'example.com/signer-name'"
            ],
        ),
        (
            signing_request(signer="kubernetes.io/legacy-unknown"),
            [
                'spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed '
                "via this API version"
            ],
        ),
        (
            signing_request(signer="x/y"),
            [
                'spec.signerName: Invalid value: "x": should be a domain with at least two segments separated by dots'
            ],
        ),
        (signing_request(usages=""), ["spec.usages: Required value"]),
        (signing_request(usages="any, any"), ['spec.usages[1]: Duplicate value: "any"']),
        (
            signing_request(more=", expirationSeconds: 5"),
            [
                "spec.expirationSeconds: Invalid value: 5: may not specify a duration less than 600 seconds "
                "(10 minutes)"
            ],
        ),
    ],
)  # fmt: skip
def test_signing_requests(rules, made, texts):
    assert rules.create(made) == texts


CONDITIONS = "status.conditions: Forbidden: updates may not"
CERTIFICATE = f"certificate: {base64.b64encode(AUTHORITY_PEM.encode()).decode()}"
TWINS = "conditions: [{type: Approved, status: 'True'}, {type: A, status: 'True'}, {type: A, status: 'True'}]"


@pytest.mark.parametrize(
    ("old", "new", "subresource", "texts"),
    [
        ("", APPROVED, "approval", []),
        ("", APPROVED, "status", [f'{CONDITIONS} add a condition of type "Approved"']),
        (APPROVED, "", "status", [f'{CONDITIONS} remove a condition of type "Approved"']),
        (APPROVED, TWINS, "approval", ['status.conditions[2].type: Duplicate value: "A"']),
        (TWINS, TWINS, "approval", []),
        (DENIED, DENIED, "approval", []),
        (APPROVED, "", "approval", [f'{CONDITIONS} remove a condition of type "Approved"']),
        (
            APPROVED,
            DENIED,
            "approval",
            [
                'status.conditions: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive'
            ],
        ),
        ("", CERTIFICATE, "status", []),
        ("", CERTIFICATE, "approval", ["status.certificate: Forbidden: updates may not set certificate content"]),
        (
            "",
            "certificate: YQ==",
            "status",
            [
                'status.certificate: Invalid value: "<certificate data>": must contain at least one CERTIFICATE PEM '
                "block"
            ],
        ),
        (
            "",
            "conditions: [{type: Approved, status: 'False'}]",
            "approval",
            ['status.conditions[0].status: Unsupported value: "False": supported values: "True"'],
        ),
    ],
)  # fmt: skip
def test_who_may_decide_what_about_a_request(rules, old, new, subresource, texts):
    assert rules.update(signing_request(status=old), signing_request(status=new), subresource) == texts


BUNDLE = """
apiVersion: certificates.k8s.io/v1
kind: ClusterTrustBundle
metadata: {{name: '{}'}}
spec: {{signerName: '{}', trustBundle: "{}"}}
"""
ANCHOR = AUTHORITY_PEM.replace("\n", "\\n")
UNREADABLE = "-----BEGIN CERTIFICATE-----\\nYQ==\\n-----END CERTIFICATE-----\\n"


@pytest.mark.parametrize(
    ("made", "texts"),
    [
        (BUNDLE.format("x", "", ANCHOR), []),
        (BUNDLE.format("a.io:b:x", "a.io/b", ANCHOR), []),
        (
            BUNDLE.format("x", "a.io/b", ANCHOR),
            [
                'metadata.name: Invalid value: "x": ClusterTrustBundle for signerName a.io/b must be named with prefix '
                "a.io:b:"
            ],
        ),
        (
            BUNDLE.format("x", "", ""),
            ['spec.trustBundle: Invalid value: "<value omitted>": at least one trust anchor must be provided'],
        ),
        (
            BUNDLE.format("x", "", ANCHOR + UNREADABLE),
            ['spec.trustBundle: Invalid value: "<value omitted>": entry 1 does not parse as X.509'],
        ),
        (
            BUNDLE.format("x", "", ANCHOR + ANCHOR),
            ['spec.trustBundle: Invalid value: "<value omitted>": duplicate trust anchor (indices [0 1])'],
        ),
    ],
)  # fmt: skip
def test_trust_bundles(rules, made, texts):
    assert rules.create(made) == texts


# -- flow control ----------------------------------------------------------------------------------------------

SCHEMA = """
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: FlowSchema
metadata: {{name: {name}}}
spec:
  priorityLevelConfiguration: {{name: global-default}}
  matchingPrecedence: {precedence}
  rules: [{rule}]
"""
USER = "subjects: [{kind: User, user: {name: u}}]"
RULE = "resourceRules: [{verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*']}]"


def schema(rule=f"{{{USER}, {RULE}}}", precedence=100, name="x"):
    return SCHEMA.format(rule=rule, precedence=precedence, name=name)


LEVEL = """
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: PriorityLevelConfiguration
spec: {{{}}}
"""
QUEUING = "type: Limited, limited: {{limitResponse: {{type: Queue, queuing: {{{}}}}}}}"


@pytest.mark.parametrize(
    ("made", "texts"),
    [
        (schema(), []),
        (
            schema(precedence=1),
            [
                "spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have "
                "matchingPrecedence 1"
            ],
        ),
        (
            schema(f"{{{RULE}}}"),
            ["spec.rules[0].subjects: Required value: subjects must contain at least one value"],
        ),
        (
            schema(f"{{subjects: [{{kind: User, group: {{name: g}}}}], {RULE}}}"),
            [
                "spec.rules[0].subjects[0].user: Required value: user is required when subject kind is 'User'",
                "spec.rules[0].subjects[0].group: Forbidden: group is forbidden when subject kind is not 'Group'",
            ],
        ),
        (
            schema(f"{{{USER}, nonResourceRules: [{{verbs: [get], nonResourceURLs: ['/a*']}}]}}"),
            [
                'spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "/a*": wildcard can only do '
                "suffix matching"
            ],
        ),
        (LEVEL.format("type: Limited, limited: {limitResponse: {type: Reject}}"), []),
        (LEVEL.format(QUEUING.format("queues: 64, handSize: 8")), []),
        (
            LEVEL.format("type: Exempt"),
            ["spec.type: Invalid value: \"Exempt\": must be 'Exempt' if and only if `name` is 'exempt'"],
        ),
        (
            LEVEL.format(QUEUING.format("queues: 512, handSize: 8")),
            [
                "spec.limited.limitResponse.queuing.handSize: Invalid value: 8: required entropy bits of deckSize 512 "
                "and handSize 8 should not be greater than 60"
            ],
        ),
    ],
)  # fmt: skip
def test_flow_control(rules, made, texts):
    assert rules.create(made) == texts


# -- admission -------------------------------------------------------------------------------------------------

WEBHOOK = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
webhooks:
- {{name: {name}, admissionReviewVersions: [{versions}], sideEffects: {effects}, clientConfig: {{{client}}},
   rules: [{rules}]}}
"""
SOME_RULE = "{operations: [CREATE], apiGroups: [a], apiVersions: [v1], resources: [b]}"
CLIENT = "service: {namespace: ns, name: n}"


def webhook(name="a.b.c", versions="v1", effects="None", client=CLIENT, rules=SOME_RULE):
    return WEBHOOK.format(name=name, versions=versions, effects=effects, client=client, rules=rules)


FORM = "; desired format: https://host[/path]"


@pytest.mark.parametrize(
    ("made", "texts"),
    [
        (webhook(), []),
        (
            webhook(name="a.b"),
            [
                'webhooks[0].name: Invalid value: "a.b": should be a domain with at least three segments separated by '
                "dots"
            ],
        ),
        (
            webhook(versions="v3"),
            [
                'webhooks[0].admissionReviewVersions: Invalid value: ["v3"]: must include at least one of v1, v1beta1'
            ],
        ),
        (
            webhook(effects="Some"),
            ['webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"'],
        ),
        (
            webhook(client=""),
            ["webhooks[0].clientConfig: Required value: exactly one of url or service is required"],
        ),
        (
            webhook(client="url: 'http://u@h/?q#f'"),
            [
                f"webhooks[0].clientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL scheme{FORM}",
                'webhooks[0].clientConfig.url: Invalid value: "u": user information is not permitted in the URL',
                'webhooks[0].clientConfig.url: Invalid value: "f": fragments are not permitted in the URL',
                'webhooks[0].clientConfig.url: Invalid value: "q": query parameters are not permitted in the URL',
            ],
        ),
        (
            webhook(client="service: {namespace: ns, name: n, path: /a//b, port: 0}"),
            [
                "webhooks[0].clientConfig.service.port: Invalid value: 0: port is not valid: must be between 1 and "
                "65535, inclusive",
                'webhooks[0].clientConfig.service.path: Invalid value: "/a//b": segment[1] may not be empty',
            ],
        ),
        (
            webhook(rules="{operations: ['*', CREATE], apiGroups: [a], apiVersions: [''], resources: ['a/*', a/b]}"),
            [
                "webhooks[0].rules[0].operations: Invalid value: [\"*\",\"CREATE\"]: if '*' is present, must not "
                "specify other operations",
                "webhooks[0].rules[0].apiVersions[0]: Required value",
                "webhooks[0].rules[0].resources[1]: Invalid value: \"a/b\": if 'a/*' is present, must not specify a/b",
            ],
        ),
    ],
)  # fmt: skip
def test_webhooks(rules, made, texts):
    assert rules.create(made) == texts


POLICY = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
spec:
  matchConstraints: {{resourceRules: [{rules}]}}
  {spec}
"""
BINDING = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
spec: {{{}}}
"""


@pytest.mark.parametrize(
    ("made", "texts"),
    [
        (POLICY.format(rules=SOME_RULE, spec="validations: [{expression: 'true'}]"), []),
        (
            POLICY.format(rules=SOME_RULE, spec=""),
            [
                f"spec.{field}: Required value: validations or auditAnnotations must contain at least one item"
                for field in ("validations", "auditAnnotations")
            ],
        ),
        (
            POLICY.format(rules="", spec="validations: [{expression: ' '}]"),
            [
                "spec.matchConstraints.resourceRules: Required value",
                "spec.validations[0].expression: Required value: expression is not specified",
            ],
        ),
        (
            POLICY.format(
                rules=SOME_RULE,
                spec="validations: [{expression: 'true'}]\n  variables: [{name: in, expression: object}]",
            ),
            ['spec.variables[0].name: Invalid value: "in": must be a valid CEL identifier'],
        ),
        (BINDING.format("policyName: p, validationActions: [Deny]"), []),
        (
            BINDING.format("policyName: p, validationActions: []"),
            ["spec.validationActions: Required value: at least one validation action is required"],
        ),
        (
            BINDING.format("policyName: p, validationActions: [Deny], paramRef: {parameterNotFoundAction: Deny}"),
            ["spec.paramRef: Required value: one of name or selector must be specified"],
        ),
    ],
)  # fmt: skip
def test_policies(rules, made, texts):
    assert rules.create(made) == texts


def test_annotations_of_a_policy_without_a_name(rules):
    policy = (
        "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: ''}\n"
        "spec: {failurePolicy: '', matchConstraints: {resourceRules: [{apiGroups: [x], apiVersions: [v1], "
        "resources: [xs], operations: [CREATE]}]}, auditAnnotations: [{key: k, valueExpression: \"'a'\"}]}"
    )
    assert [text for text in rules.create(policy) if text.startswith("spec")] == [
        'spec.failurePolicy: Unsupported value: "": supported values: "Fail", "Ignore"',
        'spec.auditAnnotations[0].key: Invalid value: "k": requires metadata.name be non-empty',
    ]


def test_what_becomes_of_a_runtime_class_is_looked_at_too(rules):
    after = RUNTIME_CLASS.format("handler: a.b\nscheduling: {tolerations: [{key: a}, {key: a}]}")
    assert rules.update(RUNTIME_CLASS.format("handler: runc"), after) == [
        'handler: Invalid value: "a.b": must not contain dots',
        "scheduling.tolerations[1]: Duplicate value: "
        '{"Key":"a","Operator":"","Value":"","Effect":"","TolerationSeconds":null}',
        'handler: Invalid value: "a.b": field is immutable',
    ]
