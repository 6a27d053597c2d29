"""Pods and pod templates: creation, what an update may change, status.

Source: kubernetes pkg/apis/core/validation/validation.go (ValidatePodCreate, ValidatePodUpdate,
ValidatePodStatusUpdate, ValidatePodEphemeralContainersUpdate, ValidatePodTemplateSpec).
"""

from __future__ import annotations

import difflib
import itertools
import json
from collections.abc import Sequence

from kubepy.api import errors, internals, names
from kubepy.api.objects import Obj, annotations_of
from kubepy.api.pods import DELETION_COST
from kubepy.api.validation.containers import check_image_blanks
from kubepy.api.validation.metadata import check_annotations
from kubepy.api.validation.pod_placement import check_tolerations
from kubepy.api.validation.pod_spec import check_spec
from kubepy.api.validation.rules import INT32_MAX, Errors, check_labels, same

MIRROR = "kubernetes.io/config.mirror"

_UPDATABLE = ",".join(
    (
        "`spec.containers[*].image`",
        "`spec.initContainers[*].image`",
        "`spec.activeDeadlineSeconds`",
        "`spec.tolerations` (only additions to existing tolerations)",
        "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
    )
)
_NONE: tuple[Obj, ...] = ()


def check_pod(pod: Obj, found: Errors) -> None:
    """Metadata and spec, on create and on update. Source: validatePodMetadataAndSpec."""
    metadata, spec = pod["metadata"], pod.get("spec") or {}
    annotations = metadata.get("annotations")
    if annotations:
        check_pod_annotations(annotations, spec, "metadata.annotations", found)
    check_spec(spec, "spec", found, is_pod=True, pod_name=metadata.get("name") or "")
    if not spec.get("serviceAccountName"):
        _check_no_tokens(spec, found)
    for field in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(field) or _NONE):
            check_image_blanks(container, f"spec.{field}[{index}]", found)


def check_pod_create(pod: Obj, found: Errors) -> None:
    spec = pod.get("spec") or {}
    if spec.get("ephemeralContainers"):
        found.append(errors.forbidden_field("spec.ephemeralContainers", "cannot be set on create"))
    if spec.get("nodeName") and spec.get("schedulingGates"):
        why = "cannot be set until all schedulingGates have been cleared"
        found.append(errors.forbidden_field("spec.nodeName", why))


def check_template(template: Obj, path: str, found: Errors) -> None:
    """Source: ValidatePodTemplateSpec."""
    check_template_metadata(template, path, found)
    spec = template.get("spec") or {}
    check_spec(spec, f"{path}.spec", found)
    if spec.get("ephemeralContainers"):
        why = "ephemeral containers not allowed in pod template"
        found.append(errors.forbidden_field(f"{path}.spec.ephemeralContainers", why))


def check_template_metadata(template: Obj, path: str, found: Errors) -> None:
    metadata, spec = template.get("metadata") or {}, template.get("spec") or {}
    check_labels(metadata.get("labels"), f"{path}.labels", found)
    annotations = metadata.get("annotations")
    if annotations:
        check_annotations(annotations, f"{path}.annotations", found)
        check_pod_annotations(annotations, spec, f"{path}.annotations", found)


def check_pod_template_object(obj: Obj, found: Errors) -> None:
    check_template(obj.get("template") or {}, "template", found)


def check_pod_annotations(annotations: dict[str, str], spec: Obj, path: str, found: Errors) -> None:
    """Source: ValidatePodSpecificAnnotations."""
    if MIRROR in annotations and not spec.get("nodeName"):
        why = "must set spec.nodeName if mirror pod annotation is set"
        found.append(errors.invalid_value(f"{path}[{MIRROR}]", annotations[MIRROR], why))
    cost = annotations.get(DELETION_COST)
    if cost is not None and not _is_deletion_cost(cost):
        found.append(errors.invalid_value(f"{path}[{DELETION_COST}]", cost, "must be a 32bit integer"))


def _is_deletion_cost(text: str) -> bool:
    digits = text.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 10 or (text[0] == "0" and text != "0"):
        return False
    return -INT32_MAX - 1 <= int(text) <= INT32_MAX


def _check_no_tokens(spec: Obj, found: Errors) -> None:
    for index, volume in enumerate(spec.get("volumes") or _NONE):
        for number, source in enumerate((volume.get("projected") or {}).get("sources") or _NONE):
            if source.get("serviceAccountToken") is not None:
                at = f"spec.volumes[{index}].projected.sources[{number}].serviceAccountToken"
                why = "must not be specified when serviceAccountName is not set"
                found.append(errors.forbidden_field(at, why))


# -- updates ---------------------------------------------------------------------------------------------------


