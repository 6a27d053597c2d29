"""CustomResourceDefinitions: names, versions, schemas with their defaults and rules, conversion, columns, paths.

Source: apiextensions-apiserver pkg/apis/apiextensions/validation/{validation,cel_validation}.go,
pkg/apiserver/schema/defaulting/validation.go, pkg/apihelpers/helpers.go, apiserver pkg/util/webhook/validation.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from kubepy.api import ca_bundle, errors, names, structural
from kubepy.api.errors import FieldError
from kubepy.api.fieldpath import field_path
from kubepy.api.objects import Obj, copy, is_condition_true
from kubepy.api.validation.crd_internals import PROPS, hub, show_rule, show_schema, show_versions
from kubepy.api.validation.rules import IMMUTABLE_TEXT, Errors, Kind
from kubepy.api.valuevalidation import NOTHING, compile_schema

SELECTABLE_FIELDS_MAX = 8
# Of one rule, times how often it can be asked; of all rules of a schema.
_COST_LIMIT, _CRD_COST_LIMIT = 10_000_000, 100_000_000
_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
_REVIEW_VERSIONS = ("v1", "v1beta1")
APPROVED = "api-approved.kubernetes.io"
_PULL_REQUEST = "https://github.com/kubernetes/enhancements/pull/1111"


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
    group = new["spec"].get("group", "")
    if not any(group == domain or group.endswith(f".{domain}") for domain in ("k8s.io", "kubernetes.io")):
        return
    state, finding = _approval(new)
    if old is not None and _approval(old)[0] == state:
        return
    if finding is not None:
        found.append(finding)


def _approval(definition: Obj) -> tuple[str, FieldError | None]:
    given = (definition["metadata"].get("annotations") or {}).get(APPROVED, "")
    at = f"metadata.annotations[{APPROVED}]"
    if not given:
        text = f'protected groups must have approval annotation "{APPROVED}", see {_PULL_REQUEST}'
        return "missing", errors.required(at, text)
    if given.startswith("unapproved"):
        return "bypassed", None
    url = urlsplit(given)
    if url.scheme and url.netloc:
        return "approved", None
    text = (
        f'protected groups must have approval annotation "{APPROVED}" with either a URL or a reason starting with '
        f'"unapproved", see {_PULL_REQUEST}'
    )
    return "invalid", errors.invalid_value(at, given, text)


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
        _check_client(config, f"{at}.webhookClientConfig", found)
        bundle = config.get("caBundle")
        if was.is_established and not _had_unusable_bundle(was.before) and (why := ca_bundle.error(bundle)):
            found.append(errors.invalid_value(f"{at}.webhookClientConfig.caBundle", bundle, why))
    _check_review_versions(review, was, f"{at}.conversionReviewVersions", found)


def _had_unusable_bundle(spec: Obj | None) -> bool:
    """Source: allowInvalidCABundle. What is not established yet says so in its status."""
    webhook = ((spec or {}).get("conversion") or {}).get("webhook") or {}
    return bool(ca_bundle.error((webhook.get("clientConfig") or {}).get("caBundle")))


def _check_client(config: Obj, at: str, found: Errors) -> None:
    url, service = config.get("url"), config.get("service")
    if (url is None) == (service is None):
        found.append(errors.required(at, "exactly one of url or service is required"))
    elif url is not None:
        check_webhook_url(url, f"{at}.url", found)
    elif service is not None:
        check_webhook_service(service, f"{at}.service", found)


def check_webhook_url(url: str, at: str, found: Errors) -> None:
    form = "; desired format: https://host[/path]"
    try:
        parts = urlsplit(url)
    except ValueError as error:
        found.append(errors.required(at, f"url must be a valid URL: {error}{form}"))
        return
    if parts.scheme != "https":
        text = f"'https' is the only allowed URL scheme{form}"
        found.append(errors.invalid_value(at, parts.scheme, text))
    host = parts.netloc.rpartition("@")[2]
    if not host:
        found.append(errors.invalid_value(at, host, f"host must be specified{form}"))
    for text, value in (
        ("user information is not permitted in the URL", parts.netloc.rpartition("@")[0]),
        ("fragments are not permitted in the URL", parts.fragment),
        ("query parameters are not permitted in the URL", parts.query),
    ):
        if value:
            found.append(errors.invalid_value(at, value, text))


def check_webhook_service(service: Obj, at: str, found: Errors) -> None:
    for field in ("name", "namespace"):
        if not service.get(field):
            found.append(errors.required(f"{at}.{field}"))
    port = service.get("port", 443)
    if messages := names.port_number(port):
        found.append(errors.invalid_value(f"{at}.port", port, f"port is not valid: {', '.join(messages)}"))
    path = service.get("path")
    if path in (None, "", "/"):
        return
    assert path is not None, "looked at above"
    if path == "//":
        found.append(errors.invalid_value(f"{at}.path", path, "segment[0] may not be empty"))
        return
    if not path.startswith("/"):
        found.append(errors.invalid_value(f"{at}.path", path, "must start with a '/'"))
    for index, segment in enumerate(path[1:].removesuffix("/").split("/")):
        messages = names.dns1123_subdomain(segment) if segment else []
        if not segment:
            found.append(errors.invalid_value(f"{at}.path", path, f"segment[{index}] may not be empty"))
        found += [
            errors.invalid_value(f"{at}.path", path, f"segment[{index}]: {message}") for message in messages
        ]


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
        _check_schema(schema, f"{schema_at}.openAPIV3Schema", has_status, _schema_of(old or {}), found)
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


# -- schemas --------------------------------------------------------------------------------------------------------

# What may stand at the root beside a status subresource, as Go names the fields.
_ROOT_FIELDS = (
    "Description", "Type", "Format", "Title", "Maximum", "ExclusiveMaximum", "Minimum", "ExclusiveMinimum",
    "MaxLength", "MinLength", "Pattern", "MaxItems", "MinItems", "UniqueItems", "MultipleOf", "Required", "Items",
    "Properties", "ExternalDocs", "Example", "XPreserveUnknownFields", "XValidations",
)  # fmt: skip


def _check_root(schema: Obj, at: str, found: Errors) -> None:
    """In the order of Go's fields; the first that does not belong there is the last that is looked at."""
    for go, json, zero in PROPS:
        value = schema.get(json)
        if value is None or value == zero:
            continue
        if go == "Type" and value != "object":
            text = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
            found.append(errors.invalid_value(f"{at}.type", value, text))
            return
        if go not in _ROOT_FIELDS:
            text = (
                f"only [{' '.join(_ROOT_FIELDS)}] fields are allowed at the root of the schema if the status "
                "subresource is enabled"
            )
            found.append(errors.invalid_value(at, show_schema(schema), text))
            return


