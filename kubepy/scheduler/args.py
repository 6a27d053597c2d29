"""What each plugin can be told, with upstream's defaults. A profile carries those that differ.

Source: pkg/scheduler/apis/config/types_pluginargs.go, v1/defaults.go.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from kubepy.api.objects import Obj


class ResourceWeight(NamedTuple):
    name: str
    weight: int = 1


class ShapePoint(NamedTuple):
    utilization: int  # percent
    score: int  # 0 ... 10


_CPU_AND_MEMORY = (ResourceWeight("cpu"), ResourceWeight("memory"))


class DefaultPreemptionArgs(Struct, frozen=True):
    # How many nodes are tried for victims: this share of those where it may help, but at least so many.
    min_candidate_nodes_percentage: int = 10
    min_candidate_nodes_absolute: int = 100


class InterPodAffinityArgs(Struct, frozen=True):
    # What a required affinity of a pod that runs is worth to the pods it wants near it, which ask for nothing.
    hard_pod_affinity_weight: int = 1
    # Whether preferences of pods that run are left out for pods that have none themselves.
    ignore_preferred_terms_of_existing_pods: bool = False


class PodTopologySpreadArgs(Struct, frozen=True):
    # Constraints of pods that bring none, as in a pod's spec but without selector; used if defaulting_type is "List".
    default_constraints: tuple[Obj, ...] = ()
    defaulting_type: str = "System"


class NodeResourcesFitArgs(Struct, frozen=True):
    strategy: str = "LeastAllocated"  # or MostAllocated, RequestedToCapacityRatio
    resources: tuple[ResourceWeight, ...] = _CPU_AND_MEMORY
    shape: tuple[ShapePoint, ...] = ()  # of RequestedToCapacityRatio
    # Extended resources that need not be free on the node: by name, and by the part of it before the slash.
    ignored_resources: frozenset[str] = frozenset()
    ignored_resource_groups: frozenset[str] = frozenset()


class NodeResourcesBalancedAllocationArgs(Struct, frozen=True):
    resources: tuple[ResourceWeight, ...] = _CPU_AND_MEMORY


class NodeAffinityArgs(Struct, frozen=True):
    added_affinity: Obj | None = None  # a nodeAffinity that every pod of the profile has besides its own


class VolumeBindingArgs(Struct, frozen=True):
    bind_timeout_s: float = 600.0
    # What a node's storage is worth by how much of it would be used.
    shape: tuple[ShapePoint, ...] = (ShapePoint(0, 10), ShapePoint(100, 0))


class DynamicResourcesArgs(Struct, frozen=True):
    # How long finding devices for one pod on one node may take; 0: as long as it takes.
    filter_timeout_s: float = 10.0
    # How long a pod waits for devices with binding conditions.
    binding_timeout_s: float = 600.0
