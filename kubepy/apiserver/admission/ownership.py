"""Whether a write changes nothing but whose an object is and what keeps it: what the garbage collector writes.

Source: kubernetes pkg/registry/rbac/helpers.go IsOnlyMutatingGCFields.
"""

from __future__ import annotations

from kubepy.api.objects import Obj

_FIELDS = ("ownerReferences", "finalizers", "selfLink", "managedFields")


def changes_only_ownership(obj: Obj, old: Obj | None) -> bool:
    if old is None:
        return False
    return _without(obj) == _without(old)


def _without(obj: Obj) -> Obj:
    metadata = {field: value for field, value in obj["metadata"].items() if field not in _FIELDS}
    return {**obj, "metadata": metadata}
