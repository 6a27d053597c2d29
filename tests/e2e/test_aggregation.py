"""An aggregated API server beside a running daemon, and kubectl speaking to both through one address."""

from __future__ import annotations

import base64
import json

import pytest

from tests.apiserver.aggregation.example import GROUP, VERSION, Certificates, ExampleApi, Thread

NAMESPACE = "example"
API_SERVICE = f"{VERSION}.{GROUP}"


def manifests(port: int, ca: bytes) -> str:
    """A Service that leads to this machine, and the APIService."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "List",
            "items": [
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
                {
                    "apiVersion": "v1",
                    "kind": "Service",
                    "metadata": {"name": "api", "namespace": NAMESPACE},
                    # Endpoints may not be on loopback; a name may lead there.
                    "spec": {"type": "ExternalName", "externalName": "localhost"},
                },
                {
                    "apiVersion": "apiregistration.k8s.io/v1",
                    "kind": "APIService",
                    "metadata": {"name": API_SERVICE},
                    "spec": {
                        "group": GROUP,
                        "version": VERSION,
                        "groupPriorityMinimum": 2000,
                        "versionPriority": 10,
                        "caBundle": base64.b64encode(ca).decode(),
                        "service": {"namespace": NAMESPACE, "name": "api", "port": port},
                    },
                },
            ],
        }
    )


@pytest.fixture(scope="module")
def example(cluster, tmp_path_factory):
    """The server, running and Available."""
    published = cluster.get("configmap", "extension-apiserver-authentication", "-n", "kube-system")["data"]
    certificates = Certificates(tmp_path_factory.mktemp("example"), f"api.{NAMESPACE}.svc")
    thread = Thread(ExampleApi(certificates, client_ca=published["requestheader-client-ca-file"]))
    try:
        port = thread.call(thread.api.start())
        cluster.kubectl("apply", "-f", "-", input=manifests(port, certificates.ca))
        cluster.kubectl("wait", "--for=condition=Available", f"apiservice/{API_SERVICE}", "--timeout=30s")
        # Its documents come a moment later.
        cluster.wait("the group in discovery", lambda: "flunders" in resources(cluster))
        yield thread
    finally:
        thread.close()


def resources(cluster) -> str:
    return cluster.kubectl("api-resources", "--api-group", GROUP, check=False).stdout


def flunder(name: str) -> str:
    obj = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Flunder", "metadata": {"name": name}, "spec": {}}
    return json.dumps(obj)


def test_kubectl_works_with_what_another_server_serves(cluster, namespace, example):
    assert "flunders" in resources(cluster)
    assert cluster.kubectl("get", "apiservice", API_SERVICE, "--no-headers").stdout.split()[1:3] == [
        f"{NAMESPACE}/api",
        "True",
    ]
    done = cluster.kubectl("create", "-f", "-", "--validate=false", input=flunder("one"))
    assert done.stdout == f"flunder.{GROUP}/one created\n"
    got = cluster.kubectl("get", "fl", "one")
    assert "one" in got.stdout and "flunders are soft" in got.stderr
    missing = cluster.kubectl("get", "flunder", "two", check=False)
    assert missing.stderr == f'Error from server (NotFound): flunders.{GROUP} "two" not found\n'
    cluster.kubectl("delete", "flunder", "one")
    assert not example.api.flunders


def test_the_server_learns_who_asks_and_no_credentials(cluster, namespace, example):
    example.api.requests.clear()
    cluster.kubectl("get", "fl", "-A")
    cluster.kubectl("get", "fl", "-A", "--as=jane", "--as-group=system:masters", "--as-uid=42")
    as_admin, as_jane = (each.headers for each in example.api.requests if each.path.endswith("/flunders"))
    assert as_admin["X-Remote-User"] == "kubernetes-admin"
    assert as_admin.getall("X-Remote-Group") == ["system:masters", "system:authenticated"]
    assert as_jane["X-Remote-User"] == "jane" and as_jane["X-Remote-Uid"] == "42"
    assert "Authorization" not in as_jane and not [name for name in as_jane if name.startswith("Impersonate")]


def test_its_fields_are_explained(cluster, namespace, example):
    assert "Of its coat." in cluster.kubectl("explain", "flunder.spec").stdout
    swagger = json.loads(cluster.kubectl("get", "--raw", "/openapi/v2").stdout)
    assert "io.kubepy.example.v1.Flunder" in swagger["definitions"]
    assert "/apis/other/v1/x" not in swagger["paths"] and "/api/v1/pods" in " ".join(swagger["paths"])


def test_while_it_is_away_the_rest_works(cluster, namespace, example):
    example.call(example.api.stop())
    try:
        cluster.kubectl("annotate", "apiservice", API_SERVICE, "look=now", "--overwrite")
        cluster.kubectl(
            "wait", "--for=condition=Available=False", f"apiservice/{API_SERVICE}", "--timeout=30s"
        )
        available = cluster.get("apiservice", API_SERVICE)["status"]["conditions"][0]
        assert available["reason"] == "FailedDiscoveryCheck"
        assert "connect: connection refused" in available["message"]
        away = cluster.kubectl("get", "--raw", f"/apis/{GROUP}/{VERSION}/flunders", check=False)
        assert "ServiceUnavailable" in away.stderr
        # Nobody waits for a server that is away. kubectl passes over what is marked Stale.
        listed = cluster.kubectl("api-resources")
        assert "deployments" in listed.stdout and "flunders" not in listed.stdout
        cluster.kubectl("get", "pods")
        groups = json.loads(cluster.kubectl("get", "--raw", "/apis").stdout)["groups"]
        assert GROUP in [group["name"] for group in groups]
    finally:
        example.call(example.api.start())
    cluster.kubectl("annotate", "apiservice", API_SERVICE, "look=again", "--overwrite")
    cluster.kubectl("wait", "--for=condition=Available", f"apiservice/{API_SERVICE}", "--timeout=30s")
    cluster.wait("the group in discovery", lambda: "flunders" in resources(cluster))


def test_gone_it_is_gone_from_discovery(cluster, namespace, example):
    cluster.kubectl("delete", "apiservice", API_SERVICE)
    cluster.wait("the group's end", lambda: GROUP not in cluster.kubectl("get", "--raw", "/apis").stdout)
    missing = cluster.kubectl("get", "--raw", f"/apis/{GROUP}/{VERSION}", check=False)
    assert "NotFound" in missing.stderr
