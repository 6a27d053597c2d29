"""Leader election over a Lease: of many candidates one works, and when it stops another takes over.

    elector = LeaderElector(client, "kube-scheduler", identity="host_uid", clock=..., random=..., log=...)
    await elector.run(scheduler.run)

A candidate that sees the lease unchanged for `lease_duration_s` by its own clock takes it; the holder renews it every
`retry_period_s` and stops working when it could not for `renew_deadline_s`, so before anybody else may start.

Promised: the work is cancelled and has ended before the lease is given up, and is never started without it.
Not promised: fencing. A process that was suspended may believe for a moment that it still leads. Times in the lease are
never compared with a clock, only with themselves: candidates' clocks may differ, but must run at about the same rate.

Source: client-go tools/leaderelection/leaderelection.go, resourcelock/leaselock.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from kubepy.api import errors
from kubepy.api.builtins import LEASES
from kubepy.api.objects import Obj
from kubepy.client import events
from kubepy.client.client import Client
from kubepy.client.transport import ConnectionLost
from kubepy.lib.aio import Tasks
from kubepy.lib.clock import Clock
from kubepy.lib.random import Random

if TYPE_CHECKING:
    from kubepy.observability.logs import Logger

# Source: leaderelection.go, JitterFactor.
JITTER = 1.2

Work = Callable[[], Coroutine[Any, Any, None]]


class LeaderElector:
    """One candidate. `identity` must be unique among them, e.g. "<hostname>_<uid>"."""

    def __init__(
        self,
        client: Client,
        name: str,
        *,
        identity: str,
        clock: Clock,
        random: Random,
        log: Logger,
        namespace: str = "kube-system",
        recorder: events.Recorder | None = None,
        lease_duration_s: float = 15.0,
        renew_deadline_s: float = 10.0,
        retry_period_s: float = 2.0,
    ) -> None:
        if not lease_duration_s > renew_deadline_s > retry_period_s * JITTER > 0:
            raise ValueError("must be: lease duration > renew deadline > retry period * 1.2 > 0")
        self.identity = identity
        self._client, self._name, self._namespace = client, name, namespace
        self._clock, self._random, self._log, self._recorder = clock, random, log, recorder
        self._lease_duration_s, self._renew_deadline_s = lease_duration_s, renew_deadline_s
        self._retry_period_s = retry_period_s
        self._lease: Obj | None = None  # as last seen or written
        self._seen_s = 0.0  # when it last changed, by our clock
        self._reported = ""

    @property
    def leader(self) -> str:
        """Who led when we last looked; "" for nobody."""
        return (self._lease or {}).get("spec", {}).get("holderIdentity") or ""

    @property
    def is_leader(self) -> bool:
        return self.leader == self.identity

    async def run(self, work: Work) -> None:
        """Wait for the lease, do `work` while we hold it; returns when the work is over or the lease was lost.

        What to do after a loss is the caller's to decide (upstream exits). An exception of `work` is raised. Cancelling
        cancels the work, waits for it and releases the lease.
        """
        await self._acquire()
        tasks = Tasks(lambda name, error: None)  # both are awaited here, and their exceptions with them
        working = tasks.start(work(), name=f"{self._name} leading")
        renewing = tasks.start(self._renew(), name=f"{self._name} renewing")
        try:
            await asyncio.wait((working, renewing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            await tasks.close()
            await self._release()
        if not working.cancelled():
            working.result()
        if not renewing.cancelled():
            renewing.result()

    async def _acquire(self) -> None:
        self._log.info(
            "leader_election_started", lease=f"{self._namespace}/{self._name}", identity=self.identity
        )
        while not await self._try():
            await self._clock.sleep(self._random.jitter(self._retry_period_s, JITTER))
        self._record("became leader")
        self._log.info("leader_elected", lease=f"{self._namespace}/{self._name}", identity=self.identity)

    async def _renew(self) -> None:
        """Until it failed for too long."""
        renewed = self._clock.monotonic()
        while True:
            await self._clock.sleep(self._retry_period_s)
            try:
                async with self._clock.timeout(renewed + self._renew_deadline_s - self._clock.monotonic()):
                    while not await self._try():
                        await self._clock.sleep(self._retry_period_s)
            except TimeoutError:
                self._record("stopped leading")
                self._log.error(
                    "leader_lost", lease=f"{self._namespace}/{self._name}", identity=self.identity
                )
                return
            renewed = self._clock.monotonic()

    async def _try(self) -> bool:
        """One attempt to get or keep the lease."""
        try:
            held = await self._take_or_keep()
        except (errors.StatusError, ConnectionLost) as error:
            self._log.debug("lease_not_taken", lease=f"{self._namespace}/{self._name}", error=str(error))
            held = False
            if isinstance(error, (errors.Conflict, errors.NotFound)):
                await self._refresh()
        if self.leader != self._reported:
            self._reported = self.leader
            self._log.info("leader_observed", lease=f"{self._namespace}/{self._name}", leader=self.leader)
        return held

    async def _take_or_keep(self) -> bool:
        now = self._clock.monotonic()
        if not self.is_leader:
            try:
                self._observe(await self._client.get(LEASES, self._name, self._namespace))
            except errors.NotFound:
                self._observe(await self._client.create(LEASES, self._new_lease()))
                return True
            if self.leader and not self.is_leader and now < self._seen_s + self._lease_duration_s:
                return False
        assert self._lease is not None, "a lease is known here: we lead, or have just read it"
        self._observe(
            await self._client.update(LEASES, self._lease | {"spec": self._next_spec(self._lease["spec"])})
        )
        return True

    async def _refresh(self) -> None:
        """Somebody changed the lease under us: what we remember of it is no base for the next attempt."""
        try:
            self._observe(await self._client.get(LEASES, self._name, self._namespace))
        except errors.NotFound:
            self._lease = None
        except (errors.StatusError, ConnectionLost) as error:
            self._log.debug("lease_not_read", lease=f"{self._namespace}/{self._name}", error=str(error))

    def _observe(self, lease: Obj) -> None:
        if self._lease is None or self._lease.get("spec") != lease.get("spec"):
            self._seen_s = self._clock.monotonic()
        self._lease = lease

    def _new_lease(self) -> Obj:
        return {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": {"name": self._name, "namespace": self._namespace},
            "spec": self._next_spec({}),
        }

    def _next_spec(self, spec: Obj) -> Obj:
        now = self._clock.rfc3339_micro()
        keeps = spec.get("holderIdentity") == self.identity
        transitions = spec.get("leaseTransitions") or 0
        return {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": int(self._lease_duration_s),
            "acquireTime": spec.get("acquireTime") if keeps else now,
            "renewTime": now,
            # The first holder is no transition.
            "leaseTransitions": transitions if keeps or not spec else transitions + 1,
        }

    async def _release(self) -> None:
        """Give it up, so that the next one need not wait. Source: leaderelection.go, release."""
        if not self.is_leader or self._lease is None:
            return
        now = self._clock.rfc3339_micro()
        spec = {
            "holderIdentity": "", "leaseDurationSeconds": 1, "acquireTime": now, "renewTime": now,
            "leaseTransitions": self._lease["spec"].get("leaseTransitions") or 0,
        }  # fmt: skip
        try:
            async with self._clock.timeout(self._renew_deadline_s):
                self._observe(await self._client.update(LEASES, self._lease | {"spec": spec}))
        except (errors.StatusError, ConnectionLost, TimeoutError) as error:
            self._log.warning("lease_not_released", lease=f"{self._namespace}/{self._name}", error=str(error))

    def _record(self, what: str) -> None:
        """Source: resourcelock/leaselock.go, RecordEvent."""
        if self._recorder is not None and self._lease is not None:
            self._recorder.event(self._lease, events.NORMAL, "LeaderElection", f"{self.identity} {what}")
