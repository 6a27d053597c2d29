"""Deployments, ReplicaSets and their like: generations; jobs get their selector.

Source: kubernetes pkg/registry/apps/*/strategy.go, pkg/registry/batch/{job,cronjob}/strategy.go,
pkg/registry/core/replicationcontroller/strategy.go.
"""

from __future__ import annotations

from kubepy.api.defaults import TEMPLATE_GENERATION
from kubepy.api.objects import Obj, annotations_of
from kubepy.apiserver.registry.strategies.base import ORPHAN_DEPENDENTS, Moment, Strategy, content


class Counted(Strategy):
    """Nothing but a generation that counts changes of the spec."""

    counts_generations = True


class PriorityClassStrategy(Counted):
    """It has a generation, and always the same: what counts cannot change."""

    def is_another_wish(self, new: Obj, old: Obj) -> bool:
        return False


class DeploymentStrategy(Counted):
    keeps_labels_on_status_update = True

    def is_another_wish(self, new: Obj, old: Obj) -> bool:
        # Annotations are copied to ReplicaSets, so their change is something to do as well.
        return content(new) != content(old) or annotations_of(new) != annotations_of(old)


class DaemonSetStrategy(Counted):
    """A second count, of templates, travels in an annotation that old clients read; the server's alone."""

    def prepare_create(self, obj: Obj, moment: Moment) -> None:
        super().prepare_create(obj, moment)
        _set_template_generation(obj, max(_template_generation(obj), 1))

    def prepare_update(self, new: Obj, old: Obj, moment: Moment) -> None:
        super().prepare_update(new, old, moment)
        is_new = (new.get("spec") or {}).get("template") != (old.get("spec") or {}).get("template")
        _set_template_generation(new, _template_generation(old) + is_new)

    def prepare_subresource_update(self, subresource: str, new: Obj, old: Obj, moment: Moment) -> None:
        super().prepare_subresource_update(subresource, new, old, moment)
        _set_template_generation(new, _template_generation(old))


def _template_generation(obj: Obj) -> int:
    text = annotations_of(obj).get(TEMPLATE_GENERATION, "")
    return int(text) if text.isascii() and text.isdigit() else 0


def _set_template_generation(obj: Obj, count: int) -> None:
    """Source: apps/v1 Convert_apps_DaemonSet_To_v1_DaemonSet."""
    if count:
        obj["metadata"]["annotations"] = {**annotations_of(obj), TEMPLATE_GENERATION: str(count)}


class ReplicationControllerStrategy(Counted):
    garbage_collection = ORPHAN_DEPENDENTS


class JobStrategy(Counted):
    garbage_collection = ORPHAN_DEPENDENTS
    # Source: batch/job/storage/storage.go deleteOptionWarnings.
    deletion_warning = (
        "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or "
        "set propagationPolicy=Orphan to suppress this warning"
    )

    def prepare_create(self, obj: Obj, moment: Moment) -> None:
        super().prepare_create(obj, moment)
        if not obj["spec"].get("manualSelector"):
            _generate_selector(obj)

    def canonicalize(self, obj: Obj) -> None:
        """What is read is defaulted again, and by then the template has labels. Source: SetDefaults_Job."""
        labels = (obj["spec"].get("template", {}).get("metadata") or {}).get("labels")
        if labels and not obj["metadata"].get("labels"):
            obj["metadata"]["labels"] = dict(labels)


def _generate_selector(job: Obj) -> None:
    """Source: batch/job/strategy.go generateSelector. A selector that somebody set stays, for validation to judge."""
    # Without a name it is refused later.
    uid, job_name = job["metadata"]["uid"], job["metadata"].get("name", "")
    template = job["spec"].setdefault("template", {})
    labels = template.setdefault("metadata", {}).setdefault("labels", {})
    for name, value in (
        ("batch.kubernetes.io/controller-uid", uid),
        ("batch.kubernetes.io/job-name", job_name),
        ("controller-uid", uid),
        ("job-name", job_name),
    ):
        labels.setdefault(name, value)
    selector = job["spec"].setdefault("selector", {})
    selector.setdefault("matchLabels", {}).setdefault("batch.kubernetes.io/controller-uid", uid)
