"""Claims: whose is an object, by reference and selector. Source: controller_ref_manager_test.go, TestClaimPods."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.controllers import ownership

STAMP = "2026-01-01T00:00:00Z"
OURS, THEIRS, NOBODY = "ours", "theirs", ""


def subject(**metadata: Any) -> Any:
    return {
        "apiVersion": "v1",
        "kind": "X",
        "metadata": {"name": "o", "namespace": "ns", "uid": OURS, **metadata},
    }


def candidate(owner: str, app: str, *, deleting: bool = False) -> Any:
    metadata: dict[str, Any] = {"name": "c", "namespace": "ns", "uid": "c", "labels": {"app": app}}
    if owner:
        metadata["ownerReferences"] = [{"uid": owner, "kind": "X", "name": "o", "controller": True}]
    if deleting:
        metadata["deletionTimestamp"] = STAMP
    return {"metadata": metadata}


@pytest.mark.parametrize(
    ("owner", "app", "owner_deleting", "deleting", "expected"),
    [
        (OURS, "web", False, False, "owned"),
        (OURS, "web", True, False, "owned"),
        (OURS, "other", False, False, "release"),
        (OURS, "other", True, False, ""),
        (THEIRS, "web", False, False, ""),
        (NOBODY, "web", False, False, "adopt"),
        (NOBODY, "web", True, False, ""),
        (NOBODY, "web", False, True, ""),
        (NOBODY, "other", False, False, ""),
    ],
)
def test_a_candidate_is_kept_adopted_released_or_left(
    owner: str, app: str, owner_deleting: bool, deleting: bool, expected: str
) -> None:
    us = subject(deletionTimestamp=STAMP) if owner_deleting else subject()
    claims = ownership.plan_claims(
        us, lambda labels: labels.get("app") == "web", [candidate(owner, app, deleting=deleting)]
    )
    assert [name for name in claims._fields if getattr(claims, name)] == ([expected] if expected else [])


def test_orphans_are_indexed_by_namespace_and_others_by_their_controller() -> None:
    assert ownership.controller_keys(candidate(OURS, "web")) == [OURS]
    assert ownership.controller_keys(candidate(NOBODY, "web")) == [ownership.orphans_of("ns")]


@pytest.mark.parametrize(
    ("selector", "everything"),
    [(None, True), ({}, True), ({"matchLabels": {}}, True), ({"matchLabels": {"a": "b"}}, False)],
)
def test_an_empty_selector_selects_everything(selector: Any, everything: bool) -> None:
    assert ownership.selects_everything(selector) is everything
