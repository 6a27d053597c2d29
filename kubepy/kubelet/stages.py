"""Simulated life as data: which step comes next for an object, and when.

A Stage document (in kwok's form, kwok.x-k8s.io/v1alpha1) says: objects that look like *selector* take, after
*delay*, the step *next*. Reading the folder is reading the state diagram; `config/stages/README.md` has the
form. Everything here is pure.

The engine sees a view of the object: the object itself plus `facts`, what the caller knows beside it (see
runtimes/fake.py), e.g. `.facts.image == "missing"`. Keys are paths in a small part of jq: `.status.phase`,
`.metadata.labels["app"]`, `.status.conditions.[] | select( .type == "Ready" ) | .status`.

Of kwok's form: selector.matchLabels, matchAnnotations, matchExpressions (In, NotIn, Exists, DoesNotExist),
weight, delay with durationMilliseconds, jitterDurationMilliseconds and their ...From.expressionFrom. `next`
differs: instead of Go templates it names a step (`status: running`) that status.py knows how to render.
Source: kwok pkg/utils/lifecycle (match, weight, delay).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubepy.api.objects import Obj
from kubepy.lib import clock as clocks
from kubepy.lib import yaml
from kubepy.lib.random import Random

Path_ = Callable[[Any], list[Any]]  # a view -> the values the path leads to, [] if nothing is there


class StageError(Exception):
    """A Stage document that cannot be used; one sentence that names file and field."""


@dataclass(frozen=True, slots=True)
class EventTemplate:
    """An Event to record with the step; `{container}`, `{image}` and `{error}` are filled in for each container."""

    type: str  # "Normal"
    reason: str  # "Pulled"
    message: str  # "Created container: {container}"
    each: str = (
        ""  # "containers", "init" (the current one), "missing" (image), "running"; "" for one about the pod
    )


@dataclass(frozen=True, slots=True)
class Next:
    """The step: a status to render, events to record, or the end of the object."""

    status: str = ""  # "running"; see status.STEPS
    delete: bool = False
    events: tuple[EventTemplate, ...] = ()


@dataclass(frozen=True, slots=True)
class Requirement:
    path: Path_
    operator: str  # In, NotIn, Exists, DoesNotExist
    values: frozenset[str] = frozenset()

    def matches(self, view: Obj) -> bool:
        found = self.path(view)
        match self.operator:
            case "Exists":
                return bool(found)
            case "DoesNotExist":
                return not found
            case "In":
                return any(_text(value) in self.values for value in found)
            case _:
                return not any(_text(value) in self.values for value in found)


@dataclass(frozen=True, slots=True)
class Delay:
    """duration_s, or what duration_from finds (seconds, a duration like 5s, or a time); jitter_s is the most."""

    duration_s: float = 0.0
    jitter_s: float = 0.0  # the delay is evenly between duration and this, if it is longer
    duration_from: Path_ | None = None

    def seconds(self, view: Obj, *, now: float, random: Random) -> float:
        duration = self.duration_s
        if self.duration_from is not None:
            found = self.duration_from(view)
            duration = max(0.0, _seconds(found[0], now)) if found else duration
        if self.jitter_s > duration:
            return random.uniform(duration, self.jitter_s)
        return duration


@dataclass(frozen=True, slots=True)
class Stage:
    name: str  # "pod-ready"
    kind: str  # "Pod"
    requirements: tuple[Requirement, ...]
    next: Next
    delay: Delay = field(default_factory=Delay)
    weight: int = 0

    def matches(self, view: Obj) -> bool:
        return all(requirement.matches(view) for requirement in self.requirements)


def choose(stages: Sequence[Stage], view: Obj, *, now: float, random: Random) -> tuple[Stage, float] | None:
    """The stage to take and the seconds until then, None if none applies.

    Stages with a weight are alternatives: one of them is drawn. That one and those without a weight race: the shortest
    delay wins. (Differs from kwok, which draws evenly among stages without weights: a deadline has to win by time.)
    """
    matching = [stage for stage in stages if stage.matches(view)]
    weighted = [stage for stage in matching if stage.weight > 0]
    if len(weighted) > 1:
        drawn = _draw(weighted, random)
        matching = [stage for stage in matching if stage.weight <= 0 or stage is drawn]
    timed = [(stage.delay.seconds(view, now=now, random=random), stage) for stage in matching]
    if not timed:
        return None
    delay, stage = min(timed, key=lambda pair: pair[0])
    return stage, delay


def _draw(stages: Sequence[Stage], random: Random) -> Stage:
    point = random.uniform(0, sum(stage.weight for stage in stages))
    for stage in stages:
        point -= stage.weight
        if point < 0:
            return stage
    return stages[-1]


# -- reading ---------------------------------------------------------------------------------------------------


def load(directories: Iterable[Path], kind: str) -> tuple[Stage, ...]:
    """The stages for `kind` from all *.yaml below the directories; a later one replaces an earlier of the same name."""
    stages: dict[str, Stage] = {}
    for directory in directories:
        for path in sorted(directory.rglob("*.yaml")):
            try:
                documents = yaml.load_all(path.read_bytes())
            except yaml.Error as error:
                raise StageError(f"{path}: not YAML: {error}") from None
            for document in documents:
                stage = parse(document, str(path))
                if stage.kind == kind:
                    stages[stage.name] = stage
    return tuple(stages.values())


_FIELDS = {"resourceRef", "selector", "weight", "delay", "next"}
_NEXT = {"status", "delete", "events"}


def parse(document: Any, where: str) -> Stage:
    """One Stage document. Raises StageError."""
    if not isinstance(document, dict) or document.get("kind") != "Stage":
        raise StageError(f"{where}: not a Stage document")
    name = (document.get("metadata") or {}).get("name") or "unnamed"
    where = f'{where}: stage "{name}"'
    spec = document.get("spec") or {}
    next_ = spec.get("next") or {}
    for given, known, path in ((spec, _FIELDS, "spec"), (next_, _NEXT, "spec.next")):
        if unknown := sorted(set(given) - known):
            raise StageError(
                f"{where}: {path}.{unknown[0]} is not a field; there is {', '.join(sorted(known))}"
            )
    return Stage(
        name=name,
        kind=(spec.get("resourceRef") or {}).get("kind", ""),
        requirements=tuple(_requirements(spec.get("selector") or {}, where)),
        next=Next(
            status=next_.get("status", ""),
            delete=bool(next_.get("delete")),
            events=tuple(EventTemplate(**event) for event in next_.get("events") or ()),
        ),
        delay=_delay(spec.get("delay") or {}, where),
        weight=int(spec.get("weight") or 0),
    )


def _requirements(selector: Obj, where: str) -> Iterator[Requirement]:
    for field_, root in (("matchLabels", "labels"), ("matchAnnotations", "annotations")):
        for name, value in (selector.get(field_) or {}).items():
            yield Requirement(path(f'.metadata.{root}["{name}"]'), "In", frozenset((str(value),)))
    for expression in selector.get("matchExpressions") or ():
        operator = expression.get("operator")
        if operator not in ("In", "NotIn", "Exists", "DoesNotExist"):
            raise StageError(f"{where}: operator {operator!r} is none of In, NotIn, Exists, DoesNotExist")
        try:
            where_ = path(expression["key"])
        except ValueError as error:
            raise StageError(f"{where}: {error}") from None
        yield Requirement(where_, operator, frozenset(_text(v) for v in expression.get("values") or ()))


def _delay(delay: Obj, where: str) -> Delay:
    source = (delay.get("durationFrom") or {}).get("expressionFrom")
    try:
        return Delay(
            duration_s=float(delay.get("durationMilliseconds") or 0) / 1000,
            jitter_s=float(delay.get("jitterDurationMilliseconds") or 0) / 1000,
            duration_from=path(source) if source else None,
        )
    except ValueError as error:
        raise StageError(f"{where}: delay: {error}") from None


# -- paths -----------------------------------------------------------------------------------------------------

_STEP = re.compile(r"""\.\[\]|\[\]|\.?\["([^"]*)"\]|\.([A-Za-z_][\w-]*)|^\.$""")
_SELECT = re.compile(r"""^select\(\s*(\..*?)\s*(==|!=)\s*(?:"([^"]*)"|(\S+?))\s*\)$""")


