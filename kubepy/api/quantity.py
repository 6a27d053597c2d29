"""resource.Quantity: exact amounts such as 100m, 1.5Gi, 12e6.

A quantity is a whole number of nanos (upstream rounds everything finer up to one), so arithmetic is integer arithmetic
and nothing is ever approximate. Its text is what Kubernetes would store: an amount that is already in canonical form
keeps its spelling, any other is rewritten (0.5 -> 500m, 1024Mi -> 1Gi).

`milli`, `value` and `nano` are the fast way for code that only needs the number; they and `parse` remember
what they saw.

Promised: parse(text).text is what kube-apiserver answers for that text. Errors are ValueErrors with Go's texts.
Not promised: exponents beyond 10^±1000 (Go takes them and overflows later; here they are refused, because
ten bytes of input must not cost a gigabyte).

Source: apimachinery pkg/api/resource/{quantity,suffix,amount}.go.
"""

from __future__ import annotations

import re
from functools import lru_cache, total_ordering

DECIMAL_SI, BINARY_SI, DECIMAL_EXPONENT = "DecimalSI", "BinarySI", "DecimalExponent"

FORMAT_WRONG = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
NUMERIC_WRONG = "unable to parse numeric part of quantity"
SUFFIX_WRONG = "unable to parse quantity's suffix"

