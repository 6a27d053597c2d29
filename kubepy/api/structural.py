"""Structural schemas: what a CustomResourceDefinition says about the shape of its objects.

A structural schema names every field that a value can have outside of allOf, anyOf, oneOf and not; so it is known what
to drop and what to fill in. `check` says where a schema is not structural. The compilers turn one into closures that
change an object in place, one walk each:

    prune = compile_pruner(schema, metadata)       unknown fields go (and are reported), nulls that may not be, too
    default = compile_defaulter(schema)            None if there is nothing to fill in
    check_lists = compile_list_check(schema)       lists of type set and map hold nothing twice

Schemas are the plain JSON of spec.versions[*].schema.openAPIV3Schema; nothing here changes them.

Source: apiextensions-apiserver pkg/apiserver/schema/{validation,complete}.go, pruning/algorithm.go,
defaulting/{algorithm,prunenulls}.go, objectmeta/{algorithm,validation}.go, listtype/validation.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

import orjson

from kubepy.api import errors, names
from kubepy.api.errors import FieldError
from kubepy.api.objects import Obj
from kubepy.api.valuevalidation import by_keys, key_values

META_FIELDS = frozenset(("apiVersion", "kind", "metadata"))
ROOT, ITEM, FIELD = "at the root", "for specified array items", "for specified object fields"
_INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]

PRESERVE = "x-kubernetes-preserve-unknown-fields"
EMBEDDED = "x-kubernetes-embedded-resource"
INT_OR_STRING = "x-kubernetes-int-or-string"
LIST_TYPE, MAP_TYPE, MAP_KEYS = (
    "x-kubernetes-list-type",
    "x-kubernetes-map-type",
    "x-kubernetes-list-map-keys",
)
RULES = "x-kubernetes-validations"


def children(schema: Obj) -> Iterator[tuple[str, Obj]]:
    """(steps of a path, schema) of what is structurally below: items, additionalProperties, properties."""
    items, more = schema.get("items"), schema.get("additionalProperties")
    if isinstance(items, dict):
        yield "items", items
    if isinstance(more, dict):
        yield "additionalProperties", more
    for name, each in (schema.get("properties") or {}).items():
        yield f"properties[{name}]", each


def everything(schema: Obj) -> Iterator[Obj]:
    """A schema and all below it, the logical branches included."""
    yield schema
    for _, each in children(schema):
        yield from everything(each)
    for word in ("allOf", "anyOf", "oneOf"):
        for each in schema.get(word) or ():
            yield from everything(each)
    if isinstance(schema.get("not"), dict):
        yield from everything(schema["not"])


def has_rules(schema: Any) -> bool:
    if not isinstance(schema, dict):
        return False
    return bool(
        schema.get(RULES)
        or has_rules(schema.get("items"))
        or has_rules(schema.get("additionalProperties"))
        or any(has_rules(each) for each in (schema.get("properties") or {}).values())
    )


# -- is it structural? ----------------------------------------------------------------------------------------------

# What no structural schema can say at all.
_FOREIGN = ("id", "$schema", "$ref", "patternProperties", "dependencies", "additionalItems", "definitions")


def unfit(schema: Obj) -> str:
    """Why nothing structural can be made of a schema, so that `check` has nothing to look at; "" if it can.

    Source: NewStructural.
    """
    for each in everything(schema):
        for keyword in _FOREIGN:
            if each.get(keyword) or (keyword == "additionalItems" and each.get(keyword) is not None):
                shown = "schema" if keyword == "$schema" else keyword
                return f"OpenAPIV3Schema '{shown}' is not supported"
        if each.get(PRESERVE) is False:
            return f"internal error: '{PRESERVE}' must be true or undefined"
        if isinstance(each.get("items"), list):
            return "OpenAPIV3Schema 'items' must be a schema, but is an array"
    return ""


def check(schema: Obj, path: str) -> list[FieldError]:
    """What keeps a schema from being structural, sorted by text. Source: ValidateStructural."""
    found: list[FieldError] = []
    _check_invariants(schema, ROOT, path, found)
    _check_branches(schema, schema, path, path, found)
    return sorted(found, key=str)


def _check_invariants(schema: Obj, level: str, path: str, found: list[FieldError]) -> None:
    type_ = schema.get("type", "")
    embedded, preserve = bool(schema.get(EMBEDDED)), bool(schema.get(PRESERVE))
    properties = schema.get("properties") or {}
    if type_ == "array" and not isinstance(schema.get("items"), dict):
        found.append(errors.required(f"{path}.items", "must be specified"))
    for step, each in children(schema):
        _check_invariants(each, ITEM if step == "items" else FIELD, f"{path}.{step}", found)
    more = schema.get("additionalProperties")
    if more is not None and level == ROOT:
        found.append(errors.forbidden_field(f"{path}.additionalProperties", "must not be used at the root"))
    if schema.get(INT_OR_STRING):
        for keyword, value in ((PRESERVE, preserve), (EMBEDDED, embedded)):
            if value:
                why = f"must be false if {INT_OR_STRING} is true"
                found.append(errors.invalid_value(f"{path}.{keyword}", True, why))
    skip_any_of, skip_first = _int_or_string_patterns(schema)
    _check_values(schema, path, found, skip_any_of, skip_first)
    if embedded and type_ != "object":
        why = f"must be object if {EMBEDDED} is true"
        at = f"{path}.type"
        found.append(errors.invalid_value(at, type_, why) if type_ else errors.required(at, why))
    elif not type_ and not schema.get(INT_OR_STRING) and not preserve:
        found.append(errors.required(f"{path}.type", f"must not be empty {level}"))
    if embedded and more is not None:
        why = f"must not be used if {EMBEDDED} is set"
        found.append(errors.forbidden_field(f"{path}.additionalProperties", why))
    if level == ROOT and type_ and type_ != "object":
        found.append(errors.invalid_value(f"{path}.type", type_, "must be object at the root"))
    has_metadata = level == ROOT or embedded
    for name in ("kind", "apiVersion"):
        if has_metadata and name in properties and properties[name].get("type") != "string":
            at = f"{path}.properties[{name}].type"
            found.append(errors.invalid_value(at, properties[name].get("type", ""), "must be string"))
    if "metadata" in properties:
        _check_metadata(properties["metadata"], has_metadata, level, f"{path}.properties[metadata]", found)
    if embedded and not preserve and not properties:
        why = f"must not be empty if {EMBEDDED} is true without {PRESERVE}"
        found.append(errors.required(f"{path}.properties", why))


_METADATA_WHY = (
    "must not specify anything other than name and generateName, but metadata is implicitly specified"
)


def _check_metadata(schema: Obj, has_metadata: bool, level: str, path: str, found: list[FieldError]) -> None:
    if has_metadata and schema.get("type") != "object":
        found.append(errors.invalid_value(f"{path}.type", schema.get("type", ""), "must be object"))
    if level == ROOT:
        rest = {key for key, value in schema.items() if _says_something(key, value)} - {"type", "default"}
        if set(schema.get("properties") or ()) <= {"name", "generateName"}:
            rest.discard("properties")
        if rest:
            found.append(errors.forbidden_field(path, _METADATA_WHY))


def _says_something(keyword: str, value: Any) -> bool:
    """Whether Go's struct differs from an empty one: zeros are lost where the field is no pointer."""
    return bool(value) or (value is not None and keyword in _POINTERS)


