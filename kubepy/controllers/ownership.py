"""Who owns whom: the claims that a controller makes on the objects its selector matches.

An object that carries our controller reference and matches the selector is ours. One that carries it and no longer
matches is released. An orphan that matches is adopted, unless it or we are being deleted. What carries somebody
else's controller reference is left alone, whatever its labels say.

Promised: an adoption is made only after a live read has shown that the owner still exists and is not being deleted, so
a dependent is never tied to an owner that the garbage collector has already swept.

Source: kubernetes 1.36 pkg/controller/controller_ref_manager.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from kubepy.api import errors, objects, selectors
from kubepy.api.objects import Document, Key, Obj
from kubepy.api.resources import Resource
from kubepy.client.client import Client
from kubepy.client.informer import Informer

Matches = Callable[[dict[str, str]], bool]

# Why namespaces that are going away refuse new objects; retrying is of no use.
NAMESPACE_TERMINATING = "NamespaceTerminating"


class Claims(NamedTuple):
    """What `plan_claims` decides about each candidate."""

    owned: list[Obj]
    adopt: list[Obj]
    release: list[Obj]


def plan_claims(owner: Obj, matches: Matches, candidates: Iterable[Obj]) -> Claims:
    """Sort candidates (ours by reference, and orphans) into owned, to adopt and to release."""
    claims = Claims([], [], [])
    uid, deleting = owner["metadata"]["uid"], objects.is_deleting(owner)
    for candidate in candidates:
        reference = objects.controller_of(candidate)
        if reference is not None and reference["uid"] != uid:
            continue
        matching = matches(objects.labels_of(candidate))
        if reference is not None:
            if matching:
                claims.owned.append(candidate)
            elif not deleting:
                claims.release.append(candidate)
        elif matching and not deleting and not objects.is_deleting(candidate):
            claims.adopt.append(candidate)
    return claims


@objects.about("metadata.ownerReferences")
def controller_keys(obj: Obj) -> list[str]:
    """Index function: under its controller's uid, or among the orphans of its namespace."""
    reference = objects.controller_of(obj)
    return [reference["uid"] if reference else orphans_of(obj["metadata"].get("namespace", ""))]


def orphans_of(namespace: str) -> str:
    """The index key of a namespace's objects without a controller; no uid contains a slash."""
    return f"orphans/{namespace}"


# Every informer of dependents is indexed by this name with `controller_keys`.
BY_CONTROLLER = "controller"


def may_be_adopted(obj: Obj, old: Document | None) -> bool:
    """Whether a change of an orphan can make somebody adopt it: it is new, or its labels or its owner changed."""
    if old is None:
        return True
    before = old.obj
    return objects.labels_of(before) != objects.labels_of(obj) or objects.controller_of(before) is not None


def matching_owners(owners: Informer, orphan: Obj) -> list[Key]:
    """The objects of its namespace whose selector would take `orphan`. O(owners in the namespace)."""
    metadata = orphan["metadata"]
    labels = objects.labels_of(orphan)
    if not labels:
        return []
    return [
        objects.key_of(owner)
        for owner in owners.list(metadata.get("namespace", ""))
        if not selects_everything(owner["spec"].get("selector"))
        and selectors.from_label_selector(owner["spec"]["selector"]).matches(labels)
    ]


def selects_everything(selector: Obj | None) -> bool:
    """An empty selector; no controller may act on it."""
    return not selector or not (selector.get("matchLabels") or selector.get("matchExpressions"))


def anybody(orphan: Obj) -> bool:
    return True


async def claim_dependents(
    client: Client,
    dependents: Informer,
    owner: Obj,
    owner_resource: Resource,
    *,
    is_candidate: Callable[[Obj], bool] = anybody,
) -> list[Obj]:
    """What is the owner's of `dependents`, after those that ceased to match were released and matching orphans adopted.
    `is_candidate` says of an orphan whether it may be."""
    metadata = owner["metadata"]
    owned = dependents.by_index(BY_CONTROLLER, metadata["uid"])
    orphans = filter(is_candidate, dependents.by_index(BY_CONTROLLER, orphans_of(metadata["namespace"])))
    matches = selectors.from_label_selector(owner["spec"]["selector"]).matches
    claims = plan_claims(owner, matches, [*owned, *orphans])
    return await claim(
        client, claims, owner=owner, owner_resource=owner_resource, resource=dependents.resource
    )


async def claim(
    client: Client,
    claims: Claims,
    *,
    owner: Obj,
    owner_resource: Resource,
    resource: Resource,
    finalizer: str = "",
) -> list[Obj]:
    """Carry out `claims` and return what is ours now. The first failure is raised after all were tried.

    finalizer: what is adopted gets it, and what is released loses it.
    """
    adopted: Obj = {"finalizers": [finalizer]} if finalizer else {}
    released: Obj = {"$deleteFromPrimitiveList/finalizers": [finalizer]} if finalizer else {}
    owned, failures = list(claims.owned), []
    for orphan in await _adoptable(client, claims.adopt, owner, owner_resource) if claims.adopt else ():
        try:
            await _patch(
                client, resource, orphan, adopted | {"ownerReferences": [objects.owner_reference(owner)]}
            )
            owned.append(orphan)
        except errors.NotFound:
            pass
        except errors.StatusError as error:
            failures.append(error)
    for stranger in claims.release:
        try:
            gone = {"ownerReferences": [{"$patch": "delete", "uid": owner["metadata"]["uid"]}]}
            await _patch(client, resource, stranger, released | gone)
        except (errors.NotFound, errors.Invalid):
            pass  # gone, or replaced by a namesake that never was ours
        except errors.StatusError as error:
            failures.append(error)
    if failures:
        raise failures[0]
    return owned


async def _adoptable(client: Client, orphans: list[Obj], owner: Obj, resource: Resource) -> list[Obj]:
    metadata = owner["metadata"]
    fresh = await client.get(resource, metadata["name"], metadata.get("namespace", ""))
    if fresh["metadata"]["uid"] != metadata["uid"]:
        raise errors.conflict(
            resource, metadata["name"], f"original {resource.kind} is gone: got another uid"
        )
    if objects.is_deleting(fresh):
        raise errors.conflict(resource, metadata["name"], f"{resource.kind} has just been deleted")
    return orphans


async def _patch(client: Client, resource: Resource, obj: Obj, change: Obj) -> None:
    metadata = obj["metadata"]
    # The uid in the patch is a precondition: a namesake is answered with 409 or 422.
    patch = {"metadata": {**change, "uid": metadata["uid"]}}
    await client.patch(resource, metadata["name"], patch, namespace=metadata.get("namespace", ""))


def is_namespace_terminating(error: errors.StatusError) -> bool:
    """True for the refusal to create in a namespace that is being deleted."""
    causes = (error.details or {}).get("causes") or ()
    return any(cause.get("reason") == NAMESPACE_TERMINATING for cause in causes)
