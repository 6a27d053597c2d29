"""How a stored object looks to somebody: in which version, and as JSON, protobuf, metadata, Table rows or a Document.

A view turns Documents into what a watcher's door sends, and into the items of a list. Views are values: two watchers
with equal views share every encoded event.

Source: apiserver pkg/endpoints/handlers/response.go, pkg/endpoints/handlers/watch.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import is_
from typing import TYPE_CHECKING, Any

import orjson

from kubepy.api import conversion, tables
from kubepy.api.defaults import TEMPLATE_GENERATION
from kubepy.api.objects import Document, DocumentPool, Key, Obj
from kubepy.api.protoencoder import PARTIAL_OBJECT_METADATA, STATUS, envelope
from kubepy.api.protoencoder import event as protobuf_event
from kubepy.api.resources import Resource
from kubepy.apiserver.registry.cache import Translated
from kubepy.apiserver.request import chunk
from kubepy.client.transport import WatchEvent
from kubepy.lib.clock import Clock

if TYPE_CHECKING:
    from kubepy.api.schema import Schemas

INITIAL_EVENTS_END = {"k8s.io/initial-events-end": "true"}

# The annotation that stands for an internal field in the stored version too.
_CARRIED = {"daemonsets.apps": TEMPLATE_GENERATION}


class Served:
    """One served version of a stored resource."""

    __slots__ = ("_blank", "_pool", "is_stored_so", "resource", "storage", "waits")

    def __init__(
        self, resource: Resource, storage: Resource, pool: DocumentPool, blank: Obj | None = None
    ) -> None:
        """`blank`: what Go writes for a new object."""
        self.resource, self.storage, self._pool, self._blank = resource, storage, pool, blank or {}
        self.is_stored_so = resource.api_version == storage.api_version
        # Looking at an object may raise Unconverted: a webhook has to be asked first (crds/conversion.py).
        self.waits = not self.is_stored_so and bool(resource.own and resource.own.conversions)

    def obj(self, document: Document) -> Obj:
        """Shared, read-only."""
        return document.obj if self.is_stored_so else self._transcribed(document)

    def peek(self, document: Document) -> Obj:
        """The same for one look, not remembered."""
        return document.peek() if self.is_stored_so else self._transcribed(document)

    def _transcribed(self, document: Document) -> Obj:
        return conversion.transcribe(*self.source(document), self.resource)

    def source(self, document: Document) -> tuple[Obj, Resource]:
        """What other versions than the stored one are made of, and the version of that."""
        return document.source() if isinstance(document, Translated) else (document.peek(), self.storage)

    def metadata(self, document: Document, seen: Obj | None = None) -> Obj:
        """As it is shown alone; `seen`: what `peek` gave, if that is there already. Of built-in kinds it is that of
        Go's internal object: without the annotations that conversion to a served version adds, for fields that it does
        not have."""
        if seen is None or not (self.resource.custom or self.is_stored_so):
            seen = self.peek(document) if self.resource.custom else document.peek()
        metadata: Obj = seen["metadata"]
        carried = _CARRIED.get(self.storage.group_resource)
        annotations = metadata.get("annotations")
        if annotations is None or carried not in annotations:
            return metadata
        rest = {key: value for key, value in annotations.items() if key != carried}
        without = {key: value for key, value in metadata.items() if key != "annotations"}
        return {**without, "annotations": rest} if rest else without

    def raw(self, document: Document) -> bytes:
        return document.raw if self.is_stored_so else orjson.dumps(self.peek(document))

    def document(self, document: Document) -> Document:
        if self.is_stored_so:
            return document
        return Document(document.key, self.raw(document), document.revision, self._pool)

    def bookmark(self, revision: int, *, initial_events_end: bool) -> Obj:
        """A new object with nothing in it."""
        metadata: Obj = {"resourceVersion": str(revision), **self._blank.get("metadata", {})}
        if initial_events_end:
            metadata["annotations"] = {**metadata.get("annotations", {}), **INITIAL_EVENTS_END}
        kind = {"kind": self.resource.kind, "apiVersion": self.resource.api_version}
        return {**kind, **self._blank, "metadata": metadata}


def _line(type_: str, raw: bytes) -> bytes:
    return chunk(b'{"type":"%b","object":%b}\n' % (type_.encode(), raw))


class _View:
    """Equal by what identifies it."""

    has_header = takes_changes = is_decoded = False
    _identity: tuple[Any, ...]

    def failure(self, status: Obj) -> bytes:
        """The ERROR event of a stream that ends so."""
        return _line("ERROR", orjson.dumps(status))

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._identity == self._identity

    def __hash__(self) -> int:
        return hash(self._identity)


class ObjectView(_View):
    """Full objects as JSON. In a list only custom ones say their kind, as the list says it for all."""

    def __init__(self, served: Served) -> None:
        self.served = served
        resource = served.resource
        self._identity = (resource.api_version,)
        kind = f'{{"apiVersion":"{resource.api_version}","kind":"{resource.kind}",'
        self._head = b"" if resource.custom else kind.encode()

    def joined(self, head: bytes, documents: Iterable[Document], tail: bytes) -> bytes | None:
        """A list in one piece: `head`, the items without a look at any of them, `tail`. None if there is more to do."""
        if not self.served.is_stored_so:
            return None
        raws = [document.raw for document in documents]
        of_item = self._head
        items = [raw.removeprefix(of_item) for raw in raws]
        # What has nothing removed begins otherwise.
        if not raws or (of_item and any(map(is_, items, raws))):
            return None
        opening = b"{" if of_item else b""
        # What surrounds the items is joined with them: megabytes are copied once.
        items[0] = b"".join((head, opening, items[0]))
        items[-1] += tail
        return (b"," + opening).join(items)

    def item(self, document: Document) -> bytes:
        if not self._head:
            return self.served.raw(document)
        obj = self.served.peek(document)
        return orjson.dumps({name: obj[name] for name in obj if name not in ("apiVersion", "kind")})

    def list_kind(self) -> tuple[str, str]:
        resource = self.served.resource
        return resource.list_kind or f"{resource.kind}List", resource.api_version

    def event(self, type_: str, document: Document, *, first: bool) -> bytes:
        return _line(type_, self.served.raw(document))

    def bookmark(self, revision: int, *, initial_events_end: bool, first: bool) -> bytes:
        return _line(
            "BOOKMARK", orjson.dumps(self.served.bookmark(revision, initial_events_end=initial_events_end))
        )


class MetadataView(_View):
    """PartialObjectMetadata."""

    def __init__(self, served: Served, version: str) -> None:
        self.served = served
        self._api_version = f"meta.k8s.io/{version}"
        self._identity = (served.resource.api_version, version)

    def partial(self, metadata: Obj) -> Obj:
        return {"kind": "PartialObjectMetadata", "apiVersion": self._api_version, "metadata": metadata}

    def item(self, document: Document) -> bytes:
        return orjson.dumps(self.partial(self.served.metadata(document)))

    def list_kind(self) -> tuple[str, str]:
        return "PartialObjectMetadataList", self._api_version

    def event(self, type_: str, document: Document, *, first: bool) -> bytes:
        return _line(type_, self.item(document))

    def bookmark(self, revision: int, *, initial_events_end: bool, first: bool) -> bytes:
        obj = self.served.bookmark(revision, initial_events_end=initial_events_end)
        return _line("BOOKMARK", orjson.dumps(self.partial(obj["metadata"])))


class ProtobufView(_View):
    """Objects as protobuf, or in `partial` ("v1") of meta.k8s.io their metadata."""

    def __init__(self, served: Served, schemas: Schemas, partial: str = "") -> None:
        self.served, self._schemas = served, schemas
        resource, encoder = served.resource, schemas.encoder
        if partial:
            self._api_version, self._kind = f"meta.k8s.io/{partial}", "PartialObjectMetadata"
            self._list_kind = "PartialObjectMetadataList"
        else:
            self._api_version, self._kind = resource.api_version, resource.kind
            self._list_kind = resource.list_kind or f"{resource.kind}List"
        self._write = encoder.message(PARTIAL_OBJECT_METADATA if partial else resource.schema)
        self._is_partial = bool(partial)
        self._identity = (resource.api_version, partial)

    def item(self, document: Document) -> bytes:
        return self._write(self._obj(document))

    def _obj(self, document: Document) -> Obj:
        return (
            {"metadata": self.served.metadata(document)} if self._is_partial else self.served.peek(document)
        )

    def listing(self, metadata: Obj, items: Sequence[bytes]) -> bytes:
        return self._schemas.encoder.listing(self._api_version, self._list_kind, metadata, items)

    def body(self, obj: Obj) -> bytes:
        return envelope(self._api_version, self._kind, self._write(obj))

    def event(self, type_: str, document: Document, *, first: bool) -> bytes:
        return chunk(protobuf_event(type_, self.body(self._obj(document))))

    def bookmark(self, revision: int, *, initial_events_end: bool, first: bool) -> bytes:
        obj = self.served.bookmark(revision, initial_events_end=initial_events_end)
        return chunk(protobuf_event("BOOKMARK", self.body(obj)))

    def failure(self, status: Obj) -> bytes:
        return chunk(protobuf_event("ERROR", self._schemas.encoder.body(STATUS, status)))


class TableView(_View):
    """meta.k8s.io Table; a watcher's first event carries the columns, the others only rows."""

    has_header = True

    def __init__(
        self, served: Served, schemas: Schemas, version: str, include_object: str, clock: Clock
    ) -> None:
        self.served, self._include, self._clock = served, include_object or "Metadata", clock
        self._columns, self._version = tables.columns(served.resource, schemas.version), schemas.version
        self._api_version = f"meta.k8s.io/{version}"
        self._metadata = MetadataView(served, version)
        self._identity = (served.resource.api_version, version, self._include)

    def table(self, documents: Iterable[Document], metadata: Obj, *, columns: bool = True) -> Obj:
        made = self._table((), metadata, columns=columns)
        made["rows"] = [self.row(document) for document in documents] or made["rows"]
        return made

    def _table(self, items: Iterable[Obj], metadata: Obj, *, columns: bool) -> Obj:
        return tables.table(
            self.served.resource,
            items,
            self._clock.now(),
            include_object=self._include,
            metadata=metadata,
            api_version=self._api_version,
            headers=self._columns if columns else None,
            version=self._version,
        )

    def in_order(self, documents: list[Document]) -> list[Document]:
        """As their rows are sorted."""
        rank = tables.rank(self.served.resource)
        return documents if rank is None else sorted(documents, key=lambda one: rank(self.served.peek(one)))

    def row(self, document: Document) -> Obj:
        seen = self.served.peek(document)
        row = tables.row(
            self.served.resource,
            seen,
            self._clock.now(),
            include_object=self._include,
            api_version=self._api_version,
            version=self._version,
        )
        if self._include == "Metadata":
            row["object"]["metadata"] = self.served.metadata(document, seen)
        return row

    def item(self, document: Document) -> bytes:
        return orjson.dumps(self.row(document))

    def event(self, type_: str, document: Document, *, first: bool) -> bytes:
        metadata = {"resourceVersion": str(document.revision)}
        return _line(type_, orjson.dumps(self.table([document], metadata, columns=first)))

    def bookmark(self, revision: int, *, initial_events_end: bool, first: bool) -> bytes:
        obj = self.served.bookmark(revision, initial_events_end=initial_events_end)
        table = self._table([obj], {"resourceVersion": str(revision)}, columns=first)
        if initial_events_end and self._include == "None":
            table["rows"][0]["object"] = self._metadata.partial(obj["metadata"])
        return _line("BOOKMARK", orjson.dumps(table))


class DocumentView(_View):
    """For watchers in this process: the Documents themselves, nothing encoded."""

    def __init__(self, served: Served, pool: DocumentPool) -> None:
        self.served, self._pool = served, pool
        self.is_decoded = served.is_stored_so
        self._identity = (served.resource.api_version,)

    def event(self, type_: str, document: Document, *, first: bool) -> WatchEvent:
        return WatchEvent(type_, self.served.document(document))

    def bookmark(self, revision: int, *, initial_events_end: bool, first: bool) -> WatchEvent:
        raw = orjson.dumps(self.served.bookmark(revision, initial_events_end=initial_events_end))
        return WatchEvent("BOOKMARK", Document(Key("", ""), raw, revision, self._pool))
