"""VolumeBinding: a pod goes where its claims' volumes are, or can be; before it is bound, they are.

Reserve promises volumes to the pod, PreBind writes that down (a claimRef, or the annotation selected-node for whoever
makes the volume) and waits until the binder has finished, at most ten minutes.

A pod without claims is skipped. Of nodes that have what is claimed, the one is best of whose storage the least is used.

Source: pkg/scheduler/framework/plugins/volumebinding/{volume_binding,binder,scorer}.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from msgspec import Struct, field

from kubepy.api import objects, volumes
from kubepy.api.builtins import (
    CSI_DRIVERS,
    CSI_STORAGE_CAPACITIES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    PODS,
    STORAGE_CLASSES,
)
from kubepy.api.errors import StatusError
from kubepy.api.objects import Document, Key, Obj, annotations_of, walk
from kubepy.client.transport import ConnectionLost
from kubepy.scheduler import scoring
from kubepy.scheduler.args import VolumeBindingArgs
from kubepy.scheduler.framework import Action, ClusterEvent, Code, CycleState, Hint, Interest, Status
from kubepy.scheduler.node_info import NodeInfo, PodInfo
from kubepy.scheduler.toolbox import Toolbox
from kubepy.scheduler.volume_binder import (
    Assumed,
    Broken,
    PodClaims,
    PodVolumes,
    Storage,
    find,
    volume_limit,
)

UNBOUND_IMMEDIATE = "pod has unbound immediate PersistentVolumeClaims"
# Volumes and nodes change too, unnoticed by who waits for a claim.
_LOOK_S = 1.0
_BY_CLAIM, _FREE, _CLASS = "claim", "free_of_class", "class"


class _State(Struct):
    claims: PodClaims
    by_node: dict[str, PodVolumes] = field(default_factory=dict)
    assumed: PodVolumes | None = None


class VolumeBinding:
    name = "VolumeBinding"

    def __init__(self, tools: Toolbox) -> None:
        informer = tools.informers.informer
        self._args = tools.arguments(VolumeBindingArgs)
        self._score = scoring.by_use(self._args.shape)
        self._client, self._clock, self._cache = tools.client, tools.clock, tools.cache
        self._pods = informer(PODS)
        volumes_, claims = informer(PERSISTENT_VOLUMES), informer(PERSISTENT_VOLUME_CLAIMS)
        volumes_.add_index(_BY_CLAIM, volumes.claim_keys_of_volume)
        volumes_.add_index(_FREE, volumes.class_if_free)
        self._volumes, self._claims = Assumed(volumes_), Assumed(claims)
        self._classes = informer(STORAGE_CLASSES)
        drivers, capacities = informer(CSI_DRIVERS), informer(CSI_STORAGE_CAPACITIES)
        capacities.add_index(_CLASS, _class_of_capacity)
        self._storage = Storage(
            storage_class=lambda name: self._classes.get(Key("", name)),
            driver=lambda name: drivers.get(Key("", name)),
            capacities=lambda name: capacities.by_index(_CLASS, name),
        )
        self._statuses: dict[tuple[str, ...], Status] = {}
        self._waiting: dict[Key, set[asyncio.Event]] = {}  # claim -> bindings that wait for it
        claims.add_handler(on_update=lambda old, new: self._wake(new), on_delete=self._wake)
        self._pods.add_handler(on_delete=self._pod_gone)

    # -- decision

    def pre_filter(self, state: CycleState, pod: PodInfo) -> Status | None:
        used = pod.note(self.name, claims_of)
        if not used:
            return _SKIP
        namespace = pod.key.namespace
        looked_up: list[tuple[Key, Obj]] = []
        for name, is_ephemeral in used:
            claim = self._claims.get(Key(namespace, name))
            if why := unusable(pod.obj, name, claim, is_ephemeral=is_ephemeral):
                return self._reject(why)
            assert claim is not None, "a missing one is unusable"
            looked_up.append((Key(namespace, name), claim))
        claims = PodClaims()
        for key, claim in looked_up:
            if volumes.is_fully_bound(claim):
                volume = self._volumes.get(Key("", claim["spec"]["volumeName"]))
                claims.bound.append((claim, volume))
            elif claim["spec"].get("volumeName") or not self._is_delayed(claim):
                return self._reject(UNBOUND_IMMEDIATE)
            else:
                claims.delayed.append(claim)
                claims.candidates[key.name] = [
                    *self._volumes.by_index(_BY_CLAIM, str(key)),
                    *self._volumes.by_index(_FREE, volumes.class_of_claim(claim)),
                ]
        state[self.name] = _State(claims)
        return None

    def _is_delayed(self, claim: Obj) -> bool:
        name = volumes.class_of_claim(claim)
        return bool(name) and volumes.waits_for_consumer(self._classes.get(Key("", name)))

    def _reject(self, *reasons: str) -> Status:
        status = self._statuses.get(reasons)
        if status is None:
            status = self._statuses[reasons] = Status(
                Code.UNSCHEDULABLE_AND_UNRESOLVABLE, *reasons, plugin=self.name
            )
            while len(self._statuses) > _STATUSES_MAX:
                del self._statuses[next(iter(self._statuses))]
        return status

    def filter_nodes(
        self, state: CycleState, pod: PodInfo, nodes: Sequence[NodeInfo]
    ) -> Sequence[Status | None]:
        known: _State = state[self.name]
        return [self._filter(known, node) for node in nodes]

    def _filter(self, state: _State, node: NodeInfo) -> Status | None:
        try:
            found = find(state.claims, node.name, node.labels, self._storage)
        except Broken as error:
            return Status(Code.ERROR, str(error), plugin=self.name)
        if isinstance(found, list):
            return self._reject(*found)
        state.by_node[node.name] = found
        return None

    # -- scoring

    def pre_score(self, state: CycleState, pod: PodInfo, nodes: Sequence[NodeInfo]) -> Status | None:
        known: _State | None = state.get(self.name)
        return None if known is not None and known.claims.delayed else _SKIP

    def score_nodes(self, state: CycleState, pod: PodInfo, nodes: Sequence[NodeInfo]) -> list[int]:
        known: _State = state[self.name]
        return [self._score(found.uses()) if (found := known.by_node.get(n.name)) else 0 for n in nodes]

    # -- reserve

    def reserve(self, state: CycleState, pod: PodInfo, node: str) -> Status | None:
        """Source: AssumePodVolumes."""
        known: _State | None = state.get(self.name)
        found = known.by_node.get(node) if known is not None else None
        if known is None or found is None:
            return None
        assumed = known.assumed = PodVolumes()
        try:
            for volume, claim in found.bindings:
                bound = volumes.bind_volume(volume, claim)
                if bound is not None:
                    self._volumes.assume(bound)
                assumed.bindings.append((bound or volume, claim))
            for claim in found.provisions:
                chosen = volumes.annotated(claim, {volumes.SELECTED_NODE: node})
                self._claims.assume(chosen)
                assumed.provisions.append(chosen)
        except Broken as error:
            self.unreserve(state, pod, node)
            return Status(Code.ERROR, str(error), plugin=self.name)
        return None

    def unreserve(self, state: CycleState, pod: PodInfo, node: str) -> None:
        known: _State | None = state.get(self.name)
        if known is None or known.assumed is None:
            return
        for volume, _ in known.assumed.bindings:
            self._volumes.restore(objects.key_of(volume))
        for claim in known.assumed.provisions:
            self._claims.restore(objects.key_of(claim))
        known.assumed = None

    # -- binding

    async def pre_bind(self, state: CycleState, pod: PodInfo, node: str) -> Status | None:
        known: _State | None = state.get(self.name)
        assumed = known.assumed if known is not None else None
        if assumed is None or not (assumed.bindings or assumed.provisions):
            return None
        try:
            await self._write(assumed)
            await self._wait_bound(assumed, pod, node)
        except (StatusError, ConnectionLost) as error:
            return Status(Code.ERROR, str(error), plugin=self.name)
        except Broken as error:
            return Status(Code.ERROR, f"binding volumes: {error}", plugin=self.name)
        except TimeoutError:
            return Status(Code.ERROR, "binding volumes: context deadline exceeded", plugin=self.name)
        return None

    async def _write(self, assumed: PodVolumes) -> None:
        """Source: bindAPIUpdate."""
        for index, (volume, claim) in enumerate(assumed.bindings):
            written = await self._client.update(PERSISTENT_VOLUMES, volume)
            assumed.bindings[index] = written, claim
        for index, claim in enumerate(assumed.provisions):
            assumed.provisions[index] = await self._client.update(PERSISTENT_VOLUME_CLAIMS, claim)

    async def _wait_bound(self, assumed: PodVolumes, pod: PodInfo, node: str) -> None:
        """Source: BindPodVolumes; it looks every second, this one also as soon as a claim has changed."""
        keys = [objects.key_of(claim) for _, claim in assumed.bindings]
        keys += [objects.key_of(claim) for claim in assumed.provisions]
        changed = asyncio.Event()
        for key in keys:
            self._waiting.setdefault(key, set()).add(changed)
        try:
            async with self._clock.timeout(self._args.bind_timeout_s):
                while not self._is_bound(assumed, pod, node):
                    changed.clear()
                    with suppress(TimeoutError):
                        async with self._clock.timeout(_LOOK_S):
                            await changed.wait()
        finally:
            for key in keys:
                waiting = self._waiting[key]
                waiting.discard(changed)
                if not waiting:
                    del self._waiting[key]

    def _is_bound(self, assumed: PodVolumes, pod: PodInfo, node: str) -> bool:
        """Raises Broken when it will never be. Source: checkBindings."""
        info = self._cache.node(node)
        if info is None:
            raise Broken(f'failed to get node "{node}": node "{node}" not found')
        document = self._pods.document(pod.key)
        if document is None or objects.uid_of(document.obj) != pod.uid:
            raise Broken(f'pod does not exist any more: pod "{pod.key.name}" not found')
        for assumed_volume, claim in assumed.bindings:
            volume = self._current(self._volumes, objects.key_of(assumed_volume))
            current = self._current(self._claims, objects.key_of(claim))
            if objects.revision_of(volume) < objects.revision_of(assumed_volume):
                return False
            self._check_reachable(volume, info)
            if not walk(volume, "spec", "claimRef", "uid"):
                raise Broken(f'ClaimRef got reset for pv "{volume["metadata"]["name"]}"')
            if not volumes.is_fully_bound(current):
                return False
        for claim in assumed.provisions:
            current, name = self._current(self._claims, objects.key_of(claim)), claim["metadata"]["name"]
            if objects.revision_of(current) < objects.revision_of(claim):
                return False
            if not annotations_of(current):
                raise Broken(f'selectedNode annotation reset for PVC "{name}"')
            if annotations_of(current).get(volumes.SELECTED_NODE) != node:
                raise Broken(f'provisioning failed for PVC "{name}"')
            if volume_name := current["spec"].get("volumeName"):
                known = self._volumes.informer.get(Key("", volume_name))
                if known is None:
                    return False
                self._check_reachable(known, info)
            if not volumes.is_fully_bound(current):
                return False
        return True

    def _current(self, assumed: Assumed, key: Key) -> Obj:
        obj = assumed.informer.get(key)
        if obj is None:
            raise Broken(f'failed to check binding: could not find object "{key}"')
        return obj

    def _check_reachable(self, volume: Obj, node: NodeInfo) -> None:
        if not PodClaims().is_reachable(volume, node.labels):
            name = volume["metadata"]["name"]
            raise Broken(
                f'pv "{name}" node affinity doesn\'t match node "{node.name}": no matching NodeSelectorTerms'
            )

    def _wake(self, document: Document) -> None:
        for changed in self._waiting.get(document.key, ()):
            changed.set()

    def _pod_gone(self, document: Document) -> None:
        if self._waiting:
            for name, _ in volumes.claims_of_pod(document.obj):
                for changed in self._waiting.get(Key(document.key.namespace, name), ()):
                    changed.set()

    # -- waking rejected pods

    def events(self) -> Sequence[Interest]:
        changed = Action.ADD | Action.UPDATE
        return [
            Interest(ClusterEvent("StorageClass", changed), _after_storage_class),
            Interest(ClusterEvent("PersistentVolumeClaim", changed), after_claim),
            Interest(ClusterEvent("PersistentVolume", changed)),
            Interest(ClusterEvent("Node", Action.ADD | Action.UPDATE_NODE_LABEL)),
            Interest(ClusterEvent("CSINode", changed), _after_csi_node),
            Interest(ClusterEvent("CSIDriver", Action.UPDATE), _after_driver),
            Interest(ClusterEvent("CSIStorageCapacity", changed), _after_capacity),
        ]


# Texts with names in them; there are as many as claims.
_STATUSES_MAX = 256
_SKIP = Status(Code.SKIP, plugin=VolumeBinding.name)


def claims_of(pod: PodInfo) -> tuple[tuple[str, bool], ...]:
    """(claim, is ephemeral) of the pod's volumes; worked out once, see PodInfo.note."""
    return tuple(volumes.claims_of_pod(pod.obj))


