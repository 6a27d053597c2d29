"""The OpenAPI documents of a catalog: v3 per group version, v2 for all, as clients of kube-apiserver expect them.

kubectl reads them to explain fields, to find out how a list merges, and to learn that the server validates fields (the
`fieldValidation` parameter of PATCH). So the schemas are complete and carry every x-kubernetes extension. The paths are
openapi_paths.py's.

The schemas are rebuilt from the same definitions that the schema engine compiles: what kubernetes-validate changed for
JSON schema (`type: [x, null]`, enums on apiVersion and kind, Quantity and IntOrString) is undone, the values that
strings may have (enums.py) and, in v3, defaults are added as Kubernetes has them.

Pure functions without caches: a document costs 10 to 40 ms, the definitions are read afresh and let go. Whoever serves
them keeps bytes. May be called from any thread.

Source: kubernetes api/openapi-spec/, kube-openapi pkg/builder3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import orjson

from kubepy.api import enums, openapi_custom, openapi_parameters, openapi_paths, shapes
from kubepy.api.builtins import Catalog
from kubepy.api.gnostic import encode
from kubepy.api.objects import Obj
from kubepy.api.openapi_paths import GVK, V2, V3, Dialect, Keep, Operation
from kubepy.api.resources import Resource
from kubepy.api.schema import Schemas

GroupVersion = tuple[str, str]
Shown = Callable[[Obj], bool]  # of {"group", "version", "kind"}
_BEARER = {
    "BearerToken": {
        "description": "Bearer Token authentication",
        "in": "header",
        "name": "authorization",
        "type": "apiKey",
    }
}


# Source: apiextensions-apiserver pkg/controller/openapi/builder/builder.go BuildOpenAPIV3.
_CUSTOM_INFO = {"title": "Kubernetes CRD Swagger", "version": "v0.1.0"}


def as_made(part: Obj) -> Obj:
    return part


def as_bytes(part: Obj) -> orjson.Fragment:
    """For documents that are made to be encoded: as dicts, those of a hundred custom kinds are five times larger."""
    return orjson.Fragment(orjson.dumps(part))


def roots(catalog: Catalog) -> list[str]:
    """What v3 has a document of that is no group version: "api", "version", "apis/apps". Custom groups have none."""
    groups = {row.group for row in catalog if row.group and not row.custom}
    return [*openapi_paths.ROOTS, *(f"apis/{group}" for group in sorted(groups))]


def v3_document(catalog: Catalog, schemas: Schemas, group: str, version: str, *, keep: Keep = as_made) -> Obj:
    """OpenAPI 3.0 of one group version: what /openapi/v3/apis/<group>/<version> answers."""
    rows = catalog.resources(group, version)
    operations = list(openapi_paths.of_group_version(rows, group, version))
    is_custom = all(row.custom for row in rows)
    shown = _known_to_clients if is_custom else _of(("", "v1"), (group, version))
    document = _v3(schemas, operations, rows, shown, keep)
    if is_custom:
        del document["components"]["securitySchemes"]
        document["info"] = _CUSTOM_INFO
    return document


def v3_root(schemas: Schemas, path: str, *, keep: Keep = as_made) -> Obj:
    """The same of one of `roots`."""
    return _v3(schemas, [openapi_paths.of_root(path)], (), _of(("", "v1")), keep)


def _v3(
    schemas: Schemas,
    operations: list[Operation],
    rows: Iterable[Resource],
    shown: Shown,
    keep: Keep,
) -> Obj:
    found = _Rebuilder(schemas.version, V3, keep).schemas(operations, rows, shown)
    return {
        "openapi": "3.0.0",
        "info": _info(schemas),
        "paths": _paths(schemas, operations, V3, keep),
        "components": ({"schemas": found} if found else {}) | {"securitySchemes": _BEARER},
    }


def _info(schemas: Schemas) -> Obj:
    """Source: apiserver pkg/server/config.go completeOpenAPIV3; until 1.30 it was the version of the build."""
    version = schemas.version
    return {"title": "Kubernetes", "version": version if _minor(version) > 30 else f"v{version}.0"}


def _minor(version: str) -> int:
    return int(version.partition(".")[2])


def _paths(
    schemas: Schemas,
    operations: Iterable[Operation],
    dialect: Dialect,
    keep: Keep,
    shared: openapi_paths.Shared | None = None,
) -> Obj:
    options = openapi_parameters.read(_minor(schemas.version))
    return openapi_paths.render(operations, options, dialect, keep, shared)


def v2_document(catalog: Catalog, schemas: Schemas, *, keep: Keep = as_made) -> Obj:
    """Swagger 2.0 of everything: what /openapi/v2 answers."""
    operations = [openapi_paths.of_root(path) for path in roots(catalog)] + [
        operation
        for group, versions in catalog.groups()
        for version in versions
        for operation in openapi_paths.of_group_version(catalog.resources(group, version), group, version)
    ]
    shared = openapi_paths.Shared()
    return {
        "swagger": "2.0",
        "info": _info(schemas),
        "paths": _paths(schemas, operations, V2, keep, shared),
        "parameters": dict(sorted(shared.parameters.items())),
        "definitions": _Rebuilder(schemas.version, V2, keep).schemas(operations, catalog, _everything),
        "securityDefinitions": _BEARER,
        "security": [{"BearerToken": []}],
    }


def v2_protobuf(document: Obj) -> bytes:
    """A v2 document as gnostic's openapi.v2.Document, what kubectl up to 1.27 asks for."""
    return encode("Document", document)


