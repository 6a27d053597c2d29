import pytest

from kubepy.api import validation

CONTAINER = "{name: c, image: i}"


def pod(spec="", containers=f"[{CONTAINER}]", metadata=""):
    return f"""
apiVersion: v1
kind: Pod
metadata: {{{metadata}}}
spec:
  containers: {containers}
{spec}"""


def one(fields):
    """A pod with one container that has these fields more."""
    return pod(containers=f"[{{name: c, image: i, {fields}}}]")


def test_a_plain_pod_is_fine(rules):
    assert rules.create(pod()) == []


# Source of texts: kubernetes pkg/apis/core/validation/validation_test.go TestValidatePod, TestValidateContainers, ...
@pytest.mark.parametrize(
    ("made", "texts"),
    [
        (pod(containers="[]"), ["spec.containers: Required value"]),
        (
            pod(containers="[{}]"),
            ["spec.containers[0].name: Required value", "spec.containers[0].image: Required value"],
        ),
        (
            pod(containers=f"[{CONTAINER}, {CONTAINER}]"),
            ['spec.containers[1].name: Duplicate value: "c"'],
        ),
        (
            pod(containers="[{name: c, image: ' i'}]"),
            ['spec.containers[0].image: Invalid value: " i": must not have leading or trailing whitespace'],
        ),
        (
            one("imagePullPolicy: Maybe"),
            [
                'spec.containers[0].imagePullPolicy: Unsupported value: "Maybe": '
                'supported values: "Always", "IfNotPresent", "Never"'
            ],
        ),
        (
            one("ports: [{containerPort: 0}, {containerPort: 70000, name: '1', protocol: ICMP}]"),
            [
                "spec.containers[0].ports[0].containerPort: Required value",
                'spec.containers[0].ports[1].name: Invalid value: "1": must contain at least one letter (a-z)',
                "spec.containers[0].ports[1].containerPort: Invalid value: 70000: "
                "must be between 1 and 65535, inclusive",
                'spec.containers[0].ports[1].protocol: Unsupported value: "ICMP": '
                'supported values: "SCTP", "TCP", "UDP"',
            ],
        ),
        (
            one("ports: [{containerPort: 1, hostPort: 8}, {containerPort: 2, hostPort: 8}]"),
            ['spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//8"'],
        ),
        (
            one("env: [{name: ''}, {name: 'a=b'}, {name: A, valueFrom: {}}]"),
            [
                "spec.containers[0].env[0].name: Required value",
                'spec.containers[0].env[1].name: Invalid value: "a=b": a valid environment variable name must consist '
                "only of printable ASCII characters other than '='",
                'spec.containers[0].env[2].valueFrom: Invalid value: "": must specify one of: '
                "`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
            ],
        ),
        (
            one("env: [{name: A, valueFrom: {fieldRef: {fieldPath: spec.x}}}]"),
            [
                'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.x": '
                "error converting fieldPath: field label not supported: spec.x"
            ],
        ),
        (one("env: [{name: A, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['a/b']\"}}}]"), []),
        (
            one("resources: {requests: {cpu: '2', memory: 1Gi}, limits: {cpu: '1'}}"),
            ['spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
        ),
        (
            one("resources: {limits: {example.com/gpu: '1'}, requests: {example.com/gpu: '2'}}"),
            [
                'spec.containers[0].resources.requests: Invalid value: "2": '
                "must be equal to example.com/gpu limit of 1"
            ],
        ),
        (
            pod("  shareProcessNamespace: true\n  hostPID: true"),
            [
                "spec.securityContext.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID "
                "cannot both be enabled"
            ],
        ),
        (
            pod("  hostnameOverride: Big\n  setHostnameAsFQDN: true"),
            [
                "spec.hostnameOverride: Forbidden: may not be specified when setHostnameAsFQDN is true",
                'spec.hostnameOverride: Invalid value: "Big": a lowercase RFC 1123 subdomain must consist of lower '
                "case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. "
                "'example.com', regex used for validation is "
                "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
            ],
        ),
        (
            pod("  resources: {limits: {example.com/gpu: '1'}, requests: {example.com/gpu: '1'}}"),
            [
                f'spec.resources.{side}[example.com/gpu]: Unsupported value: "example.com/gpu": supported values: '
                '"cpu", "hugepages-", "memory"'
                for side in ("limits", "requests")
            ],
        ),
        (
            one("resources: {claims: [{name: gpu}]}"),
            [
                'spec.containers[0].resources.claims[0]: Not found: "gpu": must be one of the names in '
                "pod.spec.resourceClaims which is empty"
            ],
        ),
        (
            one("env: [{name: E, valueFrom: {fileKeyRef: {volumeName: v, path: p, key: k}}}]"),
            ['spec.containers[0].env[0].valueFrom.fileKeyRef.volumeName: Not found: "v"'],
        ),
        (
            one("resources: {limits: {pods: '1'}}"),
            [
                'spec.containers[0].resources.limits[pods]: Invalid value: "pods": '
                "must be a standard resource for containers",
                'spec.containers[0].resources.requests[pods]: Invalid value: "pods": '
                "must be a standard resource for containers",
            ],
        ),
        (
            one("resources: {requests: {cpu: '-1'}}"),
            [
                'spec.containers[0].resources.requests[cpu]: Invalid value: "-1": '
                "must be greater than or equal to 0"
            ],
        ),
        (
            one("livenessProbe: {successThreshold: 2}"),
            [
                "spec.containers[0].livenessProbe: Required value: must specify a handler type",
                "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1",
            ],
        ),
        (
            one("readinessProbe: {httpGet: {path: /, port: 0}, tcpSocket: {port: 1}, periodSeconds: -1}"),
            [
                "spec.containers[0].readinessProbe.httpGet.port: Invalid value: 0: "
                "must be between 1 and 65535, inclusive",
                "spec.containers[0].readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
                "spec.containers[0].readinessProbe.periodSeconds: Invalid value: -1: "
                "must be greater than or equal to 0",
            ],
        ),
        (
            one("volumeMounts: [{name: v, mountPath: /a}]"),
            ['spec.containers[0].volumeMounts[0].name: Not found: "v"'],
        ),
        (
            pod(
                "  volumes: [{name: v, emptyDir: {}}, {name: v, emptyDir: {}}]",
                "[{name: c, image: i, volumeMounts: [{name: v, mountPath: /a}, {name: v, mountPath: /a}]}]",
            ),
            [
                'spec.volumes[1].name: Duplicate value: "v"',
                'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/a": must be unique',
            ],
        ),
        (
            pod(
                "  volumes: [{name: A, hostPath: {path: /x/../y}}, {name: b, secret: {}, emptyDir: {}}, "
                "{name: d, nfs: {}}]"
            ),
            [
                "spec.volumes[0].hostPath.path: Invalid value: \"/x/../y\": must not contain '..'",
                'spec.volumes[0].name: Invalid value: "A": a lowercase RFC 1123 label must consist of lower case '
                "alphanumeric characters or '-', and must start and end with an alphanumeric character "
                "(e.g. 'my-name', "
                " or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
                "spec.volumes[1].secret: Forbidden: may not specify more than 1 volume type",
                "spec.volumes[2].nfs.server: Required value",
                "spec.volumes[2].nfs.path: Required value",
                'spec.volumes[2].nfs.path: Invalid value: "": must be an absolute path',
            ],
        ),
        (
            pod("  volumes: [{name: v, image: {pullPolicy: Sometimes}}]"),
            [
                "spec.volumes[0].image.reference: Required value",
                'spec.volumes[0].image.pullPolicy: Unsupported value: "Sometimes": '
                'supported values: "Always", "IfNotPresent", "Never"',
            ],
        ),
        (
            pod("  securityContext: {seLinuxChangePolicy: Both}"),
            [
                'spec.securityContext.seLinuxChangePolicy: Unsupported value: "Both": '
                'supported values: "MountOption", "Recursive"'
            ],
        ),
        (pod("  securityContext: {seLinuxChangePolicy: MountOption}"), []),
        (pod("  restartPolicy: Once"), [
            'spec.restartPolicy: Unsupported value: "Once": supported values: "Always", "OnFailure", "Never"'
        ]),
        (pod("  nodeName: N_1"), None),
        (pod("  activeDeadlineSeconds: -5"), [
            "spec.activeDeadlineSeconds: Invalid value: -5: must be between 1 and 2147483647, inclusive"
        ]),
        (
            pod("  tolerations: [{operator: Equal, value: x}, {key: a, operator: Exists, value: x}]"),
            [
                'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, '
                'which means \\"match all values and all keys\\"'.replace('\\"', '"'),
                "spec.tolerations[1].operator: Invalid value: \"x\": value must be empty when `operator` is 'Exists'",
            ],
        ),
        (
            pod("  tolerations: [{key: a, effect: Later, tolerationSeconds: 3}]"),
            [
                "spec.tolerations[0].effect: Invalid value: \"Later\": "
                "effect must be 'NoExecute' when `tolerationSeconds` is set",
                'spec.tolerations[0].effect: Unsupported value: "Later": '
                'supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
            ],
        ),
        (
            pod(
                "  affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
                "{nodeSelectorTerms: []}}}"
            ),
            [
                "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: "
                "Required value: must have at least one node selector term"
            ],
        ),
        (
            pod("  topologySpreadConstraints: [{maxSkew: 0, topologyKey: '', whenUnsatisfiable: Maybe}]"),
            [
                "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero",
                "spec.topologySpreadConstraints[0].topologyKey: Required value: can not be empty",
                'spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "Maybe": '
                'supported values: "DoNotSchedule", "ScheduleAnyway"',
            ],
        ),
        (
            pod("  initContainers: [{name: c, image: i}, {name: d, image: i, livenessProbe: {exec: {command: [x]}}}]"),
            [
                'spec.initContainers[0].name: Duplicate value: "c"',
                "spec.initContainers[1].livenessProbe: Forbidden: "
                "may not be set for init containers without restartPolicy=Always",
            ],
        ),
        (
            pod(
                "  initContainers: [{name: d, image: i, restartPolicy: Always, "
                "livenessProbe: {exec: {command: [x]}}}]"
            ),
            [],
        ),
        (
            pod("  dnsPolicy: None"),
            ["spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"],
        ),
        (
            pod("  securityContext: {runAsUser: -1}"),
            ["spec.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive"],
        ),
        (
            pod("  nodeName: n\n  schedulingGates: [{name: a/b}]"),
            ["spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared"],
        ),
        (
            pod("  ephemeralContainers: [{name: e, image: i}]"),
            ["spec.ephemeralContainers: Forbidden: cannot be set on create"],
        ),
        (
            pod(metadata="annotations: {controller.kubernetes.io/pod-deletion-cost: '+1'}"),
            [
                "metadata.annotations[controller.kubernetes.io/pod-deletion-cost]: "
                'Invalid value: "+1": must be a 32bit integer'
            ],
        ),
    ],
)  # fmt: skip
def test_on_create(rules, made, texts):
    found = rules.create(made)
    if texts is None:
        assert found and found[0].startswith("spec.nodeName: Invalid value")
        return
    assert found == texts


GATED = "  schedulingGates: [{name: a/b}]\n  nodeSelector: {a: b}"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (pod(), pod(containers="[{name: c, image: j, imagePullPolicy: Always}]")),
        (pod(), pod("  tolerations: [{key: a, operator: Exists}]")),
        (pod("  activeDeadlineSeconds: 9"), pod("  activeDeadlineSeconds: 5")),
        (pod("  schedulingGates: [{name: a/b}]"), pod()),
        (pod(GATED), pod(GATED.replace("{a: b}", "{a: b, c: d}"))),
        (pod(), pod(metadata="labels: {a: b}")),
    ],
)
def test_what_an_update_may_change(rules, old, new):
    if "image: j" in new:
        old = pod(containers="[{name: c, image: i, imagePullPolicy: Always}]")
    assert rules.update(old, new) == []


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (
            pod(),
            pod(containers=f"[{CONTAINER}, {{name: d, image: i}}]"),
            "spec.containers: Forbidden: pod updates may not add or remove containers",
        ),
        (
            pod("  tolerations: [{key: a, operator: Exists}]"),
            pod(),
            "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds",
        ),
        (
            pod("  activeDeadlineSeconds: 5"),
            pod("  activeDeadlineSeconds: 9"),
            "spec.activeDeadlineSeconds: Invalid value: 9: must be less than or equal to previous value",
        ),
        (
            pod(),
            pod("  schedulingGates: [{name: a/b}]"),
            "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'a/b'",
        ),
        (
            pod(GATED),
            pod(GATED.replace("a: b}", "a: c}")),
            'spec.nodeSelector: Invalid value: {"a":"c"}: '
            "only additions to spec.nodeSelector are allowed (no mutations or deletions)",
        ),
    ],
)
def test_what_an_update_may_not_change(rules, old, new, text):
    assert rules.update(old, new) == [text]


