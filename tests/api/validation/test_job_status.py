"""Cases of batch/validation_test.go TestValidateJobUpdateStatus and job/strategy_test.go TestStatusStrategy."""

import json

import pytest

from kubepy.api.validation.job_status import indexes_fault

START, END = "2024-01-01T00:00:00Z", "2024-01-01T01:00:00Z"


def condition(type_, status="True"):
    return {"type": type_, "status": status}


def job(status, **spec):
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}
    head = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"resourceVersion": "1"}}
    return json.dumps({**head, "spec": {"template": template, **spec}, "status": status})


MET = [condition("SuccessCriteriaMet"), condition("Complete")]
LOST = [condition("FailureTarget"), condition("Failed")]
DONE = {"startTime": START, "completionTime": END, "conditions": MET}
INDEXED = {"completionMode": "Indexed", "completions": 5, "parallelism": 2}


@pytest.mark.parametrize(
    ("spec", "before", "after", "wanted"),
    [
        ({}, {"startTime": START}, DONE, ""),
        ({}, {"startTime": START}, {"startTime": START, "conditions": LOST}, ""),
        ({}, {}, {"active": -1}, "status.active: Invalid value: -1: must be greater than or equal to 0"),
        ({}, {}, {"active": 1, "ready": 2}, "status.ready: Invalid value: 2: cannot set more ready pods than active"),
        ({}, {"active": 1, "ready": 2}, {"active": 1, "ready": 2, "failed": 1}, ""),
        ({}, {"startTime": START}, DONE | {"active": 1}, "active>0 is invalid for finished job"),
        ({}, {"startTime": START}, DONE | {"terminating": 1}, "terminating>0 is invalid for finished job"),
        ({}, {}, {"conditions": MET, "completionTime": END}, "startTime is required for finished job"),
        (
            {"suspend": True, "completions": 0, "parallelism": 0}, {},
            {"conditions": MET, "completionTime": END}, "",
        ),
        ({}, {}, {"startTime": START, "conditions": MET}, "completionTime is required for Complete jobs"),
        ({}, {}, {"completionTime": END}, "cannot set completionTime when there is no Complete=True condition"),
        (
            {}, {}, DONE | {"startTime": END, "completionTime": START}, "must be equal to or after `startTime`",
        ),
        (
            {}, {}, DONE | {"conditions": [condition("Complete")]},
            "cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
        ),
        (
            {}, {}, {"startTime": START, "conditions": [condition("Failed")]},
            "cannot set Failed=True condition without the FailureTarget=true condition",
        ),
        ({}, {}, DONE | {"conditions": [*MET, *LOST]}, "cannot set Complete=True and Failed=true conditions"),
        ({}, {}, DONE | {"conditions": [*MET, LOST[0]]}, "cannot set Complete=True and FailureTarget=true conditions"),
        (
            {}, {}, DONE | {"uncountedTerminatedPods": {"failed": ["a"]}}, "must be empty for finished job",
        ),
        ({}, {}, {"uncountedTerminatedPods": {"failed": ["a", "a"]}}, "failed[1]: Duplicate value"),
        ({}, DONE, DONE | {"conditions": MET[:1]}, "cannot disable the terminal Complete=True condition"),
        ({}, {"failed": 3}, {"failed": 1}, "cannot decrease the failed counter"),
        ({}, {"succeeded": 3}, {"succeeded": 1}, "cannot decrease the succeeded counter"),
        (INDEXED | {"parallelism": 5}, {"succeeded": 3}, {"succeeded": 1}, ""),
        ({}, DONE, DONE | {"completionTime": "2024-01-01T02:00:00Z"}, "completionTime: Invalid value"),
        ({}, {"startTime": START}, {"startTime": END}, "field is immutable for unsuspended job once set"),
        ({"suspend": True}, {"startTime": START}, {}, ""),
        (INDEXED, {}, {"completedIndexes": "0-1,3"}, ""),
        (INDEXED, {}, {"completedIndexes": "invalid"}, "error parsing completedIndexes: cannot convert string"),
        ({}, {}, {"completedIndexes": "1"}, "cannot set non-empty completedIndexes when non-indexed completion mode"),
        (INDEXED, {}, {"failedIndexes": "1"}, "cannot set non-null failedIndexes when backoffLimitPerIndex is null"),
        (
            INDEXED | {"backoffLimitPerIndex": 1}, {}, {"failedIndexes": "0,2", "completedIndexes": "1-3"},
            "failedIndexes and completedIndexes overlap at index: 2",
        ),
    ],
)  # fmt: skip
def test_steps_of_a_job(rules, spec, before, after, wanted):
    found = rules.update(job(before, **spec), job(after, **spec), "status")
    assert any(wanted in each for each in found) if wanted else found == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0,2-3", ""),
        ("1-2-3", 'the fragment "1-2-3" violates the requirement that an index interval can have at most two parts'),
        ("2,1", "non-increasing order, previous: 2, current: 1"),
        ("1-1", "non-increasing order, previous: 1, current: 1"),
        ("5", 'too large index: "5"'),
    ],
)  # fmt: skip
def test_indexes(text, why):
    found = indexes_fault(text, 5)
    assert found.startswith(why) if why else found == ""
