"""Profiles: under one scheduler name, which plugins decide and how much their scores weigh.

Source: pkg/scheduler/apis/config/v1/default_plugins.go, types.go KubeSchedulerProfile.
"""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_SCHEDULER = "default-scheduler"

# In the order the plugins are asked; a weight counts only for those that score.
DEFAULT_PLUGINS: tuple[tuple[str, int], ...] = (
    ("SchedulingGates", 0),
    ("PrioritySort", 0),
    ("NodeUnschedulable", 0),
    ("NodeName", 0),
    ("TaintToleration", 3),
    ("NodeAffinity", 2),
    ("NodePorts", 0),
    ("NodeResourcesFit", 1),
    ("VolumeRestrictions", 0),
    ("NodeVolumeLimits", 0),
    ("VolumeBinding", 0),
    ("VolumeZone", 0),
    ("PodTopologySpread", 2),
    ("InterPodAffinity", 2),
    ("DefaultPreemption", 0),
    ("NodeResourcesBalancedAllocation", 1),
    ("ImageLocality", 1),
    ("DefaultBinder", 0),
)


@dataclass(frozen=True, slots=True)
class Profile:
    scheduler_name: str = DEFAULT_SCHEDULER  # pods with this spec.schedulerName are decided by this profile
    plugins: tuple[tuple[str, int], ...] = DEFAULT_PLUGINS
    # How many percent of the nodes have to be found feasible before the best of them is taken; 0: the larger the
    # cluster the fewer, see search.feasible_wanted.
    percentage_of_nodes_to_score: int = 0
    # What plugins are told that differs from their defaults: dataclasses of args.py.
    args: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Configuration:
    """Source: KubeSchedulerConfiguration, with its defaults."""

    profiles: tuple[Profile, ...] = (Profile(),)
    backoff_initial_s: float = 1.0
    backoff_max_s: float = 10.0
    # Bindings under way at once: enough for the store to commit many together, few enough to bound what is assumed.
    bindings_max: int = 256
