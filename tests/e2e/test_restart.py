"""The daemon is killed in the middle of things, with its database on disk; tests/simulation cuts finer, without one."""

from __future__ import annotations

import signal

import yaml

from .conftest import Daemon

WORK = [
    {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "replicas": 40, "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "main", "image": "nginx"}]},
            },
        },
    },
    {
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "sum", "namespace": "default"},
        "spec": {
            "completions": 6, "parallelism": 3, "completionMode": "Indexed",
            "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox"}]}},
        },
    },
]  # fmt: skip


DATABASE = {
    "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "namespace": "default"},
    "spec": {
        "replicas": 6, "serviceName": "db", "selector": {"matchLabels": {"app": "db"}},
        "podManagementPolicy": "Parallel",
        "template": {
            "metadata": {"labels": {"app": "db"}},
            "spec": {"containers": [{"name": "main", "image": "postgres"}], "terminationGracePeriodSeconds": 1},
        },
    },
}  # fmt: skip


# What has been there by then, and what of it that is not yet, is another thing each time.
KILLED_AT = (
    ("--for=create", "deployment/web"),
    ("--for=jsonpath={.status.readyReplicas}", "deployment/web"),
    ("--for=jsonpath={.status.succeeded}", "job/sum"),
)


def test_a_rollout_a_job_and_a_namespaces_deletion_survive_kills(make_daemon):
    daemon: Daemon = make_daemon()
    daemon.start()
    daemon.kubectl("create", "namespace", "doomed")
    daemon.kubectl("create", "deployment", "old", "--image=nginx", "--replicas=20", "-n", "doomed")
    daemon.kubectl("rollout", "status", "deployment/old", "-n", "doomed")
    daemon.kubectl("apply", "-f", "-", input=yaml.safe_dump(DATABASE))
    daemon.kubectl("rollout", "status", "statefulset/db")
    daemon.kubectl("apply", "-f", "-", input=yaml.safe_dump_all(WORK))
    daemon.kubectl("delete", "namespace", "doomed", "--wait=false")
    daemon.kubectl("scale", "statefulset/db", "--replicas=2")
    for moment in KILLED_AT:
        daemon.kubectl("wait", *moment, "--timeout=60s")
        daemon.stop(signal.SIGKILL)
        daemon.start()
    daemon.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    daemon.kubectl("wait", "--for=condition=Complete", "job/sum", "--timeout=60s")
    assert daemon.get("job", "sum")["status"]["completedIndexes"] == "0-5"
    daemon.kubectl("wait", "--for=delete", "namespace/doomed", "--timeout=60s")
    daemon.kubectl("wait", "--for=jsonpath={.status.replicas}=2", "statefulset/db", "--timeout=60s")
    # kubectl goes on with what the kill before it left.
    drain = ("drain", "node-1", "--ignore-daemonsets", "--force", "--timeout=60s")
    daemon.kubectl(*drain, "--dry-run=server")
    daemon.kubectl("cordon", "node-1")
    daemon.stop(signal.SIGKILL)
    daemon.start()
    daemon.kubectl(*drain)
    daemon.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    daemon.kubectl("rollout", "status", "statefulset/db", "--timeout=60s")
    pods = daemon.get("pods", "-A")["items"]
    assert len([pod for pod in pods if pod["metadata"].get("labels", {}).get("app") == "web"]) == 40
    assert {pod["spec"]["nodeName"] for pod in pods} == {"node-2", "node-3"}
    assert daemon.get("job", "sum")["status"]["succeeded"] == 6
    assert len({pod["status"].get("podIP") for pod in pods}) == len(pods), "no address is given twice"
    assert daemon.stop() == 0
