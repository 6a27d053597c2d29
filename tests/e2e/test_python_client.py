"""The official Python client, as scripts and operators use it."""

from __future__ import annotations

import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the client's own dependencies
    from kubernetes import client, config, watch
    from kubernetes.client import ApiException
    from kubernetes.dynamic import DynamicClient

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def core(cluster) -> client.CoreV1Api:
    return client.CoreV1Api(config.new_client_from_config(str(cluster.kubeconfig)))


@pytest.fixture(scope="module")
def apps(cluster) -> client.AppsV1Api:
    return client.AppsV1Api(config.new_client_from_config(str(cluster.kubeconfig)))


def pod(name: str) -> client.V1Pod:
    return client.V1Pod(
        metadata=client.V1ObjectMeta(name=name, labels={"app": "x"}),
        spec=client.V1PodSpec(containers=[client.V1Container(name="main", image="nginx")]),
    )


def test_create_watch_until_running_delete(core, namespace):
    version = core.list_namespaced_pod(namespace).metadata.resource_version
    core.create_namespaced_pod(namespace, pod("one"))
    phases = []
    for event in watch.Watch().stream(
        core.list_namespaced_pod, namespace, resource_version=version, timeout_seconds=30
    ):
        phases.append((event["type"], event["object"].status.phase))
        if phases[-1][1] == "Running":
            break
    assert phases[0] == ("ADDED", "Pending") and phases[-1] == ("MODIFIED", "Running")
    core.delete_namespaced_pod("one", namespace, grace_period_seconds=0)
    with pytest.raises(ApiException) as raised:
        core.read_namespaced_pod("one", namespace)
    assert raised.value.status == 404 and '"reason":"NotFound"' in raised.value.body


def test_watches_resume_where_they_were_and_end_in_time(core, namespace):
    first = core.create_namespaced_config_map(namespace, client.V1ConfigMap(metadata={"name": "a"}))
    core.create_namespaced_config_map(namespace, client.V1ConfigMap(metadata={"name": "b"}))
    core.delete_namespaced_config_map("a", namespace)
    stream = watch.Watch().stream(
        core.list_namespaced_config_map,
        namespace,
        resource_version=first.metadata.resource_version,
        timeout_seconds=1,
    )
    assert [(e["type"], e["object"].metadata.name) for e in stream] == [("ADDED", "b"), ("DELETED", "a")]


def test_paging_sees_one_moment(core, namespace):
    for number in range(7):
        core.create_namespaced_config_map(namespace, client.V1ConfigMap(metadata={"name": f"c{number}"}))
    page = core.list_namespaced_config_map(namespace, limit=3)
    names = [item.metadata.name for item in page.items]
    core.create_namespaced_config_map(namespace, client.V1ConfigMap(metadata={"name": "c9"}))
    assert page.metadata.remaining_item_count == 5  # with kube-root-ca.crt
    while page.metadata._continue:
        page = core.list_namespaced_config_map(namespace, limit=3, _continue=page.metadata._continue)
        names += [item.metadata.name for item in page.items]
    assert names == [*(f"c{n}" for n in range(7)), "kube-root-ca.crt"]


def test_a_stale_write_conflicts(core, namespace):
    made = core.create_namespaced_config_map(namespace, client.V1ConfigMap(metadata={"name": "a"}))
    made.data = {"x": "1"}
    core.replace_namespaced_config_map("a", namespace, made)
    with pytest.raises(ApiException) as raised:
        core.replace_namespaced_config_map("a", namespace, made)
    assert raised.value.status == 409 and "the object has been modified" in raised.value.body


def test_a_deployment_scales_through_its_subresource(apps, core, namespace):
    template = client.V1PodTemplateSpec(metadata=client.V1ObjectMeta(labels={"app": "x"}), spec=pod("x").spec)
    spec = client.V1DeploymentSpec(
        replicas=1, selector=client.V1LabelSelector(match_labels={"app": "x"}), template=template
    )
    apps.create_namespaced_deployment(namespace, client.V1Deployment(metadata={"name": "web"}, spec=spec))
    scale = apps.patch_namespaced_deployment_scale("web", namespace, {"spec": {"replicas": 3}})
    assert scale.spec.replicas == 3
    for event in watch.Watch().stream(apps.list_namespaced_deployment, namespace, timeout_seconds=30):
        if event["object"].status.ready_replicas == 3:
            break
    else:
        pytest.fail("three replicas were never ready")
    assert apps.read_namespaced_deployment_scale("web", namespace).status.selector == "app=x"


def test_discovery_as_clients_without_aggregation_do_it(core):
    api = core.api_client
    groups = client.ApisApi(api).get_api_versions()
    assert "apps" in [group.name for group in groups.groups]
    resources = client.AppsV1Api(api).get_api_resources()
    assert "deployments/scale" in [resource.name for resource in resources.resources]
    assert client.VersionApi(api).get_code().git_version.startswith("v1.37")


GADGETS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "gadgets.client.example.com"},
    "spec": {
        "group": "client.example.com",
        "scope": "Namespaced",
        "names": {"plural": "gadgets", "singular": "gadget", "kind": "Gadget", "listKind": "GadgetList"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {
                    "status": {},
                    "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"},
                },
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {"type": "object", "properties": {"replicas": {"type": "integer"}}},
                            "status": {"type": "object", "properties": {"replicas": {"type": "integer"}}},
                        },
                    }
                },
            }
        ],
    },
}


