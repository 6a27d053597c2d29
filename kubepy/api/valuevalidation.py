"""Custom objects against the value validations of their schema: types, bounds, patterns, enums, required, allOf.

`compile_schema(schema)` turns an OpenAPI v3 schema (a CRD's openAPIV3Schema, plain JSON) into one closure:

    validate = compile_schema(schema)
    found: list[FieldError] = []
    validate(obj, NOTHING, "", found)       a new object
    validate(new, old, "", found)           an update: what did not change is not complained about again (ratcheting)

Promised: paths and texts are kube-openapi's: `spec.size: Invalid value: "string": spec.size in body must be of type
integer: "string"`. Findings about one object come in the order of its schema (upstream's order is random). Of several
alternatives of anyOf and oneOf that all fail, the one that had most to check is explained.

Not here: pruning and defaults (structural.py), rules between fields (CEL).
Source: kube-openapi pkg/validation/{validate,errors}, apiextensions-apiserver pkg/apiserver/validation/validation.go,
ratcheting.go, apiserver pkg/cel/common/equality.go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from kubepy.api import errors, formats
from kubepy.api.errors import FieldError
from kubepy.api.objects import Obj

# (value, old value or NOTHING, path, findings)
Validate = Callable[[Any, Any, str, list[FieldError]], None]


class _Nothing:
    """There is no old value to compare with."""

    def __repr__(self) -> str:
        return "NOTHING"


NOTHING = _Nothing()
# What upstream's nil path prints as.
NO_FIELD = "<nil>"
_INT32_END, _INT64_END = 1 << 31, 1 << 63
# Of a float. Source: swag IsFloat64AJSONInteger.
_WHOLE_MAX = (1 << 53) - 1


def compile_schema(schema: Obj) -> Validate:
    """The validator of a schema and of all below it. Patterns that do not compile match nothing."""
    types = _types(schema)
    steps: list[Validate] = []
    if types or schema.get("format"):
        steps.append(_type(types, schema.get("format", ""), bool(schema.get("nullable"))))
    made = [make(schema) for make, keywords in _STEPS if not keywords.isdisjoint(schema.keys())]
    after_type = [step for step in made if step is not _accept]
    if not steps and not after_type:
        return _accept
    on_null = steps + ([_enum(schema)] if schema.get("enum") else [])
    every = steps + after_type
    if len(every) == 1 and not after_type:
        return every[0]

    def validate(value: Any, old: Any, path: str, found: list[FieldError]) -> None:
        for step in on_null if value is None else every:
            step(value, old, path, found)

    return validate


def _accept(value: Any, old: Any, path: str, found: list[FieldError]) -> None:
    pass


def _types(schema: Obj) -> tuple[str, ...]:
    if schema.get("x-kubernetes-int-or-string"):
        return ("integer", "string")
    type_ = schema.get("type")
    return (type_,) if type_ else ()


# -- one keyword each -----------------------------------------------------------------------------------------------

_JSON_TYPES: dict[type, tuple[str, str]] = {
    str: ("string", ""),
    bool: ("boolean", ""),
    int: ("integer", "int64"),
    float: ("number", "float64"),
    list: ("array", ""),
    dict: ("object", ""),
}


def _type(types: tuple[str, ...], format_: str, nullable: bool) -> Validate:
    expected = ",".join(types)
    is_numeric = "number" in types or "integer" in types
    if format_ and not formats.is_recognized(format_, types[0] if len(types) == 1 else ""):
        format_ = ""

    def validate(value: Any, old: Any, path: str, found: list[FieldError]) -> None:
        if value is None:
            if types and not nullable:
                found.append(_wrong_type(path, expected, "null"))
            return
        type_, value_format = _JSON_TYPES[value.__class__]
        if type_ in types:
            return
        fits = (type_ == "integer" and "number" in types) or (
            type_ == "number" and "integer" in types and value.is_integer() and abs(value) <= _WHOLE_MAX
        )
        if fits:
            return
        if format_ and type_ not in ("string", "array"):
            if value_format != format_:
                found.append(_wrong_type(path, format_, value_format))
            return
        if not types or (format_ and not is_numeric and type_ in ("string", "array")):
            return
        found.append(_wrong_type(path, expected, type_))

    return validate


def _wrong_type(path: str, expected: str, actual: str) -> FieldError:
    text = f"{path} in body must be of type {expected}: {errors.quote(actual)}"
    return errors.type_invalid(field_of(path), actual, text)


def field_of(path: str) -> str:
    return path.removeprefix(".") or NO_FIELD


def _string(schema: Obj) -> Validate:
    longest, shortest, pattern = schema.get("maxLength"), schema.get("minLength"), schema.get("pattern")
    search = _search(pattern) if pattern else None
    format_ = schema.get("format", "")
    matches_format = formats.check(format_) if format_ and _types(schema) in ((), ("string",)) else None

    def validate(value: Any, old: Any, path: str, found: list[FieldError]) -> None:
        if value.__class__ is not str:
            return
        # The first of these is the only one that is told.
        if longest is not None and len(value) > longest:
            found.append(errors.too_long(field_of(path), longest))
        elif shortest is not None and len(value) < shortest:
            found.append(_invalid(path, value, f"should be at least {shortest} chars long"))
        elif search is not None and not search(value):
            found.append(_invalid(path, value, f"should match '{pattern}'"))
        if matches_format is not None and not matches_format(value):
            text = f"{path} in body must be of type {format_}: {errors.quote(value)}"
            found.append(errors.type_invalid(field_of(path), value, text))

    return validate


def _invalid(path: str, value: Any, why: str) -> FieldError:
    return errors.invalid_value(field_of(path), value, f"{path} in body {why}")


def _search(pattern: str) -> Callable[[str], Any]:
    # Patterns are RE2's; its engine comes with CEL's, which takes 40 ms to import.
    from kubepy.api.cel.regexp import PatternError, parse

    try:
        return parse(pattern).search
    except PatternError:
        return lambda text: False


def _range(schema: Obj) -> Validate:
    """Source: IsValueValidAgainstRange. Numbers that need not be whole hold whatever JSON does."""
    format_ = schema.get("format")
    end = _INT32_END if format_ == "int32" else _INT64_END
    what = f"with format {format_}" if format_ in ("int32", "int64") else "(default format)"

    def validate(value: Any, old: Any, path: str, found: list[FieldError]) -> None:
        kind = value.__class__
        if kind is int or (kind is float and value.is_integer()):
            if -end <= value < end:
                return
        elif kind is not float:
            return
        text = f"Checked value must be of type integer {what} in {path}"
        found.append(errors.invalid_value(NO_FIELD, "", text))

    return validate if schema.get("type") == "integer" else _accept


def _number(schema: Obj) -> Validate:
    low, high, factor = schema.get("minimum"), schema.get("maximum"), schema.get("multipleOf")
    above, below = bool(schema.get("exclusiveMinimum")), bool(schema.get("exclusiveMaximum"))

    def validate(value: Any, old: Any, path: str, found: list[FieldError]) -> None:
        kind = value.__class__
        if kind is not int and kind is not float:
            return
        if factor is not None and factor > 0 and not _is_multiple(value, factor):
            found.append(_invalid(path, value, f"should be a multiple of {_bound(factor, kind)}"))
        if high is not None and (value >= high if below else value > high):
            words = "less than" if below else "less than or equal to"
            found.append(_invalid(path, value, f"should be {words} {_bound(high, kind)}"))
        if low is not None and (value <= low if above else value < low):
            words = "greater than" if above else "greater than or equal to"
            found.append(_invalid(path, value, f"should be {words} {_bound(low, kind)}"))

    return validate


def _is_multiple(value: float, factor: float) -> bool:
    if value.__class__ is int and int(factor) == factor:
        return value % int(factor) == 0
    times = value / factor if factor >= 1 else 1 / factor * value
    return abs(times - round(times)) <= 1e-9 * max(1.0, abs(times))


def _bound(bound: float, kind: type) -> str:
    if kind is int:
        return str(int(bound))
    return str(int(bound)) if float(bound).is_integer() and abs(bound) < 1e21 else repr(float(bound))


def _array(schema: Obj) -> Validate:
    items = schema.get("items")
    each = compile_schema(items) if isinstance(items, dict) else _accept
    longest, shortest, unique = schema.get("maxItems"), schema.get("minItems"), schema.get("uniqueItems")
    keys = tuple(schema.get("x-kubernetes-list-map-keys") or ())
    is_map = schema.get("x-kubernetes-list-type") == "map"

    def validate(value: Any, old: Any, path: str, found: list[FieldError]) -> None:
        if value.__class__ is not list:
            return
        if each is not _accept:
            before = by_keys(old, keys) if is_map and old.__class__ is list else {}
            for index, item in enumerate(value):
                old_item = before.get(key_values(item, keys), NOTHING) if before else NOTHING
                ratcheted(each, item, old_item, f"{path}[{index}]", found)
        size = len(value)
        if shortest is not None and size < shortest:
            found.append(_invalid(path, size, f"should have at least {shortest} items"))
        if longest is not None and size > longest:
            found.append(errors.too_many(field_of(path), size, longest))
        if unique and len({orjson.dumps(item, option=orjson.OPT_SORT_KEYS) for item in value}) < size:
            found.append(_invalid(path, "", "shouldn't contain duplicates"))

    return validate


def key_values(item: Any, keys: Sequence[str]) -> bytes:
    """What identifies an item of a list of type map."""
    if not isinstance(item, dict):
        return b"{}"
    return orjson.dumps({key: item[key] for key in keys if key in item})


def by_keys(items: list[Any], keys: Sequence[str]) -> dict[bytes, Any]:
    return {key_values(item, keys): item for item in items}


def ratcheted(each: Validate, value: Any, old: Any, path: str, found: list[FieldError]) -> None:
    """Validate a part of an object; its findings are dropped if the part is as it was."""
    count = len(found)
    each(value, old, path, found)
    if len(found) > count and old is not NOTHING and same(value, old):
        del found[count:]


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: Python takes True for 1."""
    return one == other and orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(
        other, option=orjson.OPT_SORT_KEYS
    )


