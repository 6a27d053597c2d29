"""Impersonate-User, -Group, -Uid and -Extra-*: act as somebody else, if the authorizer allows it.

There are five ways to be allowed, tried in this order; the first that applies and holds counts, and if none does the
first refusal is told:

    associated-node   a service account becomes the node its own token names
    arbitrary-node    any system:node:<name>
    serviceaccount    any service account
    user-info         anybody else, with groups, uid and extra, but never system:masters
    legacy            everything, by the verb `impersonate` alone

The first four ("constrained") demand two things, for instance impersonate:user-info on the user, to become it, and
impersonate-on:user-info:list on pods, to do in its name the very thing that is asked for. Of a requestor it is
remembered which way was open last: it is tried first, and its refusal is the one that is told. What was allowed is
asked anew each time: that is a matter of microseconds.

Source: apiserver pkg/endpoints/filters/impersonation/{constrained_impersonation,mode}.go (KEP-5284).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote

import orjson
from msgspec import Struct, field
from msgspec.structs import replace

from kubepy.api import names
from kubepy.api.errors import BadRequest, Forbidden, Unauthorized
from kubepy.apiserver.authn import ALL_AUTHENTICATED, ALL_UNAUTHENTICATED, ANONYMOUS, MASTERS
from kubepy.apiserver.authz import Authorizer, forbidden
from kubepy.apiserver.filters import Filter
from kubepy.apiserver.request import Handler, Request, RequestInfo, Response, User

_PREFIX, _EXTRA = "impersonate-", "impersonate-extra-"
_NAMED = frozenset({"impersonate-user", "impersonate-group", "impersonate-uid"})
_AUTHENTICATION = "authentication.k8s.io"
_NODE, _NODES = "system:node:", "system:nodes"
_NODE_NAME = "authentication.kubernetes.io/node-name"
_NODE_KEYS = "authentication.kubernetes.io/associated-node-keys"

# Requestors whose last mode is known. Source: cache.go newModeIndexCache.
_REMEMBERED = 10_000
# From so many groups or extra values on, the right to "*" is asked for first.
MANY = 4


class Wanted(Struct, frozen=True):
    """What the headers say."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def is_only_a_name(self) -> bool:
        return not (self.uid or self.groups or self.extra)


def impersonation(authorizer: Authorizer) -> Filter:
    last: OrderedDict[str, str] = OrderedDict()

    def wrap(next_: Handler) -> Handler:
        async def handle(request: Request) -> Response:
            if request.in_process or not any(
                name[:12].lower() == _PREFIX and _is_asking(request, name.lower())
                for name in request.header_names()
            ):
                return await next_(request)
            requestor = request.user
            if requestor is None:
                raise Unauthorized
            wanted = read(request)
            modes = list(modes_of(wanted, requestor))
            if (first := last.get(requestor.name)) in modes:
                modes.sort(key=lambda mode: mode != first)
            request.user, mode = await _impersonated(authorizer, requestor, wanted, request.info, modes)
            remember(requestor.name, mode)
            request.audit["impersonated-by"] = requestor.name
            if mode:
                request.audit["impersonation-constraint"] = _verb(mode)
            return await next_(request)

        return handle

    def remember(name: str, mode: str) -> None:
        last[name] = mode
        last.move_to_end(name)
        if len(last) > _REMEMBERED:
            last.popitem(last=False)

    return wrap


def _is_asking(request: Request, name: str) -> bool:
    """Whether a header wants somebody else, if only a part of them. Source: processImpersonationHeaders."""
    return name.startswith(_EXTRA) or (name in _NAMED and bool(request.header(name)))


