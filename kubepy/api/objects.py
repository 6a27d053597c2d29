"""What an object is: a dict from JSON, and a Document where it is kept.

Objects are plain dicts. Whoever got one from a cache, an informer or a watch shares it with everybody else and
must not change it: `copy` first. Objects at rest are `Document`s, encoded bytes that decode when somebody asks,
because 100 000 pods are 0.4 GB as bytes and 1.9 GB as dicts. A `DocumentPool` bounds how many stay decoded.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import orjson
from msgspec import Struct

Obj = dict[str, Any]


class Key(NamedTuple):
    """Where an object lives within its resource; namespace is "" for cluster-scoped ones."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


# What the informers of a process have yet to be told of at any time: some 500 pods.
_RETIRED_SHARE = 8


class DocumentPool:
    """Bounds the decoded dicts of one cluster, by the size of their bytes: first decoded, first dropped, and what a
    newer state has taken the place of sooner.

    15 MB of JSON are some 95 MB as dicts; dropping one costs its next reader a decode (3 us per KB, and as much to
    free it). It is room for what some busy seconds write: a pod is looked at by a dozen readers on its way from its
    creation to its containers, and with 4 MB most of 10 000 that are created together were decoded at each step.
    """

    def __init__(self, size_bytes_max: int = 15 << 20) -> None:
        self.size_bytes_max = size_bytes_max
        self._size = self._retired_size = 0
        self._decoded: OrderedDict[Document, None] = OrderedDict()
        self._retired: deque[Document] = deque()

    def remember(self, document: Document) -> None:
        self._decoded[document] = None
        self._size += len(document.raw)
        while self._decoded and self._size + self._retired_size > self.size_bytes_max:
            oldest, _ = self._decoded.popitem(last=False)
            oldest._obj = None
            self._size -= len(oldest.raw)

    def retire(self, document: Document) -> None:
        """The object has a newer state, or none any more. Who hears of that now may still look at this one; later
        nobody does."""
        if document not in self._decoded:
            return
        del self._decoded[document]
        self._size -= len(document.raw)
        self._retired.append(document)
        self._retired_size += len(document.raw)
        while self._retired_size > self.size_bytes_max // _RETIRED_SHARE:
            oldest = self._retired.popleft()
            oldest._obj = None
            self._retired_size -= len(oldest.raw)


class Document(Struct, eq=False, gc=False):
    """One object at one revision: JSON bytes that carry metadata.resourceVersion, decoded on demand.

    Immutable. `raw` has no trailing newline. The same Document is shared by the watch cache, all watchers and
    all in-process informers. Nothing below it leads back to it, so the garbage collector does not look at it.
    """

    key: Key
    raw: bytes
    revision: int
    _pool: DocumentPool
    _obj: Obj | None = None

    def __post_init__(self) -> None:
        if self._obj is not None:
            self._pool.remember(self)

    @property
    def obj(self) -> Obj:
        """The decoded object, shared: read only."""
        obj = self._obj
        if obj is None:
            obj = self._obj = orjson.loads(self.raw)
            self._pool.remember(self)
        return obj

    def peek(self) -> Obj:
        """The same for one look, by who goes through thousands: what nobody else holds is forgotten again."""
        obj = self._obj
        return orjson.loads(self.raw) if obj is None else obj

    def copy(self) -> Obj:
        """A decoded object of the caller's own."""
        return orjson.loads(self.raw)

    def restamped(self, revision: int) -> Document:
        """The same object under another resourceVersion. with_revision put it first in metadata."""
        head, mark, tail = self.raw.partition(b'"metadata":{"resourceVersion":"')
        assert mark, "a document carries its revision first"
        raw = b"%b%b%d%b" % (head, mark, revision, tail[tail.index(b'"') :])
        obj = self._obj
        if obj is not None:
            obj = with_own_metadata(obj)
            obj["metadata"]["resourceVersion"] = str(revision)
        return Document(self.key, raw, revision, self._pool, obj)

    def retire(self) -> None:
        """See DocumentPool."""
        self._pool.retire(self)

    def __repr__(self) -> str:
        return f"Document({self.key}@{self.revision})"


