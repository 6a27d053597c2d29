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


# -- more ways to more rights ------------------------------------------------------------------------------------------

_SECRETS = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
_EDIT = {"rbac.authorization.k8s.io/aggregate-to-edit": "true"}


def test_a_label_does_not_carry_what_one_does_not_have(gate: Gate, clerk: Any) -> None:
    """The controller that aggregates may do everything; what it adds up must have been anybody's to give."""
    poisoned = _role("poisoned", _SECRETS)
    poisoned["metadata"]["labels"] = _EDIT
    assert clerk("POST", f"{_RBAC}/clusterroles", poisoned).status == 403
    own = _role("own-label", _GRANTED[-1])
    own["metadata"]["labels"] = _EDIT
    assert clerk("POST", f"{_RBAC}/clusterroles", own).status == 201
    label = json.dumps({"metadata": {"labels": _EDIT}}).encode()
    patch = {"type_": "application/merge-patch+json"}
    # A label is no rule: whoever may change the role may set it, as upstream.
    assert clerk("PATCH", f"{_RBAC}/clusterroles/view", label, **patch).status == 200
    undo = json.dumps({"metadata": {"labels": {next(iter(_EDIT)): None}}}).encode()
    assert gate.admin("PATCH", f"{_RBAC}/clusterroles/view", undo, **patch).status == 200


def _role_binding(name: str, role: str, kind: str = "ClusterRole") -> Any:
    obj = _binding(name, role)
    obj["kind"] = "RoleBinding"
    obj["roleRef"]["kind"] = kind
    return obj


@pytest.mark.parametrize("role", ["cluster-admin", "admin", "system:controller:namespace-controller"])
def test_nor_in_one_namespace_only(clerk: Any, role: str) -> None:
    path = f"{_RBAC}/namespaces/default/rolebindings"
    answer = clerk("POST", path, _role_binding("mine", role))
    assert answer.status == 403 and _TOO_MUCH in answer.message
    assert clerk("POST", path, _role_binding("mine", "nobody-made-this")).status in (403, 404)


def test_the_verbs_that_say_so_do_not_ask(gate: Gate) -> None:
    """`escalate` on roles and `bind` on a role are what they are; by name only for that name."""
    group = ["rbac.authorization.k8s.io"]
    rules = [
        {"apiGroups": group, "resources": ["clusterroles"], "verbs": ["create", "escalate"]},
        {"apiGroups": group, "resources": ["rolebindings"], "verbs": ["create"]},
        {"apiGroups": group, "resources": ["clusterroles"], "verbs": ["bind"], "resourceNames": ["view"]},
    ]
    gate.create(f"{_RBAC}/clusterroles", _role("trusted", *rules))
    binding = _binding("trusted", "trusted")
    binding["subjects"][0]["name"] = "trusted"
    gate.create(f"{_RBAC}/clusterrolebindings", binding)

    def ask(path: str, body: Any) -> int:
        return gate.admin("POST", path, body, Impersonate_User="trusted").status

    assert ask(f"{_RBAC}/clusterroles", _role("anything", _ALL)) == 201
    bindings = f"{_RBAC}/namespaces/default/rolebindings"
    assert ask(bindings, _role_binding("view-for-all", "view")) == 201
    assert ask(bindings, _role_binding("edit-for-all", "edit")) == 403
    assert ask(bindings, _role_binding("anything-for-all", "anything")) == 403


def test_a_binding_is_not_turned_round(gate: Gate, clerk: Any) -> None:
    gate.create(f"{_RBAC}/clusterrolebindings", _binding("harmless", "clerk"))
    turned = _binding("harmless", "cluster-admin")
    assert clerk("PUT", f"{_RBAC}/clusterrolebindings/harmless", turned).status in (403, 422)
    ref = json.dumps({"roleRef": turned["roleRef"]}).encode()
    path = f"{_RBAC}/clusterrolebindings/harmless"
    assert clerk("PATCH", path, ref, type_="application/merge-patch+json").status in (403, 422)
    assert gate.admin("GET", path).obj["roleRef"]["name"] == "clerk"


def test_status_changes_nothing_but_status(gate: Gate) -> None:
    """A right to a status is none to labels that policies look at, nor to a spec."""
    namespaces = "/api/v1/namespaces"
    gate.create(namespaces, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "statusful"}})
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "statusful"}}
    gate.create("/api/v1/nodes", node)
    merge = {"type_": "application/merge-patch+json"}
    body = {"spec": {"taints": None, "providerID": "mine"}, "status": {"phase": "Running"}}
    assert (
        gate.admin("PATCH", "/api/v1/nodes/statusful/status", json.dumps(body).encode(), **merge).status
        == 200
    )
    assert "providerID" not in gate.admin("GET", "/api/v1/nodes/statusful").obj["spec"]
    body = {
        "spec": {"finalizers": []},
        "metadata": {"name": "other", "uid": "mine", "creationTimestamp": None},
    }
    gate.admin("PATCH", f"{namespaces}/statusful/status", json.dumps(body).encode(), **merge)
    found = gate.admin("GET", f"{namespaces}/statusful").obj
    assert found["spec"]["finalizers"] == ["kubernetes"] and found["metadata"]["uid"] != "mine"


_RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
_HARDENED = {
    "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}  # fmt: skip


def test_no_way_around_pod_security(gate: Gate) -> None:
    metadata = {"name": "hardened", "labels": _RESTRICTED}
    gate.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    pods = "/api/v1/namespaces/hardened/pods"
    wait(lambda: gate.admin("GET", "/api/v1/namespaces/hardened/serviceaccounts/default").status == 200)
    pod = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "good"},
        "spec": {"containers": [{"name": "c", "image": "x", "securityContext": _HARDENED}]},
    }  # fmt: skip
    gate.create(pods, pod)
    merge = {"type_": "application/strategic-merge-patch+json"}
    debugger = {"name": "d", "image": "x", "securityContext": {"privileged": True}}
    body = json.dumps({"spec": {"ephemeralContainers": [debugger]}}).encode()
    answer = gate.admin("PATCH", f"{pods}/good/ephemeralcontainers", body, **merge)
    assert answer.status == 403 and 'violates PodSecurity "restricted:latest"' in answer.message
    # Neither by another door of the same kind ...
    bad = pod | {"metadata": {"name": "bad"}}
    bad["spec"] = {"containers": [{"name": "c", "image": "x", "securityContext": {"privileged": True}}]}
    yaml = json.dumps(bad).encode()
    assert gate.admin("POST", pods, yaml, type_="application/yaml").status == 403
    apply = f"{pods}/bad?fieldManager=me&force=true"
    assert gate.admin("PATCH", apply, yaml, type_="application/apply-patch+yaml").status == 403
    assert gate.admin("POST", f"{pods}?dryRun=All", bad).status == 403
    # ... nor by what a Deployment makes.
    meta = {"matchLabels": {"a": "b"}}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": bad["spec"]}
    deployment = {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "bad"},
        "spec": {"selector": meta, "template": template},
    }  # fmt: skip
    answer = gate.admin("POST", "/apis/apps/v1/namespaces/hardened/deployments", deployment)
    assert answer.status == 201 and "would violate PodSecurity" in answer.head
    sets = "/apis/apps/v1/namespaces/hardened/replicasets"

    def is_refused() -> bool:
        conditions = [
            c for item in gate.admin("GET", sets).obj["items"] for c in item["status"].get("conditions", ())
        ]
        return any("violates PodSecurity" in condition.get("message", "") for condition in conditions)

    wait(is_refused)
    assert [item["metadata"]["name"] for item in gate.admin("GET", pods).obj["items"]] == ["good"]


@pytest.mark.parametrize(
    ("signer", "common_name", "organization", "usages"),
    [
        ("kubernetes.io/kubelet-serving", "system:node:a", "system:nodes", ["server auth"]),
        (_KUBELET, "system:node:a", "system:nodes", ["client auth"]),
        (_KUBELET, "admin", "system:masters", ["client auth"]),
        (_KUBELET, "system:node:a", "system:masters", ["client auth"]),
        (
            "kubernetes.io/kube-apiserver-client",
            "system:node:a",
            "system:nodes",
            ["client auth", "server auth"],
        ),
    ],
)
def test_no_certificate_approves_itself(
    gate: Gate, clerk: Any, signer: str, common_name: str, organization: str, usages: list[str]
) -> None:
    """Asked for by somebody who is no node; the approver leaves them to people."""
    name = f"itself-{abs(hash((signer, common_name, organization)))}"
    request = _csr(name, signer, common_name, organization)
    request["spec"]["usages"] = ["digital signature", *usages]
    assert clerk("POST", _CSRS, request).status in (201, 403)
    honest = _csr(f"{name}-after", _CLIENT, "honest", "")
    assert gate.admin("POST", _CSRS, honest).status == 201
    approved = {"type": "Approved", "status": "True", "reason": "mine", "message": "mine"}
    honest["status"] = {"conditions": [approved]}
    assert gate.admin("PUT", f"{_CSRS}/{name}-after/approval", honest).status == 200
    wait(lambda: "certificate" in (gate.admin("GET", f"{_CSRS}/{name}-after").obj.get("status") or {}))
    found = gate.admin("GET", f"{_CSRS}/{name}")
    if found.status == 200:
        assert not {c["type"] for c in found.obj.get("status", {}).get("conditions", ())} & {"Approved"}
        assert "certificate" not in found.obj.get("status", {})


def test_a_request_says_who_asked_and_nobody_else_does(clerk: Any) -> None:
    request = _csr("forged", _CLIENT, "forged", "")
    request["spec"] |= {"username": "system:node:a", "groups": ["system:nodes", "system:masters"], "uid": "1"}
    answer = clerk("POST", _CSRS, request)
    assert answer.status == 201
    assert answer.obj["spec"]["username"] == "clerk"
    assert answer.obj["spec"]["groups"] == ["system:authenticated"] and "uid" not in answer.obj["spec"]
