"""Who one is, as kubectl sees it: tokens, certificates, impersonation, and what all these may do."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CSR = """
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {name: NAME}
spec:
  {signerName: kubernetes.io/kube-apiserver-client, usages: [client auth], expirationSeconds: 3600, request: REQUEST}
"""


def whoami(cluster, *flags: str) -> dict:
    done = cluster.kubectl("auth", "whoami", "-o", "json", *flags)
    return json.loads(done.stdout)["status"]["userInfo"]


def claims(token: str) -> dict:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


# -- what may I do -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("list pods --as=jane", "yes"),
        ("list pods --as=joe", "no"),
        ("list pods --as=joe --as-group=readers", "yes"),
        ("get pods --subresource=log --as=jane", "yes"),
        ("get pods/log --as=jane", "yes"),
        ("create pods --subresource=exec --as=jane", "no"),
        ("get configmaps/one --as=jane", "yes"),
        ("get configmaps/two --as=jane", "no"),
        ("list configmaps --as=jane", "no"),
        ("list pods -A --as=jane", "no"),
        ("get /healthz --as=jane", "yes"),
        ("get /debug/pprof --as=jane", "no"),
        ("get /metrics --as=jane", "yes"),
        ("get /metrics/slis --as=jane", "no"),
        ("get /logs/any/thing --as=jane", "yes"),
        ("post /metrics --as=jane", "no"),
        ("'*' '*' --as=jane", "no"),
        ("'*' '*'", "yes"),
        ("list deployments.apps --as=jane", "no"),
        ("list pods --as=system:serviceaccount:NAMESPACE:default", "no"),
    ],
)
def test_what_one_may(cluster, namespace_of_jane, asked: str, answer: str):
    words = asked.replace("'", "").replace("NAMESPACE", namespace_of_jane).split()
    done = cluster.kubectl("auth", "can-i", *words, "-n", namespace_of_jane, check=False)
    assert done.stdout == f"{answer}\n"
    assert done.returncode == (0 if answer == "yes" else 1)


@pytest.fixture(scope="module")
def namespace_of_jane(cluster) -> str:
    cluster.kubectl("create", "namespace", "jane")
    make = ["create", "role", "-n", "jane"]
    cluster.kubectl(*make, "reader", "--verb=get,list", "--resource=pods,pods/log")
    cluster.kubectl(*make, "one", "--verb=get", "--resource=configmaps", "--resource-name=one")
    bind = ["create", "rolebinding", "-n", "jane"]
    cluster.kubectl(*bind, "reader", "--role=reader", "--user=jane", "--group=readers")
    cluster.kubectl(*bind, "one", "--role=one", "--user=jane")
    paths = ["--non-resource-url=/metrics", "--non-resource-url=/logs/*"]
    cluster.kubectl("create", "clusterrole", "paths", "--verb=get", *paths)
    cluster.kubectl("create", "clusterrolebinding", "paths", "--clusterrole=paths", "--user=jane")
    return "jane"


def test_a_list_of_what_one_may(cluster, namespace_of_jane):
    done = cluster.kubectl("auth", "can-i", "--list", "--as=jane", "-n", namespace_of_jane, "--no-headers")
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["pods", "[]", "[]", "[get", "list]"] in rows
    assert ["configmaps", "[]", "[one]", "[get]"] in rows
    assert ["[/logs/*]", "[]", "[get]"] in rows and ["[/metrics]", "[]", "[get]"] in rows


def test_a_kind_that_is_not_there_is_asked_about_all_the_same(cluster):
    done = cluster.kubectl("auth", "can-i", "list", "unicorns")
    assert (done.stdout, done.stderr) == (
        "yes\n", "Warning: the server doesn't have a resource type 'unicorns'\n\n",
    )  # fmt: skip


# -- impersonation -------------------------------------------------------------------------------------------------


def test_somebody_else_in_all_four_ways(cluster):
    me = whoami(cluster)
    assert me["username"] == "kubernetes-admin" and "system:masters" in me["groups"]
    other = whoami(
        cluster, "--as=jane", "--as-group=devs", "--as-group=ops", "--as-uid=7",
        "--as-user-extra=acme.test/team=red", "--as-user-extra=acme.test/team=blue",
    )  # fmt: skip
    assert other == {
        "username": "jane", "uid": "7", "groups": ["devs", "ops", "system:authenticated"],
        "extra": {"acme.test/team": ["red", "blue"]},
    }  # fmt: skip
    account = whoami(cluster, "--as=system:serviceaccount:default:default")
    assert account["groups"] == [
        "system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated",
    ]  # fmt: skip


RULES_OF_AUTHENTICATION = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: NAME}
rules:
- {apiGroups: [authentication.k8s.io], resources: [users], resourceNames: [jane], verbs: ["impersonate:user-info"]}
- {apiGroups: [""], resources: [pods], verbs: ["impersonate-on:user-info:list"]}
"""


