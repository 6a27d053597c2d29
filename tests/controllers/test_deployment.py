"""Deployments: upstream's tables over the pure plan, and whole rollouts with a model of the ReplicaSets."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubepy.api import objects
from kubepy.api.builtins import DEPLOYMENTS, REPLICA_SETS
from kubepy.controllers import deployment_plan, deployment_rollout, deployment_sizes, deployment_templates
from kubepy.controllers.deployment_sizes import DESIRED_REPLICAS, MAX_REPLICAS
from kubepy.controllers.deployment_templates import HASH_LABEL, REVISION, REVISION_HISTORY
from kubepy.lib.clock import VirtualClock, rfc3339
from kubepy.testing import builders
from kubepy.testing.cluster import Cluster
from tests.controllers.conftest import World

NOW = VirtualClock.START
OLDER, OLD, NEW = "2016-05-20T00:00:00Z", "2016-05-20T01:00:00Z", "2016-05-20T02:00:00Z"


def template(image: str = "nginx", **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"labels": {"app": "foo", **labels}},
        "spec": {"containers": [{"name": "c", "image": image}]},
    }


def deployment(
    replicas: int, *, surge: Any = 0, unavailable: Any = 0, image: str = "nginx", **spec: Any
) -> Any:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "foo", "namespace": "default", "uid": "d", "generation": 1},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "foo"}},
            "template": template(image),
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable},
            },
            "progressDeadlineSeconds": 600,
            "revisionHistoryLimit": 10,
            **spec,
        },
        "status": {},
    }


def replica_set(
    name: str,
    replicas: int,
    *,
    created: str = NEW,
    image: str = "old",
    available: int | None = None,
    **annotations: str,
) -> Any:
    available = replicas if available is None else available
    labels = {HASH_LABEL: name}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": name,
            "creationTimestamp": created,
            "generation": 1,
            "annotations": annotations,
        },
        "spec": {"replicas": replicas, "minReadySeconds": 0, "template": template(image, **labels)},
        "status": {
            "replicas": replicas,
            "readyReplicas": available,
            "availableReplicas": available,
            "terminatingReplicas": 0,
            "observedGeneration": 1,
        },
    }


def sized_for(obj: Any, desired: int, surge: int = 0) -> Any:
    obj["metadata"]["annotations"] |= {DESIRED_REPLICAS: str(desired), MAX_REPLICAS: str(desired + surge)}
    return obj


def sizes(plan: deployment_plan.Plan, sets: list[Any]) -> list[int]:
    new = {update.replica_set["metadata"]["name"]: update.new for update in plan.updates}
    return [new.get(each["metadata"]["name"], each["spec"]["replicas"]) for each in sets]


# Source: pkg/controller/deployment/sync_test.go, TestScale.
@pytest.mark.parametrize(
    ("desired", "before", "surges", "new", "old", "expected"),
    [
        pytest.param(12, 10, (0, 0), 10, [], [12], id="up"),
        pytest.param(5, 10, (0, 0), 10, [], [5], id="down"),
        pytest.param(10, 5, (0, 0), 2, [3], [4, 6], id="5 -> 10"),
        pytest.param(3, 5, (0, 0), 2, [3], [1, 2], id="5 -> 3"),
        pytest.param(4, 9, (0, 0), 8, [1], [4, 0], id="9 -> 4"),
        pytest.param(10, 7, (0, 0), 2, [3, 2], [3, 4, 3], id="7 -> 10"),
        pytest.param(8, 13, (0, 0), 2, [8, 3], [1, 5, 2], id="13 -> 8"),
        pytest.param(4, 3, (0, 0), 1, [1, 1], [2, 1, 1], id="leftover goes to the newest"),
        pytest.param(2, 3, (0, 0), 1, [1, 1], [1, 1, 0], id="leftover is taken from the oldest"),
        pytest.param(5, 4, (0, 0), None, [2, 2], [3, 2], id="no new set"),
        pytest.param(0, 6, (0, 0), 3, [2, 1], [0, 0, 0], id="to zero"),
        pytest.param(20, 10, (2, 2), 6, [6], [11, 11], id="with surge"),
        pytest.param(50, 10, (6, 3), 5, [8], [22, 34], id="surge and size"),
        pytest.param(14, 10, (0, 0), None, [7, 3], [10, 4], id="size and template"),
    ],
)
def test_a_rescaled_rollout_keeps_its_proportions(
    desired: int, before: int, surges: tuple[int, int], new: int | None, old: list[int], expected: list[int]
) -> None:
    surge, surge_before = surges
    sets = [] if new is None else [replica_set("new", new, created=NEW, image="nginx")]
    sets += [replica_set(f"old-{i}", size, created=(OLD, OLDER)[i]) for i, size in enumerate(old)]
    for each in sets:
        sized_for(each, before, surge_before)
    plan = deployment_plan.plan(deployment(desired, surge=surge), sets, NOW)
    assert plan.create is None
    assert sizes(plan, sets) == expected


def test_a_rescaled_set_remembers_what_it_was_sized_for() -> None:
    sets = [sized_for(replica_set("new", 3, image="nginx"), 3)]
    (update,) = deployment_plan.plan(deployment(5, surge=2), sets, NOW).updates
    annotations = update.replica_set["metadata"]["annotations"]
    assert (annotations[DESIRED_REPLICAS], annotations[MAX_REPLICAS]) == ("5", "7")


# Source: pkg/controller/deployment/rolling_test.go, TestDeploymentController_reconcileNewReplicaSet.
@pytest.mark.parametrize(
    ("desired", "surge", "old", "new", "expected"),
    [(10, 0, 10, 0, 0), (10, 2, 10, 0, 2), (10, 2, 5, 0, 7), (10, 2, 10, 2, 2), (10, 2, 2, 11, 10)],
)
def test_the_new_set_grows_as_far_as_the_surge_allows(
    desired: int, surge: int, old: int, new: int, expected: int
) -> None:
    sets = [replica_set("old", old, created=OLD, available=0), replica_set("new", new, image="nginx")]
    sized = [deployment_sizes.Sized.of(each) for each in sets]
    assert deployment_sizes.new_set_size(deployment(desired, surge=surge), sized, sized[1]) == expected


# Source: rolling_test.go, TestDeploymentController_reconcileOldReplicaSets and _cleanupUnhealthyReplicas.
@pytest.mark.parametrize(
    ("desired", "unavailable", "old", "new", "old_ready", "new_ready", "expected_old"),
    [
        pytest.param(10, 0, 10, 0, 10, 0, 10, id="none may go"),
        pytest.param(10, 2, 10, 0, 10, 0, 8, id="as many as may be unavailable"),
        pytest.param(10, 2, 10, 0, 8, 0, 8, id="unhealthy ones first"),
        pytest.param(10, 2, 10, 0, 9, 0, 8, id="one unhealthy, one healthy"),
        pytest.param(10, 2, 8, 0, 8, 0, 8, id="already at the limit"),
    ],
)
def test_old_sets_shrink_as_far_as_availability_allows(
    desired: int, unavailable: int, old: int, new: int, old_ready: int, new_ready: int, expected_old: int
) -> None:
    sets = [
        sized_for(replica_set("new", new, image="nginx", available=new_ready), desired),
        sized_for(replica_set("old", old, created=OLD, available=old_ready), desired),
    ]
    plan = deployment_plan.plan(deployment(desired, surge=1, unavailable=unavailable), sets, NOW)
    # The new set may grow in the first step; then the old one waits for the next.
    if sizes(plan, sets)[0] != new:
        sets[0]["spec"]["replicas"] = sizes(plan, sets)[0]
        plan = deployment_plan.plan(deployment(desired, surge=1, unavailable=unavailable), sets, NOW)
    assert sizes(plan, sets)[1] == expected_old


def test_what_may_be_unavailable_is_shared_by_all_old_sets() -> None:
    sets = [
        sized_for(replica_set("new", 0, image="nginx"), 10),
        sized_for(replica_set("old", 4, created=OLD), 10),
        sized_for(replica_set("older", 6, created=OLDER, available=5), 10),
    ]
    plan = deployment_plan.plan(deployment(10, unavailable=3), sets, NOW)
    # The oldest gives its broken pod and as many good ones as availability allows; nothing is left for the next.
    assert sizes(plan, sets) == [0, 4, 3]


# Source: util/deployment_util_test.go, TestResolveFenceposts.
@pytest.mark.parametrize(
    ("surge", "unavailable", "desired", "expected"),
    [
        ("0%", "0%", 0, (0, 1)),
        ("39%", "39%", 10, (4, 3)),
        (2, 3, 10, (2, 3)),
        ("50%", "100%", 8, (4, 8)),
        (0, "25%", 1, (0, 1)),
        ("1%", 0, 2, (1, 0)),
    ],
)
def test_fenceposts_round_surge_up_and_unavailable_down(
    surge: Any, unavailable: Any, desired: int, expected: tuple[int, int]
) -> None:
    assert deployment_sizes.fenceposts(deployment(desired, surge=surge, unavailable=unavailable)) == expected


def test_the_first_set_is_created_at_full_size_with_its_annotations() -> None:
    subject = deployment(3, surge=1, minReadySeconds=5)
    subject["metadata"]["annotations"] = {
        "team": "blue",
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
        REVISION: "7",
    }
    plan = deployment_plan.plan(subject, [], NOW)
    created = plan.create
    assert created is not None
    hash_ = created["metadata"]["labels"][HASH_LABEL]
    assert created["metadata"]["name"] == f"foo-{hash_}"
    assert created["metadata"]["annotations"] == {
        "team": "blue",
        REVISION: "1",
        DESIRED_REPLICAS: "3",
        MAX_REPLICAS: "4",
    }
    assert created["spec"]["replicas"] == 3
    assert created["spec"]["minReadySeconds"] == 5
    assert created["spec"]["selector"] == {"matchLabels": {"app": "foo", HASH_LABEL: hash_}}
    assert created["spec"]["template"]["metadata"]["labels"] == {"app": "foo", HASH_LABEL: hash_}
    assert created["metadata"]["ownerReferences"][0]["uid"] == "d"
    assert plan.revision == "1"
    assert condition(plan, "Progressing")["reason"] == "NewReplicaSetCreated"
    assert condition(plan, "Progressing")["message"] == f'Created new replica set "foo-{hash_}"'
    assert condition(plan, "Available")["reason"] == "MinimumReplicasUnavailable"


def test_a_long_name_leaves_room_for_the_hash() -> None:
    subject = deployment(1)
    subject["metadata"]["name"] = "a" * 253
    assert len(deployment_templates.render_replica_set(subject)["metadata"]["name"]) == 253


def test_a_collision_count_changes_the_hash() -> None:
    subject = deployment(1)
    first = deployment_templates.render_replica_set(subject)["metadata"]["name"]
    subject["status"] = {"collisionCount": 1}
    assert deployment_templates.render_replica_set(subject)["metadata"]["name"] != first


def test_a_rollback_reuses_the_old_set_and_moves_its_revision_on() -> None:
    sets = [
        sized_for(replica_set("v1", 0, created=OLD, image="nginx", **{REVISION: "1"}), 3),
        sized_for(replica_set("v2", 3, created=NEW, image="broken", **{REVISION: "2"}), 3),
    ]
    plan = deployment_plan.plan(deployment(3, surge=1), sets, NOW)
    assert plan.create is None
    assert plan.revision == "3"
    written = {update.replica_set["metadata"]["name"]: update for update in plan.updates}["v1"]
    assert written.replica_set["metadata"]["annotations"][REVISION] == "3"
    assert written.replica_set["metadata"]["annotations"][REVISION_HISTORY] == "1"
    assert written.new == 1


def test_revision_history_forgets_its_oldest_when_it_is_full() -> None:
    history = ",".join(["1000"] * 400)
    annotations = deployment_templates.new_set_annotations(
        deployment(1), {REVISION: "2000", REVISION_HISTORY: history}, 2001
    )
    assert len(annotations[REVISION_HISTORY]) <= deployment_templates.REVISION_HISTORY_CHARS_MAX
    assert annotations[REVISION_HISTORY].endswith(",2000")


def test_recreate_starts_nothing_before_the_last_old_pod_has_ended() -> None:
    subject = deployment(2, strategy={"type": "Recreate"})
    old = sized_for(replica_set("old", 2, created=OLD), 2)
    assert sizes(deployment_plan.plan(subject, [old], NOW), [old]) == [0]
    old["spec"]["replicas"], old["status"]["replicas"] = 0, 2
    assert deployment_plan.plan(subject, [old], NOW).create is None
    old["status"]["replicas"] = 0
    assert deployment_plan.plan(subject, [old], NOW, busy={"old"}).create is None
    created = deployment_plan.plan(subject, [old], NOW).create
    assert created is not None
    assert created["spec"]["replicas"] == 2


def test_a_paused_deployment_scales_and_does_not_roll() -> None:
    subject = deployment(5, paused=True)
    old = sized_for(replica_set("old", 3, created=OLD), 3)
    plan = deployment_plan.plan(subject, [old], NOW)
    assert plan.create is None
    assert sizes(plan, [old]) == [5]
    assert condition(plan, "Progressing")["reason"] == "DeploymentPaused"
    subject["status"] = plan.status
    subject["spec"]["paused"] = False
    assert condition(deployment_plan.plan(subject, [sized_for(old, 5)], NOW), "Progressing")["reason"] in (
        "DeploymentResumed",
        "NewReplicaSetCreated",
    )


def test_only_the_newest_revisions_are_kept() -> None:
    subject = deployment(1, revisionHistoryLimit=1)
    sets = [replica_set(f"v{i}", 0, created=OLD, image=f"v{i}", **{REVISION: str(i)}) for i in (10, 9, 2)]
    new = sized_for(replica_set("new", 1, image="nginx", **{REVISION: "11"}), 1)
    subject["status"] = {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1, "observedGeneration": 1}
    deleted = deployment_plan.plan(subject, [*sets, new], NOW).delete
    assert [each["metadata"]["name"] for each in deleted] == ["v2", "v9"]


def test_history_with_pods_is_not_deleted() -> None:
    subject = deployment(1, revisionHistoryLimit=0)
    busy = replica_set("busy", 0, created=OLD, image="busy")
    busy["status"]["replicas"] = 1
    unseen = replica_set("unseen", 0, created=OLD, image="unseen")
    unseen["metadata"]["generation"] = 2
    new = sized_for(replica_set("new", 1, image="nginx"), 1)
    subject["status"] = {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1, "observedGeneration": 1}
    assert deployment_plan.plan(subject, [busy, unseen, new], NOW).delete == ()


# -- status ----------------------------------------------------------------------------------------------------


def condition(plan: deployment_plan.Plan, type_: str) -> Any:
    return next((c for c in plan.status.get("conditions", ()) if c["type"] == type_), None)


def settled(replicas: int = 2) -> tuple[Any, Any]:
    new = sized_for(replica_set("new", replicas, image="nginx", **{REVISION: "1"}), replicas)
    return deployment(replicas), new


def test_a_finished_rollout_says_so_and_then_rests() -> None:
    subject, new = settled()
    plan = deployment_plan.plan(subject, [new], NOW)
    assert condition(plan, "Progressing")["reason"] == "NewReplicaSetAvailable"
    assert condition(plan, "Progressing")["message"] == 'ReplicaSet "new" has successfully progressed.'
    assert condition(plan, "Available")["message"] == "Deployment has minimum availability."
    assert plan.status["terminatingReplicas"] == 0
    subject["status"] = plan.status
    again = deployment_plan.plan(subject, [new], NOW + 5000)
    assert again.status == plan.status
    assert again.updates == () and again.after_s is None


def test_progress_moves_the_deadline() -> None:
    subject, new = settled(4)
    subject["status"] = {
        "observedGeneration": 1,
        "replicas": 4,
        "updatedReplicas": 4,
        "conditions": [progressing("NewReplicaSetCreated")],
    }
    new["status"] |= {"availableReplicas": 1, "readyReplicas": 1}
    found = condition(deployment_plan.plan(subject, [new], NOW + 100), "Progressing")
    assert (found["reason"], found["message"]) == ("ReplicaSetUpdated", 'ReplicaSet "new" is progressing.')
    assert found["lastUpdateTime"] == rfc3339(NOW + 100)
    assert found["lastTransitionTime"] == rfc3339(NOW)


def progressing(reason: str, at: float = NOW) -> Any:
    return {
        "type": "Progressing",
        "status": "True",
        "reason": reason,
        "message": "",
        "lastUpdateTime": rfc3339(at),
        "lastTransitionTime": rfc3339(at),
    }


def test_a_rollout_without_progress_runs_out_of_time() -> None:
    subject, new = settled(4)
    new["status"] |= {"availableReplicas": 0, "readyReplicas": 0}
    subject["status"] = deployment_plan.plan(subject, [new], NOW).status
    subject["status"]["conditions"] = [
        c for c in subject["status"]["conditions"] if c["type"] != "Progressing"
    ] + [progressing("ReplicaSetUpdated")]
    waiting = deployment_plan.plan(subject, [new], NOW + 100)
    assert waiting.after_s == 501
    late = deployment_plan.plan(subject, [new], NOW + 601)
    found = condition(late, "Progressing")
    assert (found["status"], found["reason"]) == ("False", "ProgressDeadlineExceeded")
    assert found["message"] == 'ReplicaSet "new" has timed out progressing.'
    subject["status"] = late.status
    assert deployment_plan.plan(subject, [new], NOW + 9000).after_s is None


# Source: deployment_util_test.go, TestDeploymentComplete: desired, there, updated, available.
@pytest.mark.parametrize(
    ("counts", "is_complete"),
    [
        ((5, 5, 5, 4), False), ((5, 5, 5, 3), False), ((5, 5, 5, 5), True), ((5, 5, 4, 5), False),
        ((1, 2, 1, 1), False), ((1, 1, 1, 0), False),
    ],
)  # fmt: skip
def test_a_rollout_is_complete_when_all_is_new_and_available(counts: Any, is_complete: bool) -> None:
    desired, there, updated, available = counts
    status = {"replicas": there, "updatedReplicas": updated, "availableReplicas": available}
    found = deployment_rollout.is_complete(deployment(desired), status | {"observedGeneration": 1})
    assert found is is_complete
    assert not deployment_rollout.is_complete(deployment(desired), status), "of this generation"


# Source: deployment_util_test.go, TestDeploymentProgressing: there, updated, ready, available; before and now.
@pytest.mark.parametrize(
    ("before", "now", "is_progressing"),
    [
        ((10, 4, 4, 4), (10, 6, 4, 4), True), ((10, 4, 4, 4), (10, 4, 4, 4), False),
        ((10, 4, 6, 6), (8, 4, 6, 6), True), ((10, 7, 3, 3), (10, 6, 3, 3), False),
        ((10, 4, 7, 7), (8, 8, 5, 5), True), ((10, 10, 9, 8), (10, 10, 10, 8), True),
        ((10, 10, 10, 9), (10, 10, 10, 10), True),
    ],
)  # fmt: skip
def test_what_counts_as_progress(before: Any, now: Any, is_progressing: bool) -> None:
    fields = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    found = deployment_rollout.is_progressing(dict(zip(fields, before)), dict(zip(fields, now)))
    assert found is is_progressing


UPDATED = ("ReplicaSetUpdated", "True")
AVAILABLE = ("NewReplicaSetAvailable", "True")
TIMED_OUT = ("ProgressDeadlineExceeded", "False")
FOO, BAR = (3, 2, 2), (0, 1, 1)  # sizes of sets: wanted, there, available


def judged(deadline_s: int | None, status: Any, known: Any, new: Any, old: Any, at: float) -> Any:
    """The condition Progressing after a look at these sets, None if there is none."""
    subject = deployment(status[0], progressDeadlineSeconds=deadline_s)
    there, updated, available = status[1:]
    conditions = [] if known is None else [progressing(known[0]) | {"status": known[1]}]
    subject["status"] = {
        "replicas": there, "updatedReplicas": updated, "availableReplicas": available, "conditions": conditions,
    }  # fmt: skip

    def sized(name: str, wanted: int, there: int, available: int) -> deployment_sizes.Sized:
        obj = replica_set(name, wanted)
        obj["status"] = {"replicas": there, "availableReplicas": available}
        return deployment_sizes.Sized.of(obj)

    rollout = deployment_rollout.Rollout(
        subject,
        rfc3339(at),
        at,
        sized("new", *new) if new else None,
        [sized("old", *old)] if old else [],
        conditions,
    )
    deployment_rollout.judge_progress(rollout, deployment_rollout.render_status(rollout))
    return rollout.progressing


# Source: progress_test.go, TestSyncRolloutStatus. status: wanted, there, updated, available. Which of its times moved.
@pytest.mark.parametrize(
    ("deadline_s", "status", "known", "new", "old", "wanted", "moved"),
    [
        pytest.param(None, (3, 2, 2, 2), UPDATED, FOO, BAR, None, "", id="no deadline, no condition"),
        pytest.param(60, (3, 3, 3, 3), AVAILABLE, None, (3, 3, 3), AVAILABLE, "", id="only an old set"),
        pytest.param(60, (3, 3, 3, 3), AVAILABLE, (3, 3, 3), None, AVAILABLE, "", id="done before"),
        pytest.param(60, (3, 2, 2, 2), UPDATED, FOO, BAR, UPDATED, "update", id="progress again"),
        pytest.param(60, (3, 2, 2, 2), TIMED_OUT, FOO, BAR, UPDATED, "both", id="progress after all"),
        pytest.param(60, (3, 2, 2, 2), None, FOO, BAR, UPDATED, "both", id="progress for the first time"),
        pytest.param(60, (3, 3, 3, 3), UPDATED, (3, 3, 3), None, AVAILABLE, "update", id="done"),
        pytest.param(60, (3, 3, 3, 3), TIMED_OUT, (3, 3, 3), None, AVAILABLE, "both", id="done after all"),
        pytest.param(60, (3, 3, 3, 3), None, (3, 3, 3), None, AVAILABLE, "both", id="done at once"),
        pytest.param(60, (0, 3, 3, 3), UPDATED, None, (0, 0, 0), AVAILABLE, "update", id="scaled to nothing"),
        pytest.param(60, (3, 2, 2, 2), UPDATED, FOO, None, TIMED_OUT, "both", id="out of time"),
        pytest.param(60, (3, 2, 2, 2), TIMED_OUT, FOO, None, TIMED_OUT, "", id="still out of time"),
    ],
)  # fmt: skip
def test_the_progress_of_a_rollout(
    deadline_s: Any, status: Any, known: Any, new: Any, old: Any, wanted: Any, moved: str
) -> None:
    at = NOW + 120
    found = judged(deadline_s, status, known, new, old, at)
    assert (found and (found["reason"], found["status"])) == wanted
    if found is not None:
        times = {name: found[name] == rfc3339(at) for name in ("lastUpdateTime", "lastTransitionTime")}
        assert times == {
            "lastUpdateTime": moved in ("update", "both"),
            "lastTransitionTime": moved == "both",
        }


def test_without_a_deadline_there_is_no_progressing_condition() -> None:
    subject, new = settled()
    subject["spec"]["progressDeadlineSeconds"] = 2**31 - 1
    assert condition(deployment_plan.plan(subject, [new], NOW), "Progressing") is None


def test_a_set_that_cannot_make_pods_fails_its_deployment() -> None:
    subject, new = settled()
    failure = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": "no quota",
        "lastTransitionTime": rfc3339(NOW),
    }
    new["status"]["conditions"] = [failure]
    plan = deployment_plan.plan(subject, [new], NOW)
    assert condition(plan, "ReplicaFailure")["message"] == "no quota"
    subject["status"], new["status"]["conditions"] = plan.status, []
    assert condition(deployment_plan.plan(subject, [new], NOW), "ReplicaFailure") is None


def test_a_deployment_that_is_being_deleted_only_reports() -> None:
    subject, new = settled(2)
    subject["spec"]["replicas"] = 7
    subject["metadata"]["deletionTimestamp"] = rfc3339(NOW)
    plan = deployment_plan.plan(subject, [new], NOW)
    assert plan.create is None and plan.updates == () and plan.delete == ()
    assert plan.status["replicas"] == 2


# -- templates -------------------------------------------------------------------------------------------------


def with_container(**fields: Any) -> Any:
    return {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"containers": [{"name": "c", "image": "i", **fields}]},
    }


def with_limit(cpu: str) -> Any:
    return with_container(resources={"limits": {"cpu": cpu}})


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (template(), template(**{HASH_LABEL: "x"}), True),
        (template(**{HASH_LABEL: "y"}), template(**{HASH_LABEL: "x"}), True),
        (template(), template(more="labels"), False),
        (template("nginx:1"), template("nginx:2"), False),
        (with_container(resources={}), with_container(), True),
        (with_limit("1"), with_limit("1000m"), True),
        (with_limit("1"), with_limit("2"), False),
        (with_container(env=[]), with_container(), True),
        (with_container(stdin=False), with_container(), True),
        (with_container(env=[{"name": "A", "value": ""}]), with_container(env=[{"name": "A"}]), True),
        (with_container(securityContext={"runAsNonRoot": False}), with_container(securityContext={}), False),
    ],
)  # fmt: skip
def test_templates_are_compared_as_upstream_does(one: Any, other: Any, same: bool) -> None:
    assert deployment_templates.is_same_template(one, other) is same


def test_an_empty_volume_source_is_not_an_absent_one() -> None:
    one, other = with_container(), with_container()
    one["spec"]["volumes"] = [{"name": "v", "emptyDir": {}}]
    other["spec"]["volumes"] = [{"name": "v"}]
    assert not deployment_templates.is_same_template(one, other)


# -- whole rollouts --------------------------------------------------------------------------------------------


def apply(subject: Any, sets: list[Any], plan: deployment_plan.Plan) -> None:
    """What the API server would store."""
    if plan.create is not None:
        name = plan.create["metadata"]["name"]
        metadata = plan.create["metadata"] | {"uid": name, "creationTimestamp": rfc3339(NOW), "generation": 1}
        sets.append(plan.create | {"metadata": metadata, "status": {}})
    for update in plan.updates:
        at = next(
            i
            for i, each in enumerate(sets)
            if each["metadata"]["name"] == update.replica_set["metadata"]["name"]
        )
        sets[at] = update.replica_set
    gone = {each["metadata"]["name"] for each in plan.delete}
    sets[:] = [each for each in sets if each["metadata"]["name"] not in gone]
    subject["status"] = plan.status


@settings(max_examples=150, deadline=None)
@given(
    replicas=st.integers(0, 12),
    rescaled=st.integers(0, 12),
    surge=st.integers(0, 4),
    unavailable=st.integers(0, 4),
    initial=st.integers(0, 12),
    moves=st.lists(st.tuples(st.sampled_from(["plan", "pods", "rescale"]), st.integers(0, 5)), max_size=40),
)
def test_any_order_of_events_keeps_the_bounds_and_converges(
    replicas: int, rescaled: int, surge: int, unavailable: int, initial: int, moves: list[tuple[str, int]]
) -> None:
    subject = deployment(replicas, surge=surge, unavailable=unavailable)
    sets = [sized_for(replica_set("old", initial, created=OLD, **{REVISION: "1"}), replicas, surge)]

    def pods_follow(count: int) -> None:
        """Up to `count` pods of each set become available; what is too many goes at once."""
        for at, each in enumerate(sets):
            size = each["spec"]["replicas"]
            available = min(size, each["status"].get("availableReplicas", 0) + count)
            status = {
                "replicas": size,
                "readyReplicas": available,
                "availableReplicas": available,
                "terminatingReplicas": 0,
                "observedGeneration": 1,
            }
            sets[at] = each | {"status": status}

    for move, count in moves:
        if move == "plan":
            total = sum(each["spec"]["replicas"] for each in sets)
            apply(subject, sets, deployment_plan.plan(subject, sets, NOW))
            limit = max(total, subject["spec"]["replicas"] + deployment_sizes.max_surge(subject))
            assert sum(each["spec"]["replicas"] for each in sets) <= limit
        elif move == "pods":
            pods_follow(count)
        else:
            subject["spec"]["replicas"] = rescaled
            subject["metadata"]["generation"] += 1
    for _ in range(60):
        apply(subject, sets, deployment_plan.plan(subject, sets, NOW))
        pods_follow(3)
    final = subject["spec"]["replicas"]
    by_image = {each["spec"]["template"]["spec"]["containers"][0]["image"]: each for each in sets}
    assert by_image["nginx"]["spec"]["replicas"] == final
    assert by_image["old"]["spec"]["replicas"] == 0
    assert deployment_rollout.is_complete(subject, subject["status"])
    rest = deployment_plan.plan(subject, sets, NOW)
    assert (rest.create, rest.updates) == (None, ())


# -- on a running cluster --------------------------------------------------------------------------------------


def web(replicas: int = 3) -> builders.WorkloadBuilder:
    return builders.make_deployment("web").replicas(replicas).image("v1")


async def test_a_rollout_replaces_every_pod_and_says_how(cluster: Cluster, world: World) -> None:
    await cluster.create(web())
    await world.rolled_out()
    await world.set_image("web", "v2")
    await world.rolled_out()
    sets = await world.replica_sets()
    assert {image: each["spec"]["replicas"] for image, each in sets.items()} == {"v1": 0, "v2": 3}
    await cluster.until(lambda: cluster.pods("default"), count=3)
    assert {pod["spec"]["containers"][0]["image"] for pod in await cluster.pods("default")} == {"v2"}
    assert (await world.deployment())["metadata"]["annotations"][REVISION] == "2"
    assert await world.progress() == "NewReplicaSetAvailable"
    old, new = sets["v1"]["metadata"]["name"], sets["v2"]["metadata"]["name"]
    assert await world.events("ScalingReplicaSet") == [
        f"Scaled up replica set {old} from 0 to 3",
        f"Scaled up replica set {new} from 0 to 1",
        f"Scaled down replica set {old} from 3 to 2",
        f"Scaled up replica set {new} from 1 to 2",
        f"Scaled down replica set {old} from 2 to 1",
        f"Scaled up replica set {new} from 2 to 3",
        f"Scaled down replica set {old} from 1 to 0",
    ]


async def test_undo_goes_back_to_the_old_set(cluster: Cluster, world: World) -> None:
    await cluster.create(web())
    await world.rolled_out()
    for image in ("v2", "v1"):
        await world.set_image("web", image)
        await world.rolled_out()
    sets = await world.replica_sets()
    assert {image: each["spec"]["replicas"] for image, each in sets.items()} == {"v1": 3, "v2": 0}
    annotations = sets["v1"]["metadata"]["annotations"]
    assert (annotations[REVISION], annotations[REVISION_HISTORY]) == ("3", "1")
    assert (await world.deployment())["metadata"]["annotations"][REVISION] == "3"


async def test_a_rollout_never_breaks_its_bounds(cluster: Cluster, world: World) -> None:
    await cluster.create(web(10).rolling(max_surge=2, max_unavailable=3))
    await world.rolled_out()
    await world.set_image("web", "v2")

    async def is_done_within_bounds() -> bool:
        pods = [pod for pod in await cluster.pods("default") if "deletionTimestamp" not in pod["metadata"]]
        assert len(pods) <= 12
        assert len([pod for pod in pods if objects.is_condition_true(pod, "Ready")]) >= 7
        return await world.is_rolled_out()

    await cluster.until(is_done_within_bounds)


async def test_recreate_never_mixes_old_and_new(cluster: Cluster, world: World) -> None:
    await cluster.create(web().recreate())
    await world.rolled_out()
    await world.set_image("web", "v2")

    async def is_done_unmixed() -> bool:
        images = {pod["spec"]["containers"][0]["image"] for pod in await cluster.pods("default")}
        assert len(images) <= 1
        return await world.is_rolled_out()

    await cluster.until(is_done_unmixed)


async def test_scaling_keeps_the_revision(cluster: Cluster, world: World) -> None:
    await cluster.create(web())
    await world.rolled_out()
    for replicas in (5, 0, 2):
        await world.patch(DEPLOYMENTS, "web", {"spec": {"replicas": replicas}})
        await world.rolled_out()
        assert len(await world.names(REPLICA_SETS)) == 1
        await cluster.until(lambda: cluster.pods("default"), count=replicas)
    assert (await world.deployment())["metadata"]["annotations"][REVISION] == "1"


async def test_a_paused_deployment_waits_and_then_rolls_once(cluster: Cluster, world: World) -> None:
    await cluster.create(web())
    await world.rolled_out()
    await world.patch(DEPLOYMENTS, "web", {"spec": {"paused": True}})
    for image in ("v2", "v3"):
        await world.set_image("web", image)
        await cluster.advance("1m")
    assert set(await world.replica_sets()) == {"v1"}
    await world.patch(DEPLOYMENTS, "web", {"spec": {"paused": False}})
    await world.rolled_out()
    assert {image: each["spec"]["replicas"] for image, each in (await world.replica_sets()).items()} == {
        "v1": 0,
        "v3": 3,
    }


async def test_a_stuck_rollout_misses_its_deadline_and_recovers(cluster: Cluster, world: World) -> None:
    await cluster.create(web().spec(progressDeadlineSeconds=60))
    await world.rolled_out()
    # No node has this much: the new pod stays pending.
    big = {"containers": [{"name": "app", "resources": {"requests": {"cpu": "1000"}}}]}
    await world.patch(DEPLOYMENTS, "web", {"spec": {"template": {"spec": big}}})
    await cluster.advance(59)
    assert await world.progress() == "ReplicaSetUpdated"
    await cluster.advance(5)
    assert await world.progress() == "ProgressDeadlineExceeded"
    available = (await world.deployment())["status"]["availableReplicas"]
    assert available == 3
    small = {"containers": [{"name": "app", "resources": {"requests": {"cpu": "1m"}}}]}
    await world.patch(DEPLOYMENTS, "web", {"spec": {"template": {"spec": small}}})
    await world.rolled_out()
    await cluster.until(lambda: world.is_rolled_out())
    assert await world.progress() == "NewReplicaSetAvailable"


async def test_history_is_kept_to_its_limit(cluster: Cluster, world: World) -> None:
    await cluster.create(web(1).spec(revisionHistoryLimit=1))
    for image in ("v1", "v2", "v3", "v4"):
        await world.set_image("web", image)
        await world.rolled_out()
        await cluster.advance("1m")
    assert set(await world.replica_sets()) == {"v3", "v4"}


async def test_a_taken_name_is_a_collision_and_another_hash(cluster: Cluster, world: World) -> None:
    await cluster.create(web().paused())
    await cluster.settle()
    stranger = deployment_templates.render_replica_set(await world.deployment())
    del stranger["metadata"]["ownerReferences"]
    stranger["metadata"]["labels"] = {"app": "other"}
    stranger["spec"]["selector"] = {"matchLabels": {"app": "other"}}
    stranger["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    await cluster.create(stranger)
    await world.patch(DEPLOYMENTS, "web", {"spec": {"paused": False}})
    await world.rolled_out()
    assert (await world.deployment())["status"]["collisionCount"] == 1
    assert len(await world.names(REPLICA_SETS)) == 2


async def test_an_orphaned_set_is_adopted_with_its_pods(cluster: Cluster, world: World) -> None:
    await cluster.create(web())
    await world.rolled_out()
    pods = await world.names()
    await cluster.client.delete(DEPLOYMENTS, "web", "default", propagation="Orphan")
    await cluster.advance(5)
    assert await world.names() == pods
    await cluster.create(web())
    await world.rolled_out()
    assert await world.names() == pods
    assert len(await world.names(REPLICA_SETS)) == 1


@pytest.mark.parametrize("at_s", [0.1, 0.4, 0.9, 1.5])
async def test_a_rollout_goes_on_after_a_restart(cluster: Cluster, world: World, at_s: float) -> None:
    await cluster.create(web(4))
    await world.rolled_out()
    await world.set_image("web", "v2")
    await cluster.advance(at_s)
    async with cluster.fork() as restarted:
        after = type(world)(restarted)
        await after.rolled_out()
        sets = await after.replica_sets()
        assert {image: each["spec"]["replicas"] for image, each in sets.items()} == {"v1": 0, "v2": 4}
        await restarted.until(lambda: restarted.pods("default"), count=4)


async def test_a_set_that_cannot_be_made_is_told(cluster: Cluster, world: World) -> None:
    await cluster.create(web().spec(template={"metadata": {"labels": {"app": "web"}}, "spec": {
        "serviceAccountName": "nobody", "containers": [{"name": "app", "image": "v1"}],
    }}))  # fmt: skip
    await cluster.advance(1)
    found = await world.deployment()
    failure = objects.condition(found, "ReplicaFailure")
    assert failure is not None and failure["reason"] == "FailedCreate"
    assert 'serviceaccount "nobody" not found' in failure["message"]
