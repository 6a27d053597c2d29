"""The schema engine: what Go's decoder does to the JSON of a built-in kind, and Kubernetes' defaults on top.

`Schemas` holds the OpenAPI definitions of one Kubernetes version. `schemas.of(resource)` compiles the definitions a
kind reaches into closures, once; after that, `decode` and `default` are one walk each over the object, in place:

    kind = schemas.of(DEPLOYMENTS)
    findings = kind.decode(obj)       # findings.unknown == ["spec.unknownField"]
    kind.default(obj)

decode   drops what Go's structs have no place for (unknown fields, reported), nulls and zero values of omitempty
         fields; checks types; rewrites quantities, times and bytes as Kubernetes writes them. Raises BadRequest with
         the text of Go's decoder.
default  adds what Go would write although nobody gave it (structs that are no pointers: `resources: {}`) and then the
         versioned defaults of defaults.py. Idempotent.

Promised: decoding what was decoded and defaulted changes nothing. The order of keys is the caller's.
Not promised: nulls that Go writes for absent times without omitempty; here they are absent.
Not here: rules between fields (validation/), conversion between versions (conversion.py).

A closure takes (value, at, unknown): `at` is the way down as linked (parent, key, Go struct) triples, looked at only
when there is something to report, so that an object without findings pays one tuple per nested value for it.

Source: sigs.k8s.io/json (a fork of Go's encoding/json), apimachinery pkg/runtime/serializer/json/json.go,
apiserver pkg/endpoints/handlers/rest.go transformDecodeError; definitions from the package kubernetes-validate.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Callable, Container, Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from kubepy.api import defaults, go_json, gotypes, quantity, scalars
from kubepy.api.errors import BadRequest
from kubepy.api.objects import Obj, group_version
from kubepy.api.objects import api_version as api_version_of
from kubepy.api.resources import Resource

if TYPE_CHECKING:
    from kubepy.api.protobuf import Decoder

# parent, key or index, and the Go name of the struct whose field the key is ("" for list items and map values)
At = tuple[Any, str | int, str] | None
Decode = Callable[[Any, At, list[str]], Any]
Kind = type | Decode  # a class where being of it is all there is to check
Default = Callable[[Any], None]

_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_MESSAGE_MAX = 30  # bytes of a body that an error quotes
_IN_EVERY_VERSION = ("DeleteOptions", "WatchEvent")


class Findings(NamedTuple):
    """What decode has to report beyond errors."""

    unknown: list[str]  # paths of pruned fields, in document order: "spec.template.spec.containers[0].foo"


class _Unfit(Exception):
    """Go's decoder would refuse the value; carries Go's text.

    `restored`: what the converter that strategic merge patches end in says instead, where it is not the same.
    """

    def __init__(self, text: str, restored: str = "") -> None:
        super().__init__(text)
        self.restored = restored or text


class Undecodable(BadRequest):
    """A value of the wrong type. `why` is Go's text alone, `restored` that of runtime.FromUnstructured."""

    def __init__(self, message: str, *, why: str, restored: str = "") -> None:
        super().__init__(message)
        self.why, self.restored = why, restored or why


