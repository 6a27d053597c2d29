"""ImageLocality: prefer nodes that have the pod's images, the larger the better, but not if only few nodes have them.

CLUSTER scope, because what an image is worth depends on how many nodes have it. Names that no node reports, the usual
case with simulated nodes, cost nothing.

Source: pkg/scheduler/framework/plugins/imagelocality/image_locality.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubepy.api.objects import Obj
from kubepy.scheduler.cache import Cache
from kubepy.scheduler.framework import NODE_SCORE_MAX, Code, CycleState, Scope, Status
from kubepy.scheduler.node_info import NodeInfo, PodInfo

_MIB = 1024 * 1024
# Bounds of what is worth something, per pod and per container: 90 % of the images of a large registry are within.
_SIZE_MIN, _SIZE_MAX = 23 * _MIB, 1000 * _MIB

_SKIP = Status(Code.SKIP, plugin="ImageLocality")
_IMAGES = "ImageLocality"


class ImageLocality:
    name = "ImageLocality"
    scope = Scope.CLUSTER

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def pre_score(self, state: CycleState, pod: PodInfo, nodes: Sequence[NodeInfo]) -> Status | None:
        known = self._cache.images
        if not known:
            return _SKIP
        images = [image for image in pod.note(_IMAGES, _images) if image in known]
        if not images:
            return _SKIP
        state[_IMAGES] = images
        return None

    def score_nodes(self, state: CycleState, pod: PodInfo, nodes: Sequence[NodeInfo]) -> list[int]:
        total = len(self._cache.nodes)
        known = self._cache.images
        worth = [(name, int(known[name].size * (len(known[name].nodes) / total))) for name in state[_IMAGES]]
        spec = pod.spec
        containers = len(spec.get("initContainers") or ()) + len(spec["containers"])
        return [
            _score(sum(size for name, size in worth if name in node.images), containers) for node in nodes
        ]


def _score(size: int, containers: int) -> int:
    most = _SIZE_MAX * containers
    return NODE_SCORE_MAX * (min(max(size, _SIZE_MIN), most) - _SIZE_MIN) // (most - _SIZE_MIN)


def _images(pod: PodInfo) -> list[str]:
    """With repetitions: two containers of one image count twice."""
    spec: Obj = pod.spec
    names = [c.get("image") or "" for c in (*(spec.get("initContainers") or ()), *spec["containers"])]
    names += [v["image"].get("reference") or "" for v in spec.get("volumes") or () if v.get("image")]
    return [normalized(name) for name in names]


def normalized(name: str) -> str:
    """With the tag it stands for: "nginx" -> "nginx:latest"."""
    return name if name.rfind(":") > name.rfind("/") else f"{name}:latest"
