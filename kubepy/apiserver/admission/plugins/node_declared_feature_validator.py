"""A running pod is changed only in ways that its node says it can follow.

Of the features that nodes declare two matter to updates: resizing init containers, and resizing a pod as a whole.

Source: kubernetes plugin/pkg/admission/nodedeclaredfeatures/admission.go, component-helpers nodedeclaredfeatures.
"""

from __future__ import annotations

from kubepy.api.builtins import NODES, PODS
from kubepy.api.errors import quote
from kubepy.api.objects import Obj, walk
from kubepy.api.pods import is_sidecar
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import UPDATE, Attributes, Plugin, forbidden

INIT_CONTAINERS = "InPlacePodVerticalScalingInitContainers"
POD_LEVEL = "InPlacePodLevelResourcesVerticalScaling"


class NodeDeclaredFeatureValidator(Plugin):
    name = "NodeDeclaredFeatureValidator"
    validates = True

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation == UPDATE and resource == PODS and subresource in ("", "resize")

    async def validate(self, attributes: Attributes) -> None:
        new, old = attributes.obj, attributes.old
        assert new is not None and old is not None, "there are both on update"
        node_name = new["spec"].get("nodeName")
        # Only another spec has another generation.
        if not node_name or new["metadata"].get("generation") == old["metadata"].get("generation"):
            return
        if not (needed := required(new["spec"], old["spec"])):
            return
        node = await self.lookup.find(NODES, "", node_name)
        if node is None:
            raise forbidden(attributes, f"node {quote(node_name)} not found")
        declared = walk(node.obj, "status", "declaredFeatures") or ()
        if missing := [feature for feature in needed if feature not in declared]:
            raise forbidden(
                attributes,
                f"pod update requires features {', '.join(missing)} which are not available on node {quote(node_name)}",
            )


def required(spec: Obj, old: Obj) -> list[str]:
    """What a node must be able to, sorted, for one spec to become the other."""
    found = []
    if (spec.get("resources") or {}) != (old.get("resources") or {}):
        found.append(POD_LEVEL)
    new_containers = spec.get("initContainers") or ()
    for container, was in zip(new_containers, old.get("initContainers") or (), strict=False):
        if not is_sidecar(was) and (container.get("resources") or {}) != (was.get("resources") or {}):
            found.append(INIT_CONTAINERS)
            break
    return found