def check_pod_update(new: Obj, old: Obj, found: Errors) -> None:
    """What may change in a pod that exists. Source: ValidatePodUpdate."""
    _check_annotation_updates(new, old, found)
    after, before = new.get("spec") or {}, old.get("spec") or {}
    for field in ("containers", "initContainers"):
        count = len(before.get(field) or _NONE)
        if len(after.get(field) or _NONE) != count:
            why = "pod updates may not add or remove containers"
            found.append(errors.forbidden_field(f"spec.{field}", why))
            return
        for index, container in enumerate(after.get(field) or _NONE):
            if not container.get("image"):
                found.append(errors.required(f"spec.{field}[{index}].image"))
            check_image_blanks(container, f"spec.{field}[{index}]", found)
    if not _check_deadline(after.get("activeDeadlineSeconds"), before.get("activeDeadlineSeconds"), found):
        return
    tolerations = after.get("tolerations") or _NONE
    _check_added_tolerations(tolerations, before.get("tolerations") or _NONE, found)
    gates = before.get("schedulingGates") or _NONE
    known = {gate.get("name") for gate in gates}
    for index, gate in enumerate(after.get("schedulingGates") or _NONE):
        if gate.get("name") not in known:
            why = f"only deletion is allowed, but found new scheduling gate '{gate.get('name')}'"
            found.append(errors.forbidden_field(f"spec.schedulingGates[{index}].name", why))
    if after == before:
        return
    munged = _munged(after, before)
    if gates:
        _allow_gated_changes(munged, before, found)
    if not same(munged, before):
        why = (
            f"pod updates may not change fields other than {_UPDATABLE}\n{diff_of('PodSpec', before, munged)}"
        )
        found.append(errors.forbidden_field("spec", why))


def _munged(after: Obj, before: Obj) -> Obj:
    """The new spec with everything put back that may change."""
    munged = dict(after)
    for field in ("containers", "initContainers"):
        if after.get(field):
            munged[field] = [
                container | {"image": was.get("image")} for container, was in zip(after[field], before[field])
            ]
    for field in ("activeDeadlineSeconds", "schedulingGates", "tolerations"):
        munged[field] = before.get(field)
    grace = before.get("terminationGracePeriodSeconds")
    if grace is not None and grace < 0 and munged.get("terminationGracePeriodSeconds") == 1:
        munged["terminationGracePeriodSeconds"] = grace
    return munged


def _allow_gated_changes(munged: Obj, before: Obj, found: Errors) -> None:
    """While a pod is gated its node selector and node affinity may become narrower."""
    selector, was = munged.get("nodeSelector") or {}, before.get("nodeSelector") or {}
    if selector != was:
        if any(selector.get(key) != value for key, value in was.items()):
            why = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
            found.append(errors.invalid_value("spec.nodeSelector", selector, why))
        munged["nodeSelector"] = before.get("nodeSelector")
    affinity, old_affinity = munged.get("affinity") or {}, before.get("affinity") or {}
    if not same(affinity.get("nodeAffinity"), old_affinity.get("nodeAffinity")):
        _check_narrowed(affinity.get("nodeAffinity"), old_affinity.get("nodeAffinity"), found)
        munged["affinity"] = affinity | {"nodeAffinity": old_affinity.get("nodeAffinity")}
        if before.get("affinity") is None and not any(munged["affinity"].values()):
            munged["affinity"] = None


_REQUIRED_TERMS = "requiredDuringSchedulingIgnoredDuringExecution"


def _check_narrowed(after: Obj | None, before: Obj | None, found: Errors) -> None:
    """Terms that a node must meet may only ask for more. Source: validateNodeAffinityMutation."""
    path = f"spec.affinity.nodeAffinity.{_REQUIRED_TERMS}.nodeSelectorTerms"
    old_terms = ((before or {}).get(_REQUIRED_TERMS) or {}).get("nodeSelectorTerms") or _NONE
    new_terms = ((after or {}).get(_REQUIRED_TERMS) or {}).get("nodeSelectorTerms")
    if not old_terms:
        return
    if len(old_terms) != len(new_terms or _NONE):
        why = "no additions/deletions to non-empty NodeSelectorTerms list are allowed"
        shown = internals.each("NodeSelectorTerm", new_terms)
        found.append(errors.invalid_value(path, shown, why))
        return
    for index, (new, old) in enumerate(zip(new_terms or _NONE, old_terms)):
        if not _only_added(new, old):
            why = "only additions are allowed (no mutations or deletions)"
            term = internals.of("NodeSelectorTerm", new)
            found.append(errors.invalid_value(f"{path}[{index}]", term, why))


