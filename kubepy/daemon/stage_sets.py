"""Which Stage documents a word of `--stages` stands for: a shipped set, a file or a directory."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from kubepy.daemon.config import ConfigError, files_dir

# Each a layer of folders in config/stages; a stage replaces one of the same name below it.
SETS = {
    "fast": ("fast",),
    "realistic": ("fast", "realistic"),
    "heartbeat": ("fast", "heartbeat"),
    "chaos": ("fast", "chaos"),
}


def paths_of(words: Iterable[str]) -> list[Path]:
    """In order, each folder once. Raises ConfigError for a word that is neither a set nor a path."""
    found: dict[Path, None] = {}
    for word in words:
        if word in SETS:
            found |= dict.fromkeys(files_dir() / "stages" / layer for layer in SETS[word])
            continue
        path = Path(word).expanduser()
        if not path.exists():
            raise ConfigError(
                f'stages: "{word}" is neither a set ({", ".join(SETS)}) nor a file or directory'
            )
        found[path] = None
    return list(found)
