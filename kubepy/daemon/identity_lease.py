"""The Lease by which an API server says that it lives, and the end of those whose servers do not.

Its name is the server's identity, made of the host's name, so a server that starts anew on the same host has the same;
its holder is another with each start. Renewed every ten seconds; deleted at start, so that nobody takes the one before
for alive, and at a stop. Once an hour the Leases of servers that were silent for an hour are deleted.

Source: kubernetes 1.36 pkg/controlplane/apiserver/server.go (identity lease, labelAPIServerHeartbeatFunc),
pkg/controlplane/controller/apiserverleasegc, component-helpers/apimachinery/lease/controller.go; the name:
apiserver/pkg/server/config.go.
"""

from __future__ import annotations

import base64
import hashlib
import socket

from msgspec import Struct

from kubepy.api import errors
from kubepy.api.builtins import LEASES
from kubepy.api.objects import Key, Obj
from kubepy.client.controller import After, Controller, ControllerContext
from kubepy.client.transport import ConnectionLost
from kubepy.lib.clock import parse_rfc3339

NAMESPACE, COMPONENT = "kube-system", "kube-apiserver"
LABEL = "apiserver.kubernetes.io/identity"
DURATION_S, RENEW_S, RENEW_JITTER, SWEEP_S = 3600, 10.0, 0.04, 3600.0

_RENEW, _SWEEP = Key("", "renew"), Key("", "sweep")


class Address(Struct):
    """Where others reach this server; known when it listens."""

    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def server_id(hostname: str) -> str:
    """apiserver-wlv32tlttr4jl3gtroqexyxapa for a host called vm."""
    parts = (part.encode() for part in (hostname, COMPONENT))
    digest = hashlib.sha256(b"".join(len(part).to_bytes(2, "big") + part for part in parts)).digest()
    return f"apiserver-{base64.b32encode(digest[:16]).decode().rstrip('=').lower()}"


def is_over(lease: Obj, now: float) -> bool:
    """One that does not say how long it is good for is over, too."""
    spec = lease.get("spec") or {}
    renewed, duration_s = spec.get("renewTime"), spec.get("leaseDurationSeconds")
    return renewed is None or duration_s is None or parse_rfc3339(renewed) + duration_s < now


class IdentityLease(Controller):
    name = "apiserver-identity"

    def __init__(self, context: ControllerContext, address: Address) -> None:
        super().__init__(context)
        self._address, self._hostname = address, socket.gethostname()
        self.id = server_id(self._hostname)
        self._holder = f"{self.id}_{self.random.uid()}"
        self._latest: Obj | None = None  # as we wrote it

    def setup(self) -> None:
        self.leases = self.watch(LEASES, namespace=NAMESPACE, label_selector=f"{LABEL}={COMPONENT}")
        self.queue.add(_RENEW)
        self.queue.add(_SWEEP)

    async def reconcile(self, key: Key) -> After:
        if key == _SWEEP:
            await self._sweep()
            return After(SWEEP_S)
        await self._renew()
        return After(self.random.jitter(RENEW_S, RENEW_JITTER))

    @property
    def is_held(self) -> bool:
        return self._latest is not None

    async def end(self) -> None:
        """Delete it: before the first renewal that of the process before, after the last one our own."""
        try:
            await self.client.delete(LEASES, self.id, NAMESPACE)
        except errors.NotFound:
            return
        except (errors.StatusError, ConnectionLost) as error:
            self.log.warning("lease_not_deleted", lease=f"{NAMESPACE}/{self.id}", error=str(error))

    async def _renew(self) -> None:
        # After a failure what is there is read anew.
        base, self._latest = self._latest, None
        if base is None:
            try:
                base = await self.client.get(LEASES, self.id, NAMESPACE)
            except errors.NotFound:
                self._latest = await self.client.create(LEASES, self._render(None))
                return
        self._latest = await self.client.update(LEASES, self._render(base))

    def _render(self, base: Obj | None) -> Obj:
        metadata: Obj = base["metadata"] if base else {"name": self.id, "namespace": NAMESPACE}
        spec = base["spec"] if base else {"holderIdentity": self._holder}
        labels = {LABEL: COMPONENT, "kubernetes.io/hostname": self._hostname}
        annotations = {"kubernetes.io/peer-advertise-address": str(self._address)}
        return {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": {
                **metadata,
                "labels": {**(metadata.get("labels") or {}), **labels},
                "annotations": {**(metadata.get("annotations") or {}), **annotations},
            },
            "spec": {**spec, "leaseDurationSeconds": DURATION_S, "renewTime": self.clock.rfc3339_micro()},
        }

    async def _sweep(self) -> None:
        for known in self.leases.list():
            if not is_over(known, self.clock.now()):
                continue
            name = known["metadata"]["name"]
            try:
                # Read again: the cache may be as old as the silence seems.
                if is_over(await self.client.get(LEASES, name, NAMESPACE), self.clock.now()):
                    await self.client.delete(LEASES, name, NAMESPACE)
                    self.log.info("lease_collected", lease=f"{NAMESPACE}/{name}")
            except errors.NotFound:
                continue
