"""The table of group versions that are served elsewhere."""

import base64

import pytest

from kubepy.api.builtins import Catalog
from kubepy.apiserver.aggregation.routes import Documents, Routes, group_version_of, route_of


def api_service(available="True", **spec):
    spec = {
        "group": "example.io", "version": "v1", "groupPriorityMinimum": 10, "versionPriority": 5,
        "service": {"namespace": "ns", "name": "api", "port": 443}, **spec,
    }  # fmt: skip
    conditions = [{"type": "Available", "status": available}]
    return {
        "metadata": {"name": "v1.example.io"},
        "spec": spec,
        "status": {"conditions": conditions},
    }


@pytest.fixture
def routes():
    routes = Routes()
    routes.put(route_of(api_service()))
    return routes


def test_an_api_service_without_a_service_is_no_route():
    assert route_of(api_service(service=None)) is None


def test_a_route_is_what_the_api_service_says():
    route = route_of(api_service("False", caBundle=base64.b64encode(b"pem").decode()))
    assert (route.ca, route.is_available, route.service.host) == (b"pem", False, "api.ns.svc")
    assert route.root == "/apis/example.io/v1"


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("/apis/example.io/v1", True),
        ("/apis/example.io/v1/", True),
        ("/apis/example.io/v1/flunders", True),
        ("/apis/example.io/v1/namespaces/a/flunders/b/status", True),
        ("/apis/example.io", False),
        ("/apis/example.io/v2/flunders", False),
        ("/api/v1/pods", False),
        ("/version", False),
    ],
)
def test_what_is_routed(routes, make_request, target, found):
    assert (routes.of(make_request(target)) is not None) is found


def test_openapi_documents_are_routed(routes):
    assert routes.of_openapi("/openapi/v3/apis/example.io/v1") is not None
    assert routes.of_openapi("/openapi/v3/apis/apps/v1") is None


def test_generation_counts_what_documents_depend_on(routes):
    before = routes.generation
    routes.put(route_of(api_service()))
    assert routes.generation == before
    routes.put(route_of(api_service("False")))
    routes.learn(("example.io", "v1"), Documents({"resources": []}, "", True))
    routes.learn(("example.io", "v1"), Documents({"resources": []}, "", True))
    assert routes.generation == before + 2
    routes.learn(("nobody.io", "v1"), Documents(None, "", True))
    routes.drop(("nobody.io", "v1"))
    assert routes.generation == before + 2


def test_discovery_of_a_server_that_is_away_is_stale(routes):
    key = "example.io", "v1"
    assert routes.discovery_of(*key) == {"version": "v1", "freshness": "Stale"}
    routes.learn(key, Documents({"resources": [1]}, "/openapi/v3/x", True))
    assert routes.discovery_of(*key) == {"version": "v1", "resources": [1], "freshness": "Current"}
    assert routes.openapi_paths() == {"apis/example.io/v1": "/openapi/v3/x"}
    assert routes.discovery_of("apps", "v1") is None


def test_without_routes_the_groups_are_the_catalogs():
    groups = Catalog().groups()
    assert Routes().groups(groups) is groups


def test_names_of_api_services():
    assert group_version_of("v1.") == ("", "v1") and group_version_of("v1.a.b") == ("a.b", "v1")
