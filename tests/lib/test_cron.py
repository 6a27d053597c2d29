"""Cron schedules: what is one, and when it is due."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import pytest

from kubepy.lib import cron

NEW_YORK = ZoneInfo("America/New_York")


def due(schedule: str, after: str, zone: tzinfo = UTC) -> str | None:
    start = datetime.fromisoformat(after)
    start = start if start.tzinfo else start.replace(tzinfo=zone)
    found = cron.parse(schedule).next(start.timestamp(), zone)
    return None if found is None else datetime.fromtimestamp(found, zone).strftime("%Y-%m-%d %H:%M")


# Source: robfig/cron spec_test.go, TestNext, and what the library answers itself.
@pytest.mark.parametrize(
    ("after", "schedule", "wanted"),
    [
        ("2012-07-09 14:45", "0/15 * * * *", "2012-07-09 15:00"),
        ("2012-07-09 14:59", "0/15 * * * *", "2012-07-09 15:00"),
        ("2012-07-09 14:59:59", "0/15 * * * *", "2012-07-09 15:00"),
        ("2012-07-09 15:45", "20-35/15 * * * *", "2012-07-09 16:20"),
        ("2012-07-09 23:46", "*/15 * * * *", "2012-07-10 00:00"),
        ("2012-07-09 23:45", "20-35/15 1/2 */2 * *", "2012-07-11 01:20"),
        ("2012-07-09 23:35", "0 0 9 apr-oct ?", "2012-08-09 00:00"),
        ("2012-07-09 23:35", "0 0 */5 apr,aug,oct mon", "2012-08-01 00:00"),
        ("2012-07-09 23:35", "0 0 */5 oct mon", "2012-10-01 00:00"),
        ("2012-07-09 23:35", "0 0 * feb mon", "2013-02-04 00:00"),
        ("2012-07-09 23:35", "0 0 * feb mon/2", "2013-02-01 00:00"),
        ("2012-12-31 23:59:45", "* * * * *", "2013-01-01 00:00"),
        ("2012-07-09 23:35", "0 0 29 feb ?", "2016-02-29 00:00"),
        ("2012-07-09 23:35", "0 0 30 feb ?", None),
        ("2012-07-09 23:35", "0 0 31 apr ?", None),
        # Day of month or day of week; */2 is not a star.
        ("2026-11-23 08:30", "0 0 */2 * 1", "2026-11-25 00:00"),
        ("2026-11-23 08:30", "0 0 * * 1", "2026-11-30 00:00"),
        ("2026-11-23 08:30", "0 0 1 * 5", "2026-11-27 00:00"),
        ("2026-11-23 08:30", "*/61 * * * *", "2026-11-23 09:00"),
        ("2026-11-23 08:30", "5/15 * * * *", "2026-11-23 08:35"),
        ("2026-11-23 08:30", "@hourly", "2026-11-23 09:00"),
        ("2026-11-23 08:30", "@midnight", "2026-11-24 00:00"),
        ("2026-11-23 08:30", "@weekly", "2026-11-29 00:00"),
        ("2026-11-23 08:30", "@monthly", "2026-12-01 00:00"),
        ("2026-11-23 08:30", "@annually", "2027-01-01 00:00"),
        ("2026-11-23 08:30", "@every 1h30m", "2026-11-23 10:00"),
        ("2026-11-23 08:30", "@every 1ms", "2026-11-23 08:30"),
    ],
)
def test_the_next_moment(after: str, schedule: str, wanted: str | None) -> None:
    assert due(schedule, after) == wanted


# Source: spec_test.go, daylight saving time of America/New_York: 2012-03-11 02:00 and 2012-11-04 02:00.
@pytest.mark.parametrize(
    ("after", "schedule", "wanted"),
    [
        ("2012-03-11T00:00:00-05:00", "30 2 11 mar ?", "2013-03-11 02:30"),
        ("2012-03-10T23:00:00-05:00", "30 2 * * *", "2012-03-12 02:30"),
        ("2012-03-11T00:00:00-05:00", "0 * * * ?", "2012-03-11 01:00"),
        ("2012-03-11T01:00:00-05:00", "0 * * * ?", "2012-03-11 03:00"),
        ("2012-11-04T00:00:00-04:00", "30 2 4 nov ?", "2012-11-04 02:30"),
        ("2012-11-04T01:30:00-05:00", "30 1 4 nov ?", "2013-11-04 01:30"),
        ("2012-11-04T01:45:00-05:00", "30 1 * * ?", "2012-11-05 01:30"),
    ],
)
def test_clocks_that_change(after: str, schedule: str, wanted: str) -> None:
    assert due(schedule, after, NEW_YORK) == wanted


def test_an_hour_that_comes_twice_is_due_twice() -> None:
    schedule = cron.parse("30 1 * * *")
    moment = datetime.fromisoformat("2012-11-04T00:00:00-04:00").timestamp()
    first = schedule.next(moment, NEW_YORK)
    assert first is not None
    assert schedule.next(first, NEW_YORK) == first + 3600


@pytest.mark.parametrize(
    "schedule", ["0 0 ? * ?", "0 0 * * SUN-SAT", "*/61 * * * *", "0 0 31 2 *", "1,,2 * * * *", "@every 1h30m"]
)
def test_what_is_accepted(schedule: str) -> None:
    cron.parse(schedule)


@pytest.mark.parametrize(
    ("schedule", "why"),
    [
        ("0 0 * * 7", "end of range (7) above maximum (6): 7"),
        ("0 0 L * *", 'failed to parse int from L: strconv.Atoi: parsing "L": invalid syntax'),
        ("0 0 * * 5#3", 'failed to parse int from 5#3: strconv.Atoi: parsing "5#3": invalid syntax'),
        ("0 0 15W * *", 'failed to parse int from 15W: strconv.Atoi: parsing "15W": invalid syntax'),
        ("0 0 0 * * *", "expected exactly 5 fields, found 6: [0 0 0 * * *]"),
        ("1-0 * * * *", "beginning of range (1) beyond end of range (0): 1-0"),
        ("-1 * * * *", 'failed to parse int from : strconv.Atoi: parsing "": invalid syntax'),
        ("@Hourly", "unrecognized descriptor: @Hourly"),
        ("@reboot", "unrecognized descriptor: @reboot"),
        ("@every soon", 'failed to parse duration @every soon: time: invalid duration "soon"'),
    ],
)
def test_what_is_refused_and_why(schedule: str, why: str) -> None:
    with pytest.raises(ValueError) as raised:
        cron.parse(schedule)
    assert str(raised.value) == why
