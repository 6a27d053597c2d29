"""Configuration files in the shape of objects (apiserver.config.k8s.io): read strictly.

What may be said is a form: a dict is an object, a list holds the form of its items, None is a value.

Source: apimachinery pkg/runtime/serializer (strict decoding), apiserver pkg/apis/apiserver/load/load.go.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from kubepy.api.objects import Obj
from kubepy.lib import yaml

GROUP = "apiserver.config.k8s.io"


class Unusable(Exception):
    """The file cannot be used; the message says why."""


def read(text: str, *, kind: str, versions: Collection[str], form: Any) -> Obj:
    """The object in it. Raises Unusable for another kind, fields that nobody knows, values of another shape."""
    try:
        obj = yaml.load(text)
    except yaml.Error as error:
        raise Unusable(f"not YAML: {error}") from None
    if not isinstance(obj, dict):
        raise Unusable(f"not an {kind}")
    api_version, given = obj.get("apiVersion", ""), obj.get("kind", "")
    if api_version not in [f"{GROUP}/{version}" for version in versions] or given != kind:
        raise Unusable(f'no kind "{given}" is registered for version "{api_version}"')
    if strange := list(_strange(obj, form, "")):
        raise Unusable("strict decoding error: " + ", ".join(strange))
    return obj


def _strange(value: Any, form: Any, path: str) -> Iterator[str]:
    """Fields that nobody knows, and values of another shape. Source: strict decoding."""
    if value is None:
        return
    if isinstance(form, dict):
        if not isinstance(value, dict):
            yield f'"{path}" must be an object'
            return
        for name, below in value.items():
            at = f"{path}.{name}" if path else str(name)
            if name not in form:
                yield f'unknown field "{at}"'
            else:
                yield from _strange(below, form[name], at)
    elif isinstance(form, list):
        if not isinstance(value, list):
            yield f'"{path}" must be a list'
            return
        for index, below in enumerate(value):
            yield from _strange(below, form[0], f"{path}[{index}]")
    elif isinstance(value, dict | list):
        yield f'"{path}" must be a single value'
