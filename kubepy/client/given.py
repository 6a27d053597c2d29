"""What whoever starts a component hands it: time, chance, a place to log and to count, and decoded objects to share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from kubepy.api.objects import DocumentPool
from kubepy.lib.clock import Clock
from kubepy.lib.random import Random

if TYPE_CHECKING:
    from kubepy.observability.logs import Logger
    from kubepy.observability.metrics import Metrics


class Given(Struct, frozen=True):
    """`random` is a stream of the component's own, `log` bears its name."""

    clock: Clock
    random: Random
    log: Logger
    metrics: Metrics
    pool: DocumentPool = field(default_factory=DocumentPool)
