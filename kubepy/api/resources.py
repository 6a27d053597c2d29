"""What a resource is: one frozen row. Built-ins (builtins.py) and custom resources are the same thing."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from msgspec import Struct

from kubepy.api.objects import api_version

if TYPE_CHECKING:
    from kubepy.api.custom import Own

# The order discovery lists them in.
ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


class Subresource(Struct, frozen=True):
    """One subresource row of discovery."""

    name: str  # "status"
    kind: str  # "Deployment", "Scale", "Eviction": what its bodies are
    verbs: tuple[str, ...]  # ("get", "patch", "update")
    group: str = ""  # group and version of `kind` where it is not the resource's own: "autoscaling"
    version: str = ""  # "v1"


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource in one served version.

    A resource with several versions has one row per version; they share `storage` and hence one place in the store.
    """

    group: str  # "apps", "" for core
    version: str  # "v1"
    kind: str  # "Deployment"
    plural: str  # "deployments"
    singular: str  # "deployment"
    namespaced: bool
    verbs: tuple[str, ...] = ALL_VERBS
    short_names: tuple[str, ...] = ()  # ("deploy",)
    categories: tuple[str, ...] = ()  # ("all",)
    subresources: tuple[Subresource, ...] = ()
    storage_version: str = ""  # the version it is stored in, "" = this one
    storage_group: str | None = None  # where another group's row owns the storage: events.k8s.io -> ""
    list_kind: str = ""  # "DeploymentList"
    schema: str = ""  # definition name, "io.k8s.api.apps.v1.Deployment"; "" for custom resources
    hashed_version: str = ""  # what discovery's hash of the stored version says instead of `version`
    custom: bool = False
    own: Own | None = field(default=None, compare=False)  # of rows that are not built in
    api_version: str = field(init=False, repr=False, compare=False)  # "apps/v1"
    # As error texts qualify it: "pods", "deployments.apps".
    group_resource: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Asked a dozen times for each request.
        object.__setattr__(self, "api_version", api_version(self.group, self.version))
        qualified = f"{self.plural}.{self.group}" if self.group else self.plural
        object.__setattr__(self, "group_resource", qualified)

    @property
    def group_kind(self) -> str:
        """As Invalid's text qualifies it: "Pod", "Deployment.apps"."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The URL path: /apis/apps/v1/namespaces/default/deployments/web/status. namespace "": all, or none."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        parts = [root]
        if namespace and self.namespaced:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        parts += [part for part in (name, subresource) if part]
        return "/".join(parts)

    def subresource(self, name: str) -> Subresource | None:
        for row in self.subresources:
            if row.name == name:
                return row
        return None

    def __eq__(self, other: object) -> bool:
        """By all of the row; nearly all that are compared are one, or differ in the first thing that is looked at."""
        if self is other:
            return True
        if not isinstance(other, Resource) or self.group_resource != other.group_resource:
            return False
        return all(getattr(self, name) == getattr(other, name) for name in _COMPARED)

    def __str__(self) -> str:
        return self.group_resource


_COMPARED = tuple(field.name for field in fields(Resource) if field.compare)