def _check_schema(schema: Obj, at: str, has_status: bool, old: Obj | None, found: Errors) -> None:
    start = len(found)
    if has_status:
        _check_root(schema, at, found)
    if schema.get("nullable"):
        found.append(errors.forbidden_field(f"{at}.nullable", "nullable cannot be true at the root"))
    own: list[FieldError] = []
    is_structural = not any(isinstance(each.get("items"), list) for each in structural.everything(schema))
    if is_structural:
        own = structural.check(schema, at) or _check_defaults(schema, at)
        found += own
    if old is not None and structural.check(old, at):
        # What was not structural before may stay so.
        del found[start:]
    costs = _Costs()
    scope = _Scope(cardinality=1)
    _check_props(
        schema, at, scope, None if own else costs, is_root=True, unchanged=schema == old, found=found
    )
    if costs.total > _CRD_COST_LIMIT:
        text = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema"
        found += [errors.forbidden_field(path, text) for path, _ in costs.most_expensive()]
        what = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema"
        text = _too_expensive(what, costs.total, _CRD_COST_LIMIT)
        found.append(errors.forbidden_field(at, text))


def _check_defaults(schema: Obj, at: str) -> list[FieldError]:
    """Defaults fit their own schema. Source: ValidateDefaults."""
    found: list[FieldError] = []
    for path, each, is_meta in _with_defaults(schema, at, True):
        default, here = each["default"], f"{path}.default"
        if not is_meta:
            unknown: list[str] = []
            prune = structural.compile_plain_pruner(each)
            pruned = copy({"value": default})["value"]
            prune(pruned, "", unknown)
            if unknown:
                found.append(errors.invalid_value(here, default, "must not have unknown fields"))
        own: list[FieldError] = []
        compile_schema(each)(default, NOTHING, "", own)
        found += [
            finding._replace(field=here if finding.field == "<nil>" else f"{here}.{finding.field}")
            for finding in own
        ]
        if not own and structural.has_rules(each):
            found += _rule_findings(each, default, here)
    return found