def test_somebody_else_for_one_purpose(cluster, namespace, tmp_path):
    """Constrained impersonation: to list pods as jane, and nothing else."""
    cluster.kubectl("create", "serviceaccount", "deputy")
    name = f"deputy-{namespace}"
    cluster.kubectl("apply", "-f", "-", input=RULES_OF_AUTHENTICATION.replace("NAME", name))
    account = f"--serviceaccount={namespace}:deputy"
    cluster.kubectl("create", "clusterrolebinding", name, f"--clusterrole={name}", account)
    cluster.kubectl("create", "rolebinding", "jane", "--clusterrole=view", "--user=jane")
    token = cluster.kubectl("create", "token", "deputy").stdout.strip()

    def as_deputy(*words: str) -> str:
        done = cluster.kubectl(*words, *as_nobody(cluster, tmp_path), f"--token={token}", check=False)
        return done.stdout + done.stderr

    assert "No resources found" in as_deputy("get", "pods", "--as=jane", "-n", namespace)
    refused = as_deputy("get", "configmaps", "--as=jane", "-n", namespace)
    assert 'cannot impersonate-on:user-info:list resource "configmaps"' in refused
    assert "forbidden" in as_deputy("get", "pods", "--as=joe", "-n", namespace)
    assert "forbidden" in as_deputy("get", "pods", "-n", namespace), "not in one's own name"


def as_nobody(cluster, directory) -> list[str]:
    """Flags for a kubeconfig that knows the server and nobody's credentials."""
    found = json.loads(cluster.kubectl("config", "view", "--raw", "-o", "json").stdout)
    entry = found["clusters"][0]["cluster"]
    (directory / "ca.crt").write_bytes(base64.b64decode(entry["certificate-authority-data"]))
    (directory / "none").write_text("{}")
    return [f"--kubeconfig={directory / 'none'}", f"--server={entry['server']}",
            f"--certificate-authority={directory / 'ca.crt'}"]  # fmt: skip


# -- tokens --------------------------------------------------------------------------------------------------------