NANOS = 10**9
_NANO_EXPONENT = -9
_DECIMAL = {"": 0, "n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_DECIMAL_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_BINARY_SUFFIX = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_TEXT = re.compile(r"([+-]?+)0*+([0-9]*+)(?:\.([0-9]*+))?([eEinumkKMGTP]*+[-+]?+[0-9]*+)")
_EXPONENT = re.compile(r"[eE]([+-]?[0-9]+)")
_EXPONENT_MAX = 1000
_LENGTH_MAX = 1000
_INT64_DIGITS = 18  # what upstream's fast path holds; beyond it a spelling is never kept
_BINARY_MAX = (2**63 - 1) * NANOS


@total_ordering
class Quantity:
    """One immutable amount. `nanos` is exact; `format` says how the text is written; equality ignores the format."""

    __slots__ = ("_text", "format", "nanos")

    def __init__(self, nanos: int, format: str = DECIMAL_SI, text: str = "") -> None:
        self.nanos, self.format, self._text = nanos, format, text

    @property
    def text(self) -> str:
        """As Quantity.String() and MarshalJSON write it."""
        if not self._text:
            self._text = self.canonical()
        return self._text

    def canonical(self) -> str:
        """The canonical form whatever the spelling was. Source: Quantity.CanonicalizeBytes."""
        nanos = self.nanos
        if nanos == 0:
            return "0"
        if self.format == BINARY_SI and abs(nanos) >= 1024 * NANOS and nanos % NANOS == 0:
            amount, times = nanos // NANOS, 0
            while amount % 1024 == 0 and times < len(_BINARY_SUFFIX) - 1:
                amount, times = amount // 1024, times + 1
            return f"{amount}{_BINARY_SUFFIX[times]}"
        amount, exponent = nanos, _NANO_EXPONENT
        # 10^18 is the largest suffix there is; exponents go on.
        exponent_max = 18 if self.format != DECIMAL_EXPONENT else _EXPONENT_MAX * 2
        while exponent < exponent_max and amount % 1000 == 0:
            amount, exponent = amount // 1000, exponent + 3
        if self.format != DECIMAL_EXPONENT:
            return f"{amount}{_DECIMAL_SUFFIX[exponent]}"
        return f"{amount}e{exponent}" if exponent else str(amount)

    def value(self) -> int:
        """Whole units, fractions rounded away from zero."""
        return _round_up(self.nanos, NANOS)

    def milli(self) -> int:
        """Thousandths, finer fractions rounded away from zero."""
        return _round_up(self.nanos, 10**6)

    def __add__(self, other: Quantity) -> Quantity:
        return Quantity(self.nanos + other.nanos, self.format if self.nanos else other.format)

    def __sub__(self, other: Quantity) -> Quantity:
        return Quantity(self.nanos - other.nanos, self.format if self.nanos else other.format)

    def __neg__(self) -> Quantity:
        return Quantity(-self.nanos, self.format)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self.nanos == other.nanos

    def __lt__(self, other: Quantity) -> bool:
        return self.nanos < other.nanos

    def __hash__(self) -> int:
        return hash(self.nanos)

    def __bool__(self) -> bool:
        """False for zero."""
        return self.nanos != 0

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Quantity({self.text})"


ZERO = Quantity(0)


def parse(text: str | int | float) -> Quantity:
    """The quantity of a text or a JSON number; ValueError with Go's text if it is none."""
    return _parse(text) if isinstance(text, str) else _parse(_spell(text))


def normalize(text: str | int | float) -> str:
    """What a decoded and encoded quantity reads: 0.5 -> "500m", " 1Gi " -> "1Gi". Source: Quantity.UnmarshalJSON."""
    return (_parse(text.strip()) if isinstance(text, str) else _parse(_spell(text))).text


def is_valid(text: str | int | float) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def value(text: str | int | float) -> int:
    """Whole units of a text, rounded up: value("1Gi") == 1073741824."""
    return _round_up(nano(text), NANOS)


def milli(text: str | int | float) -> int:
    """Thousandths of a text, rounded up: milli("0.1") == 100."""
    return _round_up(nano(text), 10**6)


def nano(text: str | int | float) -> int:
    """The exact amount in nanos; sums of these are exact where sums of rounded values are not."""
    return parse(text).nanos


def of_value(units: int, format: str = DECIMAL_SI) -> Quantity:
    """Source: resource.NewQuantity."""
    return Quantity(units * NANOS, format)


def of_milli(thousandths: int, format: str = DECIMAL_SI) -> Quantity:
    """Source: resource.NewMilliQuantity."""
    return Quantity(thousandths * 10**6, format)


def _spell(number: float) -> str:
    if isinstance(number, bool):
        raise ValueError(FORMAT_WRONG)
    return repr(number)


def _round_up(amount: int, unit: int) -> int:
    return -(-amount // unit) if amount >= 0 else amount // unit


# A cluster uses few different amounts; 8192 of them are some 2 MB.
@lru_cache(maxsize=8192)
def _parse(text: str) -> Quantity:
    found = _TEXT.fullmatch(text) if text else None
    if found is None:
        raise ValueError(FORMAT_WRONG)
    sign, number, fraction, suffix = found.groups()
    number, fraction = number or "0", fraction or ""
    if len(text) > _LENGTH_MAX:
        raise ValueError(NUMERIC_WRONG)
    digits = int(number + fraction)
    if suffix in _BINARY:
        return _parse_binary(text, sign, number, fraction, digits, _BINARY[suffix])
    exponent = _DECIMAL.get(suffix)
    format = DECIMAL_SI
    if exponent is None:
        power = _EXPONENT.fullmatch(suffix)
        if power is None:
            raise ValueError(SUFFIX_WRONG)
        # A power of this many digits is out of bounds whatever it says.
        exponent = int(power[1]) if len(power[1]) < 10 else _EXPONENT_MAX + 1
        if abs(exponent) > _EXPONENT_MAX:
            raise ValueError(NUMERIC_WRONG)
        format = DECIMAL_EXPONENT
    scale = exponent - len(fraction)
    spelled = number + fraction
    keeps_text = (
        len(spelled) <= _INT64_DIGITS
        and scale >= _NANO_EXPONENT
        and scale % 3 == 0
        and not spelled.endswith("000")
        and spelled[0] != "0"
    )
    shift = scale - _NANO_EXPONENT
    nanos = digits * 10**shift if shift >= 0 else _round_up(digits, 10**-shift)
    return Quantity(-nanos if sign == "-" else nanos, format, text if keeps_text else "")


def _parse_binary(text: str, sign: str, number: str, fraction: str, digits: int, exponent: int) -> Quantity:
    nanos = _round_up((digits << exponent) * NANOS, 10 ** len(fraction))
    fits = not fraction and 15 - len(number) - exponent * 3 // 10 - 1 >= 0
    keeps_text = fits and digits & 7 != 0
    # Amounts below one unit have no binary suffix to be written with.
    format = DECIMAL_SI if 0 < nanos < NANOS else BINARY_SI
    nanos = min(nanos, _BINARY_MAX)
    return Quantity(-nanos if sign == "-" else nanos, format, text if keeps_text else "")
