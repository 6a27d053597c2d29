"""A pod's priority is its PriorityClass's, and so is a PodGroup's; at most one class is the default.

Source: kubernetes plugin/pkg/admission/priority/admission.go.
"""

from __future__ import annotations

from kubepy.api.builtins import POD_GROUPS, PODS, PRIORITY_CLASSES
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import CREATE, UPDATE, Attributes, Plugin, forbidden


class Priority(Plugin):
    name = "Priority"
    mutates = True
    validates = True

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        is_ours = resource in (PODS, PRIORITY_CLASSES) or (resource == POD_GROUPS and operation == CREATE)
        return operation in (CREATE, UPDATE) and is_ours and not subresource

    async def admit(self, attributes: Attributes) -> None:
        pod = attributes.obj
        if pod is not None and attributes.resource == POD_GROUPS:
            await self._admit_group(attributes, pod["spec"])
            return
        if attributes.resource != PODS or pod is None:
            return
        spec = pod["spec"]
        if attributes.operation == UPDATE:
            # What was resolved on creation stays; validation refuses other changes.
            assert attributes.old is not None
            for field in ("priority", "preemptionPolicy"):
                if spec.get(field) is None and (kept := attributes.old["spec"].get(field)) is not None:
                    spec[field] = kept
            return
        name, value, policy = await self._resolve(attributes, spec.get("priorityClassName") or "")
        if name:
            spec["priorityClassName"] = name
        given = spec.get("priority")
        if given is not None and given != value:
            raise forbidden(
                attributes,
                f"the integer value of priority ({given}) must not be provided in pod spec; priority admission "
                f"controller computed {value} from the given PriorityClass name",
            )
        spec["priority"] = value
        if policy:
            given = spec.get("preemptionPolicy")
            if given is not None and given != policy:
                raise forbidden(
                    attributes,
                    f"the string value of PreemptionPolicy ({given}) must not be provided in pod spec; priority "
                    f"admission controller computed {policy} from the given PriorityClass name",
                )
            spec["preemptionPolicy"] = policy

    async def _admit_group(self, attributes: Attributes, spec: Obj) -> None:
        name, value, _ = await self._resolve(attributes, spec.get("priorityClassName") or "")
        given = spec.get("priority")
        if given is not None and given != value:
            raise forbidden(
                attributes,
                f"priority set in the pod group ({given}) must match the priority computed ({value}) based on the "
                "priority class set in the spec",
            )
        spec["priority"] = value
        if name:
            spec["priorityClassName"] = name

    async def validate(self, attributes: Attributes) -> None:
        obj = attributes.obj
        if attributes.resource != PRIORITY_CLASSES or obj is None or not obj.get("globalDefault"):
            return
        default = await self._default()
        if default is None:
            return
        name = default["metadata"]["name"]
        if attributes.operation == CREATE or name != attributes.name:
            raise forbidden(
                attributes, f"PriorityClass {name} is already marked as default. Only one default can exist"
            )

    async def _resolve(self, attributes: Attributes, name: str) -> tuple[str, int, str]:
        """Class name, priority and preemption policy."""
        if name:
            found = await self.lookup.find(PRIORITY_CLASSES, "", name)
            if found is None:
                raise forbidden(attributes, f"no PriorityClass with name {name} was found")
            return name, found.obj.get("value", 0), found.obj.get("preemptionPolicy", "")
        default = await self._default()
        if default is None:
            return "", 0, "PreemptLowerPriority"
        return default["metadata"]["name"], default.get("value", 0), default.get("preemptionPolicy", "")

    async def _default(self) -> Obj | None:
        """The default class; the lowest if a race made two."""
        classes = [document.obj for document in await self.lookup.all(PRIORITY_CLASSES)]
        defaults = [obj for obj in classes if obj.get("globalDefault")]
        return min(defaults, key=lambda obj: obj.get("value", 0), default=None)
