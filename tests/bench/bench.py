"""Whole-process figures of the daemon as a user starts it, printed as a table.

    scripts/bench                          all rows
    scripts/bench create get               these rows
    scripts/bench --peer https://127.0.0.1:16443 --peer-token T    the API rows against a peer in the same
    run, with ratios

The server is pinned to one processor and the load generator to another, where there are two. API rows run
against a cluster without nodes, controllers and scheduler, as the peer is an API server alone; the others
against a whole one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import uvloop
import wire

from kubepy.api.protoencoder import Encoder
from kubepy.apiserver.admission import chain

CONNECTIONS = 16
BARE = ("--nodes", "0", "--controllers=", "--scheduler", "off")
NAMESPACE = "bench"


# -- the daemon ------------------------------------------------------------------------------------------------


class Daemon:
    """One `kubepy up` in a directory of its own, pinned to the first processor."""

    program: tuple[str, ...] = ("-m", "kubepy")

    def __init__(self, *flags: str, directory: Path | None = None) -> None:
        self.directory = directory or Path(tempfile.mkdtemp(prefix="kubepy-bench-"))
        self.flags = flags
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Seconds from spawn to /readyz 200 over TLS."""
        command = [
            sys.executable,
            *self.program,
            "up",
            "--data-dir",
            str(self.directory),
            "--port",
            "0",
            *self.flags,
        ]
        command += ["--log-level", "error"]
        (self.directory / "instance.json").unlink(missing_ok=True)
        began = time.perf_counter()
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=lambda: pin(0))
        target = None
        while time.perf_counter() - began < 60:
            if self.process.poll() is not None:
                raise RuntimeError("the daemon ended")
            if target is None and (self.directory / "instance.json").exists():
                target = self.target()
            if target is not None and ready(target):
                return time.perf_counter() - began
            time.sleep(0.002)
        raise RuntimeError("not ready within a minute")

    def target(self) -> wire.Target:
        return wire.of_kubeconfig((self.directory / "kubeconfig").read_text())

    def rss_mb(self) -> float:
        return psutil.Process(self.process.pid).memory_info().rss / 1e6

    def cpu_s(self) -> float:
        times = psutil.Process(self.process.pid).cpu_times()
        return times.user + times.system

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)

    def remove(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Daemon:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.remove()


def pin(processor: int) -> None:
    processors = sorted(os.sched_getaffinity(0))
    if len(processors) > 1:
        os.sched_setaffinity(0, {processors[processor]})


def ready(target: wire.Target) -> bool:
    import http.client

    try:
        connection = http.client.HTTPSConnection(target.host, target.port, context=target.tls, timeout=2)
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, ssl.SSLError):
        return False


# -- load ------------------------------------------------------------------------------------------------------


def pod(name: str) -> dict:
    """1.7 KB as the API server stores it, of a plain shape."""
    env = [{"name": f"VARIABLE_{i}", "value": "x" * 24} for i in range(10)]
    container = {
        "name": "main", "image": "registry.example/team/service:1.2.3", "env": env,
        "ports": [{"containerPort": 8080, "name": "http"}],
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "200m", "memory": "128Mi"}},
    }  # fmt: skip
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app": "bench", "tier": "web"}},
        "spec": {"containers": [container], "automountServiceAccountToken": False},
    }


async def hammer(
    target: wire.Target, count: int, make: Callable[[int], bytes], connections: int = CONNECTIONS
) -> float:
    """Requests a second; every answer must be 2xx."""
    opened = [await wire.Connection.open(target) for _ in range(connections)]
    numbers = iter(range(count))

    async def work(connection: wire.Connection) -> None:
        for number in numbers:
            status, body = await connection.request(make(number))
            if status >= 300:
                raise RuntimeError(f"{status} {body[:300]!r}")

    began = time.perf_counter()
    await asyncio.gather(*(work(connection) for connection in opened))
    took = time.perf_counter() - began
    for connection in opened:
        connection.close()
    return count / took


def post(target: wire.Target, path: str, body: dict) -> bytes:
    data = json.dumps(body, separators=(",", ":")).encode()
    return target.head("POST", path, len(data)) + data


PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"


