import asyncio

import pytest

from kubepy.lib.clock import VirtualClock
from kubepy.scheduler.framework import Action, ClusterEvent, Code, Hint, Interest, Status
from kubepy.scheduler.queue import ANY_EVENT, Place, Queue
from tests.scheduler.builders import pod, pod_info

NODE_ADD = ClusterEvent("Node", Action.ADD)
NODE_LABEL = ClusterEvent("Node", Action.UPDATE_NODE_LABEL)
POD_LABEL = ClusterEvent("Pod", Action.UPDATE_POD_LABEL)


class Gate:
    """Plugins: Fit cares for new nodes, Picky for labels "yes" of nodes and pods, Gates for schedulingGates."""

    interests = {
        "Fit": (Interest(NODE_ADD),),
        "Picky": (
            Interest(
                NODE_LABEL, lambda pod, old, new: Hint.QUEUE if new["metadata"]["labels"] else Hint.SKIP
            ),
            Interest(
                POD_LABEL,
                lambda pod, old, new: Hint.QUEUE if new["metadata"]["uid"] == pod.uid else Hint.SKIP,
            ),
        ),
        "Gates": (Interest(POD_LABEL),),
    }

    def sort_key(self, queued):
        return (-queued.pod.priority, queued.entered_at)

    def pre_enqueue(self, info):
        gated = info.obj["metadata"]["labels"].get("gated")
        return Status(Code.UNSCHEDULABLE_AND_UNRESOLVABLE, plugin="Gates") if gated else None


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def queue(clock):
    queue = Queue({"default-scheduler": Gate()}, clock)
    yield queue
    queue.close()


def reject(queue, queued, *plugins, pending=()):
    queued.rejected(plugins, pending)
    return queue.requeue(queued, queued.pod)


def labelled(value):
    return {"metadata": {"name": "n", "labels": {"a": "b"} if value else {}}}


async def test_pop_is_by_priority_then_age(queue, clock):
    queue.add(pod_info("old"))
    await clock.advance(1)
    queue.add(pod_info("young"))
    queue.add(pod_info("important", priority=5))
    assert [queue.pop_nowait().pod.key.name for _ in range(3)] == ["important", "old", "young"]
    assert queue.pop_nowait() is None


async def test_pop_waits_for_a_pod(queue, clock):
    popping = asyncio.ensure_future(queue.pop())
    await clock.settle()
    assert not popping.done()
    queue.add(pod_info())
    assert (await popping).pod.key.name == "web"


async def test_a_pod_is_added_once(queue):
    queue.add(pod_info())
    queue.add(pod_info())
    assert queue.statistics()["active"] == 1


async def test_a_rejected_pod_parks_until_an_event_of_its_plugins(queue, clock):
    queue.add(pod_info())
    assert reject(queue, queue.pop_nowait(), "Fit") is Place.PARKED
    await clock.advance(20)
    queue.move(NODE_LABEL, labelled(False), labelled(True))
    assert queue.get("uid-web").place is Place.PARKED
    queue.move(NODE_ADD, None, labelled(False))
    assert queue.get("uid-web").place is Place.ACTIVE


async def test_a_hint_decides_whether_an_event_helps(queue, clock):
    queue.add(pod_info())
    reject(queue, queue.pop_nowait(), "Picky")
    await clock.advance(20)
    queue.move(NODE_LABEL, labelled(True), labelled(False))
    assert queue.get("uid-web").place is Place.PARKED
    queue.move(NODE_LABEL, labelled(False), labelled(True))
    assert queue.get("uid-web").place is Place.ACTIVE


async def test_backoff_doubles_up_to_its_maximum(queue, clock):
    queue.add(pod_info())
    waits = []
    for _ in range(6):
        reject(queue, queue.pop_nowait(), "Fit")
        queue.move(NODE_ADD, None, labelled(False))
        assert queue.get("uid-web").place is Place.BACKOFF
        start = clock.monotonic()
        while queue.get("uid-web").place is Place.BACKOFF:
            await clock.advance(clock.next_due)
        waits.append(clock.monotonic() - start)
    assert waits == [1, 2, 4, 8, 10, 10]


