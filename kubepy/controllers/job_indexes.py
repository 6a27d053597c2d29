"""Completion indexes: sets of small integers as Jobs write them down, "0-2,4,6,7", and what pods say of theirs.

An `Indexes` is sorted, disjoint (first, last) pairs, so that a Job of 100 000 indexes costs as much as it has gaps.

Source: kubernetes 1.36 pkg/controller/job/indexed_job_utils.go.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from msgspec import Struct

from kubepy.api import objects
from kubepy.api.objects import Obj

COMPLETION_INDEX = "batch.kubernetes.io/job-completion-index"
INDEX_FAILURES = "batch.kubernetes.io/job-index-failure-count"
INDEX_IGNORED_FAILURES = "batch.kubernetes.io/job-index-ignored-failure-count"

_INT32_MAX = 2**31 - 1


class Indexes(Struct, frozen=True):
    spans: tuple[tuple[int, int], ...] = ()

    @classmethod
    def parse(cls, text: str, completions: int) -> Indexes:
        """What cannot be read, and what is not below `completions`, is left out. Source: parseIndexesFromString."""
        spans: list[tuple[int, int]] = []
        for part in text.split(",") if text else ():
            first, _, last = part.partition("-")
            try:
                span = int(first), int(last or first)
            except ValueError:
                continue
            if span[0] >= completions:
                break
            spans.append((span[0], min(span[1], completions - 1)))
        return cls(_joined(spans))

    @classmethod
    def of(cls, numbers: Iterable[int]) -> Indexes:
        return cls(_joined((number, number) for number in sorted(numbers)))

    def __or__(self, other: Indexes) -> Indexes:
        return Indexes(_joined(sorted((*self.spans, *other.spans))))

    def __contains__(self, index: int) -> bool:
        at = bisect_left(self.spans, index, key=lambda span: span[1])
        return at < len(self.spans) and self.spans[at][0] <= index

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.spans)

    def __str__(self) -> str:
        """Two neighbours are written apart, "6,7"; three as "6-8"."""
        return ",".join(_written(first, last) for first, last in self.spans)

    def gaps(self, end: int) -> Iterator[int]:
        """What is below `end` and not in it, in order."""
        candidate = 0
        for first, last in self.spans:
            yield from range(candidate, min(first, end))
            candidate = max(candidate, last + 1)
        yield from range(candidate, end)

    def overlap(self, other: Indexes) -> int:
        """How many numbers are in both. Source: matchSucceededIndexesRule."""
        count = mine = theirs = 0
        while mine < len(self.spans) and theirs < len(other.spans):
            first = max(self.spans[mine][0], other.spans[theirs][0])
            last = min(self.spans[mine][1], other.spans[theirs][1])
            count += max(0, last - first + 1)
            if self.spans[mine][1] <= other.spans[theirs][1]:
                mine += 1
            else:
                theirs += 1
        return count


NONE = Indexes()


def _joined(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Sorted spans without overlaps and seams."""
    joined: list[tuple[int, int]] = []
    for first, last in spans:
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = joined[-1][0], max(joined[-1][1], last)
        else:
            joined.append((first, last))
    return tuple(joined)


def _written(first: int, last: int) -> str:
    if first == last:
        return str(first)
    return f"{first},{last}" if last == first + 1 else f"{first}-{last}"


# -- what a pod says -------------------------------------------------------------------------------------------


def index_of(pod: Obj) -> int | None:
    """The pod's completion index, None if it has none that can be read. Source: getCompletionIndex."""
    text = objects.annotations_of(pod).get(COMPLETION_INDEX, "")
    return int(text) if text.isascii() and text.isdigit() else None


def valid_index_of(pod: Obj, completions: int) -> int | None:
    index = index_of(pod)
    return index if index is not None and index < completions else None


def failures_before(pod: Obj) -> int:
    """How many pods of its index failed before it, those aside that a policy ignores."""
    return _count(pod, INDEX_FAILURES)


def ignored_before(pod: Obj) -> int:
    return _count(pod, INDEX_IGNORED_FAILURES)


def all_failures_before(pod: Obj) -> int:
    return failures_before(pod) + ignored_before(pod)


def _count(pod: Obj, annotation: str) -> int:
    """0 for what nobody of us wrote. Source: parseInt32."""
    text = objects.annotations_of(pod).get(annotation, "")
    return int(text) if text.isascii() and text.isdigit() and int(text) <= _INT32_MAX else 0
