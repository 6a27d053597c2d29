"""Mistakes in one sentence, with the nearest right word; help that says all and shows little."""

import pytest

from kubepy import cli


def mistake(capsys, *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    said = capsys.readouterr()
    assert said.out == ""
    return ended.value.code, said.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["upp"], 'there is no command "upp"; did you mean up? See `kubepy --help`'),
        (["xyz"], 'there is no command "xyz"; see `kubepy --help`'),
        (["up", "--prot", "3"], "unknown flag --prot; did you mean --port? See `kubepy up --help`"),
        (["logs", "--levl=info"], "unknown flag --levl=info; did you mean --level? See `kubepy logs --help`"),
        (["status", "now"], "one word too many: now; see `kubepy status --help`"),
        (["up", "--nodes", "x"], '--nodes must be a whole number, not "x"; see `kubepy up --help`'),
        (
            ["up", "--node-eviction-rate", "x"],
            '--node-eviction-rate must be a number, not "x"; see `kubepy up --help`',
        ),
        (
            ["up", "--scheduler", "maybe"],
            '--scheduler must be one of on, off, not "maybe"; see `kubepy up --help`',
        ),
        (["why"], "pod/NAME is missing; see `kubepy why --help`"),
        (["why-not", "get", "pods"], "--as is missing; see `kubepy why-not --help`"),
    ],
)
def test_wrong_flags_are_told_in_one_sentence(arguments, sentence, capsys):
    assert mistake(capsys, *arguments) == (2, f"kubepy: {sentence}\n")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ("nodse: 3", 'kubepy.yaml:1: unknown key "nodse"; did you mean "nodes"?'),
        ("nodes: many", "kubepy.yaml:1: \"nodes\" must be a whole number, not 'many'"),
        ("port: 99999", "port must be 0 to 65535, not 99999"),
    ],
)
def test_wrong_settings_too(settings, sentence, tmp_path, capsys):
    (tmp_path / "kubepy.yaml").write_text(settings)
    code, said = mistake(capsys, "config", "--config", str(tmp_path / "kubepy.yaml"))
    assert code == 1
    assert said.startswith("kubepy: ") and said.endswith(f"{sentence}\n") and said.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "attribute", "value"),
    [
        (["up", "--controllers", "-job"], "controllers", ("-job",)),
        (["up", "--controllers", "-job,*", "--nodes", "2"], "controllers", ("-job", "*")),
        (["up", "--controllers=*,-job"], "controllers", ("*", "-job")),
        (["up", "--nodes", "-1"], "nodes", -1),
        (["up", "--name", "up", "--no-ephemeral"], "name", "up"),
        (["logs", "-n", "-3"], "lines", -3),
    ],
)
def test_the_word_after_a_flag_is_its_value_whatever_it_begins_with(arguments, attribute, value):
    assert getattr(cli.parser().parse(arguments), attribute) == value


def test_no_command_is_a_question_for_help(capsys):
    cli.main([])
    said = capsys.readouterr().out
    assert said.startswith("usage: kubepy ")
    assert "  up                  start a cluster in the foreground\n" in said
    assert "COMMAND\n" not in said.partition("commands:")[2]


def test_the_many_settings_are_not_in_the_usage_line(capsys):
    with pytest.raises(SystemExit):
        cli.main(["up", "--help"])
    said = capsys.readouterr().out
    assert said.startswith("usage: kubepy up [-d] [SETTINGS]\n")
    assert "\nthe cluster:\n" in said


def test_abbreviated_help_of_every_command_says_what_it_does(capsys):
    for name, command in cli.parser()._commands.choices.items():
        with pytest.raises(SystemExit):
            command.parse(["--help"])
        assert f"usage: kubepy {name} " in capsys.readouterr().out
        assert all(action.help for action in command._actions), name