@pytest.fixture(scope="module")
def gadgets(cluster) -> client.ApiClient:
    api = config.new_client_from_config(str(cluster.kubeconfig))
    definitions = client.ApiextensionsV1Api(api)
    definitions.create_custom_resource_definition(GADGETS)
    for event in watch.Watch().stream(definitions.list_custom_resource_definition, timeout_seconds=30):
        conditions = (event["object"].status and event["object"].status.conditions) or []
        if event["object"].metadata.name == GADGETS["metadata"]["name"] and any(
            condition.type == "Established" and condition.status == "True" for condition in conditions
        ):
            break
    yield api
    definitions.delete_custom_resource_definition(GADGETS["metadata"]["name"])


def gadget(name: str, replicas: int = 1) -> dict:
    return {
        "apiVersion": "client.example.com/v1",
        "kind": "Gadget",
        "metadata": {"name": name, "labels": {"app": "g"}},
        "spec": {"replicas": replicas},
    }


def test_custom_objects_are_dicts(gadgets, namespace):
    custom = client.CustomObjectsApi(gadgets)
    at = ("client.example.com", "v1", namespace, "gadgets")
    assert custom.create_namespaced_custom_object(*at, gadget("a"))["metadata"]["generation"] == 1
    custom.create_namespaced_custom_object(*at, gadget("b"))
    listed = custom.list_namespaced_custom_object(*at, label_selector="app=g")
    assert [item["metadata"]["name"] for item in listed["items"]] == ["a", "b"]
    assert custom.patch_namespaced_custom_object(*at, "a", {"spec": {"replicas": 3}})["spec"] == {
        "replicas": 3
    }
    status = custom.patch_namespaced_custom_object_status(*at, "a", {"status": {"replicas": 2}})
    assert (status["spec"], status["status"]) == ({"replicas": 3}, {"replicas": 2})
    scale = custom.get_namespaced_custom_object_scale(*at, "a")
    assert (scale["kind"], scale["spec"], scale["status"]) == ("Scale", {"replicas": 3}, {"replicas": 2})
    custom.patch_namespaced_custom_object_scale(*at, "a", {"spec": {"replicas": 5}})
    found = custom.get_namespaced_custom_object(*at, "a")
    assert found["spec"] == {"replicas": 5}
    found["metadata"]["resourceVersion"] = "1"
    with pytest.raises(ApiException) as raised:
        custom.replace_namespaced_custom_object(*at, "a", found)
    assert raised.value.status == 409
    events = watch.Watch().stream(
        custom.list_namespaced_custom_object,
        *at,
        resource_version=listed["metadata"]["resourceVersion"],
        timeout_seconds=1,
    )
    assert [event["type"] for event in events] == ["MODIFIED"] * 3
    custom.delete_namespaced_custom_object(*at, "a")
    custom.delete_collection_namespaced_custom_object(*at)
    assert custom.list_namespaced_custom_object(*at)["items"] == []


def test_the_dynamic_client_finds_custom_kinds(gadgets, namespace):
    kinds = DynamicClient(gadgets).resources.get(api_version="client.example.com/v1", kind="Gadget")
    assert (kinds.name, kinds.namespaced, sorted(kinds.subresources)) == (
        "gadgets",
        True,
        ["scale", "status"],
    )
    made = kinds.create(gadget("d"), namespace=namespace)
    assert made.spec.replicas == 1
    applied = kinds.server_side_apply(
        gadget("d", 4), namespace=namespace, name="d", field_manager="e2e", force_conflicts=True
    )
    assert applied.spec.replicas == 4
    assert kinds.scale.get(name="d", namespace=namespace).spec.replicas == 4
    seen = kinds.watch(namespace=namespace, resource_version=made.metadata.resourceVersion, timeout=1)
    assert [event["type"] for event in seen] == ["MODIFIED"]
    kinds.delete(name="d", namespace=namespace)
    assert kinds.get(namespace=namespace).items == []


def test_a_quota_holds_exactly_against_64_at_once(core, namespace, cluster):
    """Each over a connection of its own, while pods come and go; what is used is what is there."""
    hard = {"pods": "20", "count/configmaps": "30", "requests.cpu": "5"}
    quota = client.V1ResourceQuota(metadata={"name": "q"}, spec=client.V1ResourceQuotaSpec(hard=hard))
    core.create_namespaced_resource_quota(namespace, quota)

    def used() -> dict[str, str]:
        return core.read_namespaced_resource_quota("q", namespace).status.used or {}

    cluster.wait("the quota to be counted", lambda: set(used()) == set(hard))

    def create(number: int) -> str:
        body = pod(f"p-{number}")
        body.spec.containers[0].resources = client.V1ResourceRequirements(requests={"cpu": "250m"})
        own = client.CoreV1Api(config.new_client_from_config(str(cluster.kubeconfig)))
        try:
            own.create_namespaced_pod(namespace, body)
        except ApiException as error:
            assert error.status == 403 and "exceeded quota: q" in error.body
            return "refused"
        return "created"

    with ThreadPoolExecutor(64) as threads:
        outcomes = Counter(threads.map(create, range(64)))
    assert outcomes == {"created": 20, "refused": 44}
    assert used()["pods"] == "20" and used()["requests.cpu"] == "5"
    assert len(core.list_namespaced_pod(namespace).items) == 20
    core.delete_collection_namespaced_pod(namespace, grace_period_seconds=0)
    cluster.wait(
        "the quota to be counted anew", lambda: (used()["pods"], used()["requests.cpu"]) == ("0", "0")
    )
