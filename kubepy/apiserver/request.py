"""What travels through the API server: a Request goes in, a Response comes out.

Both doors (server.py over HTTP, loopback.py in this process) make Requests and hand them to the same chain of
filters (app.py); a filter and the handler at the end have one shape, `Handler`. Nothing here knows aiohttp.

Everything is built for the read path: slots, query and headers parsed when somebody reads them, one shared
RequestInfo per path.

How an answer is rendered: a handler sets `body` (exact bytes for the wire; JSON ends in a newline) or only
`document` or `obj`, and the HTTP door makes JSON of it. To a request that is `in_process` a handler gives
`document`, `obj` or `page` and no body. Indenting for people (?pretty, curl) is the HTTP door's business. Each
request gets a Response of its own: filters may add headers to it.

How a watch is delivered: the handler returns a WatchResponse with a Subscription; the door calls
`subscription.attach(sink)` once. What was before comes out of attach, to be sent first at the client's
pace; what commits later is pushed into the sink, synchronously, in order. Over HTTP the pieces are
`chunk(line)` bytes, encoded once and shared by all watchers of one representation; in process they are
client.transport.WatchEvents.

Source: apiserver pkg/endpoints/request/requestinfo.go, pkg/endpoints/handlers/watch.go.
"""

from __future__ import annotations

import re
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from typing import Any, Protocol
from urllib.parse import quote, unquote, unquote_plus, urlencode

import orjson
from msgspec import Struct, field
from msgspec.structs import replace

from kubepy.api.errors import BadRequest, StatusError
from kubepy.api.errors import quote as quote_go
from kubepy.api.objects import Document, Obj
from kubepy.client.transport import Page
from kubepy.lib.random import Random

JSON = "application/json"

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class User(Struct):
    """Who asks. Source: apiserver pkg/authentication/user/user.go."""

    name: str  # "system:serviceaccount:default:builder"
    groups: tuple[str, ...] = ()  # ("system:serviceaccounts", "system:authenticated")
    uid: str = ""
    extra: dict[str, list[str]] = field(
        default_factory=dict
    )  # {"authentication.kubernetes.io/credential-id": [...]}


class ClientCertificate(Struct, frozen=True):
    """What a connection's verified client certificate says; read once per connection."""

    common_name: str  # "kubernetes-admin"
    organizations: tuple[str, ...]  # ("system:masters",)
    fingerprint: str  # SHA-256 of the DER form, hex
    not_after: float  # seconds since the epoch
    authority: str = ""  # fingerprint of the CA certificate that its chain ends in


class RequestInfo(Struct, frozen=True):
    """What a method and a path mean. Shared between requests of the same path."""

    is_resource: bool
    path: str  # decoded, without query: "/api/v1/namespaces/default/pods/web-0/log"
    verb: str  # get list watch create update patch delete deletecollection; else the HTTP method, lower case
    prefix: str = ""  # "api", "apis"
    group: str = ""
    version: str = ""  # "v1"
    resource: str = ""  # "pods"
    subresource: str = ""  # "log"
    namespace: str = ""
    name: str = ""  # "web-0"; for list and watch the one in fieldSelector=metadata.name=...
    parts: tuple[str, ...] = ()  # ("pods", "web-0", "log"), and what follows
    # Of list, watch and deletecollection, as they were sent.
    field_selector: str = ""
    label_selector: str = ""


