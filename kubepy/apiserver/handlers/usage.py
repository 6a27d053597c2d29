"""What nodes and pods use: metrics.k8s.io/v1beta1, and what a kubelet tells behind nodes/<name>/proxy: /stats/summary,
/metrics/resource, /pods and /healthz.

The figures come from a UsageSource, which the daemon hands in when the kubelets are part of this process. Without one
the group is not served, as in a cluster without metrics-server; kubelets elsewhere bring it (daemon/metrics_door.py).

Differs: rates are of this moment, not of the last scrape; a container shows as soon as it runs.

Source: metrics-server pkg/api/{node,pod}.go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import orjson

from kubepy.api import errors, metrics
from kubepy.api.builtins import NODES, PODS
from kubepy.api.metrics import NodeUsage, PodUsage
from kubepy.api.objects import Document, Key, Obj, stored
from kubepy.api.resources import Resource
from kubepy.apiserver.handlers import respond
from kubepy.apiserver.registry.options import ListOptions, list_options
from kubepy.apiserver.registry.registry import Listing, Registry
from kubepy.apiserver.registry.selection import select
from kubepy.apiserver.request import Request, Response, Verbatim

# As the kubelet's /metrics/resource has it.
_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_KUBELET_PORT = "10250"


class UsageSource(Protocol):
    def of_pod(self, pod: Obj) -> PodUsage | None:
        """None if nothing of it runs, or nobody here knows."""

    def of_node(self, node: Obj) -> NodeUsage | None: ...


class UsageMetrics:
    """The verbs of metrics.k8s.io, and a node's statistics. `source` is asked at each request: it comes up later than
    the API server."""

    def __init__(self, source: Callable[[], UsageSource | None]) -> None:
        self._source = source
        self._of_kubelet = {
            "healthz": self.healthz,
            "metrics/resource": self.resource_metrics,
            "pods": self.pods,
            "stats/summary": self.stats_summary,
        }

    def _usages(self) -> UsageSource:
        source = self._source()
        if source is None:
            raise errors.ServiceUnavailable("the server is currently unable to handle the request")
        return source

    # -- metrics.k8s.io --------------------------------------------------------------------------------------------

    async def get(self, registry: Registry, resource: Resource, request: Request) -> Response:
        info = request.info
        of = PODS if resource.namespaced else NODES
        found = await registry.find(of, info.namespace if resource.namespaced else "", info.name)
        document = self._document(registry, resource, found.obj) if found is not None else None
        if document is None:
            name = f"{info.namespace}/{info.name}" if resource.namespaced else info.name
            raise errors.not_found(resource, name)
        return respond.document(registry, registry.served(resource), request, document)

    async def list_(self, registry: Registry, resource: Resource, request: Request) -> Response:
        options, served, info = list_options(request.query), registry.served(resource), request.info
        of = PODS if resource.namespaced else NODES
        asked = ListOptions(label_selector=options.label_selector)
        listing = await registry.list_(of, info.namespace if resource.namespaced else "", "", asked)
        scope, selection = select(served, info.namespace, info.name, "", options.field_selector)
        documents = []
        for each in listing.documents:
            if scope.name not in ("", each.key.name) or scope.namespace not in ("", each.key.namespace):
                continue
            document = self._document(registry, resource, each.peek())
            if document is not None and (selection is None or selection.matches(document)):
                documents.append(document)
        return await respond.listing(registry, served, request, Listing(documents, 0, "", None))

    def _document(self, registry: Registry, resource: Resource, obj: Obj) -> Document | None:
        now = registry.clock.now()
        made: Obj | None = None
        if not resource.namespaced:
            if (node := self._usages().of_node(obj)) is not None:
                made = metrics.node_metrics(obj, node, now)
        elif (pod := self._usages().of_pod(obj)) is not None:
            made = metrics.pod_metrics(obj, pod, now)
        if made is None:
            return None
        key = Key(made["metadata"].get("namespace", ""), made["metadata"]["name"])
        return Document(key, stored(made), 0, registry.pool)

    # -- the kubelet's -----------------------------------------------------------------------------------------------

    async def proxy(self, registry: Registry, resource: Resource, request: Request) -> Response:
        """nodes/<name>/proxy/...: of a kubelet's own server, what can be told without one."""
        name = kubelet_of(request.info.name)
        serve = self._of_kubelet.get("/".join(request.info.parts[3:]))
        if serve is None:
            raise errors.page_not_found()
        return await serve(registry, request, name)

    async def healthz(self, registry: Registry, request: Request, name: str) -> Response:
        await self.of_node(registry, name)
        return Verbatim(200, b"ok", "text/plain; charset=utf-8")

    async def pods(self, registry: Registry, request: Request, name: str) -> Response:
        """GET /pods: those that are bound to the node."""
        await self.of_node(registry, name)
        listing = await registry.list_(PODS, options=ListOptions(field_selector=f"spec.nodeName={name}"))
        items = [{**each.peek()} for each in listing.documents]
        for item in items:
            del item["apiVersion"], item["kind"]
        found = {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items}
        return Verbatim(200, orjson.dumps(found), "application/json")

    async def of_node(self, registry: Registry, name: str) -> tuple[Obj, NodeUsage]:
        """Raises NotFound, ServiceUnavailable."""
        found = await registry.find(NODES, "", name)
        if found is None:
            raise errors.not_found(NODES, name)
        usage = self._usages().of_node(found.obj)
        if usage is None:
            raise errors.ServiceUnavailable(f"nothing is known of what node {name} uses")
        return found.obj, usage

    async def stats_summary(self, registry: Registry, request: Request, name: str) -> Response:
        """GET /stats/summary of one node."""
        node, usage = await self.of_node(registry, name)
        return respond.plain(
            registry, NODES, request, metrics.stats_summary(node, usage, registry.clock.now())
        )

    async def resource_metrics(self, registry: Registry, request: Request, name: str) -> Response:
        """GET /metrics/resource of one node."""
        _, usage = await self.of_node(registry, name)
        text = metrics.resource_metrics(usage, registry.clock.now())
        return Verbatim(200, text.encode(), _TEXT)


def kubelet_of(asked: str) -> str:
    """The node whose kubelet `[scheme:]name[:port]` means. Raises BadRequest, ServiceUnavailable for another port.

    Source: apimachinery pkg/util/net/port_split.go, pkg/registry/core/node/strategy.go ResourceLocation.
    """
    *scheme, name, port = asked.split(":") if ":" in asked else (asked, "")
    if not name or scheme not in ([], [""], ["http"], ["https"]):
        raise errors.BadRequest(f"invalid node request {errors.quote(asked)}")
    if port not in ("", _KUBELET_PORT):
        raise errors.ServiceUnavailable(
            f"error trying to reach service: nothing listens on port {port} of {name}"
        )
    return name
