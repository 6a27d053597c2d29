"""The EndpointSlices that one controller manages: found by their Service, written, and waited for.

Slices have generated names: one that the cache does not show yet would be made again. So what was created is expected,
and until it has been seen nothing is decided about that Service.

Source: kubernetes 1.36 staging/src/k8s.io/endpointslice/reconciler.go, pkg/controller/endpointslice/
endpointslice_controller.go (onEndpointSliceAdd and its neighbours), pkg/controller/endpointslicemirroring.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubepy.api import errors, objects
from kubepy.api.builtins import ENDPOINT_SLICES
from kubepy.api.objects import Document, Key, Obj
from kubepy.client.controller import Controller
from kubepy.client.expectations import Expectations
from kubepy.controllers import ownership

SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"


class OwnedSlices:
    """manager: the value of their label; mend_s: how long what others change of them waits."""

    def __init__(self, controller: Controller, manager: str, *, mend_s: float = 0.0) -> None:
        self._controller, self._manager, self._mend_s = controller, manager, mend_s
        self._expectations = Expectations(controller.clock)
        self._index = f"by_service_of_{manager}"

    def watch(self) -> None:
        """Part of the controller's setup."""
        self._slices = self._controller.watch(ENDPOINT_SLICES, indexes={self._index: self._service_of})
        self._slices.add_handler(on_add=self._added, on_update=self._updated, on_delete=self._changed)

    def of(self, key: Key) -> list[Obj]:
        """Of the Service `key`, without those that are being deleted."""
        found = self._slices.by_index(self._index, str(key))
        return [each for each in found if not objects.is_deleting(each)]

    def is_settled(self, key: Key) -> bool:
        """Everything that was created has been seen."""
        return self._expectations.satisfied(key)

    def forget(self, key: Key) -> None:
        self._expectations.forget(key)

    async def write(
        self, key: Key, *, create: Sequence[Obj] = (), update: Sequence[Obj] = (), delete: Sequence[Obj] = ()
    ) -> None:
        client, newest = self._controller.client, 0
        if create:
            self._expectations.expect_creations(key, len(create))
        for at, each in enumerate(create):
            try:
                newest = objects.revision_of(await client.create(ENDPOINT_SLICES, each))
            except Exception as error:
                for _ in create[at:]:
                    self._expectations.creation_observed(key)
                if isinstance(error, errors.StatusError) and ownership.is_namespace_terminating(error):
                    return
                raise
        for each in update:
            newest = objects.revision_of(await client.update(ENDPOINT_SLICES, each))
        for each in delete:
            metadata = each["metadata"]
            try:
                await client.delete(
                    ENDPOINT_SLICES, metadata["name"], metadata["namespace"], uid=metadata["uid"]
                )
            except errors.NotFound:
                pass
        if newest or delete:
            self._controller.log.info(
                "endpoint_slices_written", object=str(key), created=len(create), updated=len(update),
                deleted=len(delete), revision=newest,
            )  # fmt: skip

    def _service_of(self, slice_: Obj) -> list[str]:
        """Index function: "namespace/service"."""
        labels = objects.labels_of(slice_)
        if labels.get(MANAGED_BY) != self._manager or not labels.get(SERVICE_NAME):
            return []
        return [f"{slice_['metadata']['namespace']}/{labels[SERVICE_NAME]}"]

    def _key_of(self, document: Document) -> Key | None:
        if not self._service_of(document.obj):
            return None
        return Key(document.key.namespace, objects.labels_of(document.obj)[SERVICE_NAME])

    def _added(self, document: Document) -> None:
        """What was waited for; perhaps something else has changed meanwhile."""
        if (key := self._key_of(document)) is not None:
            self._expectations.creation_observed(key)
            self._controller.queue.add(key)

    def _updated(self, old: Document, document: Document) -> None:
        """Also when somebody took the label away by which it was ours."""
        if (key := self._key_of(old)) != self._key_of(document) and key is not None:
            self._changed(old)
        self._changed(document)

    def _changed(self, document: Document) -> None:
        """Ours come through here as well; a plan that changes nothing is the answer to those."""
        if (key := self._key_of(document)) is not None:
            self._controller.queue.add_after(key, self._mend_s)
