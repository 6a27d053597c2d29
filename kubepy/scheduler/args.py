"""What each plugin can be told, with upstream's defaults. A profile carries those that differ.

Source: pkg/scheduler/apis/config/types_pluginargs.go, v1/defaults.go.
"""

from __future__ import annotations

from dataclasses import dataclass

from kubepy.api.objects import Obj


@dataclass(frozen=True, slots=True)
class DefaultPreemptionArgs:
    # How many nodes are tried for victims: this share of those where it may help, but at least so many.
    min_candidate_nodes_percentage: int = 10
    min_candidate_nodes_absolute: int = 100


@dataclass(frozen=True, slots=True)
class InterPodAffinityArgs:
    # What a required affinity of a pod that runs is worth to the pods it wants near it, which ask for nothing.
    hard_pod_affinity_weight: int = 1
    # Whether preferences of pods that run are left out for pods that have none themselves.
    ignore_preferred_terms_of_existing_pods: bool = False


@dataclass(frozen=True, slots=True)
class PodTopologySpreadArgs:
    # Constraints of pods that bring none, as in a pod's spec but without selector; used if defaulting_type is "List".
    default_constraints: tuple[Obj, ...] = ()
    defaulting_type: str = "System"
