"""JSON-shaped objects -> protobuf, byte for byte as Go's generated code writes them.

A message is compiled, when it is first asked for, into a row of pieces: one per field in the order of their numbers,
filled with what Go writes for a zero value (nothing for pointers, lists and maps). Writing is a copy of that row, in
which the fields at hand replace theirs, and a join. So its cost is that of the fields an object has: some 30 us for a
pod of 1 KB.

What has no protobuf in Kubernetes (custom resources, Tables) has none here.

Source: generated.pb.go of k8s.io/api; apimachinery pkg/runtime/serializer/protobuf/protobuf.go.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import orjson

from kubepy.api.objects import Obj
from kubepy.api.protobuf import PREFIX
from kubepy.api.protofields import META, Compiled, Field

_VARINT, _FIXED64, _BYTES = 0, 1, 2

Write = Callable[[Any], bytes]  # of a value in JSON's shape: the message, or the whole field with its tag

_CRDS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1."
PARTIAL_OBJECT_METADATA = f"{META}PartialObjectMetadata"
STATUS = f"{META}Status"


class Encoder(Compiled["_Message"]):
    """Messages by definition name ("io.k8s.api.core.v1.Pod"). Not shared between threads."""

    def __init__(self) -> None:
        super().__init__()
        self._writers: dict[str, Write] = {}

    def knows(self, definition: str) -> bool:
        return definition in self._table

    def message(self, definition: str) -> Write:
        """What writes messages of a definition. Raises KeyError for one without a table."""
        write = self._writers.get(definition)
        if write is None:
            write = self._writers[definition] = self._writer(definition)[0]
        return write

    def body(self, definition: str, obj: Obj) -> bytes:
        """An object as the body of an answer or a request."""
        return envelope(obj.get("apiVersion", ""), obj["kind"], self.message(definition)(obj))

    def listing(self, api_version: str, kind: str, metadata: Obj, items: Sequence[bytes]) -> bytes:
        """A list of messages: all kinds of lists have their metadata first and their items second."""
        raw = [_sized(b"\x0a", self.message(f"{META}ListMeta")(metadata))]
        raw += [_sized(b"\x12", item) for item in items]
        return envelope(api_version, kind, b"".join(raw))

    def _writer(self, definition: str) -> tuple[Write, bytes]:
        """(what writes a message, what it writes of a zero value)."""
        if (special := _SPECIAL.get(definition)) is not None:
            return special
        if (union := _UNIONS.get(definition)) is not None:
            return union(self._message(f"{_CRDS}JSONSchemaProps").write), b""
        message = self._message(definition)
        return message.write, b"".join(message.blank)

    def _blank(self, definition: str) -> _Message:
        return _Message()

    def _add(self, message: _Message, field: Field) -> None:
        write, zero = self._field(field)
        at = len(message.blank)
        message.blank.append(b"" if field.is_optional or field.shape in ("[]", "{}") else zero)
        if field.shape == "^":
            message.inlined.append((at, write))
        else:
            message.slots[field.name] = at, write

    def _field(self, field: Field) -> tuple[Write, bytes]:
        """(what writes the field, what it is when it is not set)."""
        if field.shape == "{}":
            value, zero = self._value(2, field.type)
            return _map(_tag(field.number, _BYTES), value, zero), b""
        write, zero = self._value(field.number, field.type)
        return (_repeated(write) if field.shape == "[]" else write), zero

    def _value(self, number: int, type_: str) -> tuple[Write, bytes]:
        if (scalar := _SCALARS.get(type_)) is not None:
            wire, make, zero = scalar
            tag = _tag(number, wire)
            return make(tag), tag + zero if zero else b""
        tag = _tag(number, _BYTES)
        write, zero = self._writer(type_)
        return _framed(tag, write), _sized(tag, zero)


class _Message:
    __slots__ = ("blank", "inlined", "slots")

    def __init__(self) -> None:
        self.blank: list[bytes] = []  # what stands at each place when nothing is set
        self.slots: dict[str, tuple[int, Write]] = {}  # JSON name -> place, writer
        self.inlined: list[tuple[int, Write]] = []  # messages whose fields are the object's own

    def write(self, obj: Obj) -> bytes:
        parts = self.blank.copy()
        slots = self.slots
        for name, value in obj.items():
            if value is not None and (slot := slots.get(name)) is not None:
                parts[slot[0]] = slot[1](value)
        for at, write in self.inlined:
            parts[at] = write(obj)
        return b"".join(parts)


# -- envelopes -----------------------------------------------------------------------------------------------------


def envelope(api_version: str, kind: str, raw: bytes) -> bytes:
    """A runtime.Unknown around a message, as bodies have it."""
    head = _sized(b"\x0a", _sized(b"\x0a", api_version.encode()) + _sized(b"\x12", kind.encode()))
    return b"".join((PREFIX, head, b"\x12", _varint(len(raw)), raw, b"\x1a\x00\x22\x00"))


def event(type_: str, body: bytes) -> bytes:
    """A watch event with an object's body, as streams have it: behind its length in four bytes."""
    raw = _sized(b"\x0a", type_.encode()) + _sized(b"\x12", _sized(b"\x0a", body))
    return struct.pack(">I", len(raw)) + raw


# -- the wire ------------------------------------------------------------------------------------------------------


