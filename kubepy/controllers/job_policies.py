"""What a Job's podFailurePolicy makes of a failed pod, and its successPolicy of the indexes that succeeded. Pure.

Source: kubernetes 1.36 pkg/controller/job/{pod_failure_policy,success_policy}.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from kubepy.api import objects
from kubepy.api.objects import Obj
from kubepy.controllers.job_indexes import Indexes


class Verdict(NamedTuple):
    """What a pod's failure means."""

    counts: bool = True  # towards backoffLimit and backoffLimitPerIndex
    action: str = ""  # of the rule that matched, "" if none did
    message: str = ""  # why the whole Job fails, "" if it does not


def judge_failure(policy: Obj | None, pod: Obj) -> Verdict:
    """The first rule that matches decides. Source: matchPodFailurePolicy."""
    for number, rule in enumerate((policy or {}).get("rules") or ()):
        action = rule["action"]
        why = _matched(rule, pod)
        if why:
            fails = f"{why} matching {action} rule at index {number}" if action == "FailJob" else ""
            return Verdict(action != "Ignore", action, fails)
    return Verdict()


def _matched(rule: Obj, pod: Obj) -> str:
    """What about the pod matches, "" for nothing."""
    status, where = pod.get("status") or {}, str(objects.key_of(pod))
    codes = rule.get("onExitCodes")
    if codes is not None:
        for statuses in (status.get("containerStatuses"), status.get("initContainerStatuses")):
            found = _with_exit_code(statuses or (), codes)
            if found is not None:
                code = found["state"]["terminated"]["exitCode"]
                return f"Container {found['name']} for pod {where} failed with exit code {code}"
        return ""
    patterns = [(p["type"], p.get("status", "True")) for p in rule.get("onPodConditions") or ()]
    for condition in objects.conditions(pod):
        if (condition["type"], condition.get("status")) in patterns:
            return f"Pod {where} has condition {condition['type']}"
    return ""


def _with_exit_code(statuses: Iterable[Obj], codes: Obj) -> Obj | None:
    name, values, is_in = codes.get("containerName"), codes.get("values") or (), codes["operator"] == "In"
    for status in statuses:
        ended = (status.get("state") or {}).get("terminated")
        if ended is None or name not in (None, status["name"]):
            continue
        code = ended.get("exitCode", 0)
        if code != 0 and (code in values) is is_in:
            return status
    return None


def judge_success(policy: Obj | None, completions: int, succeeded: Indexes) -> str:
    """Why the Job has succeeded before all indexes have, "" while it has not. Source: matchSuccessPolicy."""
    if not succeeded:
        return ""
    for number, rule in enumerate((policy or {}).get("rules") or ()):
        count, text = rule.get("succeededCount"), rule.get("succeededIndexes")
        if text is not None:
            wanted = Indexes.parse(text, completions)
            reached = wanted.overlap(succeeded)
            met = bool(wanted) and (reached == len(wanted) or (count is not None and reached >= count))
        else:
            met = count is not None and len(succeeded) >= count
        if met:
            return f"Matched rules at index {number}"
    return ""
