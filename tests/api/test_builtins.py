"""The table against golden/discovery.json: what discovery of 1.36 says, and what 1.37 made stable."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from kubepy.api import builtins
from kubepy.api.builtins import BUILTINS, Catalog
from kubepy.api.resources import Resource, Subresource

BINDINGS = Catalog().get("", "v1", "bindings")
EVENTS_V1 = Catalog().get("events.k8s.io", "v1", "events")
HORIZONTAL_POD_AUTOSCALERS_V1 = Catalog().get("autoscaling", "v1", "horizontalpodautoscalers")
FACTS = json.loads((Path(__file__).parent / "golden" / "discovery.json").read_text())


def _sub(resource: Resource, sub: Subresource) -> list[object]:
    return ["/".join(part for part in (sub.group, sub.version, sub.kind) if part), sorted(sub.verbs)]


def _fact(row: Resource) -> dict[str, object]:
    return {
        "kind": row.kind,
        "singular": row.singular,
        "scope": "Namespaced" if row.namespaced else "Cluster",
        "verbs": sorted(row.verbs),
        "short": list(row.short_names),
        "categories": list(row.categories),
        "subresources": {sub.name: _sub(row, sub) for sub in row.subresources},
    }


@pytest.mark.parametrize("api_version", FACTS["resources"])
def test_rows_are_what_discovery_says(api_version: str) -> None:
    rows = {row.plural: _fact(row) for row in BUILTINS if row.api_version == api_version}
    assert rows == FACTS["resources"][api_version]
    assert list(rows) == sorted(rows)


def test_no_group_version_beyond_the_facts_is_served() -> None:
    assert {row.api_version for row in BUILTINS} == set(FACTS["resources"])


def test_groups_come_in_discovery_order_core_first() -> None:
    groups = Catalog().groups()
    assert [entry.group for entry in groups] == FACTS["order"]
    assert next(entry for entry in groups if entry.group == "autoscaling").versions == ("v2", "v1")
    assert all(entry.preferred == entry.versions[0] for entry in groups)


def test_constants_name_their_rows() -> None:
    assert builtins.PODS.path("default", "web-0", "log") == "/api/v1/namespaces/default/pods/web-0/log"
    assert builtins.DEPLOYMENTS.api_version == "apps/v1"
    named = {
        id(value) for name, value in vars(builtins).items() if isinstance(value, Resource) and name.isupper()
    }
    assert named <= {id(row) for row in (*BUILTINS, *builtins.OPTIONAL)}


def test_lookup_by_plural_and_by_kind() -> None:
    catalog = Catalog()
    assert catalog.get("apps", "v1", "deployments") is builtins.DEPLOYMENTS
    assert catalog.get("apps", "v1beta1", "deployments") is None
    assert catalog.by_kind("v1", "Pod") is builtins.PODS
    assert catalog.by_kind("v1", "Deployment") is None


def test_versions_of_one_resource_share_their_storage() -> None:
    catalog = Catalog()
    assert catalog.storage(EVENTS_V1) is builtins.EVENTS
    assert catalog.storage(HORIZONTAL_POD_AUTOSCALERS_V1) is builtins.HORIZONTAL_POD_AUTOSCALERS
    assert catalog.storage(builtins.PODS) is builtins.PODS


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (builtins.PODS, "xPOwRZ+Yhw8="),
        (EVENTS_V1, "r2yiGXH7wu8="),
        (HORIZONTAL_POD_AUTOSCALERS_V1, "qwQve8ut294="),
        (BINDINGS, ""),
        (builtins.COMPONENT_STATUSES, ""),
    ],
)
def test_storage_version_hash_is_kubernetes_own(row: Resource, expected: str) -> None:
    assert Catalog().storage_version_hash(row) == expected


def test_custom_resources_come_and_go() -> None:
    catalog = Catalog()
    before = catalog.generation
    custom = Resource("stable.example.com", "v1beta1", "CronTab", "crontabs", "crontab", True, custom=True)
    catalog.add(custom)
    catalog.add(replace(custom, version="v1"))
    assert catalog.generation > before
    assert catalog.groups()[-1] == ("stable.example.com", ("v1", "v1beta1"))
    catalog.remove(custom)
    assert catalog.by_kind("stable.example.com/v1beta1", "CronTab") is None
    assert [row.version for row in catalog.resources("stable.example.com", "v1")] == ["v1"]


def test_replacing_a_row_forgets_its_old_kind() -> None:
    catalog = Catalog([])
    custom = Resource("example.com", "v1", "Old", "things", "thing", True)
    catalog.add(custom)
    catalog.add(replace(custom, kind="New"))
    assert catalog.by_kind("example.com/v1", "Old") is None
    assert len(catalog) == 1


def test_versions_are_preferred_as_kubernetes_does() -> None:
    """The example of the Kubernetes documentation on CRD version priority."""
    ordered = ["v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1", "v12alpha1", "v11alpha2", "foo1", "x"]
    assert sorted(set(ordered), key=builtins.version_rank) == ordered
