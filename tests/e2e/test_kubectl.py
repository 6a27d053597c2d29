"""kubectl's verbs against a running cluster, each test in a namespace of its own."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
import yaml


def deployment(name: str = "web", image: str = "nginx", replicas: int = 1) -> str:
    return f"""
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  labels: {{app: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{name: main, image: "{image}"}}]}}
"""


def test_apply_diff_apply_again(cluster, namespace: str):
    assert cluster.kubectl("apply", "-f", "-", input=deployment()).stdout == "deployment.apps/web created\n"
    assert cluster.kubectl("apply", "-f", "-", input=deployment()).stdout == "deployment.apps/web unchanged\n"
    changed = deployment(image="nginx:2")
    diff = cluster.kubectl("diff", "-f", "-", input=changed, check=False)
    assert diff.returncode == 1 and "+      - image: nginx:2" in diff.stdout, diff.stderr
    assert cluster.kubectl("apply", "-f", "-", input=changed).stdout == "deployment.apps/web configured\n"
    assert cluster.kubectl("diff", "-f", "-", input=changed).stdout == ""
    cluster.kubectl("wait", "--for=condition=Available", "deployment/web", "--timeout=30s")
    # A field that is taken out of the manifest is taken out of the object.
    cluster.kubectl(
        "apply", "-f", "-", input=changed.replace("labels: {app: web}\nspec", "labels: {}\nspec", 1)
    )
    assert "app" not in cluster.get("deployment", "web")["metadata"].get("labels", {})


def test_dry_run_writes_nothing(cluster, namespace: str):
    done = cluster.kubectl("create", "configmap", "x", "--from-literal=a=b", "--dry-run=server", "-o", "json")
    assert json.loads(done.stdout)["metadata"]["uid"]
    assert cluster.kubectl("get", "configmap", "x", check=False).returncode == 1
    cluster.kubectl("create", "configmap", "x", "--from-literal=a=b")
    version = cluster.get("configmap", "x")["metadata"]["resourceVersion"]
    cluster.kubectl("label", "configmap", "x", "l=1", "--dry-run=server")
    cluster.kubectl("delete", "configmap", "x", "--dry-run=server")
    assert cluster.get("configmap", "x")["metadata"]["resourceVersion"] == version


def test_label_annotate_patch(cluster, namespace: str):
    cluster.kubectl("create", "configmap", "x", "--from-literal=a=b")
    assert cluster.kubectl("label", "configmap", "x", "tier=web").stdout == "configmap/x labeled\n"
    assert cluster.kubectl("label", "configmap", "x", "tier=web").stdout == "configmap/x not labeled\n"
    refused = cluster.kubectl("label", "configmap", "x", "tier=db", check=False)
    assert "'tier' already has a value (web), and --overwrite is false" in refused.stderr
    cluster.kubectl("annotate", "configmap", "x", "note=two words")
    assert cluster.kubectl("get", "configmap", "-l", "tier=web", "-o", "name").stdout == "configmap/x\n"
    assert cluster.kubectl("get", "configmap", "-l", "tier!=web,tier", "-o", "name").stdout == ""
    for kind, patch in (
        ("merge", '{"data":{"a":null,"c":"d"}}'),
        ("json", '[{"op":"add","path":"/data/e","value":"f"}]'),
    ):
        assert (
            cluster.kubectl("patch", "configmap", "x", "--type", kind, "-p", patch).stdout
            == "configmap/x patched\n"
        )
    assert cluster.kubectl("patch", "configmap", "x", "--type=merge", "-p", '{"data":{"c":"d"}}').stdout == (
        "configmap/x patched (no change)\n"
    )
    assert cluster.get("configmap", "x")["data"] == {"c": "d", "e": "f"}


def test_explain_knows_fields_and_their_words(cluster):
    text = cluster.kubectl("explain", "pod.spec.containers.image").stdout
    assert "FIELD: image <string>" in text and "Container image name" in text
    text = cluster.kubectl("explain", "deployment.spec", "--recursive").stdout
    assert "maxSurge\t<IntOrString>" in text and "selector\t<LabelSelector> -required-" in text
    assert (
        cluster.kubectl("explain", "deployment.spec.nope", check=False).stderr
        == 'error: field "nope" does not exist\n'
    )
    # As every kubectl before 1.27 asks: OpenAPI v2 in its protobuf form.
    text = cluster.kubectl("explain", "deployment.spec.replicas", "--output=plaintext-openapiv2").stdout
    assert "FIELD:    replicas <integer>" in text and "Number of desired pods" in text


def test_what_may_i_do(cluster):
    assert cluster.kubectl("auth", "can-i", "delete", "nodes").stdout == "yes\n"
    rows = [
        line.split()
        for line in cluster.kubectl("auth", "can-i", "--list", "--no-headers").stdout.splitlines()
    ]
    assert ["*.*", "[]", "[]", "[*]"] in rows


def test_api_resources_and_versions(cluster):
    rows = [line.split() for line in cluster.kubectl("api-resources", "--no-headers").stdout.splitlines()]
    kinds = {row[-1] for row in rows}
    assert {"Pod", "Deployment", "Lease", "Ingress", "ClusterRole", "CustomResourceDefinition"} <= kinds
    assert ["deployments", "deploy", "apps/v1", "true", "Deployment"] in rows
    assert "batch/v1" in cluster.kubectl("api-versions").stdout.split()
    version = json.loads(cluster.kubectl("version", "-o", "json").stdout)
    assert version["serverVersion"]["gitVersion"].startswith("v1.37")


@pytest.mark.parametrize("cascade", ["background", "foreground", "orphan"])
def test_delete_cascades(cluster, namespace: str, cascade: str):
    cluster.kubectl("apply", "-f", "-", input=deployment(replicas=2))
    cluster.kubectl("rollout", "status", "deployment/web")
    cluster.kubectl("delete", "deployment", "web", f"--cascade={cascade}")
    if cascade == "orphan":
        (replica_set,) = cluster.get("replicasets")["items"]
        cluster.wait(
            "the owner to be taken off",
            lambda: "ownerReferences" not in cluster.get("replicasets")["items"][0]["metadata"],
        )
        assert replica_set["spec"]["replicas"] == 2 and len(cluster.get("pods")["items"]) == 2
    elif cascade == "foreground":
        # Owners outlast what they own, so kubectl returns when all is gone or going.
        assert not cluster.get("replicasets")["items"]
        cluster.wait("the pods to go", lambda: not cluster.get("pods")["items"])
    else:
        cluster.wait("everything to go", lambda: not cluster.get("replicasets,pods")["items"])


def test_a_watch_shows_a_life(cluster, namespace: str):
    environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
    cluster.kubectl("run", "first", "--image=nginx")
    watch = subprocess.Popen(
        [cluster.binary, "get", "pods", "-n", namespace, "-w", "--no-headers"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        watch.stdout.readline()  # it is watching once it shows what was there before
        cluster.kubectl("run", "one", "--image=nginx")
        cluster.kubectl("wait", "--for=condition=Ready", "pod/one", "--timeout=30s")
        cluster.kubectl("delete", "pod", "one", "--grace-period=1")
        states = []
        for line in watch.stdout:
            if not line.startswith("one "):
                continue
            states.append(line.split()[2])
            if states[-1] in ("Completed", "Terminating") and len(states) > 4:
                break
    finally:
        watch.kill()
        watch.wait()
        watch.stdout.close()
    assert states[0] == "Pending" and "ContainerCreating" in states and "Running" in states
    assert list(dict.fromkeys(states))[:3] == ["Pending", "ContainerCreating", "Running"]


def test_an_image_that_does_not_exist_stays_in_backoff(cluster, namespace: str):
    cluster.kubectl("run", "broken", "--image=webserver:404")
    cluster.wait("ImagePullBackOff", lambda: "ImagePullBackOff" in cluster.kubectl("get", "pods").stdout)
    described = cluster.kubectl("describe", "pod", "broken").stdout
    assert 'Back-off pulling image "webserver:404"' in described and "Failed to pull image" in described


def test_a_pod_that_fits_nowhere_says_why(cluster, namespace: str):
    cluster.kubectl("run", "huge", "--image=nginx", "--overrides", json.dumps({
        "spec": {"containers": [{"name": "huge", "image": "nginx", "resources": {"requests": {"cpu": "1000"}}}]}
    }))  # fmt: skip
    cluster.wait("the condition", lambda: cluster.get("pod", "huge")["status"].get("conditions"))
    (condition,) = cluster.get("pod", "huge")["status"]["conditions"]
    assert condition["reason"] == "Unschedulable"
    assert condition["message"].startswith("0/3 nodes are available: 3 Insufficient cpu.")
    assert "FailedScheduling" in cluster.kubectl("get", "events").stdout


def test_a_command_ends_and_a_server_does_not(cluster, namespace: str):
    cluster.kubectl("run", "job", "--image=busybox", "--restart=Never", "--", "echo", "hi")
    cluster.kubectl("run", "server", "--image=nginx", "--restart=Never")
    cluster.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/job", "--timeout=30s")
    cluster.kubectl("wait", "--for=condition=Ready", "pod/server", "--timeout=30s")
    assert "Completed" in cluster.kubectl("get", "pod", "job").stdout


def test_a_namespace_takes_its_content_with_it(cluster, namespace: str):
    cluster.kubectl("apply", "-f", "-", input=deployment(replicas=3))
    cluster.kubectl("create", "secret", "generic", "s", "--from-literal=a=b")
    cluster.kubectl("delete", "namespace", namespace)
    assert cluster.kubectl("get", "namespace", namespace, check=False).returncode == 1
    cluster.kubectl("create", "namespace", namespace)
    assert cluster.kubectl("get", "secrets,deployments", "-o", "name", "-n", namespace).stdout == ""


def test_service_addresses_are_given_and_kept(cluster, namespace: str):
    cluster.kubectl("create", "service", "nodeport", "web", "--tcp=80:8080")
    service = cluster.get("service", "web")
    assert (
        service["spec"]["clusterIP"].startswith("10.96.")
        and 30000 <= service["spec"]["ports"][0]["nodePort"] <= 32767
    )
    cluster.kubectl("label", "service", "web", "a=b")
    assert cluster.get("service", "web")["spec"]["clusterIP"] == service["spec"]["clusterIP"]


CREATE = ("create", "-f", "-")
CONFIG_MAP = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: X_y}"
MISTAKES = [
    (CREATE, "kind: Nope\napiVersion: v1\nmetadata: {name: x}", 'no matches for kind "Nope" in version "v1"'),
    (CREATE, CONFIG_MAP, "a lowercase RFC 1123 subdomain must consist of"),
    (
        CREATE,
        deployment().replace("replicas: 1", "replicas: many"),
        "cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
    ),
    (
        CREATE,
        deployment().replace("replicas: 1", "replicas: -1"),
        "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
    ),
    (
        CREATE,
        deployment().replace("replicas: 1", "replicaz: 1"),
        'strict decoding error: unknown field "spec.replicaz"',
    ),
    (
        CREATE,
        deployment().replace("{matchLabels: {app: web}}", "{matchLabels: {app: other}}"),
        "`selector` does not match template `labels`",
    ),
    (("get", "pods", "-l", "a in"), None, "unable to parse requirement"),
    (("get", "pods", "--field-selector", "spec.nope=1"), None, "field label not supported: spec.nope"),
    (("get", "pod", "nope"), None, 'Error from server (NotFound): pods "nope" not found'),
    (("create", "configmap", "kube-root-ca.crt"), None, 'configmaps "kube-root-ca.crt" already exists'),
    (("scale", "deployment", "nope", "--replicas=1"), None, 'deployments.apps "nope" not found'),
    (
        ("create", "configmap", "x", "-n", "no-such-namespace"),
        None,
        'namespaces "no-such-namespace" not found',
    ),
]


@pytest.mark.parametrize(("arguments", "text", "answer"), MISTAKES, ids=range(len(MISTAKES)))
def test_mistakes_get_kubernetes_answers(cluster, namespace: str, arguments, text, answer):
    done = cluster.kubectl(*arguments, input=text, check=False)
    assert done.returncode != 0 and answer in done.stderr


def test_a_pods_spec_is_immutable(cluster, namespace: str):
    cluster.kubectl("run", "one", "--image=nginx")
    patch = yaml.safe_dump({"spec": {"dnsPolicy": "Default"}})
    done = cluster.kubectl("patch", "pod", "one", "-p", patch, check=False)
    assert "pod updates may not change fields other than" in done.stderr
