"""PUT. Source: apiserver pkg/endpoints/handlers/update.go."""

from __future__ import annotations

from kubepy.api.objects import Document, Obj, copy
from kubepy.api.resources import Resource
from kubepy.apiserver.handlers import decode, respond, write
from kubepy.apiserver.registry.options import write_options
from kubepy.apiserver.registry.registry import Registry
from kubepy.apiserver.request import Request, Response


async def update(registry: Registry, resource: Resource, request: Request) -> Response:
    options = write_options(request.query, "UpdateOptions")
    expected = decode.Expected.of(resource, registry.schemas)
    obj = await decode.body_of(request, expected, options)
    call = write.call_of(resource, request, options)
    if not request.in_process:
        call.given = await request.read_body()
    write.ensure_namespace(obj["metadata"], call.namespace)
    write.check_name(obj["metadata"], call.name)
    served = registry.served(resource)
    fields, manager = registry.field_manager(resource, call.subresource), write.manager_of(request, options)
    # With a resourceVersion there is one attempt only, and no copy is needed.
    is_conditional = bool(obj["metadata"].get("resourceVersion"))

    def make(current: Document | None) -> Obj:
        wanted = obj if is_conditional and current is not None else copy(obj)
        fields.update(served.obj(current) if current is not None else None, wanted, manager)
        return registry.to_hub(resource, wanted)

    result, is_created = await registry.update(call, make)
    return respond.document(registry, served, request, result, 201 if is_created else 200)
