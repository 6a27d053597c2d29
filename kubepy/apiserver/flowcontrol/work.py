"""How wide a request is: one seat, but for lists (and watches that begin with one), by the memory they need at once.

Source: apiserver pkg/util/flowcontrol/request/{width,config,list_work_estimator}.go (with SizeBasedListCostEstimate),
pkg/storage/cacher/delegator/interface.go ShouldDelegateList.
"""

from __future__ import annotations

from collections.abc import Callable

from kubepy.apiserver.request import Query, RequestInfo

BYTES_PER_SEAT = 100_000
# What a list from the cache has in memory at once, however long it is.
STREAMED_BYTES_MAX = 1_000_000
SEATS_MAX = 100

# (how many objects, their bytes) of a resource (group_resource), None if nobody knows.
Volume = Callable[[str], tuple[int, int] | None]


# The others take one seat each.
SIZED = frozenset({"list", "watch"})


def seats(info: RequestInfo, query: Query, width_max: int, volume: Volume) -> int:
    """At most `width_max`, unless that is 0."""
    verb = info.verb
    if verb not in SIZED or not info.is_resource:
        return 1
    if verb == "watch":
        # One that starts at a revision has nothing to list first.
        has_start = query.get("resourceVersion") not in ("", "0")
        if has_start and not query.flag("sendInitialEvents"):
            return 1
    stored = volume(f"{info.resource}.{info.group}" if info.group else info.resource)
    if stored is None or not stored[0]:
        return 1
    count, size = stored
    is_cached = verb == "watch" or not _reads_the_past(query)
    wanted = -(-_bytes(info, query, count, size // count, is_cached) // BYTES_PER_SEAT)
    return max(1, min(wanted, width_max or SEATS_MAX, SEATS_MAX))


def _bytes(info: RequestInfo, query: Query, count: int, average: int, is_cached: bool) -> int:
    if info.name:
        objects = 1
    else:
        given = query.get("limit")
        limit = int(given) if given.isdecimal() and len(given) < 10 else 0
        objects = min(limit, count) if limit else count
        if not is_cached and (query.get("fieldSelector") or query.get("labelSelector")):
            objects = max(objects, count // 2)
    size = objects * average
    return min(size, STREAMED_BYTES_MAX) if is_cached else size


def _reads_the_past(query: Query) -> bool:
    """What the cache, which knows the present, cannot answer."""
    match = query.get("resourceVersionMatch")
    if match:
        return match == "Exact"
    return bool(query.get("continue")) or (
        query.get("limit") not in ("", "0") and query.get("resourceVersion") not in ("", "0")
    )
