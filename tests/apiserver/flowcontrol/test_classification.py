"""With the schemas that every cluster has: who comes in by which."""

from __future__ import annotations

import pytest

from kubepy.apiserver.authn import authenticated
from kubepy.apiserver.flowcontrol import bootstrap
from kubepy.apiserver.flowcontrol.classification import Classifier, Schema
from kubepy.apiserver.request import Query, Resolver, User

_MASTER = authenticated("admin", ("system:masters",))
_JANE = authenticated("jane", ("devs",))
_NODE = authenticated("system:node:node-1", ("system:nodes",))
_NOBODY = User("system:anonymous", ("system:unauthenticated",))
_SCHEDULER = authenticated("system:kube-scheduler", ())
_CONTROLLER = authenticated(
    "system:serviceaccount:kube-system:job-controller",
    ("system:serviceaccounts", "system:serviceaccounts:kube-system"),
)
_ACCOUNT = authenticated(
    "system:serviceaccount:kube-systems:x", ("system:serviceaccounts", "system:serviceaccounts:kube-systems")
)
_LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-1"


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier(map(Schema, bootstrap.SUGGESTED_SCHEMAS + bootstrap.MANDATORY_SCHEMAS))


@pytest.mark.parametrize(
    ("user", "method", "path", "wanted"),
    [
        (_MASTER, "GET", "/api/v1/pods", "exempt"),
        (_MASTER, "GET", "/readyz", "exempt"),
        (_NOBODY, "GET", "/readyz", "probes"),
        (_NOBODY, "GET", "/readyz/etcd", "probes"),
        (_JANE, "POST", "/readyz", "global-default"),
        (_JANE, "GET", "/version", "global-default"),
        (_JANE, "GET", "/api/v1/namespaces/default/pods", "global-default"),
        (_NODE, "PUT", _LEASE, "system-node-high"),
        (_NODE, "PATCH", "/api/v1/nodes/node-1/status", "system-node-high"),
        (_NODE, "PATCH", "/api/v1/namespaces/default/pods/web-0/status", "system-nodes"),
        (_SCHEDULER, "PUT", _LEASE, "system-leader-election"),
        (_SCHEDULER, "PATCH", _LEASE, "kube-scheduler"),
        (_SCHEDULER, "POST", "/api/v1/namespaces/default/pods/web-0/binding", "kube-scheduler"),
        (_CONTROLLER, "GET", _LEASE, "system-leader-election"),
        (_CONTROLLER, "POST", "/api/v1/namespaces/default/pods", "kube-system-service-accounts"),
        (_ACCOUNT, "GET", "/api/v1/namespaces/default/pods", "service-accounts"),
        (User("odd"), "GET", "/api/v1/pods", "catch-all"),
    ],
)
def test_the_first_schema_that_matches(
    classifier: Classifier, user: User, method: str, path: str, wanted: str
) -> None:
    info = Resolver().resolve(method, path, Query())
    assert classifier.classify(user, info).name == wanted
    assert classifier.classify(user, info).name == wanted, "and again, remembered"


@pytest.mark.parametrize(
    ("rule", "path", "is_matched"),
    [
        ({"resources": ["pods"]}, "/api/v1/namespaces/a/pods", True),
        ({"resources": ["pods/log"]}, "/api/v1/namespaces/a/pods", False),
        ({"resources": ["pods/status"]}, "/api/v1/namespaces/a/pods/x/status", True),
        ({"namespaces": ["b"]}, "/api/v1/namespaces/a/pods", False),
        ({"namespaces": ["a", "b"]}, "/api/v1/namespaces/a/pods", True),
        # The wildcard counts only alone, and no namespace is no namespace.
        ({"namespaces": ["*", "b"]}, "/api/v1/namespaces/a/pods", False),
        ({"namespaces": ["*"]}, "/api/v1/pods", False),
        ({"namespaces": [], "clusterScope": True}, "/api/v1/pods", True),
        ({"apiGroups": ["apps"]}, "/api/v1/namespaces/a/pods", False),
        ({"verbs": ["watch"]}, "/api/v1/namespaces/a/pods", False),
    ],
)
def test_resource_rules(rule: dict[str, object], path: str, is_matched: bool) -> None:
    everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"]}
    schema = Schema(
        {
            "metadata": {"name": "one"},
            "spec": {
                "priorityLevelConfiguration": {"name": "x"},
                "rules": [
                    {
                        "subjects": [{"kind": "User", "user": {"name": "*"}}],
                        "resourceRules": [everything | rule],
                    }
                ],
            },
        }
    )
    assert schema.matches(_JANE, Resolver().resolve("GET", path, Query())) is is_matched
