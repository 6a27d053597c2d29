"""Protobuf bodies (application/vnd.kubernetes.protobuf) -> the same JSON-shaped objects that JSON bodies give.

Go clients (kubectl create, client-go, controller-runtime) send built-in kinds so by default. An envelope, the
four bytes "k8s\\0" and a runtime.Unknown, names the kind; the rest is read with tables of field numbers
(protofields.py), compiled on first use. Messages whose JSON is not their fields (Time, Quantity, IntOrString
...) have a reader each. The way back is protoencoder.py.

Go writes zero values of fields that are no pointers; they arrive here too, and schema decoding drops them as it drops
those of JSON. Unknown field numbers are skipped, as protobuf has it.

Source: apimachinery pkg/runtime/serializer/protobuf/protobuf.go; protobuf's encoding document.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from kubepy.api import go_json
from kubepy.api.objects import Obj
from kubepy.api.protofields import META, Compiled, Field

PREFIX = b"k8s\x00"

# As of JSON, see go_json.py; a level of a schema is two of JSON.
_DEPTH_MAX = go_json.DEPTH_MAX // 2

_VARINT, _FIXED64, _BYTES, _GROUP, _GROUP_END, _FIXED32 = range(6)

Reader = Callable[[bytes, int, int], Any]  # (data, start, end) -> the value of a length-delimited field


class ProtobufError(ValueError):
    """The bytes are no such message."""


class Unknown:
    """The envelope. `kind` and `api_version` may be empty (DeleteOptions of some clients)."""

    __slots__ = ("api_version", "kind", "raw")

    def __init__(self, body: bytes) -> None:
        """Raises ProtobufError with Go's text."""
        if not body:
            raise ProtobufError("empty data")
        if body[:4] != PREFIX:
            raise ProtobufError(
                "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"
            )
        if len(body) == 4:
            raise ProtobufError("empty body")
        fields = _read(_ENVELOPE, body, 4)
        type_meta = fields.get("TypeMeta", {})
        self.api_version: str = type_meta.get("APIVersion", "")
        self.kind: str = type_meta.get("Kind", "")
        self.raw: bytes = fields.get("Raw", b"")


class Decoder(Compiled["_Message"]):
    """Messages by definition name ("io.k8s.api.core.v1.Pod"), compiled when first asked for."""

    def decode(self, definition: str, raw: bytes) -> Obj:
        """Raises ProtobufError, KeyError for a definition without a table."""
        return _read(self._message(definition), raw, 0)

    def _blank(self, definition: str) -> _Message:
        return _Message(definition.rpartition(".")[2])

    def _add(self, message: _Message, field: Field) -> None:
        name, number, shape, type_ = field.name, field.number, field.shape, field.type
        message.known[number] = _go_name(field)
        if type_ == "i" or type_ == "b":
            convert = _integer if type_ == "i" else bool
            message.fields[number << 3 | _VARINT] = (name, shape, convert)
            if shape:  # a repeated number may also come packed
                message.fields[number << 3 | _BYTES] = (name, "packed", convert)
        elif type_ == "d":
            message.fields[number << 3 | _FIXED64] = (name, shape, _double)
        else:
            read = _string if type_ == "s" else _base64 if type_ == "y" else self._reader(type_)
            message.fields[number << 3 | _BYTES] = (name, shape, read)

    def _reader(self, definition: str) -> Reader:
        special = _SPECIAL.get(definition)
        if special is not None:
            return special
        message = self._message(definition)
        if definition in _RECURSIVE:
            return _Bounded(message.read).read
        fields = _WRAPPED.get(definition.rpartition(".")[2])
        return message.read if fields is None else _unwrapped(message, fields)


class _Bounded:
    """A message that may contain itself, to a depth that every recursive walk after this bears."""

    def __init__(self, read: Reader) -> None:
        self._read, self._depth = read, 0

    def read(self, data: bytes, at: int, end: int) -> Any:
        if self._depth >= _DEPTH_MAX:
            raise ProtobufError("exceeded max depth")
        self._depth += 1
        try:
            return self._read(data, at, end)
        finally:
            self._depth -= 1


def _go_name(field: Field) -> str:
    """As Go's struct has it, but for initialisms: APIVersion is ApiVersion."""
    if field.name == "metadata":
        return field.type.rpartition(".")[2]
    return field.name[:1].upper() + field.name[1:]


