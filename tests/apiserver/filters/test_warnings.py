from __future__ import annotations

import pytest

from kubepy.apiserver.filters.warnings import render


@pytest.mark.parametrize(
    ("texts", "value"),
    [
        (["a"], '299 - "a"'),
        (["a", "b", "a"], '299 - "a"\n299 - "b"'),
        (['say "x"\\'], '299 - "say \\"x\\"\\\\"'),
        (["two\r\nlines", "a", "", "\x85"], '299 - "a"'),
        (["\t"], ""),
    ],
)
def test_render(texts: list[str], value: str) -> None:
    assert render(texts) == value


def test_many_long_warnings_are_cut_and_then_dropped() -> None:
    value = render([f"{number:04}" + "x" * 1000 for number in range(100)])
    assert value.count("299 - ") == 4096 // 256
    assert len(value) < 5000