class Schemas:
    """The definitions of one Kubernetes version ("1.30" ... "1.37"), and everything compiled from them.

    Reading them takes some 8 ms and happens on first use. Not shared between threads.
    """

    def __init__(self, version: str = "1.37") -> None:
        self.version = version
        self._definitions: dict[str, Obj] | None = None
        self._notes: Notes = {}
        self._schemas: dict[str, ObjectSchema] = {}
        self._decoders: dict[str, Decode] = {}
        self._defaulters: dict[str, Default | None] = {}
        self._patch_metas: dict[str, PatchMeta] = {}

    @property
    def definitions(self) -> dict[str, Obj]:
        """Every definition by name, without descriptions; shared, read only."""
        if self._definitions is None:
            self._definitions = definitions = load(self.version)
            for definition in definitions.values():
                definition.pop("description", None)
                for field in definition.get("properties", {}).values():
                    field.pop("description", None)
            self._notes = notes()
        return self._definitions

    def of(self, what: Resource | str) -> ObjectSchema:
        """The schema of a resource or of a definition by name; of a custom resource, one that knows its metadata."""
        if not isinstance(what, str) and isinstance(own := what.extra.get("schema"), ObjectSchema):
            return own
        name = what if isinstance(what, str) else what.schema
        schema = self._schemas.get(name)
        if schema is None:
            schema = self._schemas[name] = ObjectSchema(self, name)
        return schema

    def patch_meta(self, what: Resource | str) -> PatchMeta:
        """How strategic merge patch treats the fields of a kind."""
        name = what if isinstance(what, str) else what.schema
        meta = self._patch_metas.get(name)
        if meta is None:
            meta = self._patch_metas[name] = PatchMeta(self, self.definitions.get(name, {}))
        return meta

    def is_registered(self, api_version: str, kind: str) -> bool:
        """Whether Go's scheme knows this kind in this version, served or not ("apps/v1beta1", "Deployment").

        Of versions that are no longer served the definitions know only that they exist: they have the kinds that the
        group has elsewhere, and extensions/v1beta1 any.
        """
        kinds = self._registered
        known = kinds.get(api_version)
        if known is None or kind in known:
            return known is not None
        group = group_version(api_version)[0]
        is_retired = len(known) <= len(_IN_EVERY_VERSION)
        return is_retired and any(
            kind in others
            for version, others in kinds.items()
            if group == "extensions" or group_version(version)[0] == group
        )

    @cached_property
    def _registered(self) -> dict[str, set[str]]:
        """{"apps/v1": {"Deployment", "DeploymentList", "DeleteOptions", ...}}."""
        # List, of anything, is no API and has no definition.
        kinds: dict[str, set[str]] = {"v1": {"List"}}
        for definition in self.definitions.values():
            for of in definition.get("x-kubernetes-group-version-kind", ()):
                kinds.setdefault(api_version_of(of["group"], of["version"]), set()).add(of["kind"])
        return kinds

    @cached_property
    def protobuf(self) -> Decoder:
        """Reads protobuf bodies; its tables are made when the first one comes."""
        from kubepy.api.protobuf import Decoder

        return Decoder()

    # -- compiling: decode ------------------------------------------------------------------------------------

    def decoder(self, name: str) -> Decode:
        """The decode closure of one definition, and of all it reaches."""
        known = self._decoders.get(name)
        if known is None:
            # Definitions that contain themselves (JSONSchemaProps) meet this until the closure is there.
            self._decoders[name] = lambda value, at, unknown: self._decoders[name](value, at, unknown)
            known = self._decoders[name] = self._compile_decoder(name)
        return known

    def _compile_decoder(self, name: str) -> Decode:
        special = _SPECIAL.get(name)
        if special is not None:
            return special
        union = _UNIONS.get(name)
        if union is not None:
            return _union_decoder(*(self._kind(shape, "") for shape in union))
        fields = self._fields(name)
        return _struct_decoder(
            go_name=name.rpartition(".")[2] or "Object",
            go_type=_go_type(name),
            fields={field.name: self._kind(field.shape, field.go_type) for field in fields},
            go_types={field.name: field.go_type for field in fields},
            keep=frozenset(field.name for field in fields if field.keep),
            open_ended=not name,
        )

    def _kind(self, shape: Obj, go_type: str) -> Kind:
        """What checks a value of this shape; go_type is what Go's errors call it."""
        target = _target(shape)
        if target is not None:
            return self.decoder(target)
        type_ = _type(shape)
        if type_ == "array":
            items = shape["items"]
            return _list_decoder(self._kind(items, _element_type(go_type)), go_type, _null(items))
        if type_ == "object":
            items = shape.get("additionalProperties")
            if not isinstance(items, dict):
                return _anything
            if go_type == "v1.ResourceList":
                return _map_decoder(_resource_amount, go_type, _null(items))
            return _map_decoder(self._kind(items, _element_type(go_type)), go_type, _null(items))
        if type_ == "string":
            if shape.get("format") == "byte":
                return _bytes
            return str
        if type_ == "integer":
            return _integer_decoder(go_type)
        if type_ == "number":
            return _float
        if type_ == "boolean":
            return bool
        return _anything

    def _fields(self, name: str) -> list[Field]:
        definition = self.definitions.get(name, {}) if name else _ANY_OBJECT
        return fields(name or f"{_META}Object", definition, self._notes)

    def blank(self, name: str) -> Obj:
        """What Go writes for a new value of a definition: structs that are no pointers, zeros and nulls of fields that
        are always written. Comparing with it tells what a creation brought; a custom resource has nothing before."""
        found: Obj = {}
        if not name:
            return found
        required = self.definitions.get(name, {}).get("required", ())
        for field in self._fields(name):
            target = _target(field.shape)
            if field.zero is dict and target:
                found[field.name] = self.blank(target)
            elif field.zero is NULL or (field.zero is None and field.name in required and field.keep):
                found[field.name] = None
            elif field.zero is not None:
                found[field.name] = field.zero
        return found

    # -- compiling: default -----------------------------------------------------------------------------------

    def defaulter(self, name: str) -> Default | None:
        """The closure that defaults values of one definition; None where nothing below it has any default."""
        if name not in self._defaulters:
            # What contains itself (JSONSchemaProps) has no defaults below.
            self._defaulters[name] = None
            self._defaulters[name] = self._compile_defaulter(name)
        return self._defaulters[name]

    def _compile_defaulter(self, name: str) -> Default | None:
        if name in _SPECIAL or name in _UNIONS:
            return None
        structs: list[str] = []
        zeros: list[tuple[str, Any]] = []
        nulls: list[str] = []
        children: list[tuple[str, str, Default]] = []
        is_json = name.startswith(_KEPT_AS_JSON)
        for field in self._fields(name):
            if field.zero is dict:
                structs.append(field.name)
            elif field.zero is NULL and _type(field.shape) in ("array", "object") and not is_json:
                nulls.append(field.name)
            elif field.zero is NULL:
                zeros.append((field.name, None))
            elif field.zero is not None:
                zeros.append((field.name, field.zero))
            target, container = _leaf(field.shape)
            walk = self.defaulter(target) if target else None
            if walk is not None:
                children.append((field.name, container, walk))
        own = defaults.DEFAULTS.get(name)
        if not (structs or zeros or nulls or children or own):
            return None
        return _struct_defaulter(tuple(structs), tuple(zeros), tuple(nulls), own, tuple(children))


