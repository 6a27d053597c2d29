"""The newest decisions, kept so that somebody can ask why: bounded, one small tuple each.

For a few nodes every verdict and score is kept; for many, how many nodes were rejected for which reason, and how the
chosen one compared.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from kubepy.api.objects import Key
from kubepy.scheduler.framework import Status

DECISIONS_MAX = 1024


class Decision(NamedTuple):
    at: float  # seconds since the epoch
    pod: Key
    uid: str
    attempt: int
    scheduler: str
    node: str  # "" = none was found
    nodes: int  # looked at
    feasible: int
    ties: int  # nodes as good as the one taken, itself included
    score: int
    rejections: tuple[tuple[str, str, str, int], ...]  # (plugin, code, reasons, nodes)
    details: tuple[tuple[str, Status | int], ...]  # (node, why not or its score), while there are few of them
    message: str  # as the pod's condition has it, if no node was found


class Decisions:
    """A ring of the newest, newest last."""

    def __init__(self, decisions_max: int = DECISIONS_MAX) -> None:
        self._ring: deque[Decision] = deque(maxlen=decisions_max)

    def add(self, decision: Decision) -> None:
        self._ring.append(decision)

    def of(self, pod: Key) -> list[Decision]:
        """Newest first."""
        return [decision for decision in reversed(self._ring) if decision.pod == pod]

    def __len__(self) -> int:
        return len(self._ring)

    def __bool__(self) -> bool:
        return True


def rejections(verdicts: Mapping[Status, int]) -> tuple[tuple[str, str, str, int], ...]:
    return tuple((s.plugin, s.code.name.lower(), s.message, count) for s, count in verdicts.items())
