"""Cases of TestValidateJob about podFailurePolicy and successPolicy, and of validateIndexesFormat."""

import pytest

from kubepy.api.validation.job_policies import count_indexes

JOB = """
apiVersion: batch/v1
kind: Job
spec:
  completionMode: Indexed
  completions: 5
  manualSelector: true
  selector: {{matchLabels: {{a: b}}}}
  template:
    metadata: {{labels: {{a: b}}}}
    spec: {{restartPolicy: Never, containers: [{{name: c, image: i}}]}}
  {}
"""


def failure(rule):
    return JOB.format(f"podFailurePolicy: {{rules: [{{{rule}}}]}}")


def success(rules):
    return JOB.format(f"successPolicy: {{rules: [{rules}]}}")


RULE = "spec.podFailurePolicy.rules[0]"
SUCCESS = "spec.successPolicy.rules"


@pytest.mark.parametrize(
    ("made", "texts"),
    [
        (failure("action: FailJob, onExitCodes: {operator: In, values: [1, 2], containerName: c}"), []),
        (failure("action: Ignore, onPodConditions: [{type: DisruptionTarget}]"), []),
        (
            failure("action: FailIndex, onPodConditions: [{type: DisruptionTarget}]"),
            [f'{RULE}.action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set'],
        ),
        (
            failure("onExitCodes: {operator: In, values: [2, 0, 2], containerName: x}"),
            [
                f'{RULE}.action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]',
                f'{RULE}.onExitCodes.containerName: Invalid value: "x": must be one of the container or initContainer '
                "names in the pod template",
                f"{RULE}.onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator",
                f"{RULE}.onExitCodes.values[2]: Duplicate value: 2",
                f"{RULE}.onExitCodes.values: Invalid value: [2,0,2]: must be ordered",
            ],
        ),
        (
            failure("action: Count"),
            [f"{RULE}: Invalid value: specifying one of OnExitCodes and OnPodConditions is required"],
        ),
        (
            failure(
                "action: Count, onExitCodes: {operator: In, values: [1]}, onPodConditions: [{type: A, status: x}]"
            ),
            [
                f'{RULE}.onPodConditions[0].status: Unsupported value: "x": supported values: "False", "True", '
                '"Unknown"',
                f"{RULE}: Invalid value: specifying both OnExitCodes and OnPodConditions is not supported",
            ],
        ),
        (success("{succeededIndexes: '0-2', succeededCount: 2}"), []),
        (
            success(""),
            [f"{SUCCESS}: Required value: at least one rules must be specified when the successPolicy is specified"],
        ),
        (
            success("{}"),
            [f"{SUCCESS}[0]: Required value: at least one of succeededCount or succeededIndexes must be specified"],
        ),
        (
            success("{succeededIndexes: '0-7'}, {succeededCount: 9}"),
            [
                f'{SUCCESS}[0].succeededIndexes: Invalid value: "0-7": error parsing succeededIndexes: too large '
                'index: "7"',
                f"{SUCCESS}[1].succeededCount: Invalid value: 9: must be less than or equal to 5 (the number of "
                "specified completions)",
            ],
        ),
    ],
)  # fmt: skip
def test_policies(rules, made, texts):
    assert rules.create(made) == texts


@pytest.mark.parametrize(("text", "count"), [("", 0), ("1", 1), ("1,3-5,7", 5)])
def test_indexes(text, count):
    assert count_indexes(text, 10) == count


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1-2-3", 'the fragment "1-2-3" violates the requirement'),
        ("x", 'cannot convert string to integer for index: "x"'),
        ("3,2", "non-increasing order, previous: 3, current: 2"),
        ("5-4", "non-increasing order, previous: 5, current: 4"),
        ("10", 'too large index: "10"'),
    ],
)
def test_indexes_that_are_none(text, why):
    with pytest.raises(ValueError) as caught:
        count_indexes(text, 10)
    assert str(caught.value).startswith(why)


CLAIM = """
apiVersion: v1
kind: PersistentVolumeClaim
spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}, {}}}
"""


@pytest.mark.parametrize(
    ("more", "texts"),
    [
        ("dataSource: {kind: PersistentVolumeClaim, name: x}", []),
        (
            "dataSource: {kind: Pod, name: x}",
            [
                'spec.dataSource: Invalid value: "Pod": must be \'PersistentVolumeClaim\' when referencing the default '
                "apiGroup"
            ],
        ),
        (
            "dataSource: {kind: A, name: x, apiGroup: a.io}, dataSourceRef: {kind: A, name: y, apiGroup: a.io}",
            ['spec: Invalid value: {}: must match dataSourceRef'],
        ),
        ("dataSourceRef: {kind: A, apiGroup: a.io, name: ''}", ["spec.dataSourceRef.name: Required value"]),
    ],
)  # fmt: skip
def test_what_claims_start_from(rules, more, texts):
    assert rules.create(CLAIM.format(more)) == texts


def test_names_of_sysctls(rules):
    pod = "apiVersion: v1\nkind: Pod\nspec: {{containers: [{{name: c, image: i}}], securityContext: {{sysctls: [{}]}}}}"
    assert (
        rules.create(pod.format("{name: kernel.shm_rmid_forced, value: '0'}, {name: net/ipv4, value: '1'}"))
        == []
    )
    (text,) = rules.create(pod.format("{name: A.b, value: '0'}"))
    assert text.startswith(
        'spec.securityContext.sysctls[0].name: Invalid value: "A.b": must have at most 253 characters'
    )
