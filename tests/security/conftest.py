"""One daemon as strangers meet it: a socket, TLS, and whatever bytes they like.

What is expected here is what kube-apiserver 1.36 answers to the same bytes, or stricter; where it is stricter, the test
says so.
"""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest

PATIENCE_S = 60.0
# Who comes by the static tokens: an administrator, and somebody without any right.
ADMIN, NOBODY = "admin-token-1f0c", "nobody-token-9e2b"
TOKENS = f'{ADMIN},admin,1,"system:masters"\n{NOBODY},nobody,2,"devs"\n'


@dataclass(frozen=True)
class Answer:
    status: int  # 0: the connection was closed without one
    head: str
    body: bytes

    @property
    def obj(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        """The text of a Status, or the body."""
        try:
            text: str = self.obj["message"]
        except (ValueError, KeyError, TypeError):
            return self.body.decode(errors="replace")
        return text


class Gate:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        instance = json.loads((directory / "instance.json").read_text())
        self.port = int(instance["server"].rpartition(":")[2])

    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.directory / "pki" / "ca.crt")

    def connect(self, context: ssl.SSLContext | None = None) -> ssl.SSLSocket:
        context = context or self.trusting()
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)
        return context.wrap_socket(raw, server_hostname="127.0.0.1")

    def send(self, data: bytes) -> Answer:
        """Bytes as they are; the answer until the server closes."""
        with self.connect() as stream:
            try:
                stream.sendall(data)
            except OSError:
                pass  # it has heard enough
            return self.receive(stream)

    def receive(self, stream: ssl.SSLSocket) -> Answer:
        received = b""
        try:
            while part := stream.recv(1 << 16):
                received += part
        except OSError:
            pass
        head, _, body = received.partition(b"\r\n\r\n")
        lines = head.decode(errors="replace").split("\r\n")
        status = int(lines[0].split()[1]) if lines[0] else 0
        if "Transfer-Encoding: chunked" in lines:
            body = _unchunked(body)
        return Answer(status, head.decode(errors="replace"), body)

    def ask(
        self,
        method: str,
        path: str | bytes,
        body: Any = b"",
        *,
        token: str = "",
        type_: str = "application/json",
        **headers: str,
    ) -> Answer:
        """`path` goes out byte for byte; `body` is bytes or an object; X_Remote_User is X-Remote-User."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        path = path.encode() if isinstance(path, str) else path
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if token:
            lines.append(f"Authorization: Bearer {token}")
        if data:
            lines += [f"Content-Type: {type_}", f"Content-Length: {len(data)}"]
        head = "".join(f"{line}\r\n" for line in ("Host: x", *lines, "Connection: close"))
        return self.send(b"%b %b HTTP/1.1\r\n%b\r\n%b" % (method.encode(), path, head.encode(), data))

    def admin(self, method: str, path: str, body: Any = b"", **more: Any) -> Answer:
        return self.ask(method, path, body, token=ADMIN, **more)

    def create(self, path: str, body: Any) -> Any:
        answer = self.admin("POST", path, body)
        assert answer.status == 201, answer.message
        return answer.obj


def _unchunked(body: bytes) -> bytes:
    parts = []
    while body:
        size, _, body = body.partition(b"\r\n")
        if not (length := int(size, 16)):
            break
        parts.append(body[:length])
        body = body[length + 2 :]
    return b"".join(parts)


def start(directory: Path, *flags: str) -> subprocess.Popen[bytes]:
    """Raises AssertionError when the daemon does not come up."""
    command = [
        sys.executable, "-m", "kubepy", "up", "--data-dir", str(directory), "--port", "0", "--nodes", "0",
        "--log-level", "debug", *flags,
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said, is_up = directory.parent / "output", threading.Event()
    threading.Thread(target=write_down, args=(process.stdout, said, is_up), daemon=True).start()
    assert is_up.wait(PATIENCE_S) and process.poll() is None, said.read_text()
    return process


def write_down(stream: IO[bytes], path: Path, is_up: threading.Event) -> None:
    """All that the daemon says; `is_up` once it says so, or nothing any more."""
    with stream, path.open("wb", buffering=0) as file:
        for line in stream:
            file.write(line)
            if b"API server" in line:
                is_up.set()
    is_up.set()


def wait(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="session")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    home = tmp_path_factory.mktemp("security")
    (home / "tokens.csv").write_text(TOKENS)
    process = start(home / "cluster", "--token-auth-file", str(home / "tokens.csv"), "--anonymous-auth")
    gate = Gate(home / "cluster")
    wait(lambda: gate.admin("GET", "/api/v1/namespaces/default/serviceaccounts/default").status == 200)
    yield gate
    process.terminate()
    assert process.wait(PATIENCE_S) == 0
    log = (home / "cluster" / "kubepy.log").read_text()
    failures = [
        line for line in log.splitlines() if '"event":"request_failed"' in line or '"answer_failed"' in line
    ]
    assert not failures, "whatever strangers send, nothing of it is our failure"
