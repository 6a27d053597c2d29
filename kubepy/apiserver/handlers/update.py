"""PUT. Source: apiserver pkg/endpoints/handlers/update.go."""

from __future__ import annotations

from kubepy.api.objects import Document, Obj, copy
from kubepy.api.resources import Resource
from kubepy.apiserver.handlers import decode, negotiate, respond, write
from kubepy.apiserver.registry.options import write_options
from kubepy.apiserver.registry.registry import Registry
from kubepy.apiserver.request import Request, Response


async def update(registry: Registry, resource: Resource, request: Request) -> Response:
    if not request.in_process:
        negotiate.accepted(request.accept)
    options = write_options(request.query, "UpdateOptions")
    expected = decode.Expected.of(resource, registry.schemas)
    obj = await decode.body_of(request, expected, options)
    call = write.call_of(resource, request, options)
    write.ensure_namespace(obj["metadata"], call.namespace)
    write.check_name(obj["metadata"], call.name)
    wanted = registry.to_storage(resource, obj)
    # With a resourceVersion there is one attempt only, and no copy is needed.
    is_conditional = bool(wanted["metadata"].get("resourceVersion"))

    def make(current: Document | None) -> Obj:
        return wanted if is_conditional and current is not None else copy(wanted)

    result, is_created = await registry.update(call, make)
    return respond.document(registry, registry.served(resource), request, result, 201 if is_created else 200)
