"""How the checks look at a pod, and how they speak of it.

Source: pod-security-admission policy/{visitor,helpers}.go.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from kubepy.api.objects import Obj


class Violation(NamedTuple):
    reason: str  # "host namespaces"
    detail: str  # "hostNetwork=true, hostPID=true"


def containers(spec: Obj) -> Iterator[Obj]:
    yield from spec.get("initContainers") or ()
    yield from spec.get("containers") or ()
    yield from spec.get("ephemeralContainers") or ()


def security_contexts(spec: Obj) -> Iterator[tuple[str, Obj]]:
    """(container's name, its context; {} without one)."""
    for container in containers(spec):
        yield container["name"], container.get("securityContext") or {}


def pod_context(spec: Obj) -> Obj:
    return spec.get("securityContext") or {}


def inner(context: Obj, outer: str, field: str) -> Any:
    """A field of a struct within a security context."""
    return (context.get(outer) or {}).get(field)


def plural(count: int, one: str, more: str = "") -> str:
    return one if count == 1 else more or f"{one}s"


def quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def named(noun: str, names: Collection[str]) -> str:
    """`container "a"`, `containers "a", "b"`."""
    return f"{plural(len(names), noun)} {quoted(names)}"


def setters(does_pod: bool, bad_containers: Collection[str]) -> str:
    """Who set something bad: `pod and container "a"`; "" if nobody did."""
    who = ["pod"] if does_pod else []
    if bad_containers:
        who.append(named("container", bad_containers))
    return " and ".join(who)


def is_windows(spec: Obj) -> bool:
    """Pods that run on Windows; validation sees to it that they set nothing that only Linux knows."""
    return inner(spec, "os", "name") == "windows"


def is_in_user_namespace(spec: Obj) -> bool:
    return spec.get("hostUsers") is False
