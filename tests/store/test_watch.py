from kubepy.store.base import Event, EventType, KeyValue
from kubepy.store.watch import _ROUTES_MAX, Fanout
from kubepy.testing.contracts.store import Recorder


def event(key: bytes, revision: int) -> Event:
    return Event(EventType.PUT, KeyValue(key, b"v", revision, revision, 1), None)


def test_one_publish_is_one_call_per_sink() -> None:
    fanout, pods, everything, nodes = Fanout(), Recorder(), Recorder(), Recorder()
    fanout.subscribe(b"/pods/", pods, 0, held=False)
    fanout.subscribe(b"/", everything, 0, held=False)
    fanout.subscribe(b"/nodes/", nodes, 0, held=False)
    fanout.publish([event(b"/pods/a", 2), event(b"/x", 3), event(b"/pods/b/c", 4)])
    assert (pods.revisions, pods.calls) == ([2, 4], 1)
    assert (everything.revisions, everything.calls) == ([2, 3, 4], 1)
    assert nodes.calls == 0


def test_held_events_come_after_the_replayed_ones() -> None:
    fanout, seen = Fanout(), Recorder()
    subscription = fanout.subscribe(b"/", seen, 2, held=True)
    fanout.publish([event(b"/a", 4)])
    subscription.replay([event(b"/a", 2), event(b"/a", 3)])
    fanout.publish([event(b"/a", 5)])
    assert seen.revisions == [2, 3]
    subscription.release()
    fanout.publish([event(b"/a", 6)])
    assert seen.revisions == [2, 3, 4, 5, 6]


def test_a_held_subscription_that_is_cancelled_stays_silent() -> None:
    fanout, seen = Fanout(), Recorder()
    subscription = fanout.subscribe(b"/", seen, 2, held=True)
    fanout.publish([event(b"/a", 4)])
    subscription.cancel()
    subscription.replay([event(b"/a", 2)])
    subscription.release()
    fanout.publish([event(b"/a", 5)])
    assert seen.calls == 0
    assert len(fanout) == 0


def test_nothing_before_its_start_revision() -> None:
    fanout, seen = Fanout(), Recorder()
    fanout.subscribe(b"/", seen, 4, held=False)
    fanout.publish([event(b"/a", 2), event(b"/a", 3)])
    assert seen.calls == 0
    fanout.publish([event(b"/a", 3), event(b"/a", 4)])
    assert seen.revisions == [4]


def test_a_new_sink_gets_keys_of_directories_already_seen() -> None:
    fanout, first, second = Fanout(), Recorder(), Recorder()
    subscription = fanout.subscribe(b"/a/", first, 0, held=False)
    fanout.publish([event(b"/a/b/c", 2)])
    fanout.subscribe(b"/a/b/", second, 0, held=False)
    fanout.publish([event(b"/a/b/c", 3)])
    subscription.cancel()
    fanout.publish([event(b"/a/b/c", 4)])
    assert (first.revisions, second.revisions) == ([2, 3], [3, 4])


def test_what_is_remembered_of_directories_is_bounded() -> None:
    fanout, seen = Fanout(), Recorder()
    fanout.subscribe(b"/a/", seen, 0, held=False)
    for i in range(2 * _ROUTES_MAX + 1):
        fanout.publish([event(b"/a/%d/x" % i, i + 2)])
    assert len(fanout._routes) <= _ROUTES_MAX
    assert len(seen.revisions) == 2 * _ROUTES_MAX + 1


def test_close_cancels_all() -> None:
    fanout, seen = Fanout(), Recorder()
    for prefix in (b"/", b"/a/", b"/a/"):
        fanout.subscribe(prefix, seen, 0, held=False)
    assert len(fanout) == 3
    fanout.close()
    fanout.publish([event(b"/a/b", 2)])
    assert (len(fanout), seen.calls) == (0, 0)
