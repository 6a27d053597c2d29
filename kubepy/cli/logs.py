"""`kubepy logs`: the lines of kubepy.log that match, as a person or a program reads them."""

from __future__ import annotations

import argparse
import os
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import IO

from kubepy.cli.arguments import Parser, fail, load, number, place

_POLL_S = 0.1
_EXAMPLES = """\
  kubepy logs -f --component scheduler       follow what the scheduler decides
  kubepy logs -n 20 --object default/web     the last there is about web, its pods too
  kubepy logs --level warning --json | jq    what went wrong, as data
"""


def declare(root: Parser) -> None:
    logs = root.command("logs", _logs, "print the cluster's log", examples=_EXAMPLES)
    place(logs)
    logs.add_argument("-f", "--follow", action="store_true", help="go on as lines are written")
    logs.add_argument("-n", "--lines", type=number, default=0, metavar="N", help="only the last N that match")
    logs.add_argument("--component", default="", metavar="NAME", help="only this component, e.g. scheduler")
    logs.add_argument(
        "--object", default="", metavar="OBJECT", help="only lines about this object, e.g. default/web"
    )
    logs.add_argument(
        "--level", default="", choices=["debug", "info", "warning", "error"], help="this level and above"
    )
    logs.add_argument("--json", action="store_true", help="as JSON lines")


def _logs(options: argparse.Namespace) -> None:
    from kubepy.observability import logs

    config = load(options)
    path = config.directory / "kubepy.log"
    if not path.exists():
        fail(f"there is no log in {config.directory}; start a cluster there with `{config.command('up')}`")
    if options.json:
        render = logs.render_json_text
    else:
        render = logs.render_colour if sys.stdout.isatty() else logs.render_console
    matching = partial(logs.select, component=options.component, object_=options.object, level=options.level)
    with path.open("rb") as file:
        found = matching(written(file))
        for event in deque(found, maxlen=options.lines) if options.lines else found:
            sys.stdout.write(render(event))
        if options.follow:
            sys.stdout.flush()
            for event in matching(tail(file, path)):
                sys.stdout.write(render(event))
                sys.stdout.flush()


def written(file: IO[bytes]) -> Iterator[bytes]:
    """The whole lines so far; one that is still being written is left to be read."""
    for line in file:
        if not line.endswith(b"\n"):
            file.seek(-len(line), os.SEEK_CUR)
            return
        yield line


def tail(file: IO[bytes], path: Path) -> Iterator[bytes]:
    """The lines to come, across a rotation; a line that is being written, when it is whole."""
    from kubepy.lib.clock import pause

    begun = b""
    with ExitStack() as later:
        while True:
            # Asked first: what came to the old file until then is read to its end.
            is_rotated = path.exists() and path.stat().st_ino != os.fstat(file.fileno()).st_ino
            for line in file:
                begun += line
                if begun.endswith(b"\n"):
                    yield begun
                    begun = b""
            if is_rotated:
                later.close()
                file = later.enter_context(path.open("rb"))
            else:
                pause(_POLL_S)