def test_other_changes_are_shown_as_a_diff(rules):
    (text,) = rules.update(pod("  nodeName: a"), pod("  nodeName: b"))
    first, *lines = text.split("\n")
    assert first == (
        "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
        "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
        "`spec.tolerations` (only additions to existing tolerations),"
        "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
    )
    # Go's internal form, without the names of files.
    assert lines[0].startswith("@@ ")
    assert '- "NodeName": "a",' in lines and '+ "NodeName": "b",' in lines
    assert lines[-1] == "" and not any(line.startswith(("---", "+++")) for line in lines)


ENDED = "{containerStatuses: [{name: c, state: {terminated: {exitCode: %d}}}]}"
RUNNING = "{containerStatuses: [{name: c, state: {running: {}}}]}"


@pytest.mark.parametrize(
    ("policy", "exit_code", "texts"),
    [
        ("Always", 0, []),
        ("OnFailure", 1, []),
        (
            "OnFailure",
            0,
            ["status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state"],
        ),
        (
            "Never",
            1,
            ["status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state"],
        ),
    ],
)
def test_what_ended_for_good_stays_ended(rules, policy, exit_code, texts):
    spec = pod(f"  restartPolicy: {policy}")
    assert (
        rules.update(f"{spec}\nstatus: {ENDED % exit_code}", f"{spec}\nstatus: {RUNNING}", "status") == texts
    )