# -- schemas --------------------------------------------------------------------------------------------------

_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"

_QUANTITY_TEXT = (
    "Quantity is a fixed-point representation of a number. It provides convenient "
    "marshaling/unmarshaling in JSON and YAML, in addition to String() and AsInt64() accessors.\n"
    "\n"
    "The serialization format is:\n\n"
    "``` <quantity>        ::= <signedNumber><suffix>\n\n"
    '\t(Note that <suffix> may be empty, from the "" case in <decimalSI>.)\n\n'
    "<digit>           ::= 0 | 1 | ... | 9 <digits>          ::= <digit> | <digit><digits> <number>      "
    '    ::= <digits> | <digits>.<digits> | <digits>. | .<digits> <sign>            ::= "+" | "-" '
    "<signedNumber>    ::= <number> | <sign><number> <suffix>          ::= <binarySI> | "
    "<decimalExponent> | <decimalSI> <binarySI>        ::= Ki | Mi | Gi | Ti | Pi | Ei\n"
    "\n"
    "\t(International System of units; See: http://physics.nist.gov/cuu/Units/binary.html)\n"
    "\n"
    '<decimalSI>       ::= m | "" | k | M | G | T | P | E\n\n'
    "\t(Note that 1024 = 1Ki but 1000 = 1k; I didn't choose the capitalization.)\n"
    "\n"
    '<decimalExponent> ::= "e" <signedNumber> | "E" <signedNumber> ```\n\n'
    "No matter which of the three exponent forms is used, no quantity may represent a number greater "
    "than 2^63-1 in magnitude, nor may it have more than 3 decimal places. Numbers larger or more "
    "precise will be capped or rounded up. (E.g.: 0.1m will rounded up to 1m.) This may be extended in "
    "the future if we require larger or smaller quantities.\n\n"
    "When a Quantity is parsed from a string, it will remember the type of suffix it had, and will use "
    "the same type again when it is serialized.\n\n"
    'Before serializing, Quantity will be put in "canonical form". This means that Exponent/suffix will '
    "be adjusted up or down (with a corresponding increase or decrease in Mantissa) such that:\n"
    "\n"
    "- No precision is lost - No fractional digits will be emitted - The exponent (or suffix) is as "
    "large as possible.\n\n"
    "The sign will be omitted unless the number is negative.\n\n"
    "Examples:\n\n"
    '- 1.5 will be serialized as "1500m" - 1.5Gi will be serialized as "1536Mi"\n'
    "\n"
    "Note that the quantity will NEVER be internally represented by a floating point number. That is the "
    "whole point of this exercise.\n\n"
    "Non-canonical values will still parse as long as they are well formed, but will be re-emitted in "
    "their canonical form. (So always use canonical form, or don't diff.)\n\n"
    "This format is intended to make it difficult to use these numbers without writing some sort of "
    "special handling code in the hopes that that will cause implementors to also use a fixed point "
    "implementation."
)
_INT_OR_STRING_TEXT = (
    "IntOrString is a type that can hold an int32 or a string.  When used in JSON or YAML marshalling "
    "and unmarshalling, it produces or consumes the inner type.  This allows you to have, for example, a "
    "JSON field that can accept a name or number."
)

