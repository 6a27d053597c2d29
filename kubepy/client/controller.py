"""The only reconcile loop. A controller declares what it watches and says how one key becomes right.

    class ReplicaSetController(Controller):
        name = "replicaset"
        workers = 5

        def setup(self) -> None:
            self.replica_sets = self.watch(REPLICA_SETS, key_of)
            self.pods = self.watch(PODS, owner_key("ReplicaSet"), indexes={"by_controller": controller_uid})

        async def reconcile(self, key: Key) -> After | None: ...

What `reconcile` says, and what follows:

    returns None     done; the key's failures are forgotten
    returns After(s) done, and again in s seconds
    raises Terminal  logged; not tried again until something changes
    raises anything  logged; again after 5 ms, 10 ms, ... 1000 s

Promised: one key is never reconciled twice at once; a change that arrives meanwhile leads to another run; nothing runs
before all watches have their first full state; an exception in one key does not touch another.

Source: controller-runtime pkg/internal/controller/controller.go, pkg/reconcile/reconcile.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from kubepy.api import errors
from kubepy.api.objects import Document, Key, controller_of, parts_of
from kubepy.api.resources import Resource
from kubepy.client.client import Client
from kubepy.client.given import Given
from kubepy.client.informer import IndexFunction, Informer, InformerFactory
from kubepy.client.transport import ConnectionLost
from kubepy.client.workqueue import Queue, ShutDown
from kubepy.lib.aio import Tasks, reported_to
from kubepy.lib.backoff import Exponential
from kubepy.lib.clock import Clock
from kubepy.lib.random import Random

if TYPE_CHECKING:
    from kubepy.client.events import Recorder
    from kubepy.observability.logs import Logger
    from kubepy.observability.metrics import Metrics

# (document, old) -> keys to reconcile. old is the state before an update, None for an add or a delete.
Mapper = Callable[[Document, Document | None], Iterable[Key]]
Predicate = Callable[[Document, Document | None], bool]


class After(Struct, frozen=True):
    """Done for now; again in `seconds`."""

    seconds: float


class Terminal(Exception):
    """Trying again cannot help; only a change of the object can."""


class ControllerContext(Struct, frozen=True):
    """What a controller is given. `client` writes under the controller's own identity; `informers` are shared."""

    client: Client
    informers: InformerFactory
    clock: Clock
    random: Random
    log: Logger
    metrics: Metrics
    events: Recorder

    @classmethod
    def of(
        cls, given: Given, client: Client, informers: InformerFactory, events: Recorder
    ) -> ControllerContext:
        return cls(client, informers, given.clock, given.random, given.log, given.metrics, events)


def rest_for(count: int) -> float:
    """Seconds of rest after a run over `count` dependents: some ten times what it costs, and nothing for the few."""
    return count * 0.0002 if count >= 100 else 0.0


# -- mappers ---------------------------------------------------------------------------------------------------


def key_of(document: Document, old: Document | None) -> Iterable[Key]:
    """The object itself."""
    return (document.key,)


def owner_key(kind: str) -> Mapper:
    """The controller of that kind in the object's namespace; when the owner changed, both the old and the new one."""

    def owner(document: Document) -> Key | None:
        ref = controller_of(document.obj)
        return (
            Key(document.key.namespace, ref["name"]) if ref is not None and ref.get("kind") == kind else None
        )

    def mapper(document: Document, old: Document | None) -> Iterable[Key]:
        new_owner = owner(document)
        if old is None:
            return () if new_owner is None else (new_owner,)
        old_owner = owner(old)
        return [key for key in dict.fromkeys((old_owner, new_owner)) if key is not None]

    return mapper


# -- the loop --------------------------------------------------------------------------------------------------


