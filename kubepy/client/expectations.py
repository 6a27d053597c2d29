"""What a controller has asked for and not seen yet, so that it does not ask twice.

A controller that created three pods sees them in its informer a moment later. Until then its cache says "three are
missing"; `satisfied` says "wait". What is expected and never seen (the watch lost it, the create failed unnoticed) is
forgotten after five minutes, when the cache has long been right again.

    expectations.expect_creations(key, 3)
    ... for each failed create: expectations.creation_observed(key)
    ... in the pod handler, for each pod that appears: expectations.creation_observed(owner's key)

Deletions are expected by name (the dependent's key, or its uid), so that a pod which was already on its way out does
not count for another one.

Source: kubernetes pkg/controller/controller_utils.go, ControllerExpectations and UIDTrackingControllerExpectations.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from msgspec import Struct, field

from kubepy.api.objects import Key
from kubepy.lib.clock import Clock

# Source: controller_utils.go, ExpectationsTimeout.
TIMEOUT_S = 5 * 60.0


class _Expected(Struct):
    since: float
    creations: int = 0
    deletions: set[Hashable] = field(default_factory=set)


class Expectations:
    """Per owner's key. O(1) each."""

    def __init__(self, clock: Clock, *, timeout_s: float = TIMEOUT_S) -> None:
        self._clock, self._timeout_s = clock, timeout_s
        self._expected: dict[Key, _Expected] = {}

    def expect_creations(self, key: Key, count: int) -> None:
        """`count` dependents are about to be created; replaces what was expected of `key` before."""
        self._expected[key] = _Expected(self._clock.monotonic(), creations=count)

    def expect_deletions(self, key: Key, dependents: Iterable[Hashable]) -> None:
        """These dependents are about to be deleted; replaces what was expected of `key` before."""
        self._expected[key] = _Expected(self._clock.monotonic(), deletions=set(dependents))

    def creation_observed(self, key: Key) -> None:
        """One creation was seen, or will not be (it failed)."""
        expected = self._expected.get(key)
        if expected is not None and expected.creations > 0:
            expected.creations -= 1

    def deletion_observed(self, key: Key, dependent: Hashable) -> None:
        """This deletion was seen, or will not be (it failed). One that nobody expected changes nothing."""
        expected = self._expected.get(key)
        if expected is not None:
            expected.deletions.discard(dependent)

    def raise_creations(self, key: Key, count: int) -> None:
        """`count` more, on top of what is expected already."""
        expected = self._expected.setdefault(key, _Expected(self._clock.monotonic()))
        expected.creations += count

    def satisfied(self, key: Key) -> bool:
        """Whether the cache can be trusted: all seen, nothing expected, or waited long enough."""
        expected = self._expected.get(key)
        if expected is None:
            return True
        if expected.creations <= 0 and not expected.deletions:
            return True
        return self._clock.monotonic() - expected.since > self._timeout_s

    def forget(self, key: Key) -> None:
        """The owner is gone."""
        self._expected.pop(key, None)
