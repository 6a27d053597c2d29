"""Settings as a file: read under the flags, written for `kubepy config`, documented as config/kubepy.yaml.

Precedence: flag, file, default. A wrong key, type or value is a `ConfigError`: one sentence that names file, line and
the nearest right key.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from kubepy.daemon.config import SETTINGS, Config
from kubepy.daemon.config_checks import check
from kubepy.daemon.settings import ConfigError, Value
from kubepy.lib import yaml

_HEAD = """\
# Every setting of kubepy with its default. Use it with `kubepy up --config FILE`; each key is also a flag of
# `kubepy up` (flags win). Lists may be written as [a, b] or as one comma-separated word."""


def load(path: str | None, flags: dict[str, Any]) -> Config:
    """File (if any) under flags (only those that were given, by attribute). Raises ConfigError."""
    values: dict[str, Any] = _read(Path(path).expanduser()) if path else {}
    config = Config(**(values | flags))
    check(config)
    return config


def _read(path: Path) -> dict[str, Value]:
    """By attribute."""
    try:
        text = path.read_text()
        data = yaml.load(text)
        lines = yaml.lines_of(text)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not YAML: not even UTF-8") from None
    except yaml.Error as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise ConfigError(f"{where}: not YAML: {getattr(error, 'problem', None) or error}") from None
    if not isinstance(data, dict | None):
        raise ConfigError(f"{path}: must be a mapping of settings, see config/kubepy.yaml")
    read = {}
    for name, value in (data or {}).items():
        where = f"{path}:{lines.get((name,), 1)}"
        setting = SETTINGS.get(name)
        if setting is None:
            raise ConfigError(f'{where}: unknown key "{name}"{_nearest(str(name))}')
        try:
            read[setting.attribute] = setting.typed(value)
        except ValueError as error:
            raise ConfigError(f'{where}: "{name}" {error}') from None
    return read


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name.replace("_", "-"), SETTINGS, n=1, cutoff=0.5)
    return f'; did you mean "{near[0]}"?' if near else "; `kubepy config --documented` lists them all"


def render(config: Config) -> str:
    """The effective settings, for `kubepy config`."""
    values = {name: getattr(config, setting.attribute) for name, setting in SETTINGS.items()}
    return yaml.dump({name: list(v) if isinstance(v, tuple) else v for name, v in values.items()})


def documented() -> str:
    """config/kubepy.yaml: every key with what it means and its default, all commented out."""
    blocks = [_HEAD]
    for name, setting in SETTINGS.items():
        if setting.section:
            blocks.append(f"\n# -- {setting.section} {'-' * (90 - len(setting.section))}")
        choices = f" One of: {', '.join(setting.choices)}." if setting.choices else ""
        meaning = f"{setting.help[0].upper()}{setting.help[1:]}.{choices}"
        blocks.append(f"\n# {meaning}\n# {_line(name, setting.default)}")
    return "\n".join(blocks) + "\n"


def _line(name: str, default: Value) -> str:
    if isinstance(default, tuple):
        return f"{name}: [{', '.join(map(_quoted, default))}]"
    return yaml.dump({name: default}).strip()


def _quoted(word: str) -> str:
    return word if word.replace("-", "").isalnum() else f'"{word}"'
