"""One cluster as a process: lock, keys, store, control plane, signals.

`run` is everything `kubepy up` does between parsing its flags and exiting. What can go wrong for reasons a
person can mend (port or directory in use, unreadable or newer database, wrong settings) is raised as
`StartError`, one sentence.
"""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import signal
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import IO

from kubepy import __version__
from kubepy.api.errors import StatusError
from kubepy.daemon import certificates, instance, open_files, pki
from kubepy.daemon.api_server import keys_of
from kubepy.daemon.basis import Basis
from kubepy.daemon.cluster import ControlPlane
from kubepy.daemon.config import Config
from kubepy.daemon.settings import ConfigError
from kubepy.lib.clock import Clock
from kubepy.lib.random import Random
from kubepy.observability.logs import LogFile, Logs
from kubepy.observability.metrics import Metrics
from kubepy.store.base import Store, Unusable

# Called with what is going on ("loading pods") while start-up takes time.
Progress = Callable[[str], None]


# An address that means all of them -> one by which this machine reaches itself.
_REACHED_AT = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}


class StartError(Exception):
    """Why there is no cluster, in one sentence."""


async def run(
    config: Config, clock: Clock, *, progress: Progress, on_ready: Callable[[instance.Instance], None]
) -> None:
    """Serve until SIGINT or SIGTERM. Raises StartError."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    open_files.raise_limit()
    # Closed in the opposite order, each whatever happens to the others.
    async with AsyncExitStack() as opened:
        opened.callback(_hold(config).close)
        try:
            keys = pki.ensure(config.directory / "pki", clock, addresses=server_addresses(config.bind))
            logs = _logs(config, clock)
            opened.callback(logs.close)
            store = await _open_store(config, clock, logs, progress)
            opened.push_async_callback(store.close)
            basis = Basis(clock, Random(config.seed or None), logs, Metrics())
            plane = ControlPlane(config, store, keys_of(keys), basis)
            opened.push_async_callback(plane.close)
            server = await _start(config, plane, keys, progress)
        except (Unusable, ConfigError, PermissionError) as error:
            raise StartError(str(error)) from None
        here = _announce(config, keys, server, clock)
        log = logs.of("daemon")
        log.info("cluster_ready", server=server, nodes=config.nodes, revision=store.revision, pid=here.pid)
        on_ready(here)
        logs.hush("debug")
        await stop.wait()
        log.info("cluster_stopping", revision=store.revision)


def _logs(config: Config, clock: Clock) -> Logs:
    logs = Logs(
        clock,
        level=config.log_level,
        form=config.log_format,
        stream=sys.stdout,
        file=LogFile(config.directory / "kubepy.log"),
        colour=sys.stdout.isatty(),
    )
    if config.log_format == "console" and config.log_level == "info":
        # A person sees the banner first; how the parts started is in the file.
        logs.hush("warning")
    return logs


async def _start(config: Config, plane: ControlPlane, keys: pki.Pki, progress: Progress) -> str:
    """The URL it is reached at."""
    try:
        port = await plane.listen(certificates.serving(config, keys))
    except OSError as error:
        raise StartError(_listening(config, error)) from None
    try:
        await plane.start(progress, port=port)
    except StatusError as error:
        # Most of all: a key is missing that they were encrypted by.
        raise StartError(f"the cluster's own objects cannot be read or written: {error.message}") from None
    # Modules, tables and caches stay for good; looking at them again costs a collection 200 ms.
    gc.freeze()
    host = f"[{config.bind}]" if ":" in config.bind else config.bind
    return f"https://{_REACHED_AT.get(config.bind, host)}:{port}"


def _announce(config: Config, keys: pki.Pki, server: str, clock: Clock) -> instance.Instance:
    """Write down where the cluster is, for clients and for the other commands."""
    kubeconfig = pki.kubeconfig(keys, server=server, name=_context(config))
    pki.write_private(config.directory / "kubeconfig", kubeconfig.encode())
    here = instance.Instance(
        pid=os.getpid(), server=server, nodes=config.nodes, ephemeral=config.ephemeral,
        started=clock.rfc3339(), version=__version__,
    )  # fmt: skip
    instance.write(config.directory, here)
    return here


def _hold(config: Config) -> IO[str]:
    try:
        return instance.lock(config.directory)
    except instance.InUse as error:
        raise StartError(
            f"{error}; stop it with `{config.command('stop')}`, or start a second cluster with --name"
        ) from None
    except OSError as error:
        why = "it is a file" if isinstance(error, FileExistsError) else error.strerror
        raise StartError(f"cannot use {config.directory}: {why}") from None


async def _open_store(config: Config, clock: Clock, logs: Logs, progress: Progress) -> Store:
    if config.ephemeral:
        from kubepy.store.memory import MemoryStore

        return MemoryStore()
    from kubepy.store.sqlite import SqliteStore

    return await SqliteStore.open(
        config.directory / "store.db", clock=clock, log=logs.of("store"), on_progress=progress
    )


def _context(config: Config) -> str:
    return "kubepy" if config.name == "default" else f"kubepy-{config.name}"


def _listening(config: Config, error: OSError) -> str:
    where = f"{config.bind}:{config.port}"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is in use by another program; choose another port with --port (0 takes a free one)"
    return f"cannot listen on {where}: {os.strerror(error.errno) if error.errno else error}"


def server_addresses(bind: str) -> tuple[str, ...]:
    """IPs the server certificate must carry: loopback, and the bound address unless it is all of them."""
    return tuple(dict.fromkeys(("127.0.0.1", "::1", *((bind,) if bind not in ("0.0.0.0", "::") else ()))))
