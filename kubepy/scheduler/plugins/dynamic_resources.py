"""DynamicResources: the devices that a pod's ResourceClaims ask for are on the node and free; they are allocated to the
claims before the pod is bound, and the claims reserved for the pod.

What a claim got in a decision counts as taken from then on, until its allocation is read back or the pod un-reserved.
Claims that are allocated where the pod cannot go are deallocated when nobody else uses them.

Extended resources that stand for a DeviceClass (extended_resources.py) come to one more claim, which is made when the
pod is bound, and differs by node: what device plugins offer there is none of it. One left from a binding that failed is
deleted, and the pod tried again.

Not there: PodGroups' claims, which are off by default.

Source: pkg/scheduler/framework/plugins/dynamicresources/dynamicresources.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from msgspec import Struct, field

from kubepy.api import objects, placement
from kubepy.api.builtins import DEVICE_CLASSES, DEVICE_TAINT_RULES, PODS, RESOURCE_CLAIMS, RESOURCE_SLICES
from kubepy.api.errors import Conflict, NotFound, StatusError
from kubepy.api.objects import Document, Key, Obj, is_deleting, uid_of
from kubepy.api.placement import RequiredAffinity
from kubepy.client.client import MERGE_PATCH
from kubepy.client.events import NORMAL
from kubepy.client.transport import ConnectionLost
from kubepy.lib.clock import parse_rfc3339
from kubepy.scheduler import extended_resources, framework
from kubepy.scheduler.allocator import Allocator, OutOfTime, PoolsInvalid, Unallocatable
from kubepy.scheduler.args import DynamicResourcesArgs
from kubepy.scheduler.claims import (
    Binding,
    Missing,
    claim_name,
    extended_owner,
    is_own,
    is_ready,
    is_reserved_for,
    results_of,
)
from kubepy.scheduler.devices import Taken
from kubepy.scheduler.framework import Action, ClusterEvent, Code, CycleState, Hint, Interest, Status
from kubepy.scheduler.node_info import NodeInfo, PodInfo
from kubepy.scheduler.toolbox import Toolbox

_NAME = "DynamicResources"
FINALIZER = "resource.kubernetes.io/delete-protection"
# The claim for extended resources while it is not made. Source: specialClaimInMemName.
_UNNAMED = "<extended-resources>"
_BY_EXTENDED_OWNER = "extended_resources_of"
# Source: retry.DefaultRetry.
_TRIES = 5
# Source: staging/src/k8s.io/api/resource/v1/types.go, FirstAvailableDeviceRequestMaxSize.
_ALTERNATIVES_MAX = 8

_SKIP = Status(Code.SKIP, plugin=_NAME)
_NOTHING = Status(Code.UNSCHEDULABLE, "no new claims to deallocate", plugin=_NAME)
# What upstream says of a pod that another plugin's PreFilter had refused before this one's was called; room is made for
# no such pod.
_NOT_ASKED = Status(Code.ERROR, "not found", plugin=_NAME)
_STALE = Status(Code.UNSCHEDULABLE, "cannot schedule extended resource claim", plugin=_NAME)
_CANNOT_FIT = Status(Code.UNSCHEDULABLE, "cannot fit resource", plugin=_NAME)
_DELETED = Status(Code.UNSCHEDULABLE, "deletion of ResourceClaim completed", plugin=_NAME)
_STILL = Status(Code.UNSCHEDULABLE, "still not schedulable", plugin=_NAME)
_DEALLOCATED = Status(Code.UNSCHEDULABLE, "deallocation of ResourceClaim completed", plugin=_NAME)


def _no(text: str) -> Status:
    return Status(Code.UNSCHEDULABLE_AND_UNRESOLVABLE, text, plugin=_NAME)


_IN_USE = _no("resourceclaim in use")
_CANNOT = _no("cannot allocate all claims")
_ELSEWHERE = _no("resourceclaim not available on the node")
_POOLS_INVALID = _no(str(PoolsInvalid()))


class _Claim(Struct):
    obj: Obj
    nodes: RequiredAffinity | None = None  # where it is allocated
    allocation: Obj | None = None  # what this decision gives it

    @property
    def is_allocated(self) -> bool:
        return bool((self.obj.get("status") or {}).get("allocation"))


class _State(Struct):
    claims: list[_Claim]
    allocator: Allocator | None = None  # if claims have to be allocated
    by_node: dict[str, list[Obj]] = field(default_factory=dict)  # what those would get there
    extended: _Claim | None = None  # for its extended resources: one of an earlier try, or one to make
    # node -> that claim as it would be there, and whose its requests are
    extended_by_node: dict[str, tuple[Obj, list[Obj]]] = field(default_factory=dict)
    unavailable: set[int] = field(default_factory=set)  # claims that are allocated where the pod cannot go

    @property
    def open(self) -> list[_Claim]:
        return [claim for claim in self.claims if not claim.is_allocated]


class DynamicResources:
    name = _NAME

    def __init__(self, tools: Toolbox) -> None:
        self._tools, self._args = tools, tools.arguments(DynamicResourcesArgs)
        self._client, self._clock = tools.client, tools.clock
        informer = tools.informers.informer
        self._claims, self._classes = informer(RESOURCE_CLAIMS), informer(DEVICE_CLASSES)
        self._slices = informer(RESOURCE_SLICES)
        self._rules = informer(DEVICE_TAINT_RULES) if tools.is_served(DEVICE_TAINT_RULES) else None
        self._claims.add_handler(
            on_add=self._claim_seen,
            on_update=lambda old, new: self._claim_seen(new),
            on_delete=self._claim_gone,
        )
        self._claims.add_index(_BY_EXTENDED_OWNER, extended_owner)
        self._taken = Taken()
        self._allocations: dict[str, Obj] = {}  # claim uid -> what is counted in `taken`
        self._pending: set[str] = set()  # uids of claims whose allocation is decided and not read back yet
        self._changed = asyncio.Event()

    # -- what is taken

    def _claim_seen(self, document: Document) -> None:
        claim = document.obj
        uid, allocation = uid_of(claim), (claim.get("status") or {}).get("allocation")
        if allocation is not None:
            self._pending.discard(uid)
        if uid not in self._pending:
            self._count(uid, allocation)
        self._changed.set()

    def _claim_gone(self, document: Document) -> None:
        uid = uid_of(document.obj)
        self._pending.discard(uid)
        self._count(uid, None)
        self._changed.set()

    def _count(self, uid: str, allocation: Obj | None) -> None:
        before = self._allocations.pop(uid, None)
        if before is not None:
            self._taken.remove(before)
        if allocation is not None:
            self._allocations[uid] = allocation
            self._taken.add(allocation)

    # -- which claims

    def _claims_of(self, pod: Obj) -> list[Obj]:
        """Raises Missing. Source: foreachPodResourceClaim."""
        found = []
        namespace = pod["metadata"]["namespace"]
        for wanted in pod["spec"].get("resourceClaims") or ():
            name, must_be_own = claim_name(pod, wanted)
            if name is None:
                continue
            claim = self._claims.get(Key(namespace, name))
            if claim is None:
                raise Missing(f'could not find resourceclaim "{namespace}/{name}"')
            if is_deleting(claim):
                raise Missing(f'resourceclaim "{name}" is being deleted')
            if must_be_own and not is_own(claim, pod):
                where = f"{namespace}/{name} was not created for Pod {namespace}/{pod['metadata']['name']}"
                raise Missing(f"ResourceClaim {where} (Pod is not owner)")
            found.append(claim)
        return found

    # -- queue

    def pre_enqueue(self, pod: PodInfo) -> Status | None:
        if not pod.spec.get("resourceClaims"):
            return None
        try:
            self._claims_of(pod.obj)
        except Missing as error:
            return _no(str(error))
        return None

    def events(self) -> Sequence[Interest]:
        node = Action.ADD | Action.UPDATE_NODE_LABEL | Action.UPDATE_NODE_ALLOCATABLE
        change = Action.ADD | Action.UPDATE
        return [
            Interest(ClusterEvent("Node", node)),
            Interest(ClusterEvent("ResourceClaim", change), self._after_claim),
            Interest(ClusterEvent("Pod", Action.UPDATE_POD_GENERATED_RESOURCE_CLAIM), self._after_pod),
            Interest(ClusterEvent("DeviceClass", change)),
            Interest(ClusterEvent("ResourceSlice", change)),
            *([Interest(ClusterEvent("DeviceTaintRule", Action.ALL))] if self._rules is not None else ()),
        ]

    def _after_claim(self, pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
        if new is None:
            return Hint.SKIP
        try:
            uses = any(uid_of(claim) == uid_of(new) for claim in self._claims_of(pod.obj))
        except Missing:
            return Hint.SKIP
        before, after = (old or {}).get("status") or {}, new.get("status") or {}
        if before.get("allocation") and not after.get("allocation"):
            return Hint.QUEUE
        return Hint.QUEUE if uses and (old is None or before != after) else Hint.SKIP

    def _after_pod(self, pod: PodInfo, old: Obj | None, new: Obj | None) -> Hint:
        if new is None or uid_of(new) != pod.uid:
            return Hint.SKIP
        try:
            self._claims_of(new)
        except Missing:
            return Hint.SKIP
        return Hint.QUEUE

    # -- decision

    def pre_filter(self, state: CycleState, pod: PodInfo) -> Status | None:
        extended = self._extended_claim(pod)
        if not pod.spec.get("resourceClaims") and extended is None:
            return _SKIP
        state[_NAME] = _State([])
        try:
            claims = [_Claim(claim) for claim in self._claims_of(pod.obj)]
        except Missing as error:
            return _no(str(error))
        if not claims and extended is None:
            return _SKIP
        known = state[_NAME] = _State(claims, extended=extended)
        for claim in claims:
            if (status := self._look_at(claim)) is not None:
                return status
        if known.open or extended is not None:
            slices = [document.obj for document in self._slices.documents()]
            known.allocator = Allocator(
                slices,
                lambda name: self._classes.get(Key("", name)),
                self._taken,
                self._tools.random.uid,
                self._rules.list() if self._rules is not None else (),
            )
        return None

    def _look_at(self, claim: _Claim) -> Status | None:
        key = objects.key_of(claim.obj)
        if claim.is_allocated:
            selector = claim.obj["status"]["allocation"].get("nodeSelector")
            claim.nodes = placement.node_selector(selector) if selector else None
            return None
        if uid_of(claim.obj) in self._pending:
            return _no(f"resource claim {key} is in the process of being allocated")
        for request in (claim.obj["spec"].get("devices") or {}).get("requests") or ():
            exactly = request.get("exactly")
            parts = (
                [("", exactly)]
                if exactly
                else [(one["name"], one) for one in request.get("firstAvailable") or ()]
            )
            if not parts:
                return _no(f"resource claim {key}, request {request['name']}: unknown request type")
            for name, part in parts:
                full = f"{request['name']}/{name}" if name else request["name"]
                device_class = part.get("deviceClassName") or ""
                if self._classes.get(Key("", device_class)) is None:
                    return _no(f"request {full}: device class {device_class} does not exist")
        return None

    def filter_nodes(
        self, state: CycleState, pod: PodInfo, nodes: Sequence[NodeInfo]
    ) -> Sequence[Status | None]:
        known: _State = state[_NAME]
        return [self._filter(known, pod, node) for node in nodes]

    def _extended_claim(self, pod: PodInfo) -> _Claim | None:
        """Source: preFilterExtendedResources."""
        extended = self._tools.extended
        if extended is None or not extended.backed(pod.requests.scalars):
            return None
        for claim in self._claims.by_index(_BY_EXTENDED_OWNER, pod.uid):
            return _Claim(claim)
        return _Claim(extended_resources.render_claim(pod.obj))

    def _filter_extended(self, known: _State, pod: PodInfo, node: NodeInfo) -> Obj | Status | None:
        """The claim as it would be on this node; None: it needs none there. Source: filterExtendedResources."""
        claim, extended = known.extended, self._tools.extended
        if claim is None or extended is None:
            return None
        if "name" in claim.obj["metadata"]:
            return _STALE
        needed: list[str] = []
        for name, amount in pod.requests.scalars.items():
            if not amount or not extended_resources.may_be_backed(name):
                continue
            if not node.allocatable.of(name) and extended.class_of(name) is not None:
                needed.append(name)
            elif name not in node.allocatable.scalars:
                return _CANNOT_FIT
        if not needed:
            return None
        requests, mappings = extended_resources.requests_of(pod.obj, needed, extended.class_of)
        made = {**claim.obj, "metadata": {**claim.obj["metadata"], "name": _UNNAMED}}
        made["spec"] = {"devices": {"requests": requests}}
        known.extended_by_node[node.name] = made, mappings
        return made

    def _filter(self, known: _State, pod: PodInfo, node: NodeInfo) -> Status | None:
        extra = self._filter_extended(known, pod, node)
        if isinstance(extra, Status):
            return extra
        if extra is None and not known.claims:
            return None
        now = self._clock.now()
        unavailable = {
            at for at, claim in enumerate(known.claims) if not self._is_available(claim, node.identity, now)
        }
        wanted = [claim.obj for claim in known.open]
        if extra is not None:
            wanted.append(extra)
        if known.allocator is not None and wanted:
            until = self._clock.monotonic() + self._args.filter_timeout_s
            is_timed = self._args.filter_timeout_s > 0
            try:
                found = known.allocator.allocate(
                    node.identity, wanted, lambda: is_timed and self._clock.monotonic() > until
                )
            except PoolsInvalid:
                return _POOLS_INVALID
            except OutOfTime:
                why = f"node {node.name}: timed out trying to allocate devices"
                return Status(Code.ERROR, why, plugin=_NAME)
            except Unallocatable as error:
                return Status(Code.ERROR, str(error), plugin=_NAME)
            if found is None:
                return _CANNOT
            known.by_node[node.name] = found
        if unavailable:
            known.unavailable |= unavailable
            known.by_node.pop(node.name, None)
            return _ELSEWHERE
        return None

    def _is_available(self, claim: _Claim, node: Obj, now: float) -> bool:
        """On this node, if it is allocated already."""
        if claim.nodes is not None and not claim.nodes.matches(node):
            return False
        if not claim.is_allocated:
            return True
        try:
            return is_ready(claim.obj) or not self._is_overdue(claim.obj, now)
        except Binding:
            return False

    def _is_overdue(self, claim: Obj, now: float) -> bool:
        """Source: isClaimTimeout."""
        allocation = claim["status"]["allocation"]
        since = allocation.get("allocationTimestamp")
        waits = any(result.get("bindingConditions") for result in results_of(claim))
        return bool(since and waits) and parse_rfc3339(since) + self._args.binding_timeout_s < now

    def post_filter(self, state: CycleState, pod: PodInfo, rejected: object) -> Status:
        known: _State | None = state.get(_NAME)
        if known is None and _NAME not in state.skipped:
            return _NOT_ASKED
        if known is None or not (known.claims or known.extended):
            return _NOTHING
        if known.extended is not None and "name" in known.extended.obj["metadata"]:
            claim = known.extended.obj
            # No event tells that it is gone.
            again = self._delete(claim, then=lambda: self._tools.queue.activate([pod.uid]))
            self._tools.tasks.start(again, name=f"delete {objects.key_of(claim)}")
            return _DELETED
        for at in sorted(known.unavailable):
            claim = known.claims[at].obj
            reserved = claim["status"].get("reservedFor") or []
            if not reserved or [one.get("uid") for one in reserved] == [pod.uid]:
                self._tools.tasks.start(self._deallocate(claim), name=f"deallocate {objects.key_of(claim)}")
                return _DEALLOCATED
        return _STILL

    async def _delete(self, claim: Obj, then: Callable[[], None] = lambda: None) -> None:
        """The finalizer first. Source: deleteClaim."""
        key = objects.key_of(claim)
        kept = [name for name in claim["metadata"].get("finalizers") or () if name != FINALIZER]
        try:
            patch = {"metadata": {"uid": uid_of(claim), "finalizers": kept or None}}
            await self._client.patch(
                RESOURCE_CLAIMS, key.name, patch, namespace=key.namespace, content_type=MERGE_PATCH
            )
            await self._client.delete(RESOURCE_CLAIMS, key.name, key.namespace, uid=uid_of(claim))
        except NotFound:
            then()
        except (StatusError, ConnectionLost) as error:
            # The pod is tried again after a while.
            self._tools.log.warning("claim_not_deleted", object=str(key), error=str(error))
        else:
            then()

    async def _deallocate(self, claim: Obj) -> None:
        dropped = ("allocation", "reservedFor", "devices")
        status = {name: value for name, value in claim["status"].items() if name not in dropped}
        try:
            await self._client.update(RESOURCE_CLAIMS, claim | {"status": status}, subresource="status")
        except (StatusError, ConnectionLost) as error:
            # The pod is tried again when the claim changes, or after a while.
            self._tools.log.warning(
                "claim_not_deallocated", object=str(objects.key_of(claim)), error=str(error)
            )

    # -- score

    def pre_score(self, state: CycleState, pod: PodInfo, nodes: Sequence[NodeInfo]) -> Status | None:
        return None if _NAME in state else _SKIP

    def score_nodes(self, state: CycleState, pod: PodInfo, nodes: Sequence[NodeInfo]) -> list[int]:
        known: _State = state[_NAME]
        return [_score(known, known.by_node.get(node.name)) for node in nodes]

    def normalize(self, scores: Sequence[int]) -> list[int]:
        return framework.normalize(scores)

    # -- reserve

    def reserve(self, state: CycleState, pod: PodInfo, node: str) -> Status | None:
        known: _State | None = state.get(_NAME)
        if known is None or known.allocator is None:
            return None
        taken = list(known.open)
        if (made := known.extended_by_node.get(node)) is not None and known.extended is not None:
            # Until it is made it is known by a uid of its own.
            metadata = {**made[0]["metadata"], "uid": self._tools.random.uid()}
            known.extended = _Claim({**made[0], "metadata": metadata})
            taken.append(known.extended)
        if not taken:
            return None
        found = known.by_node.get(node)
        if found is None:
            return Status(Code.ERROR, "claim allocation not found for node", plugin=_NAME)
        for claim, allocation in zip(taken, found, strict=True):
            claim.allocation = allocation
            self._pending.add(uid_of(claim.obj))
            self._count(uid_of(claim.obj), allocation)
        return None

    def unreserve(self, state: CycleState, pod: PodInfo, node: str) -> None:
        known: _State | None = state.get(_NAME)
        for claim in known.claims if known is not None else ():
            self._release(claim)
            uids = [one.get("uid") for one in (claim.obj.get("status") or {}).get("reservedFor") or ()]
            if pod.uid in uids:
                key = objects.key_of(claim.obj)
                self._tools.tasks.start(self._unreserve_claim(claim.obj, pod), name=f"unreserve {key}")

        extended = known.extended if known is not None else None
        if extended is None or extended.allocation is None:
            return
        self._release(extended)
        if extended.obj["metadata"].get("name") != _UNNAMED:
            self._tools.tasks.start(self._delete(extended.obj), name=f"delete {objects.key_of(extended.obj)}")

    def _release(self, claim: _Claim) -> None:
        uid = uid_of(claim.obj)
        if claim.allocation is None or uid not in self._pending:
            return
        self._pending.discard(uid)
        current = self._claims.get(objects.key_of(claim.obj))
        is_same = current is not None and uid_of(current) == uid
        self._count(uid, (current.get("status") or {}).get("allocation") if current and is_same else None)

    async def _unreserve_claim(self, claim: Obj, pod: PodInfo) -> None:
        key = objects.key_of(claim)
        patch = {
            "metadata": {"uid": uid_of(claim)},
            "status": {"reservedFor": [{"$patch": "delete", "uid": pod.uid}]},
        }
        try:
            await self._client.patch(
                RESOURCE_CLAIMS, key.name, patch, namespace=key.namespace, subresource="status"
            )
        except (StatusError, ConnectionLost) as error:
            self._tools.log.warning("claim_not_unreserved", object=str(key), error=str(error))

    # -- binding

    async def pre_bind(self, state: CycleState, pod: PodInfo, node: str) -> Status | None:
        known: _State | None = state.get(_NAME)
        if known is None:
            return None
        try:
            for claim in known.claims:
                if not is_reserved_for(claim.obj, pod.uid):
                    claim.obj = await self._bind(claim, pod)
            bound = list(known.claims)
            if known.extended is not None and known.extended.allocation is not None:
                await self._bind_extended(known.extended, pod, known.extended_by_node[node])
                bound.append(known.extended)
            if any(result.get("bindingConditions") for claim in bound for result in results_of(claim.obj)):
                message = f"waiting for binding conditions for device on node {node}"
                self._tools.recorder.event(
                    pod.obj, NORMAL, "BindingConditionsPending", message, action="Scheduling"
                )
                await self._wait_ready(bound)
        except (Binding, StatusError, ConnectionLost) as error:
            return Status(Code.ERROR, str(error), plugin=_NAME)
        except TimeoutError:
            return Status(Code.ERROR, "device binding timeout: context deadline exceeded", plugin=_NAME)
        return None

    async def _bind(self, claim: _Claim, pod: PodInfo) -> Obj:
        """Allocated and reserved, as it is written. Source: bindClaim."""
        key, current = objects.key_of(claim.obj), claim.obj
        for left in reversed(range(_TRIES)):
            try:
                return await self._write(claim, current, pod)
            except Conflict:
                if not left:
                    raise
            current = await self._client.get(RESOURCE_CLAIMS, key.name, key.namespace)
        raise AssertionError("the last try returns or raises")

    async def _write(self, claim: _Claim, current: Obj, pod: PodInfo) -> Obj:
        key, metadata = objects.key_of(current), current["metadata"]
        status: Obj = current.get("status") or {}
        if is_deleting(current):
            raise Binding(f"claim {key} got deleted in the meantime")
        if claim.allocation is not None:
            if status.get("allocation"):
                raise Binding(f"claim {key} got allocated elsewhere in the meantime")
            finalizers = metadata.get("finalizers") or []
            if FINALIZER not in finalizers:
                metadata = {**metadata, "finalizers": [*finalizers, FINALIZER]}
                current = await self._client.update(RESOURCE_CLAIMS, {**current, "metadata": metadata})
                status = current.get("status") or {}
            status = {**status, "allocation": claim.allocation}
        if not status.get("allocation"):
            raise Binding(f"claim {key} got deallocated elsewhere in the meantime")
        allocation = {"allocationTimestamp": self._clock.rfc3339(), **status["allocation"]}
        consumer = {"resource": "pods", "name": pod.key.name, "uid": pod.uid}
        status = {
            **status,
            "allocation": allocation,
            "reservedFor": [*(status.get("reservedFor") or ()), consumer],
        }
        return await self._client.update(RESOURCE_CLAIMS, {**current, "status": status}, subresource="status")

    async def _bind_extended(self, claim: _Claim, pod: PodInfo, made: tuple[Obj, list[Obj]]) -> None:
        """Make it, give it its devices, and tell the pod. Source: bindClaim, patchPodExtendedResourceClaimStatus."""
        wanted, mappings = made
        metadata = {name: value for name, value in wanted["metadata"].items() if name not in ("name", "uid")}
        temporary, allocation = uid_of(claim.obj), claim.allocation
        claim.obj = await self._client.create(RESOURCE_CLAIMS, {**wanted, "metadata": metadata})
        # From here on its devices are counted under its real name.
        self._pending.discard(temporary)
        self._count(temporary, None)
        self._pending.add(uid_of(claim.obj))
        self._count(uid_of(claim.obj), allocation)
        claim.obj = await self._bind(claim, pod)
        told = {"resourceClaimName": claim.obj["metadata"]["name"], "requestMappings": mappings}
        patch = {"metadata": {"uid": pod.uid}, "status": {"extendedResourceClaimStatus": told}}
        await self._client.patch(PODS, pod.key.name, patch, namespace=pod.key.namespace, subresource="status")

    async def _wait_ready(self, bound: Sequence[_Claim]) -> None:
        """Until drivers have prepared the devices. Upstream looks every five seconds, this one when a claim changed."""
        async with self._clock.timeout(self._args.binding_timeout_s):
            while True:
                self._changed.clear()
                claims = [self._claims.get(objects.key_of(claim.obj)) or claim.obj for claim in bound]
                if all(is_ready(claim) for claim in claims):
                    return
                await self._changed.wait()


def _score(known: _State, found: Sequence[Obj] | None) -> int:
    """The earlier the alternative that was taken, the better. Source: computeScore."""
    if found is None:
        return 0
    given = iter(found)
    score = 0
    for claim in known.claims:
        allocation = claim.obj["status"]["allocation"] if claim.is_allocated else next(given)
        taken = {result["request"] for result in (allocation.get("devices") or {}).get("results") or ()}
        for request in (claim.obj["spec"].get("devices") or {}).get("requests") or ():
            for at, alternative in enumerate(request.get("firstAvailable") or ()):
                if f"{request['name']}/{alternative['name']}" in taken:
                    score += _ALTERNATIVES_MAX - at
    return score
