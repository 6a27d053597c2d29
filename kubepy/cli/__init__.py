"""The `kubepy` command.

    serve.py     up, and parts of a cluster as processes of their own
    cluster.py   status, stop, kubeconfig, rotate-key, config
    logs.py      logs
    why.py       why, why-not
    arguments.py what the commands have in common: settings as flags, mistakes in one sentence

Every mistake a person can make ends in one sentence on standard error and exit status 1 (2 for wrong flags).
Until a command needs more, only the tables of settings are loaded: they are its flags.
"""

from __future__ import annotations

import os
import sys

from kubepy import __version__
from kubepy.api import versions
from kubepy.cli import cluster, logs, serve, why
from kubepy.cli.arguments import Parser

EXAMPLES = """\
examples:
  kubepy up                     start a cluster here; ^C stops it, its state stays
  kubepy up --nodes 100 -d      start a larger one in the background
  kubepy logs -f                follow what it decides
  kubepy why pod/web-0          ask why a pod waits
  kubepy up --help              all settings; `kubepy COMMAND --help` for the others
"""


def main(arguments: list[str] | None = None) -> None:
    given = sys.argv[1:] if arguments is None else arguments
    root = parser()
    if not given:
        root.print_help()
        return
    options = root.parse(given)
    try:
        options.run(options)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # `kubepy logs | head`: the reader has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def parser() -> Parser:
    root = Parser(
        prog="kubepy", description="The whole Kubernetes control plane in one process.", epilog=EXAMPLES
    )
    version = f"kubepy {__version__} · Kubernetes v{versions.NEWEST}"
    root.add_argument("--version", action="version", version=version, help="print the versions and exit")
    serve.declare_up(root)
    cluster.declare(root)
    logs.declare(root)
    why.declare(root)
    serve.declare_components(root)
    return root
