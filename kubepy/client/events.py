"""Events about objects, written in the background, so that saying something never makes anybody wait.

    sink = EventSink(client, given)
    tasks.start(sink.run(), name="events")
    events = sink.recorder("deployment-controller")
    events.event(deployment, NORMAL, "ScalingReplicaSet", "Scaled up replica set web-5d to 3")

What keeps a busy cluster's events readable (and few), per source and object:

- The same event again is the first one with a higher count and a newer lastTimestamp (a patch).
- From the tenth message on that one reason has within ten minutes, they become one event whose message starts with
  "(combined from similar events): ".
- More than 25 events about an object are dropped, but for one every five minutes.

Promised: `event` never blocks and never raises for what the world does.
Not promised: that an event is ever seen, or in which order two are. The queue is bounded; when it is full the oldest
goes, and is counted. What the server refuses is dropped; when it cannot be reached, the writer tries for two minutes.

Source: client-go tools/record/{event,events_cache}.go.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Hashable, Mapping
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct, field

from kubepy.api import errors
from kubepy.api.builtins import EVENTS
from kubepy.api.objects import Obj
from kubepy.client.client import MERGE_PATCH, Client
from kubepy.client.given import Given
from kubepy.client.transport import ConnectionLost
from kubepy.lib.backoff import TokenBucket
from kubepy.lib.clock import Clock, rfc3339

NORMAL, WARNING = "Normal", "Warning"

# Source: event.go, maxTriesPerEvent and defaultSleepDuration.
TRIES_MAX = 12
RETRY_S = 10.0

# Upstream queues 1 000 and drops the newest. Differs: the oldest goes, because the newest says what is wrong now.
QUEUE_MAX = 4096

# Events are written this many at once: the store commits them together, and more would only queue there.
BATCH_MAX = 32

# After a batch the writer rests for as long as that took, up to so long: where all are busy, those who act go before
# those who tell of it.
REST_S_MAX = 0.1

# Source: events_cache.go.
REMEMBERED_MAX = 4096
AGGREGATE_FROM = 10
AGGREGATE_WITHIN_S = 600.0
SPAM_BURST = 25
SPAM_RATE = 1 / 300

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recorder:
    """One source's voice. Cheap; made by `EventSink.recorder`."""

    def __init__(self, sink: EventSink, component: str, instance: str) -> None:
        self._sink = sink
        self.component, self.instance = component, instance

    def event(
        self,
        regarding: Obj,
        type_: str,
        reason: str,
        message: str,
        *,
        field_path: str = "",
        action: str = "",
        related: Obj | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> None:
        """Say that `reason` (UpperCamelCase) happened to `regarding`: an object, or an ObjectReference to one.

        type_: NORMAL or WARNING; field_path: the part it is about, "spec.containers{nginx}". Events about objects
        without a namespace go to "default".
        """
        source = {"component": self.component}
        if self.instance:
            source["host"] = self.instance
        involved = reference(regarding, field_path)
        name, now = self._sink.stamp(involved["name"])
        event: Obj = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": involved.get("namespace") or "default"},
            "involvedObject": involved,
            "reason": reason,
            "message": message,
            "source": source,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "type": type_,
            "reportingComponent": self.component,
            "reportingInstance": self.instance,
        }
        if annotations:
            event["metadata"]["annotations"] = dict(annotations)
        if action:
            event["action"] = action
        if related is not None:
            event["related"] = reference(related)
        self._sink.put(event)


def reference(obj: Obj, field_path: str = "") -> Obj:
    """The ObjectReference to an object; a reference stays one. Source: client-go tools/reference/ref.go."""
    metadata = obj.get("metadata", obj)
    fields = {
        "kind": obj.get("kind"),
        "namespace": metadata.get("namespace"),
        "name": metadata.get("name", ""),
        "uid": metadata.get("uid"),
        "apiVersion": obj.get("apiVersion"),
        "resourceVersion": metadata.get("resourceVersion"),
        "fieldPath": field_path or obj.get("fieldPath"),
    }
    return {name: value for name, value in fields.items() if value}


