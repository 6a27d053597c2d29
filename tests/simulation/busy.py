"""A bit of everything, for the tests that run the same cluster more than once."""

from __future__ import annotations

from kubepy.api.objects import Obj
from kubepy.testing import Cluster
from kubepy.testing.builders import (
    Builder,
    make_daemon_set,
    make_deployment,
    make_service,
    make_stateful_set,
)


def job(name: str, *, completions: int, seconds: int) -> Obj:
    container = {"name": "main", "image": "busybox", "command": ["sleep", str(seconds)]}
    annotations = {"kubepy.io/exit-code": "0", "kubepy.io/run-seconds": str(seconds)}
    pod = {"restartPolicy": "Never", "containers": [container]}
    return {
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "completions": completions, "parallelism": 2, "completionMode": "Indexed",
            "template": {"metadata": {"annotations": annotations}, "spec": pod},
        },
    }  # fmt: skip


def claim(name: str) -> Obj:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "default"}, "spec": spec,
    }  # fmt: skip


def wanted() -> list[Obj]:
    """Deployment with autoscaler, budget, Service; StatefulSet with claims; DaemonSet; Job, CronJob; claim; quota."""
    web = make_deployment("web").replicas(2).image("nginx:1").requests(cpu="100m").obj()
    # Twice what the autoscaler wants of a pod, so it goes to its maximum.
    web["spec"]["template"]["metadata"]["annotations"] = {"kubepy.io/usage-cpu": "200m"}
    db = make_stateful_set("db").replicas(3).image("postgres:1").requests(cpu="50m").obj()
    template = claim("data")
    del template["metadata"]["namespace"]
    db["spec"]["volumeClaimTemplates"] = [template]
    metric = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    return [
        Builder("v1", "ResourceQuota", "all").spec(hard={"pods": "40", "requests.cpu": "20"}).obj(),
        web,
        Builder("autoscaling/v2", "HorizontalPodAutoscaler", "web")
        .spec(scaleTargetRef=reference, maxReplicas=4, metrics=[{"type": "Resource", "resource": metric}])
        .obj(),
        Builder("policy/v1", "PodDisruptionBudget", "web")
        .spec(minAvailable=1, selector={"matchLabels": {"app": "web"}})
        .obj(),
        make_service("web").selects(app="web").port(80).obj(),
        make_service("db").selects(app="db").port(5432).headless().obj(),
        db,
        make_daemon_set("agent").image("agent:1").requests(cpu="10m").obj(),
        quota_friendly(job("sum", completions=4, seconds=3)),
        cron_job("beat"),
        replication_controller("old-style", replicas=2),
        claim("loose"),
    ]


def replication_controller(name: str, *, replicas: int) -> Obj:
    container = {"name": "app", "image": "app:1", "resources": {"requests": {"cpu": "10m"}}}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    return (
        Builder("v1", "ReplicationController", name)
        .spec(replicas=replicas, selector={"app": name}, template=template)
        .obj()
    )


def cron_job(name: str) -> Obj:
    """Every five minutes; of what it did the last run is kept."""
    run = quota_friendly(job(name, completions=1, seconds=2))
    spec = {
        "schedule": "*/5 * * * *", "concurrencyPolicy": "Forbid", "successfulJobsHistoryLimit": 1,
        "jobTemplate": {"spec": run["spec"]},
    }  # fmt: skip
    return Builder("batch/v1", "CronJob", name).spec(**spec).obj()


def quota_friendly(workload: Obj) -> Obj:
    """Under a quota of requests.cpu every container has to say how much it asks for."""
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    container["resources"] = {"requests": {"cpu": "10m"}}
    return workload


async def begin(cluster: Cluster) -> None:
    await cluster.create(*wanted())
