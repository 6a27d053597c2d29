"""Completion indexes as text and as sets."""

from __future__ import annotations

import pytest

from kubepy.controllers.job_indexes import INDEX_FAILURES, Indexes, failures_before, index_of
from kubepy.testing import builders


# Source: pkg/controller/job/indexed_job_utils_test.go, TestParseCompletedIndexesString.
@pytest.mark.parametrize(
    ("text", "completions", "written", "count"),
    [
        ("", 0, "", 0),
        ("1", 2, "1", 1),
        ("8,10", 11, "8,10", 2),
        ("6,7", 8, "6,7", 2),
        ("3-5,7,8", 9, "3-5,7,8", 5),
        ("3-5,7-9", 10, "3-5,7-9", 6),
        ("3-5,6,7,8", 9, "3-8", 6),
        ("1,2,3,20", 3, "1,2", 2),
        ("1,2,3-10,20", 5, "1-4", 4),
        ("1,x,3", 5, "1,3", 2),
        ("foo", 5, "", 0),
    ],
)
def test_indexes_are_read_and_written(text: str, completions: int, written: str, count: int) -> None:
    indexes = Indexes.parse(text, completions)
    assert (str(indexes), len(indexes)) == (written, count)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("", "3", "3"),
        ("1-3", "4,5", "1-5"),
        ("1,5", "3", "1,3,5"),
        ("0-9", "2-4", "0-9"),
        ("2", "0,1", "0-2"),
    ],
)
def test_a_union_has_no_seams(one: str, other: str, both: str) -> None:
    assert str(Indexes.parse(one, 99) | Indexes.parse(other, 99)) == both


# Source: success_policy_test.go, TestMatchSucceededIndexesRule.
@pytest.mark.parametrize(
    ("one", "other", "count"),
    [
        ("0-2", "0-2", 3),
        ("0-3,6-9", "1,2", 2),
        ("0-10", "5-20", 6),
        ("1-2,4-5,7-8,10-11", "0-3,5,7,10-12", 6),
        ("0", "1", 0),
    ],
)
def test_the_overlap_is_counted(one: str, other: str, count: int) -> None:
    assert Indexes.parse(one, 99).overlap(Indexes.parse(other, 99)) == count
    assert Indexes.parse(other, 99).overlap(Indexes.parse(one, 99)) == count


def test_membership_and_gaps() -> None:
    indexes = Indexes.parse("1-3,6", 99)
    assert [n for n in range(9) if n in indexes] == [1, 2, 3, 6]
    assert list(indexes.gaps(9)) == [0, 4, 5, 7, 8]
    assert list(indexes.gaps(3)) == [0]


# Source: TestGetCompletionIndex and parseInt32.
@pytest.mark.parametrize(
    ("text", "index", "failures"),
    [("3", 3, 3), ("-3", None, 0), ("x", None, 0), ("", None, 0), ("²", None, 0)],
)
def test_what_a_pod_says(text: str, index: int | None, failures: int) -> None:
    pod = builders.make_pod("p").annotation("batch.kubernetes.io/job-completion-index", text)
    pod.annotation(INDEX_FAILURES, text)
    assert index_of(pod.obj()) == index
    assert failures_before(pod.obj()) == failures
    assert index_of(builders.make_pod("p").obj()) is None
