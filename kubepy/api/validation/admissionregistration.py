"""Admission webhooks, admission policies and their bindings.

Not here: whether an expression compiles; that is for who evaluates it.

Source: kubernetes pkg/apis/admissionregistration/validation/validation.go, apiserver pkg/util/webhook/validation.go.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

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

_NONE: tuple[Any, ...] = ()
_OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
_MUTATING_OPERATIONS = ("*", "CONNECT", "CREATE", "UPDATE")
_REVIEW_VERSIONS = ("v1", "v1beta1")
_NO_SIDE_EFFECTS = ("None", "NoneOnDryRun")
_MATCH_CONDITIONS_MAX = 64
_AUDIT_ANNOTATIONS_MAX = 20
_AUDIT_EXPRESSION_MAX = 5 * 1024

_check_failure_policy = check_enum(("Fail", "Ignore"))
_check_match_policy = check_enum(("Equivalent", "Exact"))
_check_reinvocation = check_enum(("IfNeeded", "Never"))
_check_scope = check_enum(("*", "Cluster", "Namespaced"))

# -- rules -----------------------------------------------------------------------------------------------------


def _check_wildcard(values: Sequence[str], path: str, what: str, found: Errors) -> None:
    if len(values) > 1 and "*" in values:
        found.append(errors.invalid_value(path, values, f"if '*' is present, must not specify other {what}"))


def _check_rule(rule: Obj, path: str, found: Errors) -> None:
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


def _check_match_conditions(conditions: Sequence[Obj], path: str, found: Errors) -> None:
    if len(conditions) > _MATCH_CONDITIONS_MAX:
        found.append(errors.too_many(path, len(conditions), _MATCH_CONDITIONS_MAX))
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        here, name = f"{path}[{index}]", condition.get("name") or ""
        if not (condition.get("expression") or "").strip():
            found.append(errors.required(f"{here}.expression"))
        if not name:
            found.append(errors.required(f"{here}.name"))
        else:
            check_label_key(name, f"{here}.name", found)
            if name in seen:
                found.append(errors.duplicate(f"{here}.name", name))
            seen.add(name)


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
        _check_rule(rule, f"{path}.rules[{index}]", found)
    _check_failure_policy(hook.get("failurePolicy"), f"{path}.failurePolicy", found)
    _check_match_policy(hook.get("matchPolicy"), f"{path}.matchPolicy", found)
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
        _check_reinvocation(hook.get("reinvocationPolicy"), f"{path}.reinvocationPolicy", found)
    check_client_config(hook.get("clientConfig") or {}, f"{path}.clientConfig", found)
    _check_match_conditions(hook.get("matchConditions") or _NONE, f"{path}.matchConditions", found)


def _check_qualified(name: str, path: str, found: Errors) -> None:
    """Source: apimachinery util/validation IsFullyQualifiedName."""
    if not name:
        found.append(errors.required(path))
    elif messages := names.dns1123_subdomain(name):
        found.append(errors.invalid_value(path, name, ",".join(messages)))
    elif len(name.split(".")) < 3:
        why = "should be a domain with at least three segments separated by dots"
        found.append(errors.invalid_value(path, name, why))


def check_client_config(config: Obj, path: str, found: Errors) -> None:
    url, service = config.get("url"), config.get("service")
    if (url is None) == (service is None):
        found.append(errors.required(path, "exactly one of url or service is required"))
    elif url is not None:
        _check_url(url, f"{path}.url", found)
    else:
        _check_service(service, f"{path}.service", found)


_FORM = "; desired format: https://host[/path]"


def _check_url(url: str, path: str, found: Errors) -> None:
    """Source: ValidateWebhookURL."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        found.append(errors.required(path, f"url must be a valid URL: {error}{_FORM}"))
        return
    if parts.scheme != "https":
        why = f"'https' is the only allowed URL scheme{_FORM}"
        found.append(errors.invalid_value(path, parts.scheme, why))
    user, at, host = parts.netloc.rpartition("@")
    if not host:
        found.append(errors.invalid_value(path, "", f"host must be specified{_FORM}"))
    for value, what in (
        (user if at else "", "user information is"),
        (parts.fragment, "fragments are"),
        (parts.query, "query parameters are"),
    ):
        if value:
            found.append(errors.invalid_value(path, value, f"{what} not permitted in the URL"))


