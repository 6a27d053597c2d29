import pytest

SELECTOR = "selector: {matchLabels: {app: web}}"
TEMPLATE = "template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: i}]}}"
OTHER = TEMPLATE.replace("app: web", "app: x")
NO_MATCH = (
    'spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`'
)


def make(kind, *spec, status="{}"):
    return f"apiVersion: apps/v1\nkind: {kind}\nspec: {{{', '.join(spec)}}}\nstatus: {status}"


def rc(*spec):
    return f"apiVersion: v1\nkind: ReplicationController\nspec: {{{', '.join(spec)}}}"


@pytest.mark.parametrize(
    ("made", "texts"),
    [
        (make("Deployment", SELECTOR, TEMPLATE), []),
        (
            make(
                "Deployment",
                SELECTOR,
                TEMPLATE.replace(
                    "spec: {", "spec: {volumes: [{name: v, image: {}}, {name: w, image: {pullPolicy: x}}], "
                ),
            ),
            [
                "spec.template.spec.volumes[0].image.reference: Required value",
                "spec.template.spec.volumes[1].image.reference: Required value",
                'spec.template.spec.volumes[1].image.pullPolicy: Unsupported value: "x": '
                'supported values: "Always", "IfNotPresent", "Never"',
            ],
        ),
        (
            make("Deployment", TEMPLATE),
            ["spec.selector: Required value", NO_MATCH.replace('"x"', '"web"')],
        ),
        (make("Deployment", SELECTOR, OTHER), [NO_MATCH]),
        (
            make("Deployment", "selector: {}", TEMPLATE),
            ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"],
        ),
        (
            make("Deployment", SELECTOR, TEMPLATE, "replicas: -1"),
            ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"],
        ),
        (
            make(
                "Deployment", SELECTOR, TEMPLATE, "strategy: {type: Recreate, rollingUpdate: {maxSurge: 1}}"
            ),
            [
                "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
            ],
        ),
        (
            make(
                "Deployment",
                SELECTOR,
                TEMPLATE,
                "strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 0, maxUnavailable: 0}}",
            ),
            [
                "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: "
                "may not be 0 when `maxSurge` is 0"
            ],
        ),
        (
            make(
                "Deployment",
                SELECTOR,
                TEMPLATE,
                "strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: x, maxUnavailable: 101%}}",
            ),
            [
                'spec.strategy.rollingUpdate.maxSurge: Invalid value: "x": a valid percent string must be a numeric '
                "string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
                'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
            ],
        ),
        (
            make("Deployment", SELECTOR, TEMPLATE, "progressDeadlineSeconds: 5", "minReadySeconds: 5"),
            ["spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds"],
        ),
        (
            make("Deployment", SELECTOR, TEMPLATE.replace("spec: {", "spec: {restartPolicy: Never, ")),
            ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
        ),
        (make("ReplicaSet", SELECTOR, OTHER), [NO_MATCH]),
        (make("StatefulSet", SELECTOR, TEMPLATE, "serviceName: x"), []),
        (make("StatefulSet", SELECTOR, OTHER, "serviceName: x"), [NO_MATCH]),
        (
            make("StatefulSet", SELECTOR, TEMPLATE, "podManagementPolicy: Wild"),
            ["spec.podManagementPolicy: Invalid value: \"Wild\": must be 'OrderedReady' or 'Parallel'"],
        ),
        (
            make(
                "StatefulSet",
                SELECTOR,
                TEMPLATE.replace("image: i", "image: i, volumeMounts: [{name: d, mountPath: /d}]"),
                "volumeClaimTemplates: [{metadata: {name: d}, spec: {accessModes: [ReadWriteOnce]}}]",
            ),
            ["spec.volumeClaimTemplates[0].spec.resources[storage]: Required value"],
        ),
        (make("DaemonSet", SELECTOR, OTHER), [NO_MATCH]),
        (
            make(
                "DaemonSet",
                SELECTOR,
                TEMPLATE,
                "updateStrategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 1}}",
            ),
            [
                "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: "
                "may not be set when maxUnavailable is non-zero"
            ],
        ),
        (rc(TEMPLATE), []),
        (rc("replicas: 1"), ["spec.selector: Required value", "spec.template: Required value"]),
    ],
)
def test_on_create(rules, made, texts):
    assert rules.create(made) == texts


def test_the_selector_is_immutable(rules):
    wider = "selector: {matchExpressions: [{key: app, operator: Exists}]}"
    for kind in ("Deployment", "ReplicaSet", "DaemonSet"):
        (text,) = rules.update(make(kind, SELECTOR, TEMPLATE), make(kind, wider, TEMPLATE))
        assert text == (
            'spec.selector: Invalid value: {"matchExpressions":[{"key":"app","operator":"Exists"}]}: field is immutable'
        )


def test_most_of_a_stateful_set_is_immutable(rules):
    old = make("StatefulSet", SELECTOR, TEMPLATE, "serviceName: x")
    assert rules.update(old, make("StatefulSet", SELECTOR, TEMPLATE, "serviceName: x", "replicas: 5")) == []
    (text,) = rules.update(old, make("StatefulSet", SELECTOR, TEMPLATE, "serviceName: y"))
    assert text.startswith(
        "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals'"
    )


@pytest.mark.parametrize(
    ("status", "texts"),
    [
        ("{replicas: 2, readyReplicas: 2, availableReplicas: 1}", []),
        (
            "{replicas: 1, readyReplicas: 2}",
            ["status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas"],
        ),
        (
            "{replicas: 2, readyReplicas: 1, availableReplicas: 2}",
            ["status.availableReplicas: Invalid value: 2: cannot be greater than readyReplicas"],
        ),
        (
            "{observedGeneration: -1}",
            ["status.observedGeneration: Invalid value: -1: must be greater than or equal to 0"],
        ),
    ],
)
def test_status(rules, status, texts):
    old = make("ReplicaSet", SELECTOR, TEMPLATE)
    assert rules.update(old, make("ReplicaSet", SELECTOR, TEMPLATE, status=status), "status") == texts


def test_collision_counts_only_grow(rules):
    old, new = (
        make("Deployment", SELECTOR, TEMPLATE, status=f"{{collisionCount: {count}}}") for count in (2, 1)
    )
    assert rules.update(old, new, "status") == [
        "status.collisionCount: Invalid value: 1: cannot be decremented"
    ]


def test_controller_revisions_keep_their_data(rules):
    def revision(data):
        return f"apiVersion: apps/v1\nkind: ControllerRevision\nrevision: 1\n{data}"

    assert rules.create(revision("data: {a: b}")) == []
    assert rules.create(revision("")) == ["data: Required value: data is mandatory"]
    (text,) = rules.update(revision("data: {a: b}"), revision("data: {a: c}"))
    assert text == 'data: Invalid value: {"a":"c"}: field is immutable'
