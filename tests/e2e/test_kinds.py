"""kubectl's commands that lean on one kind's own behaviour."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.e2e.conftest import Daemon
from tests.e2e.test_kubectl import deployment

POD = """
apiVersion: v1
kind: Pod
metadata: {name: p, labels: {app: p}}
spec:
  nodeName: node-2
  containers: [{name: c, image: nginx, resources: {requests: {cpu: 100m}}}]
"""


def test_drain_asks_the_budgets(cluster, namespace: str):
    """A budget that is not there lets all go; one that allows nothing holds its pods."""
    cluster.kubectl("apply", "-f", "-", input=POD)
    cluster.kubectl("wait", "--for=condition=Ready", "pod/p", "--timeout=30s")
    cluster.kubectl("create", "poddisruptionbudget", "b", "--selector=app=p", "--min-available=1")
    # As the budget's controller finds it.
    seen = {"status": {"observedGeneration": 1, "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1}}
    cluster.kubectl("patch", "pdb", "b", "--subresource=status", "--type=merge", "-p", json.dumps(seen))
    drain = ("drain", "node-2", "--force", "--ignore-daemonsets", "--pod-selector=app=p")
    try:
        refused = cluster.kubectl(*drain, "--timeout=2s", check=False)
        assert refused.returncode != 0
        assert "Cannot evict pod as it would violate the pod's disruption budget." in refused.stderr
        cluster.kubectl("delete", "poddisruptionbudget", "b")
        done = cluster.kubectl(*drain, "--timeout=30s", "--grace-period=1")
        assert "node/node-2 drained" in done.stdout
    finally:
        cluster.kubectl("uncordon", "node-2")


def test_debug_adds_a_container_to_a_running_pod(cluster, namespace: str):
    cluster.kubectl("apply", "-f", "-", input=POD)
    cluster.kubectl("debug", "p", "--image=busybox", "--container=look", "--attach=false")
    pod = json.loads(cluster.kubectl("get", "pod", "p", "-o", "json").stdout)
    assert [c["name"] for c in pod["spec"]["ephemeralContainers"]] == ["look"]
    assert pod["metadata"]["generation"] == 2


def test_a_running_pod_is_resized(cluster, namespace: str):
    cluster.kubectl("apply", "-f", "-", input=POD)
    cluster.kubectl("wait", "--for=condition=Ready", "pod/p", "--timeout=30s")
    change = {"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "200m"}}}]}}
    cluster.kubectl("patch", "pod", "p", "--subresource=resize", "-p", json.dumps(change))
    asked = cluster.kubectl("get", "pod", "p", "-o", "jsonpath={.spec.containers[0].resources.requests.cpu}")
    assert asked.stdout == "200m"
    refused = cluster.kubectl("patch", "pod", "p", "-p", json.dumps(change).replace("200m", "1"), check=False)
    assert "pod updates may not change fields other than" in refused.stderr


def test_a_token_of_a_service_account(cluster, namespace: str):
    token = cluster.kubectl("create", "token", "default", "--duration=1h").stdout.strip()
    who = cluster.kubectl("auth", "whoami", "-o", "json", f"--token={token}", check=False)
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["sub"] == f"system:serviceaccount:{namespace}:default"
    assert claims["exp"] - claims["iat"] == 3600, who.stderr


def test_a_certificate_is_approved(cluster, namespace: str):
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "jane")])
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    pem = base64.b64encode(request.public_bytes(serialization.Encoding.PEM)).decode()
    manifest = {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": namespace},
        "spec": {"request": pem, "signerName": "example.com/people", "usages": ["client auth"]},
    }
    cluster.kubectl("create", "-f", "-", input=json.dumps(manifest))
    cluster.kubectl("certificate", "approve", namespace)
    row = cluster.kubectl("get", "csr", namespace, "--no-headers").stdout.split()
    assert row[2:] == ["example.com/people", "kubernetes-admin", "<none>", "Approved"]
    denied = cluster.kubectl("certificate", "deny", namespace, check=False)
    assert denied.returncode != 0 and "is already Approved" in denied.stderr


def test_advice_is_printed(cluster, namespace: str):
    text = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"
    assert f"Warning: {text}" in cluster.kubectl("get", "endpoints").stderr
    odd = deployment().replace("spec: {containers", "spec: {terminationGracePeriodSeconds: -1, containers")
    done = cluster.kubectl("apply", "-f", "-", input=odd)
    assert "Warning: spec.template.spec.terminationGracePeriodSeconds: must be >= 0" in done.stderr
    statuses = cluster.kubectl("get", "componentstatuses", "--no-headers").stdout
    assert [line.split()[:2] for line in statuses.splitlines()] == [
        ["controller-manager", "Healthy"],
        ["etcd-0", "Healthy"],
        ["scheduler", "Healthy"],
    ]


def test_each_cluster_ip_has_its_address(cluster, namespace: str):
    cluster.kubectl("create", "service", "clusterip", "s", "--tcp=80")
    address = cluster.kubectl("get", "service", "s", "-o", "jsonpath={.spec.clusterIP}").stdout
    cluster.kubectl("wait", "--for=create", f"ipaddress/{address}", "--timeout=30s")
    row = cluster.kubectl("get", "ipaddress", address, "--no-headers").stdout.split()
    assert row[:2] == [address, f"services/{namespace}/s"]
    assert "10.96.0.0/16" in cluster.kubectl("get", "servicecidr", "kubernetes", "--no-headers").stdout


@pytest.mark.parametrize("version", ["1.30", "1.34"])
def test_an_older_kubernetes(tmp_path, version: str):
    daemon = Daemon(tmp_path, "--nodes", "1", "--kubernetes-version", version)
    assert f"Kubernetes v{version}" in daemon.start()
    try:
        told = json.loads(daemon.kubectl("version", "-o", "json").stdout)["serverVersion"]
        assert (told["minor"], told["gitVersion"]) == (version[2:], f"v{version}.0")
        kinds = daemon.kubectl("api-resources", "-o", "name").stdout.split()
        assert ("resourceclaims.resource.k8s.io" in kinds) is (version == "1.34")
        assert "clustertrustbundles.certificates.k8s.io" not in kinds
        daemon.kubectl("apply", "-f", "-", input=deployment())
        daemon.kubectl("wait", "--for=condition=Available", "deployment/web", "--timeout=30s")
        assert "v" + version in daemon.kubectl("get", "nodes", "--no-headers").stdout
        assert "DESCRIPTION" in daemon.kubectl("explain", "pod.spec.containers").stdout
    finally:
        assert daemon.stop() == 0
