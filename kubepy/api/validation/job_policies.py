"""What of a Job's pods counts as its failure, and what as its success.

Source: kubernetes pkg/apis/batch/validation/validation.go (validatePodFailurePolicy, validateSuccessPolicy).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Any

from kubepy.api import errors
from kubepy.api.objects import Obj
from kubepy.api.validation.rules import Errors, check_label_key, check_non_negative

_NONE: tuple[Any, ...] = ()
_RULES_MAX = _PATTERNS_MAX = 20
_EXIT_CODES_MAX = 255
_INDEXES_MAX = 64 * 1024
# In the order of upstream's sorted sets.
_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
_STATUSES = ("False", "True", "Unknown")
_OPERATORS = ("In", "NotIn")
_is_number = re.compile("[+-]?[0-9]+").fullmatch


def _check_required(value: str, allowed: Sequence[str], path: str, found: Errors) -> None:
    if not value:
        shown = " ".join(map(errors.quote, allowed))
        found.append(errors.required(path, f"valid values: [{shown}]"))
    elif value not in allowed:
        found.append(errors.not_supported(path, value, allowed))


# -- failure ---------------------------------------------------------------------------------------------------


def check_failure_policy(spec: Obj, policy: Obj, path: str, found: Errors) -> None:
    """`spec`: of the Job."""
    rules = policy.get("rules") or _NONE
    if len(rules) > _RULES_MAX:
        found.append(errors.too_many(f"{path}.rules", len(rules), _RULES_MAX))
    pod = (spec.get("template") or {}).get("spec") or {}
    containers = {
        container.get("name")
        for field in ("containers", "initContainers")
        for container in pod.get(field) or _NONE
    }
    for index, rule in enumerate(rules):
        _check_failure_rule(spec, rule, containers, f"{path}.rules[{index}]", found)


def _check_failure_rule(spec: Obj, rule: Obj, containers: set[Any], path: str, found: Errors) -> None:
    action, codes, patterns = (
        rule.get("action") or "",
        rule.get("onExitCodes"),
        rule.get("onPodConditions") or _NONE,
    )
    if action == "FailIndex" and spec.get("backoffLimitPerIndex") is None:
        why = "requires the backoffLimitPerIndex to be set"
        found.append(errors.invalid_value(f"{path}.action", action, why))
    else:
        _check_required(action, _ACTIONS, f"{path}.action", found)
    if codes is not None:
        _check_exit_codes(codes, containers, f"{path}.onExitCodes", found)
    if len(patterns) > _PATTERNS_MAX:
        found.append(errors.too_many(f"{path}.onPodConditions", len(patterns), _PATTERNS_MAX))
    for index, pattern in enumerate(patterns):
        here = f"{path}.onPodConditions[{index}]"
        check_label_key(pattern.get("type"), f"{here}.type", found)
        _check_required(pattern.get("status") or "", _STATUSES, f"{here}.status", found)
    if codes is not None and patterns:
        why = "specifying both OnExitCodes and OnPodConditions is not supported"
        found.append(errors.invalid_value(path, errors.OMITTED, why))
    if codes is None and not patterns:
        why = "specifying one of OnExitCodes and OnPodConditions is required"
        found.append(errors.invalid_value(path, errors.OMITTED, why))


def _check_exit_codes(codes: Obj, containers: set[Any], path: str, found: Errors) -> None:
    operator, name, values = (
        codes.get("operator") or "",
        codes.get("containerName"),
        codes.get("values") or _NONE,
    )
    _check_required(operator, _OPERATORS, f"{path}.operator", found)
    if name is not None and name not in containers:
        why = "must be one of the container or initContainer names in the pod template"
        found.append(errors.invalid_value(f"{path}.containerName", name, why))
    if not values:
        found.append(
            errors.invalid_value(f"{path}.values", codes.get("values"), "at least one value is required")
        )
    elif len(values) > _EXIT_CODES_MAX:
        found.append(errors.too_many(f"{path}.values", len(values), _EXIT_CODES_MAX))
    for index, value in enumerate(values):
        if operator == "In" and value == 0:
            why = "must not be 0 for the In operator"
            found.append(errors.invalid_value(f"{path}.values[{index}]", value, why))
        if value in values[:index]:
            found.append(errors.duplicate(f"{path}.values[{index}]", value))
    if any(before > after for before, after in itertools.pairwise(values)):
        found.append(errors.invalid_value(f"{path}.values", values, "must be ordered"))


# -- success ---------------------------------------------------------------------------------------------------


def check_success_policy(spec: Obj, policy: Obj, path: str, found: Errors) -> None:
    """`spec`: of an indexed Job that has completions."""
    rules = policy.get("rules") or _NONE
    if not rules:
        why = "at least one rules must be specified when the successPolicy is specified"
        found.append(errors.required(f"{path}.rules", why))
    if len(rules) > _RULES_MAX:
        found.append(errors.too_many(f"{path}.rules", len(rules), _RULES_MAX))
    for index, rule in enumerate(rules):
        _check_success_rule(rule, spec.get("completions") or 0, f"{path}.rules[{index}]", found)


def _check_success_rule(rule: Obj, completions: int, path: str, found: Errors) -> None:
    count, indexes = rule.get("succeededCount"), rule.get("succeededIndexes")
    if count is None and indexes is None:
        why = "at least one of succeededCount or succeededIndexes must be specified"
        found.append(errors.required(path, why))
    total = 0
    if indexes is not None:
        here = f"{path}.succeededIndexes"
        if len(indexes) > _INDEXES_MAX:
            found.append(errors.too_long(here, _INDEXES_MAX))
        try:
            total = count_indexes(indexes, completions)
        except ValueError as error:
            found.append(errors.invalid_value(here, indexes, f"error parsing succeededIndexes: {error}"))
    if count is not None:
        here = f"{path}.succeededCount"
        check_non_negative(count, here, found)
        most = "must be less than or equal to"
        if count > completions:
            why = f"{most} {completions} (the number of specified completions)"
            found.append(errors.invalid_value(here, count, why))
        if indexes is not None and count > total:
            why = f"{most} {total} (the number of indexes in the specified succeededIndexes field)"
            found.append(errors.invalid_value(here, count, why))


def count_indexes(text: str, completions: int) -> int:
    """5 for "1,3-5,7". Raises ValueError with upstream's words. Source: validateIndexesFormat."""
    total, last = 0, -1
    for interval in text.split(",") if text else ():
        first, end = _interval(interval, completions)
        if last >= first:
            raise ValueError(f"non-increasing order, previous: {last}, current: {first}")
        total += end - first + 1
        last = end
    return total


def _interval(text: str, completions: int) -> tuple[int, int]:
    limits = text.split("-")
    if len(limits) > 2:
        raise ValueError(
            f"the fragment {errors.quote(text)} violates the requirement that an index interval can have at most two "
            "parts separated by '-'"
        )
    numbers = []
    for limit in limits:
        if not _is_number(limit):
            raise ValueError(f"cannot convert string to integer for index: {errors.quote(limit)}")
        if int(limit) >= completions:
            raise ValueError(f"too large index: {errors.quote(limit)}")
        numbers.append(int(limit))
    if len(numbers) == 2 and numbers[0] >= numbers[1]:
        raise ValueError(f"non-increasing order, previous: {numbers[0]}, current: {numbers[1]}")
    return numbers[0], numbers[-1]
