"""Simulated life as data: which stage comes next for an object, and when.

A Stage document (kwok's kwok.x-k8s.io/v1alpha1, as it is) says: objects that look like *selector* take, after *delay*,
what *next* says. Reading a folder is reading the state diagram; `config/stages/README.md` has the form, and
stage_documents.py reads it. Everything here is pure.

The engine sees a view of the object: the object itself plus `facts`, what the kubelet knows beside it (turns.py).
`next` is a list of actions: kwok's (patches and statuses from templates, finalizers, events, deletion), or a step by
its name, which status.py renders. Stages with a step come when the step is due (`.facts.<step>` seconds from now) and
their delay is how much later than that.

Source: kwok pkg/utils/lifecycle (match, weight, delay, next).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from kubepy.api.objects import Obj
from kubepy.kubelet import durations
from kubepy.kubelet.jq import Path, text_of
from kubepy.lib import clock as clocks
from kubepy.lib.random import Random


class Step(Struct, frozen=True):
    """A step by its name: turns.STEPS, "crash", for nodes "heartbeat"."""

    name: str


class Patch(Struct, frozen=True):
    """A patch from a template. `render` makes it of (view, functions)."""

    render: Callable[[Obj, Any], Any]  # -> the patch, decoded
    content_type: str
    subresource: str = ""
    user: str = ""  # who it is written as; "": whose objects these are


class Apply(Struct, frozen=True):
    """Another object from a template: created, or patched if it is there."""

    render: Callable[[Obj, Any], Any]  # -> the object
    content_type: str  # of the patch
    subresource: str = ""  # of an object that is there
    user: str = ""


class Finalizers(Struct, frozen=True):
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    empty: bool = False

    def apply(self, present: Sequence[str]) -> list[str]:
        kept = [] if self.empty else [name for name in present if name not in self.remove]
        return kept + [name for name in self.add if name not in kept]


class Event(Struct, frozen=True):
    type: str  # "Normal"
    reason: str  # "Created"
    message: str


class Delete(Struct, frozen=True):
    pass


Action = Step | Patch | Apply | Finalizers | Event | Delete


class Requirement(Struct, frozen=True):
    path: Path
    operator: str  # In, NotIn, Exists, DoesNotExist
    values: frozenset[str] = frozenset()

    def matches(self, view: Obj) -> bool:
        found = self.path(view)
        match self.operator:
            case "Exists":
                return any(value is not None for value in found)
            case "DoesNotExist":
                return all(value is None for value in found)
            case "In":
                return any(text_of(value) in self.values for value in found)
            case _:
                return not any(text_of(value) in self.values for value in found)


class Condition(Struct, frozen=True):
    """What an expression says of the object."""

    holds: Callable[[Obj], bool]

    def matches(self, view: Obj) -> bool:
        return self.holds(view)


class Delay(Struct, frozen=True):
    """Evenly between duration and jitter; a jitter that is shorter is the delay itself, as in kwok.

    The ..._from find a duration like 5s or a time in the object, and win if they find one.
    """

    duration_s: float = 0.0
    jitter_s: float | None = None
    duration_from: Path | None = None
    jitter_from: Path | None = None

    def seconds(self, view: Obj, *, now: float, random: Random) -> float:
        duration = _found(self.duration_from, view, now, self.duration_s)
        jitter = _found(self.jitter_from, view, now, self.jitter_s)
        if duration is None:
            return 0.0
        if jitter is None:
            return max(0.0, duration)
        return max(0.0, jitter if jitter <= duration else random.uniform(duration, jitter))


def _found(path: Path | None, view: Obj, now: float, default: float | None) -> float | None:
    if path is None:
        return default
    for value in path(view):
        if isinstance(value, str):
            try:
                return clocks.parse_rfc3339(value) - now
            except ValueError:
                seconds = durations.parse_s(value)
                return default if seconds is None else seconds
        if isinstance(value, (int, float)):
            return float(value)
        break
    return default


@dataclass(frozen=True, slots=True)
class Stage:
    name: str  # "pod-ready"
    kind: str  # "Pod"
    requirements: tuple[Requirement | Condition, ...]
    actions: tuple[Action, ...]
    delay: Delay = field(default_factory=Delay)
    weight: int = 0
    weight_from: Path | None = None
    again: bool = False  # immediateNextStage: the next one is looked for at once
    api_version: str = "v1"
    step: str = field(init=False)  # the step it takes, "" for kwok's forms

    def __post_init__(self) -> None:
        steps = (action.name for action in self.actions if isinstance(action, Step))
        object.__setattr__(self, "step", next(steps, ""))

    def matches(self, view: Obj) -> bool:
        if self.step and self.step not in view["facts"]:
            return False
        return all(requirement.matches(view) for requirement in self.requirements)

    def weighs(self, view: Obj) -> int:
        if self.weight_from is not None:
            for value in self.weight_from(view):
                try:
                    return int(value)
                except (TypeError, ValueError):
                    break
        return self.weight


def choose(stages: Sequence[Stage], view: Obj, *, now: float, random: Random) -> tuple[Stage, float] | None:
    """The stage to take and its delay, None if none applies. A step's delay does not count the time until it is due.

    Stages with weights are alternatives: one of them is drawn, and those without do not come. Without any weight,
    kwok's forms are drawn evenly. Steps without weight race with what was drawn: a deadline has to win by time.
    """
    matching = [stage for stage in stages if stage.matches(view)]
    if not matching:
        return None
    racing: list[Stage] = []
    others: list[Stage] = []
    for stage in matching:
        (racing if stage.step and stage.weighs(view) <= 0 else others).append(stage)
    if others:
        racing.append(_draw(others, view, random))
    facts = view["facts"]
    best: tuple[float, Stage, float] | None = None
    for stage in racing:
        delay = stage.delay.seconds(view, now=now, random=random)
        at = facts.get(stage.step, 0.0) + delay
        if best is None or at < best[0]:
            best = (at, stage, delay)
    assert best is not None, "somebody races"
    return best[1], best[2]


def _draw(stages: Sequence[Stage], view: Obj, random: Random) -> Stage:
    if len(stages) == 1:
        return stages[0]
    weighed = [(stage.weighs(view), stage) for stage in stages]
    total = sum(max(0, weight) for weight, _ in weighed)
    if total == 0:
        return random.choice(stages)
    point = random.uniform(0, total)
    drawn = [(weight, stage) for weight, stage in weighed if weight > 0]
    for weight, stage in drawn:
        point -= weight
        if point < 0:
            return stage
    return drawn[-1][1]