class _Message:
    __slots__ = ("fields", "known", "name")

    def __init__(self, name: str) -> None:
        self.name = name  # "Pod"
        # tag -> (JSON name, shape, reader or converter)
        self.fields: dict[int, tuple[str, str, Callable[..., Any]]] = {}
        self.known: dict[int, str] = {}  # numbers -> Go's names of the fields

    def read(self, data: bytes, at: int, end: int) -> Any:
        fields = self.fields
        obj: Obj = {}
        while at < end:
            tag = data[at]
            at += 1
            if tag > 127:
                tag, at = _varint(data, at - 1)
            field = fields.get(tag)
            if field is None:
                at = self._skip(tag, data, at, end)
                continue
            kind = tag & 7
            if kind == _BYTES:
                size = data[at]
                at += 1
                if size > 127:
                    size, at = _varint(data, at - 1)
                stop = at + size
                if stop > end:
                    raise ProtobufError("unexpected EOF")
                name, shape, read = field
                if not shape:
                    obj[name] = read(data, at, stop)
                elif shape == "[]":
                    obj.setdefault(name, []).append(read(data, at, stop))
                elif shape == "{}":
                    key, value = _entry(data, at, stop, read)
                    obj.setdefault(name, {})[key] = value
                elif shape == "^":
                    obj.update(read(data, at, stop))
                else:
                    obj.setdefault(name, []).extend(_packed(data, at, stop, read))
                at = stop
            elif kind == _VARINT:
                value, at = _varint(data, at)
                name, shape, read = field
                if shape:
                    obj.setdefault(name, []).append(read(value))
                else:
                    obj[name] = read(value)
            else:
                obj[field[0]] = field[2](data, at)
                at += 8
        return obj

    def _skip(self, tag: int, data: bytes, at: int, end: int) -> int:
        """Past a field that nobody knows. Raises ProtobufError for one that is none, and for a known one in another
        shape. Source: gogo/protobuf, the Unmarshal it generates."""
        number, kind = tag >> 3, tag & 7
        if kind == _GROUP_END:
            raise ProtobufError(f"proto: {self.name}: wiretype end group for non-group")
        if not number:
            raise ProtobufError(f"proto: {self.name}: illegal tag {number} (wire type {kind})")
        if number in self.known:
            raise ProtobufError(f"proto: wrong wireType = {kind} for field {self.known[number]}")
        at = _skipped(kind, data, at)
        if at > end:
            raise ProtobufError("unexpected EOF")
        return at


def _read(message: _Message, data: bytes, at: int) -> Obj:
    try:
        obj: Obj = message.read(data, at, len(data))
    except (IndexError, struct.error):
        raise ProtobufError("unexpected EOF") from None
    return obj


def _skipped(kind: int, data: bytes, at: int) -> int:
    """Where what follows a tag ends: a group with all that is in it."""
    depth = 0
    while True:
        if kind == _VARINT:
            at = _varint(data, at)[1]
        elif kind == _FIXED64:
            at += 8
        elif kind == _BYTES:
            size, at = _varint(data, at)
            at += size
        elif kind == _GROUP:
            depth += 1
        elif kind == _GROUP_END:
            depth -= 1
        elif kind == _FIXED32:
            at += 4
        else:
            raise ProtobufError(f"proto: illegal wireType {kind}")
        if not depth:
            return at
        tag, at = _varint(data, at)
        kind = tag & 7


def _unwrapped(message: _Message, fields: tuple[str, ...]) -> Reader:
    """A message whose JSON is that of the first of `fields` it has."""

    def read(data: bytes, at: int, end: int) -> Any:
        obj = message.read(data, at, end)
        return next((obj[name] for name in fields if name in obj), [] if fields == ("items",) else None)

    return read


_RECURSIVE = frozenset({"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"})

# Unions and named lists. Source: apiextensions-apiserver pkg/apis/apiextensions/v1/marshal.go.
_WRAPPED = {
    "ExtraValue": ("items",),
    "Verbs": ("items",),
    "JSONSchemaPropsOrArray": ("schema", "jSONSchemas"),
    "JSONSchemaPropsOrBool": ("schema", "allows"),
    "JSONSchemaPropsOrStringArray": ("property", "schema"),
}


# -- the wire ----------------------------------------------------------------------------------------------------


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > 63:
            raise ProtobufError("proto: integer overflow")


def _integer(value: int) -> int:
    """Negative numbers are ten bytes of two's complement."""
    return value - (1 << 64) if value >> 63 else value


def _double(data: bytes, at: int) -> float:
    number: float = struct.unpack_from("<d", data, at)[0]
    return number


