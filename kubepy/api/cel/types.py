"""CEL types, and how a structural schema becomes one.

A Type is immutable and compared by what it is (kind, name, parameters), never by its size hints. Object types made
from a schema carry their fields under escaped names (`foo-bar` is `foo__dash__bar`), each with the name it has in
JSON. Size hints (`elements_max`, `size_min`) bound lists, maps and strings for the cost estimate: they come from
maxItems, maxProperties and maxLength, else from what fits into a request of 3 MiB. A type that no schema made has
no bound: elements_max None.

Values stay what JSON gave: `program` converts on access where the schema says date-time, duration, byte or number.

Source: kubernetes 1.36 staging/src/k8s.io/apiserver/pkg/cel/common/schemas.go, types.go, escaping.go, limits.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from kubepy.api.cel.limits import REQUEST_BYTES_MAX


class Field:
    """A field of an object type: its type, its name in JSON, and whether null means that it is not there."""

    __slots__ = ("json_name", "null_is_absent", "type")

    def __init__(self, type: Type, json_name: str, null_is_absent: bool = True) -> None:
        self.type = type
        self.json_name = json_name
        self.null_is_absent = null_is_absent


class Type:
    """kind: one of the scalar names, list, map, struct, opaque, type, param, dyn, error, null."""

    __slots__ = ("_key", "elements_max", "fields", "kind", "name", "params", "size_min")

    def __init__(
        self,
        kind: str,
        name: str = "",
        params: tuple[Type, ...] = (),
        *,
        fields: Mapping[str, Field] | None = None,
        elements_max: int | None = None,
        size_min: int = 0,
    ) -> None:
        self.kind = kind
        self.name = name or kind
        self.params = params
        self.fields = fields
        self.elements_max = elements_max
        self.size_min = size_min
        self._key: tuple[Any, ...] = (kind, self.name, tuple(p._key for p in params))

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Type) and self._key == other._key)

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        return f"Type({self})"

    def __str__(self) -> str:
        """As cel-go's checker prints it: `map(string, list(int))`, `optional_type(int)`, `timestamp`."""
        if self.kind == "error":
            return "!error!"
        if self.kind in ("null", "timestamp", "duration"):
            return self.kind
        if not self.params:
            return self.name
        return f"{self.name}({', '.join(map(str, self.params))})"

    @property
    def runtime_name(self) -> str:
        """As Go prints it by itself: `null_type`, `google.protobuf.Timestamp`."""
        if not self.params:
            return str(self) if self.kind == "error" else self.name
        return f"{self.name}({', '.join(of.runtime_name for of in self.params)})"

    @staticmethod
    def from_schema(schema: Mapping[str, Any], *, root: bool = False, name: str = "object") -> Type | None:
        """The type of a structural schema (apiextensions v1 or OpenAPI spelling); None = not visible to CEL.

        root: the schema describes a whole resource, so apiVersion, kind, metadata.name and
        metadata.generateName are declared even if it does not mention them. name: of the object type.
        """
        return _of_schema(schema, root, name)

    def item_at(self, path: tuple[str, ...]) -> Type | None:
        """The type below this one at a path of field names, `@items`, `@values`, `@keys`; None = not declared."""
        at: Type = self
        for step in path:
            if step in ("@items", "@values"):
                if at.kind not in ("list", "map"):
                    return None
                at = at.params[-1]
            elif step == "@keys":
                if at.kind != "map":
                    return None
                at = at.params[0]
            else:
                field = (at.fields or {}).get(step)
                if field is None:
                    return None
                at = field.type
        return at


ERROR = Type("error")
DYN = Type("dyn")
NULL = Type("null", "null_type", size_min=4)
BOOL = Type("bool", size_min=4)
INT = Type("int", size_min=1)
UINT = Type("uint", size_min=1)
DOUBLE = Type("double", size_min=1)
STRING = Type("string", size_min=2)
BYTES = Type("bytes", size_min=2)
TIMESTAMP = Type("timestamp", "google.protobuf.Timestamp", size_min=21)
DURATION = Type("duration", "google.protobuf.Duration", size_min=3)
TYPE = Type("type")