def test_status_rules(rules):
    assert (
        rules.update(pod(), f"{pod()}\nstatus: {{conditions: [{{type: Ready, status: 'True'}}]}}", "status")
        == []
    )
    (text,) = rules.update(
        pod(), f"{pod()}\nstatus: {{conditions: [{{type: 'a b', status: 'True'}}]}}", "status"
    )
    assert text.startswith('status.conditions[0].Type: Invalid value: "a b": name part must')
    bound = pod("  nodeName: n")
    assert rules.update(bound, f"{bound}\nstatus: {{nominatedNodeName: m}}", "status") == [
        "status.nominatedNodeName: Forbidden: may not be set on pods that are already bound to a node"
    ]


def test_ephemeral_containers_only_grow(rules):
    old = pod("  ephemeralContainers: [{name: e, image: i}]")
    new = pod("  ephemeralContainers: [{name: e, image: i}, {name: f, image: i, targetContainerName: c}]")
    assert rules.update(pod(), old, "ephemeralcontainers") == []
    assert rules.update(old, new, "ephemeralcontainers") == []
    assert rules.update(old, pod(), "ephemeralcontainers") == [
        'spec.ephemeralContainers: Forbidden: existing ephemeral containers "e" may not be removed\n'
    ]


def test_what_an_ephemeral_container_may_not_have(rules):
    volumes = "  volumes: [{name: v, emptyDir: {}}]\n"
    mounts = "volumeMounts: [{name: v, mountPath: /a, subPath: b}]"
    fields = f"lifecycle: {{}}, resources: {{}}, restartPolicy: Never, {mounts}"
    new = pod(f"{volumes}  ephemeralContainers: [{{name: e, image: i, {fields}}}]")
    found = rules.update(pod(volumes), new, "ephemeralcontainers")
    assert found == [
        f"spec.ephemeralContainers[0].{field}: Forbidden: cannot be set for an Ephemeral Container"
        for field in ("restartPolicy", "lifecycle", "volumeMounts[0].subPath")
    ]