class ObjectSchema:
    """One kind, or one definition, compiled."""

    def __init__(self, schemas: Schemas, name: str) -> None:
        self.name = name  # "io.k8s.api.apps.v1.Deployment", "" for custom resources
        self.kind = name.rpartition(".")[2]
        self._schemas = schemas
        self._decode = schemas.decoder(name)
        self._default = schemas.defaulter(name)

    def is_registered(self, api_version: str, kind: str) -> bool:
        """See Schemas. Custom resources are of no scheme: there every kind will do."""
        return not self.name or self._schemas.is_registered(api_version, kind)

    def read_protobuf(self, raw: bytes) -> Obj:
        """A message of this kind as JSON would have said it. Raises protobuf.ProtobufError."""
        return self._schemas.protobuf.decode(self.name, raw)

    def decode(self, obj: Any, body: bytes = b"") -> Findings:
        """One walk that makes `obj` what Go's decoder would have made of it, in place.

        `body` is quoted when the whole is not even an object. Raises BadRequest.
        """
        if not isinstance(obj, dict):
            raise self._unrecognized(
                f"json: cannot unmarshal {_kind_of(obj)} into Go value of type {_IDENTITY}", body
            )
        for key in ("kind", "apiVersion"):
            if not isinstance(obj.get(key, ""), str) and obj[key] is not None:
                raise self._unrecognized(_field_text(_kind_of(obj[key]), "", key, "string"), body)
        unknown: list[str] = []
        try:
            self._decode(obj, None, unknown)
        except _Unfit as unfit:
            kind = obj.get("kind") or self.kind
            version = group_version(obj.get("apiVersion") or "")[1] or self.name.split(".")[-2]
            raise Undecodable(
                f'{kind} in version "{version}" cannot be handled as a {self.kind or kind}: {unfit}',
                why=str(unfit),
                restored=unfit.restored,
            )
        return Findings(unknown)

    def default(self, obj: Obj) -> None:
        """Fills in what Kubernetes fills in, in place. Expects a decoded object."""
        if self._default is not None:
            self._default(obj)

    def zero(self, field: str) -> Any:
        """What a just created object shows in `field`: a Service's "status" is {"loadBalancer": {}}.

        None where Go would leave the field out.
        """
        obj: Obj = {}
        self._schemas.of(self.name).default(obj)
        return obj.get(field)

    def _unrecognized(self, text: str, body: bytes) -> Undecodable:
        why = f"couldn't get version/kind; json parse error: {text}"
        return Undecodable(
            f"the object provided is unrecognized (must be of type {self.kind}): {why} ({_summary(body)})",
            why=why,
        )


