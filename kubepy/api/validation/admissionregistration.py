"""Admission webhooks; admission policies, which share their rules and matchConditions, are in admission_policies.py.

Source: kubernetes pkg/apis/admissionregistration/validation/validation.go, apiserver pkg/util/webhook/validation.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kubepy.api import errors, names
from kubepy.api.objects import Obj
from kubepy.api.validation.rules import (
    Errors,
    Kind,
    Rule,
    check_enum,
    check_label_key,
    check_label_selector,
    check_messages,
)
from kubepy.api.validation.webhook_clients import check_client_config

_NONE: tuple[Any, ...] = ()
_OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
_REVIEW_VERSIONS = ("v1", "v1beta1")
_NO_SIDE_EFFECTS = ("None", "NoneOnDryRun")
_MATCH_CONDITIONS_MAX = 64

check_failure_policy = check_enum(("Fail", "Ignore"))
check_match_policy = check_enum(("Equivalent", "Exact"))
check_reinvocation = check_enum(("IfNeeded", "Never"))
_check_scope = check_enum(("*", "Cluster", "Namespaced"))

# -- rules -----------------------------------------------------------------------------------------------------


def _check_wildcard(values: Sequence[str], path: str, what: str, found: Errors) -> None:
    if len(values) > 1 and "*" in values:
        found.append(errors.invalid_value(path, values, f"if '*' is present, must not specify other {what}"))


def check_rule(rule: Obj, path: str, found: Errors) -> None:
    """Source: validateRuleWithOperations, validateRule."""
    operations = rule.get("operations") or []
    if not operations:
        found.append(errors.required(f"{path}.operations"))
    _check_wildcard(operations, f"{path}.operations", "operations", found)
    for index, operation in enumerate(operations):
        if operation not in _OPERATIONS:
            found.append(errors.not_supported(f"{path}.operations[{index}]", operation, _OPERATIONS))
    for field, what in (("apiGroups", "API groups"), ("apiVersions", "API versions")):
        values = rule.get(field) or []
        if not values:
            found.append(errors.required(f"{path}.{field}"))
        _check_wildcard(values, f"{path}.{field}", what, found)
        if field == "apiVersions":
            for index, version in enumerate(values):
                if not version:
                    found.append(errors.required(f"{path}.{field}[{index}]"))
    _check_resources(rule.get("resources") or [], f"{path}.resources", found)
    _check_scope(rule.get("scope"), f"{path}.scope", found)


def _check_resources(resources: Sequence[str], path: str, found: Errors) -> None:
    if not resources:
        found.append(errors.required(path))
    all_of: set[str] = set()  # x/*
    of_all: set[str] = set()  # */x
    for index, text in enumerate(resources):
        here = f"{path}[{index}]"
        if not text:
            found.append(errors.required(here))
            continue
        resource, slash, sub = text.partition("/")
        if not slash:
            continue
        if resource in all_of:
            why = f"if '{resource}/*' is present, must not specify {text}"
            found.append(errors.invalid_value(here, text, why))
        if sub in of_all:
            why = f"if '*/{sub}' is present, must not specify {text}"
            found.append(errors.invalid_value(here, text, why))
        if sub == "*":
            all_of.add(resource)
        if resource == "*":
            of_all.add(sub)
    if len(resources) > 1 and "*/*" in resources:
        why = "if '*/*' is present, must not specify other resources"
        found.append(errors.invalid_value(path, resources, why))
    plain = [text for text in resources if text and "/" not in text]
    # Upstream looks at the last one only.
    if "*" in plain and plain[-1] != "*":
        why = "if '*' is present, must not specify other resources without subresources"
        found.append(errors.invalid_value(path, resources, why))


def check_match_conditions(
    conditions: Sequence[Obj], path: str, found: Errors, *, has_params: bool = False
) -> None:
    if len(conditions) > _MATCH_CONDITIONS_MAX:
        found.append(errors.too_many(path, len(conditions), _MATCH_CONDITIONS_MAX))
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        here, name = f"{path}[{index}]", condition.get("name") or ""
        if not (expression := (condition.get("expression") or "").strip()):
            found.append(errors.required(f"{here}.expression"))
        else:
            _check_condition(expression, f"{here}.expression", found, has_params=has_params)
        if not name:
            found.append(errors.required(f"{here}.name"))
        else:
            check_label_key(name, f"{here}.name", found)
            if name in seen:
                found.append(errors.duplicate(f"{here}.name", name))
            seen.add(name)


def _check_condition(expression: str, path: str, found: Errors, *, has_params: bool) -> None:
    # CEL takes a while to import, and few clusters need it.
    from kubepy.api import admission_expressions, cel

    try:
        admission_expressions.environment(has_params=has_params).compile(expression)
    except cel.CompileError as error:
        found.append(errors.invalid_value(path, expression, admission_expressions.problem(error)))


# -- webhooks --------------------------------------------------------------------------------------------------


def _check_webhooks(is_mutating: bool) -> Rule:
    def rule(obj: Obj, found: Errors) -> None:
        seen: set[str] = set()
        for index, hook in enumerate(obj.get("webhooks") or _NONE):
            path, name = f"webhooks[{index}]", hook.get("name") or ""
            _check_webhook(hook, is_mutating, path, found)
            _check_versions(
                hook.get("admissionReviewVersions") or [], f"{path}.admissionReviewVersions", found
            )
            if name and name in seen:
                found.append(errors.duplicate(f"{path}.name", name))
            seen.add(name)

    return rule


def _check_webhook(hook: Obj, is_mutating: bool, path: str, found: Errors) -> None:
    _check_qualified(hook.get("name") or "", f"{path}.name", found)
    for index, rule in enumerate(hook.get("rules") or _NONE):
        check_rule(rule, f"{path}.rules[{index}]", found)
    check_failure_policy(hook.get("failurePolicy"), f"{path}.failurePolicy", found)
    check_match_policy(hook.get("matchPolicy"), f"{path}.matchPolicy", found)
    effects = hook.get("sideEffects")
    if effects is None:
        found.append(errors.required(f"{path}.sideEffects", "must specify one of None, NoneOnDryRun"))
    elif effects not in _NO_SIDE_EFFECTS:
        found.append(errors.not_supported(f"{path}.sideEffects", effects, _NO_SIDE_EFFECTS))
    seconds = hook.get("timeoutSeconds")
    if seconds is not None and not 1 <= seconds <= 30:
        why = "the timeout value must be between 1 and 30 seconds"
        found.append(errors.invalid_value(f"{path}.timeoutSeconds", seconds, why))
    check_label_selector(hook.get("namespaceSelector"), f"{path}.namespaceSelector", found)
    check_label_selector(hook.get("objectSelector"), f"{path}.objectSelector", found)
    if is_mutating:
        check_reinvocation(hook.get("reinvocationPolicy"), f"{path}.reinvocationPolicy", found)
    check_client_config(hook.get("clientConfig") or {}, f"{path}.clientConfig", found)
    check_match_conditions(hook.get("matchConditions") or _NONE, f"{path}.matchConditions", found)


def _check_qualified(name: str, path: str, found: Errors) -> None:
    """Source: apimachinery util/validation IsFullyQualifiedName."""
    if not name:
        found.append(errors.required(path))
    elif messages := names.dns1123_subdomain(name):
        found.append(errors.invalid_value(path, name, ",".join(messages)))
    elif len(name.split(".")) < 3:
        why = "should be a domain with at least three segments separated by dots"
        found.append(errors.invalid_value(path, name, why))


def _check_versions(versions: Sequence[str], path: str, found: Errors) -> None:
    known = ", ".join(_REVIEW_VERSIONS)
    if not versions:
        found.append(errors.required(path, f"must specify one of {known}"))
        return
    for index, version in enumerate(versions):
        if version in versions[:index]:
            found.append(errors.invalid_value(f"{path}[{index}]", version, "duplicate version"))
            continue
        check_messages(names.dns1035_label(version), version, f"{path}[{index}]", found)
    if not set(versions) & set(_REVIEW_VERSIONS):
        found.append(errors.invalid_value(path, versions, f"must include at least one of {known}"))


_GROUP = "admissionregistration.k8s.io"
ADMISSION_REGISTRATION: dict[tuple[str, str], Kind] = {
    (_GROUP, "MutatingWebhookConfiguration"): Kind(rules=(_check_webhooks(True),)),
    (_GROUP, "ValidatingWebhookConfiguration"): Kind(rules=(_check_webhooks(False),)),
}
