"""A cluster on a real port, and the example server beside it."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl

import aiohttp
import pytest

from kubepy.api import objects
from kubepy.api.builtins import API_SERVICES, CONFIG_MAPS, NAMESPACES
from kubepy.api.errors import NotFound
from kubepy.apiserver.aggregation.trust import KEY
from kubepy.testing.cluster import Cluster
from tests.apiserver.aggregation.example import GROUP, VERSION, Certificates, ExampleApi

NAME = f"{VERSION}.{GROUP}"


class Served:
    """The cluster as an HTTP client with the administrator's certificate sees it."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.pki = cluster.kubeconfig.parent
        self.sessions: list[aiohttp.ClientSession] = []
        self.admin = self.session("admin")

    def session(self, certificate: str = "") -> aiohttp.ClientSession:
        """Connections under a certificate of the cluster's pki."""
        tls = ssl.create_default_context(cafile=self.pki / "ca.crt")
        if certificate:
            tls.load_cert_chain(self.pki / f"{certificate}.crt", self.pki / f"{certificate}.key")
        server = [
            line.split()[-1] for line in self.cluster.kubeconfig.read_text().splitlines() if "server:" in line
        ]
        session = aiohttp.ClientSession(server[0], connector=aiohttp.TCPConnector(ssl=tls))
        self.sessions.append(session)
        return session

    async def get(self, path: str, **headers: str):
        """(status, decoded body)"""
        async with self.admin.get(path, headers=headers) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if "json" in answer.content_type else text

    async def upgrade(self, target: str, protocol: str):
        """(head of the answer, reader, writer) of a request to leave HTTP."""
        url = self.admin._base_url
        tls = ssl.create_default_context(cafile=self.pki / "ca.crt")
        tls.load_cert_chain(self.pki / "admin.crt", self.pki / "admin.key")
        reader, writer = await asyncio.open_connection(url.host, url.port, ssl=tls)
        lines = [f"GET {target} HTTP/1.1", f"Host: {url.host}", "Connection: Upgrade", f"Upgrade: {protocol}"]
        writer.write("".join(f"{line}\r\n" for line in (*lines, "")).encode())
        return (await reader.readuntil(b"\r\n\r\n")).decode(), reader, writer

    async def register(self, api: ExampleApi, **spec) -> None:
        """An APIService that leads to `api`, by way of an ExternalName."""
        service = {
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "api", "namespace": "example"},
            "spec": {"type": "ExternalName", "externalName": "localhost"},
        }  # fmt: skip
        try:
            await self.cluster.get(NAMESPACES, "example", "")
        except NotFound:
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "example"}}
            await self.cluster.create(namespace, service)
        ca = {"caBundle": base64.b64encode(api.certificates.ca).decode()}
        wanted = {
            "group": GROUP, "version": VERSION, "groupPriorityMinimum": 1000, "versionPriority": 15,
            "service": {"namespace": "example", "name": "api", "port": api.port}, **(spec or ca),
        }  # fmt: skip
        await self.cluster.create(
            {
                "apiVersion": "apiregistration.k8s.io/v1",
                "kind": "APIService",
                "metadata": {"name": NAME},
                "spec": wanted,
            }
        )

    async def condition(self) -> dict:
        return objects.condition(await self.cluster.get(API_SERVICES, NAME, ""), "Available") or {}

    async def until_reason(self, reason: str) -> dict:
        async def has_reason():
            return (await self.condition()).get("reason") == reason

        await self.cluster.until(has_reason, within="20s")
        return await self.condition()

    async def until_documents(self) -> None:
        routes = self.cluster.plane.api_server.aggregator.routes
        await self.cluster.until(lambda: routes.documents((GROUP, VERSION)).is_fresh, within="20s")


@pytest.fixture
async def served():
    async with Cluster(nodes=0, controllers=(), scheduler="off", serve=True) as cluster:
        served = Served(cluster)
        yield served
        for session in served.sessions:
            await session.close()


@pytest.fixture
async def make_api(served, tmp_path):
    made: list[ExampleApi] = []

    async def make(*names: str, **options) -> ExampleApi:
        published = await served.cluster.get(CONFIG_MAPS, KEY.name, KEY.namespace)
        certificates = Certificates(tmp_path, *(names or ("api.example.svc",)))
        api = ExampleApi(certificates, client_ca=published["data"]["requestheader-client-ca-file"], **options)
        await api.start()
        made.append(api)
        return api

    yield make
    for api in made:
        await api.stop()


@pytest.fixture
async def api(served, make_api):
    """Registered and available."""
    api = await make_api()
    await served.register(api)
    await served.until_reason("Passed")
    return api
