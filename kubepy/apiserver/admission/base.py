"""What an admission plugin is, and what it sees.

Plugins run in two passes: `admit` may change the object, `validate` sees it final. A plugin says once, in `wants`,
which writes concern it; the chain asks each only about those. A refusal is an exception, `forbidden(...)` for most.

Source: apiserver pkg/admission/{interfaces,attributes,errors}.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from kubepy.api import errors
from kubepy.api.errors import Forbidden
from kubepy.api.objects import Document, Obj
from kubepy.api.resources import Resource
from kubepy.apiserver.registry.cache import ResourceCache
from kubepy.apiserver.request import User
from kubepy.lib.clock import Clock
from kubepy.lib.random import Random

CREATE, UPDATE, DELETE, CONNECT = "CREATE", "UPDATE", "DELETE", "CONNECT"


@dataclass(slots=True)
class Attributes:
    """One write on its way. `obj` is None for deletes, `old` None for creates; `old` is read-only."""

    operation: str
    resource: Resource  # the stored version's row
    subresource: str
    namespace: str
    name: str  # "" when it is still to be generated
    obj: Obj | None
    old: Obj | None
    user: User
    dry_run: bool
    warnings: list[str]


class Lookup(Protocol):
    """What plugins may ask about the cluster: always the newest state, from memory."""

    async def find(self, resource: Resource, namespace: str, name: str) -> Document | None: ...

    async def all(self, resource: Resource, namespace: str = "") -> list[Document]: ...

    async def loaded(self, resource: Resource) -> ResourceCache:
        """The cache itself, for an index beside it."""

    async def update_status(self, resource: Resource, obj: Obj) -> Document:
        """Write a status as the server itself. Raises Conflict when `obj` is not the newest."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What plugins are made with."""

    lookup: Lookup
    clock: Clock
    random: Random


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


def forbidden(attributes: Attributes, why: str) -> Forbidden:
    """`pods "web-0" is forbidden: ...`. Source: admission/errors.go NewForbidden."""
    name = attributes.name
    if not name and attributes.obj is not None:
        metadata = attributes.obj["metadata"]
        name = metadata.get("name") or metadata.get("generateName", "")
    return errors.forbidden(attributes.resource, name, why)
