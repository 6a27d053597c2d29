"""Pods created over HTTPS by another process until they run on simulated nodes: the whole daemon, as a user has it.

    python tests/bench/end_to_end.py                           5 000 nodes, 10 000 pods
    python tests/bench/end_to_end.py --nodes 1000 --pods 2000 --who     and who of the daemon took the time
    python tests/bench/end_to_end.py --nodes 1000 --idle       what nodes alone cost, and who that is

On a machine that others use, only processor time tells: `one core` is what the daemon could do with all of one, the
share of its nodes included.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import bench
import uvloop
import wire

CREATING = 32
NAMED = re.compile(rb'"name":"(pod-[^"]+)"')  # the fields of metadata come in any order
IDLE_S = 10.0


class Sampled(bench.Daemon):
    """It can say who took its time; see sampled.py. That costs a few percent."""

    def __init__(self, *flags: str) -> None:
        super().__init__(*flags)
        self.samples = self.directory / "samples.json"
        self.program = (str(Path(__file__).with_name("sampled.py")), str(self.samples))

    def begin(self) -> None:
        os.kill(self.process.pid, signal.SIGUSR1)

    def rows(self) -> list[tuple[str, str, str, int]]:
        os.kill(self.process.pid, signal.SIGUSR2)
        time.sleep(1)
        return [tuple(row) for row in json.loads(self.samples.read_text())]


class Moment(NamedTuple):
    wall_s: float
    cpu_s: float  # that the daemon has used


class Progress:
    """What a watch of the pods has seen: which are bound, which run, and the moments when all were."""

    def __init__(self, pods: int, now: Callable[[], Moment]) -> None:
        self._pods, self._now = pods, now
        self._rest = b""
        self.bound: set[bytes] = set()
        self.running: set[bytes] = set()
        self.all_bound = self.all_running = now()

    def feed(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if b'"nodeName":"' not in line or (found := NAMED.search(line)) is None:
                continue
            name = found.group(1)
            if name not in self.bound:
                self.bound.add(name)
                if len(self.bound) == self._pods:
                    self.all_bound = self._now()
            if name not in self.running and b'"phase":"Running"' in line:
                self.running.add(name)
                if len(self.running) == self._pods:
                    self.all_running = self._now()


class Watching(wire.Connection):
    progress: Progress

    def data_received(self, data: bytes) -> None:
        self.progress.feed(data)


def pod(name: str) -> dict:
    """As upstream's scheduler_perf has them."""
    requests = {"requests": {"cpu": "100m", "memory": "500Mi"}}
    containers = [{"name": "pause", "image": "registry.k8s.io/pause:3.10", "resources": requests}]
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": f"{name}-"}, "spec": {"containers": containers},
    }  # fmt: skip


async def until_able(target: wire.Target, nodes: int) -> None:
    """All nodes are there, Ready and without taints, and have settled."""
    while True:
        items = (await wire.call(target, "GET", "/api/v1/nodes?resourceVersion=0"))["items"]
        if sum(1 for node in items if not node["spec"].get("taints")) >= nodes:
            break
        await asyncio.sleep(1)
    await asyncio.sleep(12)  # every lease has been there once


async def load(target: wire.Target, pods: int, now: Callable[[], Moment]) -> dict[str, Moment]:
    """The moments when it began, when all pods were created, bound, running."""
    path = f"/api/v1/namespaces/{bench.NAMESPACE}/pods"
    version = (await wire.call(target, "GET", f"{path}?limit=1"))["metadata"]["resourceVersion"]
    watching = await Watching.open(target)
    watching.progress = progress = Progress(pods, now)
    watching.request(target.head("GET", f"{path}?watch=1&resourceVersion={version}&timeoutSeconds=3600"))
    await asyncio.sleep(0.5)
    request = bench.post(target, path, pod("pod"))
    began = now()
    await bench.hammer(target, pods, lambda _: request, connections=CREATING)
    created = now()
    while len(progress.running) < pods:
        if time.perf_counter() - began.wall_s > 600:
            raise RuntimeError(
                f"{len(progress.bound)} bound, {len(progress.running)} running after ten minutes"
            )
        await asyncio.sleep(0.05)
    watching.on_line = lambda _: None  # its end is no news
    watching.close()
    return {
        "began": began, "created": created, "bound": progress.all_bound, "running": progress.all_running,
    }  # fmt: skip


def print_shares(rows: list[tuple[str, str, str, int]], whole: float, unit: str, functions: int) -> None:
    """How the whole is shared out."""
    per = max(1, sum(count for *_, count in rows)) / whole
    by_who: Counter[str] = Counter()
    rooms: dict[str, Counter[str]] = {}
    by_function: Counter[str] = Counter()
    for who, room, function, count in rows:
        by_who[who] += count
        rooms.setdefault(who, Counter())[room] += count
        by_function[function] += count
    print(f"  {whole:8.3f} {unit}, of which")
    for who, count in by_who.most_common(24):
        inside = ", ".join(f"{room} {n / per:.3f}" for room, n in rooms[who].most_common(6))
        print(f"  {count / per:8.3f} {who:28} {inside}")
    for function, count in by_function.most_common(functions):
        print(f"  {count / per:8.3f} {function}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nodes", type=int, default=5000)
    parser.add_argument("--pods", type=int, default=10000)
    parser.add_argument("--idle", action="store_true", help="without pods")
    parser.add_argument("--who", action="store_true", help="shares of the components")
    parser.add_argument("--functions", type=int, default=0, help="and of this many functions")
    options = parser.parse_args()
    uvloop.install()
    bench.pin(-1)
    flags = ("--nodes", str(options.nodes))
    with (Sampled if options.who else bench.Daemon)(*flags) as daemon:
        target = daemon.target()
        asyncio.run(bench.prepare(target))
        asyncio.run(until_able(target, options.nodes))
        if options.who:
            daemon.begin()
        before = daemon.cpu_s()
        time.sleep(IDLE_S)
        idle = (daemon.cpu_s() - before) / IDLE_S
        print(
            f"{options.nodes} nodes idle: {idle * 100:.1f} % of a core, {daemon.rss_mb():.0f} MB", flush=True
        )
        if options.who:
            print_shares(daemon.rows(), idle * 100, "% of a core", options.functions)
            daemon.begin()
        if options.idle:
            return
        moments = asyncio.run(load(target, options.pods, lambda: Moment(time.perf_counter(), daemon.cpu_s())))
        began = moments.pop("began")
        for what, moment in moments.items():
            took, cpu = moment.wall_s - began.wall_s, moment.cpu_s - began.cpu_s
            print(
                f"{options.pods} pods {what:8} {options.pods / took:5.0f}/s, one core {options.pods / cpu:5.0f}/s,"
                f" {cpu / options.pods * 1e3:.2f} ms each",
                flush=True,
            )
        print(f"{daemon.rss_mb():.0f} MB")
        if options.who:
            print_shares(daemon.rows(), cpu / options.pods * 1e3, "ms per pod", options.functions)


if __name__ == "__main__":
    main()
