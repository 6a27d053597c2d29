"""Impersonate-User, -Group, -Uid and -Extra-*: act as somebody else, if the authorizer allows each of them.

Source: apiserver pkg/endpoints/filters/impersonation/impersonation.go.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote

from kubepy.api.errors import BadRequest, Unauthorized
from kubepy.apiserver.authn import ALL_AUTHENTICATED, ALL_UNAUTHENTICATED, ANONYMOUS
from kubepy.apiserver.authz import Authorizer, forbidden
from kubepy.apiserver.filters import Filter
from kubepy.apiserver.request import Handler, Request, RequestInfo, Response, User

_EXTRA = "impersonate-extra-"
_AUTHENTICATION = "authentication.k8s.io"


class Target(NamedTuple):
    """One thing the caller wants to be; each is authorized by itself."""

    resource: str  # users, groups, serviceaccounts, userextras, uids
    name: str
    namespace: str = ""
    subresource: str = ""  # the key of a userextra


def impersonation(authorizer: Authorizer) -> Filter:
    def wrap(next_: Handler) -> Handler:
        async def handle(request: Request) -> Response:
            if request.in_process or not (
                request.header("Impersonate-User")
                or request.header("Impersonate-Group")
                or request.header("Impersonate-Uid")
            ):
                return await next_(request)
            request.user = await _impersonated(request, authorizer)
            return await next_(request)

        return handle

    return wrap


async def _impersonated(request: Request, authorizer: Authorizer) -> User:
    requestor = request.user
    if requestor is None:
        raise Unauthorized
    wanted = targets(request)
    for target in wanted:
        info = _attributes(target)
        decision = await authorizer.authorize(requestor, info)
        if not decision.is_allowed:
            raise forbidden(requestor, info, decision.reason)
    request.audit["impersonated-by"] = requestor.name
    return user_of(wanted)


def targets(request: Request) -> list[Target]:
    """What the headers ask for. Raises BadRequest when they name no user."""
    name = request.header("Impersonate-User")
    wanted = []
    if name:
        account = name.split(":")
        if len(account) == 4 and account[:2] == ["system", "serviceaccount"]:
            wanted.append(Target("serviceaccounts", account[3], account[2]))
        else:
            wanted.append(Target("users", name))
    wanted += [Target("groups", group) for group in request.headers("Impersonate-Group")]
    for header in dict.fromkeys(header.lower() for header in request.header_names()):
        if header.startswith(_EXTRA):
            key = unquote(header.removeprefix(_EXTRA))
            wanted += [Target("userextras", value, subresource=key) for value in request.headers(header)]
    if uid := request.header("Impersonate-Uid"):
        wanted.append(Target("uids", uid))
    if not name:
        raise BadRequest(
            f"requested [{' '.join(map(_go, wanted))}] without impersonating a user",
        )
    return wanted


def user_of(wanted: list[Target]) -> User:
    who = wanted[0]
    name = who.name
    groups = [target.name for target in wanted if target.resource == "groups"]
    if who.resource == "serviceaccounts":
        name = f"system:serviceaccount:{who.namespace}:{who.name}"
        groups = groups or ["system:serviceaccounts", f"system:serviceaccounts:{who.namespace}"]
    if name == ANONYMOUS:
        if ALL_UNAUTHENTICATED not in groups:
            groups.append(ALL_UNAUTHENTICATED)
    elif ALL_AUTHENTICATED not in groups and ALL_UNAUTHENTICATED not in groups:
        groups.append(ALL_AUTHENTICATED)
    extra: dict[str, list[str]] = {}
    for target in wanted:
        if target.resource == "userextras":
            extra.setdefault(target.subresource, []).append(target.name)
    uid = next((target.name for target in wanted if target.resource == "uids"), "")
    return User(name, tuple(groups), uid, extra)


def _attributes(target: Target) -> RequestInfo:
    group = _AUTHENTICATION if target.resource in ("userextras", "uids") else ""
    return RequestInfo(
        True, "", "impersonate", "", group, "v1" if group else "", target.resource, target.subresource,
        target.namespace, target.name,
    )  # fmt: skip


_KINDS = {"users": "User", "groups": "Group", "userextras": "UserExtra", "uids": "UID"}


def _go(target: Target) -> str:
    """An ObjectReference as Go's %v prints it: kind, namespace, name, uid, apiVersion, resourceVersion, fieldPath."""
    api_version = f"{_AUTHENTICATION}/v1" if target.resource in ("userextras", "uids") else ""
    return f"{{{_KINDS[target.resource]}  {target.name}  {api_version}  {target.subresource}}}"
