"""Lists: of now from the watch cache, of an earlier revision from the store, whole or page by page.

What has not changed since the revision that is asked for is the same now, so most old lists come from memory too.

Source: apiserver pkg/storage/etcd3/{store,errors}.go (GetList), pkg/storage/interfaces.go (ValidateListOptions).
"""

from __future__ import annotations

from kubepy.api import errors
from kubepy.api.objects import Document, DocumentPool, with_revision
from kubepy.apiserver.crds.pending import Unconverted
from kubepy.apiserver.registry import continuation
from kubepy.apiserver.registry.cache import ResourceCache
from kubepy.apiserver.registry.call import Listing
from kubepy.apiserver.registry.feeds import Scope
from kubepy.apiserver.registry.keys import key_at, path_of, prefix_of
from kubepy.apiserver.registry.options import DEFAULT_LIST, EXACT, ListOptions
from kubepy.apiserver.registry.selection import Selection, select
from kubepy.apiserver.registry.views import Served
from kubepy.store.base import Compacted, FutureRevision, Store

# Objects asked from the store at once when a page of an old revision is filtered.
_STORE_PAGE = 500


_EXPIRED = "The resourceVersion for the provided list is too old."
_INCONSISTENT = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


class Lists:
    """All lists of one registry."""

    def __init__(self, store: Store, pool: DocumentPool) -> None:
        self._store, self._pool = store, pool

    async def of(
        self, cache: ResourceCache, served: Served, namespace: str, name: str, options: ListOptions
    ) -> Listing:
        """Raises BadRequest, Expired (a revision that is compacted), Timeout (one that is not there yet)."""
        if options is DEFAULT_LIST and not name:
            return Listing(cache.documents(namespace), self._store.revision, "", None)
        scope, selection = select(served, namespace, name, options.label_selector, options.field_selector)
        is_single = bool(scope.name and (scope.namespace or not cache.storage.namespaced))
        start, revision = self._where(options, is_single)
        limit = 0 if options.resource_version == "0" else options.limit
        if is_single and not revision:
            return Listing(_only(cache, scope, selection), self._store.revision, "", None)
        if scope.name:
            selection = Selection.of_name(served, scope.name, selection)
        return await self._page(cache, scope.namespace, start, limit, revision, selection, options)

    def _where(self, options: ListOptions, is_single: bool) -> tuple[str, int]:
        """(relative path to start at, exact revision or 0 for the newest). Source: storage.ValidateListOptions,
        cacher/delegator ShouldDelegateList: what can be one object only has no pages, so that a limit says nothing."""
        if options.continue_token:
            token = continuation.decode(options.continue_token)
            if options.resource_version not in ("", "0"):
                raise errors.BadRequest("specifying resource version is not allowed when using continue")
            if token.revision > self._store.revision:
                raise errors.too_large_resource_version(token.revision, self._store.revision)
            return token.start, max(token.revision, 0)
        revision = options.revision
        is_exact = options.match == EXACT or (not options.match and options.limit > 0 and not is_single)
        if revision > self._store.revision:
            # Only of the one object the store itself is asked, which proposes no time to wait.
            retry_s = 0 if is_single and is_exact else 1
            raise errors.too_large_resource_version(revision, self._store.revision, retry_s=retry_s)
        return "", revision if is_exact else 0

    async def _page(
        self,
        cache: ResourceCache,
        namespace: str,
        start: str,
        limit: int,
        revision: int,
        selection: Selection | None,
        options: ListOptions,
    ) -> Listing:
        base = f"{namespace}/" if namespace else ""
        if revision and revision < self._store.compacted:
            raise _expired(options, start)
        # What has not changed since `revision` is the same now.
        if not revision or cache.changed_at <= revision:
            page = self._from_cache(cache, namespace, base + start if start else "", limit, selection)
        else:
            page = await self._from_store(cache, base, start, limit, revision, selection, options)
        documents, last, remaining = page
        at = revision or self._store.revision
        if not last:
            return Listing(documents, at, "", None)
        return Listing(
            documents,
            at,
            continuation.after(at, last.removeprefix(base)),
            remaining if selection is None else None,
        )

    def _from_cache(
        self, cache: ResourceCache, namespace: str, start: str, limit: int, selection: Selection | None
    ) -> tuple[list[Document], str, int]:
        """(documents, path of the last one if more follow, how many follow)."""
        if selection is None:
            page = cache.page(namespace, start, limit)
            return page.documents, page.last if page.remaining else "", page.remaining
        found = _selected(cache.page(namespace, start, 0).documents, selection)
        if not limit or len(found) <= limit:
            return found, "", 0
        last = found[limit - 1].key
        return found[:limit], path_of(last.namespace, last.name), len(found) - limit

    async def _from_store(
        self,
        cache: ResourceCache,
        base: str,
        start: str,
        limit: int,
        revision: int,
        selection: Selection | None,
        options: ListOptions,
    ) -> tuple[list[Document], str, int]:
        prefix = prefix_of(cache.storage) + base.encode()
        skip = len(prefix)
        found: list[Document] = []
        at = start
        while True:
            ask = limit if selection is None else min(limit and max(limit, _STORE_PAGE), 10_000)
            try:
                page = await self._store.list(
                    prefix, revision=revision, start=prefix + at.encode() if at else b"", limit=ask
                )
            except Compacted:
                raise _expired(options, start)
            except FutureRevision as future:
                raise errors.too_large_resource_version(revision, future.current)
            documents = [
                Document(
                    key_at(base + kv.key[skip:].decode()),
                    with_revision(kv.value, kv.mod_revision),
                    kv.mod_revision,
                    self._pool,
                )
                for kv in page.items
            ]
            found += _selected(documents, selection)
            if limit and len(found) > limit:
                last = found[limit - 1].key
                return found[:limit], path_of(last.namespace, last.name), 1
            if not page.remaining or not limit:
                return found, "", 0
            last = documents[-1].key
            path = path_of(last.namespace, last.name)
            if selection is None:
                return found, path, page.remaining
            at = path.removeprefix(base) + "\0"


def _only(cache: ResourceCache, scope: Scope, selection: Selection | None) -> list[Document]:
    """The one object that a list of one name can have."""
    document = cache.get(path_of(scope.namespace, scope.name))
    return _selected([document] if document else [], selection)


def _selected(documents: list[Document], selection: Selection | None) -> list[Document]:
    """Raises Unconverted for all of them at once, so that a list is one question to a webhook."""
    if selection is None:
        return documents
    try:
        return [document for document in documents if selection.matches(document)]
    except Unconverted as needs:
        raise Unconverted([document.obj for document in documents], needs.to) from None


def _expired(options: ListOptions, start: str) -> errors.Expired:
    """Source: etcd3/errors.go interpretListError."""
    if not options.continue_token:
        return errors.expired(_EXPIRED)
    return errors.expired(
        _INCONSISTENT, metadata={"continue": continuation.encode(continuation.NEWEST, start)}
    )
