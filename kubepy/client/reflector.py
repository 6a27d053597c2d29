"""Keeps a sink equal to one collection of the server, over any number of broken connections.

The server's present state and its changes come through one watch (WatchList: `sendInitialEvents`); a server that
does not do that is listed and then watched. After that every end of a watch - the server's timeout, a lost
connection, an ERROR event - is followed by another watch from the last revision seen, so that nothing is missed and
nothing comes twice. Only when that revision has been compacted (410) is the whole state read again; then the sink gets
`replace`, and finds out itself what changed.

             +------------ 410 ------------+
             v                             |
    read state (WatchList, else list) -> watch from last revision <-+
             |  failed: wait, again        |  ended, lost: again    |
             +--------<--------            +------------------------+

Promised: `replace` first; events of one key in order; after `replace(documents, r)` only events newer than r.
Not promised: every intermediate state of a key across a 410.

Source: client-go tools/cache/reflector.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Protocol

from kubepy.api import errors
from kubepy.api.objects import Document, Key, annotations_of
from kubepy.api.resources import Resource
from kubepy.client.client import Client
from kubepy.client.transport import ConnectionLost, WatchEvent
from kubepy.lib.backoff import Retry
from kubepy.lib.clock import Clock
from kubepy.lib.random import Random

if TYPE_CHECKING:
    from kubepy.observability.logs import Logger

# Source: apimachinery pkg/apis/meta/v1/types.go, InitialEventsAnnotationKey.
INITIAL_EVENTS_END = "k8s.io/initial-events-end"

# Below it a watch that ended without an event counts as a failure. Source: reflector.go, "very short watch".
SHORT_WATCH_S = 1.0


class Sink(Protocol):
    """What a reflector fills. Called in the loop; must not block."""

    def replace(self, documents: Sequence[Document], revision: int) -> Iterator[None]:
        """The whole collection as of `revision`, in steps; between two of them others may have their turn."""

    def apply(self, events: Sequence[WatchEvent]) -> None:
        """Changes in order: ADDED, MODIFIED, DELETED, and BOOKMARK, which only advances the revision."""


class Reflector:
    """One collection (resource, namespace, selectors) -> one sink. `run()` until it is cancelled."""

    def __init__(
        self,
        client: Client,
        resource: Resource,
        sink: Sink,
        *,
        namespace: str = "",
        label_selector: str = "",
        field_selector: str = "",
        clock: Clock,
        random: Random,
        log: Logger,
    ) -> None:
        self._client, self._resource, self._sink, self._clock, self._log = client, resource, sink, clock, log
        self._scope: dict[str, Any] = {
            "namespace": namespace, "label_selector": label_selector, "field_selector": field_selector,
        }  # fmt: skip
        # Source: reflector.go, NewReflectorWithOptions: 0.8 s to 30 s, jitter 1.
        self._retry = Retry(random, base_s=0.8, max_s=30.0)
        self._watch_list = True
        self._has_state = False
        # What the next read of the state asks for: "" = the newest, else at least as new as that.
        self._state_from = ""
        self.revision = 0

    async def run(self) -> None:
        """Reflect for ever. World errors are waited out; a bug in the sink is not caught."""
        while True:
            try:
                if self._has_state:
                    await self._watch()
                elif self._watch_list:
                    await self._watch_from_state()
                else:
                    await self._list()
            except errors.StatusError as error:
                if not self._answered(error):
                    await self._wait(error)
            except ConnectionLost as error:
                await self._wait(error)

    def _answered(self, error: errors.StatusError) -> bool:
        """Whether `error` only changes what is done next; False means wait and do the same again."""
        if error.code == 410:
            # The first 410 is answered at once; a server that keeps saying so is given time.
            again = self._has_state
            self._has_state, self._state_from = False, ""
            if again:
                self._log.info("watch_expired", resource=str(self._resource), revision=self.revision)
            return again
        if _is_too_large_revision(error):
            # An older replica, or a restored store: its newest state is all there is.
            self._has_state, self._state_from = False, ""
            return False
        if not self._has_state and self._watch_list and error.code not in _NOT_ABOUT_WATCH_LIST:
            self._log.debug("watch_list_unsupported", resource=str(self._resource), error=error.message)
            self._watch_list = False
            return True
        return False

    async def _wait(self, error: BaseException) -> None:
        delay_s = self._retry.next_s()
        if isinstance(error, errors.StatusError):
            delay_s = max(delay_s, error.retry_after_s or 0)
        self._log.warning(
            "watch_retried", resource=str(self._resource), error=str(error), revision=self.revision,
            retry_s=round(delay_s, 3),
        )  # fmt: skip
        await self._clock.sleep(delay_s)

    async def _watch_from_state(self) -> None:
        """State and changes through one watch."""
        state: dict[Key, Document] = {}
        stream = self._client.watch(
            self._resource, **self._scope, resource_version=self._state_from, send_initial_events=True
        )
        async with aclosing(stream) as batches:
            async for batch in batches:
                if self._has_state:
                    self._apply(batch)
                    continue
                for at, event in enumerate(batch):
                    document = event.document
                    if event.type == "BOOKMARK":
                        if annotations_of(document.obj).get(INITIAL_EVENTS_END) == "true":
                            await self._replace(list(state.values()), document.revision)
                            if rest := batch[at + 1 :]:
                                self._apply(rest)
                            break
                    elif event.type == "DELETED":
                        state.pop(document.key, None)
                    else:
                        state[document.key] = document
        if not self._has_state:
            raise ConnectionLost("the watch ended before its initial events did")

    async def _list(self) -> None:
        """The state through list, page by page if the server cuts it."""
        documents: list[Document] = []
        token = ""
        while True:
            page = await self._client.list(
                self._resource, **self._scope, resource_version="" if token else self._state_from or "0",
                continue_token=token,
            )  # fmt: skip
            documents.extend(page.documents)
            if not (token := page.continue_token):
                break
        await self._replace(documents, page.revision)

    async def _watch(self) -> None:
        """Changes from the last revision on, until the server ends the watch."""
        started, before = self._clock.monotonic(), self.revision
        stream = self._client.watch(self._resource, **self._scope, resource_version=str(self.revision))
        async with aclosing(stream) as batches:
            async for batch in batches:
                self._apply(batch)
        if self.revision == before and self._clock.monotonic() - started < SHORT_WATCH_S:
            await self._wait(ConnectionLost("very short watch: no event, less than a second"))

    async def _replace(self, documents: list[Document], revision: int) -> None:
        self.revision, self._has_state, self._state_from = revision, True, str(revision)
        self._watch_list = True
        self._retry.reset()
        # Informers of one server that start together go through the same objects at the same pace, and share what is
        # decoded; and nobody holds the loop for all of a large collection.
        for _ in self._sink.replace(documents, revision):
            await self._clock.sleep(0)

    def _apply(self, events: Sequence[WatchEvent]) -> None:
        self._retry.reset()
        # Before the sink is told: what it has been handed must not come again, whatever it does with it.
        self.revision = events[-1].document.revision
        self._state_from = str(self.revision)
        self._sink.apply(events)


# 401 and 403 are about us, 404 about the collection, 408, 429, 503 and 504 about now. The rest may mean that the server
# cannot do it, as a 500 does where its etcd is too old: a list makes progress at least.
_NOT_ABOUT_WATCH_LIST = {401, 403, 404, 408, 410, 429, 503, 504}


def _is_too_large_revision(error: errors.StatusError) -> bool:
    """Source: apimachinery pkg/api/errors/errors.go, HasStatusCause(ResourceVersionTooLarge)."""
    causes = (error.details or {}).get("causes") or ()
    return any(cause.get("reason") == "ResourceVersionTooLarge" for cause in causes)