def _rule_findings(schema: Obj, default: Any, at: str) -> list[FieldError]:
    from kubepy.api.celrules import compile_rules

    rules = compile_rules(schema, is_root=False)
    return rules.validate(default, NOTHING, at)[0] if rules is not None else []


def _with_defaults(
    schema: Obj, at: str, is_root: bool, is_meta: bool = False
) -> Iterator[tuple[str, Obj, bool]]:
    if schema.get(structural.EMBEDDED):
        is_meta = False
    if "default" in schema:
        yield at, schema, is_meta
    if isinstance(schema.get("items"), dict):
        yield from _with_defaults(schema["items"], f"{at}.items", False, is_meta)
    for name, each in (schema.get("properties") or {}).items():
        below = is_meta or (
            (is_root or bool(schema.get(structural.EMBEDDED))) and name in structural.META_FIELDS
        )
        yield from _with_defaults(each, f"{at}.properties[{name}]", False, below)


class _Costs:
    """What all rules of a schema may cost together."""

    def __init__(self) -> None:
        self.total = 0
        self._each: list[tuple[str, int]] = []

    def add(self, path: str, cost: int) -> None:
        self.total += cost
        if cost >= _CRD_COST_LIMIT // 100:
            self._each.append((path, cost))

    def most_expensive(self) -> list[tuple[str, int]]:
        return sorted(self._each, key=lambda entry: -entry[1])[:4]


class _Scope(NamedTuple):
    """Where in a schema: what is forbidden there, and how often its values can occur."""

    cardinality: int | None  # None: nothing bounds it
    is_meta: bool = False
    no_defaults: str | None = None  # why there may be none
    uncorrelatable: str = ""  # the path below which nothing can be matched with what was there

    def below(self, schema: Obj) -> _Scope:
        if self.cardinality is None:
            return self
        most: int | None = 1
        if schema.get("type") == "array":
            most = schema.get("maxItems")
        elif schema.get("type") == "object" and schema.get("additionalProperties") is not None:
            most = schema.get("maxProperties")
        return self._replace(cardinality=None if most is None else self.cardinality * max(most, 0))


_UNSUPPORTED = (
    ("id", "id is not supported"),
    ("additionalItems", "additionalItems is not supported"),
    ("patternProperties", "patternProperties is not supported"),
    ("definitions", "definitions is not supported"),
    ("dependencies", "dependencies is not supported"),
    ("$ref", "$ref is not supported"),
)


