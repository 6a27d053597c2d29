"""What stages write, whatever the object is that they are of: patches, and other objects.

Source: kwok pkg/utils/lifecycle/apply.go, pkg/kwok/controllers/stage_controller.go.
"""

from __future__ import annotations

from typing import Any

from kubepy.api import errors
from kubepy.api.objects import Obj, uid_of
from kubepy.api.resources import Resource
from kubepy.client.client import APPLY_PATCH, JSON_PATCH, MERGE_PATCH, Client
from kubepy.client.discovery import resource_of
from kubepy.kubelet.gotemplate import TemplateError
from kubepy.kubelet.stages import Apply, Finalizers, Patch

# Who may be impersonated is in these groups, as every user is.
_GROUPS = ("system:authenticated",)


def speaker(client: Client, action: Patch | Apply) -> Client:
    return client.named("kubelet", user=action.user, groups=_GROUPS) if action.user else client


async def patch(
    client: Client, resource: Resource, obj: Obj, action: Patch, view: Obj, functions: dict[str, Any]
) -> Obj:
    """Raises TemplateError. The uid makes it a precondition: never write onto what took the same name."""
    metadata, body = obj["metadata"], action.render(view, functions)
    if action.content_type != JSON_PATCH:
        body = {**body, "metadata": {**(body.get("metadata") or {}), "uid": uid_of(obj)}}
    return await speaker(client, action).patch(
        resource, metadata["name"], body, namespace=metadata.get("namespace", ""), subresource=action.subresource,
        content_type=action.content_type,
    )  # fmt: skip


async def finalize(client: Client, resource: Resource, obj: Obj, action: Finalizers) -> Obj:
    metadata = obj["metadata"]
    names = action.apply(metadata.get("finalizers") or ())
    if names == list(metadata.get("finalizers") or ()):
        return obj
    body = {"metadata": {"uid": uid_of(obj), "finalizers": names}}
    return await client.patch(
        resource, metadata["name"], body, namespace=metadata.get("namespace", ""), content_type=MERGE_PATCH
    )


async def apply(client: Client, obj: Obj, action: Apply, view: Obj, functions: dict[str, Any]) -> None:
    """Create, or patch what is there; of a subresource only patch. A namespaced kind goes to the namespace of `obj` if
    the template names none. Raises TemplateError."""
    made = action.render(view, functions)
    if not isinstance(made, dict) or not made.get("apiVersion") or not made.get("kind"):
        raise TemplateError("template must include apiVersion and kind")
    client = speaker(client, action)
    resource = await resource_of(client, made["apiVersion"], made["kind"])
    if resource is None:
        raise TemplateError(f"no matches for kind {made['kind']} in {made['apiVersion']}")
    metadata = made.setdefault("metadata", {})
    if resource.namespaced:
        metadata.setdefault("namespace", obj["metadata"].get("namespace", ""))
    if not action.subresource:
        try:
            await client.create(resource, made)
            return
        except errors.AlreadyExists:
            pass
    await client.patch(
        resource, metadata["name"], made, namespace=metadata.get("namespace", ""), subresource=action.subresource,
        content_type=action.content_type, force=action.content_type == APPLY_PATCH,
    )  # fmt: skip
