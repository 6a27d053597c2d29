"""What an admission plugin is, and what it sees.

Plugins run in two passes: `admit` may change the object, `validate` sees it final. A plugin says once, in `wants`,
which writes concern it; the chain asks each only about those. A refusal is an exception, `forbidden(...)` for most.

Source: apiserver pkg/admission/{interfaces,attributes,errors}.go.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, Protocol

from msgspec import Struct, field

from kubepy.api import errors
from kubepy.api.builtins import Catalog
from kubepy.api.errors import Forbidden
from kubepy.api.objects import Document, Obj
from kubepy.api.resources import Resource
from kubepy.api.schema import Schemas
from kubepy.apiserver.authz import NO_OPINION, Decision
from kubepy.apiserver.registry.cache import ResourceCache
from kubepy.apiserver.request import RequestInfo, User
from kubepy.lib.clock import Clock
from kubepy.lib.random import Random
from kubepy.observability.logs import Logger, silent
from kubepy.observability.metrics import Metrics

# Who the server is where it writes for itself.
SERVER = "system:apiserver"

CREATE, UPDATE, DELETE, CONNECT = "CREATE", "UPDATE", "DELETE", "CONNECT"


class Kind(NamedTuple):
    """What a body is: for subresources often another kind than the resource's."""

    group: str
    version: str
    kind: str

    @classmethod
    def of(cls, resource: Resource, subresource: str = "") -> Kind:
        row = resource.subresource(subresource) if subresource else None
        if row is None:
            return cls(resource.group, resource.version, resource.kind)
        return (
            cls(row.group, row.version, row.kind)
            if row.version
            else cls(resource.group, resource.version, row.kind)
        )


class Attributes(Struct):
    """One write on its way. `obj` is None for deletes, `old` None for creates; `old` is read-only.

    Objects are in the hub version (Catalog.hub); versions.py has them in others. A plugin replaces `obj` in place.
    """

    operation: str
    resource: Resource  # the hub version's row
    subresource: str
    namespace: str
    name: str  # "" when it is still to be generated
    obj: Obj | None
    old: Obj | None
    user: User
    dry_run: bool
    warnings: list[str]
    requested: Resource | None = None  # the row of the version that the client speaks; None: the hub's
    options_of: Callable[[], Obj] | None = None
    annotations: dict[str, str] = field(default_factory=dict)  # of the audit event
    is_reinvoked: bool = (
        False  # a mutating plugin is asked a second time: somebody after it changed the object
    )
    wants_reinvocation: bool = False  # a plugin says so: then all mutating plugins are asked once more
    # What plugins remember between the two, by their names.
    memory: dict[str, object] = field(default_factory=dict)
    # Whether the write happened: None, who waited for it left before it was known.
    is_written: bool | None = False
    # Called once the write is over, however it ended: for what holds something for it until then.
    on_end: Callable[[], Awaitable[None]] | None = None

    @property
    def options(self) -> Obj | None:
        """CreateOptions, UpdateOptions or DeleteOptions, made when somebody looks."""
        return self.options_of() if self.options_of is not None else None

    @property
    def served(self) -> Resource:
        """The version that the client speaks."""
        return self.requested or self.resource

    def annotate(self, key: str, value: str) -> None:
        """Into the audit event; who comes first wins. Source: pkg/audit/context.go AddAuditAnnotation."""
        self.annotations.setdefault(key, value)


class Lookup(Protocol):
    """What plugins may ask about the cluster: always the newest state, from memory."""

    async def find(self, resource: Resource, namespace: str, name: str) -> Document | None: ...

    async def all(self, resource: Resource, namespace: str = "") -> list[Document]: ...

    async def loaded(self, resource: Resource) -> ResourceCache:
        """The cache itself, for an index beside it."""

    async def update_status(self, resource: Resource, obj: Obj) -> Document:
        """Write a status as the server itself. Raises Conflict when `obj` is not the newest."""

    async def settled(self) -> None:
        """Return when all writes that the store was given before are decided, and seen in the caches."""

    async def provide(self, resource: Resource, obj: Obj) -> Document:
        """Create an object of the cluster's as the server itself. Raises AlreadyExists."""


# Whether a user may do something.
Ask = Callable[[User, RequestInfo], Awaitable[Decision]]


async def ask_nobody(user: User, info: RequestInfo) -> Decision:
    """For servers without an authorizer."""
    return NO_OPINION


class Tools(Struct, frozen=True):
    """What plugins are made with."""

    lookup: Lookup
    clock: Clock
    random: Random
    catalog: Catalog = field(default_factory=Catalog)
    schemas: Schemas = field(default_factory=Schemas)
    ask: Ask = ask_nobody
    log: Logger = field(default_factory=silent)
    metrics: Metrics = field(default_factory=Metrics)
    configuration: Mapping[str, Obj] = field(
        default_factory=dict
    )  # of plugins by name, as configuration.py read it


class Plugin:
    """Base of all plugins; override `admit`, `validate` or both."""

    name = ""
    mutates = False
    validates = False

    def __init__(self, tools: Tools) -> None:
        self.lookup, self.clock, self.random = tools.lookup, tools.clock, tools.random

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        """Asked once per kind of write; the answer must not change."""
        return True

    async def admit(self, attributes: Attributes) -> None:
        """Look at and change `attributes.obj`."""

    async def validate(self, attributes: Attributes) -> None:
        """Look at it; raise to refuse."""

    async def close(self) -> None:
        """Let go of what it holds open."""


def forbidden(attributes: Attributes, why: str) -> Forbidden:
    """`pods "web-0" is forbidden: ...`. Source: admission/errors.go NewForbidden."""
    name = attributes.name
    if not name and attributes.obj is not None:
        metadata = attributes.obj["metadata"]
        name = metadata.get("name") or metadata.get("generateName", "")
    return errors.forbidden(attributes.resource, name or "Unknown", why)
