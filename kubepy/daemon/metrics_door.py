"""metrics.k8s.io where the simulated kubelets are a process of their own: `kubepy kubelet --metrics-address HOST:PORT`.

The process serves the group with TLS, under a certificate drawn anew at each start, and says so to the API server: by a
Service of type ExternalName and an APIService, as a metrics-server is made known. Any API server that aggregates then
sends there what `kubectl top` and the autoscaler ask; it has to reach HOST. When the process stops it takes both back.

Nobody else may ask: a caller shows a certificate of the API server's front proxy, as ConfigMap
kube-system/extension-apiserver-authentication describes it, and whom the proxy speaks for was authorized there. Until
an API server says who its proxy is, nothing is served.

Source: metrics-server pkg/api/{node,pod}.go, manifests/base/apiservice.yaml; apiserver
pkg/server/options/authentication.go (the ConfigMap), pkg/authentication/request/headerrequest. Differs: other callers,
which upstream asks the API server about, are not let in.
"""

from __future__ import annotations

import base64
import json
import ssl
import tempfile
from collections.abc import Iterable
from pathlib import Path

import orjson

from kubepy.api import errors, metrics, selectors
from kubepy.api.builtins import API_SERVICES, CONFIG_MAPS, SERVICES
from kubepy.api.metrics import GROUP, VERSION
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.apiserver.aggregation import trust
from kubepy.apiserver.request import Request, RequestIds, Response
from kubepy.apiserver.server import HttpServer
from kubepy.client.client import MERGE_PATCH, Client
from kubepy.client.transport import ConnectionLost
from kubepy.daemon import pki
from kubepy.kubelet.usages import Usages
from kubepy.lib.clock import Clock
from kubepy.observability.logs import Logger

NAME, NAMESPACE = "kubepy-metrics", "kube-system"
# How often an API server that does not say yet who its front proxy is gets asked.
TRUST_RETRY_S = 1.0
_GROUP_VERSION = f"{GROUP}/{VERSION}"
_PROXY_CA = "requestheader-client-ca-file"
_KINDS = {"nodes": "NodeMetrics", "pods": "PodMetrics"}


class MetricsDoor:
    """`host`: as the API server knows this machine; `port`: 0 takes a free one."""

    def __init__(
        self, client: Client, host: str, port: int, *, clock: Clock, ids: RequestIds, log: Logger
    ) -> None:
        self._client, self._host, self._port, self._clock = client, host, port, clock
        self._log = log
        self._usages: Usages | None = None
        self._server = HttpServer(self._handle, clock=clock, ids=ids, log=log)
        self._ca = b""
        self._callers: frozenset[str] = frozenset()  # common names; none: all with such a certificate

    async def open(self, usages: Usages, bind_address: str) -> None:
        """Serve, and say so. Raises OSError when the port is taken."""
        self._usages = usages
        data = await self._trusted()
        self._callers = frozenset(json.loads(data.get("requestheader-allowed-names") or "[]"))
        self._ca, pair = pki.serving_apart(self._clock.now(), f"{NAME}.{NAMESPACE}.svc")
        context = _context(pair, callers=data[_PROXY_CA])
        port = await self._server.start([bind_address], self._port, context)
        for resource, obj in announcement(self._host, port, self._ca):
            await self._say(resource, obj)
        self._log.info("metrics_served", group=_GROUP_VERSION, host=self._host, port=port)

    async def _trusted(self) -> dict[str, str]:
        """Whom the API server wants believed, once it says so."""
        said = False
        while True:
            try:
                data = (await self._client.get(CONFIG_MAPS, trust.KEY.name, trust.KEY.namespace)).get("data")
            except errors.NotFound:
                data = None
            if data and data.get(_PROXY_CA):
                return data
            if not said:
                self._log.warning("front_proxy_awaited", object=str(trust.KEY), missing=_PROXY_CA)
                said = True
            await self._clock.sleep(TRUST_RETRY_S)

    async def _say(self, resource: Resource, obj: Obj) -> None:
        metadata = obj["metadata"]
        try:
            await self._client.create(resource, obj)
        except errors.AlreadyExists:
            await self._client.patch(
                resource, metadata["name"], {"spec": obj["spec"]}, namespace=metadata.get("namespace", ""),
                content_type=MERGE_PATCH,
            )  # fmt: skip

    async def close(self) -> None:
        """Take back what was said, unless another has said something else since."""
        await self._server.close()
        if self._usages is None:
            return
        try:
            said = await self._client.get(API_SERVICES, f"{VERSION}.{GROUP}")
            if said["spec"].get("caBundle") == base64.b64encode(self._ca).decode():
                await self._client.delete(API_SERVICES, f"{VERSION}.{GROUP}")
                await self._client.delete(SERVICES, NAME, NAMESPACE)
        except (errors.StatusError, ConnectionLost):
            pass

    # -- answering ---------------------------------------------------------------------------------------------------

    async def _handle(self, request: Request) -> Response:
        try:
            if not self._is_proxy(request):
                raise errors.Unauthorized
            if request.method != "GET":
                raise errors.method_not_allowed()
            body, code = self._answer(request), 200
        except errors.StatusError as error:
            body, code = error.status(), error.code
        return Response(code, orjson.dumps(body), "application/json")

    def _is_proxy(self, request: Request) -> bool:
        """That the certificate goes back to the proxy's CA was seen to before there was a request."""
        certificate = request.client_certificate
        if certificate is None or certificate.not_after < self._clock.now():
            return False
        return not self._callers or certificate.common_name in self._callers

    def _answer(self, request: Request) -> Obj:
        parts = tuple(request.path.strip("/").split("/"))
        if parts in _DISCOVERY:
            return _DISCOVERY[parts]
        if parts[:3] != ("apis", GROUP, VERSION) or self._usages is None:
            raise errors.page_not_found()
        match parts[3:]:
            case ("nodes", *name):
                found = self._of_nodes(self._usages)
                return _chosen("nodes", found, request, *name)
            case ("namespaces", namespace, "pods", *name):
                return _chosen("pods", self._of_pods(self._usages, namespace), request, *name)
            case ("pods",):
                return _chosen("pods", self._of_pods(self._usages, ""), request)
        raise errors.page_not_found()

    def _of_nodes(self, usages: Usages) -> Iterable[Obj]:
        now = self._clock.now()
        for node in usages.nodes.list():
            if (usage := usages.of_node(node)) is not None:
                yield metrics.node_metrics(node, usage, now)

    def _of_pods(self, usages: Usages, namespace: str) -> Iterable[Obj]:
        now = self._clock.now()
        for pod in usages.pods.list(namespace):
            if (usage := usages.of_pod(pod)) is not None:
                yield metrics.pod_metrics(pod, usage, now)


