"""Verbs on resources, over any Transport.

    pod = await client.get(PODS, "web-0", "default")
    await client.patch(PODS, "web-0", {"metadata": {"labels": {"a": "b"}}}, namespace="default")

Objects that come back are shared and read-only (see api.objects). Errors are api.errors.StatusError subclasses.
Every write carries `field_manager` (this client's name).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.client.transport import Page, Reply, Transport, WatchEvent

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


class Client:
    """One identity's view of a cluster. Cheap; make one per component."""

    def __init__(self, transport: Transport, *, field_manager: str) -> None:
        self.transport = transport
        self.field_manager = field_manager

    def named(self, field_manager: str, *, user: str = "", groups: Sequence[str] = ()) -> Client:
        """A client for another component on the same transport, under its own identity if `user` is given."""
        transport = self.transport.with_identity(user, groups) if user else self.transport
        return Client(transport, field_manager=field_manager)

    async def get(self, resource: Resource, name: str, namespace: str = "", *, subresource: str = "") -> Obj:
        return (await self.transport.request("GET", resource.path(namespace, name, subresource))).obj

    async def list(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 0,
        continue_token: str = "",
        resource_version: str = "",
    ) -> Page:
        """One page; limit 0 = everything in one answer."""
        query = _query(
            labelSelector=label_selector, fieldSelector=field_selector, limit=str(limit or ""),
            resourceVersion=resource_version,
        ) | ({"continue": continue_token} if continue_token else {})  # fmt: skip
        return await self.transport.list(resource.path(namespace), query=query)

    def watch(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        resource_version: str = "",
        label_selector: str = "",
        field_selector: str = "",
        send_initial_events: bool = False,
        bookmarks: bool = True,
        timeout_s: int = 0,
    ) -> AsyncGenerator[Sequence[WatchEvent], None]:
        """Batches of events. With send_initial_events the present state comes first as ADDED, closed by a BOOKMARK
        annotated k8s.io/initial-events-end."""
        query = _query(
            watch="1", labelSelector=label_selector, fieldSelector=field_selector, resourceVersion=resource_version,
            allowWatchBookmarks="true" if bookmarks else "", timeoutSeconds=str(timeout_s or ""),
        )  # fmt: skip
        if send_initial_events:
            query |= {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
        return self.transport.watch(resource.path(namespace), query=query)

    async def create(
        self, resource: Resource, obj: Obj, *, namespace: str = "", subresource: str = "", name: str = ""
    ) -> Obj:
        """POST; namespace defaults to the object's. With `name` and `subresource`: pods/web-0/binding and the like."""
        metadata = obj.get("metadata") or {}
        path = resource.path(namespace or metadata.get("namespace", ""), name, subresource)
        return (await self.write("POST", path, obj)).obj

    async def update(self, resource: Resource, obj: Obj, *, subresource: str = "") -> Obj:
        """PUT; obj.metadata.resourceVersion, if there, is the precondition (errors.Conflict)."""
        metadata = obj["metadata"]
        path = resource.path(metadata.get("namespace", ""), metadata["name"], subresource)
        return (await self.write("PUT", path, obj)).obj

    async def patch(
        self,
        resource: Resource,
        name: str,
        patch: Any,
        *,
        namespace: str = "",
        subresource: str = "",
        content_type: str = STRATEGIC_MERGE_PATCH,
        force: bool = False,
    ) -> Obj:
        path = resource.path(namespace, name, subresource)
        query = {"force": "true"} if force else {}
        return (await self.write("PATCH", path, patch, content_type=content_type, query=query)).obj

    async def delete(
        self,
        resource: Resource,
        name: str,
        namespace: str = "",
        *,
        uid: str = "",
        resource_version: str = "",
        propagation: str = "",
        grace_period_s: int | None = None,
    ) -> Obj:
        """propagation: Background, Foreground, Orphan or "" for the kind's default. uid and resource_version are
        preconditions (errors.Conflict)."""
        options: Obj = {"kind": "DeleteOptions", "apiVersion": "v1"}
        preconditions = {k: v for k, v in (("uid", uid), ("resourceVersion", resource_version)) if v}
        if preconditions:
            options["preconditions"] = preconditions
        if propagation:
            options["propagationPolicy"] = propagation
        if grace_period_s is not None:
            options["gracePeriodSeconds"] = grace_period_s
        return (await self.transport.request("DELETE", resource.path(namespace, name), body=options)).obj

    async def delete_collection(
        self, resource: Resource, namespace: str = "", *, label_selector: str = "", propagation: str = ""
    ) -> None:
        options: Obj = {"kind": "DeleteOptions", "apiVersion": "v1"}
        if propagation:
            options["propagationPolicy"] = propagation
        query = _query(labelSelector=label_selector)
        await self.transport.request("DELETE", resource.path(namespace), query=query, body=options)

    async def write(
        self,
        method: str,
        path: str,
        body: Any,
        *,
        content_type: str = "application/json",
        query: Obj | None = None,
    ) -> Reply:
        """What `create`, `update` and `patch` do, for who need not know what has become of the object."""
        query = {"fieldManager": self.field_manager, **(query or {})}
        return await self.transport.request(method, path, query=query, body=body, content_type=content_type)


def _query(**parameters: str) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if value}
