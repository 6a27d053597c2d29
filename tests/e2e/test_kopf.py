"""An operator written with kopf: its watches, patches, finalizers and events on a custom resource of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

OPERATOR = """
import kopf

@kopf.on.create("acme.test", "v1", "cups")
def create(body, spec, patch, **_):
    patch.status["size"] = spec["size"] + 1
    kopf.info(body, reason="Filled", message="to the brim")
    return "made"

@kopf.on.field("acme.test", "v1", "cups", field="spec.size")
def resize(old, new, patch, **_):
    if old is not None:
        patch.status["size"] = new + 1

@kopf.on.delete("acme.test", "v1", "cups")
def delete(**_):
    pass
"""

DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: cups.acme.test}
spec:
  group: acme.test
  scope: Namespaced
  names: {kind: Cup, plural: cups, singular: cup, shortNames: [cu]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    additionalPrinterColumns: [{name: Size, type: integer, jsonPath: .spec.size}]
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, properties: {size: {type: integer, minimum: 0, description: How much it holds.}}}
          status: {type: object, x-kubernetes-preserve-unknown-fields: true}
"""

CUP = """
apiVersion: acme.test/v1
kind: Cup
metadata: {name: one}
spec: {size: 4}
"""


@pytest.fixture
def operator(cluster, namespace, tmp_path):
    cluster.kubectl("apply", "-f", "-", input=DEFINITION)
    cluster.kubectl("wait", "--for=condition=Established", "crd/cups.acme.test", "--timeout=30s")
    (tmp_path / "cups.py").write_text(OPERATOR)
    command = [sys.executable, "-m", "kopf", "run", "--namespace", namespace, "--standalone", "cups.py"]
    environment = {"KUBECONFIG": str(cluster.kubeconfig), "PATH": ""}
    with (tmp_path / "cups.log").open("w") as log:
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
        yield process
        process.terminate()
        process.wait(30)
    said = (tmp_path / "cups.log").read_text()
    assert process.returncode == 0 and "Traceback" not in said, said


def test_an_operator_looks_after_its_kind(cluster, namespace, operator):
    def size() -> int | None:
        return cluster.get("cup", "one").get("status", {}).get("size")

    cluster.kubectl("apply", "-f", "-", input=CUP)
    cluster.wait("the operator to see the cup", lambda: size() == 5)
    cup = cluster.get("cup", "one")
    assert cup["status"]["create"] == "made"
    assert cup["metadata"]["finalizers"] == ["kopf.zalando.org/KopfFinalizerMarker"]
    cluster.kubectl("patch", "cup", "one", "--type=merge", "-p", '{"spec":{"size":7}}')
    cluster.wait("the operator to see the change", lambda: size() == 8)
    assert cluster.kubectl("get", "cu").stdout.split() == ["NAME", "SIZE", "one", "7"]
    assert "How much it holds." in cluster.kubectl("explain", "cup.spec.size").stdout
    cluster.kubectl("delete", "cup", "one", "--timeout=30s")
    cluster.wait("what was said", lambda: "to the brim" in cluster.kubectl("get", "events").stdout)
