"""TTL after finished: a Job goes spec.ttlSecondsAfterFinished after its end, and its pods with it.

Watches Jobs. Owns nothing. Writes: deletes Jobs, in the foreground.

Source: kubernetes 1.36 pkg/controller/ttlafterfinished/ttlafterfinished_controller.go.
"""

from __future__ import annotations

from kubepy.api import errors, objects
from kubepy.api.builtins import JOBS
from kubepy.api.objects import Key, Obj
from kubepy.client.controller import After, Controller, key_of
from kubepy.controllers.job_facts import finished
from kubepy.lib.clock import parse_rfc3339


def left_s(job: Obj, now: float) -> float | None:
    """Seconds until it is to go, 0 or less when it is; None if it is not to go. Source: processTTL, timeLeft."""
    ttl_s = job["spec"].get("ttlSecondsAfterFinished")
    end = finished(job)
    if ttl_s is None or end is None or objects.is_deleting(job):
        return None
    return parse_rfc3339(end["lastTransitionTime"]) + ttl_s - now


class TtlAfterFinishedController(Controller):
    name = "ttl-after-finished-controller"
    workers = 5

    def setup(self) -> None:
        self.jobs = self.watch(JOBS, key_of, lambda document, old: left_s(document.obj, 0.0) is not None)

    async def reconcile(self, key: Key) -> After | None:
        job = self.jobs.get(key)
        wait_s = left_s(job, self.clock.now()) if job is not None else None
        if wait_s is not None and wait_s <= 0:
            return await self._delete(key)
        return After(wait_s) if wait_s is not None else None

    async def _delete(self, key: Key) -> After | None:
        """After a look at the server: somebody may have given it more time just now."""
        try:
            fresh = await self.client.get(JOBS, key.name, key.namespace)
            wait_s = left_s(fresh, self.clock.now())
            if wait_s is None or wait_s > 0:
                return After(wait_s) if wait_s is not None else None
            await self.client.delete(
                JOBS, key.name, key.namespace, uid=objects.uid_of(fresh), propagation="Foreground"
            )
        except errors.NotFound:
            return None
        self.log.info("job_expired", object=str(key))
        return None
