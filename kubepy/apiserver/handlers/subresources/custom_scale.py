"""The Scale of a custom kind: replicas wherever its definition says they are.

Source: apiextensions-apiserver pkg/registry/customresource/etcd.go ScaleREST.
"""

from __future__ import annotations

from kubepy.api import errors
from kubepy.api.custom import ScalePaths, accessor_error, reach
from kubepy.api.objects import Obj

# Source: ScaleREST.Update invalidSpecReplicas.
_UNSET = -(2**31)
_SHOWN = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def scale_of(obj: Obj, paths: ScalePaths) -> Obj:
    """Raises BadRequest for what are no replicas."""
    metadata = obj["metadata"]
    replicas = _number(obj, paths.spec_replicas)
    status: Obj = {"replicas": _number(obj, paths.status_replicas)}
    selector = reach(obj, paths.label_selector) if paths.label_selector else None
    if isinstance(selector, str) and selector:
        status["selector"] = selector
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {field: metadata[field] for field in _SHOWN if field in metadata},
        "spec": {"replicas": replicas} if replicas else {},
        "status": status,
    }


def _number(obj: Obj, path: tuple[str, ...]) -> int:
    value = reach(obj, path)
    if value is None:
        return 0
    if value.__class__ is not int:
        raise errors.BadRequest(accessor_error(path, value, "int64"))
    return int(value)


def check_set(obj: Obj, paths: ScalePaths) -> None:
    """Without replicas there is nothing to show."""
    if reach(obj, paths.spec_replicas) is None:
        raise errors.InternalError(f'the spec replicas field "{_dotted(paths)}" does not exist')


def to_change(scale: Obj, obj: Obj, paths: ScalePaths) -> Obj:
    """The Scale that a patch is applied to: it says so where `obj` has no replicas yet."""
    if reach(obj, paths.spec_replicas) is not None:
        return scale
    return {**scale, "spec": {"replicas": _UNSET}}


def put(obj: Obj, wanted: Obj, paths: ScalePaths) -> None:
    """The Scale's replicas into `obj`, the caller's own."""
    replicas = (wanted.get("spec") or {}).get("replicas") or 0
    if replicas == _UNSET:
        raise errors.BadRequest(f'the spec replicas field "{_dotted(paths)}" cannot be empty')
    *steps, last = paths.spec_replicas
    at = obj
    for step in steps:
        at = at.setdefault(step, {})
    at[last] = replicas


def _dotted(paths: ScalePaths) -> str:
    return "." + ".".join(paths.spec_replicas)
