"""Files that are read again when they change, without a restart.

    files = Files(clock=clock, tasks=tasks, log=log, metrics=metrics, identity="apiserver-...")
    files.follow(AUTHORIZATION, [path], reload)         `reload` raises ConfigError: what was goes on
    files.start()

A file is read when its time, size or inode is another, and counts as changed when its content is. A reload that failed
is tried again after a minute, or when the file changes once more: the world (an issuer that is away) may mend without
the file. Where nothing is followed there is no timer.

Upstream is told by the kernel of changes and looks itself once a minute; here it is a look every PERIOD_S.

Source: kubernetes pkg/util/filesystem/watcher.go, apiserver pkg/server/dynamiccertificates,
pkg/server/options/{authentication,authorization,encryption}config/metrics/metrics.go.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from msgspec import Struct

from kubepy.daemon.settings import ConfigError
from kubepy.lib.aio import Tasks
from kubepy.lib.clock import Clock
from kubepy.observability.logs import Logger
from kubepy.observability.metrics import Metrics

PERIOD_S, RETRY_S = 2.0, 60.0

AUTHENTICATION, AUTHORIZATION, ENCRYPTION = "authentication", "authorization", "encryption"
# What upstream counts, in its words.
_TOTAL = {
    AUTHENTICATION: "Total number of automatic reloads of authentication configuration split by status and apiserver "
    "identity.",
    AUTHORIZATION: "Total number of automatic reloads of authorization configuration split by status and apiserver "
    "identity.",
    ENCRYPTION: "Total number of reload successes and failures of encryption configuration split by apiserver "
    "identity.",
}
_LABELS = ("status", "apiserver_id_hash")

Reload = Callable[[], Awaitable[None]]
Signature = tuple[tuple[int, int, int] | None, ...]


class _Followed(Struct):
    what: str
    paths: tuple[Path, ...]
    reload: Reload
    seen: Signature
    content: str  # hash of what is in force
    retry_at: float | None = None


class Files:
    def __init__(
        self, *, clock: Clock, tasks: Tasks, log: Logger, metrics: Metrics, identity: str = ""
    ) -> None:
        self._clock, self._tasks, self._log, self._metrics = clock, tasks, log, metrics
        self._identity = _hash(identity.encode())
        self._followed: list[_Followed] = []
        self._is_started = self._is_running = False

    def follow(self, what: str, paths: Sequence[str | Path], reload: Reload) -> None:
        """From what the files are now on: to be called when they have been read for the first time."""
        known = tuple(Path(path).expanduser() for path in paths)
        followed = _Followed(what, known, reload, _signature(known), _content(known))
        self._followed.append(followed)
        self._note(followed)
        self._run_if_wanted()

    def start(self) -> None:
        self._is_started = True
        self._run_if_wanted()

    def _run_if_wanted(self) -> None:
        if self._is_started and self._followed and not self._is_running:
            self._is_running = True
            self._tasks.start(self._run(), name="configuration-files")

    async def _run(self) -> None:
        while True:
            await self._clock.sleep(PERIOD_S)
            now = self._clock.monotonic()
            for followed in self._followed:
                found = _signature(followed.paths)
                is_due = followed.retry_at is not None and now >= followed.retry_at
                if found != followed.seen or is_due:
                    followed.seen = found
                    await self._reload(followed, now)

    async def _reload(self, followed: _Followed, now: float) -> None:
        content = _content(followed.paths)
        if content == followed.content:
            followed.retry_at = None
            return
        names = ", ".join(map(str, followed.paths))
        try:
            await followed.reload()
        except ConfigError as error:
            followed.retry_at = now + RETRY_S
            self._count(followed.what, "failure")
            self._log.error("configuration_not_reloaded", what=followed.what, file=names, error=str(error))
            return
        followed.retry_at, followed.content = None, content
        self._count(followed.what, "success")
        self._note(followed)
        self._log.info("configuration_reloaded", what=followed.what, file=names)

    def _count(self, what: str, status: str) -> None:
        if what not in _TOTAL:
            return
        name = f"apiserver_{what}_config_controller_automatic_reload"
        when = f"Timestamp of the last automatic reload of {what} configuration split by status and apiserver identity."
        self._metrics.counter(f"{name}s_total", _TOTAL[what], _LABELS).labels(status, self._identity).inc()
        last = self._metrics.gauge(f"{name}_last_timestamp_seconds", when, _LABELS)
        last.labels(status, self._identity).set(self._clock.now())

    def _note(self, followed: _Followed) -> None:
        """Which content is in force."""
        what = followed.what
        if what not in _TOTAL:
            return
        info = self._metrics.gauge(
            f"apiserver_{what}_config_controller_last_config_info",
            f"Information about the last applied {what} configuration with hash as label, split by apiserver identity.",
            ("apiserver_id_hash", "hash"),
        )
        info.clear()
        info.labels(self._identity, followed.content).set(1)


def _hash(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}" if data else ""


def _content(paths: Sequence[Path]) -> str:
    """ "": it cannot be read."""
    try:
        return _hash(b"".join(path.read_bytes() for path in paths))
    except OSError:
        return ""


def _signature(paths: Sequence[Path]) -> Signature:
    return tuple(map(_stamp, paths))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """None: it cannot be looked at."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
