"""Hints: close to the clients, or in proportion to the CPUs of the zones."""

from __future__ import annotations

from typing import Any

import pytest

from kubepy.api.objects import Key
from kubepy.controllers import endpoint_hints
from kubepy.controllers.endpoint_hints import Family, Topology

KEY = Key("default", "web")
AUTO = {"service.kubernetes.io/topology-mode": "Auto"}


def service(annotations: Any = None, distribution: str | None = None) -> Any:
    spec = {"trafficDistribution": distribution} if distribution else {}
    return {
        "metadata": {"name": "web", "namespace": "default", "annotations": annotations or {}},
        "spec": spec,
    }


def endpoint(zone: str = "", *, hint: str = "", node: str = "n1", ready: bool = True) -> Any:
    made: Any = {"addresses": ["10.1.0.1"], "conditions": {"ready": ready}, "nodeName": node}
    if zone:
        made["zone"] = zone
    return made | ({"hints": {"forZones": [{"name": hint}]}} if hint else {})


def slice_(*endpoints: Any, name: str = "s1") -> Any:
    return {"metadata": {"name": name}, "endpoints": list(endpoints)}


def node(zone: str, cpu: str = "1", *, ready: bool = True, **labels: str) -> Any:
    labels = {"topology.kubernetes.io/zone": zone, **labels} if zone else labels
    return {
        "metadata": {"name": "n", "labels": labels},
        "status": {
            "allocatable": {"cpu": cpu},
            "conditions": [{"type": "Ready", "status": str(ready)}],
        },
    }


def hints(slices: list[Any]) -> list[str]:
    """The first zone of each endpoint."""
    found = [each.get("hints", {}).get("forZones") for one in slices for each in one["endpoints"]]
    return [zones[0]["name"] if zones else "" for zones in found]


# Source: trafficdist_test.go, TestReconcileHints.
@pytest.mark.parametrize(
    ("distribution", "given", "expected"),
    [
        ("PreferClose", endpoint("a"), {"forZones": [{"name": "a"}]}),
        ("PreferSameZone", endpoint("a", hint="b"), {"forZones": [{"name": "a"}]}),
        ("PreferSameNode", endpoint("a"), {"forZones": [{"name": "a"}], "forNodes": [{"name": "n1"}]}),
        ("PreferSameNode", endpoint(""), {"forNodes": [{"name": "n1"}]}),
        ("PreferClose", endpoint(""), None),
        ("PreferClose", endpoint("", hint="b"), None),
        ("PreferClose", endpoint("a", ready=False), None),
        ("PreferClose", endpoint("a", hint="b", ready=False), {"forZones": [{"name": "b"}]}),
        (None, endpoint("a", hint="a"), None),
        ("Elsewhere", endpoint("a", hint="a"), None),
    ],
)
def test_close_is_the_own_zone_or_node(distribution: str | None, given: Any, expected: Any) -> None:
    family = Family(create=[slice_(given)])
    assert Topology().hint(KEY, service(distribution=distribution), "IPv4", family) == []
    assert family.create[0]["endpoints"][0].get("hints") == expected


def test_only_slices_with_other_hints_are_written() -> None:
    right, wrong = slice_(endpoint("a", hint="a")), slice_(endpoint("b", hint="a"), name="s2")
    family = Family(unchanged=[right, wrong])
    Topology().hint(KEY, service(distribution="PreferClose"), "IPv4", family)
    assert (family.unchanged, hints(family.update)) == ([right], ["b"])
    assert hints([wrong]) == ["a"], "what the cache holds is left alone"


# Source: topologycache_test.go, TestSetNodes.
@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([], {}),
        ([node("a")], {}),
        ([node("a"), node("b")], {"a": 0.5, "b": 0.5}),
        ([node("a"), node("b"), node("c", "2")], {"a": 0.25, "b": 0.25, "c": 0.5}),
        ([node("a"), node("b"), node("b", ready=False)], {"a": 0.5, "b": 0.5}),
        ([node("a"), node("b"), node("", "1")], {}),
        ([node("a"), node("b", "0")], {}),
        ([node("a"), node("b"), node("b", **{"node-role.kubernetes.io/control-plane": ""})], {"a": 0.5, "b": 0.5}),
    ],
)  # fmt: skip
def test_zones_have_the_shares_of_their_cpus(nodes: list[Any], expected: dict[str, float]) -> None:
    assert endpoint_hints.cpu_ratios(nodes) == expected


