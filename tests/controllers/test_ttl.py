"""How long kubelets may trust what they remember."""

from __future__ import annotations

import pytest

from kubepy.api.builtins import NODES
from kubepy.controllers.ttl import ANNOTATION, next_step
from kubepy.testing.builders import make_node
from kubepy.testing.cluster import Cluster


# Source: ttl_controller_test.go, TestDesiredTTL.
@pytest.mark.parametrize(
    ("step", "nodes", "after"),
    [
        (0, 0, 0),
        (0, 100, 0),
        (0, 101, 1),
        (1, 90, 1),
        (1, 89, 0),
        (1, 500, 1),
        (1, 501, 2),
        (2, 449, 1),
        (3, 2001, 4),
        (4, 1800, 4),
        (4, 1799, 3),
    ],
)
def test_sizes_overlap(step: int, nodes: int, after: int) -> None:
    assert next_step(step, nodes) == after


@pytest.mark.kubepy(nodes=1)
async def test_nodes_are_told(cluster: Cluster) -> None:
    assert (await cluster.client.get(NODES, "node-1"))["metadata"]["annotations"][ANNOTATION] == "0"
    await cluster.create(make_node("n").annotation(ANNOTATION, "77"))
    await cluster.settle()
    assert (await cluster.client.get(NODES, "n"))["metadata"]["annotations"][ANNOTATION] == "0"
