"""What the members of a StatefulSet are called, and the claims that are theirs.

Pure: names and ordinals; a member's claims and the volumes that use them; and whom its claims are owned by, as the
retention policy wants it.

Source: kubernetes 1.36 pkg/controller/statefulset/stateful_set_utils.go, PodClaimIsStale of stateful_pod_control.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from kubepy.api import objects
from kubepy.api.objects import Obj

_match_name = re.compile(r"(.*)-([0-9]+)").fullmatch


def parent_of(pod: Obj) -> tuple[str, int]:
    """(the set's name, the ordinal) by the pod's name; ("", -1) for another pod."""
    found = _match_name(pod["metadata"]["name"])
    return (found[1], int(found[2])) if found else ("", -1)


def ordinal_of(pod: Obj) -> int:
    return parent_of(pod)[1]


def ordinals(stateful_set: Obj) -> range:
    spec = stateful_set["spec"]
    start = (spec.get("ordinals") or {}).get("start") or 0
    return range(start, start + spec["replicas"])


def claim_name(stateful_set: Obj, template: Obj, ordinal: int) -> str:
    return f"{template['metadata']['name']}-{stateful_set['metadata']['name']}-{ordinal}"


def claim_names(stateful_set: Obj, ordinal: int) -> list[str]:
    templates = stateful_set["spec"].get("volumeClaimTemplates") or ()
    return [claim_name(stateful_set, template, ordinal) for template in templates]


def member_volumes(stateful_set: Obj, ordinal: int, given: Iterable[Obj]) -> list[Obj]:
    """Claims go before volumes of the same name. Source: updateStorage."""
    claimed = {
        template["metadata"]["name"]: claim_name(stateful_set, template, ordinal)
        for template in stateful_set["spec"].get("volumeClaimTemplates") or ()
    }
    ours = [{"name": k, "persistentVolumeClaim": {"claimName": v}} for k, v in claimed.items()]
    return [*ours, *(volume for volume in given if volume["name"] not in claimed)]


def render_claims(stateful_set: Obj, ordinal: int) -> list[Obj]:
    labels = stateful_set["spec"]["selector"].get("matchLabels") or {}
    claims = []
    for template in stateful_set["spec"].get("volumeClaimTemplates") or ():
        metadata = template["metadata"] | {
            "name": claim_name(stateful_set, template, ordinal),
            "namespace": stateful_set["metadata"]["namespace"],
            "labels": {**(template["metadata"].get("labels") or {}), **labels},
        }
        kept = {name: value for name, value in template.items() if name != "status"}
        claims.append(kept | {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata})
    return claims


def _retention(stateful_set: Obj) -> tuple[bool, bool]:
    """Whether claims go (when scaled away, when the set is deleted)."""
    policy = stateful_set["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
    return policy.get("whenScaled") == "Delete", policy.get("whenDeleted") == "Delete"


def has_stale_claim(stateful_set: Obj, ordinal: int, known: Mapping[str, Obj]) -> bool:
    """Whether one of the claims, `known` by name, is about to go with the pod that had this name before.

    Source: PodClaimIsStale."""
    if not _retention(stateful_set)[0]:
        return False
    name = f"{stateful_set['metadata']['name']}-{ordinal}"
    claims = (known.get(each) for each in claim_names(stateful_set, ordinal))
    pod = {"metadata": {"name": name}}
    return any(
        _names(reference, pod)
        for claim in claims
        if claim is not None
        for reference in objects.owner_references(claim)
    )


def is_claimed_by_others(claim: Obj, stateful_set: Obj, pod: Obj) -> bool:
    """By another controller, or by a former set or pod of that name. Source: hasUnexpectedController."""
    if not any(_retention(stateful_set)):
        return False
    known = (objects.uid_of(stateful_set), pod["metadata"].get("uid"))
    return any(
        reference["uid"] not in known
        if _names(reference, stateful_set) or _names(reference, pod)
        else bool(reference.get("controller"))
        for reference in objects.owner_references(claim)
    )


def owners_of_claim(claim: Obj, stateful_set: Obj, pod: Obj) -> list[Obj] | None:
    """The owner references it should have by the retention policy, None if it has them or is none of our business.

    Source: isClaimOwnerUpToDate, updateClaimOwnerRefForSetAndPod.
    """
    when_scaled, when_deleted = _retention(stateful_set)
    references = objects.owner_references(claim)
    ours = [
        reference for reference in references if _names(reference, stateful_set) or _names(reference, pod)
    ]
    others = [reference for reference in references if reference not in ours]
    known = (objects.uid_of(stateful_set), pod["metadata"].get("uid"))
    if any(reference["uid"] not in known for reference in ours):
        return None  # a former set or pod of that name; the garbage collector sees to it
    if is_claimed_by_others(claim, stateful_set, pod):
        return others if ours else None
    is_scaled_away = ordinal_of(pod) not in ordinals(stateful_set)
    wanted = []
    if when_scaled and is_scaled_away:
        wanted.append(objects.owner_reference(pod | {"apiVersion": "v1", "kind": "Pod"}))
    elif when_deleted:
        wanted.append(objects.owner_reference(stateful_set))
    if sorted(map(_identity, ours)) == sorted(map(_identity, wanted)):
        return None
    return [*others, *wanted]


def _names(reference: Obj, owner: Obj) -> bool:
    """Whether it is of that kind and name; what says no kind is a pod. Source: matchesRef."""
    kind = (owner.get("apiVersion") or "v1", owner.get("kind") or "Pod")
    return (reference["apiVersion"], reference["kind"]) == kind and reference["name"] == owner["metadata"][
        "name"
    ]


def _identity(reference: Obj) -> tuple[str, bool]:
    return reference["uid"], bool(reference.get("controller"))