class Query:
    """The parameters behind the "?", parsed on first use. The first value of a name counts, as in Go."""

    __slots__ = ("_raw", "_values")

    def __init__(self, raw: str = "", values: dict[str, list[str]] | None = None) -> None:
        self._raw = raw
        self._values = values

    @classmethod
    def of(cls, parameters: Mapping[str, str] | None) -> Query:
        return cls("", {name: [value] for name, value in parameters.items()} if parameters else None)

    def _parsed(self) -> dict[str, list[str]]:
        values = self._values
        if values is None:
            values = self._values = {}
            for pair in self._raw.split("&") if self._raw else ():
                # Go leaves out pairs that it cannot read. Source: net/url parseQuery.
                if pair and ";" not in pair:
                    name, _, value = pair.partition("=")
                    if "%" in pair or "+" in pair:
                        if _BAD_ESCAPE.search(pair):
                            continue
                        name, value = unquote_plus(name), unquote_plus(value)
                    values.setdefault(name, []).append(value)
        return values

    def get(self, name: str, default: str = "") -> str:
        if self._values is None and not self._raw:
            return default
        found = self._parsed().get(name)
        return found[0] if found else default

    def all(self, name: str) -> Sequence[str]:
        return self._parsed().get(name, ())

    def flag(self, name: str) -> bool:
        """True for anything but "false" and "0".

        Source: apimachinery pkg/runtime/conversion.go Convert_Slice_string_To_bool.
        """
        if self._values is None and not self._raw:
            return False
        found = self._parsed().get(name)
        return found is not None and found[0].lower() not in ("false", "0")

    def integer(self, name: str) -> int | None:
        """None if absent or empty. Raises BadRequest with Go's text."""
        text = self.get(name)
        if not text:
            return None
        digits = text[1:] if text[0] in "+-" else text
        if not (digits.isascii() and digits.isdigit()):
            raise BadRequest(f"strconv.ParseInt: parsing {quote_go(text)}: invalid syntax")
        # Python reads no numbers of thousands of digits.
        number = int(text) if len(text) < 100 else 1 << 64
        if not -(1 << 63) <= number < 1 << 63:
            raise BadRequest(f"strconv.ParseInt: parsing {quote_go(text)}: value out of range")
        return number

    def encoded(self) -> str:
        """As it stands behind the "?"."""
        if self._values is None:
            return self._raw
        return self._raw or urlencode(self._values, doseq=True)

    def canonical(self) -> str:
        """As Go writes it again, names sorted, what cannot be read left out. Source: net/url Values.Encode."""
        return urlencode(sorted(self._parsed().items()), doseq=True)

    def __contains__(self, name: str) -> bool:
        return name in self._parsed()

    def __iter__(self) -> Iterator[str]:
        return iter(self._parsed())

    def __bool__(self) -> bool:
        return bool(self._parsed())


class Recorder(Protocol):
    """What handlers tell the audit event."""

    def body(self, body: Any) -> None:
        """What the client sent: the decoded object, or a patch; to be called before anything changes it."""


class Request:
    """One request, as every filter and handler sees it. The two doors subclass it for headers and body.

    Filters fill in: `info` (request_info), `user` (authentication), `deadline` (timeout), `flow` (flow_control).
    Handlers may append to `warnings` (each becomes a Warning header) and write to `audit` (annotations of the audit
    event).
    """

    __slots__ = (
        "audit",
        "deadline",
        "flow",
        "info",
        "may",
        "method",
        "obj",
        "path",
        "query",
        "record",
        "request_id",
        "user",
        "warnings",
    )

    in_process = False  # True: the answer is handed over as objects, no body wanted

    def __init__(self, method: str, path: str, query: Query, request_id: str) -> None:
        self.method = method
        self.path = path  # decoded, without query
        self.query = query
        self.request_id = request_id  # also the audit id
        self.info: RequestInfo = NO_INFO
        self.user: User | None = None
        # Asks whether the user may do something else besides, and raises Forbidden; set once the request is authorized.
        self.may: Callable[[Request, RequestInfo], Awaitable[None]] | None = None
        self.deadline: float | None = None  # of clock.monotonic(); None: no limit (watches)
        self.obj: Any = (
            None  # in process: the decoded body, this request's own to change; over HTTP always None
        )
        self.warnings: list[str] = []
        self.audit: dict[str, str] = {}
        self.record: Recorder | None = None  # its audit event, if there is one
        # The uids of its FlowSchema and priority level, which every answer carries.
        self.flow: tuple[bytes, bytes] | None = None

    def header(self, name: str) -> str:
        """The header's (first) value, "" without one; `name` in any case."""
        return ""

    def headers(self, name: str) -> list[str]:
        """All values of a header that may come several times."""
        return []

    def header_names(self) -> Iterable[str]:
        return ()

    @property
    def target(self) -> str:
        """Path and query as they go over the wire."""
        query = self.query.encoded()
        return f"{quote(self.path)}?{query}" if query else quote(self.path)

    @property
    def remote(self) -> str:
        """The address of the other end."""
        return "127.0.0.1"

    @property
    def client_certificate(self) -> ClientCertificate | None:
        """The verified one of the connection, if there is one."""
        return None

    def body_stream(self) -> AsyncIterable[bytes] | bytes | None:
        """The body to pass on, of any size; None without one. To be read once, and not together with `read_body`."""
        return orjson.dumps(self.obj) if self.obj is not None else None

    async def read_body(self) -> bytes:
        """The whole body, b"" without one; a second call returns the same.

        Raises RequestEntityTooLarge beyond 3 MiB.
        """
        return orjson.dumps(self.obj) if self.obj is not None else b""

    @property
    def content_type(self) -> str:
        return self.header("Content-Type")

    @property
    def accept(self) -> str:
        return self.header("Accept")

    @property
    def user_agent(self) -> str:
        return self.header("User-Agent")


