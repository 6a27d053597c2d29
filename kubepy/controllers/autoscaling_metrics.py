"""The metrics that autoscalers ask for, from whoever serves metrics.k8s.io and its custom and external sisters.

Amounts come in thousandths. Raises Unavailable, with upstream's text, when there are none.

Source: kubernetes 1.36 pkg/controller/podautoscaler/metrics/client.go, k8s.io/metrics pkg/client/{custom_metrics,
external_metrics}.
"""

from __future__ import annotations

from collections.abc import Iterable

from kubepy.api import errors, quantity
from kubepy.api.cel.values import parse_duration
from kubepy.api.objects import Obj, group_version
from kubepy.client.client import Client
from kubepy.client.transport import ConnectionLost
from kubepy.controllers.discovery import Discover, preferred
from kubepy.controllers.replica_calculator import PodMetric
from kubepy.lib.clock import parse_rfc3339

_RESOURCE, _CUSTOM = "/apis/metrics.k8s.io/v1beta1", "/apis/custom.metrics.k8s.io"
_EXTERNAL = "/apis/external.metrics.k8s.io/v1beta1"
# Source: metricServerDefaultMetricWindow.
_WINDOW_S = 60.0


class Unavailable(Exception):
    """There are no metrics; the message says why."""


class Metrics:
    def __init__(self, client: Client, discover: Discover) -> None:
        self._client, self._discover = client, discover

    async def of_pods(
        self, resource: str, namespace: str, selector: str, container: str
    ) -> dict[str, PodMetric]:
        """CPU or memory by pod, or of one `container` of each. Source: GetResourceMetric."""
        path = f"{_RESOURCE}/namespaces/{namespace}/pods"
        try:
            page = await self._client.transport.list(path, query={"labelSelector": selector})
        except (errors.StatusError, ConnectionLost) as error:
            raise Unavailable(
                f"unable to fetch metrics from resource metrics API: {_text(error, 'pods.metrics.k8s.io')}"
            )
        found = [document.obj for document in page.documents]
        if not found:
            raise Unavailable("no metrics returned from resource metrics API")
        return _by_pod(found, resource, container)

    async def of_pods_custom(
        self, metric: str, namespace: str, selector: str, metric_selector: str
    ) -> dict[str, PodMetric]:
        """Source: GetRawMetric."""
        path = f"/namespaces/{namespace}/pods/*/{metric}"
        found = await self._custom(path, metric, selector, metric_selector)
        if not found:
            raise Unavailable("no metrics returned from custom metrics API")
        return {
            each["describedObject"]["name"]: PodMetric(
                quantity.milli(each["value"]), parse_rfc3339(each["timestamp"]), _custom_window(each)
            )
            for each in found
        }

    async def of_object(self, metric: str, namespace: str, reference: Obj, metric_selector: str) -> int:
        """Source: GetObjectMetric."""
        group, _ = group_version(reference.get("apiVersion") or "")
        kind, name = reference["kind"], reference["name"]
        if kind == "Namespace" and not group:
            path = f"/namespaces/{namespace}/metrics/{metric}"
        else:
            path = f"/namespaces/{namespace}/{await self._group_resource(group, kind)}/{name}/{metric}"
        found = await self._custom(path, metric, "", metric_selector)
        if len(found) != 1:
            text = (
                f"the custom metrics API server returned {len(found)} results when we asked for exactly one"
            )
            raise Unavailable(f"unable to fetch metrics from custom metrics API: {text}")
        return quantity.milli(found[0]["value"])

    async def external(self, metric: str, namespace: str, selector: str) -> list[int]:
        """Source: GetExternalMetric."""
        path = f"{_EXTERNAL}/namespaces/{namespace}/{metric}"
        try:
            page = await self._client.transport.list(path, query={"labelSelector": selector})
        except (errors.StatusError, ConnectionLost) as error:
            text = _text(error, f"{metric}.external.metrics.k8s.io")
            raise Unavailable(f"unable to fetch metrics from external metrics API: {text}")
        values = [quantity.milli(document.obj["value"]) for document in page.documents]
        if not values:
            raise Unavailable("no metrics returned from external metrics API")
        return values

    async def _custom(self, path: str, metric: str, selector: str, metric_selector: str) -> list[Obj]:
        query = {
            name: value
            for name, value in (("labelSelector", selector), ("metricLabelSelector", metric_selector))
            if value
        }
        try:
            version = await self._custom_version()
            reply = await self._client.transport.request("GET", f"{_CUSTOM}/{version}{path}", query=query)
        except (errors.StatusError, ConnectionLost) as error:
            text = _text(error, f"{metric}.custom.metrics.k8s.io")
            raise Unavailable(f"unable to fetch metrics from custom metrics API: {text}")
        return reply.obj.get("items") or []

    async def _custom_version(self) -> str:
        try:
            group = (await self._client.transport.request("GET", _CUSTOM)).obj
        except errors.NotFound:
            text = "no custom metrics API (custom.metrics.k8s.io) registered"
            raise Unavailable(f"unable to fetch metrics from custom metrics API: {text}")
        version: str = group["preferredVersion"]["version"]
        return version

    async def _group_resource(self, group: str, kind: str) -> str:
        for row in preferred((await self._discover()).resources):
            if (row.group, row.kind) == (group, kind):
                return row.group_resource
        named = f"{kind}.{group}" if group else kind
        text = f"no matches for kind {errors.quote(kind)} in group {errors.quote(group)}"
        text = f"unable to map kind {named} to resource: {text}"
        raise Unavailable(f"unable to fetch metrics from custom metrics API: {text}")


def _by_pod(found: Iterable[Obj], resource: str, container: str) -> dict[str, PodMetric]:
    """Source: getPodMetrics, getContainerMetrics."""
    metrics: dict[str, PodMetric] = {}
    for each in found:
        amounts = [
            one["usage"].get(resource)
            for one in each.get("containers") or ()
            if container in ("", one["name"])
        ]
        if amounts and None not in amounts:
            value = sum(quantity.milli(amount) for amount in amounts)
            window_s = parse_duration(each["window"]).ns / 1e9
            metrics[each["metadata"]["name"]] = PodMetric(value, parse_rfc3339(each["timestamp"]), window_s)
    return metrics


def _custom_window(value: Obj) -> float:
    # v1beta1 calls it window.
    seconds = value.get("windowSeconds", value.get("window"))
    return _WINDOW_S if seconds is None else float(seconds)


def _text(error: Exception, what: str) -> str:
    """As client-go words it when nobody serves the group, or who does is away: no Status comes then."""
    if isinstance(error, errors.StatusError) and not error.details:
        if isinstance(error, errors.NotFound):
            return f"the server could not find the requested resource (get {what})"
        if isinstance(error, errors.ServiceUnavailable):
            return f"the server is currently unable to handle the request (get {what})"
    return str(error)
