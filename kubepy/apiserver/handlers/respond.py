"""Objects and lists -> Responses, in the format that was asked for.

The hot path (full JSON) never decodes: a get is the cached bytes and a newline, a list is one join of ready-made bytes.

Source: apiserver pkg/endpoints/handlers/response.go, pkg/endpoints/handlers/responsewriters/writers.go.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from kubepy.api import errors
from kubepy.api.objects import Document, Obj
from kubepy.api.resources import Resource
from kubepy.api.schema import Schemas
from kubepy.apiserver.crds import pending
from kubepy.apiserver.handlers import negotiate
from kubepy.apiserver.handlers.negotiate import PLAIN, Format
from kubepy.apiserver.registry.registry import Listing, Registry
from kubepy.apiserver.registry.views import MetadataView, ObjectView, ProtobufView, Served, TableView
from kubepy.apiserver.request import Request, Response
from kubepy.client.transport import Page
from kubepy.lib import yaml
from kubepy.lib.clock import Clock

# Items made before others get their turn: some 4 ms.
_TURN = 256
_END = b"]}\n"

_INCLUDE = ("", "None", "Metadata", "Object")


def document(
    registry: Registry, served: Served, request: Request, found: Document, status: int = 200
) -> Response:
    """One object."""
    if served.waits:
        return pending.rendered(lambda: _document(registry, served, request, found, status))
    return _document(registry, served, request, found, status)


def _document(registry: Registry, served: Served, request: Request, found: Document, status: int) -> Response:
    if request.in_process:
        return Response(status, document=served.document(found))
    wanted = negotiate.wanted(request, served.resource)
    if wanted is PLAIN:
        return Response(status, served.raw(found) + b"\n")
    return render(registry.schemas, _obj(registry, served, request, found, wanted), wanted, status)


def _obj(registry: Registry, served: Served, request: Request, found: Document, wanted: Format) -> Obj:
    if wanted.kind == negotiate.TABLE:
        metadata = {"resourceVersion": str(found.revision)}
        return table_view(registry, served, request, wanted).table([found], metadata)
    if wanted.kind == negotiate.PARTIAL:
        return MetadataView(served, wanted.version).partial(served.metadata(found))
    if wanted.kind == negotiate.PARTIAL_LIST:
        raise errors.NotAcceptable(
            "you requested PartialObjectMetadataList, but the requested object is not a list "
            f"(*{_go_type(served, '')})"
        )
    return served.obj(found)


def table_view(registry: Registry, served: Served, request: Request, wanted: Format) -> TableView:
    """Raises BadRequest for an includeObject that is none."""
    include = request.query.get("includeObject")
    if include not in _INCLUDE:
        finding = errors.invalid_value(
            "includeObject", include, "must be 'Metadata', 'Object', 'None', or empty"
        )
        raise errors.BadRequest(f"Unable to convert to Table as requested: {finding}")
    return TableView(served, registry.schemas, wanted.version, include, registry.clock)


async def listing(registry: Registry, served: Served, request: Request, found: Listing) -> Response:
    """A list. Where its items have to be made, others get their turn between them."""
    own = served.resource.own
    if own is not None and own.conversions is not None:
        await own.conversions.convert((item.obj for item in found.documents), served.resource)
    if request.in_process:
        documents = found.documents
        if not served.is_stored_so:
            documents = [served.document(item) for item in documents]
        return Response(page=Page(documents, found.revision, found.continue_token))
    wanted = negotiate.wanted(request, served.resource)
    if wanted.kind == negotiate.TABLE:
        view = table_view(registry, served, request, wanted)
        return _in(wanted, await _table(view, found, registry.clock))
    if wanted.kind == negotiate.PARTIAL:
        raise errors.NotAcceptable(
            f"you requested PartialObjectMetadata, but the requested object is a list (*{_go_type(served, 'List')})"
        )
    if wanted.media_type == negotiate.PROTOBUF:
        return await _protobuf(ProtobufView(served, registry.schemas, wanted.version), found, registry.clock)
    if wanted.kind:
        return _in(wanted, await _joined(MetadataView(served, wanted.version), found, registry.clock))
    return _in(wanted, await _joined(ObjectView(served), found, registry.clock))


def _go_type(served: Served, suffix: str) -> str:
    """What Go works with: a kind's internal type."""
    resource = served.resource
    if resource.custom:
        return f"unstructured.Unstructured{suffix}"
    package = "core" if resource.kind == "Event" else resource.group.partition(".")[0] or "core"
    return f"{package}.{resource.kind}{suffix}"


