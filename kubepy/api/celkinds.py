"""The types that expressions of admission policies see: objects of each kind, the request, the namespace.

    object_type(schemas.definitions, "io.k8s.api.apps.v1.Deployment")      a built-in kind's
    environment(object_=..., params=..., variables=[("a", "object.spec.replicas")])

What has no type of its own (a number or a text, a schema within itself) is dynamic or an object without fields, so that
nothing is refused for what is not known here.

Differs: times of a namespaceObject are times; upstream declares them so, but has texts there, and fails.

Source: apiserver pkg/admission/plugin/policy/validating/typechecking.go, pkg/admission/plugin/cel/{compile,
composition}.go, pkg/cel/openapi/resolver.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kubepy.api import cel
from kubepy.api.cel import types
from kubepy.api.cel.functions.authz import Authorizer
from kubepy.api.cel.types import DYN, Field, Type
from kubepy.api.objects import Obj

_REF = "#/$defs/"
_EITHER = {"x-kubernetes-int-or-string": True}


def object_type(definitions: Mapping[str, Obj], name: str) -> Type | None:
    """The type of a kind by its definition's name; None if there is no such definition."""
    if name not in definitions:
        return None
    return Type.from_schema(_expanded(definitions, definitions[name], (name,)), root=True, name=name)


def _expanded(definitions: Mapping[str, Obj], schema: Obj, within: tuple[str, ...]) -> Obj:
    """Without references, nulls and choices, as a structural schema has it."""
    if (reference := schema.get("$ref")) is not None:
        name = reference.removeprefix(_REF)
        if name in within:
            return {"type": "object"}
        return _expanded(definitions, definitions[name], (*within, name))
    if "oneOf" in schema or "anyOf" in schema:
        return _EITHER
    made = dict(schema)
    if isinstance(kinds := schema.get("type"), list):
        made["type"] = next(kind for kind in kinds if kind != "null")
    if isinstance(properties := schema.get("properties"), dict):
        made["properties"] = {
            name: _expanded(definitions, below, within) for name, below in properties.items()
        }
    for below in ("items", "additionalProperties"):
        if isinstance(schema.get(below), dict):
            made[below] = _expanded(definitions, schema[below], within)
    return made


def _struct(title: str, /, **fields: Type) -> Type:
    """Field names are as they are: nothing here needs an escape, for all that `namespace` is reserved elsewhere."""
    return Type("struct", title, fields={key: Field(of, key, False) for key, of in fields.items()})


_STRINGS = types.list_of(types.STRING)
_TEXTS = types.map_of(types.STRING, types.STRING)
_S = types.STRING
_KIND = _struct("kubernetes.GroupVersionKind", group=_S, version=_S, kind=_S)
_RESOURCE = _struct("kubernetes.GroupVersionResource", group=_S, version=_S, resource=_S)
USER_INFO = _struct(
    "kubernetes.UserInfo", username=_S, uid=_S, groups=_STRINGS, extra=types.map_of(types.STRING, _STRINGS)
)
REQUEST = _struct(
    "kubernetes.AdmissionRequest", kind=_KIND, resource=_RESOURCE, subResource=_S, requestKind=_KIND,
    requestResource=_RESOURCE, requestSubResource=_S, name=_S, namespace=_S, operation=_S, userInfo=USER_INFO,
    dryRun=types.BOOL, options=DYN,
)  # fmt: skip
_CONDITION = _struct(
    "kubernetes.NamespaceCondition", status=_S, type=_S, lastTransitionTime=types.TIMESTAMP, message=_S, reason=_S
)  # fmt: skip
_METADATA = _struct(
    "kubernetes.NamespaceMetadata", name=_S, generateName=_S, namespace=_S, labels=_TEXTS, annotations=_TEXTS, UID=_S,
    creationTimestamp=types.TIMESTAMP, deletionGracePeriodSeconds=types.INT, deletionTimestamp=types.TIMESTAMP,
    generation=types.INT, resourceVersion=_S, finalizers=_STRINGS,
)  # fmt: skip
NAMESPACE = _struct(
    "kubernetes.Namespace",
    metadata=_METADATA,
    spec=_struct("kubernetes.NamespaceSpec", finalizers=_STRINGS),
    status=_struct("kubernetes.NamespaceStatus", conditions=types.list_of(_CONDITION), phase=_S),
)


def environment(
    *,
    object_: Type = DYN,
    params: Type | None = None,
    variables: Iterable[tuple[str, str]] = (),
) -> cel.Environment:
    """What a policy's expressions may name. `params` None: there are none. `variables`: (name, expression), each of
    which may name those before it; one that does not compile is dynamic."""
    declared = {
        "object": object_,
        "oldObject": object_,
        "request": REQUEST,
        "namespaceObject": NAMESPACE,
        "authorizer": Authorizer.cel_type,
    }
    if params is not None:
        declared["params"] = params
    composed: dict[str, Field] = {}
    made = cel.Environment(declared | {"variables": Type("struct", "kubernetes.variables", fields={})})
    for name, expression in variables:
        try:
            of = made.compile(expression, expected=None).type
        except cel.CompileError:
            of = DYN
        composed = composed | {name: Field(variable_type(of), name, False)}
        made = cel.Environment(
            declared | {"variables": Type("struct", "kubernetes.variables", fields=composed)}
        )
    return made


def variable_type(of: Type) -> Type:
    """What expressions know of a variable that evaluates to a type. Source: convertCelTypeToDeclType."""
    if of.kind in ("list", "map"):
        return Type(of.kind, of.name, tuple(map(variable_type, of.params)))
    return of if of.kind in _KEPT else DYN


_KEPT = frozenset(("bool", "bytes", "double", "duration", "int", "null", "string", "timestamp", "uint"))


def warning(env: cel.Environment, expression: str) -> str:
    """What is wrong with an expression, "" if nothing is."""
    try:
        env.compile(expression, expected=None)
    except cel.CompileError as error:
        return str(error)
    return ""


def custom_type(schema: Any, name: str) -> Type | None:
    """The type of a custom kind: of its openAPIV3Schema."""
    return Type.from_schema(schema, root=True, name=name) if isinstance(schema, dict) else None
