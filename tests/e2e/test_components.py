"""Controller manager, scheduler and kubelets as processes of their own, two of those that elect a leader."""

from __future__ import annotations

import base64
import os
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

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


def test_kubelets_of_their_own_serve_what_their_pods_use(control_plane):
    daemon, start = control_plane
    where = "--metrics-address=127.0.0.1:0"
    start("controller-manager", "--no-leader-elect")
    start("scheduler", "--no-leader-elect")
    first = start("kubelet", "--nodes=1", where, *ELECTION)
    daemon.kubectl("create", "deployment", "web", "--image=nginx:1")
    rollout(daemon, 2)

    def used() -> int:
        return len(
            daemon.kubectl("top", "pods", "--containers", "--no-headers", check=False).stdout.splitlines()
        )

    daemon.wait("usage of both pods", lambda: used() == 2)
    assert daemon.kubectl("top", "nodes", "--no-headers").stdout.split()[0] == "node-1"
    port = daemon.get("apiservice", "v1beta1.metrics.k8s.io")["spec"]["service"]["port"]
    assert asked_without_certificate(port) == b"", "only the API server's front proxy may ask"
    start("kubelet", "--nodes=1", where, *ELECTION)
    code, output = first.end(signal.SIGTERM)
    assert code == 0, output
    daemon.wait("usage from who stood by", lambda: used() == 2)


def asked_without_certificate(port: int) -> bytes:
    """The start of the answer, if there is one."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as raw,
            context.wrap_socket(raw) as connection,
        ):
            connection.sendall(b"GET /apis/metrics.k8s.io/v1beta1/pods HTTP/1.1\r\nHost: x\r\n\r\n")
            return connection.recv(100)
    except (ssl.SSLError, ConnectionError):
        return b""


def request_for(user: str) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, user)])
    csr = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return base64.b64encode(csr.public_bytes(serialization.Encoding.PEM)).decode()


def test_a_controller_manager_of_its_own_signs_and_gives_nodes_their_ranges(control_plane):
    daemon, start = control_plane
    keys = daemon.directory / "pki"
    start(
        "controller-manager",
        f"--cluster-signing-cert-file={keys / 'ca.crt'}",
        f"--cluster-signing-key-file={keys / 'ca.key'}",
        "--cluster-signing-duration=1h",
        f"--service-account-private-key-file={keys / 'sa.key'}",
        "--allocate-node-cidrs",
        "--cluster-cidr=10.9.0.0/16",
        "--no-leader-elect",
    )
    start("kubelet", "--nodes=1", "--no-leader-elect")
    metadata = {
        "name": "bot",
        "namespace": "default",
        "annotations": {"kubernetes.io/service-account.name": "bot"},
    }
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": "kubernetes.io/service-account-token",
    }
    spec = {
        "signerName": "kubernetes.io/kube-apiserver-client",
        "usages": ["client auth"],
        "request": request_for("jane"),
    }
    asked = {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": "jane"},
        "spec": spec,
    }
    daemon.kubectl("create", "serviceaccount", "bot")
    daemon.kubectl("apply", "-f", "-", input=yaml.safe_dump_all([secret, asked]))
    daemon.kubectl("certificate", "approve", "jane")

    daemon.wait("a certificate", lambda: daemon.get("csr", "jane")["status"].get("certificate"))
    pem = base64.b64decode(daemon.get("csr", "jane")["status"]["certificate"])
    certificate = x509.load_pem_x509_certificate(pem)
    lasts = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert lasts.total_seconds() <= 3600 + 300, "--cluster-signing-duration, and what clocks may differ"

    daemon.wait("a token", lambda: "token" in (daemon.get("secret", "bot").get("data") or {}))
    token = base64.b64decode(daemon.get("secret", "bot")["data"]["token"]).decode()
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
    username = ("-o", "jsonpath={.status.user.username}")
    answer = daemon.kubectl("create", "-f", "-", *username, input=yaml.safe_dump(review))
    assert answer.stdout == "system:serviceaccount:default:bot"
    daemon.wait("a range", lambda: daemon.get("node", "node-1")["spec"].get("podCIDR"))
    assert daemon.get("node", "node-1")["spec"]["podCIDR"] == "10.9.0.0/24"


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
