"""What kinds the API server serves, for the controllers that work on all of them.

In one process with the API server it is the catalog; from outside it is read through discovery, group by group. A group
that cannot be read does not hide the others: it is named in `failure`, and whoever deletes things must know that the
list may be incomplete.

Source: client-go discovery/discovery_client.go, ServerPreferredResources, ServerGroupsAndResources.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import NamedTuple

from kubepy.api import errors
from kubepy.api.builtins import version_rank
from kubepy.api.resources import Resource
from kubepy.client.client import Client
from kubepy.client.discovery import resources_of
from kubepy.client.transport import ConnectionLost


class Discovered(NamedTuple):
    """What is served.

    resources: every version of every kind. failure: what could not be read, "" when all could. elsewhere: those of
    `resources` that another server answers for; nobody should wait for it.
    """

    resources: tuple[Resource, ...]
    failure: str = ""
    elsewhere: frozenset[Resource] = frozenset()


class Aggregated(NamedTuple):
    """What other servers serve behind this one. failures: group version -> why it is not known at present."""

    resources: tuple[Resource, ...] = ()
    failures: Mapping[str, str] = {}


Discover = Callable[[], Awaitable[Discovered]]


def of_catalog(
    resources: Callable[[], Iterable[Resource]], aggregated: Callable[[], Aggregated] = Aggregated
) -> Discover:
    """Discovery where the catalog is at hand."""

    async def discover() -> Discovered:
        others = aggregated()
        return Discovered(
            (*resources(), *others.resources), render_failure(others.failures), frozenset(others.resources)
        )

    return discover


def of_server(client: Client) -> Discover:
    """Discovery of any API server: one request for the groups and one for each group version."""

    async def discover() -> Discovered:
        failures: dict[str, str] = {}
        resources: list[Resource] = []
        for name in await _group_versions(client, failures):
            try:
                resources += await resources_of(client, name)
            except (errors.StatusError, ConnectionLost) as error:
                failures[name] = str(error)
        return Discovered(tuple(resources), render_failure(failures))

    return discover


def render_failure(failures: Mapping[str, str]) -> str:
    """Source: discovery_client.go ErrGroupDiscoveryFailed, namespaced_resources_deleter.go."""
    if not failures:
        return ""
    failed = ", ".join(f"{name}: {why}" for name, why in sorted(failures.items()))
    text = f"unable to retrieve the complete list of server APIs: {failed}"
    return f"Discovery failed for some groups, {len(failures)} failing: {text}"


async def _group_versions(client: Client, failures: dict[str, str]) -> list[str]:
    """All that are served."""
    found: list[str] = []
    try:
        core = (await client.transport.request("GET", "/api")).obj
        found = list(core.get("versions") or ())
        groups = (await client.transport.request("GET", "/apis")).obj
    except (errors.StatusError, ConnectionLost) as error:
        failures["apis"] = str(error)
        return found
    return found + [version["groupVersion"] for group in groups["groups"] for version in group["versions"]]


def preferred(resources: Iterable[Resource], *verbs: str) -> list[Resource]:
    """One row for each kind that has all of `verbs`, in its most stable version; aliases of another group's storage are
    left out, for they would show the same objects twice."""
    best: dict[tuple[str, str], Resource] = {}
    for row in resources:
        if row.storage_group is not None or not set(verbs) <= set(row.verbs):
            continue
        known = best.get((row.group, row.plural))
        if known is None or version_rank(row.version) < version_rank(known.version):
            best[row.group, row.plural] = row
    return list(best.values())
