"""The OpenAPI documents of a catalog: v3 per group version, v2 for all, as clients of kube-apiserver expect them.

kubectl reads them to explain fields, to find out how a list merges, and to learn that the server validates fields (the
`fieldValidation` parameter of PATCH). So the schemas are complete and carry every x-kubernetes extension; of the paths
there are those of every resource with their verbs, parameters and bodies, but not the deprecated /watch/ ones.

The schemas are rebuilt from the same definitions that the schema engine compiles: what kubernetes-validate changed for
JSON schema (`type: [x, null]`, enums on apiVersion and kind, Quantity and IntOrString) is undone, and defaults are
added where Kubernetes has them in v3.

Pure functions without caches: a document costs 10 to 40 ms, the definitions are read afresh and let go. Whoever serves
them keeps bytes. May be called from any thread.

Source: kubernetes api/openapi-spec/, kube-openapi pkg/builder3, apiserver pkg/endpoints/installer.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from kubepy.api import openapi_custom, schema
from kubepy.api.builtins import Catalog, definition
from kubepy.api.gnostic import encode
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource, Subresource
from kubepy.api.schema import Schemas

_TITLE = "Kubernetes"
_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_STATUS, _PATCH, _DELETE_OPTIONS = f"{_META}Status", f"{_META}Patch", f"{_META}DeleteOptions"
_RESOURCE_LIST = f"{_META}APIResourceList"
_GVK = "x-kubernetes-group-version-kind"
_BEARER = {
    "BearerToken": {
        "description": "Bearer Token authentication",
        "in": "header",
        "name": "authorization",
        "type": "apiKey",
    }
}
_MEDIA_TYPES = ("application/json", "application/yaml")
_PATCH_TYPES = (
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
)


# What becomes of each path and each schema as soon as it is made.
Keep = Callable[[Obj], Any]


def as_made(part: Obj) -> Obj:
    return part


def as_bytes(part: Obj) -> orjson.Fragment:
    """For documents that are made to be encoded: as dicts, those of a hundred custom kinds are five times larger."""
    return orjson.Fragment(orjson.dumps(part))


def v3_document(catalog: Catalog, schemas: Schemas, group: str, version: str, *, keep: Keep = as_made) -> Obj:
    """OpenAPI 3.0 of one group version: what /openapi/v3/apis/<group>/<version> answers."""
    rows = catalog.resources(group, version)
    operations = list(_operations(rows, group, version))
    return {
        "openapi": "3.0.0",
        "info": _info(schemas),
        "paths": _paths(operations, _V3, keep),
        "components": {
            "schemas": _Rebuilder(schemas.version, _V3, keep).schemas(operations, rows),
            "securitySchemes": _BEARER,
        },
    }


def _info(schemas: Schemas) -> Obj:
    return {"title": _TITLE, "version": f"v{schemas.version}.0"}


def v2_document(catalog: Catalog, schemas: Schemas, *, keep: Keep = as_made) -> Obj:
    """Swagger 2.0 of everything: what /openapi/v2 answers."""
    operations = [
        operation
        for group, versions in catalog.groups()
        for version in versions
        for operation in _operations(catalog.resources(group, version), group, version)
    ]
    return {
        "swagger": "2.0",
        "info": _info(schemas),
        "paths": _paths(operations, _V2, keep),
        "definitions": _Rebuilder(schemas.version, _V2, keep).schemas(operations, catalog),
        "securityDefinitions": _BEARER,
        "security": [{"BearerToken": []}],
    }


def v2_protobuf(document: Obj) -> bytes:
    """A v2 document as gnostic's openapi.v2.Document, what kubectl up to 1.26 asks for."""
    return encode("Document", document)


# -- schemas --------------------------------------------------------------------------------------------------

_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"

