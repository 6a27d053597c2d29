"""The ClusterTrustBundle of kubernetes.io/kube-apiserver-serving: by whom pods know the API server's certificate.

Watches the ClusterTrustBundles of that signer. Writes the one that holds the cluster's CA, its name made of the
content's hash; deletes the signer's others.

Source: kubernetes 1.36 pkg/controller/certificates/clustertrustbundlepublisher/publisher.go.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from msgspec import Struct

from kubepy.api import errors
from kubepy.api.builtins import CLUSTER_TRUST_BUNDLES
from kubepy.api.objects import Document, Key, Obj
from kubepy.client.controller import Controller, ControllerContext

SIGNER = "kubernetes.io/kube-apiserver-serving"
_ONE = Key("", SIGNER)


class Plan(Struct, frozen=True):
    create: Obj | None = None
    update: Obj | None = None
    delete: tuple[str, ...] = ()


def name_of(bundle: str) -> str:
    digest = hashlib.sha256(bundle.encode()).hexdigest()[:24]
    return f"{SIGNER.replace('/', ':')}:{digest}"


def plan(bundle: str, present: Iterable[Obj]) -> Plan:
    name = name_of(bundle)
    others: list[str] = []
    own: Obj | None = None
    for each in present:
        if each["metadata"]["name"] == name:
            own = each
        else:
            others.append(each["metadata"]["name"])
    delete = tuple(others)
    spec = {"signerName": SIGNER, "trustBundle": bundle}
    if own is None:
        made = {
            "apiVersion": CLUSTER_TRUST_BUNDLES.api_version,
            "kind": CLUSTER_TRUST_BUNDLES.kind,
            "metadata": {"name": name},
            "spec": spec,
        }
        return Plan(create=made, delete=delete)
    return Plan(update=own | {"spec": spec} if own["spec"] != spec else None, delete=delete)


class ClusterTrustBundlePublisher(Controller):
    name = "kube-apiserver-serving-clustertrustbundle-publisher-controller"

    def __init__(self, context: ControllerContext, *, root_ca: bytes) -> None:
        super().__init__(context)
        self._bundle = root_ca.decode()

    def setup(self) -> None:
        self.bundles = self.watch(CLUSTER_TRUST_BUNDLES, _one, field_selector=f"spec.signerName={SIGNER}")
        self.queue.add(_ONE)

    async def reconcile(self, key: Key) -> None:
        decided = plan(self._bundle, self.bundles.list())
        if decided.create is not None:
            await self.client.create(CLUSTER_TRUST_BUNDLES, decided.create)
        if decided.update is not None:
            await self.client.update(CLUSTER_TRUST_BUNDLES, decided.update)
        for name in decided.delete:
            try:
                await self.client.delete(CLUSTER_TRUST_BUNDLES, name)
            except errors.NotFound:
                pass


def _one(document: Document, old: Document | None) -> Iterable[Key]:
    return (_ONE,)
