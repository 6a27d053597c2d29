"""What plugins may need of the world, made once per profile.

Source: kube-scheduler framework/interface.go, Handle.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from kubepy.api.resources import Resource
from kubepy.client.client import Client
from kubepy.client.events import Recorder
from kubepy.client.informer import InformerFactory
from kubepy.lib.aio import Tasks
from kubepy.lib.clock import Clock
from kubepy.lib.random import Random
from kubepy.scheduler.cache import Cache
from kubepy.scheduler.extended_resources import ExtendedResources
from kubepy.scheduler.pod_groups import PodGroups

if TYPE_CHECKING:
    from kubepy.observability.logs import Logger
    from kubepy.observability.metrics import Metrics
    from kubepy.scheduler.queue import Queue
    from kubepy.scheduler.runtime import Framework

A = TypeVar("A")


@dataclass(slots=True)
class Toolbox:
    """`informers` are asked when a plugin is made; they run before the first decision."""

    client: Client
    informers: InformerFactory
    cache: Cache
    clock: Clock
    random: Random
    tasks: Tasks
    log: Logger
    metrics: Metrics
    recorder: Recorder
    is_served: Callable[[Resource], bool]  # of the kinds of plugins.OPTIONAL
    groups: PodGroups | None = None  # where they are served
    extended: ExtendedResources | None = None  # where DeviceClasses are served
    args: tuple[object, ...] = ()  # of the profile: dataclasses of args.py
    # There once all plugins of the profile are made.
    framework: Framework = field(init=False)
    queue: Queue = field(init=False)

    def arguments(self, kind: type[A]) -> A:
        """The profile's arguments of this kind, or the defaults."""
        return next((args for args in self.args if isinstance(args, kind)), None) or kind()
