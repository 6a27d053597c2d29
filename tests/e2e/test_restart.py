"""The daemon is killed in the middle of things, with its database on disk; tests/simulation cuts finer, without one."""

from __future__ import annotations

import signal
import time

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
            "completions": 6, "parallelism": 3,
            "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox"}]}},
        },
    },
]  # fmt: skip


def test_a_rollout_a_job_and_a_namespaces_deletion_survive_kills(make_daemon):
    daemon: Daemon = make_daemon()
    daemon.start()
    daemon.kubectl("create", "namespace", "doomed")
    daemon.kubectl("create", "deployment", "old", "--image=nginx", "--replicas=20", "-n", "doomed")
    daemon.kubectl("rollout", "status", "deployment/old", "-n", "doomed")
    daemon.kubectl("apply", "-f", "-", input=yaml.safe_dump_all(WORK))
    daemon.kubectl("delete", "namespace", "doomed", "--wait=false")
    for alive_s in (0.2, 0.7, 1.3):
        time.sleep(alive_s)
        daemon.stop(signal.SIGKILL)
        daemon.start()
    daemon.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    daemon.kubectl("wait", "--for=condition=Complete", "job/sum", "--timeout=60s")
    daemon.kubectl("wait", "--for=delete", "namespace/doomed", "--timeout=60s")
    pods = daemon.get("pods", "-A")["items"]
    assert len([pod for pod in pods if pod["metadata"].get("labels", {}).get("app") == "web"]) == 40
    assert daemon.get("job", "sum")["status"]["succeeded"] == 6
    assert len({pod["status"].get("podIP") for pod in pods}) == len(pods), "no address is given twice"
    assert daemon.stop() == 0
