"""OpenAPI v2 -> v3, for servers that publish only the former. Pure.

What v2 says once for all (shared parameters, media types of an operation) v3 wants where it is used.

Source: kube-openapi pkg/openapiconv/convert.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kubepy.api.objects import Obj

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
_DEFINITIONS, _SCHEMAS = "#/definitions/", "#/components/schemas/"
_PARAMETERS = "#/parameters/"
_ANY = ("*/*",)

# Of a parameter that is no body: what stays beside its schema, the rest is the schema.
_OF_PARAMETER = ("name", "in", "description", "required", "allowEmptyValue")
_OF_OPERATION = ("tags", "summary", "description", "externalDocs", "operationId", "deprecated", "security")


def v3_of(document: Obj) -> Obj:
    """The document is shared and stays as it is."""
    shared = document.get("parameters") or {}
    found: Obj = {
        "openapi": "3.0.0",
        "info": document.get("info") or {},
        "paths": {path: _path(item, shared) for path, item in (document.get("paths") or {}).items()},
        "components": {
            "schemas": {
                name: _renamed(schema) for name, schema in (document.get("definitions") or {}).items()
            }
        },
    }
    if security := document.get("securityDefinitions"):
        found["components"]["securitySchemes"] = security
    return found


def _path(item: Obj, shared: Obj) -> Obj:
    found = _extensions(item)
    if parameters := _resolved(item.get("parameters"), shared):
        found["parameters"] = [_parameter(each) for each in parameters if each.get("in") != "body"]
    for method in _METHODS:
        if method in item:
            found[method] = _operation(item[method], shared)
    return found


def _operation(operation: Obj, shared: Obj) -> Obj:
    found = {field: operation[field] for field in _OF_OPERATION if field in operation}
    found |= _extensions(operation)
    parameters = _resolved(operation.get("parameters"), shared)
    if others := [_parameter(each) for each in parameters if each.get("in") != "body"]:
        found["parameters"] = others
    for body in (each for each in parameters if each.get("in") == "body"):
        found["requestBody"] = _body(body, operation.get("consumes") or _ANY)
    produces = operation.get("produces") or _ANY
    found["responses"] = {
        code: _response(response, produces) for code, response in (operation.get("responses") or {}).items()
    }
    return found


def _body(parameter: Obj, media_types: Sequence[str]) -> Obj:
    found: Obj = {"content": _content(parameter.get("schema") or {}, media_types)}
    found |= {field: parameter[field] for field in ("description", "required") if field in parameter}
    return found | _extensions(parameter)


def _response(response: Obj, media_types: Sequence[str]) -> Obj:
    found = {"description": response.get("description") or "", **_extensions(response)}
    if schema := response.get("schema"):
        found["content"] = _content(schema, media_types)
    return found


def _content(schema: Obj, media_types: Sequence[str]) -> Obj:
    return {media_type: {"schema": _renamed(schema)} for media_type in media_types}


def _parameter(parameter: Obj) -> Obj:
    found = {field: parameter[field] for field in _OF_PARAMETER if field in parameter} | _extensions(
        parameter
    )
    schema = {field: value for field, value in parameter.items() if field not in found}
    return found | ({"schema": _renamed(schema)} if schema else {})


def _resolved(parameters: Sequence[Obj] | None, shared: Obj) -> list[Obj]:
    return [
        shared.get(str(each["$ref"]).removeprefix(_PARAMETERS)) or {} if "$ref" in each else each
        for each in parameters or ()
    ]


def _extensions(obj: Obj) -> Obj:
    return {field: value for field, value in obj.items() if field.startswith("x-")}


def _renamed(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _SCHEMAS + inner.removeprefix(_DEFINITIONS)
            if key == "$ref" and isinstance(inner, str) and inner.startswith(_DEFINITIONS)
            else _renamed(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_renamed(inner) for inner in value]
    return value
