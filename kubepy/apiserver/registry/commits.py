"""The last step of a write: bytes into the store, and the Document that has come of them.

Each is a compare and set on the revision that the write was computed from.

Source: apiserver pkg/storage/etcd3/store.go.
"""

from __future__ import annotations

import orjson

from kubepy.api import errors
from kubepy.api.objects import Document, DocumentPool, Obj, arranged, key_of, with_revision
from kubepy.apiserver.registry.cache import ResourceCache
from kubepy.apiserver.registry.call import Call
from kubepy.apiserver.registry.keys import key_at
from kubepy.observability.logs import LEVELS, Logger
from kubepy.store.base import Compare, Delete, Put, Store, TxnResult, Unavailable


class Commits:
    def __init__(self, store: Store, pool: DocumentPool, log: Logger) -> None:
        self._store, self._pool, self._log = store, pool, log
        self._is_verbose = log.is_enabled_for(LEVELS["debug"])

    async def put(
        self, call: Call, cache: ResourceCache, path: str, obj: Obj, revision: int
    ) -> Document | None:
        """Write `obj` (the cache's from here on) over what has `revision` (0: nothing); None if somebody was faster."""
        key, whole = cache.prefix + path.encode(), arranged(obj)
        value = orjson.dumps(whole)
        cache.foresee(path, value, whole)
        try:
            result = await self._txn(call, Compare(key, revision), Put(key, value))
        finally:
            cache.foreseen(path)
        return self._written(cache, path, value, result.revision) if result.succeeded else None

    async def remove(self, call: Call | None, cache: ResourceCache, path: str, revision: int) -> int | None:
        """The revision of its end; None if somebody has written it since `revision`. No `call`: nobody asked."""
        key = cache.prefix + path.encode()
        result = await self._txn(call, Compare(key, revision), Delete(key))
        return result.revision if result.succeeded else None

    async def settled(self) -> None:
        """Return when all writes that the store was given before are decided: it decides them in order."""
        try:
            await self._store.txn((), ())
        except Unavailable:
            return

    async def _txn(self, call: Call | None, compare: Compare, operation: Put | Delete) -> TxnResult:
        try:
            result = await self._store.txn((compare,), (operation,))
        except Unavailable as error:
            self._log.error("store_unavailable", error=str(error))
            raise errors.ServiceUnavailable(f"the store cannot be written: {error}")
        if self._is_verbose and result.succeeded:
            self._log.debug("object_written", **_written_fields(call, compare, operation, result.revision))
        return result

    def _written(self, cache: ResourceCache, path: str, value: bytes, revision: int) -> Document:
        """The Document of our own write; the cache has it unless somebody wrote again at once."""
        document = cache.get(path)
        if document is not None and document.revision == revision:
            return document
        return Document(key_at(path), with_revision(value, revision), revision, self._pool)

    def unwritten(self, obj: Obj, revision: int) -> Document:
        """An object that was not written: the answer of a dry run or of a deletion."""
        whole = arranged(obj)
        value = orjson.dumps(whole)
        if revision:
            value = with_revision(value, revision)
            whole["metadata"]["resourceVersion"] = str(revision)
        document = Document(key_of(obj), value, revision, self._pool, whole)
        document.retire()
        return document


def _written_fields(
    call: Call | None, compare: Compare, operation: Put | Delete, revision: int
) -> dict[str, object]:
    """One write for the log. Without a call nobody asked for it: it expired."""
    _, _, resource, path = operation.key.decode().split("/", 3)
    verb = "delete" if isinstance(operation, Delete) else "update" if compare.mod_revision else "create"
    fields: dict[str, object] = {"verb": verb, "resource": resource, "object": path, "revision": revision}
    if call is not None:
        if call.subresource:
            fields["subresource"] = call.subresource
        fields |= {"user": call.user.name, "request_id": call.request_id}
    return fields
