"""kr8s, whose discovery, waits and relations are its own. In a process of its own: it leaves connections open."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import asyncio, sys
import kr8s
from kr8s.asyncio.objects import Deployment, Node, Pod

SPEC = {"containers": [{"name": "main", "image": "nginx"}]}

async def main(kubeconfig, namespace):
    api = await kr8s.asyncio.api(kubeconfig=kubeconfig)
    await a_pods_life(api, namespace)
    await a_deployment_knows_its_pods(api, namespace)
    await looking_around(api)

async def a_pods_life(api, namespace):
    pod = await Pod({"metadata": {"name": "one", "namespace": namespace}, "spec": SPEC}, api=api)
    await pod.create()
    await pod.wait("condition=Ready", timeout=30)
    await pod.label({"a": "b"})
    await pod.annotate({"x": "y"})
    selected = [found.name async for found in api.get("pods", namespace=namespace, label_selector={"a": "b"})]
    assert (selected, pod.annotations["x"]) == (["one"], "y")
    await pod.delete()
    await pod.wait("delete", timeout=30)
    assert not await pod.exists()

async def a_deployment_knows_its_pods(api, namespace):
    template = {"metadata": {"labels": {"app": "web"}}, "spec": SPEC}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    web = await Deployment({"metadata": {"name": "web", "namespace": namespace}, "spec": spec}, api=api)
    await web.create()
    await web.wait("condition=Available", timeout=30)
    await web.scale(2)
    await web.wait("jsonpath='{.status.replicas}'=2", timeout=30)
    assert len(await web.pods()) == 2
    await web.delete(propagation_policy="Foreground")

async def looking_around(api):
    assert await api.whoami() == "kubernetes-admin"
    kinds = {resource["kind"] for resource in await api.api_resources()}
    assert {"Pod", "Deployment", "CustomResourceDefinition"} <= kinds
    node = await Node.get("node-2", api=api)
    await node.cordon()
    await node.refresh()
    assert node.unschedulable
    await node.uncordon()

asyncio.run(main(*sys.argv[1:]))
"""


def test_a_script(cluster, namespace):
    command = [sys.executable, "-c", SCRIPT, str(cluster.kubeconfig), namespace]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