# -- fields -----------------------------------------------------------------------------------------------------


# {definition: {field: mark and Go type}}, as gotypes.py has them: {"replicas": "*:"}
Notes = dict[str, dict[str, str]]


class Field(NamedTuple):
    """One field of a Go struct."""

    name: str  # "replicas"
    shape: Obj  # its part of the definition
    go_type: str  # "int32", "v1.RestartPolicy"; what errors call it
    keep: bool  # written even when zero
    zero: Any  # what is written when absent, None for nothing; a class is called, NULL is a null


# What is known of an object of whatever kind.
_ANY_OBJECT: Obj = {
    "properties": {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"$ref": f"#/$defs/{_META}ObjectMeta"},
    }
}


def fields(name: str, definition: Obj, notes: Notes) -> list[Field]:
    """The fields of a definition with what Go knows of them."""
    required = definition.get("required", ())
    of_struct = notes.get(name, {})
    package = name.split(".")[-2]
    return [
        _field(key, shape, key in required, of_struct.get(key, ""), package)
        for key, shape in definition.get("properties", {}).items()
    ]


# What is written for what is not there of a field that is always written. Empty lists and maps are not there: Go has
# nil for both once an object was stored as protobuf.
NULL: Any = object()
# These are stored as JSON, which knows empty lists.
_KEPT_AS_JSON = "io.k8s.apiextensions-apiserver."
_ZEROS = {"string": "", "integer": 0, "number": 0, "boolean": False}
_INTEGERS = {"int32": "int32", "int64": "int64"}


def _field(name: str, shape: Obj, required: bool, note: str, package: str) -> Field:
    mark, _, named = note.partition(":")
    go_type = _qualified(named, package) if named else ""
    target = _target(shape)
    if mark == "0":
        return Field(name, shape, go_type or _shape_type(shape), True, NULL)
    if target == _QUANTITY:
        return Field(name, shape, go_type, True, "0" if mark == "+" else None)
    if target is not None:
        pointer = mark != "+" if name not in ("metadata", "spec", "status") else mark == "*"
        filled = not pointer and target not in _SPECIAL and target not in _UNIONS
        return Field(name, shape, go_type, True, dict if filled else None)
    type_ = _type(shape)
    always = mark == "!" or (required and mark not in ("*", "~"))
    if type_ in ("array", "object"):
        kept = always or mark == "="
        return Field(name, shape, go_type or _shape_type(shape), kept, NULL if always else None)
    zero = _ZEROS.get(type_) if always and shape.get("format") != "byte" else None
    return Field(name, shape, go_type or _shape_type(shape), always or mark == "*", zero)


def _type(shape: Obj) -> str:
    type_ = shape.get("type", "")
    return type_ if isinstance(type_, str) else type_[0]


