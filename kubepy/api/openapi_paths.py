"""The operations that OpenAPI documents list: every verb of every resource, and the reads of discovery itself.

An _Operation_ is one method of one path in no dialect yet; `render` writes the paths of some of them for OpenAPI 3.0 or
2.0. What all operations of a path take is said once, at the path; what many paths take, in 2.0, beside them.

Source: apiserver pkg/endpoints/installer.go, kube-openapi pkg/builder{,3}/openapi.go, pkg/builder/parameters.go,
pkg/server/routes, pkg/endpoints/discovery.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from kubepy.api import openapi_custom
from kubepy.api.builtins import definition
from kubepy.api.objects import Obj
from kubepy.api.openapi_parameters import PRETTY, Parameter
from kubepy.api.resources import Resource, Subresource

META = "io.k8s.apimachinery.pkg.apis.meta.v1."
GVK = "x-kubernetes-group-version-kind"
_STATUS, _PATCH, _DELETE_OPTIONS = f"{META}Status", f"{META}Patch", f"{META}DeleteOptions"
_WATCH_EVENT = f"{META}WatchEvent"

_JSON, _YAML, _TEXT = "application/json", "application/yaml", "text/plain"
_PROTOBUF = "application/vnd.kubernetes.protobuf"
_ANSWERED = (_JSON, _PROTOBUF, _YAML)
_STREAMED = (_JSON, f"{_JSON};stream=watch", _PROTOBUF, f"{_PROTOBUF};stream=watch", _YAML)
_OF_CUSTOM = (_JSON, _YAML)
_ANY = ("*/*",)
_PATCHES = (
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
)

# As 2.0 lists media types: in the order of their serializers. 3.0 has them by name.
_LISTED = (_TEXT, _JSON, _YAML, _PROTOBUF, _STREAMED[1], _STREAMED[3], *_PATCHES[1:], _PATCHES[0])

# What becomes of each path and each schema as soon as it is made.
Keep = Callable[[Obj], Any]


class Dialect(NamedTuple):
    """Where the two versions of OpenAPI differ."""

    is_v3: bool
    ref: str  # what references begin with


V3 = Dialect(True, "#/components/schemas/")
V2 = Dialect(False, "#/definitions/")
PARAMETERS = "#/parameters/"


class Operation(NamedTuple):
    """One method of one path."""

    path: str  # "/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
    method: str  # "patch"
    id: str  # "patchAppsV1NamespacedDeployment"
    text: str  # "partially update the specified Deployment"
    tag: str  # "apps_v1"
    answers: str = ""  # schema of the response body, "" for a string
    codes: tuple[int, ...] = (200,)
    produces: tuple[str, ...] = _ANSWERED
    action: str = ""  # "patch", "" outside resources
    gvk: Obj | None = None
    options: tuple[str, ...] = ()  # sets of openapi_parameters
    takes: str = ""  # schema of the request body, "" for none
    consumes: tuple[str, ...] = _ANSWERED
    kind: str = ""  # schema of the resource

    def schemas(self) -> Iterator[str]:
        yield from (name for name in (self.takes, self.answers, self.kind) if name)


# -- discovery and what is beside it ----------------------------------------------------------------------------

_ROOTS = {
    ".well-known/openid-configuration": Operation(
        "/.well-known/openid-configuration/",
        "get",
        "getServiceAccountIssuerOpenIDConfiguration",
        "get service account issuer OpenID configuration, also known as the 'OIDC discovery doc'",
        "WellKnown",
        produces=(_JSON,),
        consumes=(),
    ),
    "api": Operation(
        "/api/", "get", "getCoreAPIVersions", "get available API versions", "core", f"{META}APIVersions"
    ),
    "apis": Operation(
        "/apis/", "get", "getAPIVersions", "get available API versions", "apis", f"{META}APIGroupList"
    ),
    "openid/v1/jwks": Operation(
        "/openid/v1/jwks/",
        "get",
        "getServiceAccountIssuerOpenIDKeyset",
        "get service account issuer OpenID JSON Web Key Set (contains public token verification keys)",
        "openid",
        produces=("application/jwk-set+json",),
        consumes=(),
    ),
    "version": Operation(
        "/version/",
        "get",
        "getCodeVersion",
        "get the version information for this server",
        "version",
        "io.k8s.apimachinery.pkg.version.Info",
        produces=(_JSON,),
        consumes=(_JSON,),
    ),
}
ROOTS = tuple(_ROOTS)


def of_root(path: str) -> Operation:
    """What a path has that is no resource: "api", "version", "apis/apps". Raises KeyError."""
    if not path.startswith("apis/"):
        return _ROOTS[path]
    group = path.removeprefix("apis/")
    id_ = f"get{_prefix(group, '')}APIGroup"
    return Operation(
        f"/{path}/", "get", id_, "get information of a group", _tag(group, ""), f"{META}APIGroup"
    )


def of_group_version(rows: Iterable[Resource], group: str, version: str) -> Iterator[Operation]:
    """Who serves custom kinds describes only them."""
    rows = list(rows)
    if not all(row.custom for row in rows):
        yield Operation(
            f"/apis/{group}/{version}/" if group else f"/api/{version}/",
            "get",
            f"get{_prefix(group, version)}APIResources",
            "get available resources",
            _tag(group, version),
            f"{META}APIResourceList",
        )
    for row in rows:
        yield from _of_resource(row)
        for subresource in row.subresources:
            if subresource.name in _CONNECTED:
                yield from _connections(row, subresource)
            else:
                yield from _of_subresource(row, subresource)


# -- resources ----------------------------------------------------------------------------------------------------


class _Verb(NamedTuple):
    """How a verb of discovery shows in OpenAPI."""

    method: str
    action: str  # x-kubernetes-action
    prefix: str  # of the operation's id
    text: str
    options: tuple[str, ...]
    codes: tuple[int, ...]


_VERBS = {
    "list": _Verb("get", "list", "list", "list{or_watch} objects of kind {kind}", ("list",), (200,)),
    "create": _Verb("post", "post", "create", "create{article}{kind}", ("write",), (200, 201, 202)),
    "deletecollection": _Verb(
        "delete", "deletecollection", "delete", "delete collection of {kind}", ("delete", "list"), (200,)
    ),
    "get": _Verb("get", "get", "read", "read the specified {kind}", (), (200,)),
    "update": _Verb("put", "put", "replace", "replace the specified {kind}", ("write",), (200, 201)),
    "patch": _Verb(
        "patch", "patch", "patch", "partially update the specified {kind}", ("patch",), (200, 201)
    ),
    "delete": _Verb("delete", "delete", "delete", "delete{article}{kind}", ("delete",), (200, 202)),
}
# The paths below /watch/.
_WATCH_LIST = _Verb(
    "get",
    "watchlist",
    "watch",
    "watch individual changes to a list of {kind}. deprecated: use the 'watch' parameter with a list operation "
    "instead.",
    ("list",),
    (200,),
)
_WATCH = _WATCH_LIST._replace(
    action="watch",
    text="watch changes to an object of kind {kind}. deprecated: use the 'watch' parameter with a list operation "
    "instead, filtered to a single item with the 'fieldSelector' parameter.",
)
# Custom kinds are described by a builder of their own.
# Source: apiextensions-apiserver pkg/controller/openapi/builder/builder.go buildRoute.
_CUSTOM_VERBS = _VERBS | {
    "list": _VERBS["list"]._replace(text="list objects of kind {kind}"),
    "deletecollection": _VERBS["deletecollection"]._replace(options=("list",)),
    "get": _VERBS["get"]._replace(options=("get",)),
    "patch": _VERBS["patch"]._replace(codes=(200,)),
}
# Of part of an object.
_TEXTS = {
    "create": "create {part} of{article}{kind}",
    "get": "read {part} of the specified {kind}",
    "update": "replace {part} of the specified {kind}",
    "patch": "partially update {part} of the specified {kind}",
}
_COLLECTION = ("list", "create", "deletecollection")
_ONLY_OF_WATCHES = ("allowWatchBookmarks", "watch")
# Subresources that hand the connection through, and the methods they do that for; their query is their options.
_ALL_METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
_CONNECTED = {
    "attach": ("get", "post"), "exec": ("get", "post"), "portforward": ("get", "post"), "proxy": _ALL_METHODS,
}  # fmt: skip
# A delete of these answers the object. Source: the registries with ReturnDeletedObject.
_ANSWERED_DELETES = frozenset(
    (
        "persistentvolumeclaims", "persistentvolumes", "pods", "podtemplates", "resourcequotas", "serviceaccounts",
        "services", "csidrivers", "csinodes", "storageclasses", "volumeattachments", "volumeattributesclasses",
        "deviceclasses", "devicetaintrules", "resourceclaims", "resourceclaimtemplates", "resourceslices",
    )
)  # fmt: skip


def _of_resource(row: Resource) -> Iterator[Operation]:
    collection = row.path("{namespace}")
    kind, scope = row.kind, "Namespaced" if row.namespaced else ""
    verbs = _CUSTOM_VERBS if row.custom else _VERBS
    for name in row.verbs:
        verb = verbs.get(name)
        if verb is None:  # watch is a parameter of list
            continue
        in_all = "Collection" if name == "deletecollection" else ""
        path = collection if name in _COLLECTION else row.path("{namespace}", "{name}")
        yield _operation(row, verb, path, f"{verb.prefix}{{}}{in_all}{scope}{kind}")
        if name == "list" and row.namespaced:
            yield _operation(row, verb, row.path(), f"{verb.prefix}{{}}{kind}ForAllNamespaces")
    if "watch" in row.verbs and not row.custom:
        yield from _watches(row)


def _watches(row: Resource) -> Iterator[Operation]:
    kind, scope = row.kind, "Namespaced" if row.namespaced else ""
    root = row.path().removesuffix(row.plural)

    def watch(verb: _Verb, path: str, id_: str) -> Operation:
        return _operation(row, verb, f"{root}watch/{path.removeprefix(root)}", id_)

    yield watch(_WATCH_LIST, row.path("{namespace}"), f"watch{{}}{scope}{kind}List")
    if row.namespaced:
        yield watch(_WATCH_LIST, row.path(), f"watch{{}}{kind}ListForAllNamespaces")
    yield watch(_WATCH, row.path("{namespace}", "{name}"), f"watch{{}}{scope}{kind}")


def _operation(row: Resource, verb: _Verb, path: str, id_: str) -> Operation:
    kind = row.kind
    schema = _schema_name(row)
    if verb.prefix == "watch":
        answers = _WATCH_EVENT
    elif verb.action == "list":
        answers = openapi_custom.names(row)[1] if row.custom else schema + "List"
    elif verb.action == "deletecollection" or (
        verb.action == "delete" and row.plural not in _ANSWERED_DELETES
    ):
        answers = _STATUS
    else:
        answers = schema
    takes, consumes = _body(verb, schema, row.custom)
    or_watch = " or watch" if "watch" in row.verbs else ""
    return Operation(
        path,
        verb.method,
        id_.format(_prefix(row.group, row.version)),
        verb.text.format(kind=kind, article=_article(kind), or_watch=or_watch),
        _tag(row.group, row.version),
        answers,
        verb.codes,
        _OF_CUSTOM
        if row.custom
        else _STREAMED
        if "list" in verb.options and verb.method == "get"
        else _ANSWERED,
        action=verb.action,
        gvk={"group": row.group, "kind": kind, "version": row.version},
        options=verb.options,
        takes=takes,
        consumes=consumes,
        kind=schema,
    )


def _of_subresource(row: Resource, subresource: Subresource) -> Iterator[Operation]:
    group, version = subresource.group or row.group, subresource.version or row.version
    schema = (
        _schema_name(row) if subresource.kind == row.kind else definition(group, version, subresource.kind)
    )
    scope = "Namespaced" if row.namespaced else ""
    is_log = subresource.name == "log"
    if row.custom:
        verbs, gvk = _CUSTOM_VERBS, {"group": row.group, "kind": row.kind, "version": row.version}
    else:
        verbs, gvk = _VERBS, {"group": group, "kind": subresource.kind, "version": version}
    for name in subresource.verbs:
        verb = verbs[name]
        takes, consumes = _body(verb, schema, row.custom)
        answered = _OF_CUSTOM if row.custom else _ANSWERED
        yield Operation(
            row.path("{namespace}", "{name}", subresource.name),
            verb.method,
            f"{verb.prefix}{_prefix(row.group, row.version)}{scope}{row.kind}{subresource.name.capitalize()}",
            _TEXTS[name].format(part=subresource.name, kind=row.kind, article=_article(row.kind)),
            _tag(row.group, row.version),
            "" if is_log else schema,
            verb.codes,
            (*answered, _TEXT) if is_log else answered,
            action=verb.action,
            gvk=gvk,
            options=("PodLogOptions",) if is_log else verb.options,
            takes=takes,
            consumes=consumes,
        )


def _connections(row: Resource, subresource: Subresource) -> Iterator[Operation]:
    name = subresource.name
    path = row.path("{namespace}", "{name}", name)
    scope = "Namespaced" if row.namespaced else ""
    for suffix, end in (("", ""), ("WithPath", "/{path}")) if name == "proxy" else (("", ""),):
        for method in _CONNECTED[name]:
            yield Operation(
                path + end,
                method,
                f"connect{_prefix(row.group, row.version)}{method.capitalize()}{scope}{row.kind}"
                f"{name.capitalize()}{suffix}",
                f"connect {method.upper()} requests to {name} of {row.kind}",
                _tag(row.group, row.version),
                produces=_ANY,
                consumes=_ANY,
                action="connect",
                gvk={"group": row.group, "kind": subresource.kind, "version": row.version},
                options=(subresource.kind,),
            )


def _body(verb: _Verb, schema: str, custom: bool) -> tuple[str, tuple[str, ...]]:
    if verb.method == "patch":
        return _PATCH, _PATCHES[:-1] if custom else _PATCHES
    taken = _OF_CUSTOM if custom else _ANY
    if verb.method in ("post", "put"):
        return schema, taken
    if verb.method == "delete" and not (custom and verb.action == "deletecollection"):
        return _DELETE_OPTIONS, taken
    return "", taken


def _schema_name(row: Resource) -> str:
    """The definition of a built-in kind; for a custom one its reversed group, as kube-apiserver names them."""
    return row.schema or openapi_custom.names(row)[0]


def _article(kind: str) -> str:
    """With its spaces; plurals have none. Source: installer.go GetArticleForNoun."""
    if kind.endswith("s") and not kind.endswith("ss"):
        return " "
    return " an " if kind[0] in "AEIOU" else " a "


def _group_words(group: str) -> list[str]:
    return (group.removesuffix(".k8s.io") or "core").split(".")


def _prefix(group: str, version: str) -> str:
    """("rbac.authorization.k8s.io", "v1") -> "RbacAuthorizationV1"."""
    return "".join(word[:1].upper() + word[1:] for word in (*_group_words(group), version))


def _tag(group: str, version: str) -> str:
    first, *rest = _group_words(group)
    return first + "".join(word.capitalize() for word in rest) + (f"_{version}" if version else "")


# -- rendering ------------------------------------------------------------------------------------------------------

_PATH_TEXTS = {
    "namespace": "object name and auth scope, such as for teams and projects",
    "path": "path to the resource",
}
_REASONS = {200: "OK", 201: "Created", 202: "Accepted", 401: "Unauthorized"}


class Shared:
    """The parameters that OpenAPI 2.0 has once for all paths: all but those that are about one kind, and those of which
    old clients want to see that a path takes them."""

    def __init__(self) -> None:
        self.parameters: Obj = {}  # name and hash -> parameter
        self._known: dict[Parameter, Obj] = {}

    def show(self, parameter: Parameter) -> Obj:
        """A reference, or the parameter itself."""
        shown = self._known.get(parameter)
        if shown is None:
            shown = {"uniqueItems": True, "type": parameter.type, "description": parameter.text}
            shown |= {"name": parameter.name, "in": parameter.place} | _required(parameter)
            if parameter.name not in ("name", "fieldValidation", "dryRun"):
                shown = self._reference(shown)
            self._known[parameter] = shown
        return shown

    def body(self, parameter: Obj) -> Obj:
        is_of_machinery = parameter["schema"]["$ref"].startswith(f"{V2.ref}io.k8s.apimachinery")
        return self._reference(parameter) if is_of_machinery else parameter

    def _reference(self, parameter: Obj) -> Obj:
        text = orjson.dumps(parameter)
        for character in b"<>&":
            text = text.replace(bytes([character]), b"\\u%04x" % character)
        name = f"{parameter['name']}-{_short_hash(text)}"
        self.parameters[name] = parameter
        return {"$ref": PARAMETERS + name}


def _short_hash(text: bytes) -> str:
    """The first six bytes of FNV-1, 64 bits."""
    digest = 0xCBF29CE484222325
    for byte in text:
        digest = digest * 0x100000001B3 & (1 << 64) - 1 ^ byte
    return base64.urlsafe_b64encode(digest.to_bytes(8, "big")[:6]).decode()


def render(
    operations: Iterable[Operation],
    options: dict[str, tuple[Parameter, ...]],
    dialect: Dialect,
    keep: Keep,
    shared: Shared | None = None,
) -> Obj:
    """The `paths` of a document. `options`: what openapi_parameters.read gives; `shared`: of 2.0."""
    by_path: dict[str, list[Operation]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, []).append(operation)
    return {path: keep(_path(by_path[path], options, dialect, shared)) for path in sorted(by_path)}


def _path(
    operations: Sequence[Operation],
    options: dict[str, tuple[Parameter, ...]],
    dialect: Dialect,
    shared: Shared | None,
) -> Obj:
    wanted = [_parameters(operation, options) for operation in operations]
    common = set(wanted[0]).intersection(*wanted[1:])
    item: Obj = {}
    show = shared.show if shared is not None else _parameter
    if common:
        item["parameters"] = [show(each) for each in sorted(common)]
    for operation, own in zip(operations, wanted):
        parameters = [show(each) for each in sorted(own - common)]
        item[operation.method] = _render(operation, parameters, dialect, shared)
    return item


def _parameters(operation: Operation, options: dict[str, tuple[Parameter, ...]]) -> set[Parameter]:
    if operation.gvk is None:
        return set()
    found = {each for name in operation.options for each in options[name]}
    if operation.action != "connect":
        found |= {*options[PRETTY]}
    if "delete" in operation.options:
        found = {each for each in found if each.name not in _ONLY_OF_WATCHES}
    for part in operation.path.split("/"):
        if part.startswith("{"):
            name = part[1:-1]
            text = _PATH_TEXTS.get(name) or f"name of the {operation.gvk['kind']}"
            found.add(Parameter(name, "path", "string", text))
    return found


def _parameter(parameter: Parameter) -> Obj:
    """Of 3.0."""
    shown: Obj = {"name": parameter.name, "in": parameter.place, "description": parameter.text}
    return shown | _required(parameter) | {"schema": {"type": parameter.type, "uniqueItems": True}}


def _required(parameter: Parameter) -> Obj:
    return {"required": True} if parameter.place == "path" else {}


def _render(operation: Operation, parameters: list[Obj], dialect: Dialect, shared: Shared | None) -> Obj:
    rendered: Obj = {
        "tags": [operation.tag],
        "description": operation.text,
        "operationId": operation.id,
    }
    required = {"required": True} if operation.method != "delete" else {}
    if shared is None:
        if operation.takes:
            content = _content(operation.consumes, operation.takes, dialect)
            rendered["requestBody"] = {"content": content} | required
    else:
        rendered["schemes"] = ["https"]
        if operation.consumes:
            rendered["consumes"] = _listed(operation.consumes)
        rendered["produces"] = _listed(operation.produces)
        if operation.takes:
            body: Obj = {"name": "body", "in": "body"} | required
            parameters.insert(0, shared.body(body | {"schema": {"$ref": dialect.ref + operation.takes}}))
    if parameters:
        rendered["parameters"] = parameters
    rendered["responses"] = {
        str(code): _response(operation, code, dialect) for code in (*operation.codes, 401)
    }
    if operation.gvk:
        rendered["x-kubernetes-action"] = operation.action
        rendered[GVK] = operation.gvk
    return rendered


def _listed(media_types: Sequence[str]) -> list[str]:
    return sorted(media_types, key=lambda each: _LISTED.index(each) if each in _LISTED else 0)


def _response(operation: Operation, code: int, dialect: Dialect) -> Obj:
    response: Obj = {"description": _REASONS[code]}
    if code == 401:
        return response
    if dialect.is_v3:
        return response | {"content": _content(operation.produces, operation.answers, dialect)}
    return response | {"schema": _schema(operation.answers, dialect)}


def _content(media_types: Iterable[str], name: str, dialect: Dialect) -> Obj:
    return {media_type: {"schema": _schema(name, dialect)} for media_type in media_types}


def _schema(name: str, dialect: Dialect) -> Obj:
    return {"$ref": dialect.ref + name} if name else {"type": "string"}
