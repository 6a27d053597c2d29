"""Upstream's cases of plugin/pkg/admission/noderestriction/admission_test.go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from kubepy.api.builtins import SERVICE_ACCOUNTS
from kubepy.api.errors import StatusError
from kubepy.apiserver.admission import node_rules
from kubepy.apiserver.admission.base import CREATE, Attributes
from kubepy.apiserver.authz import ALLOW, NO_OPINION, Decision
from kubepy.apiserver.request import RequestInfo, User
from kubepy.lib.clock import VirtualClock
from kubepy.store.memory import MemoryStore
from tests.apiserver.admission.plugins.test_certificates import request as csr
from tests.apiserver.conftest import Api

Obj = dict[str, Any]

NODES, PODS = "/api/v1/nodes", "/api/v1/namespaces/default/pods"
CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"
CSI_NODES, SLICES = "/apis/storage.k8s.io/v1/csinodes", "/apis/resource.k8s.io/v1/resourceslices"
REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
MERGE = "application/merge-patch+json"
ADMIN = User("alice", ("system:masters",))
NODE = User("system:node:mine", ("system:nodes",))
MIRROR = {"kubernetes.io/config.mirror": "x"}


class Server:
    """An API server as the kubelet of the node `mine` sees it; the administrator has made some things."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.uids: dict[str, str] = {}

    async def made(self, path: str, obj: Obj) -> None:
        made = await self.api.ok("POST", path, obj)
        self.uids[made["metadata"]["name"]] = made["metadata"]["uid"]

    async def refusal(self, method: str, path: str, obj: Obj | None = None) -> str:
        """What the node is told; "" if it may."""
        self.api.user = NODE
        content_type = MERGE if method == "PATCH" else "application/json"
        try:
            response = await self.api.send(method, path, obj, content_type=content_type)
        except StatusError as error:
            return error.message.partition(" is forbidden: ")[2] or error.message
        finally:
            self.api.user = ADMIN
        assert response.status < 300
        return ""


@pytest.fixture
async def server(clock: VirtualClock, store: MemoryStore) -> AsyncIterator[Server]:
    async def ask(user: User, info: RequestInfo) -> Decision:
        is_granted = (info.verb, info.resource) == ("request-serviceaccounts-token-audience", "granted")
        return ALLOW if user == ADMIN or is_granted else NO_OPINION

    api = Api(clock, store, enable_admission_plugins=["NodeRestriction"], ask=ask)
    for name in ("default", "kube-node-lease"):
        await api.namespace(name)
    server = Server(api)
    await server.made(NODES, {"metadata": {"name": "mine", "labels": {"kubernetes.io/os": "linux"}}})
    await server.made(NODES, {"metadata": {"name": "other"}})
    for name, node in (("own", "mine"), ("others", "other")):
        inline = {"name": "inline", "csi": {"driver": "d"}}
        spec = {"nodeName": node, "containers": [{"name": "c", "image": "i"}], "volumes": [inline]}
        await server.made(PODS, {"metadata": {"name": name}, "spec": spec})
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    await server.made(CLAIMS, {"metadata": {"name": "claim"}, "spec": claim})
    yield server
    await api.registry.close()


ONLY = 'node "mine" can only'