def with_revision(value: bytes, revision: int) -> bytes:
    """Stored bytes (no resourceVersion) -> bytes as served.

    Stored objects are encoded with apiVersion, kind and metadata in front, so the first "metadata" is the top one.
    """
    at = value.index(b'"metadata":{') + 12
    comma = b"" if value[at : at + 1] == b"}" else b","
    return b'%b"resourceVersion":"%d"%b%b' % (value[:at], revision, comma, value[at:])


def stored(obj: Obj) -> bytes:
    """An object -> the bytes the store keeps. Changes nothing."""
    return orjson.dumps(arranged(obj))


def arranged(obj: Obj) -> Obj:
    """An object as the store keeps it: apiVersion, kind, metadata first, no resourceVersion. The top and its metadata
    are new, what is below is shared."""
    metadata = {k: v for k, v in obj["metadata"].items() if k != "resourceVersion"}
    head = {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": metadata}
    return head | {k: v for k, v in obj.items() if k not in head}


def copy(obj: Obj) -> Obj:
    """A deep copy; decoding fresh bytes is several times faster than copy.deepcopy."""
    return orjson.loads(orjson.dumps(obj))


def with_own_metadata(obj: Obj) -> Obj:
    """A copy whose top and metadata the caller may change; what is below is shared, and read-only."""
    return obj | {"metadata": dict(obj["metadata"])}


def key_of(obj: Obj) -> Key:
    metadata = obj["metadata"]
    return Key(metadata.get("namespace", ""), metadata.get("name", ""))


def labels_of(obj: Obj) -> dict[str, str]:
    return obj["metadata"].get("labels") or {}


def annotations_of(obj: Obj) -> dict[str, str]:
    return obj["metadata"].get("annotations") or {}


def uid_of(obj: Obj) -> str:
    return obj["metadata"].get("uid", "")


def revision_of(obj: Obj) -> int:
    """0 if the object does not come from a server."""
    return int(obj["metadata"].get("resourceVersion") or 0)


def is_deleting(obj: Obj) -> bool:
    return obj["metadata"].get("deletionTimestamp") is not None


def owner_references(obj: Obj) -> list[Obj]:
    return obj["metadata"].get("ownerReferences") or []


def controller_of(obj: Obj) -> Obj | None:
    """The one owner reference with controller: true. Source: apimachinery pkg/apis/meta/v1/controller_ref.go."""
    for reference in owner_references(obj):
        if reference.get("controller"):
            return reference
    return None


def owner_reference(owner: Obj) -> Obj:
    """The controller reference a dependent carries. Source: metav1.NewControllerRef."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def conditions(obj: Obj) -> list[Obj]:
    return (obj.get("status") or {}).get("conditions") or []


def condition(obj: Obj, type_: str) -> Obj | None:
    for found in conditions(obj):
        if found.get("type") == type_:
            return found
    return None


def is_condition_true(obj: Obj, type_: str) -> bool:
    found = condition(obj, type_)
    return found is not None and found.get("status") == "True"


def walk(obj: Any, *path: str) -> Any:
    """obj[path[0]][path[1]]... or None as soon as something is missing."""
    for step in path:
        if not isinstance(obj, dict) or (obj := obj.get(step)) is None:
            return None
    return obj


# Where parts of an object are: (("metadata", "labels"), ("spec",)).
Parts = tuple[tuple[str, ...], ...]
F = TypeVar("F", bound=Callable[..., Any])


def about(*parts: str) -> Callable[[F], F]:
    """Says of a function that it looks at these parts of an object only: @about("spec", "metadata.labels"). An update
    that leaves them as they are is no news to it; without any part no update is."""

    def mark(function: F) -> F:
        function.about = tuple(tuple(part.split(".")) for part in parts)  # type: ignore[attr-defined]
        return function

    return mark


def parts_of(function: Callable[..., Any] | None) -> Parts | None:
    """What a function says it looks at; None for all of the object."""
    return getattr(function, "about", None)


def api_version(group: str, version: str) -> str:
    return f"{group}/{version}" if group else version


def group_version(api_version: str) -> tuple[str, str]:
    """ "apps/v1" -> ("apps", "v1"); "v1" -> ("", "v1")."""
    group, slash, version = api_version.rpartition("/")
    return (group, version) if slash else ("", api_version)


def items(mapping: Obj | None) -> Iterator[tuple[str, Any]]:
    return iter((mapping or {}).items())
