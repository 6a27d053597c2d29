"""Jobs and CronJobs.

Source: kubernetes pkg/apis/batch/validation/validation.go.
"""

from __future__ import annotations

import re
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kubepy.api import errors, internals, names, selectors
from kubepy.api.objects import Obj, is_condition_true
from kubepy.api.validation.job_policies import check_failure_policy, check_success_policy
from kubepy.api.validation.job_status import check_job_status
from kubepy.api.validation.pods import check_template
from kubepy.api.validation.rules import (
    Errors,
    Kind,
    check_enum,
    check_label_selector,
    check_non_negative,
    immutable,
    on_update,
    required_enum,
    same,
    selector_of,
)
from kubepy.lib import cron

_UID_LABELS = ("batch.kubernetes.io/controller-uid", "controller-uid")
_NAME_LABELS = ("batch.kubernetes.io/job-name", "job-name")

_INDEXED_PARALLELISM_MAX = 100_000
_FAILED_INDEXES_MAX = 100_000
_MANAGED_BY_LENGTH_MAX = 63

_check_completion_mode = check_enum(("NonIndexed", "Indexed"))


def _check_job(job: Obj, found: Errors) -> None:
    """Source: ValidateJob."""
    _check_generated_selector(job, job.get("spec") or {}, found)
    _check_own_spec(job, found)
    _check_hostnames(job, found)


def _check_own_spec(job: Obj, found: Errors) -> None:
    """Of a Job that is one, with its selector. Source: ValidateJobSpec."""
    spec = job.get("spec") or {}
    check_job_spec(spec, "spec", found)
    selector = spec.get("selector")
    if selector is None:
        found.append(errors.required("spec.selector"))
    else:
        check_label_selector(selector, "spec.selector", found)
    compiled = selectors.NOTHING if selector is None else selector_of(selector)
    if compiled is not None:
        labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
        if not compiled.matches(labels or {}):
            why = "`selector` does not match template `labels`"
            found.append(errors.invalid_value("spec.template.metadata.labels", labels, why))


def _check_generated_selector(job: Obj, spec: Obj, found: Errors) -> None:
    """The labels that the API server itself puts on a Job's template. Source: validateGeneratedSelector."""
    selector = spec.get("selector")
    if spec.get("manualSelector") or selector is None:
        return
    metadata = job["metadata"]
    uid, name = metadata.get("uid") or "", metadata.get("name") or ""
    if not uid:
        found.append(errors.required("metadata.uid"))
    expected = dict.fromkeys(_UID_LABELS, uid) | dict.fromkeys(_NAME_LABELS, name)
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    for key in ("controller-uid", "job-name", *_UID_LABELS[:1], *_NAME_LABELS[:1]):
        path = f"spec.template.metadata.labels[{key}]"
        if key not in labels:
            found.append(errors.required(path, f"must be '{expected[key]}'"))
        elif labels[key] != expected[key]:
            # All of them are shown.
            found.append(errors.invalid_value(path, labels, f"must be '{expected[key]}'"))
    compiled = selector_of(selector)
    if compiled is not None and not compiled.matches(expected):
        found.append(
            errors.invalid_value(
                "spec.selector", internals.of("LabelSelector", selector), "`selector` not auto-generated"
            )
        )