_POINTERS = frozenset(
    (
        "maximum", "minimum", "maxLength", "minLength", "maxItems", "minItems", "multipleOf", "maxProperties",
        "minProperties", "required", "additionalProperties", "externalDocs", "example", MAP_KEYS, LIST_TYPE, MAP_TYPE,
    )
)  # fmt: skip


def _int_or_string_patterns(schema: Obj) -> tuple[bool, bool]:
    """Whether anyOf, or the anyOf of the first allOf, is the one that int-or-string may have."""
    all_of = schema.get("allOf") or []
    return schema.get("anyOf") == _INT_OR_STRING, bool(all_of) and all_of[0].get("anyOf") == _INT_OR_STRING


def _check_values(
    schema: Obj, path: str, found: list[FieldError], skip_any_of: bool = False, skip_first: bool = False
) -> None:
    """Source: validateValueValidation."""
    if not skip_any_of:
        for index, each in enumerate(schema.get("anyOf") or ()):
            _check_nested(each, f"{path}.anyOf[{index}]", found)
    for index, each in enumerate(schema.get("allOf") or ()):
        _check_nested(each, f"{path}.allOf[{index}]", found, skip_first and index == 0)
    for index, each in enumerate(schema.get("oneOf") or ()):
        _check_nested(each, f"{path}.oneOf[{index}]", found)
    if isinstance(schema.get("not"), dict):
        _check_nested(schema["not"], f"{path}.not", found)
    pattern = schema.get("pattern")
    if pattern and (why := pattern_error(pattern)):
        text = f"must be a valid regular expression, but isn't: {why}"
        found.append(errors.invalid_value(f"{path}.pattern", pattern, text))


