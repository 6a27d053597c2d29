"""What a new user does, with the real kubectl, in the order of the README."""

from __future__ import annotations

import base64
import json
import signal
import subprocess

import pytest


def test_the_first_five_minutes(make_daemon):
    daemon = make_daemon()
    banner = daemon.start()
    assert banner.startswith("kubepy 0.1 · Kubernetes v1.37 · ready in ")
    assert "API server   https://127.0.0.1:" in banner and "nodes        3 simulated" in banner
    kubectl = daemon.kubectl

    nodes = kubectl("get", "nodes", "-o", "wide").stdout.splitlines()
    assert nodes[0].split() == [
        "NAME", "STATUS", "ROLES", "AGE", "VERSION", "INTERNAL-IP", "EXTERNAL-IP", "OS-IMAGE", "KERNEL-VERSION",
        "CONTAINER-RUNTIME",
    ]  # fmt: skip
    assert [line.split()[:2] for line in nodes[1:]] == [[f"node-{n}", "Ready"] for n in (1, 2, 3)]

    assert (
        kubectl("create", "deployment", "web", "--image=nginx", "--replicas=3").stdout
        == "deployment.apps/web created\n"
    )
    rolled = kubectl("rollout", "status", "deployment/web").stdout
    assert rolled.endswith('deployment "web" successfully rolled out\n')

    pods = kubectl("get", "pods", "-o", "wide").stdout.splitlines()
    assert pods[0].split()[:7] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE"]
    assert all(line.split()[1:4] == ["1/1", "Running", "0"] for line in pods[1:]) and len(pods) == 4
    name = pods[1].split()[0]

    described = kubectl("describe", "pod", name).stdout
    for text in ("Controlled By:  ReplicaSet/web-", "Successfully assigned default/", "Container started",
                 "kube-api-access-", "QoS Class:                   BestEffort"):  # fmt: skip
        assert text in described
    events = kubectl("get", "events").stdout
    for reason in ("ScalingReplicaSet", "SuccessfulCreate", "Scheduled", "Pulled", "Created", "Started"):
        assert reason in events

    kubectl("set", "image", "deployment/web", "nginx=nginx:1.29")
    kubectl("rollout", "status", "deployment/web")
    assert {p["spec"]["containers"][0]["image"] for p in running(daemon)} == {"nginx:1.29"}
    history = kubectl("rollout", "history", "deployment/web").stdout
    assert [line.split()[0] for line in history.splitlines()[2:] if line] == ["1", "2"]
    assert kubectl("rollout", "undo", "deployment/web").stdout == "deployment.apps/web rolled back\n"
    kubectl("rollout", "status", "deployment/web")
    assert {p["spec"]["containers"][0]["image"] for p in running(daemon)} == {"nginx"}

    assert kubectl("scale", "deployment/web", "--replicas=5").stdout == "deployment.apps/web scaled\n"
    kubectl("rollout", "status", "deployment/web")
    assert len(running(daemon)) == 5

    before = {p["metadata"]["uid"] for p in running(daemon)}
    assert daemon.stop() == 0
    assert "Traceback" not in daemon.output + daemon.errors
    daemon.start()
    assert {p["metadata"]["uid"] for p in running(daemon)} == before
    kubectl("rollout", "status", "deployment/web")

    assert 'deployment.apps "web" deleted' in kubectl("delete", "deployment", "web").stdout
    daemon.wait("its pods to go", lambda: not daemon.get("pods,replicasets")["items"])
    assert daemon.stop() == 0


def running(daemon) -> list[dict]:
    return [p for p in daemon.get("pods")["items"] if "deletionTimestamp" not in p["metadata"]]


def test_a_crash_in_the_middle_of_a_rollout_changes_nothing_about_its_end(make_daemon):
    daemon = make_daemon()
    daemon.start()
    daemon.kubectl("create", "deployment", "web", "--image=nginx", "--replicas=20")
    daemon.wait("the first pods", lambda: len(daemon.get("pods")["items"]) >= 3)
    daemon.stop(signal.SIGKILL)
    daemon.start()
    daemon.kubectl("rollout", "status", "deployment/web")
    daemon.kubectl("set", "image", "deployment/web", "nginx=nginx:2")
    daemon.stop(signal.SIGKILL)
    daemon.start()
    daemon.kubectl("rollout", "status", "deployment/web")
    daemon.wait("the old pods to go", lambda: len(daemon.get("pods")["items"]) == 20)
    assert {p["spec"]["containers"][0]["image"] for p in running(daemon)} == {"nginx:2"}
    assert daemon.stop() == 0


