"""The schema engine: what Go's decoder does to the JSON of a built-in kind, and Kubernetes' defaults on top.

`Schemas` holds the OpenAPI definitions of one Kubernetes version. `schemas.of(resource)` compiles the definitions a
kind reaches into closures, once; after that, `decode` and `default` are one walk each over the object, in place:

    kind = schemas.of(DEPLOYMENTS)
    findings = kind.decode(obj)       # findings.unknown == ["spec.unknownField"]
    kind.default(obj)

decode   drops what Go's structs have no place for (unknown fields, reported), nulls and zero values of omitempty
         fields; checks types; rewrites quantities, times and bytes as Kubernetes writes them. Raises BadRequest with
         the text of Go's decoder.
default  drops fields of features that are off (disabled.py), adds what Go would write although nobody gave it (structs
         that are no pointers: `resources: {}`) and then the versioned defaults of defaults.py. Idempotent.

Promised: decoding what was decoded and defaulted changes nothing. The order of keys is the caller's.
Not promised: nulls that Go writes for absent times without omitempty; here they are absent.
Not here: keys that come twice (strictness.py), rules between fields (validation/), conversion between versions
(conversion.py).

The closures are in decoding.py, what is known of a definition's fields in shapes.py.

Source: sigs.k8s.io/json (a fork of Go's encoding/json), apimachinery pkg/runtime/serializer/json/json.go,
apiserver pkg/endpoints/handlers/rest.go transformDecodeError; definitions from the package kubernetes-validate.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from kubepy.api import defaults, disabled
from kubepy.api.decoding import (
    CONVERSIONS,
    IDENTITY,
    META,
    SPECIAL,
    Decode,
    Kind,
    Unfit,
    anything,
    base64_bytes,
    element_type,
    field_text,
    integer_decoder,
    json_kind,
    list_decoder,
    map_decoder,
    number,
    resource_amount,
    struct_decoder,
    summary,
    union_decoder,
)
from kubepy.api.errors import BadRequest
from kubepy.api.objects import Obj, group_version
from kubepy.api.objects import api_version as api_version_of
from kubepy.api.resources import Resource
from kubepy.api.shapes import (
    ANY_OBJECT,
    KEPT_AS_JSON,
    NULL,
    UNIONS,
    Field,
    Notes,
    fields,
    go_type_of,
    json_type,
    leaf,
    load,
    notes,
    null_of,
    target_of,
)
from kubepy.api.versions import minor_of

if TYPE_CHECKING:
    from kubepy.api.protobuf import Decoder
    from kubepy.api.protoencoder import Encoder

Default = Callable[[Any], None]

# A body that is wrong more often than that has deserved any answer.
_MISMATCHES_MAX = 32
_IN_EVERY_VERSION = ("DeleteOptions", "WatchEvent")


class Findings(NamedTuple):
    """What decode has to report beyond errors."""

    unknown: list[str]  # paths of pruned fields, in document order: "spec.template.spec.containers[0].foo"


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
        if not isinstance(what, str) and what.own is not None:
            return what.own.schema
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
            meta = self._patch_metas[name] = PatchMeta(self, name, self.definitions.get(name, {}))
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

    @cached_property
    def encoder(self) -> Encoder:
        """Writes protobuf bodies; its tables are made when the first one is asked for."""
        from kubepy.api.protoencoder import Encoder

        return Encoder()

    def as_protobuf(self, obj: Obj) -> bytes | None:
        """An object as a protobuf body; None for what has no such form."""
        kind = obj["kind"]
        # Kinds of apimachinery (Status, PartialObjectMetadata, APIResourceList) go by several versions, or none.
        name = self._definitions_of_kinds.get((obj.get("apiVersion", ""), kind)) or f"{META}{kind}"
        return self.encoder.body(name, obj) if self.encoder.knows(name) else None

    @cached_property
    def _definitions_of_kinds(self) -> dict[tuple[str, str], str]:
        return {
            (api_version_of(of["group"], of["version"]), of["kind"]): name
            for name, definition in self.definitions.items()
            for of in definition.get("x-kubernetes-group-version-kind", ())
        }

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
        special = SPECIAL.get(name)
        if special is not None:
            return special
        union = UNIONS.get(name)
        if union is not None:
            return union_decoder(*(self._kind(shape, "") for shape in union))
        fields = self._fields(name)
        return struct_decoder(
            go_name=name.rpartition(".")[2] or "Object",
            go_type=go_type_of(name),
            fields={field.name: self._kind(field.shape, field.go_type) for field in fields},
            go_types={field.name: field.go_type for field in fields},
            keep=frozenset(field.name for field in fields if field.keep),
            open_ended=not name,
        )

    def _kind(self, shape: Obj, go_type: str) -> Kind:
        """What checks a value of this shape; go_type is what Go's errors call it."""
        target = target_of(shape)
        if target is not None:
            return self.decoder(target)
        type_ = json_type(shape)
        if type_ == "array":
            items = shape["items"]
            return list_decoder(self._kind(items, element_type(go_type)), go_type, null_of(items))
        if type_ == "object":
            items = shape.get("additionalProperties")
            if not isinstance(items, dict):
                return anything
            if go_type == "v1.ResourceList":
                return map_decoder(resource_amount, go_type, null_of(items))
            return map_decoder(self._kind(items, element_type(go_type)), go_type, null_of(items))
        if type_ == "string":
            if shape.get("format") == "byte":
                return base64_bytes
            return str
        if type_ == "integer":
            return integer_decoder(go_type)
        if type_ == "number":
            return number
        if type_ == "boolean":
            return bool
        return anything

    def _fields(self, name: str) -> list[Field]:
        definition = self.definitions.get(name, {}) if name else ANY_OBJECT
        return fields(name or f"{META}Object", definition, self._notes)

    def blank(self, name: str) -> Obj:
        """What Go writes for a new value of a definition: structs that are no pointers, zeros and nulls of fields that
        are always written. Comparing with it tells what a creation brought; a custom resource has nothing before."""
        found: Obj = {}
        if not name:
            return found
        required = self.definitions.get(name, {}).get("required", ())
        for field in self._fields(name):
            if field.stays_absent:
                continue
            target = target_of(field.shape)
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
        if name in SPECIAL or name in UNIONS:
            return None
        structs: list[str] = []
        zeros: list[tuple[str, Any]] = []
        nulls: list[str] = []
        children: list[tuple[str, str, Default]] = []
        is_json = name.startswith(KEPT_AS_JSON)
        for field in self._fields(name):
            if field.zero is dict:
                structs.append(field.name)
            elif field.zero is NULL and json_type(field.shape) in ("array", "object") and not is_json:
                nulls.append(field.name)
            elif field.zero is NULL:
                zeros.append((field.name, None))
            elif field.zero is not None:
                zeros.append((field.name, field.zero))
            target, container = leaf(field.shape)
            walk = self.defaulter(target) if target else None
            if walk is not None:
                children.append((field.name, container, walk))
        own, dropped = defaults.DEFAULTS.get(name), disabled.fields_of(name, minor_of(self.version))
        if not (structs or zeros or nulls or children or own or dropped):
            return None
        return _struct_defaulter(dropped, tuple(structs), tuple(zeros), tuple(nulls), own, tuple(children))


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
                f"json: cannot unmarshal {json_kind(obj)} into Go value of type {IDENTITY}", body
            )
        for key in ("kind", "apiVersion"):
            if not isinstance(obj.get(key, ""), str) and obj[key] is not None:
                raise self._unrecognized(field_text(json_kind(obj[key]), "", key, "string"), body)
        unknown: list[str] = []
        try:
            self._decode(obj, None, unknown)
            if (convert := CONVERSIONS.get(self.name)) is not None:
                convert(obj)
        except Unfit as first:
            unfit = self._decisive(obj, first)
            kind = obj.get("kind") or self.kind
            version = group_version(obj.get("apiVersion") or "")[1] or self.name.split(".")[-2]
            raise Undecodable(
                f'{kind} in version "{version}" cannot be handled as a {self.kind or kind}: {unfit}',
                why=str(unfit),
                restored=first.restored,
            )
        return Findings(unknown)

    def _decisive(self, obj: Obj, first: Unfit) -> Unfit:
        """Of what is wrong in `obj`, which is used up: a value that cannot be read (a time, a quantity) ends Go's
        decoding and is what it tells; else it tells of the first of the wrong type."""
        unfit = first
        for _ in range(_MISMATCHES_MAX):
            if not unfit.path:
                return unfit
            *steps, last = unfit.path
            at: Any = obj
            for step in steps:
                at = at[step]
            at[last] = None
            try:
                self._decode(obj, None, [])
            except Unfit as another:
                unfit = another
            else:
                break
        return first

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
            f"the object provided is unrecognized (must be of type {self.kind}): {why} ({summary(body)})",
            why=why,
        )


