"""A pod's RuntimeClass must be there, and says what the pod's overhead is and where it can run.

Source: kubernetes plugin/pkg/admission/runtimeclass/admission.go, pkg/util/tolerations/tolerations.go.
"""

from __future__ import annotations

from kubepy.api.builtins import PODS, RUNTIME_CLASSES
from kubepy.api.errors import quote
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.api.tolerations import merged
from kubepy.apiserver.admission.base import CREATE, Attributes, Plugin, forbidden

_MISMATCH = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
_UNFOUNDED = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"


class RuntimeClass(Plugin):
    name = "RuntimeClass"
    mutates = True
    validates = True

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation == CREATE and resource == PODS and not subresource

    async def admit(self, attributes: Attributes) -> None:
        assert attributes.obj is not None, "pods are created with a body"
        spec = attributes.obj["spec"]
        found = await self._find(attributes, spec)
        overhead = _overhead(found)
        if overhead is not None:
            if spec.get("overhead") and spec["overhead"] != overhead:
                raise forbidden(attributes, _MISMATCH)
            spec["overhead"] = dict(overhead)
        if scheduling := found.get("scheduling"):
            selector = spec.get("nodeSelector") or {}
            for key, value in (scheduling.get("nodeSelector") or {}).items():
                if selector.get(key, value) != value:
                    why = (
                        f"conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; "
                        f"pod.spec.nodeSelector[{key}] = {selector[key]}"
                    )
                    raise forbidden(attributes, why)
                selector[key] = value
            tolerations = merged(spec.get("tolerations") or (), scheduling.get("tolerations") or ())
            spec |= {
                field: value
                for field, value in (("nodeSelector", selector), ("tolerations", tolerations))
                if value
            }

    async def validate(self, attributes: Attributes) -> None:
        assert attributes.obj is not None, "pods are created with a body"
        spec = attributes.obj["spec"]
        overhead = _overhead(await self._find(attributes, spec))
        given = spec.get("overhead")
        if overhead is None:
            if given is not None:
                raise forbidden(attributes, _UNFOUNDED)
        elif given != overhead:
            raise forbidden(attributes, _MISMATCH)

    async def _find(self, attributes: Attributes, spec: Obj) -> Obj:
        """Read-only; {} if the pod asks for none. Raises Forbidden."""
        name = spec.get("runtimeClassName")
        if name is None:
            return {}
        document = await self.lookup.find(RUNTIME_CLASSES, "", name)
        if document is None:
            raise forbidden(attributes, f"pod rejected: RuntimeClass {quote(name)} not found")
        return document.obj


def _overhead(runtime_class: Obj) -> Obj | None:
    overhead = runtime_class.get("overhead")
    return None if overhead is None else overhead.get("podFixed") or {}
