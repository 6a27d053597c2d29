"""The string formats that schemas of custom resources may demand.

`check(format)` gives the test of one format, None for a format that means nothing here: upstream ignores those, and
warns whoever writes them into a definition (`is_recognized`). Names are compared without dashes: "date-time" is
"datetime".

Source: apiextensions-apiserver pkg/apiserver/validation/formats.go, kube-openapi pkg/validation/strfmt.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import date

from kubepy.api import names

Check = Callable[[str], bool]


def check(name: str) -> Check | None:
    return _FORMATS.get(name.replace("-", ""))


def is_recognized(name: str, type_: str) -> bool:
    """Whether values of this type are held to the format."""
    if type_ in ("", "string"):
        return check(name) is not None
    return name in _NUMERIC.get(type_, ())


_NUMERIC = {"integer": ("int32", "int64"), "number": ("float", "double")}


def _matches(pattern: str, flags: int = 0) -> Check:
    # Compiled when somebody asks; most of these nobody ever does.
    return lambda text: re.fullmatch(pattern, text, flags) is not None


# One label, with a hyphen in the second place or none; or several, the last of two letters at least.
_SIGN = r"(?:[^\W_]|[$+<=>^`|~])"
_LABELS = rf"(?:{_SIGN}(?:(?:{_SIGN}|-){{0,61}}{_SIGN})?\.)+[^\W\d_]{{2,63}}"
_is_hostname = _matches(rf"{_SIGN}-?{_SIGN}{{0,62}}|{_LABELS}")
_HOSTNAME_MAX, _LABEL_MAX = 255, 63


def _hostname(text: str) -> bool:
    is_short = len(text.encode()) <= _HOSTNAME_MAX
    return is_short and all(len(label) <= _LABEL_MAX for label in text.split(".")) and _is_hostname(text)


def _uri(text: str) -> bool:
    """Source: net/url.ParseRequestURI: an absolute URI or an absolute path, without a fragment's meaning."""
    if not text or any(ord(c) <= 0x20 or ord(c) == 0x7F for c in text):
        return False
    if re.search(r"%(?![0-9A-Fa-f]{2})", text.partition("?")[0]):
        return False
    if text.startswith("/"):
        return True
    scheme, colon, _ = text.partition(":")
    return bool(colon) and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme) is not None


def _ipv4(text: str) -> bool:
    """An address with a dot, be it of an IPv6 one; zeros before a number are read past."""
    return "." in text and _is_ip(re.sub(r"(?<![0-9A-Fa-f])0+(?=[0-9])", "", text))


def _ipv6(text: str) -> bool:
    return ":" in text and _is_ip(text)


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _cidr(text: str) -> bool:
    if "/" not in text:
        return False
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return text.partition("/")[2].isdecimal()


def _isbn(length: int) -> Check:
    def is_isbn(text: str) -> bool:
        digits = re.sub(r"[\s-]", "", text)
        if length == 10:
            if re.fullmatch(r"[0-9]{9}[0-9X]", digits) is None:
                return False
            values = [10 if digit == "X" else int(digit) for digit in digits]
            return sum((index + 1) * value for index, value in enumerate(values)) % 11 == 0
        if re.fullmatch(r"[0-9]{13}", digits) is None:
            return False
        return sum(int(digit) * (1, 3)[index % 2] for index, digit in enumerate(digits)) % 10 == 0

    return is_isbn


_is_card = _matches(
    r"4[0-9]{12}([0-9]{3})?|5[1-5][0-9]{14}|6(011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(0[0-5]|[68][0-9])[0-9]{11}"
    r"|(2131|1800|35\d{3})\d{11}"
)


def _credit_card(text: str) -> bool:
    digits = re.sub(r"[^0-9]+", "", text)
    if not _is_card(digits):
        return False
    doubled = [int(digit) * (1, 2)[index % 2] for index, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _date(text: str) -> bool:
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) is None:
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


_TIME_OF_DAY = r"([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|[+-][0-9]{2}:[0-9]{2})"


