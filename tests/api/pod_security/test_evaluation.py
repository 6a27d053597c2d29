"""Upstream's rules of pod-security-admission policy/registry_test.go, about the table itself."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.pod_security import evaluation
from kubepy.api.pod_security.evaluation import BASELINE_CHECKS, RESTRICTED_CHECKS, Since, evaluate
from kubepy.api.pod_security.levels import BASELINE, PRIVILEGED, RESTRICTED, Standard

Obj = dict[str, Any]

BAD: Obj = {
    "hostPID": True,
    "volumes": [{"name": "v", "hostPath": {}}],
    "containers": [
        {
            "name": "c",
            "livenessProbe": {"httpGet": {"host": "h"}},
            "securityContext": {
                "capabilities": {"add": ["X"]},
                "seccompProfile": {"type": "Unconfined"},
                "procMount": "Unmasked",
            },
        }
    ],
}
GOOD: Obj = {
    "containers": [
        {
            "name": "c",
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "runAsNonRoot": True,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
        }
    ]
}


def said(standard: Standard, spec: Obj = BAD) -> list[str]:
    return [violation.reason for violation in evaluate(standard, {}, spec)]


_BASELINE_0 = ["non-default capabilities", "host namespaces", "hostPath volumes", "procMount"]
_BASELINE_19 = [*_BASELINE_0, "seccompProfile"]
_BASELINE_34 = [
    "non-default capabilities",
    "host namespaces",
    "hostPath volumes",
    "probe or lifecycle host",
    "procMount",
    "seccompProfile",
]


@pytest.mark.parametrize(
    ("standard", "reasons"),
    [
        (Standard(PRIVILEGED), []),
        (Standard(BASELINE, 0), _BASELINE_0),
        (Standard(BASELINE, 18), _BASELINE_0),
        (Standard(BASELINE, 19), _BASELINE_19),
        (Standard(BASELINE, 34), _BASELINE_34),
        (Standard(BASELINE), _BASELINE_34),
        (
            Standard(RESTRICTED, 0),
            [
                "non-default capabilities",
                "host namespaces",
                "procMount",
                "restricted volume types",
                "runAsNonRoot != true",
            ],
        ),
        (
            Standard(RESTRICTED, 34),
            [
                "host namespaces",
                "probe or lifecycle host",
                "procMount",
                "allowPrivilegeEscalation != false",
                "unrestricted capabilities",
                "restricted volume types",
                "runAsNonRoot != true",
                "seccompProfile",
            ],
        ),
        # The stricter check of the same has moved to the restricted ones.
        (
            Standard(RESTRICTED),
            [
                "host namespaces",
                "probe or lifecycle host",
                "allowPrivilegeEscalation != false",
                "unrestricted capabilities",
                "procMount",
                "restricted volume types",
                "runAsNonRoot != true",
                "seccompProfile",
            ],
        ),
    ],
)
def test_what_counts_in_a_version(standard: Standard, reasons: list[str]) -> None:
    assert said(standard) == reasons


def test_versions_to_come_are_the_newest() -> None:
    assert said(Standard(RESTRICTED, 99)) == said(Standard(RESTRICTED))


@pytest.mark.parametrize("minor", [None, *range(evaluation.NEWEST + 1)])
def test_good_practice_satisfies_every_version(minor: int | None) -> None:
    assert said(Standard(RESTRICTED, minor), GOOD) == []


@pytest.mark.parametrize("rows", [BASELINE_CHECKS, RESTRICTED_CHECKS])
def test_rows_are_in_order(rows: tuple[Since, ...]) -> None:
    assert [(row.name, row.minor) for row in rows] == sorted({(row.name, row.minor) for row in rows})


def test_only_baseline_checks_are_replaced() -> None:
    baseline = {row.name for row in BASELINE_CHECKS}
    assert all(row.stands_in_for in baseline for row in RESTRICTED_CHECKS if row.stands_in_for)
    assert not any(row.stands_in_for for row in BASELINE_CHECKS)
    assert not baseline & {row.name for row in RESTRICTED_CHECKS}


def test_how_it_reads() -> None:
    found = evaluate(Standard(BASELINE, 0), {}, {"hostPID": True, "volumes": [{"name": "v", "hostPath": {}}]})
    assert evaluation.reasons(found) == "host namespaces, hostPath volumes"
    assert evaluation.details(found) == 'host namespaces (hostPID=true), hostPath volumes (volume "v")'
