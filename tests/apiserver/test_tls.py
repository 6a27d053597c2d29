from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kubepy.apiserver.tls import ServingTls
from kubepy.daemon import pki
from kubepy.lib.clock import RealClock


class Served:
    """What the handshake shows both sides."""

    def __init__(self, tls: ServingTls, directory: Path) -> None:
        self.tls, self._directory = tls, directory
        self.port = 0

    async def handshake(self, keys: pki.Pki, client: pki.Pki | None = None) -> tuple[str, str]:
        """(fingerprint of the server's certificate, what the server says); raises ssl.SSLError."""
        context = ssl.create_default_context(cafile=str(keys.ca_file()))
        if client is not None:
            context.load_cert_chain(client.file("admin.crt"), client.file("admin.key"))
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=context, server_hostname="127.0.0.1"
        )
        try:
            shown = writer.get_extra_info("ssl_object").getpeercert(True)
            return hashlib.sha256(shown).hexdigest(), (await reader.read()).decode()
        except ConnectionError:
            return "", ""
        finally:
            writer.close()


@pytest.fixture
def authorities(tmp_path: Path) -> tuple[pki.Pki, pki.Pki]:
    one, two = (pki.ensure(tmp_path / name, RealClock(), addresses=("127.0.0.1",)) for name in ("one", "two"))
    return one, two


@pytest.fixture
async def served(tmp_path: Path, authorities: tuple[pki.Pki, pki.Pki]) -> AsyncIterator[Served]:
    _copy(authorities[0], tmp_path)
    tls = ServingTls(tmp_path / "server.crt", tmp_path / "server.key", [tmp_path / "ca.crt"])
    served = Served(tls, tmp_path)

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        shown = writer.get_extra_info("ssl_object").getpeercert(True)
        writer.write(b"known" if shown else b"unknown")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=tls.context)
    served.port = server.sockets[0].getsockname()[1]
    yield served
    server.close()
    await server.wait_closed()


def _copy(keys: pki.Pki, directory: Path) -> None:
    for name in ("server.crt", "server.key", "ca.crt"):
        (directory / name).write_bytes(keys.file(name).read_bytes())


async def test_handshakes_after_a_reload_have_the_new_certificate_and_the_new_ca(
    served: Served, authorities: tuple[pki.Pki, pki.Pki], tmp_path: Path
) -> None:
    one, two = authorities
    before, heard = await served.handshake(one, one)
    assert heard == "known"
    _copy(two, tmp_path)
    assert await served.handshake(one, one) == (before, "known"), "files count when they are read"
    served.tls.reload()
    after, heard = await served.handshake(two, two)
    assert after != before and heard == "known"
    assert (await served.handshake(two))[1] == "unknown"
    assert (await served.handshake(two, one))[1] == "", "the handshake ends"
    with pytest.raises(ssl.SSLError):
        await served.handshake(one)


async def test_what_cannot_be_used_changes_nothing(
    served: Served, authorities: tuple[pki.Pki, pki.Pki], tmp_path: Path
) -> None:
    one, two = authorities
    (tmp_path / "server.key").write_bytes(two.file("server.key").read_bytes())
    with pytest.raises(ssl.SSLError):
        served.tls.reload()
    assert (await served.handshake(one, one))[1] == "known"
