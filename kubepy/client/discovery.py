"""What a server has of one group version, read from its discovery.

Source: client-go discovery/discovery_client.go, ServerResourcesForGroupVersion.
"""

from __future__ import annotations

from kubepy.api import errors
from kubepy.api.builtins import BUILTINS, OPTIONAL
from kubepy.api.objects import Obj, group_version
from kubepy.api.resources import Resource
from kubepy.client.client import Client

_BUILTIN = {(row.group, row.version, row.plural): row for row in (*BUILTINS, *OPTIONAL)}


async def resources_of(client: Client, api_version: str) -> list[Resource]:
    """Raises errors.NotFound when there is no such group version. A built-in kind is its own row, so that all
    components share one informer of it."""
    group, version = group_version(api_version)
    path = f"/apis/{api_version}" if group else f"/api/{api_version}"
    found = (await client.transport.request("GET", path)).obj
    rows = [row for row in found.get("resources") or () if "/" not in row["name"]]
    return [_BUILTIN.get((group, version, row["name"])) or _resource(group, version, row) for row in rows]


async def resource_of(client: Client, api_version: str, kind: str) -> Resource | None:
    """The one that serves this kind; None when the server has none."""
    try:
        rows = await resources_of(client, api_version)
    except errors.NotFound:
        return None
    return next((row for row in rows if row.kind == kind), None)


def _resource(group: str, version: str, row: Obj) -> Resource:
    return Resource(
        group=group,
        version=version,
        kind=row["kind"],
        plural=row["name"],
        singular=row.get("singularName", ""),
        namespaced=row["namespaced"],
        verbs=tuple(row["verbs"]),
    )