async def test_time_parked_counts_as_backoff(queue, clock):
    queue.add(pod_info())
    reject(queue, queue.pop_nowait(), "Fit")
    await clock.advance(0.75)
    queue.move(NODE_ADD, None, labelled(False))
    assert queue.get("uid-web").place is Place.BACKOFF
    await clock.advance(0.25)
    assert queue.get("uid-web").place is Place.ACTIVE


async def test_an_error_backs_off_without_waiting_for_events_and_counts_apart(queue, clock):
    queue.add(pod_info())
    for wait in (1, 2, 4):
        assert reject(queue, queue.pop_nowait()) is Place.BACKOFF
        await clock.advance(wait - 0.01)
        assert queue.pop_nowait() is None
        await clock.advance(0.01)
    queued = queue.pop_nowait()
    assert (queued.error_count, queued.unschedulable_count) == (3, 0)
    reject(queue, queued, "Fit")
    assert (queued.error_count, queued.unschedulable_count) == (0, 1)


async def test_an_event_while_in_flight_is_not_lost(queue, clock):
    queue.add(pod_info())
    queued = queue.pop_nowait()
    queue.move(NODE_ADD, None, labelled(False))
    assert reject(queue, queued, "Fit") is Place.BACKOFF


async def test_an_event_before_the_attempt_is_not_counted(queue, clock):
    queue.add(pod_info("first"))
    first = queue.pop_nowait()
    queue.move(NODE_ADD, None, labelled(False))
    queue.add(pod_info("second"))
    second = queue.pop_nowait()
    assert reject(queue, second, "Fit") is Place.PARKED
    assert reject(queue, first, "Fit") is Place.BACKOFF


async def test_events_are_kept_only_while_somebody_in_flight_may_need_them(queue):
    queue.add(pod_info("a"))
    queue.add(pod_info("b"))
    a, b = queue.pop_nowait(), queue.pop_nowait()
    for _ in range(3):
        queue.move(NODE_ADD, None, labelled(False))
    queue.done(b.pod.uid)
    assert queue.statistics()["in flight events"] == 3
    queue.done(a.pod.uid)
    queue.done(a.pod.uid)
    assert queue.statistics()["in flight events"] == 0
    queue.move(NODE_ADD, None, labelled(False))
    assert queue.statistics()["in flight events"] == 0


async def test_events_nobody_is_interested_in_cost_nothing(queue):
    queue.add(pod_info())
    queue.pop_nowait()
    queue.move(ClusterEvent("Node", Action.UPDATE_NODE_CONDITION), labelled(False), labelled(False))
    assert queue.statistics()["in flight events"] == 0


async def test_pending_plugins_skip_the_backoff(queue):
    queue.add(pod_info())
    reject(queue, queue.pop_nowait(), "Picky", pending=["Fit"])
    queue.move(NODE_ADD, None, labelled(False))
    assert queue.get("uid-web").place is Place.ACTIVE


async def test_a_parked_pod_is_tried_again_after_five_minutes(queue, clock):
    queue.add(pod_info())
    reject(queue, queue.pop_nowait(), "Fit")
    await clock.advance(299)
    assert queue.get("uid-web").place is Place.PARKED
    await clock.advance(31)
    assert queue.get("uid-web").place is Place.ACTIVE


async def test_an_idle_queue_sets_no_timers(queue, clock):
    queue.add(pod_info())
    reject(queue, queue.pop_nowait(), "Fit")
    queue.delete("uid-web")
    await clock.advance(60)
    assert clock.next_due is None


async def test_a_gated_pod_waits_until_its_gate_opens(queue, clock):
    gated = pod_info(labels={"gated": "yes"})
    queue.add(gated)
    assert queue.statistics()["gated"] == 1
    queue.move(NODE_ADD, None, labelled(True))
    await clock.advance(400)
    assert queue.pop_nowait() is None
    queue.update(pod_info(), [POD_LABEL], gated.obj)
    assert queue.statistics()["gated"] == 0
    assert queue.pop_nowait().pod.obj["metadata"]["labels"] == {}


