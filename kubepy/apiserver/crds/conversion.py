"""Conversion of custom objects by their webhook.

The rest of the server converts between versions in passing, without waiting. So what a webhook answered is kept here
(`Conversions.known`), and who needs a conversion that is not known raises `Unconverted`: the handler of the request
catches it, asks the webhook and goes over the same ground again (`settle`). An answer that was ready but for its
conversion is only rendered again, never done again.

An object's conversion depends on what it says, not on who wrote it when: uid, times, revisions and owners of fields are
put aside before and are the same after, as upstream demands of webhooks.

Differs: upstream asks at each read, here an answer holds for KNOWN_S.

Source: apiextensions-apiserver pkg/apiserver/conversion/webhook_converter.go.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple

import orjson

from kubepy.api import errors
from kubepy.api.custom import WebhookConversion, own_of
from kubepy.api.objects import Document, Obj
from kubepy.api.resources import Resource
from kubepy.apiserver.crds.pending import Unconverted, Unrendered
from kubepy.apiserver.registry.feeds import Change, Selection, View, classify
from kubepy.apiserver.registry.views import Served
from kubepy.apiserver.webhook_client import CallFailed, Look, Unusable, WebhookClients
from kubepy.lib.clock import Clock
from kubepy.lib.random import Random

# Source: pkg/util/webhook/client.go: conversion has no timeout of its own; a request has 60 s.
TIMEOUT_S = 30.0
KNOWN_BYTES_MAX = 8 << 20
# A webhook that begins to answer otherwise is believed so much later; going over the same ground again takes far less.
KNOWN_S = 10.0
_ASIDE = frozenset(
    (
        "uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "deletionTimestamp",
        "deletionGracePeriodSeconds", "ownerReferences", "finalizers", "selfLink", "generateName",
    )
)  # fmt: skip
_API_VERSIONS = {version: f"apiextensions.k8s.io/{version}" for version in ("v1", "v1beta1")}
Start = Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]]


class _Key(NamedTuple):
    definition: str
    config: bytes
    to: str
    content: bytes


class _Answer(NamedTuple):
    raw: bytes
    until: float  # of clock.monotonic()


class Conversions:
    """All that webhooks answered lately, and the way to ask them. `look` finds services."""

    def __init__(self, look: Look, clock: Clock, random: Random) -> None:
        self._clock, self._random = clock, random
        self._clients = WebhookClients(look, clock, random)
        self._known: OrderedDict[_Key, _Answer] = OrderedDict()  # oldest first
        self._size = 0

    async def close(self) -> None:
        await self._clients.close()

    def known(self, obj: Obj, to: Resource) -> Obj:
        """`obj` in the version of `to`; itself if it is of that version. Raises Unconverted."""
        if obj.get("apiVersion") == to.api_version:
            return obj
        answer = self._known.get(_key(obj, to))
        if answer is None or answer.until < self._clock.monotonic():
            raise Unconverted([obj], to)
        return _restored(obj, orjson.loads(answer.raw))

    async def settle(self, run: Callable[[], Awaitable[Any]]) -> Any:
        """What `run` gives, once everything that it needs is converted."""
        while True:
            try:
                return await run()
            except Unrendered as unrendered:
                return await self._render(unrendered)
            except Unconverted as needs:
                await self.convert(needs.objs, needs.to)

    async def _render(self, unrendered: Unrendered) -> Any:
        needs = unrendered.needs
        while True:
            await self.convert(needs.objs, needs.to)
            try:
                return unrendered.render()
            except Unconverted as more:
                needs = more

    async def convert(self, objs: Iterable[Obj], to: Resource) -> None:
        """Ask the webhook for what is not known yet. Raises a StatusError in upstream's words."""
        self._forget()
        wanted = {_key(obj, to): obj for obj in objs if obj.get("apiVersion") != to.api_version}
        wanted = {key: obj for key, obj in wanted.items() if key not in self._known}
        if not wanted:
            return
        review = _review(to)
        first = next(iter(wanted.values()))
        prefix = f"conversion webhook for {first['apiVersion']}, Kind={first['kind']}"
        converted = await self._ask(review, list(wanted.values()), to, prefix)
        for (key, obj), answer in zip(wanted.items(), converted):
            _check(obj, answer, to, prefix)
            raw = orjson.dumps(answer)
            if (other := self._known.pop(key, None)) is not None:
                # Somebody else asked the same meanwhile.
                self._size -= len(other.raw)
            self._known[key] = _Answer(raw, self._clock.monotonic() + KNOWN_S)
            self._size += len(raw)

    def _forget(self) -> None:
        """What holds no longer, and the oldest where there is too much."""
        now = self._clock.monotonic()
        while self._known:
            key = next(iter(self._known))
            oldest = self._known[key]
            if oldest.until >= now and self._size <= KNOWN_BYTES_MAX:
                return
            del self._known[key]
            self._size -= len(oldest.raw)

    async def _ask(self, review: WebhookConversion, objs: list[Obj], to: Resource, prefix: str) -> list[Any]:
        config = review.config
        version = next((each for each in config["conversionReviewVersions"] if each in _API_VERSIONS), "")
        if not version:
            raise _failed("no supported conversion review versions")
        uid = self._random.uid()
        body = {
            "kind": "ConversionReview",
            "apiVersion": _API_VERSIONS[version],
            "request": {"uid": uid, "desiredAPIVersion": to.api_version, "objects": objs},
        }
        answer = await self._post(config["clientConfig"], orjson.dumps(body), prefix)
        try:
            return _converted(answer, version, uid, len(objs))
        except ValueError as error:
            raise _failed(f"{prefix} {error}")

    async def _post(self, config: Obj, body: bytes, prefix: str) -> Any:
        try:
            raw = await self._clients.post(
                config, body, timeout_s=TIMEOUT_S, query=f"timeout={TIMEOUT_S:.0f}s"
            )
            return orjson.loads(raw)
        except Unusable as error:
            raise _failed(str(error))
        except (CallFailed, orjson.JSONDecodeError) as error:
            raise _failed(f"{prefix} failed: {error}")