class Controller:
    """Subclass it: `name`, `workers`, `setup`, `reconcile`. `run()` is the loop; `queue` takes further keys."""

    name = ""
    workers = 1
    # The longest wait between two tries of one key. Source: default_rate_limiters.go, 5 ms to 1000 s.
    retry_s_max = 1000.0

    def __init__(self, context: ControllerContext) -> None:
        self.context = context
        self.client, self.informers = context.client, context.informers
        self.clock, self.random, self.log, self.events = (
            context.clock,
            context.random,
            context.log,
            context.events,
        )
        self._observe = _Observations(context.metrics, self.name)
        self.queue: Queue[Key] = Queue(
            context.clock, Exponential(0.005, self.retry_s_max), on_wait=self._observe.waited
        )
        self._watched: list[Informer] = []
        self._observe.depth.set_function(self.queue.__len__)

    def setup(self) -> None:
        """Declare the watches, with `self.watch`. Called once, before the loop starts; must not wait."""
        raise NotImplementedError

    async def reconcile(self, key: Key) -> After | None:
        """Make the world around `key` what its object says; the object may be gone. See the module for outcomes."""
        raise NotImplementedError

    def rest_s(self, key: Key) -> float:
        """How long `key` rests after a run; what changes meanwhile is seen by one run. A controller whose run looks at
        all dependents answers `rest_for(their count)`, or each change of one of a thousand makes it look at all."""
        return 0.0

    def watch(
        self,
        resource: Resource,
        mapper: Mapper | None = None,
        predicate: Predicate | None = None,
        *,
        indexes: Mapping[str, IndexFunction] | None = None,
        namespace: str = "",
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
    ) -> Informer:
        """Follow a collection: each change's `mapper(document, old)` keys are queued, if `predicate` agrees.

        Without a mapper it is only read. Deletes come as (last known document, None), like adds.
        """
        informer = self.informers.informer(
            resource, namespace=namespace, label_selector=label_selector, field_selector=field_selector,
            metadata_only=metadata_only,
        )  # fmt: skip
        for name, function in (indexes or {}).items():
            informer.add_index(name, function)
        if mapper is not None:
            self._enqueue_on_change(informer, mapper, predicate)
        if informer not in self._watched:
            self._watched.append(informer)
        return informer

    def _enqueue_on_change(self, informer: Informer, mapper: Mapper, predicate: Predicate | None) -> None:
        def changed(document: Document, old: Document | None = None) -> None:
            if predicate is None or predicate(document, old):
                for key in mapper(document, old):
                    self.queue.add(key)

        informer.add_handler(
            on_add=changed,
            on_update=lambda old, new: changed(new, old),
            on_delete=changed,
            about=parts_of(mapper),
        )

    async def run(self) -> None:
        """Set up, wait for the caches, then reconcile until cancelled."""
        tasks = Tasks(reported_to(self.log))
        try:
            self.setup()
            self.informers.start()
            for informer in self._watched:
                await informer.wait_synced()
            watches = " ".join(str(informer.resource) for informer in self._watched[:6])
            if (more := len(self._watched) - 6) > 0:
                watches += f" and {more} more"
            self.log.info("controller_started", workers=self.workers, watches=watches)
            workers = [tasks.start(self._work(), name=f"{self.name}-{i}") for i in range(self.workers)]
            await asyncio.wait(workers)
        finally:
            self.queue.shutdown()
            await tasks.close()

    async def _work(self) -> None:
        while True:
            try:
                key = await self.queue.get()
            except ShutDown:
                return
            try:
                await self._reconcile(key)
            finally:
                self.queue.done(key, rest_s=self.rest_s(key))

    async def _reconcile(self, key: Key) -> None:
        """One run and what follows from it."""
        queue = self.queue
        started = self.clock.monotonic()
        try:
            after = await self.reconcile(key)
        except Terminal as error:
            queue.forget(key)
            self.log.warning("reconcile_gave_up", object=str(key), error=str(error))
            result = "terminal"
        except Exception as error:  # noqa: BLE001 - every failure of a key is retried, none may end the worker
            self._log_failure(key, error)
            queue.add_rate_limited(key)
            result = "error"
        else:
            queue.forget(key)
            if after is None:
                result = "success"
            else:
                if after.seconds <= 0:
                    # A run that waited for nothing would be followed by itself for ever: what it wrote comes first.
                    await self.clock.sleep(0)
                queue.add_after(key, after.seconds)
                result = "requeue_after"
        self._observe.reconciled(result, self.clock.monotonic() - started)

    def _log_failure(self, key: Key, error: Exception) -> None:
        """What every busy cluster sees (somebody was faster) is no news; a bug comes with its traceback."""
        fields = {"object": str(key), "error": str(error), "attempt": self.queue.failures(key) + 1}
        if isinstance(error, (errors.Conflict, errors.NotFound)):
            self.log.debug("reconcile_retried", **fields)
        elif isinstance(error, (errors.StatusError, ConnectionLost)):
            self.log.warning("reconcile_failed", **fields)
        else:
            self.log.error("reconcile_failed", **fields, exc_info=error)


class _Observations:
    """A controller's metrics, label children looked up once. Names: controller-runtime's and client-go's."""

    def __init__(self, metrics: Metrics, name: str) -> None:
        reconciles = metrics.counter(
            "controller_runtime_reconcile_total",
            "Total number of reconciliations per controller",
            ("controller", "result"),
        )
        errors_ = metrics.counter(
            "controller_runtime_reconcile_errors_total",
            "Total number of reconciliation errors per controller",
            ("controller",),
        )
        duration = metrics.histogram(
            "controller_runtime_reconcile_time_seconds",
            "Length of time per reconciliation per controller",
            ("controller",),
        )
        wait = metrics.histogram(
            "workqueue_queue_duration_seconds",
            "How long in seconds an item stays in workqueue before being requested", ("name",),
        )  # fmt: skip
        self.depth = metrics.gauge("workqueue_depth", "Current depth of workqueue", ("name",)).labels(name)
        self.waited = wait.labels(name).observe
        self._duration = duration.labels(name).observe
        self._errors = errors_.labels(name)
        self._results = {
            result: reconciles.labels(name, result)
            for result in ("success", "requeue_after", "error", "terminal")
        }

    def reconciled(self, result: str, duration_s: float) -> None:
        self._results[result].inc()
        self._duration(duration_s)
        if result in ("error", "terminal"):
            self._errors.inc()