async def test_an_update_replaces_the_pod_where_it_waits(queue, clock):
    queue.add(pod_info("a"))
    queue.update(pod_info("a", labels={"v": "2"}), [POD_LABEL], pod("a"))
    queued = queue.pop_nowait()
    assert queued.pod.obj["metadata"]["labels"] == {"v": "2"}
    reject(queue, queued, "Picky")
    await clock.advance(20)
    queue.update(pod_info("a", labels={"v": "3"}), [POD_LABEL], queued.pod.obj)
    assert queue.pop_nowait().pod.obj["metadata"]["labels"] == {"v": "3"}


async def test_an_update_while_in_flight_is_judged_when_the_pod_comes_back(queue):
    queue.add(pod_info())
    queued = queue.pop_nowait()
    newer = pod_info(labels={"v": "2"})
    queue.update(newer, [POD_LABEL], queued.pod.obj)
    queued.rejected(("Picky",))
    assert queue.requeue(queued, newer) is Place.BACKOFF
    assert queued.pod is newer


@pytest.mark.parametrize("place", [Place.ACTIVE, Place.BACKOFF, Place.PARKED, Place.IN_FLIGHT])
async def test_a_deleted_pod_is_gone_wherever_it_was(queue, clock, place):
    queue.add(pod_info())
    queued = None
    if place is not Place.ACTIVE:
        queued = queue.pop_nowait()
    if place in (Place.BACKOFF, Place.PARKED):
        reject(queue, queued, *(["Fit"] if place is Place.PARKED else []))
    assert queue.get("uid-web").place is place
    queue.delete("uid-web")
    if place is Place.IN_FLIGHT:
        assert reject(queue, queued, "Fit") is Place.NOWHERE
    await clock.advance(400)
    queue.move(NODE_ADD, None, labelled(True))
    assert queue.pop_nowait() is None
    assert set(queue.statistics().values()) == {0}


async def test_only_the_pods_that_a_condition_lets_through_are_moved(queue, clock):
    for name, priority in (("low", 1), ("high", 5)):
        queue.add(pod_info(name, priority=priority))
        reject(queue, queue.pop_nowait(), "Fit")
    await clock.advance(20)
    queue.move(NODE_ADD, None, labelled(True), only=lambda info: info.priority <= 1)
    assert queue.pop_nowait().pod.key.name == "low"
    assert queue.pop_nowait() is None


async def test_activate_skips_the_backoff_and_reaches_pods_in_flight(queue):
    queue.add(pod_info("parked"))
    queue.add(pod_info("flying"))
    reject(queue, queue.pop_nowait(), "Fit")
    flying = queue.pop_nowait()
    queue.activate(["uid-parked", "uid-flying", "uid-unknown"])
    assert queue.get("uid-parked").place is Place.ACTIVE
    assert reject(queue, flying, "Fit") is Place.BACKOFF


async def test_a_wildcard_event_for_one_pod_moves_no_other(queue):
    queue.add(pod_info("a"))
    queue.add(pod_info("b"))
    a, b = queue.pop_nowait(), queue.pop_nowait()
    queue.activate([b.pod.uid])
    assert ANY_EVENT.action is Action.ALL
    assert reject(queue, a, "Fit") is Place.PARKED
    assert reject(queue, b, "Fit") is Place.BACKOFF


def test_a_nomination_follows_the_pod(queue):
    web = pod_info()
    queue.nominator.put(web, "node-1")
    queue.nominator.put(web, "node-2")
    assert list(queue.nominator.nodes()) == ["node-2"]
    assert list(queue.nominator.on("node-2")) == [web]
    queue.delete(web.uid)
    assert queue.nominator.node_of(web.uid) == ""
    assert list(queue.nominator.nodes()) == []
