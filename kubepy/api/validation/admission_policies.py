"""Admission policies and their bindings, with their expressions: what does not compile is not stored.

On an update matchConditions are looked at only if they or the paramKind changed.

Source: kubernetes pkg/apis/admissionregistration/validation/validation.go.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from kubepy.api import errors, names
from kubepy.api.objects import Obj
from kubepy.api.validation.admissionregistration import (
    check_failure_policy,
    check_match_conditions,
    check_match_policy,
    check_reinvocation,
    check_rule,
)
from kubepy.api.validation.rules import (
    Errors,
    Kind,
    check_enum,
    check_label_key,
    check_label_selector,
    check_messages,
)

if TYPE_CHECKING:
    from kubepy.api.celpolicies import Compiled, Compiler

_NONE: tuple[Any, ...] = ()
_MUTATING_OPERATIONS = ("*", "CONNECT", "CREATE", "UPDATE")
_AUDIT_ANNOTATIONS_MAX = 20
_AUDIT_EXPRESSION_MAX = 5 * 1024

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


class _Expressions:
    """Compiles the expressions of one policy, in their order, and says of each what is wrong with it."""

    def __init__(self, spec: Obj, *, has_variables: bool) -> None:
        self._has_params, self._has_variables = spec.get("paramKind") is not None, has_variables
        self._compiler: Compiler | None = None

    @property
    def compiler(self) -> Compiler:
        if self._compiler is None:
            # CEL takes a while to import, and few clusters need it.
            from kubepy.api.celpolicies import Compiler

            self._compiler = Compiler(has_params=self._has_params, has_variables=self._has_variables)
        return self._compiler

    def check_variable(self, name: str, expression: str, path: str, found: Errors) -> None:
        _report(self.compiler.variable(name, expression), expression, path, found)

    def check(self, use: str, expression: str, path: str, found: Errors, *, shown: str = "") -> None:
        """`use`: the name of one in celpolicies."""
        from kubepy.api import celpolicies

        _report(
            self.compiler.compile(expression, getattr(celpolicies, use)), shown or expression, path, found
        )


def _report(compiled: Compiled, expression: str, path: str, found: Errors) -> None:
    if compiled.program is None:
        found.append(errors.invalid_value(path, expression, compiled.error))


def _check_policy_frame(
    spec: Obj, old: Obj | None, is_mutating: bool, expressions: _Expressions, found: Errors
) -> None:
    """What both kinds of policies have."""
    if spec.get("failurePolicy") is None:
        found.append(errors.required("spec.failurePolicy"))
    check_failure_policy(spec.get("failurePolicy"), "spec.failurePolicy", found)
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
    if old is None or any(spec.get(field) != old.get(field) for field in ("paramKind", "matchConditions")):
        check_match_conditions(
            spec.get("matchConditions") or _NONE, "spec.matchConditions", found,
            has_params=spec.get("paramKind") is not None,
        )  # fmt: skip
    for index, variable in enumerate(spec.get("variables") or _NONE):
        path, name = f"spec.variables[{index}]", variable.get("name") or ""
        if not name.strip():
            found.append(errors.required(f"{path}.name", "name is not specified"))
        elif not _is_identifier(name) or name in _RESERVED:
            found.append(errors.invalid_value(f"{path}.name", name, "must be a valid CEL identifier"))
        expression = variable.get("expression") or ""
        if not expression.strip():
            found.append(errors.required(f"{path}.expression", "expression is not specified"))
        else:
            expressions.check_variable(name, expression, f"{path}.expression", found)


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
    _check_required(match.get("matchPolicy"), check_match_policy, f"{path}.matchPolicy", found)
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
            check_rule(rule, here, found)


def _check_mutating_operations(match: Obj, path: str, found: Errors) -> None:
    for rule in match.get("resourceRules") or _NONE:
        for operation in rule.get("operations") or _NONE:
            if operation not in _MUTATING_OPERATIONS:
                where = f"{path}.resourceRules.operations"
                found.append(errors.not_supported(where, operation, _MUTATING_OPERATIONS))


def _check_new_validating_policy(obj: Obj, found: Errors) -> None:
    _check_validating_policy(obj, None, found)


def _check_changed_validating_policy(new: Obj, old: Obj, found: Errors) -> None:
    _check_validating_policy(new, old.get("spec") or {}, found)


def _check_validating_policy(obj: Obj, old: Obj | None, found: Errors) -> None:
    spec = obj.get("spec") or {}
    expressions = _Expressions(spec, has_variables=bool(spec.get("variables")))
    _check_policy_frame(spec, old, False, expressions, found)
    validations, annotations = spec.get("validations") or _NONE, spec.get("auditAnnotations") or _NONE
    if not validations and not annotations:
        why = "validations or auditAnnotations must contain at least one item"
        found += [errors.required("spec.validations", why), errors.required("spec.auditAnnotations", why)]
        return
    for index, validation in enumerate(validations):
        _check_validation(validation, f"spec.validations[{index}]", expressions, found)
    if len(annotations) > _AUDIT_ANNOTATIONS_MAX:
        why = f"must not have more than {_AUDIT_ANNOTATIONS_MAX} auditAnnotations"
        shown = [
            {"Key": one.get("key"), "ValueExpression": one.get("valueExpression")} for one in annotations
        ]
        found.append(errors.invalid_value("spec.auditAnnotations", shown, why))
    seen: set[str] = set()
    name = obj["metadata"].get("name") or ""
    for index, annotation in enumerate(annotations):
        path, key = f"spec.auditAnnotations[{index}]", annotation.get("key") or ""
        if name:
            check_label_key(f"{name}/{key}", f"{path}.key", found)
        else:
            why = "requires metadata.name be non-empty"
            found.append(errors.invalid_value(f"{path}.key", key, why))
        expression = (annotation.get("valueExpression") or "").strip()
        if not expression:
            why = "valueExpression is not specified"
            found.append(errors.required(f"{path}.valueExpression", why))
        elif len(expression.encode()) > _AUDIT_EXPRESSION_MAX:
            why = f"must not exceed {_AUDIT_EXPRESSION_MAX} bytes in length"
            found.append(errors.required(f"{path}.valueExpression", why))
        else:
            given = annotation["valueExpression"]
            expressions.check("ANNOTATION", expression, f"{path}.valueExpression", found, shown=given)
        if key in seen:
            found.append(errors.duplicate(f"{path}.key", key))
        seen.add(key)


_check_reason = check_enum(("Forbidden", "Invalid", "RequestEntityTooLarge"))


def _check_validation(validation: Obj, path: str, expressions: _Expressions, found: Errors) -> None:
    expression, by_expression = validation.get("expression") or "", validation.get("messageExpression") or ""
    if not expression.strip():
        found.append(errors.required(f"{path}.expression", "expression is not specified"))
    else:
        expressions.check("CONDITION", expression, f"{path}.expression", found)
    if by_expression and not by_expression.strip():
        why = "must be non-empty if specified"
        found.append(errors.invalid_value(f"{path}.messageExpression", by_expression, why))
    elif by_expression:
        expressions.check("MESSAGE", by_expression, f"{path}.messageExpression", found)
    message = validation.get("message") or ""
    if message and not message.strip():
        found.append(errors.invalid_value(f"{path}.message", message, "must be non-empty if specified"))
    elif "\n" in message.strip() or "\r" in message.strip():
        found.append(errors.invalid_value(f"{path}.message", message, "must not contain line breaks"))
    _check_reason(validation.get("reason"), f"{path}.reason", found)


# patchType -> its field
_PATCHES = {"ApplyConfiguration": "applyConfiguration", "JSONPatch": "jsonPatch"}
_USES = {"ApplyConfiguration": "APPLY_CONFIGURATION", "JSONPatch": "JSON_PATCHES"}


def _check_new_mutating_policy(obj: Obj, found: Errors) -> None:
    _check_mutating_policy(obj, None, found)


def _check_changed_mutating_policy(new: Obj, old: Obj, found: Errors) -> None:
    _check_mutating_policy(new, old.get("spec") or {}, found)


def _check_mutating_policy(obj: Obj, old: Obj | None, found: Errors) -> None:
    spec = obj.get("spec") or {}
    expressions = _Expressions(spec, has_variables=True)
    _check_policy_frame(spec, old, True, expressions, found)
    if not spec.get("mutations"):
        found.append(errors.required("spec.mutations", "mutations must contain at least one item"))
    for index, mutation in enumerate(spec.get("mutations") or _NONE):
        path, type_ = f"spec.mutations[{index}]", mutation.get("patchType") or ""
        if not type_:
            found.append(errors.required(f"{path}.patchType"))
        elif type_ not in _PATCHES:
            found.append(errors.not_supported(f"{path}.patchType", type_, tuple(_PATCHES)))
        else:
            _check_mutation(mutation, type_, path, expressions, found)
    _check_required(spec.get("reinvocationPolicy"), check_reinvocation, "spec.reinvocationPolicy", found)


def _check_mutation(mutation: Obj, type_: str, path: str, expressions: _Expressions, found: Errors) -> None:
    own = _PATCHES[type_]
    (other,) = (field for field in _PATCHES.values() if field != own)
    if mutation.get(own) is None:
        found.append(errors.required(f"{path}.{own}", f"must be specified when patchType is {type_}"))
    elif not (expression := (mutation[own].get("expression") or "").strip()):
        found.append(errors.required(f"{path}.{own}.expression"))
    else:
        expressions.check(_USES[type_], expression, f"{path}.{own}.expression", found)
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
ADMISSION_POLICIES: dict[tuple[str, str], Kind] = {
    (_GROUP, "ValidatingAdmissionPolicy"): Kind(
        create=(_check_new_validating_policy,), update=(_check_changed_validating_policy,)
    ),
    (_GROUP, "ValidatingAdmissionPolicyBinding"): Kind(rules=(_check_binding, _check_actions)),
    (_GROUP, "MutatingAdmissionPolicy"): Kind(
        create=(_check_new_mutating_policy,), update=(_check_changed_mutating_policy,)
    ),
    (_GROUP, "MutatingAdmissionPolicyBinding"): Kind(rules=(_check_binding, _check_mutating_binding)),
}
