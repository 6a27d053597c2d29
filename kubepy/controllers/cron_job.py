"""CronJobs: a Job at each moment of a schedule.

Watches CronJobs and Jobs. Owns Jobs. Writes Jobs (create, delete) and the CronJob's status.

A Job is named after the minute it was due, so the moment itself is the lock: whoever comes twice finds the name taken.
Only the most recent missed moment is made up for. A CronJob wakes when a Job of its changes and at its next moment.

Not promised: that two runs of a Forbid CronJob never overlap; another writer of the status can make it forget one.

Source: kubernetes 1.36 pkg/controller/cronjob/{cronjob_controllerv2,utils}.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from email.utils import format_datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from kubepy.api import errors, objects
from kubepy.api.builtins import CRON_JOBS, JOBS
from kubepy.api.objects import Document, Key, Obj
from kubepy.client.controller import After, Controller, ControllerContext, owner_key
from kubepy.client.transport import ConnectionLost
from kubepy.controllers import ownership
from kubepy.controllers.job_facts import Event, finished
from kubepy.lib import clock as clocks
from kubepy.lib import cron

SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp"
# Source: nextScheduleDelta: clocks of two machines differ by less than that.
MARGIN_S = 0.1
# Source: utils.go: more than that many missed moments are worth a warning.
MISSED_MAX = 100


class Unschedulable(Exception):
    """The schedule cannot be followed; only a change of the CronJob helps."""

    def __init__(self, event: Event) -> None:
        super().__init__(event.message)
        self.event = event


class Missed(NamedTuple):
    """What the schedule says about the time until now."""

    since: float  # from where it was looked at
    latest: float | None  # the last moment that has come, None if none has
    number: int  # how many have, about


class Plan(Struct, frozen=True):
    status: Obj
    forget: tuple[Obj, ...] = ()  # finished Jobs beyond the history limits
    replace: tuple[Obj, ...] = ()  # references of Jobs that make room for the new one
    create: Obj | None = None
    scheduled: float = 0.0  # the moment of `create`
    events: tuple[Event, ...] = ()
    after_s: float | None = None


class _Draft(Struct):
    status: Obj
    events: list[Event] = field(default_factory=list)

    @property
    def active(self) -> list[Obj]:
        return self.status.get("active") or []

    def drop(self, uid: str) -> None:
        self.status["active"] = [reference for reference in self.active if reference.get("uid") != uid]

    def say(self, type_: str, reason: str, message: str) -> None:
        self.events.append(Event(type_, reason, message))


def plan(cron_job: Obj, jobs: Sequence[Obj], now: float) -> Plan:
    """jobs: all that the CronJob controls. Source: sync, syncCronJob."""
    draft = _Draft(dict(cron_job.get("status") or {}))
    forget = tuple(surplus(cron_job, jobs))
    _follow(draft, jobs)
    rest: _Rest = _Rest()
    if not objects.is_deleting(cron_job):
        try:
            rest = _schedule(cron_job, draft, now)
        except Unschedulable as stop:
            draft.events.append(stop.event)
    if not draft.active:
        draft.status.pop("active", None)
    return Plan(
        draft.status, forget, rest.replace, rest.create, rest.scheduled, tuple(draft.events), rest.after_s
    )


def surplus(cron_job: Obj, jobs: Iterable[Obj]) -> list[Obj]:
    """Finished Jobs beyond the limits, the oldest first. Source: cleanupFinishedJobs."""
    spec, result = cron_job["spec"], []
    ended = [(job, condition["type"]) for job in jobs if (condition := finished(job)) is not None]
    for limit, type_ in (("successfulJobsHistoryLimit", "Complete"), ("failedJobsHistoryLimit", "Failed")):
        if spec.get(limit) is None:
            continue
        of_type = sorted((job for job, its_type in ended if its_type == type_), key=_start_order)
        result += of_type[: max(0, len(of_type) - spec[limit])]
    return [job for job in result if not objects.is_deleting(job)]


def _start_order(job: Obj) -> tuple[bool, str, str]:
    started = (job.get("status") or {}).get("startTime")
    return started is None, started or "", job["metadata"]["name"]


def _follow(draft: _Draft, jobs: Iterable[Obj]) -> None:
    """What became of the Jobs since the last look."""
    seen = set()
    for job in jobs:
        uid, name = objects.uid_of(job), job["metadata"]["name"]
        seen.add(uid)
        is_known = any(reference.get("uid") == uid for reference in draft.active)
        condition = finished(job)
        if condition is None:
            if not is_known:
                message = f"Saw a job that the controller did not create or forgot: {name}"
                draft.say("Warning", "UnexpectedJob", message)
            continue
        if is_known:
            draft.drop(uid)
            message = f"Saw completed job: {name}, condition: {condition['type']}"
            draft.say("Normal", "SawCompletedJob", message)
        completed = (job.get("status") or {}).get("completionTime")
        if condition["type"] == "Complete" and completed:
            draft.status["lastSuccessfulTime"] = max(draft.status.get("lastSuccessfulTime", ""), completed)
    for reference in draft.active:
        if reference.get("uid") not in seen:
            draft.drop(reference.get("uid", ""))
            draft.say("Normal", "MissingJob", f"Active job went missing: {reference.get('name', '')}")


class _Rest(NamedTuple):
    replace: tuple[Obj, ...] = ()
    create: Obj | None = None
    scheduled: float = 0.0
    after_s: float | None = None


def _schedule(cron_job: Obj, draft: _Draft, now: float) -> _Rest:
    spec = cron_job["spec"]
    zone = zone_of(cron_job)
    if spec.get("suspend"):
        return _Rest()
    schedule = schedule_of(cron_job)
    moment = _due(cron_job, schedule, zone, now, draft)
    after_s = next_s(cron_job, schedule, zone, now)
    if moment is None:
        return _Rest(after_s=after_s)
    deadline_s = spec.get("startingDeadlineSeconds")
    if deadline_s is not None and moment + deadline_s < now:
        when = format_datetime(datetime.fromtimestamp(moment, UTC))
        draft.say("Warning", "MissSchedule", f"Missed scheduled time to start a job: {when}")
        return _Rest(after_s=after_s)
    if _is_done(cron_job, draft, moment):
        return _Rest(after_s=after_s)
    policy = spec.get("concurrencyPolicy")
    if policy == "Forbid" and draft.active:
        message = "Not starting job because prior execution is running and concurrency policy is Forbid"
        draft.say("Normal", "JobAlreadyActive", message)
        return _Rest(after_s=after_s)
    replace = tuple(draft.active) if policy == "Replace" else ()
    return _Rest(replace, render_job(cron_job, moment, zone), moment, after_s)


def _is_done(cron_job: Obj, draft: _Draft, moment: float) -> bool:
    name = job_name(cron_job, moment)
    last = draft.status.get("lastScheduleTime")
    return any(reference.get("name") == name for reference in draft.active) or (
        last is not None and clocks.parse_rfc3339(last) == moment
    )


def zone_of(cron_job: Obj) -> tzinfo:
    """Raises Unschedulable for a zone that nobody knows."""
    name = cron_job["spec"].get("timeZone")
    if name is None:
        return UTC
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError) as error:
        message = f'invalid timeZone: "{name}": unknown time zone {name}'
        raise Unschedulable(Event("Warning", "UnknownTimeZone", message)) from error


def schedule_of(cron_job: Obj) -> cron.Schedule:
    text = cron_job["spec"]["schedule"]
    try:
        return cron.parse(text)
    except ValueError as error:
        message = f"unparseable schedule: {errors.quote(text)} : {error}"
        raise Unschedulable(Event("Warning", "UnparseableSchedule", message)) from error


def _due(cron_job: Obj, schedule: cron.Schedule, zone: tzinfo, now: float, draft: _Draft) -> float | None:
    """The moment a Job is owed for. Source: nextScheduleTime."""
    try:
        missed = most_recent(cron_job, schedule, zone, now, within_deadline=True)
    except ValueError as error:
        message = f"invalid schedule: {cron_job['spec']['schedule']} : {error}"
        raise Unschedulable(Event("Warning", "InvalidSchedule", message)) from error
    if missed.latest is not None and missed.number > MISSED_MAX:
        message = (
            "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
        )
        draft.say("Warning", "TooManyMissedTimes", message)
    return missed.latest


def most_recent(
    cron_job: Obj, schedule: cron.Schedule, zone: tzinfo, now: float, *, within_deadline: bool
) -> Missed:
    """The last moment since the last Job, or since the CronJob began. Raises ValueError for a schedule without moments.

    The number of those that passed is estimated from the first two, so that years cost what minutes do.
    Source: mostRecentScheduleTime.
    """
    since = _began(cron_job)
    deadline_s = cron_job["spec"].get("startingDeadlineSeconds")
    if within_deadline and deadline_s is not None:
        since = max(since, now - deadline_s)
    first = schedule.next(since, zone)
    if first is not None and now < first:
        return Missed(since, None, 0)
    second = schedule.next(first, zone) if first is not None else None
    if first is not None and second is not None and now < second:
        return Missed(since, first, 0)
    if first is None or second is None or second - first < 1:
        raise ValueError("time difference between two schedules is less than 1 second")
    distance = int(second - first)
    count = int(now - first) // distance + 1
    latest = None
    moment = schedule.next(first + (count - 2) * distance, zone)
    while moment is not None and moment <= now:
        latest = moment
        moment = schedule.next(moment, zone)
    return Missed(since, latest, count)


def _began(cron_job: Obj) -> float:
    last = (cron_job.get("status") or {}).get("lastScheduleTime")
    return clocks.parse_rfc3339(last or cron_job["metadata"]["creationTimestamp"])


def next_s(cron_job: Obj, schedule: cron.Schedule, zone: tzinfo, now: float) -> float | None:
    """Seconds until the next moment, None if there is none. Source: nextScheduleTimeDuration."""
    try:
        missed = most_recent(cron_job, schedule, zone, now, within_deadline=False)
        fallback = now if missed.number else missed.since
        start = fallback if missed.latest is None else missed.latest
    except ValueError:
        start = now
    due = schedule.next(start, zone)
    return None if due is None else due + MARGIN_S - now


def job_name(cron_job: Obj, moment: float) -> str:
    """The minutes since the epoch are the hash."""
    return f"{cron_job['metadata']['name']}-{int(moment) // 60}"


def render_job(cron_job: Obj, moment: float, zone: tzinfo) -> Obj:
    """Source: getJobFromTemplate2."""
    template = cron_job["spec"]["jobTemplate"]
    given = template.get("metadata") or {}
    when = datetime.fromtimestamp(moment, zone).isoformat(timespec="seconds").replace("+00:00", "Z")
    metadata: Obj = {
        "name": job_name(cron_job, moment),
        "namespace": cron_job["metadata"]["namespace"],
        "annotations": {**(given.get("annotations") or {}), SCHEDULED_AT: when},
        "ownerReferences": [objects.owner_reference(cron_job)],
    }
    if given.get("labels"):
        metadata["labels"] = given["labels"]
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": template["spec"]}


def reference_to(job: Obj) -> Obj:
    metadata = job["metadata"]
    return {
        "apiVersion": "batch/v1", "kind": "Job", "name": metadata["name"], "namespace": metadata["namespace"],
        "resourceVersion": metadata["resourceVersion"], "uid": metadata["uid"],
    }  # fmt: skip


# -- the controller --------------------------------------------------------------------------------------------


class CronJobController(Controller):
    name = "cronjob-controller"
    workers = 5

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        # The newest revision that we wrote of each; what the informer shows below that is no base for a decision.
        self._written: dict[Key, int] = {}

    def setup(self) -> None:
        self.cron_jobs = self.watch(CRON_JOBS, self._keys_of_cron_job)
        self.jobs = self.watch(
            JOBS, owner_key("CronJob"), indexes={ownership.BY_CONTROLLER: ownership.controller_keys}
        )

    async def reconcile(self, key: Key) -> After | None:
        document = self.cron_jobs.document(key)
        if document is None:
            self._written.pop(key, None)
            return None
        if document.revision < self._written.get(key, 0):
            return None  # the informer is about to show what we wrote, and then this runs again
        cron_job = document.obj
        decided = plan(cron_job, await self._jobs_of(cron_job), self.clock.now())
        for event in decided.events:
            self.events.event(cron_job, *event)
        for job in decided.forget:
            await self._delete(cron_job, job["metadata"]["name"], objects.uid_of(job))
        status, failure = decided.status, None
        try:
            if decided.create is not None:
                status = await self._start(cron_job, decided, decided.create)
        except (errors.StatusError, ConnectionLost) as error:
            failure = error
        if status != (cron_job.get("status") or {}):
            written = await self.client.update(CRON_JOBS, cron_job | {"status": status}, subresource="status")
            self._written[key] = objects.revision_of(written)
        if failure is not None:
            raise failure
        return After(decided.after_s) if decided.after_s is not None else None

    def _keys_of_cron_job(self, document: Document, old: Document | None) -> Iterable[Key]:
        """Another schedule counts from its next moment on: what it would have missed until now is not made up for."""
        spec, before = document.obj["spec"], old.obj["spec"] if old is not None else None
        if before is None or all(spec.get(name) == before.get(name) for name in ("schedule", "timeZone")):
            return (document.key,)
        try:
            schedule, zone = schedule_of(document.obj), zone_of(document.obj)
        except Unschedulable:
            return (document.key,)
        after_s = next_s(document.obj, schedule, zone, self.clock.now())
        if after_s is not None:
            self.queue.add_after(document.key, after_s)
        return ()

    async def _jobs_of(self, cron_job: Obj) -> list[Obj]:
        """Its Jobs; those that the status knows and the informer does not are asked for."""
        jobs = self.jobs.by_index(ownership.BY_CONTROLLER, objects.uid_of(cron_job))
        seen = set(map(objects.uid_of, jobs))
        for reference in (cron_job.get("status") or {}).get("active") or ():
            if reference.get("uid") in seen:
                continue
            try:
                found = await self.client.get(JOBS, reference["name"], cron_job["metadata"]["namespace"])
            except errors.NotFound:
                continue
            if objects.uid_of(found) == reference.get("uid"):
                jobs.append(found)
        return jobs

    async def _start(self, cron_job: Obj, decided: Plan, job: Obj) -> Obj:
        """Make room, make the Job; the status that knows of it."""
        status = decided.status
        for reference in decided.replace:
            await self._delete(cron_job, reference["name"], reference.get("uid", ""))
        if decided.replace:
            status = {name: value for name, value in status.items() if name != "active"}
        created = await self._create(cron_job, job)
        if created is None:
            return status
        return status | {
            "active": [*(status.get("active") or ()), reference_to(created)],
            "lastScheduleTime": clocks.rfc3339(decided.scheduled),
        }

    async def _create(self, cron_job: Obj, job: Obj) -> Obj | None:
        """The Job, or the one that an interrupted run made; None if its name is somebody else's."""
        metadata = job["metadata"]
        try:
            created = await self.client.create(JOBS, job)
        except errors.AlreadyExists:
            found = await self.client.get(JOBS, metadata["name"], metadata["namespace"])
            owner = objects.controller_of(found)
            return found if owner is not None and owner["uid"] == objects.uid_of(cron_job) else None
        except errors.StatusError as error:
            if not ownership.is_namespace_terminating(error):
                message = f"Error creating job: {error.message}"
                self.events.event(cron_job, "Warning", "FailedCreate", message)
            raise
        self.events.event(cron_job, "Normal", "SuccessfulCreate", f"Created job {metadata['name']}")
        self.log.info("job_created", object=str(objects.key_of(cron_job)), job=metadata["name"])
        return created

    async def _delete(self, cron_job: Obj, name: str, uid: str) -> None:
        try:
            await self.client.delete(
                JOBS, name, cron_job["metadata"]["namespace"], uid=uid, propagation="Background"
            )
        except errors.NotFound:
            return
        except (errors.StatusError, ConnectionLost) as error:
            self.events.event(cron_job, "Warning", "FailedDelete", f"Deleted job: {error}")
            raise
        self.events.event(cron_job, "Normal", "SuccessfulDelete", f"Deleted job {name}")
