"""ResourceClaims: made for pods from templates, reserved for pods that did not wait for the scheduler, freed after use.

Watches Pods, ResourceClaims, ResourceClaimTemplates. Owns the claims it makes (their owner is the pod). Writes them,
pods' status.resourceClaimStatuses, and of every claim status.reservedFor, status.allocation and the finalizer
resource.kubernetes.io/delete-protection.

A pod's key and a claim's are told apart by a prefix, as upstream has it: one queue, one order.
Not done: PodGroups, which 1.37 does not serve by default.

Source: kubernetes 1.36 pkg/controller/resourceclaim/controller.go, staging dynamic-resource-allocation/resourceclaim.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from kubepy.api import errors, objects, pods
from kubepy.api.builtins import PODS, RESOURCE_CLAIM_TEMPLATES, RESOURCE_CLAIMS
from kubepy.api.objects import Document, Key, Obj
from kubepy.client.client import APPLY_PATCH
from kubepy.client.controller import Controller, ControllerContext
from kubepy.controllers import ownership

FINALIZER = "resource.kubernetes.io/delete-protection"
POD_CLAIM = "resource.kubernetes.io/pod-claim-name"
FIELD_MANAGER = "ResourceClaimController"

_POD, _CLAIM = "pod:", "claim:"
BY_CLAIM, BY_TEMPLATE, BY_OWNER = "resource_claim", "resource_claim_template", "pod_of_claim"

# Space for five random characters in a name of 63, and the dash before them.
_BASE_CHARS_MAX = 57


class ClaimPlan(Struct, frozen=True):
    """What becomes of a claim. None: as it is."""

    reserved_for: list[Obj] | None = None
    deallocate: bool = False
    release: bool = False  # the finalizer goes
    delete: bool = False  # made for a pod that is done with it


def plan_claim(
    claim: Obj, is_using: Callable[[Obj], bool], owner: Obj | None, owner_is_known: bool
) -> ClaimPlan:
    """`is_using(reference)`: whether the pod of an entry of reservedFor is there and not done. `owner`: the pod of
    that name, of whatever uid; `owner_is_known`: its absence is for the garbage collector. Source: syncClaim."""
    status = claim.get("status") or {}
    reserved = status.get("reservedFor") or []
    remaining = [reference for reference in reserved if not _is_pod(reference) or is_using(reference)]
    has_finalizer = FINALIZER in (claim["metadata"].get("finalizers") or ())
    is_allocated = status.get("allocation") is not None
    delete = not remaining and owner_is_known and owner is not None and not _needs(owner, claim)
    if len(remaining) < len(reserved):
        deallocate = is_allocated and has_finalizer and not remaining
        release = has_finalizer and (deallocate or not is_allocated)
        return ClaimPlan(remaining, deallocate, release, delete)
    if has_finalizer and objects.is_deleting(claim) and not remaining:
        return ClaimPlan(None, is_allocated, True, delete)
    return ClaimPlan(delete=delete)


def _is_pod(reference: Obj) -> bool:
    return not reference.get("apiGroup") and reference.get("resource") == "pods"


def _needs(owner: Obj, claim: Obj) -> bool:
    reference = objects.controller_of(claim)
    return reference is not None and reference.get("uid") == objects.uid_of(owner) and not is_done(owner)


def is_done(pod: Obj) -> bool:
    """Source: isPodDone: it has ended, or goes without ever having had a node."""
    return pods.is_terminal(pod) or (objects.is_deleting(pod) and not pod["spec"].get("nodeName"))


def claim_name(pod: Obj, pod_claim: Obj) -> tuple[str | None, bool]:
    """(name, whether the claim must be the pod's own); "" is not made yet, None not needed.

    Source: dynamic-resource-allocation/resourceclaim/claim.go, Name.
    """
    if name := pod_claim.get("resourceClaimName"):
        return name, False
    for status in objects.walk(pod, "status", "resourceClaimStatuses") or ():
        if status["name"] == pod_claim["name"]:
            return status.get("resourceClaimName"), True
    return "", True


def render_claim(pod: Obj, pod_claim: Obj, template: Obj) -> Obj:
    metadata = objects.walk(template, "spec", "metadata") or {}
    owner = {
        "apiVersion": "v1",
        "kind": "Pod",
        "name": pod["metadata"]["name"],
        "uid": objects.uid_of(pod),
        "controller": True,
    }
    made: Obj = {
        "generateName": generate_name(pod["metadata"]["name"], pod_claim["name"]),
        "namespace": pod["metadata"]["namespace"],
        "ownerReferences": [owner],
        "annotations": {**(metadata.get("annotations") or {}), POD_CLAIM: pod_claim["name"]},
    }
    if metadata.get("labels"):
        made["labels"] = metadata["labels"]
    return {
        "apiVersion": RESOURCE_CLAIMS.api_version,
        "kind": RESOURCE_CLAIMS.kind,
        "metadata": made,
        "spec": template["spec"]["spec"],
    }


def generate_name(pod: str, claim: str) -> str:
    whole = f"{pod}-{claim}-"
    size = len(whole)
    if size <= _BASE_CHARS_MAX:
        return whole
    return f"{pod[: len(pod) * _BASE_CHARS_MAX // size]}-{claim[: len(claim) * _BASE_CHARS_MAX // size]}"


class ResourceClaimController(Controller):
    name = "resourceclaim-controller"
    workers = 10

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        # Made a moment ago, by the pod's uid and the name of its claim: the cache may not show them yet.
        self._made: dict[tuple[str, str], Obj] = {}

    def setup(self) -> None:
        self.pods = self.watch(
            PODS,
            self._keys_of_pod,
            lambda document, old: bool(
                document.obj["spec"].get("resourceClaims") or _extended_claim(document.obj)
            ),
            indexes={BY_CLAIM: _claims_of, BY_TEMPLATE: _templates_of},
        )
        self.claims = self.watch(RESOURCE_CLAIMS, self._keys_of_claim, indexes={BY_OWNER: _owner_of})
        self.templates = self.watch(RESOURCE_CLAIM_TEMPLATES, self._keys_of_template)

    def _keys_of_pod(self, document: Document, old: Document | None) -> Iterable[Key]:
        namespace, name = document.key
        yield Key(namespace, _POD + name)
        # A pod that is gone or done needs its claims no longer.
        if self.pods.document(document.key) is None or is_done(document.obj):
            for claim in _claims_of(document.obj):
                yield Key(namespace, _CLAIM + claim.partition("/")[2])

    def _keys_of_claim(self, document: Document, old: Document | None) -> Iterable[Key]:
        yield Key(document.key.namespace, _CLAIM + document.key.name)
        yield from _pod_keys(self.pods.keys_by_index(BY_CLAIM, str(document.key)))

    def _keys_of_template(self, document: Document, old: Document | None) -> Iterable[Key]:
        return _pod_keys(self.pods.keys_by_index(BY_TEMPLATE, str(document.key)))

    async def reconcile(self, key: Key) -> None:
        kind, _, name = key.name.partition(":")
        if f"{kind}:" == _POD:
            await self._sync_pod(Key(key.namespace, name))
        else:
            await self._sync_claim(Key(key.namespace, name))

    # -- pods ------------------------------------------------------------------------------------------------------

    async def _sync_pod(self, key: Key) -> None:
        pod = self.pods.get(key)
        if pod is None or objects.is_deleting(pod):
            return
        made: dict[str, str] = {}
        for pod_claim in pod["spec"].get("resourceClaims") or ():
            try:
                name = await self._ensure_claim(pod, pod_claim)
            except Exception as error:
                if isinstance(error, errors.StatusError) and ownership.is_namespace_terminating(error):
                    return
                message = f"PodResourceClaim {pod_claim['name']}: {error}"
                self.events.event(pod, "Warning", "FailedResourceClaimCreation", message)
                raise
            if name:
                made[pod_claim["name"]] = name
        if made:
            await self._tell_pod(pod, made)
        if pod["spec"].get("nodeName"):
            await self._reserve(pod)

    async def _ensure_claim(self, pod: Obj, pod_claim: Obj) -> str:
        """The name of the claim that the pod's status has to be told of; "" if there is none to tell."""
        name, must_own = claim_name(pod, pod_claim)
        if name is None:
            return ""
        if name:
            claim = self.claims.get(Key(pod["metadata"]["namespace"], name))
            if claim is not None and (not must_own or is_for(pod, claim)):
                return ""
        if not pod_claim.get("resourceClaimTemplateName"):
            return ""
        claim = self._find(pod, pod_claim) or await self._create(pod, pod_claim)
        found: str = claim["metadata"]["name"]
        return found

    def _find(self, pod: Obj, pod_claim: Obj) -> Obj | None:
        for claim in self.claims.by_index(BY_OWNER, objects.uid_of(pod)):
            if objects.annotations_of(claim).get(POD_CLAIM) == pod_claim["name"]:
                self._made.pop((objects.uid_of(pod), pod_claim["name"]), None)
                return claim
        return self._made.get((objects.uid_of(pod), pod_claim["name"]))

    async def _create(self, pod: Obj, pod_claim: Obj) -> Obj:
        name = pod_claim["resourceClaimTemplateName"]
        template = self.templates.get(Key(pod["metadata"]["namespace"], name))
        if template is None:
            missing = f'resourceclaimtemplate.resource.k8s.io "{name}" not found'
            raise errors.NotFound(f'resource claim template "{name}": {missing}')
        claim = await self.client.create(RESOURCE_CLAIMS, render_claim(pod, pod_claim, template))
        self._made[objects.uid_of(pod), pod_claim["name"]] = claim
        self.log.info(
            "resource_claim_created", object=str(objects.key_of(claim)), pod=pod["metadata"]["name"]
        )
        return claim

    async def _tell_pod(self, pod: Obj, made: dict[str, str]) -> None:
        metadata = pod["metadata"]
        known = {
            status["name"]: status.get("resourceClaimName")
            for status in objects.walk(pod, "status", "resourceClaimStatuses") or ()
        }
        statuses = [
            {"name": name, "resourceClaimName": claim} for name, claim in (known | made).items() if claim
        ]
        applied = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
            "status": {"resourceClaimStatuses": statuses},
        }
        await self.client.named(FIELD_MANAGER).patch(
            PODS, metadata["name"], applied, namespace=metadata["namespace"], subresource="status",
            content_type=APPLY_PATCH, force=True,
        )  # fmt: skip

    async def _reserve(self, pod: Obj) -> None:
        """For a pod that came to its node without the scheduler."""
        metadata = pod["metadata"]
        for pod_claim in pod["spec"].get("resourceClaims") or ():
            name, must_own = claim_name(pod, pod_claim)
            claim = self.claims.get(Key(metadata["namespace"], name)) if name else None
            if claim is None or (must_own and not is_for(pod, claim)):
                continue
            status = claim.get("status") or {}
            reserved = status.get("reservedFor") or []
            uid = objects.uid_of(pod)
            if status.get("allocation") is None or any(each["uid"] == uid for each in reserved):
                continue
            entry = {"resource": "pods", "name": metadata["name"], "uid": uid}
            changed = claim | {"status": status | {"reservedFor": [*reserved, entry]}}
            await self.client.update(RESOURCE_CLAIMS, changed, subresource="status")

    # -- claims ----------------------------------------------------------------------------------------------------

    async def _sync_claim(self, key: Key) -> None:
        claim = self.claims.get(key)
        if claim is None:
            return
        unseen: set[str] = set()
        for reference in objects.walk(claim, "status", "reservedFor") or ():
            if _is_pod(reference) and await self._is_unseen(key.namespace, reference):
                unseen.add(reference["uid"])
        owner_ref = objects.controller_of(claim)
        is_pods = owner_ref is not None and owner_ref.get("kind") == "Pod"
        owner = (
            self.pods.get(Key(key.namespace, owner_ref["name"]))
            if owner_ref is not None and is_pods
            else None
        )

        def is_using(reference: Obj) -> bool:
            if reference["uid"] in unseen:
                return True
            pod = self.pods.get(Key(key.namespace, reference["name"]))
            return pod is not None and objects.uid_of(pod) == reference["uid"] and not is_done(pod)

        await self._act(claim, plan_claim(claim, is_using, owner, is_pods))

    async def _is_unseen(self, namespace: str, reference: Obj) -> bool:
        """There, though the cache does not show it: the scheduler may be faster than our watch."""
        if self.pods.get(Key(namespace, reference["name"])) is not None:
            return False
        try:
            pod = await self.client.get(PODS, reference["name"], namespace)
        except errors.NotFound:
            return False
        return objects.uid_of(pod) == reference["uid"]

    async def _act(self, claim: Obj, decided: ClaimPlan) -> None:
        key = objects.key_of(claim)
        if decided.reserved_for is not None or decided.deallocate:
            status = dict(claim.get("status") or {})
            if decided.reserved_for is not None:
                status["reservedFor"] = decided.reserved_for
            if decided.deallocate:
                status.pop("allocation", None)
            claim = await self.client.update(
                RESOURCE_CLAIMS, claim | {"status": status}, subresource="status"
            )
            self.log.info("resource_claim_freed", object=str(key), deallocated=decided.deallocate)
        if decided.release:
            kept = [each for each in claim["metadata"].get("finalizers") or () if each != FINALIZER]
            await self.client.update(
                RESOURCE_CLAIMS, claim | {"metadata": claim["metadata"] | {"finalizers": kept}}
            )
        if decided.delete:
            try:
                await self.client.delete(RESOURCE_CLAIMS, key.name, key.namespace, uid=objects.uid_of(claim))
            except errors.NotFound:
                return
            self.log.info("resource_claim_deleted", object=str(key))