def _date_time(text: str) -> bool:
    """Source: strfmt.IsDateTime, which looks at hour, minute and second, and at nothing behind another t."""
    day, *times = text.lower().split("t")
    found = re.fullmatch(_TIME_OF_DAY, times[0]) if times and _date(day) else None
    return found is not None and found[1] <= "23" and found[2] <= "59" and found[3] <= "59"


_is_go_duration = _matches(r"[-+]?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)")
_UNITS = ("ns", "us", "µs", "ms", "s", "m", "h", "hr", "d", "w", "wk")
_UNIT_STARTS = ("nano", "micro", "milli", "sec", "min", "hour", "day", "week")


def _duration(text: str) -> bool:
    """Source: strfmt.ParseDuration: Go's, or a number with a unit somewhere in the text."""
    if _is_go_duration(text):
        return True
    found = re.findall(r"([0-9]+)\s*([A-Za-zµ]+)", text)
    units = [unit.lower() for _, unit in found]
    is_read = all(int(number) < 1 << 63 for number, _ in found)
    return is_read and any(unit in _UNITS or unit.startswith(_UNIT_STARTS) for unit in units)


_HEX = "[0-9a-f]"
_FORMATS: dict[str, Check] = {
    "bsonobjectid": _matches("[0-9a-fA-F]{24}"),
    "uri": _uri,
    "email": _matches(r"(?:[^<>@\s]+\s+)*(?:<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+)"),
    "hostname": _hostname,
    "ipv4": _ipv4,
    "ipv6": _ipv6,
    "cidr": _cidr,
    "mac": _matches(
        r"[0-9A-Fa-f]{2}(([:-])[0-9A-Fa-f]{2})(\2[0-9A-Fa-f]{2}){4}((\2[0-9A-Fa-f]{2}){2}|(\2[0-9A-Fa-f]{2}){14})?"
        r"|[0-9A-Fa-f]{4}(\.[0-9A-Fa-f]{4}){2}((\.[0-9A-Fa-f]{4})|(\.[0-9A-Fa-f]{4}){7})?"
        r"|[0-9A-Fa-f]{12}|[0-9A-Fa-f]{16}|[0-9A-Fa-f]{40}"
    ),
    "uuid": _matches(f"{_HEX}{{8}}-?({_HEX}{{4}}-?){{3}}{_HEX}{{12}}", re.IGNORECASE),
    "uuid3": _matches(f"{_HEX}{{8}}-?{_HEX}{{4}}-?3{_HEX}{{3}}-?{_HEX}{{4}}-?{_HEX}{{12}}", re.IGNORECASE),
    "uuid4": _matches(f"{_HEX}{{8}}-?{_HEX}{{4}}-?4{_HEX}{{3}}-?[89ab]{_HEX}{{3}}-?{_HEX}{{12}}", re.IGNORECASE),
    "uuid5": _matches(f"{_HEX}{{8}}-?{_HEX}{{4}}-?5{_HEX}{{3}}-?[89ab]{_HEX}{{3}}-?{_HEX}{{12}}", re.IGNORECASE),
    "isbn": lambda text: _isbn(10)(text) or _isbn(13)(text),
    "isbn10": _isbn(10),
    "isbn13": _isbn(13),
    "creditcard": _credit_card,
    "ssn": _matches(r"[0-9]{3}[- ][0-9]{2}[- ][0-9]{4}"),
    "hexcolor": _matches("#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})"),
    "rgbcolor": _matches(r"rgb\(\s*" + r"\s*,\s*".join(["(0|[1-9]\\d?|1\\d\\d?|2[0-4]\\d|25[0-5])"] * 3) + r"\s*\)"),
    "byte": _matches("(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})"),
    "password": lambda text: True,
    "date": _date,
    "duration": _duration,
    "datetime": _date_time,
    "k8sshortname": lambda text: not names.dns1123_label(text),
    "k8slongname": lambda text: not names.dns1123_subdomain(text),
}  # fmt: skip
