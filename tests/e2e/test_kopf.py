"""Operators written with kopf: watches, patches, finalizers and events on a custom resource; admission webhooks, whose
configurations kopf itself keeps and whose server it runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kubepy.daemon import pki
from kubepy.lib.clock import RealClock

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


GATEKEEPER = """
import kopf

@kopf.on.startup()
def configure(settings, **_):
    settings.admission.managed = "auto.acme.test"
    settings.admission.server = kopf.WebhookServer(
        addr="127.0.0.1", host="127.0.0.1", cafile="pki/ca.crt", certfile="pki/server.crt", pkeyfile="pki/server.key"
    )

@kopf.on.mutate("acme.test", "v1", "cups", operation="CREATE")
def handle(spec, patch, userinfo, dryrun, warnings, **_):
    patch.metadata.annotations["asked-by"] = userinfo["username"]
    if spec.get("size", 0) > 50:
        patch.spec["size"] = 50
        warnings.append("that is a bucket")

@kopf.on.validate("acme.test", "v1", "cups", id="even")
def even(spec, name, **_):
    if spec.get("size", 0) % 2:
        raise kopf.AdmissionError(f"{name} is odd", code=418)

@kopf.on.validate("configmaps", labels={"kept": "yes"}, operation="DELETE", ignore_failures=True)
def keep(**_):
    raise kopf.AdmissionError("it is kept")
"""


@contextmanager
def running(cluster, directory: Path, program: str, *arguments: str) -> Iterator[None]:
    """kopf with this program in this directory; at the end it must stop in good order."""
    (directory / "handlers.py").write_text(program)
    command = [sys.executable, "-m", "kopf", "run", *arguments, "--standalone", "handlers.py"]
    environment = {"KUBECONFIG": str(cluster.kubeconfig), "PATH": ""}
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=directory, env=environment, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)
    said = (directory / "log").read_text()
    assert process.returncode == 0 and "Traceback" not in said, said


@pytest.fixture
def defined(cluster):
    cluster.kubectl("apply", "-f", "-", input=DEFINITION)
    cluster.kubectl("wait", "--for=condition=Established", "crd/cups.acme.test", "--timeout=30s")


@pytest.fixture
def operator(cluster, namespace, defined, tmp_path):
    with running(cluster, tmp_path, OPERATOR, "--namespace", namespace):
        yield


@pytest.fixture
def gatekeeper(cluster, namespace, defined, tmp_path):
    pki.ensure(tmp_path / "pki", RealClock(), addresses=("127.0.0.1",))
    with running(cluster, tmp_path, GATEKEEPER, "--all-namespaces"):
        kinds = ("mutatingwebhookconfiguration", "validatingwebhookconfiguration")

        def is_there() -> bool:
            found = [cluster.kubectl("get", kind, "-o=name", check=False).stdout for kind in kinds]
            return all("auto.acme.test" in names for names in found)

        cluster.wait("kopf to write its configurations", is_there)
        yield
        for kind in kinds:
            cluster.kubectl("delete", kind, "auto.acme.test")


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


def _cup(name: str, size: int) -> str:
    return CUP.replace("one", name).replace("size: 4", f"size: {size}")


def test_an_operator_keeps_the_gate(cluster, namespace, gatekeeper):
    def create(name: str, size: int, *flags: str) -> subprocess.CompletedProcess[str]:
        return cluster.kubectl("create", "-f", "-", *flags, input=_cup(name, size), check=False)

    # Its server listens a little later than its configurations are there.
    cluster.wait("the gatekeeper", lambda: create("first", 2).returncode == 0)
    assert cluster.get("cup", "first")["metadata"]["annotations"] == {"asked-by": "kubernetes-admin"}

    done = create("large", 90)
    assert done.stderr == "Warning: that is a bucket\n"
    assert cluster.get("cup", "large")["spec"] == {"size": 50}

    done = create("three", 3)
    assert done.returncode == 1
    assert done.stderr == (
        'Error from server: error when creating "STDIN": admission webhook "even.auto.acme.test" denied the request: '
        "three is odd\n"
    )
    assert "odd" in create("three", 3, "--dry-run=server").stderr
    patch = ("patch", "cup", "first", "--type=merge", "-p", '{"spec":{"size":5}}')
    assert "first is odd" in cluster.kubectl(*patch, check=False).stderr
    assert cluster.get("cup", "first")["spec"] == {"size": 2}

    cluster.kubectl("create", "configmap", "heirloom")
    cluster.kubectl("label", "configmap", "heirloom", "kept=yes")
    assert "it is kept" in cluster.kubectl("delete", "configmap", "heirloom", check=False).stderr
    cluster.kubectl("label", "configmap", "heirloom", "kept-")
    cluster.kubectl("delete", "configmap", "heirloom")
