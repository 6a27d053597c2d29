"""The `kubepy` command: up, status, stop, kubeconfig, logs, why, why-not, config, and parts of it as own processes.

Every mistake a person can make ends in one sentence on standard error and exit status 1 (2 for wrong flags).
Nothing but argparse is imported until a command needs it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

from kubepy import __version__
from kubepy.api import versions

if TYPE_CHECKING:
    from kubepy.daemon.config import Config
    from kubepy.daemon.instance import Instance

# `kubepy stop` waits this long for a clean end before it says so.
STOP_TIMEOUT_S = 15.0


def main(arguments: list[str] | None = None) -> None:
    options = parser().parse_args(arguments)
    try:
        options.run(options)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # `kubepy logs | head`: the reader has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="kubepy", description="The whole Kubernetes control plane in one process."
    )
    root.add_argument(
        "--version", action="version", version=f"kubepy {__version__} · Kubernetes v{versions.NEWEST}"
    )
    commands = root.add_subparsers(title="commands", metavar="COMMAND", required=True)

    up = _command(commands, "up", _up, "start a cluster in the foreground")
    up.add_argument("--config", metavar="FILE", help="settings file; config/kubepy.yaml documents every key")
    up.add_argument(
        "--detach", action="store_true", help="start in the background and return when it is ready"
    )
    _settings(up)

    named = {"status": (_status, "say whether the cluster runs, and how it is")}
    named["stop"] = (_stop, "stop the cluster; its state stays")
    named["kubeconfig"] = (_kubeconfig, "print a self-contained admin kubeconfig")
    named["rotate-key"] = (_rotate_key, "make a new key for service account tokens; old tokens stay good")
    for name, (run, help_) in named.items():
        _place(_command(commands, name, run, help_))

    logs = _command(commands, "logs", _logs, "print the cluster's log")
    _place(logs)
    logs.add_argument("-f", "--follow", action="store_true", help="go on as lines are written")
    logs.add_argument("-n", "--lines", type=int, default=0, metavar="N", help="only the last N")
    logs.add_argument("--component", default="", help="only this component, e.g. scheduler")
    logs.add_argument("--object", default="", help="only lines about this object, e.g. default/web")
    logs.add_argument(
        "--level", default="", choices=["debug", "info", "warning", "error"], help="this level and above"
    )
    logs.add_argument("--json", action="store_true", help="as JSON lines")

    why = _command(commands, "why", _why, "say why a pod is where it is, or is nowhere")
    _place(why)
    why.add_argument("pod", metavar="pod/NAME")
    why.add_argument("-n", "--namespace", default="default", metavar="NAMESPACE")
    why.add_argument("-o", "--output", default="", choices=["json", "yaml"], help="the whole answer, as data")
    why.add_argument("--nodes", type=int, default=50, metavar="N", help="tell about so many nodes one by one")
    why.add_argument(
        "--kubeconfig",
        metavar="FILE",
        default="",
        help="ask as its user; default the cluster's own, its admin",
    )

    why_not = _command(
        commands, "why-not", _why_not, "say which role lets somebody do something, or which come nearest"
    )
    _place(why_not)
    why_not.add_argument("verb", metavar="VERB", help="get, list, create ...")
    why_not.add_argument(
        "resource", metavar="RESOURCE|/PATH", help="pods, deployments.apps, pods/log, /metrics"
    )
    why_not.add_argument("object", nargs="?", default="", metavar="NAME")
    why_not.add_argument("--as", dest="user", required=True, metavar="USER", help="who wants it")
    why_not.add_argument(
        "--as-group",
        dest="groups",
        action="append",
        default=[],
        metavar="GROUP",
        help="may come several times",
    )
    why_not.add_argument("-n", "--namespace", default="default", metavar="NAMESPACE")
    why_not.add_argument("-A", "--all-namespaces", action="store_true", help="in the whole cluster")
    why_not.add_argument(
        "-o", "--output", default="", choices=["json", "yaml"], help="the whole answer, as data"
    )
    why_not.add_argument(
        "--kubeconfig",
        metavar="FILE",
        default="",
        help="ask as its user; default the cluster's own, its admin",
    )

    config = _command(commands, "config", _config, "print the effective settings")
    config.add_argument("--config", metavar="FILE", help="settings file")
    config.add_argument(
        "--documented", action="store_true", help="print every key with its meaning and default"
    )
    _settings(config)

    for name, help_ in _COMPONENTS.items():
        _component(_command(commands, name, _run_component, help_), name)
    return root


# Parts of a control plane as processes of their own.
_COMPONENTS = {
    "controller-manager": "run the controllers against any Kubernetes API server",
    "scheduler": "run the scheduler against any Kubernetes API server",
    "kubelet": "simulate nodes against any Kubernetes API server",
}


def _component(command: argparse.ArgumentParser, name: str) -> None:
    from kubepy.daemon import component_settings

    command.set_defaults(component=name)
    for flag, known in component_settings.flags_of(name).items():
        _flag(command, flag, known)


def _command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], None], help_: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=help_, description=help_[0].upper() + help_[1:] + ".")
    command.set_defaults(run=run)
    return command


def _place(command: argparse.ArgumentParser) -> None:
    command.add_argument("--name", default=argparse.SUPPRESS, metavar="NAME", help="cluster name (default)")
    command.add_argument(
        "--data-dir", default=argparse.SUPPRESS, metavar="DIR", help="where the cluster lives"
    )


def _settings(command: argparse.ArgumentParser) -> None:
    """One flag per setting; those not given stay out of the namespace, so that file and defaults hold."""
    from kubepy.daemon.config import FIELDS

    for name, known in FIELDS.items():
        _flag(command, name, known)


def _flag(command: argparse.ArgumentParser, name: str, known: Any) -> None:
    """A dataclass field as a flag; see daemon/config.py for its metadata."""
    from kubepy.daemon.config import split

    kwargs: dict[str, Any] = {
        "help": known.metadata["help"].replace("%", "%%"),
        "default": argparse.SUPPRESS,
    }
    if isinstance(known.default, bool):
        kwargs["action"] = argparse.BooleanOptionalAction
    else:
        kwargs["type"] = split if isinstance(known.default, tuple) else type(known.default)
        if known.metadata.get("choices"):
            kwargs["choices"] = known.metadata["choices"]
        else:
            kwargs["metavar"] = known.metadata["metavar"]
    command.add_argument(f"--{name}", dest=known.name, **kwargs)


def _load(options: argparse.Namespace) -> Config:
    from kubepy.daemon import config

    flags = {f.name: getattr(options, f.name) for f in config.FIELDS.values() if hasattr(options, f.name)}
    try:
        return config.load(getattr(options, "config", None), flags)
    except config.ConfigError as error:
        _fail(str(error))


def _fail(sentence: str) -> NoReturn:
    print(f"kubepy: {sentence}", file=sys.stderr)
    sys.exit(1)


# -- up --------------------------------------------------------------------------------------------------------


def _up(options: argparse.Namespace) -> None:
    from kubepy.lib.clock import RealClock

    clock = RealClock()
    # Counted from the start of the process, not of this function: imports are what a person waits for too.
    started = clock.monotonic() - _age_s()
    config = _load(options)
    if options.detach:
        _detach(config, options)
        return
    _serve(config, clock, started)


def _serve(config: Config, clock: Any, started: float) -> None:
    with _loading():
        from kubepy.daemon import daemon

    progress = Progress(sys.stderr)
    # The parent of a detached cluster reads our banner from this descriptor and then lets go.
    handover = os.environ.pop("KUBEPY_READY_FD", "")

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
        _fail(str(error))


def _run_component(options: argparse.Namespace) -> None:
    with _loading():
        from kubepy.daemon import component, component_settings
        from kubepy.daemon.config import ConfigError
        from kubepy.lib.clock import RealClock

    known = component_settings.flags_of(options.component).values()
    try:
        settings = component_settings.make(
            options.component, {f.name: getattr(options, f.name) for f in known if hasattr(options, f.name)}
        )
        _run(
            component.run(
                settings,
                RealClock(),
                on_ready=lambda url: print(f"{settings.name} {__version__} · health {url}", flush=True),
            )
        )
    except (ConfigError, component.ComponentError) as error:
        _fail(str(error))


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


def _run(work: Any) -> None:
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

    def __init__(self, stream: Any) -> None:
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


def _detach(config: Config, options: argparse.Namespace) -> None:
    import subprocess

    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    arguments = [a for a in sys.argv[1:] if a != "--detach"]
    config.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    errors = (config.directory / "stderr.log").open("w+")
    child = subprocess.Popen(
        [sys.executable, "-m", "kubepy", *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
        start_new_session=True, pass_fds=(writer,), env=os.environ | {"KUBEPY_READY_FD": str(writer)},
    )  # fmt: skip
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    if text:
        print(text)
        return
    child.wait()
    errors.seek(0)
    sys.stderr.write(errors.read())
    sys.exit(child.returncode or 1)


# -- the others ------------------------------------------------------------------------------------------------


def _running(config: Config) -> Instance:
    from kubepy.daemon import instance

    here = instance.read(config.directory)
    if here is None or not instance.is_running(config.directory):
        _fail(f'cluster "{config.name}" is not running')
    return here


def _status(options: argparse.Namespace) -> None:
    config = _load(options)
    here = _running(config)
    code, text = _get(config, here, "/readyz?verbose")
    state = "ready" if code == 200 else "not ready"
    print(f'cluster "{config.name}" is {state}: {here.server}, pid {here.pid}, since {here.started}')
    print(text, end="")
    if code != 200:
        sys.exit(1)


def _get(config: Config, here: Instance, path: str) -> tuple[int, str]:
    import ssl
    import urllib.error
    import urllib.request

    context = ssl.create_default_context(cafile=str(config.directory / "pki" / "ca.crt"))
    # Loopback never goes through a proxy.
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    try:
        with opener.open(here.server + path, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        _fail(f"{here.server} does not answer: {getattr(error, 'reason', error)}")


def _stop(options: argparse.Namespace) -> None:
    import signal

    from kubepy.daemon import instance
    from kubepy.lib.clock import RealClock, pause

    config = _load(options)
    here = _running(config)
    os.kill(here.pid, signal.SIGTERM)
    clock = RealClock()
    deadline = clock.monotonic() + STOP_TIMEOUT_S
    while instance.is_running(config.directory):
        if clock.monotonic() > deadline:
            _fail(f"pid {here.pid} has not ended after {STOP_TIMEOUT_S:.0f} s")
        pause(0.02)
    print(f'cluster "{config.name}" stopped')


def _kubeconfig(options: argparse.Namespace) -> None:
    config = _load(options)
    try:
        print((config.directory / "kubeconfig").read_text(), end="")
    except FileNotFoundError:
        _fail(f'there is no cluster "{config.name}"; start it with `kubepy up --name {config.name}`')


def _rotate_key(options: argparse.Namespace) -> None:
    from kubepy.daemon import pki

    config = _load(options)
    directory = config.directory / "pki"
    if not (directory / "sa.key").exists():
        _fail(f'there is no cluster "{config.name}"; start it with `kubepy up --name {config.name}`')
    earlier = pki.rotate_service_account_key(directory)
    print(
        f"tokens are signed with a new key from the next start on; those of the old one are good until {earlier} goes"
    )


def _logs(options: argparse.Namespace) -> None:
    from kubepy.observability import logs

    config = _load(options)
    path = config.directory / "kubepy.log"
    if not path.exists():
        _fail(f'cluster "{config.name}" has no log yet ({path})')
    if options.json:
        render = logs.render_json_text
    else:
        render = logs.render_colour if sys.stdout.isatty() else logs.render_console
    with path.open("rb") as file:
        lines: Any = _tail(file, path, options.lines) if options.follow else _last(file, options.lines)
        for event in logs.select(
            lines, component=options.component, object_=options.object, level=options.level
        ):
            sys.stdout.write(render(event))
            if options.follow:
                sys.stdout.flush()


def _last(file: IO[bytes], count: int) -> Iterator[bytes]:
    from collections import deque

    return iter(deque(file, maxlen=count) if count else file)


def _tail(file: IO[bytes], path: Path, count: int) -> Iterator[bytes]:
    """The file's lines and then those to come, across a rotation."""
    from kubepy.lib.clock import pause

    yield from _last(file, count)
    partial = b""
    while True:
        for line in file:
            partial += line
            if partial.endswith(b"\n"):
                yield partial
                partial = b""
        pause(0.1)
        if path.exists() and path.stat().st_ino != os.fstat(file.fileno()).st_ino:
            file = path.open("rb")