def unusable(pod: Obj, name: str, claim: Obj | None, *, is_ephemeral: bool) -> str:
    """Why the pod has to wait whatever the node, "" if it does not. Source: podHasPVCs."""
    if claim is None:
        if is_ephemeral:
            return f'waiting for ephemeral volume controller to create the persistentvolumeclaim "{name}"'
        return f'persistentvolumeclaim "{name}" not found'
    if walk(claim, "status", "phase") == "Lost":
        volume = claim["spec"].get("volumeName") or ""
        return f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{volume}"'
    if objects.is_deleting(claim):
        return f'persistentvolumeclaim "{name}" is being deleted'
    if is_ephemeral and not volumes.is_claim_for_pod(pod, claim):
        return volumes.not_for_pod(pod, claim)
    return ""


def after_claim(pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
    """Only the pod's own claims matter to it."""
    if new is None or new["metadata"]["namespace"] != pod.key.namespace:
        return Hint.SKIP
    name = new["metadata"]["name"]
    return Hint.QUEUE if any(used == name for used, _ in volumes.claims_of_pod(pod.obj)) else Hint.SKIP


def _after_storage_class(pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
    if old is None or new is None:
        return Hint.QUEUE
    return Hint.QUEUE if old.get("allowedTopologies") != new.get("allowedTopologies") else Hint.SKIP


def _after_csi_node(pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
    if old is None or new is None:
        return Hint.QUEUE
    annotation = "storage.alpha.kubernetes.io/migrated-plugins"
    return (
        Hint.QUEUE
        if annotations_of(old).get(annotation) != annotations_of(new).get(annotation)
        else Hint.SKIP
    )


def _after_driver(pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
    """A driver that publishes its capacity no more does not refuse for lack of it."""
    if old is None or new is None:
        return Hint.SKIP
    name = new["metadata"]["name"]
    stops = old["spec"].get("storageCapacity") and not new["spec"].get("storageCapacity")
    uses = any(walk(volume, "csi", "driver") == name for volume in pod.spec.get("volumes") or ())
    return Hint.QUEUE if stops and uses else Hint.SKIP


def _after_capacity(pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
    if old is None or new is None:
        return Hint.QUEUE
    before, now = volume_limit(old), volume_limit(new)
    return Hint.QUEUE if now is not None and (before is None or now > before) else Hint.SKIP


def _class_of_capacity(capacity: Obj) -> list[str]:
    return [capacity["storageClassName"]]
