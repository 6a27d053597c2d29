"""Pods scheduled per second, by kind of pod, as upstream's scheduler_perf measures: an API server with all its filters
and admission on the memory store, the scheduler, and nothing else; or, with --end-to-end, all else too, until pods run.

    python tests/bench/scheduling.py                      all rows, 5 000 nodes
    python tests/bench/scheduling.py basic --pods 10000 --end-to-end
    python tests/bench/scheduling.py spread --profile     where the time goes

One process, one loop: the clients that create the pods pay from the same processor.
Source of the rows: kubernetes test/integration/scheduler_perf, performance-config.yaml of each topic; 5 000 nodes of 4
cpu, 32 Gi and 110 pods, three zones, pods of 100 m and 500 Mi.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import gc
import pstats
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import uvloop

from kubepy.api.builtins import NAMESPACES, NODES, PODS, SERVICE_ACCOUNTS, SERVICES
from kubepy.api.objects import Obj, is_condition_true
from kubepy.client.client import MERGE_PATCH, Client
from kubepy.daemon.api_server import Keys
from kubepy.daemon.basis import Basis
from kubepy.daemon.cluster import ControlPlane
from kubepy.daemon.config import Config
from kubepy.lib.clock import RealClock
from kubepy.lib.random import Random
from kubepy.observability.logs import Logs
from kubepy.observability.metrics import Metrics
from kubepy.store.memory import MemoryStore
from kubepy.testing.cluster import _signing_key

NAMESPACE = "default"
CLIENTS = 32
HOSTNAME, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"


# -- pods ------------------------------------------------------------------------------------------------------


def pod(name: str, labels: dict[str, str] | None = None, **spec: object) -> Obj:
    resources = {"requests": {"cpu": "100m", "memory": "500Mi"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels or {}},
        "spec": {"containers": [{"name": "pause", "image": "pause:3", "resources": resources}], **spec},
    }


def term(key: str, **labels: str) -> Obj:
    return {"labelSelector": {"matchLabels": labels}, "topologyKey": key}


def affine(kind: str, wanted: Obj, *, is_preferred: bool = False) -> Obj:
    if is_preferred:
        field, value = (
            "preferredDuringSchedulingIgnoredDuringExecution",
            {"weight": 1, "podAffinityTerm": wanted},
        )
    else:
        field, value = "requiredDuringSchedulingIgnoredDuringExecution", wanted
    return {kind: {field: [value]}}


def spread(action: str, **fields: object) -> Obj:
    selector = {"matchLabels": {"color": "blue"}}
    return {
        "maxSkew": 5, "topologyKey": ZONE, "whenUnsatisfiable": action, "labelSelector": selector, **fields,
    }  # fmt: skip


BLUE = {"color": "blue"}
# row -> (pods there before, pods measured, how one is made, upstream's threshold in pods/s)
ROWS: dict[str, tuple[int, int, Callable[[str], Obj], float]] = {
    "basic": (1000, 10000, pod, 680),
    "service": (1000, 5000, lambda name: pod(name, {"app": "web"}), 680),
    "affinity": (
        1000, 5000, lambda name: pod(name, BLUE, affinity=affine("podAffinity", term(ZONE, **BLUE))), 35,
    ),
    "anti-affinity": (
        1000, 2000, lambda name: pod(name, BLUE, affinity=affine("podAntiAffinity", term(HOSTNAME, **BLUE))), 60,
    ),
    "preferred-affinity": (
        1000, 5000,
        lambda name: pod(name, BLUE, affinity=affine("podAffinity", term(HOSTNAME, **BLUE), is_preferred=True)), 90,
    ),
    "spread": (1000, 5000, lambda name: pod(name, BLUE, topologySpreadConstraints=[spread("DoNotSchedule")]), 85),
    "preferred-spread": (
        1000, 5000, lambda name: pod(name, BLUE, topologySpreadConstraints=[spread("ScheduleAnyway")]), 125,
    ),
    "inclusion-policy": (
        1000, 5000,
        lambda name: pod(name, BLUE, topologySpreadConstraints=[
            spread("DoNotSchedule", topologyKey=HOSTNAME, maxSkew=1, nodeTaintsPolicy="Honor")]), 68,
    ),
    "gated": (10000, 5000, pod, 910),
    "preemption": (20000, 5000, lambda name: pod(name, priority=0), 160),
}  # fmt: skip


# -- the cluster -----------------------------------------------------------------------------------------------


def control_plane(nodes: int) -> ControlPlane:
    """With simulated nodes everything runs, without them the scheduler alone."""
    clock, random = RealClock(), Random("bench")
    config = Config(nodes=nodes, controllers=("*",) if nodes else (), ephemeral=True, port=0)
    logs = Logs(clock, level="error", form="json", stream=sys.stderr)
    basis = Basis(clock, random, logs, Metrics())
    return ControlPlane(config, MemoryStore(), Keys(_signing_key(random)), basis)


async def many(works: list[Callable[[], Awaitable[object]]], clients: int = CLIENTS) -> None:
    queue = iter(works)

    async def one() -> None:
        for work in queue:
            await work()

    await asyncio.gather(*(one() for _ in range(clients)))


async def make_nodes(client: Client, count: int) -> None:
    amounts = {"cpu": "4", "memory": "32Gi", "pods": "110"}

    async def one(number: int) -> None:
        name = f"node-{number}"
        labels = {HOSTNAME: name, ZONE: f"zone{number % 3 + 1}"}
        await client.create(NODES, {
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels},
            "status": {"capacity": amounts, "allocatable": amounts},
        })  # fmt: skip
        await client.patch(NODES, name, {"spec": {"taints": None}}, content_type=MERGE_PATCH)

    await many([lambda n=number: one(n) for number in range(1, count + 1)])


async def make_pods(client: Client, prefix: str, count: int, make: Callable[[str], Obj]) -> None:
    await many([lambda n=n: client.create(PODS, make(f"{prefix}-{n}")) for n in range(count)])


async def bound(plane: ControlPlane, prefix: str, count: int, is_done: Callable[[Obj], bool]) -> None:
    """Until so many pods are done."""
    page = await plane.client.list(PODS, NAMESPACE)
    done = {d.key.name for d in page.documents if d.key.name.startswith(prefix) and is_done(d.obj)}
    if len(done) >= count:
        return
    async for batch in plane.client.watch(PODS, NAMESPACE, resource_version=str(page.revision)):
        for _, document in batch:
            name = document.key.name
            if name.startswith(prefix) and name not in done and is_done(document.obj):
                done.add(name)
        if len(done) >= count:
            return


async def until(work: Awaitable[object]) -> float:
    """When it was done."""
    await work
    return time.perf_counter()


async def ready(plane: ControlPlane, nodes: int) -> None:
    """Until the simulated nodes are there and take pods."""
    page = await plane.client.list(NODES)
    able = {d.key.name for d in page.documents if is_able(d.obj)}
    watch = plane.client.watch(NODES, resource_version=str(page.revision))
    async with aclosing(watch) as batches:
        while len(able) < nodes:
            for _, document in await anext(batches):
                if is_able(document.obj):
                    able.add(document.key.name)
    await asyncio.sleep(3)  # their first leases


def is_able(node: Obj) -> bool:
    return is_condition_true(node, "Ready") and not node["spec"].get("taints")


def is_bound(obj: Obj) -> bool:
    return bool(obj["spec"].get("nodeName"))


def is_running(obj: Obj) -> bool:
    return (obj.get("status") or {}).get("phase") == "Running"


# -- rows ------------------------------------------------------------------------------------------------------


async def measure(row: str, options: argparse.Namespace) -> None:
    before, count, make, threshold = ROWS[row]
    if options.pods:
        # Only where nothing is left of the nodes pods have to be evicted.
        before = 4 * options.nodes if row == "preemption" else before * options.pods // count
        count = options.pods
    plane = control_plane(options.nodes if options.end_to_end else 0)
    await plane.start()
    gc.freeze()
    client, is_done = plane.client, is_running if options.end_to_end else is_bound
    try:
        for resource_, name in ((NAMESPACES, NAMESPACE), (SERVICE_ACCOUNTS, "default")):
            obj = {"apiVersion": "v1", "kind": resource_.kind, "metadata": {"name": name}}
            if resource_ is SERVICE_ACCOUNTS:
                obj["metadata"]["namespace"] = NAMESPACE
            try:
                await client.create(resource_, obj)
            except Exception as error:
                assert "exists" in str(error), error
        if options.end_to_end:
            await ready(plane, options.nodes)
        else:
            await make_nodes(client, options.nodes)
        if row == "service":
            spec = {"selector": {"app": "web"}, "clusterIP": "None"}
            metadata = {"name": "web", "namespace": NAMESPACE}
            await client.create(
                SERVICES, {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
            )
        before_make = make
        if row == "gated":
            before_make = lambda name: pod(name, schedulingGates=[{"name": "wait"}])  # noqa: E731
        if row == "preemption":
            requests = {"requests": {"cpu": "900m", "memory": "500Mi"}}
            filler = [{"name": "c", "image": "pause", "resources": requests}]
            before_make = lambda name: pod(name, containers=filler, terminationGracePeriodSeconds=0)  # noqa: E731
            big = [{"name": "c", "image": "pause", "resources": {"requests": {"cpu": "3000m"}}}]
            make = lambda name: pod(name, containers=big, priorityClassName="system-cluster-critical")  # noqa: E731
        waiting = asyncio.ensure_future(bound(plane, "before", 0 if row == "gated" else before, is_done))
        await make_pods(client, "before", before, before_make)
        if row != "gated":
            await waiting
        waiting.cancel()
        profiler = cProfile.Profile() if options.profile else None
        if profiler:
            profiler.enable()
        began, cpu = time.perf_counter(), time.process_time()
        steps = [is_bound, is_running] if options.end_to_end else [is_bound]
        waits = [asyncio.ensure_future(until(bound(plane, "pod", count, step))) for step in steps]
        await make_pods(client, "pod", count, make)
        created = time.perf_counter() - began
        scheduled, *ran = [at - began for at in await asyncio.gather(*waits)]
        if profiler:
            profiler.disable()
            pstats.Stats(profiler, stream=sys.stdout).sort_stats(options.sort).print_stats(45)
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        cpu_ms = 1e3 * (time.process_time() - cpu) / count
        running = f" running {count / ran[0]:6.0f}/s," if ran else ""
        bar = f"upstream {threshold:.0f}/s"
        print(
            f"{row:20} {options.nodes:6} nodes {count:6} pods {count / scheduled:8.0f}/s  (created"
            f" {count / created:6.0f}/s,{running} {cpu_ms:5.2f} ms cpu each, {bar}, rss {rss:5.0f} MB)",
            flush=True,
        )
    finally:
        await plane.close()


def main() -> None:
    gc.set_threshold(50_000, 20, 50)  # as the command does
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", metavar="row")
    parser.add_argument("--nodes", type=int, default=5000)
    parser.add_argument("--pods", type=int, default=0)
    parser.add_argument("--end-to-end", action="store_true")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--sort", default="tottime")
    options = parser.parse_args()
    for row in options.rows or ROWS:
        uvloop.run(measure(row, options))


if __name__ == "__main__":
    main()
