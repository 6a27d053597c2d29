"""Cases of autoscaling/validation_test.go TestValidateScale..., core TestValidatePersistentVolumeClaimUpdate."""

import pytest

AUTOSCALER = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
spec: {{maxReplicas: 3, scaleTargetRef: {{kind: Deployment, name: d}}, behavior: {{scaleUp: {{{}}}}}}}
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
