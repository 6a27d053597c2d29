"""Source of the cases: kubernetes plugin/pkg/auth/authorizer/node/node_authorizer_test.go."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.builtins import Catalog
from kubepy.api.objects import Obj
from kubepy.apiserver.authz.node import NodeAuthorizer
from kubepy.apiserver.authz.references import Reference, of_pod, secrets_of_volume
from tests.apiserver.authz.builders import asked, rule, user
from tests.apiserver.conftest import StoredCaches

NODE = user("system:node:n0", "system:nodes")
CORE, NS = "/api/v1", "/api/v1/namespaces/ns0"
CLAIMS, SLICES = (
    "/apis/resource.k8s.io/v1/namespaces/ns0/resourceclaims",
    "/apis/resource.k8s.io/v1/resourceslices",
)
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
REQUESTS = "/apis/certificates.k8s.io/v1/namespaces/ns0/podcertificaterequests"
STORAGE = "/apis/storage.k8s.io/v1"


def pod(name: str, node: str, **more: Any) -> Obj:
    """A pod that refers to one of everything, each called after the pod."""
    spec: Obj = {
        "nodeName": node,
        "serviceAccountName": f"account-{name}",
        "containers": [
            {
                "name": "c",
                "envFrom": [{"configMapRef": {"name": f"env-{name}"}}],
                "env": [{"name": "e", "valueFrom": {"secretKeyRef": {"name": f"key-{name}", "key": "k"}}}],
            }
        ],
        "volumes": [
            {"name": "s", "secret": {"secretName": f"secret-{name}"}},
            {"name": "shared", "secret": {"secretName": "shared"}},
            {"name": "p", "persistentVolumeClaim": {"claimName": f"claim-{name}"}},
            {"name": "t", "ephemeral": {}},
            {"name": "j", "projected": {"sources": [{"configMap": {"name": f"projected-{name}"}}]}},
        ],
        "resourceClaims": [{"name": "a", "resourceClaimName": f"device-{name}"}, {"name": "b"}],
    }
    status = {"resourceClaimStatuses": [{"name": "b", "resourceClaimName": f"made-{name}"}]}
    metadata = {"name": name, "namespace": "ns0", "uid": name}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status} | more


def volume(name: str, claim: str) -> Obj:
    spec = {
        "claimRef": {"namespace": "ns0", "name": claim},
        "csi": {
            "nodePublishSecretRef": {"namespace": "ns0", "name": f"publish-{name}"},
            "controllerPublishSecretRef": {"namespace": "ns0", "name": f"controller-{name}"},
        },
    }
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}


def of_node(api_version: str, kind: str, name: str, node: str, namespace: str = "") -> Obj:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": {"nodeName": node}}


def cluster() -> StoredCaches:
    mirror = pod("mirror", "n0")
    mirror["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "x"}
    return StoredCaches(
        pod("p0", "n0"), pod("p1", "n1"), pod("waiting", ""), mirror,
        volume("v0", "claim-p0"), volume("v1", "claim-p1"),
        of_node("storage.k8s.io/v1", "VolumeAttachment", "a0", "n0"),
        of_node("storage.k8s.io/v1", "VolumeAttachment", "a1", "n1"),
        of_node("resource.k8s.io/v1", "ResourceSlice", "s0", "n0"),
        of_node("certificates.k8s.io/v1", "PodCertificateRequest", "r0", "n0", "ns0"),
    )  # fmt: skip


def authorizer(caches: StoredCaches) -> NodeAuthorizer:
    everywhere = [rule("get list", "services"), rule("get", "csidrivers", groups="storage.k8s.io")]
    return NodeAuthorizer(caches, Catalog(), everywhere)


NO_RELATION = "no relationship found between node 'n0' and this object"
ONE_NAMESPACE = "can only read namespaced object of this type"
PODS_BY_NODE = "can only list/watch pods with spec.nodeName field selector"
READ_ONLY_ONE = "can only get individual resources of this type"


@pytest.mark.parametrize(
    ("method", "target", "reason"),
    [
        # None: allowed; a text: not, and why.
        ("GET", f"{NS}/configmaps/env-p0", None),
        ("GET", f"{NS}/configmaps/projected-p0", None),
        ("GET", f"{NS}/configmaps/env-p1", NO_RELATION),
        ("GET", f"{NS}/configmaps/env-waiting", NO_RELATION),
        ("GET", f"{NS}/secrets/secret-p0", None),
        ("GET", f"{NS}/secrets/key-p0", None),
        ("GET", f"{NS}/secrets/shared", None),
        ("GET", f"{NS}/secrets?fieldSelector=metadata.name=secret-p0", None),
        ("GET", f"{NS}/secrets?watch=1&fieldSelector=metadata.name=secret-p0", None),
        ("GET", f"{NS}/secrets", "No Object name found"),
        ("GET", f"{CORE}/secrets?fieldSelector=metadata.name=secret-p0", ONE_NAMESPACE),
        ("DELETE", f"{NS}/secrets/secret-p0", "can only read resources of this type"),
        ("GET", f"{NS}/secrets/secret-p0/x", "cannot read subresource"),
        ("GET", f"{NS}/secrets/secret-p1", NO_RELATION),
        ("GET", f"{NS}/secrets/secret-mirror", NO_RELATION),
        ("GET", f"{NS}/secrets/publish-v0", None),
        ("GET", f"{NS}/secrets/controller-v0", NO_RELATION),
        ("GET", f"{NS}/secrets/publish-v1", NO_RELATION),
        ("GET", f"{NS}/persistentvolumeclaims/claim-p0", None),
        ("GET", f"{NS}/persistentvolumeclaims/p0-t", None),
        ("GET", f"{NS}/persistentvolumeclaims/claim-p1", NO_RELATION),
        ("GET", f"{NS}/persistentvolumeclaims", READ_ONLY_ONE),
        ("PATCH", f"{NS}/persistentvolumeclaims/claim-p0/status", None),
        ("PATCH", f"{NS}/persistentvolumeclaims/claim-p1/status", NO_RELATION),
        ("GET", f"{NS}/persistentvolumeclaims/claim-p0/status", "can only get/update/patch this type"),
        ("GET", f"{CORE}/persistentvolumes/v0", None),
        ("GET", f"{CORE}/persistentvolumes/v1", NO_RELATION),
        ("GET", f"{CLAIMS}/device-p0", None),
        ("GET", f"{CLAIMS}/made-p0", None),
        ("GET", f"{CLAIMS}/device-p1", NO_RELATION),
        ("GET", f"{STORAGE}/volumeattachments/a0", None),
        ("GET", f"{STORAGE}/volumeattachments/a1", NO_RELATION),
        ("GET", f"{NS}/serviceaccounts/account-p0", None),
        ("POST", f"{NS}/serviceaccounts/account-p0/token", None),
        ("POST", f"{NS}/serviceaccounts/account-p1/token", NO_RELATION),
        ("POST", f"{NS}/serviceaccounts", "can only create tokens for individual service accounts"),
        ("GET", f"{NS}/serviceaccounts/account-p0/token", "can only create tokens for individual service accounts"),
        ("POST", f"{NS}/serviceaccounts/account-p0/x", "can only create token subresource of serviceaccount"),
        ("PATCH", f"{LEASES}/n0", None),
        ("POST", LEASES, None),
        ("GET", f"{LEASES}/n1", "can only access node lease with the same name as the requesting node"),
        ("GET", LEASES, "can only get, create, update, patch, or delete a node lease"),
        (
            "GET", f"{LEASES}/n0".replace("kube-node-lease", "foo"),
            'can only access leases in the "kube-node-lease" system namespace',
        ),
        ("PUT", f"{STORAGE}/csinodes/n0", None),
        ("POST", f"{STORAGE}/csinodes", None),
        ("GET", f"{STORAGE}/csinodes/n1", "can only access CSINode with the same name as the requesting node"),
        ("GET", f"{STORAGE}/csinodes/n0/x", "cannot authorize CSINode subresources"),
        ("GET", f"{STORAGE}/csinodes", "can only get, create, update, patch, or delete a CSINode"),
        ("GET", f"{CORE}/nodes/n0", None),
        ("PATCH", f"{CORE}/nodes/n1/status", None),
        ("GET", f"{CORE}/nodes/n1", "node 'n0' cannot read 'n1', only its own Node object"),
        ("GET", f"{CORE}/nodes", "node 'n0' cannot read all nodes, only its own Node object"),
        ("DELETE", f"{CORE}/nodes/n0", ""),
        ("GET", f"{NS}/pods/p0", None),
        ("GET", f"{NS}/pods/p1", NO_RELATION),
        ("GET", f"{CORE}/pods?fieldSelector=spec.nodeName=n0", None),
        ("GET", f"{CORE}/pods?watch=1&fieldSelector=spec.nodeName=n0,status.phase!=Failed", None),
        ("GET", f"{CORE}/pods?fieldSelector=spec.nodeName=n1", PODS_BY_NODE),
        ("GET", f"{CORE}/pods?fieldSelector=spec.nodeName!=n0", PODS_BY_NODE),
        ("GET", f"{CORE}/pods?fieldSelector=spec.nodeName", PODS_BY_NODE),
        ("GET", f"{NS}/pods?fieldSelector=metadata.name=p0", None),
        ("POST", f"{NS}/pods", None),
        ("DELETE", f"{NS}/pods/p1", None),
        ("PATCH", f"{NS}/pods/p1/status", None),
        ("POST", f"{NS}/pods/p1/eviction", None),
        ("PATCH", f"{NS}/pods/p0", ""),
        ("POST", SLICES, None),
        ("PUT", f"{SLICES}/s0", None),
        ("PUT", f"{SLICES}/s1", NO_RELATION),
        ("DELETE", f"{SLICES}?fieldSelector=spec.nodeName=n0", None),
        ("GET", SLICES, "can only list/watch/deletecollection resourceslices with nodeName field selector"),
        ("GET", f"{REQUESTS}/r0", None),
        ("POST", REQUESTS, None),
        ("GET", REQUESTS, "can only list/watch podcertificaterequests with nodeName field selector"),
        ("DELETE", f"{REQUESTS}/r0", "nodes may not delete podcertificaterequests"),
        ("GET", f"{NS}/services", None),
        ("GET", f"{STORAGE}/csidrivers/x", None),
        ("DELETE", f"{NS}/services/x", ""),
        ("GET", "/metrics", ""),
    ],
)  # fmt: skip
async def test_what_a_node_may(method: str, target: str, reason: str | None) -> None:
    decision = await authorizer(cluster()).authorize(NODE, asked(method, target))
    assert (None if decision.is_allowed else decision.reason) == reason


async def test_who_is_no_node() -> None:
    info = asked("GET", f"{CORE}/nodes/n0")
    node = authorizer(cluster())
    for who in (user("system:node:n0"), user("n0", "system:nodes")):
        decision = await node.authorize(who, info)
        assert not decision.is_allowed and not decision.reason
    unnamed = await node.authorize(user("system:node:", "system:nodes"), info)
    assert unnamed.reason == 'unknown node for user "system:node:"'


async def test_relations_follow_the_pods() -> None:
    caches = cluster()
    node = authorizer(caches)

    async def may(name: str) -> bool:
        return (await node.authorize(NODE, asked("GET", f"{NS}/secrets/{name}"))).is_allowed

    assert await may("secret-p0") and not await may("secret-p2")
    await caches.put(pod("p2", "n0"))
    assert await may("secret-p2")
    await caches.drop(pod("p0", "n0"))
    assert not await may("secret-p0") and await may("shared")
    await caches.drop(pod("p2", "n0"))
    assert not await may("shared")
    bound = pod("waiting", "n0")
    await caches.put(bound)
    assert await may("secret-waiting")
    bound["spec"]["ephemeralContainers"] = [{"name": "e", "envFrom": [{"secretRef": {"name": "late"}}]}]
    await caches.put(bound)
    assert await may("late")


async def test_relations_follow_the_volumes() -> None:
    caches = cluster()
    node = authorizer(caches)

    async def may(what: str) -> bool:
        return (await node.authorize(NODE, asked("GET", what))).is_allowed

    assert await may(f"{NS}/secrets/publish-v0") and not await may(f"{NS}/secrets/publish-v2")
    await caches.put(volume("v2", "claim-p0"))
    assert await may(f"{NS}/secrets/publish-v2") and await may(f"{CORE}/persistentvolumes/v2")
    await caches.put(volume("v2", "claim-p1"))
    assert not await may(f"{NS}/secrets/publish-v2") and not await may(f"{CORE}/persistentvolumes/v2")


def test_a_mirror_pod_refers_to_nothing() -> None:
    mirror = pod("x", "n0")
    assert Reference("secrets", "ns0", "shared") in of_pod(mirror)
    mirror["metadata"]["annotations"] = {"kubernetes.io/config.mirror": ""}
    assert of_pod(mirror) == frozenset()


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ({"azureFile": {"secretName": "s"}}, {("claimed", "s")}),
        ({"azureFile": {"secretName": "s", "secretNamespace": "n"}}, {("n", "s")}),
        ({"rbd": {"secretRef": {"name": "s"}}}, {("claimed", "s")}),
        ({"cinder": {"secretRef": {"name": "s", "namespace": "n"}}}, {("n", "s")}),
        ({"csi": {"nodeStageSecretRef": {"name": "s", "namespace": "n"}}}, {("n", "s")}),
        ({"csi": {"controllerExpandSecretRef": {"name": "s", "namespace": "n"}}}, set()),
        ({"hostPath": {"path": "/x"}}, set()),
    ],
)
def test_secrets_of_volumes(source: Obj, found: set[tuple[str, str]]) -> None:
    spec = {"claimRef": {"namespace": "claimed", "name": "c"}, **source}
    assert {(ref.namespace, ref.name) for ref in secrets_of_volume({"spec": spec})} == found
