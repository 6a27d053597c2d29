"""Cron schedules: five fields, or @daily and its like, or @every 1h30m; and when they are due next.

A field is a bit mask, so asking whether a minute is due is one operation. Texts of errors are those of robfig/cron,
which Kubernetes shows to its users; what it accepts is accepted here and nothing else: no seconds, no L, W or #, no 7
for Sunday, `?` means `*`.

Two things that surprise. Day of month and day of week are both asked for if one of them is `*`, and either is enough if
none is; `*/2` is not `*`. And an hour that a change of the clocks leaves out is not made up for: 02:30 is skipped that
day; one that comes twice is due twice.

Source: robfig/cron v3 parser.go, spec.go, constantdelay.go, as vendored by kubernetes 1.36.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo

from msgspec import Struct

# Marks a field that was `*` or `?`.
_STAR = 1 << 63
# A schedule that has no moment within so many years never has one. Source: spec.go, Next.
_YEARS_MAX = 5

_MONTHS = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6,
    "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
_DAYS = {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}
_NO_WORDS: Mapping[str, int] = {}
# (lowest, highest, words) of the five fields
_FIELDS: tuple[tuple[int, int, Mapping[str, int]], ...] = (
    (0, 59, _NO_WORDS),
    (0, 23, _NO_WORDS),
    (1, 31, _NO_WORDS),
    (1, 12, _MONTHS),
    (0, 6, _DAYS),
)
_DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EVERY = "@every "
_UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_match_duration = re.compile(r"(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+").fullmatch
_find_amounts = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)").findall


class Schedule:
    def next(self, after: float, zone: tzinfo) -> float | None:
        """The first moment later than `after` (seconds since the epoch), by the clocks of `zone`; None for never."""
        raise NotImplementedError


class Every(Struct, Schedule, frozen=True):
    """A constant distance, in whole seconds, from whatever moment is asked about."""

    seconds: int

    def next(self, after: float, zone: tzinfo) -> float | None:
        return float(int(after) + self.seconds)


class Calendar(Struct, Schedule, frozen=True):
    """Bit masks."""

    minutes: int
    hours: int
    days: int
    months: int
    weekdays: int

    def next(self, after: float, zone: tzinfo) -> float | None:
        moment = int(after) + 1
        moment += -moment % 60
        year_max = _local(moment, zone).year + _YEARS_MAX
        while (local := _local(moment, zone)).year <= year_max:
            if not self.months >> local.month & 1:
                moment = _midnight(local.year + local.month // 12, local.month % 12 + 1, 1, zone)
            elif not self._is_day(local):
                moment = _next_midnight(local, zone)
            elif not self.hours >> local.hour & 1:
                moment += 3600 - local.minute * 60
            elif not self.minutes >> local.minute & 1:
                moment += 60
            else:
                return float(moment)
        return None

    def _is_day(self, local: datetime) -> bool:
        of_month = bool(self.days >> local.day & 1)
        of_week = bool(self.weekdays >> (local.isoweekday() % 7) & 1)
        if (self.days | self.weekdays) & _STAR:
            return of_month and of_week
        return of_month or of_week


def _local(moment: int, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(moment, zone)


def _midnight(year: int, month: int, day: int, zone: tzinfo) -> int:
    """Where the clocks leave it out: the moment after."""
    return int(datetime(year, month, day, tzinfo=zone).timestamp())


def _next_midnight(local: datetime, zone: tzinfo) -> int:
    day = (local.replace(tzinfo=None) + timedelta(days=1)).date()
    return _midnight(day.year, day.month, day.day, zone)


# -- reading ---------------------------------------------------------------------------------------------------


def parse(text: str) -> Schedule:
    """Raises ValueError with robfig/cron's words."""
    if text.startswith("@"):
        if text.startswith(_EVERY):
            return _every(text)
        if text not in _DESCRIPTORS:
            raise ValueError(f"unrecognized descriptor: {text}")
        text = _DESCRIPTORS[text]
    fields = text.split()
    if len(fields) != len(_FIELDS):
        raise ValueError(f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]")
    return Calendar(*(_field(field, *bounds) for field, bounds in zip(fields, _FIELDS)))


def _every(text: str) -> Every:
    duration = text.removeprefix(_EVERY)
    if not _match_duration(duration):
        why = f"time: invalid duration {json.dumps(duration, ensure_ascii=False)}"
        raise ValueError(f"failed to parse duration {text}: {why}")
    seconds = sum(float(amount) * _UNITS_S[unit] for amount, unit in _find_amounts(duration))
    return Every(max(1, int(seconds)))


def _field(text: str, low: int, high: int, words: Mapping[str, int]) -> int:
    bits = 0
    for part in text.split(","):
        if part:
            bits |= _range(part, low, high, words)
    return bits


def _range(text: str, low: int, high: int, words: Mapping[str, int]) -> int:
    """One number, * or range with an optional step. Source: getRange."""
    span, *steps = text.split("/")
    bounds = span.split("-")
    star = 0
    if bounds[0] in ("*", "?"):
        start, end, star = low, high, _STAR
    elif len(bounds) > 2:
        raise ValueError(f"too many hyphens: {text}")
    else:
        start = _number(bounds[0], words)
        end = _number(bounds[1], words) if len(bounds) == 2 else (high if steps else start)
    if len(steps) > 1:
        raise ValueError(f"too many slashes: {text}")
    step = _number(steps[0], _NO_WORDS) if steps else 1
    if start < low:
        raise ValueError(f"beginning of range ({start}) below minimum ({low}): {text}")
    if end > high:
        raise ValueError(f"end of range ({end}) above maximum ({high}): {text}")
    if start > end:
        raise ValueError(f"beginning of range ({start}) beyond end of range ({end}): {text}")
    if step == 0:
        raise ValueError(f"step of range should be a positive number: {text}")
    return sum(1 << number for number in range(start, end + 1, step)) | (star if step == 1 else 0)


def _number(text: str, words: Mapping[str, int]) -> int:
    if text.lower() in words:
        return words[text.lower()]
    if not re.fullmatch("[+-]?[0-9]{1,18}", text):
        quoted = json.dumps(text, ensure_ascii=False)
        raise ValueError(f"failed to parse int from {text}: strconv.Atoi: parsing {quoted}: invalid syntax")
    if text.startswith("-"):
        raise ValueError(f"negative number ({int(text)}) not allowed: {text}")
    return int(text)
