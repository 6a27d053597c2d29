"""kubectl's server-side apply: conflicts, force, managers, the way from client-side apply and back."""

from __future__ import annotations

import json

import pytest

MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, labels: {{app: web}}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {{containers: [{{name: main, image: "{image}"}}]}}
"""


def manifest(image: str = "nginx:1", replicas: int = 1) -> str:
    return MANIFEST.format(image=image, replicas=replicas)


def config_map(**data: str) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": data})


def serverside(cluster, text: str, *flags: str, check: bool = True):
    return cluster.kubectl("apply", "--server-side", "-f", "-", *flags, input=text, check=check)


def managers(cluster, kind: str, name: str) -> dict[str, dict]:
    shown = cluster.kubectl("get", kind, name, "--show-managed-fields", "-o", "json").stdout
    entries = json.loads(shown)["metadata"]["managedFields"]
    return {f"{entry['manager']}:{entry['operation']}": entry for entry in entries}


def test_apply_conflict_force(cluster, namespace: str):
    assert serverside(cluster, manifest()).stdout == "deployment.apps/web serverside-applied\n"
    cluster.kubectl("wait", "--for=condition=Available", "deployment/web", "--timeout=30s")
    version = cluster.get("deployment", "web")["metadata"]["resourceVersion"]
    serverside(cluster, manifest())
    assert cluster.get("deployment", "web")["metadata"]["resourceVersion"] == version
    refused = serverside(cluster, manifest("nginx:2"), "--field-manager=other", check=False)
    assert refused.returncode == 1
    assert (
        'Apply failed with 1 conflict: conflict with "kubectl": '
        '.spec.template.spec.containers[name="main"].image' in refused.stderr
    )
    serverside(cluster, manifest("nginx:2"), "--field-manager=other", "--force-conflicts")
    found = managers(cluster, "deployment", "web")
    container = 'k:{"name":"main"}'
    fields = [
        found[name]["fieldsV1"]["f:spec"]["f:template"]["f:spec"]["f:containers"][container]
        for name in ("kubectl:Apply", "other:Apply")
    ]
    assert ["f:image" in owned for owned in fields] == [False, True]
    assert found["kube-controller-manager:Update"]["subresource"] == "status"


def test_scale_takes_the_replicas(cluster, namespace: str):
    serverside(cluster, manifest())
    cluster.kubectl("scale", "deployment", "web", "--replicas=2")
    assert managers(cluster, "deployment", "web")["kubectl:Update"]["subresource"] == "scale"
    refused = serverside(cluster, manifest(), check=False)
    assert 'conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas' in refused.stderr
    without = manifest().replace("  replicas: 1\n", "")
    serverside(cluster, without)
    assert cluster.get("deployment", "web")["spec"]["replicas"] == 2


def test_from_client_side_apply_and_back(cluster, namespace: str):
    cluster.kubectl("apply", "-f", "-", input=config_map(a="1", b="1"))
    assert list(managers(cluster, "configmap", "x")) == ["kubectl-client-side-apply:Update"]
    serverside(cluster, config_map(a="2", b="1"))
    assert "kubectl:Apply" in managers(cluster, "configmap", "x")
    serverside(cluster, config_map(a="2"))
    assert cluster.get("configmap", "x")["data"] == {"a": "2"}
    assert json.loads(cluster.kubectl("apply", "view-last-applied", "configmap/x", "-o", "json").stdout)[
        "data"
    ] == {"a": "2"}
    cluster.kubectl("apply", "-f", "-", input=config_map(a="3"))
    assert cluster.get("configmap", "x")["data"] == {"a": "3"}


def test_diff_and_dry_run(cluster, namespace: str):
    serverside(cluster, config_map(a="1"))
    diff = cluster.kubectl("diff", "--server-side", "-f", "-", input=config_map(a="2"), check=False)
    assert diff.returncode == 1 and '+  a: "2"' in diff.stdout, diff.stderr
    same = cluster.kubectl("diff", "--server-side", "-f", "-", input=config_map(a="1"))
    assert same.stdout == ""
    done = serverside(cluster, config_map(a="2"), "--dry-run=server")
    assert done.stdout == "configmap/x serverside-applied (server dry run)\n"
    assert cluster.get("configmap", "x")["data"] == {"a": "1"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (manifest().replace("replicas: 1", "replicaz: 1"), ".spec.replicaz: field not declared in schema"),
        (
            manifest().replace("replicas: 1", "replicas: one"),
            ".spec.replicas: expected numeric (int or float), got string",
        ),
    ],
    ids=["unknown", "mistyped"],
)
def test_what_does_not_fit(cluster, namespace: str, text: str, message: str):
    refused = serverside(cluster, text, check=False)
    assert refused.returncode == 1
    assert "failed to create typed patch object" in refused.stderr and message in refused.stderr


def test_status_can_be_applied(cluster, namespace: str):
    serverside(cluster, manifest(replicas=0))
    status = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
status: {conditions: [{type: Tested, status: "True", reason: ByHand, message: yes it is}]}
"""
    serverside(cluster, status, "--subresource=status", "--field-manager=tester")
    found = cluster.get("deployment", "web")["status"]["conditions"]
    assert "Tested" in {condition["type"] for condition in found}
    entry = managers(cluster, "deployment", "web")["tester:Apply"]
    assert entry["subresource"] == "status"
    assert entry["fieldsV1"]["f:status"]["f:conditions"].keys() == {'k:{"type":"Tested"}'}
