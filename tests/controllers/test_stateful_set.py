"""StatefulSets: tables over the plan, then whole behaviours on a running cluster."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api import objects
from kubepy.api.builtins import PERSISTENT_VOLUME_CLAIMS, PODS, STATEFUL_SETS
from kubepy.controllers import history, stateful_set_identity
from kubepy.controllers import stateful_set as stateful_sets
from kubepy.controllers.history import REVISION_LABEL
from kubepy.controllers.stateful_set import Observed, Plan
from kubepy.lib.clock import parse_rfc3339, rfc3339
from kubepy.testing import builders
from kubepy.testing.cluster import Cluster
from tests.controllers.conftest import World

NOW = parse_rfc3339("2026-01-01T01:00:00Z")


def subject(replicas: int = 3, image: str = "new", **spec: Any) -> Any:
    status = spec.pop("status", {})
    deleting = spec.pop("deleting", False)
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "c", "image": image}]},
    }
    spec = {
        "replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template, "serviceName": "web",
        "podManagementPolicy": "OrderedReady", "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {}},
    } | spec  # fmt: skip
    metadata = {"name": "web", "namespace": "default", "uid": "web", "generation": 1}
    if deleting:
        metadata["deletionTimestamp"] = rfc3339(NOW)
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": metadata,
        "spec": spec,
        "status": status,
    }


OLD = history.render(subject(image="old"), 1, "hash")
NEW = history.render(subject(image="new"), 2, "hash")


def pod(
    ordinal: int, phase: str = "Running", *, ready: float | None = 100, old: bool = False, **metadata: Any
) -> Any:
    name = f"web-{ordinal}"
    conditions = []
    if ready is not None and phase == "Running":
        conditions.append({"type": "Ready", "status": "True", "lastTransitionTime": rfc3339(NOW - ready)})
    revision = (OLD if old else NEW)["metadata"]["name"]
    labels = {"app": "web", stateful_sets.POD_NAME: name, REVISION_LABEL: revision}
    metadata = {"name": name, "namespace": "default", "uid": name, "labels": labels} | metadata
    return {"metadata": metadata, "spec": {}, "status": {"phase": phase, "conditions": conditions}}


def waiting(ordinal: int, **kwargs: Any) -> Any:
    return pod(ordinal, ready=None, **kwargs)


def leaving(ordinal: int, **kwargs: Any) -> Any:
    return pod(ordinal, deletionTimestamp=rfc3339(NOW), **kwargs)


def plan(stateful_set: Any, *pods: Any, claims: Any = None, current: Any = NEW) -> Plan:
    return stateful_sets.plan(Observed(stateful_set, pods, claims or {}, current, NEW), NOW)


def names(some: Any) -> list[str]:
    return [each["metadata"]["name"] for each in some]


PARALLEL = {"podManagementPolicy": "Parallel"}


# Source: stateful_set_control_test.go: CreatesPods, ScalesUp, ScalesDown, ReplacesPods, RecreatesFailedPod, ...
@pytest.mark.parametrize(
    ("stateful_set", "pods", "creates", "deletes"),
    [
        pytest.param(subject(), [], ["web-0"], [], id="the first"),
        pytest.param(subject(**PARALLEL), [], ["web-0", "web-1", "web-2"], [], id="all at once"),
        pytest.param(subject(), [pod(0)], ["web-1"], [], id="the next"),
        pytest.param(subject(), [waiting(0)], [], [], id="waits for the first"),
        pytest.param(subject(minReadySeconds=200), [pod(0)], [], [], id="waits until it is available"),
        pytest.param(subject(), [pod(0), pod(2)], ["web-1"], [], id="a gap"),
        pytest.param(subject(), [pod(0), pod(1, "Failed"), pod(2)], [], ["web-1"], id="failed"),
        pytest.param(subject(), [pod(0, "Succeeded")], [], ["web-0"], id="succeeded"),
        pytest.param(subject(), [pod(0), leaving(1), pod(2)], [], [], id="waits for the leaving"),
        pytest.param(subject(1), [pod(0), pod(1), pod(2)], [], ["web-2"], id="down, the highest"),
        pytest.param(subject(1, **PARALLEL), [pod(0), pod(1), pod(2)], [], ["web-2", "web-1"], id="down at once"),
        pytest.param(subject(1), [pod(0), pod(1), leaving(2)], [], [], id="down, one at a time"),
        pytest.param(subject(1), [pod(0), waiting(1), pod(2)], [], ["web-2"], id="down, what works goes"),
        pytest.param(subject(1), [waiting(0), pod(1)], [], [], id="down, not while the rest does not work"),
        pytest.param(subject(1), [pod(0), pod(1), waiting(2)], [], ["web-2"], id="down, the first broken"),
        pytest.param(subject(2, ordinals={"start": 5}), [pod(4), pod(5)], ["web-6"], [], id="from five on"),
        pytest.param(subject(2, ordinals={"start": 5}), [pod(4), pod(5), pod(6)], [], ["web-4"], id="below five"),
        pytest.param(subject(deleting=True), [pod(0)], [], [], id="being deleted"),
    ],
)  # fmt: skip
def test_the_walk(stateful_set: Any, pods: list[Any], creates: list[str], deletes: list[str]) -> None:
    decided = plan(stateful_set, *pods)
    assert (names(decided.create), names(decided.delete)) == (creates, deletes)


def partition(at: int) -> Any:
    return {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": at}}}


def unavailable(most: int | str) -> Any:
    return {
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0, "maxUnavailable": most}}
    }


# Source: stateful_set_control_test.go: RollingUpdate, RollingUpdateWithPartition, OnDeleteUpdate.
@pytest.mark.parametrize(
    ("stateful_set", "pods", "deletes"),
    [
        pytest.param(subject(), [pod(0, old=True), pod(1, old=True), pod(2, old=True)], ["web-2"], id="from the top"),
        pytest.param(subject(), [pod(0, old=True), pod(1, old=True), waiting(2)], [], id="waits"),
        pytest.param(subject(), [pod(0, old=True), pod(1, old=True), pod(2)], ["web-1"], id="goes on"),
        pytest.param(subject(**partition(2)), [pod(0, old=True), pod(1, old=True), pod(2)], [], id="to the partition"),
        pytest.param(
            subject(updateStrategy={"type": "OnDelete"}), [pod(0, old=True), pod(1, old=True), pod(2, old=True)], [],
            id="on delete",
        ),
        pytest.param(
            subject(**unavailable(2)), [pod(0, old=True), pod(1, old=True), pod(2, old=True)], ["web-2", "web-1"],
            id="two at a time",
        ),
        pytest.param(
            subject(**PARALLEL, **unavailable("67%")), [pod(0, old=True), pod(1, old=True), waiting(2)], ["web-1"],
            id="one while one is waited for",
        ),
        pytest.param(
            subject(**unavailable("10%")), [pod(0, old=True), pod(1, old=True), pod(2, old=True)], ["web-2"],
            id="at least one",
        ),
        pytest.param(subject(1), [pod(0, old=True), pod(1, old=True)], ["web-1"], id="scaling goes first"),
        pytest.param(
            subject(**PARALLEL), [waiting(0), pod(1), waiting(2, old=True)], ["web-2"], id="a broken old one goes"
        ),
        pytest.param(
            subject(1, **PARALLEL, **unavailable(1)), [waiting(0, old=True)], ["web-0"], id="one that never worked"
        ),
        pytest.param(subject(2, **PARALLEL), [pod(0), pod(1, "Failed", old=True)], ["web-1"], id="what is over, once"),
        pytest.param(
            subject(**PARALLEL), [waiting(0, old=True), waiting(1, old=True), pod(2, old=True)], ["web-1", "web-0"],
            id="all that are broken, and none that works",
        ),
        pytest.param(
            subject(**PARALLEL, **unavailable(2)), [waiting(0, old=True), pod(1, old=True), pod(2, old=True)],
            ["web-0", "web-2"], id="one that works besides one that is broken",
        ),
        pytest.param(
            subject(**PARALLEL), [waiting(0), pod(1, old=True), pod(2, old=True)], [],
            id="a new one further down is broken",
        ),
        pytest.param(
            subject(**PARALLEL, **partition(1)), [waiting(0, old=True), pod(1, old=True), pod(2, old=True)], [],
            id="one below the partition is broken",
        ),
    ],
)  # fmt: skip
def test_a_rolling_update(stateful_set: Any, pods: list[Any], deletes: list[str]) -> None:
    assert names(plan(stateful_set, *pods, current=OLD).delete) == deletes


def rolled(leaving_ones: set[int], policy: str, most: int | str | None = 2, size: int = 6) -> list[str]:
    members = [leaving(n, old=True) if n in leaving_ones else pod(n, old=True) for n in range(size)]
    rolling: Any = {"partition": 3} if size == 6 else {}
    if most is not None:
        rolling["maxUnavailable"] = most
    strategy = {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": rolling}}
    return names(plan(subject(size, podManagementPolicy=policy, **strategy), *members, current=OLD).delete)


# Source: stateful_set_control_test.go, RollingUpdateWithMaxUnavailableInOrderedModeVerifyInvariant.
@pytest.mark.parametrize(
    ("leaving_ones", "deletes"),
    [
        (set(), ["web-5", "web-4"]), ({5}, ["web-4"]), ({3}, ["web-5"]), ({4}, ["web-5"]), ({5, 4}, []),
        ({5, 3}, []), ({4, 3}, []), ({5, 4, 3}, []), ({2}, ["web-5"]), ({1}, ["web-5"]),
    ],
)  # fmt: skip
def test_what_is_leaving_counts_among_the_unavailable(leaving_ones: set[int], deletes: list[str]) -> None:
    assert rolled(leaving_ones, "Parallel") == deletes
    assert rolled(leaving_ones, "OrderedReady") == ([] if leaving_ones else deletes)


# Source: stateful_set_utils_test.go, TestGetStatefulSetMaxUnavailable.
@pytest.mark.parametrize(
    ("most", "replicas", "count"),
    [
        (None, 10, 1), (3, 10, 3), (0, 5, 1),
        ("10%", 25, 2), ("100%", 5, 5), ("50%", 5, 2), ("10%", 5, 1), ("0%", 5, 1),
    ],
)  # fmt: skip
def test_a_share_of_the_replicas_may_be_unavailable(
    most: int | str | None, replicas: int, count: int
) -> None:
    assert len(rolled(set(), "OrderedReady", most, replicas)) == count


def ready_for(ordinal: int, seconds: float) -> Any:
    made = pod(ordinal, old=True)
    made["status"]["conditions"][0]["lastTransitionTime"] = rfc3339(NOW - seconds)
    return made


# Source: stateful_set_control_test.go, RollingUpdateRespectsMinReadySeconds, ScaleDownRespectsMinReadySeconds,
# OnDeleteStrategyIgnoresMinReadySeconds, ZeroMinReadySeconds, PartitionRollingUpdateWithMinReadySeconds.
@pytest.mark.parametrize(
    ("stateful_set", "seconds", "count", "deletes", "available"),
    [
        (subject(2, minReadySeconds=30), 10, 2, [], 0),
        (subject(2, minReadySeconds=30), 60, 2, ["web-1"], 2),
        (subject(1, minReadySeconds=30), 10, 3, [], 0),
        (subject(2, minReadySeconds=30, updateStrategy={"type": "OnDelete"}), 10, 2, [], 0),
        (subject(2, minReadySeconds=0), 0, 2, ["web-1"], 2),
        (subject(4, minReadySeconds=30, **partition(2)), 10, 4, [], 0),
    ],
)
def test_a_pod_counts_when_it_was_ready_long_enough(
    stateful_set: Any, seconds: float, count: int, deletes: list[str], available: int
) -> None:
    decided = plan(stateful_set, *(ready_for(n, seconds) for n in range(count)), current=OLD)
    assert (names(decided.delete), decided.status["availableReplicas"]) == (deletes, available)


def test_below_the_partition_pods_are_of_the_old_revision() -> None:
    decided = plan(subject(**PARALLEL, **partition(2)), current=OLD)
    images = [each["spec"]["containers"][0]["image"] for each in decided.create]
    assert images == ["old", "old", "new"]
    assert [each["metadata"]["labels"][REVISION_LABEL] for each in decided.create] == [
        OLD["metadata"]["name"], OLD["metadata"]["name"], NEW["metadata"]["name"],
    ]  # fmt: skip


class Members:
    """The pods of one set as its plans make and delete them, at once; the first of those that wait becomes ready."""

    def __init__(self, count: int) -> None:
        self.pods = {f"web-{n}": pod(n, old=True) for n in range(count)}
        self.status: Any = {"currentRevision": OLD["metadata"]["name"], "currentReplicas": count}

    def settle(self, stateful_set: Any, update: Any) -> None:
        in_order = stateful_set["spec"]["podManagementPolicy"] == "OrderedReady"
        revisions = {each["metadata"]["name"]: each for each in (OLD, NEW)}
        for _ in range(60):
            current = revisions[self.status["currentRevision"]]
            members = list(self.pods.values())
            observed = Observed(stateful_set | {"status": self.status}, members, {}, current, update)
            decided = stateful_sets.plan(observed, NOW)
            if in_order:
                assert len(decided.create) + len(decided.delete) <= 1
                assert not any(self.broken() for _ in decided.create), (
                    "nothing before all of the former works"
                )
            is_quiet = decided.status == self.status and not self.broken()
            self.status = decided.status
            for each in decided.delete:
                del self.pods[each["metadata"]["name"]]
            for each in decided.create:
                self.pods[each["metadata"]["name"]] = each | {
                    "status": {"phase": "Running", "conditions": []}
                }
            if broken := self.broken():
                stamp = rfc3339(NOW - 100)
                ready = {"type": "Ready", "status": "True", "lastTransitionTime": stamp}
                self.pods[broken[0]]["status"] = {"phase": "Running", "conditions": [ready]}
            if is_quiet:
                return
        raise AssertionError("it never comes to an end")

    def broken(self) -> list[str]:
        return sorted(name for name, each in self.pods.items() if not each["status"]["conditions"])

    def images(self) -> list[str]:
        revisions = {OLD["metadata"]["name"]: "old", NEW["metadata"]["name"]: "new"}
        return [
            revisions[each["metadata"]["labels"][REVISION_LABEL]] for _, each in sorted(self.pods.items())
        ]


# Source: stateful_set_control_test.go, TestStatefulSetControlRollingUpdate, ...RollingUpdateWithPartition,
# ...OnDeleteUpdate, ...Rollback, each with another size before and after.
@pytest.mark.parametrize("policy", ["OrderedReady", "Parallel"])
@pytest.mark.parametrize(("before", "after"), [(3, 3), (3, 5), (5, 3)])
@pytest.mark.parametrize(
    ("strategy", "kept"),
    [
        ({"type": "RollingUpdate", "rollingUpdate": {}}, 0),
        ({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}, 2),
        ({"type": "RollingUpdate", "rollingUpdate": {"partition": 9}}, 9),
        ({"type": "RollingUpdate"}, 0),
        ({"type": "OnDelete"}, 3),
    ],
)
def test_an_update_ends_where_it_should_and_can_be_taken_back(
    policy: str, before: int, after: int, strategy: Any, kept: int
) -> None:
    shape = {"podManagementPolicy": policy, "updateStrategy": strategy}
    members = Members(before)
    members.settle(subject(after, "new", **shape), NEW)
    assert sorted(members.pods) == [f"web-{n}" for n in range(after)]
    assert members.images() == ["old" if n < kept else "new" for n in range(after)]
    is_done = not kept
    assert (members.status["currentRevision"] == members.status["updateRevision"]) is is_done
    counts = [members.status.get(name, 0) for name in ("replicas", "readyReplicas", "updatedReplicas")]
    assert counts == [after, after, max(0, after - kept)]
    members.settle(subject(before, "old", **shape), OLD)
    if strategy["type"] == "RollingUpdate":
        assert members.images() == ["old"] * before
        assert (
            members.status["currentRevision"] == members.status["updateRevision"] == OLD["metadata"]["name"]
        )


STORAGE = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
TEMPLATE = {"metadata": {"name": "data", "labels": {"x": "y"}}, "spec": {"accessModes": ["ReadWriteOnce"]}}


def test_a_member_has_a_name_and_its_own_claims() -> None:
    stateful_set = subject(volumeClaimTemplates=[TEMPLATE])
    (made,) = plan(stateful_set).create
    metadata, spec = made["metadata"], made["spec"]
    # As upstream, though nothing is generated from it.
    assert (metadata["name"], metadata["generateName"]) == ("web-0", "web-")
    assert metadata["labels"] == {
        "app": "web", stateful_sets.POD_NAME: "web-0", stateful_sets.POD_INDEX: "0",
        REVISION_LABEL: NEW["metadata"]["name"],
    }  # fmt: skip
    assert (spec["hostname"], spec["subdomain"]) == ("web-0", "web")
    assert spec["volumes"] == [{"name": "data", "persistentVolumeClaim": {"claimName": "data-web-0"}}]
    (claim,) = stateful_set_identity.render_claims(stateful_set, 0)
    assert claim["metadata"] == {
        "name": "data-web-0",
        "namespace": "default",
        "labels": {"x": "y", "app": "web"},
    }


def test_the_status_and_the_end_of_an_update() -> None:
    midway = plan(subject(), pod(0, old=True), pod(1), leaving(2), current=OLD).status
    assert (midway["replicas"], midway["readyReplicas"], midway["currentReplicas"]) == (3, 3, 1)
    assert midway["updatedReplicas"] == 1
    assert (midway["currentRevision"], midway["updateRevision"]) == (
        OLD["metadata"]["name"],
        NEW["metadata"]["name"],
    )
    done = plan(subject(), pod(0), pod(1), pod(2), current=OLD).status
    assert done["currentRevision"] == NEW["metadata"]["name"] and done["currentReplicas"] == 3
    empty = plan(subject(0)).status
    assert empty["replicas"] == empty["availableReplicas"] == 0 and "readyReplicas" not in empty


# Source: stateful_set_control.go, updateStatus and the end of updateStatefulSet.
@pytest.mark.parametrize(
    ("stateful_set", "pods", "current", "updated", "available"),
    [
        pytest.param(subject(1), [pod(0), pod(1)], 2, 2, 2, id="what is scaled away is still there"),
        pytest.param(subject(2), [pod(0), pod(1, "Failed")], 2, 2, 1, id="so is what failed"),
        pytest.param(subject(2), [pod(0, old=True), pod(1, old=True)], 1, 0, 2, id="what is replaced is not"),
    ],
)
def test_the_status_while_pods_go(
    stateful_set: Any, pods: list[Any], current: int, updated: int, available: int
) -> None:
    is_old = objects.labels_of(pods[0])[REVISION_LABEL] == OLD["metadata"]["name"]
    decided = plan(stateful_set, *pods, current=OLD if is_old else NEW)
    assert len(decided.delete) == 1
    status = decided.status
    assert status["currentReplicas"] == current and status.get("updatedReplicas", 0) == updated
    assert status["availableReplicas"] == available


def test_a_pending_pod_is_never_available() -> None:
    lagging = pod(0) | {"status": pod(0)["status"] | {"phase": "Pending"}}
    assert plan(subject(1), lagging).status["availableReplicas"] == 0


def test_claims_that_are_there_are_handed_over_with_the_making_of_the_pod() -> None:
    retention = {"whenScaled": "Retain", "whenDeleted": "Delete"}
    stateful_set = subject(1, volumeClaimTemplates=[TEMPLATE], persistentVolumeClaimRetentionPolicy=retention)
    (claim,) = stateful_set_identity.render_claims(stateful_set, 0)
    decided = plan(stateful_set, claims={"data-web-0": claim})
    assert names(decided.create) == ["web-0"]
    assert [
        ref["kind"]
        for repair in decided.repair
        for each in repair.claims
        for ref in objects.owner_references(each)
    ] == ["StatefulSet"]


def test_a_name_waits_for_the_claim_of_its_former_owner() -> None:
    policy = {"whenScaled": "Delete", "whenDeleted": "Retain"}
    stateful_set = subject(persistentVolumeClaimRetentionPolicy=policy, volumeClaimTemplates=[TEMPLATE])
    reference = {"apiVersion": "v1", "kind": "Pod", "name": "web-0", "uid": "former", "controller": True}
    claim = {"metadata": {"name": "data-web-0", "ownerReferences": [reference]}}
    assert not plan(stateful_set, claims={"data-web-0": claim}).create
    assert plan(stateful_set, claims={}).create


# -- on a running cluster --------------------------------------------------------------------------------------


def web(replicas: int = 3) -> builders.WorkloadBuilder:
    return builders.make_stateful_set("web").replicas(replicas).image("v1")


async def is_rolled_out(cluster: Cluster) -> bool:
    found = await cluster.get(STATEFUL_SETS, "web")
    status, replicas = found.get("status") or {}, found["spec"]["replicas"]
    return bool(
        status.get("observedGeneration", 0) >= found["metadata"]["generation"]
        and status.get("replicas", 0) == replicas
        and status.get("availableReplicas", 0) == replicas
        and status.get("updatedReplicas", 0) == replicas
        and status.get("currentRevision") == status.get("updateRevision")
    )


async def test_pods_come_in_order_and_go_in_reverse(cluster: Cluster, world: World) -> None:
    await cluster.create(web().min_ready(10))
    await cluster.until(lambda: is_rolled_out(cluster))
    found = await cluster.pods("default")
    assert names(found) == ["web-0", "web-1", "web-2"]
    made = [parse_rfc3339(each["metadata"]["creationTimestamp"]) for each in found]
    assert made[1] - made[0] >= 10 and made[2] - made[1] >= 10
    await world.patch(STATEFUL_SETS, "web", {"spec": {"replicas": 1}})
    seen = []
    while len(left := await world.names()) > 1:
        if not seen or seen[-1] != left:
            seen.append(left)
        await cluster.advance(0.1)
    assert seen == [["web-0", "web-1", "web-2"], ["web-0", "web-1"]]


async def test_an_update_keeps_the_names(cluster: Cluster, world: World) -> None:
    await cluster.create(web())
    await cluster.until(lambda: is_rolled_out(cluster))
    template = {"spec": {"containers": [{"name": "app", "image": "v2"}]}}
    change = {"spec": {"template": template, **partition(2)}}
    await world.patch(STATEFUL_SETS, "web", change)
    await cluster.advance("1m")
    images = [each["spec"]["containers"][0]["image"] for each in await cluster.pods("default")]
    assert images == ["v1", "v1", "v2"]
    await cluster.client.delete(PODS, "web-0", "default")
    await cluster.advance("1m")
    assert (await cluster.get(PODS, "web-0"))["spec"]["containers"][0]["image"] == "v1"
    await world.patch(STATEFUL_SETS, "web", {"spec": partition(0)})
    await cluster.until(lambda: is_rolled_out(cluster))
    images = [each["spec"]["containers"][0]["image"] for each in await cluster.pods("default")]
    assert images == ["v2"] * 3


async def test_parallel_pods_come_at_once(cluster: Cluster, world: World) -> None:
    await cluster.create(web(5).spec(podManagementPolicy="Parallel"))
    await cluster.settle()
    assert len(await world.names()) == 5
    assert "Create Pod web-4 in StatefulSet web successful" in await world.events("SuccessfulCreate")
    await cluster.until(lambda: is_rolled_out(cluster))


async def test_claims_are_made_and_outlive_their_pods_unless_told_otherwise(
    cluster: Cluster, world: World
) -> None:
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    await cluster.create(web(1).spec(volumeClaimTemplates=[claim]))
    await cluster.settle()
    assert await world.names(PERSISTENT_VOLUME_CLAIMS) == ["data-web-0"]
    made = await cluster.get(PERSISTENT_VOLUME_CLAIMS, "data-web-0")
    assert made["metadata"]["labels"] == {"app": "web"} and not objects.owner_references(made)
    policy = {"whenScaled": "Retain", "whenDeleted": "Delete"}
    await world.patch(STATEFUL_SETS, "web", {"spec": {"persistentVolumeClaimRetentionPolicy": policy}})
    await cluster.settle()
    (owner,) = objects.owner_references(await cluster.get(PERSISTENT_VOLUME_CLAIMS, "data-web-0"))
    assert (owner["kind"], owner["name"]) == ("StatefulSet", "web")


async def test_a_deleted_member_comes_back_under_its_name(cluster: Cluster) -> None:
    await cluster.create(web(2))
    await cluster.until(lambda: is_rolled_out(cluster))
    before = await cluster.get(PODS, "web-0")
    await cluster.client.delete(PODS, "web-0", "default")
    await cluster.advance("1m")
    after = await cluster.get(PODS, "web-0")
    assert objects.uid_of(after) != objects.uid_of(before)
    assert await is_rolled_out(cluster)


async def test_what_is_put_right_of_a_pod_is_told(cluster: Cluster, world: World) -> None:
    """Source: stateful_pod_control_test.go, UpdatesIdentity, RetentionPolicyUpdate."""
    await cluster.create(web(1).spec(volumeClaimTemplates=[TEMPLATE | {"spec": STORAGE}]))
    await cluster.until(lambda: is_rolled_out(cluster))
    assert await world.events("SuccessfulUpdate") == []
    lost = {"metadata": {"labels": {stateful_sets.POD_NAME: None}}}
    await world.patch(PODS, "web-0", lost)
    await cluster.settle()
    assert (await cluster.get(PODS, "web-0"))["metadata"]["labels"][stateful_sets.POD_NAME] == "web-0"
    assert await world.events("SuccessfulUpdate") == ["Update Pod web-0 in StatefulSet web successful"]
    stranger = {"apiVersion": "v1", "kind": "Secret", "name": "s", "uid": "s", "controller": True}
    await world.patch(PERSISTENT_VOLUME_CLAIMS, "data-web-0", {"metadata": {"ownerReferences": [stranger]}})
    policy = {"whenScaled": "Retain", "whenDeleted": "Delete"}
    await world.patch(STATEFUL_SETS, "web", {"spec": {"persistentVolumeClaimRetentionPolicy": policy}})
    await cluster.client.delete(PODS, "web-0", "default")
    await cluster.advance("1m")
    assert (await world.events("ConflictingController"))[0] == (
        "PersistentVolumeClaim data-web-0 has a conflicting OwnerReference that acts as a manging controller, "
        "the retention policy is ignored for this claim"
    )


async def test_why_a_claim_is_missing_is_told_of_the_claim_and_of_the_pod(
    cluster: Cluster, world: World
) -> None:
    """Source: stateful_pod_control_test.go, CreatePodPvcCreateFailure."""
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few", "namespace": "default"}}
    await cluster.create(quota | {"spec": {"hard": {"persistentvolumeclaims": "0"}}})
    await cluster.settle()
    await cluster.create(web(1).spec(volumeClaimTemplates=[TEMPLATE | {"spec": STORAGE}]))
    await cluster.settle()
    why = (
        'persistentvolumeclaims "data-web-0" is forbidden: exceeded quota: few, requested: persistentvolumeclaims=1, '
        "used: persistentvolumeclaims=0, limited: persistentvolumeclaims=0"
    )
    claim, pod_ = "Create Claim data-web-0 for Pod web-0", "Create Pod web-0"
    told = set(await world.events("FailedCreate"))
    assert f"{claim} in StatefulSet web failed error: {why}" in told
    assert f"{pod_} in StatefulSet web failed error: failed to create PVC data-web-0: {why}" in told


def test_an_update_by_deletion_ends_once_all_pods_are_new() -> None:
    members = Members(3)
    new = subject(3, "new", updateStrategy={"type": "OnDelete"})
    members.settle(new, NEW)
    assert members.status["currentRevision"] == OLD["metadata"]["name"]
    members.pods.clear()
    members.settle(new, NEW)
    assert members.images() == ["new"] * 3
    assert members.status["currentRevision"] == members.status["updateRevision"] == NEW["metadata"]["name"]
