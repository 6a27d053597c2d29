"""Members of system:masters and the control plane's own identities may do everything; everybody may look around.

"Look around" is what the roles system:public-info-viewer, system:discovery and system:basic-user grant in every
cluster: health and version to anybody; discovery, OpenAPI and reviews of oneself to whoever is authenticated; the
issuer's keys to service accounts.

Source: kubernetes plugin/pkg/auth/authorizer/rbac/bootstrappolicy/{policy,controller_policy}.go.
"""

from __future__ import annotations

from kubepy.api.objects import Obj
from kubepy.apiserver.authn import ALL_AUTHENTICATED, MASTERS, PUBLIC_PATHS
from kubepy.apiserver.authn.issuer import CONFIGURATION_PATH, KEYS_PATH
from kubepy.apiserver.authn.service_account_tokens import ALL_GROUP
from kubepy.apiserver.authz import ALL_RULES, ALLOW, NO_OPINION, NO_RULES, Decision, Rules
from kubepy.apiserver.request import RequestInfo, User

_GROUPS = frozenset({MASTERS, "system:nodes"})

_USERS = frozenset({"system:apiserver", "system:kube-controller-manager", "system:kube-scheduler"})

# The controllers' service accounts in kube-system.
_CONTROLLERS = frozenset(
    f"system:serviceaccount:kube-system:{name}"
    for name in (
        "attachdetach-controller", "bootstrap-signer", "certificate-controller",
        "clusterrole-aggregation-controller", "cronjob-controller", "daemon-set-controller",
        "deployment-controller", "device-taint-eviction-controller", "disruption-controller",
        "endpoint-controller", "endpointslice-controller", "endpointslicemirroring-controller",
        "ephemeral-volume-controller", "expand-controller", "generic-garbage-collector",
        "horizontal-pod-autoscaler", "job-controller", "kube-apiserver-serving-clustertrustbundle-publisher",
        "legacy-service-account-token-cleaner", "namespace-controller", "node-controller",
        "persistent-volume-binder", "pod-garbage-collector", "podcertificaterequestcleaner",
        "podgroup-protection-controller", "pv-protection-controller", "pvc-protection-controller",
        "replicaset-controller", "replication-controller", "resource-claim-controller",
        "resourcepoolstatusrequest-controller", "resourcequota-controller", "root-ca-cert-publisher",
        "route-controller", "selinux-warning-controller", "service-account-controller",
        "service-ca-cert-publisher", "service-cidrs-controller", "service-controller",
        "statefulset-controller", "storage-version-garbage-collector", "storage-version-migrator-controller",
        "token-cleaner", "ttl-after-finished-controller", "ttl-controller",
        "validatingadmissionpolicy-status-controller", "volumeattributesclass-protection-controller",
    )
)  # fmt: skip

_DISCOVERY = frozenset({"/api", "/apis", "/openapi"})
_DISCOVERY_BELOW = ("/api/", "/apis/", "/openapi/")
_ISSUER = frozenset({CONFIGURATION_PATH, KEYS_PATH, f"{CONFIGURATION_PATH}/", f"{KEYS_PATH}/"})

_REVIEWS = frozenset(
    {
        ("authentication.k8s.io", "selfsubjectreviews"),
        ("authorization.k8s.io", "selfsubjectaccessreviews"),
        ("authorization.k8s.io", "selfsubjectrulesreviews"),
    }
)


class Components:
    async def authorize(self, user: User, info: RequestInfo) -> Decision:
        if _is_trusted(user):
            return ALLOW
        is_authenticated = ALL_AUTHENTICATED in user.groups
        if info.is_resource:
            is_review = info.verb == "create" and (info.group, info.resource) in _REVIEWS
            return ALLOW if is_review and is_authenticated else NO_OPINION
        if info.verb != "get":
            return NO_OPINION
        if info.path in PUBLIC_PATHS:
            return ALLOW
        if info.path in _ISSUER:
            return ALLOW if ALL_GROUP in user.groups else NO_OPINION
        looks_around = info.path in _DISCOVERY or info.path.startswith(_DISCOVERY_BELOW)
        return ALLOW if looks_around and is_authenticated else NO_OPINION

    async def rules(self, user: User, namespace: str) -> Rules:
        # Members of system:masters have theirs already.
        if MASTERS in user.groups:
            return NO_RULES
        if _is_trusted(user):
            return ALL_RULES
        paths = sorted(PUBLIC_PATHS)
        resources: list[Obj] = []
        if ALL_GROUP in user.groups:
            paths += sorted(_ISSUER)
        if ALL_AUTHENTICATED in user.groups:
            paths += [*sorted(_DISCOVERY), *(f"{below}*" for below in _DISCOVERY_BELOW)]
            resources = [
                {"verbs": ["create"], "apiGroups": [group], "resources": [resource]}
                for group, resource in sorted(_REVIEWS)
            ]
        return Rules(resources, [{"verbs": ["get"], "nonResourceURLs": paths}])


def _is_trusted(user: User) -> bool:
    return not _GROUPS.isdisjoint(user.groups) or user.name in _USERS or user.name in _CONTROLLERS
