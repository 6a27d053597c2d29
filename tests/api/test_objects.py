"""What stays decoded, and for how long."""

from __future__ import annotations

import orjson

from kubepy.api.objects import Document, DocumentPool, Key


def document(pool: DocumentPool, revision: int, data: str = "x" * 50) -> Document:
    obj = {"metadata": {"resourceVersion": str(revision), "name": "a"}, "data": data}
    return Document(Key("", "a"), orjson.dumps(obj), revision, pool)


def is_decoded(document: Document) -> bool:
    """Somebody's look gives what an earlier one gave."""
    return document.peek() is document.peek()


def test_the_first_decoded_is_the_first_dropped() -> None:
    pool = DocumentPool(300)
    documents = [document(pool, revision) for revision in range(1, 5)]
    for each in documents:
        assert each.obj["data"] == "x" * 50
    assert [is_decoded(each) for each in documents] == [False, False, True, True]


def test_what_has_a_newer_state_is_dropped_before_what_has_none() -> None:
    pool = DocumentPool(8 * 150)
    kept = document(pool, 1)
    assert kept.obj
    versions = [document(pool, revision) for revision in range(2, 40)]
    for each in versions:
        assert each.obj
        each.retire()
    assert is_decoded(kept)
    assert [is_decoded(each) for each in versions[-2:]] == [False, True], "an eighth is theirs"


def test_what_is_retired_twice_or_was_not_decoded_counts_once() -> None:
    pool = DocumentPool(8 * 150)
    first, second = document(pool, 1), document(pool, 2)
    second.retire()
    for _ in range(9):
        assert first.obj
        first.retire()
    assert is_decoded(first) and not is_decoded(second)
    assert second.obj["metadata"]["name"] == "a" and is_decoded(second)


def test_the_last_state_of_what_is_gone_shares_what_was_decoded() -> None:
    pool = DocumentPool()
    before = document(pool, 9)
    assert before.restamped(123).raw == before.raw.replace(b'"9"', b'"123"')
    assert not is_decoded(before.restamped(123))
    assert before.obj
    after = before.restamped(123)
    assert (
        is_decoded(after) and after.obj == orjson.loads(after.raw) and after.obj["data"] is before.obj["data"]
    )
    assert before.obj["metadata"]["resourceVersion"] == "9"


def test_restamping_changes_the_revision_only() -> None:
    raw = b'{"apiVersion":"v1","kind":"X","metadata":{"resourceVersion":"9","name":"a"},"data":{"resourceVersion":"1"}}'
    changed = Document(Key("", "a"), raw, 9, DocumentPool()).restamped(123)
    assert changed.raw == raw.replace(b'"9"', b'"123"')
    assert changed.revision == 123
