"""Decoding against what kube-apiserver does with the same bodies."""

from typing import Any

import orjson
import pytest

from kubepy.api.builtins import (
    CUSTOM_RESOURCE_DEFINITIONS,
    DAEMON_SETS,
    DEPLOYMENTS,
    LEASES,
    PODS,
    SECRETS,
    Resource,
)
from kubepy.api.errors import BadRequest
from kubepy.api.objects import Obj, copy
from kubepy.api.schema import Schemas


def pod(**container: Any) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web"},
        "spec": {"containers": [{"name": "app", "image": "nginx", **container}]},
    }


def deployment(**spec: Any) -> Obj:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def refusal(schemas: Schemas, resource: Resource, obj: Any, body: bytes = b"") -> str:
    with pytest.raises(BadRequest) as refused:
        schemas.of(resource).decode(obj, body)
    return refused.value.message


# -- pruning ----------------------------------------------------------------------------------------------------


def test_unknown_fields_are_dropped_and_reported_in_document_order(schemas: Schemas) -> None:
    obj = deployment(
        foo=1, template={"spec": {"containers": [{"name": "a"}, {"name": "b", "bar": {}}], "Replicas": 2}}
    )
    findings = schemas.of(DEPLOYMENTS).decode(obj)
    assert findings.unknown == [
        "spec.foo",
        "spec.template.spec.containers[1].bar",
        "spec.template.spec.Replicas",
    ]
    assert obj["spec"] == {"template": {"spec": {"containers": [{"name": "a"}, {"name": "b"}]}}}


def test_nulls_are_as_good_as_absent(schemas: Schemas) -> None:
    obj = pod(ports=None, env=[None], resources={"limits": {"cpu": None}})
    obj["metadata"] |= {"creationTimestamp": None, "labels": {"a": None}}
    assert schemas.of(PODS).decode(obj).unknown == []
    assert obj["metadata"] == {"name": "web", "labels": {"a": ""}}
    assert obj["spec"]["containers"][0] == {
        "name": "app",
        "image": "nginx",
        "env": [{}],
        "resources": {"limits": {"cpu": "0"}},
    }


def test_zero_values_of_omitempty_fields_vanish_but_pointers_and_structs_stay(schemas: Schemas) -> None:
    obj = pod(stdin=False, command=[], securityContext={"privileged": False, "runAsUser": 0})
    obj["metadata"] |= {"labels": {}, "annotations": {}, "finalizers": [], "generateName": ""}
    obj["spec"] |= {
        "hostNetwork": False,
        "terminationGracePeriodSeconds": 0,
        "volumes": [{"name": "v", "emptyDir": {}}],
    }
    schemas.of(PODS).decode(obj)
    assert obj["metadata"] == {"name": "web"}
    assert obj["spec"]["containers"][0] == {
        "name": "app",
        "image": "nginx",
        "securityContext": {"privileged": False, "runAsUser": 0},
    }
    assert "hostNetwork" not in obj["spec"]
    assert obj["spec"]["terminationGracePeriodSeconds"] == 0
    assert obj["spec"]["volumes"] == [{"name": "v", "emptyDir": {}}]