EVEN = [node("a"), node("b")]
ODD = [node("a", "100m"), node("b", "1000m"), node("c", "1000m")]


# Source: topologycache_test.go, TestAddHints.
@pytest.mark.parametrize(
    ("nodes", "endpoints", "expected", "told"),
    [
        (EVEN, [endpoint("a"), endpoint("b")], ["a", "b"], "Topology Aware Hints has been enabled"),
        (EVEN, [endpoint("a"), endpoint("b"), endpoint("b", ready=False)], ["a", "b", ""],
         "Topology Aware Hints has been enabled"),
        (EVEN, [endpoint("a"), endpoint("a"), endpoint("a"), endpoint("a")], ["b", "b", "a", "a"],
         "Topology Aware Hints has been enabled"),
        (EVEN, [endpoint("a")], [""], "Insufficient number of endpoints (1 endpoints, 2 zones)"),
        (EVEN, [endpoint("a"), endpoint("")], ["", ""], "One or more endpoints do not have a zone specified"),
        ([], [endpoint("a"), endpoint("b")], ["", ""],
         "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes"),
        (ODD, [endpoint("a"), endpoint("b"), endpoint("c"), endpoint("c")], ["", "", "", ""],
         "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold "
         "(4 endpoints, 3 zones)"),
    ],
)  # fmt: skip
def test_zones_get_endpoints_in_proportion_or_none_do(
    nodes: list[Any], endpoints: list[Any], expected: list[str], told: str
) -> None:
    topology = Topology()
    topology.set_nodes(nodes)
    family = Family(create=[slice_(*endpoints)])
    (event,) = topology.hint(KEY, service(AUTO), "IPv4", family)
    assert hints(family.create) == expected
    assert event.message == f"{told}, addressType: IPv4"
    assert (event.type == "Normal") is topology.is_used is told.endswith("enabled")


def test_what_has_its_share_stays_and_is_told_once() -> None:
    topology = Topology()
    topology.set_nodes(EVEN)
    first = Family(create=[slice_(endpoint("a"), endpoint("b"))])
    assert len(topology.hint(KEY, service(AUTO), "IPv4", first)) == 1
    again = Family(unchanged=first.create)
    assert topology.hint(KEY, service(AUTO), "IPv4", again) == []
    assert (again.update, again.unchanged) == ([], first.create)


def test_a_service_with_too_few_where_the_cpus_are_is_looked_at_again() -> None:
    topology = Topology()
    topology.set_nodes(EVEN)
    topology.hint(KEY, service(AUTO), "IPv4", Family(create=[slice_(endpoint("a"), endpoint("b"))]))
    assert topology.overloaded() == []
    topology.set_nodes([node("a"), node("c")])
    assert topology.overloaded() == [KEY]
    topology.forget(KEY)
    assert not topology.is_used


def test_hints_go_with_the_annotation() -> None:
    topology = Topology()
    topology.set_nodes(EVEN)
    first = Family(create=[slice_(endpoint("a"), endpoint("b"))])
    topology.hint(KEY, service(AUTO), "IPv4", first)
    after = Family(unchanged=first.create)
    (event,) = topology.hint(KEY, service(), "IPv4", after)
    assert event.message == "Topology Aware Hints has been disabled, addressType: IPv4"
    assert hints(after.update) == ["", ""] and not after.unchanged


@pytest.mark.parametrize(
    ("annotations", "wants"),
    [
        ({}, False),
        (AUTO, True),
        ({"service.kubernetes.io/topology-mode": "disabled"}, False),
        ({"service.kubernetes.io/topology-aware-hints": "auto"}, True),
        ({"service.kubernetes.io/topology-aware-hints": "Disabled", **AUTO}, False),
    ],
)
def test_the_older_annotation_goes_first(annotations: dict[str, str], wants: bool) -> None:
    assert endpoint_hints.wants_topology(service(annotations)) is wants