def _check_props(
    schema: Any,
    at: str,
    scope: _Scope,
    costs: _Costs | None,
    *,
    is_root: bool = False,
    unchanged: bool,
    found: Errors,
) -> bool:
    """Whether the schema, and all below it, is without findings. Source: ValidateCustomResourceDefinitionOpenAPISchema.

    costs None: its rules are not looked at, as inside allOf.
    """
    if not isinstance(schema, dict):
        return True
    start = len(found)
    _check_keywords(schema, at, scope, found)
    below = scope.below(schema)
    is_good = True

    def descend(each: Any, step: str, into: _Scope, with_costs: _Costs | None) -> None:
        nonlocal is_good
        is_good &= _check_props(each, f"{at}.{step}", into, with_costs, unchanged=unchanged, found=found)

    own = len(found) == start
    more = schema.get("additionalProperties")
    if more is not None:
        into = below
        if scope.is_meta:
            into = below._replace(no_defaults="inside additionalProperties applying to object metadata")
        descend(more, "additionalProperties", into, costs)
    for name, each in (schema.get("properties") or {}).items():
        into = below
        if (is_root or schema.get(structural.EMBEDDED)) and name in structural.META_FIELDS:
            into = below._replace(is_meta=True)
            if is_root:
                into = into._replace(no_defaults=f"in top-level {name}")
        descend(each, f"properties[{name}]", into, costs)
    descend(schema.get("not"), "not", scope, None)
    for word in ("allOf", "oneOf", "anyOf"):
        for index, each in enumerate(schema.get(word) or ()):
            descend(each, f"{word}[{index}]", scope, None)
    into = below
    if schema.get(structural.LIST_TYPE) != "map" and not below.uncorrelatable:
        into = below._replace(uncorrelatable=at)
    if isinstance(schema.get("items"), dict):
        descend(schema["items"], "items", into, costs)
    before = len(found)
    _check_extensions(schema, at, found)
    _check_rule_texts(schema, at, found)
    is_good = is_good and own and len(found) == before
    if is_good and costs is not None and schema.get(structural.RULES):
        _check_rules(schema, at, scope, costs, is_root, unchanged, found)
    return is_good


def _check_keywords(schema: Obj, at: str, scope: _Scope, found: Errors) -> None:
    type_ = schema.get("type", "")
    if type_ and type_ not in _TYPES:
        found.append(errors.not_supported(f"{at}.type", type_, _TYPES))
    if "default" in schema and scope.no_defaults is not None:
        found.append(errors.forbidden_field(f"{at}.default", f"must not be set {scope.no_defaults}"))
    for keyword, text in _UNSUPPORTED:
        if schema.get(keyword) is not None and schema[keyword] not in ("", {}):
            found.append(errors.forbidden_field(f"{at}.{keyword}", text))
    if type_ == "null":
        text = "type cannot be set to null, use nullable as an alternative"
        found.append(errors.forbidden_field(f"{at}.type", text))
    if isinstance(schema.get("items"), list):
        found.append(errors.forbidden_field(f"{at}.items", "items must be a schema object and not an array"))
    if scope.is_meta and schema.get(structural.EMBEDDED):
        text = "must not be used inside of resource meta"
        found.append(errors.forbidden_field(f"{at}.{structural.EMBEDDED}", text))
    if schema.get("uniqueItems"):
        text = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        found.append(errors.forbidden_field(f"{at}.uniqueItems", text))
    more = schema.get("additionalProperties")
    if more is not None and more is not True and schema.get("properties"):
        text = "additionalProperties and properties are mutual exclusive"
        found.append(errors.forbidden_field(f"{at}.additionalProperties", text))


def _check_extensions(schema: Obj, at: str, found: Errors) -> None:
    type_ = schema.get("type", "")
    if schema.get(structural.PRESERVE) is False:
        found.append(errors.invalid_value(f"{at}.{structural.PRESERVE}", False, "must be true or undefined"))
    for keyword, wanted, known in (
        (structural.MAP_TYPE, "object", ("atomic", "granular")),
        (structural.LIST_TYPE, "array", ("atomic", "set", "map")),
    ):
        value = schema.get(keyword)
        if value is None:
            continue
        if type_ != wanted:
            text, here = f"must be {wanted} if {keyword} is specified", f"{at}.type"
            found.append(errors.invalid_value(here, type_, text) if type_ else errors.required(here, text))
        elif value == "set":
            _check_set(schema, at, found)
        if value not in known:
            found.append(errors.not_supported(f"{at}.{keyword}", value, known))
    _check_map_list(schema, at, found)


def _check_set(schema: Obj, at: str, found: Errors) -> None:
    """The items of a set are atomic."""
    items = schema.get("items")
    if not isinstance(items, dict):
        return
    text = "must be atomic as item of a list with x-kubernetes-list-type=set"
    list_type = items.get(structural.LIST_TYPE)
    if items.get("type") == "array" and list_type not in (None, "atomic"):
        found.append(errors.invalid_value(f"{at}.items.{structural.LIST_TYPE}", list_type, text))
    elif items.get("type") == "object" and items.get(structural.MAP_TYPE) != "atomic":
        found.append(errors.invalid_value(f"{at}.items.{structural.MAP_TYPE}", list_type, text))


