"""What the parts of a process stand on: time, chance, a place to log and to count, and the decoded objects they share.

ground = Basis(clock, random, logs, metrics)
Scheduler(client, ground.of("scheduler"))
"""

from __future__ import annotations

from msgspec import Struct, field

from kubepy.api.objects import DocumentPool
from kubepy.client.given import Given
from kubepy.lib.clock import Clock
from kubepy.lib.random import Random
from kubepy.observability.logs import Logs
from kubepy.observability.metrics import Metrics


class Basis(Struct, frozen=True):
    clock: Clock
    random: Random
    logs: Logs
    metrics: Metrics
    pool: DocumentPool = field(default_factory=DocumentPool)

    def of(self, part: str, *, log: str = "") -> Given:
        """For one part: a stream of chance of its own, and its name in the log; `log`: where that is another."""
        return Given(self.clock, self.random.stream(part), self.logs.of(log or part), self.metrics, self.pool)
