"""Bad input of every other kind, one table; a kind's happy path is the first row that names it."""

import pytest

from kubepy.api import names
from kubepy.api.validation import batch


def make(api_version, kind, rest):
    return f"apiVersion: {api_version}\nkind: {kind}\n{rest}"


JOB_TEMPLATE = "template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}"


def cron(schedule, job=JOB_TEMPLATE):
    return make("batch/v1", "CronJob", f"spec: {{schedule: '{schedule}', jobTemplate: {{spec: {{{job}}}}}}}")


def service(spec):
    return make("v1", "Service", f"spec: {{{spec}}}")


def claim(spec):
    return make("v1", "PersistentVolumeClaim", f"spec: {{{spec}}}")


def ingress_class(spec):
    return make("networking.k8s.io/v1", "IngressClass", f"spec: {{{spec}}}")


def role_binding(rest):
    return make("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", rest)


SUBDOMAIN = names.dns1123_subdomain("-")[0]
RBAC = "rbac.authorization.k8s.io"

CASES = [
    (cron("*/5 0-6 * JAN mon,FRI"), []),
    (cron("@daily"), []),
    (cron("* * *"), ['spec.schedule: Invalid value: "* * *": expected exactly 5 fields, found 3: [* * *]']),
    (
        cron("70 * * * *"),
        ['spec.schedule: Invalid value: "70 * * * *": end of range (70) above maximum (59): 70'],
    ),
    (
        cron("TZ=UTC 0 * * * *"),
        [
            'spec.schedule: Invalid value: "TZ=UTC 0 * * * *": '
            "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        ],
    ),
    (
        cron("@daily", f"{JOB_TEMPLATE}, selector: {{matchExpressions: [], matchLabels: {{a: b}}}}"),
        [
            'spec.jobTemplate.spec.selector: Invalid value: {"matchLabels":{"a":"b"}}: '
            "`selector` will be auto-generated"
        ],
    ),
    (
        cron("0 * * * *", JOB_TEMPLATE.replace("Never", "Always")),
        [
            "spec.jobTemplate.spec.template.spec.restartPolicy: Required value: "
            'valid values: "OnFailure", "Never"'
        ],
    ),
    (
        make("batch/v1", "Job", f"spec: {{{JOB_TEMPLATE}}}"),
        [
            "spec.selector: Required value",
            "spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`",
        ],
    ),
    (service("ports: [{port: 80}]"), []),
    (service("selector: {a: b}"), ["spec.ports: Required value"]),
    (
        service("ports: [{port: 80}, {port: 0, name: A}]"),
        [
            "spec.ports[0].name: Required value",
            'spec.ports[1].name: Invalid value: "A": a lowercase RFC 1123 label must consist of lower case '
            "alphanumeric "
            "characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', "
            "regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
            "spec.ports[1].port: Invalid value: 0: must be between 1 and 65535, inclusive",
            "spec.ports[1].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive",
        ],
    ),
    (service("type: ExternalName"), ["spec.externalName: Required value"]),
    (service("clusterIP: None"), ["spec.clusterIPs: Required value"]),
    (
        service("type: Magic, ports: [{port: 80}]"),
        [
            'spec.type: Unsupported value: "Magic": '
            'supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'
        ],
    ),
    (
        service("ports: [{port: 80, nodePort: 30000}]"),
        ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
    ),
    (
        service("externalIPs: [10.0.0.300, 127.0.0.1], externalTrafficPolicy: Cluster, ports: [{port: 80}]"),
        [
            'spec.externalIPs[0]: Invalid value: "10.0.0.300": must be a valid IP address, '
            "(e.g. 10.9.8.7 or 2001:db8::ffff)",
            'spec.externalIPs[1]: Invalid value: "127.0.0.1": '
            "may not be in the loopback range (127.0.0.0/8, ::1/128)",
        ],
    ),
    (make("v1", "ConfigMap", "data: {a: b}\nbinaryData: {c: Yg==}"), []),
    (
        make("v1", "ConfigMap", "data: {a/b: c, d: e}\nbinaryData: {d: ''}"),
        [
            'data[a/b]: Invalid value: "a/b": a valid config key must consist of alphanumeric '
            "characters, '-', '_' or "
            "'.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
            'data[d]: Invalid value: "d": duplicate of key present in binaryData',
        ],
    ),
    (
        make("v1", "ConfigMap", f"data: {{a: {'x' * (1 << 20)}, b: x}}"),
        [": Too long: may not be more than 1048576 bytes"],
    ),
    (make("v1", "Secret", "data: {a: Yg==}"), []),
    (make("v1", "Secret", "type: kubernetes.io/tls\ndata: {tls.crt: ''}"), ["data[tls.key]: Required value"]),
    (
        make("v1", "Secret", "type: kubernetes.io/basic-auth"),
        ["data[username]: Required value", "data[password]: Required value"],
    ),
    (
        make("v1", "Secret", "type: kubernetes.io/service-account-token"),
        ["metadata.annotations[kubernetes.io/service-account.name]: Required value"],
    ),
    (make("v1", "Node", "spec: {taints: [{key: a, effect: NoSchedule}]}\nstatus: {capacity: {cpu: '4'}}"), []),
    (
        make("v1", "Node", "spec: {taints: [{key: a, effect: Never}]}\nstatus: {capacity: {pods: 1500m}}"),
        [
            'metadata.taints[0].effect: Unsupported value: "Never": '
            'supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
            'status.capacity.pods: Invalid value: "1500m": must be an integer',
            'status.allocatable.pods: Invalid value: "1500m": must be an integer',
        ],
    ),
    (claim("accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}"), []),
    (
        claim("accessModes: [Sometimes]"),
        [
            'spec.accessModes: Unsupported value: "Sometimes": '
            'supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
            "spec.resources[storage]: Required value",
        ],
    ),
    (claim("{}".strip("{}")), ["spec.accessModes: Required value: at least 1 access mode is required",
                               "spec.resources[storage]: Required value"]),
    (
        make("v1", "PersistentVolume", "spec: {accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}}"),
        ["spec: Required value: must specify a volume type"],
    ),
    (make("storage.k8s.io/v1", "StorageClass", "provisioner: ''"), ["provisioner: Required value"]),
    (
        make("networking.k8s.io/v1", "Ingress", "spec: {}"),
        ["spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"],
    ),
    (
        make(
            "networking.k8s.io/v1",
            "Ingress",
            "spec: {rules: [{host: 1.2.3.4, http: {paths: "
            "[{path: a, pathType: Exact, backend: {service: {name: x}}}]}}]}",
        ),
        [
            'spec.rules[0].host: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
            'spec.rules[0].http.paths[0].path: Invalid value: "a": must be an absolute path',
            "spec.rules[0].http.paths[0].backend: Required value: port name or number is required",
        ],
    ),
    (
        make(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            "spec: {podSelector: {}, ingress: [{from: [{}, {ipBlock: {cidr: 10.0.0.1/8}}], ports: [{endPort: 5}]}]}",
        ),
        [
            "spec.ingress[0].ports[0].endPort: Invalid value: 5: may not be specified when `port` is not specified",
            "spec.ingress[0].from[0]: Required value: must specify a peer",
            'spec.ingress[0].from[1].ipBlock.cidr: Invalid value: "10.0.0.1/8": '
            "must not have bits set beyond the prefix length",
        ],
    ),
    (
        make(
            "discovery.k8s.io/v1",
            "EndpointSlice",
            "addressType: IPv4\nendpoints: [{addresses: ['::2']}, {addresses: []}]",
        ),
        [
            'endpoints[0].addresses: Invalid value: "::2": must be an IPv4 address',
            "endpoints[1].addresses: Required value: must contain at least 1 address",
        ],
    ),
    (make(f"{RBAC}/v1", "Role", "rules: [{verbs: [get], apiGroups: [''], resources: [pods]}]"), []),
    (
        make(f"{RBAC}/v1", "Role", "metadata: {name: 'a/b'}\nrules: [{}]"),
        [
            "metadata.name: Invalid value: \"a/b\": may not contain '/'",
            "rules[0].verbs: Required value: verbs must contain at least one value",
            "rules[0].apiGroups: Required value: resource rules must supply at least one api group",
            "rules[0].resources: Required value: resource rules must supply at least one resource",
        ],
    ),
    (
        role_binding(
            f"roleRef: {{apiGroup: {RBAC}, kind: Role, name: x}}\nsubjects: [{{kind: ServiceAccount, name: y}}]"
        ),
        [
            'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
            "subjects[0].namespace: Required value",
        ],
    ),
    (
        make("policy/v1", "PodDisruptionBudget", "spec: {minAvailable: -1}"),
        ["spec.minAvailable: Invalid value: -1: must be greater than or equal to 0"],
    ),
    (
        make(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            "spec: {minReplicas: 3, maxReplicas: 2, scaleTargetRef: {apiVersion: a/v1, kind: D}}",
        ),
        [
            "spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`",
            "spec.scaleTargetRef.name: Required value",
        ],
    ),
    (
        ingress_class("controller: A.b/c d, parameters: {apiGroup: '', kind: a/b}"),
        [
            'spec.controller: Invalid value: "A.b": ' + SUBDOMAIN,
            'spec.controller: Invalid value: "c d": Invalid path (regex used for validation is '
            "'[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')",
            'spec.parameters.apiGroup: Invalid value: "": ' + SUBDOMAIN,
            "spec.parameters.kind: Invalid value: \"a/b\": may not contain '/'",
            "spec.parameters.name: Required value",
        ],
    ),
    (
        ingress_class("controller: a.b/c, parameters: {kind: K, name: n, namespace: x}"),
        ["spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"],
    ),
    (
        ingress_class("controller: a.b/c, parameters: {kind: K, name: n, scope: Namespace}"),
        ["spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"],
    ),
    (
        make(
            "networking.k8s.io/v1", "Ingress",
            "spec: {ingressClassName: '', defaultBackend: {resource: {apiGroup: A, kind: K, name: a/b}}}",
        ),
        [
            'spec.defaultBackend.resource.apiGroup: Invalid value: "A": ' + SUBDOMAIN,
            "spec.defaultBackend.resource.name: Invalid value: \"a/b\": may not contain '/'",
            'spec.ingressClassName: Invalid value: "": ' + SUBDOMAIN,
        ],
    ),
    (make("storage.k8s.io/v1", "StorageClass", "provisioner: a/b\nreclaimPolicy: ''"), []),
    (
        make(
            "storage.k8s.io/v1", "StorageClass",
            "provisioner: a/b\nvolumeBindingMode: ''\n"
            "allowedTopologies: [{matchLabelExpressions: [{key: a, values: [b, b]}, {key: a}]}, {}]",
        ),
        [
            'volumeBindingMode: Unsupported value: "": supported values: "Immediate", "WaitForFirstConsumer"',
            'allowedTopologies[0].matchLabelExpressions[0].values[1]: Duplicate value: "b"',
            "allowedTopologies[0].matchLabelExpressions[1].values: Required value",
            'allowedTopologies[0].matchLabelExpressions[1].key: Duplicate value: "a"',
            *['allowedTopologies[1].matchLabelExpressions: Duplicate value: ""'] * 2,
        ],
    ),
    (
        make("scheduling.k8s.io/v1", "PriorityClass", "value: 2000000000"),
        ["value: Forbidden: maximum allowed value of a user defined priority is 1000000000"],
    ),
    (
        make("scheduling.k8s.io/v1", "PriorityClass", "metadata: {name: system-x}\nvalue: 1"),
        [
            "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. "
            "error: system-x is not a known system priority class"
        ],
    ),
    (
        make("coordination.k8s.io/v1", "Lease", "spec: {leaseDurationSeconds: 0, leaseTransitions: -1}"),
        [
            "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
            "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0",
        ],
    ),
    (
        make("v1", "Event", "involvedObject: {kind: Pod, namespace: other}"),
        ['involvedObject.namespace: Invalid value: "other": does not match event.namespace'],
    ),
    (
        make("events.k8s.io/v1", "Event", "regarding: {namespace: default}\ntype: Normal"),
        ["eventTime: Required value"],
    ),
    (
        make("v1", "Endpoints", "subsets: [{ports: [{port: 80}]}]"),
        ["subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"],
    ),
    (
        make("v1", "LimitRange", "spec: {limits: [{type: Pod, min: {cpu: '2'}, max: {cpu: '1'}}]}"),
        ['spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1'],
    ),
    (make("v1", "ResourceQuota", "spec: {hard: {pods: '1', requests.cpu: '2', count/jobs.batch: '3'}}"), []),
    (
        make("v1", "ResourceQuota", "spec: {hard: {requests.storage: 1Gi}, scopes: [NotTerminating, x]}"),
        [
            'spec.scopes: Invalid value: ["NotTerminating","x"]: unsupported scope applied to resource',
            'spec.scopes: Invalid value: ["NotTerminating","x"]: unsupported scope',
        ],
    ),
    (
        make(
            "v1", "ResourceQuota", "spec: {scopeSelector: {matchExpressions: [{scopeName: BestEffort, operator: In}]}}"
        ),
        [
            "spec.scopeSelector.matchExpressions.operator: Invalid value: \"In\": must be 'Exists' when scope is any "
            "of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, "
            "ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
            "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is "
            "'In' or 'NotIn' for scope selector",
        ],
    ),
    (
        make("v1", "LimitRange", "spec: {limits: [{type: UPPER}, {type: PersistentVolumeClaim}]}"),
        [
            'spec.limits[0].type: Invalid value: "UPPER": must be a standard limit type or fully qualified',
            "spec.limits[1].limits: Required value: either minimum or maximum storage value is required, but neither "
            "was provided",
        ],
    ),
    (
        make(
            "v1",
            "LimitRange",
            "spec: {limits: [{type: Container, min: {cpu: 1}, max: {cpu: 2}, maxLimitRequestRatio: {cpu: 3}}]}",
        ),
        [
            'spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "3": ratio 3 is greater than max/min = 2.000000'
        ],
    ),
    (
        make(
            "v1",
            "LimitRange",
            "spec: {limits: [{type: Container, min: {cpu: 1}, max: {cpu: 1e400}, maxLimitRequestRatio: {cpu: 1e400}}]}",
        ),
        [],
    ),
    (
        make("v1", "Node", "spec: {podCIDRs: [10.0.0.0/24, x]}"),
        [
            'spec.podCIDRs[1]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
            "spec.podCIDRs: Internal error: invalid PodCIDRs. failed to check with dual stack with error:"
            "invalid CIDR[1]: <nil> (invalid CIDR address: x)",
            'spec.podCIDRs: Invalid value: ["10.0.0.0/24","x"]: may specify no more than one CIDR for each IP family',
        ],
    ),
    (
        make("v1", "Secret", "type: kubernetes.io/dockercfg\ndata: {.dockercfg: ''}"),
        ['data[.dockercfg]: Invalid value: "<secret contents redacted>": unexpected end of JSON input'],
    ),
    (
        make(
            "batch/v1",
            "CronJob",
            f"spec: {{schedule: '* * * * *', timeZone: Mars/Base, jobTemplate: {{spec: {{{JOB_TEMPLATE}}}}}}}",
        ),
        ['spec.timeZone: Invalid value: "Mars/Base": unknown time zone Mars/Base'],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("made", "texts"), CASES)
def test_on_create(rules, made, texts):
    assert rules.create(made) == texts


@pytest.mark.parametrize(
    ("old", "new", "texts"),
    [
        (
            make("v1", "ConfigMap", "immutable: true\ndata: {a: b}"),
            make("v1", "ConfigMap", "data: {a: c}"),
            [
                "immutable: Forbidden: field is immutable when `immutable` is set",
                "data: Forbidden: field is immutable when `immutable` is set",
            ],
        ),
        (
            make("v1", "Secret", "type: Opaque"),
            make("v1", "Secret", "type: a/b"),
            ['type: Invalid value: "a/b": field is immutable'],
        ),
        (
            make("v1", "Node", "spec: {podCIDRs: [10.0.0.0/24], podCIDR: 10.0.0.0/24}"),
            make("v1", "Node", "spec: {podCIDRs: [10.0.1.0/24], podCIDR: 10.0.1.0/24}"),
            ['spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid'],
        ),
        (
            service("clusterIP: 10.0.0.1, clusterIPs: [10.0.0.1], ports: [{port: 80}]"),
            service("clusterIP: 10.0.0.2, clusterIPs: [10.0.0.2], ports: [{port: 80}]"),
            ['spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set'],
        ),
        (
            role_binding(f"roleRef: {{apiGroup: {RBAC}, kind: ClusterRole, name: x}}"),
            role_binding(f"roleRef: {{apiGroup: {RBAC}, kind: ClusterRole, name: y}}"),
            [
                f'roleRef: Invalid value: {{"APIGroup":"{RBAC}","Kind":"ClusterRole","Name":"y"}}: '
                "cannot change roleRef"
            ],
        ),
        (
            make("scheduling.k8s.io/v1", "PriorityClass", "value: 1"),
            make("scheduling.k8s.io/v1", "PriorityClass", "value: 2"),
            ["value: Forbidden: may not be changed in an update."],
        ),
        (
            make("storage.k8s.io/v1", "StorageClass", "provisioner: a.b/c"),
            make("storage.k8s.io/v1", "StorageClass", "provisioner: a.b/d"),
            ['provisioner: Invalid value: "a.b/d": field is immutable'],
        ),
        (
            make("events.k8s.io/v1", "Event", "regarding: {namespace: default}\nreason: a"),
            make("events.k8s.io/v1", "Event", "regarding: {namespace: default}\nreason: b"),
            ['reason: Invalid value: "b": field is immutable'] * 2,  # upstream compares it twice
        ),
    ],
)
def test_on_update(rules, old, new, texts):
    assert rules.update(old, new) == texts


def test_claims_grow_only_when_they_are_bound(rules):
    def sized(size, phase):
        spec = f"accessModes: [ReadWriteOnce], volumeName: v, resources: {{requests: {{storage: {size}}}}}"
        return claim(spec) + f"\nstatus: {{phase: {phase}, capacity: {{storage: 2Gi}}}}"

    assert rules.update(sized("2Gi", "Bound"), sized("3Gi", "Bound")) == []
    (text,) = rules.update(sized("2Gi", "Pending"), sized("3Gi", "Pending"))
    assert text.startswith("spec: Forbidden: spec is immutable after creation except resources.requests and")
    assert rules.update(sized("3Gi", "Bound"), sized("1Gi", "Bound")) == [
        "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"
    ]


def test_a_namespaces_phase_follows_its_deletion(rules):
    namespace = make("v1", "Namespace", "status: {phase: %s}")
    assert rules.update(namespace % "Active", namespace % "Active", "status") == []
    assert rules.update(namespace % "Active", namespace % "Terminating", "status") == [
        "status.Phase: Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty"
    ]


@pytest.mark.parametrize(
    ("schedule", "why"),
    [
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("1/2/3 * * * *", "too many slashes: 1/2/3"),
        ("x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'),
        ("@never", "unrecognized descriptor: @never"),
        ("@every 1h30m", ""),
        ("0 0 1 jan sun", ""),
    ],
)
def test_schedules(schedule, why):
    assert batch.schedule_error(schedule) == why


def test_an_update_of_an_address_is_looked_at_whole(rules):
    address = "apiVersion: networking.k8s.io/v1\nkind: IPAddress\nmetadata: {name: 10.0.0.1}\n"
    fields = [
        text.partition(": ")[0]
        for text in rules.update(
            address + "spec: {parentRef: {resource: services, name: a}}",
            address + "spec: {parentRef: {name: a/b}}",
        )
    ]
    assert sorted(fields) == ["spec.parentRef", "spec.parentRef.name", "spec.parentRef.resource"]
