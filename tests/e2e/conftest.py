"""A daemon as a user starts it, and the real kubectl against it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

# Generous: a busy machine is no failure. Nothing here waits that long when all is well.
PATIENCE_S = 60.0

KUBECTL = Path(sys.executable).with_name("kubectl")


class Daemon:
    """One cluster in a directory of its own; started, stopped, killed and started again."""

    binary = KUBECTL

    def __init__(self, directory: Path, *flags: str) -> None:
        self.directory, self.flags = directory, flags
        self.process: subprocess.Popen[str] | None = None
        self.port = "0"

    def start(self) -> str:
        """Returns the banner."""
        command = [
            sys.executable,
            "-m",
            "kubepy",
            "up",
            "--data-dir",
            str(self.directory),
            "--port",
            self.port,
        ]
        command += ["--log-level", "warning", *self.flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        banner = ""
        for line in self.process.stdout:
            banner += line
            if "nodes  " in line:
                break
        if self.process.poll() is not None:
            raise RuntimeError(f"the daemon ended: {banner} {self.process.stderr.read()}")
        # A restart comes back at the same address, as a user's kubeconfig expects.
        self.port = json.loads((self.directory / "instance.json").read_text())["server"].rpartition(":")[2]
        return banner

    def stop(self, number: int = signal.SIGINT) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE_S)
        self.output, self.errors = self.process.stdout.read(), self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()
        self.process = None
        return code

    @property
    def kubeconfig(self) -> Path:
        return self.directory / "kubeconfig"

    def kubectl(
        self, *arguments: str, input: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ, "KUBECONFIG": str(self.kubeconfig), "HOME": str(self.directory), "KUBECTL_KUBERC": "false",
        }  # fmt: skip
        done = subprocess.run(
            [KUBECTL, *arguments],
            input=input,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        if check and done.returncode:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done

    def get(self, *arguments: str) -> dict:
        return json.loads(self.kubectl("get", *arguments, "-o", "json").stdout)

    def wait(self, what: str, condition) -> None:
        """Poll until `condition()` holds; `what` says what for."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, f"waited {PATIENCE_S:.0f} s for {what}"
            time.sleep(0.05)


@pytest.fixture
def make_daemon(tmp_path) -> Iterator:
    made: list[Daemon] = []

    def make(*flags: str, directory: str = "cluster") -> Daemon:
        daemon = Daemon(tmp_path / directory, *flags)
        made.append(daemon)
        return daemon

    yield make
    for daemon in made:
        if daemon.process is not None:
            daemon.stop(signal.SIGKILL)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Daemon]:
    """One running cluster for the tests of a module; each works in a namespace of its own."""
    daemon = Daemon(tmp_path_factory.mktemp("cluster"))
    daemon.start()
    yield daemon
    assert daemon.stop() == 0, daemon.errors
    assert "Traceback" not in daemon.output + daemon.errors


@pytest.fixture
def namespace(cluster: Daemon, request: pytest.FixtureRequest) -> str:
    name = request.node.name.replace("_", "-").replace("[", "-").replace("]", "").lower()[:60]
    cluster.kubectl("create", "namespace", name)
    cluster.kubectl("wait", "--for=create", "serviceaccount/default", "-n", name)
    cluster.kubectl("config", "set-context", "--current", f"--namespace={name}")
    return name
