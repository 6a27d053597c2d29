"""What schemas put into objects, what they compile to, and how they say that fields merge."""

import pytest

from kubepy.api.builtins import (
    BUILTINS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    PODS,
    REPLICA_SETS,
    SERVICES,
    Resource,
)
from kubepy.api.objects import Obj, copy
from kubepy.api.schema import Schemas
from tests.api.test_decoding import deployment, pod

# -- defaulting: what Go writes although nobody gave it ----------------------------------------------------------


def test_structs_that_are_no_pointers_are_always_there(schemas: Schemas) -> None:
    obj = deployment(selector={}, template={"spec": {"containers": [{"image": "nginx"}]}})
    kind = schemas.of(DEPLOYMENTS)
    kind.decode(obj)
    kind.default(obj)
    assert obj["status"] == {}
    assert obj["spec"]["template"]["metadata"] == {}
    container = obj["spec"]["template"]["spec"]["containers"][0]
    assert (container["name"], container["resources"]) == ("", {})


@pytest.mark.parametrize(
    ("resource", "status"),
    [(SERVICES, {"loadBalancer": {}}), (REPLICA_SETS, {"replicas": 0}), (CONFIG_MAPS, None)],
)
def test_zero_is_the_status_of_a_new_object(schemas: Schemas, resource: Resource, status: Obj | None) -> None:
    assert schemas.of(resource).zero("status") == status


def test_objects_do_not_share_what_defaulting_put_there(schemas: Schemas) -> None:
    one, two = pod(), pod()
    for obj in (one, two):
        schemas.of(PODS).default(obj)
    one["spec"]["securityContext"]["runAsUser"] = 1
    one["spec"]["containers"][0]["resources"]["limits"] = {}
    assert two["spec"]["securityContext"] == {}
    assert two["spec"]["containers"][0]["resources"] == {}


@pytest.mark.parametrize("resource", BUILTINS, ids=lambda row: f"{row.group_resource}/{row.version}")
def test_every_kind_compiles_and_decoding_what_was_defaulted_changes_nothing(
    schemas: Schemas, resource: Resource
) -> None:
    obj = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": "a"}, "spec": {}}
    kind = schemas.of(resource)
    kind.decode(obj)
    kind.default(obj)
    once = copy(obj)
    assert kind.decode(obj).unknown == []
    kind.default(obj)
    assert obj == once


@pytest.mark.parametrize("version", ["1.30", "1.34", "1.36"])
def test_other_versions_of_kubernetes_compile(version: str) -> None:
    obj = pod()
    assert Schemas(version).of(PODS).decode(obj).unknown == []


def test_a_version_without_definitions_is_named() -> None:
    with pytest.raises(ValueError, match=r"no definitions of Kubernetes 0\.9; there are 1\.25,"):
        _ = Schemas("0.9").definitions


# -- strategic merge patch ---------------------------------------------------------------------------------------


def test_patch_meta_tells_how_fields_merge(schemas: Schemas) -> None:
    spec = schemas.patch_meta(DEPLOYMENTS).field("spec")
    assert spec is not None and spec.meta is not None
    strategy = spec.meta.field("strategy")
    assert strategy is not None and strategy.strategies == {"retainKeys"}
    template = spec.meta.field("template")
    assert template is not None and template.meta is not None
    pod_spec = template.meta.field("spec")
    assert pod_spec is not None and pod_spec.meta is not None
    containers = pod_spec.meta.field("containers")
    assert containers is not None
    assert (containers.is_list, containers.strategies, containers.merge_key) == (True, {"merge"}, "name")
    assert containers.meta is not None
    ports = containers.meta.field("ports")
    assert ports is not None and ports.merge_key == "containerPort"
    assert containers.meta.field("nothing") is None


def test_patch_meta_knows_both_strategies_of_volumes(schemas: Schemas) -> None:
    volumes = schemas.patch_meta("io.k8s.api.core.v1.PodSpec").field("volumes")
    assert volumes is not None and volumes.strategies == {"merge", "retainKeys"}


def test_patch_meta_of_recursive_definitions_is_lazy(schemas: Schemas) -> None:
    props = schemas.patch_meta("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps")
    properties = props.field("properties")
    assert properties is not None and properties.meta is not None
    assert properties.meta.field("properties") is not None
