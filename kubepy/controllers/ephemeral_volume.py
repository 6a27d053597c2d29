"""Generic ephemeral volumes: the claim of each `ephemeral` volume of a pod is made from its template; the pod owns it.

Watches Pods and claims. Creates claims; that they go with the pod is the garbage collector's work.

Source: kubernetes 1.36 pkg/controller/volume/ephemeral/controller.go.
"""

from __future__ import annotations

from collections.abc import Iterable

from kubepy.api import errors, objects, volumes
from kubepy.api.builtins import PERSISTENT_VOLUME_CLAIMS, PODS
from kubepy.api.objects import Document, Key, Obj
from kubepy.client.controller import After, Controller
from kubepy.client.events import WARNING
from kubepy.controllers.persistent_volume_binder import POD_CLAIMS


class NotOurs(Exception):
    """The claim's name is taken."""


def render_claim(pod: Obj, volume: Obj) -> Obj:
    template = volume["ephemeral"]["volumeClaimTemplate"]
    metadata: Obj = {
        "name": volumes.claim_name(pod, volume),
        "namespace": pod["metadata"]["namespace"],
        "ownerReferences": [objects.owner_reference(pod)],
    }
    given = template.get("metadata") or {}
    metadata |= {field: given[field] for field in ("labels", "annotations") if given.get(field)}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata,
        "spec": template["spec"],
    }


class EphemeralVolumeController(Controller):
    name = "ephemeral-volume-controller"
    workers = 5

    def setup(self) -> None:
        self.pods = self.watch(PODS, _with_ephemeral, indexes={POD_CLAIMS: volumes.claim_keys_of_pod})
        self.claims = self.watch(PERSISTENT_VOLUME_CLAIMS)
        self.claims.add_handler(on_delete=self._claim_gone)

    def _claim_gone(self, document: Document) -> None:
        for pod in self.pods.by_index(POD_CLAIMS, str(document.key)):
            if _has_ephemeral(pod):
                self.queue.add(objects.key_of(pod))

    async def reconcile(self, key: Key) -> After | None:
        pod = self.pods.get(key)
        if pod is None or objects.is_deleting(pod):
            return None
        for volume in pod["spec"].get("volumes") or ():
            if volume.get("ephemeral") is None:
                continue
            try:
                await self._ensure(pod, volume)
            except (errors.StatusError, NotOurs) as error:
                message = f"ephemeral volume {volume['name']}: {error}"
                self.events.event(pod, WARNING, "FailedBinding", message)
                raise
        return None

    async def _ensure(self, pod: Obj, volume: Obj) -> None:
        claim = self.claims.get(Key(pod["metadata"]["namespace"], volumes.claim_name(pod, volume)))
        if claim is None:
            await self.client.create(PERSISTENT_VOLUME_CLAIMS, render_claim(pod, volume))
        elif not volumes.is_claim_for_pod(pod, claim):
            raise NotOurs(volumes.not_for_pod(pod, claim))


def _has_ephemeral(pod: Obj) -> bool:
    return any(volume.get("ephemeral") is not None for volume in pod["spec"].get("volumes") or ())


@objects.about("spec")
def _with_ephemeral(document: Document, old: Document | None) -> Iterable[Key]:
    return (document.key,) if _has_ephemeral(document.obj) else ()
