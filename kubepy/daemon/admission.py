"""--admission-control-config-file: the configurations of admission plugins, read once at start.

An AdmissionConfiguration (apiserver.config.k8s.io/v1): for each plugin its configuration, in place or in a file of its
own beside this one. What a plugin's configuration says is the plugin's to read.

Not there: the two forms from before that, files that are a plugin's configuration themselves.

Source: apiserver pkg/admission/config.go.
"""

from __future__ import annotations

from pathlib import Path

from kubepy.api.objects import Obj
from kubepy.daemon.settings import ConfigError
from kubepy.lib import yaml

_API_VERSIONS = (
    "apiserver.config.k8s.io/v1",
    "apiserver.config.k8s.io/v1alpha1",
    "apiserver.k8s.io/v1alpha1",
)
_KIND = "AdmissionConfiguration"
_FIELDS = ("apiVersion", "kind", "plugins")
_PLUGIN_FIELDS = ("name", "path", "configuration")


def load(path: str) -> dict[str, Obj]:
    """By plugin name. Raises ConfigError."""
    if not path:
        return {}
    file = Path(path).expanduser()
    found = _read(file)
    api_version, kind = found.get("apiVersion"), found.get("kind")
    if api_version not in _API_VERSIONS or kind != _KIND:
        raise ConfigError(f"{file}: no kind {kind!r} is registered for version {api_version!r}")
    _check_fields(found, _FIELDS, "", file)
    configurations: dict[str, Obj] = {}
    for index, plugin in enumerate(found.get("plugins") or ()):
        _check_fields(plugin, _PLUGIN_FIELDS, f"plugins[{index}].", file)
        given = plugin.get("configuration")
        if given is None and plugin.get("path"):
            given = _read(file.parent / plugin["path"])
        if given is not None:
            # The first of a name counts.
            configurations.setdefault(plugin.get("name") or "", given)
    return configurations


def _read(file: Path) -> Obj:
    try:
        found = yaml.load_first(file.read_bytes())
    except (OSError, yaml.Error) as error:
        raise ConfigError(
            f"unable to read admission control configuration from {str(file)!r} [{error}]"
        ) from None
    if not isinstance(found, dict):
        raise ConfigError(f"{file}: no object")
    return found


def _check_fields(given: object, known: tuple[str, ...], at: str, file: Path) -> None:
    if not isinstance(given, dict):
        raise ConfigError(f"{file}: {at.rstrip('.')} is no object")
    for name in given:
        if name not in known:
            raise ConfigError(f'{file}: strict decoding error: unknown field "{at}{name}"')
