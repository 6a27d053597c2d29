"""How wide a request is: one seat, but for lists (and watches that begin with one) of many objects.

Source: apiserver pkg/util/flowcontrol/request/{width,list_work_estimator}.go (without SizeBasedListCostEstimate).
"""

from __future__ import annotations

from collections.abc import Callable

from kubepy.apiserver.request import Query, RequestInfo

OBJECTS_PER_SEAT = 100
SEATS_MAX = 10


def seats(info: RequestInfo, query: Query, width_max: int, count: Callable[[str], int | None]) -> int:
    """`count` gives the number of objects of a resource (group_resource), None if nobody knows."""
    verb = info.verb
    if verb not in ("list", "watch") or not info.is_resource or info.name:
        return 1
    if verb == "watch":
        # One that starts at a revision has nothing to list first.
        has_start = query.get("resourceVersion") not in ("", "0")
        if has_start and not query.flag("sendInitialEvents"):
            return 1
    stored = count(f"{info.resource}.{info.group}" if info.group else info.resource)
    if stored is None:
        return 1
    # Lists are served from the cache: all objects are looked at, whatever the limit says.
    wanted = -(-stored // OBJECTS_PER_SEAT)
    return max(1, min(wanted, width_max or SEATS_MAX, SEATS_MAX))
