"""Pods: phase, QoS class, generation, selectors that follow the pod's own labels, and graceful deletion.

Source: kubernetes pkg/registry/core/pod/strategy.go.
"""

from __future__ import annotations

from kubepy.api import app_armor, pods
from kubepy.api.builtins import POD_GROUPS
from kubepy.api.objects import Obj
from kubepy.apiserver.registry.options import DeleteOptions
from kubepy.apiserver.registry.strategies.base import Moment, Strategy, keep_metadata, take

_GATED = "Scheduling is blocked due to non-empty scheduling gates"


class PodStrategy(Strategy):
    returns_deleted = True
    counts_generations = True

    def prepare_create(self, obj: Obj, moment: Moment) -> None:
        super().prepare_create(obj, moment)
        obj["status"] = {"phase": "Pending", "qosClass": pods.qos_class(obj)}
        if obj["spec"].get("schedulingGates"):
            obj["status"]["conditions"] = [
                {
                    "type": "PodScheduled",
                    "status": "False",
                    "lastProbeTime": None,
                    "lastTransitionTime": moment.now,
                    "reason": "SchedulingGated",
                    "message": _GATED,
                }
            ]
        spec = obj["spec"]
        if not self.is_served(POD_GROUPS):
            spec.pop("schedulingGroup", None)
        if spec.get("affinity") or spec.get("topologySpreadConstraints"):
            _follow_labels(spec, obj["metadata"].get("labels") or {})
        if obj["metadata"].get("annotations"):
            moment.warnings.extend(app_armor.follow_annotations(obj))

    def is_another_wish(self, new: Obj, old: Obj) -> bool:
        return new.get("spec") != old.get("spec")

    def prepare_subresource_update(self, subresource: str, new: Obj, old: Obj, moment: Moment) -> None:
        if subresource == "status":
            _prepare_status(new, old)
            return
        if subresource == "binding":
            # Computed here, from the old one.
            return
        # ephemeralcontainers and resize change one part of the spec and nothing else.
        wanted = new.get("spec") or {}
        spec = dict(old["spec"])
        if subresource == "ephemeralcontainers":
            take(spec, wanted, "ephemeralContainers")
        elif subresource == "resize":
            if not _take_resources(spec, wanted):
                # Other containers than before: validation says so, about the object as it came.
                return
        new["spec"] = spec
        take(new, old, "status")
        keep_metadata(new, old)
        if spec != old["spec"]:
            new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1

    def grace_period_s(self, obj: Obj, options: DeleteOptions) -> int | None:
        spec = obj["spec"]
        period = options.grace_period_s
        if period is None:
            period = spec.get("terminationGracePeriodSeconds") or 0
        # Nobody would finish the deletion of a pod that no kubelet has, and nothing is left to wait for at the end.
        if not spec.get("nodeName") or (obj.get("status") or {}).get("phase") in ("Failed", "Succeeded"):
            period = 0
        return period if period >= 0 else 1


def _follow_labels(spec: Obj, labels: dict[str, str]) -> None:
    """matchLabelKeys and mismatchLabelKeys become expressions with the pod's own values, for good.

    Source: mutatePodAffinity, mutateTopologySpreadConstraints.
    """
    affinity = spec.get("affinity") or {}
    for kind in ("podAffinity", "podAntiAffinity"):
        found = affinity.get(kind) or {}
        for entry in found.get("preferredDuringSchedulingIgnoredDuringExecution") or ():
            _merge_keys(entry.get("podAffinityTerm") or {}, labels)
        for term in found.get("requiredDuringSchedulingIgnoredDuringExecution") or ():
            _merge_keys(term, labels)
    for constraint in spec.get("topologySpreadConstraints") or ():
        _merge_keys(constraint, labels)


def _merge_keys(term: Obj, labels: dict[str, str]) -> None:
    selector = term.get("labelSelector")
    if selector is None:
        return
    more = [
        {"key": key, "operator": operator, "values": [labels[key]]}
        for field, operator in (("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn"))
        for key in term.get(field) or ()
        if key in labels
    ]
    if more:
        selector["matchExpressions"] = [*(selector.get("matchExpressions") or ()), *more]


def _prepare_status(new: Obj, old: Obj) -> None:
    take(new, old, "spec")
    # Old kubelets corrupt owner references.
    take(new["metadata"], old["metadata"], "ownerReferences")
    new["metadata"].pop("deletionTimestamp", None)
    status, old_status = new.setdefault("status", {}), old.get("status") or {}
    if not status.get("qosClass"):
        take(status, old_status, "qosClass")
    if not status.get("observedGeneration"):
        take(status, old_status, "observedGeneration")


def _take_resources(spec: Obj, wanted: Obj) -> bool:
    """Resources and resize policies of containers, place by place; False if there are more or fewer of them.

    Source: dropNonResizeUpdates."""
    fields = ("containers", "initContainers")
    if any(len(spec.get(field) or ()) != len(wanted.get(field) or ()) for field in fields):
        return False
    for field in fields:
        if wanted.get(field):
            spec[field] = _with_resources(spec[field], wanted[field])
    take(spec, wanted, "resources")
    return True


def _with_resources(containers: list[Obj], wanted: list[Obj]) -> list[Obj]:
    if any(asked.get("name") != container.get("name") for asked, container in zip(wanted, containers)):
        # Renamed or reordered, for validation to refuse.
        return wanted
    made = [dict(container) for container in containers]
    for container, asked in zip(made, wanted):
        take(container, asked, "resources")
        take(container, asked, "resizePolicy")
    return made
