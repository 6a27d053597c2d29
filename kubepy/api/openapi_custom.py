"""The schemas of custom kinds as OpenAPI publishes them, for v3 whole and for v2 with what its readers cannot take
left out.

Source: apiextensions-apiserver pkg/controller/openapi/{builder/builder,v2/conversion}.go,
pkg/apiserver/schema/unfold.go.
"""

from __future__ import annotations

from typing import Any

from kubepy.api import structural
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource

_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_CONVENTIONS = "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md"
_API_VERSION = (
    "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized "
    "schemas to the latest internal value, and may reject unrecognized values. More info: "
    f"{_CONVENTIONS}#resources"
)
_KIND = (
    "Kind is a string value representing the REST resource this object represents. Servers may infer this from the "
    "endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: "
    f"{_CONVENTIONS}#types-kinds"
)
_METADATA = f"Standard object's metadata. More info: {_CONVENTIONS}#metadata"
_LIST_METADATA = f"Standard list metadata. More info: {_CONVENTIONS}#types-kinds"
_GVK = "x-kubernetes-group-version-kind"
_SELECTABLE = "x-kubernetes-selectable-fields"


def names(row: Resource) -> tuple[str, str]:
    """What the kind and its list are called in components/schemas: the group reversed, the version, the kind."""
    prefix = ".".join((*reversed(row.group.split(".")), row.version))
    return f"{prefix}.{row.kind}", f"{prefix}.{row.list_kind}"


def kind_schema(row: Resource, ref: str) -> Obj:
    """`ref` is what references begin with: "#/components/schemas/" or "#/definitions/"."""
    is_v3 = ref.startswith("#/components")
    schema: Obj = row.own.schema.openapi if row.own is not None else {}
    if structural.check(schema, "") or (not is_v3 and schema.get(structural.PRESERVE)):
        # kubectl takes what is not listed as forbidden, so nothing is listed.
        shown: Obj = {"type": "object"}
    else:
        shown = _unfolded(schema) if is_v3 else _reduced(schema)
        _embed(shown, ref)
        shown["properties"] = {
            **(shown.get("properties") or {}),
            "apiVersion": {"type": "string", "description": _API_VERSION},
            "kind": {"type": "string", "description": _KIND},
            "metadata": _reference("ObjectMeta", _METADATA, ref),
        }
    return shown | _identity(row, row.kind)


def list_schema(row: Resource, ref: str) -> Obj:
    items = {"type": "array", "items": {"$ref": ref + names(row)[0]}}
    text = f"List of {row.plural}. More info: {_CONVENTIONS}"
    return {
        "description": f"{row.list_kind} is a list of {row.kind}",
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": {"type": "string", "description": _API_VERSION},
            "items": items | {"description": text},
            "kind": {"type": "string", "description": _KIND},
            "metadata": _reference("ListMeta", _LIST_METADATA, ref),
        },
    } | _identity(row, row.list_kind)


def reached() -> tuple[str, ...]:
    """The definitions that every custom kind refers to."""
    return f"{_META}ObjectMeta", f"{_META}ListMeta"


def _identity(row: Resource, kind: str) -> Obj:
    identity: Obj = {_GVK: [{"group": row.group, "kind": kind, "version": row.version}]}
    if row.own is not None and row.own.selectable_fields:
        identity[_SELECTABLE] = [{"fieldPath": field} for field in row.own.selectable_fields]
    return identity


def _reference(name: str, text: str, ref: str) -> Obj:
    target: Obj = {"$ref": f"{ref}{_META}{name}"}
    if ref.startswith("#/components"):
        # Beside a $ref, OpenAPI 3.0 ignores everything.
        return {"description": text, "allOf": [target]}
    return {"description": text} | target


def _embed(schema: Obj, ref: str) -> None:
    """Embedded objects show their identity; `schema` is our own. Source: addEmbeddedProperties."""
    for _, each in structural.children(schema):
        _embed(each, ref)
    if not schema.get(structural.EMBEDDED):
        return
    if schema.get(structural.PRESERVE) and not ref.startswith("#/components"):
        return
    schema["properties"] = {
        **(schema.get("properties") or {}),
        "apiVersion": {
            "type": "string",
            "description": "apiVersion defines the versioned schema of this representation of an object. More info: "
            f"{_CONVENTIONS}#resources",
        },
        "kind": {
            "type": "string",
            "description": "kind is a string value representing the type of this object. In CamelCase. More info: "
            f"{_CONVENTIONS}#types-kinds",
        },
        "metadata": _reference("ObjectMeta", _METADATA, ref),
    }
    required = schema.get("required") or []
    schema["required"] = required + [name for name in ("kind", "apiVersion") if name not in required]


_EITHER = [{"type": "integer"}, {"type": "string"}]


def _unfolded(schema: Obj) -> Obj:
    """int-or-string says so in words that every reader of OpenAPI knows. Source: Unfold."""
    shown = _mapped(schema, _unfolded)
    if schema.get(structural.INT_OR_STRING):
        if not schema.get("anyOf"):
            shown["anyOf"] = _EITHER
        elif schema["anyOf"] != _EITHER:
            first = (schema.get("allOf") or [{}])[0]
            if first.get("anyOf") != _EITHER:
                shown["allOf"] = [{"anyOf": _EITHER}, *(schema.get("allOf") or ())]
    return shown


def _mapped(schema: Obj, change: Any) -> Obj:
    shown = dict(schema)
    for word in ("items", "additionalProperties"):
        if isinstance(shown.get(word), dict):
            shown[word] = change(shown[word])
    if shown.get("properties"):
        shown["properties"] = {name: change(each) for name, each in shown["properties"].items()}
    return shown


def _reduced(schema: Obj) -> Obj:
    """What v2 and the kubectls that read it can take. Source: ToStructuralOpenAPIV2, PruneDefaults."""
    shown = _mapped(schema, _reduced)
    _drop(shown, "allOf", "oneOf", "anyOf", "not", "default")
    preserves = bool(shown.get(structural.PRESERVE))
    if shown.pop("nullable", False):
        _drop(shown, "type", "items", "properties")
    if preserves:
        _drop(shown, "items", "properties")
        if shown.get("type") == "object":
            del shown["type"]
    if shown.get("type") == "array" and "items" not in shown:
        del shown["type"]
    nullable = {name for name, each in (schema.get("properties") or {}).items() if each.get("nullable")}
    required = [name for name in shown.get("required") or () if name not in nullable]
    more = schema.get("additionalProperties")
    if isinstance(more, dict) and more.get("nullable"):
        required = []
    shown.pop("required", None)
    return shown | {"required": required} if required else shown


def _drop(schema: Obj, *words: str) -> None:
    for word in words:
        schema.pop(word, None)