def list_of(item: Type, *, items_max: int | None = None) -> Type:
    return Type("list", params=(item,), elements_max=items_max, size_min=2)


def map_of(key: Type, value: Type, *, entries_max: int | None = None) -> Type:
    return Type("map", params=(key, value), elements_max=entries_max, size_min=2)


def optional_of(value: Type) -> Type:
    return Type("opaque", "optional_type", (value,))


def type_of(value: Type) -> Type:
    return Type("type", params=(value,))


def param(name: str) -> Type:
    return Type("param", name)


def opaque(name: str) -> Type:
    """A type that only its functions can look into, e.g. `kubernetes.Quantity`."""
    return Type("opaque", name)


def struct_of(name: str, fields: Mapping[str, Type]) -> Type:
    """An object type for variables that no schema describes (`request`, `variables`); its fields may be null."""
    return Type(
        "struct", name, fields={_must_escape(k): Field(t, k, False) for k, t in fields.items()}, size_min=2
    )


class _AnyField(Mapping[str, Field]):
    """Every name is a field, of which nothing is known."""

    def __getitem__(self, name: str) -> Field:
        return Field(DYN, name, False)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 1


def open_struct(name: str) -> Type:
    """An object type that may have any fields, of any type."""
    return Type("struct", name, fields=_ANY_FIELD)


_ANY_FIELD = _AnyField()


# --------------------------------------------------------------------------------------------------------------
# Field names

# Source: escaping.go, celReservedSymbols: 'namespace' is used heavily in Kubernetes.
_RESERVED = frozenset(
    [
        "true",
        "false",
        "null",
        "in",
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
        "void",
        "while",
    ]
)
_ESCAPES = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}
_UNESCAPES = {v: k for k, v in _ESCAPES.items()} | {f"__{word}__": word for word in _RESERVED}
_ESCAPABLE = re.compile(r"[A-Za-z_./-][A-Za-z0-9_./-]*\Z")
_TO_ESCAPE = re.compile(r"__|[-./]")
_TO_UNESCAPE = re.compile(r"__[^_]+__")


def escape(name: str) -> str | None:
    """The identifier that stands for a property in an expression; None = it cannot be spoken of."""
    if name in _RESERVED:
        return f"__{name}__"
    if not _ESCAPABLE.match(name):
        return None
    return _TO_ESCAPE.sub(lambda m: _ESCAPES[m.group()], name)


def unescape(name: str) -> str:
    """The property behind an identifier; a name that is no escape stands for itself."""
    if "__" not in name:
        return name
    return _TO_UNESCAPE.sub(lambda m: _UNESCAPES.get(m.group(), m.group()), name)


def _must_escape(name: str) -> str:
    escaped = escape(name)
    assert escaped is not None, f"{name} cannot be a field"
    return escaped


# --------------------------------------------------------------------------------------------------------------
# Schemas

# Source: limits.go. JSON sizes: the quotes count.
_DURATION_CHARS_MAX = 32
_DATE_TIME_CHARS_MAX = 32
_DATE_TIME_SIZE_MIN = 21
_DATE_CHARS = 12
# The size of what has none counts as 0 in an estimate, and so does that of the keys of a map.
_KEY = Type("string", size_min=2, elements_max=0)
_SCHEMA_SCALARS = {
    "boolean": Type("bool", size_min=4, elements_max=0),
    "number": Type("double", size_min=1, elements_max=0),
    "integer": Type("int", size_min=1, elements_max=0),
}
_META_STRINGS = {"type": "string"}


