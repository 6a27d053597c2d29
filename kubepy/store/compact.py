"""Forgetting old history: every five minutes, all that was replaced more than five minutes ago.

So a list or watch may continue from a revision that is at least `retention_s` old, and at most about twice that. The
compactor knows revisions only by having seen them: nothing in the store says when one was made.

Source: apiserver pkg/storage/etcd3/compact.go (there the replicas also agree on whose turn it is; here is one).
"""

from __future__ import annotations

from kubepy.lib.aio import Tasks
from kubepy.lib.clock import Clock
from kubepy.observability.logs import Logger
from kubepy.store.base import Compacted, Store, Unavailable

RETENTION_S = 300.0  # kube-apiserver --etcd-compaction-interval


class Compactor:
    """Runs in the owner's tasks from `start` until those are closed. `retention_s` of 0 keeps everything."""

    def __init__(
        self, store: Store, *, clock: Clock, tasks: Tasks, log: Logger, retention_s: float = RETENTION_S
    ) -> None:
        self._store, self._clock, self._tasks, self._log = store, clock, tasks, log
        self.retention_s = retention_s

    def start(self) -> None:
        if self.retention_s > 0:
            self._tasks.start(self._run(), name="store_compactor")

    async def _run(self) -> None:
        while True:
            revision = self._store.revision
            await self._clock.sleep(self.retention_s)
            await self._compact(revision)

    async def _compact(self, revision: int) -> None:
        if revision <= self._store.compacted:
            return  # nothing was written, or somebody else compacted
        try:
            await self._store.compact(revision)
        except Compacted:
            return
        except Unavailable as error:
            # The next turn's revision includes this one's.
            self._log.warning("store_compaction_failed", revision=revision, error=str(error))
        else:
            self._log.debug("store_compacted", revision=revision)