def _check_service(service: Any, path: str, found: Errors) -> None:
    """Source: ValidateWebhookService, which is called with name and namespace swapped."""
    for field in ("name", "namespace"):
        if not service.get("namespace" if field == "name" else "name"):
            found.append(errors.required(f"{path}.{field}"))
    port = service.get("port") or 0
    if messages := names.port_number(port):
        why = f"port is not valid: {', '.join(messages)}"
        found.append(errors.invalid_value(f"{path}.port", port, why))
    target = service.get("path") or ""
    if target in ("", "/"):
        return
    if target == "//":
        found.append(errors.invalid_value(f"{path}.path", target, "segment[0] may not be empty"))
        return
    if not target.startswith("/"):
        found.append(errors.invalid_value(f"{path}.path", target, "must start with a '/'"))
    for index, step in enumerate(target[1:].removesuffix("/").split("/")):
        if not step:
            why = f"segment[{index}] may not be empty"
            found.append(errors.invalid_value(f"{path}.path", target, why))
            continue
        for message in names.dns1123_subdomain(step):
            found.append(errors.invalid_value(f"{path}.path", target, f"segment[{index}]: {message}"))


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


# -- policies --------------------------------------------------------------------------------------------------

_is_identifier = re.compile("[_a-zA-Z][_a-zA-Z0-9]*").fullmatch
_RESERVED = frozenset(
    (
        "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import",
        "let", "loop", "package", "namespace", "return", "var", "void", "while",
    )
)  # fmt: skip


def _check_required(value: Any, check: Any, path: str, found: Errors) -> None:
    if value is None or value == "":
        found.append(errors.required(path))
    else:
        check(value, path, found)


def _check_policy_frame(spec: Obj, is_mutating: bool, found: Errors) -> None:
    """What both kinds of policies have."""
    _check_required(spec.get("failurePolicy"), _check_failure_policy, "spec.failurePolicy", found)
    if spec.get("paramKind") is not None:
        _check_param_kind(spec["paramKind"], "spec.paramKind", found)
    constraints = spec.get("matchConstraints")
    if constraints is None:
        found.append(errors.required("spec.matchConstraints"))
    else:
        _check_match_resources(constraints, "spec.matchConstraints", found)
        if not constraints.get("resourceRules"):
            found.append(errors.required("spec.matchConstraints.resourceRules"))
        if is_mutating:
            _check_mutating_operations(constraints, "spec.matchConstraints", found)
    _check_match_conditions(spec.get("matchConditions") or _NONE, "spec.matchConditions", found)
    for index, variable in enumerate(spec.get("variables") or _NONE):
        path, name = f"spec.variables[{index}]", variable.get("name") or ""
        if not name.strip():
            found.append(errors.required(f"{path}.name", "name is not specified"))
        elif not _is_identifier(name) or name in _RESERVED:
            found.append(errors.invalid_value(f"{path}.name", name, "must be a valid CEL identifier"))
        if not (variable.get("expression") or "").strip():
            found.append(errors.required(f"{path}.expression", "expression is not specified"))


def _check_param_kind(kind: Obj, path: str, found: Errors) -> None:
    api_version, name = kind.get("apiVersion") or "", kind.get("kind") or ""
    here = f"{path}.apiVersion"
    if not api_version:
        found.append(errors.required(here))
    elif api_version.count("/") > 1:
        why = f"unexpected GroupVersion string: {api_version}"
        found.append(errors.invalid_value(here, api_version, why))
    else:
        group, _, version = api_version.rpartition("/")
        if group and (messages := names.dns1123_subdomain(group)):
            found.append(errors.invalid_value(here, group, ",".join(messages)))
        if not version:
            found.append(errors.invalid_value(here, api_version, "version must be specified"))
        elif messages := names.dns1035_label(version):
            found.append(errors.invalid_value(here, version, ",".join(messages)))
    if not name:
        found.append(errors.required(f"{path}.kind"))
    elif messages := names.dns1035_label(name.lower()):
        why = f"may have mixed case, but should otherwise match: {','.join(messages)}"
        found.append(errors.invalid_value(f"{path}.kind", name, why))