def _target(shape: Obj) -> str | None:
    """The definition a shape refers to."""
    ref = shape.get("$ref")
    return ref.rpartition("/")[2] if isinstance(ref, str) else None


def _null(shape: Obj) -> Any:
    """What Go makes of a null among the items of a list or the values of a map: the zero value; dict for a new {}."""
    target = _target(shape)
    if target is not None:
        return _SPECIAL_NULLS.get(target, None if target in _SPECIAL else dict)
    return _ZEROS.get(_type(shape))


def _leaf(shape: Obj) -> tuple[str | None, str]:
    """The definition a shape refers to, through a list or a map, and which of the two it is."""
    for container in ("items", "additionalProperties"):
        inner = shape.get(container)
        if isinstance(inner, dict):
            return _target(inner), container
    return _target(shape), ""


def _go_type(name: str) -> str:
    return ".".join(name.split(".")[-2:])


def _shape_type(shape: Obj) -> str:
    """What Go calls a field of this shape, where the notes name nothing else."""
    target = _target(shape)
    if target is not None:
        return _go_type(target)
    type_ = _type(shape)
    if type_ == "array":
        return "[]" + _shape_type(shape["items"])
    if type_ == "object":
        items = shape.get("additionalProperties")
        return "map[string]" + _shape_type(items) if isinstance(items, dict) else "map[string]interface {}"
    if type_ == "integer":
        return _INTEGERS.get(shape.get("format", ""), "int64")
    if type_ == "string":
        return "[]uint8" if shape.get("format") == "byte" else "string"
    return {"number": "float64", "boolean": "bool"}.get(type_, "interface {}")


def _qualified(named: str, package: str) -> str:
    """The notes' "[]OperationType" in package v1 -> "[]v1.OperationType"."""
    for mark, go in (("[]", "[]"), ("{}", "map[string]")):
        if named.startswith(mark):
            return go + _qualified(named[2:], package)
    return named if "." in named or named[0].islower() else f"{package}.{named}"


def _element_type(go_type: str) -> str:
    if go_type.startswith(("[]", "map[")):
        return go_type.partition("]")[2]
    return "string"


def notes() -> Notes:
    """The table of gotypes.py, read."""
    found: Notes = {}
    package = ""
    for line in gotypes.TABLE.splitlines():
        if line.startswith("["):
            package = line.strip("[]")
        elif line:
            name, *words = line.split()
            of_struct = found[f"{package}.{name}"] = {}
            for word in words:
                field, _, go_type = word.partition(":")
                mark = field[-1] if field[-1] in "*+!~=0" else ""
                of_struct[field.removesuffix(mark)] = f"{mark}:{go_type}"
    return found


# -- decode closures ------------------------------------------------------------------------------------------


