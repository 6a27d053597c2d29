"""DaemonSets: tables over the plan, then whole behaviours on a running cluster."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api import objects, placement
from kubepy.api.builtins import CONTROLLER_REVISIONS, DAEMON_SETS, NODES, PODS
from kubepy.api.objects import Obj
from kubepy.client.client import MERGE_PATCH
from kubepy.controllers import daemon_set as daemon_sets
from kubepy.controllers import history
from kubepy.controllers.daemon_set import Observed, Placement, Plan
from kubepy.lib.clock import parse_rfc3339, rfc3339
from kubepy.testing import builders
from kubepy.testing.cluster import Cluster
from tests.controllers.conftest import World

NOW = parse_rfc3339("2026-01-01T01:00:00Z")


def subject(
    *, surge: Any = 0, unavailable: Any = 1, strategy: str = "RollingUpdate", **template_spec: Any
) -> Any:
    update: Any = {"type": strategy}
    if strategy == "RollingUpdate":
        update["rollingUpdate"] = {"maxSurge": surge, "maxUnavailable": unavailable}
    template = {"metadata": {"labels": {"app": "ds"}}, "spec": {"containers": []} | template_spec}
    spec = {"selector": {"matchLabels": {"app": "ds"}}, "template": template, "updateStrategy": update}
    metadata = {"name": "ds", "namespace": "default", "uid": "ds", "generation": 2}
    return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": metadata, "spec": spec}


def node(name: str = "n0", *taints: tuple[str, str], **labels: str) -> Any:
    builder = builders.make_node(name).labels(**labels)
    for key, effect in taints:
        builder.taint(key, effect=effect)
    return builder.obj()


def pod(
    name: str,
    on: str = "n0",
    *,
    hash_: str = "new",
    ready: float | None = 100,
    phase: str = "Running",
    **metadata: Any,
) -> Any:
    conditions = []
    if ready is not None and phase == "Running":
        conditions.append({"type": "Ready", "status": "True", "lastTransitionTime": rfc3339(NOW - ready)})
    labels = {"app": "ds", daemon_sets.REVISION_LABEL: hash_}
    metadata = {"name": name, "namespace": "default", "uid": name, "labels": labels} | metadata
    return {
        "metadata": metadata,
        "spec": {"nodeName": on},
        "status": {"phase": phase, "conditions": conditions},
    }


def nodes(count: int) -> list[Any]:
    return [node(f"n{i}") for i in range(count)]


def plan(daemon_set: Obj, all_nodes: list[Any], pods: list[Any], **kwargs: Any) -> Plan:
    return daemon_sets.plan(Observed(daemon_set, all_nodes, pods, "new", **kwargs), NOW)


def names(pods: Any) -> list[str]:
    return [each["metadata"]["name"] for each in pods]


# -- which nodes -----------------------------------------------------------------------------------------------

AFFINITY = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}
REQUIRED = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [AFFINITY]}}


# Source: daemon_controller_test.go, TestNodeShouldRunDaemonPod, TestTaint..., TestInsufficientCapacity...
@pytest.mark.parametrize(
    ("template", "on", "verdict"),
    [
        ({}, node(), (True, True)),
        ({"nodeName": "n0"}, node(), (True, True)),
        ({"nodeName": "other"}, node(), (False, False)),
        ({"nodeSelector": {"zone": "a"}}, node(zone="a"), (True, True)),
        ({"nodeSelector": {"zone": "b"}}, node(zone="a"), (False, False)),
        ({"affinity": {"nodeAffinity": REQUIRED}}, node(zone="a"), (True, True)),
        ({"affinity": {"nodeAffinity": REQUIRED}}, node(zone="b"), (False, False)),
        ({}, node("n0", ("k", "NoSchedule")), (False, True)),
        ({}, node("n0", ("k", "NoExecute")), (False, False)),
        ({}, node("n0", ("k", "PreferNoSchedule")), (True, True)),
        ({"tolerations": [{"key": "k", "operator": "Exists"}]}, node("n0", ("k", "NoExecute")), (True, True)),
        ({}, node("n0", (placement.TAINT_NOT_READY, "NoExecute")), (True, True)),
        ({}, node("n0", (placement.TAINT_NOT_READY, "NoSchedule")), (False, True)),
        ({}, node("n0", (placement.TAINT_UNSCHEDULABLE, "NoSchedule")), (True, True)),
        ({}, node("n0", (placement.TAINT_NETWORK_UNAVAILABLE, "NoSchedule")), (False, True)),
        (
            {"hostNetwork": True},
            node("n0", (placement.TAINT_NETWORK_UNAVAILABLE, "NoSchedule")),
            (True, True),
        ),
    ],
)
def test_a_node_takes_a_daemon_pod(template: Any, on: Obj, verdict: tuple[bool, bool]) -> None:
    assert Placement(subject(**template)).judge(on) == verdict


def test_a_pod_is_meant_for_one_node() -> None:
    made = daemon_sets.render_daemon_pod(subject(affinity={"nodeAffinity": REQUIRED}), "n7", "abc")
    assert daemon_sets.node_of(made) == "n7"
    assert made["metadata"]["labels"] == {"app": "ds", "controller-revision-hash": "abc"}
    assert made["metadata"]["generateName"] == "ds-"
    assert {"key": placement.TAINT_UNREACHABLE, "operator": "Exists", "effect": "NoExecute"} in made["spec"][
        "tolerations"
    ]
    assert len(made["spec"]["tolerations"]) == 6


# -- the plan --------------------------------------------------------------------------------------------------


# Source: daemon_controller_test.go, TestSimpleDaemonSet..., TestPodIsNotDeletedByDaemonsetWithEmptyLabelSelector,
# TestDealsWithExistingPods, TestSelectorDaemonDeletesUnselectedPods, TestDaemonKillFailedPods.
@pytest.mark.parametrize(
    ("daemon_set", "on", "pods", "creates", "deletes"),
    [
        pytest.param(subject(), nodes(2), [], ["n0", "n1"], [], id="one on each"),
        pytest.param(subject(), nodes(2), [pod("a")], ["n1"], [], id="one is missing"),
        pytest.param(subject(), nodes(1), [pod("a"), pod("b")], [], ["b"], id="one too many"),
        pytest.param(subject(nodeSelector={"x": "y"}), nodes(1), [pod("a")], [], ["a"], id="not there"),
        pytest.param(subject(), [node("n0", ("k", "NoSchedule"))], [pod("a")], [], [], id="may stay"),
        pytest.param(subject(), nodes(1), [pod("a", phase="Failed")], [], ["a"], id="failed"),
        pytest.param(subject(), nodes(1), [pod("a", phase="Succeeded")], [], ["a"], id="succeeded"),
        pytest.param(subject(), nodes(1), [pod("a", deletionTimestamp="t")], [], [], id="leaving"),
        pytest.param(subject(), nodes(1), [pod("a", phase="Failed", deletionTimestamp="t")], ["n0"], [], id="over"),
        pytest.param(subject(), [], [pod("a", on="gone")], [], [], id="the kubelet's or garbage collector's"),
    ],
)  # fmt: skip
def test_every_node_gets_what_it_should_have(
    daemon_set: Obj, on: list[Any], pods: list[Any], creates: list[str], deletes: list[str]
) -> None:
    decided = plan(daemon_set, on, pods)
    assert (list(decided.create), names(decided.delete)) == (creates, deletes)


def test_a_pod_for_a_node_that_is_gone_is_deleted_while_nobody_has_it() -> None:
    waiting = daemon_sets.render_daemon_pod(subject(), "gone", "new")
    waiting["metadata"] |= {"name": "w", "uid": "w"}
    assert names(plan(subject(), nodes(0), [waiting]).delete) == ["w"]


def test_a_pod_that_fails_again_and_again_stays_for_a_while() -> None:
    decided = plan(subject(), nodes(1), [pod("a", phase="Failed")], waits={"n0": 4.0})
    assert (decided.delete, decided.after_s) == ((), 4.0)
    now = plan(subject(), nodes(1), [pod("a", phase="Failed")])
    assert now.failed == ("n0",)
    message = "Found failed daemon pod default/a on node n0, will try to kill it"
    assert now.events == (("Warning", "FailedDaemonPod", message),)


def old(count: int, **kwargs: Any) -> list[Any]:
    return [pod(f"o{i}", f"n{i}", hash_="old", **kwargs) for i in range(count)]


# Source: update_test.go, TestDaemonSetUpdatesPods..., TestDaemonSetUpdatesWhenNewPodIsNotReady and so on.
@pytest.mark.parametrize(
    ("daemon_set", "pods", "deletes"),
    [
        pytest.param(subject(), old(3), ["o0"], id="one at a time"),
        pytest.param(subject(unavailable=2), old(3), ["o0", "o1"], id="two at a time"),
        pytest.param(subject(unavailable="50%"), old(3), ["o0", "o1"], id="a share, rounded up"),
        pytest.param(subject(unavailable=0), old(3), ["o0"], id="never none at all"),
        pytest.param(subject(strategy="OnDelete"), old(3), [], id="only when somebody deletes them"),
        pytest.param(subject(), [pod("a", ready=None), *old(3)[1:]], [], id="waits for the new one"),
        pytest.param(subject(), [pod("a"), *old(3)[1:]], ["o1"], id="goes on"),
        pytest.param(subject(), old(3, ready=None), ["o0", "o1", "o2"], id="what does not work goes at once"),
        pytest.param(
            subject(), [pod("x", deletionTimestamp="t", hash_="old"), *old(3)[1:]], [], id="one is leaving"
        ),
    ],
)  # fmt: skip
def test_a_rolling_update_deletes_as_many_as_may_be_missing(
    daemon_set: Obj, pods: list[Any], deletes: list[str]
) -> None:
    assert names(plan(daemon_set, nodes(3), pods).delete) == deletes


# Source: update_test.go, TestDaemonSetUpdatesPodsWithMaxSurge, TestDaemonSetUpdatesSomeOldPodsNotReady...
@pytest.mark.parametrize(
    ("surge", "pods", "creates", "deletes"),
    [
        pytest.param(1, old(3), ["n0"], [], id="one more"),
        pytest.param("67%", old(3), ["n0", "n1", "n2"], [], id="a share"),
        pytest.param(1, [*old(3), pod("a", ready=None)], [], [], id="waits for the new one"),
        pytest.param(1, [*old(3), pod("a")], [], ["o0"], id="the old one goes"),
        pytest.param(1, [pod("o0", hash_="old", ready=None), *old(3)[1:]], ["n0", "n1"], [], id="broken ones first"),
        pytest.param(1, [pod("o0", hash_="old", ready=None), pod("a", ready=None), *old(3)[1:]], [], ["o0"],
                     id="of two that do not work the new one stays"),
        pytest.param(1, [pod("a"), pod("b", "n1"), pod("c", "n2")], [], [], id="done"),
    ],
)  # fmt: skip
def test_a_surging_update_puts_the_new_beside_the_old(
    surge: Any, pods: list[Any], creates: list[str], deletes: list[str]
) -> None:
    decided = plan(subject(surge=surge, unavailable=0), nodes(3), pods)
    assert (list(decided.create), names(decided.delete)) == (creates, deletes)


def aged(name: str, on: str, created: int, **kwargs: Any) -> Any:
    return pod(name, on, creationTimestamp=rfc3339(NOW - 1000 + created), **kwargs)


# Source: daemon_controller_test.go, TestSurgeDealsWithExistingPods, ...PreservesReadyOldPods, ...DeletesUnreadyOldPods,
# ...PreservesOldReadyWithUnsatisfiedMinReady, ...DeletesOldReadyWithUnsatisfiedMinReady,
# ...CreatesNewPodWhenAtMaxSurgeAndOldPodDeleted.
@pytest.mark.parametrize(
    ("min_ready_s", "some", "creates", "deletes"),
    [
        pytest.param(
            0, [pod(f"{on}-{n}", f"n{on}") for on, count in ((1, 1), (2, 2), (3, 5)) for n in range(count)],
            ["n0", "n4"], ["2-1", "3-1", "3-2", "3-3", "3-4"], id="too many of the new",
        ),
        pytest.param(
            0, [aged("new", "n1", 100, ready=None), aged("oldest", "n1", 50, hash_="old"),
                aged("older", "n1", 60, hash_="old"), pod("x", "n2")],
            ["n0", "n3", "n4"], ["older"], id="the oldest of the old stays",
        ),
        pytest.param(
            0, [aged("new", "n1", 100, ready=None), aged("oldest", "n1", 50, hash_="old", ready=None),
                aged("older", "n1", 60, hash_="old"), pod("x", "n2")],
            ["n0", "n3", "n4"], ["oldest", "older"], id="unless it does not work",
        ),
        pytest.param(
            15, [aged("new", "n1", 100, ready=10), aged("oldest", "n1", 50, hash_="old"),
                 aged("older", "n1", 60, hash_="old"), pod("x", "n2")],
            ["n0", "n3", "n4"], ["older"], id="while the new one is not available",
        ),
        pytest.param(
            15, [aged("new", "n1", 100, ready=20), aged("oldest", "n1", 50, hash_="old"),
                 aged("older", "n1", 60, hash_="old"), pod("x", "n2")],
            ["n0", "n3", "n4"], ["oldest", "older"], id="until it is",
        ),
        pytest.param(
            0, [aged("new", "n0", 100, ready=None), aged("o0", "n0", 50, hash_="old"),
                *(pod(f"o{n}", f"n{n}", hash_="old") for n in (1, 2, 3)),
                pod("o4", "n4", hash_="old", deletionTimestamp=rfc3339(NOW))],
            ["n4"], [], id="a node without any comes before the limit",
        ),
    ],
)  # fmt: skip
def test_with_a_surge_a_node_keeps_one_old_and_one_new(
    min_ready_s: int, some: list[Any], creates: list[str], deletes: list[str]
) -> None:
    daemon_set = subject(surge=1, unavailable=0)
    daemon_set["spec"]["minReadySeconds"] = min_ready_s
    decided = plan(daemon_set, nodes(5), some)
    assert (list(decided.create), sorted(names(decided.delete))) == (creates, sorted(deletes))


def test_what_on_delete_has_left_of_a_surge_means_nothing() -> None:
    """Source: SurgeCount."""
    left = subject(surge=1, unavailable=0)
    left["spec"]["updateStrategy"]["type"] = "OnDelete"
    decided = plan(left, nodes(1), [pod("a", hash_="old"), pod("b")])
    assert names(decided.delete) == ["b"] and not decided.create
    assert plan(left, nodes(1), [pod("a", hash_="old", deletionTimestamp="t")]).create == ()


class Fleet:
    """The pods of one DaemonSet as its plans make and delete them, each at once."""

    def __init__(self, count: int, **spec: Any) -> None:
        self.daemon_set, self.nodes, self.pods = subject(**spec), nodes(count), []
        self.hash, self.now, self._made = "v1", NOW, 0

    def roll(self, hash_: str, **changes: Any) -> None:
        self.hash = hash_
        min_ready_s = changes.pop("min_ready_s", 0)
        self.daemon_set = subject(**changes)
        self.daemon_set["spec"]["minReadySeconds"] = min_ready_s

    def sync(self) -> tuple[int, int]:
        """How many it made and how many it deleted: what is missing or too much, and then for the rollout. Upstream's
        tests show a run at once what it did, so that both are one run; in a cluster they are two."""
        made, deleted = self._step()
        if deleted and self._is_surging:
            more = self._step()
            made, deleted = made + more[0], deleted + more[1]
        return made, deleted

    @property
    def _is_surging(self) -> bool:
        return bool(self.daemon_set["spec"]["updateStrategy"]["rollingUpdate"]["maxSurge"])

    def _step(self) -> tuple[int, int]:
        decided = daemon_sets.plan(Observed(self.daemon_set, self.nodes, self.pods, self.hash), self.now)
        doomed = set(names(decided.delete))
        assert len(doomed) == len(decided.delete), "none twice"
        self.pods = [each for each in self.pods if each["metadata"]["name"] not in doomed]
        for on in decided.create:
            self._made += 1
            self.pods.append(pod(f"p{self._made}", on, hash_=self.hash, ready=None))
        return len(decided.create), len(doomed)

    def ready(self, count: int = 1000, *, hash_: str = "", on: set[str] | None = None) -> None:
        waiting = [
            each for each in self.pods if not each["status"]["conditions"] and self._is(each, hash_, on)
        ]
        for each in waiting[:count]:
            stamp = rfc3339(self.now)
            each["status"]["conditions"] = [{"type": "Ready", "status": "True", "lastTransitionTime": stamp}]

    def break_(self, count: int, *, hash_: str = "", on: set[str] | None = None) -> None:
        for each in [each for each in self.pods if self._is(each, hash_, on)][:count]:
            each["status"]["conditions"] = []

    def names_of(self, *, is_ready: bool) -> set[str]:
        return {
            each["metadata"]["name"] for each in self.pods if bool(each["status"]["conditions"]) is is_ready
        }

    def with_(self, hash_: str) -> set[str]:
        return {each["spec"]["nodeName"] for each in self.pods if self._is(each, hash_, None)}

    @staticmethod
    def _is(each: Any, hash_: str, on: set[str] | None) -> bool:
        is_of = not hash_ or each["metadata"]["labels"][daemon_sets.REVISION_LABEL] == hash_
        return is_of and (on is None or each["spec"]["nodeName"] in on)


def fleet(count: int, *, works: bool = True, **spec: Any) -> Fleet:
    made = Fleet(count, **spec)
    assert made.sync() == (count, 0)
    if works:
        made.ready()
    return made


# Source: update_test.go, TestDaemonSetUpdatesPods, ...PodsWithMaxSurge, ...WhenNewPodIsNotReady, ...AllOldPodsNotReady:
# what each sync makes and deletes; after those marked so the pods become ready.
@pytest.mark.parametrize(
    ("changes", "works", "gets_ready", "syncs"),
    [
        pytest.param(
            {"unavailable": 2}, True, True,
            [(0, 2), (2, 0), (0, 2), (2, 0), (0, 1), (1, 0), (0, 0)], id="two at a time",
        ),
        pytest.param(
            {"surge": 2, "unavailable": 0}, True, True,
            [(2, 0), (2, 2), (1, 2), (0, 1), (0, 0)], id="two more at a time",
        ),
        pytest.param({"unavailable": 3}, True, False, [(0, 3), (3, 0), (0, 0)], id="the new ones never work"),
        pytest.param({"unavailable": 3}, False, False, [(0, 5), (5, 0), (0, 0)], id="the old ones never worked"),
    ],
)  # fmt: skip
def test_a_rollout_step_by_step(
    changes: Any, works: bool, gets_ready: bool, syncs: list[tuple[int, int]]
) -> None:
    subjects = fleet(5, works=works)
    subjects.roll("v2", **changes)
    for expected in syncs:
        assert subjects.sync() == expected
        if gets_ready and expected[0]:
            subjects.ready()


def test_a_rollout_that_loses_a_node_to_a_taint_while_it_surges() -> None:
    """Source: update_test.go, TestDaemonSetUpdatesPodsNotMatchTainstWithMaxSurge."""
    toleration = {"key": "control", "operator": "Exists"}
    subjects = Fleet(5, surge=1, unavailable=0, tolerations=[toleration])
    subjects.nodes[0] = node("n0", ("control", "NoSchedule"))
    assert subjects.sync() == (5, 0)
    subjects.ready()
    subjects.roll("v2", surge=1, unavailable=0)
    for expected in [(1, 1), (1, 1), (1, 1), (1, 1), (0, 1)]:
        assert subjects.sync() == expected
        assert subjects.sync() == (0, 0)
        subjects.ready()
    assert subjects.sync() == (0, 0)


def test_healthy_old_pods_outlive_broken_rollouts() -> None:
    """Source: update_test.go, TestDaemonSetUpdatesSomeOldPodsNotReady, TestDaemonSetUpdatesSaveOldHealthyPods."""
    subjects = fleet(20)
    subjects.roll("v2", unavailable=10)
    assert [subjects.sync() for _ in range(3)] == [(0, 10), (10, 0), (0, 0)]
    healthy = subjects.names_of(is_ready=True)
    for most in range(10):
        subjects.roll(f"v3-{most}", unavailable=most)
        assert [subjects.sync() for _ in range(3)] == [(0, 10), (10, 0), (0, 0)]
        assert subjects.names_of(is_ready=True) == healthy
    subjects.roll("v4", unavailable=11)
    assert [subjects.sync() for _ in range(3)] == [(0, 11), (11, 0), (0, 0)]
    assert len(subjects.names_of(is_ready=True)) == 9


def test_old_pods_that_do_not_work_go_though_too_many_new_ones_do_not() -> None:
    """Source: update_test.go, TestDaemonSetUpdatesAllOldNotReadyPodsAndNewNotReadyPods."""
    subjects = fleet(100)
    subjects.roll("v2", unavailable=10)
    for _ in range(9):
        assert [subjects.sync(), subjects.sync()] == [(0, 10), (10, 0)]
        subjects.ready()
    subjects.break_(88, hash_="v2")
    subjects.break_(2, hash_="v1")
    assert [subjects.sync() for _ in range(3)] == [(0, 2), (2, 0), (0, 0)]


def test_a_surge_over_pods_that_never_worked() -> None:
    """Source: update_test.go, TestDaemonSetUpdatesAllOldPodsNotReadyMaxSurge."""
    subjects = fleet(5, works=False)
    surge = {"surge": 3, "unavailable": 0}
    subjects.roll("v2", **surge)
    assert [subjects.sync(), subjects.sync()] == [(5, 0), (0, 5)]
    subjects.now += 100
    subjects.ready()
    subjects.roll("v3", **surge, min_ready_s=15)
    subjects.now += 100
    assert subjects.sync() == (3, 0)
    surged = subjects.with_("v3")
    subjects.ready(2, hash_="v3")
    subjects.break_(1, hash_="v2", on={each["metadata"]["name"] for each in subjects.nodes} - surged)
    subjects.now += 10
    assert subjects.sync() == (1, 0), "in place of the old one that broke"
    subjects.now += 10
    assert subjects.sync() == (1, 3), "two are available by now, and one of the old ones does not work"
    subjects.ready(3, hash_="v3")
    subjects.now += 20
    assert [subjects.sync(), subjects.sync()] == [(0, 2), (0, 0)]


def test_a_surging_pod_is_looked_at_again_when_it_becomes_available() -> None:
    daemon_set = subject(surge=1, unavailable=0)
    daemon_set["spec"]["minReadySeconds"] = 30
    assert plan(daemon_set, nodes(3), [*old(3), pod("a", ready=10)]).after_s == 20
    assert names(plan(daemon_set, nodes(3), [*old(3), pod("a", ready=30)]).delete) == ["o0"]


def test_the_status_counts_nodes() -> None:
    daemon_set = subject()
    daemon_set["spec"]["minReadySeconds"] = 30
    on = [*nodes(3), node("n3", ("k", "NoSchedule"))]
    pods = [pod("a"), pod("b", "n1", hash_="old", ready=10), pod("c", "n3")]
    decided = plan(daemon_set, on, pods, trusted=False)
    assert decided.status == {
        "desiredNumberScheduled": 3, "currentNumberScheduled": 2, "numberMisscheduled": 1, "numberReady": 2,
        "numberAvailable": 1, "numberUnavailable": 2, "updatedNumberScheduled": 1,
    }  # fmt: skip
    assert decided.after_s == 20
    assert plan(daemon_set, on, pods).status["observedGeneration"] == 2


# -- history ---------------------------------------------------------------------------------------------------


def test_a_revision_holds_what_puts_the_template_back() -> None:
    daemon_set = subject()
    revision = history.render(daemon_set, 3, "hash")
    assert revision["data"]["spec"]["template"]["$patch"] == "replace"
    assert revision["metadata"]["name"] == f"ds-{revision['metadata']['labels']['hash']}"
    changed = subject(hostNetwork=True)
    assert history.restored(changed, revision) == daemon_set
    assert history.split(daemon_set, [revision]).equal == [revision]
    assert history.split(changed, [revision]).other == [revision]


def test_live_revisions_are_kept_beyond_the_limit() -> None:
    old = [{"metadata": {"name": str(number)}, "revision": number} for number in range(5)]

    def gone(limit: int) -> list[str]:
        return names(history.surplus(old, lambda each: each["metadata"]["name"] == "0", limit))

    assert gone(3) == ["1", "2"]
    assert gone(0) == ["1", "2", "3", "4"]
    assert gone(9) == []


# -- on a running cluster --------------------------------------------------------------------------------------


async def is_rolled_out(cluster: Cluster) -> bool:
    """As `kubectl rollout status` judges."""
    found = await cluster.get(DAEMON_SETS, "ds")
    status = found.get("status") or {}
    desired = status.get("desiredNumberScheduled", 0)
    return bool(
        status.get("observedGeneration", 0) >= found["metadata"]["generation"]
        and desired
        and status.get("updatedNumberScheduled", 0) == desired
        and status.get("numberAvailable", 0) == desired
    )


async def images(cluster: Cluster) -> dict[str, str]:
    found = await cluster.pods("default")
    return {each["spec"]["nodeName"]: each["spec"]["containers"][0]["image"] for each in found}


async def set_image(world: World, image: str) -> None:
    template = {"spec": {"containers": [{"name": "app", "image": image}]}}
    await world.patch(DAEMON_SETS, "ds", {"spec": {"template": template}})


async def test_each_node_gets_one_and_loses_it_with_its_label(cluster: Cluster, world: World) -> None:
    await cluster.create(builders.make_daemon_set("ds"))
    await cluster.until(lambda: is_rolled_out(cluster))
    found = await cluster.pods("default")
    all_nodes = [n["metadata"]["name"] for n in await cluster.list(NODES)]
    assert sorted(each["spec"]["nodeName"] for each in found) == sorted(all_nodes)
    await world.patch(DAEMON_SETS, "ds", {"spec": {"template": {"spec": {"nodeSelector": {"x": "y"}}}}})
    await cluster.until(lambda: cluster.pods("default"), count=0)
    label = {"metadata": {"labels": {"x": "y"}}}
    await cluster.client.patch(NODES, all_nodes[1], label, content_type=MERGE_PATCH)
    await cluster.until(lambda: cluster.pods("default", ready=True), count=1)


async def test_a_rollout_replaces_node_by_node_and_can_go_back(cluster: Cluster, world: World) -> None:
    await cluster.create(builders.make_daemon_set("ds").image("v1").min_ready(10))
    await cluster.until(lambda: is_rolled_out(cluster))
    await set_image(world, "v2")
    took = await cluster.until(lambda: is_rolled_out(cluster))
    assert took > 29  # three nodes, ten seconds each
    assert set((await images(cluster)).values()) == {"v2"}
    revisions = await cluster.list(CONTROLLER_REVISIONS, "default")
    assert sorted(each["revision"] for each in revisions) == [1, 2]
    (first,) = [each for each in revisions if each["revision"] == 1]
    # What `kubectl rollout undo` does.
    await world.patch(DAEMON_SETS, "ds", first["data"])
    await cluster.until(lambda: is_rolled_out(cluster))
    assert set((await images(cluster)).values()) == {"v1"}
    revisions = await cluster.list(CONTROLLER_REVISIONS, "default")
    assert sorted(each["revision"] for each in revisions) == [2, 3]


async def test_a_surge_leaves_no_node_without(cluster: Cluster, world: World) -> None:
    wanted = builders.make_daemon_set("ds").image("v1")
    rolling = {"maxSurge": 1, "maxUnavailable": 0}
    await cluster.create(wanted.spec(updateStrategy={"type": "RollingUpdate", "rollingUpdate": rolling}))
    await cluster.until(lambda: is_rolled_out(cluster))
    await cluster.advance(1)  # pods made in the same second are told apart by their names only
    await set_image(world, "v2")
    while not await is_rolled_out(cluster):
        await cluster.advance(0.5)
        assert (await cluster.get(DAEMON_SETS, "ds"))["status"]["numberAvailable"] == 3
    await cluster.advance(60)
    assert set((await images(cluster)).values()) == {"v2"} and len(await cluster.pods("default")) == 3


async def test_on_delete_waits_for_somebody(cluster: Cluster, world: World) -> None:
    await cluster.create(builders.make_daemon_set("ds").image("v1").spec(updateStrategy={"type": "OnDelete"}))
    await cluster.until(lambda: is_rolled_out(cluster))
    await set_image(world, "v2")
    await cluster.advance("1m")
    assert set((await images(cluster)).values()) == {"v1"}
    await cluster.client.delete(PODS, (await world.names())[0], "default")
    await cluster.advance("1m")
    assert sorted((await images(cluster)).values()) == ["v1", "v1", "v2"]


async def test_history_is_limited(cluster: Cluster, world: World) -> None:
    await cluster.create(builders.make_daemon_set("ds").image("v0").spec(revisionHistoryLimit=2))
    for number in range(1, 6):
        await cluster.until(lambda: is_rolled_out(cluster))
        await set_image(world, f"v{number}")
    await cluster.until(lambda: is_rolled_out(cluster))
    await cluster.advance(5)
    revisions = await cluster.list(CONTROLLER_REVISIONS, "default")
    assert sorted(each["revision"] for each in revisions) == [4, 5, 6]


async def test_a_deleted_daemon_pod_comes_back(cluster: Cluster, world: World) -> None:
    await cluster.create(builders.make_daemon_set("ds"))
    await cluster.until(lambda: is_rolled_out(cluster))
    before = set(await world.names())
    await cluster.client.delete(PODS, min(before), "default")
    await cluster.until(lambda: cluster.pods("default", ready=True), count=2)
    await cluster.until(lambda: cluster.pods("default", ready=True), count=3)
    after = set(await world.names())
    assert len(after & before) == 2
    owner = objects.controller_of(await cluster.get(PODS, (after - before).pop()))
    assert owner is not None and owner["name"] == "ds"
