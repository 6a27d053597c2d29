"""Cases of autoscaling/validation_test.go TestValidateScale..., core TestValidatePersistentVolumeClaimUpdate."""

import pytest

AUTOSCALER = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
spec:
  maxReplicas: 3
  scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: d}}
  behavior: {{scaleUp: {{{}}}}}
"""


@pytest.mark.parametrize(
    ("rules_", "wanted"),
    [
        ("policies: [{type: Pods, value: 1, periodSeconds: 1800}], tolerance: 0.1", []),
        ("tolerance: -0.1", "tolerance: Invalid value"),
        (
            "policies: [{type: X, value: 1, periodSeconds: 1}]",
            'policies[0].type: Unsupported value: "X": supported values: "Percent", "Pods"',
        ),
        ("policies: [{type: Pods, value: 0, periodSeconds: 1}]", "policies[0].value: Invalid value: 0"),
        ("policies: [{type: Pods, value: 1, periodSeconds: 1801}]", "must be less than or equal to 1800"),
    ],
)
def test_scaling_policies(rules, rules_, wanted):
    found = rules.create(AUTOSCALER.format(rules_))
    assert any(wanted in each for each in found) if wanted else found == []


SCALED = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
spec: {{maxReplicas: 3, scaleTargetRef: {}, metrics: [{}]}}
"""
DEPLOYMENT = "{apiVersion: apps/v1, kind: Deployment, name: d}"
TARGET = "target: {type: Value, value: 1}"
TYPES = '"ContainerResource", "External", "Object", "Pods", "Resource"'


@pytest.mark.parametrize(
    ("target", "texts"),
    [
        ("{kind: Deployment, name: d}", ['apiVersion: Invalid value: "": apiVersion must specify API group']),
        (
            "{apiVersion: v1, kind: X, name: d}",
            ['apiVersion: Invalid value: "v1": apiVersion must specify API group'],
        ),
        ("{apiVersion: v1, kind: ReplicationController, name: d}", []),
        (
            "{apiVersion: a/b/c, kind: a/b, name: d}",
            [
                "kind: Invalid value: \"a/b\": may not contain '/'",
                'apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
            ],
        ),
    ],
)
def test_what_is_scaled(rules, target, texts):
    assert rules.create(SCALED.format(target, "")) == [f"spec.scaleTargetRef.{text}" for text in texts]


def test_a_target_without_a_group_that_stays_is_left_alone(rules):
    was, moved = (SCALED.format(f"{{kind: Deployment, name: {name}}}", "") for name in ("a", "b"))
    assert rules.update(was, moved) == []


@pytest.mark.parametrize(
    ("metric", "texts"),
    [
        ("type: Pods, pods: {metric: {name: m}, target: {type: AverageValue, averageValue: 1}}", []),
        (
            "type: Pods, pods: {metric: {name: a/b}, target: {type: AverageValue}}",
            [
                "pods.metric.name: Invalid value: \"a/b\": may not contain '/'",
                "pods.target.averageValue: Required value: must specify a positive target averageValue",
            ],
        ),
        (
            f"type: Object, object: {{metric: {{name: m}}, {TARGET}}}",
            ["object.describedObject.kind: Required value", "object.describedObject.name: Required value"],
        ),
        (
            "type: External, external: {metric: {name: m}, target: {type: Value, value: 1, averageValue: 2}}",
            [
                "external.target.value: Forbidden: "
                "may not set both a target value for metric and a per-pod target"
            ],
        ),
        (
            "type: Resource, resource: {name: cpu, target: {type: Utilization}}",
            [
                "resource.target.averageUtilization: Required value: "
                "must set either a target raw value or a target utilization"
            ],
        ),
        (
            "type: ContainerResource, containerResource: "
            "{name: disk, target: {type: Utilization, averageUtilization: 5}}",
            [
                'containerResource.name: Invalid value: "disk": '
                "must be a standard resource type or fully qualified",
                'containerResource.name: Invalid value: "disk": must be a standard resource for containers',
                "containerResource.container: Required value: must specify a container",
            ],
        ),
        (
            "{}",
            [
                "type: Required value: must specify a metric source type",
                *[f'type: Unsupported value: "": supported values: {TYPES}'] * 2,
            ],
        ),
        (
            f"type: Pods, object: {{metric: {{name: m}}, describedObject: {{kind: K, name: n}}, {TARGET}}}, pods: {{}}",
            ["object: Forbidden: must populate the given metric source only"],
        ),
    ],
)
def test_metrics(rules, metric, texts):
    made = SCALED.format(DEPLOYMENT, metric if metric == "{}" else f"{{{metric}}}")
    assert rules.create(made) == [f"spec.metrics[0].{text}" for text in texts]


CLAIM = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{resourceVersion: "1"}}
spec: {{accessModes: [ReadWriteOnce], volumeName: v, storageClassName: s, resources: {{requests: {{storage: {}}}}}, {}}}
status: {{phase: Bound, capacity: {{storage: 5Gi}}, {}}}
"""


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        (("5Gi", "", ""), ("6Gi", "", ""), ""),
        (("8Gi", "", ""), ("6Gi", "", ""), ""),
        (("8Gi", "", ""), ("4Gi", "", ""), "field can not be less than status.capacity"),
        (("5Gi", "volumeMode: Block", ""), ("5Gi", "", ""), "volumeMode: Invalid value"),
        (
            ("5Gi", "volumeAttributesClassName: a", "currentVolumeAttributesClassName: a"), ("5Gi", "", ""),
            "update to nil is forbidden when status.currentVolumeAttributesClassName is not nil",
        ),
        (
            ("5Gi", "volumeAttributesClassName: a", "currentVolumeAttributesClassName: a"),
            ("5Gi", "volumeAttributesClassName: b", ""), "",
        ),
    ],
)  # fmt: skip
def test_what_may_change_in_a_bound_claim(rules, before, after, wanted):
    found = rules.update(CLAIM.format(*before), CLAIM.format(*after))
    assert any(wanted in each for each in found) if wanted else found == []
