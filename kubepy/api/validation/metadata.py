"""The rules of metadata, the same for every kind.

Not here: resourceVersion (the registry compares it, and it knows which kinds may be updated without one).
Source: apimachinery pkg/api/validation/objectmeta.go, pkg/apis/meta/v1/validation/validation.go,
kubernetes pkg/apis/core/validation/validation.go ValidateObjectMeta.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from kubepy.api import errors, names
from kubepy.api.objects import Obj, group_version
from kubepy.api.validation.rules import (
    IMMUTABLE_TEXT,
    Errors,
    check_labels,
    check_messages,
    check_non_negative,
)

ANNOTATIONS_SIZE_MAX = 256 * 1024
FIELD_MANAGER_LENGTH_MAX = 128
SUBRESOURCE_LENGTH_MAX = 256

FINALIZER_ORPHAN, FINALIZER_FOREGROUND = "orphan", "foregroundDeletion"
_STANDARD_FINALIZERS = frozenset(("kubernetes", FINALIZER_ORPHAN, FINALIZER_FOREGROUND))

_IMMUTABLE = (
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)


def check_create(metadata: Obj, namespaced: bool, name_check: names.NameCheck, found: Errors) -> None:
    """Source: ValidateObjectMetaAccessor."""
    check_generate_name(metadata.get("generateName") or "", name_check, found)
    name = metadata.get("name")
    if not name:
        found.append(errors.required("metadata.name", "name or generateName is required"))
    elif messages := name_check(name, False):
        check_messages(messages, name, "metadata.name", found)
    _check_namespace(metadata.get("namespace"), namespaced, found)
    check_non_negative(metadata.get("generation"), "metadata.generation", found)
    _check_common(metadata, found)
    finalizers = metadata.get("finalizers")
    if finalizers:
        check_finalizers(finalizers, "metadata.finalizers", found)


def check_update(new: Obj, old: Obj, passes: str, name_check: names.NameCheck, found: Errors) -> None:
    """`passes`: how the kind's own validation looks at metadata, a row of `passes.py`; `name_check`: what it thinks of
    a generateName.

    Each look says the same again, and a Status lists what it said; so the parts are found once and told as often.
    Source: apiserver pkg/registry/rest/update.go BeforeUpdate, validateCommonFields.
    """
    changed: Errors = []
    _check_changes(new, old, changed)
    common: Errors = []
    _check_common(new, common)
    named: Errors = []
    qualified: Errors = []
    finalizers = new.get("finalizers")
    if finalizers:
        check_finalizers(finalizers, "metadata.finalizers", named)
        check_builtin_finalizers(finalizers, "metadata.finalizers", qualified)
    generate_name = new.get("generateName") or ""
    if not (changed or common or named or qualified or generate_name):
        return
    check_generate_name(generate_name, names.name_is_path_segment, found)
    found += common + named + changed + common
    for look in passes:
        if look in "GF":
            check_generate_name(generate_name, name_check, found)
            found += common + named
        else:
            found += changed + common
        if look in "Fu":
            found += qualified


def check_generate_name(generate_name: str, name_check: names.NameCheck, found: Errors) -> None:
    if generate_name:
        check_messages(name_check(generate_name, True), generate_name, "metadata.generateName", found)


# What a template cannot give to what is made of it, and how upstream spells it.
_NOT_OF_TEMPLATES = {
    "name": "name",
    "generateName": "generateName",
    "namespace": "namespace",
    "selfLink": "selfLink",
    "uid": "uID",
    "resourceVersion": "resourceVersion",
    "generation": "generation",
    "creationTimestamp": "creationTimestamp",
    "deletionTimestamp": "deletionTimestamp",
    "deletionGracePeriodSeconds": "deletionGracePeriodSeconds",
    "ownerReferences": "ownerReferences",
    "finalizers": "finalizers",
    "managedFields": "managedFields",
}


def check_template(metadata: Obj, path: str, found: Errors) -> None:
    """Of claims that are made from one: labels and annotations only. Source: core ValidateTemplateObjectMeta."""
    check_annotations(metadata.get("annotations"), f"{path}.annotations", found)
    check_labels(metadata.get("labels"), f"{path}.labels", found)
    for field, shown in _NOT_OF_TEMPLATES.items():
        value = metadata.get(field)
        if value or (value == 0 and field == "deletionGracePeriodSeconds"):
            found.append(errors.forbidden_field(f"{path}.{shown}", "cannot be set"))


def _check_changes(new: Obj, old: Obj, found: Errors) -> None:
    """Source: ValidateObjectMetaAccessorUpdate, without what holds for any object."""
    finalizers = new.get("finalizers")
    if finalizers and old.get("deletionTimestamp"):
        extra = sorted(set(finalizers) - set(old.get("finalizers") or ()))
        if extra:
            listed = ", ".join(map(errors.quote, extra))
            why = "no new finalizers can be added if the object is being deleted, found new finalizers "
            found.append(errors.forbidden_field("metadata.finalizers", f"{why}[]string{{{listed}}}"))
    generation = new.get("generation") or 0
    if generation < (old.get("generation") or 0):
        found.append(errors.invalid_value("metadata.generation", generation, "must not be decremented"))
    for field in _IMMUTABLE:
        after, before = new.get(field), old.get(field)
        if after is before:
            continue
        # An empty text is none; no seconds are some.
        if after != before and (after or before or field == "deletionGracePeriodSeconds"):
            found.append(errors.invalid_value(f"metadata.{field}", _shown(field, after), IMMUTABLE_TEXT))


def _shown(field: str, value: Any) -> Any:
    """A string field that was removed is "" to Go, a pointer is null."""
    return "" if value is None and field in ("name", "namespace", "uid") else value


def _check_namespace(namespace: str | None, namespaced: bool, found: Errors) -> None:
    if not namespaced:
        if namespace:
            found.append(errors.forbidden_field("metadata.namespace", "not allowed on this type"))
    elif not namespace:
        found.append(errors.required("metadata.namespace"))
    elif messages := names.dns1123_label(namespace):
        check_messages(messages, namespace, "metadata.namespace", found)


def _check_common(metadata: Obj, found: Errors) -> None:
    labels = metadata.get("labels")
    if labels:
        check_labels(labels, "metadata.labels", found)
    annotations = metadata.get("annotations")
    if annotations:
        check_annotations(annotations, "metadata.annotations", found)
    references = metadata.get("ownerReferences")
    if references:
        check_owner_references(references, "metadata.ownerReferences", found)
    managed = metadata.get("managedFields")
    if managed:
        check_managed_fields(managed, "metadata.managedFields", found)


def check_annotations(annotations: dict[str, str] | None, path: str, found: Errors) -> None:
    """Keys as labels' but in any case; values anything; 256 KiB in all. Source: ValidateAnnotations."""
    if not annotations:
        return
    size = 0
    for key, value in annotations.items():
        if messages := names.label_key(key.lower()):
            check_messages(messages, key, path, found)
        # Characters first: encoding every value only to measure it would cost more than all the rest.
        size += len(key) + (len(value) if value.isascii() else len(value.encode()))
    if size > ANNOTATIONS_SIZE_MAX:
        found.append(errors.too_long(path, ANNOTATIONS_SIZE_MAX))


