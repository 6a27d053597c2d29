"""GET with watch=1. Source: apiserver pkg/endpoints/handlers/get.go handleWatch, watch.go serveWatchHandler."""

from __future__ import annotations

from kubepy.api.resources import Resource
from kubepy.apiserver.crds import conversion
from kubepy.apiserver.handlers import negotiate, respond
from kubepy.apiserver.registry.feeds import View
from kubepy.apiserver.registry.options import watch_options
from kubepy.apiserver.registry.registry import Registry
from kubepy.apiserver.registry.selection import select
from kubepy.apiserver.registry.views import DocumentView, MetadataView, ObjectView, ProtobufView
from kubepy.apiserver.request import Request, Response, WatchResponse


async def watch(registry: Registry, resource: Resource, request: Request) -> Response:
    info = request.info
    options = watch_options(request.query)
    view, content_type = _view(registry, resource, request)
    # They end by themselves between once and twice that time, so that they spread.
    timeout_s = float(options.timeout_s or 0) or registry.random.jitter(registry.min_request_timeout_s, 1.0)
    served = registry.served(resource)
    namespace = info.namespace if resource.namespaced else ""
    subscription = await registry.watch(
        resource,
        conversion.ChangesView(view) if served.waits else view,
        namespace,
        info.name,
        options,
        deadline=registry.clock.monotonic() + timeout_s,
        in_process=request.in_process,
    )
    if served.waits:
        _, selection = select(served, namespace, info.name, options.label_selector, options.field_selector)
        subscription = conversion.ConvertedSubscription(subscription, view, selection, served, registry.start)
    return WatchResponse(subscription, timeout_s=timeout_s, content_type=content_type, failure=view.failure)


def _view(registry: Registry, resource: Resource, request: Request) -> tuple[View, str]:
    """How the watcher sees objects, and what the stream calls itself."""
    served = registry.served(resource)
    if request.in_process:
        return DocumentView(served, registry.pool), negotiate.JSON
    # stream=watch is how some clients ask for what they get anyway.
    wanted = negotiate.wanted(request, resource)
    if wanted.media_type == negotiate.PROTOBUF:
        return ProtobufView(served, registry.schemas, wanted.version), negotiate.STREAMED[1]
    if wanted.media_type != negotiate.JSON:
        raise negotiate.not_acceptable(negotiate.STREAMED)
    if wanted.kind == negotiate.TABLE:
        return respond.table_view(registry, served, request, wanted), negotiate.JSON
    if wanted.kind:
        return MetadataView(served, wanted.version), negotiate.JSON
    return ObjectView(served), negotiate.JSON
