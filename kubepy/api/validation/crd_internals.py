"""CustomResourceDefinitions as upstream's validation sees them: the hub form, and how Go prints parts of it.

Upstream converts a definition before it looks at it. What all versions have in common (their schema, subresources,
columns or selectable fields) moves up into the spec, and findings about it are named so: `spec.validation`,
`spec.subresources` and so on, not `spec.versions[0].schema`.

Source: apiextensions-apiserver pkg/apis/apiextensions/v1/conversion.go, pkg/apis/apiextensions/types*.go.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from kubepy.api import structural
from kubepy.api.objects import Obj
from kubepy.api.validation.rules import same

_EXACT_MAX = 1 << 53  # up to here each integer is a float
_PER_VERSION = ("subresources", "schema", "additionalPrinterColumns", "selectableFields")


class Hub(NamedTuple):
    """One spec in the hub form."""

    versions: list[Obj] | None  # without what they have in common
    common: Obj  # of _PER_VERSION, what is the same in all versions

    @property
    def has_status(self) -> bool:
        """Whether any version has a status subresource."""
        return any(
            ((each or {}).get("subresources") or {}).get("status") is not None
            for each in (self.common, *(self.versions or ()))
        )

    def version_has_status(self, version: Obj) -> bool:
        is_per_version = any(each.get("subresources") is not None for each in self.versions or ())
        holder = version if is_per_version else self.common
        return (holder.get("subresources") or {}).get("status") is not None


def hub(spec: Obj) -> Hub:
    given: list[Obj] | None = spec.get("versions")
    if not given:
        return Hub(given, {})
    common = {
        field: given[0].get(field)
        for field in _PER_VERSION
        if all(same(each.get(field), given[0].get(field)) for each in given)
    }
    kept = [{field: value for field, value in each.items() if field not in common} for each in given]
    return Hub(kept, {field: value for field, value in common.items() if value is not None})


# -- as Go prints them -----------------------------------------------------------------------------------------

# Go name -> JSON name and what an absent one is; in the order of the structs' fields.
_Fields = tuple[tuple[str, str, Any], ...]

_VERSION: _Fields = (
    ("Name", "name", ""), ("Served", "served", False), ("Storage", "storage", False),
    ("Deprecated", "deprecated", False), ("DeprecationWarning", "deprecationWarning", None),
    ("Schema", "schema", None), ("Subresources", "subresources", None),
    ("AdditionalPrinterColumns", "additionalPrinterColumns", None), ("SelectableFields", "selectableFields", None),
)  # fmt: skip
_COLUMN: _Fields = (
    ("Name", "name", ""), ("Type", "type", ""), ("Format", "format", ""), ("Description", "description", ""),
    ("Priority", "priority", 0), ("JSONPath", "jsonPath", ""),
)  # fmt: skip
_SELECTABLE: _Fields = (("JSONPath", "jsonPath", ""),)
_SUBRESOURCES: _Fields = (("Status", "status", None), ("Scale", "scale", None))
_SCALE: _Fields = (
    ("SpecReplicasPath", "specReplicasPath", ""), ("StatusReplicasPath", "statusReplicasPath", ""),
    ("LabelSelectorPath", "labelSelectorPath", None),
)  # fmt: skip
_RULE: _Fields = (
    ("Rule", "rule", ""), ("Message", "message", ""), ("MessageExpression", "messageExpression", ""),
    ("Reason", "reason", None), ("FieldPath", "fieldPath", ""), ("OptionalOldSelf", "optionalOldSelf", None),
)  # fmt: skip
PROPS: _Fields = (
    ("ID", "id", ""), ("Schema", "$schema", ""), ("Ref", "$ref", None), ("Description", "description", ""),
    ("Type", "type", ""), ("Nullable", "nullable", False), ("Format", "format", ""), ("Title", "title", ""),
    ("Default", "default", None), ("Maximum", "maximum", None), ("ExclusiveMaximum", "exclusiveMaximum", False),
    ("Minimum", "minimum", None), ("ExclusiveMinimum", "exclusiveMinimum", False), ("MaxLength", "maxLength", None),
    ("MinLength", "minLength", None), ("Pattern", "pattern", ""), ("MaxItems", "maxItems", None),
    ("MinItems", "minItems", None), ("UniqueItems", "uniqueItems", False), ("MultipleOf", "multipleOf", None),
    ("Enum", "enum", None), ("MaxProperties", "maxProperties", None), ("MinProperties", "minProperties", None),
    ("Required", "required", None), ("Items", "items", None), ("AllOf", "allOf", None), ("OneOf", "oneOf", None),
    ("AnyOf", "anyOf", None), ("Not", "not", None), ("Properties", "properties", None),
    ("AdditionalProperties", "additionalProperties", None), ("PatternProperties", "patternProperties", None),
    ("Dependencies", "dependencies", None), ("AdditionalItems", "additionalItems", None),
    ("Definitions", "definitions", None), ("ExternalDocs", "externalDocs", None), ("Example", "example", None),
    ("XPreserveUnknownFields", structural.PRESERVE, None), ("XEmbeddedResource", structural.EMBEDDED, False),
    ("XIntOrString", structural.INT_OR_STRING, False), ("XListMapKeys", structural.MAP_KEYS, None),
    ("XListType", structural.LIST_TYPE, None), ("XMapType", structural.MAP_TYPE, None),
    ("XValidations", structural.RULES, None),
)  # fmt: skip


def _struct(fields: _Fields, value: Obj) -> Obj:
    return {go: zero if (held := value.get(json)) is None else held for go, json, zero in fields}


def show_versions(versions: list[Obj] | None) -> Any:
    return versions if versions is None else [_version(each) for each in versions]


def _version(version: Obj) -> Obj:
    shown = _struct(_VERSION, version)
    if shown["Schema"] is not None:
        own = shown["Schema"].get("openAPIV3Schema")
        shown["Schema"] = {"OpenAPIV3Schema": None if own is None else show_schema(own)}
    if (given := shown["Subresources"]) is not None:
        shown["Subresources"] = _struct(_SUBRESOURCES, given)
        if given.get("scale") is not None:
            shown["Subresources"]["Scale"] = _struct(_SCALE, given["scale"])
    for field, fields in (("AdditionalPrinterColumns", _COLUMN), ("SelectableFields", _SELECTABLE)):
        if shown[field] is not None:
            shown[field] = [_struct(fields, each) for each in shown[field]]
    return shown


def show_rule(rule: Obj) -> Obj:
    return _struct(_RULE, rule)


def show_schema(schema: Obj) -> Obj:
    shown = _struct(PROPS, schema)
    for field in ("AllOf", "OneOf", "AnyOf"):
        if shown[field] is not None:
            shown[field] = [show_schema(each) for each in shown[field]]
    for field in ("Properties", "PatternProperties", "Definitions"):
        if shown[field] is not None:
            shown[field] = {name: show_schema(shown[field][name]) for name in sorted(shown[field])}
    for field in ("Maximum", "Minimum", "MultipleOf"):
        number = shown[field]
        # Go writes a float without a fraction as an integer.
        if isinstance(number, float) and number.is_integer() and abs(number) < _EXACT_MAX:
            shown[field] = int(number)
    if shown["Not"] is not None:
        shown["Not"] = show_schema(shown["Not"])
    if (items := shown["Items"]) is not None:
        shown["Items"] = show_items(items)
    for field in ("AdditionalProperties", "AdditionalItems"):
        if (more := shown[field]) is not None:
            is_schema = isinstance(more, dict)
            shown[field] = {"Allows": is_schema or more, "Schema": show_schema(more) if is_schema else None}
    if (given := shown["Dependencies"]) is not None:
        shown["Dependencies"] = {
            name: {"Schema": show_schema(each), "Property": None}
            if isinstance(each := given[name], dict)
            else {"Schema": None, "Property": each}
            for name in sorted(given)
        }
    if shown["ExternalDocs"] is not None:
        docs = shown["ExternalDocs"]
        shown["ExternalDocs"] = {"Description": docs.get("description", ""), "URL": docs.get("url", "")}
    if shown["XValidations"] is not None:
        shown["XValidations"] = [show_rule(each) for each in shown["XValidations"]]
    return shown


def show_items(items: Any) -> Obj:
    if isinstance(items, list):
        return {"Schema": None, "JSONSchemas": [show_schema(each) for each in items]}
    return {"Schema": show_schema(items), "JSONSchemas": None}
