"""The fields of Go's structs: the OpenAPI definitions, and beside them the little that Go knows and they do not say.

`load` reads the definitions of one Kubernetes version, `notes` the table of gotypes.py, and `fields` puts both
together: what a field is called in Go's errors, whether it is written when it is zero, and what stands for it when it
is absent.

Source: definitions from the package kubernetes-validate; gotypes.py says where its table is from.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from kubepy.api import gotypes
from kubepy.api.decoding import META, QUANTITY, SPECIAL
from kubepy.api.objects import Obj

# {definition: {field: mark and Go type}}, as gotypes.py has them: {"replicas": "*:"}
Notes = dict[str, dict[str, str]]


class Field(NamedTuple):
    """One field of a Go struct."""

    name: str  # "replicas"
    shape: Obj  # its part of the definition
    go_type: str  # "int32", "v1.RestartPolicy"; what errors call it
    keep: bool  # written even when zero
    zero: Any  # what is written when absent, None for nothing; a class is called, NULL is a null
    stays_absent: bool = (
        False  # a struct that is required, and yet not there, not even as null, until it is given
    )


# What is known of an object of whatever kind.
ANY_OBJECT: Obj = {
    "properties": {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"$ref": f"#/$defs/{META}ObjectMeta"},
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
KEPT_AS_JSON = "io.k8s.apiextensions-apiserver."
_ZEROS = {"string": "", "integer": 0, "number": 0, "boolean": False}
_INTEGERS = {"int32": "int32", "int64": "int64"}


def _field(name: str, shape: Obj, required: bool, note: str, package: str) -> Field:
    mark, _, named = note.partition(":")
    go_type = _qualified(named, package) if named else ""
    target = target_of(shape)
    if mark == "0":
        return Field(name, shape, go_type or _shape_type(shape), True, NULL)
    if target == QUANTITY:
        return Field(name, shape, go_type, True, "0" if mark == "+" else None)
    if target is not None:
        pointer = mark != "+" if name not in ("metadata", "spec", "status") else mark == "*"
        filled = not pointer and target not in SPECIAL and target not in UNIONS
        return Field(name, shape, go_type, True, dict if filled else None, mark == "*")
    type_ = json_type(shape)
    always = mark == "!" or (required and mark not in ("*", "~"))
    if type_ in ("array", "object"):
        kept = always or mark == "="
        return Field(name, shape, go_type or _shape_type(shape), kept, NULL if always else None)
    zero = _ZEROS.get(type_) if always and shape.get("format") != "byte" else None
    return Field(name, shape, go_type or _shape_type(shape), always or mark == "*", zero)


def json_type(shape: Obj) -> str:
    type_ = shape.get("type", "")
    return type_ if isinstance(type_, str) else type_[0]


def target_of(shape: Obj) -> str | None:
    """The definition a shape refers to."""
    ref = shape.get("$ref")
    return ref.rpartition("/")[2] if isinstance(ref, str) else None


def null_of(shape: Obj) -> Any:
    """What Go makes of a null among the items of a list or the values of a map: the zero value; dict for a new {}."""
    target = target_of(shape)
    if target is not None:
        return _SPECIAL_NULLS.get(target, None if target in SPECIAL else dict)
    return _ZEROS.get(json_type(shape))


def leaf(shape: Obj) -> tuple[str | None, str]:
    """The definition a shape refers to, through a list or a map, and which of the two it is."""
    for container in ("items", "additionalProperties"):
        inner = shape.get(container)
        if isinstance(inner, dict):
            return target_of(inner), container
    return target_of(shape), ""


def go_type_of(name: str) -> str:
    return ".".join(name.split(".")[-2:])


def _shape_type(shape: Obj) -> str:
    """What Go calls a field of this shape, where the notes name nothing else."""
    target = target_of(shape)
    if target is not None:
        return go_type_of(target)
    type_ = json_type(shape)
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


_SPECIAL_NULLS = {
    QUANTITY: "0",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": 0,
}


_PROPS = {"$ref": "#/$defs/io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"}


UNIONS: dict[str, tuple[Obj, Obj]] = {
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