def _check_match_resources(match: Obj, path: str, found: Errors) -> None:
    _check_required(match.get("matchPolicy"), _check_match_policy, f"{path}.matchPolicy", found)
    for field in ("namespaceSelector", "objectSelector"):
        if match.get(field) is None:
            found.append(errors.required(f"{path}.{field}"))
        else:
            check_label_selector(match[field], f"{path}.{field}", found)
    for field in ("resourceRules", "excludeResourceRules"):
        for index, rule in enumerate(match.get(field) or _NONE):
            here = f"{path}.{field}[{index}]"
            seen: set[str] = set()
            for number, name in enumerate(rule.get("resourceNames") or _NONE):
                check_messages(names.path_segment(name), name, f"{here}.resourceNames[{number}]", found)
                if name in seen:
                    found.append(errors.duplicate(f"{here}.resourceNames[{number}]", name))
                seen.add(name)
            _check_rule(rule, here, found)


def _check_mutating_operations(match: Obj, path: str, found: Errors) -> None:
    for rule in match.get("resourceRules") or _NONE:
        for operation in rule.get("operations") or _NONE:
            if operation not in _MUTATING_OPERATIONS:
                where = f"{path}.resourceRules.operations"
                found.append(errors.not_supported(where, operation, _MUTATING_OPERATIONS))


def _check_validating_policy(obj: Obj, found: Errors) -> None:
    spec = obj.get("spec") or {}
    _check_policy_frame(spec, False, found)
    validations, annotations = spec.get("validations") or _NONE, spec.get("auditAnnotations") or _NONE
    if not validations and not annotations:
        why = "validations or auditAnnotations must contain at least one item"
        found += [errors.required("spec.validations", why), errors.required("spec.auditAnnotations", why)]
        return
    for index, validation in enumerate(validations):
        _check_validation(validation, f"spec.validations[{index}]", found)
    if len(annotations) > _AUDIT_ANNOTATIONS_MAX:
        why = f"must not have more than {_AUDIT_ANNOTATIONS_MAX} auditAnnotations"
        found.append(errors.invalid_value("spec.auditAnnotations", annotations, why))
    seen: set[str] = set()
    name = obj["metadata"].get("name") or ""
    for index, annotation in enumerate(annotations):
        path, key = f"spec.auditAnnotations[{index}]", annotation.get("key") or ""
        check_label_key(f"{name}/{key}", f"{path}.key", found)
        expression = (annotation.get("valueExpression") or "").strip()
        if not expression:
            why = "valueExpression is not specified"
            found.append(errors.required(f"{path}.valueExpression", why))
        elif len(expression) > _AUDIT_EXPRESSION_MAX:
            why = f"must not exceed {_AUDIT_EXPRESSION_MAX} bytes in length"
            found.append(errors.required(f"{path}.valueExpression", why))
        if key in seen:
            found.append(errors.duplicate(f"{path}.key", key))
        seen.add(key)


_check_reason = check_enum(("Forbidden", "Invalid", "RequestEntityTooLarge"))


def _check_validation(validation: Obj, path: str, found: Errors) -> None:
    if not (validation.get("expression") or "").strip():
        found.append(errors.required(f"{path}.expression", "expression is not specified"))
    for field in ("messageExpression", "message"):
        value = validation.get(field) or ""
        if value and not value.strip():
            found.append(errors.invalid_value(f"{path}.{field}", value, "must be non-empty if specified"))
    message = validation.get("message") or ""
    if "\n" in message.strip() or "\r" in message.strip():
        found.append(errors.invalid_value(f"{path}.message", message, "must not contain line breaks"))
    _check_reason(validation.get("reason"), f"{path}.reason", found)


# patchType -> its field
_PATCHES = {"ApplyConfiguration": "applyConfiguration", "JSONPatch": "jsonPatch"}


def _check_mutating_policy(obj: Obj, found: Errors) -> None:
    spec = obj.get("spec") or {}
    _check_policy_frame(spec, True, found)
    if not spec.get("mutations"):
        found.append(errors.required("spec.mutations", "mutations must contain at least one item"))
    for index, mutation in enumerate(spec.get("mutations") or _NONE):
        path, type_ = f"spec.mutations[{index}]", mutation.get("patchType") or ""
        if not type_:
            found.append(errors.required(f"{path}.patchType"))
        elif type_ not in _PATCHES:
            found.append(errors.not_supported(f"{path}.patchType", type_, tuple(_PATCHES)))
        else:
            _check_mutation(mutation, type_, path, found)
    _check_required(spec.get("reinvocationPolicy"), _check_reinvocation, "spec.reinvocationPolicy", found)