def _in(wanted: Format, body: bytes) -> Response:
    if wanted.media_type == negotiate.JSON:
        return Response(200, body)
    return Response(200, _yaml(orjson.loads(body)), negotiate.YAML)


async def _joined(view: ObjectView | MetadataView, found: Listing, clock: Clock) -> bytes:
    """The bytes of a list. Full objects are joined undecoded where that is possible."""
    kind, api_version = view.list_kind()
    metadata = _metadata(found)
    if isinstance(view, ObjectView) and view.served.resource.custom:
        # Source: unstructured_list.go: there is no omitempty.
        metadata = {"continue": "", **metadata}
    head = b'{"kind":"%b","apiVersion":"%b","metadata":%b,"items":[' % (
        kind.encode(), api_version.encode(), orjson.dumps(metadata),
    )  # fmt: skip
    if isinstance(view, MetadataView) and not found.documents:
        # What Go has not appended anything to.
        return head[:-1] + b"null}\n"
    whole = view.joined(head, found.documents, _END) if isinstance(view, ObjectView) else None
    return whole or b"".join((head, await _items(view, found.documents, clock), _END))


async def _table(view: TableView, found: Listing, clock: Clock) -> bytes:
    empty = view.table((), _metadata(found))
    if not found.documents:
        return orjson.dumps(empty) + b"\n"
    head = orjson.dumps({**empty, "rows": []})
    assert head.endswith(b"[]}"), "the rows come last"
    return b"%b%b]}\n" % (head[:-2], await _items(view, view.in_order(found.documents), clock))


async def _protobuf(view: ProtobufView, found: Listing, clock: Clock) -> Response:
    items = await _made(view, found.documents, clock)
    # The page is what audit events show.
    page = Page(found.documents, found.revision, found.continue_token)
    return Response(200, view.listing(_metadata(found), items), negotiate.PROTOBUF, page=page)


async def _items(
    view: ObjectView | MetadataView | TableView, documents: Sequence[Document], clock: Clock
) -> bytes:
    return b",".join(await _made(view, documents, clock))


async def _made(
    view: ObjectView | MetadataView | TableView | ProtobufView, documents: Sequence[Document], clock: Clock
) -> list[bytes]:
    made: list[bytes] = []
    for start in range(0, len(documents), _TURN):
        if start:
            await clock.sleep(0)
        made += [view.item(item) for item in documents[start : start + _TURN]]
    return made


def _metadata(found: Listing) -> Obj:
    metadata: Obj = {"resourceVersion": str(found.revision)}
    if found.continue_token:
        metadata["continue"] = found.continue_token
        if found.remaining:
            metadata["remainingItemCount"] = found.remaining
    return metadata


def render(schemas: Schemas, obj: Obj, wanted: Format = PLAIN, status: int = 200) -> Response:
    """Any object that is no cached document: Tables, Status, subresources."""
    if wanted.media_type == negotiate.YAML:
        return Response(status, _yaml(obj), negotiate.YAML)
    if wanted.media_type == negotiate.PROTOBUF:
        if (body := schemas.as_protobuf(obj)) is None:
            raise negotiate.not_acceptable()
        return Response(status, body, negotiate.PROTOBUF, obj=obj)
    return Response(status, orjson.dumps(obj) + b"\n")


def _yaml(obj: Obj) -> bytes:
    return yaml.dump(obj, sort_keys=True).encode()


def plain(
    registry: Registry,
    resource: Resource,
    request: Request,
    obj: Obj,
    status: int = 200,
    *,
    has_tables: bool = False,
) -> Response:
    """An object that has no other representation than itself; who asks for a Table of what has none gets a 406."""
    if request.in_process:
        return Response(status, obj=obj)
    wanted = negotiate.accepted(request.accept, has_tables, not resource.custom)
    if wanted.kind == negotiate.PARTIAL and obj["kind"] != "Status":
        obj = {
            "kind": negotiate.PARTIAL,
            "apiVersion": f"meta.k8s.io/{wanted.version}",
            "metadata": obj.get("metadata", {}),
        }
    return render(registry.schemas, obj, Format(wanted.media_type), status)
