"""What all tests share: warnings are errors, also what the collector finds left open, but for clients of other people's
making: theirs leave sockets to it, and it would blame whichever test it runs in."""

from __future__ import annotations

import gc
import warnings

import pytest

STRANGERS = {"e2e", "security"}


def _is_a_strangers(item: pytest.Item) -> bool:
    return not STRANGERS.isdisjoint(item.path.parts)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _is_a_strangers(item):
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"))


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """What a stranger left behind goes while nobody is blamed for it."""
    if _is_a_strangers(item) and (nextitem is None or nextitem.path != item.path):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
