"""What every Transport does, as tests: subclass `TransportContract` and give it a `transport` fixture.

The fixture's server is a whole API server that has nothing but the namespace "default" and its own objects, and the
transport's identity may do everything.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from kubepy.api import errors
from kubepy.api.builtins import CONFIG_MAPS, NAMESPACES
from kubepy.api.objects import Document, Key, Obj
from kubepy.client.client import JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH, Client
from kubepy.client.given import Given
from kubepy.client.informer import InformerFactory
from kubepy.client.reflector import INITIAL_EVENTS_END
from kubepy.client.transport import Transport, WatchEvent
from kubepy.lib.aio import Tasks
from kubepy.lib.clock import RealClock
from kubepy.lib.random import Random
from kubepy.observability import logs
from kubepy.observability.metrics import Metrics
from kubepy.testing.builders import make_config_map

PATH = CONFIG_MAPS.path("default")


def config_map(name: str, **data: str) -> Obj:
    return make_config_map(name, **data).obj()


def told(events: list[WatchEvent]) -> list[tuple[str, str]]:
    return [(event.type, event.document.key.name) for event in events if event.type != "BOOKMARK"]


class TransportContract:
    """Tests; the fixture `transport` is the subject."""

    @pytest.fixture
    def client(self, transport: Transport) -> Client:
        return Client(transport, field_manager="contract")

    async def take(self, transport: Transport, query: dict[str, str], count: int) -> list[WatchEvent]:
        """The next `count` events of a watch of config maps, without bookmarks."""
        events: list[WatchEvent] = []
        async with aclosing(transport.watch(PATH, query=query)) as stream:
            async for batch in stream:
                events += [event for event in batch if event.type != "BOOKMARK"]
                if len(events) >= count:
                    return events
        return events

    async def test_what_is_written_can_be_read(self, client: Client) -> None:
        created = await client.create(CONFIG_MAPS, config_map("a", color="red"))
        assert created["metadata"]["uid"]
        assert (created["kind"], created["apiVersion"]) == ("ConfigMap", "v1")
        assert await client.get(CONFIG_MAPS, "a", "default") == created

    async def test_a_body_stays_its_callers(self, client: Client) -> None:
        body = config_map("a")
        await client.create(CONFIG_MAPS, body)
        assert body == config_map("a")
        body["data"]["late"] = "change"
        assert "data" not in await client.get(CONFIG_MAPS, "a", "default")

    async def test_update_checks_the_revision(self, client: Client) -> None:
        first = await client.create(CONFIG_MAPS, config_map("a"))
        await client.update(CONFIG_MAPS, first | {"data": {"x": "1"}})
        with pytest.raises(errors.Conflict, match="the object has been modified") as caught:
            await client.update(CONFIG_MAPS, first | {"data": {"x": "2"}})
        assert caught.value.status()["details"] == {"name": "a", "kind": "configmaps"}

    @pytest.mark.parametrize("content_type", [STRATEGIC_MERGE_PATCH, MERGE_PATCH])
    async def test_patches_merge(self, client: Client, content_type: str) -> None:
        await client.create(CONFIG_MAPS, config_map("a", x="1", y="2"))
        obj = await client.patch(
            CONFIG_MAPS, "a", {"data": {"x": "3", "y": None}}, namespace="default", content_type=content_type
        )
        assert obj["data"] == {"x": "3"}

    async def test_json_patch_is_a_list(self, client: Client) -> None:
        await client.create(CONFIG_MAPS, config_map("a", x="1"))
        patch = [{"op": "replace", "path": "/data/x", "value": "2"}]
        obj = await client.patch(CONFIG_MAPS, "a", patch, namespace="default", content_type=JSON_PATCH)
        assert obj["data"] == {"x": "2"}

    async def test_errors_are_raised_as_their_reason(self, client: Client, transport: Transport) -> None:
        with pytest.raises(errors.NotFound, match='configmaps "a" not found'):
            await client.get(CONFIG_MAPS, "a", "default")
        await client.create(CONFIG_MAPS, config_map("a"))
        with pytest.raises(errors.AlreadyExists):
            await client.create(CONFIG_MAPS, config_map("a"))
        with pytest.raises(errors.Invalid, match=r"metadata\.name"):
            await client.create(CONFIG_MAPS, config_map("Not_a_name"))
        with pytest.raises(errors.UnsupportedMediaType):
            await transport.request("PATCH", f"{PATH}/a", body={}, content_type="text/plain")
        with pytest.raises(errors.NotFound):
            await transport.request("GET", "/apis/nothing/v1/here")

    async def test_delete_obeys_its_preconditions(self, client: Client) -> None:
        await client.create(CONFIG_MAPS, config_map("a"))
        with pytest.raises(errors.Conflict):
            await client.delete(CONFIG_MAPS, "a", "default", uid="another")
        await client.delete(CONFIG_MAPS, "a", "default")
        with pytest.raises(errors.NotFound):
            await client.get(CONFIG_MAPS, "a", "default")

    async def test_a_collection_is_deleted_by_selector(self, client: Client) -> None:
        for name, color in (("a", "red"), ("b", "red"), ("c", "blue")):
            await client.create(CONFIG_MAPS, make_config_map(name).label("color", color).obj())
        await client.delete_collection(CONFIG_MAPS, "default", label_selector="color=red")
        page = await client.list(CONFIG_MAPS, "default", label_selector="color")
        assert [d.key.name for d in page.documents] == ["c"]

    async def test_list_returns_whole_documents(self, client: Client) -> None:
        created = await client.create(CONFIG_MAPS, make_config_map("a", x="1").label("mine").obj())
        page = await client.list(CONFIG_MAPS, "default", label_selector="mine")
        (document,) = page.documents
        assert document.key == Key("default", "a")
        assert str(document.revision) == created["metadata"]["resourceVersion"]
        assert document.obj == created
        assert page.revision >= document.revision

    async def test_list_in_pages(self, client: Client) -> None:
        for name in "abcde":
            await client.create(CONFIG_MAPS, make_config_map(name).label("mine").obj())
        seen: list[str] = []
        token, pages = "", 0
        while True:
            page = await client.list(
                CONFIG_MAPS, "default", label_selector="mine", limit=2, continue_token=token
            )
            seen += [document.key.name for document in page.documents]
            pages += 1
            if not (token := page.continue_token):
                break
        assert (seen, pages) == (list("abcde"), 3)

    async def test_watch_starts_after_its_revision(self, client: Client, transport: Transport) -> None:
        first = await client.create(CONFIG_MAPS, config_map("a"))
        await client.update(CONFIG_MAPS, first | {"data": {"x": "1"}})
        await client.delete(CONFIG_MAPS, "a", "default")
        await client.create(CONFIG_MAPS, config_map("b"))
        events = await self.take(transport, {"resourceVersion": first["metadata"]["resourceVersion"]}, 3)
        assert told(events) == [("MODIFIED", "a"), ("DELETED", "a"), ("ADDED", "b")]
        revisions = [event.document.revision for event in events]
        assert revisions == sorted(set(revisions))
        assert events[0].document.obj["data"] == {"x": "1"}

    async def test_watch_follows_what_happens(self, client: Client, transport: Transport) -> None:
        page = await client.list(CONFIG_MAPS, "default")
        query = {"resourceVersion": str(page.revision), "labelSelector": "mine"}
        watching = asyncio.get_running_loop().create_task(self.take(transport, query, 3))
        await client.create(CONFIG_MAPS, config_map("other"))
        await client.create(CONFIG_MAPS, make_config_map("a").label("mine").obj())
        # What stops matching a selector is deleted, as far as its watchers are concerned.
        await client.patch(CONFIG_MAPS, "a", {"metadata": {"labels": {"mine": None}}}, namespace="default")
        await client.patch(CONFIG_MAPS, "a", {"metadata": {"labels": {"mine": ""}}}, namespace="default")
        assert told(await watching) == [("ADDED", "a"), ("DELETED", "a"), ("ADDED", "a")]

    async def test_watch_can_begin_with_the_state(self, client: Client) -> None:
        await client.create(CONFIG_MAPS, make_config_map("a").label("mine").obj())
        await client.create(CONFIG_MAPS, make_config_map("b").label("mine").obj())
        stream = client.watch(CONFIG_MAPS, "default", label_selector="mine", send_initial_events=True)
        events: list[WatchEvent] = []
        async with aclosing(stream) as batches:
            async for batch in batches:
                events += batch
                if any(e.type == "BOOKMARK" for e in batch):
                    break
        end = events[-1].document
        assert told(events) == [("ADDED", "a"), ("ADDED", "b")]
        assert end.obj["metadata"]["annotations"] == {INITIAL_EVENTS_END: "true"}
        assert end.revision >= events[-2].document.revision
        assert end.obj["kind"] == "ConfigMap"

    async def test_a_revision_that_is_not_there_yet_is_raised(self, client: Client) -> None:
        with pytest.raises(errors.Timeout, match="Too large resource version"):
            await client.list(CONFIG_MAPS, "default", resource_version="1000000000")

    async def test_a_closed_watch_leaves_nothing_behind(self, transport: Transport) -> None:
        before = asyncio.all_tasks()
        waiting = asyncio.get_running_loop().create_task(self.take(transport, {}, 1))
        await asyncio.wait([waiting], timeout=0.01)
        waiting.cancel()
        await asyncio.wait([waiting])
        if left := asyncio.all_tasks() - before:
            # Over a socket the server notices a moment later.
            await asyncio.wait(left, timeout=5)
        assert asyncio.all_tasks() - before == set()

    async def test_another_identity_is_another_user(self, transport: Transport) -> None:
        stranger = Client(transport.with_identity("stranger", []), field_manager="stranger")
        with pytest.raises(errors.Forbidden, match='User "stranger" cannot'):
            await stranger.list(NAMESPACES)

    @pytest.mark.parametrize("metadata_only", [False, True])
    async def test_an_informer_follows_the_server(self, client: Client, metadata_only: bool) -> None:
        await client.create(CONFIG_MAPS, make_config_map("a", x="1").label("mine").obj())
        failed: list[BaseException] = []
        tasks = Tasks(lambda name, error: failed.append(error))
        factory = InformerFactory(client, Given(RealClock(), Random(1), logs.silent(), Metrics()), tasks)
        informer = factory.informer(CONFIG_MAPS, label_selector="mine", metadata_only=metadata_only)
        heard: list[str] = []
        done = asyncio.Event()

        def deleted(document: Document) -> None:
            heard.append(f"-{document.key.name}")
            done.set()

        informer.add_handler(
            on_add=lambda document: heard.append(f"+{document.key.name}"),
            on_update=lambda old, document: heard.append(f"~{document.key.name}"),
            on_delete=deleted,
        )
        factory.start()
        await factory.wait_synced()
        await client.patch(CONFIG_MAPS, "a", {"data": {"x": "2"}}, namespace="default")
        await client.create(CONFIG_MAPS, make_config_map("b").label("mine").obj())
        await client.delete(CONFIG_MAPS, "a", "default")
        await done.wait()
        await tasks.close()
        assert heard == ["+a", "~a", "+b", "-a"]
        assert list(informer.keys()) == [Key("default", "b")]
        assert not failed

    async def test_a_patch_without_effect_keeps_the_revision(self, client: Client) -> None:
        created = await client.create(CONFIG_MAPS, config_map("a", x="1"))
        same = await client.patch(CONFIG_MAPS, "a", {"data": {"x": "1"}}, namespace="default")
        assert same["metadata"]["resourceVersion"] == created["metadata"]["resourceVersion"]
