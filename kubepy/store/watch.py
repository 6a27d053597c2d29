"""Fan-out of committed events to sinks, the same for every store.

A subscription is HELD while its past is being replayed (what commits meanwhile waits in its backlog) and LIVE
afterwards. A store replays like this, and so neither loses nor repeats an event:

    subscription = fanout.subscribe(prefix, sink, start_revision, held=True)   # in one step of the loop with ...
    current = self.revision                                                    # ... reading where live begins
    subscription.replay(events of start_revision ... current)                  # may wait for the disk
    subscription.release()                                                     # the backlog, then live

Prefixes end in b"/", so the sinks of a key are found by looking up each of its directories, and all the keys of a
directory share one answer: an event costs its own sinks, however many others there are.

Promised: each sink sees the events of its prefix once, in revision order; one publish is at most one call; a sink
that was cancelled, by itself or by another while events are given out, is not called again.
Not promised: that two sinks see events of different keys in the same order of calls.

Source: etcd v3.6 server/storage/mvcc/watchable_store.go (synced and unsynced watchers, here LIVE and HELD).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from kubepy.store.base import Event, Sink

# Directories remembered with their sinks: namespaces times resources of a busy cluster, about 100 bytes each.
_ROUTES_MAX = 10_000


class Subscription:
    """One sink; the `Watch` that `Store.watch` returns."""

    __slots__ = ("_backlog", "_fanout", "_sink", "prefix", "start_revision")

    def __init__(self, fanout: Fanout, prefix: bytes, sink: Sink, start_revision: int, held: bool) -> None:
        self._fanout = fanout
        self._sink: Sink | None = sink
        self._backlog: list[Event] | None = [] if held else None
        self.prefix, self.start_revision = prefix, start_revision

    @property
    def is_cancelled(self) -> bool:
        return self._sink is None

    def cancel(self) -> None:
        if self._sink is not None:
            self._sink = self._backlog = None
            self._fanout.remove(self)

    def deliver(self, events: list[Event]) -> None:
        """Committed events of this prefix: to the sink, or to the backlog."""
        if self._sink is None:
            return
        if events[0].kv.mod_revision < self.start_revision:
            events = [event for event in events if event.kv.mod_revision >= self.start_revision]
        if self._backlog is not None:
            self._backlog += events
        else:
            self.replay(events)

    def replay(self, events: Sequence[Event]) -> None:
        """Past events, in order, ahead of everything in the backlog."""
        if self._sink is None or not events:
            return
        try:
            self._sink(events)
        except Exception as error:  # noqa: BLE001 - one broken sink must not fail a write or the other sinks
            asyncio.get_running_loop().call_exception_handler(
                {"message": f"store: the sink of {self.prefix!r} failed", "exception": error}
            )

    def release(self) -> None:
        """From HELD to LIVE."""
        backlog, self._backlog = self._backlog, None
        self.replay(backlog or ())


class Fanout:
    """The subscriptions of one store."""

    def __init__(self) -> None:
        self._by_prefix: dict[bytes, list[Subscription]] = {}
        self._routes: dict[bytes, tuple[Subscription, ...]] = {}
        self._count = 0

    def subscribe(self, prefix: bytes, sink: Sink, start_revision: int, *, held: bool) -> Subscription:
        assert prefix.endswith(b"/"), f"prefix {prefix!r} must end in b'/'"
        subscription = Subscription(self, prefix, sink, start_revision, held)
        self._by_prefix.setdefault(prefix, []).append(subscription)
        self._routes.clear()
        self._count += 1
        return subscription

    def remove(self, subscription: Subscription) -> None:
        peers = self._by_prefix[subscription.prefix]
        peers.remove(subscription)
        if not peers:
            del self._by_prefix[subscription.prefix]
        self._routes.clear()
        self._count -= 1

    def publish(self, events: Sequence[Event]) -> None:
        """Hand committed events, in revision order, to every sink that wants them."""
        calls: dict[Subscription, list[Event]] = {}
        for event in events:
            key = event.kv.key
            directory = key[: key.rfind(b"/") + 1]
            route = self._routes.get(directory)
            if route is None:
                route = self._route(directory)
            for subscription in route:
                if (call := calls.get(subscription)) is None:
                    calls[subscription] = [event]
                else:
                    call.append(event)
        for subscription, call in calls.items():
            subscription.deliver(call)

    def _route(self, directory: bytes) -> tuple[Subscription, ...]:
        found: list[Subscription] = []
        end = directory.find(b"/") + 1
        while end:
            found += self._by_prefix.get(directory[:end], ())
            end = directory.find(b"/", end) + 1
        if len(self._routes) >= _ROUTES_MAX:
            self._routes.clear()
        self._routes[directory] = route = tuple(found)
        return route

    def close(self) -> None:
        for peers in list(self._by_prefix.values()):
            for subscription in list(peers):
                subscription.cancel()

    def __len__(self) -> int:
        return self._count

    def __bool__(self) -> bool:
        return True
