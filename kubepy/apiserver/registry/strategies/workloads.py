"""Deployments, ReplicaSets and their like: generations; jobs get their selector.

Source: kubernetes pkg/registry/apps/*/strategy.go, pkg/registry/batch/{job,cronjob}/strategy.go,
pkg/registry/core/replicationcontroller/strategy.go.
"""

from __future__ import annotations

from kubepy.api.objects import Obj
from kubepy.apiserver.registry.strategies.base import ORPHAN_DEPENDENTS, Moment, Strategy, content


class Counted(Strategy):
    """Nothing but a generation that counts changes of the spec."""

    counts_generations = True


class DeploymentStrategy(Counted):
    keeps_labels_on_status_update = True

    def is_another_wish(self, new: Obj, old: Obj) -> bool:
        # Annotations are copied to ReplicaSets, so their change is something to do as well.
        return content(new) != content(old) or _annotations(new) != _annotations(old)


class ReplicationControllerStrategy(Counted):
    garbage_collection = ORPHAN_DEPENDENTS


class JobStrategy(Counted):
    garbage_collection = ORPHAN_DEPENDENTS

    def prepare_create(self, obj: Obj, moment: Moment) -> None:
        super().prepare_create(obj, moment)
        if not obj["spec"].get("manualSelector"):
            _generate_selector(obj)


def _annotations(obj: Obj) -> Obj:
    return obj["metadata"].get("annotations") or {}


def _generate_selector(job: Obj) -> None:
    """Source: batch/job/strategy.go generateSelector. A selector that somebody set stays, for validation to judge."""
    uid = job["metadata"]["uid"]
    template = job["spec"].setdefault("template", {})
    labels = template.setdefault("metadata", {}).setdefault("labels", {})
    for name, value in (
        ("batch.kubernetes.io/controller-uid", uid),
        ("batch.kubernetes.io/job-name", job["metadata"]["name"]),
        ("controller-uid", uid),
        ("job-name", job["metadata"]["name"]),
    ):
        labels.setdefault(name, value)
    selector = job["spec"].setdefault("selector", {})
    selector.setdefault("matchLabels", {}).setdefault("batch.kubernetes.io/controller-uid", uid)