def _enum(schema: Obj) -> Validate:
    values = schema["enum"]
    texts = frozenset(value for value in values if value.__class__ is str)
    shown = [value if isinstance(value, str) else orjson.dumps(value).decode() for value in values]

    def validate(value: Any, old: Any, path: str, found: list[FieldError]) -> None:
        if value.__class__ is str:
            if value in texts:
                return
        elif any(same(value, each) for each in values):
            return
        found.append(errors.not_supported(field_of(path), value, shown))

    return validate


def _object(schema: Obj) -> Validate:
    properties = {name: compile_schema(each) for name, each in (schema.get("properties") or {}).items()}
    walked = {name: each for name, each in properties.items() if each is not _accept}
    required: Sequence[str] = schema.get("required") or ()
    needed = frozenset(required)
    fewest, most = schema.get("minProperties"), schema.get("maxProperties")
    more = schema.get("additionalProperties")
    others = compile_schema(more) if isinstance(more, dict) else _accept
    only_known = more is False

    def validate(value: Any, old: Any, path: str, found: list[FieldError]) -> None:
        if value.__class__ is not dict:
            return
        count = len(value)
        if fewest is not None and count < fewest:
            found.append(_invalid(path, count, f"should have at least {fewest} properties"))
            return
        if most is not None and count > most:
            found.append(errors.too_many(field_of(path), count, most))
            return
        before = old if old.__class__ is dict else None
        if only_known or others is not _accept:
            for name in value.keys() - properties.keys():
                if only_known:
                    text = f"{path}.{name} in body is a forbidden property"
                    found.append(errors.invalid_value(field_of(path), name, text))
                else:
                    old_item = before.get(name, NOTHING) if before is not None else NOTHING
                    ratcheted(others, value[name], old_item, f"{path}.{name}", found)
        for name, each in walked.items():
            if name in value:
                at = f"{path}.{name}" if path else name
                old_item = before.get(name, NOTHING) if before is not None else NOTHING
                if not path and name in ("apiVersion", "kind"):
                    old_item = NOTHING
                ratcheted(each, value[name], old_item, at, found)
        if not needed <= value.keys():
            found += [errors.required(field_of(f"{path}.{name}")) for name in required if name not in value]

    return validate


