"""What upstream's router says before any handler: is there such a path (404), with this method (405), and can the
answer be what the client wants (406)?

A built-in resource has routes for the verbs that its row of the catalog lists, each at its kind of path: a collection,
one object, a subresource. Nothing is read from the store here.

Source: apiserver pkg/endpoints/installer.go registerResourceHandlers, pkg/server/handler.go (director,
serviceErrorHandler), go-restful's CurlyRouter.
"""

from __future__ import annotations

from functools import lru_cache

from kubepy.api import errors, names
from kubepy.api.builtins import Catalog
from kubepy.api.errors import BadRequest, NotAcceptable, NotFound, UnsupportedMediaType
from kubepy.api.resources import Resource
from kubepy.apiserver.handlers import negotiate
from kubepy.apiserver.request import Request, RequestInfo

_COLLECTION = ("list", "watch", "create", "deletecollection")
_ACROSS_NAMESPACES = ("list", "watch")
_ITEM = ("get", "update", "patch", "delete")
_METHODS = {
    "get": "GET",
    "list": "GET",
    "watch": "GET",
    "create": "POST",
    "update": "PUT",
    "patch": "PATCH",
    "delete": "DELETE",
    "deletecollection": "DELETE",
}
# Whatever follows them belongs to who is called.
_WITH_PATH = ("proxy",)


def not_served(catalog: Catalog, group: str) -> NotFound:
    """For a resource or version that is not there: a Status where the group is the API server's own, else net/http's
    text, for then nobody has claimed the path."""
    return errors.unknown_resource() if catalog.is_builtin(group) else errors.page_not_found()


def check(resource: Resource, info: RequestInfo, method: str) -> None:
    """Raises NotFound, MethodNotAllowed, and BadRequest for names that cannot be in a path."""
    verb = info.verb
    here, served = _verbs_at(resource, info)
    if verb not in here or verb not in served or method != _METHODS.get(verb):
        if resource.custom and len(info.parts) > 2:
            # There is no router: the handler knows no such subresource.
            raise errors.not_found(resource, info.name)
        raise _refusal(resource, info, method)
    if len(info.parts) > 1:
        _check_name(info.name)


def _refusal(resource: Resource, info: RequestInfo, method: str) -> errors.StatusError:
    here, served = _verbs_at(resource, info)
    verbs = [verb for verb in here if verb in served]
    is_below_watch = "/watch/" in info.path and info.verb == "watch"
    if not verbs or (is_below_watch and "watch" not in resource.verbs):
        return errors.unknown_resource()
    if info.verb == "watch" and "list" in verbs and method == "GET":
        return errors.method_not_supported(resource, "watch")
    return errors.method_not_allowed()


def check_accept(request: Request) -> None:
    """Raises NotAcceptable. The router knows types, not ranges of them; their parameters are the handler's business.

    Source: go-restful jsr311.go detectRoute; without a body it blames the wrong header.
    """
    if _is_producible(request.accept):
        return
    is_list = request.info.verb in ("list", "watch")
    available = ", ".join((*negotiate.SUPPORTED, *negotiate.STREAMED) if is_list else negotiate.SUPPORTED)
    if request.method in _WITH_BODY and request.header("Content-Length") in ("", "0"):
        raise UnsupportedMediaType(_NOT_PRODUCED.format("415: Unsupported Media Type", available), details={})
    raise NotAcceptable(_NOT_PRODUCED.format("406: Not Acceptable", available), details={})


_WITH_BODY = ("POST", "PUT", "PATCH")
_NOT_PRODUCED = "{}\n\nAvailable representations: {}"


@lru_cache(maxsize=512)
def _is_producible(accept: str) -> bool:
    if not accept:
        return True
    types = (clause.partition(";")[0].strip(" ") for clause in accept.split(","))
    return any(media_type == "*/*" or media_type in negotiate.SUPPORTED for media_type in types)


def _verbs_at(resource: Resource, info: RequestInfo) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(the verbs that paths of this form may have, those that the resource has); what is in both has a route."""
    if resource.namespaced:
        in_namespace = bool(info.namespace)
    elif info.namespace and info.resource != "namespaces":
        return _NOWHERE
    else:
        in_namespace = True
    if info.verb == "proxy":
        return _NOWHERE
    depth = len(info.parts)
    if depth == 1:
        return _COLLECTION if in_namespace else _ACROSS_NAMESPACES, resource.verbs
    if not in_namespace:
        return _NOWHERE
    if depth == 2:
        # /watch/pods/web-0: one object can be watched by its path only.
        return ("watch",) if info.verb == "watch" else _ITEM, resource.verbs
    row = resource.subresource(info.subresource)
    if row is None or (depth > 3 and row.name not in _WITH_PATH) or info.verb == "watch":
        return _NOWHERE
    return row.verbs, row.verbs


_NOWHERE: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())


def _check_name(name: str) -> None:
    """Source: registry/generic/registry/store.go NoNamespaceKeyFunc, endpoints/handlers/namer.go."""
    if not name:
        raise BadRequest("name must be provided")
    if findings := names.path_segment(name):
        raise BadRequest(f"Name parameter invalid: {errors.quote(name)}: {';'.join(findings)}")
