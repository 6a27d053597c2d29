"""The plugins this scheduler knows, one file each, by the name configuration calls them.

A maker is given what plugins may need of the world (Toolbox) and the profile's arguments for the plugin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kubepy.client.client import Client
from kubepy.scheduler.framework import Plugin
from kubepy.scheduler.plugins.default_binder import DefaultBinder
from kubepy.scheduler.plugins.node_affinity import NodeAffinity
from kubepy.scheduler.plugins.node_name import NodeName
from kubepy.scheduler.plugins.node_resources_balanced_allocation import NodeResourcesBalancedAllocation
from kubepy.scheduler.plugins.node_resources_fit import NodeResourcesFit
from kubepy.scheduler.plugins.node_unschedulable import NodeUnschedulable
from kubepy.scheduler.plugins.priority_sort import PrioritySort
from kubepy.scheduler.plugins.scheduling_gates import SchedulingGates
from kubepy.scheduler.plugins.taint_toleration import TaintToleration


@dataclass(frozen=True, slots=True)
class Toolbox:
    """What a plugin may need of the world."""

    client: Client


REGISTRY: Mapping[str, Callable[[Toolbox], Plugin]] = {
    "PrioritySort": lambda tools: PrioritySort(),
    "SchedulingGates": lambda tools: SchedulingGates(),
    "NodeUnschedulable": lambda tools: NodeUnschedulable(),
    "NodeName": lambda tools: NodeName(),
    "TaintToleration": lambda tools: TaintToleration(),
    "NodeAffinity": lambda tools: NodeAffinity(),
    "NodeResourcesFit": lambda tools: NodeResourcesFit(),
    "NodeResourcesBalancedAllocation": lambda tools: NodeResourcesBalancedAllocation(),
    "DefaultBinder": lambda tools: DefaultBinder(tools.client),
}
