"""OpenAPI documents: references resolve, and what kubectl looks for is there. golden: facts of upstream's documents."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from kubepy.api import enums, openapi, shapes
from kubepy.api.builtins import Catalog, Resource
from kubepy.api.objects import Obj
from kubepy.api.schema import Schemas


@pytest.fixture(scope="module")
def apps() -> Obj:
    return openapi.v3_document(Catalog(), Schemas(), "apps", "v1")


@pytest.fixture(scope="module")
def v2() -> Obj:
    return openapi.v2_document(Catalog(), Schemas())


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def component(document: Obj, name: str) -> Obj:
    return document["components"]["schemas"][name]


@pytest.mark.parametrize(
    ("group", "version"), [(gv.group, v) for gv in Catalog().groups() for v in gv.versions]
)
def test_every_reference_of_v3_resolves(group: str, version: str) -> None:
    document = openapi.v3_document(Catalog(), Schemas(), group, version)
    names = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) <= names
    identifiers = [
        operation["operationId"]
        for path in document["paths"].values()
        for method, operation in path.items()
        if method != "parameters"
    ]
    assert len(identifiers) == len(set(identifiers))


def test_every_reference_of_v2_resolves(v2: Obj) -> None:
    there = {f"#/{section}/{name}" for section in ("definitions", "parameters") for name in v2[section]}
    assert set(references(v2)) <= there


def test_v2_has_once_what_many_paths_take(v2: Obj) -> None:
    item = v2["paths"]["/api/v1/namespaces/{namespace}/configmaps/{name}"]
    name, namespace, pretty = item["parameters"]
    assert name["description"] == "name of the ConfigMap"
    # The names are those of a kube-apiserver.
    assert namespace == {"$ref": "#/parameters/namespace-vgWSWtn3"}
    assert pretty == {"$ref": "#/parameters/pretty-tJGM1-ng"}
    assert item["patch"]["parameters"][0] == {"$ref": "#/parameters/body-78PwaGsr"}
    assert v2["parameters"]["body-78PwaGsr"]["schema"] == {
        "$ref": "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.Patch"
    }
    assert item["get"]["produces"] == [
        "application/json", "application/yaml", "application/vnd.kubernetes.protobuf",
    ]  # fmt: skip


def test_watches_by_path(apps: Obj) -> None:
    root = "/apis/apps/v1/watch"
    found = {
        path: (item["get"]["operationId"], item["get"]["x-kubernetes-action"])
        for path, item in apps["paths"].items()
        if path.startswith(root) and "deployments" in path
    }
    inside = f"{root}/namespaces/{{namespace}}/deployments"
    assert found == {
        f"{root}/deployments": ("watchAppsV1DeploymentListForAllNamespaces", "watchlist"),
        inside: ("watchAppsV1NamespacedDeploymentList", "watchlist"),
        f"{inside}/{{name}}": ("watchAppsV1NamespacedDeployment", "watch"),
    }
    answers = apps["paths"][inside]["get"]["responses"]["200"]["content"]
    assert "application/vnd.kubernetes.protobuf;stream=watch" in answers
    assert answers["application/json"] == {
        "schema": {"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent"}
    }


def test_schemas_are_what_kubernetes_publishes(apps: Obj) -> None:
    spec = component(apps, "io.k8s.api.apps.v1.DeploymentSpec")
    assert spec["type"] == "object"
    assert spec["required"] == ["selector", "template"]
    strategy = dict(spec["properties"]["strategy"])
    assert strategy.pop("description").startswith("The deployment strategy")
    assert strategy == {
        "allOf": [{"$ref": "#/components/schemas/io.k8s.api.apps.v1.DeploymentStrategy"}],
        "default": {},
        "x-kubernetes-patch-strategy": "retainKeys",
    }
    ports = dict(component(apps, "io.k8s.api.core.v1.Container")["properties"]["ports"])
    assert ports.pop("description")
    assert ports == {
        "items": {"$ref": "#/components/schemas/io.k8s.api.core.v1.ContainerPort"},
        "type": "array",
        "x-kubernetes-list-map-keys": ["containerPort", "protocol"],
        "x-kubernetes-list-type": "map",
        "x-kubernetes-patch-merge-key": "containerPort",
        "x-kubernetes-patch-strategy": "merge",
    }
    assert component(apps, "io.k8s.api.core.v1.ContainerPort")["properties"]["protocol"]["default"] == "TCP"
    assert component(apps, "io.k8s.api.core.v1.Container")["properties"]["name"]["default"] == ""
    assert "enum" not in component(apps, "io.k8s.api.apps.v1.Deployment")["properties"]["kind"]


def test_quantity_and_int_or_string_are_restored(apps: Obj, v2: Obj) -> None:
    quantity, either = (
        "io.k8s.apimachinery.pkg.api.resource.Quantity",
        "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
    )
    assert component(apps, quantity)["oneOf"] == [{"type": "string"}, {"type": "number"}]
    assert component(apps, either)["oneOf"] == [{"type": "integer"}, {"type": "string"}]
    assert v2["definitions"][quantity]["type"] == "string"
    assert (v2["definitions"][either]["type"], v2["definitions"][either]["format"]) == (
        "string",
        "int-or-string",
    )


def test_kubectl_learns_that_fields_are_validated(apps: Obj, v2: Obj) -> None:
    path = "/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
    for document in (apps, v2):
        patch = document["paths"][path]["patch"]
        assert "fieldValidation" in {parameter.get("name") for parameter in patch["parameters"]}
        assert patch["x-kubernetes-action"] == "patch"
        assert patch["x-kubernetes-group-version-kind"] == {
            "group": "apps",
            "kind": "Deployment",
            "version": "v1",
        }
    content = apps["paths"][path]["patch"]["requestBody"]["content"]
    assert {"application/merge-patch+json", "application/strategic-merge-patch+json"} <= set(content)


@pytest.mark.parametrize(
    ("path", "method", "identifier", "action"),
    [
        ("/api/v1/", "get", "getCoreV1APIResources", None),
        ("/api/v1/pods", "get", "listCoreV1PodForAllNamespaces", "list"),
        ("/api/v1/namespaces/{namespace}/pods", "get", "listCoreV1NamespacedPod", "list"),
        ("/api/v1/namespaces/{namespace}/pods", "post", "createCoreV1NamespacedPod", "post"),
        (
            "/api/v1/namespaces/{namespace}/pods",
            "delete",
            "deleteCoreV1CollectionNamespacedPod",
            "deletecollection",
        ),
        ("/api/v1/namespaces/{namespace}/pods/{name}", "put", "replaceCoreV1NamespacedPod", "put"),
        ("/api/v1/namespaces/{namespace}/pods/{name}/log", "get", "readCoreV1NamespacedPodLog", "get"),
        (
            "/api/v1/namespaces/{namespace}/pods/{name}/exec",
            "post",
            "connectCoreV1PostNamespacedPodExec",
            "connect",
        ),
        (
            "/api/v1/namespaces/{namespace}/pods/{name}/eviction",
            "post",
            "createCoreV1NamespacedPodEviction",
            "post",
        ),
        ("/api/v1/nodes/{name}/status", "patch", "patchCoreV1NodeStatus", "patch"),
        (
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/{name}",
            "get",
            "readRbacAuthorizationV1ClusterRole",
            "get",
        ),
    ],
)
def test_operations_are_named_as_upstream_names_them(
    v2: Obj, path: str, method: str, identifier: str, action: str | None
) -> None:
    operation = v2["paths"][path][method]
    assert (operation["operationId"], operation.get("x-kubernetes-action")) == (identifier, action)


def test_custom_resources_are_free_form() -> None:
    catalog = Catalog()
    catalog.add(Resource("stable.example.com", "v1", "CronTab", "crontabs", "crontab", True, custom=True))
    document = openapi.v3_document(catalog, Schemas(), "stable.example.com", "v1")
    schema = document["components"]["schemas"]["com.example.stable.v1.CronTab"]
    gvk = {"group": "stable.example.com", "kind": "CronTab", "version": "v1"}
    assert schema["x-kubernetes-group-version-kind"] == [gvk]
    patch = document["paths"]["/apis/stable.example.com/v1/namespaces/{namespace}/crontabs/{name}"]["patch"]
    assert "application/strategic-merge-patch+json" not in patch["requestBody"]["content"]


@pytest.mark.parametrize("path", openapi.roots(Catalog()))
def test_what_is_no_group_version_has_a_document(path: str) -> None:
    document = openapi.v3_root(Schemas(), path)
    assert list(document["paths"]) == [f"/{path}/"]
    names = document["components"].get("schemas", {})
    assert set(references(document)) == {f"#/components/schemas/{name}" for name in names}


@pytest.mark.parametrize(
    ("definition", "field", "values"),
    [
        ("io.k8s.api.core.v1.Container", "imagePullPolicy", ["Always", "IfNotPresent", "Never"]),
        ("io.k8s.api.certificates.v1.CertificateSigningRequestSpec", "usages", None),
    ],
)
def test_values_of_fields_are_told(v2: Obj, definition: str, field: str, values: list[str] | None) -> None:
    shape = v2["definitions"][definition]["properties"][field]
    if values is None:
        assert "client auth" in shape["items"]["enum"]
        assert "enum" not in shape
    else:
        assert shape["enum"] == values
        assert '\n\nPossible enum values:\n - `"Always"` means that kubelet always' in shape["description"]


@pytest.mark.parametrize(
    ("definition", "field", "end"),
    [
        (
            "io.k8s.api.resource.v1.DeviceSubRequest",
            "allocationMode",
            "unknown modes.\n\n\nPossible enum values:\n",
        ),
        ("io.k8s.api.core.v1.Container", "imagePullPolicy", "#updating-images\n\nPossible enum values:\n"),
    ],
)
def test_values_follow_as_many_lines_as_in_the_published_text(
    v2: Obj, definition: str, field: str, end: str
) -> None:
    assert end in v2["definitions"][definition]["properties"][field]["description"]


def test_v2_names_every_version_that_a_kind_of_all_groups_is_known_in(v2: Obj, apps: Obj) -> None:
    name = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"
    groups = [gvk["group"] for gvk in v2["definitions"][name]["x-kubernetes-group-version-kind"]]
    assert {"imagepolicy.k8s.io", "apps", ""} <= set(groups)
    of_apps = apps["components"]["schemas"][name]["x-kubernetes-group-version-kind"]
    assert [(gvk["group"], gvk["version"]) for gvk in of_apps] == [("", "v1"), ("apps", "v1")]


def test_every_field_with_values_is_one() -> None:
    """Of the release that the table is of."""
    known = shapes.load("1.36")
    for definition, fields in enums.read().items():
        if definition in known:
            assert set(fields) <= set(known[definition]["properties"]), definition


def test_what_all_operations_take_is_said_once(apps: Obj) -> None:
    item = apps["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]
    assert [each["name"] for each in item["parameters"]] == ["name", "namespace", "pretty"]
    assert [each["name"] for each in item["patch"]["parameters"]] == [
        "dryRun", "fieldManager", "fieldValidation", "force",
    ]  # fmt: skip
    assert "parameters" not in item["get"]


def test_documents_are_json(apps: Obj, v2: Obj) -> None:
    assert orjson.loads(orjson.dumps(apps)) == apps
    assert orjson.loads(orjson.dumps(v2)) == v2