# Generated definitions say the same few patterns in hundreds of places.
@lru_cache(maxsize=256)
def pattern_error(pattern: str) -> str:
    """Why a regular expression is none, in Go's words; "" if it is one."""
    from kubepy.api.cel.regexp import PatternError, parse

    try:
        parse(pattern)
    except PatternError as error:
        return str(error)
    return ""


_FORBIDDEN_NESTED = (
    ("type", "must be empty to be structural"),
    ("additionalProperties", "must be undefined to be structural"),
    ("default", "must be undefined to be structural"),
    ("title", "must be empty to be structural"),
    ("description", "must be empty to be structural"),
    ("nullable", "must be false to be structural"),
    (PRESERVE, "must be false to be structural"),
    (EMBEDDED, "must be false to be structural"),
    (INT_OR_STRING, "must be false to be structural"),
    (MAP_KEYS, "must be empty to be structural"),
    (LIST_TYPE, "must be undefined to be structural"),
    (MAP_TYPE, "must be undefined to be structural"),
    (RULES, "must be empty to be structural"),
)


def _check_nested(schema: Obj, path: str, found: list[FieldError], skip_any_of: bool = False) -> None:
    """Inside allOf and its like only values may be restricted. Source: validateNestedValueValidation."""
    _check_values(schema, path, found, skip_any_of)
    if isinstance(schema.get("items"), dict):
        _check_nested(schema["items"], f"{path}.items", found)
    for name, each in (schema.get("properties") or {}).items():
        _check_nested(each, f"{path}.properties[{name}]", found)
    for keyword, why in _FORBIDDEN_NESTED:
        value = schema.get(keyword)
        if value or (value is not None and keyword in ("additionalProperties", "default")):
            found.append(errors.forbidden_field(f"{path}.{keyword}", why))
    if "metadata" in (schema.get("properties") or {}):
        why = "must not be specified in a nested context"
        found.append(errors.forbidden_field(f"{path}.properties[metadata]", why))


def _check_branches(
    values: Obj, schema: Obj | None, at: str, values_at: str, found: list[FieldError]
) -> None:
    """Every value validation needs its structural counterpart. Source: validateValueValidationCompleteness."""
    branches: list[tuple[str, Obj]] = []
    if isinstance(values.get("not"), dict):
        branches.append(("not", values["not"]))
    for word in ("allOf", "anyOf", "oneOf"):
        branches += [(f"{word}[{index}]", each) for index, each in enumerate(values.get(word) or ())]
    for step, branch in branches:
        _check_branch(branch, schema, at, f"{values_at}.{step}", found)


