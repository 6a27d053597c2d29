"""What an operator sets for all namespaces: the standards of those without labels, and who is exempt.

Source: pod-security-admission admission/api/{v1/types,v1/defaults,validation/validation}.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct, field

from kubepy.api import errors, names
from kubepy.api.errors import FieldError
from kubepy.api.objects import Obj
from kubepy.api.pod_security.levels import (
    AUDIT,
    BAD_LEVEL,
    BAD_VERSION,
    ENFORCE,
    LATEST,
    LEVELS,
    PRIVILEGED,
    WARN,
    Policy,
    Standard,
    parse_version,
)


class Configuration(Struct, frozen=True):
    """A PodSecurityConfiguration of pod-security.admission.config.k8s.io."""

    defaults: Policy = field(default_factory=Policy)
    namespaces: frozenset[str] = frozenset()  # exempt
    usernames: frozenset[str] = frozenset()
    runtime_classes: frozenset[str] = frozenset()


def parse(obj: Obj) -> Configuration:
    """Raises ValueError with all that is wrong."""
    defaults, exemptions = obj.get("defaults") or {}, obj.get("exemptions") or {}
    exempt = {kind: exemptions.get(kind) or [] for kind, _ in _EXEMPTIONS}
    findings = [finding for mode in (ENFORCE, WARN, AUDIT) for finding in _bad_default(defaults, mode)]
    for kind, rule in _EXEMPTIONS:
        findings += _bad_names(f"exemptions.{kind}", exempt[kind], rule)
    if findings:
        raise ValueError(errors.aggregate(findings))
    return Configuration(
        Policy(*(_default(defaults, mode) for mode in (ENFORCE, AUDIT, WARN))),
        frozenset(exempt["namespaces"]),
        frozenset(exempt["usernames"]),
        frozenset(exempt["runtimeClasses"]),
    )


def _username(name: str) -> list[str]:
    return [] if name else ["username must not be empty"]


_EXEMPTIONS: tuple[tuple[str, Callable[[str], list[str]]], ...] = (
    ("namespaces", names.dns1123_label),
    ("runtimeClasses", names.dns1123_subdomain),
    ("usernames", _username),
)


def _texts(defaults: Obj, mode: str) -> tuple[str, str]:
    return defaults.get(mode) or PRIVILEGED, defaults.get(f"{mode}-version") or LATEST


def _bad_default(defaults: Obj, mode: str) -> Iterator[FieldError]:
    level, version = _texts(defaults, mode)
    if level not in LEVELS:
        yield errors.invalid_value(f"defaults.{mode}", level, BAD_LEVEL)
    if parse_version(version) is None:
        yield errors.invalid_value(f"defaults.{mode}-version", version, BAD_VERSION)


def _default(defaults: Obj, mode: str) -> Standard:
    level, text = _texts(defaults, mode)
    version = parse_version(text)
    assert version is not None, "it was looked at before"
    return Standard(level, version.minor)


def _bad_names(path: str, given: Sequence[str], rule: Callable[[str], list[str]]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, name in enumerate(given):
        if why := rule(name):
            yield errors.invalid_value(f"{path}[{index}]", name, ", ".join(why))
        elif name in seen:
            yield errors.duplicate(f"{path}[{index}]", name)
        seen.add(name)