def _failed(why: str) -> errors.StatusError:
    """500 without a reason: nobody on upstream's way makes a Status of it."""
    return errors.StatusError(why, reason="")


def _review(to: Resource) -> WebhookConversion:
    review = own_of(to).review
    assert review is not None, "only webhooks are asked"
    return review


def _key(obj: Obj, to: Resource) -> _Key:
    review = _review(to)
    metadata = {name: value for name, value in obj["metadata"].items() if name not in _ASIDE}
    return _Key(
        review.definition,
        orjson.dumps(review.config, option=orjson.OPT_SORT_KEYS),
        to.api_version,
        orjson.dumps(obj | {"metadata": metadata}, option=orjson.OPT_SORT_KEYS),
    )


def _converted(answer: Any, version: str, uid: str, count: int) -> list[Any]:
    """Source: getConvertedObjectsFromResponse."""
    response = answer.get("response") if isinstance(answer, dict) else None
    if version == "v1":
        gvk = (
            f"{answer.get('apiVersion', '')}, Kind={answer.get('kind', '')}"
            if isinstance(answer, dict)
            else ""
        )
        wanted = "apiextensions.k8s.io/v1, Kind=ConversionReview"
        if gvk != wanted:
            raise ValueError(f"failed: expected webhook response of {wanted}, got {gvk}")
    if not isinstance(response, dict):
        raise ValueError("failed: no response provided")
    if version == "v1" and response.get("uid") != uid:
        raise ValueError(f'failed: expected response.uid="{uid}", got "{response.get("uid", "")}"')
    result = response.get("result") or {}
    if result.get("status") != "Success":
        why = f"response.result.status was '{result.get('status', '')}', not 'Success'"
        raise ValueError(f"failed: {result.get('message') or why}")
    objs = response.get("convertedObjects") or []
    if len(objs) != count:
        raise ValueError(f"returned {len(objs)} objects, expected {count}")
    return objs


def _check(before: Obj, after: Any, to: Resource, prefix: str) -> None:
    """Source: validateConvertedObject. A webhook may change what an object says, not which one it is."""
    why = ""
    if not isinstance(after, dict) or after.get("apiVersion") != to.api_version:
        got = after.get("apiVersion", "") if isinstance(after, dict) else type(after).__name__
        why = f"invalid object at index 0: invalid groupVersion (expected {to.api_version}, received {got})"
    elif after.get("kind") != before["kind"]:
        why = (
            "invalid object at index 0: invalid kind "
            f"(expected {before['kind']}, received {after.get('kind', '')})"
        )
    else:
        given = after.get("metadata")
        metadata = given if isinstance(given, dict) else {}
        for field, shown in (("name", "name"), ("namespace", "namespace"), ("uid", "UID")):
            one, other = before["metadata"].get(field, ""), metadata.get(field, "")
            if one != other:
                why = f"invalid object: must have the same {shown}: {one} != {other}"
                break
    if why:
        raise _failed(f"{prefix} returned {why}")


