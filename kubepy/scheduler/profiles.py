"""Profiles: under one scheduler name, which plugins decide and how much their scores weigh.

Source: pkg/scheduler/apis/config/v1/default_plugins.go, types.go KubeSchedulerProfile.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from msgspec import Struct, field

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
    ("VolumeBinding", 1),
    ("VolumeZone", 0),
    ("PodTopologySpread", 2),
    ("InterPodAffinity", 2),
    ("DynamicResources", 2),
    ("DefaultPreemption", 0),
    ("NodeResourcesBalancedAllocation", 1),
    ("ImageLocality", 1),
    ("DefaultBinder", 0),
    ("NodeDeclaredFeatures", 0),
    # Only where PodGroups are served.
    ("GangScheduling", 0),
)


# By the names configuration files have for them; framework.py says what each is.
EXTENSION_POINTS = (
    "preEnqueue", "queueSort", "preFilter", "filter", "postFilter", "preScore", "score", "reserve", "permit",
    "preBind", "bind", "postBind",
)  # fmt: skip


class PluginSet(NamedTuple):
    """What is said of one extension point besides the profile's plugins, which are at all points they know."""

    enabled: tuple[tuple[str, int], ...] = ()
    disabled: frozenset[str] = frozenset()  # "*": all that are not enabled here


class Profile(Struct, frozen=True):
    scheduler_name: str = DEFAULT_SCHEDULER  # pods with this spec.schedulerName are decided by this profile
    plugins: tuple[tuple[str, int], ...] = DEFAULT_PLUGINS
    # How many percent of the nodes have to be found feasible before the best of them is taken; 0: the larger the
    # cluster the fewer, see search.feasible_wanted.
    percentage_of_nodes_to_score: int = 0
    # What plugins are told that differs from their defaults: dataclasses of args.py.
    args: tuple[object, ...] = ()
    # extension point -> what differs there from `plugins`
    points: Mapping[str, PluginSet] = field(default_factory=dict)

    @property
    def named(self) -> list[tuple[str, str]]:
        """Every plugin with a point at which it is named; upstream finds those that are for all points at PreFilter."""
        everywhere = [("preFilter", name) for name, _ in self.plugins]
        return everywhere + [(at, name) for at, one in self.points.items() for name, _ in one.enabled]

    @property
    def needed(self) -> tuple[tuple[str, int], ...]:
        """Every plugin to be made, those that are enabled at single points only last."""
        known = dict(self.plugins)
        for point in self.points.values():
            for name, weight in point.enabled:
                known.setdefault(name, weight)
        return tuple(known.items())


class Extender(Struct, frozen=True):
    """An HTTP server that has a say; see extenders.py."""

    url_prefix: str
    filter_verb: str = ""
    preempt_verb: str = ""
    prioritize_verb: str = ""
    bind_verb: str = ""
    weight: int = 0
    timeout_s: float = 5.0
    is_node_cache_capable: bool = False  # it knows the nodes; names are enough
    is_ignorable: bool = False  # if it fails, go on without it
    managed_resources: frozenset[str] = (
        frozenset()
    )  # only pods that request one of these concern it; none: all do
    enable_https: bool = False
    tls: Mapping[str, Any] = field(default_factory=dict)  # ExtenderTLSConfig


class Configuration(Struct, frozen=True):
    """Source: KubeSchedulerConfiguration, with its defaults."""

    profiles: tuple[Profile, ...] = (Profile(),)
    backoff_initial_s: float = 1.0
    backoff_max_s: float = 10.0
    extenders: tuple[Extender, ...] = ()
    leader_election: Mapping[str, Any] = field(default_factory=dict)  # for the process that runs it
    # Bindings under way at once: enough for the store to commit many together, few enough to bound what is assumed.
    bindings_max: int = 256