async def prepare(target: wire.Target) -> None:
    """The namespace, and the account that pods need where nobody makes it."""
    for path, body in (
        ("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}}),
        (f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts", {"metadata": {"name": "default"}}),
    ):
        try:
            await wire.call(target, "POST", path, body)
        except RuntimeError as error:
            if "409" not in str(error):
                raise


async def create(target: wire.Target, count: int = 5000) -> float:
    return await hammer(target, count, lambda n: post(target, PODS, pod(f"p-{n}")))


async def create_protobuf(target: wire.Target, count: int = 3000) -> float:
    """The same pods as Go clients send them; encoded before the clock starts."""
    write = Encoder().body
    bodies = [write("io.k8s.api.core.v1.Pod", pod(f"b-{n}")) for n in range(count)]
    requests = [
        target.head("POST", PODS, len(data), "application/vnd.kubernetes.protobuf") + data for data in bodies
    ]
    return await hammer(target, count, lambda n: requests[n])


async def get(target: wire.Target, count: int = 20000) -> float:
    requests = [target.head("GET", f"{PODS}/p-{n}") for n in range(500)]
    return await hammer(target, count, lambda n: requests[n % 500])


async def list_500(target: wire.Target, count: int = 600) -> float:
    request = target.head("GET", f"{PODS}?limit=500")
    return await hammer(target, count, lambda n: request)


async def merge_patch(target: wire.Target, count: int = 3000) -> float:
    def make(number: int) -> bytes:
        data = b'{"metadata":{"labels":{"round":"%d"}}}' % number
        return (
            target.head("PATCH", f"{PODS}/p-{number % 500}", len(data), "application/merge-patch+json") + data
        )

    return await hammer(target, count, make)


async def strategic_patch(target: wire.Target, count: int = 3000) -> float:
    def make(number: int) -> bytes:
        data = b'{"metadata":{"labels":{"strategic":"%d"}}}' % number
        path, kind = f"{PODS}/p-{number % 500}", "application/strategic-merge-patch+json"
        return target.head("PATCH", path, len(data), kind) + data

    return await hammer(target, count, make)


def applied(target: wire.Target, path: str, body: dict) -> bytes:
    data = json.dumps(body, separators=(",", ":")).encode()
    return (
        target.head("PATCH", f"{path}?fieldManager=bench", len(data), "application/apply-patch+yaml") + data
    )


async def apply_config_map(target: wire.Target, count: int = 3000) -> float:
    def make(number: int) -> bytes:
        name = f"c-{number % 100}"
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
        body["data"] = {f"key-{i}": f"{number}" for i in range(10)}
        return applied(target, f"/api/v1/namespaces/{NAMESPACE}/configmaps/{name}", body)

    return await hammer(target, count, make)


async def apply_deployment(target: wire.Target, count: int = 1000) -> float:
    """A configuration of 3 KB whose image changes each time."""

    def make(number: int) -> bytes:
        name = f"d-{number % 50}"
        containers = [
            {
                "name": f"c{i}",
                "image": f"registry.example/team/service:{number}",
                "env": [{"name": f"VARIABLE_{j}", "value": "x" * 24} for j in range(10)],
                "ports": [{"containerPort": 8080 + j} for j in range(3)],
                "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
            }
            for i in range(4)
        ]
        template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers}}
        spec = {"selector": {"matchLabels": {"app": name}}, "template": template}
        body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}
        return applied(target, f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}", body)

    return await hammer(target, count, make)


async def fan_out(target: wire.Target, watchers: int = 50, events: int = 1000) -> float:
    """Deliveries a second, from the first write to the last delivery."""
    version = (await wire.call(target, "GET", f"{PODS}?limit=1"))["metadata"]["resourceVersion"]
    seen, done = 0, asyncio.get_running_loop().create_future()

    def count(number: int) -> None:
        nonlocal seen
        seen += number
        if seen >= watchers * events and not done.done():
            done.set_result(time.perf_counter())

    opened = []
    for _ in range(watchers):
        connection = await wire.Connection.open(target)
        connection.on_line = count
        connection.request(target.head("GET", f"{PODS}?watch=1&resourceVersion={version}&timeoutSeconds=120"))
        opened.append(connection)
    await asyncio.sleep(0.3)
    began = time.perf_counter()
    await merge_patch(target, events)
    took = await asyncio.wait_for(done, 120) - began
    for connection in opened:
        connection.close()
    return watchers * events / took


