"""Quantities and semantic versions.

Source: kubernetes 1.36 staging/src/k8s.io/apiserver/pkg/cel/library/quantity.go, semverlib.go;
github.com/blang/semver/v4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering
from typing import Any, ClassVar

from kubepy.api import quantity
from kubepy.api.cel import types
from kubepy.api.cel.errors import CelError
from kubepy.api.cel.functions import Library
from kubepy.api.cel.values import INT_MAX, INT_MIN, Opaque

_NANO = 10**9


@dataclass(frozen=True, order=True)
class Quantity(Opaque):
    cel_type: ClassVar[types.Type] = types.Type("struct", "kubernetes.Quantity")
    amount: quantity.Quantity

    def __str__(self) -> str:
        return self.amount.text

    @property
    def is_integer(self) -> bool:
        return self.amount.nanos % _NANO == 0 and INT_MIN <= self.amount.nanos // _NANO <= INT_MAX


def _quantity(text: str) -> Quantity:
    try:
        return Quantity(quantity.parse(text))
    except ValueError as error:
        raise CelError(str(error))


def _as_integer(value: Quantity) -> int:
    if not value.is_integer:
        raise CelError("cannot convert value to integer")
    return value.amount.nanos // _NANO


def _compare(a: Any, b: Any) -> int:
    return int(b < a) - int(a < b)


def _sign(value: Quantity) -> int:
    return int(value.amount.nanos > 0) - int(value.amount.nanos < 0)


def _plus_int(value: Quantity, number: int) -> Quantity:
    return Quantity(value.amount + quantity.of_value(number))


def _minus_int(value: Quantity, number: int) -> Quantity:
    return Quantity(value.amount - quantity.of_value(number))


# -- semantic versions


@total_ordering
@dataclass(frozen=True)
class Semver(Opaque):
    """Build metadata does not count when comparing."""

    cel_type: ClassVar[types.Type] = types.Type("struct", "kubernetes.Semver")
    numbers: tuple[int, int, int]
    pre: tuple[str, ...] = ()
    build: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Semver) and self._order() == other._order()

    def __hash__(self) -> int:
        return hash(self._order())

    def __lt__(self, other: Semver) -> bool:
        return self._order() < other._order()

    def _order(self) -> tuple[Any, ...]:
        # a release comes after its pre-releases; numbers come before words
        pre = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in self.pre)
        return (*self.numbers, not self.pre, pre)

    def __str__(self) -> str:
        text = ".".join(map(str, self.numbers))
        if self.pre:
            text += "-" + ".".join(self.pre)
        return text + ("+" + ".".join(self.build) if self.build else "")


_PART = re.compile(r"[0-9A-Za-z-]+", re.ASCII)


def parse_semver(text: str) -> Semver:
    if not text:
        raise CelError("Version string empty")
    pieces = text.split(".", 2)
    if len(pieces) != 3:
        raise CelError("No Major.Minor.Patch elements found")
    rest, plus, build_text = pieces[2].partition("+")
    patch, dash, pre_text = rest.partition("-")
    numbers = tuple(
        _number(name, part) for name, part in zip(("major", "minor", "patch"), (*pieces[:2], patch))
    )
    pre = tuple(pre_text.split(".")) if dash else ()
    for part in pre:
        if not part:
            raise CelError("prerelease is empty")
        if not _PART.fullmatch(part):
            raise CelError(f'Invalid character(s) found in prerelease "{part}"')
        if part.isdigit() and len(part) > 1 and part[0] == "0":
            raise CelError(f'Numeric PreRelease version must not contain leading zeroes "{part}"')
    build = tuple(build_text.split(".")) if plus else ()
    for part in build:
        if not part:
            raise CelError("Build meta data is empty")
        if not _PART.fullmatch(part):
            raise CelError(f'Invalid character(s) found in build meta data "{part}"')
    return Semver((numbers[0], numbers[1], numbers[2]), pre, build)


def _number(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit():
        if not text:
            raise CelError('strconv.ParseUint: parsing "": invalid syntax')
        raise CelError(f'Invalid character(s) found in {name} number "{text}"')
    if len(text) > 1 and text[0] == "0":
        raise CelError(f'{name.capitalize()} number must not contain leading zeroes "{text}"')
    if int(text) >= 1 << 64:
        raise CelError(f'strconv.ParseUint: parsing "{text}": value out of range')
    return int(text)


def _semver(text: str, normalize: bool = False) -> Semver:
    return parse_semver(_normalized(text) if normalize else text)


def _normalized(text: str) -> str:
    """`v1.02` is `1.2.0`."""
    parts = text.removeprefix("v").split(".", 2)
    for index, part in enumerate(parts):
        if len(part) > 1:
            stripped = part.lstrip("0")
            parts[index] = stripped if stripped[:1].isdigit() else "0" + stripped
    if len(parts) < 3:
        if "+" in parts[-1] or "-" in parts[-1]:
            raise CelError("short version cannot contain PreRelease/Build meta data")
        parts += ["0"] * (3 - len(parts))
    return ".".join(parts)


def _is_semver(text: str, normalize: bool = False) -> bool:
    try:
        _semver(text, normalize)
    except CelError:
        return False
    return True


def library() -> Library:
    lib = Library({"Quantity": Quantity.cel_type, "Semver": Semver.cel_type})
    d = lib.declare
    d("quantity", "string_to_quantity", "(string) Quantity", _quantity)
    d("isQuantity", "is_quantity_string", "(string) bool", quantity.is_valid)
    d("sign", "quantity_sign", "Quantity.() int", _sign)
    d("isGreaterThan", "quantity_is_greater_than", "Quantity.(Quantity) bool", lambda a, b: b < a)
    d("isLessThan", "quantity_is_less_than", "Quantity.(Quantity) bool", lambda a, b: a < b)
    d("compareTo", "quantity_compare_to", "Quantity.(Quantity) int", _compare)
    d("asApproximateFloat", "quantity_get_float", "Quantity.() double", lambda a: a.amount.nanos / _NANO)
    d("asInteger", "quantity_get_int", "Quantity.() int", _as_integer)
    d("isInteger", "quantity_is_integer", "Quantity.() bool", lambda a: a.is_integer)
    d("add", "quantity_add", "Quantity.(Quantity) Quantity", lambda a, b: Quantity(a.amount + b.amount))
    d("add", "quantity_add_int", "Quantity.(int) Quantity", _plus_int)
    d("sub", "quantity_sub", "Quantity.(Quantity) Quantity", lambda a, b: Quantity(a.amount - b.amount))
    d("sub", "quantity_sub_int", "Quantity.(int) Quantity", _minus_int)
    d("semver", "string_to_semver", "(string) Semver", _semver)
    d("semver", "string_bool_to_semver", "(string, bool) Semver", _semver)
    d("isSemver", "is_semver_string", "(string) bool", _is_semver)
    d("isSemver", "is_semver_string_bool", "(string, bool) bool", _is_semver)
    d("isGreaterThan", "semver_is_greater_than", "Semver.(Semver) bool", lambda a, b: b < a)
    d("isLessThan", "semver_is_less_than", "Semver.(Semver) bool", lambda a, b: a < b)
    d("compareTo", "semver_compare_to", "Semver.(Semver) int", _compare)
    d("major", "semver_major", "Semver.() int", lambda version: version.numbers[0])
    d("minor", "semver_minor", "Semver.() int", lambda version: version.numbers[1])
    d("patch", "semver_patch", "Semver.() int", lambda version: version.numbers[2])
    return lib
