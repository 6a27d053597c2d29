"""What deciding costs: microseconds of one decision, by who asks, with ten roles and bindings and with thousands; and
what authentication and authorization together add to a get; and a service account's token that has been seen before.

    python tests/bench/authorization.py

Goals: RBAC with 2 000 roles and 5 000 bindings no slower than with ten; both together at most 60 us; a token 5 us.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import orjson
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kubepy.api.builtins import Catalog
from kubepy.api.objects import Document, DocumentPool, Key, Obj, key_of, stored
from kubepy.api.resources import Resource
from kubepy.apiserver.authn import Anonymous, Union, authenticated
from kubepy.apiserver.authn.keys import Keys
from kubepy.apiserver.authn.service_account_tokens import Signer
from kubepy.apiserver.authn.service_account_verifier import Find, Verifier
from kubepy.apiserver.authn.x509 import ClientCertificates
from kubepy.apiserver.authz import Authorizer, modes
from kubepy.apiserver.authz.node import NodeAuthorizer
from kubepy.apiserver.authz.rbac import Rbac
from kubepy.apiserver.filters.authentication import authentication
from kubepy.apiserver.filters.authorization import authorization
from kubepy.apiserver.filters.gate_metrics import GateMetrics
from kubepy.apiserver.filters.impersonation import impersonation
from kubepy.apiserver.registry.cache import ResourceCache
from kubepy.apiserver.registry.keys import path_of, prefix_of
from kubepy.apiserver.request import ClientCertificate, Query, Request, Response, resolve_path
from kubepy.daemon import rbac_policy
from kubepy.daemon.config import files_dir
from kubepy.lib.clock import RealClock
from kubepy.lib.random import Random
from kubepy.observability import logs
from kubepy.observability.metrics import Metrics
from kubepy.store.base import Put
from kubepy.store.memory import MemoryStore

GROUP = "rbac.authorization.k8s.io"
QUESTION = resolve_path("GET", "/api/v1/namespaces/team-7/pods/web-0")
CATALOG = Catalog()


class Caches:
    """What is stored, as the authorizers read it."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self._caches: dict[str, ResourceCache] = {}

    async def loaded(self, resource: Resource) -> ResourceCache:
        cache = self._caches.get(resource.group_resource)
        if cache is None:
            cache = ResourceCache(self.store, resource, DocumentPool())
            self._caches[resource.group_resource] = cache
        await cache.load()
        return cache

    async def put(self, objs: list[Obj]) -> None:
        puts = []
        for obj in objs:
            resource = CATALOG.by_kind(obj["apiVersion"], obj["kind"])
            assert resource is not None
            puts.append(Put(prefix_of(resource) + path_of(*key_of(obj)).encode(), stored(obj)))
        await self.store.txn([], puts)


def role(name: str, namespace: str) -> Obj:
    rules = [
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["*"]},
        {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]},
    ]
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": f"{GROUP}/v1", "kind": "Role", "metadata": metadata, "rules": rules}


def binding(name: str, role_name: str, user: str, namespace: str) -> Obj:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name, "namespace": namespace},
        "roleRef": {"apiGroup": GROUP, "kind": "Role", "name": role_name},
        "subjects": [{"kind": "User", "apiGroup": GROUP, "name": user}],
    }


async def authorizer(roles: int, bindings: int) -> tuple[Authorizer, Caches]:
    """`roles` in a hundred namespaces, or fewer; each binding is of a user of its own."""
    served = {row.group_resource for row in CATALOG}
    policy = rbac_policy.objects(files_dir() / "bootstrap" / "rbac", served)
    caches, namespaces = Caches(), 100
    await caches.put([obj for _, obj in policy])
    await caches.put([role(f"r{number}", f"team-{number % namespaces}") for number in range(roles)])
    await caches.put(
        [
            binding(
                f"b{number}", f"r{number % roles}", f"user-{number}", f"team-{number % roles % namespaces}"
            )
            for number in range(bindings)
        ]
    )
    rbac = Rbac(caches)
    await rbac.policy()
    return modes.chain([NodeAuthorizer(caches, CATALOG, rbac_policy.node_rules(policy)), rbac]), caches