def check_job_spec(spec: Obj, path: str, found: Errors) -> None:
    """Of a Job, or of the template of one. Source: validateJobSpec."""
    for field in (
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ):
        check_non_negative(spec.get(field), f"{path}.{field}", found)
    if spec.get("maxFailedIndexes") is not None and spec.get("backoffLimitPerIndex") is None:
        found.append(errors.required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified"))
    managed_by = spec.get("managedBy")
    if managed_by is not None:
        _check_managed_by(managed_by, f"{path}.managedBy", found)
    mode = spec.get("completionMode")
    _check_completion_mode(mode, f"{path}.completionMode", found)
    if mode == "Indexed":
        _check_indexed(spec, path, found)
    elif mode in (None, "NonIndexed"):
        for field in ("backoffLimitPerIndex", "maxFailedIndexes"):
            if spec.get(field) is not None:
                why = "requires indexed completion mode"
                found.append(errors.invalid_value(f"{path}.{field}", spec[field], why))
    policy = spec.get("podFailurePolicy")
    if policy is not None:
        check_failure_policy(spec, policy, f"{path}.podFailurePolicy", found)
    success = spec.get("successPolicy")
    if success is not None:
        if mode != "Indexed":
            why = "requires indexed completion mode"
            shown = internals.of("SuccessPolicy", success)
            found.append(errors.invalid_value(f"{path}.successPolicy", shown, why))
        elif spec.get("completions") is not None:
            check_success_policy(spec, success, f"{path}.successPolicy", found)
    _check_replacement(spec, f"{path}.podReplacementPolicy", found)
    template = spec.get("template") or {}
    check_template(template, f"{path}.template", found)
    restart = (template.get("spec") or {}).get("restartPolicy") or ""
    at = f"{path}.template.spec.restartPolicy"
    if restart in ("", "Always"):
        found.append(errors.required(at, 'valid values: "OnFailure", "Never"'))
    elif restart not in ("OnFailure", "Never"):
        found.append(errors.not_supported(at, restart, ("OnFailure", "Never")))
    elif policy is not None and restart != "Never":
        why = 'only "Never" is supported when podFailurePolicy is specified'
        found.append(errors.invalid_value(at, restart, why))


def _check_indexed(spec: Obj, path: str, found: Errors) -> None:
    completions, parallelism = spec.get("completions"), spec.get("parallelism")
    failed = spec.get("maxFailedIndexes")
    if completions is None:
        found.append(errors.required(f"{path}.completions", "when completion mode is Indexed"))
    if parallelism is not None and parallelism > _INDEXED_PARALLELISM_MAX:
        why = f"must be less than or equal to {_INDEXED_PARALLELISM_MAX} when completion mode is Indexed"
        found.append(errors.invalid_value(f"{path}.parallelism", parallelism, why))
    if failed is not None:
        if completions is not None and failed > completions:
            why = "must be less than or equal to completions"
            found.append(errors.invalid_value(f"{path}.maxFailedIndexes", failed, why))
        if failed > _FAILED_INDEXES_MAX:
            why = f"must be less than or equal to {_FAILED_INDEXES_MAX}"
            found.append(errors.invalid_value(f"{path}.maxFailedIndexes", failed, why))


def _check_managed_by(value: str, path: str, found: Errors) -> None:
    if not value:
        found.append(errors.required(path))
    elif not all(value.partition("/")):
        why = 'must be a domain-prefixed path (such as "acme.io/foo")'
        found.append(errors.invalid_value(path, value, why))
    else:
        domain = value.partition("/")[0]
        for message in names.dns1123_subdomain(domain):
            found.append(errors.invalid_value(path, domain, message))
    if len(value) > _MANAGED_BY_LENGTH_MAX:
        found.append(errors.too_long(path, _MANAGED_BY_LENGTH_MAX))


def _check_replacement(spec: Obj, path: str, found: Errors) -> None:
    policy = spec.get("podReplacementPolicy")
    if policy is None:
        return
    allowed = ("Failed",) if spec.get("podFailurePolicy") is not None else ("Failed", "TerminatingOrFailed")
    if policy not in allowed:
        found.append(errors.not_supported(path, policy, allowed))


def _check_hostnames(job: Obj, found: Errors) -> None:
    """The last pod's host name must be one."""
    spec, name = job.get("spec") or {}, job["metadata"].get("name") or ""
    if spec.get("completionMode") == "Indexed" and (spec.get("completions") or 0) > 0:
        hostname = f"{name}-{spec['completions'] - 1}"
        if names.dns1123_label(hostname):
            why = f"will not able to create pod with invalid DNS label: {hostname}"
            found.append(errors.invalid_value("metadata.name", name, why))


# -- updates ---------------------------------------------------------------------------------------------------


def _check_completions(new: Obj, old: Obj, found: Errors) -> None:
    after, before = new.get("spec") or {}, old.get("spec") or {}
    if same(after.get("completions"), before.get("completions")):
        return
    completions = after.get("completions")
    if after.get("completionMode") != "Indexed":
        found.append(errors.invalid_value("spec.completions", completions, "field is immutable"))
    elif completions is not None and completions != after.get("parallelism"):
        why = "can only be modified in tandem with spec.parallelism"
        found.append(errors.invalid_value("spec.completions", completions, why))


# What may change in the template of a Job that is suspended and has no pods, besides resources.
_SCHEDULING_DIRECTIVES = ("nodeSelector", "tolerations", "schedulingGates")


def _check_template_update(new: Obj, old: Obj, found: Errors) -> None:
    """Source: validatePodTemplateUpdate."""
    after, before = ((job.get("spec") or {}).get("template") or {} for job in (new, old))
    if same(after, before):
        return
    if not _may_change_template(old):
        shown = internals.of("PodTemplateSpec", after)
        found.append(errors.invalid_value("spec.template", shown, "field is immutable"))
        return
    spec = after.get("spec") or {}
    if not same(spec, _with_resources(_with_directives(before, after)["spec"], spec)):
        shown = internals.of("PodSpec", spec)
        found.append(errors.invalid_value("spec.template.spec", shown, "field is immutable"))


def _may_change_template(job: Obj) -> bool:
    """Source: registry/batch/job/strategy.go shouldAllowMutablePodTemplate."""
    status = job.get("status") or {}
    is_at_rest = not status.get("startTime") or is_condition_true(job, "Suspended")
    return bool((job.get("spec") or {}).get("suspend")) and is_at_rest and not status.get("active")


def _with_resources(before: Obj, after: Obj) -> Obj:
    """Source: validatePodResourceUpdatesOnly."""
    return before | {
        field: [
            was | {"resources": now.get("resources")} if was.get("name") == now.get("name") else was
            for was, now in zip(before[field], after[field])
        ]
        for field in ("containers", "initContainers")
        if len(before.get(field) or ()) == len(after.get(field) or ()) > 0
    }


def _with_directives(before: Obj, after: Obj) -> Obj:
    spec, new_spec = before.get("spec") or {}, after.get("spec") or {}
    merged = spec | {field: new_spec.get(field) for field in _SCHEDULING_DIRECTIVES}
    affinity, new_affinity = spec.get("affinity"), new_spec.get("affinity")
    if affinity is not None or new_affinity is not None:
        node_affinity = (new_affinity or {}).get("nodeAffinity")
        merged["affinity"] = (affinity or {}) | {"nodeAffinity": node_affinity}
        if new_affinity is None and not any(merged["affinity"].values()):
            merged["affinity"] = None
    metadata, new_metadata = before.get("metadata") or {}, after.get("metadata") or {}
    labelled = metadata | {field: new_metadata.get(field) for field in ("labels", "annotations")}
    return before | {"spec": merged, "metadata": labelled}


# -- CronJob ---------------------------------------------------------------------------------------------------


def _check_cron_job(job: Obj, found: Errors) -> None:
    """Source: validateCronJobSpec."""
    spec = job.get("spec") or {}
    schedule = spec.get("schedule")
    if not schedule:
        found.append(errors.required("spec.schedule"))
    else:
        if why := schedule_error(schedule):
            found.append(errors.invalid_value("spec.schedule", schedule, why))
        if "TZ" in schedule:
            why = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
            found.append(errors.invalid_value("spec.schedule", schedule, why))
    check_non_negative(spec.get("startingDeadlineSeconds"), "spec.startingDeadlineSeconds", found)
    zone = spec.get("timeZone")
    if zone is not None:
        _check_time_zone(zone, found)
    template = (spec.get("jobTemplate") or {}).get("spec") or {}
    check_job_spec(template, "spec.jobTemplate.spec", found)
    if template.get("selector") is not None:
        why = "`selector` will be auto-generated"
        shown = internals.of("LabelSelector", template["selector"])
        found.append(errors.invalid_value("spec.jobTemplate.spec.selector", shown, why))
    if template.get("manualSelector"):
        found.append(errors.not_supported("spec.jobTemplate.spec.manualSelector", True, ("nil", "false")))
    for field in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        check_non_negative(spec.get(field), f"spec.{field}", found)


_match_zone_part = re.compile(r"[A-Za-z0-9._+][A-Za-z0-9._+-]{0,13}|[A-Za-z0-9._+-]+").fullmatch


def _check_time_zone(zone: str, found: Errors) -> None:
    """Source: validateTimeZone."""
    if not zone:
        found.append(errors.invalid_value("spec.timeZone", zone, "timeZone must be nil or non-empty string"))
        return
    for part in zone.split("/"):
        if part in (".", "..") or part.startswith("-") or not _match_zone_part(part):
            found.append(errors.invalid_value("spec.timeZone", zone, f"unknown time zone {zone}"))
            return
    if zone.lower() == "local":
        why = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        found.append(errors.invalid_value("spec.timeZone", zone, why))
    if not _is_known_zone(zone):
        found.append(errors.invalid_value("spec.timeZone", zone, f"unknown time zone {zone}"))


@lru_cache(maxsize=1024)
def _is_known_zone(zone: str) -> bool:
    """Whether time.LoadLocation would find it; "Local" is the machine's."""
    if zone == "Local":
        return True
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def schedule_error(schedule: str) -> str:
    """Why a text is no schedule, "" when it is one. Source: robfig/cron ParseStandard."""
    if schedule.startswith(("TZ=", "CRON_TZ=")):
        schedule = schedule.partition(" ")[2].strip()
    try:
        cron.parse(schedule)
    except ValueError as error:
        return str(error)
    return ""


def _check_cron_job_create(job: Obj, found: Errors) -> None:
    """Its Jobs are named after it with 11 characters more."""
    name = job["metadata"].get("name") or ""
    if len(name) > names.LABEL_LENGTH_MAX - 11:
        found.append(errors.invalid_value("metadata.name", name, "must be no more than 52 characters"))


BATCH: dict[tuple[str, str], Kind] = {
    ("batch", "Job"): Kind(
        rules=(_check_job,),
        update=(
            # The spec once more, as upstream does.
            *on_update(_check_own_spec),
            _check_completions,
            immutable("spec.selector", struct="LabelSelector"),
            _check_template_update,
            immutable("spec.completionMode"),
            immutable("spec.podFailurePolicy", struct="PodFailurePolicy"),
            immutable("spec.backoffLimitPerIndex"),
            immutable("spec.managedBy"),
            immutable("spec.successPolicy", struct="SuccessPolicy"),
        ),
        subresources={"status": (check_job_status,)},
    ),
    ("batch", "CronJob"): Kind(
        rules=(_check_cron_job, required_enum("spec.concurrencyPolicy", ("Allow", "Forbid", "Replace"))),
        create=(_check_cron_job_create,),
    ),
}