def read(request: Request) -> Wanted:
    """Raises BadRequest when the headers name no user. Source: processImpersonationHeaders."""
    extra: dict[str, list[str]] = {}
    for header in dict.fromkeys(header.lower() for header in request.header_names()):
        if header.startswith(_EXTRA):
            extra.setdefault(unquote(header.removeprefix(_EXTRA)), []).extend(request.headers(header))
    wanted = Wanted(
        request.header("Impersonate-User"),
        request.header("Impersonate-Uid"),
        tuple(request.headers("Impersonate-Group")),
        extra,
    )
    if not wanted.name:
        raise BadRequest(f"requested {_go(wanted)} without impersonating a user name")
    return wanted


async def _impersonated(
    authorizer: Authorizer, requestor: User, wanted: Wanted, info: RequestInfo, modes: Iterable[str]
) -> tuple[User, str]:
    """The user to be, and the mode that allowed it. Raises Forbidden."""
    failure: Forbidden | None = None
    for mode in modes:
        asker = _asker(requestor, mode)
        try:
            if mode:
                await _check(authorizer, asker, replace(info, verb=f"impersonate-on:{mode}:{info.verb}"))
            for target in targets(wanted, asker, mode, _verb(mode)):
                await _check_target(authorizer, asker, target)
        except Forbidden as error:
            failure = failure or error
            continue
        return user_of(wanted, is_constrained=bool(mode)), mode
    assert failure is not None, "the legacy mode applies to everybody"
    raise failure


def _verb(mode: str) -> str:
    return f"impersonate:{mode}" if mode else "impersonate"


def modes_of(wanted: Wanted, requestor: User) -> Iterator[str]:
    """Those that apply; "" is the legacy one."""
    node, account = node_of(wanted.name), account_of(wanted.name)
    if wanted.is_only_a_name and node:
        is_its_own = requestor.extra.get(_NODE_NAME) == [node]
        if is_its_own and account_of(requestor.name) is not None:
            yield "associated-node"
        yield "arbitrary-node"
    if wanted.is_only_a_name and account is not None:
        yield "serviceaccount"
    if not node and account is None:
        yield "user-info"
    yield ""


def _asker(requestor: User, mode: str) -> User:
    """Whose right to one's own node it is counts, not which node: the extra shows only what is known of it."""
    if mode != "associated-node":
        return requestor
    return User(requestor.name, requestor.groups, requestor.uid, {_NODE_KEYS: sorted(requestor.extra)})


class Target(Struct, frozen=True):
    """What must be allowed: one of `choices`, the last of which is told of when none is."""

    choices: tuple[tuple[RequestInfo, ...], ...]


def targets(wanted: Wanted, requestor: User, mode: str, verb: str) -> Iterator[Target]:
    """What of the wanted user has to be allowed, each by itself. Raises Forbidden for what nobody may."""
    version = "v1"
    group = _AUTHENTICATION if mode else ""

    def asked(resource: str, name: str, namespace: str = "", subresource: str = "") -> RequestInfo:
        where = group if resource in ("users", "groups", "serviceaccounts", "nodes") else _AUTHENTICATION
        return RequestInfo(True, "", verb, "", where, version, resource, subresource, namespace, name)

    node, account = node_of(wanted.name), account_of(wanted.name)
    if mode and node:
        # The right to one's own node is the same whatever its name.
        yield _one(asked("nodes", "*" if mode == "associated-node" else node))
    elif account is not None:
        yield _one(asked("serviceaccounts", account[1], account[0]))
    else:
        yield _one(asked("users", wanted.name))
    if wanted.uid:
        yield _one(asked("uids", wanted.uid))
    if wanted.groups:
        if mode and (why := _group_fault(wanted.groups)):
            raise forbidden(requestor, asked("groups", MASTERS if MASTERS in why else ""), why)
        each = tuple(asked("groups", name) for name in wanted.groups)
        yield _many(each, asked("groups", "*"), bool(mode))
    if wanted.extra:
        if mode and (why := _extra_fault(wanted.extra)):
            raise forbidden(requestor, asked("userextras", ""), why)
        each = tuple(
            asked("userextras", value, subresource=key)
            for key, values in wanted.extra.items()
            for value in values
        )
        yield _many(each, asked("userextras", "*", subresource="*"), bool(mode))