def _check_mutation(mutation: Obj, type_: str, path: str, found: Errors) -> None:
    own = _PATCHES[type_]
    (other,) = (field for field in _PATCHES.values() if field != own)
    if mutation.get(own) is None:
        found.append(errors.required(f"{path}.{own}", f"must be specified when patchType is {type_}"))
    elif not (mutation[own].get("expression") or "").strip():
        found.append(errors.required(f"{path}.{own}.expression"))
    if mutation.get(other) is not None:
        why = f"must not be specified when patchType is {type_}"
        found.append(errors.invalid_value(f"{path}.{other}", f"{{{other}}}", why))


# -- bindings --------------------------------------------------------------------------------------------------


def _check_binding(obj: Obj, found: Errors) -> None:
    spec = obj.get("spec") or {}
    policy = spec.get("policyName") or ""
    if not policy:
        found.append(errors.required("spec.policyName"))
    else:
        check_messages(names.dns1123_subdomain(policy), policy, "spec.policyName", found)
    if spec.get("paramRef") is not None:
        _check_param_ref(spec["paramRef"], "spec.paramRef", found)
    if spec.get("matchResources") is not None:
        _check_match_resources(spec["matchResources"], "spec.matchResources", found)


def _check_param_ref(reference: Obj, path: str, found: Errors) -> None:
    name, selector = reference.get("name") or "", reference.get("selector")
    exclusive = "name and selector are mutually exclusive"
    if name:
        check_messages(names.path_segment(name), name, f"{path}.name", found)
        if selector is not None:
            found.append(errors.forbidden_field(f"{path}.name", exclusive))
    if selector is not None:
        check_label_selector(selector, f"{path}.selector", found)
        if name:
            found.append(errors.forbidden_field(f"{path}.selector", exclusive))
    if not name and selector is None:
        found.append(errors.required(path, "one of name or selector must be specified"))
    action = reference.get("parameterNotFoundAction") or ""
    if not action:
        found.append(errors.required(f"{path}.parameterNotFoundAction"))
    elif action not in ("Deny", "Allow"):
        found.append(errors.not_supported(f"{path}.parameterNotFoundAction", action, ("Deny", "Allow")))


def _check_actions(obj: Obj, found: Errors) -> None:
    actions, path = (obj.get("spec") or {}).get("validationActions") or [], "spec.validationActions"
    for index, action in enumerate(actions):
        if action not in ("Audit", "Deny", "Warn"):
            found.append(errors.not_supported(f"{path}[{index}]", action, ("Audit", "Deny", "Warn")))
        if action in actions[:index]:
            found.append(errors.duplicate(f"{path}[{index}]", action))
    if "Deny" in actions and "Warn" in actions:
        why = (
            "must not contain both Deny and Warn (repeating the same validation failure information in the API "
            "response and headers serves no purpose)"
        )
        found.append(errors.invalid_value(path, actions, why))
    if not actions:
        found.append(errors.required(path, "at least one validation action is required"))


def _check_mutating_binding(obj: Obj, found: Errors) -> None:
    match = (obj.get("spec") or {}).get("matchResources")
    if match is not None:
        _check_mutating_operations(match, "spec.matchResources", found)


_GROUP = "admissionregistration.k8s.io"
ADMISSION_REGISTRATION: dict[tuple[str, str], Kind] = {
    (_GROUP, "MutatingWebhookConfiguration"): Kind(rules=(_check_webhooks(True),)),
    (_GROUP, "ValidatingWebhookConfiguration"): Kind(rules=(_check_webhooks(False),)),
    (_GROUP, "ValidatingAdmissionPolicy"): Kind(rules=(_check_validating_policy,)),
    (_GROUP, "ValidatingAdmissionPolicyBinding"): Kind(rules=(_check_binding, _check_actions)),
    (_GROUP, "MutatingAdmissionPolicy"): Kind(rules=(_check_mutating_policy,)),
    (_GROUP, "MutatingAdmissionPolicyBinding"): Kind(rules=(_check_binding, _check_mutating_binding)),
}
