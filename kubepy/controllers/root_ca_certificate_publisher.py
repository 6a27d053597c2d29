"""Every namespace has the ConfigMap kube-root-ca.crt, by which pods trust the API server.

Watches Namespaces and ConfigMaps of that name. Writes the ConfigMap when it is missing, or when somebody changed its
data or took away the annotation that explains it.

Source: kubernetes 1.36 pkg/controller/certificates/rootcacertpublisher/publisher.go.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from kubepy.api import errors, objects
from kubepy.api.builtins import CONFIG_MAPS, NAMESPACES
from kubepy.api.objects import Document, Key, Obj
from kubepy.client.controller import Controller, ControllerContext
from kubepy.controllers import ownership
from kubepy.controllers.service_account import namespace_of

NAME = "kube-root-ca.crt"
DESCRIPTION_ANNOTATION = "kubernetes.io/description"
DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes "
    "clusters."
)


class Plan(Struct, frozen=True):
    """At most one of the two: the whole object to write."""

    create: Obj | None = None
    update: Obj | None = None


def plan(namespace: str, published: Obj | None, root_ca: str) -> Plan:
    data = {"ca.crt": root_ca}
    annotations = {DESCRIPTION_ANNOTATION: DESCRIPTION}
    if published is None:
        metadata = {"name": NAME, "namespace": namespace, "annotations": annotations}
        return Plan(create={"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    present = objects.annotations_of(published)
    if published.get("data") == data and present.get(DESCRIPTION_ANNOTATION):
        return Plan()
    metadata = published["metadata"] | {"annotations": present | annotations}
    return Plan(update=published | {"metadata": metadata, "data": data})


class RootCACertificatePublisher(Controller):
    """`root_ca` is the PEM bundle of the API server's certificate authority."""

    name = "root-ca-certificate-publisher-controller"

    def __init__(self, context: ControllerContext, *, root_ca: bytes) -> None:
        super().__init__(context)
        self._root_ca = root_ca.decode()

    def setup(self) -> None:
        self.namespaces = self.watch(NAMESPACES, _active_namespace)
        # The field selector keeps every other ConfigMap of the cluster out of this process's memory.
        self.published = self.watch(CONFIG_MAPS, field_selector=f"metadata.name={NAME}")
        self.published.add_handler(
            on_update=lambda old, document: self.queue.add(namespace_of(document)),
            on_delete=lambda document: self.queue.add(namespace_of(document)),
        )

    async def reconcile(self, key: Key) -> None:
        if self.namespaces.get(key) is None:
            return
        decided = plan(key.name, self.published.get(Key(key.name, NAME)), self._root_ca)
        if decided.update is not None:
            await self.client.update(CONFIG_MAPS, decided.update)
        if decided.create is not None:
            await self._create(decided.create)

    async def _create(self, config_map: Obj) -> None:
        try:
            await self.client.create(CONFIG_MAPS, config_map)
        except errors.NotFound:
            pass  # so is the namespace
        except errors.StatusError as error:
            if not ownership.is_namespace_terminating(error):
                raise


def _active_namespace(document: Document, old: Document | None) -> Iterable[Key]:
    """New namespaces whatever their phase, changed ones only while they are active."""
    if old is not None and objects.walk(document.obj, "status", "phase") != "Active":
        return ()
    return (document.key,)
