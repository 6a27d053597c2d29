"""Pods leave nodes whose NoExecute taints they do not tolerate, when their time is over."""

from __future__ import annotations

import pytest

from kubepy.api import objects
from kubepy.api.builtins import NODES, PODS
from kubepy.api.objects import Obj
from kubepy.controllers.taint_eviction import Due, Plan, Verdict, no_execute, plan
from kubepy.testing.builders import make_deployment, make_node, make_pod
from kubepy.testing.cluster import Cluster
from tests.controllers.conftest import World

TAINT = {"key": "gone", "effect": "NoExecute"}
OTHER = {"key": "other", "effect": "NoExecute"}


def pod(*seconds: int | None, **others: int | None) -> Obj:
    """Tolerates `gone` for each of these times, and other taints for theirs."""
    made = make_pod("p").uid("u")
    for key, limit in (*(("gone", each) for each in seconds), *others.items()):
        made.tolerates(key, effect="NoExecute", seconds=limit)
    return made.obj()


# Source: taint_eviction_test.go, TestCreatePod, TestUpdatePod, TestUpdateNode.
@pytest.mark.parametrize(
    ("subject", "taints", "due", "decided"),
    [
        (pod(), [TAINT], None, Plan(Verdict.GO, Due("u", 100))),
        (pod(0), [TAINT], None, Plan(Verdict.GO, Due("u", 100))),
        (pod(-5), [TAINT], None, Plan(Verdict.GO, Due("u", 100))),
        (pod(10), [TAINT], None, Plan(Verdict.WAIT, Due("u", 110))),
        (pod(None), [TAINT], None, Plan(Verdict.STAY)),
        (pod(100), [OTHER], None, Plan(Verdict.GO, Due("u", 100))),
        # Of the tolerations of one taint the first counts; of several taints the shortest. TestGetMinTolerationTime.
        (pod(None, 1), [TAINT], None, Plan(Verdict.STAY)),
        (pod(1, other=2), [TAINT, OTHER], None, Plan(Verdict.WAIT, Due("u", 101))),
        (pod(1, other=None), [TAINT, OTHER], None, Plan(Verdict.WAIT, Due("u", 101))),
        (pod(None, other=1), [TAINT, OTHER], None, Plan(Verdict.WAIT, Due("u", 101))),
        (pod(), [], None, Plan(Verdict.STAY)),
        (pod(10), [TAINT, OTHER], None, Plan(Verdict.GO, Due("u", 100))),
        # It waits already: nothing moves its time.
        (pod(10), [TAINT], Due("u", 105), Plan(Verdict.WAIT, Due("u", 105))),
        (pod(1), [TAINT], Due("u", 105), Plan(Verdict.WAIT, Due("u", 105))),
        (pod(0), [TAINT], Due("u", 105), Plan(Verdict.WAIT, Due("u", 105))),
        (pod(10), [TAINT], Due("u", 100), Plan(Verdict.GO, Due("u", 100))),
        # It no longer has to go, or is not what had to.
        (pod(10), [], Due("u", 105), Plan(Verdict.STAY, is_cancelled=True)),
        (pod(None), [TAINT], Due("u", 105), Plan(Verdict.STAY, is_cancelled=True)),
        (pod(10), [TAINT], Due("former", 105), Plan(Verdict.STAY, is_cancelled=True)),
        (None, [TAINT], Due("u", 105), Plan(Verdict.STAY, is_cancelled=True)),
        # A new taint ends the waiting.
        (pod(10), [TAINT, OTHER], Due("u", 105), Plan(Verdict.GO, Due("u", 100), is_cancelled=True)),
        # It was told to go, once.
        (pod(), [TAINT], Due("u", 90, True), Plan(Verdict.STAY, Due("u", 90, True))),
        (None, [TAINT], Due("u", 90, True), Plan(Verdict.STAY)),
    ],
)
def test_what_becomes_of_a_pod(
    subject: Obj | None, taints: list[Obj], due: Due | None, decided: Plan
) -> None:
    assert plan(subject, taints, due, 100) == decided


def test_only_no_execute_counts() -> None:
    node = (
        make_node("n").taint("a").taint("b", effect="NoExecute").taint("c", effect="PreferNoSchedule").obj()
    )
    assert [taint["key"] for taint in no_execute(node)] == ["b"]


async def taint(cluster: Cluster, *keys: str) -> None:
    taints = [{"key": key, "effect": "NoExecute"} for key in keys]
    await cluster.client.patch(
        NODES, "node-1", {"spec": {"taints": taints}}, content_type="application/merge-patch+json"
    )


@pytest.mark.kubepy(nodes=1)
async def test_pods_go_now_later_or_never(cluster: Cluster, world: World) -> None:
    await cluster.create(make_pod("now").finalizer("example.com/look-at-it"))
    await cluster.create(make_pod("later").tolerates("gone", effect="NoExecute", seconds=60))
    await cluster.create(make_pod("never").tolerates("gone", effect="NoExecute"))
    await cluster.until(lambda: cluster.pods(ready=True), count=3)
    await taint(cluster, "gone")
    await cluster.settle()
    going = await cluster.get(PODS, "now")
    mark = objects.condition(going, "DisruptionTarget")
    assert objects.is_deleting(going) and mark is not None
    assert (mark["status"], mark["reason"]) == ("True", "DeletionByTaintManager")
    assert mark["message"] == "Taint manager: deleting due to NoExecute taint"
    assert await world.events("TaintManagerEviction") == ["Marking for deletion Pod default/now"]
    await cluster.advance(59)
    assert sorted(await world.names()) == ["later", "never", "now"]
    await cluster.advance(60)
    assert sorted(await world.names()) == ["never", "now"]


@pytest.mark.kubepy(nodes=1)
async def test_a_taint_that_goes_in_time_takes_it_back(cluster: Cluster, world: World) -> None:
    await cluster.create(make_pod("later").tolerates("gone", effect="NoExecute", seconds=60))
    await cluster.until(lambda: cluster.pods(ready=True), count=1)
    await taint(cluster, "gone")
    await cluster.advance(50)
    await taint(cluster)
    await cluster.advance("1h")
    assert await world.names() == ["later"]
    assert await world.events("TaintManagerEviction") == ["Cancelling deletion of Pod default/later"]
    # The time starts anew with the next taint.
    await taint(cluster, "gone")
    await cluster.advance(59)
    assert not objects.is_deleting(await cluster.get(PODS, "later"))


@pytest.mark.kubepy(nodes=2)
async def test_what_is_evicted_is_replaced_elsewhere(cluster: Cluster, world: World) -> None:
    await cluster.create(make_deployment("web").replicas(4))
    await cluster.until(lambda: cluster.pods(ready=True), count=4)
    await taint(cluster, "gone")
    await cluster.advance(60)
    assert {pod["spec"]["nodeName"] for pod in await cluster.pods("default", ready=True)} == {"node-2"}
    assert len(await world.names()) == 4