class Response:
    """One answer; see the module's head for who renders what."""

    __slots__ = ("body", "content_type", "document", "headers", "obj", "page", "status")

    def __init__(
        self,
        status: int = 200,
        body: bytes | None = None,
        content_type: str = JSON,
        headers: dict[str, str] | None = None,
        *,
        document: Document | None = None,
        obj: Obj | None = None,
        page: Page | None = None,
    ) -> None:
        self.status = status
        self.body = body
        self.content_type = content_type
        self.headers = headers  # further ones: {"ETag": ...}
        self.document = document
        self.obj = obj  # shared, read-only
        self.page = page  # a list, for callers in this process


class Verbatim(Response):
    """A body that goes out byte for byte, even to somebody who asked for indented JSON."""

    __slots__ = ()


class Pieces(Protocol):
    """A body that comes in pieces, at its sender's pace."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Raises ConnectionError when its sender broke off: then the client's connection breaks, too."""

    def close(self) -> None:
        """Nobody reads (on). Idempotent; also right before the first piece."""


class Stream(Response):
    """An answer that is passed on as it comes. `headers` has the Content-Type; `length` None: nobody knows."""

    __slots__ = ("length", "pieces")

    def __init__(
        self, status: int, pieces: Pieces, *, headers: dict[str, str], length: int | None = None
    ) -> None:
        super().__init__(status, None, "", headers)
        self.pieces = pieces
        self.length = length


class Peer(Protocol):
    """The far end of a connection that is HTTP no longer."""

    async def read(self) -> bytes:
        """What came, b"" at the end. Raises ConnectionError when it broke."""

    async def write(self, data: bytes) -> None:
        """Returns when there is room for more. Raises ConnectionError when nobody takes it."""

    def close(self) -> None:
        """Idempotent."""


class Upgraded(Response):
    """101: from here on bytes go both ways between the client and `peer`, until one of them ends."""

    __slots__ = ("peer",)

    def __init__(self, peer: Peer, *, headers: dict[str, str]) -> None:
        super().__init__(101, None, "", headers)
        self.peer = peer


class Sink(Protocol):
    """The door's end of a watch. Called synchronously, never raises, never blocks.

    After `fail`, `end` or `Subscription.close()` further calls are ignored.
    """

    def send(self, batch: Sequence[Any]) -> None:
        """Events in order; `batch` is shared, nobody changes it.

        A client too slow to take them is cut off: the sink then closes the subscription.
        """

    def fail(self, error: StatusError) -> None:
        """Send an ERROR event with this Status (410 Expired ...), then end."""

    def end(self) -> None:
        """The stream is over, in good order."""


class Subscription(Protocol):
    """The registry's end of a watch; registers nothing before `attach`."""

    def attach(self, sink: Sink) -> AsyncGenerator[Sequence[Any], None]:
        """Called once. Give what must be sent first, and push every later event into `sink`.

        The batches (some 64 events, or none) are read and encoded as they are taken: between them the door waits
        for its client. No gap and no duplicate between the two.
        """

    def close(self) -> None:
        """Nobody listens any more: forget the sink. Idempotent; also right without an attach before."""


def _json_failure(status: Obj) -> bytes:
    return chunk(orjson.dumps({"type": "ERROR", "object": status}) + b"\n")


class WatchResponse(Response):
    """200 and a stream of events until the subscription ends, `timeout_s` passes, or the client goes away. `failure`
    makes the event that ends a stream with a Status."""

    __slots__ = ("failure", "subscription", "timeout_s")

    def __init__(
        self,
        subscription: Subscription,
        *,
        timeout_s: float,
        content_type: str = JSON,
        failure: Callable[[Obj], bytes] = _json_failure,
    ) -> None:
        super().__init__(200, None, content_type)
        self.subscription = subscription
        self.timeout_s = timeout_s
        self.failure = failure


Handler = Callable[[Request], Awaitable[Response]]
"""The end of the chain, and every filter once it is given the next one."""