def test_bindings_and_scales():
    assert validation.validate_binding({"target": {"kind": "Node", "name": "n"}}) == []
    assert [str(f) for f in validation.validate_binding({"target": {"kind": "Host"}})] == [
        'target.kind: Unsupported value: "Host": supported values: "Node", "<empty>"',
        "target.name: Required value",
    ]
    assert [str(f) for f in validation.validate_scale({"spec": {"replicas": -1}})] == [
        "spec.replicas: Invalid value: -1: must be greater than or equal to 0"
    ]


@pytest.mark.parametrize(
    ("status", "texts"),
    [
        (
            "{observedGeneration: -1}",
            ["status.observedGeneration: Invalid value: -1: must be a non-negative integer"],
        ),
        (
            "{resourceClaimStatuses: [{name: a}, {name: a}]}",
            [
                'status.resourceClaimStatuses[0].name: Invalid value: "a": must match the name of an entry in '
                "`spec.resourceClaims`",
                'status.resourceClaimStatuses[1].name: Invalid value: "a": must match the name of an entry in '
                "`spec.resourceClaims`",
                'status.resourceClaimStatuses[1].name: Duplicate value: "a"',
            ],
        ),
        (
            "{podIPs: [{ip: 10.0.0.1}, {ip: 10.0.0.2}]}",
            [
                'status.podIPs: Invalid value: [{"IP":"10.0.0.1"},{"IP":"10.0.0.2"}]: may specify no more than one IP '
                "for each IP family"
            ],
        ),
        (
            "{hostIPs: [{ip: 10.0.0.1}]}",
            ['status.hostIPs[0].ip: Invalid value: "10.0.0.1": must be equal to `hostIP`'],
        ),
        (
            "{containerStatuses: [{name: c, user: {linux: {uid: -1, gid: 0}}}]}",
            [
                "status.containerStatuses[0].user.linux.uid: Invalid value: -1: must be between 0 and 2147483647, "
                "inclusive"
            ],
        ),
    ],
)
def test_what_a_status_may_say(rules, status, texts):
    qos = "qosClass: BestEffort, "
    old, new = (f"{pod('')}\nstatus: {{{qos}{rest}" for rest in ("}", status[1:]))
    assert rules.update(old, new, "status") == texts


