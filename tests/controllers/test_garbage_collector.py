"""The garbage collector: what becomes of one dependent."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.controllers import garbage_collector
from kubepy.controllers.dependency_graph import FOREGROUND, ORPHAN, Identity
from kubepy.controllers.garbage_collector import AbsentOwners, Owner, Plan

S, D, W = Owner.SOLID, Owner.DANGLING, Owner.WAITING


# Source: garbagecollector.go, attemptToDeleteItem.
@pytest.mark.parametrize(
    ("owners", "finalizers", "dependents", "expected"),
    [
        pytest.param([], [], [], Plan(), id="no owner"),
        pytest.param([S], [], [], Plan(), id="owner lives"),
        pytest.param([S, D], [], [], Plan(remove_owners=("1",)), id="one lives"),
        pytest.param([S, W, D], [], [False], Plan(remove_owners=("1", "2")), id="one lives, one waits"),
        pytest.param([D], [], [], Plan(delete="Background"), id="none lives"),
        pytest.param([D], [ORPHAN], [], Plan(delete="Orphan"), id="it orphans"),
        pytest.param([D], [FOREGROUND], [], Plan(delete="Foreground"), id="it waits itself"),
        pytest.param([W], [], [], Plan(delete="Background"), id="owner waits, no dependents"),
        pytest.param([W], [], [False], Plan(delete="Foreground"), id="owner waits, with dependents"),
        pytest.param([W, D], [], [True], Plan(unblock=True, delete="Foreground"), id="a circle"),
    ],
)
def test_a_dependent_follows_its_owners(
    owners: list[Owner], finalizers: list[str], dependents: list[bool], expected: Plan
) -> None:
    numbered: Any = [(str(at), kind) for at, kind in enumerate(owners)]
    assert garbage_collector.plan(finalizers, numbered, dependents=dependents) == expected


def test_the_owners_missed_last_are_remembered() -> None:
    absent = AbsentOwners(size_max=2)
    a, b, c = (Identity("Pod", "v1", "ns", name, name) for name in "abc")
    absent.add(a)
    absent.add(b)
    assert a in absent
    absent.add(c)
    assert a in absent and c in absent and b not in absent