def is_for(pod: Obj, claim: Obj) -> bool:
    """Source: resourceclaim.IsForPod."""
    owner = objects.controller_of(claim)
    return owner is not None and owner.get("uid") == objects.uid_of(pod)


def _pod_keys(keys: Iterable[Key]) -> list[Key]:
    return [Key(key.namespace, _POD + key.name) for key in keys]


def _claims_of(pod: Obj) -> list[str]:
    """Index function: "namespace/name" of the claims of a pod."""
    namespace = pod["metadata"]["namespace"]
    names = [claim_name(pod, each)[0] for each in pod["spec"].get("resourceClaims") or ()]
    names.append(_extended_claim(pod))
    return [f"{namespace}/{name}" for name in names if name]


def _extended_claim(pod: Obj) -> str | None:
    """Of the pod's extended resources: made by the scheduler."""
    name: str | None = objects.walk(pod, "status", "extendedResourceClaimStatus", "resourceClaimName")
    return name


def _templates_of(pod: Obj) -> list[str]:
    namespace = pod["metadata"]["namespace"]
    return [
        f"{namespace}/{name}"
        for each in pod["spec"].get("resourceClaims") or ()
        if (name := each.get("resourceClaimTemplateName"))
    ]


def _owner_of(claim: Obj) -> list[str]:
    owner = objects.controller_of(claim)
    return [owner["uid"]] if owner is not None and owner.get("kind") == "Pod" else []