def _struct_decoder(
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


def _list_decoder(kind: Kind, go_type: str, null: Any) -> Decode:
    plain, item_type = isinstance(kind, type), _element_type(go_type)

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


def _map_decoder(kind: Kind, go_type: str, null: Any) -> Decode:
    plain, item_type = isinstance(kind, type), _element_type(go_type)

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


def _integer_decoder(go_type: str) -> Decode:
    bits = 32 if go_type.endswith("32") else 64
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1

    def decode(value: Any, at: At, unknown: list[str]) -> Any:
        if value.__class__ is int and low <= value <= high:
            return value
        raise _mismatch(value, at, go_type)

    return decode


def _float(value: Any, at: At, unknown: list[str]) -> Any:
    if value.__class__ is float or value.__class__ is int:
        return value
    raise _mismatch(value, at, "float64")


def _anything(value: Any, at: At, unknown: list[str]) -> Any:
    return value


def _spelled(normal: Callable[[str], str], go_type: str) -> Decode:
    """A string with a spelling of its own."""

    def decode(value: Any, at: At, unknown: list[str]) -> Any:
        if value.__class__ is not str:
            raise _mismatch(value, at, go_type)
        try:
            return normal(value)
        except ValueError as error:
            raise _Unfit(str(error))

    return decode


_bytes = _spelled(scalars.base64_bytes, "[]uint8")


def _quantity(value: Any, at: At, unknown: list[str]) -> Any:
    if value.__class__ is bool or value.__class__ in (dict, list):
        raise _Unfit(quantity.FORMAT_WRONG)
    try:
        return quantity.normalize(value)
    except ValueError as error:
        raise _Unfit(str(error))


def _resource_amount(value: Any, at: At, unknown: list[str]) -> Any:
    """A quantity of a ResourceList, rounded up to thousandths. Source: SetDefaults_ResourceList."""
    text = _quantity(value, at, unknown)
    if text[-1:] in ("n", "u"):
        return quantity.normalize(f"{quantity.milli(text)}m")
    return text


def _int_or_string(value: Any, at: At, unknown: list[str]) -> Any:
    if value.__class__ is str:
        return value
    return _int32(value, at, unknown)


_int32 = _integer_decoder("int32")


def _union_decoder(*kinds: Kind) -> Decode:
    """A value of several shapes, told apart by its JSON type; the first kind is the one for objects.

    Go types with shapes decode themselves, and have no eye for fields that nobody knows.
    """
    as_object, *others = kinds

    def decode(value: Any, at: At, unknown: list[str]) -> Any:
        for kind in others:
            if value.__class__ is kind:
                return value
            if value.__class__ is list and not isinstance(kind, type):
                return kind(value, at, [])
        if value.__class__ is not dict or isinstance(as_object, type):
            raise _Unfit(
                "boolean or JSON schema expected" if bool in others else "array or JSON schema expected"
            )
        return as_object(value, at, [])

    return decode


_SPECIAL: dict[str, Decode] = {
    _QUANTITY: _quantity,
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": _int_or_string,
    f"{_META}Time": _spelled(scalars.time, "string"),
    f"{_META}MicroTime": _spelled(scalars.micro_time, "string"),
    f"{_META}FieldsV1": _anything,
    f"{_META}Patch": _anything,
    "io.k8s.apimachinery.pkg.runtime.RawExtension": _anything,
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON": _anything,
}  # fmt: skip

_SPECIAL_NULLS = {
    _QUANTITY: "0",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": 0,
}
_PROPS = {"$ref": "#/$defs/io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"}
_UNIONS: dict[str, tuple[Obj, Obj]] = {
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool": (
        _PROPS,
        {"type": "boolean"},
    ),
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray": (
        _PROPS,
        {"type": "array", "items": _PROPS},
    ),
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray": (
        _PROPS,
        {"type": "array", "items": {"type": "string"}},
    ),
}


# -- default closures -----------------------------------------------------------------------------------------


def _struct_defaulter(
    structs: tuple[str, ...],
    zeros: tuple[tuple[str, Any], ...],
    nulls: tuple[str, ...],
    own: Default | None,
    children: tuple[tuple[str, str, Default], ...],
) -> Default:
    def default(value: Obj) -> None:
        for name in structs:
            if name not in value:
                value[name] = {}
        if own is not None:
            own(value)
        for name, zero in zeros:
            if name not in value:
                value[name] = zero
        for name in nulls:
            if not value.get(name):
                value[name] = None
        for name, container, walk in children:
            child = value.get(name)
            if child is None:
                continue
            if container == "items":
                for item in child:
                    walk(item)
            elif container:
                for item in child.values():
                    walk(item)
            else:
                walk(child)

    return default


# -- Go's texts -----------------------------------------------------------------------------------------------

_IDENTITY = (
    r'struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }'
)
_JSON_KINDS: dict[type, str] = {str: "string", bool: "bool", dict: "object", list: "array"}


def _kind_of(value: Any) -> str:
    return _JSON_KINDS.get(value.__class__, "number")


_REFLECT_KINDS: dict[type, str] = {str: "string", bool: "bool", dict: "map", list: "slice", int: "int64"}
_SIMPLE = re.compile(r"string|bool|u?int\d*|float\d*")


