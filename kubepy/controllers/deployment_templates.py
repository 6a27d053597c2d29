"""What a ReplicaSet gets from its Deployment: the template with its hash, the annotations, the revision.

Source: kubernetes 1.36 pkg/controller/deployment/{sync.go,util/deployment_util.go}.
"""

from __future__ import annotations

from typing import Any

from kubepy.api import objects, pods, quantity
from kubepy.api.builtins import REPLICA_SETS
from kubepy.api.objects import Obj
from kubepy.controllers.deployment_sizes import DESIRED_REPLICAS, MAX_REPLICAS

REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"

HASH_LABEL = "pod-template-hash"

# Those of the Deployment's annotations that its ReplicaSet does not inherit.
_NOT_COPIED = {
    "kubectl.kubernetes.io/last-applied-configuration", REVISION, REVISION_HISTORY, DESIRED_REPLICAS, MAX_REPLICAS,
    "deprecated.deployment.rollback.to",
}  # fmt: skip

# Source: sync.go, maxRevHistoryLengthInChars: about a hundred revisions.
REVISION_HISTORY_CHARS_MAX = 2000
_NAME_CHARS_MAX = 253


def revision_in(annotations: dict[str, str]) -> int:
    text = annotations.get(REVISION, "")
    return int(text) if text.isdecimal() else 0


def new_set_annotations(deployment: Obj, annotations: dict[str, str], revision: int) -> dict[str, str]:
    """The Deployment's own annotations, the revision, and the revisions it had before a rollback.

    Source: SetNewReplicaSetAnnotations.
    """
    own = {k: v for k, v in objects.annotations_of(deployment).items() if k not in _NOT_COPIED}
    annotations = annotations | own
    before = annotations.get(REVISION, "")
    if before and not before.isdecimal():
        return annotations  # somebody's text: left alone, as upstream does
    if int(before or 0) >= revision:
        return annotations
    annotations[REVISION] = str(revision)
    if before:
        history = [text for text in annotations.get(REVISION_HISTORY, "").split(",") if text]
        history.append(before)
        while len(history) > 1 and len(",".join(history)) > REVISION_HISTORY_CHARS_MAX:
            del history[0]
        annotations[REVISION_HISTORY] = ",".join(history)
    return annotations


def is_same_template(one: Obj, other: Obj) -> bool:
    """Equal but for the hash label, with upstream's idea of equal: absent is empty, 1000m is 1. Source:
    EqualIgnoreHash, apimachinery equality.Semantic."""
    one, other = _without_hash(one), _without_hash(other)
    return one == other or _semantic(one) == _semantic(other)


def _without_hash(template: Obj) -> Obj:
    metadata = template.get("metadata") or {}
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k != HASH_LABEL}
    return template | {"metadata": metadata | {"labels": labels}}


# Go structs and maps whose absence and emptiness are one; other empty objects (emptyDir: {}) say something.
_EMPTY_IS_ABSENT = {
    "metadata", "labels", "annotations", "nodeSelector", "limits", "requests", "matchLabels", "overhead", "resources",
}  # fmt: skip

# Plain Go values, not pointers: false and "" cannot be told from absent.
_ZERO_IS_ABSENT = {
    "hostNetwork", "hostPID", "hostIPC", "stdin", "stdinOnce", "tty", "readOnly", "value", "subPath", "subPathExpr",
    "workingDir", "nodeName", "hostname", "subdomain", "priorityClassName", "serviceAccountName", "schedulerName",
}  # fmt: skip

_QUANTITIES = {"limits", "requests", "overhead"}


def _semantic(value: Any, field_name: str = "") -> Any:
    if isinstance(value, dict):
        if field_name in _QUANTITIES:
            return {name: quantity.nano(amount) for name, amount in value.items()}
        found = {name: _semantic(child, name) for name, child in value.items() if child is not None}
        return {
            name: child
            for name, child in found.items()
            if child != []
            and not (child == {} and name in _EMPTY_IS_ABSENT)
            and not (child in (False, "") and name in _ZERO_IS_ABSENT)
        }
    if isinstance(value, list):
        return [_semantic(child) for child in value]
    return value


def render_replica_set(deployment: Obj) -> Obj:
    """The ReplicaSet of the Deployment's template, without size and annotations."""
    metadata, spec = deployment["metadata"], deployment["spec"]
    template = spec["template"]
    collisions = (deployment.get("status") or {}).get("collisionCount")
    hash_ = pods.template_hash(template, collisions)
    labels = {**((template.get("metadata") or {}).get("labels") or {}), HASH_LABEL: hash_}
    selector = spec["selector"]
    return {
        "apiVersion": REPLICA_SETS.api_version,
        "kind": REPLICA_SETS.kind,
        "metadata": {
            "name": f"{metadata['name'][: _NAME_CHARS_MAX - len(hash_) - 1]}-{hash_}",
            "namespace": metadata["namespace"],
            "labels": labels,
            "ownerReferences": [objects.owner_reference(deployment)],
        },
        "spec": {
            "replicas": 0,
            "minReadySeconds": spec.get("minReadySeconds", 0),
            "selector": selector
            | {"matchLabels": {**(selector.get("matchLabels") or {}), HASH_LABEL: hash_}},
            "template": template | {"metadata": {**(template.get("metadata") or {}), "labels": labels}},
        },
    }
