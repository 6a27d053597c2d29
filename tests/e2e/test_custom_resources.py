"""Custom kinds as kubectl and the Python client see them."""

from __future__ import annotations

import json

import pytest
import yaml

WIDGETS = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: GROUPPLURAL}
spec:
  group: GROUP
  scope: Namespaced
  names: {plural: widgets, kind: Widget, shortNames: [wd], categories: [all]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}
    additionalPrinterColumns:
    - {name: Color, type: string, jsonPath: .spec.color}
    - {name: Ready, type: string, jsonPath: '.status.conditions[?(@.type=="Ready")].status'}
    - {name: Replicas, type: integer, jsonPath: .spec.replicas, priority: 1}
    selectableFields:
    - jsonPath: .spec.color
    schema:
      openAPIV3Schema:
        type: object
        required: [spec]
        properties:
          spec:
            type: object
            description: What is wanted of a widget.
            required: [color]
            properties:
              color: {type: string, enum: [red, green], description: The colour.}
              replicas: {type: integer, default: 1, minimum: 0}
              port: {x-kubernetes-int-or-string: true}
          status: {type: object, x-kubernetes-preserve-unknown-fields: true}
"""


def widgets(group: str) -> str:
    return WIDGETS.replace("GROUPPLURAL", f"widgets.{group}").replace("GROUP", group)


def widget(group: str, name: str = "w", **spec: object) -> str:
    spec = spec or {"color": "red"}
    metadata = {"name": name}
    return yaml.safe_dump({"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": metadata, "spec": spec})


@pytest.fixture
def group(cluster, namespace: str):
    """A group of the test's own, with widgets in it."""
    name = f"{namespace}.example.com"
    cluster.kubectl("apply", "-f", "-", input=widgets(name))
    cluster.kubectl("wait", "--for=condition=Established", f"crd/widgets.{name}", "--timeout=10s")
    yield name
    cluster.kubectl("delete", "crd", f"widgets.{name}", "--ignore-not-found")


def test_objects_are_applied_listed_and_selected(cluster, group: str):
    kind = f"widgets.{group}"
    assert cluster.kubectl("apply", "-f", "-", input=widget(group)).stdout == f"widget.{group}/w created\n"
    assert cluster.kubectl("apply", "-f", "-", input=widget(group)).stdout == f"widget.{group}/w unchanged\n"
    cluster.kubectl("apply", "-f", "-", input=widget(group, "v", color="green"))
    lines = cluster.kubectl("get", kind).stdout.splitlines()
    assert [line.split() for line in lines] == [["NAME", "COLOR", "READY"], ["v", "green"], ["w", "red"]]
    assert "REPLICAS" in cluster.kubectl("get", kind, "-o", "wide").stdout
    selected = cluster.kubectl("get", kind, "--field-selector=spec.color=green", "-o", "name").stdout
    assert selected == f"widget.{group}/v\n"
    assert f"widget.{group}/w" in cluster.kubectl("get", "all").stdout


def test_what_does_not_fit_is_refused_in_kubernetes_words(cluster, group: str):
    bad = cluster.kubectl("apply", "-f", "-", input=widget(group, color="blue"), check=False)
    assert bad.stderr == (
        'The Widget "w" is invalid: spec.color: Unsupported value: "blue": supported values: "red", "green"\n'
    )
    unknown = cluster.kubectl("create", "-f", "-", input=widget(group, color="red", colour="x"), check=False)
    assert 'strict decoding error: unknown field "spec.colour"' in unknown.stderr
    warned = cluster.kubectl(
        "create", "--validate=warn", "-f", "-", input=widget(group, color="red", colour="x")
    )
    assert warned.stderr == 'Warning: unknown field "spec.colour"\n'


def test_explain_knows_the_schema(cluster, group: str):
    text = cluster.kubectl("explain", f"widgets.{group}.spec", check=False).stdout
    text = text or cluster.kubectl("explain", "widgets.spec", f"--api-version={group}/v1").stdout
    assert "What is wanted of a widget." in text
    assert "color\t<string> -required-" in text and "enum: red, green" in text


def test_scale_and_status(cluster, group: str):
    kind = f"widgets.{group}"
    cluster.kubectl("apply", "-f", "-", input=widget(group))
    assert cluster.kubectl("scale", kind, "w", "--replicas=4").stdout == f"widget.{group}/w scaled\n"
    status = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}, "spec": {"color": "green"}}
    cluster.kubectl("patch", kind, "w", "--subresource=status", "--type=merge", "-p", json.dumps(status))
    found = json.loads(cluster.kubectl("get", kind, "w", "-o", "json").stdout)
    assert (found["spec"], found["metadata"]["generation"]) == ({"color": "red", "replicas": 4}, 2)
    assert cluster.kubectl("get", kind, "w", "--no-headers").stdout.split() == ["w", "red", "True"]


def test_server_side_apply_owns_fields_of_custom_kinds(cluster, group: str):
    cluster.kubectl("apply", "--server-side", "--field-manager=one", "-f", "-", input=widget(group))
    other = widget(group, color="green")
    refused = cluster.kubectl(
        "apply", "--server-side", "--field-manager=two", "-f", "-", input=other, check=False
    )
    assert 'conflict with "one": .spec.color' in refused.stderr


def test_the_definition_takes_its_objects_along(cluster, group: str):
    cluster.kubectl("apply", "-f", "-", input=widget(group))
    cluster.kubectl("delete", "crd", f"widgets.{group}")
    gone = cluster.kubectl("get", f"widgets.{group}", check=False)
    assert gone.returncode == 1
    cluster.kubectl("apply", "-f", "-", input=widgets(group))
    cluster.kubectl("wait", "--for=condition=Established", f"crd/widgets.{group}", "--timeout=10s")
    assert cluster.kubectl("get", f"widgets.{group}").stdout == ""


def test_a_definition_and_its_object_in_one_file_take_two_applies(cluster, namespace: str):
    """As anywhere: kubectl finds out what all kinds are before it creates the first object."""
    group = f"{namespace}.example.com"
    both = f"{widgets(group)}\n---\n{widget(group)}"
    first = cluster.kubectl("apply", "-f", "-", input=both, check=False)
    assert first.returncode == 1
    assert first.stdout == f"customresourcedefinition.apiextensions.k8s.io/widgets.{group} created\n"
    assert (
        f'no matches for kind "Widget" in version "{group}/v1"\nensure CRDs are installed first'
        in first.stderr
    )
    # At once, without a wait: what is created is served when kubectl hears of it, and kubectl asks again.
    second = cluster.kubectl("apply", "-f", "-", input=both)
    assert f"widget.{group}/w created\n" in second.stdout
    cluster.kubectl("delete", "crd", f"widgets.{group}")