async def microseconds(work: Callable[[], Awaitable[object]], count: int = 20_000) -> float:
    """Of the best of five rounds."""
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        for _ in range(count):
            await work()
        best = min(best, time.process_time() - began)
    return 1e6 * best / count


async def decisions(roles: int, bindings: int) -> None:
    decide, caches = await authorizer(roles, bindings)
    owner = authenticated("user-7", ("devs",))
    what = f"{roles} roles, {bindings} bindings"
    for who, user in (
        ("system:masters", authenticated("admin", ("system:masters",))),
        ("a user who may", owner),
        ("a user who may not", authenticated("nobody", ("devs",))),
    ):
        await decide.authorize(user, QUESTION)
        took = await microseconds(lambda user=user: decide.authorize(user, QUESTION))  # type: ignore[misc]
        print(f"decision          {what:28} {who:22} {took:8.2f} us")

    async def anew() -> None:
        await caches.put([binding("b7", "r7", "user-7", "team-7")])
        await decide.authorize(owner, QUESTION)

    await anew()
    print(f"binding + anew    {what:28} {'a user who may':22} {await microseconds(anew, 500):8.2f} us")


class Get(Request):
    """A get over a connection with a client certificate."""

    __slots__ = ("certificate",)

    @property
    def client_certificate(self) -> ClientCertificate | None:
        return self.certificate


async def gate() -> None:
    """What authentication, impersonation and authorization add to a get, for one who has a role."""
    decide, _ = await authorizer(2000, 5000)
    clock = RealClock()
    ok = Response()

    async def end(request: Request) -> Response:
        return ok

    who = Union([ClientCertificates(clock)], anonymous=Anonymous(False), log=logs.silent())
    gate = GateMetrics(Metrics())
    handler = authentication(who, clock, gate)(impersonation(decide)(authorization(decide, clock, gate)(end)))
    certificate = ClientCertificate("user-7", ("devs",), "f", clock.now() + 1e6)

    def request() -> Get:
        made = Get("GET", QUESTION.path, Query(), "id")
        made.info, made.certificate = QUESTION, certificate
        return made

    async def bare() -> None:
        await end(request())

    async def whole() -> None:
        await handler(request())

    await whole()
    took = await microseconds(whole) - await microseconds(bare)
    print(
        f"gate of a get     {'2000 roles, 5000 bindings':28} {'client certificate':22} {took:8.2f} us  (goal 60)"
    )


async def token() -> None:
    """A token of a pod: its account and its pod are looked up each time."""
    clock = RealClock()
    metadata = {"name": "builder", "namespace": "team-7"}
    account, pod = ({"metadata": metadata | {"uid": uid}} for uid in ("a", "p"))
    documents = {
        plural: Document(Key("team-7", "builder"), orjson.dumps(obj), 1, DocumentPool(), obj)
        for plural, obj in (("serviceaccounts", account), ("pods", pod))
    }

    async def look_up(plural: str, namespace: str, name: str) -> Find:
        return lambda: documents.get(plural)

    key = ec.generate_private_key(ec.SECP256R1())
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    keys = Keys(key.private_bytes(encoding, form, serialization.NoEncryption()), [])
    audience = "https://kubernetes.default.svc"
    signer = Signer(keys, issuer=audience, audiences=[audience], clock=clock, random=Random(1))
    verifier = Verifier(
        keys, issuers=[audience], audiences=[audience], lookup=look_up, clock=clock,
        mark_used=lambda secret, day: None,
    )  # fmt: skip
    text = signer.sign(account, [audience], 3600, pod=pod).text
    assert await verifier.review(text) is not None
    took = await microseconds(lambda: verifier.review(text))
    print(f"token, known      {'':28} {'service account':22} {took:8.2f} us  (goal 5)")


async def main() -> None:
    for roles, bindings in ((10, 10), (2000, 5000)):
        await decisions(roles, bindings)
    await gate()
    await token()


if __name__ == "__main__":
    asyncio.run(main())
