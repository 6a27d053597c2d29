"""A front proxy says who asks, and only a front proxy."""

from __future__ import annotations

import asyncio
import http.client
import socket
import ssl
from pathlib import Path

import aiohttp
import pytest

from kubepy.api.errors import Unauthorized
from kubepy.apiserver.authn import x509
from kubepy.apiserver.authn.request_header import Headers, RequestHeaders, fingerprints
from kubepy.apiserver.request import ClientCertificate
from kubepy.daemon import pki
from kubepy.lib.clock import RealClock, VirtualClock
from kubepy.testing.cluster import Cluster

REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


def certificate(name="front-proxy-client", authority="proxies", not_after=1e12):
    return ClientCertificate(name, (), "f" * 64, not_after, authority)


@pytest.fixture
def authenticator(clock: VirtualClock) -> RequestHeaders:
    return RequestHeaders(
        clock, authorities=frozenset({"proxies"}), allowed_names=("front-proxy-client",), headers=Headers()
    )


async def test_the_headers_name_the_user(authenticator, make_request):
    headers = {
        "x-remote-user": "jane",
        "X-Remote-Uid": "42",
        "X-Remote-Group": ["developers", "", "admins"],
        "X-Remote-Extra-Scopes": ["a", "b"],
        "X-Remote-Extra-Acme.com%2FProject": "p",
    }
    user = await authenticator.authenticate(make_request("/", headers=headers, certificate=certificate()))
    assert (user.name, user.uid) == ("jane", "42")
    assert user.groups == ("developers", "admins", "system:authenticated")
    assert user.extra == {"scopes": ["a", "b"], "acme.com/project": ["p"]}


@pytest.mark.parametrize(
    "given",
    [
        None,
        certificate(authority="clients"),
        certificate(authority=""),
    ],
)
async def test_nobody_elses_headers_are_looked_at(authenticator, make_request, given):
    request = make_request("/", headers={"X-Remote-User": "root"}, certificate=given)
    assert await authenticator.authenticate(request) is None


async def test_without_a_name_it_is_no_credential(authenticator, make_request):
    request = make_request("/", headers={"X-Remote-Group": "system:masters"}, certificate=certificate())
    assert await authenticator.authenticate(request) is None


@pytest.mark.parametrize("given", [certificate("somebody"), certificate(not_after=0.0)])
async def test_another_name_of_that_ca_and_an_old_certificate_are_refused(authenticator, make_request, given):
    request = make_request("/", headers={"X-Remote-User": "jane"}, certificate=given)
    with pytest.raises(Unauthorized):
        await authenticator.authenticate(request)


async def test_no_allowed_names_means_any(clock, make_request):
    any_name = RequestHeaders(
        clock, authorities=frozenset({"proxies"}), allowed_names=(), headers=Headers(username=("X-A", "X-B"))
    )
    request = make_request("/", headers={"X-B": "jane"}, certificate=certificate("somebody"))
    assert (await any_name.authenticate(request)).name == "jane"


async def test_a_proxy_may_pass_on_that_nobody_knows_who_asks(authenticator, make_request):
    headers = {"X-Remote-User": "system:anonymous", "X-Remote-Group": "system:unauthenticated"}
    user = await authenticator.authenticate(make_request("/", headers=headers, certificate=certificate()))
    assert user.groups == ("system:unauthenticated",)


async def test_a_proxys_certificate_is_no_credential_of_its_own(clock, make_request):
    certificates = x509.ClientCertificates(clock, frozenset({"proxies"}))
    assert await certificates.authenticate(make_request("/", certificate=certificate())) is None
    user = await certificates.authenticate(make_request("/", certificate=certificate("jane", "clients")))
    assert user.name == "jane"
    with pytest.raises(Unauthorized):
        await certificates.authenticate(make_request("/", certificate=certificate("jane", "")))


def test_fingerprints_of_a_bundle(tmp_path: Path):
    keys = pki.ensure(tmp_path, RealClock(), addresses=())
    both = fingerprints((keys.ca.cert + keys.front_proxy_ca.cert).decode())
    assert len(both) == 2 and fingerprints(keys.ca.cert.decode()) < both
    assert fingerprints("") == frozenset()
    with pytest.raises(ValueError, match=r"padding|base64|PEM"):
        fingerprints("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n")


class TestOverTls:
    @pytest.fixture
    async def cluster(self):
        async with Cluster(nodes=0, controllers=(), scheduler="off", serve=True) as cluster:
            yield cluster

    async def _who(self, cluster: Cluster, name: str, tls_max: ssl.TLSVersion, **headers: str):
        """(status, user) of a request under that certificate."""
        directory = cluster.kubeconfig.parent
        tls = ssl.create_default_context(cafile=directory / "ca.crt")
        tls.load_cert_chain(directory / f"{name}.crt", directory / f"{name}.key")
        tls.maximum_version = tls_max
        server = next(
            line.split()[-1] for line in cluster.kubeconfig.read_text().splitlines() if "server:" in line
        )
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session:
            review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
            async with session.post(server + REVIEWS, json=review, headers=headers) as answer:
                body = await answer.json()
                return answer.status, (body.get("status") or {}).get(
                    "userInfo"
                ) if answer.status < 300 else None

    @pytest.mark.parametrize("tls_max", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    async def test_the_front_proxy_is_believed_and_nobody_else(self, cluster, tls_max):
        forged = {"X-Remote-User": "jane", "X-Remote-Group": "developers"}
        status, user = await self._who(cluster, "front-proxy-client", tls_max, **forged)
        assert status == 201
        assert user == {"username": "jane", "groups": ["developers", "system:authenticated"]}
        status, user = await self._who(cluster, "admin", tls_max, **forged)
        assert status == 201 and user["username"] == "kubernetes-admin"
        status, user = await self._who(cluster, "front-proxy-client", tls_max)
        assert status == 401

    async def test_a_resumed_session_is_still_its_first_ones(self, cluster):
        """TLS keeps no chain for a resumed session."""
        directory = cluster.kubeconfig.parent
        port = int(cluster.kubeconfig.read_text().split("server: https://127.0.0.1:")[1].split()[0])

        def twice() -> list[tuple[bool, int, bool]]:
            tls = ssl.create_default_context(cafile=directory / "ca.crt")
            tls.load_cert_chain(directory / "front-proxy-client.crt", directory / "front-proxy-client.key")
            tls.maximum_version = ssl.TLSVersion.TLSv1_2
            session, seen = None, []
            for _ in range(2):
                with (
                    socket.create_connection(("127.0.0.1", port)) as raw,
                    tls.wrap_socket(raw, server_hostname="127.0.0.1", session=session) as connection,
                ):
                    session = connection.session
                    connection.sendall(
                        b"GET /api/v1/pods HTTP/1.1\r\nHost: x\r\nX-Remote-User: jane\r\nConnection: close\r\n\r\n"
                    )
                    answer = http.client.HTTPResponse(connection)
                    answer.begin()
                    seen.append(
                        (connection.session_reused, answer.status, b'User \\"jane\\"' in answer.read())
                    )
            return seen

        assert await asyncio.to_thread(twice) == [(False, 403, True), (True, 403, True)]
