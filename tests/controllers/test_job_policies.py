"""What policies make of failures and successes."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.controllers.job_indexes import Indexes
from kubepy.controllers.job_policies import Verdict, judge_failure, judge_success


def pod(*codes: int | None, init: int | None = None, condition: str = "") -> Any:
    def status(name: str, code: int | None) -> Any:
        return {
            "name": name,
            "state": {"running": {}} if code is None else {"terminated": {"exitCode": code}},
        }

    found: Any = {"containerStatuses": [status(f"c{i}", code) for i, code in enumerate(codes)]}
    if init is not None:
        found["initContainerStatuses"] = [status("init", init)]
    if condition:
        found["conditions"] = [{"type": condition, "status": "True"}]
    return {"metadata": {"namespace": "default", "name": "mypod"}, "spec": {}, "status": found}


def exits(action: str, operator: str, *values: int, name: str | None = None) -> Any:
    codes: Any = {"operator": operator, "values": list(values)}
    return {"action": action, "onExitCodes": codes | ({"containerName": name} if name else {})}


def has(action: str, condition: str, status: str = "True") -> Any:
    return {"action": action, "onPodConditions": [{"type": condition, "status": status}]}


FAILED_2 = "Container c0 for pod default/mypod failed with exit code 2 matching FailJob rule at index 0"


# Source: pkg/controller/job/pod_failure_policy_test.go, TestMatchPodFailurePolicy.
@pytest.mark.parametrize(
    ("rules", "failed", "verdict"),
    [
        ([], pod(1), Verdict()),
        ([exits("FailJob", "In", 2)], pod(2), Verdict(True, "FailJob", FAILED_2)),
        ([exits("FailJob", "In", 2)], pod(3), Verdict()),
        ([exits("FailJob", "NotIn", 3)], pod(2), Verdict(True, "FailJob", FAILED_2)),
        ([exits("FailJob", "NotIn", 3)], pod(0), Verdict()),
        ([exits("FailJob", "In", 2)], pod(None), Verdict()),
        ([exits("FailJob", "In", 2, name="other")], pod(2), Verdict()),
        ([exits("Ignore", "In", 2, name="c0")], pod(2), Verdict(False, "Ignore")),
        ([exits("Ignore", "In", 5, name="init")], pod(0, init=5), Verdict(False, "Ignore")),
        ([exits("Count", "In", 1), exits("FailJob", "In", 1)], pod(1), Verdict(True, "Count")),
        ([exits("FailIndex", "In", 1)], pod(1), Verdict(True, "FailIndex")),
        ([has("Ignore", "DisruptionTarget")], pod(1, condition="DisruptionTarget"), Verdict(False, "Ignore")),
        ([has("Ignore", "DisruptionTarget", "False")], pod(1, condition="DisruptionTarget"), Verdict()),
        (
            [exits("Ignore", "In", 9), has("FailJob", "DisruptionTarget")],
            pod(1, condition="DisruptionTarget"),
            Verdict(
                True,
                "FailJob",
                "Pod default/mypod has condition DisruptionTarget matching FailJob rule at index 1",
            ),
        ),
    ],
)
def test_the_first_matching_rule_decides(rules: Any, failed: Any, verdict: Verdict) -> None:
    assert judge_failure({"rules": rules}, failed) == verdict


# Source: success_policy_test.go, TestMatchSuccessPolicy.
@pytest.mark.parametrize(
    ("rules", "succeeded", "message"),
    [
        ([], "0-9", ""),
        ([{"succeededIndexes": "0-2"}], "", ""),
        ([{"succeededIndexes": "0-2"}], "0,1", ""),
        ([{"succeededIndexes": "0-2"}], "0-5", "Matched rules at index 0"),
        ([{"succeededCount": 3}], "1,5,8", "Matched rules at index 0"),
        ([{"succeededCount": 4}], "1,5,8", ""),
        ([{"succeededIndexes": "0-4", "succeededCount": 2}], "0,4", "Matched rules at index 0"),
        ([{"succeededIndexes": "0-4", "succeededCount": 2}], "4,5,6", ""),
        ([{"succeededIndexes": "x"}, {"succeededIndexes": "3"}], "3", "Matched rules at index 1"),
    ],
)
def test_success_can_come_early(rules: Any, succeeded: str, message: str) -> None:
    assert judge_success({"rules": rules}, 10, Indexes.parse(succeeded, 10)) == message
