"""A whole cluster inside a test: API server, controllers, scheduler and kubelets on a memory store and virtual time.

    async with Cluster(nodes=3, seed=1) as cluster:
        await cluster.create(make_deployment("web").replicas(3))
        await cluster.until(lambda: cluster.pods(ready=True), count=3)
        await cluster.advance("3d")

Nothing leaves the process: no socket, no thread, no file. Time stands still unless the test moves it, so

- `settle()` returns when nobody has anything more to do at this instant: the state after it is exact, not lucky;
- `advance("3d")` lives through three days in as long as the work in them takes;
- the same seed gives the same names, uids and order, so a failure replays.

`fork()` gives a second cluster that goes on from the state of this one, in the time a start takes, whatever it holds.

With `serve=True` it listens on a real TLS port instead, for clients in other processes (kubectl: `cluster.kubeconfig`).
Then time is real and `settle` and `advance` are refused; `until` works on both.
"""

from __future__ import annotations

import base64
import dataclasses
import inspect
import io
import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from kubepy.api import pods
from kubepy.api.builtins import PODS
from kubepy.api.objects import Obj
from kubepy.api.resources import Resource
from kubepy.client.client import Client
from kubepy.daemon import certificates, pki
from kubepy.daemon.api_server import Keys, keys_of
from kubepy.daemon.basis import Basis
from kubepy.daemon.cluster import ControlPlane
from kubepy.daemon.config import Config
from kubepy.daemon.config_checks import check
from kubepy.daemon.settings import duration_s
from kubepy.lib.clock import Clock, RealClock, VirtualClock
from kubepy.lib.random import Random
from kubepy.observability.logs import Event, Logs, render_console, select
from kubepy.observability.metrics import Metrics
from kubepy.store.memory import MemoryStore
from kubepy.testing.builders import Builder

# Lines of the log that a cluster keeps for the report of a failed test.
LOG_LINES_MAX = 2000

# How often `until` looks while time is real.
_LOOK_EVERY_S = 0.01

Condition = Callable[[], Any]
Objs = list[Obj]  # spelled out here because `Cluster.list` hides the builtin from annotations
Events = list[Event]