def _of_schema(schema: Mapping[str, Any], root: bool, name: str) -> Type | None:
    if schema.get("x-kubernetes-int-or-string"):
        longest = schema.get("maxLength")
        most = REQUEST_BYTES_MAX - 2 if longest is None else max(0, longest) * 4
        return Type("dyn", elements_max=most, size_min=1)
    kind = "object" if root else schema.get("type", "")
    if kind == "array":
        return _array(schema, name)
    if kind == "object":
        return _object(schema, root, name)
    if kind == "string":
        return _string(schema)
    return _SCHEMA_SCALARS.get(kind)


def _child(schema: Mapping[str, Any], name: str) -> Type | None:
    return _of_schema(schema, bool(schema.get("x-kubernetes-embedded-resource")), name)


def _array(schema: Mapping[str, Any], name: str) -> Type | None:
    item = _child(schema["items"], f"{name}.@idx") if isinstance(schema.get("items"), Mapping) else None
    if item is None:
        return None
    most = schema.get("maxItems")
    fits = (REQUEST_BYTES_MAX - 2) // (item.size_min + 1)
    return list_of(item, items_max=fits if most is None else max(0, most))


def _object(schema: Mapping[str, Any], root: bool, name: str) -> Type | None:
    properties: Mapping[str, Any] = schema.get("properties") or {}
    if root:
        properties = _with_metadata(properties)
    additional = schema.get("additionalProperties")
    if isinstance(additional, Mapping):
        value = _child(additional, f"{name}.@elem")
        if value is None:
            return None
        most = schema.get("maxProperties")
        # a key needs at least "":, and a comma: 6 bytes with the value
        fits = (REQUEST_BYTES_MAX - 2) // (value.size_min + 6)
        return map_of(_KEY, value, entries_max=fits if most is None else max(0, most))
    required = frozenset(schema.get("required") or ())
    fields: dict[str, Field] = {}
    size_min = 2
    for key, prop in properties.items():
        escaped = escape(key)
        of = _child(prop, f"{name}.{escaped}")
        if of is None:
            continue
        if escaped is not None:
            fields[escaped] = Field(of, key)
        # Defaults are filled in by the server, so a request need not carry them.
        if key in required and prop.get("default") is None:
            size_min += len(key.encode()) + of.size_min + 4
    return Type("struct", name, fields=fields, elements_max=0, size_min=size_min)


def _with_metadata(properties: Mapping[str, Any]) -> dict[str, Any]:
    metadata = properties.get("metadata") or {}
    inner = metadata.get("properties") or {}
    if "name" in inner and "generateName" in inner and "kind" in properties and "apiVersion" in properties:
        return dict(properties)
    declared = {"type": "object", "properties": {"name": _META_STRINGS, "generateName": _META_STRINGS}}
    return {**properties, "kind": _META_STRINGS, "apiVersion": _META_STRINGS, "metadata": declared}


def _string(schema: Mapping[str, Any]) -> Type:
    longest = schema.get("maxLength")
    form = schema.get("format")
    if form == "byte":
        most = REQUEST_BYTES_MAX - 2 if longest is None else max(0, longest)
        return Type("bytes", size_min=2, elements_max=most)
    if form == "duration":
        return Type("duration", DURATION.name, size_min=3, elements_max=_DURATION_CHARS_MAX)
    if form == "date":
        return Type("timestamp", TIMESTAMP.name, size_min=_DATE_CHARS, elements_max=_DATE_CHARS)
    if form == "date-time":
        return Type(
            "timestamp", TIMESTAMP.name, size_min=_DATE_TIME_SIZE_MIN, elements_max=_DATE_TIME_CHARS_MAX
        )
    if longest is not None:
        # maxLength counts code points, requests count bytes: up to four for each.
        return Type("string", size_min=2, elements_max=max(0, longest) * 4)
    enum = [len(value.encode()) for value in schema.get("enum") or () if isinstance(value, str)]
    if schema.get("enum"):
        return Type("string", size_min=2, elements_max=max(enum, default=0))
    return Type("string", size_min=2, elements_max=REQUEST_BYTES_MAX - 2)