# -- logic ----------------------------------------------------------------------------------------------------------


def _composite(path: str, text: str) -> FieldError:
    return errors.invalid_value(NO_FIELD, "", f"{errors.quote(path)} {text}")


def _logic(schema: Obj) -> Validate:
    any_of, one_of, all_of = (_alternatives(schema, word) for word in ("anyOf", "oneOf", "allOf"))
    negated = compile_schema(schema["not"]) if isinstance(schema.get("not"), dict) else None

    def failures(each: Validate, value: Any, old: Any, path: str) -> list[FieldError]:
        own: list[FieldError] = []
        each(value, old, path, own)
        return own

    def validate(value: Any, old: Any, path: str, found: list[FieldError]) -> None:
        if any_of:
            outcomes = []
            for each in any_of:
                outcomes.append(failures(each, value, old, path))
                if not outcomes[-1]:
                    break
            else:
                found.append(_composite(path, "must validate at least one schema (anyOf)"))
                found.extend(outcomes[_nearest(schema["anyOf"], value)])
        if one_of:
            outcomes = [failures(each, value, old, path) for each in one_of]
            valid = sum(not own for own in outcomes)
            if valid != 1:
                what = f"Found {valid} valid alternatives" if valid else "Found none valid"
                found.append(_composite(path, f"must validate one and only one schema (oneOf). {what}"))
                if not valid:
                    found.extend(outcomes[_nearest(schema["oneOf"], value)])
        if all_of:
            outcomes = [failures(each, value, old, path) for each in all_of]
            for own in outcomes:
                found.extend(own)
            valid = sum(not own for own in outcomes)
            if valid != len(all_of):
                none = "" if valid else ". None validated"
                found.append(_composite(path, f"must validate all the schemas (allOf){none}"))
        if negated is not None and not failures(negated, value, old, path):
            found.append(_composite(path, "must not validate the schema (not)"))

    return validate