def test_nothing_survives_an_ephemeral_cluster_and_no_nodes_run_no_pods(make_daemon):
    daemon = make_daemon("--ephemeral", "--nodes", "0")
    assert "nodes        none: nothing runs pods" in daemon.start()
    daemon.kubectl("create", "configmap", "x")
    daemon.kubectl("run", "lonely", "--image=nginx")
    daemon.wait(
        "the scheduler to say so",
        lambda: "no nodes available to schedule pods" in daemon.kubectl("get", "events").stdout,
    )
    daemon.stop()
    assert not (daemon.directory / "store.db").exists()
    daemon.start()
    assert daemon.kubectl("get", "configmap", "x", check=False).returncode == 1
    daemon.stop()


def kubepy(*arguments: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    import sys

    return subprocess.run(
        [sys.executable, "-m", "kubepy", *arguments], capture_output=True, text=True, timeout=timeout_s
    )


def test_two_clusters_side_by_side_detached_and_their_commands(tmp_path):
    one, two = (["--data-dir", str(tmp_path / name)] for name in ("one", "two"))
    try:
        for place in (one, two):
            done = kubepy("up", *place, "--detach", "--port", "0")
            assert done.returncode == 0 and "ready in" in done.stdout, done.stderr
        status = kubepy("status", *one)
        assert (
            status.returncode == 0
            and "is ready: https://127.0.0.1:" in status.stdout
            and "[+]etcd ok" in status.stdout
        )
        config = kubepy("kubeconfig", *one).stdout
        assert "kubernetes-admin" in config and "client-key-data" in config
        used = kubepy("up", *one, "--port", "0")
        assert (
            used.returncode == 1
            and "is in use by another kubepy (pid " in used.stderr
            and "Traceback" not in used.stderr
        )
        port = json.loads((tmp_path / "one" / "instance.json").read_text())["server"].rpartition(":")[2]
        taken = kubepy("up", "--data-dir", str(tmp_path / "three"), "--port", port)
        assert taken.returncode == 1
        assert taken.stderr.startswith(
            f"kubepy: 127.0.0.1:{port} is in use by another program; choose another port"
        )
        logs = kubepy("logs", *one, "--component", "kubelet")
        assert "node_registered" in logs.stdout and "scheduler" not in logs.stdout
    finally:
        stopped = [kubepy("stop", *place) for place in (one, two)]
    assert [done.returncode for done in stopped] == [0, 0], [done.stderr for done in stopped]
    gone = kubepy("status", *one)
    assert gone.returncode == 1 and "is not running" in gone.stderr


def newer_database(directory) -> None:
    import sqlite3

    assert kubepy("up", "--data-dir", str(directory), "--port", "0", "--detach").returncode == 0
    assert kubepy("stop", "--data-dir", str(directory)).returncode == 0
    database = sqlite3.connect(directory / "store.db")
    database.execute("PRAGMA user_version = 999")
    database.close()


@pytest.mark.parametrize(
    ("prepare", "flags", "sentence"),
    [
        (lambda d: (d / "store.db").write_bytes(b"nonsense" * 600), [], "store.db"),
        (newer_database, [], "was made by a newer kubepy"),
        (lambda d: (d / "bad.yaml").write_text("nodes: 3\nprot: 1\n"), ["--config", "{d}/bad.yaml"],
         'bad.yaml:2: unknown key "prot"; did you mean "port"?'),
        (lambda d: None, ["--controllers", "nope"], '"nope" is not in the list of known controllers'),
        (lambda d: None, ["--token-auth-file", "/nowhere"], "token-auth-file"),
    ],
    ids=["not-a-database", "newer-database", "wrong-key", "unknown-controller", "no-token-file"],
)  # fmt: skip
def test_mistakes_are_one_sentence_and_never_a_traceback(tmp_path, prepare, flags, sentence):
    prepare(tmp_path)
    done = kubepy(
        "up", "--data-dir", str(tmp_path), "--port", "0", *(flag.format(d=tmp_path) for flag in flags)
    )
    assert done.returncode == 1
    assert sentence in done.stderr and done.stderr.startswith("kubepy: ") and done.stderr.count("\n") == 1, (
        done.stderr
    )


def test_a_cluster_whose_key_is_missing_says_so(tmp_path):
    place, file = ["--data-dir", str(tmp_path / "one")], tmp_path / "encryption.yaml"

    def up(secret: bytes) -> subprocess.CompletedProcess[str]:
        key = base64.b64encode(secret).decode()
        provider = f"{{aescbc: {{keys: [{{name: key, secret: {key}}}]}}}}"
        file.write_text(
            "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\n"
            f"resources: [{{resources: [configmaps], providers: [{provider}]}}]\n"
        )
        settings = ("--detach", "--port", "0", "--nodes", "0", "--encryption-provider-config", str(file))
        return kubepy("up", *place, *settings)

    try:
        assert up(b"a" * 32).returncode == 0
    finally:
        kubepy("stop", *place)
    refused = up(b"b" * 32)
    assert refused.returncode == 1 and "Traceback" not in refused.stderr
    assert 'unable to transform key "/registry/configmaps/' in refused.stderr
