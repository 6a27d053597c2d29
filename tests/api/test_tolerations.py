"""Upstream's cases of pkg/util/tolerations/tolerations_test.go."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.tolerations import are_within, merged

ALL = {"operator": "Exists"}
ALL_NO_SCHEDULE = {"operator": "Exists", "effect": "NoSchedule"}
FOO = {"key": "foo", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 10}
FOO_LONG = FOO | {"tolerationSeconds": 20}
FOO_BAR = {"key": "foo", "operator": "Equal", "value": "bar", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([], [], []),
        ([FOO], [FOO], [FOO]),
        ([FOO], [FOO_LONG], [FOO_LONG]),
        ([FOO_LONG], [FOO], [FOO_LONG]),
        ([FOO_BAR, FOO], [ALL_NO_SCHEDULE], [FOO, ALL_NO_SCHEDULE]),
        ([ALL], [FOO, FOO_BAR, ALL_NO_SCHEDULE], [ALL]),
        ([FOO_BAR], [FOO_BAR | {"value": "baz"}], [FOO_BAR, FOO_BAR | {"value": "baz"}]),
    ],
)
def test_tolerations_that_others_include_go(
    first: list[dict[str, Any]], second: list[dict[str, Any]], expected: list[dict[str, Any]]
) -> None:
    assert merged(first, second) == expected


@pytest.mark.parametrize(
    ("tolerations", "allowed", "expected"),
    [
        ([FOO], [], True),
        ([], [FOO], True),
        ([FOO], [FOO], True),
        ([FOO_LONG], [FOO], False),
        ([FOO, FOO_BAR], [ALL], True),
        ([FOO, FOO_BAR], [ALL_NO_SCHEDULE], False),
        ([FOO_BAR], [{"key": "foo", "operator": "Exists"}], True),
        ([FOO_BAR | {"operator": "Exists", "value": ""}], [FOO_BAR], False),
    ],
)
def test_what_a_list_allows(
    tolerations: list[dict[str, Any]], allowed: list[dict[str, Any]], expected: bool
) -> None:
    assert are_within(tolerations, allowed) is expected
