"""POST to a collection. Source: apiserver pkg/endpoints/handlers/create.go."""

from __future__ import annotations

from kubepy.api.resources import Resource
from kubepy.apiserver.handlers import decode, respond, write
from kubepy.apiserver.registry.options import write_options
from kubepy.apiserver.registry.registry import Registry
from kubepy.apiserver.request import Request, Response


async def create(registry: Registry, resource: Resource, request: Request) -> Response:
    options = write_options(request.query, "CreateOptions")
    expected = decode.Expected.of(resource, registry.schemas)
    obj = await decode.body_of(request, expected, options)
    metadata = obj["metadata"]
    write.wipe_system_fields(metadata)
    call = write.call_of(resource, request, options)
    write.ensure_namespace(metadata, call.namespace)
    call.name = metadata.get("name", "")
    if not request.in_process:
        call.given = await request.read_body()
    registry.field_manager(resource).update(None, obj, write.manager_of(request, options))
    created = await registry.create(call, registry.to_hub(resource, obj))
    return respond.document(registry, registry.served(resource), request, created, 201)