def _unrestorable(value: Any, go_type: str, kind: Kind | None) -> str:
    """`kind` where it is a class; types such as v1.RestartPolicy are structs otherwise.

    Source: apimachinery pkg/runtime/converter.go fromUnstructured.
    """
    given = _REFLECT_KINDS.get(value.__class__, "float64")
    if go_type.startswith("map["):
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


def _mismatch(value: Any, at: At, go_type: str, kind: Kind | None = None) -> _Unfit:
    restored = _unrestorable(value, go_type, kind)
    what = _kind_of(value)
    if what == "number" and go_type.startswith(("int", "uint")):
        what = f"number {orjson.dumps(value).decode() if abs(value) < 2**63 else value}"
    struct = ""
    path: list[str] = []
    while at is not None:
        parent, key, go_name = at
        if go_name:
            struct = struct or go_name
            path += (str(key), *reversed(_embedding(go_name, key)))
        at = parent
    if not struct:
        return _Unfit(f"json: cannot unmarshal {what} into Go value of type {go_type}", restored)
    return _Unfit(_field_text(what, struct, ".".join(reversed(path)), go_type), restored)


def _embedding(struct: str, key: Any) -> list[str]:
    """The structs, from the outermost, that lie between a struct and a field of what it embeds."""
    found = []
    while (embedded := gotypes.EMBEDDED.get(struct)) is not None and key not in embedded[1]:
        struct = embedded[0]
        found.append(struct)
    return found


def _field_text(what: str, struct: str, path: str, go_type: str) -> str:
    return f"json: cannot unmarshal {what} into Go struct field {struct}.{path} of type {go_type}"


def _render(at: At, key: str) -> str:
    """("spec", "containers", 0), "foo" -> "spec.containers[0].foo"."""
    steps = [f".{key}"]
    while at is not None:
        parent, step, _ = at
        steps.append(f"[{step}]" if isinstance(step, int) else f".{step}")
        at = parent
    return "".join(reversed(steps))[1:]


def _summary(body: bytes) -> str:
    """Source: apiserver pkg/endpoints/handlers/rest.go summarizeData."""
    if not body:
        return "<empty>"
    head = body[:_MESSAGE_MAX]
    text = head.decode(errors="replace") if body[:1] == b"{" else head.hex()
    return f"{text} ..." if len(body) > _MESSAGE_MAX else text


# -- strictness -----------------------------------------------------------------------------------------------

_STRICT_MAX = 100  # Source: sigs.k8s.io/json saveStrictError


def duplicate_keys(body: bytes, obj: Any) -> list[str]:
    """Paths of keys that `body` gives more than once in one JSON object, in document order: ["spec.replicas"].

    `obj` is what orjson made of `body`, not yet changed. A compact body, as most clients send, is compared byte by
    byte with `obj` encoded again (2 us per KB); only otherwise the body is parsed a second time.
    """
    if _has_no_duplicates(body, obj):
        return []
    pairs, has_duplicates = _pairs(body)
    return [path for is_duplicate, path in _walk_keys(pairs, ()) if is_duplicate] if has_duplicates else []


def strict_errors(body: bytes, obj: Any, unknown: Iterable[str]) -> list[str]:
    """Kubernetes' texts for unknown and duplicate fields, in document order and each once; [] for a clean document.

    `unknown` are the findings of decode, which changed the object it was given: `obj` must be another one, as orjson
    made it of `body`.
    """
    unknown = list(unknown)
    if _has_no_duplicates(body, obj):
        found = [(False, path) for path in unknown]
    else:
        pairs, has_duplicates = _pairs(body)
        found = (
            list(_walk_keys(pairs, set(unknown))) if has_duplicates else [(False, path) for path in unknown]
        )
    texts = (f'{"duplicate" if is_duplicate else "unknown"} field "{path}"' for is_duplicate, path in found)
    return list(dict.fromkeys(texts))[:_STRICT_MAX]