API_ROWS: dict[str, tuple[str, Callable[[wire.Target], Awaitable[float]], float]] = {
    "create": ("create pods, durable", create, 2400),
    # No more than 30 % slower than JSON.
    "create-protobuf": ("create pods sent as protobuf, durable", create_protobuf, 1850),
    "get": ("get a pod", get, 9000),
    "list": ("list 500 pods", list_500, 400),
    "merge-patch": ("merge patch a pod", merge_patch, 1500),
    "strategic-patch": ("strategic merge patch a pod", strategic_patch, 1000),
    "apply-configmap": ("server-side apply a ConfigMap", apply_config_map, 2000),
    "apply-deployment": ("server-side apply a 3 KB Deployment", apply_deployment, 500),
    "fan-out": ("watch deliveries, 50 watchers", fan_out, 45000),
}


async def api(targets: list[wire.Target], rows: list[str]) -> list[dict[str, float]]:
    """Row by row, each against all targets in turn, so that a machine that slows down slows down both."""
    results: list[dict[str, float]] = [{} for _ in targets]
    for target in targets:
        await prepare(target)
    for row, (_, measure, _) in API_ROWS.items():
        # Later rows read what create made.
        if row in rows or row == "create":
            for target, figures in zip(targets, results, strict=True):
                figures[row] = await measure(target)
    return results


# -- whole clusters --------------------------------------------------------------------------------------------


def start_empty() -> tuple[float, str]:
    """Median of five starts of an existing, empty cluster."""
    daemon = Daemon()
    took = []
    for _ in range(6):
        took.append(daemon.start())
        daemon.stop()
    daemon.remove()
    return sorted(took[1:])[2], "s"


def start_stored() -> tuple[float, str]:
    """Start with 10 000 pods stored, median of three."""
    daemon = Daemon(*BARE)
    daemon.start()
    asyncio.run(fill(daemon.target(), 10_000))
    daemon.stop()
    daemon.flags = ()
    took = []
    for _ in range(3):
        took.append(daemon.start())
        daemon.stop()
    daemon.remove()
    return sorted(took)[1], "s"


async def fill(target: wire.Target, count: int) -> None:
    await prepare(target)
    await create(target, count)


def idle_memory() -> tuple[float, str]:
    with Daemon() as daemon:
        time.sleep(5)
        return daemon.rss_mb(), "MB"


def idle_cpu() -> tuple[float, str]:
    with Daemon() as daemon:
        time.sleep(5)
        before = daemon.cpu_s()
        time.sleep(20)
        return (daemon.cpu_s() - before) / 20 * 100, "% of a core"


def idle_cpu_1000() -> tuple[float, str]:
    """Nodes alone: each renews its lease every ten seconds."""
    with Daemon("--nodes", "1000") as daemon:
        time.sleep(25)
        before = daemon.cpu_s()
        time.sleep(20)
        return (daemon.cpu_s() - before) / 20 * 100, "% of a core"


def memory_10k() -> tuple[float, str]:
    with Daemon() as daemon:
        asyncio.run(fill(daemon.target(), 10_000))
        time.sleep(10)
        return daemon.rss_mb(), "MB"


TABLE_ACCEPT = "application/json;as=Table;v=v1;g=meta.k8s.io"


def table_5000() -> tuple[float, str]:
    """What `kubectl get pods` waits for; the median of nine, the first of which finds nothing prepared."""
    with Daemon(*BARE) as daemon:
        target = daemon.target()
        asyncio.run(fill(target, 5000))
        request = target.head("GET", PODS).replace(b"application/json", TABLE_ACCEPT.encode(), 1)
        return asyncio.run(_median(target, request, 9)), "s"


