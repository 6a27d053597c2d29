from dataclasses import replace

import pytest

from kubepy.api import custom, errors, fields
from kubepy.api.builtins import EVENTS, JOBS, NAMESPACES, NODES, PODS, REPLICA_SETS, SECRETS, SERVICES
from kubepy.api.schema import Schemas
from kubepy.api.selectors import parse_fields

POD = {
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"nodeName": "n1", "restartPolicy": "Always", "hostNetwork": True},
    "status": {"phase": "Running", "podIPs": [{"ip": "10.0.0.1"}]},
}


@pytest.mark.parametrize(
    ("resource", "obj", "selector", "matches"),
    [
        (PODS, POD, "spec.nodeName=n1,status.phase!=Pending", True),
        (PODS, POD, "spec.nodeName=", False),
        (PODS, {"metadata": {"name": "x"}, "spec": {}}, "spec.nodeName=", True),
        (PODS, POD, "status.podIP=10.0.0.1,spec.hostNetwork=true", True),
        (PODS, {"metadata": {"name": "x"}}, "spec.hostNetwork=false", True),
        (PODS, POD, "metadata.name=web,metadata.namespace=default", True),
        (NODES, {"metadata": {"name": "n"}, "spec": {}}, "spec.unschedulable=false", True),
        (
            NODES,
            {"metadata": {"name": "n"}, "spec": {"unschedulable": True}},
            "spec.unschedulable=false",
            False,
        ),
        (NAMESPACES, {"metadata": {"name": "n"}, "status": {"phase": "Active"}}, "status.phase=Active", True),
        (SECRETS, {"metadata": {"name": "n"}, "type": "Opaque"}, "type=Opaque", True),
        (SERVICES, {"metadata": {"name": "n"}, "spec": {"type": "ClusterIP"}}, "spec.type=ClusterIP", True),
        (JOBS, {"metadata": {"name": "n"}, "status": {"succeeded": 2}}, "status.successful=2", True),
        (JOBS, {"metadata": {"name": "n"}}, "status.successful=0", True),
        (
            EVENTS,
            {
                "metadata": {"name": "e"},
                "involvedObject": {"kind": "Pod", "name": "web"},
                "source": {"component": "k"},
            },
            "involvedObject.kind=Pod,involvedObject.name=web,source=k",
            True,
        ),
    ],
)
def test_matching_by_field(resource, obj, selector, matches):
    assert fields.matcher(resource, parse_fields(selector))(obj) is matches


def test_every_match_of_the_empty_selector():
    assert fields.matcher(PODS, parse_fields(""))(POD)


@pytest.mark.parametrize(
    ("resource", "field", "why"),
    [
        (PODS, "spec.x", "field label not supported: spec.x"),
        (JOBS, "spec.x", 'field label "spec.x" not supported for Job'),
        (NODES, "metadata.namespace", "field label not supported: metadata.namespace"),
        (
            REPLICA_SETS,
            "status.replicas",
            '"status.replicas" is not a known field selector: only "metadata.name", "metadata.namespace"',
        ),
    ],
)
def test_unknown_fields_are_bad_requests(resource, field, why):
    with pytest.raises(errors.BadRequest) as raised:
        fields.check(resource, parse_fields(f"{field}=x"))
    assert raised.value.message == why


def test_custom_resources_name_their_own_fields():
    resource = replace(
        PODS,
        group="example.com",
        custom=True,
        own=custom.Own(custom.CustomSchema(Schemas(), "Foo", {}), selectable_fields=("spec.color",)),
    )
    obj = {"metadata": {"name": "x"}, "spec": {"color": "red"}}
    assert fields.matcher(resource, parse_fields("spec.color=red"))(obj)
    with pytest.raises(errors.BadRequest, match=r"field label not supported: spec\.size"):
        fields.check(resource, parse_fields("spec.size=1"))