def _string(data: bytes, at: int, end: int) -> str:
    """Go takes what is no UTF-8, and its JSON has U+FFFD there."""
    return data[at:end].decode(errors="replace")


def _base64(data: bytes, at: int, end: int) -> str:
    return base64.b64encode(data[at:end]).decode()


def _packed(data: bytes, at: int, end: int, convert: Callable[[int], Any]) -> list[Any]:
    values = []
    while at < end:
        value, at = _varint(data, at)
        values.append(convert(value))
    return values


def _entry(data: bytes, at: int, end: int, read: Reader) -> tuple[str, Any]:
    """A map's entry: key 1, value 2; what is left out is empty."""
    fields = _fields_of(data, at, end)
    return _text(fields.get(1), data), read(data, *_span(fields.get(2), data)[1:])


def _fields_of(data: bytes, at: int, end: int) -> dict[int, Any]:
    """Numbers -> values of a small message: an int, or (start, end) of what has a length."""
    found: dict[int, Any] = {}
    try:
        while at < end:
            tag, at = _varint(data, at)
            kind = tag & 7
            if kind == _VARINT:
                found[tag >> 3], at = _varint(data, at)
            elif kind == _BYTES:
                size, at = _varint(data, at)
                if at + size > end:
                    raise ProtobufError("unexpected EOF")
                found[tag >> 3] = (at, at + size)
                at += size
            else:
                raise ProtobufError(f"proto: illegal wireType {kind}")
    except IndexError:
        raise ProtobufError("unexpected EOF") from None
    return found


def _span(value: Any, data: bytes) -> tuple[bytes, int, int]:
    start, end = value if isinstance(value, tuple) else (0, 0)
    return data, start, end


def _text(value: Any, data: bytes) -> str:
    return _string(*_span(value, data))


def _int(value: Any) -> int:
    """A number's field, 0 if it is not there."""
    return _integer(value) if isinstance(value, int) else 0


def _moment(fields: dict[int, Any]) -> datetime:
    try:
        return datetime.fromtimestamp(_int(fields.get(1)), UTC)
    except (ValueError, OverflowError, OSError):
        raise ProtobufError("Time.MarshalJSON: year outside of range [0,9999]") from None


# -- messages whose JSON is something else -------------------------------------------------------------------------


def _time(data: bytes, at: int, end: int) -> str | None:
    fields = _fields_of(data, at, end)
    if not fields:
        return None  # the zero time
    return f"{_moment(fields).replace(tzinfo=None).isoformat()}Z"


def _micro_time(data: bytes, at: int, end: int) -> str | None:
    fields = _fields_of(data, at, end)
    if not fields:
        return None
    micros = _int(fields.get(2)) // 1000 % 1_000_000
    return f"{_moment(fields).replace(tzinfo=None).isoformat()}.{micros:06d}Z"


def _quantity(data: bytes, at: int, end: int) -> str:
    return _text(_fields_of(data, at, end).get(1), data) or "0"


def _int_or_string(data: bytes, at: int, end: int) -> int | str:
    fields = _fields_of(data, at, end)
    return _text(fields.get(3), data) if fields.get(1) else _int(fields.get(2))


def _json(data: bytes, at: int, end: int) -> Any:
    """RawExtension, FieldsV1 and JSON carry JSON text."""
    start, stop = _span(_fields_of(data, at, end).get(1), data)[1:]
    try:
        return go_json.loads(data[start:stop]) if stop > start else None
    except go_json.SyntaxError as error:
        raise ProtobufError(str(error)) from None


def _slice(data: bytes, at: int, end: int) -> bytes:
    return data[at:end]


def _plain(name: str, **fields: Reader) -> _Message:
    """A message of fields 1, 2, ... that all have a length."""
    message = _Message(name)
    for number, (field, read) in enumerate(fields.items(), 1):
        message.fields[number << 3 | _BYTES] = (field, "", read)
        message.known[number] = field
    return message


_TYPE_META = _plain("TypeMeta", APIVersion=_string, Kind=_string)
_ENVELOPE = _plain(
    "Unknown", TypeMeta=_TYPE_META.read, Raw=_slice, ContentEncoding=_string, ContentType=_string
)

_SPECIAL: dict[str, Reader] = {
    f"{META}Time": _time,
    f"{META}MicroTime": _micro_time,
    f"{META}FieldsV1": _json,
    "io.k8s.apimachinery.pkg.api.resource.Quantity": _quantity,
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": _int_or_string,
    "io.k8s.apimachinery.pkg.runtime.RawExtension": _json,
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON": _json,
}
