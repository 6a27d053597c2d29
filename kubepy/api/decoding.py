"""What Go's decoder makes of one JSON value, as closures: the pieces that schema.py compiles kinds from.

A closure takes (value, at, unknown) and returns the value as Go would write it again, changed in place where it can
be. `at` is the way down as linked (parent, key, Go struct) triples, looked at only when there is something to report,
so that an object without findings pays one tuple per nested value for it. `unknown` collects the paths of fields that
nobody knows. A value of the wrong type raises Unfit, with the text of Go's decoder.

Source: sigs.k8s.io/json (a fork of Go's encoding/json); apimachinery pkg/runtime/converter.go for the other texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson

from kubepy.api import defaults, errors, gotypes, quantity, scalars, selectors

# parent, key or index, and the Go name of the struct whose field the key is ("" for list items and map values)
At = tuple[Any, str | int, str] | None
Decode = Callable[[Any, At, list[str]], Any]
Kind = type | Decode  # a class where being of it is all there is to check

META = "io.k8s.apimachinery.pkg.apis.meta.v1."
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_MESSAGE_MAX = 30  # bytes of a body that an error quotes


class Unfit(Exception):
    """Go's decoder would refuse the value; carries Go's text.

    `restored`: what the converter that strategic merge patches end in says instead, where it is not the same.
    `path`: where a value of the wrong type is; Go remembers that and reads on. None: Go stops here.
    """

    def __init__(self, text: str, restored: str = "", path: list[str | int] | None = None) -> None:
        super().__init__(text)
        self.restored = restored or text
        self.path = path


def element_type(go_type: str) -> str:
    if go_type.startswith(("[]", "map[")):
        return go_type.partition("]")[2]
    return "string"


def struct_decoder(
    *,
    go_name: str,
    go_type: str,
    fields: dict[str, Kind],
    go_types: dict[str, str],
    keep: frozenset[str],
    open_ended: bool,
) -> Decode:
    find = fields.get

    def decode(value: Any, at: At, unknown: list[str]) -> Any:
        if value.__class__ is not dict:
            raise _mismatch(value, at, go_type)
        gone = []
        for key, item in value.items():
            kind = find(key)
            if item.__class__ is kind:
                if item or key in keep:
                    continue
            elif kind is None:
                if open_ended:
                    continue
                unknown.append(_render(at, key))
            elif item is None:
                pass
            elif kind.__class__ is type:
                raise _mismatch(item, (at, key, go_name), go_types[key], kind)
            else:
                new = kind(item, (at, key, go_name), unknown)
                if new or key in keep:
                    if new is not item:
                        value[key] = new
                    continue
            gone.append(key)
        for key in gone:
            del value[key]
        return value

    return decode


def list_decoder(kind: Kind, go_type: str, null: Any) -> Decode:
    plain, item_type = isinstance(kind, type), element_type(go_type)

    def decode(value: Any, at: At, unknown: list[str]) -> Any:
        if value.__class__ is not list:
            raise _mismatch(value, at, go_type)
        for index, item in enumerate(value):
            if item.__class__ is kind:
                continue
            if item is None:
                value[index] = {} if null is dict else null
            elif plain:
                raise _mismatch(item, at, item_type, kind)
            else:
                new = kind(item, (at, index, ""), unknown)
                if new is not item:
                    value[index] = new
        return value

    return decode


def map_decoder(kind: Kind, go_type: str, null: Any) -> Decode:
    plain, item_type = isinstance(kind, type), element_type(go_type)

    def decode(value: Any, at: At, unknown: list[str]) -> Any:
        if value.__class__ is not dict:
            raise _mismatch(value, at, go_type)
        for key, item in value.items():
            if item.__class__ is kind:
                continue
            if item is None:
                value[key] = {} if null is dict else null
            elif plain:
                raise _mismatch(item, at, item_type, kind)
            else:
                new = kind(item, (at, key, ""), unknown)
                if new is not item:
                    value[key] = new
        return value

    return decode


def integer_decoder(go_type: str) -> Decode:
    bits = 32 if go_type.endswith("32") else 64
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1

    def decode(value: Any, at: At, unknown: list[str]) -> Any:
        if value.__class__ is int and low <= value <= high:
            return value
        raise _mismatch(value, at, go_type)

    return decode


def number(value: Any, at: At, unknown: list[str]) -> Any:
    if value.__class__ is float or value.__class__ is int:
        return value
    raise _mismatch(value, at, "float64")


def anything(value: Any, at: At, unknown: list[str]) -> Any:
    return value


def _spelled(normal: Callable[[str], str], go_type: str, *, reads_itself: bool = True) -> Decode:
    """A string with a spelling of its own. `reads_itself`: in Go the type has an UnmarshalJSON, whose word is final."""

    def decode(value: Any, at: At, unknown: list[str]) -> Any:
        if value.__class__ is not str:
            raise _mismatch(value, at, go_type, is_final=reads_itself)
        try:
            return normal(value)
        except ValueError as error:
            if reads_itself:
                raise Unfit(str(error))
            raise Unfit(str(error), f"error decoding from json: {error}", _steps(at))

    return decode


base64_bytes = _spelled(scalars.base64_bytes, "[]uint8", reads_itself=False)


def _quantity(value: Any, at: At, unknown: list[str]) -> Any:
    if value.__class__ is bool or value.__class__ in (dict, list):
        raise Unfit(quantity.FORMAT_WRONG)
    try:
        return quantity.normalize(value)
    except ValueError as error:
        raise Unfit(str(error))


def resource_amount(value: Any, at: At, unknown: list[str]) -> Any:
    """A quantity of a ResourceList, rounded up to thousandths. Source: SetDefaults_ResourceList."""
    text = _quantity(value, at, unknown)
    if text[-1:] in ("n", "u"):
        return quantity.normalize(f"{quantity.milli(text)}m")
    return text


def _int_or_string(value: Any, at: At, unknown: list[str]) -> Any:
    if value.__class__ is str:
        return value
    try:
        return _int32(value, at, unknown)
    except Unfit as unfit:
        unfit.path = None
        raise


_int32 = integer_decoder("int32")


def union_decoder(*kinds: Kind) -> Decode:
    """A value of several shapes, told apart by its JSON type; the first kind is the one for objects.

    Go types with shapes decode themselves, and have no eye for fields that nobody knows. What is of no shape is
    nothing, but where a bool could be: so says a schema's `items: 5`, or an empty list of schemas.
    Source: apiextensions v1/marshal.go.
    """
    as_object, *others = kinds

    def decode(value: Any, at: At, unknown: list[str]) -> Any:
        for kind in others:
            if value.__class__ is kind:
                return value
            if value.__class__ is list and not isinstance(kind, type):
                return kind(value, at, []) or None
        if value.__class__ is dict and not isinstance(as_object, type):
            return as_object(value, at, [])
        if bool in others:
            raise Unfit("boolean or JSON schema expected")
        return None

    return decode


SPECIAL: dict[str, Decode] = {
    QUANTITY: _quantity,
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": _int_or_string,
    f"{META}Time": _spelled(scalars.time, "string"),
    f"{META}MicroTime": _spelled(scalars.micro_time, "string"),
    f"{META}FieldsV1": anything,
    f"{META}Patch": anything,
    "io.k8s.apimachinery.pkg.runtime.RawExtension": anything,
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON": anything,
}  # fmt: skip


def _daemon_set(obj: Any) -> None:
    """Source: apps/v1 Convert_v1_DaemonSet_To_apps_DaemonSet."""
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    count = annotations.get(defaults.TEMPLATE_GENERATION)
    if count is not None and selectors.parse_int64(count) is None:
        raise Unfit(f"strconv.ParseInt: parsing {errors.quote(count)}: invalid syntax")


# Kinds whose conversion to what Go works with may fail, too.
CONVERSIONS: dict[str, Callable[[Any], None]] = {"io.k8s.api.apps.v1.DaemonSet": _daemon_set}


IDENTITY = (
    r'struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }'
)


_JSON_KINDS: dict[type, str] = {str: "string", bool: "bool", dict: "object", list: "array"}


def json_kind(value: Any) -> str:
    return _JSON_KINDS.get(value.__class__, "number")


_REFLECT_KINDS: dict[type, str] = {str: "string", bool: "bool", dict: "map", list: "slice", int: "int64"}


_SIMPLE = re.compile(r"string|bool|u?int\d*|float\d*")


def _unrestorable(value: Any, go_type: str, kind: Kind | None) -> str:
    """`kind` where it is a class; types such as v1.RestartPolicy are structs otherwise.

    Source: apimachinery pkg/runtime/converter.go fromUnstructured.
    """
    given = _REFLECT_KINDS.get(value.__class__, "float64")
    if go_type.startswith("map[") or go_type == "v1.ResourceList":
        return f"cannot restore map from {given}"
    if go_type.startswith("[]"):
        return f"cannot restore slice from {given}"
    if kind is not str and not _SIMPLE.fullmatch(go_type):
        return f"cannot restore struct from: {given}"
    # Go converts numbers among each other, and whole ones to text; then it finds that JSON does not.
    is_number = given in ("int64", "float64")
    if is_number and (go_type.startswith(("int", "uint")) or (kind is str and given == "int64")):
        return f"cannot convert {given} to {go_type}"
    return f"unrecognized type: {'string' if kind is str else go_type}"


def _steps(at: At) -> list[str | int]:
    path: list[str | int] = []
    while at is not None:
        at, key, _ = at
        path.insert(0, key)
    return path


def _mismatch(value: Any, at: At, go_type: str, kind: Kind | None = None, *, is_final: bool = False) -> Unfit:
    restored = "" if is_final else _unrestorable(value, go_type, kind)
    what = json_kind(value)
    if what == "number" and go_type.startswith(("int", "uint")):
        what = f"number {orjson.dumps(value).decode() if abs(value) < 2**63 else value}"
    struct = ""
    names: list[str] = []
    path = None if is_final else _steps(at)
    while at is not None:
        parent, key, go_name = at
        if go_name:
            struct = struct or go_name
            names += (str(key), *reversed(_embedding(go_name, key)))
        at = parent
    if not struct:
        return Unfit(f"json: cannot unmarshal {what} into Go value of type {go_type}", restored, path)
    return Unfit(field_text(what, struct, ".".join(reversed(names)), go_type), restored, path)


def _embedding(struct: str, key: Any) -> list[str]:
    """The structs, from the outermost, that lie between a struct and a field of what it embeds."""
    found = []
    while (embedded := gotypes.EMBEDDED.get(struct)) is not None and key not in embedded[1]:
        struct = embedded[0]
        found.append(struct)
    return found


def field_text(what: str, struct: str, path: str, go_type: str) -> str:
    return f"json: cannot unmarshal {what} into Go struct field {struct}.{path} of type {go_type}"


def _render(at: At, key: str) -> str:
    """("spec", "containers", 0), "foo" -> "spec.containers[0].foo"."""
    steps = [f".{key}"]
    while at is not None:
        parent, step, _ = at
        steps.append(f"[{step}]" if isinstance(step, int) else f".{step}")
        at = parent
    return "".join(reversed(steps))[1:]


def summary(body: bytes) -> str:
    """Source: apiserver pkg/endpoints/handlers/rest.go summarizeData."""
    if not body:
        return "<empty>"
    head = body[:_MESSAGE_MAX]
    text = head.decode(errors="replace") if body[:1] == b"{" else head.hex()
    return f"{text} ..." if len(body) > _MESSAGE_MAX else text
