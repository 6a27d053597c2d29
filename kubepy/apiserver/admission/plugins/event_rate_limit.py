"""Events come no faster than the configured rates: of the server, a namespace, a user, or one source and object.

Each key has a bucket of its own; the least used are forgotten beyond a limit's cache size. Events of the newer API,
events.k8s.io, are not counted.

Source: kubernetes plugin/pkg/admission/eventratelimit.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator

from kubepy.api import errors
from kubepy.api.errors import FieldError
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import CREATE, UPDATE, Attributes, Plugin, Tools
from kubepy.apiserver.authz import aggregate
from kubepy.lib.backoff import TokenBucket
from kubepy.lib.clock import Clock

CACHE_SIZE = 4096


def _source_and_object(attributes: Attributes) -> str:
    event = attributes.obj or {}
    source, about = event.get("source") or {}, event.get("involvedObject") or {}
    fields = ("kind", "namespace", "name", "uid", "apiVersion")
    return "".join(
        [source.get("component", ""), source.get("host", ""), *(about.get(field, "") for field in fields)]
    )


KEYS: dict[str, Callable[[Attributes], str]] = {
    "Server": lambda attributes: "",
    "Namespace": lambda attributes: attributes.namespace,
    "User": lambda attributes: attributes.user.name,
    "SourceAndObject": _source_and_object,
}


class EventRateLimit(Plugin):
    name = "EventRateLimit"
    validates = True

    def __init__(self, tools: Tools) -> None:
        """Raises ValueError with what is wrong with the configuration."""
        super().__init__(tools)
        limits = (tools.configuration.get(self.name) or {}).get("limits") or []
        if findings := list(_findings(limits)):
            raise ValueError(errors.aggregate(findings))
        self._limits = [Limit(limit, self.clock) for limit in limits]

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation in (CREATE, UPDATE) and resource.kind == "Event" and not subresource

    async def validate(self, attributes: Attributes) -> None:
        if attributes.served.group or attributes.dry_run:
            return
        # Each limit is charged, whatever the others say.
        refusals = [why for limit in self._limits if (why := limit.refusal(attributes))]
        if refusals:
            raise errors.TooManyRequests(f"Too many requests: {aggregate(refusals)}")


class Limit:
    """One limit and its buckets."""

    def __init__(self, obj: Obj, clock: Clock) -> None:
        self._type: str = obj["type"]
        self._rate, self._burst = obj["qps"], obj["burst"]
        self._size = obj.get("cacheSize") or CACHE_SIZE
        self._clock = clock
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def refusal(self, attributes: Attributes) -> str:
        key = KEYS[self._type](attributes)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = TokenBucket(self._clock, rate=self._rate, burst=self._burst)
            if len(self._buckets) > self._size:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        return "" if bucket.try_take() else f"limit reached on type {self._type} for key {key}"


def _findings(limits: list[Obj]) -> Iterator[FieldError]:
    if not limits:
        yield errors.invalid_value("limits", None, "must not be empty")
    for index, limit in enumerate(limits):
        path = f"limits[{index}]"
        if limit.get("type") not in KEYS:
            yield errors.not_supported(f"{path}.type", limit.get("type", ""), sorted(KEYS))
        for field in ("burst", "qps"):
            if limit.get(field, 0) <= 0:
                yield errors.invalid_value(f"{path}.{field}", limit.get(field, 0), "must be positive")
        if limit.get("type") != "Server" and limit.get("cacheSize", 0) < 0:
            yield errors.invalid_value(f"{path}.cacheSize", limit["cacheSize"], "must not be negative")
