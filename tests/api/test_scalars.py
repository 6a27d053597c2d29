"""Times and bytes in Go's spelling, and Go's texts for what it refuses."""

from collections.abc import Callable

import pytest

from kubepy.api import scalars


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ("2026-01-31T03:04:05Z", "2026-01-31T03:04:05Z"),
        ("2026-01-02T05:04:05+02:00", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05.999999999Z", "2026-01-02T03:04:05Z"),
        ("2025-12-31T23:30:00-01:00", "2026-01-01T00:30:00Z"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"),
        ("0900-01-01T00:00:00+00:00", "0900-01-01T00:00:00Z"),
    ],
)
def test_time_is_utc_in_whole_seconds(given: str, expected: str) -> None:
    assert scalars.time(given) == expected
    assert scalars.time(expected) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-01-02T03:04:05.000001Z", "2026-01-02T03:04:05.000001Z"),
        ("2026-01-02T03:04:05.120000+01:00", "2026-01-02T02:04:05.120000Z"),
    ],
)
def test_micro_time_keeps_six_digits(given: str, expected: str) -> None:
    assert scalars.micro_time(given) == expected


LAYOUT = '"2006-01-02T15:04:05Z07:00"'
MICRO_LAYOUT = '"2006-01-02T15:04:05.000000Z07:00"'


@pytest.mark.parametrize(
    ("parse", "given", "why"),
    [
        (scalars.time, "", f'parsing time "" as {LAYOUT}: cannot parse "" as "2006"'),
        (
            scalars.time,
            "yesterday",
            f'parsing time "yesterday" as {LAYOUT}: cannot parse "yesterday" as "2006"',
        ),
        (scalars.time, "2026-01-02", f'parsing time "2026-01-02" as {LAYOUT}: cannot parse "" as "T"'),
        (
            scalars.time,
            "2026-01-02 03:04:05Z",
            f'parsing time "2026-01-02 03:04:05Z" as {LAYOUT}: cannot parse " 03:04:05Z" as "T"',
        ),
        (
            scalars.time,
            "2026-01-02T03:04:05",
            f'parsing time "2026-01-02T03:04:05" as {LAYOUT}: cannot parse "" as "Z07:00"',
        ),
        (scalars.time, "2026-13-02T03:04:05Z", 'parsing time "2026-13-02T03:04:05Z": month out of range'),
        (scalars.time, "2026-02-30T03:04:05Z", 'parsing time "2026-02-30T03:04:05Z": day out of range'),
        (scalars.time, "2026-01-02T25:04:05Z", 'parsing time "2026-01-02T25:04:05Z": hour out of range'),
        (scalars.time, "2026-01-02T03:04:05Zx", 'parsing time "2026-01-02T03:04:05Zx": extra text: "x"'),
        (
            scalars.micro_time,
            "2026-01-02T03:04:05Z",
            f'parsing time "2026-01-02T03:04:05Z" as {MICRO_LAYOUT}: cannot parse "Z" as ".000000"',
        ),
    ],
)
def test_a_bad_time_is_refused_with_gos_text(parse: Callable[[str], str], given: str, why: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse(given)
    assert str(refused.value) == why


def test_gos_clock_reads_ascii() -> None:
    with pytest.raises(ValueError, match=r'^parsing time "\\xc3\\xbc\\"" as '):
        scalars.time('ü"')


@pytest.mark.parametrize(("given", "expected"), [("", ""), ("YQ==", "YQ=="), ("YWJj\nZGVm", "YWJjZGVm")])
def test_bytes_are_standard_base64(given: str, expected: str) -> None:
    assert scalars.base64_bytes(given) == expected


@pytest.mark.parametrize(
    ("given", "at"),
    [("not base64!", 3), ("YQ", 0), ("YWJjY", 4), ("YQ=", 3), ("YQ==x", 4), ("=", 0), ("YQ=x", 2), ("é", 0)],
)
def test_bad_base64_names_its_first_bad_byte(given: str, at: int) -> None:
    with pytest.raises(ValueError, match=f"^illegal base64 data at input byte {at}$"):
        scalars.base64_bytes(given)