def _why_not(options: argparse.Namespace) -> None:
    from urllib.parse import urlencode

    query = [("user", options.user), *(("group", group) for group in options.groups), ("verb", options.verb)]
    if options.resource.startswith("/"):
        query.append(("path", options.resource))
    else:
        query += [("resource", options.resource), ("name", options.object)]
        query.append(("namespace", "" if options.all_namespaces else options.namespace))
    path = f"/apis/authorization.k8s.io/v1/subjectaccessreviews/any/why?{urlencode(query)}"
    found = _answer(options, path, {})
    if options.output:
        print(_rendered(found, options.output), end="")
        return
    from kubepy.apiserver.authz import why

    print(why.render(found), end="")


def _why(options: argparse.Namespace) -> None:
    kind, _, name = options.pod.rpartition("/")
    if kind not in ("", "pod", "pods", "po") or not name:
        _fail(f'only pods have a why: pod/NAME, not "{options.pod}"')
    path = f"/api/v1/namespaces/{options.namespace}/pods/{name}/why"
    found = _answer(options, path, {"nodes": str(options.nodes)})
    if options.output:
        print(_rendered(found, options.output), end="")
        return
    from kubepy.scheduler import why_text

    print(why_text.render(found), end="")


def _answer(options: argparse.Namespace, path: str, query: dict[str, str]) -> Any:
    """What the server says, asked as the kubeconfig's user, or as the cluster's own admin."""
    import asyncio

    from kubepy.api.errors import StatusError
    from kubepy.client import kubeconfig
    from kubepy.client.transport import ConnectionLost

    if not options.kubeconfig:
        config = _load(options)
        _running(config)
        options.kubeconfig = str(config.directory / "kubeconfig")
    try:
        access = kubeconfig.load(options.kubeconfig)
        return asyncio.run(_ask(access, path, query))
    except (kubeconfig.Unusable, StatusError, ConnectionLost) as error:
        _fail(str(error))


def _rendered(found: Any, form: str) -> str:
    if form == "json":
        import orjson

        return orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n"
    from kubepy.lib import yaml

    return yaml.dump(found)


async def _ask(access: Any, path: str, query: dict[str, str]) -> Any:
    from kubepy.lib.clock import RealClock
    from kubepy.lib.random import Random

    transport = access.transport(clock=RealClock(), random=Random(None))
    try:
        return (await transport.request("GET", path, query=query)).obj
    finally:
        await transport.close()


def _config(options: argparse.Namespace) -> None:
    from kubepy.daemon import config

    print(config.documented() if options.documented else config.render(_load(options)), end="")