def check_owner_references(references: list[Obj], path: str, found: Errors) -> None:
    controller = ""
    for reference in references:
        kind, name = reference.get("kind", ""), reference.get("name", "")
        group, version = group_version(reference.get("apiVersion") or "")
        if not version:
            at = f"{path}.apiVersion"
            found.append(
                errors.invalid_value(at, reference.get("apiVersion", ""), "version must not be empty")
            )
        for field in ("kind", "name", "uid"):
            if not reference.get(field):
                found.append(errors.invalid_value(f"{path}.{field}", "", "must not be empty"))
        if (group, version, kind) == ("", "v1", "Event"):
            why = "/v1, Kind=Event is disallowed from being an owner"
            found.append(errors.invalid_value(path, reference, why))
        if reference.get("controller"):
            if controller:
                why = (
                    "Only one reference can have Controller set to true. "
                    f'Found "true" in references for {controller} and {kind}/{name}'
                )
                found.append(errors.invalid_value(path, references, why))
            else:
                controller = f"{kind}/{name}"


def check_finalizers(finalizers: list[str], path: str, found: Errors) -> None:
    for finalizer in finalizers:
        check_messages(names.label_key(finalizer), finalizer, path, found)
    if FINALIZER_ORPHAN in finalizers and FINALIZER_FOREGROUND in finalizers:
        why = f"finalizer {FINALIZER_ORPHAN} and {FINALIZER_FOREGROUND} cannot be both set"
        found.append(errors.invalid_value(path, finalizers, why))


def check_builtin_finalizers(finalizers: list[str] | None, path: str, found: Errors) -> None:
    """Built-in kinds want a domain before the name. Source: core validateKubeFinalizerName."""
    for index, finalizer in enumerate(finalizers or ()):
        if "/" not in finalizer and finalizer not in _STANDARD_FINALIZERS:
            why = "name is neither a standard finalizer name nor is it fully qualified"
            found.append(errors.invalid_value(f"{path}[{index}]", finalizer, why))


def check_managed_fields(entries: list[Obj], path: str, found: Errors) -> None:
    for index, entry in enumerate(entries):
        get = entry.get
        found += _of_entry(
            f"{path}[{index}]", get("operation", ""), get("fieldsType") or "", get("manager") or "",
            get("subresource") or "",
        )  # fmt: skip


# Of all objects there are a few dozen.
@lru_cache(maxsize=1024)
def _of_entry(
    at: str, operation: str, fields_type: str, manager: str, subresource: str
) -> tuple[errors.FieldError, ...]:
    found: Errors = []
    if operation not in ("Apply", "Update"):
        found.append(errors.invalid_value(f"{at}.operation", operation, "must be `Apply` or `Update`"))
    if fields_type and fields_type != "FieldsV1":
        found.append(errors.invalid_value(f"{at}.fieldsType", fields_type, "must be `FieldsV1`"))
    check_field_manager(manager, f"{at}.manager", found)
    if len(subresource) > SUBRESOURCE_LENGTH_MAX:
        found.append(errors.too_long(f"{at}.subresource", SUBRESOURCE_LENGTH_MAX))
    return tuple(found)


def check_field_manager(manager: str, path: str, found: Errors) -> None:
    """Source: ValidateFieldManager."""
    if len(manager.encode()) > FIELD_MANAGER_LENGTH_MAX:
        found.append(errors.too_long(path, FIELD_MANAGER_LENGTH_MAX))
    if not manager.isprintable():
        for number, character in enumerate(manager):
            if not character.isprintable():
                index = len(manager[:number].encode())
                why = f"invalid character U+{ord(character):04X} (at position {index})"
                found.append(errors.invalid_value(path, manager, why))


def check_embedded(given: Obj, path: str, found: Errors) -> None:
    """Of an object within a custom one, which need not have a name."""
    own: Errors = []
    named = given if given.get("name") else given | {"name": "fakename"}
    check_create(named, bool(given.get("namespace")), names.name_is_path_segment, own)
    found += [finding._replace(field=f"{path}.{finding.field.removeprefix('metadata.')}") for finding in own]
