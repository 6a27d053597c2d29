"""The settings that say what becomes of nodes and their pods, as the controllers take them: those of a whole cluster or
of a controller manager of its own."""

from __future__ import annotations

from kubepy.controllers import node_ipam, node_lifecycle
from kubepy.controllers.manager import NodeOptions
from kubepy.controllers.node_zones import Rates
from kubepy.daemon.component_settings import Settings
from kubepy.daemon.config import Config
from kubepy.daemon.config_checks import node_cidr_mask_sizes
from kubepy.daemon.settings import duration_s


def of(config: Config | Settings) -> NodeOptions:
    rates = Rates(
        eviction=config.node_eviction_rate,
        secondary=config.secondary_node_eviction_rate,
        large_cluster=config.large_cluster_size_threshold,
        unhealthy=config.unhealthy_zone_threshold,
    )
    lifecycle = node_lifecycle.Options(
        grace_s=duration_s(config.node_monitor_grace_period),
        startup_s=duration_s(config.node_startup_grace_period),
        rates=rates,
    )
    ipam = node_ipam.Options(
        tuple(config.cluster_cidr.split(",")),
        node_cidr_mask_sizes(config),
        tuple(config.service_cluster_ip_range.split(",")),
    )
    return NodeOptions(
        lifecycle, config.terminated_pod_gc_threshold, ipam if config.allocate_node_cidrs else None
    )