_QUANTITY_TEXT = (
    "Quantity is a fixed-point representation of a number. It provides convenient marshaling/unmarshaling in JSON and "
    "YAML, in addition to String() and AsInt64() accessors."
)
_INT_OR_STRING_TEXT = (
    "IntOrString is a type that can hold an int32 or a string.  When used in JSON or YAML marshalling and "
    "unmarshalling, it produces or consumes the inner type.  This allows you to have, for example, a JSON field "
    "that can accept a name or number."
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


class _Dialect(NamedTuple):
    """Where the two versions of OpenAPI differ."""

    is_v3: bool
    ref: str  # what references begin with


_V3 = _Dialect(True, "#/components/schemas/")
_V2 = _Dialect(False, "#/definitions/")


class _Rebuilder:
    """The definitions of one Kubernetes version, turned back into what Kubernetes publishes."""

    def __init__(self, version: str, dialect: _Dialect, keep: Keep) -> None:
        self._definitions = schema.load(version)
        self._notes = schema.notes()
        self._dialect, self._keep = dialect, keep

    def schemas(self, operations: Sequence[_Operation], rows: Iterable[Resource]) -> Obj:
        """Every schema that the operations' bodies reach, by name. `rows` are the resources that they are about."""
        found: Obj = {}
        waiting = [name for operation in operations for name in operation.schemas()]
        for row in rows:
            if row.custom:
                kind, list_ = openapi_custom.names(row)
                found[kind] = self._keep(openapi_custom.kind_schema(row, self._dialect.ref))
                found[list_] = self._keep(openapi_custom.list_schema(row, self._dialect.ref))
                waiting += openapi_custom.reached()
        served = {(gvk["group"], gvk["version"]) for operation in operations if (gvk := operation.gvk)}
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            definition_ = self._definitions[name]
            rebuilt, reached = self._rebuild(name, definition_)
            waiting += reached
            gvks = definition_.get(_GVK, ())
            if len(gvks) > 1:  # kinds of every group, such as DeleteOptions
                rebuilt[_GVK] = [gvk for gvk in gvks if (gvk["group"], gvk["version"]) in served]
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
            published = _DEFAULTS.get(name, {})
            rebuilt["properties"] = {
                field.name: self._property(field, published, reached)
                for field in schema.fields(name, definition_, self._notes)
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

    def _property(self, field: schema.Field, published: Obj, reached: list[str]) -> Obj:
        shape = self._shape(field.shape, reached)
        if not self._dialect.is_v3:
            return shape
        if field.name in published:
            shape["default"] = published[field.name]
        elif field.zero is not None and field.zero is not schema.NULL:
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


# -- operations -----------------------------------------------------------------------------------------------


class _Operation(NamedTuple):
    """One method of one path, in no dialect yet."""

    path: str  # "/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
    method: str  # "patch"
    id: str  # "patchAppsV1NamespacedDeployment"
    text: str  # "partially update the specified Deployment"
    tag: str  # "apps_v1"
    action: str  # "patch", "" outside resources
    gvk: Obj | None
    query: tuple[str, ...]  # names in _QUERY
    takes: str  # schema of the request body, "" for none
    consumes: tuple[str, ...]
    answers: str  # schema of the response body
    codes: tuple[int, ...]
    kind: str = ""  # schema of the resource

    def schemas(self) -> Iterator[str]:
        yield from (name for name in (self.takes, self.answers, self.kind) if name)


_QUERY = {  # name -> (type, text)
    "allowWatchBookmarks": ("boolean", 'allowWatchBookmarks requests watch events with type "BOOKMARK".'),
    "continue": ("string", "The continue option should be set when retrieving more results from the server."),
    "dryRun": ("string", "When present, indicates that modifications should not be persisted."),
    "fieldManager": (
        "string",
        "fieldManager is a name associated with the actor that is making these changes.",
    ),
    "fieldSelector": ("string", "A selector to restrict the list of returned objects by their fields."),
    "fieldValidation": (
        "string",
        "fieldValidation instructs the server on how to handle objects in the request (POST/PUT/PATCH) containing "
        "unknown or duplicate fields. Valid values are: Ignore, Warn, Strict.",
    ),
    "force": ("boolean", 'Force is going to "force" Apply requests.'),
    "gracePeriodSeconds": ("integer", "The duration in seconds before the object should be deleted."),
    "labelSelector": ("string", "A selector to restrict the list of returned objects by their labels."),
    "limit": ("integer", "limit is a maximum number of responses to return for a list call."),
    "orphanDependents": ("boolean", "Deprecated: please use the PropagationPolicy."),
    "pretty": ("string", "If 'true', then the output is pretty printed."),
    "propagationPolicy": ("string", "Whether and how garbage collection will be performed."),
    "resourceVersion": (
        "string",
        "resourceVersion sets a constraint on what resource versions may be served.",
    ),
    "resourceVersionMatch": ("string", "How resourceVersion is applied to list calls."),
    "sendInitialEvents": ("boolean", "`sendInitialEvents=true` may be set together with `watch=true`."),
    "timeoutSeconds": ("integer", "Timeout for the list/watch call."),
    "watch": ("boolean", "Watch for changes to the described resources."),
}
_PATH_TEXTS = {"namespace": "object name and auth scope, such as for teams and projects"}

_LIST_QUERY = (
    "allowWatchBookmarks", "continue", "fieldSelector", "labelSelector", "limit", "resourceVersion",
    "resourceVersionMatch", "sendInitialEvents", "timeoutSeconds", "watch",
)  # fmt: skip
_WRITE_QUERY = ("dryRun", "fieldManager", "fieldValidation")
_DELETE_QUERY = ("dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy")
_COLLECTION_QUERY = (
    *_DELETE_QUERY,
    *(name for name in _LIST_QUERY if name not in ("allowWatchBookmarks", "watch")),
)


class _Verb(NamedTuple):
    """How a verb of discovery shows in OpenAPI."""

    method: str
    action: str  # x-kubernetes-action
    prefix: str  # of the operation's id
    text: str
    query: tuple[str, ...]
    codes: tuple[int, ...]


_VERBS = {
    "list": _Verb("get", "list", "list", "list or watch objects of kind {kind}", _LIST_QUERY, (200,)),
    "create": _Verb("post", "post", "create", "create {article} {kind}", _WRITE_QUERY, (200, 201, 202)),
    "deletecollection": _Verb(
        "delete", "deletecollection", "delete", "delete collection of {kind}", _COLLECTION_QUERY, (200,)
    ),
    "get": _Verb("get", "get", "read", "read the specified {kind}", (), (200,)),
    "update": _Verb("put", "put", "replace", "replace the specified {kind}", _WRITE_QUERY, (200, 201)),
    "patch": _Verb(
        "patch",
        "patch",
        "patch",
        "partially update the specified {kind}",
        (*_WRITE_QUERY, "force"),
        (200, 201),
    ),
    "delete": _Verb("delete", "delete", "delete", "delete {article} {kind}", _DELETE_QUERY, (200, 202)),
}
_COLLECTION = ("list", "create", "deletecollection")
# Subresources that hand the connection through; their query is their options.
_CONNECT = ("attach", "exec", "portforward", "proxy")


def _operations(rows: Iterable[Resource], group: str, version: str) -> Iterator[_Operation]:
    yield _group_version_operation(group, version)
    for row in rows:
        yield from _resource_operations(row)
        for subresource in row.subresources:
            yield from _subresource_operations(row, subresource)


def _group_version_operation(group: str, version: str) -> _Operation:
    return _Operation(
        path=f"/apis/{group}/{version}/" if group else f"/api/{version}/",
        method="get",
        id=f"get{_prefix(group, version)}APIResources",
        text="get available resources",
        tag=_tag(group, version),
        action="",
        gvk=None,
        query=(),
        takes="",
        consumes=(),
        answers=_RESOURCE_LIST,
        codes=(200,),
    )


def _resource_operations(row: Resource) -> Iterator[_Operation]:
    collection = row.path("{namespace}")
    kind, scope = row.kind, "Namespaced" if row.namespaced else ""
    for name in row.verbs:
        verb = _VERBS.get(name)
        if verb is None:  # watch is a parameter of list
            continue
        in_all = "Collection" if name == "deletecollection" else ""
        path = collection if name in _COLLECTION else row.path("{namespace}", "{name}")
        yield _operation(row, verb, path, f"{verb.prefix}{{}}{in_all}{scope}{kind}")
        if name == "list" and row.namespaced:
            yield _operation(row, verb, row.path(), f"{verb.prefix}{{}}{kind}ForAllNamespaces")


def _operation(row: Resource, verb: _Verb, path: str, id_: str) -> _Operation:
    kind = row.kind
    schema_ = _schema_name(row)
    if verb.action == "list":
        answers = openapi_custom.names(row)[1] if row.custom else schema_ + "List"
    elif verb.action == "deletecollection" or (
        verb.action == "delete" and row.plural not in _ANSWERED_DELETES
    ):
        answers = _STATUS
    else:
        answers = schema_
    takes, consumes = _body(verb, schema_, row.custom)
    return _Operation(
        path=path,
        method=verb.method,
        id=id_.format(_prefix(row.group, row.version)),
        text=verb.text.format(kind=kind, article="an" if kind[0] in "AEIOU" else "a"),
        tag=_tag(row.group, row.version),
        action=verb.action,
        gvk={"group": row.group, "kind": kind, "version": row.version},
        query=verb.query,
        takes=takes,
        consumes=consumes,
        answers=answers,
        codes=verb.codes,
        kind=schema_,
    )


# A delete of these answers the object. Source: the registries with ReturnDeletedObject.
_ANSWERED_DELETES = frozenset(
    (
        "persistentvolumeclaims", "persistentvolumes", "pods", "podtemplates", "resourcequotas", "serviceaccounts",
        "services", "csidrivers", "csinodes", "storageclasses", "volumeattachments", "volumeattributesclasses",
        "deviceclasses", "devicetaintrules", "resourceclaims", "resourceclaimtemplates", "resourceslices",
    )
)  # fmt: skip


def _subresource_operations(row: Resource, subresource: Subresource) -> Iterator[_Operation]:
    group, version = subresource.group or row.group, subresource.version or row.version
    scope = "Namespaced" if row.namespaced else ""
    own = row.kind if subresource.kind == row.kind else ""
    schema_ = _schema_name(row) if own else definition(group, version, subresource.kind)
    is_connect = subresource.name in _CONNECT
    for name in subresource.verbs:
        verb = _VERBS[name]
        suffix = f"{scope}{row.kind}{subresource.name.capitalize()}"
        if is_connect:
            id_ = f"connect{_prefix(row.group, row.version)}{verb.method.capitalize()}{suffix}"
        else:
            id_ = f"{verb.prefix}{_prefix(row.group, row.version)}{suffix}"
        takes, consumes = ("", ()) if is_connect else _body(verb, schema_, row.custom)
        is_text = is_connect or subresource.name == "log"
        yield _Operation(
            path=row.path("{namespace}", "{name}", subresource.name),
            method=verb.method,
            id=id_,
            text=f"{verb.prefix} {subresource.name} of the specified {row.kind}",
            tag=_tag(row.group, row.version),
            action="connect" if is_connect else verb.action,
            gvk={"group": group, "kind": subresource.kind, "version": version},
            query=() if is_text else verb.query,
            takes=takes,
            consumes=consumes,
            answers="" if is_text else schema_,
            codes=(200,) if is_text else verb.codes,
        )


def _body(verb: _Verb, schema_: str, custom: bool) -> tuple[str, tuple[str, ...]]:
    if verb.method == "patch":
        return _PATCH, _PATCH_TYPES[:-1] if custom else _PATCH_TYPES
    if verb.method in ("post", "put"):
        return schema_, ("*/*",)
    return (_DELETE_OPTIONS, ("*/*",)) if verb.method == "delete" else ("", ())


def _schema_name(row: Resource) -> str:
    """The definition of a built-in kind; for a custom one its reversed group, as kube-apiserver names them."""
    return row.schema or openapi_custom.names(row)[0]


def _group_words(group: str) -> list[str]:
    return (group.removesuffix(".k8s.io") or "core").split(".")


def _prefix(group: str, version: str) -> str:
    """("rbac.authorization.k8s.io", "v1") -> "RbacAuthorizationV1"."""
    return "".join(word[:1].upper() + word[1:] for word in (*_group_words(group), version))


def _tag(group: str, version: str) -> str:
    first, *rest = _group_words(group)
    return first + "".join(word.capitalize() for word in rest) + f"_{version}"


# -- paths ----------------------------------------------------------------------------------------------------


def _paths(operations: Iterable[_Operation], dialect: _Dialect, keep: Keep) -> Obj:
    by_path: dict[str, list[_Operation]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, []).append(operation)
    return {path: keep(_path(path, by_path[path], dialect)) for path in sorted(by_path)}


def _path(path: str, operations: Sequence[_Operation], dialect: _Dialect) -> Obj:
    item: Obj = {}
    first = operations[0]
    if first.gvk:
        names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
        parameters = [_path_parameter(name, first.gvk["kind"], dialect) for name in sorted(names)]
        item["parameters"] = [*parameters, _query_parameter("pretty", dialect)]
    for operation in operations:
        item[operation.method] = _render(operation, dialect)
    return item


def _path_parameter(name: str, kind: str, dialect: _Dialect) -> Obj:
    text = _PATH_TEXTS.get(name) or f"name of the {kind}"
    parameter: Obj = {"name": name, "in": "path", "description": text, "required": True}
    return parameter | _typed("string", dialect)


def _query_parameter(name: str, dialect: _Dialect) -> Obj:
    type_, text = _QUERY[name]
    parameter: Obj = {"name": name, "in": "query", "description": text}
    return parameter | _typed(type_, dialect)


def _typed(type_: str, dialect: _Dialect) -> Obj:
    typed = {"type": type_, "uniqueItems": True}
    return {"schema": typed} if dialect.is_v3 else typed


_REASONS = {200: "OK", 201: "Created", 202: "Accepted", 401: "Unauthorized"}


def _render(operation: _Operation, dialect: _Dialect) -> Obj:
    rendered: Obj = {
        "tags": [operation.tag],
        "description": operation.text,
        "operationId": operation.id,
    }
    parameters: list[Any] = [_query_parameter(name, dialect) for name in operation.query]
    if dialect.is_v3:
        if operation.takes:
            content = _content(operation.consumes, operation.takes, dialect)
            rendered["requestBody"] = {"content": content, "required": operation.method != "delete"}
    else:
        rendered["schemes"] = ["https"]
        rendered["consumes"] = list(operation.consumes or ("*/*",))
        rendered["produces"] = list(_MEDIA_TYPES)
        if operation.takes:
            body: Obj = {"name": "body", "in": "body", "schema": {"$ref": dialect.ref + operation.takes}}
            if operation.method != "delete":
                body["required"] = True
            parameters.append(body)
    if parameters:
        rendered["parameters"] = parameters
    rendered["responses"] = {
        str(code): _response(operation, code, dialect) for code in (*operation.codes, 401)
    }
    if operation.gvk:
        rendered["x-kubernetes-action"] = operation.action
        rendered[_GVK] = operation.gvk
    return rendered


def _response(operation: _Operation, code: int, dialect: _Dialect) -> Obj:
    response: Obj = {"description": _REASONS[code]}
    if code == 401:
        return response
    if not operation.answers:
        text = {"type": "string"}
        return response | ({"content": {"*/*": {"schema": text}}} if dialect.is_v3 else {"schema": text})
    if dialect.is_v3:
        return response | {"content": _content(_MEDIA_TYPES, operation.answers, dialect)}
    return response | {"schema": {"$ref": dialect.ref + operation.answers}}


def _content(media_types: Iterable[str], name: str, dialect: _Dialect) -> Obj:
    return {media_type: {"schema": {"$ref": dialect.ref + name}} for media_type in media_types}
