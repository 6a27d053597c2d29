"""An aggregated API server as somebody would write one: group example.kubepy.io/v1 with Flunders, over TLS.

It asks for a client certificate if told whose, keeps Flunders in a dict, and remembers what it was asked. With
`modern=False` it knows neither aggregated discovery nor OpenAPI v3.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from multidict import CIMultiDict

GROUP, VERSION = "example.kubepy.io", "v1"
ROOT = f"/apis/{GROUP}/{VERSION}"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
VERBS = ["create", "delete", "get", "list", "watch"]
SCHEMA = {
    "type": "object",
    "description": "A Flunder is something to try aggregation with.",
    "properties": {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
        "spec": {
            "type": "object",
            "description": "What it should be.",
            "properties": {"colour": {"type": "string", "description": "Of its coat."}},
        },
    },
    "x-kubernetes-group-version-kind": [{"group": GROUP, "version": VERSION, "kind": "Flunder"}],
}


class Certificates:
    """A CA and one server certificate, as files below `directory`."""

    def __init__(self, directory: Path, *names: str) -> None:
        ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        ca_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "example-ca")])
        ca = self._sign(ca_name, ca_name, ca_key, ca_key, x509.BasicConstraints(True, None))
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "example")])
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        server = self._sign(subject, ca_name, key, ca_key, alternatives)
        self.ca = ca.public_bytes(serialization.Encoding.PEM)
        self.server, self.key = directory / "example.crt", directory / "example.key"
        self.server.write_bytes(server.public_bytes(serialization.Encoding.PEM))
        self.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )

    @staticmethod
    def _sign(subject, issuer, key, issuer_key, extension):
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(extension, critical=False)
            .sign(issuer_key, hashes.SHA256())
        )


class ExampleApi:
    def __init__(self, certificates: Certificates, *, client_ca: str = "", modern: bool = True) -> None:
        self.certificates, self.modern = certificates, modern
        self.requests: list[web.Request] = []
        self.flunders: dict[tuple[str, str], dict] = {}
        self.watchers: list[asyncio.Queue] = []
        self.uploaded: list[int] = []
        self.port = 0
        self.revision = 1
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificates.server, certificates.key)
        if client_ca:
            self._tls.load_verify_locations(cadata=client_ca)
            self._tls.verify_mode = ssl.CERT_REQUIRED
        self._runner: web.AppRunner | None = None

    async def start(self) -> int:
        app = web.Application(middlewares=[self._remember], client_max_size=1 << 30)
        add = app.router.add_route
        add("GET", "/apis", self._apis)
        add("GET", ROOT, self._resources)
        add("GET", "/openapi/v3", self._openapi_index)
        add("GET", f"/openapi/v3{ROOT}", self._openapi)
        add("GET", "/openapi/v2", self._swagger)
        app.router.add_get(f"{ROOT}/flunders", self._list, allow_head=True)
        add("GET", f"{ROOT}/namespaces/{{namespace}}/flunders", self._list)
        add("POST", f"{ROOT}/namespaces/{{namespace}}/flunders", self._create)
        add("GET", f"{ROOT}/namespaces/{{namespace}}/flunders/{{name}}", self._get)
        add("PUT", f"{ROOT}/namespaces/{{namespace}}/flunders/{{name}}", self._upload)
        add("GET", f"{ROOT}/redirects", self._redirect)
        add("DELETE", f"{ROOT}/namespaces/{{namespace}}/flunders/{{name}}", self._delete)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "localhost", self.port, ssl_context=self._tls)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]
        return self.port

    async def stop(self) -> None:
        for queue in self.watchers:
            queue.put_nowait(None)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @web.middleware
    async def _remember(self, request: web.Request, handler):
        self.requests.append(request)
        return await handler(request)

    async def _apis(self, request):
        if not self.modern or "APIGroupDiscoveryList" not in request.headers.get("Accept", ""):
            return web.json_response({"kind": "APIGroupList", "apiVersion": "v1", "groups": []})
        resource = {
            "resource": "flunders",
            "responseKind": {"group": GROUP, "version": VERSION, "kind": "Flunder"},
            "scope": "Namespaced",
            "singularResource": "flunder",
            "verbs": VERBS,
            "shortNames": ["fl"],
        }
        group = {
            "metadata": {"name": GROUP},
            "versions": [{"version": VERSION, "resources": [resource], "freshness": "Current"}],
        }
        document = {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}}
        body = json.dumps({**document, "items": [group]}).encode()
        return web.Response(body=body, headers={"Content-Type": AGGREGATED})

    async def _resources(self, request):
        resource = {
            "name": "flunders", "singularName": "flunder", "namespaced": True, "kind": "Flunder", "verbs": VERBS,
            "shortNames": ["fl"],
        }  # fmt: skip
        status = {
            "name": "flunders/status",
            "singularName": "",
            "namespaced": True,
            "kind": "Flunder",
            "verbs": ["get"],
        }
        head = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": f"{GROUP}/{VERSION}"}
        return web.json_response(head | {"resources": [resource, status]})

    async def _openapi_index(self, request):
        if not self.modern:
            raise web.HTTPNotFound
        url = f"/openapi/v3{ROOT}?hash=AB12"
        return web.json_response({"paths": {ROOT[1:]: {"serverRelativeURL": url}, "logs": {}}})

    async def _openapi(self, request):
        operation = {
            "x-kubernetes-group-version-kind": {"group": GROUP, "version": VERSION, "kind": "Flunder"}
        }
        schemas = {"io.kubepy.example.v1.Flunder": SCHEMA}
        return web.json_response(
            {
                "openapi": "3.0.0",
                "info": {"title": "example", "version": "1"},
                "paths": {f"{ROOT}/flunders": {"get": operation | {"responses": {}}}},
                "components": {"schemas": schemas},
            }
        )

    async def _swagger(self, request):
        return web.json_response(
            {
                "swagger": "2.0",
                "info": {"title": "example", "version": "1"},
                "paths": {
                    f"{ROOT}/flunders": {
                        "get": {
                            "responses": {
                                "200": {"schema": {"$ref": "#/definitions/io.kubepy.example.v1.Flunder"}}
                            }
                        }
                    },
                    "/apis/other/v1/x": {},
                },
                "definitions": {"io.kubepy.example.v1.Flunder": SCHEMA, "io.kubepy.other": {}},
            }
        )

    async def _list(self, request):
        namespace = request.match_info.get("namespace")
        found = [obj for key, obj in self.flunders.items() if namespace in (None, key[0])]
        if "watch" not in request.query:
            metadata = {"resourceVersion": str(self.revision)}
            head = {"kind": "FlunderList", "apiVersion": f"{GROUP}/{VERSION}", "metadata": metadata}
            return web.json_response(head | {"items": found})
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        queue: asyncio.Queue = asyncio.Queue()
        self.watchers.append(queue)
        while (event := await queue.get()) is not None:
            await response.write(json.dumps(event).encode() + b"\n")
        return response

    async def _create(self, request):
        obj = await request.json()
        namespace = request.match_info["namespace"]
        self.revision += 1
        obj["metadata"] |= {"namespace": namespace, "resourceVersion": str(self.revision)}
        self.flunders[namespace, obj["metadata"]["name"]] = obj
        for queue in self.watchers:
            queue.put_nowait({"type": "ADDED", "object": obj})
        return web.json_response(obj, status=201)

    async def _get(self, request):
        obj = self.flunders.get((request.match_info["namespace"], request.match_info["name"]))
        if obj is None:
            return web.json_response(
                {
                    "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "NotFound",
                    "message": f'flunders.{GROUP} "{request.match_info["name"]}" not found', "code": 404,
                    "details": {"name": request.match_info["name"], "group": GROUP, "kind": "flunders"},
                },
                status=404,
            )  # fmt: skip
        warnings = [("Warning", f'299 - "flunders are {what}"') for what in ("soft", "small")]
        return web.json_response(obj, headers=CIMultiDict(warnings))

    async def _upload(self, request):
        self.uploaded.append(sum([len(part) async for part in request.content.iter_any()]))
        return web.json_response({"size": self.uploaded[-1]})

    async def _redirect(self, request):
        raise web.HTTPFound("https://192.0.2.1/elsewhere")

    async def _delete(self, request):
        key = request.match_info["namespace"], request.match_info["name"]
        if self.flunders.pop(key, None) is None:
            raise web.HTTPNotFound
        return web.json_response({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})


class Thread:
    """An ExampleApi on a loop of its own, for tests that block."""

    def __init__(self, api: ExampleApi) -> None:
        self.api = api
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def call(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def close(self) -> None:
        self.call(self.api.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
