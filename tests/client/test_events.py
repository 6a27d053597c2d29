import pytest

from kubepy.api import errors
from kubepy.api.builtins import EVENTS
from kubepy.client.events import NORMAL, WARNING, EventSink, reference
from kubepy.client.given import Given
from kubepy.client.transport import ConnectionLost
from kubepy.observability import logs
from kubepy.observability.metrics import Metrics

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web-0", "namespace": "default", "uid": "u1", "resourceVersion": "7"},
}
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "uid": "u2"}}


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
async def sink(client, clock, random, tasks, metrics):
    sink = EventSink(client, Given(clock, random, logs.silent(), metrics), queue_max=100)
    tasks.start(sink.run(), name="events")
    return sink


@pytest.fixture
def recorder(sink):
    return sink.recorder("replicaset-controller")


def written(server):
    return [document.obj for document in server._live.get(EVENTS, {}).values()]


def count(metrics, result):
    return metrics.registry.get_sample_value("kubepy_events_total", {"result": result})


async def test_an_event_is_written_as_upstream_writes_it(server, clock, sink):
    sink.recorder("kubelet", "n1").event(
        POD, NORMAL, "Started", "Started container", field_path="spec.containers{app}"
    )
    assert written(server) == []
    await clock.settle()
    (event,) = written(server)
    name = event["metadata"]["name"]
    assert name.startswith("web-0.") and int(name[6:], 16) // (1 << 21) == int(clock.now() * 1e9) // (1 << 21)
    del event["metadata"]["resourceVersion"]
    assert event == {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": "default"},
        "involvedObject": {
            "kind": "Pod",
            "namespace": "default",
            "name": "web-0",
            "uid": "u1",
            "apiVersion": "v1",
            "resourceVersion": "7",
            "fieldPath": "spec.containers{app}",
        },
        "reason": "Started",
        "message": "Started container",
        "source": {"component": "kubelet", "host": "n1"},
        "firstTimestamp": "2026-01-01T00:00:00Z",
        "lastTimestamp": "2026-01-01T00:00:00Z",
        "count": 1,
        "type": "Normal",
        "reportingComponent": "kubelet",
        "reportingInstance": "n1",
    }


async def test_events_of_cluster_scoped_objects_go_to_default(server, clock, recorder):
    recorder.event(NODE, NORMAL, "NodeReady", "ready")
    await clock.settle()
    assert [e["metadata"]["namespace"] for e in written(server)] == ["default"]


async def test_the_same_event_again_is_counted(server, clock, recorder):
    recorder.event(POD, WARNING, "Failed", "no image")
    await clock.settle()
    await clock.advance(60)
    recorder.event(POD, WARNING, "Failed", "no image")
    await clock.settle()
    (event,) = written(server)
    assert (event["count"], event["firstTimestamp"], event["lastTimestamp"]) == (
        2,
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:01:00Z",
    )
    assert [call.split()[0] for call in server.calls] == ["POST", "PATCH"]


async def test_the_same_event_at_once_is_one_write(server, clock, recorder):
    for _ in range(5):
        recorder.event(POD, WARNING, "Failed", "no image")
    await clock.settle()
    assert [e["count"] for e in written(server)] == [5]
    assert len(server.calls) == 1


async def test_an_event_that_expired_starts_anew_with_its_count(server, clock, recorder):
    recorder.event(POD, WARNING, "Failed", "no image")
    await clock.settle()
    server._live[EVENTS].clear()
    recorder.event(POD, WARNING, "Failed", "no image")
    await clock.settle()
    assert [e["count"] for e in written(server)] == [2]


async def test_similar_events_are_combined_from_the_tenth_on(server, clock, recorder):
    for i in range(12):
        recorder.event(POD, NORMAL, "SuccessfulCreate", f"Created pod: web-{i}")
    await clock.settle()
    messages = [(e["message"], e["count"]) for e in written(server)]
    assert messages[:9] == [(f"Created pod: web-{i}", 1) for i in range(9)]
    assert messages[9:] == [("(combined from similar events): Created pod: web-11", 3)]
    assert [bool(e["reportingComponent"]) for e in written(server)][8:] == [True, False]