def _encode_varint(value: int) -> bytes:
    """Negative numbers are ten bytes of two's complement."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


# Lengths and small numbers, which most numbers are.
_VARINTS = tuple(map(_encode_varint, range(1024)))


def _varint(value: int) -> bytes:
    return _VARINTS[value] if 0 <= value < 1024 else _encode_varint(value)


def _tag(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _sized(tag: bytes, data: bytes) -> bytes:
    return tag + _varint(len(data)) + data


def _framed(tag: bytes, write: Write) -> Write:
    def field(value: Any) -> bytes:
        data = write(value)
        size = len(data)
        return tag + (_VARINTS[size] if size < 1024 else _encode_varint(size)) + data

    return field


def _string(tag: bytes) -> Write:
    return _framed(tag, str.encode)


def _bytes(tag: bytes) -> Write:
    return _framed(tag, base64.b64decode)


def _integer(tag: bytes) -> Write:
    return lambda value: tag + _varint(value)


def _bool(tag: bytes) -> Write:
    yes, no = tag + b"\x01", tag + b"\x00"
    return lambda value: yes if value else no


def _double(tag: bytes) -> Write:
    return lambda value: tag + struct.pack("<d", value)


# Type -> (wire type, writer of a field with this tag, a zero value behind its tag; b"": it is left out).
_SCALARS: dict[str, tuple[int, Callable[[bytes], Write], bytes]] = {
    "s": (_BYTES, _string, b"\x00"),
    "i": (_VARINT, _integer, b"\x00"),
    "b": (_VARINT, _bool, b"\x00"),
    "d": (_FIXED64, _double, bytes(8)),
    "y": (_BYTES, _bytes, b""),
}


def _repeated(write: Write) -> Write:
    return lambda values: b"".join(map(write, values))


def _map(tag: bytes, write: Write, zero: bytes) -> Write:
    """In the order of the keys, as Go sorts them."""

    def field(values: dict[str, Any]) -> bytes:
        return b"".join(
            [
                _sized(
                    tag,
                    _sized(b"\x0a", key.encode())
                    + (zero if (value := values[key]) is None else write(value)),
                )
                for key in sorted(values)
            ]
        )

    return field


# -- messages whose JSON is something else ---------------------------------------------------------------------------


def _timestamp(text: str) -> bytes:
    """Whole seconds, as Time is kept to; MicroTime's JSON has six digits more."""
    moment = datetime.fromisoformat(text)
    micros = moment.microsecond
    seconds = int(moment.replace(microsecond=0).timestamp())
    return b"\x08" + _varint(seconds) + b"\x10" + _varint(micros * 1000)


def _quantity(value: Any) -> bytes:
    return _sized(b"\x0a", str(value).encode())


def _int_or_string(value: int | str) -> bytes:
    if isinstance(value, str):
        return b"\x08\x01\x10\x00" + _sized(b"\x1a", value.encode())
    return b"\x08\x00\x10" + _varint(value) + b"\x1a\x00"


def _json(value: Any) -> bytes:
    """RawExtension, FieldsV1 and JSON carry JSON text."""
    return _sized(b"\x0a", orjson.dumps(value))


def _strings(values: Iterable[str]) -> bytes:
    return b"".join([_sized(b"\x0a", value.encode()) for value in values])


def _props_or_array(props: Write) -> Write:
    return lambda value: (
        _sized(b"\x0a", props(value))
        if isinstance(value, dict)
        else b"".join([_sized(b"\x12", props(each)) for each in value])
    )


def _props_or_bool(props: Write) -> Write:
    return lambda value: (
        b"\x08\x01" + _sized(b"\x12", props(value)) if isinstance(value, dict) else _ALLOWS[bool(value)]
    )


def _props_or_strings(props: Write) -> Write:
    return lambda value: (
        _sized(b"\x0a", props(value))
        if isinstance(value, dict)
        else b"".join([_sized(b"\x12", each.encode()) for each in value])
    )


_ALLOWS = (b"\x08\x00", b"\x08\x01")

# What writes them, and what Go writes of a zero value.
_SPECIAL: dict[str, tuple[Write, bytes]] = {
    f"{META}Time": (_timestamp, b""),
    f"{META}MicroTime": (_timestamp, b""),
    f"{META}FieldsV1": (_json, b""),
    f"{META}Verbs": (_strings, b""),
    "io.k8s.api.authentication.v1.ExtraValue": (_strings, b""),
    "io.k8s.api.authorization.v1.ExtraValue": (_strings, b""),
    "io.k8s.api.certificates.v1.ExtraValue": (_strings, b""),
    "io.k8s.apimachinery.pkg.api.resource.Quantity": (_quantity, b"\x0a\x010"),
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": (_int_or_string, b"\x08\x00\x10\x00\x1a\x00"),
    "io.k8s.apimachinery.pkg.runtime.RawExtension": (_json, b""),
    f"{_CRDS}JSON": (_json, b""),
}
# Unions whose JSON is that of one member. Source: apiextensions-apiserver pkg/apis/apiextensions/v1/marshal.go.
_UNIONS: dict[str, Callable[[Write], Write]] = {
    f"{_CRDS}JSONSchemaPropsOrArray": _props_or_array,
    f"{_CRDS}JSONSchemaPropsOrBool": _props_or_bool,
    f"{_CRDS}JSONSchemaPropsOrStringArray": _props_or_strings,
}
