"""What printers are made of: columns that many kinds have, and the small texts in their cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from kubepy.api import selectors
from kubepy.api.decoding import META
from kubepy.api.objects import Obj
from kubepy.lib.clock import parse_rfc3339, rfc3339

Cells = list[Any]


class Doc(str):
    """A description that is what the definitions say about a field: "core.v1.Secret.type"."""


class Column(NamedTuple):
    """One column, e.g. Column("Nominated Node", "string", 1, "...")."""

    name: str
    type: str = "string"
    priority: int = 0
    description: str = ""
    format: str = ""

    def definition(self, documentation: Mapping[str, str]) -> Obj:
        """`documentation`: what each Doc stands for."""
        text = self.description
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": documentation[text] if isinstance(text, Doc) else text,
            "priority": self.priority,
        }


class Printer(NamedTuple):
    columns: tuple[Column, ...]
    cells: Callable[[Obj, float], Cells]
    rank: Callable[[Obj], Any] | None = None  # what rows are sorted by, if not by name
    since: int = 0  # the minor version that brought the columns; before it there are the default ones
    is_bare: bool = False  # no rows are null: its convertor appends to nothing


def human_duration(seconds: float) -> str:
    """90 -> "90s", 130 -> "2m10s", 90000 -> "25h": the digits that matter. Source: duration.HumanDuration."""
    whole = int(seconds)
    if whole < 120:
        if whole < -1:
            return "<invalid>"
        return f"{whole}s" if whole >= 0 else "0s"
    minutes, rest = divmod(whole, 60)
    if minutes < 10:
        return f"{minutes}m{rest}s" if rest else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    hours, rest = divmod(minutes, 60)
    if hours < 8:
        return f"{hours}h{rest}m" if rest else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    days, rest = divmod(hours, 24)
    if days < 8:
        return f"{days}d{rest}h" if rest else f"{days}d"
    if days < 730:
        return f"{days}d"
    years, rest = divmod(days, 365)
    if years < 8:
        return f"{years}y{rest}d" if rest else f"{years}y"
    return f"{years}y"


def since(timestamp: str | None, now: float) -> str:
    """How long ago a timestamp was, "<unknown>" for none. Source: translateTimestampSince."""
    return human_duration(now - parse_rfc3339(timestamp)) if timestamp else "<unknown>"


def format_labels(labels: dict[str, str] | None) -> str:
    """Source: labels.FormatLabels."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) if labels else "<none>"


def name(obj: Obj) -> str:
    return obj["metadata"].get("name", "")


def age(obj: Obj, now: float) -> str:
    return since(obj["metadata"].get("creationTimestamp"), now)


def spec(obj: Obj) -> Obj:
    return obj.get("spec") or {}


def status(obj: Obj) -> Obj:
    return obj.get("status") or {}


def containers(template: Obj | None) -> tuple[str, str]:
    """Names and images of a pod template's containers."""
    found = ((template or {}).get("spec") or {}).get("containers") or ()
    return ",".join(c["name"] for c in found), ",".join(c.get("image") or "" for c in found)


def truth(value: bool | None) -> str:
    return "<unset>" if value is None else str(value)


def with_more(texts: Sequence[str], count: int, shown: int) -> str:
    """Source: listWithMoreString."""
    joined = ",".join(texts)
    return f"{joined} + {count - shown} more..." if count > shown else joined


def first(texts: Iterable[str | None], otherwise: str) -> str:
    return next((text for text in texts if text), otherwise)


NONE: tuple[Obj, ...] = ()


selector = selectors.format_label_selector


def name_and_age(obj: Obj, now: float) -> Cells:
    return [name(obj), age(obj, now)]


def default(obj: Obj, now: float) -> Cells:
    created = obj["metadata"].get("creationTimestamp")
    return [name(obj), rfc3339(parse_rfc3339(created)) if created else "0001-01-01T00:00:00Z"]


NAME = Column("Name", format="name", description=Doc(f"{META}ObjectMeta.name"))
CREATED = Doc(f"{META}ObjectMeta.creationTimestamp")
AGE = Column("Age", description=CREATED)


def wide(name: str, description: str, type_: str = "string") -> Column:
    return Column(name, type_, 1, description)


def text(name: str, description: str = "") -> Column:
    return Column(name, "string", 0, description)


def number(name: str, description: str = "") -> Column:
    return Column(name, "integer", 0, description)


def flag(name: str, description: str = "") -> Column:
    return Column(name, "boolean", 0, description)


CREATED_AT = Column("Created At", "date", description=CREATED)
DEFAULT = Printer((NAME, CREATED_AT), default, is_bare=True)
NAME_AND_AGE = Printer((NAME, AGE), name_and_age)
