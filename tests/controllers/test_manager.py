"""Which controllers run."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from kubepy.controllers import manager

ALL = [row.name for row in manager.CONTROLLERS]


# Source: staging controller-manager/app/helper_test.go, TestIsControllerEnabled.
@pytest.mark.parametrize(
    ("wanted", "running"),
    [
        (["*"], ALL),
        ([], []),
        (["deployment-controller"], ["deployment-controller"]),
        (["deployment", "namespace"], ["namespace-controller", "deployment-controller"]),
        (["*", "-garbagecollector"], [name for name in ALL if name != "garbage-collector-controller"]),
        (
            ["-deployment-controller", "*", "deployment-controller"],
            [n for n in ALL if n != "deployment-controller"],
        ),
        (["deployment-controller", "-deployment-controller"], ["deployment-controller"]),
    ],
)
def test_the_first_word_that_names_a_controller_decides(wanted: Sequence[str], running: list[str]) -> None:
    assert [row.name for row in manager.select(wanted)] == running


@pytest.mark.parametrize("word", ["deploymnt", "-deploymnt"])
def test_an_unknown_name_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match='"deploymnt" is not in the list of known controllers'):
        manager.select(["*", word])


def test_names_aliases_and_accounts_are_unique() -> None:
    for column in ("name", "alias", "account"):
        assert len({getattr(row, column) for row in manager.CONTROLLERS}) == len(manager.CONTROLLERS)
