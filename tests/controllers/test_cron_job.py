"""CronJobs: tables over the plan, then whole behaviours on a running cluster."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from kubepy.api import objects
from kubepy.api.builtins import CRON_JOBS, EVENTS, JOBS
from kubepy.api.objects import Obj
from kubepy.controllers import cron_job as cron_jobs
from kubepy.lib import cron
from kubepy.lib.clock import parse_rfc3339
from kubepy.testing.cluster import Cluster
from tests.controllers.conftest import World

# Source: cronjob_controllerv2_test.go: on the hour, created just before.
CREATED = "2016-05-19T09:00:00Z"
TOP = "2016-05-19T10:00:00Z"


def subject(schedule: str = "0 * * * *", **spec: Any) -> Any:
    status = spec.pop("status", {})
    metadata = {
        "name": "cj",
        "namespace": "default",
        "uid": "cj",
        "creationTimestamp": spec.pop("created", CREATED),
    }
    template = {"metadata": {"labels": {"a": "b"}, "annotations": {"x": "y"}}, "spec": {"template": {}}}
    spec = {
        "schedule": schedule,
        "concurrencyPolicy": "Allow",
        "suspend": False,
        "jobTemplate": template,
    } | spec
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": spec, "status": status}


def job(name: str, condition: str = "", *, started: str = CREATED, ended: str = CREATED) -> Any:
    status: Any = {"startTime": started}
    if condition:
        status["conditions"] = [{"type": condition, "status": "True", "lastTransitionTime": ended}]
    if condition == "Complete":
        status["completionTime"] = ended
    metadata = {"name": name, "namespace": "default", "uid": name, "resourceVersion": "7"}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {}, "status": status}


def running(*names: str) -> Any:
    return {"active": [cron_jobs.reference_to(job(name)) for name in names]}


def plan(cron_job: Obj, jobs: list[Any], now: str) -> cron_jobs.Plan:
    return cron_jobs.plan(cron_job, jobs, parse_rfc3339(now))


def reasons(decided: cron_jobs.Plan) -> list[str]:
    return [event.reason for event in decided.events]


# Source: cronjob_controllerv2_test.go, TestControllerV2SyncCronJob.
@pytest.mark.parametrize(
    ("cron_job", "now", "creates", "said"),
    [
        pytest.param(subject(), "2016-05-19T09:59:59Z", False, [], id="not yet"),
        pytest.param(subject(), TOP, True, [], id="now"),
        pytest.param(subject(), "2016-05-19T10:05:00Z", True, [], id="late, no deadline"),
        pytest.param(subject(suspend=True), TOP, False, [], id="suspended"),
        pytest.param(subject("hello"), TOP, False, ["UnparseableSchedule"], id="no schedule"),
        pytest.param(subject("59 23 31 2 *"), TOP, False, ["InvalidSchedule"], id="a day that never comes"),
        pytest.param(subject(timeZone="Mars/Base"), TOP, False, ["UnknownTimeZone"], id="no zone"),
        pytest.param(
            subject(startingDeadlineSeconds=10), "2016-05-19T10:00:11Z", False, [], id="the deadline has passed"
        ),
        pytest.param(subject(startingDeadlineSeconds=10), "2016-05-19T10:00:09Z", True, [], id="before the deadline"),
        pytest.param(
            subject(status={"lastScheduleTime": TOP}), "2016-05-19T10:00:30Z", False, [], id="done already"
        ),
        pytest.param(
            subject("* * * * *"), "2016-05-19T12:00:00Z", True, ["TooManyMissedTimes"], id="more than 100 missed"
        ),
        pytest.param(
            subject("* * * * *", startingDeadlineSeconds=200), "2016-05-19T12:00:00Z", True, [],
            id="a deadline bounds the missed",
        ),
    ],
)  # fmt: skip
def test_a_job_is_made_at_its_moment(cron_job: Obj, now: str, creates: bool, said: list[str]) -> None:
    decided = plan(cron_job, [], now)
    assert (decided.create is not None, reasons(decided)) == (creates, said)


def test_the_job_is_named_after_the_minute() -> None:
    decided = plan(subject(timeZone="Europe/Berlin"), [], "2016-05-19T10:05:00Z")
    made, at = decided.create, parse_rfc3339(TOP)
    assert made is not None and decided.scheduled == at
    metadata = made["metadata"]
    assert metadata["name"] == f"cj-{int(at) // 60}"
    assert metadata["labels"] == {"a": "b"}
    assert metadata["annotations"] == {"x": "y", cron_jobs.SCHEDULED_AT: "2016-05-19T12:00:00+02:00"}
    assert metadata["ownerReferences"][0]["uid"] == "cj"
    assert decided.after_s == pytest.approx(55 * 60 + cron_jobs.MARGIN_S)


# Source: TestControllerV2SyncCronJob, "prev ran but done", "still active".
@pytest.mark.parametrize(
    ("policy", "creates", "replaces", "said"),
    [("Allow", True, 0, []), ("Forbid", False, 0, ["JobAlreadyActive"]), ("Replace", True, 1, [])],
)
def test_what_still_runs_is_kept_waited_for_or_replaced(
    policy: str, creates: bool, replaces: int, said: list[str]
) -> None:
    cron_job = subject(concurrencyPolicy=policy, status=running("old"))
    decided = plan(cron_job, [job("old")], TOP)
    assert (decided.create is not None, len(decided.replace), reasons(decided)) == (creates, replaces, said)


def test_the_status_follows_its_jobs() -> None:
    cron_job = subject(suspend=True, status=running("done", "failed", "lost", "busy"))
    ended = "2016-05-19T09:30:00Z"
    jobs = [job("done", "Complete", ended=ended), job("failed", "Failed"), job("busy"), job("strange")]
    decided = plan(cron_job, jobs, TOP)
    assert [reference["name"] for reference in decided.status["active"]] == ["busy"]
    assert decided.status["lastSuccessfulTime"] == ended
    assert [event.message for event in decided.events] == [
        "Saw completed job: done, condition: Complete",
        "Saw completed job: failed, condition: Failed",
        "Saw a job that the controller did not create or forgot: strange",
        "Active job went missing: lost",
    ]


# Source: TestControllerV2CleanupFinishedJobs.
@pytest.mark.parametrize(
    ("good", "bad", "gone"),
    [(None, None, []), (1, 1, ["s0", "f0"]), (0, 2, ["s0", "s1"]), (2, 0, ["f0", "f1"]), (9, 9, [])],
)
def test_history_is_limited_by_outcome(good: int | None, bad: int | None, gone: list[str]) -> None:
    cron_job = subject(successfulJobsHistoryLimit=good, failedJobsHistoryLimit=bad)
    starts = ["2016-05-19T08:00:00Z", "2016-05-19T09:00:00Z"]
    jobs = [job(f"s{i}", "Complete", started=start) for i, start in enumerate(starts)]
    jobs += [job(f"f{i}", "Failed", started=start) for i, start in enumerate(starts)]
    assert [each["metadata"]["name"] for each in cron_jobs.surplus(cron_job, [*jobs[::-1], job("r")])] == gone


# Source: utils_test.go, TestMostRecentScheduleTime.
@pytest.mark.parametrize(
    ("schedule", "created", "now", "latest", "number"),
    [
        ("0 * * * *", "2016-05-19T10:00:10Z", "2016-05-19T10:59:00Z", None, 0),
        ("0 * * * *", "2016-05-19T09:59:50Z", "2016-05-19T10:00:20Z", "2016-05-19T10:00:00Z", 0),
        ("0 * * * *", "2016-05-19T09:59:50Z", "2016-05-19T12:00:50Z", "2016-05-19T12:00:00Z", 3),
        ("0 * * * *", "2016-05-19T10:00:10Z", "2016-05-19T15:01:00Z", "2016-05-19T15:00:00Z", 5),
        ("30 6-16/4 * * 1-5", "2016-05-19T10:30:00Z", "2016-05-20T10:31:00Z", "2016-05-20T10:30:00Z", 2),
        ("30 6-16/4 * * 1-5", "2016-05-19T10:30:00Z", "2016-05-23T10:31:00Z", "2016-05-23T10:30:00Z", 6),
        ("30 10,11,12 * * 1-5", "2016-05-19T10:30:00Z", "2016-05-20T16:30:00Z", None, 30),
        ("@every 10m", "2016-05-19T10:05:00Z", "2016-05-19T10:33:00Z", "2016-05-19T10:25:00Z", 2),
    ],
)
def test_the_most_recent_moment(
    schedule: str, created: str, now: str, latest: str | None, number: int
) -> None:
    cron_job = subject(schedule, created=created)
    found = cron_jobs.most_recent(
        cron_job, cron.parse(schedule), UTC, parse_rfc3339(now), within_deadline=True
    )
    assert found.latest == (parse_rfc3339(latest) if latest else None)
    assert found.number == number


# -- on a running cluster --------------------------------------------------------------------------------------


def nightly(schedule: str, command: str = "true", **spec: Any) -> Obj:
    container = {"name": "c", "image": "busybox", "command": ["sh", "-c", command]}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    spec = {"schedule": schedule, "jobTemplate": {"spec": {"template": template}}} | spec
    metadata = {"name": "cj", "namespace": "default"}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": spec}


# What upstream saw and did in cronjob_controllerv2_test.go, TestControllerV2SyncCronJob, recorded as facts.
_CASES = orjson.loads(Path(__file__).with_name("cron_job_cases.json").read_bytes())


@pytest.mark.parametrize("case", _CASES)
def test_what_upstream_does(case: Obj) -> None:
    cron_job = subject(created=case["created"], status=case.get("status", {}), **case["spec"])
    cron_job["metadata"]["name"] = "mycronjob"
    jobs = []
    for each in case.get("jobs", ()):
        one = job(each["name"], "Complete" if "completed" in each else "")
        one["metadata"]["uid"] = each["uid"]
        if each.get("completed"):
            one["status"]["completionTime"] = each["completed"]
        jobs.append(one)
    made, expected = cron_jobs.plan(cron_job, jobs, case["now"]), case["expected"]
    assert (made.create["metadata"]["name"] if made.create else None) == expected.get("creates")
    if made.create is not None:
        assert made.create["metadata"]["annotations"][cron_jobs.SCHEDULED_AT] == expected["at"]
    assert [each["name"] for each in made.replace] == expected.get("replaces", [])
    assert [list(event) for event in made.events] == expected.get("events", [])
    assert made.after_s == pytest.approx(expected.get("after_s"), abs=0.06)


@pytest.mark.kubepy(nodes=1, identity_lease=False)
async def test_a_night_of_hourly_jobs(cluster: Cluster) -> None:
    await cluster.create(nightly("0 * * * *", successfulJobsHistoryLimit=2))
    await cluster.advance("8h30m")
    assert len(cluster.logged("job_created")) == 8
    jobs = await cluster.list(JOBS, "default")
    assert len(jobs) == 2
    assert all(objects.is_condition_true(each, "Complete") for each in jobs)
    status = (await cluster.get(CRON_JOBS, "cj"))["status"]
    last = datetime.fromtimestamp(parse_rfc3339(status["lastScheduleTime"]), UTC)
    assert last.minute == 0 and cluster.clock.now() - last.timestamp() < 3600
    assert "active" not in status
    assert parse_rfc3339(status["lastSuccessfulTime"]) >= last.timestamp()


async def test_a_slow_job_is_waited_for(cluster: Cluster, world: World) -> None:
    await cluster.create(nightly("*/10 * * * *", "sleep 1500", concurrencyPolicy="Forbid"))
    await cluster.advance("25m")
    assert len(await cluster.list(JOBS, "default")) == 1
    assert "JobAlreadyActive" in {e["reason"] for e in await cluster.list(EVENTS)}
    await cluster.advance("30m")
    assert len(await cluster.list(JOBS, "default")) == 2


async def test_a_slow_job_is_replaced(cluster: Cluster) -> None:
    await cluster.create(nightly("*/10 * * * *", "sleep infinity", concurrencyPolicy="Replace"))
    await cluster.advance("35m")
    (only,) = await cluster.list(JOBS, "default")
    status = (await cluster.get(CRON_JOBS, "cj"))["status"]
    assert [reference["name"] for reference in status["active"]] == [only["metadata"]["name"]]
    assert len(await cluster.pods("default")) == 1


async def test_a_schedule_that_changes_counts_from_its_next_moment(cluster: Cluster, world: World) -> None:
    await cluster.create(nightly("0 0 1 1 *"))
    await cluster.advance("90m")
    await world.patch(CRON_JOBS, "cj", {"spec": {"schedule": "0 * * * *"}})
    await cluster.advance("20m")
    assert await cluster.list(JOBS, "default") == []
    await cluster.advance("15m")
    assert len(await cluster.list(JOBS, "default")) == 1


async def test_a_restart_makes_up_for_the_last_moment_only(cluster: Cluster) -> None:
    await cluster.create(nightly("0 * * * *", suspend=True))
    await cluster.advance("3h")
    await cluster.client.patch(CRON_JOBS, "cj", {"spec": {"suspend": False}}, namespace="default")
    await cluster.advance("10m")
    assert len(await cluster.list(JOBS, "default")) == 1


async def test_the_end_of_a_cron_job_is_the_end_of_its_jobs(cluster: Cluster) -> None:
    await cluster.create(nightly("* * * * *", "sleep infinity"))
    await cluster.advance("3m")
    await cluster.client.delete(CRON_JOBS, "cj", "default")
    await cluster.advance("2m")
    assert await cluster.list(JOBS, "default") == [] and await cluster.pods("default") == []
