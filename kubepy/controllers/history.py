"""ControllerRevisions: the templates that an owner had, to tell old pods from new ones and to go back.

A revision holds the template as a patch that puts it back ($patch: replace), which is what `kubectl rollout undo`
applies. The one whose template is the owner's is the current one, however old; it then gets the highest number. Of
twins (adopted ones) the newest is taken. Differs: a DaemonSet upstream deletes the others and relabels their pods.

Source: kubernetes 1.36 pkg/controller/history/controller_history.go, pkg/controller/daemon/update.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from kubepy.api import errors, objects, pods
from kubepy.api.builtins import CONTROLLER_REVISIONS
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.client.client import Client
from kubepy.client.informer import Informer
from kubepy.controllers import ownership

# On pods: which revision they are of.
REVISION_LABEL = "controller-revision-hash"
# Source: ControllerRevisionName: what is left of 253 characters for the hash and the dash.
_PREFIX_MAX = 223


class History(NamedTuple):
    current: Obj
    old: list[Obj]  # the others, the oldest first


class Split(NamedTuple):
    """The revisions of an owner, by whether they hold its template."""

    equal: list[Obj]
    other: list[Obj]  # both: the oldest first


def data_of(owner: Obj) -> Obj:
    """With keys in order, as Go writes maps: clients compare revisions with templates byte by byte."""
    return {"spec": {"template": _in_order(owner["spec"]["template"] | {"$patch": "replace"})}}


def _in_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _in_order(value[key]) for key in sorted(value)}
    return [_in_order(item) for item in value] if isinstance(value, list) else value


def restored(owner: Obj, revision: Obj) -> Obj:
    """The owner as it was then. Source: ApplyRevision, for what data_of makes."""
    template = {k: v for k, v in revision["data"]["spec"]["template"].items() if k != "$patch"}
    return owner | {"spec": owner["spec"] | {"template": template}}


def render(owner: Obj, number: int, hash_label: str) -> Obj:
    template = owner["spec"]["template"]
    collisions = (owner.get("status") or {}).get("collisionCount")
    if owner["kind"] == "StatefulSet":
        # Its status soon says 0, and the name must not change by that. Source: getStatefulSetRevisions.
        collisions = collisions or 0
    suffix = pods.template_hash(template, collisions)
    metadata: Obj = {
        "name": f"{owner['metadata']['name'][:_PREFIX_MAX]}-{suffix}",
        "namespace": owner["metadata"]["namespace"],
        "labels": {**((template.get("metadata") or {}).get("labels") or {}), hash_label: suffix},
        "ownerReferences": [objects.owner_reference(owner)],
    }
    if annotations := objects.annotations_of(owner):
        metadata["annotations"] = annotations
    return {
        "apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": metadata, "data": data_of(owner),
        "revision": number,
    }  # fmt: skip


def split(owner: Obj, revisions: Iterable[Obj]) -> Split:
    wanted = data_of(owner)
    found = Split([], [])
    for revision in sorted(revisions, key=_age):
        (found.equal if revision.get("data") == wanted else found.other).append(revision)
    return found


def _age(revision: Obj) -> tuple[int, str, str]:
    metadata = revision["metadata"]
    return revision.get("revision", 0), metadata.get("creationTimestamp") or "", metadata["name"]


def surplus(old: Sequence[Obj], is_live: Callable[[Obj], bool], limit: int) -> list[Obj]:
    """The oldest revisions beyond `limit`, those aside that pods are of."""
    dead = [revision for revision in old if not is_live(revision)]
    return dead[: max(0, len(old) - limit)]


class Historian:
    """Keeps the revisions of one kind of owner."""

    def __init__(
        self, client: Client, revisions: Informer, owner_resource: Resource, hash_label: str
    ) -> None:
        self._client, self._revisions = client, revisions
        self._owner_resource, self._hash_label = owner_resource, hash_label

    async def of(self, owner: Obj) -> History:
        """Source: constructHistory, getStatefulSetRevisions."""
        claimed = await ownership.claim_dependents(self._client, self._revisions, owner, self._owner_resource)
        found = split(owner, claimed)
        number = max((each.get("revision", 0) for each in found.other), default=0) + 1
        if not found.equal:
            return History(await self._create(owner, number), found.other)
        *twins, current = found.equal
        if current.get("revision", 0) < number:
            current = await self._client.update(CONTROLLER_REVISIONS, current | {"revision": number})
        return History(current, [*twins, *found.other])

    async def _create(self, owner: Obj, number: int) -> Obj:
        wanted = render(owner, number, self._hash_label)
        try:
            return await self._client.create(CONTROLLER_REVISIONS, wanted)
        except errors.AlreadyExists:
            metadata = wanted["metadata"]
            found = await self._client.get(CONTROLLER_REVISIONS, metadata["name"], metadata["namespace"])
            if found.get("data") == wanted["data"] and pods.is_owned_by(found, objects.uid_of(owner)):
                return found
            await self._bump_collisions(owner)
            raise

    async def _bump_collisions(self, owner: Obj) -> None:
        """Another template has that hash: the next try takes another. Refused if this one was decided on old news."""
        status = owner.get("status") or {}
        changed = status | {"collisionCount": (status.get("collisionCount") or 0) + 1}
        await self._client.update(self._owner_resource, owner | {"status": changed}, subresource="status")

    async def forget(self, some: Iterable[Obj]) -> None:
        for revision in some:
            metadata = revision["metadata"]
            try:
                await self._client.delete(
                    CONTROLLER_REVISIONS, metadata["name"], metadata["namespace"], uid=metadata["uid"]
                )
            except errors.NotFound:
                pass
