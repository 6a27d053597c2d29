"""Which level, of which version, a namespace's labels ask for.

Labels that cannot be read count as restricted:latest for enforcing and as privileged for auditing and warning.

Source: pod-security-admission api/helpers.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from kubepy.api import errors
from kubepy.api.errors import FieldError

PRIVILEGED, BASELINE, RESTRICTED = "privileged", "baseline", "restricted"
LEVELS = (PRIVILEGED, BASELINE, RESTRICTED)  # the later, the stricter

PREFIX = "pod-security.kubernetes.io/"  # of the labels, and of the audit annotations
ENFORCE, AUDIT, WARN = "enforce", "audit", "warn"

LATEST = "latest"

BAD_LEVEL = f"must be one of {', '.join(LEVELS)}"
BAD_VERSION = 'must be "latest" or "v1.x"'

_VERSION = re.compile(r"v1\.(0|[1-9][0-9]*)")
_MINOR_MAX = (1 << 63) - 1


class Standard(NamedTuple):
    """One level as one version defines it."""

    level: str = PRIVILEGED
    minor: int | None = None  # 35 for v1.35; None for the latest

    def __str__(self) -> str:
        return f"{self.level}:{LATEST if self.minor is None else f'v1.{self.minor}'}"

    def is_equivalent(self, other: Standard) -> bool:
        return self == other or (self.level == PRIVILEGED and other.level == PRIVILEGED)


class Policy(NamedTuple):
    """What is refused, what is noted in the audit log, and what the client is warned of."""

    enforce: Standard = Standard()
    audit: Standard = Standard()
    warn: Standard = Standard()

    @property
    def is_fully_privileged(self) -> bool:
        return all(standard.level == PRIVILEGED for standard in self)

    def is_equivalent(self, other: Policy) -> bool:
        return all(mine.is_equivalent(its) for mine, its in zip(self, other, strict=True))


def is_stricter(level: str, than: str) -> bool:
    return LEVELS.index(level) > LEVELS.index(than)


class Version(NamedTuple):
    minor: int | None  # None: the latest


def parse_version(text: str) -> Version | None:
    """`latest` or `v1.x`; None if it is neither."""
    if text == LATEST:
        return Version(None)
    found = _VERSION.fullmatch(text)
    if found is None or int(found[1]) > _MINOR_MAX:
        return None
    return Version(int(found[1]))


def policy_of(labels: Mapping[str, str] | None, defaults: Policy) -> tuple[Policy, list[FieldError]]:
    """What to go by, and what is wrong with the labels."""
    if not labels or not any(label.startswith(PREFIX) for label in labels):
        return defaults, []
    findings: list[FieldError] = []
    standards = [
        _standard(labels, mode, default, findings)
        for mode, default in zip((ENFORCE, AUDIT, WARN), defaults, strict=True)
    ]
    enforce, audit, warn = standards
    # Who is refused something stricter than what is warned of, is warned of that, too: of workloads' templates.
    enforced = labels.get(PREFIX + ENFORCE)
    if enforced in LEVELS and PREFIX + WARN not in labels and is_stricter(enforce.level, warn.level):
        minor = warn.minor if f"{PREFIX}{WARN}-version" in labels else enforce.minor
        warn = Standard(enforce.level, minor)
    return Policy(enforce, audit, warn), findings


def _standard(
    labels: Mapping[str, str], mode: str, default: Standard, findings: list[FieldError]
) -> Standard:
    level, minor = default
    if (text := labels.get(PREFIX + mode)) is not None:
        level = text
        if text not in LEVELS:
            level = RESTRICTED if mode == ENFORCE else PRIVILEGED
            findings.append(_invalid(mode, text, BAD_LEVEL))
    if (text := labels.get(f"{PREFIX}{mode}-version")) is not None:
        version = parse_version(text)
        minor = version.minor if version else None
        if version is None:
            findings.append(_invalid(f"{mode}-version", text, BAD_VERSION))
    return Standard(level, minor)


def _invalid(label: str, value: str, why: str) -> FieldError:
    return errors.invalid_value(f"metadata.labels[{PREFIX}{label}]", value, why)
