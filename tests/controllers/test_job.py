"""Jobs: tables over the plan, then whole behaviours on a running cluster."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api import objects
from kubepy.api.builtins import JOBS, PODS
from kubepy.api.objects import Obj
from kubepy.api.pods import active as active_pods
from kubepy.controllers import job_facts, job_plan, job_pods, job_status, job_tally
from kubepy.controllers.job_indexes import COMPLETION_INDEX, INDEX_FAILURES, INDEX_IGNORED_FAILURES, index_of
from kubepy.controllers.job_status import Outcome
from kubepy.controllers.job_tally import Backoff, Observed
from kubepy.lib.clock import parse_rfc3339, rfc3339
from kubepy.testing.cluster import Cluster
from tests.controllers.conftest import World

START = "2026-01-01T00:00:00Z"
T0 = parse_rfc3339(START)
NOW = T0 + 1000.0


def at(seconds: float) -> str:
    return rfc3339(T0 + seconds)


def job(**spec: Any) -> Any:
    status = spec.pop("status", {"startTime": START})
    deleting = spec.pop("deleting", False)
    template = {
        "metadata": {},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]},
    }
    spec = {"parallelism": 2, "backoffLimit": 6, "suspend": False, "template": template} | spec
    if spec.get("completionMode") is None:
        spec["completionMode"] = "NonIndexed"
    metadata = {"name": "pi", "namespace": "default", "uid": "job"}
    if deleting:
        metadata["deletionTimestamp"] = START
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec, "status": status}


def pod(
    name: str,
    phase: str = "Running",
    *,
    index: int | None = None,
    tracked: bool = True,
    deleting: bool = False,
    failures: int | None = None,
    ended: float = 900,
    code: int = 1,
    ready: bool = False,
    restarts: int = 0,
) -> Any:
    metadata: Any = {"name": name, "namespace": "default", "uid": name, "creationTimestamp": START}
    metadata["annotations"] = {}
    if tracked:
        metadata["finalizers"] = [job_facts.TRACKING]
    if index is not None:
        metadata["annotations"][COMPLETION_INDEX] = str(index)
    if failures is not None:
        metadata["annotations"][INDEX_FAILURES] = str(failures)
    if deleting:
        metadata |= {"deletionTimestamp": at(930), "deletionGracePeriodSeconds": 30}
    status: Any = {"phase": phase, "conditions": []}
    if phase in ("Succeeded", "Failed"):
        ended_state = {"exitCode": 0 if phase == "Succeeded" else code, "finishedAt": at(ended)}
        status["containerStatuses"] = [{"name": "c", "state": {"terminated": ended_state}}]
    elif restarts:
        status["containerStatuses"] = [{"name": "c", "state": {"running": {}}, "restartCount": restarts}]
    if ready:
        status["conditions"] = [{"type": "Ready", "status": "True", "lastTransitionTime": START}]
    return {"metadata": metadata, "spec": {}, "status": status}


def many(count: int, phase: str = "Running", prefix: str = "p", **kwargs: Any) -> list[Any]:
    return [pod(f"{prefix}{i}", phase, **kwargs) for i in range(count)]


# -- how many pods ---------------------------------------------------------------------------------------------


# Source: pkg/controller/job/job_controller_test.go, TestControllerSyncJob.
@pytest.mark.parametrize(
    ("subject", "pods", "created", "removed"),
    [
        pytest.param(job(completions=5), [], 2, 0, id="starts parallelism"),
        pytest.param(job(), [], 2, 0, id="work queue starts parallelism"),
        pytest.param(job(), many(2), 0, 0, id="work queue is full"),
        pytest.param(job(), [*many(1), pod("s", "Succeeded")], 0, 0, id="work queue makes no more after a success"),
        pytest.param(job(completions=5), [*many(1), pod("s", "Succeeded")], 1, 0, id="one ended"),
        pytest.param(
            job(completions=2), [*many(1), pod("s", "Succeeded")], 0, 0, id="no more than completions are left"
        ),
        pytest.param(job(completions=5), many(4), 0, 2, id="too many"),
        pytest.param(job(completions=5, parallelism=0), many(2), 0, 2, id="parallelism zero"),
        pytest.param(job(completions=5, suspend=True), many(2), 0, 2, id="suspended"),
        pytest.param(job(completions=900, parallelism=800), [], 500, 0, id="a burst at most"),
        pytest.param(job(completions=5, deleting=True), [], 0, 0, id="being deleted"),
        pytest.param(
            job(completions=5), [pod("d", deleting=True, tracked=False), *many(1)], 1, 0, id="replaces terminating"
        ),
        pytest.param(
            job(completions=5, podReplacementPolicy="Failed"),
            [pod("d", deleting=True), *many(1)], 0, 0, id="waits for terminating",
        ),
        pytest.param(job(completions=5), [*many(1), pod("u", tracked=False)], 0, 0, id="untracked pods run too"),
    ],
)  # fmt: skip
def test_a_plan_makes_and_removes_pods(subject: Obj, pods: list[Any], created: int, removed: int) -> None:
    decided = job_plan.plan(Observed(subject, pods), NOW)
    assert decided.condition is None
    assert (len(decided.create), len(decided.remove)) == (created, removed)


def test_nothing_is_done_before_the_cache_shows_what_was_asked_for() -> None:
    decided = job_plan.plan(Observed(job(completions=3), [], trusted=False), NOW)
    assert not decided.create and not decided.managed


def test_the_least_far_goes_first() -> None:
    pods = [pod("ready", ready=True), pod("running"), pod("pending", "Pending")]
    decided = job_plan.plan(Observed(job(completions=5, parallelism=1), pods), NOW)
    assert [each["metadata"]["name"] for each in decided.remove] == ["pending", "running"]


def indexed(**spec: Any) -> Any:
    return job(**{"completions": 5, "parallelism": 3, "completionMode": "Indexed"} | spec)


def indexes_of(pods: Any) -> list[int | None]:
    return [index_of(each) for each in pods]


# Source: indexed_job_utils_test.go, TestFirstPendingIndexes; TestSyncJobWithIndexed...
@pytest.mark.parametrize(
    ("subject", "pods", "created"),
    [
        pytest.param(indexed(), [], [0, 1, 2], id="the first"),
        pytest.param(indexed(), [pod("a", index=1)], [0, 2], id="around active"),
        pytest.param(
            indexed(status={"startTime": START, "completedIndexes": "0,1", "succeeded": 2}), [], [2, 3, 4],
            id="after the completed",
        ),
        pytest.param(indexed(), [pod("s", "Succeeded", index=0)], [1, 2, 3], id="after one that just succeeded"),
        pytest.param(
            indexed(podReplacementPolicy="Failed"), [pod("d", index=0, deleting=True)], [1, 2],
            id="a terminating one keeps its index",
        ),
        pytest.param(indexed(completions=2), [pod("x", index=0)], [1], id="only missing ones"),
    ],
)  # fmt: skip
def test_the_first_free_indexes_get_pods(subject: Obj, pods: list[Any], created: list[int]) -> None:
    assert indexes_of(job_plan.plan(Observed(subject, pods), NOW).create) == created


# Source: TestAppendDuplicatedIndexPodsForRemoval.
def test_pods_without_an_index_of_their_own_are_removed() -> None:
    pods = [
        pod("none"),
        pod("high", index=9),
        pod("a", "Pending", index=1),
        pod("b", index=1),
        pod("c", index=0),
    ]
    decided = job_plan.plan(Observed(indexed(parallelism=5), pods), NOW)
    assert {each["metadata"]["name"] for each in decided.remove} == {"none", "high", "a"}
    assert not decided.create


def test_an_indexed_pod_knows_its_index_in_four_ways() -> None:
    subject = indexed(backoffLimitPerIndex=2)
    made = job_pods.render_indexed_pod(subject, 3, pod("old", "Failed", index=3, failures=1))
    metadata = made["metadata"]
    assert metadata["generateName"] == "pi-3-"
    assert metadata["labels"][COMPLETION_INDEX] == metadata["annotations"][COMPLETION_INDEX] == "3"
    assert metadata["annotations"][INDEX_FAILURES] == "2"
    assert metadata["finalizers"] == [job_facts.TRACKING]
    assert made["spec"]["hostname"] == "pi-3"
    field = {"apiVersion": "v1", "fieldPath": "metadata.labels['batch.kubernetes.io/job-completion-index']"}
    variable = {"name": "JOB_COMPLETION_INDEX", "valueFrom": {"fieldRef": field}}
    assert made["spec"]["containers"][0]["env"] == [variable]
    assert "env" not in subject["spec"]["template"]["spec"]["containers"][0]


def test_long_names_leave_room_for_the_index() -> None:
    subject = indexed()
    subject["metadata"]["name"] = "a" * 63
    made = job_pods.render_indexed_pod(subject, 1234, None)
    assert made["metadata"]["generateName"] == "a" * 52 + "-1234-"


def test_ignored_failures_of_an_index_are_counted_apart() -> None:
    policy = {"rules": [{"action": "Ignore", "onExitCodes": {"operator": "In", "values": [42]}}]}
    subject = indexed(backoffLimitPerIndex=2, podFailurePolicy=policy)
    made = job_pods.render_indexed_pod(subject, 0, pod("old", "Failed", index=0, failures=1, code=42))
    annotations = made["metadata"]["annotations"]
    assert (annotations[INDEX_FAILURES], annotations[INDEX_IGNORED_FAILURES]) == ("1", "1")


# -- back-off --------------------------------------------------------------------------------------------------


# Source: backoff_utils_test.go, TestGetRemainingBackoffTime.
@pytest.mark.parametrize(
    ("failures", "ago", "left"),
    [(0, 0, 0), (1, 0, 10), (1, 4, 6), (1, 11, 0), (2, 5, 15), (3, 0, 40), (7, 0, 600), (50, 100, 500)],
)
def test_each_failure_doubles_the_wait(failures: int, ago: float, left: float) -> None:
    assert job_tally.backoff_s(failures, NOW - ago, NOW) == left


# Source: TestNewBackoffRecord.
@pytest.mark.parametrize(
    ("known", "good", "bad", "wanted"),
    [
        (Backoff(), [], [], Backoff()),
        (Backoff(2, 5), [], [], Backoff(2, 5)),
        (Backoff(), [], [10, 20], Backoff(2, T0 + 20)),
        (Backoff(1, 5), [], [10], Backoff(2, T0 + 10)),
        (Backoff(3, 5), [10], [], Backoff()),
        (Backoff(3, 5), [10], [5, 10], Backoff()),
        (Backoff(3, 5), [10], [5, 11, 12], Backoff(2, T0 + 12)),
    ],
)
def test_a_success_starts_the_count_anew(
    known: Backoff, good: list[float], bad: list[float], wanted: Backoff
) -> None:
    succeeded = [pod(f"s{i}", "Succeeded", ended=ended) for i, ended in enumerate(good)]
    failed = [pod(f"f{i}", "Failed", ended=ended) for i, ended in enumerate(bad)]
    assert job_tally.next_backoff(known, succeeded, failed) == wanted


# Source: TestGetFinishedTime.
def test_the_end_of_a_pod_is_the_best_guess() -> None:
    assert job_facts.finish_time(pod("x", "Failed", ended=7)) == T0 + 7
    unready = pod("x")
    unready["status"]["conditions"] = [{"type": "Ready", "status": "False", "lastTransitionTime": at(8)}]
    assert job_facts.finish_time(unready) == T0 + 8
    assert job_facts.finish_time(pod("x", deleting=True)) == T0 + 900
    assert job_facts.finish_time(pod("x")) == T0


def test_a_failed_pod_is_replaced_after_a_while() -> None:
    decided = job_plan.plan(Observed(job(completions=3, parallelism=1), [pod("f", "Failed", ended=995)]), NOW)
    assert (decided.create, decided.after_s) == ((), 5)
    waited = job_plan.plan(
        Observed(job(completions=3, parallelism=1), [pod("f", "Failed", ended=995)]), NOW + 5
    )
    assert len(waited.create) == 1


def test_indexes_wait_each_for_itself() -> None:
    failed = pod("f", "Failed", index=0, failures=0, ended=995)
    subject = indexed(backoffLimitPerIndex=3, backoffLimit=2**31 - 1)
    decided = job_plan.plan(Observed(subject, [failed]), NOW)
    assert indexes_of(decided.create) == [1, 2] and decided.after_s is None
    only = job_plan.plan(Observed(indexed(backoffLimitPerIndex=3, completions=1), [failed]), NOW)
    assert (only.create, only.after_s) == ((), 5)


# -- how it ends -----------------------------------------------------------------------------------------------

BACKOFF_LIMIT = ("FailureTarget", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
RULES = {"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [2]}}]}


# Source: job_controller_test.go, TestSyncJobPastDeadline, TestJobBackoffForOnFailure,
# TestSyncJobWithJobPodFailurePolicy, TestSyncJobWithJobBackoffLimitPerIndex, TestSyncJobWithJobSuccessPolicy.
@pytest.mark.parametrize(
    ("subject", "pods", "ending"),
    [
        (job(completions=3, backoffLimit=1), many(1, "Failed"), None),
        (job(completions=3, backoffLimit=1), many(2, "Failed"), BACKOFF_LIMIT),
        (job(completions=3, backoffLimit=0), [pod("d", deleting=True)], BACKOFF_LIMIT),
        (job(completions=3, backoffLimit=0, podReplacementPolicy="Failed"), [pod("d", deleting=True)], None),
        (
            job(completions=3, activeDeadlineSeconds=1000), [],
            ("FailureTarget", "DeadlineExceeded", "Job was active longer than specified deadline"),
        ),
        (job(completions=3, activeDeadlineSeconds=1001), [], None),
        (job(completions=3, activeDeadlineSeconds=1, suspend=True), [], None),
        (job(completions=3, podFailurePolicy=RULES), [pod("f", "Failed", code=3)], None),
        (
            job(completions=3, podFailurePolicy=RULES), [pod("f", "Failed", code=2)],
            (
                "FailureTarget", "PodFailurePolicy",
                "Container c for pod default/f failed with exit code 2 matching FailJob rule at index 0",
            ),
        ),
        (
            indexed(backoffLimitPerIndex=0, completions=2),
            [pod("a", "Failed", index=0), pod("b", "Succeeded", index=1)],
            ("FailureTarget", "FailedIndexes", "Job has failed indexes"),
        ),
        (indexed(backoffLimitPerIndex=0, completions=2), [pod("a", "Failed", index=0), pod("b", index=1)], None),
        (
            indexed(backoffLimitPerIndex=0, maxFailedIndexes=0), [pod("a", "Failed", index=0)],
            (
                "FailureTarget", "MaxFailedIndexesExceeded",
                "Job has exceeded the specified maximal number of failed indexes",
            ),
        ),
        (
            indexed(successPolicy={"rules": [{"succeededCount": 1}]}), [pod("s", "Succeeded", index=2)],
            ("SuccessCriteriaMet", "SuccessPolicy", "Matched rules at index 0"),
        ),
        (
            job(status={"startTime": START, "conditions": [
                {"type": "FailureTarget", "status": "True", "reason": "DeadlineExceeded", "message": "m"}]}),
            many(9, "Failed"), ("FailureTarget", "DeadlineExceeded", "m"),
        ),
    ],
)  # fmt: skip
def test_the_condition_by_which_it_ends(
    subject: Obj, pods: list[Any], ending: tuple[str, str, str] | None
) -> None:
    found = job_plan.plan(Observed(subject, pods), NOW).condition
    assert (found and (found["type"], found["reason"], found["message"])) == ending


def test_restarts_inside_a_pod_count_with_on_failure() -> None:
    for limit, restarts, ends in ((0, 0, False), (0, 1, True), (1, 1, True), (2, 1, False), (2, 2, True)):
        subject = job(completions=3, backoffLimit=limit)
        subject["spec"]["template"] = {"spec": {"restartPolicy": "OnFailure", "containers": []}}
        decided = job_plan.plan(Observed(subject, [pod("p", restarts=restarts)]), NOW)
        assert (decided.condition is not None) is ends


# -- the status ------------------------------------------------------------------------------------------------


def accounted(observed: Observed, outcome: Outcome | None = None) -> job_status.Account:
    decided = job_plan.plan(observed, NOW)
    if outcome is None:
        doomed = (*decided.end, *decided.remove)
        outcome = Outcome(created=len(decided.create), deleted=len(doomed))
    return job_status.account(observed, decided, outcome, NOW)


def test_ended_pods_are_named_then_freed_then_counted() -> None:
    pods = [pod("s", "Succeeded"), pod("f", "Failed", ended=0), pod("r", ready=True)]
    result = accounted(Observed(job(completions=5), pods))
    status = result.status
    assert status["uncountedTerminatedPods"] == {"succeeded": ["s"], "failed": ["f"]}
    assert (status["active"], status["ready"], status["terminating"]) == (2, 1, 0)
    assert "succeeded" not in status
    assert [each["metadata"]["name"] for each in result.free] == ["s", "f"]
    half = job_status.settle(status, {"f"})
    assert half["uncountedTerminatedPods"] == {"failed": ["f"]} and half["succeeded"] == 1
    whole = job_status.settle(half, set())
    assert (whole["succeeded"], whole["failed"], whole["uncountedTerminatedPods"]) == (1, 1, {})


def test_a_pod_that_was_freed_is_not_counted_twice() -> None:
    status = {"startTime": START, "uncountedTerminatedPods": {"succeeded": ["s"]}}
    observed = Observed(job(completions=5, status=status), [pod("s", "Succeeded")], freed={"s"})
    result = accounted(observed)
    assert result.status["succeeded"] == 1 and result.status["uncountedTerminatedPods"] == {}
    assert not result.free
    # And once the informer shows it without its finalizer it means nothing any more.
    later = Observed(job(completions=5, status=result.status), [pod("s", "Succeeded", tracked=False)])
    assert accounted(later).status["succeeded"] == 1


def test_indexes_are_their_own_record() -> None:
    pods = [pod("s", "Succeeded", index=1), pod("t", "Succeeded", index=2), pod("u", "Succeeded", index=1)]
    result = accounted(Observed(indexed(), pods))
    assert (result.status["completedIndexes"], result.status["succeeded"]) == ("1,2", 2)
    assert result.status["uncountedTerminatedPods"] == {} and len(result.free) == 3


def test_the_last_failed_pod_of_an_index_waits_for_its_successor() -> None:
    subject = indexed(backoffLimitPerIndex=3)
    failed = pod("f", "Failed", index=0, failures=0, ended=995)
    result = accounted(Observed(subject, [failed]))
    assert not result.free and result.status["failedIndexes"] == ""
    replaced = accounted(Observed(subject, [failed, pod("g", index=0, failures=1)]))
    assert [each["metadata"]["name"] for each in replaced.free] == ["f"]
    assert replaced.status["uncountedTerminatedPods"] == {"failed": ["f"]}


def test_completion_is_said_in_two_steps() -> None:
    observed = Observed(job(completions=1, parallelism=1), [pod("s", "Succeeded")])
    result = accounted(observed)
    (met,) = result.status["conditions"]
    assert (met["type"], met["reason"]) == ("SuccessCriteriaMet", "CompletionsReached")
    assert job_status.conclude(result.status, result.final)[1] is False  # not counted yet
    status, over = job_status.conclude(job_status.settle(result.status, set()), result.final)
    assert over and [c["type"] for c in status["conditions"]] == ["SuccessCriteriaMet", "Complete"]
    assert status["completionTime"] == rfc3339(NOW)
    assert status["conditions"][1]["message"] == "Reached expected number of succeeded pods"


def test_a_failed_job_counts_its_running_pods_as_failed_and_waits_for_them() -> None:
    observed = Observed(job(completions=5, backoffLimit=0), [pod("f", "Failed"), pod("r", ready=True)])
    result = accounted(observed, Outcome(deleted=1, deleted_ready=1))
    assert result.status["uncountedTerminatedPods"] == {"failed": ["f", "r"]}
    assert (result.status["terminating"], result.status["ready"], "active" in result.status) == (1, 0, False)
    settled = job_status.settle(result.status, set())
    assert settled["failed"] == 2
    assert job_status.conclude(settled, result.final) == (settled, False)
    status, over = job_status.conclude(settled | {"terminating": 0}, result.final)
    assert over and status["conditions"][-1]["type"] == "Failed" and "completionTime" not in status


def test_it_does_not_end_while_a_pod_could_not_be_deleted() -> None:
    observed = Observed(job(completions=5, backoffLimit=0), [pod("f", "Failed"), pod("r")])
    assert accounted(observed, Outcome(deleted=0)).final is None


def test_suspension_is_noted_and_stops_the_clock() -> None:
    suspended = accounted(Observed(job(completions=5, suspend=True), many(2)))
    (condition,) = suspended.status["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == (
        "Suspended",
        "True",
        "JobSuspended",
    )
    assert suspended.events == (("Normal", "Suspended", "Job suspended"),)
    assert "startTime" not in suspended.status and suspended.status["terminating"] == 2
    resumed = accounted(Observed(job(completions=5, status=suspended.status), []))
    assert resumed.events == (("Normal", "Resumed", "Job resumed"),)
    assert resumed.status["startTime"] == rfc3339(NOW)
    assert resumed.status["conditions"][0]["status"] == "False"


def test_a_job_that_never_was_suspended_says_nothing_of_it() -> None:
    assert "conditions" not in accounted(Observed(job(completions=5), [])).status


def test_at_most_500_are_named_at_once() -> None:
    observed = Observed(job(completions=2000, parallelism=600), many(600, "Succeeded"))
    result = accounted(observed)
    assert len(result.status["uncountedTerminatedPods"]["succeeded"]) == len(result.free) == 500


# -- on a running cluster --------------------------------------------------------------------------------------


def pi(name: str = "pi", command: str = "true", image: str = "busybox", **spec: Any) -> Obj:
    container = {"name": "c", "image": image, "command": ["sh", "-c", command]}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    metadata = {"name": name, "namespace": "default"}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {"template": template} | spec,
    }


async def is_in(cluster: Cluster, condition: str, name: str = "pi") -> bool:
    return objects.is_condition_true(await cluster.get(JOBS, name), condition)


async def fail(cluster: Cluster, pod: Obj, code: int = 1) -> None:
    """As the kubelet would say it."""
    ended = {"exitCode": code, "finishedAt": cluster.clock.rfc3339(), "startedAt": cluster.clock.rfc3339()}
    container = {"name": "c", "image": "busybox", "imageID": "", "ready": False, "restartCount": 0}
    status = {"phase": "Failed", "containerStatuses": [container | {"state": {"terminated": ended}}]}
    metadata = pod["metadata"]
    await cluster.client.patch(
        PODS, metadata["name"], {"status": status}, namespace="default", subresource="status"
    )


async def active(cluster: Cluster) -> list[Obj]:
    return active_pods(await cluster.pods("default"))


async def test_a_job_runs_its_pods_and_completes(cluster: Cluster, world: World) -> None:
    await cluster.create(pi(completions=5, parallelism=2))
    await cluster.until(lambda: is_in(cluster, "Complete"))
    found = await cluster.get(JOBS, "pi")
    status = found["status"]
    assert (status["succeeded"], "failed" in status, status["uncountedTerminatedPods"]) == (5, False, {})
    assert [c["type"] for c in status["conditions"]] == ["SuccessCriteriaMet", "Complete"]
    assert not any(map(job_facts.is_tracked, await cluster.pods("default")))
    assert await world.events("Completed") == ["Job completed"]
    assert len(await world.events("SuccessfulCreate")) == 5


async def test_an_indexed_job_ends_each_index_once(cluster: Cluster) -> None:
    await cluster.create(pi(completions=4, parallelism=2, completionMode="Indexed"))
    await cluster.until(lambda: is_in(cluster, "Complete"))
    status = (await cluster.get(JOBS, "pi"))["status"]
    assert (status["completedIndexes"], status["succeeded"]) == ("0-3", 4)
    found = await cluster.pods("default")
    assert sorted(each["spec"]["hostname"] for each in found) == ["pi-0", "pi-1", "pi-2", "pi-3"]
    assert all(each["metadata"]["name"].startswith(each["spec"]["hostname"] + "-") for each in found)


async def test_failures_are_retried_later_and_later_until_there_were_too_many(
    cluster: Cluster, world: World
) -> None:
    await cluster.create(pi(command="sleep infinity", backoffLimit=2))
    waits = []
    for _ in range(3):
        waits.append(await cluster.until(lambda: active(cluster), count=1))
        (running,) = await active(cluster)
        await fail(cluster, running)
    assert 0 <= waits[1] - 10 <= 1 and 0 <= waits[2] - 20 <= 1
    await cluster.until(lambda: is_in(cluster, "Failed"))
    status = (await cluster.get(JOBS, "pi"))["status"]
    assert (status["failed"], status.get("active", 0)) == (3, 0)
    message = "Job has reached the specified backoff limit"
    assert await world.events("BackoffLimitExceeded") == [message]


async def test_a_deadline_ends_what_still_runs(cluster: Cluster) -> None:
    await cluster.create(pi(command="sleep infinity", activeDeadlineSeconds=60))
    waited = await cluster.until(lambda: is_in(cluster, "Failed"))
    assert 59 <= waited <= 62
    found = await cluster.get(JOBS, "pi")
    assert [c["reason"] for c in objects.conditions(found)] == ["DeadlineExceeded", "DeadlineExceeded"]
    await cluster.until(lambda: cluster.pods("default"), count=0)


async def test_a_suspended_job_stands_still_until_it_is_resumed(cluster: Cluster, world: World) -> None:
    await cluster.create(pi(suspend=True))
    await cluster.advance("1h")
    assert await cluster.pods("default") == [] and await is_in(cluster, "Suspended")
    await world.patch(JOBS, "pi", {"spec": {"suspend": False}})
    await cluster.until(lambda: is_in(cluster, "Complete"))
    assert not await is_in(cluster, "Suspended")
    assert await world.events("Resumed") == ["Job resumed"]


async def test_a_running_job_that_is_suspended_loses_its_pods(cluster: Cluster, world: World) -> None:
    await cluster.create(pi(command="sleep 600", completions=2, parallelism=2))
    await cluster.until(lambda: cluster.pods("default", ready=True), count=2)
    await world.patch(JOBS, "pi", {"spec": {"suspend": True}})
    await cluster.until(lambda: cluster.pods("default"), count=0)
    assert "failed" not in (await cluster.get(JOBS, "pi"))["status"]


async def test_somebody_elses_job_is_left_alone(cluster: Cluster) -> None:
    await cluster.create(pi(managedBy="example.com/other"))
    await cluster.advance("1m")
    assert await cluster.pods("default") == []


@pytest.mark.parametrize("propagation", ["Background", "Foreground", "Orphan"])
async def test_the_pods_of_a_deleted_job_are_let_go(cluster: Cluster, propagation: str) -> None:
    await cluster.create(pi(command="sleep infinity", parallelism=2, completions=2))
    await cluster.until(lambda: cluster.pods("default", ready=True), count=2)
    await cluster.client.delete(JOBS, "pi", "default", propagation=propagation)
    await cluster.advance("1m")
    assert await cluster.list(JOBS) == []
    left = await cluster.pods("default")
    assert len(left) == (2 if propagation == "Orphan" else 0)
    assert not any(map(job_facts.is_tracked, left))


async def test_a_deleted_pod_is_replaced_and_counts_as_failed(cluster: Cluster) -> None:
    await cluster.create(pi(command="sleep infinity"))
    await cluster.until(lambda: cluster.pods("default", ready=True), count=1)
    (first,) = await cluster.pods("default")
    await cluster.client.delete(PODS, first["metadata"]["name"], "default")
    await cluster.until(lambda: cluster.pods("default", ready=True), count=1)
    await cluster.advance("1m")
    (second,) = await cluster.pods("default")
    assert second["metadata"]["name"] != first["metadata"]["name"]
    assert (await cluster.get(JOBS, "pi"))["status"]["failed"] == 1


async def test_a_manual_selector_adopts_and_tracks(cluster: Cluster) -> None:
    container = {"name": "c", "image": "busybox", "command": ["sleep", "20"]}
    orphan = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "orphan", "namespace": "default", "labels": {"job": "mine"}},
        "spec": {"restartPolicy": "Never", "containers": [container]},
    }
    await cluster.create(orphan)
    subject = pi(manualSelector=True, selector={"matchLabels": {"job": "mine"}})
    subject["spec"]["template"]["metadata"] = {"labels": {"job": "mine"}}
    await cluster.create(subject)
    await cluster.until(lambda: is_in(cluster, "Complete"))
    assert [each["metadata"]["name"] for each in await cluster.pods("default")] == ["orphan"]


async def test_a_restart_in_the_middle_changes_no_count(cluster: Cluster) -> None:
    await cluster.create(pi(completions=6, parallelism=2))
    await cluster.advance(1.5)
    async with cluster.fork() as other:
        await other.until(lambda: is_in(other, "Complete"))
        status = (await other.get(JOBS, "pi"))["status"]
        assert (status["succeeded"], len(await other.pods("default"))) == (6, 6)
