import pytest

from kubepy.api import errors
from kubepy.api.builtins import PODS
from kubepy.client.reflector import Reflector
from kubepy.client.transport import ConnectionLost
from kubepy.observability import logs


class Recording:
    """A sink that writes down what it is told."""

    def __init__(self):
        self.told = []

    def replace(self, documents, revision):
        self.told.append(("replace", sorted(d.key.name for d in documents), revision))
        return iter(())

    def apply(self, events):
        self.told += [(e.type, e.document.key.name, e.document.revision) for e in events]


@pytest.fixture
def sink():
    return Recording()


@pytest.fixture
def start(client, clock, random, tasks, sink):
    def start():
        reflector = Reflector(client, PODS, sink, clock=clock, random=random, log=logs.silent())
        tasks.start(reflector.run(), name="reflector")
        return reflector

    return start


async def test_state_and_changes_come_through_one_watch(server, clock, sink, start):
    server.put(PODS, "a")
    start()
    await clock.settle()
    server.put(PODS, "b")
    server.put(PODS, "a")
    server.remove(PODS, "b")
    await clock.settle()
    assert sink.told == [("replace", ["a"], 2), ("ADDED", "b", 3), ("MODIFIED", "a", 4), ("DELETED", "b", 5)]
    assert server.calls == ["WATCH /api/v1/pods initial"]


@pytest.mark.parametrize(
    "refusal",
    [
        errors.Invalid("sendInitialEvents is forbidden for watch"),
        errors.InternalError("the required storage feature RequestWatchProgress is disabled"),
    ],
)
async def test_a_server_without_watch_list_is_listed_and_watched(server, clock, sink, start, refusal):
    server.watch_list, server.refusal = False, refusal
    server.put(PODS, "a")
    start()
    await clock.settle()
    server.put(PODS, "b")
    await clock.settle()
    assert sink.told == [("replace", ["a"], 2), ("ADDED", "b", 3)]
    assert server.calls == ["WATCH /api/v1/pods initial", "LIST /api/v1/pods 0", "WATCH /api/v1/pods 2"]


async def test_a_watch_that_ends_resumes_where_it_was(server, clock, sink, start):
    start()
    await clock.settle()
    server.put(PODS, "a")
    await clock.settle()
    server.end_watches()
    server.put(PODS, "b")
    await clock.settle()
    assert sink.told == [("replace", [], 1), ("ADDED", "a", 2), ("ADDED", "b", 3)]
    assert server.calls[-1] == "WATCH /api/v1/pods 2"


async def test_a_lost_connection_waits_and_resumes(server, clock, sink, start, lost):
    start()
    await clock.settle()
    server.end_watches(lost)
    await clock.settle()
    server.put(PODS, "a")
    assert server.watching == 0
    await clock.advance(2)
    assert sink.told[1:] == [("ADDED", "a", 2)]


async def test_waits_grow_while_the_server_is_away(server, clock, start):
    server.failures = [ConnectionLost("refused")] * 8
    start()
    await clock.advance(6)
    # 0.8, 1.6, 3.2 s ... each up to twice that: two to four attempts fit.
    assert 3 <= len(server.calls) <= 4
    await clock.advance(600)
    assert server.watching == 1


async def test_bookmarks_advance_the_revision(server, clock, start):
    reflector = start()
    await clock.settle()
    server.bookmark(PODS, 70)
    await clock.settle()
    assert reflector.revision == 70
    await clock.advance(2)
    server.end_watches()
    await clock.settle()
    assert server.calls[-1] == "WATCH /api/v1/pods 70"


@pytest.mark.parametrize("watch_list", [True, False])
async def test_a_compacted_revision_is_answered_by_reading_all_again(server, clock, sink, start, watch_list):
    server.watch_list = watch_list
    server.put(PODS, "a")
    start()
    await clock.advance(2)
    server.put(PODS, "b")
    await clock.settle()
    server.end_watches(errors.Expired("too old resource version"))
    server.remove(PODS, "a")
    await clock.settle()
    assert sink.told == [("replace", ["a"], 2), ("ADDED", "b", 3), ("replace", ["b"], 4)]
    assert server.watching == 1


@pytest.mark.parametrize("refusal", [errors.NotFound("no such kind"), errors.ServiceUnavailable("soon")])
async def test_what_a_list_would_not_get_either_is_waited_out(server, clock, sink, start, refusal):
    server.watch_list, server.refusal = False, refusal
    start()
    await clock.settle()
    assert server.calls == ["WATCH /api/v1/pods initial"]
    server.watch_list = True
    await clock.advance(2)
    assert sink.told == [("replace", [], 1)]


async def test_a_server_that_keeps_saying_gone_is_given_time(server, clock, start):
    server.failures = [errors.Expired("too old")] * 50
    start()
    await clock.advance(5)
    assert len(server.calls) < 6


async def test_an_error_event_is_waited_out(server, clock, sink, start):
    start()
    await clock.settle()
    server.end_watches(errors.InternalError("etcd has a cold"))
    await clock.advance(2)
    server.put(PODS, "a")
    await clock.settle()
    assert sink.told == [("replace", [], 1), ("ADDED", "a", 2)]


async def test_retry_after_is_obeyed(server, clock, start):
    server.failures = [errors.TooManyRequests("slow down", details={"retryAfterSeconds": 60})]
    start()
    await clock.advance(59)
    assert len(server.calls) == 1
    await clock.advance(2)
    assert server.watching == 1


async def test_a_forbidden_watch_is_not_taken_for_a_missing_feature(server, clock, start):
    server.failures = [errors.Forbidden("no"), errors.Forbidden("no")]
    start()
    await clock.advance(30)
    assert set(server.calls) == {"WATCH /api/v1/pods initial"}


async def test_a_future_revision_is_answered_by_reading_the_newest(server, clock, sink, start):
    start()
    await clock.settle()
    server.end_watches(errors.too_large_resource_version(9, 1))
    await clock.advance(3)
    assert [told[0] for told in sink.told] == ["replace", "replace"]


async def test_a_watch_that_dies_before_its_initial_events_ended_is_no_state(
    server, clock, sink, start, monkeypatch
):
    monkeypatch.setattr(server, "_initial_end", lambda resource: server_bookmark(server))
    server.put(PODS, "a")
    start()
    await clock.settle()
    server.end_watches()
    await clock.settle()
    assert sink.told == []
    monkeypatch.undo()
    await clock.advance(5)
    assert sink.told == [("replace", ["a"], 2)]


def server_bookmark(server):
    from kubepy.client.transport import WatchEvent

    return WatchEvent("BOOKMARK", server._bookmark(PODS, server.revision))


async def test_a_server_that_ends_every_watch_at_once_is_not_hammered(server, clock, start):
    start()
    for _ in range(200):
        await clock.advance(0.01)
        server.end_watches()
    assert len(server.calls) < 8


async def test_cancelling_closes_the_watch(server, clock, tasks, start):
    start()
    await clock.settle()
    assert server.watching == 1
    await tasks.close()
    assert server.watching == 0
