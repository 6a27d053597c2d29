"""Upstream's cases of pod-security-admission admission/api/validation/validation_test.go."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.pod_security.configuration import Configuration, parse
from kubepy.api.pod_security.levels import BASELINE, RESTRICTED, Policy, Standard


def test_nothing_said_is_privileged() -> None:
    assert parse({}) == Configuration()


def test_defaults_and_exemptions() -> None:
    found = parse(
        {
            "defaults": {"enforce": "baseline", "enforce-version": "v1.22", "warn": "restricted"},
            "exemptions": {"usernames": ["a b"], "namespaces": ["n"], "runtimeClasses": ["r.x"]},
        }
    )
    assert found.defaults == Policy(Standard(BASELINE, 22), Standard(), Standard(RESTRICTED))
    assert (found.usernames, found.namespaces, found.runtime_classes) == ({"a b"}, {"n"}, {"r.x"})


@pytest.mark.parametrize(
    ("obj", "why"),
    [
        (
            {"defaults": {"enforce": "baslein", "enforce-version": "version"}},
            '[defaults.enforce: Invalid value: "baslein": must be one of privileged, baseline, restricted, '
            'defaults.enforce-version: Invalid value: "version": must be "latest" or "v1.x"]',
        ),
        (
            {"exemptions": {"namespaces": ["a", "a"]}},
            'exemptions.namespaces[1]: Duplicate value: "a"',
        ),
        (
            {"exemptions": {"usernames": ["", "b"]}},
            'exemptions.usernames[0]: Invalid value: "": username must not be empty',
        ),
        (
            {"exemptions": {"runtimeClasses": ["a", "a", "a"]}},
            '[exemptions.runtimeClasses[1]: Duplicate value: "a", exemptions.runtimeClasses[2]: Duplicate value: "a"]',
        ),
    ],
)
def test_what_is_wrong_is_said(obj: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError) as error:
        parse(obj)
    assert str(error.value) == why