def chunk(line: bytes) -> bytes:
    """A piece of a chunked HTTP body: what a Subscription gives to the sinks of HTTP watchers."""
    return b"%x\r\n%b\r\n" % (len(line), line)


class RequestIds:
    """Ids in the form of UUIDs: a random head per server and a count, for one in each request must cost nothing."""

    def __init__(self, random: Random) -> None:
        self._head = random.uid()[:24]
        self._count = 0

    def next(self) -> str:
        self._count += 1
        return f"{self._head}{self._count:012x}"


# -- what a path means --------------------------------------------------------------------------------

NO_INFO = RequestInfo(False, "", "")

_VERBS = {
    "POST": "create",
    "GET": "get",
    "HEAD": "get",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
_NAMESPACE_SUBRESOURCES = ("status", "finalize")


class Resolver:
    """RequestInfos by (method, path), remembered: clients ask the same few paths again and again."""

    def __init__(self, size_max: int = 8192) -> None:
        self._size_max = size_max
        self._known: dict[tuple[str, str], RequestInfo] = {}

    def resolve(self, method: str, path: str, query: Query) -> RequestInfo:
        """Raises BadRequest for a path that ends in a special verb (/api/v1/watch)."""
        info = self._known.get((method, path))
        if info is None:
            if len(self._known) >= self._size_max:
                self._known.clear()
            info = self._known[method, path] = resolve_path(method, path)
        if info.verb not in ("list", "deletecollection") or not query:
            return info
        return _with_query(info, query)


def resolve_path(method: str, path: str) -> RequestInfo:
    """The part of requestinfo.go NewRequestInfo that needs no query: a nameless GET is a list here."""
    trimmed = path.strip("/")
    if path.startswith("//"):
        # Nobody claims such a path, whatever follows. Source: server/handler.go director.
        return RequestInfo(False, path, method.lower())
    parts = trimmed.split("/") if trimmed else []
    verb = method.lower()
    if len(parts) < 3 or parts[0] not in ("api", "apis"):
        return RequestInfo(False, path, verb)
    prefix, group = parts[0], ""
    if prefix == "apis":
        if len(parts) < 4:
            return RequestInfo(False, path, verb, prefix)
        group = parts[1]
        parts = parts[1:]
    version = parts[1]
    parts = parts[2:]

    if parts[0] in ("proxy", "watch"):
        if len(parts) < 2:
            raise BadRequest(f"unable to determine kind and namespace from url, {path}")
        verb = parts[0]
        parts = parts[1:]
    else:
        verb = _VERBS.get(method, "")

    namespace = ""
    if parts[0] == "namespaces" and len(parts) > 1:
        namespace = parts[1]
        if len(parts) > 2 and parts[2] not in _NAMESPACE_SUBRESOURCES:
            parts = parts[2:]
    name = parts[1] if len(parts) > 1 else ""
    subresource = parts[2] if len(parts) > 2 and verb != "proxy" else ""
    if not name:
        verb = {"get": "list", "delete": "deletecollection"}.get(verb, verb)
    return RequestInfo(
        True, path, verb, prefix, group, version, parts[0], subresource, namespace, name, tuple(parts)
    )


def _with_query(info: RequestInfo, query: Query) -> RequestInfo:
    fields, labels = query.get("fieldSelector"), query.get("labelSelector")
    verb = info.verb
    if verb == "list" and query.flag("watch"):
        verb = "watch"
    if not fields and not labels:
        return replace(info, verb=verb) if verb != info.verb else info
    name = _exact_name(fields) if verb != "deletecollection" else ""
    return replace(info, verb=verb, name=name, field_selector=fields, label_selector=labels)


def _exact_name(field_selector: str) -> str:
    """The name that metadata.name=... asks for, if it could be one."""
    if "metadata.name" not in field_selector:
        return ""
    found = ""
    for term in field_selector.split(","):
        field_name, equals, value = term.partition("=")
        if term and not equals:
            return ""  # does not parse: whoever serves the request says so
        if field_name == "metadata.name" and not found:
            value = value.removeprefix("=")
            if value not in (".", "..") and "/" not in value and "%" not in value:
                found = value
    return found


def split_target(target: str) -> tuple[str, Query]:
    """A request target as it came over the wire -> decoded path and query."""
    path, _, raw_query = target.partition("?")
    if not path.startswith("/") and "://" in path:
        # The absolute form, as for proxies.
        path = "/" + path.partition("://")[2].partition("/")[2]
    if "%" in path:
        path = unquote(path)
    return path, Query(raw_query)