def test_images_are_looked_at_again_on_update(rules):
    text = 'spec.containers[0].image: Invalid value: " x:1": must not have leading or trailing whitespace'
    before, after = (pod(containers=f'[{{name: c, image: "{image}:1"}}]') for image in ("x", " x"))
    assert rules.update(before, after) == [text, text]


def test_a_gated_pod_only_asks_for_more(rules):
    def gated(terms):
        selector = f"requiredDuringSchedulingIgnoredDuringExecution: {{nodeSelectorTerms: [{terms}]}}"
        return pod(f"  schedulingGates: [{{name: a/b}}]\n  affinity: {{nodeAffinity: {{{selector}}}}}")

    a, b = (f"{{key: {key}, operator: Exists}}" for key in "ab")
    path = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
    assert (
        rules.update(gated(f"{{matchExpressions: [{a}]}}"), gated(f"{{matchExpressions: [{a}, {b}]}}")) == []
    )
    (text,) = rules.update(gated(f"{{matchExpressions: [{a}]}}"), gated(f"{{matchExpressions: [{b}]}}"))
    assert text == (
        f'{path}[0]: Invalid value: {{"MatchExpressions":[{{"Key":"b","Operator":"Exists","Values":null}}],'
        '"MatchFields":null}: only additions are allowed (no mutations or deletions)'
    )
