"""What admission costs: microseconds per pod create with the default plugins, where the namespace asks for nothing and
where it is restricted; and per ConfigMap create, which meets no plugin of pods.

    python tests/bench/admission.py

Goal: at most 150 us for a pod create.
"""

from __future__ import annotations

import asyncio
import copy
import time

from kubepy.api.builtins import CONFIG_MAPS, PODS, Catalog
from kubepy.api.objects import DocumentPool, Obj
from kubepy.api.resources import Resource
from kubepy.api.schema import Schemas
from kubepy.apiserver.admission.base import CREATE, Attributes
from kubepy.apiserver.registry.registry import Call, Registry
from kubepy.apiserver.request import User
from kubepy.lib.clock import RealClock
from kubepy.lib.random import Random
from kubepy.observability import logs
from kubepy.store.memory import MemoryStore

COUNT, ROUNDS = 2000, 3
USER = User("alice", ("system:masters",))
HARDENED: Obj = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
POD: Obj = {
    "metadata": {"name": "p"},
    "spec": {"containers": [{"name": name, "image": "i", "securityContext": HARDENED} for name in "ab"]},
}


async def namespace(registry: Registry, name: str, labels: dict[str, str]) -> None:
    for api_version, kind, scope, called in (
        ("v1", "Namespace", "", name),
        ("v1", "ServiceAccount", name, "default"),
    ):
        resource = registry.catalog.by_kind(api_version, kind)
        assert resource is not None
        metadata: Obj = (
            {"name": called, "labels": labels} if not scope else {"name": called, "namespace": scope}
        )
        obj = {"apiVersion": api_version, "kind": kind, "metadata": metadata}
        await registry.create(Call(resource, scope, called, USER), obj)


async def cost_us(registry: Registry, resource: Resource, namespace: str, obj: Obj) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        writes = [
            Attributes(CREATE, resource, "", namespace, "p", copy.deepcopy(obj), None, USER, False, [])
            for _ in range(COUNT)
        ]
        start = time.process_time()
        for attributes in writes:
            await registry.admission.admit(attributes)
            await registry.admission.validate(attributes)
            if attributes.on_end is not None:
                attributes.is_written = True
                await attributes.on_end()
        best = min(best, (time.process_time() - start) / COUNT)
    return best * 1e6


async def main() -> None:
    store = MemoryStore()
    registry = Registry(
        store=store, catalog=Catalog(), schemas=Schemas(), clock=RealClock(), random=Random(1), pool=DocumentPool(),
        log=logs.silent(), enable_admission_plugins=["NodeRestriction"],
    )  # fmt: skip
    await namespace(registry, "plain", {})
    await namespace(registry, "restricted", {"pod-security.kubernetes.io/enforce": "restricted"})
    for where in ("plain", "restricted"):
        print(f"pod in a {where} namespace  {await cost_us(registry, PODS, where, POD):6.1f} us")
    print(
        f"ConfigMap               {await cost_us(registry, CONFIG_MAPS, 'plain', {'metadata': {'name': 'c'}}):6.1f} us"
    )
    await registry.close()
    await store.close()


if __name__ == "__main__":
    asyncio.run(main())