def path(text: str) -> Path_:
    """Compile a path. Raises ValueError when it is not in the part of jq that is understood."""
    steps = [_step(part.strip(), text) for part in text.split("|")]

    def follow(view: Any) -> list[Any]:
        values = [view]
        for step in steps:
            values = [found for value in values for found in step(value)]
        return values

    return follow


def _step(part: str, whole: str) -> Path_:
    selected = _SELECT.match(part)
    if selected is not None:
        inner, operator, quoted, bare = selected.groups()
        wanted, inner_path = quoted if quoted is not None else bare, path(inner)
        keep = operator == "=="
        return lambda value: [value] if (wanted in map(_text, inner_path(value))) is keep else []
    names: list[str | None] = []
    at = 0
    while at < len(part):
        match = _STEP.match(part, at)
        if match is None:
            raise ValueError(f"cannot read the path {whole!r} at {part[at:]!r}")
        if match.group() != ".":
            names.append(match.group(1) if match.group(1) is not None else match.group(2))
        at = match.end()
    return lambda value: _descend(value, names)


def _descend(value: Any, names: Sequence[str | None]) -> list[Any]:
    values = [value]
    for name in names:
        if name is None:
            values = [item for v in values if isinstance(v, list) for item in v]
        else:
            values = [v[name] for v in values if isinstance(v, dict) and v.get(name) is not None]
    return values


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def _seconds(value: Any, now: float) -> float:
    """A number of seconds, a Go duration, or a time: how long from now."""
    if isinstance(value, (int, float)):
        return float(value)
    parts = _DURATION.findall(value)
    if parts and "".join(number + unit for number, unit in parts) == value:
        return sum(float(number) * _UNITS_S[unit] for number, unit in parts)
    return clocks.parse_rfc3339(value) - now
