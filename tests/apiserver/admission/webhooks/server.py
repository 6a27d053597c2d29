"""A webhook as somebody would write one, on a port of its own: it answers what the test says, and remembers what it was
asked."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from kubepy.daemon import pki
from kubepy.lib.clock import RealClock

Obj = dict[str, Any]
# An AdmissionReview -> an answer, or an AdmissionResponse without its uid.
Answer = Callable[[Obj], web.Response | Obj]


def allow(review: Obj) -> Obj:
    return {"allowed": True}


def deny(review: Obj) -> Obj:
    return {"allowed": False, "status": {"message": "no"}}


def patch(*operations: Obj) -> Answer:
    text = base64.b64encode(orjson.dumps(operations)).decode()
    return lambda review: {"allowed": True, "patchType": "JSONPatch", "patch": text}


class HookServer:
    """`answers` by path; without one it allows. What comes to /slow waits until `proceed` is set."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.reviews: list[tuple[str, Obj]] = []  # (path, the review's request)
        self.queries: list[str] = []
        self.headers: list[Obj] = []
        self.at_once = self.at_once_max = 0
        self.is_asked, self.proceed = asyncio.Event(), asyncio.Event()
        self.port, self.bundle = 0, ""

    def paths(self) -> list[str]:
        return [path for path, _ in self.reviews]

    def client(self, path: str = "/", **more: Any) -> Obj:
        return {"url": f"https://127.0.0.1:{self.port}{path}", "caBundle": self.bundle, **more}

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        self.queries.append(request.query_string)
        self.headers.append(dict(request.headers))
        review = orjson.loads(body) if body else {}
        self.reviews.append((request.path, review.get("request", {})))
        self.is_asked.set()
        self.at_once += 1
        self.at_once_max = max(self.at_once, self.at_once_max)
        try:
            if request.path.startswith("/slow"):
                await self.proceed.wait()
            answer = self.answers.get(request.path, allow)(review)
        finally:
            self.at_once -= 1
        if isinstance(answer, web.Response):
            return answer
        response = {"uid": review["request"]["uid"]} | answer
        return web.json_response(
            {"apiVersion": review["apiVersion"], "kind": "AdmissionReview", "response": response}
        )


@asynccontextmanager
async def serving(directory: Path) -> AsyncIterator[HookServer]:
    hook = HookServer()
    keys = pki.ensure(directory, RealClock(), addresses=("127.0.0.1",))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(keys.directory / "server.crt", keys.directory / "server.key")
    runner = web.ServerRunner(web.Server(hook.answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    hook.port, hook.bundle = runner.addresses[0][1], base64.b64encode(keys.ca.cert).decode()
    try:
        yield hook
    finally:
        hook.proceed.set()
        await runner.cleanup()


def webhook(name: str, client: Obj, **more: Any) -> Obj:
    """One that is asked about ConfigMaps."""
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["*"]}
    return {
        "name": f"{name}.example.com", "clientConfig": client, "rules": [rule], "sideEffects": "None",
        "admissionReviewVersions": ["v1"], **more,
    }  # fmt: skip


def configuration(kind: str, name: str, *hooks: Obj) -> Obj:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": f"{kind}WebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": list(hooks),
    }
