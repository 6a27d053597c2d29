"""Records: classes whose fields are their annotations, as cheap to make as to use.

    class Plan(Record):
        create: tuple[str, ...] = ()
        waits: dict[str, float] = field(default_factory=dict)

    class Tally(Record, frozen=False):      its fields may be assigned, and it has no hash
    class Edge(Record, eq=False):           equal to itself only
    replace(plan, create=("a",))            another one

To a reader and to the type checker they are dataclasses with slots. What they are for: two hundred dataclasses were a
quarter of the time in which kubepy's modules load, as each class was made twice and up to nine functions were
compiled for it, most of which are never called. Here a class is made once, `__init__` is compiled when the first
record is made, and comparing, hashing and printing are the same functions for all.

Promised: `__init__` by position and by name, `__eq__`, `__hash__`, `__repr__`, `__match_args__`, inherited fields
before the own ones; a method that the class has itself wins.
Not promised: that assigning to a frozen record fails at run time. The type checker refuses it, and looking again
would make each record several times dearer.
Not there: `__post_init__`, order, fields with metadata. Who needs them takes a dataclass.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")
R = TypeVar("R", bound="Record")

_MISSING: Any = object()


class _Field:
    __slots__ = ("compared", "default", "factory")

    def __init__(
        self, default: Any = _MISSING, factory: Callable[[], Any] | None = None, compared: bool = True
    ) -> None:
        self.default, self.factory, self.compared = default, factory, compared


def field(*, default_factory: Callable[[], T], compare: bool = True) -> T:
    """A field whose default is made anew for each record."""
    made: Any = _Field(factory=default_factory, compared=compare)
    return made


def _as_field(default: Any) -> _Field:
    return default if isinstance(default, _Field) else _Field(default)


def _getter(names: list[str]) -> Callable[[Any], Any]:
    return attrgetter(*names) if names else lambda record: ()


def _first_init(cls: Any) -> Callable[..., None]:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        init = cls.__init__ = _init(cls)
        init(self, *args, **kwargs)

    return __init__


def _init(cls: Any) -> Callable[..., None]:
    """Compiled, as a call with `setattr` per field takes five times as long."""
    parameters, lines = ["self"], ["pass"]
    scope: dict[str, Any] = {"_MISSING": _MISSING}
    for name, known in cls._fields.items():
        value = name
        if known.factory is not None:
            scope[f"_make_{name}"] = known.factory
            parameters.append(f"{name}=_MISSING")
            value = f"_make_{name}() if {name} is _MISSING else {name}"
        elif known.default is not _MISSING:
            scope[f"_default_{name}"] = known.default
            parameters.append(f"{name}=_default_{name}")
        else:
            parameters.append(name)
        lines.append(f"self.{name} = {value}")
    # Its text is made of the class's own field names, which are identifiers.
    exec(f"def __init__({', '.join(parameters)}):\n " + "\n ".join(lines), scope)  # noqa: S102
    init: Callable[..., None] = scope["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class _Records(type):
    """Makes the class with its slots, once: its fields are known before it exists."""

    _fields: dict[str, _Field]
    _values: Callable[[Any], Any]  # of a record: what is compared

    def __new__(
        cls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        frozen: bool = True,
        eq: bool = True,
    ) -> _Records:
        own = {
            field: _as_field(namespace.pop(field, _MISSING))
            for field, kind in namespace.get("__annotations__", {}).items()
            if not str(kind).startswith("ClassVar")
        }
        inherited = [base._fields for base in reversed(bases) if isinstance(base, _Records)]
        fields = {name: known for known_fields in (*inherited, own) for name, known in known_fields.items()}
        namespace["__slots__"] = tuple(own)
        namespace.setdefault("__match_args__", tuple(fields))
        namespace["_fields"] = fields
        namespace["_values"] = _getter([name for name, known in fields.items() if known.compared])
        if not eq:
            namespace |= {"__eq__": object.__eq__, "__hash__": object.__hash__}
        elif not frozen:
            namespace["__hash__"] = None
        made = super().__new__(cls, name, bases, namespace)
        if "__init__" not in namespace:
            made.__init__ = _first_init(made)  # type: ignore[misc]
        return made


class Record(metaclass=_Records):
    def __eq__(self, other: object) -> bool:
        if other is self:
            return True
        if other.__class__ is not self.__class__:
            return NotImplemented
        values = self.__class__._values
        return bool(values(self) == values(other))

    def __hash__(self) -> int:
        return hash(self.__class__._values(self))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__class__._fields)
        return f"{self.__class__.__qualname__}({shown})"


def replace(record: R, **changes: Any) -> R:
    """A record like this one but for `changes`."""
    cls = record.__class__
    for name in cls._fields:
        if name not in changes:
            changes[name] = getattr(record, name)
    return cls(**changes)
