"""Upstream's cases of pod-security-admission api/helpers_test.go."""

from __future__ import annotations

import pytest

from kubepy.api.pod_security.levels import (
    BASELINE,
    PRIVILEGED,
    RESTRICTED,
    Policy,
    Standard,
    Version,
    is_stricter,
    parse_version,
    policy_of,
)

P = "pod-security.kubernetes.io/"
LEVEL = "must be one of privileged, baseline, restricted"
VERSION = 'must be "latest" or "v1.x"'


def labels(**values: str) -> dict[str, str]:
    return {P + key.replace("_", "-"): value for key, value in values.items()}


def invalid(label: str, value: str, why: str) -> str:
    return f'metadata.labels[{P}{label}]: Invalid value: "{value}": {why}'


PRIVILEGED_NOW, BASELINE_NOW = Standard(PRIVILEGED), Standard(BASELINE)
RESTRICTED_NOW, BASELINE_0 = Standard(RESTRICTED), Standard(BASELINE, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("latest", Version(None)),
        ("v1.0", Version(0)),
        ("v1.37", Version(37)),
        ("v1.100", Version(100)),
        ("", None),
        ("v1", None),
        ("1.0", None),
        ("v1.01", None),
        ("v2.0", None),
        ("v1.-1", None),
        ("v1.2.3", None),
        ("v1.2 ", None),
        ("Latest", None),
        ("v1.9223372036854775807", Version(9223372036854775807)),
        ("v1.9223372036854775808", None),
    ],
)
def test_versions(text: str, expected: Version | None) -> None:
    assert parse_version(text) == expected


@pytest.mark.parametrize(
    ("given", "expected", "findings"),
    [
        ({}, Policy(), []),
        ({"some": "label"}, Policy(), []),
        (labels(enforce="baseline"), Policy(BASELINE_NOW, PRIVILEGED_NOW, BASELINE_NOW), []),
        (
            labels(enforce="baseline", enforce_version="v1.0"),
            Policy(BASELINE_0, PRIVILEGED_NOW, BASELINE_0),
            [],
        ),
        (
            labels(enforce="baseline", enforce_version="v1.0", warn_version="v1.22"),
            Policy(BASELINE_0, PRIVILEGED_NOW, Standard(BASELINE, 22)),
            [],
        ),
        (
            labels(enforce="restricted", warn="baseline"),
            Policy(RESTRICTED_NOW, PRIVILEGED_NOW, BASELINE_NOW),
            [],
        ),
        (
            labels(enforce="baseline", audit="restricted", audit_version="v1.8", warn="privileged"),
            Policy(BASELINE_NOW, Standard(RESTRICTED, 8), PRIVILEGED_NOW),
            [],
        ),
        # What cannot be read: enforced at its strictest, else not looked at.
        (
            labels(enforce="foo"),
            Policy(RESTRICTED_NOW, PRIVILEGED_NOW, PRIVILEGED_NOW),
            [invalid("enforce", "foo", LEVEL)],
        ),
        (
            labels(enforce="baseline", enforce_version="foo", audit="bar", warn="baz", warn_version="v1"),
            Policy(BASELINE_NOW, PRIVILEGED_NOW, PRIVILEGED_NOW),
            [
                invalid("enforce-version", "foo", VERSION),
                invalid("audit", "bar", LEVEL),
                invalid("warn", "baz", LEVEL),
                invalid("warn-version", "v1", VERSION),
            ],
        ),
    ],
)
def test_what_labels_ask_for(given: dict[str, str], expected: Policy, findings: list[str]) -> None:
    policy, found = policy_of(given, Policy())
    assert (policy, [str(finding) for finding in found]) == (expected, findings)


def test_defaults_hold_where_labels_say_nothing() -> None:
    defaults = Policy(BASELINE_NOW, RESTRICTED_NOW, RESTRICTED_NOW)
    assert policy_of({}, defaults) == (defaults, [])
    # What is warned of already is stricter.
    assert policy_of(labels(enforce="baseline"), defaults)[0].warn == RESTRICTED_NOW
    assert policy_of(labels(audit_version="v1.1"), defaults)[0].audit == Standard(RESTRICTED, 1)


@pytest.mark.parametrize(
    ("level", "than", "expected"),
    [
        (RESTRICTED, BASELINE, True),
        (BASELINE, PRIVILEGED, True),
        (BASELINE, BASELINE, False),
        (PRIVILEGED, RESTRICTED, False),
    ],
)
def test_strictness(level: str, than: str, expected: bool) -> None:
    assert is_stricter(level, than) is expected


def test_equivalence() -> None:
    assert Standard(PRIVILEGED, 1).is_equivalent(PRIVILEGED_NOW)
    assert not BASELINE_0.is_equivalent(BASELINE_NOW)
    assert Policy().is_equivalent(Policy(audit=Standard(PRIVILEGED, 3)))
    assert not Policy().is_equivalent(Policy(warn=BASELINE_NOW))
    assert (str(BASELINE_0), str(RESTRICTED_NOW)) == ("baseline:v1.0", "restricted:latest")
