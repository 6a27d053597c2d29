"""Clients that vanish, and clients that stay.

Sources: door.py."""

from __future__ import annotations

import json
import socket
import ssl
import threading

import psutil
import pytest

from tests.e2e.bad_input.door import (
    CONNECTIONS,
    MAPS,
    WATCHING,
    Door,
    request,
    settled,
    vanish,
    write,
)
from tests.e2e.conftest import PATIENCE_S, Daemon

WATCH_LIST = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan"


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET /api/v1/po",
        request("GET", MAPS)[:-2],
        request("POST", MAPS, "Content-Length: 100", body=b'{"metadata":'),
        request("POST", MAPS, "Transfer-Encoding: chunked", body=b'ff\r\n{"metadata":'),
        request("GET", MAPS) * 20,
        request("GET", f"{MAPS}?watch=1"),
        request("GET", f"/api/v1/pods?watch=1&allowWatchBookmarks=1&{WATCH_LIST}"),
        request("DELETE", f"{MAPS}/nope"),
    ],
    ids=["connect", "line", "head", "body", "chunk", "pipeline", "watch", "watch-list", "answer"],
)  # fmt: skip
def test_clients_that_vanish_leave_nothing_behind(cluster: Daemon, door: Door, said: bytes) -> None:
    connections = [door.socket() for _ in range(5)]
    for connection in connections:
        connection.sendall(said)
    if b"watch=1" in said:
        cluster.wait("the watches", lambda: door.gauge(WATCHING) == len(connections))
    for connection in connections[:3]:
        vanish(connection)
    for connection in connections[3:]:
        connection.close()
    settled(cluster, door)


def test_a_write_whose_client_vanished_happens_wholly_or_not_at_all(cluster: Daemon, door: Door) -> None:
    body = json.dumps(
        {"metadata": {"generateName": "half-", "labels": {"half": "y"}}, "data": {"k": "v" * 1000}}
    ).encode()
    head = request("POST", MAPS, "Content-Type: application/json", f"Content-Length: {len(body)}")
    for cut in (len(body), len(body), len(body) - 1, 10):
        connection = door.socket()
        connection.sendall(head + body[:cut])
        vanish(connection)
    settled(cluster, door)
    found = door.ask("GET", f"{MAPS}?labelSelector=half%3Dy").obj["items"]
    assert len(found) <= 2
    assert all(item["data"] == {"k": "v" * 1000} for item in found)


class Reader(threading.Thread):
    """A watcher that reads all it gets, and keeps the names of the events."""

    def __init__(self, connection: ssl.SSLSocket) -> None:
        super().__init__(daemon=True)
        self._connection = connection
        self.numbers: list[int] = []

    def run(self) -> None:
        rest = b""
        while part := self._connection.recv(1 << 16):
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                if line.startswith(b'{"type":"MODIFIED"'):
                    self.numbers.append(int(json.loads(line)["object"]["data"]["number"]))


def test_a_watcher_that_does_not_read_is_cut_off_and_nobody_else(cluster: Daemon, door: Door) -> None:
    process = psutil.Process(cluster.process.pid)
    write(door, "load", number="0")
    revision = door.ask("GET", MAPS).obj["metadata"]["resourceVersion"]
    before = process.memory_info().rss
    target = (
        f"{MAPS}?watch=1&fieldSelector=metadata.name%3Dload&resourceVersion={revision}&timeoutSeconds=300"
    )
    slow, quick = door.socket(), door.socket()
    for connection in (slow, quick):
        connection.sendall(request("GET", target))
    reader = Reader(quick)
    reader.start()
    cluster.wait("the watches", lambda: door.gauge(WATCHING) == 2)
    for number in range(1, 60):
        write(door, "load", number=str(number), data="x" * 1_000_000)
        if number > 15 and door.gauge(WATCHING) < 2:
            break
    else:
        raise AssertionError("60 MB wait for a client that does not read")
    cluster.wait("the other watcher", lambda: len(reader.numbers) == number)
    assert reader.numbers == list(range(1, number + 1))
    grown = process.memory_info().rss - before
    assert grown < 200 << 20, f"{grown >> 20} MiB more than before"
    quick.shutdown(socket.SHUT_RDWR)
    reader.join(PATIENCE_S)
    for connection in (slow, quick):
        connection.close()
    settled(cluster, door)


def test_a_thousand_idle_connections(cluster: Daemon, door: Door) -> None:
    process = psutil.Process(cluster.process.pid)
    before = process.memory_info().rss
    idle = []
    try:
        for number in range(1000):
            connection = door.socket()
            if number % 2:
                connection.sendall(request("GET", "/livez"))
            idle.append(connection)
        cluster.wait("the connections", lambda: door.gauge(CONNECTIONS) == 1001)
        assert door.ask("GET", MAPS).status == 200
        write(door, "among-many")
        grown = process.memory_info().rss - before
        assert grown < 150 << 20, f"{grown >> 10} KiB for a thousand connections"
    finally:
        for connection in idle:
            vanish(connection)
    settled(cluster, door)
