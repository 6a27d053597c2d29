"""CustomResourceDefinitions: names, versions, approval, conversion, columns, paths. Their schemas: crd_schemas.py.

Source: apiextensions-apiserver pkg/apis/apiextensions/validation/validation.go, pkg/apihelpers/helpers.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from kubepy.api import approval, ca_bundle, errors, names
from kubepy.api.errors import FieldError
from kubepy.api.fieldpath import field_path
from kubepy.api.objects import Obj, is_condition_true
from kubepy.api.validation.crd_internals import hub, show_versions
from kubepy.api.validation.crd_schemas import check_schema
from kubepy.api.validation.rules import IMMUTABLE_TEXT, Errors, Kind
from kubepy.api.validation.webhook_clients import check_client_config

SELECTABLE_FIELDS_MAX = 8
_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
_REVIEW_VERSIONS = ("v1", "v1beta1")


class Circumstances(NamedTuple):
    """What an update may leave as it was, though nobody may create it so any more."""

    before: Obj | None = None  # the old spec
    is_established: bool = False

    def allows(self, path: str, new: Any) -> bool:
        """Whether the part of the spec at a dotted path is what it was."""
        old: Any = self.before
        for step in path.split("."):
            old = old.get(step) if isinstance(old, dict) else None
        return self.before is not None and old == new


def check(definition: Obj, found: Errors) -> None:
    """A definition that is to be created."""
    spec = definition["spec"]
    name = definition["metadata"].get("name", "")
    if name and name != f"{spec.get('names', {}).get('plural', '')}.{spec.get('group', '')}":
        text = 'must be spec.names.plural+"."+spec.group'
        found.append(errors.invalid_value("metadata.name", name, text))
    _check_spec(spec, Circumstances(), found)
    _check_status(definition, found)
    _check_approval(definition, None, found)
    if spec.get("preserveUnknownFields"):
        found.append(errors.invalid_value("spec.preserveUnknownFields", True, _PRESERVE))


_PRESERVE = (
    "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
)


def check_update(new: Obj, old: Obj, found: Errors) -> None:
    spec, old_spec = new["spec"], old["spec"]
    is_established = is_condition_true(old, "Established")
    if spec != old_spec:
        _check_spec(spec, Circumstances(old_spec, is_established), found)
    fixed = ["group", "names.plural"]
    if is_established:
        fixed = ["scope", "names.kind", *fixed]
    for path in fixed:
        before, after = (_at(each, path) for each in (old_spec, spec))
        if before != after:
            found.append(errors.invalid_value(f"spec.{path}", after or "", IMMUTABLE_TEXT))
    _check_status(new, found)
    _check_approval(new, old, found)
    if spec.get("preserveUnknownFields") and not old_spec.get("preserveUnknownFields"):
        found.append(errors.invalid_value("spec.preserveUnknownFields", True, _PRESERVE))


def check_status_update(new: Obj, old: Obj, found: Errors) -> None:
    _check_names((new.get("status") or {}).get("acceptedNames") or {}, "status.acceptedNames", found)


def _at(spec: Obj, path: str) -> Any:
    found: Any = spec
    for step in path.split("."):
        found = (found or {}).get(step)
    return found


# -- spec -----------------------------------------------------------------------------------------------------------


def _check_spec(spec: Obj, was: Circumstances, found: Errors) -> None:
    group = spec.get("group", "")
    if not group:
        found.append(errors.required("spec.group"))
    elif messages := names.dns1123_subdomain(group):
        found.append(errors.invalid_value("spec.group", group, ",".join(messages)))
    elif "." not in group:
        found.append(errors.invalid_value("spec.group", group, "should be a domain with at least one dot"))
    scope = spec.get("scope", "")
    if not scope:
        found.append(errors.required("spec.scope"))
    elif scope not in ("Cluster", "Namespaced"):
        found.append(errors.not_supported("spec.scope", scope, ("Cluster", "Namespaced")))
    form = hub(spec)
    versions = form.versions or []
    if _schema_of(form.common) is None and not (was.before is not None and _lacks_schema(was.before)):
        for index, version in enumerate(versions):
            if _schema_of(version) is None:
                found.append(errors.required(f"spec.versions[{index}].schema.openAPIV3Schema"))
    old_versions = {version.get("name"): version for version in (was.before or {}).get("versions") or ()}
    for index, version in enumerate(versions):
        old, has_status = old_versions.get(version.get("name")), form.version_has_status(version)
        _check_version(version, f"spec.versions[{index}]", old, has_status, found)
    given = [version.get("name", "") for version in versions]
    if len(set(given)) < len(given):
        shown = show_versions(form.versions)
        found.append(errors.invalid_value("spec.versions", shown, "must contain unique version names"))
    if sum(bool(version.get("storage")) for version in versions) != 1:
        text = "must have exactly one version marked as storage version"
        found.append(errors.invalid_value("spec.versions", show_versions(form.versions), text))
    if given and given[0] and (messages := names.dns1035_label(given[0])):
        found.append(errors.invalid_value("spec.version", given[0], ",".join(messages)))
    wanted = spec.get("names") or {}
    for field in ("plural", "singular", "kind", "listKind"):
        if not wanted.get(field):
            found.append(errors.required(f"spec.names.{field}"))
    _check_names(wanted, "spec.names", found)
    old = old_versions.get(given[0]) if given else None
    _check_parts(form.common, "spec", "spec.validation", old, form.has_status, _NO_SCHEMA_AT_ALL, found)
    _check_conversion(spec, was, found)


def _schema_of(holder: Obj) -> Obj | None:
    """Of a version, or of what versions have in common."""
    return (holder.get("schema") or {}).get("openAPIV3Schema")


def _lacks_schema(spec: Obj) -> bool:
    return any(_schema_of(each) is None for each in spec.get("versions") or ())


def _check_names(wanted: Obj, path: str, found: Errors) -> None:
    for field in ("plural", "singular"):
        if (text := wanted.get(field)) and (messages := names.dns1035_label(text)):
            found.append(errors.invalid_value(f"{path}.{field}", text, ",".join(messages)))
    for field in ("kind", "listKind"):
        if (text := wanted.get(field)) and (messages := names.dns1035_label(text.lower())):
            why = "may have mixed case, but should otherwise match: " + ",".join(messages)
            found.append(errors.invalid_value(f"{path}.{field}", text, why))
    for index, text in enumerate(wanted.get("shortNames") or ()):
        if messages := names.dns1035_label(text):
            found.append(errors.invalid_value(f"{path}.shortNames[{index}]", text, ",".join(messages)))
    if wanted.get("kind") and wanted["kind"] == wanted.get("listKind"):
        text = "kind and listKind may not be the same"
        found.append(errors.invalid_value(f"{path}.listKind", wanted["listKind"], text))
    for index, text in enumerate(wanted.get("categories") or ()):
        if messages := names.dns1035_label(text):
            found.append(errors.invalid_value(f"{path}.categories[{index}]", text, ",".join(messages)))


def _check_status(definition: Obj, found: Errors) -> None:
    status = definition.get("status") or {}
    _check_names(status.get("acceptedNames") or {}, "status.acceptedNames", found)
    stored, at = status.get("storedVersions"), "status.storedVersions"
    if not stored:
        found.append(errors.invalid_value(at, stored, "must have at least one stored version"))
        return
    versions, left = definition["spec"].get("versions") or (), set(stored)
    for version in versions:
        name = version.get("name", "")
        if version.get("storage") and name not in left:
            found.append(errors.invalid_value(at, stored, f"must have the storage version {name}"))
        left.discard(name)
    known = {version.get("name") for version in versions}
    for index, name in enumerate(stored):
        if name not in known:
            text = (
                f"missing from spec.versions; {name} was previously a storage version, and must remain in "
                f"spec.versions until a storage migration ensures no data remains persisted in {name} and removes "
                f"{name} from status.storedVersions"
            )
            found.append(errors.invalid_value(f"{at}[{index}]", name, text))


def _check_approval(new: Obj, old: Obj | None, found: Errors) -> None:
    """Groups of the Kubernetes community want a word about who approved. Source: validateAPIApproval."""
    if not approval.is_protected(new["spec"].get("group", "")):
        return
    given = approval.of(new)
    if old is not None and approval.of(old).state == given.state:
        return
    at = f"metadata.annotations[{approval.ANNOTATION}]"
    if given.state == approval.MISSING:
        found.append(errors.required(at, given.reason))
    elif given.state == approval.INVALID:
        found.append(errors.invalid_value(at, given.given, given.reason))


# -- conversion -----------------------------------------------------------------------------------------------------


def _check_conversion(spec: Obj, was: Circumstances, found: Errors) -> None:
    conversion = spec.get("conversion")
    if conversion is None:
        return
    at = "spec.conversion"
    strategy = conversion.get("strategy", "")
    if not strategy:
        found.append(errors.required(f"{at}.strategy"))
    elif strategy not in ("None", "Webhook"):
        found.append(errors.not_supported(f"{at}.strategy", strategy, ("None", "Webhook")))
    webhook = conversion.get("webhook") or {}
    config, review = webhook.get("clientConfig"), webhook.get("conversionReviewVersions") or []
    if strategy != "Webhook":
        why = "should not be set when strategy is not set to Webhook"
        if config is not None:
            found.append(errors.forbidden_field(f"{at}.webhookClientConfig", why))
        if review:
            found.append(errors.forbidden_field(f"{at}.conversionReviewVersions", why))
        return
    if config is None:
        why = "required when strategy is set to Webhook"
        found.append(errors.required(f"{at}.webhookClientConfig", why))
    else:
        check_client_config(config, f"{at}.webhookClientConfig", found)
        bundle = config.get("caBundle")
        if was.is_established and not _had_unusable_bundle(was.before) and (why := ca_bundle.error(bundle)):
            found.append(errors.invalid_value(f"{at}.webhookClientConfig.caBundle", bundle, why))
    _check_review_versions(review, was, f"{at}.conversionReviewVersions", found)


def _had_unusable_bundle(spec: Obj | None) -> bool:
    """Source: allowInvalidCABundle. What is not established yet says so in its status."""
    webhook = ((spec or {}).get("conversion") or {}).get("webhook") or {}
    return bool(ca_bundle.error((webhook.get("clientConfig") or {}).get("caBundle")))


def _check_review_versions(versions: Sequence[str], was: Circumstances, at: str, found: Errors) -> None:
    if not versions:
        found.append(errors.required(at))
        return
    seen: set[str] = set()
    for index, version in enumerate(versions):
        if version in seen:
            found.append(errors.invalid_value(f"{at}[{index}]", version, "duplicate version"))
            continue
        seen.add(version)
        messages = names.dns1035_label(version)
        found += [errors.invalid_value(f"{at}[{index}]", version, message) for message in messages]
    if seen.isdisjoint(_REVIEW_VERSIONS) and not was.allows(
        "conversion.webhook.conversionReviewVersions", versions
    ):
        text = f"must include at least one of {', '.join(_REVIEW_VERSIONS)}"
        found.append(errors.invalid_value(at, versions, text))


# -- versions -------------------------------------------------------------------------------------------------------


# Upstream means the opposite of the first.
_NO_SCHEMA = "may only be set when `version.schema.openAPIV3Schema` is not included"
_NO_SCHEMA_AT_ALL = "may only be set when validations.schema is included"


def _check_version(version: Obj, at: str, old: Obj | None, has_status: bool, found: Errors) -> None:
    name = version.get("name", "")
    if messages := names.dns1035_label(name):
        found.append(errors.invalid_value(f"{at}.name", name, ",".join(messages)))
    _check_deprecation(version, at, found)
    _check_parts(version, at, f"{at}.schema", old, has_status, _NO_SCHEMA, found)


def _check_parts(
    holder: Obj, at: str, schema_at: str, old: Obj | None, has_status: bool, no_schema: str, found: Errors
) -> None:
    """Schema, subresources, columns and selectable fields, of one version or of all."""
    schema, subresources = _schema_of(holder), holder.get("subresources") or {}
    if schema is not None:
        check_schema(schema, f"{schema_at}.openAPIV3Schema", has_status, _schema_of(old or {}), found)
    if subresources.get("scale") is not None:
        _check_scale(subresources["scale"], f"{at}.subresources.scale", found)
    for index, column in enumerate(holder.get("additionalPrinterColumns") or ()):
        _check_column(column, f"{at}.additionalPrinterColumns[{index}]", found)
    fields = holder.get("selectableFields") or []
    if fields and schema is None:
        found.append(errors.invalid_value(f"{at}.selectableFields", "", no_schema))
    elif fields and schema is not None:
        is_old = old is not None and old.get("selectableFields") == fields
        _check_selectable(fields, schema, f"{at}.selectableFields", is_old, found)


def _check_deprecation(version: Obj, at: str, found: Errors) -> None:
    warning = version.get("deprecationWarning")
    if warning is None:
        return
    messages = []
    if not version.get("deprecated"):
        messages = ["can only be set for deprecated versions"]
    else:
        if len(warning.encode()) > 256:
            messages.append("must be <= 256 characters long")
        if not warning:
            messages.append("must not be an empty string")
        bad = next((index for index, char in enumerate(warning) if not char.isprintable()), None)
        if bad is not None:
            text = "must only contain printable UTF-8 characters; non-printable character found at index"
            messages.append(f"{text} {bad}")
    found += [errors.invalid_value(f"{at}.deprecationWarning", warning, message) for message in messages]


def _simple_path(path: str, at: str) -> list[FieldError]:
    if path.startswith("."):
        return []
    return [errors.invalid_value(at, path, "must be a simple json path starting with .")]


def _check_scale(scale: Obj, at: str, found: Errors) -> None:
    for field, root in (("specReplicasPath", ".spec."), ("statusReplicasPath", ".status.")):
        path = scale.get(field, "")
        if not path:
            found.append(errors.required(f"{at}.{field}"))
        elif findings := _simple_path(path, f"{at}.{field}"):
            found += findings
        elif not path.startswith(root):
            text = f"should be a json path under {root[:-1]}"
            found.append(errors.invalid_value(f"{at}.{field}", path, text))
    path = scale.get("labelSelectorPath", "")
    if path:
        if findings := _simple_path(path, f"{at}.labelSelectorPath"):
            found += findings
        elif not path.startswith((".spec.", ".status.")):
            text = "should be a json path under either .spec or .status"
            found.append(errors.invalid_value(f"{at}.labelSelectorPath", path, text))


def _check_column(column: Obj, at: str, found: Errors) -> None:
    if not column.get("name"):
        found.append(errors.required(f"{at}.name"))
    type_, known = column.get("type", ""), f"must be one of {','.join(_COLUMN_TYPES)}"
    if not type_:
        found.append(errors.required(f"{at}.type", known))
    elif type_ not in _COLUMN_TYPES:
        found.append(errors.invalid_value(f"{at}.type", type_, known))
    format_ = column.get("format", "")
    if format_ and format_ not in _COLUMN_FORMATS:
        text = f"must be one of {','.join(_COLUMN_FORMATS)}"
        found.append(errors.invalid_value(f"{at}.format", format_, text))
    path = column.get("jsonPath", "")
    if not path:
        found.append(errors.required(f"{at}.JSONPath"))
    else:
        found += _simple_path(path, f"{at}.JSONPath")


def _check_selectable(fields: Sequence[Obj], schema: Obj, at: str, is_old: bool, found: Errors) -> None:
    seen: set[str] = set()
    for index, field in enumerate(fields):
        path, here = field.get("jsonPath", ""), f"{at}[{index}].jsonPath"
        if not path:
            found.append(errors.required(here))
            continue
        try:
            shown, leaf = field_path(path, schema, brackets=False)
        except ValueError as error:
            found.append(errors.invalid_value(here, path, f"is an invalid path: {error}"))
            continue
        if shown.partition(".")[0] == "metadata":
            found.append(errors.invalid_value(here, path, "must not point to fields in metadata"))
        if leaf.get("type") not in ("string", "boolean", "integer"):
            text = (
                "must point to a field of type string, boolean or integer. Enum string fields and strings with formats "
                "are allowed."
            )
            found.append(errors.invalid_value(here, path, text))
        if shown in seen:
            found.append(errors.duplicate(here, path))
        seen.add(shown)
    if len(seen) > SELECTABLE_FIELDS_MAX and not is_old:
        found.append(errors.too_many(at, len(seen), SELECTABLE_FIELDS_MAX))


API_EXTENSIONS = {
    ("apiextensions.k8s.io", "CustomResourceDefinition"): Kind(
        create=(check,), update=(check_update,), subresources={"status": (check_status_update,)}
    )
}