# -- default closures -----------------------------------------------------------------------------------------


def _struct_defaulter(
    dropped: tuple[str, ...],
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
        for name in dropped:
            value.pop(name, None)
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


# -- strategic merge patch ------------------------------------------------------------------------------------


class PatchField(NamedTuple):
    """How strategic merge patch treats one field."""

    meta: PatchMeta | None  # of the struct in it, or of its items or values; None for scalars
    is_list: bool
    strategies: frozenset[str]  # of "merge", "replace", "retainKeys"
    merge_key: str  # "name" for a list of structs that merges, "" otherwise


class PatchMeta:
    """How strategic merge patch treats the fields of one struct; looked up lazily, because definitions recurse."""

    def __init__(self, schemas: Schemas, name: str, definition: Obj) -> None:
        self.struct = name.rpartition(".")[2]  # "PodSpec"
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
            target, container = leaf(shape)
            field = self._fields[name] = PatchField(
                meta=self._schemas.patch_meta(target) if target and target not in SPECIAL else None,
                is_list=container == "items",
                strategies=frozenset(filter(None, shape.get("x-kubernetes-patch-strategy", "").split(","))),
                merge_key=shape.get("x-kubernetes-patch-merge-key", ""),
            )
        return field


# -- the definitions ------------------------------------------------------------------------------------------
