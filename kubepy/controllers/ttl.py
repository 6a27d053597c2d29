"""TTL: tells kubelets how long they may trust what they remember, by the size of the cluster.

Watches Nodes. Writes the annotation node.alpha.kubernetes.io/ttl.

The sizes at which it changes overlap, so that a cluster at a boundary does not flap. When it changes, a node gets its
new value with its next update: that spreads the writes.

Source: kubernetes 1.36 pkg/controller/ttl/ttl_controller.go.
"""

from __future__ import annotations

from typing import NamedTuple

from kubepy.api import errors, objects
from kubepy.api.builtins import NODES
from kubepy.api.objects import Key, Obj
from kubepy.client.client import MERGE_PATCH
from kubepy.client.controller import After, Controller, ControllerContext, key_of

ANNOTATION = "node.alpha.kubernetes.io/ttl"


class Step(NamedTuple):
    least: int  # nodes
    most: int
    seconds: int


STEPS = (
    Step(0, 100, 0),
    Step(90, 500, 15),
    Step(450, 1000, 30),
    Step(900, 2000, 60),
    Step(1800, 1 << 31, 300),
)


def next_step(step: int, nodes: int) -> int:
    """The step after a node more or less; `step` as long as it holds."""
    while nodes > STEPS[step].most:
        step += 1
    while nodes < STEPS[step].least:
        step -= 1
    return step


def is_right(node: Obj, seconds: int) -> bool:
    return objects.annotations_of(node).get(ANNOTATION) == str(seconds)


class TtlController(Controller):
    name = "ttl-controller"
    workers = 5

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        self._step = 0

    def setup(self) -> None:
        self.nodes = self.watch(NODES)
        self.nodes.add_handler(
            on_add=lambda document: self._count(), on_delete=lambda document: self._count()
        )
        self.watch(NODES, key_of, lambda document, old: not is_right(document.obj, STEPS[self._step].seconds))

    def _count(self) -> None:
        self._step = next_step(self._step, len(self.nodes))

    async def reconcile(self, key: Key) -> After | None:
        node, seconds = self.nodes.get(key), STEPS[self._step].seconds
        if node is None or is_right(node, seconds):
            return None
        change = {"metadata": {"annotations": {ANNOTATION: str(seconds)}, "uid": objects.uid_of(node)}}
        try:
            await self.client.patch(NODES, key.name, change, content_type=MERGE_PATCH)
        except (errors.NotFound, errors.Conflict):
            return None
        return None