def _check_branch(branch: Obj, schema: Obj | None, at: str, branch_at: str, found: list[FieldError]) -> None:
    if not isinstance(schema, dict):
        found.append(errors.required(at, f"because it is defined in {branch_at}"))
        return
    _check_branches(branch, schema, at, branch_at, found)
    if isinstance(branch.get("items"), dict):
        items = schema.get("items")
        _check_branch(branch["items"], items, f"{at}.items", f"{branch_at}.items", found)
    properties = schema.get("properties") or {}
    for name, each in (branch.get("properties") or {}).items():
        step = f"properties[{name}]"
        if name not in properties:
            why = f"because it is defined in {branch_at}.{step}"
            found.append(errors.required(f"{at}.{step}", why))
        else:
            _check_branch(each, properties[name], f"{at}.{step}", f"{branch_at}.{step}", found)


# -- pruning --------------------------------------------------------------------------------------------------------

# (value, path, paths of what was dropped)
Prune = Callable[[Any, str, list[str]], None]
# (metadata, path, unknown): what Go makes of an ObjectMeta; raises what the caller knows how to answer
ReadMetadata = Callable[[Any, str, list[str]], None]


def compile_pruner(schema: Obj, read_metadata: ReadMetadata) -> Prune:
    """The pruner of whole objects: apiVersion, kind and metadata of the root are somebody else's."""
    return _Pruners(read_metadata).of(schema | {EMBEDDED: True}, is_root=True)


def compile_plain_pruner(schema: Obj) -> Prune:
    """The pruner of a value that is no object of its own: a default."""
    return _Pruners(_nothing).of(schema)


def _nothing(value: Any, path: str, unknown: list[str]) -> None:
    pass


def _everything(value: Any, path: str, unknown: list[str]) -> None:
    """No schema at all: whatever has a name is unknown."""
    if value.__class__ is dict:
        unknown += [f"{path}.{key}" if path else key for key in value]
        value.clear()
    elif value.__class__ is list:
        for index, item in enumerate(value):
            _everything(item, f"{path}[{index}]", unknown)


class _Pruners:
    def __init__(self, read_metadata: ReadMetadata) -> None:
        self._read_metadata = read_metadata

    def of(self, schema: Obj | None, *, keeping: bool = False, is_root: bool = False) -> Prune:
        """`keeping`: fields that are not in the schema stay, as below x-kubernetes-preserve-unknown-fields."""
        if schema is None:
            return _nothing if keeping else _everything
        keeping = keeping or bool(schema.get(PRESERVE))
        as_list = self._list(schema, keeping)
        as_object = self._object(schema, keeping, is_root)

        def prune(value: Any, path: str, unknown: list[str]) -> None:
            if value.__class__ is dict:
                as_object(value, path, unknown)
            elif value.__class__ is list:
                as_list(value, path, unknown)

        return prune

    def _list(self, schema: Obj, keeping: bool) -> Prune:
        each = self.of(schema.get("items"), keeping=keeping)

        def prune(value: Any, path: str, unknown: list[str]) -> None:
            for index, item in enumerate(value):
                if item.__class__ is dict or item.__class__ is list:
                    each(item, f"{path}[{index}]", unknown)

        return prune

    def _object(self, schema: Obj, keeping: bool, is_root: bool) -> Prune:
        # Below a known field, unknown ones go again.
        properties = {name: self.of(each) for name, each in (schema.get("properties") or {}).items()}
        more = schema.get("additionalProperties")
        others: Prune | None = None
        if more is not None:
            others = self.of(more if isinstance(more, dict) else None)
        embedded = bool(schema.get(EMBEDDED))
        may_be_null = {name for name, each in (schema.get("properties") or {}).items() if _null_stays(each)}
        others_may_be_null = not isinstance(more, dict) or _null_stays(more)
        read_metadata = self._read_metadata

        def prune(value: Any, path: str, unknown: list[str]) -> None:
            gone = []
            for key, item in value.items():
                if embedded and key in META_FIELDS:
                    if not is_root:
                        value[key] = _check_embedded(key, item, path, unknown, read_metadata)
                    continue
                known = properties.get(key)
                if known is not None:
                    if item is None:
                        if key not in may_be_null:
                            gone.append(key)
                    elif item.__class__ is dict or item.__class__ is list:
                        known(item, f"{path}.{key}" if path else key, unknown)
                elif others is not None:
                    if item is None:
                        if not others_may_be_null:
                            gone.append(key)
                    elif item.__class__ is dict or item.__class__ is list:
                        others(item, f"{path}.{key}" if path else key, unknown)
                elif not keeping:
                    unknown.append(f"{path}.{key}" if path else key)
                    gone.append(key)
            for key in gone:
                del value[key]

        return prune


