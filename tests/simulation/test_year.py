"""A year of CronJobs on virtual time: every moment of every schedule, the changes of the clocks among them.

The year is cheap because nothing beats in it: no simulated node (a lease every ten seconds is three million writes) and
only the controllers that are looked at. The test itself runs the jobs (spec.managedBy), so no pods are needed.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from kubepy.api.builtins import CRON_JOBS, JOBS
from kubepy.api.objects import Document, Obj
from kubepy.client.client import MERGE_PATCH
from kubepy.client.given import Given
from kubepy.client.informer import InformerFactory
from kubepy.lib.aio import Tasks
from kubepy.lib.clock import parse_rfc3339
from kubepy.observability.logs import silent
from kubepy.observability.metrics import Metrics
from kubepy.testing import Cluster

FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)
DAYS = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
TTL_S = 14 * 86400
RUN_S = 600.0  # what a job takes

JobTimes = dict[str, list[datetime]]


def cron_job(name: str, schedule: str, **spec: Any) -> Obj:
    container = {"name": "main", "image": "busybox"}
    job = {
        "managedBy": "example.com/the-test",
        "template": {"spec": {"restartPolicy": "Never", "containers": [container]}},
    }
    return {
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": name, "namespace": "default"},
        "spec": {"schedule": schedule, "jobTemplate": {"spec": job}, **spec},
    }  # fmt: skip


class Runner:
    """Ends each job RUN_S after it was made, those of a CronJob called "broken" as failed; keeps when each was due."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster, self._tasks = cluster, Tasks(self._on_error)
        self.errors: list[BaseException] = []
        self.due: JobTimes = {}
        self.made: JobTimes = {}

    async def __aenter__(self) -> Runner:
        cluster = self._cluster
        given = Given(cluster.clock, cluster.random, silent(), Metrics())
        factory = InformerFactory(cluster.client, given, self._tasks)
        factory.informer(JOBS).add_handler(on_add=self._on_add)
        factory.start()
        await factory.wait_synced()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._tasks.close()

    def _on_error(self, name: str, error: BaseException) -> None:
        self.errors.append(error)

    def _on_add(self, document: Document) -> None:
        metadata = document.obj["metadata"]
        owner = metadata["ownerReferences"][0]["name"]
        due = metadata["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"]
        self.due.setdefault(owner, []).append(datetime.fromisoformat(due).astimezone(UTC))
        made = datetime.fromtimestamp(self._cluster.clock.now(), UTC)
        self.made.setdefault(owner, []).append(made)
        self._tasks.start(
            self._run(metadata["name"], "Failed" if owner == "broken" else "Complete"), name="run"
        )

    async def _run(self, name: str, outcome: str) -> None:
        clock = self._cluster.clock
        started = clock.rfc3339()
        await clock.sleep(RUN_S)
        now = clock.rfc3339()
        before = {"Complete": "SuccessCriteriaMet", "Failed": "FailureTarget"}[outcome]
        conditions = [
            {"type": kind, "status": "True", "lastTransitionTime": now} for kind in (before, outcome)
        ]
        status: Obj = {"startTime": started, "conditions": conditions}
        if outcome == "Complete":
            status["completionTime"] = now
        await self._cluster.client.patch(
            JOBS,
            name,
            {"status": status},
            namespace="default",
            subresource="status",
            content_type=MERGE_PATCH,
        )


def daily(hour: int, minute: int, zone: str = "UTC", days: list[date] = DAYS) -> list[datetime]:
    place = ZoneInfo(zone)
    return [datetime(d.year, d.month, d.day, hour, minute, tzinfo=place).astimezone(UTC) for d in days]


