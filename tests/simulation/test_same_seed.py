"""The same seed gives the same history, event for event; another seed another."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from kubepy.api.builtins import DEPLOYMENTS, JOBS, NODES, PODS
from kubepy.client.client import MERGE_PATCH
from kubepy.testing import Cluster
from tests.simulation import busy


class Change(NamedTuple):
    revision: int
    verb: str  # "create", "update", "delete"
    key: str  # "/registry/pods/default/web-0"
    digest: str  # of the whole value, uids and times included


async def history(seed: int) -> list[Change]:
    """Every revision of a busy half hour: rollout, autoscaling, evictions, a lost node, a job, deletions."""
    async with Cluster(seed=seed, etcd_compaction_interval="24h") as cluster:
        client = cluster.client
        await busy.begin(cluster)
        await cluster.advance("90s")
        image = [{"name": "app", "image": "nginx:2"}]
        change = {"spec": {"template": {"spec": {"containers": image}}}}
        await client.patch(DEPLOYMENTS, "web", change, namespace="default")
        await cluster.advance("5s")
        await client.delete(PODS, "db-1", "default")
        outage = {"metadata": {"annotations": {"kubepy.io/outage": "true"}}}
        await client.patch(NODES, "node-1", outage, content_type=MERGE_PATCH)
        await cluster.advance("10m")
        outage["metadata"]["annotations"]["kubepy.io/outage"] = None
        await client.patch(NODES, "node-1", outage, content_type=MERGE_PATCH)
        await client.delete(JOBS, "sum", "default")
        await cluster.advance("20m")
        changes = []
        last = cluster.store.revision
        async for batch in cluster.store.history(b"/", cluster.store.compacted + 1, last):
            for kind, kv, previous in batch:
                verb = "delete" if kind.name == "DELETE" else "update" if previous else "create"
                digest = hashlib.sha256(kv.value).hexdigest()
                changes.append(Change(kv.mod_revision, verb, kv.key.decode(), digest))
        return changes


async def test_the_same_seed_gives_the_same_history_event_for_event() -> None:
    one, again = await history(7), await history(7)
    for first, second in zip(one, again, strict=False):
        assert first == second
    assert len(one) == len(again) > 1000
    assert one[-1].revision - one[0].revision + 1 == len({change.revision for change in one})


async def test_another_seed_gives_another_history() -> None:
    assert await history(7) != await history(8)
