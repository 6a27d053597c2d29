"""Commands about a cluster that is there already: status, stop, kubeconfig, rotate-key, config."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, NoReturn

from kubepy.cli.arguments import Parser, fail, load, place, settings

if TYPE_CHECKING:
    from kubepy.daemon.config import Config
    from kubepy.daemon.instance import Instance

# `kubepy stop` waits this long for a clean end before it says so.
STOP_TIMEOUT_S = 15.0


def declare(root: Parser) -> None:
    for name, run, help_ in (
        ("status", _status, "say whether the cluster runs, and how it is"),
        ("stop", _stop, "stop the cluster; its state stays"),
        ("kubeconfig", _kubeconfig, "print a self-contained admin kubeconfig"),
        ("rotate-key", _rotate_key, "make a new key for service account tokens; old tokens stay good"),
    ):
        place(root.command(name, run, help_))
    config = root.command(
        "config", _config, "print the effective settings", usage="kubepy config [--documented] [SETTINGS]"
    )
    config.add_argument("--config", metavar="FILE", help="settings file")
    config.add_argument(
        "--documented", action="store_true", help="print every key with its meaning and default"
    )
    settings(config)


def running(config: Config) -> Instance:
    """Where the cluster is; ends the process with a sentence if it does not run."""
    from kubepy.daemon import instance

    here = instance.read(config.directory)
    if here is None or not instance.is_running(config.directory):
        fail(f"{config.called} is not running; start it with `{config.command('up')}`")
    return here


def _status(options: argparse.Namespace) -> None:
    config = load(options)
    here = running(config)
    code, text = _get(config, here, "/readyz?verbose")
    state = "ready" if code == 200 else "not ready"
    print(f"{config.called} is {state}: {here.server}, pid {here.pid}, since {here.started}")
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
        fail(f"{here.server} does not answer: {getattr(error, 'reason', error)}")


def _stop(options: argparse.Namespace) -> None:
    import signal

    from kubepy.daemon import instance
    from kubepy.lib.clock import RealClock, pause

    config = load(options)
    here = running(config)
    os.kill(here.pid, signal.SIGTERM)
    clock = RealClock()
    deadline = clock.monotonic() + STOP_TIMEOUT_S
    while instance.is_running(config.directory):
        if clock.monotonic() > deadline:
            fail(f"pid {here.pid} has not ended after {STOP_TIMEOUT_S:.0f} s")
        pause(0.02)
    print(f"{config.called} stopped")


def _kubeconfig(options: argparse.Namespace) -> None:
    config = load(options)
    try:
        print((config.directory / "kubeconfig").read_text(), end="")
    except FileNotFoundError:
        _absent(config)


def _rotate_key(options: argparse.Namespace) -> None:
    from kubepy.daemon import pki

    config = load(options)
    directory = config.directory / "pki"
    if not (directory / "sa.key").exists():
        _absent(config)
    earlier = pki.rotate_service_account_key(directory)
    print(
        f"tokens are signed with a new key from the next start on; those of the old one are good until {earlier} goes"
    )


def _absent(config: Config) -> NoReturn:
    fail(f"there is no {config.called}; start it with `{config.command('up')}`")


def _config(options: argparse.Namespace) -> None:
    from kubepy.daemon import config_file

    text = config_file.documented() if options.documented else config_file.render(load(options))
    print(text, end="")