def _null_stays(schema: Obj) -> bool:
    """A null that may be, or that a default is going to replace."""
    return bool(schema.get("nullable")) or "default" in schema


class InvalidEmbedded(ValueError):
    """An embedded object's metadata is none; its text is upstream's."""

    def __init__(self, finding: FieldError) -> None:
        super().__init__(str(finding))
        self.finding = finding


def _check_embedded(key: str, item: Any, path: str, unknown: list[str], read_metadata: ReadMetadata) -> Any:
    """What is to stand there. Source: objectmeta.coerce."""
    if key != "metadata":
        if not isinstance(item, str):
            raise InvalidEmbedded(errors.invalid_value(f"{path}.{key}", item, "must be a string"))
        return item
    if item is None:
        return {}
    before = orjson.dumps(item, option=orjson.OPT_SORT_KEYS)
    try:
        read_metadata(item, f"{path}.metadata", unknown)
    except ValueError as error:
        finding = errors.invalid_value(f"{path}.metadata", orjson.loads(before), str(error))
        raise InvalidEmbedded(finding)
    return item


# -- defaults -------------------------------------------------------------------------------------------------------

Default = Callable[[Any], None]


def _fresh(value: Any) -> Callable[[], Any]:
    """Makes copies of a default."""
    if isinstance(value, (dict, list)):
        raw = orjson.dumps(value)
        return lambda: orjson.loads(raw)
    return lambda: value


def compile_defaulter(schema: Obj) -> Default | None:
    """Fills in the defaults of a schema, also those within defaults; None if there is none.

    A null that may not be is replaced, too. Source: defaulting.Default.
    """
    fill: list[tuple[str, Callable[[], Any], bool]] = []
    walk: list[tuple[str, Default]] = []
    properties = schema.get("properties") or {}
    for name, each in properties.items():
        if "default" in each:
            fill.append((name, _fresh(each["default"]), bool(each.get("nullable"))))
        if (below := compile_defaulter(each)) is not None:
            walk.append((name, below))
    others = _container_defaulter(schema.get("additionalProperties"))
    items = _container_defaulter(schema.get("items"))
    if not (fill or walk or others or items):
        return None

    def default(value: Any) -> None:
        if value.__class__ is dict:
            for name, make, nullable in fill:
                if name not in value or (value[name] is None and not nullable):
                    value[name] = make()
            for name, below in walk:
                if name in value:
                    below(value[name])
            if others is not None:
                for name in value.keys() - properties.keys():
                    value[name] = others(value[name])
        elif items is not None and value.__class__ is list:
            value[:] = [items(item) for item in value]

    return default


def _container_defaulter(schema: Any) -> Callable[[Any], Any] | None:
    """For items and the values of maps: what to put in place of a value."""
    if not isinstance(schema, dict):
        return None
    below = compile_defaulter(schema)
    make = _fresh(schema["default"]) if "default" in schema and not schema.get("nullable") else None
    if below is None and make is None:
        return None

    def replaced(value: Any) -> Any:
        if value is None and make is not None:
            value = make()
        if below is not None:
            below(value)
        return value

    return replaced


# -- lists of type set and map, embedded objects ----------------------------------------------------------------------

# (value, path, findings)
Check = Callable[[Any, str, list[FieldError]], None]


def compile_list_check(schema: Obj) -> Check | None:
    """Lists of type set have no item twice, lists of type map no key. Source: ValidateListSetsAndMaps."""
    own: Check | None = None
    if schema.get("type", "array") == "array":
        if schema.get(LIST_TYPE) == "set":
            own = _check_set
        elif schema.get(LIST_TYPE) == "map":
            own = _map_check(tuple(schema.get(MAP_KEYS) or ()))
    return _compile_check(schema, own, compile_list_check)