def _alternatives(schema: Obj, word: str) -> list[Validate]:
    return [compile_schema(each) for each in schema.get(word) or ()]


def _nearest(alternatives: Sequence[Obj], value: Any) -> int:
    """Which one to explain of those that all fail: the first of those that had most to check."""
    counts = [_count(each, value) for each in alternatives]
    return counts.index(max(counts))


def _count(schema: Obj, value: Any) -> int:
    """What upstream counts as matches: the checks that apply to a value, those of its parts included, whether or not
    they succeed. Source: kube-openapi pkg/validation/validate, the Inc() and Merge() of Result.MatchCount."""
    types, format_ = _types(schema), schema.get("format", "")
    is_of_type = not _faults(_type(types, format_, bool(schema.get("nullable"))), value)
    if value is None:
        return int(is_of_type)
    # One for the schema, two for its logic, one for its enum.
    count = 4 + _count_logic(schema, value)
    if types or format_:
        count += 1 + is_of_type
    match value:
        case bool():
            pass
        case str():
            count += 1 + (bool(format_) and formats.check(format_) is not None)
        case int() | float():
            count += 2
        case list():
            items = schema.get("items")
            count += 2 + sum(_count(items, item) for item in value if isinstance(items, dict))
        case dict():
            count += 1 + _count_fields(schema, value)
    return count


def _count_fields(schema: Obj, value: Obj) -> int:
    properties, more = schema.get("properties") or {}, schema.get("additionalProperties")
    known = sum(_count(each, value[name]) for name, each in properties.items() if name in value)
    if not isinstance(more, dict):
        return known
    return known + sum(_count(more, item) for name, item in value.items() if name not in properties)


def _count_logic(schema: Obj, value: Any) -> int:
    count = sum(_count(each, value) for each in schema.get("allOf") or ())
    for word in ("anyOf", "oneOf"):
        alternatives = schema.get(word) or ()
        valid = [each for each in alternatives if not _faults(compile_schema(each), value)]
        if valid and (word == "anyOf" or len(valid) == 1):
            count += _count(valid[0], value)
        elif alternatives and not valid:
            count += max(_count(each, value) for each in alternatives)
    return count


def _faults(validate: Validate, value: Any) -> list[FieldError]:
    found: list[FieldError] = []
    validate(value, NOTHING, "", found)
    return found


# In upstream's order; a step is only there if the schema has one of its keywords.
_STEPS: tuple[tuple[Callable[[Obj], Validate], frozenset[str]], ...] = (
    (_logic, frozenset(("anyOf", "oneOf", "allOf", "not"))),
    (_string, frozenset(("maxLength", "minLength", "pattern", "format"))),
    (_range, frozenset(("type",))),
    (_number, frozenset(("minimum", "maximum", "multipleOf"))),
    (_array, frozenset(("items", "maxItems", "minItems", "uniqueItems"))),
    (_enum, frozenset(("enum",))),
    (
        _object,
        frozenset(("properties", "required", "additionalProperties", "minProperties", "maxProperties")),
    ),
)
