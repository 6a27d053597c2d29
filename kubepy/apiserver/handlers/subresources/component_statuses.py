"""componentstatuses: how the parts of the control plane are, asked at the moment of the question. Never stored.

Source: kubernetes pkg/registry/core/componentstatus/rest.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kubepy.api import errors
from kubepy.api.builtins import COMPONENT_STATUSES
from kubepy.api.objects import Document, Key, Obj, stored
from kubepy.api.resources import Resource
from kubepy.apiserver.handlers import respond
from kubepy.apiserver.registry.options import list_options
from kubepy.apiserver.registry.registry import Listing, Registry
from kubepy.apiserver.registry.selection import select
from kubepy.apiserver.request import Request, Response

# name -> what is wrong with it, None if nothing is: {"scheduler": None}
Components = Callable[[], Mapping[str, str | None]]


class ComponentStatuses:
    def __init__(self, components: Components) -> None:
        self._components = components

    async def get(self, registry: Registry, resource: Resource, request: Request) -> Response:
        components, name = self._components(), request.info.name
        if name not in components:
            raise errors.NotFound(
                f"componentstatus {errors.quote(name)} not found",
                details={"name": name, "kind": "componentstatus"},
            )
        found = _document(registry, name, components[name])
        return respond.document(registry, registry.served(resource), request, found)

    async def list_(self, registry: Registry, resource: Resource, request: Request) -> Response:
        options, served = list_options(request.query), registry.served(resource)
        _, selection = select(served, "", request.info.name, options.label_selector, options.field_selector)
        documents = [_document(registry, name, why) for name, why in sorted(self._components().items())]
        if request.info.name:
            documents = [document for document in documents if document.key.name == request.info.name]
        if selection is not None:
            documents = [document for document in documents if selection.matches(document)]
        return await respond.listing(
            registry, served, request, Listing(documents, registry.revision, "", None)
        )


def _document(registry: Registry, name: str, why: str | None) -> Document:
    condition = {"type": "Healthy", "status": "True" if why is None else "False", "message": "ok"}
    if why is not None:
        condition |= {"message": "", "error": why}
    status: Obj = {
        "apiVersion": COMPONENT_STATUSES.api_version,
        "kind": COMPONENT_STATUSES.kind,
        "metadata": {"name": name},
        "conditions": [condition],
    }
    return Document(Key("", name), stored(status), 0, registry.pool)