def _chosen(plural: str, found: Iterable[Obj], request: Request, name: str = "") -> Obj:
    if name:
        for obj in found:
            if obj["metadata"]["name"] == name:
                return obj
        raise errors.NotFound(f'{plural}.{GROUP} "{name}" not found')
    labels = selectors.parse_labels(request.query.get("labelSelector"))
    fields = selectors.parse_fields(request.query.get("fieldSelector"))

    def is_meant(metadata: Obj) -> bool:
        get = {f"metadata.{field}": metadata.get(field, "") for field in ("name", "namespace")}.get
        return labels.matches(metadata.get("labels")) and fields.matches(lambda path: get(path) or "")

    items = [obj for obj in found if is_meant(obj["metadata"])]
    return {
        "kind": f"{_KINDS[plural]}List", "apiVersion": _GROUP_VERSION, "metadata": {}, "items": items,
    }  # fmt: skip


_VERSION_ENTRY = {"groupVersion": _GROUP_VERSION, "version": VERSION}
_GROUP_ENTRY = {"name": GROUP, "versions": [_VERSION_ENTRY], "preferredVersion": _VERSION_ENTRY}
_DISCOVERY: dict[tuple[str, ...], Obj] = {
    ("apis",): {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_GROUP_ENTRY]},
    ("apis", GROUP): {"kind": "APIGroup", "apiVersion": "v1", **_GROUP_ENTRY},
    ("apis", GROUP, VERSION): {
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": _GROUP_VERSION,
        "resources": [
            {"name": plural, "singularName": "", "namespaced": plural == "pods", "kind": kind, "verbs": ["get", "list"]}
            for plural, kind in _KINDS.items()
        ],
    },
}  # fmt: skip


def announcement(host: str, port: int, ca: bytes) -> list[tuple[Resource, Obj]]:
    """What tells an API server where the group is."""
    service = {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {"type": "ExternalName", "externalName": host, "ports": [{"port": port}]},
    }  # fmt: skip
    spec = {
        "group": GROUP, "version": VERSION, "groupPriorityMinimum": 100, "versionPriority": 100,
        "service": {"name": NAME, "namespace": NAMESPACE, "port": port},
        "caBundle": base64.b64encode(ca).decode(),
    }  # fmt: skip
    api_service = {
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": f"{VERSION}.{GROUP}"},
        "spec": spec,
    }  # fmt: skip
    return [(SERVICES, service), (API_SERVICES, api_service)]


def _context(pair: pki.Pair, *, callers: str) -> ssl.SSLContext:
    """`callers`: PEM of the CAs whose certificates they have to show."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=callers)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with tempfile.TemporaryDirectory(prefix="kubepy-") as directory:
        certificate, key = Path(directory) / "tls.crt", Path(directory) / "tls.key"
        certificate.write_bytes(pair.cert)
        pki.write_private(key, pair.key)
        context.load_cert_chain(certificate, key)
    return context