def test_tokens_with_every_flag(cluster, namespace, tmp_path):
    cluster.kubectl("create", "serviceaccount", "bot")
    cluster.kubectl("create", "secret", "generic", "anchor")
    secret_uid = cluster.get("secret", "anchor")["metadata"]["uid"]
    token = cluster.kubectl(
        "create", "token", "bot", "--audience=a.test", "--audience=b.test", "--duration=20m",
        "--bound-object-kind=Secret", "--bound-object-name=anchor", f"--bound-object-uid={secret_uid}",
    ).stdout.strip()  # fmt: skip
    found = claims(token)
    assert found["aud"] == ["a.test", "b.test"]
    assert found["exp"] - found["iat"] == 1200
    assert found["sub"] == f"system:serviceaccount:{namespace}:bot"
    assert found["kubernetes.io"]["secret"] == {"name": "anchor", "uid": secret_uid}
    as_obj = json.loads(cluster.kubectl("create", "token", "bot", "-o", "json").stdout)
    assert as_obj["kind"] == "TokenRequest" and as_obj["status"]["token"]

    node = cluster.get("nodes")["items"][0]["metadata"]
    bound = ("--bound-object-kind=Node", f"--bound-object-name={node['name']}")
    token = cluster.kubectl("create", "token", "bot", *bound).stdout.strip()
    assert claims(token)["kubernetes.io"]["node"] == {"name": node["name"], "uid": node["uid"]}
    nobody = as_nobody(cluster, tmp_path)
    extra = whoami(cluster, *nobody, f"--token={token}")["extra"]
    assert extra["authentication.kubernetes.io/node-name"] == [node["name"]]

    cluster.kubectl("delete", "serviceaccount", "bot")
    gone = cluster.kubectl("auth", "whoami", *nobody, f"--token={token}", check=False)
    assert "Unauthorized" in gone.stderr or "must be logged in" in gone.stderr


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (("--duration=9m",), "may not specify a duration less than 10 minutes"),
        (("--bound-object-kind=Pod", "--bound-object-name=none"), 'pods "none" not found'),
        (("--bound-object-kind=ConfigMap", "--bound-object-name=none"), "supported --bound-object-kind values are"),
    ],
)  # fmt: skip
def test_tokens_that_are_not_given(cluster, flags: tuple[str, ...], text: str):
    done = cluster.kubectl("create", "token", "default", *flags, check=False)
    assert done.returncode == 1 and text in done.stderr


# -- certificates --------------------------------------------------------------------------------------------------


def _request(key: ec.EllipticCurvePrivateKey, name: str, *groups: str) -> str:
    names = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    names += [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    signed = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names)).sign(key, hashes.SHA256())
    return base64.b64encode(signed.public_bytes(serialization.Encoding.PEM)).decode()


def test_a_certificate_from_request_to_use(cluster, namespace, tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = f"jane-{namespace}"
    body = CSR.replace("NAME", name).replace("REQUEST", _request(key, "jane", "devs"))
    cluster.kubectl("apply", "-f", "-", input=body)
    assert "Pending" in cluster.kubectl("get", "csr", name).stdout
    assert cluster.kubectl("certificate", "approve", name).stdout == (
        f"certificatesigningrequest.certificates.k8s.io/{name} approved\n"
    )
    cluster.wait("the signer", lambda: "certificate" in cluster.get("csr", name).get("status", {}))
    assert "Approved,Issued" in cluster.kubectl("get", "csr", name).stdout
    pem = base64.b64decode(cluster.get("csr", name)["status"]["certificate"])
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "jane.crt").write_bytes(pem)
    (tmp_path / "jane.key").write_bytes(private)
    certificate = x509.load_pem_x509_certificate(pem)
    lives = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert 3600 <= lives.total_seconds() <= 3600 + 600
    shown = (f"--client-certificate={tmp_path / 'jane.crt'}", f"--client-key={tmp_path / 'jane.key'}")
    user = whoami(cluster, *as_nobody(cluster, tmp_path), *shown)
    assert (user["username"], user["groups"]) == ("jane", ["devs", "system:authenticated"])


def test_a_request_that_is_denied(cluster, namespace):
    body = CSR.replace("NAME", namespace).replace(
        "REQUEST", _request(ec.generate_private_key(ec.SECP256R1()), "x")
    )
    cluster.kubectl("apply", "-f", "-", input=body)
    cluster.kubectl("certificate", "deny", namespace)
    assert "Denied" in cluster.kubectl("get", "csr", namespace).stdout
    done = cluster.kubectl("certificate", "approve", namespace, check=False)
    assert done.returncode == 1 and "certificate" not in cluster.get("csr", namespace)["status"]
