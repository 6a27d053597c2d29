"""Controller manager, scheduler and kubelets as processes of their own, two of those that elect a leader."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from .conftest import PATIENCE_S, Daemon

# Short, for the test has to wait for a leader that was killed; the order of the three is what counts.
ELECTION = (
    "--leader-elect-lease-duration=3s",
    "--leader-elect-renew-deadline=2s",
    "--leader-elect-retry-period=1s",
)


class Component:
    """One process; its first line is read, the rest is there in the end."""

    def __init__(self, daemon: Daemon, name: str, *flags: str) -> None:
        command = [
            sys.executable,
            "-m",
            "kubepy",
            name,
            "--kubeconfig",
            str(daemon.kubeconfig),
            "--health-port=0",
        ]
        self.process = subprocess.Popen(
            [*command, *flags], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ
        )
        assert self.process.stdout is not None
        self.banner = self.process.stdout.readline()

    def get(self, path: str) -> str:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self.banner.split()[-1] + path, timeout=PATIENCE_S) as answer:
            return answer.read().decode()

    def end(self, number: int) -> tuple[int, str]:
        if self.process.poll() is None:
            self.process.send_signal(number)
        output, _ = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, output


@pytest.fixture
def control_plane(make_daemon) -> Iterator:
    """(an API server with nothing beside it, start(name, *flags))."""
    daemon = make_daemon("--controllers", "", "--scheduler", "off", "--nodes", "0", "--ephemeral")
    command = daemon.start
    with ExitStack() as stack:

        def start(name: str, *flags: str) -> Component:
            component = Component(daemon, name, *flags)
            stack.callback(component.end, signal.SIGKILL)
            return component

        command()
        yield daemon, start


def holder(daemon: Daemon, lease: str) -> str:
    """Who holds it, "" for nobody."""
    path = ("-o", "jsonpath={.spec.holderIdentity}", "--ignore-not-found")
    return daemon.kubectl("get", "lease", lease, "-n", "kube-system", *path).stdout


def rollout(daemon: Daemon, replicas: int) -> None:
    daemon.kubectl("scale", "deployment/web", f"--replicas={replicas}")
    daemon.kubectl("rollout", "status", "deployment/web", f"--timeout={PATIENCE_S:.0f}s")


def test_processes_stand_by_for_each_other_and_pods_run_all_the_while(control_plane):
    daemon, start = control_plane

    def leads(lease: str, other_than: str = "") -> str:
        daemon.wait(f"a leader of {lease}", lambda: holder(daemon, lease) not in ("", other_than))
        return holder(daemon, lease)

    manager, scheduler = start("controller-manager", *ELECTION), start("scheduler", *ELECTION)
    kubelet = start("kubelet", "--nodes=2", *ELECTION)
    leases = ("kube-controller-manager", "kube-scheduler", "kubepy-kubelet")
    first = {lease: leads(lease) for lease in leases}
    for name in ("controller-manager", "scheduler"):
        start(name, *ELECTION)
    start("kubelet", "--nodes=2", *ELECTION)
    assert manager.get("/healthz") == "ok" and "workqueue_depth" in manager.get("/metrics")

    daemon.kubectl("create", "deployment", "web", "--image=nginx")
    rollout(daemon, 3)
    assert len(daemon.get("nodes")["items"]) == 2

    # Killed: the other waits until the lease is over. Asked to stop: the lease is given up, and taken at once.
    manager.end(signal.SIGKILL)
    for asked in (scheduler, kubelet):
        code, output = asked.end(signal.SIGTERM)
        assert code == 0, output
    for lease, before in first.items():
        leads(lease, other_than=before)
    rollout(daemon, 5)


def test_mistakes_are_one_sentence(tmp_path):
    def run(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "kubepy", *arguments], capture_output=True, text=True, timeout=PATIENCE_S
        )
        return done.returncode, done.stderr.strip()

    missing = tmp_path / "nowhere"
    assert run("scheduler", "--kubeconfig", str(missing)) == (
        1, f"kubepy: {missing} cannot be read: No such file or directory",
    )  # fmt: skip
    assert run("scheduler", "--leader-elect-lease-duration", "5s") == (
        1, "kubepy: leader-elect-lease-duration must be greater than leader-elect-renew-deadline",
    )  # fmt: skip