class Cluster:
    """nodes: simulated ones; controllers, scheduler: as `kubepy up` takes them, "*" and "on" are all; seed: of every
    random choice; log_level: from which on `log` remembers; `settings`: any other key of config/kubepy.yaml, with
    underscores."""

    def __init__(
        self,
        *,
        nodes: int = 3,
        seed: int = 1,
        controllers: str | Sequence[str] = "*",
        scheduler: str = "on",
        serve: bool = False,
        log_level: str = "info",
        **settings: Any,
    ) -> None:
        wanted = (controllers,) if isinstance(controllers, str) else tuple(controllers)
        config = Config(
            nodes=nodes, seed=str(seed), controllers=wanted, scheduler=scheduler, port=0, ephemeral=True, **settings
        )  # fmt: skip
        check(config)
        self._assemble(config, MemoryStore(), RealClock() if serve else VirtualClock(), log_level)

    def _assemble(self, config: Config, store: MemoryStore, clock: Clock, log_level: str) -> None:
        self.config, self.store, self.clock = config, store, clock
        self._log_level = log_level
        self.random = Random(config.seed)
        self._tail = _Tail()
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self.kubeconfig: Path | None = None  # with serve=True: what KUBECONFIG is to be
        self.plane: ControlPlane

    # -- life ------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        logs = Logs(self.clock, level=self._log_level, form="json", stream=self._tail)
        keys = None
        if isinstance(self.clock, RealClock):
            self._directory = tempfile.TemporaryDirectory(prefix="kubepy-")
            keys = pki.ensure(Path(self._directory.name) / "pki", self.clock, addresses=("127.0.0.1",))
        self.plane = ControlPlane(
            self.config,
            self.store,
            keys_of(keys) if keys else Keys(_signing_key(self.random)),
            Basis(self.clock, self.random, logs, Metrics()),
        )
        try:
            await self.plane.start()
            if keys is not None:
                await self._listen(keys)
            else:
                await self.settle()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def _listen(self, keys: pki.Pki) -> None:
        port = await self.plane.listen(certificates.serving(self.config, keys))
        self.kubeconfig = keys.file("kubeconfig")
        text = pki.kubeconfig(keys, server=f"https://127.0.0.1:{port}", name="kubepy")
        pki.write_private(self.kubeconfig, text.encode())

    async def __aexit__(self, *_: object) -> None:
        await self.plane.close()
        await self.store.close()
        if self._directory is not None:
            self._directory.cleanup()

    def fork(self, *, seed: int | None = None) -> Cluster:
        """Another cluster, not yet started, from this one's state, instant and settings; neither sees the other again.

        async with cluster.fork() as other: ...
        """
        self._need_virtual_time("fork")
        config = self.config if seed is None else dataclasses.replace(self.config, seed=str(seed))
        other = object.__new__(Cluster)
        other._assemble(config, self.store.fork(), VirtualClock(self.clock.now()), self._log_level)
        return other

    # -- time ------------------------------------------------------------------------------------------------------

    async def settle(self) -> None:
        """Until nothing more happens without time passing."""
        await self._need_virtual_time("settle").settle()

    async def advance(self, duration: float | str) -> None:
        """Let time pass: seconds, or "90s", "5m", "1h30m", "3d"."""
        clock = self._need_virtual_time("advance")
        await clock.advance(duration_s(duration) if isinstance(duration, str) else duration)

    async def until(
        self, condition: Condition, *, count: int | None = None, within: float | str = "10m"
    ) -> float:
        """Let time pass until `condition()` holds, at most `within`; returns the seconds that passed.

        The condition is a function or coroutine function. With `count` its result must have that length. On virtual
        time it is looked at whenever something may have changed it, so the time returned is exact. Raises
        AssertionError.
        """
        limit_s = duration_s(within) if isinstance(within, str) else within
        start = self.clock.monotonic()
        while True:
            if isinstance(self.clock, VirtualClock):
                await self.clock.settle()
            found = condition()
            if inspect.isawaitable(found):
                found = await found
            if bool(found) if count is None else len(found) == count:
                return self.clock.monotonic() - start
            left_s = start + limit_s - self.clock.monotonic()
            if left_s <= 0 or not await self._step(left_s):
                held = found if count is None else f"{len(found)} of {count}"
                raise AssertionError(
                    f"not after {self.clock.monotonic() - start:g} s: {condition} gave {held!r}"
                )

    async def _step(self, left_s: float) -> bool:
        """On to the next thing that happens, or to the end; False if nothing ever will."""
        if not isinstance(self.clock, VirtualClock):
            await self.clock.sleep(_LOOK_EVERY_S)
            return True
        due = self.clock.next_due
        if due is None:
            return False
        await self.clock.advance(min(due, left_s))
        return True

    def _need_virtual_time(self, what: str) -> VirtualClock:
        if not isinstance(self.clock, VirtualClock):
            raise RuntimeError(f"{what}() needs virtual time; this cluster serves real clients")
        return self.clock

    # -- the cluster's content -------------------------------------------------------------------------------------

    @property
    def client(self) -> Client:
        """As a member of system:masters."""
        return self.plane.client

    async def create(self, *wanted: Obj | Builder) -> Any:
        """Create objects or builders, of any kind; returns the object, or a list if there were several."""
        made = []
        for one in wanted:
            obj = one.obj() if isinstance(one, Builder) else one
            made.append(await self.client.create(self.resource(obj), obj))
        return made[0] if len(made) == 1 else made

    def resource(self, obj: Obj) -> Resource:
        """The resource that serves this kind of object."""
        resource = self.plane.catalog.by_kind(obj["apiVersion"], obj["kind"])
        if resource is None:
            raise LookupError(f"no resource serves {obj['apiVersion']} {obj['kind']}")
        return resource

    async def get(self, resource: Resource, name: str, namespace: str = "default") -> Obj:
        return await self.client.get(resource, name, namespace)

    async def list(
        self, resource: Resource, namespace: str = "", *, labels: str = "", fields: str = ""
    ) -> Objs:
        """All objects, in the order of their keys; `labels` and `fields` are selectors."""
        page = await self.client.list(resource, namespace, label_selector=labels, field_selector=fields)
        return [document.obj for document in page.documents]

    async def pods(self, namespace: str = "", *, labels: str = "", ready: bool | None = None) -> Objs:
        """Pods; `ready` picks those that are, or are not."""
        found = await self.list(PODS, namespace, labels=labels)
        return [pod for pod in found if ready is None or pods.is_ready(pod) is ready]

    @property
    def log(self) -> str:
        """What the cluster logged, newest last, as a person reads it."""
        return "".join(map(render_console, self.logged()))

    def logged(self, event: str = "", *, component: str = "", object_: str = "") -> Events:
        """The events it logged, newest last: cluster.logged("pod_bound", object_="default/web-0")[-1]["node"].

        component: how it starts; object_: what is in it.
        """
        found = select(self._tail.lines, component=component, object_=object_)
        return [each for each in found if not event or each["event"] == event]


class _Tail(io.StringIO):
    """A stream that keeps its last lines."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: deque[str] = deque(maxlen=LOG_LINES_MAX)

    def write(self, text: str) -> int:
        self.lines.append(text)
        return len(text)


# RFC 5915: ECPrivateKey of prime256v1 without the optional public key.
_DER_HEAD, _DER_TAIL = bytes.fromhex("30310201010420"), bytes.fromhex("a00a06082a8648ce3d030107")


def _signing_key(random: Random) -> bytes:
    """A key of the seed, so that tokens replay; written out here, for the import of what makes one outlasts a test."""
    scalar = b"\x00" + random.token(31)  # below the order of the curve
    text = base64.b64encode(_DER_HEAD + scalar + _DER_TAIL)
    return b"-----BEGIN EC PRIVATE KEY-----\n" + text + b"\n-----END EC PRIVATE KEY-----\n"
