"""The registry's vocabulary: who asks for what, how the wanted object is computed, what comes back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from msgspec import Struct, field

from kubepy.api.errors import FieldError
from kubepy.api.objects import Document, Obj
from kubepy.api.resources import Resource
from kubepy.apiserver.registry.options import DEFAULT_WRITE, WriteOptions
from kubepy.apiserver.request import User


class Call(Struct):
    """One request's circumstances."""

    resource: Resource  # as served
    namespace: str
    name: str
    user: User
    subresource: str = ""
    options: WriteOptions = DEFAULT_WRITE
    warnings: list[str] = field(default_factory=list)
    request_id: str = ""
    is_advised: bool = False  # somebody reads the warnings: a client outside this process
    is_patch: bool = False
    annotations: dict[str, str] = field(default_factory=dict)  # of the audit event
    # Asked before an update makes what is not there; raises Forbidden.
    may_create: Callable[[], Awaitable[None]] | None = None
    facade: Facade | None = None
    is_admitted: bool = (
        False  # part of a request that admission has seen as what it is: an Eviction, a Binding
    )
    # The body where it is JSON: findings tell an empty list or map from none, which objects here do not.
    given: bytes = b""
    is_of_collection: bool = False  # one of many that are deleted together: admission is not told its name


class Facade(Struct):
    """What admission sees of a write in place of the whole object: a Scale. Who computes the object fills it in."""

    subresource: str
    put: Callable[[Obj, Obj], None]  # into the whole object, what admission made of `obj`
    obj: Obj = field(default_factory=dict)
    old: Obj = field(default_factory=dict)


class Listing(NamedTuple):
    """One page. `remaining` is None when it is not known (selectors) or there is none."""

    documents: list[Document]
    revision: int
    continue_token: str
    remaining: int | None


class Deleted(NamedTuple):
    """The object as it is or was; `is_gone` False: it only carries a deletionTimestamp now."""

    document: Document
    is_gone: bool


class Make(Protocol):
    """Computes the wanted object from the current one (None: there is none; raise NotFound unless that is fine).
    `current` is read-only. May be called several times, and must return an object of the registry's own each time."""

    def __call__(self, current: Document | None) -> Obj: ...


class Guard(Protocol):
    """Looks at writes of some kinds once mutating admission is through; raises to refuse. `old` None: a create."""

    async def __call__(
        self, resource: Resource, namespace: str, name: str, user: User, obj: Obj, old: Obj | None
    ) -> None: ...


class LiveRule(Protocol):
    """A rule of validation that has to ask somebody. Comes after the others and what they found; returns all findings,
    its own among them, in the order in which they are told. `obj` is as it would be written; `old` None: a create."""

    async def __call__(
        self, call: Call, obj: Obj, old: Obj | None, findings: list[FieldError]
    ) -> list[FieldError]: ...
