"""Scalars with a spelling of their own, as Go's decoder takes and writes them: Time, MicroTime, []byte.

Each function takes the JSON value and answers the value as Kubernetes would write it back; it raises ValueError with
Go's text for what Go refuses. What is already in canonical form, which is nearly everything, is answered as it came.

Source: Go time.Parse and encoding/base64; apimachinery pkg/apis/meta/v1/time.go, micro_time.go.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime, timedelta

_SECONDS = "2006-01-02T15:04:05Z07:00"
_MICROS = "2006-01-02T15:04:05.000000Z07:00"

_DATE = r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"  # the days every month has: the rest goes the long way
_CLOCK = r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_is_canonical_time = re.compile(_DATE + _CLOCK + "Z").fullmatch
_is_canonical_micro_time = re.compile(_DATE + _CLOCK + r"\.[0-9]{6}Z").fullmatch


def time(text: str) -> str:
    """metav1.Time: "2026-01-02T05:04:05.5+02:00" -> "2026-01-02T03:04:05Z"."""
    if _is_canonical_time(text):
        return text
    moment, _ = _parse(text, _SECONDS)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


def micro_time(text: str) -> str:
    """metav1.MicroTime: exactly six digits of fraction."""
    if _is_canonical_micro_time(text):
        return text
    moment, fraction = _parse(text, _MICROS)
    return moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0") + f".{fraction}Z"


_STEPS = (  # chunk of the layout, what the text must have there, range of the number, its name when out of range
    ("2006", re.compile("[0-9]{4}"), range(10000), ""),
    ("-", re.compile("-"), None, ""),
    ("01", re.compile("[0-9]{2}"), range(1, 13), "month"),
    ("-", re.compile("-"), None, ""),
    ("02", re.compile("[0-9]{2}"), range(1, 32), "day"),
    ("T", re.compile("T"), None, ""),
    ("15", re.compile("[0-9]{1,2}"), range(24), "hour"),
    (":", re.compile(":"), None, ""),
    ("04", re.compile("[0-9]{2}"), range(60), "minute"),
    (":", re.compile(":"), None, ""),
    ("05", re.compile("[0-9]{2}"), range(60), "second"),
)
_FRACTION_ANY = re.compile(r"[.,]([0-9]+)")
_FRACTION_MICROS = re.compile(r"\.([0-9]{6})(?![0-9])")
_ZONE = re.compile(r"Z|([+-])([0-9]{2}):([0-9]{2})")


def _parse(text: str, layout: str) -> tuple[datetime, str]:
    """The moment in UTC and the digits of its fraction."""

    def wrong(why: str) -> ValueError:
        return ValueError(f"parsing time {_quote(text)}{why}")

    def cannot(rest: str, chunk: str) -> ValueError:
        return wrong(f" as {_quote(layout)}: cannot parse {_quote(rest)} as {_quote(chunk)}")

    at = 0
    numbers = []
    for chunk, pattern, bounds, name in _STEPS:
        match = pattern.match(text, at)
        if match is None:
            raise cannot(text[at:], chunk)
        at = match.end()
        if bounds is not None:
            number = int(match[0])
            if number not in bounds:
                raise wrong(f": {name} out of range")
            numbers.append(number)
    fraction = ""
    match = (_FRACTION_MICROS if layout is _MICROS else _FRACTION_ANY).match(text, at)
    if match is not None:
        fraction, at = match[1], match.end()
    elif layout is _MICROS:
        raise cannot(text[at:], ".000000")
    zone = _ZONE.match(text, at)
    if zone is None:
        raise cannot(text[at:], "Z07:00")
    if zone.end() != len(text):
        raise wrong(f": extra text: {_quote(text[zone.end() :])}")
    try:
        moment = datetime(*numbers)  # type: ignore[arg-type]
    except ValueError:
        raise wrong(": day out of range")
    if zone[0] != "Z":
        offset = timedelta(hours=int(zone[2]), minutes=int(zone[3]))
        moment = moment - offset if zone[1] == "+" else moment + offset
    return moment, fraction


def _quote(text: str) -> str:
    """Source: Go's time quote(), which knows ASCII only."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').encode()
    return '"' + "".join(chr(byte) if 32 <= byte < 128 else f"\\x{byte:02x}" for byte in escaped) + '"'


def base64_bytes(text: str) -> str:
    """[]byte: standard base64; line breaks are allowed and vanish."""
    try:
        binascii.a2b_base64(text, strict_mode=True)
        return text
    except (binascii.Error, ValueError):
        return base64.b64encode(_decode_base64(text)).decode()


_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")


def _decode_base64(text: str) -> bytes:
    """Go's decoder, for what Python's strict one refuses: skips line breaks, names the first bad byte."""

    def corrupt(at: int) -> ValueError:
        return ValueError(f"illegal base64 data at input byte {at}")

    marks = [(at, char) for at, char in enumerate(text) if char not in "\r\n"]
    digits = next((n for n, (_, char) in enumerate(marks) if char not in _BASE64), len(marks))
    padding = marks[digits:]
    over = digits % 4
    if padding and padding[0][1] != "=":
        raise corrupt(padding[0][0])
    if not padding:
        if over:
            raise corrupt(len(text) - over)
    elif over < 2:
        raise corrupt(padding[0][0])
    else:
        needed = 4 - over
        for count in range(1, needed):
            if len(padding) == count:
                raise corrupt(len(text))
            if padding[count][1] != "=":
                raise corrupt(padding[count][0] - 1)
        if len(padding) > needed:
            raise corrupt(padding[needed][0])
    return base64.b64decode("".join(char for _, char in marks))
