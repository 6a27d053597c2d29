"""Pods scheduled per second, by kind of pod, as upstream's scheduler_perf measures: an API server with all its filters
and admission on the memory store, the scheduler, and nothing else.

    python tests/bench/scheduling.py                      all workloads, at upstream's sizes
    python tests/bench/scheduling.py basic daemon-set     some of them
    python tests/bench/scheduling.py spread --scale 0.1 --profile     where the time goes

One process, one loop: the clients that create the pods pay from the same processor. Pods until they run, over HTTPS:
end_to_end.py.
Source of the workloads and thresholds: kubernetes test/integration/scheduler_perf, {affinity,misc,topology_spreading}/
performance-config.yaml and templates. Every case of affinity and spreading that has a threshold is here.
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
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

import uvloop

from kubepy.api.builtins import NAMESPACES, NODES, PODS, SERVICE_ACCOUNTS, SERVICES
from kubepy.api.objects import Obj
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

CLIENTS = 32
HOSTNAME, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
ONE_NODE = "scheduler-perf-node"
CHURN_S = 0.2
Make = Callable[[str], Obj]  # name -> object; what takes part says in which namespace


# -- pods and nodes --------------------------------------------------------------------------------------------


def pod(name: str, labels: dict[str, str] | None = None, cpu: str = "100m", **spec: object) -> Obj:
    resources = {"requests": {"cpu": cpu, "memory": "500Mi"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels or {}},
        "spec": {"containers": [{"name": "pause", "image": "pause:3", "resources": resources}], **spec},
    }


def pods(labels: dict[str, str] | None = None, cpu: str = "100m", **spec: object) -> Make:
    return lambda name: pod(name, labels, cpu, **spec)


def near(kind: str, key: str, labels: dict[str, str], *, is_preferred: bool = False, **more: object) -> Make:
    """Pods that want to be with, or apart from, those with the same labels."""
    term = {"labelSelector": {"matchLabels": labels}, "topologyKey": key, **more}
    if is_preferred:
        wanted = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": term}]}
    else:
        wanted = {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
    return pods(labels, affinity={kind: wanted})


def on_nodes(part: str, key: str, *values: str) -> Make:
    term = {part: [{"key": key, "operator": "In", "values": list(values)}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    return pods(affinity={"nodeAffinity": required})


def spread(action: str, labels: dict[str, str], **fields: object) -> Make:
    constraint = {"whenUnsatisfiable": action, "labelSelector": {"matchLabels": labels}, **fields}
    return pods(labels, topologySpreadConstraints=[constraint])


def bare(make: Make, **spec: object) -> Make:
    """Without requests."""

    def of(name: str) -> Obj:
        made = make(name)
        made["spec"] |= {"containers": [{"name": "pause", "image": "pause:3"}], **spec}
        return made

    return of


def gated(make: Make) -> Make:
    return bare(make, schedulingGates=[{"name": "test.k8s.io/hold"}])


def nodes(*zones: str, capacity: int = 110, taints: Iterable[Obj] = ()) -> Make:
    amounts = {"cpu": "4", "memory": "32Gi", "pods": str(capacity)}

    def make(name: str) -> Obj:
        zone = {ZONE: zones[int(name.rpartition("-")[2]) % len(zones)]} if zones else {}
        metadata = {"name": name, "labels": {HOSTNAME: name, **zone}}
        status = {"capacity": amounts, "allocatable": amounts}
        spec = {"taints": list(taints)}
        return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": spec, "status": status}

    return make


# -- workloads -------------------------------------------------------------------------------------------------


class Many(NamedTuple):
    count: int
    make: Make
    namespaces: tuple[str, ...] = ("sched-0",)  # pods go to them in turn
    is_scheduled: bool = True  # what follows waits for these


class Workload(NamedTuple):
    threshold: float  # pods/s: the newest that upstream published
    measured: Many
    before: tuple[Many, ...] = ()
    nodes: tuple[Many, ...] = (Many(5000, nodes()),)
    churn: Make | None = None  # pods that come meanwhile, one each CHURN_S, and are not counted
    service: dict[str, str] | None = None  # selector of one that is there


BLUE, GREEN, RED, YELLOW = ({"color": color} for color in ("blue", "green", "red", "yellow"))
AFFINITY, ANTI = "podAffinity", "podAntiAffinity"
PERF = {"app": "scheduler-perf"}
BOTH = ["sched-1", "sched-0"]
TEAM = {"team": "devops"}  # of every namespace here
TEAMS = {"namespaceSelector": {"matchLabels": TEAM}}
TEAM_NODES = (Many(6000, nodes("zone1")),)
ZONED = (Many(5000, nodes("zone1")),)
MOONS = (Many(5000, nodes("moon-1", "moon-2", "moon-3")),)
NAMED = (Many(1, lambda _: nodes(capacity=90000)(ONE_NODE)),)
OTHERS = tuple(f"init-ns-{number}" for number in range(100))

apart = near(ANTI, HOSTNAME, GREEN, namespaces=BOTH)
together = near(AFFINITY, ZONE, BLUE, namespaces=BOTH)
rather_apart = near(ANTI, HOSTNAME, YELLOW, is_preferred=True, namespaces=BOTH)
rather_together = near(AFFINITY, HOSTNAME, RED, is_preferred=True, namespaces=BOTH)
by_zone = {"maxSkew": 5, "topologyKey": ZONE}
by_host = {"maxSkew": 1, "topologyKey": HOSTNAME, "nodeAffinityPolicy": "Honor", "nodeTaintsPolicy": "Honor"}


def among_teams(threshold: float, count: int, make: Make) -> Workload:
    return Workload(threshold, Many(count, make, ("measure-ns-0",)), (Many(4000, make, OTHERS),), TEAM_NODES)


WORKLOADS = {
    "basic": Workload(680, Many(10000, pods()), (Many(1000, pods()),)),
    "anti-affinity": Workload(60, Many(2000, apart, ("sched-1",)), (Many(1000, apart),)),
    "matching-anti-affinity": Workload(600, Many(5000, pods(GREEN), ("sched-1",)), (Many(1000, apart),)),
    "affinity": Workload(35, Many(5000, together, ("sched-1",)), (Many(1000, together),), ZONED),
    "preferred-affinity": Workload(
        90, Many(5000, rather_together, ("sched-1",)), (Many(1000, rather_together),)
    ),
    "preferred-anti-affinity": Workload(
        90, Many(5000, rather_apart, ("sched-1",)), (Many(1000, rather_apart),)
    ),
    "node-affinity": Workload(
        220,
        Many(10000, on_nodes("matchExpressions", ZONE, "zone1", "zone2")),
        (Many(5000, on_nodes("matchExpressions", ZONE, "zone1", "zone2")),),
        ZONED,
    ),
    "mixed": Workload(
        140,
        Many(5000, pods()),
        tuple(Many(2000, make) for make in (pods(), together, apart, rather_together, rather_apart)),
        ZONED,
    ),
    "teams-anti-affinity": among_teams(24, 2000, near(ANTI, HOSTNAME, GREEN, **TEAMS)),
    "teams-preferred-anti-affinity": among_teams(
        55, 2000, near(ANTI, HOSTNAME, GREEN, is_preferred=True, **TEAMS)
    ),
    "teams-affinity": among_teams(35, 2000, near(AFFINITY, ZONE, BLUE, **TEAMS)),
    "teams-preferred-affinity": among_teams(
        90, 5000, near(AFFINITY, HOSTNAME, RED, is_preferred=True, **TEAMS)
    ),
    "gated-affinity": Workload(
        110,
        Many(20000, bare(pods(PERF))),
        (Many(10000, gated(near(AFFINITY, HOSTNAME, PERF)), is_scheduled=False),),
        NAMED,
    ),
    "spread": Workload(
        85, Many(5000, spread("DoNotSchedule", BLUE, **by_zone)), (Many(5000, pods()),), MOONS
    ),
    "preferred-spread": Workload(
        125, Many(5000, spread("ScheduleAnyway", BLUE, **by_zone)), (Many(5000, pods()),), MOONS
    ),
    "default-spread": Workload(680, Many(10000, pods(PERF)), (Many(5000, pods()),), MOONS, service=PERF),
    "inclusion-policy": Workload(
        68,
        Many(4000, spread("DoNotSchedule", {"foo": "bar"}, **by_host)),
        nodes=(Many(4000, nodes()), Many(1000, nodes(taints=[{"key": "foo", "effect": "NoSchedule"}]))),
    ),
    "daemon-set": Workload(
        1100,
        Many(30000, bare(on_nodes("matchFields", "metadata.name", ONE_NODE))),
        nodes=(*NAMED, Many(15000, nodes())),
    ),
    "while-gated": Workload(
        910, Many(20000, bare(pods())), (Many(10000, gated(pods()), is_scheduled=False),), NAMED
    ),
    "preemption": Workload(
        570,
        Many(5000, pods()),
        (Many(20000, pods(cpu="900m", terminationGracePeriodSeconds=0)),),
        churn=pods(cpu="3000m", priorityClassName="system-cluster-critical"),
    ),
}


# -- the cluster -----------------------------------------------------------------------------------------------


def control_plane() -> ControlPlane:
    clock, random = RealClock(), Random("bench")
    config = Config(nodes=0, controllers=(), ephemeral=True, port=0)
    logs = Logs(clock, level="error", form="json", stream=sys.stderr)
    return ControlPlane(
        config, MemoryStore(), Keys(_signing_key(random)), Basis(clock, random, logs, Metrics())
    )


async def at_once(works: Iterable[Callable[[], Awaitable[object]]]) -> None:
    queue = iter(works)

    async def take_turns() -> None:
        for work in queue:
            await work()

    await asyncio.gather(*(take_turns() for _ in range(CLIENTS)))


async def make_namespaces(client: Client, names: Iterable[str]) -> None:
    for name in names:
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": TEAM}}
        await client.create(NAMESPACES, namespace)
        account = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "default", "namespace": name},
        }
        await client.create(SERVICE_ACCOUNTS, account)


async def make_nodes(client: Client, prefix: str, many: Many) -> None:
    async def one(number: int) -> None:
        node = many.make(f"{prefix}-{number}")
        made = await client.create(NODES, node)
        # Admission taints what is new.
        taints = {"spec": {"taints": node["spec"]["taints"] or None}}
        await client.patch(NODES, made["metadata"]["name"], taints, content_type=MERGE_PATCH)

    await at_once([lambda n=number: one(n) for number in range(many.count)])


async def make_pods(client: Client, prefix: str, many: Many) -> None:
    async def one(number: int) -> None:
        made = many.make(f"{prefix}-{number}")
        made["metadata"]["namespace"] = many.namespaces[number % len(many.namespaces)]
        await client.create(PODS, made)

    await at_once([lambda n=number: one(n) for number in range(many.count)])


async def scheduled(client: Client, prefix: str, count: int, revision: int) -> float:
    """When so many pods were bound."""
    bound: set[str] = set()
    async for batch in client.watch(PODS, resource_version=str(revision)):
        for _, document in batch:
            name = document.key.name
            if name.startswith(prefix) and name not in bound and document.obj["spec"].get("nodeName"):
                bound.add(name)
        if len(bound) >= count:
            break
    return time.perf_counter()


async def create_and_schedule(client: Client, prefix: str, many: Many) -> None:
    revision = (await client.list(PODS)).revision
    waiting = asyncio.ensure_future(scheduled(client, f"{prefix}-", many.count, revision))
    await make_pods(client, prefix, many)
    await waiting


async def churn(client: Client, make: Make) -> None:
    number = 0
    while True:
        await make_pods(client, f"churn-{number}", Many(1, make))
        number += 1
        await asyncio.sleep(CHURN_S)


# -- what is measured ------------------------------------------------------------------------------------------


def scaled(workload: Workload, factor: float) -> Workload:
    def less(many: Many) -> Many:
        return many._replace(count=max(1, round(many.count * factor)))

    return workload._replace(
        measured=less(workload.measured),
        before=tuple(map(less, workload.before)),
        nodes=tuple(map(less, workload.nodes)),
    )


async def measure(name: str, workload: Workload, options: argparse.Namespace) -> None:
    plane = control_plane()
    await plane.start()
    gc.freeze()
    client, measured = plane.client, workload.measured
    try:
        await make_namespaces(
            client, {n: None for many in (measured, *workload.before) for n in many.namespaces}
        )
        for number, many in enumerate(workload.nodes):
            await make_nodes(client, f"node-{number}", many)
        if workload.service:
            spec = {"selector": workload.service, "clusterIP": "None"}
            metadata = {"name": "service", "namespace": measured.namespaces[0]}
            service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
            await client.create(SERVICES, service)
        for number, many in enumerate(workload.before):
            await (create_and_schedule if many.is_scheduled else make_pods)(client, f"before-{number}", many)
        disturbing = asyncio.ensure_future(churn(client, workload.churn)) if workload.churn else None
        profiler = cProfile.Profile() if options.profile else None
        if profiler:
            profiler.enable()
        began, cpu = time.perf_counter(), time.process_time()
        await create_and_schedule(client, "measured", measured)
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
        if profiler:
            profiler.disable()
            pstats.Stats(profiler, stream=sys.stdout).sort_stats(options.sort).print_stats(45)
        if disturbing:
            disturbing.cancel()
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{name:30} {sum(many.count for many in workload.nodes):6} nodes {measured.count:6} pods "
            f"{measured.count / took:6.0f}/s, one core {measured.count / cpu:6.0f}/s  "
            f"(upstream's threshold {workload.threshold:.0f}/s)  {memory:5.0f} MB",
            flush=True,
        )
    finally:
        await plane.close()


def main() -> None:
    gc.set_threshold(50_000, 20, 50)  # as the command does
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workloads", nargs="*", metavar="workload", choices=[*WORKLOADS, []])
    parser.add_argument("--scale", type=float, default=1.0, help="of nodes and pods")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--sort", default="tottime")
    options = parser.parse_args()
    for name in options.workloads or WORKLOADS:
        uvloop.run(measure(name, scaled(WORKLOADS[name], options.scale), options))
        gc.unfreeze()
        gc.collect()


if __name__ == "__main__":
    main()
