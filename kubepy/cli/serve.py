"""Commands that serve until a signal: up, and the parts of a cluster as processes of their own."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from kubepy import __version__
from kubepy.cli.arguments import Parser, fail, flag, given, load, settings

if TYPE_CHECKING:
    from kubepy.daemon.config import Config
    from kubepy.daemon.instance import Instance
    from kubepy.lib.clock import Clock

_EXAMPLES = """\
  kubepy up                                  go on where the cluster was, or start an empty one
  kubepy up --ephemeral --port 0 -d          one for an hour, beside others, in the background
  kubepy up --name big --nodes 500           another, with a state of its own
  kubepy up --scheduler off --controllers '*,-job'     leave parts to programs of your own
  kubepy up --config kubepy.yaml             settings from a file; `kubepy config --documented` writes one
"""
# Parts of a control plane as processes of their own.
_COMPONENTS = {
    "controller-manager": "run the controllers against any Kubernetes API server",
    "scheduler": "run the scheduler against any Kubernetes API server",
    "kubelet": "simulate nodes against any Kubernetes API server",
}
# The parent of a detached cluster hands the descriptor of a pipe over in it, reads the banner there and lets go.
_READY_FD = "KUBEPY_READY_FD"


def declare_up(root: Parser) -> None:
    up = root.command(
        "up", _up, "start a cluster in the foreground", usage="kubepy up [-d] [SETTINGS]", examples=_EXAMPLES
    )
    up.add_argument("--config", metavar="FILE", help="settings file; config/kubepy.yaml documents every key")
    up.add_argument(
        "-d", "--detach", action="store_true", help="start in the background and return when it is ready"
    )
    settings(up)


def declare_components(root: Parser) -> None:
    from kubepy.daemon import component_settings

    for name, help_ in _COMPONENTS.items():
        command = root.command(name, _component, help_, usage=f"kubepy {name} [SETTINGS]")
        command.set_defaults(component=name)
        for setting in component_settings.flags_of(name).values():
            flag(command, setting)


def _up(options: argparse.Namespace) -> None:
    from kubepy.lib.clock import RealClock

    clock = RealClock()
    # Counted from the start of the process, not of this function: imports are what a person waits for too.
    started = clock.monotonic() - _age_s()
    config = load(options)
    if options.detach:
        _detach(config)
        return
    _serve(config, clock, started)


def _serve(config: Config, clock: Clock, started: float) -> None:
    with _loading():
        from kubepy.daemon import daemon

    progress = Progress(sys.stderr)
    handover = os.environ.pop(_READY_FD, "")

    def ready(here: Instance) -> None:
        progress.clear()
        text = banner(config, here, clock.monotonic() - started)
        if handover:
            os.write(int(handover), text.encode())
            os.close(int(handover))
        else:
            # A collector reads JSON lines and nothing else.
            print(text, flush=True, file=sys.stderr if config.log_format == "json" else sys.stdout)

    try:
        _run(daemon.run(config, clock, progress=progress, on_ready=ready))
    except daemon.StartError as error:
        progress.clear()
        fail(str(error))


def _component(options: argparse.Namespace) -> None:
    with _loading():
        from kubepy.daemon import component, component_settings
        from kubepy.daemon.settings import ConfigError
        from kubepy.lib.clock import RealClock

    flags = given(options, component_settings.flags_of(options.component).values())
    try:
        settings = component_settings.make(options.component, flags)
        _run(
            component.run(
                settings,
                RealClock(),
                on_ready=lambda url: print(f"{settings.name} {__version__} · health {url}", flush=True),
            )
        )
    except (ConfigError, component.ComponentError) as error:
        fail(str(error))


@contextlib.contextmanager
def _loading() -> Iterator[None]:
    """Around the imports of a process that will serve: a third of its start was not code.

    aiohttp makes a TLS context with the system's certificate authorities for clients who bring none; ours all do.
    And the collector would scan again and again what stays for good. What it finds later are caches, as objects
    live as bytes: it may be lazy.
    """
    import gc

    places = {name: os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")}
    os.environ.update(dict.fromkeys(places, os.devnull))
    gc.disable()
    try:
        yield
    finally:
        for name, place in places.items():
            if place is None:
                del os.environ[name]
            else:
                os.environ[name] = place
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        gc.enable()


def _run(work: Coroutine[None, None, None]) -> None:
    import asyncio

    try:
        import uvloop
    except ImportError:
        asyncio.run(work)
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


def banner(config: Config, here: Instance, took_s: float) -> str:
    """What a person sees when the cluster is ready."""
    version = ".".join(here.version.split(".")[:2])
    kubeconfig = str(config.directory / "kubeconfig").replace(str(Path.home()), "$HOME", 1)
    nodes = f"{here.nodes} simulated" if here.nodes else "none: nothing runs pods"
    lines = [
        f"kubepy {version} · Kubernetes v{config.kubernetes_version} · ready in {took_s:.1f} s",
        f"  API server   {here.server}",
        f"  kubeconfig   export KUBECONFIG={kubeconfig}",
        f"  nodes        {nodes}",
    ]
    if here.ephemeral:
        lines.append("  storage      memory only, nothing survives a stop")
    return "\n".join(lines)


def _age_s() -> float:
    """Seconds since the kernel started this process; 0 where /proc does not tell."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        uptime = float(Path("/proc/uptime").read_text().split()[0])
    except (OSError, ValueError):
        return 0.0
    return max(0.0, uptime - int(fields[19]) / os.sysconf("SC_CLK_TCK"))


class Progress:
    """One line that overwrites itself, on a terminal only."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream if stream.isatty() else None
        self._shown = False

    def __call__(self, what: str) -> None:
        if self._stream is not None:
            self._stream.write(f"\r\x1b[K{what} …")
            self._stream.flush()
            self._shown = True

    def clear(self) -> None:
        if self._shown and self._stream is not None:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._shown = False


def _detach(config: Config) -> None:
    import subprocess

    from kubepy.daemon import instance

    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    arguments = [a for a in sys.argv[1:] if a not in ("-d", "--detach")]
    try:
        instance.prepare(config.directory)
        errors = (config.directory / "stderr.log").open("w+")
    except OSError as error:
        fail(f"cannot use {config.directory}: {error.strerror}")
    child = subprocess.Popen(
        [sys.executable, "-m", "kubepy", *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
        start_new_session=True, pass_fds=(writer,), env=os.environ | {_READY_FD: str(writer)},
    )  # fmt: skip
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    if text:
        print(text)
        return
    child.wait()
    with errors:
        errors.seek(0)
        sys.stderr.write(errors.read())
    sys.exit(child.returncode or 1)
