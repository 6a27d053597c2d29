"""Nodes with rare devices are tainted with the device's name; a pod that asks for the device tolerates that.

Source: kubernetes plugin/pkg/admission/extendedresourcetoleration/admission.go.
"""

from __future__ import annotations

from kubepy.api.builtins import PODS
from kubepy.api.objects import Obj, walk
from kubepy.api.placement import NO_SCHEDULE
from kubepy.api.resources import Resource
from kubepy.api.validation.pod_resources import is_extended
from kubepy.apiserver.admission.base import CREATE, UPDATE, Attributes, Plugin


class ExtendedResourceToleration(Plugin):
    name = "ExtendedResourceToleration"
    mutates = True

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation in (CREATE, UPDATE) and resource == PODS and not subresource

    async def admit(self, attributes: Attributes) -> None:
        assert attributes.obj is not None, "pods are written with a body"
        spec = attributes.obj["spec"]
        for name in sorted(_extended(spec)):
            spec["tolerations"] = with_toleration(spec.get("tolerations") or [], name)


def _extended(spec: Obj) -> set[str]:
    return {
        name
        for field in ("containers", "initContainers")
        for container in spec.get(field) or ()
        for name in walk(container, "resources", "requests") or ()
        if is_extended(name)
    }


def with_toleration(tolerations: list[Obj], key: str) -> list[Obj]:
    """Source: helper.AddOrUpdateTolerationInPod."""
    wanted: Obj = {"key": key, "operator": "Exists", "effect": NO_SCHEDULE}
    if wanted in tolerations:
        return tolerations
    alike = [_is_alike(wanted, each) for each in tolerations]
    replaced = [wanted if is_alike else each for is_alike, each in zip(alike, tolerations, strict=True)]
    return replaced if any(alike) else [*replaced, wanted]


def _is_alike(wanted: Obj, other: Obj) -> bool:
    """Whether they differ at most in how long. Source: Toleration.MatchToleration."""
    fields = ("key", "effect", "operator", "value")
    return all(wanted.get(field, "") == other.get(field, "") for field in fields)
