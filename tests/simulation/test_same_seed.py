"""The same seed gives the same history, event for event, in whatever process; another seed another."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from kubepy.api.builtins import DEPLOYMENTS, JOBS, NODES, PODS
from kubepy.api.objects import Obj
from kubepy.client.client import MERGE_PATCH
from kubepy.testing import Cluster
from kubepy.testing.builders import make_deployment
from tests.simulation import busy

ROOT = Path(__file__).resolve().parents[2]


class Change(NamedTuple):
    revision: int
    verb: str  # "create", "update", "delete"
    key: str  # "/registry/pods/default/web-0"
    digest: str  # of the whole value, uids and times included


def troubled() -> list[Obj]:
    """A CronJob whose jobs expire, containers that crash, that probes kill and whose image is not there."""
    tick = busy.quota_friendly(busy.job("tick", completions=1, seconds=5))
    spec = {
        "schedule": "*/2 * * * *",
        "jobTemplate": {"spec": tick["spec"] | {"ttlSecondsAfterFinished": 60}},
    }
    metadata = {"name": "tick", "namespace": "default"}
    cron_job = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": spec}
    probe = {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 5}
    found = [cron_job]
    for name, image, said, more in (
        ("crash", "app:1", {"exit-code": "1", "run-seconds": "3"}, {}),
        ("sick", "app:1", {"unhealthy-seconds": "60", "ready-seconds": "12"},
         {"livenessProbe": probe, "readinessProbe": probe}),
        ("missing", "app:404", {}, {}),
    ):  # fmt: skip
        made = make_deployment(name).replicas(2).image(image).requests(cpu="10m").obj()
        template = made["spec"]["template"]
        template["metadata"]["annotations"] = {f"kubepy.io/{key}": value for key, value in said.items()}
        template["spec"]["containers"][0] |= more
        found.append(made)
    return found


async def changes_of(cluster: Cluster, since: int) -> list[Change]:
    found = []
    async for batch in cluster.store.history(b"/", since, cluster.store.revision):
        for event in batch:
            verb = "delete" if event.type.name == "DELETE" else "update" if event.previous else "create"
            digest = hashlib.sha256(event.kv.value).hexdigest()
            found.append(Change(event.kv.mod_revision, verb, event.kv.key.decode(), digest))
    return found


async def history(seed: int) -> list[Change]:
    """Every revision of a busy half hour: rollout, autoscaling, evictions, a lost node and one under pressure, jobs,
    deletions; then what becomes of it in a fork."""
    async with Cluster(seed=seed, etcd_compaction_interval="24h") as cluster:
        client = cluster.client

        async def annotate(node: str, what: str, value: str | None) -> None:
            change = {"metadata": {"annotations": {f"kubepy.io/{what}": value}}}
            await client.patch(NODES, node, change, content_type=MERGE_PATCH)

        await busy.begin(cluster)
        await cluster.create(*troubled())
        await cluster.advance("90s")
        image = [{"name": "app", "image": "nginx:2"}]
        change = {"spec": {"template": {"spec": {"containers": image}}}}
        await client.patch(DEPLOYMENTS, "web", change, namespace="default")
        await cluster.advance("5s")
        await client.delete(PODS, "db-1", "default")
        await annotate("node-1", "outage", "true")
        await cluster.advance("10m")
        await annotate("node-1", "outage", None)
        await annotate("node-2", "pressure", "memory")
        await client.delete(JOBS, "sum", "default")
        await cluster.advance("15m")
        found = await changes_of(cluster, cluster.store.compacted + 1)
        async with cluster.fork() as other:
            await other.advance("5m")
            return found + await changes_of(other, cluster.store.revision + 1)


def history_elsewhere(seed: int, hash_seed: int) -> list[Change]:
    """In a process of its own, whose sets are in another order."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation.test_same_seed", str(seed)],
        cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": str(hash_seed)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    rows = (line.split(" ") for line in done.stdout.splitlines())
    return [Change(int(revision), *words) for revision, *words in rows]


async def test_the_same_seed_gives_the_same_history_event_for_event() -> None:
    one, again = await history(7), history_elsewhere(7, hash_seed=42)
    for first, second in zip(one, again, strict=False):
        assert first == second
    assert len(one) == len(again) > 1000
    assert one[-1].revision - one[0].revision + 1 == len({change.revision for change in one})
    kinds = {change.key.split("/")[2] for change in one}
    assert kinds >= {"cronjobs.batch", "persistentvolumeclaims", "events", "controllerrevisions.apps", "endpointslices."
                     "discovery.k8s.io", "horizontalpodautoscalers.autoscaling"}  # fmt: skip


async def test_another_seed_gives_another_history() -> None:
    assert await history(7) != await history(8)


if __name__ == "__main__":
    for change in asyncio.run(history(int(sys.argv[1]))):
        print(*change)
