"""What the status of a CustomResourceDefinition should be, decided without touching it.

Names are taken by whoever is first in a group; a definition whose names are all its own is established.

Differs: names are accepted and the kind established in one write; upstream's second controller follows five seconds
later in clusters with several API servers.

Source: apiextensions-apiserver pkg/controller/{status,establish,nonstructuralschema,apiapproval}/*_controller.go,
pkg/apihelpers/helpers.go.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from kubepy.api import approval, ca_bundle, errors, structural
from kubepy.api.errors import FieldError
from kubepy.api.objects import Obj, copy

FINALIZER = "customresourcecleanup.apiextensions.k8s.io"


def plan(
    definition: Obj, others: Iterable[Obj], now: str, violations: Sequence[FieldError] | None = None
) -> Obj:
    """The status. `others`: the accepted names of the definitions of the same group; `violations`: what `nonstructural`
    found, if somebody has looked."""
    status = copy(definition.get("status") or {})
    accepted = status.get("acceptedNames") or {}
    if accepted != definition["spec"]["names"] or not status.get("conditions"):
        names, refusal = accept(definition["spec"]["names"], accepted, others)
        status["acceptedNames"] = names
        if refusal is None:
            set_condition(status, "NamesAccepted", "True", "NoConflicts", "no conflicts found", now)
        else:
            reason, message = refusal
            set_condition(status, "NamesAccepted", "False", reason, message, now)
            if not _is_true(status, "Established"):
                text = "not all names are accepted"
                set_condition(status, "Established", "False", "NotAccepted", text, now)
    if _is_true(status, "NamesAccepted") and not _is_true(status, "Established"):
        _establish(definition, status, now)
    _plan_approval(definition, status, now)
    _plan_structure(nonstructural(definition) if violations is None else violations, status, now)
    return status


def _establish(definition: Obj, status: Obj, now: str) -> None:
    """Source: establishing_controller.go sync."""
    webhook = (definition["spec"].get("conversion") or {}).get("webhook") or {}
    if ca_bundle.error((webhook.get("clientConfig") or {}).get("caBundle")):
        text = "The conversion webhook CABundle is invalid"
        set_condition(status, "Established", "False", "InvalidCABundle", text, now)
    else:
        text = "the initial names have been accepted"
        set_condition(status, "Established", "True", "InitialNamesAccepted", text, now)


def accept(wanted: Obj, accepted: Obj, others: Iterable[Obj]) -> tuple[Obj, tuple[str, str] | None]:
    """(the names it has now, why not all that it wants: reason and message)."""
    resources: set[str] = set()
    kinds: set[str] = set()
    for names in others:
        resources |= {names.get("plural", ""), names.get("singular", ""), *(names.get("shortNames") or ())}
        kinds |= {names.get("kind", ""), names.get("listKind", "")}
    found = copy(accepted) or {"plural": "", "kind": ""}
    refusal: tuple[str, str] | None = None
    for field, reason, used in (
        ("plural", "PluralConflict", resources),
        ("singular", "SingularConflict", resources),
        ("shortNames", "ShortNamesConflict", resources),
        ("kind", "KindConflict", kinds),
        ("listKind", "ListKindConflict", kinds),
    ):
        value = wanted.get(field)
        taken = _taken(value, accepted.get(field), used)
        if taken:
            refusal = reason, taken
        elif value:
            found[field] = value
        else:
            found.pop(field, None)
    if wanted.get("categories"):
        found["categories"] = wanted["categories"]
    else:
        found.pop("categories", None)
    return found, refusal


def _taken(value: Any, own: Any, used: Collection[str]) -> str:
    """Which of the names somebody else has."""
    if isinstance(value, list):
        texts = [f'"{name}" is already in use' for name in value if name in used and name not in (own or ())]
        return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]" if texts else ""
    return f'"{value}" is already in use' if value and value != own and value in used else ""


# Status and reason of KubernetesAPIApprovalPolicyConformant.
_APPROVALS = {
    approval.INVALID: ("False", "InvalidAnnotation"),
    approval.MISSING: ("False", "MissingAnnotation"),
    approval.APPROVED: ("True", "ApprovedAnnotation"),
    approval.BYPASSED: ("False", "UnapprovedAnnotation"),
}


def _plan_approval(definition: Obj, status: Obj, now: str) -> None:
    """Source: apiapproval_controller.go calculateCondition."""
    if approval.is_protected(definition["spec"]["group"]):
        given = approval.of(definition)
        value, reason = _APPROVALS[given.state]
        set_condition(status, "KubernetesAPIApprovalPolicyConformant", value, reason, given.reason, now)


def _plan_structure(violations: Sequence[FieldError], status: Obj, now: str) -> None:
    """The condition NonStructuralSchema, there only if it is True. Source: calculateCondition."""
    if violations:
        message = errors.aggregate(violations)
        set_condition(status, "NonStructuralSchema", "True", "Violations", message, now)
    elif any(each["type"] == "NonStructuralSchema" for each in status.get("conditions") or ()):
        status["conditions"] = [
            each for each in status["conditions"] if each["type"] != "NonStructuralSchema"
        ]


def nonstructural(definition: Obj) -> list[FieldError]:
    found: list[FieldError] = []
    spec = definition["spec"]
    if spec.get("preserveUnknownFields"):
        found.append(errors.invalid_value("spec.preserveUnknownFields", True, "must be false"))
    for index, version in enumerate(spec.get("versions") or ()):
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        if schema is not None:
            found += structural.check(schema, f"spec.versions[{index}].schema.openAPIV3Schema")
    return found


def set_condition(status: Obj, type_: str, value: str, reason: str, message: str, now: str) -> None:
    """Source: SetCRDCondition. The time moves only when the status of the condition does."""
    conditions = status.get("conditions")
    if not conditions:
        conditions = status["conditions"] = []
    for condition in conditions:
        if condition["type"] == type_:
            if condition.get("status") != value or not condition.get("lastTransitionTime"):
                condition["lastTransitionTime"] = now
            condition |= {"status": value, "reason": reason, "message": message}
            return
    conditions.append(
        {"type": type_, "status": value, "lastTransitionTime": now, "reason": reason, "message": message}
    )


def _is_true(status: Obj, type_: str) -> bool:
    return any(
        each["type"] == type_ and each.get("status") == "True" for each in status.get("conditions") or ()
    )