def _check_map_list(schema: Obj, at: str, found: Errors) -> None:
    list_type, keys = schema.get(structural.LIST_TYPE), schema.get(structural.MAP_KEYS) or []
    items, keys_at = schema.get("items"), f"{at}.{structural.MAP_KEYS}"
    if keys and list_type != "map":
        text, here = f"must be map if {structural.MAP_KEYS} is non-empty", f"{at}.{structural.LIST_TYPE}"
        found.append(
            errors.required(here, text) if list_type is None else errors.invalid_value(here, list_type, text)
        )
    if list_type == "map":
        if not keys:
            text = f"must not be empty if {structural.LIST_TYPE} is map"
            found.append(errors.required(keys_at, text))
        if items is None:
            text = f"must have a schema if {structural.LIST_TYPE} is map"
            found.append(errors.required(f"{at}.items", text))
        elif isinstance(items, dict) and items.get("type") != "object":
            text = f"must be object if parent array's {structural.LIST_TYPE} is map"
            found.append(errors.invalid_value(f"{at}.items.type", items.get("type", ""), text))
        elif isinstance(items, dict):
            _check_keys(keys, items, at, found)
    if list_type in ("set", "map") and isinstance(items, dict):
        _check_map_items(list_type, keys, items, f"{at}.items", found)


def _check_keys(keys: Sequence[str], items: Obj, at: str, found: Errors) -> None:
    keys_at, properties = f"{at}.{structural.MAP_KEYS}", items.get("properties") or {}
    for index, key in enumerate(keys):
        if key not in properties:
            found.append(errors.invalid_value(keys_at, keys, "entries must all be names of item properties"))
        elif properties[key].get("type") in ("array", "object"):
            text = f"must be a scalar type if parent array's {structural.LIST_TYPE} is map"
            found.append(
                errors.invalid_value(f"{at}.items.properties[{key}].type", items.get("type", ""), text)
            )
        if key in keys[:index]:
            found.append(errors.invalid_value(keys_at, keys, "must not contain duplicate entries"))


def _check_map_items(list_type: str, keys: Sequence[str], items: Obj, at: str, found: Errors) -> None:
    """Source: validateMapListKeysMapSet."""
    if items.get("nullable"):
        text = f"cannot be nullable when {structural.LIST_TYPE} is {list_type}"
        found.append(errors.forbidden_field(f"{at}.nullable", text))
    if list_type != "map":
        return
    for key in keys:
        each = (items.get("properties") or {}).get(key)
        if each is None:
            continue
        here, about = f"{at}.properties[{key}]", f"this property is in {structural.MAP_KEYS}, so it"
        if key not in (items.get("required") or ()) and "default" not in each:
            text = f"{about} must have a default or be a required property"
            found.append(errors.required(f"{here}.default", text))
        if each.get("nullable"):
            found.append(errors.forbidden_field(f"{here}.nullable", f"{about} cannot be nullable"))


# -- rules ----------------------------------------------------------------------------------------------------------

_REASONS = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
_has_newlines = re.compile(r"[\n\r]").search


def _check_rule_texts(schema: Obj, at: str, found: Errors) -> None:
    for index, rule in enumerate(schema.get(structural.RULES) or ()):
        here = f"{at}.{structural.RULES}[{index}]"
        text, message = rule.get("rule", "").strip(), rule.get("message", "")
        if not text:
            found.append(errors.required(f"{here}.rule", "rule is not specified"))
        elif message and not message.strip():
            found.append(errors.invalid_value(f"{here}.message", message, "must be non-empty if specified"))
        elif _has_newlines(message.strip()):
            found.append(errors.invalid_value(f"{here}.message", message, "must not contain line breaks"))
        elif _has_newlines(text) and not message.strip():
            why = "message must be specified if rule contains line breaks"
            found.append(errors.required(f"{here}.message", why))
        expression = rule.get("messageExpression", "")
        if expression and not expression.strip():
            why = "messageExpression must be non-empty if specified"
            found.append(errors.required(f"{here}.messageExpression", why))
        reason = rule.get("reason")
        if reason is not None and reason not in _REASONS:
            found.append(errors.not_supported(f"{here}.reason", reason, _REASONS))
        _check_rule_path(rule.get("fieldPath", ""), schema, f"{here}.fieldPath", found)


