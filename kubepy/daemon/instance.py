"""What one running cluster leaves on disk for the other commands: the lock, and instance.json.

The lock (an flock, so it dies with its process) makes a data directory exclusive; instance.json says where the running
cluster is and is rewritten at each start.
"""

from __future__ import annotations

import fcntl
import os
from dataclasses import asdict, dataclass
from errno import EPERM
from pathlib import Path
from typing import IO

import orjson


class InUse(Exception):
    """Another kubepy runs in this data directory."""


@dataclass(frozen=True, slots=True)
class Instance:
    pid: int  # 4242
    server: str  # "https://127.0.0.1:6443"
    nodes: int
    ephemeral: bool
    started: str  # "2026-11-23T10:00:00Z"
    version: str  # "0.1.0"


def prepare(directory: Path) -> None:
    """Make it, or close it to others before anything is written there.

    Raises PermissionError where others use it.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    if directory.stat().st_mode & 0o077:
        # What others read here, /tmp say, is not to be closed to them.
        if not (directory / "lock").exists() and any(directory.iterdir()):
            raise PermissionError(EPERM, "it is open to others and holds other things than a cluster")
        directory.chmod(0o700)


def lock(directory: Path) -> IO[str]:
    """Hold the returned file as long as the directory is ours. Nobody else can read it from then on.

    Raises InUse, and PermissionError where others use it.
    """
    prepare(directory)
    file = (directory / "lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        pid = file.read().strip()
        file.close()
        raise InUse(f"{directory} is in use by another kubepy" + (f" (pid {pid})" if pid else "")) from None
    file.seek(0)
    file.truncate()
    file.write(str(os.getpid()))
    file.flush()
    return file


def is_running(directory: Path) -> bool:
    """Whether some process holds the lock."""
    try:
        with (directory / "lock").open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def write(directory: Path, instance: Instance) -> None:
    temporary = directory / "instance.json.new"
    temporary.write_bytes(
        orjson.dumps(asdict(instance), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    )
    temporary.replace(directory / "instance.json")


def read(directory: Path) -> Instance | None:
    """The instance that wrote last; None if there never was one or the file is of another version."""
    try:
        return Instance(**orjson.loads((directory / "instance.json").read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