async def test_similar_events_ten_minutes_apart_are_not_combined(server, clock, recorder):
    for i in range(9):
        recorder.event(POD, NORMAL, "Pulled", f"image {i}")
    await clock.advance(601)
    recorder.event(POD, NORMAL, "Pulled", "image 10")
    await clock.settle()
    assert not any("combined" in e["message"] for e in written(server))


async def test_one_object_gets_25_events_and_then_one_in_five_minutes(server, clock, recorder, metrics):
    for i in range(40):
        recorder.event(POD, NORMAL, f"Reason{i}", "x")
        recorder.event(NODE, NORMAL, "Reason", "y")
        await clock.settle()
    about_pod = [e for e in written(server) if e["involvedObject"]["kind"] == "Pod"]
    assert len(about_pod) == 25
    assert count(metrics, "spam") == 30
    await clock.advance(301)
    recorder.event(POD, NORMAL, "ReasonA", "x")
    recorder.event(POD, NORMAL, "ReasonB", "x")
    await clock.settle()
    assert len([e for e in written(server) if e["involvedObject"]["kind"] == "Pod"]) == 26


async def test_a_full_queue_drops_the_oldest(server, clock, recorder, metrics, sink):
    for i in range(150):
        recorder.event({"kind": "Pod", "name": f"p{i}", "namespace": "default"}, NORMAL, "R", "m")
    assert len(sink) == 100
    await clock.settle()
    names = [e["involvedObject"]["name"] for e in written(server)]
    assert names == [f"p{i}" for i in range(50, 150)]
    assert (count(metrics, "overflow"), count(metrics, "written")) == (50, 100)


async def test_what_the_server_refuses_is_dropped(server, clock, recorder, metrics):
    server.failures = [errors.Forbidden("namespace is terminating")]
    recorder.event(POD, NORMAL, "R", "m")
    recorder.event(NODE, NORMAL, "R", "m")
    await clock.settle()
    assert [e["involvedObject"]["kind"] for e in written(server)] == ["Node"]
    assert count(metrics, "rejected") == 1


async def test_an_unreachable_server_is_tried_for_two_minutes(server, clock, recorder, metrics):
    server.failures = [ConnectionLost("refused")] * 5
    recorder.event(POD, NORMAL, "R", "m")
    await clock.advance(51)
    assert len(written(server)) == 1
    server.failures = [ConnectionLost("refused")] * 100
    recorder.event(NODE, NORMAL, "R", "m")
    await clock.advance(200)
    assert len(server.failures) == 88
    assert count(metrics, "lost") == 1


async def test_names_differ_when_time_stands_still(server, clock, recorder):
    for i in range(3):
        recorder.event(POD, NORMAL, f"R{i}", "m")
    await clock.settle()
    assert len({e["metadata"]["name"] for e in written(server)}) == 3


async def test_action_related_and_annotations(server, clock, recorder):
    recorder.event(POD, NORMAL, "R", "m", action="Binding", related=NODE, annotations={"a": "b"})
    await clock.settle()
    (event,) = written(server)
    assert event["action"] == "Binding"
    assert event["related"] == {"kind": "Node", "name": "n1", "uid": "u2", "apiVersion": "v1"}
    assert event["metadata"]["annotations"] == {"a": "b"}


def test_a_reference_to_a_reference_is_itself():
    ref = {"kind": "Pod", "namespace": "default", "name": "p", "fieldPath": "spec"}
    assert reference(ref) == ref


async def test_two_sinks_name_what_they_say_at_one_instant_differently(
    client, server, clock, random, tasks, metrics, sink
):
    other = EventSink(client, Given(clock, random.stream("other"), logs.silent(), metrics), queue_max=100)
    tasks.start(other.run(), name="other-events")
    for each in (sink, other):
        each.recorder("c").event(POD, NORMAL, "R", "m")
    await clock.settle()
    assert len(written(server)) == 2