async def _median(target: wire.Target, request: bytes, times: int) -> float:
    connection = await wire.Connection.open(target)
    took = []
    for _ in range(times):
        began = time.perf_counter()
        status, body = await connection.request(request)
        took.append(time.perf_counter() - began)
        assert status == 200, body[:300]
    connection.close()
    return sorted(took)[times // 2]


def openapi_cold() -> tuple[float, str]:
    """The index of OpenAPI v3 and every document in it, one after the other, of a server that has made none."""
    with Daemon(*BARE) as daemon:
        return asyncio.run(_openapi(daemon.target())), "s"


async def _openapi(target: wire.Target) -> float:
    connection = await wire.Connection.open(target)
    began = time.perf_counter()
    _, index = await connection.request(target.head("GET", "/openapi/v3"))
    for entry in json.loads(index)["paths"].values():
        status, body = await connection.request(target.head("GET", entry["serverRelativeURL"]))
        assert status == 200, body[:300]
    took = time.perf_counter() - began
    connection.close()
    return took


def deployment_1000() -> tuple[float, str]:
    with Daemon("--nodes", "100") as daemon:
        return asyncio.run(_deployment(daemon.target(), 1000)), "s"


async def _deployment(target: wire.Target, replicas: int) -> float:
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "nginx", "image": "nginx"}]},
    }
    deployment = {
        "metadata": {"name": "web"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template},
    }
    path = "/apis/apps/v1/namespaces/default/deployments"
    connection = await wire.Connection.open(target)
    began = time.perf_counter()
    await connection.request(post(target, path, deployment))
    while time.perf_counter() - began < 120:
        _, body = await connection.request(target.head("GET", f"{path}/web"))
        status = json.loads(body).get("status") or {}
        if status.get("readyReplicas") == replicas:
            connection.close()
            return time.perf_counter() - began
        await asyncio.sleep(0.05)
    raise RuntimeError(f"not ready within two minutes: {status}")


def namespace_5000() -> tuple[float, str]:
    """Half of them ConfigMaps, half pods that run and take their leave of simulated nodes."""
    with Daemon("--nodes", "50") as daemon:
        return asyncio.run(_namespace(daemon.target(), 5000)), "s"


async def _namespace(target: wire.Target, objects: int) -> float:
    path, pods = f"/api/v1/namespaces/{NAMESPACE}", objects // 2
    await prepare(target)
    config_map = {"data": {"key": "x" * 300}}
    await hammer(
        target,
        objects - pods,
        lambda n: post(target, f"{path}/configmaps", {"metadata": {"name": f"c-{n}"}, **config_map}),
    )
    container = {"name": "main", "image": "nginx"}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 1}
    await hammer(target, pods, lambda n: post(target, PODS, {"metadata": {"name": f"p-{n}"}, "spec": spec}))
    connection = await wire.Connection.open(target)
    running = target.head("GET", f"{PODS}?fieldSelector=status.phase%21%3DRunning&limit=1")
    while json.loads((await connection.request(running))[1])["items"]:
        await asyncio.sleep(0.2)
    began = time.perf_counter()
    await connection.request(target.head("DELETE", path))
    while (await connection.request(target.head("GET", path)))[0] != 404:
        if time.perf_counter() - began > 120:
            raise RuntimeError("not gone within two minutes")
        await asyncio.sleep(0.05)
    connection.close()
    return time.perf_counter() - began


# -- the gate --------------------------------------------------------------------------------------------------

# Nobody is asked who they are and what they may, and nothing that comes in is looked at.
OPEN = ("--authorization-mode", "AlwaysAllow", "--anonymous-auth", "--disable-admission-plugins")
GATE_ROUNDS = 6


def gate_get() -> tuple[float, str]:
    return gate(lambda target, turn: get(target, 4000), 4000)


def gate_create() -> tuple[float, str]:
    def work(target: wire.Target, turn: int) -> Awaitable[float]:
        return hammer(target, 1500, lambda n: post(target, PODS, pod(f"g-{turn}-{n}")))

    return gate(work, 1500)


def gate(work: Callable[[wire.Target, int], Awaitable[float]], count: int) -> tuple[float, str]:
    """What authentication, authorization and admission add to a request, in processor time: the defaults, for a service
    account with a role of its own, against a server without any of them. In turns; the least of each counts."""
    plugins = ",".join(name for name in chain.PLUGINS if name not in chain.OFF_BY_DEFAULT)
    with Daemon(*BARE) as guarded, Daemon(*BARE, *OPEN, plugins) as unguarded:
        for daemon in (guarded, unguarded):
            asyncio.run(fill(daemon.target(), 500))
        token = asyncio.run(_robot(guarded.target()))
        doors = [
            (guarded, guarded.target().with_token(token)),
            (unguarded, unguarded.target().with_token("")),
        ]
        least = [float("inf")] * len(doors)
        for turn in range(GATE_ROUNDS):
            for index, (daemon, target) in enumerate(doors):
                before = daemon.cpu_s()
                asyncio.run(_waited(work(target, turn)))
                least[index] = min(least[index], (daemon.cpu_s() - before) / count)
    return (least[0] - least[1]) * 1e6, "us"


