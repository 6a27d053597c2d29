"""What a row of a table of settings is: a field with its kind, its default and its meaning.

    class Config:
        port: int = number(6443, "port the API server listens on; 0 takes a free one", "PORT", most=65535)
        event_ttl: str = duration("1h", "how long Events are kept")

A row is a flag, a key of the file and a line of the documentation at once. Its kind says what a value in the file may
be, and what is wrong with one, so that a setting is added by adding its row.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import field
from pathlib import Path
from typing import Any, TypedDict, Unpack

from msgspec import Struct

Value = str | int | float | bool | tuple[str, ...]


class ConfigError(Exception):
    """One sentence for a person."""


class Setting(Struct, frozen=True):
    name: str  # as people write it: event-ttl
    attribute: str  # event_ttl
    default: Value
    help: str
    metavar: str = ""
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    is_duration: bool = False
    section: str = ""  # that begins with this row
    of: tuple[str, ...] = ()  # commands that have it; all, if none is named

    def typed(self, value: object) -> Value:
        """A value of the file as one of this setting. Raises ValueError: "must be ..."."""
        kind = type(self.default)
        if value is None:
            return self.default
        if self.choices == ON_OFF and isinstance(value, bool):  # YAML's own reading of the two words
            return ON_OFF[not value]
        if kind is tuple and isinstance(value, str):
            return split(value)
        if kind is tuple and isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        if isinstance(value, bool) == (kind is bool) and isinstance(value, _ACCEPTED[kind]):
            return kind(value)
        raise ValueError(f"must be {_CALLED[kind]}" + (f", not {value!r}" if kind is not tuple else ""))

    def check(self, value: Any) -> None:
        """What a type cannot say. A default is right whatever it is. Raises ConfigError."""
        if value == self.default:
            return
        if self.choices and value not in self.choices:
            raise ConfigError(f'{self.name} must be one of {", ".join(self.choices)}, not "{value}"')
        if self.is_duration:
            duration_s(value, self.name)
        if (self.least is not None and value < self.least) or (self.most is not None and value > self.most):
            span = f"{self.least:g} or more" if self.most is None else f"{self.least:g} to {self.most:g}"
            raise ConfigError(f"{self.name} must be {span}, not {value}")


_CALLED = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    tuple: "a list of words",
}
_ACCEPTED: dict[type, Any] = {bool: bool, int: int, float: (int, float), str: (str, int, float), tuple: ()}
ON_OFF = ("on", "off")


def settings_of(table: type) -> dict[str, Setting]:
    """Name -> row, in the table's order."""
    rows = [
        Setting(name=each.name.replace("_", "-"), attribute=each.name, **each.metadata)
        for each in dataclasses.fields(table)
        if each.metadata
    ]
    return {row.name: row for row in rows}


def as_flags(table: Any) -> dict[str, str]:
    """What a table's settings are, by name, as Go's flags print."""
    return {name: _printed(getattr(table, row.attribute)) for name, row in settings_of(type(table)).items()}


def _printed(value: Value) -> str:
    if isinstance(value, tuple):
        return f"[{','.join(value)}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


class More(TypedDict, total=False):
    """What any row may say."""

    help: str
    section: str
    of: tuple[str, ...]


# -- kinds of rows: each gives a dataclass field, typed as what it holds -----------------------------------------------


def text(default: str, help_: str, metavar: str, **more: Unpack[More]) -> str:
    return _row(default, help_, metavar=metavar, **more)


def file(help_: str, **more: Unpack[More]) -> str:
    """A path, "" for none."""
    return _row("", help_, metavar="FILE", **more)


def choice(default: str, help_: str, choices: tuple[str, ...], **more: Unpack[More]) -> str:
    return _row(default, help_, choices=choices, **more)


def duration(default: str, help_: str, **more: Unpack[More]) -> str:
    """See `duration_s`."""
    return _row(default, help_, metavar="DURATION", is_duration=True, **more)


def words(default: tuple[str, ...], help_: str, **more: Unpack[More]) -> tuple[str, ...]:
    """Comma-separated on the command line, a list in the file."""
    return _row(default, help_, metavar="LIST", **more)


def switch(default: bool, help_: str, **more: Unpack[More]) -> bool:
    return _row(default, help_, **more)


def number(
    default: int,
    help_: str,
    metavar: str = "N",
    *,
    least: int = 0,
    most: int | None = None,
    **more: Unpack[More],
) -> int:
    return _row(default, help_, metavar=metavar, least=least, most=most, **more)


def amount(
    default: float, help_: str, metavar: str, *, most: float | None = None, **more: Unpack[More]
) -> float:
    """0 or more, not whole."""
    return _row(default, help_, metavar=metavar, least=0, most=most, **more)


def again(row: Setting, **more: Unpack[More]) -> Any:
    """A row of another table, with the same meaning here."""
    known = {name: getattr(row, name) for name in row.__struct_fields__}
    for own in ("name", "attribute", "section"):
        del known[own]
    return _row(known.pop("default"), known.pop("help"), **(known | more))


def _row(default: Value, help_: str, **more: Any) -> Any:
    return field(default=default, metadata={"default": default, "help": help_, **more})


# -- reading values ----------------------------------------------------------------------------------------------------


def split(words: str) -> tuple[str, ...]:
    """ "a, b" -> ("a", "b")."""
    return tuple(word.strip() for word in words.split(",") if word.strip())


_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "d": 86400.0}


def duration_s(given: str, name: str = "duration") -> float:
    """ "1h30m" -> 5400.0. Raises ConfigError."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|[dhms])", given)
    if not parts or "".join(number + unit for number, unit in parts) != given:
        raise ConfigError(f'{name} must be a duration like 5m or 1h30m, not "{given}"')
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def read_file(path: str, setting: str) -> bytes:
    """What the file that a setting names says. Raises ConfigError."""
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as error:
        raise ConfigError(f"{setting}: {path}: {error.strerror or error}") from None
