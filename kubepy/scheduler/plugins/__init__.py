"""The plugins this scheduler knows, one file each, by the name configuration calls them.

A maker is given what plugins may need of the world, the profile's arguments among it (toolbox.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kubepy.api import builtins
from kubepy.api.builtins import (
    DEVICE_CLASSES,
    DEVICE_TAINT_RULES,
    POD_GROUPS,
    RESOURCE_CLAIMS,
    RESOURCE_SLICES,
)
from kubepy.api.resources import Resource
from kubepy.scheduler.args import NodeAffinityArgs, NodeResourcesBalancedAllocationArgs, NodeResourcesFitArgs
from kubepy.scheduler.framework import Plugin
from kubepy.scheduler.plugins.default_binder import DefaultBinder
from kubepy.scheduler.plugins.default_preemption import DefaultPreemption
from kubepy.scheduler.plugins.dynamic_resources import DynamicResources
from kubepy.scheduler.plugins.gang_scheduling import GangScheduling
from kubepy.scheduler.plugins.image_locality import ImageLocality
from kubepy.scheduler.plugins.inter_pod_affinity import InterPodAffinity
from kubepy.scheduler.plugins.node_affinity import NodeAffinity
from kubepy.scheduler.plugins.node_declared_features import NodeDeclaredFeatures
from kubepy.scheduler.plugins.node_name import NodeName
from kubepy.scheduler.plugins.node_ports import NodePorts
from kubepy.scheduler.plugins.node_resources_balanced_allocation import NodeResourcesBalancedAllocation
from kubepy.scheduler.plugins.node_resources_fit import NodeResourcesFit
from kubepy.scheduler.plugins.node_unschedulable import NodeUnschedulable
from kubepy.scheduler.plugins.node_volume_limits import NodeVolumeLimits
from kubepy.scheduler.plugins.pod_topology_spread import PodTopologySpread
from kubepy.scheduler.plugins.priority_sort import PrioritySort
from kubepy.scheduler.plugins.scheduling_gates import SchedulingGates
from kubepy.scheduler.plugins.taint_toleration import TaintToleration
from kubepy.scheduler.plugins.volume_binding import VolumeBinding
from kubepy.scheduler.plugins.volume_restrictions import VolumeRestrictions
from kubepy.scheduler.plugins.volume_zone import VolumeZone
from kubepy.scheduler.toolbox import Toolbox

# What not every version of Kubernetes serves, and a plugin cannot do without.
NEEDS: Mapping[str, tuple[Resource, ...]] = {
    "DynamicResources": (RESOURCE_CLAIMS, RESOURCE_SLICES, DEVICE_CLASSES),
    "GangScheduling": (POD_GROUPS,),
}
# That, and what plugins use if it is served.
OPTIONAL: tuple[Resource, ...] = (
    *(one for needed in NEEDS.values() for one in needed),
    DEVICE_TAINT_RULES,
)

REGISTRY: Mapping[str, Callable[[Toolbox], Plugin]] = {
    "PrioritySort": lambda tools: PrioritySort(),
    "SchedulingGates": lambda tools: SchedulingGates(),
    "NodeUnschedulable": lambda tools: NodeUnschedulable(),
    "NodeName": lambda tools: NodeName(),
    "TaintToleration": lambda tools: TaintToleration(),
    "NodeAffinity": lambda tools: NodeAffinity(tools.arguments(NodeAffinityArgs)),
    "NodePorts": lambda tools: NodePorts(),
    "NodeResourcesFit": lambda tools: NodeResourcesFit(tools.arguments(NodeResourcesFitArgs), tools.extended),
    "VolumeRestrictions": VolumeRestrictions,
    "NodeVolumeLimits": NodeVolumeLimits,
    "VolumeBinding": VolumeBinding,
    "VolumeZone": VolumeZone,
    "PodTopologySpread": PodTopologySpread,
    "InterPodAffinity": InterPodAffinity,
    "DynamicResources": DynamicResources,
    "DefaultPreemption": DefaultPreemption,
    "GangScheduling": GangScheduling,
    "NodeResourcesBalancedAllocation": lambda tools: NodeResourcesBalancedAllocation(
        tools.arguments(NodeResourcesBalancedAllocationArgs)
    ),
    "ImageLocality": lambda tools: ImageLocality(tools.cache),
    "NodeDeclaredFeatures": lambda tools: NodeDeclaredFeatures(),
    "DefaultBinder": lambda tools: DefaultBinder(tools.client),
}


def is_served_by_default(resource: Resource) -> bool:
    return resource not in builtins.OPTIONAL


def not_served(is_served: Callable[[Resource], bool]) -> list[str]:
    """Plugins that have to be left out."""
    return [name for name, resources in NEEDS.items() if not all(is_served(one) for one in resources)]