async def _waited(work: Awaitable[float]) -> float:
    return await work


async def _robot(target: wire.Target) -> str:
    """The token of a service account that may read and create pods in the namespace."""
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}"
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "create"]}
    subject = {"kind": "ServiceAccount", "name": "robot", "namespace": NAMESPACE}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "robot"}
    accounts = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts"
    for path, body in (
        (accounts, {}),
        (f"{rbac}/roles", {"rules": [rule]}),
        (f"{rbac}/rolebindings", {"roleRef": role, "subjects": [subject]}),
    ):
        await wire.call(target, "POST", path, {"metadata": {"name": "robot"}} | body)
    return (await wire.call(target, "POST", f"{accounts}/robot/token", {"spec": {}}))["status"]["token"]


CLUSTER_ROWS: dict[str, tuple[str, Callable[[], tuple[float, str]], float]] = {
    "start": ("start to ready, empty", start_empty, 0.7),
    "start-10k": ("start to ready, 10 000 pods stored", start_stored, 1.5),
    "table-5000": ("Table of 5 000 pods", table_5000, 0.1),
    "openapi": ("OpenAPI v3 of all groups, cold", openapi_cold, 0.5),
    "idle-memory": ("idle memory, 3 nodes", idle_memory, 100),
    "idle-cpu": ("idle processor, 3 nodes", idle_cpu, 1.0),
    "idle-cpu-1000": ("idle processor, 1 000 nodes", idle_cpu_1000, 5.0),
    "namespace": ("delete a namespace of 5 000 objects", namespace_5000, 5.0),
    "deployment": ("1 000 replicas Running, 100 nodes", deployment_1000, 3.0),
    "memory-10k": ("memory with 10 000 pods", memory_10k, 250),
    "gate-get": ("who, may, admit: added to a get", gate_get, 60),
    "gate-create": ("who, may, admit: added to a create", gate_create, 150),
}


# -- the table -------------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="*", help=f"of {', '.join([*API_ROWS, *CLUSTER_ROWS])}; default all")
    parser.add_argument("--peer", metavar="URL", help="another API server on this machine")
    parser.add_argument("--peer-token", default="", metavar="T", help="bearer token for the peer")
    parser.add_argument("--json", action="store_true", help="figures as one JSON object")
    options = parser.parse_args()
    known = [*API_ROWS, *CLUSTER_ROWS]
    if unknown := [row for row in options.rows if row not in known]:
        parser.error(f"there is no row {unknown[0]}; there is {', '.join(known)}")
    rows = options.rows or known
    uvloop.install() if sys.version_info < (3, 12) else None
    pin(-1)
    figures: dict[str, float] = {}
    peer: dict[str, float] = {}
    if any(row in API_ROWS for row in rows):
        with Daemon(*BARE) as daemon:
            targets = [daemon.target()]
            if options.peer:
                targets.append(wire.of_url(options.peer, options.peer_token))
            figures, *others = asyncio.run(api(targets, rows))
            peer = others[0] if others else {}
    units = {}
    for row in rows:
        if row in CLUSTER_ROWS:
            figures[row], units[row] = CLUSTER_ROWS[row][1]()
    if options.json:
        print(json.dumps({"figures": figures, "peer": peer}))
        return
    print(f"{'':38}{'kubepy':>12} {'goal':>12}" + (f"{'peer':>12} {'ratio':>7}" if peer else ""))
    for row in [r for r in known if r in figures and r in rows]:
        label, _, goal = (API_ROWS | CLUSTER_ROWS)[row]
        value, at_most = figures[row], row in CLUSTER_ROWS
        unit = units.get(row, "/s")
        mark = " " if (value <= goal if at_most else value >= goal) else "✗"
        line = (
            f"{mark} {label:36}{shown(value):>12} {('≤ ' if at_most else '≥ ') + shown(goal):>12} {unit:12}"
        )
        if row in peer:
            line += f"{shown(peer[row]):>10} {value / peer[row]:6.1f}x"
        print(line)


def shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


if __name__ == "__main__":
    main()
