"""The schemas of kinds, built-in and custom, as types of typed.py: what is a set, what has
keys, what is atomic.

Source: k8s.io/kube-openapi pkg/schemaconv/openapi.go.
"""

from __future__ import annotations

from typing import Any

from kubepy.api.decoding import META
from kubepy.api.objects import Obj
from kubepy.api.schema import Schemas
from kubepy.api.typed import ANY, ANYTHING, BOOLEAN, NUMERIC, STRING, Items, Map, Type, Whole

_ATOMIC = Type(ANY, inner=ANYTHING)
_ANY_SCALAR, _TEXT, _NUMBER = Type(ANY), Type(STRING), Type(NUMERIC)
_SCALARS = {"integer": _NUMBER, "number": _NUMBER, "boolean": Type(BOOLEAN)}
_NAMED: dict[str, Type] = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": _ANY_SCALAR,
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": _ANY_SCALAR,
    "io.k8s.apimachinery.pkg.runtime.RawExtension": _ATOMIC,
}
# What a key stands for that nobody gave, where it is not the zero value of a required field.
_KEY_DEFAULTS: dict[tuple[str, str], Any] = {
    ("io.k8s.api.core.v1.ContainerPort", "protocol"): "TCP",
    ("io.k8s.api.core.v1.ServicePort", "protocol"): "TCP",
    ("io.k8s.api.core.v1.LocalObjectReference", "name"): "",
    ("io.k8s.api.flowcontrol.v1.FlowSchemaCondition", "type"): None,
    ("io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationCondition", "type"): None,
    ("io.k8s.api.apiserverinternal.v1alpha1.ServerStorageVersion", "apiServerID"): None,
}
_OF_EVERY_OBJECT: Obj = {
    "apiVersion": {"type": "string"},
    "kind": {"type": "string"},
    "metadata": {"$ref": f"#/{META}ObjectMeta"},
}
_ZEROS = {"string": "", "integer": 0, "number": 0, "boolean": False}


class Types:
    """The types of one Kubernetes version's definitions, compiled when first asked for."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._types: dict[str, Type] = {}
        self._zeros: dict[str, Obj] = {}

    def of(self, name: str) -> Type:
        """The type of a definition."""
        type_ = _NAMED.get(name) or self._types.get(name)
        if type_ is None:
            type_ = self._types[name] = self._definition(name)
        return type_

    def _definition(self, name: str) -> Type:
        definition = self._schemas.definitions.get(name)
        if definition is None:
            return ANYTHING
        if not _is_struct(definition):
            return self._shape(definition, {})
        found = Map(None)
        # Definitions that contain themselves meet this one.
        self._types[name] = found
        self._declare(found, definition)
        return Type(inner=found) if definition.get("x-kubernetes-map-type") == "atomic" else found

    def _declare(self, found: Map, schema: Obj) -> None:
        found.declare({name: self._shape(shape, shape) for name, shape in schema["properties"].items()})

    def custom(self, schema: Obj | None) -> Type:
        """The type of a custom resource by its (structural) schema; metadata is everybody's."""
        if not schema:
            schema = {"x-kubernetes-preserve-unknown-fields": True}
        whole = {**schema, "type": "object", "x-kubernetes-embedded-resource": True}
        whole.pop("x-kubernetes-map-type", None)
        return self._shape(whole, whole)

    def _shape(self, shape: Obj, field: Obj, *, preserve: bool = False) -> Type:
        """`shape` describes the value; `field` is where it is used, and has the last word on being atomic."""
        ref = shape.get("$ref")
        if isinstance(ref, str):
            return self._referred(ref.rpartition("/")[2], field.get("x-kubernetes-map-type", ""))
        preserve = preserve or bool(shape.get("x-kubernetes-preserve-unknown-fields"))
        type_ = _type(shape)
        if type_ == "array":
            return self._list(shape, preserve)
        if type_ == "object" or (not type_ and shape.get("properties")):
            return self._map(shape, preserve)
        if type_ == "string":
            return _TEXT if shape.get("format", "") in ("", "byte") else _ANY_SCALAR
        return _SCALARS.get(type_, ANYTHING)

    def _referred(self, name: str, relation: str) -> Type:
        type_ = self.of(name)
        if relation == "granular" and type(type_) is Type and isinstance(type_.inner, Map):
            return type_.inner
        if relation == "atomic" and isinstance(type_, Map):
            return Type(inner=type_)
        return type_

    def _map(self, shape: Obj, preserve: bool) -> Type:
        properties, more = shape.get("properties") or {}, shape.get("additionalProperties")
        if shape.get("x-kubernetes-embedded-resource"):
            properties = properties | _OF_EVERY_OBJECT
        element: Type | None = None
        if isinstance(more, dict):
            element = self._shape(more, more, preserve=preserve)
        elif more or (more is None and (preserve or not properties)):
            element = ANYTHING
        found = Map(element)
        found.declare(
            {name: self._shape(inner, inner, preserve=preserve) for name, inner in properties.items()}
        )
        return Type(inner=found) if shape.get("x-kubernetes-map-type") == "atomic" else found

    def _list(self, shape: Obj, preserve: bool) -> Type:
        items = shape.get("items")
        element = self._shape(items, items, preserve=preserve) if isinstance(items, dict) else ANYTHING
        relation = shape.get("x-kubernetes-list-type", "atomic")
        if relation == "set":
            return Items(element)
        if relation == "map" and shape.get("x-kubernetes-list-map-keys"):
            keys = {key: self._key_default(items, key) for key in shape["x-kubernetes-list-map-keys"]}
            return Items(element, keys)
        return Type(inner=Whole(element))

    def _key_default(self, items: Any, key: str) -> Any:
        ref = items.get("$ref", "") if isinstance(items, dict) else ""
        name = ref.rpartition("/")[2]
        if (name, key) in _KEY_DEFAULTS:
            return _KEY_DEFAULTS[name, key]
        definition = self._schemas.definitions.get(name, {}) if name else items
        field = (definition.get("properties") or {}).get(key, {})
        if "default" in field:
            return field["default"]
        # Go has a zero value where a field is required; a custom resource has none.
        return _ZEROS.get(_type(field)) if name and key in definition.get("required", ()) else None

    def zero(self, name: str) -> Obj:
        """What a new object of a kind is before anything is known: structs that are always there, and nulls for what
        is always written; comparing with it tells what a creation added."""
        zero = self._zeros.get(name)
        if zero is None:
            zero = self._zeros[name] = self._schemas.blank(name)
        return zero


def _is_struct(definition: Obj) -> bool:
    return bool(definition.get("properties"))


def _type(shape: Obj) -> str:
    type_ = shape.get("type") or ""
    return type_ if isinstance(type_, str) else type_[0]