class EventSink:
    """The queue and its one writer. `run()` until it is cancelled."""

    def __init__(self, client: Client, given: Given, *, queue_max: int = QUEUE_MAX) -> None:
        self._client, self._clock, self._random, self._log = client, given.clock, given.random, given.log
        self._queue: deque[Obj] = deque()
        self._queue_max = queue_max
        self._filled = asyncio.Event()
        self._correlator = Correlator(given.clock)
        self._stamp_ns = 0
        # Two sinks that speak of one object at one instant give it different names.
        self._offset_ns = given.random.stream("events").index(1 << 20)
        events = given.metrics.counter("kubepy_events_total", "Events by what became of them", ("result",))
        self._count = {
            result: events.labels(result) for result in ("written", "overflow", "spam", "rejected", "lost")
        }

    def recorder(self, component: str, instance: str = "") -> Recorder:
        """component: "replicaset-controller"; instance: the node, for kubelets."""
        return Recorder(self, component, instance)

    def stamp(self, name: str) -> tuple[str, str]:
        """(name, time) of a new event. Names carry the nanosecond; no two share one, even if time stands still."""
        now = self._clock.now()
        self._stamp_ns = max(int(now * 1e9) + self._offset_ns, self._stamp_ns + 1)
        return f"{name}.{self._stamp_ns:x}", rfc3339(now)

    def put(self, event: Obj) -> None:
        if len(self._queue) >= self._queue_max:
            self._queue.popleft()
            self._count["overflow"].inc()
        self._queue.append(event)
        self._filled.set()

    def __len__(self) -> int:
        return len(self._queue)

    def __bool__(self) -> bool:
        return True

    async def run(self) -> None:
        while True:
            await self._filled.wait()
            began = self._clock.monotonic()
            if batch := self._take():
                await asyncio.gather(*map(self._write, batch), return_exceptions=True)
            if (took := self._clock.monotonic() - began) > 0:
                await self._clock.sleep(min(took, REST_S_MAX))

    def _take(self) -> list[Write]:
        """The next writes, at most one per event: what happened twice in one batch is written once, with its count."""
        writes: dict[Hashable, Write] = {}
        while self._queue and len(writes) < BATCH_MAX:
            write = self._correlator.correlate(self._queue.popleft())
            if write is None:
                self._count["spam"].inc()
                continue
            earlier = writes.get(write.key)
            writes[write.key] = write if earlier is None else write._replace(exists=earlier.exists)
        if not self._queue:
            self._filled.clear()
        return list(writes.values())

    async def _write(self, write: Write) -> None:
        for attempt in range(TRIES_MAX):
            try:
                await self._send(write)
            except errors.StatusError as error:
                # The server has spoken; the same again would get the same answer.
                self._count["rejected"].inc()
                self._log.debug(
                    "event_rejected",
                    object=_about(write.event),
                    reason=write.event["reason"],
                    error=str(error),
                )
                return
            except ConnectionLost as error:
                if attempt == 0:
                    self._log.warning("event_delayed", object=_about(write.event), error=str(error))
                # The first wait is random, so that not everybody comes back at once.
                await self._clock.sleep(RETRY_S * self._random.uniform(0, 1) if attempt == 0 else RETRY_S)
            else:
                self._count["written"].inc()
                return
        self._count["lost"].inc()
        self._log.warning("event_lost", object=_about(write.event), reason=write.event["reason"])

    async def _send(self, write: Write) -> None:
        event = write.event
        if write.exists:
            metadata = event["metadata"]
            patch = {name: event[name] for name in ("count", "lastTimestamp", "message")}
            try:
                path = EVENTS.path(metadata["namespace"], metadata["name"])
                await self._client.write("PATCH", path, patch, content_type=MERGE_PATCH)
            except errors.NotFound:
                # It has expired: the next one starts anew.
                pass
            else:
                return
        await self._client.write("POST", EVENTS.path(event["metadata"]["namespace"]), event)


def _about(event: Obj) -> str:
    involved = event["involvedObject"]
    namespace, name = involved.get("namespace"), involved["name"]
    return f"{namespace}/{name}" if namespace else name


# -- correlation -----------------------------------------------------------------------------------------------


class Write(NamedTuple):
    """What is to be written. `exists`: as a patch of the event of that name."""

    key: Hashable
    event: Obj
    exists: bool


class _Remembered(Generic[K, V]):
    """The newest entries by use, at most REMEMBERED_MAX."""

    def __init__(self) -> None:
        self._entries: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def put(self, key: K, entry: V) -> None:
        self._entries[key] = entry
        self._entries.move_to_end(key)
        if len(self._entries) > REMEMBERED_MAX:
            self._entries.popitem(last=False)


class _Similar(Struct):
    """Events alike but for their message."""

    last_s: float
    messages: dict[str, None] = field(default_factory=dict)


class _Observed(NamedTuple):
    """An event that was written, as it stands on the server."""

    name: str
    times: int
    first_timestamp: str


class Correlator:
    """Says of each event whether it is written, as what, and whether one like it is there already. Writes nothing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._similar: _Remembered[Hashable, _Similar] = _Remembered()
        self._observed: _Remembered[Hashable, _Observed] = _Remembered()
        self._buckets: _Remembered[Hashable, TokenBucket] = _Remembered()

    def correlate(self, event: Obj) -> Write | None:
        """The write, or None if the source says too much about this object."""
        about, kind, exact = _keys(event)
        write = self._count(*self._aggregate(event, kind, exact))
        # After counting: what is dropped now still shows in the count of the next one that is not.
        bucket = self._buckets.get(about)
        if bucket is None:
            bucket = TokenBucket(self._clock, rate=SPAM_RATE, burst=SPAM_BURST)
            self._buckets.put(about, bucket)
        return write if bucket.try_take() else None

    def _aggregate(self, event: Obj, kind: Hashable, exact: Hashable) -> tuple[Hashable, Obj]:
        now = self._clock.now()
        similar = self._similar.get(kind)
        if similar is None or now - similar.last_s > AGGREGATE_WITHIN_S:
            similar = _Similar(now)
            self._similar.put(kind, similar)
        similar.last_s = now
        similar.messages[event["message"]] = None
        if len(similar.messages) < AGGREGATE_FROM:
            return exact, event
        del similar.messages[next(iter(similar.messages))]
        # Who reports it is not said of these. Source: EventAggregate.
        said = {"message": f"(combined from similar events): {event['message']}"}
        return kind, event | said | {"reportingComponent": "", "reportingInstance": ""}

    def _count(self, key: Hashable, event: Obj) -> Write:
        seen = self._observed.get(key)
        if seen is not None:
            event = event | {
                "metadata": event["metadata"] | {"name": seen.name},
                "count": seen.times + 1,
                "firstTimestamp": seen.first_timestamp,
            }
        self._observed.put(key, _Observed(event["metadata"]["name"], event["count"], event["firstTimestamp"]))
        return Write(key, event, exists=seen is not None)


def _keys(event: Obj) -> tuple[Hashable, Hashable, Hashable]:
    """(source and object, the same with type and reason, the same with field path and message)."""
    involved, source = event["involvedObject"], event["source"]
    about = (
        source["component"], source.get("host"), involved.get("kind"), involved.get("namespace"), involved["name"],
        involved.get("uid"), involved.get("apiVersion"),
    )  # fmt: skip
    kind = (*about, event["type"], event["reason"])
    return about, kind, (*kind, involved.get("fieldPath"), event["message"])