# The defaults that are part of the published schemas; all others are code (defaults.py).
# Source: the +default marks of k8s.io/api at 1.36.
_RBD = {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"}
_ISCSI = {"iscsiInterface": "default"}
_SCALE_IO = {"fsType": "xfs", "storageMode": "ThinProvisioned"}
_DEFAULTS: dict[str, Obj] = {
    "io.k8s.api.core.v1.AzureDiskVolumeSource": {
        "cachingMode": "ReadWrite",
        "fsType": "ext4",
        "kind": "Shared",
        "readOnly": False,
    },
    "io.k8s.api.autoscaling.v1.ScaleSpec": {"replicas": 0},
    "io.k8s.api.certificates.v1.PodCertificateRequestSpec": {"maxExpirationSeconds": 86400},
    "io.k8s.api.core.v1.ConfigMapEnvSource": {"name": ""},
    "io.k8s.api.core.v1.ConfigMapKeySelector": {"name": ""},
    "io.k8s.api.core.v1.ConfigMapProjection": {"name": ""},
    "io.k8s.api.core.v1.ConfigMapVolumeSource": {"name": ""},
    "io.k8s.api.core.v1.ContainerPort": {"protocol": "TCP"},
    "io.k8s.api.core.v1.FileKeySelector": {"optional": False},
    "io.k8s.api.core.v1.GRPCAction": {"service": ""},
    "io.k8s.api.core.v1.ISCSIPersistentVolumeSource": _ISCSI,
    "io.k8s.api.core.v1.ISCSIVolumeSource": _ISCSI,
    "io.k8s.api.core.v1.LocalObjectReference": {"name": ""},
    "io.k8s.api.core.v1.RBDPersistentVolumeSource": _RBD,
    "io.k8s.api.core.v1.RBDVolumeSource": _RBD,
    "io.k8s.api.core.v1.ReplicationControllerSpec": {"minReadySeconds": 0, "replicas": 1},
    "io.k8s.api.core.v1.ScaleIOPersistentVolumeSource": _SCALE_IO,
    "io.k8s.api.core.v1.ScaleIOVolumeSource": _SCALE_IO,
    "io.k8s.api.core.v1.SecretEnvSource": {"name": ""},
    "io.k8s.api.core.v1.SecretKeySelector": {"name": ""},
    "io.k8s.api.core.v1.SecretProjection": {"name": ""},
    "io.k8s.api.core.v1.ServicePort": {"protocol": "TCP"},
    "io.k8s.api.resource.v1.DeviceToleration": {"operator": "Equal"},
}


# Whose kinds the scheme of Go's clients does not have, which custom kinds are described with.
_OF_SERVERS = ("admission.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "imagepolicy.k8s.io")


def _known_to_clients(gvk: Obj) -> bool:
    return gvk["group"] not in _OF_SERVERS


def _of(*versions: GroupVersion) -> Shown:
    return lambda gvk: (gvk["group"], gvk["version"]) in versions


def _everything(gvk: Obj) -> bool:
    """What is not served, too."""
    return True


class _Rebuilder:
    """The definitions of one Kubernetes version, turned back into what Kubernetes publishes."""

    def __init__(self, version: str, dialect: Dialect, keep: Keep) -> None:
        self._definitions = shapes.load(version)
        self._notes, self._enums = shapes.notes(), enums.read()
        self._dialect, self._keep = dialect, keep

    def schemas(
        self,
        operations: Sequence[Operation],
        rows: Iterable[Resource],
        shown: Shown,
    ) -> Obj:
        """Every schema that the operations' bodies reach, by name. `rows` are the resources that they are about,
        `shown` tells which versions of the kinds of every group, such as DeleteOptions, are named."""
        found: Obj = {}
        waiting = [name for operation in operations for name in operation.schemas()]
        for row in rows:
            if row.custom:
                kind, list_ = openapi_custom.names(row)
                found[kind] = self._keep(openapi_custom.kind_schema(row, self._dialect.ref))
                found[list_] = self._keep(openapi_custom.list_schema(row, self._dialect.ref))
                waiting += openapi_custom.reached()
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            definition_ = self._definitions[name]
            rebuilt, reached = self._rebuild(name, definition_)
            waiting += reached
            gvks = definition_.get(GVK, ())
            if len(gvks) > 1:
                rebuilt[GVK] = [gvk for gvk in gvks if shown(gvk)]
            found[name] = self._keep(rebuilt)
        return dict(sorted(found.items()))

    def _rebuild(self, name: str, definition_: Obj) -> tuple[Obj, list[str]]:
        if name == _QUANTITY:
            return self._either(_QUANTITY_TEXT, "number", ""), []
        if name == _INT_OR_STRING:
            return self._either(_INT_OR_STRING_TEXT, "integer", "int-or-string"), []
        reached: list[str] = []
        rebuilt = {key: value for key, value in definition_.items() if key not in ("properties", "type")}
        if "type" in definition_:
            rebuilt["type"] = _plain_type(definition_["type"])
        if "properties" in definition_:
            published, limited = _DEFAULTS.get(name, {}), self._enums.get(name, {})
            rebuilt["properties"] = {
                field.name: self._property(field, published, limited.get(field.name), reached)
                for field in shapes.fields(name, definition_, self._notes)
            }
        return rebuilt, reached

    def _either(self, text: str, other: str, format_: str) -> Obj:
        """A string or something else: v2 has no oneOf and says string."""
        either: Obj = {"description": text}
        if format_:
            either["format"] = format_
        if not self._dialect.is_v3:
            return either | {"type": "string"}
        types = [other, "string"] if format_ else ["string", other]
        return either | {"oneOf": [{"type": type_} for type_ in types]}

    def _property(
        self, field: shapes.Field, published: Obj, enum: enums.Enum | None, reached: list[str]
    ) -> Obj:
        shape = self._shape(field.shape, reached)
        if enum is not None:
            shape["description"] += enum.text
            (shape[enum.inside] if enum.inside else shape)["enum"] = list(enum.values)
        if not self._dialect.is_v3:
            return shape
        if field.name in published:
            shape["default"] = published[field.name]
        elif field.zero is not None and field.zero is not shapes.NULL and field.zero != "0":
            shape["default"] = {} if field.zero is dict else field.zero
        if "$ref" in shape and len(shape) > 1:
            # Beside a $ref, OpenAPI 3.0 ignores everything.
            shape = {"allOf": [{"$ref": shape.pop("$ref")}]} | shape
        return shape

    def _shape(self, shape: Obj, reached: list[str]) -> Obj:
        rebuilt: Obj = {}
        for key, value in shape.items():
            if key == "$ref":
                name = value.rpartition("/")[2]
                reached.append(name)
                rebuilt[key] = f"{self._dialect.ref}{name}"
            elif key == "type":
                rebuilt[key] = _plain_type(value)
            elif key in ("items", "additionalProperties") and isinstance(value, dict):
                rebuilt[key] = self._shape(value, reached)
            elif key != "enum":  # on apiVersion and kind, added for validators
                rebuilt[key] = value
        return rebuilt


def _plain_type(type_: str | list[str]) -> str:
    return type_ if isinstance(type_, str) else type_[0]
