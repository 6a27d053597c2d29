"""One line per decision.

Every component is handed a logger bound with `component`; an event is a stable snake_case word, what it is
about sits in fields with stable names: object ("default/web-0"), kind, revision (of the write that came of the
decision), seen (revision of the object that was decided upon), request_id, duration_ms, node, reason, error.

Two sinks: what a person or a collector reads on standard output (console or JSON), and `kubepy.log` in the
data directory (always JSON), which `kubepy logs -f` tails. Lines below the level cost under a microsecond.
Nothing secret is logged: no bodies, tokens or keys.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, MutableMapping
from pathlib import Path
from typing import Any, TextIO

import orjson

if "rich" not in sys.modules:
    # structlog imports rich when it finds it, which costs a third of our start-up; we print plainly.
    sys.modules["rich"] = None  # type: ignore[assignment]
    import structlog

    del sys.modules["rich"]
else:
    import structlog

from kubepy.lib import clock as clocks
from kubepy.lib.clock import Clock

Logger = structlog.typing.FilteringBoundLogger

Event = MutableMapping[str, Any]

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}

# Rotated at this size, one old file is kept: enough for a day's work, never a full disk.
LOG_SIZE_BYTES_MAX = 64 << 20

_COLOURS = {"debug": "\x1b[2m", "info": "", "warning": "\x1b[33m", "error": "\x1b[31m"}
_RESET, _DIM, _BOLD = "\x1b[0m", "\x1b[2m", "\x1b[1m"


class LogFile:
    """The JSON lines file with one rotation; every line is flushed, for a tail must not lag."""

    def __init__(self, path: Path, size_bytes_max: int = LOG_SIZE_BYTES_MAX) -> None:
        self.path, self.size_bytes_max = path, size_bytes_max
        self._open()

    def _open(self) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._file = io.FileIO(descriptor, "w")
        self._size = os.fstat(descriptor).st_size

    def write(self, line: bytes) -> None:
        try:
            if self._size > self.size_bytes_max:
                self._rotate()
            self._size += self._file.write(line) or 0
        except OSError:
            # A full disk must not take the cluster down for want of a log line; the store speaks up by itself.
            pass

    def _rotate(self) -> None:
        self.path.replace(self.path.with_suffix(self.path.suffix + ".1"))
        old = self._file
        self._open()
        old.close()

    def close(self) -> None:
        self._file.close()


class Sinks:
    """Where the finished event goes: standard output in one of two forms, and the log file."""

    def __init__(
        self, stream: TextIO | None, *, form: str, file: LogFile | None, colour: bool = False
    ) -> None:
        self._stream, self._file = stream, file
        self.stream_level = 0
        self._render = render_json_text if form == "json" else (render_colour if colour else render_console)

    def __call__(self, _logger: Any, method: str, event: Event) -> str:
        if self._file is not None:
            self._file.write(render_json(event))
        if self._stream is not None and LEVELS.get(method, 40) >= self.stream_level:
            try:
                self._stream.write(self._render(event))
                self._stream.flush()
            except (OSError, ValueError):
                self._stream = None  # the terminal went away; the file goes on
        raise structlog.DropEvent


class Logs:
    """All loggers of one cluster share this: `logs.of("scheduler")`."""

    def __init__(
        self,
        clock: Clock,
        *,
        level: str = "info",
        form: str = "console",
        stream: TextIO | None = None,
        file: LogFile | None = None,
        colour: bool = False,
    ) -> None:
        def stamp(_logger: Any, method: str, event: Event) -> Event:
            return {"time": clocks.rfc3339_micro(clock.now()), "level": method, **event}

        self._file = file
        self._sinks = Sinks(stream, form=form, file=file, colour=colour)
        self._root: Logger = structlog.wrap_logger(
            None,
            processors=[stamp, render_exception, self._sinks],
            wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
            cache_logger_on_first_use=False,
        )

    def of(self, component: str) -> Logger:
        return self._root.bind(component=component)

    def hush(self, level: str) -> None:
        """From now on the stream gets this level and above; the file still gets everything."""
        self._sinks.stream_level = LEVELS[level]

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def lines_to(stream: Any) -> structlog.BytesLogger:
    """A logger of finished lines, for logs whose form others have laid down; `stream` is a file of bytes."""
    return structlog.BytesLogger(stream)


def silent() -> Logger:
    """A logger that drops everything, for tests and tools."""
    return structlog.wrap_logger(
        None,
        processors=[_drop],
        wrapper_class=structlog.make_filtering_bound_logger(50),
    )


def _drop(_logger: Any, _method: str, _event: Event) -> str:
    raise structlog.DropEvent


def render_exception(_logger: Any, _method: str, event: Event) -> Event:
    """exc_info=exception -> error and traceback as text."""
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        import traceback

        event["error"] = f"{type(error).__name__}: {error}"
        event["traceback"] = "".join(traceback.format_exception(error))
    return event


def render_json(event: Event) -> bytes:
    return orjson.dumps(event, default=str, option=orjson.OPT_APPEND_NEWLINE)


def render_json_text(event: Event) -> str:
    return render_json(event).decode()


def render_console(event: Event) -> str:
    """10:00:00.123 info    scheduler                pod_bound  object=default/web-0 node=node-1"""
    return _console(event, "", "", "", "")


def render_colour(event: Event) -> str:
    return _console(event, _COLOURS.get(event.get("level", ""), ""), _DIM, _BOLD, _RESET)


_HEAD = frozenset({"time", "level", "component", "event", "traceback"})


def _console(event: Event, tint: str, dim: str, bold: str, reset: str) -> str:
    fields = " ".join(f"{dim}{k}={reset}{_plain(v)}" for k, v in event.items() if k not in _HEAD)
    line = (
        f"{dim}{event.get('time', '')[11:23]}{reset} {tint}{event.get('level', ''):<7}{reset} "
        f"{event.get('component', ''):<24} {bold}{event.get('event', '')}{reset}  {fields}".rstrip()
    )
    return f"{line}\n{event['traceback']}" if "traceback" in event else line + "\n"


def _plain(value: Any) -> str:
    text = str(value)
    return f'"{text}"' if " " in text or not text else text


def select(
    lines: Iterable[bytes | str], *, component: str = "", object_: str = "", level: str = ""
) -> Iterable[Event]:
    """The events that match: component starts with, object contains, level at least."""
    least = LEVELS.get(level, 0)
    for line in lines:
        try:
            event = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue  # a line that is still being written, or was cut off by a crash
        if component and not f"{event.get('component', '')}".startswith(component):
            continue
        if object_ and object_ not in f"{event.get('object', '')}":
            continue
        if LEVELS.get(event.get("level", ""), 0) >= least:
            yield event
