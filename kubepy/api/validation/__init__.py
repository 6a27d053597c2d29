"""What Kubernetes says about an object that no schema says: Go's Validate* functions, as tables.

`validate_create` and `validate_update` take an object that was decoded and defaulted, and return the findings in
upstream's order and words; the caller raises `errors.invalid(resource, name, findings)` if there are any. Neither
changes the object.

Reading order: rules.py (the parts), metadata.py (for all kinds), kinds.py (the table), then a module per API group.

Promised: the text, field and type of a finding are upstream's. Not promised: that every rule of every kind is here;
kinds.py is the list of what is.

Source: kubernetes pkg/apis/*/validation/validation.go, pkg/registry/*/*/strategy.go (which function runs when).
"""

from __future__ import annotations

from kubepy.api import errors, names
from kubepy.api.errors import FieldError
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.api.validation import metadata, passes
from kubepy.api.validation.kinds import KINDS
from kubepy.api.validation.rules import Kind, check_non_negative

__all__ = ["validate_binding", "validate_create", "validate_scale", "validate_update"]

_GENERIC = Kind()


def validate_create(resource: Resource, obj: Obj) -> list[FieldError]:
    """Findings about an object that is to be created: name, namespace and defaults are already set."""
    found: list[FieldError] = []
    kind = KINDS.get((resource.group, resource.kind), _GENERIC)
    meta = obj["metadata"]
    if not resource.custom and passes.is_last(resource.group, resource.kind):
        _check_kind(kind, obj, found)
        if not found:
            metadata.check_create(meta, resource.namespaced, names.name_is_path_segment, found)
        return found
    metadata.check_create(meta, resource.namespaced, kind.name, found)
    if meta.get("finalizers") and not resource.custom and passes.wants_domains(resource.group, resource.kind):
        metadata.check_builtin_finalizers(meta.get("finalizers"), "metadata.finalizers", found)
    _check_kind(kind, obj, found)
    return found


def _check_kind(kind: Kind, obj: Obj, found: list[FieldError]) -> None:
    for rule in kind.rules:
        rule(obj, found)
    for rule in kind.create:
        rule(obj, found)


def validate_update(resource: Resource, new: Obj, old: Obj, subresource: str = "") -> list[FieldError]:
    """Findings about replacing `old` by `new`; `subresource` "status", "scale", ... has its own rules."""
    found: list[FieldError] = []
    kind = KINDS.get((resource.group, resource.kind), _GENERIC)
    looks = "U" if resource.custom else passes.of_update(resource.group, resource.kind, subresource)
    if looks is not None:
        metadata.check_update(new["metadata"], old["metadata"], looks, kind.name, found)
    if subresource:
        for update_rule in kind.subresources.get(subresource, ()):
            update_rule(new, old, found)
        return found
    for rule in kind.rules:
        rule(new, found)
    for update_rule in kind.update:
        update_rule(new, old, found)
    return found


def validate_scale(scale: Obj) -> list[FieldError]:
    """Findings about the body of a scale subresource. Source: autoscaling ValidateScale."""
    found: list[FieldError] = []
    check_non_negative((scale.get("spec") or {}).get("replicas"), "spec.replicas", found)
    return found


def validate_binding(binding: Obj) -> list[FieldError]:
    """Findings about a pod's binding. Source: core ValidatePodBinding."""
    found: list[FieldError] = []
    target = binding.get("target") or {}
    if target.get("kind") not in (None, "", "Node"):
        found.append(errors.not_supported("target.kind", target["kind"], ("Node", "<empty>")))
    if not target.get("name"):
        found.append(errors.required("target.name"))
    return found