def _check_rule_path(path: str, schema: Obj, at: str, found: Errors) -> None:
    if not path:
        return
    if not path.strip():
        found.append(errors.invalid_value(at, path, "must be non-empty if specified"))
    if _has_newlines(path):
        found.append(errors.invalid_value(at, path, "must not contain line breaks"))
    try:
        field_path(path, schema)
    except ValueError:
        found.append(errors.invalid_value(at, path, "must be a valid path"))


def _check_rules(
    schema: Obj, at: str, scope: _Scope, costs: _Costs, is_root: bool, unchanged: bool, found: Errors
) -> None:
    """The rules compile, and cannot cost too much."""
    # Most definitions have no rules, and the engine takes 40 ms to import.
    from kubepy.api import celrules
    from kubepy.api.cel import limits

    self_type = celrules.type_of(schema, is_root=is_root)
    if self_type is None:
        text = "internal error: failed to construct type information for x-kubernetes-validations rules"
        found.append(FieldError(errors.FieldErrorType.INTERNAL, f"{at}.{structural.RULES}", None, text))
        return
    most = limits.REQUEST_BYTES_MAX // (self_type.size_min + 1)
    cardinality = most if scope.cardinality is None else scope.cardinality
    for index, each in enumerate(celrules.compile_own(schema, is_root=is_root)):
        here = f"{at}.{structural.RULES}[{index}]"
        _check_cost(
            "estimated rule cost", each.max_cost * cardinality, f"{here}.rule", costs, unchanged, found
        )
        if each.error:
            found.append(errors.invalid_value(f"{here}.rule", show_rule(each.rule), each.error))
        if each.message_error:
            shown = show_rule(each.rule)
            found.append(errors.invalid_value(f"{here}.messageExpression", shown, each.message_error))
        elif each.message is not None:
            what = "estimated messageExpression cost"
            _check_cost(what, each.message_max_cost, f"{here}.messageExpression", costs, unchanged, found)
        if each.reads_old:
            if scope.uncorrelatable:
                text = (
                    "oldSelf cannot be used on the uncorrelatable portion of the schema within "
                    f"{scope.uncorrelatable}"
                )
                found.append(errors.invalid_value(f"{here}.rule", each.rule["rule"], text))
        elif each.rule.get("optionalOldSelf") is not None:
            text = "may not be set if oldSelf is not used in rule"
            found.append(errors.invalid_value(f"{here}.optionalOldSelf", each.rule["optionalOldSelf"], text))


def _check_cost(what: str, cost: int, at: str, costs: _Costs, unchanged: bool, found: Errors) -> None:
    if cost > _COST_LIMIT and not unchanged:
        text = _too_expensive(what, cost, _COST_LIMIT)
        found.append(errors.forbidden_field(at, text))
    costs.add(at, cost)


def _too_expensive(what: str, cost: int, limit: int) -> str:
    """Source: getCostErrorMessage."""
    times = cost / limit
    if times > 100:
        factor = "more than 100x"
    else:
        factor = f"{times:f}x" if times < 1.5 else f"{times:.1f}x"
    return (
        f"{what} exceeds budget by factor of {factor} (try simplifying the rule, or adding maxItems, maxProperties, "
        "and maxLength where arrays, maps, and strings are declared)"
    )


API_EXTENSIONS = {
    ("apiextensions.k8s.io", "CustomResourceDefinition"): Kind(
        create=(check,), update=(check_update,), subresources={"status": (check_status_update,)}
    )
}
