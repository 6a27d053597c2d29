"""The pods a Job makes.

Source: kubernetes 1.36 pkg/controller/job/{job_controller,indexed_job_utils}.go.
"""

from __future__ import annotations

from kubepy.api.objects import Obj
from kubepy.controllers.job_facts import TRACKING
from kubepy.controllers.job_indexes import (
    COMPLETION_INDEX,
    INDEX_FAILURES,
    INDEX_IGNORED_FAILURES,
    failures_before,
    ignored_before,
)
from kubepy.controllers.job_policies import judge_failure
from kubepy.controllers.replica_set import render_pod

# Source: names/generate.go, MaxGeneratedNameLength.
_GENERATE_NAME_MAX = 58
_INDEX_VARIABLE = "JOB_COMPLETION_INDEX"


def render_job_pod(job: Obj) -> Obj:
    pod = render_pod(job)
    finalizers = pod["metadata"].get("finalizers") or []
    if TRACKING not in finalizers:
        pod["metadata"]["finalizers"] = [*finalizers, TRACKING]
    return pod


def render_indexed_pod(job: Obj, index: int, replaced: Obj | None) -> Obj:
    """It knows its index by annotation, label, hostname and environment. replaced: the failed pod of that index."""
    pod = render_job_pod(job)
    metadata, name = pod["metadata"], job["metadata"]["name"]
    annotations = {COMPLETION_INDEX: str(index)}
    if job["spec"].get("backoffLimitPerIndex") is not None:
        failures, ignored = _index_failures(job, replaced)
        annotations[INDEX_FAILURES] = str(failures)
        if ignored:
            annotations[INDEX_IGNORED_FAILURES] = str(ignored)
    metadata["annotations"] = {**metadata.get("annotations", {}), **annotations}
    metadata["labels"] = {**metadata.get("labels", {}), COMPLETION_INDEX: str(index)}
    suffix = f"-{index}-"
    metadata["generateName"] = name[: _GENERATE_NAME_MAX - len(suffix)] + suffix
    spec = dict(pod["spec"], hostname=f"{name}-{index}")
    for kind in ("initContainers", "containers"):
        if kind in spec:
            spec[kind] = [_with_index_variable(container) for container in spec[kind]]
    pod["spec"] = spec
    return pod


def _index_failures(job: Obj, replaced: Obj | None) -> tuple[int, int]:
    """(failures that count, those that do not), the replaced pod's included. Source: getNewIndexFailureCounts."""
    if replaced is None:
        return 0, 0
    counts = judge_failure(job["spec"].get("podFailurePolicy"), replaced).counts
    return failures_before(replaced) + counts, ignored_before(replaced) + (not counts)


def _with_index_variable(container: Obj) -> Obj:
    variables = container.get("env") or []
    if any(variable["name"] == _INDEX_VARIABLE for variable in variables):
        return container
    source = {"fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.labels['{COMPLETION_INDEX}']"}}
    return container | {"env": [*variables, {"name": _INDEX_VARIABLE, "valueFrom": source}]}
