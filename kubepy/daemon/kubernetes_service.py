"""Keeps the Service `kubernetes`, its Endpoints and its EndpointSlice, by which pods find the API server.

Watches these three objects and nothing else. The Service comes back when it is deleted and is otherwise left as people
made it; the endpoints say where this process listens, whatever anybody writes there.

Differs: upstream looks every ten seconds; here a change is answered at once.

Source: kubernetes pkg/controlplane/controller/kubernetesservice/controller.go UpdateKubernetesService.
"""

from __future__ import annotations

from kubepy.api.builtins import ENDPOINT_SLICES, ENDPOINTS, SERVICES
from kubepy.api.objects import Document, Key
from kubepy.client.controller import After, Controller, ControllerContext
from kubepy.daemon import bootstrap
from kubepy.daemon.identity_lease import Address

KEY = Key("default", "kubernetes")


class KubernetesServiceController(Controller):
    name = "kubernetes-service"

    def __init__(self, context: ControllerContext, service_range: str, address: Address) -> None:
        super().__init__(context)
        self._service_range, self._address = service_range, address

    def setup(self) -> None:
        for resource in (SERVICES, ENDPOINTS, ENDPOINT_SLICES):
            selector = f"metadata.name={KEY.name}"
            self.watch(resource, _only_key, namespace=KEY.namespace, field_selector=selector)

    async def reconcile(self, key: Key) -> After | None:
        host, port = self._address.host, self._address.port
        await bootstrap.ensure_kubernetes_service(self.client, self._service_range, host, port)
        return None


def _only_key(document: Document, old: Document | None) -> list[Key]:
    return [KEY]