def strict_message(texts: Iterable[str]) -> str:
    """strict decoding error: unknown field "spec.foo", duplicate field "spec.replicas"."""
    return "strict decoding error: " + ", ".join(texts)


def _has_no_duplicates(body: bytes, obj: Any) -> bool:
    """Whether encoding `obj` again gives `body`, but for a newline at its end; False says nothing."""
    encoded = orjson.dumps(obj)
    return body == encoded or (len(body) == len(encoded) + 1 and body.startswith(encoded))


def _pairs(body: bytes) -> tuple[Any, bool]:
    """The body with each object as a tuple of (key, value) pairs, and whether any has a key twice."""
    has_duplicates = False

    def keep(pairs: list[tuple[str, Any]]) -> tuple[tuple[str, Any], ...]:
        nonlocal has_duplicates
        kept = tuple((go_json.mended_text(key), value) for key, value in pairs)
        has_duplicates = has_duplicates or len(dict(kept)) != len(kept)
        return kept

    # Numbers do not matter here, and Python does not read every one that JSON can write.
    return json.loads(body.decode("utf-8", "replace"), object_pairs_hook=keep, parse_int=str), has_duplicates


def _walk_keys(pairs: Any, unknown: Container[str], path: str = "") -> Iterable[tuple[bool, str]]:
    """(is_duplicate, path) of everything to report, depth first; nothing below an unknown field is looked at."""
    if isinstance(pairs, list):
        for index, item in enumerate(pairs):
            yield from _walk_keys(item, unknown, f"{path}[{index}]")
    elif isinstance(pairs, tuple):
        seen = set()
        for key, value in pairs:
            here = f"{path}.{key}" if path else key
            if here in unknown:
                yield False, here
                continue
            if key in seen:
                yield True, here
            seen.add(key)
            yield from _walk_keys(value, unknown, here)


# -- strategic merge patch ------------------------------------------------------------------------------------


class PatchField(NamedTuple):
    """How strategic merge patch treats one field."""

    meta: PatchMeta | None  # of the struct in it, or of its items or values; None for scalars
    is_list: bool
    strategies: frozenset[str]  # of "merge", "replace", "retainKeys"
    merge_key: str  # "name" for a list of structs that merges, "" otherwise


class PatchMeta:
    """How strategic merge patch treats the fields of one struct; looked up lazily, because definitions recurse."""

    def __init__(self, schemas: Schemas, definition: Obj) -> None:
        self._schemas = schemas
        self._properties: Obj = definition.get("properties", {})
        self._fields: dict[str, PatchField] = {}

    def field(self, name: str) -> PatchField | None:
        """None for a field that the schema does not have."""
        field = self._fields.get(name)
        if field is None:
            shape = self._properties.get(name)
            if shape is None:
                return None
            target, container = _leaf(shape)
            field = self._fields[name] = PatchField(
                meta=self._schemas.patch_meta(target) if target and target not in _SPECIAL else None,
                is_list=container == "items",
                strategies=frozenset(filter(None, shape.get("x-kubernetes-patch-strategy", "").split(","))),
                merge_key=shape.get("x-kubernetes-patch-merge-key", ""),
            )
        return field


# -- the definitions ------------------------------------------------------------------------------------------


def load(version: str) -> dict[str, Obj]:
    """The definitions of one Kubernetes version from the package kubernetes-validate, which is not imported.

    Importing it would bring a JSON schema validator that nobody here needs. Raises ValueError for versions it does not
    have.
    """
    spec = importlib.util.find_spec("kubernetes_validate")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(
            "kubepy needs the package kubernetes-validate for the definitions of Kubernetes' kinds"
        )
    folder = Path(spec.submodule_search_locations[0], "kubernetes-json-schema")
    path = folder / f"v{version}.0-local" / "_definitions.json"
    if not path.exists():
        known = sorted(entry.name[1:].removesuffix(".0-local") for entry in folder.glob("v*-local"))
        raise ValueError(f"no definitions of Kubernetes {version}; there are {', '.join(known)}")
    return orjson.loads(path.read_bytes())["$defs"]
