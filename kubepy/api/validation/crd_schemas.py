"""The schemas of custom kinds: that they are structural, their defaults fit them, and their rules compile and cost not
too much.

Source: apiextensions-apiserver pkg/apis/apiextensions/validation/{validation,cel_validation}.go,
pkg/apiserver/schema/{structural,validation}.go, pkg/apiserver/schema/defaulting/validation.go.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from kubepy.api import errors, structural
from kubepy.api.decoding import json_kind
from kubepy.api.errors import FieldError
from kubepy.api.fieldpath import field_path
from kubepy.api.objects import Obj, copy
from kubepy.api.validation import metadata
from kubepy.api.validation.crd_internals import PROPS, show_rule, show_schema
from kubepy.api.validation.rules import Errors
from kubepy.api.valuevalidation import NOTHING, compile_schema

# Of one rule, times how often it can be asked; of all rules of a schema.
# Source: validation.go, StaticEstimatedCostLimit and StaticEstimatedCRDCostLimit.
RULE_COST_MAX, SCHEMA_COST_MAX = 10_000_000, 100_000_000
_TYPES = ("array", "boolean", "integer", "number", "object", "string")


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


def check_schema(schema: Obj, at: str, has_status: bool, old: Obj | None, found: Errors) -> None:
    start = len(found)
    if has_status:
        _check_root(schema, at, found)
    if schema.get("nullable"):
        found.append(errors.forbidden_field(f"{at}.nullable", "nullable cannot be true at the root"))
    own: list[FieldError] = []
    unfit = structural.unfit(schema)
    if not unfit:
        own = structural.check(schema, at) or _check_defaults(schema, at)
        found += own
    if old is not None and (structural.unfit(old) or structural.check(old, at)):
        # What was not structural before may stay so.
        del found[start:]
    costs = _Costs()
    scope = _Scope(cardinality=1)
    looked_at = None if own or unfit else costs
    _check_props(schema, at, scope, looked_at, is_root=True, unchanged=schema == old, found=found)
    if unfit and len(found) == start:
        found.append(errors.invalid_value(at, "", unfit))
    if costs.total > SCHEMA_COST_MAX:
        text = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema"
        found += [errors.forbidden_field(path, text) for path, _ in costs.most_expensive()]
        what = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema"
        text = _too_expensive(what, costs.total, SCHEMA_COST_MAX)
        found.append(errors.forbidden_field(at, text))


def _check_defaults(schema: Obj, at: str) -> list[FieldError]:
    """Defaults fit their own schema, and what they make of objects is one. Source: ValidateDefaults."""
    found: list[FieldError] = []
    for path, each, surround in _with_defaults(schema | {structural.EMBEDDED: True}, at):
        default, here = each["default"], f"{path}.default"
        own = _check_surrounding(surround(default), default, here) if surround else []
        if surround is None:
            own = _check_embedding(each, default, here, found)
        if not own:
            compile_schema(each)(default, NOTHING, "", own)
            own = [
                finding._replace(field=here if finding.field == "<nil>" else f"{here}.{finding.field}")
                for finding in own
            ]
        if not own and structural.has_rules(each):
            own = _rule_findings(each, default, here)
        found += own
    return found


def _check_embedding(schema: Obj, default: Any, at: str, found: Errors) -> list[FieldError]:
    """A default outside of metadata: nothing unknown (to `found`), and whatever objects it holds are valid."""
    unknown: list[str] = []
    try:
        structural.compile_plain_pruner(schema)(copy({"value": default})["value"], "", unknown)
    except structural.InvalidEmbedded as error:
        return [error.finding._replace(field=f"{at}{error.finding.field}")]
    if unknown:
        found.append(errors.invalid_value(at, default, "must not have unknown fields"))
    own: list[FieldError] = []
    check = structural.compile_embedded_check(schema, metadata.check_embedded, is_root=False)
    if check is not None:
        check(default, at, own)
    return own


def _check_surrounding(obj: Obj, default: Any, at: str) -> list[FieldError]:
    """A default inside metadata, or of apiVersion or kind: the least object that has it must be one."""
    own: list[FieldError] = []
    given = obj.get("metadata", {})
    if not isinstance(given, dict):
        text = f"json: cannot unmarshal {json_kind(given)} into Go value of type v1.ObjectMeta"
        own.append(errors.invalid_value("metadata", given, text))
    else:
        structural.check_resource(obj, "", own)
        if not own:
            metadata.check_embedded(given, "metadata", own)
    text = f"must result in valid metadata: {errors.aggregate(own)}"
    return [errors.invalid_value(at, default, text)] if own else []


def _rule_findings(schema: Obj, default: Any, at: str) -> list[FieldError]:
    from kubepy.api.celrules import compile_rules

    rules = compile_rules(schema, is_root=False)
    return rules.validate(default, NOTHING, at)[0] if rules is not None else []


# (default) -> the least object with it, for schemas inside metadata
_Surround = Callable[[Any], Obj]
_IDENTITY: Obj = {"apiVersion": "validation/v1", "kind": "Validation"}


def _with_defaults(
    schema: Obj, at: str, surround: _Surround | None = None
) -> Iterator[tuple[str, Obj, _Surround | None]]:
    if embedded := bool(schema.get(structural.EMBEDDED)):
        surround = None
    if "default" in schema:
        yield at, schema, surround
    if isinstance(schema.get("items"), dict):
        within = _within(surround, lambda value: [value]) if surround else None
        yield from _with_defaults(schema["items"], f"{at}.items", within)
    for name, each in (schema.get("properties") or {}).items():
        within = None
        if surround is not None:
            within = _within(surround, partial(_field, name))
        elif embedded and name in structural.META_FIELDS:
            within = partial(_object, name)
        yield from _with_defaults(each, f"{at}.properties[{name}]", within)


def _within(outer: _Surround, inner: Callable[[Any], Any]) -> _Surround:
    return lambda value: outer(inner(value))


def _field(name: str, value: Any) -> Obj:
    return {name: value}


def _object(name: str, value: Any) -> Obj:
    return _IDENTITY | {name: value}


class _Costs:
    """What all rules of a schema may cost together."""

    def __init__(self) -> None:
        self.total = 0
        self._each: list[tuple[str, int]] = []

    def add(self, path: str, cost: int) -> None:
        self.total += cost
        if cost >= SCHEMA_COST_MAX // 100:
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
    in_map = below
    if schema.get(structural.MAP_TYPE) not in (None, "granular") and not below.uncorrelatable:
        in_map = below._replace(uncorrelatable=at)
    for name, each in (schema.get("properties") or {}).items():
        into = in_map
        if (is_root or schema.get(structural.EMBEDDED)) and name in structural.META_FIELDS:
            into = in_map._replace(is_meta=True)
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
    if structural.unfit(schema):
        return
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
        text = (
            "internal error: failed to construct type information for x-kubernetes-validations rules: "
            "unable to convert structural schema to CEL declarations"
        )
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
    if cost > RULE_COST_MAX and not unchanged:
        text = _too_expensive(what, cost, RULE_COST_MAX)
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