async def test_a_year_of_cron_jobs() -> None:
    async with (
        Cluster(
            nodes=0,
            controllers=["cronjob-controller", "ttl-after-finished-controller"],
            scheduler="off",
            etcd_compaction_interval="1d",
            identity_lease=False,
            # Ten informers that begin anew every three quarters of an hour are most of what happens in an idle year.
            min_request_timeout=86400,
        ) as cluster,
        Runner(cluster) as runner,
    ):
        await cluster.create(
            cron_job("nightly", "30 1 * * *"),
            cron_job("broken", "0 6 * * 1", failedJobsHistoryLimit=2),
            cron_job("monthly", "@monthly"),
            cron_job("leap", "0 0 29 2 *"),
            cron_job("berlin", "30 2 * * *", timeZone="Europe/Berlin", successfulJobsHistoryLimit=0),
            cron_job("new-york", "0 9 * * MON-FRI", timeZone="America/New_York"),
            cron_job("summer", "0 12 * * *", suspend=True),
        )
        ttl = cron_job("brief", "15 3 1 * *", successfulJobsHistoryLimit=100)
        ttl["spec"]["jobTemplate"]["spec"]["ttlSecondsAfterFinished"] = TTL_S
        await cluster.create(ttl)
        await cluster.advance("151d12h30m")  # 1 June, half past twelve
        await suspend(cluster, "summer", False)
        await cluster.advance("92d")  # 1 September
        await suspend(cluster, "summer", True)
        await cluster.advance("121d11h29m59s")

        assert cluster.clock.rfc3339() == "2026-12-31T23:59:59Z"
        assert runner.errors == []
        assert runner.due["nightly"] == daily(1, 30)
        assert all(
            0 <= (made - due).total_seconds() < 1
            for name in set(runner.due) - {"summer"}
            for due, made in zip(runner.due[name], runner.made[name], strict=True)
        )
        assert runner.due["broken"] == daily(6, 0, days=[d for d in DAYS if d.weekday() == 0])
        # Midnight of 1 January was when the CronJob was made, so it is not among them.
        assert runner.due["monthly"] == daily(0, 0, days=[d for d in DAYS if d.day == 1])[1:]
        assert "leap" not in runner.due
        assert runner.due["new-york"] == daily(9, 0, "America/New_York", [d for d in DAYS if d.weekday() < 5])
        assert_clocks_change(runner.due["berlin"])

        summer = runner.due["summer"]
        assert summer[0].isoformat() == "2026-06-01T12:00:00+00:00", "the last moment that was missed"
        assert runner.made["summer"][0].isoformat() == "2026-06-01T12:30:00+00:00"
        assert len(summer) == 93 and summer[-1].isoformat() == "2026-09-01T12:00:00+00:00"

        jobs = await cluster.list(JOBS)
        # With its foreground finalizer: it would go with its pods, but nobody collects garbage here.
        brief = [job for job in jobs if "deletionTimestamp" in job["metadata"]]
        assert len(brief) == 12
        for job in brief:
            ended = parse_rfc3339(job["status"]["completionTime"])
            assert parse_rfc3339(job["metadata"]["deletionTimestamp"]) == ended + TTL_S

        left = Counter(job["metadata"]["ownerReferences"][0]["name"] for job in jobs if job not in brief)
        assert left == {"nightly": 3, "broken": 2, "monthly": 3, "new-york": 3, "summer": 3}
        status = (await cluster.get(CRON_JOBS, "nightly"))["status"]
        assert status == {
            "lastScheduleTime": "2026-12-31T01:30:00Z",
            "lastSuccessfulTime": "2026-12-31T01:40:00Z",
        }
        assert "lastSuccessfulTime" not in (await cluster.get(CRON_JOBS, "broken"))["status"]


def assert_clocks_change(berlin: list[datetime]) -> None:
    """Half past two does not exist on 29 March and comes twice on 25 October."""
    missing, twice = date(2026, 3, 29), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert berlin == sorted([*daily(2, 30, "Europe/Berlin", [d for d in DAYS if d != missing]), twice])


async def suspend(cluster: Cluster, name: str, is_suspended: bool) -> None:
    change = {"spec": {"suspend": is_suspended}}
    await cluster.client.patch(CRON_JOBS, name, change, namespace="default", content_type=MERGE_PATCH)
