"""How much of CPU and memory a simulated container uses, said by annotations of its pod. Pure, but for Meter.

    kubepy.io/usage-cpu: 250m                        each container of the pod uses a quarter of a core
    kubepy.io/usage-memory: 512Mi
    kubepy.io/usage-cpu.app: "age < 60.0 ? 0.1 : 2.0"    the container called app, by a CEL formula
    kwok.x-k8s.io/usage-cpu, kwok.x-k8s.io/usage-memory  as kwok reads them, for each container

A formula gives cores, or bytes, as a number, a text ("250m") or a quantity("250m"); it knows `pod` and `container` (the
objects), `age` (seconds since the container started) and `now`. The annotation of one container comes first, then
kubepy's, then kwok's. Text that is neither a quantity nor a formula, and a formula that fails, count as nothing said.

Nothing said: half of the CPU request and four fifths of the memory request; without a request 5m and 32Mi. Never more
than the limit, never less than nothing.

Source: kwok pkg/kwok/metrics, kustomize/metrics/usage (the annotations; its default is 1m and 1Mi).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from msgspec import Struct

from kubepy.api import cel, quantity
from kubepy.api.cel import CelError, CompileError, Timestamp, types
from kubepy.api.metrics import ContainerUsage, PodUsage, Usage
from kubepy.api.objects import Obj, annotations_of, uid_of
from kubepy.api.quantity import NANOS
from kubepy.lib.clock import parse_rfc3339

_PREFIXES = ("kubepy.io/usage-", "kwok.x-k8s.io/usage-")
CPU, MEMORY = "cpu", "memory"

# (share of the request, what is used without one), in nanos of a core and of a byte.
_DEFAULTS = {CPU: (0.5, 5 * 10**6), MEMORY: (0.8, (32 << 20) * NANOS)}

_VARIABLES = {"pod": types.DYN, "container": types.DYN, "age": types.DOUBLE, "now": types.TIMESTAMP}
# Memory is used by the page.
_PAGE_BYTES = 4096

# Far more than any sensible formula needs.
_COST_MAX = 100_000


def is_said(pod: Obj) -> bool:
    """Whether an annotation says something, so that a change of it matters."""
    return any(name.startswith(_PREFIXES) for name in annotations_of(pod))


def amount(pod: Obj, container: Obj, resource: str, *, age: float, now: float) -> int:
    """In nanos: of a core, of a byte."""
    resources = container.get("resources") or {}
    found = _said(pod, container, resource, age, now)
    if found is None:
        share, otherwise = _DEFAULTS[resource]
        request = (resources.get("requests") or {}).get(resource)
        found = int(quantity.nano(request) * share) if request is not None else otherwise
    if (limit := (resources.get("limits") or {}).get(resource)) is not None:
        found = min(found, quantity.nano(limit))
    return max(found, 0)


def _said(pod: Obj, container: Obj, resource: str, age: float, now: float) -> int | None:
    annotations = annotations_of(pod)
    ours, kwok = (prefix + resource for prefix in _PREFIXES)
    for name in (f"{ours}.{container['name']}", ours, kwok):
        if (text := annotations.get(name)) is None:
            continue
        try:
            return quantity.nano(text)
        except ValueError:
            found = _evaluated(
                text, {"pod": pod, "container": container, "age": age, "now": Timestamp(int(now * NANOS))}
            )
        if found is not None:
            return found
    return None


@lru_cache(maxsize=256)
def _program(text: str) -> cel.Program | None:
    try:
        return cel.Environment(_VARIABLES).compile(text, expected=None)
    except CompileError:
        return None


def _evaluated(text: str, variables: Obj) -> int | None:
    program = _program(text)
    if program is None:
        return None
    try:
        value = program.evaluate(variables, cost_budget=_COST_MAX)
    except CelError:
        return None
    if isinstance(value, bool) or value is None:
        return None
    # CEL's own quantity wraps ours.
    value = getattr(value, "amount", value)
    if isinstance(value, quantity.Quantity):
        return value.nanos
    try:
        return quantity.nano(value) if isinstance(value, str) else int(value * NANOS)
    except (ValueError, TypeError, OverflowError):
        return None


# -- over time -------------------------------------------------------------------------------------------------


def running(pod: Obj) -> list[tuple[Obj, float]]:
    """(container, when it started), of those that run now: init containers that stay, then the others."""
    status = pod.get("status") or {}
    found: list[tuple[Obj, float]] = []
    for kind, statuses in (("initContainers", "initContainerStatuses"), ("containers", "containerStatuses")):
        started = {
            each["name"]: state.get("startedAt")
            for each in status.get(statuses) or ()
            if (state := (each.get("state") or {}).get("running")) is not None
        }
        found += [
            (container, parse_rfc3339(at))
            for container in pod["spec"].get(kind) or ()
            if (at := started.get(container["name"]))
        ]
    return found


class _Reading(Struct):
    started: float
    at: float
    rate: int  # nanocores
    total: float  # core nanoseconds


class Meter:
    """Adds up the CPU time of containers: the rate between two readings is that of the first one.

    A constant rate is exact whenever one reads; of a formula that changes by itself, reading oftener knows more.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._readings: dict[str, dict[str, _Reading]] = {}  # pod uid -> container -> last reading

    def read(self, pod: Obj) -> PodUsage | None:
        """None if nothing of it runs."""
        now, found = self._now(), running(pod)
        if not found:
            return None
        before = self._readings.get(uid_of(pod), {})
        readings: dict[str, _Reading] = {}
        usages = []
        for container, started in found:
            name = container["name"]
            rate = amount(pod, container, CPU, age=max(now - started, 0.0), now=now)
            last = before.get(name)
            if last is None or last.started != started:
                last = _Reading(started, started, rate, 0.0)
            total = last.total + last.rate * max(now - last.at, 0.0)
            readings[name] = _Reading(started, now, rate, total)
            memory = amount(pod, container, MEMORY, age=max(now - started, 0.0), now=now) // NANOS
            usages.append(
                ContainerUsage(name, started, Usage(rate, int(total), memory - memory % _PAGE_BYTES))
            )
        self._readings[uid_of(pod)] = readings
        return PodUsage(tuple(usages))

    def forget(self, pod: Obj) -> None:
        self._readings.pop(uid_of(pod), None)
