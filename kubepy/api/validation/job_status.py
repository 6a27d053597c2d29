"""What may be written into a Job's status: a state that a Job can be in, reached by a step that it can take.

Most rules look only at what a write changes, so that a status which was bad already can still be written: RULES names
for each rule the facts whose change makes it count.

Source: kubernetes pkg/apis/batch/validation/validation.go validateJobStatus, ValidateJobStatusUpdate;
pkg/registry/batch/job/strategy.go getStatusValidationOptions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kubepy.api import errors
from kubepy.api.errors import OMITTED
from kubepy.api.objects import Obj, is_condition_true
from kubepy.api.validation.rules import IMMUTABLE_TEXT, Errors, check_non_negative, same
from kubepy.lib.clock import parse_rfc3339

_COUNTERS = ("active", "succeeded", "failed", "ready", "terminating")
_CONDITIONS = "status.conditions"
_COMPLETE, _FAILED, _TARGET, _MET = "Complete", "Failed", "FailureTarget", "SuccessCriteriaMet"


class Facts:
    """A Job, as the rules ask about it."""

    def __init__(self, job: Obj) -> None:
        self.job = job
        self.spec: Obj = job.get("spec") or {}
        self.status: Obj = job.get("status") or {}
        self.is_finished = self.has(_COMPLETE) or self.has(_FAILED)
        self.is_indexed = self.spec.get("completionMode") == "Indexed"

    def has(self, condition: str) -> bool:
        return is_condition_true(self.job, condition)

    def count(self, name: str) -> int:
        return self.status.get(name) or 0

    def fact(self, name: str) -> object:
        """What RULES compares: a condition, "finished", or a field of the status."""
        if name == "finished":
            return self.is_finished
        if name[0].isupper():
            return self.has(name)
        return self.status.get(name) or (0 if name == "active" else None)

    @property
    def uncounted(self) -> list[str]:
        pods = self.status.get("uncountedTerminatedPods") or {}
        return [*(pods.get("succeeded") or ()), *(pods.get("failed") or ())]

    @property
    def may_lack_start(self) -> bool:
        """Suspended, with nothing to do."""
        return self.spec.get("suspend") is True and self.spec.get("completions") == 0


def _conditions(why: str) -> tuple[str, object, str]:
    return _CONDITIONS, OMITTED, why


def _status(job: Facts, field: str, why: str) -> tuple[str, object, str]:
    return f"status.{field}", job.status.get(field), why


Finding = tuple[str, object, str] | None


def _complete_and(condition: str, text: str) -> Callable[[Facts], Finding]:
    def check(job: Facts) -> Finding:
        both = job.has(_COMPLETE) and job.has(condition)
        return _conditions(f"cannot set Complete=True and {text} conditions") if both else None

    return check


def _needs(condition: str, other: str, text: str) -> Callable[[Facts], Finding]:
    def check(job: Facts) -> Finding:
        return _conditions(text) if job.has(condition) and not job.has(other) else None

    return check


def _early_completion(job: Facts) -> Finding:
    if job.status.get("completionTime") is None or job.has(_COMPLETE):
        return None
    return _status(
        job, "completionTime", "cannot set completionTime when there is no Complete=True condition"
    )


def _no_completion(job: Facts) -> Finding:
    if job.status.get("completionTime") is not None or not job.has(_COMPLETE):
        return None
    return "status.completionTime", _REQUIRED, "completionTime is required for Complete jobs"


def _before_start(job: Facts) -> Finding:
    start, end = job.status.get("startTime"), job.status.get("completionTime")
    if start is None or end is None or parse_rfc3339(end) >= parse_rfc3339(start):
        return None
    return _status(job, "completionTime", "must be equal to or after `startTime`")


def _no_start(job: Facts) -> Finding:
    if job.status.get("startTime") is not None or not job.is_finished or job.may_lack_start:
        return None
    return "status.startTime", _REQUIRED, "startTime is required for finished job"


def _left_of(field: str) -> Callable[[Facts], Finding]:
    def check(job: Facts) -> Finding:
        if not job.is_finished or job.count(field) <= 0:
            return None
        return _status(job, field, f"{field}>0 is invalid for finished job")

    return check


def _left_uncounted(job: Facts) -> Finding:
    if not job.is_finished or not job.uncounted:
        return None
    return _status(job, "uncountedTerminatedPods", "must be empty for finished job")


def _bad_indexes(field: str) -> Callable[[Facts], Finding]:
    def check(job: Facts) -> Finding:
        completions, text = job.spec.get("completions"), job.status.get(field)
        if completions is None or not text:
            return None
        if field == "failedIndexes" and job.spec.get("backoffLimitPerIndex") is None:
            return None
        why = indexes_fault(text, completions)
        return _status(job, field, f"error parsing {field}: {why}") if why else None

    return check


def _not_indexed(job: Facts) -> Finding:
    if not job.status.get("completedIndexes") or job.is_indexed:
        return None
    why = "cannot set non-empty completedIndexes when non-indexed completion mode"
    return _status(job, "completedIndexes", why)


def _no_limit_per_index(job: Facts) -> Finding:
    if job.spec.get("backoffLimitPerIndex") is not None or job.status.get("failedIndexes") is None:
        return None
    return _status(
        job, "failedIndexes", "cannot set non-null failedIndexes when backoffLimitPerIndex is null"
    )


def _overlapping(job: Facts) -> Finding:
    completions, failed = job.spec.get("completions"), job.status.get("failedIndexes")
    if completions is None or failed is None:
        return None
    at = _overlap(job.status.get("completedIndexes") or "", failed, completions)
    if at is None:
        return None
    return _status(job, "failedIndexes", f"failedIndexes and completedIndexes overlap at index: {at}")


def _more_ready(job: Facts) -> Finding:
    if job.count("ready") <= job.count("active"):
        return None
    return _status(job, "ready", "cannot set more ready pods than active")


_REQUIRED = object()

# (rule, the facts whose change makes it count), in the order of upstream's findings.
RULES: tuple[tuple[Callable[[Facts], Finding], tuple[str, ...]], ...] = (
    (_complete_and(_FAILED, "Failed=true"), (_COMPLETE, _FAILED)),
    (_complete_and(_TARGET, "FailureTarget=true"), (_COMPLETE, _TARGET)),
    (_early_completion, (_COMPLETE, "completionTime")),
    (_no_completion, (_COMPLETE, "completionTime")),
    (_before_start, ("startTime", "completionTime")),
    (
        _needs(_FAILED, _TARGET, "cannot set Failed=True condition without the FailureTarget=true condition"),
        (_FAILED, "failedIndexes"),
    ),
    (
        _needs(_COMPLETE, _MET, "cannot set Complete=True condition without the SuccessCriteriaMet=true condition"),
        (_COMPLETE, _MET),
    ),
    (_left_of("active"), ("finished", "active")),
    (_no_start, ("finished", "startTime")),
    (_left_uncounted, ("finished", "uncountedTerminatedPods")),
    (_bad_indexes("completedIndexes"), ("completedIndexes",)),
    (_bad_indexes("failedIndexes"), ("failedIndexes",)),
    (_not_indexed, ("completedIndexes",)),
    (_no_limit_per_index, ("failedIndexes",)),
    (_overlapping, ("failedIndexes", "completedIndexes")),
    (_left_of("terminating"), ("finished", "terminating")),
    (_more_ready, ("ready", "active")),
)  # fmt: skip


def check_job_status(new: Obj, old: Obj, found: Errors) -> None:
    job, before = Facts(new), Facts(old)
    for name in _COUNTERS:
        check_non_negative(job.status.get(name), f"status.{name}", found)
    _check_uncounted(job, found)
    for rule, facts in RULES:
        if any(not same(job.fact(name), before.fact(name)) for name in facts) and (finding := rule(job)):
            _add(finding, found)
    for finding in _of_success(job):
        _add(finding, found)
    for finding in _of_the_step(job, before):
        _add(finding, found)


def _add(finding: tuple[str, object, str], found: Errors) -> None:
    field, value, why = finding
    found.append(
        errors.required(field, why) if value is _REQUIRED else errors.invalid_value(field, value, why)
    )


def _check_uncounted(job: Facts, found: Errors) -> None:
    seen: set[str] = set()
    pods = job.status.get("uncountedTerminatedPods") or {}
    for field in ("succeeded", "failed"):
        for index, uid in enumerate(pods.get(field) or ()):
            path = f"status.uncountedTerminatedPods.{field}[{index}]"
            if not uid:
                found.append(errors.invalid_value(path, uid, "must not be empty"))
            elif uid in seen:
                found.append(errors.duplicate(path, uid))
            seen.add(uid)


def _of_success(job: Facts) -> Iterator[tuple[str, object, str]]:
    is_met = job.has(_MET)
    for condition in (_FAILED, _TARGET):
        if is_met and job.has(condition):
            yield _conditions(f"cannot set SuccessCriteriaMet=True and {condition}=true conditions")
    if job.spec.get("successPolicy") is not None and not is_met and job.has(_COMPLETE):
        yield _conditions(
            "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True"
        )


def _of_the_step(job: Facts, before: Facts) -> Iterator[tuple[str, object, str]]:
    for condition in (_FAILED, _COMPLETE, _TARGET):
        if before.has(condition) and not job.has(condition):
            yield _conditions(f"cannot disable the terminal {condition}=True condition")
    if job.count("failed") < before.count("failed"):
        yield "status.failed", job.count("failed"), "cannot decrease the failed counter"
    # An Indexed Job that shrinks forgets what is above its end.
    shrinks = job.is_indexed and job.spec.get("completions") == job.spec.get("parallelism")
    if job.count("succeeded") < before.count("succeeded") and not shrinks:
        yield "status.succeeded", job.count("succeeded"), "cannot decrease the succeeded counter"
    end, old_end = job.status.get("completionTime"), before.status.get("completionTime")
    if end is not None and old_end is not None and end != old_end:
        yield "status.completionTime", end, IMMUTABLE_TEXT
    start, old_start = job.status.get("startTime"), before.status.get("startTime")
    if old_start is not None and start != old_start and not job.spec.get("suspend"):
        if not (before.has("Suspended") and _is_false(job, "Suspended")):
            yield "status.startTime", start, "field is immutable for unsuspended job once set"
    if before.has(_MET) and not job.has(_MET):
        yield _conditions("cannot disable the SuccessCriteriaMet=True condition")
    if before.has(_COMPLETE) and not before.has(_MET) and job.has(_MET):
        yield _conditions("cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions")


def _is_false(job: Facts, type_: str) -> bool:
    conditions = job.status.get("conditions") or ()
    return any(each.get("type") == type_ and each.get("status") == "False" for each in conditions)


# -- indexes: "1,3-5,7" ----------------------------------------------------------------------------------------


class BadInterval(ValueError):
    pass


def _interval(text: str, completions: int) -> tuple[int, int]:
    """Raises BadInterval. Source: parseIndexInterval."""
    limits = text.split("-")
    if len(limits) > 2:
        raise BadInterval(
            f"the fragment {errors.quote(text)} violates the requirement that an index interval can have at most "
            "two parts separated by '-'"
        )
    first, last = (_index(limit, completions) for limit in (limits[0], limits[-1]))
    if len(limits) == 2 and first >= last:
        raise BadInterval(f"non-increasing order, previous: {first}, current: {last}")
    return first, last


def _index(text: str, completions: int) -> int:
    if not (text.isascii() and text.isdigit()):
        raise BadInterval(f"cannot convert string to integer for index: {errors.quote(text)}")
    if int(text) >= completions:
        raise BadInterval(f"too large index: {errors.quote(text)}")
    return int(text)


def indexes_fault(text: str, completions: int) -> str:
    """Source: validateIndexesFormat."""
    last = -1
    try:
        for part in text.split(","):
            first, end = _interval(part, completions)
            if last >= first:
                return f"non-increasing order, previous: {last}, current: {first}"
            last = end
    except BadInterval as error:
        return str(error)
    return ""


def _overlap(completed: str, failed: str, completions: int) -> int | None:
    """The first index that both have; intervals that are none are skipped."""
    mine, theirs = _intervals(completed, completions), _intervals(failed, completions)
    one, other = next(mine, None), next(theirs, None)
    while one is not None and other is not None:
        if one[0] <= other[1] and other[0] <= one[1]:
            return max(one[0], other[0])
        if one[0] <= other[0]:
            one = next(mine, None)
        else:
            other = next(theirs, None)
    return None


def _intervals(text: str, completions: int) -> Iterator[tuple[int, int]]:
    for part in text.split(",") if text else ():
        try:
            yield _interval(part, completions)
        except BadInterval:
            continue
