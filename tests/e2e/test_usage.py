"""Usage, autoscaling, quotas and limits as a kubectl user meets them."""

from __future__ import annotations

import json

LIMITS = """
apiVersion: v1
kind: LimitRange
metadata: {name: limits}
spec:
  limits:
  - type: Container
    default: {cpu: 500m, memory: 500Mi}
    defaultRequest: {cpu: 100m, memory: 200Mi}
    max: {cpu: "1"}
"""


def start(cluster, cpu: str = "100m") -> None:
    cluster.kubectl("create", "deployment", "web", "--image=nginx", "--replicas=2")
    cluster.kubectl("set", "resources", "deployment", "web", f"--requests=cpu={cpu},memory=100Mi")
    cluster.kubectl("rollout", "status", "deployment/web", "--timeout=60s")


def test_top(cluster, namespace: str):
    start(cluster)
    pods = cluster.kubectl("top", "pod", "--containers", "-l", "app=web", "--sort-by=cpu").stdout.splitlines()
    assert pods[0].split() == ["POD", "NAME", "CPU(cores)", "MEMORY(bytes)"]
    assert {tuple(line.split()[1:]) for line in pods[1:]} >= {("nginx", "50m", "80Mi")}
    nodes = cluster.kubectl("top", "node").stdout.splitlines()
    assert nodes[0].split()[:3] == ["NAME", "CPU(cores)", "CPU(%)"]
    assert all("%" in line for line in nodes[1:])
    table = cluster.kubectl("get", "pods.metrics.k8s.io").stdout.splitlines()
    assert table[0].split() == ["NAME", "CPU", "MEMORY", "WINDOW"]
    raw = cluster.kubectl("get", "--raw", "/api/v1/nodes/node-1:10250/proxy/stats/summary").stdout
    assert '"usageNanoCores"' in raw


def test_what_a_kubelet_tells(cluster, namespace: str):
    cluster.kubectl("run", "pinned", "--image=nginx", '--overrides={"spec": {"nodeName": "node-1"}}')
    pods = json.loads(cluster.kubectl("get", "--raw", "/api/v1/nodes/node-1/proxy/pods").stdout)["items"]
    assert {pod["spec"]["nodeName"] for pod in pods} == {"node-1"}
    assert "pinned" in [pod["metadata"]["name"] for pod in pods]
    assert cluster.kubectl("get", "--raw", "/api/v1/nodes/node-1/proxy/healthz").stdout == "ok"


def test_autoscale(cluster, namespace: str):
    start(cluster)
    out = cluster.kubectl("autoscale", "deployment", "web", "--min=3", "--max=5", "--cpu=50%").stdout
    assert "autoscaled" in out
    cluster.kubectl("wait", "--for=jsonpath={.spec.replicas}=3", "deployment/web", "--timeout=60s")
    shown = cluster.kubectl("describe", "hpa", "web").stdout
    assert "Current number of replicas below Spec.MinReplicas" in shown
    assert "SuccessfulRescale" in shown


def test_quota(cluster, namespace: str):
    cluster.kubectl("create", "quota", "q", "--hard=pods=1,count/deployments.apps=1")
    cluster.kubectl("wait", "--for=jsonpath={.status.used.pods}=0", "quota/q", "--timeout=30s")
    cluster.kubectl("run", "one", "--image=nginx")
    refused = cluster.kubectl("run", "two", "--image=nginx", check=False)
    assert refused.stderr == (
        'Error from server (Forbidden): pods "two" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, '
        "limited: pods=1\n"
    )
    shown = [line.split() for line in cluster.kubectl("describe", "quota", "q").stdout.splitlines()]
    assert ["pods", "1", "1"] in shown
    assert ["count/deployments.apps", "0", "1"] in shown


def test_limits(cluster, namespace: str):
    cluster.kubectl("apply", "-f", "-", input=LIMITS)
    shown = [line.split() for line in cluster.kubectl("describe", "limits").stdout.splitlines()]
    assert ["Container", "cpu", "-", "1", "100m", "500m", "-"] in shown
    cluster.kubectl("run", "p", "--image=nginx")
    path = "jsonpath={.spec.containers[0].resources.requests.memory}"
    assert cluster.kubectl("get", "pod", "p", "-o", path).stdout == "200Mi"
    pod = '{"spec": {"containers": [{"name": "x", "image": "i", "resources": {"limits": {"cpu": "2"}}}]}}'
    refused = cluster.kubectl("run", "x", "--image=i", f"--overrides={pod}", check=False)
    assert "maximum cpu usage per Container is 1, but limit is 2" in refused.stderr
