import pytest

from kubepy.store.base import Compare, Delete, Event, EventType, KeyValue, Put, TxnResult
from kubepy.store.transaction import check, decide, prefix_end

A = KeyValue(b"/a", b"x", 3, 5, 2)


def test_a_put_of_a_live_key_goes_on_with_its_generation() -> None:
    result, events = decide({b"/a": A}.get, [Compare(b"/a", 5)], [Put(b"/a", b"y")], 9)
    assert result == TxnResult(True, 10)
    assert events == [Event(EventType.PUT, KeyValue(b"/a", b"y", 3, 10, 3), A)]


def test_a_put_of_a_new_key_begins_one() -> None:
    _, events = decide({}.get, [], [Put(b"/a", b"y")], 9)
    assert events == [Event(EventType.PUT, KeyValue(b"/a", b"y", 10, 10, 1), None)]


def test_a_delete_leaves_what_was() -> None:
    _, events = decide({b"/a": A}.get, [], [Delete(b"/b"), Delete(b"/a")], 9)
    assert events == [Event(EventType.DELETE, KeyValue(b"/a", b"", 0, 10, 0), A)]


def test_a_failed_compare_changes_nothing_and_shows_every_compared_key() -> None:
    result, events = decide({b"/a": A}.get, [Compare(b"/a", 4), Compare(b"/b", 0)], [Delete(b"/a")], 9)
    assert result == TxnResult(False, 9, [A, None])
    assert events == []


def test_a_key_twice_is_the_callers_error() -> None:
    check([Put(b"/a", b""), Put(b"/b", b"")])
    with pytest.raises(AssertionError):
        check([Put(b"/a", b""), Delete(b"/a")])


def test_prefix_end() -> None:
    assert prefix_end(b"/registry/pods/") == b"/registry/pods0"
    with pytest.raises(AssertionError):
        prefix_end(b"/registry/pods")
