"""Go's internal form of structs, as texts show it."""

import re

import pytest

from kubepy.api import errors, internals


@pytest.mark.parametrize(
    ("struct", "value", "text"),
    [
        (
            "Taint",
            {"key": "a", "effect": "NoSchedule"},
            '{"Key":"a","Value":"","Effect":"NoSchedule","TimeAdded":null}',
        ),
        ("SeccompProfile", {"localhostProfile": "x", "type": "y"}, '{"Type":"y","LocalhostProfile":"x"}'),
        (
            "DeploymentStrategy",
            {"type": "x", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 1}},
            '{"Type":"x","RollingUpdate":{"MaxUnavailable":1,"MaxSurge":"25%"}}',
        ),
        # Types of apimachinery have tags.
        (
            "LabelSelector",
            {"matchExpressions": [{"operator": "In", "values": ["b"]}], "matchLabels": {"b": "1", "a": "2"}},
            '{"matchLabels":{"a":"2","b":"1"},"matchExpressions":[{"key":"","operator":"In","values":["b"]}]}',
        ),
        ("ResourceFieldSelector", {}, '{"ContainerName":"","Resource":"","Divisor":"0"}'),
        ("Taint", None, "null"),
    ],
)
def test_internal_form(struct, value, text):
    assert errors.render_value(internals.of(struct, value)) == text


def test_a_template_shows_its_metadata_among_its_fields():
    shown = internals.of("PodTemplateSpec", {"metadata": {"labels": {"a": "b"}}, "spec": {}})
    assert list(shown) == ["labels", "Spec"]


def test_what_a_pod_shares_with_its_host_is_in_its_security_context():
    context = internals.of("PodSpec", {"hostPID": True})["SecurityContext"]
    assert context["HostPID"] is True and context["HostNetwork"] is False and context["HostUsers"] is None


def test_every_struct_of_the_table_is_complete():
    rows = re.findall(r"^(\w+) ", internals._TABLE, re.MULTILINE)
    assert len(rows) == len(set(rows))
    for row in rows:
        assert internals.of(row, {}) is not None
