from dataclasses import dataclass

import pytest

from kubepy.daemon.settings import (
    ON_OFF,
    ConfigError,
    again,
    amount,
    choice,
    duration,
    duration_s,
    file,
    number,
    settings_of,
    switch,
    words,
)


@dataclass(frozen=True)
class Kitchen:
    chef: str = choice("on", "whether there is one", ON_OFF, section="people")
    guests: int = number(-1, "who eats; default as many as come", most=8)
    salt: float = amount(0.5, "how much", "SHARE", most=1)
    boils: str = duration("5m", "how long")
    recipe: str = file("what is cooked")
    herbs: tuple[str, ...] = words((), "what goes in")
    hot: bool = switch(True, "whether it is")
    untold: str = ""


ROWS = settings_of(Kitchen)


def test_each_row_is_a_setting_in_the_tables_order():
    assert list(ROWS) == ["chef", "guests", "salt", "boils", "recipe", "herbs", "hot"]
    assert (ROWS["chef"].section, ROWS["recipe"].metavar, ROWS["herbs"].default) == ("people", "FILE", ())


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("chef", "maybe", 'chef must be one of on, off, not "maybe"'),
        ("guests", 9, "guests must be 0 to 8, not 9"),
        ("guests", -2, "guests must be 0 to 8, not -2"),
        ("salt", 1.5, "salt must be 0 to 1, not 1.5"),
        ("boils", "long", 'boils must be a duration like 5m or 1h30m, not "long"'),
        ("boils", "", 'boils must be a duration like 5m or 1h30m, not ""'),
    ],
)
def test_wrong_values_are_told_in_one_sentence(name, value, sentence):
    with pytest.raises(ConfigError) as raised:
        ROWS[name].check(value)
    assert str(raised.value) == sentence


@pytest.mark.parametrize(("name", "value"), [("chef", "off"), ("guests", 8), ("guests", -1), ("salt", 0)])
def test_right_values_and_defaults_pass(name, value):
    ROWS[name].check(value)


@pytest.mark.parametrize(
    ("name", "written", "typed"),
    [
        ("chef", False, "off"),
        ("guests", None, -1),
        ("salt", 1, 1.0),
        ("recipe", 1.5, "1.5"),
        ("herbs", "a, b", ("a", "b")),
        ("herbs", ["a"], ("a",)),
        ("hot", False, False),
    ],
)
def test_values_of_a_file_become_those_of_the_row(name, written, typed):
    assert ROWS[name].typed(written) == typed


def test_a_row_of_another_table_may_differ_where_it_is_told_to():
    @dataclass(frozen=True)
    class Stall:
        guests: int = again(ROWS["guests"], of=("market",))

    assert settings_of(Stall)["guests"].help == ROWS["guests"].help
    assert settings_of(Stall)["guests"].of == ("market",) and Stall().guests == -1


@pytest.mark.parametrize(("text", "seconds"), [("5m", 300), ("1h30m", 5400), ("250ms", 0.25), ("2d", 172800)])
def test_durations(text, seconds):
    assert duration_s(text) == seconds
