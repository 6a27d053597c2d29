"""What all commands share: how they are declared, settings as flags, and mistakes in one sentence."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from kubepy.daemon.config import Config
    from kubepy.daemon.settings import Setting, Value

    Group = argparse.ArgumentParser | argparse._ArgumentGroup

Run = Callable[[argparse.Namespace], None]


class Parser(argparse.ArgumentParser):
    """Help that keeps the lines of its examples, and mistakes in one sentence with the nearest word."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs, formatter_class=_Help, add_help=False)
        self._positionals.title = "arguments"
        self.add_argument("-h", "--help", action="help", help="print this and exit")
        self._commands: Any = None

    def command(self, name: str, run: Run, help_: str, *, usage: str = "", examples: str = "") -> Parser:
        """One more command: `run(options)` with what its flags say. `usage` stands for all of them where they are
        many."""
        if self._commands is None:
            self._commands = self.add_subparsers(title="commands", metavar="COMMAND", required=True)
        description = help_[0].upper() + help_[1:] + "."
        made: Parser = self._commands.add_parser(
            name, help=help_, description=description, usage=usage or None,
            epilog=f"examples:\n{examples}" if examples else None,
        )  # fmt: skip
        made.set_defaults(run=run, parser=made)
        return made

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Ends the process with status 2 if they are wrong."""
        options, unknown = self.parse_known_args(arguments)
        if unknown:
            command: Parser = getattr(options, "parser", self)
            what = "unknown flag" if unknown[0].startswith("-") else "one word too many:"
            command.error(f"{what} {unknown[0]}{_nearest(unknown[0], command._option_string_actions)}")
        return options

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As pflag reads them: the word after a flag that has a value is its value, whatever it begins with."""
        return super().parse_known_args(None if args is None else list(self._joined(args)), namespace)

    def _joined(self, words: Sequence[str]) -> Iterator[str]:
        """`--controllers -job` as `--controllers=-job`, which argparse does not take for two flags."""
        rest = iter(words)
        for word in rest:
            action = self._option_string_actions.get(word)
            if action is not None and action.nargs is None and (value := next(rest, None)) is not None:
                yield f"{word}={value}" if word.startswith("--") else f"{word}{value}"
                continue
            yield word
            if word == "--" or (action is None and self._commands and word in self._commands.choices):
                # Nothing behind it is this parser's.
                yield from rest

    def error(self, message: str) -> NoReturn:
        if wrong := re.match(r"argument COMMAND: invalid choice: '(.*?)'", message):
            name = wrong.group(1)
            message = f'there is no command "{name}"{_nearest(name, self._commands.choices)}'
        elif wrong := re.match(r"argument (\S+): invalid choice: '(.*?)' \(choose from (.*)\)$", message):
            choices = wrong.group(3).replace("'", "")
            message = f'{wrong.group(1)} must be one of {choices}, not "{wrong.group(2)}"'
        else:
            message = re.sub(r"^argument (\S+): ", r"\1 ", message)
            message = re.sub(r"^the following arguments are required: (.*)$", r"\1 is missing", message)
        see = " See" if message.endswith("?") else "; see"
        self.exit(2, f"kubepy: {message}{see} `{self.prog} --help`\n")


class _Help(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        """`-n, --lines N` and `--[no-]ephemeral`, each word once."""
        if isinstance(action, argparse.BooleanOptionalAction):
            return f"--[no-]{action.option_strings[0][2:]}"
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        return f"{', '.join(action.option_strings)} {self._format_args(action, action.dest.upper())}"

    def _format_action(self, action: argparse.Action) -> str:
        if not isinstance(action, argparse._SubParsersAction):
            return super()._format_action(action)
        # The commands alone, without the line of their metavar above them.
        return "".join(f"  {each.dest:<20}{each.help}\n" for each in action._get_subactions())


def _nearest(word: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(word.partition("=")[0], list(known), n=1)
    return f"; did you mean {found[0]}?" if found else ""


def place(command: Parser) -> None:
    """Which cluster is meant."""
    command.add_argument(
        "--name",
        default=argparse.SUPPRESS,
        metavar="NAME",
        help='name of the cluster; "default" if not given',
    )
    command.add_argument(
        "--data-dir", default=argparse.SUPPRESS, metavar="DIR", help="where it lives; default ~/.kubepy/NAME"
    )


def output(command: Parser) -> None:
    """An answer as text or as data, asked as somebody."""
    command.add_argument(
        "-o", "--output", default="", choices=["json", "yaml"], help="the whole answer, as data"
    )
    command.add_argument(
        "--kubeconfig", metavar="FILE", default="", help="ask as its user; default the cluster's admin"
    )


def settings(command: Parser) -> None:
    """One flag per setting of a cluster, under the headings of its sections."""
    from kubepy.daemon.config import SETTINGS

    group: Group = command
    for setting in SETTINGS.values():
        if setting.section:
            group = command.add_argument_group(setting.section)
        flag(group, setting)


def flag(group: Group, setting: Setting) -> None:
    """If it is not given it stays out of the namespace, so that file and default hold."""
    text = f"{setting.help}{_default(setting.default)}".replace("%", "%%")
    kwargs: dict[str, Any] = {"help": text, "default": argparse.SUPPRESS}
    if isinstance(setting.default, bool):
        kwargs["action"] = argparse.BooleanOptionalAction
    else:
        kwargs["type"] = _TYPES[type(setting.default)]
        kwargs |= {"choices": setting.choices} if setting.choices else {"metavar": setting.metavar}
    group.add_argument(f"--{setting.name}", dest=setting.attribute, **kwargs)


def _default(value: Value) -> str:
    """As help shows it; what is off, empty or says so itself is not shown."""
    shown = ",".join(value) if isinstance(value, tuple) else value
    if shown in ("", False) or (isinstance(shown, int) and shown < 0):
        return ""
    return f" (default {'on' if shown is True else shown})"


def given(options: argparse.Namespace, settings: Iterable[Setting]) -> dict[str, Any]:
    """What the flags say, by attribute."""
    said = vars(options)
    return {each.attribute: said[each.attribute] for each in settings if each.attribute in said}


def number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f'must be a whole number, not "{text}"') from None


def _amount(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f'must be a number, not "{text}"') from None


def _words(text: str) -> tuple[str, ...]:
    from kubepy.daemon.settings import split

    return split(text)


_TYPES: dict[type, Callable[[str], Any]] = {int: number, float: _amount, str: str, tuple: _words}


def load(options: argparse.Namespace) -> Config:
    """The settings that the flags and the file say."""
    from kubepy.daemon import config_file
    from kubepy.daemon.config import SETTINGS
    from kubepy.daemon.settings import ConfigError

    try:
        return config_file.load(getattr(options, "config", None), given(options, SETTINGS.values()))
    except ConfigError as error:
        fail(str(error))


def fail(sentence: str) -> NoReturn:
    print(f"kubepy: {sentence}", file=sys.stderr)
    sys.exit(1)
