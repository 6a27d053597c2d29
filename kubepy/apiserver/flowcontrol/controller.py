"""Priority and fairness of one server: follows the objects, lets requests pass, and keeps the objects in order.

    flow_control = FlowControl(registry, client, seats=600, ...)
    await flow_control.start()                  before the first request of a stranger
    ticket = flow_control.start_request(user, info, request) ...

Until the objects are read, and whatever becomes of them, there are the mandatory schemas and levels. A change of an
object counts from the next turn of the loop on. Seats are lent and borrowed anew every ten seconds in which there are
requests; a server that nobody asks anything has no timer. What a FlowSchema's status says, and the objects that must
be there, are put right in the background, the latter within a minute.

Source: apiserver pkg/util/flowcontrol/{apf_controller,apf_filter,max_seats}.go,
kubernetes pkg/registry/flowcontrol/rest/storage_flowcontrol.go.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from kubepy.api import errors
from kubepy.api.builtins import FLOW_SCHEMAS, PRIORITY_LEVEL_CONFIGURATIONS
from kubepy.api.objects import Document, Obj
from kubepy.apiserver.flowcontrol import allocation, bootstrap
from kubepy.apiserver.flowcontrol.allocation import Limits, Standing
from kubepy.apiserver.flowcontrol.classification import Classifier, Schema
from kubepy.apiserver.flowcontrol.metrics import export
from kubepy.apiserver.flowcontrol.queues import QueueSet, Queuing
from kubepy.apiserver.flowcontrol.rejections import Rejections
from kubepy.apiserver.registry.feeds import Change
from kubepy.apiserver.registry.registry import Registry
from kubepy.client.client import APPLY_PATCH, Client
from kubepy.lib.aio import Tasks, reported_to
from kubepy.lib.clock import Clock, Timer
from kubepy.lib.random import Random
from kubepy.observability.logs import Logger
from kubepy.observability.metrics import Metrics

PRODUCER = "api-priority-and-fairness-config-producer-v1"
CONSUMER = "api-priority-and-fairness-config-consumer-v1"

# How often upstream looks after the objects. Source: storage_flowcontrol.go.
UPKEEP_S = 60.0
# A schema's status is not fought over: so many writes a minute. Source: apf_controller.go shouldDelayUpdate.
STATUS_WRITES_MAX = 6
# A request is not wider than this part of its level. Source: apf_controller.go priorityLevelMaxSeatsPercent.
_WIDTH_MAX = 0.15

_EXEMPT_QUEUING = Queuing(-1)

IsThere = Callable[[str], bool]


class Level:
    """One priority level as it is configured, and what is going on in it."""

    def __init__(self, obj: Obj, clock: Clock) -> None:
        self.rejections = Rejections()
        self.limits: Limits = Limits(0, 0, 0)
        self.current: int = 0
        self.is_wanted = True
        self.queues: QueueSet = QueueSet(Queuing(0), 0, clock)
        self.configure(obj)

    def configure(self, obj: Obj) -> None:
        self.obj = obj
        self.name: str = obj["metadata"]["name"]
        self.uid: bytes = obj["metadata"].get("uid", "").encode()
        spec = obj["spec"]
        self.is_exempt = spec["type"] == "Exempt"
        self.part: Obj = spec["exempt" if self.is_exempt else "limited"]
        queuing = (self.part.get("limitResponse") or {}).get("queuing")
        self.queuing = _EXEMPT_QUEUING if self.is_exempt else Queuing(0)
        if queuing is not None:
            self.queuing = Queuing(queuing["queues"], queuing["handSize"], queuing["queueLengthLimit"])

    @property
    def shares(self) -> int:
        shares: int | None = self.part.get("nominalConcurrencyShares")
        return shares if shares is not None else (0 if self.is_exempt else 30)

    @property
    def width_max(self) -> int:
        """Seats that one request may have; 0: as many as any."""
        if self.queuing.hand_size < 1:
            return 0
        nominal = self.limits.nominal
        return max(1, min(math.ceil(nominal * _WIDTH_MAX), nominal // self.queuing.hand_size))

    @property
    def standing(self) -> Standing:
        demand = self.queues.demand
        return Standing(self.limits, self.is_exempt, demand.watermark, demand.smoothed, self.current)

    def set_limits(self, limits: Limits) -> None:
        is_new = self.limits == (0, 0, 0)
        self.limits = limits
        if is_new:
            self.current = limits.nominal - (limits.nominal - limits.min) // 2
        self.queues.configure(self.queuing, self.current)


class FlowControl:
    def __init__(
        self,
        registry: Registry,
        client: Client,
        *,
        seats: int,
        clock: Clock,
        random: Random,
        log: Logger,
        metrics: Metrics,
    ) -> None:
        self._registry, self._client = registry, client
        self.seats, self.clock, self._random, self._log = seats, clock, random, log
        self._tasks = Tasks(reported_to(log))
        self.levels: dict[str, Level] = {}
        self._schemas: dict[str, tuple[int, Schema]] = {}  # name -> (revision, schema)
        self._classifier: Classifier
        self._adjust_at = 0.0
        self._adjust_timer: Timer | None = None
        self._is_digesting = False
        self._upkeep_timer: Timer | None = None
        self._status_writes: dict[str, list[float]] = {}
        self._status_timer: Timer | None = None
        self._digest([], [])
        export(self, metrics)

    async def start(self) -> None:
        for resource in (FLOW_SCHEMAS, PRIORITY_LEVEL_CONFIGURATIONS):
            cache = await self._registry.loaded(self._registry.catalog.storage(resource))
            cache.observe(self._on_change)
        await self._keep()
        self._redigest()

    async def close(self) -> None:
        for timer in (self._adjust_timer, self._upkeep_timer, self._status_timer):
            if timer is not None:
                timer.cancel()
        await self._tasks.close()

    # -- requests ------------------------------------------------------------------------------------------------

    @property
    def schemas(self) -> Sequence[Schema]:
        return self._classifier.schemas

    @property
    def classifier(self) -> Classifier:
        return self._classifier

    def volume(self, group_resource: str) -> tuple[int, int] | None:
        """How many objects a resource has, and their bytes; None if it is not known."""
        return self._registry.volume(group_resource)

    def note_work(self, level: Level) -> None:
        """Called for each request that is not exempt: the moment to see whether seats are to be lent anew."""
        if self.clock.monotonic() >= self._adjust_at:
            self._adjust()
        elif level.queues.waiting and self._adjust_timer is None:
            # Those who wait are not helped by requests that do not come.
            wait = self._adjust_at - self.clock.monotonic()
            self._adjust_timer = self.clock.call_later(wait, self._adjust)

    def _adjust(self) -> None:
        now = self.clock.monotonic()
        if self._adjust_timer is not None:
            self._adjust_timer.cancel()
            self._adjust_timer = None
        self._adjust_at = now + allocation.PERIOD_S
        for level in self.levels.values():
            level.queues.demand.end_period(now)
        self._share_out()
        if any(level.queues.waiting for level in self.levels.values()):
            self._adjust_timer = self.clock.call_later(allocation.PERIOD_S, self._adjust)

    def _share_out(self) -> None:
        levels = list(self.levels.values())
        for level, current in zip(levels, allocation.share_out([level.standing for level in levels])):
            level.current = current
            level.queues.set_limit(current)

    # -- following the objects -----------------------------------------------------------------------------------

    def _on_change(self, change: Change) -> None:
        if not self._is_digesting:
            self._is_digesting = True
            self.clock.call_later(0, self._redigest)
        if self._upkeep_timer is None:
            self._upkeep_timer = self.clock.call_later(UPKEEP_S, self._start_upkeep)

    def _objects(self, family: bootstrap.Family) -> list[Document]:
        storage = self._registry.catalog.storage(family.resource)
        return self._registry.cache(storage).documents()

    def _redigest(self) -> None:
        self._is_digesting = False
        levels, schemas = self._objects(bootstrap.LEVELS), self._objects(bootstrap.SCHEMAS)
        self._digest([document.obj for document in levels], schemas)
        self._plan_status(schemas)

    def _digest(self, levels: Iterable[Obj], schemas: Iterable[Document]) -> None:
        """Source: lockAndDigestConfigObjects."""
        wanted = {obj["metadata"]["name"]: obj for obj in (*bootstrap.MANDATORY_LEVELS, *levels)}
        for name, obj in wanted.items():
            level = self.levels.get(name)
            if level is None:
                self.levels[name] = Level(obj, self.clock)
            else:
                level.configure(obj)
                level.is_wanted = True
        for name in [name for name in self.levels if name not in wanted]:
            # Who is in it goes on to the end.
            self.levels[name].is_wanted = False
            if self.levels[name].queues.is_idle:
                del self.levels[name]
        self._set_limits()
        known = {obj["metadata"]["name"]: (0, Schema(obj)) for obj in bootstrap.MANDATORY_SCHEMAS}
        for document in schemas:
            name = document.key.name
            before = self._schemas.get(name)
            if before is None or before[0] != document.revision:
                before = document.revision, Schema(document.obj)
            known[name] = before
        self._schemas = known
        self._classifier = Classifier(schema for _, schema in known.values() if self._is_there(schema.level))

    def _is_there(self, level: str) -> bool:
        found = self.levels.get(level)
        return found is not None and found.is_wanted

    def _set_limits(self) -> None:
        shares = sum(level.shares for level in self.levels.values())
        for level in self.levels.values():
            part = level.part
            borrowing = None if level.is_exempt else part.get("borrowingLimitPercent")
            level.set_limits(
                allocation.limits(self.seats, level.shares, shares, part.get("lendablePercent"), borrowing)
            )
        self._share_out()

    # -- keeping the objects -------------------------------------------------------------------------------------

    def _start_upkeep(self) -> None:
        self._upkeep_timer = None
        self._tasks.start(self._keep(), name="flow-control-upkeep")

    async def _keep(self) -> None:
        client = self._client.named(PRODUCER)
        for family in (bootstrap.LEVELS, bootstrap.SCHEMAS):
            current = {document.key.name: document.obj for document in self._objects(family)}
            for step in bootstrap.plan(family, current):
                try:
                    await self._take(client, step)
                except errors.StatusError as error:
                    # Somebody was faster, or the store is away; the next change or minute brings us here again.
                    self._log.warning(
                        "flow_control_object_left", object=step.name, action=step.action, error=str(error)
                    )
                    if self._upkeep_timer is None:
                        self._upkeep_timer = self.clock.call_later(UPKEEP_S, self._start_upkeep)

    @staticmethod
    async def _take(client: Client, step: bootstrap.Step) -> None:
        if step.action == "create":
            await client.create(step.resource, step.obj)
        elif step.action == "update":
            await client.update(step.resource, step.obj)
        else:
            await client.delete(step.resource, step.name)

    # -- status --------------------------------------------------------------------------------------------------

    def _plan_status(self, schemas: Iterable[Document]) -> None:
        """Say which schemas lead nowhere. Source: presyncFlowSchemaStatus, digestConfigObjects."""
        now, wanted = self.clock.monotonic(), []
        for document in schemas:
            condition = dangling(document.obj, self._is_there)
            if condition is None:
                continue
            writes = self._status_writes.setdefault(document.key.name, [])
            writes[:] = [at for at in writes if now - at < 60.0]
            if len(writes) < STATUS_WRITES_MAX:
                writes.append(now)
                wanted.append((document.key.name, condition))
            elif self._status_timer is None:
                wait = 30.0 + self._random.uniform(0.0, 45.0)
                self._status_timer = self.clock.call_later(wait, self._resume_status)
        if wanted:
            self._tasks.start(self._write_status(wanted), name="flow-schema-status")

    def _resume_status(self) -> None:
        self._status_timer = None
        self._redigest()

    async def _write_status(self, wanted: list[tuple[str, Obj]]) -> None:
        client = self._client.named(CONSUMER)
        for name, condition in wanted:
            obj = {
                "apiVersion": FLOW_SCHEMAS.api_version,
                "kind": FLOW_SCHEMAS.kind,
                "metadata": {"name": name},
                "status": {"conditions": [condition | {"lastTransitionTime": self.clock.rfc3339()}]},
            }
            try:
                await client.patch(
                    FLOW_SCHEMAS, name, obj, subresource="status", content_type=APPLY_PATCH, force=True
                )
            except errors.NotFound:
                pass


def dangling(schema: Obj, is_there: IsThere) -> Obj | None:
    """The condition that a FlowSchema should have, None if it has it."""
    level = schema["spec"]["priorityLevelConfiguration"]["name"]
    name = errors.quote(level)
    text = f"This FlowSchema references the PriorityLevelConfiguration object named {name}"
    if is_there(level):
        wanted = {
            "type": "Dangling",
            "status": "False",
            "reason": "Found",
            "message": f"{text} and it exists",
        }
    else:
        why = f"{text} but there is no such object"
        wanted = {"type": "Dangling", "status": "True", "reason": "NotFound", "message": why}
    for condition in (schema.get("status") or {}).get("conditions") or ():
        if condition["type"] == "Dangling" and all(
            condition.get(key) == value for key, value in wanted.items()
        ):
            return None
    return wanted