def _only_added(new: Obj, old: Obj) -> bool:
    """Source: validateNodeSelectorTermHasOnlyAdditions."""
    fields = ("matchExpressions", "matchFields")
    if not any(old.get(field) for field in fields):
        return not any(new.get(field) for field in fields)
    return all(same((new.get(f) or [])[: len(old.get(f) or _NONE)], old.get(f)) for f in fields)


def _check_deadline(after: int | None, before: int | None, found: Errors) -> bool:
    """Whether the rest of the update is worth looking at."""
    at = "spec.activeDeadlineSeconds"
    if after is not None:
        if not 0 <= after <= INT32_MAX:
            found.append(errors.invalid_value(at, after, names.range_text(0, INT32_MAX)))
            return False
        if before is not None and before < after:
            why = "must be less than or equal to previous value"
            found.append(errors.invalid_value(at, after, why))
            return False
    elif before is not None:
        why = "must not update from a positive integer to nil value"
        found.append(errors.invalid_value(at, None, why))
    return True


def _check_added_tolerations(after: Sequence[Obj], before: Sequence[Obj], found: Errors) -> None:
    """Source: validateOnlyAddedTolerations."""
    if after == before:
        return
    left = [_without_seconds(toleration) for toleration in after]
    if any(_without_seconds(toleration) not in left for toleration in before):
        why = "existing toleration can not be modified except its tolerationSeconds"
        found.append(errors.forbidden_field("spec.tolerations", why))
        return
    check_tolerations(after, "spec.tolerations", found)


def _without_seconds(toleration: Obj) -> Obj:
    return {key: value for key, value in toleration.items() if value and key != "tolerationSeconds"}


def _check_annotation_updates(new: Obj, old: Obj, found: Errors) -> None:
    after = new["metadata"].get("annotations") or {}
    before = old["metadata"].get("annotations") or {}
    if before.get(MIRROR) == after.get(MIRROR):
        return
    word = "remove or update" if MIRROR in before else "add"
    found.append(
        errors.forbidden_field(f"metadata.annotations[{MIRROR}]", f"may not {word} mirror pod annotation")
    )


def diff_of(struct: str, before: Obj, after: Obj) -> str:
    return diff(internals.of(struct, before), internals.of(struct, after))


# Matching lines takes time with the square of their number; above this, what lies between the first and the last
# difference is shown as one change.
_MATCHED_LINES_MAX = 4_000


def diff(before: Obj | None, after: Obj | None) -> str:
    """Source: apimachinery pkg/util/diff: a unified diff of pretty-printed JSON, without the names of files."""
    a, b = (json.dumps(obj, indent=1, ensure_ascii=False).split("\n") for obj in (before, after))
    if len(a) + len(b) > _MATCHED_LINES_MAX:
        return _one_change(a, b)
    lines = difflib.unified_diff(a, b, n=3, lineterm="")
    return "".join(f"{line}\n" for line in itertools.islice(lines, 2, None))


def _one_change(a: list[str], b: list[str]) -> str:
    shorter = min(len(a), len(b))
    head = next((at for at in range(shorter) if a[at] != b[at]), shorter)
    tail = next((at for at in range(shorter - head) if a[-1 - at] != b[-1 - at]), shorter - head)
    first, after = max(0, head - 3), min(tail, 3)
    sizes = (len(a) - tail + after - first, len(b) - tail + after - first)
    lines = [f"@@ -{first + 1},{sizes[0]} +{first + 1},{sizes[1]} @@"]
    lines += [f" {line}" for line in a[first:head]]
    lines += [f"-{line}" for line in a[head : len(a) - tail]]
    lines += [f"+{line}" for line in b[head : len(b) - tail]]
    lines += [f" {line}" for line in a[len(a) - tail : len(a) - tail + after]]
    return "".join(f"{line}\n" for line in lines)


def check_ephemeral_update(new: Obj, old: Obj, found: Errors) -> None:
    """The ephemeralcontainers subresource. Source: ValidatePodEphemeralContainersUpdate."""
    if MIRROR in annotations_of(old):
        found[:] = [errors.forbidden_field("[]", "static pods do not support ephemeral containers")]
        return
    check_pod(new, found)
    _check_annotation_updates(new, old, found)
    after = {c.get("name"): c for c in (new.get("spec") or {}).get("ephemeralContainers") or _NONE}
    for container in (old.get("spec") or {}).get("ephemeralContainers") or _NONE:
        name = container.get("name")
        quoted = errors.quote(name or "")
        if name not in after:
            why = f"existing ephemeral containers {quoted} may not be removed\n"
            found.append(errors.forbidden_field("spec.ephemeralContainers", why))
        elif not same(container, after[name]):
            changes = diff_of("EphemeralContainer", container, after[name])
            why = f"existing ephemeral containers {quoted} may not be changed\n{changes}"
            found.append(errors.forbidden_field("spec.ephemeralContainers", why))