def compile_embedded_check(schema: Obj, check_metadata: Check, *, is_root: bool = True) -> Check | None:
    """Embedded objects have an apiVersion, a kind and valid metadata. Source: objectmeta.Validate."""
    own: Check | None = None
    if schema.get(EMBEDDED) and not is_root:
        own = _resource_check(check_metadata)
    return _compile_check(
        schema, own, lambda each: compile_embedded_check(each, check_metadata, is_root=False)
    )


def _compile_check(
    schema: Obj, own: Check | None, compile_child: Callable[[Obj], Check | None]
) -> Check | None:
    properties = {
        name: below
        for name, each in (schema.get("properties") or {}).items()
        if (below := compile_child(each)) is not None
    }
    more, items = schema.get("additionalProperties"), schema.get("items")
    others = compile_child(more) if isinstance(more, dict) else None
    each_item = compile_child(items) if isinstance(items, dict) else None
    if own is None and not properties and others is None and each_item is None:
        return None

    def check(value: Any, path: str, found: list[FieldError]) -> None:
        if own is not None:
            own(value, path, found)
        if value.__class__ is dict:
            if others is not None:
                for name, item in value.items():
                    others(item, f"{path}[{name}]", found)
            for name, below in properties.items():
                if name in value:
                    below(value[name], f"{path}.{name}" if path else name, found)
        elif each_item is not None and value.__class__ is list:
            for index, item in enumerate(value):
                each_item(item, f"{path}[{index}]", found)

    return check


def _repeated(keys: Iterable[bytes]) -> list[int]:
    """The index where a key comes for the second time, for each that does."""
    seen: dict[bytes, int] = {}
    found = []
    for index, key in enumerate(keys):
        count = seen[key] = seen.get(key, 0) + 1
        if count == 2:
            found.append(index)
    return found


def _check_set(value: Any, path: str, found: list[FieldError]) -> None:
    if value.__class__ is not list or len(value) < 2:
        return
    repeated = _repeated(orjson.dumps(item, option=orjson.OPT_SORT_KEYS) for item in value)
    found += [errors.duplicate(f"{path}[{index}]", value[index]) for index in repeated]


def _map_check(keys: tuple[str, ...]) -> Check:
    def check(value: Any, path: str, found: list[FieldError]) -> None:
        if value.__class__ is not list:
            return
        for index, item in enumerate(value):
            if item is not None and item.__class__ is not dict:
                why = "must be an object for an array of list-type map"
                found.append(errors.invalid_value(f"{path}[{index}]", item, why))
                return
        if len(by_keys(value, keys)) == len(value):
            return
        found += [
            errors.duplicate(f"{path}[{index}]", orjson.loads(key_values(value[index], keys)))
            for index in _repeated(key_values(item, keys) for item in value)
        ]

    return check


def _resource_check(check_metadata: Check) -> Check:
    def check(value: Any, path: str, found: list[FieldError]) -> None:
        if value.__class__ is not dict:
            return
        check_resource(value, path, found)
        if isinstance(value.get("metadata"), dict):
            check_metadata(value["metadata"], f"{path}.metadata", found)

    return check


def check_resource(value: Obj, path: str, found: list[FieldError]) -> None:
    """What kind of object it is. Source: validateEmbeddedResource."""
    for name in ("apiVersion", "kind"):
        at = f"{path}.{name}" if path else name
        if name not in value:
            found.append(errors.required(at))
            continue
        text = value[name]
        if not isinstance(text, str):
            found.append(errors.invalid_value(at, text, "must be a string"))
        elif not text:
            found.append(errors.invalid_value(at, text, "must not be empty"))
        elif name == "apiVersion" and text.count("/") > 1:
            why = f"unexpected GroupVersion string: {text}"
            found.append(errors.invalid_value(at, text, why))
        elif name == "kind" and (messages := names.dns1035_label(text.lower())):
            why = "may have mixed case, but should otherwise match: " + ",".join(messages)
            found.append(errors.invalid_value(at, text, why))
