"""A kubelet writes its own Node, lease, CSINode and devices, its own pods' status, its mirror pods, and nothing else.

The Node authorizer decides by names; here the objects themselves are looked at. Tokens are for the accounts of the
node's own pods, and only for audiences that the pod's volumes name or that the node was granted.

Source: kubernetes plugin/pkg/admission/noderestriction/admission.go.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from kubepy.api import errors, volumes
from kubepy.api.builtins import (
    CERTIFICATE_SIGNING_REQUESTS,
    CSI_DRIVERS,
    CSI_NODES,
    LEASES,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    POD_CERTIFICATE_REQUESTS,
    PODS,
    RESOURCE_SLICES,
    SERVICE_ACCOUNTS,
)
from kubepy.api.errors import quote
from kubepy.api.objects import Obj, annotations_of, owner_references, uid_of, walk
from kubepy.api.resources import Resource
from kubepy.apiserver.admission import node_rules, signers
from kubepy.apiserver.admission.base import CREATE, DELETE, UPDATE, Attributes, Plugin, Tools, forbidden
from kubepy.apiserver.authz import aggregate
from kubepy.apiserver.authz.node import LEASE_NAMESPACE, USER_PREFIX, node_of
from kubepy.apiserver.request import RequestInfo

# Drivers that volumes of the tree have become. Source: csi-translation-lib plugins.
IN_TREE_DRIVERS = {
    "awsElasticBlockStore": "ebs.csi.aws.com",
    "azureDisk": "disk.csi.azure.com",
    "azureFile": "file.csi.azure.com",
    "cinder": "cinder.csi.openstack.org",
    "gcePersistentDisk": "pd.csi.storage.gke.io",
    "portworxVolume": "pxd.portworx.com",
    "vsphereVolume": "csi.vsphere.vmware.com",
}


class NodeRestriction(Plugin):
    name = "NodeRestriction"
    mutates = True  # early, and once: before others look

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        self._ask = tools.ask
        self._rules: dict[str, Callable[[str, Attributes], Awaitable[None]]] = {
            PODS.group_resource: self._admit_pod,
            NODES.group_resource: self._admit_node,
            PERSISTENT_VOLUME_CLAIMS.group_resource: self._admit_claim,
            SERVICE_ACCOUNTS.group_resource: self._admit_token,
            POD_CERTIFICATE_REQUESTS.group_resource: self._admit_pod_certificate,
            LEASES.group_resource: self._admit_lease,
            CSI_NODES.group_resource: self._admit_csi_node,
            RESOURCE_SLICES.group_resource: self._admit_resource_slice,
            CERTIFICATE_SIGNING_REQUESTS.group_resource: self._admit_certificate,
        }

    def wants(self, operation: str, resource: Resource, subresource: str) -> bool:
        return operation in (CREATE, UPDATE, DELETE) and resource.group_resource in self._rules

    async def admit(self, attributes: Attributes) -> None:
        node = node_of(attributes.user)
        if node is None:
            return
        if not node:
            raise forbidden(attributes, f"could not determine node from user {quote(attributes.user.name)}")
        await self._rules[attributes.resource.group_resource](node, attributes)

    # -- pods --------------------------------------------------------------------------------------------------------

    async def _admit_pod(self, node: str, attributes: Attributes) -> None:
        match attributes.subresource, attributes.operation:
            case "", "CREATE":
                await self._admit_pod_create(node, attributes)
            case "", "DELETE":
                assert attributes.old is not None, "what is not there is not deleted"
                if attributes.old["spec"].get("nodeName", "") != node:
                    why = f"node {quote(node)} can only delete pods with spec.nodeName set to itself"
                    raise forbidden(attributes, why)
            case "", operation:
                why = f'unexpected operation "{operation}", node {quote(node)} can only create and delete mirror pods'
                raise forbidden(attributes, why)
            case "status", "UPDATE":
                assert attributes.obj is not None and attributes.old is not None, "there are both on update"
                _refuse(attributes, node_rules.pod_status_refusal(node, attributes.obj, attributes.old))
            case "eviction", "CREATE":
                pod = await self._found(PODS, attributes.namespace, attributes.name)
                if pod["spec"].get("nodeName", "") != node:
                    why = f"node {node} can only evict pods with spec.nodeName set to itself"
                    raise forbidden(attributes, why)
            case (("status" | "eviction"), operation):
                raise forbidden(attributes, f'unexpected operation "{operation}"')
            case subresource, _:
                why = f"unexpected pod subresource {quote(subresource)}, only 'status' and 'eviction' are allowed"
                raise forbidden(attributes, why)

    async def _admit_pod_create(self, node: str, attributes: Attributes) -> None:
        pod = attributes.obj
        assert pod is not None, "there is one on create"
        _refuse(attributes, node_rules.mirror_pod_refusal(node, pod))
        uid, wanted = uid_of(await self._found(NODES, "", node)), owner_references(pod)[0].get("uid", "")
        if wanted != uid:
            raise forbidden(attributes, f"node {node} UID mismatch: expected {wanted} got {uid}")
        _refuse(attributes, node_rules.reference_refusal(node, pod))

    # -- the node's own ----------------------------------------------------------------------------------------------

    async def _admit_node(self, node: str, attributes: Attributes) -> None:
        if attributes.name != node:
            why = f"node {quote(node)} is not allowed to modify node {quote(attributes.name)}"
            raise forbidden(attributes, why)
        if attributes.obj is not None:
            why = node_rules.node_refusal(node, attributes.operation, attributes.obj, attributes.old)
            _refuse(attributes, why)

    async def _admit_claim(self, node: str, attributes: Attributes) -> None:
        if attributes.subresource != "status":
            raise forbidden(attributes, "may only update PVC status")
        if attributes.operation != UPDATE:
            raise forbidden(attributes, f'unexpected operation "{attributes.operation}"')
        assert attributes.obj is not None and attributes.old is not None, "there are both on update"
        _refuse(attributes, node_rules.claim_status_refusal(node, attributes.obj, attributes.old))

    async def _admit_lease(self, node: str, attributes: Attributes) -> None:
        if attributes.namespace != LEASE_NAMESPACE:
            why = f"can only access leases in the {quote(LEASE_NAMESPACE)} system namespace"
            raise forbidden(attributes, why)
        if _name(attributes) != node:
            raise forbidden(
                attributes, "can only access node lease with the same name as the requesting node"
            )

    async def _admit_csi_node(self, node: str, attributes: Attributes) -> None:
        if _name(attributes) != node:
            raise forbidden(attributes, "can only access CSINode with the same name as the requesting node")

    async def _admit_resource_slice(self, node: str, attributes: Attributes) -> None:
        """Others are the Node authorizer's, but it cannot see what is created, nor each of what is deleted."""
        for operation, obj, verb in (
            (CREATE, attributes.obj, "create"),
            (DELETE, attributes.old, "delete"),
        ):
            if attributes.operation == operation and walk(obj, "spec", "nodeName") != node:
                why = f"can only {verb} ResourceSlice with the same NodeName as the requesting node"
                raise forbidden(attributes, why)

    async def _admit_certificate(self, node: str, attributes: Attributes) -> None:
        if attributes.operation != CREATE:
            return
        assert attributes.obj is not None, "there is one on create"
        if attributes.obj["spec"].get("signerName") not in (signers.KUBELET_SERVING, signers.KUBELET_CLIENT):
            return
        try:
            subject = signers.subject_of(attributes.obj)
        except ValueError as error:
            raise forbidden(attributes, f"unable to parse csr: {error}") from error
        if subject.common_name != USER_PREFIX + node:
            raise forbidden(attributes, f"can only create a node CSR with CN={USER_PREFIX}{node}")

    # -- tokens ------------------------------------------------------------------------------------------------------

    async def _admit_token(self, node: str, attributes: Attributes) -> None:
        if attributes.operation != CREATE or attributes.subresource != "token":
            return
        spec = walk(attributes.obj, "spec") or {}
        bound = spec.get("boundObjectRef") or {}
        if (bound.get("apiVersion"), bound.get("kind")) != ("v1", "Pod") or not bound.get("name"):
            raise forbidden(attributes, "node requested token not bound to a pod")
        uid = bound.get("uid")
        if not uid:
            raise forbidden(attributes, "node requested token with a pod binding without a uid")
        pod = await self._found(PODS, attributes.namespace, bound["name"])
        if uid != uid_of(pod):
            raise forbidden(
                attributes,
                f"the UID in the bound object reference ({uid}) does not match the UID in record. The object might "
                "have been deleted and then recreated",
            )
        if pod["spec"].get("nodeName", "") != node:
            raise forbidden(attributes, "node requested token bound to a pod scheduled on a different node")
        _refuse(attributes, await self._audience_refusal(attributes, pod, spec.get("audiences") or [""]))

    async def _audience_refusal(self, attributes: Attributes, pod: Obj, audiences: list[str]) -> str:
        if len(audiences) > 1:
            return "node may only request 0 or 1 audiences"
        audience, problems = audiences[0], []
        for volume in pod["spec"].get("volumes") or ():
            try:
                if await self._has_audience(pod, volume, audience):
                    return ""
            except errors.NotFound as error:
                problems.append(error.message)
        if problems:
            return f"error validating audience {quote(audience)}: {aggregate(problems)}"
        info = RequestInfo(
            True, "", "request-serviceaccounts-token-audience", version="v1", resource=audience,
            namespace=attributes.namespace, name=attributes.name,
        )  # fmt: skip
        if (await self._ask(attributes.user, info)).is_allowed:
            return ""
        return (
            f"audience {quote(audience)} not found in pod spec volume, {attributes.user.name} is not authorized to "
            "request tokens for this audience"
        )

    async def _has_audience(self, pod: Obj, volume: Obj, audience: str) -> bool:
        """Whether a volume brings the pod tokens for `audience`, itself or by its CSI driver. Raises NotFound."""
        for source in walk(volume, "projected", "sources") or ():
            token = source.get("serviceAccountToken")
            if token is not None and token.get("audience", "") == audience:
                return True
        driver_name = await self._driver(pod, volume)
        if not driver_name:
            return False
        driver = await self._found(CSI_DRIVERS, "", driver_name)
        requests = walk(driver, "spec", "tokenRequests") or ()
        return any(request.get("audience", "") == audience for request in requests)

    async def _driver(self, pod: Obj, volume: Obj) -> str:
        if claim_name := volumes.claim_name(pod, volume):
            namespace = pod["metadata"]["namespace"]
            claim = await self._found(PERSISTENT_VOLUME_CLAIMS, namespace, claim_name)
            found = await self._found(PERSISTENT_VOLUMES, "", walk(claim, "spec", "volumeName") or "")
            source = found["spec"]
        else:
            source = volume
        if driver := walk(source, "csi", "driver"):
            return str(driver)
        return next((name for kind, name in IN_TREE_DRIVERS.items() if source.get(kind) is not None), "")

    # -- certificates of pods ----------------------------------------------------------------------------------------

    async def _admit_pod_certificate(self, node_name: str, attributes: Attributes) -> None:
        if attributes.operation != CREATE:
            raise forbidden(attributes, f"unexpected operation {attributes.operation}")
        if attributes.subresource:
            raise forbidden(attributes, f"unexpected subresource {attributes.subresource}")
        spec = walk(attributes.obj, "spec") or {}
        if spec["nodeName"] != node_name:
            raise forbidden(
                attributes,
                f"PodCertificateRequest.Spec.NodeName={quote(spec['nodeName'])}, which is not the requesting node "
                f"{quote(node_name)}",
            )
        pod_key = quote(f"{attributes.namespace}/{spec['podName']}")
        account_key = quote(f"{attributes.namespace}/{spec['serviceAccountName']}")
        node = await self._named(NODES, "", node_name, f"node {quote(node_name)}")
        if uid_of(node) != spec["nodeUID"]:
            raise _retry(
                f"PodCertificateRequest for pod {pod_key} names node UID {quote(spec['nodeUID'])}, inconsistent with "
                f"the running node ({quote(uid_of(node))})"
            )
        pod = await self._named(PODS, attributes.namespace, spec["podName"], f"pod {pod_key}")
        if uid_of(pod) != spec["podUID"]:
            raise _retry(
                f"PodCertificateRequest for pod {pod_key} contains pod UID ({quote(spec['podUID'])}) which differs "
                f"from running pod {quote(uid_of(pod))}"
            )
        if pod["spec"].get("nodeName", "") != node_name:
            why = (
                f"pod {pod_key} is not running on node {quote(node_name)} named in the PodCertificateRequest"
            )
            raise forbidden(attributes, why)
        if node_rules.MIRROR in annotations_of(pod):
            raise forbidden(attributes, f"pod {pod_key} is a mirror pod")
        account_name = pod["spec"].get("serviceAccountName", "")
        if spec["serviceAccountName"] != account_name:
            raise forbidden(
                attributes,
                f"PodCertificateRequest for pod {pod_key} contains serviceAccountName "
                f"({quote(spec['serviceAccountName'])}) that differs from running pod ({quote(account_name)})",
            )
        account = await self._named(
            SERVICE_ACCOUNTS, attributes.namespace, account_name, f"service account {account_key}"
        )
        if uid_of(account) != spec["serviceAccountUID"]:
            raise _retry(
                f"PodCertificateRequest for pod {pod_key} names service account UID "
                f"{quote(spec['serviceAccountUID'])}, which differs from the running service account "
                f"({quote(uid_of(account))})"
            )

    # -- what is there -----------------------------------------------------------------------------------------------

    async def _found(self, resource: Resource, namespace: str, name: str) -> Obj:
        """Read-only. Raises NotFound as listers word it: of the kind's singular."""
        document = await self.lookup.find(resource, namespace, name)
        if document is None:
            raise errors.not_found(replace(resource, plural=resource.singular), name)
        return document.obj

    async def _named(self, resource: Resource, namespace: str, name: str, what: str) -> Obj:
        """What a PodCertificateRequest names. Raises an error that says that trying again may help."""
        try:
            return await self._found(resource, namespace, name)
        except errors.NotFound as error:
            raise _retry(
                f"while retrieving {what} named in the PodCertificateRequest: {error.message}"
            ) from error


def _name(attributes: Attributes) -> str:
    """What is written; on create as the object says it."""
    if attributes.operation == CREATE and attributes.obj is not None:
        return str(attributes.obj["metadata"].get("name", ""))
    return attributes.name


def _refuse(attributes: Attributes, why: str) -> None:
    if why:
        raise forbidden(attributes, why)


def _retry(why: str) -> errors.StatusError:
    """An error without a reason: the server may be behind."""
    return errors.StatusError(why, code=500, reason="")
