"""From some rights to more: by roles, bindings, certificates, tokens and pods. Texts are kube-apiserver's."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.security.conftest import NOBODY, Answer, Gate, wait

_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_CSRS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
_CLIENT, _KUBELET = "kubernetes.io/kube-apiserver-client", "kubernetes.io/kube-apiserver-client-kubelet"
_ALL = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
_GRANTED = [
    {
        "apiGroups": ["rbac.authorization.k8s.io"],
        "resources": ["*"],
        "verbs": ["create", "get", "update", "patch"],
    },
    # Not "*": with nodeclient among them certificates for kubelets are approved by themselves.
    {
        "apiGroups": ["certificates.k8s.io"],
        "resources": [f"certificatesigningrequests{of}" for of in ("", "/approval", "/status")],
        "verbs": ["create", "get", "update", "patch"],
    },
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["create"]},
    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]},
]


def _role(name: str, *rules: Any, **more: Any) -> Any:
    kind = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
    return kind | {"metadata": {"name": name}, "rules": list(rules), **more}


def _binding(name: str, role: str) -> Any:
    group = {"apiGroup": "rbac.authorization.k8s.io"}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
        "roleRef": group | {"kind": "ClusterRole", "name": role},
        "subjects": [group | {"kind": "User", "name": "clerk"}],
    }  # fmt: skip


@pytest.fixture(scope="module")
def clerk(gate: Gate) -> Any:
    """Somebody who may write roles, bindings and certificate requests, but has little to give away."""
    gate.create(f"{_RBAC}/clusterroles", _role("clerk", *_GRANTED))
    gate.create(f"{_RBAC}/clusterrolebindings", _binding("clerk", "clerk"))

    def ask(method: str, path: str, body: Any = b"", **more: Any) -> Answer:
        return gate.admin(method, path, body, Impersonate_User="clerk", **more)

    return ask


_TOO_MUCH = 'user "clerk" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held'


def test_nobody_gives_what_they_do_not_have(clerk: Any) -> None:
    for answer in (
        clerk("POST", f"{_RBAC}/clusterrolebindings", _binding("own", "cluster-admin")),
        clerk("POST", f"{_RBAC}/clusterroles", _role("own", _ALL)),
        clerk(
            "PATCH", f"{_RBAC}/clusterroles/clerk",
            json.dumps([{"op": "add", "path": "/rules/-", "value": _ALL}]).encode(),
            type_="application/json-patch+json",
        ),
    ):  # fmt: skip
        assert answer.status == 403 and _TOO_MUCH in answer.message
    aggregating = _role("own", aggregationRule={"clusterRoleSelectors": [{}]})
    answer = clerk("POST", f"{_RBAC}/clusterroles", aggregating)
    assert answer.status == 403
    assert answer.message.endswith("must have cluster-admin privileges to use the aggregationRule")


def test_what_one_has_one_may_give(clerk: Any) -> None:
    answer = clerk("POST", f"{_RBAC}/clusterroles", _role("smaller", _GRANTED[-1]))
    assert answer.status == 201, answer.message


@pytest.mark.parametrize("verb", ["list", "watch"])
def test_to_list_is_not_to_watch(gate: Gate, clerk: Any, verb: str) -> None:
    path = "/api/v1/namespaces/default/configmaps?timeoutSeconds=1" + ("&watch=1" if verb == "watch" else "")
    assert clerk("GET", path).status == (200 if verb == "list" else 403)
    assert (
        clerk("GET", f"{path}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&watch=1").status == 403
    )
    assert clerk("GET", "/api/v1/watch/namespaces/default/configmaps").status == 403
    assert clerk("GET", "/api/v1/namespaces/default/configmaps/kube-root-ca.crt").status == 403
    assert clerk("DELETE", "/api/v1/namespaces/default/configmaps").status == 403


def _request(common_name: str, organization: str) -> str:
    names = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    names += [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names))
    request = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return base64.b64encode(request.public_bytes(serialization.Encoding.PEM)).decode()


def _csr(name: str, signer: str, common_name: str, organization: str) -> Any:
    spec = {
        "request": _request(common_name, organization), "signerName": signer,
        "usages": ["client auth", "digital signature"],
    }  # fmt: skip
    return {
        "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": name},
        "spec": spec,
    }  # fmt: skip


def test_no_certificate_for_masters(gate: Gate, clerk: Any) -> None:
    why = "use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed"
    for ask in (clerk, gate.admin):
        answer = ask("POST", _CSRS, _csr("masters", _CLIENT, "me", "system:masters"))
        assert answer.status == 403 and answer.message.endswith(why)


def test_who_asks_does_not_approve(gate: Gate, clerk: Any) -> None:
    request = _csr("a-node", _KUBELET, "system:node:mine", "system:nodes")
    assert clerk("POST", _CSRS, request).status == 201
    approved = {"type": "Approved", "status": "True", "reason": "mine", "message": "mine"}
    for method, body, type_ in (
        ("PUT", request | {"status": {"conditions": [approved]}}, "application/json"),
        ("PATCH", {"status": {"conditions": [approved]}}, "application/merge-patch+json"),
    ):
        answer = clerk(method, f"{_CSRS}/a-node/approval", body, type_=type_)
        assert answer.status == 403
        assert answer.message.endswith(f'user not permitted to approve requests with signerName "{_KUBELET}"')
    body = {"status": {"certificate": base64.b64encode(b"mine").decode()}}
    assert clerk("PATCH", f"{_CSRS}/a-node/status", body, type_="application/merge-patch+json").status in (
        403,
        422,
    )

    def certificate(name: str) -> str | None:
        return (gate.admin("GET", f"{_CSRS}/{name}").obj.get("status") or {}).get("certificate")

    # The signer comes to this one after the other.
    honest = _csr("honest", _CLIENT, "honest", "")
    assert gate.admin("POST", _CSRS, honest).status == 201
    honest["status"] = {"conditions": [approved]}
    assert gate.admin("PUT", f"{_CSRS}/honest/approval", honest).status == 200
    wait(lambda: certificate("honest") is not None)
    assert certificate("a-node") is None, "nobody approved it"


def test_tokens_of_others(gate: Gate, clerk: Any) -> None:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    path = "/api/v1/namespaces/kube-system/serviceaccounts/namespace-controller/token"
    assert clerk("POST", path, body).status == 403
    assert gate.ask("POST", path, body, token=NOBODY).status == 403


@pytest.mark.parametrize(
    "change",
    [
        {"subresource": "exec"},
        {"subresource": "attach"},
        {"subresource": "portforward"},
        {"subresource": "proxy"},
        {"subresource": "eviction"},
        {"subresource": "binding"},
        {"subresource": "ephemeralcontainers"},
        {"subresource": "status"},
        {"subresource": "resize"},
    ],
)
def test_a_right_to_pods_is_none_to_their_subresources(clerk: Any, change: dict[str, str]) -> None:
    pod = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "victim"},
        "spec": {"containers": [{"name": "c", "image": "x"}]},
    }  # fmt: skip
    clerk("POST", "/api/v1/namespaces/default/pods", pod)
    path = f"/api/v1/namespaces/default/pods/victim/{change['subresource']}"
    for method in ("GET", "POST", "PUT", "PATCH"):
        assert clerk(method, path, pod if method != "GET" else b"").status == 403


def test_a_node_is_itself_only(gate: Gate) -> None:
    """By impersonation, which changes nothing in what a node may do."""

    def node(method: str, path: str, body: Any = b"") -> int:
        headers = {"Impersonate_User": "system:node:a", "Impersonate_Group": "system:nodes"}
        return gate.admin(method, path, body, **headers).status

    for name in ("a", "b"):
        gate.create("/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "not-mine"}}
    gate.create("/api/v1/namespaces/default/secrets", secret)
    assert node("GET", "/api/v1/namespaces/default/secrets/not-mine") == 403
    assert node("GET", "/api/v1/secrets") == 403
    assert node("GET", "/api/v1/nodes/a") == 200
    own = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "b", "labels": {"x": "y"}}}
    assert node("PUT", "/api/v1/nodes/b", own) == 403
    mirror = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "real"}}
    mirror |= {"spec": {"nodeName": "a", "containers": [{"name": "c", "image": "x"}]}}
    assert node("POST", "/api/v1/namespaces/default/pods", mirror) == 403
