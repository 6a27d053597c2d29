from __future__ import annotations

import copy
import pickle
from typing import ClassVar

import pytest

from kubepy.lib.records import Record, field, replace


class Point(Record):
    x: int
    y: int = 0
    unit: ClassVar[str] = "m"

    @property
    def is_origin(self) -> bool:
        return not (self.x or self.y)


class Path(Record):
    points: list[Point] = field(default_factory=list)
    seen: int = field(default_factory=int, compare=False)


class Tally(Record, frozen=False):
    count: int = 0


class Edge(Record, eq=False):
    target: str


class Named(Point):
    name: str = ""


class Nothing(Record):
    pass


class Odd(Record):
    value: int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Odd) and self.value % 2 == other.value % 2

    def __hash__(self) -> int:
        return self.value % 2


def test_fields_are_given_by_position_and_by_name_and_have_defaults():
    assert Point(1, 2) == Point(x=1, y=2)
    assert Point(1).y == 0
    assert Point(0).is_origin
    assert Point.unit == "m"


@pytest.mark.parametrize(
    "make", [lambda: Point(), lambda: Point(1, 2, 3), lambda: Point(1, z=2), lambda: Point(1, x=1)]
)
def test_arguments_that_do_not_fit_are_refused_each_time(make):
    for _ in range(2):
        with pytest.raises(TypeError, match=r"Point\.__init__\(\)"):
            make()


def test_a_default_of_a_factory_is_nobody_elses():
    one, other = Path(), Path()
    one.points.append(Point(1))
    assert other.points == []


def test_equal_are_records_of_one_class_whose_compared_fields_are_equal():
    assert Point(1, 2) == Point(1, 2)
    assert Point(1, 2) != Point(1, 3)
    assert Point(1, 2) != Named(1, 2)
    assert Point(1, 2) != (1, 2)
    assert Path(seen=1) == Path(seen=2)
    assert Nothing() == Nothing()


def test_frozen_records_have_the_hash_of_their_fields_and_others_none():
    assert len({Point(1, 2), Point(1, 2), Point(2, 1), Nothing(), Nothing()}) == 3
    with pytest.raises(TypeError, match="unhashable"):
        hash(Tally())


def test_without_eq_a_record_is_equal_to_itself_only():
    edge = Edge("a")
    assert edge == edge
    assert edge != Edge("a")
    assert len({edge, Edge("a")}) == 2


def test_what_a_class_has_itself_wins():
    assert Odd(1) == Odd(3)
    assert len({Odd(1), Odd(3)}) == 1


def test_fields_are_inherited_before_the_own_ones():
    named = Named(1, 2, "here")
    assert (named.x, named.y, named.name) == (1, 2, "here")
    assert repr(named) == "Named(x=1, y=2, name='here')"


def test_there_is_room_for_the_fields_and_nothing_else():
    tally = Tally()
    tally.count += 1
    assert tally == Tally(1)
    with pytest.raises(AttributeError):
        tally.other = 1
    assert not hasattr(Named(1), "__dict__")


def test_replace_makes_another_one():
    point = Point(1, 2)
    assert replace(point, y=5) == Point(1, 5)
    assert replace(Named(1, 2, "a"), x=0) == Named(0, 2, "a")
    assert point == Point(1, 2)
    with pytest.raises(TypeError):
        replace(point, z=1)


def test_patterns_match_by_position():
    match Point(3, 4):
        case Point(x, y):
            assert (x, y) == (3, 4)


def test_records_are_copied_and_pickled():
    path = Path([Point(1)])
    for other in (copy.copy(path), copy.deepcopy(path), pickle.loads(pickle.dumps(path))):
        assert other == path
        assert other is not path
