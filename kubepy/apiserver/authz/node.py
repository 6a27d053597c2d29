"""The Node authorizer: a kubelet may read what its pods need, and write what is its own.

What an object says of itself (whose lease, whose pod) NodeRestriction checks at admission, for here only names are
known.

Source: kubernetes plugin/pkg/auth/authorizer/node/node_authorizer.go, pkg/auth/nodeidentifier/default.go.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from kubepy.api import rbac, selectors
from kubepy.api.builtins import PERSISTENT_VOLUMES, PODS, Catalog
from kubepy.api.errors import BadRequest, quote
from kubepy.api.objects import Document, Obj
from kubepy.apiserver.authz import ALLOW, NO_OPINION, NO_RULES, Decision, Rules
from kubepy.apiserver.authz.node_graph import NodeGraph
from kubepy.apiserver.authz.rbac import Caches
from kubepy.apiserver.registry.keys import path_of
from kubepy.apiserver.request import RequestInfo, User

USER_PREFIX, GROUP = "system:node:", "system:nodes"
LEASE_NAMESPACE = "kube-node-lease"

_READ = ("get", "list", "watch")
_OWN = ("get", "create", "update", "patch", "delete")


def node_of(user: User) -> str | None:
    """The node that the user is; "" is one that does not say which, None is no node."""
    if user.name.startswith(USER_PREFIX) and GROUP in user.groups:
        return user.name.removeprefix(USER_PREFIX)
    return None


def _no(reason: str) -> Decision:
    return Decision(False, reason=reason)


class NodeAuthorizer:
    """`rules`: what every node may do whatever the object, the rules of system:node."""

    def __init__(self, caches: Caches, catalog: Catalog, rules: Sequence[Obj]) -> None:
        self._caches, self._catalog, self._rules = caches, catalog, tuple(rules)
        self._graph: NodeGraph | None = None
        self._special: dict[tuple[str, str], Callable[[str, RequestInfo], Awaitable[Decision]]] = {
            ("", "secrets"): self._readable,
            ("", "configmaps"): self._readable,
            ("", "persistentvolumeclaims"): self._claim,
            ("", "persistentvolumes"): self._gettable,
            ("resource.k8s.io", "resourceclaims"): self._gettable,
            ("storage.k8s.io", "volumeattachments"): self._gettable,
            ("", "serviceaccounts"): self._account,
            ("coordination.k8s.io", "leases"): self._lease,
            ("storage.k8s.io", "csinodes"): self._csi_node,
            ("resource.k8s.io", "resourceslices"): self._slice,
            ("", "nodes"): self._node,
            ("", "pods"): self._pod,
            ("certificates.k8s.io", "podcertificaterequests"): self._certificate_request,
        }

    async def authorize(self, user: User, info: RequestInfo) -> Decision:
        node = node_of(user)
        if node is None:
            return NO_OPINION
        if not node:
            return _no(f"unknown node for user {quote(user.name)}")
        if not info.is_resource:
            return NO_OPINION
        special = self._special.get((info.group, info.resource))
        if special is not None:
            return await special(node, info)
        is_allowed = any(
            rbac.allows_resource(rule, info.verb, info.group, info.resource, info.subresource, info.name)
            for rule in self._rules
        )
        return ALLOW if is_allowed else NO_OPINION

    async def rules(self, user: User, namespace: str) -> Rules:
        if node_of(user) is None:
            return NO_RULES
        return Rules([], [], True, "node authorizer does not support user rule resolution")

    # -- what is related to the node -------------------------------------------------------------------------------

    async def _readable(self, node: str, info: RequestInfo) -> Decision:
        if info.verb not in _READ:
            return _no("can only read resources of this type")
        if info.subresource:
            return _no("cannot read subresource")
        if not info.namespace:
            return _no("can only read namespaced object of this type")
        return await self._related(node, info)

    async def _gettable(self, node: str, info: RequestInfo) -> Decision:
        if info.verb != "get":
            return _no("can only get individual resources of this type")
        if info.subresource:
            return _no("cannot get subresource")
        return await self._related(node, info)

    async def _claim(self, node: str, info: RequestInfo) -> Decision:
        if info.subresource != "status":
            return await self._gettable(node, info)
        if info.verb not in ("update", "patch"):
            return _no("can only get/update/patch this type")
        return await self._related(node, info)

    async def _account(self, node: str, info: RequestInfo) -> Decision:
        if info.verb == "get" and not info.subresource:
            return await self._readable(node, info)
        if info.verb != "create" or not info.name:
            return _no("can only create tokens for individual service accounts")
        if info.subresource != "token":
            return _no("can only create token subresource of serviceaccount")
        return await self._related(node, info)

    async def _related(self, node: str, info: RequestInfo) -> Decision:
        if not info.name:
            return _no("No Object name found")
        if await self._is_related(node, info):
            return ALLOW
        return _no(f"no relationship found between node '{node}' and this object")

    async def _is_related(self, node: str, info: RequestInfo) -> bool:
        resource = info.resource
        if resource in ("pods", "volumeattachments", "resourceslices", "podcertificaterequests"):
            document = await self._find(info)
            return document is not None and document.obj["spec"].get("nodeName") == node
        graph = self._graph
        if graph is None:
            graph = await self._graph_of_all()
        if resource == "persistentvolumes":
            return graph.uses_volume(node, info.name)
        return graph.refers(node, resource, info.namespace, info.name)

    async def _find(self, info: RequestInfo) -> Document | None:
        """Every version of a resource has the same objects."""
        resource = next(
            (row for row in self._catalog if (row.group, row.plural) == (info.group, info.resource)), None
        )
        if resource is None:
            return None
        return (await self._caches.loaded(resource)).get(path_of(info.namespace, info.name))

    async def _graph_of_all(self) -> NodeGraph:
        if self._graph is None:
            pods = await self._caches.loaded(PODS)
            volumes = await self._caches.loaded(PERSISTENT_VOLUMES)
            self._graph = self._graph or NodeGraph(pods, volumes)
        return self._graph

    # -- what is the node's own ------------------------------------------------------------------------------------

    async def _lease(self, node: str, info: RequestInfo) -> Decision:
        if info.verb not in _OWN:
            return _no("can only get, create, update, patch, or delete a node lease")
        if info.namespace != LEASE_NAMESPACE:
            return _no(f'can only access leases in the "{LEASE_NAMESPACE}" system namespace')
        if info.verb != "create" and info.name != node:
            return _no("can only access node lease with the same name as the requesting node")
        return ALLOW

    async def _csi_node(self, node: str, info: RequestInfo) -> Decision:
        if info.verb not in _OWN:
            return _no("can only get, create, update, patch, or delete a CSINode")
        if info.subresource:
            return _no("cannot authorize CSINode subresources")
        if info.verb != "create" and info.name != node:
            return _no("can only access CSINode with the same name as the requesting node")
        return ALLOW

    async def _slice(self, node: str, info: RequestInfo) -> Decision:
        if info.subresource:
            return _no("cannot authorize ResourceSlice subresources")
        if info.verb == "create":
            return ALLOW
        if info.verb in ("get", "update", "patch", "delete"):
            return await self._related(node, info)
        if info.verb in ("watch", "list", "deletecollection"):
            if _selects(info, "spec.nodeName", node):
                return ALLOW
            return _no("can only list/watch/deletecollection resourceslices with nodeName field selector")
        return _no(
            "only the following verbs are allowed for a ResourceSlice: "
            "get, watch, list, create, update, patch, delete, deletecollection"
        )

    async def _certificate_request(self, node: str, info: RequestInfo) -> Decision:
        if info.subresource:
            return _no("nodes may not access the status subresource of PodCertificateRequests")
        if info.verb == "create":
            return ALLOW
        if info.verb == "get":
            return await self._related(node, info)
        if info.verb in ("list", "watch"):
            if _selects(info, "spec.nodeName", node):
                return ALLOW
            return _no("can only list/watch podcertificaterequests with nodeName field selector")
        return _no(f"nodes may not {info.verb} podcertificaterequests")

    async def _node(self, node: str, info: RequestInfo) -> Decision:
        if (info.subresource, info.verb) in _WRITES_OF_NODES:
            return ALLOW
        if info.subresource or info.verb not in _READ:
            return NO_OPINION
        if info.name == node:
            return ALLOW
        if not info.name:
            return _no(f"node '{node}' cannot read all nodes, only its own Node object")
        return _no(f"node '{node}' cannot read '{info.name}', only its own Node object")

    async def _pod(self, node: str, info: RequestInfo) -> Decision:
        if (info.subresource, info.verb) in _WRITES_OF_PODS:
            return ALLOW
        if info.subresource:
            return NO_OPINION
        if info.verb == "get":
            return await self._related(node, info)
        if info.verb in ("list", "watch"):
            if _selects(info, "spec.nodeName", node):
                return ALLOW
            if info.name:
                return await self._related(node, info)
            return _no("can only list/watch pods with spec.nodeName field selector")
        return NO_OPINION


# What NodeRestriction limits to the node's own, by (subresource, verb).
_WRITES_OF_NODES = frozenset(
    (("", "create"), ("", "update"), ("", "patch"), ("status", "update"), ("status", "patch"))
)
_WRITES_OF_PODS = frozenset(
    (("", "create"), ("", "delete"), ("status", "update"), ("status", "patch"), ("eviction", "create"))
)


def _selects(info: RequestInfo, field: str, value: str) -> bool:
    """Whether only objects with that value are asked for."""
    try:
        requirements = selectors.parse_fields(info.field_selector).requirements
    except BadRequest:
        return False
    return selectors.FieldRequirement(field, "=", value) in requirements
