"""Tables after upstream's rules_test.go and matching_test.go."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.builtins import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    EVENTS,
    MUTATING_WEBHOOK_CONFIGURATIONS,
    NAMESPACES,
    NODES,
    PODS,
    Catalog,
)
from kubepy.api.errors import NotFound
from kubepy.api.resources import Resource
from kubepy.apiserver.admission.base import Attributes, Kind, Tools
from kubepy.apiserver.admission.matching import Criteria, Matching, Rule, equivalents, is_exempt
from kubepy.apiserver.request import User
from tests.apiserver.conftest import Api

CATALOG = Catalog()
Obj = dict[str, Any]


def rule(resources: list[str], **more: Any) -> Obj:
    return {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": resources, **more}


@pytest.mark.parametrize(
    ("wanted", "resource", "subresource", "covers"),
    [
        (rule(["pods"]), PODS, "", True),
        (rule(["pods"]), PODS, "status", False),
        (rule(["pods/*"]), PODS, "", True),
        (rule(["pods/*"]), PODS, "status", True),
        (rule(["pods/status"]), PODS, "status", True),
        (rule(["*/status"]), PODS, "status", True),
        (rule(["*/status"]), PODS, "scale", False),
        (rule(["*"]), PODS, "", True),
        (rule(["*"]), PODS, "status", False),
        (rule(["*/*"]), PODS, "status", True),
        (rule(["*"], apiGroups=["apps"]), PODS, "", False),
        (rule(["*"], apiGroups=[""], apiVersions=["v1"]), PODS, "", True),
        (rule(["*"], apiVersions=["v2"]), PODS, "", False),
        (rule(["*"], operations=["CREATE", "DELETE"]), PODS, "", True),
        (rule(["*"], operations=["UPDATE"]), PODS, "", False),
        (rule(["*"], scope="Namespaced"), PODS, "", True),
        (rule(["*"], scope="Cluster"), PODS, "", False),
        (rule(["*"], scope="Namespaced"), NODES, "", False),
        (rule(["*"], scope="Cluster"), NODES, "", True),
        # A Namespace is inside itself, and of the cluster all the same.
        (rule(["*"], scope="Namespaced"), NAMESPACES, "", False),
        (rule(["*"], scope="Cluster"), NAMESPACES, "", True),
    ],
)
def test_rules(wanted: Obj, resource: Resource, subresource: str, covers: bool) -> None:
    in_namespace = resource is not NODES
    assert Rule.of(wanted).covers("CREATE", resource, subresource, in_namespace=in_namespace) is covers


def attributes(resource: Resource = PODS, name: str = "x", **more: Any) -> Attributes:
    given: Obj = {
        "operation": "CREATE",
        "subresource": "",
        "namespace": "default",
        "obj": {"metadata": {}},
        "old": None,
    }
    return Attributes(
        resource=resource, name=name, user=User("u"), dry_run=False, warnings=[], **(given | more)
    )


@pytest.mark.parametrize(
    ("match", "name", "selected"),
    [
        ({}, "x", True),
        ({"resourceRules": [rule(["pods"])]}, "x", True),
        ({"resourceRules": [rule(["nodes"])]}, "x", False),
        ({"resourceRules": [rule(["pods"], resourceNames=["y"])]}, "x", False),
        ({"resourceRules": [rule(["pods"], resourceNames=["x", "y"])]}, "x", True),
        ({"resourceRules": [rule(["pods"])], "excludeResourceRules": [rule(["*"])]}, "x", False),
        ({"excludeResourceRules": [rule(["pods"], resourceNames=["y"])]}, "x", True),
        ({"excludeResourceRules": [rule(["pods"], resourceNames=["x"])]}, "x", False),
    ],
)
def test_match_resources(match: Obj, name: str, selected: bool) -> None:
    criteria = Criteria.of_match_resources(match)
    for _ in range(2):  # found, and remembered
        assert (criteria.by_rules(attributes(name=name), CATALOG) is not None) is selected


def test_a_webhook_without_rules_is_never_concerned() -> None:
    assert Criteria.of_webhook({}).by_rules(attributes(), CATALOG) is None


def test_other_versions_of_the_same() -> None:
    v1 = CATALOG.get("autoscaling", "v1", "horizontalpodautoscalers")
    v2 = CATALOG.get("autoscaling", "v2", "horizontalpodautoscalers")
    events = CATALOG.get("events.k8s.io", "v1", "events")
    assert v1 is not None and v2 is not None and events is not None
    assert equivalents(CATALOG, v1, "status") == (v2,)
    assert equivalents(CATALOG, v1, "scale") == ()
    assert equivalents(CATALOG, EVENTS, "") == (events,)
    wanted = {"rules": [rule(["*"], apiGroups=["autoscaling"], apiVersions=["v2"])]}
    asked = attributes(v2, requested=v1)
    selected = Criteria.of_webhook(wanted).by_rules(asked, CATALOG)
    assert selected is not None and selected.resource is v2
    assert Criteria.of_webhook(wanted | {"matchPolicy": "Exact"}).by_rules(asked, CATALOG) is None
    # The version that was asked for is the best, whatever stands first.
    both = {"rules": [*wanted["rules"], rule(["*"], apiVersions=["v1"])]}
    selected = Criteria.of_webhook(both).by_rules(asked, CATALOG)
    assert selected is not None and selected.resource is v1


def test_kinds_of_subresources() -> None:
    assert Kind.of(DEPLOYMENTS, "scale") == ("autoscaling", "v1", "Scale")
    assert Kind.of(DEPLOYMENTS, "status") == ("apps", "v1", "Deployment")
    assert Kind.of(PODS, "exec") == ("", "v1", "PodExecOptions")


def test_configurations_are_shown_to_nobody() -> None:
    assert is_exempt(MUTATING_WEBHOOK_CONFIGURATIONS)
    assert not is_exempt(CONFIG_MAPS)


@pytest.mark.parametrize(
    ("asked", "selected"),
    [
        ({}, True),
        ({"namespace": "other"}, False),
        ({"obj": {"metadata": {"labels": {"skip": "me"}}}}, False),
        # It is not enough to take the label off.
        (
            {"operation": "UPDATE", "obj": {"metadata": {"labels": {"skip": "me"}}}, "old": {"metadata": {}}},
            True,
        ),
        ({"operation": "DELETE", "obj": None, "old": {"metadata": {"labels": {"skip": "me"}}}}, False),
        # Options of a connect have no labels, and so are not selected at all.
        ({"operation": "CONNECT", "obj": {"kind": "PodExecOptions"}}, False),
        ({"resource": NODES, "namespace": ""}, True),
        ({"resource": NAMESPACES, "namespace": "new", "obj": {"metadata": {"labels": {"team": "a"}}}}, True),
        ({"resource": NAMESPACES, "namespace": "new", "obj": {"metadata": {}}}, False),
    ],
)
async def test_selectors(api: Api, asked: Obj, selected: bool) -> None:
    await api.ok(
        "PATCH", "/api/v1/namespaces/default", {"metadata": {"labels": {"team": "a"}}},
        content_type="application/merge-patch+json",
    )  # fmt: skip
    matching = Matching(Tools(api.registry, api.clock, api.registry.random, api.registry.catalog))
    criteria = Criteria.of_webhook(
        {
            "rules": [rule(["*/*"])],
            "namespaceSelector": {"matchLabels": {"team": "a"}},
            "objectSelector": {"matchExpressions": [{"key": "skip", "operator": "DoesNotExist"}]},
        }
    )
    found = await matching.select(criteria, attributes(**asked))
    assert (found is not None) is selected
    with pytest.raises(NotFound, match='namespaces "nowhere" not found'):
        await matching.select(criteria, attributes(namespace="nowhere"))