@pytest.mark.parametrize(
    ("method", "path", "body", "why"),
    [
        ("DELETE", f"{PODS}/own", None, ""),
        ("DELETE", f"{PODS}/others", None, f"{ONLY} delete pods with spec.nodeName set to itself"),
        (
            "PATCH",
            f"{PODS}/own",
            {"metadata": {"labels": {"a": "b"}}},
            'unexpected operation "UPDATE", node "mine" can only create and delete mirror pods',
        ),
        (
            "PATCH",
            f"{PODS}/own/ephemeralcontainers",
            {"spec": {}},
            "unexpected pod subresource \"ephemeralcontainers\", only 'status' and 'eviction' are allowed",
        ),
        ("PATCH", f"{PODS}/own/status", {"status": {"message": "m"}}, ""),
        (
            "PATCH",
            f"{PODS}/others/status",
            {"status": {"message": "m"}},
            f"{ONLY} update pod status for pods with spec.nodeName set to itself",
        ),
        (
            "PATCH",
            f"{PODS}/own/status",
            {"metadata": {"labels": {"a": "b"}}},
            'node "mine" cannot update labels through pod status',
        ),
        (
            "PATCH",
            f"{PODS}/own/status",
            {"status": {"resourceClaimStatuses": [{"name": "a", "resourceClaimName": "b"}]}},
            'node "mine" cannot update resource claim statues',
        ),
        (
            "PATCH",
            f"{PODS}/own/status",
            {"status": {"extendedResourceClaimStatus": {"resourceClaimName": "b", "requestMappings": []}}},
            'node "mine" cannot update extended resource claim status',
        ),
        # Nodes
        ("POST", NODES, {"metadata": {"name": "third"}}, 'node "mine" is not allowed to modify node "third"'),
        ("PATCH", f"{NODES}/mine", {"metadata": {"labels": {"own": "x"}}}, ""),
        (
            "PATCH",
            f"{NODES}/mine",
            {"metadata": {"labels": {"foo.k8s.io/b": "x", "kubernetes.io/a": "x", "kubernetes.io/os": "y"}}},
            "is not allowed to modify labels: foo.k8s.io/b, kubernetes.io/a",
        ),
        (
            "PATCH",
            f"{NODES}/mine",
            {"spec": {"taints": []}},
            'node "mine" is not allowed to modify taints',
        ),
        (
            "PATCH",
            f"{NODES}/mine",
            {"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "K", "name": "n", "uid": "u"}]}},
            'node "mine" is not allowed to modify ownerReferences',
        ),
        ("PATCH", f"{NODES}/mine/status", {"status": {"capacity": {"cpu": "1"}}}, ""),
        (
            "PATCH",
            f"{NODES}/other/status",
            {"status": {"capacity": {"cpu": "1"}}},
            'node "mine" is not allowed to modify node "other"',
        ),
        ("DELETE", f"{NODES}/other", None, 'node "mine" is not allowed to modify node "other"'),
        ("DELETE", f"{NODES}/mine", None, ""),
        # Claims
        ("PATCH", f"{CLAIMS}/claim/status", {"status": {"capacity": {"storage": "2Gi"}}}, ""),
        (
            "PATCH",
            f"{CLAIMS}/claim/status",
            {"status": {"phase": "Bound"}},
            'node "mine" is not allowed to update fields other than status.quantity and status.conditions',
        ),
        ("PATCH", f"{CLAIMS}/claim", {"metadata": {"labels": {"a": "b"}}}, "may only update PVC status"),
        # Leases, CSINodes, devices
        ("POST", LEASES.format("kube-node-lease"), {"metadata": {"name": "mine"}}, ""),
        (
            "POST",
            LEASES.format("kube-node-lease"),
            {"metadata": {"name": "other"}},
            "can only access node lease with the same name as the requesting node",
        ),
        (
            "POST",
            LEASES.format("default"),
            {"metadata": {"name": "mine"}},
            'can only access leases in the "kube-node-lease" system namespace',
        ),
        ("POST", CSI_NODES, {"metadata": {"name": "mine"}, "spec": {"drivers": []}}, ""),
        (
            "POST",
            CSI_NODES,
            {"metadata": {"name": "other"}, "spec": {"drivers": []}},
            "can only access CSINode with the same name as the requesting node",
        ),
        (
            "POST",
            SLICES,
            {"metadata": {"name": "s"}, "spec": {"nodeName": "other"}},
            "can only create ResourceSlice with the same NodeName as the requesting node",
        ),
        # Certificates
        ("POST", REQUESTS, csr("kubernetes.io/kubelet-serving", common_name="system:node:mine"), ""),
        ("POST", REQUESTS, csr("example.com/any", common_name="anybody"), ""),
        (
            "POST",
            REQUESTS,
            csr("kubernetes.io/kube-apiserver-client-kubelet", common_name="system:node:other"),
            "can only create a node CSR with CN=system:node:mine",
        ),
    ],
)
async def test_what_a_node_may(server: Server, method: str, path: str, body: Obj | None, why: str) -> None:
    if path == REQUESTS:
        assert body is not None
        body["spec"]["usages"] = ["digital signature", "server auth"]
    assert await server.refusal(method, path, body) == why


async def test_who_is_no_node_is_not_restricted(server: Server) -> None:
    await server.api.ok("DELETE", f"{PODS}/others")
    server.api.user = User("system:node:mine", ("system:masters",))
    await server.api.ok("DELETE", f"{NODES}/other")


async def test_a_node_without_a_name_may_nothing(server: Server) -> None:
    server.api.user = User("system:node:", ("system:nodes",))
    error = await server.api.error("DELETE", f"{NODES}/mine")
    assert error.message.endswith('could not determine node from user "system:node:"')


def owner(**changes: Any) -> Obj:
    return {"apiVersion": "v1", "kind": "Node", "name": "mine", "uid": "u", "controller": True, **changes}


def mirror(owners: list[Obj] | None = None, annotations: Obj | None = None, **spec: Any) -> Obj:
    metadata = {
        "name": "static",
        "annotations": MIRROR if annotations is None else annotations,
        "ownerReferences": [owner()] if owners is None else owners,
    }
    return {"metadata": metadata, "spec": {"nodeName": "mine", "containers": [{"name": "c"}], **spec}}


@pytest.mark.parametrize(
    ("pod", "why"),
    [
        (mirror(), ""),
        (
            mirror(annotations={}),
            'pod does not have "kubernetes.io/config.mirror" annotation, node "mine" can only create mirror pods',
        ),
        (mirror(nodeName="other"), f"{ONLY} create pods with spec.nodeName set to itself"),
        (mirror([]), f"{ONLY} create pods with an owner reference set to itself"),
        (mirror([owner(), owner()]), f"{ONLY} create pods with a single owner reference set to itself"),
        (mirror([owner(name="other")]), f"{ONLY} create pods with an owner reference set to itself"),
        (mirror([owner(kind="Pod")]), f"{ONLY} create pods with an owner reference set to itself"),
        (
            mirror([owner(controller=False)]),
            f"{ONLY} create pods with a controller owner reference set to itself",
        ),
        (
            mirror([owner(blockOwnerDeletion=True)]),
            'node "mine" must not set blockOwnerDeletion on an owner reference',
        ),
    ],
)
def test_mirror_pods(pod: Obj, why: str) -> None:
    assert node_rules.mirror_pod_refusal("mine", pod) == why


def volume(kind: str, **source: Any) -> Obj:
    return {"volumes": [{"name": "v", kind: source}]}


def projected(kind: str) -> Obj:
    return volume("projected", sources=[{kind: {}}])


def container(**fields: Any) -> Obj:
    return {"containers": [{"name": "c", **fields}]}


@pytest.mark.parametrize(
    ("spec", "what"),
    [
        ({}, ""),
        ({"serviceAccountName": "a"}, "serviceaccounts"),
        (container(envFrom=[{"secretRef": {"name": "a"}}]), "secrets"),
        (container(env=[{"name": "A", "valueFrom": {"configMapKeyRef": {}}}]), "configmaps"),
        ({"imagePullSecrets": [{"name": "a"}]}, "secrets"),
        ({"resourceClaims": [{"name": "a"}]}, "resourceclaims"),
        (volume("secret"), "secrets"),
        (volume("configMap"), "configmaps"),
        (volume("csi"), "csidrivers (via CSI volumes)"),
        (volume("csi", nodePublishSecretRef={"name": "a"}), "secrets"),
        (volume("glusterfs"), "endpoints (via glusterFS volumes)"),
        (volume("persistentVolumeClaim"), "persistentvolumeclaims"),
        (volume("ephemeral"), "persistentvolumeclaims (via ephemeral volumes)"),
        (volume("hostPath"), ""),
        (volume("emptyDir"), ""),
        (projected("downwardAPI"), ""),
        (projected("serviceAccountToken"), "serviceaccounts (via projected volumes)"),
        (projected("clusterTrustBundle"), "clustertrustbundles"),
        (projected("podCertificate"), "podcertificates"),
    ],
)
def test_mirror_pods_refer_to_nothing(spec: Obj, what: str) -> None:
    expected = f'node "mine" can not create pods that reference {what}' if what else ""
    assert node_rules.reference_refusal("mine", {"spec": spec}) == expected


def test_volumes_that_nobody_knows_are_refused() -> None:
    why = node_rules.reference_refusal("mine", {"spec": volume("new")})
    assert why == 'error checking mirror pod for API references: unknown volume type for volume  "v"'


@pytest.mark.parametrize(
    ("label", "is_forbidden"),
    [
        ("own", False),
        ("example.com/own", False),
        ("kubernetes.io/hostname", False),
        ("beta.kubernetes.io/os", False),
        ("node.kubernetes.io/x", False),
        ("foo.kubelet.kubernetes.io/x", False),
        ("kubernetes.io/x", True),
        ("a.k8s.io/x", True),
        ("node-role.kubernetes.io/master", True),
        ("node-restriction.kubernetes.io/x", True),
        ("foo.node-restriction.kubernetes.io/x", True),
    ],
)
def test_labels_that_a_node_may_not_set(label: str, is_forbidden: bool) -> None:
    expected = [label] if is_forbidden else []
    assert node_rules.forbidden_labels({label: "a"}, {}) == expected
    assert node_rules.forbidden_labels({label: "a"}, {label: "b"}) == expected
    assert node_rules.forbidden_labels({}, {label: "b"}) == expected
    assert node_rules.forbidden_labels({label: "a"}, {label: "a"}) == []


BOUND = {"apiVersion": "v1", "kind": "Pod", "name": "own", "uid": "own"}


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({}, "node requested token not bound to a pod"),
        ({"boundObjectRef": BOUND | {"kind": "Secret"}}, "node requested token not bound to a pod"),
        ({"boundObjectRef": BOUND | {"name": ""}}, "node requested token not bound to a pod"),
        (
            {"boundObjectRef": BOUND | {"uid": ""}},
            "node requested token with a pod binding without a uid",
        ),
        ({"boundObjectRef": BOUND | {"name": "gone"}}, 'pod "gone" not found'),
        (
            {"boundObjectRef": BOUND | {"uid": "another"}},
            "the UID in the bound object reference (another) does not match the UID in record. The object might have "
            "been deleted and then recreated",
        ),
        (
            {"boundObjectRef": BOUND | {"name": "others", "uid": "others"}},
            "node requested token bound to a pod scheduled on a different node",
        ),
        ({"boundObjectRef": BOUND}, ""),
        ({"boundObjectRef": BOUND, "audiences": ["granted"]}, ""),
        ({"boundObjectRef": BOUND, "audiences": ["of-driver"]}, ""),
        ({"boundObjectRef": BOUND, "audiences": ["a", "b"]}, "node may only request 0 or 1 audiences"),
        (
            {"boundObjectRef": BOUND, "audiences": ["else"]},
            'audience "else" not found in pod spec volume, system:node:mine is not authorized to request tokens for '
            "this audience",
        ),
    ],
)
async def test_tokens_of_its_pods(server: Server, spec: Obj, why: str) -> None:
    driver = {"metadata": {"name": "d"}, "spec": {"tokenRequests": [{"audience": "of-driver"}]}}
    await server.made("/apis/storage.k8s.io/v1/csidrivers", driver)
    if bound := spec.get("boundObjectRef"):
        spec = {**spec, "boundObjectRef": {**bound, "uid": server.uids.get(bound["uid"], bound["uid"])}}
    attributes = Attributes(
        CREATE, SERVICE_ACCOUNTS, "token", "default", "default", {"spec": spec}, None, NODE, False, []
    )
    said = ""
    try:
        await server.api.registry.admission.admit(attributes)
    except StatusError as error:
        said = error.message.partition(" is forbidden: ")[2] or error.message
    assert said == why
