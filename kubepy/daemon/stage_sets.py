"""What simulated nodes are made from: which Stage documents a word of `--stages` stands for, and what a node has."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from kubepy.daemon.config import files_dir
from kubepy.daemon.settings import ConfigError
from kubepy.kubelet.nodes import parse_capacity

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


def capacity_of(text: str) -> dict[str, str]:
    """Of each node. Raises ConfigError."""
    try:
        return parse_capacity(text)
    except ValueError as error:
        raise ConfigError(f"node-capacity {error}") from None