def test_values_are_rewritten_as_kubernetes_writes_them(schemas: Schemas) -> None:
    obj = pod(
        resources={
            "limits": {"cpu": "1000m", "memory": 1073741824},
            "requests": {"cpu": 0.5, "memory": "1024Mi"},
        }
    )
    obj["metadata"]["deletionTimestamp"] = "2026-01-01T02:00:00+02:00"
    schemas.of(PODS).decode(obj)
    assert obj["spec"]["containers"][0]["resources"] == {
        "limits": {"cpu": "1", "memory": "1073741824"},
        "requests": {"cpu": "500m", "memory": "1Gi"},
    }
    assert obj["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:00Z"


def test_resource_lists_round_up_to_thousandths(schemas: Schemas) -> None:
    obj = pod(resources={"requests": {"cpu": "100u"}})
    schemas.of(PODS).decode(obj)
    assert obj["spec"]["containers"][0]["resources"] == {"requests": {"cpu": "1m"}}


def test_free_form_fields_are_left_alone(schemas: Schemas) -> None:
    anything = {
        "type": "object",
        "default": {"a": None, "b": {}},
        "properties": {"x": {"type": "string", "bad": 1}},
    }
    obj: Obj = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "x", "managedFields": [{"manager": "m", "fieldsV1": {"f:a": {}, "f:b": None}}]},
        "spec": {"versions": [{"name": "v1", "schema": {"openAPIV3Schema": anything}}]},
    }
    before = copy(obj)
    findings = schemas.of(CUSTOM_RESOURCE_DEFINITIONS).decode(obj)
    assert findings.unknown == ["spec.versions[0].schema.openAPIV3Schema.properties.x.bad"]
    assert obj["metadata"] == before["metadata"]
    read = obj["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert read["default"] == {"a": None, "b": {}}
    assert read["properties"] == {"x": {"type": "string"}}


@pytest.mark.parametrize("value", [True, {"type": "string"}])
def test_a_schema_or_a_boolean(schemas: Schemas, value: Any) -> None:
    obj = {"additionalProperties": value}
    name = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"
    assert schemas.of(name).decode(obj).unknown == []
    assert obj == {"additionalProperties": value}


def test_custom_resources_have_typed_metadata_and_keep_everything_else(schemas: Schemas) -> None:
    custom = Resource("example.com", "v1", "Thing", "things", "thing", True, custom=True)
    obj: Obj = {
        "apiVersion": "example.com/v1",
        "kind": "Thing",
        "metadata": {"name": "a", "labels": {}},
        "any": {"x": None},
    }
    assert schemas.of(custom).decode(obj).unknown == []
    assert obj == {
        "apiVersion": "example.com/v1",
        "kind": "Thing",
        "metadata": {"name": "a"},
        "any": {"x": None},
    }
    obj["metadata"]["labels"] = {"a": 1}
    assert refusal(schemas, custom, obj) == (
        'Thing in version "v1" cannot be handled as a Thing: json: cannot unmarshal number into Go struct field '
        "ObjectMeta.metadata.labels of type string"
    )


# -- refusing ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (
            {"replicas": "3"},
            "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        (
            {"replicas": 1.5},
            "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        (
            {"replicas": 2**31},
            "json: cannot unmarshal number 2147483648 into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        (
            {"replicas": True},
            "json: cannot unmarshal bool into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        (
            {"paused": "no"},
            "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.paused of type bool",
        ),
        (
            {"template": []},
            "json: cannot unmarshal array into Go struct field DeploymentSpec.spec.template of type v1.PodTemplateSpec",
        ),
        (
            {"template": {"spec": {"containers": {}}}},
            "json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers "
            "of type []v1.Container",
        ),
        (
            {"template": {"spec": {"restartPolicy": 1}}},
            "json: cannot unmarshal number into Go struct field PodSpec.spec.template.spec.restartPolicy "
            "of type v1.RestartPolicy",
        ),
        (
            {"template": {"spec": {"volumes": [{"emptyDir": {"medium": 5}}]}}},
            "json: cannot unmarshal number into Go struct field "
            "EmptyDirVolumeSource.spec.template.spec.volumes.VolumeSource.emptyDir.medium of type v1.StorageMedium",
        ),
        (
            {"template": {"spec": {"containers": [{"ports": [{"containerPort": "80"}]}]}}},
            "json: cannot unmarshal string into Go struct field "
            "ContainerPort.spec.template.spec.containers.ports.containerPort of type int32",
        ),
        (
            {"template": {"spec": {"containers": [{"command": ["a", 1]}]}}},
            "json: cannot unmarshal number into Go struct field Container.spec.template.spec.containers.command "
            "of type string",
        ),
        (
            {"template": {"spec": {"containers": [{"resources": {"limits": {"cpu": "1 core"}}}]}}},
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": 1.5}}},
            "json: cannot unmarshal number 1.5 into Go struct field "
            "RollingUpdateDeployment.spec.strategy.rollingUpdate.maxSurge of type int32",
        ),
    ],
)
def test_a_wrong_type_is_refused_with_gos_text(schemas: Schemas, spec: Obj, why: str) -> None:
    message = refusal(schemas, DEPLOYMENTS, deployment(**spec))
    assert message == f'Deployment in version "v1" cannot be handled as a Deployment: {why}'


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"paused": 1, "replicas": "x"}, "field DeploymentSpec.spec.paused of type bool"),
        (  # a value that its type reads itself is told of before any that is of another type
            {"paused": 1, "template": {"metadata": {"creationTimestamp": "x"}}, "replicas": "x"},
            'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"',
        ),
        (
            {"paused": 1, "strategy": {"rollingUpdate": {"maxSurge": []}}},
            "json: cannot unmarshal array into Go struct field RollingUpdateDeployment.spec.strategy.rollingUpdate"
            ".maxSurge of type int32",
        ),
        ({"template": {"spec": {"containers": [1, {"name": 2}]}}}, "of type v1.Container"),
    ],
)
def test_the_mismatch_that_is_told(schemas: Schemas, spec: Obj, told: str) -> None:
    assert refusal(schemas, DEPLOYMENTS, deployment(**spec)).endswith(told)


@pytest.mark.parametrize(
    ("resource", "obj", "why"),
    [
        (
            SECRETS,
            {"kind": "Secret", "apiVersion": "v1", "data": {"a": "no base64!"}},
            'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 2',
        ),
        (
            DAEMON_SETS,
            {
                "kind": "DaemonSet",
                "apiVersion": "apps/v1",
                "metadata": {"annotations": {"deprecated.daemonset.template.generation": "x"}},
            },
            'DaemonSet in version "v1" cannot be handled as a DaemonSet: strconv.ParseInt: parsing "x": invalid syntax',
        ),
        (
            LEASES,
            {
                "kind": "Lease",
                "apiVersion": "coordination.k8s.io/v1",
                "spec": {"renewTime": "2026-01-01T00:00:00Z"},
            },
            'Lease in version "v1" cannot be handled as a Lease: parsing time "2026-01-01T00:00:00Z" as '
            '"2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"',
        ),
        (
            PODS,
            {"metadata": {"creationTimestamp": 5}},
            'Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal number into Go struct field '
            "ObjectMeta.metadata.creationTimestamp of type string",
        ),
    ],
)
def test_bad_values_are_refused_with_gos_text(
    schemas: Schemas, resource: Resource, obj: Obj, why: str
) -> None:
    assert refusal(schemas, resource, obj) == why


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (
            b"[]",
            "json: cannot unmarshal array into Go value of type struct { APIVersion string "
            r'"json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" } (5b5d)',
        ),
        (
            b'{"kind":5,"apiVersion":"v1","metadata":{}}',
            "json: cannot unmarshal number into Go struct field .kind of type string "
            '({"kind":5,"apiVersion":"v1","m ...)',
        ),
    ],
)
def test_what_is_not_an_object_at_all_is_not_recognized(schemas: Schemas, body: bytes, why: str) -> None:
    message = refusal(schemas, PODS, orjson.loads(body), body)
    assert message == (
        "the object provided is unrecognized (must be of type Pod): couldn't get version/kind; json parse error: "
        + why
    )
