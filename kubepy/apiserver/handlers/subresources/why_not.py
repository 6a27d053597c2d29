"""GET /apis/authorization.k8s.io/v1/subjectaccessreviews/ANY/why: kubepy's own, why somebody may do something or not.

    ?user=jane&group=devs&verb=list&resource=deployments.apps&namespace=default       or     ?user=jane&verb=get&path=/x

What a user is given at authentication anyway (system:authenticated, the groups of service accounts and nodes) need not
be said. `resource` is what kubectl would take: plural, singular, short name or kind, with its group where that is in
doubt, and a subresource behind a slash. Upstream does not have it, so discovery does not tell of it. It tells who has
what, so whoever may `get` subjectaccessreviews/why may ask: by default the members of system:masters.
"""

from __future__ import annotations

from kubepy.api.errors import BadRequest
from kubepy.api.resources import Resource
from kubepy.apiserver.authz import Authorizer, why
from kubepy.apiserver.authz.node import GROUP as NODES
from kubepy.apiserver.authz.node import USER_PREFIX as NODE_PREFIX
from kubepy.apiserver.authz.rbac import Rbac
from kubepy.apiserver.filters.impersonation import Wanted, user_of
from kubepy.apiserver.handlers import respond
from kubepy.apiserver.registry.registry import Registry
from kubepy.apiserver.request import Query, Request, RequestInfo, Response, User


class WhyNot:
    def __init__(self, authorizer: Authorizer, policy: Rbac) -> None:
        self._authorizer, self._policy = authorizer, policy

    async def get(self, registry: Registry, resource: Resource, request: Request) -> Response:
        user = asked_user(request.query)
        info = asked_info(registry, request.query)
        decision = await self._authorizer.authorize(user, info)
        answer = why.explain(await self._policy.policy(), user, info, decision)
        answer["asked"] = {"user": user.name, "groups": list(user.groups), "what": described(info)}
        return respond.plain(registry, resource, request, answer)


def asked_user(query: Query) -> User:
    """Raises BadRequest."""
    name = query.get("user")
    if not name:
        raise BadRequest("user is required")
    groups = tuple(query.all("group"))
    if name.startswith(NODE_PREFIX) and not groups:
        groups = (NODES,)
    return user_of(Wanted(name, groups=groups), is_constrained=False)


def asked_info(registry: Registry, query: Query) -> RequestInfo:
    """Raises BadRequest."""
    verb = query.get("verb")
    if not verb:
        raise BadRequest("verb is required")
    if path := query.get("path"):
        return RequestInfo(False, path, verb)
    wanted, _, subresource = query.get("resource").partition("/")
    found = _resource(registry, wanted)
    plural, group = (found.plural, found.group) if found is not None else _split(wanted)
    namespaced = found is None or found.namespaced or plural == "namespaces"
    return RequestInfo(
        True, "", verb, group=group, version=found.version if found is not None else "*", resource=plural,
        subresource=subresource, namespace=query.get("namespace") if namespaced else "", name=query.get("name"),
        field_selector=query.get("fieldSelector"), label_selector=query.get("labelSelector"),
    )  # fmt: skip


def _resource(registry: Registry, wanted: str) -> Resource | None:
    """None for a name that no kind has: rules may be about it nevertheless."""
    name, group = _split(wanted.lower())
    for row in registry.catalog:
        names = (row.plural, row.singular, *row.short_names)
        if name in names and (not group or row.group == group):
            return row
    return None


def _split(wanted: str) -> tuple[str, str]:
    name, _, group = wanted.partition(".")
    return name, group


def described(info: RequestInfo) -> str:
    """ "list pods in namespace default", "get path /metrics"."""
    if not info.is_resource:
        return f"{info.verb} path {info.path}"
    resource = f"{info.resource}.{info.group}" if info.group else info.resource
    if info.subresource:
        resource = f"{resource}/{info.subresource}"
    name = f" {info.name}" if info.name else ""
    place = f"in namespace {info.namespace}" if info.namespace else "in the whole cluster"
    return f"{info.verb} {resource}{name} {place}"