def _restored(before: Obj, after: Obj) -> Obj:
    """Metadata as it was, but for labels and annotations. Source: restoreObjectMeta."""
    metadata = {
        name: value for name, value in before["metadata"].items() if name not in ("labels", "annotations")
    }
    for name in ("labels", "annotations"):
        if after["metadata"].get(name):
            metadata[name] = after["metadata"][name]
    return after | {"metadata": metadata}


# -- watches ----------------------------------------------------------------------------------------------------------

# Batches that may wait for a webhook before a watcher is cut off.
WAITING_MAX = 1000


class ConvertedSubscription:
    """A watch whose changes wait for their conversion, in order, and are then selected from. Implements
    request.Subscription and, towards the registry, request.Sink: `inner` pushes the Changes of a ChangesView, and what
    needs no conversion as it is."""

    def __init__(
        self, inner: Any, view: View, selection: Selection | None, served: Served, start: Start
    ) -> None:
        self._inner, self._view, self._selection, self._start = inner, view, selection, start
        self._served, self._to = served, served.resource
        self._wants_header = view.has_header
        self._events: asyncio.Queue[Sequence[Any]] = asyncio.Queue(WAITING_MAX)
        self._sink: Any = None
        self._task: asyncio.Task[None] | None = None

    async def attach(self, sink: Any) -> AsyncGenerator[Sequence[Any], None]:
        self._sink = sink
        try:
            async with aclosing(self._inner.attach(self)) as batches:
                async for batch in batches:
                    yield await self._converted(batch)
        except errors.StatusError as error:
            sink.fail(error)
            return
        self._task = self._start(self._run(), "converted-watch")

    def close(self) -> None:
        self._inner.close()
        if self._task is not None:
            self._task.cancel()

    def send(self, batch: Sequence[Any]) -> None:
        try:
            self._events.put_nowait(batch)
        except asyncio.QueueFull:
            # Too far behind: the client begins anew.
            self._sink.fail(errors.expired("The watch fell too far behind its conversion webhook."))
            self._inner.close()

    def fail(self, error: errors.StatusError) -> None:
        self._sink.fail(error)

    def end(self) -> None:
        self._sink.end()

    async def _run(self) -> None:
        while True:
            try:
                items = await self._converted(await self._events.get())
            except errors.StatusError as error:
                self._sink.fail(error)
                return
            if items:
                self._sink.send(items)

    async def _converted(self, batch: Sequence[Any]) -> list[Any]:
        conversions = own_of(self._to).conversions
        assert conversions is not None, "others need no conversion"
        needed = [obj for item in batch if isinstance(item, Change) for obj in self._looked_at(item)]
        while True:
            await conversions.convert(needed, self._to)
            try:
                return self._items(batch)
            except Unconverted:
                # Others have asked so much meanwhile that these answers are forgotten again.
                continue

    def _looked_at(self, change: Change) -> list[Obj]:
        """The state it led to, and the one before where that decides or is all that is left to show."""
        states = [change.document]
        if change.document is None or self._selection is not None:
            states.append(change.previous)
        return [self._served.source(state)[0] for state in states if state is not None]

    def _items(self, batch: Sequence[Any]) -> list[Any]:
        items, wants_header = [], self._wants_header
        for item in batch:
            if not isinstance(item, Change):
                items.append(item)
            elif (seen := classify(item, self._selection)) is not None:
                items.append(self._view.event(*seen, first=wants_header))
                wants_header = False
        self._wants_header = wants_header
        return items


class ChangesView:
    """The changes of a resource as they are, for ConvertedSubscription. Implements cache.View."""

    has_header, takes_changes, is_decoded = False, True, False

    def __init__(self, view: View) -> None:
        self._view = view

    def event(self, type_: str, seen: Change | Document, *, first: bool) -> Change:
        """What is there when the watch begins comes as a Document."""
        return seen if isinstance(seen, Change) else Change("", seen, None, seen.revision)

    def bookmark(self, revision: int, *, initial_events_end: bool, first: bool) -> Any:
        return self._view.bookmark(revision, initial_events_end=initial_events_end, first=first)

    def failure(self, status: Obj) -> bytes:
        return self._view.failure(status)