def _one(info: RequestInfo) -> Target:
    return Target(((info,),))


def _many(each: tuple[RequestInfo, ...], whole: RequestInfo, is_constrained: bool) -> Target:
    return Target(((whole,), each)) if is_constrained and len(each) >= MANY else Target((each,))


def _group_fault(groups: tuple[str, ...]) -> str:
    if "" in groups:
        return "impersonating the empty string group is not allowed"
    return f"impersonating the {MASTERS} group is not allowed" if MASTERS in groups else ""


def _extra_fault(extra: Mapping[str, list[str]]) -> str:
    """Source: validateExtra."""
    for key, values in extra.items():
        domain, slash, path = key.partition("/")
        if not key:
            return "impersonating the empty string key in extra is not allowed"
        invalid = "impersonating an invalid key in extra is not allowed: extra.key: Invalid value"
        if not (slash and domain and path):
            return f'{invalid}: "{key}": must be a domain-prefixed path (such as "acme.io/foo")'
        if faults := names.dns1123_subdomain(domain):
            return f'{invalid}: "{domain}": {faults[0]}'
        if "" in values:
            return "impersonating the empty string value in extra is not allowed"
    return ""


async def _check_target(authorizer: Authorizer, requestor: User, target: Target) -> None:
    failure: Forbidden | None = None
    for choice in target.choices:
        try:
            for info in choice:
                await _check(authorizer, requestor, info)
        except Forbidden as error:
            failure = error
            continue
        return
    if failure is not None:
        raise failure


async def _check(authorizer: Authorizer, requestor: User, info: RequestInfo) -> None:
    decision = await authorizer.authorize(requestor, info)
    if not decision.is_allowed:
        raise forbidden(requestor, info, decision.reason)


def user_of(wanted: Wanted, *, is_constrained: bool) -> User:
    groups = list(wanted.groups)
    account = account_of(wanted.name)
    if is_constrained and node_of(wanted.name):
        groups = [_NODES]
    elif account is not None and not groups:
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{account[0]}"]
    if wanted.name == ANONYMOUS:
        if ALL_UNAUTHENTICATED not in groups:
            groups.append(ALL_UNAUTHENTICATED)
    elif ALL_AUTHENTICATED not in groups and ALL_UNAUTHENTICATED not in groups:
        groups.append(ALL_AUTHENTICATED)
    return User(
        wanted.name, tuple(groups), wanted.uid, {key: list(values) for key, values in wanted.extra.items()}
    )


def node_of(name: str) -> str:
    """The node that a user name is of, "" if it is of none."""
    node = name.removeprefix(_NODE) if name.startswith(_NODE) else ""
    return node if node and not names.dns1123_subdomain(node) else ""


def account_of(name: str) -> tuple[str, str] | None:
    """(namespace, name) of a service account's user name. Source: serviceaccount.SplitUsername."""
    parts = name.split(":")
    if len(parts) != 4 or parts[:2] != ["system", "serviceaccount"]:
        return None
    namespace, account = parts[2:]
    if names.dns1123_label(namespace) or names.dns1123_subdomain(account):
        return None
    return namespace, account


def _go(wanted: Wanted) -> str:
    """As Go's %#v prints a user.DefaultInfo."""

    def texts(values: list[str] | tuple[str, ...]) -> str:
        return "{" + ", ".join(orjson.dumps(value).decode() for value in values) + "}"

    groups = f"[]string{texts(wanted.groups)}" if wanted.groups else "[]string(nil)"
    extra = "map[string][]string(nil)"
    if wanted.extra:
        pairs = (
            f"{orjson.dumps(key).decode()}:[]string{texts(wanted.extra[key])}" for key in sorted(wanted.extra)
        )
        extra = f"map[string][]string{{{', '.join(pairs)}}}"
    return f'&user.DefaultInfo{{Name:"", UID:{orjson.dumps(wanted.uid).decode()}, Groups:{groups}, Extra:{extra}}}'
